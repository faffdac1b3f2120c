/** What a user reads after a mistake in a function that is transformed, to the letter. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import t from 'tap';
import { grad, hessian, jacfwd, jit, jvp, lax, np, tree, vjp, vmap } from '../src/index.ts';
import { any, saysIn, sourceFile, thrown } from './lib/mistakes.ts';

const says = saysIn(import.meta.url);
const x = any(np.array([1, 2, 3]));
const weights = any(np.ones([3, 4]));
const [yes, no] = [any((v: any) => v), any((v: any) => v.sum())];
/** A function of no file. */
const evaluate = (text: string): any => new Function(`return ${text}`)();

const here = sourceFile(import.meta.url);
const source = readFileSync(here, 'utf8').split('\n');

t.test('gradients', async (t) => {
  const loss: any = (params: any) => params.w.mul(2);
  says(
    t,
    () => grad(loss)({ w: x }),
    'GradError: grad needs a scalar, but `loss` returned f32[3].',
    'hint: reduce it, as in `result.sum()`, or ask for all of it with `jacobian`',
  );
  says(
    t,
    () => grad(loss)({ w: np.array(1, { dtype: 'int32' }) }),
    'GradError: grad needs floating-point arguments, but `params.w` of `loss` is i32[].',
    "hint: convert it with `.astype('float32')`, or choose others with `argnums`",
  );
  const second: any = (a: any, { b }: any) => a.mul(b.c).sum();
  says(
    t,
    () => grad(second, { argnums: [1] })(x, { b: { c: np.array([1], { dtype: 'int32' }) } }),
    'GradError: grad needs floating-point arguments, but `b.c` of `second` is i32[1].',
    "hint: convert it with `.astype('float32')`, or choose others with `argnums`",
  );
  says(
    t,
    () => jacfwd(second)(np.array([1], { dtype: 'int32' }), {}),
    'GradError: jacfwd needs floating-point arguments, but `a` of `second` is i32[1].',
    "hint: convert it with `.astype('float32')`, or choose others with `argnums`",
  );
  const ints: any = (v: any) => v.astype('int32').sum();
  says(t, () => grad(ints)(x), 'GradError: grad needs a floating-point result, but `ints` returned i32[].');
  const nothing: any = (v: any) => void v.sum();
  says(
    t,
    () => grad(nothing)(x),
    'GradError: grad needs a scalar, but `nothing` returned nothing.',
    'hint: return the value of the function',
  );
  const pair: any = (v: any) => [v.sum(), v.max()];
  says(
    t,
    () => grad(pair)(x),
    'GradError: grad needs a scalar, but `pair` returned a tree, [*, *].',
    'hint: to return values beside it, use `hasAux`',
  );
  says(
    t,
    () => grad(loss, { argnums: 1 })({ w: x }),
    'GradError: grad: argument 1 of `loss` was to be differentiated, but the call has 1 argument.',
  );
  says(
    t,
    () => hessian(any(x)),
    'TraceError: hessian: the first argument must be a function, but it is f32[3].',
    'hint: pass the function itself and call the result, as in `hessian(f)(x)`',
  );
  says(
    t,
    () => jvp(yes, x, x),
    'TreeError: jvp: the primals must be a list, one per argument, but got f32[3].',
    'hint: write `jvp(f, [x], [dx])`',
  );
  says(
    t,
    () => jvp(yes, [x], [np.ones([4])]),
    'TreeError: jvp: the tangent of primals[0] has type f32[4], but its value has type f32[3].',
  );
  says(
    t,
    () => vjp(yes, [x])[1]([x]),
    'TreeError: vjp: the cotangents have structure [*], but the values have structure *.',
  );
});

