/** Losses of predictions, one for each element or example, as optax names them: take their mean or sum. */
import './numpy/methods.ts';
import type { ArrayLike, NDArray } from './array.ts';
import { ShapeError } from './core/errors.ts';
import { optionsOf } from './core/options.ts';
import { recorded } from './core/recorded.ts';
import type { Value } from './core/trace.ts';
import { abs, add, div, max, min, mul, neg, sqrt, square, sub } from './lax/arithmetic.ts';
import { eq, select } from './lax/compare.ts';
import { sum } from './lax/reductions.ts';
import { squeeze } from './lax/slicing.ts';
import { logSigmoid, relu, softplus } from './nn/activations.ts';
import { logSoftmax } from './nn/normalise.ts';
import { floating2 } from './numpy/elementwise.ts';
import { takeAlongAxis } from './numpy/indexing.ts';
import { expandDims } from './numpy/shape.ts';
import { promote, toFloating, toValue } from './promote.ts';
import { logsumexp, xlogy } from './special/index.ts';

type OfTwo = (predictions: ArrayLike, targets: ArrayLike) => NDArray;

const ofTwo = (name: string, f: (x: Value, y: Value) => Value): OfTwo => recorded(floating2(name, f));

/** (x − y)². */
export const squaredError: OfTwo = ofTwo('squaredError', (x, y) => square(sub(x, y)));
/** ½ (x − y)². */
export const l2Loss: OfTwo = ofTwo('l2Loss', (x, y) => mul(square(sub(x, y)), 0.5));
/** log cosh(x − y): ½ (x − y)² near 0, |x − y| − log 2 far away. */
export const logCosh: OfTwo = ofTwo('logCosh', (x, y) => {
  const size = abs(sub(x, y));
  return sub(add(size, softplus(mul(size, -2))), Math.LN2);
});

/**
 * ½ (x − y)² up to a distance of `delta` (1 when left out), then linear with the slope that it has there (Huber, Robust
 * estimation of a location parameter, 1964).
 */
export const huberLoss: (predictions: ArrayLike, targets: ArrayLike, given?: { delta?: ArrayLike }) => NDArray =
  recorded((predictions, targets, given = {}) => {
    const { delta = 1 } = optionsOf('huberLoss', given, ['delta']);
    const [x, y, turn] = promote('huberLoss', [predictions, targets, delta]).map((v) => toFloating(v, 'huberLoss')) as [
      Value,
      Value,
      Value,
    ];
    const size = abs(sub(x, y));
    const inside = min(size, turn);
    return add(mul(square(inside), 0.5), mul(turn, sub(size, inside)));
  });

/** max(0, 1 − x·y), for labels y of −1 and 1. */
export const hingeLoss: OfTwo = ofTwo('hingeLoss', (x, y) => relu(sub(1, mul(x, y))));

/** The cross entropy of labels in [0, 1] and the logistic function of logits, accurate for large ones. */
export const sigmoidBinaryCrossEntropy: OfTwo = ofTwo('sigmoidBinaryCrossEntropy', (logits, labels) =>
  neg(add(mul(labels, logSigmoid(logits)), mul(sub(1, labels), logSigmoid(neg(logits))))),
);

export interface CrossEntropyOptions {
  /** The axis of the classes, the last when left out. */
  axis?: number;
}

/**
 * −Σ labels · log softmax(logits) along an axis, for labels that are probabilities.
 *
 * @example
 * losses.softmaxCrossEntropy(np.array([[2, 0]]), nn.oneHot(np.array([0], { dtype: 'int32' }), 2)); // [0.126928]
 */
export const softmaxCrossEntropy: (logits: ArrayLike, labels: ArrayLike, given?: CrossEntropyOptions) => NDArray =
  recorded((logits, labels, given = {}) => {
    const { axis = -1 } = optionsOf('softmaxCrossEntropy', given, ['axis']);
    const [x, y] = promote('softmaxCrossEntropy', [logits, labels]) as [Value, Value];
    const terms = mul(y, logSoftmax(x, { axis }));
    // Classes that cannot be, with a logit of −∞ and a probability of 0.
    return neg(sum(select(eq(y, 0), 0, terms), { axis }));
  });

/**
 * log Σ exp(logits) − logits[label] along the last axis, for integer labels: `logits` has the shape of `labels` and one more axis.
 *
 * @throws ShapeError when the shapes do not fit; DtypeError when labels are not integers
 */
export const softmaxCrossEntropyWithIntegerLabels: OfTwo = recorded((logits, labels) => {
  const name = 'softmaxCrossEntropyWithIntegerLabels';
  const x = toFloating(toValue(logits, name), name);
  const y = toValue(labels, name);
  if (x.ndim !== y.ndim + 1)
    throw new ShapeError(`${name}: logits ${x.aval} must have one axis more than labels ${y.aval}.`);
  const chosen = squeeze(takeAlongAxis(x, expandDims(y, -1), { axis: -1 }), [x.ndim - 1]);
  return sub(logsumexp(x, { axis: -1 }), chosen);
});

/** Σ targets · (log targets − log predictions) along the last axis, from the logarithms of predicted probabilities. */
export const klDivergence: (logPredictions: ArrayLike, targets: ArrayLike) => NDArray = ofTwo('klDivergence', (x, y) =>
  sum(sub(xlogy(y, y), mul(y, x)), { axis: -1 }),
);

/** The cosine of the angle between vectors along the last axis, whose norms are taken to be at least `epsilon` (0). */
export const cosineSimilarity: (x: ArrayLike, y: ArrayLike, given?: { epsilon?: ArrayLike }) => NDArray = recorded(
  (x, y, given = {}) => {
    const { epsilon = 0 } = optionsOf('cosineSimilarity', given, ['epsilon']);
    const [a, b] = promote('cosineSimilarity', [x, y]).map((v) => toFloating(v, 'cosineSimilarity')) as [Value, Value];
    const least = square(toValue(epsilon, 'cosineSimilarity'));
    const unit = (v: Value): Value => div(v, sqrt(max(sum(mul(v, v), { axis: -1, keepdims: true }), least)));
    return sum(mul(unit(a), unit(b)), { axis: -1 });
  },
);
