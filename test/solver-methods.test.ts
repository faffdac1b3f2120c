/** Every solver on problems with a closed form: values, derivatives, lanes, dtypes, statuses. */
import {
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  jvp,
  linalg,
  makeJaxpr,
  type NDArray,
  np,
  optimizers,
  projection,
  prox,
  solvers,
  tree,
  vmap,
} from 'cotangent';
import t from 'tap';
import { near } from './lib/near.ts';

type DType = 'float32' | 'float64';

/** A w = θ b with a positive definite A, as a minimum, a fixed point, a least-squares problem; w > 0 for θ > 0. */
function problem(dtype: DType) {
  const A = np.array(
    [
      [2, 0.5, 0],
      [0.5, 1.5, -0.3],
      [0, -0.3, 1],
    ],
    { dtype },
  );
  const b = np.array([1, 2, 0.5], { dtype });
  const L = linalg.cholesky(A);
  const c = linalg.solveTriangular(L, b, { lower: true });
  const fun = (w: NDArray, theta: NDArray): NDArray => np.dot(w, np.matmul(A, w)).mul(0.5).sub(np.dot(b, w).mul(theta));
  const fixedPointFun = (w: NDArray, theta: NDArray): NDArray => w.sub(np.matmul(A, w).sub(b.mul(theta)).mul(0.4));
  const residualFun = (w: NDArray, theta: NDArray): NDArray => np.matmul(L.T, w).sub(c.mul(theta));
  return { fun, fixedPointFun, residualFun, unit: linalg.solve(A, b), init: np.zeros([3], { dtype }) };
}

type Options = { tol: number; maxiter: number; implicitDiff: boolean };
type Solve = (w0: NDArray, theta: NDArray) => solvers.Step<NDArray, solvers.BaseState>;

const makers: Record<string, (p: ReturnType<typeof problem>, options: Options) => Solve> = {
  GradientDescent: ({ fun }, o) => run(new solvers.GradientDescent({ fun, stepsize: 0.4, acceleration: false, ...o })),
  BFGS: ({ fun }, o) => run(new solvers.BFGS({ fun, ...o })),
  'BFGS, backtracking': ({ fun }, o) => run(new solvers.BFGS({ fun, linesearch: 'backtracking', ...o })),
  LBFGS: ({ fun }, o) => run(new solvers.LBFGS({ fun, historySize: 4, ...o })),
  NonlinearCG: ({ fun }, o) => run(new solvers.NonlinearCG({ fun, ...o })),
  OptimizerSolver: ({ fun }, o) => run(new solvers.OptimizerSolver({ fun, optimizer: optimizers.sgd(0.4), ...o })),
  FixedPointIteration: ({ fixedPointFun }, o) => run(new solvers.FixedPointIteration({ fixedPointFun, ...o })),
  AndersonAcceleration: ({ fixedPointFun }, o) =>
    run(new solvers.AndersonAcceleration({ fixedPointFun, ridge: 1e-7, ...o })),
  GaussNewton: ({ residualFun }, o) => run(new solvers.GaussNewton({ residualFun, ...o })),
  LevenbergMarquardt: ({ residualFun }, o) => run(new solvers.LevenbergMarquardt({ residualFun, ...o })),
  'LevenbergMarquardt, qr': ({ residualFun }, o) =>
    run(new solvers.LevenbergMarquardt({ residualFun, solver: 'qr', materializeJac: true, geodesic: true, ...o })),
  ProjectedGradient: ({ fun }, o) => {
    const solver = new solvers.ProjectedGradient({
      fun,
      projection: projection.nonNegative,
      stepsize: 0.4,
      acceleration: false,
      ...o,
    });
    return (w0, theta) => solver.run(w0, null, theta);
  },
  ProximalGradient: ({ fun }, o) => {
    const solver = new solvers.ProximalGradient({ fun, prox: prox.none, stepsize: 0.4, acceleration: false, ...o });
    return (w0, theta) => solver.run(w0, null, theta);
  },
};
const run =
  (solver: solvers.IterativeSolver): Solve =>
  (w0, theta) =>
    solver.run(w0, theta) as never;

