/** Types and reference semantics of convolutions. */
import { type ShapedArray, shapedArray } from '../core/aval.ts';
import { allocate, isFloating, type TypedArray } from '../core/dtype.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import type { HostArray } from '../core/primitive.ts';
import { type Shape, stridesOf } from '../core/shape.ts';
import { type ConvDimensions, dilated } from './conv-dimensions.ts';
import { positionsOf, windowCount } from './conv-patches.ts';

/** Lists have an entry for each spatial axis, in the order of `rhsSpec`. */
export interface ConvParams extends ConvDimensions {
  readonly windowStrides: Shape;
  readonly padding: readonly (readonly [number, number])[];
  readonly lhsDilation: Shape;
  readonly rhsDilation: Shape;
  readonly featureGroupCount: number;
  readonly batchGroupCount: number;
}

export const pick = (list: Shape, axes: readonly number[]): number[] => axes.map((axis) => list[axis]!);

const isPermutation = (axes: readonly number[], rank: number): boolean =>
  axes.length === rank && new Set(axes).size === rank && axes.every((i) => Number.isInteger(i) && i >= 0 && i < rank);

function checkLists(x: ShapedArray, p: ConvParams): void {
  const spatial = x.ndim - 2;
  const lists: readonly (readonly [string, Shape, number])[] = [
    ['windowStrides', p.windowStrides, 1],
    ['lhsDilation', p.lhsDilation, 1],
    ['rhsDilation', p.rhsDilation, 1],
    ['padding', p.padding.flat(), 2],
  ];
  for (const [name, list, entries] of lists) {
    const small = name === 'padding' ? Number.NEGATIVE_INFINITY : 1;
    if (list.length === entries * spatial && list.every((n) => Number.isInteger(n) && n >= small)) continue;
    const shown = name === 'padding' ? p.padding.map((pair) => `[${pair}]`) : list;
    const wanted = name === 'padding' ? '[low, high] of integers' : 'positive integer';
    throw new ShapeError(
      `convGeneralDilated: ${name} [${shown}] needs one ${wanted} for each of the ${spatial} spatial axes of ${x}.`,
    );
  }
}

function checkGroups(x: ShapedArray, w: ShapedArray, p: ConvParams): void {
  const { featureGroupCount: features, batchGroupCount: batches } = p;
  for (const [name, n] of [
    ['featureGroupCount', features],
    ['batchGroupCount', batches],
  ] as const) {
    if (!Number.isInteger(n) || n < 1) {
      throw new ShapeError(`convGeneralDilated: ${name} must be a positive integer, but is ${n}.`);
    }
  }
  if (features > 1 && batches > 1) {
    throw new ShapeError(
      `convGeneralDilated: only one of featureGroupCount and batchGroupCount may be larger than 1, but they are ${features} and ${batches}.`,
    );
  }
  const [batch, input] = [x.shape[p.lhsSpec[0]!]!, x.shape[p.lhsSpec[1]!]!];
  const [output, taken] = [w.shape[p.rhsSpec[0]!]!, w.shape[p.rhsSpec[1]!]!];
  if (input !== taken * features) {
    const groups = features > 1 ? ` in each of ${features} groups` : '';
    throw new ShapeError(
      `convGeneralDilated: the input ${x} has ${input} features, but the kernel ${w} takes ${taken}${groups}.`,
    );
  }
  const groups = Math.max(features, batches);
  if (output % groups !== 0) {
    throw new ShapeError(
      `convGeneralDilated: the ${output} output features of the kernel ${w} do not divide into ${groups} groups.`,
    );
  }
  if (batch % batches !== 0) {
    throw new ShapeError(`convGeneralDilated: the batch of ${batch} in ${x} does not divide into ${batches} groups.`);
  }
}

/** Lengths of the input's spatial axes once dilated and padded. */
export const paddedLengths = (x: ShapedArray, p: ConvParams): number[] =>
  p.padding.map(([low, high], i) => low + dilated(x.shape[p.lhsSpec[i + 2]!]!, p.lhsDilation[i]!) + high);

