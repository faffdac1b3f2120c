/** Seeded random programs of products with one matrix: compiled code against the same operations one by one. */
import t from 'tap';
import { jit, lax, type NDArray, np } from '../src/index.ts';

type Step = readonly [operation: string, operand: number, other: number];

/** Vectors of two lengths, products that turn one into the other, and what is elementwise or folded between them. */
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

function worst(want: readonly NDArray[], got: readonly NDArray[]): number {
  let worst = 0;
  want.forEach((w, k) => {
    const [expected, actual] = [w.data(), got[k]!.data()];
    const largest = Math.max(1, ...Array.from(expected, Math.abs));
    expected.forEach((x: number, i: number) => {
      const difference = Math.abs(x - actual[i]!) / largest;
      worst = Math.max(worst, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
    });
  });
  return worst;
}

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
