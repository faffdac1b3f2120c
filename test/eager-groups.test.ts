/** Functions of several operations outside of `jit`: the first time, recorded, in prebuilt kernels, and compiled. */
import t from 'tap';
import { compileStats } from '../jit/compile.ts';
import { eagerRegionsOf } from '../jit/eager/boxes.ts';
import { groupOf, groupOfAll, makersOf } from '../jit/eager/groups.ts';
import { elementsPerCall } from '../jit/lower/kernels/kernel.ts';
import { simplify } from '../jit/lower/simplify.ts';
import { fusedExports } from '../jit/runtime/instance.ts';
import { heapStats } from '../jit/storage/heap.ts';
import type { DType } from '../src/core/dtype.ts';
import type { Var } from '../src/core/jaxpr.ts';
import { setCompiledAfter } from '../src/core/plan.ts';
import { recorded, recordedList } from '../src/core/recorded.ts';
import { range, type Shape, sizeOf } from '../src/core/shape.ts';
import { stage } from '../src/core/stage.ts';
import type { Value } from '../src/core/trace.ts';
import { grad, jit, linalg, losses, type NDArray, nn, np, random, special, stats, vmap } from '../src/index.ts';
import { difference, numbers } from './check-primitive.ts';

process.env.COTANGENT_CACHE = 'off';

const unusual = [0, -0, 1, -1, 0.5, Number.NaN, Infinity, -Infinity, 1e300, 5e-324, -3, 7];

/** Random numbers with special ones among them. */
function drawn(dtype: DType, shape: Shape, seed: number, mixed = true): NDArray {
  const next = numbers(seed);
  const values = range(sizeOf(shape)).map((i) =>
    mixed && i % 3 === 0 ? unusual[Math.floor(next() * unusual.length)]! : 6 * next() - 3,
  );
  return np.array(values, { dtype }).reshape(shape);
}

const same = (x: ArrayLike<number>, y: ArrayLike<number>): boolean =>
  x.length === y.length && Array.from(x).every((value, i) => Object.is(value, y[i]));

type Case = readonly [name: string, f: (...args: Value[]) => Value, operands: number];

/** Functions whose elements are the same bits however they are computed. */
const elementwise: readonly Case[] = [
  ['mod', np.mod, 2],
  ['mod a number', (x) => np.mod(x, 7), 1],
  ['fmax', np.fmax, 2],
  ['fmin', np.fmin, 2],
  ['fmax with a number', (x) => np.fmax(x, 0.25), 1],
  ['heaviside', np.heaviside, 2],
  ['clip', (x) => np.clip(x, -1, 1.5), 1],
  ['clip, one end', (x) => np.clip(x, 0, null), 1],
  ['nanToNum', (x) => np.nanToNum(x), 1],
  ['signbit', np.signbit, 1],
  ['isfinite', np.isfinite, 1],
  ['logicalXor', np.logicalXor, 2],
  ['isclose', (x, y) => np.isclose(x, y), 2],
  ['round', (x) => np.round(x, { decimals: 2 }), 1],
  ['relu6', nn.relu6, 1],
];

t.test('elementwise functions of several operations have the same bits every time, and compiled', (t) => {
  const shapes: Shape[] = [[], [1], [7], [3, 5], [elementsPerCall + 3]];
  for (const dtype of ['float32', 'float64'] as const)
    for (const [name, f, operands] of elementwise)
      for (const shape of shapes) {
        const args = range(operands).map((i) => drawn(dtype, shape, i + 1));
        const expected = jit(f)(...args).data();
        for (const time of ['first', 'second', 'third'])
          t.ok(same(f(...args).data(), expected), `${name}, ${args.map((x) => x.aval)}, the ${time} time`);
      }
  t.end();
});

