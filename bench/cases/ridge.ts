/** Gradient descent on ridge regression: the whole solve is one call. */
import { grad, jit, lax, type NDArray, np, random } from '../../src/index.ts';
import type { Case } from '../harness.ts';

const steps = 500;
const l2reg = 0.1;

/** The same arithmetic in plain JavaScript on typed arrays: what one would write by hand. */
function byHand(X: Float32Array, y: Float32Array, rows: number, columns: number, stepsize: number): Float32Array {
  let w = new Float32Array(columns);
  const r = new Float32Array(rows);
  for (let step = 0; step < steps; step++) {
    for (let i = 0; i < rows; i++) {
      let sum = 0;
      for (let j = 0; j < columns; j++) sum += X[i * columns + j]! * w[j]!;
      r[i] = sum - y[i]!;
    }
    const next = new Float32Array(columns);
    for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) next[j]! += X[i * columns + j]! * r[i]!;
    for (let j = 0; j < columns; j++) next[j] = w[j]! - stepsize * (next[j]! / rows + l2reg * w[j]!);
    w = next;
  }
  return w;
}

function ridge(rows: number, columns: number): Case {
  const X = random.normal(random.key(0), [rows, columns]);
  const y = random.normal(random.key(1), [rows]);
  const stepsize = rows > 500 ? 0.5 : 0.1;
  const loss = (w: NDArray, X: NDArray, y: NDArray): NDArray => {
    const residual = np.matmul(X, w).sub(y);
    return np
      .mean(residual.mul(residual))
      .add(np.sum(w.mul(w)).mul(l2reg))
      .mul(0.5);
  };
  const gradient = grad(loss);
  const solve = jit((X: NDArray, y: NDArray) =>
    lax.foriLoop(0, steps, (_i: NDArray, w: NDArray) => w.sub(gradient(w, X, y).mul(stepsize)), np.zeros([columns])),
  );
  const step = jit((w: NDArray, X: NDArray, y: NDArray) => w.sub(gradient(w, X, y).mul(stepsize)));
  const [hostX, hostY] = [X.data() as Float32Array, y.data() as Float32Array];
  return {
    name: `${steps} gradient steps, ridge ${rows}×${columns}, float32`,
    tolerance: 1e-4,
    flops: 4 * rows * columns * steps,
    implementations: [
      { name: 'jit of the whole loop', run: () => solve(X, y).data() },
      {
        name: 'jit of one step',
        run: () => {
          let w = np.zeros([columns]);
          for (let i = 0; i < steps; i++) w = step(w, X, y);
          return w.data();
        },
      },
      { name: 'JavaScript by hand', run: () => byHand(hostX, hostY, rows, columns, stepsize) },
    ],
  };
}

export const ridgeCases = (): Case[] => [ridge(100, 10), ridge(1000, 100)];
