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
  makeJaxpr,
  type NDArray,
  np,
  random,
  rootJvp,
  rootVjp,
  solvers,
  vmap,
} from 'cotangent';
import t from 'tap';
import { type Assertions, f64, near as nearTo } from './lib/near.ts';

const near = (t: Assertions, actual: NDArray, wanted: unknown, name: string, tolerance = 1e-9): void =>
  nearTo(t, actual, wanted, tolerance, name);

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
      near(t, f(f64(thetas[0])), wanted[0], `${way} at ${thetas[0]}`);
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

t.test('integer, boolean and static arguments', (t) => {
  // xⁿ = a, n static or an integer array; the sign chosen by a bool.
  const power = (x: NDArray, n: NDArray): NDArray => np.exp(np.log(x).mul(n));
  const byArray = customRoot((x: NDArray, a: NDArray, n: NDArray, _up: NDArray) => power(x, n).sub(a))(
    (_x: NDArray, a: NDArray, n: NDArray, up: NDArray) =>
      np.where(up, power(a, np.array(1).div(n).astype('float64')), a),
  );
  const n = np.array(3, { dtype: 'int32' });
  const up = np.array(true);
  near(t, byArray(f64(1), f64(8), n, up), 2, 'int32 and bool', 1e-6);
  near(t, grad(byArray, { argnums: 1 })(f64(1), f64(8), n, up), 1 / 12, 'grad beside an int32', 1e-6);
  near(
    t,
    jit(vmap(grad(byArray, { argnums: 1 }), { inAxes: [null, 0, 0, null] }))(
      f64(1),
      f64([8, 9]),
      np.array([3, 2], { dtype: 'int32' }),
      up,
    ),
    [1 / 12, 1 / 6],
    'lanes of int32',
    1e-6,
  );
  const options = { static: ['kind', 3] };
  const byStatic = customRoot(
    (x: NDArray, a: NDArray, kind: string, times: (x: NDArray) => NDArray) =>
      (kind === 'square' ? x.mul(x) : times(x)).sub(a),
    options,
  )((_x: NDArray, a: NDArray, kind: string, times: (x: NDArray) => NDArray) =>
    kind === 'square' ? np.sqrt(a) : a.div(times(f64(1))),
  );
  const fourfold = (x: NDArray): NDArray => x.mul(4);
  near(t, grad((a: NDArray) => byStatic(f64(1), a, 'square', fourfold as never))(f64(9)), 1 / 6, 'static string');
  near(t, jit(grad((a: NDArray) => byStatic(f64(1), a, 'times', fourfold as never)))(f64(9)), 1 / 4, 'static function');
  t.throws(() => customRoot((x: NDArray) => x, { static: [0] })((x: NDArray) => x), {
    message: /^customRoot: the initial guess, argument 0, cannot be static\./,
  });
  t.throws(
    () =>
      customRoot((x: NDArray) => x, { static: ['mode'] })(function solve(x: NDArray, a: NDArray) {
        return x.add(a);
      }),
    {
      message: /^customRoot: `solve` has no argument named `mode`; it has `x`, `a`\./,
    },
  );
  t.end();
});

