/** What a user reads after a mistake, to the letter. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import t, { type Test } from 'tap';
import {
  checkpoint,
  customFixedPoint,
  customJvp,
  customRoot,
  customVjp,
  grad,
  hessian,
  jacfwd,
  jacobian,
  jit,
  jvp,
  lax,
  linalg,
  linearSolve,
  type NDArray,
  nn,
  np,
  projection,
  random,
  solvers,
  tree,
  vjp,
  vmap,
} from '../src/index.ts';

// What TypeScript would not let through is written by users of JavaScript.
const any = (x: unknown): any => x;
const x = any(np.array([1, 2, 3]));
const weights = any(np.ones([3, 4]));
/** A function of no file. */
const evaluate = (text: string): any => new Function(`return ${text}`)();
const [yes, no] = [any((v: any) => v), any((v: any) => v.sum())];

const here = fileURLToPath(import.meta.url)
  .replace(/\.js$/, '.ts')
  .replace('/dist/', '/');
const source = readFileSync(here, 'utf8').split('\n');

function thrown(f: () => unknown): Error {
  try {
    f();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

/** The error of `f` without its last line, which must be the user's: this file and the text of the line. */
function says(t: Test, f: () => unknown, ...lines: string[]): void {
  const { name, message } = thrown(f);
  const own = message.split('\n');
  const last = own.pop()!;
  t.equal(`${name}: ${own.join('\n')}`, lines.join('\n  '), lines[0]!);
  const [, line, text] = /^ {2}at test\/errors\.test\.ts:(\d+):\d+(?:: (.*))?$/.exec(last) ?? [];
  if (line === undefined || (text ?? source[Number(line) - 1]!.trim()) !== source[Number(line) - 1]!.trim())
    t.fail(`not a line of this file: ${last}`);
}

t.test('arguments too many', (t) => {
  says(t, () => any(np.exp)(x, 1), 'CotangentError: exp: takes one argument, but got 1 as another.');
  says(t, () => any(np.add)(x, x, x), 'CotangentError: add: takes two arguments, but got f32[3] as another.');
  says(t, () => any(np.matmul)(x, x, 2), 'CotangentError: matmul: takes two arguments, but got 2 as another.');
  says(t, () => any(lax.mul)(x, 2, 3), 'CotangentError: mul: takes two arguments, but got 3 as another.');
  says(t, () => any(nn.silu)(x, 1), 'CotangentError: silu: takes one argument, but got 1 as another.');
  says(t, () => any(nn.relu)(x, 1), 'CotangentError: relu: takes one argument, but got 1 as another.');
  says(t, () => any(nn.selu)(x, x), 'CotangentError: selu: takes one argument, but got f32[3] as another.');
  says(t, () => any(np.where)(x, x, x, 1), 'CotangentError: where: takes three arguments, but got 1 as another.');
  says(t, () => any(np.clip)(x, 0, 1, 2), 'CotangentError: clip: takes three arguments, but got 2 as another.');
  const methods = x as unknown as Record<string, (...args: unknown[]) => unknown>;
  says(t, () => methods.add!(x, 1), 'CotangentError: add: takes one argument, but got 1 as another.');
  says(t, () => methods.exp!(x), 'CotangentError: exp: takes no arguments, but got f32[3] as another.');
  says(t, () => methods.sum!({ axis: 0 }, true), 'CotangentError: sum: takes one argument, but got true as another.');
  says(t, () => methods.swapaxes!(0, 0, 1), 'CotangentError: swapaxes: takes two arguments, but got 1 as another.');
  t.equal(String(methods.sum!({ axis: 0 }, undefined)), String(x.sum()));
  says(
    t,
    () =>
      any(lax.cond)(
        true,
        (y: NDArray) => y.mul(2),
        () => x,
      ),
    'ControlFlowError: cond: onTrue takes one operand, but none is given.\n  hint: operands stand behind the branches: `lax.cond(pred, onTrue, onFalse, x)`',
  );
  says(
    t,
    () => any(lax.switch)(0, [(y: NDArray, z: NDArray) => z.mul(y)], x),
    'ControlFlowError: switch: branch 0 takes 2 operands, but one is given.\n  hint: operands stand behind the branches: `lax.switch(index, branches, x)`',
  );
  says(
    t,
    () => any(tree.map)(np.add, { x }, { x }, { x }),
    'CotangentError: add: takes two arguments, but got f32[3] as another.',
  );
  t.same(
    [x, x].map(np.square).map((v) => v.tolist()),
    [
      [1, 4, 9],
      [1, 4, 9],
    ],
    'callbacks of arrays get more',
  );
  t.same([x, x, x].reduce(np.add).tolist(), [3, 6, 9]);
  t.same(any(np.add)(x, 1, undefined).tolist(), [2, 3, 4]);
  says(
    t,
    () => any(np.zeros)(3, 4),
    "CotangentError: zeros: options are given by name in an object, such as `{ dtype: 'float64' }`, but got 4.",
    'hint: lengths of several axes are a list: `[2, 3]`',
  );
  says(
    t,
    () => any(np.arange)(3, 'float64'),
    'CotangentError: arange: options are given by name in an object, such as `{ dtype: \'float64\' }`, but got the string "float64".',
  );
  says(t, () => np.linspace(0, 1, 5, { num: 3 }), 'ShapeError: linspace: `num` is given twice.');
  says(
    t,
    () => any(lax.scan)((c: any) => c, x, x),
    'TreeError: scan: the body must return a pair [carry, y], but it returned f32[3].',
  );
  t.end();
});

t.test('shapes', async (t) => {
  const b = any(np.ones([5]));
  says(t, () => weights.add(b), 'ShapeError: add: `weights` f32[3,4] and `b` f32[5] do not broadcast together.');
  says(
    t,
    () => np.matmul(weights, x),
    'ShapeError: matmul: `weights` f32[3,4] and `x` f32[3] do not fit: 4 against 3.',
  );
  says(t, () => x.reshape(2, 2), 'ShapeError: reshape: f32[3] has 3 elements and cannot take shape [2,2].');
  says(
    t,
    () => jit((v: any, n: any) => v.reshape(n, 1))(x, 3),
    'ShapeError: reshape: [Traced<f32[]>,1] is not a shape: lengths are integers from 0 on.',
    'hint: shapes must be known while a function is traced: make the argument static',
  );
  says(t, () => np.zeros([-1]), 'ShapeError: zeros: [-1] is not a shape: lengths are integers from 0 on.');
  says(t, () => nn.oneHot(x, 3.5), 'ShapeError: oneHot: [3.5] is not a shape: lengths are integers from 0 on.');
  says(
    t,
    () => np.array(any([[1, 2], [3]])),
    'ShapeError: array: nested lists are ragged: one row is of shape [2], another of shape [1].',
  );
  says(
    t,
    () => random.uniform(random.key(0), any({ shape: [3] })),
    'CotangentError: uniform: there is no option `shape`; the options are `dtype`, `minval`, `maxval`.',
  );
});

t.test('counts, axes and positions', async (t) => {
  says(
    t,
    () => np.tile(x, -1),
    'ShapeError: tile: a number of repetitions must be an integer from 0 on, but it is -1.',
  );
  says(
    t,
    () => np.repeat(x, 1.5),
    'ShapeError: repeat: a number of repetitions must be an integer from 0 on, but it is 1.5.',
  );
  says(
    t,
    () => np.repeat(x, [1, -2, 0]),
    'ShapeError: repeat: a number of repetitions must be an integer from 0 on, but it is -2.',
  );
  says(t, () => np.roll(x, 0.5), 'ShapeError: roll: the shift must be an integer or a list of them, but it is 0.5.');
  says(t, () => np.diff(x, { n: -1 }), 'ShapeError: diff: n must be an integer from 0 on, but it is -1.');
  says(t, () => np.pad(x, -1), 'ShapeError: pad: a width must be an integer from 0 on, but it is -1.');
  says(
    t,
    () => np.sum(x, any({ axis: '0' })),
    'ShapeError: sum: axis must be an integer or a list of them, but it is the string "0".',
  );
  says(t, () => np.sum(weights, { axis: [0, -2] }), 'ShapeError: sum: axes [0,-2] name an axis of f32[3,4] twice.');
  says(
    t,
    () => x.slice('a'),
    'DtypeError: slice: the string "a" is not an index for axis 0 of f32[3].',
    "hint: an index is a number, `[start, stop, step]` (`[]` for the whole axis), `null`, `'...'` or an array of integers",
  );
  says(
    t,
    () => any(np.where)(x),
    'DtypeError: where: needs what to choose from, as in `np.where(condition, x, y)`.',
    'hint: `np.nonzero(condition)` has the positions of what is true',
  );
  says(t, () => any(np.meshgrid)(x, x), 'TreeError: meshgrid: the first argument must be a list, but it is f32[3].');
  says(
    t,
    () => grad(any(np.add), any([0, 1])),
    'CotangentError: grad: options are given by name in an object, such as `{ argnums: [0, 1] }`, but got a JavaScript array.',
  );
  for (const [python, ours] of [
    [':', '[]'],
    ['1:', '[1]'],
    [':-1', '[0, -1]'],
    ['::2', '[null, null, 2]'],
    ['1:5:2', '[1, 5, 2]'],
  ])
    says(
      t,
      () => x.slice(any(python)),
      `DtypeError: slice: the string "${python}" is not an index for axis 0 of f32[3].`,
      `hint: write \`${ours}\``,
    );
  says(t, () => x.slice(0, 0), 'ShapeError: slice: 2 positions are too many for f32[3], which has 1 axis.');
  says(t, () => x.slice(np.array([true, false])), 'ShapeError: slice: the mask bool[2] does not fit axis 0 of f32[3].');
  says(
    t,
    () => weights.at('...', np.array([[true, false, true]])).set(0),
    'ShapeError: at: the mask bool[1,3] does not fit axes 0 to 1 of f32[3,4].',
  );
  says(t, () => np.arange(any('5')), 'DtypeError: arange: expected finite numbers, but got the string "5".');
  says(
    t,
    () => jit(any((n: any) => np.arange(n)))(3),
    'DtypeError: arange: expected finite numbers, but got Traced<f32[]>.',
    'hint: shapes must be known while a function is traced: make the argument static',
  );
  says(
    t,
    () => x.slice(x),
    'DtypeError: slice: an index array must hold integers, but axis 0 of f32[3] got f32[3].',
    "hint: convert it: `index.astype('int32')`",
  );
  says(
    t,
    () =>
      lax.whileLoop(
        ([i]: any) => i.lt(3),
        any(([i, v]: any) => [i.add(1), v.at(i).set(1)]),
        [0, x],
      ),
    'DtypeError: at: an index array must hold integers, but axis 0 of f32[3] got f64[].',
    "hint: start a counter at an integer array, `np.array(0, { dtype: 'int32' })`",
  );
});

t.test('the operation is the one that was called', async (t) => {
  const b = any(np.ones([5]));
  says(t, () => np.clip(x, b, 1), 'ShapeError: clip: f32[3] and f32[5] do not broadcast together.');
  says(t, () => np.where(x.gt(1), b, 0), 'ShapeError: where: bool[3], `b` f32[5] and f32[] do not broadcast together.');
  says(t, () => np.std(any('x')), 'DtypeError: std: expected an array, a number or a boolean, but got the string "x".');
  says(
    t,
    () => np.take(any([1, 2]), [0]),
    'DtypeError: take: expected an array, a number or a boolean, but got a JavaScript array.',
    'hint: make an array of it with `np.array(…)`',
  );
  says(
    t,
    () => np.logspace(0, any('a')),
    'DtypeError: logspace: expected an array, a number or a boolean, but got the string "a".',
  );
  says(
    t,
    () => jacobian(yes)(np.array([1], { dtype: 'int32' })),
    'GradError: jacobian needs floating-point arguments, but `v` of the function is i32[1].',
    "hint: convert it with `.astype('float32')`, or choose others with `argnums`",
  );
  says(t, () => lax.map(yes, 3), 'ShapeError: map: xs is a scalar and has no leading axis to scan over.');
});

t.test('dtypes and operands', async (t) => {
  says(
    t,
    () => np.bitwiseAnd(x, x),
    'DtypeError: bitwiseAnd: needs integer or bool operands, but got f32[3] and f32[3].',
  );
  says(
    t,
    () => np.sum(any(Promise.resolve(x))),
    'DtypeError: sum: expected an array, a number or a boolean, but got a Promise.',
    'hint: await it first',
  );
  says(
    t,
    () => np.array(any(Promise.resolve([1]))),
    'DtypeError: array: expected numbers, booleans, arrays or nested lists of them, but got a Promise.',
    'hint: await it first',
  );
  says(
    t,
    () => x.mul(new Float32Array(3)),
    'DtypeError: mul: expected an array, a number or a boolean, but got a Float32Array.',
    'hint: make an array of it with `np.array(…)`',
  );
  says(t, () => x.add(undefined), 'DtypeError: add: expected an array, a number or a boolean, but got undefined.');
  says(
    t,
    () => random.normal(any(0), [3]),
    'ShapeError: normal: a key has type u32[2], but the argument is 0.',
    'hint: make a key with `random.key(seed)`, and map over several with `vmap`',
  );
  const y = np.ones([300]).mul(2);
  y.dispose();
  says(t, () => y.add(1), 'CotangentError: add: `y` f32[300] was disposed of before.');
  const step = jit((w: NDArray, b: NDArray) => w.mul(2).add(b), { donate: [0] });
  const donate = (): NDArray => {
    const w = np.ones([300]).mul(2);
    step(w, 1);
    return w;
  };
  const [w, v] = [donate(), donate()];
  says(t, () => step(w, 1), 'CotangentError: jit: `w` of the function, f32[300], was donated to the function before.');
  says(t, () => np.matmul(v, v), 'CotangentError: matmul: `v` f32[300] was donated to the function before.');
  const held = np.ones([300]).mul(2);
  const scaled = jit((x: NDArray) => x.mul(held));
  scaled(2);
  held.dispose();
  says(t, () => scaled(2), 'CotangentError: jit: an array that the function captured was disposed of before.');
  t.ok(held.disposed);
});

t.test('arrays are no lists', async (t) => {
  const x = np.ones([3]) as any;
  const of = (what: string): string =>
    `ControlFlowError: \`x${what}\`: arrays are not JavaScript's lists, and x is f32[3].`;
  says(t, () => x[0].mul(2), of('[0]'), 'hint: write `x.slice(0)`');
  says(t, () => x[-1], of('[-1]'), 'hint: write `x.slice(-1)`');
  says(t, () => x.length, of('.length'), 'hint: write `x.shape[0]`, or `x.size` for the number of all elements');
  says(
    t,
    () => x.map((v: NDArray) => v),
    of('.map'),
    'hint: write `vmap(f)(x)`, or `lax.map(f, x)` for one after the other',
  );
  says(
    t,
    () => Math.max(...x),
    'ControlFlowError: `Math.max(...x)`: JavaScript functions do not take arrays, and an operand is f32[].',
    'hint: write `np.max(x)`',
  );
  says(
    t,
    () => np.concatenate(x, x),
    'ShapeError: concatenate: needs a list of at least one array.',
    'hint: put the arrays into a list: `np.concatenate([x, y])`',
  );
  says(
    t,
    () => np.ones([3], 'float64' as never),
    'CotangentError: ones: options are given by name in an object, such as `{ dtype: \'float64\' }`, but got the string "float64".',
  );
  says(t, () => np.quantile(x, 2), 'CotangentError: quantile: q must lie between 0 and 1, but it is 2.');
  says(
    t,
    () => np.percentile(x, np.array([50, 101])),
    'CotangentError: percentile: q must lie between 0 and 100, but it is 101.',
  );
});

t.test('options', async (t) => {
  says(
    t,
    () => np.sum(x, any({ axes: 0 })),
    'CotangentError: sum: there is no option `axes`; the options are `axis`, `keepdims`, `dtype`, `where`, `initial`.',
    'hint: did you mean `axis`?',
  );
  says(
    t,
    () => np.mean(weights, any({ axis: 0, keepDims: true })),
    'CotangentError: mean: there is no option `keepDims`; the options are `axis`, `keepdims`, `dtype`, `where`.',
    'hint: did you mean `keepdims`?',
  );
  says(
    t,
    () => np.argmax(weights, any({ dim: 1 })),
    'CotangentError: argmax: there is no option `dim`; the options are `axis`, `keepdims`.',
    'hint: did you mean `axis`?',
  );
  says(
    t,
    () => x.sum(0),
    'CotangentError: sum: options are given by name in an object, such as `{ axis: 0 }`, but got 0.',
  );
  says(
    t,
    () => jit(yes, any({ staticArgnums: [0] })),
    'CotangentError: jit: there is no option `staticArgnums`; the options are `static`, `donate`.',
    'hint: did you mean `static`?',
  );
  says(
    t,
    () => vmap(yes, any({ in_axes: 0 })),
    'CotangentError: vmap: there is no option `in_axes`; the options are `inAxes`, `outAxes`.',
    'hint: did you mean `inAxes`?',
  );
  says(
    t,
    () => lax.associativeScan((a: any) => a, x, any(1)),
    'CotangentError: associativeScan: options are given by name in an object, such as `{ reverse: 1 }`, but got 1.',
  );
  says(
    t,
    () => linearSolve.solveCg(yes, x, any({ tolerance: 1 })),
    'CotangentError: solveCg: there is no option `tolerance`; the options are `ridge`, `init`, `tol`, `maxiter`, `restart`, `info`, `throw`.',
  );
});

t.test('every option is looked at', async (t) => {
  const only = (name: string, option: string) =>
    `CotangentError: ${name}: there is no option \`axes\`; the only one is \`${option}\`.`;
  const among = (name: string, ...options: string[]) =>
    `CotangentError: ${name}: there is no option \`axes\`; the options are ${options.map((o) => `\`${o}\``).join(', ')}.`;
  const wrong = any({ axes: 0 });
  const meant = 'hint: did you mean `axis`?';
  says(t, () => np.quantile(x, 0.5, wrong), among('quantile', 'axis', 'keepdims', 'method'), meant);
  says(t, () => np.median(x, wrong), among('median', 'axis', 'keepdims'), meant);
  says(t, () => np.eye(3, 3, wrong), among('eye', 'k', 'dtype'));
  says(t, () => np.tri(3, 3, wrong), among('tri', 'k', 'dtype'));
  says(t, () => np.logspace(0, 1, 5, wrong), among('logspace', 'num', 'endpoint', 'dtype', 'base'));
  says(t, () => nn.maxPool(np.ones([4, 4, 1]), [2, 2], wrong), among('maxPool', 'strides', 'padding'));
  says(t, () => lax.sum(x, wrong), among('sum', 'axis', 'keepdims'), meant);
  says(t, () => lax.prod(x, wrong), among('prod', 'axis', 'keepdims'), meant);
  says(t, () => lax.reduceMax(x, wrong), among('max', 'axis', 'keepdims'), meant);
  says(t, () => lax.any(x, wrong), among('any', 'axis', 'keepdims'), meant);
  says(t, () => lax.argmax(x, wrong), among('argmax', 'axis', 'keepdims'), meant);
  says(t, () => lax.cumsum(x, wrong), among('cumsum', 'axis', 'reverse'), meant);
  says(t, () => lax.sort(x, wrong), only('sort', 'axis'), meant);
  says(t, () => lax.argsort(x, wrong), only('argsort', 'axis'), meant);
  says(
    t,
    () => lax.sort(x, any({ dimension: 0 })),
    'CotangentError: sort: there is no option `dimension`; the only one is `axis`.',
    meant,
  );
  says(t, () => lax.qr(weights, wrong), only('qr', 'fullMatrices'));
  says(t, () => lax.cholesky(weights, wrong), only('cholesky', 'symmetrizeInput'));
  says(
    t,
    () => lax.triangularSolve(weights, x, wrong),
    among('triangularSolve', 'leftSide', 'lower', 'transposeA', 'unitDiagonal'),
  );
  says(t, () => np.bincount(x, any(undefined)), 'CotangentError: bincount: the option `length` is missing.');
  says(
    t,
    () => np.quantile(x, 0.5, any({ method: 'middle' })),
    "CotangentError: quantile: method must be one of 'linear', 'lower', 'higher', 'midpoint', 'nearest', but it is the string \"middle\".",
  );
  says(
    t,
    () => np.pad(x, 1, any({ mode: 'nearest' })),
    "CotangentError: pad: mode must be one of 'constant', 'edge', 'reflect', 'symmetric', 'wrap', but it is the string \"nearest\".",
  );
  says(t, () => np.var(x, any({ ddof: true })), 'CotangentError: var: ddof must be a number, but it is true.');
  says(
    t,
    () => jit(yes, any({ static_argnums: [0] })),
    'CotangentError: jit: there is no option `static_argnums`; the options are `static`, `donate`.',
    'hint: did you mean `static`?',
  );
});

t.test('solvers, rules and random numbers', async (t) => {
  const fun = (w: any): any => np.sum(w.mul(w));
  const make = (Solver: any, options: any): any => new Solver(options);
  says(
    t,
    () => make(solvers.LBFGS, { fun, tol: 'a' }),
    'TraceError: LBFGS: `tol` must be a number, but it is the string "a".',
  );
  says(
    t,
    () => make(solvers.LBFGS, { fun, maxiter: 2.5 }),
    'TraceError: LBFGS: `maxiter` must be an integer from 0 on, but it is 2.5.',
  );
  says(
    t,
    () => make(solvers.LBFGS, { fun, implicitDiffSolve: 'cg' }),
    'TraceError: LBFGS: `implicitDiffSolve` must be a function, but it is the string "cg".',
  );
  says(
    t,
    () => make(solvers.ProximalGradient, { fun, prox: 'l1' }),
    'TraceError: ProximalGradient: `prox` must be a function, but it is the string "l1".',
  );
  says(t, () => make(solvers.LBFGS, { fun }).run(), 'TreeError: LBFGS.run: initParams holds no array.');
  says(
    t,
    () => make(solvers.LBFGS, { fun }).run('x'),
    'TreeError: LBFGS.run: initParams is the string "x", which is not an array, a number or a tree of them.',
  );
  says(
    t,
    () => make(solvers.ProjectedGradient, { fun, projection: projection.box }).run(x),
    'TreeError: projection.box: needs its parameters as a list [lower, upper], but got undefined.',
    'hint: pass them after the initial ones: `solver.run(init, [lower, upper], …)`',
  );
  says(
    t,
    () => make(solvers.Bisection, { optimalityFun: (v: any) => v.sub(x), lower: 0, upper: 2 }).run(),
    'ShapeError: Bisection: `optimalityFun` must return a scalar, but it returned f32[3].',
    'hint: many roots at once: `vmap` of a function that runs the solver',
  );
  says(
    t,
    () => make(solvers.FixedPointIteration, { fixedPointFun: (v: any) => v.sum() }).run(x),
    'CarryError: FixedPointIteration: the body changes the type of carry.params, from f32[3] to f32[].',
  );
  const given = thrown(() => make(solvers.GradientDescent, { fun, learningRate: 0.1 })).message;
  t.match(given, '\n  hint: did you mean `stepsize`?\n');
  t.match(thrown(() => make(solvers.GaussNewton, { fun })).message, '\n  hint: did you mean `residualFun`?\n');

  says(t, () => customRoot(any(x)), 'TraceError: customRoot: the equation must be a function, but it is f32[3].');
  says(
    t,
    () => customFixedPoint(yes)(any(x)),
    'TraceError: customFixedPoint: the solver must be a function, but it is f32[3].',
  );
  says(
    t,
    () => customRoot(yes, any({ solver: 1 })),
    'CotangentError: customRoot: there is no option `solver`; the options are `hasAux`, `solve`, `symmetric`, `positiveDefinite`, `static`, `throw`.',
    'hint: did you mean `solve`?',
  );
  says(
    t,
    () => linearSolve.solveCg(any(weights), x),
    'TraceError: solveCg: the operator must be a function x ↦ A x, but it is f32[3,4].',
    'hint: for a matrix `a`: `(x) => np.matmul(a, x)`, or `linalg.solve(a, b)`',
  );
  says(
    t,
    () => checkpoint(yes, any({ policy: 'all' })),
    'TraceError: checkpoint: the policy, one of `checkpointPolicies`, must be a function, but it is the string "all".',
  );
  says(
    t,
    () => checkpoint(any(x)),
    'TraceError: checkpoint: the first argument must be a function, but it is f32[3].',
    'hint: pass the function itself and call the result, as in `checkpoint(f)(x)`',
  );
  says(
    t,
    () => tree.map(any({ a: x }), yes),
    'TraceError: tree.map: the first argument must be a function, but it is an object.',
  );
  const square = customJvp(any((v: any) => v.mul(v)));
  says(t, () => square(x), 'RuleError: customJvp: the function has no rule yet; call its `defjvp(…)` before using it.');
  const cube = customVjp(any((v: any) => v.mul(v).mul(v)));
  cube.defvjp(
    any((v: any) => [v, v]),
    any((_: any, ct: any) => [ct.sum()]),
  );
  says(
    t,
    () => grad((v: any) => any(cube(v)).sum())(x),
    'RuleError: customVjp: the rule of the function returned a cotangent of argument 0 of type f32[], but it must be f32[3].',
  );
  says(
    t,
    () => random.permutation(random.key(0), any(undefined)),
    'ShapeError: permutation: the number of elements must be an integer from 0 on, but it is undefined.',
  );
  says(
    t,
    () => random.normal(random.key(0), -1),
    'ShapeError: normal: [-1] is not a shape: lengths are integers from 0 on.',
  );
  t.strictSame(random.normal(random.key(0), 3).tolist(), random.normal(random.key(0), [3]).tolist());
  t.strictSame(random.randint(random.key(0), 3, 0, 9).shape, [3]);
  const rows = np.arange(10).reshape([2, 5]);
  t.strictSame(
    random.choice(random.key(0), rows, 3, { axis: -1 }).tolist(),
    random.choice(random.key(0), rows, [3], { axis: 1 }).tolist(),
  );
  says(t, () => nn.softmax(x, { axis: 2 }), 'ShapeError: softmax: axis 2 is out of range for f32[3].');
  says(
    t,
    () => linalg.norm(x, any({ ord: 'two' })),
    "DtypeError: norm: ord must be a number, 'fro' or 'nuc', but it is the string \"two\".",
  );
});

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
      `made at test/errors.test.ts:${made}:${operation === vmap ? 13 : 16}: saved = np.tanh(v);`,
      'hint: return it from `step` instead of keeping it in an outer variable',
    ];
    says(t, () => saved.add(1), ...text);
    says(t, () => jit(any((w: any) => w.add(saved)))(x), ...text);
  }
  says(
    t,
    () => saved.item(),
    'LeakError: item: `saved`, of type f32[], was used after `step` returned; it only stands for a value while vmap traces `step`.',
    `made at test/errors.test.ts:${made}:13: saved = np.tanh(v);`,
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

t.test('more memory than there is', (t) => {
  t.throws(() => np.ones([1.5e9]), {
    name: 'MemoryError',
    message:
      /^out of memory: 6\.00 GB do not fit beside \d\.\d\d GB in use; WebAssembly memory ends at 4\.29 GB\.\n {2}hint: work on parts, or free arrays earlier: `dispose`, `using`, `donate`\.\n {2}at .*errors\.test.*: .*np\.ones\(\[1\.5e9\]\)/,
  });
  t.equal(np.sum(np.ones([1000])).item(), 1000, 'nothing is lost');
  t.end();
});
