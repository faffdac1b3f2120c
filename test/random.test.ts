/** Random numbers are those of JAX for the same key: fixtures made by test/oracle/random_fixtures.py. */
import t, { type Test } from 'tap';
import { arrangementOf } from '../jit/runtime/arrangement.ts';
import { runtimeExports } from '../jit/runtime/instance.ts';
import { shuffleCalls } from '../jit/runtime/sort-calls.ts';
import { Cell } from '../jit/storage/cell.ts';
import { heap } from '../jit/storage/heap.ts';
import { NDArray } from '../src/array.ts';
import { shapedArray } from '../src/core/aval.ts';
import type { DType } from '../src/core/dtype.ts';
import type { Value } from '../src/core/trace.ts';
import { jit, nn, np, vmap } from '../src/index.ts';
import { reshape } from '../src/lax/movement.ts';
import { log } from '../src/lax/transcendental.ts';
import * as random from '../src/random/index.ts';
import { fixture } from './lib/fixture.ts';

const fixtures = fixture('random');
type Expected = { shape: number[]; values: number[] };

/** Equal bit for bit, shape included. */
function same(t: Test, actual: Value, { shape, values }: Expected, name: string): void {
  t.same([...actual.shape], shape, `${name}: shape`);
  t.same([...actual.hostData()], values, name);
}

/** Within `ulps` units in the last place of a float of about this size. */
function near(t: Test, actual: Value, { values }: Expected, ulps: number, name: string): void {
  const eps = actual.dtype === 'float64' ? 2 ** -52 : 2 ** -23;
  const worst = values.reduce(
    (max, x, i) => Math.max(max, Math.abs(actual.hostData()[i]! - x) / (eps * Math.max(Math.abs(x), 2 ** -20))),
    0,
  );
  t.equal(actual.size, values.length, `${name}: size`);
  t.ok(worst <= ulps, `${name}: within ${ulps} ulp, is ${worst}`);
}

const array = (values: number[], shape: number[], dtype: DType): NDArray => {
  const data = dtype === 'float32' ? new Float32Array(values) : new Int32Array(values);
  return NDArray.fromHost(data, shapedArray(shape, dtype));
};
const grid = (): NDArray =>
  array(
    Array.from({ length: 12 }, (_, i) => i),
    [4, 3],
    'int32',
  );

t.test('keys', (t) => {
  for (const { seed, ...expected } of fixtures.key) same(t, random.key(seed), expected, `key(${seed})`);
  for (const { seed, n, ...expected } of fixtures.split) {
    same(t, random.split(random.key(seed), n), expected, `split(key(${seed}), ${n})`);
  }
  same(t, random.split(random.key(3), [2, 3]), fixtures.splitShape, 'split of a shape');
  for (const { data, ...expected } of fixtures.foldIn) {
    same(t, random.foldIn(random.key(7), data), expected, `foldIn(key(7), ${data})`);
  }
  same(t, random.foldIn(random.key(7), array([1], [], 'int32')), fixtures.foldIn[1], 'foldIn of an array');
  t.end();
});

t.test('bits and integers', (t) => {
  for (const { seed, shape, values } of fixtures.bits) {
    same(t, random.bits(random.key(seed), shape), { shape, values }, `bits(key(${seed}), [${shape}])`);
  }
  for (const { seed, low, high, dtype, ...expected } of fixtures.randint) {
    same(t, random.randint(random.key(seed), [17], low, high, { dtype }), expected, `randint ${low} ${high} ${dtype}`);
  }
  // Numbers as bounds say that a span divides 2³², arrays do not.
  for (const [low, high] of [
    [0, 1],
    [-3, 1],
    [7, 7 + 2 ** 16],
    [-(2 ** 30), 2 ** 30],
  ] as const)
    t.same(
      random.randint(random.key(3), [17], low, high).tolist(),
      random.randint(random.key(3), [17], array([low], [], 'int32'), array([high], [], 'int32')).tolist(),
      `randint ${low} ${high}`,
    );
  const words = random.bits(random.split(random.key(3)).slice(1), [17]);
  t.same(random.randint(random.key(3), [17], 0, 2 ** 32, { dtype: 'uint32' }).tolist(), words.tolist());
  t.end();
});

