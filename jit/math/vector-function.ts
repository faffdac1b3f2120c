import type { Expr, FunctionBuilder, Target } from '../wasm/code.ts';

/**
 * Writes one function of vector math into the function under construction: statements where it must, and the result.
 * Operands are locals or constants. Every lane is computed alike, whatever the other lanes hold, so that an element's
 * bits do not depend on its place. With `target.fma` a fused multiply-add may be used; accuracy holds without it too.
 */
export type VectorFunction = (f: FunctionBuilder, target: Target, ...operands: readonly Expr[]) => Expr;
