/** Convolutions in which each group has one input feature, and their derivatives: no matrix product, but elementwise. */
import type { Shape } from '../core/shape.ts';
import { add, mul } from './arithmetic.ts';
import {
  lengthOf,
  type Named,
  type Names,
  ordered,
  partOf,
  repeatedOver,
  spatialAxis,
  summedNames,
  type Windows,
  without,
} from './conv-axes.ts';
import { positionsOf, windowCount } from './conv-patches.ts';
import type { ConvParams } from './conv-shape.ts';
import { reshape } from './movement.ts';
import { sum } from './reductions.ts';

/** One input feature a group: for each kernel element, a slice of the input times a weight, in one expression. */
export function tapByTap(input: Named, kernel: Named, sizes: Shape, outNames: Names, p: ConvParams): Named {
  const counts = sizes.map((size, d) =>
    windowCount(lengthOf(`y${d}`, input), size, p.windowStrides[d]!, p.rhsDilation[d]!),
  );
  const shape = outNames.map((name) => counts[spatialAxis(name)] ?? lengthOf(name, name === 'o' ? kernel : input));
  const summed = kernel.names.filter((name) => name !== 'g' && name !== 'o');
  const terms = positionsOf(sizes).map((tap) => {
    const elements = partOf(input, (name) => {
      const d = spatialAxis(name);
      return d < 0 ? undefined : [tap[d]! * p.rhsDilation[d]!, counts[d]!, p.windowStrides[d]!];
    });
    const weights = partOf(kernel, (name) => (spatialAxis(name) < 0 ? undefined : [tap[spatialAxis(name)]!, 1]));
    return mul(
      repeatedOver(without(elements, ['c']), outNames, shape),
      repeatedOver(without(weights, summed), outNames, shape),
    );
  });
  return { value: terms.reduce((a, b) => add(a, b)), names: outNames };
}

/** One sample and one output feature a group (the derivative in a depthwise kernel): products, summed as they arise. */
export function sumOfProducts(windows: Windows, kernel: Named): Named {
  const summed = summedNames(windows, kernel);
  const kept = windows.names.filter((name) => name.startsWith('y'));
  // Neighbours in memory come last, where they are lanes.
  const inner = windows.strides[windows.names.indexOf('g')] === 1;
  const names = inner ? [...kept, ...summed, 'g'] : ['g', ...kept, ...summed];
  const patches = ordered(without(windows, ['n']), names);
  const weights = repeatedOver(without(kernel, ['o']), names, patches.aval.shape);
  const total = sum(mul(patches, weights), { axis: summed.map((name) => names.indexOf(name)) });
  return {
    value: reshape(total, [...total.aval.shape, 1, 1]),
    names: [...names.filter((name) => !summed.includes(name)), 'n', 'o'],
  };
}
