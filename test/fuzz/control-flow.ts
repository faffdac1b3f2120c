/** Branches and loops, whose functions capture what is in scope. */
import type { Generator, Production, Result } from './generator.ts';
import { type Group, leaves, sizeOf, type Variable } from './program.ts';

/** Carries stay in this interval, so that a loop can be repeated any number of times. */
const reach = 1.5;

const kept = (v: Variable, g: Generator): Variable => g.within(g.bounded(v), -reach, reach);

const list = (from: number, n: number): string => Array.from({ length: n }, (_, i) => `$${from + i}`).join(', ');
const group = (from: number, n: number): string => `[${list(from, n)}]`;
const pythonGroup = (from: number, n: number): string => `(${list(from, n)}${n > 0 ? ',' : ''})`;

/** Types of one or two results. */
function resultTypes(g: Generator): Result[] {
  const types: Result[] = [{ shape: g.shape(2), dtype: g.dtype }];
  if (g.random.chance(0.3))
    types.push(g.random.chance(0.5) ? { shape: g.shape(1), dtype: 'int32' } : { shape: g.shape(1), dtype: g.dtype });
  return types;
}

/** Random operands for branches: parameters with the intervals of what is passed. */
function operands(g: Generator): Variable[] {
  return Array.from({ length: g.random.integer(0, 2) }, () => g.float());
}

const returning =
  (types: readonly Result[]) =>
  (g: Generator): Group =>
    types.map((t) => {
      const v = t.dtype === 'int32' ? g.discrete('int32', t.shape) : g.floatOf(t.shape, t.dtype);
      return g.random.chance(0.15) ? g.seen(v) : v;
    });

/** Intervals of results that may come from any of the functions. */
function joined(types: readonly Result[], results: readonly Group[]): Result[] {
  return types.map((t, i) => {
    const all = results.map((r) => leaves(r)[i]!);
    return { ...t, low: Math.min(...all.map((v) => v.low)), high: Math.max(...all.map((v) => v.high)) };
  });
}

function makeCond(g: Generator): Variable[] {
  const pred = g.shaped(g.discrete('bool'), []);
  const args = operands(g);
  const types = resultTypes(g);
  const branches = [0, 1].map(() => g.function(args, g.random.integer(0, 2), returning(types)));
  const text = `lax.cond($0, #0, #1${args.map((_, i) => `, $${i + 1}`).join('')})`;
  return g.emitStep(
    'cond',
    text,
    text,
    [pred, ...args],
    joined(
      types,
      branches.map((b) => b.result),
    ),
    branches,
  );
}

function makeSwitch(g: Generator): Variable[] {
  const index = g.shaped(g.discrete('int32'), []);
  const args = operands(g);
  const types = resultTypes(g);
  const count = g.random.integer(2, 3);
  const branches = Array.from({ length: count }, () => g.function(args, g.random.integer(0, 2), returning(types)));
  const rest = args.map((_, i) => `, $${i + 1}`).join('');
  const text = `lax.switch($0, [${branches.map((_, i) => `#${i}`).join(', ')}]${rest})`;
  return g.emitStep(
    'switch',
    text,
    text,
    [index, ...args],
    joined(
      types,
      branches.map((b) => b.result),
    ),
    branches,
  );
}

/** Initial values of one or two carries. */
function initial(g: Generator): Variable[] {
  const n = g.random.integer(1, 2);
  return Array.from({ length: n }, () =>
    kept(
      g.float((v) => v.dtype === g.dtype && sizeOf(v.shape) <= 12),
      g,
    ),
  );
}

/** A number of steps that the program computes: from 0 to 4. */
function computedCount(g: Generator): Variable {
  const n = g.shaped(g.discrete('int32'), []);
  return g.emit('clamp', 'lax.clamp(0, $0, 4)', 'jnp.clip($0, 0, 4)', [n], {
    shape: [],
    dtype: 'int32',
    low: 0,
    high: 4,
  });
}

const counter: Result = { shape: [], dtype: 'int32', low: 0, high: 8 };

/** The new carries, from parameters that lead with what is not carried. */
const stepped =
  (init: readonly Variable[], from: number) =>
  (g: Generator, params: readonly Variable[]): Variable[] =>
    init.map((v, i) => {
      const own = params[from + i]!;
      const next = g.random.chance(0.8) ? g.floatOf(v.shape, v.dtype) : own;
      const changed = kept(next.id === own.id && g.random.chance(0.7) ? scaled(g, own) : next, g);
      return g.random.chance(0.1) ? g.seen(changed) : changed;
    });

const scaled = (g: Generator, v: Variable): Variable =>
  g.emit('sin', 'lax.sin(lax.add($0, 0.25))', 'lax.sin(jnp.add($0, 0.25))', [v], { ...v, low: -1, high: 1 });

const asCarry = (v: Variable): Result => ({ shape: v.shape, dtype: v.dtype, low: -reach, high: reach });

