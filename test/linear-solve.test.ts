/** Linear systems given by an operator. */
import {
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  jvp,
  lax,
  linalg,
  linearSolve,
  linearTranspose,
  makeJaxpr,
  type NDArray,
  np,
  random,
  vmap,
} from 'cotangent';
import t from 'tap';
import { f64, near } from './lib/near.ts';

const n = 6;
const eye = np.eye(n).astype('float64');
const B = random.normal(random.key(0), [n, n], { dtype: 'float64' });
const general = B.add(eye.mul(5));
const positive = np.matmul(B, B.T).add(eye.mul(n));
const b = random.normal(random.key(1), [n], { dtype: 'float64' });

const tight = { tol: 1e-14, maxiter: 500 };
const { solveCg, solveNormalCg, solveGmres, solveBicgstab, solveLu, solveCholesky, solveInv } = linearSolve;
const symmetric = { solveCg, solveCholesky };
const any = { solveNormalCg, solveGmres, solveBicgstab, solveLu, solveInv };

for (const [name, solve] of Object.entries({ ...symmetric, ...any })) {
  t.test(name, (t) => {
    const A = name in symmetric ? positive : general;
    const by = (A: NDArray, b: NDArray, options: object = tight): NDArray =>
      solve((x: NDArray) => np.matmul(A, x), b, options);
    // With a symmetric method only symmetric directions make sense: A is parametrised by a scale.
    const exact = (s: NDArray, b: NDArray): NDArray => linalg.solve(A.mul(s).add(eye), b);
    const scaled = (s: NDArray, b: NDArray): NDArray => by(A.mul(s).add(eye), b);
    const s = f64(1.3);
    near(t, by(A, b), linalg.solve(A, b), 1e-10, 'value');
    near(t, jit((b: NDArray) => by(A, b))(b), linalg.solve(A, b), 1e-10, 'jit');
    near(t, by(A, b, { ...tight, ridge: 0.5 }), linalg.solve(A.add(eye.mul(0.5)), b), 1e-10, 'ridge');
    near(t, by(A, b, { ...tight, init: linalg.solve(A, b) }), linalg.solve(A, b), 1e-10, 'init');
    near(t, by(A, b.mul(0)), b.mul(0), 1e-10, 'zero right-hand side');
    near(t, by(A, b.mul(1e-150)).mul(1e150), linalg.solve(A, b), 1e-10, 'tiny right-hand side');
    near(t, jacrev(by, { argnums: 1 })(A, b), linalg.inv(A), 1e-9, 'jacrev in b');
    near(t, jacfwd(by, { argnums: 1 })(A, b), linalg.inv(A), 1e-9, 'jacfwd in b');
    near(t, jacfwd(scaled)(s, b), jacfwd(exact)(s, b), 1e-9, 'jacfwd in a captured value');
    near(t, jit(jacrev(scaled))(s, b), jacfwd(exact)(s, b), 1e-9, 'jacrev in a captured value');
    const norm =
      (f: typeof scaled) =>
      (s: NDArray): NDArray =>
        np.sum(np.square(f(s, b)));
    near(t, hessian(norm(scaled))(s), hessian(norm(exact))(s), 1e-8, 'hessian');
    near(t, grad(grad(grad(norm(scaled))))(s), grad(grad(grad(norm(exact))))(s), 1e-7, 'third derivative');
    const bs = np.stack([b, b.mul(2), b.add(1)]);
    near(t, vmap((b: NDArray) => by(A, b))(bs), vmap((b: NDArray) => linalg.solve(A, b))(bs), 1e-9, 'vmap over b');
    const ss = f64([0.5, 1, 2]);
    near(t, vmap((s: NDArray) => scaled(s, b))(ss), vmap((s: NDArray) => exact(s, b))(ss), 1e-9, 'vmap over A');
    near(t, jit(vmap(jacrev(scaled)))(ss, bs), vmap(jacfwd(exact))(ss, bs), 1e-8, 'vmap of jacrev over both');
    const float = by(A.astype('float32'), b.astype('float32'), { tol: 1e-6, maxiter: 100 });
    t.equal(float.dtype, 'float32');
    near(t, float.astype('float64'), linalg.solve(A, b), 1e-4, 'float32');
    t.end();
  });
}

