/** Folds over axes: sums, products, extrema, truth; cumulative ones; positions of extrema. */
import { type Generator, type Production, tuple } from './generator.ts';
import { isFloat, sizeOf, type Variable } from './program.ts';

/** A non-empty subset of the axes, in order. */
const someAxes = (g: Generator, rank: number): number[] => {
  const axes = Array.from({ length: rank }, (_, i) => i).filter(() => g.random.chance(0.6));
  return axes.length ? axes : [g.random.integer(0, rank - 1)];
};

const without = (shape: readonly number[], axes: readonly number[]): number[] =>
  shape.filter((_, i) => !axes.includes(i));

/** Mostly arrays, and not empty ones where the fold has no identity. */
const array = (v: Variable): boolean => v.shape.length > 0 && sizeOf(v.shape) > 0;

function makeReduction(g: Generator): Variable[] | undefined {
  const name = g.random.choose(['sum', 'sum', 'reduceMax', 'reduceMin', 'prod']);
  const x = name === 'prod' ? g.within(g.float(array), -1.5, 1.5) : g.float(array);
  if (!array(x)) return undefined;
  const axes = someAxes(g, x.shape.length);
  const n = axes.reduce((count, axis) => count * x.shape[axis]!, 1);
  const reach = Math.max(Math.abs(x.low), Math.abs(x.high));
  const range =
    name === 'sum'
      ? { low: n * x.low, high: n * x.high }
      : name === 'prod'
        ? { low: -(Math.max(1, reach) ** n), high: Math.max(1, reach) ** n }
        : {};
  const py = { sum: 'jnp.sum', reduceMax: 'jnp.max', reduceMin: 'jnp.min', prod: 'jnp.prod' }[name];
  const out = { ...x, ...range, shape: without(x.shape, axes) };
  return [g.emit(name, `lax.${name}($0, { axis: [${axes}] })`, `${py}($0, axis=(${tuple(axes)}))`, [x], out)];
}

function makeIntegerReduction(g: Generator): Variable[] | undefined {
  const dtype = g.random.choose(['bool', 'int32', 'uint32'] as const);
  const x = g.pick((v) => v.dtype === dtype && array(v)) ?? g.discrete(dtype, [3]);
  const axes = someAxes(g, x.shape.length);
  const shape = without(x.shape, axes);
  if (dtype === 'bool') {
    const name = g.random.choose(['any', 'all']);
    const out = { shape, dtype } as const;
    return [g.emit(name, `lax.${name}($0, { axis: [${axes}] })`, `jnp.${name}($0, axis=(${tuple(axes)}))`, [x], out)];
  }
  const name = g.random.choose(['sum', 'reduceMax', 'reduceMin', 'prod']);
  const py = { sum: 'jnp.sum', reduceMax: 'jnp.max', reduceMin: 'jnp.min', prod: 'jnp.prod' }[name];
  const as = name === 'sum' || name === 'prod' ? `, dtype='${dtype}'` : '';
  const out = name === 'sum' || name === 'prod' ? { shape, dtype } : { ...x, shape };
  return [g.emit(name, `lax.${name}($0, { axis: [${axes}] })`, `${py}($0, axis=(${tuple(axes)})${as})`, [x], out)];
}

function makeCumulative(g: Generator): Variable[] | undefined {
  const name = g.random.choose(['cumsum', 'cumprod', 'cummax', 'cummin', 'cumlogsumexp']);
  const given = g.float(array);
  if (!array(given)) return undefined;
  const x = name === 'cumprod' ? g.within(given, -1.5, 1.5) : name === 'cumlogsumexp' ? g.within(given, -6, 6) : given;
  const axis = g.random.integer(0, x.shape.length - 1);
  const reverse = g.random.chance(0.3);
  const n = x.shape[axis]!;
  const reach = Math.max(Math.abs(x.low), Math.abs(x.high));
  const range = {
    cumsum: { low: -n * reach, high: n * reach },
    cumprod: { low: -(Math.max(1, reach) ** n), high: Math.max(1, reach) ** n },
    cummax: {},
    cummin: {},
    cumlogsumexp: { low: x.low, high: x.high + Math.log(n) },
  }[name];
  const js = `lax.${name}($0, { axis: ${axis}, reverse: ${reverse} })`;
  const py = `lax.${name}($0, axis=${axis}, reverse=${reverse ? 'True' : 'False'})`;
  return [g.emit(name, js, py, [x], { ...x, ...range })];
}

