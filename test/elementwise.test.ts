/** Masks, choices, extremes and boxes of views, compiled and not, beside plain JavaScript. */
import t from 'tap';
import type { DType } from '../src/core/dtype.ts';
import { range, type Shape, sizeOf } from '../src/core/shape.ts';
import type { Value } from '../src/core/trace.ts';
import { grad, jit, lax, type NDArray, np, vmap } from '../src/index.ts';
import { numbers } from './check-primitive.ts';

process.env.COTANGENT_CACHE = 'off';

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
const special = [0, -0, 1, -1, nan, inf, -inf, 0.5, -3];
const floats = ['float64', 'float32'] as const;

/** Random numbers that meet often, special ones among them. */
function drawn(dtype: DType, shape: Shape, seed: number): NDArray {
  const next = numbers(seed);
  const isFloat = dtype === 'float64' || dtype === 'float32';
  const values = range(sizeOf(shape)).map((i) => {
    const chosen = special[Math.floor(next() * special.length)]!;
    return i % 2 === 0 && isFloat ? chosen : Math.floor(5 * next()) - (dtype === 'uint32' ? 0 : 2);
  });
  return np.array(values, { dtype }).reshape(shape);
}

const same = (x: ArrayLike<number>, y: ArrayLike<number>): boolean =>
  x.length === y.length && Array.from(x).every((value, i) => Object.is(value, y[i]));

/** The function at once, recorded, and compiled. */
function each(f: (...args: Value[]) => Value, args: readonly NDArray[]): [string, ArrayLike<number>][] {
  const read = (g: (...args: Value[]) => Value): ArrayLike<number> => Array.from(g(...args).data(), Number);
  return [
    ['at once', read(f)],
    ['again', read(f)],
    ['recorded', read(f)],
    ['compiled', read(jit(f))],
  ];
}

// ── Masks ──────────────────────────────────────────────────────────────────────────────────────────────────────────
type Element = (x: number, y: number, single: number, i: number, flag: boolean) => number;
type MaskCase = readonly [
  name: string,
  f: (x: Value, y: Value, single: Value, i: Value, flag: Value) => Value,
  element: Element,
];

const { lt, gt, eq, ne, le, ge, select } = lax;

const choose = (test: boolean, x: number, y: number): number => (test ? x : y);

const maskCases: readonly MaskCase[] = [
  ['float64 alone', (x, y) => select(lax.or(lt(x, y), eq(y, inf)), x, y), (x, y) => (x < y || y === inf ? x : y)],
  [
    'one mask, two choices',
    (x, y) => select(lt(x, y), x, 1).add(select(lt(x, y), 2, y)),
    (x, y) => (x < y ? x + 2 : 1 + y),
  ],
  ['a mask that is stored too', (x, y) => lax.convert(le(x, y), 'bool'), (x, y) => Number(x <= y)],
  ['exclusive', (x, y) => select(lax.xor(lt(x, 0), lt(y, 0)), x, y), (x, y) => (x < 0 !== y < 0 ? x : y)],
  ['not', (x, y) => select(lax.not(gt(x, y)), x, y), (x, y) => (!(x > y) ? x : y)],
  ['masks compared', (x, y) => select(ne(lt(x, 0), ge(y, 0)), x, y), (x, y) => (x < 0 !== y >= 0 ? x : y)],
  ['masks in order', (x, y) => select(lt(lt(x, 0), gt(y, 0)), x, y), (x, y) => (!(x < 0) && y > 0 ? x : y)],
  [
    'float32 and float64',
    (x, y, s) => select(lax.and(lt(x, y), gt(s, 0)), x, y),
    (x, y, s) => (x < y && s > 0 ? x : y),
  ],
  ['a stored bool', (x, y, _s, _i, b) => select(lax.or(b, lt(x, y)), x, y), (x, y, _s, _i, b) => (b || x < y ? x : y)],
  [
    'choice of masks',
    (x, y, _s, i, b) => select(select(b, lt(x, y), gt(i, 0)), x, y),
    (x, y, _s, i, b) => ((b ? x < y : i > 0) ? x : y),
  ],
  ['to float32', (x, y, s) => select(lt(x, y), s, 7), (x, y, s) => (x < y ? s : 7)],
  ['to int32', (x, y, _s, i) => select(eq(x, y), i, 9), (x, y, _s, i) => (x === y ? i : 9)],
  [
    'both widths',
    (x, y, s) => select(lt(x, y), x, y).add(lax.convert(select(lt(x, y), s, 3), 'float64')),
    (x, y, s) => (x < y ? x + s : y + 3),
  ],
  [
    'as numbers',
    (x, y) => lax.convert(lt(x, y), 'float64').add(lax.convert(lax.convert(lt(y, x), 'int32'), 'float64')),
    (x, y) => Number(x < y) + Number(y < x),
  ],
  ['as float32', (x, y) => lax.convert(ge(x, y), 'float32'), (x, y) => Number(x >= y)],
  ['from numbers', (x, y) => select(lax.convert(x, 'bool'), y, x), (x, y) => (x !== 0 ? y : x)],
  ['zero or a number', (x, y) => select(lt(x, y), 0, x), (x, y) => choose(x < y, 0, x)],
  ['a number or zero', (x, y) => select(lt(x, y), x, 0), (x, y) => choose(x < y, x, 0)],
  ['a number or -0', (x, y) => select(lt(x, y), x, -0), (x, y) => choose(x < y, x, -0)],
  ['zero or a float32', (x, y, s) => select(lt(x, y), 0, s), (x, y, s) => choose(x < y, 0, s)],
  ['the larger', (x, y) => select(lt(x, y), y, x), (x, y) => choose(x < y, y, x)],
  ['the larger, or the second', (x, y) => select(gt(x, y), x, y), (x, y) => choose(x > y, x, y)],
  ['the smaller', (x, y) => select(gt(x, y), y, x), (x, y) => choose(x > y, y, x)],
  ['the smaller, or the second', (x, y) => select(lt(x, y), x, y), (x, y) => choose(x < y, x, y)],
  ['the larger of float32', (_x, _y, s) => select(lt(s, 0.5), 0.5, s), (_x, _y, s) => choose(s < 0.5, 0.5, s)],
];

