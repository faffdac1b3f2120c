/** General matrices to Hessenberg form. */
import { add, mul, sub } from '../../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, f64c, f64x2c, i32c, load, op, select } from '../../wasm/code.ts';
import { addScaled } from '../../wasm/vector-loops.ts';
import { at, bothLanes, dot, f64, get, put, reflectorCall, scaleRun, subtractTerms, wide } from './plane.ts';
import { roomAt } from './reflections.ts';
import { blockedFrom, panelBlock } from './spectral-constants.ts';

const [none, one] = [i32c(0), i32c(1)];

/**
 *     hessenberg(n, low, high, matrix, row, heads, taus, p, q, blocks)
 *
 * of rows and columns `low` to `high` − 1 (Golub & Van Loan, Matrix Computations, 4th ed., § 7.4.3). The reflection of column k
 * stands in row k of `heads` from element k + 1 on, as `accumulate` reads them; p and q are n numbers each. Rows are contiguous.
 *
 * Large matrices go by panels (J. Dongarra, S. Hammarling and D. Sorensen, Block reduction of matrices to condensed forms for eigenvalue
 * computations, 1989; G. Quintana-Ortí and R. van de Geijn, Improving the performance of reduction to Hessenberg form, 2006): the
 * reflections of a panel are made from its columns and from products of the matrix as it was before the panel with one vector each.
 */
export const hessenbergFunctions = (): Func[] => [bothProducts(), oneByOne(), panel(), inPanels()];

function inPanels(): Func {
  const f = new FunctionBuilder('hessenberg', new Array(10).fill('i32'));
  const [n, low, high, matrix, row, heads, taus, p, q, blocks] = f.parameters;
  f.fill(heads, none, mul(n, row));
  f.fill(taus, none, op('i32.shl', n, i32c(3)));
  const start = f.var(low);
  f.while(op('i32.ge_s', sub(high, start), i32c(blockedFrom)), () => {
    f.call('hessenberg_panel', n, start, high, matrix, row, heads, taus, p, q, blocks);
    f.set(start, add(start, i32c(panelBlock)));
  });
  f.call('hessenberg_few', n, start, high, matrix, row, heads, taus, p, q);
  return f.build();
}

/**
 * hessenberg_panel(n, start, high, matrix, row, heads, taus, c, u, blocks): the columns from `start` on, and all else that their reflections change.
 *
 * These are I − V·T·Vᵀ together, and the matrix becomes (I − V·Tᵀ·Vᵀ)·(A − Y·Vᵀ) with Y = A·V·T, of which a column is known as soon as its v is.
 */
