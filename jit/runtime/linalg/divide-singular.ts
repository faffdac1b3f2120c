/** Bidiagonal matrices by divide and conquer. */
import { add, mul, sub } from '../../wasm/addresses.ts';
import { call, type Expr, type Func, FunctionBuilder, f64c, i32c, op, select } from '../../wasm/code.ts';
import { mergeRoomAt, placesOf } from './merging.ts';
import { indexInOrder, read, word } from './orders.ts';
import { at, f64, get, put, setIdentity } from './plane.ts';
import { leafSize, negligibleCoupling, negligibleShare } from './spectral-constants.ts';

/**
 *     divide_bidiagonal(n, d, e, u, uRow, v, vRow, order, uNotes, vNotes, room) → 1, or 0 if an iteration did not end
 *
 * of an upper bidiagonal matrix B with the diagonal d and e beside it, of which the last element is 0: the singular values in d, the
 * left vectors in rows of n elements at u, the right ones in rows of n + 1 at v, where the last is 0, and the ascending order.
 *
 * A row (α, β) in the middle of B couples two parts, each of which has one column more than rows (M. Gu and S. Eisenstat, A
 * divide-and-conquer algorithm for the bidiagonal SVD, 1995): B is one of them more than it has rows as well, with a column of
 * zeros. In the basis of the vectors of the parts the whole is diagonal but for that row, whose elements z are α times the last
 * elements of the right vectors above and β times the first of those below; the two vectors that the parts do not take anywhere
 * are turned so that z has one element for both, and is the first row beside a diagonal of (0, d). Its singular values are the roots
 * of those of diag(0, d²) + z·zᵀ, and from its [secular vectors](./secular.ts) v come the left ones M·v = (−1, d·v). Deflation is as
 * for [eigenvalues](./divide.ts).
 */
export const divideSingularFunctions = (): Func[] => [divide(), merge()];

const one = i32c(1);
const bytesOf = (count: Expr): Expr => op('i32.shl', count, i32c(3));

function divide(): Func {
  const f = new FunctionBuilder('divide_bidiagonal', new Array(11).fill('i32'), 'i32');
  const [n, d, e, u, uRow, v, vRow, order, uNotes, vNotes, room] = f.parameters;
  const columns = f.let(add(n, one));
  const { bases, numbers } = mergeRoomAt(f, columns, 2, room);
  const [lefts, rights] = bases;
  const [diagonal, beside] = numbers as [Expr, Expr];
  const parts = f.var(one);
  f.while(op('i32.gt_s', n, mul(parts, i32c(leafSize))), () => f.set(parts, op('i32.shl', parts, one)));
  // Part k has the columns from here on, and as many rows but one.
  const start = (part: Expr): Expr => f.let(op('i32.div_u', mul(part, columns), parts));
  const corner = (table: Expr, row: Expr, i: Expr): Expr => at(add(table, mul(i, row)), i);
  f.for(0, parts, (part) => {
    const from = start(part);
    const width = f.let(sub(start(add(part, one)), from));
    const count = f.let(sub(width, one));
    const last = f.let(bytesOf(count));
    // With a row of zeros it is square, and the vectors of that row and of the column too many belong to its zero.
    f.copy(diagonal, at(d, from), last);
    f.copy(beside, at(e, from), last);
    for (const run of [diagonal, beside]) f.store('f64.store', add(run, last), f64c(0));
    for (const table of bases) setIdentity(f, table, width, width);
    const tables = [lefts, width, rights, width];
    const done = call('bidiagonal_qr', 'i32', width, diagonal, beside, ...tables, uNotes, vNotes);
    f.if(op('i32.eqz', done), () => f.return(i32c(0)));
    f.copy(at(d, from), diagonal, last);
    const length = f.let(bytesOf(width));
    const place = (to: Expr, row: Expr, source: Expr, rows: Expr, bytes: Expr): void =>
      f.for(0, rows, (i) => f.call('copy_row', add(to, mul(i, row)), add(source, mul(i, length)), bytes));
    place(corner(u, uRow, from), uRow, lefts, count, last);
    place(corner(v, vRow, from), vRow, rights, width, length);
    f.call('sort_indices', count, at(d, from), word(order, from));
  });
  f.while(op('i32.gt_u', parts, one), () => {
    f.for(
      0,
      parts,
      (part) => {
        const [from, middle, to] = [start(part), start(add(part, one)), start(add(part, i32c(2)))];
        const sizes = [sub(sub(middle, from), one), sub(sub(to, middle), one)];
        const row = [get(d, middle, -1), get(e, middle, -1)];
        const own = [at(d, from), corner(u, uRow, from), uRow, corner(v, vRow, from), vRow, word(order, from)];
        f.call('merge_bidiagonal', ...sizes, ...row, ...own, room, columns);
      },
      2,
    );
    f.set(parts, op('i32.shr_u', parts, one));
  });
  f.return(one);
  return f.build();
}

