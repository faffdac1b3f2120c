import { free } from './eager.mjs';
import { numbers } from './inputs.mjs';

/**
 * What ml-matrix's own benchmarks time, but for eigenvalues of general matrices, at their sizes and others. `ops` are a library's functions
 * under the names here, with `array(numbers, shape)` and `read(result)`.
 */
export function mlMatrixCases(ops) {
  const cases = {};
  const matrix = (m, n, seed = 0, diagonal = 0) => {
    const entries = Array.from(numbers(m * n, seed));
    for (let i = 0; i < Math.min(m, n); i++) entries[i * n + i] += diagonal;
    return ops.array(entries, [m, n]);
  };
  const add = (name, size, prepare, result = ops.read) => {
    cases[`eager ml-matrix ${name}, ${size}`] = () => {
      const run = prepare();
      return { run: () => free(run()), result: () => result(run()) };
    };
  };
  for (const n of [5, 32, 1000]) {
    add('chain', `${n}²`, () => {
      const x = matrix(n, n);
      return () => ops.chain(x);
    });
    add('transpose', `${n}²`, () => {
      const x = matrix(n, n);
      return () => ops.transpose(x);
    });
  }
  for (const n of [5, 32, 200]) {
    for (const name of ['inverse', 'svd', 'lu', 'symmetric eigenvectors'])
      add(
        name,
        `${n}²`,
        () => {
          const x = name === 'symmetric eigenvectors' ? ops.symmetric(matrix(n, n, 0, 1)) : matrix(n, n, 0, 1);
          return () => ops[name](x);
        },
        ops.results[name] ?? ops.read,
      );
  }
  for (const n of [5, 32, 100, 500])
    add('transpose product', `${n}²`, () => {
      const [x, y] = [matrix(n, n), matrix(n, n, 1)];
      return () => ops.transposeProduct(x, y);
    });
  for (const [m, n] of [
    [4, 6],
    [20, 30],
    [200, 300],
  ])
    add(
      'svd of a product',
      `${n}×${m} · ${m}×${n}`,
      () => {
        const [x, y] = [matrix(n, m), matrix(m, n, 1)];
        return () => ops.svd(ops.product(x, y));
      },
      // The others are rounding.
      (factors) => Array.from(ops.results.svd(factors)).slice(0, m),
    );
  return cases;
}
