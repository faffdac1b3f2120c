/**
 * Linear systems given by an operator: A x = b with x ↦ A x as a function, on arrays and on trees of arrays. Solutions
 * are differentiable in b and in everything that the operator captures, in both modes and to any order, without
 * differentiating the method (see `custom_linear_solve`). Semantics and defaults follow JAXopt's `linear_solve`.
 */
import { flattenArguments } from '../../transforms/flat.ts';
import type { ArrayLike } from '../array.ts';
import { customLinearSolve } from '../control/custom-linear-solve.ts';
import { ShapeError, TreeError } from '../core/errors.ts';
import { optionsOf } from '../core/options.ts';
import type { Value } from '../core/trace.ts';
import { convert } from '../lax/convert.ts';
import { toValue } from '../promote.ts';
import { type Arrays, flatten, unflatten } from '../tree.ts';
import { type LinearSolveMethod, type MethodOptions, methods, withRidge } from './methods.ts';

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
}

type Solve = <T>(matvec: (x: Arrays<T>) => unknown, b: T, options?: LinearSolveOptions<T>) => Arrays<T>;

const solveOptions = ['ridge', 'init', 'tol', 'maxiter', 'restart'];

function solveWith(name: string, method: LinearSolveMethod, symmetric: boolean): Solve {
  return (matvec, b, given = {}) => {
    const { ridge, init, tol, maxiter, restart } = optionsOf(name, given, solveOptions);
    const flat = flatten(b, 'b');
    const values = flattenArguments([b], name).values.map((v) => (v.aval.weakType ? convert(v, 'float32') : v));
    if (values.length === 0) throw new ShapeError(`${name}: b holds no array.`);
    const apply = (x: Value[]): Value[] => {
      const result = flatten(matvec(unflatten(flat.def, x)), 'the result of the operator');
      if (result.def.key !== flat.def.key)
        throw new TreeError(
          `${name}: the operator returns a value of structure ${result.def}, but b has structure ${flat.def}.`,
        );
      return result.leaves.map((leaf, i) => {
        const value = toValue(leaf, name);
        return value.aval.weakType ? convert(value, values[i]!.dtype) : value;
      });
    };
    const shift = ridge === undefined ? undefined : toValue(ridge, name);
    const options: MethodOptions = {
      ...(init === undefined ? {} : { init: flattenArguments([init], name).values }),
      ...(tol === undefined ? {} : { tol: typeof tol === 'number' ? tol : toValue(tol, name) }),
      ...(maxiter === undefined ? {} : { maxiter }),
      ...(restart === undefined ? {} : { restart }),
    };
    const solved = customLinearSolve(withRidge(apply, shift), values, (mv, right) => method(mv, right, options), {
      symmetric,
      operation: name,
    });
    return unflatten(flat.def, solved);
  };
}

/**
 * Conjugate gradients, for symmetric positive definite operators.
 *
 * @example
 * linearSolve.solveCg((x) => np.matmul(A, x), b, { tol: 1e-6 });
 */
export const solveCg: Solve = solveWith('solveCg', methods.cg, true);

/** Conjugate gradients on the normal equations AᵀA x = Aᵀb, for any invertible operator. */
export const solveNormalCg: Solve = solveWith('solveNormalCg', methods.normalCg, false);

/** GMRES with restarts, for any invertible operator. */
export const solveGmres: Solve = solveWith('solveGmres', methods.gmres, false);

/** BiCGSTAB, for any invertible operator. */
export const solveBicgstab: Solve = solveWith('solveBicgstab', methods.bicgstab, false);

/** LU factorisation of the operator written out as a matrix. */
export const solveLu: Solve = solveWith('solveLu', methods.lu, false);

/** Cholesky factorisation of the operator written out as a matrix, which must be symmetric positive definite. */
export const solveCholesky: Solve = solveWith('solveCholesky', methods.cholesky, true);

/** The inverse of the operator written out as a matrix. */
export const solveInv: Solve = solveWith('solveInv', methods.inv, false);
