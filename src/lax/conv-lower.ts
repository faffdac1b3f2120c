/**
 * Convolutions as programs of other operations, which is how they are compiled: windows of the input contracted with the
 * kernel by matrix products. Windows are a view; they are copied only where a matrix of them does not step evenly, so
 * that a kernel of one element, or one as large as the input, is a product of the operands where they lie.
 *
 * Axes go by names: n batch, g group, c input feature, o output feature, y0… windows, k0… kernel elements.
 */
import type { ShapedArray } from '../core/aval.ts';
import { byteSize } from '../core/dtype.ts';
import type { Jaxpr } from '../core/jaxpr.ts';
import { range, type Shape, sizeOf, stridesOf } from '../core/shape.ts';
import { stage } from '../core/stage.ts';
import { bind1, type Value } from '../core/trace.ts';
import { add, mul } from './arithmetic.ts';
import { concatenate } from './concatenate.ts';
import { positionsOf, slidingWindows } from './conv-patches.ts';
import { type ConvParams, convType, pick } from './conv-shape.ts';
import { scalar, zerosLike } from './creation.ts';
import { dotGeneralP } from './dot.ts';
import { broadcastInDim, reshape, transpose } from './movement.ts';
import { pad } from './pad.ts';
import { sum } from './reductions.ts';
import { slice } from './slicing.ts';

type Names = readonly string[];

/** An array with names for its axes. */
interface Named {
  readonly value: Value;
  readonly names: Names;
}

/** Above this many kernel elements a sum of products is too large for one expression. */
const mostTaps = 25;

export const convProgram = (p: ConvParams, [x, w]: readonly ShapedArray[]): Jaxpr =>
  stage((lhs, rhs) => [convolve(lhs!, rhs!, p)], [x!, w!]).jaxpr;

function convolve(x: Value, w: Value, p: ConvParams): Value {
  const out = convType(x.aval, w.aval, p);
  if (out.size === 0 || w.aval.size === 0 || x.aval.size === 0) return zerosLike(out);
  const groups = p.featureGroupCount * p.batchGroupCount;
  const sizes = pick(w.aval.shape, p.rhsSpec.slice(2));
  const [ys, ks] = [sizes.map((_, d) => `y${d}`), sizes.map((_, d) => `k${d}`)];
  const input = grouped(
    { value: padded(x, p), names: spread(p.lhsSpec, ['n', 'c', ...ys]) },
    p.batchGroupCount > 1 ? 'n' : 'c',
    groups,
  );
  const kernel = grouped({ value: w, names: spread(p.rhsSpec, ['o', 'c', ...ks]) }, 'o', groups);
  const outNames = spread(p.outSpec, ['n', 'o', ...ys]).flatMap((name) =>
    name === 'o' && groups > 1 ? ['g', 'o'] : [name],
  );
  const lengthOf = (name: string, { names, value }: Named): number => value.aval.shape[names.indexOf(name)]!;
  let result: Named;
  if (groups > 1 && lengthOf('c', kernel) === 1 && sizeOf(sizes) <= mostTaps) {
    result = tapByTap(input, kernel, sizes, outNames, p);
  } else {
    const single = lengthOf('n', input) === 1 && lengthOf('o', kernel) === 1;
    if (groups > 1 && single) result = sumOfProducts(windowsOf(input, sizes, p), kernel);
    else result = inParts(input, kernel, out, (x, w) => contract(windowsOf(x, sizes, p), w, outNames));
  }
  return reshape(ordered(result, outNames), out.shape);
}

/** The names of axes in the order they stand, from the positions of the named axes. */
const spread = (spec: readonly number[], names: Names): string[] => {
  const out = new Array<string>(spec.length);
  spec.forEach((axis, i) => {
    out[axis] = names[i]!;
  });
  return out;
};

/** The input with its spatial axes dilated and padded. */
function padded(x: Value, p: ConvParams): Value {
  const config = x.aval.shape.map(() => [0, 0, 0] as readonly [number, number, number]);
  p.padding.forEach(([low, high], d) => {
    config[p.lhsSpec[d + 2]!] = [low, high, p.lhsDilation[d]! - 1];
  });
  return pad(x, scalar(0, x.aval.dtype), config);
}

