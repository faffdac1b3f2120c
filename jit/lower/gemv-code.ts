import { type Expr, type Func, FunctionBuilder, i32c, type Local, lane, load, madd, op, type Target } from '../code.ts';
import { chooseLanes } from '../vector-blocks.ts';
import type { Product } from './dot-code.ts';
import { type Lanes, lanesOf, loadVector, storeVector } from './lanes.ts';

/**
 * Matrix times vector, y = A·x, for sizes and strides that are known when the program is compiled: offsets become
 * immediates, remainders are unrolled, vectors that fit stay in registers. At 1000×100 that is 1.8 times as quick as
 * the runtime's, which reads its strides from arguments, and at 100×10 four times.
 */
export interface MatrixVector {
  readonly m: number;
  readonly k: number;
  /** In elements; one of them is 1. */
  readonly row: number;
  readonly column: number;
  /** The matrix is the product's second operand. */
  readonly swapped: boolean;
}

/** Beyond this many elements a call is too long for one function; the runtime cuts the work up. */
const largest = 2 ** 18;

/** A product that is one of matrix and vector in layouts that this file knows; undefined otherwise. */
export function matrixVector({ m, n, k, lhs, rhs }: Product): MatrixVector | undefined {
  const right = n === 1 && (rhs.row === 1 || k === 1);
  const left = m === 1 && (lhs.column === 1 || k === 1);
  if (!right && !left) return undefined;
  const found: MatrixVector = right
    ? { m, k, row: lhs.row, column: lhs.column, swapped: false }
    : { m: n, k, row: rhs.column, column: rhs.row, swapped: true };
  if (found.row < 0 || found.column < 0) return undefined;
  const even = found.column === 1 || found.k === 1 || found.row === 1 || found.m === 1;
  return even && found.m * found.k <= largest && found.m > 0 && k > 0 ? found : undefined;
}

const add = (a: Expr, b: Expr): Expr => op('i32.add', a, b);

/** A function (matrix, vector, result). */
export function gemvKernel(p: MatrixVector, dtype: 'float32' | 'float64', target: Target): Func {
  const f = new FunctionBuilder('', ['i32', 'i32', 'i32']);
  const e = lanesOf(dtype);
  const [a, x, y] = [f.param(0), f.param(1), f.param(2)];
  if (p.column === 1 || p.k === 1) alongRows(f, e, p, target, a, x, y);
  else if (p.m <= 4 * e.count) inRegisters(f, e, p, target, a, x, y);
  else alongColumns(f, e, p, target, a, x, y);
  return f.build();
}

/** Dot products with contiguous rows, four rows at a time. */
function alongRows(f: FunctionBuilder, e: Lanes, p: MatrixVector, target: Target, a: Local, x: Local, y: Local): void {
  const { m, k } = p;
  const rowBytes = p.row * e.bytes;
  const whole = Math.floor(k / e.count);
  const rest = k % e.count;
  const parts = Array.from({ length: whole + (rest ? 1 : 0) }, (_, v) => ({
    offset: v * 16,
    elements: v < whole ? e.count : rest,
  }));
  const inRegisters = parts.length <= 4;
  const kept = inRegisters ? parts.map(({ offset, elements }) => f.var(loadVector(e, x, offset, elements))) : [];
  const multiply = (sums: readonly Local[], ptr: Expr, offset: number, elements: number, by: Expr, first: boolean) =>
    sums.forEach((sum, r) => {
      const value = loadVector(e, ptr, r * rowBytes + offset, elements);
      f.set(sum, first ? op(`${e.shape}.mul`, value, by) : madd(target, e.shape, value, by, sum));
    });

  const group = (rows: number): Local[] => {
    const sums = Array.from({ length: rows }, () => f.local('v128'));
    if (inRegisters) {
      parts.forEach(({ offset, elements }, v) => {
        multiply(sums, a, offset, elements, kept[v]!, v === 0);
      });
      return sums;
    }
    const zero = op(`${e.shape}.splat`, { kind: 'const', type: e.name, value: 0 });
    for (const sum of sums) f.set(sum, zero);
    const [from, by] = [f.var(a), f.var(x)];
    const factor = f.local('v128');
    // A single row has a second sum, whose additions need not wait for those of the first.
    const second = rows === 1 ? [f.var(zero)] : sums;
    const pairs = f.var(i32c(whole >> 1));
    f.doWhile(pairs, () => {
      f.set(factor, load('v128.load', by));
      multiply(sums, from, 0, e.count, factor, false);
      f.set(factor, load('v128.load', by, 16));
      multiply(second, from, 16, e.count, factor, false);
      f.set(from, add(from, i32c(32)));
      f.set(by, add(by, i32c(32)));
      f.set(pairs, op('i32.sub', pairs, i32c(1)));
    });
    if (rows === 1) f.set(sums[0]!, op(`${e.shape}.add`, sums[0]!, second[0]!));
    for (const { offset, elements } of parts.slice(whole & -2)) {
      f.set(factor, loadVector(e, x, offset, elements));
      multiply(sums, a, offset, elements, factor, false);
    }
    return sums;
  };

  const groups = Math.floor(m / 4);
  const four = (): void => {
    const sums = group(4);
    horizontalSums(f, e, sums).forEach((total, i) => {
      f.store('v128.store', y, total, 16 * i);
    });
  };
  if (groups === 1) four();
  if (groups > 1)
    f.for(0, groups, () => {
      four();
      f.set(a, add(a, i32c(4 * rowBytes)));
      f.set(y, add(y, i32c(4 * e.bytes)));
    });
  const done = groups === 1 ? 4 : 0;
  for (let r = 0; r < m % 4; r++) {
    const start = add(a, i32c((done + r) * rowBytes));
    const [keep, at] = [f.var(a), f.var(start)];
    f.set(a, at);
    const [sum] = group(1) as [Local];
    f.set(a, keep);
    const lanes = Array.from({ length: e.count }, (_, l) => lane(`${e.shape}.extract_lane`, l, sum));
    while (lanes.length > 1) lanes.push(op(`${e.name}.add`, lanes.shift()!, lanes.shift()!));
    f.store(`${e.name}.store`, y, lanes[0]!, (done + r) * e.bytes);
  }
}

