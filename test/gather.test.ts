/** Reading and writing at computed positions, compiled together with what is computed around it. */
import t from 'tap';
import { Cell } from '../jit/heap.ts';
import { interpret } from '../jit/interpret.ts';
import { execute } from '../jit/run.ts';
import type { DType } from '../src/core/dtype.ts';
import { sizeOf } from '../src/core/shape.ts';
import { grad, jit, lax, makeJaxpr, type NDArray, nn, np, vmap } from '../src/index.ts';

type F = (...args: any[]) => any;

/** Compiled results that differ from the reference semantics in a bit. */
function differences(f: F, ...args: NDArray[]): string[] {
  const { jaxpr, consts } = makeJaxpr(f)(...args);
  const values = [...consts, ...args];
  const want = interpret(
    jaxpr,
    values.map((x) => ({ aval: x.aval, data: x.hostData() })),
  );
  const got = execute(
    jaxpr,
    values.map((x) => Cell.fromHost(x.aval.dtype, x.hostData().slice())),
    (cells) => cells,
  ).map((cell) => cell.copyOut());
  return want.flatMap((data, i) => {
    const at = Array.from(data).findIndex((x, j) => !Object.is(x, got[i]![j]));
    return at < 0 && data.length === got[i]!.length ? [] : [`output ${i}[${at}]: ${got[i]![at]}, not ${data[at]}`];
  });
}

const lowered = (f: F, ...args: NDArray[]) => {
  const { kernels, peakBytes } = jit(f).lower(...args);
  return { kernels: kernels.filter((name) => /^k\d+$/.test(name)), peakBytes };
};

const dtypes: readonly DType[] = ['float32', 'float64', 'int32', 'uint32', 'bool'];
const values = (shape: readonly number[], dtype: DType = 'float32'): NDArray => {
  const data = Array.from({ length: sizeOf(shape) }, (_, i) => ((i * 37) % 101) - (dtype === 'uint32' ? 0 : 50));
  return np.array(dtype === 'bool' ? data.map((x) => x % 3 === 0) : data, { dtype }).reshape([...shape]);
};
/** Numbers around [0, n), some of them outside and some more than once. */
const positions = (shape: readonly number[], n: number): NDArray =>
  np
    .array(
      Array.from({ length: sizeOf(shape) }, (_, i) => ((i * 7 + 3) % (n + 5)) - 2),
      { dtype: 'int32' },
    )
    .reshape([...shape]);
/** An operation that has bits of its own in every dtype. */
const changed = (x: NDArray): NDArray => (x.dtype === 'bool' ? np.logicalNot(x) : x.mul(3).add(1));

const modes = ['clip', 'fill', 'promise_in_bounds'] as const;

t.test('elements at computed positions, with what is computed around them', (t) => {
  for (const dtype of dtypes)
    for (const mode of modes)
      for (const n of [0, 1, 3, 4, 5, 17, 66]) {
        const options = { offsetDims: [], collapsedSliceDims: [0], startIndexMap: [0], sliceSizes: [1], mode };
        t.same(
          differences(
            (x, i) => changed(lax.gather(changed(x), np.expandDims(i.add(1), -1), options) as NDArray),
            values([11], dtype),
            positions([n], 11),
          ),
          [],
          `${n} of ${dtype}[11], ${mode}`,
        );
      }
  t.end();
});

t.test('rows and columns at computed positions', (t) => {
  for (const dtype of dtypes)
    for (const width of [1, 2, 3, 4, 7, 32])
      for (const n of [1, 5, 8]) {
        const [x, i] = [values([6, width], dtype), positions([n], 6)];
        const rows = (x: NDArray, i: NDArray): NDArray => changed(np.take(x, i.add(1), { axis: 0 }));
        const columns = (x: NDArray, i: NDArray): NDArray => changed(np.take(x.T, i.add(1), { axis: 1 }));
        const turned = (x: NDArray, i: NDArray): NDArray => np.take(changed(x), i, { axis: 0 }).T;
        for (const f of [rows, columns, turned])
          t.same(differences(f, x, i), [], `${n} of ${dtype}[6,${width}], ${f.name}`);
        const { kernels, peakBytes } = lowered(rows, x, i);
        t.same([kernels, peakBytes], [['k0'], 0], 'no indices and no rows in memory');
      }
  t.end();
});

