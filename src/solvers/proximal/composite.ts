/** Functions of a linear map of the parameters, which block coordinate descent keeps up to date column by column. */
import { type AnyFunction, onArrays, type RestOf } from '../../../transforms/flat.ts';
import type { ArrayLike, NDArray } from '../../array.ts';
import { ShapeError, TraceError } from '../../core/errors.ts';
import { naming, optionsOf } from '../../core/options.ts';
import type { Value } from '../../core/trace.ts';
import { add, mul } from '../../lax/arithmetic.ts';
import { dynamicIndexInDim } from '../../lax/dynamic-indexing.ts';
import { transpose } from '../../lax/movement.ts';
import { sum } from '../../lax/reductions.ts';
import { matmul, outer } from '../../numpy/products.ts';
import { toFloating, toValue } from '../../promote.ts';
import type { ArrayLikes } from '../../tree.ts';
import { checkFunction } from '../base.ts';

/** A linear map given by its columns, one for each element or row of the parameters. */
export interface LinearOperator {
  /** X·params. */
  matvec(params: NDArray): NDArray;
  /** xⱼᵀ·p, where xⱼ is column j: a number for a vector p, a row for a matrix. `j` is an int32 of rank 0. */
  columnDot(j: NDArray, p: NDArray): NDArray;
  /** predictions + xⱼ·change, what `matvec` gives after element or row j of the parameters has changed by that. */
  addColumn(predictions: NDArray, j: NDArray, change: NDArray): NDArray;
  /** ‖xⱼ‖₂² for all j: a vector. */
  columnSquaredNorms(): NDArray;
}

/** The linear map of a matrix of shape [outputs, inputs]. */
export function linearOperator(X: NDArray): LinearOperator {
  const matrix = toFloating(X, 'linearOperator');
  if (matrix.ndim !== 2) throw new ShapeError(`linearOperator: X must be a matrix, but it is ${matrix.aval}.`);
  // Twice the columns, one after the other: an array of its own, which is made once before a loop and read in order in it.
  const doubled = mul(transpose(matrix), 2);
  const column = (j: Value): Value => dynamicIndexInDim(doubled, j, 0, false);
  return {
    matvec: (params) => matmul(matrix, params),
    columnDot: (j, p) => mul(p.ndim === 1 ? sum(mul(column(j), p)) : matmul(column(j), p), 0.5),
    addColumn: (predictions, j, change) => {
      const half = mul(change, 0.5);
      return add(predictions, change.ndim === 0 ? mul(column(j), half) : outer(column(j), half));
    },
    columnSquaredNorms: () => sum(mul(matrix, matrix), { axis: 0 }),
  };
}

export interface CompositeLinearParts<F extends AnyFunction = AnyFunction> {
  /** h(predictions, …args): a smooth function with a scalar result. */
  subfun: F;
  /** X(…args): a matrix, or a linear map of your own. */
  linop: (...args: RestOf<F>) => NDArray | LinearOperator;
  /** A Lipschitz constant of the gradient of h in the predictions: with it ‖xⱼ‖² times this bounds the curvature along block j. */
  smoothness: (...args: RestOf<F>) => ArrayLike;
  /** b(…args), of the shape of the parameters, for another term ⟨params, b⟩. */
  linear?: (...args: RestOf<F>) => NDArray;
}

/** h(X·params, …args) + ⟨params, b(…args)⟩: a function, and what it consists of. */
export interface CompositeLinearFunction<F extends AnyFunction = AnyFunction> {
  (params: NDArray, ...args: ArrayLikes<RestOf<F>>): NDArray;
  readonly subfun: AnyFunction;
  readonly linop: (...args: any[]) => LinearOperator;
  /** Lipschitz constants of the partial gradients: a vector with one for each block. */
  readonly lipschitz: (...args: any[]) => NDArray;
  readonly linear: ((...args: any[]) => NDArray) | undefined;
}

/**
 * A function h(X·params, …args) + ⟨params, b⟩ for `BlockCoordinateDescent`; other solvers take it as any objective.
 *
 * @example
 * const huber = objectives.compositeLinearFunction({
 *   subfun: (predictions, [X, y]) => losses.huberLoss(predictions, y).mean(),
 *   linop: ([X]) => X,
 *   smoothness: ([X]) => 1 / X.shape[0],
 * });
 */
export function compositeLinearFunction<F extends AnyFunction>(
  parts: CompositeLinearParts<F>,
): CompositeLinearFunction<F> {
  const name = 'compositeLinearFunction';
  const required = ['subfun', 'linop', 'smoothness'] as const;
  optionsOf(name, parts, [...required, 'linear'], required);
  for (const part of required) checkFunction(name, part, parts[part]);
  if (parts.linear !== undefined) checkFunction(name, 'linear', parts.linear);
  return named('the composite linear function', parts);
}

/** The same of parts that are right, which errors call by a name. */
export function named<F extends AnyFunction>(name: string, parts: CompositeLinearParts<F>): CompositeLinearFunction<F> {
  const [subfun, make, smoothness] = [parts.subfun, parts.linop, parts.smoothness].map((f) =>
    onArrays(f as AnyFunction),
  ) as [AnyFunction, AnyFunction, AnyFunction];
  const linear = parts.linear && onArrays(parts.linear as AnyFunction);
  const linop = (...args: any[]): LinearOperator => {
    const made = make(...args);
    return typeof made?.addColumn === 'function' ? made : linearOperator(made);
  };
  const lipschitz = (...args: any[]): NDArray =>
    mul(linop(...args).columnSquaredNorms(), toValue(smoothness(...args), name));
  const fun = (params: NDArray, ...args: any[]): NDArray => {
    const w = toValue(params, name);
    const value = toValue(subfun(linop(...args).matvec(w), ...args), name);
    return linear ? add(value, sum(mul(w, linear(...args)))) : value;
  };
  return Object.assign(onArrays(fun), { subfun, linop, lipschitz, linear });
}

/** @throws TraceError when a function has no parts */
export function checkComposite(solver: string, fun: unknown): asserts fun is CompositeLinearFunction {
  const is = typeof fun === 'function' && 'subfun' in fun && 'linop' in fun && 'lipschitz' in fun;
  if (is) return;
  throw new TraceError(`${solver}: \`fun\` must be a composite linear function, but it is ${naming(fun)}.`, {
    hint: 'take one of `objectives`, or make one with `objectives.compositeLinearFunction`',
  });
}
