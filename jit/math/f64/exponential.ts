/** The exponential function and what is made of it. */
import { type Expr, f64x2c } from '../../wasm/code.ts';
import type { VectorFunction } from '../vector-function.ts';
import { coshTail, expTail, sinhTail } from './coefficients.ts';
import { bits, Lanes, type Pair, roundingShift } from './lanes.ts';

/** log 2 in two parts, the first with 21 zeros at its end, so that its multiples by exponents are exact. */
export const log2High = 0.6931471803691238;
export const log2Low = 1.9082149292705877e-10;

/** x = k·log 2 + r, |r| ≤ log(2)/2. All locals. */
export interface Reduced {
  readonly k: Expr;
  /** k in the last bits, as a rounding shift leaves it. */
  readonly integer: Expr;
  readonly r: Pair;
}

/** `x` (named) is at most a few thousand; `low` is a small correction to it. */
export function reduce(v: Lanes, x: Expr, low?: Expr): Reduced {
  const integer = v.let(v.madd(x, Math.LOG2E, roundingShift));
  const k = v.let(v.sub(integer, roundingShift));
  const above = v.let(v.madd(k, -log2High, x));
  const below = v.let(low ? v.sub(v.mul(k, log2Low), low) : v.mul(k, log2Low));
  const high = v.let(v.sub(above, below));
  return { k, integer, r: { high, low: v.let(v.sub(v.sub(above, high), below)) } };
}

/** eʳ − 1, with its rounding error. */
function expm1Reduced(v: Lanes, { high, low }: Pair): Pair {
  const square = v.mul(high, high);
  return v.quickSum(high, v.add(v.mul(square, v.polynomial(expTail, high)), low));
}

/** y·2ᵏ, k from −2044 to 2046, in two factors, so that a subnormal result is rounded once. */
export function scale(v: Lanes, y: Expr, k: Expr, integer: Expr): Expr {
  const half = v.let(v.madd(k, 0.5, roundingShift));
  return v.mul(v.mul(y, v.powerOf2(half)), v.powerOf2(v.isub(integer, half)));
}

/** 2ᵏ for k (any local or tree) that may be outside of the exponents, where the caller does not care: clamped to ±1000. */
const clampedPower = (v: Lanes, k: Expr): Expr => v.powerOf2(v.add(v.max(v.min(k, 1000), -1000), roundingShift));

/** From 710 on the result overflows, below −746 it is 0. */
const clamp = (v: Lanes, x: Expr): Expr => v.let(v.max(v.min(x, 710), -746));

export const exp: VectorFunction = (f, target, x) => {
  const v = new Lanes(f, target);
  const { k, integer, r } = reduce(v, clamp(v, x));
  const square = v.mul(r.high, r.high);
  const tail = v.add(v.mul(square, v.polynomial(expTail, r.high)), r.low);
  return scale(v, v.add(v.add(tail, r.high), 1), k, integer);
};

/** 2ˣ: x = k + r exactly, and 2ʳ = e^(r·log 2). From 1024 on it overflows, below −1075 it is 0. */
export const exp2: VectorFunction = (f, target, x) => {
  const v = new Lanes(f, target);
  const inside = v.let(v.max(v.min(x, 1024), -1076));
  const integer = v.let(v.add(inside, roundingShift));
  const k = v.let(v.sub(integer, roundingShift));
  const r = v.let(v.mul(v.sub(inside, k), Math.LN2));
  const tail = v.mul(v.mul(r, r), v.polynomial(expTail, r));
  return scale(v, v.add(v.add(tail, r), 1), k, integer);
};

/** e^(high + low) = pair·2ᵏ, for −746 ≤ high ≤ 710. */
export function expPair(v: Lanes, high: Expr, low?: Expr): { pair: Pair; k: Expr; integer: Expr } {
  const { k, integer, r } = reduce(v, high, low);
  const p = expm1Reduced(v, r);
  const one = v.quickSum(1, p.high);
  return { pair: { high: one.high, low: v.let(v.add(one.low, p.low)) }, k, integer };
}

/** eˣ − 1 = 2ᵏ·((1 − 2⁻ᵏ) + (eʳ − 1)); the bracket is exact until 2⁻ᵏ is lost beside 1 (or 1 beside it). */
export const expm1: VectorFunction = (f, target, x) => {
  const v = new Lanes(f, target);
  const { k, integer, r } = reduce(v, v.let(v.max(v.min(x, 710), -40)));
  const p = expm1Reduced(v, r);
  const sum = v.quickSum(v.sub(1, clampedPower(v, v.neg(k))), p.high);
  return v.copysign(scale(v, v.add(sum.high, v.add(sum.low, p.low)), k, integer), x);
};