function makeArgument(g: Generator): Variable[] | undefined {
  const name = g.random.choose(['argmax', 'argmin']);
  const x = g.random.chance(0.8) ? g.float(array) : g.discrete('int32', [4]);
  if (!array(x)) return undefined;
  const axis = g.random.integer(0, x.shape.length - 1);
  const shape = without(x.shape, [axis]);
  const py = `lax.${name}($0, ${axis}, 'int32')`;
  return [
    g.emit(name, `lax.${name}($0, { axis: ${axis} })`, py, [x], {
      shape,
      dtype: 'int32',
      low: 0,
      high: x.shape[axis]! - 1,
    }),
  ];
}

function makeSort(g: Generator): Variable[] | undefined {
  const x = g.random.chance(0.85) ? g.float(array) : g.discrete(g.random.choose(['int32', 'uint32'] as const), [4]);
  if (!array(x)) return undefined;
  const axis = g.random.integer(0, x.shape.length - 1);
  const kind = g.random.next();
  if (kind < 0.45)
    return [g.emit('sort', `lax.sort($0, { axis: ${axis} })`, `lax.sort($0, dimension=${axis})`, [x], x)];
  if (kind < 0.7) {
    const out = { shape: x.shape, dtype: 'int32', low: 0, high: x.shape[axis]! - 1 } as const;
    return [g.emit('argsort', `lax.argsort($0, { axis: ${axis} })`, `argsort($0, ${axis})`, [x], out)];
  }
  const y = isFloat(x) ? g.floatOf(x.shape, x.dtype) : g.discrete(x.dtype, x.shape);
  const keys = g.random.integer(1, 2);
  return g.emitStep(
    'sortMulti',
    `lax.sortMulti([$0, $1], { dimension: ${axis}, numKeys: ${keys} })`,
    `lax.sort([$0, $1], dimension=${axis}, num_keys=${keys})`,
    [x, y],
    [x, y],
  );
}

/** JAX's have the same elements on each side of the kth, in another order. */
function makePartition(g: Generator): Variable[] | undefined {
  if (g.limits.jax) return undefined;
  const x = g.random.chance(0.7) ? g.float(array) : g.discrete(g.random.choose(['int32', 'uint32', 'bool'] as const));
  if (!array(x)) return undefined;
  const axis = g.random.integer(0, x.shape.length - 1);
  const last = x.shape[axis]! - 1;
  const kth = g.random.integer(0, last);
  if (g.random.chance(0.6))
    return [g.emit('partition', `np.partition($0, ${kth}, { axis: ${axis} })`, undefined, [x], x)];
  const places = { shape: x.shape, dtype: 'int32', low: 0, high: last } as const;
  return [g.emit('argpartition', `np.argpartition($0, ${kth}, { axis: ${axis} })`, undefined, [x], places)];
}

function makeSearch(g: Generator): Variable[] | undefined {
  const x = g.float((v) => v.shape.length === 1 && v.shape[0]! > 0);
  if (x.shape.length !== 1) return undefined;
  const y = g.floatOf(g.random.choose([[], [3], [2, 2]] as const), x.dtype);
  const side = g.random.choose(['left', 'right']);
  return [
    g.emit(
      'searchsorted',
      `np.searchsorted(lax.sort($0), $1, { side: '${side}' })`,
      `jnp.searchsorted(jnp.sort($0), $1, side='${side}').astype(jnp.int32)`,
      [x, y],
      { shape: y.shape, dtype: 'int32', low: 0, high: x.shape[0]! },
    ),
  ];
}

