/** Arrays put together, taken apart and turned around. */
import { type Generator, type Production, tuple } from './generator.ts';
import { sizeOf, type Variable } from './program.ts';

/** Mostly floats, at times integers or bools. */
const anything = (g: Generator, accepts: (v: Variable) => boolean = () => true): Variable =>
  (g.random.chance(0.15) ? g.pick((v) => accepts(v) && v.shape.length <= 3) : undefined) ?? g.float(accepts);

const array = (v: Variable): boolean => v.shape.length > 0 && sizeOf(v.shape) > 0;

const literal = (v: Variable): string => (v.dtype === 'bool' ? 'false' : '0');
const pythonZero = (v: Variable): string => `jnp.zeros((), '${v.dtype}')`;

function makeReshape(g: Generator): Variable[] {
  const x = anything(g);
  const n = sizeOf(x.shape);
  const shapes = [[n], [1, n], [n, 1], ...[2, 3, 4].filter((d) => n % d === 0).map((d) => [d, n / d])];
  return [g.reshape(x, g.random.choose(shapes))];
}

function makeTranspose(g: Generator): Variable[] | undefined {
  const x = anything(g, (v) => v.shape.length >= 2);
  if (x.shape.length < 2) return undefined;
  const order = g.random.shuffle(x.shape.map((_, i) => i));
  const shape = order.map((i) => x.shape[i]!);
  return [
    g.emit('transpose', `lax.transpose($0, [${order}])`, `lax.transpose($0, (${tuple(order)}))`, [x], { ...x, shape }),
  ];
}

function makeBroadcast(g: Generator): Variable[] {
  const x = anything(g, (v) => v.shape.length <= 2);
  const [n, before] = [g.random.integer(1, 4), g.random.chance(0.5)];
  const rank = x.shape.length;
  const shape = before ? [n, ...x.shape] : [...x.shape, n];
  const axes = x.shape.map((_, i) => (before ? i + 1 : i));
  const js = `lax.broadcastInDim($0, [${shape}], [${axes}])`;
  const py = `lax.broadcast_in_dim($0, (${tuple(shape)}), (${rank ? tuple(axes) : ''}))`;
  return [g.emit('broadcast_in_dim', js, py, [x], { ...x, shape })];
}

function makeConcatenate(g: Generator): Variable[] | undefined {
  const x = anything(g, (v) => v.shape.length > 0);
  if (x.shape.length === 0) return undefined;
  const axis = g.random.integer(0, x.shape.length - 1);
  const same = (v: Variable): boolean =>
    v.dtype === x.dtype && v.shape.length === x.shape.length && v.shape.every((n, i) => i === axis || n === x.shape[i]);
  const y = g.pick(same) ?? x;
  const shape = x.shape.map((n, i) => (i === axis ? n + y.shape[i]! : n));
  const range = { low: Math.min(x.low, y.low), high: Math.max(x.high, y.high) };
  return [
    g.emit('concatenate', `lax.concatenate([$0, $1], ${axis})`, `lax.concatenate([$0, $1], ${axis})`, [x, y], {
      ...x,
      ...range,
      shape,
    }),
  ];
}

function makePad(g: Generator): Variable[] {
  const x = anything(g);
  const config = x.shape.map((n) => {
    const low = g.random.integer(-1, 2);
    const interior = g.random.chance(0.25) ? g.random.integer(1, 2) : 0;
    const middle = n + Math.max(0, n - 1) * interior;
    return [low, Math.max(g.random.integer(-1, 2), -(middle + low)), interior] as const;
  });
  const shape = x.shape.map((n, i) => config[i]![0] + n + Math.max(0, n - 1) * config[i]![2] + config[i]![1]);
  const js = `[${config.map((c) => `[${c}]`)}]`;
  const py = `[${config.map((c) => `(${c})`)}]`;
  const value = g.random.chance(0.4) ? g.pick((v) => v.dtype === x.dtype && v.shape.length === 0) : undefined;
  if (value) {
    const range = { low: Math.min(x.low, value.low), high: Math.max(x.high, value.high) };
    return [g.emit('pad', `lax.pad($0, $1, ${js})`, `lax.pad($0, $1, ${py})`, [x, value], { ...x, ...range, shape })];
  }
  const range = { low: Math.min(x.low, 0), high: Math.max(x.high, 0) };
  return [
    g.emit('pad', `lax.pad($0, ${literal(x)}, ${js})`, `lax.pad($0, ${pythonZero(x)}, ${py})`, [x], {
      ...x,
      ...range,
      shape,
    }),
  ];
}

