import { byteSize, type DType } from '../../../src/core/dtype.ts';
import type { Eqn } from '../../../src/core/jaxpr.ts';
import { type Expr, type Func, FunctionBuilder, i32c, type Local, op } from '../../wasm/code.ts';
import { loadElement, nest, offsetBy, storeElement } from '../../wasm/loop-nest.ts';
import type { Driver, Places } from '../driver.ts';
import {
  type Fused,
  largestTree,
  mapLeaves,
  readBuffer,
  storagesOf,
  type Tree,
  treeSize,
} from '../expressions/tree.ts';
import { dealOut, inTurn, type ThreadArgument, type Work } from '../in-threads.ts';
import type { Kernel } from '../kernels/kernel.ts';
import { mapKernel } from '../kernels/map-kernel.ts';
import { blockBytes, type RowPass } from '../passes/row-passes.ts';
import type { Buffer, Storage } from '../storage.ts';
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
    const out = pass.second.outputs[0]!;
    const g = d.placeFor(out, places);
    const [rows, columns] = pass.matrix.aval.shape as [number, number];
    const bytes = byteSize(r.dtype);
    const block = rowsPerBlock(rows, columns * bytes);
    const kernelFor = (count: number): Kernel | undefined =>
      p.root && mapKernel([{ root: p.root, ptr: p.place.ptr }], [count]);
    const between = kernelFor(block);
    const chunk = rowsPerPart(rows, columns, block);
    const parts = Math.ceil(rows / chunk);
    d.withScratch(parts > 1 ? parts * columns * bytes : 0, (scratch) => {
      const args: ThreadArgument[] = [
        { value: x, perStep: rowStride * bytes },
        { value: r.ptr, perStep: bytes },
        { value: p.place.ptr, perStep: bytes },
        ...(between?.args.map((value, i) => ({ value, perStep: between.steps![i] ?? 0 })) ?? []),
        { value: w },
        { value: parts > 1 ? scratch : g.ptr, perChunk: columns * bytes },
      ];
      const call: Work['call'] = (f, begin, end, values) => {
        const [w, sums] = values.slice(-2) as [Expr, Expr];
        const moving = values.slice(0, -2).map((value, i) => ({ ptr: f.var(value), step: args[i]!.perStep ?? 0 }));
        const [xAt, rAt, pAt, ...rest] = moving.map(({ ptr }) => ptr) as [Local, Local, Local, ...Local[]];
        const dtype = r.dtype as 'float32' | 'float64';
        const some = (count: number): void => {
          const forward = { m: count, k: columns, row: rowStride, column: 1, swapped: false };
          const backward = { m: columns, k: count, row: 1, column: rowStride, swapped: false };
          f.call(d.define(gemvKernel(forward, dtype, d.target)), xAt, w, rAt);
          const kernel = count === block ? between : kernelFor(count);
          if (kernel) f.call(d.declare(kernel), ...(kernel.range ? [i32c(0), i32c(count)] : []), ...rest);
          f.call(d.define(accumulatingGemv(backward, dtype, d.target)), xAt, pAt, sums);
        };
        f.fill(sums, i32c(0), i32c(columns * bytes));
        const left = f.var(op('i32.sub', end, begin));
        f.while(op('i32.ge_s', left, i32c(block)), () => {
          some(block);
          for (const { ptr, step } of moving) if (step !== 0) f.set(ptr, op('i32.add', ptr, i32c(block * step)));
          f.set(left, op('i32.sub', left, i32c(block)));
        });
        if (rows % block > 0) f.if(left, () => some(rows % block));
      };
      const work = { extent: rows, chunk, args, call };
      if (parts === 1) inTurn(d, work);
      else {
        dealOut(d, work);
        d.f.call(d.define(sumOfParts(parts, columns, r.dtype)), scratch, g.ptr);
      }
    });
    for (const storage of held) storage.release();
    d.bind(out, readBuffer(g, out.aval.shape));
  }
}

/** A function (parts, sums) that adds up vectors of `length` elements in their order. */
function sumOfParts(parts: number, length: number, dtype: DType): Func {
  const f = new FunctionBuilder('', ['i32', 'i32']);
  const bytes = byteSize(dtype);
  nest(f, [{ extent: length, steps: [bytes, bytes] }], [f.param(0), f.param(1)], ([from, to]) => {
    const sum = f.var(loadElement(dtype, from!));
    nest(f, [{ extent: parts - 1, steps: [length * bytes] }], [offsetBy(from!, length * bytes)], ([at]) =>
      f.set(sum, op(`${sum.type}.add`, sum, loadElement(dtype, at!))),
    );
    storeElement(f, dtype, to!, sum);
  });
  return f.build();
}

/** Elements of X in a part, which has sums of its own: enough for a thread to be worth it. */
const partElements = 2 ** 16;

/** A multiple of `block`; all rows where there would not be two parts. */
function rowsPerPart(rows: number, columns: number, block: number): number {
  const parts = Math.floor((rows * columns) / partElements);
  return parts > 1 ? Math.ceil(rows / parts / block) * block : rows;
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
