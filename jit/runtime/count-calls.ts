import type { RuntimeCalls } from '../lower-rule.ts';

/** Tables that elements are counted in, one after the other. */
export const countTables = 4;
/** Bytes of a table beyond which they would push each other out of the first-level cache. */
const largestTable = 8192;

/** The call that counts n positions below `length` in each of `outer` rows. */
export function countCalls(isSigned: boolean, [outer, n, length]: readonly [number, number, number]): RuntimeCalls {
  const bytes = 4 * (length + 1);
  // Tables are set to 0 and added up.
  const several = n >= 8 * length && bytes <= largestTable;
  const stride = several ? Math.ceil(bytes / 64) * 64 : 0;
  const args = [outer, n, length, stride, { input: 0 }, { output: 0 }, { scratch: 0 }];
  return {
    scratch: Math.ceil(((countTables - 1) * stride + bytes) / 64) * 64,
    calls: outer * length === 0 ? [] : [{ name: isSigned ? 'count_i32' : 'count_u32', args }],
  };
}