t.test('shuffles whose buckets or columns overflow', (t) => {
  const [n, inner, rounds] = [1000, 3, 2];
  const { scratch, calls } = shuffleCalls(1, [1, n, inner], rounds);
  const room = (bytes: number): number => heap().pin(Cell.inHeap('bool', bytes));
  const [first, second, output, start] = [64, 64, 4 * n * inner, scratch].map(room) as [number, number, number, number];
  const words = (address: number, length: number) => new Int32Array(heap().memory.buffer, address, length);
  words(first, 1)[0] = 5;
  words(second, 1)[0] = 6;
  const [{ name, args }] = calls as [(typeof calls)[0]];
  const addresses = args.map((x) =>
    typeof x === 'number' ? x : 'scratch' in x ? start + x.scratch : 'output' in x ? output : x.input ? second : first,
  );
  const shuffled = (changed: Record<number, number>): number[] => {
    const all = addresses.map((x, i) => changed[i] ?? x);
    (runtimeExports()[name] as (...args: number[]) => void)(...all);
    return [...words(output, n * inner)];
  };
  const [columns, capacity] = [9, 10];
  const { bits, columns: usual } = arrangementOf(n)!;
  t.same(args.slice(columns - 1, capacity), [bits, usual], 'the arguments that are changed');
  const expected = shuffled({});
  t.same([...expected].sort((a, b) => a - b).slice(0, 4), [0, 0, 0, 1], 'positions');
  t.same(shuffled({ [capacity]: 8 }), expected, 'buckets with room for one');
  t.same(shuffled({ [columns]: 4 }), expected, 'columns of more than a hundred');
  t.end();
});

t.test('orders and choices', (t) => {
  const { key } = random;
  for (const { n, ...expected } of fixtures.permutation) {
    same(t, random.permutation(key(5), n), expected, `permutation of ${n}`);
  }
  // Sorted by random bits, round after round: rows as any others, in two buckets, in some whose words may not tell keys apart, and in more.
  for (const n of [200, 201, 3000, 30_000, 150_000]) {
    let [rest, order] = [key(7) as Value, Array.from({ length: n }, (_, i) => i)];
    for (let round = 0; round < (3 * Math.log(n)) / Math.log(2 ** 32 - 1); round++) {
      const split = random.split(rest);
      const bits = random.bits(split.slice(1), [n]).hostData();
      const keys = Float64Array.from(order, (_, i) => bits[i]! * 2 ** 18 + i).sort();
      order = Array.from(keys, (key) => order[key % 2 ** 18]!);
      rest = split.slice(0);
    }
    same(t, random.permutation(key(7), n), { shape: [n], values: order }, `permutation of ${n}, sorted`);
    const floats = random.permutation(key(7), np.arange(n).astype('float64'));
    same(t, floats, { shape: [n], values: order }, `of ${n} floats`);
  }
  same(t, random.permutation(key(6), grid()), fixtures.permutationRows, 'permutation of rows');
  same(t, random.permutation(key(6), grid(), { axis: 1 }), fixtures.permutationAxis1, 'permutation of columns');
  const independent = random.permutation(key(6), grid(), { independent: true });
  same(t, independent, fixtures.permutationIndependent, 'independent permutations');
  same(t, random.bernoulli(key(8), 0.3, [20]), fixtures.bernoulli, 'bernoulli');
  same(t, random.choice(key(11), 7, [2, 5]), fixtures.choice, 'choice');
  same(t, random.choice(key(11), 7, [5], { replace: false }), fixtures.choiceNoReplace, 'choice without replacement');
  const p = array([0.1, 0.2, 0.3, 0.4], [4], 'float32');
  same(t, random.choice(key(12), 4, [20], { p }), fixtures.choiceP, 'choice with probabilities');
  same(t, random.choice(key(12), 4, [3], { p, replace: false }), fixtures.choicePNoReplace, 'and without replacement');
  same(t, random.choice(key(13), grid(), [5]), fixtures.choiceRows, 'choice of rows');
  const logits = array([0, 1, 2, 2, -1, 0.5], [2, 3], 'float32');
  same(t, random.categorical(key(14), logits), fixtures.categorical, 'categorical');
  same(t, random.categorical(key(14), logits, { shape: [4, 2] }), fixtures.categoricalShape, 'categorical of a shape');
  same(t, random.categorical(key(14), logits, { axis: 0 }), fixtures.categoricalAxis0, 'categorical along axis 0');
  t.end();
});