t.test('masks of float64, float32 and bools, wherever they go', (t) => {
  for (const shape of [[1], [3], [4], [7], [2, 9], [65]] as Shape[]) {
    const args = (['float64', 'float64', 'float32', 'int32'] as const).map((dtype, i) =>
      drawn(dtype, shape, 7 * i + 1),
    );
    const flags = gt(drawn('int32', shape, 40), 0);
    const data = [...args, flags].map((x) => Array.from(x.data(), Number));
    for (const [name, f, element] of maskCases) {
      const expected = range(sizeOf(shape)).map((i) =>
        element(data[0]![i]!, data[1]![i]!, data[2]![i]!, data[3]![i]!, data[4]![i] === 1),
      );
      for (const [how, got] of each(f as (...args: Value[]) => Value, [...args, flags]))
        t.ok(same(got, expected), `${name}, ${how}, [${shape}]`);
    }
  }
  t.end();
});

t.test('masks of one number for all elements, of transposed operands, and in loops of each lane', (t) => {
  const [x, y] = [drawn('float64', [5, 9], 1), drawn('float64', [9, 5], 2)];
  const rows = x.tolist() as number[][];
  const others = y.tolist() as number[][];
  const expected = rows.flatMap((row, i) => row.map((v, j) => (v < others[j]![i]! ? v : -1)));
  for (const [how, got] of each((a, b) => select(lt(a, b.T), a, -1), [x, y]))
    t.ok(same(got, expected), `transposed, ${how}`);
  for (const limit of [-1, 0.5, nan]) {
    const chosen = rows.flatMap((row) => row.map((v) => (limit > 0 ? v : 2)));
    for (const [how, got] of each(
      (a, b) => select(np.broadcastTo(gt(b, 0), [5, 9]), a, 2),
      [x, np.array(limit, { dtype: 'float64' })],
    ))
      t.ok(same(got, chosen), `${limit}, ${how}`);
  }
  const halvings = vmap(
    (v: Value) =>
      lax.whileLoop(
        ([n, u]: readonly [Value, Value]) => lax.and(gt(u, 1), lt(n, 50)),
        ([n, u]: readonly [Value, Value]) => [n.add(1), u.mul(0.5)] as const,
        [np.array(0, { dtype: 'float64' }), v] as const,
      )[0],
  );
  const starts = np.array([1, 3, 1e3, inf, nan, -5, 8], { dtype: 'float64' });
  t.same(jit(halvings)(starts).tolist(), [0, 2, 10, 50, 0, 0, 3]);
  t.end();
});

