/** Random integers, truth values, orders and choices. */
import { type ArrayLike, NDArray } from '../array.ts';
import { castNumber, type DType, isInteger } from '../core/dtype.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import { beforeOptions, optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import { checkCount, checkShape, range, type Shape, type ShapeLike, sizeOf, withoutAxes } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { axisOf } from '../lax/along-axis.ts';
import { argmax } from '../lax/argreduce.ts';
import { add, mul, neg, rem, sub } from '../lax/arithmetic.ts';
import { le, lt, select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { scalar } from '../lax/creation.ts';
import { cumsum } from '../lax/cumulative.ts';
import { gather } from '../lax/gather.ts';
import { and } from '../lax/logic.ts';
import { broadcastTo, reshape, strengthen } from '../lax/movement.ts';
import { permute } from '../lax/permute.ts';
import { sum } from '../lax/reductions.ts';
import { shuffle } from '../lax/shuffle.ts';
import { slice, sliceInDim } from '../lax/slicing.ts';
import { argsort } from '../lax/sort.ts';
import { log } from '../lax/transcendental.ts';
import { toFloating, toValue } from '../promote.ts';
import { gumbel, uniform } from './continuous.ts';
import { bits32, keyWords, subkey } from './keys.ts';

export interface IntegerOptions {
  /** 'int32' when left out. */
  dtype?: DType;
}

/**
 * Uniform integers in [minval, maxval), which are integers or integer arrays that broadcast to `shape`; minval where the
 * interval is empty. 64 random bits a number keep the bias below 2⁻³².
 *
 * @example
 * randint(key(0), [5], 0, 10); // i32[5]
 */
export const randint: (
  k: ArrayLike,
  size: ShapeLike,
  minval: ArrayLike,
  maxval: ArrayLike,
  given?: IntegerOptions,
) => Value = recorded((k, size, minval, maxval, given = {}) => {
  keyWords('randint', k);
  const { dtype = 'int32' } = optionsOf('randint', given, ['dtype']);
  const shape = checkShape(size, 'randint');
  if (!isInteger(dtype)) throw new DtypeError(`randint: needs an integer dtype, but got ${dtype}.`);
  const [lo, hi] = [bound(minval, dtype), bound(maxval, dtype)];
  const wordOf = (i: number): Value => bits32('randint', subkey('randint', k, i), shape);
  const lower = wordOf(1);
  const empty = le(hi, lo);
  // A maxval of one more than the dtype holds was clamped; a span of 2³² wraps to 0, by which `rem` changes nothing.
  const beyond = typeof maxval === 'number' && maxval > castNumber(Infinity, dtype) ? 1 : 0;
  const width = add(convert(sub(hi, lo), 'uint32'), beyond);
  const span = select(empty, scalar(1, 'uint32'), width);
  // Of a span that divides 2³² the remainder is that of the lower word alone.
  if (
    typeof minval === 'number' &&
    typeof maxval === 'number' &&
    divides2To32(castClamped(maxval, dtype) - castClamped(minval, dtype) + beyond)
  )
    return broadcastTo(add(lo, convert(and(lower, sub(span, 1)), dtype)), shape);
  // (higher·2³² + lower) mod span, from 2³² mod span = (2¹⁶ mod span)² mod span.
  const half = rem(scalar(2 ** 16, 'uint32'), span);
  const multiplier = rem(mul(half, half), span);
  const offset = rem(add(mul(rem(wordOf(0), span), multiplier), rem(lower, span)), span);
  return broadcastTo(add(lo, convert(offset, dtype)), shape);
}, 1);

const divides2To32 = (n: number): boolean => n > 0 && 2 ** 32 % n === 0;

/** A bound of `randint`, clamped to what the dtype holds. */
function bound(x: ArrayLike, dtype: DType): Value {
  if (typeof x === 'number') return scalar(castClamped(x, dtype), dtype);
  const value = toValue(x, 'randint');
  if (!isInteger(value.aval.dtype)) throw new DtypeError(`randint: bounds must be integers, but got ${value.aval}.`);
  return convert(value, dtype);
}

function castClamped(x: number, dtype: DType): number {
  const [low, high] = [castNumber(-Infinity, dtype), castNumber(Infinity, dtype)];
  return Math.trunc(Math.min(Math.max(x, low), high));
}

/** True with probability p, a number or an array. The shape is that of p when left out. */
export const bernoulli: (k: ArrayLike, p?: ArrayLike, shape?: ShapeLike) => Value = recorded((k, p = 0.5, shape) => {
  keyWords('bernoulli', k);
  const probability = toFloating(strengthen(toValue(p, 'bernoulli')), 'bernoulli');
  const { dtype } = probability.aval;
  const size = shape === undefined ? probability.aval.shape : checkShape(shape, 'bernoulli');
  return lt(uniform(k, size, { dtype }), probability);
}, 2);

/** −1 or 1, as likely. */
export const rademacher: (k: ArrayLike, shape?: ShapeLike | { dtype?: DType }, options?: { dtype?: DType }) => Value =
  recorded((k, shape, options) => {
    keyWords('rademacher', k);
    const [size = [], given] = beforeOptions<ShapeLike, { dtype?: DType }>(shape, options);
    const { dtype = 'int32' } = optionsOf('rademacher', given, ['dtype']);
    return sub(mul(convert(bernoulli(k, 0.5, checkShape(size, 'rademacher')), dtype), 2), 1);
  }, 1);

/**
 * Positions in an order that is sorted by random keys, as often as makes equal keys harmless: n elements need 3 log n / log 2³² rounds.
 */
function shuffled(k: ArrayLike, shape: Shape, axis: number): Value {
  const rounds = Math.ceil((3 * Math.log(Math.max(1, sizeOf(shape)))) / Math.log(2 ** 32 - 1));
  return shuffle(keyWords('permutation', k), shape, axis, rounds);
}

/**
 * A random order of 0 … x − 1 for a number x, of the slices along `axis` for an array; with `independent`, every row
 * along the axis is shuffled on its own.
 *
 * @example
 * permutation(key(0), 5); // i32[5]
 */
export const permutation: (k: ArrayLike, x: number | Value, given?: { axis?: number; independent?: boolean }) => Value =
  recorded((k, x, given = {}) => {
    keyWords('permutation', k);
    const { axis = 0, independent = false } = optionsOf('permutation', given, ['axis', 'independent']);
    if (!(x instanceof NDArray)) {
      return shuffled(k, [checkCount(x, 'permutation', 'the number of elements')], 0);
    }
    const at = axisOf('permutation', x, axis);
    if (independent && x.aval.ndim > 1) return permute(x, shuffled(k, x.aval.shape, at), at);
    return takeAlong(x, shuffled(k, [x.aval.shape[at]!], 0), at);
  }, 1);

/** The slices of x along an axis at the given positions: the axis is replaced by those of `indices`. */
function takeAlong(x: Value, indices: Value, axis: number): Value {
  const { shape } = x.aval;
  const extra = indices.aval.ndim;
  // Where there is no element, there is no window of one.
  if (shape[axis] === 0) return reshape(x, [...shape.slice(0, axis), ...indices.aval.shape, ...shape.slice(axis + 1)]);
  return gather(x, reshape(indices, [...indices.aval.shape, 1]), {
    sliceSizes: shape.map((n, i) => (i === axis ? 1 : n)),
    offsetDims: range(shape.length - 1).map((i) => (i < axis ? i : i + extra)),
    collapsedSliceDims: [axis],
    startIndexMap: [axis],
    mode: 'promise_in_bounds',
  });
}

export interface ChoiceOptions {
  /** Whether an element may be chosen again; true when left out. */
  replace?: boolean;
  /** Probability of each element; equal when left out. */
  p?: ArrayLike;
  /** The axis along which elements are chosen; 0 when left out. */
  axis?: number;
}

/**
 * Random elements of an array, or of 0 … a − 1 for a number a.
 *
 * @example
 * choice(key(0), 10, [3], { replace: false }); // i32[3], all different
 * @throws ShapeError when more elements are wanted without replacement than there are
 */
export const choice: (
  k: ArrayLike,
  a: number | Value,
  shape?: ShapeLike | ChoiceOptions,
  options?: ChoiceOptions,
) => Value = recorded((k, a, shape, options) => {
  const [size = [], given] = beforeOptions<ShapeLike, ChoiceOptions>(shape, options);
  keyWords('choice', k);
  const { replace = true, p, axis: along = 0 } = optionsOf('choice', given, ['replace', 'p', 'axis']);
  const lengths = checkShape(size, 'choice');
  const source = a instanceof NDArray ? a : undefined;
  const axis = source ? axisOf('choice', source, along) : 0;
  const n = source ? source.aval.shape[axis]! : checkCount(a, 'choice', 'the number of elements');
  const draws = sizeOf(lengths);
  if (!(n > 0) && draws > 0) throw new ShapeError(`choice: there is nothing to choose from.`);
  if (!replace && draws > n) {
    throw new ShapeError(`choice: cannot choose ${draws} of ${n} elements without replacement.`);
  }
  if (p === undefined && !replace && source) {
    const shuffled = sliceInDim(permutation(k, source, { axis }), 0, draws, 1, axis);
    const { shape: own } = source.aval;
    return reshape(shuffled, [...own.slice(0, axis), ...lengths, ...own.slice(axis + 1)]);
  }
  const indices = chooseIndices(k, n, lengths, draws, replace, p);
  return source ? takeAlong(source, indices, axis) : indices;
}, 2);

function chooseIndices(
  k: ArrayLike,
  n: number,
  shape: Shape,
  draws: number,
  replace: boolean,
  p: ArrayLike | undefined,
): Value {
  if (p === undefined) {
    if (replace) return randint(k, shape, 0, n);
    return reshape(slice(permutation(k, n), [0], [draws]), shape);
  }
  const probability = toFloating(p, 'choice');
  const { dtype } = probability.aval;
  if (probability.aval.ndim !== 1 || probability.aval.shape[0] !== n) {
    throw new ShapeError(`choice: p must have shape [${n}], but is ${probability.aval}.`);
  }
  if (!replace) {
    // The draws largest of log p + Gumbel noise are a sample without replacement.
    const noise = add(gumbel(k, [n], { dtype }), log(probability));
    return reshape(slice(argsort(neg(noise)), [0], [draws]), shape);
  }
  // The number of partial sums below a uniform number in (0, Σ p].
  const partial = cumsum(probability);
  const total = reshape(slice(partial, [n - 1], [n]), []);
  const target = reshape(mul(sub(1, uniform(k, shape, { dtype })), total), [draws, 1]);
  const below = lt(broadcastTo(reshape(partial, [1, n]), [draws, n]), broadcastTo(target, [draws, n]));
  return reshape(sum(below, { axis: 1 }), shape);
}

/**
 * Indices (int32) distributed as softmax(logits) along `axis`, one for each of the other positions; `shape` may put
 * further axes in front of these. The largest of the logits plus Gumbel noise.
 *
 * @example
 * categorical(key(0), np.log(np.array([0.2, 0.8])), { shape: [100] });
 */
export const categorical: (k: ArrayLike, logits: ArrayLike, given?: { axis?: number; shape?: ShapeLike }) => Value =
  recorded((k, logits, given = {}) => {
    keyWords('categorical', k);
    const { axis = -1, shape: size } = optionsOf('categorical', given, ['axis', 'shape']);
    const shape = size === undefined ? undefined : checkShape(size, 'categorical');
    const value = toFloating(strengthen(toValue(logits, 'categorical')), 'categorical');
    const { ndim, dtype } = value.aval;
    const at = axis < 0 ? axis + ndim : axis;
    if (!(at >= 0 && at < ndim)) throw new ShapeError(`categorical: axis ${axis} is out of range for ${value.aval}.`);
    const lanes = withoutAxes(value.aval.shape, [at]);
    const prefix = (shape ?? lanes).slice(0, (shape ?? lanes).length - lanes.length);
    if (shape?.slice(prefix.length).some((n, i) => n !== lanes[i])) {
      throw new ShapeError(`categorical: shape [${shape}] does not end with [${lanes}], the lanes of ${value.aval}.`);
    }
    const noise = gumbel(k, [...prefix, ...value.aval.shape], { dtype });
    return argmax(add(noise, value), { axis: at + prefix.length });
  });
