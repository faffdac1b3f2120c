/** Comparisons, predicates, and choices by them. */
export function logic(add, { np }, { integers, matrix, vector, x, xy }) {
  for (const name of ['isfinite', 'isinf', 'isnan', 'signbit', 'logicalNot']) add(name, x, (x) => np[name](x));
  for (const name of ['logicalAnd', 'logicalOr', 'logicalXor', 'less', 'equal', 'isclose', 'greater', 'notEqual'])
    add(name, xy, (x, y) => np[name](x, y));
  add(
    'where',
    () => [np.less(matrix(2), matrix(3)), ...xy()],
    (c, x, y) => np.where(c, x, y),
  );
  add(
    'select',
    () => [np.less(matrix(2), 0), np.less(matrix(3), 0), ...xy()],
    (c, d, x, y) => np.select([c, d], [x, y]),
  );
  add(
    'choose',
    () => [integers(2, 2), vector(0), vector(1)],
    (at, x, y) => np.choose(at, [x, y]),
  );
  add(
    'all',
    () => [np.less(matrix(0), 9)],
    (x) => np.all(x),
  );
  add(
    'any',
    () => [np.less(matrix(0), -9)],
    (x) => np.any(x),
  );
}
