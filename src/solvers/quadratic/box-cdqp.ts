/** `BoxCDQP`. */
import type { ArrayLike, NDArray } from '../../array.ts';
import { foriLoop } from '../../control/loops.ts';
import { ShapeError } from '../../core/errors.ts';
import type { Value } from '../../core/trace.ts';
import { abs, div } from '../../lax/arithmetic.ts';
import { ge, gt, le, lt, select } from '../../lax/compare.ts';
import { scalar } from '../../lax/creation.ts';
import { dynamicIndexInDim, dynamicUpdateIndexInDim } from '../../lax/dynamic-indexing.ts';
import { or } from '../../lax/logic.ts';
import { broadcastTo } from '../../lax/movement.ts';
import { clip } from '../../numpy/elementwise.ts';
import { dot, matmul } from '../../numpy/products.ts';
import { toValue } from '../../promote.ts';
import type { ArrayLikes } from '../../tree.ts';
import { type BaseState, IterativeSolver, initialState, type SolverOptions, type Step } from '../base.ts';
import { dtypeOf } from '../vectors.ts';
import { pair } from './quadratic.ts';

export interface BoxCDQPOptions extends SolverOptions {
  /** Most passes over all coordinates. Default 500. */
  maxiter?: number;
  /** Default 1e-4. */
  tol?: number;
}

/**
 * Minimises ½ xᵀQx + cᵀx where l ≤ x ≤ u, x a vector, by coordinate descent: each step minimises exactly in one coordinate,
 * each iteration is a pass over all (Wright, Coordinate Descent Algorithms, 2015, section 3). Converges for a positive
 * semidefinite Q. `run(init, [Q, c], [l, u])`; bounds may be infinite, and numbers. `state.error` is Σ |Δxᵢ| of the last
 * pass. Iterates follow JAXopt's. The solution is differentiable in Q, c, l and u.
 *
 * @example
 * const Q = np.array([[4, 1], [1, 2]]);
 * new solvers.BoxCDQP().run(np.zeros([2]), [Q, np.array([-4, 1])], [np.zeros([2]), np.ones([2])]).params; // [1. 0.]
 */
export class BoxCDQP extends IterativeSolver<NDArray, any[], BaseState> {
  protected readonly symmetric = true;

  constructor(options: BoxCDQPOptions = {}) {
    super('BoxCDQP', options, { maxiter: 500, tol: 1e-4 }, []);
  }

  override run(
    initParams: ArrayLikes<NDArray> | Step<ArrayLikes<NDArray>, BaseState>,
    paramsObj: readonly [Q: NDArray, c: NDArray],
    paramsIneq: readonly [l: ArrayLike, u: ArrayLike],
  ): Step<NDArray, BaseState> {
    return super.run(initParams, paramsObj, paramsIneq);
  }

  override initState(params: NDArray): BaseState {
    return initialState(dtypeOf(params));
  }

  override update(x: NDArray, state: BaseState, ...args: any[]): Step<NDArray, BaseState> {
    const { Q, c, lower, upper } = problemOf(x, args);
    const at = (v: Value, i: Value): Value => dynamicIndexInDim(v, i, 0, false);
    const [params, error] = foriLoop(
      0,
      x.size,
      (i: Value, [x, moved]: any) => {
        const row = at(Q, i);
        const curvature = at(row, i);
        const slope = dot(row, x).add(at(c, i));
        const old = at(x, i);
        // Without curvature the minimum is at the end of the interval, or anywhere.
        const flat = le(curvature, 0);
        const one = scalar(1, x.dtype);
        const end = select(gt(slope, 0), at(lower, i), select(lt(slope, 0), at(upper, i), old));
        const best = old.sub(div(slope, select(flat, one, curvature)));
        const next = clip(select(flat, end, best), at(lower, i), at(upper, i));
        return [dynamicUpdateIndexInDim(x, next, i, 0), moved.add(abs(next.sub(old)))];
      },
      [x, scalar(0, x.dtype)],
    ) as [Value, Value];
    return { params, state: { ...state, iterNum: state.iterNum.add(1), error } };
  }

  /**
   * x − bound where x is at a bound and the gradient holds it there, and elsewhere the gradient, at the point that has the
   * bounds in the place of the coordinates that are held: zero at solutions only, with a symmetric derivative.
   */
  override optimalityFun(x: NDArray, ...args: any[]): NDArray {
    const { Q, c, lower, upper } = problemOf(x, args);
    const moved = x.sub(matmul(Q, x).add(c));
    const [low, high] = [le(moved, lower), ge(moved, upper)];
    const bound = select(low, lower, select(high, upper, x));
    return select(or(low, high), x.sub(bound), matmul(Q, bound).add(c));
  }
}

function problemOf(x: NDArray, args: readonly unknown[]): { Q: Value; c: Value; lower: Value; upper: Value } {
  if (x.ndim !== 1) throw new ShapeError(`BoxCDQP: the parameters must be a vector, but they are ${x.aval}.`);
  const [Q, c] = pair('BoxCDQP: paramsObj', args[0], '[Q, c]');
  const [l, u] = pair('BoxCDQP: paramsIneq', args[1], '[l, u]');
  const n = x.size;
  const typed = (v: unknown, what: string, shape: readonly number[]): Value => {
    const value = toValue(v as ArrayLike, `BoxCDQP: ${what}`).astype(x.dtype);
    if (String(value.shape) !== String(shape))
      throw new ShapeError(`BoxCDQP: ${what} is ${value.aval}, but the parameters are ${x.aval}.`);
    return value;
  };
  const bound = (v: unknown, what: string): Value => {
    const value = toValue(v as ArrayLike, `BoxCDQP: ${what}`).astype(x.dtype);
    return typed(value.ndim === 0 ? broadcastTo(value, [n]) : value, what, [n]);
  };
  return { Q: typed(Q, 'Q', [n, n]), c: typed(c, 'c', [n]), lower: bound(l, 'l'), upper: bound(u, 'u') };
}
