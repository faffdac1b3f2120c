import { PartialEvalTrace } from '../../transforms/partial-eval.ts';
import { backwardPass, type Cotangent, isLinear, type Linear } from '../../transforms/transpose.ts';
import type { Primitive } from '../core/primitive.ts';
import { bind, currentTrace, type Value, withTrace } from '../core/trace.ts';
import { where } from './flags.ts';

/**
 * Transposes an equation some results of which do not depend on its linear operands (a counter among a loop's carry,
 * say): these are computed first, by the equation's rule of partial evaluation, and what that leaves is transposed.
 */
export function transposeSplit<P extends object>(
  primitive: Primitive<P>,
  cotangents: readonly Cotangent[],
  args: readonly (Value | Linear)[],
  params: P,
): (Cotangent | undefined)[] {
  const trace = new PartialEvalTrace(currentTrace());
  const inputs = args.map((x) => (isLinear(x) ? trace.builder.input(x.aval) : x));
  const outs = withTrace(trace, () => bind(primitive, inputs, params));
  const unknown = outs.map((out) => trace.isUnknown(out));
  const { jaxpr, consts } = trace.builder.build(where(outs, unknown));
  const linear = jaxpr.inVars.map((_, i) => i >= consts.length);
  const results = backwardPass(jaxpr, linear, consts, where(cotangents, unknown));
  let next = 0;
  return args.map((x) => (isLinear(x) ? results[next++] : undefined));
}
