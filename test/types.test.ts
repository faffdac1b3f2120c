/** What TypeScript infers: each annotation below is a test that the type check runs. */
import {
  type ComplexArray,
  customRoot,
  customVjp,
  evalShape,
  grad,
  hessian,
  isotonic,
  jacfwd,
  jacobian,
  jit,
  jvp,
  lax,
  linearSolve,
  losses,
  type NDArray,
  np,
  objectives,
  optimizers,
  perturbations,
  projection,
  prox,
  random,
  rootVjp,
  solvers,
  tree,
  valueAndGrad,
  vjp,
  vmap,
} from 'cotangent';
import t from 'tap';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

interface Params {
  w: NDArray;
  b: NDArray[];
}

t.test('types survive transformations', (t) => {
  const a = np.ones([3]);
  const double: NDArray = jit((v: NDArray) => v.mul(2))(a);
  const ofNumber: NDArray = jit((v: NDArray) => v.mul(2))(3);
  const gradient: NDArray = grad((v: NDArray): NDArray => v.sum())(a);
  const [loss, slope]: [NDArray, NDArray] = jit(valueAndGrad((v: NDArray): NDArray => v.sum()))(a);
  const trees: Params = grad((p: Params, x: NDArray): NDArray => p.w.sum().add(p.b[0]!.sum()).add(x))(
    { w: a, b: [a] },
    3,
  );
  const both: readonly [NDArray, NDArray] = grad((x: NDArray, y: NDArray): NDArray => x.mul(y), { argnums: [0, 1] })(
    1,
    2,
  );
  const [value, aux] = valueAndGrad((x: NDArray): [NDArray, { k: NDArray }] => [x.sum(), { k: x }], { hasAux: true })(
    a,
  )[0];
  const kept: NDArray = aux.k;
  const matrix: NDArray = hessian((x: NDArray) => x.mul(x).sum())(a);
  const rows: NDArray = jacobian((v: NDArray): NDArray => v.mul(2))(a);
  // An array, and not `any`, which every annotation accepts.
  const columns = jacfwd((v: NDArray): NDArray => v.mul(2))(a);
  const exactly: Same<typeof columns, NDArray> = true;
  const blocks: { sum: Params; all: Params } = jacobian((p: Params) => ({ sum: p.w.sum(), all: p.w }))({ w: a, b: [] });
  const seconds: readonly [readonly [NDArray, NDArray], readonly [NDArray, NDArray]] = hessian(
    (x: NDArray, y: NDArray): NDArray => x.mul(y),
    { argnums: [0, 1] },
  )(1, 2);
  const [slopes, extra]: [NDArray, NDArray] = jacfwd((x: NDArray): [NDArray, NDArray] => [x.mul(2), x], {
    hasAux: true,
  })(a);
  const lanes: NDArray = jit(vmap(grad((x: NDArray) => x.mul(2))))(a);
  const [y, dy]: [NDArray, NDArray] = jvp((x: NDArray) => x.mul(2), [a], [a]);
  const [out, pull] = vjp((x: NDArray) => x.mul(2), [a]);
  const [back]: [NDArray] = pull(out);
  const counted: NDArray = lax.foriLoop(0, 5, (i, c) => c.add(i), a);
  const [carry, ys]: [NDArray, NDArray] = lax.scan((c, x) => [c.add(x), c], a, a);
  const looped: NDArray = lax.whileLoop(
    (x) => x.sum().lt(30),
    (x) => x.add(1),
    a,
  );
  const chosen: NDArray = lax.cond(
    true,
    (x: NDArray) => x,
    (x: NDArray) => x.mul(2),
    a,
  );
  const solved: NDArray = linearSolve.solveCg((x: NDArray) => x.mul(2), a);
  const root = customRoot((y: NDArray, t: NDArray) => y.mul(y).sub(t))((_y: NDArray, t: NDArray) => np.sqrt(t));
  const ofRoot: NDArray = grad((t: NDArray) => root(1, t))(4);
  const { params } = new solvers.GradientDescent({ fun: (w: NDArray, l: NDArray) => w.mul(w).sum().mul(l) }).run(a, 3);
  const minimum: NDArray = params;
  const withStatic: NDArray = jit((n: number, x: NDArray) => x.mul(n), { static: ['n'] })(3, a);
  const mapped: Params = tree.map((x) => x.mul(2), { w: a, b: [a] });
  const number: number = a.sum().item();
  const flag: boolean = a.sum().gt(0).item<boolean>();

  t.strictSame([double, ofNumber, gradient, matrix, rows].map((x) => x.tolist()).slice(0, 3), [
    [2, 2, 2],
    6,
    [1, 1, 1],
  ]);
  t.strictSame([loss.item(), slope.tolist(), value.item(), kept.tolist()], [3, [1, 1, 1], 3, [1, 1, 1]]);
  t.strictSame(
    [trees.w.tolist(), trees.b[0]!.tolist()],
    [
      [1, 1, 1],
      [1, 1, 1],
    ],
  );
  t.ok(exactly);
  t.strictSame(
    [columns, slopes].map((x) => x.tolist()),
    [rows.tolist(), rows.tolist()],
  );
  t.strictSame([blocks.sum.w.tolist(), blocks.all.w.shape, extra.shape], [[1, 1, 1], [3, 3], [3]]);
  t.strictSame(
    seconds.map((row) => row.map((x) => x.item())),
    [
      [0, 1],
      [1, 0],
    ],
  );
  t.strictSame([...both.map((x) => x.item()), ofRoot.item(), withStatic.tolist()], [2, 1, 0.25, [3, 3, 3]]);
  t.strictSame(
    [lanes, y, dy, back].map((x) => x.tolist()),
    [2, 2, 2, 4].map((c) => [c, c, c]),
  );
  t.strictSame([counted, carry, ys, looped, chosen].map((x) => x.tolist()).slice(1, 3), [
    [4, 4, 4],
    [
      [1, 1, 1],
      [2, 2, 2],
      [3, 3, 3],
    ],
  ]);
  t.strictSame(
    [solved.mul(4).round().tolist(), minimum.shape, mapped.w.tolist(), number, flag],
    [[2, 2, 2], [3], [2, 2, 2], 3, true],
  );
  t.end();
});

