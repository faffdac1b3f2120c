import { all, float64, floats, integers, one, ones, range, signed } from './operands.mjs';

/** Rows of name, operands, dtypes and what is timed. */
export const arithmetic = (np) => [
  ...['add', 'subtract', 'multiply', 'divide', 'maximum', 'minimum', 'fmax', 'fmin'].flatMap((name) => [
    [name, [name === 'add' ? ones : range, name === 'multiply' ? range : ones], all, np[name]],
    [`${name} [1]`, [name === 'add' ? ones : range, one(3)], all, np[name]],
  ]),
  ...['mod', 'floorDivide', 'remainder', 'divmod', 'fmod'].flatMap((name) => [
    [name, [range, ones], float64, np[name]],
    [`${name} [1]`, [range, one(7)], float64, np[name]],
  ]),
  ['floatPower', [ones, ones], float64, np.floatPower],
  ['floatPower a number', [ones], float64, (x) => np.floatPower(x, 2)],
  ['power [1]', [ones, one(2)], all, np.power],
  ...['gcd', 'lcm'].flatMap((name) => [
    [name, [integers(() => 1), integers(() => 1)], ['int32'], np[name]],
    [`${name} a number`, [integers(() => 1)], ['int32'], (x) => np[name](x, 6)],
  ]),
  ...['absolute', 'negative', 'positive', 'square'].map((name) => [name, [range], all, np[name]]),
  ['sign', [range], signed, np.sign],
  ['reciprocal', [ones], floats, np.reciprocal],
  ['fabs', [range], float64, np.fabs],
  ['ldexp', [ones, integers(() => 1)], float64, np.ldexp],
  ['ldexp [1]', [ones, { ...one(3), dtype: 'int32' }], float64, np.ldexp],
  ...['frexp', 'modf'].map((name) => [name, [ones], float64, np[name]]),
  ['clip', [range], all, (x) => np.clip(x, 10, 100)],
  ['nanToNum', [range], all, np.nanToNum],
  ['heaviside', [range, ones], float64, np.heaviside],
  ['heaviside [1]', [range, one(0.5)], float64, np.heaviside],
];

export const bits = (np) => [
  ...['bitwiseAnd', 'bitwiseOr', 'bitwiseXor'].map((name) => [name, [range, range], ['int32', 'uint32'], np[name]]),
  ...['bitwiseNot', 'invert'].map((name) => [name, [range], ['int32', 'uint32'], np[name]]),
  ...['leftShift', 'rightShift'].map((name) => [`${name} [1]`, [range, one(2)], ['int32', 'uint32'], np[name]]),
  ['bitwiseCount', [range], ['int32', 'uint32'], np.bitwiseCount],
];
