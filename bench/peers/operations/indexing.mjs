export function indexing(add, { np }, { integers, n, vector, x }) {
  add(
    'takeAlongAxis',
    () => [vector(0), integers(1, n)],
    (x, at) => np.takeAlongAxis(x, at, { axis: 0 }),
  );
  add('nonzero', x, (x) => np.nonzero(x));
  for (const name of ['argwhere', 'flatnonzero'])
    add(
      name,
      () => [np.less(vector(0), 0)],
      (x) => np[name](x),
    );
}
