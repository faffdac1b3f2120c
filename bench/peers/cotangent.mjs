import {
  customRoot,
  grad,
  jit,
  lax,
  linearSolve,
  nn,
  np,
  solvers,
  tree,
  valueAndGrad,
  vmap,
} from '../../dist/bundle/node/index.js';
import { cases } from './eager-cotangent.mjs';
import { arraysOf, numbers, products } from './inputs.mjs';
import { solverCases } from './solver-cases.mjs';
import { measure } from './timing.mjs';

const array = arraysOf(np);
/**
 * A jitted function of these arguments, its result read: elsewhere nothing is computed before that. And freed, as the
 * others' results are by their reference counts.
 */
function call(f, ...args) {
  const g = jit(f);
  const run = () => {
    const result = g(...args);
    const values = result.data();
    result.dispose();
    return values;
  };
  return { run, result: run, compute: () => g(...args).dispose() };
}

function ridge(rows, columns) {
  const [X, y] = [array([rows, columns], 0), array([rows], 1)];
  const loss = (w) => {
    const r = np.matmul(X, w).sub(y);
    return np
      .mean(r.mul(r))
      .add(np.sum(w.mul(w)).mul(0.1))
      .mul(0.5);
  };
  return call((w) => lax.foriLoop(0, 500, (_, w) => w.sub(grad(loss)(w).mul(0.5)), w), np.zeros([columns]));
}

function hypergradient() {
  const [X, y, V, z] = [array([100, 10], 0), array([100], 1), array([50, 10], 2), array([50], 3)];
  const fun = (w, l2reg) => {
    const r = np.matmul(X, w).sub(y);
    return np
      .mean(r.mul(r))
      .add(np.sum(w.mul(w)).mul(l2reg))
      .mul(0.5);
  };
  const solver = new solvers.GradientDescent({
    fun,
    maxiter: 500,
    tol: -1,
    stepsize: 0.5,
    acceleration: false,
    implicitDiffSolve: linearSolve.solveCg,
  });
  const outer = (l2reg) => {
    const r = np.matmul(V, solver.run(np.zeros([10]), l2reg).params).sub(z);
    return np.mean(r.mul(r));
  };
  return call(grad(outer), np.array(0.1));
}

function mlp() {
  const layer = (m, n, seed) => ({ w: array([m, n], seed, 0.1), b: np.zeros([n]) });
  const params = [layer(784, 256, 1), layer(256, 128, 2), layer(128, 10, 3)];
  const [x, y] = [array([128, 784], 4), nn.oneHot(np.arange(128).mod(10), 10)];
  const loss = (params) => {
    let h = x;
    params.forEach(({ w, b }, i) => {
      h = np.matmul(h, w).add(b);
      if (i < 2) h = nn.relu(h);
    });
    return np.mean(np.sum(nn.logSoftmax(h).mul(y), { axis: -1 })).neg();
  };
  const step = jit((params) => {
    const [value, gradient] = valueAndGrad(loss)(params);
    return [tree.map((p, g) => p.sub(g.mul(0.01)), params, gradient), value];
  });
  let current = params;
  return {
    run: () => {
      let value;
      [current, value] = step(current);
      return value.data();
    },
    result: () => step(step(params)[0])[1].data(),
  };
}

const matmul = (n) => () => call((a, b) => np.matmul(a, b), array([n, n], 0), array([n, n], 1));
const million = array([1000, 1000], 0, 6);
const square = array([1024, 1024], 0, 6);

await measure('cotangent', {
  'ridge 100×10': () => ridge(100, 10),
  'ridge 1000×100': () => ridge(1000, 100),
  hypergradient,
  'mlp step': mlp,
  ...products(matmul),
  'x·tanh(2x+1), 10⁶': () => call((x) => x.mul(np.tanh(x.mul(2).add(1))), million),
  'softmax 1024²': () => call((x) => nn.softmax(x, { axis: -1 }), square),
  'layer norm 1024²': () =>
    call((x) => {
      const centred = x.sub(np.mean(x, { axis: -1, keepdims: true }));
      const variance = np.mean(centred.mul(centred), { axis: -1, keepdims: true });
      return centred.div(np.sqrt(variance.add(1e-5)));
    }, square),
  'logsumexp, 10⁶': () => call((x) => nn.logsumexp(x), million),
  'mean of all, 10⁶': () => call((x) => np.mean(x), million),
  'mean over axis 0, 10⁶': () => call((x) => np.mean(x, { axis: 0 }), million),
  'mean over axis 1, 10⁶': () => call((x) => np.mean(x, { axis: 1 }), million),
  'variance over axis 0, 10⁶': () => call((x) => np.var(x, { axis: 0 }), million),
  'call on 8 elements, read': () => {
    const f = jit((x) => x.mul(2).add(1));
    const x = array([8], 0);
    return { run: () => f(x).data(), result: () => f(x).data() };
  },
  'Newton root, 10⁵ lanes': () => {
    const f = (x, t) => x.mul(x).mul(x).add(t.mul(x)).sub(1);
    const solve = customRoot(f)((x, t) => lax.foriLoop(0, 8, (_, x) => x.sub(f(x, t).div(x.mul(x).mul(3).add(t))), x));
    return call(
      vmap((t) => solve(0.7, t)),
      np.array(numbers(1e5, 0)).add(1.5),
    );
  },
  ...solverCases(call),
  ...cases,
});
