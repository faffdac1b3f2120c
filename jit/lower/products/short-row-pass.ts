import type { Eqn, Var } from '../../../src/core/jaxpr.ts';
import { type Expr, i32c } from '../../wasm/code.ts';
import type { Driver, Places } from '../driver.ts';
import { type HeldLeaf, readBuffer, storagesOf, type Tree } from '../expressions/tree.ts';
import type { RowPass } from '../passes/row-passes.ts';
import type { Buffer, Storage } from '../storage.ts';
import { matrixOperand } from './dot.ts';
import { HeldExpression } from './held-expression.ts';
import { type ShortColumns, shortColumnKernel, shortColumnScratch } from './short-column-kernel.ts';
import { type ShortRows, shortRowKernel, shortRowScratch } from './short-row-kernel.ts';

/** What has been found out between the first product and the last. */
interface Begun {
  readonly x: Expr;
  readonly w: Expr;
  readonly size: ShortRows | ShortColumns;
  /** r, of which the kernel has four elements at a time. */
  readonly r: HeldLeaf;
  readonly held: Storage[];
  p: Tree;
  place: Buffer | undefined;
}

/** A pass whose vectors stay in registers, as its equations come by. */
export class ShortRowPass {
  private readonly d: Driver;
  private readonly pass: RowPass;
  private begun: Begun | undefined;

  constructor(d: Driver, pass: RowPass) {
    this.d = d;
    this.pass = pass;
  }

  /** False if the equation is still to be done in the ordinary way. */
  lower(eqn: Eqn, places: Places): boolean {
    const { d, pass } = this;
    if (eqn === pass.first) return this.begin(places);
    const { begun } = this;
    if (!begun) return false;
    if (eqn === pass.second) {
      this.finish(begun, places);
      return true;
    }
    const fused = d.element(eqn);
    d.bind(eqn.outputs[0]!, fused);
    this.hold(storagesOf(fused.root));
    if (eqn !== pass.middle) return true;
    begun.p = fused.root;
    this.keep(eqn.outputs[0]!, places);
    return true;
  }

  private begin(places: Places): boolean {
    const { d, pass } = this;
    const [out] = pass.first.outputs as [Var];
    const dtype = out.aval.dtype as 'float32' | 'float64';
    const r: HeldLeaf = { kind: 'held', dtype };
    const found = this.matrix(dtype);
    if (!found) return false;
    const w = d.buffer(pass.vector).ptr;
    this.begun = { ...found, w, r, held: [], p: r, place: undefined };
    for (const v of [pass.matrix, pass.vector]) this.hold(storagesOf(d.fused(v).root));
    d.bind(out, { shape: out.aval.shape, root: r });
    if (!pass.middle) this.keep(out, places);
    return true;
  }

  /** The matrix by columns, if it is there so, else by rows. */
  private matrix(dtype: 'float32' | 'float64'): Pick<Begun, 'x' | 'size'> | undefined {
    const { d, pass } = this;
    const { root } = d.fused(pass.matrix);
    const [rows, columns] = pass.matrix.aval.shape as [number, number];
    const byColumns = d.columns.of(root, rows);
    if (byColumns) return { x: byColumns.ptr, size: { rows, columns, columnStride: byColumns.stride, dtype } };
    const inRows = root.kind === 'array' && root.strides[1] === 1 && root.strides[0]! > 0;
    if (!inRows && root.kind !== 'op') return undefined;
    const { side, ptr } = matrixOperand(d, pass.matrix, [], [1]);
    return { x: ptr, size: { rows, columns, rowStride: side.strides[0]!, dtype } };
  }

  /** A place in memory for p, if anything but the pass reads it. */
  private keep(p: Var, places: Places): void {
    if (!this.pass.kept) return;
    this.begun!.place = this.d.placeFor(p, places);
    this.hold([this.begun!.place]);
  }

  private hold(storages: Iterable<Storage>): void {
    for (const storage of storages) {
      storage.retain();
      this.begun!.held.push(storage);
    }
  }

  private finish({ x, w, size, held, r, p, place }: Begun, places: Places): void {
    const { d, pass } = this;
    const [out] = pass.second.outputs as [Var];
    const between = new HeldExpression(r, [{ root: p, ptr: place?.ptr }]);
    if (place) {
      const kept = (pass.middle ?? pass.first).outputs[0]!;
      d.rebind(kept, readBuffer(place, kept.aval.shape));
    }
    const run = (g: Expr, behind?: HeldExpression): void => {
      if ('rowStride' in size)
        d.withScratch(shortRowScratch, (scratch) =>
          d.run(shortRowKernel(size, d.target, { x, w, g, scratch }, between, behind)),
        );
      else
        d.withScratch(shortColumnScratch(size), (scratch) =>
          d.run(shortColumnKernel(size, d.target, { x, w, g, scratch }, between, behind)),
        );
      for (const storage of held) storage.release();
    };
    if (!place && d.ends.defer(d, pass.second, (behind) => run(i32c(0), behind))) return;
    const g = d.placeFor(out, places);
    run(g.ptr);
    d.bind(out, readBuffer(g, out.aval.shape));
  }
}
