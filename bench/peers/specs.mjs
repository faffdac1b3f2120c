import { free } from './eager.mjs';
import { arithmetic, bits } from './specs/arithmetic.mjs';
import { creation, indexing, manipulation } from './specs/arrays.mjs';
import { gradients, logic, math } from './specs/math.mjs';
import { operand } from './specs/operands.mjs';
import { reductions, sets, sorting, statistics } from './specs/reductions.mjs';

const categories = {
  arithmetic,
  bits,
  math,
  logic,
  gradients,
  reductions,
  sorting,
  statistics,
  sets,
  creation,
  manipulation,
  indexing,
};

/**
 * numpy-ts's own benchmarks (its `benchmarks/src/specs.ts`) call for call: the operands that they have, each in the element
 * types that they go through, as far as we have them. `np` is a library under our names, `array(numbers, shape, dtype)` makes
 * arrays, `read` lists elements.
 */
export function specCases({ np, array, read }) {
  const cases = {};
  for (const [size, shape] of [
    ['10', [2, 5]],
    ['10³', [20, 50]],
    ['10⁶', [1000, 1000]],
  ]) {
    const n = shape[0] * shape[1];
    const sizes = { n, root: Math.round(Math.sqrt(n)), shape };
    for (const [category, rows] of Object.entries(categories))
      for (const [name, operands, dtypes, run] of rows(np, sizes)) {
        if (!run) continue;
        for (const dtype of dtypes) {
          const title = [category, name, ...(operands.length > 0 ? [dtype] : [])].join(' ');
          cases[`eager ${title}, ${size}`] = () => {
            const made = operands.map((x) => operand(array, x, shape, dtype));
            return {
              run: () => free(run(...made)),
              result: () => read(firstOf(run(...made))),
            };
          };
        }
      }
  }
  return cases;
}

/** The first array of a result of several, or in an object with names. */
function firstOf(result) {
  if (Array.isArray(result)) return firstOf(result[0]);
  return result !== null && typeof result === 'object' && 'values' in result && result.counts ? result.values : result;
}