for (const [name, make] of Object.entries(makers)) {
  t.test(name, (t) => {
    for (const dtype of ['float64', 'float32'] as const) {
      const p = problem(dtype);
      const [tol, tolerance] = dtype === 'float64' ? [1e-9, 1e-7] : [2e-4, 3e-3];
      const theta = np.array(1.5, { dtype });
      const wanted = p.unit.mul(1.5);
      const solve = make(p, { tol, maxiter: 200, implicitDiff: true });
      const solution = (theta: NDArray): NDArray => solve(p.init, theta).params;
      const { params, state } = solve(p.init, theta);
      near(t, params, wanted, tolerance, `${dtype}: solution`);
      t.equal(params.dtype, dtype);
      t.equal(solvers.statusName(state.status), 'converged: the error is at most tol', `${dtype}: status`);
      // Programs take long to compile: what can be computed in one is.
      const both = jit((theta: NDArray) => [solution(theta), jacrev(solution)(theta)] as const);
      const [value, slope] = both(theta);
      near(t, value, wanted, tolerance, `${dtype}: jit`);
      near(t, slope, p.unit, tolerance, `${dtype}: jacrev`);
      near(t, jacfwd(solution)(theta), p.unit, tolerance, `${dtype}: jacfwd`);
      if (dtype === 'float32') continue;
      const square = (theta: NDArray): NDArray => np.sum(np.square(solution(theta)));
      near(t, hessian(square)(theta), np.sum(np.square(p.unit)).mul(2), 1e-6, 'hessian');
      const thetas = np.array([0.5, 1.5, -0 + 3], { dtype });
      const lanes = jit(vmap((theta: NDArray) => ({ ...solve(p.init, theta), slope: grad(square)(theta) })))(thetas);
      near(t, lanes.params, np.outer(thetas, p.unit), tolerance, 'vmap');
      t.strictSame(lanes.state.status.tolist(), [0, 0, 0], 'a status per lane');
      near(t, lanes.slope, thetas.mul(np.sum(np.square(p.unit)).mul(2)), 1e-6, 'vmap of grad');
      // Through the iterations.
      const unrolled = make(p, { tol, maxiter: 60, implicitDiff: false });
      const through = (theta: NDArray): NDArray => unrolled(p.init, theta).params;
      near(t, jit(jacrev(through))(theta), p.unit, 1e-4, 'unrolled, reverse');
      near(t, jit(jacfwd(through))(theta), p.unit, 1e-4, 'unrolled, forward');
      // Stopping early, and NaN.
      const few = make(p, { tol: 0, maxiter: 2, implicitDiff: true })(p.init, theta);
      t.match(solvers.statusName(few.state.status), /^(maxiter|converged|nonfinite)/);
      t.equal(few.state.iterNum.item(), 2, 'maxiter');
      const nan = make(p, { tol, maxiter: 20, implicitDiff: true })(p.init, theta.mul(Number.NaN));
      t.equal(solvers.statusName(nan.state.status).split(':')[0], 'nonfinite', 'NaN is reported');
    }
    t.end();
  });
}

