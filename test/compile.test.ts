/** Compiled programs against the reference semantics of their primitives. */
import t from 'tap';
import { isFloating, type TypedArray } from '../src/core/dtype.ts';
import { type Eqn, Jaxpr, Var } from '../src/core/jaxpr.ts';
import type { Accuracy, Primitive, Sample } from '../src/core/primitive.ts';
import { sizeOf } from '../src/core/shape.ts';
import { grad, jit, lax, type NDArray, nn, np, vmap } from '../src/index.ts';
import { allPrimitives } from '../src/lax/primitives.ts';
import { drawInputs } from './check-primitive.ts';
import { agree, bothWays, epsilon, kernelsOf, numbers } from './lib/compiled.ts';

/** Spacing of floats around x. */
function spacing(x: number, data: TypedArray): number {
  const smallest = data instanceof Float32Array ? 2 ** -149 : 2 ** -1074;
  return Math.max(smallest, 2 ** Math.floor(Math.log2(Math.abs(x))) * epsilon(data));
}

/** How many elements are further apart than the accuracy allows, with the first one. */
function disagreement(got: TypedArray, want: TypedArray, accuracy: Accuracy, inputs: readonly NDArray[]): string {
  const sizes = inputs.map((x) => x.size);
  const totals = inputs.map((x) => Array.from(x.hostData()).reduce((sum, v) => sum + Math.abs(v), 0));
  for (let i = 0; i < want.length; i++) {
    const [a, b] = [got[i]!, want[i]!];
    if (Object.is(a, b) || (Number.isNaN(a) && Number.isNaN(b))) continue;
    let allowed = 0;
    if (accuracy.kind === 'ulp' && Number.isFinite(b)) {
      // Each is off by what is declared, the reference in float32 by half a unit.
      const n = want instanceof Float32Array ? accuracy.float32 + 0.5 : 2 * accuracy.float64;
      const at = accuracy.terms?.(inputs[0]!.hostData()[i]!) ?? 0;
      allowed = n * spacing(Math.max(Math.abs(b), at), want);
    } else if (accuracy.kind === 'reduction' && Number.isFinite(b)) {
      const terms = Math.max(1, ...sizes);
      const scale = Math.max(Math.abs(b), Math.max(1, ...totals));
      allowed = accuracy.c * terms * epsilon(want) * scale;
    }
    if (!(Math.abs(a - b) <= allowed)) return `[${i}] ${a} instead of ${b}`;
  }
  return '';
}

function singleEquation(primitive: Primitive, sample: Sample, inputs: readonly NDArray[]): Eqn {
  const params = sample.params ?? {};
  const vars = inputs.map((x) => new Var(x.aval));
  const outputs = primitive.type(
    vars.map((v) => v.aval),
    params,
  );
  return { primitive, params, inputs: vars, outputs: outputs.map((aval) => new Var(aval)) };
}

t.test('every primitive, interpreted and compiled', (t) => {
  const primitives = allPrimitives();
  t.ok(primitives.length > 80, `${primitives.length} primitives`);
  for (const primitive of primitives) {
    const samples = primitive.samples?.() ?? [];
    t.ok(samples.length > 0, `${primitive.name} has samples`);
    const cases = samples.map((sample) => {
      const inputs = drawInputs(sample);
      return { sample, inputs, eqn: singleEquation(primitive, sample, inputs) };
    });
    // All samples of a primitive are one program: one module to compile.
    const eqns = cases.map((c) => c.eqn);
    const program = new Jaxpr(
      eqns.flatMap((eqn) => eqn.inputs as Var[]),
      eqns,
      eqns.flatMap((eqn) => eqn.outputs),
    );
    const inputs = cases.flatMap((c) => c.inputs);
    const { want, got } = bothWays(program, inputs);
    const wrong: string[] = [];
    let next = 0;
    for (const { sample, inputs, eqn } of cases)
      for (const out of eqn.outputs) {
        const accuracy: Accuracy = isFloating(out.aval.dtype) ? primitive.accuracy : { kind: 'exact' };
        const problem = disagreement(got[next]!, want[next]!, accuracy, inputs);
        if (problem) wrong.push(`${inputs.map((x) => x.aval)} ${JSON.stringify(sample.params ?? {})} ${problem}`);
        next++;
      }
    t.same(wrong.slice(0, 4), [], primitive.name);
  }
  t.end();
});

