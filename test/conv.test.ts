/** Convolutions and pooling: against JAX, against their definitions, and under every transformation. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { shapedArray } from '../src/core/aval.ts';
import type { DType } from '../src/core/dtype.ts';
import type { Value } from '../src/core/trace.ts';
import { grad, jit, lax, NDArray, vmap } from '../src/index.ts';
import { convGeneralDilatedP } from '../src/lax/conv.ts';
import type { ConvOptions } from '../src/lax/conv-functions.ts';
import { slidingWindowsP } from '../src/lax/conv-patches.ts';
import type { ConvParams } from '../src/lax/conv-shape.ts';
import {
  checkBatches,
  checkDerivatives,
  checkSecondDerivatives,
  difference,
  drawInputs,
  host,
} from './check-primitive.ts';
import { matches, matchesLinear, thaw } from './primitive-fixtures.ts';

process.env.COTANGENT_CACHE = 'off';

const fixtures: Record<string, any> = JSON.parse(
  readFileSync(new URL('../../test/fixtures/conv.json', import.meta.url), 'utf8'),
);

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
  for (const sample of convGeneralDilatedP.samples!) {
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
    'convGeneralDilated: needs an input and a kernel of one rank, but got f32[1,3,8,8] and f32[4,3,3].',
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
    "convGeneralDilated: padding must be 'SAME', 'SAME_LOWER', 'VALID' or a list of [low, high], but is 'FULL'.",
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
    'convGeneralDilated: needs an input and a kernel of one rank, but got f32[1,1,1] and f32[1,1].',
  );
});
