import { stridesOf } from '../../../src/core/shape.ts';
import { type Expr, i32c, type Local, op, select } from '../../wasm/code.ts';
import { storeElement } from '../../wasm/loop-nest.ts';
import { isMovedBy, type Stream } from '../expressions/streams.ts';
import type { Tree } from '../expressions/tree.ts';
import { splat, type Vector } from '../expressions/vector-code.ts';
import { successive, VectorEval } from '../expressions/vector-eval.ts';
import { extractLane, storeVector } from '../expressions/vector-memory.ts';
import { elementBytes, type Kernel, type KernelAxis, KernelFrame } from '../kernels/kernel.ts';
import { isSmall, rowAxisOfTiles, tileSide, turnedLeaves, walkTiles } from '../kernels/tiles.ts';
import { scalarType } from '../storage.ts';
import { Accumulators } from './accumulators.ts';
import { Addends } from './addends.ts';
import { type FoldSchedule, limitStep } from './fold-schedule.ts';
import { type RowPass, rangeOfPasses, writeFoldsByRows } from './folds-by-rows.ts';
import { forBlocks, laneBlocks } from './lane-blocks.ts';
import { isOrdered, orderOfRows, RowFold, restPerBlock, rowsPerTurn } from './turns.ts';

/** The kernel of a schedule; with `rowAxes` it takes a range of rows. */
export function foldKernel(schedule: FoldSchedule, rowAxes?: number): Kernel {
  return new FoldKernel(schedule, rowAxes).build();
}

class FoldKernel {
  private readonly schedule: FoldSchedule;
  private readonly frame: KernelFrame;
  private readonly values: VectorEval;
  private readonly passes: readonly Pass[];
  private readonly rowRoots: readonly Tree[];
  /** Streams in scratch memory: each row, or block of results, begins at their start. */
  private readonly saved: ReadonlySet<number>;
  private readonly kept: readonly number[];
  private readonly foldedAxes: readonly number[];
  /** The folded axis that makes tiles with the innermost one, where arrays lie along both. */
  private readonly tileAxis: number | undefined;
  /** Vectors of neighbouring results under way at a time. */
  private readonly vectors: number;
  /** Whether it goes along rows that are folded. */
  private readonly byRows: boolean;

