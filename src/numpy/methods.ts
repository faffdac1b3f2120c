/** Gives arrays their methods: see `provideMethods`. */
import { type ArrayLike, type NDArray, provideMethods } from '../array.ts';
import type { DType } from '../core/dtype.ts';
import { convert } from '../lax/convert.ts';
import { checkDType } from './array.ts';
import * as elementwise from './elementwise.ts';
import * as functions from './functions.ts';
import * as indexing from './indexing.ts';
import * as joining from './joining.ts';
import * as matrices from './matrices.ts';
import * as numeric from './numeric.ts';
import * as products from './products.ts';
import * as reductions from './reductions.ts';
import * as shape from './shape.ts';
import * as sorting from './sorting.ts';

const { negative, absolute, sign, sqrt, square, reciprocal, floor, ceil, rint } = elementwise;
const { exp, log, sin, cos, tan, tanh } = functions;

/** Operations whose method has a shorter name than NumPy's function report errors under that name. */
const methods = {
  ...reductions,
  add: elementwise.add,
  sub: elementwise.subtractNamed('sub'),
  mul: elementwise.multiplyNamed('mul'),
  div: elementwise.divideNamed('div'),
  mod: elementwise.mod,
  pow: elementwise.powerNamed('pow'),
  neg: negative,
  abs: absolute,
  round: rint,
  gt: elementwise.greaterNamed('gt'),
  ge: elementwise.greaterEqualNamed('ge'),
  lt: elementwise.lessNamed('lt'),
  le: elementwise.lessEqualNamed('le'),
  eq: elementwise.equalNamed('eq'),
  ne: elementwise.notEqualNamed('ne'),
  and: elementwise.andNamed('and'),
  or: elementwise.orNamed('or'),
  xor: elementwise.xorNamed('xor'),
  not: elementwise.notNamed('not'),
  clip: elementwise.clip,
  sign,
  sqrt,
  square,
  reciprocal,
  floor,
  ceil,
  exp,
  log,
  sin,
  cos,
  tan,
  tanh,
  cumsum: numeric.cumsum,
  cumprod: numeric.cumprod,
  dot: products.dot,
  matmul: products.matmul,
  reshape: shape.reshape,
  ravel: shape.ravel,
  transpose: shape.transpose,
  swapaxes: shape.swapaxes,
  squeeze: shape.squeeze,
  expandDims: shape.expandDims,
  astype: (x: ArrayLike, dtype: DType): NDArray => convert(x, checkDType(dtype, 'astype')!),
  take: indexing.take,
  slice: indexing.slice,
  at: indexing.at,
  repeat: joining.repeat,
  sort: sorting.sort,
  argsort: sorting.argsort,
  diagonal: matrices.diagonal,
  trace: matrices.trace,
};

export type ArrayMethods = typeof methods;

provideMethods(methods);
