/** Boxes of arrays put together: concatenations and padding. */
import { byteSize, type DType } from '../../src/core/dtype.ts';
import type { Atom, Eqn } from '../../src/core/jaxpr.ts';
import { range, sizeOf, stridesOf } from '../../src/core/shape.ts';
import type { Region, Regions } from '../lower-rule.ts';
import { threadCount } from '../target.ts';
import { type Expr, FunctionBuilder, i32c, op } from '../wasm/code.ts';
import { coalesce, copyRegion, fillRun, type NestAxis, offsetBy } from '../wasm/loop-nest.ts';
import type { Driver, Places } from './driver.ts';
import { Captures } from './in-threads.ts';
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
  const fillWith = value && f.param(arrays.length + 1);
  const [only] = copied;
  if (fillWith && only && copied.length === 1 && only.axes.every(({ step }) => step === 1)) {
    const { walk, buffer } = sources[0]!;
    const steps = walk.axes.map(({ steps }) => steps[1]!);
    if (d.target.shared && size * bytes >= fewestShared && only.axes[0]!.count === shape[0]) {
      surroundedInThreads(d, dtype, shape, only, steps, place.ptr, offsetBy(buffer.ptr, walk.from * bytes), value);
      d.loadResults(eqn.outputs, [place]);
      return;
    }
    surrounded(f, dtype, shape, only, steps, to, offsetBy(f.param(0), walk.from * bytes), fillWith);
    d.f.call(d.define(f.build()), buffer.ptr, place.ptr, value);
    d.loadResults(eqn.outputs, [place]);
    return;
  }
  if (fillWith) fillRun(f, dtype, to, size, fillWith);
  sources.forEach(({ buffer, walk }) => {
    const from = f.param(arrays.indexOf(buffer));
    const axes = walk.axes.map(({ extent, steps }) => ({ extent, steps: steps.map((step) => step * bytes) }));
    copyRegion(f, dtype, axes, offsetBy(to, walk.to * bytes), offsetBy(from, walk.from * bytes));
  });
  const args: Expr[] = [...arrays.map(({ ptr }) => ptr), place.ptr, ...(value ? [value] : [])];
  d.f.call(d.define(f.build()), ...args);
  d.loadResults(eqn.outputs, [place]);
}

/** Bytes of an array from which on threads share what is written along its first axis: 0.1 ms. */
const fewestShared = 2 ** 20;

/** The same as `surrounded` where nothing surrounds the array along its first axis, of which threads take parts. */
function surroundedInThreads(
  d: Driver,
  dtype: DType,
  shape: readonly number[],
  { axes, ...region }: Region,
  steps: readonly number[],
  to: Expr,
  from: Expr,
  value: Expr,
): void {
  const [extent, ...inner] = shape as [number, ...number[]];
  const bytes = byteSize(dtype);
  const captures = new Captures();
  const [target, source] = [
    captures.take(to, { perStep: sizeOf(inner) * bytes }),
    captures.take(from, { perStep: steps[0]! * bytes }),
  ];
  const padding = captures.take(value);
  const chunk = Math.ceil(extent / (4 * threadCount()));
  captures.run(d, { extent, chunk, threads: true }, (f, begin, end) => {
    const [at, next] = [f.var(target()), f.var(source())];
    f.for(begin, end, () => {
      surrounded(f, dtype, inner, { ...region, axes: axes.slice(1) }, steps.slice(1), at, next, padding());
      f.set(at, offsetBy(at, sizeOf(inner) * bytes));
      f.set(next, offsetBy(next, steps[0]! * bytes));
    });
  });
}

/** Writes an array from its beginning to its end: a value, and in the middle of that an array of these steps. */
function surrounded(
  f: FunctionBuilder,
  dtype: DType,
  shape: readonly number[],
  { axes }: Region,
  steps: readonly number[],
  to: Expr,
  from: Expr,
  value: Expr,
): void {
  const bytes = byteSize(dtype);
  const own = stridesOf(shape);
  const at = f.var(to);
  const fill = (count: number): void => {
    fillRun(f, dtype, at, count, value);
    if (count > 0) f.set(at, offsetBy(at, count * bytes));
  };
  const sum = (first: number, of: (axis: number) => number): number =>
    axes.reduce((n, _, axis) => (axis < first ? n : n + of(axis)), 0);
  // In the part of the array that belongs to one index of the axes in front of these.
  const before = (first: number): number => sum(first, (axis) => axes[axis]!.at * own[axis]!);
  const behind = (first: number): number =>
    sum(first, (axis) => (shape[axis]! - axes[axis]!.at - axes[axis]!.count) * own[axis]!);
  const write = (axis: number, source: Expr): void => {
    const { count } = axes[axis]!;
    const gap = before(axis + 1) + behind(axis + 1);
    if (gap === 0) {
      const inner = range(axes.length).slice(axis);
      const walk = inner.map((i) => ({ extent: axes[i]!.count, steps: [own[i]! * bytes, steps[i]! * bytes] }));
      copyRegion(f, dtype, walk, at, source);
      f.set(at, offsetBy(at, count * own[axis]! * bytes));
      return;
    }
    const next = f.var(source);
    const left = f.var(i32c(count));
    f.while(left, () => {
      write(axis + 1, next);
      f.set(next, offsetBy(next, steps[axis]! * bytes));
      f.set(left, op('i32.sub', left, i32c(1)));
      f.if(left, () => fill(gap));
    });
  };
  fill(before(0));
  write(0, from);
  fill(behind(0));
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
