/**
 * The regularized incomplete gamma functions P and Q = 1 − P, and the derivative of P in its parameter.
 *
 * With D = xᵃ e⁻ˣ / Γ(a + 1): P = D·S for the series S = Σ xⁿ / ((a + 1)⋯(a + n)); Q = D·a·C for Legendre's continued fraction C;
 * and near x = a, where both need √a steps, Temme's expansion (SIAM J. Math. Anal. 10, 1979; DLMF 8.12). What is not small is one
 * minus the other.
 */
import { whileLoop } from '../control/loops.ts';
import type { Value } from '../core/trace.ts';
import { integerPow, pow, sub } from '../lax/arithmetic.ts';
import { select } from '../lax/compare.ts';
import { and, not, or } from '../lax/logic.ts';
import { digamma, erfc, exp, expm1, lgamma, log } from '../lax/transcendental.ts';
import { temme } from './coefficients.ts';
import { type Bound, inDouble, specialFunction } from './function.ts';
import { deviance, isNaN, lgamma1p, polynomial, stirlingRest } from './pieces.ts';

/** D, for large a by Stirling's form, D = exp(−a·(λ − 1 − log λ) − rest)/√(2πa) with λ = x/a; and that exponent. */
function density(a: Value, x: Value): { exponent: Value; d: Value } {
  const exponent = a.mul(deviance(x.sub(a).div(a), log(x.div(a))));
  const large = a.ge(10);
  const stirling = exp(exponent.add(stirlingRest(a)).neg()).div(a.mul(2 * Math.PI).sqrt());
  const [small, at] = [select(large, 1, a), select(x.lt(1e30), x, 1e30)];
  const product = pow(at, small)
    .mul(exp(x.neg()))
    .mul(exp(lgamma1p(small).neg()));
  return { exponent, d: select(large, stirling, product) };
}

/** S and its derivative in a, where `active`. What is not asked for is not computed: the compiler drops what a loop carries in vain. */
function series(a: Value, x: Value, active: Value, epsilon: number, steps: number): [s: Value, slope: Value] {
  const [, , , s, slope] = whileLoop(
    ([n, term, rate, s]) => and(and(active, n.lt(steps)), term.mul(rate.add(1)).gt(s.mul(epsilon))),
    ([n, term, rate, s, slope]) => {
      const below = a.add(n);
      const next = term.mul(x.div(below));
      const nextRate = rate.add(below.reciprocal());
      return [n.add(1), next, nextRate, s.add(next), slope.sub(next.mul(nextRate))] as const;
    },
    [1, a.mul(0).add(1), a.mul(0), a.mul(0).add(1), a.mul(0)] as const,
  );
  return [s, slope];
}

/** C and its derivative in a, where `active`, by Lentz's method as modified by Thompson and Barnett. */
function fraction(
  a: Value,
  x: Value,
  active: Value,
  epsilon: number,
  steps: number,
  { withSlope }: { withSlope: boolean },
): [c: Value, slope: Value] {
  const b0 = x.sub(a).add(1);
  const start = b0.reciprocal();
  const zero = a.mul(0);
  const [, , , , , value, rate] = whileLoop(
    ([n, , , , , , rate, change, changeRate]) => {
      const going = change.sub(1).abs().gt(epsilon);
      const slopeGoing = changeRate.abs().gt(rate.abs().add(1e-300).mul(epsilon));
      return and(and(active, n.lt(steps)), withSlope ? or(going, slopeGoing) : going);
    },
    ([n, c, cSlope, d, dSlope, value, rate]) => {
      const numerator = n.mul(a.sub(n));
      const b = b0.add(n.mul(2));
      // The numerator's derivative is n, the denominator's −1.
      const below = away(numerator.mul(d).add(b));
      const belowSlope = n.mul(d).add(numerator.mul(dSlope)).sub(1);
      const part = numerator.div(c);
      const nextC = away(b.add(part));
      const nextCSlope = n
        .div(c)
        .sub(part.mul(cSlope.div(c)))
        .sub(1);
      const nextD = below.reciprocal();
      const nextDSlope = belowSlope.mul(nextD).mul(nextD).neg();
      const change = nextD.mul(nextC);
      const changeRate = nextDSlope.div(nextD).add(nextCSlope.div(nextC));
      return [
        n.add(1),
        nextC,
        nextCSlope,
        nextD,
        nextDSlope,
        value.mul(change),
        rate.add(changeRate),
        change,
        changeRate,
      ] as const;
    },
    [1, zero.add(1e300), zero, start, start.mul(start), start, start, zero.add(2), zero.add(1)] as const,
  );
  return [value, value.mul(rate)];
}

