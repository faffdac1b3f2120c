import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { numbers, products } from './inputs.mjs';
import { measure } from './timing.mjs';

// Its modules for import are for bundlers only.
const require = createRequire(import.meta.url);
const tf = require('@tensorflow/tfjs-core');
// Brings the gradients of the operations, which the core alone leaves out.
require('@tensorflow/tfjs-layers');
const { setWasmPaths } = require('@tensorflow/tfjs-backend-wasm');
// Its compiled code is read by path; without that it looks for a server.
setWasmPaths(fileURLToPath(new URL('node_modules/@tensorflow/tfjs-backend-wasm/dist/', import.meta.url)));
await tf.setBackend('wasm');
await tf.ready();

const array = (shape, seed, scale) =>
  tf.tensor(
    numbers(
      shape.reduce((a, b) => a * b, 1),
      seed,
      scale,
    ),
    shape,
  );
/** What `tidy` is given back it searches for tensors, element by element: results are read outside. */
function call(f, ...args) {
  const run = () => {
    const result = tf.tidy(() => f(...args));
    const values = result.dataSync();
    result.dispose();
    return values;
  };
  const compute = () => tf.tidy(() => f(...args)).dispose();
  return { run, result: run, compute };
}

function mlp() {
  const shapes = [
    [784, 256],
    [256, 128],
    [128, 10],
  ];
  const make = () => [
    ...shapes.map((s, i) => tf.variable(array(s, i + 1, 0.1))),
    ...shapes.map(([, n]) => tf.variable(tf.zeros([n]))),
  ];
  const [x, labels] = [array([128, 784], 4), new Float32Array(1280)];
  for (let i = 0; i < 128; i++) labels[i * 10 + (i % 10)] = 1;
  const y = tf.tensor(labels, [128, 10]);
  const step = (params) =>
    tf.tidy(() => {
      const { value, grads } = tf.variableGrads(() => {
        let h = x;
        for (let i = 0; i < 3; i++) {
          h = tf.add(tf.matMul(h, params[i]), params[3 + i]);
          if (i < 2) h = tf.relu(h);
        }
        return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(h), y), -1)));
      }, params);
      for (const p of params) p.assign(tf.sub(p, tf.mul(grads[p.name], 0.01)));
      return value.dataSync();
    });
  const params = make();
  return {
    run: () => step(params),
    result: () => {
      const fresh = make();
      step(fresh);
      return step(fresh);
    },
  };
}

const matmul = (n) => () => call((a, b) => tf.matMul(a, b), array([n, n], 0), array([n, n], 1));
const million = array([1000, 1000], 0, 6);
const square = array([1024, 1024], 0, 6);

await measure('TensorFlow.js wasm', {
  'mlp step': mlp,
  ...products(matmul),
  'x·tanh(2x+1), 10⁶': () => call((x) => tf.mul(x, tf.tanh(tf.add(tf.mul(x, 2), 1))), million),
  'softmax 1024²': () => call((x) => tf.softmax(x, -1), square),
  'logsumexp, 10⁶': () => call((x) => tf.logSumExp(x), million),
  'mean of all, 10⁶': () => call((x) => tf.mean(x), million),
  'mean over axis 0, 10⁶': () => call((x) => tf.mean(x, 0), million),
  'mean over axis 1, 10⁶': () => call((x) => tf.mean(x, 1), million),
  'call on 8 elements, read': () => call((x) => tf.add(tf.mul(x, 2), 1), array([8], 0)),
});
