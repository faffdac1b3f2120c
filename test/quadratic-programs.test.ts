/** Quadratic programs: solutions, derivatives, lanes and statuses, against test/oracle/quadratic_programs.py and closed forms. */
import {
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  jvp,
  linearSolve,
  type NDArray,
  np,
  projection,
  random,
  solvers,
  vmap,
} from 'cotangent';
import t from 'tap';
import { f64, near } from './lib/near.ts';
import { A, b, c, f32, G, h, named, Q, slope, small, wanted, wave } from './lib/quadratic-programs.ts';

t.test('the example of the documentation, by every solver', (t) => {
  const equations = new solvers.EqualityConstrainedQP().run(null, [Q, c], [A, b]);
  near(t, equations.params.primal, [0.25, 0.75], 1e-15, 'EqualityConstrainedQP');
  near(t, equations.params.dualEq, [-2.75], 1e-15, 'EqualityConstrainedQP: multiplier');
  t.equal(equations.params.dualIneq, null);
  t.equal(named(equations.state), 'converged');
  for (const options of [{}, { polish: false, tol: 1e-9 }]) {
    const { params, state } = new solvers.OSQP(options).run(null, [Q, c], [A, b], [G, h]);
    near(t, params.primal, [0.25, 0.75], 1e-8, 'OSQP');
    near(t, params.dualEq, [-2.75], 1e-8, 'OSQP: multiplier of the equation');
    t.strictSame(params.dualIneq.tolist(), [0, 0], 'OSQP: multipliers of the bounds');
    t.equal(named(state), 'converged');
  }
  const rows = np.concatenate([A, np.eye(2).astype('float64')]);
  const bounds = [f64([1, 0, 0]), f64([1, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY])] as const;
  const box = new solvers.BoxOSQP().run(null, [Q, c], rows, bounds);
  near(t, box.params.primal[0], [0.25, 0.75], 1e-14, 'BoxOSQP: x');
  near(t, box.params.primal[1], [1, 0.25, 0.75], 1e-14, 'BoxOSQP: z');
  near(t, box.params.dualEq, [-2.75, 0, 0], 1e-14, 'BoxOSQP: y');
  near(t, box.params.dualIneq[1], [2.75, 0, 0], 1e-14, 'BoxOSQP: φ');
  const inFloats = new solvers.OSQP().run(
    null,
    [f32(Q.tolist()), f32([1, 1])],
    [f32([[1, 1]]), f32([1])],
    [G.astype('float32'), f32([0, 0])],
  );
  t.equal(inFloats.params.primal.dtype, 'float32');
  near(t, inFloats.params.primal, [0.25, 0.75], 1e-6, 'float32');
  t.end();
});