t.test('windows, batches and several positions for each element', (t) => {
  const x = values([4, 6, 5]);
  const [i, j] = [positions([3, 7], 4), positions([3, 7], 6)];
  const pairs = (x: NDArray, i: NDArray, j: NDArray): NDArray => changed(x.slice(i.add(1), j));
  t.same(differences(pairs, x, i, j), [], 'pairs of positions');
  t.same(differences(pairs, x, i, positions([7], 6)), [], 'broadcast against each other');
  t.same(lowered(pairs, x, i, j), { kernels: ['k0'], peakBytes: 0 }, 'which are not put together in memory');
  const along = (x: NDArray, i: NDArray): NDArray => changed(np.takeAlongAxis(x, i, { axis: 1 }));
  t.same(differences(along, x, positions([4, 3, 5], 6)), [], 'along an axis');
  const lanes = vmap((x: NDArray, i: NDArray) => np.take(x, i, { axis: 0 }).mul(2)) as F;
  t.same(differences(lanes, x, positions([4, 9], 6)), [], 'lanes with positions of their own');
  const windows = (x: NDArray, i: NDArray): NDArray =>
    changed(
      lax.gather(x, i, {
        offsetDims: [1, 2, 3],
        startIndexMap: [1, 2],
        sliceSizes: [4, 2, 3],
        mode: 'fill',
      }) as NDArray,
    );
  t.same(differences(windows, x, positions([5, 2], 6)), [], 'windows that may not fit');
  const slices = vmap((x: NDArray, i: NDArray) => lax.dynamicSlice(x, [i, 1], [2, 3])) as F;
  t.same(
    differences((x, i) => changed(slices(x, i)), x, positions([4], 6)),
    [],
    'dynamic slices of lanes',
  );
  for (const at of [-9, 0, 2, 9])
    t.same(
      differences(
        (x, i) => [changed(lax.dynamicSlice(x.mul(2), [i, 1, i], [2, 3, 3]) as NDArray), x.slice(i, 0, i).add(1)],
        x,
        np.array(at, { dtype: 'int32' }),
      ),
      [],
      `a dynamic slice at ${at}`,
    );
  const corner = (x: NDArray, i: NDArray): NDArray =>
    lax
      .gather(x, i.add(1), { offsetDims: [0, 1], startIndexMap: [0, 1], sliceSizes: [1, 2], mode: 'clip' })
      .mul(2) as NDArray;
  t.same(differences(corner, values([4, 6]), positions([2], 4)), [], 'as many positions as elements, and not one each');
  t.same(
    differences((x, i) => np.take(np.take(x, i), i.add(1)).mul(2), values([9]), positions([6], 9)),
    [],
    'from what was gathered',
  );
  t.same(
    differences((i) => np.take(np.arange(9).mul(2), i), positions([6], 9)),
    [],
    'from numbers that count',
  );
  t.same(
    differences((x, i) => np.take(x, np.add(x, i).astype('int32')), values([9]), positions([9], 9)),
    [],
  );
  t.end();
});

