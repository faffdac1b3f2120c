/** High derivatives against analytic values, in every mixture of modes. */
import t from 'tap';
import { interpret } from '../jit/interpret.ts';
import { currentSource, withSource } from '../src/core/source.ts';
import {
  customRoot,
  grad,
  jacfwd,
  jacobian,
  jacrev,
  jit,
  jvp,
  lax,
  linalg,
  linearSolve,
  makeJaxpr,
  type NDArray,
  np,
  solvers,
  vmap,
} from '../src/index.ts';
import { f64 } from './lib/near.ts';

type Scalar = (x: NDArray) => NDArray;

/** Derivative of order n, by one mode after the other, the first innermost. */
const order = (n: number, modes: readonly ((f: Scalar) => unknown)[], f: Scalar): Scalar => {
  let g = f;
  for (let i = 0; i < n; i++) g = modes[i % modes.length]!(g) as Scalar;
  return g;
};

const mixtures: [string, ((f: Scalar) => unknown)[]][] = [
  ['reverse', [grad]],
  ['forward', [jacfwd]],
  ['alternating', [grad, jacfwd]],
  ['the other way round, with jit between', [jacfwd, (f) => jit(jacrev(f) as Scalar)]],
];

/** By the reference semantics: traced as a whole, nothing compiled. */
function value(f: Scalar, x: number): number {
  const { jaxpr, consts } = withSource(currentSource(), () => makeJaxpr(f)(f64(x)));
  const inputs = [...consts, f64(x)].map((v) => ({ aval: v.aval, data: v.hostData() }));
  return interpret(jaxpr, inputs)[0]![0]!;
}

function check(
  name: string,
  f: Scalar,
  n: number,
  x: number,
  wanted: number,
  tolerance: number,
  { compile = false, only = mixtures.length }: { compile?: boolean; only?: number } = {},
): void {
  for (const [mode, modes] of mixtures.slice(0, only)) {
    const got = value(order(n, modes, f), x);
    const error = Math.abs(got - wanted) / Math.max(1, Math.abs(wanted));
    t.ok(error <= tolerance, `${name}, order ${n}, ${mode}: ${got}, wanted ${wanted}`);
  }
  if (!compile) return;
  const lanes = jit(vmap(order(n, mixtures[0]![1], f)))(f64([x, x])).tolist() as number[];
  t.ok(
    lanes.every((v) => Math.abs(v - wanted) <= tolerance * Math.max(1, Math.abs(wanted))),
    `${name}: vmap, compiled`,
  );
}

/** Derivatives of a function with f′ = p(f), p a polynomial: coefficients of the n-th as one in f. */
function polynomial(p: readonly number[], n: number): number[] {
  let d = [0, 1];
  for (let k = 0; k < n; k++) {
    const next: number[] = [];
    d.slice(1).forEach((c, i) => {
      p.forEach((q, j) => {
        next[i + j] = (next[i + j] ?? 0) + c * (i + 1) * q;
      });
    });
    d = Array.from(next, (v) => v ?? 0);
  }
  return d;
}
const at = (coefficients: readonly number[], y: number): number =>
  coefficients.reduce((sum, c, i) => sum + c * y ** i, 0);

t.test('order 5 of scalar functions', (t) => {
  const x = 0.7;
  const cases: [string, Scalar, number][] = [
    ['sin', np.sin as Scalar, Math.cos(x)],
    ['exp 2x', (v) => np.exp(v.mul(2)), 32 * Math.exp(2 * x)],
    ['log', np.log as Scalar, 24 / x ** 5],
    ['sqrt', np.sqrt as Scalar, (105 / 32) * x ** -4.5],
    ['x^7', (v) => lax.integerPow(v, 7), 2520 * x * x],
    ['x^2.5', (v) => np.power(v, 2.5), 1.40625 * x ** -2.5],
    ['1 / x', (v) => np.reciprocal(v), -120 / x ** 6],
    ['tanh', np.tanh as Scalar, at(polynomial([1, 0, -1], 5), Math.tanh(x))],
    ['logistic', lax.logistic, at(polynomial([0, 1, -1], 5), 1 / (1 + Math.exp(-x)))],
    ['tan', np.tan as Scalar, at(polynomial([1, 0, 1], 5), Math.tan(x))],
    ['atan', (v) => np.arctan(v), (24 * (5 * x ** 4 - 10 * x * x + 1)) / (1 + x * x) ** 5],
    ['erf', lax.erf, (2 / Math.sqrt(Math.PI)) * (16 * x ** 4 - 48 * x * x + 12) * Math.exp(-x * x)],
    // Leibniz: (eˣ sin x)⁽⁵⁾ = 4√2·… = −4 eˣ (sin x + cos x).
    ['eˣ sin x', (v) => np.exp(v).mul(np.sin(v)), -4 * Math.exp(x) * (Math.sin(x) + Math.cos(x))],
  ];
  cases.forEach(([name, f, wanted], i) => {
    check(name, f, 5, x, wanted, 1e-11, { compile: i % 4 === 0 });
  });
  t.end();
});

