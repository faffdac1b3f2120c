import { range } from '../../../src/core/shape.ts';
import { type Expr, i32c, type Local, load, op, select } from '../../wasm/code.ts';
import { offsetBy } from '../../wasm/loop-nest.ts';
import { isMovedBy } from '../expressions/streams.ts';
import { operandsOf, type Tree, treeSize, withLeaf } from '../expressions/tree.ts';
import { parts, type Vector } from '../expressions/vector-code.ts';
import type { VectorEval } from '../expressions/vector-eval.ts';
import { storeVector } from '../expressions/vector-memory.ts';
import { elementBytes, type KernelFrame, type KernelRange } from '../kernels/kernel.ts';
import type { Fold, FoldStore, Phase } from '../passes/phases.ts';
import { Accumulators, isExtreme } from './accumulators.ts';

/*
 * Folds over the first axis of a matrix. Blocks of neighbouring results, each over all rows, read some bytes of a row and then of
 * the next one, which memory and the third-level cache answer at half to two thirds of the speed at which they give whole
 * rows. So partial results of all columns stay in memory, and take a few rows at a time: the same sums in the same order. On
 * 1000×1000 float32 64 µs instead of 95, where reading is 54, and on 2000×8000 2.7 ms instead of 5.9.
 */

/** Bytes from which on rows are read whole: one vector of partial results is worth it in the first-level cache too. */
const smallest = { oneVector: 2 ** 14, more: 2 ** 18, again: 2 ** 20 };
/** Partial results that stay in the second-level cache beside the rows. */
const mostStateBytes = 2 ** 18;
/** A line of the cache. */
const shortestRow = 64;
/** Rows of blocks of columns that take longer than rows, and that the second-level cache does not hold. */
const [longBlock, longestBlock] = [512, 2048];
/** Bytes of a matrix that the third-level cache may hold. */
const largest = 2 ** 24;

/** Vectors that a fold keeps for four results. */
const vectorsOf = ({ root, combine, ignoresNaN }: Fold): number =>
  parts(root.dtype) * (isExtreme(combine, root.dtype) ? (ignoresNaN ? 2 : 3) : 1);

/** Bytes of partial results, and of results, for each four of neighbouring columns. */
const stateBytesOf = (folds: readonly Fold[]): number => 16 * folds.reduce((sum, fold) => sum + vectorsOf(fold), 0);
const resultBytesOf = (folds: readonly Fold[]): number =>
  16 * folds.reduce((sum, { root }) => sum + parts(root.dtype), 0);

/** Bytes of vectors, one for each four of neighbouring columns. */
const vectorBytesOf = (trees: readonly Tree[]): number => 16 * trees.reduce((sum, { dtype }) => sum + parts(dtype), 0);

/** Bytes in which folds of so many columns keep both. */
export const rowFoldBytes = (folds: readonly Fold[], columns: number): number =>
  Math.ceil(columns / 4) * (stateBytesOf(folds) + resultBytesOf(folds));

/** Bytes for what passes read of columns, beside that. */
export const columnValueBytes = (phases: readonly Phase[], folded: readonly boolean[], columns: number): number =>
  Math.ceil(columns / 4) * Math.max(...phases.map((phase) => vectorBytesOf(columnValues(rootsOf(phase), folded))));

const rootsOf = ({ folds, stores, saves }: Phase): Tree[] => [...folds, ...stores, ...saves].map(({ root }) => root);

/** What is the same in all rows and computed, or a result: parts of `roots` that are parts of no other such. */
function columnValues(roots: readonly Tree[], folded: readonly boolean[]): Tree[] {
  const kept = folded.map((isFolded) => !isFolded);
  const changes = withLeaf((leaf) => isMovedBy(leaf, folded));
  const differs = withLeaf((leaf) => leaf.kind === 'held' || isMovedBy(leaf, kept));
  const found = new Set<Tree>();
  const seen = new Set<Tree>();
  const visit = (tree: Tree): void => {
    if (seen.has(tree)) return;
    seen.add(tree);
    const operands = operandsOf(tree);
    const isValue = (operands.length > 0 || tree.kind === 'held') && tree.kind !== 'loop';
    if (isValue && differs(tree) && !changes(tree)) found.add(tree);
    else operands.forEach(visit);
  };
  roots.forEach(visit);
  return [...found];
}

/** Whether folds of so many rows and columns go by rows where one pass over them is enough. */
export function goByRows(folds: readonly Fold[], rows: number, columns: number): boolean {
  const vectors = folds.reduce((sum, fold) => sum + vectorsOf(fold), 0);
  const isOne = folds.length === 1 && vectors === parts(folds[0]!.root.dtype);
  const bytes = rows * rowBytes(folds, columns);
  return isFitting(folds, rows, columns) && bytes >= (isOne ? smallest.oneVector : smallest.more);
}

