/**
 * Transforms of real numbers and back, of even length n = 2h, by one complex transform of length h of z[j] = x[2j] + i·x[2j + 1].
 * Its result and that of the numbers wanted are, for k and h − k together,
 *
 *     X[k] = E + T,   X[h − k] = conj(E − T),   2E = Z[k] + conj Z[h − k],   2T = −i·w^k·(Z[k] − conj Z[h − k]),   w = exp(−2πi/n)
 *
 *     rfft_line_f32(n, w, x, unused, xStep, yr, yi, yStep, scale, inverse, full, table, work)
 *     irfft_line_f32(n, w, xr, xi, xStep, y, unused, yStep, scale, inverse, unused, table, work)
 *
 * `full` writes the other half of the result as well, X[n − k] = conj X[k].
 */

import { add, mul, sub } from '../../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, i32c, op, select, type Target } from '../../wasm/code.ts';
import { chooseLanes } from '../../wasm/vector-blocks.ts';
import { type FloatCode, loadFloat, storeFloat } from '../../wasm/vector-loops.ts';
import { type Complex, Vectors } from './butterflies.ts';
import { lineName, one, Planes } from './lines.ts';
import { bytesOf, loadSplat, overVectors, splat, vectorAt } from './passes.ts';

const parameters = (code: FloatCode) => [
  ...new Array<'i32'>(8).fill('i32'),
  code.type,
  ...new Array<'i32'>(4).fill('i32'),
];

export const realFunctions = (code: FloatCode, target: Target): Func[] => [
  separateRows(code, target),
  separateLine(code, target),
  combineRows(code, target),
  combineLine(code, target),
  deinterleave(code),
  interleave(code),
  forward(code),
  backward(code),
];

const reversed = (f: FunctionBuilder, { bytes }: FloatCode, x: Expr): Expr =>
  f.let(bytes === 4 ? chooseLanes(x, x, 4, 3, 2, 1, 0) : chooseLanes(x, x, 8, 1, 0));

const half = ({ type }: FloatCode): Expr => ({ kind: 'const', type, value: 0.5 });
const signed = ({ type }: FloatCode, x: Expr, inverse: Expr): Expr => select(inverse, op(`${type}.neg`, x), x);

/** X[k] and X[h − k], times twice what they are, of Z[k] = a and Z[h − k] = b. */
function separated(v: Vectors, a: Complex, b: Complex, w: Complex): { near: Complex; far: Complex } {
  const [er, ei] = [v.add(a.re, b.re), v.sub(a.im, b.im)];
  const t = v.product({ re: v.add(a.im, b.im), im: v.sub(b.re, a.re) }, w);
  return {
    near: { re: v.add(er, t.re), im: v.add(ei, t.im) },
    far: { re: v.sub(er, t.re), im: v.sub(t.im, ei) },
  };
}

/** The way back: Z[k] and Z[h − k] of X[k] = a and X[h − k] = b, twice what they are. */
function combined(v: Vectors, a: Complex, b: Complex, w: Complex): { near: Complex; far: Complex } {
  const [pr, pi] = [v.add(a.re, b.re), v.sub(a.im, b.im)];
  const [qr, qi] = [v.sub(a.re, b.re), v.add(a.im, b.im)];
  const tr = v.multiplyAdd(w.im, qi, v.mul(w.re, qr));
  const ti = v.multiplySubtract(w.im, qr, v.mul(w.re, qi));
  return {
    near: { re: v.sub(pr, ti), im: v.add(pi, tr) },
    far: { re: v.add(pr, ti), im: v.sub(tr, pi) },
  };
}

function storeComplex(f: FunctionBuilder, [re, im]: readonly [Expr, Expr], value: Complex): void {
  f.store('v128.store', re, value.re);
  f.store('v128.store', im, value.im);
}

