/**
 * Distributions with parameters: where the algorithm is JAX's, the same numbers for the same key (fixtures made by
 * test/oracle/random_more.py); everywhere, samples that have the distribution.
 */
import t, { type Test } from 'tap';
import { grad, jit, jvp, type NDArray, nn, np, random, special, stats, vmap } from '../src/index.ts';
import { fixture } from './lib/fixture.ts';

const { key } = random;
const fixtures: Record<string, Record<string, { shape: number[]; values: number[] }>> = fixture('random-more');

for (const dtype of ['float32', 'float64'] as const)
  t.test(`the samples of JAX in ${dtype}`, async (t) => {
    const a = np.array([0.3, 1, 2.5, 40], { dtype });
    const b = np.array([2, 0.5, 7, 3], { dtype });
    const s = [5, 4];
    const made: Record<string, NDArray> = {
      gamma: random.gamma(key(0), a, s, { dtype }),
      loggamma: random.loggamma(key(1), a, s, { dtype }),
      beta: random.beta(key(2), a, b, s, { dtype }),
      chisquare: random.chisquare(key(3), a, s, { dtype }),
      f: random.f(key(4), a, b, s, { dtype }),
      t: random.t(key(5), a, s, { dtype }),
      dirichlet: random.dirichlet(key(6), a, [5], { dtype }),
      pareto: random.pareto(key(7), a, s, { dtype }),
      rayleigh: random.rayleigh(key(8), a, s, { dtype }),
      wald: random.wald(key(9), a, s, { dtype }),
      weibullMin: random.weibullMin(key(10), a, b, s, { dtype }),
      lognormal: random.lognormal(key(11), a, s, { dtype }),
      triangular: random.triangular(key(12), a.neg(), b, a.add(8), s, { dtype }),
      maxwell: random.maxwell(key(13), s, { dtype }),
      doubleSidedMaxwell: random.doubleSidedMaxwell(key(14), 0.5, 2, [5], { dtype }),
      generalizedNormal: random.generalizedNormal(key(15), 1.5, s, { dtype }),
      ball: random.ball(key(16), 3, [5], { p: 1.5, dtype }),
      orthogonal: random.orthogonal(key(17), 3, [2], { dtype }),
      orthogonalWide: random.orthogonal(key(18), 2, [], { m: 3, dtype }),
      geometric: random.geometric(key(19), np.array([0.1, 0.5, 0.9]), [5, 3]),
      gammaSlope: vmap(grad((a: NDArray) => random.gamma(key(20), a, [], { dtype })))(a),
      loggammaSlope: vmap(grad((a: NDArray) => random.loggamma(key(20), a, [], { dtype })))(a),
    };
    // XLA's functions err more than ours; slopes are sums that cancel there.
    const tolerance = dtype === 'float32' ? 2e-4 : 1e-9;
    for (const [name, x] of Object.entries(made)) {
      const want = fixtures[dtype]![name]!;
      t.same(x.shape, want.shape, `${name}: shape`);
      // Signs are drawn with float32 numbers here, whatever the dtype, and with those of the default dtype in JAX.
      const signs = dtype === 'float64' && /generalizedNormal|ball|doubleSidedMaxwell/.test(name);
      const size = (v: number): number => (signs ? Math.abs(name === 'doubleSidedMaxwell' ? v - 0.5 : v) : v);
      const worst = Math.max(
        ...[...x.data()].map((v, i) => Math.abs(size(v) - size(want.values[i]!)) / (1 + Math.abs(want.values[i]!))),
      );
      t.ok(worst < tolerance, `${name}: ${worst}`);
      if (name !== 'geometric') t.equal(x.dtype, dtype);
    }
  });

/** Kolmogorov's distance between samples and a distribution function, times √n: above 2 once in 1500 times. */
function distance(samples: NDArray, cdf: (x: NDArray) => NDArray): number {
  const sorted = np.sort(samples.ravel());
  const p = cdf(sorted).data();
  const n = p.length;
  return Math.sqrt(n) * [...p].reduce((m, x, i) => Math.max(m, Math.abs(x - i / n), Math.abs(x - (i + 1) / n)), 0);
}

