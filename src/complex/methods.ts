/** Gives complex arrays their methods: see `provideComplexMethods`. */
import type { ArrayLike, Index, NDArray } from '../array.ts';
import * as indexing from '../numpy/indexing.ts';
import * as joining from '../numpy/joining.ts';
import * as matrices from '../numpy/matrices.ts';
import * as shape from '../numpy/shape.ts';
import * as arithmetic from './arithmetic.ts';
import * as circular from './circular.ts';
import * as compare from './compare.ts';
import {
  ComplexArray,
  type ComplexDType,
  type ComplexLike,
  type ComplexPlaces,
  provideComplexMethods,
} from './complex-array.ts';
import { astype } from './creation.ts';
import * as exponential from './exponential.ts';
import * as magnitude from './magnitude.ts';
import { planesOf } from './operands.ts';
import { type OfComplex, planar } from './overload.ts';
import { powerNamed } from './power.ts';
import * as products from './products.ts';
import * as reductions from './reductions.ts';

/** A linear function as a method, of the parts. */
const linear = <F extends (x: ArrayLike, ...rest: any[]) => NDArray>(name: string, f: F): Linear<F> =>
  planar(name, f) as unknown as Linear<F>;

type Linear<F> = F extends (x: ArrayLike, ...rest: infer R) => NDArray
  ? (z: ComplexArray, ...rest: R) => ComplexArray
  : never;
type LinearOf<M, Name extends keyof M> = { [K in Name]: Linear<M[K]> };

/** The functions that the methods call. */
export type ComplexMethods = Record<'add' | 'sub' | 'mul' | 'div' | 'pow', arithmetic.ComplexBinary> &
  Record<
    'neg' | 'conj' | 'square' | 'reciprocal' | 'sign' | 'sqrt' | 'exp' | 'log' | 'sin' | 'cos' | 'tan' | 'tanh',
    OfComplex
  > &
  Record<'abs' | 'angle', (z: ComplexArray) => NDArray> &
  Record<'eq' | 'ne', compare.Comparison> &
  Pick<typeof reductions, 'sum' | 'prod' | 'mean' | 'var' | 'std' | 'cumsum' | 'cumprod'> &
  Pick<typeof products, 'dot' | 'matmul'> &
  LinearOf<
    typeof shape,
    'reshape' | 'ravel' | 'transpose' | 'matrixTranspose' | 'swapaxes' | 'squeeze' | 'expandDims'
  > &
  LinearOf<typeof indexing, 'take' | 'slice'> &
  LinearOf<typeof joining, 'repeat'> &
  LinearOf<typeof matrices, 'diagonal'> & {
    astype: (z: ComplexArray, dtype: ComplexDType) => ComplexArray;
    at: (z: ComplexArray, ...index: Index[]) => ComplexPlaces;
  };

/** Places of both parts. */
function at(z: ComplexArray, ...index: Index[]): ComplexPlaces {
  const update =
    (mode: 'set' | 'add') =>
    (values: ComplexLike): ComplexArray => {
      const [re, im] = planesOf(mode, values);
      return new ComplexArray(indexing.at(z.real, ...index)[mode](re), indexing.at(z.imag, ...index)[mode](im));
    };
  return { set: update('set'), add: update('add') };
}

const methods: ComplexMethods = {
  add: arithmetic.add,
  sub: arithmetic.subtractNamed('sub'),
  mul: arithmetic.multiplyNamed('mul'),
  div: arithmetic.divideNamed('div'),
  pow: powerNamed('pow'),
  neg: arithmetic.negativeNamed('neg'),
  conj: arithmetic.conjugate,
  square: arithmetic.square,
  reciprocal: arithmetic.reciprocal,
  abs: magnitude.absNamed('abs'),
  angle: magnitude.angle,
  sign: magnitude.sign,
  sqrt: exponential.sqrt,
  exp: exponential.exp,
  log: exponential.log,
  sin: circular.sin,
  cos: circular.cos,
  tan: circular.tan,
  tanh: circular.tanh,
  eq: compare.equalNamed('eq'),
  ne: compare.notEqualNamed('ne'),
  sum: reductions.sum,
  prod: reductions.prod,
  mean: reductions.mean,
  var: reductions.var,
  std: reductions.std,
  cumsum: reductions.cumsum,
  cumprod: reductions.cumprod,
  dot: products.dot,
  matmul: products.matmul,
  reshape: linear('reshape', shape.reshape),
  ravel: linear('ravel', shape.ravel),
  transpose: linear('transpose', shape.transpose),
  matrixTranspose: linear('matrixTranspose', shape.matrixTranspose),
  swapaxes: linear('swapaxes', shape.swapaxes),
  squeeze: linear('squeeze', shape.squeeze),
  expandDims: linear('expandDims', shape.expandDims),
  take: linear('take', indexing.take),
  repeat: linear('repeat', joining.repeat),
  diagonal: linear('diagonal', matrices.diagonal),
  slice: linear('slice', indexing.slice),
  astype,
  at,
};

provideComplexMethods(methods);