t.test('trees of unknowns', (t) => {
  const matvec = ({ u, v }: { u: NDArray; v: NDArray[] }) => ({
    u: u.mul(3).add(v[0]!.sum()),
    v: [v[0]!.mul(4).add(u.sum())],
  });
  const right = { u: f64([1, 2]), v: [f64([3, 4, 5])] };
  for (const [name, solve] of Object.entries({ ...symmetric, ...any })) {
    const x = solve(matvec, right, tight) as typeof right;
    const back = matvec(x);
    near(t, back.u, right.u, 1e-8, `${name}: u`);
    near(t, back.v[0]!, right.v[0]!, 1e-8, `${name}: v`);
  }
  t.end();
});

/** How often a primitive stands in the text of a program. */
const count = (program: unknown, primitive: string): number =>
  String(program).match(new RegExp(` = ${primitive}\\b`, 'g'))?.length ?? 0;

t.test('one factorisation serves all right-hand sides, derivatives and transposed systems', (t) => {
  const by = (solve: linearSolve.LinearSolve) => (A: NDArray, b: NDArray) =>
    solve((x: NDArray) => np.matmul(A, x), b) as NDArray;
  const lu = by(solveLu);
  const b2 = np.stack([b, b]);
  const size = (A: NDArray, b: NDArray): NDArray => np.sum(np.square(lu(A, b)));
  const programs: [name: string, f: (...args: NDArray[]) => NDArray, b: NDArray, substitutions: number][] = [
    ['jacrev in b', jacrev(lu, { argnums: 1 }) as never, b, 4],
    ['jacfwd in b', jacfwd(lu, { argnums: 1 }) as never, b, 4],
    ['jacrev in A', jacrev(lu) as never, b, 4],
    ['jacfwd in A', jacfwd(lu) as never, b, 4],
    ['grad in A', grad(size) as never, b, 4],
    ['hessian in b', hessian(size, { argnums: 1 }) as never, b, 6],
    ['vmap over b', vmap(lu, { inAxes: [null, 0] }) as never, b2, 2],
    ['vmap over b of grad', vmap(grad(size, { argnums: 1 }), { inAxes: [null, 0] }) as never, b2, 4],
  ];
  for (const [name, f, b, substitutions] of programs) {
    t.equal(count(makeJaxpr(f)(general, b), 'lu'), 1, `${name}: one lu`);
    t.ok(count(jit(f).lower(general, b).jaxpr, 'triangular_solve') <= substitutions, `${name}: substitutions`);
  }
  t.equal(count(makeJaxpr(jacrev(by(solveCholesky), { argnums: 1 }))(positive, b), 'cholesky'), 1, 'one Cholesky');
  // No lane: the factorisation of the program is that of one matrix.
  const text = String(makeJaxpr(jacrev(lu, { argnums: 1 }))(general, b));
  t.match(text, /:f64\[6,6\] \w+:i32\[6\] \w+:i32\[6\] = lu/, 'of one matrix, not of one per column');
  t.end();
});

