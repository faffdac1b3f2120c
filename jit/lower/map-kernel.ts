import { type Shape, stridesOf } from '../../src/core/shape.ts';
import { type Expr, i32c, op } from '../code.ts';
import { elementBytes, type Kernel, KernelFrame } from './kernel.ts';
import type { Tree } from './tree.ts';
import { storeVector, VectorEval } from './vector-eval.ts';

/** A value and the contiguous array that it is written to. */
export interface Store {
  readonly root: Tree;
  readonly ptr: Expr;
}

/** Computes values of one shape, element by element, and stores them. */
export function mapKernel(stores: readonly Store[], shape: Shape): Kernel {
  const own = stridesOf(shape);
  const frame = new KernelFrame(
    stores.map((s) => s.root),
    shape,
    stores.map(({ root, ptr }) => ({ ptr, steps: own.map((s) => s * elementBytes[root.dtype]) })),
    () => true,
  );
  const { f, inputs, axes } = frame;
  const outer = axes.slice(0, -1).map((_, i) => i);
  const inner = axes.at(-1)!;
  const values = new VectorEval(f, inputs, frame.scalars, frame.innerStep, frame.math);

  const vectorsAt = (pointers: readonly Expr[], lanes: number): void => {
    const results = values.evaluateAll(frame.pointers(pointers), 0, lanes);
    const targets = frame.outputs(pointers);
    results.forEach((value, i) => {
      storeVector(f, inputs.roots[i]!.dtype, targets[i]!, value, 0, lanes);
    });
  };

  frame.loops(outer, frame.starts, (start) => {
    values.hoist(frame.pointers(start));
    const here = start.map((ptr, i) => (inner.steps[i] === 0 ? ptr : f.var(ptr)));
    const tail = inner.extent % 4;
    if (outer.length === 0 && frame.range) {
      // A range begins at a multiple of four; only the last one has a tail.
      const [begin, end] = [f.param(0), f.param(1)];
      frame.skip(here as never, begin, inner.steps);
      f.for(
        begin,
        op('i32.and', end, i32c(-4)),
        () => {
          vectorsAt(here, 4);
          frame.advance(here, inner.steps, 4);
        },
        4,
      );
      if (tail > 0) f.if(op('i32.eq', end, i32c(inner.extent)), () => vectorsAt(here, tail));
      return;
    }
    const whole = inner.extent - tail;
    if (whole === 4) {
      vectorsAt(here, 4);
      if (tail > 0) frame.advance(here, inner.steps, 4);
    } else if (whole > 4) {
      f.for(
        0,
        whole,
        () => {
          vectorsAt(here, 4);
          frame.advance(here, inner.steps, 4);
        },
        4,
      );
    }
    if (tail > 0) vectorsAt(here, tail);
  });
  return frame.finish();
}
