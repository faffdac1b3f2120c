/** Elements at some positions of a sorted order, without the order of the others. */

import { type DType, shortName } from '../../src/core/dtype.ts';
import { constant } from '../lower/expressions/scalar-code.ts';
import { elementBytes } from '../lower/kernels/kernel.ts';
import { add } from '../wasm/addresses.ts';
import { call, type Expr, type Func, FunctionBuilder, i32c, i64c, type Local, load, op, select } from '../wasm/code.ts';
import { loadElement, storeElement } from '../wasm/loop-nest.ts';
import { inChunks } from './chunks.ts';
import type { Format } from './radix.ts';
import { keyFormat, selectCounts, selectPositions } from './sort-calls.ts';
import { elementExpr } from './sort-keys.ts';

/**
 *     select_f32(n, from, to, position …, scratch)
 *
 * writes the elements at these positions of the order (−1 for none) to their places in `to`, and nothing else. Keys are dealt by
 * the eight highest bits in which they differ, and only those with the digits of the wanted one are looked at again, until a few are
 * left, which are sorted.
 */
export const selectFunctions = (): Func[] =>
  (['float32', 'float64'] as const).flatMap((dtype) => {
    const format = keyFormat(dtype);
    return [
      spread(format),
      digits(format),
      bucket(format),
      largest(format),
      selectKey(format),
      zeroAt(dtype),
      selectElements(dtype),
    ];
  });

const typeOf = ({ bytes }: Format): 'i32' | 'i64' => (bytes === 8 ? 'i64' : 'i32');
const zeroOf = (format: Format): Expr => (format.bytes === 8 ? i64c(0n) : i32c(0));
const keyAt = (format: Format, ptr: Expr): Expr => load(`${typeOf(format)}.load`, ptr);

/** Keys that are sorted. */
const few = 24;
const digitBits = 8;
/** From one table of counts to the next; between them lies the end of a run. */
const tableBytes = selectCounts / 4;

/** Goes over n keys from `from` on. */
function eachKey(f: FunctionBuilder, format: Format, n: Expr, from: Local, body: (key: Expr) => void): void {
  f.for(0, n, () => {
    body(f.let(keyAt(format, from)));
    f.set(from, add(from, i32c(format.bytes)));
  });
}

/** spread_k32(n, from, key) → the bits in which a key differs from `key`. */
function spread(format: Format): Func {
  const type = typeOf(format);
  const f = new FunctionBuilder(`spread_${format.name}`, ['i32', 'i32', type], type);
  const [n, from, key] = f.parameters;
  const bits = f.var(zeroOf(format));
  eachKey(f, format, n, from, (other) => f.set(bits, op(`${type}.or`, bits, op(`${type}.xor`, other, key))));
  f.return(bits);
  return f.build();
}

/** The digit of a key above `shift`. */
function digitOf(format: Format, key: Expr, shift: Expr): Expr {
  const shifted =
    format.bytes === 8
      ? op('i32.wrap_i64', op('i64.shr_u', key, op('i64.extend_i32_u', shift)))
      : op('i32.shr_u', key, shift);
  return op('i32.and', shifted, i32c(2 ** digitBits - 1));
}

/**
 * digits_k32(n, from, shift, counts): adds n keys to the counts. Four keys in turn have counts of their own, since of keys in
 * order neighbours have the same digit, and each would wait for the one before it.
 */
function digits(format: Format): Func {
  const f = new FunctionBuilder(`digits_${format.name}`, new Array(4).fill('i32'));
  const [n, from, shift, counts] = f.parameters;
  const countOne = (key: Expr, table: number): void => {
    const slot = f.let(add(counts, op('i32.shl', digitOf(format, key, shift), i32c(2))));
    const offset = table * tableBytes;
    f.store('i32.store', slot, add(load('i32.load', slot, offset), i32c(1)), offset);
  };
  f.for(
    0,
    op('i32.and', n, i32c(-4)),
    () => {
      const keys = [0, 1, 2, 3].map((i) => f.let(load(`${typeOf(format)}.load`, from, i * format.bytes)));
      for (const [i, key] of keys.entries()) countOne(key, i);
      f.set(from, add(from, i32c(4 * format.bytes)));
    },
    4,
  );
  eachKey(f, format, op('i32.and', n, i32c(3)), from, (key) => countOne(key, 0));
  return f.build();
}

