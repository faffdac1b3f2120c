/** Complex arrays against NumPy, mpmath and JAX: `test/oracle/complex.py`. */
import {
  ComplexArray,
  grad,
  jacfwd,
  jacrev,
  jit,
  jvp,
  lax,
  linalg,
  type NDArray,
  np,
  solvers,
  tree,
  vjp,
  vmap,
} from 'cotangent';
import t from 'tap';
import { bothWaysOf } from './lib/compiled.ts';
import { fixture } from './lib/fixture.ts';

type Part = number | string;
type Pair = readonly [Part, Part];
type Result = NDArray | ComplexArray;

const oracle = fixture('complex');
const number = (x: Part): number =>
  typeof x === 'number' ? x : x === '-0' ? -0 : Number(x.replace('inf', 'Infinity'));
const complexOf = (pairs: readonly Pair[], dtype: 'complex64' | 'complex128' = 'complex128'): ComplexArray =>
  np.array(
    pairs.map(([real, imag]) => ({ real: number(real), imag: number(imag) })),
    { dtype },
  );
const planes = (x: Result): [ArrayLike<number>, ArrayLike<number>] =>
  x instanceof ComplexArray ? [x.real.data(), x.imag.data()] : [x.data(), new Float64Array(x.size)];
const functions: Record<string, (z: ComplexArray) => Result> = np as never;

/** The largest distance, over the largest magnitude that is wanted. */
function distance(got: Result, want: readonly Pair[]): number {
  const [re, im] = planes(got);
  if (re.length !== want.length) return Number.POSITIVE_INFINITY;
  let [error, size] = [0, 0];
  want.forEach(([a, b], i) => {
    const d = Math.hypot(re[i]! - number(a), im[i]! - number(b));
    error = Math.max(error, d);
    size = Math.max(size, Math.hypot(number(a), number(b)));
  });
  return size === 0 ? error : error / size;
}

t.test('elementary functions are accurate', (t) => {
  for (const [key, { z, w }] of Object.entries<{ z: Pair[]; w: Pair[] }>(oracle.values)) {
    const [name, dtype] = key.split(' ') as [string, string];
    const single = dtype === 'float32';
    const [re, im] = planes(functions[name]!(complexOf(z, single ? 'complex64' : 'complex128')));
    // Of each number in units of its own last place; tan and tanh have a dozen roundings.
    const worst = Math.max(
      ...w.map(([a, b], i) => {
        const size = Math.hypot(a as number, b as number);
        const error = Math.hypot(re[i]! - (a as number), im[i]! - (b as number));
        return size < (single ? 1e-37 : 1e-300) ? 0 : error / size / (single ? 2 ** -23 : 2 ** -52);
      }),
    );
    t.ok(worst < 2, `${key}: ${worst} ulp`);
  }
  t.end();
});

t.test('special values are those of C and NumPy', (t) => {
  const z = complexOf(oracle.special.z);
  const ofZero = /^-?0$/;
  for (const [name, want] of Object.entries<(Pair | Part)[]>(oracle.special.functions)) {
    // NumPy's own formula for expm1 gives NaN at infinities; its reciprocal of 0 is NaN in both parts.
    if (name === 'expm1') continue;
    const got = functions[name]!(z);
    const parts = planes(got);
    const wrong: string[] = [];
    want.forEach((pair, i) => {
      const [a, b]: Pair = oracle.special.z[i];
      if (name === 'reciprocal' && ofZero.test(String(b)) && (ofZero.test(String(a)) || a === 'nan')) return;
      // Towards two infinities there is a direction here, beside NaN none; NumPy has it the other way round.
      if (name === 'sign' && !Number.isFinite(number(a)) && !Number.isFinite(number(b))) return;
      const expected = [pair].flat() as Part[];
      // C leaves signs open: of zeros and infinities beside NaN, and all of them where e^−∞ meets no angle.
      const open = [...expected, a, b].includes('nan') || (name === 'exp' && a === '-inf');
      const same = expected.every((part, k) => {
        const [x, y] = [parts[k]![i]!, number(part)];
        if (Number.isNaN(y)) return Number.isNaN(x);
        if (Number.isFinite(y) && y !== 0) return Math.abs(x - y) <= 1e-15 * Math.abs(y);
        return open || name === 'square' || name === 'sign' ? Math.abs(x) === Math.abs(y) : Object.is(x, y);
      });
      if (!same) wrong.push(`${name}(${a}, ${b}) is ${parts.map((p) => p[i])}, not ${expected}`);
    });
    t.strictSame(wrong, [], name);
  }
  const edges = np.expm1(
    complexOf([
      ['inf', 0],
      ['-inf', 1],
      ['nan', 0],
    ] as Pair[]),
  );
  t.equal(String(edges), '[inf+0.j -1.+0.j nan+0.j]');
  t.end();
});

