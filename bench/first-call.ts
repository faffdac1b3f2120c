/**
 * One compiled function in a process of its own: `node dist/bench/first-call.js sines`. Prints the milliseconds of its first call
 * and of those after it, each with its result read, and what of these its compiled program took, as JSON.
 */
import type { NDArray } from 'cotangent';

/** Milliseconds in compiled programs, so far. */
let running = 0;

// Exports cannot be replaced, so the library gets instances that tell how long their programs run.
const { Instance } = WebAssembly;
const timed = (program: (frame: number) => number) => (frame: number) => {
  const start = performance.now();
  const status = program(frame);
  running += performance.now() - start;
  return status;
};
WebAssembly.Instance = class {
  readonly exports: WebAssembly.Exports;

  constructor(module: WebAssembly.Module, imports: WebAssembly.Imports) {
    const { exports } = new Instance(module, imports);
    const { main } = exports as { main?: (frame: number) => number };
    this.exports = main ? { ...exports, main: timed(main) } : exports;
  }
} as never;
const { grad, jit, lax, nn, np, random } = await import('cotangent');

type Call = () => number;

const firstElement = (x: NDArray): number => x.ravel().slice([0, 1]).item();

/** What each case computes takes 0.1 to 0.3 s once it runs in the engine's optimised code. */
const cases: Record<string, () => Call> = {
  // A hundred and twenty million sines and cosines, one kernel.
  sines: () => {
    const x = random.uniform(random.key(5), [6_000_000]);
    const f = jit((x: NDArray) => {
      let sum = np.sin(x);
      for (let i = 2; i <= 20; i++) sum = sum.add(i % 2 ? np.sin(x.mul(i)) : np.cos(x.mul(i)));
      return np.sum(sum);
    });
    return () => f(x).item();
  },
  // A loop around one kernel.
  softmax: () => {
    const x = random.normal(random.key(0), [1024, 1024]);
    const f = jit((x: NDArray) => lax.foriLoop(0, 100, (_: NDArray, x: NDArray) => nn.softmax(x.mul(1.5)), x));
    return () => firstElement(f(x));
  },
  // The same written out: eleven hundred equations.
  softmaxes: () => {
    const x = random.normal(random.key(0), [1024, 1024]);
    const f = jit((x: NDArray) => {
      for (let i = 0; i < 100; i++) x = nn.softmax(x.mul(1.5));
      return x;
    });
    return () => firstElement(f(x));
  },
  random: () => {
    const f = jit((key: NDArray) => np.sum(random.normal(key, [10_000_000])));
    const key = random.key(1);
    return () => f(key).item();
  },
  ridge: () => {
    const X = random.normal(random.key(2), [1000, 100]);
    const y = random.normal(random.key(3), [1000]);
    const loss = (w: NDArray): NDArray => np.mean(np.square(X.matmul(w).sub(y))).add(np.sum(w.mul(w)).mul(0.1));
    const step = grad(loss);
    const f = jit((w: NDArray) => lax.foriLoop(0, 12_000, (_: NDArray, w: NDArray) => w.sub(step(w).mul(0.05)), w));
    const w = np.zeros([100], { dtype: 'float32' });
    return () => firstElement(f(w));
  },
  matmul: () => {
    const x = random.normal(random.key(4), [1500, 1500]);
    const f = jit((x: NDArray) => x.matmul(x));
    return () => firstElement(f(x));
  },
};

const name = process.argv[2] ?? '';
const call = cases[name]?.();
if (!call) {
  console.log(JSON.stringify(Object.keys(cases)));
  process.exit();
}
const times: { call: number; run: number }[] = [];
let value = 0;
for (let i = 0; i < 7; i++) {
  running = 0;
  const start = performance.now();
  value = call();
  times.push({ call: performance.now() - start, run: running });
}
console.log(JSON.stringify({ first: times[0], later: times.slice(1), value }));
