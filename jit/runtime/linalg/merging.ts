/** What merges of divide and conquer do beside arithmetic: orders, deflation, rows. */
import { type Expr, type Func, FunctionBuilder, f64c, i32c, load, op, select } from '../../code.ts';
import { add, mul, sub } from './blocks.ts';
import { dot, f64, get, put } from './plane.ts';

export const mergingFunctions = (): Func[] => [orderMerge(), sortIndices(), deflation(), copyRow(), unitInPlaces()];

const one = i32c(1);
/** Of arrays of indices. */
export const word = (base: Expr, i: Expr): Expr => add(base, op('i32.shl', i, i32c(2)));
export const read = (base: Expr, i: Expr): Expr => load('i32.load', word(base, i));

/** merge_orders(first, n, values, order, to): the indices of two ascending runs, the first of `first`, in one. */
function orderMerge(): Func {
  const f = new FunctionBuilder('merge_orders', new Array(5).fill('i32'));
  const [first, n, values, order, to] = f.parameters;
  const [i, j] = [f.var(i32c(0)), f.var(first)];
  f.for(0, n, (k) => {
    const fromFirst = f.var(op('i32.ge_s', j, n));
    f.if(op('i32.and', op('i32.lt_s', i, first), op('i32.lt_s', j, n)), () => {
      f.set(fromFirst, op('f64.le', get(values, read(order, i)), get(values, read(order, j))));
    });
    f.store('i32.store', word(to, k), read(order, select(fromFirst, i, j)));
    f.set(i, add(i, fromFirst));
    f.set(j, add(j, op('i32.eqz', fromFirst)));
  });
  return f.build();
}

/** sort_indices(n, values, to): in the order of ascending values, by insertion. */
function sortIndices(): Func {
  const f = new FunctionBuilder('sort_indices', new Array(3).fill('i32'));
  const [n, values, to] = f.parameters;
  f.for(0, n, (i) => insert(f, values, to, i32c(0), i, i));
  return f.build();
}

/** Puts index `i` among those of `to` from `first` to `end`, which ascend. */
function insert(f: FunctionBuilder, values: Expr, to: Expr, first: Expr, end: Expr, i: Expr): void {
  const place = f.var(end);
  const value = f.let(get(values, i));
  f.while(op('i32.gt_s', place, first), () => {
    const before = f.let(read(to, sub(place, one)));
    f.if(op('f64.le', get(values, before), value), () => f.break());
    f.store('i32.store', word(to, place), before);
    f.set(place, sub(place, one));
  });
  f.store('i32.store', word(to, place), i);
}

/**
 * deflate(n, upper, d, z, √ρ, table, row, sorted, kinds, chosen) → how many are left, whose indices stand first in `chosen`, and
 * the others after them, both by ascending d. Their kinds are 0 for vectors of the upper part, 2 for the lower one, 1 for both. z
 * holds √ρ·z. What is dropped is at most 4ε of the largest number that is merged, as in LAPACK's dlaed2.
 */
function deflation(): Func {
  const f = new FunctionBuilder(
    'deflate',
    ['i32', 'i32', 'i32', 'i32', 'f64', 'i32', 'i32', 'i32', 'i32', 'i32'],
    'i32',
  );
  const [n, upper, d, z, root, table, row, sorted, kinds, chosen] = f.parameters;
  const largest = f.var(f64.mul(root, root));
  f.for(0, n, (i) => {
    f.set(largest, op('f64.max', largest, f64.abs(get(d, i))));
    f.store('i32.store', word(kinds, i), op('i32.shl', op('i32.ge_s', i, upper), one));
  });
  const tolerance = f.let(f64.mul(f64c(4 * Number.EPSILON), largest));
  const [count, left] = [f.var(i32c(0)), f.var(i32c(0))];
  const previous = f.var(i32c(-1));
  // The deflated ones stand at the end until all are known.
  const drop = (i: Expr): void => {
    f.set(left, add(left, one));
    f.store('i32.store', word(chosen, sub(n, left)), i);
  };
  f.for(0, n, (k) => {
    const i = f.let(read(sorted, k));
    f.if(
      op('f64.le', f64.mul(root, f64.abs(get(z, i))), tolerance),
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
            const rowAt = (j: Expr): Expr => add(table, mul(j, row));
            f.call('rotate', rowAt(i), rowAt(previous), n, cos, sin);
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
