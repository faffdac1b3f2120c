import type { DType } from '../../../src/core/dtype.ts';
import { type Shape, sizeOf, stridesOf } from '../../../src/core/shape.ts';
import { target } from '../../target.ts';
import type { Expr } from '../../wasm/code.ts';
import { Inputs, isMovedBy } from '../expressions/streams.ts';
import { type Tree, treeSize } from '../expressions/tree.ts';
import { parts } from '../expressions/vector-code.ts';
import { elementBytes } from '../kernels/kernel.ts';
import { type Fold, type FoldStore, type Phases, planPhases } from '../passes/phases.ts';
import { Buffer } from '../storage.ts';
import { isExtreme } from './accumulators.ts';
import { foldedButNaN } from './combine.ts';
import { goByRows, stateBytesOf } from './folds-by-rows.ts';

/** What a fold kernel computes: folds over some axes of a shape, and values stored from the same elements. */
export interface FoldPlan {
  readonly shape: Shape;
  readonly folded: readonly boolean[];
  /** Steps along the axes through results of folds, in elements: 0 along folded ones. */
  readonly rowStrides: readonly number[];
  readonly folds: readonly Fold[];
  readonly stores: readonly FoldStore[];
  /** How far the innermost axis is walked where that is not all of it: a multiple of `limitStep`, or all. */
  readonly limit?: Expr;
}

/** A multiple of the elements that a pass over a row does together. */
export const limitStep = 16;

/**
 * How a plan becomes loops. Where the innermost axis is folded, lanes hold partial results that are combined at the end
 * of a row (`across`); where it is kept, lanes are neighbouring results, and `vectors` of them are under way at a time.
 */
export interface FoldSchedule {
  readonly plan: FoldPlan;
  readonly across: boolean;
  readonly vectors: number;
  readonly phases: Phases;
  /** Bytes of scratch memory for what one pass over a row leaves to another. */
  readonly scratch: number;
  /**
   * Whether everything is folded part by part: the kernel then writes its parts, eight bytes for each fold, and whoever
   * calls it combines them.
   */
  readonly inParts: boolean;
  /** Where partial results lie, in scratch memory, of folds that go by rows. */
  readonly state?: Expr;
}

/** Elements above which a fold of everything is done in parts. */
const longestWhole = 32768;

/** @param at addresses of the scratch memory */
export function scheduleFolds(plan: FoldPlan, at: (offset: number) => Expr): FoldSchedule {
  const { shape, folded } = plan;
  const interned = new Inputs([...plan.folds.map((fold) => fold.root), ...plan.stores.map((store) => store.root)])
    .roots;
  const folds = plan.folds.map((fold, i): Fold => {
    const root = foldedButNaN(fold.combine, interned[i]!);
    return root ? { ...fold, root, ignoresNaN: true } : { ...fold, root: interned[i]! };
  });
  const stores = plan.stores.map((store, i) => ({ ...store, root: interned[plan.folds.length + i]! }));
  const across = folded.at(-1)!;
  const vectors = across ? 1 : blockWidth(folds);
  const length = sizeOf(shape.filter((_, axis) => folded[axis]));
  let scratch = 0;
  const phases = planPhases(folds, stores, {
    isFull: (leaf) => isMovedBy(leaf, folded),
    isSlow: (leaf) => !across && fallsTogether(leaf, shape, folded),
    stored: ({ root, ptr, strides = stridesOf(shape) }) => leafOf(root.dtype, shape, ptr, strides),
    save: (root) => {
      const lanes = across ? 1 : 4 * vectors;
      const offset = scratch;
      scratch += Math.ceil((length * lanes * elementBytes[root.dtype]) / 64) * 64;
      let stride = lanes;
      const strides = shape.map(() => 0);
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        if (!folded[axis]) continue;
        strides[axis] = stride;
        stride *= shape[axis]!;
      }
      if (!across) strides[shape.length - 1] = 1;
      return leafOf(root.dtype, shape, at(offset), strides);
    },
  });
  const whole = folded.every(Boolean);
  const once = phases.phases.length === 1 && phases.rowStores.every(({ root }) => root.kind === 'held');
  const inParts = whole && once && length > longestWhole;
  if (!isMatrixByRows(plan, folds, phases)) return { plan, across, vectors, phases, scratch, inParts };
  const bytes = Math.ceil(sizeOf(shape) / length / 4) * stateBytesOf(folds);
  return { plan, across, vectors, phases, scratch: scratch + bytes, inParts, state: at(scratch) };
}

/** Whether all is one pass over rows that are folded, of which another thread need not take some. */
function isMatrixByRows({ shape, folded, limit }: FoldPlan, folds: readonly Fold[], { phases }: Phases): boolean {
  const columns = sizeOf(shape.filter((_, axis) => !folded[axis]));
  const [first] = phases;
  return (
    phases.length === 1 &&
    first!.stores.length + first!.saves.length === 0 &&
    limit === undefined &&
    folded.lastIndexOf(true) < folded.indexOf(false) &&
    !target().shared &&
    goByRows(folds, sizeOf(shape) / columns, columns)
  );
}

/**
 * Whether the rows of a block fall into so few sets of the caches that they drive each other out: rows that are a multiple
 * of 4096 bytes apart share one set of the first-level cache, and 32 of a second-level cache with 2048.
 */
function fallsTogether(leaf: Tree, shape: Shape, folded: readonly boolean[]): boolean {
  if (leaf.kind !== 'array') return false;
  const bytes = elementBytes[leaf.dtype];
  return leaf.strides.some((stride, axis) => folded[axis] && shape[axis]! >= 256 && (stride * bytes) % 4096 === 0);
}

const leafOf = (dtype: DType, shape: Shape, ptr: Expr, strides: readonly number[]): Tree => ({
  kind: 'array',
  dtype,
  buffer: new Buffer(dtype, sizeOf(shape), ptr),
  offset: 0,
  strides,
});

/** Vectors of neighbouring results that fit in registers. */
function blockWidth(folds: readonly Fold[]): number {
  const registers = folds.reduce(
    (sum, { root, combine }) => sum + parts(root.dtype) * (isExtreme(combine, root.dtype) ? 3 : 1),
    0,
  );
  const nodes = folds.reduce((sum, { root }) => sum + treeSize(root), 0);
  const most = nodes <= 16 ? 8 : nodes <= 60 ? 4 : 2;
  return Math.max(1, Math.min(most, 2 ** Math.floor(Math.log2(8 / registers))));
}
