/** Eigenvalues, singular values and what is made of them, against JAX, NumPy and their definitions. */
import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { shapedArray } from '../src/core/aval.ts';
import type { Primitive } from '../src/core/primitive.ts';
import { bind } from '../src/core/trace.ts';
import { grad, jacfwd, jacrev, jit, jvp, lax, linalg, NDArray, np, vmap } from '../src/index.ts';
import { eighP, qrP, svdP } from '../src/lax/linalg.ts';
import { difference, host } from './check-primitive.ts';
import { matches, thaw } from './primitive-fixtures.ts';

const frozen = JSON.parse(readFileSync(new URL('../../test/fixtures/spectral.json', import.meta.url), 'utf8'));
const [U, B] = [thaw(frozen.constants.u), thaw(frozen.constants.b)];

type Matrix = NDArray;
const corner = (x: Matrix): Matrix => B.astype(x.dtype).slice([0, x.shape[0]!], [0, x.shape[1]!]);
const weighted = (x: Matrix): NDArray => np.sum(x.mul(corner(x)));
const along = (v: NDArray): NDArray => np.square(np.dot(v, U.astype(v.dtype).slice([0, v.shape[0]!])));

/** The functions of test/oracle/spectral.py. */
const functions: Record<string, (a: Matrix) => NDArray> = {
  eigenvalueLogs: (a) => np.sum(np.log(np.square(linalg.eigvalsh(a)).add(1.5))),
  smallestProjection: (a) => along(linalg.eigh(a).eigenvectors.slice([], 0)),
  eigenSquareRoot: (a) => {
    const { eigenvalues: w, eigenvectors: v } = linalg.eigh(a);
    return weighted(np.matmul(v.mul(np.sqrt(w.mul(w).add(1))), v.T));
  },
  singularSquares: (a) => {
    const s = linalg.svdvals(a);
    return np.sum(s.mul(s).mul(np.arange(1, s.shape[0]! + 1)));
  },
  leftProjection: (a) => along(linalg.svd(a, { fullMatrices: false }).u.slice([], 0)),
  rightProjection: (a) => along(linalg.svd(a, { fullMatrices: false }).vh.slice(-1)),
  polarFactor: (a) => {
    const { u, vh } = linalg.svd(a, { fullMatrices: false });
    return weighted(np.matmul(u, vh));
  },
  pseudoInverse: (a) => weighted(linalg.pinv(a)),
  exponential: (a) => weighted(linalg.expm(a)),
  spectralNorm: (a) => linalg.norm(a, { ord: 2 }),
  nuclearNorm: (a) => linalg.norm(a, { ord: 'nuc' }),
  condition: (a) => linalg.cond(a),
};

/** Within a tolerance relative to the largest. */
function near(t: Test, got: NDArray, wanted: NDArray, tolerance: number, message: string): void {
  t.same(got.shape, wanted.shape, `${message}: shape`);
  const scale = Math.max(1, ...[...host(wanted)].map(Math.abs));
  const d = difference(
    [...host(got)].map((x) => x / scale),
    [...host(wanted)].map((x) => x / scale),
  );
  t.ok(d <= tolerance, `${message}: differs by ${d}`);
}

t.test('derivatives that signs do not change, as JAX', async (t) => {
  for (const [i, fixture] of frozen.derivatives.entries()) {
    const f = functions[fixture.name]!;
    const [x, dx] = [thaw(fixture.x), thaw(fixture.tangent)];
    for (const [dtype, tolerance] of [
      ['float64', 1e-11],
      ['float32', 2e-4],
    ] as const) {
      const name = `${fixture.name} of [${x.shape}] ${dtype}`;
      const [a, da, wanted] = [x.astype(dtype), dx.astype(dtype), fixture[dtype]];
      const [value, tangent] = jvp(f, [a], [da]) as unknown as [NDArray, NDArray];
      near(t, value, np.array(wanted.value, { dtype }), tolerance, name);
      near(t, tangent, np.array(wanted.jvp, { dtype }), tolerance, `${name}: jvp`);
      const gradient = thaw(wanted.grad);
      near(t, grad(f)(a), gradient, tolerance, `${name}: grad`);
      if (x.shape[0] !== 3 || i % 2 === (dtype === 'float64' ? 1 : 0)) continue;
      near(t, jit(grad(f))(a), gradient, tolerance, `${name}: grad under jit`);
      near(t, jacfwd(f)(a), gradient, tolerance, `${name}: jacfwd`);
      near(t, vmap(grad(f))(np.stack([a, a.mul(2)])).slice(0), gradient, tolerance, `${name}: grad under vmap`);
    }
    if (!fixture.hessian) continue;
    const [, product] = jvp(grad(f), [x], [dx]) as unknown as [NDArray, NDArray];
    near(t, product, thaw(fixture.hessian), 1e-9, `${fixture.name} of [${x.shape}]: Hessian`);
  }
});

