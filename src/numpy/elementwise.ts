/** Arithmetic, comparison and logic under NumPy's names: operands are promoted to one dtype and broadcast together. */
import { type ArrayLike, NDArray } from '../array.ts';
import type { ShapedArray } from '../core/aval.ts';
import { isFloating, isInteger } from '../core/dtype.ts';
import { DtypeError } from '../core/errors.ts';
import { checkExtra, checkNumbers, optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import { currentTrace, type Value } from '../core/trace.ts';
import * as arithmetic from '../lax/arithmetic.ts';
import * as compare from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import * as logic from '../lax/logic.ts';
import { promote, toFloating, toValue } from '../promote.ts';

export type Unary = (x: ArrayLike) => NDArray;
export type Binary = (x: ArrayLike, y: ArrayLike) => NDArray;
export type Ternary = (x: ArrayLike, y: ArrayLike, z: ArrayLike) => NDArray;

type Operation = (x: Value, y: Value) => Value;

/**
 * A function of two operands that runs as one program where these have to be broadcast or converted first: what is broadcast
 * is read where it lies.
 *
 * @param converts whether operands of these types have to be
 */
export function together(f: Binary, converts: (x: ShapedArray, y: ShapedArray) => boolean = differ): Binary {
  const program = recorded(f);
  return (x, y, extra?: unknown, list?: unknown) =>
    extra === undefined && x instanceof NDArray && y instanceof NDArray && converts(x.aval, y.aval)
      ? program(x, y)
      : (f as (...args: unknown[]) => NDArray)(x, y, extra, list);
}

/** Arrays of one shape and numbers of one dtype are ready as they are. */
const differ = (x: ShapedArray, y: ShapedArray): boolean =>
  x !== y && (x.dtype !== y.dtype || (x.shape.length > 0 && y.shape.length > 0)) && !(x.weakType || y.weakType);

/** `operation` at once on floats of one type, and with a number, where there is nothing to promote; else `general`. */
function unlessFloats(operation: Operation, general: Binary): Binary {
  const takesNumbers = 'promotes' in operation;
  return (x, y, extra?: unknown, list?: unknown) =>
    extra === undefined && areFloats(x, y, takesNumbers)
      ? operation(x as Value, y as Value)
      : (general as (...args: unknown[]) => NDArray)(x, y, extra, list);
}

function areFloats(x: ArrayLike, y: ArrayLike, orNumber: boolean): boolean {
  if (!(x instanceof NDArray)) return orNumber && typeof x === 'number' && y instanceof NDArray && isStrongFloat(y);
  return isStrongFloat(x) && (y instanceof NDArray ? x.aval === y.aval : orNumber && typeof y === 'number');
}

const isStrongFloat = ({ aval }: NDArray): boolean => aval.isFloating && !aval.weakType;

/** Integers and bools become floats, whether they are alike or not. */
const becomeFloats = (x: ShapedArray, y: ShapedArray): boolean => (!x.isFloating && !y.weakType) || differ(x, y);

/** The functions below are made by name, since methods and functions call the same operation differently in errors. */
const binary =
  (operation: Operation, onBools?: Operation) =>
  (name: string): Binary => {
    const general = together((x, y, extra?: unknown, list?: unknown) => {
      if (extra !== undefined) checkExtra(name, 2, extra, list);
      const [a, b] = promote(name, [x, y]);
      return onBools && a!.aval.dtype === 'bool' ? onBools(a!, b!) : operation(a!, b!);
    });
    return unlessFloats(operation, general);
  };

const { select, eq, ne, lt, gt, le, ge } = compare;

export const addNamed: (name: string) => Binary = binary(arithmetic.add, logic.or);
export const subtractNamed: (name: string) => Binary = binary(arithmetic.sub);
export const multiplyNamed: (name: string) => Binary = binary(arithmetic.mul, logic.and);
export const divideNamed: (name: string) => Binary = (name) => floating2(name, arithmetic.div);

/** The remainder with the sign of the divisor, from the one with the sign of the dividend. */
function signedRemainder(x: Value, y: Value): Value {
  const remainder = arithmetic.rem(x, y);
  const wrong = logic.and(ne(remainder, 0), ne(lt(remainder, 0), lt(y, 0)));
  return select(wrong, arithmetic.add(remainder, y), remainder);
}

/** x + y. Bools: either. */
export const add: Binary = addNamed('add');
/** x − y. */
export const subtract: Binary = subtractNamed('subtract');
/** x · y. Bools: both. */
export const multiply: Binary = multiplyNamed('multiply');
/** x / y, always floating. */
export const divide: Binary = divideNamed('divide');
export const trueDivide: Binary = divideNamed('trueDivide');

export const modNamed: (name: string) => Binary = (name) => recorded(binary(signedRemainder)(name));
/** The remainder of x / y, with the sign of y. */
export const mod: Binary = modNamed('mod');
export const remainder: Binary = modNamed('remainder');
/** The remainder of x / y, with the sign of x. */
export const fmod: Binary = binary(arithmetic.rem)('fmod');

/** The largest integer that is not above x / y. */
export const floorDivide: Binary = recorded((x, y, extra?: unknown, list?: unknown) => {
  if (extra !== undefined) checkExtra('floorDivide', 2, extra, list);
  const [a, b] = promote('floorDivide', [x, y]);
  if (isFloating(a!.aval.dtype)) return arithmetic.floorDivide(a!, b!);
  const quotient = arithmetic.div(a!, b!);
  if (a!.aval.dtype === 'uint32') return quotient;
  const remainder = arithmetic.sub(a!, arithmetic.mul(quotient, b!));
  const inexact = logic.and(ne(remainder, 0), ne(lt(a!, 0), lt(b!, 0)));
  return select(inexact, arithmetic.sub(quotient, 1), quotient);
});

/** [floorDivide(x, y), mod(x, y)]. */
export const divmod: (x: ArrayLike, y: ArrayLike) => [NDArray, NDArray] = (x, y, extra?: unknown, list?: unknown) => {
  if (extra !== undefined) checkExtra('divmod', 2, extra, list);
  const [a, b] = promote('divmod', [x, y]) as [Value, Value];
  return [floorDivide(a, b), mod(a, b)];
};

const generalPower = (name: string): Binary =>
  together((x, y, extra?: unknown, list?: unknown) => {
    if (extra !== undefined) checkExtra(name, 2, extra, list);
    const exponent = toValue(y, name);
    const base = toValue(x, name);
    const n = exponent.aval.weakType ? exponent.literal : undefined;
    if (n !== undefined && Number.isInteger(n) && Math.abs(n) < 2 ** 31 && base.aval.dtype !== 'bool') {
      if (n < 0 && isInteger(base.aval.dtype)) {
        throw new DtypeError(`${name}: ${base.aval} cannot be raised to the negative power ${n}.`, {
          hint: "convert it first: `x.astype('float32')`",
        });
      }
      return arithmetic.integerPow(base, n);
    }
    if (n === 0.5) return arithmetic.sqrt(toFloating(base, name));
    const [a, b] = promote(name, [base, exponent]);
    return isInteger(a!.aval.dtype)
      ? arithmetic.pow(a!, b!)
      : arithmetic.pow(toFloating(a!, name), toFloating(b!, name));
  });
/**
 * The one exponent of integers in an array that can be read: fewer products than for an exponent that is not known, and the same
 * modulo 2³².
 */
function oneExponent(x: ArrayLike, y: ArrayLike): number | undefined {
  if (!(x instanceof NDArray && y instanceof NDArray) || y.size !== 1 || y.ndim > x.ndim) return undefined;
  if (x.isTracer || y.isTracer || x.dtype !== y.dtype || !isInteger(x.dtype) || y.disposed) return undefined;
  const n = y.cell().first();
  return n >= 0 && n <= 64 ? n : undefined;
}

export const powerNamed: (name: string) => Binary = (name) => {
  const general = generalPower(name);
  return (x, y, extra?: unknown, list?: unknown) => {
    const n = extra === undefined && !currentTrace().records ? oneExponent(x, y) : undefined;
    if (n !== undefined) return arithmetic.integerPow(x, n);
    return (general as (...args: unknown[]) => NDArray)(x, y, extra, list);
  };
};
/** x to the power y. An integer number as y is a product; integers stay integers. */
export const power: Binary = powerNamed('power');
export const pow: Binary = powerNamed('pow');
/** x to the power y, always floating. */
export const floatPower: Binary = together((x, y, extra?: unknown, list?: unknown) => {
  if (extra !== undefined) checkExtra('floatPower', 2, extra, list);
  return arithmetic.pow(toFloating(x, 'floatPower'), toFloating(y, 'floatPower'));
});

/** Of an operand of any dtype. */
export const numeric =
  (operation: (x: Value) => Value) =>
  (name: string): Unary =>
  (x, extra?: unknown, list?: unknown) => {
    if (extra !== undefined) checkExtra(name, 1, extra, list);
    return operation(toValue(x, name));
  };
/** Of a floating operand: integers and bools are converted to float32 first. */
export const floating = (name: string, operation: (x: Value) => Value): Unary => {
  const converted: Unary = recorded((x) => operation(toFloating(x, name)));
  return (x, extra?: unknown, list?: unknown) => {
    if (extra !== undefined) checkExtra(name, 1, extra, list);
    return x instanceof NDArray && !isFloating(x.aval.dtype) ? converted(x) : operation(toFloating(x, name));
  };
};
/** The same for two operands. */
export function floating2(name: string, operation: Operation): Binary {
  const general = together((x, y, extra?: unknown, list?: unknown) => {
    if (extra !== undefined) checkExtra(name, 2, extra, list);
    const [a, b] = promote(name, [x, y]);
    return operation(toFloating(a!, name), toFloating(b!, name));
  }, becomeFloats);
  return unlessFloats(operation, general);
}
/** The same for three. */
export const floating3 =
  (name: string, operation: (x: Value, y: Value, z: Value) => Value): Ternary =>
  (x, y, z, extra?: unknown, list?: unknown) => {
    if (extra !== undefined) checkExtra(name, 3, extra, list);
    const [a, b, c] = promote(name, [x, y, z]).map((v) => toFloating(v, name)) as [Value, Value, Value];
    return operation(a, b, c);
  };

/** The same of several operations. */
export const combined = (name: string, operation: (x: Value) => Value): Unary => recorded(floating(name, operation));
export const combined2 = (name: string, operation: (x: Value, y: Value) => Value): Binary =>
  recorded(floating2(name, operation));

const orItself = (operation: (x: Value) => Value) => (x: Value) => (isFloating(x.aval.dtype) ? operation(x) : x);

export const negative: Unary = numeric(arithmetic.neg)('negative');
export const positive: Unary = numeric((x) => x)('positive');
/** |x|. */
export const absolute: Unary = numeric((x) =>
  x.aval.dtype === 'bool' || x.aval.dtype === 'uint32' ? x : arithmetic.abs(x),
)('absolute');
export const abs: Unary = absolute;
export const fabs: Unary = floating('fabs', arithmetic.abs);
/** −1, 0 or 1. */
export const sign: Unary = numeric(arithmetic.sign)('sign');
export const square: Unary = numeric((x) => arithmetic.mul(x, x))('square');
export const reciprocal: Unary = floating('reciprocal', arithmetic.reciprocal);
export const sqrt: Unary = floating('sqrt', arithmetic.sqrt);
export const cbrt: Unary = floating('cbrt', arithmetic.cbrt);
/** Integers are their own floor; so for `ceil`, `trunc` and `rint`. */
export const floor: Unary = numeric(orItself(arithmetic.floor))('floor');
export const ceil: Unary = numeric(orItself(arithmetic.ceil))('ceil');
export const trunc: Unary = numeric(orItself(arithmetic.trunc))('trunc');
export const fix: Unary = trunc;
/** The nearest integers, halves to even. */
export const rint: Unary = numeric(orItself(arithmetic.round))('rint');
/** Rounds to `decimals` places, halves to even. */
export const round: (x: ArrayLike, given?: { decimals?: number }) => NDArray = recorded((x, given = {}) => {
  const { decimals = 0 } = optionsOf('round', given, ['decimals']);
  checkNumbers('round', given, ['decimals']);
  const value = toValue(x, 'round');
  if (decimals === 0) return rint(value);
  const scale = 10 ** Math.abs(decimals);
  return decimals > 0 ? divide(rint(multiply(value, scale)), scale) : multiply(rint(divide(value, scale)), scale);
});

const maximumNamed: (name: string) => Binary = binary(arithmetic.max, logic.or);
const minimumNamed: (name: string) => Binary = binary(arithmetic.min, logic.and);
/** The larger of x and y; NaN where either is. */
export const maximum: Binary = maximumNamed('maximum');
/** The smaller of x and y; NaN where either is. */
export const minimum: Binary = minimumNamed('minimum');
/** The larger of x and y; NaN only where both are. */
export const fmax: Binary = recorded(
  binary((x, y) => (isFloating(x.aval.dtype) ? select(logic.or(gt(x, y), ne(y, y)), x, y) : arithmetic.max(x, y)))(
    'fmax',
  ),
);
/** The smaller of x and y; NaN only where both are. */
export const fmin: Binary = recorded(
  binary((x, y) => (isFloating(x.aval.dtype) ? select(logic.or(lt(x, y), ne(y, y)), x, y) : arithmetic.min(x, y)))(
    'fmin',
  ),
);

/** x limited to [low, high]; null leaves a side open. */
export const clip: (x: ArrayLike, low?: ArrayLike | null, high?: ArrayLike | null) => NDArray = recorded(
  (x, low = null, high = null, extra?: unknown, list?: unknown) => {
    if (extra !== undefined) checkExtra('clip', 3, extra, list);
    let result = toValue(x, 'clip');
    if (low !== null) result = maximumNamed('clip')(result, low);
    return high === null ? result : minimumNamed('clip')(result, high);
  },
);

export const equalNamed: (name: string) => Binary = binary(eq);
export const notEqualNamed: (name: string) => Binary = binary(ne);
export const lessNamed: (name: string) => Binary = binary(lt);
export const lessEqualNamed: (name: string) => Binary = binary(le);
export const greaterNamed: (name: string) => Binary = binary(gt);
export const greaterEqualNamed: (name: string) => Binary = binary(ge);
export const equal: Binary = equalNamed('equal');
export const notEqual: Binary = notEqualNamed('notEqual');
export const less: Binary = lessNamed('less');
export const lessEqual: Binary = lessEqualNamed('lessEqual');
export const greater: Binary = greaterNamed('greater');
export const greaterEqual: Binary = greaterEqualNamed('greaterEqual');

const truth = (x: ArrayLike, name: string): Value => convert(toValue(x, name), 'bool');
const logical = (name: string, operation: Operation): Binary =>
  recorded((x, y, extra?: unknown, list?: unknown) => {
    if (extra !== undefined) checkExtra(name, 2, extra, list);
    const [a, b] = promote(name, [truth(x, name), truth(y, name)]);
    return operation(a!, b!);
  });
/** Both are not 0. */
export const logicalAnd: Binary = logical('logicalAnd', logic.and);
/** Either is not 0. */
export const logicalOr: Binary = logical('logicalOr', logic.or);
export const logicalXor: Binary = logical('logicalXor', logic.xor);
export const logicalNot: Unary = recorded((x, extra?: unknown, list?: unknown) => {
  if (extra !== undefined) checkExtra('logicalNot', 1, extra, list);
  return logic.not(truth(x, 'logicalNot'));
});

const bitwise =
  (operation: Operation) =>
  (name: string): Binary =>
    together((x, y, extra?: unknown, list?: unknown) => {
      if (extra !== undefined) checkExtra(name, 2, extra, list);
      const [a, b] = promote(name, [x, y]);
      if (isFloating(a!.aval.dtype)) {
        throw new DtypeError(`${name}: needs integer or bool operands, but got ${a!.aval} and ${b!.aval}.`);
      }
      return operation(a!, b!);
    });
export const andNamed: (name: string) => Binary = bitwise(logic.and);
export const orNamed: (name: string) => Binary = bitwise(logic.or);
export const xorNamed: (name: string) => Binary = bitwise(logic.xor);
export const notNamed: (name: string) => Unary = numeric(logic.not);
export const bitwiseAnd: Binary = andNamed('bitwiseAnd');
export const bitwiseOr: Binary = orNamed('bitwiseOr');
export const bitwiseXor: Binary = xorNamed('bitwiseXor');
export const bitwiseNot: Unary = notNamed('bitwiseNot');
export const bitwiseInvert: Unary = notNamed('bitwiseInvert');
export const invert: Unary = notNamed('invert');
const leftNamed = bitwise(logic.shiftLeft);
const rightNamed = bitwise((x, y) =>
  x.aval.dtype === 'uint32' ? logic.shiftRightLogical(x, y) : logic.shiftRightArithmetic(x, y),
);
export const leftShift: Binary = leftNamed('leftShift');
export const bitwiseLeftShift: Binary = leftNamed('bitwiseLeftShift');
/** Shifts right: with the sign for int32, with zeros for uint32. */
export const rightShift: Binary = rightNamed('rightShift');
export const bitwiseRightShift: Binary = rightNamed('bitwiseRightShift');
export const bitwiseCount: Unary = numeric(logic.populationCount)('bitwiseCount');

/** Elements of `x` where `condition` is true, of `y` elsewhere; the three broadcast together. */
export const where: (condition: ArrayLike, x: ArrayLike, y: ArrayLike) => NDArray = recorded(
  (condition, x, y, extra?: unknown, list?: unknown) => {
    if (extra !== undefined) checkExtra('where', 3, extra, list);
    if (x === undefined && y === undefined)
      throw new DtypeError('where: needs what to choose from, as in `np.where(condition, x, y)`.', {
        hint: '`np.nonzero(condition)` has the positions of what is true',
      });
    return compare.selectNamed('where', truth(condition, 'where'), x, y);
  },
);
