/**
 * Running error analysis (Higham, Accuracy and Stability of Numerical Algorithms, section 3.3): a program is evaluated with
 * the reference semantics, and beside each element a bound, to first order, of how far a correct evaluation may be from
 * it. What an operation adds is what its record declares as `accuracy`; what it makes of the errors of its operands is
 * its derivative, taken by differences of the reference semantics, so that nothing of the system under test is trusted.
 */
import { type ShapedArray, shapedArray } from '../../src/core/aval.ts';
import { allocate, type TypedArray } from '../../src/core/dtype.ts';
import { type Atom, type Eqn, type Jaxpr, Literal, type Var } from '../../src/core/jaxpr.ts';
import type { HostArray, Primitive } from '../../src/core/primitive.ts';
import { controlFlow } from './error-control-flow.ts';
import { iterates, iterativeSolve } from './error-iterative-solve.ts';
import { rules } from './error-rules.ts';

/**
 * What else may differ. `execution`: the same program, evaluated by another executor: an operation whose accuracy is
 * `exact` gives equal bits. `mathematics`: another program for the same function of real numbers: every operation rounds.
 * `jax`: the same, evaluated by XLA, whose functions are less accurate.
 */
export type Difference = 'execution' | 'mathematics' | 'jax';

export interface Bounded extends HostArray {
  /** Per element; undefined where there is none at all. */
  readonly error: Float64Array | undefined;
}

/** An equation with its values. */
export interface Evaluated {
  readonly primitive: Primitive;
  readonly operands: readonly Bounded[];
  readonly results: readonly Bounded[];
}

/** A comparison, an order or a rounding that the errors leave open: correct evaluations may go different ways. */
export class Ambiguous extends Error {}

export type ErrorRule = (
  inputs: readonly Bounded[],
  eqn: { readonly primitive: Primitive; readonly params: any },
  values: readonly TypedArray[],
  outAvals: readonly ShapedArray[],
  difference: Difference,
) => readonly (Float64Array | undefined)[];

export const isFloating = (aval: ShapedArray): boolean => aval.dtype === 'float32' || aval.dtype === 'float64';

const buffer = new DataView(new ArrayBuffer(8));

/** The distance of neighbouring floats at x. */
export function ulpOf(x: number, dtype: string): number {
  buffer.setFloat64(0, x);
  const exponent = ((buffer.getUint32(0) >>> 20) & 0x7ff) - 1023;
  return dtype === 'float32' ? 2 ** (Math.max(exponent, -126) - 23) : 2 ** (Math.max(exponent, -1022) - 52);
}

export const epsilonOf = (dtype: string): number => (dtype === 'float32' ? 2 ** -23 : 2 ** -52);

/** The operand in float64, so that differences are not those of its rounding. */
export const wide = (x: HostArray, data: ArrayLike<number> = x.data): HostArray =>
  isFloating(x.aval)
    ? { aval: shapedArray(x.aval.shape, 'float64'), data: Float64Array.from(data) }
    : { aval: x.aval, data: x.data };

export const wideType = (aval: ShapedArray): ShapedArray =>
  isFloating(aval) ? shapedArray(aval.shape, 'float64') : aval;

/** Runs a primitive on float64 operands. */
export const runWide = (
  primitive: Primitive,
  inputs: readonly HostArray[],
  params: object,
  outAvals: readonly ShapedArray[],
): TypedArray[] => primitive.run(inputs, params, outAvals.map(wideType));

/**
 * Evaluates the program, with bounds.
 *
 * @param observe sees each equation, those of programs inside before the one that they belong to
 * @throws Ambiguous
 */
export function evaluateBounded(
  jaxpr: Jaxpr,
  inputs: readonly Bounded[],
  difference: Difference,
  observe?: (evaluated: Evaluated) => void,
): Bounded[] {
  const env = new Map<Var, Bounded>();
  const read = (atom: Atom): Bounded => {
    if (!(atom instanceof Literal)) return env.get(atom)!;
    const data = allocate(atom.aval.dtype, 1);
    data[0] = atom.value;
    return { aval: atom.aval, data, error: undefined };
  };
  jaxpr.inVars.forEach((v, i) => {
    env.set(v, inputs[i]!);
  });
  for (const eqn of jaxpr.eqns) {
    const operands = eqn.inputs.map(read);
    const results = evaluateEquation(eqn, operands, difference, observe);
    observe?.({ primitive: eqn.primitive, operands, results });
    eqn.outputs.forEach((v, i) => {
      env.set(v, results[i]!);
    });
  }
  return jaxpr.outs.map(read);
}

function evaluateEquation(
  eqn: Eqn,
  operands: readonly Bounded[],
  difference: Difference,
  observe?: (evaluated: Evaluated) => void,
): Bounded[] {
  const { primitive, params } = eqn;
  const evaluate = (jaxpr: Jaxpr, args: readonly Bounded[]) => evaluateBounded(jaxpr, args, difference, observe);
  if (primitive.name === 'custom_linear_solve' && iterates((params as { solve: Jaxpr }).solve))
    return iterativeSolve(operands, primitive, params as never, difference, evaluate);
  const inner = rules[primitive.name] ? undefined : controlFlow[primitive.lower.kind];
  if (inner) return inner(operands, primitive, params, evaluate);
  const outAvals = eqn.outputs.map((v) => v.aval);
  const values = primitive.run(operands, params, outAvals);
  const silent =
    operands.every((x) => !x.error) &&
    (difference === 'execution' ? primitive.accuracy.kind === 'exact' : !outAvals.some(isFloating));
  if (silent) return values.map((data, i) => ({ aval: outAvals[i]!, data, error: undefined }));
  const rule = rules[primitive.name] ?? rules[`kind ${primitive.lower.kind}`];
  if (!rule) throw new Error(`${primitive.name} has no error rule`);
  const errors = rule(operands, { primitive, params }, values, outAvals, difference);
  return values.map((data, i) => ({ aval: outAvals[i]!, data, error: errors[i] }));
}

/** Exact inputs. */
export const exactInput = (x: HostArray): Bounded => ({ ...x, error: undefined });

/** Compares an evaluation with a bounded one; undefined if it is within the bounds, else what differs. */
export function disagreement(got: ArrayLike<number>, wanted: Bounded, other?: Float64Array): string | undefined {
  const { data, error, aval } = wanted;
  if (got.length !== data.length) return `${got.length} elements instead of ${data.length} of ${aval}`;
  for (let i = 0; i < data.length; i++) {
    const [x, y] = [got[i]!, data[i]!];
    if (x === y || (Number.isNaN(x) && Number.isNaN(y))) continue;
    const allowed = (error?.[i] ?? 0) + (other?.[i] ?? 0);
    if (Math.abs(x - y) <= allowed) continue;
    // Where a bound is not a number nothing is known.
    if (Number.isNaN(allowed) || allowed === Number.POSITIVE_INFINITY) continue;
    return `element ${i} of ${aval} is ${x} and ${y}, which differ by ${Math.abs(x - y)}, allowed ${allowed}`;
  }
  return undefined;
}
