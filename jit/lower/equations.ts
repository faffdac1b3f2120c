import type { Atom, Eqn, Var } from '../../src/core/jaxpr.ts';
import type { LowerRule } from '../lower-rule.ts';
import { lowerCallback, lowerKernel, lowerRuntimeCalls } from './calls.ts';
import type { Driver, Places } from './driver.ts';
import { gatherTree } from './expressions/gather-tree.ts';
import { contiguous, type Fused, largestTree, readScalar, reshaped, treeSize, viewed } from './expressions/tree.ts';
import { identityOf } from './folds/combine.ts';
import { lowerScatter } from './kernels/scatter.ts';
import { lowerCond, lowerScan, lowerWhile } from './loops/loops.ts';
import type { Placement } from './passes/virtual.ts';
import { lowerDot } from './products/dot.ts';
import { lowerRegions } from './regions.ts';

/** Writes what executes an equation that is in no group, by the kind of its rule, and binds its results. */
export function lowerEquation(d: Driver, eqn: Eqn, { virtual }: Placement, places: Places): void {
  const rule = eqn.primitive.lower as LowerRule<unknown>;
  const out = eqn.outputs[0]!;
  switch (rule.kind) {
    case 'elementwise':
      compute(d, out, d.element(eqn), virtual, places);
      return;
    case 'gather':
      compute(d, out, gatherTree(d, eqn), virtual, places);
      return;
    case 'scatter':
      lowerScatter(d, eqn, places);
      return;
    case 'view': {
      const { aval } = out;
      const view = (x: Fused): Fused => viewed(x, rule.view(eqn.params, eqn.inputs[0]!.aval, aval), aval.shape);
      move(d, eqn, view, virtual, places);
      return;
    }
    case 'reshape':
      move(d, eqn, (x) => reshaped(x, out.aval.shape), virtual, places);
      return;
    case 'reduce':
      reduce(d, eqn, rule, virtual, places);
      return;
    case 'dot':
      lowerDot(d, eqn, rule.dimensions(eqn.params), places);
      return;
    case 'kernel':
      lowerKernel(d, eqn, rule, places);
      return;
    case 'regions':
      lowerRegions(
        d,
        eqn,
        rule.regions(
          eqn.params,
          eqn.inputs.map(({ aval }) => aval),
          out.aval,
        ),
        places,
      );
      return;
    case 'runtime':
      lowerRuntimeCalls(d, eqn, rule, places);
      return;
    case 'callback':
      lowerCallback(d, eqn, rule.handler(eqn.params), places);
      return;
    case 'cond':
      lowerCond(d, eqn, rule.branches(eqn.params), places);
      return;
    case 'while':
      lowerWhile(d, eqn, rule.loop(eqn.params), places);
      return;
    case 'scan':
      lowerScan(d, eqn, rule.loop(eqn.params), places);
      return;
    default:
      throw new Error(`${eqn.primitive.name} was not inlined`);
  }
}

/** Binds a result to its expression, where one kernel reads it and it is small enough; else computes it now. */
function compute(d: Driver, out: Var, fused: Fused, virtual: ReadonlySet<Var>, places: Places): void {
  if (fused.shape.length === 0) d.bind(out, readScalar(d.evaluateScalar(fused)));
  else if (virtual.has(out) && treeSize(fused.root) <= largestTree) d.bind(out, fused);
  else d.keepElements(out, fused, places);
}

/** Elements in another order: a view of the operand, which is stored first if it has none. */
function move(
  d: Driver,
  eqn: Eqn,
  change: (x: Fused) => Fused | undefined,
  virtual: ReadonlySet<Var>,
  places: Places,
): void {
  const [input] = eqn.inputs as [Atom];
  const out = eqn.outputs[0]!;
  let moved = change(d.fused(input));
  if (!moved) {
    d.buffer(input);
    moved = change(d.fused(input))!;
  }
  if (out.aval.ndim === 0) d.bind(out, readScalar(d.evaluateScalar(moved)));
  else if (virtual.has(out)) d.bind(out, moved);
  else if (places.has(out) && contiguous(moved)?.buffer !== places.get(out)) d.keep(out, moved, places);
  // A result without a destination is copied by whoever takes it.
  else d.bind(out, moved);
}

/** Folds of nothing, and of one element each; others are in groups. */
function reduce(
  d: Driver,
  eqn: Eqn,
  { combine }: Extract<LowerRule<unknown>, { kind: 'reduce' }>,
  virtual: ReadonlySet<Var>,
  places: Places,
): void {
  const out = eqn.outputs[0]!;
  const { dtype, shape } = out.aval;
  if (eqn.inputs[0]!.aval.size > 0) {
    move(d, eqn, (x) => reshaped(x, shape), virtual, places);
    return;
  }
  const fused: Fused = { shape, root: { kind: 'const', dtype, value: identityOf(combine, dtype) } };
  if (shape.length === 0) d.bind(out, fused);
  else d.keep(out, fused, places);
}
