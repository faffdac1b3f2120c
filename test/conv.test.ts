/** Convolutions and pooling: against JAX, against their definitions, and under every transformation. */
import t, { type Test } from 'tap';
import { shapedArray } from '../src/core/aval.ts';
import type { DType } from '../src/core/dtype.ts';
import { bind1, type Value } from '../src/core/trace.ts';
import { grad, jit, lax, makeJaxpr, NDArray, nn, np, vmap } from '../src/index.ts';
import { convGeneralDilatedP } from '../src/lax/conv.ts';
import type { ConvOptions } from '../src/lax/conv-functions.ts';
import { slidingWindowsP } from '../src/lax/conv-patches.ts';
import type { ConvParams } from '../src/lax/conv-shape.ts';
import {
  reduceWindowArgmaxP,
  reduceWindowArgminP,
  reduceWindowMaxP,
  reduceWindowMinP,
  reduceWindowSumP,
} from '../src/lax/reduce-window.ts';
import type { ReduceWindowParams } from '../src/lax/reduce-window-shape.ts';
import {
  checkBatches,
  checkDerivatives,
  checkSecondDerivatives,
  difference,
  drawInputs,
  host,
} from './check-primitive.ts';
import { fixture } from './lib/fixture.ts';
import { matches, matchesLinear, thaw } from './primitive-fixtures.ts';

process.env.COTANGENT_CACHE = 'off';

const fixtures: Record<string, any> = fixture('conv');

const array = (data: readonly number[], shape: readonly number[], dtype: DType = 'float32'): NDArray =>
  NDArray.fromHost(
    dtype === 'int32' ? Int32Array.from(data) : dtype === 'float64' ? Float64Array.from(data) : Float32Array.from(data),
    shapedArray(shape, dtype),
  );
const draw = (shape: readonly number[], dtype: DType = 'float64', seed = 1): NDArray =>
  drawInputs({ inputs: [{ shape, dtype, low: -2, high: 2 }] }, seed)[0]!;
const ofSize = (...shape: number[]): NDArray => draw(shape, 'float32');

for (const p of [slidingWindowsP, convGeneralDilatedP]) {
  t.test(`${p.name}: derivatives, batches`, async (t) => {
    t.same(checkDerivatives(p), []);
    t.same(checkSecondDerivatives(p), []);
    t.same(checkBatches(p, 1e-13), []);
  });
}

t.test('convolutions, compiled, as the definition', async (t) => {
  for (const sample of convGeneralDilatedP.samples!()) {
    const inputs = drawInputs(sample);
    const params = sample.params as ConvParams;
    const [out] = convGeneralDilatedP.type(
      inputs.map((x) => x.aval),
      params,
    );
    const [want] = convGeneralDilatedP.run(
      inputs.map((x) => ({ aval: x.aval, data: host(x) })),
      params,
      [out!],
    );
    const got = jit((x: Value, w: Value) => lax.convGeneralDilated(x, w, optionsOf(params)))(
      inputs[0]!,
      inputs[1]!,
    ) as Value;
    const d = difference(host(got), want!);
    t.ok(d <= (out!.dtype === 'float32' ? 1e-5 : 1e-13), `${JSON.stringify(sample)} differs by ${d}`);
  }
});

const optionsOf = ({ lhsSpec, rhsSpec, outSpec, ...rest }: ConvParams): ConvOptions => ({
  ...rest,
  dimensionNumbers: { lhsSpec, rhsSpec, outSpec },
});

t.test('as JAX', async (t) => {
  for (const { options, ...fixture } of fixtures.conv) {
    matchesLinear(t, (x, w) => [lax.convGeneralDilated(x!, w!, options)], fixture, JSON.stringify(options), 1e-12);
  }
  for (const { options, ...fixture } of fixtures.convSingle) {
    matchesLinear(
      t,
      (x, w) => [lax.convGeneralDilated(x!, w!, options)],
      fixture,
      `f32 ${JSON.stringify(options)}`,
      1e-5,
    );
  }
  const { primals, out } = fixtures.convIntegers;
  const [x, w] = primals.map(thaw);
  matches(t, lax.conv(x, w, { padding: 'SAME' }), out, 'integers', 0);
});

