/** Operations outside of `jit`: the runtime module against the reference semantics and against compiled code. */
import t from 'tap';
import { heap, heapStats } from '../jit/storage/heap.ts';
import { shapedArray } from '../src/core/aval.ts';
import { allocate, type DType, dtypes, isFloating, type TypedArray } from '../src/core/dtype.ts';
import type { Primitive, Sample } from '../src/core/primitive.ts';
import { recorded } from '../src/core/recorded.ts';
import { range, type Shape, sizeOf, stridesOf } from '../src/core/shape.ts';
import { bind, type Value } from '../src/core/trace.ts';
import { grad, jit, linalg, NDArray, nn, np, random, vmap } from '../src/index.ts';
import { cumlogsumexpP, cummaxP, cumminP, cumprodP, cumsumP } from '../src/lax/cumulative.ts';
import { gather } from '../src/lax/gather.ts';
import { cholesky, lu, qr, triangularSolve } from '../src/lax/linalg.ts';
import { allPrimitives } from '../src/lax/primitives.ts';
import { scatter, scatterAdd, scatterMax } from '../src/lax/scatter.ts';
import { sortMulti, sortP } from '../src/lax/sort.ts';
import { describe, difference, drawInputs, host, numbers } from './check-primitive.ts';

process.env.COTANGENT_CACHE = 'off';