t.test('nothing overflows or underflows on the way', (t) => {
  const { extremes } = oracle;
  const z = complexOf(extremes.z);
  const each = (got: Result, want: readonly Pair[], tolerance: number, name: string): void => {
    const [re, im] = planes(got);
    want.forEach((pair, i) => {
      const ok = [re[i]!, im[i]!].every((x, k) => {
        const y = number(pair[k]!);
        return x === y || Math.abs(x - y) <= tolerance * Math.abs(y) + 1e-322;
      });
      t.ok(ok, `${name} ${i}: ${[re[i], im[i]]} against ${pair}`);
    });
  };
  for (const name of ['log', 'log1p', 'sqrt', 'arcsin', 'arccos', 'arctan', 'arcsinh', 'arccosh', 'arctanh'])
    each(functions[name]!(z), extremes[name], 2e-15, name);
  each(
    np.abs(z),
    extremes.abs.map((x: Part) => [x, 0]),
    1e-15,
    'abs',
  );
  const y = complexOf(extremes.y);
  const ratio = y.reshape(4, 1).div(y).ravel();
  extremes.ratio.forEach((pair: Pair, i: number) => {
    const [want, got] = [pair.map(number), planes(ratio).map((part) => part[i]!)];
    const size = Math.max(...want.map(Math.abs));
    t.ok(
      want.every((x, k) => x === got[k] || Math.abs(x - got[k]!) <= 1e-15 * size),
      `ratio ${i}: ${got} against ${want}`,
    );
  });
  for (const name of ['exp', 'sinh', 'cosh'])
    each(functions[name]!(complexOf(extremes.far)), extremes[`far ${name}`], 1e-13, name);
  t.equal(String(np.divide(np.complex(1, 1), complexOf([[0, 0]]))), '[inf+infj]', 'as NumPy divides by zero');
  t.end();
});