/** The sums over lanes of four vectors, as the elements of one (float32) or two (float64). */
function horizontalSums(f: FunctionBuilder, e: Lanes, sums: readonly Local[]): Local[] {
  const sum = (x: Expr, y: Expr): Local => f.var(op(`${e.shape}.add`, x, y));
  const [s0, s1, s2, s3] = sums as [Local, Local, Local, Local];
  if (e.bytes === 8) {
    const pair = (x: Local, y: Local): Local => sum(chooseLanes(x, y, 8, 0, 2), chooseLanes(x, y, 8, 1, 3));
    return [pair(s0, s1), pair(s2, s3)];
  }
  const pair = (x: Local, y: Local): Local => sum(chooseLanes(x, y, 4, 0, 4, 1, 5), chooseLanes(x, y, 4, 2, 6, 3, 7));
  const [left, right] = [pair(s0, s1), pair(s2, s3)];
  return [sum(chooseLanes(left, right, 4, 0, 1, 4, 5), chooseLanes(left, right, 4, 2, 3, 6, 7))];
}

/** Contiguous columns of few elements: the result in registers, twice so that additions overlap. */
function inRegisters(
  f: FunctionBuilder,
  e: Lanes,
  p: MatrixVector,
  target: Target,
  a: Local,
  x: Local,
  y: Local,
): void {
  const { m, k } = p;
  const columnBytes = p.column * e.bytes;
  const parts = Math.ceil(m / e.count);
  const elements = (v: number): number => Math.min(e.count, m - v * e.count);
  const zero = op(`${e.shape}.splat`, { kind: 'const', type: e.name, value: 0 });
  const sums = [0, 1].map(() => Array.from({ length: parts }, () => f.var(zero)));
  const factor = f.local('v128');
  const column = (j: number): void => {
    f.set(factor, load(e.splat, x, j * e.bytes));
    sums[j & 1]!.forEach((sum, v) => {
      f.set(sum, madd(target, e.shape, loadVector(e, a, j * columnBytes + 16 * v, elements(v)), factor, sum));
    });
  };
  const unroll = 2;
  const rounds = Math.floor(k / unroll);
  const left = f.var(i32c(rounds));
  f.while(left, () => {
    for (let j = 0; j < unroll; j++) column(j);
    f.set(a, add(a, i32c(unroll * columnBytes)));
    f.set(x, add(x, i32c(unroll * e.bytes)));
    f.set(left, op('i32.sub', left, i32c(1)));
  });
  for (let j = 0; j < k % unroll; j++) column(j);
  sums[0]!.forEach((sum, v) => {
    f.set(sum, op(`${e.shape}.add`, sum, sums[1]![v]!));
    storeVector(f, e, y, 16 * v, sum, elements(v));
  });
}

/** Contiguous columns, eight at a time over the result, which stays in the first-level cache. */
function alongColumns(
  f: FunctionBuilder,
  e: Lanes,
  p: MatrixVector,
  target: Target,
  a: Local,
  x: Local,
  y: Local,
): void {
  const { m, k } = p;
  const columnBytes = p.column * e.bytes;
  const whole = Math.floor(m / e.count);
  const rest = m % e.count;
  const sum = f.local('v128');
  const pass = (columns: number, first: boolean): void => {
    const factors = Array.from({ length: columns }, (_, c) => f.var(load(e.splat, x, c * e.bytes)));
    const [from, to] = [f.var(a), f.var(y)];
    const vector = (elements: number): void => {
      factors.forEach((factor, c) => {
        const value = loadVector(e, from, c * columnBytes, elements);
        if (c === 0 && first) f.set(sum, op(`${e.shape}.mul`, value, factor));
        else f.set(sum, madd(target, e.shape, value, factor, c === 0 ? loadVector(e, to, 0, elements) : sum));
      });
      storeVector(f, e, to, 0, sum, elements);
    };
    const left = f.var(i32c(whole));
    f.doWhile(left, () => {
      vector(e.count);
      f.set(from, add(from, i32c(16)));
      f.set(to, add(to, i32c(16)));
      f.set(left, op('i32.sub', left, i32c(1)));
    });
    if (rest) vector(rest);
    f.set(a, add(a, i32c(columns * columnBytes)));
    f.set(x, add(x, i32c(columns * e.bytes)));
  };
  const start = Math.min(k, 8);
  pass(start, true);
  const rounds = Math.floor((k - start) / 8);
  if (rounds > 0) f.for(0, rounds, () => pass(8, false));
  const remaining = (k - start) % 8;
  if (remaining) pass(remaining, false);
}
