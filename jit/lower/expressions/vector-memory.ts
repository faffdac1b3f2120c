/** Vectors between registers and memory. */
import type { DType } from '../../../src/core/dtype.ts';
import { type Expr, type FunctionBuilder, i32c, i32x4c, lane, load, loadLane, op, shuffle } from '../../wasm/code.ts';
import type { Vector } from './vector-code.ts';

const notZero = (x: Expr): Expr => op('i32x4.ne', x, i32x4c(0));
/** Four bytes in the low word to four masks. */
const widenBytes = (x: Expr): Expr => notZero(op('i32x4.extend_low_i16x8_u', op('i16x8.extend_low_i8x16_u', x)));

/** The rows of a tile of up to four columns. */
export function turn(columns: readonly Vector[], dtype: DType, name: (value: Expr) => Expr): Vector[] {
  const column = (i: number): Vector => columns[Math.min(i, columns.length - 1)]!;
  const bytesOf = (words: readonly number[], size: number): number[] =>
    words.flatMap((word) => Array.from({ length: size }, (_, i) => size * word + i));
  if (dtype === 'float64') {
    // The halves of a column hold rows 0 and 1, and rows 2 and 3.
    const pair = (half: number, row: number, first: number): Expr =>
      shuffle(column(first)[half]!, column(first + 1)[half]!, bytesOf([row, 2 + row], 8));
    return [0, 1, 2, 3].map((row) => [0, 2].map((first) => pair(row >> 1, row & 1, first)));
  }
  const [a, b, c, d] = [0, 1, 2, 3].map((i) => column(i)[0]!) as [Expr, Expr, Expr, Expr];
  const low = (x: Expr, y: Expr): Expr => name(shuffle(x, y, bytesOf([0, 4, 1, 5], 4)));
  const high = (x: Expr, y: Expr): Expr => name(shuffle(x, y, bytesOf([2, 6, 3, 7], 4)));
  return [low, high].flatMap((half) => {
    const [first, second] = [half(a, b), half(c, d)];
    return [[shuffle(first, second, bytesOf([0, 1, 4, 5], 4))], [shuffle(first, second, bytesOf([2, 3, 6, 7], 4))]];
  });
}

/** One element after the other, each from where `at` says. */
export function loadLanes(
  dtype: DType,
  lanes: number,
  at: (lane: number) => { readonly ptr: Expr; readonly offset: number },
): Vector {
  const read = (first: number, count: number, width: 8 | 32 | 64): Expr => {
    let result: Expr = i32x4c(0);
    for (let i = 0; i < count; i++) {
      const { ptr: p, offset: o } = at(first + i);
      const start = i === 0 && width !== 8;
      result = start ? load(`v128.load${width}_zero`, p, o) : loadLane(`v128.load${width}_lane`, p, result, i, o);
    }
    return result;
  };
  if (dtype === 'bool') return [widenBytes(read(0, lanes, 8))];
  if (dtype !== 'float64') return [read(0, lanes, 32)];
  return [read(0, Math.min(lanes, 2), 64), read(2, Math.max(lanes - 2, 0), 64)];
}

/** One element in every lane. */
export function loadSplat(dtype: DType, ptr: Expr, offset: number, name: (value: Expr) => Expr): Vector {
  if (dtype === 'bool') return [notZero(op('i32x4.splat', load('i32.load8_u', ptr, offset)))];
  if (dtype !== 'float64') return [load('v128.load32_splat', ptr, offset)];
  const both = name(load('v128.load64_splat', ptr, offset));
  return [both, both];
}

/** Neighbouring elements; of a tail only those that exist. */
export function loadVector(dtype: DType, ptr: Expr, offset: number, lanes: number): Vector {
  if (dtype === 'bool') {
    if (lanes === 4) return [widenBytes(load('v128.load32_zero', ptr, offset))];
    let bytes: Expr = i32x4c(0);
    for (let i = 0; i < lanes; i++) bytes = loadLane('v128.load8_lane', ptr, bytes, i, offset + i);
    return [widenBytes(bytes)];
  }
  if (dtype === 'float64') {
    const second = lanes > 3 ? 'v128.load' : 'v128.load64_zero';
    return [
      load(lanes > 1 ? 'v128.load' : 'v128.load64_zero', ptr, offset),
      lanes > 2 ? load(second, ptr, offset + 16) : i32x4c(0),
    ];
  }
  if (lanes === 4) return [load('v128.load', ptr, offset)];
  if (lanes === 1) return [load('v128.load32_zero', ptr, offset)];
  const two = load('v128.load64_zero', ptr, offset);
  return [lanes === 2 ? two : loadLane('v128.load32_lane', ptr, two, 2, offset + 8)];
}

/** Writes `lanes` elements to successive places, `offset` bytes behind `ptr`. */
export function storeVector(
  f: FunctionBuilder,
  dtype: DType,
  ptr: Expr,
  value: Vector,
  offset: number,
  lanes: number,
): void {
  const [x, y] = value as [Expr, Expr];
  if (dtype === 'bool') {
    const ones = op('v128.and', x, i32x4c(1));
    const halves = op('i16x8.narrow_i32x4_u', ones, i32x4c(0));
    const bytes = op('i8x16.narrow_i16x8_u', halves, i32x4c(0));
    if (lanes === 4) f.storeLane('v128.store32_lane', ptr, bytes, 0, offset);
    else {
      const named = f.let(bytes);
      for (let i = 0; i < lanes; i++) f.storeLane('v128.store8_lane', ptr, named, i, offset + i);
    }
    return;
  }
  if (dtype === 'float64') {
    if (lanes === 1) f.storeLane('v128.store64_lane', ptr, x, 0, offset);
    else f.store('v128.store', ptr, x, offset);
    if (lanes === 3) f.storeLane('v128.store64_lane', ptr, y, 0, offset + 16);
    else if (lanes === 4) f.store('v128.store', ptr, y, offset + 16);
    return;
  }
  if (lanes === 4) {
    f.store('v128.store', ptr, x, offset);
    return;
  }
  const named = f.let(x);
  if (lanes >= 2) f.storeLane('v128.store64_lane', ptr, named, 0, offset);
  if (lanes !== 2) f.storeLane('v128.store32_lane', ptr, named, lanes - 1, offset + 4 * (lanes - 1));
}

/** Writes `lanes` elements `step` bytes apart. */
export function storeLanes(
  f: FunctionBuilder,
  dtype: DType,
  ptr: Expr,
  value: Vector,
  offset: number,
  step: number,
  lanes: number,
): void {
  const width = dtype === 'bool' ? 8 : dtype === 'float64' ? 64 : 32;
  // A mask is −1 where true.
  const named = value.map((part) => f.let(dtype === 'bool' ? op('v128.and', part, i32x4c(1)) : part));
  for (let i = 0; i < lanes; i++) {
    const at = dtype === 'bool' ? 4 * i : dtype === 'float64' ? i % 2 : i;
    f.storeLane(`v128.store${width}_lane`, ptr, named[dtype === 'float64' ? i >> 1 : 0]!, at, offset + i * step);
  }
}

/** One lane of a vector as a rank-0 value. */
export function extractLane(dtype: DType, value: Vector, i: number): Expr {
  switch (dtype) {
    case 'float32':
      return lane('f32x4.extract_lane', i, value[0]!);
    case 'float64':
      return lane('f64x2.extract_lane', i % 2, value[i >> 1]!);
    case 'bool':
      return op('i32.and', lane('i32x4.extract_lane', i, value[0]!), i32c(1));
    default:
      return lane('i32x4.extract_lane', i, value[0]!);
  }
}
