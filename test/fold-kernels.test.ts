/** Kernels with folds, compiled, against the reference semantics. */
import t from 'tap';
import type { TypedArray } from '../src/core/dtype.ts';
import { grad, jit, lax, type NDArray, nn, np, random } from '../src/index.ts';
import { agree, kernelsOf, numbers } from './lib/compiled.ts';

/** Every other NaN with a sign, which is one of other bits. */
function withSigns(values: readonly number[], dtype: 'float32' | 'float64'): TypedArray {
  const data = dtype === 'float32' ? Float32Array.from(values) : Float64Array.from(values);
  const bytes = new Uint8Array(data.buffer);
  values.forEach((value, i) => {
    if (Number.isNaN(value) && i % 2) bytes[(i + 1) * data.BYTES_PER_ELEMENT - 1]! |= 0x80;
  });
  return data;
}

t.test('the largest and the smallest number, with NaNs and zeros of both signs', (t) => {
  const special = [-0, 0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, 1, -2.5];
  let seed = 1;
  const below = (n: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return Math.floor((seed / 2 ** 31) * n);
  };
  const fold = (values: readonly number[], f: (a: number, b: number) => number): number =>
    values.reduce((a, b) => f(a, b));
  for (const dtype of ['float32', 'float64'] as const)
    for (const [name, f] of [
      ['max', Math.max],
      ['min', Math.min],
    ] as const) {
      const wrong: unknown[] = [];
      const check = (what: string, got: NDArray, expected: readonly number[]): void => {
        [...(got.data() as Iterable<number>)].forEach((value, i) => {
          if (!Object.is(value, expected[i])) wrong.push([what, i, value, expected[i]]);
        });
      };
      for (const n of [1, 2, 3, 4, 7, 8, 17, 33, 100])
        for (let kinds = 1; kinds <= special.length; kinds++) {
          // With and without NaN, which hides everything else.
          const values = Array.from({ length: 3 * n }, () => special[below(kinds)]!).map((x) =>
            kinds % 2 && Number.isNaN(x) ? -0 : x,
          );
          const x = np.array(withSigns(values, dtype), { dtype }).reshape([3, n]);
          const row = (r: number): number[] => values.slice(r * n, r * n + n);
          const folds = (v: NDArray) => [np[name](v), np[name](v, { axis: 1 }), np[name](v, { axis: 0 })];
          const pairs = (v: NDArray) =>
            special.flatMap((k) => (name === 'max' ? [np.maximum(v, k)] : [np.minimum(v, k)]));
          for (const [how, use] of [
            ['compiled', jit],
            ['at once', (g: (v: NDArray) => NDArray[]) => g],
          ] as const) {
            const [all, rows, columns] = use(folds)(x) as [NDArray, NDArray, NDArray];
            check(`${how}: all of ${n}`, all, [fold(values, f)]);
            check(
              `${how}: rows of ${n}`,
              rows,
              [0, 1, 2].map((r) => fold(row(r), f)),
            );
            check(
              `${how}: ${n} columns`,
              columns,
              row(0).map((_, j) =>
                fold(
                  [0, 1, 2].map((r) => row(r)[j]!),
                  f,
                ),
              ),
            );
            (use(pairs)(x) as NDArray[]).forEach((result, k) => {
              check(
                `${how}: with ${special[k]}`,
                result,
                values.map((value) => f(value, special[k]!)),
              );
            });
          }
        }
      t.same(wrong.slice(0, 5), [], `${name} of ${dtype}`);
    }
  t.end();
});

