import { MathUses } from '../../math/uses.ts';
import { add } from '../../wasm/addresses.ts';
import {
  type Expr,
  type Func,
  FunctionBuilder,
  i32c,
  type Local,
  lane,
  load,
  madd,
  op,
  type Target,
} from '../../wasm/code.ts';
import { hoistConstants } from '../../wasm/hoist-constants.ts';
import { chooseLanes } from '../../wasm/vector-blocks.ts';
import { type Lanes, lanesOf, loadVector, storeVector } from '../expressions/lanes.ts';
import type { Kernel } from '../kernels/kernel.ts';
import { knownFunction, knownKernel } from '../kernels/known-kernels.ts';
import type { Product } from './dot-code.ts';
import { HeldExpression } from './held-expression.ts';

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

/** A function (matrix, vector, result). */
export const gemvKernel = (p: MatrixVector, dtype: 'float32' | 'float64', target: Target): Func =>
  knownFunction(`gemv ${JSON.stringify([p, dtype])}`, () => {
    const f = new FunctionBuilder('', ['i32', 'i32', 'i32']);
    const e = lanesOf(dtype);
    const [a, x, y] = [f.param(0), f.param(1), f.param(2)];
    write(f, e, p, target, a, x, y);
    return f.build();
  });

/** Whether the kernel has elements of the result in registers when they are done. */
export const endsInRegisters = (p: MatrixVector, dtype: 'float32' | 'float64'): boolean =>
  hasRows(p) || p.m <= 4 * lanesOf(dtype).count;

/** The kernel of a product whose result is not stored but goes into an expression. */
export function gemvInto(
  p: MatrixVector,
  dtype: 'float32' | 'float64',
  target: Target,
  places: { readonly matrix: Expr; readonly vector: Expr },
  behind: HeldExpression,
): Kernel {
  const args = [places.matrix, places.vector, ...behind.args];
  const { structure } = behind;
  return knownKernel(structure && `gemv ${JSON.stringify([p, dtype])} into ${structure}`, args, () => {
    const f = new FunctionBuilder('', ['i32', 'i32', ...behind.params]);
    const math = new MathUses(target);
    behind.enter(f, 2, math);
    write(f, lanesOf(dtype), p, target, f.var(f.param(0)), f.var(f.param(1)), behind);
    return { func: hoistConstants(f.build()), args, math: math.names };
  });
}

const hasRows = (p: MatrixVector): boolean => p.column === 1 || p.k === 1;

/** Where the elements of the result go: to memory, or into an expression. */
type Result = Local | HeldExpression;

function write(f: FunctionBuilder, e: Lanes, p: MatrixVector, target: Target, a: Local, x: Local, y: Result): void {
  if (hasRows(p)) alongRows(f, e, p, target, a, x, y);
  else if (p.m <= 4 * e.count) inRegisters(f, e, p, target, a, x, y);
  else alongColumns(f, e, p, target, a, x, y as Local);
}

/** A function (matrix, vector, result) that adds the product to the result; columns are contiguous. */
export const accumulatingGemv = (p: MatrixVector, dtype: 'float32' | 'float64', target: Target): Func =>
  knownFunction(`add gemv ${JSON.stringify([p, dtype])}`, () => {
    const f = new FunctionBuilder('', ['i32', 'i32', 'i32']);
    const e = lanesOf(dtype);
    const write = p.m <= 4 * e.count ? inRegisters : alongColumns;
    write(f, e, p, target, f.param(0), f.param(1), f.param(2), true);
    return f.build();
  });

