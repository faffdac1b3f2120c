/** OSQP and BoxOSQP: solutions, derivatives, lanes and statuses, against test/oracle/quadratic_programs.py and closed forms. */
import {
  grad,
  jacfwd,
  jacrev,
  jit,
  jvp,
  type NDArray,
  np,
  projection,
  prox,
  random,
  solvers,
  tree,
  vmap,
} from 'cotangent';
import t from 'tap';
import { f64, near } from './lib/near.ts';
import { A, b, c, G, h, named, partsOf, Q, slope, small, wanted, wave } from './lib/quadratic-programs.ts';

t.test('OSQP on programs of JAXopt: solutions and derivatives', (t) => {
  for (const [i, p] of wanted.programs.entries()) {
    const [m, n] = p.rows;
    const { Q, c, A, b, G, h } = partsOf(p);
    const pair = (M: NDArray, v: NDArray, rows: number) => (rows ? ([M, v] as const) : null);
    const name = `program ${i}`;
    const ways: Record<string, solvers.OSQPOptions> = {
      default: {},
    };
    if (i === 0) ways.lu = { eqQpSolve: 'lu', polish: false, tol: 1e-9 };
    if (i === 1) ways['cg+jacobi'] = { eqQpSolve: 'cg+jacobi', polish: false, tol: 1e-9, maxiter: 20000 };
    for (const [way, options] of Object.entries(ways)) {
      const solver = new solvers.OSQP(options);
      const args = [[Q, c], pair(A, b, m), pair(G, h, n)] as const;
      const { params, state } = solver.run(null, ...args);
      near(t, params.primal, p.primal, 1e-7, `${name}, ${way}: primal`);
      if (m) near(t, params.dualEq, p.dualEq, 1e-6, `${name}, ${way}: dualEq`);
      if (n) near(t, params.dualIneq, p.dualIneq, 1e-6, `${name}, ${way}: dualIneq`);
      t.equal(named(state), 'converged', `${name}, ${way}`);
      small(
        t,
        solver.l2OptimalityError(params, ...args),
        way === 'default' ? 1e-12 : 3e-8,
        `${name}, ${way}: optimality`,
      );
    }
    const solver = new solvers.OSQP();
    const solution = (at: { Q: NDArray; c: NDArray; A: NDArray; b: NDArray; G: NDArray; h: NDArray }): NDArray =>
      solver.run(null, [at.Q, at.c], pair(at.A, at.b, m), pair(at.G, at.h, n)).params.primal;
    const at = { Q, c, A, b, G, h };
    if (i === 1 || i === 3) continue;
    const all = jit(jacrev(solution))(at);
    near(t, all.c, p.jacobians.c, 1e-9, `${name}: by c`);
    if (m) near(t, all.b, p.jacobians.b, 1e-9, `${name}: by b`);
    if (n) near(t, all.h, p.jacobians.h, 1e-9, `${name}: by h`);
    if (i > 0) continue;
    // Matrices by differences; forward as reverse; the second derivative.
    for (const key of ['Q', 'A', 'G'] as const) {
      const along = key === 'Q' ? wave(Q).add(wave(Q).T) : wave(at[key]);
      const f = (x: NDArray): NDArray => solution({ ...at, [key]: x });
      const [, forward] = jvp(f, [at[key]], [along]);
      near(t, forward, slope(f, at[key], along), 1e-6, `${name}: by ${key}, differences`);
      near(t, np.tensordot(all[key], along, { axes: along.ndim }), forward, 1e-10, `${name}: by ${key}, reverse`);
    }
    const square = (Q: NDArray): NDArray => np.sum(np.square(solution({ ...at, Q })));
    const along = wave(Q).add(wave(Q).T);
    const first = (Q: NDArray): NDArray => jvp(square, [Q], [along])[1];
    near(t, jvp(first, [Q], [along])[1], slope(first, Q, along), 1e-5, `${name}: second derivative`);
  }
  t.end();
});

t.test('through the iterations', (t) => {
  const p = wanted.programs[1];
  const { Q, c, A, b, G, h } = partsOf(p);
  const solver = new solvers.OSQP({ implicitDiff: false, tol: 1e-10, maxiter: 300 });
  const x = (b: NDArray): NDArray => solver.run(null, [Q, c], [A, b], [G, h]).params.primal;
  near(t, x(b), p.primal, 1e-8, 'solution');
  near(t, jit(jacrev(x))(b), p.jacobians.b, 1e-6, 'reverse');
  near(t, jit(jacfwd(x))(b), p.jacobians.b, 1e-6, 'forward');
  const byCg = new solvers.OSQP({ implicitDiff: false, tol: 1e-8, maxiter: 200, eqQpSolve: 'cg' });
  const objective = (c: NDArray): NDArray => np.sum(byCg.run(null, [Q, c], [A, b], [G, h]).params.primal);
  near(t, grad(objective)(c), np.sum(f64(p.jacobians.c), { axis: 0 }), 1e-4, 'conjugate gradients, reverse');
  t.end();
});

