/**
 * Linear systems given by an operator: A x = b with x ↦ A x as a function, on arrays and on trees of arrays. Solutions
 * are differentiable in b and in everything that the operator captures, in both modes and to any order, without
 * differentiating the method (see `custom_linear_solve`). Semantics and defaults follow JAXopt's `linear_solve`.
 */
import { flattenArguments } from '../../transforms/flat.ts';
import type { ArrayLike, NDArray } from '../array.ts';
import { customLinearSolve, type LinearMap } from '../control/custom-linear-solve.ts';
import { ShapeError, TraceError, TreeError } from '../core/errors.ts';
import { checkNumbers, naming, optionsOf } from '../core/options.ts';
import type { Value } from '../core/trace.ts';
import { throwUnlessSolved } from '../implicit/status.ts';
import { convert } from '../lax/convert.ts';
import { toValue } from '../promote.ts';
import { type Arrays, flatten, type TreeDef, unflatten } from '../tree.ts';
import type { IterationOptions } from './krylov.ts';
import { type Method, methods, withRidge } from './methods.ts';

export { statusName } from '../implicit/status.ts';

export interface LinearSolveOptions<T = any> {
  /** Solves (A + ridge·I) x = b instead. */
  ridge?: ArrayLike;
  /** Initial guess of an iterative method; zero if left out. */
  init?: T;
  /** Iterative methods stop when ‖A x − b‖ ≤ tol·‖b‖. Default 1e-5. */
  tol?: ArrayLike;
  /** Most iterations; by default ten times the number of unknowns. */
  maxiter?: number;
  /** Steps of GMRES between restarts; by default 20. */
  restart?: number;
  /** Return `[x, info]`. */
  info?: boolean;
  /**
   * Throw a SolveError where a system is not solved: this one, or one of its derivatives. The check runs with the program,
   * inside `jit` and for each lane of a `vmap` too.
   */
  throw?: boolean;
}

/** How a linear solve went. It has no derivative: its gradient is zero. */
export interface LinearSolveInfo {
  /** int32: see `statusName`. */
  readonly status: NDArray;
  /** int32: steps taken; 1 for methods that factorise. */
  readonly iterations: NDArray;
  /** ‖A x − b‖ / ‖b‖, by iterative methods as they know it from their recursion; of AᵀA x = Aᵀb for `solveNormalCg`. */
  readonly residual: NDArray;
}

/** Solves A x = b, given x ↦ A x. */
export interface LinearSolve {
  <T>(
    matvec: (x: Arrays<T>) => unknown,
    b: T,
    options: LinearSolveOptions<T> & { info: true },
  ): [x: Arrays<T>, info: LinearSolveInfo];
  <T>(matvec: (x: Arrays<T>) => unknown, b: T, options?: LinearSolveOptions<T>): Arrays<T>;
}

/** What `customRoot` needs to use a method without wrapping it in a second solve. */
const methodOf = new WeakMap<object, Method>();
export const knownMethod = (solve: object): Method | undefined => methodOf.get(solve);

const solveOptions = ['ridge', 'init', 'tol', 'maxiter', 'restart', 'info', 'throw'];

function solveWith(name: string, method: Method): LinearSolve {
  const solve = (matvec: (x: any) => unknown, b: unknown, given: LinearSolveOptions = {}): any => {
    if (typeof matvec !== 'function') {
      throw new TraceError(`${name}: the operator must be a function x ↦ A x, but it is ${naming(matvec)}.`, {
        hint: 'for a matrix `a`: `(x) => np.matmul(a, x)`, or `linalg.solve(a, b)`',
      });
    }
    const options = optionsOf(name, given, solveOptions);
    checkNumbers(name, given, ['maxiter', 'restart']);
    const flat = flatten(b, (path) => `${name}: b${path}`);
    const values = flattenArguments([b], name).values.map((v) => (v.aval.weakType ? convert(v, 'float32') : v));
    if (values.length === 0) throw new ShapeError(`${name}: b holds no array.`);
    const ridge = options.ridge === undefined ? undefined : toValue(options.ridge, name);
    const operator = withRidge(onLeaves(name, matvec, flat.def, values), ridge);
    const { x, info } = customLinearSolve(operator, values, method.solver(iteration(name, options)), {
      symmetric: method.symmetric,
      operation: name,
      info: options.info ?? false,
      ...(options.throw ? { check: (found) => throwUnlessSolved(name, found.status) } : {}),
    });
    const solution = unflatten(flat.def, x);
    const [status, iterations, residual] = info;
    return options.info ? [solution, { status, iterations, residual }] : solution;
  };
  Object.defineProperty(solve, 'name', { value: name });
  methodOf.set(solve, method);
  return solve as LinearSolve;
}

/** The user's operator on leaves of the structure and the types of b. */
function onLeaves(name: string, matvec: (x: any) => unknown, def: TreeDef, values: readonly Value[]): LinearMap {
  return (x) => {
    const result = flatten(matvec(unflatten(def, x)), 'the result of the operator');
    if (result.def.key !== def.key)
      throw new TreeError(
        `${name}: the operator returns a value of structure ${result.def}, but b has structure ${def}.`,
      );
    return result.leaves.map((leaf, i) => {
      const value = toValue(leaf, name);
      return value.aval.weakType ? convert(value, values[i]!.dtype) : value;
    });
  };
}

const iteration = (name: string, { init, tol, maxiter, restart }: LinearSolveOptions): IterationOptions => ({
  ...(init === undefined ? {} : { init: flattenArguments([init], name).values }),
  ...(tol === undefined ? {} : { tol: typeof tol === 'number' ? tol : toValue(tol, name) }),
  ...(maxiter === undefined ? {} : { maxiter }),
  ...(restart === undefined ? {} : { restart }),
});

/**
 * Conjugate gradients, for symmetric positive definite operators.
 *
 * @returns x, like b; with `info: true`, `[x, { status, iterations, residual }]`
 * @throws TreeError, ShapeError when the operator does not map trees like b to trees like b; SolveError with `throw: true`
 * @example
 * linearSolve.solveCg((x) => np.matmul(A, x), b, { tol: 1e-6 });
 */
export const solveCg: LinearSolve = solveWith('solveCg', methods.cg);

/** Conjugate gradients on the normal equations AᵀA x = Aᵀb, for any invertible operator. */
export const solveNormalCg: LinearSolve = solveWith('solveNormalCg', methods.normalCg);

/** GMRES with restarts, for any invertible operator. */
export const solveGmres: LinearSolve = solveWith('solveGmres', methods.gmres);

/**
 * BiCGSTAB, for invertible operators that are not symmetric. It begins anew where its recursion breaks down, as JAX's does not. Operators
 * with xᵀAx = 0 for all x (skew-symmetric ones) it does not solve: GMRES does.
 */
export const solveBicgstab: LinearSolve = solveWith('solveBicgstab', methods.bicgstab);

/** LU factorisation of the operator written out as a matrix; it serves all right-hand sides and transposed systems. */
export const solveLu: LinearSolve = solveWith('solveLu', methods.lu);

/** Cholesky factorisation of the operator written out as a matrix, which must be symmetric positive definite. */
export const solveCholesky: LinearSolve = solveWith('solveCholesky', methods.cholesky);

/** The inverse of the operator written out as a matrix. */
export const solveInv: LinearSolve = solveWith('solveInv', methods.inv);
