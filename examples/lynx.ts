/**
 * Lotka and Volterra's equations fitted to pelts of snowshoe hares and Canada lynxes, in thousands, that the Hudson's Bay Company
 * took from 1900 to 1920 (Howard, Modeling basics, 2009; the model is that of Carpenter, Predator-prey population dynamics, 2018,
 * whose posterior means the estimates are shown beside): an ODE solver inside a least-squares solver, compiled, and
 * differentiated in the data.
 */
import { pathToFileURL } from 'node:url';
import { jacfwd, jit, linalg, type NDArray, np, solvers } from 'cotangent';

const pelts = np.array(
  [
    [
      30, 47.2, 70.2, 77.4, 36.3, 20.6, 18.1, 21.4, 22, 25.4, 27.1, 40.3, 57, 76.6, 52.3, 19.5, 11.2, 7.6, 14.6, 16.2,
      24.7,
    ],
    [4, 6.1, 9.8, 35.2, 59.4, 41.7, 19, 13, 8.3, 9.1, 7.4, 8, 12.3, 19.5, 45.7, 51.1, 29.7, 15.8, 9.7, 10.1, 8.6],
  ],
  { dtype: 'float64' },
);
const years = np.arange(21).astype('float64');

/** Logarithms of the rates and of the populations in 1900: all are positive. */
interface Parameters {
  readonly rates: NDArray;
  readonly start: NDArray;
}

const names = ['hares are born', 'hares are eaten', 'lynxes die', 'lynxes are born'];
const published = [0.55, 0.028, 0.8, 0.024];

function change(populations: NDArray, _time: NDArray, rates: NDArray): NDArray {
  const [born, eaten, die, fed] = rates as unknown as [NDArray, NDArray, NDArray, NDArray];
  const [hares, lynxes] = populations as unknown as [NDArray, NDArray];
  return np.stack([hares.mul(born.sub(lynxes.mul(eaten))), lynxes.mul(hares.mul(fed).sub(die))]);
}

const populations = ({ rates, start }: Parameters): NDArray =>
  solvers.odeint(change, start.exp(), years, [rates.exp()], { rtol: 1e-9, atol: 1e-9 });

/** Relative differences, as logarithms. */
const residuals = (parameters: Parameters, observed: NDArray): NDArray =>
  populations(parameters).log().sub(observed.T.log()).ravel();

const solver = new solvers.LevenbergMarquardt({ residualFun: residuals, tol: 1e-6 });
const init = {
  rates: np.log(np.array([0.5, 0.02, 0.9, 0.02], { dtype: 'float64' })),
  start: np.log(pelts.slice([], 0)),
};
const fit = (observed: NDArray): NDArray => solver.run(init, observed).params.rates.exp();

export interface Report {
  readonly rates: readonly number[];
  readonly errors: readonly number[];
  readonly period: number;
  readonly influence: NDArray;
}

export function main(log: (text: string) => void = console.log): Report {
  const began = performance.now();
  const { params, state } = solver.run(init, pelts);
  log(
    `${solvers.statusName(state.status)}, after ${state.iterNum} steps in ${(performance.now() - began).toFixed(0)} ms`,
  );

  // The usual estimate of the covariance, σ² (JᵀJ)⁻¹, from the derivatives of the ODE's solution.
  const { rates: inRates, start: inStart } = jit(jacfwd((p: Parameters) => residuals(p, pelts)))(params);
  const J = np.concatenate([inRates, inStart], { axis: 1 });
  const left = residuals(params, pelts);
  const variance = left
    .mul(left)
    .sum()
    .div(left.size - 6);
  const deviations = linalg.inv(np.matmul(J.T, J)).mul(variance).diagonal().sqrt();
  const rates = params.rates.exp();
  const errors = rates.mul(deviations.slice([0, 4]));
  names.forEach((name, i) => {
    const [rate, error] = [rates.slice(i).item(), errors.slice(i).item()];
    log(`${name.padEnd(16)} ${rate.toFixed(3)} ± ${error.toFixed(3)} a year   (published ${published[i]})`);
  });
  const period = (2 * Math.PI) / Math.sqrt(rates.slice(0).mul(rates.slice(2)).item());
  log(`small oscillations take ${period.toFixed(1)} years`);

  // How each count pulls at the estimates: implicit differentiation of the fit, in one call.
  const influence = jit(jacfwd(fit))(pelts).mul(pelts);
  const strongest = np.argmax(np.abs(influence.slice(0, 0))).item();
  log(
    `the hares of ${1900 + strongest} pull hardest at their rate of birth: ${influence.slice(0, 0, strongest)} for all of them`,
  );
  return { rates: rates.tolist(), errors: errors.tolist(), period, influence };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
