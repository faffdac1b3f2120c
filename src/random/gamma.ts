/** The gamma distribution and those made of it. */
import type { ArrayLike } from '../array.ts';
import { whileLoop } from '../control/loops.ts';
import { ShapeError } from '../core/errors.ts';
import { beforeOptions } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import { broadcastShapes, checkShape, range, type Shape, type ShapeLike, sizeOf } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { add, div, max, pow, sub } from '../lax/arithmetic.ts';
import { select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { scalar } from '../lax/creation.ts';
import { and, not, or } from '../lax/logic.ts';
import { broadcastTo, reshape, strengthen } from '../lax/movement.ts';
import { concatenate, slice } from '../lax/slicing.ts';
import { stopGradient } from '../lax/stop-gradient.ts';
import { exp, log } from '../lax/transcendental.ts';
import { softmax } from '../nn/normalise.ts';
import { toFloating, toValue } from '../promote.ts';
import { type Bound, type SpecialFunction, specialFunction } from '../special/function.ts';
import { logGammaSlope } from '../special/incomplete-gamma.ts';
import { type FloatOptions, floatDType, normal } from './continuous.ts';
import { keyWords, subkey } from './keys.ts';
import { exponentialOf, keyOf, keysOf, normalOf, uniformOf, type Words } from './lanes.ts';

/** A proposal of the method below: a normal number x, 1 + c·x and a uniform number. */
type Proposal = readonly [x: Value, root: Value, u: Value];

/**
 * Marsaglia and Tsang's method (ACM Trans. Math. Softw. 26, 2000) for a ≥ 1: d·v for v = (1 + c·x)³ with x normal, accepted by
 * a uniform number. Below 1, from a + 1, times u^(1/a).
 */
class GammaDraw {
  private readonly words: Words;
  private readonly a: Value;
  private readonly logSpace: boolean;
  private readonly dtype: 'float32' | 'float64';
  private readonly whole: Value;
  private readonly d: Value;
  private readonly c: Value;
  readonly key: Words;

  constructor(k0: Value, k1: Value, a: Value, logSpace: boolean) {
    this.words = [k0, k1];
    this.a = a;
    this.logSpace = logSpace;
    this.dtype = a.dtype as 'float32' | 'float64';
    this.whole = a.ge(1);
    this.d = select(this.whole, a, a.add(1)).sub(1 / 3);
    this.c = this.d.sqrt().mul(3).reciprocal();
    this.key = keyOf(this.words, 0);
  }

  proposal(inner: Words, outer: Words): Proposal {
    const x = normalOf(keyOf(inner, 1), this.dtype);
    return [x, this.rootOf(x), uniformOf(keyOf(outer, 2), this.dtype)];
  }

  rootOf(x: Value): Value {
    return x.mul(this.c).add(1);
  }

  first(): Proposal {
    return this.proposal(keyOf(this.key, 1), this.key);
  }

  /** Whether it takes logarithms to know that a proposal is accepted. */
  doubtful([x, root, u]: Proposal): Value {
    const square = x.mul(x);
    return or(root.le(0), u.ge(sub(1, square.mul(square).mul(0.0331))));
  }

  refused(proposal: Proposal): Value {
    const [x, root, u] = proposal;
    const v = cube(root);
    const slowly = log(u).ge(
      x
        .mul(x)
        .mul(0.5)
        .add(this.d.mul(sub(1, v).add(log(v)))),
    );
    return or(root.le(0), and(this.doubtful(proposal), slowly));
  }

  /** The sample that an accepted proposal gives, but for what is below 1. */
  accepted([, root]: Proposal): Value {
    const { a, d, logSpace } = this;
    const v = cube(root);
    const own = logSpace ? log(d).add(log(v)) : d.mul(v);
    return select(isPossible(a), own, select(a.eq(0), logSpace ? Number.NEGATIVE_INFINITY : 0, Number.NaN));
  }

  /** The sample where a is less than 1. */
  boosted(own: Value): Value {
    // A loop of one step, which elements from 1 on do not take. What it computes from the number of its key is computed in there.
    const isSmall = and(isPossible(this.a), not(this.whole));
    const [, value] = whileLoop(
      ([i]) => and(isSmall, i.eq(1)),
      ([i, own]) => [i.add(1), this.timesPower(own, i)] as const,
      [scalar(1, 'uint32'), own] as const,
    );
    return value;
  }

  private timesPower(own: Value, i: Value): Value {
    const key = keyOf(this.words, i);
    if (!this.logSpace) return own.mul(pow(sub(1, uniformOf(key, this.dtype)), this.a.reciprocal()));
    const logs = exponentialOf(key, this.dtype).neg();
    return select(logs.eq(0), own, own.add(logs.div(this.a)));
  }

  /**
   * The first proposal from this one on that is accepted. JAX draws normal numbers with keys from a chain of their own until 1 + c·x is
   * positive, and then a uniform number: two loops, here one of which every step is a draw. The first draw stands before it, since few are
   * refused.
   */
  from(first: Proposal): Proposal {
    const [, , , , ...last] = whileLoop(
      ([, , , , ...proposal]) => and(this.refused(proposal), isPossible(this.a)),
      ([k0, k1, b0, b1, , root]) => {
        const again = root.le(0);
        const [h0, h1] = keyOf([select(again, b0, k0), select(again, b1, k1)], 0);
        const [i0, i1] = keyOf([h0, h1], 1);
        const outer: Words = [select(again, k0, h0), select(again, k1, h1)];
        const inner: Words = [select(again, h0, i0), select(again, h1, i1)];
        return [...outer, ...inner, ...this.proposal(inner, outer)] as const;
      },
      [...this.key, ...keyOf(this.key, 1), ...first] as const,
    );
    return last;
  }
}

const cube = (x: Value): Value => x.mul(x).mul(x);

const gammaOf = (logSpace: boolean): Pick<SpecialFunction, 'scalar' | 'staged'> => {
  const drawOf = (k0: Value, k1: Value, a: Value) => new GammaDraw(k0, k1, a, logSpace);
  return {
    scalar: (k0, k1, a) => {
      const draw = drawOf(k0!, k1!, a!);
      return draw.boosted(draw.accepted(draw.from(draw.first())));
    },
    // Of 1000 elements, a = 2, the first stage leaves 82 open and the second 18.
    staged: {
      stages: [
        (k0, k1, a) => {
          const draw = drawOf(k0!, k1!, a!);
          const [x, root, u] = draw.first();
          return [draw.accepted([x, root, u]), and(draw.doubtful([x, root, u]), isPossible(a!)), x, u];
        },
        (k0, k1, a, x, u) => {
          const draw = drawOf(k0!, k1!, a!);
          const proposal: Proposal = [x!, draw.rootOf(x!), u!];
          return [draw.accepted(proposal), and(draw.refused(proposal), isPossible(a!))];
        },
        (k0, k1, a, x, u) => {
          const draw = drawOf(k0!, k1!, a!);
          return [draw.accepted(draw.from([x!, draw.rootOf(x!), u!]))];
        },
      ],
      finish: (own, k0, k1, a) => drawOf(k0!, k1!, a!).boosted(own!),
    },
  };
};

const isPossible = (a: Value): Value => and(a.gt(0), a.lt(Number.POSITIVE_INFINITY));
const keyHasNone = 'random.gamma: there is no derivative with respect to a key';

/**
 * log of a sample. Its derivative in the parameter is that of the quantile: where P(a, x) stays the same (Figurnov, Mohamed and
 * Mnih, Implicit reparameterization gradients, 2018).
 */
const logGammaSample: Bound = specialFunction('random_log_gamma', {
  native: true,
  ...gammaOf(true),
  jvp: [keyHasNone, keyHasNone, (da, [, , a], out) => da.mul(logGammaSlope(a!, out))],
});
const gammaSample: Bound = specialFunction('random_gamma', {
  native: true,
  ...gammaOf(false),
  jvp: [
    keyHasNone,
    keyHasNone,
    // Of a sample that was too small for a float, 0.
    (da, [, , a], out) => da.mul(out.mul(logGammaSlope(a!, log(select(out.eq(0), 1, out))))),
  ],
});

/** A parameter as an operand of a sampler: what is computed of a number is computed once. */
export const spread = (parameter: Value, size: Shape): Value =>
  parameter.ndim === 0 ? parameter : broadcastTo(parameter, size);

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
  // A number is one of that dtype: on its way through float32 it would lose half of its digits.
  const values = parameters.map((p) =>
    typeof p === 'number' ? scalar(p, dtype) : convert(strengthen(toFloating(toValue(p, name), name)), dtype),
  );
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

const ofShape = (name: string, sample: Bound): OneParameter =>
  recorded((k, a, shape, options) => {
    const { size, values } = parametersOf(name, k, [a], shape, options);
    return sample(...keysOf(name, k, size), spread(values[0]!, size));
  }, 2);

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
export const beta: TwoParameters = recorded((k, a, b, shape, options) => {
  const { size, dtype, values } = parametersOf('beta', k, [a, b], shape, options);
  // Numbers of these gamma distributions, and their sums, are none that a float cannot hold.
  const isLarge = [a, b].every((x) => typeof x === 'number' && x >= 1 && x < 2 ** 100);
  const sample = isLarge ? gamma : loggamma;
  const [x, y] = values.map((v, i) => sample(subkey('beta', k, i), v, size, { dtype })) as [Value, Value];
  if (isLarge) return x.div(x.add(y));
  const largest = max(x, y);
  const [p, q] = [exp(sub(x, largest)), exp(sub(y, largest))];
  return p.div(p.add(q));
}, 3);

/** From the χ² distribution with `df` degrees of freedom. */
export const chisquare: OneParameter = recorded((k, df, shape, options) => {
  const { size, dtype, values } = parametersOf('chisquare', k, [df], shape, options);
  return gamma(k, values[0]!.mul(0.5), size, { dtype }).mul(2);
}, 2);

/** From the F distribution with `dfnum` and `dfden` degrees of freedom: the quotient of two means of squares. */
export const f: TwoParameters = recorded((k, dfnum, dfden, shape, options) => {
  const { size, dtype, values } = parametersOf('f', k, [dfnum, dfden], shape, options);
  const [n, d] = values as [Value, Value];
  const above = chisquare(subkey('f', k, 1), n, size, { dtype });
  return above.div(n).div(chisquare(subkey('f', k, 0), d, size, { dtype }).div(d));
}, 3);

/** From Student's t distribution with `df` degrees of freedom. */
export const t: OneParameter = recorded((k, df, shape, options) => {
  const { size, dtype, values } = parametersOf('t', k, [df], shape, options);
  const half = values[0]!.mul(0.5);
  const n = normal(subkey('t', k, 0), size, { dtype });
  return n.mul(half.div(gamma(subkey('t', k, 1), half, size, { dtype })).sqrt());
}, 2);

/** Numbers of a Dirichlet sample up to which each is an array of its own, with one parameter, whose sums are no folds of short rows. */
const mostColumns = 8;
/** All numbers up to which they are one array, which fills vectors that its columns would leave half empty. */
const mostTogether = 100;

/** Logs of gamma numbers for each element of the vector `a`: the same numbers in both ways. */
function apart(k: ArrayLike, a: Value, size: Shape): Value[] {
  const n = a.size;
  return range(n).map((i) =>
    logGammaSample(...keysOf('dirichlet', k, size, i, n), reshape(slice(a, [i], [i + 1]), [])),
  );
}

function together(k: ArrayLike, a: Value, size: Shape): Value[] {
  const n = a.size;
  const numbers = logGammaSample(...keysOf('dirichlet', k, [...size, n]), broadcastTo(a, [...size, n]));
  const start = size.map(() => 0);
  return range(n).map((i) => reshape(slice(numbers, [...start, i], [...size, i + 1]), size));
}

/**
 * From the Dirichlet distribution: positive numbers with sum 1 along the last axis, as many as there are in the vectors `alpha`. `shape` is
 * that in front of them.
 *
 * @example
 * dirichlet(key(0), np.array([1, 2, 3]), [5]); // f32[5,3]
 */
export const dirichlet: OneParameter = recorded((k, alpha, shape, options) => {
  const [lead, given] = beforeOptions<ShapeLike, FloatOptions>(shape, options);
  const { values, dtype } = parametersOf('dirichlet', k, [alpha], given, undefined);
  const [a] = values as [Value];
  if (a.ndim === 0) throw new ShapeError(`dirichlet: needs a vector, but got ${a.aval}.`);
  const size = lead === undefined ? a.shape.slice(0, -1) : checkShape(lead, 'dirichlet');
  const count = a.shape[0]!;
  if (a.ndim === 1 && size.length > 0 && count > 0 && count <= mostColumns) {
    const columns = sizeOf(size) * count <= mostTogether ? together(k, a, size) : apart(k, a, size);
    const largest = stopGradient(columns.reduce((x, y) => max(x, y)));
    const terms = columns.map((x) => exp(sub(x, largest)));
    const total = terms.reduce((x, y) => add(x, y));
    return concatenate(
      terms.map((x) => reshape(div(x, total), [...size, 1])),
      size.length,
    );
  }
  return softmax(loggamma(k, a, [...size, a.shape.at(-1)!], { dtype }), { axis: -1 });
}, 2);
