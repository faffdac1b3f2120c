/** Distributions of counts: Poisson, binomial, geometric. */
import type { ArrayLike } from '../array.ts';
import { whileLoop } from '../control/loops.ts';
import type { DType } from '../core/dtype.ts';
import { isInteger } from '../core/dtype.ts';
import { DtypeError } from '../core/errors.ts';
import { beforeOptions, optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import type { ShapeLike } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { floor, min, sub } from '../lax/arithmetic.ts';
import { select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { and, or } from '../lax/logic.ts';
import { exp, log, log1p } from '../lax/transcendental.ts';
import { type Bound, specialFunction } from '../special/function.ts';
import { uniform } from './continuous.ts';
import type { IntegerOptions } from './discrete.ts';
import { parametersOf, spread, type TwoParameters } from './gamma.ts';
import { byRejection, firstOf, type Rejecting, type Stream, streamOf } from './rejection.ts';

const none = 'random: counts have no derivative';

/**
 * The number of terms of a sum of probabilities that stays below a uniform number: p₀, and pₖ from pₖ₋₁ by `ratio`. For small means.
 */
function byInversion(u: Value, first: Value, ratio: (k: Value) => Value, active: Value): Value {
  const zero = u.mul(0);
  const [k] = whileLoop(
    ([k, p, left]) => and(and(active, left.ge(p)), k.lt(400)),
    ([k, p, left]) => [k.add(1), p.mul(ratio(k.add(1))), left.sub(p)] as const,
    [zero, first, u] as const,
  );
  return k;
}

/**
 * Transformed rejection for a mean of 10 or more (Hörmann, PTRS for Poisson: Insur. Math. Econ. 12, 1993; BTRS for binomial: J. Stat. Comput.
 * Simul. 46, 1993), which have this in common: k = ⌊(2a/us + b)·u + c⌋ with us = 1/2 − |u|.
 */
function transformed(
  rejection: Rejecting,
  stream: Stream,
  { a, b, c, squeeze, most }: { a: Value; b: Value; c: Value; squeeze: Value; most: Value | number },
  accepts: (k: Value, us: Value, v: Value) => Value,
  active: Value,
): Value {
  const propose = (uniform: Value): readonly [k: Value, us: Value] => {
    const u = uniform.sub(0.5);
    const us = sub(0.5, u.abs());
    return [floor(a.mul(2).div(us).add(b).mul(u).add(c)), us];
  };
  const [k] = rejection(
    stream,
    {
      propose,
      surely: ([, us], bound) => and(us.ge(0.07), bound.le(squeeze)),
      accepts: ([k, us], v) => {
        const possible = and(and(k.ge(0), k.le(most)), or(us.ge(0.013), v.le(us)));
        return and(possible, accepts(k, us, v));
      },
    },
    active,
  );
  return k;
}

/**
 * The Poisson probability of k for a mean as e^log/(√(2π)·weight). By Stirling's series at z = k + 4, of which three terms are enough to
 * 4·10⁻⁸: k! is √(2π)·z^(k + 7/2)·e^(series − z)/((k + 1)(k + 2)(k + 3)). What grows with k is the logarithm of a quotient, times k, and a
 * difference, so that large terms do not cancel.
 */
function probabilityOf(k: Value, mean: Value): { log: Value; weight: Value } {
  const z = k.add(4);
  const inverse = z.reciprocal();
  const square = inverse.mul(inverse);
  const series = sub(1 / 12, sub(1 / 360, square.mul(1 / 1260)).mul(square)).mul(inverse);
  const excess = z.sub(mean);
  const product = k.add(1).mul(k.add(2)).mul(k.add(3));
  return {
    log: excess.sub(log1p(excess.div(mean)).mul(k)).sub(series),
    weight: z.mul(z).mul(z).div(product).mul(z.sqrt()),
  };
}

const poissonOf = (rejection: Rejecting, k0: Value, k1: Value, position: Value, given: Value): Value => {
  const stream: Stream = [k0, k1, position];
  const valid = and(given.gt(0), given.lt(2 ** 31));
  const large = and(valid, given.ge(10));
  const small = and(valid, given.lt(10));
  const low = select(small, given, 1);
  const counted = byInversion(firstOf(stream), exp(low.neg()), (k) => low.div(k), small);
  const mean = select(large, given, 10);
  const b = mean.sqrt().mul(2.53).add(0.931);
  const a = b.mul(0.02483).sub(0.059);
  const alpha = b.sub(3.4).reciprocal().mul(1.1328).add(1.1239);
  const squeeze = sub(0.9277, b.sub(2).reciprocal().mul(3.6224));
  const scale = alpha.mul(Math.sqrt(2 * Math.PI));
  const accepts = (k: Value, us: Value, v: Value): Value => {
    const { log: logLikelihood, weight } = probabilityOf(k, mean);
    return log(
      v
        .mul(scale)
        .mul(weight)
        .div(a.div(us.mul(us)).add(b)),
    ).le(logLikelihood);
  };
  const rejected = transformed(rejection, stream, { a, b, c: mean.add(0.43), squeeze, most: Infinity }, accepts, large);
  const value = select(large, rejected, select(given.eq(0), 0, counted));
  const known = or(valid, given.eq(0));
  return convert(min(select(known, value, -1), 2 ** 31 - 1), 'int32');
};

export const poissonSample: Bound = specialFunction('random_poisson', {
  native: 'int32',
  ...byRejection(poissonOf),
  jvp: [none, none, none, none],
});

const binomialOf = (
  rejection: Rejecting,
  k0: Value,
  k1: Value,
  position: Value,
  givenN: Value,
  givenP: Value,
): Value => {
  const stream: Stream = [k0, k1, position];
  const n = givenN;
  const mirrored = givenP.gt(0.5);
  const p = select(mirrored, sub(1, givenP), givenP);
  const valid = and(and(n.ge(0), n.lt(2 ** 53)), and(givenP.ge(0), givenP.le(1)));
  const mean = n.mul(p);
  const large = and(valid, mean.ge(10));
  const small = and(valid, mean.lt(10));
  const [sn, sp] = [select(small, n, 1), select(small, p, 0.5)];
  const odds = sp.div(sub(1, sp));
  const first = exp(sn.mul(log1p(sp.neg())));
  const counted = byInversion(firstOf(stream), first, (k) => odds.mul(sn.add(1).sub(k)).div(k), and(small, sn.gt(0)));
  const [ln, lp] = [select(large, n, 40), select(large, p, 0.5)];
  const q = sub(1, lp);
  const deviation = ln.mul(lp).mul(q).sqrt();
  const b = deviation.mul(2.53).add(1.15);
  const a = b.mul(0.0248).add(lp.mul(0.01)).sub(0.0873);
  const alpha = b.reciprocal().mul(5.1).add(2.83).mul(deviation);
  const squeeze = sub(0.92, b.reciprocal().mul(4.2));
  const mode = floor(ln.add(1).mul(lp));
  // The probability of k is proportional to those of Poisson numbers k and n − k whose means are np and nq.
  const [lowMean, highMean] = [ln.mul(lp), ln.mul(q)];
  const likelihoodOf = (k: Value): { log: Value; weight: Value } => {
    const [x, y] = [probabilityOf(k, lowMean), probabilityOf(ln.sub(k), highMean)];
    return { log: x.log.add(y.log), weight: x.weight.mul(y.weight) };
  };
  const atMode = likelihoodOf(mode);
  const scale = alpha.div(atMode.weight);
  const accepts = (k: Value, us: Value, v: Value): Value => {
    const own = likelihoodOf(k);
    return log(
      v
        .mul(scale)
        .mul(own.weight)
        .div(a.div(us.mul(us)).add(b)),
    ).le(own.log.sub(atMode.log));
  };
  const c = lowMean.add(0.5);
  const rejected = transformed(rejection, stream, { a, b, c, squeeze, most: ln }, accepts, large);
  const k = select(large, rejected, min(counted, n));
  return select(valid, select(mirrored, n.sub(k), k), Number.NaN);
};

export const binomialSample: Bound = specialFunction('random_binomial', {
  native: 'float64',
  ...byRejection(binomialOf),
  jvp: [none, none, none, none, none],
});

export function integerDType(name: string, { dtype = 'int32' }: { dtype?: DType }): DType {
  if (!isInteger(dtype)) throw new DtypeError(`${name}: needs an integer dtype, but got ${dtype}.`);
  return dtype;
}

/** Of a distribution of counts with one parameter. */
export type Counts = (
  k: ArrayLike,
  parameter: ArrayLike,
  shape?: ShapeLike | IntegerOptions,
  options?: IntegerOptions,
) => Value;

/**
 * From the Poisson distribution with mean `lam`, which broadcasts to `shape`; −1 where `lam` is negative or NaN. By inversion for
 * means below 10, else by Hörmann's transformed rejection: other samples than JAX's.
 *
 * @example
 * poisson(key(0), 3.5, [4]); // i32[4]
 */
export const poisson: Counts = recorded((k, lam, shape, options) => {
  const [size, given] = beforeOptions<ShapeLike, IntegerOptions>(shape, options);
  const dtype = integerDType('poisson', optionsOf('poisson', given, ['dtype']));
  const { size: full, values } = parametersOf('poisson', k, [lam], size, { dtype: 'float64' });
  return convert(poissonSample(...streamOf('poisson', k, full), spread(values[0]!, full)), dtype);
}, 2);

/**
 * From the binomial distribution: how many of n are 1, each with probability p, as floats; NaN where n is negative or p no
 * probability. By the methods of `poisson`, for the mean of those that are fewer: other samples than JAX's.
 *
 * @example
 * binomial(key(0), 10, 0.3, [4]); // f32[4]
 */
export const binomial: TwoParameters = recorded((k, n, p, shape, options) => {
  const [size, given] = beforeOptions<ShapeLike, { dtype?: DType }>(shape, options);
  const { dtype } = parametersOf('binomial', k, [n, p], size, given);
  const { size: full, values } = parametersOf('binomial', k, [n, p], size, { dtype: 'float64' });
  const operands = values.map((v) => spread(v, full));
  return convert(binomialSample(...streamOf('binomial', k, full), ...operands), dtype);
}, 3);

/** From the geometric distribution on 1, 2, …: the number of trials until one with probability p succeeds. */
export const geometric: Counts = recorded((k, p, shape, options) => {
  const [size, given] = beforeOptions<ShapeLike, IntegerOptions>(shape, options);
  const dtype = integerDType('geometric', optionsOf('geometric', given, ['dtype']));
  const { size: full, values } = parametersOf('geometric', k, [p], size, {});
  const u = uniform(k, full);
  const logs = log(select(u.eq(0), 1, u));
  return convert(floor(logs.div(log1p(values[0]!.neg()))).add(1), dtype);
}, 2);
