import t from 'tap';
import { type DType, dtypes, isFloating } from '../src/core/dtype.ts';
import { range, sizeOf, stridesOf } from '../src/core/shape.ts';
import type { Value } from '../src/core/trace.ts';
import { grad, jit, NDArray, random, vmap } from '../src/index.ts';
import * as linalg from '../src/linalg/index.ts';
import * as losses from '../src/losses.ts';
import * as nn from '../src/nn/index.ts';
import * as np from '../src/numpy/index.ts';
import * as special from '../src/special/index.ts';
import * as stats from '../src/stats/index.ts';
import { fixture } from './lib/fixture.ts';

/** Calls, and what JAX answers: see test/oracle/numpy_fixtures.py. */
interface Call {
  readonly call: string;
  readonly args: unknown[];
  readonly options?: Record<string, unknown>;
  readonly expected: unknown;
}

const number = (x: unknown): unknown =>
  x === 'nan' ? Number.NaN : x === 'inf' ? Number.POSITIVE_INFINITY : x === '-inf' ? Number.NEGATIVE_INFINITY : x;
const numbers = (x: unknown): any => (Array.isArray(x) ? x.map(numbers) : number(x));

interface Encoded {
  readonly array: unknown;
  readonly dtype: NDArray['dtype'];
  readonly shape: number[];
}
const isEncoded = (x: unknown): x is Encoded => typeof x === 'object' && x !== null && 'array' in x;

function decode(x: unknown): any {
  if (isEncoded(x)) return np.reshape(np.array(numbers(x.array), { dtype: x.dtype }), x.shape);
  if (Array.isArray(x)) return x.map(decode);
  return number(x);
}

const scopes: Record<string, any> = { np, linalg, losses, nn, special, stats };

/** Why a result differs from what was expected; undefined if it does not. Floats: five digits, or half the tolerance. */
function difference(actual: unknown, expected: unknown, tolerance = 1e-5): string | undefined {
  if (!isEncoded(expected)) {
    if (Array.isArray(expected)) {
      const list = actual as unknown[];
      if (!Array.isArray(list) || list.length !== expected.length) return `not a list of ${expected.length}`;
      return expected.map((e, i) => difference(list[i], e, tolerance)).find((d) => d !== undefined);
    }
    if (typeof expected === 'object' && expected !== null) {
      return Object.entries(expected)
        .map(([key, value]) => difference((actual as Record<string, unknown>)[key], value, tolerance))
        .find((d) => d !== undefined);
    }
    return Object.is(actual, expected) ? undefined : `${actual} instead of ${expected}`;
  }
  if (!(actual instanceof NDArray)) return 'not an array';
  if (actual.dtype !== expected.dtype) return `dtype ${actual.dtype} instead of ${expected.dtype}`;
  if (actual.shape.join() !== expected.shape.join()) return `shape [${actual.shape}] instead of [${expected.shape}]`;
  const want = [numbers(expected.array)].flat(Number.POSITIVE_INFINITY).map(Number);
  const got = [...actual.data()];
  const at = want.findIndex((w, i) => {
    const g = got[i]!;
    if (Number.isNaN(w) || !Number.isFinite(w)) return !Object.is(w, g);
    return !(Math.abs(g - w) <= tolerance / 2 + tolerance * Math.abs(w));
  });
  return at < 0 ? undefined : `element ${at} is ${got[at]} instead of ${want[at]}`;
}

function label({ call, args, options }: Call): string {
  const shown = args.map((a) => (isEncoded(a) ? `${a.dtype}[${a.shape}]` : JSON.stringify(a)?.slice(0, 30)));
  return `${call}(${[...shown, ...(options ? [JSON.stringify(options).slice(0, 60)] : [])].join(', ')})`;
}

/** The call as a function of its arrays, wherever they stand among the arguments, and those arrays. */
function asFunction({ call, args, options }: Call): { f: (...arrays: NDArray[]) => any; arrays: NDArray[] } {
  const path = call.includes('.') ? call.split('.') : ['np', call];
  const callee = path.reduce((scope, name) => scope[name], scopes) as unknown as (...args: unknown[]) => unknown;
  const arrays: NDArray[] = [];
  const fill = (x: unknown, take: (x: NDArray) => NDArray): unknown =>
    x instanceof NDArray ? take(x) : Array.isArray(x) ? x.map((y) => fill(y, take)) : x;
  const decoded = args.map(decode);
  const settings = options && Object.fromEntries(Object.entries(options).map(([k, v]) => [k, decode(v)]));
  fill(decoded, (x) => {
    arrays.push(x);
    return x;
  });
  const f = (...given: NDArray[]) => {
    let next = 0;
    const values = fill(decoded, () => given[next++]!) as unknown[];
    return callee(...values, ...(settings ? [settings] : []));
  };
  return { f, arrays };
}

const check = (name: string, compute: () => unknown, expected: unknown, tolerance?: number) => {
  try {
    t.equal(difference(compute(), expected, tolerance), undefined, name);
  } catch (error) {
    t.fail(`${name}: ${error}`);
  }
};

/** Their results are not arrays, or have shapes that depend on values. */
const concreteOnly = new Set([
  ...[
    'unique',
    'uniqueAll',
    'uniqueCounts',
    'uniqueInverse',
    'uniqueValues',
    'nonzero',
    'argwhere',
    'compress',
    'extract',
  ],
  ...['trimZeros', 'allclose', 'arrayEqual', 'union1d', 'intersect1d', 'setdiff1d', 'setxor1d'],
]);
const calls: Call[] = fixture('numpy');