t.test('fusion', (t) => {
  for (const dtype of ['float32', 'float64', 'int32'] as const) {
    const [a, b, row, column] = [
      numbers([5, 7], dtype),
      numbers([7, 5], dtype),
      numbers([7], dtype),
      numbers([5, 1], dtype),
    ];
    agree(t, `${dtype}: transposed operands`, (x, y) => x.add(y.T).mul(y.T), a, b);
    agree(t, `${dtype}: broadcast rows and columns`, (x, r, c) => x.mul(r).sub(c), a, row, column);
    agree(
      t,
      `${dtype}: a reversed and strided slice`,
      (x) => np.flip(x, { axis: 1 }).slice([], [null, null, 2]).add(1),
      a,
    );
    agree(t, `${dtype}: reshape of a computed value`, (x) => x.mul(2).reshape([35]).add(1).reshape([7, 5]).T.mul(3), a);
    agree(
      t,
      `${dtype}: a value read through a view and directly`,
      (x) => {
        const y = x.mul(x);
        return np.matmul(y, y.T).add(np.sum(y));
      },
      a,
    );
    agree(t, `${dtype}: comparison and selection`, (x, r) => np.where(x.gt(r), x, r.neg()), a, row);
    agree(
      t,
      `${dtype}: conversions between widths`,
      (x) => x.astype('float64').mul(0.5).astype('int32').astype('float32').add(x.gt(0)),
      a,
    );
    for (const axis of [0, 1, [0, 1]] as const) {
      agree(t, `${dtype}: sum over ${axis}`, (x, r) => np.sum(x.mul(r), { axis: axis as any }), a, row);
      agree(t, `${dtype}: max over ${axis} of a transpose`, (x) => np.max(x.T, { axis: axis as any }), a);
      agree(
        t,
        `${dtype}: any and all over ${axis}`,
        (x) => [np.any(x.gt(3), { axis: axis as any }), np.all(x.lt(3), { axis: axis as any })],
        a,
      );
    }
  }
  const cube = numbers([3, 40, 6]);
  for (const axis of [0, 1, 2, [0, 2], [0, 1], [1, 2]])
    agree(
      t,
      `reductions of a cube over ${axis}`,
      (x) => [np.sum(x, { axis }), np.min(x, { axis }), np.prod(x.div(4), { axis })],
      cube,
    );
  agree(
    t,
    'softmax',
    (x) => {
      const e = x.sub(np.max(x, { axis: 1, keepdims: true })).mul(0.5);
      return e.div(np.sum(e, { axis: 1, keepdims: true }));
    },
    numbers([6, 33]),
  );
  agree(
    t,
    'products of three operands',
    (x, y) => np.einsum('bij,bkj->bik', x, y),
    numbers([2, 3, 4]),
    numbers([2, 5, 4]),
  );
  agree(
    t,
    'an outer product over two free axes',
    (x, y) => np.tensordot(x, y, { axes: 0 }),
    numbers([2, 3]),
    numbers([4]),
  );
  agree(
    t,
    'results that are inputs, constants and each other',
    (x) => {
      const y = x.add(1);
      return [y, x, y, np.zeros([3]), 2, y.reshape([5, 7])];
    },
    numbers([7, 5]),
  );
  agree(t, 'empty arrays', (x) => [x.add(1), np.sum(x), np.sum(x, { axis: 0 }), np.matmul(x.T, x)], np.zeros([0, 3]));
  t.end();
});

