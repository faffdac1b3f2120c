import { type ArrayLike, NDArray } from './array.ts';
import { ComplexArray } from './complex/complex-array.ts';
import { isScalarOf, type ShapedArray, shapedArray } from './core/aval.ts';
import { type DType, isFloating, isInteger } from './core/dtype.ts';
import { DtypeError, RuleError, ShapeError } from './core/errors.ts';
import { isLinear } from './core/linear.ts';
import { naming } from './core/options.ts';
import { broadcastShapes } from './core/shape.ts';
import { currentSource } from './core/source.ts';
import type { Value } from './core/trace.ts';
import { convert } from './lax/convert.ts';
import { broadcastFitting } from './lax/movement.ts';
import { operandNames } from './syntax/expression.ts';

/** An operand as a value: numbers become weak float literals, booleans bool literals. */
export function toValue(x: ArrayLike, operation: string): Value {
  if (x instanceof NDArray) return x;
  if (typeof x === 'number') return NDArray.weakNumber(x);
  if (typeof x === 'boolean') return NDArray.ofBoolean(x);
  // A transposition rule has read an operand that the result should be linear in.
  if (isLinear(x)) throw new RuleError(`${operation}: a function that is not linear has no transpose.`);
  if (isComplexArray(x)) throw complexError(operation, x);
  throw new DtypeError(`${operation}: expected an array, a number or a boolean, but got ${naming(x)}.`, {
    hint: operandHint(x),
  });
}

const isComplexArray = (x: unknown): x is ComplexArray => x instanceof ComplexArray;

/** Of functions that take real arrays only. */
function complexError(operation: string, x: ComplexArray): DtypeError {
  const names = operandNames(currentSource().frame, operation);
  const what = names.length === 1 && names[0] ? `\`${names[0]}\` is ${x.describe()}` : `got ${x.describe()}`;
  return new DtypeError(`${operation}: takes real arrays only, but ${what}.`, {
    hint: 'take its parts, `z.real` and `z.imag`, or its magnitude, `np.abs(z)`',
  });
}

function operandHint(x: unknown): string | undefined {
  if (Array.isArray(x) || ArrayBuffer.isView(x)) return 'make an array of it with `np.array(…)`';
  if (x === undefined) return 'an argument is missing in a call, or a name is misspelt';
  return x instanceof Promise ? 'await it first' : undefined;
}

const isIntegralLiteral = (v: Value): boolean => v.literal !== undefined && Number.isInteger(v.literal);

/**
 * The common dtype of operands, by JAX's lattice: bool → int32 | uint32 → float32 → float64; uint32 with int32 is int32.
 * Weak numbers take the dtype of the arrays they meet; an integral literal keeps integers integer.
 * Undefined when every operand is weak.
 */
export function commonDType(values: readonly Value[]): DType | undefined {
  const strong = values.filter((v) => !v.aval.weakType).map((v) => v.aval.dtype);
  if (strong.length === 0) return undefined;
  const weak = values.filter((v) => v.aval.weakType);
  let dtype = strong.reduce(join);
  if (weak.length > 0 && !isFloating(dtype)) {
    if (!weak.every(isIntegralLiteral)) return 'float32';
    if (dtype === 'bool') dtype = 'int32';
  }
  return dtype;
}

function join(a: DType, b: DType): DType {
  if (a === b) return a;
  if (isFloating(a) || isFloating(b)) return a === 'float64' || b === 'float64' ? 'float64' : 'float32';
  if (isInteger(a) && isInteger(b)) return 'int32';
  return isInteger(a) ? a : b;
}

/** Operands of one dtype. All-weak operands stay weak (float64). */
export function promoteDTypes(operation: string, args: readonly ArrayLike[]): Value[] {
  const values = args.map((x) => toValue(x, operation));
  const [first] = values;
  if (first && values.every(({ aval }) => aval.dtype === first.aval.dtype && !aval.weakType)) return values;
  const dtype = commonDType(values);
  if (dtype === undefined) return values;
  return values.map((v) => (v.aval.dtype === dtype && !v.aval.weakType ? v : convert(v, dtype)));
}

/** Operands of one dtype, and of one shape but for rank-0 ones. */
export function promote(operation: string, args: readonly ArrayLike[]): Value[] {
  const alike = args.length === 2 ? promoteAlike(args[0]!, args[1]!) : undefined;
  if (alike) return alike;
  const values = promoteDTypes(operation, args);
  const shapes = values.map((v) => v.aval.shape).filter((s) => s.length > 0);
  if (shapes.length < 2 || shapes.every((s) => s === shapes[0])) return values;
  const shape = broadcastShapes(...shapes);
  if (!shape) throw broadcastError(operation, values);
  return values.map((v) => (v.aval.shape.length === 0 ? v : broadcastFitting(v, shape)));
}

/** Operands as messages list them, with the names that they have in the user's call: `` `w` f32[3] and f32[4] ``. */
export function operandTypes(operation: string, values: readonly Value[]): string {
  const names = operandNames(currentSource().frame, operation);
  const known = names.length === values.length;
  const types = values.map((v, i) => (known && names[i] ? `\`${names[i]}\` ${v.aval}` : String(v.aval)));
  return types.length === 1 ? types[0]! : `${types.slice(0, -1).join(', ')} and ${types.at(-1)}`;
}

/** The commonest cases at once: arrays of one type, and an array with a rank-0 one of its dtype or a number. */
function promoteAlike(x: ArrayLike, y: ArrayLike): Value[] | undefined {
  if (x instanceof NDArray) {
    if (x.aval.weakType) return undefined;
    if (y instanceof NDArray) return x.aval === y.aval || isScalarOf(x.aval, y.aval) ? [x, y] : undefined;
    return typeof y === 'number' && x.aval.isFloating ? [x, literalOf(y, x.aval)] : undefined;
  }
  if (typeof x !== 'number' || !(y instanceof NDArray) || y.aval.weakType || !y.aval.isFloating) return undefined;
  return [literalOf(x, y.aval), y];
}

const literalOf = (value: number, { dtype }: ShapedArray): Value =>
  dtype === 'float64' ? literal(value, scalar64, literals64) : literal(Math.fround(value), scalar32, literals32);

/** Constants of a program come again and again, and an operand costs more to make than a small array to compute. */
function literal(value: number, aval: ShapedArray, known: Map<number, Value>): Value {
  let made = known.get(value);
  // A map takes −0 for 0.
  if (!made || value === 0) {
    made = NDArray.ofLiteral(value, aval);
    if (known.size >= 1000) known.clear();
    known.set(value, made);
  }
  return made;
}

const scalar32 = shapedArray([], 'float32');
const scalar64 = shapedArray([], 'float64');
const literals32 = new Map<number, Value>();
const literals64 = new Map<number, Value>();

export function broadcastError(operation: string, values: readonly Value[]): ShapeError {
  return new ShapeError(`${operation}: ${operandTypes(operation, values)} do not broadcast together.`);
}

/** An operand of floating dtype: integers and bools become float32. */
export function toFloating(x: ArrayLike, operation: string): Value {
  const value = toValue(x, operation);
  return isFloating(value.aval.dtype) ? value : convert(value, 'float32');
}
