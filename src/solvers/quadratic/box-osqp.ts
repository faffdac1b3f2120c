/** `BoxOSQP`. */
import type { NDArray } from '../../array.ts';
import { cond } from '../../control/cond.ts';
import type { LinearSolver } from '../../control/custom-linear-solve.ts';
import { foriLoop } from '../../control/loops.ts';
import type { Value } from '../../core/trace.ts';
import { type StatusName, statusCode, statusWhere } from '../../implicit/status.ts';
import { max, min, sqrt } from '../../lax/arithmetic.ts';
import { eq, isFinite, le, select } from '../../lax/compare.ts';
import { scalar } from '../../lax/creation.ts';
import { and, not, or } from '../../lax/logic.ts';
import { stopGradient } from '../../lax/stop-gradient.ts';
import { saddlePoint, saddlePointProducts } from '../../linear-solve/saddle-point.ts';
import { clip } from '../../numpy/elementwise.ts';
import type { Arrays } from '../../tree.ts';
import { type BaseState, IterativeSolver, initialState, type Step } from '../base.ts';
import { infNorm } from '../vectors.ts';
import { activeCondition, polish } from './active-set.ts';
import { admmStep, type Iterate, nextRho, rhoOfRows } from './admm.ts';
import { type BoxKKT, conditionsAt, pointOf, problemOf, startOf } from './box-kkt.ts';
import {
  activeBounds,
  activeSet,
  type BoxProblem,
  type Errors,
  equilibrate,
  errorsOf,
  type Residuals,
  residuals,
  type Scaling,
  scaled,
  written,
} from './box-problem.ts';
import { dualInfeasible, primalInfeasible } from './infeasibility.ts';
import { type NormalSystem, normalSystem } from './normal-system.ts';
import { type OSQPOptions, osqpOptions, type Settings, settingsOf } from './osqp-options.ts';
import { checkQuadratic, type QuadraticObjective, type QuadraticOptions } from './quadratic.ts';

export interface BoxOSQPOptions extends OSQPOptions, QuadraticOptions {}

export interface BoxOSQPState extends BaseState {
  /** A x − z, as one vector. */
  readonly primalResiduals: NDArray;
  /** Q x + c + Aᵀ y, as one vector. */
  readonly dualResiduals: NDArray;
  /** The current ρ, rank 0. */
  readonly rho: NDArray;
  /** The change of variables in which the steps are taken. */
  readonly scaling: Scaling;
  /** What the linear systems with this ρ share. */
  readonly prepared: readonly NDArray[];
}

/**
 * Minimises ½ xᵀQx + cᵀx where l ≤ A x ≤ u, with a positive semidefinite Q: the alternating direction method of multipliers
 * of OSQP (Stellato, Banjac, Goulart, Bemporad & Boyd, OSQP: An Operator Splitting Solver for Quadratic Programs, 2020), with
 * its equilibration, adaptive ρ, termination and polishing. Bounds may be infinite; where l = u a row is an equation.
 *
 * `run(init, [Q, c], A, [l, u])` gives `params` = { primal: [x, z], dualEq: y, dualIneq: [μ, φ] } with A x = z, y = μ − φ and
 * Qx + c + Aᵀy = 0. `init` is a tree like that, parts of it, or null. `state.error` is the larger of ‖A x − z‖∞ and
 * ‖Q x + c + Aᵀy‖∞. `state.status` is `primalInfeasible` where no x satisfies the constraints and `dualInfeasible` where the
 * objective has no bound from below; `params` is then no solution.
 *
 * The solution is differentiable in all that is in Q, c, A, l and u, with the active constraints as equations: implicitly,
 * to any order, or through the iterations; where l = u, by l. Under `vmap` each lane has its own ρ and stops by itself.
 *
 * @example
 * const qp = new solvers.BoxOSQP({ tol: 1e-6 });
 * const Q = np.array([[4, 1], [1, 2]]);
 * const A = np.array([[1, 1], [1, 0], [0, 1]]);
 * const [l, u] = [np.array([1, 0, 0]), np.array([1, 0.7, 0.7])];
 * qp.run(null, [Q, np.array([1, 1])], A, [l, u]).params.primal[0]; // [0.3 0.7]
 */
export class BoxOSQP extends IterativeSolver<any, any[], BoxOSQPState> {
  protected readonly symmetric = true;
  private readonly options: QuadraticOptions;
  private readonly settings: Settings;
  private readonly dense: boolean;
  private readonly system: NormalSystem;

  constructor(options: BoxOSQPOptions = {}, name = 'BoxOSQP') {
    super(name, options, { maxiter: 4000, tol: 1e-3 }, [...osqpOptions, 'matvecQ', 'matvecA', 'fun']);
    checkQuadratic(name, options);
    this.dense = !options.matvecQ && !options.matvecA && !options.fun;
    this.settings = settingsOf(name, options, this.tol, this.dense);
    this.options = options;
    this.system = normalSystem(this.settings.eqQpSolve, this.dense);
  }