/**
 * The same where what depends on folds needs further passes, for which blocks of columns wait in the second-level cache: unless they are
 * long, or so many bytes apart that they drive each other out. The third time, matrices that no cache holds are not read by rows.
 * Softmax of 1024² over its first axis takes 1.4 ms, as over its last, and in blocks 3.0; with 2000×1000 2.8 instead of 4.6.
 */
export function goByRowsAgain(
  folds: readonly Fold[],
  rows: number,
  columns: number,
  how: { readonly isSlow: boolean; readonly readings: number },
): boolean {
  const bytes = rows * rowBytes(folds, columns);
  const isLong = rows > longBlock && (how.readings <= 2 || bytes <= largest || rows > longestBlock);
  return isFitting(folds, rows, columns) && bytes >= smallest.again && (how.isSlow || isLong);
}

const rowBytes = (folds: readonly Fold[], columns: number): number =>
  columns * Math.max(...folds.map(({ root }) => elementBytes[root.dtype]));

const isFitting = (folds: readonly Fold[], rows: number, columns: number): boolean =>
  rows >= 16 && rowBytes(folds, columns) >= shortestRow && rowFoldBytes(folds, columns) <= mostStateBytes;

const mostRows = 8;

/** Rows at a time: loads of partial results are shared by them. */
export const rowsTogether = (roots: readonly Tree[]): number => {
  const nodes = roots.reduce((sum, root) => sum + treeSize(root), 0);
  return nodes <= 8 ? mostRows : nodes <= 40 ? 4 : 1;
};

/** Vectors of columns at a time: a line of the cache, if registers hold what is known of so many. */
function columnsTogether(roots: readonly Tree[], folds: readonly Fold[], values: readonly Tree[]): number {
  if (rowsTogether(roots) < mostRows) return 1;
  const registers = (stateBytesOf(folds) + vectorBytesOf(values)) / 16;
  return registers <= 2 ? 4 : registers <= 4 ? 2 : 1;
}

