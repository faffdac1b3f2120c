/** Threads: results are those of one thread, to the last bit. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { debug, grad, init, jit, lax, linalg, type NDArray, nn, np, random, tree, vmap } from '../src/index.ts';

type Case = () => NDArray | NDArray[];

const normal = (shape: number[], dtype: 'float32' | 'float64' = 'float32'): NDArray =>
  random.normal(random.key(3), shape, { dtype });

function product(m: number, k: number, n: number, dtype: 'float32' | 'float64' = 'float32'): Case {
  return () => jit((a: NDArray, b: NDArray) => np.matmul(a, b))(normal([m, k], dtype), normal([k, n], dtype));
}

/** What has something to deal out, with odd sizes. */
const cases: Record<string, Case> = {
  map: () => jit((x: NDArray) => x.mul(np.tanh(x.mul(2).add(1))))(normal([100_003])),
  'map in place': () => jit((x: NDArray) => np.exp(x).sub(1), { donate: [0] })(normal([333, 301], 'float64')),
  'transposed map': () => jit((x: NDArray) => x.T.add(np.sin(x)))(normal([301, 301])),
  'fold of everything': () => jit((x: NDArray) => [np.sum(np.sin(x)), np.max(x), np.mean(x.mul(x))])(normal([70_001])),
  'folds of rows': () => jit((x: NDArray) => nn.softmax(x, { axis: -1 }))(normal([513, 257])),
  'folds of columns': () => jit((x: NDArray) => np.var(x, { axis: 0 }))(normal([1001, 129])),
  'sums of columns': () =>
    jit((x: NDArray) => [np.sum(x, { axis: 0 }), np.max(x.mul(x), { axis: 0 })])(normal([1003, 130])),
  'columns twice': () => jit((x: NDArray) => nn.softmax(x, { axis: 0 }))(normal([513, 260], 'float64')),
  'integers and bools': () =>
    jit((x: NDArray) => [np.sum(x.gt(0)), np.cumsum(x.gt(1).astype('int32')), np.all(x.lt(9))])(normal([90_001])),
  lookups: () => jit((x: NDArray) => np.take(x, np.argsort(x)).mul(2))(normal([50_001])),
  'updates of the same elements': () =>
    jit((x: NDArray) => np.zeros([7]).at(np.arange(100_000).mod(7)).add(x))(normal([100_000])),
  'product by columns': product(129, 257, 333),
  'product by rows': product(1003, 64, 65),
  'product, float64': product(200, 600, 113, 'float64'),
  'product that leaves one column': product(64, 128, 65),
  'product of transposed': () =>
    jit((a: NDArray, b: NDArray) => np.matmul(a.T, b.T))(normal([300, 130]), normal([200, 300])),
  'ends of products in tiles': () => {
    const relu = jit((a: NDArray, b: NDArray, c: NDArray) => nn.relu(np.matmul(a, b).add(c)));
    const step = jit((a: NDArray, b: NDArray, p: NDArray) => p.sub(np.matmul(a.T, b).mul(0.1)), { donate: [2] });
    return [
      relu(normal([101, 70]), normal([70, 90]), normal([90])),
      relu(normal([1009, 32]), normal([32, 65], 'float64'), normal([65])),
      relu(normal([64, 129]), normal([129, 70]), normal([64, 1])),
      step(normal([129, 300]), normal([129, 131]), normal([300, 131])),
    ];
  },
  'ends of products by rows': () => {
    const softmax = jit((a: NDArray, b: NDArray) => nn.softmax(np.matmul(a, b), { axis: -1 }));
    const step = jit((a: NDArray, b: NDArray, p: NDArray) => p.sub(np.matmul(a.T, b).mul(0.1)), { donate: [2] });
    return [
      softmax(normal([1031, 40]), normal([40, 300])),
      softmax(normal([300, 70], 'float64'), normal([70, 513])),
      step(normal([65, 401], 'float64'), normal([65, 403], 'float64'), normal([401, 403], 'float64')),
    ];
  },
  'rows of a product that go on into another one': () => {
    const [q, v] = [normal([2, 301, 4, 40]), normal([2, 301, 4, 40]).mul(2)];
    const f = (isCausal: boolean) => (q: NDArray, v: NDArray) => nn.dotProductAttention(q, q, v, { isCausal });
    const gradient = jit(grad((q: NDArray) => np.sum(np.sin(f(true)(q, v)))));
    const single = jit((x: NDArray, y: NDArray) => np.matmul(nn.softmax(np.matmul(x, y)), y.T));
    const small = jit(f(false))(normal([3, 120, 8, 16], 'float64'), normal([3, 120, 8, 16], 'float64'));
    return [jit(f(false))(q, v), jit(f(true))(q, v), gradient(q), single(normal([1001, 40]), normal([40, 700])), small];
  },
  'beginnings of products': () =>
    jit((a: NDArray, b: NDArray) => [
      np.matmul(np.tanh(a), b),
      np.matmul(a, np.exp(b)),
      nn.relu(np.matmul(np.sin(a), b.mul(2)).add(1)),
    ])(normal([1031, 300]), normal([300, 131])) as NDArray[],
  convolutions: () => {
    const f = (dimensionNumbers: [string, string, string]) => (x: NDArray, w: NDArray) =>
      nn.relu(lax.convGeneralDilated(x, w, { dimensionNumbers, padding: 'SAME' }));
    const [images, rows, first] = [f(['NHWC', 'HWIO', 'NHWC']), f(['NWC', 'WIO', 'NWC']), f(['NCHW', 'OIHW', 'NCHW'])];
    const gradients = (g: typeof images) =>
      jit(grad((x: NDArray, w: NDArray) => np.sum(np.square(g(x, w))), { argnums: [0, 1] }));
    return [
      jit(images)(normal([7, 28, 27, 3]), normal([3, 3, 3, 8])),
      ...(gradients(images)(normal([9, 28, 27, 2]), normal([5, 5, 2, 8])) as NDArray[]),
      ...(gradients(rows)(normal([9, 500, 3]), normal([9, 3, 16])) as NDArray[]),
      ...(gradients(first)(normal([9, 2, 28, 27]), normal([8, 2, 5, 5])) as NDArray[]),
    ];
  },
  'convolutions to one channel, of a padded array': () => {
    const options = { dimensionNumbers: ['NHWC', 'HWIO', 'NHWC'], padding: 'SAME' } as const;
    const f = jit((x: NDArray, w: NDArray) => {
      const conv = (v: NDArray): NDArray => lax.convGeneralDilated(v, w, options);
      return [conv(x), grad((v: NDArray) => np.sum(np.square(conv(v))))(x)];
    });
    return f(normal([9, 90, 91, 4]), normal([5, 3, 4, 1])) as NDArray[];
  },
  'product of integers': () =>
    jit((a: NDArray, b: NDArray) => np.matmul(a, b).add(1))(
      np.arange(40_000).reshape([200, 200]).astype('int32'),
      np.arange(40_000).reshape([200, 200]).astype('int32'),
    ),
  'products of a batch': () =>
    jit((a: NDArray) => nn.softmax(np.matmul(a, np.swapaxes(a, 1, 2)), { axis: -1 }))(normal([17, 65, 64])),
  'ends of the products of a batch': () => {
    const relu = jit((a: NDArray, b: NDArray, c: NDArray) => nn.relu(np.matmul(a, b).add(c)).mul(0.5));
    const turned = jit((a: NDArray, b: NDArray, c: NDArray) =>
      np.matmul(np.swapaxes(a, -1, -2), np.swapaxes(b, -1, -2)).mul(c),
    );
    const heads = jit((q: NDArray, k: NDArray) => {
      const [x, y] = [q, k].map((v) => np.swapaxes(v, 1, 2)) as [NDArray, NDArray];
      return np.where(np.tri(131).gt(0), np.matmul(x, np.swapaxes(y, -1, -2)).mul(0.25), -1e9);
    });
    return [
      relu(normal([7, 301, 40]), normal([7, 40, 1003]), normal([1003])),
      relu(normal([40, 33, 31], 'float64'), normal([40, 31, 35], 'float64'), normal([40, 33, 35], 'float64')),
      turned(normal([5, 50, 170]), normal([5, 390, 50]), normal([5, 170, 390])),
      turned(normal([3, 3, 64, 100], 'float64'), normal([3, 3, 260, 64], 'float64'), normal([3, 3, 1, 260], 'float64')),
      heads(normal([3, 131, 4, 64]), normal([3, 131, 4, 64])),
      jit((a: NDArray, c: NDArray) => np.matmul(a, a).add(c))(
        np.arange(80_000).reshape([50, 40, 40]).astype('int32'),
        np.arange(40).astype('int32'),
      ),
    ];
  },
  'batch of two axes': () => jit((a: NDArray) => np.matmul(a, a))(normal([3, 5, 48, 48], 'float64')),
  'matrix and vector': () =>
    jit((a: NDArray, x: NDArray) => [np.matmul(a, x), np.matmul(a.T, x)])(normal([701, 701]), normal([701])),
  'long vectors, one by one and by two': () => {
    const [x, y, two] = [normal([262_145]), normal([262_145], 'float64'), normal([2, 140_001])];
    const products = (x: NDArray, y: NDArray, two: NDArray): NDArray[] => [
      np.dot(x, x.mul(2)),
      np.dot(y, y).add(1),
      np.matmul(x.reshape([1, -1]), x.reshape([-1, 1])),
      np.matmul(two, two.slice(0)),
      np.matmul(two.slice(1), two.T),
    ];
    return [...products(x, y, two), ...jit(products)(x, y, two)];
  },
  'training step': () => {
    const loss = (w: NDArray[], x: NDArray): NDArray =>
      np.sum(np.square(np.matmul(nn.relu(np.matmul(x, w[0]!)), w[1]!)));
    const step = jit((w: NDArray[], x: NDArray) =>
      tree.map((p: NDArray, g: NDArray) => p.sub(g.mul(1e-6)), w, grad(loss)(w, x)),
    );
    let w = [normal([300, 128]), normal([128, 60])];
    for (let i = 0; i < 3; i++) w = step(w, normal([129, 300]));
    return w;
  },
  'loops of lanes': () =>
    jit(vmap((x: NDArray) => lax.foriLoop(0, 8, (_, c: NDArray) => c.sub(c.mul(c).sub(x).div(c.mul(2))), x.add(1))))(
      np.abs(normal([40_001])),
    ),
  'kernels in a loop': () =>
    jit((x: NDArray) => lax.foriLoop(0, 20, (_, c: NDArray) => np.cos(c).sub(np.mean(c)), x))(normal([40_000])),
  'a callback beside kernels': () => {
    const seen: number[] = [];
    const f = jit((x: NDArray) => {
      debug.callback((mean: NDArray) => seen.push(mean.item() as number), np.mean(np.sin(x)));
      return np.exp(x);
    });
    const result = f(normal([40_001]));
    return [result, np.array(seen)];
  },
  'descent on a large matrix': () => {
    const [X, y] = [normal([5001, 90]), normal([5001])];
    const loss = (w: NDArray): NDArray => np.mean(nn.softplus(np.matmul(X, w).mul(y)));
    return jit((w: NDArray) => lax.foriLoop(0, 5, (_, w: NDArray) => w.sub(grad(loss)(w).mul(0.1)), w))(np.zeros([90]));
  },
  'folds down columns': () => {
    const f = jit((x: NDArray) => [
      np.sum(x, { axis: 0 }),
      np.max(x, { axis: 0 }),
      np.var(x, { axis: 0 }),
      np.sum(np.exp(x).mul(x), { axis: 0 }),
      nn.softmax(x, { axis: 0 }),
      nn.logsumexp(x, { axis: 0 }),
      x.sub(np.mean(x, { axis: 0 })).div(np.std(x, { axis: 0 })),
    ]);
    const shapes = [
      [1000, 200],
      [1024, 1024],
      [9001, 40],
      [4103, 65],
      [70_000, 3],
      [13, 9000],
    ] as const;
    return shapes.flatMap((shape) => [
      ...f(normal([...shape])),
      ...f(normal([...shape], 'float64').slice([null, 2000])),
    ]);
  },
  'outside of jit': () => {
    const [x, v] = [normal([301, 302]), normal([100_003], 'float64')];
    return [
      x.mul(-0),
      np.exp(v).add(x.slice(0, 0)),
      np.where(x.gt(0), x, 2),
      np.sum(v),
      np.max(x),
      np.var(v),
      np.var(x, { axis: 1 }),
      np.sum(normal([9001, 30]), { axis: 0 }),
      np.gradient(v) as NDArray,
      np.linspace(-0, -3, 100_003, { dtype: 'float64' }),
      np.nanmin(v),
      np.sum(v.mul(v)),
      np.all(x.lt(9)),
      np.matmul(x, x.T),
      np.matmul(x.slice([0, 300]).T, x.slice([1])),
      np.matmul(normal([2000, 200], 'float64'), normal([200], 'float64')),
    ];
  },
  solve: () => jit((a: NDArray) => linalg.solve(a.add(np.eye(150).mul(20)), a))(normal([150, 150], 'float64')),
  'many short jobs': () => {
    const f = jit((x: NDArray) => np.sum(x.add(1)));
    const x = np.ones([33_000]);
    let total = 0;
    for (let i = 0; i < 3000; i++) total += f(x).item() as number;
    return np.array(total);
  },
  'memory that grows between jobs': () => {
    const f = jit((x: NDArray) => x.add(1));
    const kept = Array.from({ length: 60 }, () => f(np.zeros([2 ** 18])));
    return np.sum(np.stack(kept.map((x) => x.slice(5))));
  },
};