const ridge = (w: NDArray, l2: NDArray, batch: { x: NDArray; y: NDArray }): NDArray => {
  const residual = np.matmul(batch.x, w).sub(batch.y);
  return np.mean(residual.mul(residual)).add(l2.mul(np.sum(w.mul(w))));
};
const batch = { x: np.eye(3), y: np.ones([3]) };

t.test('states of solvers follow from the function of the user', (t) => {
  const w = np.zeros([3]);
  const descent = new solvers.GradientDescent({ fun: ridge, maxiter: 3 });
  const { params, state } = descent.run(w, 0.1, batch);
  const exact: [
    Same<typeof params, NDArray>,
    Same<typeof state.error, NDArray>,
    Same<typeof state.aux, null>,
    Same<typeof state.velocity, NDArray | null>,
    Same<Parameters<typeof descent.run>[1], ReturnType<() => NDArray | number | boolean>>,
  ] = [true, true, true, true, true];
  const next = descent.update(params, descent.initState(w, 0.1, batch), 0.1, batch);
  const slope: NDArray = descent.optimalityFun(next.params, 0.1, batch);
  // @ts-expect-error: the argument of `fun` is missing
  t.throws(() => descent.run(w, 0.1), { name: 'TypeError' });
  // @ts-expect-error: an argument of another kind
  t.throws(() => descent.run(w, 'small', batch));
  // @ts-expect-error: no such option
  t.throws(() => new solvers.GradientDescent({ fun: ridge, stepSize: 1 }));
  // @ts-expect-error: an objective returns a scalar, or a pair
  t.throws(() => new solvers.GradientDescent({ fun: (w: NDArray) => ({ loss: w.sum() }) }).run(w));

  const withAux = (p: Params) => [np.sum(p.w.mul(p.w)), { norm: p.w.abs(), k: 1 }];
  const lbfgs = new solvers.LBFGS({ fun: (p: Params) => [np.sum(p.w.mul(p.w)), { norm: p.w.abs() }], hasAux: true });
  const found = lbfgs.run({ w, b: [] });
  const trees: [
    Same<typeof found.params, { w: NDArray; b: NDArray[] }>,
    Same<typeof found.state.grad, { w: NDArray; b: NDArray[] }>,
    Same<typeof found.state.aux, { norm: NDArray }>,
  ] = [true, true, true];
  const both = new solvers.BFGS({
    fun: (x: NDArray) => [[x.mul(x).sum(), { at: x }], x.mul(2)],
    hasAux: true,
    valueAndGrad: true,
  }).run(w);
  const ofPair: Same<typeof both.state.aux, { at: NDArray }> = true;

  const fit = new solvers.LevenbergMarquardt({
    residualFun: (x: NDArray) => [{ r: x.sub(1) }, x.sum()],
    hasAux: true,
  }).run(w);
  const residuals: [Same<typeof fit.state.residual, { r: NDArray }>, Same<typeof fit.state.aux, NDArray>] = [
    true,
    true,
  ];
  const fixed = new solvers.FixedPointIteration({ fixedPointFun: (x: NDArray, a: NDArray) => x.mul(a) }).run(w, 0.5);
  const fixedAux: Same<typeof fixed.state, solvers.FixedPointState<null>> = true;
  const root = new solvers.Bisection({ optimalityFun: (x: NDArray) => x.sub(0.5), lower: 0, upper: 1 }).run();
  const ofRoot: Same<typeof root.params, NDArray> = true;
  const bounded = new solvers.LBFGSB({ fun: ridge, maxiter: 2 });
  const inBox = bounded.run(w, [0, np.ones([3])], 0.1, batch);
  const more = bounded.run(inBox, null, 0.1, batch);
  const ofBox: [Same<typeof more.params, NDArray>, Same<typeof more.state.theta, NDArray>] = [true, true];
  // @ts-expect-error: the bounds are missing
  t.throws(() => bounded.run(w, 0.1, batch));
  const zero = new solvers.Broyden({ fun: (p: Params) => [p, { first: p.w }], hasAux: true }).run({ w, b: [] });
  const ofZero: [
    Same<typeof zero.state.value, { w: NDArray; b: NDArray[] }>,
    Same<typeof zero.state.aux, { first: NDArray }>,
  ] = [true, true];
  const wrapped = new solvers.AndersonWrapper({ solver: descent });
  const mixed = wrapped.run(w, 0.1, batch);
  const ofMixed: Same<typeof mixed.params, NDArray> = true;
  // @ts-expect-error: the argument of `fun` is missing
  t.throws(() => wrapped.run(w, 0.1));
  const newton = new solvers.Newton({ fun: (x: NDArray, a: NDArray) => x.mul(x).sub(a) }).run(w.add(1), 2);
  const ofNewton: Same<typeof newton.state.value, NDArray> = true;

  const optimizer = optimizers.adam(1e-2);
  const trained = new solvers.OptimizerSolver({ fun: ridge, optimizer, maxiter: 2 });
  const last = trained.runIterator(w, [batch, batch], 0.1);
  const mean: NDArray = last.state.internalState[0].mu;
  // @ts-expect-error: an item of the iterator is what `fun` takes last
  t.throws(() => trained.runIterator(w, [w], 0.1));

  const lasso = new solvers.ProximalGradient({ fun: ridge, prox: prox.lasso, maxiter: 2 });
  const sparse: NDArray = lasso.run(w, 0.1, 0.1, batch).params;
  const boxed = new solvers.ProjectedGradient({ fun: ridge, projection: projection.box, maxiter: 2 });
  const inside: NDArray = boxed.run(w, [0, 1], 0.1, batch).params;
  // @ts-expect-error: a box has two bounds
  t.throws(() => boxed.run(w, 1, 0.1, batch), { name: 'TreeError' });
  // @ts-expect-error: a proximity operator is needed
  t.throws(() => new solvers.ProximalGradient({ fun: ridge }), { message: /`prox` must be a function/ });

  const data: [NDArray, NDArray] = [np.ones([4, 3]), np.ones([4])];
  const blocks = new solvers.BlockCoordinateDescent({
    fun: objectives.leastSquares,
    blockProx: prox.lasso,
    maxiter: 2,
  });
  const blockwise = blocks.run(w, 0.1, data);
  const predictions: NDArray = blockwise.state.predictions;
  // @ts-expect-error: only composite linear functions have blocks
  t.throws(() => new solvers.BlockCoordinateDescent({ fun: ridge, blockProx: prox.lasso }), { name: 'TraceError' });
  const dual = new solvers.BlockCoordinateDescent({
    fun: objectives.multiclassLinearSvmDual,
    blockProx: prox.fromProjection(projection.simplex),
  });
  // @ts-expect-error: a machine has a penalty
  t.throws(() => dual.run(np.ones([4, 2]), 1, data));
  const mirror = new solvers.MirrorDescent({
    fun: (p: NDArray, costs: NDArray) => np.dot(p, costs),
    projectionGrad: solvers.klProjectionGrad,
    stepsize: 0.1,
  });
  const vertex: NDArray = mirror.run(w.add(1), 1, w).params;
  const armijo = new solvers.ArmijoSGD({ fun: objectives.ridgeRegression, maxiter: 2 });
  const later = (async function* () {
    yield data;
  })();
  const awaited: Promise<{ params: NDArray; state: solvers.ArmijoSGDState<NDArray, null> }> = armijo.runIterator(
    w,
    later,
    0.1,
  );
  const own = objectives.compositeLinearFunction({
    subfun: (p: NDArray, scale: NDArray) => np.sum(p.mul(p)).mul(scale),
    linop: (scale) => np.eye(3).mul(scale),
    smoothness: (scale) => scale.mul(2),
  });
  // @ts-expect-error: its arguments are those of `subfun`
  t.throws(() => own(w));

  const { state: searched } = new solvers.ZoomLineSearch({ fun: (x: NDArray) => x.mul(x).sum() }).run(1, np.ones([3]));
  const reached: NDArray = searched.params;

  t.ok([exact, trees, ofPair, residuals, fixedAux, ofRoot, ofBox, ofZero, ofMixed, ofNewton].flat().every(Boolean));
  t.same(
    [slope, mean, sparse, inside, reached, vertex, predictions].map((x) => x.shape),
    [[3], [3], [3], [3], [3], [3], [4]],
  );
  t.same(typeof withAux, 'function');
  t.ok(awaited instanceof Promise);
  t.end();
});