t.test('how a solve went', (t) => {
  const by = (solve: linearSolve.LinearSolve, A: NDArray, b: NDArray, options = {}) =>
    solve((x: NDArray) => np.matmul(A, x), b, { ...options, info: true });
  for (const [name, solve] of Object.entries({ ...symmetric, ...any })) {
    const [x, info] = by(solve, positive, b, { tol: 1e-10 });
    near(t, x, linalg.solve(positive, b), 1e-6, `${name}: solution`);
    t.equal(linearSolve.statusName(info.status), 'converged: the error is at most tol', name);
    t.ok(info.residual.item() < 1e-9, `${name}: residual ${info.residual.item()}`);
    t.ok(info.iterations.item() >= 1 && info.iterations.dtype === 'int32', `${name}: iterations`);
  }
  const status = (solve: linearSolve.LinearSolve, A: NDArray, b: NDArray, options = {}): string =>
    linearSolve.statusName(by(solve, A, b, options)[1].status).split(':')[0]!;
  const singular = f64([
    [1, 2],
    [2, 4],
  ]);
  const two = f64([1, 1]);
  t.equal(status(solveLu, singular, two), 'singular');
  t.equal(status(solveInv, singular, two), 'singular');
  t.equal(status(solveCholesky, np.eye(2).astype('float64').mul(-1), two), 'indefinite');
  t.equal(status(solveCholesky, singular.mul(Number.NaN), two), 'nonfinite');
  t.equal(status(solveLu, singular.mul(Number.NaN), two), 'nonfinite');
  t.equal(status(solveLu, np.eye(2).astype('float64'), two.mul(Number.POSITIVE_INFINITY)), 'nonfinite');
  t.equal(status(solveCg, positive, b, { maxiter: 1 }), 'maxiter');
  t.equal(status(solveNormalCg, general, b, { maxiter: 1 }), 'maxiter');
  t.equal(status(solveCg, positive, b.mul(Number.NaN)), 'nonfinite');
  t.equal(status(solveGmres, singular, two), 'stalled');
  t.equal(status(solveBicgstab, np.zeros([2, 2], { dtype: 'float64' }), two), 'nonfinite');
  const [, lanes] = jit(vmap((s: NDArray) => by(solveCg, positive.mul(s), b, { maxiter: 30, tol: 1e-10 })))(
    f64([1, 2, Number.NaN]),
  );
  t.strictSame(lanes.status.tolist(), [0, 0, 2], 'per lane');
  // How it went has no derivative.
  const residual = (s: NDArray): NDArray => by(solveCg, positive.mul(s), b, { maxiter: 2 })[1].residual;
  t.equal(grad(residual)(f64(2)).item(), 0);
  t.end();
});

t.test('throw', (t) => {
  const singular = f64([
    [1, 2],
    [2, 4],
  ]);
  const two = f64([1, 1]);
  const solve = (A: NDArray, b: NDArray): NDArray => solveLu((x: NDArray) => np.matmul(A, x), b, { throw: true });
  const wanted = {
    name: 'SolveError',
    message:
      /^solveLu: not solved: the matrix is singular to working precision \(status `singular`\)\.\n {2}at .*linear-solve\.test/,
  };
  near(t, solve(general, b), linalg.solve(general, b), 1e-12, 'no error where it is solved');
  t.throws(() => solve(singular, two), wanted);
  t.throws(() => jit(solve)(singular, two), wanted, 'inside jit');
  t.throws(
    () => vmap(solve, { inAxes: [0, null] })(np.stack([singular.add(np.eye(2)), singular]), two),
    wanted,
    'in a lane',
  );
  t.doesNotThrow(() => vmap(solve, { inAxes: [null, 0] })(singular.add(np.eye(2)), np.stack([two, two])));
  const cg = (b: NDArray): NDArray =>
    solveCg((x: NDArray) => np.matmul(positive, x), b, { throw: true, maxiter: 2, tol: 1e-10 });
  t.throws(() => jit((b: NDArray) => lax.foriLoop(0, 3, (_i, x: NDArray) => cg(x), b))(b), {
    message: /^solveCg: not solved: stopped after the largest number of iterations \(status `maxiter`\)\./,
  });
  // b = 0 is solved at once; its derivative is another system.
  const zero = b.mul(0);
  near(t, cg(zero), zero, 1, 'zero');
  const derivative = /^solveCg: not solved: stopped after the largest number of iterations/;
  t.throws(() => jvp(cg, [zero], [b]), { message: derivative }, 'jvp');
  t.throws(() => jit(grad((x: NDArray) => np.sum(cg(x))))(zero), { message: derivative }, 'grad');
  t.end();
});

