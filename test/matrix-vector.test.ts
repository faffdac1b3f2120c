/** Compiled products of a matrix with vectors, and what is computed between them. */
import t from 'tap';
import { grad, jit, lax, type NDArray, np } from '../src/index.ts';
import { agree, kernelsOf, numbers, worst } from './lib/compiled.ts';

t.test('two products with one matrix', (t) => {
  for (const dtype of ['float32', 'float64'] as const)
    for (const [rows, columns] of dtype === 'float32'
      ? ([
          [300, 40],
          [317, 33],
          [9000, 2],
        ] as const)
      : ([[130, 70]] as const)) {
      const name = `${dtype}, ${rows}×${columns}`;
      const [X, w, y] = [numbers([rows, columns], dtype), numbers([columns], dtype), numbers([rows], dtype)];
      const loss = (v: NDArray, X: NDArray, y: NDArray) => np.sum(np.square(np.matmul(X, v).sub(y)));
      const logistic = (v: NDArray, X: NDArray, y: NDArray) =>
        np.sum(np.log1p(np.exp(np.matmul(X, v).mul(y).mul(-1e-3))));
      agree(t, `${name}: a gradient`, grad(loss), w, X, y);
      agree(t, `${name}: of a logistic loss`, grad(logistic), w, X, y);
      agree(t, `${name}: and its value`, (v, X, y) => [grad(loss)(v, X, y), loss(v, X, y)], w, X, y);
      agree(t, `${name}: XᵀX w`, (v, X) => np.matmul(X.T, np.matmul(X, v)), w, X);
      agree(t, `${name}: and X w`, (v, X) => [np.matmul(X, v), np.matmul(X.T, np.matmul(X, v))], w, X);
      agree(
        t,
        `${name}: of a slice`,
        (v, X) => np.matmul(X.T, np.matmul(X, v).add(1)),
        w.slice([1, null]),
        np.pad(X, 1).slice([], [2, -1]),
      );
      agree(t, `${name}: twice`, (v, X, y) => grad(loss)(grad(loss)(v, X, y).mul(1e-6), X.add(1), y), w, X, y);
      agree(
        t,
        `${name}: in a loop`,
        (v, X, y) => lax.foriLoop(0, 3, (_i, u) => u.sub(grad(loss)(u, X, y).mul(1e-7)), v),
        w,
        X,
        y,
      );
      agree(
        t,
        `${name}: with positions of rows`,
        (v, X) => np.matmul(X.T, np.matmul(X, v).mul(np.arange(rows).astype(dtype))),
        w,
        X,
      );
    }
  const wide = (r: number): [NDArray, NDArray, NDArray] => [numbers([r, 40]), numbers([40]), numbers([r])];
  const gradient = (X: NDArray, v: NDArray, y: NDArray) => np.matmul(X.T, np.matmul(X, v).sub(y));
  t.notMatch(
    jit(gradient)
      .lower(...wide(100))
      .code.split('$main')[1],
    'while',
    'a small matrix: a kernel each and main',
  );
  t.match(
    jit(gradient).lower(...wide(400)).code,
    /while.*\n(.*\n)?.*call \$k0 .*\n.*call \$k1 .*\n.*call \$k2 /,
    'a large one: a loop of kernels',
  );
  t.end();
});

