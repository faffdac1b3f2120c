/** Special functions against mpmath, and at the ends of their range against SciPy: see test/oracle/special.py. */
import t from 'tap';
import type { Value } from '../src/core/trace.ts';
import { grad, hessian, jit, jvp, lax, type NDArray, np, special, stats, vmap } from '../src/index.ts';
import { igammaGradA, logGammaSlope } from '../src/special/incomplete-gamma.ts';
import { fixture } from './lib/fixture.ts';

type Row = readonly (number | 'nan' | 'inf' | '-inf')[];
const { points, ends } = fixture('special') as { points: Record<string, number[][]>; ends: Record<string, Row[]> };
type Elementwise = (...xs: any[]) => NDArray;
const scope = special as unknown as Record<string, Elementwise>;
const functionOf = (name: string): Elementwise =>
  name === 'gammaincGradA' ? igammaGradA : scope[name.split(' ')[0]!]!;

const f64 = (x: unknown): NDArray => np.array(x as number[], { dtype: 'float64' });
const columns = (rows: readonly (readonly number[])[]): NDArray[] =>
  rows[0]!.slice(1).map((_, k) => f64(rows.map((row) => row[k]!)));
const number = (x: Row[number]): number =>
  x === 'nan' ? Number.NaN : x === 'inf' ? Infinity : x === '-inf' ? -Infinity : x;

/** Allowed errors in units of 2⁻⁵³: of the value, and of 1 where the value is one minus another. */
const bounds: Record<string, readonly [relative: number, absolute?: number]> = {
  gammainc: [40],
  gammaincc: [40],
  gammaincGradA: [200, 100],
  betainc: [120, 40],
  betaln: [20, 4],
  zeta: [10],
  'zeta negative': [40, 8],
  polygamma: [20],
  gamma: [64],
  expi: [60, 4],
  exp1: [60],
  expn: [80],
};

for (const [name, rows] of Object.entries(points)) {
  t.test(`${name}: values`, async (t) => {
    const f = functionOf(name);
    const xs = columns(rows);
    const got = f(...xs).data();
    const [relative, absolute = 0] = bounds[name] ?? [8];
    rows.forEach((row, i) => {
      const want = row.at(-1)!;
      // In the tails the exponent is what rounding changes.
      const tail = /^gammainc|^betainc/.test(name) ? 4 * Math.abs(Math.log(Math.abs(want))) : 0;
      const allowed = 2 ** -53 * ((relative + tail) * Math.abs(want) + absolute);
      const error = Math.abs(got[i]! - want);
      if (!(error <= allowed)) t.fail(`${name}(${row.slice(0, -1)}) is ${got[i]}, but must be ${want}`);
    });
    // One element at a time, and float32 rounded once.
    t.equal(f(...xs.map((x) => x.slice(3))).item(), got[3]);
    const single = xs.map((x) => x.astype('float32'));
    const widened = f(...single.map((x) => x.astype('float64'))).astype('float32');
    t.same(f(...single).data(), widened.data());
    t.same((jit(vmap(f as any)) as any)(...xs).data(), got);
  });
}

const overflows = new Set([
  'zeta(inf,2)',
  ...['i0', 'i1'].flatMap((f) => [`${f}(inf)`, `${f}(-inf)`, `${f}(713)`]),
  'expi(710)',
]);

for (const [name, rows] of Object.entries(ends)) {
  t.test(`${name}: ends`, async (t) => {
    for (const row of rows) {
      const args = row.slice(0, -1).map((x) => f64(number(x)));
      const want = number(row.at(-1)!);
      const got = scope[name]!(...args).item();
      // SciPy's overflow early, or at infinity.
      if (overflows.has(`${name}(${row.slice(0, -1)})`)) continue;
      const near = Number.isFinite(want) ? Math.abs(got - want) <= 1e-9 * Math.abs(want) : Object.is(got, want);
      t.ok(near, `${name}(${row.slice(0, -1)}) is ${got}, SciPy's ${want}`);
    }
  });
}