t.test('operands that broadcast are read where they lie', (t) => {
  const x = drawn('float64', [6, 50], 1);
  const others = [drawn('float64', [50], 2), drawn('float64', [6, 1], 3), drawn('float64', [1, 1], 4)];
  for (const y of others)
    for (const f of [np.mod, np.fmax, (a: Value, b: Value) => np.outer(a, b)]) {
      const expected = jit(f)(x, y).data();
      for (const _ of range(3)) t.ok(same(f(x, y).data(), expected), `${y.aval}`);
      for (const _ of range(3)) t.ok(same(f(y, x).data(), jit(f)(y, x).data()), `${y.aval} first`);
    }
  const slices: readonly ((v: Value) => Value)[] = [
    (v) => np.diff(v),
    (v) => np.diff(v, { axis: 0, n: 2 }),
    (v) => np.gradient(v, { axis: 1 }) as Value,
    (v) => np.trapezoid(v),
    (v) => np.cross(v.slice([], [0, 3]), v.slice([], [3, 6])),
  ];
  const regular = drawn('float64', [6, 50], 5, false);
  for (const f of slices) {
    const first = f(regular).data();
    for (const _ of range(3)) t.ok(difference(f(regular).data(), first) < 1e-13);
    t.ok(difference(jit(f)(regular).data(), first) < 1e-13);
  }
  t.end();
});

t.test('folds of what is computed', (t) => {
  const folds: readonly (readonly [name: string, f: (x: Value) => Value])[] = [
    ['var', (x) => np.var(x)],
    ['var over the last axis', (x) => np.var(x, { axis: -1 })],
    ['var over the first axis', (x) => np.var(x, { axis: 0 })],
    ['std, ddof', (x) => np.std(x, { axis: 1, ddof: 1 })],
    ['norm', (x) => linalg.norm(x)],
    ['norm, rows', (x) => linalg.norm(x, { axis: 1 })],
    ['nansum', (x) => np.nansum(x)],
    ['nanmean', (x) => np.nanmean(x, { axis: 1 })],
    ['nanmax', (x) => np.nanmax(x)],
    ['countNonzero', (x) => np.countNonzero(x)],
    ['vecdot', (x) => np.vecdot(x, x)],
    ['softmax', (x) => nn.softmax(x)],
    ['standardize', (x) => nn.standardize(x)],
  ];
  for (const dtype of ['float32', 'float64'] as const)
    for (const shape of [
      [3, 5],
      [1, 9],
      [40, 33],
      [2, elementsPerCall + 5],
    ]) {
      const x = drawn(dtype, shape, 6, false);
      for (const [name, f] of folds) {
        const compiled = jit(f)(x).data();
        for (const _ of range(3)) {
          const worst = difference(f(x).data(), compiled);
          t.ok(worst < (dtype === 'float64' ? 1e-12 : 1e-4), `${name}, ${x.aval}: ${worst}`);
        }
      }
    }
  t.end();
});

t.test('the kernels of these functions are prebuilt', (t) => {
  const keysOf = (f: (...args: Value[]) => Value, args: readonly NDArray[]): string[] => {
    const { jaxpr } = stage((...tracers) => [f(...tracers)], [...args.map(({ aval }) => aval)]);
    const simple = simplify(jaxpr);
    const makerOf = makersOf(simple);
    return (['baked', 'byValue'] as const).map((literals) => groupOf([simple.eqns.at(-1)!], makerOf, literals)!.key);
  };
  const x = drawn('float32', [4, 6], 1);
  for (const [name, f, operands] of elementwise) {
    const keys = keysOf(
      f,
      range(operands).map(() => x),
    );
    t.ok(name === 'clip, one end' || keys.some((key) => fusedExports()[key]), `${name}: ${keys[0]}`);
  }
  t.equal(keysOf((a) => np.sum(np.square(np.sin(a))), [x]).filter((key) => fusedExports()[key]).length, 0);
  t.end();
});

