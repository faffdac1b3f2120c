import { type Atom, type Eqn, Var } from '../../../src/core/jaxpr.ts';
import { sameShape, sizeOf } from '../../../src/core/shape.ts';
import { contiguous, type Fused, viewed } from '../expressions/tree.ts';
import { stackedStrides } from '../loops/lane-loop.ts';
import type { Buffer } from '../storage.ts';
import { Group, type Step, squeezed } from './groups.ts';
import type { Placement } from './virtual.ts';

/**
 * Lets values be computed where a result will stand that takes their place: what a scatter writes into, if nothing else
 * reads it, what only the kernel of the result reads, element by element, and rows that a loop of each lane stacks, if the
 * result is a view of them in the order in which they lie. `places` of results gain those of the first two, `stacked` the
 * others.
 */
export function takeOver(
  steps: readonly Step[],
  { moved }: Placement,
  places: Map<Var, Buffer>,
  uses: (v: Var) => number,
  stacked: Map<Var, Buffer>,
  ends: ReadonlySet<Group>,
): void {
  if (places.size === 0) return;
  const makers = new Map<Var, Step>();
  for (const step of steps)
    for (const eqn of step instanceof Group ? step.members : [step]) for (const v of eqn.outputs) makers.set(v, step);
  const give = (from: Var, to: Atom | undefined): boolean => {
    if (!(to instanceof Var) || places.has(to) || !makers.has(to)) return false;
    places.set(to, places.get(from)!);
    return true;
  };
  for (let s = steps.length - 1; s >= 0; s--) {
    const step = steps[s]!;
    if (!(step instanceof Group)) {
      const [x] = step.inputs;
      const [out] = step.outputs;
      if (step.primitive.lower.kind === 'scatter' && places.has(out!) && x instanceof Var && uses(x) === 1)
        give(out!, x);
      const place = places.get(out!);
      if (place && x instanceof Var && uses(x) === 1 && isStacked(x, makers.get(x)) && isInOrder(step, x, place))
        stacked.set(x, place);
      continue;
    }
    // A later pass over a row would read what an earlier one has overwritten, and the end of a product what it ends in.
    if (step.folded || ends.has(step)) continue;
    const ending = endingIn(step, moved, uses).filter((v) => isAlone(makers.get(v)));
    for (const eqn of step.members)
      for (const v of eqn.outputs) {
        if (!places.has(v) || !sameShape(squeezed(v.aval.shape), step.shape)) continue;
        const i = ending.findIndex((x) => x.aval.dtype === v.aval.dtype && give(v, x));
        if (i >= 0) ending.splice(i, 1);
      }
  }
}

const isStacked = (x: Var, maker: Step | undefined): boolean =>
  maker instanceof Group && maker.loops && x.aval.size > sizeOf(maker.shape);

/** Whether a view of stacked rows is what lies in memory. */
function isInOrder({ primitive: { lower }, params, outputs }: Eqn, x: Var, buffer: Buffer): boolean {
  if (lower.kind !== 'view') return false;
  const { aval } = outputs[0]!;
  const { dtype, shape } = x.aval;
  const strides = stackedStrides(shape.slice(1), shape[0]!);
  const rows: Fused = { shape, root: { kind: 'array', dtype, buffer, offset: 0, strides } };
  return contiguous(viewed(rows, lower.view(params, x.aval, aval), aval.shape))?.offset === 0;
}

const isAlone = (step: Step | undefined): boolean => {
  const kind = step && !(step instanceof Group) ? step.primitive.lower.kind : undefined;
  return kind === 'dot' || kind === 'kernel' || kind === 'regions' || kind === 'runtime' || kind === 'scatter';
};

/** What a group alone reads, each element where it computes its own. */
function endingIn(group: Group, moved: ReadonlySet<Eqn>, uses: (v: Var) => number): Var[] {
  const counts = new Map<Var, number>();
  for (const eqn of group.members) {
    if (eqn.primitive.lower.kind !== 'elementwise' || moved.has(eqn)) continue;
    for (const atom of eqn.inputs)
      if (atom instanceof Var && sameShape(squeezed(atom.aval.shape), group.shape))
        counts.set(atom, (counts.get(atom) ?? 0) + 1);
  }
  return [...counts].flatMap(([v, count]) => (count === uses(v) ? [v] : []));
}
