import type { DType } from '../../../src/core/dtype.ts';
import { type Expr, type FunctionBuilder, type Local, lane, load, loadLane, type WasmType } from '../../wasm/code.ts';

/** Vectors of a floating dtype. */
export interface Lanes {
  readonly name: Extract<WasmType, 'f32' | 'f64'>;
  readonly shape: 'f32x4' | 'f64x2';
  readonly bytes: 4 | 8;
  readonly count: 4 | 2;
  readonly splat: string;
}

export const lanesOf = (dtype: 'float32' | 'float64'): Lanes =>
  dtype === 'float32'
    ? { name: 'f32', shape: 'f32x4', bytes: 4, count: 4, splat: 'v128.load32_splat' }
    : { name: 'f64', shape: 'f64x2', bytes: 8, count: 2, splat: 'v128.load64_splat' };

/** Vectors of integers. */
export interface IntegerLanes {
  readonly name: 'i32';
  readonly shape: 'i32x4';
  readonly bytes: 4;
  readonly count: 4;
  readonly splat: string;
}

export type AnyLanes = Lanes | IntegerLanes;

/** Dtypes whose matrices are multiplied in vectors. */
export type ProductType = 'float32' | 'float64' | 'int32' | 'uint32';

export const isProductType = (dtype: DType): dtype is ProductType => dtype !== 'bool';

export const productLanes = (dtype: ProductType): AnyLanes =>
  dtype === 'float32' || dtype === 'float64'
    ? lanesOf(dtype)
    : { name: 'i32', shape: 'i32x4', bytes: 4, count: 4, splat: 'v128.load32_splat' };

/** The elements of one vector; missing ones at the end are 0. */
export function loadVector(e: AnyLanes, ptr: Expr, offset: number, elements: number): Expr {
  if (elements >= e.count) return load('v128.load', ptr, offset);
  if (e.bytes === 8) return load('v128.load64_zero', ptr, offset);
  if (elements === 1) return load('v128.load32_zero', ptr, offset);
  const two = load('v128.load64_zero', ptr, offset);
  return elements === 2 ? two : loadLane('v128.load32_lane', ptr, two, 2, offset + 8);
}

/** Stores the first `elements` elements. */
export function storeVector(
  f: FunctionBuilder,
  e: AnyLanes,
  ptr: Expr,
  offset: number,
  value: Local,
  elements: number,
): void {
  if (elements >= e.count) {
    f.store('v128.store', ptr, value, offset);
    return;
  }
  for (let i = 0; i < elements; i++)
    f.store(`${e.name}.store`, ptr, lane(`${e.shape}.extract_lane`, i, value), offset + i * e.bytes);
}