t.test('folds of arrays that lie in different orders', (t) => {
  let state = 11;
  const below = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const folds: ((x: NDArray, axis: number[]) => NDArray)[] = [
    (x, axis) => np.sum(x, { axis }),
    (x, axis) => np.max(x, { axis }),
    (x, axis) => np.min(x, { axis }),
    (x, axis) => np.sum(x.gt(0), { axis }),
    (x, axis) => np.var(x, { axis }),
    (x, axis) => np.any(x.gt(3.9), { axis }),
  ];
  const orders = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ];
  const axes = [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]];
  for (let i = 0; i < 120; i++) {
    const dtype = (['float32', 'float64', 'int32'] as const)[below(3)]!;
    const most = below(8) === 0 ? 60 : 22;
    const shape = [1 + below(3) * below(8), 1 + below(most), 1 + below(most)];
    const place = below(6);
    const rank3 = orders[place]!.map((axis) => shape[axis]!);
    const operands = [0, 1].map(() => {
      const order = orders[below(6)]!;
      const from = order.map((axis) => rank3[axis]!);
      const back = order.map((_, axis) => order.indexOf(axis));
      return { x: numbers(from, dtype), back };
    });
    const [x, y] = operands as [(typeof operands)[0], (typeof operands)[0]];
    const fold = folds[below(folds.length)]!;
    const over = axes[below(axes.length)]!;
    agree(
      t,
      `${dtype} [${rank3}], orders ${x.back} and ${y.back}, fold ${folds.indexOf(fold)} over ${over}`,
      (a, b) => {
        const [first, second] = [np.transpose(a, x.back), np.transpose(b, y.back)];
        return [fold(first, over), fold(first.mul(second.mul(0.01)).add(second), over)];
      },
      x.x,
      y.x,
    );
  }
  const big = numbers([200, 210]);
  agree(t, 'in parts', (a) => [np.sum(a.T.mul(a.reshape([210, 200]))), np.sum(a.T)], big);
  agree(t, 'stored as well', (a) => [np.sum(a.T.mul(2), { axis: 1 }), a.T.mul(2)], big);
  agree(t, 'softmax', (a) => nn.softmax(a.T.add(a.reshape([210, 200]))), big);
  agree(t, 'softmax of a transpose', (a) => [nn.softmax(a.T), nn.softmax(a.T, { axis: 0 })], big);
  t.end();
});