t.test('several results of one kernel', (t) => {
  const programs: readonly (readonly [name: string, f: (x: Value) => Value[]])[] = [
    ['modf', np.modf],
    ['frexp', np.frexp],
  ];
  for (const [name, f] of programs)
    for (const dtype of ['float32', 'float64'] as const) {
      const { jaxpr } = stage((x) => f(x!), [drawn(dtype, [4, 6], 1).aval]);
      const simple = simplify(jaxpr);
      const makerOf = makersOf(simple);
      const group = groupOfAll(simple, makerOf, (roots) => groupOf(roots, makerOf, 'baked'))!;
      t.ok(fusedExports()[group.key], `${name} of ${dtype} is prebuilt: ${group.key}`);
      for (const shape of [[], [1], [7], [3, 5], [2, elementsPerCall + 3]] as Shape[])
        for (const view of [(x: Value) => x, (x: Value) => x.T, (x: Value) => np.flip(x)]) {
          const x = view(drawn(dtype, shape, 7));
          const expected = jit(f)(x).map((y) => [y.aval, y.data()] as const);
          for (const _ of range(3))
            f(x).forEach((y, i) => {
              const [aval, data] = expected[i]!;
              t.ok(y.aval === aval && same(y.data(), data), `${name} of ${x.aval}, result ${i}`);
            });
        }
    }
  // Of a program whose kernel reads what another operation has to make first, each result has its own.
  const f = recordedList((x: Value) => np.modf(np.cumsum(x)));
  const x = drawn('float64', [50], 8, false);
  const expected = jit(f)(x).map((y) => y.data());
  for (const _ of range(3)) t.ok(f(x).every((y, i) => same(y.data(), expected[i]!)));
  t.end();
});

t.test('functions of lists, and of options with arrays', (t) => {
  const [x, y] = [drawn('float64', [3, 4], 1), drawn('float64', [3, 4], 2)];
  for (const f of [np.stack, np.concatenate, np.hstack, np.vstack, np.dstack, np.columnStack]) {
    const expected = jit((a: Value, b: Value) => f([a, b]))(x, y);
    for (const _ of range(3)) t.ok(same(f([x, y]).data(), expected.data()));
    t.ok(same(f([y, x]).data(), jit((a: Value, b: Value) => f([a, b]))(y, x).data()), 'other arrays of the types');
    t.same(f([x, x, x]).size, 36);
  }
  const weights = [drawn('float64', [4], 3, false), drawn('float64', [4], 4, false)];
  const z = drawn('float64', [3, 4], 5, false);
  for (const w of [...weights, ...weights]) {
    const expected = jit((v: Value) => np.average(v, { axis: 1, weights: w }))(z).data();
    t.ok(difference(np.average(z, { axis: 1, weights: w }).data(), expected) < 1e-14);
  }
  for (const n of [1, 2, 1, 2, 1, 2]) t.equal(np.repeat(x, n).size, 12 * n);
  const far = range(500).map((i) => i % 12);
  for (const _ of range(3))
    t.ok(
      same(
        np.take(z, far).data(),
        far.map((i) => z.data()[i]!),
      ),
      'long lists',
    );
  t.end();
});

t.test('derivatives and batches of what has been recorded', (t) => {
  const x = drawn('float64', [9], 7, false);
  for (const f of [(v: Value) => np.var(v), (v: Value) => np.mod(v, 2).sum(), (v: Value) => np.interp(v, v, v).sum()]) {
    for (const _ of range(3)) f(x);
    t.ok(difference(grad(f)(x).data(), jit(grad(f))(x).data()) < 1e-14);
    const lanes = np.stack([x, x.mul(2)]);
    t.ok(difference(vmap(f)(lanes).data(), [f(x).item(), f(x.mul(2)).item()]) < 1e-13);
  }
  t.end();
});

// ── Memory that arrays share ───────────────────────────────────────────────────────────────────────────────────────
t.test('reshaped arrays share memory, and each is disposed of by itself', (t) => {
  for (const n of [4, 4000]) {
    const x = np.arange(n, { dtype: 'float64' });
    const y = x.reshape([2, n / 2]);
    const z = np.ravel(y);
    y.dispose();
    t.throws(() => y.data(), { message: /used after it was disposed of/ });
    t.equal(x.sum().item(), (n * (n - 1)) / 2);
    x.dispose();
    x.dispose();
    t.throws(() => x.add(1), { message: /used after it was disposed of/ });
    t.equal(z.sum().item(), (n * (n - 1)) / 2);
    z.dispose();
    t.throws(() => z.item(), { message: /is a number|disposed of/ });
  }
  const x = np.arange(3000, { dtype: 'float64' });
  const view = x.reshape([3, 1000]);
  const double = jit((v: Value) => v.mul(2), { donate: [0] });
  t.equal(double(x).sum().item(), 2999 * 3000);
  t.equal(view.sum().item(), (2999 * 3000) / 2, 'donating one leaves the other');
  t.end();
});

