import { range } from '../../../src/core/shape.ts';
import { type Expr, i32c, type Local, load, op, select } from '../../wasm/code.ts';
import { offsetBy } from '../../wasm/loop-nest.ts';
import { type Tree, treeSize } from '../expressions/tree.ts';
import { parts, type Vector } from '../expressions/vector-code.ts';
import type { VectorEval } from '../expressions/vector-eval.ts';
import { storeVector } from '../expressions/vector-memory.ts';
import type { KernelFrame, KernelRange } from '../kernels/kernel.ts';
import type { Fold, FoldStore } from '../passes/phases.ts';
import { isExtreme } from './accumulators.ts';
import type { Addend, Addends } from './addends.ts';
import { type PassOverRows, RowRecords, resultBytesOf, vectorBytesOf } from './row-records.ts';
import { isOrdered, keepsTotal, orderOfRows, RowFold, type RowOrder, restPerBlock, rowsPerTurn } from './turns.ts';

/*
 * Folds over the first axis of a matrix. Blocks of neighbouring results, each over all rows, read some bytes of a row and then of
 * the next one, which memory and the third-level cache answer at half to two thirds of the speed at which they give whole
 * rows. So partial results of all columns stay in memory, and take a [turn](turns.ts) at a time: the same sums in the same order. On
 * 1000×1000 float32 48 µs instead of 95, where reading is 44, and on 2000×8000 2.6 ms instead of 5.9.
 */

/** Rows of a turn that are written out one after the other, and not in a loop. */
const rowsWritten = (roots: readonly Tree[]): number => {
  const nodes = roots.reduce((sum, root) => sum + treeSize(root), 0);
  return nodes <= 8 ? rowsPerTurn : nodes <= 40 ? 4 : 1;
};

/** Vectors of columns at a time. A line of the cache of each stream is no quicker: 64 µs instead of 45 for 1000×1000. */
function columnsTogether(roots: readonly Tree[], folds: readonly Fold[], values: readonly Tree[]): number {
  if (rowsWritten(roots) < rowsPerTurn) return 1;
  const ofFolds = folds.reduce(
    (sum, { combine, root }) => sum + parts(root.dtype) * (isExtreme(combine, root.dtype) ? 3 : 1),
    0,
  );
  return ofFolds + vectorBytesOf(values) / 16 <= 2 ? 2 : 1;
}

/** A pass over all rows. */
export interface RowPass extends PassOverRows {
  readonly addends: Addends;
  /** What is stored for each element, by the index of its pointer. */
  readonly writes: readonly { readonly root: Tree; readonly pointer: number }[];
}

export interface RowFolds {
  readonly frame: KernelFrame;
  /** Knows the steps from row to row. */
  readonly values: VectorEval;
  readonly passes: readonly RowPass[];
  /** What is stored for each result, and where among the outputs. */
  readonly results: readonly { readonly root: Tree; readonly index: FoldStore['index'] }[];
  /** Which axes of what is folded are rows. */
  readonly folded: readonly boolean[];
  /** The address of the partial results. */
  readonly state: Expr;
}

/**
 * The kernel's range: of the rows of each pass, one after the other, in the order in which [turns](turns.ts) take them, and a
 * multiple of `rowsPerTurn` in each call. Rows of a call are no part of the array, for which kernels over the same elements could take turns.
 */
export function rangeOfPasses(range: KernelRange, passes: number): KernelRange {
  const { extent, chunk } = range;
  // No call takes the end of one pass and the beginning of the next.
  return { ...range, extent: passes === 1 ? extent : passes * roundUp(extent, chunk), isOutermost: false };
}

const roundUp = (n: number, unit: number): number => Math.ceil(n / unit) * unit;

