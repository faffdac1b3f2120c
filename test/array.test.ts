import { inspect } from 'node:util';
import t from 'tap';
import { grad, jit, NDArray, np, tree, vmap } from '../src/index.ts';
import { stopGradient } from '../src/lax/stop-gradient.ts';
import { fixture } from './lib/fixture.ts';

const list = (x: NDArray) => x.tolist();
const number = (x: unknown): number =>
  x === 'nan'
    ? Number.NaN
    : x === 'inf'
      ? Number.POSITIVE_INFINITY
      : x === '-inf'
        ? Number.NEGATIVE_INFINITY
        : Number(x);

t.test('prints as NumPy does', async () => {
  const differences: string[] = [];
  for (const { data, shape, dtype, text } of [...fixture('print'), ...fixture('print-random')]) {
    const values = Array.isArray(data)
      ? data.map(number)
      : Array.from({ length: data.count }, (_, i) => i / data.divisor + (data.offset ?? 0));
    const got = String(np.reshape(np.array(values, { dtype }), shape));
    if (got !== text) differences.push(`${got}\nfor\n${text}`);
  }
  t.same(differences, []);
  const x = np.array([1, 2, 3]);
  t.equal(`${x}`, '[1. 2. 3.]');
  t.equal(inspect(x), '[1. 2. 3.]');
  t.equal(inspect({ x }), '{ x: [1. 2. 3.] }');
  t.equal(JSON.stringify({ x }), '{"x":[1,2,3]}');
  const seen: string[] = [];
  jit((v: NDArray) => {
    seen.push(`${v}`, inspect(v), String(v.gt(0)));
    return v;
  })(x);
  t.same(seen, ['Traced<f32[3]>', 'Traced<f32[3]>', 'Traced<bool[3]>']);
});

t.test('construction', async () => {
  const about = (x: NDArray) => [x.dtype, x.shape, list(x)];
  t.same(about(np.array(2)), ['float32', [], 2]);
  t.same(about(np.array(true)), ['bool', [], true]);
  t.same(about(np.array([])), ['float32', [0], []]);
  t.same(about(np.array([[], []])), ['float32', [2, 0], [[], []]]);
  t.same(about(np.array([true, false])), ['bool', [2], [true, false]]);
  t.same(about(np.array([1.7, -1.7], { dtype: 'int32' })), ['int32', [2], [1, -1]]);
  t.same(about(np.array([-1], { dtype: 'uint32' })), ['uint32', [1], [4294967295]]);
  t.same(about(np.array(new Float64Array([1, 2]))), ['float64', [2], [1, 2]]);
  t.same(about(np.array(new Uint8Array([1, 2]))), ['int32', [2], [1, 2]]);
  t.same(about(np.array(new Uint8Array([0, 2]), { dtype: 'bool' })), ['bool', [2], [false, true]]);
  t.same(about(np.array([new Float32Array([1, 2]), new Float32Array([3, 4])])), [
    'float32',
    [2, 2],
    [
      [1, 2],
      [3, 4],
    ],
  ]);
  t.same(about(np.array([np.array(1), 2, np.array(3)])), ['float32', [3], [1, 2, 3]]);
  t.same(about(np.array([np.arange(2), np.arange(2)])), [
    'int32',
    [2, 2],
    [
      [0, 1],
      [0, 1],
    ],
  ]);
  t.same(
    list(
      grad((x: NDArray) =>
        np
          .array([
            [x, 1],
            [x.mul(x), 2],
          ])
          .sum(),
      )(3),
    ),
    7,
    'arrays in lists are traced',
  );
  const source = new Float32Array([1, 2]);
  const kept = np.array(source);
  source[0] = 9;
  t.same(list(kept), [1, 2], 'data is copied');
  t.throws(() => np.array([[1, 2], [3]]), {
    name: 'ShapeError',
    message: 'array: nested lists are ragged: one row is of shape [2], another of shape [1].',
  });
  t.throws(() => np.array([1, [2]]), {
    message: 'array: nested lists are ragged: one row is a number, another a list.',
  });
  t.throws(() => np.array('x' as never), {
    name: 'DtypeError',
    message: 'array: expected numbers, booleans, arrays or nested lists of them, but got the string "x".',
  });
  t.throws(() => np.zeros([2], { dtype: 'float16' as never }), {
    name: 'DtypeError',
    message: "zeros: \"float16\" is not a dtype.\n  hint: use 'float32', 'float64', 'int32', 'uint32' or 'bool'",
  });
  t.throws(() => np.zeros([-1]), {
    name: 'ShapeError',
    message: 'zeros: [-1] is not a shape: lengths are integers from 0 on.',
  });
});

