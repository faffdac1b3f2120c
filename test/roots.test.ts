/** Solvers of roots and accelerated fixed points, against JAXopt (test/oracle/quasi_newton.py) and closed forms. */
import { grad, jacfwd, jacrev, jit, linearSolve, type NDArray, np, prox, solvers, vmap } from 'cotangent';
import t from 'tap';
import { fixture } from './lib/fixture.ts';
import { f64, near } from './lib/near.ts';

const wanted = fixture('quasi-newton');
const at = (p: NDArray): [NDArray, NDArray] => [p.slice(0), p.slice(1)];
const X = f64(wanted.data.X);
const target = f64(wanted.data.target);
const labels = f64(wanted.data.labels);
const ok = (state: solvers.BaseState): boolean => state.status.item() === 0;

t.test('Broyden: the steps of JAXopt, derivatives, trees, lanes', (t) => {
  const { Broyden } = solvers;
  const system = (p: NDArray, s: NDArray): NDArray => {
    const [x, y] = at(p);
    return np.stack([x.add(y).sub(3).mul(s), x.mul(x).add(y.mul(y)).sub(9)]);
  };
  const cosine = (x: NDArray, s: NDArray): NDArray => np.cos(x.mul(s)).sub(x);
  const M = X.slice([0, 4]);
  const affine = (x: NDArray, s: NDArray): NDArray => np.matmul(M, x).mul(s).mul(0.3).add(1).sub(x);
  const three = [0.5, 3, -1];
  const four = [1, 0, 0, 1];
  const cases: [string, typeof system, number[], object, number?][] = [
    ['cosine', cosine, three, { tol: 1e-9 }],
    ['cosine 4', cosine, three, { maxiter: 4, tol: 0 }],
    ['system', system, [1, 5], { tol: 1e-9 }],
    ['armijo', system, [1, 5], { maxiter: 6, tol: 0, condition: 'armijo', decreaseFactor: 0.5 }],
    ['history', system, [1, 5], { maxiter: 9, tol: 0, historySize: 4 }],
    ['constant', affine, four, { maxiter: 6, tol: 0, stepsize: 1 }],
    ['gamma', affine, four, { maxiter: 4, tol: 0, gamma: 0.5, maxStepsize: 2 }],
    ['affine', affine, four, { tol: 1e-9 }],
  ];
  for (const [name, fun, x0, options] of cases) {
    const solver = new Broyden({ fun, ...options });
    const expected = wanted.broyden[name];
    const step = solver.run(f64(x0), f64(1));
    near(t, step.params, expected.params, 1e-7, `${name}: params`);
    t.equal(step.state.iterNum.item(), expected.iterNum, `${name}: iterations`);
    near(t, step.state.stepsize, expected.stepsize, 1e-9, `${name}: stepsize`);
    if (expected.error > 1e-6) near(t, step.state.value, expected.value, 1e-7, `${name}: value`);
    const found = jacrev((s: NDArray) => solver.run(f64(x0), s).params)(f64(1));
    near(t, found.add(1), f64(expected.derivative).add(1), 1e-5, `${name}: derivative`);
  }
  // A root at each of many arguments; each lane stops by itself.
  const root = new Broyden({ fun: cosine, tol: 1e-10 });
  const ss = f64([0.5, 1, 1.5]);
  const lanes = jit(vmap((s: NDArray) => root.run(f64(three), s)))(ss);
  for (const i of [0, 1, 2]) {
    const single = root.run(f64(three), ss.slice(i));
    near(t, lanes.params.slice(i), single.params, 1e-9, `lane ${i}`);
    t.equal(lanes.state.iterNum.slice(i).item(), single.state.iterNum.item(), `lane ${i}: iterations`);
  }
  // Implicit, through the iterations, and exact: x′ = −x sin(s x)/(1 + s sin(s x)).
  const exact = (x: number, s: number): number => (-x * Math.sin(s * x)) / (1 + s * Math.sin(s * x));
  for (const [name, options] of Object.entries({
    implicit: {},
    unrolled: { implicitDiff: false, maxiter: 40, linesearch: 'zoom' as const },
    'unrolled, constant': { implicitDiff: false, maxiter: 40, stepsize: 1 },
  })) {
    const solver = new Broyden({ fun: cosine, tol: 1e-11, ...options });
    const f = (s: NDArray): NDArray => solver.run(f64(0.5), s).params;
    const x = f(f64(1)).item() as number;
    near(t, f(f64(1)), 0.7390851332151607, 1e-9, `${name}: scalar`);
    near(t, jit(grad(f))(f64(1)), exact(x, 1), 1e-6, `${name}: grad`);
    near(t, jit(jacfwd(f))(f64(1)), exact(x, 1), 1e-6, `${name}: jacfwd`);
    if (name !== 'implicit') continue;
    near(t, grad(grad(f))(f64(1)), jacfwd(jacrev(f))(f64(1)), 1e-6, 'second derivative');
  }
  const treeRoot = new Broyden({
    fun: ({ a, b }: { a: NDArray; b: NDArray }, c: NDArray) => [
      { a: a.mul(a).sub(c), b: b.sub(np.sum(a)) },
      { sum: a.add(b) },
    ],
    hasAux: true,
    tol: 1e-6,
  });
  const found = treeRoot.run({ a: np.ones([2]), b: np.array(0) }, np.array([2, 3]));
  near(t, found.params.a, [Math.SQRT2, Math.sqrt(3)], 1e-5, 'a');
  near(t, found.params.b, Math.SQRT2 + Math.sqrt(3), 1e-5, 'b');
  near(t, found.state.aux.sum, found.params.a.add(found.params.b), 1e-6, 'aux');
  t.match(solvers.statusName(root.run(f64([Number.NaN]), f64(1)).state.status), /^nonfinite/);
  t.equal(root.run(f64(three), f64(1)).state.numGradEval.item(), root.run(f64(three), f64(1)).state.numFunEval.item());
  t.throws(() => new Broyden({ fun: cosine, historySize: 0 }), {
    message: /^Broyden: `historySize` must be at least 1, but it is 0\./,
  });
  // An affine contraction of 200 unknowns.
  const n = 200;
  const W = np
    .sin(
      np
        .arange(n * n)
        .astype('float64')
        .mul(7),
    )
    .reshape([n, n])
    .div(n);
  const shift = np.cos(np.arange(n)).astype('float64');
  const large = new Broyden({ fun: (x: NDArray, s: NDArray) => np.matmul(W, x).mul(s).add(shift).sub(x), tol: 1e-9 });
  const solution = large.run(np.zeros([n], { dtype: 'float64' }), f64(1));
  t.ok(ok(solution.state) && solution.state.iterNum.item() < 40, 'affine contraction');
  t.end();
});

