/** Fourier transforms: values, accuracy, derivatives, batches, errors. */
import t from 'tap';
import { fourier } from '../src/core/fourier.ts';
import { rootsOfUnity } from '../src/core/roots-of-unity.ts';
import type { Value } from '../src/core/trace.ts';
import {
  ComplexArray,
  fft,
  grad,
  jacfwd,
  jacrev,
  jit,
  jvp,
  lax,
  makeJaxpr,
  type NDArray,
  np,
  vjp,
  vmap,
} from '../src/index.ts';
import { fftP, transformPlanes } from '../src/lax/fft.ts';
import { checkBatches, checkDerivatives, checkKernel, checkSecondDerivatives, numbers } from './check-primitive.ts';
import { fixture } from './lib/fixture.ts';
import { f64, near } from './lib/near.ts';

const { values, frequencies, derivatives } = fixture('fft');
const transforms = fft as unknown as Record<string, (x: unknown, options?: object) => ComplexArray | NDArray>;

const isComplex = (x: any): boolean => x !== null && typeof x === 'object' && 're' in x;
const given = (x: any, dtype: 'float32' | 'float64' = 'float64'): any =>
  isComplex(x) ? new ComplexArray(np.array(x.re, { dtype }), np.array(x.im, { dtype })) : np.array(x, { dtype });

function matches(t: any, actual: any, wanted: any, tolerance: number, name: string): void {
  if (!isComplex(wanted)) {
    near(t, actual, wanted, tolerance, name);
    return;
  }
  t.ok(actual instanceof ComplexArray, `${name}: complex`);
  // Parts that should be 0 are so next to the others.
  const both = np.stack([f64(wanted.re), f64(wanted.im)]);
  near(t, np.stack([actual.real, actual.imag]), both.tolist(), tolerance, name);
}

t.test("NumPy's values, lengths, axes and norms", async (t) => {
  for (const { name, x, options, y } of values) {
    const label = `${name} ${JSON.stringify(options)}`;
    matches(t, transforms[name]!(given(x), options), y, 1e-14, label);
    matches(t, transforms[name]!(given(x, 'float32'), options), y, 1e-6, `${label}, float32`);
    const compiled = jit((x: any) => transforms[name]!(x, options)) as (x: any) => any;
    if (options.norm === 'ortho' || options.axes) matches(t, compiled(given(x)), y, 1e-14, `${label}, compiled`);
  }
  for (const { name, n, d, y } of frequencies)
    near(t, (transforms[name] as any)(n, { d, dtype: 'float64' }), y, 1e-15, `${name} ${n}`);
  t.equal(np.fft, fft);
});

/** To a tolerance of 10⁻¹² of the size of each number, or of 1. */
function alike(t: { ok(value: unknown, name: string): unknown }, actual: NDArray, wanted: any, name: string): void {
  const want: number[] = [wanted].flat(9);
  const got = actual.data();
  t.ok(
    got.length === want.length && want.every((x, i) => Math.abs(got[i]! - x) <= 1e-12 * Math.max(1, Math.abs(x))),
    name,
  );
}

/** Random planes of a shape. */
function planes(shape: readonly number[], dtype: 'float32' | 'float64', seed: number): [NDArray, NDArray] {
  const next = numbers(seed);
  const draw = (): NDArray => {
    const size = shape.reduce((a, b) => a * b, 1);
    return np
      .array(
        Float64Array.from({ length: size }, () => next() - 0.5),
        { dtype },
      )
      .reshape([...shape]);
  };
  return [draw(), draw()];
}

const eps = { float32: 2 ** -23, float64: 2 ** -52 };

/** The distance of two lists of numbers next to the length of the second. */
function relative(actual: readonly ArrayLike<number>[], wanted: readonly ArrayLike<number>[]): number {
  let [error, size] = [0, 0];
  actual.forEach((list, which) => {
    for (let i = 0; i < list.length; i++) {
      error += (list[i]! - wanted[which]![i]!) ** 2;
      size += wanted[which]![i]! ** 2;
    }
  });
  return Math.sqrt(error / (size || 1));
}

