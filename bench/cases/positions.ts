/** Reading and writing at computed positions, transposing, and loops of each lane, against loops by hand. */
import { grad, jit, lax, type NDArray, nn, np, random, vmap } from '../../src/index.ts';
import type { Case } from '../harness.ts';

const integers = (n: number, below: number, factor: number): NDArray =>
  np.array(
    Int32Array.from({ length: n }, (_, i) => (i * factor) % below),
    { dtype: 'int32' },
  );

/** The first rows of a result, which stays where it is: reading all of it would take as long as computing it. */
function firstRows(y: NDArray): Float32Array | Float64Array {
  const rows = y.slice([0, 4]).data() as Float32Array | Float64Array;
  y.dispose();
  return rows;
}

function lookup(n: number, table: number): Case {
  const [x, at] = [random.normal(random.key(0), [table]), integers(n, table, 7919)];
  const compiled = jit((x: NDArray, at: NDArray) => np.take(x, at).mul(2).add(1));
  const [xs, ats] = [x.data() as Float32Array, at.data() as Int32Array];
  return {
    name: `2·x[i] + 1, ${n} of ${table}, float32`,
    tolerance: 1e-6,
    bytes: 8 * n,
    implementations: [
      { name: 'jit', run: () => firstRows(compiled(x, at)) },
      {
        name: 'JavaScript by hand',
        run: () => {
          const out = new Float32Array(n);
          for (let i = 0; i < n; i++) out[i] = 2 * xs[ats[i]!]! + 1;
          return out.subarray(0, 4);
        },
      },
    ],
  };
}

/** One step of gradient descent on the rows of a table that a batch names. */
function embedding(rows: number, width: number, batch: number): Case {
  const [w, at] = [random.normal(random.key(1), [rows, width]), integers(batch, rows / 4, 31)];
  const loss = (w: NDArray, at: NDArray): NDArray => np.sum(np.take(w, at, { axis: 0 }).mul(w.slice(0)));
  const compiled = jit((w: NDArray, at: NDArray) => w.sub((grad(loss)(w, at) as NDArray).mul(0.1)));
  const [ws, ats] = [w.data() as Float32Array, at.data() as Int32Array];
  return {
    name: `gradient step on ${batch} rows of ${rows}×${width}, float32`,
    tolerance: 1e-4,
    bytes: 8 * rows * width,
    implementations: [
      { name: 'jit', run: () => firstRows(compiled(w, at)) },
      {
        name: 'JavaScript by hand',
        run: () => {
          const g = new Float32Array(rows * width);
          for (const i of ats)
            for (let k = 0; k < width; k++) {
              g[i * width + k]! += ws[k]!;
              g[k]! += ws[i * width + k]!;
            }
          return ws.map((v, i) => v - 0.1 * g[i]!).subarray(0, 4 * width);
        },
      },
    ],
  };
}

function transpose(n: number, dtype: 'float32' | 'float64'): Case {
  const x = random.normal(random.key(2), [n, n], { dtype });
  const compiled = jit((x: NDArray) => x.T);
  const xs = x.data();
  return {
    name: `transpose ${n}×${n}, ${dtype}`,
    tolerance: 0,
    bytes: 2 * xs.byteLength,
    implementations: [
      { name: 'jit', run: () => firstRows(compiled(x)) },
      {
        name: 'JavaScript by hand',
        run: () => {
          const out = xs.slice();
          for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) out[j * n + i] = xs[i * n + j]!;
          return out.subarray(0, 4 * n);
        },
      },
    ],
  };
}

function softmaxOver(axis: 0 | 1, n: number): Case {
  const x = random.normal(random.key(3), [n, n]);
  const compiled = jit((x: NDArray) => nn.softmax(x, { axis }));
  const xs = x.data() as Float32Array;
  return {
    name: `softmax over axis ${axis}, ${n}×${n}, float32`,
    tolerance: 1e-5,
    bytes: 8 * n * n,
    implementations: [
      { name: 'jit', run: () => firstRows(compiled(x)) },
      {
        name: 'JavaScript by hand',
        run: () => {
          const out = new Float32Array(n * n);
          const [row, step] = axis === 0 ? [1, n] : [n, 1];
          for (let i = 0; i < n; i++) {
            let [most, sum] = [Number.NEGATIVE_INFINITY, 0];
            for (let k = 0; k < n; k++) most = Math.max(most, xs[i * row + k * step]!);
            for (let k = 0; k < n; k++) sum += out[i * row + k * step] = Math.exp(xs[i * row + k * step]! - most);
            for (let k = 0; k < n; k++) out[i * row + k * step]! /= sum;
          }
          return out.subarray(0, 4 * n);
        },
      },
    ],
  };
}

/** An exponential mean of each of many series, in the order in which `vmap` holds them. */
function filter(lanes: number, steps: number): Case {
  const [x0, xs] = [random.normal(random.key(4), [lanes]), random.normal(random.key(5), [lanes, steps])];
  const mean = (h: NDArray, series: NDArray): NDArray =>
    lax.scan(
      (h: NDArray, x: NDArray) => {
        const next = h.mul(0.9).add(x.mul(0.1));
        return [next, next];
      },
      h,
      series,
    )[1] as NDArray;
  const compiled = jit(vmap(mean));
  const [start, series] = [x0.data() as Float32Array, xs.data() as Float32Array];
  return {
    name: `scan of ${steps} steps in each of ${lanes} lanes, float32`,
    tolerance: 1e-5,
    bytes: 8 * lanes * steps,
    implementations: [
      { name: 'jit', run: () => firstRows(compiled(x0, xs)) },
      {
        name: 'JavaScript by hand',
        run: () => {
          const out = new Float32Array(lanes * steps);
          for (let i = 0; i < lanes; i++) {
            let h = start[i]!;
            for (let k = i * steps; k < (i + 1) * steps; k++) out[k] = h = 0.9 * h + 0.1 * series[k]!;
          }
          return out.subarray(0, 4 * steps);
        },
      },
    ],
  };
}

/** Every element of an array written in a loop, each from those before it. */
function written(n: number): Case {
  const x = random.uniform(random.key(6), [n]);
  const compiled = jit((x: NDArray) =>
    lax.foriLoop(
      2,
      n,
      (i: NDArray, c: NDArray) =>
        c.at(i).add(
          c
            .slice(i.sub(1))
            .mul(0.5)
            .sub(c.slice(i.sub(2)).mul(0.3)),
        ),
      x,
    ),
  );
  const xs = x.data() as Float32Array;
  return {
    name: `${n} elements of one array, each from two before it, float32`,
    tolerance: 1e-5,
    implementations: [
      { name: 'jit', run: () => (compiled(x) as NDArray).data() },
      {
        name: 'JavaScript by hand',
        run: () => {
          const out = xs.slice();
          for (let i = 2; i < n; i++) out[i]! += 0.5 * out[i - 1]! - 0.3 * out[i - 2]!;
          return out;
        },
      },
    ],
  };
}

export const positionCases = (): Case[] => [
  lookup(1_000_000, 100_000),
  embedding(10_000, 128, 4096),
  transpose(1024, 'float32'),
  transpose(1024, 'float64'),
  softmaxOver(1, 1024),
  softmaxOver(0, 1024),
  filter(100_000, 50),
  written(10_000),
];
