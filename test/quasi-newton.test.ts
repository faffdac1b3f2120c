/** Quasi-Newton methods, in boxes and without, and line searches, against JAXopt and SciPy (test/oracle/quasi_newton.py). */
import { grad, hessian, jacfwd, jacrev, jit, type NDArray, np, solvers, tree, vmap } from 'cotangent';
import t from 'tap';
import { fixture } from './lib/fixture.ts';
import { type Assertions, f64, near } from './lib/near.ts';

const wanted = fixture('quasi-newton');
const numbers = (values: any): NDArray => f64(values);

function iterates(t: Assertions, step: solvers.Step<any, any>, expected: any, name: string, tolerance = 1e-8): void {
  near(t, step.params, expected.params, tolerance, `${name}: params`);
  t.equal(step.state.iterNum.item(), expected.iterNum, `${name}: iterations`);
  for (const field of ['value', 'stepsize', 'theta'])
    if (expected[field] !== undefined) near(t, step.state[field], expected[field], tolerance, `${name}: ${field}`);
}

const rosenbrock = (x: NDArray): NDArray => {
  const [head, tail] = [x.slice([null, -1]), x.slice([1, null])];
  return np.sum(
    np
      .square(tail.sub(head.mul(head)))
      .mul(100)
      .add(np.square(head.sub(1))),
  );
};
const at = (p: NDArray): [NDArray, NDArray] => [p.slice(0), p.slice(1)];
const objectives: Record<string, (p: NDArray) => NDArray> = {
  rosenbrock,
  himmelblau: (p) => {
    const [x, y] = at(p);
    return np.square(x.mul(x).add(y).sub(11)).add(np.square(x.add(y.mul(y)).sub(7)));
  },
  matyas: (p) => {
    const [x, y] = at(p);
    return x.mul(x).add(y.mul(y)).mul(0.26).sub(x.mul(y).mul(0.48));
  },
  eggholder: (p) => {
    const [x, y] = at(p);
    const far = y.add(47);
    const first = far.mul(np.sin(np.sqrt(np.abs(x.div(2).add(far)))));
    return x
      .mul(np.sin(np.sqrt(np.abs(x.sub(far)))))
      .add(first)
      .neg();
  },
  zakharov: (x) => {
    const s = np.sum(
      np
        .arange(1, x.shape[0]! + 1)
        .mul(x)
        .mul(0.5),
    );
    return np
      .sum(x.mul(x))
      .add(s.mul(s))
      .add(s.mul(s).mul(s.mul(s)));
  },
};
const X = f64(wanted.data.X);
const labels = f64(wanted.data.labels);
const start = f64([-1.2, 1, 0.5, 2]);
const searches = ['zoom', 'backtracking', 'hager-zhang'] as const;
const ok = (state: solvers.BaseState): boolean => state.status.item() === 0;

t.test('LBFGSB: the steps of JAXopt', (t) => {
  const nines = [f64([-9, -9, -9, -9]), f64([9, 9, 9, 9])] as const;
  const cases: [string, solvers.Bounds<NDArray>, object][] = [
    ['no bounds', null, { maxiter: 8 }],
    ['theta', null, { maxiter: 6, theta: 3 }],
    ['no gamma', null, { maxiter: 6, useGamma: false }],
    ['constant', nines, { maxiter: 6, stepsize: 1e-2 }],
    ['at a bound', [f64([-1.5, -2, 0.4, -Infinity]), f64([0, 2, 0.6, Infinity])], { maxiter: 2 }],
  ];
  for (const [name, bounds, options] of cases) {
    const solver = new solvers.LBFGSB({ fun: rosenbrock, tol: 0, ...options });
    iterates(t, solver.run(start, bounds), wanted.lbfgsb[name], name);
  }
  t.end();
});

