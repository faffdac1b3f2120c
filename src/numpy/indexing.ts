/** Elements by position. */
import type { ArrayLike, Index, IndexedPlaces, NDArray } from '../array.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import { optionsOf } from '../core/options.ts';
import { range } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { le } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { broadcastedIota } from '../lax/creation.ts';
import { indexArray, indexUpdate, isPositions, takeAt } from '../lax/indexing.ts';
import { broadcastTo, reshape } from '../lax/movement.ts';
import * as slicing from '../lax/slicing.ts';
import { promoteDTypes, toValue } from '../promote.ts';
import { fromNumbers, strong } from './array.ts';
import { where } from './elementwise.ts';
import { axisOf, operand, ravel } from './shape.ts';

/** Part of `x`: what `x.slice(…index)` calls. */
export const slice = (x: ArrayLike, ...index: Index[]): NDArray => indexArray(operand(x, 'slice'), index);

/** Places of `x` to update in a copy: what `x.at(…index)` calls. */
export function at(x: NDArray, ...index: Index[]): IndexedPlaces {
  const update = (mode: 'set' | 'add' | 'mul' | 'min' | 'max') => (values: ArrayLike) =>
    indexUpdate(strong(x), index, values, mode);
  return { set: update('set'), add: update('add'), mul: update('mul'), min: update('min'), max: update('max') };
}

/** Integers to use as positions. */
export const indices = (x: ArrayLike | readonly number[], operation: string): Value => {
  const value = Array.isArray(x) ? fromNumbers(x, [x.length], 'int32') : toValue(x as ArrayLike, operation);
  if (value.literal !== undefined && Number.isInteger(value.literal)) return convert(value, 'int32');
  if (value.aval.isFloating || value.aval.dtype === 'bool') {
    throw new DtypeError(`${operation}: indices must be integers, but are ${value.aval}.`, {
      hint: "convert them: `indices.astype('int32')`",
    });
  }
  return value;
};

/**
 * Elements of the array as a vector, or slices along `axis`, at the given positions. Negative ones count from the end.
 *
 * @example
 * np.take(x, [2, 0], { axis: 1 });
 */
export function take(
  x: ArrayLike,
  index: ArrayLike | readonly number[],
  given: { axis?: number | null } = {},
): NDArray {
  const { axis = null } = optionsOf('take', given, ['axis']);
  const value = axis === null ? ravel(x) : operand(x, 'take');
  const along = axisOf(value, axis ?? 0, 'take');
  const positions = indices(index, 'take');
  if (isPositions(positions, value, along)) return takeAt(value, positions, along);
  return indexArray(value, [...range(along).map((): Index => []), positions]);
}

/** For each place of `index`, the element of `x` at that position along `axis`: what `argsort` results are for. */
export function takeAlongAxis(x: ArrayLike, index: ArrayLike, given: { axis?: number | null } = {}): NDArray {
  const { axis = -1 } = optionsOf('takeAlongAxis', given, ['axis']);
  const positions = indices(index, 'takeAlongAxis');
  if (axis === null) return take(x, ravel(positions));
  const value = operand(x, 'takeAlongAxis');
  const along = axisOf(value, axis, 'takeAlongAxis');
  if (positions.ndim !== value.ndim) {
    throw new ShapeError(`takeAlongAxis: ${value.aval} and indices ${positions.aval} differ in rank.`);
  }
  const shape = value.shape.map((n, i) => (i === along ? positions.shape[i]! : n));
  const wanted = broadcastTo(positions, shape);
  return indexArray(
    value,
    shape.map((_, i) => (i === along ? wanted : broadcastedIota('int32', shape, i))),
  );
}

/** Elements of the first choice whose condition is true; `fallback` where there is none. */
function selectFirst(
  conditions: readonly ArrayLike[],
  choices: readonly ArrayLike[],
  fallback: ArrayLike = 0,
): NDArray {
  if (conditions.length !== choices.length) {
    throw new ShapeError(`select: ${conditions.length} conditions for ${choices.length} choices.`);
  }
  return choices.reduceRight<NDArray>(
    (rest, choice, i) => where(conditions[i]!, choice, rest),
    toValue(fallback, 'select'),
  );
}

export { selectFirst as select };

/** Elementwise, the element of the choice whose number `index` holds; numbers outside are limited to the range. */
export function choose(index: ArrayLike, choices: readonly ArrayLike[]): NDArray {
  const number = indices(index, 'choose');
  const values = promoteDTypes('choose', choices);
  return values.reduceRight<NDArray>((rest, choice, i) => where(le(number, i), choice, rest), values.at(-1)!);
}

/**
 * The distinct elements in increasing order. The shape depends on the values: concrete arrays only.
 * @throws TraceError on traced arrays
 */
export function unique(x: ArrayLike): NDArray {
  const value = operand(x, 'unique');
  const sorted = value.data().sort();
  const distinct = [...sorted].filter(
    (v, i) => i === 0 || !(v === sorted[i - 1] || (Number.isNaN(v) && Number.isNaN(sorted[i - 1]))),
  );
  return fromNumbers(distinct, [distinct.length], value.dtype);
}

/**
 * Positions of the elements that are not 0: one int32 vector per axis. Concrete arrays only.
 * @throws TraceError on traced arrays
 */
export function nonzero(x: ArrayLike): NDArray[] {
  const value = operand(x, 'nonzero');
  const found: number[] = [];
  value.data().forEach((v, i) => {
    if (v !== 0) found.push(i);
  });
  let below = value.size;
  return value.shape.map((n) => {
    below /= n;
    const step = below;
    return fromNumbers(
      found.map((i) => Math.floor(i / step) % n),
      [found.length],
      'int32',
    );
  });
}
export const flatnonzero = (x: ArrayLike): NDArray => nonzero(ravel(x))[0]!;
export const argwhere = (x: ArrayLike): NDArray => {
  const parts = nonzero(x);
  return slicing.concatenate(
    parts.map((p) => reshape(p, [p.size, 1])),
    1,
  );
};
