/** Symmetric tridiagonal matrices by divide and conquer. */
import { call, type Expr, type Func, FunctionBuilder, i32c, type Local, op, select } from '../../code.ts';
import { add, mul, sub } from './blocks.ts';
import { read, word } from './merging.ts';
import { at, f64, get, put, setIdentity } from './plane.ts';
import { leafSize } from './spectral-constants.ts';

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
const half = (count: Expr): Expr => op('i32.shr_u', count, one);

/** Where the parts of scratch memory are. */
interface Room {
  readonly basis: Local;
  readonly copies: Local;
  readonly numbers: Local;
  readonly indices: Local;
  readonly work: Local;
}

function roomAt(f: FunctionBuilder, n: Expr, room: Expr): Room {
  const square = f.let(bytesOf(mul(n, n)));
  const basis = f.var(room);
  const copies = f.var(add(basis, square));
  const numbers = f.var(add(copies, square));
  const indices = f.var(at(numbers, mul(n, i32c(6))));
  const work = f.var(op('i32.and', add(at(indices, mul(n, i32c(2))), i32c(63)), i32c(-64)));
  return { basis, copies, numbers, indices, work };
}

function divide(): Func {
  const f = new FunctionBuilder('divide_and_conquer', new Array(7).fill('i32'), 'i32');
  const [n, d, e, rows, order, notes, room] = f.parameters;
  const row = f.let(bytesOf(n));
  const corner = (i: Expr): Expr => at(add(rows, mul(i, row)), i);
  const { basis, numbers } = roomAt(f, n, room);
  const parts = f.var(one);
  f.while(op('i32.gt_s', n, mul(parts, i32c(leafSize))), () => f.set(parts, op('i32.shl', parts, one)));
  const start = (part: Expr, of: Expr): Expr => op('i32.div_u', mul(part, n), of);
  f.for(1, parts, (part) => {
    const i = f.let(start(part, parts));
    const size = f.let(f64.abs(get(e, i, -1)));
    put(f, d, i, f64.sub(get(d, i, -1), size), -1);
    put(f, d, i, f64.sub(get(d, i), size));
  });
  f.for(0, parts, (part) => {
    const from = f.let(start(part, parts));
    const count = f.let(sub(start(add(part, one), parts), from));
    f.copy(numbers, at(e, from), bytesOf(count));
    setIdentity(f, basis, count, count);
    const done = call('implicit_ql', 'i32', count, at(d, from), numbers, basis, count, notes);
    f.if(op('i32.eqz', done), () => f.return(i32c(0)));
    const length = f.let(bytesOf(count));
    f.for(0, count, (i) => {
      f.copy(add(corner(from), mul(i, row)), add(basis, mul(i, length)), length);
    });
    f.call('sort_indices', count, at(d, from), word(order, from));
  });
  f.while(op('i32.gt_u', parts, one), () => {
    f.for(
      0,
      parts,
      (part) => {
        const from = f.let(start(part, parts));
        const middle = f.let(start(add(part, one), parts));
        const to = start(add(part, i32c(2)), parts);
        const sizes = [sub(middle, from), sub(to, middle)];
        f.call('merge_parts', ...sizes, get(e, middle, -1), at(d, from), corner(from), row, word(order, from), room, n);
      },
      2,
    );
    f.set(parts, half(parts));
  });
  f.return(one);
  return f.build();
}