/** Σⱼ x[j]·exp(−2πi·jk/n) for some k, from the definition, with compensated sums. */
function direct(re: ArrayLike<number>, im: ArrayLike<number>, wanted: readonly number[]): [number[], number[]] {
  const n = re.length;
  const { cos, sin } = rootsOfUnity(n);
  const sum = (x: ArrayLike<number>, y: ArrayLike<number>, sign: 1 | -1, k: number): number => {
    let [total, lost] = [0, 0];
    for (let j = 0; j < n; j++) {
      const at = (j * k) % n;
      const term = x[j]! * cos[at]! + sign * y[j]! * sin[at]! - lost;
      const next = total + term;
      lost = next - total - term;
      total = next;
    }
    return total;
  };
  return [wanted.map((k) => sum(re, im, 1, k)), wanted.map((k) => sum(im, re, -1, k))];
}

const lengths = [
  ...Array.from({ length: 40 }, (_, i) => i + 1),
  64,
  97,
  100,
  128,
  210,
  243,
  256,
  360,
  1000,
  1009,
  1024,
];

t.test('accuracy: a few units in the last place times log n, for every way of computing', async (t) => {
  for (const dtype of ['float32', 'float64'] as const)
    for (const n of [...lengths, 2018, 4096, 10007, 2 ** 15, 3 * 2 ** 14, 65537]) {
      const bound = eps[dtype] * (1 + Math.log2(n));
      const shapes = n > 1100 ? [[n]] : [[n], [n, 5], [19, n], [2, n, 3]];
      for (const shape of shapes) {
        const axis = shape.length === 3 || shape[1] === n ? 1 : 0;
        const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
        const [re, im] = planes(shape, dtype, n);
        const name = `${dtype} [${shape}]`;
        const whole = fft.fft(new ComplexArray(re, im), { axis });
        const [yr, yi] = [whole.real.data(), whole.imag.data()];
        // One line against the definition, and what is made of real numbers against what is made of complex ones.
        const last = re.size / n - 1;
        const line = (x: NDArray): number[] => {
          const data = x.data();
          const start = Math.floor(last / inner) * n * inner + (last % inner);
          return Array.from({ length: n }, (_, k) => data[start + k * inner]!);
        };
        const some = n <= 128 ? [...Array(n).keys()] : [0, 1, 2, n >> 1, n - 1, n - 7, Math.floor(n / 3)];
        const [dr, di] = direct(line(re), line(im), some);
        const size = Math.sqrt(n / 6);
        const [ar, ai] = [line(whole.real), line(whole.imag)];
        const error = Math.max(...some.map((k, i) => Math.hypot(ar[k]! - dr[i]!, ai[k]! - di[i]!))) / size;
        t.ok(error < 6 * bound, `${name} against the definition: ${error / bound}`);
        const back = fft.ifft(whole, { axis });
        const round = relative([back.real.data(), back.imag.data()], [re.data(), im.data()]);
        t.ok(round < bound, `${name} and back: ${round / bound}`);
        const real = fft.fft(re, { axis });
        const twice = fft.fft(new ComplexArray(re, np.zerosLike(re)), { axis });
        const wanted = [twice.real.data(), twice.imag.data()];
        t.ok(relative([real.real.data(), real.imag.data()], wanted) < bound, `${name} of real numbers`);
        const half = fft.rfft(re, { axis });
        const first = lax.sliceInDim(twice.real, 0, half.shape[axis]!, 1, axis);
        const second = lax.sliceInDim(twice.imag, 0, half.shape[axis]!, 1, axis);
        const cut = relative([half.real.data(), half.imag.data()], [first.data(), second.data()]);
        t.ok(cut < bound, `${name}, half of it: ${cut / bound}`);
        const again = relative([fft.irfft(half, { axis, n }).data()], [re.data()]);
        t.ok(again < 1.5 * bound, `${name} and back from a half: ${again / bound}`);
        if (n % 7 === 0) {
          const compiled = jit((re: NDArray, im: NDArray) => fft.fft(new ComplexArray(re, im), { axis }));
          const y = compiled(re, im) as unknown as ComplexArray;
          t.strictSame([y.real.data(), y.imag.data()], [yr, yi], `${name}: the same bits compiled`);
        }
      }
    }
});