  /** @throws TreeError, ShapeError when matrices and vectors do not fit */
  override run<X = NDArray, Z = NDArray>(
    init: Partial<BoxKKT<X, Z>> | null | undefined,
    paramsObj: QuadraticObjective<X>,
    paramsEq: any,
    paramsIneq: readonly [l: Z, u: Z],
  ): Step<BoxKKT<Arrays<X>, Arrays<Z>>, BoxOSQPState>;
  override run<X = NDArray, Z = NDArray>(
    init: Partial<BoxKKT<X, Z>> | null | undefined,
    paramsObj: unknown,
    paramsEq: any,
    paramsIneq: readonly [l: Z, u: Z],
  ): Step<BoxKKT<Arrays<X>, Arrays<Z>>, BoxOSQPState>;
  override run(init: any, ...args: any[]): Step {
    return super.run(init ?? null, ...args);
  }

  protected override checkInit(): void {}

  /** The point that `run(init, …)` begins with: with `initState` and `update`, to go step by step. */
  initParams(init: Partial<BoxKKT> | null | undefined, ...args: any[]): BoxKKT {
    return startOf(this.problem(init ?? null, args), init ?? null);
  }

  protected override start(init: Partial<BoxKKT> | null, args: readonly unknown[]): BoxKKT {
    return startOf(this.problem(init, args), init);
  }

  private problem(init: Partial<BoxKKT> | null, args: readonly unknown[]): BoxProblem {
    return problemOf(this.name, this.options, init, args);
  }

  override initState(params: BoxKKT, ...args: any[]): BoxOSQPState {
    const problem = this.problem(params, args);
    const { x, z } = problem;
    const scaling = equilibrate(problem, this.settings.scaling);
    const inside = this.inside(problem, scaling);
    const rho = scalar(this.settings.rhoStart, x.dtype);
    const found = residuals(problem, x.flat(params.primal[0]), z.flat(params.primal[1]), z.flat(params.dualEq));
    return {
      ...initialState(x.dtype),
      primalResiduals: found.primal,
      dualResiduals: found.dual,
      rho,
      scaling,
      prepared: this.system.prepare(inside, rhoOfRows(inside, rho, this.settings), this.settings.sigma),
    };
  }

  private inside(problem: BoxProblem, scaling: Scaling): BoxProblem {
    const inside = scaled(problem, scaling);
    return { ...inside, Q: written(inside.Q), A: written(inside.A) };
  }

  /** Steps until the residuals are looked at next. */
  override update(params: BoxKKT, state: BoxOSQPState, ...args: any[]): Step<BoxKKT, BoxOSQPState> {
    const { settings, system } = this;
    const problem = this.problem(params, args);
    const { x: xs, z: zs } = problem;
    const { columns: d, rows: e, cost } = state.scaling;
    const inside = this.inside(problem, state.scaling);
    const x0 = xs.flat(params.primal[0]).div(d);
    const y0 = zs.flat(params.dualEq).mul(cost).div(e);
    const start = { x: x0, z: zs.flat(params.primal[1]).mul(e), y: y0, guess: x0 };
    const rho = rhoOfRows(inside, state.rho, settings);
    // For iterations: a little of what is left to do.
    const tol = stopGradient(sqrt(infNorm(state.primalResiduals).mul(infNorm(state.dualResiduals))).mul(0.01));
    const { terminationCheckFrequency: most } = settings;
    const steps = this.maxiter % most === 0 ? most : min(most, state.iterNum.neg().add(this.maxiter));
    const last = foriLoop(
      0,
      steps,
      (_: unknown, at: any) =>
        admmStep(inside, at, rho, state.prepared[0]!, settings.momentum, (b, guess) =>
          system.solve(inside, state.prepared, b, guess, tol, rho),
        ) as any,
      start as any,
      { maxSteps: most },
    ) as any as Iterate;
    const x = last.x.mul(d);
    const y = last.y.mul(e).div(cost);
    const z = clip(last.z.div(e), problem.lower, problem.upper);
    const found = residuals(problem, x, z, y);
    const status = this.outcome(found, inside, last.x.sub(start.x), last.y.sub(start.y));
    const next = nextRho(state.rho, errorsOf(found, state.scaling), settings);
    const changes = and(not(eq(next, state.rho)), eq(status, statusCode('running')));
    const prepared = cond(
      changes,
      () => system.prepare(inside, rhoOfRows(inside, next, settings), settings.sigma),
      () => state.prepared as Value[],
    ) as Value[];
    return {
      params: pointOf(problem, xs.tree(x), z, y),
      state: {
        ...this.reached(found, status),
        iterNum: state.iterNum.add(steps),
        rho: select(changes, next, state.rho),
        scaling: state.scaling,
        prepared,
      },
    };
  }

