/** log |Γ| and its derivative, in doubles. */
import { type Expr, op } from '../../wasm/code.ts';
import type { VectorFunction } from '../vector-function.ts';
import {
  artanhTail,
  digammaNearRoot,
  digammaRoot,
  digammaStirling,
  lgammaNear2,
  lgammaStirling,
  sinDoubles,
  tanTail,
} from './coefficients.ts';
import { d, dadd, ddiv, dlt, dmadd, dmul, dpolynomial, dsub, halves, joined, logarithm } from './doubles.ts';
import { abs, and, c, choose, eq, type Lanes, lt, not, onLanes, or } from './lanes.ts';

const zero = c(0);

/** Both halves of the operand; `reflect` changes the results where x < 0, of which there are few. */
function reflected(
  v: Lanes,
  x: Expr,
  positive: (a: Expr) => Expr,
  reflect: (value: Expr, a: Expr, r: Expr) => Expr,
): Expr {
  const split = halves(v, x).map((u) => v.let(op('f64x2.abs', u)));
  const results = split.map((a) => v.var(positive(a)));
  const direct = v.let(not(lt(x, zero)));
  v.unlessAll(direct, () => {
    results.forEach((result, i) => {
      const a = split[i]!;
      const r = v.let(dsub(a, op('f64x2.nearest', a)));
      const other = v.let(reflect(result, a, r));
      v.f.set(result, choose(op(`i64x2.extend_${i === 0 ? 'low' : 'high'}_i32x4_s`, direct), result, other));
    });
  });
  return joined(results[0]!, results[1]!);
}

/** Whether x is a pole: 0 or a negative integer, to which −∞ is added. */
const isPole = (x: Expr): Expr => and(not(lt(zero, x)), eq(op('f32x4.nearest', x), x));

/**
 * From 3.5 on (x − 1/2)(log x − 1) and Stirling's series. Below, the logarithm of Γ near 2 and that of one or two
 * factors, of which log Γ(x) = log Γ(x ± n) ∓ log ….
 */
function lgammaPositive(v: Lanes, a: Expr): Expr {
  const isLarge = v.let(dlt(d(3.5), a));
  const [below1, below2, above] = [0.5, 1.5, 2.5].map((k, i) => v.let(i === 2 ? dlt(d(k), a) : dlt(a, d(k))));
  const less = v.let(dsub(a, d(1)));
  const more = v.let(dadd(a, d(1)));
  const factor = choose(above!, less, choose(below1!, dmul(a, more), choose(below2!, a, d(1))));
  const log = v.let(logarithm(v, v.let(choose(isLarge, a, factor)), artanhTail));
  // The distance from 2 of the argument that was moved there.
  const u = v.let(choose(above!, dsub(a, d(3)), choose(below1!, a, choose(below2!, less, dsub(a, d(2))))));
  const near = v.let(dmul(u, dpolynomial(v, lgammaNear2, u)));
  const small = choose(above!, dadd(near, log), dsub(near, log));
  const inverse = v.let(ddiv(d(1), a));
  const series = dmul(inverse, dpolynomial(v, lgammaStirling, v.let(dmul(inverse, inverse))));
  const constant = (Math.log(2 * Math.PI) - 1) / 2;
  const large = dmadd(v, dsub(a, d(0.5)), dsub(log, d(1)), dadd(series, d(constant)));
  return choose(isLarge, large, small);
}

/** Γ(x)·Γ(−x) = −π/(x sin πx). */
export const lgamma: VectorFunction = onLanes((v, x) => {
  const result = reflected(
    v,
    x,
    (a) => lgammaPositive(v, a),
    (value, a, r) => {
      const sine = op('f64x2.abs', dmul(r, dpolynomial(v, sinDoubles, v.let(dmul(r, r)))));
      return dsub(logarithm(v, v.let(ddiv(d(Math.PI), dmul(a, sine))), artanhTail), value);
    },
  );
  const infinite = or(isPole(x), eq(abs(x), c(Number.POSITIVE_INFINITY)));
  return choose(infinite, c(Number.POSITIVE_INFINITY), choose(eq(x, x), result, x));
});

/** From 3 on log x − 1/(2x) and Stirling's series; below from [1, 2), where the zero is split off. */
function digammaPositive(v: Lanes, a: Expr): Expr {
  const isLarge = v.let(dlt(d(3), a));
  const [below, above] = [v.let(dlt(a, d(1))), v.let(op('f64x2.le', d(2), a))];
  const less = v.let(dsub(a, d(1)));
  const moved = v.let(choose(above, less, choose(below, dadd(a, d(1)), a)));
  const [root, rest] = digammaRoot as [number, number];
  // Below 1 the sum with 1 may be rounded, but then 1/x is large.
  const offset = dsub(dsub(moved, d(root)), d(rest));
  const near = v.let(dmul(offset, dpolynomial(v, digammaNearRoot, v.let(dsub(moved, d(1.5))))));
  const inverse = v.let(ddiv(d(1), choose(and(above, op('v128.not', isLarge)), less, a)));
  const small = choose(above, dadd(near, inverse), choose(below, dsub(near, inverse), near));
  const square = v.let(dmul(inverse, inverse));
  const series = dmadd(v, inverse, d(0.5), dmul(square, dpolynomial(v, digammaStirling, square)));
  const large = dsub(logarithm(v, a, artanhTail), series);
  return choose(isLarge, large, small);
}

/** ψ(x) = ψ(−x) − 1/x − π cot πx; the cotangent by the tangent of πr or, nearer to ±1/2, of π(1/2 − |r|). */
export const digamma: VectorFunction = onLanes((v, x) => {
  const result = reflected(
    v,
    x,
    (a) => digammaPositive(v, a),
    (value, a, r) => {
      const size = v.let(op('f64x2.abs', r));
      const isNear = v.let(dlt(size, d(0.25)));
      const angle = v.let(dmul(choose(isNear, size, dsub(d(0.5), size)), d(Math.PI)));
      const z = v.let(dmul(angle, angle));
      const tangent = v.let(dmadd(v, dmul(angle, z), dpolynomial(v, tanTail, z), angle));
      const cotangent = v.let(ddiv(choose(isNear, d(1), tangent), choose(isNear, tangent, d(1))));
      const signed = op('v128.xor', cotangent, and(r, d(-0)));
      return dmadd(v, signed, d(Math.PI), dadd(value, ddiv(d(1), a)));
    },
  );
  const none = or(isPole(x), eq(x, c(Number.NEGATIVE_INFINITY)));
  return choose(none, c(Number.NaN), choose(eq(x, c(Number.POSITIVE_INFINITY)), x, result));
});