// ── Searches ───────────────────────────────────────────────────────────────────────────────────────────────────────
t.test('searches in vectors of any length', (t) => {
  const next = numbers(8);
  for (const dtype of ['float32', 'float64', 'int32', 'uint32'] as const)
    for (const n of [0, 1, 2, 3, 31, 32, 33, 1000]) {
      const sorted = range(n)
        .map(() => Math.floor(next() * n))
        .sort((a, b) => a - b);
      const queries = range(45).map((i) =>
        i % 5 === 0 && dtype.startsWith('f') ? Number.NaN : Math.floor(next() * n),
      );
      const [a, v] = [np.array(sorted, { dtype }), np.array(queries, { dtype })];
      for (const side of ['left', 'right'] as const) {
        const expected = queries.map((q) =>
          Number.isNaN(q) ? n : sorted.filter((s) => (side === 'left' ? s < q : s <= q)).length,
        );
        for (const _ of range(3)) t.same([...np.searchsorted(a, v, { side }).data()], expected, `${a.aval} ${side}`);
        t.same([...jit((v: Value) => np.searchsorted(a, v, { side }))(v).data()], expected, 'compiled');
      }
    }
  t.end();
});

t.test('searches for many queries in each gap', (t) => {
  for (const dtype of ['float32', 'float64', 'int32', 'uint32'] as const) {
    const sorted = [10, 10, 30, 50, 50, 90];
    const rising = range(300).map((i) => Math.floor(i / 2));
    const queries = [...rising, ...rising.toReversed(), 90, 10, ...range(40).map(() => 50), ...range(45).map(() => 7)];
    if (dtype.startsWith('f')) {
      queries.push(...range(48).map((i) => (i < 40 || i === 45 ? Number.POSITIVE_INFINITY : Number.NaN)));
      queries.push(...range(70).map((i) => (i === 60 ? 29 : Number.NEGATIVE_INFINITY)));
    }
    const [a, v] = [np.array(sorted, { dtype }), np.array(queries, { dtype })];
    for (const side of ['left', 'right'] as const) {
      const expected = queries.map((q) =>
        Number.isNaN(q) ? sorted.length : sorted.filter((s) => (side === 'left' ? s < q : s <= q)).length,
      );
      t.same([...np.searchsorted(a, v, { side }).data()], expected, `${dtype} ${side}`);
    }
  }
  t.end();
});

// ── Views that are read where they lie ─────────────────────────────────────────────────────────────────────────────
t.test('products of views that nothing has read', (t) => {
  const x = np.arange(60, { dtype: 'float64' }).reshape([12, 5]);
  const y = np.sin(np.arange(144, { dtype: 'float64' })).reshape([12, 12]);
  const copied = (v: NDArray): NDArray => np.array(v.tolist<number[][]>(), { dtype: 'float64' });
  const views: readonly ((v: NDArray) => NDArray)[] = [
    (v) => v.T,
    (v) => v.slice([2, 11], [1, 4]),
    (v) => v.slice([0, 12, 3]).T,
    (v) => np.flip(v, { axis: 0 }),
    // Another shape of the same storage.
    (v) => v.T.reshape([v.size / 6, 6]),
  ];
  for (const [i, view] of views.entries())
    for (const _ of range(3)) {
      const [left, right] = [view(x), view(x)];
      const depth = left.shape[1]!;
      const other = y.slice([0, depth]);
      t.same(np.matmul(left, other).tolist(), np.matmul(copied(right), other).tolist(), `view ${i}, first`);
      const before = y.slice([], [0, right.shape[0]!]);
      t.same(np.matmul(before, right).tolist(), np.matmul(copied(before), copied(right)).tolist(), `view ${i}, second`);
    }
  const t2 = x.T;
  const product = np.matmul(t2, x);
  x.dispose();
  t.same(np.matmul(t2, t2.T.slice([0, 12])).tolist(), product.tolist(), 'a view keeps the array behind it');
  t.end();
});