t.test('a layer that solves a batch of programs', (t) => {
  // As in OptNet: min ½‖y − x‖² + ½ ε‖x‖² with A x = b and 0 ≤ x, where each lane has its own y and b; a loss of all lanes.
  const d = { dtype: 'float64' } as const;
  const [k1, k2] = random.split(random.key(3));
  const Y = random.normal(k1, [6, 5], d);
  const right = random.uniform(k2, [6, 1], d).add(0.5);
  const [ones, bounds] = [np.ones([1, 5], d), [np.eye(5).astype('float64').neg(), np.zeros([5], d)] as const];
  const qp = new solvers.OSQP();
  const layer = (y: NDArray, b: NDArray, eps: NDArray): NDArray =>
    qp.run(null, [np.eye(5).astype('float64').mul(eps.add(1)), y.neg()], [ones, b], bounds).params.primal;
  const one = np.array(0, d);
  const rows = jit(vmap(layer, { inAxes: [0, 0, null] }))(Y, right, one);
  const wantedRows = vmap((y: NDArray, b: NDArray) => projection.simplex(y, b.slice(0)))(Y, right);
  near(t, rows, wantedRows, 1e-12, 'the simplex');
  for (let i = 0; i < 6; i++) near(t, rows.slice(i), layer(Y.slice(i), right.slice(i), one), 1e-12, `lane ${i}`);
  const loss = (Y: NDArray, b: NDArray, eps: NDArray): NDArray =>
    np.sum(np.square(vmap(layer, { inAxes: [0, 0, null] })(Y, b, eps).sub(0.2)));
  const [ofY, ofB, ofEps] = jit(grad(loss, { argnums: [0, 1, 2] }))(Y, right, one);
  const project = (Y: NDArray, b: NDArray): NDArray =>
    np.sum(np.square(vmap((y: NDArray, b: NDArray) => projection.simplex(y, b.slice(0)))(Y, b).sub(0.2)));
  const [simplexY, simplexB] = grad(project, { argnums: [0, 1] })(Y, right);
  near(t, ofY, simplexY, 1e-11, 'by y');
  near(t, ofB, simplexB, 1e-11, 'by b');
  near(
    t,
    ofEps,
    slope((e) => loss(Y, right, e), one, np.ones([], d)),
    1e-7,
    'by ε',
  );
  const each = vmap(grad((y: NDArray, b: NDArray) => np.sum(np.square(layer(y, b, one).sub(0.2)))))(Y, right);
  near(t, each, ofY, 1e-11, 'vmap of grad');
  t.end();
});

