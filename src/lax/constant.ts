/** Arrays written into programs. */
import { type Expr, f32c, f64c, i32c } from '../../jit/wasm/code.ts';
import { storeElement } from '../../jit/wasm/loop-nest.ts';
import { NDArray } from '../array.ts';
import { shapedArray } from '../core/aval.ts';
import { allocate, byteSize, type DType, type TypedArray } from '../core/dtype.ts';
import { exact, type Primitive, primitive } from '../core/primitive.ts';
import { range, type Shape } from '../core/shape.ts';
import type { Embed } from '../core/stage.ts';
import { broadcastInDimP } from './movement.ts';

interface ConstantParams {
  readonly dtype: DType;
  readonly shape: Shape;
  /** In row-major order. */
  readonly values: readonly number[];
}

/** More elements than these are not written by instructions but copied from a data segment of the module. */
const mostStores = 16;

function elements(dtype: DType, values: readonly number[]): TypedArray {
  const out = allocate(dtype, values.length);
  out.set(values);
  return out;
}

/**
 * An array that is part of the program. Arrays that functions capture are inputs of programs, so that code does not depend on
 * them; this is for rules that are traced within a transformation, whose programs can get no more inputs.
 */
export const constantP: Primitive<ConstantParams> = primitive<ConstantParams>({
  name: 'constant',
  type: (_, { shape, dtype }) => [shapedArray(shape, dtype)],
  run: (_, { dtype, values }) => [elements(dtype, values)],
  accuracy: exact,
  jvp: 'zero',
  batch: () => {
    throw new Error('constant has no operands to batch');
  },
  lower: {
    kind: 'kernel',
    build: ({ f }, _, [out], { dtype, values }) => {
      if (values.length > mostStores) {
        const { buffer } = elements(dtype, values);
        f.data(out!.ptr, new Uint8Array(buffer));
        return;
      }
      values.forEach((value, i) => {
        storeElement(f, dtype, out!.ptr, element(value, dtype), i * byteSize(dtype));
      });
    },
  },
  samples: () =>
    (['float32', 'float64', 'int32', 'uint32', 'bool'] as const).flatMap((dtype) => [
      { inputs: [], params: { dtype, shape: [3], values: [1, 0, 1] } satisfies ConstantParams },
      { inputs: [], params: { dtype, shape: [5, 7], values: range(35).map((i) => i % 2) } satisfies ConstantParams },
      { inputs: [], params: { dtype, shape: [2, 0], values: [] } satisfies ConstantParams },
      { inputs: [], params: { dtype, shape: [], values: [1] } satisfies ConstantParams },
    ]),
});

const element = (value: number, dtype: DType): Expr =>
  dtype === 'float32' ? f32c(value) : dtype === 'float64' ? f64c(value) : i32c(value | 0);

/**
 * Writes concrete arrays into a program that is made by a transformation of another one: it has the inputs that it has,
 * and arrays that the rules on the way make are no operands of anything.
 */
export const embedConstant: Embed = (value) => {
  const { dtype, shape } = value.aval;
  const values = Array.from(value.hostData());
  const [first] = values;
  // Zeros and ones, above all, need no writing out.
  if (first !== undefined && values.every((x) => Object.is(x, first)))
    return {
      primitive: broadcastInDimP,
      args: [NDArray.ofLiteral(first, shapedArray([], dtype))],
      params: { shape, broadcastDimensions: [] },
    };
  return { primitive: constantP, args: [], params: { dtype, shape, values } };
};
