/** What the documentation shows: every block of code runs, and every comment beside a value that can be compared is true. */
import * as cotangent from 'cotangent';
import * as primitives from 'cotangent/primitives';
import t, { type Test } from 'tap';
import { blocksOf, difference, docstringExamples, run, sourceText } from './lib/examples.ts';

const { lax, linalg, nn, optimizers, random, safetensors, solvers } = cotangent;

/** Files of examples that write and read them. */
const written = new Map<string, Uint8Array>();
const files = {
  writeFileSync: (name: string, data: Uint8Array) => written.set(name, data),
  readFileSync: (name: string) => written.get(name),
};

/** What examples of a file call without a prefix. */
const scopes: readonly (readonly [file: RegExp, names: object])[] = [
  [/^src\/(lax|control)\/|^src\/complex\/lax/, { ...lax }],
  [/^src\/optimizers\//, optimizers],
  [/^src\/random\//, random],
  [/^src\/solvers\//, { ...solvers, proxLasso: cotangent.prox.lasso }],
  [/^src\/safetensors\//, { ...safetensors, ...files }],
  [/^src\/npy\//, files],
  [/^src\/nn\//, nn],
  [/^src\/linalg\/|^src\/complex\/linalg/, linalg],
  [/^src\/(primitives|primitive-records)\.ts$/, primitives],
];

/** What examples have from their surroundings, by the end of the file's name. */
const givens: readonly (readonly [file: string, code: string])[] = [
  ['src/array.ts', 'const x = np.arange(12).reshape(4, 3);'],
  ['numpy/array.ts', 'const x = np.ones([2]), y = x;'],
  ['complex/creation.ts', 'const x = np.ones([2]), y = x;'],
  ['complex/lax-functions.ts', 'const x = np.ones([4, 10]), a = np.ones([5, 2, 3]), b = np.ones([5, 3, 4]);'],
  [
    'complex/product-functions.ts',
    'const a = np.eye(3), b = a, stack = np.ones([2, 3, 3]), vectors = np.ones([2, 3]);',
  ],
  ['complex/reduction-functions.ts', 'const x = np.ones([2, 3]);'],
  ['complex/shape-functions.ts', 'const x = np.ones([2, 3]);'],
  ['control/checkpoint.ts', 'const layer = (h) => np.tanh(h), layers = [layer, layer], x = np.ones([3]);'],
  ['control/cond.ts', 'const x = np.array(2);'],
  ['debug/progress-line.ts', 'const step = () => 0.5;'],
  ['debug/progress.ts', 'const f = (w) => np.sum(w.mul(w)), w0 = np.ones([2]);'],
  [
    'implicit/custom-root.ts',
    'const newton = (x0, a) => lax.foriLoop(0, 30, (i, x) => x.add(np.divide(a, x)).mul(0.5), x0);' +
      'const iterate = (x0, a) => lax.foriLoop(0, 100, (i, x) => np.cos(x.mul(a)), x0);',
  ],
  [
    'implicit/status.ts',
    'const { state } = new solvers.FixedPointIteration({ fixedPointFun: (x) => x.mul(0.5) }).run(1);',
  ],
  ['lax/compare.ts', 'const x = np.array([-1, 2]);'],
  ['lax/dot.ts', 'const a = np.ones([5, 2, 3]), b = np.ones([5, 3, 4]);'],
  ['lax/dynamic-indexing.ts', 'const x = np.ones([3, 4]), i = 1;'],
  ['lax/gather.ts', 'const x = np.ones([3, 4]);'],
  ['lax/scatter.ts', 'const x = np.ones([3, 4]), rows = np.zeros([2, 4]);'],
  ['lax/power.ts', 'const x = np.array([2, 3]);'],
  ['lax/sort.ts', 'const x = np.array([2, 1]), y = x;'],
  ['linear-solve/index.ts', 'const A = np.eye(3).mul(2), b = np.ones([3]);'],
  ['numpy/einsum.ts', 'const a = np.eye(3), b = a, stack = np.ones([2, 3, 3]), vectors = np.ones([2, 3]);'],
  ['numpy/functional.ts', 'const x = np.array([-1, 2]);'],
  ['numpy/indexing.ts', 'const x = np.ones([2, 3]);'],
  ['numpy/quantiles.ts', 'const x = np.arange(5);'],
  ['numpy/reductions.ts', 'const x = np.ones([2, 3]);'],
  [
    'optimizers/optimizers.ts',
    'const loss = (p) => p.w.sub(1).mul(p.w).sum(), params = { w: np.zeros([3]) }, gradients = params;' +
      'const state = adamw(1e-3).init(params);',
  ],
  [
    'optimizers/transformation.ts',
    'const loss = (p, x) => p.mul(x).sum(), x = np.ones([2]), optimizer = sgd(0.1);' +
      'let params = np.ones([2]); const state = optimizer.init(params);',
  ],
  ['random/keys.ts', 'const step = 3;'],
  ['safetensors/index.ts', 'const params = { layers: [{ w: np.ones([2]) }] }, init = () => params;'],
  ['safetensors/names.ts', 'const w = np.ones([2]), b = w;'],
  ...['bfgs', 'nelder-mead', 'nonlinear-cg'].map((name): [string, string] => [
    `/${name}.ts`,
    'const rosenbrock = ([x, y]) => np.square(x.mul(-1).add(1)).add(np.square(y.sub(x.mul(x))).mul(100));',
  ]),
  ...['gradient-descent', 'proximal-gradient', 'projected-gradient', 'anderson-wrapper', 'lbfgsb'].map(
    (name): [string, string] => [
      `/${name}.ts`,
      `const columns = ${['projected-gradient', 'lbfgsb'].includes(name) ? 5 : 10}, l1reg = 0.1;` +
        'const X = random.normal(random.key(0), [20, columns]), y = np.matmul(X, np.arange(columns));' +
        'const leastSquares = (w, X, y) => np.mean(np.square(np.matmul(X, w).sub(y)));',
    ],
  ),
  [
    '/block-coordinate-descent.ts',
    'const l1reg = 0.1, X = random.normal(random.key(0), [20, 10]), y = np.matmul(X, np.arange(10));',
  ],
  ...['armijo-sgd', 'polyak-sgd'].map((name): [string, string] => [
    `/${name}.ts`,
    'const init = np.zeros([3]), batches = [np.ones([3]), np.ones([3])];' +
      'const loss = (w, x) => np.sum(np.square(w.sub(x)));',
  ]),
  [
    '/lbfgs.ts',
    'const X = random.normal(random.key(0), [20, 64]), y = X.slice([], 0).gt(0), l2reg = 0.1;' +
      'const logisticLoss = (w, l2reg, X, y) => losses.sigmoidBinaryCrossEntropy(np.matmul(X, w), y).mean().add(np.sum(w.mul(w)).mul(l2reg));',
  ],
  ['/gauss-newton.ts', 'const x = np.array([0.1, 1, 3]), y = np.array([0.1, 0.4, 0.6]);'],
  [
    '/levenberg-marquardt.ts',
    'const x = np.linspace(0, 1, 20), y = np.exp(x);' +
      'const residualFun = ([a, b, c, d], x, y) => a.mul(np.exp(b.mul(x))).add(c.mul(x)).add(d).sub(y);',
  ],
  [
    '/optimizer-solver.ts',
    'const data = np.ones([3]), init = np.zeros([3]), batches = [data, data];' +
      'const loss = (w, x) => np.sum(np.square(w.sub(x)));',
  ],
  ['src/init.ts', '/* Too late in this process. */ const init = async ({ threads }) => threads;'],
  ['/backtracking-line-search.ts', 'const fun = (w) => np.sum(w.mul(w)), x = np.ones([2]);'],
  ['/hager-zhang-line-search.ts', 'const fun = (w) => np.sum(w.mul(w)), x = np.ones([2]);'],
  ['/zoom-line-search.ts', 'const fun = (w) => np.sum(w.mul(w)), x = np.ones([2]);'],
  ['transforms/closure-convert.ts', 'const w = np.ones([2]), x = w, solve = (f, ...args) => f(...args);'],
  ...['differentiate', 'grad'].map((name): [string, string] => [
    `transforms/${name}.ts`,
    'const x = np.array([1, 2]), w = np.array([3, 4]);',
  ]),
  ['transforms/linear-transpose.ts', 'const A = np.ones([2, 3]), y = np.ones([2]);'],
  ['transforms/vectorize.ts', 'const batch = np.ones([4, 3]), w = np.ones([3]);'],
];

/** Runs an example, and says how many of its comments were compared with values. */
async function check(
  t: Test,
  name: string,
  code: string,
  scope: Record<string, unknown>,
  surroundings = '',
): Promise<number> {
  let compared = 0;
  try {
    for (const shown of await run(code, scope, surroundings)) {
      const wrong = difference(shown);
      if (wrong === null) continue;
      compared++;
      t.equal(wrong, undefined, `${name}: // ${shown.says}`);
    }
    t.pass(name);
  } catch (thrown) {
    t.fail(`${name} raises ${thrown instanceof Error ? thrown.stack : thrown}\n${code}`);
  }
  return compared;
}

t.test('examples of docstrings', async (t) => {
  let compared = 0;
  const examples = docstringExamples();
  for (const { file, code } of examples) {
    const scope: Record<string, unknown> = { ...cotangent };
    for (const [pattern, names] of scopes) if (pattern.test(file)) Object.assign(scope, names);
    const surroundings = givens.filter(([end]) => file.endsWith(end)).map(([, given]) => given);
    compared += await check(t, file, code, scope, surroundings.join('\n'));
  }
  t.ok(examples.length > 130, `${examples.length} examples`);
  t.ok(compared > 60, `${compared} comments say values or types`);
});

t.test('pages', async (t) => {
  for (const page of ['README.md', 'docs/from-jax.md', 'docs/primitives.md', 'docs/solvers.md']) {
    // Blocks follow on one another.
    const code = blocksOf(page, 'js', 'ts').join('\n');
    const compared = await check(t, page, code, { ...cotangent, ...primitives });
    t.ok(compared > 0, `${page}: ${compared} comments say values`);
  }
  // Excerpts are what stands in the sources.
  const [excerpt] = blocksOf('docs/architecture.md', 'ts');
  t.ok(sourceText('src/lax/transcendental.ts').includes(excerpt!.trim()));
  const [message] = blocksOf('README.md', '');
  const best = 1;
  const step = (loss: cotangent.NDArray) => {
    if (loss.lt(best)) return loss;
    return loss;
  };
  t.throws(() => cotangent.jit(step)(1), {
    message: new RegExp(
      `^${escaped(
        message!
          .split('\n')
          .slice(0, 2)
          .join('\n')
          .replace(/^ControlFlowError: /, ''),
      )}`,
    ),
  });
  t.end();
});

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
