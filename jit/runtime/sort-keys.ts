/**
 * From elements to unsigned keys of the same order, and back: NaN has the largest key, −0 that of 0. Signs of zeros are put
 * back at the end.
 */

import { type DType, dtypes, isFloating, shortName } from '../../src/core/dtype.ts';
import { constant } from '../lower/expressions/scalar-code.ts';
import { elementBytes } from '../lower/kernels/kernel.ts';
import { add, mul } from '../wasm/addresses.ts';
import {
  type Expr,
  type Func,
  FunctionBuilder,
  i32c,
  i32x4c,
  i64c,
  i64x2c,
  type Local,
  load,
  op,
  select,
} from '../wasm/code.ts';
import { access, loadElement, storeElement } from '../wasm/loop-nest.ts';
import { type Format, formats } from './radix.ts';
import { keyFormat, pairFormat } from './sort-calls.ts';

export const keyFunctions = (): Func[] => [
  ...formats.filter(({ pair }) => pair).map(payloads),
  ...dtypes.flatMap((dtype) => [
    ...(isFloating(dtype) ? [zeros(dtype)] : []),
    ...[keyFormat(dtype), pairFormat(dtype)].flatMap((format) => [keys(dtype, format), elements(dtype, format)]),
    orderKeys(dtype),
  ]),
];

const negativeZero = { float32: i32c(-(2 ** 31)), float64: i64c(-(2n ** 63n)) };

/**
 * The key of an element. A float's bits, the sign apart, are in its order: negative ones are inverted. Adding 0 takes the
 * sign from −0; NaN, of whichever bits, becomes the largest key.
 */
function keyExpr(f: FunctionBuilder, dtype: DType, x: Local): Expr {
  if (dtype === 'uint32' || dtype === 'bool') return x;
  if (dtype === 'int32') return op('i32.xor', x, i32c(-(2 ** 31)));
  const wide = dtype === 'float64';
  const [type, float] = wide ? (['i64', 'f64'] as const) : (['i32', 'f32'] as const);
  const bits = f.let(op(`${type}.reinterpret_${float}`, op(`${float}.add`, x, constant(0, dtype))));
  const sign = wide ? op('i64.shr_s', bits, i64c(63n)) : op('i32.shr_s', bits, i32c(31));
  const flip = op(`${type}.or`, sign, wide ? negativeZero.float64 : negativeZero.float32);
  const largest = wide ? i64c(-1n) : i32c(-1);
  return select(op(`${float}.eq`, x, x), op(`${type}.xor`, bits, flip), largest);
}

/** The element with this key. */
export function elementExpr(f: FunctionBuilder, dtype: DType, key: Expr): Expr {
  if (dtype === 'uint32' || dtype === 'bool') return key;
  if (dtype === 'int32') return op('i32.xor', key, i32c(-(2 ** 31)));
  const wide = dtype === 'float64';
  const type = wide ? 'i64' : 'i32';
  const k = f.let(key);
  const inverted = op(`${type}.xor`, k, wide ? i64c(-1n) : i32c(-1));
  const positive = wide ? op('i64.shr_s', k, i64c(63n)) : op('i32.shr_s', k, i32c(31));
  const flip = op(`${type}.and`, positive, wide ? i64c(2n ** 63n - 1n) : i32c(2 ** 31 - 1));
  // Of what was inverted all bits turn, of the others the sign.
  return op(`${wide ? 'f64.reinterpret_i64' : 'f32.reinterpret_i32'}`, op(`${type}.xor`, inverted, flip));
}

