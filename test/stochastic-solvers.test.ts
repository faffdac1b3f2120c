/** ArmijoSGD, PolyakSGD, and training batch by batch: JAXopt's steps and problems, derivatives, lanes, iterators. */
import {
  grad,
  jacfwd,
  jacrev,
  jit,
  linalg,
  type NDArray,
  np,
  objectives,
  optimizers,
  random,
  solvers,
  tree,
  vmap,
} from 'cotangent';
import t from 'tap';
import { fixture } from './lib/fixture.ts';
import { f64, near } from './lib/near.ts';

const wanted = fixture('composite');
type Data = [X: NDArray, y: NDArray];
const labelled = (name: string, dtype: 'float32' | 'float64' = 'float64'): Data => [
  np.array(wanted.data[name].X, { dtype }),
  np.array(wanted.data[name].y, { dtype: 'int32' }),
];
const ten = labelled('ten');
const { ArmijoSGD, PolyakSGD, OptimizerSolver } = solvers;
const fun = objectives.l2MulticlassLogregWithIntercept;
const init = (features: number, classes: number, dtype: 'float32' | 'float64' = 'float64') =>
  [np.zeros([features, classes], { dtype }), np.zeros([classes], { dtype })] as const;
const zeros = init(5, 3);
const tight = { tol: 0, maxiter: 12 };

const makers: Record<string, (options?: object) => solvers.StochasticSolver<typeof fun>> = {
  armijo: (o) => new ArmijoSGD({ fun, ...o }),
  'armijo conservative': (o) => new ArmijoSGD({ fun, resetOption: 'conservative', aggressiveness: 0.5, ...o }),
  'armijo goldstein': (o) => new ArmijoSGD({ fun, resetOption: 'goldstein', ...o }),
  'armijo long': (o) => new ArmijoSGD({ fun, resetOption: 'goldstein', maxStepsize: 20, aggressiveness: 0.6, ...o }),
  'armijo momentum': (o) => new ArmijoSGD({ fun, momentum: 0.5, maxls: 4, ...o }),
  polyak: (o) => new PolyakSGD({ fun, ...o }),
  'polyak momentum': (o) => new PolyakSGD({ fun, maxStepsize: 0.01, momentum: 0.9, delta: 0.1, ...o }),
  'polyak plus': (o) => new PolyakSGD({ fun, variant: 'SPS+', funMin: 0.2, ...o }),
};

t.test('steps are those of JAXopt', async (t) => {
  const [X, y] = ten;
  const batches = [0, 5, 2].map((i): Data => [X.slice([i, i + 5]), y.slice([i, i + 5])]);
  for (const [name, make] of Object.entries(makers)) {
    const expected = wanted.stochastic[name];
    const l2reg = f64(expected.l2reg);
    const solver = make(tight);
    const { params, state } = solver.run(zeros, l2reg, ten);
    for (const [i, x] of params.entries()) near(t, x, expected.params[i], 1e-8, `${name}: params ${i}`);
    t.equal(state.iterNum.item(), 12);
    for (const field of ['error', 'stepsize', 'value'])
      near(t, state[field], expected[field], 1e-7, `${name}: ${field}`);
    t.match(solvers.statusName(state.status), /^maxiter/);
    const byBatch = solver.runIterator(zeros, batches, l2reg);
    for (const [i, x] of byBatch.params.entries()) near(t, x, expected.batches[i], 1e-8, `${name}: batches ${i}`);
    t.equal(byBatch.state.iterNum.item(), 3);
    t.match(solvers.statusName(byBatch.state.status), /^running/, 'the batches came to an end');
    async function* later() {
      for (const batch of batches) yield await Promise.resolve(batch);
    }
    const awaited = await solver.runIterator(zeros, later(), l2reg);
    for (const [i, x] of awaited.params.entries()) t.same(x.tolist(), byBatch.params[i]!.tolist(), `${name}: awaited`);
  }
});

