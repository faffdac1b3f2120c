/** The primitive operations, nearly as JAX's `lax` names them: what `numpy` is built from, and control flow. */
import '../numpy/methods.ts';

export { cond, switchCase as switch } from '../control/cond.ts';
export { foriLoop, map, scan, whileLoop } from '../control/loops.ts';
export { argmax, argmin } from './argreduce.ts';
export {
  abs,
  add,
  cbrt,
  ceil,
  clamp,
  div,
  floor,
  integerPow,
  max,
  min,
  mul,
  neg,
  nextafter,
  pow,
  reciprocal,
  rem,
  round,
  rsqrt,
  sign,
  sqrt,
  square,
  sub,
  trunc,
} from './arithmetic.ts';
export { type AssociativeScanOptions, associativeScan } from './associative-scan.ts';
export { eq, ge, gt, isFinite, le, lt, ne, select } from './compare.ts';
export type { DimensionNumbers, Padding } from './conv-dimensions.ts';
export {
  type ConvOptions,
  type ConvTransposeOptions,
  conv,
  convGeneralDilated,
  convTranspose,
} from './conv-functions.ts';
export { bitcastConvertType, convert } from './convert.ts';
export { broadcastedIota, full, iota } from './creation.ts';
export { cumlogsumexp, cummax, cummin, cumprod, cumsum } from './cumulative.ts';
export { dotGeneral } from './dot.ts';
export {
  dynamicIndexInDim,
  dynamicSlice,
  dynamicSliceInDim,
  dynamicUpdateIndexInDim,
  dynamicUpdateSlice,
  dynamicUpdateSliceInDim,
} from './dynamic-indexing.ts';
export { gather } from './gather.ts';
export { cholesky, eig, eigh, hessenberg, lu, qr, schur, svd, triangularSolve } from './linalg.ts';
export {
  and,
  not,
  or,
  populationCount,
  shiftLeft,
  shiftRightArithmetic,
  shiftRightLogical,
  xor,
} from './logic.ts';
export { broadcastInDim, broadcastTo, reshape, transpose } from './movement.ts';
export { type ReduceWindowOptions, reduceWindow, type WindowComputation } from './reduce-window.ts';
export { all, any, prod, reduceMax, reduceMin, sum } from './reductions.ts';
export { scatter, scatterAdd, scatterMax, scatterMin, scatterMul } from './scatter.ts';
export { concatenate, expandDims, indexInDim, pad, reverse, slice, sliceInDim, squeeze } from './slicing.ts';
export { argsort, sort, sortMulti } from './sort.ts';
export { stopGradient } from './stop-gradient.ts';
export { topK } from './top-k.ts';
export {
  acos,
  acosh,
  asin,
  asinh,
  atan,
  atan2,
  atanh,
  cos,
  cosh,
  digamma,
  erf,
  erfc,
  erfInv,
  exp,
  exp2,
  expm1,
  lgamma,
  log,
  log1p,
  log2,
  logistic,
  sin,
  sinh,
  tan,
  tanh,
} from './transcendental.ts';
