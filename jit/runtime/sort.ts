import { type DType, dtypes, isFloating, shortName } from '../../src/core/dtype.ts';
import { elementBytes } from '../lower/kernels/kernel.ts';
import { add, mul } from '../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, i32c, type Local, load, op } from '../wasm/code.ts';
import { loadElement, storeElement } from '../wasm/loop-nest.ts';
import { inChunks } from './chunks.ts';
import { countBytes, type Format, radixFunctions } from './radix.ts';
import { blockBytes } from './short-sort.ts';
import { keyFormat, pairFormat } from './sort-calls.ts';
import { keyFunctions } from './sort-keys.ts';

/**
 * Sorting along an axis, in increasing order with NaN last: stable, −0 equal to 0. Elements become unsigned keys of the
 * same order, which are sorted by radix and turned back. All functions go over the rows of arrays of outer × n × inner
 * elements:
 *
 *     sort_f32(outer, n, inner, from, to, scratch)
 *     sort_with_f32(outer, n, inner, from, to, payload, payloadTo, scratch)   with 32-bit elements that go along
 *     order_f32(outer, n, inner, from, order, scratch)                        the permutation instead of the elements
 *     permute_4(outer, n, inner, from, order, to)
 *     iota_i32(outer, n, inner, to)
 *
 * `order` holds n positions (i32) for each row. A sort by several keys goes from the last to the first, each time from the
 * order so far.
 */
export const sortFunctions = (): Func[] => [
  ...radixFunctions(),
  ...keyFunctions(),
  ...dtypes.flatMap((dtype) => [sort(dtype), sortWith(dtype), order(dtype)]),
  ...[1, 4, 8].map(permute),
  iota('int32'),
  iota('float32'),
  iota('float64'),
];

const times = (a: Expr, c: number): Expr => op('i32.mul', a, i32c(c));

/** Calls `row` with the offset of each row's first element, in elements. */
export function eachRow(
  f: FunctionBuilder,
  outer: Expr,
  n: Expr,
  inner: Expr,
  row: (at: Local, index: Local) => void,
): void {
  const index = f.var(i32c(0));
  f.for(0, outer, (o) => {
    const start = f.let(mul(o, mul(n, inner)));
    f.for(0, inner, (i) => {
      row(f.var(add(start, i)), index);
      f.set(index, add(index, i32c(1)));
    });
  });
}

const roundUp = (bytes: Expr): Expr => op('i32.and', add(bytes, i32c(blockBytes - 1)), i32c(-blockBytes));

/** The counts and two buffers of n elements in the scratch memory. */
export function buffersIn(f: FunctionBuilder, n: Expr, { bytes }: Format, scratch: Local): [Local, Local, Local] {
  const a = f.var(add(scratch, i32c(countBytes)));
  return [scratch, a, f.var(add(a, roundUp(times(n, bytes))))];
}

function sort(dtype: DType): Func {
  const name = shortName(dtype);
  const used = keyFormat(dtype);
  const bytes = elementBytes[dtype];
  const f = new FunctionBuilder(`sort_${name}`, new Array(6).fill('i32'));
  const [outer, n, inner, from, to, scratch] = f.parameters;
  const [counts, a, b] = buffersIn(f, n, used, scratch);
  const step = f.let(times(inner, bytes));
  const negative = f.var(i32c(0));
  eachRow(f, outer, n, inner, (at) => {
    const [source, target] = [f.let(add(from, times(at, bytes))), f.let(add(to, times(at, bytes)))];
    f.set(negative, i32c(0));
    inChunks(f, n, (i, count) => {
      const call = callOf(
        `keys_${name}_${used.name}`,
        count,
        add(source, mul(i, step)),
        step,
        add(a, times(i, used.bytes)),
      );
      f.set(negative, op('i32.or', negative, call));
    });
    const sorted = f.let(callOf(`radix_${used.name}`, n, a, b, counts));
    inChunks(f, n, (i, count) =>
      f.call(
        `elements_${name}_${used.name}`,
        count,
        add(sorted, times(i, used.bytes)),
        add(target, mul(i, step)),
        step,
      ),
    );
    if (isFloating(dtype)) f.if(negative, () => f.call(`zeros_${name}`, n, source, target, step));
  });
  return f.build(true);
}

