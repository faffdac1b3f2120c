/**
 * Projections on the transportation polytope, {P ≥ 0 : P 1 = a, Pᵀ 1 = b}, by smooth problems without constraints (Blondel,
 * Seguy & Rolet, Smooth and Sparse Optimal Transport, 2018): of the dual, whose variables are multipliers α and β of both
 * sums, or of the semi-dual, where each column of P is found given α alone.
 */
import { vmap } from '../../../transforms/vectorize.ts';
import type { NDArray } from '../../array.ts';
import { ShapeError, TreeError } from '../../core/errors.ts';
import { checkChoice, naming, optionsOf } from '../../core/options.ts';
import type { Value } from '../../core/trace.ts';
import { max, sub } from '../../lax/arithmetic.ts';
import { full } from '../../lax/creation.ts';
import { sum } from '../../lax/reductions.ts';
import { exp } from '../../lax/transcendental.ts';
import { solveCg } from '../../linear-solve/index.ts';
import { zeros } from '../../numpy/creation.ts';
import { dot } from '../../numpy/products.ts';
import { toFloating, toValue } from '../../promote.ts';
import { logsumexp } from '../../special/logsumexp.ts';
import { checkFunction, type IterativeSolver } from '../base.ts';
import { LBFGS } from '../descent/lbfgs.ts';
import { simplex } from './projection-simplex.ts';

export interface TransportOptions {
  /**
   * From the dual objective, `fun(multipliers, S, a, b)`, to a solver that minimises it; multipliers are α, or [α, β]. By
   * default LBFGS, to sums that are right within 1e-8 (float32: 1e-5) in at most 500 iterations.
   */
  makeSolver?: (fun: (multipliers: any, S: NDArray, a: NDArray, b: NDArray) => NDArray) => Pick<IterativeSolver, 'run'>;
  /** Minimise in α alone (the default), or in α and β. */
  useSemiDual?: boolean;
}

/** One of the two regularised problems. */
interface Regulariser {
  /** Columns of P from those of α + S, and what each adds to the semi-dual. */
  readonly columns: (x: Value, b: Value) => { plan: Value; value: Value };
  /** P from α + β + S, and what it adds to the dual. */
  readonly elements: (x: Value) => { plan: Value; value: Value };
}

const onColumns = vmap((x: NDArray, total: NDArray) => simplex(x, total), { inAxes: [1, 0], outAxes: 1 });

/** ½ ‖P − S‖². */
const euclidean: Regulariser = {
  columns: (x, b) => {
    const plan = onColumns(x, b);
    return { plan, value: sum(plan.mul(x.sub(plan.mul(0.5)))) };
  },
  elements: (x) => {
    const plan = max(x, full(x.shape, 0, x.dtype));
    return { plan, value: sum(plan.mul(plan)).mul(0.5) };
  },
};

/** KL(P, exp S). */
const entropic: Regulariser = {
  columns: (x, b) => {
    const total = logsumexp(x, { axis: 0 });
    return { plan: exp(sub(x, total)).mul(b), value: dot(total, b) };
  },
  elements: (x) => {
    const plan = exp(x.sub(1));
    return { plan, value: sum(plan) };
  },
};

type Objective = (multipliers: any, S: Value, a: Value, b: Value) => { plan: Value; value: Value; gradient: any };

/** What is minimised, its gradient, and the plan that belongs to the multipliers. */
function objectiveOf({ columns, elements }: Regulariser, semi: boolean): Objective {
  if (semi)
    return (alpha, S, a, b) => {
      const { plan, value } = columns(S.add(alpha.reshape([-1, 1])), b);
      return { plan, value: value.sub(dot(alpha, a)), gradient: sum(plan, { axis: 1 }).sub(a) };
    };
  return ([alpha, beta], S, a, b) => {
    const { plan, value } = elements(S.add(alpha.reshape([-1, 1])).add(beta));
    const gradient = [sum(plan, { axis: 1 }).sub(a), sum(plan, { axis: 0 }).sub(b)];
    return { plan, value: value.sub(dot(alpha, a)).sub(dot(beta, b)), gradient };
  };
}

const solvers = new Map<string, LBFGS>();

