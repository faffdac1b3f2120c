import { type DType, isFloating } from '../../../src/core/dtype.ts';
import type { ElementOp } from '../../element.ts';
import { bitselect, type Expr, f32x4c, f64x2c, i32c, i32x4c, op, select, shuffle } from '../../wasm/code.ts';
import { chooseLanes, lanesRotated } from '../../wasm/vector-blocks.ts';
import { choose, type MaskParts, maskOp } from './masks.ts';
import type { Let } from './scalar-code.ts';

/**
 * Four elements at a time. float32, int32 and uint32 take one vector, float64 two (elements 0–1 and 2–3), bools one or two
 * vectors of masks.
 */
export type Vector = readonly Expr[];

export const parts = (dtype: DType): number => (dtype === 'float64' ? 2 : 1);

/** A constant in every lane. */
export function splatConstant(value: number, dtype: DType): Vector {
  switch (dtype) {
    case 'float32':
      return [f32x4c(value)];
    case 'float64':
      return [f64x2c(value), f64x2c(value)];
    case 'bool':
      return [i32x4c(value ? -1 : 0)];
    default:
      return [i32x4c(value)];
  }
}

/** A rank-0 value in every lane. */
export function splat(value: Expr, dtype: DType, name: Let): Vector {
  switch (dtype) {
    case 'float32':
      return [op('f32x4.splat', value)];
    case 'float64': {
      const both = name(op('f64x2.splat', value));
      return [both, both];
    }
    case 'bool':
      return [op('i32x4.splat', op('i32.sub', i32c(0), value))];
    default:
      return [op('i32x4.splat', value)];
  }
}

const low = [0, 1, 2, 3, 4, 5, 6, 7];
const upper = (x: Expr): Expr => shuffle(x, x, [...low.map((i) => i + 8), ...low.map((i) => i + 8)]);
/** The low halves of two vectors in one. */
const join = (a: Expr, b: Expr): Expr => shuffle(a, b, [...low, ...low.map((i) => i + 16)]);
/** The high words. */
const highWords = (a: Expr, b: Expr): Expr =>
  shuffle(a, b, [4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31]);

const floatOps: ReadonlySet<ElementOp> = new Set([
  'add',
  'sub',
  'mul',
  'div',
  'sqrt',
  'floor',
  'ceil',
  'trunc',
  'nearest',
]);

const flipped: Partial<Record<ElementOp, string>> = { eq: 'eq', ne: 'ne', lt: 'lt', le: 'le', gt: 'gt', ge: 'ge' };

/**
 * In how many vectors an operation takes the masks among its operands: as many as the numbers that it computes with have, and
 * among masks alone as many as any of them has.
 */
export function maskParts(operation: ElementOp, dtype: DType, masks: readonly Vector[]): MaskParts {
  const isLogic = dtype === 'bool' && operation !== 'convert';
  return dtype === 'float64' || (isLogic && masks.some((mask) => mask.length === 2)) ? 2 : 1;
}

/** A shift amount that is the same in every lane, as an i32. */
export type UniformAmount = Expr | undefined;

/** Applies a function of jit/math to vectors of one type. */
export type UseVectorMath = (fn: string, args: readonly Expr[]) => Expr;
/** For operations that call none. */
export const noMath = (): never => {
  throw new Error('this operation calls no function of jit/math');
};

