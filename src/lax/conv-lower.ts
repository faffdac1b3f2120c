/**
 * Convolutions as programs of other operations, which is how they are compiled: windows of the input contracted with the
 * kernel by matrix products. Windows are a view; they are copied only where a matrix of them does not step evenly, so
 * that a kernel of one element, or one as large as the input, is a product of the operands where they lie.
 */

import { readsWindows } from '../../jit/lower/products/window-sizes.ts';
import type { ShapedArray } from '../core/aval.ts';
import { byteSize, isFloating } from '../core/dtype.ts';
import type { Jaxpr } from '../core/jaxpr.ts';
import { range, sizeOf } from '../core/shape.ts';
import { stage } from '../core/stage.ts';
import { bind1, type Value } from '../core/trace.ts';
import { add } from './arithmetic.ts';
import { concatenate } from './concatenate.ts';
import {
  grouped,
  lengthOf,
  type Named,
  type Names,
  ordered,
  partOf,
  repeatedOver,
  spatialAxis,
  standing,
  summedNames,
  type Windows,
  windowsOf,
} from './conv-axes.ts';
import { sumOfProducts, tapByTap } from './conv-depthwise.ts';
import { byPhases, dilatedAxis } from './conv-phases.ts';
import { type ConvParams, convType, pick } from './conv-shape.ts';
import { scalar, zerosLike } from './creation.ts';
import { dotGeneralP } from './dot.ts';
import { broadcastInDim, reshape } from './movement.ts';
import { pad } from './pad.ts';

/** Above this many kernel elements a sum of products is too large for one expression. */
const mostTaps = 25;
/** Bytes of windows that are best copied at a time: they stay in the processor's cache for the product that reads them. */
const cachedBytes = 2 ** 21;
/** A program is not made longer than so many parts. */
const mostParts = 16;

export const convProgram = (p: ConvParams, [x, w]: readonly ShapedArray[]): Jaxpr =>
  stage((lhs, rhs) => [convolve(lhs!, rhs!, p)], [x!, w!]).jaxpr;

function convolve(x: Value, w: Value, p: ConvParams): Value {
  const out = convType(x.aval, w.aval, p);
  if (out.size === 0 || w.aval.size === 0 || x.aval.size === 0) return zerosLike(out);
  const dilated = dilatedAxis(p);
  if (dilated >= 0) return byPhases(x, w, p, dilated, convolve);
  const groups = p.featureGroupCount * p.batchGroupCount;
  const sizes = pick(w.aval.shape, p.rhsSpec.slice(2));
  const [ys, ks] = [sizes.map((_, d) => `y${d}`), sizes.map((_, d) => `k${d}`)];
  const input = grouped(
    { value: padded(x, p), names: standing(p.lhsSpec, ['n', 'c', ...ys]) },
    p.batchGroupCount > 1 ? 'n' : 'c',
    groups,
  );
  const kernel = grouped({ value: w, names: standing(p.rhsSpec, ['o', 'c', ...ks]) }, 'o', groups);
  const outNames = standing(p.outSpec, ['n', 'o', ...ys]).flatMap((name) =>
    name === 'o' && groups > 1 ? ['g', 'o'] : [name],
  );
  let result: Named;
  if (groups > 1 && lengthOf('c', kernel) === 1 && sizeOf(sizes) <= mostTaps) {
    result = tapByTap(input, kernel, sizes, outNames, p);
  } else if (groups > 1 && lengthOf('n', input) === 1 && lengthOf('o', kernel) === 1) {
    result = sumOfProducts(windowsOf(input, sizes, p), kernel);
  } else if (readsInPlace(input, kernel, out, outNames, p)) {
    result = windowed(windowsOf(input, sizes, p), kernel, outNames);
  } else {
    const windows = (out.size / lengthOf('o', kernel)) * (w.aval.size / lengthOf('o', kernel) / groups);
    const worthwhile = windows >= 4 * out.size && windows >= 2 * input.value.aval.size;
    const parts = worthwhile ? Math.min(mostParts, Math.ceil((windows * byteSize(out.dtype)) / cachedBytes)) : 1;
    result = inParts(input, kernel, p, parts, (x, w) => contract(x, w, outNames));
  }
  return reshape(ordered(result, outNames), out.shape);
}

