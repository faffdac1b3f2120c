/** A function for every control-flow and implicit primitive, beside one of the same values that has nothing of the kind. */
import {
  checkpoint,
  customBatching,
  customFixedPoint,
  customJvp,
  customRoot,
  customVjp,
  debug,
  lax,
  linearSolve,
  type NDArray,
  np,
  solvers,
  vmap,
} from '../../src/index.ts';
import { f64 } from '../lib/near.ts';
import type { Fn } from './transformations.ts';

export interface Pair {
  readonly f: Fn;
  /** Straight-line code, or the solution written down. */
  readonly reference: Fn;
}

export interface Subject extends Pair {
  readonly name: string;
  /** A linear function with the primitive, for `linearTranspose`; absent where the primitive is not linear. */
  readonly linear?: Pair;
  /** A loop of unknown length, which reverse mode cannot run backwards; neither can JAX. */
  readonly unbounded?: boolean;
}

const first = (x: NDArray): NDArray => x.slice(0);
const repeat =
  (n: number, step: Fn): Fn =>
  (x) => {
    let c = x;
    for (let i = 0; i < n; i++) c = step(c);
    return c;
  };

const a: Fn = (x) => np.sin(x).mul(x).add(x.sum());
const b: Fn = (x) => np.exp(x.neg()).mul(x.mul(x));
const c: Fn = (x) => np.log(x).mul(first(x));
const la: Fn = (x) => x.mul(f64([2, -1])).add(x.sum());
const lb: Fn = (x) => x.mul(3);

/** From 0.8 and 1.1: three steps; from 1.7 times as much: two. */
const grows: Fn = (x) => x.mul(1.5).add(np.sin(x).mul(0.2));
const small = (x: NDArray): NDArray => x.sum().lt(5);
const untilLarge: Fn = repeat(5, (x) => np.where(small(x), grows(x), x));
const steps = (x: NDArray): NDArray => np.floor(first(x).mul(3)).astype('int32');
const manySteps: Fn = (x) => {
  const n = steps(x);
  let at = x;
  for (let i = 0; i < 6; i++) at = np.where(n.gt(i), b(at).add(x), at);
  return at;
};

const rows: NDArray = f64([
  [0.3, 1.2],
  [-0.7, 0.4],
  [1.1, 0.9],
]);
const scanStep = (at: NDArray, row: NDArray): NDArray => np.sin(at.mul(row)).add(at.mul(0.5));
const viaScan =
  (reverse: boolean, unroll: number): Fn =>
  (x) => {
    const [last, ys] = lax.scan((at: NDArray, row: NDArray) => [scanStep(at, row), at.mul(row)] as const, x, rows, {
      reverse,
      unroll,
    }) as unknown as [NDArray, NDArray];
    return last.add(ys.mul(ys).sum({ axis: 0 }));
  };
const straightScan =
  (order: readonly number[]): Fn =>
  (x) => {
    let at = x;
    let sum = x.mul(0);
    for (const k of order) {
      const y = at.mul(rows.slice(k));
      sum = sum.add(y.mul(y));
      at = scanStep(at, rows.slice(k));
    }
    return at.add(sum);
  };
const linearScan: Fn = (x) =>
  (lax.scan((at: NDArray, row: NDArray) => [at.mul(row).add(x), null] as const, x, rows) as unknown as [NDArray])[0];
const straightLinearScan: Fn = (x) => [0, 1, 2].reduce((at, k) => at.mul(rows.slice(k)).add(x), x);

const softplus: Fn = (x) => np.log(np.exp(x).add(1));
const viaJvp = customJvp(softplus);
viaJvp.defjvp(([x], [dx]) => [viaJvp(x), dx.div(np.exp(x.neg()).add(1))]);
const linearViaJvp = customJvp(la);
linearViaJvp.defjvp(([x], [dx]) => [linearViaJvp(x), la(dx)]);
const viaVjp = customVjp(softplus);
viaVjp.defvjp(
  (x) => [viaVjp(x), x],
  (x: NDArray, ct: NDArray) => [ct.div(np.exp(x.neg()).add(1))],
);
const linearViaVjp = customVjp(lb);
linearViaVjp.defvjp(
  (x) => [linearViaVjp(x), null],
  (_: null, ct: NDArray) => [lb(ct)],
);
const viaBatching = customBatching(a);
viaBatching.defVmap((_size, _flags, x) => [
  np
    .sin(x)
    .mul(x)
    .add(x.sum({ axis: 1, keepdims: true })),
  true,
]);
const linearViaBatching = customBatching(la);
linearViaBatching.defVmap((_size, _flags, x) => [vmap(la)(x), true]);

