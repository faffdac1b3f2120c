/** Checks that matrices and right-hand sides fit together. */
import type { ArrayLike } from '../array.ts';
import { ShapeError } from '../core/errors.ts';
import { broadcastShapes } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { broadcastTo, reshape } from '../lax/movement.ts';
import { strong } from '../numpy/array.ts';
import { promoteDTypes, toFloating } from '../promote.ts';

export function matrix(operation: string, x: ArrayLike): Value {
  const value = strong(toFloating(x, operation));
  if (value.ndim < 2) throw new ShapeError(`${operation}: needs a matrix, but got ${value.aval}.`);
  return value;
}

export function square(operation: string, x: ArrayLike): Value {
  const value = matrix(operation, x);
  if (value.shape.at(-1) !== value.shape.at(-2)) {
    throw new ShapeError(`${operation}: needs a square matrix, but got ${value.aval}.`);
  }
  return value;
}

/** A right-hand side as columns, and how to give solutions the shape of the right-hand side. */
export interface System {
  readonly a: Value;
  readonly b: Value;
  readonly restore: (solution: Value) => Value;
}

/**
 * A matrix (or stack) and right-hand sides of one dtype and one stack shape. A vector `b` is a single column; otherwise
 * its last two axes are rows and columns.
 */
export function system(operation: string, matrixLike: ArrayLike, right: ArrayLike): System {
  const [a, b] = promoteDTypes(operation, [matrix(operation, matrixLike), strong(toFloating(right, operation))]) as [
    Value,
    Value,
  ];
  if (b.ndim === 0 || b.shape.at(b.ndim === 1 ? 0 : -2) !== a.shape.at(-2)) {
    throw new ShapeError(`${operation}: ${a.aval} and right-hand side ${b.aval} do not fit.`);
  }
  const vector = b.ndim === 1;
  const columns = vector ? reshape(b, [b.size, 1]) : b;
  const stack = broadcastShapes(a.shape.slice(0, -2), columns.shape.slice(0, -2));
  if (!stack)
    throw new ShapeError(`${operation}: the leading axes of ${a.aval} and ${b.aval} do not broadcast together.`);
  return {
    a: broadcastTo(a, [...stack, ...a.shape.slice(-2)]),
    b: broadcastTo(columns, [...stack, ...columns.shape.slice(-2)]),
    restore: (solution) => (vector ? reshape(solution, solution.shape.slice(0, -1)) : solution),
  };
}
