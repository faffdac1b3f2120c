/**
 * Choosing how much to regularise, by gradient descent on the validation loss: the solution of a ridge regression is
 * differentiated with respect to its regularisation — implicitly, through the solver's iterations, and in closed form.
 * Run with `npm start`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import {
  customFixedPoint,
  customRoot,
  grad,
  jacobian,
  jit,
  lax,
  linalg,
  linearSolve,
  type NDArray,
  np,
  solvers,
  valueAndGrad,
  vmap,
} from 'cotangent';
import { diabetes } from './lib/diabetes.ts';
import { plot } from './lib/plot.ts';
import { progress, table } from './lib/table.ts';

const { train, validation } = diabetes();
const [rows, features] = train.X.shape as [number, number];
const w0 = np.zeros([features], { dtype: 'float64' });

// ── The inner problem ──────────────────────────────────────────────────────────────────────────────────────────────
/** ½ mean (X w − y)² + ½ l2reg ‖w‖². */
function ridge(w: NDArray, l2reg: NDArray): NDArray {
  const residual = np.matmul(train.X, w).sub(train.y);
  return np
    .mean(residual.mul(residual))
    .add(l2reg.mul(np.sum(w.mul(w))))
    .mul(0.5);
}

/** The exact solution, for comparison: (XᵀX/n + l2reg·I) w = Xᵀy/n. */
function closedForm(l2reg: NDArray): NDArray {
  const gram = np.matmul(train.X.T, train.X).div(rows);
  return linalg.solve(gram.add(np.eye(features).mul(l2reg)), np.matmul(train.X.T, train.y).div(rows));
}

// A constant step of 1 over a bound on the curvature, so that both kinds of derivative converge to the last digits.
const curvature = linalg.norm(np.matmul(train.X.T, train.X).div(rows), { ord: Number.POSITIVE_INFINITY }).item();
const options = { fun: ridge, maxiter: 5000, tol: 1e-14, stepsize: 1 / (curvature + 0.05), acceleration: false };
const implicit = new solvers.GradientDescent(options);
const unrolled = new solvers.GradientDescent({ ...options, implicitDiff: false });

const byImplicit = (l2reg: NDArray): NDArray => implicit.run(w0, l2reg).params;
const byUnrolling = (l2reg: NDArray): NDArray => unrolled.run(w0, l2reg).params;

// ── The outer problem ──────────────────────────────────────────────────────────────────────────────────────────────
function validationLoss(w: NDArray): NDArray {
  const residual = np.matmul(validation.X, w).sub(validation.y);
  return np.mean(residual.mul(residual));
}

/** JAXopt's example: any solver of the optimality condition, here conjugate gradients on the normal equations. */
const byRoot = customRoot(grad(ridge), { solve: linearSolve.solveCg, symmetric: true })(
  (_init: NDArray, l2reg: NDArray): NDArray => {
    const matvec = (w: NDArray): NDArray => np.matmul(train.X.T, np.matmul(train.X, w)).div(rows).add(w.mul(l2reg));
    return linearSolve.solveCg(matvec, np.matmul(train.X.T, train.y).div(rows), { maxiter: 20, tol: 1e-12 });
  },
);

/** The same problem as a fixed point, w = w − step·∇ridge(w), and a solver that simply iterates. */
const step = (w: NDArray, l2reg: NDArray): NDArray => w.sub(grad(ridge)(w, l2reg).div(l2reg.add(curvature)));
const byFixedPoint = customFixedPoint(step)(
  (init: NDArray, l2reg: NDArray): NDArray => lax.foriLoop(0, 5000, (_i: NDArray, w: NDArray) => step(w, l2reg), init),
);

interface Learned {
  readonly l2reg: number[];
  readonly loss: number[];
}

/** Newton's method on θ = log l2reg, steps of at most 1: the second derivative goes through the solver twice. */
function learn(solve: (init: NDArray, l2reg: NDArray) => NDArray, steps: number, name: string): Learned {
  const loss = (theta: NDArray): NDArray => validationLoss(solve(w0, np.exp(theta)));
  const derivatives = jit((theta: NDArray) => [...valueAndGrad(loss)(theta), grad(grad(loss))(theta)]);
  const path: Learned = { l2reg: [], loss: [] };
  let theta = np.array(1, { dtype: 'float64' });
  for (let t = 1; t <= steps; t++) {
    const [value, slope, curvature] = derivatives(theta).map((d) => d.item()) as [number, number, number];
    path.l2reg.push(Math.exp(theta.item()));
    path.loss.push(value);
    theta = theta.sub(Math.max(-1, Math.min(1, slope / Math.abs(curvature))));
    progress(t, steps, `${name}: l2reg ${path.l2reg.at(-1)!.toFixed(4)}, validation loss ${value.toFixed(6)}`);
    if (Math.abs(slope) < 1e-12) break;
  }
  return path;
}

