/**
 * How `checkpointed_loop` runs: with states kept at the beginning of segments only, and of segments of segments.
 *
 * With one level all of maxSteps states are kept. With two, √maxSteps at the beginnings of as many segments, and while
 * the backward sweep is in a segment the √maxSteps states inside, which are computed a second time. With k levels k·N^(1/k)
 * states are kept, and a step is computed k times. Segments that the loop did not reach are skipped.
 */
import type { ShapedArray } from '../core/aval.ts';
import { evalJaxpr } from '../core/eval-jaxpr.ts';
import type { Jaxpr } from '../core/jaxpr.ts';
import { stage } from '../core/stage.ts';
import type { Value } from '../core/trace.ts';
import { add, min, mul } from '../lax/arithmetic.ts';
import { lt } from '../lax/compare.ts';
import { iota, scalar } from '../lax/creation.ts';
import type { LoopParams } from './checkpointed-loop.ts';
import { cond } from './cond.ts';
import { split } from './flags.ts';
import { scan, whileLoop } from './loops.ts';

/** More states than this are not kept at a time, if another level of segments can avoid it. */
const mostStates = 256;

/** Numbers of segments, from the whole loop down to single steps. Their product is at least `maxSteps`. */
export function segments(maxSteps: number): number[] {
  if (maxSteps <= 32) return [Math.max(1, maxSteps)];
  let levels = 2;
  while (levels < 6 && levels * maxSteps ** (1 / levels) > mostStates) levels++;
  const sizes: number[] = [];
  let rest = maxSteps;
  for (let left = levels; left > 0; left--) {
    const size = Math.ceil(rest ** (1 / left));
    sizes.push(size);
    rest = Math.ceil(rest / size);
  }
  return sizes;
}

const programs = new WeakMap<LoopParams, Jaxpr>();

/** The loop as a program of `while` and `scan`. */
export function programOf(params: LoopParams, inputs: readonly ShapedArray[]): Jaxpr {
  let program = programs.get(params);
  if (!program) programs.set(params, (program = stage((...xs) => sweeps(params, xs), inputs).jaxpr));
  return program;
}

function sweeps({ fwd, bwd, fwdConsts, bwdConsts, state, maxSteps }: LoopParams, xs: readonly Value[]): Value[] {
  const [[n], f, b, s0, cn] = split(xs, 1, fwdConsts, bwdConsts, state) as [
    Value[],
    Value[],
    Value[],
    Value[],
    Value[],
  ];
  const step = (s: readonly Value[]): Value[] => evalJaxpr(fwd, [...f, ...s]);
  /** From the state at step `from` to that at step `to`, or at the last one. */
  const advance = (s: readonly Value[], from: Value, to: Value): Value[] => {
    const end = min(to, n!);
    const [, final] = whileLoop(
      ([i]: any) => lt(i, end),
      ([i, at]: any) => [add(i, 1), step(at)],
      [from, s],
    ) as [Value, Value[]];
    return final;
  };
  const zero = scalar(0, 'int32');
  if (cn.length === 0) return advance(s0, zero, n!);
  const sizes = segments(maxSteps);
  /** The backward sweep over a segment of level `level` that begins at step `from` in state `s`; also its last state. */
  const reverse = (level: number, from: Value, s: readonly Value[], c: readonly Value[]): [Value[], Value[]] => {
    const size = sizes[level]!;
    const inner = sizes.slice(level + 1).reduce((x, y) => x * y, 1);
    const starts = add(from, mul(iota('int32', size), inner));
    const single = inner === 1;
    const [last, kept] = scan(
      (at: any, start: any) => {
        const next = single
          ? cond(
              lt(start, n!),
              (x: any) => step(x),
              (x: any) => x,
              at,
            )
          : advance(at, start, add(start, inner));
        return [next, at] as const;
      },
      s as Value[],
      starts,
    ) as unknown as [Value[], Value[]];
    const [done] = scan(
      (after: any, [start, at]: any) => {
        const before = cond(
          lt(start, n!),
          (x: any) => (single ? evalJaxpr(bwd, [...b, ...at, ...x]) : reverse(level + 1, start, at, x)[1]),
          (x: any) => x,
          after,
        );
        return [before, null] as const;
      },
      c as Value[],
      [starts, kept],
      { reverse: true },
    ) as unknown as [Value[], null];
    return [last, done];
  };
  const [last, done] = reverse(0, zero, s0, cn);
  return [...last, ...done];
}
