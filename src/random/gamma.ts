/** The gamma distribution and those made of it. */
import type { ArrayLike } from '../array.ts';
import { whileLoop } from '../control/loops.ts';
import { ShapeError } from '../core/errors.ts';
import { beforeOptions } from '../core/options.ts';
import { broadcastShapes, checkShape, type Shape, type ShapeLike } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { max, pow, sub } from '../lax/arithmetic.ts';
import { select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { scalar } from '../lax/creation.ts';
import { and, or } from '../lax/logic.ts';
import { broadcastTo, strengthen } from '../lax/movement.ts';
import { exp, log } from '../lax/transcendental.ts';
import { softmax } from '../nn/normalise.ts';
import { toFloating, toValue } from '../promote.ts';
import { type Bound, specialFunction } from '../special/function.ts';
import { logGammaSlope } from '../special/incomplete-gamma.ts';
import { type FloatOptions, floatDType, normal } from './continuous.ts';
import { keyAt, keyWords, split } from './keys.ts';
import { exponentialOf, keyOf, keysOf, normalOf, uniformOf, type Words } from './lanes.ts';

/**
 * Marsaglia and Tsang's method (ACM Trans. Math. Softw. 26, 2000) for a ≥ 1: d·v for v = (1 + c·x)³ with x normal, accepted by
 * a uniform number. Below 1, from a + 1, times u^(1/a).
 */
const sampleOf =
  (logSpace: boolean) =>
  (k0: Value, k1: Value, a: Value): Value => {
    const dtype = a.dtype as 'float32' | 'float64';
    const whole = a.ge(1);
    const d = select(whole, a, a.add(1)).sub(1 / 3);
    const c = d.sqrt().mul(3).reciprocal();
    const [zero, one] = [scalar(0, dtype), scalar(1, dtype)];
    const [key, boosting] = [keyOf([k0, k1], 0), keyOf([k0, k1], 1)];
    const refused = (x: Value, v: Value, u: Value): Value =>
      and(u.ge(sub(1, x.mul(x).mul(0.0331))), log(u).ge(x.mul(0.5).add(d.mul(sub(1, v).add(log(v))))));
    const [, , , v] = whileLoop(
      ([, , x, v, u]) => and(refused(x, v, u), isPossible(a)),
      ([a0, a1]) => {
        const now: Words = [a0, a1];
        const [next, [x0, x1], ofUniform] = [keyOf(now, 0), keyOf(now, 1), keyOf(now, 2)];
        const [, , x, v] = whileLoop(
          ([, , , v]) => v.le(0),
          ([b0, b1]) => {
            const x = normalOf(keyOf([b0, b1], 1), dtype);
            return [...keyOf([b0, b1], 0), x, x.mul(c).add(1)] as const;
          },
          [x0, x1, zero, zero.sub(1)] as const,
        );
        return [...next, x.mul(x), v.mul(v).mul(v), uniformOf(ofUniform, dtype)] as const;
      },
      // Refused: the first step is always taken.
      [...key, zero, one, one.mul(2)] as const,
    );
    const impossible = select(a.eq(0), logSpace ? Number.NEGATIVE_INFINITY : 0, Number.NaN);
    if (logSpace) {
      const logs = exponentialOf(boosting, dtype).neg();
      const boost = select(or(whole, logs.eq(0)), 0, logs.div(a));
      return select(isPossible(a), log(d).add(log(v)).add(boost), impossible);
    }
    const boost = select(whole, 1, pow(sub(1, uniformOf(boosting, dtype)), a.reciprocal()));
    return select(isPossible(a), d.mul(v).mul(boost), impossible);
  };

const isPossible = (a: Value): Value => and(a.gt(0), a.lt(Number.POSITIVE_INFINITY));
const keyHasNone = 'random.gamma: there is no derivative with respect to a key';

/**
 * log of a sample. Its derivative in the parameter is that of the quantile: where P(a, x) stays the same (Figurnov, Mohamed and
 * Mnih, Implicit reparameterization gradients, 2018).
 */
const logGammaSample: Bound = specialFunction('random_log_gamma', {
  native: true,
  scalar: sampleOf(true),
  jvp: [keyHasNone, keyHasNone, (da, [, , a], out) => da.mul(logGammaSlope(a!, out))],
});
const gammaSample: Bound = specialFunction('random_gamma', {
  native: true,
  scalar: sampleOf(false),
  jvp: [keyHasNone, keyHasNone, (da, [, , a], out) => da.mul(out.mul(logGammaSlope(a!, log(out))))],
});

/** What samplers of parameters have in common: those as arrays of the wanted dtype, and the shape. */
export function parametersOf(
  name: string,
  k: ArrayLike,
  parameters: readonly ArrayLike[],
  shape: ShapeLike | FloatOptions | undefined,
  options: FloatOptions | undefined,
): { size: Shape; dtype: 'float32' | 'float64'; values: Value[] } {
  const [size, given] = beforeOptions<ShapeLike, FloatOptions>(shape, options);
  keyWords(name, k);
  const dtype = floatDType(name, given);
  const values = parameters.map((p) => convert(strengthen(toFloating(toValue(p, name), name)), dtype));
  const shapes = values.map((v) => v.shape);
  const own = broadcastShapes(...shapes);
  if (!own)
    throw new ShapeError(`${name}: parameters ${values.map((v) => v.aval).join(' and ')} do not broadcast together.`);
  if (size === undefined) return { size: own, dtype, values };
  const wanted = checkShape(size, name);
  for (const v of values)
    if (broadcastShapes(wanted, v.shape)?.join() !== wanted.join())
      throw new ShapeError(`${name}: a parameter ${v.aval} does not broadcast to shape [${wanted}].`);
  return { size: wanted, dtype, values };
}

/** Of a distribution with one parameter. */
export type OneParameter = (
  k: ArrayLike,
  a: ArrayLike,
  shape?: ShapeLike | FloatOptions,
  options?: FloatOptions,
) => Value;
/** Of a distribution with two parameters. */
export type TwoParameters = (
  k: ArrayLike,
  a: ArrayLike,
  b: ArrayLike,
  shape?: ShapeLike | FloatOptions,
  options?: FloatOptions,
) => Value;

const ofShape =
  (name: string, sample: Bound): OneParameter =>
  (k, a, shape, options) => {
    const { size, values } = parametersOf(name, k, [a], shape, options);
    return sample(...keysOf(name, k, size), broadcastTo(values[0]!, size));
  };

/**
 * From the gamma distribution with density xᵃ⁻¹ e⁻ˣ / Γ(a), which broadcasts to `shape`; its shape when left out. Differentiable in a,
 * implicitly.
 *
 * @example
 * gamma(key(0), 2.5, [3]); // f32[3]
 */
export const gamma: OneParameter = ofShape('gamma', gammaSample);
/** log of a sample of the gamma distribution, also where that is too small for a float. */
export const loggamma: OneParameter = ofShape('loggamma', logGammaSample);

/** From the beta distribution, with density proportional to xᵃ⁻¹ (1 − x)ᵇ⁻¹ on [0, 1]. */
export const beta: TwoParameters = (k, a, b, shape, options) => {
  const { size, dtype, values } = parametersOf('beta', k, [a, b], shape, options);
  const keys = split(k);
  const [x, y] = values.map((v, i) => loggamma(keyAt(keys, i), v, size, { dtype })) as [Value, Value];
  const largest = max(x, y);
  const [p, q] = [exp(sub(x, largest)), exp(sub(y, largest))];
  return p.div(p.add(q));
};

/** From the χ² distribution with `df` degrees of freedom. */
export const chisquare: OneParameter = (k, df, shape, options) => {
  const { size, dtype, values } = parametersOf('chisquare', k, [df], shape, options);
  return exp(loggamma(k, values[0]!.mul(0.5), size, { dtype })).mul(2);
};

/** From the F distribution with `dfnum` and `dfden` degrees of freedom: the quotient of two means of squares. */
export const f: TwoParameters = (k, dfnum, dfden, shape, options) => {
  const { size, dtype, values } = parametersOf('f', k, [dfnum, dfden], shape, options);
  const [n, d] = values as [Value, Value];
  const keys = split(k);
  const above = chisquare(keyAt(keys, 1), n, size, { dtype });
  return above.div(n).div(chisquare(keyAt(keys, 0), d, size, { dtype }).div(d));
};

/** From Student's t distribution with `df` degrees of freedom. */
export const t: OneParameter = (k, df, shape, options) => {
  const { size, dtype, values } = parametersOf('t', k, [df], shape, options);
  const keys = split(k);
  const half = values[0]!.mul(0.5);
  const n = normal(keyAt(keys, 0), size, { dtype });
  return n.mul(half.div(gamma(keyAt(keys, 1), half, size, { dtype })).sqrt());
};

/**
 * From the Dirichlet distribution: positive numbers with sum 1 along the last axis, as many as there are in the vectors `alpha`. `shape` is
 * that in front of them.
 *
 * @example
 * dirichlet(key(0), np.array([1, 2, 3]), [5]); // f32[5,3]
 */
export const dirichlet: OneParameter = (k, alpha, shape, options) => {
  const [lead, given] = beforeOptions<ShapeLike, FloatOptions>(shape, options);
  const { values, dtype } = parametersOf('dirichlet', k, [alpha], given, undefined);
  const [a] = values as [Value];
  if (a.ndim === 0) throw new ShapeError(`dirichlet: needs a vector, but got ${a.aval}.`);
  const size = lead === undefined ? a.shape.slice(0, -1) : checkShape(lead, 'dirichlet');
  return softmax(loggamma(k, a, [...size, a.shape.at(-1)!], { dtype }), { axis: -1 });
};
