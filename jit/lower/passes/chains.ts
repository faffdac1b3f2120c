import type { Atom, Eqn, Var } from '../../../src/core/jaxpr.ts';
import { range } from '../../../src/core/shape.ts';
import type { DotDimensions, LowerRule } from '../../lower-rule.ts';
import { joinedBatch } from '../products/batch-axes.ts';
import { type Epilogue, extents } from './epilogues.ts';
import { Group, type Readers, readersIn, type Step } from './groups.ts';
import type { Placement } from './virtual.ts';

/** A product whose first operand is what the kernel behind another product computes, and nothing else reads. */
export interface Chain {
  readonly product: Eqn;
  readonly value: Var;
}

/**
 * Products behind kernels that go over rows of a product: such a kernel's rows are those of the next product too, which
 * multiplies them while the cache has them. There is then no place for more of them than that. softmax(QKᵀ)V is this.
 *
 * @param products those that can begin like that
 */
export function findChains(
  epilogues: ReadonlyMap<Eqn, Epilogue>,
  products: ReadonlySet<Eqn>,
  steps: readonly Step[],
  outs: readonly Atom[],
  { virtual, moved }: Placement,
): Map<Group, Chain> {
  const found = new Map<Group, Chain>();
  const ends = [...epilogues].filter(([, { inRegisters, rowAxes }]) => !inRegisters && rowAxes > 0);
  if (ends.length === 0) return found;
  const readers = readersIn(steps);
  const places = new Map<Step, number>(steps.map((step, i) => [step, i]));
  const results = new Set(outs);
  for (const [first, { group, batchAxes }] of ends) {
    const stored = group.members.filter(
      (eqn) => !moved.has(eqn) && !isView(eqn) && eqn.outputs.some((v) => !virtual.has(v)),
    );
    const [value] = stored.flatMap((eqn) => eqn.outputs);
    if (stored.length !== 1 || stored[0]!.outputs.length !== 1 || !value) continue;
    const product = readerOf(value, readers, results);
    if (!product || !products.has(product) || !fits(first, value, product)) continue;
    const isSingle = value.aval.size === extents(first).m * extents(first).n;
    const between = steps.slice(places.get(group)! + 1, places.get(product));
    if ((isSingle || batchAxes > 0) && between.every(onlyComputes)) found.set(group, { product, value });
  }
  return found;
}

const isView = ({ primitive: { lower } }: Eqn): boolean => lower.kind === 'view' || lower.kind === 'reshape';

/** Whether nothing that is yet to be read can be overwritten in a step. */
const onlyComputes = (step: Step): boolean =>
  step instanceof Group ||
  isView(step) ||
  step.primitive.lower.kind === 'dot' ||
  step.primitive.lower.kind === 'elementwise';

/** The one product that reads a value, as it is or in another shape. */
function readerOf(value: Var, readers: Readers, results: ReadonlySet<Atom>): Eqn | undefined {
  let at = value;
  while (!results.has(at)) {
    const [reader, ...others]: readonly Eqn[] = readers.get(at) ?? [];
    if (!reader || others.length > 0) return undefined;
    if (reader.primitive.lower.kind === 'dot')
      return reader.inputs[0] === at && reader.inputs[1] !== at ? reader : undefined;
    if (reader.primitive.lower.kind !== 'reshape') return undefined;
    at = reader.outputs[0]!;
  }
  return undefined;
}

const dimensionsOf = (eqn: Eqn): DotDimensions =>
  (eqn.primitive.lower as Extract<LowerRule<unknown>, { kind: 'dot' }>).dimensions(eqn.params);

/** Whether the rows of a product are those of the next one's first operand, in their order. */
function fits(first: Eqn, value: Var, next: Eqn): boolean {
  const [x] = next.inputs as [Var];
  const { lhsBatch, lhsContract } = dimensionsOf(next);
  const { shape } = x.aval;
  const inOrder =
    lhsBatch.every((axis, i) => axis === i) &&
    lhsContract.every((axis, i) => axis === shape.length - lhsContract.length + i);
  const [before, after] = [extents(first), extents(next)];
  const result = first.outputs[0]!.aval;
  const batchOf = (eqn: Eqn, axes: readonly number[]): { extent: number; steps: number[] }[] =>
    axes.map((axis) => ({ extent: eqn.inputs[0]!.aval.shape[axis]!, steps: [] }));
  return (
    inOrder &&
    value.aval.dtype === result.dtype &&
    value.aval.size === result.size &&
    before.m === after.m &&
    before.n === after.k &&
    after.n > 1 &&
    joinedBatch(batchOf(first, dimensionsOf(first).lhsBatch), batchOf(next, range(lhsBatch.length))) !== undefined
  );
}
