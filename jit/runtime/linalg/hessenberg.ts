/** General matrices to Hessenberg form. */
import { type Expr, type Func, FunctionBuilder, f64c, f64x2c, i32c, load, op, select } from '../../wasm/code.ts';
import { addScaled } from '../../wasm/vector-loops.ts';
import { add, mul, sub } from './blocks.ts';
import { at, bothLanes, dot, f64, get, put, reflectorCall, scaleRun, wide } from './plane.ts';

const one = i32c(1);

/**
 *     hessenberg(n, low, high, matrix, row, heads, taus, p, q)
 *
 * of rows and columns `low` to `high` − 1 (Golub & Van Loan, Matrix Computations, 4th ed., § 7.4.3). The reflection of column k
 * stands in row k of `heads` from element k + 1 on, as `accumulate` reads them; p and q are n numbers each.
 */
export const hessenbergFunctions = (): Func[] => [bothProducts(), oneByOne()];

function oneByOne(): Func {
  const f = new FunctionBuilder('hessenberg', new Array(9).fill('i32'));
  const [n, low, high, matrix, row, heads, taus, p, q] = f.parameters;
  f.fill(heads, i32c(0), mul(n, row));
  f.fill(taus, i32c(0), op('i32.shl', n, i32c(3)));
  f.for(low, sub(high, i32c(2)), (k) => {
    const next = f.let(add(k, one));
    const count = f.let(sub(high, next));
    const rest = f.let(sub(n, next));
    const v = f.let(at(add(heads, mul(k, row)), next));
    const column = f.let(at(add(matrix, mul(next, row)), k));
    const tau = f.let(reflectorCall(column, row, count, v, column));
    const below = f.var(column);
    f.for(1, count, () => {
      f.set(below, add(below, row));
      f.store('f64.store', below, f64c(0));
    });
    put(f, taus, k, tau);
    f.if(op('f64.ne', tau, f64c(0)), () => {
      // (I − τvvᵀ)·A·(I − τvvᵀ) = A − v·wᵀ − τ·p·vᵀ with p = A·v, q = Aᵀ·v and w = τ·(q − τ(vᵀp)·v): A is read once for both products.
      const start = f.let(at(add(matrix, mul(next, row)), next));
      f.call('both_products', count, rest, start, row, v, p, q);
      const product = f.let(dot(p, v, count));
      addScaled(f, wide, q, v, f64.mul(tau, product), rest);
      scaleRun(f, q, tau, rest);
      const part = f.var(start);
      f.for(0, count, (i) => {
        f.call('subtract_both', part, q, v, rest, get(v, i), f64.mul(tau, get(p, i)));
        f.set(part, add(part, row));
      });
      f.call('reflect_rows', at(matrix, next), row, next, v, count, tau);
    });
  });
  return f.build();
}

/** both_products(rows, columns, matrix, row, v, p, q): p ← A·v and q ← Aᵀ·v; v has 0 beyond `rows`. */
function bothProducts(): Func {
  const f = new FunctionBuilder('both_products', new Array(7).fill('i32'));
  const [rows, columns, matrix, row, v, p, q] = f.parameters;
  f.fill(q, i32c(0), op('i32.shl', columns, i32c(3)));
  const several = (count: number, i: Expr): void => {
    const starts = Array.from({ length: count }, (_, r) => f.let(add(matrix, mul(add(i, i32c(r)), row))));
    const factors = starts.map((_, r) => f.let(get(v, i, r)));
    const splats = factors.map((factor) => f.let(op('f64x2.splat', factor)));
    const sums = starts.map(() => f.var(f64x2c(0)));
    const place = f.var(i32c(0));
    const end = f.let(op('i32.shl', columns, i32c(3)));
    f.while(op('i32.le_s', add(place, i32c(16)), end), () => {
      const x = f.let(load('v128.load', add(v, place)));
      const y = f.var(load('v128.load', add(q, place)));
      starts.forEach((start, r) => {
        const element = f.let(load('v128.load', add(start, place)));
        f.set(sums[r]!, op('f64x2.add', sums[r]!, op('f64x2.mul', element, x)));
        f.set(y, op('f64x2.add', y, op('f64x2.mul', element, splats[r]!)));
      });
      f.store('v128.store', add(q, place), y);
      f.set(place, add(place, i32c(16)));
    });
    const totals = starts.map((_, r) => f.var(bothLanes(sums[r]!)));
    f.if(op('i32.lt_s', place, end), () => {
      const y = f.var(load('f64.load', add(q, place)));
      starts.forEach((start, r) => {
        const element = f.let(load('f64.load', add(start, place)));
        f.set(totals[r]!, f64.add(totals[r]!, f64.mul(element, load('f64.load', add(v, place)))));
        f.set(y, f64.add(y, f64.mul(element, factors[r]!)));
      });
      f.store('f64.store', add(q, place), y);
    });
    starts.forEach((_, r) => {
      put(f, p, i, totals[r]!, r);
    });
  };
  const whole = f.let(op('i32.and', rows, i32c(-4)));
  f.for(0, whole, (i) => several(4, i), 4);
  f.for(whole, rows, (i) => several(1, i));
  return f.build();
}

/** The first rows that `hessenberg` leaves alone are those in front of `low`; of one row or none it has nothing to do. */
export const larger = (x: Expr, y: Expr): Expr => select(op('i32.gt_s', x, y), x, y);
