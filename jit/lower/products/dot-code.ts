import { byteSize, type DType } from '../../../src/core/dtype.ts';
import type { DotDimensions } from '../../lower-rule.ts';
import { type Expr, type Func, FunctionBuilder, i32c, op } from '../../wasm/code.ts';
import { coalesce, loadElement, nest, storeElement } from '../../wasm/loop-nest.ts';
import { constant, scalarOp } from '../expressions/scalar-code.ts';
import { knownFunction } from '../kernels/known-kernels.ts';
import { scalarType } from '../storage.ts';

/** A contraction as the matrix products it consists of. Strides count elements. */
export interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly lhs: { readonly row: number; readonly column: number };
  readonly rhs: { readonly row: number; readonly column: number };
  /** From row to row of the result. */
  readonly outRow: number;
  /** Loops over products: extent and steps of lhs, rhs and the result, in elements. */
  readonly batch: readonly { readonly extent: number; readonly steps: readonly [number, number, number] }[];
  /** Sums over `k` are in turn summed over these axes, outermost first: extent and steps of lhs and rhs. */
  readonly sums: readonly { readonly extent: number; readonly steps: readonly [number, number] }[];
  /** Whether products of the batch add up, onto zeros that are there. */
  readonly onto: boolean;
  /** Whether it is a part of one product whose operands do not step evenly, such as windows: read in place, whatever its size. */
  readonly inParts: boolean;
  /** Whether vectors are of what is summed over, which lies in a row in both operands, and not of columns. */
  readonly alongSums: boolean;
}

/** Elements of the results of all products. */
export const resultSize = ({ m, n, batch }: Product): number =>
  batch.reduce((size, { extent, steps }) => (steps[2] === 0 ? size : size * extent), m * n);

export interface Axes {
  readonly batch: readonly number[];
  readonly free: readonly number[];
  readonly contract: readonly number[];
}

export function axesOf(rank: number, batch: readonly number[], contract: readonly number[]): Axes {
  const free = Array.from({ length: rank }, (_, i) => i).filter((i) => !batch.includes(i) && !contract.includes(i));
  return { batch, free, contract };
}

/** Several axes as one, where they are laid out like one; its stride, or undefined. */
function mergedStride(
  shape: readonly number[],
  strides: readonly number[],
  axes: readonly number[],
): number | undefined {
  const merged = coalesce(axes.map((axis) => ({ extent: shape[axis]!, steps: [strides[axis]!] })));
  if (merged.length === 0) return 1;
  return merged.length === 1 ? merged[0]!.steps[0]! : undefined;
}

const sizeOver = (shape: readonly number[], axes: readonly number[]): number =>
  axes.reduce((n, axis) => n * shape[axis]!, 1);

