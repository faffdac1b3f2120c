/** Eigenvalues and vectors of general matrices and what is made of them, against LAPACK, JAX and their definitions. */
import t, { type Test } from 'tap';
import { runtimeModule } from '../jit/runtime/functions.ts';
import { francis } from '../jit/runtime/linalg/francis.ts';
import { target } from '../jit/target.ts';
import { assemble } from '../jit/wasm/assemble.ts';
import type { TypedArray } from '../src/core/dtype.ts';
import type { Primitive } from '../src/core/primitive.ts';
import { bind } from '../src/core/trace.ts';
import type { ComplexArray } from '../src/index.ts';
import { grad, hessian, jacfwd, jacrev, jit, jvp, lax, linalg, NDArray, np, vmap } from '../src/index.ts';
import { generalEigen, realSchur } from '../src/lax/linalg/general-eigen.ts';
import { eigP, hessenbergP, schurP } from '../src/lax/linalg.ts';
import { difference, host, runKernel } from './check-primitive.ts';
import { fixture } from './lib/fixture.ts';
import { matches, thaw } from './primitive-fixtures.ts';

const frozen = fixture('eigen') as Record<string, any>;
const wide = { dtype: 'float64' } as const;

/** Both ways to evaluate a primitive. */
const evaluations: Record<string, (p: Primitive, x: NDArray, params: object) => NDArray[]> = {
  reference: (p, x, params) => {
    const outs = p.type([x.aval], params);
    return p.run([{ aval: x.aval, data: host(x) }], params, outs).map((data, i) => NDArray.fromHost(data, outs[i]!));
  },
  code: (p, x, params) => bind(p, [x], params),
};

/** Numbers that look random, the same each time. */
const noise = (i: number): number => {
  const x = Math.sin((i + 1) * 12.9898) * 43758.5453;
  return 2 * (x - Math.floor(x)) - 1;
};
const random = (n: number, seed = 0): NDArray =>
  np
    .array(
      Float64Array.from({ length: n * n }, (_, i) => noise(i + 1000 * seed)),
      wide,
    )
    .reshape([n, n]);

type Planes = readonly [re: NDArray, im: NDArray];

const times = ([a, b]: Planes, [c, d]: Planes): Planes => [
  np.matmul(a, c).sub(np.matmul(b, d)),
  np.matmul(a, d).add(np.matmul(b, c)),
];
const far = (x: NDArray, y: NDArray): number => difference(host(x), host(y));

/** The largest element of A·V − V·Λ, in units of the largest element of A. */
function residual(a: NDArray, [re, im]: Planes, [x, y]: Planes): number {
  const [p, q] = times([a, a.mul(0)], [x, y]);
  const off = [p.sub(x.mul(re).sub(y.mul(im))), q.sub(x.mul(im).add(y.mul(re)))];
  return Math.max(0, ...off.flatMap((z) => [...host(z)].map(Math.abs)));
}

const transposed = (a: NDArray): NDArray => np.matrixTranspose(a);

/** How far one set of complex numbers is from another, each from the nearest that is left. */
function apart(got: Planes, wanted: Planes): number {
  const [[a, b], [c, d]] = [got.map((x) => [...host(x)]), wanted.map((x) => [...host(x)])] as [number[][], number[][]];
  let worst = a!.length === c!.length ? 0 : Number.POSITIVE_INFINITY;
  a!.forEach((re, i) => {
    const distances = c!.map((x, j) => Math.hypot(re - x, b![i]! - d![j]!));
    const nearest = distances.indexOf(Math.min(...distances));
    worst = Math.max(worst, distances[nearest]!);
    c!.splice(nearest, 1);
    d!.splice(nearest, 1);
  });
  return worst;
}

/** Length 1, and an element among the largest that is real and positive. */
function isNormalised([x, y]: Planes, most: number): boolean {
  const [re, im] = [x, y].map((z) => transposed(z).tolist()) as [number[][], number[][]];
  return re.every((column, j) => {
    const sizes = column.map((v, i) => Math.hypot(v, im[j]![i]!));
    const large = (1 - 1e-5) * Math.max(...sizes);
    const hasPhase = sizes.some((size, i) => size >= large && im[j]![i] === 0 && column[i]! > 0);
    return hasPhase && Math.abs(Math.hypot(...sizes) - 1) <= most;
  });
}