const n = 20000;
t.test('a number as a parameter is one of float64 for samples of float64', (t) => {
  const one = (p: number): NDArray => np.array(p, { dtype: 'float64' });
  for (const [name, ...given] of [
    ['gamma', 0.3],
    ['beta', 0.3, 0.7],
    ['pareto', 0.3],
    ['triangular', 0.1, 0.3, 0.9],
    ['vonmises', 0.1, 0.3],
  ] as const) {
    const sample = random[name] as (...args: unknown[]) => NDArray;
    const options = { dtype: 'float64' };
    t.strictSame(
      sample(key(3), ...given, [9], options).tolist(),
      sample(key(3), ...given.map(one), [9], options).tolist(),
      name,
    );
  }
  t.ok(np.min(random.zipf(key(3), 1 + 1e-9, [9])).item() > 0);
  t.end();
});

t.test('samples have their distribution', async (t) => {
  const fits = (t: Test, name: string, x: NDArray, cdf: (x: NDArray) => NDArray): void => {
    const d = distance(x, cdf);
    t.ok(d < 2, `${name}: ${d}`);
  };
  for (const a of [0.05, 0.7, 1, 3, 200]) {
    fits(t, `gamma ${a}`, random.gamma(key(1), a, [n]), (x) => special.gammainc(a, x));
    fits(t, `exp of loggamma ${a}`, random.loggamma(key(2), a, [n], { dtype: 'float64' }), (x) =>
      special.gammainc(a, np.exp(x)),
    );
  }
  for (const [a, b] of [
    [0.5, 0.5],
    [2, 3],
    [30, 4],
  ] as const)
    fits(t, `beta ${a} ${b}`, random.beta(key(3), a, b, [n]), (x) => special.betainc(a, b, np.clip(x, 0, 1)));
  fits(t, 'chisquare', random.chisquare(key(4), 3, [n]), (x) => special.gammainc(1.5, x.div(2)));
  fits(t, 'f', random.f(key(5), 3, 7, [n]), (x) => special.betainc(1.5, 3.5, x.mul(3).div(x.mul(3).add(7))));
  fits(t, 't', random.t(key(6), 4, [n]), (x) => stats.t.cdf(x, 4));
  fits(t, 'pareto', random.pareto(key(7), 3, [n]), (x) => np.subtract(1, np.power(x, -3)));
  fits(t, 'wald', random.wald(key(8), 2, [n]), (x) => {
    const root = np.sqrt(np.reciprocal(x));
    const [up, down] = [x.div(2).sub(1), x.div(2).add(1)];
    return special.ndtr(root.mul(up)).add(special.ndtr(root.mul(down).neg()).mul(Math.exp(1)));
  });
  const [ball, radius] = [random.ball(key(9), 3, [n]), 3];
  fits(t, 'radius of a ball', np.sqrt(np.sum(ball.mul(ball), { axis: 1 })), (r) => np.power(r, radius));
});

