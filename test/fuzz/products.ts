/** Contractions, convolutions, folds over windows and matrix factorisations. */
import { type Generator, type Production, tuple } from './generator.ts';
import { sizeOf, type Variable } from './program.ts';

const reach = (v: Variable): number => Math.max(Math.abs(v.low), Math.abs(v.high));

function makeDot(g: Generator): Variable[] {
  const { random } = g;
  const [m, k, n] = [random.integer(1, 4), random.integer(1, 5), random.integer(1, 4)];
  const form = random.choose(['vectors', 'matmul', 'matvec', 'transposed', 'batched', 'outer']);
  const shapes: Record<string, readonly [number[], number[], number[], string, string]> = {
    vectors: [[k], [k], [], 'lhsContract: [0], rhsContract: [0]', '(((0,), (0,)), ((), ()))'],
    matmul: [[m, k], [k, n], [m, n], 'lhsContract: [1], rhsContract: [0]', '(((1,), (0,)), ((), ()))'],
    matvec: [[m, k], [k], [m], 'lhsContract: [1], rhsContract: [0]', '(((1,), (0,)), ((), ()))'],
    transposed: [[k, m], [n, k], [m, n], 'lhsContract: [0], rhsContract: [1]', '(((0,), (1,)), ((), ()))'],
    batched: [
      [2, m, k],
      [k, 2],
      [2, m],
      'lhsContract: [2], rhsContract: [0], lhsBatch: [0], rhsBatch: [1]',
      '(((2,), (0,)), ((0,), (1,)))',
    ],
    outer: [[m], [n], [m, n], '', '(((), ()), ((), ()))'],
  };
  const [left, right, shape, js, py] = shapes[form]!;
  const x = g.floatOf(left);
  const y = g.floatOf(right, x.dtype);
  const high = reach(x) * reach(y) * (form === 'outer' ? 1 : k);
  return [
    g.emit('dot_general', `lax.dotGeneral($0, $1, { ${js} })`, `lax.dot_general($0, $1, ${py})`, [x, y], {
      ...x,
      shape,
      low: -high,
      high,
    }),
  ];
}

/** A product over any axes, often of an array with itself. */
function makeAnyDot(g: Generator): Variable[] | undefined {
  const { random } = g;
  const any = g.float((v) => v.shape.length > 0 && sizeOf(v.shape) > 0);
  // All axes of a cube are as long as each other.
  const x = random.chance(0.4) ? g.shaped(any, new Array(3).fill(random.integer(2, 3))) : any;
  const axes = random.shuffle(x.shape.map((_, axis) => axis));
  const contracted = random.integer(0, Math.min(2, axes.length));
  const lhsContract = axes.slice(0, contracted);
  const lhsBatch = random.chance(0.3) ? axes.slice(contracted, contracted + 1) : [];
  const shared = [...lhsContract, ...lhsBatch];
  const itself = random.chance(0.5) ? matching(x.shape, shared, random.shuffle(axes)) : undefined;
  const free = Array.from({ length: random.integer(0, 2) }, () => random.integer(1, 4));
  const order = random.shuffle([...shared.keys(), ...free.map((_, i) => shared.length + i)]);
  const extents = [...shared.map((axis) => x.shape[axis]!), ...free];
  const y = itself
    ? x
    : g.floatOf(
        order.map((i) => extents[i]!),
        x.dtype,
      );
  const other = itself ?? shared.map((_, i) => order.indexOf(i));
  const [rhsContract, rhsBatch] = [other.slice(0, contracted), other.slice(contracted)];
  const left = [...x.shape.keys()].filter((axis) => !shared.includes(axis)).map((axis) => x.shape[axis]!);
  const right = [...y.shape.keys()].filter((axis) => !other.includes(axis)).map((axis) => y.shape[axis]!);
  const shape = [...lhsBatch.map((axis) => x.shape[axis]!), ...left, ...right];
  const high = reach(x) * reach(y) * sizeOf(lhsContract.map((axis) => x.shape[axis]!));
  const js = `{ lhsContract: [${lhsContract}], rhsContract: [${rhsContract}], lhsBatch: [${lhsBatch}], rhsBatch: [${rhsBatch}] }`;
  return [g.emit('dot_general', `lax.dotGeneral($0, $1, ${js})`, undefined, [x, y], { ...x, shape, low: -high, high })];
}

/** Axes among `candidates` that are as long as those given, if there are such. */
function matching(
  shape: readonly number[],
  given: readonly number[],
  candidates: readonly number[],
): number[] | undefined {
  const left = [...candidates];
  const found: number[] = [];
  for (const axis of given) {
    const i = left.findIndex((other) => shape[other] === shape[axis]);
    if (i < 0) return undefined;
    found.push(...left.splice(i, 1));
  }
  return found;
}