/** exp(x₀ x), by functions that capture x₀ and whose rules call them. */
const exponential: Fn = (x) => np.exp(x.mul(first(x)));
const selfJvp: Fn = (x) => {
  const w = first(x);
  const f = customJvp((y: NDArray) => np.exp(w.mul(y)));
  f.defjvp(([y], [dy]) => [f(y), w.mul(f(y)).mul(dy)]);
  return f(x) as NDArray;
};
const selfVjp: Fn = (x) => {
  const w = first(x);
  const f = customVjp((y: NDArray) => np.exp(w.mul(y)));
  f.defvjp(
    (y) => [f(y), y],
    (y: NDArray, ct: NDArray) => [w.mul(f(y)).mul(ct)],
  );
  return f(x) as NDArray;
};

/** The same function, which is looked at. */
const seen =
  (f: Fn): Fn =>
  (x) => {
    debug.callback((_: NDArray) => {}, x);
    return f(x);
  };

/** [[2 + x₀², x₁], [x₁, 3]] y = sin x + x. */
const viaSolve: Fn = (x) => {
  const [p, q] = [first(x), x.slice(1)];
  const matvec = (y: NDArray): NDArray =>
    np.stack([
      p
        .mul(p)
        .add(2)
        .mul(first(y))
        .add(q.mul(y.slice(1))),
      q.mul(first(y)).add(y.slice(1).mul(3)),
    ]);
  return linearSolve.solveLu(matvec, np.sin(x).add(x)) as NDArray;
};
const cramer: Fn = (x) => {
  const [p, q] = [first(x), x.slice(1)];
  const right = np.sin(x).add(x);
  const [m, r, s] = [p.mul(p).add(2), first(right), right.slice(1)];
  const det = m.mul(3).sub(q.mul(q));
  return np.stack([r.mul(3).sub(q.mul(s)), m.mul(s).sub(q.mul(r))]).div(det);
};
const linearViaSolve: Fn = (x) =>
  linearSolve.solveCg((y: NDArray) => y.mul(f64([2, 4])).add(y.sum()), x, { tol: 1e-14 }) as NDArray;
/** The inverse of [[3, 1], [1, 5]]. */
const linearInverse: Fn = (x) => np.stack([first(x).mul(5).sub(x.slice(1)), x.slice(1).mul(3).sub(first(x))]).div(14);

const newton = (y: NDArray, at: NDArray): NDArray => y.sub(y.mul(y).sub(at).div(y.mul(2)));
const squareRoot = customRoot((y: NDArray, at: NDArray) => y.mul(y).sub(at))(
  (_init: null, at: NDArray): NDArray =>
    lax.foriLoop(0, 7, (_i: NDArray, y: NDArray) => newton(y, at), np.ones([2], { dtype: 'float64' })),
);
const fixedPoint = customFixedPoint((y: NDArray, at: NDArray) => y.add(at).div(y.add(1)))(
  (_init: null, at: NDArray): NDArray =>
    lax.whileLoop(
      ([y, last]: NDArray[]) => np.abs(y!.sub(last!)).max().gt(1e-15),
      ([y]: NDArray[]) => [newton(y!, at), y!],
      [np.ones([2], { dtype: 'float64' }), np.zeros([2], { dtype: 'float64' })],
    )[0] as NDArray,
);
const descent = new solvers.GradientDescent({
  fun: (w: NDArray, at: NDArray) => np.sum(np.square(w.sub(np.sin(at)))).add(np.sum(w.mul(w)).mul(0.5)),
  stepsize: 1 / 3,
  acceleration: false,
  tol: 1e-14,
  maxiter: 20,
  jit: false,
});

const second: Fn = (x) =>
  np
    .cumsum(np.stack([x, np.sin(x), x.mul(x)]), { axis: 0 })
    .mul(rows)
    .sum({ axis: 0 });

