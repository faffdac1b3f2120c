/** Gives arrays their methods: see `provideMethods`. */
import { provideMethods } from '../array.ts';
import { astype } from './array.ts';
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

type BinaryName =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'mod'
  | 'pow'
  | 'gt'
  | 'ge'
  | 'lt'
  | 'le'
  | 'eq'
  | 'ne'
  | 'and'
  | 'or'
  | 'xor';
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
export type ArrayMethods = Record<BinaryName, elementwise.Binary> &
  Record<UnaryName, elementwise.Unary> &
  Pick<typeof reductions, 'sum' | 'prod' | 'max' | 'min' | 'any' | 'all' | 'argmax' | 'argmin'> &
  Pick<typeof averages, 'mean' | 'var' | 'std'> &
  Pick<typeof shape, 'reshape' | 'ravel' | 'transpose' | 'swapaxes' | 'squeeze' | 'expandDims'> &
  Pick<typeof indexing, 'take' | 'slice' | 'at'> &
  Pick<typeof numeric, 'cumsum' | 'cumprod'> &
  Pick<typeof products, 'dot' | 'matmul'> &
  Pick<typeof sorting, 'sort' | 'argsort'> &
  Pick<typeof elementwise, 'clip' | 'round'> &
  Pick<typeof joining, 'repeat'> &
  Pick<typeof matrices, 'diagonal'> & { astype: typeof astype };

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
  add: elementwise.add,
  sub: elementwise.subtractNamed('sub'),
  mul: elementwise.multiplyNamed('mul'),
  div: elementwise.divideNamed('div'),
  mod: elementwise.mod,
  pow: elementwise.powerNamed('pow'),
  neg: elementwise.negative,
  abs: elementwise.absolute,
  round: elementwise.round,
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
  dot: products.dot,
  matmul: products.matmul,
  reshape: shape.reshape,
  ravel: shape.ravel,
  transpose: shape.transpose,
  swapaxes: shape.swapaxes,
  squeeze: shape.squeeze,
  expandDims: shape.expandDims,
  astype,
  take: indexing.take,
  slice: indexing.slice,
  at: indexing.at,
  repeat: joining.repeat,
  sort: sorting.sort,
  argsort: sorting.argsort,
  diagonal: matrices.diagonal,
};

provideMethods(methods);