t.test('products', (t) => {
  for (const dtype of ['float32', 'float64', 'int32'] as const) {
    for (const [m, n, k] of [
      [0, 3, 4],
      [3, 0, 4],
      [3, 4, 0],
      [1, 9, 33],
      [9, 1, 33],
      [5, 7, 1],
      [5, 1, 1],
      [8, 8, 8],
      [17, 31, 65],
    ] as const) {
      const [x, y] = [numbers([m, k], dtype), numbers([k, n], dtype)];
      const [xs, ys] = [numbers([2, 3, m, k], dtype), numbers([3, n, k], dtype)];
      const name = `${dtype}: ${m}×${k} · ${k}×${n}`;
      agree(t, name, (a, b) => np.matmul(a, b), x, y);
      agree(t, `${name}, both transposed`, (a, b) => np.matmul(a.T, b.T), x.T.add(0), y.T.add(0));
      agree(t, `${name}, batches`, (a, b) => np.einsum('abij,bkj->baik', a, b), xs, ys);
      agree(t, `${name}, one for a batch`, (a, b) => np.einsum('abij,jk->abik', a, b), xs, y);
      agree(t, `${name}, reversed`, (a, b) => np.matmul(np.flip(a), np.flip(b, { axis: 1 })), x, y);
      agree(t, `${name}, every other column`, (a, b) => np.matmul(a, b.slice([], [null, null, 2])), x, y);
    }
  }
  agree(t, 'beyond what is made for its size', (a, b) => np.matmul(a, b.T), numbers([140, 300]), numbers([90, 300]));
  t.end();
});

t.test('long arrays are done in pieces', (t) => {
  for (const n of [32767, 32768, 32771, 100003]) {
    const x = np.arange(n).mul(1e-3).astype('float32');
    agree(t, `map over ${n}`, (v) => v.mul(v).add(1), x);
    agree(t, `folds over ${n}`, (v) => [np.sum(v), np.max(v.neg()), np.any(v.gt(32.7))], x);
  }
  const wide = np
    .arange(300 * 401)
    .astype('float32')
    .reshape([300, 401]);
  agree(
    t,
    'rows and columns',
    (v) => [v.T.add(1), np.sum(v, { axis: 0 }), np.sum(v, { axis: 1 }), np.sum(v.T.mul(v.T))],
    wide,
  );
  t.end();
});

