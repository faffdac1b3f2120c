/** Losses, isotonic regression, soft sorting and ranking, perturbed functions: against JAXopt, scikit-learn and definitions. */
import {
  grad,
  hessian,
  isotonic,
  jacfwd,
  jacrev,
  jit,
  losses,
  type NDArray,
  nn,
  np,
  perturbations,
  projection,
  random,
  special,
  vmap,
} from 'cotangent';
import t from 'tap';
import { fixture } from './lib/fixture.ts';
import { close, f64, near } from './lib/near.ts';

const wanted = fixture('composite');
const { isotonicL2, softRank, softSort } = isotonic;

t.test('losses', (t) => {
  for (const [name, { x, y, values, gradients }] of Object.entries<any>(wanted.losses)) {
    const f = ((losses as any)[name] ?? (nn as any)[name]) as (x: NDArray, y?: NDArray) => NDArray;
    const of = (x: NDArray): NDArray => (y ? f(x, np.array(y, { dtype: 'int32' })) : f(x));
    close(of(f64(x)), values, name);
    close(jit((x: NDArray) => grad((x: NDArray) => np.sum(of(x)))(x))(f64(x)), gradients, `${name}: gradient`);
    t.equal(of(np.array(x)).dtype, 'float32', name);
  }
  t.same(nn.sparsePlus(f64([-Infinity, 1e300, Infinity])).tolist(), [0, 1e300, Infinity], 'far away');
  close(
    vmap(grad((x: NDArray) => nn.sparsePlus(x)))(f64([-Infinity, -1, 1, Infinity])),
    [0, 0, 1, 1],
    'its derivative',
  );
  const scores = random.normal(random.key(0), [8, 5], { dtype: 'float64' });
  const targets = nn.softmax(random.normal(random.key(1), [8, 5], { dtype: 'float64' }));
  const logistic = losses.makeFenchelYoungLoss((s: NDArray) => special.logsumexp(s, { axis: -1 }));
  const onehot = nn.oneHot(np.argmax(targets, { axis: 1 }), 5, { dtype: 'float64' });
  close(logistic(scores, onehot), losses.softmaxCrossEntropy(scores, onehot).tolist(), 'of one-hot targets');
  const slope = grad((s: NDArray) => logistic(s, targets).sum())(scores);
  close(slope, nn.softmax(scores).sub(targets).tolist(), 'the gradient of a Fenchel-Young loss');
  const least = logistic(np.log(targets), targets);
  t.ok(np.all(logistic(scores, targets).gt(least)).item(), 'least where the targets are predicted');
  const ofMatrix = losses.makeFenchelYoungLoss((s: NDArray) => np.max(s));
  close(
    ofMatrix(scores, targets),
    np
      .max(scores)
      .sub(np.sum(scores.mul(targets)))
      .item(),
    'of all scores',
  );
  // Sparsemax: the loss is that of its conjugate, and the projection has zeros.
  const labels = np.argmax(targets, { axis: 1 });
  const p = vmap((s: NDArray) => projection.simplex(s))(scores);
  const sparse = grad((s: NDArray) => losses.multiclassSparsemaxLoss(s, labels).sum())(scores);
  close(sparse, p.sub(onehot).tolist(), 'its gradient is the projection less the label');
  t.ok(np.any(p.eq(0)).item());
  t.throws(() => losses.multiclassHingeLoss(scores, scores), {
    message: /^multiclassHingeLoss: logits f64\[8,5\] must have one axis more than labels f64\[8,5\]\./,
  });
  t.throws(() => losses.makeFenchelYoungLoss((s: NDArray) => s.slice([0, 2]))(scores, targets), {
    message:
      /^the Fenchel-Young loss: the maxima f64\[2,5\] must have the shape of the first axes of scores f64\[8,5\]\./,
  });
  t.end();
});