t.test('dtypes join, and numbers give way', async () => {
  const kinds = ['bool', 'int32', 'uint32', 'float32', 'float64'] as const;
  const table = {
    bool: ['bool', 'int32', 'uint32', 'float32', 'float64'],
    int32: ['int32', 'int32', 'int32', 'float32', 'float64'],
    uint32: ['uint32', 'int32', 'uint32', 'float32', 'float64'],
    float32: ['float32', 'float32', 'float32', 'float32', 'float64'],
    float64: ['float64', 'float64', 'float64', 'float64', 'float64'],
  };
  for (const a of kinds) {
    const results = kinds.map((b) => np.ones([2], { dtype: a }).add(np.ones([2], { dtype: b })).dtype);
    t.same(results, table[a], `${a} with each`);
  }
  t.same(
    kinds.map((k) => np.ones([2], { dtype: k }).mul(2).dtype),
    ['int32', 'int32', 'uint32', 'float32', 'float64'],
    'with 2',
  );
  t.same(
    kinds.map((k) => np.ones([2], { dtype: k }).mul(0.5).dtype),
    ['float32', 'float32', 'float32', 'float32', 'float64'],
    'with 0.5',
  );
  t.same(
    kinds.map((k) => np.ones([2], { dtype: k }).div(np.ones([2], { dtype: k })).dtype),
    ['float32', 'float32', 'float32', 'float32', 'float64'],
    'quotients are floating',
  );
  t.same(
    kinds.map((k) => np.mean(np.ones([2], { dtype: k })).dtype),
    ['float32', 'float32', 'float32', 'float32', 'float64'],
    'means are floating',
  );
  t.equal(np.sin(2).dtype, 'float32');
  t.equal(np.sin(2).add(np.ones([1], { dtype: 'float64' })).dtype, 'float64', 'a function of a number is still weak');
  t.equal(np.array(2).add(np.ones([1], { dtype: 'float64' })).dtype, 'float64');
  t.equal(np.array(2).add(np.ones([1], { dtype: 'int32' })).dtype, 'float32', 'np.array(2) is not weak');
  t.equal(np.arange(3).astype('float64').dtype, 'float64');
  t.same(list(np.array([300, 1, 2.5]).astype('uint32')), [300, 1, 2]);
});

t.test('reading', async () => {
  const x = np.array([
    [1, 2],
    [3, 4],
  ]);
  t.same([x.shape, x.ndim, x.size, x.dtype], [[2, 2], 2, 4, 'float32']);
  t.same(list(x.T), [
    [1, 3],
    [2, 4],
  ]);
  for (const [dtype, value] of [
    ['float64', 0.1],
    ['float32', 0.5],
    ['int32', -3],
    ['uint32', 4e9],
    ['bool', true],
  ] as const)
    t.strictSame(list(np.full([2, 1, 2], value, { dtype })), [[[value, value]], [[value, value]]]);
  t.strictSame(
    list(np.arange(70_000, { dtype: 'int32' })),
    Array.from({ length: 70_000 }, (_, i) => i),
  );
  t.equal(np.array([7]).item(), 7);
  t.equal(np.array([true]).item(), true);
  t.equal(np.sin(0.1).item(), Math.fround(Math.sin(0.1)), 'a weak number reads as float32');
  t.ok(np.sin(0.1).data() instanceof Float32Array);
  t.ok(np.array([true, false]).data() instanceof Uint8Array);
  const copy = x.data();
  copy[0] = 9;
  t.same(
    list(x),
    [
      [1, 2],
      [3, 4],
    ],
    'data() is a copy',
  );
  const target = new Float32Array(4);
  t.equal(x.data(target), target);
  t.same([...target], [1, 2, 3, 4]);
  t.same([...np.sin(0.1).data(new Float32Array(1))], [Math.fround(Math.sin(0.1))]);
  const messages: [() => unknown, string][] = [
    [
      () => x.data(new Float32Array(5)),
      'data: `into` is a Float32Array of 5 elements, but f32[2,2] goes into a Float32Array of 4.',
    ],
    [
      () => x.data(new Float64Array(4)),
      'data: `into` is a Float64Array of 4 elements, but f32[2,2] goes into a Float32Array of 4.',
    ],
    [() => x.data([] as never), 'data: `into` is a JavaScript array, but f32[2,2] goes into a Float32Array of 4.'],
  ];
  for (const [f, message] of messages) t.throws(f, { name: 'ShapeError', message });
  const [first, second] = x;
  t.same(
    [list(first!), list(second!)],
    [
      [1, 2],
      [3, 4],
    ],
  );
  t.throws(() => [...np.array(1)], { name: 'ShapeError', message: 'iteration: f32[] has no axis to iterate over.' });
  t.throws(() => x.item(), {
    name: 'ShapeError',
    message:
      'item: f32[2,2] has 4 elements, but only an array of one element is a number.\n  hint: read all elements with `tolist()` or `data()`',
  });
});

