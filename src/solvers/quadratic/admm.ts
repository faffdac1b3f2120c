/** Steps of the alternating direction method of multipliers (Stellato et al., OSQP, 2020, algorithm 1), and their ρ. */
import type { Value } from '../../core/trace.ts';
import { div, max, sqrt } from '../../lax/arithmetic.ts';
import { eq, gt, lt, select } from '../../lax/compare.ts';
import { full, scalar } from '../../lax/creation.ts';
import { and, or } from '../../lax/logic.ts';
import { stopGradient } from '../../lax/stop-gradient.ts';
import { clip } from '../../numpy/elementwise.ts';
import type { BoxProblem, Errors } from './box-problem.ts';
import type { Settings } from './osqp-options.ts';

/** What a step moves. */
export interface Iterate {
  readonly x: Value;
  readonly z: Value;
  readonly y: Value;
  /** The solution of the last linear system. */
  readonly guess: Value;
}

export function admmStep(
  { A, c, lower, upper }: BoxProblem,
  { x, z, y, guess }: Iterate,
  rho: Value,
  sigma: Value,
  momentum: number,
  solve: (b: Value, guess: Value) => Value,
): Iterate {
  const next = solve(
    x
      .mul(sigma)
      .sub(c)
      .add(A.back(z.mul(rho).sub(y))),
    guess,
  );
  const relaxed = A.times(next)
    .mul(momentum)
    .add(z.mul(1 - momentum));
  const free = relaxed.add(y.div(rho));
  const nextZ = clip(free, lower, upper);
  return {
    x: next.mul(momentum).add(x.mul(1 - momentum)),
    z: nextZ,
    // Exactly 0 where no bound was met: multipliers tell which constraints are active.
    y: free.sub(nextZ).mul(rho),
    guess: next,
  };
}

/** ρ of each row: larger where it is an equation, as small as can be where it has no bounds (section 5.2). */
export function rhoOfRows({ lower, upper }: BoxProblem, rho: Value, { rhoMin, rhoMax }: Settings): Value {
  const one = full(lower.shape, 1, lower.dtype);
  const free = and(eq(lower, Number.NEGATIVE_INFINITY), eq(upper, Number.POSITIVE_INFINITY));
  const equation = one.mul(clip(rho.mul(1e3), null, rhoMax));
  return stopGradient(select(eq(lower, upper), equation, select(free, one.mul(rhoMin), one.mul(rho))));
}

/** Another ρ balances the residuals better; a little better is not worth a factorisation. */
const worthwhile = 5;

/** ρ for the next steps: that for which the relative residuals are alike, if it is far from what it was (section 5.2). */
export function nextRho(
  rho: Value,
  { primal, primalSize, dual, dualSize }: Errors,
  { rhoMin, rhoMax }: Settings,
): Value {
  const tiny = scalar(rho.dtype === 'float64' ? 1e-30 : 1e-20, rho.dtype);
  const relative = (error: Value, size: Value): Value => max(div(error, max(size, tiny)), tiny);
  const ratio = sqrt(div(relative(primal, primalSize), relative(dual, dualSize)));
  const next = clip(rho.mul(ratio), rhoMin, rhoMax);
  const far = or(gt(next, rho.mul(worthwhile)), lt(next, rho.mul(1 / worthwhile)));
  return stopGradient(select(far, next, rho));
}