t.test('states of optimizers, and what loops carry', (t) => {
  const params: Params = { w: np.zeros([3]), b: [np.zeros([])] };
  const loss = (p: Params, x: NDArray): NDArray => np.sum(np.square(p.w.sub(x))).add(p.b[0]!);
  const optimizer = optimizers.chain(optimizers.clipByGlobalNorm(1), optimizers.sgd(0.1, { momentum: 0.9 }));
  const state = optimizer.init(params);
  const exact: [
    Same<typeof state, optimizers.StateOf<typeof optimizer, Params>>,
    Same<(typeof state)[1][0]['trace'], { w: NDArray; b: NDArray[] }>,
    Same<ReturnType<typeof plain.init<Params>>, [optimizers.EmptyState, optimizers.EmptyState]>,
    Same<optimizers.StateOf<typeof scheduled>[1], optimizers.CountState>,
    Same<keyof optimizers.StateOf<typeof centered>[0], 'mu' | 'nu' | 'count'>,
  ] = [true, true, true, true, true];
  const plain = optimizers.sgd(0.1);
  const scheduled = optimizers.adam((count: NDArray) => count.mul(0.1));
  const centered = optimizers.rmsprop(0.1, { centered: true, biasCorrection: true });

  const step = (carry: [Params, typeof state], x: NDArray) => {
    const [p, s] = carry;
    const [value, gradient] = valueAndGrad(loss)(p, x);
    const [updates, next] = optimizer.update(gradient, s, p);
    return [[optimizers.applyUpdates(p, updates), next], value] as const;
  };
  const epoch = jit((p: Params, s: typeof state, xs: NDArray) => lax.scan(step, [p, s], xs), { donate: [0, 1] });
  const [[p1, s1], losses] = jit((p: Params, s: typeof state, xs: NDArray) =>
    lax.scan(
      ([p, s], x) => {
        const [value, gradient] = valueAndGrad(loss)(p, x);
        const [updates, next] = optimizer.update(gradient, s, p);
        return [[optimizers.applyUpdates(p, updates), next], value];
      },
      [p, s],
      xs,
    ),
  )(params, state, np.ones([4, 3]));
  const carried: [
    Same<typeof p1, { w: NDArray; b: NDArray[] }>,
    Same<(typeof s1)[1][0]['trace']['w'], NDArray>,
    Same<typeof losses, NDArray>,
  ] = [true, true, true];
  // Functions with names of their own, whose carries are tuples.
  const filter = ([m, P]: [NDArray, NDArray], y: NDArray) => [[m.add(y), P.mul(y)], { y, m }] as const;
  const [[mean], { m }]: [[NDArray, NDArray], { y: NDArray; m: NDArray }] = lax.scan(
    filter,
    [np.array(0), np.array(1)],
    np.ones([2]),
  );
  const turn = ([x, y]: readonly [NDArray, NDArray]) => [y, x.neg()] as const;
  const [turned]: [NDArray, NDArray] = lax.foriLoop(0, 3, (_i, xy: [NDArray, NDArray]) => turn(xy), [
    np.array(1),
    np.array(2),
  ]);
  const [i, { x }]: [NDArray, { x: NDArray }] = lax.whileLoop(
    ([i]) => i.lt(3),
    ([i, { x }]) => [i.add(1), { x: x.mul(2) }],
    [np.array(0, { dtype: 'int32' }), { x: np.ones([2]) }],
  );
  const [a, b]: [NDArray, NDArray] = lax.cond(
    true,
    (x, y) => [x, y],
    (x, y) => [y, x],
    1,
    np.array(2),
  );
  t.throws(() =>
    lax.scan(
      // @ts-expect-error: the carry has another structure
      (c: { k: NDArray }, x: NDArray) => [x, c.k],
      { k: np.array(0) },
      np.ones([2]),
    ),
  );
  // @ts-expect-error: a state of another optimizer
  t.throws(() => optimizer.update(params, plain.init(params)), { name: 'TreeError' });
  t.same([p1.w.shape, losses.shape, i.item(), x.tolist(), a.item(), b.item()], [[3], [4], 3, [8, 8], 1, 2]);
  t.same([mean.item(), m.tolist(), turned.item()], [2, [0, 1], -2]);
  t.ok([...exact, ...carried].every(Boolean));
  t.same(epoch(params, state, np.ones([2, 3]))[1].shape, [2]);
  t.end();
});

