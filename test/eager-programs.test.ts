/** Recorded functions outside of `jit`: programs in one frame, at any size, beside a plain reference or compiled code. */
import t from 'tap';
import { interpret } from '../jit/interpret.ts';
import type { DType } from '../src/core/dtype.ts';
import { EagerProgram } from '../src/core/plan.ts';
import { range, type Shape, sizeOf } from '../src/core/shape.ts';
import type { Value } from '../src/core/trace.ts';
import { debug, grad, jit, lax, linalg, makeJaxpr, type NDArray, np, vmap } from '../src/index.ts';
import { difference, numbers } from './check-primitive.ts';

process.env.COTANGENT_CACHE = 'off';

const next = numbers(11);
const drawn = (dtype: DType, shape: Shape, scale = 6): NDArray =>
  np
    .array(
      range(sizeOf(shape)).map(() => scale * (next() - 0.5)),
      { dtype },
    )
    .reshape(shape);
const same = (x: ArrayLike<number>, y: ArrayLike<number>): boolean =>
  x.length === y.length && Array.from(x).every((value, i) => Object.is(value, y[i]));
const floats = ['float32', 'float64'] as const;
const tolerance = (dtype: DType): number => (dtype === 'float32' ? 1e-5 : 1e-13);

// ── Frames ─────────────────────────────────────────────────────────────────────────────────────────────────────────
const ofVectors: Record<string, (x: Value) => Value> = {
  median: (x) => np.median(x),
  percentile: (x) => np.percentile(x, 37),
  'quantile, nearest': (x) => np.quantile(x, 0.61, { method: 'nearest' }),
  'quantile, midpoint': (x) => np.quantile(x, 0.61, { method: 'midpoint' }),
  'several quantiles': (x) => np.quantile(x, [0, 0.3, 1]),
  std: (x) => np.std(x),
  ptp: (x) => np.ptp(x),
  'counts of a histogram': (x) => np.histogram(x)[0],
  'edges of a histogram': (x) => np.histogram(x, { bins: 3 })[1],
  interp: (x) => np.interp(x, np.array([-2, -1, 0, 2]), np.array([1, 5, 0, 3])),
  cumsum: (x) => np.cumsum(x.slice([1, null])),
  'argsort and take': (x) => np.take(x, np.argsort(x)),
};

t.test('programs of any size compute what compiled ones do', (t) => {
  for (const dtype of floats)
    for (const n of dtype === 'float32' ? [9] : [1, 9, 1000, 70_000])
      for (const [name, f] of Object.entries(ofVectors)) {
        const [x, y] = [drawn(dtype, [n]), drawn(dtype, [n])];
        const compiled = jit(f);
        // The third time another array, so that a frame holds what the last call has left.
        for (const operand of [x, x, x, y, x])
          t.ok(
            difference(f(operand).data(), compiled(operand).data()) < 10 * tolerance(dtype),
            `${name}, ${operand.aval}`,
          );
      }
  t.end();
});

t.test('folds over any axes, recorded', (t) => {
  const folds = { sum: np.sum, prod: np.prod, max: np.max, min: np.min, any: np.any, all: np.all };
  for (const dtype of ['float64', 'uint32', 'bool'] as const)
    for (const shape of [[], [2, 5], [3, 1, 4]])
      for (const [name, f] of Object.entries(folds)) {
        const x = drawn('float64', shape, 4).round().astype(dtype);
        const axes = [undefined, ...range(shape.length), [], range(shape.length)];
        for (const axis of axes)
          for (const keepdims of [false, true]) {
            const options = axis === undefined ? { keepdims } : { axis, keepdims };
            // The first time each operation by itself.
            const expected = f(x, options);
            for (const _ of range(2)) {
              const result = f(x, options);
              t.same(result.shape, expected.shape);
              t.equal(result.dtype, expected.dtype);
              t.ok(difference(result.data(), expected.data()) < 1e-5, `${name}, ${x.aval}, axis ${axis}`);
            }
          }
      }
  const empty = np.zeros([0, 3]);
  for (const _ of range(3)) {
    t.same([...np.sum(empty, { axis: 0 }).data()], [0, 0, 0]);
    t.equal(np.all(empty).item(), true);
    t.throws(() => np.max(empty), { message: 'max: f32[0,3] has no elements along axis 0.' });
  }
  t.same(
    [np.nan, -0].map((v) => np.max(np.array([v, -0], { dtype: 'float64' })).item()),
    [Number.NaN, -0],
  );
  t.end();
});