t.test('folds over the first axis of matrices', (t) => {
  const code = (f: (x: NDArray) => NDArray, x: NDArray): string => String(jit(f).lower(x));
  const goesByRows = (f: (x: NDArray) => NDArray, x: NDArray): boolean => /peak of temporaries: [1-9]/.test(code(f, x));
  const total = (x: NDArray): NDArray => np.sum(x, { axis: 0 });
  t.ok(
    goesByRows(total, numbers([300, 40])) && !goesByRows(total, numbers([15, 400])),
    'partial results lie in memory',
  );
  const folds: Record<string, (x: NDArray, w: NDArray) => NDArray | NDArray[]> = {
    sum: (x) => total(x),
    'sum of squares': (x) => total(x.mul(x)).div(7),
    max: (x) => np.max(x, { axis: 0 }),
    'max without NaN': (x) => np.nanmax(x, { axis: 0 }),
    'several folds': (x) => [total(x), np.min(x, { axis: 0 }), total(x.mul(x))],
    'a number for each column': (x, w) => total(x.sub(w.div(3))),
    'a number for each row': (x) => total(x.mul(x.slice([], [0, 1]))),
    'every other row': (x) => total(x.slice([null, null, 2])),
    'rows from the last one on': (x) => total(x.slice([null, null, -1]).mul(x)),
    any: (x) => np.any(x.gt(3.9), { axis: 0 }),
    count: (x) => total(x.gt(0)),
    'a function': (x) => total(np.tanh(x)).add(1),
    'read again': (x) => x.sub(np.mean(x, { axis: 0 })),
  };
  for (const [dtype, ...shape] of [
    ['float32', 1001, 65],
    ['float32', 33, 2051],
    ['float32', 201, 91],
    ['float64', 517, 131],
    ['int32', 300, 70],
    ['int32', 100, 256],
  ] as const) {
    const x = numbers([...shape], dtype);
    const w = numbers([shape[1]], dtype);
    for (const [name, f] of Object.entries(folds)) agree(t, `${name} of ${x.aval}`, f, x, w);
  }
  const centred = (x: NDArray): NDArray => x.sub(np.mean(x, { axis: 0 }));
  const again: Record<string, (x: NDArray, w: NDArray) => NDArray | NDArray[]> = {
    softmax: (x) => nn.softmax(x, { axis: 0 }),
    'softmax, its logarithm and what it reads': (x) => [
      nn.softmax(x, { axis: 0 }),
      nn.logSoftmax(x, { axis: 0 }),
      x.add(1),
    ],
    'softmax of what a loop carries': (x) =>
      lax.foriLoop(0, 3, (_, x: NDArray) => nn.softmax(x.mul(3), { axis: 0 }), x),
    standardised: (x, w) => {
      const c = centred(x);
      return c.div(np.sqrt(total(c.mul(c)).div(7))).mul(w.add(20));
    },
    'both moments': (x) => [centred(x), np.var(x, { axis: 0 }), np.max(x, { axis: 0 })],
    'positions of the largest': (x) => x.eq(np.max(x, { axis: 0 })).astype('float32'),
    'a row of it': (x) => x.sub(np.max(x, { axis: 0 })).mul(x.slice(0)),
  };
  for (const [dtype, ...shape] of [
    ['float32', 1101, 302],
    ['float64', 300, 1024],
  ] as const) {
    const x = numbers([...shape], dtype);
    const w = numbers([shape[1]], dtype);
    t.ok(goesByRows(centred, x), `${x.aval} goes by rows again`);
    for (const [name, f] of Object.entries(again)) agree(t, `${name} of ${x.aval}`, f, x, w);
  }
  const batch = numbers([3, 120, 50]);
  agree(t, 'two axes', (x) => [np.sum(x, { axis: [0, 1] }), np.sum(x, { axis: 1 })], batch);
  // Columns of ever more kinds of numbers.
  const kinds = [-0, Number.NEGATIVE_INFINITY, -2.5, 0, 1, Number.POSITIVE_INFINITY, Number.NaN];
  for (const [dtype, r, c] of [
    ['float32', 20, 3301],
    ['float64', 17, 2051],
  ] as const) {
    const values = Array.from(
      { length: r * c },
      (_, i) => kinds[(((i / c) | 0) * 5 + (i % 11)) % (1 + ((i % c) % 7))]!,
    );
    const special = np.array(withSigns(values, dtype), { dtype }).reshape([r, c]);
    for (const name of ['max', 'min'] as const) {
      const f = (x: NDArray): NDArray => np[name](x, { axis: 0 });
      t.ok(goesByRows(f, special));
      const expected = Array.from({ length: c }, (_, j) =>
        Math[name](...Array.from({ length: r }, (_, i) => values[i * c + j]!)),
      );
      const found = jit(f)(special).data();
      t.same(
        expected.filter((value, j) => !Object.is(value, found[j])),
        [],
        `${name} of special ${dtype}`,
      );
    }
  }
  t.end();
});

t.test('sums of rows have the same bits compiled and at once', (t) => {
  for (const dtype of ['float32', 'float64'] as const)
    for (const n of [32, 44, 60, 64, 92, 124, 128, 156, 1000]) {
      const x = numbers([5, n], dtype)
        .mul(0.7)
        .add(1 / 3);
      for (const fold of ['sum', 'prod'] as const) {
        const rows = (x: NDArray): NDArray => np[fold](x, { axis: 1 });
        t.same(jit(rows)(x).data(), rows(x).data(), `${fold} of ${n} ${dtype}`);
      }
    }
  t.end();
});

