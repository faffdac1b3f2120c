import { add, mul, sub } from '../../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, f64c, i32c, op, select } from '../../wasm/code.ts';
import type { FloatCode } from '../../wasm/vector-loops.ts';
import { complexCode } from './complex-code.ts';
import { at, dot, f64, get, put } from './plane.ts';

const one = i32c(1);

/**
 * Square roots of upper triangular matrices of complex numbers (Å. Björck and S. Hammarling, A Schur method for the square root of a matrix, 1983):
 *
 *     triangular_root_f32(batch, n, re, im, rootRe, rootIm, rowsRe, rowsIm, columnsRe, columnsIm)
 *
 * The last four are scratch memory of float64: the root as it is made, by rows and by columns, so that all sums go along memory.
 */
export const triangularRootFunctions = (code: FloatCode): Func[] => [triangularRoot(code)];

function triangularRoot({ type, bytes }: FloatCode): Func {
  const f = new FunctionBuilder(`triangular_root_${type}`, new Array(10).fill('i32'));
  const [batch, n, re, im, rootRe, rootIm, rowsRe, rowsIm, columnsRe, columnsIm] = f.parameters;
  const { pair, size, over } = complexCode(f);
  const zero = f64c(0);
  const row = f.let(op('i32.shl', n, i32c(3)));
  const matrix = f.let(mul(mul(n, n), i32c(bytes)));
  const sourceRow = f.let(mul(n, i32c(bytes)));
  const element = (table: Expr, i: Expr, j: Expr): Expr => get(add(table, mul(i, row)), j);
  const store = (i: Expr, j: Expr, [x, y]: readonly [Expr, Expr]): void => {
    put(f, add(rowsRe, mul(i, row)), j, x);
    put(f, add(rowsIm, mul(i, row)), j, y);
    put(f, add(columnsRe, mul(j, row)), i, x);
    put(f, add(columnsIm, mul(j, row)), i, y);
  };
  f.for(0, batch, () => {
    f.call(`widen_${type}`, rowsRe, re, n, n, sourceRow, i32c(bytes), f64c(1));
    f.call(`widen_${type}`, rowsIm, im, n, n, sourceRow, i32c(bytes), f64c(1));
    f.for(0, n, (j) => {
      const given = pair(element(rowsRe, j, j), element(rowsIm, j, j));
      const largest = f.let(size(given));
      const isZero = op('f64.eq', largest, zero);
      f.if(
        isZero,
        () => store(j, j, [zero, zero]),
        () => {
          const [x, y] = [f.let(f64.div(given.re, largest)), f.let(f64.div(given.im, largest))];
          const half = f64.mul(f64c(0.5), f64.add(f64.length(x, y), f64.abs(x)));
          const larger = f.let(f64.mul(f64.sqrt(half), f64.sqrt(largest)));
          const lesser = f.let(f64.div(f64.abs(given.im), f64.mul(f64c(2), larger)));
          const isLeft = f.let(op('f64.lt', given.re, zero));
          const up = f.let(select(isLeft, larger, lesser));
          store(j, j, [select(isLeft, lesser, larger), select(op('f64.lt', given.im, zero), f64.neg(up), up)]);
        },
      );
      f.for(0, j, (k) => {
        const i = f.let(sub(sub(j, one), k));
        const next = f.let(add(i, one));
        const own = [rowsRe, rowsIm].map((x) => f.let(at(add(x, mul(i, row)), next))) as [Expr, Expr];
        const across = [columnsRe, columnsIm].map((x) => f.let(at(add(x, mul(j, row)), next))) as [Expr, Expr];
        const known = pair(
          f64.sub(dot(own[0], across[0], k), dot(own[1], across[1], k)),
          f64.add(dot(own[0], across[1], k), dot(own[1], across[0], k)),
        );
        const rest = pair(f64.sub(element(rowsRe, i, j), known.re), f64.sub(element(rowsIm, i, j), known.im));
        const divisor = pair(
          f64.add(element(rowsRe, i, i), element(rowsRe, j, j)),
          f64.add(element(rowsIm, i, i), element(rowsIm, j, j)),
        );
        const both = f64.add(size(rest), size(divisor));
        f.if(
          op('f64.eq', both, zero),
          () => store(i, j, [zero, zero]),
          () => {
            const value = over(rest, divisor);
            store(i, j, [value.re, value.im]);
          },
        );
      });
    });
    f.call(`narrow_${type}`, rootRe, rowsRe, n, n, row, i32c(8), f64c(1));
    f.call(`narrow_${type}`, rootIm, rowsIm, n, n, row, i32c(8), f64c(1));
    for (const table of [re, im, rootRe, rootIm]) f.set(table, add(table, matrix));
  });
  return f.build(true);
}
