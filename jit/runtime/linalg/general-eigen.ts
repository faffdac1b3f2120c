import { add, mul, sub } from '../../wasm/addresses.ts';
import { call, type Expr, type Func, FunctionBuilder, f64c, i32c, load, op, select } from '../../wasm/code.ts';
import type { FloatCode } from '../../wasm/vector-loops.ts';
import { balanceFunctions } from './balance.ts';
import { byteOffset } from './blocks.ts';
import { bulgeFunctions } from './bulge.ts';
import { francisFunctions } from './francis.ts';
import { hessenbergFunctions } from './hessenberg.ts';
import { at, f64, get, put } from './plane.ts';
import { schurVectorFunctions } from './schur-vectors.ts';
import { nearLargest, productRows } from './spectral-constants.ts';
import { standardBlockFunctions } from './standard-block.ts';

/**
 * Hessenberg form, implicit double-shift QR to real Schur form, and substitution for eigenvectors (Golub & Van Loan, Matrix
 * Computations, 4th ed., § 7.4 to 7.6), each in a file of its own:
 *
 *     eig_f32(batch, n, balanced, left, right, a, re, im, leftRe, leftIm, rightRe, rightIm, …)
 *     schur_f32(batch, n, a, t, z, …)
 *     hessenberg_f32(batch, n, a, h, q, …)
 *
 * Flags are 0 or 1. The rest is scratch memory of float64: the matrix as it is reduced, with a row of zeros behind it; reflections in rows; the
 * basis in rows, with one behind; then numbers, room for reflections of a step, and for products.
 */
export const generalEigenFunctions = (code: FloatCode): Func[] => [eig(code), schur(code), hessenberg(code)];

export const generalFunctions = (): Func[] => [
  ...balanceFunctions(),
  ...hessenbergFunctions(),
  ...standardBlockFunctions(),
  ...bulgeFunctions(),
  ...francisFunctions(),
  ...schurVectorFunctions(),
  inBasis(),
  signs(),
];

const one = i32c(1);
const none = i32c(0);

/** The scale of a matrix, and a copy of it with elements about 1 and a row of zeros behind it. NaN if it is not finite. */
function takeIn({ type, bytes }: FloatCode, f: FunctionBuilder, a: Expr, n: Expr, matrix: Expr): Expr {
  const scale = f.let(call(`scale_${type}`, 'f64', a, mul(n, n)));
  f.call(`widen_${type}`, matrix, a, n, n, mul(n, i32c(bytes)), i32c(bytes), f64.div(f64c(1), scale));
  clearAfter(f, matrix, n);
  return scale;
}

/** Zeros in row n of contiguous rows. */
const clearAfter = (f: FunctionBuilder, rows: Expr, n: Expr): void =>
  f.fill(at(rows, mul(n, n)), none, op('i32.shl', n, i32c(3)));

/** schur_in_basis(n, vectors, isUpper, basis, out, work): the products of vectors in rows with a basis in rows. Right ones end, and left ones begin, beside the diagonal. */
function inBasis(): Func {
  const f = new FunctionBuilder('schur_in_basis', new Array(6).fill('i32'));
  const [n, vectors, isUpper, basis, out, work] = f.parameters;
  f.for(
    0,
    n,
    (i) => {
      const rest = f.let(sub(n, i));
      const rows = f.let(select(op('i32.lt_s', rest, i32c(productRows)), rest, i32c(productRows)));
      const end = f.let(add(add(i, rows), one));
      const most = f.let(select(op('i32.lt_s', end, n), end, n));
      // Left vectors begin at the diagonal, or one before.
      const from = f.let(select(isUpper, none, select(op('i32.gt_s', i, none), sub(i, one), none)));
      const depth = f.let(select(isUpper, most, sub(n, from)));
      const offset = f.let(mul(i, n));
      const left = [at(vectors, add(offset, from)), n, one];
      f.call('gemm_f64', rows, n, depth, ...left, at(basis, mul(from, n)), n, one, at(out, offset), n, none, work);
    },
    productRows,
  );
  return f.build();
}

/** schur_signs(n, t, basis): signs by which the first of the largest elements of each Schur vector is positive. */
function signs(): Func {
  const f = new FunctionBuilder('schur_signs', new Array(3).fill('i32'));
  const [n, t, basis] = f.parameters;
  const bytes = f.let(op('i32.shl', n, i32c(3)));
  f.for(0, n, (i) => {
    const z = f.let(add(basis, mul(i, bytes)));
    const bound = f.let(f64.mul(f64c(nearLargest), call('largest_of', 'f64', z, n)));
    const k = f.var(none);
    f.while(op('f64.lt', f64.abs(get(z, k)), bound), () => f.set(k, add(k, one)));
    f.if(op('f64.lt', get(z, k), f64c(0)), () => {
      const [own, column] = [f.let(add(t, mul(i, bytes))), f.var(at(t, i))];
      f.for(0, n, (j) => {
        put(f, z, j, f64.neg(get(z, j)));
        f.if(op('i32.ne', i, j), () => {
          put(f, own, j, f64.sub(f64c(0), get(own, j)));
          f.store('f64.store', column, f64.sub(f64c(0), load('f64.load', column)));
        });
        f.set(column, add(column, bytes));
      });
    });
  });
  return f.build();
}