t.test('LBFGSB: the minima of SciPy, and never a step outside of the box', (t) => {
  for (const [name, { x0, lower, upper, params, value }] of Object.entries<any>(wanted.boxes)) {
    const objective = objectives[name.split(',')[0]!]!;
    const box = [numbers(lower), numbers(upper)] as const;
    // Outside of the box there is no number.
    const fun = (x: NDArray): NDArray => {
      const inside = np.all(np.logicalAnd(x.ge(box[0]), x.le(box[1])));
      return np.where(inside, objective(x), Number.NaN);
    };
    for (const linesearch of name === 'rosenbrock, edge' ? searches : ['zoom' as const]) {
      const solver = new solvers.LBFGSB({ fun, tol: 1e-8, maxiter: 500, linesearch });
      const found = solver.run(numbers(x0), box);
      t.ok(ok(found.state), `${name}, ${linesearch}: ${solvers.statusName(found.state.status)}`);
      near(t, found.params, params, 1e-5, `${name}, ${linesearch}: params`);
      near(t, found.state.value.add(1), value + 1, 1e-7, `${name}, ${linesearch}: value`);
      const boxed = np.all(np.logicalAnd(found.params.ge(box[0]), found.params.le(box[1])));
      t.ok(boxed.item(), `${name}, ${linesearch}: in the box`);
    }
  }
  // Beyond the history, where its rows come in another order than in memory.
  const long = new solvers.LBFGSB({ fun: rosenbrock, tol: 1e-9, maxiter: 500, historySize: 3 }).run(start, null);
  near(t, long.params, new solvers.BFGS({ fun: rosenbrock, tol: 1e-9 }).run(start).params, 1e-7, 'short history');
  t.ok(long.state.iterNum.item() < 60, 'as quick as LBFGS');
  const single = new solvers.LBFGSB({ fun: rosenbrock, tol: 1e-3, maxiter: 500 }).run(np.array([2, 0.5]), [
    np.array([0, -1]),
    np.array([3, 1]),
  ]);
  near(t, single.params, [1, 1], 1e-3, 'float32');
  t.equal(single.params.dtype, 'float32');
  t.end();
});

t.test('LBFGSB: quadratic bowls, linear objectives, bounds that are equal, infinite, or none', (t) => {
  const goal = f64([0.5, -3, 7]);
  const fun = (x: NDArray, goal: NDArray): NDArray => np.sum(np.square(x.sub(goal)).mul(f64([1, 2, 3])));
  const solver = new solvers.LBFGSB({ fun, tol: 1e-9 });
  const zeros = np.zeros([3], { dtype: 'float64' });
  const bowl = (optimum: NDArray, lower: number, upper: number) =>
    new solvers.LBFGSB({ fun: (x: NDArray) => np.sum(np.square(x.sub(optimum))).mul(0.5), tol: 1e-3 }).run(
      f64([0.3, 0.2, 0.1]),
      [lower, upper],
    );
  const two = bowl(f64([2, -0.5, 1]), -5, 1);
  near(t, two.params, [1, -0.5, 1], 1e-12, 'bowl');
  t.ok(two.state.iterNum.item() <= 2, 'two steps');
  const bounds: [string, solvers.Bounds<NDArray>, number[]][] = [
    ['numbers', [-1, 2], [0.5, -1, 2]],
    ['infinite', [f64([-Infinity, -1, -Infinity]), Infinity], [0.5, -1, 7]],
    ['equal', [f64([1, -1, 0.3]), f64([1, 2, 0.3])], [1, -1, 0.3]],
    ['none', null, [0.5, -3, 7]],
  ];
  for (const [name, box, params] of bounds) {
    const found = solver.run(zeros, box, goal);
    near(t, found.params, params, 1e-8, name);
    t.ok(ok(found.state), `${name}: status`);
  }
  const linear = new solvers.LBFGSB({ fun: (x: NDArray, c: NDArray) => np.dot(x, c), maxiter: 10 });
  near(t, linear.run(f64([0.5, 0.5]), [0, 1], f64([-1, 2])).params, [1, 0], 1e-15, 'linear');
  const wide = linear.run(f64([0.5, 0.5]), [-1e4, 1e5], f64([-1, 0.01]));
  near(t, wide.params, [1e5, -1e4], 1e-15, 'linear in a wide box');
  t.ok(ok(wide.state), 'longer steps from step to step');
  const empty = solver.run(zeros, [1, 0], goal);
  t.match(solvers.statusName(empty.state.status), /^nonfinite/, 'an empty box');
  t.match(solvers.statusName(solver.run(zeros, [0, 1], goal.mul(Number.NaN)).state.status), /^nonfinite/, 'NaN');
  t.match(solvers.statusName(new solvers.LBFGSB({ fun, maxiter: 0 }).run(zeros, null, goal).state.status), /^running/);
  // Trees, with bounds for all leaves or for each its own.
  const treeFun = ({ a, b }: { a: NDArray; b: NDArray[] }): NDArray =>
    np.sum(np.square(a.sub(3))).add(np.square(b[0]!.add(2)));
  const trees = new solvers.LBFGSB({ fun: treeFun, tol: 1e-5 });
  const init = { a: np.zeros([2]), b: [np.array(0.5)] };
  const each = trees.run(init, [-1, { a: np.array([1, 9]), b: [0] }]).params;
  near(t, each.a, [1, 3], 1e-5, 'a');
  near(t, each.b[0]!, -1, 1e-5, 'b');
  // Outside of the box to begin with.
  near(t, solver.run(f64([9, -9, 9]), [0, 1], goal).params, [0.5, 0, 1], 1e-9, 'an infeasible start');
  t.throws(() => solver.run(zeros, 3 as never, goal), {
    message: /^LBFGSB: needs its bounds as a list \[lower, upper\] or null, but got /,
  });
  t.throws(() => new solvers.LBFGSB({ fun, maxStepsize: 2 }), {
    message: /^LBFGSB: `maxStepsize` must be at most 1, beyond which steps leave the box, but it is 2\./,
  });
  t.throws(() => new solvers.LBFGSB({ fun, historySize: 0 }), {
    message: /^LBFGSB: `historySize` must be at least 1, but it is 0\./,
  });
  t.end();
});