t.test('compiled gradients as JAX', async (t) => {
  for (const { options, primals, cotangents, vjp } of fixtures.conv) {
    const ct = thaw(cotangents[0]);
    const loss = (x: Value, w: Value) => lax.sum(lax.mul(lax.convGeneralDilated(x, w, options), ct));
    const grads = (jit(grad(loss as any, { argnums: [0, 1] })) as any)(...primals.map(thaw)) as Value[];
    grads.forEach((g, i) => {
      matches(t, g, vjp[i], `${JSON.stringify(options)} operand ${i}`, 1e-12);
    });
  }
});

t.test('transposed convolutions as JAX', async (t) => {
  for (const { options, ...fixture } of fixtures.convTranspose) {
    matchesLinear(t, (x, w) => [lax.convTranspose(x!, w!, options)], fixture, JSON.stringify(options), 1e-12);
  }
});

t.test('gradients of gradients as JAX', async (t) => {
  const { x, w, gx, gw } = fixtures.second;
  const f = (x: Value, w: Value) =>
    lax.sum(
      lax.sin(
        lax.convGeneralDilated(x, w, {
          windowStrides: [2, 1],
          padding: 'SAME',
          dimensionNumbers: ['NHWC', 'HWIO', 'NHWC'],
        }),
      ),
    );
  const g = (x: Value, w: Value) => lax.sum(lax.square((grad(f as any, { argnums: 1 }) as any)(x, w)));
  const second = grad(g as any, { argnums: [0, 1] }) as any;
  for (const run of [second, jit(second)]) {
    const [a, b] = run(thaw(x), thaw(w)) as Value[];
    matches(t, a!, gx, 'in the input', 1e-12);
    matches(t, b!, gw, 'in the kernel', 1e-12);
  }
});

t.test('vmap under jit and grad, and of no lanes', async (t) => {
  const options: ConvOptions = { padding: 'SAME', dimensionNumbers: ['NHWC', 'HWIO', 'NHWC'], featureGroupCount: 2 };
  const [x, w] = [draw([3, 2, 4, 5, 4]), draw([3, 3, 2, 2, 6], 'float64', 2)];
  const loss = (x: Value, w: Value) => lax.sum(lax.square(lax.convGeneralDilated(x, w, options)));
  const lanes = vmap(grad(loss as any, { argnums: [0, 1] }) as any) as any;
  const [gx, gw] = (jit(lanes) as any)(x, w) as Value[];
  for (let i = 0; i < 3; i++) {
    const lane = (v: Value): Value => lax.indexInDim(v, i, 0, false);
    const [a, b] = (grad(loss as any, { argnums: [0, 1] }) as any)(lane(x), lane(w)) as Value[];
    t.ok(difference(host(lane(gx!)), host(a!)) < 1e-12);
    t.ok(difference(host(lane(gw!)), host(b!)) < 1e-12);
  }
  const kernel = lax.indexInDim(w, 0, 0, false);
  const none = vmap((x: Value) => lax.convGeneralDilated(x, kernel, options));
  t.same((none(draw([0, 2, 4, 5, 4])) as Value).shape, [0, 2, 4, 5, 6]);
});

