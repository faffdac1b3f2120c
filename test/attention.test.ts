/** Attention, and other programs in which rows go from one product through a kernel into another one. */
import t from 'tap';
import { blocksFrom } from '../jit/lower/passes/epilogues.ts';
import { grad, jit, lax, type NDArray, nn, np, random, vmap } from '../src/index.ts';

type DType = 'float32' | 'float64';

const normal = (seed: number, shape: readonly number[], dtype: DType): NDArray =>
  random.normal(random.key(seed), shape, { dtype });

/** The largest difference, beside the largest number; NaN where only one has a number. */
function off(x: NDArray, y: NDArray): number {
  const [a, b] = [x, y].map((array) => array.data() as Float64Array) as [Float64Array, Float64Array];
  let [most, largest] = [0, 1];
  a.forEach((value, i) => {
    if (Object.is(value, b[i]) || value === b[i]) return;
    const far = Math.abs(value - b[i]!);
    if (!(far <= most)) most = far;
    largest = Math.max(largest, Math.abs(b[i]!));
  });
  return most / largest;
}

const bounds = { float32: 3e-6, float64: 1e-14 };

const chain = /;; rows of a product, then .*, then rows of a product/;

/** Softmax attention in plain loops, in float64: [heads, queries, size], a mask of [queries, keys] for all heads. */
function plain(q: NDArray, k: NDArray, v: NDArray, taken: (i: number, j: number) => boolean): Float64Array {
  const [heads, queries, size] = q.shape as [number, number, number];
  const [keys, width] = v.shape.slice(1) as [number, number];
  const [x, y, z] = [q, k, v].map((array) => array.data()) as unknown as [Float64Array, Float64Array, Float64Array];
  const out = new Float64Array(heads * queries * width);
  for (let h = 0; h < heads; h++)
    for (let i = 0; i < queries; i++) {
      const logits = Array.from({ length: keys }, (_, j) => {
        let dot = 0;
        for (let s = 0; s < size; s++) dot += x[(h * queries + i) * size + s]! * y[(h * keys + j) * size + s]!;
        return taken(i, j) ? dot / Math.sqrt(size) : -1e300;
      });
      const most = Math.max(...logits);
      const terms = logits.map((logit) => Math.exp(logit - most));
      const sum = terms.reduce((a, b) => a + b);
      for (let s = 0; s < width; s++)
        out[(h * queries + i) * width + s] =
          terms.reduce((a, term, j) => a + term * z[(h * keys + j) * width + s]!, 0) / sum;
    }
  return out;
}

const swapped = (x: NDArray): NDArray => np.swapaxes(x, -1, -2);
const attend = (q: NDArray, k: NDArray, v: NDArray): NDArray =>
  np.matmul(nn.softmax(np.matmul(q, swapped(k)).mul(q.shape.at(-1)! ** -0.5)), v);

t.test('the plain formula, in either dtype and in odd sizes', (t) => {
  t.teardown(() => blocksFrom());
  blocksFrom(1024);
  for (const dtype of ['float32', 'float64'] as const)
    for (const [heads, queries, keys, size, width] of [
      [1, 16, 16, 8, 8],
      [2, 130, 70, 16, 3],
      [4, 49, 201, 33, 2],
      [5, 61, 129, 64, 65],
    ] as const) {
      const q = normal(1, [heads, queries, size], dtype);
      const [k, v] = [normal(2, [heads, keys, size], dtype), normal(3, [heads, keys, width], dtype)];
      const compiled = jit(attend);
      const want = np
        .array(
          plain(q, k, v, () => true),
          { dtype: 'float64' },
        )
        .reshape([heads, queries, width]);
      const text = `${dtype} ${[heads, queries, keys, size, width]}`;
      t.ok(off(compiled(q, k, v).astype('float64'), want) < bounds[dtype], text);
      t.match(String(compiled.lower(q, k, v)), chain, `${text}: in blocks of rows`);
      const causal = (q: NDArray, k: NDArray, v: NDArray): NDArray => {
        const later = np.arange(keys).gt(np.arange(queries).reshape([queries, 1]));
        return np.matmul(nn.softmax(np.where(later, -1e30, np.matmul(q, swapped(k)).mul(size ** -0.5))), v);
      };
      const masked = np
        .array(
          plain(q, k, v, (i, j) => j <= i),
          { dtype: 'float64' },
        )
        .reshape([heads, queries, width]);
      t.ok(off(jit(causal)(q, k, v).astype('float64'), masked) < bounds[dtype], `${text}, causal`);
    }
  t.end();
});