function makeConv(g: Generator): Variable[] {
  const { random } = g;
  const groups = random.chance(0.2) ? 2 : 1;
  const batchGroups = groups === 1 && random.chance(0.1) ? 2 : 1;
  const [batch, inputs, outputs] = [
    random.integer(1, 2) * batchGroups,
    random.integer(1, 2) * groups,
    random.integer(1, 2) * groups * batchGroups,
  ];
  const spatial = random.chance(0.75) ? 1 : 2;
  const lengths = Array.from({ length: spatial }, () => random.integer(2, 4));
  const kernel = lengths.map((n) => random.integer(1, Math.min(n, 3)));
  const strides = lengths.map(() => random.integer(1, 2));
  const dilation = lengths.map(() => (random.chance(0.25) ? 2 : 1));
  const base = lengths.map(() => (random.chance(0.25) ? 2 : 1));
  const padding = lengths.map(() => [random.integer(0, 2), random.integer(1, 2)]);
  const x = g.floatOf([batch, inputs, ...lengths]);
  const w = g.floatOf([outputs, inputs / groups, ...kernel], x.dtype);
  const windows = lengths.map((n, d) => {
    const extent = (kernel[d]! - 1) * dilation[d]! + 1;
    const total = (n - 1) * base[d]! + 1 + padding[d]![0]! + padding[d]![1]!;
    return total < extent ? 0 : Math.floor((total - extent) / strides[d]!) + 1;
  });
  const pads = padding.map((p) => `[${p}]`);
  const js = `lax.convGeneralDilated($0, $1, { windowStrides: [${strides}], padding: [${pads}], lhsDilation: [${base}], rhsDilation: [${dilation}], featureGroupCount: ${groups}, batchGroupCount: ${batchGroups} })`;
  const py = `lax.conv_general_dilated($0, $1, (${tuple(strides)}), [${padding.map((p) => `(${p})`)}], lhs_dilation=(${tuple(base)}), rhs_dilation=(${tuple(dilation)}), feature_group_count=${groups}, batch_group_count=${batchGroups})`;
  const high = reach(x) * reach(w) * (inputs / groups) * sizeOf(kernel);
  return [
    g.emit('conv', js, py, [x, w], { ...x, shape: [batch / batchGroups, outputs, ...windows], low: -high, high }),
  ];
}

function makeWindow(g: Generator): Variable[] | undefined {
  const { random } = g;
  const x = g.float((v) => v.shape.length >= 1 && v.shape.length <= 2 && sizeOf(v.shape) > 0);
  if (x.shape.length < 1 || x.shape.length > 2) return undefined;
  const fold = random.choose(['add', 'max', 'min'] as const);
  const window = x.shape.map((n) => random.integer(1, Math.min(3, n)));
  const strides = x.shape.map(() => random.integer(1, 2));
  const padding = x.shape.map((_, d) =>
    fold === 'add' ? [random.integer(0, 1), random.integer(0, 1)] : [0, window[d]! > 1 ? random.integer(0, 1) : 0],
  );
  const windows = x.shape.map(
    (n, d) => Math.floor((n + padding[d]![0]! + padding[d]![1]! - window[d]!) / strides[d]!) + 1,
  );
  const init = { add: '0', max: '-Infinity', min: 'Infinity' }[fold];
  const options = `{ windowDimensions: [${window}], windowStrides: [${strides}], padding: [${padding.map((p) => `[${p}]`)}] }`;
  const pythonInit = { add: '0.0', max: '-jnp.inf', min: 'jnp.inf' }[fold];
  const py = `lax.reduce_window($0, np.${x.dtype}(${pythonInit.replace('jnp', 'np')}), lax.${fold}, (${tuple(window)}), (${tuple(strides)}), [${padding.map((p) => `(${p})`)}])`;
  const high = fold === 'add' ? reach(x) * sizeOf(window) : reach(x);
  return [
    g.emit('reduce_window', `lax.reduceWindow($0, ${init}, lax.${fold}, ${options})`, py, [x], {
      ...x,
      shape: windows,
      low: -high,
      high,
    }),
  ];
}

/** A matrix far from singular: random elements and a dominant diagonal. */
export function regular(g: Generator, n: number): Variable {
  const x = g.within(g.floatOf([n, n]), -1, 1);
  const shift = n + 1;
  return g.emit(
    'add',
    `lax.add($0, lax.mul(np.eye(${n}, null, { dtype: '${x.dtype}' }), ${shift}))`,
    `jnp.add($0, ${shift} * jnp.eye(${n}, dtype='${x.dtype}'))`,
    [x],
    { ...x, low: -1, high: shift + 1 },
  );
}

/** A positive definite one: M·Mᵀ + I. */
export function positive(g: Generator, n: number): Variable {
  const x = g.within(g.floatOf([n, n]), -1, 1);
  return g.emit(
    'matmul',
    `lax.add(lax.dotGeneral($0, $0, { lhsContract: [1], rhsContract: [1] }), np.eye(${n}, null, { dtype: '${x.dtype}' }))`,
    `jnp.add(lax.dot_general($0, $0, (((1,), (1,)), ((), ()))), jnp.eye(${n}, dtype='${x.dtype}'))`,
    [x],
    { ...x, low: -n, high: n + 1 },
  );
}

