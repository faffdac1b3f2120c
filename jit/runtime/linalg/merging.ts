/** What the merges of divide and conquer share, for eigenvalues and singular values: memory, deflation, bases. */

import { add, mul, sub } from '../../wasm/addresses.ts';
import { call, type Expr, type Func, FunctionBuilder, f64c, i32c, load, op } from '../../wasm/code.ts';
import { insert, read, word } from './orders.ts';
import { at, dot, f64, get, put } from './plane.ts';

export const mergingFunctions = (): Func[] => [deflation(), places(), changeBasis(), copyRow(), unitInPlaces()];

const one = i32c(1);
/** Scratch memory of merges: two bases, where there are two, copies of vectors, six runs of numbers, four of indices. */
export interface MergeRoom {
  readonly bases: readonly [Expr, Expr];
  readonly copies: Expr;
  readonly numbers: readonly Expr[];
  readonly indices: readonly Expr[];
  readonly work: Expr;
}

/** Up to `most` rows and columns; memory of `mergeFloats`. */
export function mergeRoomAt(f: FunctionBuilder, most: Expr, bases: 1 | 2, room: Expr): MergeRoom {
  const square = f.let(op('i32.shl', mul(most, most), i32c(3)));
  const second = f.let(add(room, square));
  const copies = bases === 1 ? second : f.let(add(second, square));
  const rest = f.let(add(copies, square));
  const numbers = [0, 1, 2, 3, 4, 5].map((i) => f.let(at(rest, mul(most, i32c(i)))));
  const words = f.let(at(rest, mul(most, i32c(6))));
  const indices = [0, 1, 2, 3].map((i) => f.let(add(words, mul(most, i32c(4 * i)))));
  const work = f.let(op('i32.and', add(words, add(mul(most, i32c(16)), i32c(63))), i32c(-64)));
  return { bases: [room, second], copies, numbers, indices, work };
}

/**
 * deflate(total, n, upper, d, z, factor, tolerance, table, row, width, other, otherRow, otherWidth, sorted, kinds, chosen) → how many
 * are left of the `total` that `sorted` has: their indices stand first in `chosen`, and the others after them, both by ascending d.
 *
 * Negligible are elements of z that, times the factor, are up to the tolerance, and what turning two vectors leaves beside the
 * diagonal where it makes one of theirs 0. The other table is turned as well unless its width is 0. Kinds are 0 for vectors of the
 * upper part, 2 for those from `upper` on, 1 for what is mixed of both.
 */
function deflation(): Func {
  const types = [...new Array<'i32'>(5).fill('i32'), 'f64', 'f64', ...new Array<'i32'>(9).fill('i32')] as const;
  const f = new FunctionBuilder('deflate', types, 'i32');
  const [
    total,
    n,
    upper,
    d,
    z,
    factor,
    tolerance,
    table,
    row,
    width,
    other,
    otherRow,
    otherWidth,
    sorted,
    kinds,
    chosen,
  ] = f.parameters;
  f.for(0, n, (i) => f.store('i32.store', word(kinds, i), op('i32.shl', op('i32.ge_s', i, upper), one)));
  const [count, left] = [f.var(i32c(0)), f.var(i32c(0))];
  const previous = f.var(i32c(-1));
  // The deflated ones stand at the end until all are known.
  const drop = (i: Expr): void => {
    f.set(left, add(left, one));
    f.store('i32.store', word(chosen, sub(total, left)), i);
  };
  f.for(0, total, (k) => {
    const i = f.let(read(sorted, k));
    f.if(
      op('f64.le', f64.mul(factor, f64.abs(get(z, i))), tolerance),
      () => drop(i),
      () => {
        const isMerged = f.var(i32c(0));
        f.if(op('i32.ge_s', previous, i32c(0)), () => {
          const [s, c] = [f.let(get(z, previous)), f.let(get(z, i))];
          const length = f.let(f64.length(c, s));
          const [cos, sin] = [f.let(f64.div(c, length)), f.let(f64.div(s, length))];
          const [low, high] = [f.let(get(d, previous)), f.let(get(d, i))];
          const coupling = f64.abs(f64.mul(f64.sub(high, low), f64.mul(cos, sin)));
          f.if(op('f64.le', coupling, tolerance), () => {
            f.set(isMerged, one);
            put(f, z, i, length);
            const squares = [f.let(f64.mul(cos, cos)), f.let(f64.mul(sin, sin))] as const;
            put(f, d, previous, f64.add(f64.mul(low, squares[0]), f64.mul(high, squares[1])));
            put(f, d, i, f64.add(f64.mul(low, squares[1]), f64.mul(high, squares[0])));
            const turn = (rows: Expr, bytes: Expr, count: Expr): void => {
              f.call('rotate', add(rows, mul(i, bytes)), add(rows, mul(previous, bytes)), count, cos, sin);
            };
            turn(table, row, width);
            f.if(otherWidth, () => turn(other, otherRow, otherWidth));
            f.if(op('i32.ne', read(kinds, i), read(kinds, previous)), () => f.store('i32.store', word(kinds, i), one));
            drop(previous);
          });
        });
        f.if(op('i32.eqz', isMerged), () => {
          f.if(op('i32.ge_s', previous, i32c(0)), () => {
            f.store('i32.store', word(chosen, count), previous);
            f.set(count, add(count, one));
          });
        });
        f.set(previous, i);
      },
    );
  });
  f.if(op('i32.ge_s', previous, i32c(0)), () => {
    f.store('i32.store', word(chosen, count), previous);
    f.set(count, add(count, one));
  });
  // Turning changes d a little: the deflated ones are sorted again.
  f.copy(sorted, word(chosen, count), op('i32.shl', left, i32c(2)));
  f.for(0, left, (k) => {
    insert(f, d, chosen, count, add(count, k), read(sorted, sub(left, add(k, one))));
  });
  f.return(count);
  return f.build();
}