t.test('a frame moves with the stack, and memory with what grows', (t) => {
  const x = drawn('float64', [9]);
  const expected = [np.median(x).item(), np.median(x).item(), np.median(x).item()];
  t.equal(new Set(expected).size, 1);
  const seen: number[] = [];
  // Called by compiled code, whose own frame lies below.
  const f = jit((v: Value) => {
    debug.callback((_: Value) => {
      seen.push(np.median(x).item());
    }, v);
    return v.mul(2);
  });
  f(x);
  t.equal(np.median(x).item(), expected[0]);
  f(x);
  const large = range(3).map((i) => np.full([2 ** 20], i).add(1));
  f(x);
  t.equal(np.median(x).item(), expected[0]);
  t.same([...new Set(seen)], [expected[0]]);
  t.equal(seen.length, 3);
  for (const array of large) array.dispose();
  t.end();
});

t.test('operands of a frame: repeated numbers, parts of others, what was disposed of', (t) => {
  for (const n of [4, 300]) {
    const ones = np.ones([n], { dtype: 'float64' });
    for (const _ of range(3)) t.equal(np.var(ones).item(), 0, 'not written yet');
    const x = drawn('float64', [n]);
    const f = (v: Value): Value => linalg.norm(np.diff(v));
    const expected = jit(f)(x).item();
    for (const _ of range(3)) t.ok(Math.abs(f(x).item() - expected) < 1e-12);
    const gone = x.add(0);
    gone.dispose();
    for (const _ of range(2)) t.throws(() => np.median(gone), { message: /was disposed of before/ });
  }
  t.end();
});

// ── Order ──────────────────────────────────────────────────────────────────────────────────────────────────────────
t.test('rows of every length up to 260 are sorted, whatever their order was', (t) => {
  const orders: Record<string, (i: number, n: number) => number> = {
    random: () => Math.round(100 * (next() - 0.5)),
    increasing: (i) => i,
    decreasing: (i, n) => n - i,
    equal: () => 3,
    'largest keys': (i) => (i % 3 === 0 ? Number.NaN : i % 3 === 1 ? Infinity : -i),
    zeros: (i) => (i % 2 === 0 ? -0 : 0),
  };
  for (const dtype of ['float64', 'float32', 'int32', 'uint32'] as const)
    for (const [name, order] of Object.entries(orders)) {
      if (!dtype.startsWith('f') && (name === 'largest keys' || name === 'zeros')) continue;
      const wrong = range(261).filter((n) => {
        const data = range(2 * n).map((i) => order(i % n, n) * (dtype === 'uint32' && name === 'random' ? -1 : 1));
        const x = np.array(data, { dtype }).reshape([2, n]);
        const held = [...x.data()];
        const expected = [0, 1].flatMap((row) => {
          const mine = held.slice(row * n, (row + 1) * n);
          const key = (v: number): number => (Number.isNaN(v) ? Infinity : v);
          return mine
            .map((v, i) => ({ v, i }))
            .sort((a, b) => {
              const [p, q] = [key(a.v), key(b.v)];
              return p < q ? -1 : p > q ? 1 : Number(Number.isNaN(a.v)) - Number(Number.isNaN(b.v)) || a.i - b.i;
            })
            .map(({ v }) => v);
        });
        return !same(np.sort(x, { axis: 1 }).data(), expected) || !same(np.sort(x.T, { axis: 0 }).T.data(), expected);
      });
      t.same(wrong, [], `${dtype}, ${name}`);
    }
  t.end();
});

