import { byteSize, type DType } from '../../../src/core/dtype.ts';
import type { Eqn } from '../../../src/core/jaxpr.ts';
import { sizeOf } from '../../../src/core/shape.ts';
import { gemmParameters, gemmScratchBytes } from '../../runtime/gemm.ts';
import { type Expr, i32c } from '../../wasm/code.ts';
import type { Driver } from '../driver.ts';
import { isProductType, type ProductType } from '../expressions/lanes.ts';
import { type HeldLeaf, readBuffer, substitute } from '../expressions/tree.ts';
import type { Kernel } from '../kernels/kernel.ts';
import { mapKernel, type Store } from '../kernels/map-kernel.ts';
import type { Epilogue } from '../passes/epilogues.ts';
import { Buffer } from '../storage.ts';
import { batchTiles } from './batch-tiles.ts';
import type { RowOperand } from './block-rows.ts';
import { ComputedPanels } from './computed-panels.ts';
import { batched, gemmArguments, integerProduct, type Product, resultSize } from './dot-code.ts';
import { endsInRegisters, gemvInto, gemvKernel, matrixVector } from './gemv-code.ts';
import { HeldTile } from './held-tile.ts';
import { isSmallProduct, productInto, productKernel, productScratchBytes } from './product-code.ts';
import { behindRows, type Rows } from './product-ends.ts';
import { batchInThreads, gemmInThreads, isBatchDealtOut, isDealtOut } from './product-threads.ts';
import { RowBlocks } from './row-blocks.ts';
import { windowsInto } from './window-product.ts';

/** Calls what computes the product of the matrices at `a` and `b` into `c`: code made for its size, or the runtime's. */
export function multiply(d: Driver, p: Product, dtype: DType, a: Expr, b: Expr, c: Expr): void {
  if (dtype !== 'float32' && dtype !== 'float64') {
    // Negative steps, bools and columns have no code in vectors.
    if (!isProductType(dtype) || p.n === 1 || !isSmallProduct(p, dtype))
      d.f.call(d.define(integerProduct(p, dtype)), a, b, c);
    else new RowBlocks(d, p, dtype, a, b).store(c);
    return;
  }
  const vector = p.inParts ? undefined : matrixVector(p);
  if (p.onto) d.f.fill(c, i32c(0), i32c(resultSize(p) * byteSize(dtype)));
  if (vector) {
    const kernel = d.define(gemvKernel(vector, dtype, d.target));
    each(d, p, dtype, [a, b, c], 0, (x, y, z) => [kernel, vector.swapped ? [y, x, z] : [x, y, z]]);
  } else if (d.target.shared && p.batch.length === 0 && !p.inParts && isDealtOut(p.m, p.n, p.k)) {
    gemmInThreads(d, p, dtype, [a, b, c]);
  } else if (isSmallProduct(p, dtype)) {
    const kernel = d.define(productKernel(p, dtype, d.target));
    each(d, p, dtype, [a, b, c], productScratchBytes(p, dtype), (x, y, z, s) => [kernel, [x, y, z, s]]);
  } else {
    const gemm = d.runtime(dtype === 'float32' ? 'gemm_f32' : 'gemm_f64', gemmParameters);
    const bytes = gemmScratchBytes(p.m, p.n, p.k, byteSize(dtype));
    each(d, p, dtype, [a, b, c], bytes, (x, y, z, s) => [gemm, gemmArguments(p, x, y, z, s)]);
  }
}

/** The same where one kernel reads the result: into its expressions, if the product's has it in registers, or by rows. */
export function multiplyInto(d: Driver, eqn: Eqn, p: Product, a: RowOperand, b: Expr | ComputedPanels): boolean {
  const { dtype, ndim } = eqn.outputs[0]!.aval;
  const epilogue = d.ends.epilogues.get(eqn);
  if (!epilogue || !isProductType(dtype) || ndim === 0) return false;
  const isFloat = dtype === 'float32' || dtype === 'float64';
  if (!isFloat && (p.n === 1 || p.m === 1 || !isSmallProduct(p, dtype))) return false;
  if (p.inParts && (p.onto || p.outRow !== p.n || !epilogue.inRegisters)) return false;
  const vector = isFloat && !p.inParts ? matrixVector(p) : undefined;
  const operands = d.storagesOfOperands(eqn);
  const retain = (): void => {
    for (const storage of operands) storage.retain();
  };
  const release = (): void => {
    for (const storage of operands) storage.release();
  };
  if (epilogue.rowAxes > 0) {
    if (vector) return false;
    retain();
    if (epilogue.inRegisters) {
      d.ends.hold(d, eqn, (leaf, stores) => {
        multiplyTiles(d, p, dtype, a, b, epilogue, leaf, stores);
        release();
      });
      return true;
    }
    const done = (): void => {
      doneWith(d, a, b);
      release();
    };
    d.ends.deferRows(d, eqn, {
      product: p,
      a,
      b,
      run: (behind) => {
        new RowBlocks(d, p, dtype, a, b).before(behind);
        done();
      },
      release: done,
    });
    return true;
  }
  if (!isAddress(a) || !isAddress(b) || p.batch.length > 0 || !isFloat || !vector || !endsInRegisters(vector, dtype))
    return false;
  const places = vector.swapped ? { matrix: b, vector: a } : { matrix: a, vector: b };
  retain();
  return d.ends.defer(d, eqn, (behind) => {
    d.run(gemvInto(vector, dtype, d.target, places, behind));
    release();
  });
}

