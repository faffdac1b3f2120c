/** Implicit differentiation: functions defined by an equation that their result solves. */
export {
  customFixedPoint,
  customRoot,
  type ImplicitOptions,
  type ImplicitSolver,
  rootJvp,
  rootVjp,
} from './custom-root.ts';