t.test('positions that were put together from columns', (t) => {
  // Windows over three axes, which no prebuilt function writes, and two.
  const write = (x: Value, i: Value, j: Value, updates: Value): Value =>
    lax.scatter(x, np.concatenate([i, j], { axis: 1 }), updates, {
      updateWindowDims: [0, 2, 3],
      scatterDimsToOperandDims: [2, 3],
      operandBatchingDims: [1],
      scatterIndicesBatchingDims: [0],
      mode: 'clip',
    });
  const read = (x: Value, i: Value, j: Value): Value =>
    lax.gather(x, np.concatenate([i, j], { axis: 1 }), {
      offsetDims: [0, 2, 3],
      collapsedSliceDims: [],
      startIndexMap: [2, 3],
      sliceSizes: [2, 1, 2, 3],
      operandBatchingDims: [1],
      startIndicesBatchingDims: [0],
    });
  const x = np.arange(2 * 3 * 4 * 5, { dtype: 'float64' }).reshape([2, 3, 4, 5]);
  const [i, j] = [
    [1, 0, 2],
    [2, 1, 0],
  ].map((list) => np.array(list, { dtype: 'int32' }).reshape([3, 1])) as [Value, Value];
  const updates = np.zeros([2, 3, 2, 3], { dtype: 'float64' });
  for (const [name, f, args] of [
    ['scatter', write, [x, i, j, updates]],
    ['gather', read, [x, i, j]],
  ] as const) {
    const { jaxpr, consts } = makeJaxpr(f as (...args: Value[]) => Value)(...args);
    const [reference] = interpret(
      jaxpr,
      args.map((value) => ({ aval: value.aval, data: value.hostData() })),
    );
    const program = EagerProgram.of(jaxpr, consts)!;
    for (let k = 0; k < 2; k++) t.ok(same(program.run([...args])[0]!.hostData(), reference!), name);
  }
  t.end();
});

t.test('quantiles select what they read of an order', (t) => {
  const values: Record<string, (i: number) => number> = {
    random: () => 10 * (next() - 0.5),
    'one exponent': () => 1 + next() * 1e-3,
    ties: () => Math.floor(5 * next()),
    equal: () => 3,
    increasing: (i) => i,
    zeros: (i) => (i % 3 === 0 ? 0 : -0),
    'zeros between': (i) => (i % 4 === 0 ? next() - 0.5 : i % 3 === 0 ? 0 : -0),
    'with NaN': (i) => (i === 77 ? Number.NaN : next()),
    infinite: (i) => (i % 3 === 0 ? Infinity : i % 3 === 1 ? -Infinity : i),
    'all sizes': () => (next() - 0.5) * 10 ** (60 * next() - 30),
  };
  for (const dtype of floats)
    for (const [name, value] of Object.entries(values))
      for (const n of [199, 200, 1001, 9000]) {
        const x = np.array(range(n).map(value), { dtype });
        const sorted = np.sort(x).data();
        const missing = Number.isNaN(sorted[n - 1]!);
        for (const q of [0, 0.1, 0.5, 0.999, 1]) {
          const at = Math.floor(q * (n - 1));
          for (const _ of range(3)) {
            const low = np.quantile(x, q, { method: 'lower' }).item();
            t.ok(Object.is(low, missing ? Number.NaN : sorted[at]!), `${name}, ${x.aval}, ${q}`);
          }
          // The first time from the whole order.
          const [first, ...others] = range(4).map(() => np.quantile(x, q).item());
          t.ok(
            others.every((other) => Object.is(other, first)),
            `${name}, ${x.aval}, between at ${q}`,
          );
        }
      }
  t.end();
});

// ── Compositions against plain references ──────────────────────────────────────────────────────────────────────────
const interpolated = (x: number, xp: number[], fp: number[]): number => {
  const last = xp.length - 1;
  if (x < xp[0]!) return fp[0]!;
  if (x > xp[last]!) return fp[last]!;
  if (last === 0) return fp[0]! + 0 * x;
  const i = Math.min(xp.filter((p) => p <= x).length, last);
  const [x0, x1, f0, f1] = [xp[i - 1]!, xp[i]!, fp[i - 1]!, fp[i]!];
  return x1 === x0 ? f0 : f0 + ((x - x0) / (x1 - x0)) * (f1 - f0);
};