/** merge_parts(upper, lower, β, d, table, row, order, room, most): of so many eigenvalues each. */
function merge(): Func {
  const f = new FunctionBuilder('merge_parts', ['i32', 'i32', 'f64', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
  const [upper, lower, beta, d, table, row, order, room, most] = f.parameters;
  const n = f.let(add(upper, lower));
  const { basis, copies, numbers, indices, work } = roomAt(f, most, room);
  const [z, poles, weights, values, scratch] = [0, 1, 2, 3, 4].map((i) => f.let(at(numbers, mul(most, i32c(i))))) as [
    Expr,
    Expr,
    Expr,
    Expr,
    Expr,
  ];
  // Deflated vectors from the end on.
  const [sorted, kinds, chosen, places] = [0, 1, 2, 3].map((i) => f.let(add(indices, mul(most, i32c(4 * i))))) as [
    Expr,
    Expr,
    Expr,
    Expr,
  ];
  const rowAt = (i: Expr): Expr => add(table, mul(i, row));

  f.for(upper, n, (i) => f.store('i32.store', word(order, i), add(read(order, i), upper)));
  f.call('merge_orders', upper, n, d, order, sorted);
  const root = f.let(f64.sqrt(f64.abs(beta)));
  const signed = f.let(op('f64.copysign', root, beta));
  const width = f.let(bytesOf(upper));
  const rest = f.let(bytesOf(lower));
  f.for(0, upper, (i) => {
    put(f, z, i, f64.mul(root, get(rowAt(i), upper, -1)));
    f.fill(at(rowAt(i), upper), i32c(0), rest);
  });
  f.for(upper, n, (i) => {
    put(f, z, i, f64.mul(signed, get(rowAt(i), upper)));
    f.fill(rowAt(i), i32c(0), width);
  });
  const count = f.let(call('deflate', 'i32', n, upper, d, z, root, table, row, sorted, kinds, chosen));
  // The places of vectors of the upper part, mixed ones, and those of the lower part.
  const [uppers, mixed] = [f.var(i32c(0)), f.var(i32c(0))];
  const kindOf = (i: Expr): Expr => read(kinds, read(chosen, i));
  f.for(0, count, (i) => {
    const kind = f.let(kindOf(i));
    f.set(uppers, add(uppers, op('i32.eqz', kind)));
    f.set(mixed, add(mixed, op('i32.eq', kind, one)));
  });
  const above = f.let(add(uppers, mixed));
  const below = f.let(sub(count, uppers));
  const next = [f.var(i32c(0)), f.var(uppers), f.var(above)] as const;
  const lowerCopies = f.let(add(copies, mul(above, width)));
  const deflated = f.let(add(lowerCopies, mul(below, rest)));
  f.for(0, count, (i) => {
    const source = f.let(rowAt(read(chosen, i)));
    put(f, poles, i, get(d, read(chosen, i)));
    put(f, weights, i, get(z, read(chosen, i)));
    const kind = f.let(kindOf(i));
    const place = f.let(select(op('i32.eqz', kind), next[0], select(op('i32.eq', kind, one), next[1], next[2])));
    next.forEach((at, k) => {
      f.set(at, add(at, op('i32.eq', kind, i32c(k))));
    });
    f.store('i32.store', word(places, i), place);
    f.if(op('i32.lt_s', place, above), () => f.call('copy_row', add(copies, mul(place, width)), source, width));
    f.if(op('i32.ge_s', place, uppers), () => {
      f.call('copy_row', add(lowerCopies, mul(sub(place, uppers), rest)), add(source, width), rest);
    });
  });
  const whole = f.let(bytesOf(n));
  f.for(count, n, (i) => {
    const source = f.let(read(chosen, i));
    put(f, values, i, get(d, source));
    f.call('copy_row', add(deflated, mul(sub(i, count), whole)), rowAt(source), whole);
  });
  f.call('secular_vectors', count, poles, weights, i32c(0), values, basis, scratch);
  f.for(0, count, (j) => f.call('unit_in_places', count, at(basis, mul(j, count)), places, scratch));
  const product = (columns: Expr, depth: Expr, first: Expr, right: Expr, to: Expr): void => {
    const left = [at(basis, first), count, one];
    f.call(
      'gemm_f64',
      count,
      columns,
      depth,
      ...left,
      right,
      columns,
      one,
      to,
      op('i32.shr_u', row, i32c(3)),
      i32c(0),
      work,
    );
  };
  product(upper, above, i32c(0), copies, table);
  product(lower, below, uppers, lowerCopies, add(table, width));
  f.for(count, n, (i) => f.call('copy_row', rowAt(i), add(deflated, mul(sub(i, count), whole)), whole));
  f.copy(d, values, whole);
  // Both runs ascend.
  f.for(0, n, (i) => f.store('i32.store', word(order, i), i));
  f.call('merge_orders', count, n, d, order, sorted);
  f.copy(order, sorted, op('i32.shl', n, i32c(2)));
  return f.build();
}