t.test('sums down columns take their rows in one order, compiled and at once', (t) => {
  const folds = { sum: np.sum, prod: np.prod, max: np.max } as const;
  for (const dtype of ['float32', 'float64', 'int32'] as const)
    for (const [rows, columns] of [
      ...[7, 8, 9, 15, 16, 23, 250, 1000].map((rows) => [rows, 37] as const),
      ...[4095, 4096, 4104, 8197, 12_700].map((rows) => [rows, 5] as const),
      [5000, 33],
      [4239, 128],
      [9001, 20],
    ] as const) {
      const x = numbers([rows, columns], dtype).mul(0.001).add(1).astype(dtype);
      for (const [name, fold] of Object.entries(folds)) {
        const f = (x: NDArray): NDArray => fold(x, { axis: 0 });
        t.same(jit(f)(x).data(), f(x).data(), `${name} of ${x.aval}`);
      }
    }
  t.end();
});

t.test('sums of tall columns do not lose digits', (t) => {
  const n = 1_000_003;
  const x = random.uniform(random.key(3), [n, 2]).add(4);
  const exact = x.astype('float64');
  const folds: Record<string, (x: NDArray) => NDArray> = {
    sum: (x) => np.sum(x, { axis: 0 }),
    mean: (x) => np.mean(x, { axis: 0 }),
    variance: (x) => np.var(x, { axis: 0 }),
    'of squares': (x) => np.sum(x.mul(x), { axis: 0 }),
    'running sums': (x) => np.cumsum(x, { axis: 0 }).slice(-1),
    'running sums of one column': (x) => np.cumsum(x.slice([null], 0)).slice(-1),
    'of two axes': (x) => np.sum(x.slice([null, n - 3]).reshape([500_000, 2, 2]), { axis: [0, 1] }),
  };
  for (const [name, f] of Object.entries(folds)) {
    const want = f(exact);
    for (const [how, found] of Object.entries({ compiled: jit(f)(x), 'at once': f(x) })) {
      const worst = np.max(np.abs(found.astype('float64').sub(want).div(want))).item();
      t.ok(worst < 2e-6, `${name}, ${how}: off by ${worst}`);
    }
  }
  t.end();
});

t.test('rows of all lengths', (t) => {
  const folds: Record<string, (x: NDArray) => NDArray | NDArray[]> = {
    sum: (x) => np.sum(x, { axis: 1 }),
    'sum and largest': (x) => [np.sum(x, { axis: 1 }), np.max(x, { axis: 1 })],
    'sum of what is stored': (x) => [np.sum(x.mul(2), { axis: 1 }), x.mul(2)],
    variance: (x) => np.var(x, { axis: 1 }),
    'of several axes': (x) => np.sum(x.reshape([2, -1, x.shape[1]!]), { axis: [0, 2] }),
  };
  for (const dtype of ['float32', 'float64', 'int32'] as const)
    for (const n of [15, 16, 31, 33, 47, 49, 63, 66, 92, 127, 130, 149, 155, 157]) {
      const x = numbers([6, n], dtype);
      for (const [name, f] of Object.entries(folds)) agree(t, `${name} of ${n} ${dtype}`, f, x);
    }
  for (const n of [40_003, 49_152, 32_800]) agree(t, `all ${n} in parts`, (x) => np.sum(x.mul(2)), numbers([n]));
  t.end();
});

const softmax = (axis: number) => (x: NDArray) => nn.softmax(x, { axis });
const normalised = (axis: number) => (x: NDArray) => {
  const centred = x.sub(np.mean(x, { axis, keepdims: true }));
  return centred.div(np.sqrt(np.mean(centred.mul(centred), { axis, keepdims: true }).add(1e-5)));
};