t.test('reading while tracing', async () => {
  const unknown = (operation: string, what: string, by: string, hint: string) => ({
    name: 'TraceError',
    message: `${operation}: the value of \`x\`, a Traced<${what}>, is not known while ${by} traces the function.\n  hint: ${hint}`,
  });
  const choose = 'choose between values with `np.where(…)`, between computations with `lax.cond(…)`';
  const fixed = "make the argument static: `jit(f, { static: ['x'] })`";
  const lanes = 'each lane has a value of its own: choose with `np.where(…)`, or read the result after the call';
  const aux = 'return it with `hasAux`, or read it without its derivative: `lax.stopGradient(x).item()`';
  t.throws(() => jit((x: NDArray) => x.mul(x.item()))(np.array(1)), unknown('item', 'f32[]', 'jit', fixed));
  t.throws(
    () => jit((x: NDArray) => x.mul(x.tolist<number[]>()[0]!))(np.ones([3])),
    unknown('tolist', 'f32[3]', 'jit', choose),
  );
  t.throws(() => jit((x: NDArray) => np.array(x.data()))(np.ones([3])), unknown('data', 'f32[3]', 'jit', choose));
  t.throws(
    () => jit((x: NDArray) => x.mul(JSON.stringify({ x }).length))(np.ones([3])),
    unknown('toJSON', 'f32[3]', 'jit', choose),
  );
  t.throws(() => vmap((x: NDArray) => x.mul(x.item()))(np.ones([3])), unknown('item', 'f32[]', 'vmap', lanes));
  t.throws(() => grad((x: NDArray) => x.mul(x.item()))(np.array(1)), unknown('item', 'f32[]', 'grad', aux));
  const branching = (x: NDArray) => (x.gt(0).item() ? x.mul(x) : x.neg());
  t.same([grad(branching)(3).item(), grad(branching)(-3).item()], [6, -1], 'bools are known under grad');
  t.equal(grad((x: NDArray) => x.mul(stopGradient(x).item()))(3).item(), 3);
});