t.test('both products with a matrix of few columns, and what follows, in one kernel', (t) => {
  const step = (X: NDArray, v: NDArray, y: NDArray) =>
    v.sub(np.matmul(X.T, np.matmul(X, v).sub(y)).add(v.mul(0.1)).mul(1e-3));
  const product = (v: NDArray, X: NDArray) => np.matmul(X.T, np.matmul(X, v));
  /** By rows, and by columns. */
  const matrices = (rows: number, columns: number, dtype: 'float32' | 'float64') =>
    [
      ['', numbers([rows, columns], dtype), (X: NDArray) => X],
      [' by columns', numbers([columns, rows], dtype), (X: NDArray) => X.T],
    ] as const;
  for (const dtype of ['float32', 'float64'] as const)
    for (const rows of [4, 6, 101])
      for (const columns of rows === 101 ? [2, 3, 8, 10, 13, 20] : [3, 10])
        for (const [how, M, of] of matrices(rows, columns, dtype)) {
          const name = `${dtype}, ${rows}×${columns}${how}`;
          const [w, y] = [numbers([columns], dtype), numbers([rows], dtype)];
          agree(t, `${name}: a step`, (M, v, y) => step(of(M), v, y), M, w, y);
          agree(
            t,
            `${name}: steps in a loop`,
            (M, v, y) => lax.foriLoop(0, 9, (_i, u) => step(of(M), u.mul(0.5).add(v), y), v),
            M,
            w,
            y,
          );
          agree(
            t,
            `${name}: bools and integers from the result`,
            (v, M) => [product(v, of(M)).gt(0), product(v, of(M)).gt(v).astype('int32'), product(v, of(M)).mul(v)],
            w,
            M,
          );
          agree(
            t,
            `${name}: what is between them is wanted too`,
            (v, M) => {
              const p = np.tanh(np.matmul(of(M), v).mul(0.01));
              return [p, np.exp(np.matmul(of(M).T, p).neg().mul(1e-3))];
            },
            w,
            M,
          );
          agree(t, `${name}: nothing between`, (v, M) => [product(v, of(M)), np.matmul(of(M), v)], w, M);
          agree(
            t,
            `${name}: what is no number for 0`,
            (v, M, y) => np.matmul(of(M).T, np.matmul(of(M), v).div(y)),
            w,
            M,
            y,
          );
          agree(
            t,
            `${name}: with positions`,
            (v, M) =>
              np
                .matmul(of(M).T, np.matmul(of(M), v).mul(np.arange(rows).astype(dtype)))
                .add(np.arange(columns).astype(dtype)),
            w,
            M,
          );
          agree(
            t,
            `${name}: read by two kernels`,
            (v, M) => [product(v, of(M)).mul(2), np.sum(product(v, of(M))), np.flip(product(v, of(M))).sub(v)],
            w,
            M,
          );
          agree(
            t,
            `${name}: of slices`,
            (v, M, y) => step(of(M).slice([1, -1], [2, null]), v.slice([2, null]), y.slice([2, null])),
            np.pad(w, 1),
            np.pad(M, 1),
            np.pad(y, 1),
          );
        }
  for (const [rows, columns] of [
    [1229, 20],
    [400, 25],
    [3000, 20],
    [35, 31],
    [1000, 64],
  ] as const)
    for (const [how, M, of] of matrices(rows, columns, 'float32'))
      agree(
        t,
        `${rows}×${columns}${how}, in groups or blocks`,
        (M, v, y) => lax.foriLoop(0, 9, (_i, u) => step(of(M), u, y).mul(0.01), v),
        M,
        numbers([columns]),
        numbers([rows]),
      );
  const [X, w, y] = [numbers([100, 10]), numbers([10]), numbers([100])];
  t.same(kernelsOf(step, X, w, y), ['k0'], 'a step');
  t.same(
    kernelsOf((X, w, y) => lax.foriLoop(0, 5, (_i, v) => step(X, v, y), w), X, w, y),
    ['k0'],
    'steps in a loop',
  );
  const many = (X: NDArray, w: NDArray, y: NDArray) => lax.foriLoop(0, 50, (_i, v) => step(X, v, y), w);
  t.same(kernelsOf(many, X, w, y), ['k0', 'k1'], 'many steps: a copy by columns, and a kernel');
  t.same(
    kernelsOf((X, w, y) => many(X.T, w, y), X.T, w, y),
    ['k0'],
    'no copy of columns',
  );
  const nested = (X: NDArray, w: NDArray, y: NDArray) => lax.foriLoop(0, 9, (_i, v) => many(X, v, y), w);
  t.same(kernelsOf(nested, X, w, y), ['k0', 'k1'], 'one copy for a loop of loops');
  t.match(jit(nested).lower(X, w, y).code.split('$main')[1], /^[^$]*call \$k0/, 'made before both');
  t.end();
});

t.test('what is computed from a product with a vector is in its kernel', (t) => {
  for (const dtype of ['float32', 'float64'] as const)
    for (const m of [1, 2, 3, 4, 7, 8, 13, 40])
      for (const k of [1, 3, 9, 50]) {
        const [A, x, b] = [numbers([m, k], dtype), numbers([k], dtype), numbers([m], dtype)];
        const layer = (A: NDArray, x: NDArray, b: NDArray) => np.tanh(np.matmul(A, x).mul(0.1).add(b));
        agree(t, `${dtype}, A x with ${m}×${k}`, layer, A, x, b);
        agree(t, `${dtype}, x A with ${m}×${k}`, (A, x, b) => [layer(A.T, x, b), b.mul(2)], A.T, x, b);
        agree(
          t,
          `${dtype}, rows with ${m}×${k}`,
          (A, x, b) => {
            const y = np.matmul(x.reshape([1, k]), A);
            return [y.mul(y).add(b), np.where(y.gt(0), y, b)];
          },
          numbers([k, m], dtype),
          x,
          b,
        );
        agree(
          t,
          `${dtype}, read elsewhere too: ${m}×${k}`,
          (A, x, b) => {
            const y = np.matmul(A, x);
            return [y.add(b), np.sum(y), np.matmul(A, x.add(1)).add(y)];
          },
          A,
          x,
          b,
        );
      }
  agree(
    t,
    'a matrix that is a product with a vector',
    (A, x, b) => np.matmul(A.reshape([2, 3, 4]), x).add(b),
    numbers([2, 12]),
    numbers([4]),
    numbers([2, 1]),
  );
  const [A, x, b] = [numbers([20, 30]), numbers([30]), numbers([20])];
  const layer = (A: NDArray, x: NDArray, b: NDArray) => np.matmul(A, x).add(b);
  t.same(kernelsOf(layer, A, x, b), ['k0']);
  t.equal(jit(layer).lower(A, x, b).peakBytes, 0, 'the product is nowhere');
  t.end();
});

type Step = readonly [operation: string, operand: number, other: number];