t.test('a million numbers there and back', async (t) => {
  for (const n of [2 ** 20, 10 ** 6]) {
    const [re, im] = planes([n], 'float32', 3);
    const y = fft.fft(new ComplexArray(re, im));
    const x = fft.ifft(y);
    const error = relative([x.real.data(), x.imag.data()], [re.data(), im.data()]);
    t.ok(error < eps.float32 * 8, `${n}: ${error}`);
    const [before, after] = [re, im, y.real, y.imag]
      .map((plane) => np.sum(np.square(plane.astype('float64'))).item())
      .reduce((sums, s, i) => (i < 2 ? [sums[0]! + s, sums[1]!] : [sums[0]!, sums[1]! + s / n]), [0, 0]) as [
      number,
      number,
    ];
    t.ok(Math.abs(after / before - 1) < 1e-6, 'Parseval');
  }
});

t.test('roots of unity', async (t) => {
  for (const n of [1, 2, 3, 4, 5, 7, 8, 12, 360, 1009, 4096]) {
    const { cos, sin } = rootsOfUnity(n);
    for (let k = 0; k < n; k++) {
      // sin² and cos² add up to 1, and angles are those of the half turn less.
      const [c, s] = [cos[k]!, sin[k]!];
      if (Math.abs(c * c + s * s - 1) > 4e-16) t.fail(`${k}/${n}`);
      if (n % 2 === 0 && (cos[(k + n / 2) % n] !== (c === 0 ? 0 : -c) || sin[(k + n / 2) % n] !== (s === 0 ? 0 : -s)))
        t.fail(`${k}/${n} and its opposite`);
      if (Math.abs(c - Math.cos((2 * Math.PI * k) / n)) > 1e-15) t.fail(`cos ${k}/${n}`);
      if (Math.abs(s - Math.sin((2 * Math.PI * k) / n)) > 1e-15) t.fail(`sin ${k}/${n}`);
    }
  }
  t.strictSame([...rootsOfUnity(4).cos], [1, 0, -1, 0]);
  const [, twelfth, sixth] = rootsOfUnity(12).cos;
  t.ok(Math.abs(twelfth! - Math.sqrt(0.75)) <= 2 ** -53);
  t.ok(Math.abs(sixth! - 0.5) <= 2 ** -54);
});

t.test('the primitive: compiled and at once, derivatives, batches', async (t) => {
  t.same(checkKernel(fftP, 1e-14), []);
  t.same(checkDerivatives(fftP), []);
  t.same(checkSecondDerivatives(fftP), []);
  t.same(checkBatches(fftP, 1e-14), []);
});

t.test("JAX's derivatives of both orders, on planes", async (t) => {
  for (const { name, kind, options, re, im, u, v, loss, gradient, tangents, second } of derivatives) {
    const label = `${name} ${kind} ${JSON.stringify(options)}`;
    const f = (re: NDArray, im: NDArray): NDArray => {
      const y = transforms[name]!(kind === 'complex' ? new ComplexArray(re, im) : re, options);
      const [a, b] = y instanceof ComplexArray ? [y.real, y.imag] : [y, y];
      return np.sum(f64(u).mul(a).add(f64(v).mul(b)).add(a.mul(a).mul(b)));
    };
    const [x, y] = [f64(re), f64(im)];
    near(t, f(x, y), loss, 1e-12, label);
    const g = grad(f, { argnums: [0, 1] }) as (re: NDArray, im: NDArray) => [NDArray, NDArray];
    const moved = (re: NDArray, im: NDArray): any => jvp(g as any, [re, im] as any, tangents.map(f64))[1];
    for (const [how, by, along] of [
      ['at once', g, moved],
      ['compiled', jit(g), jit(moved)],
    ] as const)
      for (const which of kind === 'complex' ? [0, 1] : [0]) {
        alike(t, (by(x, y) as NDArray[])[which]!, gradient[which], `${label} ${how}: gradient ${which}`);
        alike(t, (along(x, y) as NDArray[])[which]!, second[which], `${label} ${how}: second ${which}`);
      }
  }
});