t.test('values, as NumPy and JAX', async (t) => {
  for (const fixture of frozen.values) {
    const x = thaw(fixture.x);
    const scale = Math.max(Number.MIN_VALUE, ...[...host(x)].map(Math.abs)) || 1;
    const scaled = (y: NDArray) => y.mul(1 / scale);
    const same = (got: NDArray, wanted: any, what: string) =>
      near(t, scaled(got), scaled(thaw(wanted)), 1e-13, `${what} of ${fixture.name}`);
    same(linalg.svdvals(x), fixture.svdvals, 'svdvals');
    if (fixture.eigvalsh) same(linalg.eigvalsh(x), fixture.eigvalsh, 'eigvalsh');
    // The inverse of the Hilbert matrix is known to 10 digits only.
    const loss = fixture.name === 'hilbert' ? 1e-9 : 1e-11;
    if (fixture.pinv) near(t, linalg.pinv(x), thaw(fixture.pinv), loss, `pinv of ${fixture.name}`);
    if (fixture.expm) near(t, linalg.expm(x), thaw(fixture.expm), 5e-13, `expm of ${fixture.name}`);
    if (fixture.matrixRank) matches(t, linalg.matrixRank(x), fixture.matrixRank, `rank of ${fixture.name}`, 0);
    fixture.norms?.forEach((wanted: any, i: number) => {
      const ord = ([2, -2, 'nuc'] as const)[i]!;
      same(linalg.matrixNorm(x, { ord }), wanted, `norm ${ord}`);
    });
  }
  const orders = [2, -2, 'fro', 1, -1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 'nuc'] as const;
  orders.forEach((p, i) => {
    const got = linalg.cond(thaw(frozen.conditions.x), { p });
    near(t, got, np.array(frozen.conditions.outs[i], { dtype: 'float64' }), 1e-12, `cond ${p}`);
  });
  for (const { x, out } of frozen.exponentials) {
    near(t, linalg.expm(thaw(x)), thaw(out), 2e-13, 'expm');
    near(t, jit((a: Matrix) => linalg.expm(a))(thaw(x)), thaw(out), 2e-13, 'expm under jit');
  }
});

/** Numbers that look random. */
const noise = (i: number): number => {
  const x = Math.sin(i * 12.9898 + 3) * 43758.5453;
  return 2 * (x - Math.floor(x)) - 1;
};

/** Matrices whose factors are easily got wrong. */
const hard: Record<string, [m: number, n: number, (i: number, j: number) => number]> = {
  random: [30, 30, (i, j) => noise(31 * i + j)],
  tall: [40, 7, (i, j) => noise(31 * i + j)],
  wide: [6, 30, (i, j) => noise(31 * i + j)],
  row: [1, 5, (i, j) => noise(31 * i + j)],
  column: [5, 1, (i, j) => noise(31 * i + j)],
  'one number': [1, 1, () => -3],
  zero: [5, 5, () => 0],
  identity: [4, 4, (i, j) => Number(i === j)],
  'of rank 1': [6, 6, () => 1],
  'of rank 2': [12, 8, (i, j) => noise(i) * noise(j + 50) + noise(i + 100) * noise(j + 150)],
  nilpotent: [7, 7, (i, j) => Number(j === i + 1)],
  'bidiagonal with zeros': [
    8,
    8,
    (i, j) => (i === j ? (i === 0 || i === 3 || i === 7 ? 0 : 1 + i) : Number(j === i + 1)),
  ],
  Hilbert: [12, 12, (i, j) => 1 / (i + j + 1)],
  Wilkinson: [21, 21, (i, j) => (i === j ? Math.abs(i - 10) : Number(Math.abs(i - j) === 1))],
  large: [8, 8, (i, j) => noise(31 * i + j) * 1e307],
  small: [8, 8, (i, j) => noise(31 * i + j) * 1e-307],
  graded: [10, 10, (i, j) => noise(31 * i + j) * 10 ** (-17 * (i + j))],
  'graded by rows': [10, 10, (i, j) => noise(31 * i + j) * 10 ** (-30 * i)],
  'without rows': [0, 3, () => 0],
  'without columns': [3, 0, () => 0],
};

const evaluations: Record<string, (p: Primitive, x: NDArray, params: object) => NDArray[]> = {
  reference: (p, x, params) => {
    const outs = p.type([x.aval], params);
    return p.run([{ aval: x.aval, data: host(x) }], params, outs).map((data, i) => NDArray.fromHost(data, outs[i]!));
  },
  code: (p, x, params) => bind(p, [x], params),
};

