export function arithmetic(add, { np }, { matrix, vector, x, xy }) {
  add('subtract', xy, (x, y) => np.subtract(x, y));
  add('divide', xy, (x, y) => np.divide(x, y));
  add('add a number', x, (x) => np.add(x, 3));
  add('mod', xy, (x, y) => np.mod(x, y));
  add('mod a number', x, (x) => np.mod(x, 7));
  add('floorDivide', xy, (x, y) => np.floorDivide(x, y));
  add('fmod', xy, (x, y) => np.fmod(x, y));
  add('divmod', xy, (x, y) => np.divmod(x, y));
  add(
    'floatPower',
    () => [matrix(0, 6, 4), matrix(1)],
    (x, y) => np.floatPower(x, y),
  );
  add('power 2', x, (x) => np.power(x, 2));
  for (const name of ['absolute', 'negative', 'sign', 'square', 'reciprocal', 'cbrt', 'fabs'])
    add(name, x, (x) => np[name](x));
  for (const name of ['heaviside', 'maximum', 'minimum', 'fmax', 'fmin', 'hypot', 'arctan2', 'logaddexp', 'copysign'])
    add(name, xy, (x, y) => np[name](x, y));
  add('clip', x, (x) => np.clip(x, -1, 1));
  add('nanToNum', x, (x) => np.nanToNum(x));
  for (const name of ['round', 'trunc'])
    add(
      name,
      () => [vector(0, 1e-3, 1)],
      (x) => np[name](x),
    );
}