t.test('integer powers without a kernel of their own', (t) => {
  for (const dtype of ['float32', 'float64', 'int32', 'uint32'] as const)
    for (const [n, y] of [
      [1, 4],
      [7, 4],
      [2000, 7],
      [1300, 62],
      [600, -6],
    ] as const) {
      if (y < 0 && !dtype.startsWith('f')) continue;
      const x = np
        .arange(n, { dtype })
        .mul(dtype.startsWith('f') ? 0.001 : 1)
        .add(1)
        .astype(dtype);
      const power = (v: Value): Value => np.power(v, y);
      t.same([...power(x).data()], [...jit(power)(x).data()], `${x.aval} to the power ${y}`);
    }
  t.end();
});

// ── Products and folds in any order of axes ────────────────────────────────────────────────────────────────────────
t.test('integer products, and contractions over several axes', (t) => {
  const next = numbers(9);
  const integers = (shape: Shape, dtype: DType): NDArray =>
    np
      .array(
        range(sizeOf(shape)).map(() => Math.floor(2 ** 20 * (next() - 0.5))),
        { dtype },
      )
      .reshape(shape);
  for (const dtype of ['int32', 'uint32', 'float32'] as const) {
    const [a, b] = [integers([3, 4, 9], dtype), integers([9, 5, 4], dtype)];
    const products: readonly ((a: Value, b: Value) => Value)[] = [
      (a, b) => np.einsum('ijk,klj->il', a, b),
      (a, b) => np.einsum('ijk,klj->jlik', a, b),
      (a, b) => np.tensordot(a, b, { axes: [[2], [0]] }),
      (a, b) => np.einsum('ijk->', a).add(b.sum({ axis: [0, 2] })),
    ];
    products.forEach((f, i) => {
      const expected = jit(f)(a, b).data();
      for (const _ of range(2))
        t.ok(
          dtype === 'float32' ? difference(f(a, b).data(), expected) < 1e-5 : same(f(a, b).data(), expected),
          `${dtype} ${i}`,
        );
    });
  }
  t.end();
});

// ── Boxes that are computed where they belong ──────────────────────────────────────────────────────────────────────
const derivative =
  (axis: number) =>
  (x: Value): Value =>
    np.gradient(x, { axis }) as Value;

t.test('differences are computed where they are joined', (t) => {
  for (const dtype of ['float32', 'float64'] as const) {
    for (const n of [2, 3, 4, 5, 8, 1001, elementsPerCall + 7])
      for (const shape of n < 100 ? [[n], [3, n], [n, 3], [2, n, 2]] : [[n]])
        for (const axis of range(shape.length)) {
          if (shape[axis]! < 2) continue;
          const x = drawn(dtype, shape, n);
          const f = derivative(axis);
          const expected = jit(f)(x).data();
          for (const _ of range(3)) t.ok(same(f(x).data(), expected), `${x.aval}, axis ${axis}`);
        }
    const x = np.square(np.arange(7)).astype(dtype);
    for (const _ of range(3)) t.same([...derivative(0)(x).data()], [1, 2, 4, 6, 8, 10, 11]);
    t.throws(() => derivative(0)(x.slice([0, 1])), /gradient: axis 0 of f(32|64)\[1\] needs at least two elements/);
    t.same(
      [
        ...vmap(derivative(0))(np.stack([x, x.mul(2)]))
          .slice(1)
          .data(),
      ],
      [2, 4, 8, 12, 16, 20, 22],
    );
    const weighted = (x: Value): Value => np.sum(derivative(0)(x).mul(np.arange(7)));
    t.same([...(grad(weighted)(x) as Value).data()], [-0.5, -1, -1, -1, -1, -4, 8.5]);
  }
  t.end();
});