/** Not 0. */
const away = (x: Value): Value => select(x.abs().lt(1e-300), 1e-300, x);

/** Q for x ≤ 1.1 and a small or below x: −(xᵃ/Γ(a + 1) − 1) − a·xᵃ/Γ(a + 1)·Σ (−x)ⁿ/(n!·(a + n)), without the cancellation of 1 − P for small a. */
function smallQ(a: Value, x: Value): Value {
  const logs = a.mul(log(x)).sub(lgamma1p(a));
  let [sum, term]: [Value, Value] = [a.mul(0), a.mul(0).add(1)];
  for (let n = 1; n <= 20; n++) {
    term = term.mul(x.div(-n));
    sum = sum.add(term.div(a.add(n)));
  }
  return expm1(logs)
    .neg()
    .sub(a.mul(exp(logs)).mul(sum));
}

/** P and Q near x = a, for large a: ½ erfc(±η√(a/2)) ± R. */
function nearMean(a: Value, eta: Value, exponent: Value): { p: Value; q: Value } {
  const inverse = a.reciprocal();
  const rows = temme.map((row) => polynomial(row, eta));
  let total = rows.at(-1)!;
  for (let k = rows.length - 2; k >= 0; k--) total = total.mul(inverse).add(rows[k]!);
  const rest = exp(exponent.neg())
    .div(a.mul(2 * Math.PI).sqrt())
    .mul(total);
  const z = exponent.sqrt();
  const signed = select(eta.lt(0), z.neg(), z);
  return { p: erfc(signed.neg()).mul(0.5).sub(rest), q: erfc(signed).mul(0.5).add(rest) };
}

/** √(2(λ − 1 − log λ)) with the sign of λ − 1, for λ = x/a. */
function etaOf(a: Value, x: Value, exponent: Value): Value {
  const size = exponent.mul(2).div(a).sqrt();
  return select(x.lt(a), size.neg(), size);
}

function regularized(upper: boolean): (a: Value, x: Value) => Value {
  return (givenA, givenX) => {
    const inside = and(and(givenA.gt(0), givenX.gt(0)), and(givenA.lt(1e300), givenX.lt(Number.POSITIVE_INFINITY)));
    const [a, x] = [select(inside, givenA, 1), select(inside, givenX, 1)];
    const central = and(a.ge(64), and(x.gt(a.mul(0.7)), x.lt(a.mul(1.4))));
    const below = or(x.le(a), x.le(1.1));
    const { exponent, d } = density(a, x);
    const near = nearMean(
      select(central, a, 64),
      select(central, etaOf(a, x, exponent), 0),
      select(central, exponent, 0),
    );
    const [s] = series(a, x, and(below, not(central)), 2 ** -54, 500);
    const [c] = fraction(a, x, not(or(below, central)), 2 ** -53, 500, { withSlope: false });
    const small = and(x.le(1.1), or(x.gt(a), a.lt(0.3)));
    const p = d.mul(s);
    const q = select(below, smallQ(select(small, a, 0.5), select(small, x, 0.75)), d.mul(a).mul(c));
    const farP = select(below, p, sub(1, q));
    const farQ = select(and(below, not(small)), sub(1, p), q);
    const value = upper ? select(central, near.q, farQ) : select(central, near.p, farP);
    return select(inside, value, atEnds(givenA, givenX, upper));
  };
}

/** The values where a or x is 0 or infinite; NaN beyond. */
function atEnds(a: Value, x: Value, upper: boolean): Value {
  const [none, all] = upper ? [1, 0] : [0, 1];
  const invalid = or(or(isNaN(a), isNaN(x)), or(a.lt(0), x.lt(0)));
  const both = or(and(a.eq(0), x.eq(0)), and(a.gt(1e300), x.gt(1e300)));
  const value = select(or(x.eq(0), a.gt(1e300)), none, all);
  return select(or(invalid, both), Number.NaN, value);
}

/**
 * d log x / da where P(a, x) stays the same. From −(∂P/∂a) / (x·∂P/∂x), in which D cancels, so that nothing overflows. For a ≥ 20,000
 * from Temme's expansion: η = η₀ + log(η₀/(λ₀ − 1))/(a·η₀) with η₀ proportional to a^(−1/2).
 */