/** How many vectors are of the upper part, and how many of both. */
export interface Kinds {
  readonly uppers: Expr;
  readonly mixed: Expr;
}

/** Places of the chosen vectors: those of the upper part, mixed ones, those of the lower part, each in their order. */
export function placesOf(f: FunctionBuilder, count: Expr, kinds: Expr, chosen: Expr, places: Expr): Kinds {
  const both = f.let(call('places_by_kind', 'i32', count, kinds, chosen, places));
  return { uppers: f.let(op('i32.and', both, i32c(0xffff))), mixed: f.let(op('i32.shr_u', both, i32c(16))) };
}

/** places_by_kind(count, kinds, chosen, places) → both numbers of `Kinds` in one word. */
function places(): Func {
  const f = new FunctionBuilder('places_by_kind', new Array(4).fill('i32'), 'i32');
  const [count, kinds, chosen, to] = f.parameters;
  const sizes = [f.var(i32c(0)), f.var(i32c(0))] as const;
  const kindAt = (i: Expr): Expr => f.let(read(kinds, read(chosen, i)));
  f.for(0, count, (i) => {
    const kind = kindAt(i);
    sizes.forEach((size, k) => {
      f.set(size, add(size, op('i32.eq', kind, i32c(k))));
    });
  });
  const next = [f.var(i32c(0)), f.var(sizes[0]), f.var(add(...sizes))] as const;
  f.for(0, count, (i) => {
    const kind = kindAt(i);
    next.forEach((place, k) => {
      f.if(op('i32.eq', kind, i32c(k)), () => {
        f.store('i32.store', word(to, i), place);
        f.set(place, add(place, one));
      });
    });
  });
  f.return(op('i32.or', sizes[0], op('i32.shl', sizes[1], i32c(16))));
  return f.build();
}

/**
 * change_basis(n, count, uppers, mixed, chosen, places, coefficients, table, row, upper, lower, copies, work): the first `count` rows of
 * the table become the coefficients times the chosen ones, and the others follow. Vectors of the upper part have `upper` elements,
 * those of the lower part the `lower` ones after these, and are read where they are not zero.
 */
function changeBasis(): Func {
  const f = new FunctionBuilder('change_basis', new Array(13).fill('i32'));
  const [n, count, uppers, mixed, chosen, places, coefficients, table, row, upper, lower, copies, work] = f.parameters;
  const above = f.let(add(uppers, mixed));
  const below = f.let(sub(count, uppers));
  const [width, rest] = [f.let(op('i32.shl', upper, i32c(3))), f.let(op('i32.shl', lower, i32c(3)))];
  const whole = f.let(add(width, rest));
  const rowAt = (i: Expr): Expr => add(table, mul(i, row));
  const lowerCopies = f.let(add(copies, mul(above, width)));
  const others = f.let(add(lowerCopies, mul(below, rest)));
  f.for(0, count, (i) => {
    const source = f.let(rowAt(read(chosen, i)));
    const place = f.let(read(places, i));
    f.if(op('i32.lt_s', place, above), () => f.call('copy_row', add(copies, mul(place, width)), source, width));
    f.if(op('i32.ge_s', place, uppers), () => {
      f.call('copy_row', add(lowerCopies, mul(sub(place, uppers), rest)), add(source, width), rest);
    });
  });
  f.for(count, n, (i) => {
    f.call('copy_row', add(others, mul(sub(i, count), whole)), rowAt(read(chosen, i)), whole);
  });
  const stride = f.let(op('i32.shr_u', row, i32c(3)));
  const product = (columns: Expr, depth: Expr, first: Expr, right: Expr, to: Expr): void => {
    const left = [at(coefficients, first), count, one];
    f.call('gemm_f64', count, columns, depth, ...left, right, columns, one, to, stride, i32c(0), work);
  };
  product(upper, above, i32c(0), copies, table);
  product(lower, below, uppers, lowerCopies, add(table, width));
  f.for(count, n, (i) => f.call('copy_row', rowAt(i), add(others, mul(sub(i, count), whole)), whole));
  return f.build();
}

/** copy_row(to, from, bytes): of some multiple of 8. */
function copyRow(): Func {
  const f = new FunctionBuilder('copy_row', new Array(3).fill('i32'));
  const [to, from, bytes] = f.parameters;
  const whole = f.let(op('i32.and', bytes, i32c(-16)));
  const place = f.var(i32c(0));
  f.while(op('i32.lt_s', place, whole), () => {
    f.store('v128.store', add(to, place), load('v128.load', add(from, place)));
    f.set(place, add(place, i32c(16)));
  });
  f.if(op('i32.lt_s', place, bytes), () => f.store('f64.store', add(to, place), load('f64.load', add(from, place))));
  return f.build();
}

/** unit_in_places(count, row, places, scratch): a row divided by its length, its elements exchanged. */
function unitInPlaces(): Func {
  const f = new FunctionBuilder('unit_in_places', new Array(4).fill('i32'));
  const [count, row, places, scratch] = f.parameters;
  f.call('copy_row', scratch, row, op('i32.shl', count, i32c(3)));
  const inverse = f.let(f64.div(f64c(1), f64.sqrt(dot(scratch, scratch, count))));
  f.for(0, count, (i) => put(f, row, read(places, i), f64.mul(get(scratch, i), inverse)));
  return f.build();
}