t.test('kernels over the same elements, each reading what the one before it wrote, take turns', (t) => {
  // More than one kernel may hold.
  const long = (v: NDArray, terms = 16): NDArray => {
    let sum = np.sin(v);
    for (let i = 1; i < terms; i++) sum = sum.add(np.sin(v.mul(1 + 0.1 * i)).mul(1 / 16));
    return sum;
  };
  const whole = np.arange(140_003).mul(1e-4).astype('float32');
  const rows = np
    .arange(400 * 401)
    .mul(1e-4)
    .astype('float32')
    .reshape([400, 401]);
  const described = (
    f: (v: NDArray) => unknown,
    x: NDArray,
  ): { readonly turns: number; readonly peakBytes: number } => {
    const lowered = jit(f as (v: NDArray) => NDArray).lower(x);
    const notes = String(lowered).match(/^;; over .*: .*, in turn with k\d/gm);
    return { turns: notes?.length ?? 0, peakBytes: lowered.peakBytes };
  };
  const inTurn: Record<string, [f: (v: NDArray) => NDArray | NDArray[], x: NDArray]> = {
    'a map and a sum of everything': [(v) => np.sum(long(v)), whole],
    'maps, of which the first is a result too': [(v) => [long(v), long(long(v))], rows],
    'a map and sums of rows': [(v) => np.sum(long(v), { axis: 1 }), rows],
    'softmax, then a map': [(v) => long(nn.softmax(v)), rows],
  };
  const sameAtOnce = (name: string, f: (v: NDArray) => NDArray | NDArray[], x: NDArray): void => {
    const [got, want] = [jit(f)(x), f(x)].map((y) => [y].flat() as NDArray[]) as [NDArray[], NDArray[]];
    got.forEach((y, i) => {
      const worst = np.max(np.abs(y.sub(want[i]!))).item() / np.max(np.abs(want[i]!)).item();
      t.ok(worst < 1e-5, `${name}: ${worst}`);
    });
  };
  for (const [name, [f, x]] of Object.entries(inTurn)) {
    sameAtOnce(name, f, x);
    const { turns, peakBytes } = described(f, x);
    t.ok(turns > 1 && peakBytes < 4 * x.size, `${name}: ${turns} kernels, ${peakBytes} bytes`);
  }
  // What is read elsewhere than it is written has to be there as a whole.
  const apart: Record<string, [f: (v: NDArray) => NDArray | NDArray[], x: NDArray]> = {
    backwards: [(v) => long(np.flip(long(v))), whole],
    transposed: [
      (v) => long(long(v.reshape([374, 374])).T),
      np
        .arange(374 * 374)
        .mul(1e-4)
        .astype('float32'),
    ],
    'the first element of all': [(v) => long(long(v).sub(long(v).slice([0, 1]))), whole],
    'what is read backwards later': [
      (v) => {
        const u = long(v);
        return long(u).add(np.flip(u));
      },
      whole,
    ],
    'a sum between, that is a number': [
      (v) => {
        const u = long(v);
        const w = long(u);
        return [long(w.add(u)), np.sum(w).mul(1e-3)];
      },
      whole,
    ],
    'a transposed result between': [
      (v) => {
        const w = long(long(v), 20);
        const x = long(w, 3);
        const turned = v.T;
        return [long(x), turned];
      },
      rows,
    ],
    'operands that end, in whose place a longer result has room': [
      (v) => {
        const [a, b] = [np.cumsum(v.mul(1e-4)), np.cumsum(v.mul(-2e-4))];
        const u = long(a.add(b));
        const w = long(u.astype('float64'));
        return w.add(np.flip(w)).add(np.flip(u));
      },
      whole,
    ],
    'values of three kernels at a time': [
      (v) => {
        const u = long(v);
        const w = long(u);
        return np.sum(long(w).mul(u).sub(w.mul(0.5)));
      },
      whole,
    ],
    'rows at positions': [
      (v) => long(np.take(long(v), np.array([3, 1, 0, 2, ...new Array(396).fill(7)], { dtype: 'int32' }), { axis: 0 })),
      rows,
    ],
    'in a loop that carries it': [
      (v) =>
        lax.foriLoop(
          0,
          3,
          (_: NDArray, c: NDArray) =>
            long(c, 5)
              .add(np.flip(c))
              .add(long(c.mul(2), 5)),
          v,
        ),
      whole,
    ],
  };
  for (const [name, [f, x]] of Object.entries(apart)) sameAtOnce(name, f, x);
  t.end();
});

