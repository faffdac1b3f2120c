/** Symmetric tridiagonal matrices by divide and conquer. */
import { add, mul, sub } from '../../wasm/addresses.ts';
import { call, type Expr, type Func, FunctionBuilder, f64c, i32c, op, select } from '../../wasm/code.ts';
import { type MergeRoom, mergeRoomAt, placesOf } from './merging.ts';
import { indexInOrder, read, word } from './orders.ts';
import { at, f64, get, put, setIdentity } from './plane.ts';
import { leafSize, negligibleCoupling, negligibleShare } from './spectral-constants.ts';

/**
 *     divide_and_conquer(n, d, e, rows, order, notes, room) → 1, or 0 if an iteration did not end
 *
 * of a symmetric tridiagonal matrix T with the diagonal d and e beside it (J. Cuppen, A divide and conquer method for the symmetric
 * tridiagonal eigenproblem, 1981): the eigenvalues in d, the vectors in rows of n elements, and the ascending order in `order`.
 *
 * T without β in its middle, whose magnitude is taken out of its neighbours on the diagonal, are two matrices, and T is these plus
 * |β|·v·vᵀ, where v is 1 and the sign of β in the middle. In the basis of their eigenvectors that is a diagonal matrix plus one of rank
 * 1, with z of the last elements of the vectors above and the first of those below. Where elements of z are negligible, or can be
 * made so by turning the vectors of close eigenvalues, what is there are eigenvalues and vectors already (deflation). The others are
 * [secular vectors](./secular.ts), in a basis that a product of matrices takes back. Vectors of the upper part are zero below and the
 * other way round: vectors are kept in that order for the product, with the few that deflation has mixed in between.
 *
 * Matrices of up to `leafSize` are left to implicit QL.
 */
export const divideFunctions = (): Func[] => [divide(), merge()];

const one = i32c(1);
const bytesOf = (count: Expr): Expr => op('i32.shl', count, i32c(3));

function divide(): Func {
  const f = new FunctionBuilder('divide_and_conquer', new Array(7).fill('i32'), 'i32');
  const [n, d, e, rows, order, notes, room] = f.parameters;
  const row = f.let(bytesOf(n));
  const corner = (i: Expr): Expr => at(add(rows, mul(i, row)), i);
  const {
    bases: [basis],
    numbers: [numbers],
  } = mergeRoomAt(f, n, 1, room) as MergeRoom & { numbers: readonly [Expr] };
  const parts = f.var(one);
  f.while(op('i32.gt_s', n, mul(parts, i32c(leafSize))), () => f.set(parts, op('i32.shl', parts, one)));
  const start = (part: Expr): Expr => f.let(op('i32.div_u', mul(part, n), parts));
  f.for(1, parts, (part) => {
    const i = start(part);
    const size = f.let(f64.abs(get(e, i, -1)));
    put(f, d, i, f64.sub(get(d, i, -1), size), -1);
    put(f, d, i, f64.sub(get(d, i), size));
  });
  f.for(0, parts, (part) => {
    const from = start(part);
    const count = f.let(sub(start(add(part, one)), from));
    f.copy(numbers, at(e, from), bytesOf(count));
    setIdentity(f, basis, count, count);
    const done = call('implicit_ql', 'i32', count, at(d, from), numbers, basis, count, notes);
    f.if(op('i32.eqz', done), () => f.return(i32c(0)));
    const length = f.let(bytesOf(count));
    f.for(0, count, (i) => f.call('copy_row', add(corner(from), mul(i, row)), add(basis, mul(i, length)), length));
    f.call('sort_indices', count, at(d, from), word(order, from));
  });
  f.while(op('i32.gt_u', parts, one), () => {
    f.for(
      0,
      parts,
      (part) => {
        const [from, middle, to] = [start(part), start(add(part, one)), start(add(part, i32c(2)))];
        const sizes = [sub(middle, from), sub(to, middle)];
        const own = [at(d, from), corner(from), row, word(order, from)];
        f.call('merge_parts', ...sizes, get(e, middle, -1), ...own, room, n);
      },
      2,
    );
    f.set(parts, op('i32.shr_u', parts, one));
  });
  f.return(one);
  return f.build();
}

/** merge_parts(upper, lower, β, d, table, row, order, room, most): of so many eigenvalues each. */
function merge(): Func {
  const f = new FunctionBuilder('merge_parts', ['i32', 'i32', 'f64', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
  const [upper, lower, beta, d, table, row, order, room, most] = f.parameters;
  const n = f.let(add(upper, lower));
  const { bases, copies, numbers, indices, work } = mergeRoomAt(f, most, 1, room);
  const [basis] = bases;
  const [z, poles, weights, values, scratch] = numbers as [Expr, Expr, Expr, Expr, Expr];
  const [sorted, kinds, chosen, places] = indices as [Expr, Expr, Expr, Expr];
  const rowAt = (i: Expr): Expr => add(table, mul(i, row));
  f.for(upper, n, (i) => f.store('i32.store', word(order, i), add(read(order, i), upper)));
  f.call('merge_orders', upper, n, d, order, sorted);
  const size = f.let(f64.abs(beta));
  const root = f.let(select(op('f64.lt', size, f64c(negligibleCoupling)), f64c(0), f64.sqrt(size)));
  const signed = f.let(op('f64.copysign', root, beta));
  const largest = f.var(size);
  f.for(0, n, (i) => {
    f.set(largest, op('f64.max', largest, f64.abs(get(d, i))));
    f.if(
      op('i32.lt_s', i, upper),
      () => {
        put(f, z, i, f64.mul(root, get(rowAt(i), upper, -1)));
        f.fill(at(rowAt(i), upper), i32c(0), bytesOf(lower));
      },
      () => {
        put(f, z, i, f64.mul(signed, get(rowAt(i), upper)));
        f.fill(rowAt(i), i32c(0), bytesOf(upper));
      },
    );
  });
  const tolerance = f64.mul(f64c(negligibleShare), largest);
  const [none, tables] = [i32c(0), [table, row, n]];
  const lists = [sorted, kinds, chosen];
  const count = f.let(
    call('deflate', 'i32', n, n, upper, d, z, root, tolerance, ...tables, none, none, none, ...lists),
  );
  const { uppers, mixed } = placesOf(f, count, kinds, chosen, places);
  f.for(0, count, (i) => {
    put(f, poles, i, get(d, read(chosen, i)));
    put(f, weights, i, get(z, read(chosen, i)));
  });
  f.for(count, n, (i) => put(f, values, i, get(d, read(chosen, i))));
  f.call('secular_vectors', count, poles, weights, none, values, basis, scratch);
  f.for(0, count, (j) => f.call('unit_in_places', count, at(basis, mul(j, count)), places, scratch));
  f.call('change_basis', n, count, uppers, mixed, chosen, places, basis, table, row, upper, lower, copies, work);
  f.copy(d, values, bytesOf(n));
  // Both runs ascend.
  indexInOrder(f, sorted, i32c(0), n);
  f.call('merge_orders', count, n, d, sorted, order);
  return f.build();
}
