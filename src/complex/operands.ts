/** Operands of complex operations: planes of real numbers. */
import { type ArrayLike, NDArray } from '../array.ts';
import { isFloating } from '../core/dtype.ts';
import { recordedList } from '../core/recorded.ts';
import { broadcastShapes, sameShape } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { convert } from '../lax/convert.ts';
import { full } from '../lax/creation.ts';
import { broadcastTo, strengthen } from '../lax/movement.ts';
import type { Planes } from '../lax/planes.ts';
import { broadcastError, commonDType, toFloating, toValue } from '../promote.ts';
import { ComplexArray, type ComplexLike } from './complex-array.ts';

export type { ComplexLike };

export const isComplex = (x: unknown): x is ComplexArray => x instanceof ComplexArray;

/** The real part of an operand, or a real operand as it is, of floating dtype. */
export const realOf = (name: string, x: ComplexLike): Value => toFloating(isComplex(x) ? x.real : x, name);

/** The imaginary part; undefined where the operand is real. */
export const imagOf = (name: string, x: ComplexLike): Value | undefined =>
  isComplex(x) ? toFloating(x.imag, name) : undefined;

/** Both parts; of a real operand zeros. */
export function planesOf(name: string, x: ComplexLike): Planes {
  const real = realOf(name, x);
  return [real, imagOf(name, x) ?? zerosFor(real)];
}

export const zerosFor = ({ aval }: Value): Value =>
  aval.weakType ? NDArray.weakNumber(0) : full(aval.shape, 0, aval.dtype);

/**
 * The same value for another array that may be disposed of by itself: results of operations that leave one part as it was.
 */
export const again = (x: Value): Value =>
  x.isTracer || x.disposed
    ? x
    : x.aval.ndim === 0 && x.literal !== undefined
      ? x
      : new NDArray(x.aval, x.cell().shared());

/** An array of two parts that are broadcast together and promoted to one floating dtype. */
export function complexOf(name: string, re: ArrayLike, im: ArrayLike): ComplexArray {
  const parts = [toValue(re, name), toValue(im, name)] as const;
  const common = commonDType(parts);
  const dtype = common && (isFloating(common) ? common : 'float32');
  const [a, b] = parts.map((x) => (dtype && (x.aval.dtype !== dtype || x.aval.weakType) ? convert(x, dtype) : x)) as [
    Value,
    Value,
  ];
  if (sameShape(a.shape, b.shape)) return new ComplexArray(again(a), again(b));
  const shape = broadcastShapes(a.shape, b.shape);
  if (!shape) throw broadcastError(name, [a, b]);
  const [whole, other] = [a, b].map((x) => broadcastTo(strengthen(x), shape)) as [Value, Value];
  return new ComplexArray(whole, other);
}

/** A function of planes as one on arrays, recorded: outside of programs its operations run as one. */
export function planewise<A extends Value[]>(f: (...planes: A) => Planes): (...planes: A) => ComplexArray {
  const run = recordedList((...planes: A) => [...f(...planes)]);
  return (...planes) => {
    const [re, im] = run(...planes);
    return new ComplexArray(re!, im!);
  };
}