t.test('JAXopt’s problems', (t) => {
  // Interpolation: classes that can be told apart.
  const separable = labelled('separable', 'float32');
  for (const aggressiveness of [0.1, 0.5, 0.9])
    for (const decreaseFactor of [0.8, 0.9]) {
      const solver = new ArmijoSGD({ fun, aggressiveness, decreaseFactor, maxiter: 20000, tol: 1e-5 });
      const { params, state } = solver.run(init(20, 2, 'float32'), 0, separable);
      const name = `aggressiveness ${aggressiveness}, decreaseFactor ${decreaseFactor}`;
      t.match(solvers.statusName(state.status), /^converged/, name);
      t.ok((fun(params, 0, separable).item() as number) <= 1e-5, `${name}: loss`);
      t.ok((solver.l2OptimalityError(params, 0, separable).item() as number) <= 1e-5, `${name}: error`);
    }
  const mixed = labelled('mixed', 'float32');
  for (const l2reg of [0.1, 1]) {
    const solver = new ArmijoSGD({ fun, aggressiveness: 0.7, maxiter: 10000, tol: 1e-7 });
    const { params } = solver.run(init(10, 3, 'float32'), l2reg, mixed);
    t.ok((solver.l2OptimalityError(params, l2reg, mixed).item() as number) <= 1.5e-3, `no interpolation, ${l2reg}`);
  }
  // Shuffled batches, by hand and by an iterator.
  const [X, y] = labelled('ten', 'float32');
  function* shuffled(n: number): Generator<Data> {
    for (const key of random.split(random.key(0), n)) {
      const order = random.permutation(key, 10);
      yield [X.slice(order), y.slice(order)];
    }
  }
  const start = init(5, 3, 'float32');
  const goldstein = new ArmijoSGD({ fun, resetOption: 'goldstein', maxiter: 1000, tol: 1e-3 });
  let [params, state] = [start as any, goldstein.initState(start, 10, [X, y])];
  const update = jit((params: typeof start, state: any, data: Data) => goldstein.update(params, state, 10, data));
  for (const data of shuffled(200)) ({ params, state } = update(params, state, data) as any);
  t.ok((goldstein.l2OptimalityError(params, 10, [X, y]).item() as number) <= 1e-3, 'goldstein');
  const ten = new ArmijoSGD({ fun, maxiter: 10, tol: 0.3 }).runIterator(start, shuffled(200), 100);
  t.equal(ten.state.iterNum.item(), 10, 'at most maxiter');
  t.ok((goldstein.l2OptimalityError(ten.params, 100, [X, y]).item() as number) <= 0.3);
  for (const momentum of [0.5, 0.9]) {
    const found = new ArmijoSGD({ fun, momentum }).run(start, 100, [X, y]);
    t.ok((goldstein.l2OptimalityError(found.params, 100, [X, y]).item() as number) <= 0.05, `momentum ${momentum}`);
  }
  const size = (params: any, l2reg: number, data: Data): number =>
    goldstein.l2OptimalityError(params, l2reg, data).item() as number;
  const before = size(init(20, 2, 'float32'), 0, separable);
  for (const momentum of [0, 0.9]) {
    const found = new PolyakSGD({ fun, maxStepsize: 0.01, momentum, maxiter: 300 }).run(start, 100, [X, y]);
    t.ok(size(found.params, 100, [X, y]) <= 0.05, `PolyakSGD, momentum ${momentum}`);
    for (const variant of ['SPS_max', 'SPS+'] as const) {
      const solver = new PolyakSGD({ fun, momentum, variant, maxiter: 200 });
      const after = size(solver.run(init(20, 2, 'float32'), 0, separable).params, 0, separable);
      t.ok(after <= 0.01 * before, `${variant}, momentum ${momentum}: ${before} to ${after}`);
    }
  }
  const polyak = new PolyakSGD({ fun, maxStepsize: 0.01, maxiter: 1000, tol: 0.05 }).runIterator(
    start,
    shuffled(200),
    100,
  );
  t.ok((goldstein.l2OptimalityError(polyak.params, 100, [X, y]).item() as number) <= 0.05, 'PolyakSGD, batches');
  t.match(solvers.statusName(polyak.state.status), /^converged/, 'the last error is at most tol');
  t.end();
});

