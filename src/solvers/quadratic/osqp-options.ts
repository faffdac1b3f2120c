/** The options of ADMM, which `BoxOSQP` and `OSQP` have in common. */
import { TraceError } from '../../core/errors.ts';
import { checkChoice, checkNumbers } from '../../core/options.ts';
import type { SolverOptions } from '../base.ts';
import { type EqQpSolve, eqQpSolves } from './normal-system.ts';

export interface OSQPOptions extends SolverOptions {
  /** Absolute tolerance of both residuals, in the largest norm. Default 1e-3. */
  tol?: number;
  /** Relative tolerance: of ‖A x‖∞ and ‖z‖∞, and of ‖Q x‖∞, ‖Aᵀy‖∞ and ‖c‖∞. Default: like `tol`. */
  rtol?: number;
  /** σ, which makes the linear systems definite; more where rounding needs it. Default 1e-6. */
  sigma?: number;
  /** The relaxation α of ADMM, between 0 and 2. Default 1.6. */
  momentum?: number;
  /**
   * How the linear systems of the steps are solved. By factors that serve until ρ changes: 'cholesky', or 'lu'; by
   * conjugate gradients, which begin where the last ones ended: 'cg', or 'cg+jacobi' with a preconditioner. 'auto', the
   * default, is 'cholesky' if Q and A are given as matrices, else 'cg'; but for 'cg', they must be.
   */
  eqQpSolve?: EqQpSolve;
  /** The first ρ. Default 0.1. */
  rhoStart?: number;
  /** Bounds of ρ. Default 1e-6 and 1e6. */
  rhoMin?: number;
  rhoMax?: number;
  /** After so many steps the residuals are looked at, and perhaps ρ changed. Default 10. */
  terminationCheckFrequency?: number;
  /** Turns of the equilibration, where Q and A are given as matrices; 0 for none. Default 10. */
  scaling?: number;
  /**
   * Solve the problem that has the constraints that were found to be active as equations, and take its solution if it is
   * better; where Q and A are given as matrices, and without `implicitDiff: false`. Default true.
   */
  polish?: boolean;
  /** How well a certificate of infeasibility must hold for the equilibrated problem, relative to its size. Default 1e-4 (float32: 1e-3). */
  primalInfeasibleTol?: number;
  dualInfeasibleTol?: number;
}

const numbers = [
  'rtol',
  'sigma',
  'momentum',
  'rhoStart',
  'rhoMin',
  'rhoMax',
  'terminationCheckFrequency',
  'scaling',
  'primalInfeasibleTol',
  'dualInfeasibleTol',
] as const;

/** Names of the options of ADMM. */
export const osqpOptions: readonly string[] = [...numbers, 'eqQpSolve', 'polish'];

/** What ADMM goes by. */
export type Settings = Required<Omit<OSQPOptions, keyof SolverOptions | Tolerances>> & Pick<OSQPOptions, Tolerances>;
type Tolerances = 'primalInfeasibleTol' | 'dualInfeasibleTol';

/** @throws TraceError when an option is out of its range, or needs matrices that are not there */
export function settingsOf(name: string, options: OSQPOptions, tol: number, dense: boolean): Settings {
  checkNumbers(name, options, numbers);
  checkChoice(name, '`eqQpSolve`', options.eqQpSolve ?? 'auto', eqQpSolves);
  checkChoice(name, '`polish`', options.polish ?? true, [true, false]);
  const settings = {
    rtol: tol,
    sigma: 1e-6,
    momentum: 1.6,
    eqQpSolve: 'auto' as const,
    rhoStart: 0.1,
    rhoMin: 1e-6,
    rhoMax: 1e6,
    terminationCheckFrequency: 10,
    scaling: 10,
    polish: true,
    ...options,
  };
  const { momentum, terminationCheckFrequency: steps, eqQpSolve } = settings;
  if (!(momentum > 0 && momentum < 2))
    throw new TraceError(`${name}: \`momentum\` must lie between 0 and 2, but it is ${momentum}.`);
  if (!(Number.isInteger(steps) && steps > 0))
    throw new TraceError(`${name}: \`terminationCheckFrequency\` must be a positive integer, but it is ${steps}.`);
  if (!dense && !['auto', 'cg'].includes(eqQpSolve))
    throw new TraceError(
      `${name}: \`eqQpSolve: '${eqQpSolve}'\` needs Q and A as matrices, but they are given as functions.`,
      { hint: "without matrices: 'cg'" },
    );
  return settings;
}