function makeWhile(g: Generator): Variable[] | undefined {
  const bounded = g.mustReverse || g.random.chance(0.4);
  if (bounded && g.limits.jax && g.mustReverse) return undefined;
  const count = computedCount(g);
  const init = initial(g);
  const types = [counter, ...init.map(asCarry)];
  const cond = g.function([types], 0, (inner, [i, x]) => {
    const float = inner.random.chance(0.3) && x;
    const js = float ? 'lax.and(lax.lt($0, $1), lax.lt(np.sum($2), 1.9))' : 'lax.lt($0, $1)';
    const py = float
      ? 'lax.bitwise_and(lax.lt($0, $1), lax.lt(jnp.sum($2), np.array(1.9, $2.dtype)))'
      : 'lax.lt($0, $1)';
    return inner.emit('lt', js, py, float ? [i!, count, x] : [i!, count], { shape: [], dtype: 'bool' });
  });
  const body = g.function([types], g.random.integer(1, 2), (inner, params) => {
    const next = inner.emit('add', 'lax.add($0, 1)', 'jnp.add($0, 1)', [params[0]!], counter);
    return [next, ...stepped(init, 1)(inner, params)];
  });
  const start = `[np.array(0, { dtype: 'int32' }), ${list(0, init.length)}]`;
  const python = `(jnp.array(0, 'int32'), ${list(0, init.length)},)`;
  const js = `lax.whileLoop(#0, #1, ${start}${bounded ? ', { maxSteps: 5 }' : ''})`;
  const py = bounded ? `bounded_while(#0, #1, ${python}, 5)` : `lax.while_loop(#0, #1, ${python})`;
  return g.emitStep(
    bounded ? 'boundedWhile' : 'whileLoop',
    js,
    py,
    init,
    [counter, ...init.map(asCarry)],
    [cond, body],
  );
}

function makeFori(g: Generator): Variable[] {
  const dynamic = !g.mustReverse && g.random.chance(0.25);
  const init = initial(g);
  const count = dynamic ? [computedCount(g)] : [];
  const n = dynamic ? `$${init.length}` : String(g.random.integer(0, 4));
  const body = g.function([counter, init.map(asCarry)], g.random.integer(1, 2), stepped(init, 1));

  return g.emitStep(
    dynamic ? 'whileLoop' : 'foriLoop',
    `lax.foriLoop(0, ${n}, #0, ${group(0, init.length)})`,
    `lax.fori_loop(0, ${n}, #0, ${pythonGroup(0, init.length)})`,
    [...init, ...count],
    init.map(asCarry),
    [body],
  );
}

function makeScan(g: Generator): Variable[] {
  const init = initial(g);
  const xs = g.random.chance(0.75)
    ? [g.float((v) => v.shape.length > 0 && v.shape.length <= 2 && v.shape[0]! > 0)].filter((v) => v.shape.length > 0)
    : [];
  const length = xs[0]?.shape[0] ?? g.random.integer(1, 4);
  const slices = xs.map((x): Result => ({ ...x, shape: x.shape.slice(1) }));
  let ys: Variable[] = [];
  const body = g.function([init.map(asCarry), slices], g.random.integer(1, 3), (inner, params) => {
    const carry = stepped(init, 0)(inner, params);
    const y = inner.float((v) => sizeOf(v.shape) * length <= 24);
    ys = inner.random.chance(0.7) && sizeOf(y.shape) * length <= 24 ? [y] : [];
    return [carry, ys];
  });
  const reverse = g.random.chance(0.3);
  const n = init.length;
  const options = xs.length ? `{ reverse: ${reverse} }` : `{ reverse: ${reverse}, length: ${length} }`;
  const js = `lax.scan(#0, ${group(0, n)}, ${group(n, xs.length)}, ${options}).flat()`;
  const py = `leaves(lax.scan(#0, ${pythonGroup(0, n)}, ${pythonGroup(n, xs.length)}, length=${length}, reverse=${reverse ? 'True' : 'False'}))`;
  const stacked = ys.map((y): Result => ({ ...y, shape: [length, ...y.shape] }));
  return g.emitStep('scan', js, py, [...init, ...xs], [...init.map(asCarry), ...stacked], [body]);
}

function makeMap(g: Generator): Variable[] | undefined {
  const x = g.float((v) => v.shape.length > 0 && v.shape[0]! > 0);
  if (x.shape.length === 0) return undefined;
  const f = g.function([{ ...x, shape: x.shape.slice(1) }], g.random.integer(1, 3), (inner) =>
    inner.float((v) => sizeOf(v.shape) * x.shape[0]! <= 24),
  );
  const [y] = leaves(f.result);
  return g.emitStep(
    'map',
    'lax.map(#0, $0)',
    'lax.map(#0, $0)',
    [x],
    [{ ...y!, shape: [x.shape[0]!, ...y!.shape] }],
    [f],
    false,
  );
}

function makeAssociative(g: Generator): Variable[] | undefined {
  const x = g.float((v) => v.shape.length > 0 && sizeOf(v.shape) > 0);
  if (x.shape.length === 0 || sizeOf(x.shape) === 0) return undefined;
  const axis = g.random.integer(0, x.shape.length - 1);
  const reverse = g.random.chance(0.4);
  const [js, py] = g.random.choose([
    ['lax.add', 'jnp.add'],
    ['lax.mul', 'jnp.multiply'],
    ['lax.max', 'jnp.maximum'],
  ] as const);
  const y = kept(x, g);
  const high = js === 'lax.add' ? reach * x.shape[axis]! : js === 'lax.mul' ? reach ** x.shape[axis]! : reach;
  return [
    g.emit(
      'associativeScan',
      `lax.associativeScan(${js}, $0, { axis: ${axis}, reverse: ${reverse} })`,
      `lax.associative_scan(${py}, $0, axis=${axis}, reverse=${reverse ? 'True' : 'False'})`,
      [y],
      { ...y, low: -high, high },
    ),
  ];
}

export const controlFlow: readonly Production[] = [
  { name: 'cond', weight: 4, nests: true, make: makeCond },
  { name: 'switch', weight: 2, nests: true, make: makeSwitch },
  { name: 'while', weight: 3, nests: true, make: makeWhile },
  { name: 'fori', weight: 3, nests: true, make: makeFori },
  { name: 'scan', weight: 6, nests: true, make: makeScan },
  { name: 'map', weight: 2, nests: true, make: makeMap },
  { name: 'associativeScan', weight: 1, make: makeAssociative },
];
