/** `LevenbergMarquardt`. */

import { jvp } from '../../../transforms/differentiate.ts';
import { type AnyFunction, numbersAsArrays, type RestOf, type TreeFunction } from '../../../transforms/flat.ts';
import type { NDArray } from '../../array.ts';
import { cond } from '../../control/cond.ts';
import { TraceError } from '../../core/errors.ts';
import { checkNumbers } from '../../core/options.ts';
import type { Value } from '../../core/trace.ts';
import type { TreeLinearSolver } from '../../implicit/linear-solver.ts';
import { div, max, min, sqrt } from '../../lax/arithmetic.ts';
import { gt, isFinite, le, lt, select } from '../../lax/compare.ts';
import { scalar } from '../../lax/creation.ts';
import { and, not, or } from '../../lax/logic.ts';
import { broadcastTo } from '../../lax/movement.ts';
import { reduceMax, sum } from '../../lax/reductions.ts';
import { concatenate } from '../../lax/slicing.ts';
import * as linalg from '../../linalg/index.ts';
import { solveCg, solveCholesky, solveInv, solveLu } from '../../linear-solve/index.ts';
import { eye, zeros } from '../../numpy/creation.ts';
import { clip } from '../../numpy/elementwise.ts';
import { matmul } from '../../numpy/products.ts';
import type { ArrayLikes } from '../../tree.ts';
import { type BaseState, checkFunction, initialState, type Step } from '../base.ts';
import { type Bounds, boundsOf, checkBounds } from '../bounds.ts';
import type { AuxIf, Given, ParamsOf } from '../types.ts';
import { select as choose, dtypeOf, norm, ravel, unravel } from '../vectors.ts';
import { halfSquare, type LeastSquaresOptions, LeastSquaresSolver, type ResidualOf } from './least-squares.ts';

export interface LevenbergMarquardtOptions<F extends TreeFunction = TreeFunction, H extends boolean = boolean>
  extends LeastSquaresOptions<F, H> {
  /** The first damping, relative to the largest diagonal element of JᵀJ. Default 1e-6. */
  dampingParameter?: number;
  /**
   * 'grad-l2-norm' (default): stop where ‖Jᵀr‖₂ ≤ tol. 'madsen-nielsen': where ‖Jᵀr‖∞ ≤ gtol or the step is at most
   * xtol·(‖x‖ + xtol).
   */
  stopCriterion?: 'grad-l2-norm' | 'madsen-nielsen';
  /** Defaults 1e-3. */
  xtol?: number;
  gtol?: number;
  /**
   * Solves (JᵀJ + μI) δ = Jᵀr: 'cholesky', 'lu', 'inv', one of `linearSolve`, or, with `materializeJac`, 'qr' of J over √μ I,
   * which does not square the condition number. Default `linearSolve.solveCg`.
   */
  solver?: 'cholesky' | 'lu' | 'qr' | 'inv' | TreeLinearSolver;
  /** Geodesic acceleration: a second-order correction of the step (Transtrum & Sethna, arXiv 1201.5885). Default false. */
  geodesic?: boolean;
  /** A correction longer than this, relative to the step, rejects the step. Default 0.75. */
  contributionRatioThreshold?: number;
  /** Compute J as a matrix, rather than products with it. Default false; true with `solver: 'qr'` or `jacFun`. */
  materializeJac?: boolean;
  /** J(params, …args) as a matrix [residuals, parameters]. */
  jacFun?: AnyFunction;
  /** Bounds between which parameters stay: [lower, upper]. Default none. */
  bounds?: Bounds;
}

export interface LevenbergMarquardtState<R = any, X = any> extends BaseState {
  /** The damping μ of the next step, rank 0. */
  readonly dampingFactor: NDArray;
  /** By what μ grows where a step is rejected, rank 0. */
  readonly increaseFactor: NDArray;
  /** The residuals r at the point reached, as `residualFun` returns them. */
  readonly residual: R;
  /** ½ ‖r‖² there: rank 0, in the widest dtype of the residuals. */
  readonly value: NDArray;
  /** Jᵀr there: [n], n the number of all elements of the parameters. */
  readonly gradient: NDArray;
  /** The last step tried: [n]; zeros before the first. */
  readonly delta: NDArray;
  /** J there: [number of residuals, n]; null where it is not computed as a matrix (`materializeJac`). */
  readonly jac: NDArray | null;
  /** bool, rank 0: whether the stopping criterion holds. */
  readonly done: NDArray;
  /** The auxiliary output of `residualFun` there; null without `hasAux`. */
  readonly aux: X;
}

