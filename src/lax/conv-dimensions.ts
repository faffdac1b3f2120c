/** Layouts and paddings of convolutions, as JAX writes them. */

import { ShapeError } from '../core/errors.ts';
import { naming } from '../core/options.ts';
import { range, type Shape } from '../core/shape.ts';

/** `'SAME'`: as many windows as the length divided by the stride, rounded up; `'VALID'`: those that fit; or [low, high] an axis. */
export type Padding = 'SAME' | 'SAME_LOWER' | 'VALID' | readonly (readonly [low: number, high: number])[];

/**
 * Where the axes of the operands and the result stand: (batch, feature, spatial…) of the input, (output feature, input
 * feature, spatial…) of the kernel, (batch, feature, spatial…) of the result.
 */
export interface ConvDimensions {
  readonly lhsSpec: readonly number[];
  readonly rhsSpec: readonly number[];
  readonly outSpec: readonly number[];
}

/** Layouts as letters: N batch, C feature; O and I of the kernel; any other letter is a spatial axis. */
export type DimensionNumbers = readonly [lhs: string, rhs: string, out: string] | ConvDimensions;

const isSpec = (d: DimensionNumbers): d is ConvDimensions => !Array.isArray(d);

/** Axes in the order that primitives use; spatial axes are numbered as the kernel names them. */
export function dimensionsOf(
  operation: string,
  rank: number,
  given: DimensionNumbers | null | undefined,
): ConvDimensions {
  if (!given) return { lhsSpec: range(rank), rhsSpec: range(rank), outSpec: range(rank) };
  if (typeof given !== 'object')
    throw new ShapeError(`${operation}: dimensionNumbers must be three layouts, but they are ${naming(given)}.`);
  if (isSpec(given)) return given;
  const [lhs, rhs, out] = given;
  const shown = given.map((layout) => `'${layout}'`).join(', ');
  const letters = [
    ['N', 'C'],
    ['O', 'I'],
    ['N', 'C'],
  ] as const;
  const spatial = [...rhs].filter((letter) => letter !== 'O' && letter !== 'I');
  const specs = given.map((layout, i) => [...letters[i]!, ...spatial].map((letter) => layout.indexOf(letter)));
  const fits = given.every((layout, i) => {
    const axes = specs[i]!;
    return layout.length === axes.length && new Set(layout).size === layout.length && !axes.includes(-1);
  });
  if (!fits) {
    throw new ShapeError(
      `${operation}: dimensionNumbers [${shown}] need the letters N and C for the input and the result, O and I for the kernel, and the same spatial letters in all three.`,
    );
  }
  if (lhs.length !== rank || rhs.length !== rank || out.length !== rank) {
    throw new ShapeError(`${operation}: dimensionNumbers [${shown}] do not fit operands of rank ${rank}.`);
  }
  return { lhsSpec: specs[0]!, rhsSpec: specs[1]!, outSpec: specs[2]! };
}

/** The padding in numbers, for windows that extend over `extents` elements of axes of these lengths. */
export function paddingOf(
  operation: string,
  padding: Padding,
  lengths: Shape,
  extents: Shape,
  strides: Shape,
): (readonly [number, number])[] {
  if (typeof padding !== 'string') return padding.map(([low, high]) => [low, high] as const);
  if (padding === 'VALID') return lengths.map(() => [0, 0] as const);
  if (padding !== 'SAME' && padding !== 'SAME_LOWER') {
    throw new ShapeError(
      `${operation}: padding must be 'SAME', 'SAME_LOWER', 'VALID' or a list of [low, high], but is '${padding}'.`,
    );
  }
  return lengths.map((n, i) => {
    const windows = Math.ceil(n / strides[i]!);
    const total = Math.max(0, (windows - 1) * strides[i]! + extents[i]! - n);
    const less = Math.floor(total / 2);
    return padding === 'SAME' ? ([less, total - less] as const) : ([total - less, less] as const);
  });
}

/** How far `n` elements extend at this distance from each other. */
export const dilated = (n: number, dilation: number): number => (n === 0 ? 0 : (n - 1) * dilation + 1);