t.test('transformations in any nesting', async (t) => {
  const x = f64([0.5, -1, 2, 0.25, 1]);
  const { re } = fourier({ re: Float64Array.from([1, 0, 0, 0, 0]), im: new Float64Array(5) });
  t.strictSame([...re], [1, 1, 1, 1, 1]);
  const power = (x: NDArray): NDArray => {
    const y = fft.rfft(x);
    return y.real.mul(y.real).add(y.imag.mul(y.imag));
  };
  near(t, jacrev(power)(x) as NDArray, (jacfwd(power)(x) as NDArray).tolist(), 1e-13, 'both modes');
  const spectrum = (x: NDArray): NDArray => fft.fft(x).real;
  const matrix = np.array(
    [...Array(5).keys()].map((k) => [...Array(5).keys()].map((j) => Math.cos((2 * Math.PI * j * k) / 5))),
    { dtype: 'float64' },
  );
  near(t, jacrev(spectrum)(x) as NDArray, matrix.tolist(), 1e-15, 'the matrix itself');
  const batch = np.stack([x, x.mul(2), x.mul(x)]);
  const lanes = [...Array(3).keys()].map((i) => (power(lax.indexInDim(batch, i, 0, false)) as NDArray).tolist());
  near(t, vmap(power)(batch) as NDArray, lanes, 1e-14, 'vmap');
  const gradients = vmap(grad((x: NDArray) => np.sum(np.sin(power(x)))));
  near(t, jit(gradients)(batch) as NDArray, (gradients(batch) as NDArray).tolist(), 1e-13, 'jit(vmap(grad))');
  // Along an axis that is not the lanes', and with lanes at the end.
  const columns = vmap((x: NDArray) => fft.fft(x).imag, { inAxes: 1, outAxes: 1 });
  near(t, columns(batch) as NDArray, fft.fft(batch, { axis: 0 }).imag.tolist(), 1e-15, 'columns');
  // A filter in a loop: tables are captured.
  const smooth = (x: NDArray): NDArray => {
    const y = fft.rfft(x);
    const weights = f64([1, 0.5, 0.25]);
    return fft.irfft(new ComplexArray(y.real.mul(weights), y.imag.mul(weights)), { n: 5 });
  };
  const loop = (x: NDArray): NDArray => lax.foriLoop(0, 3, (_: unknown, x: NDArray) => smooth(x), x) as NDArray;
  near(t, jit(loop)(x) as NDArray, smooth(smooth(smooth(x))).tolist(), 1e-14, 'a loop');
  const [, pull] = vjp(jit(loop) as any, [x] as any) as any;
  near(t, pull(f64([1, 0, 0, 0, 0]))[0], smooth(smooth(smooth(f64([1, 0, 0, 0, 0])))).tolist(), 1e-14, 'backwards');
  t.match(String(makeJaxpr((x: NDArray) => fft.rfft(x).real)(x)), /fft\[kind=rfft axis=0 n=5 scale=none\]/);
});

t.test('the convolution theorem', async (t) => {
  const n = 50;
  const [x, y] = planes([n], 'float64', 9);
  const [a, b] = [fft.rfft(x), fft.rfft(y)];
  const product = new ComplexArray(
    a.real.mul(b.real).sub(a.imag.mul(b.imag)),
    a.real.mul(b.imag).add(a.imag.mul(b.real)),
  );
  const [p, q] = [x, y].map((plane) => Float64Array.from(plane.data())) as [Float64Array, Float64Array];
  const wanted = Array.from({ length: n }, (_, k) => p.reduce((sum, v, j) => sum + v * q[(k - j + n) % n]!, 0));
  near(t, fft.irfft(product), wanted, 1e-14, 'a circular convolution');
});

