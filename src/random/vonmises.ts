/** Angles. */
import type { ArrayLike } from '../array.ts';
import { beforeOptions } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import type { ShapeLike } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { div, floor, sub } from '../lax/arithmetic.ts';
import { select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { and } from '../lax/logic.ts';
import { atan, log, tan } from '../lax/transcendental.ts';
import { type Bound, specialFunction } from '../special/function.ts';
import type { FloatOptions } from './continuous.ts';
import { parametersOf, spread, type TwoParameters } from './gamma.ts';
import { byRejection, type Rejecting, streamOf } from './rejection.ts';

/**
 * Best and Fisher's rejection from a wrapped Cauchy distribution (Efficient simulation of the von Mises distribution, Appl. Stat. 28, 1979)
 * with t = tan(θ/2) in place of cos θ, so that nothing cancels: their r is (1 + √(1 + 4κ²))/(2κ), and t is √((r − 1)/(r + 1)) times a
 * Cauchy number.
 */
const angleOf = (rejection: Rejecting, k0: Value, k1: Value, position: Value, given: Value): Value => {
  const valid = and(given.ge(0), given.lt(Number.POSITIVE_INFINITY));
  const kappa = select(valid, given, 1);
  const twice = kappa.mul(2);
  /** κ(r − 1). */
  const least = div(1, twice.mul(twice).add(1).sqrt().add(twice)).add(1).mul(0.5);
  const width = least.div(least.add(twice)).sqrt();
  const [t] = rejection(
    [k0, k1, position],
    {
      propose: (u): readonly [t: Value, y: Value] => {
        const t = tan(u.sub(0.5).mul(Math.PI)).mul(width);
        // κ(r − cos θ).
        return [t, least.add(twice.div(t.mul(t).reciprocal().add(1)))];
      },
      surely: ([, y], bound) => y.mul(sub(2, y)).ge(bound),
      accepts: ([, y], v) => log(y.div(v)).add(1).ge(y),
    },
    valid,
  );
  return select(valid, atan(t).mul(2), Number.NaN);
};

const keyHasNone = 'random.vonmises: there is no derivative with respect to a key';
const angleSample: Bound = specialFunction('random_vonmises', {
  native: 'float64',
  ...byRejection(angleOf),
  jvp: [
    keyHasNone,
    keyHasNone,
    keyHasNone,
    'random.vonmises: there is no derivative with respect to the concentration',
  ],
});

/**
 * From the von Mises distribution of angles in [−π, π], with density proportional to exp(kappa·cos(θ − mu)): uniform for kappa = 0. NaN for
 * a negative kappa. Differentiable in `mu`.
 *
 * @example
 * vonmises(key(0), 0, 4, [3]); // f32[3]
 */
export const vonmises: TwoParameters = recorded((k, mu, kappa, shape, options) => {
  const { size, dtype } = parametersOf('vonmises', k, [mu, kappa], shape, options);
  const [given] = beforeOptions<ShapeLike, FloatOptions>(shape, options);
  const { values } = parametersOf('vonmises', k, [mu, kappa] as readonly ArrayLike[], given, { dtype: 'float64' });
  const [centre, concentration] = values as [Value, Value];
  const angle = angleSample(...streamOf('vonmises', k, size), spread(concentration, size)).add(centre);
  const turns = floor(angle.div(2 * Math.PI).add(0.5));
  return convert(angle.sub(turns.mul(2 * Math.PI)), dtype);
}, 3);