t.test('powers whose exponent is 0', (t) => {
  const of = (f: Scalar, x: number): number => f(f64(x)).item();
  const self: Scalar = (v) => np.power(v.add(2), v);
  // (2 + v)^v at 0: the derivative is log 2, the second one (log 2)² + 1.
  t.ok(Math.abs(of(grad(self), 0) - Math.LN2) < 1e-15, 'order 1');
  t.ok(Math.abs(of(grad(grad(self)), 0) - (Math.LN2 ** 2 + 1)) < 1e-14, 'order 2: the exponent varies with the base');
  const base =
    (y: number): Scalar =>
    (x) =>
      np.power(x, f64(y));
  t.equal(of(grad(base(0)), 0), 0, 'd(x⁰)/dx at 0');
  t.equal(of(grad(grad(base(0))), 0), 0, 'again');
  t.equal(of(grad(base(0)), Number.POSITIVE_INFINITY), 0, 'at ∞');
  t.equal(of(grad(base(0)), 5e-324), 0, 'where 1/x overflows');
  t.end();
});

t.test('a function that captures the point at which it is differentiated', (t) => {
  const times = (v: NDArray): Scalar => grad((u: NDArray) => u.mul(v));
  const along = (v: NDArray, f: Scalar): NDArray => jvp(f, [v], [v])[1] as NDArray;
  for (const [name, wrap] of [
    ['eagerly', (f: Scalar) => f],
    ['jit', jit],
    ['vmap', (f: Scalar) => (x: NDArray) => vmap(f)(x.reshape([1])).slice(0)],
  ] as const) {
    const at = (f: Scalar): number => wrap(f as any)(f64(3)).item();
    t.equal(
      at((v) => times(v)(v)),
      3,
      `${name}: d(uv)/du`,
    );
    t.equal(
      at((v) => grad((u: NDArray) => v.mul(u))(v)),
      3,
      `${name}: d(vu)/du`,
    );
    t.equal(
      at((v) => grad((u: NDArray) => u.mul(u).mul(v))(v)),
      18,
      `${name}: a square among them`,
    );
    t.equal(
      at((v) => along(v, (u) => u.mul(v))),
      9,
      `${name}: the tangent is captured too`,
    );
    t.equal(at(grad((v: NDArray) => along(v, (u) => u.mul(v)))), 6, `${name}: d(v·v)/dv`);
  }
  t.end();
});

t.test('order 3 through roots, loops and linear solves', (t) => {
  const x = 0.7;
  const power: [string, Scalar][] = [
    ['foriLoop', (v) => lax.foriLoop(0, 4, (_i: NDArray, c: NDArray) => c.mul(v), v)],
    ['scan', (v) => (lax.scan((c: NDArray) => [c.mul(v), c] as const, v, null, { length: 4 }) as any)[0]],
    [
      'whileLoop, maxSteps',
      (v) =>
        (
          lax.whileLoop(
            ([i]: any) => i.lt(4),
            ([i, c]: any) => [i.add(1), c.mul(v)],
            [np.array(0, { dtype: 'int32' }), v],
            {
              maxSteps: 40,
            },
          ) as any
        )[1],
    ],
    [
      'cond',
      (v) =>
        lax.cond(
          v.gt(0),
          (u: NDArray) => lax.integerPow(u, 5),
          (u: NDArray) => u,
          v,
        ),
    ],
    [
      'associativeScan',
      (v) => lax.associativeScan((p: NDArray, q: NDArray) => p.mul(q), np.stack([v, v, v, v, v])).slice(4),
    ],
  ];
  for (const [name, f] of power) check(name, f, 3, x, 60 * x * x, 1e-12, { compile: true });

  // y³ + θ y = 1, differentiated again and again: y′ d = −y with d = 3y² + θ.
  const cubic = (y: NDArray, theta: NDArray): NDArray => y.mul(y).mul(y).add(theta.mul(y)).sub(1);
  const root = customRoot(cubic)(
    (_init: null, theta: NDArray): NDArray =>
      lax.foriLoop(0, 50, (_i: NDArray, y: NDArray) => y.sub(cubic(y, theta).div(y.mul(y).mul(3).add(theta))), f64(1)),
  );
  const y = root(null, f64(x)).item() as number;
  const d = 3 * y * y + x;
  const first = -y / d;
  const second = -(6 * y * first * first + 2 * first) / d;
  const third = -(6 * first ** 3 + 18 * y * first * second + 3 * second) / d;
  check('root', (v) => root(null, v) as NDArray, 3, x, third, 1e-11, { compile: true });

  // (A + θ I)⁻¹ b with eigenvectors (1, 1) and (1, −1) of A, eigenvalues 3 and 1: −6 Σ (vᵀb) v / (λ + θ)⁴.
  const inverse4 = (b: readonly [number, number]): number =>
    -6 * ((b[0] + b[1]) / 2 / (3 + x) ** 4 + (b[0] - b[1]) / 2 / (1 + x) ** 4);
  const b = f64([1, 3]);
  for (const name of ['solveLu', 'solveCholesky', 'solveCg', 'solveNormalCg', 'solveGmres', 'solveBicgstab'] as const) {
    const f: Scalar = (v) => {
      const matvec = (z: NDArray): NDArray => z.add(z.sum()).add(z.mul(v));
      return (linearSolve[name](matvec, b, { tol: 1e-14 }) as NDArray).slice(0);
    };
    check(name, f, 3, x, inverse4([1, 3]), 1e-10, { compile: name === 'solveLu', only: 1 });
  }

  const descent = new solvers.GradientDescent({
    fun: (w: NDArray, v: NDArray) => np.square(w.sub(np.sin(v))).add(w.mul(w).mul(0.5)),
    stepsize: 1 / 3,
    acceleration: false,
    tol: 1e-15,
    maxiter: 20,
  });
  check('a solver', (v) => descent.run(f64(0), v).params as NDArray, 3, x, (-2 / 3) * Math.cos(x), 1e-10, { only: 2 });
  t.end();
});