// ── Functions ──────────────────────────────────────────────────────────────────────────────────────────────────────
t.test('hypot, copysign, exp2 and floorDivide at edges, with derivatives', (t) => {
  const points: [x: number, y: number, dx: number, dy: number][] = [
    [3, -4, 0.6, -0.8],
    [0, 0, 0.5, 0.5],
    [0, 2, 0, 1],
    [-inf, 1, -1, 0],
    [1, inf, 0, 1],
    [3e-200, 4e-200, 0.6, 0.8],
    [3e200, -4e200, 0.6, -0.8],
  ];
  for (const [x, y, dx, dy] of points) {
    const args = [x, y].map((v) => np.array(v, { dtype: 'float64' })) as [NDArray, NDArray];
    const slopes = grad(np.hypot, { argnums: [0, 1] })(...args).map((g) => g.item() as number);
    t.ok(Math.abs(slopes[0]! - dx) < 1e-15 && Math.abs(slopes[1]! - dy) < 1e-15, `hypot(${x}, ${y}): ${slopes}`);
  }
  const at = (f: (x: Value) => Value, x: number): number => f(np.array(x, { dtype: 'float64' })).item() as number;
  const curvature = grad(grad((x: Value) => np.hypot(x, 4)));
  t.ok(Math.abs(at(curvature, 3) - 16 / 125) < 1e-15);
  t.equal(at(grad(grad((x: Value) => np.hypot(x, 0))), 0), 0);
  for (const [x, y, slope] of [
    [2, -1, -1],
    [-2, -0, 1],
    [0, 3, 1],
    [-0, -3, -1],
  ] as const)
    t.equal(
      at(
        grad((v: Value) => np.copysign(v, y)),
        x,
      ),
      slope,
      `copysign(${x}, ${y})`,
    );
  const signs = np.array([2, -0, nan, -inf, 0], { dtype: 'float64' });
  for (const [how, got] of each((x) => np.copysign(3, x), [signs])) t.ok(same(got, [3, -3, 3, -3, 3]), how);
  for (const [how, got] of each((x) => np.copysign(x, -1), [signs])) t.ok(same(got, [-2, -0, -nan, -inf, -0]), how);
  for (const [how, got] of each(np.signbit, [signs])) t.ok(same(got, [0, 1, 0, 1, 0]), how);
  t.ok(Math.abs(at(grad(grad(np.exp2)), 3) - 8 * Math.LN2 ** 2) < 1e-14);
  t.same(vmap(grad(np.exp2))(np.array([0, 1], { dtype: 'float64' })).tolist(), [Math.LN2, 2 * Math.LN2]);
  t.equal(np.exp2(np.array([3], { dtype: 'int32' })).dtype, 'float32');
  t.equal(
    at(
      grad((x: Value) => np.floorDivide(x, 2)),
      3.5,
    ),
    0,
  );
  const whole = range(200).map((i) => i - 100);
  for (const dtype of floats) {
    const limits = dtype === 'float64' ? [-1074, 1023] : [-149, 127];
    const powers = np.exp2(np.arange(limits[0]!, limits[1]! + 1, 1, { dtype })).data();
    t.ok(
      Array.from(powers).every((v, i) => v === 2 ** (limits[0]! + i)),
      `integer powers, ${dtype}`,
    );
    const x = np.array(whole, { dtype });
    for (const by of [3, -7, 0.1])
      for (const [how, got] of each((v) => np.floorDivide(v, by), [x])) {
        const divisor = dtype === 'float32' ? Math.fround(by) : by;
        // Of a divisor that is next to 0.1 the quotient is less than ten times the dividend, or more.
        const exact = whole.map((v) => (by === 0.1 ? (v > 0 ? 10 * v - 1 : 10 * v + 0) : Math.floor(v / divisor)));
        t.ok(
          same(
            got,
            exact.map((v, i) => (v === 0 ? Math.floor(whole[i]! / divisor) : v)),
          ),
          `floor of a quotient by ${by}, ${dtype}, ${how}`,
        );
      }
  }
  t.end();
});

