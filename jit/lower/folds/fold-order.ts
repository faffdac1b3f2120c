import { range, sizeOf } from '../../../src/core/shape.ts';
import { type ArrayLeaf, forEachTree, mapLeaves, type Tree } from '../expressions/tree.ts';
import type { FoldPlan } from './fold-schedule.ts';

/**
 * The plan with its axes in an order that reads memory along its lines: another axis becomes the innermost one if all
 * arrays lie along that, or if some do and its elements are results, which are then neighbours in lanes; the others are
 * turned round in tiles. What a kernel stores for each element lies in the order of the axes, which then stays.
 */
export function orderAxes(plan: FoldPlan): FoldPlan {
  const { shape, folded, rowStrides, stores } = plan;
  const last = shape.length - 1;
  if (last < 1 || stores.some(({ row }) => !row)) return plan;
  const leaves = arraysIn([...plan.folds, ...stores].map(({ root }) => root));
  const isAlong = (axis: number): boolean => leaves.some(({ strides }) => strides[axis] === 1);
  const isAcross = (axis: number): boolean => leaves.some(({ strides }) => strides[axis] !== 0 && strides[axis] !== 1);
  if (!isAcross(last)) return plan;
  // Neighbouring results are stored together.
  const isPossible = (axis: number): boolean => folded[axis]! || rowStrides[axis] === 1;
  const candidates = range(last).filter((axis) => shape[axis]! >= 4 && isAlong(axis) && isPossible(axis));
  const inner = candidates.find((axis) => !isAcross(axis)) ?? candidates.find((axis) => folded[last] && !folded[axis]);
  return inner === undefined ? plan : permuted(plan, [...range(last + 1).filter((axis) => axis !== inner), inner]);
}

/**
 * Arrays that a kernel which goes along rows and stores something for each element would read across their lines, once in
 * every pass: they are worth a copy. Blocks of columns use lines up.
 */
export function readAcross({ shape, folded, stores, folds }: FoldPlan): ArrayLeaf[] {
  const last = shape.length - 1;
  if (last < 1 || !folded[last] || shape[last]! < 4 || sizeOf(shape) < smallestCopy || stores.every(({ row }) => row))
    return [];
  return arraysIn([...folds, ...stores].map(({ root }) => root)).filter(
    ({ strides }) =>
      Math.abs(strides[last]!) !== 1 &&
      strides.every((stride) => stride !== 0) &&
      strides.some((stride, axis) => stride === 1 && shape[axis]! >= 4),
  );
}

const smallestCopy = 4096;

function arraysIn(roots: readonly Tree[]): ArrayLeaf[] {
  const found = new Set<ArrayLeaf>();
  for (const root of roots)
    forEachTree(root, (tree) => {
      if (tree.kind === 'array') found.add(tree);
    });
  return [...found];
}

function permuted(plan: FoldPlan, order: readonly number[]): FoldPlan {
  const reorder = <T>(list: readonly T[]): T[] => order.map((axis) => list[axis]!);
  const turned = <T extends { readonly root: Tree }>(item: T): T => ({
    ...item,
    root: mapLeaves(item.root, (leaf) => ({ ...leaf, strides: reorder(leaf.strides) }))!,
  });
  return {
    shape: reorder(plan.shape),
    folded: reorder(plan.folded),
    rowStrides: reorder(plan.rowStrides),
    folds: plan.folds.map(turned),
    stores: plan.stores.map(turned),
  };
}
