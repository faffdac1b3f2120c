import { byteSize } from '../../../src/core/dtype.ts';
import type { Shape } from '../../../src/core/shape.ts';
import { bitselect, type Expr, i32x4lanes, op } from '../../wasm/code.ts';
import { loadElement, offsetBy, storeElement } from '../../wasm/loop-nest.ts';
import type { Tree } from '../expressions/tree.ts';
import { noMath, vectorOp } from '../expressions/vector-code.ts';
import { VectorEval } from '../expressions/vector-eval.ts';
import { extractLane, loadVector, storeVector } from '../expressions/vector-memory.ts';
import { type Combine, combineScalars } from '../folds/combine.ts';
import { type Kernel, KernelFrame } from './kernel.ts';

/** Updates over `shape`, taken in row-major order, and where they go. */
export interface ScatterPlan {
  readonly shape: Shape;
  readonly combine: Combine | 'set';
  readonly updates: Tree;
  /** The element with index i goes to `target` + Σ strides·i (in elements) + `distance` (in bytes). */
  readonly target: Expr;
  readonly strides: readonly number[];
  readonly distance: Tree;
  /** Whether an update is done at all. */
  readonly inside: Tree | undefined;
}

/**
 * Computes updates four at a time and writes them one after the other, since their places may be the same. Neighbours
 * within a window have places of their own, in a row: these are written together.
 *
 * @param unread eight bytes for updates that are left out
 */
export function scatterKernel(plan: ScatterPlan, unread: Expr): Kernel {
  const { shape, combine, target, strides } = plan;
  const { dtype } = plan.updates;
  const bytes = byteSize(dtype);
  const trees = [plan.updates, plan.distance, ...(plan.inside ? [plan.inside] : [])];
  const outputs = [{ ptr: target, steps: strides.map((stride) => stride * bytes) }];
  if (plan.inside) outputs.push({ ptr: unread, steps: strides.map(() => 0) });
  const frame = new KernelFrame(trees, shape, outputs, { range: () => 0 });
  const { f, inputs, axes } = frame;
  const values = new VectorEval(f, inputs, frame.scalars, frame.innerStep, frame.math);
  const [updates, distance, inside] = inputs.roots as [Tree, Tree, Tree | undefined];
  const name = (e: Expr): Expr => (e.kind === 'local' ? e : f.let(e));
  const written = inputs.streams.length;
  const step = axes.at(-1)!.steps[written]!;
  const when = (inside: Expr | undefined, write: () => void): void => (inside ? f.if(inside, write) : write());
  const inRow = step === bytes && !values.moves(distance) && !(inside && values.moves(inside));

  const row = (start: readonly Expr[]): void => {
    const pointers = frame.pointers(start);
    const first = (tree: Tree): Expr => extractLane(tree.dtype, values.evaluate(tree, pointers, 0, 4).map(name), 0);
    when(inside && first(inside), () => {
      const moved = start.map((ptr, i) => (i === written ? op('i32.add', ptr, first(distance)) : ptr));
      const here = frame.movable(moved);
      frame.vectors(here, 1, (_, lanes) => {
        const update = values.evaluate(updates, frame.pointers(here), 0, lanes);
        const to = here[written]!;
        const value =
          combine === 'set'
            ? update
            : vectorOp(combine, dtype, [loadVector(dtype, to, 0, lanes), update], dtype, name, noMath);
        storeVector(f, dtype, to, value, 0, lanes);
      });
    });
  };
  const oneByOne = (start: readonly Expr[]): void => {
    const here = frame.movable(start);
    frame.vectors(here, 1, (_, lanes) => {
      const [[update, distances, mask]] = values.evaluateAll(inputs.roots, frame.pointers(here), 1, lanes) as [
        [readonly Expr[], readonly Expr[], readonly Expr[]],
      ];
      const to = here[written]!;
      // What is left out is written where nobody reads: branches here would cost the rest of the loop its registers.
      const chosen =
        mask &&
        f.let(
          bitselect(
            mask[0]!,
            op(
              'i32x4.add',
              op('i32x4.splat', to),
              op('i32x4.add', distances[0]!, i32x4lanes(0, step, 2 * step, 3 * step)),
            ),
            op('i32x4.splat', frame.outputs(here)[1]!),
          ),
        );
      for (let i = 0; i < lanes; i++) {
        const at = f.let(
          chosen
            ? extractLane('int32', [chosen], i)
            : offsetBy(op('i32.add', to, extractLane('int32', distances, i)), i * step),
        );
        const value = extractLane(dtype, update, i);
        const next =
          combine === 'set' ? value : combineScalars(combine, dtype, f.let(loadElement(dtype, at)), value, name);
        storeElement(f, dtype, at, next);
      }
    });
  };
  const outer = axes.slice(0, -1).map((_, i) => i);
  frame.loops(outer, frame.starts, (start) => {
    values.hoist(frame.pointers(start));
    if (inRow) row(start);
    else oneByOne(start);
  });
  return { ...frame.finish(), inOrder: true };
}
