/**
 * x^n for n > 0 by repeated squaring, in the order that the reference, compiled code and calls of kernels share. Undefined for n = 0.
 */
export function bySquaring<T>(x: T, n: number, times: (a: T, b: T) => T): T | undefined {
  let result: T | undefined;
  let square = x;
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = result === undefined ? square : times(result, square);
    if (rest > 1) square = times(square, square);
  }
  return result;
}
