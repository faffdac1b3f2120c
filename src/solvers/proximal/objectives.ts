/**
 * Objectives of linear models, as JAXopt names them: f(params, …, [X, y]) with samples in the rows of X, the mean of a loss over
 * samples. Those that are composite linear functions are for `BlockCoordinateDescent` too.
 */
import type { ArrayLike, NDArray } from '../../array.ts';
import { checkList } from '../../core/options.ts';
import type { Value } from '../../core/trace.ts';
import { add, div, mul, neg, sub } from '../../lax/arithmetic.ts';
import { ne, select } from '../../lax/compare.ts';
import { sum } from '../../lax/reductions.ts';
import { softmaxCrossEntropyWithIntegerLabels } from '../../losses.ts';
import { softplus } from '../../nn/activations.ts';
import { mean } from '../../numpy/averages.ts';
import { matmul } from '../../numpy/products.ts';
import { toFloating, toValue } from '../../promote.ts';
import { type CompositeLinearFunction, named } from './composite.ts';

export {
  type CompositeLinearFunction,
  type CompositeLinearParts,
  compositeLinearFunction,
  type LinearOperator,
  linearOperator,
} from './composite.ts';

/** Samples in the rows of X, and a target for each. */
export type Data = readonly [X: NDArray, y: NDArray];

/** Weights, and what is added to predictions: a number for one output, an element for each of several. */
export type WithIntercept = readonly [W: NDArray, b: NDArray];

/** A loss, of the predictions of all samples. */
type Loss = (predictions: Value, y: Value) => Value;

function pair(name: string, what: string, list: unknown): [Value, Value] {
  checkList(name, what, list);
  const [first, second] = list as readonly ArrayLike[];
  return [toFloating(first!, name), toValue(second!, name)];
}
const dataOf = (name: string, data: Data): [X: Value, y: Value] => pair(name, 'the data [X, y]', data);

/** h(X w, y), where the gradient of h has the Lipschitz constant curvature / n for n samples. */
const ofPredictions = (
  name: string,
  curvature: number,
  loss: Loss,
): CompositeLinearFunction<(predictions: NDArray, data: Data) => NDArray> =>
  named(name, {
    subfun: (predictions: NDArray, data: Data) => loss(predictions, dataOf(name, data)[1]),
    linop: (data) => dataOf(name, data)[0],
    smoothness: (data) => curvature / dataOf(name, data)[0].shape[0]!,
  });

/** ½ l2reg ‖W‖². */
const penalty = (name: string, W: Value, l2reg: ArrayLike): Value =>
  mul(sum(mul(W, W)), mul(toValue(l2reg, name), 0.5));

const withIntercept =
  (name: string, loss: Loss): ((params: WithIntercept, data: Data) => NDArray) =>
  (params, data) => {
    const [W, b] = pair(name, 'the parameters [W, b]', params);
    const [X, y] = dataOf(name, data);
    return loss(add(matmul(X, W), b), y);
  };

const withPenalty =
  (name: string, loss: Loss): ((W: NDArray, l2reg: ArrayLike, data: Data) => NDArray) =>
  (W, l2reg, data) => {
    const [w, [X, y]] = [toFloating(W, name), dataOf(name, data)];
    return add(loss(matmul(X, w), y), penalty(name, w, l2reg));
  };

const withBoth = (name: string, loss: Loss): ((params: WithIntercept, l2reg: ArrayLike, data: Data) => NDArray) => {
  const unpenalised = withIntercept(name, loss);
  return (params, l2reg, data) => {
    const value = unpenalised(params, data);
    return add(value, penalty(name, toFloating(params[0], name), l2reg));
  };
};

/** Of n samples; of several tasks, a column each, the sum. */
const squares: Loss = (predictions, y) => {
  const residuals = sub(predictions, y);
  return div(sum(mul(residuals, residuals)), 2 * residuals.shape[0]!);
};
const binary: Loss = (predictions, y) => mean(softplus(select(ne(y, 0), neg(predictions), predictions)));
const multiclass: Loss = (predictions, y) => mean(softmaxCrossEntropyWithIntegerLabels(predictions, y));

/**
 * ‖X w − y‖² / 2n for n samples, a composite linear function. w and y may have a column for each of several tasks. With
 * `prox.lasso` it is the lasso, with `prox.groupLasso` of the rows of w the multitask lasso.
 *
 * @example
 * const [X, y] = [np.array([[1, 0], [0, 2]]), np.array([1, 1])];
 * objectives.leastSquares(np.array([1, 1]), [X, y]); // 0.25
 */