t.test("NumPy's functions on arrays", (t) => {
  const { arrays } = oracle;
  const get = (name: string): ComplexArray => complexOf(arrays[name].data).reshape(arrays[name].shape);
  const [z, w, v, stack, sq] = ['z', 'w', 'v', 'stack', 'sq'].map(get) as [
    ComplexArray,
    ComplexArray,
    ComplexArray,
    ComplexArray,
    ComplexArray,
  ];
  const x = np.real(get('x'));
  const f64 = { dtype: 'float64' } as const;
  const got: Record<string, () => Result> = {
    sum0: () => z.sum({ axis: 0 }),
    mean: () => z.mean({ axis: 1, keepdims: true }),
    prod: () => z.prod(),
    prod1: () => np.prod(z, { axis: 1 }),
    cumsum: () => z.cumsum(),
    cumprod1: () => z.cumprod({ axis: 1 }),
    var: () => z.var({ axis: 0 }),
    std: () => np.std(z, { ddof: 1 }),
    matmul: () => np.matmul(z, w),
    matmulReal: () => x.matmul(w),
    realMatmul: () => z.T.matmul(x),
    dot: () => np.dot(z, v),
    vdot: () => np.vdot(z, z.mul(np.complex(0, 2))),
    inner: () => np.inner(z, v),
    outer: () => np.outer(v, z.slice(0)),
    kron: () => np.kron(z.slice([0, 2], [0, 2]), w.slice([0, 2])),
    tensordot: () =>
      np.tensordot(stack, z, {
        axes: [
          [1, 2],
          [0, 1],
        ],
      }),
    einsum: () => np.einsum('bij,jk->bik', stack, w),
    einsum3: () => np.einsum('ij,jk,j->ik', z, w, v),
    vecdot: () => np.vecdot(z, z.mul(np.j)),
    trace: () => np.trace(sq),
    matvec: () => np.matvec(z, v),
    vecmat: () => np.vecmat(v, w),
    cross: () => np.cross(z.slice([], [0, 3]), sq),
    convolve: () => np.convolve(v, z.slice(0)),
    correlate: () => np.correlate(v, z.slice(0), { mode: 'full' }),
    diff: () => np.diff(z, { axis: 1 }),
    trapezoid: () => np.trapezoid(z, { dx: 0.5 }),
    interp: () => np.interp(np.array([0.5, 1.25], f64), np.arange(4), v),
    inv: () => linalg.inv(sq),
    solve: () => linalg.solve(sq, z),
    solveVector: () => linalg.solve(sq, z.slice([], 0)),
    det: () => linalg.det(sq),
    slogdet: () => {
      const { sign, logabsdet } = linalg.slogdet(sq);
      return np.stack([sign, logabsdet]);
    },
    pinv: () => linalg.pinv(z),
    power: () => linalg.matrixPower(sq, 3),
    norm: () => linalg.norm(z),
    norm1: () => linalg.norm(z, { ord: 1 }),
    norm2: () => linalg.norm(z, { ord: 2 }),
    nuc: () => linalg.matrixNorm(z, { ord: 'nuc' }),
    multiDot: () => linalg.multiDot([z, w, w.T]),
    pow3: () => z.pow(3),
    powMinus2: () => np.power(z, -2),
    powHalf: () => z.pow(0.5),
    powComplex: () => z.pow(np.complex(0.5, -1)),
    realPow: () => np.power(2.5, z),
    round: () => np.round(z, { decimals: 2 }),
    where: () => np.where(x.gt(0), z, x),
    concatenate: () => np.concatenate([z, x]),
    average: () => np.average(z, { axis: 0, weights: np.array([1, 2, 3]) }),
  };
  t.strictSame(Object.keys(got).sort(), Object.keys(arrays.results).sort());
  for (const [name, { shape, data }] of Object.entries<{ shape: number[]; data: Pair[] }>(arrays.results)) {
    const result = got[name]!();
    t.strictSame(result.shape, shape, `${name}: shape`);
    t.ok(distance(result, data) < 4e-15, `${name}: ${distance(result, data)}`);
    t.match(result.dtype, /^(complex128|float64)$/);
  }
  t.ok(distance(linalg.det(np.stack([sq, sq])), [...arrays.results.det.data, ...arrays.results.det.data]) < 4e-15);
  t.end();
});

