/** GradientDescent and ProximalGradient against closed forms and against JAXopt (test/oracle/solvers.py). */
import {
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  jvp,
  linalg,
  linearSolve,
  type NDArray,
  np,
  projection,
  solvers,
  tree,
  vmap,
} from 'cotangent';
import t from 'tap';
import { diabetes } from '../examples/lib/diabetes.ts';
import { fixture } from './lib/fixture.ts';
import { near } from './lib/near.ts';

const fixtures = fixture('solvers');

/** The problem of the fixtures, in one dtype. */
function ridgeProblem(dtype: 'float32' | 'float64') {
  const { train, validation } = diabetes(dtype);
  const n = train.X.shape[0]!;
  const ridge = (w: NDArray, l2reg: NDArray): NDArray => {
    const residual = np.matmul(train.X, w).sub(train.y);
    return np
      .mean(residual.mul(residual))
      .mul(0.5)
      .add(np.sum(w.mul(w)).mul(l2reg).mul(0.5));
  };
  const closedForm = (l2reg: NDArray): NDArray =>
    linalg.solve(np.matmul(train.X.T, train.X).div(n).add(np.eye(10).mul(l2reg)), np.matmul(train.X.T, train.y).div(n));
  const loss = (w: NDArray): NDArray => {
    const residual = np.matmul(validation.X, w).sub(validation.y);
    return np.mean(residual.mul(residual));
  };
  return { ridge, closedForm, loss, w0: np.zeros([10], { dtype }), l2reg: np.array(0.05, { dtype }) };
}

for (const dtype of ['float64', 'float32'] as const) {
  const { ridge, closedForm, loss, w0, l2reg } = ridgeProblem(dtype);
  const exact = ridgeProblem('float64');
  const tolerance = dtype === 'float64' ? 1e-10 : 1e-4;
  const wanted = {
    solution: exact.closedForm(exact.l2reg),
    jacobian: jacfwd(exact.closedForm)(exact.l2reg),
    hypergradient: grad((l: NDArray) => exact.loss(exact.closedForm(l)))(exact.l2reg),
    hessian: hessian((l: NDArray) => exact.loss(exact.closedForm(l)))(exact.l2reg),
  };
  const fixed = dtype === 'float64' ? { tol: 1e-14, maxiter: 5000 } : { tol: -1, maxiter: 2000 };

  t.test(`ridge in ${dtype} equals the closed form`, (t) => {
    near(t, closedForm(l2reg), wanted.solution, tolerance, 'closed form');
    for (const implicitDiff of [true, false])
      for (const whole of [true, false]) {
        const solver = new solvers.GradientDescent({
          fun: ridge,
          stepsize: 0.22,
          acceleration: false,
          implicitDiff,
          ...fixed,
        });
        const solution = (l: NDArray): NDArray => solver.run(w0, l).params;
        const hyper = grad((l: NDArray) => loss(solution(l)));
        const name = `${implicitDiff ? 'implicit' : 'unrolled'}, ${whole ? 'jitted' : 'not jitted'}`;
        const maybe = <F extends (...args: any[]) => any>(f: F): F => (whole ? (jit(f) as unknown as F) : f);
        near(t, maybe(solution)(l2reg), wanted.solution, tolerance, `${name}: solution`);
        near(t, maybe(jacfwd(solution))(l2reg), wanted.jacobian, tolerance, `${name}: jacfwd`);
        near(t, maybe(jacrev(solution))(l2reg), wanted.jacobian, tolerance, `${name}: jacrev`);
        near(t, maybe(hyper)(l2reg), wanted.hypergradient, tolerance, `${name}: hypergradient`);
        if (implicitDiff)
          near(t, maybe(grad(hyper))(l2reg), wanted.hessian, 10 * tolerance, `${name}: second derivative`);
      }
    t.end();
  });
}