// ── Boxes of views ─────────────────────────────────────────────────────────────────────────────────────────────────
type Nested = number | Nested[];
const views: readonly (readonly [name: string, f: (x: Value) => Value, plain: (rows: number[][]) => Nested])[] = [
  ['roll', (x) => np.roll(x, 2, { axis: 0 }), (m) => [...m.slice(-2), ...m.slice(0, -2)]],
  ['roll along rows', (x) => np.roll(x, -1, { axis: 1 }), (m) => m.map((r) => [...r.slice(1), r[0]!])],
  [
    'roll of all',
    (x) => np.roll(x, 4),
    (m) => chunked([...m.flat().slice(-4), ...m.flat().slice(0, -4)], m[0]!.length),
  ],
  [
    'every other',
    (x) => np.concatenate([x.slice([0, null, 2]), x.slice([1, null, 2])]),
    (m) => [0, 1].flatMap((k) => m.filter((_, i) => i % 2 === k)),
  ],
  [
    'backwards',
    (x) => np.concatenate([np.flip(x, { axis: 1 }), x], { axis: 1 }),
    (m) => m.map((r) => [...[...r].reverse(), ...r]),
  ],
  [
    'transposed',
    (x) => np.concatenate([x.T, x.T], { axis: 1 }),
    (m) => m[0]!.map((_, j) => [...m, ...m].map((r) => r[j]!)),
  ],
  [
    'columns',
    (x) => np.concatenate([x.slice('...', [1, 2]), x.slice('...', [0, 1])], { axis: 1 }),
    (m) => m.map((r) => [r[1]!, r[0]!]),
  ],
  [
    'repeated',
    (x) => np.concatenate([np.broadcastTo(x.slice([0, 1]), x.shape), np.broadcastTo(x.slice('...', [0, 1]), x.shape)]),
    (m) => [...m.map(() => m[0]!), ...m.map((r) => r.map(() => r[0]!))],
  ],
  [
    'padded slice',
    (x) =>
      lax.pad(x.slice([1, null]), 9, [
        [1, 0, 0],
        [0, 1, 1],
      ]),
    (m) => [range(2 * m[0]!.length).map(() => 9), ...m.slice(1).map((r) => r.flatMap((v) => [v, 9]))],
  ],
  [
    'cut',
    (x) =>
      lax.pad(x.T, 9, [
        [-1, 2, 0],
        [0, -1, 0],
      ]),
    (m) => [
      ...m[0]!.slice(1).map((_, j) => m.slice(0, -1).map((r) => r[j + 1]!)),
      ...range(2).map(() => m.slice(1).map(() => 9)),
    ],
  ],
  [
    'of what is computed',
    (x) => np.concatenate([x.mul(2).slice([1, null]), x.slice([0, 1]).add(1)]),
    (m) => [...m.slice(1).map((r) => r.map((v) => 2 * v)), m[0]!.map((v) => v + 1)],
  ],
  [
    'reshaped',
    (x) => np.concatenate([x.reshape([-1]).slice([2, null]), x.reshape([-1]).slice([0, 2])]),
    (m) => [...m.flat().slice(2), ...m.flat().slice(0, 2)],
  ],
];

function chunked(values: readonly number[], n: number): number[][] {
  return range(values.length / n).map((i) => values.slice(i * n, (i + 1) * n));
}

t.test('concatenations and padding of views read their arrays where they lie', (t) => {
  for (const dtype of ['float64', 'float32', 'int32'] as const)
    for (const shape of [
      [3, 2],
      [5, 7],
      [8, 33],
    ] as const) {
      const x = drawn(dtype, shape, 5);
      const rows = x.tolist() as number[][];
      for (const [name, f, plain] of views) {
        const expected = [plain(rows)].flat(3) as number[];
        const recorded = (v: Value): Value => f(v);
        for (const [how, got] of each(recorded, [x])) t.ok(same(got, expected), `${name}, ${how}, ${x.aval}`);
      }
    }
  const x = np.arange(1e5, { dtype: 'float64' });
  for (const [name, f] of [
    ['roll', (v: Value) => np.roll(v, 10)],
    ['padded', (v: Value) => lax.pad(v.slice([1, null]), 0, [[0, 1, 0]])],
  ] as const)
    t.equal(jit(f).lower(x).peakBytes, 0, `${name} copies once`);
  const weights = drawn('int32', [5, 7], 3).astype('float64');
  const smooth = np.arange(35, { dtype: 'float64' }).reshape([5, 7]);
  for (const [f, back] of [
    [(v: Value) => np.roll(v, 3), (v: Value) => np.roll(v, -3)],
    [(v: Value) => np.roll(v, 3, { axis: 1 }), (v: Value) => np.roll(v, -3, { axis: 1 })],
  ] as const) {
    const loss = (v: Value): Value => np.sum(f(v).mul(weights));
    for (const g of [grad(loss), jit(grad(loss))]) t.same(g(smooth).tolist(), back(weights).tolist());
    t.same(vmap(f)(np.stack([smooth, weights])).tolist(), [f(smooth).tolist(), f(weights).tolist()]);
  }
  t.end();
});

