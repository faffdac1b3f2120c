/** Implicit differentiation: roots, fixed points and linear solves against what is known analytically. */
import {
  customFixedPoint,
  customRoot,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  jvp,
  lax,
  linalg,
  linearSolve,
  type NDArray,
  np,
  random,
  rootJvp,
  rootVjp,
  vmap,
} from 'cotangent';
import t from 'tap';

type Assertions = Pick<typeof t, 'equal' | 'ok'>;

const f64 = (x: unknown): NDArray => np.array(x as number, { dtype: 'float64' });

function near(t: Assertions, actual: NDArray, wanted: unknown, name: string, tolerance = 1e-9): void {
  const a = (actual.reshape([-1]).tolist() as number[]) ?? [];
  const b = f64(wanted).reshape([-1]).tolist() as number[];
  t.equal(a.length, b.length, `${name}: size`);
  const scale = Math.max(1e-300, ...b.map(Math.abs));
  const worst = Math.max(0, ...a.map((x, i) => (Number.isNaN(x) ? Number.POSITIVE_INFINITY : Math.abs(x - b[i]!))));
  t.ok(worst <= tolerance * scale, `${name}: ${a} against ${b}`);
}

// ── x³ + θx − 1 = 0 ────────────────────────────────────────────────────────────────────────────────────────────────
const cubic = (x: NDArray, theta: NDArray): NDArray => x.mul(x).mul(x).add(theta.mul(x)).sub(1);

function newton(init: NDArray, theta: NDArray): NDArray {
  const update = (x: NDArray): NDArray => x.sub(cubic(x, theta).div(x.mul(x).mul(3).add(theta)));
  return lax.whileLoop(
    ([x, before]: NDArray[]) => np.abs(x!.sub(before!)).gt(1e-15),
    ([x]: NDArray[]) => [update(x!), x!],
    [update(init), init],
  )[0]!;
}

function bisection(_init: NDArray, theta: NDArray): NDArray {
  const [low, high] = lax.foriLoop(
    0,
    60,
    (_i, [a, b]: NDArray[]) => {
      const middle = a!.add(b!).mul(0.5);
      const below = cubic(middle, theta).lt(0);
      return [np.where(below, middle, a!), np.where(below, b!, middle)];
    },
    [f64(0), f64(1)],
  );
  return low!.add(high!).mul(0.5);
}

/** The root in (0, 1) for θ > 0 and its derivatives, by differentiating x³ + θx = 1 by hand. */
function analytic(theta: number): [x: number, first: number, second: number, third: number] {
  let x = 0.5;
  for (let i = 0; i < 60; i++) x -= (x ** 3 + theta * x - 1) / (3 * x * x + theta);
  const d = 3 * x * x + theta;
  const first = -x / d;
  const second = -(6 * x * first ** 2 + 2 * first) / d;
  const third = -(6 * first ** 3 + 18 * x * first * second + 3 * second) / d;
  return [x, first, second, third];
}

const thetas = [0.5, 1, 2, 3.7];
const start = f64(0.7);

/** The same root, where θ reaches solver and equation by closure only. */
const closure = (solver: (init: NDArray, theta: NDArray) => NDArray, theta: NDArray): NDArray =>
  customRoot((x: NDArray) => cubic(x, theta))((init: NDArray) => solver(init, theta))(start);