/** merge_bidiagonal(upper, lower, α, β, d, u, uRow, v, vRow, order, room, most): of so many rows each, and one between them. */
function merge(): Func {
  const types = ['i32', 'i32', 'f64', 'f64', ...new Array<'i32'>(8).fill('i32')] as const;
  const f = new FunctionBuilder('merge_bidiagonal', types);
  const [upper, lower, alpha, beta, d, u, uRow, v, vRow, order, room, most] = f.parameters;
  const { bases, copies, numbers, indices, work } = mergeRoomAt(f, most, 2, room);
  const [leftBasis, basis] = bases;
  const [z, poles, weights, values, scratch] = numbers as [Expr, Expr, Expr, Expr, Expr];
  const [sorted, kinds, chosen, places] = indices as [Expr, Expr, Expr, Expr];
  const start = f.let(add(upper, one));
  const n = f.let(add(start, lower));
  const width = f.let(add(lower, one));
  const [uAt, vAt] = [(i: Expr) => add(u, mul(i, uRow)), (i: Expr) => add(v, mul(i, vRow))];
  const zero = f64c(0);
  // A row that couples nothing may have squares that vanish.
  const isCoupled = op('f64.ge', f64.add(f64.abs(alpha), f64.abs(beta)), f64c(negligibleCoupling));
  const coupling = f.let(select(isCoupled, f64c(1), zero));
  f.set(alpha, f64.mul(alpha, coupling));
  f.set(beta, f64.mul(beta, coupling));

  put(f, d, upper, zero);
  const largest = f.var(op('f64.max', f64.abs(alpha), f64.abs(beta)));
  f.for(0, n, (i) => f.set(largest, op('f64.max', largest, get(d, i))));
  const tolerance = f.let(f64.mul(f64c(negligibleShare), largest));
  f.fill(uAt(upper), i32c(0), bytesOf(n));
  put(f, uAt(upper), upper, f64c(1));
  f.for(0, start, (i) => {
    put(f, z, i, f64.mul(alpha, get(vAt(i), upper)));
    f.fill(at(uAt(i), start), i32c(0), bytesOf(lower));
    f.fill(at(vAt(i), start), i32c(0), bytesOf(width));
  });
  f.for(start, add(n, one), (i) => {
    put(f, z, i, f64.mul(beta, get(vAt(i), start)));
    f.fill(vAt(i), i32c(0), bytesOf(start));
  });
  f.for(start, n, (i) => f.fill(uAt(i), i32c(0), bytesOf(start)));
  const [one0, other] = [f.let(get(z, upper)), f.let(get(z, n))];
  const length = f.let(f64.length(one0, other));
  f.if(op('f64.gt', length, tolerance), () =>
    f.call('rotate', vAt(upper), vAt(n), add(n, one), f64.div(one0, length), f64.div(other, length)),
  );

  f.for(upper, sub(n, one), (i) => f.store('i32.store', word(order, i), add(read(order, add(i, one)), start)));
  f.call('merge_orders', upper, sub(n, one), d, order, sorted);
  const tables = [v, vRow, add(n, one), u, uRow, n];
  const lists = [sorted, kinds, add(chosen, i32c(4))];
  const args = [sub(n, one), n, upper, d, z, f64c(1), tolerance, ...tables, ...lists];
  const count = f.let(add(call('deflate', 'i32', ...args), one));
  f.store('i32.store', chosen, upper);
  f.store('i32.store', word(kinds, upper), one);
  const { uppers, mixed } = placesOf(f, count, kinds, chosen, places);
  f.for(0, count, (i) => {
    put(f, poles, i, get(d, read(chosen, i)));
    put(f, weights, i, get(z, read(chosen, i)));
  });
  f.for(count, n, (i) => put(f, values, i, get(d, read(chosen, i))));
  f.if(
    op('i32.eq', count, one),
    () => {
      put(f, values, i32c(0), length);
      put(f, basis, i32c(0), f64c(1));
      put(f, leftBasis, i32c(0), f64c(1));
    },
    () => {
      // The poles are 0 and numbers that differ by more than the tolerance; only the first of these may be closer to 0.
      put(f, weights, i32c(0), op('f64.max', length, tolerance));
      put(f, poles, one, op('f64.max', get(poles, one), f64.mul(f64c(0.5), tolerance)));
      f.call('secular_vectors', count, poles, weights, one, values, basis, scratch);
      f.for(0, count, (j) => {
        const [right, left] = [f.let(at(basis, mul(j, count))), f.let(at(leftBasis, mul(j, count)))];
        f.for(1, count, (i) => put(f, left, i, f64.mul(get(poles, i), get(right, i))));
        put(f, left, i32c(0), f64c(-1));
        for (const row of [left, right]) f.call('unit_in_places', count, row, places, scratch);
      });
    },
  );
  const chosenOnes = [n, count, uppers, mixed, chosen, places];
  f.call('change_basis', ...chosenOnes, basis, v, vRow, start, width, copies, work);
  f.call('change_basis', ...chosenOnes, leftBasis, u, uRow, start, lower, copies, work);
  f.copy(d, values, bytesOf(n));
  indexInOrder(f, sorted, i32c(0), n);
  f.call('merge_orders', count, n, d, sorted, order);
  return f.build();
}
