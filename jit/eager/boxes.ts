/** Concatenations and padding of a program whose operands are computed where they belong, or read where other arrays lie. */
import type { ShapedArray } from '../../src/core/aval.ts';
import { byteSize } from '../../src/core/dtype.ts';
import type { Atom, Eqn, Var } from '../../src/core/jaxpr.ts';
import { regionWalk } from '../lower/regions.ts';
import type { Region } from '../lower-rule.ts';
import { isElementwise } from './expression.ts';
import { eagerFused, prebuiltGroup } from './fused.ts';
import type { Group } from './groups.ts';
import { type Box, copiedBox, eagerBoxes, isEmptyBox, wholeSource } from './movement.ts';
import { type OperandReading, readingOf } from './reading.ts';

/** Undefined where all operands are arrays as they lie. */
export function eagerRegionsOf(eqn: Eqn, makerOf: ReadonlyMap<Var, Eqn>): OperandReading | undefined {
  const { lower } = eqn.primitive;
  const { inputs } = eqn;
  const output = eqn.outputs[0]!.aval;
  if (lower.kind !== 'regions' || output.size === 0) return undefined;
  const { fill, parts } = lower.regions(
    eqn.params,
    inputs.map(({ aval }) => aval),
    output,
  );
  const atoms: Atom[] = [];
  const indexOf = (atom: Atom): number => (atoms.includes(atom) ? atoms.indexOf(atom) : atoms.push(atom) - 1);
  const over = fill === undefined ? undefined : indexOf(inputs[fill]!);
  let direct = false;
  const boxes = parts
    .filter((part) => !isEmptyBox(part))
    .map((part): Box => {
      const atom = inputs[part.operand]!;
      const reading = readingOf(atom, makerOf);
      const isReadOnce = inputs.filter((other) => other === atom).length === 1;
      const group = reading || !isReadOnce ? undefined : groupInBox(atom, part, makerOf, output);
      direct ||= reading !== undefined || group !== undefined;
      if (group)
        return computedBox(
          group,
          group.operands.map((operand) => indexOf(operand.atom)),
          part,
          output,
        );
      return copiedBox(part, reading ?? wholeSource(atom.aval), indexOf(reading?.atom ?? atom), output);
    });
  return direct ? { atoms, run: eagerBoxes(boxes, over, output) } : undefined;
}

/** The group that computes an operand, with its result laid out as a box that holds all of it. */
function groupInBox(
  atom: Atom,
  part: Region,
  makerOf: ReadonlyMap<Var, Eqn>,
  { shape, dtype }: ShapedArray,
): Group | undefined {
  const maker = makerOf.get(atom as Var);
  const isAll = part.axes.every(({ first, count }, axis) => first === 0 && count === atom.aval.shape[axis]);
  if (!maker || !isAll || !isElementwise(maker) || atom.aval.dtype !== dtype) return undefined;
  const { axes } = regionWalk(part, wholeSource(atom.aval), shape);
  return prebuiltGroup(
    [maker],
    makerOf,
    axes.map(({ steps }) => steps[0]!),
  );
}

/** @param indices where the group's operands are among the addresses */
function computedBox(group: Group, indices: readonly number[], part: Region, output: ShapedArray): Box {
  const { run } = eagerFused(group).inMemory!;
  const start =
    regionWalk(part, wholeSource(group.roots[0]!.outputs[0]!.aval), output.shape).to * byteSize(output.dtype);
  const own = new Array<number>(indices.length + 2).fill(0);
  return (heap, at, to) => {
    for (let i = 0; i < indices.length; i++) own[i] = at[indices[i]!]!;
    own[indices.length] = to + start;
    run(heap, own);
  };
}
