/** `solvers.odeint` against closed forms and against DOP853 of SciPy at tolerances of 3e-14. */
import { grad, hessian, jacfwd, jacrev, jit, jvp, type NDArray, np, solvers, vmap } from 'cotangent';
import t from 'tap';
import { attempt, valueOf } from '../src/solvers/ode/dormand-prince.ts';

const f64 = (x: number | number[] | number[][]): NDArray => np.array(x, { dtype: 'float64' });
const worst = (x: NDArray, y: NDArray): number => np.max(np.abs(np.subtract(x, y))).item();

const decay = (y: NDArray, _: NDArray, rate: NDArray): NDArray => y.mul(rate).neg();
const oscillate = ({ x, v }: { x: NDArray; v: NDArray }, _: NDArray, w: NDArray) => ({
  x: v,
  v: x.mul(w).mul(w).neg(),
});
const times = np.linspace(0, 10, 11, { dtype: 'float64' });
const oscillation = (w: NDArray): NDArray => solvers.odeint(oscillate, { x: f64(1), v: f64(0) }, times, [w]).x;

t.test('a step has the orders of its parts', (t) => {
  // y' = y cos t, y = exp(sin t): errors of steps of h and h/2, whose ratio is 2 to the order of the error.
  const slope = (y: NDArray, at: NDArray): NDArray => y.mul(np.cos(at));
  const errors = [0.2, 0.1].map((h) => {
    const [start, at] = [f64([Math.exp(Math.sin(0.3))]), f64(0.3)];
    const { end, error, piece, slope: last } = attempt(slope, start, slope(start, at), at, f64(h));
    const exact = (s: number): number => Math.exp(Math.sin(0.3 + s * h));
    return {
      end: Math.abs(end.item() - exact(1)),
      error: Math.abs(error.item()),
      middle: Math.abs(valueOf(piece, f64(0.4)).item() - exact(0.4)),
      joins: Math.abs(valueOf(piece, f64(1)).item() - end.item()),
      last: Math.abs(last.item() - end.item() * Math.cos(0.3 + h)),
    };
  });
  const [coarse, fine] = errors as [(typeof errors)[0], (typeof errors)[0]];
  const order = (name: 'end' | 'error' | 'middle'): number => Math.log2(coarse[name] / fine[name]);
  t.ok(order('end') > 5.5, `the end of a step: ${order('end')}`);
  t.ok(order('error') > 4.5 && order('error') < 5.7, `the estimate: ${order('error')}`);
  t.ok(order('middle') > 4.5, `in between: ${order('middle')}`);
  t.ok(coarse.joins < 1e-15 && coarse.last < 1e-15, 'pieces join');
  t.end();
});

t.test('values', (t) => {
  const ts = f64([0, 1, 2.5]);
  const exact = np.exp(ts.mul(-0.5));
  t.ok(worst(solvers.odeint(decay, 1, ts, [0.5]), exact) < 1e-8);
  t.ok(worst(solvers.odeint(decay, f64(1), ts, [0.5], { rtol: 1e-12, atol: 1e-12 }), exact) < 1e-12);
  const single = solvers.odeint(decay, 1, np.array([0, 1, 2.5]), [0.5]);
  t.equal(single.dtype, 'float32');
  t.ok(worst(single.astype('float64'), exact) < 5e-4);
  t.ok(
    worst(solvers.odeint(decay, f64(Math.exp(-1)), f64([2, 1, 0]), [0.5]), np.exp(f64([-1, -0.5, 0]))) < 1e-8,
    'backwards',
  );
  t.strictSame(solvers.odeint(decay, f64(3), f64([7]), [1]).tolist(), [3], 'the start alone');
  const forced = solvers.odeint((y, s) => y.mul(np.cos(s)), f64([1, 2]), times);
  t.ok(worst(forced, np.outer(np.exp(np.sin(times)), f64([1, 2]))) < 1e-6, 'depends on the time');
  for (const solve of [oscillation, jit(oscillation)]) t.ok(worst(solve(f64(2)), np.cos(times.mul(2))) < 2e-7);
  t.ok(
    worst(
      solvers.odeint(() => f64([0, 0]), f64([1, 2]), ts),
      f64([1, 2]),
    ) === 0,
    'nothing moves',
  );

  const tight = { rtol: 1e-11, atol: 1e-11, maxSteps: 20000 };
  const prey = solvers.odeint(
    (y) => np.stack([y.slice(0).mul(np.subtract(1.5, y.slice(1))), y.slice(1).mul(y.slice(0).sub(3))]),
    f64([1, 2]),
    f64([0, 1, 4, 10]),
    [],
    tight,
  );
  const lotkaVolterra = [
    [1, 2],
    [1.860316886115, 0.3388335860015],
    [1.334849104342, 0.5248119320826],
    [0.9728985764154, 1.707498360122],
  ];
  t.ok(worst(prey, np.array(lotkaVolterra, { dtype: 'float64' })) < 1e-8);
  const vanDerPol = ({ x, v }: { x: NDArray; v: NDArray }) => ({
    x: v,
    v: np.subtract(1, x.mul(x)).mul(v).mul(5).sub(x),
  });
  const relaxed = solvers.odeint(vanDerPol, { x: f64(2), v: f64(0) }, f64([0, 1, 5, 20]), [], tight);
  t.ok(worst(relaxed.x, f64([2, 1.869438853393, 0.404181594634, -1.601296879543])) < 1e-8);
  t.ok(worst(relaxed.v, f64([0, -0.1482358753771, -2.437112684094, 0.1983266763387])) < 1e-8);

  const mixed = solvers.odeint(
    ({ a, b }: { a: NDArray; b: NDArray }) => ({ a: a.neg(), b: b.mul(2) }),
    { a: np.ones([2]), b: f64([[1], [2]]) },
    np.array([0, 1]),
  );
  t.strictSame([mixed.a.dtype, mixed.a.shape, mixed.b.dtype, mixed.b.shape], ['float32', [2, 2], 'float64', [2, 2, 1]]);
  t.end();
});