t.test('values', async () => {
  for (const call of calls) {
    const { f, arrays } = asFunction(call);
    check(label(call), () => f(...arrays), call.expected);
  }
});

/** The same encoded value with its float32 arrays as float64. */
function widened(x: unknown): any {
  if (isEncoded(x)) return x.dtype === 'float32' ? { ...x, dtype: 'float64' } : x;
  if (Array.isArray(x)) return x.map(widened);
  if (typeof x === 'object' && x !== null) {
    return Object.fromEntries(Object.entries(x).map(([k, v]) => [k, widened(v)]));
  }
  return x;
}

t.test('positions and distinct elements', async () => {
  const x = np.array([0, 1, 2, 0, Number.NaN, 3, -0, 4, 0, 0, 5, 0], { dtype: 'float64' });
  const places = (shape: number[]) => np.nonzero(x.reshape(shape)).map((p) => p.tolist());
  t.same(places([12]), [[1, 2, 4, 5, 7, 10]]);
  t.same(places([3, 4]), [
    [0, 0, 1, 1, 1, 2],
    [1, 2, 0, 1, 3, 2],
  ]);
  t.same(places([2, 3, 2]), [
    [0, 0, 0, 0, 1, 1],
    [0, 1, 2, 2, 0, 2],
    [1, 0, 0, 1, 1, 0],
  ]);
  t.same(
    np.nonzero(np.zeros([0, 3])).map((p) => p.tolist()),
    [[], []],
  );
  t.same(np.unique(np.concatenate([x, x])).tolist(), [0, 1, 2, 3, 4, 5, Number.NaN]);
  t.same(np.unique(np.array([3, -1, 3], { dtype: 'int32' })).tolist(), [-1, 3]);
  t.same(np.unique(np.array([true, false, true])).tolist(), [false, true]);
  t.same(np.unique(np.zeros([0])).tolist(), []);
});

t.test('equal elements, which are written where they are read', async () => {
  for (const n of [3, 1000]) {
    const x = np.full([n, 2], -0, { dtype: 'float64' });
    t.same([x.data().length, Object.is(x.data()[2 * n - 1], -0)], [2 * n, true]);
    t.equal(
      np.full([n, 2], 0.1).add(1).sum().item(),
      np
        .array(new Array(2 * n).fill(0.1))
        .add(1)
        .sum()
        .item(),
    );
    const ones = np.ones([n], { dtype: 'int32' });
    t.equal(ones.at(0).set(5).sum().item(), n + 4);
    t.equal(ones.sum().item(), n);
    t.same(
      np
        .broadcastTo(np.array([true]), [n])
        .all()
        .item(),
      true,
    );
    x.dispose();
    t.throws(() => x.data(), /dispose/);
  }
});

t.test('all NaN, and NaN in between', async () => {
  // More than one piece, decided in the first or only in the last.
  for (const n of [5, 40000])
    for (const dtype of ['float32', 'float64'] as const) {
      const numbers = new Array<number>(n).fill(Number.NaN);
      const of = () => np.array(numbers, { dtype });
      for (let i = 0; i < 3; i++) t.ok(Number.isNaN(np.nanmin(of()).item()));
      numbers[n - 1] = 3;
      t.same([np.nanmin(of()).item(), np.nanmax(of()).item()], [3, 3]);
      numbers[0] = 4;
      t.same([np.nanmin(of()).item(), np.nanmax(of()).item()], [3, 4]);
    }
});

/** Small numbers, zeros of either sign and NaN among them, of which many are equal. */
const repetitive = (n: number, dtype: DType): Value =>
  np.array(
    range(n).map((i) => [0, 3, -0, 1, isFloating(dtype) ? Number.NaN : 0, 2][(i * i + (i >> 3)) % 6]!),
    { dtype },
  );

const same = (x: Value, y: Value): boolean =>
  x.shape.join() === y.shape.join() && x.data().every((v, i) => Object.is(v, y.data()[i]));

const dtypesAndShapes = (body: (dtype: DType, shape: number[]) => void): void => {
  for (const dtype of dtypes)
    for (const shape of [[0], [7], [3, 4], [70, 130], [9000], [2, 3, 4], [0, 3], [5, 0]]) body(dtype, shape);
};