t.test('gathered values are folded, and folds are gathered from', (t) => {
  const x = values([9, 6]);
  const labels = positions([9], 6);
  const sum = (x: NDArray, i: NDArray): NDArray => np.sum(x.slice(np.arange(9).astype('int32'), i).mul(2));
  t.same(differences(sum, x, labels), []);
  t.same(lowered(sum, x, labels).kernels, ['k0'], 'in one kernel');
  const row = (x: NDArray, i: NDArray): NDArray => np.take(np.max(x, { axis: 1 }), i).sub(np.max(x, { axis: 1 }));
  t.same(differences(row, x, positions([9], 9)), [], 'from results of a fold');
  const folded = (x: NDArray, i: NDArray): NDArray => np.max(np.take(x, i, { axis: 0 }).mul(2), { axis: 0 });
  t.same(differences(folded, x, positions([30], 9)), [], 'rows of a table, their maximum');
  t.same(lowered(folded, x, positions([30], 9)).kernels, ['k0']);
  t.same(
    differences((x) => [x.slice(np.argmax(x, { axis: 1 }), 0), nn.relu(x)], x),
    [],
    'at positions that are found',
  );
  t.end();
});

t.test('products beside gathers and scatters', (t) => {
  const [a, v] = [np.mod(values([40, 6]), 5), np.mod(values([6]), 4)];
  const [i, w] = [positions([40], 6), np.mod(values([40]), 3)];
  const behind = (a: NDArray, v: NDArray, i: NDArray): NDArray => np.matmul(a, v).add(np.take(v, i)).mul(2);
  t.same(differences(behind, a, v, i), [], 'looked up behind a product');
  const into = (a: NDArray, v: NDArray, i: NDArray): NDArray => v.mul(2).at(i).add(np.matmul(a, v).add(1));
  t.same(differences(into, a, v, i), [], 'products as updates');
  const step = (a: NDArray, v: NDArray, i: NDArray): NDArray => {
    const w = v.at(i).set(1);
    return w.sub(np.matmul(a.T, np.matmul(a, w).sub(np.take(w, i))));
  };
  t.same(differences(step, a, v, i), [], 'a residual and its gradient');
  const loop = (a: NDArray, v: NDArray, w: NDArray): any =>
    lax.foriLoop(
      0,
      4,
      (k: any, [x, y]: any) => {
        const p = np.matmul(a, x);
        const z = x.at(k).set(y.slice(k));
        return [z.at(k.add(1)).add(np.sum(p)), np.mod(p.add(y).add(np.matmul(a, z)), 7)];
      },
      [v, w],
    );
  t.same(differences(loop, a, v, w), [], 'of what a loop writes into');
  t.end();
});

t.test('what is gathered from is computed at the elements that are read', (t) => {
  const [x, i] = [values([1000]), positions([10], 1000)];
  const few = (x: NDArray, i: NDArray): NDArray => np.take(x.mul(2).add(1), i);
  t.same(lowered(few, x, i), { kernels: ['k0'], peakBytes: 0 });
  t.same(differences(few, x, i), []);
  t.ok(lowered(few, x, positions([3000], 1000)).peakBytes >= 4000, 'but not again and again');
  const both = (x: NDArray, i: NDArray): NDArray[] => {
    const y = x.mul(2).add(x.slice(i.slice(0)));
    return [y, np.take(y, i).mul(3), np.take(np.maximum(y, x), i.add(5), { axis: 0 })];
  };
  t.same(differences(both, x, i), [], 'beside the whole array');
  const loss = (x: NDArray, labels: NDArray): NDArray =>
    np.mean(nn.logSoftmax(x, { axis: -1 }).slice(np.arange(64).astype('int32'), labels));
  const { kernels, peakBytes } = lowered(loss, values([64, 100]), positions([64], 100));
  t.same(
    [kernels, peakBytes < 64 * 100],
    [['k0', 'k1'], true],
    'the loss of a classifier holds rows, not their elements',
  );
  t.end();
});

t.test('in loops', (t) => {
  t.same(
    differences(
      (x) =>
        lax.foriLoop(
          0,
          7,
          (i: any, c: any) =>
            c.add(lax.dynamicIndexInDim(x, i, 0, false)).mul(np.take(c, np.array([2, 0, 1, 2], { dtype: 'int32' }))),
          np.ones([4]),
        ),
      values([7, 4]).mul(0.125),
    ),
    [],
  );
  t.end();
});

