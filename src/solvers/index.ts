/** Solvers whose solutions can be differentiated: implicitly, or through their iterations. */
export { statusName } from '../implicit/status.ts';
export type { MixingOptions, MixingState } from './anderson.ts';
export { AndersonAcceleration, type AndersonOptions, type AndersonState } from './anderson-acceleration.ts';
export { AndersonWrapper, type AndersonWrapperOptions, type AndersonWrapperState } from './anderson-wrapper.ts';
export { ArmijoSGD, type ArmijoSGDOptions, type ArmijoSGDState, type ResetOption } from './armijo-sgd.ts';
export {
  BacktrackingLineSearch,
  type BacktrackingOptions,
  type LineSearchCondition,
} from './backtracking-line-search.ts';
export { type BaseState, IterativeSolver, type SolverOptions, type Step } from './base.ts';
export { BFGS, type BFGSOptions, type BFGSState } from './bfgs.ts';
export { Bisection, type BisectionOptions, type BisectionState } from './bisection.ts';
export {
  BlockCoordinateDescent,
  type BlockCoordinateDescentOptions,
  type BlockCoordinateDescentState,
} from './block-coordinate-descent.ts';
export type { Bounds } from './box.ts';
export { BoxCDQP, type BoxCDQPOptions } from './box-cdqp.ts';
export type { BoxKKT } from './box-kkt.ts';
export { BoxOSQP, type BoxOSQPOptions, type BoxOSQPState } from './box-osqp.ts';
export { Broyden, type BroydenOptions, type BroydenState } from './broyden.ts';
export { EqualityConstrainedQP, type EqualityConstrainedQPOptions } from './equality-constrained-qp.ts';
export { FixedPointIteration, type FixedPointOptions, type FixedPointState } from './fixed-point-iteration.ts';
export { GaussNewton, type GaussNewtonOptions, type GaussNewtonState } from './gauss-newton.ts';
export { GradientDescent, type GradientDescentOptions } from './gradient-descent.ts';
export { HagerZhangLineSearch, type HagerZhangOptions } from './hager-zhang-line-search.ts';
export {
  IterativeRefinement,
  type IterativeRefinementOptions,
  type IterativeRefinementState,
} from './iterative-refinement.ts';
export { LBFGS, type LBFGSOptions, type LBFGSState } from './lbfgs.ts';
export { LBFGSB, type LBFGSBOptions, type LBFGSBState } from './lbfgsb.ts';
export {
  LevenbergMarquardt,
  type LevenbergMarquardtOptions,
  type LevenbergMarquardtState,
} from './levenberg-marquardt.ts';
export {
  LineSearch,
  type LineSearchOptions,
  type LineSearchPoint,
  type LineSearchState,
  type LineSearchStep,
} from './line-search.ts';
export {
  klProjectionGrad,
  MirrorDescent,
  type MirrorDescentOptions,
  type MirrorDescentState,
  makeProjectionGrad,
  type ProjectionGrad,
} from './mirror-descent.ts';
export { NelderMead, type NelderMeadOptions, type NelderMeadState } from './nelder-mead.ts';
export { Newton, type NewtonOptions, type NewtonState } from './newton.ts';
export {
  NonlinearCG,
  type NonlinearCGMethod,
  type NonlinearCGOptions,
  type NonlinearCGState,
} from './nonlinear-cg.ts';
export { type OdeintOptions, odeint } from './odeint.ts';
export { OptimizerSolver, type OptimizerSolverOptions, type OptimizerSolverState } from './optimizer-solver.ts';
export { OSQP, type OSQPOptions } from './osqp.ts';
export { PolyakSGD, type PolyakSGDOptions, type PolyakSGDState, type PolyakVariant } from './polyak-sgd.ts';
export { ProjectedGradient, type ProjectedGradientOptions, type Projection } from './projected-gradient.ts';
export {
  type Prox,
  ProximalGradient,
  type ProximalGradientOptions,
  type ProximalGradientState,
} from './proximal-gradient.ts';
export type { KKTSolution, LinearConstraints, QuadraticObjective, QuadraticOptions } from './quadratic.ts';
export type { RootOptions, RootState } from './root.ts';
export type { SmoothOptions, SmoothState } from './smooth.ts';
export { type PreUpdate, type StochasticOptions, StochasticSolver } from './stochastic.ts';
export { ZoomLineSearch, type ZoomOptions } from './zoom-line-search.ts';
