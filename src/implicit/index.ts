/** Implicit differentiation: functions defined by an equation that their result solves. */
export { customFixedPoint, customRoot, type ImplicitOptions, type ImplicitSolver } from './custom-root.ts';
export { type RootOptions, rootJvp, rootVjp } from './root-derivatives.ts';