t.test('AndersonWrapper: the steps of JAXopt, fewer of them, derivatives', (t) => {
  const { AndersonWrapper, GradientDescent, ProximalGradient } = solvers;
  const lasso = (w: NDArray): NDArray => np.mean(np.square(np.matmul(X, w).sub(target))).mul(0.5);
  const logistic = (w: NDArray): NDArray => {
    const margins = np.matmul(X, w);
    return np.mean(np.logaddexp(0, margins).sub(labels.mul(margins))).add(np.sum(w.mul(w)).mul(0.05));
  };
  const plain = { prox: prox.lasso, fun: lasso, acceleration: false };
  const descent = { fun: logistic, acceleration: false, stepsize: 1, tol: 0 };
  const cases: [string, solvers.IterativeSolver, object, any[]][] = [
    ['lasso', new ProximalGradient({ ...plain, stepsize: 0.3, tol: 1e-9 }), { historySize: 4 }, [f64(0.05)]],
    ['lasso, search', new ProximalGradient({ ...plain, tol: 0, maxiter: 9 }), { historySize: 3 }, [f64(0.05)]],
    ['often', new GradientDescent({ ...descent, maxiter: 12 }), { mixingFrequency: 1, ridge: 1e-3 }, []],
    ['beta', new GradientDescent({ ...descent, maxiter: 8 }), { historySize: 2, beta: 0.5 }, []],
  ];
  const zeros = np.zeros([4], { dtype: 'float64' });
  for (const [name, solver, options, args] of cases) {
    const step = new AndersonWrapper({ solver, ...options }).run(zeros, ...args);
    near(t, step.params, wanted.wrapped[name].params, 1e-6, `${name}: params`);
    t.equal(step.state.iterNum.item(), wanted.wrapped[name].iterNum, `${name}: iterations`);
  }
  const inner = new ProximalGradient({ ...plain, stepsize: 0.3, tol: 1e-9 });
  const wrapped = new AndersonWrapper({ solver: inner, historySize: 4 });
  const f = (l: NDArray): NDArray => wrapped.run(zeros, l).params;
  const g = (l: NDArray): NDArray => inner.run(zeros, l).params;
  near(t, f(f64(0.05)), g(f64(0.05)), 1e-7, 'solution');
  near(t, jit(jacrev(f))(f64(0.05)), jacrev(g)(f64(0.05)), 1e-6, 'jacrev');
  near(t, jacfwd(f)(f64(0.05)), jacrev(g)(f64(0.05)), 1e-6, 'jacfwd');
  const strengths = f64([0.02, 0.05, 0.2]);
  const lanes = vmap((l: NDArray) => wrapped.run(zeros, l))(strengths);
  for (const i of [0, 1, 2]) near(t, lanes.params.slice(i), f(strengths.slice(i)), 1e-8, `lane ${i}`);
  const unrolled = new AndersonWrapper({
    solver: new GradientDescent({
      ...descent,
      fun: (w: NDArray, l: NDArray) => logistic(w).add(np.dot(w, w).mul(l)),
      implicitDiff: false,
      maxiter: 60,
    }),
    ridge: 1e-9,
  });
  const implicit = new AndersonWrapper({
    solver: new GradientDescent({
      ...descent,
      fun: (w: NDArray, l: NDArray) => logistic(w).add(np.dot(w, w).mul(l)),
      tol: 1e-9,
    }),
  });
  const both = [unrolled, implicit].map((s) => jit(jacrev((l: NDArray) => s.run(zeros, l).params))(f64(0.1)));
  near(t, both[0]!, both[1]!, 1e-5, 'unrolled as implicit');
  t.throws(() => new AndersonWrapper({ solver: {} as never }), {
    message: /^AndersonWrapper: `solver` must be a solver, but it is /,
  });
  t.throws(() => new AndersonWrapper({ solver: inner, implicitDiff: false }), {
    message: /^AndersonWrapper: `implicitDiff: false` needs it in the wrapped solver too/,
  });
  t.end();
});

