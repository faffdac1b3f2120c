import type { Var } from '../../../src/core/jaxpr.ts';
import { sameShape, sizeOf, stridesOf } from '../../../src/core/shape.ts';
import { threadCount } from '../../target.ts';
import type { Expr } from '../../wasm/code.ts';
import { loadElement, storeElement } from '../../wasm/loop-nest.ts';
import type { Driver } from '../driver.ts';
import { constant } from '../expressions/scalar-code.ts';
import { type ArrayLeaf, readBuffer, readScalar, substitute, type Tree } from '../expressions/tree.ts';
import type { Group } from '../passes/groups.ts';
import type { Fold, FoldStore } from '../passes/phases.ts';
import type { Before } from '../products/product-ends.ts';
import { type Buffer, Scalar } from '../storage.ts';
import { combineScalars, identityOf } from './combine.ts';
import { foldKernel } from './fold-kernel.ts';
import { orderAxes, readAcross } from './fold-order.ts';
import { type FoldPlan, type FoldSchedule, placeScratch, scheduleFolds } from './fold-schedule.ts';

/** A value that the kernel of a group writes: for every element, or one for each result of its folds (`row`). */
export interface Result {
  readonly v: Var;
  readonly root: Tree;
  readonly row: boolean;
}

/** The kernel of a group with folds. Returns what comes before it. */
export function runFolds(
  d: Driver,
  group: Group,
  folds: readonly Fold[],
  results: readonly Result[],
  placeOf: (v: Var) => Expr,
): Before {
  // Results of rank 0 go through memory into locals.
  const scalars: { readonly v: Var; readonly place: Buffer }[] = [];
  const stores = results.map(({ v, root, row }, index) => {
    if (v.aval.ndim > 0) return { root, row, index, ptr: placeOf(v) };
    const place = d.temporary(v.aval.dtype, 1);
    place.retain();
    scalars.push({ v, place });
    return { root, row, index, ptr: place.ptr };
  });
  const { plan, copies } = d.ends.goesByRows(group)
    ? { plan: planOf(group, folds, stores), copies: [] }
    : withoutCrossing(d, orderAxes(planOf(group, folds, stores)));
  const schedule = scheduleFolds(plan);
  let before: Before = '';
  if (schedule.inParts) foldInParts(d, schedule, folds, results, stores);
  else {
    // Each thread has scratch memory of its own.
    const bytes = schedule.scratch * (d.target.shared ? threadCount() : 1);
    const scratch = bytes > 0 ? d.temporary('int32', bytes / 4) : undefined;
    scratch?.retain();
    before = d.ends.run(
      d,
      group,
      (rows) => {
        const own = rows?.share ? scheduleFolds(rows.share.plan(plan)) : schedule;
        if (scratch) placeScratch(own, scratch.ptr);
        return foldKernel(own, rows?.axes);
      },
      () => scratch?.release(),
    );
    for (const { v, place } of scalars)
      d.rebind(v, readScalar(d.newScalar(v.aval.dtype, loadElement(v.aval.dtype, place.ptr))));
  }
  for (const copy of copies) copy.release();
  for (const { place } of scalars) place.release();
  return before;
}

/** Folds of everything: the kernel writes what it has of each part of the elements, and these are combined in their order. */
function foldInParts(
  d: Driver,
  schedule: FoldSchedule,
  folds: readonly Fold[],
  results: readonly Result[],
  stores: readonly { readonly ptr: Expr }[],
): void {
  const kernel = foldKernel(schedule);
  const totals = folds.map(({ root, combine }) => d.locals.hold(constant(identityOf(combine, root.dtype), root.dtype)));
  d.runInParts(kernel, 8 * folds.length, (parts) =>
    folds.forEach(({ root: { dtype }, combine }, i) => {
      d.locals.within((hold) => {
        const part = hold(loadElement(dtype === 'bool' ? 'int32' : dtype, parts, 8 * i));
        d.f.set(totals[i]!, combineScalars(combine, dtype, totals[i]!, part, hold));
      });
    }),
  );
  const taken = new Set<number>();
  results.forEach(({ v, root, row }, s) => {
    if (!row) return;
    const i = folds.findIndex((fold) => fold.held === root);
    const total = totals[i]!;
    const { dtype } = v.aval;
    if (v.aval.ndim > 0) storeElement(d.f, dtype, stores[s]!.ptr, total);
    else if (taken.has(i)) d.rebind(v, readScalar(d.newScalar(dtype, total)));
    else {
      taken.add(i);
      d.rebind(v, readScalar(new Scalar(dtype, total, () => d.locals.give(total))));
    }
  });
  totals.forEach((total, i) => {
    if (!taken.has(i)) d.locals.give(total);
  });
}

function planOf({ shape, folded, kept }: Group, folds: readonly Fold[], stores: readonly FoldStore[]): FoldPlan {
  const own = stridesOf(kept!);
  let next = 0;
  const rowStrides = shape.map((_, axis) => (folded![axis] ? 0 : own[next++]!));
  return { shape, folded: folded!, rowStrides, folds, stores };
}

/** A plan whose kernel reads along lines of memory, with copies of arrays that it would read across them. */
function withoutCrossing(d: Driver, plan: FoldPlan): { readonly plan: FoldPlan; readonly copies: readonly Buffer[] } {
  const copies: { readonly of: ArrayLeaf; readonly copy: Buffer }[] = [];
  let { folds, stores } = plan;
  for (const leaf of readAcross(plan)) {
    let copy = copies.find(({ of }) => isSame(of, leaf))?.copy;
    if (!copy) {
      copy = d.temporary(leaf.dtype, sizeOf(plan.shape));
      copy.retain();
      d.store({ shape: plan.shape, root: leaf }, copy.ptr);
      copies.push({ of: leaf, copy });
    }
    const inOrder = readBuffer(copy, plan.shape).root;
    const replaced = <T extends { readonly root: Tree }>(item: T): T => ({
      ...item,
      root: substitute(item.root, leaf, inOrder),
    });
    folds = folds.map(replaced);
    stores = stores.map(replaced);
  }
  return { plan: { ...plan, folds, stores }, copies: copies.map(({ copy }) => copy) };
}

const isSame = (x: ArrayLeaf, y: ArrayLeaf): boolean =>
  x.buffer === y.buffer && x.offset === y.offset && sameShape(x.strides, y.strides);