t.test('LBFGSB: derivatives in bounds and arguments', (t) => {
  const A = f64([
    [2, 0.5, 0],
    [0.5, 1.5, -0.3],
    [0, -0.3, 1],
  ]);
  const fun = (x: NDArray, b: NDArray): NDArray => np.dot(x, np.matmul(A, x)).mul(0.5).sub(np.dot(b, x));
  const b = f64([1, 2, -0.5]);
  const [lower, upper] = [f64([-1, -1, 0.1]), f64([2, 0.8, 2])];
  const make = (implicitDiff: boolean) => {
    const options = implicitDiff ? {} : { implicitDiff, stepsize: 1, maxiter: 12, historySize: 3 };
    const solver = new solvers.LBFGSB({ fun, tol: 1e-10, ...options });
    return (lower: NDArray, upper: NDArray, b: NDArray): NDArray =>
      solver.run(f64([0, 0, 0.5]), [lower, upper], b).params;
  };
  // x₁ = 0.8 and x₂ = 0.1 are at bounds; 2 x₀ = b₀ − x₁/2.
  const implicit = make(true);
  near(t, implicit(lower, upper, b), [0.3, 0.8, 0.1], 1e-9, 'solution');
  const expected = [
    [
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 1],
    ],
    [
      [0, -0.25, 0],
      [0, 1, 0],
      [0, 0, 0],
    ],
    [
      [0.5, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ],
  ];
  const argnums = [0, 1, 2] as const;
  for (const [name, f, tolerance] of [
    ['implicit', implicit, 1e-8],
    ['unrolled', make(false), 1e-6],
  ] as const)
    for (const jac of [jacrev, jacfwd])
      for (const [i, J] of jit(jac(f, { argnums }))(lower, upper, b).entries())
        near(t, J, expected[i], tolerance, `${name}, ${jac.name}, ${i}`);
  const square = (u: NDArray): NDArray => np.sum(np.square(implicit(lower, u, b)));
  // x₀² + u₁² with x₀ = (b₀ − u₁/2)/2.
  near(
    t,
    hessian(square)(upper),
    [
      [0, 0, 0],
      [0, 2 + 1 / 8, 0],
      [0, 0, 0],
    ],
    1e-8,
    'hessian',
  );
  const uppers = np.stack([upper, f64([0.1, 0.7, 0.6]), f64([2, 2, 2])]);
  const lanes = jit(vmap((u: NDArray) => implicit(lower, u, b)))(uppers);
  for (const i of [0, 1, 2]) near(t, lanes.slice(i), implicit(lower, uppers.slice(i), b), 1e-9, `lane ${i}`);
  const gradients = jit(vmap(grad(square)))(uppers);
  for (const i of [0, 1, 2])
    near(t, gradients.slice(i).add(1), grad(square)(uppers.slice(i)).add(1), 1e-7, `grad ${i}`);
  t.end();
});

