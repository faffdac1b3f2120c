/** Reading and writing at computed positions, compiled together with what is computed around it. */
import t from 'tap';
import { Cell } from '../jit/heap.ts';
import { interpret } from '../jit/interpret.ts';
import { execute } from '../jit/run.ts';
import type { DType } from '../src/core/dtype.ts';
import { sizeOf } from '../src/core/shape.ts';
import { jit, lax, makeJaxpr, type NDArray, nn, np, vmap } from '../src/index.ts';

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

t.test('what is gathered from is computed at the elements that are read', (t) => {
  const [x, i] = [values([1000]), positions([10], 1000)];
  const few = (x: NDArray, i: NDArray): NDArray => np.take(x.mul(2).add(1), i);
  t.same(lowered(few, x, i), { kernels: ['k0'], peakBytes: 0 });
  t.same(differences(few, x, i), []);
  t.ok(lowered(few, x, positions([3000], 1000)).peakBytes >= 4000, 'but not again and again');
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