const operations = ['scatter', 'scatterAdd', 'scatterMul', 'scatterMin', 'scatterMax'] as const;

t.test('updates are computed where they are written', (t) => {
  for (const dtype of dtypes)
    for (const mode of modes)
      for (const operation of dtype === 'bool' ? (['scatter'] as const) : operations)
        for (const n of [0, 1, 3, 5, 18]) {
          const options = { updateWindowDims: [], insertedWindowDims: [0], scatterDimsToOperandDims: [0], mode };
          t.same(
            differences(
              (x, i, u) => changed(lax[operation](x, np.expandDims(i.add(1), -1), changed(u), options) as NDArray),
              values([7], dtype),
              positions([n], 7),
              values([n], dtype),
            ),
            [],
            `${operation} of ${n} to ${dtype}[7], ${mode}`,
          );
        }
  t.end();
});

t.test('windows of updates', (t) => {
  for (const dtype of ['float32', 'float64', 'int32', 'bool'] as const)
    for (const width of [1, 2, 3, 4, 7, 32]) {
      const [x, i] = [values([6, width], dtype), positions([9], 6)];
      const rows = (x: NDArray, i: NDArray, u: NDArray): NDArray => x.at(i).set(changed(u));
      const columns = (x: NDArray, i: NDArray, u: NDArray): NDArray => x.T.at([], i).set(changed(u).T).T;
      for (const f of [rows, columns])
        t.same(differences(f, x, i, values([9, width], dtype)), [], `${f.name} of ${dtype}, ${width} wide`);
      if (dtype === 'bool') continue;
      const sums = (x: NDArray, i: NDArray, u: NDArray): NDArray => x.at(i.add(1)).add(changed(u)).mul(2);
      t.same(differences(sums, x, i, values([9, width], dtype)), [], `sums of ${dtype}, ${width} wide`);
      t.same(lowered(sums, x, i, values([9, width], dtype)).kernels.length, 2);
    }
  const overlapping = (x: NDArray, i: NDArray, u: NDArray): NDArray =>
    lax.scatter(x, i, u, { updateWindowDims: [0, 1], scatterDimsToOperandDims: [0, 1], mode: 'clip' }) as NDArray;
  t.same(
    differences(overlapping, values([5, 6]), positions([8, 2], 4), values([2, 3, 8])),
    [],
    'windows over each other, in order',
  );
  const pairs = (x: NDArray, i: NDArray, j: NDArray, u: NDArray): NDArray => x.at(i.add(1), j).add(u.mul(2));
  const [i, j] = [positions([20], 5), positions([20], 6)];
  t.same(differences(pairs, values([5, 6]), i, j, values([20])), [], 'pairs of positions');
  t.same(lowered(pairs, values([5, 6]), i, j, values([20])).kernels, ['k0']);
  const lanes = vmap((x: NDArray, i: NDArray, u: NDArray) => x.at(i).add(u.mul(u))) as F;
  t.same(differences(lanes, values([5, 6]), positions([5, 9], 6), values([5, 9])), [], 'lanes');
  for (const at of [-9, 0, 2, 9])
    t.same(
      differences(
        (x, u, i) => lax.dynamicUpdateSlice(x, u.mul(2), [i, 1]) as NDArray,
        values([5, 6]),
        values([2, 5]),
        np.array(at, { dtype: 'int32' }),
      ),
      [],
      `a slice at ${at}`,
    );
  t.end();
});

