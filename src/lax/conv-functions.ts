/** Convolutions as users call them. */

import type { ArrayLike } from '../array.ts';
import { ShapeError } from '../core/errors.ts';
import { checkChoice, checkList, checkNumbers, optionsOf } from '../core/options.ts';
import { range, type Shape } from '../core/shape.ts';
import { bind1, type Value } from '../core/trace.ts';
import { promoteDTypes } from '../promote.ts';
import { convGeneralDilatedP, convParams } from './conv.ts';
import { type DimensionNumbers, dilated, dimensionsOf, type Padding, paddingOf } from './conv-dimensions.ts';
import { pick } from './conv-shape.ts';
import { strengthen, transpose } from './movement.ts';
import { reverse } from './slicing.ts';

export interface ConvOptions {
  /** From window to window, an entry for each spatial axis; 1 when left out. */
  readonly windowStrides?: Shape;
  /** 'VALID' when left out. */
  readonly padding?: Padding;
  /** Distance between neighbours of the input, zeros between them: the transposed convolution of that stride. */
  readonly lhsDilation?: Shape | null;
  /** Distance between the input's elements that neighbours of the kernel meet. */
  readonly rhsDilation?: Shape | null;
  /** `['NCHW', 'OIHW', 'NCHW']`, or the like for other ranks, when left out. */
  readonly dimensionNumbers?: DimensionNumbers | null;
  /** Groups of input features, each of which gives its own output features. */
  readonly featureGroupCount?: number;
  /** Groups of the batch, each of which gives its own output features. */
  readonly batchGroupCount?: number;
}

const operands = (operation: string, x: ArrayLike, w: ArrayLike): [Value, Value] => {
  const [lhs, rhs] = promoteDTypes(operation, [x, w]).map(strengthen) as [Value, Value];
  if (lhs.aval.ndim !== rhs.aval.ndim || lhs.aval.ndim < 2) {
    throw new ShapeError(`${operation}: needs an input and a kernel of one rank, but got ${lhs.aval} and ${rhs.aval}.`);
  }
  return [lhs, rhs];
};

/**
 * The sum, over input features and elements of the kernel, of products with every window of the input: XLA's
 * convolution, which does not reverse the kernel. Spatial axes are in the order in which the kernel's layout names them.
 *
 * @example
 * convGeneralDilated(images, kernel, {
 *   padding: 'SAME',
 *   dimensionNumbers: ['NHWC', 'HWIO', 'NHWC'],
 * }); // f32[8,28,28,3], f32[5,5,3,16] → f32[8,28,28,16]
 * @throws ShapeError when layouts, features, groups or lists do not fit the operands
 */
export const convGeneralDilated = (x: ArrayLike, w: ArrayLike, options: ConvOptions = {}): Value =>
  convNamed('convGeneralDilated', x, w, optionsOf('convGeneralDilated', options, convOptions));

const lists = ['windowStrides', 'lhsDilation', 'rhsDilation', 'strides'] as const;
const convOptions = [
  'windowStrides',
  'padding',
  'lhsDilation',
  'rhsDilation',
  'dimensionNumbers',
  'featureGroupCount',
  'batchGroupCount',
];

/** @throws ShapeError when an option that has an entry for each spatial axis is no list */
function checkLists(operation: string, options: object): void {
  for (const name of lists) {
    const list = (options as Record<string, unknown>)[name];
    if (list !== undefined && list !== null) checkList(operation, `\`${name}\``, list);
  }
}

function convNamed(operation: string, x: ArrayLike, w: ArrayLike, options: ConvOptions): Value {
  const [lhs, rhs] = operands(operation, x, w);
  checkLists(operation, options);
  checkNumbers(operation, options, ['featureGroupCount', 'batchGroupCount']);
  const dimensions = dimensionsOf(operation, lhs.aval.ndim, options.dimensionNumbers);
  const ones = range(lhs.aval.ndim - 2).map(() => 1);
  const windowStrides = options.windowStrides ?? ones;
  const lhsDilation = options.lhsDilation ?? ones;
  const rhsDilation = options.rhsDilation ?? ones;
  const { padding = 'VALID', featureGroupCount = 1, batchGroupCount = 1 } = options;
  if (typeof padding === 'string' && lhsDilation.some((n) => n !== 1)) {
    throw new ShapeError(`${operation}: padding '${padding}' has no meaning for an input with lhsDilation.`, {
      hint: 'give the padding in numbers, or use `convTranspose`',
    });
  }
  const extents = pick(rhs.aval.shape, dimensions.rhsSpec.slice(2)).map((n, d) => dilated(n, rhsDilation[d] ?? 1));
  const lengths = pick(lhs.aval.shape, dimensions.lhsSpec.slice(2));
  const params = convParams({
    ...dimensions,
    windowStrides,
    padding: paddingOf(operation, padding, lengths, extents, windowStrides),
    lhsDilation,
    rhsDilation,
    featureGroupCount,
    batchGroupCount,
  });
  return bind1(convGeneralDilatedP, [lhs, rhs], params);
}