/** The body of a kernel over axes [rows, columns] whose range, if it has one, is that of `rangeOfPasses`, taken in order. */
export function writeFoldsByRows(kernel: RowFolds): void {
  const { frame, passes } = kernel;
  const { f, range } = frame;
  const columns = new Columns(kernel);
  const { extent } = frame.axes[0]!;
  passes.forEach((_, p) => {
    if (!range) columns.pass(p, i32c(0), i32c(extent));
    else if (passes.length === 1) columns.pass(p, f.param(0), f.param(1));
    else {
      const [from, to] = [p, p + 1].map((n) => n * roundUp(extent, range.chunk)) as [number, number];
      const isOf = op('i32.and', op('i32.ge_s', f.param(0), i32c(from)), op('i32.lt_s', f.param(0), i32c(to)));
      f.if(isOf, () => {
        const begin = f.let(op('i32.sub', f.param(0), i32c(from)));
        const end = f.let(op('i32.sub', f.param(1), i32c(from)));
        columns.pass(p, begin, f.let(select(op('i32.lt_s', end, i32c(extent)), end, i32c(extent))));
      });
    }
  });
}

/** Writes passes over all columns, of which [records](row-records.ts) are in memory. */
class Columns {
  private readonly kernel: RowFolds;
  private readonly rows: number;
  private readonly order: RowOrder;
  private readonly records: RowRecords;

  constructor(kernel: RowFolds) {
    const { passes, folded, frame } = kernel;
    const [rows, columns] = frame.axes.map(({ extent }) => extent) as [number, number];
    this.kernel = kernel;
    this.rows = rows;
    this.order = orderOfRows(rows);
    this.records = new RowRecords(passes, folded, { rows, columns });
  }

  /** The rows of a pass at `begin` … `end` of their order. */
  pass(p: number, begin: Expr, end: Expr): void {
    const { frame, values, passes } = this.kernel;
    const { f } = frame;
    const { steps } = frame.axes[0]!;
    const { folds, roots } = passes[p]!;
    values.forget();
    values.hoist(frame.pointers(frame.starts), roots);
    f.if(op('i32.eqz', begin), () => this.begin(p));
    const at = frame.starts.map((ptr, i) => (steps[i] === 0 ? ptr : f.var(ptr)));
    if (folds.length === 0) {
      frame.skip(at, begin, steps);
      f.for(begin, end, () => {
        this.takeRow(p, roots, at);
        frame.advance(at, steps, 1);
      });
    } else {
      this.inTurns(p, roots, at, begin, end);
      this.afterTurns(p, roots, at, begin, end);
    }
    if (folds.length > 0 || p === passes.length - 1) f.if(op('i32.eq', end, i32c(this.rows)), () => this.finish(p));
  }

  private inTurns(p: number, roots: readonly Tree[], at: readonly Expr[], begin: Expr, end: Expr): void {
    const { frame } = this.kernel;
    const { f } = frame;
    const { steps } = frame.axes[0]!;
    const { blocks, turns, inTurns } = this.order;
    const blockRows = rowsPerTurn * turns;
    const last = f.let(select(op('i32.lt_s', end, i32c(inTurns)), end, i32c(inTurns)));
    const take = (from: Expr, to: Expr): void =>
      f.for(
        from,
        to,
        () => {
          if (this.kernel.passes[p]!.isWriting) this.takeTurnByRows(p, roots, at);
          else this.takeTurn(p, roots, at);
          frame.advance(at, steps, 1);
        },
        rowsPerTurn,
      );
    if (blocks === 1) {
      frame.skip(at, op('i32.div_u', begin, i32c(rowsPerTurn)), steps);
      take(begin, last);
      return;
    }
    const inBlock = f.let(op('i32.rem_u', begin, i32c(blockRows)));
    const blockBegin = f.var(op('i32.sub', begin, inBlock));
    frame.skip(at, op('i32.add', blockBegin, op('i32.div_u', inBlock, i32c(rowsPerTurn))), steps);
    const from = f.var(begin);
    f.while(op('i32.lt_s', from, last), () => {
      const blockEnd = f.let(op('i32.add', blockBegin, i32c(blockRows)));
      take(from, f.let(select(op('i32.lt_s', blockEnd, last), blockEnd, last)));
      f.if(op('i32.le_s', blockEnd, last), () => this.endBlock(p));
      frame.advance(at, steps, (rowsPerTurn - 1) * turns);
      f.set(blockBegin, blockEnd);
      f.set(from, blockEnd);
    });
  }

