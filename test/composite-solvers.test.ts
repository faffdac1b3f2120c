/** Objectives, block coordinate descent and mirror descent: against JAXopt's steps, scikit-learn's estimators and other solvers. */
import {
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  jvp,
  linalg,
  losses,
  type NDArray,
  nn,
  np,
  objectives,
  projection,
  prox,
  random,
  solvers,
  vjp,
  vmap,
} from 'cotangent';
import t from 'tap';
import { fixture } from './lib/fixture.ts';
import { f64, near } from './lib/near.ts';

const wanted = fixture('composite');
const data = (name: string): [NDArray, NDArray] => [f64(wanted.data[name].X), f64(wanted.data[name].y)];
const labelled = (name: string): [NDArray, NDArray] => [
  f64(wanted.data[name].X),
  np.array(wanted.data[name].y, { dtype: 'int32' }),
];
const [regression, tasks, pair, three] = [data('regression'), data('tasks'), labelled('pair'), labelled('three')];
const onehot = nn.oneHot(three[1], 3, { dtype: 'float64' });
const zeros = (...shape: number[]): NDArray => np.zeros(shape, { dtype: 'float64' });
const uniform = np.full([20, 3], 1 / 3, { dtype: 'float64' });
const onSimplex = prox.fromProjection(projection.simplex);
const { BlockCoordinateDescent, MirrorDescent, klProjectionGrad, makeProjectionGrad } = solvers;

interface Case {
  readonly fun: objectives.CompositeLinearFunction<any>;
  readonly blockProx: solvers.Prox;
  readonly init: NDArray;
  readonly args: readonly any[];
}
const cases: Record<string, Case> = {
  lasso: { fun: objectives.leastSquares, blockProx: prox.lasso, init: zeros(3), args: [10, regression] },
  'elastic net': {
    fun: objectives.leastSquares,
    blockProx: prox.elasticNet,
    init: zeros(3),
    args: [[2, 0.8], regression],
  },
  tasks: { fun: objectives.leastSquares, blockProx: prox.groupLasso, init: zeros(10, 3), args: [0.3, tasks] },
  'binary l1': { fun: objectives.binaryLogreg, blockProx: prox.lasso, init: zeros(5), args: [1e-2, pair] },
  'binary l2': { fun: objectives.binaryLogreg, blockProx: prox.ridge, init: zeros(5), args: [1e-2, pair] },
  'multiclass l1': { fun: objectives.multiclassLogreg, blockProx: prox.lasso, init: zeros(5, 3), args: [1e-2, three] },
  'multiclass l2': { fun: objectives.multiclassLogreg, blockProx: prox.ridge, init: zeros(5, 3), args: [1e-2, three] },
  dual: {
    fun: objectives.multiclassLinearSvmDual,
    blockProx: onSimplex,
    init: uniform,
    args: [1, 1000, [three[0], onehot]],
  },
};
const typed = (x: unknown): any => (typeof x === 'number' ? f64(x) : Array.isArray(x) ? x.map(typed) : x);

t.test('sweeps are those of JAXopt, with the right constants', (t) => {
  for (const [name, { fun, blockProx, init, args }] of Object.entries(cases)) {
    const expected = wanted.descent[name];
    const [hyper, ...rest] = typed(args);
    near(t, fun(init.add(0.1), ...rest), expected.value, 1e-12, `${name}: value`);
    near(t, fun.lipschitz(...rest), expected.constants, 1e-12, `${name}: constants`);
    const solver = new BlockCoordinateDescent({ fun, blockProx, maxiter: 5, tol: 0 });
    const { params, state } = solver.run(init, hyper, ...rest);
    near(t, params, expected.params[0], 1e-9, `${name}: params`);
    near(t, state.error, expected.error, 1e-7, `${name}: error`);
    t.equal(state.iterNum.item(), 5);
    near(t, state.predictions, fun.linop(...rest).matvec(params), 1e-12, `${name}: predictions follow`);
    // The constants bound the curvature along each block, and that of least squares exactly.
    const all = hessian((w: NDArray) => fun(w, ...rest))(init).reshape([
      init.shape[0]!,
      init.size / init.shape[0]!,
      init.shape[0]!,
      init.size / init.shape[0]!,
    ]);
    const largest = [...Array(init.shape[0]!).keys()].map((j) =>
      np.max(linalg.eigh(all.slice(j, [], j, [])).eigenvalues).item(),
    ) as number[];
    const constants = fun.lipschitz(...rest).tolist() as number[];
    t.ok(
      largest.every((x, j) => x <= constants[j]! * (1 + 1e-9)),
      `${name}: curvatures ${largest} below ${constants}`,
    );
    if (fun === objectives.leastSquares || name === 'dual') near(t, f64(largest), constants, 1e-9, `${name}: exact`);
  }
  t.end();
});