export interface Side {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** Whether an operand can be read where it lies: its free and its contracted axes each step evenly. */
export const isMatrix = (side: Side, axes: Axes): boolean =>
  mergedStride(side.shape, side.strides, axes.free) !== undefined &&
  mergedStride(side.shape, side.strides, axes.contract) !== undefined;

export function productOf(lhs: Side, rhs: Side, d: DotDimensions): Product {
  const left = axesOf(lhs.shape.length, d.lhsBatch, d.lhsContract);
  const right = axesOf(rhs.shape.length, d.rhsBatch, d.rhsContract);
  const [m, n, k] = [
    sizeOver(lhs.shape, left.free),
    sizeOver(rhs.shape, right.free),
    sizeOver(lhs.shape, left.contract),
  ];
  const stride = (side: Side, axes: readonly number[]): number => mergedStride(side.shape, side.strides, axes)!;
  let step = m * n;
  const outSteps = new Array<number>(d.lhsBatch.length);
  for (let i = d.lhsBatch.length - 1; i >= 0; i--) {
    outSteps[i] = step;
    step *= lhs.shape[d.lhsBatch[i]!]!;
  }
  const batch = coalesce(
    d.lhsBatch.map((axis, i) => ({
      extent: lhs.shape[axis]!,
      steps: [lhs.strides[axis]!, rhs.strides[d.rhsBatch[i]!]!, outSteps[i]!],
    })),
  );
  return {
    m,
    n,
    k,
    lhs: { row: stride(lhs, left.free), column: stride(lhs, left.contract) },
    rhs: { row: stride(rhs, right.contract), column: stride(rhs, right.free) },
    outRow: n,
    batch: batch as unknown as Product['batch'],
    sums: [],
    onto: false,
    inParts: false,
    alongSums: false,
  };
}

/** Where what begins at `first` is for product `number` of a batch, the products in the order of their results. */
export function placeInBatch(
  first: Expr,
  number: Expr,
  axes: readonly { readonly extent: number; readonly step: number }[],
): Expr {
  let [at, within] = [first, number];
  for (let axis = axes.length - 1; axis >= 0; axis--) {
    const { extent, step } = axes[axis]!;
    const index = axis === 0 ? within : op('i32.rem_u', within, i32c(extent));
    if (step !== 0) at = op('i32.add', at, op('i32.mul', index, i32c(step)));
    within = op('i32.div_u', within, i32c(extent));
  }
  return at;
}

/** Arguments of the runtime's `gemm` for one product. */
export const gemmArguments = (p: Product, a: Expr, b: Expr, c: Expr, scratch: Expr): Expr[] => [
  ...[p.m, p.n, p.k].map(i32c),
  a,
  i32c(p.lhs.row),
  i32c(p.lhs.column),
  b,
  i32c(p.rhs.row),
  i32c(p.rhs.column),
  c,
  i32c(p.n),
  i32c(0),
  scratch,
];

/** A kernel (lhs, rhs, out, scratch) that calls another one for every product of a batch. */
export function batched(
  p: Product,
  dtype: DType,
  call: (a: Expr, b: Expr, c: Expr, scratch: Expr) => readonly [kernel: string, args: readonly Expr[]],
): Func {
  const f = new FunctionBuilder('', ['i32', 'i32', 'i32', 'i32']);
  const bytes = byteSize(dtype);
  const axes = p.batch.map(({ extent, steps }) => ({ extent, steps: steps.map((s) => s * bytes) }));
  nest(f, axes, [f.param(0), f.param(1), f.param(2)], ([a, b, c]) => {
    const [kernel, args] = call(a!, b!, c!, f.param(3));
    f.call(kernel, ...args);
  });
  return f.build();
}

/** A kernel (lhs, rhs, out) for integers, which no runtime function multiplies: a loop nest with one accumulator. */
export const integerProduct = (p: Product, dtype: DType): Func =>
  knownFunction(`product in one sum ${JSON.stringify([p, dtype])}`, () => writeIntegerProduct(p, dtype));

function writeIntegerProduct(p: Product, dtype: DType): Func {
  const f = new FunctionBuilder('', ['i32', 'i32', 'i32']);
  const bytes = byteSize(dtype);
  const scaled = (extent: number, ...steps: number[]) => ({ extent, steps: steps.map((s) => s * bytes) });
  const outer = [
    ...p.batch.map(({ extent, steps }) => scaled(extent, ...steps)),
    scaled(p.m, p.lhs.row, 0, p.n),
    scaled(p.n, 0, p.rhs.column, 1),
  ];
  const math = (): string => '';
  const name = (e: Expr): Expr => f.let(e);
  const combine = dtype === 'bool' ? (['or', 'and'] as const) : (['add', 'mul'] as const);
  nest(f, outer, [f.param(0), f.param(1), f.param(2)], ([a, b, c]) => {
    const sum = f.local(scalarType(dtype));
    f.set(sum, constant(0, dtype));
    nest(f, [scaled(p.k, p.lhs.column, p.rhs.row)], [a!, b!], ([x, y]) => {
      const product = scalarOp(combine[1], dtype, [loadElement(dtype, x!), loadElement(dtype, y!)], dtype, name, math);
      f.set(sum, scalarOp(combine[0], dtype, [sum, product], dtype, name, math));
    });
    storeElement(f, dtype, c!, sum);
  });
  return f.build();
}