t.test('windows that are made in parts', async (t) => {
  const layouts = [
    {
      dimensionNumbers: ['NHWC', 'HWIO', 'NHWC'],
      shapes: [
        [6, 30, 31, 8],
        [5, 5, 8, 21],
      ],
    },
    {
      dimensionNumbers: ['NCHW', 'OIHW', 'NCHW'],
      shapes: [
        [6, 8, 30, 31],
        [21, 8, 5, 5],
      ],
    },
    {
      dimensionNumbers: ['HNWC', 'HWIO', 'CHWN'],
      shapes: [
        [30, 6, 31, 16],
        [5, 5, 8, 6],
      ],
      featureGroupCount: 2,
    },
    {
      dimensionNumbers: ['NHWC', 'HWIO', 'NHWC'],
      shapes: [
        [1, 121, 50, 8],
        [4, 5, 8, 26],
      ],
      windowStrides: [2, 1],
      rhsDilation: [3, 1],
      padding: 'SAME',
    },
    {
      dimensionNumbers: ['NCH', 'OIH', 'NCH'],
      shapes: [
        [1, 1, 7000],
        [1, 1, 80],
      ],
      windowStrides: [2],
      rhsDilation: [2],
    },
  ] as const;
  for (const { shapes, ...options } of layouts) {
    const program = asDefined(t, shapes, options, 'float64');
    t.ok(program.split('dot_general').length > 2, 'more than one product');
  }
});

/** A convolution as the definition has it, its pullback as its adjoint; with something behind it as without. Returns the program. */
function asDefined(
  t: Test,
  shapes: readonly (readonly number[])[],
  options: ConvOptions,
  dtype: 'float32' | 'float64',
): string {
  const [x, w] = shapes.map((shape, i) => draw([...shape], dtype, i + 1)) as [NDArray, NDArray];
  const conv = (x: Value, w: Value): Value => lax.convGeneralDilated(x, w, options);
  const f = jit(conv as any) as unknown as typeof conv & { lower: (...args: Value[]) => { jaxpr: unknown } };
  const y = f(x, w);
  const { eqns } = makeJaxpr(conv as any)(x as never, w as never).jaxpr;
  const inputs = [x, w].map((v) => ({ aval: v.aval, data: host(v) }));
  const [want] = convGeneralDilatedP.run(inputs, eqns[0]!.params as ConvParams, [y.aval]);
  const [near, close] = dtype === 'float64' ? [1e-12, 1e-8] : [1e-4, 1e-1];
  const text = `${dtype} ${JSON.stringify([shapes, options])}`;
  t.ok(difference(host(y), want!) < near, `as the definition: ${text}`);
  const end = (x: Value, w: Value): Value => lax.max(lax.add(conv(x, w), 0.5), 0);
  const above = want!.map((v) => Math.max(v + 0.5, 0));
  t.ok(difference(host(jit(end as any)(x, w) as Value), above) < near, `with an end: ${text}`);
  // The pullback against the map itself, along other operands.
  const ct = draw(y.shape, dtype, 3);
  const loss = (x: Value, w: Value) => lax.sum(lax.mul(conv(x, w), ct));
  const [gx, gw] = (jit(grad(loss as any, { argnums: [0, 1] })) as any)(x, w) as Value[];
  const [dx, dw] = [draw(x.shape, dtype, 4), draw(w.shape, dtype, 5)];
  const inner = (a: Value, b: Value): number => Number(lax.sum(lax.mul(a, b)).item());
  t.ok(Math.abs(inner(gx!, dx) - inner(ct, f(dx, w))) < close, `in the input: ${text}`);
  t.ok(Math.abs(inner(gw!, dw) - inner(ct, f(x, dw))) < close, `in the kernel: ${text}`);
  return String(f.lower(x, w).jaxpr);
}