const unitOf = (x: NDArray): NDArray => x.astype('float64');
const form3 = np.array(
  [
    [1, 5, 2],
    [-3, 1, 4],
    [0, 0, 7],
  ],
  wide,
);
const everything = { left: true, right: true, balance: true };

for (const [evaluation, evaluate] of Object.entries(evaluations)) {
  t.test(`eigenvalues and vectors as LAPACK has them, by the ${evaluation}`, async (t) => {
    for (const { name, x, condition, real, imag } of frozen.values)
      for (const dtype of ['float64', 'float32'] as const) {
        const given = thaw(x);
        const scale = Math.max(...host(given).map(Math.abs)) || 1;
        const a = given.mul(dtype === 'float64' ? 1 : 1 / scale).astype(dtype);
        const by = dtype === 'float64' ? scale : 1;
        const [re, im, u, uIm, v, vIm] = evaluate(eigP, a, everything) as NDArray[] as [
          NDArray,
          NDArray,
          NDArray,
          NDArray,
          NDArray,
          NDArray,
        ];
        const label = `${dtype} ${name}`;
        const most = dtype === 'float64' ? 4e-15 * Math.max(4, re.size) : 2e-6;
        const unit = (z: NDArray): NDArray => z.astype('float64').mul(1 / by);
        const values = [unit(re), unit(im)] as const;
        const matrix = unit(a);
        t.ok(residual(matrix, values, [unitOf(v), unitOf(vIm)]) <= most, `${label}: right vectors`);
        t.ok(
          residual(transposed(matrix), [values[0], values[1].mul(-1)], [unitOf(u), unitOf(uIm)]) <= most,
          `${label}: left vectors`,
        );
        t.ok(isNormalised([unitOf(v), unitOf(vIm)], most), `${label}: lengths and phases`);
        t.ok(isNormalised([unitOf(u), unitOf(uIm)], most), `${label}: lengths and phases of left vectors`);
        if (dtype === 'float64') {
          const wanted = [thaw(real).mul(1 / scale), thaw(imag).mul(1 / scale)] as const;
          // A defective matrix has the eigenvalues of a triangular one exactly, and others as far as rounding moves them.
          const bound = Math.min(1e-14 * Math.max(4, re.size) * Math.min(Number(condition), 1e6), 1e-3);
          t.ok(apart(values, wanted) <= bound, `${label}: eigenvalues`);
        }
        const alone = evaluate(eigP, a, { left: false, right: false, balance: true }) as [NDArray, NDArray];
        const few = Number(condition) < 1e4 ? (dtype === 'float64' ? 1e-13 : 1e-5) : 1e-3;
        t.ok(apart([unit(alone[0]), unit(alone[1])], values) <= few, `${label}: eigenvalues alone`);
      }
  });
}

t.test('larger matrices, compiled as interpreted', async (t) => {
  for (const n of [0, 1, 2, 3, 7, 12, 33, 50, 64, 65, 100, 200]) {
    const a = random(n, n);
    const [re, im, u, uIm, v, vIm] = bind(eigP, [a], everything) as [
      NDArray,
      NDArray,
      NDArray,
      NDArray,
      NDArray,
      NDArray,
    ];
    const most = 1e-14 * Math.max(4, n);
    t.ok(residual(a, [re, im], [v, vIm]) <= most, `${n}: right vectors`);
    t.ok(residual(transposed(a), [re, im.mul(-1)], [u, uIm]) <= most, `${n}: left vectors`);
    const trace = host(np.sum(re))[0]! - host(np.trace(a))[0]!;
    t.ok(Math.abs(trace) <= most * Math.max(1, n), `${n}: trace`);
    const [s, z] = bind(schurP, [a], {}) as [NDArray, NDArray];
    const [h, q] = bind(hessenbergP, [a], {}) as [NDArray, NDArray];
    for (const [name, form, basis] of [
      ['schur', s, z],
      ['hessenberg', h, q],
    ] as const) {
      t.ok(far(np.matmul(basis, np.matmul(form, basis.T)), a) <= most, `${n}: ${name}`);
      t.ok(far(np.matmul(basis.T, basis), np.eye(n, null, wide)) <= most, `${n}: ${name}, orthogonal`);
      t.same(Math.max(0, ...host(np.tril(form, { k: -2 })).map(Math.abs)), 0, `${n}: ${name} has exact zeros`);
    }
    checkBlocks(t, s, `${n}`);
    if (n > 65) continue;
    const reference = evaluations.reference!(eigP, a, everything);
    t.ok(apart([re, im], [reference[0]!, reference[1]!]) <= 1e-12, `${n}: the reference's eigenvalues`);
    const sums = (x: NDArray, y: NDArray): number => host(np.sum(np.abs(x).add(np.abs(y))))[0]!;
    const close = Math.abs(sums(v, vIm) - sums(reference[4]!, reference[5]!));
    t.ok(close <= 1e-10 * Math.max(1, n), `${n}: the reference's vectors`);
  }
});