t.test('arguments of transformed functions', async (t) => {
  const step: any = (v: any, mode: any) => (mode === 'train' ? v : v.neg());
  says(
    t,
    () => jit(step)(x, 'train'),
    'TreeError: jit: `mode` of `step` is the string "train", which is not an array, a number or a tree of them.',
    "hint: make it static, `jit(f, { static: ['mode'] })`, or close over it",
  );
  says(
    t,
    () => jit(step, { static: [1] })(Promise.resolve(x), 'train'),
    'TreeError: jit: `v` of `step` is a Promise, which is not an array, a number or a tree of them.',
    'hint: await it before the call',
  );
  says(
    t,
    () => jit(step, { static: ['mod'] }),
    'TraceError: jit: `step` has no argument named `mod`; it has `v`, `mode`.',
    'hint: give its position instead',
  );
  says(
    t,
    () => jit(step, { static: [2] })(x, 1),
    'TraceError: jit: `step` has no argument 2 to be static: it has `v`, `mode`.',
  );
  says(
    t,
    () => jit(step, { donate: ['w'] }),
    'TraceError: jit: `step` has no argument named `w`; it has `v`, `mode`.',
    'hint: give its position instead',
  );
  says(
    t,
    () => jit(step, { donate: [2], static: [1] })(x, 'train'),
    'TraceError: jit: `step` has no argument 2 to be donated: it has `v`, `mode`.',
  );
  says(
    t,
    () => jit(step, { donate: ['mode'], static: [1] }),
    'TraceError: jit: argument 1 of `step` cannot be static and donated.',
  );
  const given = np.ones([300]).mul(2);
  jit(step, { donate: ['v'], static: ['mode'] })(given, 'test');
  t.ok(given.disposed, 'donated by name');
  const later: any = async (v: any) => v.mul(2);
  for (const operation of [jit, vmap])
    says(
      t,
      () => any(operation)(later)(x),
      `TraceError: ${operation.name}: \`later\` is async; a transformed function must compute with arrays only.`,
      'hint: await the data first and pass it as an argument',
    );
  const text: any = () => 'a';
  says(
    t,
    () => jit(text)(x),
    'TreeError: jit: the result of `text` is the string "a", which is not an array, a number or a tree of them.',
  );
  says(
    t,
    () =>
      tree.map(
        any((a: any) => a),
        { a: x },
        { b: x },
      ),
    'TreeError: tree.map: tree 1 has structure { b: * }, but the first has { a: * }.',
  );
  const both: any = (a: any, p: any) => a.add(p.w);
  says(
    t,
    () => vmap(both)(x, { w: np.ones([4]) }),
    'ShapeError: vmap: mapped axes of `both` differ in length: `a` has 3, `p.w` has 4.',
  );
  says(
    t,
    () => vmap(both, { inAxes: [2, null] })(weights, { w: x }),
    'ShapeError: vmap: `a` of `both` is f32[3,4] and has no axis 2 to map over.',
  );
  says(
    t,
    () => vmap(both, { inAxes: [0] })(x, { w: x }),
    'TreeError: vmap: inAxes is [0], which does not fit the arguments, [*, { w: * }].',
  );
  says(
    t,
    () => vmap(yes, { outAxes: 3 })(x),
    'ShapeError: vmap: result of the function is f32[3] with its lanes, which have no place at axis 3.',
  );
});