t.test('interp between, at, and beyond samples', (t) => {
  for (const dtype of floats)
    for (const n of [1, 2, 3, 5, 100]) {
      const positions = range(n).map((i) => i - Math.floor(i / 4) * 0.5);
      const samples = range(n).map((i) => (7 * i) % 5);
      const [xp, fp] = [np.array(positions, { dtype }), np.array(samples, { dtype })];
      for (const m of [0, 1, 10, 33]) {
        const at = range(m).map((i) => (i % 4 === 0 ? (positions[i % n] ?? 0) : (n + 2) * next() - 1));
        const x = np.array(at, { dtype });
        const expected = [...x.data()].map((v) => interpolated(v, positions, samples));
        for (const _ of range(3))
          t.ok(difference(np.interp(x, xp, fp).data(), expected) < tolerance(dtype), `${x.aval}, ${n} samples`);
        t.ok(difference(jit(np.interp)(x, xp, fp).data(), expected) < tolerance(dtype));
        t.ok(difference(vmap((v: Value) => np.interp(v, xp, fp))(x).data(), expected) < tolerance(dtype));
      }
      if (n > 1) {
        const nan = np.array([Number.NaN], { dtype });
        for (const _ of range(3)) t.ok(Number.isNaN(np.interp(nan, xp, fp).data()[0]));
        const ends = np.interp(np.array([-9, 999], { dtype }), xp, fp, { left: -1, right: -2 });
        t.same([...ends.data()], [-1, -2]);
      }
    }
  const slope = grad((x: Value) => np.interp(x, np.array([0, 1, 3]), np.array([0, 2, 3])));
  t.same(
    [0.5, 2, 5].map((x) => (slope(x) as Value).item()),
    [2, 0.5, 0],
  );
  t.end();
});

t.test('histogram: both results every time', (t) => {
  const data = [0, 1, 1, 2.5, 4, -1, 4, 9, 9.5];
  const weights = data.map((_, i) => i + 1);
  for (const dtype of floats) {
    const [x, w] = [np.array(data, { dtype }), np.array(weights, { dtype })];
    for (const _ of range(3)) {
      const [counts, edges] = np.histogram(x, { bins: 4, range: [0, 8] });
      t.same([...counts.data()], [3, 1, 2, 0]);
      t.same([...edges.data()], [0, 2, 4, 6, 8]);
      t.same([...np.histogram(x, { bins: 4, range: [0, 8], weights: w })[0].data()], [6, 4, 12, 0]);
      t.same([...np.histogram(np.full([5], 3, { dtype }), { bins: 2 })[1].data()], [2.5, 3, 3.5]);
    }
  }
  t.end();
});