  constructor(schedule: FoldSchedule, rowAxes?: number) {
    this.schedule = schedule;
    const { plan, phases, across } = schedule;
    const { shape, folded } = plan;
    const roots: Tree[] = [];
    const root = (tree: Tree): number => roots.push(tree) - 1;
    const numbered = phases.phases.map(({ folds, stores, saves }) => ({
      folds: folds.map((fold) => root(fold.root)),
      stores: stores.map((store) => root(store.root)),
      saves: saves.map((save) => [root(save.root), root(save.leaf)] as const),
    }));
    const rows = phases.rowStores.map((store) => root(store.root));
    const own = stridesOf(shape);
    const outputs = plan.stores.map((store) => ({
      ptr: store.ptr,
      steps: (store.row ? plan.rowStrides : (store.strides ?? own)).map(
        (stride) => stride * elementBytes[store.root.dtype],
      ),
    }));
    // The address of the parts, which whoever calls it gives.
    if (schedule.inParts) outputs.push({ ptr: i32c(0), steps: shape.map(() => 0) });
    const byRows = (axes: readonly KernelAxis[], streams: readonly Stream[]): boolean =>
      schedule.state !== undefined &&
      rowAxes === undefined &&
      axes.length === 2 &&
      rowAxisOfTiles(axes, streams) === undefined;
    if (schedule.state) outputs.push({ ptr: schedule.state.ptr, steps: shape.map(() => 0) });
    this.frame = new KernelFrame(roots, shape, outputs, {
      folded,
      range: (axes, streams) => (byRows(axes, streams) ? 0 : rangeAxis(axes, schedule.inParts)),
      together: (axes, streams) =>
        byRows(axes, streams) ? rowsPerTurn : rowAxisOfTiles(axes, streams) === 0 ? tileSide : 1,
      ...(rowAxes !== undefined && { rowAxes }),
      ...(plan.limit && { limit: plan.limit }),
    });
    const { frame } = this;
    const canonical = (i: number): Tree => frame.inputs.roots[i]!;
    const streamOf = (leaf: Tree): number => frame.inputs.streams.findIndex((s) => s.leaf === leaf);
    this.passes = phases.phases.map(({ folds, stores }, p): Pass => {
      const numbers = numbered[p]!;
      const all = folds.map((fold, i) => ({ ...fold, root: canonical(numbers.folds[i]!) }));
      const writes = [
        ...stores.map((store, i) => ({
          root: canonical(numbers.stores[i]!),
          pointer: frame.inputs.streams.length + store.index,
        })),
        ...numbers.saves.map(([from, leaf]) => ({ root: canonical(from), pointer: streamOf(canonical(leaf)) })),
      ];
      const addends = new Addends(all);
      const roots = [...addends.roots, ...writes.map(({ root }) => root)];
      return { folds: all, addends, writes, roots, isWriting: writes.length > 0, steps: new Map() };
    });
    this.rowRoots = rows.map(canonical);
    this.saved = new Set(
      schedule.state ? [] : numbered.flatMap(({ saves }) => saves.map(([, leaf]) => streamOf(canonical(leaf)))),
    );
    const rowAxis = rowAxisOfTiles(frame.axes, frame.streams);
    const inTiles = rowAxis !== undefined && frame.axes[rowAxis]!.folded && isSmall(frame.inputs);
    const writes = this.passes.some(({ isWriting }) => isWriting);
    this.tileAxis = inTiles && !writes ? rowAxis : undefined;
    this.byRows = byRows(frame.axes, frame.streams);
    // Lines of the cache are used up together.
    this.vectors = this.tileAxis === undefined ? schedule.vectors : Math.min(schedule.vectors, tileSide / 4);
    this.values = new VectorEval(
      frame.f,
      frame.inputs,
      frame.scalars,
      frame.innerStep,
      frame.math,
      !across,
      this.byRows || this.tileAxis !== undefined ? (stream) => frame.stepOf(stream, this.tileAxis ?? 0) : undefined,
    );
    const all = frame.axes.map((_, i) => i);
    this.kept = all.filter((i) => !frame.axes[i]!.folded);
    this.foldedAxes = all.filter((i) => frame.axes[i]!.folded);
  }

  build(): Kernel {
    return this.frame.once(this.kind(), () => this.write());
  }

  /** What the code depends on beside the trees and axes of the frame. */
  private kind(): string {
    const { plan, phases, across, vectors, scratch, inParts } = this.schedule;
    const { inputs } = this.frame;
    const passes = phases.phases.map(({ folds, stores, saves }) => [
      folds.map((fold) => [
        fold.combine,
        fold.ignoresNaN,
        inputs.numberOf(fold.held),
        plan.folds.findIndex(({ held }) => held === fold.held),
      ]),
      stores.map((store) => store.index),
      saves.length,
    ]);
    const rows = phases.rowStores.map((store) => store.index);
    const byRows = this.byRows;
    return `fold ${JSON.stringify([passes, rows, plan.stores.length, across, vectors, scratch, inParts, byRows])}`;
  }

  private write(): Kernel {
    if (this.byRows) this.alongRows();
    else if (this.schedule.across) this.acrossLanes();
    else this.intoLanes();
    const kernel = this.frame.finish();
    const { inputs } = this.frame;
    if (this.schedule.inParts) return { ...kernel, parts: inputs.streams.length + this.schedule.plan.stores.length };
    if (this.byRows) {
      const { range } = this.frame;
      return { ...kernel, ...(range && { range: rangeOfPasses(range, this.passes.length) }), inOrder: true };
    }
    return this.saved.size > 0 ? { ...kernel, own: { args: [...this.saved], bytes: this.schedule.scratch } } : kernel;
  }

