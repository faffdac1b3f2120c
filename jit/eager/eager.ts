import type { ShapedArray } from '../../src/core/aval.ts';
import type { Params, Primitive } from '../../src/core/primitive.ts';
import { isPrebuilt } from '../runtime/elementwise.ts';
import { isPrebuiltReady } from '../runtime/prebuilt.ts';
import { eagerCalls, eagerIota } from './calls.ts';
import { eagerElementwise } from './elementwise.ts';
import { eagerFold } from './folds.ts';
import type { EagerFunction } from './memory-function.ts';
import { eagerView, eagerWholeRegions } from './movement.ts';
import { eagerGather, eagerScatter } from './positions.ts';
import { eagerIntegerPower } from './powers.ts';
import { eagerProduct } from './products.ts';

/**
 * How to execute one operation in the prebuilt runtime module; undefined where it holds no function for it. Nothing is compiled: code outside `jit` is fast from its first line.
 */
export function planEager(
  primitive: Primitive,
  inputs: readonly ShapedArray[],
  params: Params,
  outputs: readonly ShapedArray[],
): EagerFunction | undefined {
  if (!isPrebuiltReady()) return undefined;
  const { lower } = primitive;
  const output = outputs[0]!;
  switch (lower.kind) {
    case 'elementwise':
      if (primitive.name === 'iota') return output.size > 0 ? eagerIota(params, output) : undefined;
      if (inputs.length === 0 || !isPrebuilt(params) || output.size === 0) return undefined;
      return (
        eagerElementwise(primitive.name, inputs, params, output) ??
        (primitive.name === 'integer_pow' ? eagerIntegerPower(output, (params as { y: number }).y) : undefined)
      );
    case 'reduce':
      return eagerFold(inputs[0]!, lower.combine, lower.axes(params), output);
    case 'dot':
      return eagerProduct(inputs, lower.dimensions(params), output);
    case 'view':
      return eagerView(lower.view(params, inputs[0]!, output), output);
    case 'identity':
    case 'reshape':
      return ([operand]) => operand!.shared();
    case 'regions':
      return eagerWholeRegions(lower.regions(params, inputs, output), inputs, output);
    case 'gather':
      return eagerGather(inputs, lower.access(params, inputs), output);
    case 'scatter':
      return eagerScatter(inputs, lower.access(params, inputs), lower.combine, output);
    case 'runtime':
      return eagerCalls(lower.calls(params, inputs, outputs), inputs, outputs);
    default:
      return undefined;
  }
}