t.test('non-contractions', (t) => {
  // x ← M x + b with M's eigenvalues ±1.3 i: plain iteration diverges, Anderson's finds (I − M)⁻¹ b.
  const M = np.array(
    [
      [0, -1.3],
      [1.3, 0],
    ],
    { dtype: 'float64' },
  );
  const b = np.array([1, 2], { dtype: 'float64' });
  const eye = np.eye(2).astype('float64');
  const fixedPointFun = (x: NDArray, s: NDArray): NDArray => np.matmul(M, x).mul(s).add(b);
  const plain = new solvers.FixedPointIteration({ fixedPointFun, maxiter: 4000 });
  const x0 = np.zeros([2], { dtype: 'float64' });
  const one = np.array(1, { dtype: 'float64' });
  t.match(solvers.statusName(plain.run(x0, one).state.status), /^nonfinite/);
  const solver = new solvers.AndersonAcceleration({
    fixedPointFun,
    historySize: 3,
    ridge: 1e-10,
    tol: 1e-9,
    maxiter: 100,
  });
  const solution = (s: NDArray): NDArray => solver.run(x0, s).params;
  const exact = (s: NDArray): NDArray => linalg.solve(eye.sub(M.mul(s)), b);
  near(t, solution(one), exact(one), 1e-8, 'solution');
  near(t, jacrev(solution)(one), jacrev(exact)(one), 1e-7, 'jacrev');
  near(t, jit(jacfwd(jacfwd(solution)))(one), jacfwd(jacfwd(exact))(one), 1e-6, 'second derivative');
  const ss = np.array([0.8, 1, 1.1], { dtype: 'float64' });
  near(t, vmap(jacrev(solution))(ss), vmap(jacrev(exact))(ss), 1e-6, 'lanes');
  // Rotations by many angles, in one call.
  const angles = np.linspace(0.1, 3, 14).astype('float64');
  const rotated = new solvers.AndersonAcceleration({
    fixedPointFun: (x: NDArray, angle: NDArray) => {
      const [c, s] = [np.cos(angle), np.sin(angle)];
      return np
        .stack([c.mul(x.slice(0)).sub(s.mul(x.slice(1))), s.mul(x.slice(0)).add(c.mul(x.slice(1)))])
        .mul(1.05)
        .add(1);
    },
    ridge: 1e-10,
    historySize: 3,
    tol: 1e-8,
  });
  const found = vmap((angle: NDArray) => rotated.run(x0, angle))(angles);
  t.ok(
    (found.state.status.tolist() as number[]).every((s) => s === 0),
    'every lane converges',
  );
  t.end();
});

t.test('what a derivative costs', (t) => {
  const X = np.sin(np.arange(200)).reshape([20, 10]);
  const y = np.cos(np.arange(20));
  const ridge = (w: NDArray, l2reg: NDArray): NDArray =>
    np
      .mean(np.square(np.matmul(X, w).sub(y)))
      .add(np.sum(w.mul(w)).mul(l2reg))
      .mul(0.5);
  const count = (program: unknown, pattern: RegExp): number => String(program).match(pattern)?.length ?? 0;
  const loops = / = (while|scan)\b/g;
  const solves = / = custom_linear_solve\b/g;
  const fun = ridge;
  const tol = 0;
  const kinds: Record<
    string,
    (options: {
      maxiter: number;
      implicitDiffSolve?: solvers.SolverOptions['implicitDiffSolve'] & {};
    }) => solvers.IterativeSolver
  > = {
    GradientDescent: (o) => new solvers.GradientDescent({ fun, tol, stepsize: 0.1, ...o }),
    LBFGS: (o) => new solvers.LBFGS({ fun, tol, ...o }),
    AndersonAcceleration: (o) =>
      new solvers.AndersonAcceleration({
        tol,
        fixedPointFun: (w: NDArray, l: NDArray) => w.sub(grad(ridge)(w, l).mul(0.1)),
        ...o,
      }),
  };
  const l2reg = np.array(0.1);
  for (const [name, make] of Object.entries(kinds)) {
    const outer = (maxiter: number) => {
      const solver = make({ maxiter });
      return (l: NDArray): NDArray => np.sum(np.square(solver.run(np.zeros([10]), l).params));
    };
    // The solver's loops stand in the gradient's program as often as in the solver's own: they are not run again.
    const own = count(jit(outer(20)).lower(l2reg).jaxpr, loops);
    t.ok(own >= 1, `${name}: has a loop`);
    for (const [order, f] of [
      ['gradient', grad(outer(20))],
      ['second derivative', grad(grad(outer(20)))],
      ['Hessian', hessian(outer(20))],
    ] as const)
      t.equal(count(jit(f).lower(l2reg).jaxpr, loops), own, `${name}: loops in the ${order}`);
    t.equal(count(makeJaxpr(grad(outer(20)))(l2reg), solves), 1, `${name}: one linear solve per gradient`);
    // Reverse mode remembers nothing of the iterations.
    const [few, many] = [20, 2000].map((n) => jit(grad(outer(n))).lower(l2reg).peakBytes);
    t.equal(many, few, `${name}: memory at 2,000 iterations`);
    t.ok(few! > 0);
  }
  // A Jacobian of the solution in ten arguments: one factorisation.
  const solver = new solvers.GradientDescent({
    fun: (w: NDArray, c: NDArray) => ridge(w, np.array(0.1)).sub(np.dot(c, w)),
    stepsize: 0.1,
  });
  const solution = (c: NDArray): NDArray => solver.run(np.zeros([10]), c).params;
  for (const jac of [jacrev, jacfwd]) {
    const program = makeJaxpr(jac(solution))(np.zeros([10]));
    t.equal(count(program, / = lu\b/g), 1, `${jac.name}: factorised once`);
    t.match(String(program), /:f32\[10,10\] \w+:i32\[10\] \w+:i32\[10\] = lu/, 'one matrix');
    t.equal(count(program, solves), 1, 'one solve for all columns');
  }
  t.end();
});

