import type { DType } from '../../src/core/dtype.ts';
import { type Expr, type Func, FunctionBuilder, i32c, load, op, select } from '../wasm/code.ts';
import { loadElement, storeElement } from '../wasm/loop-nest.ts';

const sizes: readonly (readonly [number, DType])[] = [
  [1, 'bool'],
  [4, 'int32'],
  [8, 'float64'],
];

/**
 * Elements along the middle axis of outer × n × inner ones moved to where positions of the same shape say:
 *
 *     rearrange_4(outer, n, inner, inverse, from, positions, to)
 *
 * to[k] = from[p[k]], or with `inverse` to[p[k]] = from[k]. A position out of range, which no sort makes, is the last.
 */
export const rearrangeFunctions = (): Func[] => sizes.map(([bytes, dtype]) => rearrange(bytes, dtype));

function rearrange(bytes: number, dtype: DType): Func {
  const f = new FunctionBuilder(`rearrange_${bytes}`, new Array(7).fill('i32'));
  const [outer, n, inner, inverse, from, positions, to] = f.parameters;
  const add = (a: Expr, b: Expr): Expr => op('i32.add', a, b);
  const mul = (a: Expr, b: Expr): Expr => op('i32.mul', a, b);
  const last = f.let(op('i32.sub', n, i32c(1)));
  const step = f.let(mul(inner, i32c(bytes)));
  f.for(0, outer, () => {
    f.for(0, n, (k) => {
      f.for(0, inner, (i) => {
        const position = f.let(load('i32.load', positions));
        f.set(positions, add(positions, i32c(4)));
        const at = f.let(select(op('i32.lt_u', position, last), position, last));
        const column = f.let(mul(i, i32c(bytes)));
        const here = f.let(add(mul(k, step), column));
        const there = f.let(add(mul(at, step), column));
        f.if(
          inverse,
          () => storeElement(f, dtype, add(to, there), loadElement(dtype, add(from, here))),
          () => storeElement(f, dtype, add(to, here), loadElement(dtype, add(from, there))),
        );
      });
    });
    const block = f.let(mul(n, step));
    f.set(from, add(from, block));
    f.set(to, add(to, block));
  });
  return f.build(true);
}
