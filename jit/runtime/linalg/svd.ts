import { call, type Expr, type Func, FunctionBuilder, f64c, i32c, type Local, op, select } from '../../code.ts';
import type { FloatCode } from '../../vector-loops.ts';
import { bidiagonalQr } from './bidiagonal-qr.ts';
import { add, byteOffset, mul, sub } from './blocks.ts';
import { at, f64, put, reflectorCall, sortRows } from './plane.ts';

/**
 * Householder reflections to bidiagonal form, then implicit QR (Golub & Kahan 1965):
 *
 *     svd_f32(batch, m, n, wanted, row, column, a, values, left, right,
 *             matrix, heads, u, v, diagonal, beside, taus, products, uNotes, vNotes, blocks)
 *
 * of m × n matrices with m ≥ n, whose rows and columns are so many bytes apart: a wide one is read as its transpose. `wanted` left
 * vectors: none, n or m. From `matrix` on it is scratch memory of float64: the matrix as it is reduced, which keeps the
 * reflections of rows; those of columns; a singular vector in each row of u and v; the bidiagonal matrix; 2n numbers, and n;
 * rotations; and room for blocks of reflections.
 */
export const svdFunctions = (code: FloatCode): Func[] => [batches(code)];

export const bidiagonalFunctions = (): Func[] => [bidiagonal(), ...bidiagonalQr()];

/** bidiagonal(m, n, matrix, heads, diagonal, beside, taus, products): τ of columns, then of rows. */
function bidiagonal(): Func {
  const f = new FunctionBuilder('bidiagonal', new Array(8).fill('i32'));
  const [m, n, matrix, heads, diagonal, beside, taus, products] = f.parameters;
  const row = f.let(op('i32.shl', n, i32c(3)));
  const head = f.let(op('i32.shl', m, i32c(3)));
  f.for(0, n, (k) => {
    const next = f.let(add(k, i32c(1)));
    const rest = f.let(sub(n, next));
    const corner = f.let(at(add(matrix, mul(k, row)), k));
    const v = f.let(add(heads, mul(k, head)));
    const tau = f.let(reflectorCall(corner, row, sub(m, k), at(v, k), at(diagonal, k)));
    put(f, taus, k, tau);
    f.if(op('i32.and', op('f64.ne', tau, f64c(0)), op('i32.gt_s', rest, i32c(0))), () => {
      f.call('reflect_f64', m, k, matrix, row, next, rest, v, tau, products);
    });
    f.if(
      op('i32.gt_s', rest, i32c(0)),
      () => {
        const beyond = f.let(add(corner, i32c(8)));
        const other = f.let(reflectorCall(beyond, i32c(8), rest, beyond, at(beside, k)));
        put(f, taus, add(n, k), other);
        f.call('reflect_rows', add(beyond, row), row, sub(sub(m, k), i32c(1)), beyond, rest, other);
      },
      () => put(f, beside, k, f64c(0)),
    );
  });
  return f.build();
}

function batches(code: FloatCode): Func {
  const { type } = code;
  const f = new FunctionBuilder(`svd_${type}`, new Array(21).fill('i32'));
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
    uNotes,
    vNotes,
    blocks,
  ] = f.parameters;
  const upright = f.let(op('i32.ge_s', row, column));
  const size = f.let(byteOffset(code, mul(m, n)));
  const rights = f.let(select(wanted, n, i32c(0)));
  const width = f.let(select(wanted, m, i32c(0)));
  const bytes = (stride: Expr): Expr => op('i32.shl', stride, i32c(3));
  f.for(0, batch, () => {
    const scale = f.let(call(`scale_${type}`, 'f64', a, mul(m, n)));
    const finite = f.var(op('f64.eq', scale, scale));
    f.if(finite, () => {
      f.call(`widen_${type}`, matrix, a, m, n, row, column, f64.div(f64c(1), scale));
      f.call('bidiagonal', m, n, matrix, heads, diagonal, beside, taus, products);
      f.if(wanted, () => {
        f.call('accumulate', wanted, m, n, u, i32c(0), heads, bytes(m), taus, blocks);
        f.call('accumulate', n, n, sub(n, i32c(1)), v, i32c(1), matrix, bytes(n), at(taus, n), blocks);
      });
      f.set(finite, call('bidiagonal_qr', 'i32', n, diagonal, beside, u, width, v, rights, uNotes, vNotes));
      sortRows(f, n, diagonal, 'f64.gt', [
        { rows: u, count: width },
        { rows: v, count: rights },
      ]);
    });
    const nan = f64c(Number.NaN);
    f.call(`narrow_${type}`, values, diagonal, i32c(1), n, i32c(8), i32c(8), f.let(select(finite, scale, nan)));
    const unit = f.let(select(finite, f64c(1), nan));
    // Left vectors of an upright matrix are columns of U and right ones rows of Vᵀ; of a transposed one, the other way round.
    const write = (to: Local, table: Expr, count: Expr, length: Expr, asColumns: Expr): void => {
      const stride = f.let(bytes(length));
      f.if(
        asColumns,
        () => f.call(`narrow_${type}`, to, table, length, count, i32c(8), stride, unit),
        () => f.call(`narrow_${type}`, to, table, count, length, stride, i32c(8), unit),
      );
      f.set(to, add(to, byteOffset(code, mul(count, length))));
    };
    write(left, u, wanted, width, upright);
    write(right, v, rights, rights, op('i32.eqz', upright));
    f.set(a, add(a, size));
    f.set(values, add(values, byteOffset(code, n)));
  });
  return f.build(true);
}