t.test('large matrices of which balancing takes rows off', async (t) => {
  const [n, edge] = [96, 7];
  const places = Array.from({ length: n }, (_, i) => (i * 37) % n);
  // Triangular in the first and last rows, in an order that hides it.
  const rows = random(n, 4).tolist() as number[][];
  const isKept = (i: number, j: number): boolean => i <= j || (i >= edge && j >= edge && i < n - edge && j < n - edge);
  const mixed = rows.map((_, i) =>
    rows.map((_, j) => (isKept(places[i]!, places[j]!) ? rows[places[i]!]![places[j]!]! : 0)),
  );
  const a = np.array(mixed, wide);
  const [re, im, u, uIm, v, vIm] = bind(eigP, [a], everything) as NDArray[];
  t.ok(residual(a, [re!, im!], [v!, vIm!]) <= 1e-12, 'right vectors');
  t.ok(residual(transposed(a), [re!, im!.mul(-1)], [u!, uIm!]) <= 1e-12, 'left vectors');
  const exact = rows.flatMap((row, i) => (i < edge || i >= n - edge ? [row[i]!] : []));
  const found = new Set(host(re!));
  t.ok(
    exact.every((value) => found.has(value)),
    'what stands on the diagonal is exact',
  );
});

/** Blocks of two rows have equal elements on the diagonal, and others of opposite sign, the larger above. */
function checkBlocks(t: Test, s: NDArray, label: string): void {
  const rows = s.tolist() as number[][];
  let isEven = true;
  for (let i = 1; i < rows.length; i++) {
    const below = rows[i]![i - 1]!;
    if (below === 0) continue;
    const above = rows[i - 1]![i]!;
    isEven &&= rows[i]![i] === rows[i - 1]![i - 1] && above * below < 0 && Math.abs(above) > 0.999 * Math.abs(below);
    isEven &&= i < 2 || rows[i - 1]![i - 2] === 0;
  }
  t.ok(isEven, `${label}: standard blocks`);
}

t.test('what is not finite gives NaN, and ends', async (t) => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
    for (const n of [1, 2, 3, 20])
      for (const [evaluation, evaluate] of Object.entries(evaluations)) {
        const a = np.stack([
          random(n)
            .at(n - 1, 0)
            .set(bad),
          np.eye(n, null, wide),
        ]);
        for (const [p, params] of [
          [eigP, everything],
          [schurP, {}],
          [hessenbergP, {}],
        ] as const)
          t.ok(
            evaluate(p, a, params).every((out) => {
              const values = [...host(out)];
              const half = values.length / 2;
              return values.slice(0, half).every(Number.isNaN) && values.slice(half).every(Number.isFinite);
            }),
            `${evaluation}: ${p.name} of ${n} rows with ${bad}, and of the matrix after it`,
          );
      }
});

