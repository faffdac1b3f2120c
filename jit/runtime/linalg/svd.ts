import { add, mul, sub } from '../../wasm/addresses.ts';
import {
  call,
  type Expr,
  type Func,
  FunctionBuilder,
  f64c,
  i32c,
  type Local,
  load,
  op,
  select,
} from '../../wasm/code.ts';
import type { FloatCode } from '../../wasm/vector-loops.ts';
import { byteOffset } from './blocks.ts';
import { indexInOrder, read, word } from './orders.ts';
import { at, get, put, setIdentity } from './plane.ts';
import { dividedFrom } from './spectral-constants.ts';

const one = i32c(1);

/**
 * Householder reflections to [bidiagonal form](./bidiagonal.ts), then implicit QR (Golub & Kahan 1965):
 *
 *     svd_f32(batch, m, n, wanted, row, column, a, values, left, right,
 *             matrix, heads, u, v, diagonal, beside, taus, products, order, uNotes, vNotes, blocks, room)
 *
 * of m × n matrices with m ≥ n, whose rows and columns are so many bytes apart: a wide one is read as its transpose. `wanted` left
 * vectors: none, n or m. From `matrix` on it is scratch memory of float64: the matrix as it is reduced, which keeps the
 * reflections of rows; those of columns; a singular vector in each row of u and v; the bidiagonal matrix; 2n numbers, and n;
 * indices; rotations; and room for blocks of reflections, and for divide and conquer.
 *
 * Vectors of larger matrices come from [divide and conquer](./divide-singular.ts), and are multiplied by the reflections afterwards.
 */
export const svdFunctions = (code: FloatCode): Func[] => [batches(code)];

function batches(code: FloatCode): Func {
  const { type } = code;
  const f = new FunctionBuilder(`svd_${type}`, new Array(23).fill('i32'));
  const [
    batch,
    m,
    n,
    wanted,
    row,
    column,
    a,
    values,
    left,
    right,
    matrix,
    heads,
    u,
    v,
    diagonal,
    beside,
    taus,
    products,
    order,
    uNotes,
    vNotes,
    blocks,
    room,
  ] = f.parameters;
  const upright = f.let(op('i32.ge_s', row, column));
  const size = f.let(byteOffset(code, mul(m, n)));
  const rights = f.let(select(wanted, n, i32c(0)));
  const width = f.let(select(wanted, m, i32c(0)));
  const bytes = (stride: Expr): Expr => op('i32.shl', stride, i32c(3));
  const isDivided = f.let(op('i32.and', op('i32.ne', wanted, i32c(0)), op('i32.ge_s', n, i32c(dividedFrom))));
  const vRow = f.let(bytes(add(n, isDivided)));
  f.for(0, batch, () => {
    const scale = f.let(call(`scale_${type}`, 'f64', a, mul(m, n)));
    const finite = f.var(op('f64.eq', scale, scale));
    f.if(finite, () => {
      f.call(`widen_${type}`, matrix, a, m, n, row, column, op('f64.div', f64c(1), scale));
      f.call('bidiagonal', m, n, matrix, heads, diagonal, beside, taus, products, blocks);
      const columns = [heads, bytes(m), taus, blocks];
      const rows = [matrix, bytes(n), at(taus, n), blocks];
      f.if(
        isDivided,
        () => {
          setIdentity(f, u, wanted, m);
          const tables = [u, bytes(m), v, vRow];
          const divided = [n, diagonal, beside, ...tables, order, uNotes, vNotes, room];
          f.set(finite, call('divide_bidiagonal', 'i32', ...divided));
          f.call('multiply_reflections', wanted, m, n, u, bytes(m), i32c(0), ...columns);
          f.call('multiply_reflections', n, n, sub(n, one), v, vRow, one, ...rows);
        },
        () => {
          f.if(wanted, () => {
            f.call('accumulate', wanted, m, n, u, bytes(m), i32c(0), ...columns);
            f.call('accumulate', n, n, sub(n, one), v, vRow, one, ...rows);
          });
          f.set(finite, call('bidiagonal_qr', 'i32', n, diagonal, beside, u, width, v, rights, uNotes, vNotes));
          f.call('sort_indices', n, diagonal, order);
        },
      );
    });
    const [nan, unit] = [f64c(Number.NaN), f.let(select(finite, f64c(1), f64c(Number.NaN)))];
    f.if(op('i32.eqz', finite), () => indexInOrder(f, order, i32c(0), n));
    // Descending, and then the vectors that complete the left ones.
    f.for(0, op('i32.shr_u', n, one), (i) => {
      const [low, high] = [word(order, i), word(order, sub(sub(n, one), i))];
      const first = f.let(load('i32.load', low));
      f.store('i32.store', low, load('i32.load', high));
      f.store('i32.store', high, first);
    });
    indexInOrder(f, order, n, wanted);
    f.for(0, n, (i) => put(f, products, i, get(diagonal, read(order, i))));
    f.call(`narrow_${type}`, values, products, one, n, i32c(8), i32c(8), f.let(select(finite, scale, nan)));
    // Left vectors of an upright matrix are columns of U and right ones rows of Vᵀ; of a transposed one, the other way round.
    const write = (to: Local, table: Expr, tableRow: Expr, count: Expr, length: Expr, asColumns: Expr): void => {
      f.if(
        asColumns,
        () => f.call(`write_columns_${type}`, count, length, table, tableRow, order, to, unit),
        () => {
          f.for(0, count, (i) => {
            const [target, source] = [
              add(to, byteOffset(code, mul(i, length))),
              add(table, mul(read(order, i), tableRow)),
            ];
            f.call(`narrow_${type}`, target, source, one, length, i32c(0), i32c(8), unit);
          });
        },
      );
      f.set(to, add(to, byteOffset(code, mul(count, length))));
    };
    write(left, u, bytes(m), wanted, width, upright);
    write(right, v, vRow, rights, rights, op('i32.eqz', upright));
    f.set(a, add(a, size));
    f.set(values, add(values, byteOffset(code, n)));
  });
  return f.build(true);
}
