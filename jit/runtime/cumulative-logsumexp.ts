import { constant } from '../lower/expressions/scalar-code.ts';
import { elementBytes } from '../lower/kernels/kernel.ts';
import { mathName } from '../math/names.ts';
import { call, type Expr, type Func, FunctionBuilder, i32c, op, select } from '../wasm/code.ts';
import { loadElement, storeElement } from '../wasm/loop-nest.ts';

const types = ['f32', 'f64'] as const;

/** The vector functions that these call. */
export const logSumExpMath: readonly string[] = types.flatMap((type) => [
  mathName('exp', type),
  mathName('log1p', type),
]);

/**
 * Running log Σ exp along the middle axis of outer × n × inner elements, from either end:
 *
 *     cumulative_logaddexp_f32(outer, n, inner, reverse, from, to)
 */
export const cumulativeLogSumExpFunctions = (): Func[] => types.map(along);

/** log(eᵃ + eᵇ) = max + log1p(e^−|a−b|), where equal infinities have difference 0. */
function logAddExp(f: FunctionBuilder, type: 'f32' | 'f64', a: Expr, b: Expr): Expr {
  const zero = constant(0, type === 'f32' ? 'float32' : 'float64');
  const distance = op(`${type}.abs`, op(`${type}.sub`, a, b));
  const gap = f.let(select(op(`${type}.eq`, a, b), zero, op(`${type}.neg`, distance)));
  const tail = f.let(call(mathName('exp', type), type, gap));
  return op(`${type}.add`, op(`${type}.max`, a, b), call(mathName('log1p', type), type, tail));
}

function along(type: 'f32' | 'f64'): Func {
  const dtype = type === 'f32' ? 'float32' : 'float64';
  const f = new FunctionBuilder(`cumulative_logaddexp_${type}`, new Array(6).fill('i32'));
  const [outer, n, inner, reverse, from, to] = f.parameters;
  const add = (a: Expr, b: Expr): Expr => op('i32.add', a, b);
  const width = f.let(op('i32.mul', inner, i32c(elementBytes[dtype])));
  const block = f.let(op('i32.mul', n, width));
  const step = f.let(select(reverse, op('i32.sub', i32c(0), width), width));
  const first = f.let(select(reverse, op('i32.sub', block, width), i32c(0)));
  f.for(0, outer, () => {
    f.for(0, inner, (i) => {
      const start = f.let(add(first, op('i32.mul', i, i32c(elementBytes[dtype]))));
      const [source, target] = [f.var(add(from, start)), f.var(add(to, start))];
      const total = f.var(loadElement(dtype, source));
      storeElement(f, dtype, target, total);
      f.for(1, n, () => {
        f.set(source, add(source, step));
        f.set(target, add(target, step));
        f.set(total, logAddExp(f, type, total, f.let(loadElement(dtype, source))));
        storeElement(f, dtype, target, total);
      });
    });
    f.set(from, add(from, block));
    f.set(to, add(to, block));
  });
  return f.build(true);
}