/** One operation on four lanes. Masks among the operands have as many vectors as `maskParts` says. */
export function vectorOp(
  operation: ElementOp,
  dtype: DType,
  args: readonly Vector[],
  argType: DType,
  name: Let,
  math: UseVectorMath,
  fn?: string,
  amount?: UniformAmount,
): Vector {
  const [x, y, z] = args as [Vector, Vector, Vector];
  switch (operation) {
    case 'call':
      return x.map((_, i) =>
        math(
          fn!,
          args.map((arg) => arg[i]!),
        ),
      );
    case 'select':
      return choose(x, y, z);
    case 'convert':
      return convert(x, argType, dtype, name);
    case 'bitcast':
      return x;
  }
  const mask = argType === 'bool' ? maskOp(operation, args) : undefined;
  if (mask) return mask;
  switch (operation) {
    case 'or':
      return [bytesRotated(x[0]!, y[0]!) ?? op('v128.or', x[0]!, y[0]!)];
    case 'and':
    case 'xor':
      return [op(`v128.${operation}`, x[0]!, y[0]!)];
    case 'not':
      return [op('v128.not', x[0]!)];
  }
  const comparison = flipped[operation];
  if (comparison) return compare(comparison, x, y, argType);
  if (isFloating(dtype)) {
    const shape = dtype === 'float32' ? 'f32x4' : 'f64x2';
    if (operation === 'copysign') {
      const [signBit] = splatConstant(-0, dtype) as [Expr];
      return x.map((part, i) => {
        const from = name(y[i]!);
        const sign = op('v128.and', op('v128.and', from, signBit), op(`${shape}.eq`, from, from));
        return op('v128.or', op('v128.andnot', part, signBit), sign);
      });
    }
    if (operation === 'max' || operation === 'min')
      return x.map((part, i) => extremeOf(operation, shape, name(part), name(y[i]!), name));
    // Constants stay in registers, where V8 makes them anew for each `neg` and `abs`.
    if (operation === 'neg') return x.map((part) => op('v128.xor', part, splatConstant(-0, dtype)[0]!));
    if (operation === 'abs') return x.map((part) => op('v128.andnot', part, splatConstant(-0, dtype)[0]!));
    if (!floatOps.has(operation)) throw new Error(`${operation} is not an operation on ${dtype}`);
    return x.map((_, i) => op(`${shape}.${operation}`, ...args.map((arg) => arg[i]!)));
  }
  const sign = dtype === 'int32' ? 's' : 'u';
  switch (operation) {
    case 'add':
    case 'sub':
    case 'mul':
      return [op(`i32x4.${operation}`, x[0]!, y[0]!)];
    case 'neg':
    case 'abs':
      return [op(`i32x4.${operation}`, x[0]!)];
    case 'min':
    case 'max':
      return [op(`i32x4.${operation}_${sign}`, x[0]!, y[0]!)];
    case 'mulHigh': {
      const [a, b] = [name(x[0]!), name(y[0]!)];
      return [highWords(op('i64x2.extmul_low_i32x4_u', a, b), op('i64x2.extmul_high_i32x4_u', a, b))];
    }
    case 'shl':
    case 'shrLogical':
    case 'shrArithmetic':
      if (amount) return [shift(operation, x[0]!, amount, name)];
      if (operation === 'shl') return [shiftLeft(x[0]!, name(y[0]!), name)];
      return [shiftRight(x[0]!, y[0]!, operation === 'shrArithmetic' ? 'int32' : 'uint32', name)];
    case 'div':
    case 'rem':
      return [divided(operation, dtype, name(x[0]!), name(y[0]!), name)];
    default:
      throw new Error(`${operation} is not an operation on ${dtype}`);
  }
}

/**
 * WebAssembly's `max` and `min` in five and three instructions; theirs are nine of x86, each of which needs the one before it. `pmax` and
 * `pmin` are single ones, which give the first operand where either is NaN or both are equal. So both orders differ where one is NaN, of which
 * `or` leaves a NaN, since all bits of its exponent are set, and where zeros have different signs, of which `or` makes −0, the smaller one.
 * For the larger it becomes −0 − (−0) = 0; elsewhere numbers lose 0.
 */
function extremeOf(operation: 'max' | 'min', shape: 'f32x4' | 'f64x2', x: Expr, y: Expr, name: Let): Expr {
  const [one, other] = [op(`${shape}.p${operation}`, x, y), op(`${shape}.p${operation}`, y, x)];
  if (operation === 'min') return op('v128.or', one, other);
  const [first, second] = [name(one), name(other)];
  return op(`${shape}.sub`, op('v128.or', first, second), op('v128.xor', first, second));
}

/**
 * The larger or the smaller of a number and a constant in one or two instructions. Undefined for constants that need more: NaN,
 * and −0 for `min`.
 */
