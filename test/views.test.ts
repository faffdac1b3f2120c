/** Arrays that others are read through, results that are kept, and operands that are one element. */
import t from 'tap';
import { heapStats } from '../jit/storage/heap.ts';
import { setCompiledAfter } from '../src/core/plan.ts';
import { range, type Shape, sizeOf } from '../src/core/shape.ts';
import type { Value } from '../src/core/trace.ts';
import { jit, type NDArray, np } from '../src/index.ts';
import { numbers } from './check-primitive.ts';

process.env.COTANGENT_CACHE = 'off';

const next = numbers(23);
type Numeric = 'float32' | 'float64' | 'int32' | 'uint32';
const drawn = (dtype: Numeric, shape: Shape, low = -6): NDArray =>
  np
    .array(
      range(sizeOf(shape)).map(() => Math.round(1e3 * (low + 12 * next())) / (dtype.startsWith('f') ? 1e3 : 1e2)),
      { dtype: 'float64' },
    )
    .astype(dtype)
    .reshape(shape);
const same = (x: ArrayLike<number>, y: ArrayLike<number>): boolean =>
  x.length === y.length && Array.from(x).every((value, i) => Object.is(value, y[i]));

const views: Record<string, (x: Value) => Value> = {
  transpose: (x) => x.T,
  flip: (x) => np.flip(x),
  'flip of one axis': (x) => np.flip(x, { axis: 0 }),
  rot90: (x) => np.rot90(x),
  'two turns': (x) => np.rot90(x, 2),
  swapaxes: (x) => np.swapaxes(x, 0, 1),
  diagonal: (x) => np.diagonal(x),
  broadcastTo: (x) => np.broadcastTo(x, [3, ...x.shape]),
  slice: (x) => x.slice([1, null], [0, -1]),
  'slice with steps': (x) => x.slice([null, null, -2], [0, null, 3]),
  row: (x) => x.slice(-1),
  'a slice of the transpose, turned': (x) => np.flip(x.T.slice([1, 4])),
  'rows of the transpose': (x) => np.unstack(x.T)[1]!,
};

t.test('views hold the elements of the array behind them, however late they are read', (t) => {
  for (const dtype of ['float64', 'float32', 'uint32'] as const)
    for (const shape of [
      [5, 6],
      [70, 41],
    ])
      for (const [name, f] of Object.entries(views)) {
        const x = drawn(dtype, shape);
        const expected = jit(f)(x).data();
        const title = `${name}, ${x.aval}`;
        const [read, computed, kept, unread] = range(4).map(() => f(x)) as [NDArray, NDArray, NDArray, NDArray];
        t.ok(same(read.data(), expected), title);
        t.ok(same(read.data(), expected), `${title}, again`);
        t.ok(same(computed.mul(1).data(), expected), `${title}, as an operand`);
        unread.dispose();
        t.throws(() => unread.data(), /was disposed of before/);
        x.dispose();
        t.throws(() => x.T, /was disposed of before/);
        t.ok(same(kept.data(), expected), `${title}, after the array was disposed of`);
      }
  t.end();
});

t.test('the array behind a view is freed with the last that reads it', (t) => {
  for (const isRead of [true, false]) {
    const x = np.ones([1000, 1000]).mul(2);
    const { usedBytes } = heapStats();
    const turned = x.T;
    const view = np.rot90(turned);
    for (const y of [x, turned]) y.dispose();
    t.equal(heapStats().usedBytes, usedBytes, 'kept for the view');
    if (isRead) t.equal(view.item(3, 4), 2);
    view.dispose();
    t.ok(heapStats().usedBytes <= usedBytes - 4e6, 'freed');
  }
  const donated = np.ones([300, 200]).mul(3);
  const view = donated.T;
  const f = jit((x: Value) => x.mul(x), { donate: [0] });
  t.equal(f(donated).item(0, 0), 9);
  t.ok(view.data().every((v) => v === 3) && view.size === 60_000, 'what was donated is not written to');
  t.end();
});