t.test('what a mask and what a list takes, in every type', async () => {
  dtypesAndShapes((dtype, shape) => {
    const x = repetitive(sizeOf(shape), dtype).reshape(shape);
    const data = Array.from(x.data());
    const found = data.flatMap((value, i) => (value === 0 ? [] : [i]));
    const name = `${x.aval}`;
    const own = stridesOf(shape);
    const along = shape.map((extent, axis) => found.map((i) => Math.floor(i / own[axis]!) % extent));
    t.same(
      np.nonzero(x).map((p) => p.tolist()),
      along,
      name,
    );
    t.same(
      np.argwhere(x).tolist(),
      found.map((_, k) => along.map((places) => places[k])),
      name,
    );
    t.same(np.flatnonzero(x).tolist(), found, name);
    const values = np.array(Int32Array.from(range(data.length))).reshape(shape);
    t.same(np.extract(x, values).tolist(), found, name);
    t.same(np.compress(x.ravel(), values).tolist(), found, name);
    t.same(Array.from(np.extract(values, x).data()), data.slice(1), name);
    for (const axis of range(shape.length)) {
      const n = shape[axis]!;
      const mask = repetitive(Math.max(n - 1, 0), dtype);
      const kept = Array.from(mask.data()).flatMap((value, i) => (value === 0 ? [] : [i]));
      const expected = np.take(x, np.array(kept, { dtype: 'int32' }), { axis });
      t.ok(same(np.compress(mask, x, { axis }), expected), `${name}, axis ${axis}`);
      if (n === 0) continue;
      const list = range(9).map((i) => ((i * 5) % (2 * n)) - n);
      const listed = np.take(x, np.array(list, { dtype: 'int32' }), { axis });
      t.ok(same(np.take(x, list, { axis }), listed), `${name}, a list`);
      t.ok(same(np.take(x, [...list, n], { axis }).slice(...range(axis).map((): [] => []), [0, 9]), listed), 'outside');
    }
  });
  const x = np.array([1, 2, 3]);
  t.same(np.take(x, [-1, 7]).tolist(), [3, Number.NaN]);
  t.same(np.take(x, [-4, 5], { mode: 'clip' }).tolist(), [1, 3]);
  t.same(np.take(x, []).tolist(), []);
  t.same(jit((v: Value) => np.take(v, [2, -3]))(x).tolist(), [3, 1]);
  t.same(grad((v: Value) => np.compress(np.array([true, false, true]), v.mul(v)).sum())(x).tolist(), [2, 0, 6]);
  t.throws(() => np.take(x, [0], { axis: 1 }), /take/);
  t.throws(() => np.take(x, [0], { axes: 0 } as never), /take: .*axes/);
  x.dispose();
  for (const f of [() => np.take(x, [0]), () => np.extract(x, np.ones([3])), () => np.nonzero(x), () => np.unique(x)])
    t.throws(f, /disposed/);
});

t.test('lines combined over the first axis are as rows over the last one', async () => {
  for (const dtype of dtypes)
    for (const [rows, columns] of [
      [1, 40],
      [3, 5],
      [9, 71],
      [14, 37],
      [50, 64],
    ] as const) {
      const few = repetitive(rows * columns, dtype).reshape([rows, columns]);
      const increasing = np.array(range(rows * columns), { dtype }).reshape([rows, columns]);
      const zeros = np.array(
        range(rows * columns).map((i) => (i % 5 < 4 ? -0 : 0)),
        { dtype },
      );
      const rowsSummed = np.sum(np.array(increasing.T.tolist(), { dtype }), { axis: 1 });
      t.ok(same(np.sum(increasing, { axis: 0 }), rowsSummed), `${increasing.aval}`);
      for (const x of [few, increasing, np.flip(increasing), zeros.reshape([rows, columns])])
        for (const f of [np.argmax, np.argmin, np.max, np.min, np.any, np.all])
          t.ok(same(f(x, { axis: 0 }), f(np.array(x.T.tolist(), { dtype }), { axis: 1 })), `${x.aval}`);
    }
});

t.test('sorts of what is in order, and of what is but for one element', async () => {
  for (const dtype of dtypes)
    for (const n of [16, 17, 300, 5000, 30_000]) {
      const increasing = range(n).map((i) => (dtype === 'bool' ? Number(2 * i > n) : i >> 1));
      for (const at of [undefined, 0, 1, 4096, n - 2]) {
        const list = increasing.slice();
        if (at !== undefined && at + 1 < n) [list[at], list[at + 1]] = [list[at + 1]!, list[at]!];
        if (at === 0) [list[0], list[n - 1]] = [list[n - 1]!, list[0]!];
        const order = range(n).sort((i, j) => list[i]! - list[j]! || i - j);
        const x = np.array(list, { dtype });
        const name = `${x.aval}, ${at}`;
        t.ok(
          np
            .sort(x)
            .data()
            .every((v, i) => v === increasing[i]),
          name,
        );
        t.ok(
          np
            .argsort(x)
            .data()
            .every((v, i) => v === order[i]),
          name,
        );
      }
    }
  for (const dtype of dtypes)
    for (const n of [10, 17, 48, 50, 600, 601, 2000]) {
      const x = repetitive(n, dtype);
      const data = x.data();
      const rank = (v: number): number => (Number.isNaN(v) ? Number.POSITIVE_INFINITY : v);
      const less = (i: number, j: number): number => rank(data[i]!) - rank(data[j]!);
      const order = range(n).sort((i, j) => (rank(data[i]!) === rank(data[j]!) ? i - j : less(i, j)));
      t.same(Array.from(np.argsort(x).data()), order, `${x.aval}`);
    }
  for (const dtype of ['float32', 'float64'] as const)
    for (const n of [240, 5000]) {
      const x = np.array(range(n), { dtype });
      for (const v of [x, np.flip(x)])
        for (let i = 0; i < 3; i++)
          t.same(
            [np.percentile(v, 50), np.quantile(v, 1), np.quantile(v, 0), np.nanquantile(v, 0.5)].map((y) => y.item()),
            [(n - 1) / 2, n - 1, 0, (n - 1) / 2],
          );
    }
  const x = np.array([-1, -0, 0, -0, ...new Array<number>(20).fill(0), Number.NaN, Number.NaN], { dtype: 'float64' });
  t.ok(same(np.sort(x), x));
});

t.test('distinct elements in every type', async () => {
  dtypesAndShapes((dtype, shape) => {
    const x = repetitive(sizeOf(shape), dtype).reshape(shape);
    const sorted = Array.from(np.sort(x, { axis: null }).data());
    const starts = range(sorted.length).filter((i) => i === 0 || sorted[i] !== sorted[i - 1]);
    const values = starts.map((i) => sorted[i]!);
    const counts = starts.map((start, k) => (starts[k + 1] ?? sorted.length) - start);
    const numbers = Array.from(np.uniqueValues(x).data());
    t.ok(numbers.length === values.length && numbers.every((v, i) => Object.is(v, values[i])), `${x.aval}`);
    const counted = np.uniqueCounts(x);
    t.same([Array.from(counted.values.data()), Array.from(counted.counts.data())], [values, counts], `${x.aval}`);
    t.same(
      Array.from(np.unique(x).data()),
      values.filter((v, i) => !Number.isNaN(v) || !Number.isNaN(values[i - 1] ?? 0)),
      `${x.aval}`,
    );
  });
});