t.test('windows that are read where they lie', async (t) => {
  const options = { dimensionNumbers: ['NHWC', 'HWIO', 'NHWC'] } as const;
  const cases: [readonly number[], readonly number[], ConvOptions?][] = [
    [
      [2, 9, 11, 1],
      [3, 3, 1, 8],
    ],
    [[3, 28, 28, 1], [5, 5, 1, 7], { padding: 'SAME' }],
    [[5, 13, 7, 2], [3, 2, 2, 5], { windowStrides: [2, 1] }],
    [[2, 12, 14, 3], [3, 3, 3, 16], { padding: 'SAME', windowStrides: [2, 2] }],
    [[1, 17, 19, 5], [4, 3, 5, 12], { rhsDilation: [2, 3] }],
    [
      [2, 10, 10, 40],
      [3, 3, 40, 9],
    ],
    [
      [3, 6, 30, 4],
      [6, 5, 4, 8],
    ],
    [
      [3, 30, 6, 4],
      [5, 6, 4, 8],
    ],
    [
      [4, 8, 8, 2],
      [3, 3, 2, 4],
      {
        lhsDilation: [2, 2],
        padding: [
          [1, 2],
          [0, 1],
        ],
      },
    ],
    [[2, 5, 6, 7, 2], [3, 2, 3, 2, 8], { dimensionNumbers: ['NDHWC', 'DHWIO', 'NDHWC'] }],
    [[7, 50, 3], [9, 3, 8], { dimensionNumbers: ['NWC', 'WIO', 'NWC'] }],
    [[2, 3, 12, 9], [5, 3, 3, 3], { dimensionNumbers: ['NCHW', 'OIHW', 'NHWC'] }],
    [[2, 1, 9, 11], [8, 1, 3, 3], { dimensionNumbers: ['NCHW', 'OIHW', 'NCHW'] }],
    [[3, 4, 13, 30], [6, 4, 5, 5], { dimensionNumbers: ['NCHW', 'OIHW', 'NCHW'], padding: 'SAME' }],
    [
      [2, 3, 14, 15],
      [7, 3, 4, 3],
      { dimensionNumbers: ['NCHW', 'OIHW', 'NCHW'], windowStrides: [2, 1], rhsDilation: [1, 3] },
    ],
    [[2, 1, 3, 900], [5, 1, 1, 300], { dimensionNumbers: ['NCHW', 'OIHW', 'NCHW'] }],
    [[2, 8, 9, 5], [1, 1, 5, 6], { windowStrides: [2, 2] }],
    [[2, 5, 40], [3, 5, 7], { dimensionNumbers: ['NCH', 'OIH', 'NCH'] }],
    [[12, 2, 3, 9], [3, 3, 3, 4], { dimensionNumbers: ['HNCW', 'HIWO', 'HNCW'] }],
    // To and from one channel, and to three: vectors are of what is summed over.
    [[2, 9, 11, 8], [3, 3, 8, 1], { padding: 'SAME' }],
    [[2, 9, 21, 6], [3, 5, 6, 3], { padding: 'SAME' }],
    [[3, 50, 16], [9, 16, 1], { dimensionNumbers: ['NWC', 'WIO', 'NWC'], rhsDilation: [2] }],
    [[3, 1, 50], [1, 1, 9], { dimensionNumbers: ['NCW', 'OIW', 'NCW'], padding: 'SAME' }],
    [[2, 2, 13, 15], [7, 2, 6, 9], { dimensionNumbers: ['NCHW', 'OIHW', 'NCHW'], padding: 'SAME' }],
    [[2, 2, 13, 30], [3, 2, 3, 10], { dimensionNumbers: ['NCHW', 'OIHW', 'NCHW'] }],
    [[2, 9, 10, 8], [3, 3, 2, 12], { featureGroupCount: 4, padding: 'SAME' }],
    [[2, 6, 9, 14], [9, 2, 3, 3], { dimensionNumbers: ['NCHW', 'OIHW', 'NCHW'], featureGroupCount: 3 }],
    [[6, 9, 10, 3], [3, 3, 3, 12], { batchGroupCount: 3 }],
  ];
  for (const dtype of ['float32', 'float64'] as const)
    for (const [x, w, more] of cases) {
      const program = asDefined(t, [x, w], { ...options, ...more }, dtype);
      if (!more?.lhsDilation) t.equal(program.split('dot_general').length, 2, `one product: ${dtype} ${x} ${w}`);
    }
  const relu = (x: Value, w: Value) => lax.max(lax.convGeneralDilated(x, w, options), 0);
  const text = String((jit(relu as any) as any).lower(draw([2, 9, 11, 1]), draw([3, 3, 1, 8], 'float64', 2)));
  t.match(text, /;; a product, then over \[2,7,9,8\]: max/);
});