t.test('an iteration that does not converge gives NaN, for its matrix alone', async (t) => {
  // Every matrix that is tried converges in a small part of the sweeps that it may take: kernels that have none, and kernels that have few.
  const { imports, functions } = runtimeModule(target());
  const withPatience = (patience: number): WebAssembly.Module => {
    const changed = functions.map((f) => (f.name === 'francis' ? francis(patience) : f));
    return new WebAssembly.Module(assemble({ imports, functions: changed }, target()) as Uint8Array<ArrayBuffer>);
  };
  const [none, few] = [0, 1].map(withPatience) as [WebAssembly.Module, WebAssembly.Module];
  for (const dtype of ['float64', 'float32'] as const)
    for (const n of [3, 20]) {
      // The second one is in Schur form, and takes no sweep.
      const stack = np.stack([random(n), np.triu(random(n, 1)), random(n, 2)]).astype(dtype);
      for (const [p, params] of [
        [eigP, everything],
        [schurP, {}],
      ] as const) {
        const usual = bind(p, [stack], params).map(host);
        runKernel(p, [stack], params, none).forEach((out, k) => {
          const size = out.length / 3;
          const part = (from: TypedArray, lane: number): number[] => [...from.subarray(lane * size, (lane + 1) * size)];
          const label = `${p.name} of ${n} rows, ${dtype}, output ${k}`;
          t.ok([...part(out, 0), ...part(out, 2)].every(Number.isNaN), label);
          t.same(part(out, 1), part(usual[k]!, 1), `${label}, of the matrix between`);
        });
        if (n === 3) t.same(runKernel(p, [stack], params, few), usual, `${p.name}, ${dtype}: as many as it takes`);
      }
    }
  const matrix = (): Float64Array => Float64Array.from(host(random(5)));
  t.same(
    [generalEigen(matrix(), 5, everything, 0), realSchur(matrix(), 5, 0)],
    [undefined, undefined],
    'the reference',
  );
  t.ok(generalEigen(matrix(), 5, everything, 1), 'the reference, with as many as it takes');
});

t.test('scales, exact zeros, and matrices that are known', async (t) => {
  const a = random(6, 3);
  const { eigenvalues, eigenvectors } = linalg.eig(a);
  for (const exponent of [600, -600, 900, -900]) {
    const scaled = linalg.eig(a.mul(2 ** exponent));
    t.same(host(scaled.eigenvalues.real.mul(2 ** -exponent)), host(eigenvalues.real), `2^${exponent}: the same bits`);
    t.same(host(scaled.eigenvectors.imag), host(eigenvectors.imag), `2^${exponent}: the same vectors`);
  }
  const jordan = np
    .eye(12, null, wide)
    .mul(3)
    .add(np.eye(12, null, { ...wide, k: -1 }));
  t.same([...host(linalg.eigvals(jordan).real)], new Array(12).fill(3), 'of a triangle below the diagonal');
  const graded = np.array(
    [
      [1e-200, 1, 1],
      [1, 1, 1],
      [1, 1, 1e200],
    ],
    wide,
  );
  t.ok([...host(linalg.eigvals(graded).real)].every(Number.isFinite), 'elements far apart');
  const { eigenvalues: turn } = linalg.eig(
    np.array(
      [
        [0, 1],
        [-1, 0],
      ],
      wide,
    ),
  );
  t.same(
    [host(turn.real), host(turn.imag)].map((x) => [...x]),
    [
      [0, 0],
      [1, -1],
    ],
    'the positive one first',
  );
  const { t: form, z } = linalg.schur(form3);
  t.same([form.tolist(), z.tolist()], [form3.tolist(), np.eye(3, null, wide).tolist()], 'a Schur form stays');
  t.same(linalg.hessenberg(random(2)).q.tolist(), [
    [1, 0],
    [0, 1],
  ]);
});
/** The functions of test/oracle/eigen.py. */
const weights = thaw(frozen.weights);
const ofVectors = (w: ComplexArray, v: ComplexArray): NDArray => {
  const by = weights.astype(w.real.dtype).slice([0, w.shape[0]!]).reshape([w.shape[0]!, 1]);
  const re = v.real.mul(v.real).sub(v.imag.mul(v.imag)).mul(by);
  const im = v.real.mul(v.imag).mul(2).mul(by);
  return np.sum(w.real.mul(w.real).add(1).mul(re).add(w.imag.mul(im)));
};
const functions: Record<string, (a: NDArray) => NDArray> = {
  ofValues: (a) => {
    const w = linalg.eigvals(a);
    return np.sum(np.sin(w.real).add(w.imag.mul(w.imag).mul(np.cos(w.real))));
  },
  ofRight: (a) => {
    const { eigenvalues, eigenvectors } = linalg.eig(a);
    return ofVectors(eigenvalues, eigenvectors);
  },
  ofLeft: (a) => {
    const [w, vl] = lax.eig(a, { computeRightEigenvectors: false });
    return ofVectors(w, vl);
  },
};