t.test('elements move as those of real arrays', (t) => {
  const z = np.arange(6).reshape(2, 3).mul(np.j).add(np.arange(6).reshape(2, 3).mul(10));
  const same = (got: ComplexArray, f: (x: NDArray) => NDArray, name: string): void => {
    t.strictSame([got.real.tolist(), got.imag.tolist()], [f(z.real).tolist(), f(z.imag).tolist()], name);
  };
  same(np.reshape(z, [3, 2]), (x) => x.reshape(3, 2), 'reshape');
  same(z.T, (x) => x.T, 'T');
  same(np.moveaxis(z, 0, 1), (x) => np.moveaxis(x, 0, 1), 'moveaxis');
  same(np.flip(z), (x) => np.flip(x), 'flip');
  same(np.roll(z, 1, { axis: 1 }), (x) => np.roll(x, 1, { axis: 1 }), 'roll');
  same(np.tile(z, [2, 1]), (x) => np.tile(x, [2, 1]), 'tile');
  same(np.repeat(z, 2), (x) => np.repeat(x, 2), 'repeat');
  same(np.take(z, [1, 0], { axis: 1 }), (x) => np.take(x, [1, 0], { axis: 1 }), 'take');
  same(z.slice(1, [0, 2]), (x) => x.slice(1, [0, 2]), 'slice');
  same(np.tril(z), (x) => np.tril(x), 'tril');
  same(np.diag(z), (x) => np.diag(x), 'diag');
  same(np.expandDims(z, 0), (x) => np.expandDims(x, 0), 'expandDims');
  same(np.broadcastTo(z, [2, 2, 3]), (x) => np.broadcastTo(x, [2, 2, 3]), 'broadcastTo');
  same(np.rot90(z), (x) => np.rot90(x), 'rot90');
  same(np.delete(z, 0), (x) => np.delete(x, 0), 'delete');
  same(np.split(z, 3, { axis: 1 })[2]!, (x) => np.split(x, 3, { axis: 1 })[2]!, 'split');
  t.equal(String(np.pad(z.slice(0), 1, { constantValues: 7 })), '[ 7.+0.j  0.+0.j 10.+1.j 20.+2.j  7.+0.j]');
  t.equal(String(np.stack([z.slice(0), np.ones([3])])), '[[ 0.+0.j 10.+1.j 20.+2.j]\n [ 1.+0.j  1.+0.j  1.+0.j]]');
  t.equal(String(np.insert(z.slice(0), 1, np.j)), '[ 0.+0.j  0.+1.j 10.+1.j 20.+2.j]');
  t.equal(String(np.select([np.array([true, false])], [np.complex(np.array([1, 2]), 3)], np.j)), '[1.+3.j 0.+1.j]');
  t.equal(String(z.slice(0).at(1).set(np.j)), '[ 0.+0.j  0.+1.j 20.+2.j]');
  t.equal(String(z.slice(0).at(1).add(5)), '[ 0.+0.j 15.+1.j 20.+2.j]');
  t.equal(String(z.slice(0).sum({ initial: np.complex(1, 1) })), '(31+4j)');
  t.equal(String(z.H.slice(1)), '[10.-1.j 40.-4.j]');
  const [first, second] = z;
  t.equal(String(first), '[ 0.+0.j 10.+1.j 20.+2.j]');
  t.strictSame(second!.slice(0).item(), { real: 30, imag: 3 });
  t.strictSame([np.shape(z), np.ndim(z), np.size(z)], [[2, 3], 2, 6]);
  t.strictSame(np.nonzero(z).map(String), ['[0 0 1 1 1]', '[1 2 0 1 2]']);
  t.end();
});

