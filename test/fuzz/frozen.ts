/** Programs with what JAX made of them. */
import { allocate, type DType } from '../../src/core/dtype.ts';
import type { HostArray } from '../../src/core/primitive.ts';
import { Ambiguous, disagreement } from './error-bound.ts';
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

/** How our results differ from JAX's, beyond what both may be off by; 'ambiguous' where they may go different ways. */
export function failsAgainstJax({ program, stages, args, results }: FrozenSample): string | undefined {
  let f = evaluateText(program);
  for (const stage of stages) f = evaluateText(stage, f);
  const given = args.map(thaw);
  try {
    const traced = trace(f, given);
    const ours = bounded(traced, given, 'mathematics');
    const theirs = bounded(traced, given, 'jax');
    if (results.length !== ours.length) return `${ours.length} results, JAX has ${results.length}`;
    for (const [i, wanted] of results.entries()) {
      const { aval } = ours[i]!;
      if (wanted.dtype !== aval.dtype || wanted.shape.join() !== aval.shape.join())
        return `result ${i} is ${aval}, JAX's ${wanted.dtype}[${wanted.shape}]`;
      const wrong = disagreement(thaw(wanted).data, ours[i]!, theirs[i]!.error);
      if (wrong) return `result ${i} (JAX's, ours): ${wrong}`;
    }
    return undefined;
  } catch (error) {
    if (error instanceof Ambiguous) return 'ambiguous';
    throw error;
  }
}