t.test('derivatives as JAX has them', async (t) => {
  for (const entry of frozen.derivatives) {
    const f = functions[entry.name]!;
    for (const dtype of ['float64', 'float32'] as const) {
      const [a, da] = [thaw(entry.x).astype(dtype), thaw(entry.t).astype(dtype)];
      const label = `${entry.name} of ${a.shape}, ${dtype}`;
      const tolerance = dtype === 'float64' ? 1e-10 : 5e-3;
      const { value, jvp: change, grad: gradient } = entry[dtype];
      const [y, dy] = jvp(f, [a], [da]) as unknown as [NDArray, NDArray];
      t.ok(difference([y.item(), dy.item()], [Number(value), Number(change)]) <= tolerance, `${label}: jvp`);
      matches(t, grad(f)(a), gradient, `${label}: grad`, tolerance);
      if (dtype === 'float32' || ![2, 5].includes(a.shape[0]!)) continue;
      matches(t, jit(grad(f))(a), gradient, `${label}: jit of grad`, tolerance);
      const both = vmap(grad(f))(np.stack([a, a.mul(0.5)])) as NDArray;
      matches(t, both.slice(0), gradient, `${label}: vmap of grad`, tolerance);
      t.ok(far(both.slice(1), grad(f)(a.mul(0.5))) <= tolerance, `${label}: the other lane`);
      if (!entry.hessianProduct) continue;
      const [, product] = jvp(grad(f), [a], [da]) as unknown as [NDArray, NDArray];
      matches(t, product, entry.hessianProduct, `${label}: a product with the Hessian`, 1e-8);
    }
  }
});

t.test('forward and reverse, and second derivatives', async (t) => {
  const a = random(4, 9);
  const planes = (x: NDArray): NDArray => {
    const { eigenvalues: w, eigenvectors: v } = linalg.eig(x);
    return np.concatenate([w.real, w.imag, np.ravel(v.real), np.ravel(v.imag)]);
  };
  t.ok(far(jacfwd(planes)(a) as NDArray, jacrev(planes)(a) as NDArray) <= 1e-12);
  const second = hessian(functions.ofValues!)(a) as NDArray;
  t.ok(far(second, np.transpose(second, [2, 3, 0, 1])) <= 1e-10, 'symmetric');
  const equal = grad((x: NDArray) => np.sum(np.exp(linalg.eigvals(x).real)))(np.eye(3, null, wide).mul(2));
  t.ok(far(equal, np.eye(3, null, wide).mul(Math.exp(2))) <= 1e-12, 'equal eigenvalues with a basis of vectors');
  const schur = (x: NDArray): NDArray => np.sum(np.sin(linalg.schur(x).t).add(np.cos(linalg.schur(x).z.mul(2))));
  t.ok(far(jacfwd(schur)(a) as NDArray, grad(schur)(a)) <= 1e-11, 'schur');
  t.throws(() => grad((x: NDArray) => np.sum(linalg.hessenberg(x).h))(a), {
    message: 'hessenberg: the factors of f64[4,4] have no derivative here.',
  });
});