t.test('integer division', (t) => {
  const edges = [-(2 ** 31), 1 - 2 ** 31, -65537, -7, -2, -1, 0, 1, 2, 3, 7, 65536, 2 ** 31 - 2, 2 ** 31 - 1];
  const pairs = edges.flatMap((x) => edges.map((y) => [x, y] as const));
  for (const dtype of ['int32', 'uint32'] as const) {
    const wrap = (x: number): number => (dtype === 'int32' ? x | 0 : x >>> 0);
    const [x, y] = [0, 1].map((i) =>
      np.array(
        pairs.map((pair) => wrap(pair[i]!)),
        { dtype },
      ),
    ) as [NDArray, NDArray];
    const expected = pairs.map(([a, b]) => (wrap(b) === 0 ? wrap(-1) : wrap(Math.trunc(wrap(a) / wrap(b)))));
    const left = pairs.map(([a, b]) => (wrap(b) === 0 ? wrap(a) : wrap(wrap(a) % wrap(b))));
    t.same([...jit(lax.div)(x, y).data()], expected, `${dtype}: quotients`);
    t.same(
      [...jit(lax.rem)(x, y).data()].map((v) => v + 0),
      left.map((v) => v + 0),
      `${dtype}: remainders`,
    );
    t.same([...lax.div(x, y).data()], expected, `${dtype}: quotients at once`);
  }
  // Multiples of the divisor and their neighbours, as far as 32 bits go.
  for (const by of [2, 3, 7, 10, 641, 2 ** 16, 2 ** 20 + 7, 2 ** 30 + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1])
    for (const dtype of ['int32', 'uint32'] as const) {
      const [low, high] = dtype === 'int32' ? [-(2 ** 31), 2 ** 31 - 1] : [0, 2 ** 32 - 1];
      if (by > high) continue;
      const multiples = [0, 1, 2, 3, 1000, Math.floor(high / by) - 1, Math.floor(high / by)].flatMap((k) => [
        k * by,
        -k * by,
      ]);
      const values = [...multiples.flatMap((m) => [m - 1, m, m + 1]), low, high].filter((m) => m >= low && m <= high);
      const x = np.array(values, { dtype });
      agree(t, `${dtype} by the constant ${by}`, (v) => [lax.rem(v, by), lax.div(v, by)], x);
    }
  agree(t, 'floor division by a constant', (v) => [np.floorDivide(v, 7), np.mod(v, -3)], np.arange(-50, 51));
  t.end();
});

t.test('operations on broadcasts are done once', (t) => {
  const scaled = (x: NDArray, s: NDArray) => x.mul(np.broadcastTo(s, [5]).mul(2).add(1).neg());
  agree(t, 'a factor', scaled, numbers([5]), np.array(0.3));
  t.notMatch(jit(scaled).lower(numbers([5]), np.array(0.3)).code, /f32x4.add/, 'on vectors only the product');
  const positions = (s: NDArray) => np.broadcastTo(s, [5]).add(np.arange(5));
  agree(t, 'positions are no broadcast', positions, np.array(0.3));
  t.end();
});

t.test('transposed arrays go through registers in tiles', (t) => {
  for (const dtype of ['float32', 'float64', 'int32', 'uint32', 'bool'] as const)
    for (const shape of [
      [4, 4],
      [5, 7],
      [3, 40],
      [40, 3],
      [16, 16],
      [17, 33],
      [67, 70],
      [2, 9, 21],
      [21, 9, 6],
    ]) {
      const x = np
        .arange(sizeOf(shape))
        .reshape(shape)
        .astype(dtype === 'bool' ? 'int32' : dtype);
      const y = dtype === 'bool' ? x.mod(3).eq(0) : x;
      const turn = (v: NDArray): NDArray => np.swapaxes(v, -1, -2);
      agree(t, `${dtype}[${shape}]`, turn, y);
      agree(t, `${dtype}[${shape}], all axes`, (v) => np.transpose(v), y);
      if (dtype === 'bool') continue;
      agree(
        t,
        `${dtype}[${shape}] with rows, columns, numbers and places`,
        (v) => {
          const z = turn(v);
          const row = np.sum(v, { axis: -1 });
          const n = z.shape.at(-2)!;
          return [
            z
              .mul(2)
              .add(np.expandDims(row, -2))
              .add(np.arange(n).reshape([n, 1]).astype(v.dtype)),
            np.take(z, np.array([1, 0, 2, 1, 3], { dtype: 'int32' }), { axis: -2 }).add(1),
            z.add(np.flip(turn(v), { axis: -1 })).add(v.slice('...', [0, 1], [0, 1])),
          ];
        },
        y,
      );
    }
  agree(t, 'long: in parts', (v) => [v.T, v.slice([], [null, null, -1]).T.add(1)], numbers([210, 339]));
  agree(t, 'short rows, many of them', (v) => v.T, numbers([5, 30000]));
  agree(t, 'and the other way', (v) => v.T, numbers([30000, 5]));
  agree(t, 'a square one', (v) => v.T.mul(v), numbers([256, 256]));
  t.end();
});