t.test('closures: of the equation, of the solver, of the linear solve', (t) => {
  const A = f64([
    [4, 1],
    [2, 3],
  ]);
  const b = f64([1, 2]);
  const eye = np.eye(2).astype('float64');
  // s A x = b. A linear solve that adds r I gives ẋ = −(s A + r I)⁻¹ A x: what it captures is used.
  const f = (s: NDArray, r: NDArray, start: NDArray): NDArray =>
    customRoot((x: NDArray) => np.matmul(A, x).mul(s).sub(b), {
      solve: (matvec: (v: NDArray) => NDArray, right: NDArray) =>
        linearSolve.solveGmres(matvec, right, { ridge: r, tol: 1e-14 }),
    })((_x: NDArray) => linalg.solve(A.mul(s), b).add(start.mul(0)))(b);
  const exact = (s: NDArray, r: NDArray): NDArray =>
    linalg.solve(A.mul(s).add(eye.mul(r)), np.matmul(A, linalg.solve(A.mul(s), b))).mul(-1);
  const [s, r, start] = [f64(1.5), f64(0.3), f64(1)];
  const wanted = exact(s, r).tolist();
  const ones = f64([1, 1]);
  near(t, jacfwd(f)(s, r, start), wanted, 'concrete');
  near(t, jacrev(f)(s, r, start), wanted, 'concrete, reverse');
  near(t, jit(jacfwd(f))(s, r, start), wanted, 'traced by jit outside');
  near(t, jacrev(jit(f))(s, r, start), wanted, 'traced by jit inside');
  near(t, grad((s: NDArray) => np.sum(jit(jit(f))(s, r, start)))(s), exact(s, r).sum().item(), 'jit of jit');
  const rs = f64([0.1, 0.2, 0.3]);
  const each = (rs.tolist() as number[]).map((r) => exact(s, f64(r)).tolist());
  near(t, vmap(jacrev(f), { inAxes: [null, 0, null] })(s, rs, start), each, 'traced by vmap outside');
  near(t, jacrev((s: NDArray) => vmap(f, { inAxes: [null, 0, null] })(s, rs, start))(s), each, 'traced by vmap inside');
  near(t, jacfwd((s: NDArray) => vmap(jit(f), { inAxes: [null, 0, null] })(s, rs, start))(s), each, 'and by jit');
  const scanned = (s: NDArray): NDArray =>
    lax.scan((_c: null, r: NDArray) => [null, f(s, r, start)] as const, null, rs)[1] as NDArray;
  near(t, jacfwd(scanned)(s), each, 'traced by a loop');
  near(t, jit(jacrev(scanned))(s), each, 'traced by a loop, reverse');
  // A method of solving has no derivative: to differentiation the system is A ẋ = …, solved exactly.
  t.equal(grad((r: NDArray) => np.sum(jacfwd(f)(s, r, start)))(r).item(), 0, 'differentiated itself');
  near(t, jvp((r: NDArray) => f(s, r, start), [r], [f64(1)])[1], [0, 0], 'the solution does not depend on it', 1);
  near(t, np.matmul(ones, vmap((r: NDArray) => f(s, r, r))(rs).T), np.full([3], np.sum(f(s, r, start))), 'values');
  t.end();
});

t.test('an implicit function of several outputs', (t) => {
  // u + v = p, u v = q: the roots of z² − p z + q, u > v.
  const solve = customRoot(({ u, v }: { u: NDArray; v: NDArray }, p: NDArray, q: NDArray) => ({
    u: u.add(v).sub(p),
    v: u.mul(v).sub(q),
  }))((_i: { u: NDArray; v: NDArray }, p: NDArray, q: NDArray) => {
    const root = np.sqrt(p.mul(p).sub(q.mul(4)));
    return { u: p.add(root).div(2), v: p.sub(root).div(2) };
  });
  const f = (p: NDArray, q: NDArray) => solve({ u: f64(2), v: f64(1) }, p, q);
  const [u, v] = [3, 2];
  const J = { u: { p: u / (u - v), q: -1 / (u - v) }, v: { p: -v / (u - v), q: 1 / (u - v) } };
  for (const jac of [jacfwd, jacrev]) {
    const d = jit(jac(f, { argnums: [0, 1] }))(f64(5), f64(6)) as any;
    near(t, np.stack([d.u[0], d.u[1], d.v[0], d.v[1]]), [J.u.p, J.u.q, J.v.p, J.v.q], jac.name);
  }
  // ∂²u/∂q² = −2/(u − v)³.
  near(t, hessian((q: NDArray) => f(f64(5), q).u)(f64(6)), -2, 'second derivative');
  t.end();
});

