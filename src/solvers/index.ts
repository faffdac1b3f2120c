/** Solvers whose solutions can be differentiated: implicitly, or through their iterations. */
export { statusName } from '../implicit/status.ts';
export { type BaseState, IterativeSolver, type SolverOptions, type Step } from './base.ts';
export type { Bounds } from './bounds.ts';
export { BFGS, type BFGSOptions, type BFGSState } from './descent/bfgs.ts';
export { GradientDescent, type GradientDescentOptions } from './descent/gradient-descent.ts';
export { LBFGS, type LBFGSOptions, type LBFGSState } from './descent/lbfgs.ts';
export { LBFGSB, type LBFGSBOptions, type LBFGSBState } from './descent/lbfgsb.ts';
export { NelderMead, type NelderMeadOptions, type NelderMeadState } from './descent/nelder-mead.ts';
export {
  NonlinearCG,
  type NonlinearCGMethod,
  type NonlinearCGOptions,
  type NonlinearCGState,
} from './descent/nonlinear-cg.ts';
export type { SmoothOptions, SmoothState } from './descent/smooth.ts';
export { GaussNewton, type GaussNewtonOptions, type GaussNewtonState } from './least-squares/gauss-newton.ts';
export {
  LevenbergMarquardt,
  type LevenbergMarquardtOptions,
  type LevenbergMarquardtState,
} from './least-squares/levenberg-marquardt.ts';
export {
  BacktrackingLineSearch,
  type BacktrackingOptions,
  type LineSearchCondition,
} from './line-search/backtracking-line-search.ts';
export { HagerZhangLineSearch, type HagerZhangOptions } from './line-search/hager-zhang-line-search.ts';
export {
  LineSearch,
  type LineSearchOptions,
  type LineSearchPoint,
  type LineSearchState,
  type LineSearchStep,
} from './line-search/line-search.ts';
export { ZoomLineSearch, type ZoomOptions } from './line-search/zoom-line-search.ts';
export { type OdeintOptions, odeint } from './ode/odeint.ts';
export {
  BlockCoordinateDescent,
  type BlockCoordinateDescentOptions,
  type BlockCoordinateDescentState,
} from './proximal/block-coordinate-descent.ts';
export {
  klProjectionGrad,
  MirrorDescent,
  type MirrorDescentOptions,
  type MirrorDescentState,
  makeProjectionGrad,
  type ProjectionGrad,
} from './proximal/mirror-descent.ts';
export { ProjectedGradient, type ProjectedGradientOptions, type Projection } from './proximal/projected-gradient.ts';
export {
  type Prox,
  ProximalGradient,
  type ProximalGradientOptions,
  type ProximalGradientState,
} from './proximal/proximal-gradient.ts';
export { BoxCDQP, type BoxCDQPOptions } from './quadratic/box-cdqp.ts';
export type { BoxKKT } from './quadratic/box-kkt.ts';
export { BoxOSQP, type BoxOSQPOptions, type BoxOSQPState } from './quadratic/box-osqp.ts';
export { EqualityConstrainedQP, type EqualityConstrainedQPOptions } from './quadratic/equality-constrained-qp.ts';
export {
  IterativeRefinement,
  type IterativeRefinementOptions,
  type IterativeRefinementState,
} from './quadratic/iterative-refinement.ts';
export { OSQP, type OSQPOptions } from './quadratic/osqp.ts';
export type { KKTSolution, LinearConstraints, QuadraticObjective, QuadraticOptions } from './quadratic/quadratic.ts';
export type { MixingOptions, MixingState } from './roots/anderson.ts';
export { AndersonAcceleration, type AndersonOptions, type AndersonState } from './roots/anderson-acceleration.ts';
export { AndersonWrapper, type AndersonWrapperOptions, type AndersonWrapperState } from './roots/anderson-wrapper.ts';
export { Bisection, type BisectionOptions, type BisectionState } from './roots/bisection.ts';
export { Broyden, type BroydenOptions, type BroydenState } from './roots/broyden.ts';
export { FixedPointIteration, type FixedPointOptions, type FixedPointState } from './roots/fixed-point-iteration.ts';
export { Newton, type NewtonOptions, type NewtonState } from './roots/newton.ts';
export type { RootOptions, RootState } from './roots/root.ts';
export { ArmijoSGD, type ArmijoSGDOptions, type ArmijoSGDState, type ResetOption } from './stochastic/armijo-sgd.ts';
export {
  OptimizerSolver,
  type OptimizerSolverOptions,
  type OptimizerSolverState,
} from './stochastic/optimizer-solver.ts';
export { PolyakSGD, type PolyakSGDOptions, type PolyakSGDState, type PolyakVariant } from './stochastic/polyak-sgd.ts';
export { type PreUpdate, type StochasticOptions, StochasticSolver } from './stochastic/stochastic.ts';
