/** Whole programs as one writes them in JAX, and what they compute there: test/oracle/programs.py. */
import {
  grad,
  hessian,
  jacobian,
  jit,
  lax,
  linalg,
  losses,
  type NDArray,
  np,
  prox,
  random,
  solvers,
  stats,
  tree,
  valueAndGrad,
  vmap,
} from 'cotangent';
import t, { type Test } from 'tap';
import { fixture } from './lib/fixture.ts';

const expected = fixture('programs');
const dtype = 'float64';

function near(t: Test, actual: NDArray, wanted: number | number[], name: string, tolerance = 1e-8): void {
  const values = [wanted].flat();
  t.ok(
    actual.size === values.length &&
      Array.from(actual.data()).every(
        (x, i) => Math.abs(x - values[i]!) <= tolerance * Math.max(1, Math.abs(values[i]!)),
      ),
    `${name}: ${actual} is near ${values}`,
  );
}

t.test('a Gaussian process, its hyperparameters by their likelihood', async (t) => {
  interface Params {
    amplitude: NDArray;
    length: NDArray;
    noise: NDArray;
  }
  const [kx, kn] = random.split(random.key(1));
  const X = random.uniform(kx, [40, 1], { minval: -3, maxval: 3, dtype });
  const y = np.sin(X.slice([], 0)).add(random.normal(kn, [40], { dtype }).mul(0.1));
  const kernel = (p: Params, a: NDArray, b: NDArray): NDArray => {
    const distance = np.sum(np.square(a.sub(b)));
    return np.exp(p.amplitude.mul(2).sub(distance.div(np.exp(p.length.mul(2))).mul(0.5)));
  };
  const covariance = (p: Params, a: NDArray, b: NDArray): NDArray =>
    vmap((u: NDArray) => vmap((v: NDArray) => kernel(p, u, v))(b))(a);
  const negativeLikelihood = (p: Params): NDArray => {
    const noise = np.exp(p.noise.mul(2)).add(1e-8);
    const L = linalg.cholesky(covariance(p, X, X).add(np.eye(40, { dtype }).mul(noise)));
    const fit = np.dot(y, linalg.choSolve(L, y)).mul(0.5);
    return fit.add(np.sum(np.log(np.diag(L)))).add(20 * Math.log(2 * Math.PI));
  };
  const start: Params = {
    amplitude: np.array(0, { dtype }),
    length: np.array(0, { dtype }),
    noise: np.array(-1, { dtype }),
  };
  const [value, gradient] = valueAndGrad(negativeLikelihood)(start);
  const { gp } = expected;
  near(t, value, gp.value, 'likelihood');
  const { params, state } = new solvers.LBFGS({ fun: negativeLikelihood, maxiter: 100, tol: 1e-6 }).run(start);
  for (const name of ['amplitude', 'length', 'noise'] as const) {
    near(t, gradient[name], gp.gradient[name], `its derivative by ${name}`);
    near(t, params[name], gp.params[name], name, 1e-5);
  }
  t.equal(state.iterNum.item(), gp.iterations);
});

t.test('a Kalman filter, differentiated twice', async (t) => {
  const A = np.array(
    [
      [1, 1],
      [0, 1],
    ],
    { dtype },
  );
  const H = np.array([[1, 0]], { dtype });
  const ys = np.cumsum(random.normal(random.key(3), [50, 1], { dtype }), { axis: 0 });
  const likelihood = (theta: NDArray): NDArray => {
    const [q, r] = [np.exp(theta.slice(0)), np.exp(theta.slice(1))];
    const step = ([m, P]: [NDArray, NDArray], y: NDArray) => {
      const [mean, cov] = [A.matmul(m), A.matmul(P).matmul(A.T).add(np.eye(2, { dtype }).mul(q))];
      const S = H.matmul(cov).matmul(H.T).add(r);
      const K = linalg.solve(S, H.matmul(cov)).T;
      const residual = y.sub(H.matmul(mean));
      const logp = stats.multivariateNormal.logpdf(residual, np.zeros([1]), S);
      return [[mean.add(K.matmul(residual)), cov.sub(K.matmul(H).matmul(cov))], logp] as const;
    };
    return lax.scan(step, [np.zeros([2], { dtype }), np.eye(2, { dtype })], ys)[1].sum();
  };
  const theta = np.zeros([2], { dtype });
  const { kalman } = expected;
  near(t, jit(likelihood)(theta), kalman.value, 'likelihood');
  near(t, jit(grad(likelihood))(theta), kalman.gradient, 'gradient');
  near(t, jit(hessian(likelihood))(theta), kalman.hessian, 'Hessian');
});

