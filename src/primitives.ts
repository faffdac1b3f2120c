/**
 * Operations of your own, defined by the record that Cotangent's are defined by: a meaning, a type rule, one rule per
 * transformation, and code. They then work under every transformation, in any nesting, and compile into the same kernels.
 * See docs/primitives.md.
 */
import { RuleError } from './core/errors.ts';
import type { Params, Primitive } from './core/primitive.ts';
import {
  type BinaryOp,
  type BinarySpec,
  binary as binaryFamily,
  type UnaryOp,
  type UnarySpec,
  unary as unaryFamily,
} from './lax/family.ts';
import { checkRecord } from './primitive-records.ts';

export type { Element, ElementBuilder, ElementOp } from '../jit/element.ts';
export type { KernelContext, LowerRule, Operand, View } from '../jit/lower-rule.ts';
export { instantiate, type JvpRule, type Tangent } from '../transforms/jvp.ts';
export { type Cotangent, isLinear, Linear, type TransposeRule } from '../transforms/transpose.ts';
export { addLanes, type BatchRule } from '../transforms/vmap.ts';
export { type ShapedArray, shapedArray } from './core/aval.ts';
export { allocate, type DType, type TypedArray } from './core/dtype.ts';
export { CotangentError, DtypeError, RuleError, ShapeError } from './core/errors.ts';
export {
  type Accuracy,
  exact,
  type HostArray,
  type Params,
  type Primitive,
  reductionAccuracy,
  type Sample,
  ulp,
} from './core/primitive.ts';
export { bind, bind1, type Value } from './core/trace.ts';
export { isZero, Zero } from './core/zero.ts';
export type { BinaryOp, BinarySpec, UnaryOp, UnarySpec } from './lax/family.ts';
export { promote, toValue } from './promote.ts';

const defined = new Set<string>();

/** Names are how programs print, and how equal equations are recognised: one name, one meaning. */
function claim(name: string): void {
  if (!name.includes('.'))
    throw new RuleError(`\`${name}\` is no name for a primitive of your own: put a dot in it, as in \`mine.${name}\`.`);
  if (defined.has(name)) throw new RuleError(`\`${name}\` is defined already.`);
  defined.add(name);
}

/**
 * A primitive from its record. Apply it with `bind1(primitive, operands, params)`, or `bind` for several results.
 *
 * @throws RuleError when the name has no dot in it or is taken, or when the record lacks a rule or has something else in its place
 * @example
 * const double = definePrimitive({
 *   name: 'mine.double',
 *   type: ([x]) => [x],
 *   run: ([x]) => [x.data.map((v) => 2 * v)],
 *   accuracy: exact,
 *   jvp: ([x], [dx]) => [[bind1(double, [x])], [bind1(double, [dx])]],
 *   transpose: ([ct]) => [bind1(double, [ct])],
 *   batch: (size, [x], batched) => ({ outs: [bind1(double, [x])], batched }),
 *   lower: { kind: 'elementwise', build: (b, [x]) => b.add(x, x) },
 * });
 */
export function definePrimitive<P extends Params = object>(record: Primitive<P>): Primitive<P> {
  checkRecord('definePrimitive', record?.name, record);
  claim(record.name);
  return record;
}

/**
 * A function of one array, element by element. `run` is its meaning on a number, `jvp` its derivative, `lower` its code;
 * type rule, batching and promotion are those of the family.
 *
 * @throws RuleError when the name has no dot in it or is taken, or when the record is none
 */
export function defineUnary(name: string, spec: UnarySpec): UnaryOp {
  checkRecord('defineUnary', name, spec);
  claim(name);
  return unaryFamily(name, spec);
}

/**
 * The same of two arrays, which are promoted and broadcast as by `np.add`.
 *
 * @throws RuleError when the name has no dot in it or is taken, or when the record is none
 */
export function defineBinary(name: string, spec: BinarySpec): BinaryOp {
  checkRecord('defineBinary', name, spec);
  claim(name);
  return binaryFamily(name, spec);
}
