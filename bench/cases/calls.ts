/** What a call costs, and what it leaves behind. */

import { heapStats } from '../../jit/storage/heap.ts';
import { jit, type NDArray, np } from '../../src/index.ts';
import type { Case } from '../harness.ts';

export function callCases(): Case[] {
  const scalar = jit((x: NDArray) => x.mul(2).add(1));
  const x = np.array(3);
  const vector = np.arange(16).astype('float32');
  const small = jit((v: NDArray) => v.mul(2).add(1));
  return [
    {
      name: 'a jitted call, scalar',
      tolerance: 0,
      implementations: [
        { name: 'jit', run: () => scalar(x).item() },
        { name: 'eager', run: () => x.mul(2).add(1).item() },
      ],
    },
    {
      name: 'a jitted call, 16 float32',
      tolerance: 0,
      implementations: [
        { name: 'jit', run: () => small(vector).data() },
        { name: 'eager', run: () => vector.mul(2).add(1).data() },
      ],
    },
  ];
}

/** Resident memory while a million results are made in one synchronous loop, none of them disposed of. */
export function memoryOfManyCalls(calls = 1_000_000): string {
  const f = jit((v: NDArray) => v.mul(0.999).add(0.001));
  let v = np.ones([64]);
  const megabytes = (): number => Math.round(process.memoryUsage().rss / 2 ** 20);
  for (let i = 0; i < 1000; i++) v = f(v);
  const before = megabytes();
  let most = before;
  const start = performance.now();
  for (let i = 0; i < calls; i++) {
    v = f(v);
    if (i % 10_000 === 0) most = Math.max(most, megabytes());
  }
  const each = ((performance.now() - start) / calls) * 1000;
  const { spilledSegments } = heapStats();
  return (
    `${calls} synchronous calls on 64 float32: ${each.toFixed(2)} µs each; resident memory ${before} MB before, ` +
    `${most} MB at most, ${megabytes()} MB after; ${spilledSegments} segments copied out of the heap`
  );
}