t.test('solutions are those of scikit-learn, in float32 and float64', (t) => {
  for (const [name, expected] of Object.entries<any>(wanted.sklearn)) {
    if (name.startsWith('svm')) continue;
    const { fun, blockProx, init, args } = cases[name]!;
    const saga = name === 'binary l1';
    const solver = new BlockCoordinateDescent({ fun, blockProx, maxiter: 5000, tol: 1e-9 });
    const { params, state } = solver.run(init, ...(typed(args) as [any, ...any[]]));
    near(t, params, expected, saga ? 1e-4 : 1e-5, name);
    t.match(solvers.statusName(state.status), /^converged/, name);
    t.ok((solver.l2OptimalityError(params, ...(typed(args) as [any, ...any[]])).item() as number) < 1e-7, name);
    const single = new BlockCoordinateDescent({ fun, blockProx, maxiter: 3500, tol: 1e-5 });
    const [hyper, [X, y]] = args;
    const found = single.run(init.astype('float32'), hyper, [
      X.astype('float32'),
      y.dtype === 'int32' ? y : y.astype('float32'),
    ]);
    t.equal(found.params.dtype, 'float32');
    near(t, found.params, expected, 1e-3, `${name}: float32`);
  }
  for (const l2reg of [0.1, 10, 1000]) {
    const solver = new BlockCoordinateDescent({
      fun: objectives.multiclassLinearSvmDual,
      blockProx: onSimplex,
      maxiter: 3500,
      tol: 1e-8,
    });
    const { params, state } = solver.run(uniform, 1, l2reg, [three[0], onehot]);
    t.match(solvers.statusName(state.status), /^converged/);
    const W = np.matmul(three[0].T, onehot.sub(params)).div(l2reg);
    if (l2reg >= 10) near(t, W, wanted.sklearn[`svm ${l2reg}`], 2e-4, `machine with l2reg ${l2reg}`);
  }
  t.end();
});

