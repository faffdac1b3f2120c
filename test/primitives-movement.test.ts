import t from 'tap';
import { shapedArray } from '../src/core/aval.ts';
import type { DType } from '../src/core/dtype.ts';
import type { Value } from '../src/core/trace.ts';
import { grad, NDArray, vmap } from '../src/index.ts';
import { jit, makeJaxpr } from '../src/jit.ts';
import { mul } from '../src/lax/arithmetic.ts';
import { batchMatmul, dot, dotGeneral, dotGeneralP } from '../src/lax/dot.ts';
import { gather, gatherP } from '../src/lax/gather.ts';
import { type Index, indexArray, indexUpdate } from '../src/lax/indexing.ts';
import { partitionP } from '../src/lax/partition.ts';
import { sum } from '../src/lax/reductions.ts';
import {
  type ScatterOp,
  scatter,
  scatterAdd,
  scatterMax,
  scatterMin,
  scatterMul,
  scatterP,
} from '../src/lax/scatter.ts';
import {
  concatenate,
  concatenateP,
  dynamicIndexInDim,
  dynamicSlice,
  dynamicSliceP,
  dynamicUpdateIndexInDim,
  dynamicUpdateSlice,
  dynamicUpdateSliceP,
  expandDims,
  indexInDim,
  pad,
  padP,
  reverse,
  reverseP,
  slice,
  sliceInDim,
  sliceP,
  squeeze,
} from '../src/lax/slicing.ts';
import { checkBatches, checkDerivatives, checkKernel, checkSecondDerivatives, host } from './check-primitive.ts';
import { fixtures, matches, matchesLinear, thaw } from './primitive-fixtures.ts';

process.env.COTANGENT_CACHE = 'off';

const array = (data: readonly number[], shape: readonly number[] = [data.length], dtype: DType = 'float32'): NDArray =>
  NDArray.fromHost(
    dtype === 'int32' ? Int32Array.from(data) : dtype === 'float64' ? Float64Array.from(data) : Float32Array.from(data),
    shapedArray(shape, dtype),
  );
const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const values = (x: Value) => [...host(x)];

const primitives = [
  sliceP,
  reverseP,
  concatenateP,
  padP,
  partitionP,
  dynamicSliceP,
  dynamicUpdateSliceP,
  gatherP,
  dotGeneralP,
  ...Object.values(scatterP),
];
for (const p of primitives) {
  // Sums come in another order from lane to lane and in compiled code.
  const tolerance = /dot|add|mul/.test(p.name) ? 1e-13 : 0;
  t.test(`${p.name}: compiled, derivatives, batches`, async (t) => {
    if (p.lower.kind === 'kernel' || p.lower.kind === 'runtime') t.same(checkKernel(p, tolerance), []);
    t.same(checkDerivatives(p), []);
    t.same(checkSecondDerivatives(p), []);
    t.same(checkBatches(p, tolerance), []);
  });
}

t.test('slices', async (t) => {
  const x = array(range(12), [3, 4]);
  t.same(values(slice(x, [0, 1], [3, 4], [2, 2])), [1, 3, 9, 11]);
  t.same(values(sliceInDim(x, -2, null, 1, 1)), [2, 3, 6, 7, 10, 11]);
  t.same(values(indexInDim(x, -1, 0, false)), [8, 9, 10, 11]);
  t.same(values(reverse(x, [-1])), [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8]);
  t.same(squeeze(expandDims(x, [0, -1]), [0, 3]).shape, [3, 4]);
  t.same(values(concatenate([array([1, 2]), array([3])])), [1, 2, 3]);
  t.equal(concatenate([array([1]), array([1], [1], 'float64')]).dtype, 'float64');
  t.same(values(dynamicSlice(x, [array([1], [], 'int32'), 9], [1, 2])), [6, 7]);
  t.same(values(dynamicSlice(x, array([-1, 0], [2], 'int32'), [1, 2])), [8, 9], 'negative starts count from the end');
  t.same(values(dynamicIndexInDim(x, array([7], [], 'int32'), 0, false)), [8, 9, 10, 11], 'clamped');
  t.same(values(dynamicUpdateIndexInDim(array([1, 2, 3]), 9, array([1], [], 'int32'))), [1, 9, 3]);
  t.same(values(dynamicUpdateSlice(array([1, 2, 3]), array([8, 9]), [5])), [1, 8, 9]);
});