/** The same for a vector of elements: their keys, and in which lanes there is a −0 (all bits set). */
function keyVector(f: FunctionBuilder, dtype: DType, x: Expr): [keys: Expr, negativeZeros: Expr | undefined] {
  if (dtype === 'uint32') return [x, undefined];
  if (dtype === 'int32') return [op('v128.xor', x, i32x4c(-(2 ** 31))), undefined];
  const wide = dtype === 'float64';
  const [type, float] = wide ? ['i64x2', 'f64x2'] : ['i32x4', 'f32x4'];
  const sign = wide ? i64x2c(-(2n ** 63n)) : i32x4c(-(2 ** 31));
  const bits = f.let(op(`${float}.add`, x, wide ? i64x2c(0n) : i32x4c(0)));
  const flip = op('v128.or', op(`${type}.shr_s`, bits, i32c(wide ? 63 : 31)), sign);
  const isNaN = op(`${float}.ne`, x, x);
  return [op('v128.or', op('v128.xor', bits, flip), isNaN), op(`${type}.eq`, x, sign)];
}

/** The elements with a vector of keys. */
function elementVector(f: FunctionBuilder, dtype: DType, keys: Expr): Expr {
  if (dtype === 'uint32') return keys;
  if (dtype === 'int32') return op('v128.xor', keys, i32x4c(-(2 ** 31)));
  const wide = dtype === 'float64';
  const k = f.let(keys);
  const positive = wide ? op('i64x2.shr_s', k, i32c(63)) : op('i32x4.shr_s', k, i32c(31));
  const flip = op('v128.and', positive, wide ? i64x2c(2n ** 63n - 1n) : i32x4c(2 ** 31 - 1));
  return op('v128.xor', op('v128.not', k), flip);
}

/** Goes over whole vectors, if elements lie side by side, and leaves n to what is left. */
function eachVector(f: FunctionBuilder, dtype: DType, n: Local, step: Expr, body: () => void): void {
  const bytes = elementBytes[dtype];
  if (bytes === 1) return;
  f.if(op('i32.eq', step, i32c(bytes)), () => {
    const lanes = 16 / bytes;
    f.for(0, op('i32.and', n, i32c(-lanes)), body, lanes);
    f.set(n, op('i32.and', n, i32c(lanes - 1)));
  });
}

function storePair(f: FunctionBuilder, { name }: Format, to: Expr, key: Expr, payload: Expr): void {
  if (name === 'p32') {
    const high = op('i64.shl', op('i64.extend_i32_u', key), i64c(32n));
    f.store('i64.store', to, op('i64.or', high, op('i64.extend_i32_u', payload)));
  } else {
    f.store('i64.store', to, key);
    f.store('i32.store', to, payload, 8);
  }
}

/** Where the 32 bits beside a key are. */
const payloadOffset = ({ name }: Format): number => (name === 'p32' ? 0 : 8);

/**
 * Makes n keys of elements that are `step` bytes apart, with the payload that belongs to each in a pair; the result says
 * whether there is a −0.
 */
function keys(dtype: DType, to: Format): Func {
  const f = new FunctionBuilder(`keys_${shortName(dtype)}_${to.name}`, new Array(to.pair ? 5 : 4).fill('i32'), 'i32');
  const [n, from, step, target, payload] = f.parameters;
  const found = f.local('i32');
  if (!to.pair) {
    const zeros = f.local('v128');
    eachVector(f, dtype, n, step, () => {
      const [own, negativeZeros] = keyVector(f, dtype, f.let(load('v128.load', from)));
      if (negativeZeros) f.set(zeros, op('v128.or', zeros, negativeZeros));
      f.store('v128.store', target, own);
      f.set(from, add(from, i32c(16)));
      f.set(target, add(target, i32c(16)));
    });
    if (isFloating(dtype)) f.set(found, op('v128.any_true', zeros));
  }
  f.for(0, n, () => {
    const x = f.let(loadElement(dtype, from)) as Local;
    if (isFloating(dtype)) {
      const [type, float] = dtype === 'float64' ? ['i64', 'f64'] : ['i32', 'f32'];
      const bits = op(`${type}.reinterpret_${float}`, x);
      f.set(found, op('i32.or', found, op(`${type}.eq`, bits, negativeZero[dtype as 'float32'])));
    }
    const key = keyExpr(f, dtype, x);
    if (to.pair) {
      storePair(f, to, target, key, load('i32.load', payload));
      f.set(payload, add(payload, step32(dtype, step)));
    } else f.store(to.name === 'k64' ? 'i64.store' : 'i32.store', target, key);
    f.set(from, add(from, step));
    f.set(target, add(target, i32c(to.bytes)));
  });
  f.return(found);
  return f.build();
}