t.test('HagerZhangLineSearch: the steps of the paper', (t) => {
  const mixed = (x: NDArray, a: number, b: number): NDArray => np.sqrt(x.mul(x).mul(a).add(b));
  const yanai = (b1: number, b2: number) => {
    const gamma = (b: number): number => Math.sqrt(1 + b * b) - b;
    return (a: NDArray): NDArray =>
      mixed(a.neg().add(1), 1, b2 * b2)
        .mul(gamma(b1))
        .add(mixed(a, 1, b1 * b1).mul(gamma(b2)));
  };
  const functions: Record<string, (a: NDArray) => NDArray> = {
    'moré 1': (a) => a.neg().div(a.mul(a).add(2)),
    'moré 2': (a) => {
      const x = a.add(0.004);
      const cube = x.mul(x).mul(x).mul(x);
      return cube.mul(x).sub(cube.mul(2));
    },
    'yanai 1': yanai(1e-3, 1e-3),
    'yanai 2': yanai(1e-2, 1e-3),
    quartic: (a) => np.square(np.square(a.sub(3))).sub(a.mul(5)),
    cosine: (a) => np.cos(a.mul(3)).sub(a.mul(0.1)),
  };
  for (const [name, { tried }] of Object.entries<any>(wanted.hagerZhang)) {
    const [which, init, c1, c2] = name.split(', ');
    const fun = functions[which!]!;
    const search = new solvers.HagerZhangLineSearch({ fun, c1: Number(c1), c2: Number(c2), maxiter: 60 });
    const { stepsize, state } = search.run(Number(init), f64(0), { descentDirection: f64(1) });
    near(t, stepsize, tried.at(-1), 1e-5, `${name}: stepsize`);
    t.equal(state.numFunEval.item(), tried.length + 1, `${name}: evaluations`);
    t.ok(state.done.item() && !state.failed.item(), `${name}: done`);
    near(t, state.value, fun(stepsize), 1e-12, `${name}: value`);
    near(t, state.grad, grad(fun)(stepsize), 1e-12, `${name}: gradient`);
  }
  t.end();
});

t.test('HagerZhangLineSearch: failures, numbers that are not finite, bounds, aux', (t) => {
  const { HagerZhangLineSearch } = solvers;
  const search = new HagerZhangLineSearch({ fun: rosenbrock, maxiter: 20 });
  const up = search.run(1, start, { descentDirection: grad(rosenbrock)(start) });
  t.ok(up.state.failed.item(), 'uphill');
  t.equal(up.stepsize.item(), 0, 'no step');
  near(t, up.state.params, start, 0, 'stays');
  const few = new HagerZhangLineSearch({ fun: rosenbrock, maxiter: 2, c1: 0.1, c2: 0.1001 }).run(1, start);
  t.ok(few.state.failed.item(), 'too few steps');
  t.ok((few.state.value.item() as number) <= (rosenbrock(start).item() as number), 'the best one');
  for (const value of [Number.POSITIVE_INFINITY, Number.NaN]) {
    const fun = (x: NDArray): NDArray => np.where(x.gt(4), value, np.square(x.sub(2)));
    const found = new HagerZhangLineSearch({ fun }).run(1, f64(-50));
    t.ok(found.state.done.item(), `${value} beyond 4: done`);
    t.ok((found.state.value.item() as number) < 54 ** 2, `${value} beyond 4: less`);
  }
  const down = new HagerZhangLineSearch({ fun: (x: NDArray) => np.log(x) }).run(1, f64(1), {
    descentDirection: f64(-1),
  });
  t.ok(down.state.done.item(), 'minus infinity');
  const bounded = new HagerZhangLineSearch({ fun: (x: NDArray) => x.neg(), maxStepsize: 7 }).run(2, f64(0));
  t.equal(bounded.stepsize.item(), 7, 'a line that only falls');
  const steep = (x: NDArray): NDArray => np.square(x.sub(100));
  const ends = new HagerZhangLineSearch({ fun: steep, maxStepsize: 0.01 }).run(1e-3, f64(0));
  t.equal(ends.stepsize.item(), 0.01, 'ends at the bound');
  t.ok(ends.state.done.item());
  const aux = new HagerZhangLineSearch({ fun: (x: NDArray) => [np.sum(np.square(x)), { x }] as const, hasAux: true });
  const { state } = aux.run(0.3, start);
  near(t, state.aux.x, state.params, 0, 'aux');
  const single = new HagerZhangLineSearch({ fun: rosenbrock }).run(1, start.astype('float32'));
  t.strictSame([single.stepsize.dtype, single.state.value.dtype], ['float32', 'float32']);
  // Lanes, each with its own start.
  const inits = f64([1e-6, 1e-2, 1, 30]);
  const lanes = vmap((s: NDArray) => search.run(s, start).stepsize)(inits);
  for (const i of [0, 1, 2, 3]) near(t, lanes.slice(i), search.run(inits.slice(i), start).stepsize, 1e-12, `lane ${i}`);
  t.throws(() => new HagerZhangLineSearch({ fun: steep, c1: 0.6 }), {
    message:
      /^HagerZhangLineSearch: `c1` and `c2` must satisfy 0 < c1 < c2 < 1 and c1 ≤ 0\.5, but they are 0\.6 and 0\.9\./,
  });
  t.end();
});