t.test('dotProductAttention with every option, compiled and operation by operation', (t) => {
  t.teardown(() => blocksFrom());
  blocksFrom(1024);
  for (const dtype of ['float32', 'float64'] as const)
    for (const [batch, heads, groups, queries, keys, size] of [
      [3, 6, 2, 50, 37, 16],
      [1, 2, 1, 190, 200, 5],
    ] as const) {
      const q = normal(1, [batch, queries, heads, size], dtype);
      const [k, v] = [2, 3].map((seed) => normal(seed, [batch, keys, groups, size], dtype)) as [NDArray, NDArray];
      const bias = normal(4, [heads, queries, keys], dtype);
      // Some queries have no key at all.
      const mask = np.logicalAnd(
        np
          .arange(batch * queries * keys)
          .mod(7)
          .ne(0)
          .reshape([batch, 1, queries, keys]),
        np.arange(queries).mod(5).ne(0).reshape([queries, 1]),
      );
      const padding = np.arange(keys).lt(np.array([keys, 3, keys >> 1].slice(0, batch)).reshape([batch, 1, 1, 1]));
      for (const [what, options] of Object.entries({
        plain: {},
        scaled: { scale: 0.3 },
        causal: { isCausal: true },
        biased: { bias },
        masked: { mask },
        padded: { mask: padding },
        all: { mask, bias, isCausal: true, scale: 0.5 },
      })) {
        const f = (q: NDArray, k: NDArray, v: NDArray): NDArray => nn.dotProductAttention(q, k, v, options);
        const text = `${dtype} ${[batch, heads, groups, queries, keys, size]}, ${what}`;
        t.ok(off(jit(f)(q, k, v), f(q, k, v)) < bounds[dtype], text);
        t.match(String(jit(f).lower(q, k, v)), chain, `${text}: in blocks of rows`);
        if (what !== 'plain' && what !== 'all') continue;
        const loss = (q: NDArray, k: NDArray, v: NDArray): NDArray => np.sum(np.sin(f(q, k, v)));
        const gradient = grad(loss, { argnums: [0, 1, 2] });
        const [got, want] = [jit(gradient)(q, k, v), gradient(q, k, v)] as unknown as [NDArray[], NDArray[]];
        t.ok(Math.max(...got.map((x, i) => off(x, want[i]!))) < 10 * bounds[dtype], `${text}: derivatives`);
      }
    }
  t.end();
});

t.test('what is masked is left out only where that changes nothing', (t) => {
  t.teardown(() => blocksFrom());
  blocksFrom(1024);
  for (const [dtype, length] of [
    ['float32', 256],
    ['float64', 301],
  ] as const) {
    const [q, k, v] = [1, 2, 3].map((seed) => normal(seed, [2, length, 8], dtype)) as [NDArray, NDArray, NDArray];
    const rows = (): NDArray => np.arange(length).reshape([length, 1]);
    const columns = (): NDArray => np.arange(length);
    const earlier = (): NDArray => rows().ge(columns());
    const ones = np.ones([length, length], { dtype: 'bool' });
    const by =
      (mask: (scores: NDArray) => NDArray): typeof attend =>
      (q, k, v) =>
        np.matmul(nn.softmax(mask(np.matmul(q, swapped(k)))), v);
    const causal = by((s) => np.where(earlier(), s, -1e30));
    const masks: Record<string, typeof attend> = {
      causal,
      'later by some': by((s) => np.where(columns().le(rows().add(17)), s, -1e30)),
      'earlier by some': by((s) => np.where(rows().sub(9).lt(columns()), -1e30, s)),
      'a window': by((s) => np.where(np.logicalAnd(earlier(), rows().sub(columns()).lt(40)), s, -np.inf)),
      'an operand of −∞': by((s) => s.add(np.where(ones, np.where(earlier(), 0, -np.inf), 1).astype(dtype))),
      tril: by((s) => np.where(np.tril(ones), s, -1e30)),
      'rows without a key': by((s) => np.where(earlier(), np.where(rows().mod(3).eq(0), -1e30, s), -1e30)),
      // Weights behind the mask that are not zero.
      'masked by little': by((s) => np.where(earlier(), s, -2)),
      'masked by what differs': by((s) => np.where(earlier(), s, columns().mul(0.01).sub(3).astype(dtype))),
      'without a quotient': (q, k, v) => np.matmul(np.exp(np.where(earlier(), np.matmul(q, swapped(k)), -9)), v),
      'by another norm': (q, k, v) => {
        const s = np.where(earlier(), np.matmul(q, swapped(k)), 0);
        return np.matmul(s.div(np.sqrt(np.sum(s.mul(s), { axis: -1, keepdims: true }).add(1e-3))), v);
      },
    };
    const stopping: string[] = [];
    for (const [what, f] of Object.entries(masks)) {
      t.ok(off(jit(f)(q, k, v), f(q, k, v)) < bounds[dtype], `${dtype}, ${length}: ${what}`);
      if (/up to a diagonal/.test(String(jit(f).lower(q, k, v)))) stopping.push(what);
    }
    t.same(stopping, [
      'causal',
      'later by some',
      'earlier by some',
      'a window',
      'rows without a key',
      'masked by little',
    ]);
    const compiled = jit(causal);
    const where = (x: NDArray, position: number, value: number): NDArray => np.where(rows().eq(position), value, x);
    for (const value of [np.nan, np.inf])
      for (const [among, args] of Object.entries({
        queries: [where(q, 200, value), k, v],
        keys: [q, where(k, length - 1, value), v],
        values: [q, k, where(v, length - 1, value)],
      } as Record<string, [NDArray, NDArray, NDArray]>))
        t.ok(off(compiled(...args), causal(...args)) < bounds[dtype], `${dtype}, ${length}: ${value} among ${among}`);
  }
  t.end();
});