t.test('values over the same elements share a kernel', (t) => {
  const adam = (p: NDArray, g: NDArray, m: NDArray, v: NDArray) => {
    const [m2, v2] = [m.mul(0.9).add(g.mul(0.1)), v.mul(0.999).add(g.mul(g).mul(0.001))];
    return [p.sub(m2.div(np.sqrt(v2).add(1e-8)).mul(0.01)), m2, v2];
  };
  for (const n of [1, 3, 4, 5, 17, 1000, 40001]) {
    const x = numbers([n]);
    agree(t, `Adam, ${n} parameters`, adam, x, x.mul(0.5), x.mul(0.25), x.mul(x));
    agree(t, `value and derivative, ${n}`, (a) => [np.sin(a).mul(a), np.cos(a).mul(a).add(np.sin(a))], x);
    agree(t, `moments of ${n}`, (a) => [np.mean(a), np.mean(a.mul(a)), np.max(a), np.any(a.gt(3.9))], x);
  }
  const x = np.ones([1000, 100]);
  t.same(kernelsOf(adam, x, x, x, x), ['k0'], 'Adam');
  t.same(
    kernelsOf((a) => [np.sum(a), np.sum(a.mul(a)), np.max(a)], x),
    ['k0'],
    'three folds',
  );
  t.same(
    kernelsOf((a) => [a.mul(2), np.sum(a, { axis: 0 })], x),
    ['k0'],
    'a value and a fold of the operand',
  );
  t.equal(kernelsOf((a) => [np.sum(a, { axis: 0 }), np.sum(a, { axis: 1 })], x).length, 2, 'folds over other axes');
  t.equal(
    kernelsOf((a) => np.matmul(a.mul(2), a.add(1).T).mul(3), np.ones([32, 32])).length >= 2,
    true,
    'around a product',
  );
  agree(
    t,
    'a value that needs a value of the group through another kernel',
    (a) => {
      const y = a.add(1);
      const z = np.matmul(y, y.T);
      return [y.mul(2), y.mul(np.sum(z)), z.sub(y.slice([], [0, 1]))];
    },
    numbers([6, 6]),
  );
  agree(
    t,
    'two groups that would wait for each other',
    (a, b) => {
      const [p, q] = [a.mul(2), b.mul(3)];
      const [r, s] = [p.add(np.sum(q)), q.add(np.sum(p))];
      return [r.mul(s.reshape([4, 6])), s.sub(r.reshape([6, 4]))];
    },
    numbers([4, 6]),
    numbers([6, 4]),
  );
  agree(
    t,
    'rank-0 values between folds',
    (a) => {
      const m = np.mean(a);
      const s = np.sqrt(np.mean(a.mul(a)).sub(m.mul(m)));
      return [a.sub(m).div(s), s, m.add(s)];
    },
    numbers([70, 600]),
  );
  t.end();
});

t.test('what is computed anew from positions finds them where they were', (t) => {
  const x = np.array([3, 1, 2, 5, 4, 0, 7, 6]);
  const y = np.arange(10, 90, 10, { dtype: 'float32' });
  const positions = (): NDArray => lax.iota('int32', 8);
  // Sorting puts positions into memory. The first kernel that computes a mask of them must leave them there for the second.
  const f = (x: NDArray, y: NDArray): NDArray[] => {
    const order = np.argsort(x);
    const mask = positions().lt(3);
    const z = y.astype('int32');
    const first = np.where(mask, z, z.mul(2));
    const sums = np.cumsum(z);
    return [order, first, np.where(mask, sums, sums.neg())];
  };
  agree(t, 'a mask', f, x, y);
  const g = (x: NDArray, y: NDArray): NDArray[] => {
    const order = np.argsort(x);
    const mask = positions().mul(2).add(1).lt(7);
    const z = y.astype('int32');
    const sums = np.cumsum(np.where(mask, z, z.add(order)));
    const more = np.cumsum(np.where(mask, sums, sums.neg()));
    return [order, more, np.where(mask, more, np.cumsum(more.sub(z)))];
  };
  agree(t, 'a mask of several operations', g, x, y);
  t.end();
});

