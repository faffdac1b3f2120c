/** Single operations against loops by hand. */
import { jit, type NDArray, nn, np, random } from '../../src/index.ts';
import type { Case } from '../harness.ts';

function matmul(n: number): Case {
  const [a, b] = [random.normal(random.key(0), [n, n]), random.normal(random.key(1), [n, n])];
  const compiled = jit((x: NDArray, y: NDArray) => np.matmul(x, y));
  const [x, y] = [a.data() as Float32Array, b.data() as Float32Array];
  return {
    name: `matmul ${n}×${n}, float32`,
    tolerance: 1e-4,
    flops: 2 * n ** 3,
    implementations: [
      { name: 'jit', run: () => compiled(a, b).data() },
      { name: 'eager', run: () => np.matmul(a, b).data() },
      {
        name: 'JavaScript by hand',
        run: () => {
          const out = new Float32Array(n * n);
          for (let i = 0; i < n; i++)
            for (let k = 0; k < n; k++) {
              const s = x[i * n + k]!;
              for (let j = 0; j < n; j++) out[i * n + j]! += s * y[k * n + j]!;
            }
          return out;
        },
      },
    ],
  };
}

function chain(n: number): Case {
  const a = random.normal(random.key(0), [n]);
  const f = (x: NDArray): NDArray => np.sum(np.exp(x.mul(x).neg()).mul(x.add(1)));
  const compiled = jit(f);
  const x = a.data() as Float32Array;
  return {
    name: `Σ exp(−x²)·(x + 1) over ${n}, float32`,
    tolerance: 1e-4,
    bytes: 4 * n,
    implementations: [
      { name: 'jit', run: () => compiled(a).item() },
      { name: 'eager', run: () => f(a).item() },
      {
        name: 'JavaScript by hand',
        run: () => {
          let sum = 0;
          for (let i = 0; i < n; i++) sum += Math.exp(-x[i]! * x[i]!) * (x[i]! + 1);
          return sum;
        },
      },
    ],
  };
}

/** Of 8 heads of 64. */
function attention(length: number, isCausal: boolean): Case {
  const [q, k, v] = [0, 1, 2].map((seed) => random.normal(random.key(seed), [1, length, 8, 64])) as [
    NDArray,
    NDArray,
    NDArray,
  ];
  const f = (q: NDArray, k: NDArray, v: NDArray): NDArray => nn.dotProductAttention(q, k, v, { isCausal });
  const compiled = jit(f);
  return {
    name: `attention, 8 heads, ${length} tokens${isCausal ? ', causal' : ''}, float32`,
    tolerance: 1e-4,
    flops: 2 * 8 * length * (isCausal ? length + 1 : 2 * length) * 64,
    implementations: [
      { name: 'jit', run: () => compiled(q, k, v).data() },
      { name: 'eager', run: () => f(q, k, v).data() },
    ],
  };
}

export const kernelCases = (): Case[] => [
  attention(512, false),
  attention(512, true),
  matmul(16),
  matmul(64),
  matmul(480),
  chain(1000),
  chain(1_000_000),
];