for (const [evaluation, evaluate] of Object.entries(evaluations)) {
  t.test(`the factors of hard matrices, by the ${evaluation}`, async (t) => {
    for (const [name, [m, n, element]] of Object.entries(hard)) {
      const data = Float64Array.from({ length: m * n }, (_, e) => element(Math.floor(e / n), e % n));
      for (const dtype of ['float64', 'float32'] as const) {
        const x = np.array(data, { dtype: 'float64' }).reshape([m, n]).astype(dtype);
        const scale = Math.max(...host(x).map(Math.abs));
        // float32 is out of range where float64 is not.
        if (!Number.isFinite(scale)) continue;
        const wide = x.astype('float64').mul(1 / (scale || 1));
        const most = dtype === 'float64' ? 1e-13 : 1e-6;
        const orthonormal = (columns: NDArray) => {
          const c = columns.astype('float64');
          return difference(host(np.matmul(c.T, c)), host(np.eye(c.shape[1]!, null, { dtype: 'float64' })));
        };
        const product = (left: NDArray, values: NDArray, right: NDArray) => {
          const scaled = left.astype('float64').mul(values.astype('float64').mul(1 / (scale || 1)));
          return difference(host(np.matmul(scaled, right.astype('float64'))), host(wide));
        };
        const k = Math.min(m, n);
        for (const fullMatrices of [false, true]) {
          const [s, u, vt] = evaluate(svdP, x, { fullMatrices, computeUv: true }) as [NDArray, NDArray, NDArray];
          const label = `${dtype} ${name} ${fullMatrices ? 'full' : 'reduced'}`;
          t.ok(product(u.slice([], [0, k]), s, vt.slice([0, k])) <= most, `${label}: product`);
          t.ok(orthonormal(u) <= most && orthonormal(vt.T) <= most, `${label}: orthonormal`);
          t.ok(
            [...host(s)].every((v, i, all) => v >= 0 && (i === 0 || v <= all[i - 1]!)),
            `${label}: descending`,
          );
          const [alone] = evaluate(svdP, x, { fullMatrices: false, computeUv: false });
          t.same([...host(alone!)], [...host(s)], `${label}: values alone`);
        }
        if (m !== n) continue;
        const [w, v] = evaluate(
          eighP,
          np.tril(x).add(
            np
              .triu(np.ones([n, n]), { k: 1 })
              .mul(7)
              .astype(dtype),
          ),
          { vectors: true, symmetrizeInput: false },
        ) as [NDArray, NDArray];
        const lower = np.tril(wide).add(np.tril(wide, { k: -1 }).T);
        const scaled = v.astype('float64').mul(w.astype('float64').mul(1 / (scale || 1)));
        const off = difference(host(np.matmul(scaled, v.astype('float64').T)), host(lower));
        t.ok(off <= most, `${dtype} ${name}: eigenvectors, from the lower triangle`);
        t.ok(orthonormal(v) <= most, `${dtype} ${name}: orthonormal eigenvectors`);
        t.ok(
          [...host(w)].every((x, i, all) => i === 0 || x >= all[i - 1]!),
          `${dtype} ${name}: ascending`,
        );
      }
    }
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const x = np.array([[1, bad, 2, 3].map(Number)], { dtype: 'float64' }).reshape([2, 2]).T;
      for (const [p, params] of [
        [eighP, { vectors: true, symmetrizeInput: false }],
        [svdP, { fullMatrices: true, computeUv: true }],
      ] as const) {
        for (const y of evaluate(p, np.stack([x, np.eye(2, null, { dtype: 'float64' })]), params)) {
          const values = [...host(y)];
          const half = values.length / 2;
          t.ok(values.slice(0, half).every(Number.isNaN), `${p.name} of a matrix with ${bad} is NaN`);
          t.ok(values.slice(half).every(Number.isFinite), `${p.name} of the matrix after it is not`);
        }
      }
    }
  });
}

/** Symmetric matrices that become tridiagonal in panels. */
const panelled: Record<string, (i: number, j: number) => number> = {
  random: (i, j) => noise(131 * Math.max(i, j) + Math.min(i, j)),
  'of rank 2': (i, j) => noise(i) * noise(j) + noise(i + 500) * noise(j + 500),
  'the identity': (i, j) => Number(i === j),
  zero: () => 0,
  'two parts': (i, j) => (i < 40 === j < 40 ? noise(131 * Math.max(i, j) + Math.min(i, j)) : 0),
  tridiagonal: (i, j) => (i === j ? 2 : Number(Math.abs(i - j) === 1)),
  large: (i, j) => 1e300 * noise(131 * Math.max(i, j) + Math.min(i, j)),
  graded: (i, j) => noise(131 * Math.max(i, j) + Math.min(i, j)) * 0.8 ** (i + j),
};