const windowed = [reduceWindowSumP, reduceWindowMaxP, reduceWindowMinP, reduceWindowArgmaxP, reduceWindowArgminP];
for (const p of windowed) {
  t.test(`${p.name}: compiled, derivatives, batches`, async (t) => {
    if (!p.name.includes('arg')) {
      // Windows of padding alone are infinite, which differences cannot follow.
      const samples = p.samples!().filter((s) => host(bind1(p, drawInputs(s), s.params!)).every(Number.isFinite));
      t.same(checkDerivatives({ ...p, samples: () => samples }), []);
      t.same(checkSecondDerivatives({ ...p, samples: () => samples }), []);
    }
    t.same(checkBatches(p, 1e-14), []);
    for (const sample of p.samples!()) {
      const [x] = drawInputs(sample);
      const params = sample.params as ReduceWindowParams;
      const [out] = p.type([x!.aval], params);
      const [want] = p.run([{ aval: x!.aval, data: host(x!) }], params, [out!]);
      const d = difference(host(jit((v: Value) => bind1(p, [v], params))(x!) as Value), want!);
      t.ok(d <= (x!.dtype === 'float32' ? 1e-6 : 1e-14), `${JSON.stringify(sample)} differs by ${d}`);
    }
  });
}

t.test('folds over windows as JAX', async (t) => {
  const init: Record<string, number> = { add: 0, max: Number.NEGATIVE_INFINITY, min: Number.POSITIVE_INFINITY };
  for (const { options, op, ...fixture } of fixtures.reduceWindow) {
    const f = (x: Value) => lax.reduceWindow(x, init[op]!, op, options);
    const name = `${op} ${JSON.stringify(options)}`;
    if (fixture.jvp) matchesLinear(t, (x) => [f(x!)], fixture, name, 1e-12);
    matches(t, jit(f)(thaw(fixture.primals[0])) as Value, fixture.outs[0], name, 1e-12);
    if (fixture.jvp) {
      const ct = thaw(fixture.cotangents[0]);
      const g = jit(grad((x: Value) => lax.sum(lax.mul(f(x), ct))))(thaw(fixture.primals[0])) as unknown as Value;
      matches(t, g, fixture.vjp[0], `compiled gradient of ${name}`, 1e-12);
    }
  }
  const { x, gradient } = fixtures.ties;
  const weights = array([1, 2, 3, 4, 5, 6, 7, 8], [4, 2], 'float64');
  const options = { windowDimensions: [2, 2], windowStrides: [1, 2], padding: 'SAME' } as const;
  const loss = (v: Value) => lax.sum(lax.mul(lax.reduceWindow(v, -Infinity, lax.max, options), weights));
  matches(t, grad(loss)(thaw(x)) as unknown as Value, gradient, 'ties', 0);
  matches(t, jit(grad(loss))(thaw(x)) as unknown as Value, gradient, 'ties, compiled', 0);
});

t.test('integers and initial values as JAX', async (t) => {
  const { x, ...wanted } = fixtures.integerWindows;
  const options = { windowDimensions: [2, 2], padding: 'SAME' } as const;
  matches(t, lax.reduceWindow(thaw(x), 0, lax.add, options), wanted.add, 'sum', 0);
  matches(t, lax.reduceWindow(thaw(x), Number.NEGATIVE_INFINITY, lax.max, options), wanted.max, 'max', 0);
  matches(t, lax.reduceWindow(thaw(x), -(2 ** 31), lax.max, options), wanted.max, 'max from the smallest', 0);
  matches(t, lax.reduceWindow(thaw(x), 3, lax.add, options), wanted.started, 'sum from 3', 0);
  const strided = { ...options, windowStrides: [2, 2] };
  matches(t, lax.reduceWindow(thaw(x), 1, 'max', strided), wanted.startedMax, 'max from 1', 0);
});