/** Made at the first call for a problem and a dtype. */
function usualSolver(key: string, objective: Objective, double: boolean): LBFGS {
  const known = solvers.get(key);
  if (known) return known;
  const fun = (multipliers: any, S: any, a: any, b: any): any => {
    const { value, gradient } = objective(multipliers, S, a, b);
    return [value, gradient];
  };
  // Multipliers are determined but for constants: the derivative's system is singular, and conjugate gradients solve it.
  const implicitDiffSolve = (matvec: any, b: any): any => solveCg(matvec, b, { tol: double ? 1e-12 : 1e-6 });
  const made = new LBFGS({ fun, valueAndGrad: true, tol: double ? 1e-8 : 1e-5, maxiter: 500, implicitDiffSolve });
  solvers.set(key, made as unknown as LBFGS);
  return made as unknown as LBFGS;
}

function project(
  name: string,
  regulariser: Regulariser,
  similarity: NDArray,
  sums: readonly [a: NDArray, b: NDArray],
  given: TransportOptions,
): NDArray {
  const { makeSolver, useSemiDual = true } = optionsOf(name, given, ['makeSolver', 'useSemiDual']);
  if (makeSolver !== undefined) checkFunction(name, 'makeSolver', makeSolver);
  checkChoice(name, '`useSemiDual`', useSemiDual, [true, false]);
  const S = toFloating(toValue(similarity, name), name);
  const [a, b] = sums.map((v) => toFloating(toValue(v, name), name).astype(S.dtype)) as [Value, Value];
  const fits = S.ndim === 2 && a.ndim === 1 && b.ndim === 1 && a.size === S.shape[0] && b.size === S.shape[1];
  if (!fits)
    throw new ShapeError(`${name}: the matrix is ${S.aval}, its rows' sums ${a.aval}, its columns' sums ${b.aval}.`);
  const objective = objectiveOf(regulariser, useSemiDual);
  const start = zeros([a.size], { dtype: S.dtype });
  const init = useSemiDual ? start : [start, zeros([b.size], { dtype: S.dtype })];
  const solver = makeSolver
    ? makeSolver((multipliers, S, a, b) => objective(multipliers, S, a, b).value)
    : usualSolver(`${name} ${useSemiDual} ${S.dtype}`, objective, S.dtype === 'float64');
  const { params } = solver.run(init as any, S, a, b);
  return objective(params, S, a, b).plan;
}

function marginals(name: string, given: readonly [NDArray, NDArray]): readonly [NDArray, NDArray] {
  if (Array.isArray(given) && given.length === 2) return given as unknown as [NDArray, NDArray];
  throw new TreeError(`${name}: needs the sums of rows and of columns as a list [a, b], but got ${naming(given)}.`);
}

const ones = (name: string, x: NDArray): [NDArray, NDArray] => {
  const { shape, dtype } = toFloating(toValue(x, name), name);
  return [full([shape[0] ?? 1], 1, dtype), full([shape[1] ?? 1], 1, dtype)];
};

/**
 * {P : P ≥ 0, P 1 = a, Pᵀ 1 = b}, for a matrix [m, n], with Σ a = Σ b: argmin ½ ‖P − S‖². The sums of columns hold to
 * rounding, those of rows to the tolerance of the solver. Differentiable in S, a and b.
 *
 * @example
 * const S = np.array([[0.3, -0.2, 0.5], [0.1, 0.9, -0.4]]);
 * projection.transport(S, [np.array([0.6, 0.4]), np.array([0.2, 0.5, 0.3])]); // [[0.2 0.1 0.3], [0. 0.4 0.]]
 * @throws ShapeError when matrix and sums do not fit
 */
export const transport = (
  S: NDArray,
  sums: readonly [a: NDArray, b: NDArray],
  options: TransportOptions = {},
): NDArray => project('projection.transport', euclidean, S, marginals('projection.transport', sums), options);

/** The same set: argmin KL(P, exp S) = Σ P·(log P − S), the plan of entropic optimal transport of the cost −S. */
export const klTransport = (
  S: NDArray,
  sums: readonly [a: NDArray, b: NDArray],
  options: TransportOptions = {},
): NDArray => project('projection.klTransport', entropic, S, marginals('projection.klTransport', sums), options);

/** Doubly stochastic matrices, {P : P ≥ 0, P 1 = 1, Pᵀ 1 = 1}: argmin ½ ‖P − S‖², for a square matrix. */
export const birkhoff = (S: NDArray, options: TransportOptions = {}): NDArray =>
  project('projection.birkhoff', euclidean, S, ones('projection.birkhoff', S), options);

/** Doubly stochastic matrices: argmin KL(P, exp S), which scales rows and columns of exp S (Sinkhorn's problem). */
export const klBirkhoff = (S: NDArray, options: TransportOptions = {}): NDArray =>
  project('projection.klBirkhoff', entropic, S, ones('projection.klBirkhoff', S), options);
