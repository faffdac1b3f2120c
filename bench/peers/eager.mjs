import { numbers } from './inputs.mjs';

/**
 * Single operations, each executed at once, in float64: what libraries without a compiler offer. `ops` are a library's:
 * functions of its arrays under NumPy's names, with `array(numbers, shape)` and `read(result)`.
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
      return { run, result: () => ops.read(run()) };
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
  for (const n of [10, 100]) {
    /** Far from singular. */
    const matrix = () => {
      const values = Array.from(numbers(n * n, 0));
      for (let i = 0; i < n; i++) values[i * n + i] += n;
      return ops.array(values, [n, n]);
    };
    add(`solve, ${n}²`, () => {
      const [x, y] = [matrix(), inputs([n, 1], 1)];
      return () => ops.solve(x, y);
    });
    add(`inverse, ${n}²`, () => {
      const x = matrix();
      return () => ops.inv(x);
    });
  }
  return cases;
}