t.test('dtypes, making and questions', (t) => {
  const z = np.array([{ real: 1, imag: 2 }, 3]);
  t.equal(z.dtype, 'complex64');
  const types: [ComplexArray, string][] = [
    [z.add(np.array([1], { dtype: 'float64' })), 'complex128'],
    [z.mul(np.arange(2)), 'complex64'],
    [z.mul(2), 'complex64'],
    [z.mul(np.j), 'complex64'],
    [z.astype('complex128').mul(np.j), 'complex128'],
    [np.ones([2], { dtype: 'float64' }).mul(np.j), 'complex128'],
    [np.arange(2).mul(np.j), 'complex64'],
    [np.arange(2).astype('complex128'), 'complex128'],
    [np.array([1, 2], { dtype: 'complex128' }), 'complex128'],
    [np.zeros([2], { dtype: 'complex128' }), 'complex128'],
    [np.full([2], np.complex(1, 2), { dtype: 'complex128' }), 'complex128'],
    [np.onesLike(z), 'complex64'],
    [np.sum(z, { dtype: 'complex128' }), 'complex128'],
    [lax.complex(np.ones([2], { dtype: 'float64' }), 1), 'complex128'],
    [jit((z: ComplexArray) => z.mul(np.j))(z), 'complex64'],
  ];
  for (const [got, dtype] of types) t.equal(got.dtype, dtype, String(got));
  t.equal(String(np.onesLike(z)), '[1.+0.j 1.+0.j]');
  t.equal(String(np.fullLike(z, np.j)), '[0.+1.j 0.+1.j]');
  t.strictSame(z.tolist(), [
    { real: 1, imag: 2 },
    { real: 3, imag: 0 },
  ]);
  t.equal(JSON.stringify({ z }), '{"z":[{"real":1,"imag":2},{"real":3,"imag":0}]}');
  t.equal(String(np.array(z.tolist())), String(z));
  t.equal(String(np.array([[z.slice(0), 1]])), '[[1.+2.j 1.+0.j]]');
  t.same(z.data(), { real: new Float32Array([1, 3]), imag: new Float32Array([2, 0]) });
  t.strictSame(np.isreal(z).tolist(), [false, true]);
  t.strictSame(np.iscomplex(z).tolist(), [true, false]);
  t.strictSame([np.iscomplexobj(z), np.isrealobj(z), np.iscomplexobj(1)], [true, false, false]);
  t.strictSame(z.eq(np.complex(1, 2)).tolist(), [true, false]);
  t.strictSame(np.array([1, 3]).eq(z).tolist(), [false, true]);
  t.ok(np.allclose(z, z.add(1e-7)));
  t.notOk(np.allclose(z, z.add(np.complex(0, 1e-3))));
  t.ok(np.arrayEqual(z, [{ real: 1, imag: 2 }, 3]));
  t.strictSame(np.isnan(np.array([{ real: 0, imag: Number.NaN }, 1])).tolist(), [true, false]);
  t.strictSame(np.logicalNot(np.array([np.j, 0])).tolist(), [false, true]);
  t.strictSame([np.any(z).item<boolean>(), np.countNonzero(z).item()], [true, 2]);
  t.ok(np.realIfClose(z) === z);
  t.equal(String(np.realIfClose(z.real.add(np.complex(0, 1e-9)))), '[1. 3.]');
  t.equal(np.angle(np.complex(1, 1), { deg: true }).item(), 45);
  t.equal(String(np.angle(np.array([-1, 1]))), '[3.1415927 0.       ]');
  t.equal(String(np.conj(np.array([1, 2]))), '[1. 2.]');
  t.equal(String(z.pow(0)), '[1.+0.j 1.+0.j]');
  t.equal(String(np.power(np.array([0, 1]), np.complex(2, 1))), '[0.+0.j 1.+0.j]');
  // What a result shares with its operand stays when either is disposed of.
  const w = np.array([{ real: 1, imag: 2 }]);
  w.conj().dispose();
  w.add(1).dispose();
  t.equal(String(w), '[1.+2.j]');
  {
    using u = w.mul(2);
    t.equal(String(u), '[2.+4.j]');
  }
  t.end();
});

t.test('printing is that of NumPy', (t) => {
  for (const { dtype, shape, data, text } of oracle.printing)
    t.equal(String(complexOf(data, dtype).reshape(shape)), text);
  t.equal(`${np.j}`, '1j');
  t.equal(String(np.zeros([0], { dtype: 'complex64' })), '[]');
  t.end();
});

const composed: Record<string, (z: ComplexArray) => Result> = {
  pow3: (z) => z.pow(3),
  powMinus2: (z) => z.pow(-2),
  powComplex: (z) => z.pow(np.complex(0.5, -1)),
  realPow: (z) => np.power(2.5, z),
  div: (z) => z.add(1).div(z.mul(z).sub(np.complex(0, 2))),
  realDiv: (z) => np.divide(3, z),
  mulReal: (z) => z.mul(np.array([1, -2, 0.5])),
  outer: (z) => np.outer(z, z),
  inv: (z) => linalg.inv(np.outer(z, z.conj()).add(np.eye(3).mul(np.complex(0, 2)))),
  det: (z) =>
    linalg.det(
      np
        .outer(z, z)
        .add(np.diag(z))
        .add(np.eye(3).mul(np.complex(0, 2))),
    ),
};

/** A real function of what is real or complex. */
const lossOf =
  (f: (z: ComplexArray) => Result) =>
  (z: ComplexArray): NDArray => {
    const w = f(z);
    const weights = np.arange(1, w.size + 1).reshape(w.shape);
    return np.sum(weights.mul(np.real(w).add(np.square(np.imag(w)).mul(0.5))));
  };

