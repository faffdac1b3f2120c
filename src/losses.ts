/** Losses of predictions, one for each element or example, as optax names them: take their mean or sum. */
import './numpy/methods.ts';
import { type AnyFunction, checkFunction, type RestOf } from '../transforms/flat.ts';
import type { ArrayLike, NDArray } from './array.ts';
import { ShapeError } from './core/errors.ts';
import { optionsOf } from './core/options.ts';
import { recorded } from './core/recorded.ts';
import { range, sameShape } from './core/shape.ts';
import type { Value } from './core/trace.ts';
import { abs, add, div, max, min, mul, neg, sqrt, square, sub } from './lax/arithmetic.ts';
import { eq, select } from './lax/compare.ts';
import { broadcastedIota } from './lax/creation.ts';
import { reduceMax, sum } from './lax/reductions.ts';
import { squeeze } from './lax/slicing.ts';
import { logSigmoid, relu, softplus, sparsePlus } from './nn/activations.ts';
import { logSoftmax } from './nn/normalise.ts';
import { floating2 } from './numpy/elementwise.ts';
import { indices, takeAlongAxis } from './numpy/indexing.ts';
import { expandDims } from './numpy/shape.ts';
import { onSimplex } from './numpy/simplex.ts';
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

/** max(0, −x·y), for labels y of −1 and 1 (Rosenblatt, 1958): `hingeLoss` without a margin. */
export const perceptronLoss: OfTwo = ofTwo('perceptronLoss', (x, y) => relu(neg(mul(x, y))));

/**
 * The loss of labels in [0, 1] whose link is `nn.sparseSigmoid`: 0 from a margin of 1 on, linear beyond −1 (Blondel, Martins and
 * Niculae, Learning with Fenchel-Young Losses, 2020, section 4.4).
 */
export const sparsemaxLoss: OfTwo = ofTwo('sparsemaxLoss', (logits, labels) =>
  add(mul(labels, sparsePlus(neg(logits))), mul(sub(1, labels), sparsePlus(logits))),
);

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

/** A loss of scores, classes along the last axis, and integer labels. */
const ofLabels = (name: string, f: (scores: Value, labels: Value, ofLabel: Value) => Value): OfTwo =>
  recorded((scores, labels) => {
    const x = toFloating(toValue(scores, name), name);
    const given = toValue(labels, name);
    if (x.ndim !== given.ndim + 1)
      throw new ShapeError(`${name}: logits ${x.aval} must have one axis more than labels ${given.aval}.`);
    const y = indices(given, name, 'labels');
    if (y.shape.some((n, i) => n !== 1 && n !== x.shape[i]))
      throw new ShapeError(`${name}: logits ${x.aval} and labels ${y.aval} do not fit.`, {
        hint: 'the logits of an example are along the last axis, where its label is one integer',
      });
    return f(x, y, squeeze(takeAlongAxis(x, expandDims(y, -1), { axis: -1 }), [x.ndim - 1]));
  });

/**
 * log Σ exp(logits) − logits[label] along the last axis, for integer labels: `logits` has the shape of `labels` and one more axis.
 *
 * @throws ShapeError when the shapes do not fit; DtypeError when labels are not integers
 */
export const softmaxCrossEntropyWithIntegerLabels: OfTwo = ofLabels(
  'softmaxCrossEntropyWithIntegerLabels',
  (logits, _labels, ofLabel) => sub(logsumexp(logits, { axis: -1 }), ofLabel),
);

const isLabel = (scores: Value, labels: Value): Value =>
  eq(broadcastedIota('int32', scores.shape, scores.ndim - 1), expandDims(labels, -1));

/**
 * max over classes of scores + 1, without the 1 for the label, less the label's score (Crammer and Singer, 2001): 0 where the label
 * leads by a margin of 1. `scores` has the shape of the integer `labels` and one more axis, the last, as in the two others.
 */
export const multiclassHingeLoss: OfTwo = ofLabels('multiclassHingeLoss', (scores, labels, ofLabel) =>
  sub(reduceMax(select(isLabel(scores, labels), scores, add(scores, 1)), { axis: -1 }), ofLabel),
);

/** max over classes of scores, less the label's score (Collins, 2002). */
export const multiclassPerceptronLoss: OfTwo = ofLabels('multiclassPerceptronLoss', (scores, _labels, ofLabel) =>
  sub(reduceMax(scores, { axis: -1 }), ofLabel),
);

/**
 * ⟨p, scores⟩ + ½ (1 − ‖p‖²) less the label's score, where p is the projection of the scores on the simplex, whose probabilities may
 * be 0: 0 where the label leads by 1. Its gradient is p less the one-hot label (Martins and Astudillo, From Softmax to
 * Sparsemax, 2016).
 */
export const multiclassSparsemaxLoss: OfTwo = ofLabels('multiclassSparsemaxLoss', (scores, _labels, ofLabel) => {
  const p = onSimplex(scores, 1);
  // Less the label's score before the products, where it does not cancel.
  const terms = mul(p, sub(scores, expandDims(ofLabel, -1)));
  return add(sum(terms, { axis: -1 }), mul(sub(1, sum(square(p), { axis: -1 })), 0.5));
});

/**
 * The Fenchel-Young loss max(scores, …args) − ⟨scores, targets⟩ (Blondel, Martins and Niculae, Learning with Fenchel-Young Losses,
 * 2020). Its gradient is that of `max`, the predicted argmax, less the targets.
 *
 * @param max a smooth maximum: of scores to an array of the shape of their first axes, or to a number for all
 * @example
 * const crossEntropy = losses.makeFenchelYoungLoss((scores) => special.logsumexp(scores, { axis: -1 }));
 * crossEntropy(np.array([[2, 0]]), np.array([[1, 0]])); // [0.126928]
 * @throws ShapeError when the maxima do not have the shape of the scores' first axes
 */
export function makeFenchelYoungLoss<F extends AnyFunction>(
  max: F,
): (scores: ArrayLike, targets: ArrayLike, ...args: RestOf<F>) => NDArray {
  checkFunction('makeFenchelYoungLoss', max);
  const name = 'the Fenchel-Young loss';
  return (scores, targets, ...args) => {
    const [x, y] = promote(name, [scores, targets]).map((v) => toFloating(v, name)) as [Value, Value];
    const largest = toValue(max(x, ...args), name);
    if (!sameShape(largest.shape, x.shape.slice(0, largest.ndim)))
      throw new ShapeError(
        `${name}: the maxima ${largest.aval} must have the shape of the first axes of scores ${x.aval}.`,
      );
    return sub(largest, sum(mul(x, y), { axis: range(x.ndim).slice(largest.ndim) }));
  };
}

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