t.test('EqualityConstrainedQP', (t) => {
  const qp = new solvers.EqualityConstrainedQP();
  const x = (b: NDArray, Q_: NDArray = Q, c_: NDArray = c, A_: NDArray = A): NDArray =>
    qp.run(null, [Q_, c_], [A_, b]).params.primal;
  for (const jacobian of [jacrev, jacfwd]) {
    near(t, jacobian((b: NDArray) => x(b))(b), [[0.25], [0.75]], 1e-14, 'by b');
    near(
      t,
      jit(jacobian((c: NDArray) => x(b, Q, c)))(c),
      [
        [-0.25, 0.25],
        [0.25, -0.25],
      ],
      1e-14,
      'by c',
    );
    // Of matrices that are captured, too.
    const scaled = (s: NDArray): NDArray =>
      new solvers.EqualityConstrainedQP().run(null, [Q, c], [A.mul(s), b]).params.primal;
    const one = np.array(1, { dtype: 'float64' });
    near(t, jacobian(scaled)(one), slope(scaled, one, one), 1e-8, 'by A');
    const bent = (s: NDArray): NDArray => x(b, Q.add(np.diag(np.stack([s, s.mul(2)]))));
    near(t, jacobian(bent)(one), slope(bent, one, one), 1e-8, 'by Q');
  }
  // x(c) is linear in c, so that c·x(c) has the Hessian 2 ∂x/∂c.
  near(
    t,
    hessian((c: NDArray) => np.dot(c, x(b, Q, c)))(c),
    [
      [-0.5, 0.5],
      [0.5, -0.5],
    ],
    1e-13,
    'hessian',
  );
  const lanes = jit(vmap((b: NDArray) => qp.run(null, [Q, c], [A, b])))(f64([[1], [2]]));
  near(
    t,
    lanes.params.primal,
    [
      [0.25, 0.75],
      [0.5, 1.5],
    ],
    1e-14,
    'vmap',
  );
  t.strictSame(lanes.state.status.tolist(), [0, 0]);
  // The hyperplane as JAXopt has it: Q = I, c = −x.
  const point = f64([1, 2]);
  near(
    t,
    qp.run(null, [np.eye(2).astype('float64'), point.neg()], [A, b]).params.primal,
    projection.hyperplane(point, [f64([1, 1]), 1]),
    1e-14,
    'hyperplane',
  );

  // Rows that depend on each other, and rows that contradict.
  const twice = f64([
    [1, 1],
    [2, 2],
  ]);
  const dependent = qp.run(null, [Q, c], [twice, f64([1, 2])]);
  near(t, dependent.params.primal, [0.25, 0.75], 1e-9, 'dependent rows');
  t.equal(named(dependent.state), 'converged');
  near(
    t,
    jacrev((c: NDArray) => qp.run(null, [Q, c], [twice, f64([1, 2])]).params.primal)(c),
    [
      [-0.25, 0.25],
      [0.25, -0.25],
    ],
    1e-7,
    'dependent rows: derivative',
  );
  t.equal(named(qp.run(null, [Q, c], [twice, f64([1, 3])]).state), 'singular', 'rows that contradict');
  t.throws(() => new solvers.EqualityConstrainedQP({ throw: true }).run(null, [Q, c], [twice, f64([1, 3])]), {
    message: /^EqualityConstrainedQP: not solved: the matrix is singular to working precision \(status `singular`\)\./,
  });
  t.equal(named(qp.run(null, [Q, c.mul(Number.NaN)], [A, b]).state), 'nonfinite');

  // Matrices, functions, an objective; direct, iterative, refined.
  const objective = (x: NDArray, [Q, c]: [NDArray, NDArray]): NDArray =>
    np.dot(x, np.matmul(Q, x)).mul(0.5).add(np.dot(c, x)).add(3);
  const init = { primal: f64([0, 0]) };
  for (const options of [
    { matvecQ: (Q: NDArray, x: NDArray) => np.matmul(Q, x), matvecA: (A: NDArray, x: NDArray) => np.matmul(A, x) },
    { fun: objective },
    { solve: linearSolve.solveGmres, tol: 1e-12, refineRegularization: 1e-3, refineMaxiter: 30 },
    { solve: (matvec: any, b: any) => linearSolve.solveLu(matvec, b) },
  ]) {
    const other = new solvers.EqualityConstrainedQP(options);
    const name = Object.keys(options).join();
    const { params, state } = other.run(init, [Q, c], [A, b]);
    near(t, params.primal, [0.25, 0.75], 1e-10, name);
    t.equal(named(state), 'converged', name);
    small(t, other.l2OptimalityError(params, [Q, c], [A, b]), 1e-10, `${name}: optimality`);
    near(
      t,
      jacrev((b: NDArray) => other.run(init, [Q, c], [A, b]).params.primal)(b),
      [[0.25], [0.75]],
      1e-9,
      `${name}: derivative`,
    );
  }

  // Trees: a 7-vector as blocks of 5 and 2.
  const [k1, k2, k3, k4] = random.split(random.key(1), 4);
  const d = { dtype: 'float64' } as const;
  const M = random.normal(k1, [7, 7], d);
  const Q7 = np.matmul(M, M.T);
  const [A7, c7, b4] = [random.normal(k2, [4, 7], d), random.normal(k3, [7], d), random.normal(k4, [4], d)];
  const flat = new solvers.EqualityConstrainedQP().run(null, [Q7, c7], [A7, b4]).params;
  const split = (v: NDArray) => ({ head: v.slice([0, 5]), tail: v.slice([5, 7]) });
  for (const refineRegularization of [1e-6]) {
    const trees = new solvers.EqualityConstrainedQP({
      refineRegularization,
      matvecQ: (Q: NDArray, { head, tail }: any) => split(np.matmul(Q, np.concatenate([head, tail]))),
      matvecA: (A: NDArray, { head, tail }: any) => np.matmul(A, np.concatenate([head, tail])),
    }).run(null, [Q7, split(c7)], [A7, b4]).params;
    near(t, np.concatenate([trees.primal.head, trees.primal.tail]), flat.primal, 1e-9, 'trees: x');
    near(t, trees.dualEq, flat.dualEq, 1e-9, 'trees: multipliers');
  }
  const blocks = new solvers.EqualityConstrainedQP({
    matvecA: (_: null, { a, b }: any) => np.sum(a).add(np.sum(b)).reshape([1]),
  });
  const { primal } = blocks.run(
    null,
    [
      { a: np.eye(2).astype('float64').mul(4), b: f64([[2]]) },
      { a: f64([1, 2]), b: f64([1]) },
    ],
    [null, f64([1])],
  ).params;
  near(t, np.concatenate([primal.a, primal.b]), [0.3125, 0.0625, 0.625], 1e-14, 'a matrix for each array');

  // 100 variables, 98 equations of numbers from 0 to 1.
  const [l1, l2, l3, l4] = random.split(random.key(7), 4);
  const hard = random.uniform(l1, [100, 100], d);
  const problem = [
    [np.matmul(hard.T, hard), random.uniform(l2, [100], d)],
    [random.uniform(l3, [98, 100], d), random.uniform(l4, [98], d)],
  ] as const;
  const found = qp.run(null, ...problem);
  small(t, qp.l2OptimalityError(found.params, ...problem), 1e-9, '100 variables, 98 equations');
  t.end();
});