  /** The rows behind the last block. */
  private afterTurns(p: number, roots: readonly Tree[], at: readonly Expr[], begin: Expr, end: Expr): void {
    const { frame } = this.kernel;
    const { f } = frame;
    const { steps } = frame.axes[0]!;
    const { blocks, inTurns } = this.order;
    if (inTurns === this.rows) return;
    const row = f.var(select(op('i32.gt_s', begin, i32c(inTurns)), begin, i32c(inTurns)));
    frame.starts.forEach((ptr, i) => {
      if (steps[i] !== 0) f.set(at[i] as Local, ptr);
    });
    frame.skip(at, row, steps);
    f.while(op('i32.lt_s', row, end), () => {
      this.takeRow(p, roots, at);
      frame.advance(at, steps, 1);
      f.set(row, offsetBy(row, 1));
      if (blocks === 1) return;
      const isEnd = op('i32.eqz', op('i32.rem_u', op('i32.sub', row, i32c(inTurns)), i32c(restPerBlock)));
      f.if(isEnd, () => this.endBlock(p));
    });
  }

  private begin(p: number): void {
    const { frame, values, passes } = this.kernel;
    const { folds } = passes[p]!;
    const { columnValues: trees, valuesAt } = this.records.records[p]!;
    if (folds.length + trees.length === 0) return;
    this.alongResults(p, trees.length > 0 ? frame.starts : [], (here, record, lanes, before) => {
      this.keep(p, this.foldsOf(p, 1), record);
      if (trees.length === 0) return;
      this.holdResults(p, before);
      const [found] = values.evaluateAll(trees, frame.pointers(here), 1, lanes);
      this.put(record, valuesAt, found!);
    });
    values.forget();
  }

  private takeRow(p: number, roots: readonly Tree[], at: readonly Expr[], isInTurn = false): void {
    this.withColumns(p, roots, at, (here, record, count, lanes) => {
      const all = this.resumed(p, record, count);
      this.holdValues(p, record, count)();
      this.addRows(p, roots, here, { rows: 1, count, lanes }, (k, u, addend) => {
        if (isInTurn) all[k]!.addKept(u, addend);
        else all[k]!.add(u, addend);
      });
      this.keep(p, all, record);
    });
  }

  /** A row of each stream, one after the other. */
  private takeTurnByRows(p: number, roots: readonly Tree[], at: readonly Expr[]): void {
    const { frame } = this.kernel;
    const { f } = frame;
    const { steps } = frame.axes[0]!;
    const row = at.map((ptr, i) => (steps[i] === 0 ? ptr : f.var(ptr)));
    f.for(0, rowsPerTurn, () => {
      this.takeRow(p, roots, row, true);
      frame.advance(row, steps, this.order.turns);
    });
    if (this.kernel.passes[p]!.folds.some(({ combine, root }) => isOrdered(combine, root.dtype)))
      this.betweenRows(p, (one) => one.endKeptTurn());
  }

  /** A row of each stream. */
  private takeTurn(p: number, roots: readonly Tree[], at: readonly Expr[]): void {
    const { frame } = this.kernel;
    const { f } = frame;
    const { steps } = frame.axes[0]!;
    const rows = rowsWritten(roots);
    this.withColumns(p, roots, at, (here, record, count, lanes) => {
      const all = this.resumed(p, record, count);
      const hold = this.holdValues(p, record, count);
      for (const one of all) one.startTurn(rows < rowsPerTurn);
      const add = (from: readonly Expr[]): void => {
        hold();
        this.addRows(p, roots, from, { rows, count, lanes }, (k, u, addend) => all[k]!.add(u, addend));
      };
      if (rows === rowsPerTurn) add(here);
      else {
        const row = here.map((ptr, i) => (steps[i] === 0 ? ptr : f.var(ptr)));
        f.for(
          0,
          rowsPerTurn,
          () => {
            add(row);
            frame.advance(row, steps, rows * this.order.turns);
          },
          rows,
        );
      }
      for (const one of all) one.endTurn();
      this.keep(p, all, record);
    });
  }

