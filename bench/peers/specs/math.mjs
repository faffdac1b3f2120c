import { all, each, first, float64, floats, integers, one, ones, range, vector, zeros } from './operands.mjs';

/** Rows of name, operands, dtypes and what is timed: functions of one element, and those of two. */
export const math = (np) => [
  ...['sqrt', 'exp', 'exp2', 'log', 'log2', 'log10'].map((name) => [name, [ones], all, np[name]]),
  ['cbrt', [ones], float64, np.cbrt],
  ['logaddexp', [range, range], floats, np.logaddexp],
  // Beyond 700 the function is infinite.
  ['i0', [each((i) => i % 700)], all, np.i0],
  ['interp', [vector, first(100), first(100)], float64, np.interp],
  ...['sin', 'cos', 'tan', 'arctan', 'tanh', 'arcsinh', 'sinc'].map((name) => [name, [range], all, np[name]]),
  ...['sinh', 'cosh', 'arccosh'].map((name) => [name, [ones], all, np[name]]),
  ...['arcsin', 'arccos', 'arctanh'].map((name) => [name, [range], all, np[name]]),
  ...['arctan2', 'hypot'].map((name) => [name, [ones, ones], all, np[name]]),
  ...['deg2rad', 'rad2deg', 'unwrap'].map((name) => [name, [vector], all, np[name]]),
];

export const logic = (np) => [
  ['where', [integers(() => 1), range, zeros], all, np.where],
  ...['logicalAnd', 'logicalOr', 'logicalXor'].flatMap((name) => [
    [name, [range, ones], all, np[name]],
    [`${name} [1]`, [range, one(1)], all, np[name]],
  ]),
  ...['logicalNot', 'isfinite', 'isnan', 'isneginf', 'isposinf', 'isreal'].map((name) => [
    name,
    [range],
    all,
    np[name],
  ]),
  ['signbit', [range], floats, np.signbit],
  ['copysign [1]', [range, one(-1)], floats, np.copysign],
];

export const gradients = (np) => [
  ['diff', [range], all, (x) => np.diff(x)],
  ['gradient', [vector], all, (x) => np.gradient(x)],
];