t.test('what a concatenation or padding reads, and what it computes', (t) => {
  const operandsOf = (f: (...args: Value[]) => Value, args: readonly NDArray[]): (number | undefined)[] | undefined => {
    const { jaxpr } = stage((...tracers) => [f(...tracers)], [...args.map(({ aval }) => aval)]);
    const simple = simplify(jaxpr);
    const join = simple.eqns.find(({ primitive }) => primitive.lower.kind === 'regions')!;
    return eagerRegionsOf(join, makersOf(simple))?.atoms.map((atom) => {
      const index = simple.inVars.indexOf(atom as Var);
      return index < 0 ? undefined : index;
    });
  };
  const [x, y] = [drawn('float64', [6, 5], 1), drawn('float64', [6, 5], 2)];
  t.same(operandsOf(derivative(1), [x]), [undefined, 0, undefined], 'columns of one element are computed first');
  t.same(operandsOf(derivative(0), [x]), [0]);
  const mod = (x: Value, y: Value): Value => np.mod(x, y);
  const twice = (x: Value, y: Value): Value => {
    const z = mod(x, y);
    return np.concatenate([z, z, x], { axis: 1 });
  };
  t.same(operandsOf(twice, [x, y]), undefined, 'what is there twice is computed once');
  const joins: readonly ((x: Value, y: Value) => Value)[] = [
    twice,
    (x, y) => np.concatenate([mod(x, y), y, mod(y, x)], { axis: 0 }),
    (x, y) => np.concatenate([x.T, mod(x, y).T, mod(y, x).T], { axis: 1 }),
    (x, y) => np.pad(mod(x, y), 2, { constantValues: -0 }),
    (x, y) => np.pad(mod(x, y), 1),
    (x, y) => np.concatenate([mod(x, y), y.slice([0, 0])]).add(mod(x, y)),
  ];
  for (const [i, f] of joins.entries()) {
    const made = recorded(f);
    const expected = jit(f)(x, y).data();
    for (const _ of range(3)) t.ok(same(made(x, y).data(), expected), `join ${i}`);
  }
  t.end();
});

// ── Compiled where much is written and read again ──────────────────────────────────────────────────────────────────
/** Elementwise operations before, between and after folds, products, sorts and concatenations, with several readers. */
const chains: readonly Case[] = [
  ['uniform', (x) => random.uniform(random.key(3), x.shape, { minval: -2, maxval: x }), 1],
  ['randint', (x) => random.randint(random.key(4), x.shape, -3, 1000), 1],
  ['truncatedNormal', (x) => random.truncatedNormal(random.key(5), np.minimum(x, 0), 2), 1],
  ['bernoulli', (x) => random.bernoulli(random.key(6), 0.3, x.shape), 1],
  ['permutation', (x) => random.permutation(random.key(7), np.ravel(x)), 1],
  ['categorical', (x) => random.categorical(random.key(8), np.atleast1d(np.clip(x, -5, 5))), 1],
  ['gelu', (x) => nn.gelu(x), 1],
  ['density', (x, y) => stats.norm.logpdf(x, y, 2), 2],
  ['relative entropy', special.relEntr, 2],
  ['huber', (x, y) => losses.huberLoss(x, y, { delta: 0.5 }), 2],
  ['interp', (x, y) => np.interp(x, np.sort(np.ravel(y)), np.ravel(y)), 2],
  ['softmax', (x) => nn.softmax(np.atleast1d(x).mul(2).add(1)), 1],
  ['logsumexp', (x) => special.logsumexp(np.exp(x).mul(x)), 1],
  [
    'folds in between',
    (x, y) =>
      x
        .sub(np.mean(y))
        .mul(np.exp(y))
        .div(np.sum(np.abs(x).mul(y)).add(2))
        .add(x),
    2,
  ],
  [
    'around a sort',
    (x, y) =>
      np
        .sort(np.ravel(x).mul(2).add(np.ravel(y)))
        .mul(3)
        .sub(np.ravel(x)),
    2,
  ],
  ['around a product', (x, y) => np.outer(np.sin(x).mul(2), np.cos(y).add(x)).mul(2).add(1).reshape([-1]), 2],
  [
    'around a concatenation',
    (x, y) =>
      np
        .concatenate([np.ravel(x.mul(y).add(1)), np.ravel(y)])
        .mul(2)
        .add(1),
    2,
  ],
];

