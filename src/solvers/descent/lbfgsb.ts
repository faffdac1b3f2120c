/** `LBFGSB`. */
import type { RestOf } from '../../../transforms/flat.ts';
import type { NDArray } from '../../array.ts';
import { TraceError } from '../../core/errors.ts';
import { checkNumbers } from '../../core/options.ts';
import type { Value } from '../../core/trace.ts';
import type { StatusName } from '../../implicit/status.ts';
import { div } from '../../lax/arithmetic.ts';
import { eq, gt, isFinite, lt, select } from '../../lax/compare.ts';
import { scalar } from '../../lax/creation.ts';
import { dynamicUpdateIndexInDim } from '../../lax/dynamic-indexing.ts';
import { and, not } from '../../lax/logic.ts';
import { broadcastTo } from '../../lax/movement.ts';
import { all, any, reduceMax } from '../../lax/reductions.ts';
import { zeros } from '../../numpy/creation.ts';
import { clip } from '../../numpy/elementwise.ts';
import { matmul } from '../../numpy/products.ts';
import { finfo } from '../../numpy/testing.ts';
import type { ArrayLikes } from '../../tree.ts';
import type { Step } from '../base.ts';
import { type Bounds, boundsOf, checkBounds, clipTo } from '../bounds.ts';
import type { Given, ObjectiveAux, ObjectiveFunction, ParamsOf } from '../types.ts';
import { minus, ravel, scalarOf, unravel } from '../vectors.ts';
import { type BoxPoint, cauchyPoint, compactModel, subspaceMinimum } from './box-model.ts';
import { type SmoothOptions, SmoothSolver, type SmoothState } from './smooth.ts';

export interface LBFGSBOptions<
  F extends ObjectiveFunction = ObjectiveFunction,
  H extends boolean = boolean,
  V extends boolean = boolean,
> extends SmoothOptions<F, H, V> {
  /** How many steps are remembered, at least 1. Default 10. */
  historySize?: number;
  /** The diagonal of the first approximation of the Hessian. Default 1. */
  theta?: number;
  /** Scale the diagonal by yᵀy/(sᵀy) of the last step. Default true. */
  useGamma?: boolean;
  /** End with the status `linesearch` where a line search fails. Default false. */
  stopIfLinesearchFails?: boolean;
}

export interface LBFGSBState<P = any, X = any> extends SmoothState<P, X> {
  /**
   * The last m = `historySize` steps s with sᵀy > 0, as rows of a ring: [m, n], n the number of all elements of the parameters,
   * in the widest dtype among them. Zeros before they are known.
   */
  readonly sHistory: NDArray;
  /** The changes y of the gradient in these steps: [m, n]. */
  readonly yHistory: NDArray;
  /** The diagonal θ from which the approximation of the Hessian begins: rank 0. */
  readonly theta: NDArray;
  /** int32, rank 0: how many steps have been put into the ring, the next one into row `numUpdates` mod m. */
  readonly numUpdates: NDArray;
}

const ownOptions = ['historySize', 'theta', 'useGamma', 'stopIfLinesearchFails'];

/**
 * L-BFGS-B: minimises f(x, …args) over lower ≤ x ≤ upper (Byrd, Lu, Nocedal & Zhu, A Limited Memory Algorithm for Bound
 * Constrained Optimization, 1995, with the subspace minimisation of Morales & Nocedal, 2011).
 * `run(initParams, [lower, upper], …args)`; f is never evaluated outside of the box, into which the initial parameters are
 * projected. `state.error` is ‖clip(x − ∇f, lower, upper) − x‖∞. Options and defaults follow JAXopt's, and so do iterates as
 * long as the history is not full and no step is cut off at a bound. The solution is differentiable in the bounds and in
 * `args`, as the fixed point x = clip(x − ∇f(x), lower, upper). In an empty box the error is NaN.
 *
 * @example
 * const solver = new LBFGSB({ fun: leastSquares, maxiter: 100 });
 * const { params } = solver.run(np.zeros([5]), [0, Infinity], X, y);
 * @throws TraceError when `maxStepsize` is more than 1, which would leave the box
 */