t.test('any and all, decided in the first piece, in the last, and never', async () => {
  for (const dtype of ['float32', 'float64', 'int32', 'uint32', 'bool'] as const)
    for (const n of [3, 40000])
      for (const at of [0, n - 1, n]) {
        const data = Array.from({ length: n }, (_, i) => Number(i === at));
        const [one, without] = [data, data.map((x) => 1 - x)].map((list) => np.array(list, { dtype }));
        for (let i = 0; i < 3; i++)
          t.same(
            [np.any(one!), np.all(without!), np.any(without!), np.all(one!)].map((x) => x.item()),
            [at < n, at === n, true, false],
            `${dtype}, ${n}`,
          );
      }
  t.same(np.all(np.array([0x80000000, 2], { dtype: 'uint32' })).item(), true);
  t.same(np.any(np.array([-0, 0])).item(), false);
});

const ofFloat32 = new Set(['nextafter', 'spacing', 'ldexp']);

t.test('float64 stays float64', async () => {
  const hasFloats = (x: unknown): boolean =>
    isEncoded(x) ? x.dtype === 'float32' : Array.isArray(x) ? x.some(hasFloats) : false;
  for (const call of calls) {
    // The largest finite number, which stands for ∞, differs; so do neighbours, and what overflows.
    if (!hasFloats(call.args) || (call.call === 'nanToNum' && !call.options) || ofFloat32.has(call.call)) continue;
    const wide: Call = { ...call, args: widened(call.args), options: call.options && widened(call.options) };
    const { f, arrays } = asFunction(wide);
    check(label(wide), () => f(...arrays), widened(call.expected), 2e-5);
  }
});

t.test('under jit and vmap the same values', async () => {
  const traced = calls
    .filter(({ call }) => !concreteOnly.has(call))
    .map((call) => ({ call, ...asFunction(call) }))
    .filter(({ arrays }) => arrays.length > 0);
  // Programs of many functions: a module for each would take longer to compile.
  const together = 40;
  for (let from = 0; from < traced.length; from += together) {
    const some = traced.slice(from, from + together);
    const run = jit((...given: NDArray[][]) => some.map(({ f }, i) => f(...given[i]!)));
    let results: unknown[] = [];
    try {
      results = run(...some.map(({ arrays }) => arrays));
    } catch (error) {
      t.fail(`jit of ${some.map(({ call }) => label(call)).join(', ')}: ${error}`);
    }
    some.forEach(({ call }, i) => {
      check(`jit ${label(call)}`, () => results[i], call.expected);
    });
  }
  for (const { call, f, arrays } of traced) {
    const lanes = arrays.map((x) => np.stack([x, x]));
    const second = (result: any): unknown =>
      result instanceof NDArray
        ? result.slice(1)
        : Array.isArray(result)
          ? result.map(second)
          : Object.fromEntries(Object.entries(result).map(([k, v]) => [k, second(v)]));
    check(`vmap ${label(call)}`, () => second(vmap(f)(...lanes)), call.expected);
  }
});

t.test('derivatives', async () => {
  for (const call of fixture('numpy-gradients') as Call[]) {
    const { f, arrays } = asFunction(call);
    const [x, ...rest] = arrays as [NDArray, ...NDArray[]];
    const total = (v: NDArray) => {
      const y = f(v, ...rest) as NDArray;
      return np.sum(y.mul(np.reshape(np.cos(np.arange(y.size)), y.shape)));
    };
    check(`grad ${label(call)}`, () => grad(total)(x), call.expected, 1e-4);
  }
});