  /** Gives the values of rows that are `turns` apart to fold `k`, and stores what the pass writes of them. */
  private addRows(
    p: number,
    roots: readonly Tree[],
    here: readonly Expr[],
    { rows, count, lanes }: { readonly rows: number; readonly count: number; readonly lanes: number },
    add: (k: number, u: number, addend: Addend) => void,
  ): void {
    const { frame, values, passes } = this.kernel;
    const { folds, addends, writes, isWriting } = passes[p]!;
    const pointers = frame.pointers(here);
    if (isWriting) {
      const [results] = values.evaluateAll(roots, pointers, 1, lanes);
      folds.forEach((_, k) => {
        add(k, 0, addends.of(results!, k));
      });
      writes.forEach(({ root, pointer }, w) => {
        storeVector(frame.f, root.dtype, here[pointer]!, results![addends.roots.length + w]!, 0, lanes);
      });
      return;
    }
    // Row after row, as lines of the cache lie.
    const places = range(rows).flatMap((row) =>
      range(count).map((u) => ({ at: 4 * u, lanes, row: row * this.order.turns })),
    );
    values.evaluateEach(roots, pointers, places, (results, i) => {
      folds.forEach((_, k) => {
        add(k, i % count, addends.of(results, k));
      });
    });
  }

  private withColumns(
    p: number,
    roots: readonly Tree[],
    at: readonly Expr[],
    unit: (here: readonly Expr[], record: Expr, count: number, lanes: number) => void,
  ): void {
    const { folds, isWriting } = this.kernel.passes[p]!;
    this.along(p, at, isWriting ? 1 : columnsTogether(roots, folds, this.records.records[p]!.columnValues), unit);
  }

  /** Reads what a pass knows of columns; the function that it returns gives that to evaluation. */
  private holdValues(p: number, record: Expr, count: number): () => void {
    const { values } = this.kernel;
    const { columnValues: trees, valuesAt, bytes } = this.records.records[p]!;
    const vectors = range(count).map((u) => this.read(record, u * bytes + valuesAt, trees));
    return () => {
      values.forget();
      trees.forEach((tree, i) => {
        values.hold(
          tree,
          vectors.map((all) => all[i]!),
        );
      });
    };
  }

  private endBlock(p: number): void {
    const keepsTotals = this.kernel.passes[p]!.folds.some(({ combine, root }) =>
      keepsTotal(combine, root.dtype, this.rows),
    );
    if (keepsTotals) this.betweenRows(p, (one) => one.endBlock());
  }

  private betweenRows(p: number, change: (fold: RowFold) => void): void {
    this.along(p, [], 1, (_, record) => {
      const all = this.resumed(p, record, 1);
      all.forEach(change);
      this.keep(p, all, record);
    });
  }

  /** What a pass has found, for passes that follow or, after the last one, for the results. */
  private finish(p: number): void {
    const { frame, values, passes, results } = this.kernel;
    const { f } = frame;
    const { folds } = passes[p]!;
    const isLast = p === passes.length - 1;
    values.forget();
    values.hoist(frame.pointers(frame.starts), []);
    this.alongResults(p, isLast ? frame.starts : [], (here, record, lanes, before) => {
      const found = this.resumed(p, record, 1).map((one) => one.finish()[0]!);
      if (!isLast) {
        this.put(before, resultBytesOf(this.before(p)), found);
        return;
      }
      values.forget();
      this.holdResults(p, before);
      folds.forEach(({ held }, i) => {
        values.hold(held, [found[i]!]);
      });
      const roots = results.map(({ root }) => root);
      const [unit] = values.evaluateAll(roots, frame.pointers(here), 1, lanes);
      results.forEach(({ root, index }, i) => {
        storeVector(f, root.dtype, frame.outputs(here)[index]!, unit![i]!, 0, lanes);
      });
    });
  }