export class LBFGSB<
  F extends ObjectiveFunction = ObjectiveFunction,
  H extends boolean = false,
  V extends boolean = false,
> extends SmoothSolver<
  F,
  H,
  V,
  LBFGSBState<ParamsOf<F>, ObjectiveAux<F, H, V>>,
  [bounds: Bounds<Parameters<F>[0]>, ...args: RestOf<F>]
> {
  protected override readonly symmetric = false;
  protected override readonly remembered: readonly string[] = [
    'iterNum',
    'stepsize',
    'sHistory',
    'yHistory',
    'theta',
    'numUpdates',
  ];
  private readonly historySize: number;
  private readonly theta: number;
  private readonly useGamma: boolean;
  private readonly stopIfLinesearchFails: boolean;

  constructor(options: LBFGSBOptions<F, H, V>) {
    super(
      'LBFGSB',
      { ...options, maxStepsize: options?.maxStepsize ?? 1 },
      { maxiter: 50, increaseFactor: 1.5 },
      ownOptions,
    );
    checkNumbers('LBFGSB', options, ['historySize', 'theta']);
    this.historySize = options.historySize ?? 10;
    this.theta = options.theta ?? 1;
    this.useGamma = options.useGamma ?? true;
    this.stopIfLinesearchFails = options.stopIfLinesearchFails ?? false;
    if (!(this.historySize >= 1))
      throw new TraceError(`LBFGSB: \`historySize\` must be at least 1, but it is ${this.historySize}.`);
    if (!(this.theta > 0)) throw new TraceError(`LBFGSB: \`theta\` must be positive, but it is ${this.theta}.`);
    if ((options.maxStepsize ?? 1) > 1)
      throw new TraceError(
        `LBFGSB: \`maxStepsize\` must be at most 1, beyond which steps leave the box, but it is ${options.maxStepsize}.`,
      );
  }

  private bounds(params: unknown, bounds: Bounds): ReturnType<typeof boundsOf> {
    const hint = 'pass them after the initial parameters: `solver.run(init, [lower, upper], …)`';
    checkBounds('LBFGSB', bounds, hint);
    return boundsOf('LBFGSB', params, bounds);
  }

  private clipped(params: any, bounds: Bounds): any {
    return clipTo(params, this.bounds(params, bounds));
  }

  protected override start(init: unknown, args: readonly unknown[]): unknown {
    return this.clipped(super.start(init, args), args[0] as Bounds);
  }

  override initState(
    initParams: ArrayLikes<Parameters<F>[0]>,
    ...[bounds, ...args]: Given<[bounds: Bounds<Parameters<F>[0]>, ...args: RestOf<F>]>
  ): LBFGSBState<ParamsOf<F>, ObjectiveAux<F, H, V>> {
    const { size, dtype } = ravel(initParams).aval;
    const history = zeros([this.historySize, size], { dtype });
    return {
      ...this.initial(this.clipped(initParams, bounds as Bounds), args),
      sHistory: history,
      yHistory: history,
      theta: scalar(this.theta, dtype),
      numUpdates: scalar(0, 'int32'),
    };
  }

  override update(
    params: ArrayLikes<Parameters<F>[0]>,
    state: LBFGSBState<ParamsOf<F>, ObjectiveAux<F, H, V>>,
    ...[given, ...args]: Given<[bounds: Bounds<Parameters<F>[0]>, ...args: RestOf<F>]>
  ): Step<ParamsOf<F>, LBFGSBState<ParamsOf<F>, ObjectiveAux<F, H, V>>> {
    const bounds = given as Bounds;
    const inBox = this.clipped(params, bounds);
    const { lower, upper } = this.bounds(params, bounds);
    const point = {
      x: ravel(inBox),
      gradient: ravel(state.grad).astype(state.theta.dtype),
      lower: ravel(lower),
      upper: ravel(upper),
    };
    const { direction, usable } = this.direction(state, point);
    const moved = this.move(inBox, state, unravel(direction, params), args, (x) => this.clipped(x, bounds));
    const s = ravel(minus(moved.params, inBox));
    const y = ravel(moved.state.grad).astype(s.dtype).sub(point.gradient);
    const error = this.distance(moved.params, moved.state.grad, bounds);
    return {
      params: moved.params,
      state: { ...moved.state, error: scalarOf(error, state.error.dtype), ...this.remember(state, usable, s, y) },
    };
  }

  /** To the minimum of the model in the box, or, where that cannot be computed or is not downhill, down the gradient. */
  private direction({ sHistory, yHistory, numUpdates, theta }: LBFGSBState, point: BoxPoint) {
    const { x, gradient, lower, upper } = point;
    const model = compactModel(sHistory, yHistory, numUpdates, theta);
    const found = subspaceMinimum(model, point, cauchyPoint(model, point)).sub(x);
    const usable = and(all(isFinite(found)), lt(matmul(gradient, found), 0));
    const plain = clip(x.sub(gradient.div(this.theta)), lower, upper).sub(x);
    return { direction: select(usable, found, plain), usable };
  }

  /** The history with another pair, if it has positive curvature; without what is of no use. */
  private remember({ sHistory, yHistory, numUpdates, theta }: LBFGSBState, usable: Value, s: Value, y: Value) {
    const zero = scalar(0, s.dtype);
    const curvature = matmul(s, y);
    const yy = matmul(y, y);
    const curved = gt(curvature, yy.mul(finfo(s).eps));
    const count = select(usable, numUpdates, scalar(0, 'int32'));
    const row = count.mod(this.historySize);
    const put = (history: Value, pair: Value): Value => {
      const kept = select(broadcastTo(usable, history.aval.shape), history, zero);
      return select(broadcastTo(curved, history.aval.shape), dynamicUpdateIndexInDim(kept, pair, row, 0), kept);
    };
    const scaled = this.useGamma ? div(yy, select(curved, curvature, scalar(1, s.dtype))).mul(this.theta) : this.theta;
    // A linear objective has no curvature: the next step may be longer.
    const flat = and(eq(yy, 0), gt(matmul(s, s), 0));
    const former = select(usable, theta, scalar(this.theta, theta.dtype)).mul(select(flat, scalar(0.1, s.dtype), 1));
    return {
      sHistory: put(sHistory, s),
      yHistory: put(yHistory, y),
      theta: select(curved, scaled, former),
      numUpdates: count.add(curved.astype('int32')),
    };
  }

  /** ‖clip(x − ∇f) − x‖∞; NaN in an empty box. */
  private distance(params: any, grad: any, bounds: Bounds): Value {
    const { lower, upper } = this.bounds(params, bounds);
    const change = ravel(minus(this.clipped(minus(params, grad), bounds), params));
    const empty = any(gt(ravel(lower), ravel(upper)));
    return select(empty, scalar(Number.NaN, change.dtype), reduceMax(change.abs()));
  }

  /** clip(x − ∇f, lower, upper) − x. */
  override optimalityFun(
    params: ArrayLikes<Parameters<F>[0]>,
    ...[bounds, ...args]: Given<[bounds: Bounds<Parameters<F>[0]>, ...args: RestOf<F>]>
  ): ParamsOf<F> {
    const { gradient } = this.objective.evaluate(params, args);
    return minus(this.clipped(minus(params, gradient), bounds as Bounds), params);
  }

  protected override goesOn(state: LBFGSBState): Value {
    const more = super.goesOn(state as never);
    return this.stopIfLinesearchFails ? and(more, not(state.failedLinesearch)) : more;
  }

  protected override failures(state: LBFGSBState): readonly (readonly [Value, StatusName])[] {
    const stopped = and(state.failedLinesearch, not(this.converged(state as never)));
    return this.stopIfLinesearchFails ? [[stopped, 'linesearch']] : [];
  }
}