t.test('kinks and infinities, as JAX has them', (t) => {
  const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
  const points = [-inf, -3, -1, 0, 1, 3, 6, inf, nan];
  const table: [string, (x: NDArray) => NDArray, number[], number[]][] = [
    ['relu', nn.relu, [0, 0, 0, 0, 1, 3, 6, inf, nan], [0, 0, 0, 0, 1, 1, 1, 1, 1]],
    ['relu6', nn.relu6, [0, 0, 0, 0, 1, 3, 6, 6, nan], [0, 0, 0, 0, 1, 1, 0, 0, 1]],
    ['leakyRelu', nn.leakyRelu, [-inf, -0.03, -0.01, 0, 1, 3, 6, inf, nan], [0.01, 0.01, 0.01, 1, 1, 1, 1, 1, 0.01]],
    ['hardTanh', nn.hardTanh, [-1, -1, -1, 0, 1, 1, 1, 1, nan], [0, 0, 1, 1, 1, 0, 0, 0, 1]],
    [
      'hardSigmoid',
      nn.hardSigmoid,
      [0, 0, 1 / 3, 0.5, 2 / 3, 1, 1, 1, nan],
      [0, 0, 1 / 6, 1 / 6, 1 / 6, 0, 0, 0, 1 / 6],
    ],
  ];
  const near = (a: number, b: number): boolean => Object.is(a, b) || Math.abs(a - b) < 1e-15 || (a === 0 && b === 0);
  for (const [name, f, values, slopes] of table) {
    const x = np.array(points, { dtype: 'float64' });
    for (const [how, use] of [
      ['', (g: (x: NDArray) => NDArray) => g],
      ['compiled ', (g: (x: NDArray) => NDArray) => jit(g)],
    ] as const) {
      const got = [...use((v: NDArray) => f(v))(x).data()];
      const slope = [...use((v: NDArray) => vmap(grad((u: NDArray) => f(u)))(v))(x).data()];
      t.ok(
        got.every((v, i) => near(v, values[i]!)),
        `${how}${name}: ${got}`,
      );
      t.ok(
        slope.every((v, i) => near(v, slopes[i]!)),
        `${how}derivative of ${name}: ${slope}`,
      );
    }
  }
  const at = (f: (x: NDArray) => NDArray, x: number): number => grad(f)(np.array(x, { dtype: 'float64' })).item();
  t.equal(at(nn.softplus, 0), 0.5);
  t.equal(
    at((x) => np.logaddexp(x, 2), 2),
    0.5,
  );
  t.equal(
    at((x) => np.logaddexp(2, x), 2),
    0.5,
  );
  t.equal(
    at((x) => np.logaddexp2(x, x), 2),
    1,
  );
  t.same(at(nn.softplus, nan), nan);
  t.equal(at(nn.logSigmoid, 0), 0.5);
  t.equal(np.hypot(nan, -inf).item(), inf);
  const division: [number, number, number][] = [
    [-inf, -0, inf],
    [2.5, 0, inf],
    [0, 0, nan],
    [-5, inf, -1],
    [5, inf, 0],
    [inf, 2, nan],
    [7, -2, -4],
    [inf, inf, nan],
  ];
  for (const [x, y, quotient] of division) t.same(np.floorDivide(x, y).item(), quotient, `${x} // ${y}`);
  const x = np.array([1, 1, 4]);
  t.same(grad((v: NDArray) => np.quantile(v, 0.25))(x).tolist(), [0.5, 0.5, 0], 'equal neighbours share');
  t.end();
});

t.test('significands and exponents of float64', (t) => {
  const numbers = [1, -0.75, 3e-320, 2 ** -1074, -(2 ** -1022), Number.MAX_VALUE, 0.1, 2 ** 1000, 1 - 2 ** -53];
  const x = np.array(numbers, { dtype: 'float64' });
  const [significands, exponents] = np.frexp(x) as [NDArray, NDArray];
  t.ok([...significands.data()].every((m) => Math.abs(m) >= 0.5 && Math.abs(m) < 1));
  t.equal(exponents.dtype, 'int32');
  t.strictSame(np.ldexp(significands, exponents).tolist(), numbers, 'back again');
  t.strictSame(exponents.tolist(), [1, 0, -1061, -1073, -1021, 1024, -3, 1001, 0]);
  // 1.5 · 2⁻¹⁰⁷⁴ is half way between two numbers, of which 2 · 2⁻¹⁰⁷⁴ is even; a little less goes down.
  const edges = np.array([1.5, 1.5 - 2 ** -52, 3], { dtype: 'float64' });
  t.strictSame(np.ldexp(edges, -1074).tolist(), [2 * 2 ** -1074, 2 ** -1074, 3 * 2 ** -1074]);
  t.strictSame(np.ldexp(np.array(1, { dtype: 'float64' }), 1024).item(), Number.POSITIVE_INFINITY);
  t.equal(np.spacing(np.array(-1, { dtype: 'float64' })).item(), -(2 ** -52));
  t.strictSame(
    grad((v: NDArray) => np.sum(np.frexp(v)[0]!))(np.array([3, 0.5])).tolist(),
    [0.25, 1],
    'a significand has the slope of its power of two',
  );
  t.strictSame(
    grad((v: NDArray) => np.sum(np.ldexp(v, np.array([2, -3], { dtype: 'int32' }))))(np.array([3, 0.5])).tolist(),
    [4, 0.125],
  );
  const odd = [0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 3 * 2 ** -149, 2 ** -126, -6];
  for (const dtype of ['float32', 'float64'] as const)
    for (const run of [np.frexp, jit(np.frexp)]) {
      const [m, e] = run(np.array(odd, { dtype })) as [NDArray, NDArray];
      t.strictSame(m.tolist(), [...odd.slice(0, 5), 0.75, 0.5, -0.75], `significands of ${dtype}`);
      t.strictSame(e.tolist(), [0, 0, 0, 0, 0, -147, -125, 3]);
    }
  const ends = np.array([2 ** -149, 1.5, -3, 2 ** 127], { dtype: 'float32' });
  t.strictSame(
    np.ldexp(ends, np.array([276, -149, 2 ** 31 - 1, -(2 ** 31)], { dtype: 'int32' })).tolist(),
    [2 ** 127, 2 ** -148, Number.NEGATIVE_INFINITY, 0],
    'in three steps',
  );
  for (const dtype of ['float32', 'float64'] as const) {
    const x = np.array([...odd, 2 ** 100, 1 / 3, -(2 ** -126) / 3], { dtype });
    for (const n of [-(2 ** 31), -1100, -1023, -1022, -150, -127, -126, -1, 0, 127, 128, 1023, 1024, 2 ** 31 - 1]) {
      const each = np.ldexp(x, np.full(x.shape, n, { dtype: 'int32' })).tolist();
      t.strictSame(np.ldexp(x, np.array([n], { dtype: 'int32' })).tolist(), each, `${dtype}, all by 2 to the ${n}`);
    }
  }
  t.throws(() => np.ldexp(np.ones([2]), np.zeros([3], { dtype: 'int32' })), {
    message: /^ldexp: f32\[2\] and i32\[3\] do not broadcast together\./,
  });
  t.end();
});