t.test('Bisection', (t) => {
  // The projection on the simplex as a root: Σ max(x − τ, 0) = 1.
  const x = np.sin(np.arange(50).astype('float64').mul(3)).mul(0.5);
  const gap = (tau: NDArray, x: NDArray): NDArray => np.sum(np.maximum(x.sub(tau), 0)).sub(1);
  const solver = new solvers.Bisection({ optimalityFun: gap, lower: -1, upper: 1, maxiter: 60, tol: 1e-13 });
  const project = (x: NDArray): NDArray => np.maximum(x.sub(solver.run(null, x).params), 0);
  near(t, project(x), projection.simplex(x), 1e-11, 'values');
  near(t, jit(jacrev(project))(x), jacrev((x: NDArray) => projection.simplex(x))(x), 1e-11, 'Jacobian');
  near(t, jacfwd(project)(x), jacrev((x: NDArray) => projection.simplex(x))(x), 1e-11, 'Jacobian, forward');
  const square = { optimalityFun: (x: NDArray, a: NDArray): NDArray => x.mul(x).sub(a), maxiter: 60, tol: 1e-6 };
  const sqrt = new solvers.Bisection({ ...square, lower: 0, upper: 2 });
  t.equal(sqrt.run(null, 2).params.dtype, 'float32');
  near(t, sqrt.run(null, 2).params, np.array(Math.SQRT2), 1e-6, 'numbers');
  near(t, grad((a: NDArray) => sqrt.run(null, a).params)(2), np.array(Math.SQRT1_2 / 2), 1e-5, 'of a number');
  const { params, state } = vmap((a: NDArray) => sqrt.run(null, a))(np.array([1, 2, 9]));
  near(t, params.slice([0, 2]), np.array([1, Math.SQRT2]), 1e-6, 'lanes');
  t.strictSame(state.status.tolist(), [0, 0, 7], 'no root of x² = 9 in [0, 2]');
  t.equal(solvers.statusName(7), 'bracket: the root is not between lower and upper');
  const strict = new solvers.Bisection({ ...square, lower: 0, upper: 2, throw: true });
  t.throws(() => jit((a: NDArray) => strict.run(null, a).params)(np.array(9)), {
    name: 'SolveError',
    message: /^Bisection: not solved: the root is not between lower and upper \(status `bracket`\)\./,
  });
  const unchecked = new solvers.Bisection({ ...square, lower: 0, upper: 2, checkBracket: false });
  t.match(solvers.statusName(unchecked.run(null, 9).state.status), /^maxiter/);
  const traced = (upper: NDArray): NDArray =>
    new solvers.Bisection({ ...square, lower: np.array(0), upper }).run(null, 2).params;
  near(t, jit(traced)(np.array(3)), np.array(Math.SQRT2), 1e-6, 'bounds that are traced');
  const aux = new solvers.Bisection({
    optimalityFun: (x: NDArray, a: NDArray) => [x.sub(a), { double: x.mul(2) }] as const,
    lower: 0,
    upper: 2,
    hasAux: true,
  });
  near(t, aux.run(null, 1).state.aux.double, np.array(2), 1e-4, 'aux');
  t.end();
});