/** bucket_k32(n, from, shift, digit, to) → the end: copies the keys with this digit. `to` may be where they are. */
function bucket(format: Format): Func {
  const f = new FunctionBuilder(`bucket_${format.name}`, new Array(5).fill('i32'), 'i32');
  const [n, from, shift, digit, to] = f.parameters;
  eachKey(f, format, n, from, (key) => {
    const isIn = f.let(op('i32.eq', digitOf(format, key, shift), digit));
    f.store(`${typeOf(format)}.store`, to, key);
    f.set(to, add(to, op('i32.shl', isIn, i32c(Math.log2(format.bytes)))));
  });
  f.return(to);
  return f.build();
}

/** largest_k32(n, from) → the largest key. */
function largest(format: Format): Func {
  const type = typeOf(format);
  const f = new FunctionBuilder(`largest_${format.name}`, ['i32', 'i32'], type);
  const [n, from] = f.parameters;
  const most = f.var(zeroOf(format));
  eachKey(f, format, n, from, (key) => f.set(most, select(op(`${type}.gt_u`, key, most), key, most)));
  f.return(most);
  return f.build();
}

/**
 * select_k32(n, a, position, b, counts) → the address of the key at this position, in a run of keys in order whose end is stored
 * behind the counts. The order of the keys in `a` may change.
 */
function selectKey(format: Format): Func {
  const { bytes, name } = format;
  const type = typeOf(format);
  const f = new FunctionBuilder(`select_${name}`, new Array(5).fill('i32'), 'i32');
  const [n, a, position, b, counts] = f.parameters;
  const place = (index: Expr): Expr => add(a, op('i32.shl', index, i32c(Math.log2(bytes))));
  const finish = (): void => {
    f.store('i32.store', counts, place(n), 4 * 2 ** digitBits);
    f.return(place(position));
  };
  f.while(op('i32.gt_s', n, i32c(few)), () => {
    const first = f.let(keyAt(format, a));
    const bits = f.var(zeroOf(format));
    inChunks(f, n, (i, count) =>
      f.set(bits, op(`${type}.or`, bits, call(`spread_${name}`, type, count, place(i), first))),
    );
    f.if(op(`${type}.eqz`, bits), finish);
    const zeros = op(`${type}.clz`, bits);
    const above = f.let(op('i32.sub', i32c(8 * bytes - digitBits), bytes === 8 ? op('i32.wrap_i64', zeros) : zeros));
    const shift = f.let(select(op('i32.gt_s', above, i32c(0)), above, i32c(0)));
    f.fill(counts, i32c(0), i32c(selectCounts));
    inChunks(f, n, (i, count) => f.call(`digits_${name}`, count, place(i), shift, counts));
    f.for(
      counts,
      add(counts, i32c(4 * 2 ** digitBits)),
      (at) => {
        const table = (i: number): Expr => load('v128.load', at, i * tableBytes);
        f.store(
          'v128.store',
          at,
          op('i32x4.add', op('i32x4.add', table(0), table(1)), op('i32x4.add', table(2), table(3))),
        );
      },
      16,
    );
    const slot = f.var(counts);
    const count = f.var(load('i32.load', slot));
    f.while(op('i32.ge_s', position, count), () => {
      f.set(position, op('i32.sub', position, count));
      f.set(slot, add(slot, i32c(4)));
      f.set(count, load('i32.load', slot));
    });
    const digit = f.let(op('i32.shr_u', op('i32.sub', slot, counts), i32c(2)));
    const to = f.var(b);
    inChunks(f, n, (i, count) => f.set(to, call(`bucket_${name}`, 'i32', count, place(i), shift, digit, to)));
    f.set(n, count);
    f.set(a, b);
  });
  f.let(call(`insertion_${name}`, 'i32', a, place(i32c(1)), place(n), i32c(few * few)));
  finish();
  return f.build();
}

