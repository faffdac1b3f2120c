import type { DType } from '../../../src/core/dtype.ts';
import { type Shape, sizeOf, stridesOf } from '../../../src/core/shape.ts';
import { target } from '../../target.ts';
import { type Expr, i32c, op } from '../../wasm/code.ts';
import { Inputs, isMovedBy } from '../expressions/streams.ts';
import { type ArrayLeaf, some, type Tree, treeSize } from '../expressions/tree.ts';
import { parts } from '../expressions/vector-code.ts';
import { elementBytes } from '../kernels/kernel.ts';
import { type Fold, type FoldStore, type Phases, planPhases } from '../passes/phases.ts';
import { Buffer } from '../storage.ts';
import { isExtreme } from './accumulators.ts';
import { Addends } from './addends.ts';
import { foldedButNaN } from './combine.ts';
import { goByRows, goByRowsAgain, isLight, longestInThreads } from './going-by-rows.ts';
import { RowRecords } from './row-records.ts';

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
  /** What lies there, and how far behind its start. Without a place until `placeScratch`. */
  readonly scratched: readonly { readonly buffer: Buffer; readonly offset: number }[];
  /**
   * Whether everything is folded part by part: the kernel then writes its parts, eight bytes for each fold, and whoever
   * calls it combines them.
   */
  readonly inParts: boolean;
  /** Where partial results lie, in scratch memory, of folds that go by rows. */
  readonly state?: Buffer;
}

/** Elements above which a fold of everything is done in parts. */
const longestWhole = 32768;

const nowhere = i32c(0);

/** Says where the scratch memory is, once it is known how much there is to be. */
export function placeScratch({ scratched }: FoldSchedule, start: Expr): void {
  for (const { buffer, offset } of scratched) buffer.moveTo(op('i32.add', start, i32c(offset)));
}

export function scheduleFolds(plan: FoldPlan): FoldSchedule {
  const { shape, folded } = plan;
  const interned = new Inputs([...plan.folds.map((fold) => fold.root), ...plan.stores.map((store) => store.root)])
    .roots;
  const folds = plan.folds.map((fold, i): Fold => {
    const root = foldedButNaN(fold.combine, interned[i]!);
    return root ? { ...fold, root, ignoresNaN: true } : { ...fold, root: interned[i]! };
  });
  const stores = plan.stores.map((store, i) => ({ ...store, root: interned[plan.folds.length + i]! }));
  const byRows = scheduleByRows(plan, folds, stores);
  if (byRows) return byRows;
  const across = folded.at(-1)!;
  const vectors = across ? 1 : blockWidth(folds);
  const length = sizeOf(shape.filter((_, axis) => folded[axis]));
  let scratch = 0;
  const scratched: { readonly buffer: Buffer; readonly offset: number }[] = [];
  const phases = planPhases(folds, stores, {
    isFull: (leaf) => isMovedBy(leaf, folded),
    isSlow: (leaf) => !across && fallsTogether(leaf, shape, folded),
    stored: leafOfStore(shape),
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
      const leaf = leafOf(root.dtype, shape, nowhere, strides);
      scratched.push({ buffer: leaf.buffer, offset });
      return leaf;
    },
  });
  const whole = folded.every(Boolean);
  const once = phases.phases.length === 1 && phases.rowStores.every(({ root }) => root.kind === 'held');
  const inParts = whole && once && length > longestWhole;
  return { plan, across, vectors, phases, scratch, scratched, inParts };
}

const leafOfStore =
  (shape: Shape) =>
  ({ root, ptr, strides = stridesOf(shape) }: FoldStore): Tree =>
    leafOf(root.dtype, shape, ptr, strides);

/**
 * Folds over the rows of a matrix, of which other threads do not take some, where that is done [row by row](folds-by-rows.ts). A value
 * that a later pass reads again waits where a result will be; undefined where there is none of its kind.
 */
function scheduleByRows(
  plan: FoldPlan,
  folds: readonly Fold[],
  stores: readonly FoldStore[],
): FoldSchedule | undefined {
  const { shape, folded, limit } = plan;
  if (
    limit ||
    (target().shared && !isLight(folds)) ||
    folded.lastIndexOf(true) > folded.indexOf(false) ||
    !folded.includes(false)
  )
    return undefined;
  const columns = sizeOf(shape.filter((_, axis) => !folded[axis]));
  const rows = sizeOf(shape) / columns;
  if (!goByRows(folds, rows, columns)) return undefined;
  const saved: { readonly leaf: Tree; readonly store: FoldStore | undefined }[] = [];
  const phases = planPhases(folds, stores, {
    isFull: (leaf) => isMovedBy(leaf, folded),
    isSlow: () => false,
    stored: leafOfStore(shape),
    save: ({ dtype }) => {
      const store = stores.find(
        (store) =>
          !store.row && !store.strides && store.root.dtype === dtype && saved.every((other) => other.store !== store),
      );
      const leaf = leafOf(dtype, shape, store?.ptr ?? nowhere, stridesOf(shape));
      saved.push({ leaf, store });
      return leaf;
    },
  });
  const isOnce = phases.phases.length === 1 && phases.phases[0]!.stores.length === 0;
  const isSlow = folds.some(({ root }) => some(root, (leaf) => fallsTogether(leaf, shape, folded)));
  // What is saved is not read before.
  const readings = phases.phases.length - Math.min(1, saved.length);
  const byRows = isOnce ? goByRows(folds, rows, columns) : goByRowsAgain(folds, rows, columns, { isSlow, readings });
  if (!byRows || !areKeptUntilRead(phases, saved)) return undefined;
  if (target().shared && !isOnce && rows <= longestInThreads) return undefined;
  const passes = phases.phases.map(({ folds, stores, saves }) => ({
    folds,
    roots: [...new Addends(folds).roots, ...[...stores, ...saves].map(({ root }) => root)],
    isWriting: stores.length + saves.length > 0,
  }));
  const scratch = new RowRecords(passes, folded, { rows, columns }).bytes;
  const state = new Buffer('int32', scratch / 4, nowhere);
  const scratched = [{ buffer: state, offset: 0 }];
  return { plan, across: false, vectors: blockWidth(folds), phases, scratch, scratched, inParts: false, state };
}

/**
 * Whether what is saved in the place of a result stays there until it is read, and overwrites nothing that is: the last pass writes the
 * result, and behind the one that saves it, what is read are saved values. A result may have the place of an operand.
 */
function areKeptUntilRead(
  { phases }: Phases,
  saved: readonly { readonly leaf: Tree; readonly store: FoldStore | undefined }[],
): boolean {
  if (saved.length === 0) return true;
  const last = phases.at(-1)!;
  const leaves = new Set(saved.map(({ leaf }) => leaf));
  const begin = phases.findIndex(({ saves }) => saves.length > 0);
  const isMemory = (tree: Tree): boolean => tree.kind === 'array' || tree.kind === 'address';
  return (
    saved.every(({ store }) => store && last.stores.some(({ index }) => index === store.index)) &&
    phases
      .slice(begin + 1)
      .every(({ folds, stores, saves }) =>
        [...folds, ...stores, ...saves].every(({ root }) => !some(root, (tree) => isMemory(tree) && !leaves.has(tree))),
      )
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

const leafOf = (dtype: DType, shape: Shape, ptr: Expr, strides: readonly number[]): ArrayLeaf => ({
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
