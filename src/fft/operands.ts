/** What Fourier transforms are given: planes of real numbers, axes, lengths and norms. */
import type { Scale } from '../../jit/runtime/fft/plan.ts';
import type { NDArray } from '../array.ts';
import { ComplexArray, type ComplexLike } from '../complex/complex-array.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import { checkChoice, naming } from '../core/options.ts';
import { recordedList } from '../core/recorded.ts';
import { normalizeAxis } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { full, zerosLike } from '../lax/creation.ts';
import { type FftParams, transformPlanes } from '../lax/fft.ts';
import { strengthen } from '../lax/movement.ts';
import { concatenate, slice } from '../lax/slicing.ts';
import { toFloating } from '../promote.ts';

/**
 * What results are multiplied by: by 'backward' 1/n in inverse transforms, by 'forward' in the others, and by 'ortho' 1/√n in
 * both. Default 'backward'.
 */
export type FftNorm = 'backward' | 'ortho' | 'forward';

const norms = ['backward', 'ortho', 'forward'];

/** @param isInverse whether the norm 'backward' scales this direction */
export function scaleOf(operation: string, norm: FftNorm, isInverse: boolean): Scale {
  checkChoice(operation, '`norm`', norm, norms);
  if (norm === 'ortho') return 'unitary';
  return (norm === 'backward') === isInverse ? 'mean' : 'none';
}

/** Real and imaginary parts; these are undefined where there are none. */
export interface Parts {
  readonly re: Value;
  readonly im: Value | undefined;
}

export function partsOf(operation: string, x: ComplexLike): Parts {
  if (!(x instanceof ComplexArray)) return { re: strengthen(toFloating(x, operation)), im: undefined };
  return { re: strengthen(toFloating(x.real, operation)), im: strengthen(toFloating(x.imag, operation)) };
}

/** The real part of what must be real. */
export function realPartOf(operation: string, x: ComplexLike): Parts {
  if (x instanceof ComplexArray)
    throw new DtypeError(`${operation}: needs real numbers, but got ${x.describe()}.`, {
      hint: `take \`x.real\`, or the transform of complex numbers`,
    });
  return partsOf(operation, x);
}

const nameOf = ({ re, im }: Parts): string => (im ? new ComplexArray(re, im) : re).describe();

export function axisOf(operation: string, x: Parts, axis: unknown): number {
  if (!Number.isInteger(axis))
    throw new ShapeError(`${operation}: axis must be an integer, but it is ${naming(axis)}.`);
  const normal = normalizeAxis(axis as number, x.re.ndim);
  if (normal === undefined) throw new ShapeError(`${operation}: axis ${axis} is out of range for ${nameOf(x)}.`);
  return normal;
}

/** A length that was asked for, or that of the axis. */
export function lengthOf(operation: string, what: string, x: Parts, axis: number, given: unknown): number {
  if (given === undefined || given === null) {
    const n = x.re.shape[axis]!;
    if (n === 0) throw new ShapeError(`${operation}: axis ${axis} of ${nameOf(x)} is empty.`);
    return n;
  }
  if (!Number.isInteger(given) || (given as number) < 1)
    throw new ShapeError(`${operation}: ${what} must be an integer of at least 1, but it is ${naming(given)}.`);
  return given as number;
}

/** Axes and the lengths along them, as `fftn` and its kin take them. */
export function axesOf(
  operation: string,
  x: Parts,
  s: unknown,
  axes: unknown,
): { readonly axes: readonly number[]; readonly lengths: readonly unknown[] } {
  for (const [name, list] of [
    ['s', s],
    ['axes', axes],
  ] as const)
    if (list !== undefined && list !== null && !Array.isArray(list))
      throw new ShapeError(`${operation}: \`${name}\` must be a list of integers, but it is ${naming(list)}.`);
  const lengths = s as readonly unknown[] | undefined | null;
  const count = lengths?.length ?? x.re.ndim;
  const given = (axes as readonly unknown[] | undefined | null) ?? Array.from({ length: count }, (_, i) => i - count);
  if (lengths && lengths.length !== given.length)
    throw new ShapeError(`${operation}: \`s\` has ${lengths.length} lengths for ${given.length} axes.`);
  const normal = given.map((axis) => axisOf(operation, x, axis));
  if (new Set(normal).size < normal.length)
    throw new ShapeError(`${operation}: axes [${normal.join(', ')}] name one axis twice.`);
  if (normal.length === 0) throw new ShapeError(`${operation}: needs at least one axis, but got ${nameOf(x)}.`);
  return { axes: normal, lengths: lengths ?? normal.map(() => undefined) };
}

/** A transform along an axis whose length is made to fit first. */
export type Step = FftParams;

/** Cuts the axis, or adds zeros. */
function fitted(x: Value, axis: number, length: number): Value {
  const { shape, dtype } = x.aval;
  const given = shape[axis]!;
  if (given === length) return x;
  const along = (n: number): number[] => shape.map((extent, i) => (i === axis ? n : extent));
  if (given > length)
    return slice(
      x,
      shape.map(() => 0),
      along(length),
    );
  return concatenate([x, full(along(length - given), 0, dtype)], axis);
}

const lengthBefore = ({ kind, n }: Step): number => (kind === 'irfft' ? Math.floor(n / 2) + 1 : n);

function takeStep(parts: readonly Value[], step: Step): Value[] {
  const { axis } = step;
  const [re, im] = parts.map((x) => fitted(x, axis, lengthBefore(step))) as [Value, Value?];
  switch (step.kind) {
    case 'rfft':
      return transformPlanes([re], step);
    case 'irfft':
      return transformPlanes([re, im ?? zerosLike(re.aval)], step);
    default:
      return im ? transformPlanes([re, im], step) : transformPlanes([re], { ...step, kind: 'fftReal' });
  }
}

const takeSteps = recordedList((re: Value, im: Value | undefined, steps: readonly Step[]): NDArray[] =>
  steps.reduce<Value[]>(takeStep, im ? [re, im] : [re]),
);

/** Does the transforms one after the other: one or two planes. */
export function transformed({ re, im }: Parts, steps: readonly Step[]): Value[] {
  const [step] = steps;
  const isPlain = steps.length === 1 && re.shape[step!.axis] === lengthBefore(step!);
  return isPlain ? takeStep(im ? [re, im] : [re], step!) : takeSteps(re, im, steps);
}

export const complexOf = ([re, im]: readonly Value[]): ComplexArray => new ComplexArray(re!, im!);
