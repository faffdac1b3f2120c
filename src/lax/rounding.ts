/** Rounding to integers, and stepping to the neighbouring float. */
import type { Element, ElementBuilder } from '../../jit/element.ts';
import { type BinaryOp, binary, type UnaryOp, unary } from './family.ts';

const rounding = (name: string, op: 'floor' | 'ceil' | 'nearest' | 'trunc', run: (x: number) => number): UnaryOp =>
  unary(name, { domain: 'floating', run, jvp: 'zero', lower: (b, x) => b.unary(op, x) });

/** The largest integer ≤ x. Its derivative is 0, as for every rounding. */
export const floor: UnaryOp = rounding('floor', 'floor', Math.floor);
/** The smallest integer ≥ x. */
export const ceil: UnaryOp = rounding('ceil', 'ceil', Math.ceil);
/** The nearest integer towards 0. */
export const trunc: UnaryOp = rounding('trunc', 'trunc', Math.trunc);
/** The nearest integer, halves to the even one. */
export const round: UnaryOp = rounding('round', 'nearest', (x) =>
  Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x),
);

const f64 = new Float64Array(1);
const f64Bits = new BigInt64Array(f64.buffer);
const f32 = new Float32Array(1);
const f32Bits = new Int32Array(f32.buffer);

/** Floats of one sign are ordered as their bits are. */
function neighbour(x: number, y: number, single: boolean): number {
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.NaN;
  if (x === y) return y;
  const away = x === 0 || x > 0 === y > x;
  if (single) {
    f32[0] = x;
    f32Bits[0] = x === 0 ? 1 : f32Bits[0]! + (away ? 1 : -1);
    return x === 0 && y < 0 ? -f32[0]! : f32[0]!;
  }
  f64[0] = x;
  f64Bits[0] = x === 0 ? 1n : f64Bits[0]! + (away ? 1n : -1n);
  return x === 0 && y < 0 ? -f64[0]! : f64[0]!;
}

/**
 * The neighbour of x in arithmetic alone, so that float64 needs no 64-bit integers (Rump, Zimmermann, Boldo & Melquiond,
 * Computing predecessor and successor in rounding to nearest, BIT 2009, algorithm 2). With u half an ulp of 1 and η the
 * least positive float, x ± fl(φ|x|), φ = u(1 + 2u), rounds to the neighbour when |x| ≥ η/(2u²); below η/u floats are η
 * apart; between, the same sum is taken on x/u.
 */
function lowerNeighbour(b: ElementBuilder, x: Element, y: Element): Element {
  const single = x.dtype === 'float32';
  const u = single ? 2 ** -24 : 2 ** -53;
  const eta = single ? 2 ** -149 : 2 ** -1074;
  const largest = single ? 3.4028234663852886e38 : Number.MAX_VALUE;
  const c = (value: number): Element => b.const(value, x.dtype);
  const phi = u * (1 + 2 * u);
  const up = b.compare('gt', y, x);
  const step = (from: Element, size: Element): Element => b.select(up, b.add(from, size), b.sub(from, size));
  const size = b.unary('abs', x);
  const scaled = b.mul(x, c(1 / u));
  const large = step(x, b.mul(size, c(phi)));
  const middle = b.mul(step(scaled, b.mul(b.unary('abs', scaled), c(phi))), c(u));
  const small = step(x, c(eta));
  const finite = b.select(
    b.compare('ge', size, c(eta / (2 * u * u))),
    large,
    b.select(b.compare('ge', size, c(eta / u)), middle, small),
  );
  // Infinities step to the largest float of their sign; ∞ − ∞ above would be NaN.
  const infinite = b.select(up, c(-largest), c(largest));
  const moved = b.select(b.compare('eq', size, c(Infinity)), infinite, finite);
  return b.select(
    b.compare('eq', x, y),
    y,
    b.select(b.compare('ne', x, x), x, b.select(b.compare('ne', y, y), y, moved)),
  );
}

/** The next float after x in the direction of y; y where they are equal, NaN if either is. */
export const nextafter: BinaryOp = binary('nextafter', {
  domain: 'floating',
  run: (x, y, dtype) => neighbour(x, y, dtype === 'float32'),
  jvp: 'zero',
  lower: lowerNeighbour,
});
