/** Transformations inside of programs, of functions that capture what is in scope; derivative rules of the user's. */
import type { Generator, Production, Result } from './generator.ts';
import { leaves, sizeOf, type Variable } from './program.ts';

/** Nothing is known of the size of derivatives. */
const unknown = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };

const list = (n: number, from = 0): string => Array.from({ length: n }, (_, i) => `$${from + i}`).join(', ');

const small = (v: Variable): boolean => sizeOf(v.shape) <= 6 && sizeOf(v.shape) > 0;

const someFloats = (g: Generator): Variable[] =>
  Array.from({ length: g.random.integer(1, 2) }, () => g.float((v) => v.dtype === g.dtype && small(v)));

function makeCall(g: Generator): Variable[] {
  const name = g.random.choose(['jit', 'checkpoint']);
  const args = someFloats(g);
  const f = g.function(args, g.random.integer(1, 3), (inner) => inner.float());
  const [y] = leaves(f.result);
  const text = `${name}(#0)(${list(args.length)})`;
  return g.emitStep(name, text, `jax.${text}`, args, [y!], [f], false);
}

function makeVmap(g: Generator): Variable[] | undefined {
  const x = g.float((v) => v.shape.length > 0 && v.shape.length <= 2 && sizeOf(v.shape) > 0);
  if (x.shape.length === 0 || sizeOf(x.shape) === 0) return undefined;
  const axis = g.random.integer(0, x.shape.length - 1);
  const n = x.shape[axis]!;
  const row: Result = { ...x, shape: x.shape.filter((_, i) => i !== axis) };
  const f = g.function([row], g.random.integer(1, 3), (inner) => inner.float((v) => sizeOf(v.shape) * n <= 24));
  const [y] = leaves(f.result);
  const out = g.random.integer(0, y!.shape.length);
  const shape = [...y!.shape.slice(0, out), n, ...y!.shape.slice(out)];
  return g.emitStep(
    'vmap',
    `vmap(#0, { inAxes: ${axis}, outAxes: ${out} })($0)`,
    `jax.vmap(#0, in_axes=${axis}, out_axes=${out})($0)`,
    [x],
    [{ ...y!, shape }],
    [f],
    false,
  );
}

/**
 * A result of a function that is differentiated at x. At times it is a product of the parameter with x itself, which the
 * function captures: one value, of which only one is differentiated.
 */
function resultAt(inner: Generator, x: Variable, param: Variable): Variable {
  const y = inner.float((v) => v.dtype === x.dtype);
  if (inner.random.chance(0.7)) return y;
  const [js, py] = inner.random.choose([
    ['lax.mul($0, $1)', 'jnp.multiply($0, $1)'],
    ['lax.mul($1, $0)', 'jnp.multiply($1, $0)'],
    ['lax.mul(lax.mul($0, $0), $1)', 'jnp.multiply(jnp.multiply($0, $0), $1)'],
    ['lax.sub(lax.div($0, lax.add(lax.square($1), 1)), $1)', '$0 / ($1 * $1 + 1) - $1'],
  ] as const);
  return inner.emit('product', js, py, [param, x], { ...x, ...unknown });
}

/** A scalar function of one array. */
const scalar = (g: Generator, x: Variable) =>
  g.function([x], g.random.integer(1, 3), (inner, [param]) => {
    const y = resultAt(inner, x, param!);
    return inner.emit('sum', 'np.sum($0)', 'jnp.sum($0)', [y], { ...y, shape: [], ...unknown });
  });

function makeGrad(g: Generator): Variable[] {
  const x = g.float((v) => v.dtype === g.dtype && small(v));
  const f = g.reversibly(() => scalar(g, x));
  const kind = g.random.next();
  if (kind < 0.6)
    return g.emitStep('grad', 'grad(#0)(@0)', 'jax.grad(#0)($0)', [x], [{ ...x, ...unknown }], [f], false);
  const shape = [...x.shape, ...x.shape];
  const [a, b] = g.random.choose([
    ['jacfwd', 'jacrev'],
    ['jacrev', 'jacrev'],
    ['jacrev', 'jacfwd'],
  ]);
  return g.emitStep(
    'hessian',
    `${a}(${b}(#0))(@0)`,
    `jax.${a}(jax.${b}(#0))($0)`,
    [x],
    [{ ...x, ...unknown, shape }],
    [f],
    false,
  );
}

function makeDirectional(g: Generator): Variable[] {
  const x = g.float((v) => v.dtype === g.dtype && small(v));
  const f = g.reversibly(() => g.function([x], g.random.integer(1, 3), (inner, [param]) => resultAt(inner, x, param!)));
  const [y] = leaves(f.result);
  const kind = g.random.choose(['jvp', 'vjp', 'linearize', 'jacfwd', 'jacrev'] as const);
  if (kind === 'jacfwd' || kind === 'jacrev') {
    const shape = [...y!.shape, ...x.shape];
    return g.emitStep(kind, `${kind}(#0)(@0)`, `jax.${kind}(#0)($0)`, [x], [{ ...x, ...unknown, shape }], [f], false);
  }
  if (kind === 'vjp') {
    const ct = g.floatOf(y!.shape, y!.dtype);
    return g.emitStep(
      kind,
      'vjp(#0, [@0])[1]($1)[0]',
      'jax.vjp(#0, $0)[1]($1)[0]',
      [x, ct],
      [{ ...x, ...unknown }],
      [f],
      false,
    );
  }
  const t = g.floatOf(x.shape, x.dtype);
  const [js, py] = {
    jvp: ['jvp(#0, [@0], [$1])[1]', 'jax.jvp(#0, [$0], [$1])[1]'],
    linearize: ['linearize(#0, [@0])[1]($1)', 'jax.linearize(#0, $0)[1]($1)'],
  }[kind] as [string, string];
  return g.emitStep(kind, js, py, [x, t], [{ ...y!, ...unknown }], [f], false);
}