t.test('one element against all of an array, whatever its shape', (t) => {
  const ofFloats = [np.add, np.divide, np.power, np.mod, np.fmax, np.arctan2, np.copysign, np.hypot, np.logaddexp];
  const ofAll = [np.subtract, np.multiply, np.maximum, np.less, np.equal, np.logicalAnd, np.logicalOr, np.floorDivide];
  const ofIntegers = [np.bitwiseXor, np.leftShift, np.rightShift, np.power, np.gcd, np.lcm];
  for (const dtype of ['float64', 'float32', 'int32', 'uint32'] as const) {
    const isFloat = dtype.startsWith('f');
    for (const f of [...ofAll, ...(isFloat ? ofFloats : ofIntegers)])
      for (const shape of [[1], [1, 1]]) {
        const x = drawn(dtype, [4, 7], isFloat ? -6 : 1);
        const one = np.array([isFloat ? 1.75 : 3], { dtype }).reshape(shape);
        for (const [a, b] of [
          [x, one],
          [one, x],
        ] as const) {
          const expected = jit(f)(a, b);
          for (const _ of range(3)) {
            const result = f(a, b);
            t.same(result.shape, expected.shape);
            t.ok(same(result.data(), expected.data()), `${f.name} ${a.aval}, ${b.aval}`);
          }
        }
      }
  }
  // Other shapes and dtypes that have to be made alike.
  const [x, row, column] = [drawn('float64', [6, 5]), drawn('float32', [5]), drawn('int32', [6, 1])];
  for (const y of [row, column])
    for (const f of [np.add, np.divide, np.greater, np.minimum])
      for (const _ of range(3)) t.ok(same(f(x, y).data(), jit(f)(x, y).data()), `${x.aval}, ${y.aval}`);
  for (const _ of range(3))
    t.throws(() => np.add(np.ones([2, 3]), np.ones([4])), {
      name: 'ShapeError',
      message: /^add: f32\[2,3\] and f32\[4\] do not broadcast together\./,
    });
  t.same(np.add(np.ones([1, 1]), np.ones([3])).shape, [1, 3]);
  t.same(np.power(np.array([2], { dtype: 'int32' }), np.array([[3]], { dtype: 'int32' })).tolist(), [[8]]);
  t.end();
});

t.test('results that depend on plain data alone are arrays of their own', (t) => {
  const made: Record<string, () => NDArray> = {
    arange: () => np.arange(1, 7, 2),
    linspace: () => np.linspace(0, 1, 5),
    logspace: () => np.logspace(0, 2, 3),
    geomspace: () => np.geomspace(1, 8, 4),
    eye: () => np.eye(3, 4, { k: 1 }),
    identity: () => np.identity(2, { dtype: 'float64' }),
    tri: () => np.tri(3),
    indices: () => np.indices([2, 3]),
    rows: () => np.trilIndices(3)[0],
  };
  for (const [name, f] of Object.entries(made)) {
    const first = f();
    const expected = first.tolist();
    const [second, third] = [f(), f()];
    second.data().fill(7);
    first.dispose();
    second.dispose();
    t.throws(() => second.data(), /was disposed of before/, name);
    t.same(third.tolist(), expected, name);
    t.same(f().tolist(), expected, name);
    t.same(jit(f)().tolist(), expected, name);
  }
  t.same(np.isfinite(np.array([1, 2], { dtype: 'int32' })).tolist(), [true, true]);
  t.same(np.isnan(np.array([1, 2], { dtype: 'uint32' })).tolist(), [false, false]);
  t.throws(() => np.eye(-1), { name: 'ShapeError' });
  t.throws(() => np.eye(-1), { name: 'ShapeError' });
  t.end();
});