/** The axis `name` as (g, name). */
function grouped({ value, names }: Named, name: string, groups: number): Named {
  if (groups === 1) return { value, names };
  const at = names.indexOf(name);
  const { shape } = value.aval;
  return {
    value: reshape(value, [...shape.slice(0, at), groups, shape[at]! / groups, ...shape.slice(at + 1)]),
    names: [...names.slice(0, at), 'g', ...names.slice(at)],
  };
}

const ordered = ({ value, names }: Named, order: Names): Value =>
  transpose(
    value,
    order.map((name) => names.indexOf(name)),
  );

/** Windows, with the distance in the input of neighbours along each axis. */
interface Windows extends Named {
  readonly strides: readonly number[];
}

function windowsOf({ value, names }: Named, sizes: Shape, p: ConvParams): Windows {
  const perAxis = (list: Shape): number[] =>
    names.map((name) => (name.startsWith('y') ? list[Number(name.slice(1))]! : 1));
  const params = { sizes: perAxis(sizes), strides: perAxis(p.windowStrides), dilations: perAxis(p.rhsDilation) };
  const windows = slidingWindows(value, params);
  const spatial = range(names.length).filter((axis) => names[axis]!.startsWith('y'));
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

/** What both operands have and the result has not, far apart elements first: the order in which the input lies. */
const summedNames = (windows: Windows, kernel: Named): string[] =>
  kernel.names
    .filter((name) => name !== 'g' && name !== 'o')
    .sort((a, b) => windows.strides[windows.names.indexOf(b)]! - windows.strides[windows.names.indexOf(a)]!);

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
  const shapeOf = (names: Names): number[] =>
    names.map((name) => windows.value.aval.shape[windows.names.indexOf(name)]!);
  // A copy is made in the order that has the longer runs.
  const rowsFirst = runLength(windows, [...free, ...summed]) >= runLength(windows, [...summed, ...free]);
  const patches = rowsFirst ? matrices(windows, lead, free, summed) : matrices(windows, lead, summed, free);
  const weights = matrices(kernel, group, ['o'], summed);
  const k = lead.length + (rowsFirst ? 1 : 0);
  const batch = range(lead.length);
  const dimensions = { lhsBatch: batch, rhsBatch: batch };
  if (last) {
    const d = { ...dimensions, lhsContract: [k], rhsContract: [lead.length + 1] };
    const product = bind1(dotGeneralP, [patches, weights], d);
    const names = [...lead, ...free, 'o'];
    return { value: reshape(product, [...shapeOf([...lead, ...free]), product.aval.shape.at(-1)!]), names };
  }
  const [features, length] = weights.aval.shape.slice(-2) as [number, number];
  const everywhere = broadcastInDim(
    weights,
    [...shapeOf(lead), features, length],
    [...group.map((name) => lead.indexOf(name)), lead.length, lead.length + 1],
  );
  const d = { ...dimensions, lhsContract: [lead.length + 1], rhsContract: [k] };
  const product = bind1(dotGeneralP, [everywhere, patches], d);
  return { value: reshape(product, [...shapeOf(lead), features, ...shapeOf(free)]), names: [...lead, 'o', ...free] };
}

/** The array over axes `names` of these lengths; it lacks some of them, and the others are in order. */
const spreadOver = (x: Named, names: Names, shape: Shape): Value => {
  const own = names.filter((name) => x.names.includes(name));
  return broadcastInDim(
    ordered(x, own),
    shape,
    own.map((name) => names.indexOf(name)),
  );
};

const without = ({ value, names }: Named, dropped: Names): Named => {
  const kept = range(names.length).filter((axis) => !dropped.includes(names[axis]!));
  return {
    value: reshape(value, pick(value.aval.shape, kept)),
    names: kept.map((axis) => names[axis]!),
  };
};

/** Bytes of windows that are best copied at a time: they stay in the processor's cache for the product that reads them. */
const cachedBytes = 2 ** 20;
/** A program is not made longer than so many parts. */
const mostParts = 32;

/**
 * Windows are many times larger than the input. Where they are also much larger than the result, they are made and used
 * part by part: of the batch, whose results are put together, or of the input features, whose results add up.
 */