t.test('derivatives are those of finite differences', (t) => {
  t.teardown(() => blocksFrom());
  blocksFrom(1024);
  const [q, k, v, dq] = [1, 2, 3, 4].map((seed) => normal(seed, [2, 24, 2, 4], 'float64')) as [
    NDArray,
    NDArray,
    NDArray,
    NDArray,
  ];
  for (const isCausal of [false, true]) {
    const loss = jit((q: NDArray) => np.sum(np.sin(nn.dotProductAttention(q, k, v, { isCausal }))));
    const along = np.sum(jit(grad(loss))(q).mul(dq)).item();
    const by = 1e-6;
    const difference = (loss(q.add(dq.mul(by))).item() - loss(q.sub(dq.mul(by))).item()) / (2 * by);
    t.ok(Math.abs(along - difference) < 1e-8 * Math.max(1, Math.abs(difference)), `causal: ${isCausal}`);
  }
  t.end();
});

t.test('mapped over heads, over batches, and by einsum', (t) => {
  t.teardown(() => blocksFrom());
  blocksFrom(1024);
  const [q, k, v] = [1, 2, 3].map((seed) => normal(seed, [3, 32, 4, 8], 'float32')) as [NDArray, NDArray, NDArray];
  const want = nn.dotProductAttention(q, k, v);
  const byHead = (q: NDArray, k: NDArray, v: NDArray): NDArray =>
    vmap(vmap(attend, { inAxes: 1, outAxes: 1 }))(q, k, v);
  const sums = (q: NDArray, k: NDArray, v: NDArray): NDArray =>
    np.einsum('bhqk,bkhd->bqhd', nn.softmax(np.einsum('bqhd,bkhd->bhqk', q, k).div(Math.sqrt(8))), v);
  const mapped = vmap((q: NDArray, k: NDArray, v: NDArray) => nn.dotProductAttention(q, k, v));
  for (const [what, f] of Object.entries({ byHead, sums, mapped })) {
    t.ok(off(jit(f)(q, k, v), want) < bounds.float32, what);
    t.match(String(jit(f).lower(q, k, v)), chain, `${what}: in blocks of rows`);
  }
  t.end();
});

t.test('scores have no place of their own', (t) => {
  const bytes = (text: string): number => Number(/peak of temporaries: (\d+)/.exec(text)![1]);
  const x = np.ones([1, 2048, 2, 64]);
  const f = jit((x: NDArray) => nn.dotProductAttention(x, x, x, { isCausal: true }));
  t.ok(bytes(String(f.lower(x))) < 2 ** 22, 'a block of them has, instead of 32 MB');
  t.end();
});

t.test('in a layer, after and before other kernels', (t) => {
  t.teardown(() => blocksFrom());
  blocksFrom(1024);
  const weights = [1, 2, 3, 4].map((seed) => normal(seed, [32, 32], 'float32').mul(0.3));
  const heads = (x: NDArray): NDArray => x.reshape([2, 40, 4, 8]);
  const layer = (x: NDArray, isCausal: boolean): NDArray => {
    const [q, k, v] = [0, 1, 2].map((i) => heads(np.matmul(x, weights[i]!).add(0.1 * i))) as [
      NDArray,
      NDArray,
      NDArray,
    ];
    const mixed = nn.dotProductAttention(q, k, v, { isCausal }).reshape([2, 40, 32]);
    return nn.standardize(x.add(np.matmul(mixed, weights[3]!)));
  };
  const x = normal(7, [2, 40, 32], 'float32');
  for (const isCausal of [false, true]) {
    const twice = (x: NDArray): NDArray => layer(layer(x, isCausal), isCausal);
    t.ok(off(jit(twice)(x), twice(x)) < 1e-5, `causal: ${isCausal}`);
    t.equal([...String(jit(twice).lower(x)).matchAll(new RegExp(chain, 'g'))].length > 0, true, 'in blocks of rows');
    const inLoop = jit((x: NDArray) => lax.foriLoop(0, 3, (_, x: NDArray) => layer(x, isCausal), x));
    t.ok(off(inLoop(x), layer(twice(x), isCausal)) < 1e-5, `in a loop, causal: ${isCausal}`);
    const donated = jit(twice, { donate: [0] });
    t.ok(off(donated(x.mul(1)), twice(x)) < 1e-5, `donated, causal: ${isCausal}`);
    const loss = grad((x: NDArray) => np.sum(np.sin(twice(x))));
    t.ok(off(jit(loss)(x), loss(x)) < 1e-4, `derivative, causal: ${isCausal}`);
  }
  t.end();
});