t.test('minima without bounds, by every line search', (t) => {
  const { BFGS, LBFGS, NonlinearCG } = solvers;
  const evaluations: Record<string, number> = {};
  const solve = (
    [name, { x0, params, value }]: [string, any],
    solver: solvers.IterativeSolver,
    label: string,
  ): void => {
    const { params: found, state } = solver.run(f64(x0)) as solvers.Step<NDArray, solvers.SmoothState>;
    t.ok(ok(state), `${label}: ${solvers.statusName(state.status)}`);
    // Himmelblau's and the eggholder have many minima.
    if (name !== 'eggholder') near(t, state.value.add(1), value + 1, 1e-9, `${label}: value`);
    if (/rosenbrock|matyas|zakharov/.test(name)) near(t, found.add(1), f64(params).add(1), 1e-5, `${label}: params`);
    evaluations[label] = state.numFunEval.item() as number;
  };
  for (const [name, fun] of Object.entries(objectives)) {
    const cases = Object.entries<any>(wanted.free).filter(([key]) => key.split(',')[0] === name);
    for (const linesearch of searches) {
      if (linesearch === 'backtracking' && name !== 'rosenbrock') continue;
      const solver = new LBFGS({ fun, tol: 1e-7, linesearch });
      for (const c of cases) solve(c, solver, `${c[0]}, LBFGS, ${linesearch}`);
    }
    if (/rosenbrock|himmelblau/.test(name))
      for (const c of cases) solve(c, new BFGS({ fun, tol: 1e-7, linesearch: 'hager-zhang' }), `${c[0]}, BFGS`);
  }
  t.ok(evaluations['rosenbrock, LBFGS, hager-zhang']! < evaluations['rosenbrock, LBFGS, backtracking']!);
  const logistic = (w: NDArray): NDArray => {
    const margins = np.matmul(X, w);
    return np.mean(np.logaddexp(0, margins).sub(labels.mul(margins))).add(np.sum(w.mul(w)).mul(0.05));
  };
  const init = np.zeros([4], { dtype: 'float64' });
  const exact = new BFGS({ fun: logistic, tol: 1e-10 }).run(init).params;
  for (const method of ['polak-ribiere', 'fletcher-reeves', 'hestenes-stiefel'] as const) {
    const solver = new NonlinearCG({ fun: logistic, tol: 1e-7, maxiter: 300, method, linesearch: 'hager-zhang' });
    const { params, state } = solver.run(init);
    t.ok(ok(state), method);
    near(t, params, exact, 1e-5, method);
  }
  t.end();
});