/** The bits of all results of a case as one number. */
function bits(result: NDArray | NDArray[]): number {
  let hash = 0;
  for (const x of [result].flat()) {
    const data = x.data();
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    for (const byte of bytes) hash = (Math.imul(hash, 31) + byte) | 0;
  }
  return hash;
}

const compute = (): Record<string, number> =>
  Object.fromEntries(Object.entries(cases).map(([name, run]) => [name, bits(run())]));

if (process.env.COTANGENT_TEST_CHILD) {
  console.log(JSON.stringify({ results: compute() }));
} else {
  t.test('any number of threads gives the same bits', (t) => {
    const child = (threads: number): Record<string, number> => {
      const { stdout, stderr } = spawnSync(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url)], {
        env: { ...process.env, COTANGENT_THREADS: String(threads), COTANGENT_TEST_CHILD: '1' },
        encoding: 'utf8',
      });
      const line = stdout.split('\n').find((text) => text.startsWith('{'));
      if (!line) throw new Error(stderr);
      return JSON.parse(line).results;
    };
    const [one, three] = [child(1), child(3)];
    for (const name of Object.keys(cases)) t.equal(three[name], one[name], name);
    t.end();
  });

  t.test('init', async (t) => {
    for (const [threads, text] of [
      [0, '0'],
      [1.5, '1.5'],
      ['2', 'the string "2"'],
    ] as const)
      await t.rejects(init({ threads: threads as number }), {
        message: new RegExp(`^init: \`threads\` must be an integer of at least 1, but it is ${text}\\.`),
      });
    const early = jit((s: NDArray) => {
      const x = np.arange(120_000).reshape([300, 400]).mul(s);
      return np.sum(np.matmul(x, x.T));
    });
    await init({ threads: 3 });
    const ofThree = early.lower(0.5).wasmText;
    await init({ threads: 2 });
    t.not(early.lower(0.5).wasmText, ofThree, 'a program that was looked at before is made again for this number');
    const f = jit((x: NDArray) => np.sum(np.sin(x)));
    const x = np.arange(100_000).astype('float32');
    const expected = (x.data() as Float32Array).reduce((sum, v) => sum + Math.sin(v), 0);
    t.ok(Math.abs((f(x).item() as number) - expected) < 1e-2);
    t.match(f.lower(x).wasmText, /call \$threads_run/, 'the kernel is dealt out');
    const dense = jit((x: NDArray, w: NDArray) => nn.relu(np.matmul(x, w)));
    const text = String(dense.lower(np.ones([256, 64]), np.ones([64, 64])));
    t.match(text, /;; a product, then over \[256,64\]/, 'a product with an end');
    t.match(text, /call \$threads_run/, 'is dealt out with it');
    await init({ threads: 2 });
    await t.rejects(init({ threads: 3 }), {
      message:
        /^init: the number of threads is fixed once arrays have been computed\.\n {2}hint: call `init` first, or set the environment variable COTANGENT_THREADS\n/,
    });
    t.end();
  });
}