// ── Results ────────────────────────────────────────────────────────────────────────────────────────────────────────
const ms = (t: number): string => (t < 1 ? `${(t * 1000).toFixed(0)} µs` : `${t.toFixed(1)} ms`);

function timed<T>(f: () => T): [T, number] {
  const start = performance.now();
  return [f(), performance.now() - start];
}

const largest = (x: NDArray): number => np.max(np.abs(x)).item();

export interface Report {
  /** Largest relative error of each way against the closed form: of the solution, its Jacobian, the hypergradient. */
  readonly errors: Record<string, readonly [number, number, number]>;
  readonly learned: Record<string, Learned>;
  readonly best: number;
}

export function main(log: (text: string) => void = console.log, steps = 20): Report {
  const l2reg = np.array(0.05, { dtype: 'float64' });
  const { params, state } = implicit.run(w0, l2reg);
  log(`ridge regression on ${rows} patients, ${features} features, l2reg ${l2reg.item()}`);
  log(`w = ${params}`);
  log(`${solvers.statusName(state.status)}, after ${state.iterNum} steps\n`);

  const ways = { 'closed form': closedForm, implicit: byImplicit, unrolled: byUnrolling };
  const exact = {
    solution: closedForm(l2reg),
    jacobian: jacobian(closedForm)(l2reg),
    hypergradient: grad((l: NDArray) => validationLoss(closedForm(l)))(l2reg),
  };
  const errors: Record<string, readonly [number, number, number]> = {};
  const lines: string[][] = [];
  for (const [name, solve] of Object.entries(ways)) {
    const hyper = jit(grad((l: NDArray) => validationLoss(solve(l))));
    const jac = jit(jacobian(solve));
    const [, tracing] = timed(() => hyper.lower(l2reg));
    const [gradient, first] = timed(() => hyper(l2reg));
    const [, again] = timed(() => hyper(l2reg));
    const jacobianError = largest(jac(l2reg).sub(exact.jacobian)) / largest(exact.jacobian);
    const solutionError = largest(solve(l2reg).sub(exact.solution)) / largest(exact.solution);
    const gradientError = largest(gradient.sub(exact.hypergradient)) / largest(exact.hypergradient);
    errors[name] = [solutionError, jacobianError, gradientError];
    lines.push([
      name,
      gradient.item().toFixed(12),
      ...[solutionError, jacobianError, gradientError].map((e) => e.toExponential(1)),
      ms(tracing),
      ms(first),
      ms(again),
    ]);
  }
  log('derivative of the validation loss with respect to l2reg, and relative errors against the closed form:');
  log(table(['', 'hypergradient', 'w', 'dw/dl2reg', 'hypergrad.', 'trace', 'first run', 'then'], lines));

  log('\nlearning l2reg from the validation loss:');
  const learned = {
    customRoot: learn(byRoot, steps, 'customRoot'),
    customFixedPoint: learn(byFixedPoint, steps, 'customFixedPoint'),
  };
  const grid = np.logspace(-4, 1.2, 120).astype('float64');
  const curve = jit(vmap((l: NDArray) => validationLoss(closedForm(l))))(grid);
  const losses: number[] = curve.tolist();
  const best = grid.slice(losses.indexOf(Math.min(...losses))).item();
  const row = ([name, path]: [string, Learned]): string[] => [
    name,
    path.l2reg.at(-1)!.toFixed(8),
    path.loss.at(-1)!.toFixed(8),
  ];
  log(
    table(
      ['', 'l2reg', 'validation loss'],
      [...Object.entries(learned).map(row), ['best of a grid', best.toFixed(8), Math.min(...losses).toFixed(8)]],
    ),
  );

  const folder = new URL('../../examples/out/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  const svg = plot(
    [
      { label: 'validation loss', x: grid.tolist(), y: losses, color: '#4269d0' },
      {
        label: 'customRoot, Newton steps',
        x: learned.customRoot.l2reg,
        y: learned.customRoot.loss,
        color: '#ff725c',
        points: true,
      },
    ],
    { title: 'Learning the regularisation of a ridge regression', xLabel: 'l2reg', yLabel: 'validation loss' },
  );
  writeFileSync(new URL('ridge.svg', folder), svg);
  log('\nthe path is drawn in examples/out/ridge.svg');
  return { errors, learned, best };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