t.test('eigenvectors of matrices of several panels', async (t) => {
  for (const [name, element] of Object.entries(panelled))
    for (const n of name === 'random' ? [63, 64, 65, 79, 80, 81, 130] : [64, 97])
      for (const dtype of ['float64', 'float32'] as const) {
        const data = Float64Array.from({ length: n * n }, (_, e) => element(Math.floor(e / n), e % n));
        const a = np.array(data, { dtype: 'float64' }).reshape([n, n]).astype(dtype);
        const scale = Math.max(...host(a).map(Math.abs)) || 1;
        if (!Number.isFinite(scale)) continue;
        // The upper triangle is not read.
        const upper = np.triu(np.full([n, n], Number.NaN), { k: 1 }).astype(dtype);
        const both = np.stack([np.tril(a).add(np.where(np.tri(n, n), 0, upper)), np.eye(n, null, { dtype })]);
        const [w, v] = evaluations.code!(eighP, both, { vectors: true, symmetrizeInput: false }) as [NDArray, NDArray];
        const [alone] = evaluations.code!(eighP, both, { vectors: false, symmetrizeInput: false });
        const label = `${dtype} ${name} ${n}`;
        const most = dtype === 'float64' ? 1e-13 : 1e-6;
        t.ok(difference(host(alone!.mul(1 / scale)), host(w.mul(1 / scale))) <= most, `${label}: values alone`);
        [a.mul(1 / scale), np.eye(n, null, { dtype })].forEach((matrix, lane) => {
          const values = w
            .slice(lane)
            .mul(lane === 0 ? 1 / scale : 1)
            .astype('float64');
          const vectors = v.slice(lane).astype('float64');
          const made = np.matmul(vectors.mul(values), vectors.T);
          t.ok(difference(host(made), host(matrix.astype('float64'))) <= 2 * most, `${label}: product ${lane}`);
          const unit = np.matmul(vectors.T, vectors);
          t.ok(
            difference(host(unit), host(np.eye(n, null, { dtype: 'float64' }))) <= 2 * most,
            `${label}: unit ${lane}`,
          );
          t.ok(
            [...host(values)].every((x, i, all) => i === 0 || x >= all[i - 1]!),
            `${label}: ascending`,
          );
        });
      }
});

t.test('singular vectors of matrices with blocks of reflections', async (t) => {
  const kinds: Record<string, (i: number, j: number) => number> = {
    random: (i, j) => noise(131 * i + j),
    'of rank 3': (i, j) => [1, 2, 3].reduce((sum, k) => sum + noise(i + 200 * k) * noise(j + 900 * k), 0),
    'the identity': (i, j) => Number(i === j),
  };
  for (const [name, element] of Object.entries(kinds))
    for (const [m, n] of [
      [64, 64],
      [97, 65],
      [70, 130],
      [200, 64],
    ] as const)
      for (const dtype of ['float64', 'float32'] as const) {
        const data = Float64Array.from({ length: m * n }, (_, e) => element(Math.floor(e / n), e % n));
        const a = np.array(data, { dtype: 'float64' }).reshape([m, n]).astype(dtype);
        const k = Math.min(m, n);
        const most = dtype === 'float64' ? 2e-13 : 2e-6;
        for (const fullMatrices of [false, true]) {
          const [s, u, vt] = evaluations.code!(svdP, a, { fullMatrices, computeUv: true }).map((x) =>
            x.astype('float64'),
          ) as [NDArray, NDArray, NDArray];
          const label = `${dtype} ${name} ${m}×${n} ${fullMatrices ? 'full' : 'reduced'}`;
          const made = np.matmul(u.slice([], [0, k]).mul(s), vt.slice([0, k]));
          t.ok(difference(host(made), host(a.astype('float64'))) <= most, `${label}: product`);
          for (const unit of [np.matmul(u.T, u), np.matmul(vt, vt.T)])
            t.ok(difference(host(unit), host(np.eye(unit.shape[0]!, null, { dtype: 'float64' }))) <= most, label);
        }
      }
});

/** Symmetric matrices that divide and conquer takes apart, whose eigenvalues are in clusters, or of any size. */
const divided: Record<string, (i: number, j: number, n: number) => number> = {
  'glued Wilkinson': tridiagonal(
    (i) => Math.abs((i % 21) - 10),
    (i) => ((i + 1) % 21 === 0 ? 1e-8 : 1),
  ),
  'glued by less': tridiagonal(
    (i) => Math.abs((i % 21) - 10),
    (i) => ((i + 1) % 21 === 0 ? 1e-14 : 1),
  ),
  Clement: tridiagonal(
    () => 0,
    (i, n) => Math.sqrt((i + 1) * (n - 1 - i)),
  ),
  'almost the identity': tridiagonal(
    () => 1,
    () => 1e-10,
  ),
  'with zeros beside the diagonal': tridiagonal(noise, (i) => (i % 16 === 15 || i % 25 === 24 ? 0 : noise(i + 500))),
  'graded, tridiagonal': tridiagonal(
    (i) => 10 ** (-0.7 * i),
    (i) => 10 ** (-0.7 * i - 0.3),
  ),
  'graded upwards': (i, j, n) => noise(131 * Math.max(i, j) + Math.min(i, j)) * 10 ** ((150 * (i + j - 2 * n)) / n),
  ones: () => 1,
  blocks: (i, j) => (Math.floor(i / 7) === Math.floor(j / 7) ? noise(131 * Math.max(i, j) + Math.min(i, j)) : 0),
  'the identity and one vector': (i, j) => noise(i) * noise(j) + Number(i === j),
  denormal: (i, j) => 1e-310 * noise(131 * Math.max(i, j) + Math.min(i, j)),
  huge: (i, j) => 1e306 * noise(131 * Math.max(i, j) + Math.min(i, j)),
};