t.test('derivatives of block coordinate descent', (t) => {
  const [X, y] = regression;
  const options = { tol: 1e-12, maxiter: 2000 };
  const lasso = new BlockCoordinateDescent({ fun: objectives.leastSquares, blockProx: prox.lasso, ...options });
  const gradient = new solvers.ProximalGradient({
    fun: objectives.leastSquares,
    prox: prox.lasso,
    ...options,
    tol: 1e-10,
  });
  const l1reg = f64(10);
  const of = (solver: any) => (l: NDArray, X: NDArray, y: NDArray) => solver.run(zeros(3), l, [X, y]).params;
  const [byBlocks, bySteps] = [of(lasso), of(gradient)];
  near(t, byBlocks(l1reg, X, y), bySteps(l1reg, X, y), 1e-8, 'solution');
  for (const argnums of [0, 1, 2])
    near(
      t,
      jit(jacrev(byBlocks, { argnums }))(l1reg, X, y),
      jacrev(bySteps, { argnums })(l1reg, X, y),
      1e-6,
      `in argument ${argnums}, as through ProximalGradient`,
    );
  near(t, jacfwd(byBlocks)(l1reg, X, y), jacrev(byBlocks)(l1reg, X, y), 1e-9, 'forward');
  // The hyperparameter of a lasso by its gradient.
  const [held, target] = [X.slice([0, 5]), y.slice([0, 5])];
  const outer = (l: NDArray): NDArray =>
    objectives.leastSquares(byBlocks(l, X.slice([5]), y.slice([5])), [held, target]);
  const h = 1e-5;
  const numeric = (outer(f64(5 + h)).item() as number) - (outer(f64(5 - h)).item() as number);
  near(t, jit(grad(outer))(f64(5)), numeric / (2 * h), 1e-6, 'of a validation loss');
  const unrolled = new BlockCoordinateDescent({
    fun: objectives.leastSquares,
    blockProx: prox.lasso,
    tol: 1e-10,
    maxiter: 60,
    implicitDiff: false,
  });
  near(t, jit(jacrev(of(unrolled)))(l1reg, X, y), jacrev(byBlocks)(l1reg, X, y), 1e-6, 'unrolled, reverse');
  near(t, jit(jacfwd(of(unrolled)))(l1reg, X, y), jacrev(byBlocks)(l1reg, X, y), 1e-6, 'unrolled, forward');
  // Smooth: derivatives to the second order, with a closed form.
  const ridge = new BlockCoordinateDescent({ fun: objectives.leastSquares, blockProx: prox.ridge, ...options });
  const exact = (l: NDArray): NDArray =>
    linalg.solve(
      np
        .matmul(X.T, X)
        .div(10)
        .add(np.eye(3, { dtype: 'float64' }).mul(l)),
      np.matmul(X.T, y).div(10),
    );
  const solution = (l: NDArray): NDArray => ridge.run(zeros(3), l, [X, y]).params;
  near(t, solution(f64(0.5)), exact(f64(0.5)), 1e-10, 'ridge');
  near(t, jacrev(jacfwd(solution))(f64(0.5)), jacrev(jacfwd(exact))(f64(0.5)), 1e-8, 'ridge: second derivative');
  // Lanes stop by themselves, and are single runs.
  const regs = f64([0.1, 1, 10]);
  const lanes = jit(vmap((l: NDArray) => lasso.run(zeros(3), l, [X, y])))(regs);
  for (const [i, l] of [0.1, 1, 10].entries()) {
    const single = lasso.run(zeros(3), f64(l), [X, y]);
    near(t, lanes.params.slice(i), single.params, 1e-10, `lane ${i}`);
    t.equal(lanes.state.iterNum.slice(i).item(), single.state.iterNum.item(), `lane ${i} stops by itself`);
  }
  near(t, jit(vmap(jacrev(solution)))(regs), vmap(jacrev(exact))(regs), 1e-8, 'vmap of the derivative');
  t.end();
});

t.test('multitask lasso, zero columns, warm starts, failures', (t) => {
  const [X, Y] = tasks;
  const solver = new BlockCoordinateDescent({
    fun: objectives.leastSquares,
    blockProx: prox.groupLasso,
    tol: 1e-10,
    maxiter: 2000,
  });
  const strong = solver.run(zeros(10, 3), 1.5, [X, Y]).params;
  const norms = np.sqrt(np.sum(np.square(strong), { axis: 1 })).tolist() as number[];
  const gradients = np.sqrt(np.sum(np.square(np.matmul(X.T, np.matmul(X, strong).sub(Y)).div(50)), { axis: 1 }));
  t.ok(norms.some((x) => x === 0) && norms.some((x) => x > 0), 'rows vanish as a whole');
  for (const [j, norm] of norms.entries()) {
    const size = gradients.slice(j).item() as number;
    t.ok(norm > 0 ? Math.abs(size - 1.5) < 1e-8 : size <= 1.5 + 1e-8, `row ${j} is optimal`);
  }
  // The rows that vanish have no derivative, the others that of the smooth problem.
  const inReg = jacrev((l: NDArray) => solver.run(zeros(10, 3), l, [X, Y]).params)(f64(1.5));
  const h = 1e-5;
  const near15 = (l: number): NDArray => solver.run(strong, l, [X, Y]).params;
  near(
    t,
    inReg,
    near15(1.5 + h)
      .sub(near15(1.5 - h))
      .div(2 * h),
    1e-6,
    'derivative',
  );
  const [A, b] = regression;
  const padded: [NDArray, NDArray] = [np.concatenate([A, zeros(10, 1)], { axis: 1 }), b];
  const lasso = new BlockCoordinateDescent({ fun: objectives.leastSquares, blockProx: prox.lasso, tol: 1e-10 });
  const found = lasso.run(zeros(4).add(1), 10, padded);
  const plain = lasso.run(zeros(3), 10, regression);
  near(t, found.params.slice([0, 3]), plain.params, 1e-8, 'a column of zeros');
  t.equal(found.params.slice(3).item(), 0);
  const mixed = lasso.run(np.zeros([3]), f64(10), regression);
  t.same([mixed.params.dtype, mixed.state.predictions.dtype], ['float32', 'float64'], 'dtypes of each');
  near(t, mixed.params, plain.params, 1e-6, 'single parameters, double data');
  t.equal(lasso.run(plain.params, 10, regression).state.iterNum.item(), 1, 'a warm start');
  t.match(
    solvers.statusName(
      new BlockCoordinateDescent({ fun: objectives.leastSquares, blockProx: prox.lasso, maxiter: 0 }).run(
        zeros(3),
        1,
        regression,
      ).state.status,
    ),
    /^running/,
  );
  t.match(solvers.statusName(lasso.run(zeros(3), Number.NaN, regression).state.status), /^nonfinite/);
  t.throws(() => new BlockCoordinateDescent({ fun: ((w: NDArray) => w) as never, blockProx: prox.lasso }), {
    message:
      /^BlockCoordinateDescent: `fun` must be a composite linear function, but it is a function\.\n {2}hint: take one of `objectives`/,
  });
  t.throws(() => lasso.run(1 as never, 1, regression), {
    message:
      /^BlockCoordinateDescent.run: the parameters must be an array with a block for each column of X, but are 1\./,
  });
  t.end();
});

