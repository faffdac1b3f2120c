/** Cotangent: composable transformations of numerical programs, compiled to WebAssembly. */
export { grad, jvp, linearize, valueAndGrad, vjp } from '../transforms/differentiate.ts';
export { hessian, jacfwd, jacobian, jacrev } from '../transforms/jacobian.ts';
export { vmap } from '../transforms/vectorize.ts';
export { type ArrayLike, type Index, NDArray } from './array.ts';
export { checkpoint } from './control/checkpoint.ts';
export { customJvp } from './control/custom-jvp.ts';
export { customVjp } from './control/custom-vjp.ts';
export * as debug from './debug/index.ts';
export { type InitOptions, init } from './init.ts';
export { evalShape, type JitOptions, type Jitted, jit, makeJaxpr } from './jit.ts';
export * as lax from './lax/index.ts';
export * as linalg from './linalg/index.ts';
export * as nn from './nn/index.ts';
export * as np from './numpy/index.ts';
export * as random from './random/index.ts';
export * as special from './special.ts';
export * as tree from './tree.ts';