t.test('dot', async (t) => {
  const a = array(range(6), [2, 3]);
  t.same(values(dot(a, array([1, 2, 3]))), [8, 26]);
  t.same(values(dot(a, array(range(6), [3, 2]))), [10, 13, 28, 40]);
  t.same(batchMatmul(array(range(12), [2, 2, 3]), array(range(6), [2, 3, 1])).shape, [2, 2, 1]);
  const bools = convertTo('bool', [1, 0, 0]);
  t.same(dotGeneral(bools, bools, { lhsContract: [0], rhsContract: [0] }).dtype, 'bool');
  const large = array([65536, 65537], [2], 'int32');
  t.same(values(dotGeneral(large, large, { lhsContract: [0], rhsContract: [0] })), [131073], 'integers wrap');

  const eqnsOf = (inAxes: (number | null)[], ...args: Value[]) =>
    String(makeJaxpr(vmap((x: Value, y: Value) => dot(x, y), { inAxes } as any) as any)(...(args as any)));
  t.match(eqnsOf([0, null], array(range(6), [2, 3]), array(range(12), [3, 4])), /dot_general/);
  t.notMatch(eqnsOf([null, 0], array(range(6), [2, 3]), array(range(12), [4, 3])), /transpose/, 'lanes are rows');
});
const convertTo = (dtype: 'bool', data: number[]) =>
  NDArray.fromHost(Uint8Array.from(data), shapedArray([data.length], dtype));

t.test('gather as JAX', async (t) => {
  fixtures.gather.forEach((fixture: any, i: number) => {
    const indices = thaw(fixture.indices);
    matchesLinear(t, (x) => [gather(x, indices, fixture.options)], fixture, `gather ${i}`);
  });
});

t.test('scatter as JAX', async (t) => {
  const functions = { set: scatter, add: scatterAdd, mul: scatterMul, min: scatterMin, max: scatterMax };
  fixtures.scatter.forEach((fixture: any, i: number) => {
    const indices = thaw(fixture.indices);
    const f = functions[fixture.op as ScatterOp];
    matchesLinear(t, (x, u) => [f(x, indices, u, fixture.options)], fixture, `scatter ${fixture.op} ${i}`);
  });
});

t.test('the product of repeated factors is differentiated even where they are 0', async (t) => {
  const indices = array([0, 0, 1], [3, 1], 'int32');
  const options = { updateWindowDims: [], insertedWindowDims: [0], scatterDimsToOperandDims: [0] };
  const product = (x: Value, u: Value) => sum(scatterMul(x, indices, u, options));
  const point = [array([2, 3], [2], 'float64'), array([0, 5, 0], [3], 'float64')] as const;
  const [dx, du] = grad(product, { argnums: [0, 1] })(...point) as unknown as [Value, Value];
  t.same(values(dx), [0, 0]);
  t.same(values(du), [10, 0, 3]);
});

t.test('pad as JAX', async (t) => {
  fixtures.pad.forEach((fixture: any, i: number) => {
    matchesLinear(t, (x, v) => [pad(x, v, fixture.config)], fixture, `pad ${i}`);
  });
});

t.test('indexing as NumPy', async (t) => {
  const decode = (entry: any): Index =>
    entry !== null && typeof entry === 'object' && 'array' in entry ? thaw(entry.array) : entry;
  const x = thaw(fixtures.indexing.x);
  for (const { index, part, values: updates, ...results } of fixtures.indexing.cases) {
    const entries: Index[] = index.map(decode);
    const name = JSON.stringify(index.map((e: any) => e?.array?.data ?? e));
    matches(t, indexArray(x, entries), part, name);
    for (const op of ['set', 'add', 'mul', 'min', 'max'] as const) {
      matches(t, indexUpdate(x, entries, thaw(updates), op), results[op], `${name} ${op}`);
    }
    // The same with every array traced, and its derivative: a part's gradient is 1 where it was read.
    const arrays = entries.filter((e): e is NDArray => e instanceof NDArray);
    const traced = jit((y: Value, ...given: Value[]) => {
      let next = 0;
      return indexArray(
        y,
        entries.map((e) => (e instanceof NDArray ? given[next++]! : e)),
      );
    });
    matches(t, (traced as any)(x, ...arrays), part, `${name} traced`);
    const ones = indexUpdate(mul(x, 0), entries, 1, 'add');
    const g = grad((y: Value) => sum(indexArray(y, entries)))(x) as unknown as Value;
    t.same(values(g), values(ones), `${name} gradient`);
  }
});