/** With e = e^(−|x|): 1/(1 + e) for x ≥ 0, e/(1 + e) below. */
export const logistic: VectorFunction = (f, target, x) => {
  const v = new Lanes(f, target);
  const { pair, k } = expPair(v, v.let(v.max(v.neg(v.abs(x)), -746)));
  // Where e is small beside 1 it need not be right, and as a result it gets the rest of its exponent below.
  const power = v.let(v.powerOf2(v.add(v.max(k, -1000), roundingShift)));
  const e = { high: v.let(v.mul(pair.high, power)), low: v.let(v.mul(pair.low, power)) };
  const one = v.quickSum(1, e.high);
  const denominator = { high: one.high, low: v.let(v.add(one.low, e.low)) };
  const negative = v.let(v.lt(x, 0));
  const numerator = { high: v.let(v.select(negative, e.high, 1)), low: v.and(negative, e.low) };
  const result = v.var(v.quotient(numerator, denominator));
  const tiny = v.let(v.lt(x, -690));
  v.ifAny(tiny, () => {
    const rest = v.powerOf2(v.add(v.min(v.add(k, 1000), 0), roundingShift));
    v.merge(result, tiny, v.mul(result, rest));
  });
  return result;
};

/** (e²ᵃ − 1)/(e²ᵃ + 1) for a = |x|, both divided by 2ᵏ: (1 ∓ 2⁻ᵏ) + (eʳ − 1). From a = 20 on it rounds to 1. */
export const tanh: VectorFunction = (f, target, x) => {
  const v = new Lanes(f, target);
  const size = v.let(v.abs(x));
  const result = v.var(f64x2c(1));
  v.ifAny(v.not(v.ge(size, 20)), () => {
    const a = v.let(v.min(size, 20));
    const { integer, r } = reduce(v, v.let(v.add(a, a)));
    const p = expm1Reduced(v, r);
    const power = v.let(v.powerOf2(v.isub(bits(0n), integer)));
    const numerator = v.quickSum(v.sub(1, power), p.high);
    // 1 + 2⁻ᵏ is no longer exact where the result is next to 1.
    const one = v.quickSum(1, power);
    const denominator = v.quickSum(one.high, p.high);
    v.set(
      result,
      v.quotient(
        { high: numerator.high, low: v.let(v.add(numerator.low, p.low)) },
        { high: denominator.high, low: v.let(v.add(v.add(denominator.low, one.low), p.low)) },
      ),
    );
  });
  return v.copysign(result, x);
};

/** e^±a = 2^±k·(cosh r ± sinh r), so e^a ∓ e^−a = 2ᵏ·(C·cosh r + S·sinh r), {S, C} = 1 ± 2⁻²ᵏ. */
interface Hyperbolic extends Reduced {
  /** 2⁻²ᵏ, 1 − 2⁻²ᵏ, 1 + 2⁻²ᵏ. */
  readonly power: Expr;
  readonly minus: Expr;
  readonly plus: Expr;
  /** sinh r − r and cosh r − 1. */
  readonly sinhRest: Expr;
  readonly coshRest: Expr;
}

function hyperbolic(v: Lanes, x: Expr): Hyperbolic {
  const reduced = reduce(v, v.let(v.min(v.abs(x), 711)));
  const { high, low } = reduced.r;
  const power = v.let(v.powerOf2(v.madd(v.min(reduced.k, 100), -2, roundingShift)));
  const square = v.let(v.mul(high, high));
  const cube = v.mul(square, high);
  const quartic = v.mul(square, square);
  return {
    ...reduced,
    power,
    minus: v.let(v.sub(1, power)),
    plus: v.let(v.add(power, 1)),
    sinhRest: v.let(v.add(v.mul(cube, v.polynomial(sinhTail, square)), low)),
    coshRest: v.let(v.madd(quartic, v.polynomial(coshTail, square), v.mul(square, 0.5))),
  };
}

export const sinh: VectorFunction = (f, target, x) => {
  const v = new Lanes(f, target);
  const { k, integer, r, power, minus, plus, sinhRest, coshRest } = hyperbolic(v, x);
  const first = v.quickSum(minus, r.high);
  const second = v.quickSum(first.high, v.mul(r.high, power));
  const rest = v.add(v.add(first.low, second.low), v.madd(sinhRest, plus, v.mul(coshRest, minus)));
  return v.copysign(scale(v, v.mul(v.add(second.high, rest), 0.5), k, integer), x);
};

export const cosh: VectorFunction = (f, target, x) => {
  const v = new Lanes(f, target);
  const { k, integer, r, power, minus, plus, sinhRest, coshRest } = hyperbolic(v, x);
  const first = v.quickSum(plus, r.high);
  const rest = v.madd(coshRest, plus, v.madd(sinhRest, minus, v.sub(first.low, v.mul(r.high, power))));
  return scale(v, v.mul(v.add(first.high, rest), 0.5), k, integer);
};