t.test('bilevel: solvers in solvers, their derivatives in closed form', (t) => {
  // Inner: φ(θ, λ) = argmin ½ φᵀAφ − bᵀφ + λ/2 ‖φ − θ‖² = (A + λ)⁻¹ (b + λ θ), the adaptation of MAML with a proximal term.
  const A = f64([
    [3, 1],
    [1, 2],
  ]);
  const b = f64([1, -1]);
  const c = f64([0.5, 0.25]);
  const zero = np.zeros([2], { dtype: 'float64' });
  const options = { stepsize: 0.2, acceleration: false, tol: 1e-14, maxiter: 1000 };
  const inner = new solvers.GradientDescent({
    fun: (phi: NDArray, theta: NDArray, lambda: NDArray) =>
      np
        .dot(phi, np.matmul(A, phi))
        .mul(0.5)
        .sub(np.dot(b, phi))
        .add(
          np
            .sum(np.square(phi.sub(theta)))
            .mul(lambda)
            .mul(0.5),
        ),
    ...options,
  });
  const outer = (theta: NDArray, lambda: NDArray): NDArray =>
    np.sum(np.square(inner.run(zero, theta, lambda).params.sub(c))).mul(0.5);
  const M = (lambda: number): NDArray => linalg.inv(A.add(np.eye(2).astype('float64').mul(lambda)));
  const lambda = 1.5;
  const theta = f64([0.2, -0.4]);
  const phi = np.matmul(M(lambda), b.add(theta.mul(lambda)));
  near(
    t,
    grad(outer)(theta, f64(lambda)),
    np.matmul(M(lambda), phi.sub(c)).mul(lambda).tolist(),
    'the meta-gradient',
    1e-9,
  );
  const meta = np
    .matmul(M(lambda), M(lambda))
    .mul(lambda * lambda)
    .tolist();
  near(t, hessian(outer)(theta, f64(lambda)), meta, 'the meta-Hessian', 1e-8);
  near(t, jit(jacrev(grad(outer)))(theta, f64(lambda)), meta, 'the meta-Hessian in reverse twice', 1e-8);
  const tasks = np.stack([theta, theta.mul(2), theta.add(1)]);
  const perTask = vmap(grad(outer), { inAxes: [0, null] })(tasks, f64(lambda));
  near(
    t,
    jit(grad((lambda: NDArray) => np.sum(vmap((x: NDArray) => outer(x, lambda))(tasks))))(f64(lambda)),
    tasksSlope(),
    'over tasks',
    1e-8,
  );
  near(t, perTask.slice(0), grad(outer)(theta, f64(lambda)).tolist(), 'a lane', 1e-9);

  /** Σ d/dλ ½‖φ − c‖² = Σ (φ − c)ᵀ M (θ − φ). */
  function tasksSlope(): number {
    return (tasks.tolist() as number[][]).reduce((sum, row) => {
      const at = f64(row);
      const phi = np.matmul(M(lambda), b.add(at.mul(lambda)));
      return sum + np.dot(phi.sub(c), np.matmul(M(lambda), at.sub(phi))).item();
    }, 0);
  }

  // Outer: θ(λ) = argmin, where φ = c: θ = c + (A c − b)/λ, through the inner solver, with derivatives to the second.
  const outerSolver = new solvers.GradientDescent({ fun: outer, ...options, stepsize: 4, tol: 1e-13 });
  const best = (lambda: NDArray): NDArray => outerSolver.run(zero, lambda).params;
  const slack = np.matmul(A, c).sub(b);
  near(t, best(f64(lambda)), c.add(slack.div(lambda)).tolist(), 'the outer solution', 1e-8);
  near(t, jacfwd(best)(f64(lambda)), slack.div(-(lambda ** 2)).tolist(), 'the hypergradient', 1e-7);
  near(t, jit(jacrev(best))(f64(lambda)), slack.div(-(lambda ** 2)).tolist(), 'in reverse', 1e-7);
  near(
    t,
    jacfwd(jacrev(best))(f64(lambda)),
    slack.mul(2 / lambda ** 3).tolist(),
    'the hypergradient of the hypergradient',
    1e-6,
  );
  t.end();
});

t.test('throw', (t) => {
  // x² = a at a = 0: the derivative divides by 0.
  const root = customRoot((x: NDArray, a: NDArray) => x.mul(x).sub(a), { throw: true })((_x: NDArray, a: NDArray) =>
    np.sqrt(a),
  );
  const f = (a: NDArray): NDArray => root(f64(1), a);
  near(t, grad(f)(f64(4)), 0.25, 'no error where it is solved');
  const derivative = {
    name: 'SolveError',
    message:
      /^the derivative of customRoot: not solved: the matrix is singular to working precision \(status `singular`\)\./,
  };
  t.throws(() => grad(f)(f64(0)), derivative);
  t.throws(() => jit(jacfwd(f))(f64(0)), derivative, 'jit of jacfwd');
  t.throws(() => jit(vmap(grad(f)))(f64([4, 0])), derivative, 'in a lane');
  t.doesNotThrow(() => jit(vmap(grad(f)))(f64([4, 1])));
  const solution = {
    name: 'SolveError',
    message: /^customRoot: not solved: NaN or infinite values \(status `nonfinite`\)\./,
  };
  t.throws(() => f(f64(-1)), solution);
  t.throws(() => jit(f)(f64(-1)), solution, 'jit');
  t.throws(() => vmap(f)(f64([1, -1])), solution, 'in a lane');
  const user = customRoot((x: NDArray, a: NDArray) => x.mul(x).sub(a), {
    throw: true,
    solve: (_matvec: unknown, right: NDArray) => right.mul(Number.NaN),
  })((_x: NDArray, a: NDArray) => np.sqrt(a));
  t.throws(() => grad((a: NDArray) => user(f64(1), a))(f64(4)), {
    message: /^the derivative of customRoot: not solved: NaN or infinite values \(status `nonfinite`\)\./,
  });
  const F = (x: NDArray, a: NDArray): NDArray => x.mul(x).sub(a);
  t.throws(() => rootJvp(F, f64(0), [f64(0)], [f64(1)], { throw: true }), {
    message: /^rootJvp: not solved: the matrix is singular/,
  });
  t.throws(() => rootVjp(F, f64(0), [f64(0)], f64(1), { throw: true }), {
    message: /^rootVjp: not solved: the matrix is singular/,
  });
  t.end();
});