/** A pass over all rows. */
export interface RowPass {
  readonly folds: readonly Fold[];
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

/** The kernel's range: of the rows of each pass, one after the other. */
export function rangeOfPasses(range: KernelRange, passes: number): KernelRange {
  if (passes === 1) return range;
  const { extent, chunk } = range;
  // No call takes the end of one pass and the beginning of the next.
  return { ...range, extent: passes * roundUp(extent, chunk), isOutermost: false };
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

/**
 * Records of four columns each, side by side in memory: the partial results of the pass under way, behind them the results of
 * the passes before, and what the pass reads of each column, which is computed when it begins.
 */
class Columns {
  private readonly kernel: RowFolds;
  private readonly resultsAt: number;
  private readonly valuesAt: number;
  private readonly recordBytes: number;
  /** By pass. */
  private readonly columnValues: readonly (readonly Tree[])[];

  constructor(kernel: RowFolds) {
    const { passes, folded } = kernel;
    this.kernel = kernel;
    this.columnValues = passes.map(({ folds, writes }) =>
      columnValues(
        [...folds, ...writes].map(({ root }) => root),
        folded,
      ),
    );
    this.resultsAt = Math.max(...passes.map(({ folds }) => stateBytesOf(folds)));
    this.valuesAt = this.resultsAt + resultBytesOf(this.before(passes.length - 1));
    this.recordBytes = this.valuesAt + Math.max(...this.columnValues.map(vectorBytesOf));
  }

  /** Rows `begin` … `end` of a pass. */
  pass(p: number, begin: Expr, end: Expr): void {
    const { frame, values, passes } = this.kernel;
    const { f } = frame;
    const rows = frame.axes[0]!;
    const { folds, writes } = passes[p]!;
    const roots = [...folds, ...writes].map(({ root }) => root);
    values.forget();
    values.hoist(frame.pointers(frame.starts), roots);
    f.if(op('i32.eqz', begin), () => this.begin(p));
    const at = frame.starts.map((ptr, i) => (rows.steps[i] === 0 ? ptr : f.var(ptr)));
    frame.skip(at, begin, rows.steps);
    // Four rows that are stored 4096 bytes apart would wait for each other.
    const together = writes.length > 0 ? 1 : rowsTogether(roots);
    const whole = f.let(op('i32.sub', end, op('i32.and', op('i32.sub', end, begin), i32c(together - 1))));
    const upTo = (from: Expr, to: Expr, height: number): void =>
      f.for(
        from,
        to,
        () => {
          this.take(p, roots, at, height);
          frame.advance(at, rows.steps, height);
        },
        height,
      );
    upTo(begin, whole, together);
    if (together > 1) upTo(whole, end, 1);
    if (folds.length > 0 || p === passes.length - 1) f.if(op('i32.eq', end, i32c(rows.extent)), () => this.finish(p));
  }

  private begin(p: number): void {
    const { frame, values, passes } = this.kernel;
    const { folds } = passes[p]!;
    const trees = this.columnValues[p]!;
    if (folds.length + trees.length === 0) return;
    this.along(trees.length > 0 ? frame.starts : [], 1, (here, record, _, lanes) => {
      this.keep(this.accumulators(folds), record);
      if (trees.length === 0) return;
      this.hold(
        record,
        this.resultsAt,
        this.before(p).map(({ held }) => held),
      );
      const [found] = values.evaluateAll(trees, frame.pointers(here), 1, lanes);
      this.put(record, this.valuesAt, found!);
    });
    values.forget();
  }

  /** `height` rows of all columns. */
  private take(p: number, roots: readonly Tree[], at: readonly Expr[], height: number): void {
    const { frame, values, passes } = this.kernel;
    const { folds, writes } = passes[p]!;
    const { steps } = frame.axes[0]!;
    const columns = writes.length > 0 ? 1 : columnsTogether(roots, folds, this.columnValues[p]!);
    this.along(at, columns, (here, record, count, lanes) => {
      const pointers = frame.pointers(here);
      const all = range(count).map((u) => this.resumed(folds, record, u));
      values.forget();
      this.hold(record, this.valuesAt, this.columnValues[p]!, count);
      if (writes.length === 0) {
        // Row after row, as lines of the cache lie.
        const places = range(height).flatMap((row) => range(count).map((u) => ({ at: 4 * u, lanes, row })));
        values.evaluateEach(roots, pointers, places, (results, i) => {
          all[i % count]!.forEach((one, k) => {
            one.add(0, results[k]!, 4);
          });
        });
      } else
        values.evaluateTile(roots, pointers, height, lanes, []).forEach((row, r) => {
          all[0]!.forEach((one, i) => {
            one.add(0, row[i]!, 4);
          });
          writes.forEach(({ root, pointer }, i) => {
            const vector = row[folds.length + i]!;
            storeVector(frame.f, root.dtype, here[pointer]!, vector, r * steps[pointer]!, lanes);
          });
        });
      all.forEach((one, u) => {
        this.keep(one, record, u);
      });
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
    this.along(isLast ? frame.starts : [], 1, (here, record, _, lanes) => {
      const found = this.resumed(folds, record).map((one) => one.finish()[0]!);
      if (!isLast) {
        this.put(record, this.resultsAt + resultBytesOf(this.before(p)), found);
        return;
      }
      values.forget();
      this.hold(
        record,
        this.resultsAt,
        this.before(p).map(({ held }) => held),
      );
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

  /** Gives what stands in `count` records to the evaluation of trees. */
  private hold(record: Expr, place: number, trees: readonly Tree[], count = 1): void {
    const { frame, values } = this.kernel;
    let offset = place;
    for (const tree of trees) {
      const vectors = range(count).map((u) =>
        range(parts(tree.dtype)).map((part) =>
          frame.f.let(load('v128.load', record, u * this.recordBytes + offset + 16 * part)),
        ),
      );
      values.hold(tree, vectors);
      offset += 16 * parts(tree.dtype);
    }
  }

  private put(record: Expr, place: number, vectors: readonly Vector[]): void {
    vectors.flat().forEach((part, i) => {
      this.kernel.frame.f.store('v128.store', record, part, place + 16 * i);
    });
  }

  private accumulators(folds: readonly Fold[]): Accumulators[] {
    return folds.map(({ combine, root, ignoresNaN }) => {
      const one = new Accumulators(this.kernel.frame.f, combine, root.dtype, ignoresNaN);
      one.start(1);
      return one;
    });
  }

  /** What stands in a record, `u` behind the one that is given. */
  private resumed(folds: readonly Fold[], record: Expr, u = 0): Accumulators[] {
    const all = this.accumulators(folds);
    forEachPart(all, (local, offset) => {
      this.kernel.frame.f.set(local, load('v128.load', record, u * this.recordBytes + offset));
    });
    return all;
  }

  private keep(all: readonly Accumulators[], record: Expr, u = 0): void {
    forEachPart(all, (local, offset) => {
      this.kernel.frame.f.store('v128.store', record, local, u * this.recordBytes + offset);
    });
  }

  /** Four columns after four, `together` times that at a time, with the pointers and the record of the first four. */
  private along(
    from: readonly Expr[],
    together: number,
    unit: (here: readonly Expr[], record: Expr, count: number, lanes: number) => void,
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
      f.set(record, offsetBy(record, count * this.recordBytes));
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

/** What accumulators know, 16 bytes after 16. */
function forEachPart(all: readonly Accumulators[], use: (local: Local, offset: number) => void): void {
  all
    .flatMap((one) => one.state())
    .forEach((local, i) => {
      use(local, 16 * i);
    });
}
