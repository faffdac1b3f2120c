/** Exponents and multiplication by powers of 2, from the bits. */
import { type Expr, op } from '../../wasm/code.ts';
import type { VectorFunction } from '../vector-function.ts';
import {
  abs,
  and,
  bits,
  c,
  choose,
  ge,
  iadd,
  isub,
  type Lanes,
  lt,
  max,
  min,
  mul,
  not,
  onLanes,
  or,
  shl,
  sra,
  sub,
} from './lanes.ts';

const leastNormal = c(2 ** -126);

/** Writes what is otherwise in the lanes with a number that is 0, subnormal, infinite or NaN. `size` is |x|, named. */
function unlessNormal(v: Lanes, size: Expr, write: (odd: Expr, isSubnormal: Expr) => void): void {
  const odd = v.let(not(and(ge(size, leastNormal), lt(size, c(Number.POSITIVE_INFINITY)))));
  v.f.if(op('v128.any_true', odd), () => write(odd, v.let(and(lt(c(0), size), lt(size, leastNormal)))));
}

/** The e with 2ᵉ⁻¹ ≤ |x| < 2ᵉ; 0 for 0, infinities and NaN. */
export const exponent: VectorFunction = onLanes((v, x) => {
  const size = v.let(abs(x));
  const result = v.var(isub(sra(size, 23), bits(126)));
  unlessNormal(v, size, (odd, isSubnormal) => {
    const lifted = isub(sra(mul(size, c(2 ** 24)), 23), bits(126 + 24));
    v.f.set(result, choose(odd, and(lifted, isSubnormal), result));
  });
  return op('f32x4.convert_i32x4_s', result);
});

/** x·2⁻ᵉ for that e. */
export const significand: VectorFunction = onLanes((v, x) => {
  const withExponent = (normal: Expr): Expr => choose(bits(0xff << 23), c(0.5), normal);
  const result = v.var(withExponent(x));
  unlessNormal(v, v.let(abs(x)), (odd, isSubnormal) => {
    v.f.set(result, choose(odd, choose(isSubnormal, withExponent(mul(x, c(2 ** 24))), x), result));
  });
  return result;
});

/** 2ⁿ for integers −126 ≤ n ≤ 127. */
const powerOf2 = (n: Expr): Expr => iadd(shl(op('i32x4.trunc_sat_f32x4_s', n), 23), c(1));

/**
 * x·2ⁿ for integers n, rounded once. What is too much for one factor is made less in two steps: those towards subnormal
 * results stop 24 bits above them, where they are exact or the result is 0.
 */
export const scalb: VectorFunction = onLanes((v, x, n) => {
  const [result, rest] = [v.var(x), v.var(n)];
  // Beside −126 ≤ n ≤ 127.
  v.f.if(op('v128.any_true', lt(c(126.5), abs(sub(rest, c(0.5))))), () => {
    for (let step = 0; step < 2; step++) {
      const down = and(lt(rest, c(-126)), c(24 - 126));
      const part = v.let(or(down, and(lt(c(127), rest), c(127))));
      v.f.set(result, mul(result, powerOf2(part)));
      v.f.set(rest, sub(rest, part));
    }
    v.f.set(rest, max(min(rest, c(127)), c(-126)));
  });
  return mul(result, powerOf2(rest));
});