function logSlope(givenA: Value, givenLogX: Value): Value {
  const inside = and(
    and(givenA.gt(0), givenA.lt(1e300)),
    and(givenLogX.gt(Number.NEGATIVE_INFINITY), givenLogX.lt(705)),
  );
  const [a, logX] = [select(inside, givenA, 1), select(inside, givenLogX, 0)];
  const x = exp(logX);
  const central = and(a.ge(2e4), and(x.gt(a.mul(0.7)), x.lt(a.mul(1.4))));
  const below = or(x.le(a), x.le(1.1));
  const [s, sSlope] = series(a, x, and(below, not(central)), 2 ** -56, 4000);
  const [c, cSlope] = fraction(a, x, not(or(below, central)), 2 ** -53, 4000, { withSlope: true });
  const psi = digamma(a);
  // ψ(a + 1) = ψ(a) + 1/a
  const ofSeries = s.mul(logX.sub(psi)).sub(s.div(a)).add(sSlope).div(a).neg();
  const ofFraction = c.mul(logX.sub(psi)).add(cSlope);
  const value = select(central, asymptoticSlope(a, x), select(below, ofSeries, ofFraction));
  // Far below, S is 1.
  const limit = select(givenLogX.eq(Number.NEGATIVE_INFINITY), Number.POSITIVE_INFINITY, Number.NaN);
  return select(inside, value, select(givenA.gt(0), limit, Number.NaN));
}

function asymptoticSlope(a: Value, x: Value): Value {
  const excess = x.sub(a).div(a);
  const { exponent } = density(a, x);
  const eta = etaOf(a, x, exponent);
  const far = eta.abs().gt(1e-3);
  const [e, t] = [select(far, eta, 1), select(far, excess, 1)];
  const bend = select(far, e.reciprocal().sub(e.mul(t.add(1)).div(t.mul(t))), eta.div(18).sub(1 / 3));
  const etaSlope = eta
    .div(a)
    .add(bend.mul(integerPow(a, -2)))
    .mul(-0.5);
  // dλ/dη = ηλ/(λ − 1)
  const stretch = select(excess.eq(0), 1, eta.div(select(excess.eq(0), 1, excess)));
  return a.reciprocal().add(stretch.mul(etaSlope));
}

/** x·∂P/∂x. */
const weight = (a: Value, x: Value): Value => exp(a.mul(log(x)).sub(x).sub(lgamma(a)));
/** ∂P/∂x. */
const slope = (a: Value, x: Value): Value => inDouble((a, x) => exp(powerLog(a.sub(1), x).sub(x).sub(lgamma(a))), a, x);
/** p·log x, 0 where p is 0. */
const powerLog = (p: Value, x: Value): Value => select(p.eq(0), 0, p.mul(log(select(p.eq(0), 1, x))));

/** d log x / da for a sample x of the gamma distribution, from log x. */
export const logGammaSlope: Bound = specialFunction('random_log_gamma_grad', {
  scalar: logSlope,
  jvp: [
    'random.gamma: samples have no second derivative with respect to the parameter',
    'random.gamma: samples have no second derivative with respect to the parameter',
  ],
  accuracy: [2, 1e7],
  intervals: [
    [0.5, 20],
    [-1, 3],
  ],
});

/** ∂P/∂a. */
export const igammaGradA: Bound = specialFunction('igamma_grad_a', {
  scalar: (a, x) => {
    const inside = and(a.gt(0), and(x.gt(0), x.lt(Number.POSITIVE_INFINITY)));
    const [at, y] = [select(inside, a, 1), select(inside, x, 1)];
    const { d } = density(at, y);
    const value = d
      .mul(at)
      .mul(logSlope(at, log(y)))
      .neg();
    const ends = and(a.gt(0), or(x.eq(0), x.eq(Number.POSITIVE_INFINITY)));
    return select(inside, value, select(ends, 0, Number.NaN));
  },
  jvp: [
    'gammainc: there is no second derivative with respect to `a`',
    (dx, [a, x]) =>
      dx.mul(
        inDouble(
          (a, x) =>
            weight(a, x)
              .div(x)
              .mul(log(x).sub(digamma(a))),
          a!,
          x!,
        ),
      ),
  ],
  accuracy: [2, 1e7],
  intervals: [
    [0.5, 20],
    [0.5, 20],
  ],
});

export const igamma: Bound = specialFunction('igamma', {
  scalar: regularized(false),
  jvp: [(da, [a, x]) => da.mul(igammaGradA(a!, x!)), (dx, [a, x]) => dx.mul(slope(a!, x!))],
  intervals: [
    [0.1, 20],
    [0.1, 20],
  ],
});

export const igammac: Bound = specialFunction('igammac', {
  scalar: regularized(true),
  jvp: [(da, [a, x]) => da.mul(igammaGradA(a!, x!)).neg(), (dx, [a, x]) => dx.mul(slope(a!, x!)).neg()],
  intervals: [
    [0.1, 20],
    [0.1, 20],
  ],
});
