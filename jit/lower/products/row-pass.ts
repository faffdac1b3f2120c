import { byteSize } from '../../../src/core/dtype.ts';
import type { Eqn } from '../../../src/core/jaxpr.ts';
import { type Expr, i32c, type Local, op } from '../../code.ts';
import { offsetBy } from '../../loop-nest.ts';
import type { Driver, Places } from '../driver.ts';
import { mapKernel } from '../map-kernel.ts';
import { blockBytes, type RowPass } from '../passes/row-passes.ts';
import { Buffer, type Storage } from '../storage.ts';
import { type Fused, largestTree, mapLeaves, readBuffer, storagesOf, type Tree, treeSize } from '../tree.ts';
import { matrixOperand } from './dot.ts';
import { accumulatingGemv, gemvKernel } from './gemv-code.ts';
import { ShortRowPass } from './short-row-pass.ts';

/** A pass that has begun: r has its place, but nothing is computed yet. */
interface Begun {
  readonly x: Expr;
  readonly rowStride: number;
  readonly w: Expr;
  readonly r: Buffer;
  p: { readonly place: Buffer; readonly root: Tree | undefined };
  readonly held: Storage[];
}

/** The passes of one block of equations, as they come by. */
export class RowPasses {
  private readonly passes: RowPass[];
  private readonly begun = new Map<RowPass, Begun>();
  private readonly short: ReadonlyMap<RowPass, ShortRowPass>;
  private readonly d: Driver;

  constructor(d: Driver, passes: readonly RowPass[]) {
    this.d = d;
    this.passes = [...passes];
    this.short = new Map(passes.filter((pass) => pass.short).map((pass) => [pass, new ShortRowPass(d, pass)]));
  }

  /** Lowers the equation if it belongs to a pass; false if it is still to be done in the ordinary way. */
  lower(eqn: Eqn, places: Places): boolean {
    const pass = this.passes.find((p) => p.first === eqn || p.inner.has(eqn) || p.middle === eqn || p.second === eqn);
    if (!pass) return false;
    const short = this.short.get(pass);
    if (short) return short.lower(eqn, places);
    if (eqn === pass.first) return this.begin(pass, places);
    const begun = this.begun.get(pass);
    if (!begun) return false;
    if (eqn === pass.second) this.finish(pass, begun, places);
    else return this.element(pass, begun, eqn, places);
    return true;
  }

  private begin(pass: RowPass, places: Places): boolean {
    const { d } = this;
    const { root } = d.fused(pass.matrix);
    const inRows = root.kind === 'array' && root.strides[1] === 1 && root.strides[0]! > 0;
    if (!inRows && root.kind !== 'op') return false;
    const { side, ptr } = matrixOperand(d, pass.matrix, [], [1]);
    const r = d.placeFor(pass.first.outputs[0]!, places);
    const w = d.buffer(pass.vector);
    const held = this.hold([r, ...[pass.matrix, pass.vector].flatMap((v) => [...storagesOf(d.fused(v).root)])]);
    this.begun.set(pass, { x: ptr, rowStride: side.strides[0]!, w: w.ptr, r, p: { place: r, root: undefined }, held });
    d.bind(pass.first.outputs[0]!, readBuffer(r, pass.first.outputs[0]!.aval.shape));
    return true;
  }

  private hold(storages: readonly Storage[]): Storage[] {
    for (const storage of storages) storage.retain();
    return [...storages];
  }

  /** An equation between r and p. Should its expression become too large to be one, r is computed after all. */
  private element(pass: RowPass, begun: Begun, eqn: Eqn, places: Places): boolean {
    const { d } = this;
    const fused = d.element(eqn);
    const out = eqn.outputs[0]!;
    if (treeSize(fused.root) > largestTree || readsIndex(fused)) {
      this.abandon(pass, begun);
      return false;
    }
    if (eqn !== pass.middle) {
      d.bind(out, fused);
      return true;
    }
    const place = d.placeFor(out, places);
    begun.held.push(...this.hold([place, ...storagesOf(fused.root)]));
    begun.p = { place, root: fused.root };
    d.bind(out, readBuffer(place, out.aval.shape));
    return true;
  }