t.test('composite linear functions of one’s own', (t) => {
  const [X, y] = regression;
  const huber = objectives.compositeLinearFunction({
    subfun: (predictions: NDArray, [, y]: [NDArray, NDArray]) => losses.huberLoss(predictions, y, { delta: 5 }).mean(),
    linop: ([X]) => X,
    smoothness: ([X]) => 1 / X.shape[0]!,
    linear: ([X]) => X.slice(0).mul(0.01),
  });
  const solver = new BlockCoordinateDescent({ fun: huber, blockProx: prox.lasso, tol: 1e-11, maxiter: 5000 });
  const other = new solvers.ProximalGradient({ fun: huber, prox: prox.lasso, tol: 1e-9, maxiter: 20000 });
  near(t, solver.run(zeros(3), 0.2, [X, y]).params, other.run(zeros(3), 0.2, [X, y]).params, 1e-6, 'huber');
  // A linear map without its matrix: differences, whose column j is 1 at j and −1 at j + 1.
  const n = 8;
  const differences: objectives.LinearOperator = {
    matvec: (w) => np.concatenate([w, zeros(1)]).sub(np.concatenate([zeros(1), w])),
    columnDot: (j, p) => p.slice(j).sub(p.slice(j.add(1))),
    addColumn: (predictions, j, change) => predictions.at(j).add(change).at(j.add(1)).add(change.neg()),
    columnSquaredNorms: () => zeros(n).add(2),
  };
  const target = np.sin(np.arange(n + 1).astype('float64'));
  const parts = {
    subfun: (p: NDArray) => np.sum(np.square(p.sub(target))).mul(0.5),
    smoothness: () => 1,
  };
  const implicit = objectives.compositeLinearFunction({ ...parts, linop: () => differences });
  const matrix = np.eye(n + 1, n, { dtype: 'float64' }).sub(np.eye(n + 1, n, { dtype: 'float64', k: -1 }));
  const dense = objectives.compositeLinearFunction({ ...parts, linop: () => matrix });
  const [a, b] = [implicit, dense].map((fun) =>
    new BlockCoordinateDescent({ fun, blockProx: prox.nonNegativeLasso, tol: 1e-11, maxiter: 3000 }).run(zeros(n), 0.1),
  );
  near(t, a!.params, b!.params, 1e-12, 'an operator as its matrix');
  t.throws(() => objectives.compositeLinearFunction({ subfun: parts.subfun } as never), {
    message: /^compositeLinearFunction: the option `linop` is missing\./,
  });
  t.throws(() => objectives.leastSquares(zeros(3), X as never), {
    message: /^leastSquares: the data \[X, y\] must be a list, but it is f64\[10,3\]\./,
  });
  t.end();
});