const flag = (b: boolean): string => (b ? 'True' : 'False');

function makeFactor(g: Generator): Variable[] {
  const { random } = g;
  const n = random.integer(1, 3);
  const name = random.choose(['cholesky', 'lu', 'qr', 'triangular', 'triangular']);
  if (name === 'cholesky') {
    const a = positive(g, n);
    return [g.emit('cholesky', 'lax.cholesky($0)', 'lax.linalg.cholesky($0)', [a], { ...a, low: -n - 1, high: n + 1 })];
  }
  const a = regular(g, n);
  const square = { shape: [n, n], dtype: a.dtype };
  if (name === 'lu')
    return g.emitStep(
      'lu',
      'lax.lu($0)',
      'lax.linalg.lu($0)',
      [a],
      [
        { ...square, low: -8, high: 8 },
        { shape: [n], dtype: 'int32', low: 0, high: n - 1 },
        { shape: [n], dtype: 'int32', low: 0, high: n - 1 },
      ],
    );
  if (name === 'qr') {
    const py = 'lax.linalg.qr($0, full_matrices=False)';
    return g.emitStep(
      'qr',
      'lax.qr($0, { fullMatrices: false })',
      py,
      [a],
      [
        { ...square, low: -1, high: 1 },
        { ...square, low: -8, high: 8 },
      ],
    );
  }
  const [left, lower, transpose, unit] = [0, 1, 2, 3].map(() => random.chance(0.5)) as [
    boolean,
    boolean,
    boolean,
    boolean,
  ];
  const k = random.integer(1, 3);
  const b = g.floatOf(left ? [n, k] : [k, n], a.dtype);
  const js = `lax.triangularSolve($0, $1, { leftSide: ${left}, lower: ${lower}, transposeA: ${transpose}, unitDiagonal: ${unit} })`;
  const py = `lax.linalg.triangular_solve($0, $1, left_side=${flag(left)}, lower=${flag(lower)}, transpose_a=${flag(transpose)}, unit_diagonal=${flag(unit)})`;
  const high = reach(b) * 4 ** n;
  return [g.emit('triangular_solve', js, py, [a, b], { ...b, low: -high, high })];
}

/** A matrix with a small symmetric part beside a diagonal that keeps eigenvalues and singular values apart. */
function separated(g: Generator, n: number): Variable {
  const x = g.within(g.floatOf([n, n]), -1, 1);
  const diagonal = Array.from({ length: n }, (_, i) => 3 * n * (i + 1));
  return g.emit(
    'add',
    `lax.add($0, np.diag(np.array([${diagonal}], { dtype: '${x.dtype}' })))`,
    `jnp.add($0, jnp.diag(jnp.array([${diagonal}], dtype='${x.dtype}')))`,
    [x],
    { ...x, low: -1, high: 3 * n * n + 1 },
  );
}

/** Values, also by the algorithm for general matrices, or the squares of vectors, whose signs are not determined. */
function makeSpectral(g: Generator): Variable[] {
  const { random } = g;
  const n = random.integer(1, 3);
  const a = separated(g, n);
  const values = { shape: [n], dtype: a.dtype, low: -1, high: 4 * n * n };
  const squares = { shape: [n, n], dtype: a.dtype, low: 0, high: 1 };
  const squared = (js: string): string => `((x) => lax.mul(x, x))(${js})`;
  switch (random.choose(['eigenvalues', 'eigenvectors', 'general', 'singular values', 'singular vectors'] as const)) {
    case 'eigenvalues':
      return [g.emit('eigh', 'lax.eigh($0)[1]', 'jnp.linalg.eigvalsh($0)', [a], values)];
    case 'eigenvectors':
      return [g.emit('eigh', squared('lax.eigh($0)[0]'), 'jnp.square(jnp.linalg.eigh($0)[1])', [a], squares)];
    case 'general': {
      // In an order of their own.
      const js = 'lax.sort(lax.eig($0, { computeLeftEigenvectors: false, computeRightEigenvectors: false })[0].real)';
      return [g.emit('eig', js, 'jnp.sort(jnp.real(jnp.linalg.eigvals($0)))', [a], values)];
    }
    case 'singular values':
      return [g.emit('svd', 'lax.svd($0, { computeUv: false })', 'jnp.linalg.svd($0, compute_uv=False)', [a], values)];
    case 'singular vectors':
      return [g.emit('svd', squared('lax.svd($0)[0]'), 'jnp.square(jnp.linalg.svd($0)[0])', [a], squares)];
  }
}

export const products: readonly Production[] = [
  { name: 'dot', weight: 5, make: makeDot },
  { name: 'any dot', weight: 3, make: makeAnyDot },
  { name: 'conv', weight: 1.5, make: makeConv },
  { name: 'reduceWindow', weight: 2, make: makeWindow },
  { name: 'factor', weight: 3, make: makeFactor },
  { name: 'spectral', weight: 2, make: makeSpectral },
];
