/** Folds over the elements that are not NaN, under NumPy's names. */
import { type ArrayLike, NDArray } from '../array.ts';
import { isFloating } from '../core/dtype.ts';
import { optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import type { Value } from '../core/trace.ts';
import * as argreduce from '../lax/argreduce.ts';
import { div, mul, sqrt, sub } from '../lax/arithmetic.ts';
import { eq, ne, select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { and } from '../lax/logic.ts';
import * as lax from '../lax/reductions.ts';
import { toValue } from '../promote.ts';
import { type MeanOptions, mean, operandIn, type VarOptions, varOptions } from './averages.ts';
import { add, maximum, minimum, multiply } from './elementwise.ts';
import {
  type ArgReduceOptions,
  all,
  type ExtremumOptions,
  extremum,
  folded,
  positionOf,
  type Reduction,
  type SumOptions,
  sum,
  withMask,
} from './reductions.ts';

const isNaNOf = (x: Value): Value => ne(x, x);

const withoutNaN =
  (neutral: number) =>
  (x: Value): Value =>
    isFloating(x.aval.dtype) ? select(isNaNOf(x), neutral, x) : x;
/** Sum of the elements that are not NaN. */
export const nansum: Reduction<SumOptions> = folded('nansum', lax.sum, 0, add, withoutNaN(0));
export const nanprod: Reduction<SumOptions> = folded('nanprod', lax.prod, 1, multiply, withoutNaN(1));

/** NaN where there is nothing else to take. */
const orNaN = (fold: Reduction<ExtremumOptions>): Reduction<ExtremumOptions> =>
  recorded((x, given = {}) => {
    const known = fold(x, given);
    if (given.initial !== undefined || !isFloating(known.dtype)) return known;
    const { axis = null, keepdims = false } = given;
    return select(all(isNaNOf(toValue(x, 'nanmax')), { axis, keepdims }), Number.NaN, known);
  });
/** Largest element that is not NaN; NaN where there is none. */
export const nanmax: Reduction<ExtremumOptions> = orNaN(
  extremum('nanmax', lax.reduceMax, maximum, withoutNaN(Number.NEGATIVE_INFINITY)),
);
export const nanmin: Reduction<ExtremumOptions> = orNaN(
  extremum('nanmin', lax.reduceMin, minimum, withoutNaN(Number.POSITIVE_INFINITY)),
);

const nanPosition = (
  name: string,
  neutral: number,
  fold: (x: Value, options: { axis: number; keepdims: boolean }) => Value,
) =>
  positionOf(name, (x, options) => {
    if (!x.aval.isFloating) return fold(x, options);
    const missing = isNaNOf(x);
    return select(lax.all(missing, options), -1, fold(select(missing, neutral, x), options));
  });
/** Index of the first largest element that is not NaN; int32, −1 where there is none. */
export const nanargmax: (x: ArrayLike, options?: ArgReduceOptions) => NDArray = nanPosition(
  'nanargmax',
  Number.NEGATIVE_INFINITY,
  argreduce.argmax,
);
/** Index of the first smallest element that is not NaN; int32, −1 where there is none. */
export const nanargmin: (x: ArrayLike, options?: ArgReduceOptions) => NDArray = nanPosition(
  'nanargmin',
  Number.POSITIVE_INFINITY,
  argreduce.argmin,
);

/** The operand, and which of its elements are neither NaN nor masked. */
function known(name: string, x: Value, where: ArrayLike | undefined): [value: Value, present: Value] {
  if (where === undefined) return [x, eq(x, x)];
  const [value, mask] = withMask(name, x, where);
  return [value, and(mask, eq(value, value))];
}

/** Integers and bools are none. */
const hasNoNaN = (x: ArrayLike, where: ArrayLike | undefined): boolean =>
  where === undefined && x instanceof NDArray && !isFloating(x.dtype);

/** Mean of the elements that are not NaN. */
export const nanmean: (x: ArrayLike, options?: MeanOptions) => NDArray = recorded((x, given = {}) => {
  const {
    axis = null,
    keepdims = false,
    where,
    dtype,
  } = optionsOf('nanmean', given, ['axis', 'keepdims', 'where', 'dtype']);
  if (hasNoNaN(x, where)) return mean(x, { axis, keepdims, ...(dtype && { dtype }) });
  const [value, present] = known('nanmean', operandIn('nanmean', x, dtype), where);
  const options = { axis, keepdims };
  return div(sum(select(present, value, 0), options), sum(convert(present, value.dtype), options));
});

function nanVariance(name: string, x: ArrayLike, given: VarOptions): NDArray {
  const { axis = null, keepdims = false, ddof = 0, where, dtype } = varOptions(name, given);
  const [value, present] = known(name, operandIn(name, x, dtype), where);
  const options = { axis, keepdims };
  const centre = nanmean(value, { axis, keepdims: true, where: present });
  const centred = select(present, sub(value, centre), 0);
  return div(sum(mul(centred, centred), options), sub(sum(convert(present, value.dtype), options), ddof));
}
/** Variance of the elements that are not NaN. */
export const nanvar: (x: ArrayLike, options?: VarOptions) => NDArray = recorded((x, options = {}) =>
  nanVariance('nanvar', x, options),
);
export const nanstd: (x: ArrayLike, options?: VarOptions) => NDArray = recorded((x, options = {}) =>
  sqrt(nanVariance('nanstd', x, options)),
);