  private reached(
    found: Residuals,
    status: Value,
  ): Pick<BoxOSQPState, 'error' | 'status' | 'primalResiduals' | 'dualResiduals'> {
    const { primal, dual } = errorsOf(found);
    return { error: max(primal, dual), status, primalResiduals: found.primal, dualResiduals: found.dual };
  }

  /** Certificates are looked for where rows and columns are of one size: how well they hold says more there. */
  private outcome(found: Residuals, inside: BoxProblem, dx: Value, dy: Value): Value {
    const loose = dx.dtype === 'float64' ? 1e-4 : 1e-3;
    const { primalInfeasibleTol = loose, dualInfeasibleTol = loose } = this.settings;
    const errors = errorsOf(found);
    return statusWhere(
      [
        [not(isFinite(max(errors.primal, errors.dual))), 'nonfinite'],
        [this.within(errors), 'converged'],
        [primalInfeasible(inside, stopGradient(dy), primalInfeasibleTol), 'primalInfeasible'],
        [dualInfeasible(inside, stopGradient(dx), dualInfeasibleTol), 'dualInfeasible'],
      ],
      'running',
    );
  }

  /** Whether both residuals are small enough (section 3.3 of the paper). */
  private within({ primal, dual, primalSize, dualSize }: Errors): Value {
    const tol = this.tolOf(primal);
    const { rtol } = this.settings;
    return and(le(primal, tol.add(primalSize.mul(rtol))), le(dual, tol.add(dualSize.mul(rtol))));
  }

  protected override goesOn({ status }: BoxOSQPState): Value {
    return eq(status, statusCode('running'));
  }

  protected override converged({ status }: BoxOSQPState): Value {
    return eq(status, statusCode('converged'));
  }

  protected override failures({ status }: BoxOSQPState): readonly (readonly [Value, StatusName])[] {
    return (['primalInfeasible', 'dualInfeasible'] as const).map((name) => [eq(status, statusCode(name)), name]);
  }

  protected override finished(step: Step<BoxKKT, BoxOSQPState>, args: readonly unknown[]): Step<BoxKKT, BoxOSQPState> {
    if (!(this.dense && this.implicitDiff && this.settings.polish)) return step;
    const { params, state } = step;
    const problem = this.problem(params, args);
    const { x: xs, z: zs } = problem;
    const { rows: e, cost } = state.scaling;
    const rho = rhoOfRows(this.inside(problem, state.scaling), state.rho, this.settings).mul(e).mul(e).div(cost);
    const failed = this.failures(state)
      .map(([condition]) => condition)
      .reduce((a, b) => or(a, b));
    const at = { x: xs.flat(params.primal[0]), z: zs.flat(params.primal[1]), y: zs.flat(params.dualEq) };
    const polished = polish(problem, at, rho, and(isFinite(state.error), not(failed)));
    const found = residuals(problem, polished.x, polished.z, polished.y);
    const status = select(and(not(failed), this.within(errorsOf(found))), statusCode('converged'), state.status);
    const reached = this.reached(found, status);
    // Infinite as long as no step was taken.
    const error = select(isFinite(state.error), reached.error, state.error);
    return {
      params: pointOf(problem, xs.tree(polished.x), polished.z, polished.y),
      state: { ...state, ...reached, error },
    };
  }

  /** Stationarity for x and z, A x − z, and complementary slackness. */
  override optimalityFun(params: BoxKKT, ...args: any[]): any {
    return conditionsAt(this.problem(params, args), params);
  }

  /** x, and y as one vector; the rest follows from them. */
  protected override essential(params: BoxKKT, args: readonly unknown[]): unknown {
    return [params.primal[0], this.problem(params, args).z.flat(params.dualEq)];
  }

  protected override condition([x, y]: [unknown, Value], args: readonly unknown[]): unknown {
    const problem = this.problem({ primal: [x, null] }, args);
    const [stationary, rows] = activeCondition(problem, activeSet(problem, y), problem.x.flat(x), y);
    return [problem.x.tree(stationary), rows];
  }

  protected override completed([x, y]: [unknown, Value], args: readonly unknown[]): BoxKKT {
    const problem = this.problem({ primal: [x, null] }, args);
    const active = activeSet(problem, y);
    const ax = problem.A.times(problem.x.flat(x));
    const z = select(or(active.low, active.high), activeBounds(problem, active), ax);
    return pointOf(problem, x, z, y);
  }

  protected override implicitMethod(): LinearSolver {
    return this.dense ? saddlePoint() : saddlePointProducts();
  }
}