/**
 * The convolution of `f32[N,C,H,W]` with a kernel `f32[O,C,h,w]`, and likewise with other numbers of spatial axes.
 *
 * @example
 * conv(images, kernel, { windowStrides: [2, 2], padding: 'SAME' }); // f32[8,3,28,28], f32[16,3,5,5] → f32[8,16,14,14]
 * @throws ShapeError when the operands do not fit
 */
export const conv = (x: ArrayLike, w: ArrayLike, options: Pick<ConvOptions, 'windowStrides' | 'padding'> = {}): Value =>
  convNamed('conv', x, w, optionsOf('conv', options, ['windowStrides', 'padding']));

export interface ConvTransposeOptions {
  /** How many elements of the result neighbours of the input are apart; 1 when left out. */
  readonly strides?: Shape;
  /** In words, that of the convolution this is the transpose of; in numbers, that of the dilated input. 'VALID' when left out. */
  readonly padding?: 'SAME' | 'VALID' | readonly (readonly [low: number, high: number])[];
  readonly rhsDilation?: Shape | null;
  /** `['NHWC', 'HWIO', 'NHWC']`, or the like for other ranks, when left out. */
  readonly dimensionNumbers?: DimensionNumbers | null;
  /** Whether the kernel is that of the convolution this is the transpose of: reversed, its features exchanged. */
  readonly transposeKernel?: boolean;
}

const channelsLast: readonly (DimensionNumbers | undefined)[] = [
  ['NC', 'IO', 'NC'],
  ['NHC', 'HIO', 'NHC'],
  ['NHWC', 'HWIO', 'NHWC'],
  ['NHWDC', 'HWDIO', 'NHWDC'],
];

/**
 * The transpose of a convolution with strides, as it is used to enlarge images; `lax.conv_transpose` of JAX.
 *
 * @example
 * convTranspose(x, kernel, { strides: [2, 2], padding: 'SAME' }); // f32[8,7,7,32], f32[3,3,32,16] → f32[8,14,14,16]
 * @throws ShapeError when the operands do not fit
 */
export function convTranspose(x: ArrayLike, w: ArrayLike, options: ConvTransposeOptions = {}): Value {
  optionsOf('convTranspose', options, ['strides', 'padding', 'rhsDilation', 'dimensionNumbers', 'transposeKernel']);
  checkLists('convTranspose', options);
  const [lhs, rhs] = operands('convTranspose', x, w);
  const { ndim } = lhs.aval;
  const { padding = 'VALID', rhsDilation, transposeKernel = false } = options;
  if (typeof padding === 'string') checkChoice('convTranspose', 'padding', padding, ['SAME', 'VALID']);
  else checkList('convTranspose', '`padding`', padding);
  const given = options.dimensionNumbers ?? channelsLast[ndim - 2];
  if (!given) {
    throw new ShapeError(
      `convTranspose: operands of rank ${ndim} have no usual layout, so dimensionNumbers are needed.`,
    );
  }
  const dimensions = dimensionsOf('convTranspose', ndim, given);
  const spatial = dimensions.rhsSpec.slice(2);
  const strides = options.strides ?? spatial.map(() => 1);
  const pads =
    typeof padding === 'string'
      ? pick(rhs.aval.shape, spatial).map((n, d) =>
          transposedPadding(dilated(n, rhsDilation?.[d] ?? 1), strides[d] ?? 1, padding),
        )
      : padding;
  let kernel = rhs;
  if (transposeKernel) {
    const [o, i] = dimensions.rhsSpec;
    const exchanged = range(ndim).map((axis) => (axis === o ? i! : axis === i ? o! : axis));
    kernel = transpose(reverse(rhs, spatial), exchanged);
  }
  return convNamed('convTranspose', lhs, kernel, {
    padding: pads,
    lhsDilation: strides,
    rhsDilation: rhsDilation ?? null,
    dimensionNumbers: dimensions,
  });
}

/** Around an input dilated by `stride`, so that n·stride elements come out ('SAME'), or those that any window touches. */
function transposedPadding(extent: number, stride: number, padding: 'SAME' | 'VALID'): readonly [number, number] {
  const same = padding === 'SAME';
  const total = extent + stride - 2 + (same ? 0 : Math.max(extent - stride, 0));
  const before = same && stride < extent ? Math.ceil(total / 2) : extent - 1;
  return [before, total - before];
}
