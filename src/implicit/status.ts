/** How solvers and linear solves report what became of them: an int32 per solve, and per lane under `vmap`. */

import type { NDArray } from '../array.ts';
import { SolveError, TraceError } from '../core/errors.ts';
import { naming } from '../core/options.ts';
import { currentSource, withSource } from '../core/source.ts';
import type { Value } from '../core/trace.ts';
import { callback } from '../debug/callback.ts';
import { isFinite, select } from '../lax/compare.ts';
import { scalar } from '../lax/creation.ts';
import { and, not } from '../lax/logic.ts';
import { all } from '../lax/reductions.ts';

/** Status codes. */
export const status = {
  converged: 0,
  maxiter: 1,
  nonfinite: 2,
  running: 3,
  singular: 4,
  indefinite: 5,
  stalled: 6,
  bracket: 7,
  linesearch: 8,
  unchanged: 9,
  primalInfeasible: 10,
  dualInfeasible: 11,
} as const;

export type StatusName = keyof typeof status;

const meanings: Readonly<Record<StatusName, string>> = {
  converged: 'the error is at most tol',
  maxiter: 'stopped after the largest number of iterations',
  nonfinite: 'NaN or infinite values',
  running: 'no step has been taken, or the loop was left early',
  singular: 'the matrix is singular to working precision',
  indefinite: 'the matrix is not positive definite',
  stalled: 'the iteration makes no more progress',
  bracket: 'the root is not between lower and upper',
  linesearch: 'the line search found no step',
  unchanged: 'the step is too small to change the parameters, and the error is not at most tol',
  primalInfeasible: 'nothing satisfies the constraints',
  dualInfeasible: 'the objective has no bound from below where the constraints hold',
};

const names = Object.keys(status) as StatusName[];

/**
 * The meaning of a status: `state.status` of a solver, `info.status` of a linear solve.
 *
 * @example
 * solvers.statusName(state.status); // 'converged: the error is at most tol'
 */
export function statusName(code: number | { item(): number | boolean }): string {
  if (typeof code !== 'number' && typeof code?.item !== 'function')
    throw new TraceError(`statusName: the status must be a number or an array, but it is ${naming(code)}.`);
  const value = Number(typeof code === 'number' ? code : code.item());
  const name = names.find((key) => status[key] === value);
  return name ? `${name}: ${meanings[name]}` : `unknown status ${value}`;
}

/** A status as an array. */
export const statusCode = (name: StatusName): Value => scalar(status[name], 'int32');

/** The first case that holds, else `otherwise`. */
export const statusWhere = (
  cases: readonly (readonly [condition: Value, name: StatusName])[],
  otherwise: StatusName,
): Value =>
  cases.reduceRight<Value>(
    (rest, [condition, name]) => select(condition, statusCode(name), rest),
    statusCode(otherwise),
  );

/** Whether all elements of all arrays are finite. */
export const allFinite = (values: readonly Value[]): Value =>
  values
    .filter((v) => v.aval.isFloating)
    .map((v) => all(isFinite(v)))
    .reduce((a, b) => and(a, b), not(scalar(0, 'bool')));

/**
 * Throws when the program gets here with any status but `converged`: inside `jit`, in loops, and for each lane of a `vmap`.
 * The error names the line where the operation was traced.
 */
export function throwUnlessSolved(operation: string, code: Value): void {
  const source = currentSource();
  callback((value: NDArray) => {
    const found = value.item() as number;
    if (found === status.converged) return;
    const [name, meaning] = statusName(found).split(': ');
    throw withSource(source, () => new SolveError(`${operation}: not solved: ${meaning} (status \`${name}\`).`));
  }, code);
}