t.test('pooling as Flax', async (t) => {
  const pools: Record<string, typeof nn.avgPool> = { max: nn.maxPool, min: nn.minPool, avg: nn.avgPool };
  for (const { kind, window, options, ...fixture } of fixtures.pool) {
    const f = (x: Value) => pools[kind]!(x, window, options);
    const name = `${kind} ${window} ${JSON.stringify(options)}`;
    matchesLinear(t, (x) => [f(x!)], fixture, name, 1e-13);
    matches(t, jit(f)(thaw(fixture.primals[0])) as Value, fixture.outs[0], name, 1e-13);
  }
});

t.test('a NaN is the maximum of its windows', async (t) => {
  const x = array([1, Number.NaN, 3, 4], [4], 'float64');
  const f = (v: Value) => lax.reduceWindow(v, -Infinity, lax.max, { windowDimensions: [2] });
  t.same([...host(f(x))], [Number.NaN, Number.NaN, 4]);
  t.same([...host(jit(f)(x) as Value)], [Number.NaN, Number.NaN, 4]);
});

t.test('np.convolve and np.correlate as JAX', async (t) => {
  for (const { name, mode, ...fixture } of fixtures.sliding) {
    const f = np[name as 'convolve'];
    matchesLinear(t, (x, y) => [f(x!, y!, { mode })], fixture, `${name} ${mode}`, 1e-12);
  }
  const [a, b] = [array([1, 2, 3], [3], 'int32'), array([0, 1, 5], [3], 'int32')];
  t.same([...host(np.convolve(a, b))], [0, 1, 7, 13, 15]);
});

t.test('errors of pooling', async (t) => {
  const throws = (f: () => unknown, message: string) => t.throws(f, { message });
  const x = ofSize(2, 4, 4, 3);
  throws(
    () => lax.reduceWindow(x, 0, lax.add, { windowDimensions: [2, 2] }),
    'reduceWindow: windowDimensions [2,2] needs one positive integer for each of the 4 axes of f32[2,4,4,3].',
  );
  throws(
    () => lax.reduceWindow(x, 0, lax.add, { windowDimensions: [1, 2, 2, 1], windowStrides: [1, 0, 1, 1] }),
    'reduceWindow: windowStrides [1,0,1,1] needs one positive integer for each of the 4 axes of f32[2,4,4,3].',
  );
  throws(
    () => lax.reduceWindow(x, 0, lax.add, { windowDimensions: [1, 2, 2, 1], padding: [[0, 0]] }),
    'reduceWindow: padding [[0,0]] needs one [low, high] of integers for each of the 4 axes of f32[2,4,4,3].',
  );
  throws(
    () => lax.reduceWindow(ofSize(3), 0, lax.add, { windowDimensions: [1], padding: [[-2, -2]] }),
    'reduceWindow: padding [-2,-2] takes away more than axis 0 of f32[3] has.',
  );
  throws(
    () => lax.reduceWindow(ofSize(3), 0, lax.mul as typeof lax.add, { windowDimensions: [1] }),
    'reduceWindow: elements are combined by `lax.add`, `lax.max` or `lax.min`.',
  );
  throws(
    () => nn.maxPool(ofSize(4, 3), [2, 2]),
    'maxPool: windows of shape [2,2] need an input with a batch axis, 2 spatial axes and a feature axis, but it is f32[4,3].',
  );
  throws(() => nn.avgPool(x, [2, 2], { strides: [2] }), 'avgPool: strides [2] do not fit windows of shape [2,2].');
});