const array = (dtype: DType, shape: Shape, at: (i: number) => number): NDArray => {
  const data = allocate(dtype, sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = at(i);
  return NDArray.fromHost(data, shapedArray(shape, dtype));
};
const same = (a: ArrayLike<number>, b: ArrayLike<number>): boolean =>
  a.length === b.length && Array.from(a).every((x, i) => Object.is(x, b[i]));

/** What the reference semantics make of these operands. */
const reference = (p: Primitive, inputs: readonly NDArray[], params: object): TypedArray[] =>
  p.run(
    inputs.map((x) => ({ aval: x.aval, data: host(x).slice() })),
    params,
    p.type(
      inputs.map((x) => x.aval),
      params,
    ),
  );

/** Eager results of a primitive on its samples against the reference. */
function checkEager(p: Primitive, samples: readonly Sample[]): string[] {
  return samples.flatMap((sample) => {
    const params = sample.params ?? {};
    const expected = reference(p, drawInputs(sample), params);
    const results = bind(p, drawInputs(sample), params);
    return results.flatMap((result, i) => {
      const double = !sample.inputs.some((x) => x.dtype === 'float32') && result.aval.dtype !== 'float32';
      const tolerance = p.accuracy.kind === 'exact' ? 0 : double ? 1e-12 : 1e-4;
      const worst = difference(host(result), expected[i]!);
      return worst <= tolerance ? [] : [`${describe(p, sample)}, result ${i}: ${worst}`];
    });
  });
}

t.test('every primitive on its samples', (t) => {
  for (const p of allPrimitives()) if (p.samples) t.same(checkEager(p, p.samples()), [], p.name);
  t.end();
});

// ── Sorting ────────────────────────────────────────────────────────────────────────────────────────────────────────
const specials = [0, -0, Number.NaN, Infinity, -Infinity, 1, -1, 1e-40, -1e-40, 5e-324, 3e38, -3e38];

const draws: Record<string, (dtype: DType, next: () => number) => number> = {
  wide: (dtype, next) => (next() - 0.5) * (isFloating(dtype) ? 10 ** (60 * next() - 30) : 2 ** 32),
  ties: (_, next) => Math.floor(5 * next()) - 2,
  // Equal in all but the lowest places, which are left to insertion at first.
  close: (dtype, next) =>
    isFloating(dtype)
      ? 1 + Math.floor(200 * next()) * (dtype === 'float32' ? 2 ** -23 : 2 ** -52)
      : Math.floor(200 * next()),
  special: (_, next) => specials[Math.floor(specials.length * next())]!,
};

/** Positions in the order of a sort: NaN last, −0 equal to 0, stable; or in the opposite order, as stable. */
const sortedOrder = (data: TypedArray, descending = false): number[] =>
  [...data.keys()].sort((i, j) => {
    const [x, y] = descending ? [data[j]!, data[i]!] : [data[i]!, data[j]!];
    return x < y ? -1 : x > y ? 1 : Number(Number.isNaN(x)) - Number(Number.isNaN(y));
  });

t.test('sorts of all sizes, with ties and special values', (t) => {
  const sorted = jit((x: Value) => np.sort(x));
  const positions = jit((x: Value) => np.argsort(x));
  const descending = jit((x: Value) => np.argsort(x, { descending: true }));
  const next = numbers(3);
  for (const dtype of dtypes)
    for (const [kind, draw] of Object.entries(draws))
      for (const n of [1, 2, 47, 48, 49, 100, 5000, 20_001]) {
        const x = array(dtype, [n], () => (dtype === 'bool' ? Number(next() < 0.5) : draw(dtype, next)));
        const order = sortedOrder(host(x));
        const values = order.map((i) => host(x)[i]!);
        const name = `${kind} ${x.aval}`;
        t.ok(same(np.sort(x).data(), values), `sort, ${name}`);
        t.ok(same(np.argsort(x).data(), order), `argsort, ${name}`);
        if (n !== 49 && n !== 20_001) continue;
        t.ok(same(sorted(x).data(), values), `compiled sort, ${name}`);
        t.ok(same(positions(x).data(), order), `compiled argsort, ${name}`);
        const opposite = sortedOrder(host(x), true);
        t.ok(same(np.argsort(x, { descending: true }).data(), opposite), `descending argsort, ${name}`);
        t.ok(same(descending(x).data(), opposite), `compiled descending argsort, ${name}`);
      }
  t.end();
});

t.test('partitions of all sizes, with ties and special values', (t) => {
  const next = numbers(5);
  for (const dtype of dtypes)
    for (const [kind, draw] of Object.entries(draws))
      for (const n of [1, 7, 8, 9, 50, 300, 4096, 4097]) {
        const x = array(dtype, [n], () => (dtype === 'bool' ? Number(next() < 0.5) : draw(dtype, next)));
        const data = host(x);
        const order = sortedOrder(data);
        for (const kth of new Set([0, Math.floor(n * next()), n - 1])) {
          const chosen = data[order[kth]!]!;
          const equal = (i: number): boolean => data[i] === chosen || (Number.isNaN(data[i]) && Number.isNaN(chosen));
          const first = order.findIndex(equal);
          const last = order.findLastIndex(equal);
          const expected = [order.slice(0, first), order.slice(first, last + 1), order.slice(last + 1)].flatMap(
            (part) => part.sort((i, j) => i - j),
          );
          const partition = (v: Value): Value => np.partition(v, kth);
          const positions = (v: Value): Value => np.argpartition(v, kth);
          const name = `${kth} of ${kind} ${x.aval}`;
          const values = expected.map((i) => data[i]!);
          t.ok(same(partition(x).data(), values), `partition, ${name}`);
          t.ok(same(positions(x).data(), expected), `argpartition, ${name}`);
          if (n !== 50) continue;
          t.ok(same(jit(partition)(x).data(), values), `compiled partition, ${name}`);
          t.ok(same(jit(positions)(x).data(), expected), `compiled argpartition, ${name}`);
        }
      }
  // Keys of which the median of three is almost the smallest every time: digits take over.
  const slow: number[] = new Array(4000).fill(Infinity);
  let keys = [...slow.keys()];
  for (let smallest = 0; smallest < 60; ) {
    for (const at of [keys[0]!, keys[keys.length >> 1]!]) if (slow[at] === Infinity) slow[at] = smallest++;
    const three = [keys[0]!, keys[keys.length >> 1]!, keys.at(-1)!].map((at) => slow[at]!);
    const pivot = three.sort((x, y) => x - y)[1]!;
    // What is not below the pivot is written from the end on.
    keys = keys.filter((at) => slow[at]! >= pivot).reverse();
  }
  keys.forEach((at, i) => {
    if (slow[at] === Infinity) slow[at] = 60 + ((i * 7) % 3989);
  });
  const positions = np.argpartition(np.array(slow, { dtype: 'float64' }), 3000);
  const chosen = [...slow].sort((x, y) => x - y)[3000]!;
  const sides = [(v: number) => v < chosen, (v: number) => v === chosen, (v: number) => v > chosen];
  t.same(
    Array.from(positions.data()),
    sides.flatMap((isIn) => [...slow.keys()].filter((i) => isIn(slow[i]!))),
  );
  t.end();
});

t.test('axes in another order, by tiles and what is left of them', (t) => {
  const permutations: readonly (readonly [Shape, readonly number[]])[] = [
    [
      [16, 16],
      [1, 0],
    ],
    [
      [37, 75],
      [1, 0],
    ],
    [
      [75, 36],
      [1, 0],
    ],
    [
      [4, 4099],
      [1, 0],
    ],
    [
      [4099, 6],
      [1, 0],
    ],
    [
      [3, 300],
      [1, 0],
    ],
    [
      [300, 3],
      [1, 0],
    ],
    [
      [20, 7, 19],
      [2, 1, 0],
    ],
    [
      [20, 7, 19],
      [1, 2, 0],
    ],
    [
      [3, 17, 5, 18],
      [0, 3, 1, 2],
    ],
    [
      [3, 17, 5, 18],
      [2, 0, 3, 1],
    ],
    [
      [2, 18, 17, 5],
      [0, 2, 3, 1],
    ],
  ];
  const joined = recorded((x: Value) => np.concatenate([np.flip(x, { axis: 0 }).T, x.T.add(1), x.T], { axis: 1 }));
  for (const dtype of dtypes)
    for (const [shape, order] of permutations) {
      const next = numbers(sizeOf(shape));
      const x = array(dtype, shape, () => (dtype === 'bool' ? Number(next() < 0.5) : Math.floor(1000 * next())));
      const data = x.data();
      const strides = stridesOf(shape);
      const wanted = order.map((axis) => shape[axis]!);
      const place = (i: number): number =>
        stridesOf(wanted).reduce((at, own, k) => at + (Math.floor(i / own) % wanted[k]!) * strides[order[k]!]!, 0);
      const expected = range(sizeOf(shape)).map((i) => data[place(i)]!);
      t.ok(same(np.transpose(x, order).data(), expected), `${x.aval} ${order}`);
      if (shape.length > 2 || dtype === 'bool') continue;
      const [m, n] = shape as [number, number];
      const row = (i: number): number[] => range(m).map((j) => data[j * n + i]!);
      const rows = range(n).flatMap((i) => [...row(i).reverse(), ...row(i).map((v) => v + 1), ...row(i)]);
      for (const time of range(2)) t.ok(same(joined(x).data(), rows), `beside each other, ${x.aval}, time ${time}`);
    }
  t.end();
});

t.test('elements moved by a few places, to just behind where they lie in a page', (t) => {
  for (const dtype of dtypes)
    for (const n of [2048, 2500, 16_400, 40_003])
      for (const shift of [1, 3, 4, 15, 17]) {
        const next = numbers(n);
        const x = array(dtype, [n], () => (dtype === 'bool' ? Number(next() < 0.5) : Math.floor(1000 * next())));
        const data = Array.from(x.data());
        const moved = [...data.slice(-shift), ...data.slice(0, -shift)];
        const before = (v: NDArray): NDArray => np.concatenate([np.flip(v.slice([0, shift])), v]);
        const joined = [...data.slice(0, shift).reverse(), ...data];
        const rolled = (v: NDArray): NDArray => np.roll(v, shift);
        for (const got of [rolled(x), jit(rolled)(x)]) t.ok(same(got.data(), moved), `${x.aval}, rolled by ${shift}`);
        for (const got of [before(x), jit(before)(x)]) t.ok(same(got.data(), joined), `${x.aval}, behind ${shift}`);
      }
  const rows = array('float32', [6, 1023], (i) => i);
  const chosen = [5, 0, 3, 3];
  t.ok(
    same(
      np.take(rows, np.array(chosen, { dtype: 'int32' }), { axis: 0 }).data(),
      chosen.flatMap((row) => range(1023).map((i) => 1023 * row + i)),
    ),
    'rows',
  );
  t.end();
});

t.test('diagonals and triangles of ones', (t) => {
  const cases: readonly (readonly [n: number, m: number, k: number])[] = [
    [1, 1, 0],
    [3, 3, 0],
    [3, 5, 1],
    [5, 3, -2],
    [4, 4, 9],
    [4, 4, -9],
    [0, 3, 0],
    [3, 0, 0],
    [40, 50, 3],
    [50, 40, -45],
    [50, 40, 60],
  ];
  for (const dtype of dtypes)
    for (const [n, m, k] of cases) {
      const ones = (isOne: (column: number, row: number) => boolean): number[] =>
        range(n * m).map((i) => Number(isOne(i % m, Math.floor(i / m))));
      const [diagonal, triangle] = [ones((j, i) => j - i === k), ones((j, i) => j - i <= k)];
      const name = `${n} × ${m}, ${k}, ${dtype}`;
      const made = (): NDArray => np.eye(n, m, { k, dtype });
      t.ok(same(made().data(), diagonal), `eye, ${name}`);
      t.ok(
        same(
          np.where(made().ne(0), 2, 3).data(),
          diagonal.map((x) => 3 - x),
        ),
        `read by an operation, ${name}`,
      );
      if (n * m > 0)
        t.equal(
          Number(
            np
              .ravel(made())
              .slice(n * m - 1)
              .item(),
          ),
          diagonal.at(-1),
          `the last, ${name}`,
        );
      t.ok(same(np.tri(n, m, { k, dtype }).data(), triangle), `tri, ${name}`);
    }
  const one = np.eye(1);
  t.equal(one.item(), 1);
  const large = np.eye(700, { dtype: 'float64' });
  const trace = np.trace(large).item();
  t.equal(trace, 700);
  large.dispose();
  t.throws(() => large.data(), /disposed/);
  t.end();
});

t.test('sorts by several keys, along any axis', (t) => {
  const next = numbers(4);
  for (const [shape, dimension] of [
    [[200], 0],
    [[3, 60, 2], 1],
    [[2, 70], 1],
  ] as const) {
    const keys = [
      array('int32', shape, () => Math.floor(3 * next())),
      array('float64', shape, () => specials[Math.floor(5 * next())]!),
    ];
    const others = [array('bool', shape, () => Number(next() < 0.5)), array('float32', shape, next)];
    const sort = (...xs: Value[]): Value[] => sortMulti(xs, { dimension, numKeys: 2 });
    const expected = reference(sortP, [...keys, ...others], {
      dimension,
      numKeys: 2,
    });
    const compiled = jit(sort)(...keys, ...others);
    sort(...keys, ...others).forEach((result, i) => {
      t.ok(same(result.data(), expected[i]!), `[${shape}], operand ${i}`);
      t.ok(same(compiled[i]!.data(), expected[i]!), `compiled, [${shape}], operand ${i}`);
    });
  }
  t.end();
});

// ── Running folds ──────────────────────────────────────────────────────────────────────────────────────────────────
t.test('running folds along any axis, from both ends', (t) => {
  const cases = [[9000], [3, 50], [50, 3], [4, 9, 5], [2, 30, 4100]].flatMap((shape) =>
    range(shape.length).map((axis) => ({ shape, axis })),
  );
  for (const p of [cumsumP, cumprodP, cummaxP, cumminP, cumlogsumexpP]) {
    const samples = cases
      .filter(({ shape }) => p !== cumlogsumexpP || sizeOf(shape) < 1000)
      .flatMap(({ shape, axis }) =>
        [false, true].map((reverse) => ({
          inputs: [{ shape, dtype: 'float64' as const, low: 0.9, high: 1.1 }],
          params: { axis, reverse },
        })),
      );
    t.same(checkEager(p, samples), [], p.name);
  }
  const x = array('float32', [300, 7], numbers(5));
  for (const f of [np.cumsum, np.cumprod])
    for (const axis of [0, 1, null])
      t.same(jit((v: Value) => f(v, { axis }))(x).data(), f(x, { axis }).data(), 'compiled code has the same bits');
  t.end();
});

// ── Linear algebra ─────────────────────────────────────────────────────────────────────────────────────────────────
const general = (dtype: DType, shape: Shape, seed = 6): NDArray => {
  const next = numbers(seed);
  return array(dtype, shape, () => next() - 0.5);
};
/** The largest entry of a difference. */
const apart = (a: Value, b: Value): number => np.max(np.abs(a.sub(b))).item();

t.test('factorisations of all sizes give their matrix back', (t) => {
  for (const dtype of ['float32', 'float64'] as const) {
    const eps = dtype === 'float32' ? 2 ** -23 : 2 ** -52;
    for (const [m, n] of [
      [1, 1],
      [16, 16],
      [17, 17],
      [33, 33],
      [100, 100],
      [150, 40],
      [40, 150],
    ] as const) {
      const a = general(dtype, [m, n]);
      const k = Math.min(m, n);
      const name = String(a.aval);
      const [packed, pivots, permutation] = lu(a);
      const lower = np.tril(packed.slice([], [0, k]), { k: -1 }).add(np.eye(m, k, { dtype }));
      const upper = np.triu(packed.slice([0, k]));
      const bound = 4 * (m + n) * eps;
      t.ok(apart(np.matmul(lower, upper), np.take(a, permutation, { axis: 0 })) < bound, `lu ${name}`);
      t.ok(np.max(np.abs(lower)).item() <= 1, `${name}: pivots are the largest`);
      const exchanged = range(m);
      pivots.data().forEach((p, i) => {
        [exchanged[i], exchanged[p]] = [exchanged[p]!, exchanged[i]!];
      });
      t.same([...permutation.data()], exchanged, 'the permutation is that of the exchanges');
      const [q, r] = qr(a, { fullMatrices: false });
      t.ok(apart(np.matmul(q, r), a) < bound, `qr ${name}`);
      t.ok(apart(np.matmul(q.T, q), np.eye(k, k, { dtype })) < bound, `${name}: q is orthonormal`);
      if (m !== n) continue;
      const positive = np.matmul(a, a.T).add(np.eye(n, n, { dtype }));
      const l = cholesky(positive);
      t.ok(apart(np.matmul(l, l.T), positive) < 2 * n * bound, `cholesky ${name}`);
      t.ok(apart(np.triu(l, { k: 1 }), np.zeros([n, n])) === 0, 'nothing above the diagonal');
      if (n !== 33 && n !== 100) continue;
      for (const [f, x] of [
        [lu, a],
        [qr, a],
        [cholesky, positive],
      ] as const) {
        const eager = [f(x)].flat() as NDArray[];
        const compiled = [jit(f as (x: Value) => Value)(x)].flat() as NDArray[];
        eager.forEach((value, i) => {
          t.same(compiled[i]!.data(), value.data(), 'compiled code has the same bits');
        });
      }
    }
  }
  t.end();
});

t.test('triangular systems of all kinds', (t) => {
  const bools = [false, true];
  for (const n of [5, 16, 40, 100])
    for (const count of [1, 3, 20])
      for (const leftSide of bools)
        for (const lower of bools)
          for (const transposeA of bools)
            for (const unitDiagonal of bools) {
              const whole = general('float64', [2, n, n])
                .mul(4 / n)
                .add(np.eye(n, n, { dtype: 'float64' }));
              const options = { leftSide, lower, transposeA, unitDiagonal };
              const b = general('float64', leftSide ? [2, n, count] : [2, count, n], 7);
              const x = triangularSolve(whole, b, options);
              const part = lower ? np.tril(whole) : np.triu(whole);
              const eye = np.eye(n, n, { dtype: 'float64' });
              const matrix = unitDiagonal ? part.sub(part.mul(eye)).add(eye) : part;
              const turned = transposeA ? np.matrixTranspose(matrix) : matrix;
              const back = leftSide ? np.matmul(turned, x) : np.matmul(x, turned);
              const scale = Math.max(1, np.max(np.abs(x)).item());
              t.ok(apart(back, b) < 1e-13 * n * scale, `${n} unknowns, ${count} sides, ${JSON.stringify(options)}`);
            }
  t.end();
});

t.test('matrices without a factorisation', (t) => {
  const n = 60;
  const singular = np.array(
    general('float64', [n, n])
      .tolist<number[][]>()
      .map((row, i) => (i === 40 ? row.map(() => 0) : row)),
    {
      dtype: 'float64',
    },
  );
  const [packed, , permutation] = lu(singular);
  const lower = np.tril(packed, { k: -1 }).add(np.eye(n, n, { dtype: 'float64' }));
  t.ok(
    apart(np.matmul(lower, np.triu(packed)), np.take(singular, permutation, { axis: 0 })) < 1e-13,
    'singular: P A = L U',
  );
  t.equal(packed.slice(n - 1, n - 1).item(), 0, 'with a zero on the diagonal of U');
  t.equal(linalg.det(singular).item(), 0);
  const signs = array('float64', [n], (i) => (i === 50 ? -1 : 2));
  const indefinite = np.stack([np.diag(signs), np.eye(n, n, { dtype: 'float64' })]);
  const factors = cholesky(indefinite);
  const first = factors.slice(0);
  t.ok(
    np.all(np.isnan(np.tril(first).add(np.triu(np.full([n, n], Number.NaN), { k: 1 })))).item(),
    'not positive definite: NaN',
  );
  t.equal(apart(np.triu(first, { k: 1 }), np.zeros([n, n])), 0);
  t.equal(apart(factors.slice(1), np.eye(n, n, { dtype: 'float64' })), 0, 'others of the stack are factorised');
  t.end();
});

// ── Indexed reads and updates ──────────────────────────────────────────────────────────────────────────────────────
t.test('gathers and scatters at random positions', (t) => {
  const next = numbers(8);
  const m = 40;
  for (const dtype of ['float32', 'float64', 'int32', 'bool'] as const) {
    const x = array(dtype, [m, 6], (i) => (dtype === 'bool' ? i % 2 : i));
    const rows = range(100).map(() => Math.floor(2 * m * next()) - m);
    const index = np.array(rows, { dtype: 'int32' });
    const front = rows.map((i) => (i < 0 ? i + m : i));
    const taken = front.flatMap((i) => range(6).map((j) => host(x)[i * 6 + j]!));
    t.ok(same(np.take(x, index, { axis: 0 }).data(), taken), `rows of ${x.aval}`);
    t.ok(same(x.slice(index.reshape([4, 25])).data(), taken), 'by a matrix of positions');
    t.ok(same(np.take(x.T, index, { axis: 1 }).T.data(), taken), 'columns');
    const lanes = vmap((row: Value, i: Value) => np.take(row, i), { inAxes: [1, null] })(x, index);
    t.ok(same(lanes.T.data(), taken), 'a row a lane');
    const own = vmap((row: Value, i: Value) => np.take(row, i))(x.slice([0, 25]), np.mod(index.reshape([25, 4]), 6));
    const each = rows.map((v, k) => host(x)[Math.floor(k / 4) * 6 + (((v % 6) + 6) % 6)]!);
    t.ok(same(own.data(), each), 'positions of its own for each lane');
    const expected = host(x).slice();
    const updates = array(dtype, [100, 6], (i) => (dtype === 'bool' ? (i >> 1) % 2 : -i));
    front.forEach((i, k) => {
      for (let j = 0; j < 6; j++) expected[i * 6 + j] = host(updates)[k * 6 + j]!;
    });
    t.ok(same(x.at(index).set(updates).data(), expected), 'where several are set, the last one stays');
    if (dtype === 'bool') continue;
    const sums = Array.from(host(x));
    front.forEach((i, k) => {
      for (let j = 0; j < 6; j++) sums[i * 6 + j]! += host(updates)[k * 6 + j]!;
    });
    t.ok(same(x.at(index).add(updates).data(), sums), 'additions all count');
  }
  const x = array('float32', [5, 7], (i) => i);
  const starts = np.array(
    [
      [1, 2],
      [4, 6],
      [-1, 0],
    ],
    { dtype: 'int32' },
  );
  const map = { sliceSizes: [2, 3], offsetDims: [0, 2], startIndexMap: [0, 1] };
  const filled = gather(x, starts, { ...map, fillValue: -5 });
  t.same(filled.shape, [2, 3, 3]);
  t.same(filled.slice([], 0).tolist(), [
    [9, 10, 11],
    [16, 17, 18],
  ]);
  t.same(
    filled.slice([], [1, 3]).tolist<number[][][]>().flat(2),
    new Array(12).fill(-5),
    'what does not fit is filled',
  );
  t.same(
    gather(x, starts, { ...map, mode: 'clip' })
      .slice([], 1)
      .tolist(),
    [
      [25, 26, 27],
      [32, 33, 34],
    ],
    'or moved inside',
  );
  const places = { updateWindowDims: [0, 2], scatterDimsToOperandDims: [0, 1] };
  const overlapping = np.array(
    [
      [0, 0],
      [0, 1],
      [4, 4],
    ],
    { dtype: 'int32' },
  );
  const windows = array('float32', [2, 3, 3], (i) => i + 1);
  for (const write of [scatter, scatterAdd, scatterMax]) {
    const f = (v: Value, u: Value): Value => write(v, overlapping, u, places);
    t.same(f(x, windows).data(), jit(f)(x, windows).data(), 'overlapping windows, as compiled');
  }
  t.end();
});

t.test('index arrays are left as they are', (t) => {
  const x = array('float32', [100], (i) => i);
  const index = array('int32', [50], (i) => 2 * i);
  const taken = np.take(x, index);
  const later = jit((v: Value) => np.take(v, index));
  t.same(later(x).data(), taken.data());
  t.equal(index.slice(3).item(), 6);
  index.dispose();
  t.equal(taken.slice(3).item(), 6);
  t.end();
});

// ── Recorded functions ─────────────────────────────────────────────────────────────────────────────────────────────
t.test('functions that are recorded', (t) => {
  const a = general('float64', [12, 12]).add(np.eye(12, 12, { dtype: 'float64' }).mul(3));
  const b = general('float64', [12], 9);
  const first = linalg.solve(a, b).data();
  for (const time of ['second', 'third']) t.same(linalg.solve(a, b).data(), first, `the ${time} time`);
  const other = linalg.solve(a.mul(2), b).data();
  t.ok(
    difference(
      other,
      first.map((v) => v / 2),
    ) < 1e-14,
    'with other values',
  );
  t.same(linalg.solve(a, b).data(), first, 'operands are not touched');
  const slope = () => grad((m: Value) => np.sum(linalg.solve(m, b)))(a).data();
  t.ok(difference(slope(), jit(grad((m: Value) => np.sum(linalg.solve(m, b))))(a).data()) < 1e-13, 'under grad');
  const lanes = vmap(linalg.det)(np.stack([a, a.mul(2)])).data();
  for (const _ of range(3)) t.ok(Math.abs(linalg.det(a).item() / lanes[0]! - 1) < 1e-13, 'under vmap');
  t.ok(Math.abs(lanes[1]! / (lanes[0]! * 2 ** 12) - 1) < 1e-13);
  for (const _ of range(3)) t.throws(() => linalg.inv(np.zeros([2, 3])), { message: /^inv: needs a square matrix/ });
  for (const _ of range(3))
    t.same(
      linalg
        .det(
          np.array([
            [1, 2],
            [3, 4],
          ]),
        )
        .item(),
      -2,
    );
  t.end();
});

t.test('recorded functions with options', (t) => {
  const x = general('float64', [20, 30]);
  for (const axis of [0, 1, null])
    for (const ddof of [0, 1]) {
      const compiled = jit((v: Value) => np.var(v, { axis, ddof }))(x).data();
      for (const _ of range(3))
        t.ok(difference(np.var(x, { axis, ddof }).data(), compiled) < 1e-14, `var, axis ${axis}`);
    }
  for (const _ of range(3)) t.throws(() => np.var(x, { axes: 0 } as object), { message: /there is no option `axes`/ });
  for (const q of [0.25, 0.5, 0.25, 0.5, 0.25, 0.5])
    t.ok(
      difference([np.quantile(x, q).item()], jit((v: Value) => np.quantile(v, q))(x).data()) < 1e-15,
      `quantile ${q}`,
    );
  const keys = range(3).map((i) => random.key(i));
  const drawn = keys.map((key) => random.normal(key, [5]).data());
  keys.forEach((key, i) => {
    t.same(random.normal(key, [5]).data(), drawn[i], 'numbers depend on the key');
    t.ok(difference(jit((k: Value) => random.normal(k, [5]))(key).data(), drawn[i]!) < 1e-6);
  });
  for (const _ of range(3)) t.same(nn.softmax(np.zeros([2, 4]), { axis: 0 }).data(), new Float32Array(8).fill(0.5));
  t.end();
});

t.test('what recorded functions leave behind is freed', (t) => {
  const a = general('float64', [64, 64]).add(np.eye(64, 64, { dtype: 'float64' }).mul(8));
  const run = (): void => linalg.inv(a).dispose();
  for (const _ of range(10)) run();
  const before = heapStats();
  for (const _ of range(300)) run();
  t.equal(heapStats().usedBytes, before.usedBytes);
  t.equal(heapStats().spilledSegments, before.spilledSegments);
  t.end();
});

t.test('operations on few elements, whatever holds their operands', (t) => {
  const next = numbers(11);
  const operations: [name: string, np: (x: any, y: any) => NDArray, js: (x: number, y: number) => number][] = [
    ['add', np.add, (x, y) => x + y],
    ['subtract', np.subtract, (x, y) => x - y],
    ['maximum', np.maximum, Math.max],
    ['less', np.less, (x, y) => Number(x < y)],
    ['floor', (x) => np.floor(x), (x) => Math.floor(x)],
    ['negative', (x) => np.negative(x), (x) => -x],
  ];
  // Up to 64 bytes stay with JavaScript, and up to 32 floats that it has computed.
  for (const dtype of ['float32', 'float64', 'int32'] as const)
    for (const shape of [[], [1], [2, 2], [3, 10], [33]] as const) {
      const n = sizeOf(shape);
      const values = Array.from({ length: n }, () =>
        Math.fround(isFloating(dtype) ? 4 * next() - 2 : Math.floor(9 * next())),
      );
      const plain = array(dtype, shape, (i) => values[i]!);
      const widened = array(dtype, [n + 2], (i) => values[i - 1] ?? 7);
      const forms: [name: string, make: () => NDArray, values: readonly number[]][] = [
        ['of a typed array', () => array(dtype, shape, (i) => values[i]!), values],
        [
          'in memory',
          () => {
            const x = array(dtype, shape, (i) => values[i]!);
            np.sort(x, { axis: null });
            return x;
          },
          values,
        ],
        ['computed', () => plain.add(plain).sub(plain), values],
        ['repeated', () => np.full(shape, 2, { dtype }), values.map(() => 2)],
        ['a view', () => widened.slice([1, n + 1]).reshape(shape), values],
        ['with a one', () => np.eye(n, 1, { dtype }).reshape(shape), values.map((_, i) => Number(i === 0))],
      ];
      for (const [name, f, js] of operations)
        for (const [form, make, xs] of forms)
          for (const [otherForm, other, ys] of [...forms, ['a number', () => 3, values.map(() => 3)] as const]) {
            if (form === otherForm && form === 'a view') continue;
            for (let turn = 0; turn < 2; turn++) {
              const [x, y] = [make(), other()];
              const found = f(x, y);
              const expected = Array.from(xs, (v, i) => js(v, ys[i]!));
              const text = `${name} of ${dtype}[${shape}], ${form} and ${otherForm}`;
              t.ok(same(found.astype(dtype).data(), array(dtype, shape, (i) => expected[i]!).data()), text);
              t.same(found.shape, shape);
              if (typeof y === 'number' && f.length === 2) {
                const turned = f(y, x).astype(dtype).data();
                t.ok(same(turned, array(dtype, shape, (i) => js(3, xs[i]!)).data()), `${text}, turned round`);
              }
            }
          }
    }
  // What is rounded to float32 is the number itself, not the sum.
  const tenth = np.array(Float32Array.of(0, 1));
  t.ok(same(tenth.add(0.1).data(), Float32Array.of(Math.fround(0.1), 1 + Math.fround(0.1))));
  t.ok(same(np.multiply(np.array([1, -1]), -0).data(), Float32Array.of(-0, 0)));
  t.end();
});

t.test('few elements become what the same become among many', (t) => {
  const special = [0, -0, 1, -1.5, 2.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 1e-40, 3e38];
  const pairs = special.flatMap((x) => special.map((y) => [x, y] as const));
  const binary = { add: np.add, sub: np.subtract, mul: np.multiply, div: np.divide, max: np.maximum, min: np.minimum };
  const unary = { negative: np.negative, abs: np.abs, sqrt: np.sqrt, floor: np.floor, ceil: np.ceil, trunc: np.trunc };
  for (const dtype of ['float32', 'float64'] as const) {
    const [x, y] = [0, 1].map((k) => array(dtype, [100], (i) => pairs[i]![k]!)) as [NDArray, NDArray];
    const parts = (f: (x: NDArray, y: NDArray) => NDArray): number[] =>
      range(10).flatMap((i) => Array.from(f(x.slice([10 * i, 10 * i + 10]), y.slice([10 * i, 10 * i + 10])).data()));
    for (const [name, f] of Object.entries(binary)) {
      t.ok(same(parts(f), f(x, y).data()), `${name} of ${dtype}`);
      for (const v of special) {
        t.ok(
          same(
            parts((x) => f(x, v)),
            f(x, v).data(),
          ),
          `${name} of ${dtype} and ${v}`,
        );
        t.ok(
          same(
            parts((x) => f(v, x)),
            f(v, x).data(),
          ),
          `${name} of ${v} and ${dtype}`,
        );
      }
    }
    for (const [name, f] of Object.entries(unary))
      t.ok(
        same(
          parts((x) => f(x)),
          f(x).data(),
        ),
        `${name} of ${dtype}`,
      );
    // From one to the next, to a kernel, and by position.
    const twice = y.slice([0, 10]).add(1).mul(2);
    t.ok(same(np.exp(twice).data(), np.exp(y.add(1).mul(2)).data().slice(0, 10)));
    t.equal(twice.item(4), 7);
    t.same(jit((z: Value) => z.add(1))(twice).tolist(), twice.add(1).tolist());
    twice.dispose();
    t.throws(() => twice.add(1), { message: /was disposed of before\.$/m });
  }
  t.end();
});

t.test('operands that have left the memory, or were disposed of', (t) => {
  const budget = heap().budgetPages;
  t.teardown(() => {
    heap().budgetPages = budget;
  });
  const made = range(40).map((i) => np.full([100], i, { dtype: 'float64' }).add(1));
  heap().budgetPages = 1;
  const before = heapStats().spilledSegments;
  for (const _ of range(2000)) np.add(made[0]!, made[1]!);
  t.ok(heapStats().spilledSegments > before);
  made.forEach((x, i) => {
    t.equal(x.add(x).item(99), 2 * (i + 1));
  });
  for (const x of [made[0]!, np.array([1, 2])]) {
    x.dispose();
    for (const _ of range(2)) {
      t.throws(() => np.add(x, x), { message: /^add: .*was disposed of before\.$/m });
      t.throws(() => np.exp(x), { message: /^exp: .*was disposed of before\.$/m });
      t.throws(() => np.subtract(1, x), { message: /was disposed of before\.$/m });
    }
  }
  t.end();
});