function sortWith(dtype: DType): Func {
  const name = shortName(dtype);
  const used = pairFormat(dtype);
  const bytes = elementBytes[dtype];
  const f = new FunctionBuilder(`sort_with_${name}`, new Array(8).fill('i32'));
  const [outer, n, inner, from, to, payload, payloadTo, scratch] = f.parameters;
  const [counts, a, b] = buffersIn(f, n, used, scratch);
  const [step, step32] = [f.let(times(inner, bytes)), f.let(times(inner, 4))];
  const negative = f.var(i32c(0));
  eachRow(f, outer, n, inner, (at) => {
    const [source, target] = [f.let(add(from, times(at, bytes))), f.let(add(to, times(at, bytes)))];
    const [beside, besideTo] = [f.let(add(payload, times(at, 4))), f.let(add(payloadTo, times(at, 4)))];
    f.set(negative, i32c(0));
    inChunks(f, n, (i, count) => {
      const [x, pairs] = [add(source, mul(i, step)), add(a, times(i, used.bytes))];
      const call = callOf(`keys_${name}_${used.name}`, count, x, step, pairs, add(beside, mul(i, step32)));
      f.set(negative, op('i32.or', negative, call));
    });
    const sorted = f.let(callOf(`radix_${used.name}`, n, a, b, counts));
    inChunks(f, n, (i, count) => {
      const pairs = f.let(add(sorted, times(i, used.bytes)));
      f.call(`elements_${name}_${used.name}`, count, pairs, add(target, mul(i, step)), step);
      f.call(`payloads_${used.name}`, count, pairs, add(besideTo, mul(i, step32)), step32);
    });
    if (isFloating(dtype)) f.if(negative, () => f.call(`zeros_${name}`, n, source, target, step));
  });
  return f.build(true);
}

function order(dtype: DType): Func {
  const name = shortName(dtype);
  const used = pairFormat(dtype);
  const bytes = elementBytes[dtype];
  const f = new FunctionBuilder(`order_${name}`, new Array(6).fill('i32'));
  const [outer, n, inner, from, orders, scratch] = f.parameters;
  const [counts, a, b] = buffersIn(f, n, used, scratch);
  const step = f.let(times(inner, bytes));
  eachRow(f, outer, n, inner, (at, index) => {
    const source = f.let(add(from, times(at, bytes)));
    const mine = f.let(add(orders, times(mul(index, n), 4)));
    inChunks(f, n, (i, count) => {
      f.call(`order_keys_${name}`, count, source, step, add(mine, times(i, 4)), add(a, times(i, used.bytes)));
    });
    const sorted = f.let(callOf(`radix_${used.name}`, n, a, b, counts));
    inChunks(f, n, (i, count) =>
      f.call(`payloads_${used.name}`, count, add(sorted, times(i, used.bytes)), add(mine, times(i, 4)), i32c(4)),
    );
  });
  return f.build(true);
}

/** iota_i32(outer, n, inner, to): positions along the middle axis. */
function iota(dtype: 'int32' | 'float32' | 'float64'): Func {
  const f = new FunctionBuilder(`iota_${shortName(dtype)}`, ['i32', 'i32', 'i32', 'i32']);
  const [outer, n, inner, to] = f.parameters;
  const element = (i: Expr): Expr =>
    dtype === 'int32' ? i : op(`${dtype === 'float32' ? 'f32' : 'f64'}.convert_i32_s`, i);
  f.for(0, outer, () => {
    f.for(0, n, (i) => {
      f.for(0, inner, () => {
        storeElement(f, dtype, to, element(i));
        f.set(to, add(to, i32c(elementBytes[dtype])));
      });
    });
  });
  return f.build(true);
}

function permute(bytes: number): Func {
  const dtype: DType = bytes === 8 ? 'float64' : bytes === 4 ? 'int32' : 'bool';
  const f = new FunctionBuilder(`permute_${bytes}`, new Array(6).fill('i32'));
  const [outer, n, inner, from, orders, to] = f.parameters;
  const step = f.let(times(inner, bytes));
  eachRow(f, outer, n, inner, (at) => {
    const source = f.let(add(from, times(at, bytes)));
    const target = f.var(add(to, times(at, bytes)));
    f.for(0, n, () => {
      storeElement(f, dtype, target, loadElement(dtype, add(source, mul(load('i32.load', orders), step))));
      f.set(orders, add(orders, i32c(4)));
      f.set(target, add(target, step));
    });
  });
  return f.build(true);
}

const callOf = (fn: string, ...args: Expr[]): Expr => ({ kind: 'call', type: 'i32', fn, args });