function tridiagonal(d: (i: number) => number, e: (i: number, n: number) => number) {
  return (i: number, j: number, n: number) => (i === j ? d(i) : Math.abs(i - j) === 1 ? e(Math.min(i, j), n) : 0);
}

t.test('matrices that are divided', async (t) => {
  for (const [name, element] of Object.entries(divided))
    for (const n of [39, 40, 41, 64, 65, 130]) {
      const data = Float64Array.from({ length: n * n }, (_, e) => element(Math.floor(e / n), e % n, n));
      const a = np.array(data, { dtype: 'float64' }).reshape([n, n]);
      const one = np.eye(n, null, { dtype: 'float64' });
      const size = Math.max(...data.map(Math.abs));
      // A number that makes it about 1, in two parts that are none too large.
      const root = Math.sqrt(size);
      const unit = (x: NDArray) => x.div(root).div(root);
      const { eigenvalues, eigenvectors: v } = linalg.eigh(a);
      const { u, s, vh } = linalg.svd(a);
      const largest = Math.max(1, ...host(unit(s)));
      for (const [what, left, values, right] of [
        ['eigh', v, eigenvalues, v.T],
        ['svd', u, s, vh],
      ] as const) {
        const label = `${what} of ${name}, ${n}`;
        const off = difference(host(np.matmul(left.mul(unit(values)), right)), host(unit(a))) / largest;
        t.ok(off <= 40 * Number.EPSILON, `${label}: product off by ${off / Number.EPSILON} ε`);
        for (const table of [left, right]) {
          const skew = difference(host(np.matmul(table.T, table)), host(one));
          t.ok(skew <= 100 * Number.EPSILON, `${label}: from orthogonal ${skew / Number.EPSILON} ε`);
        }
      }
      const ordered = [...host(eigenvalues)];
      t.ok(
        ordered.every((x, i) => i === 0 || x >= ordered[i - 1]!),
        `eigh of ${name}, ${n}: ascending`,
      );
      const magnitudes = ordered.map(Math.abs).sort((x, y) => y - x);
      t.ok(
        [...host(s)].every((x, i) => x >= 0 && Math.abs(x - magnitudes[i]!) <= 1e-14 * n * magnitudes[0]!),
        `svd of ${name}, ${n}: the magnitudes of the eigenvalues`,
      );
    }
});

t.test('oblong matrices that are divided, and one without finite elements between others', async (t) => {
  for (const [m, n] of [
    [90, 45],
    [45, 90],
    [41, 40],
  ] as const) {
    const a = np
      .array(
        Float64Array.from({ length: 3 * m * n }, (_, e) => noise(e)),
        { dtype: 'float64' },
      )
      .reshape([3, m, n]);
    const bad = a.at(1, 3, 2).set(Number.NaN);
    for (const fullMatrices of [true, false]) {
      const { u, s, vh } = linalg.svd(bad, { fullMatrices });
      const k = Math.min(m, n);
      for (const lane of [0, 2]) {
        const made = np.matmul(u.slice(lane, [], [0, k]).mul(s.slice(lane)), vh.slice(lane, [0, k]));
        t.ok(difference(host(made), host(a.slice(lane))) <= 1e-13, `${m}×${n}, ${lane}`);
        const columns = u.slice(lane);
        const unit = np.matmul(columns.T, columns);
        t.ok(difference(host(unit), host(np.eye(unit.shape[0]!, null, { dtype: 'float64' }))) <= 1e-14);
      }
      t.ok([u, s, vh].every((x) => [...host(x.slice(1))].every(Number.isNaN)));
    }
  }
});

t.test('orthogonal factors where squares vanish or overflow', async (t) => {
  for (const [evaluation, evaluate] of Object.entries(evaluations))
    for (const [m, n] of [
      [3, 2],
      [40, 35],
      [5, 9],
    ] as const)
      for (const size of [1e-300, 1e-200, 1e-160, 1e160, 1e200, 1e300]) {
        const data = Float64Array.from({ length: m * n }, (_, e) => noise(e));
        const a = np.array(data, { dtype: 'float64' }).reshape([m, n]);
        const [q, r] = evaluate(qrP, a.mul(size), { fullMatrices: false }) as [NDArray, NDArray];
        const label = `${evaluation}, ${m}×${n} of about ${size}`;
        t.ok(difference(host(np.matmul(q, r.div(size))), host(a)) <= 1e-14, `${label}: product`);
        const unit = np.eye(q.shape[1]!, null, { dtype: 'float64' });
        t.ok(difference(host(np.matmul(q.T, q)), host(unit)) <= 1e-14, `${label}: orthonormal`);
      }
});

t.test('the two evaluations agree', async (t) => {
  for (const p of [eighP, svdP]) {
    for (const sample of p.samples!()) {
      const { shape, dtype, values } = sample.inputs[0]!;
      const data = Float64Array.from(values!);
      const x = NDArray.fromHost(dtype === 'float32' ? Float32Array.from(data) : data, shapedArray(shape, dtype));
      const [code, reference] = [evaluations.code!, evaluations.reference!].map((f) => f(p, x, sample.params!));
      code!.forEach((y, i) => {
        const d = difference(host(y), host(reference![i]!));
        t.ok(d <= (dtype === 'float32' ? 2e-7 : 1e-12), `${p.name} ${x.aval} output ${i}: ${d}`);
      });
    }
  }
});