t.test('BoxCDQP', (t) => {
  const { Q, c, iterates, jacobian } = wanted.coordinateDescent;
  const [q, linear, x0] = [f64(Q), f64(c), np.zeros([5], { dtype: 'float64' })];
  for (const { maxiter, params, error, iterNum } of iterates) {
    const found = new solvers.BoxCDQP({ maxiter, tol: 1e-12 }).run(x0, [q, linear], [-0.3, 0.4]);
    near(t, found.params, params, 1e-12, `${maxiter} passes`);
    small(t, found.state.error.sub(error), 1e-12, `${maxiter} passes: error`);
    t.equal(found.state.iterNum.item(), iterNum, `${maxiter} passes: iterations`);
  }
  const bounds = [f64(new Array(5).fill(-0.3)), f64(new Array(5).fill(0.4))] as const;
  const solver = new solvers.BoxCDQP({ tol: 1e-12 });
  const x = (c: NDArray, bounds_: readonly [NDArray, NDArray] = bounds): NDArray =>
    solver.run(x0, [q, c], bounds_).params;
  near(t, jit(jacrev((c: NDArray) => x(c)))(linear), jacobian, 1e-9, 'by c');
  near(t, jacfwd((c: NDArray) => x(c))(linear), jacobian, 1e-9, 'by c, forward');
  const unrolled = new solvers.BoxCDQP({ tol: 1e-12, implicitDiff: false, maxiter: 200 });
  near(
    t,
    jit(jacrev((c: NDArray) => unrolled.run(x0, [q, c], bounds).params))(linear),
    jacobian,
    1e-9,
    'through the passes',
  );
  const ones = np.ones([5], { dtype: 'float64' });
  const byUpper = (u: NDArray): NDArray => x(linear, [bounds[0], u]);
  near(t, jvp(byUpper, [bounds[1]], [ones])[1], slope(byUpper, bounds[1], ones), 1e-6, 'by the upper bound');
  const cs = np.stack([linear, linear.neg()]);
  near(t, jit(vmap((c: NDArray) => x(c)))(cs), np.stack([x(linear), x(linear.neg())]), 1e-11, 'vmap');
  const osqp = new solvers.BoxOSQP().run(null, [q, linear], np.eye(5).astype('float64'), bounds);
  near(t, x(linear), osqp.params.primal[0], 1e-9, 'as BoxOSQP');
  // No curvature in x₂: its bound, or nothing to stop it.
  const flat = f64([
    [1, 0],
    [0, 0],
  ]);
  const at = f64([0, 0.5]);
  near(t, solver.run(at, [flat, f64([-0.5, 1])], [-1, 1]).params, [0.5, -1], 1e-14, 'no curvature');
  near(t, solver.run(at, [flat, f64([-0.5, 0])], [-1, 1]).params, [0.5, 0.5], 1e-14, 'neither curvature nor slope');
  t.equal(named(solver.run(at, [flat, f64([-0.5, 1])], [Number.NEGATIVE_INFINITY, 1]).state), 'nonfinite');
  t.equal(
    solver.run(
      f32([0, 0]),
      [
        f32([
          [4, 1],
          [1, 2],
        ]),
        f32([-4, 1]),
      ],
      [0, 1],
    ).params.dtype,
    'float32',
  );
  t.end();
});