type IsAny<T> = 0 extends 1 & T ? true : false;
type Parts<T> = T extends readonly unknown[] ? T[number] : T extends NDArray ? T : T[keyof T];
/** Whether a result, or a part of it, is `any`, which every later mistake passes through. */
type IsLoose<T> = IsAny<T> extends true ? true : IsAny<Parts<T>>;

t.test('no result is `any`', (t) => {
  const params: Params = { w: np.ones([3]), b: [np.array(0)] };
  const x = np.ones([3]);
  const f = (v: NDArray): NDArray => v.mul(2);
  const s = (v: NDArray): NDArray => v.sum();
  const root = (v: NDArray, a: NDArray): NDArray => v.sub(a);
  /** Not called: what it returns has the type that it would have. */
  const typed = <T>(_call: () => T): IsLoose<T> => false as IsLoose<T>;
  const all: false[] = [
    typed(() => jit(f)(x)),
    typed(() => jit(f).lower(x)),
    typed(() => vmap((a: NDArray) => ({ a }))(x)),
    typed(() => lax.scan((c, v) => [c, v], x, x)),
    typed(() => lax.cond(true, f, f, x)),
    typed(() => lax.switch(0, [f, f], x)),
    typed(() => lax.associativeScan((a, b) => a.add(b), x)),
    typed(() => customVjp(f)(x)),
    typed(() => customRoot(root)((_v: NDArray, a: NDArray) => a)(x, x)),
    typed(() => rootVjp(root, x, [x], x)),
    typed(() => vjp(f, [x])[1](x)),
    typed(() => linearSolve.solveCg((v) => v, params)),
    typed(() => evalShape(f, x)),
    typed(() => tree.map((v) => v, params)),
    typed(() => tree.ravel(params)[1](x)),
    typed(() => tree.unflatten(tree.structure(params), [x, x])),
    typed(() => new solvers.LBFGS({ fun: s }).run(x)),
    typed(() => new solvers.LBFGS({ fun: s }).run(x).state),
    typed(() => new solvers.BFGS({ fun: s }).run(x).state),
    typed(() => new solvers.LBFGSB({ fun: s }).run(x, [0, 1]).state),
    typed(() => new solvers.Broyden({ fun: f }).run(x).state),
    typed(() => new solvers.Newton({ fun: f, chord: true }).run(x).state),
    typed(() => new solvers.AndersonWrapper({ solver: new solvers.BFGS({ fun: s }) }).run(x).state),
    typed(() => new solvers.HagerZhangLineSearch({ fun: s }).run(1, x).state),
    typed(() => new solvers.GaussNewton({ residualFun: f }).run(x).state),
    typed(() => new solvers.LevenbergMarquardt({ residualFun: f }).run(x).state),
    typed(() => new solvers.AndersonAcceleration({ fixedPointFun: f }).run(x).state),
    typed(() => new solvers.OptimizerSolver({ fun: s, optimizer: optimizers.adam(1) }).run(x).state),
    typed(() => new solvers.ProximalGradient({ fun: s, prox: prox.lasso }).run(x).state),
    typed(() => new solvers.ProjectedGradient({ fun: s, projection: projection.nonNegative }).run(x).state),
    typed(() =>
      new solvers.BlockCoordinateDescent({ fun: objectives.leastSquares, blockProx: prox.lasso }).run(x, 1, [x, x]),
    ),
    typed(
      () => new solvers.MirrorDescent({ fun: s, projectionGrad: solvers.klProjectionGrad, stepsize: 1 }).run(x).state,
    ),
    typed(() => new solvers.ArmijoSGD({ fun: s }).run(x).state),
    typed(() => new solvers.PolyakSGD({ fun: s }).run(x).state),
    typed(() => objectives.leastSquares(x, [x, x])),
    typed(() => isotonic.softRank(x)),
    typed(() => perturbations.makePerturbedFun(s)(x, x)),
    typed(() => losses.makeFenchelYoungLoss(s)(x, x)),
    typed(() => new solvers.ZoomLineSearch({ fun: s }).run(1, x).state),
    typed(() => optimizers.adam(1).update(params, optimizers.adam(1).init(params))),
    typed(() => prox.lasso(params, 1)),
  ];
  t.notOk(all.some(Boolean));
  const [flat, unravel]: [NDArray, (flat: NDArray) => { w: NDArray; b: NDArray[] }] = tree.ravel(params);
  t.same(unravel(flat.mul(2)).w.tolist(), [2, 2, 2]);
  t.throws(() => unravel(x), {
    message: /^unravel: needs a vector of 4 elements for { b: \[\*\], w: \* }, but got f32\[3\]\./,
  });
  const mixed = { n: np.arange(2), d: np.ones([1], { dtype: 'float64' }), s: 3 };
  const [vector, back] = tree.ravel(mixed);
  const again = back(vector.mul(2));
  t.same([vector.dtype, again.n.dtype, again.d.dtype, again.s.item()], ['float64', 'int32', 'float64', 6]);
  t.same(tree.ravel({})[0].tolist(), []);
  t.same(
    grad((v: NDArray) => unravel(v).w.sum())(flat)
      .sum()
      .item(),
    3,
  );
  t.end();
});