t.test('indexing outside, by masks and by lanes', async (t) => {
  const x = array([1, 2, 3]);
  const at = (...data: number[]) => array(data, [data.length], 'int32');
  t.same(values(indexArray(x, [at(5, -9)])), [3, 1], 'reading stays inside');
  t.same(values(indexUpdate(x, [at(5, 1, -9)], 7, 'set')), [1, 7, 3], 'writing outside does nothing');
  t.same(values(indexUpdate(x, [array([5], [], 'int32')], 7, 'set')), [1, 2, 3]);
  t.same(values(indexUpdate(x, [at(0, 0, 2)], 1, 'add')), [3, 2, 4], 'additions all count');
  t.same(values(indexArray(x, [convertTo('bool', [1, 0, 1])])), [1, 3]);
  t.same(values(indexUpdate(x, [convertTo('bool', [1, 0, 1])], 0, 'set')), [0, 2, 0]);
  const masked = jit((y: Value, m: Value) => indexUpdate(y, [m], 5, 'add'));
  t.same(values((masked as any)(x, convertTo('bool', [1, 0, 1]))), [6, 2, 8]);
  const picks = vmap((y: Value, i: Value) => indexArray(y, [i]), { inAxes: [null, 0] } as any) as any;
  t.same(values(picks(x, at(2, 0))), [3, 1]);
});

t.test('errors name the operation and the types', async (t) => {
  const x = array(range(12), [3, 4]);
  const message = (f: () => unknown) => {
    try {
      f();
    } catch (error) {
      return (error as Error).message;
    }
    return 'no error';
  };
  for (const [f, text] of [
    [
      () => dotGeneral(x, x, { lhsContract: [1], rhsContract: [0] }),
      'dotGeneral: contracted axes 1 of f32[3,4] and 0 of f32[3,4] have lengths 4 and 3.',
    ],
    [
      () => dotGeneral(x, x, { lhsContract: [2], rhsContract: [0] }),
      'dotGeneral: axes [2] and [0] are not valid for f32[3,4] and f32[3,4].',
    ],
    [() => dot(x, x), 'dot: f32[3,4] and f32[3,4] cannot be multiplied.'],
    [() => slice(x, [0, 2], [4, 4]), 'slice: starts [0,2], limits [4,4] and strides [1,1] do not fit f32[3,4].'],
    [() => reverse(x, [2]), 'reverse: axis 2 is out of range for f32[3,4].'],
    [() => squeeze(x, [0]), 'squeeze: axis 0 of f32[3,4] is not of length 1.'],
    [() => concatenate([x, array([1])]), 'concatenate: f32[3,4], f32[1] differ on an axis other than 0.'],
    [() => concatenate([x], 2), 'concatenate: axis 2 is out of range for f32[3,4].'],
    [() => pad(x, 0, [[0, 0, 0]]), 'pad: padding [[0,0,0]] does not fit f32[3,4].'],
    [() => dynamicSlice(x, [0, 0], [4, 4]), 'dynamicSlice: a slice of shape [4,4] does not fit in f32[3,4].'],
    [
      () => dynamicSlice(x, [0.5, 0], [1, 1]),
      'dynamicSlice: start indices must be integer scalars, but number 0 is f64[].',
    ],
    [() => indexArray(x, [3]), 'slice: position 3 is out of range for axis 0 of f32[3,4].'],
    [() => indexArray(x, [0, 0, 0]), 'slice: 3 positions are too many for f32[3,4], which has 2 axes.'],
    [
      () => indexUpdate(x, [0], array([1, 2]), 'set'),
      'at(…).set: values f32[2] do not fit the part f32[4] of f32[3,4].',
    ],
    [
      () => indexArray(x, [array([0.5])]),
      'slice: an index array must hold integers, but axis 0 of f32[3,4] got f32[1].',
    ],
  ] as const) {
    t.equal(message(f).split('\n')[0], text);
  }
});
