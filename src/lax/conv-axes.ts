/**
 * Arrays whose axes go by names, so that the lowering of convolutions need not count positions: n batch, g group, c input
 * feature, o output feature, y0… windows along a spatial axis, k0… elements of a window.
 */
import { range, type Shape, stridesOf } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { slidingWindows } from './conv-patches.ts';
import { type ConvParams, pick } from './conv-shape.ts';
import { broadcastInDim, reshape, transpose } from './movement.ts';
import { slice } from './slicing.ts';

export type Names = readonly string[];

export interface Named {
  readonly value: Value;
  readonly names: Names;
}

/** Which spatial axis a name belongs to; −1 for the others. */
export const spatialAxis = (name: string): number => (/^[yk]/.test(name) ? Number(name.slice(1)) : -1);

export const lengthOf = (name: string, { names, value }: Named): number => value.aval.shape[names.indexOf(name)]!;

/** The names of axes in the order they stand, from the positions of the named axes. */
export function standing(spec: readonly number[], names: Names): string[] {
  const out = new Array<string>(spec.length);
  spec.forEach((axis, i) => {
    out[axis] = names[i]!;
  });
  return out;
}

/** The axis `name` as (g, name). */
export function grouped({ value, names }: Named, name: string, groups: number): Named {
  if (groups === 1) return { value, names };
  const at = names.indexOf(name);
  const { shape } = value.aval;
  return {
    value: reshape(value, [...shape.slice(0, at), groups, shape[at]! / groups, ...shape.slice(at + 1)]),
    names: [...names.slice(0, at), 'g', ...names.slice(at)],
  };
}

export const ordered = ({ value, names }: Named, order: Names): Value =>
  transpose(
    value,
    order.map((name) => names.indexOf(name)),
  );

/** Without these axes, all of length 1. */
export function without({ value, names }: Named, dropped: Names): Named {
  const kept = range(names.length).filter((axis) => !dropped.includes(names[axis]!));
  return { value: reshape(value, pick(value.aval.shape, kept)), names: kept.map((axis) => names[axis]!) };
}

/** The array over axes `names` of these lengths, repeated along those that it lacks. */
export function repeatedOver(x: Named, names: Names, shape: Shape): Value {
  const own = names.filter((name) => x.names.includes(name));
  return broadcastInDim(
    ordered(x, own),
    shape,
    own.map((name) => names.indexOf(name)),
  );
}

/** Every `stride`-th of `count` elements from `start` along the axes for which `part` gives that; the others whole. */
export function partOf(
  { value, names }: Named,
  part: (name: string) => readonly [start: number, count: number, stride?: number] | undefined,
): Named {
  const parts = names.map((name, axis) => part(name) ?? [0, value.aval.shape[axis]!]);
  const sliced = slice(
    value,
    parts.map(([start]) => start),
    parts.map(([start, count, stride = 1]) => start + (count - 1) * stride + 1),
    parts.map(([, , stride = 1]) => stride),
  );
  return { value: sliced, names };
}

/** Windows, with the distance in the input of neighbours along each axis. */
export interface Windows extends Named {
  readonly strides: readonly number[];
}

export function windowsOf({ value, names }: Named, sizes: Shape, p: ConvParams): Windows {
  const perAxis = (list: Shape): number[] => names.map((name) => list[spatialAxis(name)] ?? 1);
  const params = { sizes: perAxis(sizes), strides: perAxis(p.windowStrides), dilations: perAxis(p.rhsDilation) };
  const windows = slidingWindows(value, params);
  const spatial = range(names.length).filter((axis) => spatialAxis(names[axis]!) >= 0);
  const own = stridesOf(value.aval.shape);
  return {
    value: reshape(windows, [...windows.aval.shape.slice(0, names.length), ...pick(params.sizes, spatial)]),
    names: [...names, ...spatial.map((axis) => names[axis]!.replace('y', 'k'))],
    strides: [
      ...own.map((step, axis) => step * params.strides[axis]!),
      ...spatial.map((axis) => own[axis]! * params.dilations[axis]!),
    ],
  };
}

/** What both operands have and the result has not, far apart elements first: the order in which the input lies. */
export const summedNames = (windows: Windows, kernel: Named): string[] =>
  kernel.names
    .filter((name) => name !== 'g' && name !== 'o')
    .sort((a, b) => windows.strides[windows.names.indexOf(b)]! - windows.strides[windows.names.indexOf(a)]!);