t.test('control flow', async (t) => {
  says(
    t,
    () =>
      lax.scan(
        any((c: any, v: any) => [np.concatenate([c, c]), v]),
        x,
        x,
      ),
    'CarryError: scan: the body changes the type of carry, from f32[3] to f32[6].',
  );
  says(
    t,
    () =>
      lax.scan(
        any((c: any, v: any) => [{ a: c }, v]),
        x,
        x,
      ),
    'TreeError: scan: the body returns a carry of structure { a: * }, but it was given *.',
  );
  // The counter that the loop carries beside the user's values is not spoken of.
  const upper = np.array(3);
  for (const bound of [3, upper]) {
    says(
      t,
      () => lax.foriLoop(0, bound, (_: unknown, c: any) => ({ w: np.concatenate([c.w, c.w]) }), { w: x }),
      'CarryError: foriLoop: the body changes the type of carry.w, from f32[3] to f32[6].',
    );
    says(
      t,
      () =>
        lax.foriLoop(
          0,
          bound,
          any((_: unknown, c: any) => ({ a: c })),
          x,
        ),
      'TreeError: foriLoop: the body returns a carry of structure { a: * }, but it was given *.',
    );
    says(
      t,
      () =>
        lax.foriLoop(
          0,
          bound,
          any((_: unknown, c: any) => {
            c.add(1);
          }),
          x,
        ),
      'TreeError: foriLoop: the body returned nothing, but it was given a carry of structure *.',
      'hint: return the next carry',
    );
  }
  says(
    t,
    () =>
      lax.whileLoop(
        any((c: any) => c.lt(3)),
        yes,
        x,
      ),
    'ControlFlowError: whileLoop: the condition must return a bool scalar, but it returned bool[3].',
  );
  says(
    t,
    () =>
      lax.whileLoop(
        any((c: any) => ({ a: c.lt(3) })),
        yes,
        0,
      ),
    'ControlFlowError: whileLoop: the condition must return a bool scalar, but it returned a tree, { a: * }.',
  );
  says(
    t,
    () => lax.cond(true, yes, no, x),
    'CarryError: cond: branches return different types: result is f32[] in onFalse and f32[3] in onTrue.',
  );
  says(t, () => lax.cond(true, yes, any(2), x), 'TraceError: cond: `onFalse` must be a function, but it is 2.');
  says(t, () => lax.switch(0, any([yes, x]), x), 'TraceError: switch: branch 1 must be a function, but it is f32[3].');
  says(t, () => lax.scan(x, yes, x), 'TraceError: scan: the body must be a function, but it is f32[3].');
  says(
    t,
    () => lax.whileLoop(any(true), yes, x),
    'TraceError: whileLoop: the condition must be a function, but it is true.',
  );
  says(
    t,
    () => lax.foriLoop(0, 2.5, (_, v: any) => v, x),
    'ControlFlowError: foriLoop: the upper bound must be an integer scalar, but it is 2.5.',
  );
  says(
    t,
    () => lax.foriLoop(0, x, (_, v: any) => v, x),
    'ControlFlowError: foriLoop: the upper bound must be an integer scalar, but it is f32[3].',
  );
  says(
    t,
    () =>
      lax.cond(
        true,
        (v: any) => [v],
        (v: any) => v,
        x,
      ),
    'TreeError: cond: branches return different structures: * in onFalse and [*] in onTrue.',
  );
  says(t, () => lax.cond(x.gt(1), yes, yes, x), 'DtypeError: cond: the predicate must be a scalar, but it is bool[3].');
  says(
    t,
    () => lax.switch(1.5, [yes, yes], x),
    'DtypeError: switch: the index must be an integer scalar, but it is 1.5.',
  );
});

t.test('assignments that compute', async (t) => {
  const traced = (v: any): any => v.mul(2);
  const message = (shown: string, hint: string) =>
    [
      `ControlFlowError: \`${shown}\`: JavaScript operators do not work on arrays, and an operand is f32[3].`,
      `hint: write \`${hint}\``,
    ] as const;
  let s: any = 0;
  says(t, () => (s += x), ...message('s += x', 's = s.add(x)'));
  says(t, () => (s -= x.mul(2)), ...message('s -= x.mul(2)', 's = s.sub(x.mul(2))'));
  says(t, () => (s *= traced(x)), ...message('s *= traced(x)', 's = s.mul(traced(x))'));
  const plus = (shown: string) =>
    `ControlFlowError: \`${shown}\`: JavaScript operators do not work on arrays, and an operand is f32[3].`;
  // biome-ignore lint/style/useTemplate: what is tested
  says(t, () => 'mean ' + x, plus("'mean ' + x"), 'hint: for its text write `String(x)`');
  // biome-ignore lint/style/useTemplate: what is tested
  says(t, () => x.mul(2) + ' end', plus("x.mul(2) + ' end'"), 'hint: for its text write `String(x.mul(2))`');
  says(
    t,
    () => (s += Math.sin(x)),
    'ControlFlowError: `Math.sin(x)`: JavaScript functions do not take arrays, and an operand is f32[3].',
    'hint: write `np.sin(x)`',
  );
});

t.test('values that are not known', async (t) => {
  const f: any = (v: any) => v.sum().item();
  says(
    t,
    () => jit(f)(x),
    'TraceError: item: the value of Traced<f32[]> is not known while jit traces `f`.',
    'hint: choose between values with `np.where(…)`, between computations with `lax.cond(…)`',
  );
  const g: any = (v: any, n: any) => v.mul(n.item());
  says(
    t,
    () => jit(g)(x, 3),
    'TraceError: item: the value of `n`, a Traced<f32[]>, is not known while jit traces `g`.',
    "hint: make the argument static: `jit(g, { static: ['n'] })`",
  );
});