t.test('where SciPy overflows', async (t) => {
  t.same(
    [special.zeta(Infinity, 2).item(), special.i0(-Infinity).item(), special.i1(-Infinity).item()],
    [0, Infinity, -Infinity],
  );
  const large = [special.i0(f64(713)), special.i1(f64(713)), special.expi(f64(710))].map((x) => x.item());
  [6.705128263670997e307, 6.700424559186403e307, 3.1509156882062025e305].forEach((x, i) => {
    t.ok(Math.abs(large[i]! / x - 1) < 1e-14, `${large[i]}`);
  });
});

t.test('derivatives', async (t) => {
  const check = (name: string, f: (x: Value) => Value, at: readonly number[]): void => {
    const x = f64(at);
    const [, slope] = jvp(f, [x], [np.ones([at.length], { dtype: 'float64' })]) as unknown as [NDArray, NDArray];
    const h = 1e-5;
    const numeric = f(x.add(h))
      .sub(f(x.sub(h)))
      .div(2 * h)
      .data();
    slope.data().forEach((s, i) => {
      const scale = 1e-7 * (1 + Math.abs(s));
      t.ok(Math.abs(s - numeric[i]!) < scale, `${name} at ${at[i]}: ${s}, by differences ${numeric[i]}`);
    });
    const [back] = (grad((y: NDArray) => f(y).sum()) as any)(x).data();
    t.equal(back, slope.data()[0], `${name}, in reverse`);
  };
  const { gammainc, gammaincc, betainc, betaln, zeta, polygamma, gamma, expn } = special;
  const a = 2.5;
  check('gammainc in x', (x) => gammainc(a, x), [0.3, 1, 2.5, 7]);
  check('gammaincc in x', (x) => gammaincc(a, x), [0.3, 1, 2.5, 7]);
  check('gammainc in a', (x) => gammainc(x, 2), [0.3, 1, 2, 5]);
  check('gammaincc in a', (x) => gammaincc(x, 2), [0.3, 1, 2, 5]);
  check('slope in x of the derivative in a', (x) => igammaGradA(f64(2.5), x), [0.3, 1, 2.5, 7]);
  check('betainc', (x) => betainc(2, 3.5, x), [0.1, 0.4, 0.9]);
  check('betaln', (x) => betaln(x, 4), [0.3, 4, 20]);
  check('zeta', (q) => zeta(3, q), [0.5, 2, -1.5]);
  check('polygamma', (x) => polygamma(2, x), [0.5, 2, -1.5]);
  check('gamma', gamma, [0.5, 3, -1.5]);
  check('expn', (x) => expn(3, x), [0.5, 2]);
  for (const [name, at] of [
    ['i0', [-9, -2, 3, 9]],
    ['i1', [-9, -2, 3, 9]],
    ['i0e', [-9, -2, 3, 9]],
    ['i1e', [-9, -2, 3, 9]],
    ['logNdtr', [-30, -3, 0.2, 4]],
    ['ndtri', [0.1, 0.4, 0.7]],
    ['expi', [-2, 0.7, 3]],
    ['exp1', [0.5, 2]],
    ['logit', [0.2, 0.4, 0.9]],
    ['factorial', [0.5, 3]],
  ] as const)
    check(name, scope[name] as any, at);
  t.equal((grad(special.i1) as any)(0).item(), 0.5);
  const curvature = hessian((x: NDArray) => gammainc(a, x))(f64(2)) as NDArray;
  // The density's slope: x^(a − 2) e⁻ˣ (a − 1 − x)/Γ(a).
  t.ok(Math.abs(curvature.item() - (2 ** 0.5 * Math.exp(-2) * -0.5) / 1.329340388179137) < 1e-12);
});