t.test('derivatives and lanes', (t) => {
  const X = np.sin(np.arange(24).astype('float64').mul(1.7)).reshape([8, 3]);
  const y = np.cos(np.arange(8).astype('float64'));
  const ridge = (w: NDArray, l2reg: NDArray): NDArray => objectives.ridgeRegression(w, l2reg, [X, y]);
  const exact = (l: NDArray): NDArray =>
    linalg.solve(
      np
        .matmul(X.T, X)
        .div(8)
        .add(np.eye(3, { dtype: 'float64' }).mul(l)),
      np.matmul(X.T, y).div(8),
    );
  const start = np.zeros([3], { dtype: 'float64' });
  const reg = f64(0.5);
  const minimum = ridge(exact(reg), reg).item() as number;
  const all: Record<string, (options: object) => solvers.StochasticSolver<typeof ridge>> = {
    ArmijoSGD: (o) => new ArmijoSGD({ fun: ridge, maxStepsize: 3, ...o }),
    'ArmijoSGD, goldstein': (o) =>
      new ArmijoSGD({ fun: ridge, maxStepsize: 3, resetOption: 'goldstein', aggressiveness: 0.6, ...o }),
    PolyakSGD: (o) => new PolyakSGD({ fun: ridge, funMin: minimum, maxStepsize: 2, ...o }),
  };
  for (const [name, make] of Object.entries(all)) {
    const solver = make({ tol: 1e-7, maxiter: 3000 });
    const solution = (l: NDArray): NDArray => solver.run(start, l).params as NDArray;
    const { params, state } = solver.run(start, reg);
    near(t, params, exact(reg), 1e-6, `${name}: solution`);
    t.match(solvers.statusName(state.status), /^converged/, name);
    near(t, jit(jacrev(solution))(reg), jacrev(exact)(reg), 1e-5, `${name}: jacrev`);
    near(t, jacfwd(solution)(reg), jacrev(exact)(reg), 1e-5, `${name}: jacfwd`);
    near(t, jacfwd(jacrev(solution))(reg), jacfwd(jacrev(exact))(reg), 1e-5, `${name}: second derivative`);
    if (name === 'ArmijoSGD') {
      const through = make({ tol: 1e-9, maxiter: 100, implicitDiff: false });
      const unrolled = (l: NDArray): NDArray => through.run(start, l).params as NDArray;
      near(t, jit(jacrev(unrolled))(reg), jacrev(exact)(reg), 1e-4, `${name}: unrolled, reverse`);
      near(t, jacfwd(unrolled)(reg), jacrev(exact)(reg), 1e-4, `${name}: unrolled, forward`);
    }
    const regs = f64([0.5, 2]);
    // The second has another minimum, with which Polyak's steps would not converge.
    const several = name === 'PolyakSGD' ? make({ tol: 1e-7, maxiter: 12 }) : solver;
    const lanes = jit(vmap((l: NDArray) => several.run(start, l)))(regs);
    for (const i of [0, 1]) {
      const single = several.run(start, regs.slice(i));
      near(t, lanes.params.slice(i), single.params as NDArray, 1e-9, `${name}: lane ${i}`);
      t.equal(lanes.state.iterNum.slice(i).item(), single.state.iterNum.item(), `${name}: lane ${i} stops by itself`);
    }
    t.match(solvers.statusName(solver.run(start, Number.NaN).state.status), /^nonfinite/, `${name}: NaN`);
    const none = make({ maxiter: 0 }).run(start, reg);
    t.match(solvers.statusName(none.state.status), /^running/, `${name}: no step`);
    t.same((none.params as NDArray).tolist(), [0, 0, 0]);
  }
  // Steps to where f is not defined are shortened.
  const log = new ArmijoSGD({ fun: (x: NDArray) => x.sub(np.log(x)), maxStepsize: 100, tol: 1e-8 });
  near(t, log.run(f64(0.05)).params, f64(1), 1e-7, 'a step out of the domain');
  // At a minimum that is known the step is not NaN.
  const atZero = new PolyakSGD({ fun: (x: NDArray) => np.sum(x.mul(x)) });
  t.same(atZero.run(np.zeros([2])).params.tolist(), [0, 0]);
  t.end();
});