t.test('throw', (t) => {
  const fun = (x: NDArray, theta: NDArray): NDArray => np.sum(np.square(x.sub(theta)));
  const gd = (options: object): ((theta: NDArray) => NDArray) => {
    const solver = new solvers.GradientDescent({ fun, stepsize: 0.1, acceleration: false, throw: true, ...options });
    return (theta) => np.sum(solver.run(np.zeros([2]), theta).params);
  };
  near(t, gd({})(np.array(1)), np.array(2), 1e-2, 'no error where it converges');
  const maxiter = {
    name: 'SolveError',
    message: /^GradientDescent: not solved: stopped after the largest number of iterations \(status `maxiter`\)\./,
  };
  const few = gd({ maxiter: 3 });
  t.throws(() => few(np.array(1)), maxiter);
  t.throws(() => jit(few)(np.array(1)), maxiter, 'jit');
  t.throws(() => grad(few)(np.array(1)), maxiter, 'grad');
  t.throws(() => vmap(few)(np.array([0, 1])), maxiter, 'vmap');
  t.throws(() => gd({ maxiter: 3, implicitDiff: false })(np.array(1)), maxiter, 'unrolled');
  t.throws(() => gd({})(np.array(Number.NaN)), {
    message: /^GradientDescent: not solved: NaN or infinite values \(status `nonfinite`\)\./,
  });
  // A minimum along a line: the solution is one of many, the Hessian is singular.
  const flat = new solvers.GradientDescent({
    fun: (x: NDArray, theta: NDArray) => np.square(np.sum(x).sub(theta)),
    stepsize: 0.1,
    acceleration: false,
    throw: true,
  });
  t.throws(() => grad((theta: NDArray) => np.sum(flat.run(np.zeros([2]), theta).params))(np.array(1)), {
    name: 'SolveError',
    message:
      /^the derivative of GradientDescent: not solved: the matrix is singular to working precision \(status `singular`\)\./,
  });
  const stop = new solvers.LBFGS({
    fun: (x: NDArray) => np.sum(np.abs(x)).mul(Number.NaN),
    stopIfLinesearchFails: true,
    maxls: 3,
  });
  t.match(solvers.statusName(stop.run(np.ones([2])).state.status), /^(linesearch|nonfinite)/);
  t.end();
});

t.test('trees, aux, and step by step', (t) => {
  const fun = ({ a, b }: { a: NDArray; b: NDArray[] }, target: NDArray): [NDArray, { last: NDArray }] => [
    np.sum(np.square(a.sub(target))).add(np.square(b[0]!.sub(3))),
    { last: a },
  ];
  const target = np.array([1, 2]);
  const init = { a: np.zeros([2]), b: [np.array(0)] };
  const value = (p: typeof init, target: NDArray): NDArray => fun(p, target)[0];
  const residualFun = ({ a, b }: typeof init, target: NDArray) => ({ first: a.sub(target), second: b[0]!.sub(3) });
  const all: Record<string, solvers.IterativeSolver> = {
    BFGS: new solvers.BFGS({ fun, hasAux: true }),
    LBFGS: new solvers.LBFGS({ fun, hasAux: true }),
    NonlinearCG: new solvers.NonlinearCG({ fun, hasAux: true }),
    OptimizerSolver: new solvers.OptimizerSolver({ fun, hasAux: true, optimizer: optimizers.sgd(0.3) }),
    AndersonAcceleration: new solvers.AndersonAcceleration({
      fixedPointFun: (p: typeof init, target: NDArray) =>
        tree.map((x, g) => x.sub(g!.mul(0.3)), p, grad(value)(p, target)),
    }),
    GaussNewton: new solvers.GaussNewton({ residualFun }),
    LevenbergMarquardt: new solvers.LevenbergMarquardt({ residualFun, materializeJac: true, solver: 'cholesky' }),
    'LevenbergMarquardt by products': new solvers.LevenbergMarquardt({ residualFun }),
  };
  for (const [name, solver] of Object.entries(all)) {
    const { params } = solver.run(init, target);
    near(t, params.a, target, 1e-3, `${name}: a`);
    near(t, params.b[0]!, np.array(3), 1e-3, `${name}: b`);
    const [, dot] = jvp((target: NDArray) => solver.run(init, target).params, [target], [np.array([1, -1])]);
    near(t, dot.a, np.array([1, -1]), 1e-3, `${name}: tangent`);
    t.ok(solver.l2OptimalityError(params, target).item() < 1e-2, `${name}: optimality`);
    let p = init;
    let state = solver.initState(p, target);
    const update = jit((p: typeof init, s: any, target: NDArray) => solver.update(p, s, target));
    for (let i = 0; i < 3; i++) ({ params: p, state } = update(p, state, target) as any);
    t.equal(state.iterNum.item(), 3, `${name}: steps`);
    t.equal(state.status.item(), 3, `${name}: running`);
  }
  const withLast = new solvers.LBFGS({ fun, hasAux: true }).run(init, target).state.aux.last;
  near(t, withLast, target, 1e-3, 'aux');
  t.end();
});

