import { free } from './eager.mjs';
import { numbers } from './inputs.mjs';

/**
 * Polynomials, matrices, packed bits and files of arrays: what numpy-ts's own benchmarks time of these, each with small, middling and large
 * operands. `files` has serializeNpy, parseNpy, serializeNpz, parseNpz and parseNpzUnverified, which compares no checksums.
 */
export function routineCases({ np, linalg, files, array, positions, read }) {
  const cases = {};
  const add = (name, prepare, run, result = (...operands) => read([run(...operands)].flat()[0])) => {
    cases[`eager ${name}`] = () => {
      const operands = prepare();
      return { run: () => free(run(...operands)), result: () => result(...operands) };
    };
  };
  const list = (n, seed, scale = 1, offset = 0) => Float64Array.from(numbers(n, seed, scale), (v) => v + offset);
  const vector = (n, seed, scale, offset) => array(list(n, seed, scale, offset), [n]);
  const matrix = (m, n, seed) => array(list(m * n, seed), [m, n]);

  for (const [size, n] of [
    ['10', 10],
    ['10³', 1000],
    ['10⁶', 1e6],
  ]) {
    const pair = () => [vector(n, 0), vector(n, 1)];
    for (const name of ['polyadd', 'polysub']) add(`${name}, ${size}`, pair, (p, q) => np[name](p, q));
    for (const name of ['polyder', 'polyint'])
      add(
        `${name}, ${size}`,
        () => [vector(n, 0)],
        (p) => np[name](p),
      );
    add(
      `polyval of 10 coefficients, ${size}`,
      () => [vector(10, 0), vector(n, 1)],
      (p, x) => np.polyval(p, x),
    );
    add(
      `polyfit of degree 5, ${size}`,
      () => [vector(n, 0, 2), vector(n, 1)],
      (x, y) => np.polyfit(x, y, 5),
    );
    add(
      `packbits, ${size}`,
      () => [
        positions(
          Array.from(numbers(n, 0), (v) => (v > 0 ? 1 : 0)),
          [n],
          'uint8',
        ),
      ],
      (x) => np.packbits(x),
    );
    const packed = Math.ceil(n / 8);
    add(
      `unpackbits, ${size}`,
      () => [
        positions(
          Array.from(numbers(packed, 0), (v) => Math.floor((v + 0.5) * 256)),
          [packed],
          'uint8',
        ),
      ],
      (x) => np.unpackbits(x),
    );
    for (const name of ['vdot', 'vecdot']) add(`${name} of vectors, ${size}`, pair, (x, y) => np[name](x, y));
    add(
      `serializeNpy, ${size}`,
      () => [vector(n, 0)],
      (x) => files.serializeNpy(x),
      (x) => Array.from(files.serializeNpy(x).slice(-8 * n)),
    );
    add(
      `parseNpy, ${size}`,
      () => [files.serializeNpy(vector(n, 0))],
      (bytes) => files.parseNpy(bytes),
    );
    const named = () => ({ a: vector(n, 0), b: vector(n, 1) });
    add(
      `serializeNpz, ${size}`,
      () => [named()],
      (x) => files.serializeNpz(x),
      (x) => read(files.parseNpz(files.serializeNpz(x)).b),
    );
    add(
      `parseNpz, ${size}`,
      () => [files.serializeNpz(named())],
      (bytes) => Object.values(files.parseNpz(bytes)),
    );
    add(
      `parseNpz unverified, ${size}`,
      () => [files.serializeNpz(named())],
      (bytes) => Object.values(files.parseNpzUnverified(bytes)),
    );
  }

  for (const [size, n] of [
    ['3', 3],
    ['32', 32],
    ['1000', 1000],
  ]) {
    add(
      `poly of ${size} roots`,
      () => [vector(n, 0)],
      (x) => np.poly(x),
    );
    add(
      `polymul of ${size} by ${size}`,
      () => [vector(n, 0), vector(n, 1)],
      (p, q) => np.polymul(p, q),
    );
    // The divisor's first coefficient is the largest, so that quotients do not grow.
    add(
      `polydiv of ${2 * n} by ${size}`,
      () => [vector(2 * n, 0), array(list(n, 1, 1 / n).with(0, 1), [n])],
      (p, q) => np.polydiv(p, q),
    );
    for (const name of ['matvec', 'vecmat'])
      add(
        `${name}, ${size}²`,
        () => (name === 'matvec' ? [matrix(n, n, 0), vector(n, 1)] : [vector(n, 1), matrix(n, n, 0)]),
        (x, y) => np[name](x, y),
      );
    add(
      `matrixTranspose, ${size}²`,
      () => [matrix(n, n, 0)],
      (x) => np.copy(np.matrixTranspose(x)),
    );
    add(
      `vecdot, ${size}²`,
      () => [matrix(n, n, 0), matrix(n, n, 1)],
      (x, y) => np.vecdot(x, y),
    );
  }
  for (const n of [2, 6, 32])
    add(
      `kron of ${n}² with ${n}²`,
      () => [matrix(n, n, 0), matrix(n, n, 1)],
      (x, y) => np.kron(x, y),
    );
  add(
    'cross of two vectors',
    () => [vector(3, 0), vector(3, 1)],
    (x, y) => linalg.cross(x, y),
  );

  for (const [n, slow] of [
    [3, 3],
    [32, 32],
    [500, 200],
  ]) {
    /** Near the identity, so that determinants stay finite. */
    const near = (m, seed = 0) => {
      const entries = list(m * m, seed, 1 / m);
      for (let i = 0; i < m; i++) entries[i * m + i] += 1;
      return entries;
    };
    const symmetric = (m) => {
      const entries = near(m);
      return entries.map((v, i) => (v + entries[(i % m) * m + Math.floor(i / m)]) / 2);
    };
    const of = (entries, m) => () => [array(entries(m), [m, m])];
    const first = (name) => (x) => read([linalg[name](x)].flat()[0]);
    for (const name of ['det', 'inv', 'norm', 'matrixRank', 'pinv', 'cond', 'slogdet'])
      add(
        `${name}, ${n}²`,
        of(near, n),
        (x) => linalg[name](x),
        name === 'slogdet' ? (x) => read(linalg.slogdet(x)[1]) : first(name),
      );
    add(
      `qr, ${n}²`,
      of(near, n),
      (x) => linalg.qr(x),
      (x) => Array.from(read(linalg.qr(x)[0]), Math.abs),
    );
    add(`cholesky, ${n}²`, of(symmetric, n), (x) => linalg.cholesky(x));
    for (const name of ['solve', 'lstsq'])
      add(
        `${name} of a vector, ${n}²`,
        () => [...of(near, n)(), vector(n, 1)],
        (x, b) => linalg[name](x, b),
        (x, b) => read([linalg[name](x, b)].flat()[0]),
      );
    add(`matrixPower 3, ${n}²`, of(near, n), (x) => linalg.matrixPower(x, 3));
    add(
      `einsum of a product, ${n}²`,
      () => [...of(near, n)(), array(near(n, 1), [n, n])],
      (x, y) => np.einsum('ij,jk->ik', x, y),
    );
    add(
      `svd, ${slow}²`,
      of(near, slow),
      (x) => linalg.svd(x),
      (x) => read(linalg.svd(x)[1]),
    );
    add(`svdvals, ${slow}²`, of(near, slow), (x) => linalg.svdvals(x));
    add(
      `eigh, ${slow}²`,
      of(symmetric, slow),
      (x) => linalg.eigh(x),
      (x) => Float64Array.from(read(linalg.eigh(x)[0])).sort(),
    );
    add(
      `multiDot of three, ${slow}²`,
      () => [[0, 1, 2].map((seed) => matrix(slow, slow, seed))],
      (matrices) => linalg.multiDot(matrices),
    );
    // Of rank 2, which is what numpy-ts decomposes.
    const rising = (m) => list(m * m, 0, 0).map((_, i) => i / m);
    add(
      `svd of 0 1 2 …, ${slow}²`,
      of(rising, slow),
      (x) => linalg.svd(x),
      (x) => read(linalg.svd(x)[1]).slice(0, 2),
    );
    add(`matrixRank of 0 1 2 …, ${slow}²`, of(rising, slow), (x) => linalg.matrixRank(x));
  }
  return cases;
}
