import type { Atom, Eqn, Var } from '../../../src/core/jaxpr.ts';
import { type Shape, sameShape, sizeOf } from '../../../src/core/shape.ts';
import { Group, type Readers, readersIn, type Step, squeezed } from './groups.ts';
import type { Placement } from './virtual.ts';

/**
 * Groups over the same elements, each but the first of which reads what an earlier one computes, element by element. Their kernels
 * can take turns: each does a part of the elements while the cache still has what the one before it left there.
 */
export interface Strip {
  readonly groups: readonly Group[];
  /** Values that nothing else reads: if they are stored, there need be no more of them at a time than a part. */
  readonly inner: ReadonlySet<Var>;
}

/** Fewer elements are in the cache anyway. */
const fewest = 2 ** 17;

/**
 * Strips among the steps of a block, by their first group.
 *
 * @param apart groups that go with a product
 */
export function findStrips(
  steps: readonly Step[],
  outs: readonly Atom[],
  { moved }: Placement,
  apart: ReadonlySet<Group>,
): ReadonlyMap<Step, Strip> {
  const strips = new Map<Step, Strip>();
  const results = new Set(outs);
  let readers: Readers | undefined;
  let groups: Group[] = [];
  let made = new Set<Atom>();
  // Folds over leading axes go by columns, or take rows in another order.
  const goesInOrder = ({ folded }: Group): boolean => !folded?.[0] || folded.every(Boolean);
  const isEligible = (group: Group): boolean =>
    sizeOf(group.shape) >= fewest && !group.loops && !apart.has(group) && goesInOrder(group);
  const reads = (eqn: Eqn): boolean => eqn.inputs.some((atom) => made.has(atom));
  const close = (): void => {
    if (groups.length > 1) {
      readers ??= readersIn(steps);
      strips.set(groups[0]!, { groups, inner: innerValues(groups, readers, results, moved) });
    }
    groups = [];
    made = new Set();
  };
  for (const step of steps) {
    if (!(step instanceof Group)) {
      // What only names an array or computes a number may stand between them.
      const { kind } = step.primitive.lower;
      const passes = kind === 'view' || kind === 'reshape' || kind === 'elementwise';
      if (groups.length > 0 && (!passes || reads(step))) close();
      continue;
    }
    const goesOn =
      groups.length > 0 &&
      isEligible(step) &&
      sameShape(step.shape, groups[0]!.shape) &&
      step.members.some(reads) &&
      step.members.every((eqn) => !reads(eqn) || isInStep(eqn, made, step.shape));
    if (!goesOn) close();
    if (!isEligible(step)) continue;
    groups.push(step);
    for (const eqn of step.members) for (const v of eqn.outputs) made.add(v);
    // What is moved is computed by a later kernel, from what this one has stored.
    const isLast =
      step.kept?.length === 0 || step.members.some((eqn) => moved.has(eqn) && !isInStep(eqn, made, step.shape));
    if (isLast) close();
  }
  close();
  return strips;
}

/** Whether an equation reads what is made in a strip only at the element that it is at. */
function isInStep(eqn: Eqn, made: ReadonlySet<Atom>, shape: Shape): boolean {
  const { kind } = eqn.primitive.lower;
  const inOrder = kind === 'elementwise' || kind === 'reduce' || kind === 'reshape';
  const isFull = ({ aval }: Atom): boolean => sameShape(squeezed(aval.shape), shape);
  if (kind === 'reshape' && !isFull(eqn.outputs[0]!)) return false;
  return eqn.inputs.every((atom) => !made.has(atom) || (inOrder && isFull(atom)));
}

function innerValues(
  groups: readonly Group[],
  readers: Readers,
  results: ReadonlySet<Atom>,
  moved: ReadonlySet<Eqn>,
): ReadonlySet<Var> {
  const members = groups.flatMap((group) => group.members);
  const inside = new Set(members);
  const inner = new Set<Var>();
  // Whoever reads a value comes after it.
  for (const { outputs } of members.reverse())
    for (const v of outputs) {
      const endsInside = (readers.get(v) ?? []).every((eqn) => {
        const { kind } = eqn.primitive.lower;
        // Under another name, or as part of what another kernel computes, it may be read elsewhere.
        const goesOn = moved.has(eqn) || kind === 'view' || kind === 'reshape';
        return inside.has(eqn) && (!goesOn || eqn.outputs.every((out) => inner.has(out)));
      });
      if (endsInside && !results.has(v)) inner.add(v);
    }
  const { shape } = groups[0]!;
  return new Set(
    members
      .filter((eqn) => eqn.primitive.lower.kind === 'elementwise')
      .flatMap((eqn) => eqn.outputs)
      .filter((v) => inner.has(v) && sameShape(squeezed(v.aval.shape), shape)),
  );
}
