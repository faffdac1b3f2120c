/** What a user reads after a mistake, to the letter. */
import t from 'tap';
import {
  checkpoint,
  customFixedPoint,
  customJvp,
  customRoot,
  customVjp,
  grad,
  jacobian,
  jit,
  lax,
  linalg,
  linearSolve,
  losses,
  type NDArray,
  nn,
  np,
  projection,
  random,
  solvers,
  tree,
  vmap,
} from '../src/index.ts';
import { any, saysIn, thrown } from './lib/mistakes.ts';

const says = saysIn(import.meta.url);
const x = any(np.array([1, 2, 3]));
const weights = any(np.ones([3, 4]));
const yes = any((v: any) => v);

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

t.test('labels', async (t) => {
  const logits = any(np.ones([4, 3]));
  const labels = any(np.zeros([4], { dtype: 'int32' }));
  const loss = losses.softmaxCrossEntropyWithIntegerLabels;
  const name = 'softmaxCrossEntropyWithIntegerLabels';
  says(
    t,
    () => loss(logits, labels.astype('float32')),
    `DtypeError: ${name}: labels must be integers, but are f32[4].`,
    "hint: convert them: `labels.astype('int32')`",
  );
  says(
    t,
    () => loss(logits, labels.slice([0, 3])),
    `ShapeError: ${name}: logits f32[4,3] and labels i32[3] do not fit.`,
    'hint: the logits of an example are along the last axis, where its label is one integer',
  );
  t.strictSame(loss(logits, labels.slice([0, 1])).shape, [4], 'one label for all examples');
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
    () => np.array(any(new BigInt64Array(2))),
    'DtypeError: array: a BigInt64Array cannot become an array.',
    'hint: its integers have 64 bits; where 32 are enough write `Int32Array.from(x, Number)`',
  );
  says(
    t,
    () => x.mul(new Float32Array(3)),
    'DtypeError: mul: expected an array, a number or a boolean, but got a Float32Array.',
    'hint: make an array of it with `np.array(…)`',
  );
  says(
    t,
    () => x.add(undefined),
    'DtypeError: add: expected an array, a number or a boolean, but got undefined.',
    'hint: an argument is missing in a call, or a name is misspelt',
  );
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
  says(
    t,
    () => {
      x[0] = 2;
    },
    'ControlFlowError: `x[0] = …`: arrays do not change, and x is f32[3].',
    'hint: make a copy with another value: `x.at(0).set(…)`',
  );
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
  says(
    t,
    () => make(solvers.LBFGS, { fun }).run(),
    'TreeError: LBFGS.run: initParams holds no array.',
    'hint: begin with a guess, whose shape is that of the solution: `run(init, …)`',
  );
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

t.test('more memory than there is', (t) => {
  t.throws(() => np.ones([1.5e9]), {
    name: 'MemoryError',
    message:
      /^out of memory: 6\.00 GB do not fit beside \d\.\d\d GB in use; WebAssembly memory ends at 4\.29 GB\.\n {2}hint: work on parts, or free arrays earlier: `dispose`, `using`, `donate`\.\n {2}at .*errors\.test.*: .*np\.ones\(\[1\.5e9\]\)/,
  });
  t.equal(np.sum(np.ones([1000])).item(), 1000, 'nothing is lost');
  t.end();
});
