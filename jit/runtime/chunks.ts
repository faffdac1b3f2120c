import { type Expr, type FunctionBuilder, i32c, op } from '../wasm/code.ts';

/** Elements that one call of a loop goes over, so that the engine can go over to optimised code in between. */
const chunk = 4096;

/** Goes over n elements piece by piece. */
export function inChunks(f: FunctionBuilder, n: Expr, write: (at: Expr, count: Expr) => void): void {
  f.for(
    0,
    n,
    (i) => {
      const left = f.var(op('i32.sub', n, i));
      f.if(op('i32.gt_s', left, i32c(chunk)), () => f.set(left, i32c(chunk)));
      write(i, left);
    },
    chunk,
  );
}
