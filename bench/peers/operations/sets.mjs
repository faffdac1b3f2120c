export function sets(add, { np, array }, { list, vector }) {
  add(
    'unique',
    () => [np.floor(vector(0, 40))],
    (x) => np.unique(x),
  );
  for (const name of ['isin', 'intersect1d', 'setdiff1d', 'union1d'])
    add(
      name,
      () => [np.floor(vector(0, 40)), array(list(1, 40, 0, 10).map(Math.floor), [10])],
      (x, y) => np[name](x, y),
    );
}
