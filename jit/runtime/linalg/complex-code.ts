/** Complex numbers as pairs of expressions. */
import { type Expr, type FunctionBuilder, f64c, op, select } from '../../wasm/code.ts';
import { f64 } from './plane.ts';

export interface Complex {
  readonly re: Expr;
  readonly im: Expr;
}

export interface ComplexCode {
  readonly pair: (re: Expr, im: Expr) => Complex;
  /** The larger of the magnitudes of both parts. */
  readonly size: (z: Complex) => Expr;
  readonly times: (a: Complex, b: Complex) => Complex;
  readonly minus: (a: Complex, b: Complex) => Complex;
  readonly over: (a: Complex, b: Complex) => Complex;
  readonly either: (cond: Expr, a: Complex, b: Complex) => Complex;
  readonly scaled: (a: Complex, by: Expr) => Complex;
}

/** Expressions of complex numbers: what stands in two places is bound. */
export function complexCode(f: FunctionBuilder): ComplexCode {
  const pair = (re: Expr, im: Expr): Complex => ({ re: f.let(re), im: f.let(im) });
  const size = ({ re, im }: Complex): Expr => op('f64.max', f64.abs(re), f64.abs(im));
  return {
    pair,
    size,
    times: (a: Complex, b: Complex): Complex =>
      pair(f64.sub(f64.mul(a.re, b.re), f64.mul(a.im, b.im)), f64.add(f64.mul(a.re, b.im), f64.mul(a.im, b.re))),
    minus: (a: Complex, b: Complex): Complex => pair(f64.sub(a.re, b.re), f64.sub(a.im, b.im)),
    over: (a: Complex, b: Complex): Complex => {
      const scale = f.let(f64.div(f64c(1), size(b)));
      const [p, q] = [f.let(f64.mul(b.re, scale)), f.let(f64.mul(b.im, scale))];
      const square = f.let(f64.add(f64.mul(p, p), f64.mul(q, q)));
      const re = f64.div(f64.add(f64.mul(a.re, p), f64.mul(a.im, q)), square);
      const im = f64.div(f64.sub(f64.mul(a.im, p), f64.mul(a.re, q)), square);
      return pair(f64.mul(re, scale), f64.mul(im, scale));
    },
    either: (cond: Expr, a: Complex, b: Complex): Complex => pair(select(cond, a.re, b.re), select(cond, a.im, b.im)),
    scaled: (a: Complex, by: Expr): Complex => pair(f64.mul(a.re, by), f64.mul(a.im, by)),
  };
}