t.test('counts have their distribution', async (t) => {
  /** χ² of counts against probabilities, classes with few expected put together; less its degrees of freedom, over its deviation. */
  const excess = (x: NDArray, logpmf: (k: NDArray) => NDArray): number => {
    const counts = new Map<number, number>();
    for (const k of x.data()) counts.set(k, (counts.get(k) ?? 0) + 1);
    const most = Math.max(...counts.keys());
    const p = np.exp(logpmf(np.arange(most + 1))).data();
    let [chi, classes, expected, seen] = [0, 0, 0, 0];
    for (let k = 0; k <= most; k++) {
      expected += n * p[k]!;
      seen += counts.get(k) ?? 0;
      if (expected < 10) continue;
      chi += (seen - expected) ** 2 / expected;
      classes++;
      [expected, seen] = [0, 0];
    }
    return (chi - classes) / Math.sqrt(2 * classes);
  };
  for (const lam of [0.2, 3, 9.99, 10, 50, 1e4]) {
    const x = random.poisson(key(11), lam, [n]);
    const e = excess(x, (k) => stats.poisson.logpmf(k.astype('float64'), lam));
    t.ok(Math.abs(e) < 4, `poisson ${lam}: ${e}`);
  }
  for (const [m, p] of [
    [5, 0.3],
    [40, 0.9],
    [100, 0.5],
    [1000, 0.02],
    [1000, 0.97],
    [1, 0.25],
  ] as const) {
    const x = random.binomial(key(12), m, p, [n]);
    t.ok(np.all(np.logicalAnd(x.ge(0), x.le(m))).item());
    const e = excess(x, (k) => stats.binom.logpmf(k.astype('float64'), m, p));
    t.ok(Math.abs(e) < 4, `binomial ${m} ${p}: ${e}`);
  }
  const zeta = (a: number): NDArray => special.zeta(np.array(a, { dtype: 'float64' }), 1);
  t.same(random.zipf(key(0), np.array([1e5, Number.POSITIVE_INFINITY])).tolist(), [1, 1]);
  // With a next to 1, the sum of 1/k up to x is uniform: log x and Euler's constant.
  const wide = np
    .log(random.zipf(key(13), np.array(1 + 1e-9, { dtype: 'float64' }), [n]).astype('float64'))
    .div(31 * Math.LN2);
  t.ok(
    Math.abs(np.mean(wide.ge(0.75).astype('float32')).item() - 0.25 / (1 + 0.5772 / (31 * Math.LN2))) <
      3 / Math.sqrt(n),
  );
  // Normal: of as many trials, every number is a sum of many of the smallest steps of a uniform one.
  const vast = random.binomial(key(12), 2 ** 50, 0.25, [n], { dtype: 'float64' });
  const normal = vast.sub(2 ** 48).div(Math.sqrt(2 ** 48 * 0.75));
  t.ok(distance(normal, (x) => special.ndtr(x)) < 2);
  for (const a of [1.7, 2, 5]) {
    // Rare large numbers are one class.
    const x = np.minimum(random.zipf(key(13), a, [n]), 60);
    const tail = (k: NDArray): NDArray => special.zeta(np.array(a, { dtype: 'float64' }), k);
    const e = excess(x, (k) => {
      const wide = np.maximum(k.astype('float64'), 0.5);
      const mass = np.where(k.eq(60), tail(wide), wide.pow(-a));
      return np.log(np.where(k.eq(0), 0, mass.div(zeta(a))));
    });
    t.ok(Math.abs(e) < 4, `zipf ${a}: ${e}`);
  }
  for (const p of [0.02, 0.6, 0.97]) {
    const e = excess(random.logseries(key(14), p, [n]), (k) => {
      const wide = np.maximum(k.astype('float64'), 0.5);
      return np.where(
        k.eq(0),
        -Infinity,
        wide
          .mul(Math.log(p))
          .sub(np.log(wide))
          .sub(Math.log(-Math.log1p(-p))),
      );
    });
    t.ok(Math.abs(e) < 4, `logseries ${p}: ${e}`);
  }
  for (const [m, p] of [
    [10, 0.5],
    [0.7, 0.2],
    [3, 0.95],
  ] as const) {
    const e = excess(random.negativeBinomial(key(15), m, p, [n]), (k) => {
      const wide = k.astype('float64');
      const choices = special.gammaln(wide.add(m)).sub(special.gammaln(wide.add(1)));
      return choices
        .sub(special.gammaln(m))
        .add(wide.mul(Math.log1p(-p)))
        .add(m * Math.log(p));
    });
    t.ok(Math.abs(e) < 4, `negativeBinomial ${m} ${p}: ${e}`);
  }
  const chances = [0.1, 0.2, 0.7];
  const shares = random.multinomial(key(16), 30, np.array(chances), [n]);
  t.ok(np.all(shares.sum({ axis: 1 }).eq(30)).item());
  chances.forEach((p, i) => {
    const e = excess(shares.slice('...', i), (k) => stats.binom.logpmf(k.astype('float64'), 30, p));
    t.ok(Math.abs(e) < 4, `outcome ${i}: ${e}`);
  });
  const many = random.multinomial(key(17), np.array([100, 1000]), np.ones([20]).div(20), [4, 2]);
  t.same(many.shape, [4, 2, 20]);
  t.same(many.sum({ axis: [0, 2] }).tolist(), [400, 4000]);
  t.same(random.multinomial(key(0), 5, np.array([0, 1, 0])).tolist(), [0, 5, 0]);
  t.same(random.zipf(key(0), np.array([1, Number.NaN])).tolist(), [-1, -1]);
  t.same(random.logseries(key(0), np.array([0, 1, -0.1])).tolist(), [1, -1, -1]);
  t.same(random.negativeBinomial(key(0), np.array([1, 0, 1]), np.array([1, 0.5, 0])).tolist(), [0, -1, -1]);
  t.equal(random.poisson(key(0), 4).dtype, 'int32');
  t.same(random.poisson(key(0), np.array([0, -1, Number.NaN])).tolist(), [0, -1, -1]);
  t.same(random.binomial(key(0), np.array([0, 3, 3, -1]), np.array([0.5, 0, 1, 0.5])).tolist(), [0, 0, 3, Number.NaN]);
});