t.test('training by an optimizer, batch by batch', (t) => {
  const truth = np.array([1, -2]);
  const fun = (w: NDArray, { x, y }: { x: NDArray; y: NDArray }): NDArray => np.mean(np.square(np.matmul(x, w).sub(y)));
  function* batches(n: number) {
    for (let i = 0; i < n; i++) {
      const x = np.cos(np.arange(8).mul(i + 1)).reshape([4, 2]);
      yield { x, y: np.matmul(x, truth) };
    }
  }
  const solver = new solvers.OptimizerSolver({ fun, optimizer: optimizers.adam(0.1), maxiter: 400 });
  const { params, state } = solver.runIterator(np.zeros([2]), batches(600));
  t.equal(state.iterNum.item(), 400);
  near(t, params, truth, 1e-2, 'solution');
  let calls = 0;
  const counting = new solvers.OptimizerSolver({
    fun: (w: NDArray) => np.sum(np.square(w)),
    optimizer: optimizers.sgd(0.1),
    preUpdate: (params, state) => {
      calls++;
      return [params.mul(0), state];
    },
  });
  t.equal(np.max(np.abs(counting.update(np.ones([2]), counting.initState(np.ones([2]))).params)).item(), 0);
  t.equal(calls, 1, 'preUpdate');
  t.throws(() => solver.runIterator(np.zeros([2]), []), { message: /the iterator of `runIterator` gave no item\./ });
  t.throws(() => new solvers.OptimizerSolver({ fun, optimizer: {} as never }), {
    message: /`optimizer` must be one of/,
  });
  t.end();
});

t.test('numbers among parameters are float32 arrays', (t) => {
  const fun = (x: NDArray): NDArray => np.square(x.sub(2));
  const step = (x: NDArray): NDArray => x.mul(0.5).add(1);
  const residualFun = (x: NDArray): NDArray => np.stack([x.sub(2), x.mul(x).sub(4)]);
  const all = [
    new solvers.GradientDescent({ fun }),
    new solvers.ProximalGradient({ fun, prox: (x: NDArray) => x }),
    new solvers.ProjectedGradient({ fun, projection: (x: NDArray) => x }),
    new solvers.BFGS({ fun }),
    new solvers.LBFGS({ fun }),
    new solvers.NonlinearCG({ fun }),
    new solvers.OptimizerSolver({ fun, optimizer: optimizers.sgd(0.3) }),
    new solvers.FixedPointIteration({ fixedPointFun: step }),
    new solvers.AndersonAcceleration({ fixedPointFun: step }),
    new solvers.GaussNewton({ residualFun }),
    new solvers.LevenbergMarquardt({ residualFun }),
  ] as unknown as solvers.GradientDescent<(x: NDArray) => NDArray>[];
  for (const solver of all) {
    const { name } = solver.constructor;
    const expected = solver.run(np.array(0.5)).params.item();
    for (const [how, x] of [
      ['run', solver.run(0.5).params],
      ['run in jit', jit((init: NDArray) => solver.run(init).params)(0.5)],
      [
        'two updates',
        solver.update(...(Object.values(solver.update(0.5, solver.initState(0.5))) as [NDArray, any])).params,
      ],
    ] as const) {
      t.equal(x.dtype, 'float32', `${name}, ${how}`);
      if (how !== 'two updates') t.equal(x.item(), expected, `${name}, ${how}`);
    }
    t.equal(solver.optimalityFun(0.5).dtype, 'float32', name);
    t.equal(solver.l2OptimalityError(0.5).dtype, 'float32', name);
  }
  const { params } = new solvers.LBFGS({
    fun: (p: { a: NDArray; b: NDArray }) => np.square(p.a.sub(1)).add(np.sum(np.square(p.b.sub(p.a)))),
  }).run({ a: 0, b: np.zeros([2]) });
  t.ok(Math.abs((params.a.item() as number) - 1) < 1e-3);
  t.end();
});