t.test('JavaScript operators are errors', async () => {
  const any: any = np.array([1, 2]);
  const says = (f: () => unknown, text: string, what: string, hint: string) =>
    t.throws(f, { name: 'ControlFlowError', message: `\`${text}\`: JavaScript ${what}.\n  hint: ${hint}\n` }, text);
  const operators = 'operators do not work on arrays, and an operand is f32[2]';
  says(() => any > 0, 'any > 0', operators, 'write `any.gt(0)`');
  says(() => any + 1, 'any + 1', operators, 'write `any.add(1)`');
  says(() => 2 * any, '2 * any', operators, 'write `any.mul(2)`');
  says(() => 2 - any, '2 - any', operators, 'write `np.array(2).sub(any)`');
  says(() => any.sum() ** 2 / any, 'any.sum() ** 2', operators.replace('[2]', '[]'), 'write `any.sum().pow(2)`');
  says(() => -any, '-any', operators, 'write `any.neg()`');
  says(
    () => {
      let x = any;
      x -= 1;
      return x;
    },
    'x -= 1',
    operators,
    'write `x = x.sub(1)`',
  );
  const functions = 'functions do not take arrays, and an operand is f32[2]';
  says(() => Math.sin(any), 'Math.sin(any)', functions, 'write `np.sin(any)`');
  says(() => Math.max(any, 0), 'Math.max(any, 0)', functions, 'write `np.maximum(any, 0)`');
  const traced = 'operators do not work on arrays, and an operand is Traced<f32[2]>';
  says(() => jit((v: any) => v + 1)(any), 'v + 1', traced, 'write `v.add(1)`');
  says(
    () => jit((v: any) => (v > 0 ? v : v.neg()))(any),
    'v > 0',
    traced,
    'choose between values with `np.where(…)`, between computations with `lax.cond(…)`',
  );
  says(
    () =>
      jit((v: any, n: any) => {
        for (let i = 0; i < n; i++) v = v.mul(2);
        return v;
      })(any, 3),
    'i < n',
    traced.replace('[2]', '[]'),
    "loop with `lax.foriLoop(…)` or `lax.whileLoop(…)`, or make the argument static: `jit(f, { static: ['n'] })`",
  );
});

t.test('indexing', async () => {
  const x = np.arange(24).reshape(2, 3, 4);
  t.same(list(x.slice(0, 1)), [4, 5, 6, 7]);
  t.same(list(x.slice(-1, [1, 3], 0)), [16, 20]);
  t.same(list(x.slice([], 0, [null, null, 2])), [
    [0, 2],
    [12, 14],
  ]);
  t.same(x.slice(null, '...', 0).shape, [1, 2, 3]);
  t.same(list(x.slice(0, np.array([2, 0], { dtype: 'int32' }), 1)), [9, 1]);
  const v = np.zeros([4]);
  t.same(list(v.at(1).set(5)), [0, 5, 0, 0]);
  t.same(list(v.at([2, null]).add(np.array([1, 2]))), [0, 0, 1, 2]);
  t.same(list(v.at(np.array([1, 1], { dtype: 'int32' })).add(1)), [0, 2, 0, 0]);
  t.same(list(v.add(3).at(0).mul(2)), [6, 3, 3, 3]);
  t.same(list(v.at(0).max(1).at(1).min(-1)), [1, -1, 0, 0]);
  t.same(list(v), [0, 0, 0, 0], 'arrays are immutable');
  t.same(list(grad((y: NDArray) => y.slice([1, 3]).mul(y.slice(0)).sum())(np.array([1, 2, 3, 4]))), [5, 1, 1, 0]);
});