t.test('angles and powers', async (t) => {
  for (const a of [0.4, 3]) t.ok(distance(random.power(key(20), a, [n]), (x) => x.pow(a)) < 2);
  const grid = np.linspace(-Math.PI, Math.PI, 4001, { dtype: 'float64' });
  for (const [mu, kappa] of [
    [0, 0],
    [1, 0.3],
    [-2, 4],
    [3, 60],
  ] as const) {
    const x = random.vonmises(key(21), mu, kappa, [n], { dtype: 'float64' });
    const density = np.exp(np.cos(grid.sub(mu)).sub(1).mul(kappa));
    const mass = np.concatenate([
      np.zeros([1], { dtype: 'float64' }),
      np.cumsum(density.slice([1, 4001]).add(density.slice([0, 4000]))),
    ]);
    const cdf = (x: NDArray): NDArray => np.interp(x, grid, mass.div(mass.slice(-1)));
    t.ok(distance(x, cdf) < 2, `vonmises ${mu} ${kappa}: ${distance(x, cdf)}`);
  }
  // Nearly normal.
  const narrow = random.vonmises(key(22), 0, 1e10, [n], { dtype: 'float64' }).mul(1e5);
  t.ok(distance(narrow, (x) => special.ndtr(x)) < 2);
  t.same(random.vonmises(key(0), 0, np.array([-1, Number.NaN])).tolist(), [Number.NaN, Number.NaN]);
  t.equal((grad((mu: NDArray) => random.vonmises(key(0), mu, 4)) as any)(1).item(), 1);
});

t.test('many numbers, of which few are drawn more than once, begin with the same as few numbers', async (t) => {
  const some = [1.2, 2, 0.5, Number.NaN, 0, -1, Number.POSITIVE_INFINITY, 30, 1, 1000];
  // Loops over each element; stages in blocks of 64, 256 and 2048 elements.
  const [few, ...sizes] = [990, 1000, 5000, 70000] as const;
  const repeated = (n: number): NDArray => np.tile(np.array(some, { dtype: 'float64' }), n / some.length) as NDArray;
  const samplers: Record<string, (n: number) => NDArray> = {
    gamma: (n) => random.gamma(key(1), 2, [n], { dtype: 'float64' }),
    'gamma of an array': (n) => random.gamma(key(2), repeated(n), { dtype: 'float64' }),
    'gamma in float32': (n) => random.gamma(key(3), repeated(n)),
    loggamma: (n) => random.loggamma(key(4), repeated(n), { dtype: 'float64' }),
    poisson: (n) => random.poisson(key(5), repeated(n).mul(10)),
    binomial: (n) => random.binomial(key(6), 1000, repeated(n).div(40), { dtype: 'float64' }),
    zipf: (n) => random.zipf(key(7), repeated(n)),
    vonmises: (n) => random.vonmises(key(8), 0, repeated(n), { dtype: 'float64' }),
  };
  for (const [name, sample] of Object.entries(samplers)) {
    let shorter = sample(few).tolist() as number[];
    for (const n of sizes) {
      const longer = sample(n).tolist() as number[];
      t.strictSame(longer.slice(0, shorter.length), shorter, `${name}, ${n}`);
      shorter = longer;
    }
  }
});