t.test('leaked values', async (t) => {
  let saved: any;
  const step: any = (v: any) => {
    saved = np.tanh(v);
    return v.sum();
  };
  const made = source.findIndex((line) => line.includes('saved = np.tanh(v);')) + 1;
  for (const [operation, type] of [
    [jit, 'f32[3]'],
    [grad, 'f32[3]'],
    [vmap, 'f32[]'],
  ] as const) {
    any(operation)(step)(x);
    const text = [
      `LeakError: add: \`saved\`, of type ${type}, was used after \`step\` returned; it only stands for a value while ${operation.name} traces \`step\`.`,
      `made at test/traced-errors.test.ts:${made}:${operation === vmap ? 13 : 16}: saved = np.tanh(v);`,
      'hint: return it from `step` instead of keeping it in an outer variable',
    ];
    says(t, () => saved.add(1), ...text);
    says(t, () => jit(any((w: any) => w.add(saved)))(x), ...text);
  }
  says(
    t,
    () => saved.item(),
    'LeakError: item: `saved`, of type f32[], was used after `step` returned; it only stands for a value while vmap traces `step`.',
    `made at test/traced-errors.test.ts:${made}:13: saved = np.tanh(v);`,
    'hint: return it from `step` instead of keeping it in an outer variable',
  );
  const keep: any = ({ w }: any) => {
    saved = w[0];
    return w[0];
  };
  jit(keep)({ w: [x] });
  says(
    t,
    () => saved.add(1),
    'LeakError: add: `w[0]` of `keep`, of type f32[3], was used after `keep` returned; it only stands for a value while jit traces `keep`.',
    'hint: return it from `keep` instead of keeping it in an outer variable',
  );
});

