import { type DType, isFloating } from '../../../src/core/dtype.ts';
import { range } from '../../../src/core/shape.ts';
import type { FunctionBuilder, Local } from '../../wasm/code.ts';
import type { Vector } from '../expressions/vector-code.ts';
import type { Fold } from '../passes/phases.ts';
import { Accumulators, isExtreme } from './accumulators.ts';
import type { Addend } from './addends.ts';
import type { Combine } from './combine.ts';

/*
 * The order in which sums down columns take their rows, for every path alike. A block of rows is eight streams that lie one behind the
 * other, of which each turn takes one row: memory is read along eight lines, which is what prefetchers follow, where eight neighbouring rows
 * begin at eight new places each turn (1000×1000 float32: 45 µs instead of 56). The rows of a turn are added up first, then turns,
 * then blocks, so that a sum of n rows is rounded some 8 + 512 + n / 4096 times in a row and not n times.
 */

/** Streams of a block, of which a turn takes one row each. */
export const rowsPerTurn = 8;
/** Of a block: the root of n / 8 is best for n = 2·10⁶, and streams that are shorter lead prefetchers astray, a third slower for 10⁶ × 4. */
const mostTurns = 512;
/** Rows behind the last of several blocks whose sum is a block's. */
export const restPerBlock = 128;

/** Blocks of `rowsPerTurn` × `turns` rows; the other rows follow one by one. */
export interface RowOrder {
  readonly blocks: number;
  readonly turns: number;
  /** Rows before those that follow one by one. */
  readonly inTurns: number;
}

export function orderOfRows(rows: number): RowOrder {
  const blocks = rows < rowsPerTurn ? 0 : Math.ceil(rows / (rowsPerTurn * mostTurns));
  const turns = blocks === 0 ? 0 : Math.floor(rows / (rowsPerTurn * blocks));
  return { blocks, turns, inTurns: blocks * rowsPerTurn * turns };
}

/** Whether the total is something else than the sum of the block under way. */
const hasBlocks = (rows: number): boolean => orderOfRows(rows).blocks > 1;

/** Whether a fold of so many rows keeps a total beside the block under way. */
export const keepsTotal = (combine: Combine, dtype: DType, rows: number): boolean =>
  isOrdered(combine, dtype) && hasBlocks(rows);

/** Whether the order in which a fold takes its elements makes a difference. */
export const isOrdered = (combine: Combine, dtype: DType): boolean => isFloating(dtype) && !isExtreme(combine, dtype);

/** A fold of neighbouring results over rows in this order: `count` vectors of results at a time. */
export class RowFold {
  private readonly f: FunctionBuilder;
  private readonly fold: Fold;
  private readonly count: number;
  /** Of the block under way. */
  private readonly block: Accumulators;
  /** Of the blocks before. */
  private readonly total: Accumulators | undefined;
  /** Of the turn under way, where that is kept in memory from row to row. */
  private readonly kept: Accumulators | undefined;
  /** By vector, of the turn under way: undefined before its first row. */
  private turn: (Accumulators | undefined)[] | undefined;

  constructor(
    f: FunctionBuilder,
    fold: Fold,
    count: number,
    { rows, keepsTurns = false }: { readonly rows: number; readonly keepsTurns?: boolean },
  ) {
    this.f = f;
    this.fold = fold;
    this.count = count;
    this.block = this.accumulators(count);
    const { combine, root } = fold;
    this.total = keepsTotal(combine, root.dtype, rows) ? this.accumulators(count) : undefined;
    this.kept = keepsTurns && isOrdered(combine, root.dtype) ? this.accumulators(count) : undefined;
  }

  private accumulators(count: number): Accumulators {
    const { combine, root, ignoresNaN } = this.fold;
    const made = new Accumulators(this.f, combine, root.dtype, ignoresNaN);
    if (count > 0) made.start(count);
    return made;
  }

  /** All that it knows, by vector; between turns if it does not keep them. */
  state(): readonly (readonly Local[])[] {
    const all = [this.block, this.total, this.kept].flatMap((one) => (one ? [one.state()] : []));
    return range(this.count).map((u) => all.flatMap((vectors) => vectors[u]!));
  }

  /** @param isLoop whether rows are added in a loop */
  startTurn(isLoop: boolean): void {
    if (isOrdered(this.fold.combine, this.fold.root.dtype))
      this.turn = range(this.count).map(() => (isLoop ? this.accumulators(1) : undefined));
  }

  /** The next row of vector `u`. */
  add(u: number, addend: Addend): void {
    const { turn } = this;
    if (!turn) this.block.add(u, addend, 4);
    else if (turn[u]) turn[u].add(0, addend, 4);
    else {
      turn[u] = this.accumulators(0);
      turn[u].startWith(addend);
    }
  }

  endTurn(): void {
    this.turn?.forEach((one, u) => {
      this.block.add(u, [one!.finish()[0]!], 4);
    });
    this.turn = undefined;
  }

  /** The next row of vector `u`, in a turn that is kept. */
  addKept(u: number, addend: Addend): void {
    (this.kept ?? this.block).add(u, addend, 4);
  }

  endKeptTurn(): void {
    if (this.kept) moveInto(this.block, this.kept);
  }

  endBlock(): void {
    if (this.total) moveInto(this.total, this.block);
  }

  finish(): readonly Vector[] {
    this.endBlock();
    return (this.total ?? this.block).finish();
  }
}

function moveInto(total: Accumulators, part: Accumulators): void {
  part.finish().forEach((vector, u) => {
    total.add(u, [vector], 4);
  });
  part.restart();
}