  private abandon(pass: RowPass, { x, rowStride, w, r, held }: Begun): void {
    const { d } = this;
    const [rows, columns] = pass.matrix.aval.shape as [number, number];
    const product = { m: rows, k: columns, row: rowStride, column: 1, swapped: false };
    d.f.call(d.define(gemvKernel(product, r.dtype as 'float32', d.target)), x, w, r.ptr);
    for (const storage of held) storage.release();
    this.passes.splice(this.passes.indexOf(pass), 1);
  }

  private finish(pass: RowPass, { x, rowStride, w, r, p, held }: Begun, places: Places): void {
    const { d } = this;
    const { f } = d;
    const [rows, columns] = pass.matrix.aval.shape as [number, number];
    const dtype = r.dtype as 'float32' | 'float64';
    const bytes = byteSize(dtype);
    const out = pass.second.outputs[0]!;
    const g = d.placeFor(out, places);
    f.fill(g.ptr, i32c(0), i32c(columns * bytes));

    const moving: { readonly ptr: Local; readonly step: number }[] = [];
    const pointer = (start: Expr, step: number): Local => {
      const ptr = d.locals.hold(start);
      moving.push({ ptr, step });
      return ptr;
    };
    const xAt = pointer(x, rowStride * bytes);
    const rAt = pointer(r.ptr, bytes);
    const pAt = p.place === r ? rAt : pointer(p.place.ptr, bytes);
    /** p as an expression over the rows at hand. */
    const root =
      p.root &&
      mapLeaves(p.root, (leaf) => {
        if (leaf.kind !== 'array') return undefined;
        const size = byteSize(leaf.dtype);
        const [step] = leaf.strides as [number];
        const start = offsetBy(leaf.buffer.ptr, leaf.offset * size);
        const buffer = new Buffer(leaf.dtype, rows, leaf.buffer === r ? rAt : pointer(start, step * size));
        return { ...leaf, buffer, offset: 0 };
      });
    const some = (count: number): void => {
      const forward = { m: count, k: columns, row: rowStride, column: 1, swapped: false };
      const backward = { m: columns, k: count, row: 1, column: rowStride, swapped: false };
      f.call(d.define(gemvKernel(forward, dtype, d.target)), xAt, w, rAt);
      if (root) d.run(mapKernel([{ root, ptr: pAt }], [count]));
      f.call(d.define(accumulatingGemv(backward, dtype, d.target)), xAt, pAt, g.ptr);
    };
    const block = rowsPerBlock(rows, columns * bytes);
    const left = d.locals.hold(i32c(Math.floor(rows / block)));
    f.doWhile(left, () => {
      some(block);
      for (const { ptr, step } of moving) f.set(ptr, op('i32.add', ptr, i32c(block * step)));
      f.set(left, op('i32.sub', left, i32c(1)));
    });
    if (rows % block) some(rows % block);
    for (const local of [left, ...moving.map(({ ptr }) => ptr)]) d.locals.give(local);
    for (const storage of held) storage.release();
    d.bind(out, readBuffer(g, out.aval.shape));
  }
}

/** Multiples of eight, as g takes eight rows at a time, and none left over where that is possible. */
function rowsPerBlock(rows: number, rowBytes: number): number {
  const most = Math.max(4, Math.floor(blockBytes / rowBytes));
  for (const step of [8, 4])
    for (let n = most - (most % step); n >= most / 2; n -= step) if (n > 0 && rows % n === 0) return n;
  return most >= 8 ? most - (most % 8) : most - (most % 4);
}

const readsIndex = ({ root }: Fused): boolean =>
  mapLeaves(root, (leaf) => (leaf.kind === 'array' ? leaf : undefined)) === undefined;