t.test('integers become floats in one kernel with what is computed', (t) => {
  for (const dtype of ['int32', 'uint32'] as const) {
    const numbers = [7, 0, 3, 1_000_000_007, 12];
    const [x, y] = [np.array(numbers, { dtype }), np.array([2, 5, 4, 3, 0], { dtype })];
    // The second call records, the third runs what was recorded.
    for (let call = 0; call < 3; call++) {
      t.strictSame(np.divide(x, y).tolist(), [3.5, 0, 0.75, Math.fround(1e9 / 3), Number.POSITIVE_INFINITY]);
      t.strictSame((np.gradient(x) as NDArray).tolist(), [-7, -2, 500_000_000, 4.5, -1_000_000_000]);
    }
  }
  t.end();
});

t.test('geometric progressions of many numbers', (t) => {
  for (const dtype of ['float32', 'float64'] as const)
    for (const [start, stop, endpoint] of [
      [1, 1000, true],
      [-7, -0.3, true],
      [2, 512, false],
    ] as const) {
      const x = np.geomspace(start, stop, 101, { endpoint, dtype });
      const steps = endpoint ? 100 : 101;
      // The exponents i/steps are rounded, here and there.
      const bound = dtype === 'float32' ? 2 ** -23.9 : 2 ** -50;
      t.ok(
        x.data().every((v, i) => Math.abs(v / (start * (stop / start) ** (i / steps)) - 1) <= bound),
        `${dtype}: from ${start} to ${stop}`,
      );
      if (endpoint) t.equal(x.data().at(-1), dtype === 'float32' ? Math.fround(stop) : stop);
    }
  const far = np.geomspace(-1e-200, -1e200, 5, { dtype: 'float64' }).data();
  t.ok(
    far.every((v, i) => Math.abs(v / -(10 ** (100 * i - 200)) - 1) < 1e-12),
    'ends whose ratio is no number',
  );
  t.strictSame([...np.geomspace(1e-200, 1e-200, 2, { dtype: 'float64' }).data()], [1e-200, 1e-200]);
  t.end();
});

t.test('masks have the derivatives of what they take', (t) => {
  const x = np.array([3, 1, 2, 5], { dtype: 'float64' });
  const mask = np.array([true, true, true, false]);
  const slope = (f: (x: NDArray) => NDArray): number[] => [...grad(f)(x).data()];
  t.strictSame(
    slope((v) => np.max(v, { where: mask, initial: 0 })),
    [1, 0, 0, 0],
  );
  t.strictSame(
    slope((v) => np.min(v, { where: mask, initial: 0.5 })),
    [0, 0, 0, 0],
  );
  t.strictSame(
    slope((v) => np.mean(v, { where: mask })).map((s: number) => Math.round(3 * s)),
    [1, 1, 1, 0],
  );
  t.strictSame(
    slope((v) => np.var(v, { where: mask, ddof: 1 })),
    [1, -1, 0, 0],
  );
  t.throws(() => np.max(x, { where: mask }), {
    message: 'max: `where` needs `initial`, the result where no element is taken.',
  });
  t.throws(() => np.sum(x, { initial: np.ones([2]) }), {
    message: 'sum: `initial` must be one number, but it is f32[2].',
  });
  t.throws(() => np.sum(x, { where: np.array([true, false]) }), {
    message: /^sum: .*f64\[4\] and bool\[2\] do not broadcast together\./,
  });
  t.throws(() => np.gcd(x, 2), { message: 'gcd: needs integer operands, but got f64[4] and f64[].' });
  t.throws(() => np.ldexp(x, 0.5), { message: 'ldexp: the exponent must be an integer, but it is 0.5.' });
  t.throws(() => np.broadcastShapes([2, 3], [4]), {
    message: 'broadcastShapes: shapes [2, 3] and [4] do not broadcast together.',
  });
  t.strictSame(np.broadcastShapes([3, 1], 4), [3, 4]);
  t.end();
});

t.test('common divisors, after as many steps as each pair needs', (t) => {
  let seed = 5;
  const next = (): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0);
  const euclid = (a: number, b: number): number => (b === 0 ? a : euclid(b, a % b));
  for (const [dtype, bits] of [
    ['int32', 31],
    ['uint32', 32],
  ] as const) {
    const draw = (): number => Math.floor(next() / 2 ** (32 - bits + (next() % 20)));
    // Neighbours among Fibonacci's numbers take longest.
    const pairs = [
      [0, 0],
      [0, 6],
      [6, 0],
      [1836311903, 1134903170],
      [2 ** bits - 1, 1],
      ...range(60).map(() => [draw(), draw()]),
    ];
    const [x, y] = [0, 1].map((k) =>
      np.array(
        pairs.map((pair) => pair[k]!),
        { dtype },
      ),
    ) as [NDArray, NDArray];
    const expected = pairs.map(([a, b]) => euclid(a!, b!));
    t.strictSame(np.gcd(x, y).tolist(), expected);
    t.strictSame(
      jit(np.gcd)(x.reshape([5, -1]), y.reshape([5, -1]))
        .ravel()
        .tolist(),
      expected,
    );
  }
  const least = np.array([-(2 ** 31)], { dtype: 'int32' });
  t.strictSame(np.gcd(least, np.array([6, 2 ** 31 - 1, 0], { dtype: 'int32' })).tolist(), [2, 1, -(2 ** 31)]);
  t.strictSame(np.gcd(np.array([6, 2 ** 31 - 1, -1], { dtype: 'int32' }), least).tolist(), [2, 1, 1]);
  t.end();
});

