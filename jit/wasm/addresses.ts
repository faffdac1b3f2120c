/** Arithmetic of 32-bit integers, as addresses and counts need it. */
import { type Expr, i32c, op } from './code.ts';

export const add = (a: Expr, b: Expr): Expr => op('i32.add', a, b);
export const sub = (a: Expr, b: Expr): Expr => op('i32.sub', a, b);
export const mul = (a: Expr, b: Expr): Expr => op('i32.mul', a, b);
/** a·2ⁿ */
export const shl = (a: Expr, n: number): Expr => op('i32.shl', a, i32c(n));
