import { type DType, shortName } from '../../src/core/dtype.ts';
import type { RuntimeCalls } from '../lower-rule.ts';

export type Folding = 'add' | 'mul' | 'max' | 'min';
export type Running = Folding | 'logaddexp';

/** Whether running sums of whole lines are kept in float64. */
export const keepsWideLine = (name: Running, dtype: DType): boolean => name === 'add' && dtype === 'float32';

/** The call that computes running sums, products, extrema or logarithms of sums of exponentials along the middle axis of outer × n × inner elements. */
export const cumulativeCalls = (
  name: Running,
  dtype: DType,
  shape: readonly [outer: number, n: number, inner: number],
  reverse: boolean,
): RuntimeCalls => {
  const needsLine = keepsWideLine(name, dtype);
  const args = [...shape, reverse ? 1 : 0, { input: 0 }, { output: 0 }, ...(needsLine ? [{ scratch: 0 }] : [])];
  return {
    scratch: needsLine && shape[2] > 1 ? 8 * shape[2] : 0,
    calls: shape.includes(0) ? [] : [{ name: `cumulative_${name}_${shortName(dtype)}`, args }],
  };
};