t.test('a program is compiled once', async (t) => {
  const { compileStats } = await import('../jit/compile.ts');
  const run = (): number => {
    const f = jit((x: NDArray) => x.mul(3).sub(1.25).sum());
    return f(np.array([1, 2, 3, 4, 5])).item();
  };
  const first = run();
  const before = compileStats().compiled;
  t.equal(run(), first);
  t.equal(compileStats().compiled, before, 'an equal function is not compiled again');
  t.end();
});

t.test('loops', (t) => {
  const v = numbers([7]);
  const m = numbers([4, 7]);
  const s = np.array(0.5);
  agree(
    t,
    'a carry of two arrays that change places',
    (x) => lax.foriLoop(0, 5, (_i, [a, b]: any) => [b, a.add(b)], [x, x.mul(2)]),
    v,
  );
  agree(
    t,
    'scalars that change places',
    (x) => lax.foriLoop(0, 5, (_i, [a, b, c]: any) => [b, c, a.add(b)], [x, x.mul(2), x.mul(3)]),
    s,
  );
  agree(
    t,
    'a carry that does not change',
    (x, y) => lax.foriLoop(0, 3, (i, [a, b]: any) => [a, b.add(a).add(i)], [x, y]),
    v,
    v,
  );
  agree(
    t,
    'scan over rows and columns',
    (x) => [
      lax.scan((c: any, r: any) => [c.add(r), c.mul(r)], np.zeros([7]), x),
      lax.scan((c: any, r: any) => [c.add(r), c.mul(r)], np.zeros([4]), x.T),
    ],
    m,
  );
  agree(
    t,
    'scan backwards, passing rows through',
    (x) => lax.scan((c: any, r: any) => [r, [c, r, np.sum(r)]], np.zeros([7]), x, { reverse: true }),
    m,
  );
  agree(t, 'scan over nothing', (x) => lax.scan((c: any, _r: any) => [c.add(1), c], x, np.zeros([0, 2])), v);
  agree(
    t,
    'a loop inside a loop',
    (x) =>
      lax.foriLoop(
        0,
        3,
        (_i, a: any) =>
          lax.whileLoop(
            (b: any) => np.sum(b).lt(100),
            (b: any) => b.mul(b).add(1),
            a,
          ),
        x,
      ),
    v,
  );
  agree(
    t,
    'branches in a loop',
    (x) =>
      lax.foriLoop(
        0,
        6,
        (i: any, a: any) => lax.switch(i, [(b: any) => b.add(1), (b: any) => b.mul(2), (b: any) => b], a),
        x,
      ),
    v,
  );
  agree(
    t,
    'both results of a branch from one value',
    (x) =>
      lax.cond(
        np.sum(x).gt(0),
        (a: any) => [a, a],
        (a: any) => [a.neg(), a],
        x,
      ),
    v,
  );
  agree(
    t,
    'gradient through a scan',
    grad((x: NDArray) => np.sum(lax.scan((c: any, r: any) => [c.mul(r).add(1), c], np.ones([7]), x)[0])) as any,
    m,
  );
  agree(
    t,
    'lanes of a while loop',
    vmap((x: NDArray) =>
      lax.whileLoop(
        (b: any) => b.lt(100),
        (b: any) => b.mul(2).add(3),
        x,
      ),
    ) as any,
    np.abs(v),
  );
  t.end();
});