t.test('gradients and updates of a table in one place', (t) => {
  const step = (w: NDArray, i: NDArray): NDArray => {
    const loss = (w: NDArray): NDArray => np.sum(np.take(w.mul(1), i, { axis: 0 }).mul(3));
    return w.sub(grad(loss)(w).mul(0.5)) as NDArray;
  };
  const [w, i] = [values([50, 8]), positions([30], 50)];
  t.same(differences(step, w, i), []);
  t.ok(lowered(step, w, i).peakBytes <= 64, 'the gradient is where the result goes');
  const twice = (w: NDArray, i: NDArray): NDArray => np.sum(w.mul(2).at(i).add(w.slice(i)).at(i).set(1), { axis: 0 });
  t.same(differences(twice, w, i), []);
  t.ok(lowered(twice, w, i).peakBytes < 2 * 50 * 8 * 4, 'one array for both');
  const kept = (w: NDArray, i: NDArray): NDArray[] => {
    const x = w.mul(2);
    const y = x.at(i).add(1);
    return [np.sum(x, { axis: 0 }), np.sum(y.at(i).mul(x.slice(i)), { axis: 0 }), y.T];
  };
  t.same(differences(kept, w, i), [], 'what is read later is kept');
  const inPlace = (a: NDArray, b: NDArray): NDArray => np.matmul(np.matmul(a, b).mul(2).add(1), b).mul(a);
  t.same(differences(inPlace, values([9, 9]).mul(0.5), values([9, 9])), [], 'elementwise over a product');
  t.equal(
    lowered(inPlace, w, values([8, 8])).peakBytes,
    Math.ceil((50 * 8 * 4) / 64) * 64,
    'in the array of the product',
  );
  const converted = (x: NDArray, i: NDArray): NDArray => x.at(i).set(-1).astype('int32').add(1);
  t.same(differences(converted, values([9]), positions([4], 9)), [], 'not in the place of another dtype');
  t.end();
});

t.test('loops that write into what they carry', (t) => {
  const n = np.array(6, { dtype: 'int32' });
  const loops: Record<string, F> = {
    'a sum of all before': (x) => lax.foriLoop(1, 6, (i: any, c: any) => c.at(i).add(c.slice(i.sub(1)).mul(2)), x),
    'a dynamic number of steps': (x, n) => lax.foriLoop(0, n, (i: any, c: any) => c.at(i).set(c.slice(i).add(i)), x),
    'two writes a step, old values in between': (x) =>
      lax.foriLoop(
        0,
        6,
        (i: any, c: any) => {
          const d = c.at(i).set(c.slice(5));
          return d.at(5).add(c.slice(i).mul(0.5)).at(0).add(d.slice(i));
        },
        x,
      ),
    'arrays that change places': (x) =>
      lax.foriLoop(0, 5, (i: any, [a, b]: any) => [b.at(i).add(1), a.at(i).mul(2)], [x, x.mul(3)]),
    'the old array beside the new one': (x) =>
      lax.scan((c: any, i: any) => [c.at(i).add(1), [c, c.slice(i), c.mul(2)]], x, np.arange(6).astype('int32')),
    'one array twice': (x) =>
      lax.foriLoop(0, 5, (i: any, [a, b]: any) => [a.at(i).add(b.slice(0)), a.at(i).add(b.slice(0))], [x, x]),
    'rows of what is carried': (x) =>
      lax.scan((c: any, [i, v]: any) => [c.at(i).add(v.add(np.sum(c))), v], x.reshape([2, 3]), [
        np.array([0, 1, 1], { dtype: 'int32' }),
        x.slice([0, 3]),
      ]),
    'a loop in a loop': (x) =>
      lax.foriLoop(
        0,
        3,
        (i: any, c: any) => lax.foriLoop(0, 5, (j: any, d: any) => d.at(j).add(d.slice(i).add(c.slice(j))), c),
        x,
      ),
    'a loop that goes on while something holds': (x) =>
      lax.whileLoop(
        ([i, c]: any) => np.logicalAnd(c.slice(i).ne(50), i.lt(5)),
        ([i, c]: any) => [i.add(1), c.at(i).set(50)],
        [np.array(0, { dtype: 'int32' }), x],
      ),
  };
  for (const [name, f] of Object.entries(loops)) t.same(differences(f, values([6]), n), [], name);
  const long = values([1000]);
  const sieve = (x: NDArray) => lax.foriLoop(0, 50, (i: any, c: any) => c.at(i.mul(3)).set(c.slice(i)), x);
  t.same(differences(sieve, long), []);
  t.ok(lowered(sieve, long).peakBytes < 1000, 'without another array');
  t.end();
});