/** A product whose tiles go into expressions, or its rows if they are too large, or all of it. */
function multiplyTiles(
  d: Driver,
  p: Product,
  dtype: ProductType,
  a: RowOperand,
  b: Expr | ComputedPanels,
  epilogue: Epilogue,
  leaf: HeldLeaf,
  stores: readonly Store[],
): void {
  const {
    group: { shape },
    rowAxes,
    isEven,
  } = epilogue;
  const tile = HeldTile.of(leaf, stores, shape, rowAxes, p.m);
  if (tile && p.inParts && isAddress(a) && isAddress(b)) {
    windowsInto(d, p, dtype, a, b, tile);
    return;
  }
  const isSmall = isAddress(b) && isSmallProduct(p, dtype);
  const fromPanels = Math.min(p.lhs.row, p.lhs.column) === 1;
  const inBatch = d.target.shared && p.batch.length > 0 && isBatchDealtOut(p);
  if (inBatch && tile && (isSmall || fromPanels) && isAddress(a) && isAddress(b)) {
    batchTiles(d, p, dtype, a, b, tile);
    return;
  }
  const isShared = d.target.shared && isDealtOut(p.m, p.n, p.k);
  if (tile && isSmall && isAddress(a) && p.batch.length === 0 && !isShared) {
    d.withScratch(productScratchBytes(p, dtype), (scratch) =>
      d.run(productInto(p, dtype, d.target, { a, b, scratch }, tile)),
    );
    return;
  }
  const blocks = new RowBlocks(d, p, dtype, a, b);
  const kernelAt = (ptr: Expr, { axes, share }: Partial<Rows> = {}): Kernel => {
    const result = readBuffer(new Buffer(dtype, sizeOf(shape), ptr), shape).root;
    const read = stores.map(({ root, ptr }) => ({ ptr, root: substitute(root, leaf, result) }));
    return mapKernel(share?.stores(read) ?? read, share?.shape ?? shape, [], axes);
  };
  if (tile && (isSmall || fromPanels)) blocks.into(tile);
  else if (isEven && !p.inParts && !inBatch) {
    const base = d.locals.hold(i32c(0));
    blocks.before(behindRows(d, epilogue, [base], (rows) => kernelAt(base, rows)));
    d.locals.give(base);
  } else
    d.withScratch(sizeOf(shape) * byteSize(dtype), (c) => {
      if (isAddress(a) && isAddress(b)) multiply(d, p, dtype, a, b, c);
      else blocks.store(c);
      d.run(kernelAt(c));
    });
  doneWith(d, a, b);
}

/** A product of which an operand is computed, on its own. */
export function multiplyComputed(
  d: Driver,
  p: Product,
  dtype: ProductType,
  a: RowOperand,
  b: Expr | ComputedPanels,
  c: Expr,
): void {
  const isShared = d.target.shared && isDealtOut(p.m, p.n, p.k);
  if (isAddress(a) && !isAddress(b) && !isShared) b.multiply(p, a, c);
  else new RowBlocks(d, p, dtype, a, b).store(c);
  doneWith(d, a, b);
}

export const isAddress = (operand: RowOperand | ComputedPanels): operand is Expr =>
  !('base' in operand || 'behind' in operand || operand instanceof ComputedPanels);

function doneWith(d: Driver, a: RowOperand, b: Expr | ComputedPanels): void {
  if (!isAddress(a)) {
    if ('behind' in a) a.release();
    else d.locals.give(a.base);
  }
  if (!isAddress(b)) b.release();
}

type Call = (a: Expr, b: Expr, c: Expr, scratch: Expr) => readonly [kernel: string, args: readonly Expr[]];

/** One call, or one for each product of a batch. */
function each(
  d: Driver,
  p: Product,
  dtype: 'float32' | 'float64',
  operands: readonly [Expr, Expr, Expr],
  scratchBytes: number,
  call: Call,
): void {
  // Products that add up are one thread's.
  const isShared = d.target.shared && p.batch.length > 0 && p.batch[0]!.steps[2] !== 0;
  if (isShared && isBatchDealtOut(p)) {
    const inner = { ...p, batch: p.batch.slice(1) };
    batchInThreads(d, p, dtype, d.define(batched(inner, dtype, call)), operands, scratchBytes);
    return;
  }
  d.withScratch(scratchBytes, (scratch) => {
    if (p.batch.length > 0) {
      d.f.call(d.define(batched(p, dtype, call)), ...operands, scratch);
      return;
    }
    const [kernel, args] = call(...operands, scratch);
    d.f.call(kernel, ...args);
  });
}
