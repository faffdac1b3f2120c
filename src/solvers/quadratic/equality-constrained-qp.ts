/** `EqualityConstrainedQP`. */
import type { NDArray } from '../../array.ts';
import { customLinearSolve, type LinearSolver } from '../../control/custom-linear-solve.ts';
import type { DType } from '../../core/dtype.ts';
import { TraceError } from '../../core/errors.ts';
import { checkNumbers, optionsOf } from '../../core/options.ts';
import { atUserLine } from '../../core/source.ts';
import type { Value } from '../../core/trace.ts';
import { solverFor, type TreeLinearSolver } from '../../implicit/linear-solver.ts';
import { throwUnlessSolved } from '../../implicit/status.ts';
import { jit } from '../../jit.ts';
import { stopGradient } from '../../lax/stop-gradient.ts';
import { knownMethod } from '../../linear-solve/index.ts';
import { saddlePoint, saddlePointProducts } from '../../linear-solve/saddle-point.ts';
import { zeros } from '../../numpy/creation.ts';
import { block } from '../../numpy/joining.ts';
import { matrixTranspose } from '../../numpy/shape.ts';
import type { Arrays } from '../../tree.ts';
import * as tree from '../../tree.ts';
import { type BaseState, checkFunction, type Step } from '../base.ts';
import { norm } from '../vectors.ts';
import {
  checkQuadratic,
  commonDtype,
  type KKTSolution,
  type LinearConstraints,
  type LinearOperator,
  operatorOf,
  pair,
  type QuadraticObjective,
  type QuadraticOptions,
  quadraticOf,
  type Space,
  spaceOf,
} from './quadratic.ts';

export interface EqualityConstrainedQPOptions extends QuadraticOptions {
  /**
   * Solves the linear system, given as a list [x, multipliers]: one of `linearSolve`, or your own. By default LU, where
   * matrices are given or there are at most 512 unknowns; above, iterations.
   */
  solve?: TreeLinearSolver;
  /** Adds δ to Q and −δ to the other diagonal block of the system, and takes the error of that back by refinement. */
  refineRegularization?: number;
  /** Most steps of refinement. Default 10. */
  refineMaxiter?: number;
  /** Most iterations of an iterative `solve`. Default 1000. */
  maxiter?: number;
  /** Relative tolerance of an iterative `solve`, and of refinement. Default 1e-5. */
  tol?: number;
  /** Throw a SolveError where the system, or that of a derivative, is not solved. */
  throw?: boolean;
  /** Trace and compile `run` once for all calls with arguments of the same types. Default true. */
  jit?: boolean;
}

const own = [
  'matvecQ',
  'matvecA',
  'fun',
  'solve',
  'refineRegularization',
  'refineMaxiter',
  'maxiter',
  'tol',
  'throw',
  'jit',
];

/** The system [Q Aᵀ; A 0] [x; y] = [−c; b], which is linear. */
interface System {
  readonly x: Space;
  readonly y: Space;
  readonly Q: LinearOperator;
  readonly A: LinearOperator;
  readonly c: Value;
  readonly b: Value;
}

/**
 * Minimises ½ xᵀQx + cᵀx where A x = b, with a Q that is positive definite on the null space of A: one linear system, that
 * of the Karush–Kuhn–Tucker conditions (Nocedal & Wright, Numerical Optimization, section 16.1). Constraints may depend on
 * each other, if they do not contradict: the multipliers are then one choice of many.
 *
 * `run(init, [Q, c], [A, b])` gives `params` = { primal, dualEq, dualIneq: null }, where Qx + c + Aᵀ·dualEq = 0, and a state
 * with `error`, the norm of what is left of the conditions, and `status`. `init`, the start of an iterative `solve`, may be
 * null, but for an objective given as `fun`. The solution is differentiable in all that is in Q, c, A and b, to any order;
 * derivatives take the factorisation that the solution took.
 *
 * @example
 * const qp = new solvers.EqualityConstrainedQP();
 * const Q = np.array([[4, 1], [1, 2]]);
 * qp.run(null, [Q, np.array([1, 1])], [np.array([[1, 1]]), np.array([1])]).params.primal; // [0.25 0.75]
 */
export class EqualityConstrainedQP {
  private readonly options: EqualityConstrainedQPOptions;
  private readonly whole: (...args: any[]) => any;

  constructor(options: EqualityConstrainedQPOptions = {}) {
    optionsOf(name, options, own);
    checkQuadratic(name, options);
    checkNumbers(name, options, ['refineRegularization', 'refineMaxiter', 'maxiter', 'tol']);
    if (options.solve !== undefined) checkFunction(name, 'solve', options.solve);
    this.options = options;
    const run = (...args: any[]): Step =>
      atUserLine(true, () => this.solve(...(args as [Partial<KKTSolution> | null, unknown, unknown])));
    this.whole = options.jit === false ? run : jit(run);
  }