export function convType(x: ShapedArray, w: ShapedArray, p: ConvParams): ShapedArray {
  if (x.ndim !== w.ndim || x.ndim < 2) {
    throw new ShapeError(`convGeneralDilated: needs an input and a kernel of one rank, but got ${x} and ${w}.`);
  }
  if (![p.lhsSpec, p.rhsSpec, p.outSpec].every((spec) => isPermutation(spec, x.ndim))) {
    throw new ShapeError(
      `convGeneralDilated: [${p.lhsSpec}], [${p.rhsSpec}] and [${p.outSpec}] do not name the axes of ${x} and ${w}.`,
    );
  }
  if (x.dtype !== w.dtype || x.dtype === 'bool') {
    throw new DtypeError(`convGeneralDilated: needs numeric operands of one dtype, but got ${x} and ${w}.`);
  }
  checkLists(x, p);
  checkGroups(x, w, p);
  const lengths = paddedLengths(x, p);
  if (lengths.some((n) => n < 0)) {
    throw new ShapeError(
      `convGeneralDilated: padding [${p.padding.map((pair) => `[${pair}]`)}] takes away more than ${x} has.`,
    );
  }
  const shape = new Array<number>(x.ndim);
  shape[p.outSpec[0]!] = x.shape[p.lhsSpec[0]!]! / p.batchGroupCount;
  shape[p.outSpec[1]!] = w.shape[p.rhsSpec[0]!]!;
  lengths.forEach((n, i) => {
    const size = w.shape[p.rhsSpec[i + 2]!]!;
    shape[p.outSpec[i + 2]!] = windowCount(n, size, p.windowStrides[i]!, p.rhsDilation[i]!);
  });
  return shapedArray(shape, x.dtype);
}

/** out[n, o, y] = Σ x[n, c, (y·stride + k·dilation − low) / lhsDilation] w[o, c, k], the input's dilation filled with zeros. */
export function runConv(x: HostArray, w: HostArray, p: ConvParams, output: ShapedArray): TypedArray {
  const out = allocate(output.dtype, output.size);
  const [xs, ws, os] = [x.aval, w.aval, output].map((aval) => stridesOf(aval.shape)) as [number[], number[], number[]];
  const spatial = p.rhsSpec.slice(2);
  const taps = positionsOf(pick(w.aval.shape, spatial));
  const features = w.aval.shape[p.rhsSpec[1]!]!;
  const perGroup = output.shape[p.outSpec[1]!]! / (p.featureGroupCount * p.batchGroupCount);
  const batch = output.shape[p.outSpec[0]!]!;
  const floating = isFloating(output.dtype);
  const [xc, wc] = [xs[p.lhsSpec[1]!]!, ws[p.rhsSpec[1]!]!];
  for (let i = 0; i < output.size; i++) {
    const at = output.shape.map((n, axis) => Math.floor(i / os[axis]!) % n);
    const [n, o, ...y] = pick(at, p.outSpec) as [number, number, ...number[]];
    const group = Math.floor(o / perGroup);
    const sample = p.batchGroupCount > 1 ? group * batch + n : n;
    const first = p.featureGroupCount > 1 ? group * features : 0;
    let total = 0;
    for (const tap of taps) {
      let from = sample * xs[p.lhsSpec[0]!]! + first * xc;
      let to = o * ws[p.rhsSpec[0]!]!;
      const inside = tap.every((k, d) => {
        const place = y[d]! * p.windowStrides[d]! + k * p.rhsDilation[d]! - p.padding[d]![0];
        const index = place / p.lhsDilation[d]!;
        from += index * xs[p.lhsSpec[d + 2]!]!;
        to += k * ws[p.rhsSpec[d + 2]!]!;
        return Number.isInteger(index) && index >= 0 && index < x.aval.shape[p.lhsSpec[d + 2]!]!;
      });
      if (!inside) continue;
      for (let c = 0; c < features; c++) {
        const [a, b] = [x.data[from + c * xc]!, w.data[to + c * wc]!];
        total = floating ? total + a * b : (total + Math.imul(a, b)) | 0;
      }
    }
    out[i] = total;
  }
  return out;
}