t.test('runs that go on from others', (t) => {
  const { AndersonAcceleration, BFGS, Broyden, GradientDescent, LBFGS, LBFGSB, LevenbergMarquardt } = solvers;
  const fun = rosenbrock;
  const shift = (x: NDArray): NDArray => np.cos(x).sub(x);
  const cases: Record<string, [(maxiter: number) => any, any[]]> = {
    BFGS: [(maxiter) => new BFGS({ fun, tol: 0, maxiter }), []],
    LBFGS: [(maxiter) => new LBFGS({ fun, tol: 0, maxiter, historySize: 3 }), []],
    LBFGSB: [(maxiter) => new LBFGSB({ fun, tol: 0, maxiter, historySize: 3 }), [[-2, 0.9]]],
    Broyden: [(maxiter) => new Broyden({ fun: shift, tol: 0, maxiter, historySize: 4 }), []],
    AndersonAcceleration: [
      (maxiter) =>
        new AndersonAcceleration({ fixedPointFun: (x: NDArray) => np.cos(x), tol: 0, maxiter, historySize: 3 }),
      [],
    ],
  };
  for (const [name, [make, args]] of Object.entries(cases)) {
    const first = make(4).run(start, ...args);
    const second = make(3).run(first, ...args);
    const whole = make(7).run(start, ...args);
    near(t, second.params, whole.params, 1e-12, `${name}: 4 and 3 steps are 7`);
    t.equal(second.state.iterNum.item(), 7, `${name}: iterNum`);
    t.match(solvers.statusName(second.state.status), /^maxiter/, name);
    const none = make(0).run(first, ...args);
    t.match(solvers.statusName(none.state.status), /^running/, `${name}: no step`);
    const inJit = jit((step: any) => make(3).run(step, ...args).params)(first);
    near(t, inJit, whole.params, 1e-12, `${name}: in jit`);
  }
  const lm = new LevenbergMarquardt({ residualFun: (x: NDArray) => x.mul(x).sub(2), maxiter: 2 });
  const damped = lm.run(lm.run(start));
  t.equal(damped.state.iterNum.item(), 2, 'LevenbergMarquardt takes over its damping');
  // The result of another run has no derivative, as no initial guess has one.
  const solver = new LBFGS({ fun: (x: NDArray, a: NDArray) => np.sum(np.square(x.sub(a))), tol: 1e-8 });
  const former = solver.run(f64([0, 0]), f64(1));
  const f = (a: NDArray): NDArray => np.sum(solver.run(tree.map((x) => x, former) as typeof former, a).params);
  near(t, grad(f)(f64(3)), 2, 1e-7, 'derivative');
  t.throws(() => new GradientDescent({ fun }).run(new GradientDescent({ fun, maxiter: 1 }).run(start)), {
    message: /^GradientDescent\.run: takes over nothing from the result of another run\./,
  });
  t.end();
});

t.test('LevenbergMarquardt with bounds', (t) => {
  const { times, data, cases } = wanted.fits;
  const [ts, ys] = [f64(times), f64(data)];
  const residuals: Record<string, (p: NDArray) => NDArray> = {
    banana: (p) => {
      const [x, y] = at(p);
      return np.stack([y.sub(x.mul(x)).mul(10), x.neg().add(1)]);
    },
    curve: (p) => {
      const [a, b] = at(p);
      return a
        .mul(np.exp(ts.mul(b)))
        .add(p.slice(2))
        .sub(ys);
    },
  };
  const variants = [{}, { solver: 'cholesky' }, { solver: 'qr', materializeJac: true, geodesic: true }] as const;
  for (const [name, { x0, lower, upper, params, value }] of Object.entries<any>(cases))
    for (const options of variants) {
      const bounds = [numbers(lower), numbers(upper)] as const;
      const residualFun = residuals[name.split(',')[0]!]!;
      const solver = new solvers.LevenbergMarquardt({ residualFun, bounds, tol: 1e-7, maxiter: 200, ...options });
      const found = solver.run(f64(x0));
      const label = `${name}, ${JSON.stringify(options)}`;
      t.ok(ok(found.state), `${label}: ${solvers.statusName(found.state.status)} ${found.state.error}`);
      near(t, found.params, params, 1e-5, `${label}: params`);
      near(t, found.state.value.add(1), value + 1, 1e-9, `${label}: value`);
      t.ok(np.all(np.logicalAnd(found.params.ge(bounds[0]), found.params.le(bounds[1]))).item(), `${label}: inside`);
    }
  // min (x − a)² + (x − 3)² with x ≤ u: x = u, or (a + 3)/2.
  const solution = (u: NDArray, a: NDArray): NDArray =>
    new solvers.LevenbergMarquardt({
      residualFun: (x: NDArray, a: NDArray) => np.stack([x.sub(a), x.sub(3)]),
      bounds: [-10, u],
      tol: 1e-9,
    }).run(f64(0), a).params;
  const both = jit(jacrev(solution, { argnums: [0, 1] }));
  t.strictSame(
    both(f64(1), f64(1)).map((x) => x.item()),
    [1, 0],
    'at the bound',
  );
  for (const [i, slope] of [0, 0.5].entries()) near(t, both(f64(5), f64(1))[i]!.add(1), slope + 1, 1e-9, 'inside');
  near(t, jacfwd(solution)(f64(1), f64(1)), 1, 1e-9, 'forward');
  const lanes = vmap((u: NDArray) => solution(u, f64(1)))(f64([-11, 1, 1.5, 4]));
  near(t, lanes.slice([1, null]), [1, 1.5, 2], 1e-9, 'lanes');
  t.throws(() => new solvers.LevenbergMarquardt({ residualFun: residuals.banana!, bounds: 3 as never }).run(start), {
    message: /^LevenbergMarquardt: needs its bounds as a list \[lower, upper\] or null, but got /,
  });
  t.throws(() => new solvers.LevenbergMarquardt({ residualFun: residuals.banana!, bounds: [2, 1] }).run(start), {
    message: /^LevenbergMarquardt: the lower bound 2 is above the upper one, 1\./,
  });
  t.end();
});