function makeSlice(g: Generator): Variable[] | undefined {
  const x = anything(g, array);
  if (!array(x)) return undefined;
  const starts = x.shape.map((n) => g.random.integer(0, n - 1));
  const limits = x.shape.map((n, i) => g.random.integer(starts[i]! + 1, n));
  const strides = x.shape.map(() => (g.random.chance(0.3) ? 2 : 1));
  const shape = x.shape.map((_, i) => Math.ceil((limits[i]! - starts[i]!) / strides[i]!));
  const [js, py] = [
    [starts, limits, strides].map((a) => `[${a}]`),
    [starts, limits, strides].map((a) => `(${tuple(a)})`),
  ];
  return [g.emit('slice', `lax.slice($0, ${js})`, `lax.slice($0, ${py})`, [x], { ...x, shape })];
}

function makeReverse(g: Generator): Variable[] | undefined {
  const x = anything(g, array);
  if (!array(x)) return undefined;
  const axes = x.shape.map((_, i) => i).filter(() => g.random.chance(0.6));
  return [g.emit('rev', `lax.reverse($0, [${axes}])`, `lax.rev($0, (${axes.length ? tuple(axes) : ''}))`, [x], x)];
}

/** An integer scalar to index with: computed, and at times out of bounds. */
const position = (g: Generator): Variable => g.shaped(g.discrete('int32'), []);

function makeDynamicSlice(g: Generator): Variable[] | undefined {
  const x = anything(g, (v) => array(v) && v.shape.length <= 2);
  if (!array(x) || x.shape.length > 2) return undefined;
  const sizes = x.shape.map((n) => g.random.integer(1, n));
  const starts = x.shape.map(() => position(g));
  const list = starts.map((_, i) => `$${i + 1}`);
  const js = `lax.dynamicSlice($0, [${list}], [${sizes}])`;
  return [
    g.emit('dynamic_slice', js, `lax.dynamic_slice($0, (${list.join(', ')},), (${tuple(sizes)}))`, [x, ...starts], {
      ...x,
      shape: sizes,
    }),
  ];
}

function makeDynamicUpdate(g: Generator): Variable[] | undefined {
  const x = g.float((v) => array(v) && v.shape.length <= 2);
  if (!array(x) || x.shape.length > 2) return undefined;
  const sizes = x.shape.map((n) => g.random.integer(1, n));
  const update = g.floatOf(sizes, x.dtype);
  const starts = x.shape.map(() => position(g));
  const list = starts.map((_, i) => `$${i + 2}`);
  const range = { low: Math.min(x.low, update.low), high: Math.max(x.high, update.high) };
  return [
    g.emit(
      'dynamic_update_slice',
      `lax.dynamicUpdateSlice($0, $1, [${list}])`,
      `lax.dynamic_update_slice($0, $1, (${list.join(', ')},))`,
      [x, update, ...starts],
      { ...x, ...range },
    ),
  ];
}

/** Rows, or single elements, at computed positions of an axis. */
function gatherAlong(g: Generator) {
  const x = g.float((v) => array(v) && v.shape.length <= 2);
  if (!array(x) || x.shape.length > 2) return undefined;
  const axis = g.random.integer(0, x.shape.length - 1);
  const n = g.random.integer(1, 4);
  const near = g.pick((v) => v.dtype === 'int32' && v.shape.length === 1 && v.shape[0] === n);
  const indices = g.reshape(near ?? g.discrete('int32', [n]), [n, 1]);
  return { x, axis, n, indices, mode: g.random.choose(['clip', 'fill']) };
}

function makeGather(g: Generator): Variable[] | undefined {
  const at = gatherAlong(g);
  if (!at) return undefined;
  const { x, axis, n, indices, mode } = at;
  const rest = x.shape.filter((_, i) => i !== axis);
  const offset = rest.map((_, i) => i + 1);
  const sizes = x.shape.map((m, i) => (i === axis ? 1 : m));
  const js = `lax.gather($0, $1, { sliceSizes: [${sizes}], offsetDims: [${offset}], collapsedSliceDims: [${axis}], startIndexMap: [${axis}], mode: '${mode}', fillValue: 0.5 })`;
  const dims = `lax.GatherDimensionNumbers((${offset.length ? tuple(offset) : ''}), (${axis},), (${axis},))`;
  const py = `lax.gather($0, $1, ${dims}, (${tuple(sizes)}), mode='${mode}', fill_value=0.5)`;
  const range = { low: Math.min(x.low, 0.5), high: Math.max(x.high, 0.5) };
  return [g.emit('gather', js, py, [x, indices], { ...x, ...range, shape: [n, ...rest] })];
}