t.test('chains of small operations have the same bits once they are compiled', (t) => {
  setCompiledAfter(0);
  const x = np.array([8, -0.75, 3e-310, 0, Number.POSITIVE_INFINITY, 1], { dtype: 'float64' });
  const chains: Record<string, () => NDArray[]> = {
    frexp: () => np.frexp(x),
    unwrap: () => [np.unwrap(np.array([0, 3, 6, 9, -4]))],
    'nanmedian, axis': () => [
      np.nanmedian(
        np.array([
          [1, Number.NaN, 5],
          [2, 3, 4],
        ]),
        { axis: 1 },
      ),
    ],
  };
  for (const [name, f] of Object.entries(chains)) {
    const first = f().map((y) => y.data());
    for (let run = 0; run < 1010; run++) for (const y of f()) y.dispose();
    f().forEach((y, i) => {
      t.ok(same(y.data(), first[i]!), name);
    });
  }
  setCompiledAfter(2 ** 23);
  t.end();
});

t.test('one element by its position', (t) => {
  const x = np.arange(24).reshape(2, 3, 4);
  t.equal(x.item(1, 2, 3), 23);
  t.equal(x.item(-1, 0, -4), 12);
  t.equal(x.T.item(3, 0, 1), 15);
  t.equal(x.lt(4).item<boolean>(0, 0, 3), true);
  t.equal(np.array(5).item(), 5);
  t.throws(() => x.item(1, 2), { name: 'ShapeError', message: /^item: 2 positions for the 3 axes of i32\[2,3,4\]\./ });
  t.throws(() => x.item(0, 3, 0), {
    name: 'ShapeError',
    message: /^item: position 3 is out of range for axis 1 of i32\[2,3,4\]\./,
  });
  t.throws(() => x.item(0, 0.5, 0), { name: 'ShapeError', message: /^item: position 0\.5 is out of range/ });
  t.throws(() => x.item(), { name: 'ShapeError', message: /^item: i32\[2,3,4\] has 24 elements/ });
  t.end();
});

t.test('triangles, runs of equal elements, quantiles of what is present', (t) => {
  for (const [n, m, k] of [
    [3, 3, 0],
    [2, 5, 1],
    [4, 2, -1],
    [3, 4, -7],
    [3, 4, 9],
  ] as const) {
    const places = (inside: (i: number, j: number) => boolean): number[][] => {
      const all = range(n * m)
        .map((at) => [Math.floor(at / m), at % m] as const)
        .filter(([i, j]) => inside(i, j));
      return [all.map(([i]) => i), all.map(([, j]) => j)];
    };
    t.same(
      np.trilIndices(n, { m, k }).map((x) => x.tolist()),
      places((i, j) => j - i <= k),
    );
    t.same(
      np.triuIndices(n, { m, k }).map((x) => x.tolist()),
      places((i, j) => j - i >= k),
    );
  }
  const { values, counts } = np.uniqueCounts(np.array([3, Number.NaN, 1, 3, Number.NaN]));
  t.same(values.tolist(), [1, 3, Number.NaN, Number.NaN]);
  t.same(counts.tolist(), [1, 2, 1, 1]);
  t.same(np.uniqueValues(np.zeros([0])).tolist(), []);
  const whole = drawn('float64', [501]);
  t.equal(np.nanmedian(whole).item(), np.median(whole).item());
  t.equal(np.nanpercentile(whole, 30).item(), np.percentile(whole, 30).item());
  t.equal(np.nanmedian(np.array([Number.NaN, 4, 2])).item(), 3);
  const holed = np.array([Number.NaN, 4, 2, 1, 5, 3]).reshape([2, 3]);
  t.same(np.nanquantile(holed, [0, 1], { axis: 1 }).tolist(), [
    [2, 1],
    [4, 5],
  ]);
  const [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  t.ok(Object.is(np.nanmedian(np.array([low, high])).item(), np.median(np.array([low, high])).item()));
  t.same(np.nanquantile(np.array([1, 2, 3], { dtype: 'int32' }), [0, 1]).tolist(), [1, 3]);
  t.ok(Number.isNaN(np.nanmedian(np.array([Number.NaN])).item()));
  // Neighbours in order have the same digits.
  for (const n of [1000, 4097]) t.equal(np.median(np.arange(0, n, 1, { dtype: 'float64' })).item(), (n - 1) / 2);
  t.end();
});