t.test("derivatives are JAX's, gradients conjugated", (t) => {
  const d = oracle.derivatives;
  const curved = 'exp log sqrt tan arcsin arccosh arctanh abs div powComplex prod cumprod det'.split(' ');
  for (const [dtype, names, tolerance] of [
    ['complex128', Object.keys(d.jvp), 1e-14],
    ['complex64', ['tanh', 'arcsin', 'abs', 'div', 'powComplex', 'prod'], 3e-6],
  ] as const) {
    const [z, tangent] = [complexOf(d.z, dtype), complexOf(d.t, dtype)];
    for (const name of names) {
      const f = composed[name] ?? functions[name]!;
      const loss = lossOf(f);
      const second = (z: ComplexArray): NDArray => np.sum(np.square(np.real(grad(loss)(z))));
      const is = (got: Result, want: Pair[], what: string): void => {
        t.ok(distance(got, want) < tolerance, `${name} ${dtype}: ${what} ${distance(got, want)}`);
      };
      const all = jit((z: ComplexArray, dz: ComplexArray): Result[] => [
        ...(jvp(f as any, [z], [dz]) as Result[]),
        grad(loss)(z),
        ...(curved.includes(name) ? [grad(second)(z)] : []),
      ]);
      const [w, dw, gradient, curvature] = all(z, tangent) as Result[];
      is(w!, d.jvp[name].w, 'value');
      is(dw!, d.jvp[name].dw, 'jvp');
      is(gradient!, d.grad[name], 'grad');
      if (curvature) is(curvature, d.second[name], 'second');
      // Without a program operations are carried out in another way, by the reference semantics in a third.
      if (name.length > 4) continue;
      is(grad(loss)(z), d.grad[name], 'eager grad');
      if (name === 'det') continue;
      const { want } = bothWaysOf((re, im) => tree.leaves(grad(loss)(new ComplexArray(re, im))), z.real, z.imag);
      is(new ComplexArray(np.array(want[0]!), np.array(want[1]!)), d.grad[name], 'interpreted grad');
    }
  }

  const zero = np.array([{ real: 0, imag: 0 }]);
  t.equal(String(grad((z: ComplexArray) => z.abs().sum())(zero)), '[0.+0.j]', '|z| at 0');
  t.equal(String(grad((z: ComplexArray) => np.real(z.pow(2)).sum())(zero)), '[0.+0.j]');
  const g = grad((z: ComplexArray) => np.square(z.sub(np.complex(1, 2)).abs()))(np.complex(3, 5));
  t.strictSame(g.item(), { real: 4, imag: 6 }, 'the direction of steepest ascent');
  t.end();
});

t.test('transformations nest', (t) => {
  const rows = complexOf([
    [0.3, 0.7],
    [-1.2, 0.4],
    [0.5, -2.1],
    [1.5, 0.25],
  ]);
  const f = (z: ComplexArray): ComplexArray => np.exp(z).mul(z.conj());
  const single = [...rows].map((z) => f(z));
  t.ok(np.allclose(vmap(f)(rows), np.stack(single)));
  t.ok(np.allclose(jit(vmap(f))(rows), np.stack(single)));
  const loss = (z: ComplexArray): NDArray => np.sum(np.square(f(z).abs()));
  const gradients = np.stack([...rows].map((z) => grad(loss)(z)));
  t.ok(np.allclose(vmap(grad(loss))(rows), gradients));
  t.ok(np.allclose(jit(vmap(grad(loss)))(rows), gradients));

  // Jacobians have parts of parts: J.real.imag is ∂ real / ∂ imag.
  const forward = jacfwd(f)(rows);
  const reverse = jacrev(f)(rows);
  const slope = 1e-6;
  const moved = f(rows.add(np.complex(0, slope)))
    .sub(f(rows.sub(np.complex(0, slope))))
    .div(2 * slope);
  t.ok(np.allclose(np.diag(forward.real.imag), moved.real, { rtol: 1e-8 }));
  t.ok(np.allclose(forward.imag.imag, reverse.imag.imag) && np.allclose(forward.real.real, reverse.real.real));

  const [w, pull] = vjp(f, [rows]);
  const [cotangent] = pull(w);
  t.ok(np.allclose(cotangent, grad((z: ComplexArray) => np.sum(np.square(f(z).abs())).mul(0.5))(rows)));

  const [last, all] = lax.scan(
    (z: ComplexArray, c: ComplexArray): [ComplexArray, ComplexArray] => {
      const next = z.mul(z).add(c);
      return [next, next];
    },
    np.complex(np.array(0, { dtype: 'float64' }), 0),
    rows.mul(0.25),
  );
  t.ok(np.allclose(all.slice(-1), last));
  t.equal(tree.leaves(rows).length, 2);
  t.ok(tree.map((x) => x.mul(2), rows) instanceof ComplexArray);

  // Gradient descent and quasi-Newton steps need no conjugates.
  const target = complexOf([
    [1, 2],
    [-3, 0.5],
  ]);
  const solver = new solvers.LBFGS({
    fun: (z: ComplexArray): NDArray => np.sum(np.square(z.mul(z).sub(target).abs())),
  });
  const { params } = solver.run(target.mul(0.5));
  t.ok(np.allclose(params.mul(params), target, { atol: 1e-2 }), String(params));
  t.end();
});

