export { grad, jvp, linearize, valueAndGrad, vjp } from '../transforms/differentiate.ts';
export { vmap } from '../transforms/vectorize.ts';
export { type ArrayLike, type Index, NDArray } from './array.ts';
export { evalShape, jit, makeJaxpr } from './jit.ts';
export * as linalg from './linalg/index.ts';
export * as nn from './nn/index.ts';
export * as np from './numpy/index.ts';
export * as special from './special.ts';
export * as tree from './tree.ts';