t.test('without a solution', (t) => {
  const infinite = Number.POSITIVE_INFINITY;
  const qp = new solvers.OSQP();
  // x₁ + x₂ = 1 and x ≥ 2.
  const none = qp.run(null, [Q, c], [A, b], [G, f64([-2, -2])]);
  t.equal(solvers.statusName(none.state.status), 'primalInfeasible: nothing satisfies the constraints');
  t.equal(named(jit(() => qp.run(null, [Q, c], [A, b], [G, f64([-2, -2])]))().state), 'primalInfeasible', 'jit');
  // No curvature along x₂, nor a bound.
  const flat = f64([
    [1, 0],
    [0, 0],
  ]);
  const box = new solvers.BoxOSQP();
  const ramp = [f64([-1, 0]), f64([1, infinite])] as const;
  const unbounded = box.run(null, [flat, f64([0, -1])], np.eye(2).astype('float64'), ramp);
  t.equal(
    solvers.statusName(unbounded.state.status),
    'dualInfeasible: the objective has no bound from below where the constraints hold',
  );
  t.equal(
    named(box.run(null, [flat, f64([0, 1])], np.eye(2).astype('float64'), ramp).state),
    'converged',
    'the other way',
  );
  // A linear program whose constraints contradict: x ≥ 1, x ≤ 0, with a ray to −∞ otherwise.
  const both = box.run(null, [f64([[0]]), f64([1])], f64([[1], [1]]), [f64([1, -infinite]), f64([infinite, 0])]);
  t.equal(named(both.state), 'primalInfeasible', 'a linear program');
  for (const dtype of ['float32'] as const) {
    const lower = np.array(
      [
        [1, 0, 0],
        [1, 2, 2],
        [1, 0.5, 0],
      ],
      { dtype },
    );
    const upper = np.array(
      [
        [1, 0.7, 0.7],
        [1, 3, 3],
        [1, 0.7, 0.7],
      ],
      { dtype },
    );
    const rows = np.concatenate([A, np.eye(2)]).astype(dtype);
    const solve = (l: NDArray, u: NDArray) => box.run(null, [Q.astype(dtype), c.astype(dtype)], rows, [l, u]);
    const lanes = jit(vmap(solve))(lower, upper);
    t.strictSame(lanes.state.status.tolist(), [0, 10, 0], `${dtype}: a status per lane`);
    near(t, lanes.params.primal[0].slice(0), [0.3, 0.7], 1e-6, `${dtype}: lane 0`);
    near(t, lanes.params.primal[0].slice(2), [0.5, 0.5], 1e-6, `${dtype}: lane 2`);
    for (const i of [0, 2])
      near(
        t,
        lanes.params.dualEq.slice(i),
        solve(lower.slice(i), upper.slice(i)).params.dualEq,
        1e-5,
        `${dtype}: lane ${i} alone`,
      );
  }
  t.throws(() => new solvers.OSQP({ throw: true }).run(null, [Q, c], [A, b], [G, f64([-2, -2])]), {
    name: 'SolveError',
    message: /^OSQP: not solved: nothing satisfies the constraints \(status `primalInfeasible`\)\./,
  });
  t.equal(named(qp.run(null, [Q, c.mul(Number.NaN)], [A, b], [G, h]).state), 'nonfinite');
  t.equal(named(new solvers.OSQP({ maxiter: 0 }).run(null, [Q, c], [A, b], [G, h]).state), 'running');
  const few = new solvers.OSQP({ maxiter: 13, tol: 1e-12, polish: false }).run(null, [Q, c], [A, b], [G, h]);
  t.equal(few.state.iterNum.item(), 13, 'maxiter');
  t.equal(named(few.state), 'maxiter');
  // From the solution, one look at the residuals is enough.
  const start = new solvers.OSQP({ tol: 1e-9 }).run(null, [Q, c], [A, b], [G, h]).params;
  t.equal(
    new solvers.OSQP({ tol: 1e-9, polish: false }).run(start, [Q, c], [A, b], [G, h]).state.iterNum.item(),
    10,
    'warm start',
  );
  // Step by step.
  const stepping = new solvers.BoxOSQP();
  const rows = np.concatenate([A, np.eye(2).astype('float64')]);
  const args = [[Q, c], rows, [f64([1, 0, 0]), f64([1, 0.7, 0.7])]] as const;
  let params = stepping.initParams(null, ...args);
  let state = stepping.initState(params, ...args);
  for (let i = 0; i < 5; i++) ({ params, state } = stepping.update(params, state, ...args));
  t.equal(state.iterNum.item(), 50, 'steps');
  t.equal(named(state), 'converged', 'step by step');
  near(t, params.primal[0], [0.3, 0.7], 1e-5, 'step by step');
  // Directions in which nothing changes: the derivative of x₁ is right.
  const free = (s: NDArray): NDArray =>
    box
      .run(null, [flat, np.stack([s, s.mul(0)])], np.eye(2).astype('float64'), [f64([-1, 0]), f64([1, 1])])
      .params.primal[0].slice(0);
  near(t, grad(free)(np.array(0.5, { dtype: 'float64' })), -1, 1e-6, 'a flat direction');
  t.end();
});

