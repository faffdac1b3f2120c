/** Distributions of counts that NumPy has and JAX has not, and the multinomial one. */
import type { ArrayLike } from '../array.ts';
import { scan } from '../control/loops.ts';
import type { DType } from '../core/dtype.ts';
import { ShapeError } from '../core/errors.ts';
import { beforeOptions, optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import { broadcastShapes, checkShape, range, type Shape, type ShapeLike } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { floor, max, min, sub } from '../lax/arithmetic.ts';
import { select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { scalar } from '../lax/creation.ts';
import { cumsum } from '../lax/cumulative.ts';
import { and, or } from '../lax/logic.ts';
import { clamp } from '../lax/minmax.ts';
import { broadcastTo, reshape } from '../lax/movement.ts';
import { concatenate } from '../lax/slicing.ts';
import { exp, expm1, log, log1p } from '../lax/transcendental.ts';
import { type Bound, specialFunction } from '../special/function.ts';
import { uniform } from './continuous.ts';
import { binomial, type Counts, integerDType, poisson } from './counts.ts';
import type { IntegerOptions } from './discrete.ts';
import { gamma, parametersOf, spread } from './gamma.ts';
import { split, subkey } from './keys.ts';
import { byRejection, type Rejecting, streamOf } from './rejection.ts';

const none = 'random: counts have no derivative';
const largest = 2 ** 31 - 1;
const double = (x: number): Value => scalar(x, 'float64');

/**
 * Rejection-inversion (Hörmann and Derflinger, Rejection-inversion to generate variates from monotone discrete distributions, ACM Trans.
 * Model. Comput. Simul. 6, 1996): ⌊x + 1/2⌋ where the integral of t⁻ᵃ from 1 to x, which is (1 − x⁻ᵖ)/p with p = a − 1, is uniform. Of what
 * lies between k − 1/2 and k + 1/2 the last part, of area k⁻ᵃ, is accepted, which is all for k = 1. x⁻ᵖ − 1 stands for the integral, so that
 * nothing cancels for small p. Few numbers are refused, and most of the others are near enough to k, or above it, that no power tells so.
 */
const zipfOf = (rejection: Rejecting, k0: Value, k1: Value, position: Value, a: Value): Value => {
  const valid = a.gt(1);
  // From 1000 on, a number other than 1 has a probability below 2⁻¹⁰⁰⁰.
  const p = min(select(valid, a, 2).sub(1), 1000);
  /** x⁻ᵖ − 1. */
  const powerOf = (x: Value): Value => expm1(log(x).mul(p).neg());
  const inverse = (y: Value): Value => exp(log1p(y).div(p).neg());
  /** What x⁻ᵖ − 1 is where those that are accepted as k begin. */
  const limit = (k: Value): Value => powerOf(k.add(0.5)).add(p.mul(exp(log(k).mul(p.add(1)).neg())));
  const [highest, lowest] = [limit(double(1)), powerOf(double(largest + 0.5))];
  const range = highest.sub(lowest);
  const near = sub(2, inverse(limit(double(2))));
  const [, k] = rejection(
    [k0, k1, position],
    {
      propose: (u): readonly [y: Value, k: Value, above: Value] => {
        const y = max(highest.sub(range.mul(u)), lowest);
        const x = inverse(y);
        const k = clamp(1, floor(x.add(0.5)), largest);
        return [y, k, k.sub(x)];
      },
      surely: ([, k, above]) => or(above.le(near), k.eq(1)),
      accepts: ([y, k]) => y.le(limit(k)),
    },
    valid,
  );
  return convert(select(valid, k, -1), 'int32');
};

const zipfSample: Bound = specialFunction('random_zipf', {
  native: 'int32',
  ...byRejection(zipfOf),
  jvp: [none, none, none, none],
});

/** Parameters in float64, the shape and the dtype of counts. */
function countsOf(
  name: string,
  k: ArrayLike,
  parameters: readonly ArrayLike[],
  shape: ShapeLike | IntegerOptions | undefined,
  options: IntegerOptions | undefined,
): { dtype: DType; size: Shape; values: Value[] } {
  const [given, own] = beforeOptions<ShapeLike, IntegerOptions>(shape, options);
  const dtype = integerDType(name, optionsOf(name, own, ['dtype']));
  const { size, values } = parametersOf(name, k, parameters, given, { dtype: 'float64' });
  return { dtype, size, values };
}

/**
 * From the Zipf distribution on 1, 2, …, with probabilities proportional to k⁻ᵃ for a > 1, which broadcasts to `shape`; −1 for other
 * `a`. There are none that int32 cannot hold, as NumPy has none beyond int64. By Hörmann and Derflinger's rejection-inversion.
 *
 * @example
 * zipf(key(0), 2, [4]); // i32[4]
 */
export const zipf: Counts = recorded((k, a, shape, options) => {
  const { dtype, size, values } = countsOf('zipf', k, [a], shape, options);
  return convert(zipfSample(...streamOf('zipf', k, size), spread(values[0]!, size)), dtype);
}, 2);

/**
 * From the logarithmic series distribution on 1, 2, …, with probabilities −pᵏ / (k log(1 − p)); −1 where p is not in [0, 1). By Kemp's
 * method (Efficient generation of logarithmically distributed pseudo-random variables, Appl. Stat. 30, 1981).
 *
 * @example
 * logseries(key(0), 0.6, [4]); // i32[4]
 */
export const logseries: Counts = recorded((k, p, shape, options) => {
  const { dtype, size, values } = countsOf('logseries', k, [p], shape, options);
  const [u, v] = [0, 1].map((i) => sub(1, uniform(subkey('logseries', k, i), size, { dtype: 'float64' }))) as [
    Value,
    Value,
  ];
  const chance = values[0]!;
  const q = expm1(log1p(chance.neg()).mul(u)).neg();
  const far = floor(log(v).div(log(q)).add(1));
  const x = select(v.le(q.mul(q)), max(far, 1), select(v.ge(q), 1, 2));
  const valid = and(chance.ge(0), chance.lt(1));
  return convert(select(valid, select(v.ge(chance), 1, x), -1), dtype);
}, 2);

/** Of a distribution of counts with two parameters. */
export type CountsOfTwo = (
  k: ArrayLike,
  a: ArrayLike,
  b: ArrayLike,
  shape?: ShapeLike | IntegerOptions,
  options?: IntegerOptions,
) => Value;

/**
 * From the negative binomial distribution: the number of failures before the n-th success, each trial succeeding with probability p; n may
 * be a fraction. −1 where n is not positive or p not in (0, 1]. A Poisson number whose mean has a gamma distribution.
 *
 * @example
 * negativeBinomial(key(0), 10, 0.5, [4]); // i32[4]
 */
export const negativeBinomial: CountsOfTwo = recorded((k, n, p, shape, options) => {
  const { dtype, size, values } = countsOf('negativeBinomial', k, [n, p], shape, options);
  const [successes, chance] = values as [Value, Value];
  const mean = gamma(subkey('negativeBinomial', k, 0), successes, size, { dtype: 'float64' }).mul(
    sub(1, chance).div(chance),
  );
  const valid = and(successes.gt(0), and(chance.gt(0), chance.le(1)));
  return poisson(subkey('negativeBinomial', k, 1), select(broadcastTo(valid, size), mean, -1), size, { dtype });
}, 3);

/** Outcomes beyond which they are gone through in a loop. */
const mostUnrolled = 16;

/**
 * From the multinomial distribution: how often each of the outcomes, whose probabilities are along the last axis of `p`, comes up in n trials,
 * as floats. `shape` is that in front of the outcomes; that of n and `p` together when left out. A binomial number for each outcome, of the
 * trials that are left.
 *
 * @example
 * multinomial(key(0), 20, np.array([0.2, 0.3, 0.5]), [4]); // f32[4,3]
 * @throws ShapeError when `p` has no axis, or does not broadcast with n to `shape`
 */
export const multinomial: (
  k: ArrayLike,
  n: ArrayLike,
  p: ArrayLike,
  shape?: ShapeLike | { dtype?: DType },
  options?: { dtype?: DType },
) => Value = recorded((k, n, p, shape, options) => {
  const [lead, given] = beforeOptions<ShapeLike, { dtype?: DType }>(shape, options);
  const { dtype } = parametersOf('multinomial', k, [], [], given);
  const [trials, chances] = [n, p].map(
    (x) => parametersOf('multinomial', k, [x], undefined, { dtype: 'float64' }).values[0]!,
  ) as [Value, Value];
  if (chances.ndim === 0)
    throw new ShapeError(`multinomial: needs a vector of probabilities, but got ${chances.aval}.`);
  const count = chances.shape.at(-1)!;
  const own = broadcastShapes(trials.shape, chances.shape.slice(0, -1));
  const size = lead === undefined ? own : checkShape(lead, 'multinomial');
  if (!own || !size || broadcastShapes(own, size)?.join() !== size.join())
    throw new ShapeError(
      `multinomial: ${trials.aval} trials and probabilities ${chances.aval} do not broadcast to shape [${size ?? ''}].`,
    );
  const rest = cumsum(chances, { axis: -1, reverse: true });
  const ratios = chances.div(select(rest.eq(0), 1, rest)).clip(0, 1);
  const draw = (key: ArrayLike, left: Value, ratio: Value): Value =>
    binomial(key, left, ratio, size, { dtype: 'float64' });
  const all = broadcastTo(trials, size);
  if (count > mostUnrolled) {
    const steps = reshape(ratios, [-1, count]).T.reshape(count, ...ratios.shape.slice(0, -1));
    const [, counts] = scan(
      (left: Value, [key, ratio]: readonly [Value, Value]) => {
        const drawn = draw(key, left, ratio);
        return [left.sub(drawn), drawn] as const;
      },
      all,
      [split(k, count), steps] as const,
    );
    const flat = reshape(counts as Value, [count, -1]).T;
    return convert(reshape(flat, [...size, count]), dtype);
  }
  let left = all;
  const counts = range(count).map((i) => {
    const drawn = draw(subkey('multinomial', k, i), left, ratios.slice('...', i));
    left = left.sub(drawn);
    return reshape(drawn, [...size, 1]);
  });
  return convert(concatenate(counts, size.length), dtype);
}, 3);
