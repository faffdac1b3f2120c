/** The vector functions of jit/math: accuracy against references, special values, the same bits in every place. */
import t from 'tap';
import { functions, type MeasuredFunction } from '../bench/accuracy/functions.ts';
import { measure, type Precision, pointsOf, runner } from '../bench/accuracy/measure.ts';
import { specials } from '../bench/accuracy/points.ts';
import { mathArity, mathNames } from '../jit/math/index.ts';
import { vectorCode } from '../jit/math/vectors.ts';
import { target } from '../jit/target.ts';
import { jit, lax, type NDArray, np } from '../src/index.ts';

const engine = target();
const targets = engine.fma ? [engine, { ...engine, fma: false }] : [engine];
const precisions: Precision[] = ['float32', 'float64'];
const sameBits = (a: ArrayBufferView, b: ArrayBufferView): boolean =>
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));

const inVectors = (precision: Precision): MeasuredFunction[] =>
  functions.filter((f) => vectorCode(f.name, precision === 'float32' ? 'f32x4' : 'f64x2', engine));

t.test('every function is measured', (t) => {
  t.strictSame(functions.map((f) => f.name).sort(), [...mathNames].sort());
  t.strictSame(
    inVectors('float32').map((f) => f.name),
    functions.map((f) => f.name),
  );
  t.end();
});

t.test('errors are within bounds', (t) => {
  for (const precision of precisions) {
    for (const f of inVectors(precision)) {
      for (const to of targets) {
        const { error, at, got, exact } = measure(f, precision, to, precision === 'float32' ? 1e5 : 1e4);
        t.ok(error <= f.bounds[precision], `${precision} ${f.name}(${at}) = ${got}, not ${exact}: ${error} ulp`);
      }
    }
  }
  t.end();
});

t.test('an element has the same bits alone and in every lane, whatever stands beside it', (t) => {
  for (const precision of precisions) {
    for (const f of inVectors(precision)) {
      for (const to of targets) {
        const { vectors, elements } = runner(f.name, precision, to);
        let chunks = 0;
        for (const [x, y] of pointsOf(f, precision, 2e4)) {
          if (++chunks > 6) break;
          const n = Math.min(x!.length, 4096);
          const here = x!.slice(0, n);
          const other = y?.slice(0, n);
          const alone = elements(here, other);
          // Backwards and one place on, so that lanes and neighbours are others.
          const order = Array.from({ length: n }, (_, i) => (2 * n - 2 - i) % n);
          const moved = vectors(
            here.map((_, i) => here[order[i]!]!),
            other?.map((_, i) => other[order[i]!]!),
          );
          const back = alone.map((_, i) => alone[order[i]!]!);
          t.ok(sameBits(vectors(here, other), alone), `${precision} ${f.name}`);
          t.ok(sameBits(moved, back), `${precision} ${f.name}, other neighbours`);
        }
      }
    }
  }
  t.end();
});