function eig(code: FloatCode): Func {
  const { type } = code;
  const f = new FunctionBuilder(`eig_${type}`, new Array(29).fill('i32'));
  const parameters = [...f.parameters];
  const [batch, n, balanced, left, right, a, re, im, leftRe, leftIm, rightRe, rightIm] = parameters as any;
  const [matrix, heads, z, wr, wi, backRe, backIm, taus, p, q, scales, exchanges, range, notes, blocks, vectors, work] =
    parameters.slice(12) as any;
  const row = f.let(op('i32.shl', n, i32c(3)));
  const sourceRow = f.let(byteOffset(code, n));
  const whole = f.let(op('i32.or', left, right));
  const [low, high] = [f.local('i32'), f.local('i32')];
  f.for(0, batch, () => {
    const scale = takeIn(code, f, a, n, matrix);
    const found = f.var(op('f64.eq', scale, scale));
    f.if(found, () => {
      f.set(low, none);
      f.set(high, n);
      f.if(balanced, () => {
        f.call('balance', n, matrix, row, scales, exchanges, range);
        f.set(low, load('i32.load', range));
        f.set(high, load('i32.load', range, 4));
      });
      f.call('hessenberg', n, low, high, matrix, row, heads, taus, p, q, blocks);
      f.if(whole, () => {
        f.call('accumulate', n, n, sub(n, one), z, row, one, heads, row, taus, blocks);
        clearAfter(f, z, n);
      });
      f.set(found, call('francis', 'i32', n, low, high, whole, matrix, row, z, row, wr, wi, notes));
    });
    f.if(op('i32.eqz', found), () => f.fill(wi, none, row));
    const nan = f64c(Number.NaN);
    const unit = f.let(select(found, f64c(1), nan));
    const finish = (wanted: Expr, isLeft: boolean, real: Expr, imaginary: Expr, source: () => Expr): void =>
      f.if(wanted, () => {
        f.if(found, () => {
          f.call('schur_in_basis', n, source(), i32c(isLeft ? 0 : 1), z, vectors, work);
          f.if(balanced, () => f.call('unbalance', n, n, vectors, scales, exchanges, range, i32c(isLeft ? 1 : 0)));
          f.call('schur_normalise', n, vectors, wi);
        });
        f.call(`write_planes_${type}`, n, vectors, wi, real, imaginary, unit);
      });
    finish(right, false, rightRe, rightIm, () => {
      f.call('schur_vectors', n, matrix, row, wr, wi, heads);
      return heads;
    });
    finish(left, true, leftRe, leftIm, () => {
      f.call('schur_flip', n, matrix, row, wr, wi, heads, backRe, backIm);
      f.call('schur_vectors', n, heads, row, backRe, backIm, vectors);
      f.call('schur_unflip', n, wi, vectors, heads);
      return heads;
    });
    const factor = f.let(select(found, scale, nan));
    f.call(`narrow_${type}`, re, wr, one, n, row, i32c(8), factor);
    f.call(`narrow_${type}`, im, wi, one, n, row, i32c(8), factor);
    for (const values of [re, im]) f.set(values, add(values, sourceRow));
    for (const matrices of [a, leftRe, leftIm, rightRe, rightIm]) f.set(matrices, add(matrices, mul(n, sourceRow)));
  });
  return f.build(true);
}

function schur(code: FloatCode): Func {
  const { type, bytes } = code;
  const f = new FunctionBuilder(`schur_${type}`, new Array(15).fill('i32'));
  const [batch, n, a, t, z, matrix, heads, basis, wr, wi, taus, p, q, notes, blocks] = f.parameters;
  const row = f.let(op('i32.shl', n, i32c(3)));
  const size = f.let(mul(mul(n, n), i32c(bytes)));
  f.for(0, batch, () => {
    const scale = takeIn(code, f, a, n, matrix);
    const found = f.var(op('f64.eq', scale, scale));
    f.if(found, () => {
      f.call('hessenberg', n, none, n, matrix, row, heads, taus, p, q, blocks);
      f.call('accumulate', n, n, sub(n, one), basis, row, one, heads, row, taus, blocks);
      clearAfter(f, basis, n);
      f.set(found, call('francis', 'i32', n, none, n, one, matrix, row, basis, row, wr, wi, notes));
      f.call('schur_signs', n, matrix, basis);
    });
    const nan = f64c(Number.NaN);
    f.call(`narrow_${type}`, t, matrix, n, n, row, i32c(8), f.let(select(found, scale, nan)));
    f.call(`narrow_${type}`, z, basis, n, n, i32c(8), row, f.let(select(found, f64c(1), nan)));
    for (const matrices of [a, t, z]) f.set(matrices, add(matrices, size));
  });
  return f.build(true);
}

function hessenberg(code: FloatCode): Func {
  const { type, bytes } = code;
  const f = new FunctionBuilder(`hessenberg_${type}`, new Array(12).fill('i32'));
  const [batch, n, a, h, q, matrix, heads, basis, taus, p, other, blocks] = f.parameters;
  const row = f.let(op('i32.shl', n, i32c(3)));
  const size = f.let(mul(mul(n, n), i32c(bytes)));
  f.for(0, batch, () => {
    const scale = takeIn(code, f, a, n, matrix);
    const found = f.let(op('f64.eq', scale, scale));
    f.if(found, () => {
      f.call('hessenberg', n, none, n, matrix, row, heads, taus, p, other, blocks);
      f.call('accumulate', n, n, sub(n, one), basis, row, one, heads, row, taus, blocks);
    });
    f.call(`narrow_${type}`, h, matrix, n, n, row, i32c(8), scale);
    f.call(`narrow_${type}`, q, basis, n, n, i32c(8), row, f.let(select(found, f64c(1), f64c(Number.NaN))));
    for (const matrices of [a, h, q]) f.set(matrices, add(matrices, size));
  });
  return f.build(true);
}