function makeStatistics(g: Generator): Variable[] | undefined {
  const x = g.float(array);
  if (!array(x)) return undefined;
  const axis = g.random.integer(0, x.shape.length - 1);
  const name = g.random.choose(['mean', 'logsumexp', 'softmax']);
  const shape = without(x.shape, [axis]);
  if (name === 'mean')
    return [g.emit('mean', `np.mean($0, { axis: ${axis} })`, `jnp.mean($0, axis=${axis})`, [x], { ...x, shape })];
  const expanded = { ...x, low: 0, high: 1 };
  if (name === 'softmax') {
    const js = `(() => { const e = lax.exp(lax.sub($0, np.max($0, { axis: ${axis}, keepdims: true }))); return lax.div(e, np.sum(e, { axis: ${axis}, keepdims: true })); })()`;
    return [g.emit('softmax', js, `jax.nn.softmax($0, axis=${axis})`, [x], expanded)];
  }
  const js = `lax.log(lax.sum(lax.exp($0), { axis: [${axis}] }))`;
  const y = g.within(x, -5, 5);
  return [
    g.emit('logsumexp', js, `jnp.log(jnp.sum(jnp.exp($0), axis=${axis}))`, [y], {
      ...y,
      shape,
      low: y.low,
      high: y.high + 3,
    }),
  ];
}

/** Real numbers to their transform or back from a half: both parts added up, which differ in their derivatives. */
function makeTransform(g: Generator): Variable[] | undefined {
  const x = g.float(array);
  if (!array(x)) return undefined;
  const axis = g.random.integer(0, x.shape.length - 1);
  const n = x.shape[axis]!;
  const reach = Math.max(Math.abs(x.low), Math.abs(x.high));
  const name = g.random.choose(['fft', 'rfft', 'irfft', 'ifft'] as const);
  const length = name === 'irfft' ? 2 * n - 1 - g.random.integer(0, n > 1 ? 1 : 0) : name === 'rfft' ? (n >> 1) + 1 : n;
  const out = {
    shape: x.shape.map((m, i) => (i === axis ? length : m)),
    low: -2 * n * reach,
    high: 2 * n * reach,
  };
  const js = {
    fft: `np.fft.fft($0, { axis: ${axis} })`,
    rfft: `np.fft.rfft($0, { axis: ${axis} })`,
    irfft: `np.fft.irfft($0, { axis: ${axis}, n: ${length} })`,
    ifft: `np.fft.ifft(np.fft.fft($0, { axis: ${axis} }), { axis: ${axis}, norm: 'ortho' })`,
  }[name];
  const py = {
    fft: `jnp.fft.fft($0, axis=${axis})`,
    rfft: `jnp.fft.rfft($0, axis=${axis})`,
    irfft: `jnp.fft.irfft($0, axis=${axis}, n=${length})`,
    ifft: `jnp.fft.ifft(jnp.fft.fft($0, axis=${axis}), axis=${axis}, norm='ortho')`,
  }[name];
  if (name === 'irfft') return [g.emit(name, js, py, [x], { ...x, ...out })];
  const both = `((y) => lax.add(y.real, y.imag))(${js})`;
  return [g.emit(name, both, `(lambda y: jnp.real(y) + jnp.imag(y))(${py})`, [x], { ...x, ...out })];
}

export const folds: readonly Production[] = [
  { name: 'reduction', weight: 8, make: makeReduction },
  { name: 'integerReduction', weight: 2, make: makeIntegerReduction },
  { name: 'cumulative', weight: 3, make: makeCumulative },
  { name: 'argmax', weight: 2, make: makeArgument },
  { name: 'sort', weight: 4, make: makeSort },
  { name: 'partition', weight: 1.5, make: makePartition },
  { name: 'searchsorted', weight: 1, make: makeSearch },
  { name: 'statistics', weight: 2, make: makeStatistics },
  { name: 'fft', weight: 2, make: makeTransform },
];