t.test('cross products in one kernel, of any operands', (t) => {
  const plain = (a: number[], b: number[]): number[] => [
    a[1]! * b[2]! - a[2]! * b[1]!,
    a[2]! * b[0]! - a[0]! * b[2]!,
    a[0]! * b[1]! - a[1]! * b[0]!,
  ];
  for (const n of [1, 2, 3, 4, 5, 37]) {
    const [x, y] = [drawn('float64', [2 * n, 3], 2), drawn('float64', [2 * n, 3], 3)];
    const [a, b] = [x.tolist() as number[][], y.tolist() as number[][]];
    const cases: readonly (readonly [string, (x: Value, y: Value) => Value, number[]])[] = [
      ['rows', (x, y) => np.cross(x, y), a.flatMap((r, i) => plain(r, b[i]!))],
      ['with itself', (x) => np.cross(x, x), a.flatMap((r) => plain(r, r))],
      [
        'every other row',
        (x, y) => np.cross(x.slice([0, null, 2]), y.slice([0, n])),
        a.filter((_, i) => i % 2 === 0).flatMap((r, i) => plain(r, b[i]!)),
      ],
      ['one and many', (x, y) => np.cross(x.slice(0), y), b.flatMap((r) => plain(a[0]!, r))],
      ['columns', (x, y) => np.cross(x.T, y.T, { axis: 0 }).T, a.flatMap((r, i) => plain(r, b[i]!))],
    ];
    for (const [name, f, expected] of cases)
      for (const [how, got] of each(f, [x, y])) t.ok(same(got, expected), `${name}, ${how}, ${n}`);
  }
  const long = np.arange(3e5, { dtype: 'float64' }).reshape([-1, 3]);
  const other = np.flip(long);
  const expected = jit(np.cross)(long, other).data();
  for (const _ of range(3)) t.ok(same(np.cross(long, other).data(), expected), 'in pieces');
  t.end();
});

t.test('elements repeated, and shifts by amounts of their own', (t) => {
  for (const dtype of ['float64', 'float32', 'bool'] as const)
    for (const n of [1, 2, 5, 33])
      for (const count of [1, 2, 3, 4, 5, 17]) {
        const x = dtype === 'bool' ? gt(drawn('int32', [n], 3), 0) : drawn(dtype, [n], 3);
        const expected = Array.from(x.data(), Number).flatMap((v) => range(count).map(() => v));
        for (const [how, got] of each((v) => np.repeat(v, count), [x]))
          t.ok(same(got, expected), `${how}, ${x.aval}, ${count}`);
        const rows = np.stack([x, x]);
        for (const [how, got] of each((v) => np.repeat(v, count, { axis: 1 }), [rows]))
          t.ok(same(got, [...expected, ...expected]), `${how}, ${rows.aval}, ${count}`);
      }
  const amounts = [...range(40), -1, -32, 2 ** 31 - 1];
  for (const dtype of ['int32', 'uint32'] as const)
    for (const value of [1, -1, 5, -(2 ** 31), 123456789]) {
      const typed = (v: number): number => (dtype === 'uint32' ? v >>> 0 : v | 0);
      const x = np.array(
        amounts.map(() => typed(value)),
        { dtype },
      );
      const by = np.array(amounts.map(typed), { dtype });
      const expected = amounts.map((n) => (n >>> 0 < 32 ? typed(value << n) : 0));
      for (const [how, got] of each(np.leftShift, [x, by])) t.ok(same(got, expected), `${how}, ${value} of ${dtype}`);
      const right = amounts.map((n) => {
        const few = Math.min(n >>> 0, 31);
        return dtype === 'int32' ? typed(value) >> few : n >>> 0 < 32 ? typed(value) >>> few : 0;
      });
      for (const [how, got] of each(np.rightShift, [x, by]))
        t.ok(same(got, right), `${how}, ${value} of ${dtype}, right`);
    }
  t.end();
});