export function extremeWith(operation: 'max' | 'min', dtype: DType, x: Vector, constant: number): Vector | undefined {
  if (Number.isNaN(constant) || (operation === 'min' && Object.is(constant, -0))) return undefined;
  const shape = dtype === 'float64' ? 'f64x2' : 'f32x4';
  const bound = splatConstant(constant, dtype);
  // Of x and the constant, x where they are equal and where x is NaN.
  const result = x.map((part, i) => op(`${shape}.p${operation}`, part, bound[i]!));
  // Between −0 and 0 the larger is 0: adding 0 makes it that and changes nothing else.
  return operation === 'max' && Object.is(constant, 0)
    ? result.map((part, i) => op(`${shape}.add`, part, bound[i]!))
    : result;
}

/** Of two shifts that are together a rotation by whole bytes, such as four of twenty rounds of a hash have. */
function bytesRotated(left: Expr, right: Expr): Expr | undefined {
  if (left.kind !== 'op' || left.op !== 'i32x4.shl' || right.kind !== 'op' || right.op !== 'i32x4.shr_u') return;
  const [[x, by], [y, back]] = [left.args, right.args] as [[Expr, Expr], [Expr, Expr]];
  if (x.kind !== 'local' || y.kind !== 'local' || x.index !== y.index) return;
  if (by.kind !== 'const' || back.kind !== 'const' || !('value' in by) || !('value' in back)) return;
  const bits = Number(by.value);
  return bits % 8 === 0 && bits + Number(back.value) === 32 ? op('i8x16.swizzle', x, lanesRotated(bits)) : undefined;
}

function shift(operation: 'shl' | 'shrLogical' | 'shrArithmetic', x: Expr, amount: Expr, name: Let): Expr {
  if (operation === 'shrArithmetic') {
    const by = name(amount);
    return op('i32x4.shr_s', x, select(op('i32.lt_u', by, i32c(31)), by, i32c(31)));
  }
  const instruction = operation === 'shl' ? 'i32x4.shl' : 'i32x4.shr_u';
  if (amount.kind === 'const')
    return (amount as { value: number }).value >>> 0 < 32 ? op(instruction, x, amount) : i32x4c(0);
  const by = name(amount);
  const inside = op('i32x4.splat', op('i32.sub', i32c(0), op('i32.lt_u', by, i32c(32))));
  return op('v128.and', op(instruction, x, by), inside);
}

/**
 * x·2^n, the power made as a float and converted. −2^n is, since 2³¹ would be too large. Amounts of 32 or more shift
 * everything out.
 */
function shiftLeft(x: Expr, n: Expr, name: Let): Expr {
  const minusPower = op('i32x4.add', op('i32x4.shl', n, i32c(23)), f32x4c(-1));
  const product = op('i32x4.mul', x, op('i32x4.trunc_sat_f32x4_s', minusPower));
  return op('v128.and', op('i32x4.neg', name(product)), op('i32x4.lt_u', n, i32x4c(32)));
}

/**
 * x·2⁻ⁿ rounded down, in float64, where it is exact: the vector unit shifts all lanes by one amount, and lane by lane it takes twice
 * as long. Amounts of more than 32 are as 32, which leaves nothing or the sign.
 */
function shiftRight(x: Expr, n: Expr, dtype: 'int32' | 'uint32', name: Let): Expr {
  const amount = op('i32x4.min_u', n, i32x4c(32));
  // Sign and exponent of the powers, whose lower words are 0.
  const upperWords = name(op('i32x4.sub', i32x4c(1023 << 20), op('i32x4.shl', amount, i32c(20))));
  const powers = [chooseLanes(i32x4c(0), upperWords, 4, 0, 4, 1, 5), chooseLanes(i32x4c(0), upperWords, 4, 2, 6, 3, 7)];
  const products = convert([x], dtype, 'float64', name).map((part, i) => op('f64x2.mul', part, powers[i]!));
  return lowerWords(products.map((part) => op('f64x2.floor', part)));
}