t.test('IterativeRefinement', (t) => {
  // The system of JAXopt's documentation: its condition is 4647.
  const [A, b] = [
    f64([
      [3.9, 1.65],
      [6.845, 2.9],
    ]),
    f64([5.5, 9.7]),
  ];
  const solution = [-220 / 63, 730 / 63];
  const ridge = (matvec: any, b: any): any => linearSolve.solveGmres(matvec, b, { ridge: 1e-2 });
  const solver = new solvers.IterativeRefinement({ solve: ridge, maxiter: 200, tol: 1e-10 });
  const { params, state } = solver.run(null, A, b);
  near(t, params, solution, 1e-6, 'solution');
  t.equal(named(state), 'converged');
  t.ok(
    np
      .max(
        np.abs(
          np
            .matmul(
              A,
              ridge((x: NDArray) => np.matmul(A, x), b),
            )
            .sub(b),
        ),
      )
      .item() > 1e-3,
    'which the ridge alone is not',
  );
  const inverse = [
    [2.9 / 0.01575, -1.65 / 0.01575],
    [-6.845 / 0.01575, 3.9 / 0.01575],
  ];
  for (const jacobian of [jacrev, jacfwd])
    near(t, jit(jacobian((b: NDArray) => solver.run(null, A, b).params))(b), inverse, 1e-9, 'by b');
  const along = wave(A);
  const byA = (A: NDArray): NDArray =>
    new solvers.IterativeRefinement({ tol: 1e-11, maxiter: 50 }).run(null, A, b).params;
  near(t, jvp(byA, [A], [along])[1], slope(byA, A, along, 1e-7), 1e-4, 'by A');
  near(
    t,
    jit(vmap((b: NDArray) => solver.run(null, A, b).params))(np.stack([b, b.mul(2)])),
    [solution, solution.map((v) => 2 * v)],
    1e-6,
    'vmap',
  );
  // 20 × 20, with another matrix to solve with; from near the solution.
  const d = { dtype: 'float64' } as const;
  const [k1, k2, k3] = random.split(random.key(2), 3);
  const M = random.normal(k1, [20, 20], d).add(np.eye(20).mul(8));
  const near20 = M.add(random.normal(k2, [20, 20], d).mul(0.1));
  const right = random.normal(k3, [20], d);
  const rough = new solvers.IterativeRefinement({
    solve: (matvec, b) => linearSolve.solveLu(matvec, b),
    maxiter: 100,
    tol: 1e-11,
  });
  const found = rough.run(null, M, right, near20);
  t.equal(named(found.state), 'converged', 'another matrix');
  small(t, rough.l2OptimalityError(found.params, M, right), 1e-11, 'another matrix');
  const again = rough.run(found.params.add(1e-6), M, right, near20);
  t.ok(again.state.iterNum.item() < found.state.iterNum.item(), 'warm start');
  const far = rough.run(null, M, right, near20.mul(-0.1));
  t.equal(named(far.state), 'stalled', 'what does not approximate it');
  t.equal(
    named(new solvers.IterativeRefinement({ maxiter: 1, tol: 1e-14, solve: ridge }).run(null, A, b).state),
    'maxiter',
  );
  const blocks = new solvers.IterativeRefinement({
    tol: 1e-9,
    solve: (matvec, b) => linearSolve.solveLu(matvec, b),
  }).run(null, { p: A, q: f64([[2]]) }, { p: b, q: f64([3]) });
  near(t, blocks.params.p, solution, 1e-9, 'blocks');
  near(t, blocks.params.q, [1.5], 1e-12, 'blocks');
  t.end();
});