t.test('equal eigenvalues and singular values', async (t) => {
  const two = np.eye(3, null, { dtype: 'float64' }).mul(2);
  const trace = grad((a: Matrix) => np.sum(np.square(linalg.eigvalsh(a))))(two);
  near(t, trace, two.mul(2), 1e-14, 'a symmetric function of eigenvalues has a derivative');
  near(t, grad((a: Matrix) => linalg.norm(a, { ord: 'nuc' }))(two), two.mul(0.5), 1e-14, 'the nuclear norm too');
  near(t, grad((a: Matrix) => np.sum(linalg.pinv(a)))(two), np.ones([3, 3]).mul(-0.25), 1e-14, 'and the inverse');
  const ofVectors = (f: (a: Matrix) => NDArray) => [...host(grad(f)(two))];
  t.ok(
    ofVectors((a) => along(linalg.eigh(a).eigenvectors.slice([], 0))).some(Number.isNaN),
    'vectors have none, as in JAX',
  );
  t.ok(ofVectors((a) => along(linalg.svd(a).u.slice([], 0))).some(Number.isNaN));
  const deficient = np.array(
    [
      [1, 2],
      [2, 4],
      [0, 0],
    ],
    { dtype: 'float64' },
  );
  const at = (h: number) => linalg.pinv(deficient.mul(1 + h));
  const [, dp] = jvp((a: Matrix) => linalg.pinv(a), [deficient], [deficient]) as unknown as [NDArray, NDArray];
  near(t, dp, at(1e-6).sub(at(-1e-6)).mul(5e5), 1e-8, 'pinv along matrices of the same rank');
  const hermitian = (a: Matrix) => linalg.pinv(a, { hermitian: true });
  const symmetric = np.array(
    [
      [1, 2, 0],
      [2, -3, 1],
      [0, 1, 5],
    ],
    { dtype: 'float64' },
  );
  near(t, hermitian(symmetric), linalg.inv(symmetric), 1e-14, 'hermitian');
  near(t, jacrev(hermitian)(symmetric), jacfwd(hermitian)(symmetric), 1e-13, 'hermitian: derivatives');
});

t.test('options', async (t) => {
  const a = np.array(
    [
      [1, 2, 0],
      [4, -3, 1],
      [0, 3, 5],
    ],
    { dtype: 'float64' },
  );
  const lower = np.tril(a).add(np.tril(a, { k: -1 }).T);
  const both = a.add(a.T).mul(0.5);
  near(t, linalg.eigvalsh(a), linalg.eigvalsh(both), 1e-14, 'the symmetric part');
  const given = { symmetrizeInput: false };
  near(t, linalg.eigvalsh(a, given), linalg.eigvalsh(lower), 1e-14, 'the lower triangle');
  near(t, linalg.eigh(a, given).eigenvalues, linalg.eigvalsh(lower), 1e-14, 'the lower triangle, with vectors');
  const largest = (options: object) => grad((x: Matrix) => linalg.eigvalsh(x, options).slice(2))(a);
  near(t, largest(given), np.tril(largest(given)), 0, 'whose derivative is lower triangular');
  near(t, largest({}), largest({}).T, 1e-15, 'that of the symmetric part is symmetric');

  const scales = np.diag(np.array([4, 1, 1e-3], { dtype: 'float64' }));
  t.equal(linalg.matrixRank(scales).item(), 3);
  t.equal(linalg.matrixRank(scales, { rtol: 1e-2 }).item(), 2);
  t.same(linalg.matrixRank(np.stack([scales, scales.mul(0)]), { rtol: np.array([0.5, 0.5]) }).tolist(), [1, 0]);
  t.equal(linalg.matrixRank(both, { hermitian: true }).item(), 3);
  for (const hermitian of [false, true]) {
    const cut = linalg.pinv(scales, { rtol: 1e-2, hermitian });
    near(t, cut, np.diag(np.array([0.25, 1, 0], { dtype: 'float64' })), 1e-15, `pinv, hermitian: ${hermitian}`);
  }
  const derivative = jacfwd((x: Matrix) => linalg.pinv(x, { rtol: 1e-2 }))(scales);
  t.equal(derivative.slice(0, 0, 0, 0).item(), -1 / 16);
  t.same(linalg.pinv(np.ones([2, 0, 3])).shape, [2, 3, 0]);
});