/** The input with its spatial axes dilated and padded. */
function padded(x: Value, p: ConvParams): Value {
  const config = x.aval.shape.map(() => [0, 0, 0] as readonly [number, number, number]);
  p.padding.forEach(([low, high], d) => {
    config[p.lhsSpec[d + 2]!] = [low, high, p.lhsDilation[d]! - 1];
  });
  return pad(x, scalar(0, x.aval.dtype), config);
}

/**
 * Where windows are much larger than the input and the result, they are made and used part by part: of the batch or the
 * windows, whose results are put together, or of what is summed over, whose results add up. The cut goes through the
 * outermost axis that is long enough, so that each part lies in one piece.
 */
function inParts(
  input: Named,
  kernel: Named,
  p: ConvParams,
  parts: number,
  compute: (windows: Windows, kernel: Named) => Named,
): Named {
  const sizes = p.windowStrides.map((_, d) => lengthOf(`k${d}`, kernel));
  const windows = windowsOf(input, sizes, p);
  const axes = windows.names
    .map((name, axis) => ({ name, length: lengthOf(name, windows), stride: windows.strides[axis]! }))
    .filter(({ name }) => name !== 'g')
    .sort((a, b) => b.stride - a.stride);
  const longest = axes.reduce((a, b) => (b.length > a.length ? b : a));
  const { name: cut, length } = axes.find((axis) => axis.length >= parts) ?? longest;
  const step = Math.ceil(length / Math.min(parts, length));
  if (step === length) return compute(windows, kernel);
  const summed = cut === 'c' || cut.startsWith('k');
  const d = spatialAxis(cut);
  const results = range(Math.ceil(length / step)).map((i) => {
    const [start, count] = [i * step, Math.min(step, length - i * step)];
    const [counts, extents] = [windows, kernel].map((x, k) => {
      const name = `${'yk'[k]}${d}`;
      return name === cut ? count : d < 0 ? 0 : lengthOf(name, x);
    }) as [number, number];
    const [stride, dilation] = [p.windowStrides[d] ?? 1, p.rhsDilation[d] ?? 1];
    const own = partOf(input, (name) => {
      if (name === cut && d < 0) return [start, count];
      if (d < 0 || name !== `y${d}`) return undefined;
      return [start * (summed ? dilation : stride), (counts - 1) * stride + (extents - 1) * dilation + 1];
    });
    const weights = summed ? partOf(kernel, (name) => (name === cut ? [start, count] : undefined)) : kernel;
    const ownSizes = sizes.map((size, axis) => (axis === d ? extents : size));
    return compute(windowsOf(own, ownSizes, p), weights);
  });
  const values = results.map(({ value }) => value);
  const { names } = results[0]!;
  return { value: summed ? values.reduce((x, y) => add(x, y)) : concatenate(values, names.indexOf(cut)), names };
}

/**
 * Whether the compiler multiplies windows where they lie, without a copy: of few channels, where these come last, or of rows of
 * pixels.
 */
function readsInPlace(
  input: Named,
  kernel: Named,
  out: ShapedArray,
  outNames: Names,
  { windowStrides, rhsDilation }: ConvParams,
): boolean {
  if (!isFloating(out.dtype)) return false;
  const columns = lengthOf('o', kernel);
  const groups = outNames.includes('g') ? lengthOf('g', kernel) : 1;
  const sums = kernel.value.aval.size / columns / groups;
  if (!readsWindows(out.size / columns / groups, columns, sums, byteSize(out.dtype))) return false;
  const last = outNames.at(-1)!;
  if (last === 'o') return true;
  const d = spatialAxis(last);
  if (input.names.at(-1) !== last || windowStrides[d] !== 1) return false;
  // Of results or of what is summed over, vectors are whole.
  const isSum = kernel.names.at(-1) === `k${d}` && rhsDilation[d] === 1;
  return Math.max(out.shape.at(-1)!, isSum ? kernel.value.aval.shape.at(-1)! / 2 : 0) * byteSize(out.dtype) >= 16;
}