t.test('projections', (t) => {
  const { transport, sparseSimplex, polyhedron } = wanted;
  const [S, a, b, M] = ['S', 'a', 'b', 'M'].map((name) => f64(transport[name])) as [NDArray, NDArray, NDArray, NDArray];
  const weight = wave(S);
  const along = wave(S.mul(2).add(1)).mul(np.flip(weight));
  for (const name of ['transport', 'klTransport'] as const) {
    const plan = projection[name];
    for (const options of [
      {},
      { useSemiDual: false },
      ...(name === 'transport'
        ? [{ makeSolver: (fun: any) => new solvers.BFGS({ fun, tol: 1e-9, implicitDiff: false }) }]
        : []),
    ]) {
      const P = plan(S, [a, b], options);
      near(t, P, transport[name], 1e-6, `${name} ${JSON.stringify(options)}`);
      near(t, np.sum(P, { axis: 1 }), a, 1e-7, `${name}: sums of rows`);
      near(t, np.sum(P, { axis: 0 }), b, 1e-7, `${name}: sums of columns`);
    }
    for (const options of [{ useSemiDual: name === 'transport' }]) {
      const f = (S: NDArray): NDArray => np.sum(plan(S, [a, b], options).mul(weight));
      const [, forward] = jvp(f, [S], [along]);
      near(t, forward, slope(f, S, along, 1e-4), 2e-3, `${name}: by S`);
      near(t, np.sum(jit(grad(f))(S).mul(along)), forward, 1e-6, `${name}: by S, reverse`);
      const g = (a: NDArray): NDArray => np.sum(plan(S, [a, b.mul(np.sum(a))], options).mul(weight));
      near(t, jvp(g, [a], [np.cos(a)])[1], slope(g, a, np.cos(a), 1e-4), 2e-4, `${name}: by a`);
    }
  }
  for (const name of ['birkhoff', 'klBirkhoff'] as const) {
    near(t, projection[name](M), transport[name], 1e-6, name);
    const P = projection[name](M.astype('float32'));
    t.equal(P.dtype, 'float32');
    near(t, P, transport[name], 1e-4, `${name}: float32`);
  }
  const lanes = jit(vmap((M: NDArray) => projection.birkhoff(M)))(np.stack([M.T, M]));
  near(t, lanes.slice(1), transport.birkhoff, 1e-6, 'birkhoff: vmap');
  const x = f64(sparseSimplex.x);
  near(t, projection.sparseSimplex(x, 4, 1.3), sparseSimplex.p, 1e-14, 'sparseSimplex');
  for (const jacobian of [jacrev, jacfwd])
    near(
      t,
      jacobian((x: NDArray) => projection.sparseSimplex(x, 4, 1.3))(x),
      sparseSimplex.jacobian,
      1e-14,
      'sparseSimplex: derivative',
    );
  near(t, projection.sparseSimplex(x, 12), projection.simplex(x), 1e-14, 'all elements');

  const [y, A, c, G, h] = ['x', 'A', 'b', 'G', 'h'].map((name) => f64(polyhedron[name])) as [
    NDArray,
    NDArray,
    NDArray,
    NDArray,
    NDArray,
  ];
  const nearest = (y: NDArray, A: NDArray, c: NDArray, G: NDArray, h: NDArray): NDArray =>
    projection.polyhedron(y, [A, c, G, h]);
  near(t, nearest(y, A, c, G, h), polyhedron.p, 1e-8, 'polyhedron');
  const jacobians = jit(jacrev(nearest, { argnums: [0, 1, 2, 3, 4] }))(y, A, c, G, h);
  t.strictSame(
    jacobians.map((j: NDArray) => j.shape),
    [
      [5, 5],
      [5, 2, 5],
      [5, 2],
      [5, 2, 5],
      [5, 2],
    ],
  );
  const byG = (G: NDArray): NDArray => nearest(y, A, c, G, h);
  near(t, np.tensordot(jacobians[3]!, wave(G), { axes: 2 }), slope(byG, G, wave(G)), 1e-6, 'polyhedron: by G');
  near(t, projection.polyhedron(y, [A, c, null, null]), projection.affineSet(y, [A, c]), 1e-9, 'equations alone');
  const bounds = [np.eye(5).astype('float64').neg(), np.zeros([5], { dtype: 'float64' })] as const;
  near(t, projection.polyhedron(y, [null, null, ...bounds]), projection.nonNegative(y), 1e-12, 'inequalities alone');
  const empty = jit((y: NDArray) => projection.polyhedron(y, [np.ones([1, 5]), f64([-1]), ...bounds]))(y);
  t.ok(np.all(np.isnan(empty)).item(), 'an empty set');
  // A gradient method in a polyhedron.
  const pg = new solvers.ProjectedGradient({
    fun: (x: NDArray) => np.sum(np.square(x.sub(y))).mul(0.5),
    projection: projection.polyhedron as solvers.Projection,
    tol: 1e-9,
  });
  const { params, state } = pg.run(np.zeros([5], { dtype: 'float64' }), [A, c, G, h]);
  near(t, params, polyhedron.p, 1e-7, 'ProjectedGradient');
  t.equal(named(state), 'converged');
  t.end();
});

