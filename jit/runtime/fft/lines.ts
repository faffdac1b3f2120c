/**
 * Transforms of one line, or of several side by side whose numbers are lanes of vectors:
 *
 *     fft_line_f32(n, w, xr, xi, xStep, yr, yi, yStep, scale, table, work)
 *
 * transforms `w` lines, one or a multiple of the lanes of a vector; number j of all of them lies at x + j·xStep bytes. A single
 * line is contiguous. y must not overlap x. `table` begins with what its plan is, and `work` is memory for what is in between.
 */

import { add, mul, sub } from '../../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, i32c, type Local, load, op, type Target } from '../../wasm/code.ts';
import type { FloatCode } from '../../wasm/vector-loops.ts';
import { Vectors } from './butterflies.ts';
import { bytesOf, loadSplat, overVectors, passName, splat, vectorAt } from './passes.ts';
import { blockBytes, headerLength, planePadding, radices } from './plan.ts';

const parameters = (code: FloatCode) => [
  ...new Array<'i32'>(8).fill('i32'),
  code.type,
  ...new Array<'i32'>(2).fill('i32'),
];
export const lineName = ({ type }: FloatCode): string => `fft_line_${type}`;
export const transposeName = ({ type }: FloatCode): string => `transpose_${type}`;
const multiplyName = ({ type }: FloatCode): string => `fft_multiply_${type}`;
const multiplyRowsName = ({ type }: FloatCode): string => `fft_multiply_rows_${type}`;

export const lineFunctions = (code: FloatCode, target: Target): Func[] => [
  multiply(code, target),
  multiplyRows(code, target),
  passes(code),
  chirp(code),
  divided(code),
  line(code),
];

/** Field `index` of a plan, which is a number of the table. */
const field = ({ type }: FloatCode, table: Expr, index: number): Expr =>
  op(`i32.trunc_sat_${type}_s`, load(`${type}.load`, table, index * (type === 'f32' ? 4 : 8)));

export const one = ({ type }: FloatCode): Expr => ({ kind: 'const', type, value: 1 });

/** The planes of complex numbers that take so many bytes each. */
export class Planes {
  readonly re: Expr;
  readonly im: Expr;
  /** What follows them. */
  readonly end: Expr;

  constructor(f: FunctionBuilder, at: Expr, bytes: Expr) {
    const plane = f.let(add(bytes, i32c(planePadding)));
    this.re = f.let(at);
    this.im = f.let(add(at, plane));
    this.end = f.let(add(this.im, plane));
  }

  get both(): [Expr, Expr] {
    return [this.re, this.im];
  }
}

/** Multiplies `rows` rows of `width` bytes by those of the other factor, and by `scale`. Steps are in bytes. */
function multiply(code: FloatCode, target: Target): Func {
  const f = new FunctionBuilder(multiplyName(code), [...new Array<'i32'>(11).fill('i32'), code.type]);
  const [rows, width, xr, xi, xStep, yr, yi, yStep, fr, fi, fStep, scale] = f.parameters;
  const v = new Vectors(f, code, target);
  const factor = f.let(splat(code, scale));
  f.for(0, rows, () => {
    overVectors(f, width, (at) => {
      const [x, w] = [
        { re: vectorAt(f, add(xr, at)), im: vectorAt(f, add(xi, at)) },
        { re: vectorAt(f, add(fr, at)), im: vectorAt(f, add(fi, at)) },
      ];
      const y = v.scaled(v.product(x, w), factor);
      f.store('v128.store', add(yr, at), y.re);
      f.store('v128.store', add(yi, at), y.im);
    });
    for (const x of [xr, xi]) f.set(x, add(x, xStep));
    for (const y of [yr, yi]) f.set(y, add(y, yStep));
    for (const w of [fr, fi]) f.set(w, add(w, fStep));
  });
  return f.build();
}

/** The same with one number of the other factor for each row. */
function multiplyRows(code: FloatCode, target: Target): Func {
  const f = new FunctionBuilder(multiplyRowsName(code), [...new Array<'i32'>(10).fill('i32'), code.type]);
  const [rows, width, xr, xi, xStep, yr, yi, yStep, fr, fi, scale] = f.parameters;
  const v = new Vectors(f, code, target);
  const factor = f.let(splat(code, scale));
  f.for(0, rows, () => {
    const plain = { re: f.let(loadSplat(code, fr)), im: f.let(loadSplat(code, fi)) };
    const w = v.scaled(plain, factor);
    overVectors(f, width, (at) => {
      const y = v.product({ re: vectorAt(f, add(xr, at)), im: vectorAt(f, add(xi, at)) }, w);
      f.store('v128.store', add(yr, at), y.re);
      f.store('v128.store', add(yi, at), y.im);
    });
    for (const x of [xr, xi]) f.set(x, add(x, xStep));
    for (const y of [yr, yi]) f.set(y, add(y, yStep));
    for (const w of [fr, fi]) f.set(w, add(w, i32c(code.bytes)));
  });
  return f.build();
}

