import { defaultDevice, grad, init, jit, nn, numpy as np, tree, valueAndGrad } from '@jax-js/jax';
import { arraysOf, products } from './inputs.mjs';
import { measure } from './timing.mjs';

await init('wasm');
defaultDevice('wasm');

const array = arraysOf(np);
/** Arguments are kept (`ref`); the result is read, before which nothing is computed. */
function call(f, ...args) {
  const g = jit(f);
  const run = () => g(...args.map((x) => x.ref)).dataSync();
  const compute = async () => {
    const result = g(...args.map((x) => x.ref));
    await result.blockUntilReady();
    result.dispose();
  };
  return { run, result: run, compute, asynchronous: true };
}

/** Its jit has no loops, so that each of the 500 steps is a call. */
function ridge(rows, columns) {
  const [X, y] = [array([rows, columns], 0), array([rows], 1)];
  const loss = (w) => {
    const r = np.matmul(X.ref, w.ref).sub(y.ref);
    return np
      .mean(r.ref.mul(r))
      .add(np.sum(w.ref.mul(w)).mul(0.1))
      .mul(0.5);
  };
  const step = jit((w) => w.ref.sub(grad(loss)(w).mul(0.5)));
  const solve = () => {
    let w = np.zeros([columns]);
    for (let i = 0; i < 500; i++) w = step(w);
    return w.dataSync();
  };
  return { run: solve, result: solve };
}

function mlp() {
  const layer = (m, n, seed) => ({ w: array([m, n], seed, 0.1), b: np.zeros([n]) });
  const params = [layer(784, 256, 1), layer(256, 128, 2), layer(128, 10, 3)];
  const oneHot = new Float32Array(1280);
  for (let i = 0; i < 128; i++) oneHot[i * 10 + (i % 10)] = 1;
  const [x, y] = [array([128, 784], 4), np.array(oneHot).reshape([128, 10])];
  const loss = (params) => {
    let h = x.ref;
    params.forEach(({ w, b }, i) => {
      h = np.matmul(h, w).add(b);
      if (i < 2) h = nn.relu(h);
    });
    return np.mean(np.sum(nn.logSoftmax(h).mul(y.ref), -1)).neg();
  };
  const step = jit((params) => {
    const [value, gradient] = valueAndGrad(loss)(tree.ref(params));
    return [tree.map((p, g) => p.sub(g.mul(0.01)), params, gradient), value];
  });
  let current = tree.ref(params);
  return {
    run: () => {
      const [next, value] = step(current);
      current = next;
      return value.dataSync();
    },
    result: () => {
      const [next, value] = step(tree.ref(params));
      value.dispose();
      const [last, second] = step(next);
      tree.dispose(last);
      return second.dataSync();
    },
  };
}

const matmul = (n) => () => call((a, b) => np.matmul(a, b), array([n, n], 0), array([n, n], 1));
const million = array([1000, 1000], 0, 6);
const square = array([1024, 1024], 0, 6);

await measure('jax-js', {
  'ridge 100×10': () => ridge(100, 10),
  'ridge 1000×100': () => ridge(1000, 100),
  'mlp step': mlp,
  ...products(matmul),
  'x·tanh(2x+1), 10⁶': () => call((x) => x.ref.mul(np.tanh(x.mul(2).add(1))), million),
  'softmax 1024²': () => call((x) => nn.softmax(x, -1), square),
  'layer norm 1024²': () =>
    call((x) => {
      const centred = x.ref.sub(np.mean(x, -1, { keepdims: true }));
      const variance = np.mean(centred.ref.mul(centred.ref), -1, { keepdims: true });
      return centred.div(np.sqrt(variance.add(1e-5)));
    }, square),
  'logsumexp, 10⁶': () => call((x) => nn.logsumexp(x), million),
  'mean of all, 10⁶': () => call((x) => np.mean(x), million),
  'mean over axis 0, 10⁶': () => call((x) => np.mean(x, 0), million),
  'mean over axis 1, 10⁶': () => call((x) => np.mean(x, 1), million),
  'variance over axis 0, 10⁶': () => call((x) => np.var_(x, 0), million),
  'call on 8 elements, read': () => {
    const f = jit((x) => x.mul(2).add(1));
    const x = array([8], 0);
    return { run: () => f(x.ref).dataSync(), result: () => f(x.ref).dataSync() };
  },
});