  /** The innermost axis is folded: row by row, each in as many passes as folds depend on each other. */
  private acrossLanes(): void {
    const { frame, values } = this;
    const { f } = frame;
    frame.loops(this.kept, frame.starts, (start) => {
      values.forget();
      for (const pass of this.passes) {
        const folds = pass.folds.map((fold) => new Accumulators(f, fold.combine, fold.root.dtype, fold.ignoresNaN));
        this.passOver(pass, folds, start);
        pass.folds.forEach(({ held, root }, i) => {
          const result = folds[i]!.horizontal();
          if (this.schedule.inParts) this.storePart(held, start, result);
          values.hold(held, [splat(result, root.dtype, (e) => f.let(e)).map((part) => f.let(part))]);
        });
      }
      if (this.schedule.inParts) return;
      values.hoist(frame.pointers(start), []);
      this.schedule.phases.rowStores.forEach(({ index }, i) => {
        const root = this.rowRoots[i]!;
        const vector = values.evaluate(root, frame.pointers(start), 0, 1).map((part) => f.let(part));
        storeElement(f, root.dtype, frame.outputs(start)[index]!, extractLane(root.dtype, vector, 0));
      });
    });
  }

  private storePart(held: Tree, start: readonly Expr[], result: Expr): void {
    const { plan } = this.schedule;
    const i = plan.folds.findIndex((fold) => fold.held === held);
    const { dtype } = plan.folds[i]!.root;
    this.frame.f.store(`${scalarType(dtype)}.store`, this.frame.outputs(start).at(-1)!, result, 8 * i);
  }

  private passOver(pass: Pass, folds: readonly Accumulators[], start: readonly Expr[]): void {
    const { frame, values } = this;
    const { f } = frame;
    const inner = frame.axes.at(-1)!;
    const { roots } = pass;
    if (this.tileAxis !== undefined) {
      this.passInTiles(pass, folds, start, this.tileAxis);
      return;
    }
    const steps = this.stepsOf(pass, inner);
    const blocks = this.blocksOf(pass, roots, inner.extent);
    for (const fold of folds) fold.startOne(blocks[0]!);
    this.walk(this.foldedAxes.slice(0, -1), start, pass, (row) => {
      values.hoist(frame.pointers(row), roots);
      const here = row.map((p, i) => (steps[i] === 0 ? p : f.var(p)));
      const block = (count: number, lanes: number): void => {
        this.evaluate(pass, roots, here, { count, lanes }, (results, u) => {
          folds.forEach((fold, i) => {
            fold.add(u, pass.addends.of(results, i), lanes);
          });
        });
        if (lanes === 4) frame.advance(here, steps, 4 * count);
      };
      const tail = inner.extent % 4;
      if (frame.range?.axis === frame.axes.length - 1) {
        const [begin, end] = [f.param(0), f.param(1)];
        frame.skip(here as Local[], begin, steps);
        forBlocks(f, f.let(op('i32.sub', end, begin)), blocks, (count) => block(count, 4));
        if (tail > 0) f.if(op('i32.eq', end, i32c(inner.extent)), () => block(1, tail));
        return;
      }
      const { limit } = frame;
      const long = 4 * blocks[0]!;
      // What is left of short code is not worth a loop.
      const straight = blocks[0]! >= 4 ? 12 : 4;
      const turns = (from: number, [count, ...shorter]: readonly number[]): void => {
        if (count === undefined) return;
        const step = 4 * count;
        const end = inner.extent - ((inner.extent - from) % step);
        if (end - from <= (count > 1 ? step : straight)) for (let i = from; i < end; i += step) block(count, 4);
        else f.for(from, end, () => block(count, 4), step);
        turns(end, shorter);
      };
      const rest = (from: number, counts: readonly number[]): void => {
        turns(from, counts);
        if (tail > 0) block(1, tail);
      };
      if (!limit) {
        rest(0, blocks);
        return;
      }
      const whole = inner.extent - (inner.extent % long);
      const end = f.let(select(op('i32.lt_s', limit, i32c(whole)), limit, i32c(whole)));
      if (whole > 0) f.for(0, end, () => block(blocks[0]!, 4), long);
      if (inner.extent > whole) f.if(op('i32.eq', limit, i32c(inner.extent)), () => rest(whole, blocks.slice(1)));
    });
  }

