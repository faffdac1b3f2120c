/** Common divisors and multiples. */
import type { ArrayLike } from '../array.ts';
import { whileLoop } from '../control/loops.ts';
import { isInteger } from '../core/dtype.ts';
import { DtypeError } from '../core/errors.ts';
import { checkExtra } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import { broadcastShapes } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { abs, div, mul, rem } from '../lax/arithmetic.ts';
import { eq, ne, select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { and } from '../lax/logic.ts';
import { broadcastTo } from '../lax/movement.ts';
import { any } from '../lax/reductions.ts';
import { promote } from '../promote.ts';
import type { Binary } from './elementwise.ts';

/** Integers of one dtype and shape; whole numbers are int32. */
function integers(name: string, x: ArrayLike, y: ArrayLike): [Value, Value] {
  const values = promote(name, [x, y]).map((v) =>
    v.aval.weakType && Number.isInteger(v.literal) ? convert(v, 'int32') : v,
  );
  const [a, b] = values as [Value, Value];
  if (!isInteger(a.aval.dtype) || !isInteger(b.aval.dtype))
    throw new DtypeError(`${name}: needs integer operands, but got ${a.aval} and ${b.aval}.`);
  const shape = broadcastShapes(a.shape, b.shape)!;
  return [broadcastTo(a, shape), broadcastTo(b, shape)];
}

const magnitude = (x: Value): Value => (x.aval.dtype === 'uint32' ? x : abs(x));

/** Euclid's algorithm. Elements whose remainder is 0 keep what they have, so that none of them has to wait for another. */
function divisorOf(x: Value, y: Value): Value {
  const [a, b] = [magnitude(x), magnitude(y)];
  const [, divisor] = whileLoop(
    ([going]) => any(going),
    ([going, a, b]) => {
      const left = rem(a, select(going, b, 1));
      return [and(going, ne(left, 0)), select(going, b, a), select(going, left, b)];
    },
    [ne(b, 0), a, b] as const,
  );
  // −2³¹ has no magnitude: what is left of it has its sign.
  return magnitude(divisor as Value);
}

/**
 * The greatest common divisor of integers; 0 of 0 and 0.
 *
 * @example
 * np.gcd(np.array([12, 18], { dtype: 'int32' }), 8); // [4 2]
 * @throws DtypeError on floating operands
 */
export const gcd: Binary = recorded((x, y, extra?: unknown, list?: unknown) => {
  if (extra !== undefined) checkExtra('gcd', 2, extra, list);
  return divisorOf(...integers('gcd', x, y));
});

/**
 * The least common multiple of integers; 0 where one is 0.
 *
 * @throws DtypeError on floating operands
 */
export const lcm: Binary = recorded((x, y, extra?: unknown, list?: unknown) => {
  if (extra !== undefined) checkExtra('lcm', 2, extra, list);
  const [a, b] = integers('lcm', x, y);
  const divisor = divisorOf(a, b);
  const safe = select(eq(divisor, 0), 1, divisor);
  return magnitude(mul(div(magnitude(a), safe), magnitude(b)));
});
