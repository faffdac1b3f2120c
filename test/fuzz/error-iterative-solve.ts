/**
 * The error of an iterative linear solve, from what it returned: x̂ with residual r = b − A x̂ is off by A⁻¹ r, and the
 * errors of A and b add A⁻¹ (E |x̂| + e) (Higham, Accuracy and Stability of Numerical Algorithms, sections 7.1 and 7.2). A is
 * written out and inverted here, so that nothing is taken on trust of the solver.
 */
import { type ShapedArray, shapedArray } from '../../src/core/aval.ts';
import { allocate } from '../../src/core/dtype.ts';
import { type Jaxpr, subJaxprs } from '../../src/core/jaxpr.ts';
import type { Primitive } from '../../src/core/primitive.ts';
import { type Bounded, type Difference, epsilonOf } from './error-bound.ts';
import { Violation } from './violation.ts';

/** What the programs ask of iterative methods: ‖A x − b‖ ≤ tolerance·‖b‖. */
export const toleranceOf = (dtype: string): number => (dtype === 'float32' ? 1e-5 : 1e-10);

const known = new WeakMap<Jaxpr, boolean>();

/** Whether a program that solves a linear system is an iteration. */
export function iterates(jaxpr: Jaxpr): boolean {
  let found = known.get(jaxpr);
  if (found === undefined) {
    found = jaxpr.eqns.some((eqn) => eqn.primitive.name === 'while' || subJaxprs(eqn.params).some(iterates));
    known.set(jaxpr, found);
  }
  return found;
}

interface Solve {
  readonly matvec: Jaxpr;
  readonly consts: number;
}

type Matrix = readonly Float64Array[];

export function iterativeSolve(
  operands: readonly Bounded[],
  primitive: Primitive,
  { matvec, consts, ...rest }: Solve,
  difference: Difference,
  evaluate: (jaxpr: Jaxpr, inputs: readonly Bounded[]) => Bounded[],
): Bounded[] {
  const captured = operands.slice(0, consts);
  const right = operands.slice(consts);
  const avals = right.map((x) => x.aval);
  const values = primitive.run(operands, { matvec, consts, ...rest }, avals);
  const { dtype } = avals[0]!;
  const x = Float64Array.from(values.flatMap((data) => Array.from(data)));
  const b = Float64Array.from(right.flatMap((v) => Array.from(v.data)));
  const bError = Float64Array.from(right.flatMap((v) => Array.from(v.error ?? new Float64Array(v.data.length))));
  const n = b.length;
  const images = Array.from(b, (_, j) => evaluate(matvec, [...captured, ...unit(avals, j)]));
  const flat = (of: (v: Bounded) => ArrayLike<number>): Matrix =>
    transposed(images.map((image) => Float64Array.from(image.flatMap((v) => Array.from(of(v))))));
  const a = flat((v) => v.data);
  const aError = flat((v) => v.error ?? new Float64Array(v.data.length));
  const inverse = inverseOf(a);
  const product = (m: Matrix, v: Float64Array): Float64Array => Float64Array.from(m, (row) => dot(row, v));
  const size = product(a.map(absolute), absolute(x));
  const ax = product(a, x);
  const fromData = product(aError, absolute(x));
  const residual = b.map((v, i) => Math.abs(v - ax[i]!));
  // XLA solves by a factorisation: the usual backward error.
  const rounding = difference === 'jax' ? 4 * n * epsilonOf(dtype) : (n + 1) * 2 ** -52;
  const defect = residual.map((r, i) => r + fromData[i]! + bError[i]! + rounding * (size[i]! + Math.abs(b[i]!)));
  const error = product(inverse.map(absolute), defect);
  const limit = largestResidual(a, inverse, x, b, dtype);
  if (norm(residual) > limit)
    throw new Violation(
      'iterative methods reach their tolerance',
      `the residual of a system in ${dtype} is ${norm(residual)}, at most ${limit} was expected`,
    );
  // Another executor stops at an iterate of its own.
  const bound = error.map((e, i) => (difference === 'execution' ? e + norm(inverse[i]!) * limit : e));
  let at = 0;
  return values.map((data, k) => {
    const from = at;
    at += data.length;
    return { aval: avals[k]!, data, error: bound.slice(from, at) };
  });
}

/**
 * Largest ‖b − A x‖ of a method that says that it has converged: its tolerance, which the normal equations multiply by the
 * condition of A, and by how much the residual that the recursion carries along drifts away from the true one, some roundings
 * of each step (Greenbaum, Iterative Methods for Solving Linear Systems, section 7.3). Norms are compared by their squares, as
 * in JAX: a residual whose square underflows counts as none.
 */
function largestResidual(a: Matrix, inverse: Matrix, x: Float64Array, b: Float64Array, dtype: string): number {
  const [size, condition] = [frobenius(a), frobenius(a) * frobenius(inverse)];
  const steps = 10 * b.length;
  const underflow = 2 ** (dtype === 'float32' ? -149 / 2 : -1074 / 2);
  return condition * (toleranceOf(dtype) * norm(b) + steps * epsilonOf(dtype) * size * norm(x) + underflow);
}

/** The unit vector of element j among arrays of the given types. */
function unit(avals: readonly ShapedArray[], j: number): Bounded[] {
  let start = 0;
  return avals.map((aval) => {
    const data = allocate(aval.dtype, aval.size);
    if (j >= start && j < start + aval.size) data[j - start] = 1;
    start += aval.size;
    return { aval: shapedArray(aval.shape, aval.dtype), data, error: undefined };
  });
}

const absolute = (v: Float64Array): Float64Array => v.map(Math.abs);
const dot = (x: Float64Array, y: Float64Array): number => x.reduce((sum, v, i) => sum + v * y[i]!, 0);
const norm = (x: Float64Array): number => Math.hypot(...x);
const frobenius = (m: Matrix): number => Math.hypot(...m.map(norm));
const transposed = (m: Matrix): Matrix => m.map((_, i) => Float64Array.from(m, (row) => row[i]!));

/** By Gauss and Jordan, with row exchanges. */
function inverseOf(m: Matrix): Matrix {
  const n = m.length;
  const rows = m.map((row, i) =>
    Float64Array.from({ length: 2 * n }, (_, j) => (j < n ? row[j]! : Number(j - n === i))),
  );
  for (let k = 0; k < n; k++) {
    let best = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(rows[i]![k]!) > Math.abs(rows[best]![k]!)) best = i;
    [rows[k], rows[best]] = [rows[best]!, rows[k]!];
    const pivot = rows[k]!;
    const scale = 1 / pivot[k]!;
    for (let j = k; j < 2 * n; j++) pivot[j]! *= scale;
    for (let i = 0; i < n; i++) {
      const factor = rows[i]![k]!;
      if (i !== k && factor !== 0) for (let j = k; j < 2 * n; j++) rows[i]![j]! -= factor * pivot[j]!;
    }
  }
  return rows.map((row) => row.slice(n));
}
