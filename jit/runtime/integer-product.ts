import { type Expr, type Func, FunctionBuilder, i32c, load, op } from '../wasm/code.ts';

/**
 * C = A·B for matrices of int32 or uint32 with any strides, modulo 2³², with the arguments of `gemm_f32`:
 *
 *     product_i32(m, n, k, a, aRow, aCol, b, bRow, bCol, c, cRow, 0, 0)
 *
 * Rows of B, multiplied by an element of A each, add up to a row of C.
 */
export function integerProductFunctions(): Func[] {
  const f = new FunctionBuilder('product_i32', new Array(13).fill('i32'));
  const [m, n, k, a, aRow, aCol, b, bRow, bCol, c, cRow] = f.parameters;
  const add = (x: Expr, y: Expr): Expr => op('i32.add', x, y);
  const bytes = (x: Expr): Expr => op('i32.shl', x, i32c(2));
  const isRow = f.let(op('i32.eq', bCol, i32c(1)));
  const vectors = f.let(op('i32.and', n, op('i32.mul', isRow, i32c(-4))));
  f.for(0, m, () => {
    f.fill(c, i32c(0), bytes(n));
    const [left, right] = [f.var(a), f.var(b)];
    f.for(0, k, () => {
      const factor = f.let(load('i32.load', left));
      const splat = f.let(op('i32x4.splat', factor));
      const [to, from] = [f.var(c), f.var(right)];
      f.for(
        0,
        vectors,
        () => {
          const product = op('i32x4.mul', splat, load('v128.load', from));
          f.store('v128.store', to, op('i32x4.add', load('v128.load', to), product));
          f.set(to, add(to, i32c(16)));
          f.set(from, add(from, i32c(16)));
        },
        4,
      );
      f.for(vectors, n, () => {
        const product = op('i32.mul', factor, load('i32.load', from));
        f.store('i32.store', to, add(load('i32.load', to), product));
        f.set(to, add(to, i32c(4)));
        f.set(from, add(from, bytes(bCol)));
      });
      f.set(left, add(left, bytes(aCol)));
      f.set(right, add(right, bytes(bRow)));
    });
    f.set(a, add(a, bytes(aRow)));
    f.set(c, add(c, bytes(cRow)));
  });
  return [f.build(true)];
}