t.test('kron of any ranks', (t) => {
  const shapes: readonly (readonly [Shape, Shape])[] = [
    [[], [3]],
    [[4], [2]],
    [[2], [9]],
    [
      [3, 5],
      [2, 2],
    ],
    [
      [3, 5],
      [2, 11],
    ],
    [
      [3, 1],
      [2, 2],
    ],
    [[5], [2, 3]],
    [[2, 3, 4], [7]],
    [
      [2, 3],
      [2, 1, 2],
    ],
    [
      [0, 3],
      [2, 2],
    ],
  ];
  for (const dtype of ['float64', 'int32'] as const)
    for (const [p, q] of shapes) {
      const [a, b] = [drawn('float64', p, 9).round().astype(dtype), drawn('float64', q, 9).round().astype(dtype)];
      const rank = Math.max(p.length, q.length);
      const long = (s: Shape): number[] => [...new Array<number>(rank - s.length).fill(1), ...s];
      const [m, n] = [long(p), long(q)];
      const shape = m.map((length, i) => length * n[i]!);
      const [x, y] = [a.reshape(m).data(), b.reshape(n).data()];
      const expected = range(sizeOf(shape)).map((at) => {
        let [i, j, rest] = [0, 0, at];
        const index = [...shape].reverse().map((length) => {
          const position = rest % length;
          rest = Math.floor(rest / length);
          return position;
        });
        index.reverse().forEach((position, axis) => {
          i = i * m[axis]! + Math.floor(position / n[axis]!);
          j = j * n[axis]! + (position % n[axis]!);
        });
        return x[i]! * y[j]! + 0;
      });
      for (const f of [np.kron, np.kron, np.kron, jit(np.kron)]) {
        const result = f(a, b);
        t.same(result.shape, shape);
        t.same(
          [...result.data()].map((v) => v + 0),
          expected,
          `${a.aval} ⊗ ${b.aval}`,
        );
      }
      if (dtype === 'int32' || sizeOf(shape) === 0) continue;
      const lanes = vmap(np.kron)(np.stack([a, a.mul(2)]), np.stack([b, b]));
      t.same([...lanes.slice(1).data()], [...np.kron(a.mul(2), b).data()]);
      const slope = grad((a: Value) => np.sum(np.kron(a, b)))(a) as Value;
      t.ok(difference(slope.data(), new Array(a.size).fill(np.sum(b).item())) < 1e-4);
    }
  t.end();
});

t.test('Cholesky factorises the symmetric part', (t) => {
  for (const dtype of floats)
    for (const n of [1, 2, 5, 9, 13, 100]) {
      const a = drawn(dtype, [2, n, n], 1).add(np.eye(n, n, { dtype }).mul(2 * n));
      const part = a.add(a.transpose([0, 2, 1])).mul(0.5);
      const l = linalg.cholesky(part);
      for (const f of [linalg.cholesky, linalg.cholesky, linalg.cholesky, jit((x: Value) => linalg.cholesky(x))])
        t.ok(same(f(a).data(), l.data()), `${a.aval}`);
      t.ok(same(vmap((x: Value) => linalg.cholesky(x))(a).data(), l.data()));
      t.ok(same(linalg.cholesky(a, { upper: true }).data(), l.transpose([0, 2, 1]).data()));
      t.ok(difference(np.matmul(l, l.transpose([0, 2, 1])).data(), part.data()) < 20 * n * tolerance(dtype));
      if (n > 9) continue;
      const weights = drawn(dtype, [2, n, n]);
      const loss = (x: Value): Value => np.sum(linalg.cholesky(x).mul(weights));
      const bySymmetry = (x: Value): Value => loss(x.add(x.transpose([0, 2, 1])).mul(0.5));
      const [direct, through] = [loss, bySymmetry].map((f) => (grad(f)(a) as Value).data());
      t.ok(difference(direct!, through!) < 100 * tolerance(dtype), 'derivative');
      t.ok(difference(direct!, (grad(loss)(a) as Value).transpose([0, 2, 1]).data()) < 100 * tolerance(dtype));
    }
  const indefinite = np.array([
    [1, 4],
    [0, 1],
  ]);
  for (const _ of range(3)) t.same([...linalg.cholesky(indefinite).data()], [Number.NaN, 0, Number.NaN, Number.NaN]);
  t.end();
});

t.test('determinants and inverses of small matrices', (t) => {
  for (const dtype of floats)
    for (const n of [1, 3, 4, 9, 10, 17]) {
      const a = drawn(dtype, [n, n], 2).add(np.eye(n, n, { dtype }).mul(3));
      const [det, inverse] = [jit(linalg.det)(a).item(), jit(linalg.inv)(a).data()];
      for (const _ of range(3)) {
        t.ok(Math.abs(linalg.det(a).item() / det - 1) < 10 * tolerance(dtype), `det ${a.aval}`);
        t.ok(difference(linalg.inv(a).data(), inverse) < 10 * tolerance(dtype), `inv ${a.aval}`);
      }
      const unit = np.matmul(linalg.inv(a), a).sub(np.eye(n, n, { dtype }));
      t.ok(np.max(np.abs(unit)).item() < 100 * tolerance(dtype));
    }
  t.end();
});
