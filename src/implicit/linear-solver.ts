/** How the linear system of an implicit derivative is solved: as the user says, or automatically. */
import { checkFunction, onArrays } from '../../transforms/flat.ts';
import { linearTransposeValues } from '../../transforms/linear-transpose.ts';
import { shareConsts } from '../control/branches.ts';
import type { LinearMap, LinearSolveInfo, LinearSolver } from '../control/custom-linear-solve.ts';
import { operatorAt, type RootParams } from '../control/custom-root.ts';
import { evalJaxpr } from '../core/eval-jaxpr.ts';
import type { Jaxpr } from '../core/jaxpr.ts';
import { stage } from '../core/stage.ts';
import type { Value } from '../core/trace.ts';
import { select } from '../lax/compare.ts';
import { full } from '../lax/creation.ts';
import { not } from '../lax/logic.ts';
import { knownMethod } from '../linear-solve/index.ts';
import { automatic, type OperatorTags } from '../linear-solve/methods.ts';
import { minus, norm } from '../linear-solve/vectors.ts';
import { flatten, type TreeDef, unflatten } from '../tree.ts';
import { allFinite, statusWhere, throwUnlessSolved } from './status.ts';

/** Solves A x = b, given x ↦ A x, on trees: one of `linearSolve`, or your own. */
export type TreeLinearSolver = (matvec: (x: any) => any, b: any) => any;

export interface LinearOptions extends OperatorTags {
  /**
   * Solves the linear system of the derivative. By default up to 128 unknowns Cholesky if `positiveDefinite`, else LU, with
   * one factorisation for all right-hand sides; above, conjugate gradients if `symmetric` or `positiveDefinite`, else GMRES,
   * and where these stop early, conjugate gradients on the normal equations.
   */
  solve?: TreeLinearSolver;
}

/** What the library's own solvers may also say. */
export interface KnownOptions {
  /** The method, where `solve` is not given. */
  method?: LinearSolver;
}

/** Names of these options. */
export const linearOptions = ['solve', 'symmetric', 'positiveDefinite'] as const;

/** @throws TraceError when the linear solver is no function */
export function checkSolve(operation: string, { solve }: LinearOptions): void {
  if (solve !== undefined) checkFunction(operation, solve, '`solve`');
}

/** What a program does with the outcome of a linear solve that must not fail. */
export const checkFor =
  (operation: string) =>
  (info: LinearSolveInfo): void =>
    throwUnlessSolved(operation, info.status);

/** The method, and whether it takes the operator to be symmetric. */
export function solverFor(
  options: LinearOptions & KnownOptions,
  def: TreeDef,
): { solver: LinearSolver; symmetric: boolean } {
  const { solve, symmetric = false, positiveDefinite = false } = options;
  const tagged = symmetric || positiveDefinite;
  if (!solve) return { solver: options.method ?? automatic(options), symmetric: tagged };
  const method = knownMethod(solve);
  if (method) return { solver: method.solver({}), symmetric: tagged || method.symmetric };
  return { solver: { solve: (matvec, b) => outcome(onTrees(solve, def)(matvec, b), matvec, b) }, symmetric: tagged };
}

const onTrees =
  (solve: TreeLinearSolver, def: TreeDef) =>
  (matvec: LinearMap, b: Value[]): Value[] => {
    const result = onArrays(solve)(
      (x: unknown) => unflatten(def, matvec(flatten(x).leaves as Value[])),
      unflatten(def, b),
    );
    return flatten(result).leaves as Value[];
  };

/** What can be said about a solution whoever found it. */
const outcome = (x: Value[], matvec: LinearMap, b: Value[]): ReturnType<LinearSolver['solve']> => ({
  x,
  info: () => {
    const size = norm(b);
    const residual = norm(minus(b, matvec(x))).div(select(size.gt(0), size, full([], 1, size.dtype)));
    return {
      status: statusWhere([[not(allFinite(x)), 'nonfinite']], 'converged'),
      iterations: full([], 0, 'int32'),
      residual,
    };
  },
});

type Equation = Pick<RootParams, 'optimality' | 'fixedPoint'>;

/**
 * A solve of the user's that captured traced values cannot be called when a derivative is taken, which may be after the
 * trace of these values has ended. It is traced where `customRoot` is called, at an unknown solution x; what it captured
 * becomes part of θ.
 *
 * @returns the values captured, none if the solve may be called later, and what makes the solver at (x, θ, captured)
 */
export function convertClosure(
  { solve, symmetric = false, positiveDefinite = false }: LinearOptions,
  { optimality, fixedPoint }: Equation,
  def: TreeDef,
): { captured: readonly Value[]; at: RootParams['linearSolve'] } | undefined {
  if (!solve || knownMethod(solve)) return undefined;
  const user = onTrees(solve, def);
  const n = def.leafCount;
  const avals = optimality.inAvals;
  const right = avals.slice(0, n);
  const trace = (transposed: boolean) => {
    const staged = stage(
      (...args) => {
        const push = operatorAt(optimality, fixedPoint, args.slice(0, n), args.slice(n, avals.length));
        const b = args.slice(avals.length);
        return user(transposed ? linearTransposeValues(push, b) : push, b);
      },
      [...avals, ...right],
    );
    return { ...staged, outDef: def };
  };
  const forward = trace(false);
  if (!forward.consts.some((c) => c.isTracer)) return undefined;
  const { jaxprs, consts } = shareConsts([forward, symmetric || positiveDefinite ? forward : trace(true)]);
  const [solved, solvedBackward] = jaxprs as [Jaxpr, Jaxpr];
  return {
    captured: consts,
    at: (x, theta) => ({
      solve: (matvec, b, _, transposed) => {
        const captured = theta.slice(avals.length - n);
        const own = theta.slice(0, avals.length - n);
        const found = evalJaxpr(transposed ? solvedBackward : solved, [...captured, ...x, ...own, ...b]);
        return outcome(found, matvec, b);
      },
    }),
  };
}