t.test('under transformations', async (t) => {
  const a = np.array([0.5, 2, 30]);
  const keys = random.split(key(3), 3);
  const draw = (k: NDArray, a: NDArray): NDArray => random.gamma(k, a, [4]);
  const rows = [0, 1, 2].map((i) => draw(keys.slice(i), a.slice(i)).tolist());
  t.same((vmap(draw)(keys, a) as NDArray).tolist(), rows);
  t.same((jit(draw)(keys.slice(1), a.slice(1)) as NDArray).tolist(), rows[1]);
  const many = (k: NDArray): NDArray => random.gamma(k, 0.7, [800]);
  const long = [0, 1, 2].map((i) => many(keys.slice(i)).tolist());
  t.same((vmap(many)(keys) as NDArray).tolist(), long, 'many in all, few a lane');
  const counts = {
    poisson: (k: NDArray) => random.poisson(k, np.array([3, 20, 100]), [50, 3]),
    binomial: (k: NDArray) => random.binomial(k, np.array([9, 1000, 2 ** 40]), 0.3, [50, 3]),
    zipf: (k: NDArray) => random.zipf(k, np.array([1.1, 2, 9]), [50, 3]),
    vonmises: (k: NDArray) => random.vonmises(k, 0, np.array([0, 1, 9]), [50, 3]),
  };
  for (const [name, draw] of Object.entries(counts)) {
    const rows = [0, 1, 2].map((i) => draw(keys.slice(i)).tolist());
    t.same((vmap(draw)(keys) as NDArray).tolist(), rows, `${name}, vmap`);
    t.same((jit(vmap(draw))(keys) as NDArray).tolist(), rows, `${name}, jit of vmap`);
    t.same((jit(draw)(keys.slice(1)) as NDArray).tolist(), rows[1], `${name}, jit`);
  }
  // The mean of the gamma distribution is a, its slope 1: of the mean over samples, nearly.
  const mean = (a: NDArray): NDArray => np.mean(random.gamma(key(5), a, [5000]));
  const [, slope] = jvp(mean, [2], [1]) as unknown as [NDArray, NDArray];
  t.ok(Math.abs(slope.item() - 1) < 0.03, `${slope}`);
  t.ok(Math.abs((grad(mean) as any)(2).item() - slope.item()) < 1e-5);
  const simplex = random.dirichlet(key(6), np.array([1, 2, 3]), [100]);
  t.ok(np.allclose(np.sum(simplex, { axis: 1 }), 1));
  // Up to eight columns are sampled one by one if they are long, otherwise all together.
  for (const [rows, count] of [
    [5, 3],
    [40, 3],
    [5, 9],
  ] as const) {
    const alpha = np.linspace(0.4, 3, count);
    const wanted = nn.softmax(random.loggamma(key(6), alpha, [rows, count]), { axis: -1 });
    t.ok(np.allclose(random.dirichlet(key(6), alpha, [rows]), wanted), `dirichlet of ${rows} times ${count}`);
  }
  t.ok(np.allclose(random.beta(key(6), 2, 5, [9]), random.beta(key(6), np.array(2), np.array(5), [9])));
  // Samples that are too small for a float do not move.
  const least = (df: NDArray): NDArray => np.sum(random.chisquare(key(1), df, [50], { dtype: 'float64' }));
  t.ok(Number.isFinite((grad(least) as any)(np.array(1e-4, { dtype: 'float64' })).item()));
  // Below 1 a sample takes another uniform number and a power, from 1 on neither.
  const loops = (a: number): number =>
    jit((k: NDArray) => random.gamma(k, a, [8]))
      .lower(key(0))
      .wasmText.split('(loop').length;
  t.equal(loops(1), loops(0.5) - 1);
  const q = random.orthogonal(key(7), 3, [2]);
  t.ok(np.allclose(np.matmul(q.swapaxes(1, 2), q), np.eye(3), { atol: 1e-5 }));
});

t.test('errors', async (t) => {
  t.throws(() => random.gamma(key(0), np.ones([3]), [2]), {
    message: 'gamma: a parameter f32[3] does not broadcast to shape [2].',
  });
  t.throws(() => random.poisson(key(0), 3, [2], { dtype: 'float32' }), {
    message: 'poisson: needs an integer dtype, but got float32.',
  });
  t.throws(() => random.multinomial(key(0), 5, 1), {
    message: 'multinomial: needs a vector of probabilities, but got f64[].',
  });
  t.throws(() => random.multinomial(key(0), np.ones([3]), np.ones([2]), [4]), {
    message: 'multinomial: f64[3] trials and probabilities f64[2] do not broadcast to shape [4].',
  });
  t.throws(() => random.dirichlet(key(0), 1), { message: 'dirichlet: needs a vector, but got f32[].' });
  t.throws(() => random.beta(key(0), np.ones([3]), np.ones([2])), {
    message: 'beta: parameters f32[3] and f32[2] do not broadcast together.',
  });
});
