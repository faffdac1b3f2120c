/** Exponents and multiplication by powers of 2, from the bits. */
import { type Expr, f64x2c } from '../../wasm/code.ts';
import type { VectorFunction } from '../vector-function.ts';
import { bits, Lanes, roundingShift } from './lanes.ts';

const leastNormal = 2 ** -1022;

/** Writes what is otherwise in the lanes with a number that is 0, subnormal, infinite or NaN. `size` is |x|, named. */
function unlessNormal(v: Lanes, size: Expr, write: (odd: Expr, isSubnormal: Expr) => void): void {
  const odd = v.let(v.not(v.and(v.ge(size, leastNormal), v.lt(size, Number.POSITIVE_INFINITY))));
  v.ifAny(odd, () => write(odd, v.let(v.and(v.gt(size, 0), v.lt(size, leastNormal)))));
}

/** The e with 2ᵉ⁻¹ ≤ |x| < 2ᵉ; 0 for 0, infinities and NaN. */
export const exponent: VectorFunction = (f, target, x) => {
  const v = new Lanes(f, target);
  const size = v.let(v.abs(x));
  const result = v.var(v.add(v.exponent(size), 1));
  unlessNormal(v, size, (odd, isSubnormal) => {
    const lifted = v.sub(v.exponent(v.mul(size, 2 ** 53)), 52);
    v.merge(result, odd, v.and(lifted, isSubnormal));
  });
  return result;
};

/** x·2⁻ᵉ for that e. */
export const significand: VectorFunction = (f, target, x) => {
  const v = new Lanes(f, target);
  const withExponent = (normal: Expr): Expr => v.select(bits(0x7ffn << 52n), 0.5, normal);
  const result = v.var(withExponent(x));
  unlessNormal(v, v.let(v.abs(x)), (odd, isSubnormal) => {
    v.merge(result, odd, v.select(isSubnormal, withExponent(v.mul(x, 2 ** 53)), x));
  });
  return result;
};

/**
 * x·2ⁿ for integers n, rounded once. What is too much for one factor is made less in two steps: those towards subnormal
 * results stop 53 bits above them, where they are exact or the result is 0.
 */
export const scalb: VectorFunction = (f, target, x, n) => {
  const v = new Lanes(f, target);
  const [result, rest] = [v.var(x!), v.var(n!)];
  // Beside −1022 ≤ n ≤ 1023.
  v.ifAny(v.gt(v.abs(v.sub(rest, 0.5)), 1022.5), () => {
    for (let step = 0; step < 2; step++) {
      const down = v.and(v.lt(rest, -1022), f64x2c(53 - 1022));
      const part = v.let(v.or(down, v.and(v.gt(rest, 1023), f64x2c(1023))));
      v.set(result, v.mul(result, v.powerOf2(v.add(part, roundingShift))));
      v.set(rest, v.sub(rest, part));
    }
    v.set(rest, v.max(v.min(rest, 1023), -1022));
  });
  return v.mul(result, v.powerOf2(v.add(rest, roundingShift)));
};