t.test('support vector machines', (t) => {
  // max Σ β·y − ½ βᵀKβ where 0 ≤ yᵢ βᵢ ≤ C and Σ β = 0.
  const { X, y, C, gamma, beta } = wanted.kernelSvm;
  const [features, labels] = [f64(X), f64(y)];
  const n = labels.size;
  const difference = features.slice([], null).sub(features.slice(null));
  const K = np.exp(np.sum(np.square(difference), { axis: -1 }).mul(-gamma));
  const rows = np.concatenate([np.ones([1, n]), np.eye(n)]).astype('float64');
  const zero = f64([0]);
  const bounds = (C: NDArray) =>
    [
      np.concatenate([zero, np.minimum(labels.mul(C), 0)]),
      np.concatenate([zero, np.maximum(labels.mul(C), 0)]),
    ] as const;
  const box = new solvers.BoxOSQP();
  const fit = (C: NDArray): NDArray => box.run(null, [K, labels.neg()], rows, bounds(C)).params.primal[0];
  const strength = np.array(C, { dtype: 'float64' });
  near(t, fit(strength), beta, 1e-6, 'with a kernel');
  near(
    t,
    jit(jacrev(fit))(strength),
    slope(fit, strength, np.array(1, { dtype: 'float64' }), 1e-4),
    1e-6,
    'its derivative by C',
  );

  // The dual of a multiclass machine: β on simplices, by an objective and functions of a matrix of variables.
  const multi = wanted.multiclassSvm;
  const [F, Y] = [f64(multi.X), f64(multi.Y)];
  const l2reg = np.array(multi.l2reg, { dtype: 'float64' });
  const weights = (beta: NDArray, l2reg: NDArray): NDArray => np.matmul(F.T, Y.sub(beta)).div(l2reg);
  const fun = (beta: NDArray, l2reg: NDArray): NDArray => {
    const W = weights(beta, l2reg);
    return np
      .sum(np.square(W))
      .mul(l2reg)
      .mul(0.5)
      .add(np.sum(beta.mul(Y.sub(1))));
  };
  const osqp = new solvers.OSQP({
    fun,
    matvecA: (_: null, beta: NDArray) => np.sum(beta, { axis: 1 }),
    matvecG: (_: null, beta: NDArray) => beta.neg(),
    tol: 1e-9,
    maxiter: 20000,
  });
  const solve = (l2reg: NDArray) =>
    osqp.run(
      { primal: np.zeros([20, 3], { dtype: 'float64' }) },
      l2reg,
      [null, np.ones([20], { dtype: 'float64' })],
      [null, np.zeros([20, 3], { dtype: 'float64' })],
    );
  const { params, state } = solve(l2reg);
  t.equal(named(state), 'converged');
  near(t, weights(params.primal, l2reg), multi.W, 1e-4, 'multiclass');
  const size = (l2reg: NDArray): NDArray => np.sum(np.square(weights(solve(l2reg).params.primal, l2reg)));
  near(t, jit(grad(size))(l2reg), slope(size, l2reg, np.array(1, { dtype: 'float64' }), 1e-4), 1e-3, 'its derivative');
  t.end();
});