/** Dot products with contiguous rows, several rows at a time. */
function alongRows(f: FunctionBuilder, e: Lanes, p: MatrixVector, target: Target, a: Local, x: Local, y: Result): void {
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
  const multiply = (sums: readonly Local[], ptr: Expr, offset: number, elements: number, by: Expr, first = false) =>
    sums.forEach((sum, r) => {
      const value = loadVector(e, ptr, r * rowBytes + offset, elements);
      f.set(sum, first ? op(`${e.shape}.mul`, value, by) : madd(target, e.shape, value, by, sum));
    });

  /** Sums over lanes of `rows` rows from the row `start` on. */
  const group = (rows: number, start: number): Local[] => {
    const sums = Array.from({ length: rows }, () => f.local('v128'));
    const skip = start * rowBytes;
    if (inRegisters) {
      parts.forEach(({ offset, elements }, v) => {
        multiply(sums, a, skip + offset, elements, kept[v]!, v === 0);
      });
      return sums;
    }
    const zero = splatZero(e);
    for (const sum of sums) f.set(sum, zero);
    const [from, by] = [f.var(a), f.var(x)];
    const factor = f.local('v128');
    // A single row has a second sum, whose additions need not wait for those of the first.
    const second = rows === 1 ? [f.var(zero)] : sums;
    const pairs = f.var(i32c(whole >> 1));
    f.doWhile(pairs, () => {
      f.set(factor, load('v128.load', by));
      multiply(sums, from, skip, e.count, factor);
      f.set(factor, load('v128.load', by, 16));
      multiply(second, from, skip + 16, e.count, factor);
      f.set(from, add(from, i32c(32)));
      f.set(by, add(by, i32c(32)));
      f.set(pairs, op('i32.sub', pairs, i32c(1)));
    });
    if (rows === 1) f.set(sums[0]!, op(`${e.shape}.add`, sums[0]!, second[0]!));
    for (const { offset, elements } of parts.slice(whole & -2)) {
      f.set(factor, loadVector(e, x, offset, elements));
      multiply(sums, a, skip + offset, elements, factor);
    }
    return sums;
  };

  // Eight rows have sums enough that none waits for its last addition; vectors that are kept leave room for four.
  const many = inRegisters || m < 8 ? 4 : 8;
  let done = 0;
  const rowsAtOnce = (rows: number): void => {
    const sums = group(rows, done);
    const totals: Local[][] = [];
    for (let r = 0; r < rows; r += 4) totals.push(horizontalSums(f, e, sums.slice(r, r + 4)));
    if (y instanceof HeldExpression) {
      y.apply(totals, 4);
      y.advance(rows);
    } else
      totals.flat().forEach((total, i) => {
        f.store('v128.store', y, total, done * e.bytes + 16 * i);
      });
  };
  const groups = Math.floor(m / many);
  if (groups > 1)
    f.for(0, groups, () => {
      rowsAtOnce(many);
      f.set(a, add(a, i32c(many * rowBytes)));
      if (!(y instanceof HeldExpression)) f.set(y, add(y, i32c(many * e.bytes)));
    });
  else if (groups === 1) {
    rowsAtOnce(many);
    done = many;
  }
  if (m % many >= 4) {
    rowsAtOnce(4);
    done += 4;
  }
  if (y instanceof HeldExpression) {
    if (m % 4 === 0) return;
    const sums = Array.from({ length: m % 4 }, (_, r) => group(1, done + r)[0]!);
    while (sums.length < 4) sums.push(f.var(splatZero(e)));
    y.apply([horizontalSums(f, e, sums)], m % 4);
    return;
  }
  for (let r = 0; r < m % 4; r++) {
    const [sum] = group(1, done + r) as [Local];
    const lanes = Array.from({ length: e.count }, (_, l) => lane(`${e.shape}.extract_lane`, l, sum));
    while (lanes.length > 1) lanes.push(op(`${e.name}.add`, lanes.shift()!, lanes.shift()!));
    f.store(`${e.name}.store`, y, lanes[0]!, (done + r) * e.bytes);
  }
}

const splatZero = (e: Lanes): Expr => op(`${e.shape}.splat`, { kind: 'const', type: e.name, value: 0 });

/** The sums over lanes of four vectors, as the elements of one (float32) or two (float64). */
export function horizontalSums(f: FunctionBuilder, e: Lanes, sums: readonly Local[]): Local[] {
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

/** Vectors of successive elements, by fours. */
export function inFours(e: Lanes, vectors: readonly Local[]): Expr[][] {
  const each = 4 / e.count;
  return Array.from({ length: Math.ceil(vectors.length / each) }, (_, u) =>
    Array.from({ length: each }, (_, i) => vectors[u * each + i] ?? splatZero(e)),
  );
}

/** Contiguous columns of few elements: the result in registers. */
function inRegisters(
  f: FunctionBuilder,
  e: Lanes,
  p: MatrixVector,
  target: Target,
  a: Local,
  x: Local,
  y: Result,
  accumulate = false,
): void {
  const { m, k } = p;
  const columnBytes = p.column * e.bytes;
  const parts = Math.ceil(m / e.count);
  const elements = (v: number): number => Math.min(e.count, m - v * e.count);
  const zero = splatZero(e);
  /** Copies of the result that take turns: as many as registers hold, since each addition takes four cycles. */
  const turns = Math.max(2, Math.min(4, Math.floor(12 / parts)));
  const sums = Array.from({ length: turns }, (_, turn) =>
    Array.from({ length: parts }, (_, v) =>
      f.var(accumulate && turn === 0 ? loadVector(e, y as Local, 16 * v, elements(v)) : zero),
    ),
  );
  const factor = f.local('v128');
  const columns = (count: number): void => {
    for (let j = 0; j < count; j++) {
      f.set(factor, load(e.splat, x, j * e.bytes));
      sums[j]!.forEach((sum, v) => {
        f.set(sum, madd(target, e.shape, loadVector(e, a, j * columnBytes + 16 * v, elements(v)), factor, sum));
      });
    }
  };
  const left = f.var(i32c(Math.floor(k / turns)));
  f.while(left, () => {
    columns(turns);
    f.set(a, add(a, i32c(turns * columnBytes)));
    f.set(x, add(x, i32c(turns * e.bytes)));
    f.set(left, op('i32.sub', left, i32c(1)));
  });
  columns(k % turns);
  for (let step = 1; step < turns; step *= 2)
    for (let turn = 0; turn + step < turns; turn += 2 * step)
      sums[turn]!.forEach((sum, v) => {
        f.set(sum, op(`${e.shape}.add`, sum, sums[turn + step]![v]!));
      });
  if (y instanceof HeldExpression) {
    y.apply(inFours(e, sums[0]!), m % 4 || 4);
    return;
  }
  sums[0]!.forEach((sum, v) => {
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
  accumulate = false,
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
  pass(start, !accumulate);
  const rounds = Math.floor((k - start) / 8);
  if (rounds > 0) f.for(0, rounds, () => pass(8, false));
  const remaining = (k - start) % 8;
  if (remaining) pass(remaining, false);
}
