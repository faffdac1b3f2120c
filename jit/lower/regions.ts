/** Boxes of arrays put together: concatenations and padding. */
import { byteSize } from '../../src/core/dtype.ts';
import type { Atom, Eqn } from '../../src/core/jaxpr.ts';
import { stridesOf } from '../../src/core/shape.ts';
import type { Region, Regions } from '../lower-rule.ts';
import { type Expr, FunctionBuilder } from '../wasm/code.ts';
import { coalesce, copyRegion, fillRun, type NestAxis, offsetBy } from '../wasm/loop-nest.ts';
import type { Driver, Places } from './driver.ts';
import { type Buffer, scalarType } from './storage.ts';

/** An array as elements of a buffer. */
export interface Source {
  readonly offset: number;
  readonly strides: readonly number[];
}

/** The walk over the output and a source, with steps (to, from) in elements, and where it starts in each. */
export interface RegionWalk {
  readonly axes: readonly NestAxis[];
  readonly to: number;
  readonly from: number;
}

export function regionWalk({ axes }: Region, source: Source, output: readonly number[]): RegionWalk {
  const strides = stridesOf(output);
  const start = (of: (axis: number) => number): number => axes.reduce((sum, _, axis) => sum + of(axis), 0);
  return {
    axes: axes.map(({ count, step }, axis) => ({
      extent: count,
      steps: [step * strides[axis]!, source.strides[axis]!],
    })),
    to: start((axis) => axes[axis]!.at * strides[axis]!),
    from: source.offset + start((axis) => axes[axis]!.first * source.strides[axis]!),
  };
}

/** Writes one function that fills and copies. */
export function lowerRegions(d: Driver, eqn: Eqn, { fill, parts }: Regions, places: Places): void {
  const out = eqn.outputs[0]!;
  const { dtype, shape, size } = out.aval;
  const copied = parts.filter(({ axes }) => axes.every(({ count }) => count > 0));
  const sources = copied.map((part) => placed(d, eqn.inputs[part.operand]!, part, shape));
  const value = fill === undefined ? undefined : d.scalar(eqn.inputs[fill]!);
  const place = d.placeFor(out, places);
  const arrays = [...new Set(sources.map(({ buffer }) => buffer))];
  const types = [...arrays.map(() => 'i32' as const), 'i32' as const, ...(value ? [scalarType(dtype)] : [])];
  const f = new FunctionBuilder('', types);
  const to = f.param(arrays.length);
  const bytes = byteSize(dtype);
  if (value) fillRun(f, dtype, to, size, f.param(arrays.length + 1));
  sources.forEach(({ buffer, walk }) => {
    const from = f.param(arrays.indexOf(buffer));
    const axes = walk.axes.map(({ extent, steps }) => ({ extent, steps: steps.map((step) => step * bytes) }));
    copyRegion(f, dtype, axes, offsetBy(to, walk.to * bytes), offsetBy(from, walk.from * bytes));
  });
  const args: Expr[] = [...arrays.map(({ ptr }) => ptr), place.ptr, ...(value ? [value] : [])];
  d.f.call(d.define(f.build()), ...args);
  d.loadResults(eqn.outputs, [place]);
}

/** Where a part is read: of a view in its array, unless rows of the output would go across those in memory. */
function placed(d: Driver, atom: Atom, part: Region, shape: readonly number[]): { buffer: Buffer; walk: RegionWalk } {
  const { root } = d.fused(atom);
  if (root.kind === 'array') {
    const walk = regionWalk(part, root, shape);
    if (isAlong(walk.axes)) return { buffer: root.buffer, walk };
  }
  const buffer = d.buffer(atom);
  return { buffer, walk: regionWalk(part, { offset: 0, strides: stridesOf(atom.aval.shape) }, shape) };
}

const isAlong = (axes: readonly NestAxis[]): boolean => {
  const loops = coalesce(axes);
  const inner = Math.abs(loops.at(-1)?.steps[1] ?? 0);
  return loops.every(({ steps }) => steps[1] === 0 || Math.abs(steps[1]!) >= inner);
};