t.test('Hamiltonian Monte Carlo in one scan', async (t) => {
  const mean = np.array([1, -1], { dtype });
  const precision = np.array(
    [
      [2, 0.5],
      [0.5, 1],
    ],
    { dtype },
  );
  const logp = (x: NDArray): NDArray => x.sub(mean).dot(precision).dot(x.sub(mean)).mul(-0.5);
  const energy = (q: NDArray, p: NDArray): NDArray => p.dot(p).mul(0.5).sub(logp(q));
  const sample = (q: NDArray, key: NDArray) => {
    const [k1, k2] = random.split(key);
    const p = random.normal(k1, q.shape, { dtype });
    const leap = (_i: NDArray, [q, p]: [NDArray, NDArray]) => {
      const half = p.add(grad(logp)(q).mul(0.15));
      const moved = q.add(half.mul(0.3));
      return [moved, half.add(grad(logp)(moved).mul(0.15))] as const;
    };
    const [q1, p1] = lax.foriLoop(0, 10, leap, [q, p]);
    const accept = np.log(random.uniform(k2, { dtype })).lt(energy(q, p).sub(energy(q1, p1)));
    const next = np.where(accept, q1, q);
    return [next, { next, accept }] as const;
  };
  const run = jit((key: NDArray) => lax.scan(sample, np.zeros([2], { dtype }), random.split(key, 500)));
  const [, { next, accept }] = run(random.key(0));
  const { hmc } = expected;
  near(t, np.mean(next, { axis: 0 }), hmc.mean, 'mean');
  near(t, next.slice(-1), hmc.last, 'last sample');
  near(t, np.mean(accept), hmc.accepted, 'accepted', 1e-6);
});

t.test('a path of sparse solutions', async (t) => {
  const [kx, kw] = random.split(random.key(0));
  const X = random.normal(kx, [100, 10], { dtype });
  const truth = np.where(np.arange(10).lt(3), random.normal(kw, [10], { dtype }).mul(2), 0);
  const labels = X.matmul(truth).gt(0).astype(dtype);
  const logistic = (w: NDArray, X: NDArray, labels: NDArray): NDArray =>
    np.mean(losses.sigmoidBinaryCrossEntropy(X.matmul(w), labels));
  const solver = new solvers.ProximalGradient({ fun: logistic, prox: prox.lasso, maxiter: 2000, tol: 1e-9 });
  const solution = (strength: NDArray) => solver.run(np.zeros([10], { dtype }), strength, X, labels).params;
  const strength = np.array(0.05, { dtype });
  near(t, solution(strength), expected.lasso.params, 'solution', 1e-7);
  near(t, jacobian(solution)(strength), expected.lasso.slope, 'its derivative by the strength', 1e-5);
});

t.test('a gradient through steps of gradient descent, over tasks', async (t) => {
  interface Layer {
    w: NDArray;
    b: NDArray;
  }
  const sizes = [1, 8, 8, 1] as const;
  const layers = [...random.split(random.key(0), 3)].map((key, i): Layer => {
    const [m, n] = [sizes[i]!, sizes[i + 1]!];
    return { w: random.normal(key, [m, n], { dtype }).mul(m ** -0.5), b: np.zeros([n], { dtype }) };
  });
  const net = (p: Layer[], x: NDArray): NDArray =>
    p.reduce((h, { w, b }, i) => {
      const z = h.matmul(w).add(b);
      return i < 2 ? np.tanh(z) : z;
    }, x);
  const mse = (p: Layer[], x: NDArray, y: NDArray): NDArray => np.mean(losses.squaredError(net(p, x), y));
  const adapted = (p: Layer[], x: NDArray, y: NDArray): Layer[] =>
    tree.map((a, g) => a.sub(g.mul(0.1)), p, grad(mse)(p, x, y));
  const after = (p: Layer[], x: NDArray, y: NDArray): NDArray =>
    mse(adapted(p, x.slice([0, 5]), y.slice([0, 5])), x.slice([5]), y.slice([5]));
  const maml = (p: Layer[], x: NDArray, y: NDArray): NDArray => np.mean(vmap(after, { inAxes: [null, 0, 0] })(p, x, y));
  const x = random.uniform(random.key(1), [4, 10, 1], { minval: -2, maxval: 2, dtype });
  const y = np.sin(x.mul(np.arange(1, 5).reshape(4, 1, 1)));
  const [value, gradient] = jit(valueAndGrad(maml))(layers, x, y);
  near(t, value, expected.maml.value, 'loss');
  near(t, gradient[1]!.w.ravel(), expected.maml.gradient, 'gradient');
});
