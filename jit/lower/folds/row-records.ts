import { isMovedBy } from '../expressions/streams.ts';
import { operandsOf, type Tree, withLeaf } from '../expressions/tree.ts';
import { parts } from '../expressions/vector-code.ts';
import type { Fold } from '../passes/phases.ts';
import { isExtreme } from './accumulators.ts';
import { isOrdered, keepsTotal } from './turns.ts';

/** A pass over all rows, as far as what it keeps of columns depends on it. */
export interface PassOverRows {
  readonly folds: readonly Fold[];
  /** All that is evaluated: for the folds, then what is written. */
  readonly roots: readonly Tree[];
  readonly isWriting: boolean;
}

/** What a pass keeps of each four of neighbouring columns: partial results, and behind them what it reads of the columns. */
export interface RowRecord {
  /** What is the same in all rows. */
  readonly columnValues: readonly Tree[];
  readonly valuesAt: number;
  readonly bytes: number;
}

/**
 * What [folds by rows](folds-by-rows.ts) keep in memory: the records of the pass under way, side by side, and behind them the results of the
 * passes before. Those are read once in a pass, and in the records they would take room in the first-level cache from what is read with
 * every row.
 */
export class RowRecords {
  /** By pass. */
  readonly records: readonly RowRecord[];
  readonly resultsAt: number;
  /** Of each four of neighbouring columns. */
  readonly resultBytes: number;
  /** Of everything. */
  readonly bytes: number;

  constructor(
    passes: readonly PassOverRows[],
    folded: readonly boolean[],
    extents: { readonly rows: number; readonly columns: number },
  ) {
    const units = Math.ceil(extents.columns / 4);
    this.records = passes.map(({ folds, roots, isWriting }) => {
      const values = columnValues(roots, folded);
      const valuesAt = stateBytesOf(folds, extents.rows, isWriting);
      return { columnValues: values, valuesAt, bytes: valuesAt + vectorBytesOf(values) };
    });
    this.resultBytes = resultBytesOf(passes.slice(0, -1).flatMap(({ folds }) => folds));
    this.resultsAt = units * Math.max(...this.records.map(({ bytes }) => bytes));
    this.bytes = this.resultsAt + units * this.resultBytes;
  }
}

/** Bytes of partial results and results of so many columns, at most. */
export const mostBytesOf = (folds: readonly Fold[], rows: number, columns: number): number =>
  Math.ceil(columns / 4) * (stateBytesOf(folds, rows, true) + resultBytesOf(folds));

const stateBytesOf = (folds: readonly Fold[], rows: number, keepsTurns: boolean): number =>
  16 * folds.reduce((sum, fold) => sum + vectorsOf(fold, rows, keepsTurns), 0);

export const resultBytesOf = (folds: readonly Fold[]): number =>
  16 * folds.reduce((sum, { root }) => sum + parts(root.dtype), 0);

export const vectorBytesOf = (trees: readonly Tree[]): number =>
  16 * trees.reduce((sum, { dtype }) => sum + parts(dtype), 0);

/** Vectors that a fold of so many rows keeps for four results. */
function vectorsOf({ root: { dtype }, combine, ignoresNaN }: Fold, rows: number, keepsTurns: boolean): number {
  if (isExtreme(combine, dtype)) return parts(dtype) * (ignoresNaN ? 2 : 3);
  const turn = keepsTurns && isOrdered(combine, dtype) ? 1 : 0;
  return parts(dtype) * (1 + turn + (keepsTotal(combine, dtype, rows) ? 1 : 0));
}

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
