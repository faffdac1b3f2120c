/** Programs with what JAX made of them. */
import { allocate, type DType } from '../../src/core/dtype.ts';
import type { HostArray } from '../../src/core/primitive.ts';
import { Ambiguous, type Bounded, disagreement, isFloating } from './error-bound.ts';
import { bounded, trace } from './properties.ts';
import { avalOf, evaluateText } from './sample.ts';

export interface FrozenArray {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly data: readonly (number | string | boolean)[];
}

export interface FrozenSample {
  readonly seed: number;
  readonly program: string;
  readonly stages: readonly string[];
  readonly args: readonly FrozenArray[];
  readonly results: readonly FrozenArray[];
}

export const freeze = ({ aval, data }: HostArray): FrozenArray => ({
  shape: aval.shape,
  dtype: aval.dtype,
  data: Array.from(data, (x) => (Number.isFinite(x) ? x : String(x))),
});

export function thaw({ shape, dtype, data }: FrozenArray): HostArray {
  const result = allocate(dtype as DType, data.length);
  data.forEach((x, i) => {
    result[i] = Number(x);
  });
  return { aval: avalOf({ shape, dtype: dtype as DType }), data: result };
}

/**
 * JAX computes the same derivatives by other programs: what cancels exactly in ours may leave rounding errors there, of
 * the size of those of its other results.
 */
function largestBound(results: readonly Bounded[]): number {
  let largest = 0;
  for (const { error } of results) for (const e of error ?? []) largest = Math.max(largest, e);
  return largest;
}

/** How our results differ from JAX's, beyond what both may be off by; 'ambiguous' where they may go different ways. */
export function failsAgainstJax({ program, stages, args, results }: FrozenSample): string | undefined {
  let f = evaluateText(program);
  for (const stage of stages) f = evaluateText(stage, f);
  const given = args.map(thaw);
  try {
    const traced = trace(f, given);
    const ours = bounded(traced, given, 'mathematics');
    const theirs = bounded(traced, given, 'jax');
    const allowed = largestBound(theirs);
    if (results.length !== ours.length) return `${ours.length} results, JAX has ${results.length}`;
    for (const [i, wanted] of results.entries()) {
      const { aval } = ours[i]!;
      if (wanted.dtype !== aval.dtype || wanted.shape.join() !== aval.shape.join())
        return `result ${i} is ${aval}, JAX's ${wanted.dtype}[${wanted.shape}]`;
      const { data } = thaw(wanted);
      const wrong = disagreement(data, ours[i]!, new Float64Array(data.length).fill(isFloating(aval) ? allowed : 0));
      if (wrong) return `result ${i} (JAX's, ours): ${wrong}`;
    }
    return undefined;
  } catch (error) {
    if (error instanceof Ambiguous) return 'ambiguous';
    throw error;
  }
}