  /** The vectors that a pass over a row of so many elements takes together. */
  private blocksOf(pass: Pass, roots: readonly Tree[], extent: number): readonly number[] {
    if (pass.folds.length === 0) return [1];
    const blocks = laneBlocks(pass.folds, roots, extent);
    // A limit is no multiple of more.
    return this.frame.limit ? blocks.filter((count) => 4 * count <= limitStep) : blocks;
  }

  /** The same where both of two folded axes have arrays that lie along them. */
  private passInTiles(pass: Pass, folds: readonly Accumulators[], start: readonly Expr[], tileAxis: number): void {
    const { frame, values } = this;
    const { roots } = pass.addends;
    const turned = this.turnedIn(roots, tileAxis);
    for (const fold of folds) fold.startOne(4);
    const outer = this.foldedAxes.slice(0, -1).filter((axis) => axis !== tileAxis);
    this.walk(outer, start, pass, (at) => {
      values.hoist(frame.pointers(at), roots);
      walkTiles(frame, tileAxis, at, (here, height, lanes) => {
        values.evaluateTile(roots, frame.pointers(here), height, lanes, turned).forEach((row, u) => {
          folds.forEach((fold, i) => {
            fold.add(u, pass.addends.of(row, i), lanes);
          });
        });
      });
    });
  }

  private turnedIn(roots: readonly Tree[], tileAxis: number): Tree[] {
    const read = this.values.leavesOf(roots);
    return turnedLeaves(this.frame, tileAxis).filter((leaf) => read.has(leaf));
  }

  private alongRows(): void {
    const { frame, values } = this;
    writeFoldsByRows({
      frame,
      values,
      passes: this.passes,
      results: this.schedule.phases.rowStores.map(({ index }, i) => ({ root: this.rowRoots[i]!, index })),
      folded: this.schedule.plan.folded,
      state: frame.outputs(frame.starts).at(-1)!,
    });
  }

  /** The innermost axis is kept: blocks of neighbouring results, each over all folded axes. */
  private intoLanes(): void {
    const { frame } = this;
    const { f } = frame;
    const inner = frame.axes.at(-1)!;
    const steps = inner.steps.map((step, i) => (this.saved.has(i) ? 0 : step));
    frame.loops(this.kept.slice(0, -1), frame.starts, (start) => {
      const here = start.map((p, i) => (steps[i] === 0 ? p : f.var(p)));
      const repeat = (from: Expr | number, to: Expr | number, count: number): void =>
        f.for(
          from,
          to,
          () => {
            this.block(here, count, 4);
            frame.advance(here, steps, 4 * count);
          },
          4 * count,
        );
      const { extent } = inner;
      const { vectors } = this;
      const tail = extent % 4;
      if (frame.range?.axis === frame.axes.length - 1) {
        const [begin, end] = [f.param(0), f.param(1)];
        frame.skip(here as Local[], begin, steps);
        const blocks = f.let(op('i32.add', begin, op('i32.and', op('i32.sub', end, begin), i32c(-4 * vectors))));
        repeat(begin, blocks, vectors);
        if (vectors > 1) repeat(blocks, op('i32.and', end, i32c(-4)), 1);
        if (tail > 0) f.if(op('i32.eq', end, i32c(extent)), () => this.block(here, 1, tail));
        return;
      }
      const whole = extent - tail;
      const blocks = whole - (whole % (4 * vectors));
      if (blocks > 0) repeat(0, blocks, vectors);
      if (vectors > 1 && whole > blocks) repeat(blocks, whole, 1);
      if (tail > 0) this.block(here, 1, tail);
    });
  }