t.test('the automatic linear solve', (t) => {
  const text = (f: (x: NDArray) => NDArray, x: NDArray): string => String(makeJaxpr(f)(x));
  const count = (program: string, primitive: string): number =>
    program.match(new RegExp(` = ${primitive}\\b`, 'g'))?.length ?? 0;
  // D x + x³/10 = θ with a diagonal D, so that large systems are cheap and known.
  const run = (n: number, tags: object, dtype: 'float32' | 'float64' = 'float64') => {
    const d = np.arange(n).astype(dtype).div(n).add(1);
    const root = customRoot(
      (x: NDArray, theta: NDArray) => x.mul(d).add(x.mul(x).mul(x).mul(0.1)).sub(theta),
      tags,
    )((x: NDArray, theta: NDArray) =>
      lax.foriLoop(
        0,
        40,
        (_i, x: NDArray) =>
          x.sub(
            x
              .mul(d)
              .add(x.mul(x).mul(x).mul(0.1))
              .sub(theta)
              .div(d.add(x.mul(x).mul(0.3))),
          ),
        x,
      ),
    );
    const theta = np.cos(np.arange(n).astype(dtype));
    const f = (theta: NDArray): NDArray => root(np.zeros([n], { dtype }), theta);
    const x = f(theta);
    return { f, theta, wanted: np.array(1, { dtype }).div(d.add(x.mul(x).mul(0.3))) };
  };
  const tags = { symmetric: { symmetric: true }, definite: { positiveDefinite: true }, general: {} };
  for (const [name, options] of Object.entries(tags)) {
    const small = run(5, options);
    const program = text(jacrev(small.f), small.theta);
    t.equal(count(program, 'lu'), name === 'definite' ? 0 : 1, `${name}, small: LU`);
    t.equal(count(program, 'cholesky'), name === 'definite' ? 1 : 0, `${name}, small: Cholesky`);
    near(t, np.diag(jit(jacrev(small.f))(small.theta)), small.wanted.tolist(), `${name}, small`, 1e-12);
    for (const dtype of ['float64', 'float32'] as const) {
      const large = run(200, options, dtype);
      const ones = np.ones([200], { dtype });
      const tolerance = dtype === 'float64' ? 1e-10 : 1e-5;
      near(t, jvp(large.f, [large.theta], [ones])[1], large.wanted.tolist(), `${name}, large, ${dtype}`, tolerance);
      near(
        t,
        jit(grad((x: NDArray) => np.sum(large.f(x))))(large.theta),
        large.wanted.tolist(),
        `${name}, large, reverse`,
        tolerance,
      );
      t.equal(
        count(
          text(
            grad((x: NDArray) => np.sum(large.f(x))),
            large.theta,
          ),
          'lu',
        ),
        0,
        'no matrix',
      );
    }
  }
  // Without symmetry: a rotation by a quarter turn, where GMRES in 20 steps makes no progress.
  const n = 150;
  const shift = (x: NDArray): NDArray => np.roll(x, 1);
  const cyclic = customRoot((x: NDArray, theta: NDArray) => shift(x).sub(theta))((_x: NDArray, theta: NDArray) =>
    np.roll(theta, -1),
  );
  const f = (theta: NDArray): NDArray => cyclic(np.zeros([n], { dtype: 'float64' }), theta);
  const first = np.zeros([n], { dtype: 'float64' }).at(0).set(1);
  near(
    t,
    jvp(f, [first], [first])[1],
    np.roll(first, -1).tolist(),
    'where GMRES stalls, the normal equations take over',
    1e-10,
  );
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
