/**
 * Functions that are constant by pieces, such as argmax, made differentiable by adding noise to their inputs (Berthet, Blondel, Teboul,
 * Cuturi, Vert and Bach, Learning with Differentiable Perturbed Optimizers, 2020). Names and defaults are JAXopt's.
 */
import { checkFunction, onArrays } from '../../../transforms/flat.ts';
import { vmap } from '../../../transforms/vectorize.ts';
import type { ArrayLike, NDArray } from '../../array.ts';
import { customJvp } from '../../control/custom-jvp.ts';
import { ShapeError, TraceError } from '../../core/errors.ts';
import { checkNumbers, naming, optionsOf } from '../../core/options.ts';
import { range, sameShape } from '../../core/shape.ts';
import type { Value } from '../../core/trace.ts';
import { add, div, mul, neg, sub } from '../../lax/arithmetic.ts';
import { onesLike } from '../../lax/creation.ts';
import { reshape } from '../../lax/movement.ts';
import { sum } from '../../lax/reductions.ts';
import { stopGradient } from '../../lax/stop-gradient.ts';
import { exp } from '../../lax/transcendental.ts';
import { mean } from '../../numpy/averages.ts';
import { toFloating, toValue } from '../../promote.ts';
import * as random from '../../random/index.ts';

/** A distribution of noise, with independent elements. */
export interface Noise {
  /** Random numbers of a shape and dtype. */
  sample(key: NDArray, shape: readonly number[], options: { dtype: 'float32' | 'float64' }): NDArray;
  /** The logarithm of the density, up to a constant, element by element: differentiable. */
  logProb(x: NDArray): NDArray;
}

/** Normal noise. */
export const normal: Noise = {
  sample: (key, shape, options) => random.normal(key, [...shape], options),
  logProb: (x) => mul(mul(x, x), -0.5),
};

/** Gumbel's noise, with which the perturbed argmax of scores is their softmax at the temperature sigma. */
export const gumbel: Noise = {
  sample: (key, shape, options) => random.gumbel(key, [...shape], options),
  logProb: (x) => neg(add(x, exp(neg(x)))),
};

export interface PerturbedMaxOptions {
  /** How many samples the mean is over. Default 1000. */
  numSamples?: number;
  /** The scale of the noise. Default 0.1. */
  sigma?: number;
  /** Default `gumbel`. */
  noise?: Noise;
}

export interface PerturbedOptions extends PerturbedMaxOptions {
  /** Less variance of the derivative, for another evaluation of the function: its value without noise is taken off. Default false. */
  controlVariate?: boolean;
}

/** A function of inputs and a key. */
export type Perturbed = (inputs: ArrayLike, key: NDArray) => NDArray;

function settings(name: string, options: PerturbedOptions, known: readonly string[]): Required<PerturbedOptions> {
  const given = optionsOf(name, options, known);
  const { numSamples = 1000, sigma = 0.1, noise = gumbel, controlVariate = false } = given;
  checkNumbers(name, given, ['numSamples', 'sigma']);
  if (!Number.isInteger(numSamples) || numSamples < 1)
    throw new TraceError(`${name}: \`numSamples\` must be a whole number from 1 on, but it is ${naming(numSamples)}.`);
  if (!(sigma > 0)) throw new TraceError(`${name}: \`sigma\` must be positive, but it is ${naming(sigma)}.`);
  if (typeof noise?.sample !== 'function' || typeof noise.logProb !== 'function')
    throw new TraceError(`${name}: \`noise\` must have \`sample\` and \`logProb\`, but it is ${naming(noise)}.`, {
      hint: 'take `perturbations.gumbel` or `perturbations.normal`',
    });
  return { numSamples, sigma, noise, controlVariate };
}

const maxOptions = ['numSamples', 'sigma', 'noise'];

/** Noise for x, along a new first axis. */
const noiseFor = (x: Value, key: NDArray, { numSamples, noise }: Required<PerturbedOptions>): Value =>
  noise.sample(key, [numSamples, ...x.shape], { dtype: x.dtype === 'float64' ? 'float64' : 'float32' });

/** A mean over samples: of a product with factors, one for each. */
const weightedMean = (values: Value, weights: Value): Value =>
  mean(mul(values, reshape(weights, [weights.shape[0]!, ...range(values.ndim - 1).map(() => 1)])), { axis: 0 });

/**
 * 1, with the derivative of exp(L − its value), to any order: the likelihood ratio of samples that stay where they are while the
 * parameters of their distribution move.
 */
function likelihoodRatio(logProb: Value): Value {
  const ratio = customJvp((L: Value) => onesLike(L.aval));
  ratio.defjvp(([L]: Value[], [dL]: Value[]) => {
    const r = ratio(L!) as Value;
    return [r, mul(r, dL!)];
  });
  return ratio(logProb) as Value;
}