/** zero_at_f32(n, from, position) → the zero at this position of the order: zeros of both signs stay in theirs. */
function zeroAt(dtype: 'float32' | 'float64'): Func {
  const type = dtype === 'float32' ? 'f32' : 'f64';
  const f = new FunctionBuilder(`zero_at_${type}`, ['i32', 'i32', 'i32'], type);
  const [n, from, position] = f.parameters;
  const zero = constant(0, dtype);
  const at = f.var(from);
  const each = (body: (x: Expr) => void): void => {
    f.set(at, from);
    f.for(0, n, () => {
      body(f.let(loadElement(dtype, at)));
      f.set(at, add(at, i32c(elementBytes[dtype])));
    });
  };
  each((x) => f.set(position, op('i32.sub', position, op(`${type}.lt`, x, zero))));
  each((x) => {
    f.if(op(`${type}.eq`, x, zero), () => {
      f.if(op('i32.eqz', position), () => f.return(x));
      f.set(position, op('i32.sub', position, i32c(1)));
    });
  });
  f.return(zero);
  return f.build();
}

function selectElements(dtype: DType & ('float32' | 'float64')): Func {
  const name = shortName(dtype);
  const format = keyFormat(dtype);
  const { bytes } = format;
  const type = typeOf(format);
  const f = new FunctionBuilder(`select_${name}`, new Array(4 + selectPositions).fill('i32'));
  const [n, from, to, ...rest] = [...f.parameters] as [Local, Local, Local, ...Local[]];
  const positions = rest.slice(0, selectPositions);
  const counts = rest[selectPositions]!;
  const shift = i32c(Math.log2(bytes));
  const inKeys = (index: Expr): Expr => op('i32.shl', index, shift);
  const a = f.let(add(counts, i32c(selectCounts)));
  const b = f.let(add(a, inKeys(n)));
  const negative = f.var(i32c(0));
  inChunks(f, n, (i, count) => {
    const keys = call(
      `keys_${name}_${format.name}`,
      'i32',
      count,
      add(from, inKeys(i)),
      i32c(bytes),
      add(a, inKeys(i)),
    );
    f.set(negative, op('i32.or', negative, keys));
  });
  const end = 4 * 2 ** digitBits;
  const [key, place, last] = [f.local(type), f.var(a), f.local('i32')];
  // All is a run in order, or none is yet.
  const inOrder = f.let(call(`in_order_${format.name}`, 'i32', n, a));
  f.store('i32.store', counts, select(inOrder, add(a, inKeys(n)), i32c(0)), end);
  for (const position of positions)
    f.if(op('i32.ge_s', position, i32c(0)), () => {
      f.if(
        op('i32.eq', add(position, i32c(1)), n),
        () => {
          f.set(key, zeroOf(format));
          inChunks(f, n, (i, count) => {
            const most = f.let(call(`largest_${format.name}`, type, count, add(a, inKeys(i))));
            f.set(key, select(op(`${type}.gt_u`, most, key), most, key));
          });
        },
        () => {
          // Perhaps in the run in which the one before is.
          f.set(place, add(place, inKeys(op('i32.sub', position, last))));
          f.if(op('i32.ge_u', place, load('i32.load', counts, end)), () =>
            f.set(place, call(`select_${format.name}`, 'i32', n, a, position, b, counts)),
          );
          f.set(last, position);
          f.set(key, keyAt(format, place));
        },
      );
      const target = f.let(add(to, inKeys(position)));
      storeElement(f, dtype, target, elementExpr(f, dtype, key));
      const isZero = op(`${name}.eq`, loadElement(dtype, target), constant(0, dtype));
      f.if(op('i32.and', f.let(op('i32.ne', negative, i32c(0))), isZero), () =>
        storeElement(f, dtype, target, call(`zero_at_${name}`, name as 'f32' | 'f64', n, from, position)),
      );
    });
  return f.build(true);
}
