/** Isotonic regression, and the differentiable sorting and ranking that are made of it. */
import type { ArrayLike, NDArray } from '../../array.ts';
import { customJvp } from '../../control/custom-jvp.ts';
import { ShapeError } from '../../core/errors.ts';
import { checkChoice, optionsOf } from '../../core/options.ts';
import type { Value } from '../../core/trace.ts';
import { add, div, mul, neg, sub } from '../../lax/arithmetic.ts';
import { full, iota } from '../../lax/creation.ts';
import { reverse } from '../../lax/slicing.ts';
import { sort } from '../../lax/sort.ts';
import { stopGradient } from '../../lax/stop-gradient.ts';
import { exp, log } from '../../lax/transcendental.ts';
import { clip } from '../../numpy/elementwise.ts';
import { toFloating, toValue } from '../../promote.ts';
import { onPermutahedron } from '../proximal/permutahedron.ts';
import { blockSum, findBlocks, means, take } from './pooling.ts';

function vector(name: string, what: string, x: ArrayLike): Value {
  const v = toFloating(toValue(x, name), name);
  if (v.ndim !== 1)
    throw new ShapeError(`${name}: ${what} must be a vector, but it is ${v.aval}.`, {
      hint: 'use `vmap` for several',
    });
  return v;
}

export interface IsotonicOptions {
  /** The order of the result: v₁ ≤ v₂ ≤ … (the default), or v₁ ≥ v₂ ≥ … */
  increasing?: boolean;
  /** Positive weights, one for each element; 1 when left out. */
  weights?: NDArray;
  /** The least element of the result. */
  yMin?: ArrayLike;
  /** The largest element of the result. */
  yMax?: ArrayLike;
}

/**
 * Isotonic regression: argmin over v₁ ≤ … ≤ vₙ of Σ wᵢ (vᵢ − yᵢ)², of a vector y, in a time that is linear in n. Differentiable in y
 * and the weights in both modes and to any order: where blocks of equal elements stay, the result is their mean, and so is the
 * derivative.
 *
 * @example
 * isotonic.isotonicL2(np.array([1, 3, 2, 4])); // [1.  2.5 2.5 4. ]
 * @throws ShapeError when y is not a vector, or the weights do not have its shape
 */
export function isotonicL2(y: ArrayLike, given: IsotonicOptions = {}): NDArray {
  const name = 'isotonicL2';
  const { increasing = true, weights, yMin, yMax } = optionsOf(name, given, ['increasing', 'weights', 'yMin', 'yMax']);
  const bounds = [yMin, yMax].map((bound) => (bound === undefined ? null : toValue(bound, name)));
  const value = vector(name, 'y', y);
  const w = weights === undefined ? full(value.shape, 1, value.dtype) : vector(name, 'weights', weights);
  if (w.shape[0] !== value.shape[0])
    throw new ShapeError(`${name}: weights ${w.aval} do not have the shape of y ${value.aval}.`);
  if (value.size === 0) return value;
  const ascending = increasing ? value : neg(value);
  const solution = fitted(ascending, w.astype(value.dtype));
  return clip(increasing ? solution : neg(solution), ...bounds);
}

/** The nondecreasing fit, whose values are the levels that were compared, so that it is in order to the last bit. */
function fitted(y: Value, w: Value): Value {
  const [fixed, weights] = [stopGradient(y), stopGradient(w)];
  const { ids, levels } = findBlocks([mul(fixed, weights), weights], means);
  const mean = customJvp((_y: Value, _w: Value, ids: Value, levels: Value) => take(levels, ids));
  // d(Σ w y / Σ w), where the mean is differentiated again.
  mean.defjvp(([y, w, ids, levels]: Value[], [dy, dw]: Value[]) => {
    const v = mean(y!, w!, ids!, levels!) as Value;
    const change = add(mul(w!, dy!), mul(sub(y!, v), dw!));
    return [v, div(blockSum(change, ids!), blockSum(w!, ids!))];
  });
  return mean(y, w, ids, levels) as Value;
}

export interface SoftOptions {
  /** Sort, or count ranks, from the largest element on. Default false. */
  descending?: boolean;
  /** How soft: results are exact up to some strength, and tend to their mean beyond. Default 1. */
  strength?: ArrayLike;
  /** 'l2' (the default), or 'kl' for entropic regularisation. */
  regularization?: 'l2' | 'kl';
}

function softOptions(name: string, given: SoftOptions): Required<SoftOptions> {
  const {
    descending = false,
    strength = 1,
    regularization = 'l2',
  } = optionsOf(name, given, ['descending', 'strength', 'regularization']);
  checkChoice(name, '`regularization`', regularization, ['l2', 'kl']);
  return { descending, strength: toValue(strength, name), regularization };
}

/** n, n − 1, … 1. */
const countdown = (v: Value): Value => sub(v.shape[0]!, iota('int32', v.shape[0]!).astype(v.dtype));

/**
 * The ranks of the elements of a vector, 1 for the smallest, made differentiable: the projection of θ/strength on the permutahedron of
 * (n, …, 1) (Blondel, Teboul, Berthet and Djolonga, Fast Differentiable Sorting and Ranking, 2020). Ranks are exact where all gaps of θ
 * are at least `strength`.
 *
 * @example
 * isotonic.softRank(np.array([3, 1, 2])); // [3. 1. 2.]
 * isotonic.softRank(np.array([3, 1, 2]), { strength: 2 }); // [2.5 1.5 2. ]
 */
export function softRank(theta: ArrayLike, given: SoftOptions = {}): NDArray {
  const { descending, strength, regularization } = softOptions('softRank', given);
  const value = vector('softRank', 'θ', theta);
  if (value.size === 0) return value;
  const scaled = div(descending ? neg(value) : value, toValue(strength, 'softRank'));
  const ranks = countdown(value);
  return regularization === 'l2'
    ? onPermutahedron(scaled, ranks, 'l2')
    : exp(onPermutahedron(scaled, log(ranks), 'kl'));
}

/**
 * The elements of a vector in order, made differentiable in more than the order that they have: the projection of (n, …, 1)/strength on
 * the permutahedron of θ (Blondel, Teboul, Berthet and Djolonga, Fast Differentiable Sorting and Ranking, 2020). The order is exact
 * where no two neighbours are further apart than 1/strength.
 *
 * @example
 * isotonic.softSort(np.array([3, 1, 2])); // [1. 2. 3.]
 * isotonic.softSort(np.array([30, 10, 20])); // [19. 20. 21.]
 */
export function softSort(theta: ArrayLike, given: SoftOptions = {}): NDArray {
  const { descending, strength, regularization } = softOptions('softSort', given);
  const value = vector('softSort', 'θ', theta);
  if (value.size === 0) return value;
  const w = reverse(sort(descending ? value : neg(value)), [0]);
  const sorted = onPermutahedron(div(countdown(value), toValue(strength, 'softSort')), w, regularization);
  return descending ? sorted : neg(sorted);
}
