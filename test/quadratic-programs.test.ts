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
  prox,
  random,
  solvers,
  tree,
  vmap,
} from 'cotangent';
import t from 'tap';
import { fixture } from './lib/fixture.ts';
import { type Assertions, f64, near } from './lib/near.ts';

const wanted = fixture('quadratic-programs');
const f32 = (values: unknown): NDArray => np.array(values as number, { dtype: 'float32' });
const named = (state: { status: NDArray }): string => solvers.statusName(state.status).split(':')[0]!;
const small = (t: Assertions, value: NDArray, bound: number, name: string): void => {
  const size = np.max(np.abs(value)).item() as number;
  t.ok(size <= bound, `${name}: ${size} is at most ${bound}`);
};

// ½ xᵀQx + cᵀx with x₁ + x₂ = 1 and x ≥ 0: the example of JAXopt's documentation.
const Q = f64([
  [4, 1],
  [1, 2],
]);
const c = f64([1, 1]);
const A = f64([[1, 1]]);
const b = f64([1]);
const G = f64([
  [-1, 0],
  [0, -1],
]);
const h = f64([0, 0]);

/** f′(x)·d by differences. */
function slope(f: (x: NDArray) => NDArray, x: NDArray, d: NDArray, eps = 1e-6): NDArray {
  return f(x.add(d.mul(eps)))
    .sub(f(x.sub(d.mul(eps))))
    .div(2 * eps);
}
const wave = (x: NDArray): NDArray => np.cos(np.arange(x.size).astype('float64').mul(1.7)).reshape(x.shape);

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

t.test('OSQP on programs of JAXopt: solutions and derivatives', (t) => {
  for (const [i, p] of wanted.programs.entries()) {
    const [m, n] = p.rows;
    const [Q, c, A, b, G, h] = ['Q', 'c', 'A', 'b', 'G', 'h'].map((name) => f64(p[name])) as NDArray[] as [
      NDArray,
      NDArray,
      NDArray,
      NDArray,
      NDArray,
      NDArray,
    ];
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
  const [Q, c, A, b, G, h] = ['Q', 'c', 'A', 'b', 'G', 'h'].map((name) => f64(p[name])) as [
    NDArray,
    NDArray,
    NDArray,
    NDArray,
    NDArray,
    NDArray,
  ];
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
