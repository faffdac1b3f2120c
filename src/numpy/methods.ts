/** Gives arrays their methods: see `provideMethods`. */
import { type NDArray, provideMethods } from '../array.ts';
import * as arithmetic from '../complex/arithmetic.ts';
import * as compare from '../complex/compare.ts';
import * as complex from '../complex/creation.ts';
import { type OverloadedPair, overloaded2 as pair } from '../complex/overload.ts';
import { powerNamed } from '../complex/power.ts';
import * as complexProducts from '../complex/products.ts';
import * as averages from './averages.ts';
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

type BinaryName = 'add' | 'sub' | 'mul' | 'div' | 'mod' | 'pow' | 'gt' | 'ge' | 'lt' | 'le' | 'and' | 'or' | 'xor';
/** Those whose operand may be complex. */
type ComplexName = 'add' | 'sub' | 'mul' | 'div' | 'pow' | 'dot' | 'matmul';
type UnaryName =
  | 'neg'
  | 'abs'
  | 'sign'
  | 'sqrt'
  | 'square'
  | 'reciprocal'
  | 'exp'
  | 'log'
  | 'sin'
  | 'cos'
  | 'tan'
  | 'tanh'
  | 'floor'
  | 'ceil'
  | 'not';

/** The functions that the methods call. */
export type ArrayMethods = Record<Exclude<BinaryName, ComplexName>, elementwise.Binary> &
  Record<ComplexName, OverloadedPair<elementwise.Binary>> &
  Record<'eq' | 'ne', OverloadedPair<elementwise.Binary, NDArray>> &
  Record<UnaryName, elementwise.Unary> &
  Pick<typeof reductions, 'sum' | 'prod' | 'max' | 'min' | 'any' | 'all' | 'argmax' | 'argmin'> &
  Pick<typeof averages, 'mean' | 'var' | 'std'> &
  Pick<typeof shape, 'reshape' | 'ravel' | 'transpose' | 'swapaxes' | 'squeeze' | 'expandDims'> &
  Pick<typeof indexing, 'take' | 'slice' | 'at'> &
  Pick<typeof numeric, 'cumsum' | 'cumprod'> &
  Pick<typeof sorting, 'sort' | 'argsort'> &
  Pick<typeof elementwise, 'clip' | 'round'> &
  Pick<typeof joining, 'repeat'> &
  Pick<typeof matrices, 'diagonal'> & { astype: typeof complex.astype };

/** Operations whose method has a shorter name than NumPy's function report errors under that name. */
const methods: ArrayMethods = {
  sum: reductions.sum,
  prod: reductions.prod,
  mean: averages.mean,
  var: averages.var,
  std: averages.std,
  max: reductions.max,
  min: reductions.min,
  any: reductions.any,
  all: reductions.all,
  argmax: reductions.argmax,
  argmin: reductions.argmin,
  add: pair('add', elementwise.add, arithmetic.add),
  sub: pair('sub', elementwise.subtractNamed('sub'), arithmetic.subtractNamed('sub')),
  mul: pair('mul', elementwise.multiplyNamed('mul'), arithmetic.multiplyNamed('mul')),
  div: pair('div', elementwise.divideNamed('div'), arithmetic.divideNamed('div')),
  mod: elementwise.mod,
  pow: pair('pow', elementwise.powerNamed('pow'), powerNamed('pow')),
  neg: elementwise.negative,
  abs: elementwise.absolute,
  round: elementwise.round,
  gt: elementwise.greaterNamed('gt'),
  ge: elementwise.greaterEqualNamed('ge'),
  lt: elementwise.lessNamed('lt'),
  le: elementwise.lessEqualNamed('le'),
  eq: pair('eq', elementwise.equalNamed('eq'), compare.equalNamed('eq')),
  ne: pair('ne', elementwise.notEqualNamed('ne'), compare.notEqualNamed('ne')),
  and: elementwise.andNamed('and'),
  or: elementwise.orNamed('or'),
  xor: elementwise.xorNamed('xor'),
  not: elementwise.notNamed('not'),
  clip: elementwise.clip,
  sign: elementwise.sign,
  sqrt: elementwise.sqrt,
  square: elementwise.square,
  reciprocal: elementwise.reciprocal,
  floor: elementwise.floor,
  ceil: elementwise.ceil,
  exp: functions.exp,
  log: functions.log,
  sin: functions.sin,
  cos: functions.cos,
  tan: functions.tan,
  tanh: functions.tanh,
  cumsum: numeric.cumsum,
  cumprod: numeric.cumprod,
  dot: pair('dot', products.dot, complexProducts.dot),
  matmul: pair('matmul', products.matmul, complexProducts.matmul),
  reshape: shape.reshape,
  ravel: shape.ravel,
  transpose: shape.transpose,
  swapaxes: shape.swapaxes,
  squeeze: shape.squeeze,
  expandDims: shape.expandDims,
  astype: complex.astype,
  take: indexing.take,
  slice: indexing.slice,
  at: indexing.at,
  repeat: joining.repeat,
  sort: sorting.sort,
  argsort: sorting.argsort,
  diagonal: matrices.diagonal,
};

provideMethods(methods);