/** A product of windows as they are, a view, with the kernel. */
function windowed(windows: Windows, kernel: Named, outNames: Names): Named {
  const summed = summedNames(windows, kernel);
  const last = outNames.at(-1) === 'o';
  const lead = last ? outNames.filter((name) => name === 'g') : outNames.slice(0, outNames.indexOf('o'));
  const free = outNames.filter((name) => name !== 'o' && !lead.includes(name));
  const [batch, after] = [range(lead.length), summed.map((_, i) => lead.length + i)];
  if (last) {
    const d = {
      lhsBatch: batch,
      rhsBatch: batch,
      lhsContract: after.map((axis) => axis + free.length),
      rhsContract: after,
    };
    const operands = [ordered(windows, [...lead, ...free, ...summed]), ordered(kernel, [...lead, ...summed, 'o'])];
    return { value: bind1(dotGeneralP, operands, d), names: [...lead, ...free, 'o'] };
  }
  const names = [...lead, 'o', ...summed];
  const weights = repeatedOver(
    kernel,
    names,
    names.map((name) => lengthOf(name, lead.includes(name) ? windows : kernel)),
  );
  const d = { lhsBatch: batch, rhsBatch: batch, lhsContract: after.map((axis) => axis + 1), rhsContract: after };
  const product = bind1(dotGeneralP, [weights, ordered(windows, [...lead, ...summed, ...free])], d);
  return { value: product, names: [...lead, 'o', ...free] };
}

/** How many elements in a row an array of this order reads from consecutive places. */
function runLength({ value, names, strides }: Windows, order: Names): number {
  let run = 1;
  for (const name of [...order].reverse()) {
    const axis = names.indexOf(name);
    const n = value.aval.shape[axis]!;
    if (n === 1) continue;
    if (strides[axis] !== run) break;
    run *= n;
  }
  return run;
}

/** Matrices over leading axes. Where rows or columns do not step evenly, this makes the copy. */
function matrices(x: Named, lead: Names, rows: Names, columns: Names): Value {
  const value = ordered(x, [...lead, ...rows, ...columns]);
  const { shape } = value.aval;
  const [outer, inner] = [lead.length, lead.length + rows.length];
  return reshape(value, [...shape.slice(0, outer), sizeOf(shape.slice(outer, inner)), sizeOf(shape.slice(inner))]);
}

/**
 * One matrix product a group, or one a group and a value of the axes before o, so that the product is laid out like the
 * result: for NHWC rows are windows and columns are features, for NCHW each image has rows of features.
 */
function contract(windows: Windows, kernel: Named, outNames: Names): Named {
  const summed = summedNames(windows, kernel);
  const last = outNames.at(-1) === 'o';
  const group = outNames.filter((name) => name === 'g');
  const lead = last ? group : outNames.slice(0, outNames.indexOf('o'));
  const free = outNames.filter((name) => name !== 'o' && !lead.includes(name));
  const shapeOf = (names: Names): number[] => names.map((name) => lengthOf(name, windows));
  // A copy is made in the order that has the longer runs.
  const rowsFirst = runLength(windows, [...free, ...summed]) >= runLength(windows, [...summed, ...free]);
  const patches = rowsFirst ? matrices(windows, lead, free, summed) : matrices(windows, lead, summed, free);
  const weights = matrices(kernel, group, ['o'], summed);
  const batch = range(lead.length);
  const [ofPatches, ofWeights] = [[lead.length + (rowsFirst ? 1 : 0)], [lead.length + 1]];
  if (last) {
    const d = { lhsBatch: batch, rhsBatch: batch, lhsContract: ofPatches, rhsContract: ofWeights };
    const product = bind1(dotGeneralP, [patches, weights], d);
    const names = [...lead, ...free, 'o'];
    return { value: reshape(product, [...shapeOf([...lead, ...free]), lengthOf('o', kernel)]), names };
  }
  const everywhere = broadcastInDim(
    weights,
    [...shapeOf(lead), ...weights.aval.shape.slice(-2)],
    [...group.map((name) => lead.indexOf(name)), lead.length, lead.length + 1],
  );
  const d = { lhsBatch: batch, rhsBatch: batch, lhsContract: ofWeights, rhsContract: ofPatches };
  const product = bind1(dotGeneralP, [everywhere, patches], d);
  const shape = [...shapeOf(lead), lengthOf('o', kernel), ...shapeOf(free)];
  return { value: reshape(product, shape), names: [...lead, 'o', ...free] };
}