function makeScatter(g: Generator): Variable[] | undefined {
  const at = gatherAlong(g);
  if (!at) return undefined;
  const { x, axis, n, indices } = at;
  const rest = x.shape.filter((_, i) => i !== axis);
  const window = rest.map((_, i) => i + 1);
  const name = g.random.choose(['scatter', 'scatterAdd', 'scatterAdd', 'scatterMin', 'scatterMax', 'scatterMul']);
  // Where 'clip' moves an index, JAX's derivative of minima and maxima is NaN.
  const extreme = name === 'scatterMin' || name === 'scatterMax';
  const mode = extreme && g.limits.jax ? 'fill' : at.mode;
  const target = name === 'scatterMul' ? g.within(x, -1.5, 1.5) : x;
  // The last of several writes to one element stays here, an unspecified one in JAX; derivatives of products need unique ones.
  const unique = name === 'scatter' || name === 'scatterMul';
  const apart = Math.min(n, x.shape[axis]!);
  const places = unique
    ? g.emit(
        'iota',
        `lax.broadcastedIota('int32', [${apart}, 1], 0)`,
        `lax.broadcasted_iota('int32', (${apart}, 1), 0)`,
        [],
        { shape: [apart, 1], dtype: 'int32', low: 0, high: apart },
      )
    : indices;
  const count = unique ? apart : n;
  const given = g.floatOf([count, ...rest], x.dtype);
  const updates = name === 'scatterMul' ? g.within(given, -1.5, 1.5) : given;
  const options = `{ updateWindowDims: [${window}], insertedWindowDims: [${axis}], scatterDimsToOperandDims: [${axis}], mode: '${mode}', uniqueIndices: ${unique} }`;
  const dims = `lax.ScatterDimensionNumbers((${window.length ? tuple(window) : ''}), (${axis},), (${axis},))`;
  const python = {
    scatter: 'scatter',
    scatterAdd: 'scatter_add',
    scatterMin: 'scatter_min',
    scatterMax: 'scatter_max',
    scatterMul: 'scatter_mul',
  }[name];
  const py = `lax.${python}($0, $1, $2, ${dims}, mode='${mode}', unique_indices=${unique ? 'True' : 'False'})`;
  const reach =
    Math.max(Math.abs(target.low), Math.abs(target.high)) + n * Math.max(Math.abs(updates.low), Math.abs(updates.high));
  return [
    g.emit(python!, `lax.${name}($0, $1, $2, ${options})`, py, [target, places, updates], {
      ...x,
      low: -reach,
      high: reach,
    }),
  ];
}

/** NumPy's indexing, read and updated. */
function makeIndex(g: Generator): Variable[] | undefined {
  const x = g.float(array);
  if (!array(x)) return undefined;
  const i = g.random.integer(-x.shape[0]!, x.shape[0]! - 1);
  const rest = x.shape.slice(1);
  if (g.random.chance(0.4)) return [g.emit('index', `$0.slice(${i})`, `$0[${i}]`, [x], { ...x, shape: rest })];
  const update = g.floatOf(rest, x.dtype);
  const name = g.random.choose(['set', 'add', 'mul']);
  const reach = (v: Variable): number => Math.max(Math.abs(v.low), Math.abs(v.high));
  const high = name === 'mul' ? Math.max(1, reach(x)) * Math.max(1, reach(update)) : reach(x) + reach(update);
  const py = `$0.at[${i}].${name === 'mul' ? 'multiply' : name}($1)`;
  return [g.emit('at', `$0.at(${i}).${name}($1)`, py, [x, update], { ...x, low: -high, high })];
}

export const movement: readonly Production[] = [
  { name: 'reshape', weight: 3, make: makeReshape },
  { name: 'transpose', weight: 3, make: makeTranspose },
  { name: 'broadcast', weight: 3, make: makeBroadcast },
  { name: 'concatenate', weight: 3, make: makeConcatenate },
  { name: 'pad', weight: 3, make: makePad },
  { name: 'slice', weight: 3, make: makeSlice },
  { name: 'reverse', weight: 2, make: makeReverse },
  { name: 'dynamicSlice', weight: 3, make: makeDynamicSlice },
  { name: 'dynamicUpdateSlice', weight: 2, make: makeDynamicUpdate },
  { name: 'gather', weight: 3, make: makeGather },
  { name: 'scatter', weight: 4, make: makeScatter },
  { name: 'index', weight: 2, make: makeIndex },
];