t.test('methods', async () => {
  const x = np.array([
    [1, -2],
    [3, 4],
  ]);
  t.same(list(x.add(1).sub(1).mul(2).div(2).neg().abs()), [
    [1, 2],
    [3, 4],
  ]);
  t.same(list(x.pow(2).sqrt().square().reciprocal().mul(16)), [
    [16, 4],
    [1.7777777910232544, 1],
  ]);
  t.same(list(x.mod(3)), [
    [1, 1],
    [0, 1],
  ]);
  t.same(list(x.exp().log().sign()), [
    [1, -1],
    [1, 1],
  ]);
  t.same(
    list(
      np
        .zeros([2])
        .sin()
        .add(np.zeros([2]).cos())
        .add(np.zeros([2]).tan())
        .add(np.zeros([2]).tanh()),
    ),
    [1, 1],
  );
  t.same(list(np.array([0.5, 1.5, -0.5]).round()), [0, 2, -0]);
  t.same([list(np.array([1.5]).floor()), list(np.array([1.5]).ceil())], [[1], [2]]);
  const y = np.array([
    [1, 0],
    [5, 4],
  ]);
  t.same(
    [x.gt(y), x.ge(y), x.lt(y), x.le(y), x.eq(y), x.ne(y)].map((m) =>
      m.tolist<boolean[]>().flat().map(Number).join(''),
    ),
    ['0000', '1001', '0110', '1111', '1001', '0110'],
  );
  const [p, q] = [x.gt(0), y.gt(1)];
  t.same(
    [p.and(q), p.or(q), p.xor(q), p.not()].map((m) => m.tolist<boolean[]>().flat().map(Number).join('')),
    ['0011', '1011', '1000', '0100'],
  );
  t.same(
    [x.sum(), x.prod(), x.mean(), x.max(), x.min(), x.var(), x.argmax(), x.argmin()].map(list),
    [6, -24, 1.5, 4, -2, 5.25, 3, 1],
  );
  t.same(
    [x.any({ axis: 0 }), x.all({ axis: 1, keepdims: true }), x.std({ axis: 1, ddof: 1 }).shape].map((v) =>
      v instanceof NDArray ? list(v) : v,
    ),
    [[true, true], [[true], [true]], [2]],
  );
  t.same([x.cumsum(), x.cumprod({ axis: 0 }), x.dot(y), x.matmul(y)].map(list), [
    [1, -1, 2, 6],
    [
      [1, -2],
      [3, -8],
    ],
    [
      [-9, -8],
      [23, 16],
    ],
    [
      [-9, -8],
      [23, 16],
    ],
  ]);
  t.same(
    [x.reshape(4), x.reshape([1, -1]), x.ravel(), x.flatten()].map((v) => v.shape),
    [[4], [1, 4], [4], [4]],
  );
  t.same(
    [x.transpose(), x.transpose(1, 0), x.transpose([0, 1]), x.swapaxes(0, 1)].map((v) => v.tolist<number[][]>()[0]),
    [
      [1, 3],
      [1, 3],
      [1, -2],
      [1, 3],
    ],
  );
  t.same(
    [x.expandDims(0).shape, x.expandDims(0).squeeze().shape, x.astype('int32').dtype],
    [[1, 2, 2], [2, 2], 'int32'],
  );
  t.same([x.clip(0, 3), x.clip(null, 2), x.take([3, 0]), x.repeat(2, { axis: 0 })].map(list), [
    [
      [1, 0],
      [3, 3],
    ],
    [
      [1, -2],
      [2, 2],
    ],
    [4, 1],
    [
      [1, -2],
      [1, -2],
      [3, 4],
      [3, 4],
    ],
  ]);
  t.same([x.sort(), x.argsort(), x.diagonal()].map(list), [
    [
      [-2, 1],
      [3, 4],
    ],
    [
      [1, 0],
      [0, 1],
    ],
    [1, 4],
  ]);
});