// ── Extremes ───────────────────────────────────────────────────────────────────────────────────────────────────────
t.test('extremes of what is not NaN', (t) => {
  const larger = (a: number, b: number): number => (Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.max(a, b));
  const smaller = (a: number, b: number): number => (Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.min(a, b));
  const pick = [nan, nan, -nan, -0, -0, 0, -inf, -1, 1, inf];
  for (const dtype of floats)
    for (const n of [1, 2, 4, 6, 8, 18, 34, 1002])
      for (const seed of range(12)) {
        const next = numbers(seed + n);
        const values = range(n).map(() => pick[Math.floor(next() * ((seed % pick.length) + 1))]!);
        const x = np.array(values, { dtype });
        for (const [f, join] of [
          [np.nanmax, larger],
          [np.nanmin, smaller],
        ] as const) {
          for (const [how, got] of each((v) => f(v), [x]))
            t.ok(same(got, [values.reduce(join, nan)]), `${how}: ${values}`);
          if (n % 2 !== 0) continue;
          const [top, bottom] = [values.slice(0, n / 2), values.slice(n / 2)];
          const down = top.map((v, i) => join(v, bottom[i]!));
          const m = x.reshape([2, -1]);
          for (const [how, got] of each((v) => f(v, { axis: 0 }), [m]))
            t.ok(same(got, down), `${how}, down: ${values}`);
          const across = [top, bottom].map((row) => row.reduce(join, nan));
          for (const [how, got] of each((v) => f(v, { axis: 1 }), [m]))
            t.ok(same(got, across), `${how}, across: ${values}`);
        }
      }
  t.end();
});

t.test('positions of extremes down columns of any width', (t) => {
  for (const dtype of ['float64', 'float32', 'int32', 'uint32', 'bool'] as const)
    for (const [rows, columns] of [
      [1, 3],
      [5, 1],
      [7, 8],
      [9, 17],
      [20, 35],
    ] as const) {
      const drawnAs = dtype === 'bool' ? 'int32' : dtype;
      const x = dtype === 'bool' ? gt(drawn(drawnAs, [rows, columns], 3), 0) : drawn(drawnAs, [rows, columns], 3);
      const all = Array.from(x.data(), Number);
      for (const [f, isBetter] of [
        [np.argmax, (a: number, b: number) => a > b],
        [np.argmin, (a: number, b: number) => a < b],
      ] as const) {
        const expected = range(columns).map((j) => {
          let best = 0;
          for (let i = 1; i < rows; i++) {
            const [a, b] = [all[i * columns + j]!, all[best * columns + j]!];
            if (!Number.isNaN(b) && (Number.isNaN(a) || isBetter(a, b))) best = i;
          }
          return best;
        });
        for (const [how, got] of each((v) => f(v, { axis: 0 }), [x])) t.ok(same(got, expected), `${how}, ${x.aval}`);
      }
    }
  t.end();
});

t.test('positions of extremes in long rows, of which parts are looked at one by one', (t) => {
  const n = 9001;
  for (const dtype of ['float64', 'float32', 'int32', 'uint32', 'bool'] as const) {
    const isFloat = dtype === 'float64' || dtype === 'float32';
    for (const at of [0, 4095, 4096, 8192, n - 1])
      for (const [f, value] of [
        [np.argmax, 1],
        [np.argmin, 0],
        ...(isFloat ? ([np.argmax, np.argmin] as const).map((f) => [f, nan] as const) : []),
      ] as const) {
        const values = new Float64Array(n).fill(f === np.argmax ? 0 : 1);
        // Another one further on does not count.
        values[at] = values[Math.min(at + 4500, n - 1)] = value;
        // NaN comes first, wherever the extreme is.
        if (Number.isNaN(value) && at > 0) values[at - 1] = f === np.argmax ? inf : -inf;
        const x = np.stack([np.array(values, { dtype }), np.zeros([n], { dtype })]);
        for (const [how, got] of each((v) => f(v, { axis: 1 }), [x]))
          t.ok(same(got, [at, 0]), `${how}, ${value} at ${at} of ${x.aval}`);
      }
  }
  t.end();
});

