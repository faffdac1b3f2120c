/** Exponentials, logarithms, trigonometric and hyperbolic functions. */
export function math(add, { np, array }, { list, matrix, vector, x, xy }) {
  for (const name of [
    'cos',
    'tan',
    'arctan',
    'sinh',
    'cosh',
    'tanh',
    'arcsinh',
    'exp2',
    'sinc',
    'deg2rad',
    'rad2deg',
    'expm1',
  ])
    add(name, x, (x) => np[name](x));
  for (const name of ['arcsin', 'arccos', 'arctanh'])
    add(
      name,
      () => [matrix(0, 1)],
      (x) => np[name](x),
    );
  for (const name of ['sqrt', 'log', 'log2', 'log10', 'arccosh', 'log1p'])
    add(
      name,
      () => [matrix(0, 6, 4.01)],
      (x) => np[name](x),
    );
  add('logaddexp2', xy, (x, y) => np.logaddexp2(x, y));
  add(
    'unwrap',
    () => [vector(0, 1e-3, 1)],
    (x) => np.unwrap(x),
  );
  add(
    'interp',
    () => [
      vector(0),
      array(
        list(0, 0, 0, 100).map((_, i) => (i - 50) / 20),
        [100],
      ),
      array(list(1, 1, 0, 100), [100]),
    ],
    (x, xp, fp) => np.interp(x, xp, fp),
  );
  add(
    'polyval',
    () => [[1, 2, 3], vector(0)],
    (p, x) => np.polyval(p, x),
  );
}