t.test('what is wrong is said', (t) => {
  const says = (f: () => unknown, message: string): void =>
    void t.throws(f, { message: new RegExp(`^${message.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`) });
  const qp = new solvers.OSQP() as any;
  says(() => qp.run(null, [Q, c], null, null), 'OSQP.run: there are no constraints.');
  says(() => qp.run(null, Q, [A, b]), 'OSQP: paramsObj must be a pair [Q, c], but it is f64[2,2].');
  says(() => qp.run(null, [Q, c], [A]), 'OSQP: paramsEq must be a pair [A, b], but it is a list of 1.');
  says(
    () => qp.run(null, [Q, c], [A, b], [np.ones([2, 3]), h]),
    'OSQP: G is f64[2,3], which does not map f64[2] to f64[2].',
  );
  says(
    () => qp.run(null, [{ a: Q }, c], [A, b]),
    'OSQP: Q has structure { a: * }, but the variables have structure *; it must be a matrix for each of their arrays.',
  );
  says(
    () => new solvers.BoxOSQP().run({ primal: [f64([1, 2, 3]), h] }, [Q, c], G, [h, h]),
    'BoxOSQP: A is f64[2,2], which does not map f64[3] to f64[2].',
  );
  says(
    () => new solvers.OSQP({ fun: () => b, matvecQ: () => b }),
    'OSQP: `fun` and `matvecQ` are two ways to give the objective; only one can be given.',
  );
  says(
    () => new solvers.OSQP({ matvecA: () => b, eqQpSolve: 'lu' }),
    "OSQP: `eqQpSolve: 'lu'` needs Q and A as matrices, but they are given as functions.",
  );
  says(() => new solvers.OSQP({ momentum: 2 }), 'OSQP: `momentum` must lie between 0 and 2, but it is 2.');
  says(
    () => new solvers.OSQP({ eqQpSolve: 'qr' as 'lu' }),
    "OSQP: `eqQpSolve` must be one of 'auto', 'cholesky', 'lu', 'cg', 'cg+jacobi', but it is the string \"qr\".",
  );
  says(
    () => new solvers.OSQP({ fun: (x: NDArray) => np.sum(x) }).run(null, null, [A, b]),
    'OSQP.run: with `fun`, the initial solution must hold `primal`, but there is none.',
  );
  says(
    () => new solvers.BoxCDQP().run(h, [Q, f64([1])], [0, 1]),
    'BoxCDQP: c is f64[1], but the parameters are f64[2].',
  );
  says(
    () => projection.transport(Q, [c, f64([1])]),
    "projection.transport: the matrix is f64[2,2], its rows' sums f64[2], its columns' sums f64[1].",
  );
  says(
    () => projection.sparseSimplex(c, 3),
    'projection.sparseSimplex: `maxNz` must be an integer from 1 to 2, but it is 3.',
  );
  t.end();
});