t.test('errors name the operation and the types', async (t) => {
  const throws = (f: () => unknown, message: string) => t.throws(f, { message });
  throws(
    () => lax.conv(ofSize(1, 3, 8, 8), ofSize(4, 2, 3, 3)),
    'convGeneralDilated: the input f32[1,3,8,8] has 3 features, but the kernel f32[4,2,3,3] takes 2.',
  );
  throws(
    () => lax.convGeneralDilated(ofSize(1, 4, 8), ofSize(4, 4, 3), { featureGroupCount: 2 }),
    'convGeneralDilated: the input f32[1,4,8] has 4 features, but the kernel f32[4,4,3] takes 4 in each of 2 groups.',
  );
  throws(
    () => lax.convGeneralDilated(ofSize(1, 4, 8), ofSize(3, 2, 3), { featureGroupCount: 2 }),
    'convGeneralDilated: the 3 output features of the kernel f32[3,2,3] do not divide into 2 groups.',
  );
  throws(
    () => lax.convGeneralDilated(ofSize(3, 4, 8), ofSize(4, 4, 3), { batchGroupCount: 2 }),
    'convGeneralDilated: the batch of 3 in f32[3,4,8] does not divide into 2 groups.',
  );
  throws(
    () => lax.convGeneralDilated(ofSize(2, 4, 8), ofSize(4, 2, 3), { batchGroupCount: 2, featureGroupCount: 2 }),
    'convGeneralDilated: only one of featureGroupCount and batchGroupCount may be larger than 1, but they are 2 and 2.',
  );
  throws(
    () => lax.convGeneralDilated(ofSize(2, 4, 8), ofSize(4, 4, 3), { featureGroupCount: 0 }),
    'convGeneralDilated: featureGroupCount must be a positive integer, but is 0.',
  );
  throws(
    () => lax.conv(ofSize(1, 3, 8, 8), ofSize(4, 3, 3)),
    'conv: needs an input and a kernel of one rank, but got f32[1,3,8,8] and f32[4,3,3].',
  );
  throws(
    () => lax.conv(ofSize(1, 3, 8, 8), ofSize(4, 3, 3, 3), { windowStrides: [1] }),
    'convGeneralDilated: windowStrides [1] needs one positive integer for each of the 2 spatial axes of f32[1,3,8,8].',
  );
  throws(
    () =>
      lax.conv(ofSize(1, 3, 8), ofSize(4, 3, 3), {
        padding: [
          [1, 1],
          [0, 0],
        ],
      }),
    'convGeneralDilated: padding [[1,1],[0,0]] needs one [low, high] of integers for each of the 1 spatial axes of f32[1,3,8].',
  );
  throws(
    () => lax.conv(ofSize(1, 3, 8), ofSize(4, 3, 3), { padding: [[-5, -5]] }),
    'convGeneralDilated: padding [[-5,-5]] takes away more than f32[1,3,8] has.',
  );
  throws(
    () => lax.conv(ofSize(1, 3, 8), ofSize(4, 3, 3), { padding: 'FULL' as 'SAME' }),
    "conv: padding must be 'SAME', 'SAME_LOWER', 'VALID' or a list of [low, high], but is 'FULL'.",
  );
  throws(
    () => lax.convGeneralDilated(ofSize(1, 3, 8), ofSize(4, 3, 3), { padding: 'SAME', lhsDilation: [2] }),
    "convGeneralDilated: padding 'SAME' has no meaning for an input with lhsDilation.\n  hint: give the padding in numbers, or use `convTranspose`",
  );
  throws(
    () => lax.convGeneralDilated(ofSize(1, 3, 8), ofSize(4, 3, 3), { dimensionNumbers: ['NCH', 'OIW', 'NCH'] }),
    "convGeneralDilated: dimensionNumbers ['NCH', 'OIW', 'NCH'] need the letters N and C for the input and the result, O and I for the kernel, and the same spatial letters in all three.",
  );
  throws(
    () => lax.convGeneralDilated(ofSize(1, 3, 8), ofSize(4, 3, 3), { dimensionNumbers: ['NCHW', 'OIHW', 'NCHW'] }),
    "convGeneralDilated: dimensionNumbers ['NCHW', 'OIHW', 'NCHW'] do not fit operands of rank 3.",
  );
  throws(
    () => lax.conv(array([1], [1, 1, 1]), NDArray.fromHost(Uint8Array.of(1), shapedArray([1, 1], 'bool'))),
    'conv: needs an input and a kernel of one rank, but got f32[1,1,1] and f32[1,1].',
  );
});