t.test('objectives', (t) => {
  const [X, y] = three;
  const W = np.sin(np.arange(15).astype('float64')).reshape([5, 3]);
  const b = f64([0.1, -0.2, 0.3]);
  const cross = (scores: NDArray, y: NDArray): NDArray => losses.softmaxCrossEntropyWithIntegerLabels(scores, y).mean();
  const penalty = np.sum(np.square(W)).mul(0.35);
  const scores = np.matmul(X, W);
  near(t, objectives.multiclassLogreg(W, three), cross(scores, y), 1e-14, 'multiclassLogreg');
  near(t, objectives.multiclassLogregWithIntercept([W, b], three), cross(scores.add(b), y), 1e-14, 'with intercept');
  near(t, objectives.l2MulticlassLogreg(W, 0.7, three), cross(scores, y).add(penalty), 1e-14, 'with penalty');
  near(
    t,
    objectives.l2MulticlassLogregWithIntercept([W, b], 0.7, three),
    cross(scores.add(b), y).add(penalty),
    1e-14,
    'both',
  );
  const [w, c] = [W.slice([], 0), f64(0.4)];
  const margins = np.matmul(pair[0], w);
  const binary = (z: NDArray): NDArray => losses.sigmoidBinaryCrossEntropy(z, pair[1]).mean();
  const half = np.sum(np.square(w)).mul(0.35);
  near(t, objectives.binaryLogreg(w, pair), binary(margins), 1e-14, 'binaryLogreg');
  near(t, objectives.binaryLogregWithIntercept([w, c], pair), binary(margins.add(c)), 1e-14, 'with intercept');
  near(t, objectives.l2BinaryLogreg(w, 0.7, pair), binary(margins).add(half), 1e-14, 'with penalty');
  near(t, objectives.l2BinaryLogregWithIntercept([w, c], 0.7, pair), binary(margins.add(c)).add(half), 1e-14, 'both');
  const ridge = objectives.ridgeRegression(zeros(3).add(1), 3, regression);
  near(t, ridge, objectives.leastSquares(zeros(3).add(1), regression).add(4.5), 1e-14, 'ridgeRegression');
  t.end();
});

t.test('nonnegative matrix factorisation by alternating descents', (t) => {
  const [left, right] = random.split(random.key(1));
  const target = np.matmul(
    random.uniform(left, [12, 3], { dtype: 'float64' }),
    random.uniform(right, [3, 9], { dtype: 'float64' }),
  );
  const solver = new BlockCoordinateDescent({
    fun: objectives.leastSquares,
    blockProx: prox.fromProjection(projection.nonNegative<NDArray>),
    maxiter: 30,
    tol: 1e-9,
  });
  const loss = (U: NDArray, V: NDArray): number => np.sum(np.square(np.matmul(U, V).sub(target))).item() as number;
  const step = jit((U: NDArray, V: NDArray) => {
    const next = solver.run(U.T, null, [V.T, target.T]).params.T;
    return [next, solver.run(V, null, [next, target]).params] as const;
  });
  let U: NDArray = random.uniform(random.key(2), [12, 3], { dtype: 'float64' });
  let V: NDArray = random.uniform(random.key(3), [3, 9], { dtype: 'float64' });
  const history = [loss(U, V)];
  for (let i = 0; i < 60; i++) {
    [U, V] = step(U, V);
    history.push(loss(U, V));
  }
  t.ok(
    history.every((x, i) => i === 0 || x <= history[i - 1]! * (1 + 1e-12)),
    'the loss never rises',
  );
  t.ok(history.at(-1)! < history[0]! * 1e-5, `${history[0]} to ${history.at(-1)}`);
  t.ok((np.min(U).item() as number) >= 0 && (np.min(V).item() as number) >= 0);
  t.end();
});

