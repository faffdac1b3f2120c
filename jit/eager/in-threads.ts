/** Operations that threads share. */
import { elementsPerCall } from '../lower/kernels/kernel.ts';
import { threadCount } from '../target.ts';
import type { Calls } from '../threads/thread-calls.ts';

/** Whether this many elements are, in pieces as without threads. */
export const isDealtOut = (elements: number): boolean => threadCount() > 1 && elements > 2 * elementsPerCall;

/** Calls over a range of so many elements, or of rows of so many. */
export const inPieces = (
  extent: number,
  countAt: number,
  args: readonly number[],
  steps: readonly number[],
  chunk: number = elementsPerCall,
): Calls => ({ extent, chunk, countAt, args, steps });
