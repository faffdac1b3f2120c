import { numbers } from './inputs.mjs';

/** Frees results where a library has memory of its own. */
export function free(result) {
  if (Array.isArray(result)) for (const x of result) free(x);
  else result?.dispose?.();
}

/**
 * Single operations, each executed at once, in float64: what libraries without a compiler offer. `ops` are a library's:
 * functions of its arrays under NumPy's names, as far as it has them, with `array(numbers, shape)`, `positions(integers)`
 * and `read(result)`.
 */
export function eagerCases(ops) {
  const cases = {};
  const inputs = (shape, seed, scale = 1) =>
    ops.array(
      numbers(
        shape.reduce((a, b) => a * b, 1),
        seed,
        scale,
      ),
      shape,
    );
  const add = (name, prepare) => {
    cases[`eager ${name}`] = () => {
      const run = prepare();
      return { run: () => free(run()), result: () => ops.read(run()) };
    };
  };
  for (const [size, shape] of [
    ['10', [2, 5]],
    ['10³', [20, 50]],
    ['10⁶', [1000, 1000]],
  ]) {
    for (const name of ['add', 'multiply'])
      add(`${name}, ${size}`, () => {
        const [x, y] = [inputs(shape, 0), inputs(shape, 1)];
        return () => ops[name](x, y);
      });
    for (const name of ['exp', 'sin', 'sum'])
      add(`${name}, ${size}`, () => {
        const x = inputs(shape, 0, 6);
        return () => ops[name](x);
      });
    const length = shape[0] * shape[1];
    for (const name of ['sort', 'argsort', 'cumsum', 'cumprod']) {
      if (!ops[name]) continue;
      add(`${name}, ${size}`, () => {
        // Near 1, so that products stay finite.
        const x = ops.array(
          numbers(length, 0, 1e-3).map((v) => v + 1),
          [length],
        );
        return () => ops[name](x);
      });
    }
    for (const name of ['take', 'put']) {
      if (!ops[name]) continue;
      add(`${name}, ${size}`, () => {
        const x = inputs([length], 0);
        const at = ops.positions(Array.from(numbers(length, 2), (v) => Math.floor((v + 0.5) * length)));
        return () => ops[name](x, at);
      });
    }
  }
  for (const n of [10, 100, 1000]) {
    add(`x + xᵀ, ${n}²`, () => {
      const x = inputs([n, n], 0);
      return () => ops.add(x, ops.transpose(x));
    });
    add(`matmul, ${n}²`, () => {
      const [x, y] = [inputs([n, n], 0), inputs([n, n], 1)];
      return () => ops.matmul(x, y);
    });
  }
  for (const n of [10, 100, 300]) {
    /** Far from singular. */
    const values = () => {
      const entries = Array.from(numbers(n * n, 0));
      for (let i = 0; i < n; i++) entries[i * n + i] += n;
      return entries;
    };
    /** Its symmetric part, which is positive definite. */
    const symmetric = () => {
      const entries = values();
      return entries.map((v, i) => (v + entries[(i % n) * n + Math.floor(i / n)]) / 2);
    };
    const operand = (entries) => ops.array(entries, [n, n]);
    add(`solve, ${n}²`, () => {
      const [x, y] = [operand(values()), inputs([n, 1], 1)];
      return () => ops.solve(x, y);
    });
    for (const [name, title, entries] of [
      ['inv', 'inverse', values],
      ['det', 'determinant', values],
      ['cholesky', 'cholesky', symmetric],
      ['qr', 'qr', values],
      ['eigh', 'eigenvalues and vectors', symmetric],
      ['svd', 'singular values and vectors', values],
    ]) {
      if (!ops[name]) continue;
      add(`${title}, ${n}²`, () => {
        const x = operand(entries());
        return () => ops[name](x);
      });
    }
  }
  return cases;
}