t.test('isotonic regression', (t) => {
  for (const { y, weights, increasing, fit } of wanted.isotonic) {
    const [value, w] = [f64(y), f64(weights)];
    const options = { increasing, weights: w };
    close(isotonicL2(value, options), fit, `${y.length} elements, ${increasing ? 'increasing' : 'decreasing'}`);
    const found = jit((y: NDArray, w: NDArray) => isotonicL2(y, { increasing, weights: w }))(
      value,
      w,
    ).tolist() as number[];
    t.ok(
      found.every((x, i) => i === 0 || (increasing ? found[i - 1]! <= x : found[i - 1]! >= x)),
      'in order to the last bit',
    );
    if (weights.every((x: number) => x === 1)) close(isotonicL2(value, { increasing }), fit, 'without weights');
  }
  for (const increasing of [true, false]) {
    const y = random.normal(random.key(3), [10], { dtype: 'float64' });
    const w = random.uniform(random.key(4), [10], { dtype: 'float64' }).add(0.2);
    const loss = (y: NDArray, w: NDArray): NDArray =>
      np.sum(np.power(isotonicL2(y, { increasing, weights: w, yMin: -0.8, yMax: 0.9 }), 3));
    differences(t, (y) => loss(y, w), y, 'in y');
    differences(t, (w) => loss(y, w), w, 'in weights');
    const blocks = jacrev((y: NDArray) => isotonicL2(y, { increasing }))(y);
    near(t, jit(jacfwd((y: NDArray) => isotonicL2(y, { increasing })))(y), blocks, 1e-14, 'forward as reverse');
    near(t, np.sum(blocks, { axis: 1 }), np.ones([10]), 1e-14, 'averages');
    near(t, np.matmul(blocks, blocks), blocks, 1e-14, 'a projection');
  }
  const many = random.normal(random.key(5), [16, 10], { dtype: 'float64' });
  const lanes = jit(vmap((y: NDArray) => isotonicL2(y)))(many);
  const inLanes = jit(vmap(jacrev((y: NDArray) => isotonicL2(y))))(many);
  for (let i = 0; i < 16; i++) {
    t.same(lanes.slice(i).tolist(), isotonicL2(many.slice(i)).tolist(), `lane ${i}`);
    if (i < 2) t.same(inLanes.slice(i).tolist(), jacrev((y: NDArray) => isotonicL2(y))(many.slice(i)).tolist());
  }
  close(isotonicL2(np.array([3, 2, 1])), [2, 2, 2], 'one block');
  close(isotonicL2(np.array([1, 1, 2])), [1, 1, 2], 'ties');
  close(jacrev((y: NDArray) => isotonicL2(y))(np.array([1, 1])), [0.5, 0.5, 0.5, 0.5], 'ties are one block');
  t.same(isotonicL2(np.zeros([0])).shape, [0]);
  t.equal(isotonicL2(np.array([1, 3, 2])).dtype, 'float32');
  const long = isotonicL2(random.normal(random.key(6), [20000]).add(np.arange(20000).mul(1e-4)));
  t.ok(np.all(np.diff(long).ge(0)).item(), 'a long vector');
  t.throws(() => isotonicL2(np.ones([2, 2])), {
    message: /^isotonicL2: y must be a vector, but it is f32\[2,2\]\.\n {2}hint: use `vmap` for several/,
  });
  t.throws(() => isotonicL2(np.ones([2]), { weights: np.ones([3]) }), {
    message: /^isotonicL2: weights f32\[3\] do not have the shape of y f32\[2\]\./,
  });
  t.end();
});

/** First and second derivatives of a scalar function against differences. */
function differences(t: any, f: (x: NDArray) => NDArray, x: NDArray, name: string): void {
  const direction = np.cos(np.arange(x.size).astype('float64').mul(2));
  const h = 1e-5;
  const along = (g: (x: NDArray) => NDArray): NDArray =>
    g(x.add(direction.mul(h)))
      .sub(g(x.sub(direction.mul(h))))
      .div(2 * h);
  near(t, np.dot(jit(grad(f))(x), direction), along(f), 1e-7, `${name}: gradient`);
  near(t, np.matmul(hessian(f)(x), direction), along(grad(f)), 1e-6, `${name}: Hessian`);
}