t.test('derivatives', (t) => {
  const last = (w: NDArray): NDArray => oscillation(w).slice(-1);
  const slope = -10 * Math.sin(20);
  for (const derivative of [grad(last), jacfwd(last), jacrev(last), jit(grad(last))])
    t.ok(Math.abs(derivative(f64(2)).item() - slope) < 2e-6);
  t.ok(Math.abs(hessian(last)(f64(2)).item() + 100 * Math.cos(20)) < 2e-4, 'of second order');
  const [, along] = jvp(oscillation, [f64(2)], [f64(1)]);
  t.ok(worst(along, times.mul(np.sin(times.mul(2))).neg()) < 2e-6);
  const inTimes = jacrev((ts: NDArray) => solvers.odeint(decay, f64(1), ts, [0.5]))(f64([0, 1, 2]));
  const e = (s: number): number => 0.5 * Math.exp(-0.5 * s);
  const expected = [
    [0, 0, 0],
    [e(1), -e(1), 0],
    [e(2), 0, -e(2)],
  ];
  t.ok(worst(inTimes, np.array(expected, { dtype: 'float64' })) < 1e-7, 'in the times');
  t.ok(
    Math.abs(
      grad((y: NDArray) => solvers.odeint(decay, y, f64([0, 2]), [0.5]).slice(1))(f64(1)).item() - Math.exp(-1),
    ) < 1e-8,
  );
  const captured = (rate: NDArray): NDArray => solvers.odeint((y) => y.mul(rate).neg(), f64(1), f64([0, 2])).slice(1);
  t.ok(Math.abs(grad(captured)(f64(0.5)).item() + 2 * Math.exp(-1)) < 1e-7, 'in what the function captures');
  const lanes = jit(vmap(grad(last)))(f64([1, 2, 3]));
  t.ok(worst(lanes, f64([1, 2, 3].map((w) => -10 * Math.sin(10 * w)))) < 5e-6, 'each lane has steps of its own');
  t.ok(worst(vmap(oscillation)(f64([1, 2])), np.stack([oscillation(f64(1)), oscillation(f64(2))])) < 1e-14);
  // A network's parameters: against differences.
  const key = f64([
    [0.3, -0.2],
    [0.1, 0.4],
  ]);
  const field = (y: NDArray, s: NDArray, w: NDArray): NDArray => np.tanh(np.matmul(w, y).add(np.sin(s)));
  const loss = (w: NDArray): NDArray =>
    np.sum(np.square(solvers.odeint(field, f64([1, 0]), f64([0, 1.5]), [w], { rtol: 1e-11, atol: 1e-11 })));
  const difference = (i: number, j: number): number => {
    const at = (h: number): number => loss(key.at(i, j).add(h)).item();
    return (at(1e-4) - at(-1e-4)) / 2e-4;
  };
  const exact = grad(loss)(key);
  for (const [i, j] of [
    [0, 0],
    [0, 1],
    [1, 0],
  ] as const)
    t.ok(Math.abs(exact.slice(i, j).item() - difference(i, j)) < 1e-7);
  t.end();
});

t.test('what cannot be solved, and what is no problem', (t) => {
  // y = 1/(1 − t) ends at 1.
  const explode = (y: NDArray): NDArray => y.mul(y);
  const states = solvers.odeint(explode, f64(1), f64([0, 0.5, 2]), [], { maxSteps: 500 }).tolist() as number[];
  t.ok(Math.abs(states[1]! - 2) < 1e-6 && Number.isNaN(states[2]));
  t.throws(() => solvers.odeint(explode, f64(1), f64([0, 2]), [], { maxSteps: 50, throw: true }), {
    message: /^odeint: not solved: stopped after the largest number of iterations \(status `maxiter`\)\./,
  });
  const lanes = vmap((y: NDArray) => solvers.odeint(explode, y, f64([0, 0.5]), [], { maxSteps: 300 }).slice(1))(
    f64([1, 3]),
  );
  t.ok(Math.abs(lanes.slice(0).item() - 2) < 1e-6 && Number.isNaN(lanes.slice(1).item()), 'one lane ends alone');
  const any = solvers.odeint as (...args: any[]) => any;
  const says = (f: () => unknown, message: string): void => {
    t.throws(f, { message: new RegExp(`^${message.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`) });
  };
  const spring = (y: NDArray): { x: NDArray } => ({ x: y });
  says(
    () => any(spring, f64(1), times),
    'odeint: `spring` returned the structure { x: * }, but that of the state is *.',
  );
  const cut = ({ x }: { x: NDArray }) => ({ x: x.slice([0, 1]) });
  says(
    () => any(cut, { x: f64([1, 2]) }, times),
    'odeint: `cut` returned f64[1] at .x, but the state there is f64[2].',
  );
  says(() => any(decay, 1, 2, [1]), 'odeint: the times must be a vector that is not empty, but they are 2.');
  says(() => any(decay, 1, times, 0.5), 'odeint: the arguments of the function must be a list, but it is 0.5.');
  says(() => any(decay, 1, times, [1], { maxSteps: 0 }), 'odeint: `maxSteps` must be a positive integer, but it is 0.');
  says(
    () => any(decay, 1, times, [1], { tol: 1 }),
    'odeint: there is no option `tol`; the options are `rtol`, `atol`, `maxSteps`, `throw`.',
  );
  t.end();
});
