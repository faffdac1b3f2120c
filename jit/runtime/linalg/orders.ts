/** Orders of numbers and vectors as lists of indices, so that vectors stay where they are until they are written. */
import { add, mul, sub } from '../../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, i32c, load, op, select } from '../../wasm/code.ts';
import type { FloatCode } from '../../wasm/vector-loops.ts';
import { byteOffset, floatCodes } from './blocks.ts';
import { f64, get } from './plane.ts';

export const orderFunctions = (): Func[] => [orderMerge(), sortIndices(), ...floatCodes.map(writeColumns)];

const one = i32c(1);
/** Of arrays of indices. */
export const word = (base: Expr, i: Expr): Expr => add(base, op('i32.shl', i, i32c(2)));
export const read = (base: Expr, i: Expr): Expr => load('i32.load', word(base, i));

/** Indices from `first` to `end` in their places. */
export const indexInOrder = (f: FunctionBuilder, order: Expr, first: Expr, end: Expr): void =>
  f.for(first, end, (i) => f.store('i32.store', word(order, i), i));

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
export function insert(f: FunctionBuilder, values: Expr, to: Expr, first: Expr, end: Expr, i: Expr): void {
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

/** write_columns_f32(count, length, rows, row, order, to, factor): rows in an order as columns, four side by side at a time. */
function writeColumns(code: FloatCode): Func {
  const { type, bytes } = code;
  const f = new FunctionBuilder(`write_columns_${type}`, ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f64']);
  const [n, length, rows, row, order, to, factor] = f.parameters;
  const step = f.let(byteOffset(code, n));
  const group = (count: number, first: Expr): void => {
    const columns = Array.from({ length: count }, (_, k) =>
      f.let(add(rows, mul(read(order, add(first, i32c(k))), row))),
    );
    const target = f.var(add(to, byteOffset(code, first)));
    f.for(0, length, (i) => {
      columns.forEach((column, k) => {
        const value = f64.mul(get(column, i), factor);
        f.store(`${type}.store`, target, type === 'f32' ? op('f32.demote_f64', value) : value, k * bytes);
      });
      f.set(target, add(target, step));
    });
  };
  const whole = f.let(op('i32.and', n, i32c(-4)));
  f.for(0, whole, (j) => group(4, j), 4);
  f.for(whole, n, (j) => group(1, j));
  return f.build();
}
