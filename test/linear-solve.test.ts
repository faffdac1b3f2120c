/** Linear systems given by an operator. */
import {
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  linalg,
  linearSolve,
  linearTranspose,
  type NDArray,
  np,
  random,
  vmap,
} from 'cotangent';
import t from 'tap';

type Assertions = Pick<typeof t, 'equal' | 'ok'>;

const n = 6;
const f64 = (x: unknown): NDArray => np.array(x as number, { dtype: 'float64' });
const eye = np.eye(n).astype('float64');
const B = random.normal(random.key(0), [n, n], { dtype: 'float64' });
const general = B.add(eye.mul(5));
const positive = np.matmul(B, B.T).add(eye.mul(n));
const b = random.normal(random.key(1), [n], { dtype: 'float64' });

function near(t: Assertions, actual: NDArray, wanted: NDArray, tolerance: number, name: string): void {
  t.equal(String(actual.shape), String(wanted.shape), `${name}: shape`);
  const error = np.max(np.abs(actual.sub(wanted))).item();
  t.ok(error <= tolerance * np.max(np.abs(wanted)).item(), `${name}: error ${error}`);
}

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

t.test('one linear solve per derivative, shared by all columns', (t) => {
  const program = jit(jacrev((b: NDArray) => solveLu((x: NDArray) => np.matmul(general, x), b))).lower(b);
  t.equal(String(program.jaxpr).match(/ lu /g)?.length, 1, 'factorised once');
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