/** Programs with one matrix: vectors of two lengths, products that turn one into the other, and what is elementwise or folded between them. */
class Program {
  readonly rows: number;
  readonly columns: number;
  readonly dtype: 'float32' | 'float64';
  readonly steps: Step[] = [];
  readonly outs: readonly number[];
  private readonly lengths: number[];
  private readonly random: () => number;

  constructor(random: () => number) {
    this.random = random;
    this.dtype = this.pick(['float32', 'float64']);
    this.rows = 1 + this.below(this.pick([6, 12, 40]));
    this.columns = 1 + this.below(this.pick([6, 12, 24]));
    this.lengths = [this.rows, this.columns, this.rows];
    for (let left = 4 + this.below(10); left > 0; left--) this.step();
    const last = this.lengths.length - 1;
    this.outs = [...new Set([last, this.below(last + 1), this.below(last + 1)])];
  }

  private below(n: number): number {
    return Math.floor(this.random() * n);
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  private ofLength(length: number): number {
    return this.pick(this.lengths.flatMap((n, i) => (n === length ? [i] : [])));
  }

  private step(): void {
    const add = (operation: string, x: number, y: number, length: number): void => {
      this.steps.push([operation, x, y]);
      this.lengths.push(length);
    };
    const kind = this.below(9);
    if (kind < 3) add('product', this.ofLength(this.columns), 0, this.rows);
    else if (kind < 5) add('transposed', this.ofLength(this.rows), 0, this.columns);
    else {
      const x = this.below(this.lengths.length);
      const names = kind < 7 ? ['add', 'multiply', 'where', 'tanh', 'max'] : ['fold', 'flip', 'scale', 'positions'];
      add(this.pick(names), x, this.ofLength(this.lengths[x]!), this.lengths[x]!);
    }
  }

  arguments(): NDArray[] {
    return [[this.rows, this.columns], [this.rows], [this.columns], [this.rows]].map((shape) => {
      const values = Array.from({ length: shape.reduce((a, b) => a * b) }, () => 2 * this.random() - 1);
      return np.array(values, { dtype: this.dtype }).reshape(shape);
    });
  }

  readonly run = (A: NDArray, ...given: NDArray[]): NDArray[] => {
    const values = [...given];
    for (const [operation, i, j] of this.steps) {
      const [x, y] = [values[i]!, values[j]!];
      values.push(this.apply(operation, A, x, y));
    }
    return this.outs.map((i) => values[i]!);
  };

  private apply(operation: string, A: NDArray, x: NDArray, y: NDArray): NDArray {
    switch (operation) {
      case 'product':
        return np.dot(A, x).mul(0.3);
      case 'transposed':
        return np.dot(A.T, x);
      case 'add':
        return x.add(y);
      case 'multiply':
        return x.mul(y).mul(0.5);
      case 'where':
        return np.where(x.gt(y), x, y.mul(0.5));
      case 'tanh':
        return np.tanh(x);
      case 'max':
        return np.maximum(x, 0.1);
      case 'fold':
        return x.div(np.sum(np.abs(x)).add(1));
      case 'flip':
        return np.flip(x);
      case 'scale':
        return x.mul(0.9);
      default:
        return x.add(np.arange(x.shape[0]!).mul(0.01).astype(this.dtype));
    }
  }

  /** The results as the next step's arguments. */
  readonly repeat = (A: NDArray, a: NDArray, b: NDArray, c: NDArray): NDArray[] => {
    const one = ([x, y]: readonly NDArray[]): NDArray[] => {
      const results = this.run(A, x!, y!, c);
      const next = (old: NDArray): NDArray => np.tanh(results.find((r) => r.shape[0] === old.shape[0]) ?? old);
      return [next(x!), next(y!)];
    };
    return lax.foriLoop(0, 3, (_: NDArray, carried: NDArray[]) => one(carried), [a, b]);
  };
}

/** Seeded random programs: compiled code against the same operations one by one. */
t.test('programs of products', (t) => {
  let state = 20;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  for (let i = 0; i < 250; i++) {
    const seed = state;
    const program = new Program(random);
    const args = program.arguments() as [NDArray, NDArray, NDArray, NDArray];
    const bound = program.dtype === 'float32' ? 1e-4 : 1e-12;
    const once = worst(program.run(...args), jit(program.run)(...args));
    const text = `${program.rows}×${program.columns} ${program.dtype}, ${JSON.stringify(program.steps)} → ${program.outs}`;
    if (!(once < bound)) t.fail(`state ${seed}: off by ${once}: ${text}`);
    if (i % 3 > 0) continue;
    // Three steps of a driver's loop against three that the user's own loop makes.
    let [, a, b] = args;
    for (let k = 0; k < 3; k++) {
      const results = program.run(args[0], a, b, args[3]);
      const next = (old: NDArray): NDArray => np.tanh(results.find((r) => r.shape[0] === old.shape[0]) ?? old);
      [a, b] = [next(a), next(b)];
    }
    const looped = worst([a, b], jit(program.repeat)(...args));
    if (!(looped < bound)) t.fail(`state ${seed}, in a loop: off by ${looped}: ${text}`);
  }
  t.pass('250 programs');
  t.end();
});
