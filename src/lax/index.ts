/** The primitive operations, nearly as JAX's `lax` names them: what `numpy` is built from, and control flow. */
import '../numpy/methods.ts';
import '../complex/methods.ts';

export {
  abs,
  acos,
  acosh,
  add,
  asin,
  asinh,
  atan,
  atanh,
  broadcastInDim,
  broadcastTo,
  complex,
  concatenate,
  conj,
  convert,
  cos,
  cosh,
  cumprod,
  cumsum,
  div,
  dotGeneral,
  eq,
  exp,
  expandDims,
  expm1,
  imag,
  indexInDim,
  integerPow,
  isFinite,
  log,
  log1p,
  log2,
  mul,
  ne,
  neg,
  pad,
  pow,
  prod,
  real,
  reciprocal,
  reshape,
  reverse,
  rsqrt,
  select,
  sign,
  sin,
  sinh,
  slice,
  sliceInDim,
  sqrt,
  square,
  squeeze,
  sub,
  sum,
  tan,
  tanh,
  transpose,
} from '../complex/lax-functions.ts';
export { cond, switchCase as switch } from '../control/cond.ts';
export { foriLoop, map, scan, whileLoop } from '../control/loops.ts';
export { argmax, argmin } from './argreduce.ts';
export { cbrt, ceil, clamp, floor, max, min, nextafter, rem, round, trunc } from './arithmetic.ts';
export { type AssociativeScanOptions, associativeScan } from './associative-scan.ts';
export { ge, gt, le, lt } from './compare.ts';
export type { DimensionNumbers, Padding } from './conv-dimensions.ts';
export {
  type ConvOptions,
  type ConvTransposeOptions,
  conv,
  convGeneralDilated,
  convTranspose,
} from './conv-functions.ts';
export { bitcastConvertType } from './convert.ts';
export { broadcastedIota, full, iota } from './creation.ts';
export { cumlogsumexp, cummax, cummin } from './cumulative.ts';
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
export { and, not, or, populationCount, shiftLeft, shiftRightArithmetic, shiftRightLogical, xor } from './logic.ts';
export { type ReduceWindowOptions, reduceWindow, type WindowComputation } from './reduce-window.ts';
export { all, any, reduceMax, reduceMin } from './reductions.ts';
export { scatter, scatterAdd, scatterMax, scatterMin, scatterMul } from './scatter.ts';
export { argsort, sort, sortMulti } from './sort.ts';
export { stopGradient } from './stop-gradient.ts';
export { topK } from './top-k.ts';
export { atan2, digamma, erf, erfc, erfInv, exp2, lgamma, logistic } from './transcendental.ts';