t.test('special values are exact', (t) => {
  const nan = Number.NaN;
  const inf = Number.POSITIVE_INFINITY;
  // Function, operands, result.
  const cases: [string, number[], number][] = [
    ...[
      'expm1',
      'log1p',
      'sin',
      'tan',
      'asin',
      'atan',
      'sinh',
      'tanh',
      'asinh',
      'atanh',
      'cbrt',
      'erf',
      'erfInv',
    ].flatMap((name): [string, number[], number][] => [
      [name, [0], 0],
      [name, [-0], -0],
    ]),
    ...functions.filter((f) => mathArity(f.name) === 1).map((f): [string, number[], number] => [f.name, [nan], nan]),
    ...[
      'exp',
      'exp2',
      'log',
      'log1p',
      'log2',
      'sinh',
      'cosh',
      'asinh',
      'acosh',
      'cbrt',
      'expm1',
      'lgamma',
      'digamma',
    ].map((name): [string, number[], number] => [name, [inf], inf]),
    ...['sin', 'cos', 'tan', 'asin', 'acos', 'atanh', 'erfInv'].map((name): [string, number[], number] => [
      name,
      [inf],
      nan,
    ]),
    ...['log', 'log2', 'log1p', 'acosh', 'sin', 'digamma'].map((name): [string, number[], number] => [
      name,
      [-inf],
      nan,
    ]),
    ...(
      [
        ['exp', 0],
        ['exp2', 0],
        ['expm1', -1],
        ['logistic', 0],
        ['erf', -1],
        ['erfc', 2],
        ['tanh', -1],
        ['lgamma', inf],
      ] as const
    ).map(([name, result]): [string, number[], number] => [name, [-inf], result]),
    ...(
      [
        ['log', -inf],
        ['log2', -inf],
        ['exp', 1],
        ['exp2', 1],
        ['cos', 1],
        ['cosh', 1],
        ['erfc', 1],
        ['logistic', 0.5],
        ['lgamma', inf],
        ['digamma', nan],
      ] as const
    ).flatMap(([name, result]): [string, number[], number][] => [
      [name, [0], result],
      [name, [-0], result],
    ]),
    ...[1, 10, -3, 127, -126, -127, -149].map((n): [string, number[], number] => ['exp2', [n], 2 ** n]),
    ['exp2', [128], inf],
    ['exp2', [-150], 0],
    ['log', [1], 0],
    ['log2', [1], 0],
    ['log2', [8], 3],
    ['log2', [2 ** -149], -149],
    ['log', [-1], nan],
    ['log1p', [-1], -inf],
    ['acos', [1], 0],
    ['acosh', [1], 0],
    ['acosh', [0.5], nan],
    ['atanh', [1], inf],
    ['atanh', [-1], -inf],
    ['atanh', [2], nan],
    ['asin', [1.5], nan],
    ['erfInv', [1], inf],
    ['erfInv', [-1], -inf],
    ['erfInv', [1.5], nan],
    ['lgamma', [1], 0],
    ['lgamma', [2], 0],
    ['lgamma', [-3], inf],
    ['digamma', [-3], nan],
    ['cbrt', [-27], -3],
    ['pow', [1, nan], 1],
    ['pow', [nan, 0], 1],
    ['pow', [-1, inf], 1],
    ['pow', [-1, -inf], 1],
    ['pow', [-2, 3], -8],
    ['pow', [-2, 0.5], nan],
    ['pow', [-0, 3], -0],
    ['pow', [-0, -3], -inf],
    ['pow', [-0, 0.5], 0],
    ['pow', [0, -1], inf],
    ['pow', [-inf, 3], -inf],
    ['pow', [-inf, -3], -0],
    ['pow', [-inf, 0.5], inf],
    ['pow', [0.5, inf], 0],
    ['pow', [0.5, -inf], inf],
    ['pow', [0, 1e-30], 0],
    ['pow', [inf, -1e-30], 0],
    ['hypot', [3, -4], 5],
    ['hypot', [0, -0], 0],
    ['hypot', [-0, -0], 0],
    ['hypot', [nan, -inf], inf],
    ['hypot', [inf, nan], inf],
    ['hypot', [nan, 1], nan],
    ['hypot', [1, nan], nan],
    ['hypot', [-inf, 1], inf],
    ['hypot', [3 * 2 ** -148, 4 * 2 ** -148], 5 * 2 ** -148],
    ['hypot', [3 * 2 ** 124, 4 * 2 ** 124], 5 * 2 ** 124],
    ['floorDivide', [7, -2], -4],
    ['floorDivide', [-6, 3], -2],
    // x/y rounds to 3 in float32, and is less.
    ['floorDivide', [3 - 2 ** -22, 1 + 2 ** -23], 2],
    ['floorDivide', [-0, 1], -0],
    ['floorDivide', [-(2 ** -149), 1], -1],
    ['floorDivide', [2 ** -149, -(2 ** 127)], -1],
    ['floorDivide', [2 ** 127, 2 ** -149], inf],
    ['floorDivide', [2.5, 0], inf],
    ['floorDivide', [-inf, -0], inf],
    ['floorDivide', [0, 0], nan],
    ['floorDivide', [-5, inf], -1],
    ['floorDivide', [-0, inf], -0],
    ['floorDivide', [5, inf], 0],
    ['floorDivide', [inf, 2], nan],
    ['floorDivide', [inf, inf], nan],
    ['floorDivide', [nan, 1], nan],
    ['atan2', [0, -0], Math.fround(Math.PI)],
    ['atan2', [-0, 0], -0],
    ['atan2', [inf, -inf], Math.fround(0.75 * Math.PI)],
    ['atan2', [1, -inf], Math.fround(Math.PI)],
    ['rem', [5, inf], 5],
    ['rem', [inf, 5], nan],
    ['rem', [5, 0], nan],
    ['rem', [-6, 3], -0],
    ['rem', [3e38, 2 ** -149], 0],
    ['rem', [nan, 1], nan],
  ];
  for (const [name, operands, result] of cases) {
    for (const to of targets) {
      const [x, y] = operands.map((v) => Float32Array.of(v));
      const got = runner(name, 'float32', to).elements(x!, y)[0]!;
      t.ok(Object.is(got, result), `${name}(${operands}) = ${got}, not ${result}`);
    }
  }
  t.end();
});

t.test('compiled kernels, eager operations and the functions alone give the same bits', (t) => {
  const values = Float32Array.from([
    ...specials,
    ...Array.from({ length: 101 }, (_, i) => Math.sin(i) * 1.3 ** (i % 40)),
  ]);
  const x = np.array(values);
  const y = np.array(values.slice().reverse());
  for (const { name } of functions) {
    const operation = (
      { ...lax, hypot: np.hypot, floorDivide: np.floorDivide } as unknown as Record<
        string,
        (...xs: NDArray[]) => NDArray
      >
    )[name]!;
    const operands = mathArity(name) === 1 ? [x] : [x, y];
    const alone = runner(name, 'float32', engine).elements(values, values.slice().reverse());
    for (const [kind, f] of [
      ['eager', operation],
      ['compiled', jit(operation as never)],
    ] as const) {
      const got = (f as (...xs: NDArray[]) => NDArray)(...operands).data() as Float32Array;
      t.ok(
        got.every((v, i) => Object.is(v, alone[i])),
        `${name}, ${kind}`,
      );
    }
  }
  t.end();
});