type Damped = (u: Value, g?: Value) => Value;
/** The bounds of all parameters in one vector each. */
type Box = Record<'lower' | 'upper', Value>;

const byName: Readonly<Record<string, TreeLinearSolver>> = { cholesky: solveCholesky, lu: solveLu, inv: solveInv };
const ownOptions = [
  'dampingParameter',
  'stopCriterion',
  'xtol',
  'gtol',
  'solver',
  'geodesic',
  'contributionRatioThreshold',
  'materializeJac',
  'jacFun',
  'bounds',
];
const largestFactor = 2 ** 32;

/**
 * Minimises ½ ‖r(x, …args)‖² by the Levenberg–Marquardt method with Nielsen's damping (Madsen & Nielsen, Introduction to
 * Optimization and Data Fitting, algorithm 6.18). `state.error` is ‖Jᵀr‖₂. Options, defaults and iterates follow JAXopt's;
 * beside it, parameters and residuals may be trees, and parameters may have bounds: those at a bound that the gradient pushes
 * outwards stay there, the others are stepped and projected (Kanzow, Yamashita & Fukushima, Levenberg–Marquardt methods with
 * strong local convergence properties for solving nonlinear equations with convex constraints, 2004), and `state.error` is
 * ‖clip(x − Jᵀr) − x‖₂. The solution is differentiable in `args` and in traced bounds.
 *
 * @example
 * const solver = new LevenbergMarquardt({ residualFun, solver: 'qr', materializeJac: true });
 * solver.run(np.array([-1, -2, 1, -1]), x, y).params;
 * @throws TraceError when `solver` or `stopCriterion` is not one of those above
 */
export class LevenbergMarquardt<
  F extends TreeFunction = TreeFunction,
  H extends boolean = false,