t.test('rows are folded and read again in one kernel', (t) => {
  const functions: Record<string, (axis: number) => (x: NDArray) => any> = {
    softmax,
    normalised,
    logSoftmax: (axis) => (x) => nn.logSoftmax(x, { axis }),
    logsumexp: (axis) => (x) => nn.logsumexp(x, { axis }),
    variance: (axis) => (x) => np.var(x, { axis }),
    'mean and mean of squares': (axis) => (x) => [np.mean(x, { axis }), np.mean(x.mul(x), { axis, keepdims: true })],
    'what is folded is stored too': (axis) => (x) => {
      const y = np.tanh(x);
      return [y, np.sum(y, { axis }), y.sub(np.max(y, { axis, keepdims: true }))];
    },
  };
  for (const [name, make] of Object.entries(functions))
    for (const axis of [0, 1]) {
      t.same(kernelsOf(make(axis), np.ones([20, 30])), ['k0'], `${name} over ${axis}`);
      for (const n of [1, 3, 4, 5, 17, 37]) {
        const shape = axis === 0 ? [n, 9] : [9, n];
        agree(t, `${name} over ${axis} of ${shape}`, make(axis), numbers(shape, n % 2 ? 'float32' : 'float64'));
      }
    }
  // Rows 4096 bytes apart: what a later pass reads again is kept in order.
  for (const shape of [
    [256, 1024],
    [300, 512],
  ]) {
    const x = numbers(shape, shape[1] === 512 ? 'float64' : 'float32');
    for (const make of [softmax, normalised]) agree(t, `columns of ${shape}`, make(0), x);
  }
  for (const shape of [
    [1, 5],
    [5, 1],
    [1, 1],
    [1, 1000],
    [1000, 1],
    [3, 1, 5],
    [2, 3, 4, 5],
    [70, 1, 600],
    [600, 70],
  ])
    for (const axis of [0, shape.length - 1]) {
      agree(t, `softmax over ${axis} of ${shape}`, softmax(axis), numbers(shape));
      agree(t, `normalised over ${axis} of ${shape}`, normalised(axis), numbers(shape));
    }
  for (const n of [1, 4, 17, 1000, 70000]) {
    agree(
      t,
      `a vector of ${n}`,
      (x) => [softmax(0)(x), nn.logsumexp(x), np.std(x), np.max(x).sub(np.min(x))],
      numbers([n]),
    );
    agree(t, `rows of ${n}`, (x) => [softmax(1)(x), np.var(x, { axis: 1 })], numbers([2, n]));
  }
  agree(t, 'a column of ten thousand', (x) => [softmax(0)(x), np.sum(x, { axis: 0 })], numbers([10000, 5]));
  agree(
    t,
    'gradient through a normalised row',
    grad((x: NDArray) => np.sum(normalised(-1)(x).mul(x))) as any,
    numbers([6, 35]),
  );
  agree(
    t,
    'rows of a cube, folded over two axes, with weights for each row and each element of it',
    (x, w, c) => {
      const m = np.mean(x, { axis: [0, 2], keepdims: true });
      const y = x.sub(m).mul(w).add(c);
      return [y.div(np.sum(np.abs(y), { axis: [0, 2], keepdims: true })), m.mul(w)];
    },
    numbers([3, 5, 7]),
    numbers([5, 1]),
    numbers([7]),
  );
  for (const dtype of ['int32', 'uint32'] as const)
    agree(
      t,
      `${dtype}: distance to the extremes`,
      (x) => [x.sub(np.min(x, { axis: 1, keepdims: true })), np.max(x, { axis: 1 }), np.sum(x, { axis: 0 })],
      np.abs(numbers([5, 19], 'int32')).astype(dtype),
    );
  agree(
    t,
    'flags: which rows hold a maximum of their column',
    (x) => {
      const top = x.eq(np.max(x, { axis: 0, keepdims: true }));
      return [np.any(top, { axis: 1 }), np.all(top, { axis: 1 }), top, np.sum(top.astype('float32'), { axis: 1 })];
    },
    numbers([13, 6]),
  );
  // exp(x − max x) may not exceed 1, whatever the bits of x.
  const shifted = jit((x: NDArray) => {
    const y = np.tanh(x.mul(1.7)).mul(300);
    return np.max(np.exp(y.sub(np.max(y, { axis: 1, keepdims: true }))), { axis: 1 });
  });
  t.ok(np.all(shifted(numbers([40, 50])).eq(1)).item(), 'the maximum is that of the values it is taken from');
  t.end();
});