t.test('nonnegative least squares, lasso, portfolios, large programs', (t) => {
  const d = { dtype: 'float64' } as const;
  const { H, Y, W } = wanted.nonNegative;
  const [design, columns] = [f64(H), f64(Y)];
  const gram = np.matmul(design.T, design);
  const many = new solvers.OSQP({
    matvecQ: (Q: NDArray, w: NDArray) => np.matmul(Q, w),
    matvecG: (_: null, w: NDArray) => w.neg(),
    tol: 1e-10,
  });
  const together = many.run(null, [gram, np.matmul(design.T, columns).neg()], null, [null, np.zeros([3, 10], d)]);
  near(t, together.params.primal.T, W, 1e-8, 'ten columns as one program');
  const one = new solvers.OSQP();
  const lanes = vmap(
    (y: NDArray) =>
      one.run(null, [gram, np.matmul(design.T, y).neg()], null, [np.eye(3).astype('float64').neg(), np.zeros([3], d)])
        .params.primal,
    { inAxes: 1 },
  )(columns);
  near(t, lanes, W, 1e-10, 'ten lanes');

  // ½ ‖r‖² + λ Σ s with X w − r = y and −s ≤ w ≤ s, in trees, and as ½ wᵀXᵀX w: dense.
  const lasso = wanted.lasso;
  const [X, y] = [f64(lasso.X), f64(lasso.y)];
  const eye = np.eye(3).astype('float64');
  const rows = np.concatenate([np.concatenate([eye, eye], { axis: 1 }), np.concatenate([eye, eye.neg()], { axis: 1 })]);
  const inf = np.full([3], Number.POSITIVE_INFINITY, d);
  const bounds = [np.concatenate([np.zeros([3], d), inf.neg()]), np.concatenate([inf, np.zeros([3], d)])] as const;
  const square = np.pad(np.matmul(X.T, X), [
    [0, 3],
    [0, 3],
  ]);
  const box = new solvers.BoxOSQP();
  const byProgram = (lambda: NDArray): NDArray =>
    box
      .run(null, [square, np.concatenate([np.matmul(X.T, y).neg(), np.ones([3], d).mul(lambda)])], rows, bounds)
      .params.primal[0].slice([0, 3]);
  const lambda = np.array(lasso.lambda, d);
  near(t, byProgram(lambda), lasso.w, 1e-8, 'lasso');
  const proximal = new solvers.ProximalGradient({
    fun: (w: NDArray) => np.sum(np.square(np.matmul(X, w).sub(y))).mul(0.5),
    prox: prox.lasso,
    tol: 1e-10,
    maxiter: 4000,
  });
  const byProximal = (lambda: NDArray): NDArray => proximal.run(np.zeros([3], d), lambda).params;
  near(t, jacrev(byProgram)(lambda), jacrev(byProximal)(lambda), 1e-6, 'its derivative, against ProximalGradient');
  const parts = new solvers.BoxOSQP({
    matvecQ: (_: null, { w, r, s }: any) => ({ w: w.mul(0), r, s: s.mul(0) }),
    matvecA: (X: NDArray, { w, r, s }: any) => [np.matmul(X, w).sub(r), w.add(s), w.sub(s)],
    tol: 1e-7,
    maxiter: 20000,
  }).run(null, [null, { w: np.zeros([3], d), r: np.zeros([10], d), s: np.ones([3], d).mul(lambda) }], X, [
    [y, np.zeros([3], d), inf.neg()],
    [y, inf, np.zeros([3], d)],
  ]);
  near(t, parts.params.primal[0].w, lasso.w, 1e-4, 'lasso, in parts');

  // min γ xᵀ(FFᵀ + D)x − μᵀx with Σ x = 1 and x ≥ 0; factors y = Fᵀx.
  const { F, D, mu, gamma } = wanted.portfolio;
  const [factors, risks, returns] = [f64(F), f64(D), f64(mu)];
  const [n, k] = factors.shape as [number, number];
  const objective = np.diag(np.concatenate([risks, np.ones([k], d)])).mul(2 * gamma);
  const constraints = np.concatenate([
    np.concatenate([np.ones([1, n]), np.zeros([1, k])], { axis: 1 }).astype('float64'),
    np.concatenate([factors.T, np.eye(k).neg().astype('float64')], { axis: 1 }),
    np.concatenate([np.eye(n), np.zeros([n, k])], { axis: 1 }).astype('float64'),
  ]);
  const ends = [
    np.concatenate([np.ones([1]), np.zeros([k + n])]).astype('float64'),
    np.concatenate([np.ones([1]), np.zeros([k]), np.full([n], Number.POSITIVE_INFINITY)]).astype('float64'),
  ] as const;
  const linear = np.concatenate([returns.neg(), np.zeros([k], d)]);
  const portfolios = ['cholesky', 'cg+jacobi'].map((eqQpSolve) => {
    const solver = new solvers.BoxOSQP({
      eqQpSolve: eqQpSolve as 'cholesky',
      polish: eqQpSolve === 'cholesky',
      tol: 1e-7,
      maxiter: 20000,
    });
    const { params, state } = solver.run(null, [objective, linear], constraints, ends);
    t.equal(named(state), 'converged', `portfolio, ${eqQpSolve}`);
    small(
      t,
      solver.l2OptimalityError(params, [objective, linear], constraints, ends),
      eqQpSolve === 'cholesky' ? 1e-12 : 1e-5,
      `portfolio, ${eqQpSolve}: optimality`,
    );
    return params.primal[0];
  });
  near(t, portfolios[1]!, portfolios[0], 1e-5, 'preconditioned');

  // 200 variables, 30 equations, 70 inequalities; float32; badly scaled.
  const [k1, k2, k3, k4, k5, k6] = random.split(random.key(5), 6);
  const M = random.normal(k1, [200, 200], d);
  const x = random.normal(k2, [200], d);
  const [A, G] = [random.normal(k3, [30, 200], d), random.normal(k4, [70, 200], d)];
  const scales = np.exp(random.normal(k6, [70, 1], d).mul(3));
  const problem = [
    [np.matmul(M.T, M).div(200), random.normal(k5, [200], d)],
    [A, np.matmul(A, x)],
    [G.mul(scales), np.matmul(G.mul(scales), x).add(scales.slice([], 0))],
  ] as const;
  const solved = one.run(null, ...problem);
  t.equal(named(solved.state), 'converged');
  small(t, one.l2OptimalityError(solved.params, ...problem), 1e-8, '200 variables');
  const inFloats = tree.map((v: NDArray) => v.astype('float32'), problem as any);
  const approximate = one.run(null, ...(inFloats as typeof problem));
  t.equal(named(approximate.state), 'converged', 'float32');
  near(t, approximate.params.primal, solved.params.primal, 2e-3, 'float32');
  t.end();
});