> extends LeastSquaresSolver<F, H, LevenbergMarquardtState<ResidualOf<F, H>, AuxIf<F, H>>> {
  protected override readonly remembered: readonly string[] = ['dampingFactor', 'increaseFactor'];
  protected override readonly symmetric: boolean;
  private readonly options: LevenbergMarquardtOptions;
  private readonly solver: TreeLinearSolver | 'qr';
  private readonly materialised: boolean;

  constructor(options: LevenbergMarquardtOptions<F, H>) {
    super('LevenbergMarquardt', options, { maxiter: 30, tol: 1e-3 }, ownOptions);
    checkNumbers('LevenbergMarquardt', options, ['dampingParameter', 'xtol', 'gtol', 'contributionRatioThreshold']);
    if (options.jacFun !== undefined) checkFunction('LevenbergMarquardt', 'jacFun', options.jacFun);
    checkBounds('LevenbergMarquardt', options.bounds ?? null, 'the option is `bounds: [lower, upper]`');
    this.options = options;
    const { solver = solveCg, stopCriterion = 'grad-l2-norm' } = options;
    const known = typeof solver === 'string' && solver !== 'qr' ? byName[solver] : solver;
    if (!known)
      throw new TraceError(
        `LevenbergMarquardt: \`solver\` is ${JSON.stringify(solver)}, but must be "cholesky", "lu", "qr", "inv" or a linear solver.`,
      );
    if (stopCriterion !== 'grad-l2-norm' && stopCriterion !== 'madsen-nielsen')
      throw new TraceError(
        `LevenbergMarquardt: \`stopCriterion\` is ${JSON.stringify(stopCriterion)}, but must be "grad-l2-norm" or "madsen-nielsen".`,
      );
    this.solver = known as TreeLinearSolver | 'qr';
    this.symmetric = !options.bounds;
    this.materialised = options.materializeJac ?? (solver === 'qr' || options.jacFun !== undefined);
    if (solver === 'qr' && !this.materialised)
      throw new TraceError('LevenbergMarquardt: `solver: "qr"` needs `materializeJac`.');
  }

  override initState(
    initParams: ArrayLikes<Parameters<F>[0]>,
    ...args: Given<RestOf<F>>
  ): LevenbergMarquardtState<ResidualOf<F, H>, AuxIf<F, H>> {
    const dtype = dtypeOf(initParams);
    const at = this.at(initParams, args);
    const jacobian = at.jac ?? this.jacobian(at.linear, initParams);
    const largest = reduceMax(sum(jacobian.mul(jacobian), { axis: 0 }));
    const n = ravel(initParams).aval.size;
    return {
      ...initialState(dtype),
      ...at.state,
      dampingFactor: largest.mul(this.options.dampingParameter ?? 1e-6),
      increaseFactor: scalar(2, dtype),
      delta: zeros([n], { dtype }),
      done: not(gt(at.state.error, this.tolOf(at.state.error))),
    };
  }

  /** The residuals, their derivative, and what the state holds of them. */
  private at(params: unknown, args: readonly unknown[]) {
    const linear = this.linearise(params, args);
    const { residual, aux, flat, pull } = linear;
    const { jacFun } = this.options;
    const x = ravel(params);
    const jac: Value | null = !this.materialised
      ? null
      : jacFun
        ? (jacFun(params, ...numbersAsArrays(args)) as Value)
        : this.jacobian(linear, params);
    const gradient = jac ? matmul(jac.T, flat) : pull(flat);
    return {
      linear,
      jac,
      state: {
        residual,
        aux,
        jac,
        gradient,
        value: halfSquare(flat),
        error: norm(this.downhill(x, gradient, this.box(params))),
      },
    };
  }

  private box(params: unknown): Box | undefined {
    const { bounds } = this.options;
    if (!bounds) return undefined;
    const { lower, upper } = boundsOf('LevenbergMarquardt', params, bounds);
    return { lower: ravel(lower), upper: ravel(upper) };
  }

  /** −Jᵀr, or where that leads to in the box. */
  private downhill(x: Value, gradient: Value, box: Box | undefined): Value {
    return box ? clip(x.sub(gradient), box.lower, box.upper).sub(x) : gradient.neg();
  }

  protected override start(init: unknown, args: readonly unknown[]): unknown {
    const params = super.start(init, args);
    const box = this.box(params);
    return box ? unravel(clip(ravel(params), box.lower, box.upper), params) : params;
  }

  override optimalityFun(params: ArrayLikes<Parameters<F>[0]>, ...args: Given<RestOf<F>>): ParamsOf<F> {
    const box = this.box(params);
    const gradient = super.optimalityFun(params, ...args);
    return box ? unravel(this.downhill(ravel(params), ravel(gradient), box), params) : gradient;
  }

  override update(
    params: ArrayLikes<Parameters<F>[0]>,
    state: LevenbergMarquardtState<ResidualOf<F, H>, AuxIf<F, H>>,
    ...args: Given<RestOf<F>>
  ): Step<ParamsOf<F>, LevenbergMarquardtState<ResidualOf<F, H>, AuxIf<F, H>>> {
    const { dampingFactor: mu, increaseFactor: nu, gradient, value } = state;
    const x = ravel(params);
    const box = this.box(params);
    const { solve, push } = this.damped(params, state, args, box && this.free(x, gradient, box));
    const velocity = solve(ravel(state.residual), gradient);
    const { step, admissible } = this.corrected(params, velocity, solve, args);
    const delta = box ? clip(x.sub(step), box.lower, box.upper).sub(x) : step.neg();
    const next = unravel(x.add(delta), params);
    // By how much the model ½‖r + Jδ‖² falls, which is less than it could where the step was projected.
    const predicted = box
      ? matmul(delta, gradient)
          .add(halfSquare(push(delta)))
          .neg()
      : matmul(delta, delta.mul(mu).sub(gradient)).mul(0.5);
    const gain = div(value.sub(halfSquare(this.residual(next, args))), predicted);
    const downhill = box ? and(gt(gain, 0), gt(predicted, 0)) : gt(gain, 0);
    const accepted = and(downhill, admissible);
    const { residual, jac, aux, error } = state;
    const old = { residual, jac, aux, gradient, value, error };
    const found = cond(
      accepted,
      () => this.at(next, args).state,
      () => old,
    ) as typeof old;
    const shape = select(accepted, gain, scalar(0, gain.dtype)).mul(2).sub(1);
    const eased = mu.mul(max(scalar(1 / 3, mu.dtype), shape.mul(shape).mul(shape).neg().add(1)));
    const reached = choose(accepted, next, params);
    return {
      params: reached,
      state: {
        ...state,
        ...found,
        iterNum: state.iterNum.add(1),
        dampingFactor: select(accepted, eased, min(mu.mul(nu), largestFactor)),
        increaseFactor: select(accepted, scalar(2, nu.dtype), min(nu.mul(2), largestFactor)),
        delta,
        done: this.stops(reached, this.downhill(ravel(reached), found.gradient, box), found.error, delta),
      },
    };
  }

  /** Variables that may move: not those at a bound that the gradient pushes outwards. */
  private free(x: Value, gradient: Value, { lower, upper }: Box): Value {
    return not(or(and(le(x, lower), gt(gradient, 0)), and(le(upper, x), lt(gradient, 0))));
  }

  private stops(params: unknown, gradient: Value, error: Value, delta: Value): Value {
    const { stopCriterion = 'grad-l2-norm', gtol = 1e-3, xtol = 1e-3 } = this.options;
    if (stopCriterion === 'grad-l2-norm') return not(gt(error, this.tolOf(error)));
    const limit = norm(params).add(xtol).mul(xtol);
    const small = or(le(reduceMax(gradient.abs()), gtol), le(norm(delta), limit));
    return or(small, not(isFinite(error)));
  }

  /** u ↦ (JᵀJ + μI)⁻¹ Jᵀu, or with g = Jᵀu, where that is known; of J only the columns of free variables; and v ↦ J v. */
  private damped(
    params: any,
    { dampingFactor: mu, jac }: LevenbergMarquardtState,
    args: readonly unknown[],
    free: Value | undefined,
  ): { solve: Damped; push: (v: Value) => Value } {
    const { solver } = this;
    const masked = (v: Value): Value => (free ? select(free, v, scalar(0, v.dtype)) : v);
    if (!jac) {
      const { push, pull } = this.linearise(params, args);
      const operator = (v: Value): Value => masked(pull(push(masked(v)))).add(v.mul(mu));
      return { push, solve: (u, g = pull(u)) => (solver as TreeLinearSolver)(operator, masked(g)) };
    }
    const push = (v: Value): Value => matmul(jac, v);
    const columns = free ? select(broadcastTo(free, jac.aval.shape), jac, scalar(0, jac.dtype)) : jac;
    const n = jac.aval.shape[1]!;
    const unit = eye(n, null, { dtype: jac.dtype });
    if (solver === 'qr') {
      const [q, r] = linalg.qr(concatenate([columns, unit.mul(sqrt(mu))], 0));
      const padding = zeros([n], { dtype: jac.dtype });
      return { push, solve: (u) => linalg.solveTriangular(r, matmul(q.T, concatenate([u, padding], 0))) };
    }
    const normal = matmul(columns.T, columns).add(unit.mul(mu));
    return { push, solve: (u, g = matmul(jac.T, u)) => solver((v: Value) => matmul(normal, v), masked(g)) };
  }

  /** The step with its second-order correction, and whether that is small enough. */
  private corrected(
    params: any,
    velocity: Value,
    solve: Damped,
    args: readonly unknown[],
  ): { step: Value; admissible: Value } {
    const { geodesic = false, contributionRatioThreshold = 0.75 } = this.options;
    if (!geodesic) return { step: velocity, admissible: scalar(1, 'bool') };
    const residual = (x: Value): Value => this.residual(unravel(x, params), args);
    const slope = (x: Value): Value => jvp(residual, [x], [velocity])[1];
    const curvature = jvp(slope, [ravel(params)], [velocity])[1];
    const acceleration = solve(curvature);
    return {
      step: velocity.add(acceleration.mul(0.5)),
      admissible: le(norm(acceleration), norm(velocity).mul(contributionRatioThreshold)),
    };
  }

  protected override converged({ done }: LevenbergMarquardtState): Value {
    return done;
  }

  protected override goesOn({ done }: LevenbergMarquardtState): Value {
    return not(done);
  }
}
