import { type Expr, type Func, FunctionBuilder, f64x2c, f64x2lanes, i32c, type Local, op } from '../wasm/code.ts';
import { chooseLanes } from '../wasm/vector-blocks.ts';

/**
 * Evenly spaced numbers:
 *
 *     spaced_f64(n, first, to, from, width, steps)
 *
 * writes from + width·i / steps for n numbers i from `first` on. All is computed in float64, in this order, and
 * `spaced_f32` rounds the result.
 */
export const spacedFunctions = (): Func[] => [spaced(4), spaced(8)];

function spaced(bytes: 4 | 8): Func {
  const f = new FunctionBuilder(`spaced_f${8 * bytes}`, ['i32', 'i32', 'i32', 'f64', 'f64', 'f64']);
  const [n, first, to, from, width, steps] = f.parameters as [Local, Local, Local, Local, Local, Local];
  const at = (shape: 'f64' | 'f64x2', i: Expr, [start, wide, parts]: readonly Expr[]): Expr =>
    op(`${shape}.add`, start!, op(`${shape}.div`, op(`${shape}.mul`, wide!, i), parts!));
  const given = [from, width, steps];
  const splats = given.map((x) => f.var(op('f64x2.splat', x)));
  const low = f.var(op('f64x2.add', op('f64x2.splat', op('f64.convert_i32_s', first)), f64x2lanes(0, 1)));
  const high = f.var(op('f64x2.add', low, f64x2c(2)));
  f.for(
    0,
    op('i32.and', n, i32c(-4)),
    () => {
      const [x, y] = [low, high].map((i) => f.var(at('f64x2', i, splats))) as [Local, Local];
      if (bytes === 8) {
        f.store('v128.store', to, x);
        f.store('v128.store', to, y, 16);
      } else {
        const [a, b] = [x, y].map((v) => f.var(op('f32x4.demote_f64x2_zero', v))) as [Local, Local];
        f.store('v128.store', to, chooseLanes(a, b, 4, 0, 1, 4, 5));
      }
      for (const i of [low, high]) f.set(i, op('f64x2.add', i, f64x2c(4)));
      f.set(to, op('i32.add', to, i32c(4 * bytes)));
    },
    4,
  );
  const i = f.var(op('i32.add', first, op('i32.and', n, i32c(-4))));
  f.for(0, op('i32.and', n, i32c(3)), () => {
    const value = at('f64', op('f64.convert_i32_s', i), given);
    f.store(`f${8 * bytes}.store`, to, bytes === 8 ? value : op('f32.demote_f64', value));
    f.set(i, op('i32.add', i, i32c(1)));
    f.set(to, op('i32.add', to, i32c(bytes)));
  });
  return f.build(true);
}