t.test('numbers among arguments that are not differentiated are arrays', (t) => {
  const f = (w: NDArray, scale: NDArray, hyper: { l2: NDArray }): NDArray =>
    w.mul(w).sum().mul(scale.add(1)).add(hyper.l2.mul(w.sum()));
  const w = np.array([1, 2]);
  for (const [name, got] of [
    ['grad', grad(f)(w, 3, { l2: 1 })],
    ['jacobian', jacobian(f)(w, 3, { l2: 1 })],
    ['jit', jit(grad(f))(w, 3, { l2: 1 })],
  ] as const)
    t.same(got.tolist(), [9, 17], name);
  const power = (x: NDArray, n: number, { how }: { how: string; k: number }): NDArray =>
    x.pow(n).mul(how === 'a' ? 1 : 2);
  t.equal(grad(power)(3, 2, { how: 'b', k: 1 }).item(), 12, 'settings are what they are');
  t.equal(grad((x: NDArray, negative: boolean) => (negative ? x.neg() : x))(3, false).item(), 1, 'so are booleans');
  t.end();
});

t.test('derivatives with respect to numbers are numbers: weak, and float32 where they stand alone', (t) => {
  const w = np.array([1, 2]);
  const root = customRoot((x: NDArray, a: NDArray) => x.mul(x).sub(a))((init: NDArray, a: NDArray) =>
    lax.foriLoop(0, 20, (_, x: NDArray) => x.add(a.div(x)).mul(0.5), init),
  );
  const descent = new solvers.LBFGS({ fun: (v: NDArray, l: NDArray) => np.sum(np.square(v.sub(l))).add(np.dot(v, v)) });
  const functions: Record<string, (x: NDArray) => NDArray> = {
    number: (x) => np.sin(x),
    'times an array': (x) => np.sum(w.mul(x)),
    product: (x) => np.sum(np.matmul(np.eye(2).mul(x), w)),
    stack: (x) => np.sum(np.stack([x, x])),
    converted: (x) => np.sum(x.astype('float32')),
    solve: (x) => np.sum(linalg.solve(np.eye(2).mul(x), w)),
    scan: (x) => lax.scan((c: NDArray) => [c.mul(x), null], np.array(1), null, { length: 3 })[0] as NDArray,
    root: (x) => root(1, x) as NDArray,
    solver: (x) => np.sum(descent.run(w, x).params as NDArray),
  };
  for (const [name, f] of Object.entries(functions))
    for (const [how, d] of [
      ['grad', grad(f)(2)],
      ['jit(grad)', jit(grad(f))(2)],
      ['jacfwd', jacfwd(f)(2)],
      ['grad(grad)', grad(grad(f))(2)],
    ] as const) {
      t.equal(d.dtype, 'float32', `${how} of ${name}`);
      t.equal(w.sub(d).dtype, 'float32', `${how} of ${name} beside a float32 array`);
      t.equal(w.astype('float64').sub(d).dtype, 'float64');
    }
  t.equal(String(grad(functions.root!)(2)), '0.35355338');
  const cosine = grad((x: NDArray) => np.sin(x.astype('float32')));
  const [, second] = jvp(cosine, [2], [1]) as [NDArray, NDArray];
  t.equal(w.sub(second).dtype, 'float32', 'a tangent of a derivative is as weak as that');
  t.equal(grad(functions['times an array']!)(np.array(2, { dtype: 'float64' })).dtype, 'float64');
  t.end();
});
