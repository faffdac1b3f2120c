import { byteSize, type DType, shortName } from '../../src/core/dtype.ts';
import type { RuntimeCalls } from '../lower-rule.ts';

export type Extremum = 'max' | 'min';

/** The call that finds the extremum along the middle axis of outer × n × inner elements. */
export const argFoldCalls = (
  extremum: Extremum,
  dtype: DType,
  shape: readonly [outer: number, n: number, inner: number],
): RuntimeCalls => {
  const args = [...shape, { input: 0 }, { output: 0 }, { scratch: 0 }];
  return {
    scratch: shape[2] * byteSize(dtype),
    calls: shape.includes(0) ? [] : [{ name: `arg_${extremum}_${shortName(dtype)}`, args }],
  };
};
