import { byteSize } from '../../src/core/dtype.ts';
import { type Atom, type Eqn, Literal, type Var } from '../../src/core/jaxpr.ts';
import { sizeOf, stridesOf } from '../../src/core/shape.ts';
import { type Expr, i32c, op } from '../code.ts';
import type { DotDimensions } from '../lower-rule.ts';
import { axesOf, isMatrix, productOf, type Side } from './dot-code.ts';
import type { Driver, Places } from './driver.ts';
import { multiply, multiplyInto } from './multiply.ts';
import { type Fused, readBuffer, viewed } from './tree.ts';

/** A product of matrices: at the end of the kernel that reads it, or on its own. */
export function lowerDot(d: Driver, eqn: Eqn, dims: DotDimensions, places: Places): void {
  const out = eqn.outputs[0]!;
  const { dtype, shape } = out.aval;
  const [x, y] = eqn.inputs as [Atom, Atom];
  let into: ((c: Expr) => void) | undefined;
  if (sizeOf(shape) > 0) {
    const [a, b] = [
      matrixOperand(d, x, dims.lhsBatch, dims.lhsContract),
      matrixOperand(d, y, dims.rhsBatch, dims.rhsContract),
    ];
    const product = productOf(a.side, b.side, dims);
    if (d.ends.epilogues.has(eqn) && multiplyInto(d, eqn, product, a.ptr, b.ptr)) return;
    into = (c) => multiply(d, product, dtype, a.ptr, b.ptr, c);
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
  // Copied with the free axes before the contracted ones, both then in one piece.
  const axes = axesOf(shape.length, batch, contract);
  const order = [...axes.batch, ...axes.free, ...axes.contract];
  const own = stridesOf(shape);
  const permuted = viewed(
    d.fused(atom),
    { offset: 0, strides: order.map((axis) => own[axis]!) },
    order.map((axis) => shape[axis]!),
  );
  const copy = d.temporary(root.dtype, sizeOf(shape));
  d.store(permuted, copy.ptr);
  const packed = stridesOf(permuted.shape);
  const strides = shape.map((_, axis) => packed[order.indexOf(axis)]!);
  const fused: Fused = { shape, root: { kind: 'array', dtype: root.dtype, buffer: copy, offset: 0, strides } };
  d.rebind(atom as Var, fused);
  return { side: { shape, strides }, ptr: copy.ptr };
}

function operandPointer(d: Driver, atom: Atom): Expr {
  if (!(atom instanceof Literal)) return d.buffer(atom).ptr;
  const place = d.temporary(atom.aval.dtype, 1);
  d.store(d.fused(atom), place.ptr);
  return place.ptr;
}
