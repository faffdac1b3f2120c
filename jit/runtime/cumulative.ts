import { type DType, shortName } from '../../src/core/dtype.ts';
import { noMath, vectorOp } from '../lower/expressions/vector-code.ts';
import { combineScalars } from '../lower/folds/combine.ts';
import { elementBytes } from '../lower/kernels/kernel.ts';
import { scalarType } from '../lower/storage.ts';
import { add, mul } from '../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, i32c, load, op, select } from '../wasm/code.ts';
import { loadElement, storeElement } from '../wasm/loop-nest.ts';
import { inChunks } from './chunks.ts';
import type { Folding } from './cumulative-calls.ts';

const operations: readonly Folding[] = ['add', 'mul', 'max', 'min'];
const numeric: readonly DType[] = ['float32', 'float64', 'int32', 'uint32'];

/**
 * Folding sums, products and extrema along the middle axis of outer × n × inner elements, from either end:
 *
 *     cumulative_add_f32(outer, n, inner, reverse, from, to)
 *
 * A row whose elements lie together goes by one after the other, in one register. Otherwise whole lines of `inner` elements
 * are combined, in vectors.
 */
export const cumulativeFunctions = (): Func[] =>
  operations.flatMap((name) => numeric.flatMap((dtype) => [row(name, dtype), line(name, dtype), along(name, dtype)]));

/** n more elements of a row, after `total`: the last result. `step` bytes from one to the next. */
function row(name: Folding, dtype: DType): Func {
  const type = scalarType(dtype);
  const f = new FunctionBuilder(`cumulative_row_${name}_${shortName(dtype)}`, ['i32', 'i32', 'i32', 'i32', type], type);
  const [n, from, to, step, total] = f.parameters;
  f.for(0, n, () => {
    const x = f.let(loadElement(dtype, from));
    f.set(
      total,
      combineScalars(name, dtype, total, x, (e) => f.let(e)),
    );
    storeElement(f, dtype, to, total);
    f.set(from, add(from, step));
    f.set(to, add(to, step));
  });
  f.return(total);
  return f.build();
}

/** to[i] = before[i] combined with x[i], for n elements. */
function line(name: Folding, dtype: DType): Func {
  const f = new FunctionBuilder(`cumulative_line_${name}_${shortName(dtype)}`, ['i32', 'i32', 'i32', 'i32']);
  const [n, to, before, x] = f.parameters;
  const bytes = elementBytes[dtype];
  const parts = bytes / 4;
  const advance = (count: number): void => {
    for (const ptr of [to, before, x]) f.set(ptr, add(ptr, i32c(count * bytes)));
  };
  f.for(
    0,
    op('i32.and', n, i32c(-4)),
    () => {
      const vector = (ptr: Expr): Expr[] =>
        Array.from({ length: parts }, (_, i) => f.let(load('v128.load', ptr, 16 * i)));
      vectorOp(name, dtype, [vector(before), vector(x)], dtype, (e) => f.let(e), noMath).forEach((part, i) => {
        f.store('v128.store', to, part, 16 * i);
      });
      advance(4);
    },
    4,
  );
  f.for(0, op('i32.and', n, i32c(3)), () => {
    const [a, b] = [f.let(loadElement(dtype, before)), f.let(loadElement(dtype, x))];
    storeElement(
      f,
      dtype,
      to,
      combineScalars(name, dtype, a, b, (e) => f.let(e)),
    );
    advance(1);
  });
  return f.build();
}

function along(name: Folding, dtype: DType): Func {
  const short = shortName(dtype);
  const bytes = i32c(elementBytes[dtype]);
  const f = new FunctionBuilder(`cumulative_${name}_${short}`, new Array(6).fill('i32'));
  const [outer, n, inner, reverse, from, to] = f.parameters;
  const width = f.let(mul(inner, bytes));
  const block = f.let(mul(n, width));
  const step = f.let(select(reverse, op('i32.sub', i32c(0), width), width));
  const first = f.let(select(reverse, op('i32.sub', block, width), i32c(0)));
  f.for(0, outer, () => {
    const [source, target] = [f.var(add(from, first)), f.var(add(to, first))];
    f.if(
      op('i32.eq', inner, i32c(1)),
      () => {
        const total = f.var(loadElement(dtype, source));
        storeElement(f, dtype, target, total);
        f.set(source, add(source, step));
        f.set(target, add(target, step));
        inChunks(f, f.let(op('i32.sub', n, i32c(1))), (i, count) => {
          const moved = f.let(mul(i, step));
          const args = [count, add(source, moved), add(target, moved), step, total];
          f.set(total, { kind: 'call', type: scalarType(dtype), fn: `cumulative_row_${name}_${short}`, args });
        });
      },
      () => {
        f.copy(target, source, width);
        f.for(1, n, () => {
          const last = f.var(target);
          f.set(source, add(source, step));
          f.set(target, add(target, step));
          inChunks(f, inner, (i, count) => {
            const at = f.let(mul(i, bytes));
            f.call(`cumulative_line_${name}_${short}`, count, add(target, at), add(last, at), add(source, at));
          });
        });
      },
    );
    f.set(from, add(from, block));
    f.set(to, add(to, block));
  });
  return f.build(true);
}
