/** Comparisons, and the choice between two arrays. */
import type { ElementBuilder } from '../../jit/element.ts';
import { isLinear } from '../../transforms/transpose.ts';
import type { ArrayLike } from '../array.ts';
import type { DType } from '../core/dtype.ts';
import { DtypeError } from '../core/errors.ts';
import { exact, type Primitive, type Sample } from '../core/primitive.ts';
import { broadcastShapes } from '../core/shape.ts';
import { bind1, type Value } from '../core/trace.ts';
import { isZero } from '../core/zero.ts';
import { broadcastError, promoteDTypes, toValue } from '../promote.ts';
import { type BinaryOp, binary, elementwise, type UnaryOp, unary, unbroadcast } from './family.ts';
import { broadcastTo, strengthen } from './movement.ts';
import { domains } from './samples.ts';

type Comparison = Parameters<ElementBuilder['compare']>[0];

/** A comparison gives bools and has no tangent; with NaN on either side only `ne` holds. */
const comparison = (name: Comparison, run: (x: number, y: number) => boolean): BinaryOp =>
  binary(name, {
    domain: 'any',
    result: () => 'bool',
    run: (x, y) => Number(run(x, y)),
    jvp: 'zero',
    lower: (b, x, y) => b.compare(name, x, y),
  });

/** x = y, element by element. */
export const eq: BinaryOp = comparison('eq', (x, y) => x === y);
/** x ≠ y. */
export const ne: BinaryOp = comparison('ne', (x, y) => x !== y);
/** x < y. */
export const lt: BinaryOp = comparison('lt', (x, y) => x < y);
/** x ≤ y. */
export const le: BinaryOp = comparison('le', (x, y) => x <= y);
/** x > y. */
export const gt: BinaryOp = comparison('gt', (x, y) => x > y);
/** x ≥ y. */
export const ge: BinaryOp = comparison('ge', (x, y) => x >= y);

/** Neither infinite nor NaN. Integers always are. */
export const isFinite: UnaryOp = unary('is_finite', {
  domain: 'floating',
  result: () => 'bool',
  run: (x) => Number(Number.isFinite(x)),
  jvp: 'zero',
  lower: (b, x) => b.compare('lt', b.unary('abs', x), b.const(Infinity, x.dtype)),
});

const selectSamples = (): Sample[] =>
  domains.any.flatMap((dtype) =>
    [
      [[], [], []],
      [[0], [0], [0]],
      [[17], [17], [17]],
      [[], [5], [5]],
      [[2, 3], [2, 3], []],
      [[1000], [], [1000]],
    ].map(([p, x, y]) => ({
      inputs: [
        { shape: p!, dtype: 'bool' as DType },
        { shape: x!, dtype, low: -3, high: 3 },
        { shape: y!, dtype, low: -3, high: 3 },
      ],
    })),
  );

/** Linear in its branches. The tangent of the one not taken is dropped by choice, never multiplied by zero. */
export const selectP: Primitive = elementwise('select', 3, {
  domain: 'any',
  result: ([pred, x, y]) => {
    if (pred!.dtype !== 'bool') throw new DtypeError(`select: the predicate must be bool, but is ${pred}.`);
    if (x!.dtype !== y!.dtype) throw new DtypeError(`select: the branches have types ${x} and ${y}.`);
    return x!.dtype;
  },
  run: ([pred, x, y]) => (pred ? x! : y!),
  accuracy: exact,
  jvp: ([pred, x, y], [, dx, dy]) => {
    const out = bind1(selectP, [pred!, x!, y!]);
    const tangent = select(pred!, isZero(dx!) ? 0 : dx!, isZero(dy!) ? 0 : dy!);
    return [[out], [broadcastTo(tangent, out.aval.shape)]];
  },
  transpose: ([ct], [pred, x, y]) => [
    undefined,
    isLinear(x) ? unbroadcast(select(pred as Value, ct as Value, 0), x.aval) : undefined,
    isLinear(y) ? unbroadcast(select(pred as Value, 0, ct as Value), y.aval) : undefined,
  ],
  lower: (b, [pred, x, y]) => b.select(pred!, x!, y!),
  samples: selectSamples,
});

/**
 * `whenTrue` where `pred` holds, else `whenFalse`; shapes broadcast, the branches are promoted to one dtype.
 *
 * @example
 * select(lt(x, 0), neg(x), x);
 * @throws DtypeError when `pred` is not bool
 * @throws ShapeError when the shapes do not broadcast
 */
export const select = (pred: ArrayLike, whenTrue: ArrayLike, whenFalse: ArrayLike): Value =>
  selectNamed('select', toValue(pred, 'select'), whenTrue, whenFalse);

export function selectNamed(name: string, p: Value, whenTrue: ArrayLike, whenFalse: ArrayLike): Value {
  const branches = promoteDTypes(name, [whenTrue, whenFalse]);
  const shape = broadcastShapes(p.aval.shape, ...branches.map((x) => x.aval.shape));
  if (!shape) throw broadcastError(name, [p, ...branches]);
  // Only rank-0 values may be weak.
  const operands = [p, ...(shape.length > 0 ? branches.map(strengthen) : branches)];
  return bind1(
    selectP,
    operands.map((x) => (x.aval.ndim === 0 ? x : broadcastTo(x, shape))),
  );
}