t.test('Newton', (t) => {
  const { Newton } = solvers;
  const square = (x: NDArray, a: NDArray): NDArray => x.mul(x).sub(a);
  const heron = (x: number, a: number, steps: number): number =>
    steps === 0 ? x : heron((x + a / x) / 2, a, steps - 1);
  for (const steps of [0, 1, 3, 5]) {
    const { params, state } = new Newton({ fun: square, maxiter: steps, tol: 0 }).run(f64(1), f64(2));
    near(t, params, heron(1, 2, steps), 1e-15, `${steps} steps`);
    t.equal(state.numFunEval.item(), steps + 1, 'evaluations');
  }
  const chord = (x: number, steps: number): number => (steps === 0 ? x : chord(x - (x * x - 2) / 2, steps - 1));
  near(
    t,
    new Newton({ fun: square, maxiter: 4, tol: 0, chord: true }).run(f64(1), f64(2)).params,
    chord(1, 4),
    1e-15,
    'chord',
  );
  const half = new Newton({ fun: square, maxiter: 1, tol: 0, stepsize: (k) => k.add(0.5) }).run(f64(1), f64(2));
  near(t, half.params, 1.25, 1e-15, 'a schedule');
  const single = new Newton({ fun: square }).run(1, 2);
  near(t, single.params, Math.SQRT2, 3e-6, 'numbers');
  t.equal(single.params.dtype, 'float32');
  // √ and its derivatives, from every mode, implicitly and through the iterations.
  for (const [name, options] of Object.entries({
    implicit: {},
    chord: { chord: true },
    unrolled: { implicitDiff: false },
  })) {
    const solver = new Newton({ fun: square, tol: 1e-12, maxiter: 60, ...options });
    const sqrt = (a: NDArray): NDArray => solver.run(f64(1.3), a).params;
    near(t, jit(grad(sqrt))(f64(2)), Math.SQRT1_2 / 2, 1e-9, `${name}: grad`);
    near(t, jit(jacfwd(sqrt))(f64(2)), Math.SQRT1_2 / 2, 1e-9, `${name}: jacfwd`);
    near(t, grad(grad(sqrt))(f64(2)), -(2 ** -1.5) / 4, 1e-8, `${name}: second derivative`);
    const lanes = jit(vmap((a: NDArray) => solver.run(f64(1.3), a)))(f64([1, 2, 3]));
    near(t, lanes.params, [1, Math.SQRT2, Math.sqrt(3)], 1e-11, `${name}: lanes`);
    t.strictSame(lanes.state.status.tolist(), [0, 0, 0]);
  }
  const fun = ({ a, b }: { a: NDArray; b: NDArray }, c: NDArray) =>
    [{ a: a.mul(a).sub(c), b: b.sub(np.sum(a)) }, { sum: a.add(b) }] as const;
  const init = { a: np.ones([2]).astype('float64'), b: f64(0) };
  const exact = Math.SQRT2 + Math.sqrt(3);
  for (const solver of [undefined, linearSolve.solveGmres, linearSolve.solveBicgstab]) {
    const options = { fun, hasAux: true as const, tol: 1e-10, ...(solver ? { solver } : {}) };
    const { params, state } = new Newton(options).run(init, f64([2, 3]));
    near(t, params.a, [Math.SQRT2, Math.sqrt(3)], 1e-9, 'a');
    near(t, params.b, exact, 1e-9, 'b');
    near(t, state.aux.sum, params.a.add(params.b), 1e-12, 'aux');
  }
  // The discrete boundary value problem of Moré & Cosnard, 200 unknowns: without a matrix.
  const n = 200;
  const h = 1 / (n + 1);
  const grid = np
    .arange(1, n + 1)
    .astype('float64')
    .mul(h);
  const boundary = (x: NDArray, s: NDArray): NDArray => {
    const around = np.pad(x, [[1, 1]]);
    const cube = x.add(grid).add(1);
    return x
      .mul(2)
      .sub(around.slice([null, -2]))
      .sub(around.slice([2, null]))
      .add(
        cube
          .mul(cube)
          .mul(cube)
          .mul(s)
          .mul((h * h) / 2),
      );
  };
  const large = new Newton({ fun: boundary, tol: 1e-9 });
  const found = large.run(grid.mul(grid.sub(1)), f64(1));
  t.ok(ok(found.state) && (found.state.iterNum.item() as number) < 10, 'large');
  t.equal(
    jit((x: NDArray) => large.update(x, large.initState(x, 1), 1).params)
      .lower(grid)
      .jaxpr.toString()
      .includes(`${n},${n}]`),
    false,
  );
  t.match(solvers.statusName(new Newton({ fun: square }).run(f64(0), f64(2)).state.status), /^nonfinite/, 'no slope');
  t.match(
    solvers.statusName(new Newton({ fun: square, maxiter: 5 }).run(f64(0.7), f64(-1)).state.status),
    /^maxiter/,
    'no root',
  );
  const first = new Newton({ fun: square, chord: true, maxiter: 3, tol: 0 }).run(f64(1.3), f64(2));
  const more = new Newton({ fun: square, chord: true, maxiter: 2, tol: 0 }).run(first, f64(2));
  near(
    t,
    more.params,
    new Newton({ fun: square, chord: true, maxiter: 5, tol: 0 }).run(f64(1.3), f64(2)).params,
    1e-15,
    'goes on',
  );
  t.end();
});