t.test('MirrorDescent', (t) => {
  const fun = objectives.multiclassLinearSvmDual;
  const sample: [NDArray, NDArray] = [three[0], onehot];
  const stepsize = (k: NDArray): NDArray => np.where(k.le(50), 5, np.divide(250, np.maximum(k, 1).astype('float64')));
  const softmax = makeProjectionGrad(
    (y: NDArray) => nn.softmax(y),
    (p: NDArray) => np.log(p).add(1),
  );
  for (const [name, projectionGrad] of Object.entries({ klProjectionGrad, softmax })) {
    const sixty = new MirrorDescent({ fun, projectionGrad: projectionGrad as never, stepsize, maxiter: 60, tol: 0 });
    const { params, state } = (sixty as any).run(uniform, 1, 10, sample);
    near(t, params, wanted.mirror.params[0], 1e-10, `${name}: JAXopt's steps`);
    near(t, state.error, wanted.mirror.error, 1e-8, `${name}: error`);
  }
  const solver = new MirrorDescent({
    fun,
    projectionGrad: klProjectionGrad<NDArray>,
    stepsize,
    maxiter: 3000,
    tol: 1e-2,
  });
  const weights = (l2reg: NDArray, [X, Y] = sample): NDArray =>
    np.matmul(X.T, Y.sub(solver.run(uniform, 1, l2reg, [X, Y]).params)).div(l2reg);
  near(t, weights(f64(10)), wanted.sklearn['svm 10'], 1e-2, 'support vector machine');
  // A strictly convex problem: derivatives against the closed form on the support, and against ProjectedGradient.
  const quadratic = (p: NDArray, costs: NDArray): NDArray => np.dot(p, costs).add(np.sum(np.square(p)));
  const descent = new MirrorDescent({
    fun: quadratic,
    projectionGrad: klProjectionGrad<NDArray>,
    stepsize: 0.5,
    tol: 1e-13,
    maxiter: 5000,
  });
  const projected = new solvers.ProjectedGradient({
    fun: quadratic,
    projection: projection.simplex,
    tol: 1e-13,
    maxiter: 5000,
  });
  const third = np.full([4], 0.25, { dtype: 'float64' });
  const costs = f64([0.1, 0.4, -0.2, 9]);
  const solution = (c: NDArray): NDArray => descent.run(third, 1, c).params;
  const other = (c: NDArray): NDArray => projected.run(third, 1, c).params;
  near(t, solution(costs), other(costs), 1e-9, 'solution');
  near(t, jit(jacrev(solution))(costs), jacrev(other)(costs), 1e-8, 'derivative');
  near(t, jacfwd(solution)(costs), jacrev(other)(costs), 1e-8, 'derivative, forward');
  const unrolled = new MirrorDescent({
    fun: quadratic,
    projectionGrad: klProjectionGrad<NDArray>,
    stepsize: 0.5,
    tol: 1e-13,
    maxiter: 200,
    implicitDiff: false,
  });
  near(t, jit(jacrev((c: NDArray) => unrolled.run(third, 1, c).params))(costs), jacrev(other)(costs), 1e-7, 'unrolled');
  const lanes = np.stack([costs, costs.neg()]);
  const found = jit(vmap((c: NDArray) => descent.run(third, 1, c)))(lanes);
  near(t, found.params, np.stack([solution(costs), solution(costs.neg())]), 1e-12, 'lanes');
  near(t, jit(vmap(jacrev(solution)))(lanes), vmap(jacrev(other))(lanes), 1e-8, 'lanes of derivatives');
  t.match(solvers.statusName(descent.run(third, 1, costs.mul(Number.NaN)).state.status), /^nonfinite/);
  // Trees, aux and another size; zeros stay.
  const tree = new MirrorDescent({
    fun: ({ a, b }: { a: NDArray; b: NDArray }) =>
      [np.sum(np.square(a)).add(np.dot(b, f64([1, 2]))), { first: a }] as const,
    projectionGrad: klProjectionGrad,
    stepsize: 0.1,
    hasAux: true,
    tol: 1e-6,
    maxiter: 2000,
  });
  const start = { a: f64([3, 2, 0]), b: f64([4, 1]) };
  const { params, state } = tree.run(start, 5);
  near(t, params.a, [2.5, 2.5, 0], 1e-5, 'a tree');
  near(t, params.b, [5, 0], 1e-5, 'a vertex');
  t.same(state.aux.first.shape, [3]);
  t.throws(() => new MirrorDescent({ fun: quadratic, projectionGrad: klProjectionGrad } as never), {
    message: /^MirrorDescent: `stepsize` must be a number or a function, but it is undefined\./,
  });
  t.end();
});