/** separate_rows(h, width, zr, zi, yr, yi, yStep, inverse, full, roots, scale): rows of `width` bytes, Z's one after the other. */
function separateRows(code: FloatCode, target: Target): Func {
  const f = new FunctionBuilder(`fft_separate_rows_${code.type}`, [...new Array<'i32'>(11).fill('i32'), code.type]);
  const [h, width, zr, zi, yr, yi, yStep, inverse, full, rootR, rootI, scale] = f.parameters;
  const v = new Vectors(f, code, target);
  const size = f.let(op(`${code.type}.mul`, scale, half(code)));
  const [sr, si] = [f.let(splat(code, size)), f.let(splat(code, signed(code, size, inverse)))];
  const minus = f.let(op(`${code.shape}.neg`, si));
  const last = f.let(op('i32.shr_u', h, i32c(1)));
  const n = f.let(op('i32.shl', h, i32c(1)));
  f.for(0, add(last, i32c(1)), (k) => {
    const other = f.let(sub(h, k));
    const w = { re: f.let(loadSplat(code, rootR)), im: f.let(loadSplat(code, rootI)) };
    const [nearZ, farZ] = [f.let(mul(k, width)), f.let(select(k, mul(other, width), i32c(0)))];
    const [near, far] = [f.let(mul(k, yStep)), f.let(mul(other, yStep))];
    const mirrored = f.let(mul(sub(n, k), yStep));
    const beside = f.let(mul(add(h, k), yStep));
    overVectors(f, width, (at) => {
      const place = (base: Expr, row: Expr): Expr => add(add(base, row), at);
      const a = { re: vectorAt(f, place(zr, nearZ)), im: vectorAt(f, place(zi, nearZ)) };
      const b = { re: vectorAt(f, place(zr, farZ)), im: vectorAt(f, place(zi, farZ)) };
      const x = separated(v, a, b, w);
      const [nr, fr] = [v.mul(x.near.re, sr), v.mul(x.far.re, sr)];
      storeComplex(f, [place(yr, near), place(yi, near)], { re: nr, im: v.mul(x.near.im, si) });
      storeComplex(f, [place(yr, far), place(yi, far)], { re: fr, im: v.mul(x.far.im, si) });
      f.if(op('i32.and', full, op('i32.ne', k, i32c(0))), () => {
        storeComplex(f, [place(yr, mirrored), place(yi, mirrored)], { re: nr, im: v.mul(x.near.im, minus) });
        storeComplex(f, [place(yr, beside), place(yi, beside)], { re: fr, im: v.mul(x.far.im, minus) });
      });
    });
    f.set(rootR, add(rootR, i32c(code.bytes)));
    f.set(rootI, add(rootI, i32c(code.bytes)));
  });
  return f.build();
}

/** Windows of vectors that begin at 1 and go over 1 … h/2, within 1 … h − 1: the mirrored ones go over the rest. */
function overWindows(f: FunctionBuilder, { lanes }: FloatCode, h: Expr, write: (k: Expr) => void): void {
  const last = f.let(sub(h, i32c(lanes)));
  f.for(
    1,
    add(op('i32.shr_u', h, i32c(1)), i32c(1)),
    (k) => {
      f.if(op('i32.gt_s', k, last), () => f.set(k, last));
      write(k);
    },
    lanes,
  );
}

/** separate_line(h, zr, zi, yr, yi, inverse, full, roots, scale): the same for one contiguous line. */
function separateLine(code: FloatCode, target: Target): Func {
  const { type, lanes } = code;
  const f = new FunctionBuilder(`fft_separate_line_${type}`, [...new Array<'i32'>(9).fill('i32'), type]);
  const [h, zr, zi, yr, yi, inverse, full, rootR, rootI, scale] = f.parameters;
  const v = new Vectors(f, code, target);
  const [a0, b0] = [f.let(loadFloat(code, zr)), f.let(loadFloat(code, zi))];
  const scalar = (name: string, x: Expr, y: Expr): Expr => op(`${type}.${name}`, x, y);
  const end = f.let(bytesOf(code, h));
  const zero: Expr = { kind: 'const', type, value: 0 };
  storeFloat(f, code, yr, scalar('mul', scalar('add', a0, b0), scale));
  storeFloat(f, code, yi, zero);
  storeFloat(f, code, add(yr, end), scalar('mul', scalar('sub', a0, b0), scale));
  storeFloat(f, code, add(yi, end), zero);
  const size = f.let(scalar('mul', scale, half(code)));
  const [sr, si] = [f.let(splat(code, size)), f.let(splat(code, signed(code, size, inverse)))];
  const minus = f.let(op(`${code.shape}.neg`, si));
  overWindows(f, code, h, (k) => {
    const near = f.let(bytesOf(code, k));
    const far = f.let(bytesOf(code, sub(sub(h, i32c(lanes - 1)), k)));
    const a = { re: vectorAt(f, add(zr, near)), im: vectorAt(f, add(zi, near)) };
    const b = {
      re: reversed(f, code, vectorAt(f, add(zr, far))),
      im: reversed(f, code, vectorAt(f, add(zi, far))),
    };
    const w = { re: vectorAt(f, add(rootR, near)), im: vectorAt(f, add(rootI, near)) };
    const x = separated(v, a, b, w);
    const [nr, fr] = [v.mul(x.near.re, sr), v.mul(x.far.re, sr)];
    storeComplex(f, [add(yr, near), add(yi, near)], { re: nr, im: v.mul(x.near.im, si) });
    const back = (vector: Expr): Expr => reversed(f, code, vector);
    storeComplex(f, [add(yr, far), add(yi, far)], { re: back(fr), im: back(v.mul(x.far.im, si)) });
    f.if(full, () => {
      // n − k … and h + k …
      const mirrored = f.let(add(far, end));
      const beside = f.let(add(near, end));
      storeComplex(f, [add(yr, mirrored), add(yi, mirrored)], { re: back(nr), im: back(v.mul(x.near.im, minus)) });
      storeComplex(f, [add(yr, beside), add(yi, beside)], { re: fr, im: v.mul(x.far.im, minus) });
    });
  });
  return f.build();
}

