/** The larger and the smaller of two arrays, and clamping between bounds. */
import type { ElementBuilder } from '../../jit/element.ts';
import type { ArrayLike } from '../array.ts';
import { exact, type Primitive } from '../core/primitive.ts';
import { bind1, type Value } from '../core/trace.ts';
import { promote } from '../promote.ts';
import { mul } from './arithmetic.ts';
import { eq, gt, lt, select } from './compare.ts';
import { scalar } from './creation.ts';
import { type BinaryOp, binary, elementwise } from './family.ts';
import { and } from './logic.ts';
import { samplesFor } from './samples.ts';

/** A constant of the dtype of `x`, weak where `x` is. */
const constantLike = (value: number, x: Value): ArrayLike => (x.aval.weakType ? value : scalar(value, x.aval.dtype));

/** 1 where `wins`, 1/2 where x = y: at a tie the two sides share the tangent. */
const share = (wins: Value, x: Value, y: Value): Value =>
  select(wins, constantLike(1, x), select(eq(x, y), constantLike(0.5, x), constantLike(0, x)));

/** On bools the larger is the disjunction. */
const extremum = (
  name: 'max' | 'min',
  logical: 'or' | 'and',
  run: (x: number, y: number) => number,
  wins: (x: Value, y: Value) => Value,
): BinaryOp =>
  binary(name, {
    domain: 'any',
    run,
    jvp: [(dx, x, y) => mul(dx, share(wins(x, y), x, y)), (dy, x, y) => mul(dy, share(wins(y, x), x, y))],
    lower: (b, x, y) => b.binary(x.dtype === 'bool' ? logical : name, x, y),
  });

/** The larger of x and y, or NaN if either is. At ties the derivative is shared equally, as in JAX. */
export const max: BinaryOp = extremum(
  'max',
  'or',
  (x, y) => Math.max(x, y),
  (x, y) => gt(x, y),
);
/** The smaller of x and y, or NaN if either is. */
export const min: BinaryOp = extremum(
  'min',
  'and',
  (x, y) => Math.min(x, y),
  (x, y) => lt(x, y),
);

const between = (b: ElementBuilder, [lo, x, hi]: Parameters<typeof b.select>): typeof lo =>
  b.binary('min', b.binary('max', x, lo), hi);

/** Operands (lo, x, hi). The tangent of x passes strictly between the bounds, and no tangent passes at a bound. */
export const clampP: Primitive = elementwise('clamp', 3, {
  domain: 'numeric',
  result: ([, x]) => x!.dtype,
  run: ([lo, x, hi]) => Math.min(Math.max(x!, lo!), hi!),
  accuracy: exact,
  jvp: [
    (dlo, [lo, x, hi]) => select(and(gt(lo!, x!), lt(lo!, hi!)), dlo, 0),
    (dx, [lo, x, hi]) => select(and(gt(x!, lo!), lt(x!, hi!)), dx, 0),
    (dhi, [, x, hi]) => select(lt(hi!, x!), dhi, 0),
  ],
  lower: (b, [lo, x, hi]) => between(b, [lo!, x!, hi!]),
  samples: () =>
    samplesFor('numeric', [
      [-2, 0],
      [-3, 3],
      [0, 2],
    ]),
});

/**
 * min(max(x, lo), hi), NaN if any is NaN. The derivative is 1 for lo < x < hi and 0 at and beyond the bounds, which
 * receive it where they act.
 */
export function clamp(lo: ArrayLike, x: ArrayLike, hi: ArrayLike): Value {
  return bind1(clampP, promote('clamp', [lo, x, hi]));
}