t.test('tests of arrays', async (t) => {
  const truthy = 'it is an array, and JavaScript objects are truthy';
  const choose = 'hint: choose between values with `np.where(…)`, between computations with `lax.cond(…)`';
  const check = (f: (...args: any[]) => unknown, args: unknown[], what: string, hint: string) =>
    says(t, () => jit(any(f))(...args), `ControlFlowError: \`f\` ${what}`, hint);
  const named = {
    comparison: (f = (v: any) => (v.sum().gt(0) ? v : v.neg())) => f,
    variable: (
      f = (v: any) => {
        const big = np.any(v.gt(2));
        if (big) return v;
        return v.neg();
      },
    ) => f,
    not: (
      f = (v: any) => {
        let done = np.all(v.gt(0));
        for (let i = 0; i < 3; i++) {
          if (!done) v = v.mul(2);
          done = np.all(v.gt(0));
        }
        return v;
      },
    ) => f,
    and: (f = (v: any) => v.gt(0) && v.lt(1)) => f,
    or: (f = (v: any) => v.x.gt(0) || v.x.lt(1)) => f,
    while: (
      f = (v: any) => {
        let i = v.sum();
        while (i.gt(0)) i = i.sub(1);
        return i;
      },
    ) => f,
    flag: (f = (v: any, training: any) => (training ? v : v.neg())) => f,
    identity: (f = (v: any, w: any) => (v === w ? v : w)) => f,
    number: (f = (v: any) => (v.x !== 0 ? v.x : v.x)) => f,
    switch: (
      f = (v: any) => {
        switch (v) {
          case 0:
            return v;
          default:
            return v.neg();
        }
      },
    ) => f,
    bracket: (f = (v: any) => v[0].add(1)) => f,
    key: (f = (v: any, table: any) => table[v]) => f,
    length: (f = (v: any) => v.mul(v.length)) => f,
    assignment: (
      f = (v: any) => {
        v[0] = 3;
        return v;
      },
    ) => f,
    nan: (f = (v: any) => [Number.isNaN(v.sum()), v]) => f,
  };
  check(named.comparison(), [x], `tests \`v.sum().gt(0)\` with \`?:\`, which is always true: ${truthy}.`, choose);
  check(named.variable(), [x], `tests \`big\` with \`if\`, which is always true: ${truthy}.`, choose);
  check(
    named.not(),
    [x],
    `tests \`done\` with \`!\`, which is always false: ${truthy}.`,
    'hint: negate an array with `np.logicalNot`',
  );
  check(
    named.and(),
    [x],
    `tests \`v.gt(0)\` with \`&&\`, which is always true: ${truthy}.`,
    'hint: combine arrays with `np.logicalAnd`',
  );
  check(
    named.or(),
    [{ x }],
    `tests \`v.x.gt(0)\` with \`||\`, which is always true: ${truthy}.`,
    'hint: combine arrays with `np.logicalOr`',
  );
  check(
    named.while(),
    [x],
    `tests \`i.gt(0)\` with \`while\`, which is always true: ${truthy}.`,
    'hint: loop with `lax.whileLoop(…)`',
  );
  check(
    named.flag(),
    [x, false],
    `tests \`training\` with \`?:\`, which is always true: ${truthy}.`,
    `${choose}, or make the argument static: \`jit(f, { static: ['training'] })\``,
  );
  check(
    named.identity(),
    [x, x],
    'compares with `v === w`, which is always false: `===` asks whether two JavaScript objects are the same.',
    'hint: compare elements with `v.eq(w)`',
  );
  check(
    named.number(),
    [{ x }],
    'compares with `v.x !== 0`, which is always true: `!==` asks whether two JavaScript objects are the same.',
    'hint: compare elements with `v.x.ne(0)`',
  );
  check(
    named.switch(),
    [x],
    'switches on `v`, which is an array and equal to no case.',
    'hint: choose with `lax.switch(…)`',
  );
  check(
    named.bracket(),
    [x],
    "reads `v[0]`, which is undefined: JavaScript's brackets do not index arrays.",
    'hint: use `v.slice(0)`',
  );
  check(
    named.key(),
    [0, [x, x]],
    "indexes with the array `v` in `table[v]`, but JavaScript's keys are text.",
    'hint: use `np.take(table, v, { axis: 0 })`, or choose a function with `lax.switch(…)`',
  );
  check(
    named.length(),
    [x],
    'reads `v.length`, which is undefined: arrays have a shape.',
    'hint: use `v.shape[0]` or `v.size`',
  );
  check(
    named.assignment(),
    [x],
    'assigns to `v[0]`, but arrays do not change.',
    'hint: make a new one: `v = v.at(0).set(3)`',
  );
  check(
    named.nan(),
    [x],
    'calls `Number.isNaN(v.sum())`, which is always false: it is an array, and no JavaScript number.',
    'hint: test elements with `np.isnan(v.sum())`',
  );
});