t.test('vectors of the full factors', async (t) => {
  const a = np.array(
    [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
    { dtype: 'float64' },
  );
  const { u, s, vh } = linalg.svd(a);
  t.same([u.shape, s.shape, vh.shape], [[3, 3], [2], [2, 2]]);
  t.throws(() => grad((x: Matrix) => np.sum(linalg.svd(x).u))(a), {
    message:
      /^svd: the full factors of f64\[3,2\] have no derivative: the vectors that complete them are not determined\./,
  });
  t.same(np.sum(grad((x: Matrix) => np.sum(linalg.svd(x, { computeUv: false })))(a)).shape, []);
  const square = a.slice([0, 2]);
  t.ok(
    host(grad((x: Matrix) => np.sum(np.square(linalg.svd(x).u.slice([], 0))))(square)).every(
      (x) => Math.abs(x) < 1e-14,
    ),
  );
});

t.test('norms over axes', async (t) => {
  const x = np.arange(24).reshape([2, 3, 4]).astype('float64');
  const moved = np.moveaxis(x, 0, 2);
  for (const ord of [2, -2, 'nuc'] as const) {
    const kept = linalg.norm(x, { ord, axis: [2, 0], keepdims: true });
    t.same(kept.shape, [1, 3, 1]);
    near(t, kept.reshape([3]), linalg.matrixNorm(moved, { ord }), 1e-14, `${ord}`);
    near(t, linalg.norm(x, { ord, axis: [0, 2] }), linalg.matrixNorm(moved, { ord }), 1e-14, `${ord}`);
  }
});

t.test('topK, as JAX', async (t) => {
  for (const { x, k, values, indices } of frozen.topK) {
    for (const f of [(a: NDArray) => lax.topK(a, k), jit((a: NDArray) => lax.topK(a, k))]) {
      const [v, i] = f(thaw(x)) as [NDArray, NDArray];
      matches(t, v, values, `the ${k} largest of ${x.dtype} ${x.data}`, 0);
      matches(t, i, indices, `their positions in ${x.data}`, 0);
      t.same([v.dtype, i.dtype], [x.dtype, 'int32']);
    }
  }
  const x = np.array([
    [1, 5, 4],
    [6, 2, 3],
  ]);
  t.same(
    lax.topK(x, 1, { axis: 0 }).map((y) => y.tolist()),
    [[[6, 5, 4]], [[1, 0, 0]]],
  );
  const weights = np.array([10, 1]);
  const loss = (row: NDArray) => np.sum(lax.topK(row, 2)[0].mul(weights));
  t.same(vmap(grad(loss))(x).tolist(), [
    [0, 10, 1],
    [10, 0, 1],
  ]);
});

t.test('errors', async (t) => {
  const oblong = np.ones([2, 3]);
  t.throws(() => linalg.eigh(oblong), { message: /^eigh: needs a square matrix, but got f32\[2,3\]\./ });
  t.throws(() => linalg.eigvalsh(np.ones([2])), { message: /^eigvalsh: needs a matrix, but got f32\[2\]\./ });
  t.throws(() => linalg.svd(np.ones([2])), { message: /^svd: needs a matrix, but got f32\[2\]\./ });
  t.throws(() => linalg.pinv(oblong, { hermitian: true }), {
    message: /^pinv: needs a square matrix, but got f32\[2,3\]\./,
  });
  t.throws(() => linalg.cond(oblong, { p: 1 }), { message: /^cond: needs a square matrix, but got f32\[2,3\]\./ });
  t.throws(() => linalg.cond(np.ones([0, 3])), { message: /^cond: f32\[0,3\] has no elements\./ });
  t.throws(() => linalg.norm(oblong, { ord: 3 }), { message: /^norm: ord 3 of a matrix is not defined\./ });
  t.throws(() => linalg.norm(np.ones([3]), { ord: 'nuc' }), {
    message: /^norm: ord nuc of f32\[3\] over 1 axes is not defined\./,
  });
  t.throws(() => lax.topK(oblong, 4), { message: /^topK: k is 4, but axis 1 of f32\[2,3\] has 3 elements\./ });
  t.throws(() => lax.topK(np.array(1), 1), { message: /^topK: f32\[\] has no axis\./ });
});

t.test('expm of a matrix that is too large is NaN', async (t) => {
  const x = np.eye(2).mul(1e7);
  t.ok(host(linalg.expm(x)).every(Number.isNaN));
  t.same(linalg.expm(x.mul(-1e-3), { maxSquarings: 20 }).tolist(), [
    [0, 0],
    [0, 0],
  ]);
});

t.test('least squares, as JAX', async (t) => {
  type Right = NDArray;
  for (const { name, a, b, rcond, ...expected } of frozen.leastSquares) {
    const options = rcond === null ? {} : { rcond };
    const total = (x: Matrix, y: Right): NDArray => {
      const { x: solution, residuals, s } = linalg.lstsq(x, y, options);
      return np.sum(np.sin(solution)).add(np.sum(residuals)).add(np.sum(s));
    };
    for (const dtype of ['float64', 'float32'] as const) {
      const [x, y] = [thaw(a).astype(dtype), thaw(b).astype(dtype)];
      const hilbert = name === 'negative rcond';
      if (hilbert && dtype === 'float32') continue;
      const tolerance = hilbert ? 1e-8 : dtype === 'float64' ? 1e-13 : 2e-6;
      const solve = (p: Matrix, q: Right) => linalg.lstsq(p, q, options);
      const lanes = vmap(solve)(np.stack([x, x]), np.stack([y, y]));
      const first = {
        x: lanes.x.slice(1),
        residuals: lanes.residuals.slice(1),
        rank: lanes.rank.slice(1),
        s: lanes.s.slice(1),
      };
      for (const [how, got] of Object.entries({
        '': solve(x, y),
        ' again': solve(x, y),
        ' under jit': jit(solve)(x, y),
        ' under vmap': first,
      })) {
        const label = `${dtype} ${name}${how}`;
        const wanted = expected[dtype];
        for (const part of ['x', 'residuals', 's'] as const)
          near(t, got[part], thaw(wanted[part]), tolerance, `${label}: ${part}`);
        t.equal(got.rank.item(), wanted.rank.data[0], `${label}: rank`);
        t.equal(got.rank.dtype, 'int32');
        t.ok(
          [...host(got.s)].every((v) => !Object.is(v, -0) && v >= 0),
          `${label}: no negative zeros`,
        );
      }
      if (!expected[dtype].gradients) continue;
      expected[dtype].gradients.forEach((gradient: Parameters<typeof thaw>[0], argnums: number) => {
        near(
          t,
          grad(total, { argnums })(x, y),
          thaw(gradient),
          10 * tolerance,
          `${dtype} ${name}: gradient ${argnums}`,
        );
        near(
          t,
          jit(grad(total, { argnums }))(x, y),
          thaw(gradient),
          10 * tolerance,
          `${dtype} ${name}: jitted gradient ${argnums}`,
        );
      });
    }
  }
});

t.test('least squares of matrices that a triangular factor is made of first', async (t) => {
  for (const [m, n] of [
    [200, 30],
    [30, 200],
  ] as const) {
    const thin = (rows: number, columns: number, from: number): Matrix =>
      np
        .array(
          Float64Array.from({ length: rows * columns }, (_, e) => noise(e + from)),
          { dtype: 'float64' },
        )
        .reshape([rows, columns]);
    const a = np.matmul(thin(m, 20, 0), thin(20, n, 9000));
    const b = thin(m, 3, 20000);
    const { x, residuals, rank, s } = linalg.lstsq(a, b);
    near(t, x, np.matmul(linalg.pinv(a), b), 1e-12, `${m}×${n}`);
    near(t, s, linalg.svdvals(a), 1e-14, `${m}×${n}: singular values`);
    near(t, residuals, np.sum(np.square(b.sub(np.matmul(a, x))), { axis: 0 }), 1e-13, `${m}×${n}: residuals`);
    t.equal(rank.item(), 20);
  }
});

t.test('derivatives of least squares at constant rank', async (t) => {
  const table = (m: number, n: number, from: number): Matrix =>
    np
      .array(
        Float64Array.from({ length: m * n }, (_, e) => noise(e + from)),
        { dtype: 'float64' },
      )
      .reshape([m, n]);
  for (const [m, n] of [
    [6, 4],
    [4, 6],
    [5, 5],
  ] as const) {
    const [left, right, dLeft, dRight] = [table(m, 2, 0), table(2, n, 50), table(m, 2, 100), table(2, n, 150)];
    const [b, db] = [table(m, 2, 200), table(m, 2, 250)];
    const along = (h: NDArray): NDArray => {
      const matrix = np.matmul(left.add(dLeft.mul(h)), right.add(dRight.mul(h)));
      const { x, residuals } = linalg.lstsq(matrix, b.add(db.mul(h)));
      return np.concatenate([x, residuals.reshape([1, 2])]);
    };
    const [zero, one] = [0, 1].map((v) => np.array(v, { dtype: 'float64' })) as [NDArray, NDArray];
    const step = 1e-5;
    const numeric = along(one.mul(step))
      .sub(along(one.mul(-step)))
      .div(2 * step);
    const [, tangent] = jvp(along, [zero], [one]) as [NDArray, NDArray];
    near(t, tangent, numeric, 1e-8, `${m}×${n} of rank 2`);
    const weights = table(n + 1, 2, 300);
    const reverse = grad((h: NDArray) => np.sum(along(h).mul(weights)))(zero);
    near(t, reverse, np.sum(tangent.mul(weights)), 1e-12, `${m}×${n} of rank 2, backwards`);
    const second = (h: NDArray): NDArray => jvp(along, [h], [one])[1] as NDArray;
    const numericSecond = second(one.mul(step))
      .sub(second(one.mul(-step)))
      .div(2 * step);
    near(t, jvp(second, [zero], [one])[1] as NDArray, numericSecond, 1e-6, `${m}×${n} of rank 2, second derivative`);
  }
  // The first one of equal singular values is finite too.
  const eye = np.eye(3, null, { dtype: 'float64' });
  const slope = grad((a: Matrix) => np.sum(linalg.lstsq(a, np.ones([3], { dtype: 'float64' })).x))(eye);
  t.ok(
    [...host(slope)].every((v) => v === -1),
    'equal singular values',
  );
});
