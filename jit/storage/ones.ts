import type { TypedArray } from '../../src/core/dtype.ts';

/** Every `step`-th element from `start` on, `count` of them. */
export interface Places {
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

export function writeOnes(elements: TypedArray, from: number, { start, step, count }: Places): void {
  for (let i = 0, at = from + start; i < count; i++, at += step) elements[at] = 1;
}
