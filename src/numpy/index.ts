/** NumPy's functions on arrays of this library. Python's keyword arguments are one object of options, last. */
import './methods.ts';

/** NumPy's place for what `linalg` has. */
export * as linalg from '../linalg/index.ts';
export { i0 } from '../special/functions.ts';
export { array, asarray, astype, copy } from './array.ts';
export { average, mean, std, var } from './averages.ts';
export * from './constants.ts';
export {
  arange,
  empty,
  emptyLike,
  eye,
  full,
  fullLike,
  geomspace,
  identity,
  linspace,
  logspace,
  meshgrid,
  ones,
  onesLike,
  tri,
  zeros,
  zerosLike,
} from './creation.ts';
export { delete, fillDiagonal, insert, putAlongAxis } from './editing.ts';
export { einsum } from './einsum.ts';
export {
  abs,
  absolute,
  add,
  bitwiseAnd,
  bitwiseCount,
  bitwiseNot,
  bitwiseOr,
  bitwiseXor,
  cbrt,
  ceil,
  clip,
  divide,
  divmod,
  equal,
  fabs,
  fix,
  floatPower,
  floor,
  floorDivide,
  fmax,
  fmin,
  fmod,
  greater,
  greaterEqual,
  invert,
  leftShift,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  maximum,
  minimum,
  mod,
  multiply,
  negative,
  notEqual,
  positive,
  power,
  reciprocal,
  remainder,
  rightShift,
  rint,
  round,
  sign,
  sqrt,
  square,
  subtract,
  trueDivide,
  trunc,
  where,
} from './elementwise.ts';
export { applyAlongAxis, piecewise } from './functional.ts';
export * from './functions.ts';
export { diagIndices, indices, ix, ravelMultiIndex, unravelIndex } from './grid.ts';
export {
  argwhere,
  choose,
  flatnonzero,
  nonzero,
  select,
  take,
  takeAlongAxis,
  unique,
} from './indexing.ts';
export {
  append,
  arraySplit,
  block,
  blockDiag,
  columnStack,
  concat,
  concatenate,
  dstack,
  hsplit,
  hstack,
  pad,
  repeat,
  roll,
  split,
  stack,
  tile,
  vsplit,
  vstack,
} from './joining.ts';
export { diag, diagflat, diagonal, trace, tril, trilIndices, triu, triuIndices, vander } from './matrices.ts';
export {
  nanargmax,
  nanargmin,
  nanmax,
  nanmean,
  nanmin,
  nanprod,
  nanstd,
  nansum,
  nanvar,
} from './nan-reductions.ts';
export {
  convolve,
  corrcoef,
  correlate,
  cov,
  cumprod,
  cumsum,
  diff,
  ediff1d,
  gradient,
  interp,
  nancumprod,
  nancumsum,
  trapezoid,
  unwrap,
} from './numeric.ts';
export { polyadd, polyder, polyfit, polyint, polymul, polyval } from './polynomial.ts';
export { cross, dot, inner, kron, matmul, outer, tensordot, vdot, vecdot } from './products.ts';
export { median, nanmedian, nanpercentile, nanquantile, percentile, quantile } from './quantiles.ts';
export {
  all,
  amax,
  amin,
  any,
  argmax,
  argmin,
  countNonzero,
  max,
  min,
  prod,
  ptp,
  sum,
} from './reductions.ts';
export { bincount, digitize, histogram, histogram2d, histogramdd, searchsorted } from './search.ts';
export { intersect1d, isin, setdiff1d, union1d } from './sets.ts';
export {
  atleast1d,
  atleast2d,
  atleast3d,
  broadcastArrays,
  broadcastTo,
  expandDims,
  flip,
  fliplr,
  flipud,
  matrixTranspose,
  moveaxis,
  ndim,
  permuteDims,
  ravel,
  reshape,
  rot90,
  shape,
  size,
  squeeze,
  swapaxes,
  transpose,
} from './shape.ts';
export { argpartition, argsort, lexsort, partition, sort } from './sorting.ts';
export { allclose, arrayEqual, finfo, iinfo, isclose, resultType } from './testing.ts';
export { vectorize } from './vectorize.ts';
