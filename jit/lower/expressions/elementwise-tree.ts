import type { Eqn } from '../../../src/core/jaxpr.ts';
import { ElementBuilder } from '../../element.ts';
import type { LowerRule } from '../../lower-rule.ts';
import { applyElement, type Fused, type Tree } from './tree.ts';

const builder = new ElementBuilder();

/** The result of an elementwise equation as a tree over its operands. */
export function elementwiseTree(eqn: Eqn, args: readonly Tree[]): Fused {
  const { build } = eqn.primitive.lower as Extract<LowerRule<unknown>, { kind: 'elementwise' }>;
  const { aval } = eqn.outputs[0]!;
  const operands = args.map((arg, i) => builder.input(i, arg.dtype));
  return { shape: aval.shape, root: applyElement(build(builder, operands, eqn.params, aval), args, aval.shape) };
}