function passes(code: FloatCode): Func {
  const { bytes, lanes, type } = code;
  const f = new FunctionBuilder(`fft_passes_${type}`, parameters(code));
  const [n, w, xr, xi, xStep, yr, yi, yStep, scale, table, work] = f.parameters;
  const shift = Math.log2(bytes);
  const together = f.let(bytesOf(code, w));
  const first = new Planes(f, work, mul(n, together));
  const second = new Planes(f, first.end, mul(n, together));
  const [toR, toI, otherR, otherI] = [first.re, first.im, second.re, second.im].map((x) => f.var(x)) as [
    Local,
    Local,
    Local,
    Local,
  ];
  const factor = f.var(table);
  const twiddles = f.var(add(table, i32c(headerLength * bytes)));
  const [m, s, step] = [f.var(n), f.var(w), f.var(xStep)];
  const r = f.local('i32');
  const spare = f.local('i32');
  const next = (): void => {
    f.set(r, field(code, factor, 4));
    f.set(factor, add(factor, i32c(bytes)));
    f.set(m, op('i32.div_u', m, r));
  };
  const choose = (write: (r: number) => void): void => {
    for (const radix of radices) f.if(op('i32.eq', r, i32c(radix)), () => write(radix));
  };
  next();
  f.while(op('i32.gt_u', m, i32c(1)), () => {
    f.if(
      op('i32.eq', s, i32c(1)),
      () =>
        choose((radix) => {
          if (radix >= lanes) f.call(passName('first', radix, code), m, xr, xi, toR, toI, twiddles);
        }),
      () =>
        choose((radix) => {
          if (radix > 1) f.call(passName('inner', radix, code), m, s, step, xr, xi, toR, toI, twiddles);
        }),
    );
    const groups = add(
      op('i32.shr_u', m, i32c(Math.log2(lanes))),
      op('i32.shl', op('i32.ne', op('i32.and', m, i32c(lanes - 1)), i32c(0)), i32c(1)),
    );
    f.set(twiddles, add(twiddles, mul(groups, op('i32.shl', sub(r, i32c(1)), i32c(5)))));
    f.set(s, mul(s, r));
    f.set(step, op('i32.shl', s, i32c(shift)));
    f.set(xr, toR);
    f.set(xi, toI);
    for (const [to, other] of [
      [toR, otherR],
      [toI, otherI],
    ] as const) {
      f.set(spare, to);
      f.set(to, other);
      f.set(other, spare);
    }
    next();
  });
  const isFirst = op('i32.eq', s, w);
  const xRun = f.let({ kind: 'select', type: 'i32', cond: isFirst, a: xStep, b: together });
  const isWhole = op('i32.and', op('i32.eq', yStep, together), op('i32.eq', xRun, together));
  const line = [xr, xi, yr, yi, scale];
  f.if(
    isWhole,
    () => {
      const width = f.let(bytesOf(code, s));
      choose((radix) => f.call(passName('last', radix, code), i32c(1), s, width, width, ...line));
    },
    () => {
      const outer = f.let(op('i32.div_u', s, w));
      choose((radix) => f.call(passName('last', radix, code), outer, w, xRun, yStep, ...line));
    },
  );
  return f.build();
}