t.test('all and any stop where they are decided, and nowhere else', (t) => {
  for (const n of [1, 7, 16, 33, 1000, 40001])
    for (const at of [0, Math.floor(n / 2), n - 1]) {
      const values = new Float64Array(n).fill(1);
      values[at] = nan;
      const x = np.array(values, { dtype: 'float64' });
      for (const [how, got] of each((v) => np.any(np.isnan(v)), [x])) t.equal(got[0], 1, `${how}, ${at} of ${n}`);
      for (const [how, got] of each((v) => np.all(ge(v, 1)), [x])) t.equal(got[0], 0, `${how}, ${at} of ${n}`);
      for (const [how, got] of each((v) => np.all(lax.or(ge(v, 1), ne(v, v))), [x])) t.equal(got[0], 1, how);
      for (const dtype of ['int32', 'uint32'] as const)
        for (const [one, other] of [
          [0, 2 ** 31],
          [2 ** 31, 0],
        ] as const) {
          const integers = np.array(
            range(n).map((i) => (i === at ? one : other)),
            { dtype },
          );
          const name = `${one} at ${at} of ${integers.aval}`;
          for (const [how, got] of each((v) => np.any(v), [integers]))
            t.equal(got[0], Number(n > 1 || one > 0), `${how}, ${name}`);
          for (const [how, got] of each((v) => np.all(v), [integers]))
            t.equal(got[0], Number(n === 1 && one > 0), `${how}, ${name}`);
          for (const [how, got] of each((v) => np.countNonzero(v), [integers]))
            t.equal(got[0], one > 0 ? 1 : n - 1, `${how}, ${name}`);
        }
    }
  t.end();
});

t.test('one element that decides or bounds, and loops over few and many elements', (t) => {
  for (const dtype of ['float64', 'float32', 'int32', 'bool'] as const)
    for (const single of [0, 1, nan].slice(0, dtype.startsWith('f') ? 3 : 2)) {
      const one = np.array([single], { dtype });
      const x = drawn('int32', [7, 5], 1).astype(dtype);
      const isTrue = single !== 0;
      const truth = Array.from(x.data(), (v) => Number(Number(v) !== 0));
      for (const [f, expected] of [
        [np.logicalOr, isTrue ? truth.map(() => 1) : truth],
        [np.logicalAnd, isTrue ? truth : truth.map(() => 0)],
      ] as const)
        for (const [a, b] of [
          [x, one],
          [one, x],
        ] as const) {
          for (const [how, got] of each(f, [a, b])) t.ok(same(got, expected), `${how}, ${f.name} ${a.aval}, ${b.aval}`);
          const among = (u: Value, v: Value): Value => np.where(f(u, v), 1, -1);
          for (const [how, got] of each(among, [a, b]))
            t.ok(
              same(
                got,
                expected.map((v) => 2 * v - 1),
              ),
              how,
            );
        }
    }
  const larger = (u: number, v: number): number => (u > v || Number.isNaN(v) ? u : v);
  const smaller = (u: number, v: number): number => (u < v || Number.isNaN(v) ? u : v);
  for (const dtype of floats)
    for (const bound of special)
      for (const shape of [[1], []]) {
        const [x, one] = [drawn(dtype, [7, 5], 3), np.array([bound], { dtype }).reshape(shape)];
        const values = Array.from(x.data());
        for (const [f, of] of [
          [np.fmax, larger],
          [np.fmin, smaller],
          [np.maximum, Math.max],
          [np.minimum, Math.min],
        ] as const)
          for (const [how, got] of each(f, [x, one]))
            t.ok(
              same(
                got,
                values.map((v) => of(v, bound)),
              ),
              `${how}, ${x.aval}, ${bound} of ${one.aval}`,
            );
      }
  for (const n of range(36).map((i) => i + 1))
    for (const dtype of ['float64', 'float32', 'int32'] as const) {
      const [x, y] = [drawn(dtype, [n], n), drawn(dtype, [n], n + 50)];
      const [a, b] = [x, y].map((v) => Array.from(v.data(), Number)) as [number[], number[]];
      for (const [f, of] of [
        [lax.add, (u: number, v: number) => u + v],
        [lax.lt, (u: number, v: number) => Number(u < v)],
        [np.fmax, larger],
        [np.maximum, Math.max],
        [np.minimum, Math.min],
      ] as const)
        for (const [how, got] of each(f, [x, y]))
          t.ok(
            same(
              got,
              a.map((u, i) => of(u, b[i]!)),
            ),
            `${how}, ${x.aval}`,
          );
    }
  t.end();
});