t.test('stacks, vmap, jit and options', async (t) => {
  const stack = np.stack([random(5, 1), random(5, 2), random(5, 3)]);
  const f = (x: NDArray): NDArray[] => {
    const [w, vl, vr] = lax.eig(x);
    const { t: form, z } = linalg.schur(x);
    return [w.real, w.imag, vl.real, vl.imag, vr.real, vr.imag, form, z];
  };
  const together = f(stack);
  const [mapped, compiled] = [vmap(f)(stack), jit(f)(stack)] as unknown as NDArray[][];
  together.forEach((out, k) => {
    t.same(host(mapped![k]!), host(out), `vmap, output ${k}`);
    t.same(host(compiled![k]!), host(out), `jit, output ${k}`);
    for (const lane of [0, 1, 2])
      t.same(host(f(stack.slice(lane))[k]!), host(out.slice(lane)), `lane ${lane}, output ${k}`);
  });
  t.equal(lax.eig(stack, { computeLeftEigenvectors: false }).length, 2);
  t.equal(lax.eig(stack, { computeLeftEigenvectors: false, computeRightEigenvectors: false }).length, 1);
  t.same(linalg.eig(np.zeros([2, 0, 0])).eigenvectors.shape, [2, 0, 0]);
  t.equal(linalg.eig(np.eye(3)).eigenvalues.real.dtype, 'float32');
  t.equal(
    linalg.eigvals(
      np.array(
        [
          [1, 2],
          [3, 4],
        ],
        { dtype: 'int32' },
      ),
    ).real.dtype,
    'float32',
  );
  t.throws(() => linalg.eig(np.ones([2, 3])), { message: 'eig: needs a square matrix, but got f32[2,3].' });
  t.throws(() => linalg.schur(np.ones([3])), { message: 'schur: needs a matrix, but got f32[3].' });
});

t.test('roots and characteristic polynomials', async (t) => {
  for (const { p, roots, unstripped, grad: gradient } of frozen.polynomials) {
    const x = thaw(p);
    const label = `[${p.data}]`;
    const found = np.roots(x);
    t.ok(apart([found.real, found.imag], [thaw(roots.real), thaw(roots.imag)]) <= 1e-9, label);
    const all = np.roots(x, { stripZeros: false });
    const wanted = [thaw(unstripped.real), thaw(unstripped.imag)];
    t.same(all.shape, wanted[0]!.shape, `${label}: with leading zeros`);
    const known = [...host(wanted[0]!)].filter((v) => !Number.isNaN(v)).length;
    const [real, imag] = [all.real, all.imag].map((z) => z.slice([0, known])) as [NDArray, NDArray];
    t.ok(
      apart([real, imag], [wanted[0]!.slice([0, known]), wanted[1]!.slice([0, known])]) <= 1e-9,
      `${label}: with leading zeros`,
    );
    t.ok([...host(all.real)].slice(known).every(Number.isNaN), `${label}: NaN at the end`);
    if (!gradient) continue;
    const total = (q: NDArray): NDArray => {
      const r = np.roots(q, { stripZeros: false });
      return np.sum(np.sin(r.real).add(r.imag.mul(r.imag)));
    };
    matches(t, grad(total)(x), gradient, `${label}: grad`, 1e-9);
    matches(t, jit(grad(total))(x), gradient, `${label}: jit of grad`, 1e-9);
  }
  for (const { x, p } of frozen.characteristic) matches(t, np.poly(thaw(x)), p, `poly of ${x.shape}`, 1e-12);
  t.throws(() => jit((p: NDArray) => np.roots(p).real)(np.array([1, 2, 3])), {
    message: 'roots: the number of leading zeros of traced coefficients is not known.',
  });
  t.throws(() => np.roots(np.ones([2, 2])), {
    message: 'roots: the coefficients must be a vector, but they are f32[2,2].',
  });
});