export const subjects: readonly Subject[] = [
  {
    name: 'cond',
    f: (x) => lax.cond(first(x).gt(1), a, b, x),
    reference: (x) => np.where(first(x).gt(1), a(x), b(x)),
    linear: { f: (x) => lax.cond(f64(1).gt(0), la, lb, x), reference: la },
  },
  {
    name: 'switch',
    f: (x) => lax.switch(np.floor(first(x).mul(2)).astype('int32'), [a, b, c], x),
    reference: (x) => np.where(first(x).lt(1), b(x), c(x)),
    linear: { f: (x) => lax.switch(np.array(1, { dtype: 'int32' }), [la, lb, la], x), reference: lb },
  },
  {
    name: 'whileLoop',
    unbounded: true,
    f: (x) => lax.whileLoop(small, grows, x),
    reference: untilLarge,
  },
  {
    name: 'whileLoop, maxSteps',
    f: (x) => lax.whileLoop(small, grows, x, { maxSteps: 40 }),
    reference: untilLarge,
    linear: {
      f: (x) =>
        (
          lax.whileLoop(
            ([i]: NDArray[]) => i!.lt(3),
            ([i, y]: NDArray[]) => [i!.add(1), la(y!)],
            [np.array(0, { dtype: 'int32' }), x],
            { maxSteps: 40 },
          ) as NDArray[]
        )[1]!,
      reference: repeat(3, la),
    },
  },
  {
    name: 'foriLoop',
    f: (x) => lax.foriLoop(0, 3, (i: NDArray, y: NDArray) => b(y).add(x.mul(i)), x),
    reference: (x) => [0, 1, 2].reduce((y, i) => b(y).add(x.mul(i)), x),
    linear: {
      f: (x) => lax.foriLoop(0, 3, (i: NDArray, y: NDArray) => la(y).mul(i.add(1)), x),
      reference: (x) => la(la(la(x)).mul(2)).mul(3),
    },
  },
  {
    name: 'foriLoop, traced bounds',
    unbounded: true,
    f: (x) => lax.foriLoop(0, steps(x), (_i: NDArray, y: NDArray) => b(y).add(x), x),
    reference: manySteps,
  },
  {
    name: 'foriLoop, traced bounds, maxSteps',
    f: (x) => lax.foriLoop(0, steps(x), (_i: NDArray, y: NDArray) => b(y).add(x), x, { maxSteps: 6 }),
    reference: manySteps,
    linear: {
      f: (x) =>
        lax.foriLoop(0, np.array(2, { dtype: 'int32' }), (_i: NDArray, y: NDArray) => la(y).add(x), x, { maxSteps: 6 }),
      reference: (x) => la(la(x).add(x)).add(x),
    },
  },
  {
    name: 'scan',
    f: viaScan(false, 1),
    reference: straightScan([0, 1, 2]),
    linear: { f: linearScan, reference: straightLinearScan },
  },
  { name: 'scan, reverse and unrolled', f: viaScan(true, 2), reference: straightScan([2, 1, 0]) },
  {
    name: 'map',
    f: (x) => lax.map((v: NDArray) => np.sin(v).mul(first(x)), x),
    reference: (x) => np.sin(x).mul(first(x)),
    linear: { f: (x) => lax.map((v: NDArray) => v.mul(2).add(first(x)), x), reference: (x) => x.mul(2).add(first(x)) },
  },
  {
    name: 'associativeScan',
    f: (x) =>
      lax
        .associativeScan((p: NDArray, q: NDArray) => p.add(q), np.stack([x, np.sin(x), x.mul(x)]))
        .mul(rows)
        .sum({ axis: 0 }),
    reference: second,
    linear: {
      f: (x) => lax.associativeScan((p: NDArray, q: NDArray) => p.add(q), x),
      reference: (x) => np.stack([first(x), x.sum()]),
    },
  },
  { name: 'customJvp', f: viaJvp as Fn, reference: softplus, linear: { f: linearViaJvp as Fn, reference: la } },
  { name: 'customJvp, capturing and calling itself', f: selfJvp, reference: exponential },
  { name: 'customVjp', f: viaVjp as Fn, reference: softplus, linear: { f: linearViaVjp as Fn, reference: lb } },
  { name: 'customVjp, capturing and calling itself', f: selfVjp, reference: exponential },
  {
    name: 'customBatching',
    f: viaBatching as Fn,
    reference: a,
    linear: { f: linearViaBatching as Fn, reference: la },
  },
  { name: 'checkpoint', f: checkpoint(b) as Fn, reference: b, linear: { f: checkpoint(la) as Fn, reference: la } },
  {
    name: 'custom_linear_solve',
    f: viaSolve,
    reference: cramer,
    linear: { f: linearViaSolve, reference: linearInverse },
  },
  { name: 'customRoot', f: (x) => squareRoot(null, x) as NDArray, reference: np.sqrt as Fn },
  { name: 'customFixedPoint', f: (x) => fixedPoint(null, x) as NDArray, reference: np.sqrt as Fn },
  {
    name: 'a solver (GradientDescent)',
    f: (x) => descent.run(np.zeros([2], { dtype: 'float64' }), x).params as NDArray,
    reference: (x) => np.sin(x).mul(2 / 3),
  },
  {
    name: 'debug.callback in branches',
    f: (x) => lax.cond(first(x).gt(1), seen(a), seen(b), x),
    reference: (x) => np.where(first(x).gt(1), a(x), b(x)),
    linear: { f: (x) => lax.cond(f64(1).gt(0), seen(la), seen(lb), x), reference: la },
  },
  {
    name: 'debug.callback in the condition and the body of a loop',
    f: (x) => lax.whileLoop(seen(small), seen(grows), x, { maxSteps: 40 }),
    reference: untilLarge,
  },
];