for (const [name, solver] of Object.entries({ newton, bisection })) {
  t.test(`the root of a cubic by ${name}`, (t) => {
    const rootOf = customRoot(cubic)(solver);
    const root = (theta: NDArray): NDArray => rootOf(start, theta);
    const ways: [string, (theta: NDArray) => NDArray, order: number][] = [
      ['value', root, 0],
      ['jvp', (theta) => jvp(root, [theta], [f64(1)])[1], 1],
      ['grad', grad(root), 1],
      ['jacfwd', jacfwd(root), 1],
      ['jacrev', jacrev(root), 1],
      ['hessian', hessian(root), 2],
      ['grad of grad', grad(grad(root)), 2],
      ['jacfwd of jacfwd', jacfwd(jacfwd(root)), 2],
      ['jacrev of jacfwd', jacrev(jacfwd(root)), 2],
      ['grad of hessian', grad(hessian(root)), 3],
      ['jacfwd of hessian', jacfwd(hessian(root)), 3],
      ['grad of grad of grad', grad(grad(grad(root))), 3],
      ['grad of jit of grad of jit', grad(jit(grad(jit(root)))), 2],
      // The solver and the equation capture a traced value.
      ['grad of a closure', grad((theta) => closure(solver, theta)), 1],
      ['third derivative of a closure', jacfwd(grad(grad((theta: NDArray) => closure(solver, theta)))), 3],
    ];
    const lanes = f64(thetas);
    for (const [way, f, order] of ways) {
      const wanted = thetas.map((theta) => analytic(theta)[order]!);
      thetas.slice(0, 2).forEach((theta, i) => {
        near(t, f(f64(theta)), wanted[i], `${way} at ${theta}`);
      });
      near(t, jit(f)(f64(thetas[2])), wanted[2], `jit of ${way}`);
      near(t, vmap(f)(lanes), wanted, `vmap of ${way}`);
      near(t, jit(vmap(f))(lanes), wanted, `jit of vmap of ${way}`);
      near(t, vmap(jit(f))(lanes), wanted, `vmap of jit of ${way}`);
    }
    const sum = (x: NDArray): NDArray => np.sum(vmap(root)(x));
    near(
      t,
      grad(sum)(lanes),
      thetas.map((theta) => analytic(theta)[1]),
      'grad of a sum of vmap',
    );
    t.end();
  });
}

t.test('what only the solver captures, and the initial guess, have no derivative', (t) => {
  const f = (a: NDArray, b: NDArray): NDArray =>
    customRoot((x: NDArray) => x.mul(x).sub(a))((init: NDArray) => np.sqrt(a).add(b.mul(0)).add(init.mul(0)))(b);
  const [da, db] = grad(f, { argnums: [0, 1] })(f64(4), f64(3));
  near(t, da, 0.25, 'by the equation');
  t.equal(db.item(), 0);
  t.end();
});

t.test('fixed points', (t) => {
  // x = cos(a x) with dx/da = −x sin(ax) / (1 + a sin(ax)).
  const solver = (init: NDArray, a: NDArray): NDArray =>
    lax.foriLoop(0, 300, (_i, x: NDArray) => np.cos(x.mul(a)).add(x).mul(0.5), init);
  const fixed = customFixedPoint((x: NDArray, a: NDArray) => np.cos(x.mul(a)))(solver);
  const f = (a: NDArray): NDArray => fixed(f64(0.5), a);
  const x = f(f64(1)).item();
  near(t, f64(x), 0.7390851332151607, 'the Dottie number');
  const slope = (-x * Math.sin(x)) / (1 + Math.sin(x));
  for (const [name, d] of Object.entries({ grad: grad(f), jacfwd: jacfwd(f), jit: jit(grad(f)) }))
    near(t, d(f64(1)), slope, name);
  const h = 1e-4;
  const difference = (grad(f)(f64(1 + h)).item() - grad(f)(f64(1 - h)).item()) / (2 * h);
  near(t, hessian(f)(f64(1)), difference, 'hessian', 1e-6);
  t.end();
});

// ── Trees, aux, nesting ────────────────────────────────────────────────────────────────────────────────────────────
t.test('trees of unknowns and of arguments', (t) => {
  // u = a·p, v = u + p.q: du/dp = a, …
  interface P {
    p: NDArray;
    q: NDArray[];
  }
  interface X {
    u: NDArray;
    v: NDArray;
  }
  const equation = (x: X, { p, q }: P, a: NDArray): X => ({ u: x.u.sub(p.mul(a)), v: x.v.sub(x.u).sub(q[0]!) });
  const solver = (_x: X, { p, q }: P, a: NDArray): X => ({ u: p.mul(a), v: p.mul(a).add(q[0]!) });
  const solve = customRoot(equation)(solver);
  const init: X = { u: np.zeros([2], { dtype: 'float64' }), v: np.zeros([2], { dtype: 'float64' }) };
  const arg: P = { p: f64([1, 2]), q: [f64([3, 4])] };
  const f = (p: P, a: NDArray): NDArray => {
    const { u, v } = solve(init, p, a);
    return u.mul(2).add(v.mul(3)).sum();
  };
  const [dp, da] = jit(grad(f, { argnums: [0, 1] }))(arg, f64(5));
  near(t, dp.p, [25, 25], 'p');
  near(t, dp.q[0]!, [3, 3], 'q');
  near(t, da, 15, 'a');
  t.end();
});

