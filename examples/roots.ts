/** The root of x³ + θx = 1 as a differentiable function of θ: any derivative, a thousand at once, compiled. */
import { pathToFileURL } from 'node:url';
import { customRoot, grad, hessian, jit, lax, type NDArray, np, vmap } from 'cotangent';

const cubic = (x: NDArray, theta: NDArray): NDArray => x.mul(x).mul(x).add(theta.mul(x)).sub(1);

/** Bisection has no useful derivative of its own: its result is a sum of halves of the interval. */
const root = customRoot(cubic)((_init: unknown, theta: NDArray): NDArray => {
  const [low, high] = lax.foriLoop(
    0,
    60,
    (_i: NDArray, [a, b]: NDArray[]) => {
      const middle = a!.add(b!).mul(0.5);
      const below = cubic(middle, theta).lt(0);
      return [np.where(below, middle, a!), np.where(below, b!, middle)];
    },
    [np.zeros([], { dtype: 'float64' }), np.ones([], { dtype: 'float64' })],
  ) as NDArray[];
  return low!.add(high!).mul(0.5);
});
const solve = (theta: NDArray): NDArray => root(null, theta);

/** x′ = −x / (3x² + θ), from the implicit function theorem by hand. */
const slope = (x: number, theta: number): number => -x / (3 * x * x + theta);

export interface Report {
  readonly x: number;
  readonly first: number;
  readonly second: number;
  readonly third: number;
  readonly lanes: readonly number[];
}

export function main(log: (text: string) => void = console.log): Report {
  const theta = np.array(2, { dtype: 'float64' });
  const x = solve(theta).item();
  const first = grad(solve)(theta).item();
  const second = hessian(solve)(theta).item();
  const third = jit(grad(grad(grad(solve))))(theta).item();
  log(`x(2)    = ${x}`);
  log(`x′(2)   = ${first}, by hand ${slope(x, 2)}`);
  log(`x″(2)   = ${second}`);
  log(`x‴(2)   = ${third}`);

  const thetas = np.linspace(1, 3, 1000).astype('float64');
  const slopes = jit(vmap(grad(solve)))(thetas);
  log(`x′ at a thousand θ from 1 to 3, in one call: from ${slopes.slice(0)} to ${slopes.slice(-1)}`);
  return { x, first, second, third, lanes: slopes.tolist() };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