/** combine_rows(h, width, xr, xi, xStep, zr, zi, inverse, roots). */
function combineRows(code: FloatCode, target: Target): Func {
  const f = new FunctionBuilder(`fft_combine_rows_${code.type}`, new Array(10).fill('i32'));
  const [h, width, xr, xi, xStep, zr, zi, inverse, rootR, rootI] = f.parameters;
  const v = new Vectors(f, code, target);
  // The given numbers are the conjugate ones where the exponent has the other sign.
  const sign = f.let(splat(code, select(inverse, one(code), op(`${code.type}.neg`, one(code)))));
  const last = f.let(op('i32.shr_u', h, i32c(1)));
  f.for(0, add(last, i32c(1)), (k) => {
    const other = f.let(sub(h, k));
    const w = { re: f.let(loadSplat(code, rootR)), im: f.let(loadSplat(code, rootI)) };
    const [near, far] = [f.let(mul(k, xStep)), f.let(mul(other, xStep))];
    const [nearZ, farZ] = [f.let(mul(k, width)), f.let(select(k, mul(other, width), i32c(0)))];
    // The ends have no imaginary part.
    const factor = f.let(select(k, sign, v.constant(0)));
    overVectors(f, width, (at) => {
      const place = (base: Expr, row: Expr): Expr => add(add(base, row), at);
      const part = (re: Expr, im: Expr, row: Expr): Complex => ({
        re: vectorAt(f, place(re, row)),
        im: f.let(select(k, v.mul(vectorAt(f, place(im, row)), factor), v.constant(0))),
      });
      const z = combined(v, part(xr, xi, near), part(xr, xi, far), w);
      storeComplex(f, [place(zr, farZ), place(zi, farZ)], z.far);
      storeComplex(f, [place(zr, nearZ), place(zi, nearZ)], z.near);
    });
    f.set(rootR, add(rootR, i32c(code.bytes)));
    f.set(rootI, add(rootI, i32c(code.bytes)));
  });
  return f.build();
}

/** combine_line(h, xr, xi, zr, zi, inverse, roots). */
function combineLine(code: FloatCode, target: Target): Func {
  const { type, lanes } = code;
  const f = new FunctionBuilder(`fft_combine_line_${type}`, new Array(8).fill('i32'));
  const [h, xr, xi, zr, zi, inverse, rootR, rootI] = f.parameters;
  const v = new Vectors(f, code, target);
  const end = f.let(bytesOf(code, h));
  const [first, last] = [f.let(loadFloat(code, xr)), f.let(loadFloat(code, add(xr, end)))];
  storeFloat(f, code, zr, op(`${type}.add`, first, last));
  storeFloat(f, code, zi, op(`${type}.sub`, first, last));
  const sign = f.let(splat(code, select(inverse, one(code), op(`${type}.neg`, one(code)))));
  overWindows(f, code, h, (k) => {
    const near = f.let(bytesOf(code, k));
    const far = f.let(bytesOf(code, sub(sub(h, i32c(lanes - 1)), k)));
    const a = { re: vectorAt(f, add(xr, near)), im: v.mul(vectorAt(f, add(xi, near)), sign) };
    const b = {
      re: reversed(f, code, vectorAt(f, add(xr, far))),
      im: v.mul(reversed(f, code, vectorAt(f, add(xi, far))), sign),
    };
    const w = { re: vectorAt(f, add(rootR, near)), im: vectorAt(f, add(rootI, near)) };
    const z = combined(v, a, b, w);
    storeComplex(f, [add(zr, far), add(zi, far)], {
      re: reversed(f, code, z.far.re),
      im: reversed(f, code, z.far.im),
    });
    storeComplex(f, [add(zr, near), add(zi, near)], z.near);
  });
  return f.build();
}

/** Even and odd lanes of two vectors, and back. */
const lanesOf = ({ bytes }: FloatCode) =>
  bytes === 4
    ? { even: [0, 2, 4, 6], odd: [1, 3, 5, 7], low: [0, 4, 1, 5], high: [2, 6, 3, 7] }
    : { even: [0, 2], odd: [1, 3], low: [0, 2], high: [1, 3] };