t.test('errors name the operation and the argument', (t) => {
  const z = np.array([{ real: 1, imag: 2 }, 3, 4]);
  const says = (f: () => unknown, message: RegExp | string): void => {
    t.throws(f, {
      message: typeof message === 'string' ? new RegExp(`^${message.replace(/[[\](){}.`|]/g, '\\$&')}`) : message,
    });
  };
  says(
    () => np.floor(z as never),
    'floor: takes real arrays only, but `z` is c64[3].\n  hint: take its parts, `z.real` and `z.imag`, or its magnitude, `np.abs(z)`',
  );
  says(
    () => grad((z: ComplexArray) => z.mul(z) as never)(np.complex(1, 2)),
    'grad needs a scalar, but the function returned c64[].\n  hint: take a real function of it, as `np.abs(z)`, or ask for all of it with `jacobian`',
  );
  says(() => np.sort(z as never), 'sort: takes real arrays only, but `z` is c64[3].');
  says(() => np.maximum(z as never, 1), 'maximum: takes real arrays only, but got c64[3].');
  says(() => np.less(1, z as never), 'less: takes real arrays only, but got c64[3].');
  says(() => linalg.svd(np.outer(z, z) as never), 'svd: takes real arrays only, but got c64[3,3].');
  says(() => z.add(np.ones([2])), 'add: c64[3] and f32[2] do not broadcast together.');
  says(() => np.ones([2]).mul(z), 'mul: f32[2] and c64[3] do not broadcast together.');
  says(() => z.astype('float32' as never), 'astype: c64[3] is not converted to "float32", which is real.');
  says(
    () => z.sum({ dtype: 'float32' as never }),
    "sum: the dtype of what is complex must be 'complex64' or 'complex128', but it is \"float32\".",
  );
  says(() => z.item(), 'item: c64[3] has 3 elements, but only an array of one element is a number.');
  says(() => np.complex(z, 1), 'complex: the real part is c64[3], but parts must be real.');
  says(() => (z as any) + 1, 'A JavaScript operator or Math function was applied to an array, c64[3].');
  says(() => linalg.det(z), 'det: needs square matrices, but got c64[3].');
  says(() => jit((w: ComplexArray) => np.array(w.tolist() as never))(z), /^tolist: the value of /);
  says(() => (z as any)[0], "`x[0]`: arrays are not JavaScript's lists, and x is c64[3].");
  says(() => (z as any).conj(1), 'conj: takes no arguments, but got 1 as another.');
  says(
    () => tree.leavesWithPath({ z: new ComplexArray(z.real, 'no' as never) }),
    /^tree.leavesWithPath: the tree.z.imag is /,
  );
  t.strictSame(
    tree.leavesWithPath({ z }).map(([path]) => path),
    ['.z.real', '.z.imag'],
  );
  let text = '';
  jit((w: ComplexArray) => {
    text = String(w);
    return w;
  })(z);
  t.equal(text, 'Traced<c64[3]>');
  t.end();
});