t.test('loops that each element runs alone are one kernel', (t) => {
  const newton = (root: number) => (c: NDArray) =>
    lax.foriLoop(0, 6, (_i, x: any) => x.sub(x.mul(x).sub(c).div(x.mul(2))), np.full([], root, { dtype: c.dtype }));
  const whileAbove = (x: NDArray) =>
    lax.whileLoop(
      ([v]: any) => v.gt(1),
      ([v, n]: any) => [v.mul(0.5), n.add(1)],
      [x, np.array(0, { dtype: 'int32' })],
    );
  for (const dtype of ['float32', 'float64'] as const)
    for (const n of dtype === 'float32' ? [1, 3, 4, 5, 17, 35, 1000, 33001] : [1, 3, 5, 35]) {
      const x = np.abs(numbers([n], dtype)).add(1);
      agree(t, `${dtype}: Newton's method, ${n} lanes`, vmap(newton(3)) as any, x);
      agree(t, `${dtype}: each lane its own number of halvings, ${n} lanes`, vmap(whileAbove) as any, x.mul(x));
    }
  t.same(kernelsOf(vmap(newton(3)) as any, np.ones([1000])), ['k0']);
  t.same(kernelsOf(vmap(whileAbove) as any, np.ones([1000])), ['k0'], 'with the first flags in it');
  agree(t, 'no lanes', vmap(newton(3)) as any, np.ones([0]));
  agree(
    t,
    'a counter beside the lanes, dynamic bounds, carries that change places',
    (x, n) => [
      lax.foriLoop(0, 5, (i: any, a: any) => a.mul(2).add(i), x),
      lax.foriLoop(0, n, (i: any, [a, b]: any) => [b, a.add(i)], [x, x.mul(3)]),
    ],
    numbers([3, 7]),
    np.array(4, { dtype: 'int32' }),
  );
  for (const dtype of ['int32', 'uint32'] as const)
    agree(
      t,
      `${dtype}: Collatz steps`,
      vmap((x: NDArray) =>
        lax.whileLoop(
          ([v]: any) => v.gt(1),
          ([v, n]: any) => [np.where(v.mod(2).eq(0), np.floorDivide(v, 2), v.mul(3).add(1)), n.add(1)],
          [x, np.array(0, { dtype: 'int32' })],
        ),
      ) as any,
      np.arange(1, 38).astype(dtype),
    );
  agree(
    t,
    'a loop in the loop, and what does not change in it',
    (x, c) =>
      lax.foriLoop(
        0,
        3,
        (_i, a: any) => lax.foriLoop(0, 2, (_j, b: any) => b.add(a).mul(c.add(1)), a).sub(np.exp(c)),
        x,
      ),
    numbers([5, 4]),
    np.array(0.25),
  );
  agree(
    t,
    'a flag of booleans is carried',
    (x) => lax.foriLoop(0, 3, (_i, [a, m]: any) => [np.where(m, a.add(1), a.mul(2)), np.logicalNot(m)], [x, x.gt(0)]),
    numbers([9]),
  );
  agree(
    t,
    'a body that reshapes a view of what it captures',
    (x: NDArray) => {
      const part = (): NDArray =>
        lax.reshape(lax.slice(lax.reshape(lax.broadcastInDim(x, [4, 2, 2], [1, 2]), [16]), [0], [4]), [2, 2]);
      return lax.foriLoop(0, 3, (_: unknown, c: NDArray) => c.mul(0.5).add(part()), x);
    },
    np.array([
      [1, 2],
      [3, 4],
    ]),
  );
  // A lane that is done goes on changing here: all lanes have to run equally long.
  agree(
    t,
    'lanes that are not frozen',
    (x) =>
      lax.whileLoop(
        ([, go]: any) => np.any(go),
        ([v, go]: any) => [v.add(1), np.logicalAnd(go, v.lt(5))],
        [x, x.lt(5)],
      ),
    numbers([9]),
  );
  agree(
    t,
    'a carry that only the loop reads in rows',
    (x) => lax.foriLoop(0, 3, (_i, a: any) => a.add(a.slice([0, 1])), x),
    numbers([3, 5]),
  );
  t.end();
});
