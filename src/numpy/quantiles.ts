/** Quantiles. */
import { type ArrayLike, NDArray } from '../array.ts';
import { isFloating } from '../core/dtype.ts';
import { CotangentError, ShapeError } from '../core/errors.ts';
import { naming, optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import { range } from '../core/shape.ts';
import { currentTrace, type Value } from '../core/trace.ts';
import { add, ceil, div, floor, max, mul, round, sub } from '../lax/arithmetic.ts';
import { eq, ne, select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { broadcastTo, reshape, transpose } from '../lax/movement.ts';
import { reduceAxes, sum } from '../lax/reductions.ts';
import { slice } from '../lax/slicing.ts';
import { sort } from '../lax/sort.ts';
import { toFloating, toValue } from '../promote.ts';
import { array, strong } from './array.ts';
import { isnan } from './functions.ts';
import { take, takeAlongAxis } from './indexing.ts';
import { any, type ReduceOptions } from './reductions.ts';

export interface QuantileOptions extends ReduceOptions {
  /** What to take between two elements: `linear` when left out. */
  method?: 'linear' | 'lower' | 'higher' | 'midpoint' | 'nearest';
}

const methods = ['linear', 'lower', 'higher', 'midpoint', 'nearest'];

/**
 * The q-th quantiles over axes, q in [0, 1]: the axes of `q` come first in the result. NaN where there is one.
 * Levels that are traced are not checked.
 *
 * @example
 * np.quantile(x, [0.25, 0.75]); // the quartiles
 */
export function quantile(x: ArrayLike, q: ArrayLike | readonly number[], options: QuantileOptions = {}): NDArray {
  checkLevels('quantile', q, 1);
  return quantileNamed('quantile', x, Array.isArray(q) ? array(q) : (q as ArrayLike), options);
}

/** @throws CotangentError when levels that are known do not lie between 0 and `most` */
function checkLevels(name: string, q: ArrayLike | readonly number[], most: number): void {
  const known = q instanceof NDArray && q.concrete;
  const levels = typeof q === 'number' ? [q] : Array.isArray(q) ? q : known ? [...known.data()] : [];
  for (const level of levels)
    if (typeof level !== 'number' || !(level >= 0 && level <= most))
      throw new CotangentError(`${name}: q must lie between 0 and ${most}, but it is ${naming(level)}.`);
}

/** As `quantile`, with q in percent. */
export function percentile(x: ArrayLike, q: ArrayLike | readonly number[], options: QuantileOptions = {}): NDArray {
  checkLevels('percentile', q, 100);
  if (Array.isArray(q)) return quantileNamed('percentile', x, array(q.map((p) => p / 100)), options);
  const level = typeof q === 'number' ? q / 100 : div(toValue(q as ArrayLike, 'percentile'), 100);
  return quantileNamed('percentile', x, level, options);
}

/** The middle element, or the mean of the two in the middle. */
export const median = (x: ArrayLike, options: ReduceOptions = {}): NDArray => quantileNamed('median', x, 0.5, options);

function checkMethod(name: string, method: QuantileOptions['method']): void {
  if (methods.includes(method!)) return;
  const list = methods.map((m) => `'${m}'`).join(', ');
  throw new CotangentError(`${name}: method must be one of ${list}, but it is ${naming(method)}.`);
}

function knownOptions(name: string, given: QuantileOptions) {
  const known = ['axis', 'keepdims', ...(name.endsWith('median') ? [] : ['method'])];
  const { axis, keepdims = false, method = 'linear' } = optionsOf(name, given, known);
  checkMethod(name, method);
  return { axis, keepdims, method };
}

/** The elements over some axes as one axis in front, in order; what is left of the shape, and the same with axes of length 1. */
function inOrder(name: string, x: ArrayLike, axis: ReduceOptions['axis']) {
  const value = strong(toFloating(x, name));
  const axes = reduceAxes(name, value, axis);
  const kept = range(value.ndim).filter((a) => !axes.includes(a));
  const n = axes.reduce((product, a) => product * value.shape[a]!, 1);
  if (n === 0) throw new ShapeError(`${name}: ${value.aval} has no elements to order.`);
  const keptShape = kept.map((a) => value.shape[a]!);
  const columns = reshape(transpose(value, [...axes, ...kept]), [n, ...keptShape]);
  const oneShape = value.shape.map((m, a) => (axes.includes(a) ? 1 : m));
  return { value, ordered: sort(columns, { axis: 0 }), keptShape, oneShape };
}

const quantileNamed: (name: string, x: ArrayLike, q: ArrayLike, options: QuantileOptions) => NDArray = recorded(
  (name, x, q, given) => {
    const { axis, keepdims, method } = knownOptions(name, given);
    const { value, ordered, keptShape, oneShape } = inOrder(name, x, axis);
    const n = ordered.shape[0]!;
    const level = toValue(q, name);
    // NaNs are the last in order.
    const last = orderedAt(ordered, n - 1);
    const missing = ne(last, last);
    const number = level.aval.weakType ? level.literal : undefined;
    if (number !== undefined) {
      const result = select(missing, Number.NaN, quantileAt(ordered, number * (n - 1), method));
      return keepdims ? reshape(result, oneShape) : result;
    }
    const at = (position: Value): NDArray => take(ordered, convert(position, 'int32'), { axis: 0, mode: 'clip' });
    const position = mul(level.aval.weakType ? level : convert(level, value.dtype), n - 1);
    const weightShape = [...position.shape, ...keptShape.map(() => 1)];
    const spread = (weight: Value): Value => (weight.ndim === 0 ? weight : reshape(weight, weightShape));
    const result = select(missing, Number.NaN, elementAt(at, position, method, spread));
    if (!keepdims) return result;
    return reshape(result, [...level.shape, ...oneShape]);
  },
);

/** What stands at computed positions, which may lie between elements. `spread` gives weights the shape of elements. */
function elementAt(
  at: (position: Value) => NDArray,
  position: Value,
  method: QuantileOptions['method'],
  spread: (weight: Value) => Value,
): NDArray {
  if (method === 'lower') return at(floor(position));
  if (method === 'higher') return at(ceil(position));
  if (method === 'nearest') return at(round(position));
  const below = floor(position);
  const weight = method === 'midpoint' ? mul(sub(ceil(position), below), 0.5) : sub(position, below);
  return between(at(below), at(ceil(position)), spread(weight));
}

/** The i-th along the first axis. */
const orderedAt = (ordered: Value, i: number): NDArray => {
  const [, ...rest] = ordered.shape;
  return reshape(slice(ordered, [i, ...rest.map(() => 0)], [i + 1, ...rest]), rest);
};

/** The quantile at a position that is known, between 0 and the length of the first axis less 1. */
function quantileAt(ordered: Value, position: number, method: QuantileOptions['method']): NDArray {
  const [below, above] = [Math.floor(position), Math.ceil(position)];
  if (method === 'lower' || below === above) return orderedAt(ordered, below);
  if (method === 'higher') return orderedAt(ordered, above);
  const weight = position - below;
  // Of two that are as near the even one.
  if (method === 'nearest')
    return orderedAt(ordered, weight < 0.5 || (weight === 0.5 && below % 2 === 0) ? below : above);
  return between(orderedAt(ordered, below), orderedAt(ordered, above), method === 'midpoint' ? 0.5 : weight);
}

/** low·(1 − weight) + high·weight. */
function between(low: Value, high: Value, weight: Value | number): NDArray {
  const mean = add(mul(low, typeof weight === 'number' ? 1 - weight : sub(1, weight)), mul(high, weight));
  // Equal neighbours, infinite ones above all, stay as they are; each has its share of the derivative.
  const gap = sub(high, low);
  const same = add(low, mul(select(ne(gap, gap), 0, gap), weight));
  return select(ne(low, high), mean, same);
}

/** As `quantile`, of the elements that are not NaN; NaN where there is none. */
export function nanquantile(x: ArrayLike, q: ArrayLike | readonly number[], options: QuantileOptions = {}): NDArray {
  checkLevels('nanquantile', q, 1);
  return nanQuantileNamed('nanquantile', x, Array.isArray(q) ? array(q) : (q as ArrayLike), options);
}

/** As `percentile`, of the elements that are not NaN; NaN where there is none. */
export function nanpercentile(x: ArrayLike, q: ArrayLike | readonly number[], options: QuantileOptions = {}): NDArray {
  checkLevels('nanpercentile', q, 100);
  if (Array.isArray(q)) return nanQuantileNamed('nanpercentile', x, array(q.map((p) => p / 100)), options);
  const level = typeof q === 'number' ? q / 100 : div(toValue(q as ArrayLike, 'nanpercentile'), 100);
  return nanQuantileNamed('nanpercentile', x, level, options);
}

/** As `median`, of the elements that are not NaN; NaN where there is none. */
export const nanmedian = (x: ArrayLike, options: ReduceOptions = {}): NDArray =>
  nanQuantileNamed('nanmedian', x, 0.5, options);

const anyNaN = recorded((x: NDArray) => any(isnan(x)));

const hasNaN = (x: NDArray): boolean => {
  using missing = anyNaN(x);
  return missing.item<boolean>();
};

/** Elements up to which an order for nothing takes less time than another look at each of them. */
const fewElements = 256;

const isTraced = (x: ArrayLike): boolean => x instanceof NDArray && x.isTracer;

/** The quantiles of all elements where it can be seen that none is NaN; undefined elsewhere. */
function withoutNaN(name: string, x: ArrayLike, q: ArrayLike, options: QuantileOptions): NDArray | undefined {
  if (!(x instanceof NDArray)) return undefined;
  if (!isFloating(x.dtype)) return quantileNamed(name, x, q, options);
  if (isTraced(x) || currentTrace().records || x.size === 0) return undefined;
  if (x.size > fewElements || isTraced(q)) return hasNaN(x) ? undefined : quantileNamed(name, x, q, options);
  const result = quantileNamed(name, x, q, options);
  // Where there is one, the result is NaN, as between infinities of both signs.
  if (!result.read(name).some(Number.isNaN) || !hasNaN(x)) return result;
  result.dispose();
  return undefined;
}

const nanQuantileNamed = (name: string, x: ArrayLike, q: ArrayLike, options: QuantileOptions): NDArray =>
  withoutNaN(name, x, q, options) ?? presentQuantile(name, x, q, options);

/** NaNs are last in order: in each column, the positions are those of the elements before them. */
const presentQuantile: (name: string, x: ArrayLike, q: ArrayLike, options: QuantileOptions) => NDArray = recorded(
  (name, x, q, given) => {
    const { axis, keepdims, method } = knownOptions(name, given);
    const { value, ordered, keptShape, oneShape } = inOrder(name, x, axis);
    const { dtype } = value;
    const count = sum(convert(eq(ordered, ordered), dtype), { axis: 0 });
    const level = convert(toValue(q, name), dtype);
    const levels = reshape(level, [level.size, ...keptShape.map(() => 1)]);
    const places = [level.size, ...keptShape];
    const position = mul(broadcastTo(levels, places), broadcastTo(max(sub(count, 1), 0), places));
    const at = (p: Value): NDArray => takeAlongAxis(ordered, convert(p, 'int32'), { axis: 0, mode: 'clip' });
    const result = elementAt(at, position, method, (weight) => weight);
    return reshape(result, [...level.shape, ...(keepdims ? oneShape : keptShape)]);
  },
);