export const leastSquares: CompositeLinearFunction<(predictions: NDArray, data: Data) => NDArray> = ofPredictions(
  'leastSquares',
  1,
  squares,
);

/** `leastSquares` + ½ l2reg ‖w‖². */
export const ridgeRegression: (w: NDArray, l2reg: ArrayLike, data: Data) => NDArray = withPenalty(
  'ridgeRegression',
  squares,
);

/** The mean of log(1 + e^−z) for labels 1 and of log(1 + e^z) for labels 0, where z = X w: a composite linear function. */
export const binaryLogreg: CompositeLinearFunction<(predictions: NDArray, data: Data) => NDArray> = ofPredictions(
  'binaryLogreg',
  1 / 4,
  binary,
);

/** `binaryLogreg` of the predictions X w + b. */
export const binaryLogregWithIntercept: (params: WithIntercept, data: Data) => NDArray = withIntercept(
  'binaryLogregWithIntercept',
  binary,
);

/** `binaryLogreg` + ½ l2reg ‖w‖². */
export const l2BinaryLogreg: (w: NDArray, l2reg: ArrayLike, data: Data) => NDArray = withPenalty(
  'l2BinaryLogreg',
  binary,
);

/** `binaryLogregWithIntercept` + ½ l2reg ‖w‖²; the intercept is free. */
export const l2BinaryLogregWithIntercept: (params: WithIntercept, l2reg: ArrayLike, data: Data) => NDArray = withBoth(
  'l2BinaryLogregWithIntercept',
  binary,
);

/**
 * The mean of log Σ exp(z) − z[y], where z = X W has a column for each class and the labels y are integers: a composite linear
 * function.
 */
export const multiclassLogreg: CompositeLinearFunction<(predictions: NDArray, data: Data) => NDArray> = ofPredictions(
  'multiclassLogreg',
  1 / 2,
  multiclass,
);

/** `multiclassLogreg` of the predictions X W + b. */
export const multiclassLogregWithIntercept: (params: WithIntercept, data: Data) => NDArray = withIntercept(
  'multiclassLogregWithIntercept',
  multiclass,
);

/** `multiclassLogreg` + ½ l2reg ‖W‖². */
export const l2MulticlassLogreg: (W: NDArray, l2reg: ArrayLike, data: Data) => NDArray = withPenalty(
  'l2MulticlassLogreg',
  multiclass,
);

/** `multiclassLogregWithIntercept` + ½ l2reg ‖W‖²; intercepts are free. */
export const l2MulticlassLogregWithIntercept: (params: WithIntercept, l2reg: ArrayLike, data: Data) => NDArray =
  withBoth('l2MulticlassLogregWithIntercept', multiclass);

/** XᵀY − Xᵀβ: l2reg times the weights that belong to dual variables β. */
const residual = (name: string, products: Value, data: Data): Value => {
  const [X, Y] = dataOf(name, data);
  return sub(matmul(X.T, Y), products);
};

/**
 * The dual of the multiclass linear support vector machine (Crammer and Singer, 2001), to be minimised over β of shape [samples,
 * classes] with rows in the simplex: ‖XᵀY − Xᵀβ‖² / (2 l2reg) − ⟨β, 1 − Y⟩ for one-hot labels Y, a composite linear function. The
 * weights are Xᵀ(Y − β) / l2reg.
 */
export const multiclassLinearSvmDual: CompositeLinearFunction<
  (products: NDArray, l2reg: ArrayLike, data: Data) => NDArray
> = named('multiclassLinearSvmDual', {
  subfun: (products: NDArray, l2reg: ArrayLike, data: Data) => {
    const V = residual('multiclassLinearSvmDual', products, data);
    return div(sum(mul(V, V)), mul(toValue(l2reg, 'multiclassLinearSvmDual'), 2));
  },
  linop: (_l2reg, data) => dataOf('multiclassLinearSvmDual', data)[0].T,
  smoothness: (l2reg) => div(1, toValue(l2reg, 'multiclassLinearSvmDual')),
  linear: (_l2reg, data) => sub(toFloating(data[1], 'multiclassLinearSvmDual'), 1),
});
