import t from 'tap';
import { shapedArray } from '../src/core/aval.ts';
import type { Value } from '../src/core/trace.ts';
import { grad, NDArray, vmap } from '../src/index.ts';
import { makeJaxpr } from '../src/jit.ts';
import { batchMatmul } from '../src/lax/dot.ts';
import { gather } from '../src/lax/gather.ts';
import { matrixValues } from '../src/lax/linalg/matrix.ts';
import {
  cholesky,
  choleskyP,
  eighP,
  eigP,
  hessenbergP,
  lu,
  luP,
  qr,
  qrP,
  schurP,
  svdP,
  triangularRootP,
  triangularSolve,
  triangularSolveP,
} from '../src/lax/linalg.ts';
import { transpose } from '../src/lax/movement.ts';
import { sum } from '../src/lax/reductions.ts';
import { log } from '../src/lax/transcendental.ts';
import {
  checkBatches,
  checkDerivatives,
  checkKernel,
  checkSecondDerivatives,
  difference,
  host,
} from './check-primitive.ts';
import { fixtures, matches, matchesLinear, thaw } from './primitive-fixtures.ts';

process.env.COTANGENT_CACHE = 'off';

const matrix = (data: readonly number[], shape: readonly number[]): NDArray =>
  NDArray.fromHost(Float64Array.from(data), shapedArray(shape, 'float64'));

const tall = [
  [5, 3],
  [17, 4],
  [4, 0],
  [2, 1, 4, 2],
].map((shape) => ({
  inputs: [{ shape, dtype: 'float64' as const, values: matrixValues(shape, 'general') }],
  params: { fullMatrices: true },
}));

for (const p of [choleskyP, luP, qrP, eighP, svdP, eigP, schurP, triangularSolveP]) {
  t.test(`${p.name}: compiled, derivatives, batches`, async (t) => {
    t.same(checkKernel(p, 1e-13), []);
    t.same(checkDerivatives(p), []);
    t.same(checkSecondDerivatives(p), []);
    t.same(checkBatches(p, 1e-13), []);
  });
}

for (const p of [hessenbergP, triangularRootP]) {
  t.test(`${p.name}: compiled, batches`, async (t) => {
    t.same(checkKernel(p, 1e-13), []);
    t.same(checkBatches(p, 1e-13), []);
  });
}

t.test('full factors of tall matrices', async (t) => {
  t.same(checkKernel({ ...qrP, samples: () => tall }, 1e-13), []);
  t.same(checkBatches({ ...qrP, samples: () => tall }, 1e-13), []);
  t.throws(() => grad((a: Value) => sum(qr(a)[0]))(matrix([1, 2, 3, 4, 5, 6], [3, 2])), {
    message: /^qr: the full factors of f64\[3,2\] have no derivative/,
  });
});

t.test('as JAX', async (t) => {
  fixtures.cholesky.forEach((fixture: any, i: number) => {
    matchesLinear(t, (a) => [cholesky(a)], fixture, `cholesky ${i}`);
  });
  fixtures.lu.forEach((fixture: any, i: number) => {
    matchesLinear(t, (a) => lu(a), fixture, `lu ${i}`);
  });
  fixtures.qr.forEach((fixture: any, i: number) => {
    matchesLinear(t, (a) => qr(a, { fullMatrices: fixture.full }), fixture, `qr ${i}`);
  });
  for (const { x, outs } of fixtures.qrValues) {
    qr(thaw(x)).forEach((y, i) => {
      matches(t, y, outs[i], `full qr of [${x.shape}] output ${i}`);
    });
  }
  for (const fixture of fixtures.triangularSolve) {
    const name = JSON.stringify(fixture.options);
    matchesLinear(t, (a, b) => [triangularSolve(a, b, fixture.options)], fixture, name);
  }
});

t.test('derivatives of derivatives', async (t) => {
  const { x, hessian } = fixtures.logDeterminant;
  const a = thaw(x);
  const half = (m: Value) => sum(log(diagonal(cholesky(m))));
  const row = (i: number) => grad((m: Value) => sum(pick(grad(half)(m) as unknown as Value, i)))(a) as unknown as Value;
  const rows = Array.from({ length: 9 }, (_, i) => [...host(row(i))]);
  t.ok(difference(rows.flat(), host(thaw(hessian))) < 1e-11);
});

const places = (n: number, data: readonly number[]) =>
  NDArray.fromHost(Int32Array.from(data), shapedArray([n, 2], 'int32'));
const elements = (x: Value, rows: NDArray) =>
  gather(x, rows, { sliceSizes: [1, 1], offsetDims: [], collapsedSliceDims: [0, 1], startIndexMap: [0, 1] });
const diagonal = (x: Value) => elements(x, places(3, [0, 0, 1, 1, 2, 2]));
const pick = (x: Value, i: number) => elements(x, places(1, [Math.floor(i / 3), i % 3]));

t.test('failures are NaN or infinite, never exceptions', async (t) => {
  const indefinite = matrix([1, 2, 2, 1], [2, 2]);
  t.same([...host(cholesky(indefinite))], [Number.NaN, 0, Number.NaN, Number.NaN]);
  t.same([...host(cholesky(matrix([Number.NaN], [1, 1])))], [Number.NaN]);
  const [factors] = lu(matrix([1, 2, 2, 4], [2, 2]));
  t.same([...host(factors)], [2, 4, 0.5, 0], 'a singular matrix has a zero pivot');
  const x = triangularSolve(matrix([0], [1, 1]), matrix([1], [1, 1]), { leftSide: true, lower: true });
  t.same([...host(x)], [Number.POSITIVE_INFINITY]);
});

t.test('factors multiply to the matrix', async (t) => {
  const a = matrix(matrixValues([2, 7, 5], 'general'), [2, 7, 5]);
  const [q, r] = qr(a, { fullMatrices: false });
  t.ok(difference(host(batchMatmul(q, r)), host(a)) < 1e-14);
  const single = NDArray.fromHost(Float32Array.from(matrixValues([6, 6], 'positive')), shapedArray([6, 6], 'float32'));
  const l = cholesky(single);
  t.equal(l.dtype, 'float32');
  t.ok(difference(host(batchMatmul(l, transpose(l))), host(single)) < 1e-6);
});

t.test('one matrix and a right-hand side per lane is one system', async (t) => {
  const a = matrix(matrixValues([3, 3], 'triangular'), [3, 3]);
  const b = matrix(matrixValues([4, 3], 'general'), [4, 3]);
  const solve = (rhs: Value) => triangularSolve(a, rhs, { leftSide: true, lower: true });
  const program = String(makeJaxpr(vmap(solve) as any)(b as never));
  t.match(program, /f64\[3,4\] = triangular_solve/);
});

t.test('errors name the operation and the types', async (t) => {
  const a = matrix([1, 2, 3, 4, 5, 6], [2, 3]);
  const square = matrix([1, 2, 3, 4], [2, 2]);
  t.throws(() => cholesky(a), { message: 'cholesky: needs a square matrix, but got f64[2,3].' });
  t.throws(() => lu(matrix([1], [1])), { message: 'lu: needs a matrix, but got f64[1].' });
  t.throws(() => triangularSolve(square, matrix([1, 2, 3], [3, 1]), { leftSide: true }), {
    message: 'triangularSolve: f64[2,2] does not fit right-hand sides f64[3,1] on the left.',
  });
});