t.test('the slope of samples in the parameter of the gamma distribution', async (t) => {
  // From both sides of where its methods meet, against the difference quotient of the inverse.
  const slope = (a: number, x: number): number => logGammaSlope(f64(a), f64(Math.log(x))).item();
  for (const [a, x] of [
    [2, 2],
    [0.1, 1e-9],
    [300, 310],
    [19999, 20100],
    [20001, 20100],
    [5e4, 49900],
  ] as const) {
    const h = 1e-4 * a;
    // x(a + h) with the same P, by two of Newton's steps.
    const p = special.gammainc(f64(a), f64(x)).item();
    const moved = [-h, h].map((d) => {
      let y = x * Math.exp(d * slope(a, x));
      for (let i = 0; i < 3; i++) {
        const f = (z: NDArray) => special.gammainc(f64(a + d), z);
        const [value, density] = [f(f64(y)).item(), (grad(f) as any)(f64(y)).item()];
        y -= (value - p) / density;
      }
      return Math.log(y);
    });
    const numeric = (moved[1]! - moved[0]!) / (2 * h);
    t.ok(Math.abs(slope(a, x) / numeric - 1) < 1e-6, `a = ${a}: ${slope(a, x)}, by differences ${numeric}`);
  }
});

t.test('what has no derivative says so', async (t) => {
  t.throws(() => grad((a: NDArray) => special.betainc(a, 2, 0.5))(1), {
    message: /^betainc: there is no derivative with respect to `a`\./,
  });
  t.throws(() => grad((n: NDArray) => special.polygamma(n, 2))(1), {
    message: /^polygamma: there is no derivative with respect to the order\./,
  });
  t.throws(() => grad(grad((a: NDArray) => special.gammainc(a, 2)))(1), {
    message: /^gammainc: there is no second derivative with respect to `a`\./,
  });
});

t.test('types and shapes', async (t) => {
  t.equal(special.gammainc(np.array([1, 2], { dtype: 'int32' }), 2).dtype, 'float32');
  t.same(special.betainc(np.ones([2, 1]), np.ones([3]), 0.5).shape, [2, 3]);
  t.same(special.gammainc(np.zeros([0]), 1).shape, [0]);
  t.equal(String(special.gammainc(2, 3)), '0.8008517');
  t.same(special.klDiv(np.array([1, 0]), np.array([2, 3])).tolist(), [Math.fround(1 - Math.log(2)), 3]);
  const lanes = vmap((a: NDArray) => special.gammainc(a, np.array([1, 2])))(np.array([0.5, 3]));
  t.same(lanes.tolist(), special.gammainc(np.array([[0.5], [3]]), np.array([1, 2])).tolist());
  t.throws(() => (special.betainc as any)(1, 2, 0.5, np.ones([2])), {
    message: 'betainc: takes three arguments, but got f32[2] as another.',
  });
});

t.test('a number that a loop carries, per lane', async (t) => {
  // Lanes were rounded to float32, and loops over float64 ended early or never.
  const count = (a: NDArray): NDArray =>
    lax.whileLoop(
      ([n]) => n.lt(a),
      ([n]) => [n.add(0.1)] as const,
      [1] as const,
    )[0];
  const a = [2, 7.3, 4];
  t.same(
    (jit(vmap(count))(f64(a)) as NDArray).tolist<number[]>().map(Math.fround),
    a.map((x) => Math.fround(count(f64(x)).item())),
  );
});

interface Distribution {
  readonly call: [name: string, f: string];
  readonly points: number[];
  readonly parameters: number[];
  readonly values: Row;
}

t.test('distributions as SciPy has them', async (t) => {
  for (const { call, points, parameters, values } of fixture('stats') as Distribution[]) {
    const [name, f] = call;
    const compute = ((stats as any)[name] as Record<string, Elementwise>)[f]!;
    const got = compute(f64(points), ...parameters.map(f64)).data();
    values.forEach((v, i) => {
      const want = number(v);
      const near = Number.isFinite(want)
        ? Math.abs(got[i]! - want) <= 1e-10 * (Math.abs(want) + 1e-4)
        : Object.is(got[i], want);
      t.ok(near, `${name}.${f}(${points[i]}, ${parameters}) is ${got[i]}, SciPy's ${want}`);
    });
  }
  t.throws(() => (stats.norm.logpdf as any)(1, 0, 1, np.ones([2])), {
    message: 'norm.logpdf: takes three arguments, but got f32[2] as another.',
  });
  t.throws(() => (stats.poisson.pmf as any)(1, 2, 0, {}), {
    message: 'poisson.pmf: takes three arguments, but got an object as another.',
  });
});