t.test('soft ranks and soft sorting', (t) => {
  const theta = random.normal(random.key(7), [9], { dtype: 'float64' });
  const n = 9;
  const rho = np.arange(1, n + 1).astype('float64');
  const descending = (x: NDArray): NDArray => np.flip(np.sort(x));
  for (const strength of [0.01, 0.3, 1, 10]) {
    for (const [name, z, w, p] of [
      ['softRank', theta.div(strength), rho, softRank(theta, { strength })],
      ['softRank, descending', theta.neg().div(strength), rho, softRank(theta, { strength, descending: true })],
      ['softSort, descending', descending(rho).div(strength), theta, softSort(theta, { strength, descending: true })],
      ['permutahedron', theta.mul(3), theta.mul(theta), projection.permutahedron(theta.mul(3), theta.mul(theta))],
    ] as const) {
      // p is the projection of z on the convex hull of the permutations of w: it is majorised by w, and no vertex q has
      // ⟨z − p, q⟩ > ⟨z − p, p⟩. The largest is where both are sorted.
      const [sums, all] = [np.cumsum(descending(p)), np.cumsum(descending(w))];
      const gap = np.dot(descending(z.sub(p)), descending(w)).sub(np.dot(z.sub(p), p));
      t.ok(
        np.max(sums.sub(all)).item()! <= 1e-9 && Math.abs(sums.slice(-1).sub(all.slice(-1)).item() as number) < 1e-9,
        `${name} at ${strength}: in the hull`,
      );
      t.ok((gap.item() as number) <= 1e-8 * (1 + 1 / strength), `${name} at ${strength}: nearest, ${gap}`);
    }
    near(
      t,
      softSort(theta, { strength }),
      softSort(theta.neg(), { strength, descending: true }).neg(),
      1e-14,
      'ascending',
    );
    for (const regularization of strength === 0.3 ? (['l2', 'kl'] as const) : []) {
      const weights = np.cos(np.arange(n).astype('float64'));
      for (const [name, f] of Object.entries({ softRank, softSort }))
        differences(
          t,
          (x) => np.dot(np.square(f(x, { strength, regularization })), weights),
          theta,
          `${name}, ${regularization}`,
        );
    }
  }
  // The entropic variant against the formula min over starts, max over ends, of log Σ eˢ − log Σ eʷ.
  for (const strength of [0.2, 1, 4]) {
    const logs = np.log(descending(rho)).tolist() as number[];
    const order = (theta.tolist() as number[]).map((x, i) => [x / strength, i] as const).sort((a, b) => b[0] - a[0]);
    const lse = (xs: readonly number[]): number => Math.log(xs.reduce((sum, x) => sum + Math.exp(x), 0));
    const level = (j: number, k: number): number =>
      lse(order.slice(j, k + 1).map(([s]) => s)) - lse(logs.slice(j, k + 1));
    const expected: number[] = [];
    for (const [i, [s, place]] of order.entries()) {
      const starts = [...Array(i + 1).keys()].map((j) =>
        Math.max(...[...Array(n - i).keys()].map((k) => level(j, i + k))),
      );
      expected[place] = Math.exp(s - Math.min(...starts));
    }
    near(t, softRank(theta, { strength, regularization: 'kl' }), expected, 1e-10, `entropic ranks at ${strength}`);
  }
  // Both limits.
  const exact = np.argsort(np.argsort(theta)).add(1);
  for (const regularization of ['l2', 'kl'] as const) {
    near(t, softRank(theta, { strength: 1e-4, regularization }), exact, 1e-12, `${regularization}: ranks`);
    near(t, softSort(theta, { strength: 1e-4, regularization }), np.sort(theta), 1e-12, `${regularization}: sorted`);
    near(t, softRank(theta, { strength: 1e6, regularization }).sum(), f64(45), 1e-6, `${regularization}: their sum`);
  }
  near(t, softSort(theta, { strength: 1e6 }), np.full([n], np.mean(theta).item() as number), 1e-4, 'the mean');
  const small = softRank(np.array([3e-6, 1, -2, 1e-6]), { strength: 1e-7 });
  t.same(small.tolist(), [3, 4, 1, 2], 'exact in float32, however small the strength');
  near(
    t,
    jit(vmap((x: NDArray) => softRank(x)))(np.stack([theta, theta.neg()])),
    np.stack([softRank(theta), softRank(theta.neg())]),
    1e-14,
    'lanes',
  );
  // Spearman's correlation, as a loss.
  const correlation = (x: NDArray): NDArray =>
    np.corrcoef(np.stack([softRank(x), np.arange(n).astype('float64')])).slice(0, 1);
  let x = theta;
  const step = jit((x: NDArray) => x.add(grad(correlation)(x).mul(0.5)));
  for (let i = 0; i < 300; i++) x = step(x);
  t.ok((correlation(x).item() as number) > 0.999, 'ranks are learned');
  t.throws(() => softRank(theta, { regularization: 'l1' as never }), {
    message: /^softRank: `regularization` must be one of 'l2', 'kl', but it is the string "l1"\./,
  });
  t.throws(() => projection.permutahedron(theta, rho.slice([1])), {
    message: /^projection.permutahedron: w must be a vector like x f64\[9\], but it is f64\[8\]\./,
  });
  t.end();
});

