import { byteSize } from '../../../src/core/dtype.ts';
import { type Atom, type Eqn, Literal, type Var } from '../../../src/core/jaxpr.ts';
import { sizeOf, stridesOf } from '../../../src/core/shape.ts';
import type { DotDimensions } from '../../lower-rule.ts';
import { type Expr, i32c, op } from '../../wasm/code.ts';
import type { Driver, Places } from '../driver.ts';
import type { ProductType } from '../expressions/lanes.ts';
import { type Fused, operationsOf, readBuffer, reshaped, transposed } from '../expressions/tree.ts';
import { mapKernel } from '../kernels/map-kernel.ts';
import type { ChainedRows, ComputedRows } from './block-rows.ts';
import { ComputedPanels } from './computed-panels.ts';
import { axesOf, isMatrix, productOf, type Side } from './dot-code.ts';
import { isAddress, multiply, multiplyComputed, multiplyInto } from './multiply.ts';
import { windowProduct } from './window-product.ts';

/** A product of matrices: at the end of the kernel that reads it, or on its own. */
export function lowerDot(d: Driver, eqn: Eqn, dims: DotDimensions, places: Places): void {
  const out = eqn.outputs[0]!;
  const { dtype, shape } = out.aval;
  const [x, y] = eqn.inputs as [Atom, Atom];
  let into: ((c: Expr) => void) | undefined;
  if (sizeOf(shape) > 0) {
    const { first, second } = d.ends.prologues;
    const chain = d.ends.chainInto(eqn);
    const windows = chain ? undefined : windowProduct(d, eqn, dims);
    if (windows) {
      const { product, a, b } = windows;
      if (multiplyInto(d, eqn, product, a, b)) return;
      const place = d.placeFor(out, places);
      multiply(d, product, dtype, a, b, place.ptr);
      d.bind(out, readBuffer(place, shape));
      return;
    }
    const rows = chain ? chainedRows(x, chain) : first.has(eqn) ? computedRows(d, x, dims) : undefined;
    const a = rows ?? matrixOperand(d, x, dims.lhsBatch, dims.lhsContract);
    const panels = second.has(eqn) ? computedPanels(d, y, dims) : undefined;
    const b = panels ?? matrixOperand(d, y, dims.rhsBatch, dims.rhsContract);
    const whole = productOf(a.side, b.side, dims);
    const product = chain ? { ...whole, lhs: { row: chain.product.outRow, column: 1 } } : whole;
    if (multiplyInto(d, eqn, product, a.ptr, b.ptr)) return;
    into = (c) =>
      isAddress(a.ptr) && isAddress(b.ptr)
        ? multiply(d, product, dtype, a.ptr, b.ptr, c)
        : multiplyComputed(d, product, dtype as ProductType, a.ptr, b.ptr, c);
  }
  const place = d.placeFor(out, places);
  into?.(place.ptr);
  if (shape.length > 0) d.bind(out, readBuffer(place, shape));
  else d.loadResult(out, place);
}

/** An operand of a product: read where it lies if its axes step evenly, else from a contiguous copy. */
export function matrixOperand(
  d: Driver,
  atom: Atom,
  batch: readonly number[],
  contract: readonly number[],
): { side: Side; ptr: Expr } {
  const { shape, root } = d.fused(atom);
  if (root.kind === 'array') {
    const side = { shape, strides: root.strides };
    if (isMatrix(side, axesOf(shape.length, batch, contract))) {
      const bytes = root.offset * byteSize(root.dtype);
      return { side, ptr: bytes === 0 ? root.buffer.ptr : op('i32.add', root.buffer.ptr, i32c(bytes)) };
    }
  }
  const side = { shape, strides: stridesOf(shape) };
  if (isMatrix(side, axesOf(shape.length, batch, contract))) return { side, ptr: operandPointer(d, atom) };
  const { permuted, side: packed } = inRows(d.fused(atom), batch, contract);
  const copy = d.temporary(root.dtype, sizeOf(shape));
  d.store(permuted, copy.ptr);
  const { strides } = packed;
  d.rebind(atom as Var, { shape, root: { kind: 'array', dtype: root.dtype, buffer: copy, offset: 0, strides } });
  return { side: packed, ptr: copy.ptr };
}

/** A value with the free axes before the contracted ones, both in one piece where it is stored like that. */
function inRows(fused: Fused, batch: readonly number[], contract: readonly number[]): { permuted: Fused; side: Side } {
  const { shape } = fused;
  const axes = axesOf(shape.length, batch, contract);
  const order = [...axes.batch, ...axes.free, ...axes.contract];
  const permuted = transposed(fused, order);
  const packed = stridesOf(permuted.shape);
  return { permuted, side: { shape, strides: shape.map((_, axis) => packed[order.indexOf(axis)]!) } };
}

/** The first operand as rows of another product, which are there block by block. */
function chainedRows({ aval: { shape } }: Atom, chain: ChainedRows): { side: Side; ptr: ChainedRows } {
  return { side: { shape, strides: stridesOf(shape) }, ptr: chain };
}

/** The first operand of a product as a kernel that computes rows of it; undefined where it lies in memory. */
function computedRows(
  d: Driver,
  x: Atom,
  { lhsBatch, lhsContract }: DotDimensions,
): { side: Side; ptr: ComputedRows } | undefined {
  const fused = d.fused(x);
  if (fused.root.kind === 'array') return undefined;
  const { permuted, side } = inRows(fused, lhsBatch, lhsContract);
  const base = d.locals.hold(i32c(0));
  const rowAxes = permuted.shape.length - lhsContract.length;
  const kernel = mapKernel([{ root: permuted.root, ptr: base }], permuted.shape, [], rowAxes);
  const products = sizeOf(lhsBatch.map((axis) => fused.shape[axis]!));
  // A step is a part of one product.
  if (kernel.range!.extent >= products) {
    const note = `over [${permuted.shape}]: ${operationsOf(permuted.root)}, then rows of a product`;
    return { side, ptr: { kernel, base, note } };
  }
  d.locals.give(base);
  return undefined;
}

/** The second operand as kernels that compute panels of it; undefined where it lies in memory, or is better put there. */
function computedPanels(
  d: Driver,
  y: Atom,
  { rhsContract: contract }: DotDimensions,
): { side: Side; ptr: ComputedPanels } | undefined {
  const fused = d.fused(y);
  if (fused.root.kind === 'array') return undefined;
  const { shape } = fused;
  const order = [...contract, ...axesOf(shape.length, [], contract).free];
  const k = sizeOf(contract.map((axis) => shape[axis]!));
  const matrix = reshaped(transposed(fused, order), [k, sizeOf(shape) / k]);
  if (!matrix) return undefined;
  const own = stridesOf(order.map((axis) => shape[axis]!));
  const side = { shape, strides: shape.map((_, axis) => own[order.indexOf(axis)]!) };
  return { side, ptr: new ComputedPanels(d, matrix) };
}

function operandPointer(d: Driver, atom: Atom): Expr {
  if (!(atom instanceof Literal)) return d.buffer(atom).ptr;
  const place = d.temporary(atom.aval.dtype, 1);
  d.store(d.fused(atom), place.ptr);
  return place.ptr;
}