/**
 * The mean of f(x + sigma·z) over noise z, as a function of x and a key that is differentiable whatever f is. The derivative
 * is an estimate of that of the expectation, from the samples alone: f(x + sigma·z) times the gradient of log p(z), which is a smooth
 * function of x (the score-function estimator). It has derivatives again, to any order, in both modes; values that f captures are
 * differentiated as they are.
 *
 * @param fun of an array of the inputs' shape, to an array
 * @example
 * const smooth = perturbations.makePerturbedFun((x) => np.sign(x), { noise: perturbations.normal, sigma: 1 });
 * smooth(np.array([0, 3]), random.key(0)); // nearly [0, 0.997]
 * @throws TraceError when the options are no numbers in their ranges
 */
export function makePerturbedFun(fun: (inputs: NDArray) => ArrayLike, options: PerturbedOptions = {}): Perturbed {
  return perturb('makePerturbedFun', fun, settings('makePerturbedFun', options, [...maxOptions, 'controlVariate']));
}

function perturb(
  name: string,
  fun: (inputs: NDArray) => ArrayLike,
  options: Required<PerturbedOptions>,
  check: (x: Value, outputs: Value) => void = () => {},
): Perturbed {
  checkFunction(name, fun);
  const f = onArrays(fun);
  const { noise, sigma, controlVariate } = options;
  return (inputs, key) => {
    const x = toFloating(inputs, name);
    const fixed = stopGradient(x);
    const z = noiseFor(x, toValue(key, name), options);
    const outputs = toFloating(vmap(f)(add(fixed, mul(z, sigma))) as Value, name);
    check(x, outputs);
    // The samples stay, and the distribution that they are from moves with x.
    const logProb = toValue(noise.logProb(sub(z, div(sub(x, fixed), sigma))), name);
    const weights = likelihoodRatio(sum(logProb, { axis: range(logProb.ndim).slice(1) }));
    const value = weightedMean(outputs, weights.astype(outputs.dtype));
    if (!controlVariate) return value;
    const unperturbed = toFloating(f(fixed), name);
    return sub(value, mul(unperturbed, mean(sub(weights, 1)).astype(unperturbed.dtype)));
  };
}

/** Of an argmax: an output for each sample, of the inputs' shape. */
function checkShapes(name: string): (x: Value, outputs: Value) => void {
  return (x, outputs) => {
    if (sameShape(outputs.shape.slice(1), x.shape)) return;
    throw new ShapeError(
      `${name}: the function must keep the shape of its input, but makes [${outputs.shape.slice(1)}] of ${x.aval}.`,
    );
  };
}

/**
 * The mean of argmax(x + sigma·z) over noise z: a differentiable function of x, and of a key. `argmaxFun` gives a maximiser of
 * ⟨x, y⟩ over some set, of the shape of x: a one-hot vector, ranks, a path.
 *
 * @example
 * const argmax = (x) => nn.oneHot(np.argmax(x), 3);
 * const soft = perturbations.makePerturbedArgmax(argmax, { numSamples: 10000, sigma: 0.5 });
 * const x = np.array([0.5, 0, 1]);
 * np.abs(soft(x, random.key(0)).sub(nn.softmax(x.div(0.5)))).max().lt(0.02); // True
 */
export function makePerturbedArgmax(
  argmaxFun: (inputs: NDArray) => ArrayLike,
  options: PerturbedOptions = {},
): Perturbed {
  const name = 'makePerturbedArgmax';
  return perturb(name, argmaxFun, settings(name, options, [...maxOptions, 'controlVariate']), checkShapes(name));
}

/**
 * The mean of max(x + sigma·z) over noise z, where max is ⟨x, argmax(x)⟩: a convex function of x, whose gradient is the perturbed
 * argmax with the same key, and whose Hessian is the derivative of that.
 *
 * @example
 * const max = perturbations.makePerturbedMax((x) => nn.oneHot(np.argmax(x), 3), { sigma: 0.5 });
 * grad(max)(np.array([0.5, 0, 1]), random.key(0)).sum().sub(1).abs().lt(1e-5); // True
 */
export function makePerturbedMax(
  argmaxFun: (inputs: NDArray) => ArrayLike,
  options: PerturbedMaxOptions = {},
): Perturbed {
  const name = 'makePerturbedMax';
  const given = settings(name, options, maxOptions);
  const argmax = perturb(name, argmaxFun, given, checkShapes(name));
  const f = onArrays(argmaxFun);
  return (inputs, key) => {
    const max = customJvp((x: Value, key: Value) => {
      const samples = add(x, mul(noiseFor(x, key, given), given.sigma));
      const maximisers = toFloating(vmap(f)(samples) as Value, name);
      checkShapes(name)(x, maximisers);
      return div(sum(mul(samples, maximisers.astype(x.dtype))), given.numSamples);
    });
    max.defjvp(([x, key]: Value[], [dx]: Value[]) => [
      max(x!, key!) as Value,
      sum(mul(argmax(x!, key!).astype(x!.dtype), dx!)),
    ]);
    return max(toFloating(inputs, name), toValue(key, name)) as Value;
  };
}