t.test('perturbed functions', (t) => {
  const argmax = (x: NDArray): NDArray => nn.oneHot(np.argmax(x), x.size, { dtype: 'float64' });
  const ranks = (x: NDArray): NDArray => np.argsort(np.argsort(x)).astype('float64');
  const signs = (x: NDArray): NDArray => np.sum(np.sign(x));
  const { makePerturbedArgmax, makePerturbedFun, makePerturbedMax, normal, gumbel } = perturbations;
  const x = f64(wanted.perturbed.x);
  const key = random.key(0);
  for (const [kind, noise] of Object.entries({ normal, gumbel })) {
    const options = { numSamples: 200, sigma: 0.5, noise };
    for (const [name, f] of Object.entries({
      argmax: makePerturbedArgmax(argmax, options),
      ranks: makePerturbedArgmax(ranks, { ...options, controlVariate: true }),
      max: makePerturbedMax(argmax, options),
      scalar: makePerturbedFun(signs, options),
      controlled: makePerturbedFun(signs, { ...options, controlVariate: true }),
    })) {
      const { value, jacobian } = wanted.perturbed[`${kind} ${name}`];
      const g = (x: NDArray): NDArray => f(x, key);
      close(g(x), value, `${kind} ${name}: JAXopt's value`);
      close(jit(jacrev(g))(x), jacobian, `${kind} ${name}: JAXopt's derivative`, 1e-9);
      close(jacfwd(g)(x), jacobian, `${kind} ${name}: forward`, 1e-9);
    }
  }
  // Gumbel's noise makes the softmax, its derivative and its second derivative.
  const sigma = 0.5;
  const many = { numSamples: 20000, sigma };
  const soft = makePerturbedArgmax(argmax, { ...many, controlVariate: true });
  const softmax = (x: NDArray): NDArray => nn.softmax(x.div(sigma));
  const far = (a: NDArray, b: NDArray): number => np.max(np.abs(a.sub(b))).item() as number;
  const small = f64([0.3, -0.2, 0.4]);
  t.ok(far(soft(x, key), softmax(x)) < 0.01, 'softmax');
  t.ok(far(jacrev((x: NDArray) => soft(x, key))(x), jacrev(softmax)(x)) < 0.05, 'its derivative');
  const energy = (f: (x: NDArray) => NDArray) => (x: NDArray) => np.sum(np.square(f(x)));
  t.ok(far(grad(energy((x) => soft(x, key)))(x), grad(energy(softmax))(x)) < 0.1, 'of a loss');
  const third = (f: (x: NDArray) => NDArray) => jit(hessian((x: NDArray) => f(x).slice(0)));
  t.ok(far(third((x) => soft(x, key))(small), third(softmax)(small)) < 0.25, 'its second derivative');
  const max = makePerturbedMax(argmax, many);
  const logsumexp = (x: NDArray): NDArray => special.logsumexp(x.div(sigma)).add(np.eulerGamma).mul(sigma);
  t.ok(far(max(x, key), logsumexp(x)) < 0.02, 'the maximum is log Σ exp');
  t.ok(far(grad((x: NDArray) => max(x, key))(x), softmax(x)) < 0.01, 'its gradient');
  t.ok(far(hessian((x: NDArray) => max(x, key))(small), hessian(logsumexp)(small)) < 0.05, 'its Hessian');
  t.ok((max(x, key).item() as number) > 1.9, 'noise makes the maximum larger');
  // Normal noise makes 2Φ(x/σ) − 1 of the sign, whose derivatives are known.
  const sign = makePerturbedFun(np.sign, { numSamples: 40000, sigma, noise: normal });
  const expected = (x: NDArray): NDArray => special.ndtr(x.div(sigma)).mul(2).sub(1);
  const batch = f64([
    [-0.5, 1.2],
    [-0.4, -1.2],
    [0.1, 0.05],
  ]);
  const keys = random.split(key, 3);
  t.ok(far(jit(vmap(sign))(batch, keys), expected(batch)) < 0.02, 'signs, in lanes with a key each');
  const total = (f: (x: NDArray) => NDArray) => grad((x: NDArray) => np.sum(f(x)));
  t.ok(far(total((b) => vmap(sign)(b, keys))(batch), total(expected)(batch)) < 0.1, 'their derivative');
  // Small noise, ranks, matrices, and what the function captures.
  near(t, makePerturbedArgmax(ranks, { sigma: 1e-9, noise: normal })(x, key), ranks(x), 1e-9, 'small noise');
  near(t, makePerturbedMax(argmax, { sigma: 1e-7 })(x, key), f64(1.9), 1e-5, 'small noise, max');
  const rows = makePerturbedArgmax((x: NDArray) => vmap(argmax)(x), { numSamples: 50 });
  t.same(grad((x: NDArray) => rows(x, key).slice(0, 0))(np.stack([x, x])).shape, [2, 5]);
  const scaled = (a: NDArray): NDArray => makePerturbedFun((x: NDArray) => signs(x).mul(a), { numSamples: 10 })(x, key);
  near(t, grad(scaled)(f64(3)), scaled(f64(1)), 1e-12, 'what the function captures');
  t.ok(far(soft(x, keys.slice(0)), soft(x, keys.slice(1))) > 1e-4, 'another key, other noise');
  t.equal(makePerturbedArgmax(argmax)(np.array([1, 2]), key).dtype, 'float64');
  // Less variance with a control variate: of a function that is far from 0.
  const shifted = (x: NDArray): NDArray => signs(x).add(100);
  const spread = (controlVariate: boolean): number => {
    const f = makePerturbedFun(shifted, { numSamples: 100, sigma, noise: normal, controlVariate });
    return np.max(np.std(vmap(grad(f), { inAxes: [null, 0] })(x, random.split(key, 50)), { axis: 0 })).item() as number;
  };
  t.ok(spread(true) < spread(false) / 10, 'a control variate');
  // The Fenchel-Young loss of the perturbed maximum has the perturbed argmax less the target as its gradient.
  const loss = losses.makeFenchelYoungLoss((s: NDArray, key: NDArray) => max(s, key));
  near(
    t,
    grad((s: NDArray) => loss(s, f64([0, 1, 0]), key))(small),
    makePerturbedArgmax(argmax, many)(small, key).sub(f64([0, 1, 0])),
    1e-12,
    'Fenchel-Young',
  );
  t.throws(() => makePerturbedArgmax((x: NDArray) => np.argmax(x))(x, key), {
    message: /^makePerturbedArgmax: the function must keep the shape of its input, but makes \[\] of f64\[5\]\./,
  });
  t.throws(() => makePerturbedFun(signs, { numSamples: 0 }), {
    message: /^makePerturbedFun: `numSamples` must be a whole number from 1 on, but it is 0\./,
  });
  t.throws(() => makePerturbedFun(signs, { noise: {} as never }), {
    message: /^makePerturbedFun: `noise` must have `sample` and `logProb`, but it is an object\./,
  });
  t.end();
});
