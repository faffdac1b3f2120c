/** Products of vectors, matrices and tensors. */
import type { ArrayLike, NDArray } from '../array.ts';
import { ShapeError } from '../core/errors.ts';
import { checkExtra, checkIntegers, checkList, optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import { broadcastShapes, range } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { mul, sub } from '../lax/arithmetic.ts';
import { convert } from '../lax/convert.ts';
import { dotGeneral } from '../lax/dot.ts';
import { broadcastTo, reshape } from '../lax/movement.ts';
import { operandTypes, promoteDTypes } from '../promote.ts';
import { strong } from './array.ts';
import { type Binary, multiply } from './elementwise.ts';
import { concatenate } from './joining.ts';
import { axisOf, moveaxis } from './shape.ts';

/** Operands of one dtype; bools are counted in int32. */
export function factors(name: string, args: readonly ArrayLike[]): Value[] {
  const values = promoteDTypes(name, args).map(strong);
  return values[0]!.aval.dtype === 'bool' ? values.map((v) => convert(v, 'int32')) : values;
}

/** A contraction without batch axes, with an error that names the lengths. */
function contract(name: string, x: Value, y: Value, xAxes: readonly number[], yAxes: readonly number[]): Value {
  xAxes.forEach((axis, i) => {
    const [n, m] = [x.shape[axis]!, y.shape[yAxes[i]!]!];
    if (n !== m) throw misfit(name, x, y, n, m);
  });
  return dotGeneral(x, y, { lhsContract: xAxes, rhsContract: yAxes, lhsBatch: [], rhsBatch: [] });
}

const misfit = (name: string, x: Value, y: Value, n: number, m: number): ShapeError =>
  new ShapeError(`${name}: ${operandTypes(name, [x, y])} do not fit: ${n} against ${m}.`);

/**
 * The dot product: of vectors their inner product, of matrices their product; else the sum over the last axis of `x` and
 * the last but one of `y`. A number multiplies.
 *
 * @throws ShapeError when the lengths differ
 */
export const dot: Binary = recorded((x, y, extra?: unknown, list?: unknown) => {
  if (extra !== undefined) checkExtra('dot', 2, extra, list);
  const [a, b] = factors('dot', [x, y]) as [Value, Value];
  if (a.ndim === 0 || b.ndim === 0) return mul(a, b);
  return contract('dot', a, b, [a.ndim - 1], [Math.max(0, b.ndim - 2)]);
});

/** The inner product of all elements as vectors. */
export const vdot: Binary = recorded((x, y, extra?: unknown, list?: unknown) => {
  if (extra !== undefined) checkExtra('vdot', 2, extra, list);
  const [a, b] = factors('vdot', [x, y]).map((v) => reshape(v, [-1])) as [Value, Value];
  return contract('vdot', a, b, [0], [0]);
});

/** The sum of products over the last axes. */
export const inner: Binary = recorded((x, y, extra?: unknown, list?: unknown) => {
  if (extra !== undefined) checkExtra('inner', 2, extra, list);
  const [a, b] = factors('inner', [x, y]) as [Value, Value];
  if (a.ndim === 0 || b.ndim === 0) return mul(a, b);
  return contract('inner', a, b, [a.ndim - 1], [b.ndim - 1]);
});

/** All products of an element of `x` with one of `y`: a matrix. */
export const outer: Binary = recorded((x, y, extra?: unknown, list?: unknown) => {
  if (extra !== undefined) checkExtra('outer', 2, extra, list);
  const [a, b] = promoteDTypes('outer', [x, y]).map(strong) as [Value, Value];
  return multiply(reshape(a, [a.size, 1]), reshape(b, [1, b.size]));
});

/**
 * The product of matrices, or of stacks of matrices whose leading axes broadcast. A vector is a row on the left and a
 * column on the right.
 *
 * @example
 * np.matmul(np.ones([5, 2, 3]), np.ones([3, 4])); // f32[5,2,4]
 * @throws ShapeError when the shapes do not fit, or on numbers
 */
export const matmul: Binary = recorded((x, y, extra?: unknown, list?: unknown) => {
  if (extra !== undefined) checkExtra('matmul', 2, extra, list);
  const [a, b] = factors('matmul', [x, y]) as [Value, Value];
  if (a.ndim === 0 || b.ndim === 0) {
    throw new ShapeError(`matmul: ${a.aval} and ${b.aval} are not both vectors or matrices.`, {
      hint: 'multiply by a number with `mul`',
    });
  }
  const [n, m] = [a.shape.at(-1)!, b.shape.at(b.ndim === 1 ? 0 : -2)!];
  if (n !== m) throw misfit('matmul', a, b, n, m);
  // Without leading axes on the right, one product does it all.
  if (b.ndim <= 2) return contract('matmul', a, b, [a.ndim - 1], [0]);
  if (a.ndim === 1) return contract('matmul', a, b, [0], [b.ndim - 2]);
  const [leftBatch, rightBatch] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const batch = broadcastShapes(leftBatch, rightBatch);
  if (!batch) throw new ShapeError(`matmul: the leading axes of ${a.aval} and ${b.aval} do not broadcast together.`);
  const axes = range(batch.length);
  return dotGeneral(
    broadcastTo(a, [...batch, ...a.shape.slice(-2)]),
    broadcastTo(b, [...batch, ...b.shape.slice(-2)]),
    {
      lhsContract: [batch.length + 1],
      rhsContract: [batch.length],
      lhsBatch: axes,
      rhsBatch: axes,
    },
  );
});

/** The products of stacks of matrices with stacks of vectors, whose leading axes broadcast. */
export const matvec: Binary = recorded((x, y, extra?: unknown, list?: unknown) => {
  if (extra !== undefined) checkExtra('matvec', 2, extra, list);
  return vectorProduct('matvec', x, y, -1);
});

/** The products of stacks of vectors with stacks of matrices, whose leading axes broadcast. */
export const vecmat: Binary = recorded((x, y, extra?: unknown, list?: unknown) => {
  if (extra !== undefined) checkExtra('vecmat', 2, extra, list);
  return vectorProduct('vecmat', y, x, -2);
});

/** Sums over an axis of the matrices, the last or the last but one, and the last of the vectors. */
function vectorProduct(name: string, matrices: ArrayLike, vectors: ArrayLike, along: -1 | -2): Value {
  const [m, v] = factors(name, [matrices, vectors]) as [Value, Value];
  if (m.ndim < 2 || v.ndim < 1)
    throw new ShapeError(`${name}: needs matrices and vectors, but got ${m.aval} and ${v.aval}.`);
  const [n, k] = [m.shape.at(along)!, v.shape.at(-1)!];
  if (n !== k) throw misfit(name, m, v, n, k);
  const batch = broadcastShapes(m.shape.slice(0, -2), v.shape.slice(0, -1));
  if (!batch) throw new ShapeError(`${name}: the leading axes of ${m.aval} and ${v.aval} do not broadcast together.`);
  const axes = range(batch.length);
  return dotGeneral(broadcastTo(m, [...batch, ...m.shape.slice(-2)]), broadcastTo(v, [...batch, k]), {
    lhsContract: [batch.length + 2 + along],
    rhsContract: [batch.length],
    lhsBatch: axes,
    rhsBatch: axes,
  });
}

/** Inner products of stacks of vectors along `axis`, the last when left out. */
export const vecdot: (x: ArrayLike, y: ArrayLike, given?: { axis?: number }) => NDArray = recorded(
  (x, y, given = {}) => {
    const { axis = -1 } = optionsOf('vecdot', given, ['axis']);
    const [a, b] = factors('vecdot', [x, y]) as [Value, Value];
    return multiply(a, b).sum({ axis });
  },
);

export interface TensordotOptions {
  /** How many axes, the last of `x` and the first of `y`; or the axes of both. 2 when left out. */
  axes?: number | readonly [number | readonly number[], number | readonly number[]];
}

/** The sum of products over several axes. */
export const tensordot: (x: ArrayLike, y: ArrayLike, given?: TensordotOptions) => NDArray = recorded(
  (x, y, given = {}) => {
    const { axes = 2 } = optionsOf('tensordot', given, ['axes']);
    if (typeof axes !== 'number') checkList('tensordot', '`axes`', axes);
    else checkIntegers('tensordot', '`axes`', axes);
    const [a, b] = factors('tensordot', [x, y]) as [Value, Value];
    const pick = (v: Value, list: number | readonly number[]) =>
      (typeof list === 'number' ? [list] : list).map((axis) => axisOf(v, axis, 'tensordot'));
    const left = typeof axes === 'number' ? range(axes).map((i) => a.ndim - axes + i) : pick(a, axes[0]);
    const right = typeof axes === 'number' ? range(axes) : pick(b, axes[1]);
    if (left.length !== right.length || left.some((i) => i < 0) || right.some((i) => i >= b.ndim)) {
      throw new ShapeError(`tensordot: ${a.aval} and ${b.aval} cannot be summed over axes [${left}] and [${right}].`);
    }
    return contract('tensordot', a, b, left, right);
  },
);

/** Elements up to which a run is shorter than what it takes to begin one. */
const shortRow = 8;
/** Elements of a factor with each repeated, beyond which making it takes longer than short rows. */
const largestRepeated = 2 ** 17;

/** The Kronecker product: blocks x[i, j] · y. */
export const kron: Binary = recorded((x, y, extra?: unknown, list?: unknown) => {
  if (extra !== undefined) checkExtra('kron', 2, extra, list);
  const [a, b] = promoteDTypes('kron', [x, y]).map(strong) as [Value, Value];
  const rank = Math.max(a.ndim, b.ndim);
  const lengths = (v: Value) => [...new Array<number>(rank - v.ndim).fill(1), ...v.shape];
  const [p, q] = [lengths(a), lengths(b)];
  const [m, n] = [p.at(-1) ?? 1, q.at(-1) ?? 1];
  // Short rows of the result of `multiply` would be mostly their beginnings: whole rows of both factors are made first.
  const whole = m > 1 && n < shortRow && a.size * n <= largestRepeated;
  const along = (own: readonly number[]): number[] => [...own.slice(0, -1), m, n];
  const left = whole ? broadcastTo(reshape(a, [...p, 1]), along(p)) : a;
  const right = whole ? broadcastTo(reshape(b, [...q.slice(0, -1), 1, n]), along(q)) : b;
  const ends = (own: number, before: boolean): number[] => (whole ? [m * n] : before ? [own, 1] : [1, own]);
  const spread = multiply(
    reshape(left, [...p.slice(0, -1).flatMap((n) => [n, 1]), ...ends(m, true)]),
    reshape(right, [...q.slice(0, -1).flatMap((n) => [1, n]), ...ends(n, false)]),
  );
  return reshape(
    spread,
    p.map((n, i) => n * q[i]!),
  );
});

/** The cross product of vectors of length 3 along `axis`, the last when left out. */
export const cross: (x: ArrayLike, y: ArrayLike, given?: { axis?: number }) => NDArray = recorded(
  (x, y, given = {}) => {
    const { axis = -1 } = optionsOf('cross', given, ['axis']);
    const [a, b] = factors('cross', [x, y]).map((v) => moveaxis(v, axis, -1)) as [Value, Value];
    if (a.shape.at(-1) !== 3 || b.shape.at(-1) !== 3) {
      throw new ShapeError(`cross: needs vectors of length 3, but got ${a.aval} and ${b.aval}.`);
    }
    const part = (v: Value, i: number) => v.slice('...', [i, i + 1]);
    const minor = (i: number, j: number) => sub(multiply(part(a, i), part(b, j)), multiply(part(a, j), part(b, i)));
    return moveaxis(concatenate([minor(1, 2), minor(2, 0), minor(0, 1)], { axis: -1 }), -1, axis);
  },
);