  /** The folds of the passes before one. */
  private before(p: number): readonly Fold[] {
    return this.kernel.passes.slice(0, p).flatMap(({ folds }) => folds);
  }

  /** Gives the results of the passes before to evaluation. */
  private holdResults(p: number, from: Expr): void {
    const trees = this.before(p).map(({ held }) => held);
    this.read(from, 0, trees).forEach((vector, i) => {
      this.kernel.values.hold(trees[i]!, [vector]);
    });
  }

  /** Vectors for trees, one behind the other. */
  private read(from: Expr, place: number, trees: readonly Tree[]): Vector[] {
    const { f } = this.kernel.frame;
    let offset = place;
    return trees.map(({ dtype }) => {
      const at = offset;
      offset += 16 * parts(dtype);
      return range(parts(dtype)).map((part) => f.let(load('v128.load', from, at + 16 * part)));
    });
  }

  private put(record: Expr, place: number, vectors: readonly Vector[]): void {
    vectors.flat().forEach((part, i) => {
      this.kernel.frame.f.store('v128.store', record, part, place + 16 * i);
    });
  }

  private foldsOf(p: number, count: number): RowFold[] {
    const { frame, passes } = this.kernel;
    const how = { rows: this.rows, keepsTurns: passes[p]!.isWriting };
    return passes[p]!.folds.map((fold) => new RowFold(frame.f, fold, count, how));
  }

  /** What stands in `count` records. */
  private resumed(p: number, record: Expr, count: number): RowFold[] {
    const all = this.foldsOf(p, count);
    this.forEachPart(p, all, (local, offset) => {
      this.kernel.frame.f.set(local, load('v128.load', record, offset));
    });
    return all;
  }

  private keep(p: number, all: readonly RowFold[], record: Expr): void {
    this.forEachPart(p, all, (local, offset) => {
      this.kernel.frame.f.store('v128.store', record, local, offset);
    });
  }

  /** What folds know, 16 bytes after 16 in the record of each vector. */
  private forEachPart(p: number, all: readonly RowFold[], use: (local: Local, offset: number) => void): void {
    let offset = 0;
    for (const one of all) {
      one.state().forEach((vectors, u) => {
        vectors.forEach((local, i) => {
          use(local, u * this.records.records[p]!.bytes + offset + 16 * i);
        });
      });
      offset += 16 * one.state()[0]!.length;
    }
  }

  /** The same one by one, with the place of the results of passes before the last one. */
  private alongResults(
    p: number,
    from: readonly Expr[],
    unit: (here: readonly Expr[], record: Expr, lanes: number, results: Expr) => void,
  ): void {
    const { f } = this.kernel.frame;
    const { resultsAt, resultBytes } = this.records;
    const results = f.var(offsetBy(this.kernel.state, resultsAt));
    const moveOn = (count: number): void => f.set(results, offsetBy(results, count * resultBytes));
    this.along(p, from, 1, (here, record, _, lanes) => unit(here, record, lanes, results), moveOn);
  }

  /** Four columns after four, `together` times that at a time, with the pointers and the record of the first four. */
  private along(
    p: number,
    from: readonly Expr[],
    together: number,
    unit: (here: readonly Expr[], record: Expr, count: number, lanes: number) => void,
    moveOn?: (count: number) => void,
  ): void {
    const { frame, state } = this.kernel;
    const { f } = frame;
    const { extent, steps } = frame.axes[1]!;
    const tail = extent % 4;
    const rest = (extent - tail) % (4 * together);
    const here = frame.movable(from);
    const record = f.var(state);
    const advance = (count: number): void => {
      frame.advance(here, steps, 4 * count);
      f.set(record, offsetBy(record, count * this.records.records[p]!.bytes));
      moveOn?.(count);
    };
    const turn = (): void => {
      unit(here, record, together, 4);
      advance(together);
    };
    f.for(0, extent - tail - rest, turn, 4 * together);
    if (rest > 0) {
      unit(here, record, rest / 4, 4);
      if (tail > 0) advance(rest / 4);
    }
    if (tail > 0) unit(here, record, 1, tail);
  }
}