t.test('interpreted as compiled', async (t) => {
  for (const kind of ['fft', 'fftReal', 'rfft', 'irfft'] as const)
    for (const n of [30, 37]) {
      const [re, im] = planes([kind === 'irfft' ? (n >> 1) + 1 : n, 4], 'float64', n);
      const p = { kind, axis: 0, n, inverse: true, scale: 'mean' } as const;
      const parts: Value[] = kind === 'fft' || kind === 'irfft' ? [re, im] : [re];
      const y = transformPlanes(parts, p);
      const host = parts.map((x) => ({ aval: x.aval, data: x.hostData() }));
      const wanted = fftP.run(
        host,
        p,
        y.map((x) => x.aval),
      );
      const error = relative(
        y.map((x) => x.data()),
        wanted,
      );
      t.ok(error < 1e-15 * Math.log2(n), `${kind} ${n}: ${error}`);
    }
});

t.test('types and errors', async (t) => {
  const x = np.array([1, 2, 3, 4]);
  const z = fft.fft(x);
  t.equal(z.dtype, 'complex64');
  t.equal(fft.fft(f64([1, 2])).dtype, 'complex128');
  t.equal(fft.fft(np.array([1, 2], { dtype: 'int32' })).dtype, 'complex64', 'integers become float32');
  t.equal(fft.fft(np.array([true, false])).dtype, 'complex64');
  t.equal(fft.irfft(z).dtype, 'float32');
  t.strictSame(fft.fft(np.zeros([0, 4])).shape, [0, 4]);
  t.strictSame(fft.rfft(np.zeros([3, 0]), { axis: 0 }).shape, [2, 0]);
  t.strictSame(fft.fft(np.zeros([0]), { n: 4 }).real.tolist(), [0, 0, 0, 0]);
  const any = (x: unknown): any => x;
  for (const [f, message] of [
    [() => fft.fft(x, { axis: 1 }), 'fft: axis 1 is out of range for f32[4].'],
    [() => fft.ifft(z, { axis: -2 }), 'ifft: axis -2 is out of range for c64[4].'],
    [() => fft.fft(any(3)), 'fft: axis -1 is out of range for f32[].'],
    [() => fft.fft(x, { n: 0 }), 'fft: `n` must be an integer of at least 1, but it is 0.'],
    [() => fft.irfft(x, { n: 1.5 }), 'irfft: `n` must be an integer of at least 1, but it is 1.5.'],
    [() => fft.fft(np.zeros([2, 0])), 'fft: axis 1 of f32[2,0] is empty.'],
    [() => fft.irfft(np.zeros([1])), 'irfft: `n` must be an integer of at least 1, but it is 0.'],
    [() => fft.rfft(any(z)), 'rfft: needs real numbers, but got c64[4].'],
    [() => fft.ihfft(any(z)), 'ihfft: needs real numbers, but got c64[4].'],
    [() => fft.rfft2(any(z)), 'rfft2: needs real numbers, but got c64[4].'],
    [
      () => fft.fft(x, { norm: any('both') }),
      `fft: \`norm\` must be one of 'backward', 'ortho', 'forward', but it is the string "both".`,
    ],
    [() => fft.fft(x, { axis: any([0]) }), 'fft: axis must be an integer, but it is a JavaScript array.'],
    [() => fft.fft2(x), 'fft2: axis -2 is out of range for f32[4].'],
    [() => fft.fftn(x, { axes: [0, 0] }), 'fftn: axes [0, 0] name one axis twice.'],
    [() => fft.fftn(x, { axes: [] }), 'fftn: needs at least one axis, but got f32[4].'],
    [() => fft.fftn(x, { s: [4, 4], axes: [0] }), 'fftn: `s` has 2 lengths for 1 axes.'],
    [() => fft.fftn(x, { s: any(4) }), 'fftn: `s` must be a list of integers, but it is 4.'],
    [() => fft.fftn(x, { s: [0] }), 'fftn: lengths in `s` must be an integer of at least 1, but it is 0.'],
    [() => fft.fftfreq(0), 'fftfreq: `n` must be an integer of at least 1, but it is 0.'],
    [
      () => fft.rfftfreq(4, { dtype: any('int32') }),
      `rfftfreq: \`dtype\` must be 'float32' or 'float64', but it is the string "int32".`,
    ],
    [() => fft.fftshift(x, { axes: 1 }), 'fftshift: axis 1 is out of range for f32[4].'],
  ] as const)
    t.throws(f, { message: new RegExp(`^${message.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`) }, message);
});