/** From the step of elements of a dtype to that of 32-bit ones beside them. */
function step32(dtype: DType, step: Expr): Expr {
  const bytes = elementBytes[dtype];
  if (bytes === 4) return step;
  return bytes === 8 ? op('i32.shr_u', step, i32c(1)) : op('i32.shl', step, i32c(2));
}

/** Makes n pairs of a key and a position, for the positions that `order` holds. */
function orderKeys(dtype: DType): Func {
  const to = pairFormat(dtype);
  const f = new FunctionBuilder(`order_keys_${shortName(dtype)}`, new Array(5).fill('i32'));
  const [n, from, step, order, target] = [0, 1, 2, 3, 4].map((i) => f.param(i)) as [Local, Local, Local, Local, Local];
  f.for(0, n, () => {
    const position = f.let(load('i32.load', order));
    const x = f.let(loadElement(dtype, add(from, mul(position, step)))) as Local;
    storePair(f, to, target, keyExpr(f, dtype, x), position);
    f.set(order, add(order, i32c(4)));
    f.set(target, add(target, i32c(to.bytes)));
  });
  return f.build();
}

/** Turns n keys back into elements, `step` bytes apart. */
function elements(dtype: DType, from: Format): Func {
  const f = new FunctionBuilder(`elements_${shortName(dtype)}_${from.name}`, ['i32', 'i32', 'i32', 'i32']);
  const [n, source, to, step] = [0, 1, 2, 3].map((i) => f.param(i)) as [Local, Local, Local, Local];
  if (!from.pair)
    eachVector(f, dtype, n, step, () => {
      f.store('v128.store', to, elementVector(f, dtype, load('v128.load', source)));
      f.set(source, add(source, i32c(16)));
      f.set(to, add(to, i32c(16)));
    });
  f.for(0, n, () => {
    const key = from.keyBits === 64 ? load('i64.load', source) : load('i32.load', source, from.pair ? 4 : 0);
    storeElement(f, dtype, to, elementExpr(f, dtype, key));
    f.set(source, add(source, i32c(from.bytes)));
    f.set(to, add(to, step));
  });
  return f.build();
}

/** Copies the payloads of n pairs out, `step` bytes apart. */
function payloads(from: Format): Func {
  const f = new FunctionBuilder(`payloads_${from.name}`, ['i32', 'i32', 'i32', 'i32']);
  const [n, source, to, step] = [0, 1, 2, 3].map((i) => f.param(i)) as [Local, Local, Local, Local];
  f.for(0, n, () => {
    f.store('i32.store', to, load('i32.load', source, payloadOffset(from)));
    f.set(source, add(source, i32c(from.bytes)));
    f.set(to, add(to, step));
  });
  return f.build();
}

/** Gives the zeros of sorted elements their signs, in the order in which they stand in the original. */
function zeros(dtype: DType): Func {
  const { type } = access(dtype);
  const f = new FunctionBuilder(`zeros_${shortName(dtype)}`, ['i32', 'i32', 'i32', 'i32']);
  const [n, from, to, step] = [0, 1, 2, 3].map((i) => f.param(i)) as [Local, Local, Local, Local];
  const zero = constant(0, dtype);
  const at = f.var(from);
  const each = (body: (x: Expr) => void): void => {
    f.set(at, from);
    f.for(0, n, () => {
      body(f.let(loadElement(dtype, at)));
      f.set(at, add(at, step));
    });
  };
  each((x) => f.set(to, add(to, select(op(`${type}.lt`, x, zero), step, i32c(0)))));
  each((x) =>
    f.if(op(`${type}.eq`, x, zero), () => {
      storeElement(f, dtype, to, x);
      f.set(to, add(to, step));
    }),
  );
  return f.build();
}