t.test('aux has a value and no derivative', (t) => {
  const solve = customRoot((x: NDArray, a: NDArray) => x.mul(x).sub(a), { hasAux: true })(
    (_init: NDArray, a: NDArray): [NDArray, { steps: NDArray; residual: NDArray }] => [
      np.sqrt(a),
      { steps: np.array(7, { dtype: 'int32' }), residual: a.mul(0.5) },
    ],
  );
  const [x, { steps, residual }] = solve(f64(1), f64(4));
  t.strictSame([x.item(), steps.item(), residual.item()], [2, 7, 2]);
  const f = (a: NDArray): [NDArray, NDArray] => {
    const [root, aux] = solve(f64(1), a);
    return [root, aux.steps];
  };
  const [d, count] = grad(f, { hasAux: true })(f64(4));
  near(t, d, 0.25, 'derivative of the root');
  t.equal(count.item(), 7);
  t.throws(() => grad((a: NDArray) => solve(f64(1), a)[1].residual)(f64(4)), /residual|aux/);
  t.end();
});

t.test('roots in roots, and roots in loops', (t) => {
  // y solves y² = a; x solves x³ = y: x = a^(1/6).
  const sqrt = customRoot((y: NDArray, a: NDArray) => y.mul(y).sub(a))((_i: NDArray, a: NDArray) => np.sqrt(a));
  const outer = customRoot((x: NDArray, a: NDArray) =>
    x
      .mul(x)
      .mul(x)
      .sub(sqrt(f64(1), a)),
  )((_i: NDArray, a: NDArray) => np.cbrt(sqrt(f64(1), a)));
  const f = (a: NDArray): NDArray => outer(f64(1), a);
  const a = 3;
  near(t, f(f64(a)), a ** (1 / 6), 'value');
  near(t, grad(f)(f64(a)), a ** (-5 / 6) / 6, 'first');
  near(t, hessian(f)(f64(a)), (-5 / 36) * a ** (-11 / 6), 'second');
  near(t, jit(grad(grad(grad(f))))(f64(a)), (55 / 216) * a ** (-17 / 6), 'third');

  const chain = (x: NDArray): NDArray => lax.foriLoop(0, 3, (_i, v: NDArray) => sqrt(f64(1), v), x);
  near(t, grad(chain)(f64(a)), a ** (-7 / 8) / 8, 'a root per turn of a loop');
  near(t, jit(vmap(grad(chain)))(f64([a, 5])), [a ** (-7 / 8) / 8, 5 ** (-7 / 8) / 8], 'in lanes');
  const scanned = (x: NDArray): NDArray =>
    lax.scan((c: NDArray, s: NDArray) => [sqrt(f64(1), c.mul(s)), c], x, f64([1, 1]))[0];
  near(t, jit(grad(scanned))(f64(a)), a ** (-3 / 4) / 4, 'in a scan');
  t.end();
});