t.test('polar decompositions', async (t) => {
  for (const { x, side, u, p } of frozen.polar) {
    const a = thaw(x);
    const found = linalg.polar(a, { side });
    matches(t, found.u, u, `u of ${a.shape}, ${side}`);
    matches(t, found.p, p, `p of ${a.shape}, ${side}`);
    const f = (z: NDArray): NDArray => {
      const both = linalg.polar(z, { side });
      return np.sum(np.sin(both.u)).add(np.sum(np.cos(both.p)));
    };
    const direction = np.sin(np.arange(a.size, null, wide)).reshape(a.shape);
    const [, change] = jvp(f, [a], [direction]) as unknown as [NDArray, NDArray];
    const h = 1e-6;
    const moved = (by: number): number => f(a.add(direction.mul(by))).item() as number;
    t.ok(Math.abs((change.item() as number) - (moved(h) - moved(-h)) / (2 * h)) <= 1e-8, `${a.shape}, ${side}: jvp`);
    const along = np.sum(grad(f)(a).mul(direction)).item() as number;
    t.ok(Math.abs(along - (change.item() as number)) <= 1e-12, `${a.shape}, ${side}: grad`);
  }
  const turned = grad((x: NDArray) => np.sum(linalg.polar(x).u.mul(random(3))))(np.eye(3, null, wide));
  t.ok([...host(turned)].every(Number.isFinite), 'equal singular values');
});

t.test('square roots', async (t) => {
  for (const { name, x, real, imag } of frozen.squareRoots) {
    const a = thaw(x);
    const root = linalg.sqrtm(a);
    matches(t, root.real, real, `${name}: real part`, 1e-10);
    matches(t, root.imag, imag, `${name}: imaginary part`, 1e-10);
    const [re, im] = times([root.real, root.imag], [root.real, root.imag]);
    t.ok(far(re, a) <= 1e-12 && far(im, a.mul(0)) <= 1e-12, `${name}: squared`);
    const single = linalg.sqrtm(a.astype('float32'));
    t.ok(far(single.real, root.real) <= 2e-4 && single.real.dtype === 'float32', `${name}: float32`);
  }
  const a = random(4, 5);
  const stack = np.stack([a, np.eye(4, null, wide).mul(9), np.matmul(a, a.T)]);
  const both = (x: NDArray): NDArray[] => {
    const { real, imag } = linalg.sqrtm(x);
    return [real, imag];
  };
  const together = both(stack);
  for (const lane of [0, 1, 2])
    both(stack.slice(lane)).forEach((plane, k) => {
      t.ok(far(plane, together[k]!.slice(lane)) <= 1e-14, `lane ${lane}`);
    });
  t.same(together[0]!.slice(1).tolist(), np.eye(4, null, wide).mul(3).tolist());
  t.same([...host(together[1]!.slice(2))], new Array(16).fill(0), 'real where no eigenvalue is negative');
  const f = (x: NDArray): NDArray => {
    const { real, imag } = linalg.sqrtm(x);
    return np.sum(np.sin(real).add(imag.mul(np.cos(real))));
  };
  const direction = random(4, 6);
  const h = 1e-6;
  for (const x of [a, stack.slice(1).add(np.eye(4, null, wide)), stack.slice(2).add(np.eye(4, null, wide))]) {
    const [, change] = jvp(f, [x], [direction]) as unknown as [NDArray, NDArray];
    const moved = (by: number): number => f(x.add(direction.mul(by))).item() as number;
    const numeric = (moved(h) - moved(-h)) / (2 * h);
    t.ok(difference([change.item() as number], [numeric]) <= 1e-7, 'jvp');
    t.ok(difference([np.sum(grad(f)(x).mul(direction)).item() as number], [numeric]) <= 1e-7, 'grad');
  }
  t.ok(far(jit(grad(f))(a), grad(f)(a)) <= 1e-11, 'jit of grad');
  const [, second] = jvp(grad(f), [a], [direction]) as unknown as [NDArray, NDArray];
  const at = (by: number): NDArray => grad(f)(a.add(direction.mul(by)));
  t.ok(
    far(
      second,
      at(h)
        .sub(at(-h))
        .div(2 * h),
    ) <= 1e-5,
    'second derivatives',
  );
  t.same(linalg.sqrtm(np.zeros([2, 2])).real.tolist(), [
    [0, 0],
    [0, 0],
  ]);
  t.ok(
    [
      ...host(
        linalg.sqrtm(
          np.array([
            [0, 1],
            [0, 0],
          ]),
        ).real,
      ),
    ].some((v) => !Number.isFinite(v)),
    'there is none',
  );
  t.same(linalg.sqrtm(np.zeros([3, 0, 0])).shape, [3, 0, 0]);
});