function panel(): Func {
  const f = new FunctionBuilder('hessenberg_panel', new Array(10).fill('i32'));
  const [n, start, high, matrix, row, heads, taus, c, u, blocks] = f.parameters;
  const { first: y, second: negated, factor: t, gram: other, work } = roomAt(f, n, blocks);
  const block = i32c(panelBlock);
  const tRow = i32c(8 * panelBlock);
  const third = f.let(add(negated, mul(block, row)));
  const fourth = f.let(add(third, mul(block, row)));
  const rowOf = (i: Expr): Expr => add(matrix, mul(i, row));
  const top = f.let(add(start, one));
  const count = f.let(sub(high, top));
  const vAt = (l: Expr, i: Expr): Expr => at(add(heads, mul(add(start, l), row)), i);
  const yAt = (l: Expr): Expr => add(y, mul(l, row));
  const tAt = (i: Expr, j: Expr): Expr => at(add(t, mul(i, tRow)), j);
  const number = (place: Expr): Expr => load('f64.load', place);
  f.fill(t, none, mul(block, tRow));
  f.for(0, block, (j) => {
    const k = f.let(add(start, j));
    const next = f.let(add(k, one));
    // The column, without the panel's part on the right, and then on the left.
    const source = f.var(at(rowOf(top), k));
    f.for(0, count, (i) => {
      put(f, c, i, number(source));
      f.set(source, add(source, row));
    });
    subtractTerms(f, c, count, j, (l) => [{ x: yAt(l), alpha: number(vAt(l, k)) }]);
    f.for(0, j, (l) => put(f, u, l, dot(vAt(l, top), c, count)));
    f.for(0, j, (l) => {
      const from = f.let(sub(sub(j, one), l));
      const sum = f.var(f64c(0));
      f.for(0, add(from, one), (i) => f.set(sum, f64.add(sum, f64.mul(number(tAt(i, from)), get(u, i)))));
      put(f, u, from, sum);
    });
    subtractTerms(f, c, count, j, (l) => [{ x: vAt(l, top), alpha: get(u, l) }]);
    const rest = f.let(sub(high, next));
    const v = f.let(vAt(j, next));
    f.copy(v, at(c, j), op('i32.shl', rest, i32c(3)));
    const tau = f.let(reflectorCall(v, i32c(8), rest, v, at(c, j)));
    put(f, taus, k, tau);
    const target = f.var(at(rowOf(top), k));
    f.for(0, count, (i) => {
      f.store('f64.store', target, select(op('i32.le_s', i, j), get(c, i), f64c(0)));
      f.set(target, add(target, row));
    });
    // τ·(A·v − Y·Vᵀ·v), and the column of T.
    f.call('gemm_f64', count, one, rest, at(rowOf(top), next), n, one, v, one, one, yAt(j), one, none, work);
    f.for(0, j, (l) => put(f, u, l, dot(vAt(l, next), v, rest)));
    subtractTerms(f, yAt(j), count, j, (l) => [{ x: yAt(l), alpha: get(u, l) }]);
    scaleRun(f, yAt(j), tau, count);
    f.for(0, j, (i) => {
      const sum = f.var(f64c(0));
      f.for(i, j, (l) => f.set(sum, f64.add(sum, f64.mul(number(tAt(i, l)), get(u, l)))));
      f.store('f64.store', tAt(i, j), f64.neg(f64.mul(tau, sum)));
    });
    f.store('f64.store', tAt(j, j), tau);
  });
  const end = f.let(add(start, block));
  const right = f.let(sub(high, end));
  const beyond = f.let(sub(n, end));
  const v = f.let(vAt(none, none));
  const negate = (to: Expr, from: Expr, rows: Expr, columns: Expr, stride: Expr): void =>
    f.call('negate_f64', rows, columns, to, from, stride, i32c(8));
  negate(other, t, block, block, tRow);
  // Below: A − Y·Vᵀ, and of that I − V·Tᵀ·Vᵀ. A row of the negated Y is as long as the column.
  negate(negated, y, block, count, row);
  const below = f.let(at(rowOf(top), end));
  f.call('gemm_f64', count, right, block, negated, one, count, at(v, end), n, one, below, n, one, work);
  f.call('gemm_f64', block, beyond, count, at(v, top), n, one, below, n, one, third, beyond, none, work);
  f.call('gemm_f64', block, beyond, block, other, one, block, third, beyond, one, fourth, beyond, none, work);
  f.call('gemm_f64', count, beyond, block, at(v, top), one, n, fourth, beyond, one, below, n, one, work);
  // Above: A·(I − V·T·Vᵀ).
  const above = f.let(at(matrix, top));
  f.call('gemm_f64', top, block, count, above, n, one, at(v, top), one, n, third, block, none, work);
  f.call('gemm_f64', top, block, block, third, block, one, other, block, one, fourth, block, none, work);
  f.call('gemm_f64', top, count, block, fourth, block, one, at(v, top), n, one, above, n, one, work);
  return f.build();
}

/** hessenberg_few(n, low, high, matrix, row, heads, taus, p, q) */
function oneByOne(): Func {
  const f = new FunctionBuilder('hessenberg_few', new Array(9).fill('i32'));
  const [n, low, high, matrix, row, heads, taus, p, q] = f.parameters;
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