t.test('edges of arguments', (t) => {
  t.strictSame(np.arange(3, { dtype: 'float32' }).dtype, 'float32');
  t.strictSame(np.arange(1, 3, { dtype: 'uint32' }).tolist(), [1, 2]);
  t.strictSame(np.arange(1, null, 0.25, { dtype: 'float64' }).tolist(), [0, 0.25, 0.5, 0.75]);
  const infinite = np.array([Number.POSITIVE_INFINITY, 1]);
  t.strictSame(np.diff(infinite, { prepend: 0 }).tolist(), [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  const integers = np.diff(np.array([1, 3], { dtype: 'int32' }), {
    prepend: 0,
    append: np.array([9], { dtype: 'int32' }),
  });
  t.strictSame([integers.dtype, integers.tolist()], ['int32', [1, 2, 6]]);
  t.strictSame(np.diff(np.array([1, 3], { dtype: 'int32' }), { prepend: 0.5 }).tolist(), [0.5, 2]);

  // Positions beyond 2³¹ are outside, not negative.
  const table = np.array([10, 20, 30]);
  const far = np.array([4e9, 1], { dtype: 'uint32' });
  const reads: Record<string, [(i: NDArray) => NDArray, number[]]> = {
    fill: [(i) => np.take(table, i), [Number.NaN, 20]],
    clip: [(i) => np.take(table, i, { mode: 'clip' }), [30, 20]],
    wrap: [(i) => np.take(table, i, { mode: 'wrap' }), [20, 20]],
    slice: [(i) => table.slice(i), [30, 20]],
    at: [(i) => table.at(i).set(0), [10, 0, 30]],
  };
  for (const [name, [f, expected]] of Object.entries(reads)) {
    t.strictSame(f(far).tolist(), expected, name);
    t.strictSame(jit(f)(far).tolist(), expected, `${name}, compiled`);
  }

  // Programs that differ in the sign of a zero only are two.
  for (const fillValue of [0, -0, 0])
    t.ok(
      Object.is(np.take(table, np.array([9], { dtype: 'int32' }), { fillValue }).item(), fillValue),
      'the sign of the fill',
    );
  t.end();
});

t.test('vectorize', async () => {
  const x = np.array([
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
  const dot = np.vectorize((a: NDArray, b: NDArray) => np.dot(a, b), { signature: '(n),(n)->()' });
  t.same(dot(x, x).tolist(), [5, 25, 61]);
  t.same(dot(x.expandDims(1), x.slice([0, 2])).tolist(), [
    [5, 11],
    [11, 25],
    [17, 39],
  ]);
  t.equal(dot(x.slice(0), x.slice(1)).item(), 11);
  t.same(dot(np.ones([1, 3, 2]), np.ones([1, 1, 2])).shape, [1, 3]);
  const product = np.vectorize((a: NDArray, b: NDArray) => [np.matmul(a, b), np.sum(b)] as const, {
    signature: '(m,n),(n)->(m),()',
  });
  const [y, total] = product(x, np.ones([4, 2]));
  t.same([y.shape, total.shape], [[4, 3], [4]]);
  const power = np.vectorize((a: NDArray, n: number) => np.power(a, n), { excluded: [1] });
  t.same(power(x, 2).tolist(), [
    [1, 4],
    [9, 16],
    [25, 36],
  ]);
  const sums = grad((v: NDArray) =>
    np
      .vectorize((a: NDArray, b: NDArray) => a.mul(b))(v, np.ones([2, 1]))
      .sum(),
  );
  t.same((sums(np.array([1, 2])) as NDArray).tolist(), [2, 2]);
  t.throws(() => np.vectorize(np.dot, { signature: '(n)(n)->' }), {
    message:
      /^vectorize: `signature` must name axes, as in '\(m,n\),\(n\)->\(m\)', but it is the string "\(n\)\(n\)->"\./,
  });
  t.throws(() => dot(x, np.ones([3])), { message: /^vectorize: the axis n of \(n\),\(n\)->\(\) has length 2 and 3\./ });
  t.throws(() => np.vectorize((a: NDArray) => a, { signature: '(n)->()' })(x), {
    message: /^vectorize: the function returned f32\[2\], which is not \(n\)->\(\)\./,
  });
});

t.test('histograms of several axes', async () => {
  const [x, y] = [np.array([0, 1, 2, 2, 3, 5]), np.array([0, 0, 1, 2, 2, 1])];
  const [counts, xe, ye] = np.histogram2d(x, y, { bins: [3, 2], range: [[0, 3], null] });
  t.same(counts.tolist(), [
    [1, 0],
    [1, 0],
    [0, 3],
  ]);
  t.same(
    [xe.tolist(), ye.tolist()],
    [
      [0, 1, 2, 3],
      [0, 1, 2],
    ],
  );
  const [all, edges] = np.histogramdd(np.stack([x, y], { axis: 1 }), {
    bins: 2,
    weights: np.arange(6).astype('float32'),
  });
  t.same(all.tolist(), [
    [1, 5],
    [0, 9],
  ]);
  t.equal(edges.length, 2);
  t.throws(() => np.histogramdd(x), { message: 'histogramdd: needs points as rows of a matrix, but got f32[6].' });
});

t.test('long polynomials', async (t) => {
  const [small, large] = [3, 40];
  const coefficients = (n: number, seed: number): NDArray => random.normal(random.key(seed), [n], { dtype: 'float64' });
  const near = (x: Value, y: Value): boolean => Number(np.max(np.abs(x.sub(y))).item()) < 1e-9;
  for (const n of [small, large])
    for (const m of [1, 2, 7]) {
      const divisor = coefficients(m, 1).at(0).set(4);
      const quotient = coefficients(n, 2);
      const remainder = coefficients(m, 3).at(0).set(0);
      const product = np.polyadd(np.polymul(quotient, divisor), remainder);
      const divide = (p: Value, q: Value): Value[] => np.polydiv(p, q);
      for (const f of [divide, divide, jit(divide)]) {
        const [found, rest] = f(product, divisor) as [NDArray, NDArray];
        t.ok(near(found, quotient), `the quotient of ${product.size} by ${m}`);
        t.ok(near(rest, np.polyadd(np.zeros([product.size], { dtype: 'float64' }), remainder)), 'the remainder');
      }
      const weights = coefficients(n, 4);
      const gradient = grad((p: Value) => np.sum(np.polydiv(p, divisor)[0]!.mul(weights)))(product);
      const step = product.add(gradient.mul(0.5));
      const change = np.sum(np.polydiv(step, divisor)[0]!.sub(quotient).mul(weights)).item() as number;
      const expected = np.sum(gradient.mul(gradient)).item() as number;
      t.ok(Math.abs(change - 0.5 * expected) < 1e-9 * Math.max(1, expected), 'the quotient is linear in the dividend');
    }
  const roots = np.linspace(-1, 1, 33, { dtype: 'float64' });
  const p = np.poly(roots);
  t.equal(p.shape[0], 34);
  t.ok(np.max(np.abs(np.polyval(p, roots))).item<number>() < 1e-12, 'a polynomial of 33 roots is 0 there');
  t.ok(near(p, np.polymul(np.poly(roots.slice([0, 10])), np.poly(roots.slice([10])))), 'and the product of two');
});

t.test('fits of dependent columns', async (t) => {
  // Powers of two points alone do not tell a cubic: of all that fit, the shortest in columns of length 1.
  const x = np.array([0, 1, 0, 1, 0, 1], { dtype: 'float64' });
  const y = np.array([1, 3, 1, 3, 1, 3], { dtype: 'float64' });
  const fit = (x: Value, y: Value): Value => np.polyfit(x, y, 3);
  for (const f of [fit, fit, jit(fit)]) {
    const p = f(x, y);
    t.ok(np.max(np.abs(np.polyval(p, x).sub(y))).item<number>() < 1e-12, 'it goes through the points');
    const [a, b, c] = p.tolist<number[]>();
    t.ok(Math.abs(a! - b!) < 1e-12 && Math.abs(b! - c!) < 1e-12, 'equal columns have equal coefficients');
  }
  const apart = np.arange(6, { dtype: 'float64' });
  const [eager, compiled] = [fit(apart, y), jit(fit)(apart, y)];
  t.ok(np.max(np.abs(eager.sub(compiled))).item<number>() < 1e-12, 'the same eager and compiled');
  const both = vmap(fit)(np.stack([apart, x]), np.stack([y, y]));
  t.ok(np.max(np.abs(both.sub(np.stack([eager, fit(x, y)])))).item<number>() < 1e-10, 'and of a batch of both kinds');
  const slope = grad((s: Value) => fit(apart, y.mul(s)).slice(0))(np.array(1, { dtype: 'float64' }));
  t.ok(Math.abs(slope.item<number>() - eager.slice(0).item<number>()) < 1e-12, 'coefficients are linear in y');
});

t.test('packed bits', async (t) => {
  // Results are NumPy's.
  const a = np.array(
    [
      [1, 0, 0, -1, -1, -1, -1, -1, -1, 1, 0],
      [1, 0, 0, 1, 1, 0, 0, 0, 1, -1, 1],
      [1, -1, 0, 1, 0, -1, 1, 1, 1, -1, -1],
    ],
    { dtype: 'int32' },
  );
  t.same(np.packbits(a).tolist(), [159, 211, 31, 95, 128]);
  t.same(np.packbits(a.ne(0)).tolist(), [159, 211, 31, 95, 128]);
  t.same(np.packbits(a, { axis: 0 }).tolist(), [[224, 32, 0, 224, 192, 160, 160, 160, 224, 224, 96]]);
  t.same(np.packbits(a, { axis: 1, bitorder: 'little' }).tolist(), [
    [249, 3],
    [25, 7],
    [235, 7],
  ]);
  t.equal(np.packbits(a).dtype, 'int32');
  const b = np.array([[2], [7], [23]], { dtype: 'int32' });
  t.same(np.unpackbits(b, { axis: 1 }).tolist(), [
    [0, 0, 0, 0, 0, 0, 1, 0],
    [0, 0, 0, 0, 0, 1, 1, 1],
    [0, 0, 0, 1, 0, 1, 1, 1],
  ]);
  t.same(np.unpackbits(b, { axis: 1, count: -3, bitorder: 'little' }).tolist(), [
    [0, 1, 0, 0, 0],
    [1, 1, 1, 0, 0],
    [1, 1, 1, 0, 1],
  ]);
  t.same(np.unpackbits(b, { count: 26 }).tolist(), [...(np.unpackbits(b).tolist() as number[]), 0, 0]);
  t.same(np.packbits(np.zeros([0], { dtype: 'int32' })).tolist(), []);
  const bits = random.bernoulli(random.key(0), 0.5, [3, 24]);
  t.same(np.unpackbits(np.packbits(bits, { axis: 1 }), { axis: 1 }).tolist(), bits.astype('int32').tolist());
  t.throws(() => np.packbits(np.ones([3])), { message: 'packbits: needs integers or truth values, but got f32[3].' });
  t.throws(() => np.unpackbits(b, { bitorder: 'middle' as never }), { message: /^unpackbits: `bitorder` must be/ });
});