t.test('errors', (t) => {
  t.throws(() => solveCg((x: NDArray) => [x, x], b), {
    message: /^solveCg: the operator returns a value of structure \[\*, \*\], but b has structure \*\./,
  });
  t.throws(() => solveLu((x: NDArray) => x.slice(0), b), { name: /Error/ });
  t.throws(() => solveCg((x) => x, []), { message: /^solveCg: b holds no array\./ });
  t.end();
});

t.test('linearTranspose', (t) => {
  const A = random.normal(random.key(3), [2, 3], { dtype: 'float64' });
  const y = f64([1, -2]);
  const [x] = linearTranspose((x: NDArray) => np.matmul(A, x), np.zeros([3], { dtype: 'float64' }))(y);
  near(t, x, np.matmul(A.T, y), 1e-14, 'matrix');
  const f = ({ a, b }: { a: NDArray; b: NDArray }): NDArray[] => [a.mul(2).sub(b), b.sum()];
  const [back] = linearTranspose(f, { a: y, b: y })([y, f64(1)]);
  near(t, back.a, y.mul(2), 1e-14, 'tree: a');
  near(t, back.b, f64(1).sub(y), 1e-14, 'tree: b');
  const twice = (x: NDArray): NDArray =>
    linearTranspose((y: NDArray) => linearTranspose((x: NDArray) => np.matmul(A, x), x)(y)[0], y)(x)[0];
  near(t, twice(f64([1, 2, 3])), np.matmul(A, f64([1, 2, 3])), 1e-14, 'transposed twice');
  near(
    t,
    jit(
      vmap((y: NDArray) => linearTranspose((x: NDArray) => np.matmul(A, x), np.zeros([3], { dtype: 'float64' }))(y)[0]),
    )(np.stack([y, y])).slice(1),
    np.matmul(A.T, y),
    1e-14,
    'jit of vmap',
  );
  t.throws(() => linearTranspose((x: NDArray) => x.mul(x), y)(y), {
    name: 'RuleError',
    message: /^mul: a function that is not linear has no transpose\./,
  });
  t.throws(() => linearTranspose((x: NDArray) => x, np.array([1], { dtype: 'int32' })), {
    message: /^linearTranspose: primals\[0\] is i32\[1\], but only floating arguments have cotangents\./,
  });
  t.end();
});

t.test('BiCGSTAB begins anew where its residual is orthogonal to the first one', (t) => {
  const A = f64([
    [1.5, 1.5, 1.5],
    [0, 1.5, 1.5],
    [1.5, 0, 1.5],
  ]);
  const solve = (b: NDArray): NDArray => solveBicgstab((x) => np.matmul(A, x), b, { tol: 1e-10 });
  for (const [how, f] of Object.entries({ eager: solve, compiled: jit(solve) }))
    for (const b of [f64([0, 1, 0]), f64([0, -3, 0]), f64([1, 1, 1])]) {
      const worst = np.max(np.abs(np.matmul(A, f(b)).sub(b))).item();
      t.ok(worst < 1e-8, `${how}, ${b}: ${worst}`);
    }
  const lanes = vmap(solve)(np.eye(3, { dtype: 'float64' }));
  t.ok(np.max(np.abs(np.matmul(lanes, A.T).sub(np.eye(3)))).item() < 1e-8, 'each lane for itself');
  const swap = f64([
    [0, 1],
    [1, 0],
  ]);
  t.same(solveBicgstab((x) => np.matmul(swap, x), f64([1, 0])).tolist(), [0, 1], 'a residual orthogonal to its image');
  const found = random.normal(random.key(5), [300, 6, 6], { dtype: 'float64' });
  const right = random.normal(random.key(6), [300, 6], { dtype: 'float64' });
  const solveAll = vmap((A: NDArray, b: NDArray) =>
    solveBicgstab((x) => np.matmul(A, x), b, { tol: 1e-9, maxiter: 300, info: true }),
  );
  const [, { status }] = solveAll(found, right);
  const converged = np.sum(np.equal(status, 0)).item();
  t.ok(converged >= 290, `of 300 random matrices ${converged} are solved`);
  t.end();
});