t.test('programs of two products with a kernel between them', (t) => {
  t.teardown(() => blocksFrom());
  let state = 11;
  const below = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const pick = <T>(from: readonly T[]): T => from[below(from.length)]!;
  let chains = 0;
  for (let i = 0; i < 32; i++) {
    const seed = state;
    const dtype = pick(['float32', 'float64'] as const);
    const batch = pick([[], [], [2], [3, 2], [1, 4]] as const);
    const [m, k, n, p] = [16 + below(90), 1 + below(40), 2 + below(140), 2 + below(40)] as const;
    const x = normal(below(100), [...batch, m, k], dtype);
    const w = normal(
      below(100),
      pick([
        [...batch, k, n],
        [k, n],
      ]),
      dtype,
    );
    const v = normal(
      below(100),
      pick([
        [...batch, n, p],
        [n, p],
      ]),
      dtype,
    );
    const [row, column, all, turned] = [[m, 1], [n], [...batch, m, n], [...batch, n, m]].map((shape) =>
      normal(below(100), shape, dtype),
    ) as [NDArray, NDArray, NDArray, NDArray];
    const before = pick([
      ['as it is', (x: NDArray) => x],
      ['tanh', (x: NDArray) => np.tanh(x)],
    ] as const);
    const between = pick([
      ['softmax', (s: NDArray) => nn.softmax(s)],
      ['softmax of a sum', (s: NDArray) => nn.softmax(s.mul(0.5).add(all))],
      ['standardised', (s: NDArray) => nn.standardize(s.add(column))],
      ['softmax where', (s: NDArray) => nn.softmax(np.where(all.gt(0), s, -1e30))],
      ['of an array by columns', (s: NDArray) => nn.softmax(s.add(swapped(turned)))],
      [
        'a long one by columns',
        (s: NDArray) => np.tanh(np.sin(s.add(swapped(turned))).mul(row)).add(np.exp(s.mul(-0.1))),
      ],
      ['positions', (s: NDArray) => nn.softmax(np.where(np.arange(m).reshape([m, 1]).ge(np.arange(n)), s, -1e30))],
      ['largest', (s: NDArray) => np.maximum(s, np.mean(s, { axis: -1, keepdims: true })).mul(row)],
      [
        'a long one',
        (s: NDArray) =>
          np
            .tanh(np.sin(s.add(all)).mul(row))
            .add(np.exp(s.mul(-0.1)))
            .mul(column),
      ],
    ] as const);
    const after = pick([
      ['alone', (y: NDArray) => y],
      ['relu', (y: NDArray) => nn.relu(y.add(row))],
      ['softmax', (y: NDArray) => nn.softmax(y)],
      ['turned', (y: NDArray) => swapped(y)],
    ] as const);
    blocksFrom(1024);
    const f = (x: NDArray, w: NDArray, v: NDArray): NDArray =>
      after[1](np.matmul(between[1](np.matmul(before[1](x), w)), v));
    const text = `${dtype} [${batch}] ${[m, k, n, p]}: ${before[0]}, ${between[0]}, ${after[0]}; state ${seed}`;
    const compiled = jit(f);
    if (!(off(compiled(x, w, v), f(x, w, v)) < 20 * bounds[dtype]))
      t.fail(`off by ${off(compiled(x, w, v), f(x, w, v))}: ${text}`);
    if (chain.test(String(compiled.lower(x, w, v)))) chains++;
    if (i % 6 === 0) {
      const loss = grad((x: NDArray, w: NDArray, v: NDArray) => np.sum(np.sin(f(x, w, v))));
      if (!(off(jit(loss)(x, w, v), loss(x, w, v)) < 1e3 * bounds[dtype])) t.fail(`derivative: ${text}`);
    }
  }
  t.ok(chains > 22, `${chains} went by blocks of rows`);
  t.end();
});