t.test('NelderMead: the steps of SciPy', (t) => {
  const { NelderMead } = solvers;
  const waves = (p: NDArray): NDArray => {
    const [x, y] = at(p);
    return np
      .cos(x.mul(9))
      .add(np.sin(y.mul(13)))
      .add(np.sum(p.mul(p)).mul(0.1));
  };
  const cases: [string, (x: NDArray) => NDArray, object][] = [
    ['few', rosenbrock, { maxiter: 12 }],
    ['shrinks', waves, { maxiter: 25 }],
    ['rosenbrock', rosenbrock, {}],
    ['adaptive', rosenbrock, { adaptive: true }],
    ['eggholder', objectives.eggholder!, {}],
  ];
  for (const [name, fun, options] of cases) {
    const { x0, params, value, iterNum, evaluations } = wanted.nelderMead[name];
    const { params: found, state } = new NelderMead({ fun, ...options }).run(f64(x0));
    near(t, found, params, 1e-9, `${name}: params`);
    near(t, state.value, value, 1e-6, `${name}: value`);
    // SciPy looks at the simplex before a step and counts one more.
    t.ok(Math.abs((state.iterNum.item() as number) - iterNum) <= 1, `${name}: iterations`);
    t.ok(Math.abs((state.numFunEval.item() as number) - evaluations) <= 2, `${name}: evaluations`);
  }
  const fun = ({ a, b }: { a: NDArray; b: NDArray }, c: NDArray): NDArray =>
    np
      .sum(np.square(a.sub(c)))
      .add(np.square(b.sub(np.sum(a))))
      .add(np.log(b).mul(0));
  const solver = new NelderMead({ fun, tol: 1e-9 });
  const init = { a: np.ones([2]).astype('float64'), b: f64(1) };
  const c = f64([1, 2]);
  const found = solver.run(init, c);
  near(t, found.params.a, [1, 2], 1e-7, 'a');
  near(t, found.params.b, 3, 1e-7, 'b');
  near(t, jacrev((c: NDArray) => solver.run(init, c).params.b)(c), [1, 1], 1e-6, 'derivative');
  const lanes = jit(vmap((c: NDArray) => solver.run(init, c)))(np.stack([c, c.mul(2)]));
  near(t, lanes.params.b, [3, 6], 1e-7, 'lanes');
  t.strictSame(lanes.state.status.tolist(), [0, 0]);
  t.match(solvers.statusName(solver.run(init, c.mul(Number.NaN)).state.status), /^nonfinite/, 'NaN');
  const more = new NelderMead({ fun: rosenbrock, maxiter: 7, tol: 0 });
  const whole = new NelderMead({ fun: rosenbrock, maxiter: 14, tol: 0 });
  near(t, more.run(more.run(start)).params, whole.run(start).params, 1e-15, 'goes on');
  t.end();
});
