import { type DType, shortName } from '../../src/core/dtype.ts';
import type { RuntimeCalls } from '../lower-rule.ts';

export type Side = 'left' | 'right';

/** The call that finds where m queries belong among n sorted elements, in each of `outer` rows. */
export const searchCalls = (
  side: Side,
  dtype: DType,
  shape: readonly [outer: number, n: number, m: number],
): RuntimeCalls => {
  const args = [...shape, { input: 0 }, { input: 1 }, { output: 0 }];
  return {
    scratch: 0,
    calls: shape[0] * shape[2] === 0 ? [] : [{ name: `search_${side}_${shortName(dtype)}`, args }],
  };
};
