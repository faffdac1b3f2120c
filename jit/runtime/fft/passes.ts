/**
 * The passes of Stockham's transform over planes of real and imaginary parts. A pass takes a factor r out of the length r·m of
 * what is left to do, for s numbers that lie together: s transforms that were done before, or lanes of several lines.
 *
 *     y[q + s·(r·p + k)] = w^(pk) · Σⱼ x[q + s·(p + m·j)]·exp(−2πi·jk/r),   w = exp(−2πi/(r·m)), p < m, q < s
 *
 * Loops over q are in vectors, of which the last overlaps the one before it: s is no less than the lanes of a vector. The
 * first pass of a single line, where s is 1, goes over p instead and turns its results round in registers.
 */
import { add, mul, sub } from '../../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, i32c, type Local, load, op, type Target } from '../../wasm/code.ts';
import { hoistConstants } from '../../wasm/hoist-constants.ts';
import { chooseLanes, transposedBlock } from '../../wasm/vector-blocks.ts';
import type { FloatCode } from '../../wasm/vector-loops.ts';
import { type Complex, Vectors } from './butterflies.ts';
import { radices } from './plan.ts';

export const shiftOf = ({ bytes }: FloatCode): number => Math.log2(bytes);
/** Bytes of so many numbers. */
export const bytesOf = (code: FloatCode, count: Expr): Expr => op('i32.shl', count, i32c(shiftOf(code)));
export const splat = ({ shape }: FloatCode, value: Expr): Expr => op(`${shape}.splat`, value);
export const loadSplat = ({ bytes }: FloatCode, ptr: Expr, offset = 0): Expr =>
  load(`v128.load${8 * bytes}_splat`, ptr, offset);

export const vectorAt = (f: FunctionBuilder, ptr: Expr, offset = 0): Local => f.var(load('v128.load', ptr, offset));

export type PassKind = 'first' | 'inner' | 'last';
export const passName = (kind: PassKind, r: number, { type }: FloatCode): string => `fft_${kind}_${r}_${type}`;

export const passFunctions = (code: FloatCode, target: Target): Func[] =>
  radices.flatMap((r) => [
    ...(r >= code.lanes ? [firstPass(code, target, r)] : []),
    ...(r > 1 ? [innerPass(code, target, r)] : []),
    lastPass(code, target, r),
  ]);

/** Reads r numbers that are `step` bytes apart. */
function readRows(f: FunctionBuilder, r: number, [re, im]: readonly [Expr, Expr], step: Expr): Complex[] {
  const [x, y] = [f.var(re), f.var(im)];
  return Array.from({ length: r }, (_, j) => {
    if (j > 0) {
      f.set(x, add(x, step));
      f.set(y, add(y, step));
    }
    return { re: vectorAt(f, x), im: vectorAt(f, y) };
  });
}

function writeRows(f: FunctionBuilder, values: readonly Complex[], [re, im]: readonly [Expr, Expr], step: Expr): void {
  const [x, y] = [f.var(re), f.var(im)];
  values.forEach((value, k) => {
    if (k > 0) {
      f.set(x, add(x, step));
      f.set(y, add(y, step));
    }
    f.store('v128.store', x, value.re);
    f.store('v128.store', y, value.im);
  });
}

/** Offsets of vectors that cover `bytes` bytes, the last of them overlapping. */
export function overVectors(f: FunctionBuilder, bytes: Expr, write: (at: Local) => void): void {
  const last = f.let(sub(bytes, i32c(16)));
  f.for(
    0,
    bytes,
    (at) => {
      f.if(op('i32.gt_s', at, last), () => f.set(at, last));
      write(at);
    },
    16,
  );
}

/** fft_inner_8_f32(m, s, step, xr, xi, yr, yi, table): `step` are the bytes from one x[s·…] to the next. */
function innerPass(code: FloatCode, target: Target, r: number): Func {
  const { bytes, lanes } = code;
  const f = new FunctionBuilder(passName('inner', r, code), new Array(8).fill('i32'));
  const [m, s, step, xr, xi, yr, yi, table] = f.parameters;
  const v = new Vectors(f, code, target);
  const [across, width] = [f.let(mul(m, step)), f.let(bytesOf(code, s))];
  const group = i32c(2 * (r - 1) * 16);
  f.for(0, m, (p) => {
    const place = add(
      mul(op('i32.shr_u', p, i32c(Math.log2(lanes))), group),
      op('i32.shl', op('i32.and', p, i32c(lanes - 1)), i32c(Math.log2(bytes))),
    );
    const twiddles = f.let(add(table, place));
    const roots = Array.from({ length: r - 1 }, (_, k) => ({
      re: f.let(loadSplat(code, twiddles, 32 * k)),
      im: f.let(loadSplat(code, twiddles, 32 * k + 16)),
    }));
    overVectors(f, width, (at) => {
      const x = readRows(f, r, [add(xr, at), add(xi, at)], across);
      const y = v.transform(x).map((value, k) => (k === 0 ? value : v.product(value, roots[k - 1]!)));
      writeRows(f, y, [add(yr, at), add(yi, at)], width);
    });
    for (const x of [xr, xi]) f.set(x, add(x, step));
    for (const y of [yr, yi]) f.set(y, add(y, mul(width, i32c(r))));
  });
  return hoistConstants(f.build());
}