/** Of a length with a large prime factor, by a convolution with a chirp of length m (see src/core/fourier.ts). */
function chirp(code: FloatCode): Func {
  const { bytes, lanes, type } = code;
  const f = new FunctionBuilder(`fft_chirp_${type}`, parameters(code));
  const [n, w, xr, xi, xStep, yr, yi, yStep, scale, table, work] = f.parameters;
  const m = f.let(field(code, table, 1));
  const together = f.let(bytesOf(code, w));
  const plane = f.let(bytesOf(code, op('i32.and', add(n, i32c(lanes - 1)), i32c(-lanes))));
  const chirpR = f.let(add(table, i32c(headerLength * bytes)));
  const chirpI = f.let(add(chirpR, plane));
  const kernelR = f.let(add(chirpI, plane));
  const kernelI = f.let(add(kernelR, bytesOf(code, m)));
  const inside = f.let(add(kernelI, bytesOf(code, m)));
  const a = new Planes(f, work, mul(m, together));
  const b = new Planes(f, a.end, mul(m, together));
  const times = (
    count: Expr,
    x: readonly [Expr, Expr],
    xRow: Expr,
    y: readonly [Expr, Expr],
    yRow: Expr,
    by: readonly [Expr, Expr],
    scale: Expr,
  ): void =>
    f.if(
      op('i32.eq', w, i32c(1)),
      () => f.call(multiplyName(code), i32c(1), bytesOf(code, count), ...x, xRow, ...y, yRow, ...by, i32c(0), scale),
      () => f.call(multiplyRowsName(code), count, together, ...x, xRow, ...y, yRow, ...by, scale),
    );
  const used = f.let(mul(n, together));
  const rest = f.let(mul(sub(m, n), together));
  times(n, [xr, xi], xStep, a.both, together, [chirpR, chirpI], one(code));
  for (const part of a.both) f.fill(add(part, used), i32c(0), rest);
  f.call(lineName(code), m, w, a.re, a.im, together, b.re, b.im, together, one(code), inside, b.end);
  times(m, b.both, together, b.both, together, [kernelR, kernelI], one(code));
  // Exchanging the planes before and after makes an inverse transform.
  f.call(lineName(code), m, w, b.im, b.re, together, a.im, a.re, together, one(code), inside, b.end);
  times(n, a.both, together, [yr, yi], yStep, [chirpR, chirpI], scale);
  return f.build();
}

/**
 * One long line as a matrix of n₁ rows and n₂ columns: transforms of columns, twiddles w_n^(k₁j₂), transforms of rows, whose
 * results are columns (D. H. Bailey, FFTs in external or hierarchical memory, 1990). Each reads and writes memory once, in
 * blocks as wide as a line of the cache.
 */
function divided(code: FloatCode): Func {
  const { bytes, lanes, type } = code;
  const width = blockBytes / bytes;
  const f = new FunctionBuilder(`fft_divided_${type}`, parameters(code));
  const [n, , xr, xi, , yr, yi, , scale, table, work] = f.parameters;
  const [n1, n2] = [f.let(field(code, table, 1)), f.let(field(code, table, 2))];
  const plane = f.let(bytesOf(code, op('i32.and', add(n, i32c(lanes - 1)), i32c(-lanes))));
  const twiddleR = f.let(add(table, i32c(headerLength * bytes)));
  const twiddleI = f.let(add(twiddleR, plane));
  const columnPlan = f.let(add(twiddleI, plane));
  const rowPlan = f.let(add(columnPlan, bytesOf(code, field(code, table, 3))));
  const [row, column] = [f.let(bytesOf(code, n2)), f.let(bytesOf(code, n1))];
  // Rows that are a power of two apart would fall into the same sets of the cache.
  const apart = f.let(add(row, i32c(64)));
  const matrix = new Planes(f, work, mul(n1, apart));
  const longer = f.let({ kind: 'select', type: 'i32', cond: op('i32.gt_u', n1, n2), a: n1, b: n2 });
  const block = new Planes(f, matrix.end, mul(longer, i32c(blockBytes)));
  const wide = i32c(blockBytes);
  const overBlocks = (count: Expr, write: (at: Expr) => void): void => {
    const last = f.let(sub(count, i32c(width)));
    f.for(
      0,
      count,
      (i) => {
        f.if(op('i32.gt_s', i, last), () => f.set(i, last));
        write(i);
      },
      width,
    );
  };
  overBlocks(n2, (j) => {
    const at = f.let(bytesOf(code, j));
    const from = [add(xr, at), add(xi, at), row];
    f.call(lineName(code), n1, i32c(width), ...from, ...block.both, wide, one(code), columnPlan, block.end);
    const to = [add(matrix.re, at), add(matrix.im, at), apart];
    const factor = [add(twiddleR, at), add(twiddleI, at), row];
    f.call(multiplyName(code), n1, wide, ...block.both, wide, ...to, ...factor, one(code));
  });
  overBlocks(n1, (k) => {
    const first = f.let(mul(k, apart));
    for (const [from, to] of [
      [matrix.re, block.re],
      [matrix.im, block.im],
    ] as const)
      f.call(transposeName(code), i32c(width), n2, add(from, first), apart, to, wide);
    const at = f.let(bytesOf(code, k));
    const to = [add(yr, at), add(yi, at), column];
    f.call(lineName(code), n2, i32c(width), ...block.both, wide, ...to, scale, rowPlan, block.end);
  });
  return f.build();
}

function line(code: FloatCode): Func {
  const f = new FunctionBuilder(lineName(code), parameters(code));
  const given = [...f.parameters];
  const method = f.let(field(code, given[9]!, 0));
  ['passes', 'chirp', 'divided'].forEach((name, i) => {
    f.if(op('i32.eq', method, i32c(i)), () => f.call(`fft_${name}_${code.type}`, ...given));
  });
  return f.build();
}