/** The rule is the derivative that the function has anyway, so that every property still holds. */
function makeCustom(g: Generator): Variable[] {
  const kind = g.random.choose(['customJvp', 'customVjp'] as const);
  const args = someFloats(g);
  // What a customVjp function captures must not be differentiated; JAX wants that of customJvp too.
  const closed = kind === 'customVjp' || g.limits.jax;
  const make = () => g.function(args, g.random.integer(1, 2), (inner) => inner.float(), closed);
  const f = kind === 'customVjp' ? g.reversibly(make) : make();
  const [y] = leaves(f.result);
  const call = `return c(${list(args.length)});`;
  const js =
    kind === 'customJvp'
      ? `((h) => { const c = customJvp(h); c.defjvp((x, dx) => jvp(h, x, dx)); ${call} })(#0)`
      : `((h) => { const c = customVjp(h); c.defvjp((...x) => [h(...x), x], (x, ct) => vjp(h, x)[1](ct)); ${call} })(#0)`;
  const py = `${kind === 'customJvp' ? 'custom_jvp_of' : 'custom_vjp_of'}(#0)(${list(args.length)})`;
  return g.emitStep(kind, js, py, args, [y!], [f], false);
}

/** The rule is the function on lanes. JAX's has no reverse mode: there, the function itself. */
function makeCustomBatching(g: Generator): Variable[] {
  const args = someFloats(g);
  const f = g.function(args, g.random.integer(1, 2), (inner) => inner.float());
  const [y] = leaves(f.result);
  const rule = '(_, b, ...x) => [vmap(h, { inAxes: b.map((has) => (has ? 0 : null)) })(...x), true]';
  const js = `((h) => { const c = customBatching(h); c.defVmap(${rule}); return c(${list(args.length)}); })(#0)`;
  return g.emitStep('customBatching', js, `#0(${list(args.length)})`, args, [y!], [f], false);
}

/** Functions of (w, x) whose derivative in x is made of themselves, with that derivative as a rule and w captured. */
const selfCalling = [
  ['lax.tanh(lax.mul(w, x))', 'lax.mul(w, lax.sub(1, lax.square(f(x))))', 'jnp.tanh($1 * $0)'],
  ['lax.logistic(lax.mul(w, x))', 'lax.mul(lax.mul(w, f(x)), lax.sub(1, f(x)))', 'lax.logistic($1 * $0)'],
  ['lax.exp(lax.mul(w, x))', 'lax.mul(w, f(x))', 'jnp.exp($1 * $0)'],
  ['lax.tan(lax.mul(w, x))', 'lax.mul(w, lax.add(lax.square(f(x)), 1))', 'jnp.tan($1 * $0)'],
] as const;

/** In JAX, where such captures are errors, as an ordinary function: the derivatives are the same. */
function makeSelfCalling(g: Generator): Variable[] {
  const x = g.within(
    g.float((v) => small(v) && v.dtype === g.dtype),
    -1,
    1,
  );
  const w = g.within(g.random.chance(0.3) ? x : g.floatOf(g.random.chance(0.5) ? [] : x.shape, x.dtype), -1, 1);
  const out = { ...x, low: -3, high: 3 };
  if (g.random.chance(0.25)) {
    // Two functions whose rules call each other.
    const sin = '(x) => lax.sin(lax.mul(w, x))';
    const cos = '(x) => lax.cos(lax.mul(w, x))';
    const rules = [
      's.defjvp(([x], [dx]) => [s(x), lax.mul(lax.mul(w, c(x)), dx)]);',
      'c.defjvp(([x], [dx]) => [c(x), lax.mul(lax.mul(w, s(x)), lax.neg(dx))]);',
    ];
    const js = `((w) => { const [s, c] = [customJvp(${sin}), customJvp(${cos})]; ${rules.join(' ')} return s; })($1)(@0)`;
    return [g.emit('selfCalling', js, 'jnp.sin($1 * $0)', [x, w], out)];
  }
  const [value, derivative, py] = g.random.choose(selfCalling);
  // At times with an array that the rule makes.
  const one = `np.sum(np.array([0.25, 0.75], { dtype: '${x.dtype}' }))`;
  const slope = g.random.chance(0.3) ? `lax.mul(${derivative}, ${one})` : derivative;
  const js = g.random.chance(0.5)
    ? `const f = customJvp((x) => ${value}); f.defjvp(([x], [dx]) => [f(x), lax.mul(${slope}, dx)]);`
    : `const f = customVjp((x) => ${value}); f.defvjp((x) => [f(x), x], (x, ct) => [lax.mul(${slope}, ct)]);`;
  return [g.emit('selfCalling', `((w) => { ${js} return f; })($1)(@0)`, py, [x, w], out)];
}

function makeEffect(g: Generator): Variable[] | undefined {
  const v = g.pick(() => true);
  return v && [g.seen(v)];
}

export const nestedTransforms: readonly Production[] = [
  { name: 'call', weight: 2, nests: true, make: makeCall },
  { name: 'vmap', weight: 3, nests: true, make: makeVmap },
  { name: 'grad', weight: 3, nests: true, make: makeGrad },
  { name: 'directional', weight: 3, nests: true, make: makeDirectional },
  { name: 'customRule', weight: 3, nests: true, make: makeCustom },
  { name: 'customBatching', weight: 2, nests: true, make: makeCustomBatching },
  { name: 'selfCalling', weight: 2, make: makeSelfCalling },
  { name: 'effect', weight: 2, make: makeEffect },
];