t.test('a system of equations, its Jacobian by every linear solver', (t) => {
  const n = 5;
  const B = random.normal(random.key(1), [n, n], { dtype: 'float64' });
  const A = np.matmul(B, B.T).add(np.eye(n).astype('float64').mul(n));
  // A x + x³/10 = θ
  const equation = (x: NDArray, theta: NDArray): NDArray => np.matmul(A, x).add(x.mul(x).mul(x).mul(0.1)).sub(theta);
  const solver = (init: NDArray, theta: NDArray): NDArray =>
    lax.foriLoop(
      0,
      30,
      (_i, x: NDArray) => x.sub(linalg.solve(A.add(np.diag(x.mul(x).mul(0.3))), equation(x, theta))),
      init,
    );
  const theta = np.arange(n).astype('float64');
  const zeros = np.zeros([n], { dtype: 'float64' });
  const x = solver(zeros, theta);
  const wanted = linalg.inv(A.add(np.diag(x.mul(x).mul(0.3))));
  const { solveCg, solveNormalCg, solveGmres, solveBicgstab, solveLu, solveCholesky, solveInv } = linearSolve;
  const methods = { solveCg, solveNormalCg, solveGmres, solveBicgstab, solveLu, solveCholesky, solveInv };
  for (const [name, method] of Object.entries(methods)) {
    const solve = (matvec: (v: NDArray) => NDArray, b: NDArray): NDArray =>
      method(matvec, b, { tol: 1e-14, maxiter: 200 });
    const root = customRoot(equation, { solve })(solver);
    const f = (theta: NDArray): NDArray => root(zeros, theta);
    near(t, jacrev(f)(theta), wanted.tolist(), `${name}: jacrev`, 1e-9);
    near(t, jit(jacfwd(f))(theta), wanted.tolist(), `${name}: jit of jacfwd`, 1e-9);
  }
  const f = (theta: NDArray): NDArray => customRoot(equation)(solver)(zeros, theta);
  const batch = np.stack([theta, theta.mul(2)]);
  near(t, vmap(jacrev(f))(batch).slice(1), jacrev(f)(theta.mul(2)).tolist(), 'vmap of jacrev', 1e-12);
  t.end();
});

t.test('rootJvp and rootVjp', (t) => {
  const F = (x: NDArray, a: NDArray, b: NDArray): NDArray => x.mul(x).sub(a.mul(b));
  near(t, rootJvp(F, f64(6), [f64(4), f64(9)], [f64(1), f64(0)]), 9 / 12, 'along a');
  const [da, db] = rootVjp(F, f64(6), [f64(4), f64(9)], f64(2));
  near(t, da, 18 / 12, 'a');
  near(t, db, 8 / 12, 'b');
  near(t, jit((a: NDArray) => rootVjp(F, f64(6), [a, f64(9)], f64(2))[0])(f64(4)), 18 / 12, 'jit');
  t.end();
});

t.test('float32', (t) => {
  const root = customRoot(cubic)((_init: NDArray, theta: NDArray) =>
    lax.foriLoop(0, 20, (_i, x: NDArray) => x.sub(cubic(x, theta).div(x.mul(x).mul(3).add(theta))), np.array(0.7)),
  );
  const f = (theta: NDArray): NDArray => root(0.7, theta);
  const [x, first, second] = analytic(2);
  t.equal(f(np.array(2)).dtype, 'float32');
  near(t, f(np.array(2)), x, 'value', 1e-6);
  near(t, jit(grad(f))(np.array(2)), first, 'first', 1e-5);
  near(t, grad(grad(f))(np.array(2)), second, 'second', 1e-5);
  t.end();
});

t.test('the derivative does not run the solver again', (t) => {
  let traced = 0;
  const root = customRoot(cubic)((init: NDArray, theta: NDArray) => {
    traced++;
    return newton(init, theta);
  });
  grad((theta: NDArray) => root(start, theta))(f64(2));
  t.equal(traced, 1);
  const program = jit(grad((theta: NDArray) => root(start, theta))).lower(f64(2));
  t.equal(String(program.jaxpr).match(/ while\[/g)?.length, 1, 'one loop in the program');
  t.end();
});

t.test('errors', (t) => {
  const solve = customRoot(function twice(x: NDArray) {
    return [x, x];
  })((init: NDArray) => init);
  t.throws(() => solve(1), {
    name: 'TreeError',
    message: /^customRoot: `twice` returns a value of structure \[\*, \*\], but the solution has structure \*\./,
  });
  const shape = customRoot(function wide(x: NDArray) {
    return np.stack([x, x]);
  })((init: NDArray) => init);
  t.throws(() => shape(f64(1)), {
    name: 'TreeError',
    message: /^customRoot: `wide` returns f64\[2\] at solution, which is f64\[\]\./,
  });
  t.end();
});