/**
 * Integer division in float64, where it is exact: a quotient that is no integer is further from the next one than its
 * rounding. By 0 the quotient is −1 and the remainder the dividend, as everywhere; −2³¹ / −1 wraps.
 */
function divided(operation: 'div' | 'rem', dtype: DType, x: Expr, y: Expr, name: Let): Expr {
  const [a, b] = [convert([x], dtype, 'float64', name), convert([y], dtype, 'float64', name)];
  const quotient = wholeParts(a.map((part, i) => op('f64x2.div', part, b[i]!)));
  if (operation === 'rem') return op('i32x4.sub', x, op('i32x4.mul', quotient, y));
  return bitselect(op('i32x4.eq', y, i32x4c(0)), i32x4c(-1), quotient);
}

/**
 * Integer division by a constant y > 1, as a product with (1 + 2⁻⁵⁰)/y: that is at least |x|/y after any rounding, and exceeds it by less than
 * 2³²·2⁻⁴⁹/y, while the next integer is 1/y or more above.
 */
export function dividedBy(operation: 'div' | 'rem', dtype: DType, dividend: Expr, y: number, name: Let): Expr {
  const x = name(dividend);
  const [reciprocal] = splatConstant((1 + 2 ** -50) / y, 'float64') as [Expr];
  const quotient = wholeParts(convert([x], dtype, 'float64', name).map((part) => op('f64x2.mul', part, reciprocal)));
  return operation === 'div' ? quotient : op('i32x4.sub', x, op('i32x4.mul', quotient, i32x4c(y | 0)));
}

/** float64 numbers towards 0 as integers, modulo 2³². */
const wholeParts = (x: Vector): Expr => lowerWords(x.map((part) => op('f64x2.trunc', part)));

/** Integers in float64 modulo 2³²: the lower halves of sums with 1.5·2⁵². */
function lowerWords(x: Vector): Expr {
  const [shifted] = splatConstant(1.5 * 2 ** 52, 'float64') as [Expr];
  const [a, b] = x.map((part) => op('f64x2.add', part, shifted)) as [Expr, Expr];
  return shuffle(
    a,
    b,
    [0, 8, 16, 24].flatMap((byte) => [byte, byte + 1, byte + 2, byte + 3]),
  );
}

function compare(comparison: string, x: Vector, y: Vector, dtype: DType): Vector {
  if (isFloating(dtype)) {
    const shape = dtype === 'float32' ? 'f32x4' : 'f64x2';
    return x.map((part, i) => op(`${shape}.${comparison}`, part, y[i]!));
  }
  if (comparison === 'eq' || comparison === 'ne') return [op(`i32x4.${comparison}`, x[0]!, y[0]!)];
  return [op(`i32x4.${comparison}_${dtype === 'int32' ? 's' : 'u'}`, x[0]!, y[0]!)];
}

function convert(x: Vector, from: DType, to: DType, name: Let): Vector {
  if (from === to) return x;
  const sign = (dtype: DType): string => (dtype === 'int32' ? 's' : 'u');
  if (to === 'bool') return compare('ne', x, splatConstant(0, from), from);
  if (from === 'bool') {
    const one = splatConstant(1, to);
    return x.map((part, i) => op('v128.and', part, one[i]!));
  }
  if (from === 'float32') {
    if (to === 'float64') {
      const value = name(x[0]!);
      return [op('f64x2.promote_low_f32x4', value), op('f64x2.promote_low_f32x4', upper(value))];
    }
    return [op(`i32x4.trunc_sat_f32x4_${sign(to)}`, x[0]!)];
  }
  if (from === 'float64') {
    const narrow = to === 'float32' ? 'f32x4.demote_f64x2_zero' : `i32x4.trunc_sat_f64x2_${sign(to)}_zero`;
    return [join(op(narrow, x[0]!), op(narrow, x[1]!))];
  }
  if (to === 'float32') return [op(`f32x4.convert_i32x4_${sign(from)}`, x[0]!)];
  if (to === 'float64') {
    const value = name(x[0]!);
    const widen = `f64x2.convert_low_i32x4_${sign(from)}`;
    return [op(widen, value), op(widen, upper(value))];
  }
  return x;
}