t.test('errors name the operation and the types', async () => {
  const a = np.ones([3, 4]);
  const cases: [() => unknown, string, string][] = [
    [() => a.add(np.ones([2])), 'ShapeError', 'add: f32[3,4] and f32[2] do not broadcast together.'],
    [() => a.sub(np.ones([2])), 'ShapeError', 'sub: f32[3,4] and f32[2] do not broadcast together.'],
    [() => np.subtract(a, np.ones([2])), 'ShapeError', 'subtract: `a` f32[3,4] and f32[2] do not broadcast together.'],
    [
      () => np.where(a.gt(0), a, np.ones([2])),
      'ShapeError',
      'where: bool[3,4], `a` f32[3,4] and f32[2] do not broadcast together.',
    ],
    [() => np.matmul(a, np.ones([5, 2])), 'ShapeError', 'matmul: `a` f32[3,4] and f32[5,2] do not fit: 4 against 5.'],
    [() => np.dot(a, np.ones([5])), 'ShapeError', 'dot: f32[3,4] and f32[5] do not fit: 4 against 5.'],
    [
      () => np.matmul(a, 2),
      'ShapeError',
      'matmul: f32[3,4] and f32[] are not both vectors or matrices.\n  hint: multiply by a number with `mul`',
    ],
    [() => a.sum({ axis: 2 }), 'ShapeError', 'sum: axis 2 is out of range for f32[3,4].'],
    [() => np.max(np.zeros([0])), 'ShapeError', 'max: f32[0] has no elements along axis 0.'],
    [() => a.reshape(5), 'ShapeError', 'reshape: f32[3,4] has 12 elements and cannot take shape [5].'],
    [() => a.transpose(0, 0), 'ShapeError', 'transpose: [0,0] is not a permutation of the axes of f32[3,4].'],
    [() => a.squeeze({ axis: 0 }), 'ShapeError', 'squeeze: axis 0 of f32[3,4] has length 3, not 1.'],
    [
      () => np.concatenate([a, np.ones([3, 5])]),
      'ShapeError',
      'concatenate: f32[3,4] and f32[3,5] differ in more than axis 0.',
    ],
    [() => np.stack([a, np.ones([3])]), 'ShapeError', 'stack: f32[3,4] and f32[3] differ in shape.'],
    [
      () => np.split(a, 5),
      'ShapeError',
      'split: axis 0 of f32[3,4] does not divide into 5 equal parts.\n  hint: `np.arraySplit` allows parts of unequal length',
    ],
    [
      () => np.take(a, np.array([0.5])),
      'DtypeError',
      "take: indices must be integers, but are f32[1].\n  hint: convert them: `indices.astype('int32')`",
    ],
    [
      () => np.take(a, [1], { mode: 'raise' as never }),
      'CotangentError',
      `take: mode must be 'fill', 'clip' or 'wrap', but it is the string "raise".`,
    ],
    [() => np.take(np.zeros([0]), [1]), 'ShapeError', 'take: there is nothing to take from axis 0 of f32[0].'],
    [
      () => np.bitwiseAnd(a, 1),
      'DtypeError',
      'bitwiseAnd: needs integer or bool operands, but got f32[3,4] and f32[].',
    ],
    [
      () => np.arange(3).pow(-1),
      'DtypeError',
      "pow: i32[3] cannot be raised to the negative power -1.\n  hint: convert it first: `x.astype('float32')`",
    ],
    [
      () => np.einsum('ij,jk->ik', a, a),
      'ShapeError',
      'einsum: f32[3,4], f32[3,4] do not fit `ij,jk->ik`: j is 4 and 3.',
    ],
    [
      () => np.einsum('ij->ii', a),
      'ShapeError',
      'einsum: `i` in the result of `ij->ii` must name one axis of the operands.',
    ],
    [
      () => np.sin([1, 2] as never),
      'DtypeError',
      'sin: expected an array, a number or a boolean, but got a JavaScript array.\n  hint: make an array of it with `np.array(…)`',
    ],
    [
      () => a.sum(0 as never),
      'CotangentError',
      'sum: options are given by name in an object, such as `{ axis: 0 }`, but got 0.',
    ],
    [
      () => np.stack([a, a], 1 as never),
      'CotangentError',
      'stack: options are given by name in an object, such as `{ axis: 1 }`, but got 1.',
    ],
    [() => np.finfo('int32'), 'DtypeError', 'finfo: int32 is not a floating dtype.'],
  ];
  for (const [f, name, message] of cases) t.throws(f, { name, message }, message);
});

t.test('trees', (t) => {
  const params = { layer: { w: np.array([1, 2]), b: np.array(0) }, scales: [3, 4] };
  t.strictSame(
    tree.leavesWithPath(params).map(([path]) => path),
    ['.layer.b', '.layer.w', '.scales[0]', '.scales[1]'],
  );
  const named = tree.mapWithPath((path, leaf, other) => [path, np.add(leaf, other).tolist()], params, params);
  t.strictSame(named, {
    layer: { b: ['.layer.b', 0], w: ['.layer.w', [2, 4]] },
    scales: [
      ['.scales[0]', 6],
      ['.scales[1]', 8],
    ],
  });
  const outer = tree.structure({ a: 0, b: [0] });
  const inner = tree.structure([0, { c: 0 }]);
  const turned = tree.transpose(outer, inner, { a: [1, { c: 2 }], b: [[3, { c: 4 }]] });
  t.strictSame(turned, [{ a: 1, b: [3] }, { c: { a: 2, b: [4] } }]);
  t.strictSame(tree.transpose(inner, outer, turned), { a: [1, { c: 2 }], b: [[3, { c: 4 }]] }, 'and back');
  t.throws(() => tree.transpose(outer, inner, [1]), {
    message: 'tree.transpose: the tree has structure [*], but { a: [*, { c: * }], b: [[*, { c: * }]] } is expected.',
  });
  t.throws(() => tree.mapWithPath((p) => p, { a: 1 }, [1]), {
    message: 'tree.mapWithPath: tree 1 has structure [*], but the first has { a: * }.',
  });
  t.strictSame(
    [tree.all({ a: true, b: [np.array(true), 1] }), tree.all([true, np.array(0)]), tree.all({})],
    [true, false, true],
  );
  t.end();
});
