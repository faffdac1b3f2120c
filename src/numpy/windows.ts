/** Windows: weights that let a stretch of samples fade in and out (Harris, On the use of windows, Proc. IEEE 66, 1978). */
import type { NDArray } from '../array.ts';
import { CotangentError } from '../core/errors.ts';
import { naming, optionsOf } from '../core/options.ts';
import { checkCount } from '../core/shape.ts';
import { checkDType, type DTypeOption, fromFunction } from './array.ts';

export type Window = (length: number, options?: DTypeOption) => NDArray;

/** `weight` is given the place in the window, from −1 to 1. */
function windowed(name: string, length: number, given: DTypeOption, weight: (t: number) => number): NDArray {
  const { dtype = 'float32' } = optionsOf(name, given, ['dtype']);
  checkDType(dtype, name);
  const n = checkCount(length, name, 'the length');
  return fromFunction((i) => (n === 1 ? 1 : weight((2 * i) / (n - 1) - 1)), n, dtype);
}

const window =
  (name: string, weight: (t: number) => number): Window =>
  (length, options = {}) =>
    windowed(name, length, options, weight);

/** A triangle, 0 at both ends. */
export const bartlett: Window = window('bartlett', (t) => 1 - Math.abs(t));
/** 0.5 + 0.5 cos πt, for t from −1 to 1. */
export const hanning: Window = window('hanning', (t) => 0.5 + 0.5 * Math.cos(Math.PI * t));
/** 0.54 + 0.46 cos πt, for t from −1 to 1. */
export const hamming: Window = window('hamming', (t) => 0.54 + 0.46 * Math.cos(Math.PI * t));
/** 0.42 + 0.5 cos πt + 0.08 cos 2πt, for t from −1 to 1. */
export const blackman: Window = window(
  'blackman',
  (t) => 0.42 + 0.5 * Math.cos(Math.PI * t) + 0.08 * Math.cos(2 * Math.PI * t),
);

/**
 * I₀(β √(1 − t²)) / I₀(β), for t from −1 to 1: the larger β, the narrower.
 *
 * @example
 * np.kaiser(5, 14); // [7.7268669e-06 1.6493219e-01 1.0000000e+00 1.6493219e-01 7.7268669e-06]
 */
export function kaiser(length: number, beta: number, options: DTypeOption = {}): NDArray {
  if (typeof beta !== 'number')
    throw new CotangentError(`kaiser: \`beta\` must be a number, but it is ${naming(beta)}.`);
  const whole = besselI0(beta);
  return windowed('kaiser', length, options, (t) => besselI0(beta * Math.sqrt(1 - t * t)) / whole);
}

/** The sum of ((x/2)ᵏ/k!)², whose terms are all positive (Abramowitz and Stegun 9.6.12). */
function besselI0(x: number): number {
  const quarter = (x * x) / 4;
  let [term, sum] = [1, 1];
  for (let k = 1; term > sum * 2 ** -54; k++) {
    term *= quarter / (k * k);
    sum += term;
  }
  return sum;
}