t.test('legitimate tests', async (t) => {
  class Layer {
    readonly bias: any = null;
    apply(v: any) {
      if (this.bias) return v.add(this.bias);
      return v;
    }
  }
  const functions: Record<string, [(...args: any[]) => unknown, ...unknown[]]> = {
    'optional parts of trees': [
      (p: any) => {
        const y = p.w.mul(2);
        if (p.bias) return y.add(p.bias);
        return p.scale && !p.none ? y.mul(p.scale) : y;
      },
      { w: x, bias: x, none: null, scale: 2 },
    ],
    'optional arguments': [(v: any, mask: any) => (mask ? v.mul(mask) : v), x, x],
    'a mask of bools': [(v: any, mask: any) => (mask ? np.where(mask, v, 0) : v), x, x.gt(1)],
    'options by ?.': [(v: any, options: any) => (options?.scale ? v.mul(2) : v), x, { scale: null }],
    shapes: [(v: any) => (v.shape[0] > 2 && v.ndim === 1 && v.size !== 0 && v.dtype === 'float32' ? v : v.neg()), x],
    'rank by shape.length': [(v: any) => (v.shape.length > 1 ? v.T : v), x],
    'null and undefined': [(v: any, w: any) => (w === undefined || w === null || v == null ? v : v.add(w)), x],
    'lists of arrays': [
      (layers: any, v: any) => {
        let y = v;
        for (let i = 0; i < layers.length; i++) if (layers[i]) y = y.add(layers[i]);
        return layers[0] === null ? v : y;
      },
      [x, x],
      x,
    ],
    'numbers from shapes': [
      (v: any) => {
        const n = v.shape[0];
        let sum = v;
        for (let i = 0; i < n; i++) if (i !== 1) sum = sum.add(i);
        while (sum.ndim < 2) sum = np.expandDims(sum, 0);
        return sum;
      },
      x,
    ],
    'tests of other values': [
      (v: any) => {
        const names = new Set(['a']);
        const items = [1, 2].map((n) => n * 2).filter((n) => n > 2);
        if (names.has('a') && items.some((n) => n > 1) && np.ndim(v) === 1) return v;
        return v.neg();
      },
      x,
    ],
    'a shadowed name': [(v: any) => v.add([1, 0].map((v) => (v ? 1 : 0))[0]), x],
    'a variable that may be nothing': [
      (v: any) => {
        let best: any = null;
        for (const row of [v, v.mul(2)]) if (!best) best = row;
        return best;
      },
      x,
    ],
    'typeof and instanceof': [(v: any) => (typeof v === 'number' || Array.isArray(v) ? 0 : v), x],
    methods: [new Layer().apply.bind(new Layer()), x],
    'code from eval': [evaluate('(v) => (v.missing ? v : v.add(1))'), x],
    'native code': [Math.max.bind(null, 1, 2)],
    'logging in a template': [(v: any) => (`${v}`.length > 0 ? v : v), x],
  };
  for (const [name, [f, ...args]] of Object.entries(functions)) t.doesNotThrow(() => jit(any(f))(...args), name);
  const guarded: any = (v: any) => (v.sum().gt(0).item() ? v.sum() : v.sum().neg());
  t.same(any(grad(guarded)(x)).tolist(), [1, 1, 1], 'bools may be read under grad');
  const evaluated = evaluate('(v) => (v.gt(0) ? v : v.neg())');
  t.throws(() => jit(evaluated)(x), {
    message: /^the function tests `v\.gt\(0\)` with `\?:`, which is always true/,
  });
});

t.test('positions in bundles and in TypeScript', async (t) => {
  const folder = mkdtempSync(path.join(path.dirname(here), '..', 'dist', 'positions-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const lines = [
    "import { jit, np } from 'cotangent';",
    'interface Params { w: any }',
    'export const model = <T extends Params>(params: T): any => {',
    '  const y: any = np.sin(params.w);',
    '  return y.sum().gt(0)',
    '    ? y',
    '    : y.neg();',
    '};',
    'export const wrong = (): unknown => jit((v: any): any =>',
    '  v + 1)(np.ones([2]));',
    'export const run = (): unknown => jit(model)({ w: np.ones([2]) });',
  ];
  writeFileSync(path.join(folder, 'model.ts'), lines.join('\n'));
  const where = path.relative(process.cwd(), path.join(folder, 'model.ts'));
  for (const sourcemap of ['inline', 'external', 'linked', 'both'] as const) {
    const outfile = path.join(folder, sourcemap, 'bundle.mjs');
    buildSync({
      entryPoints: [path.join(folder, 'model.ts')],
      outfile,
      sourcemap,
      bundle: true,
      minifyWhitespace: sourcemap !== 'linked',
      format: 'esm',
      external: ['cotangent'],
    });
    const { run, wrong } = await import(pathToFileURL(outfile).href);
    const mapped = sourcemap !== 'external';
    const [test, operator] = [thrown(run), thrown(wrong)].map((error) => error.message.split('\n').pop()!);
    if (mapped) {
      t.equal(test, `  at ${where}:5:10: ${lines[4]!.trim()}`, `the test, ${sourcemap}`);
      t.equal(operator, `  at ${where}:10:3: ${lines[9]!.trim()}`, `the operator, ${sourcemap}`);
    } else {
      // Nothing in the bundle says that there is a map.
      t.match(test, /^ {2}at .*external\/bundle\.mjs:\d+:\d+/);
    }
    t.match(thrown(wrong).message, /^`v\s?\+\s?1`: JavaScript operators do not work on arrays/);
  }
});