for (const dtype of ['float32', 'float64'] as const) {
  t.test(`continuous distributions in ${dtype}`, (t) => {
    const { key } = random;
    same(t, random.uniform(key(0), [33], { dtype }), fixtures[`uniform_${dtype}`], 'uniform');
    const ranged = random.uniform(key(1), [33], { dtype, minval: -3, maxval: 5 });
    same(t, ranged, fixtures[`uniformRange_${dtype}`], 'uniform in a range');
    const normal = random.normal(key(2), [1001], { dtype });
    const exponential = random.exponential(key(3), [33], { dtype });
    near(t, normal, fixtures[`normalExact_${dtype}`], 4, 'normal');
    near(t, exponential, fixtures[`exponentialExact_${dtype}`], 2, 'exponential');
    // XLA's erf⁻¹ and logarithms err by more than ours, in the tails: compared with 40 digits, by up to 300 units.
    near(t, normal, fixtures[`normal_${dtype}`], 300, 'normal as JAX');
    near(t, exponential, fixtures[`exponential_${dtype}`], 100, 'exponential as JAX');
    near(t, random.gumbel(key(4), [33], { dtype }), fixtures[`gumbel_${dtype}`], 200, 'gumbel as JAX');
    near(t, random.laplace(key(5), [33], { dtype }), fixtures[`laplace_${dtype}`], 100, 'laplace as JAX');
    near(t, random.logistic(key(6), [33], { dtype }), fixtures[`logistic_${dtype}`], 100, 'logistic as JAX');
    near(t, random.cauchy(key(7), [33], { dtype }), fixtures[`cauchy_${dtype}`], 100, 'cauchy as JAX');
    const cut = random.truncatedNormal(key(8), -2, 1, [33], { dtype });
    near(t, cut, fixtures[`truncatedNormal_${dtype}`], 300, 'truncated normal as JAX');
    t.ok(np.all(np.logicalAnd(cut.gt(-2), cut.lt(1))).item());
    const cov = np.array(
      [
        [2, 0.5],
        [0.5, 1],
      ],
      { dtype },
    );
    const vectors = random.multivariateNormal(key(9), np.array([1, -1], { dtype }), cov, [5]);
    near(t, vectors, fixtures[`multivariateNormal_${dtype}`], 300, 'multivariate normal as JAX');
    t.equal(vectors.dtype, dtype);
    const { initializers: made } = nn;
    const initializers: Record<string, nn.initializers.Initializer> = {
      heNormal: made.heNormal(),
      glorotUniform: made.glorotUniform(),
      lecunNormal: made.lecunNormal({ inAxis: 0, outAxis: 1 }),
      varianceScaling: made.varianceScaling(3, { mode: 'fan_out', distribution: 'normal' }),
      orthogonal: made.orthogonal(2),
      uniform: made.uniform(0.3),
    };
    for (const [name, init] of Object.entries(initializers))
      near(t, init(key(10), [2, 3, 4], { dtype }), fixtures[`initializers_${dtype}`][name], 1000, name);
    t.end();
  });
}

t.test('a shape left out', (t) => {
  const { key } = random;
  for (const draw of [random.uniform, random.normal, random.gumbel, random.exponential, random.laplace])
    same(
      t,
      draw(key(1), { dtype: 'float64' }),
      { shape: [], values: [draw(key(1), [], { dtype: 'float64' }).item()] },
      'scalar',
    );
  const both = random.multivariateNormal(
    key(2),
    np.zeros([4, 2]),
    np.stack([np.eye(2), np.eye(2).mul(4)]).expandDims(1),
  );
  t.same(both.shape, [2, 4, 2]);
  same(
    t,
    random.choice(key(3), 5, { replace: false }),
    { shape: [], values: [random.choice(key(3), 5, [], { replace: false }).item()] },
    'choice',
  );
  same(t, random.rademacher(key(8), [20]), fixtures.rademacher, 'signs');
  t.throws(() => nn.initializers.heNormal()(key(0), [3]), {
    message:
      'heNormal: needs a shape with axes of inputs and of outputs, but got [3].\n  hint: biases start at zero: `nn.initializers.zeros`',
  });
  t.throws(() => random.multivariateNormal(key(0), np.zeros([2]), np.eye(3)), {
    message: /^multivariateNormal: the mean f32\[2\] and the covariance f32\[3,3\] do not fit\./,
  });
  t.end();
});

t.test('under transformations', (t) => {
  const keys = random.split(random.key(15), 4);
  const draw = (key: Value): Value => random.uniform(key, [3]);
  same(t, vmap(draw)(keys) as Value, fixtures.vmapNormal, 'vmap over keys');
  same(t, jit(draw)(random.key(0)) as Value, { shape: [3], values: [...draw(random.key(0)).hostData()] }, 'jit');
  const order = vmap((key: Value) => random.permutation(key, 5))(keys) as Value;
  t.equal(
    [...order.hostData()].reduce((a, b) => a + b, 0),
    40,
    'a permutation per lane',
  );
  t.end();
});

t.test('errors', (t) => {
  const { key } = random;
  t.throws(() => random.normal(key(0.5)), { message: 'key: the seed must be an integer, but is 0.5.' });
  t.throws(() => random.normal(random.split(key(0)), [2]), {
    message:
      'normal: a key has type u32[2], but the argument is u32[2,2].\n' +
      '  hint: make a key with `random.key(seed)`, and map over several with `vmap`',
  });
  t.throws(() => random.uniform(key(0), [2], { dtype: 'int32' }), {
    message: 'uniform: needs a floating dtype, but got int32.',
  });
  t.throws(() => random.choice(key(0), 3, [4], { replace: false }), {
    message: 'choice: cannot choose 4 of 3 elements without replacement.',
  });
  t.throws(() => random.categorical(key(0), reshape(log(array([1, 2], [2], 'float32')), [2]), { axis: 1 }), {
    message: 'categorical: axis 1 is out of range for f32[2].',
  });
  t.end();
});