t.test('trees, keys, lists and rules', (t) => {
  const keys = random.split(random.key(0));
  const [key, noise] = keys;
  const three = random.split(key, 3);
  const exact: [
    // What `noUncheckedIndexedAccess` makes of a destructuring is what the index gives.
    Same<(typeof keys)[0], NDArray>,
    Same<(typeof keys)[1], NDArray>,
    Same<(typeof three)[2], NDArray>,
    Same<'2' extends keyof typeof keys ? true : false, false>,
  ] = [true, true, true, true];
  // @ts-expect-error: an array is no JavaScript array
  t.throws(() => keys.map((k) => k));
  const lanes: NDArray = vmap((k: NDArray) => random.normal(k, [2]))(three);

  const shapes = tree.map((leaf) => leaf.ndim, { w: np.ones([2, 3]), b: [np.ones([3])] });
  const ranks: Same<typeof shapes, { w: number; b: number[] }> = true;
  // @ts-expect-error: a number among the leaves is a number
  t.throws(() => tree.map((leaf) => leaf.mul(2), { w: np.ones([2]), eps: 1e-3 }));
  const leaves = tree.leaves({ w: np.ones([2]), b: [np.ones([3])] });
  const { w } = tree.unflatten(tree.structure({ w: np.ones([2]) }), [np.zeros([2])]);

  const rows: number[][] = np.eye(2).tolist();
  // @ts-expect-error: may be a number
  t.equal(np.eye(2).tolist()[0][0], 1);
  const pair: [NDArray, NDArray] = jit((x: NDArray, n: number) => [x.mul(n), x], { static: ['n'] })(np.ones([2]), 2);
  const shape = evalShape((x: NDArray) => ({ y: np.matmul(x, x.T) }), { shape: [3, 2], dtype: 'float32' });
  const size: readonly number[] = shape.y.shape;

  const clip = customVjp((_bound: number, x: NDArray) => x, { nondiffArgnums: [0] });
  clip.defvjp(
    (_bound, x) => [x, { at: x }],
    (bound, { at }, ct) => [np.clip(ct, -bound, bound).mul(at)],
  );
  const [dx] = rootVjp((x: NDArray, a: NDArray) => x.mul(x).sub(a), np.array(2), [4], 1);
  const [[value, aux], slope]: [[NDArray, { k: NDArray }], NDArray] = valueAndGrad(
    (x: NDArray) => [x.sum(), { k: x }],
    { hasAux: true },
  )(np.ones([2]));

  // @ts-expect-error: a gradient is that of a scalar
  t.throws(() => grad((x: NDArray) => ({ x }))(np.ones([2])), { name: 'GradError' });

  t.ok([...exact, ranks].every(Boolean));
  t.same(
    [noise.shape, lanes.shape, leaves.length, w.shape, rows, pair.map((x) => x.shape), size],
    [
      [2],
      [3, 2],
      2,
      [2],
      [
        [1, 0],
        [0, 1],
      ],
      [[2], [2]],
      [3, 3],
    ],
  );
  t.same([dx.item(), value.item(), aux.k.tolist(), slope.tolist()], [0.25, 2, [1, 1], [1, 1]]);
  t.equal(
    grad((x: NDArray) => clip(0.1, x).mul(3))(2)
      .item<number>()
      .toFixed(6),
    '0.200000',
  );
  t.end();
});