t.test('iterators, aux, options', (t) => {
  const loss = (w: NDArray, scale: NDArray, x: NDArray) =>
    [np.sum(np.square(w.sub(x))).mul(scale), { seen: x }] as const;
  const solver = new ArmijoSGD({ fun: loss, hasAux: true, maxiter: 3 });
  const items = [1, 2, 3, 4].map((i) => np.array([i, -i]));
  let drawn = 0;
  function* counted() {
    for (const item of items) {
      drawn++;
      yield item;
    }
  }
  const { params, state } = solver.runIterator(np.zeros([2]), counted(), 2);
  t.same([state.iterNum.item(), drawn], [3, 3], 'no item more than maxiter');
  t.same(state.aux.seen.tolist(), [3, -3], 'aux');
  t.same(params.shape, [2]);
  t.match(solvers.statusName(state.status), /^maxiter/);
  const idle = new ArmijoSGD({ fun: loss, hasAux: true, maxiter: 0 }).runIterator(np.zeros([2]), items, 1);
  t.same(idle.params.tolist(), [0, 0], 'no step');
  const broken = new ArmijoSGD({ fun: loss, hasAux: true }).runIterator(np.zeros([2]), [np.array([Number.NaN, 1])], 1);
  t.match(solvers.statusName(broken.state.status), /^nonfinite/);
  t.throws(() => solver.runIterator(np.zeros([2]), [], 1), {
    message: /^ArmijoSGD: the iterator of `runIterator` gave no item\./,
  });
  t.throws(() => solver.runIterator(np.zeros([2]), 3 as never, 1), {
    message: /^ArmijoSGD.runIterator: the batches must be an iterator, but are 3\./,
  });
  t.rejects((async () => solver.runIterator(np.zeros([2]), (async function* () {})(), 1))(), {
    message: /^ArmijoSGD: the iterator of `runIterator` gave no item\./,
  });
  // Parameters keep their dtypes, values that of the objective; step sizes and errors have the widest of the parameters.
  const double = (x: { a: NDArray }): NDArray => np.sum(np.square(x.a.sub(f64([1, 2]))));
  for (const make of [
    () => new ArmijoSGD({ fun: double, resetOption: 'goldstein' }),
    () => new PolyakSGD({ fun: double, momentum: 0.1 }),
  ]) {
    const { params, state } = make().run({ a: np.zeros([2]) });
    t.same(
      [params.a, state.value, state.error, state.stepsize].map((x) => x.dtype),
      ['float32', 'float64', 'float32', 'float32'],
    );
    near(t, params.a, [1, 2], 1e-3, 'single parameters, double objective');
    near(t, make().run({ a: f64([0, 0]) }).params.a, [1, 2], 1e-3, 'double');
  }
  near(t, new PolyakSGD({ fun: (x: NDArray) => np.square(x.sub(2)) }).run(0.5).params, f64(2), 1e-3, 'a number');
  // What is done before each step, in every solver.
  const square = (w: { a: NDArray }): NDArray => np.sum(np.square(w.a));
  for (const make of [
    (o: object) => new ArmijoSGD({ fun: square, ...o }),
    (o: object) => new PolyakSGD({ fun: square, ...o }),
    (o: object) => new OptimizerSolver({ fun: square, optimizer: optimizers.sgd(0.1), ...o }),
  ]) {
    const seen: unknown[] = [];
    const one = make({
      preUpdate: (p: { a: NDArray }, s: solvers.BaseState) => {
        seen.push(s.iterNum);
        return [tree.map((x) => x.mul(0), p), s];
      },
    });
    const at = { a: np.ones([2]) };
    t.same(one.update(at, one.initState(at) as never).params.a.tolist(), [0, 0], 'preUpdate');
    t.equal(seen.length, 1);
  }
  t.throws(() => new ArmijoSGD({ fun: square, resetOption: 'never' as never }), {
    message:
      /^ArmijoSGD: `resetOption` must be one of 'increase', 'goldstein', 'conservative', but it is the string "never"\./,
  });
  t.throws(() => new ArmijoSGD({ fun: square, aggressiveness: 1 }), {
    message: /^ArmijoSGD: `aggressiveness` must be between 0 and 1, but it is 1\./,
  });
  t.throws(() => new PolyakSGD({ fun: square, variant: 'SPS' as never }), {
    message: /^PolyakSGD: `variant` must be one of 'SPS_max', 'SPS\+', but it is the string "SPS"\./,
  });
  t.throws(() => new PolyakSGD({ fun: square, reset: true } as never), {
    message: /^PolyakSGD: there is no option `reset`; the options are `funMin`, `maxStepsize`/,
  });
  // The gradient of a validation loss through training to the end.
  const validation = (l: NDArray): NDArray =>
    fun(makers.armijo!({ tol: 1e-6, maxiter: 5000 }).run(zeros, l, ten).params, 0, ten);
  const h = 1e-4;
  const numeric = ((validation(f64(1 + h)).item() as number) - (validation(f64(1 - h)).item() as number)) / (2 * h);
  near(t, grad(validation)(f64(1)), f64(numeric), 1e-4, 'hypergradient');
  t.end();
});
