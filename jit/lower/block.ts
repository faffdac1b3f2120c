import { isFloating } from '../../src/core/dtype.ts';
import { type Atom, type Eqn, Literal, type Var } from '../../src/core/jaxpr.ts';
import type { Destination, Driver } from './driver.ts';
import { contiguous } from './expressions/tree.ts';
import { runGroup } from './kernels/group.ts';
import { StripLoop } from './kernels/strip-loop.ts';
import { findChains } from './passes/chains.ts';
import { extents, findEpilogues } from './passes/epilogues.ts';
import { Group, groupEquations, type Step } from './passes/groups.ts';
import { findPrologues } from './passes/prologues.ts';
import { equationsOf, type RowPass, rowPasses } from './passes/row-passes.ts';
import { splitLoops } from './passes/split-loops.ts';
import { findStrips } from './passes/strips.ts';
import { takeOver } from './passes/take-over.ts';
import { type Placement, placeValues } from './passes/virtual.ts';
import { ProductEnds } from './products/product-ends.ts';
import { isDealtOut, sharesRows } from './products/product-threads.ts';
import { RowPasses } from './products/row-pass.ts';
import type { Buffer } from './storage.ts';

/**
 * Executes a program whose inputs are bound. Array results with a destination are put there: where possible they are
 * computed in place. Afterwards `outs` are bound until `release`.
 */
export function runBlock(
  d: Driver,
  program: readonly Eqn[],
  outs: readonly Atom[],
  destinations: readonly Destination[],
  release?: () => void,
): void {
  const eqns = splitLoops(program, outs);
  const outer = { usesLeft: d.usesLeft, ends: d.ends };
  const uses = countUses(eqns, outs);
  d.usesLeft = (v) => uses.get(v) ?? 0;
  const places = new Map<Var, Buffer>();
  outs.forEach((atom, i) => {
    const place = destinations[i];
    if (place && !(atom instanceof Literal) && !places.has(atom)) places.set(atom, place);
  });
  // A product that waits would find its operands overwritten.
  const waits = !destinations.some((place) => place && d.written.has(place));
  const { steps, placement: first, found } = order(d, eqns, outs, waits);
  const all = waits ? productsOf(eqns, found) : [];
  const alone = new Set(d.target.shared ? all.filter(standsAlone) : []);
  const ending = all.filter((eqn) => !alone.has(eqn) || isBatch(eqn));
  const epilogues = findEpilogues(ending, steps, outs, first);
  const byRows = new Set(all.filter((eqn) => !alone.has(eqn) || hasSharedRows(eqn)));
  const early = findChains(epilogues, byRows, steps, outs, first);
  for (const [eqn, { inRegisters, group }] of epilogues) {
    const goesOn = hasSharedRows(eqn) && early.has(group);
    if (alone.has(eqn) && !inRegisters && !goesOn) epilogues.delete(eqn);
  }
  const beginning = all.filter((eqn) => !alone.has(eqn));
  const prologues = findPrologues(beginning, steps);
  const ends = new Set([...epilogues.values()].map(({ group }) => group));
  const placement =
    prologues.first.size + prologues.second.size > 0 ? placeValues(steps, outs, { prologues, ends }) : first;
  const chains = placement === first ? early : findChains(epilogues, byRows, steps, outs, placement);
  d.ends = new ProductEnds(epilogues, prologues, chains);
  const inRegisters = [...d.ends.epilogues.values()].filter((end) => end.inRegisters);
  takeOver(steps, placement, places, d.usesLeft, d.stacked, new Set(inRegisters.map(({ group }) => group)));

  const strips = d.target.shared ? undefined : findStrips(steps, outs, placement, ends);
  const passes = new RowPasses(d, found);
  const drop = (atom: Atom): void => {
    if (atom instanceof Literal) return;
    const left = uses.get(atom)! - 1;
    uses.set(atom, left);
    if (left === 0) d.unbind(atom);
  };
  for (const step of steps) {
    const done = step instanceof Group ? step.members : [step];
    if (step instanceof Group) {
      const strip = strips?.get(step);
      if (strip) d.strip = new StripLoop(d, strip);
      d.strip?.enter(step, places);
      runGroup(d, step, placement, places);
      d.strip = d.strip?.leave(step);
    } else if (!passes.lower(step, places)) d.equation(step, placement, places);
    for (const eqn of done) eqn.inputs.forEach(drop);
    for (const eqn of done) for (const v of eqn.outputs) if (!uses.get(v)) d.unbind(v);
  }
  outs.forEach((atom, i) => {
    const place = destinations[i];
    if (!place) return;
    if (contiguous(d.fused(atom))?.buffer === place) return;
    d.protect(place);
    d.store(d.fused(atom), place.ptr);
  });
  release?.();
  outs.forEach(drop);
  Object.assign(d, outer);
}

function countUses(eqns: readonly Eqn[], outs: readonly Atom[]): Map<Var, number> {
  const uses = new Map<Var, number>();
  for (const atom of [...eqns.flatMap((eqn) => eqn.inputs), ...outs])
    if (!(atom instanceof Literal)) uses.set(atom, (uses.get(atom) ?? 0) + 1);
  return uses;
}

interface Order {
  readonly steps: readonly Step[];
  readonly placement: Placement;
  /** Products that are one pass over their matrix. */
  readonly found: readonly RowPass[];
}

function order(d: Driver, eqns: readonly Eqn[], outs: readonly Atom[], waits: boolean): Order {
  const steps = groupEquations(eqns, outs);
  const placement = placeValues(steps, outs);
  const byColumns = (v: Var): boolean => d.isBound(v) && d.columns.of(d.fused(v).root, v.aval.shape[0]!) !== undefined;
  const found = waits ? rowPasses(eqns, outs, placement.virtual, byColumns) : [];
  if (found.length === 0) return { steps, placement, found };
  // What is done while rows of a matrix go by is in no group.
  const others = groupEquations(eqns, outs, new Set(found.flatMap(equationsOf)));
  return { steps: others, placement: placeValues(others, outs), found };
}

const isBatch = (eqn: Eqn): boolean => {
  const { m, n } = extents(eqn);
  return eqn.outputs[0]!.aval.size > m * n;
};

/**
 * Whether threads share a product otherwise than by its rows. It then begins by itself and ends so, unless it is a batch that ends
 * in registers.
 */
function standsAlone(eqn: Eqn): boolean {
  const { dtype, size } = eqn.outputs[0]!.aval;
  const { m, n, k } = extents(eqn);
  const isSingle = size === m * n;
  return isFloating(dtype) && isDealtOut(m, n, k, size / (m * n)) && !(isSingle && sharesRows(m, n));
}

/** Whether a product, of a batch too, is large enough for threads to share its rows. */
function hasSharedRows(eqn: Eqn): boolean {
  const { m, n, k } = extents(eqn);
  return isFloating(eqn.outputs[0]!.aval.dtype) && isDealtOut(m, n, k) && sharesRows(m, n);
}

/** Products that can end in the kernel of a group: single ones, and the second ones of passes in registers. */
function productsOf(eqns: readonly Eqn[], found: readonly RowPass[]): Eqn[] {
  const inPasses = new Set(found.flatMap(equationsOf));
  return [
    ...eqns.filter((eqn) => eqn.primitive.lower.kind === 'dot' && !inPasses.has(eqn)),
    ...found.filter((pass) => pass.short).map((pass) => pass.second),
  ];
}