t.test('complex arrays', (t) => {
  const z: ComplexArray = np.array([{ real: 1, imag: 2 }]);
  const x: NDArray = np.ones([1]);
  const squared: ComplexArray = jit((z: ComplexArray) => z.mul(z))(z);
  const lanes: ComplexArray = vmap((z: ComplexArray) => z.mul(2))(z);
  const gradient: ComplexArray = grad((z: ComplexArray): NDArray => z.abs().sum())(z);
  const ofTree: { z: ComplexArray; b: NDArray } = grad(
    (p: { z: ComplexArray; b: NDArray }): NDArray => p.z.abs().sum().add(p.b),
  )({ z, b: x.sum() });
  const [last, all] = lax.scan(
    (c: ComplexArray, x: NDArray) => [c.mul(x), c.abs()] as const,
    np.complex(1, 2),
    np.ones([3]),
  );
  const [carry, magnitudes]: [ComplexArray, NDArray] = [last, all];
  const mapped: ComplexArray = tree.map((leaf) => leaf.mul(2), z);
  const named: { readonly real: string; readonly imag: string } = tree.map(String, z);
  const leaf: NDArray = tree.leaves(z)[0]!;
  const jacobian: { readonly real: ComplexArray; readonly imag: ComplexArray } = jacfwd((z: ComplexArray) => z.mul(z))(
    z,
  );
  const ofReal: ComplexArray = jacfwd((x: NDArray) => np.exp(z.mul(x)))(x);

  const isComplex: [
    Same<typeof squared, ComplexArray>,
    Same<tree.Arrays<{ z: ComplexArray; n: number }>, { z: ComplexArray; n: NDArray }>,
    Same<tree.ArrayLikes<{ z: ComplexArray; x: NDArray }>, { z: ComplexArray; x: NDArray | number | boolean }>,
    Same<tree.LeafOf<{ z: ComplexArray; x: NDArray }>, NDArray>,
  ] = [true, true, true, true];

  // NumPy's functions give what they were given; mixed operands are complex.
  const sums: [ComplexArray, ComplexArray, ComplexArray, NDArray] = [
    np.add(z, 1),
    np.add(x, z),
    x.add(z),
    np.add(x, 1),
  ];
  const others: [NDArray, NDArray, ComplexArray, NDArray, ComplexArray] = [
    np.abs(z),
    np.angle(z),
    np.concatenate([z, x]),
    np.concatenate([x, x]),
    np.zeros([2], { dtype: 'complex128' }),
  ];
  const parts: ComplexArray[] = np.split(z, 1);
  // Passed on, they are functions of real arrays; what has no type gives a real one.
  const passed: NDArray = jit(np.sin)(x);
  const untyped: NDArray = np.sin(x as any);
  // @ts-expect-error there is no order
  t.throws(() => np.maximum(z, z));
  // @ts-expect-error a real dtype
  t.throws(() => z.astype('float32'));
  t.ok(
    [
      lanes,
      gradient,
      ofTree,
      carry,
      magnitudes,
      mapped,
      named,
      leaf,
      jacobian,
      ofReal,
      isComplex,
      sums,
      others,
      parts,
    ].every(Boolean),
  );
  t.ok(passed && untyped);
  t.end();
});