  private block(here: readonly Expr[], count: number, lanes: number): void {
    const { frame, values } = this;
    const { f } = frame;
    values.forget();
    for (const pass of this.passes) {
      const { roots } = pass;
      values.hoist(frame.pointers(here), []);
      values.pin(roots, frame.pointers(here), count, lanes, (leaf) => isMovedBy(leaf, this.schedule.plan.folded));
      const { extent } = frame.axes[this.foldedAxes.at(-1)!]!;
      const folds = pass.folds.map(
        (fold) => new RowFold(f, fold, count, { rows: this.tileAxis === undefined ? extent : 1 }),
      );
      if (this.tileAxis !== undefined) this.blockInTiles(pass, folds, here, count, lanes, this.tileAxis);
      else
        this.walk(this.foldedAxes.slice(0, -1), here, pass, (from) => {
          this.overRows(pass, folds, from, (at) => {
            values.hoist(frame.pointers(at), roots);
            this.evaluate(pass, roots, at, { count, lanes }, (results, u) => {
              folds.forEach((fold, i) => {
                fold.add(u, pass.addends.of(results, i));
              });
            });
          });
        });
      pass.folds.forEach(({ held }, i) => {
        values.hold(held, folds[i]!.finish());
      });
    }
    values.hoist(frame.pointers(here), []);
    const rows = values.evaluateAll(this.rowRoots, frame.pointers(here), count, lanes);
    rows.forEach((unit, u) => {
      this.schedule.phases.rowStores.forEach(({ index }, i) => {
        const { dtype } = this.rowRoots[i]!;
        storeVector(f, dtype, frame.outputs(here)[index]!, unit[i]!, 4 * u * elementBytes[dtype], lanes);
      });
    });
  }

  /** All rows of a block from the first, along the innermost of the folded axes, in the order of [turns](turns.ts) if it matters. */
  private overRows(
    pass: Pass,
    folds: readonly RowFold[],
    first: readonly Expr[],
    take: (row: readonly Expr[]) => void,
  ): void {
    const { frame } = this;
    const { f } = frame;
    const rows = this.foldedAxes.at(-1)!;
    const { extent } = frame.axes[rows]!;
    const { blocks, turns, inTurns } = orderOfRows(extent);
    if (blocks === 0 || !pass.folds.some(({ combine, root }) => isOrdered(combine, root.dtype))) {
      this.walk([rows], first, pass, take);
      return;
    }
    const steps = this.stepsOf(pass, frame.axes[rows]!);
    const movable = (from: readonly Expr[]): Expr[] => from.map((ptr, i) => (steps[i] === 0 ? ptr : f.var(ptr)));
    const at = movable(first);
    const endBlock = (): void => {
      for (const fold of folds) fold.endBlock();
    };
    const block = (): void => {
      f.for(0, turns, () => {
        for (const fold of folds) fold.startTurn(true);
        const row = movable(at);
        f.for(0, rowsPerTurn, () => {
          take(row);
          frame.advance(row, steps, turns);
        });
        for (const fold of folds) fold.endTurn();
        frame.advance(at, steps, 1);
      });
      frame.advance(at, steps, (rowsPerTurn - 1) * turns);
    };
    const single = (count: number): void => {
      if (count === 0) return;
      f.for(0, count, () => {
        take(at);
        frame.advance(at, steps, 1);
      });
    };
    if (blocks === 1) block();
    else
      f.for(0, blocks, () => {
        block();
        endBlock();
      });
    const rest = extent - inTurns;
    if (rest >= restPerBlock)
      f.for(0, Math.floor(rest / restPerBlock), () => {
        single(restPerBlock);
        endBlock();
      });
    single(rest % restPerBlock);
  }