/** deinterleave(h, x, re, im): h ≥ lanes. */
function deinterleave(code: FloatCode): Func {
  const f = new FunctionBuilder(`fft_deinterleave_${code.type}`, new Array(4).fill('i32'));
  const [h, x, re, im] = f.parameters;
  const { even, odd } = lanesOf(code);
  overVectors(f, f.let(bytesOf(code, h)), (at) => {
    const from = f.let(add(x, op('i32.shl', at, i32c(1))));
    const [a, b] = [vectorAt(f, from), vectorAt(f, from, 16)];
    f.store('v128.store', add(re, at), chooseLanes(a, b, code.bytes as 4 | 8, ...even));
    f.store('v128.store', add(im, at), chooseLanes(a, b, code.bytes as 4 | 8, ...odd));
  });
  return f.build();
}

function interleave(code: FloatCode): Func {
  const f = new FunctionBuilder(`fft_interleave_${code.type}`, new Array(4).fill('i32'));
  const [h, re, im, y] = f.parameters;
  const { low, high } = lanesOf(code);
  overVectors(f, f.let(bytesOf(code, h)), (at) => {
    const to = f.let(add(y, op('i32.shl', at, i32c(1))));
    const [a, b] = [vectorAt(f, add(re, at)), vectorAt(f, add(im, at))];
    f.store('v128.store', to, chooseLanes(a, b, code.bytes as 4 | 8, ...low));
    f.store('v128.store', to, chooseLanes(a, b, code.bytes as 4 | 8, ...high), 16);
  });
  return f.build();
}

/** Where the roots of a table are, and what follows them. */
function rootsIn(f: FunctionBuilder, code: FloatCode, table: Expr, h: Expr): { roots: [Expr, Expr]; plan: Expr } {
  const plane = f.let(bytesOf(code, op('i32.and', add(h, i32c(code.lanes)), i32c(-code.lanes))));
  const imaginary = f.let(add(table, plane));
  return { roots: [table, imaginary], plan: f.let(add(imaginary, plane)) };
}

function forward(code: FloatCode): Func {
  const f = new FunctionBuilder(`rfft_line_${code.type}`, parameters(code));
  const [n, w, x, , xStep, yr, yi, yStep, scale, inverse, full, table, work] = f.parameters;
  const h = f.let(op('i32.shr_u', n, i32c(1)));
  const together = f.let(bytesOf(code, w));
  const { roots, plan } = rootsIn(f, code, table, h);
  const z = new Planes(f, work, mul(h, together));
  f.if(
    op('i32.eq', w, i32c(1)),
    () => {
      const pairs = new Planes(f, z.end, mul(h, together));
      f.call(`fft_deinterleave_${code.type}`, h, x, ...pairs.both);
      f.call(lineName(code), h, w, ...pairs.both, together, ...z.both, together, one(code), plan, pairs.end);
      f.call(`fft_separate_line_${code.type}`, h, ...z.both, yr, yi, inverse, full, ...roots, scale);
    },
    () => {
      const step = op('i32.shl', xStep, i32c(1));
      f.call(lineName(code), h, w, x, add(x, xStep), step, ...z.both, together, one(code), plan, z.end);
      f.call(`fft_separate_rows_${code.type}`, h, together, ...z.both, yr, yi, yStep, inverse, full, ...roots, scale);
    },
  );
  return f.build();
}

function backward(code: FloatCode): Func {
  const f = new FunctionBuilder(`irfft_line_${code.type}`, parameters(code));
  const [n, w, xr, xi, xStep, y, , yStep, scale, inverse, , table, work] = f.parameters;
  const h = f.let(op('i32.shr_u', n, i32c(1)));
  const together = f.let(bytesOf(code, w));
  const { roots, plan } = rootsIn(f, code, table, h);
  const z = new Planes(f, work, mul(h, together));
  // Exchanging the planes before and after makes an inverse transform.
  f.if(
    op('i32.eq', w, i32c(1)),
    () => {
      const pairs = new Planes(f, z.end, mul(h, together));
      f.call(`fft_combine_line_${code.type}`, h, xr, xi, ...z.both, inverse, ...roots);
      f.call(lineName(code), h, w, z.im, z.re, together, pairs.im, pairs.re, together, scale, plan, pairs.end);
      f.call(`fft_interleave_${code.type}`, h, ...pairs.both, y);
    },
    () => {
      const step = f.let(op('i32.shl', yStep, i32c(1)));
      f.call(`fft_combine_rows_${code.type}`, h, together, xr, xi, xStep, ...z.both, inverse, ...roots);
      f.call(lineName(code), h, w, z.im, z.re, together, add(y, yStep), y, step, scale, plan, z.end);
    },
  );
  return f.build();
}