t.test('operations that follow each other are compiled, with the same bits', (t) => {
  t.teardown(() => setCompiledAfter(2 ** 23));
  const shapes: Shape[] = [[1], [3, 5], [0], [300]];
  for (const dtype of ['float32', 'float64'] as const)
    for (const [name, f, operands] of chains)
      for (const shape of shapes) {
        if (shape[0] === 0 && /interp|softmax|logsumexp|categorical|sort/.test(name)) continue;
        const args = range(operands).map((i) => drawn(dtype, shape, i + 1));
        const made = recorded(f);
        const run = (): ArrayLike<number> => made(...args).data();
        setCompiledAfter(Number.POSITIVE_INFINITY);
        const [first, second] = [run(), run()];
        setCompiledAfter(0);
        t.ok(same(second, first) && same(run(), first) && same(run(), first), `${name} ${args[0]!.aval}`);
      }
  t.end();
});

t.test('programs of small arrays are compiled where that saves time', (t) => {
  setCompiledAfter(5000);
  t.teardown(() => setCompiledAfter(2 ** 23));
  const lowered = (f: () => void, calls: number): number => {
    const before = compileStats().lowered;
    for (let i = 0; i < calls; i++) f();
    return compileStats().lowered - before;
  };
  const n = 1000;
  const [x, samples] = [np.arange(n, { dtype: 'float64' }), np.arange(100, { dtype: 'float64' })];
  // Beside its elementwise steps it has one search and a dozen views.
  t.equal(
    lowered(() => np.interp(x, samples, samples).dispose(), 5),
    1,
    'interp of a thousand',
  );
  const [a, b] = [drawn('float64', [10], 1), drawn('float64', [10], 2)];
  t.equal(
    lowered(() => np.histogram2d(a, b), 300),
    0,
    'histogram2d of ten is not',
  );
  t.end();
});

t.test('large results of samplers are compiled at the first call', (t) => {
  const n = 2 ** 21 + 5;
  // What other tests have left leaves the memory.
  random.bits(random.key(1), [n]).dispose();
  const counts = (name: string, f: () => NDArray): void => {
    const { spilledSegments } = heapStats();
    const x = f();
    const made = heapStats().spilledSegments - spilledSegments;
    t.ok(made <= 2, `${name} leaves nothing but its result in memory, and ${made} other arrays`);
    t.ok(same(x.data(), jit(f)().data()), `${name} has the bits of jit`);
    x.dispose();
  };
  counts('normal', () => random.normal(random.key(1), [n]));
  counts('randint', () => random.randint(random.key(1), n, 0, 9));
  t.end();
});

t.test('results of compiled operations that are one array, and programs that were given up', (t) => {
  setCompiledAfter(0);
  t.teardown(() => setCompiledAfter(2 ** 23));
  const x = drawn('float64', [4, 6], 1, false);
  const parts = recordedList((x: Value) => {
    const y = np.exp(x.mul(2).add(1));
    return [y, y.reshape([24]), np.sum(y), np.log(y.add(1)).mul(y)];
  });
  for (const time of range(4)) {
    const [y, flat, total, z] = parts(x) as [NDArray, NDArray, NDArray, NDArray];
    const expected = np.exp(x.mul(2).add(1));
    y.dispose();
    t.ok(same(flat.data(), expected.data()), `time ${time}`);
    flat.dispose();
    t.ok(same(total.data(), np.sum(expected).data()));
    t.ok(same(z.data(), np.log(expected.add(1)).mul(expected).data()));
  }
  const scaled = recorded((x: Value, factor: number) => np.exp(x.mul(factor)).add(1));
  for (const time of range(3))
    for (const factor of range(140)) {
      const y = scaled(x, factor);
      if (factor % 20 === 0) t.ok(same(y.data(), np.exp(x.mul(factor)).add(1).data()), `${factor}, time ${time}`);
    }
  t.end();
});