t.test('iterates, errors and derivatives are those of JAXopt', (t) => {
  const { solveLu } = linearSolve;
  const runs: [string, Omit<solvers.GradientDescentOptions, 'fun'>, tolerance: number][] = [
    ['tight', { maxiter: 5000, tol: 1e-13, stepsize: 0.2, acceleration: false, implicitDiffSolve: solveLu }, 1e-9],
    ['default', { implicitDiffSolve: solveLu }, 1e-9],
    ['backtracking', { maxiter: 2000, tol: 1e-8, acceleration: false, implicitDiffSolve: solveLu }, 1e-9],
    ['accelerated', { maxiter: 2000, tol: 1e-5, implicitDiffSolve: solveLu }, 1e-7],
    ['unrolled', { maxiter: 100, tol: 1e-3, stepsize: 0.2, implicitDiff: false }, 1e-9],
    ['float32', { maxiter: 2000, tol: 1e-5, stepsize: 0.2, implicitDiffSolve: solveLu }, 2e-4],
  ];
  for (const [name, options, tolerance] of runs) {
    const { ridge, loss, w0, l2reg } = ridgeProblem(name === 'float32' ? 'float32' : 'float64');
    const solver = new solvers.GradientDescent({ fun: ridge, ...options });
    const { params, state } = solver.run(w0, l2reg);
    const wanted = fixtures[name];
    near(t, params, wanted.params, tolerance, `${name}: params`);
    if (name !== 'float32') {
      t.equal(state.iterNum.item(), wanted.iterNum, `${name}: iterations`);
      t.ok(Math.abs(state.error.item() / wanted.error - 1) < 1e-3, `${name}: error`);
    }
    const solution = (l: NDArray): NDArray => solver.run(w0, l).params;
    // By default JAXopt solves the linear system to 1e-5 only.
    const loose = name === 'default' ? 1e-4 : tolerance;
    near(t, jacrev(solution)(l2reg), wanted.jacobian, loose, `${name}: jacobian`);
    near(t, grad((l: NDArray) => loss(solution(l)))(l2reg), wanted.hypergradient, loose, `${name}: hypergradient`);
  }
  t.end();
});

t.test('lanes stop by themselves', (t) => {
  const { ridge, closedForm, w0 } = ridgeProblem('float64');
  const solver = new solvers.GradientDescent({
    fun: ridge,
    maxiter: 20000,
    tol: 1e-14,
    stepsize: 0.2,
    acceleration: false,
  });
  const l2regs = np.array([0.01, 0.1, 1], { dtype: 'float64' });
  const { params, state } = vmap((l: NDArray) => solver.run(w0, l))(l2regs);
  near(t, params, vmap(closedForm)(l2regs), 1e-9, 'solutions');
  const counts = state.iterNum.tolist() as number[];
  t.ok(counts[0]! > counts[1]! && counts[1]! > counts[2]!, String(counts));
  const alone = [0.01, 0.1, 1].map((l) => solver.run(w0, np.array(l, { dtype: 'float64' })).state.iterNum.item());
  t.ok(
    counts.every((count, i) => Math.abs(count - alone[i]!) <= 1),
    `${counts} in lanes, ${alone} alone`,
  );
  near(
    t,
    vmap(jacrev((l: NDArray) => solver.run(w0, l).params))(l2regs),
    vmap(jacrev(closedForm))(l2regs),
    1e-9,
    'derivatives',
  );
  t.end();
});

t.test('status', (t) => {
  const square = (x: NDArray): NDArray => x.mul(x);
  const of = (options: object, init: NDArray | number): string => {
    const { state } = new solvers.GradientDescent({ fun: square, ...options }).run(init);
    return solvers.statusName(state.status);
  };
  t.match(of({ stepsize: 0.25, acceleration: false }, 1), /^converged/);
  t.match(of({ stepsize: 0.01, maxiter: 3, acceleration: false }, 1), /^maxiter/);
  t.match(of({ stepsize: 0.25, acceleration: false }, Number.NaN), /^nonfinite/);
  t.match(of({ stepsize: 10, maxiter: 2000, acceleration: false }, 1), /^nonfinite/);
  const lanes = vmap(
    (x: NDArray) =>
      new solvers.GradientDescent({ fun: square, stepsize: 0.25, acceleration: false }).run(x).state.status,
  );
  t.strictSame(lanes(np.array([1, Number.NaN])).tolist(), [0, 2], 'per lane');
  t.match(solvers.statusName(99), 'unknown status 99');
  t.end();
});

t.test('step by step, and trees', (t) => {
  const fun = ({ a, b }: { a: NDArray; b: NDArray[] }, target: NDArray): NDArray =>
    np.sum(np.square(a.sub(target))).add(np.square(b[0]!.sub(3)));
  const solver = new solvers.GradientDescent({ fun, stepsize: 0.2, acceleration: false, maxiter: 100, tol: 1e-6 });
  let params = { a: np.zeros([2]), b: [np.array(0)] };
  const target = np.array([1, 2]);
  let state = solver.initState(params, target);
  const update = jit((p: typeof params, s: typeof state, target: NDArray) => solver.update(p, s, target));
  for (let i = 0; i < 100; i++) ({ params, state } = update(params, state, target) as any);
  near(t, params.a, [1, 2], 1e-5, 'a');
  near(t, params.b[0]!, 3, 1e-5, 'b');
  const whole = solver.run({ a: np.zeros([2]), b: [np.array(0)] }, target).params;
  near(t, whole.a, [1, 2], 1e-5, 'run: a');
  t.ok(solver.l2OptimalityError(whole, target).item() < 1e-4);
  const [, dot] = jvp(
    (target: NDArray) => solver.run({ a: np.zeros([2]), b: [np.array(0)] }, target).params,
    [target],
    [np.array([1, -1])],
  );
  near(t, dot.a, [1, -1], 1e-5, 'tangent');
  near(t, dot.b[0]!, 0, 1e-5, 'tangent of what does not depend');
  t.ok(tree.leaves(state).length > 3);
  t.end();
});