function inParts(
  input: Named,
  kernel: Named,
  out: ShapedArray,
  compute: (input: Named, kernel: Named) => Named,
): Named {
  const lengthOf = (name: string, { names, value }: Named): number => value.aval.shape[names.indexOf(name)]!;
  const features = lengthOf('o', kernel);
  const windows = (out.size / features) * (kernel.value.aval.size / features / groupsOf(kernel));
  const name = input.names.find((own) => own === 'n' || own === 'c')!;
  const length = lengthOf(name, input);
  const parts = Math.min(mostParts, length, Math.ceil((windows * byteSize(out.dtype)) / cachedBytes));
  if (parts < 2 || windows < 4 * out.size || windows < 2 * input.value.aval.size) return compute(input, kernel);
  const step = Math.ceil(length / parts);
  const cut = (x: Named, from: number): Named => {
    const axis = x.names.indexOf(name);
    const { shape } = x.value.aval;
    const starts = shape.map((_, i) => (i === axis ? from : 0));
    const limits = shape.map((n, i) => (i === axis ? Math.min(n, from + step) : n));
    return { value: slice(x.value, starts, limits), names: x.names };
  };
  const results = range(Math.ceil(length / step)).map((i) =>
    compute(cut(input, i * step), name === 'c' ? cut(kernel, i * step) : kernel),
  );
  const values = results.map(({ value }) => value);
  const { names } = results[0]!;
  return { value: name === 'c' ? values.reduce((x, y) => add(x, y)) : concatenate(values, names.indexOf('n')), names };
}

const groupsOf = ({ names, value }: Named): number => value.aval.shape[names.indexOf('g')] ?? 1;

/** One input feature a group (a depthwise convolution): for each kernel element, a slice of the input times a weight. */
function tapByTap(input: Named, kernel: Named, sizes: Shape, outNames: Names, p: ConvParams): Named {
  const { shape } = input.value.aval;
  const lists = sizes.map((_, d) => {
    const n = shape[input.names.indexOf(`y${d}`)]!;
    return Math.floor((n - (sizes[d]! - 1) * p.rhsDilation[d]! - 1) / p.windowStrides[d]!) + 1;
  });
  const outShape = outNames.map((name) => {
    if (name.startsWith('y')) return lists[Number(name.slice(1))]!;
    const holder = name === 'o' ? kernel : input;
    return holder.value.aval.shape[holder.names.indexOf(name)]!;
  });
  const terms = positionsOf(sizes).map((tap) => {
    const along = (name: string): number => (name.startsWith('y') ? Number(name.slice(1)) : -1);
    const start = input.names.map((name) => {
      const d = along(name);
      return d < 0 ? 0 : tap[d]! * p.rhsDilation[d]!;
    });
    const limit = input.names.map((name, axis) => {
      const d = along(name);
      return d < 0 ? shape[axis]! : start[axis]! + (lists[d]! - 1) * p.windowStrides[d]! + 1;
    });
    const stride = input.names.map((name) => (along(name) < 0 ? 1 : p.windowStrides[along(name)]!));
    const part = without({ value: slice(input.value, start, limit, stride), names: input.names }, ['c']);
    const at = kernel.names.map((name) => (name.startsWith('k') ? tap[Number(name.slice(1))]! : 0));
    const end = kernel.names.map((name, axis) =>
      name.startsWith('k') ? at[axis]! + 1 : kernel.value.aval.shape[axis]!,
    );
    const weight = without(
      { value: slice(kernel.value, at, end), names: kernel.names },
      kernel.names.filter((name) => name !== 'g' && name !== 'o'),
    );
    return mul(spreadOver(part, outNames, outShape), spreadOver(weight, outNames, outShape));
  });
  return { value: terms.reduce((a, b) => add(a, b)), names: outNames };
}

/** One sample and one output feature a group (the derivative in a depthwise kernel): products, summed as they arise. */
function sumOfProducts(windows: Windows, kernel: Named): Named {
  const summed = summedNames(windows, kernel);
  const kept = windows.names.filter((name) => name.startsWith('y'));
  // Neighbours in memory come last, where they are lanes.
  const inner = windows.strides[windows.names.indexOf('g')] === 1;
  const names = inner ? [...kept, ...summed, 'g'] : ['g', ...kept, ...summed];
  const patches = ordered(without(windows, ['n']), names);
  const weights = spreadOver(without(kernel, ['o']), names, patches.aval.shape);
  const total = sum(mul(patches, weights), { axis: summed.map((name) => names.indexOf(name)) });
  return {
    value: reshape(total, [...total.aval.shape, 1, 1]),
    names: [...names.filter((name) => !summed.includes(name)), 'n', 'o'],
  };
}
