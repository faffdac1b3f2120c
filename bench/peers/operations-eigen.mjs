import { free } from './eager.mjs';
import { numbers } from './inputs.mjs';

/**
 * Eigenvalues of general matrices, and polynomials by their roots, on matrices and polynomials of random numbers. A library has those of these functions that it
 * has: `eig(x)` gives eigenvalues and vectors, of which `real(values)` lists real parts. Orders differ, and so results are compared sorted.
 */
export function eigenCases({ array, eig, eigvals, roots, poly, real, read }) {
  const cases = {};
  const add = (name, operand, run, list) => {
    cases[`eager ${name}`] = () => {
      const x = operand();
      return { run: () => free(run(x)), result: () => list(run(x)).sort((a, b) => a - b) };
    };
  };
  for (const n of [3, 10, 50, 100, 200, 500]) {
    const operand = () => array(Array.from(numbers(n * n, 3)), [n, n]);
    if (eig) add(`general eigenvalues and vectors, ${n}²`, operand, eig, real);
    if (eigvals) add(`general eigenvalues, ${n}²`, operand, eigvals, real);
  }
  for (const n of [4, 10, 50]) {
    const operand = () => array([1, ...numbers(n, 4)], [n + 1]);
    if (roots) add(`roots, degree ${n}`, operand, roots, real);
    if (poly)
      add(
        `poly, degree ${n}`,
        () => array(Array.from(numbers(n, 5)), [n]),
        poly,
        (x) => Array.from(read(x)),
      );
  }
  return cases;
}