t.test('lanes that go through all steps alone', (t) => {
  const filter = (x0: NDArray, zs: NDArray): any =>
    lax.scan((h: any, z: any) => [h.mul(3).add(z), [h.sub(z), z.gt(h), h.mul(z).astype('int32')]], x0, zs);
  const gain = (x0: NDArray, zs: NDArray): any =>
    lax.scan(
      ([x, p]: any, z: any) => {
        const q = p.add(1);
        const next = x.add(q.mul(z.sub(x)));
        return [
          [next, q.mul(2)],
          [next, q],
        ];
      },
      [x0, np.ones([], { dtype: x0.dtype })],
      zs,
    );
  const back = (x0: NDArray, zs: NDArray): any =>
    lax.scan((h: any, [z, i]: any) => [h.add(z.mul(i)), h.mul(2)], x0, [zs, np.arange(zs.shape[0]!).astype(zs.dtype)], {
      reverse: true,
    });
  const last = (x0: NDArray, zs: NDArray): any => lax.scan((h: any, z: any) => [h.mul(2).sub(z), null], x0, zs)[0];
  const flags = (x0: NDArray, zs: NDArray): any =>
    lax.scan((h: any, z: any) => [np.logicalXor(h, z.gt(0)), h], x0.gt(0), zs);
  for (const dtype of ['float32', 'float64', 'int32'] as const)
    for (const n of [1, 5, 35, 300])
      for (const steps of [0, 1, 2, 7]) {
        const [x0, zs] = [values([n], dtype).mod(4), values([n, steps], dtype).mod(5)];
        for (const f of [filter, gain, back, last, flags])
          t.same(differences(vmap(f) as F, x0, zs), [], `${f.name}, ${n} lanes of ${dtype}, ${steps} steps`);
      }
  const [x0, zs] = [values([300]).mod(4), values([300, 7]).mod(5)];
  for (const f of [filter, back, last, flags])
    t.same(lowered(vmap(f) as F, x0, zs).kernels, f === back ? ['k0', 'k1'] : ['k0'], `${f.name} in one kernel`);
  t.equal(lowered(vmap(last) as F, x0, zs).peakBytes, 0, 'nothing carried in memory');
  t.equal(lowered(vmap(filter) as F, x0, zs).peakBytes, 0, 'nor stacked anywhere but in the results');
  t.same(
    differences(
      (x: NDArray, z: NDArray) => {
        const [h, [y]] = vmap(filter)(x, z) as any;
        return [h.mul(2), y, y.T.mul(2), np.sum(y, { axis: 0 }), y.slice([], [1, 3])];
      },
      x0,
      zs,
    ),
    [],
    'rows that are read in several ways',
  );
  t.same(differences(vmap(vmap(filter)) as F, values([5, 6]), values([5, 6, 4])), [], 'lanes of lanes');
  t.same(differences(vmap(filter, { inAxes: [0, null] }) as F, x0, values([6])), [], 'numbers that all lanes share');
  t.same(
    differences(vmap(filter, { inAxes: [0, 1], outAxes: [0, 1] }) as F, x0, values([7, 300])),
    [],
    'rows of lanes in a row',
  );
  const walk = vmap(
    (x: NDArray, table: NDArray): any =>
      lax.whileLoop(
        ([i, n]: any) => np.logicalAnd(i.gt(0), n.lt(40)),
        ([i, n, s]: any) => [np.take(table, i).astype('int32'), n.add(1), s.add(table.slice(i.sub(3)))],
        [x.astype('int32'), np.array(0, { dtype: 'int32' }), np.zeros([])],
      ),
    { inAxes: [0, null] },
  ) as F;
  const table = np.arange(50).astype('float32').sub(2);
  t.same(differences(walk, np.arange(37), table), [], 'positions that lanes carry');
  t.same(lowered(walk, np.arange(37), table).kernels, ['k0']);
  const own = vmap((x: NDArray, table: NDArray): any =>
    lax.whileLoop(
      ([i]: any) => i.lt(9),
      ([i, s]: any) => [i.add(2), s.add(table.slice(i)).add(np.take(table, s.astype('int32')))],
      [x.astype('int32'), np.zeros([])],
    ),
  ) as F;
  t.same(differences(own, np.arange(9), values([9, 11]).mod(7)), [], 'a table for each lane');
  t.end();
});