  /** Solves the problem. @throws TreeError, ShapeError when matrices and vectors do not fit */
  run<X = NDArray, Y = NDArray>(
    init: Partial<KKTSolution<X, Y>> | null | undefined,
    paramsObj: QuadraticObjective<X>,
    paramsEq: LinearConstraints<Y>,
  ): Step<KKTSolution<Arrays<X>, Arrays<Y>, null>, BaseState>;
  run<X = NDArray, Y = NDArray>(
    init: Partial<KKTSolution<X, Y>> | null | undefined,
    paramsObj: unknown,
    paramsEq: LinearConstraints<Y>,
  ): Step<KKTSolution<Arrays<X>, Arrays<Y>, null>, BaseState>;
  run(init: unknown, paramsObj: unknown, paramsEq: unknown): Step {
    return this.whole(init ?? null, paramsObj, paramsEq);
  }

  /** What is left of the conditions: Qx + c + Aᵀy and A x − b. */
  optimalityFun(params: KKTSolution, paramsObj: unknown, paramsEq: unknown): KKTSolution {
    const { x, y, Q, A, c, b } = this.system(params, paramsObj, paramsEq);
    const [primal, dual] = [x.flat(params.primal), y.flat(params.dualEq)];
    return {
      primal: x.tree(Q.times(primal).add(c).add(A.back(dual))),
      dualEq: y.tree(A.times(primal).sub(b)),
      dualIneq: null,
    };
  }

  /** ‖optimalityFun(params, …args)‖₂. */
  l2OptimalityError(params: KKTSolution, paramsObj: unknown, paramsEq: unknown): NDArray {
    return norm(this.optimalityFun(params, paramsObj, paramsEq));
  }

  private system(init: Partial<KKTSolution> | null, paramsObj: unknown, paramsEq: unknown): System {
    const [paramsA, b] = pair(`${name}: paramsEq`, paramsEq, '[A, b]');
    const dtype = commonDtype(init, paramsObj, paramsEq);
    const x = primalSpace(name, this.options, init?.primal, paramsObj, dtype);
    const y = spaceOf(`${name}: b`, b, dtype);
    const { Q, c } = quadraticOf(name, this.options, paramsObj, x);
    return { x, y, Q, A: operatorOf(name, 'A', this.options.matvecA, paramsA, x, y), c, b: y.flat(b) };
  }

  private solve(init: Partial<KKTSolution> | null, paramsObj: unknown, paramsEq: unknown): Step {
    const { x, y, Q, A, c, b } = this.system(init, paramsObj, paramsEq);
    const matvec = ([u, v]: Value[]): Value[] => [Q.times(u!).add(A.back(v!)), A.times(u!)];
    const right = [c.neg(), b];
    const start = [
      init?.primal == null ? zeros([x.size], { dtype: x.dtype }) : x.flat(init.primal),
      init?.dualEq == null ? zeros([y.size], { dtype: y.dtype }) : y.flat(init.dualEq),
    ];
    const found = customLinearSolve(matvec, right, this.method(Q, A, stopGradient(start) as Value[], y.size), {
      symmetric: true,
      operation: name,
      info: true,
      ...(this.options.throw ? { check: (info) => throwUnlessSolved(name, info.status) } : {}),
    });
    const [primal, dual] = found.x as [Value, Value];
    const [status, iterations] = found.info;
    const params = { primal: x.tree(primal), dualEq: y.tree(dual), dualIneq: null };
    const at = stopGradient(found.x) as Value[];
    const left = matvec(at).map((v, i) => v.sub(right[i]!));
    return { params, state: { iterNum: iterations, error: stopGradient(norm(left)), status } };
  }

  private method(Q: LinearOperator, A: LinearOperator, init: Value[], m: number): LinearSolver {
    const {
      solve,
      refineRegularization: regularization = 0,
      refineMaxiter = 10,
      maxiter = 1000,
      tol = 1e-5,
    } = this.options;
    const refinement = { regularization, maxiter: refineMaxiter };
    if (solve) {
      const method = knownMethod(solve);
      const def = tree.structure([0, 0]);
      const inner = method
        ? method.solver({ tol, maxiter, ...(regularization > 0 ? {} : { init }) })
        : solverFor({ solve, symmetric: true }, def).solver;
      return regularization > 0 ? saddlePoint({ ...refinement, inner, tol }) : inner;
    }
    if (!Q.matrix || !A.matrix) return regularization > 0 ? saddlePoint(refinement) : saddlePointProducts();
    const zero = zeros([m, m], { dtype: A.matrix.dtype });
    const matrix = block([
      [Q.matrix, matrixTranspose(A.matrix)],
      [A.matrix, zero],
    ]);
    return saddlePoint({ ...refinement, matrix });
  }
}

const name = 'EqualityConstrainedQP';

/** The variables: like the initial ones if there are any, else like c. */
export function primalSpace(
  solver: string,
  { fun }: QuadraticOptions,
  init: unknown,
  paramsObj: unknown,
  dtype: DType,
): Space {
  if (init != null) return spaceOf(`${solver}: the initial primal solution`, init, dtype);
  if (fun)
    throw new TraceError(`${solver}.run: with \`fun\`, the initial solution must hold \`primal\`, but there is none.`, {
      hint: 'its values do not matter, their shapes do: `run({ primal: np.zeros([n]) }, …)`',
    });
  return spaceOf(`${solver}: c`, pair(`${solver}: paramsObj`, paramsObj, '[Q, c]')[1], dtype);
}
