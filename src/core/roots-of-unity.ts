/** Cosines and sines of fractions of a turn, right to about a unit in the last place. */

/** cos(2πk/n) and sin(2πk/n) for k = 0 … n − 1. */
export interface Roots {
  readonly cos: Float64Array;
  readonly sin: Float64Array;
}

const halfPi = Math.PI / 2;
/** What π/2 is more than its double. */
const halfPiRest = 6.123233995736766e-17;
const splitter = 2 ** 27 + 1;

/** a·b − fl(a·b), exactly (T. J. Dekker, A floating-point technique for extending the available precision, 1971). */
function productError(a: number, b: number, product: number): number {
  const [aWide, bWide] = [a * splitter, b * splitter];
  const [aHigh, bHigh] = [aWide - (aWide - a), bWide - (bWide - b)];
  const [aLow, bLow] = [a - aHigh, b - bHigh];
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

/**
 * Angles between 0 and π/4 are computed as a sum of two doubles, since rounding them would cost as much as the sine does;
 * all others are reflections of these, found with integers. So the roots are as symmetric as the circle.
 */
export function rootsOfUnity(n: number): Roots {
  const [cos, sin] = [new Float64Array(n), new Float64Array(n)];
  const last = n >> 1;
  for (let k = 0; k <= last; k++) {
    // The angle is a number of quarters and rest/n of one.
    const quarter = Math.floor((4 * k) / n);
    const rest = 4 * k - quarter * n;
    const isPast = 2 * rest > n;
    const numerator = isPast ? n - rest : rest;
    const whole = halfPi * numerator;
    const angle = whole / n;
    const back = angle * n;
    const error = productError(halfPi, numerator, whole) + halfPiRest * numerator;
    const correction = (whole - back - productError(angle, n, back) + error) / n;
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    const isMiddle = 2 * rest === n;
    const [near, far] = isMiddle ? [Math.SQRT1_2, Math.SQRT1_2] : [c - s * correction, s + c * correction];
    const [x, y] = isPast ? [far, near] : [near, far];
    cos[k] = quarter === 0 ? x : quarter === 1 ? -y : -x;
    sin[k] = quarter === 0 ? y : quarter === 1 ? x : -y;
    if (k > 0) {
      cos[n - k] = cos[k]!;
      sin[n - k] = -sin[k]!;
    }
  }
  if (n % 2 === 0) sin[last] = 0;
  return { cos, sin };
}