/** Numbers that look random, the same each time. */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % below;
  };
}

/** A random function of int32[8] arrays that reads them, computes with them and writes into them, in loops as well. */
function randomWrites(seed: number, depth: number): (arrays: NDArray[], i: NDArray) => NDArray[] {
  return (arrays, i) => {
    const next = numbersFrom(seed);
    const pick = <T>(list: readonly T[]): T => list[next(list.length)]!;
    const pool = [...arrays];
    const found = [i];
    const place = (): NDArray => pick([pick(found), i.add(next(4)), i.mul(3).add(1)]);
    let now = [...arrays];
    const steps = 2 + next(6);
    for (let step = 0; step < steps; step++) {
      const k = next(now.length);
      const made = [
        () => pick(pool).add(pick(pool)),
        () => pick(pool).mul(3),
        () => np.take(pick(pool), np.mod(pick(pool), 8)),
        () => np.flip(pick(pool), { axis: 0 }),
        () => now[k]!.at(place()).set(pick([pick(found), pick(pool).slice(place())])),
        () => now[k]!.at(np.mod(pick(pool), 8)).add(pick(pool)),
        () => lax.dynamicUpdateSlice(now[k]!, pick(pool).slice([0, 3]).add(1), [place()]) as NDArray,
        () => pick(pool),
      ];
      const kind = next(made.length + 2);
      if (kind < made.length) {
        const value = made[kind]!();
        pool.push(value);
        if (kind >= 4) now[k] = value;
      } else if (kind === made.length) found.push(pick(pool).slice(place()));
      else if (depth > 0) {
        const inner = randomWrites(seed + step + 1, depth - 1);
        now = lax.foriLoop(0, 1 + next(3), (j: any, c: any) => inner(c, j.add(i)), now as any) as any;
        pool.push(...now);
      }
    }
    return next(4) === 0 ? now.reverse() : now;
  };
}

t.test('random programs that write into what they read', (t) => {
  const [x, y] = [np.mod(np.arange(8).mul(5), 11).astype('int32'), np.mod(np.arange(8).mul(3), 7).astype('int32')];
  for (let seed = 1; seed <= 90; seed++) {
    const body = randomWrites(1000 * seed, 2);
    const loop = (x: NDArray, y: NDArray): any => {
      const init: any = seed % 2 ? [x, y] : [x.add(1), y.at(2).set(1)];
      const out: any = lax.foriLoop(0, 5, (i: any, c: any) => body(c, i), init);
      return [...out, init[0].add(out[0])];
    };
    const straight = (x: NDArray, y: NDArray): any => body([x.mul(2), y], np.array(2, { dtype: 'int32' }));
    const f = seed % 3 ? loop : straight;
    t.same(differences(f, x, y), [], `program ${seed}`);
    if (seed % 5 === 0)
      t.same(differences(vmap(f) as F, np.stack([x, y, x]), np.stack([y, y, x])), [], `lanes of program ${seed}`);
  }
  t.end();
});
