import { byteSize } from '../../../src/core/dtype.ts';
import { type Eqn, Literal } from '../../../src/core/jaxpr.ts';
import { range, stridesOf } from '../../../src/core/shape.ts';
import type { LowerRule, ScatterAccess } from '../../lower-rule.ts';
import type { Driver, Places } from '../driver.ts';
import { accessOf, distanceOf, placesOf } from '../expressions/gather-tree.ts';
import { contiguous, type Fused, readBuffer, viewed } from '../expressions/tree.ts';
import { type ScatterPlan, scatterKernel } from './scatter-kernel.ts';

/**
 * Writes updates into operand 0, which they are computed for element by element. An operand that nothing reads any more is
 * written where it lies; another one is first put where the result goes.
 */
export function lowerScatter(d: Driver, eqn: Eqn, places: Places): void {
  const { combine } = eqn.primitive.lower as Extract<LowerRule<unknown>, { kind: 'scatter' }>;
  const access = accessOf(eqn) as ScatterAccess;
  const out = eqn.outputs[0]!;
  const { dtype, shape, size, ndim } = out.aval;
  const x = eqn.inputs[0]!;
  const source = d.fused(x);
  const leaf = contiguous(source);
  const old = leaf && leaf.offset === 0 && leaf.buffer.length === size ? leaf.buffer : undefined;
  const given = places.get(out);
  const ends = !(x instanceof Literal) && d.usesLeft(x) === 1;
  const place = given ?? (old?.isOwn && ends ? old : d.temporary(dtype, size));
  if (given) d.protect(given, x, ends);
  if (old !== place && size > 0) d.store(source, place.ptr);
  const updates = eqn.inputs[access.updates]!;
  if (size > 0 && updates.aval.size > 0) {
    const order = [
      ...range(updates.aval.ndim).filter((axis) => !access.windowAxes.includes(axis)),
      ...access.windowAxes,
    ];
    const ordered = ({ shape: from, root }: Fused): Fused => {
      const own = stridesOf(from);
      const to = order.map((axis) => from[axis]!);
      return viewed({ shape: from, root }, { offset: 0, strides: order.map((axis) => own[axis]!) }, to);
    };
    const taken = ordered(d.fused(updates));
    const positions = placesOf(d, eqn, access, updates.aval.shape, ordered);
    const own = stridesOf(shape);
    const bytes = byteSize(dtype);
    const plan: ScatterPlan = {
      shape: taken.shape,
      combine,
      updates: taken.root,
      target: place.ptr,
      strides: order.map((axis) => (access.axes[axis] === undefined ? 0 : own[access.axes[axis]]!)),
      distance: distanceOf(
        access,
        positions,
        own.map((stride) => stride * bytes),
      ),
      inside: positions.inside,
    };
    d.withScratch(positions.inside ? 8 : 0, (unread) => d.run(scatterKernel(plan, unread)));
  }
  if (ndim === 0) d.loadResult(out, place);
  else d.bind(out, readBuffer(place, shape));
}