t.test('lasso by proximal gradient, through its prox', (t) => {
  // ½(x − b)² + λ|x|: soft thresholding, dx/dλ = −sign(x) where x ≠ 0.
  const soft = (x: NDArray, lambda: NDArray, scaling: NDArray | number): NDArray =>
    np.sign(x).mul(np.maximum(np.abs(x).sub(lambda.mul(scaling)), 0));
  const fun = (x: NDArray, b: NDArray): NDArray => np.sum(np.square(x.sub(b))).mul(0.5);
  const b = np.array([3, -2, 0.5], { dtype: 'float64' });
  for (const implicitDiff of [true, false]) {
    const solver = new solvers.ProximalGradient({
      fun,
      prox: soft,
      stepsize: 0.5,
      acceleration: false,
      maxiter: 200,
      tol: 1e-13,
      implicitDiff,
    });
    const x = (lambda: NDArray): NDArray => solver.run(np.zeros([3], { dtype: 'float64' }), lambda, b).params;
    const lambda = np.array(1, { dtype: 'float64' });
    near(t, x(lambda), [2, -1, 0], 1e-10, 'solution');
    near(t, jit(jacfwd(x))(lambda), [-1, 1, 0], 1e-9, `jacobian, implicitDiff ${implicitDiff}`);
  }
  t.end();
});

t.test('aux, value and gradient at once', (t) => {
  const withAux = new solvers.GradientDescent({
    fun: (x: NDArray) => [np.sum(x.mul(x)), { last: x }] as const,
    hasAux: true,
    stepsize: 0.25,
    acceleration: false,
  });
  const { params, state } = withAux.run(np.array([1, 2]));
  t.ok(np.max(np.abs(params)).item() < 1e-2);
  t.equal(state.aux.last.shape[0], 2);
  const both = new solvers.GradientDescent({
    fun: (x: NDArray) => [np.sum(x.mul(x)), x.mul(2)] as const,
    valueAndGrad: true,
    stepsize: 0.25,
    acceleration: false,
  });
  t.ok(np.max(np.abs(both.run(np.array([1, 2])).params)).item() < 1e-2);
  t.end();
});

t.test('options and progress', (t) => {
  t.throws(() => new solvers.GradientDescent({ fun: (w: any) => w.sum(), maxIter: 10 } as any), {
    message:
      'GradientDescent: there is no option `maxIter`; the options are `fun`, `hasAux`, `valueAndGrad`, `stepsize`, `maxls`, `acceleration`, `decreaseFactor`, `maxiter`, `tol`, `implicitDiff`, `implicitDiffSolve`, `throw`, `progress`, `jit`.\n  hint: did you mean `maxiter`?',
  });
  const { write } = process.stderr;
  const lines: string[] = [];
  process.stderr.write = ((text: string) => lines.push(text) > 0) as never;
  try {
    const fun = (w: any) => w.sub(1).square().sum();
    new solvers.GradientDescent({ fun, stepsize: 0.25, acceleration: false, maxiter: 20, tol: 0, progress: 'fit' }).run(
      np.zeros([2]),
    );
  } finally {
    process.stderr.write = write;
  }
  t.match(lines[0], /^\r?fit: {3}5%\|▌ {9}\| 1\/20 \[00:00, \?\/s, error /);
  t.match(lines.at(-1), /fit: 100%\|█{10}\| 20\/20 \[/);
  t.end();
});

t.test('a step that rounding takes back', (t) => {
  const fun = (w: NDArray): NDArray => np.sum(np.square(w.sub(3)));
  const init = np.ones([2]);
  const status = (options: object): string => {
    const { state } = new solvers.GradientDescent({ fun, ...options }).run(init);
    t.equal(state.error.item(), 0);
    return solvers.statusName(state.status);
  };
  const unchanged = 'unchanged: the step is too small to change the parameters, and the error is not at most tol';
  t.equal(status({ stepsize: 1e-9 }), unchanged);
  t.equal(status({ stepsize: 1e-9, acceleration: false, jit: false }), unchanged);
  t.match(status({}), /^converged/, 'at a minimum the gradient is small');
  const boxed = new solvers.ProjectedGradient({ fun, projection: projection.box, stepsize: 0.1 });
  t.match(solvers.statusName(boxed.run(init, [0, 1]).state.status), /^converged/, 'the bound holds it, not rounding');
  const throwing = new solvers.GradientDescent({ fun, stepsize: 1e-9, throw: true });
  t.throws(() => throwing.run(init), { message: /^GradientDescent/ });
  t.end();
});