  /** The folds of a pass over a block, four steps along a folded axis at a time. */
  private blockInTiles(
    pass: Pass,
    folds: readonly RowFold[],
    start: readonly Expr[],
    count: number,
    lanes: number,
    tileAxis: number,
  ): void {
    const { frame, values } = this;
    const { f } = frame;
    const { roots } = pass.addends;
    const turned = this.turnedIn(roots, tileAxis);
    const { extent, steps } = frame.axes[tileAxis]!;
    const outer = this.foldedAxes.filter((axis) => axis !== tileAxis);
    this.walk(outer, start, pass, (row) => {
      const at = row.map((ptr, i) => (steps[i] === 0 ? ptr : f.var(ptr)));
      values.hoist(frame.pointers(row), roots);
      const tiles = (height: number): void => {
        for (let u = 0; u < count; u++)
          for (const vectors of values.evaluateTile(roots, frame.pointers(at), height, lanes, turned, 4 * u))
            folds.forEach((fold, i) => {
              fold.add(u, pass.addends.of(vectors, i));
            });
      };
      f.for(
        0,
        extent - (extent % 4),
        () => {
          tiles(4);
          frame.advance(at, steps, 4);
        },
        4,
      );
      if (extent % 4 > 0) tiles(extent % 4);
    });
  }

  /** What a pass reads in some vectors, one after the other: `take` gets it, and what the pass writes is stored, after every load. */
  private evaluate(
    pass: Pass,
    roots: readonly Tree[],
    at: readonly Expr[],
    { count, lanes }: { readonly count: number; readonly lanes: number },
    take: (results: readonly Vector[], u: number) => void,
  ): void {
    const { frame, values } = this;
    const pointers = frame.pointers(at);
    if (!pass.isWriting) {
      values.evaluateEach(roots, pointers, successive(count, lanes), take);
      return;
    }
    values.evaluateAll(roots, pointers, count, lanes).forEach((results, u) => {
      take(results, u);
      pass.writes.forEach(({ root, pointer }, i) => {
        const value = results[pass.addends.roots.length + i]!;
        storeVector(frame.f, root.dtype, at[pointer]!, value, 4 * u * elementBytes[root.dtype], lanes);
      });
    });
  }

  /** Steps along an axis of the pointers that a pass uses; the others stay where they are. */
  private stepsOf(pass: Pass, axis: KernelAxis): readonly number[] {
    let steps = pass.steps.get(axis);
    if (!steps) pass.steps.set(axis, (steps = this.findSteps(pass, axis)));
    return steps;
  }

  private findSteps(pass: Pass, axis: KernelAxis): number[] {
    const used = new Set(pass.writes.map((write) => write.pointer));
    const read = this.values.leavesOf(pass.roots);
    return axis.steps.map((step, i) =>
      used.has(i) || read.has(this.frame.inputs.streams[i]?.leaf as Tree) ? step : 0,
    );
  }

  private walk(axes: readonly number[], from: readonly Expr[], pass: Pass, body: (at: readonly Expr[]) => void): void {
    const [first, ...rest] = axes;
    if (first === undefined) {
      body(from);
      return;
    }
    const { f } = this.frame;
    const axis = this.frame.axes[first]!;
    const steps = this.stepsOf(pass, axis);
    const here = from.map((ptr, i) => (steps[i] === 0 ? ptr : f.var(ptr)));
    let [begin, end]: [Expr, Expr] = [i32c(0), i32c(axis.extent)];
    if (first === this.frame.range?.axis) {
      [begin, end] = [f.param(0), f.param(1)];
      this.frame.skip(here as Local[], begin, steps);
    }
    f.for(begin, end, () => {
      this.walk(rest, here, pass, body);
      this.frame.advance(here, steps, 1);
    });
  }
}

/** A pass with the trees of the kernel, and the pointers that it writes at. */
interface Pass extends RowPass {
  /** What has been found of the steps of its pointers. */
  readonly steps: Map<KernelAxis, readonly number[]>;
}

/** Ranges are of the outermost axis if it is kept or folded in parts, else of the neighbouring results. */
function rangeAxis(axes: readonly KernelAxis[], inParts: boolean): number | undefined {
  if (inParts || !axes[0]!.folded) return 0;
  const last = axes.length - 1;
  return axes[last]!.folded ? undefined : last;
}
