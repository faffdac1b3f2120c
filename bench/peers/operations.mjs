import { free } from './eager.mjs';
import { arithmetic } from './operations/arithmetic.mjs';
import { bits } from './operations/bits.mjs';
import { creation } from './operations/creation.mjs';
import { indexing } from './operations/indexing.mjs';
import { logic } from './operations/logic.mjs';
import { manipulation } from './operations/manipulation.mjs';
import { math } from './operations/math.mjs';
import { operandsOf } from './operations/operands.mjs';
import { products } from './operations/products.mjs';
import { reductions } from './operations/reductions.mjs';
import { sets } from './operations/sets.mjs';
import { statistics } from './operations/statistics.mjs';

const categories = [
  arithmetic,
  math,
  logic,
  bits,
  reductions,
  statistics,
  products,
  indexing,
  sets,
  manipulation,
  creation,
];

/**
 * What numpy-ts's own benchmarks time, and more of the kind, on 10, 10³ and 10⁶ elements. `library` is one under our names:
 * `np`, `linalg`, with `array(numbers, shape)` and `positions(integers, shape)`, which make arrays of float64 and int32, and
 * `read`, which lists elements. Each category calls `add(name, prepare, run)` for its rows: `prepare` makes operands, `run` is
 * timed.
 */
export function operationCases(library) {
  const cases = {};
  for (const [size, shape] of [
    ['10', [2, 5]],
    ['10³', [20, 50]],
    ['10⁶', [1000, 1000]],
  ]) {
    const add = (name, prepare, run) => {
      cases[`eager ${name}, ${size}`] = () => {
        const operands = prepare();
        return { run: () => free(run(...operands)), result: () => library.read([run(...operands)].flat()[0]) };
      };
    };
    const operands = operandsOf(library, shape);
    for (const category of categories) category(add, library, operands);
  }
  return cases;
}