t.test('the nuclear norm', (t) => {
  const shapes: [number, number][] = [
    [4, 4],
    [6, 3],
    [3, 5],
  ];
  for (const [i, shape] of shapes.entries()) {
    const x = random.normal(random.key(i), shape, { dtype: 'float64' });
    const y = prox.nuclear(x, 1.2, 0.5);
    // (x − y)/threshold is a subgradient: no singular value above 1, and ⟨·, y⟩ is the norm of y.
    const slope = x.sub(y).div(0.6);
    t.ok((np.max(linalg.svdvals(slope)).item() as number) <= 1 + 1e-12, `${shape}: a subgradient`);
    near(t, np.sum(slope.mul(y)), np.sum(linalg.svdvals(y)), 1e-12, `${shape}: that of y`);
    directions(x, f64(1.1), `${shape}`);
  }
  // Equal singular values, and some that vanish.
  const [q] = linalg.qr(random.normal(random.key(9), [4, 4], { dtype: 'float64' }));
  directions(q.mul(2), f64(0.7), 'equal singular values');
  directions(np.matmul(q.mul(f64([3, 3, 0.2, 0.2])), q.T), f64(0.7), 'pairs above and below');
  const flat = np.concatenate([q.slice([], [0, 2]).mul(2), zeros(4, 1)], { axis: 1 });
  directions(flat, f64(0.7), 'a matrix without full rank');
  function directions(x: NDArray, threshold: NDArray, name: string): void {
    const [dx, dt] = [np.cos(np.arange(x.size).astype('float64')).reshape([...x.shape]), f64(0.3)];
    const h = 1e-6;
    const f = (x: NDArray, t: NDArray): NDArray => prox.nuclear(x, t);
    const numeric = f(x.add(dx.mul(h)), threshold.add(dt.mul(h))).sub(f(x.sub(dx.mul(h)), threshold.sub(dt.mul(h))));
    const [, tangent] = jvp(f, [x, threshold], [dx, dt]);
    near(t, tangent, numeric.div(2 * h), 1e-7, `${name}: derivative`);
    const [, pull] = vjp(f, [x, threshold]);
    const [inX, inT] = pull(dx) as [NDArray, NDArray];
    near(t, np.sum(inX.mul(dx)).add(inT.mul(dt)), np.sum(tangent.mul(dx)), 1e-9, `${name}: reverse`);
  }
  // Completion of a matrix of rank 1 of which two thirds are seen, and its derivative in the strength.
  const truth = np.outer(f64([1, 2, -1, 0.5, 1.5, 1]), f64([1, -1, 2, 0.5, 1]));
  const seen = np.arange(30).mod(3).gt(0).reshape([6, 5]);
  const fun = (x: NDArray): NDArray => np.sum(np.where(seen, np.square(x.sub(truth)), 0)).mul(0.5);
  const completing = new solvers.ProximalGradient({ fun, prox: prox.nuclear, tol: 1e-6, maxiter: 2000 });
  const found = completing.run(zeros(6, 5), 0.01).params;
  near(t, found, truth, 2e-2, 'completion');
  t.equal(linalg.matrixRank(found, { rtol: 1e-6 }).item(), 1);
  const solver = new solvers.ProximalGradient({
    fun: (x: NDArray) => fun(x).add(np.sum(np.square(x)).mul(0.2)),
    prox: prox.nuclear,
    stepsize: 0.7,
    tol: 1e-11,
  });
  const size = jit((l: NDArray): NDArray => np.sum(np.square(solver.run(zeros(6, 5), l).params)));
  const numeric = (size(f64(1 + 1e-4)).item() as number) - (size(f64(1 - 1e-4)).item() as number);
  near(t, grad(size)(f64(1)), numeric / 2e-4, 1e-6, 'derivative of the solution');
  const many = random.normal(random.key(3), [3, 4, 2]);
  near(t, vmap((x: NDArray) => prox.nuclear(x, 0.5))(many).slice(1), prox.nuclear(many.slice(1), 0.5), 1e-6, 'lanes');
  t.throws(() => prox.nuclear(zeros(3)), { message: /^prox.nuclear: x must be a matrix, but it is f64\[3\]\./ });
  t.end();
});
