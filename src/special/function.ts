/**
 * Special functions that have no code of their own: elementwise primitives that are defined by a program over one element. It is
 * computed in float64 whatever the dtype, and float32 results are rounded once.
 */
import { interpret } from '../../jit/interpret.ts';
import { type ShapedArray, shapedArray } from '../core/aval.ts';
import type { DType } from '../core/dtype.ts';
import { RuleError } from '../core/errors.ts';
import type { Jaxpr } from '../core/jaxpr.ts';
import { noParams, type Primitive, primitive, type Sample, ulp } from '../core/primitive.ts';
import { sizeOf } from '../core/shape.ts';
import { stage } from '../core/stage.ts';
import { bind1, type Value } from '../core/trace.ts';
import { isZero, Zero } from '../core/zero.ts';
import { add } from '../lax/arithmetic.ts';
import { convert } from '../lax/convert.ts';
import { alignLanes, checkDomain, elementwiseShape } from '../lax/family.ts';
import { broadcastTo, reshape } from '../lax/movement.ts';
import { samplesFor } from '../lax/samples.ts';
import '../numpy/methods.ts';
import { inStages, onEach, paysInStages, type Stages } from './stages.ts';

/** The share of an operand in the tangent of the result. */
export type Share = (tangent: Value, operands: readonly Value[], out: Value) => Value;

export interface SpecialFunction {
  /** The function of rank-0 float64 values; of values of the operands' own dtypes, if `native`. */
  readonly scalar: (...xs: Value[]) => Value;
  /** How it is computed where there are many elements: the same bits. */
  readonly staged?: Stages;
  /** The result is then of the last operand's dtype, or of this one. */
  readonly native?: true | DType;
  /** Per operand. Text where there is no derivative: what a message says of the operand. */
  readonly jvp: readonly (Share | string)[];
  /** Largest error in units in the last place, of float32 and float64: for the tests that compare two evaluations. */
  readonly accuracy?: readonly [float32: number, float64: number];
  /** Where inputs of generated tests come from, per operand; of functions of floating operands alone. */
  readonly intervals?: readonly (readonly [low: number, high: number])[];
}

/** Programs are kept for as many combinations of types. */
const capacity = 128;

/** A primitive and the function that binds it, of operands of one floating dtype and shape (or of rank 0). */
export type Bound = ((...xs: readonly Value[]) => Value) & { readonly primitive: Primitive };

export function specialFunction(
  name: string,
  { scalar, jvp, accuracy = [1, 64], intervals = [], native, staged }: SpecialFunction,
): Bound {
  const known = new Map<string, Jaxpr>();
  const program = (avals: readonly ShapedArray[]): Jaxpr => {
    const key = avals.map((aval) => `${aval}${aval.weakType ? '*' : ''}`).join();
    let jaxpr = known.get(key);
    if (!jaxpr) {
      if (known.size >= capacity) known.clear();
      known.set(key, (jaxpr = elementwiseProgram({ scalar, staged }, avals, native !== undefined)));
    }
    return jaxpr;
  };
  const self: Primitive<object> = primitive({
    name,
    hot: true,
    type: (avals) => {
      if (!native) for (const aval of avals) checkDomain(name, 'floating', aval);
      const weak = avals.every((aval) => aval.weakType);
      const dtype = typeof native === 'string' ? native : avals.at(-1)!.dtype;
      return [shapedArray(elementwiseShape(name, avals), dtype, weak)];
    },
    run: (inputs) => interpret(program(inputs.map(({ aval }) => aval)), inputs),
    accuracy: ulp(...accuracy),
    jvp: (primals, tangents) => {
      const out = bind1(self, primals);
      let total: Value | undefined;
      jvp.forEach((share, i) => {
        const tangent = tangents[i]!;
        if (isZero(tangent)) return;
        if (typeof share === 'string') throw new RuleError(`${share}.`);
        const part = broadcastTo(share(tangent, primals, out), out.shape);
        total = total ? add(total, part) : part;
      });
      return [[out], [total ?? new Zero(out.aval)]];
    },
    batch: (size, args, batched) => ({ outs: [bind1(self, alignLanes(size, args, batched))], batched: [true] }),
    lower: { kind: 'inline', jaxpr: (_, inputs) => ({ jaxpr: program(inputs) }), derived: true, elementwise: true },
    samples: (): Sample[] => (intervals.length ? samplesFor('floating', intervals) : []),
  });
  return Object.assign((...xs: readonly Value[]) => bind1(self, xs, noParams), { primitive: self as Primitive });
}

/** The program over one element, on each element: its loops end element by element. */
function elementwiseProgram(
  { scalar, staged }: Pick<SpecialFunction, 'scalar' | 'staged'>,
  avals: readonly ShapedArray[],
  native: boolean,
): Jaxpr {
  const shape = avals.find(({ ndim }) => ndim > 0)?.shape;
  const { dtype } = avals[0]!;
  const weak = avals.every(({ weakType }) => weakType);
  const n = shape && sizeOf(shape);
  const ofElements = (n: number, xs: readonly Value[]): Value =>
    staged && paysInStages(n) ? inStages(staged, n, xs) : onEach((...xs) => [scalar(...xs)], n, xs)[0]!;
  return stage((...xs) => {
    const operands = xs.map((x, i) => {
      const held = weak || native ? x : convert(x, 'float64');
      return avals[i]!.ndim > 0 ? reshape(held, [n!]) : held;
    });
    const y = n === undefined ? scalar(...operands) : ofElements(n, operands);
    const shaped = shape ? reshape(y, shape) : y;
    return [weak || native ? shaped : convert(shaped, dtype)];
  }, avals).jaxpr;
}

/** A formula of ordinary operations, computed in float64 and rounded once. */
export function inDouble(formula: (...xs: Value[]) => Value, ...xs: readonly Value[]): Value {
  const { dtype } = xs[0]!.aval;
  if (dtype === 'float64') return formula(...xs);
  return convert(formula(...xs.map((x) => convert(x, 'float64'))), dtype);
}
