import { type DType, shortName } from '../../src/core/dtype.ts';
import type { RuntimeCalls } from '../lower-rule.ts';

export type Folding = 'add' | 'mul' | 'max' | 'min';
export type Running = Folding | 'logaddexp';

/** The call that computes running sums, products, extrema or logarithms of sums of exponentials along the middle axis of outer × n × inner elements. */
export const cumulativeCalls = (
  name: Running,
  dtype: DType,
  shape: readonly [outer: number, n: number, inner: number],
  reverse: boolean,
): RuntimeCalls => {
  const args = [...shape, reverse ? 1 : 0, { input: 0 }, { output: 0 }];
  return {
    scratch: 0,
    calls: shape.includes(0) ? [] : [{ name: `cumulative_${name}_${shortName(dtype)}`, args }],
  };
};