/**
 * fft_last_8_f32(outer, inner, xStep, yStep, xr, xi, yr, yi, scale): m is 1, s is outer·inner, of which `inner` numbers lie
 * together, and results are multiplied. Steps are the bytes from one run to the next.
 */
function lastPass(code: FloatCode, target: Target, r: number): Func {
  const f = new FunctionBuilder(passName('last', r, code), [...new Array<'i32'>(8).fill('i32'), code.type]);
  const [outer, inner, xStep, yStep, xr, xi, yr, yi, scale] = f.parameters;
  const v = new Vectors(f, code, target);
  const [acrossX, acrossY] = [f.let(mul(outer, xStep)), f.let(mul(outer, yStep))];
  const factor = f.let(splat(code, scale));
  const width = f.let(bytesOf(code, inner));
  f.for(0, outer, () => {
    overVectors(f, width, (at) => {
      const x = readRows(f, r, [add(xr, at), add(xi, at)], acrossX);
      const y = v.transform(x).map((value) => v.scaled(value, factor));
      writeRows(f, y, [add(yr, at), add(yi, at)], acrossY);
    });
    for (const x of [xr, xi]) f.set(x, add(x, xStep));
    for (const y of [yr, yi]) f.set(y, add(y, yStep));
  });
  return hoistConstants(f.build());
}

/** fft_first_8_f32(m, xr, xi, yr, yi, table): s is 1. */
function firstPass(code: FloatCode, target: Target, r: number): Func {
  const { lanes } = code;
  const f = new FunctionBuilder(passName('first', r, code), new Array(6).fill('i32'));
  const [m, xr, xi, yr, yi, table] = f.parameters;
  const v = new Vectors(f, code, target);
  const across = f.let(bytesOf(code, m));
  const last = f.let(sub(m, i32c(lanes)));
  f.for(
    0,
    m,
    (p) => {
      f.if(op('i32.gt_s', p, last), () => {
        f.set(p, last);
        f.set(table, add(table, i32c(2 * (r - 1) * 16)));
      });
      const at = f.let(bytesOf(code, p));
      const x = readRows(f, r, [add(xr, at), add(xi, at)], across);
      const y = v.transform(x).map((value, k) => {
        if (k === 0) return value;
        const offset = 32 * (k - 1);
        return v.product(value, { re: vectorAt(f, table, offset), im: vectorAt(f, table, offset + 16) });
      });
      const to = f.let(mul(at, i32c(r)));
      for (const part of ['re', 'im'] as const) {
        const base = f.let(add(part === 're' ? yr : yi, to));
        storeTurned(
          f,
          code,
          base,
          y.map((value) => value[part]),
        );
      }
      f.set(table, add(table, i32c(2 * (r - 1) * 16)));
    },
    lanes,
  );
  return hoistConstants(f.build());
}

/** Stores element k of lane l at place r·l + k, for r vectors. */
function storeTurned(f: FunctionBuilder, { bytes, lanes }: FloatCode, base: Expr, values: readonly Expr[]): void {
  const r = values.length;
  const whole = r - (r % lanes);
  for (let k = 0; k < whole; k += lanes) {
    const block = transposedBlock(f, bytes as 4 | 8, values.slice(k, k + lanes) as Local[]);
    block.forEach((vector, l) => {
      f.store('v128.store', base, vector, (r * l + k) * bytes);
    });
  }
  let k = whole;
  if (r - k >= 2 && bytes === 4) {
    const pairs = [
      chooseLanes(values[k]!, values[k + 1]!, 4, 0, 4, 1, 5),
      chooseLanes(values[k]!, values[k + 1]!, 4, 2, 6, 3, 7),
    ];
    pairs.forEach((pair, half) => {
      const vector = f.let(pair);
      for (const l of [0, 1]) f.storeLane('v128.store64_lane', base, vector, l, (r * (2 * half + l) + k) * bytes);
    });
    k += 2;
  }
  for (; k < r; k++)
    for (let l = 0; l < lanes; l++)
      f.storeLane(`v128.store${8 * bytes}_lane`, base, values[k]!, l, (r * l + k) * bytes);
}
