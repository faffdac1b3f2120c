/** Logarithms. x = 2^e (1 + f) with 2/3 ≤ 1 + f < 4/3. */
import { type Expr, type Local, op } from '../../wasm/code.ts';
import type { VectorFunction } from '../vector-function.ts';
import { log2High, log2Low, log2Tail, logTail } from './coefficients.ts';
import {
  add,
  and,
  bits,
  c,
  choose,
  eq,
  ge,
  iadd,
  isub,
  type Lanes,
  lt,
  max,
  mul,
  onLanes,
  sra,
  sub,
  withSign,
} from './lanes.ts';

const one = c(1);
/** The bits of 2/3, subtracted from those of x: what is left above the 23rd is e. */
const offset = bits(0x3f2aaaab);
const exponentBits = bits(-0x00800000);

/** 2^e as a difference of exponents, and e as a number. */
function exponentOf(v: Lanes, x: Expr): { readonly power: Expr; readonly e: Expr } {
  const i = v.let(isub(x, offset));
  return { power: and(i, exponentBits), e: op('f32x4.convert_i32x4_s', sra(i, 23)) };
}

interface Parts {
  readonly e: Local;
  readonly f: Local;
}

/** Whether x is positive, normal and finite. */
const isOrdinary = (x: Expr): Expr => op('i32x4.lt_s', iadd(x, bits(0x7f800000)), bits(-0x01000000));

/** The parts of any x. Where the logarithm is infinite or NaN, so is e. */
function partsOf(v: Lanes, x: Expr): Parts {
  const split = (y: Expr): { readonly e: Expr; readonly f: Expr } => {
    const { power, e } = exponentOf(v, y);
    return { e, f: sub(isub(y, power), one) };
  };
  const first = split(x);
  const parts = { e: v.var(first.e), f: v.var(first.f) };
  v.unlessAll(isOrdinary(x), () => {
    const isSmall = v.let(lt(x, c(2 ** -126)));
    const { e, f } = split(v.let(choose(isSmall, mul(x, c(2 ** 23)), x)));
    v.f.set(parts.f, f);
    v.f.set(parts.e, special(x, c(0), v.let(sub(e, and(isSmall, c(23))))));
  });
  return parts;
}

/** e, or what makes a logarithm −∞ where x = `zero`, NaN below, and ∞ or NaN where x is. */
function special(x: Expr, zero: Expr, e: Expr): Expr {
  const finite = choose(eq(x, c(Number.POSITIVE_INFINITY)), x, e);
  const above = choose(eq(x, zero), c(Number.NEGATIVE_INFINITY), finite);
  return choose(ge(x, zero), above, c(Number.NaN));
}

/** e log 2 + f − f²/2 + f³ p(f) + rest. */
function natural(v: Lanes, { e, f }: Parts, rest?: Expr): Expr {
  const square = v.let(mul(f, f));
  const polynomial = v.polynomial(logTail, f);
  const cube = mul(f, square);
  const cubic = rest ? v.madd(cube, polynomial, rest) : mul(cube, polynomial);
  const small = v.madd(square, c(-0.5), v.madd(e, c(log2Low), cubic));
  return v.madd(e, c(log2High), add(f, small));
}

export const log: VectorFunction = onLanes((v, x) => natural(v, partsOf(v, x)));

/** (e + f) + c₀ f + f² p(f), the first sum with its error: where e = 1 and f < 0 half of it cancels. */
export const log2: VectorFunction = onLanes((v, x) => {
  const { e, f } = partsOf(v, x);
  const sum = v.let(add(e, f));
  // This order makes an infinite e leave no NaN.
  const rest = max(c(-1), sub(f, sub(sum, e)));
  const [linear, ...others] = log2Tail;
  const small = v.madd(f, c(linear!), v.madd(mul(f, f), v.polynomial(others, f), rest));
  return add(sum, small);
});

/** e is that of u = 1 + x rounded; f = 2^−e x + (2^−e − 1), where only the sum is rounded: its error is added again. */
export const log1p: VectorFunction = onLanes((v, x) => {
  const { power, e } = exponentOf(v, add(x, one));
  const scale = v.let(isub(one, power));
  const first = v.let(sub(scale, one));
  const second = v.let(mul(x, scale));
  const parts = { e: v.var(e), f: v.var(add(first, second)) };
  const rest = v.var(add(sub(first, parts.f), second));
  v.unlessAll(and(lt(c(-1), x), lt(x, c(2 ** 24))), () => {
    // From 2²⁴ on the logarithms of x and 1 + x are the same, and 2^−e may be subnormal.
    const isLarge = v.let(ge(x, c(2 ** 24)));
    const far = exponentOf(v, x);
    v.f.set(parts.f, choose(isLarge, sub(isub(x, far.power), one), parts.f));
    v.f.set(rest, choose(isLarge, c(0), rest));
    v.f.set(parts.e, special(x, c(-1), v.let(choose(isLarge, far.e, parts.e))));
  });
  // The sign is that of x, also of zeros; that of NaN does not matter.
  return withSign(op('f32x4.abs', natural(v, parts, rest)), x);
});
