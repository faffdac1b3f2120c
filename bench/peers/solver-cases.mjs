import { nn, np, objectives, projection, prox, solvers } from '../../dist/bundle/node/index.js';
import { arraysOf, numbers } from './inputs.mjs';

const array = arraysOf(np);

/** Runs of a fixed number of iterations, so that others do the same ones; each compiled whole. */
export function solverCases(call) {
  const [X, y] = [array([1000, 20], 0), np.array(numbers(1000, 1)).gt(0).astype('float32')];
  const logistic = (w) => {
    const z = np.matmul(X, w);
    return np.mean(nn.softplus(z).sub(y.mul(z))).add(np.sum(w.mul(w)).mul(5e-4));
  };
  const [A, b] = [array([200, 100], 2), array([200], 3)];
  const squares = (w) => np.mean(np.square(np.matmul(A, w).sub(b)));
  const t = np.array(numbers(200, 5, 4));
  const decay = (p) =>
    np
      .exp(t.mul(p.slice(0)))
      .mul(p.slice(1))
      .add(p.slice(2));
  const observed = decay(np.array([-0.7, 2, 0.3]));
  const run = (solver, init, ...args) => call((init) => solver.run(init, ...args).params, init);
  const zeros = np.zeros([20]);
  const box = [np.full([20], -0.1), np.full([20], 0.15)];
  const [D, e] = [array([1000, 100], 6), array([1000], 7)];
  const M = array([100, 100], 8);
  const Q = np.matmul(M.T, M).add(np.eye(100));
  const [c, G, h] = [array([100], 9), array([50, 100], 10), np.full([50], 0.1)];
  const swing = ({ angle, speed }, _, g) => ({ angle: speed, speed: np.sin(angle).mul(g).neg() });
  const times = np.linspace(0, 10, 11);
  return {
    'LBFGS, 10 steps': () => run(new solvers.LBFGS({ fun: logistic, maxiter: 10, tol: -1 }), zeros),
    'BFGS, 10 steps': () => run(new solvers.BFGS({ fun: logistic, maxiter: 10, tol: -1 }), zeros),
    'nonlinear CG, 10 steps': () => run(new solvers.NonlinearCG({ fun: logistic, maxiter: 10, tol: -1 }), zeros),
    'Levenberg–Marquardt, 10 steps': () =>
      run(
        new solvers.LevenbergMarquardt({ residualFun: (p) => decay(p).sub(observed), maxiter: 10, tol: -1, gtol: -1 }),
        np.array([-0.1, 1, 0]),
      ),
    'lasso, 200 steps': () =>
      run(
        new solvers.ProximalGradient({ fun: squares, prox: prox.lasso, maxiter: 200, tol: -1, stepsize: 0.5 }),
        np.zeros([100]),
        np.array(1e-2),
      ),
    'simplex, 200 steps': () =>
      run(
        new solvers.ProjectedGradient({
          fun: squares,
          projection: projection.simplex,
          maxiter: 200,
          tol: -1,
          stepsize: 0.5,
        }),
        np.full([100], 0.01),
      ),
    'LBFGSB, 30 steps': () => run(new solvers.LBFGSB({ fun: logistic, maxiter: 30, tol: 1e-6 }), zeros, box),
    'lasso, 50 sweeps': () =>
      run(
        new solvers.BlockCoordinateDescent({
          fun: objectives.leastSquares,
          blockProx: prox.lasso,
          maxiter: 50,
          tol: -1,
        }),
        np.zeros([100]),
        np.array(1e-3),
        [D, e],
      ),
    'OSQP, 100×50': () =>
      call((c) => new solvers.OSQP({ tol: 1e-4, rtol: 0 }).run(null, [Q, c], null, [G, h]).params.primal, c),
    'odeint, a pendulum': () =>
      call(
        (angle) => solvers.odeint(swing, { angle, speed: 0 }, times, [9.81], { rtol: 1e-5, atol: 1e-5 }).angle,
        np.array(0.5),
      ),
  };
}