// ── Products of vectors, and numbers that come evenly ──────────────────────────────────────────────────────────────
t.test('a product of vectors is that of a row with a vector', (t) => {
  for (const dtype of ['float32', 'float64'] as const)
    for (const n of [0, 1, 2, 3, 4, 7, 8, 9, 31, 257]) {
      const [rows, x] = [drawn(dtype, [5, n], n + 1, false), drawn(dtype, [n], n + 2, false)];
      const products = np.matmul(rows, x).data();
      for (const i of range(5)) {
        const product = np.dot(rows.slice(i), x);
        t.ok(same(product.data(), [products[i]!]), `${x.aval}, row ${i}`);
        const compiled = jit((x: Value, y: Value) => np.dot(x, y))(rows.slice(i), x).data();
        t.ok(difference(compiled, product.data()) < (dtype === 'float32' ? 1e-5 : 1e-13));
      }
    }
  t.end();
});

t.test('linspace is the same numbers at any length', (t) => {
  const ends = [
    [0, 100],
    [-3, 0.1],
    [2, -7.7],
    [-0, -1],
    [1, 1],
    [1e300, -1e300],
    [Number.NaN, 1],
  ] as const;
  for (const dtype of ['float32', 'float64'] as const)
    for (const n of [0, 1, 2, 3, 10, 32, 33, 34, 35, 36, 1001, elementsPerCall + 6])
      for (const endpoint of [true, false])
        for (const [start, stop] of n > 1000 ? ends.slice(1, 3) : ends) {
          const steps = Math.max(endpoint ? n - 1 : n, 1);
          const round = dtype === 'float32' ? Math.fround : (x: number): number => x;
          const expected = range(n).map((i) => round(start + ((stop - start) * i) / steps));
          if (endpoint && n > 1) expected[n - 1] = round(stop);
          const made = np.linspace(start, stop, n, { endpoint, dtype });
          t.equal(`${made.aval}`, `${dtype === 'float32' ? 'f32' : 'f64'}[${n}]`);
          t.ok(same(made.data(), expected), `${n} from ${start} to ${stop}, ${endpoint}, ${dtype}`);
        }
  t.same([...np.linspace(0, 9, 40, { dtype: 'int32' }).data()].slice(-6), [7, 8, 8, 8, 8, 9]);
  const used = jit((x: Value) => x.add(np.linspace(1, -1, 65)));
  t.ok(same(used(np.zeros([65])).data(), np.linspace(1, -1, 65).data()), 'a constant of a program');
  t.end();
});

t.test('what only moves elements is never compiled: copies in blocks are quicker', (t) => {
  const { lowered } = compileStats();
  const x = np.arange(2 ** 21).reshape([1024, 2048]);
  for (let i = 0; i < 4; i++) {
    t.strictSame(np.tile(x, [2, 2]).shape, [2048, 4096]);
    t.strictSame(np.repeat(x, 2).shape, [2 ** 22]);
  }
  t.equal(compileStats().lowered, lowered);
  nn.gelu(x);
  t.equal(compileStats().lowered, lowered + 1, 'unlike what computes');
  t.end();
});

t.test('zeros of both signs around what is written', (t) => {
  for (const dtype of ['float32', 'float64'] as const)
    for (const value of [0, -0, 1.5, Number.NaN]) {
      const padded = np.pad(np.array([3, 4], { dtype }), 300, { constantValues: value }).data();
      t.ok(
        same(
          padded,
          range(602).map((i) => (i === 300 ? 3 : i === 301 ? 4 : value)),
        ),
      );
    }
  for (const dtype of ['float32', 'int32', 'bool'] as const) {
    const unit = np.eye(130, 130, { dtype }).data();
    t.ok(unit.every((x, i) => x === Number(Math.floor(i / 130) === i % 130)));
  }
  t.end();
});
