import { byteSize } from '../../../src/core/dtype.ts';
import { type Atom, type Eqn, type Jaxpr, memoPerJaxpr, type Var } from '../../../src/core/jaxpr.ts';
import type { LowerRule } from '../../lower-rule.ts';
import { type Expr, i32c, op } from '../../wasm/code.ts';
import type { Driver } from '../driver.ts';
import type { ArrayLeaf, Fused, Tree } from '../expressions/tree.ts';
import { mapKernel } from '../kernels/map-kernel.ts';
import { matricesPassedOver } from '../passes/row-passes.ts';
import { simplify } from '../simplify.ts';
import type { Buffer } from '../storage.ts';

/** A matrix by columns. */
export interface Columns {
  readonly ptr: Expr;
  /** From one column to the next, in elements. */
  readonly stride: number;
}

/**
 * Copies by columns of matrices that lie by rows, for loops whose every step goes over the same matrix: with rows in
 * lanes a step takes little more than half the time, and to copy the matrix takes about as long as one step.
 */
export class ColumnCopies {
  private readonly copies: { readonly leaf: ArrayLeaf; readonly columns: Columns }[] = [];

  /** The columns of a matrix, if they lie together or have been copied. */
  of(tree: Tree, rows: number): Columns | undefined {
    if (tree.kind !== 'array') return undefined;
    const [rowStride, columnStride] = tree.strides as [number, number];
    if (rowStride === 1 && columnStride >= rows) {
      const bytes = tree.offset * byteSize(tree.dtype);
      return { ptr: bytes === 0 ? tree.buffer.ptr : op('i32.add', tree.buffer.ptr, i32c(bytes)), stride: columnStride };
    }
    return this.copies.find(({ leaf }) => isSame(leaf, tree))?.columns;
  }

  /** Copies what the body goes over in passes, of the inputs that do not change, until `use` is done. */
  during(d: Driver, body: Jaxpr, inputs: readonly (Fused | undefined)[], use: () => void): void {
    const known = this.copies.length;
    const places: Buffer[] = [];
    const passed = passedOver(body);
    body.inVars.forEach((v, i) => {
      const fused = inputs[i];
      if (!passed.has(v) || fused?.root.kind !== 'array') return;
      const { root, shape } = fused;
      const [rows, columns] = shape as [number, number];
      if (root.strides[1] !== 1 || this.of(root, rows)) return;
      const stride = columnStride(rows, byteSize(root.dtype));
      const place = d.temporary(root.dtype, stride * columns);
      place.retain();
      places.push(place);
      const byColumns = { ...root, strides: root.strides.toReversed() };
      d.run(mapKernel([{ root: byColumns, ptr: place.ptr, strides: [stride, 1] }], [columns, rows]));
      this.copies.push({ leaf: root, columns: { ptr: place.ptr, stride } });
    });
    use();
    this.copies.length = known;
    for (const place of places) place.release();
  }
}

/** Columns begin with a line of the cache, and not all in the same set: twenty lines 4096 bytes apart drive each other out. */
function columnStride(rows: number, bytes: number): number {
  const lineLength = 64 / bytes;
  const lines = Math.ceil(rows / lineLength);
  return (lines + (lines % 16 === 0 ? 1 : 0)) * lineLength;
}

const isSame = (a: ArrayLeaf, b: ArrayLeaf): boolean =>
  a.buffer === b.buffer && a.offset === b.offset && a.strides.every((stride, axis) => stride === b.strides[axis]);

/** Inputs of a loop's body that a pass with few columns goes over in every step, or in every step of a loop inside. */
const passedOver: (body: Jaxpr) => ReadonlySet<Atom> = memoPerJaxpr(
  () => '',
  (body) => {
    const found = new Set<Atom>(matricesPassedOver(body.eqns));
    for (const eqn of body.eqns)
      for (const [operand, v, inner] of constantsOf(eqn)) if (passedOver(inner).has(v)) found.add(operand);
    return found;
  },
);

/** What a loop's body reads unchanged: the operand, the body's input, and the body. */
function constantsOf(eqn: Eqn): (readonly [Atom, Var, Jaxpr])[] {
  const rule = eqn.primitive.lower as LowerRule<unknown>;
  if (rule.kind !== 'while' && rule.kind !== 'scan') return [];
  const loop = rule.loop(eqn.params);
  const body = simplify(loop.body);
  const [first, count] = 'bodyConsts' in loop ? [loop.condConsts, loop.bodyConsts] : [0, loop.consts];
  return eqn.inputs.slice(first, first + count).map((atom, i) => [atom, body.inVars[i]!, body] as const);
}
