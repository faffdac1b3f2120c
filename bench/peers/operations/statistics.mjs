/** Counts, correlations, differences and integrals. */
export function statistics(add, { np, array }, { integers, list, n, vector, x }) {
  add(
    'digitize',
    () => [vector(0), array(list(1, 6, 0, 20).sort(), [20])],
    (x, y) => np.digitize(x, y),
  );
  add(
    'histogram',
    () => [vector(0)],
    (x) => np.histogram(x)[0],
  );
  add(
    'bincount',
    () => [integers(0, 100)],
    (x) => np.bincount(x, { length: 100 }),
  );
  add(
    'searchsorted',
    () => [array(list(0).sort(), [n]), vector(1)],
    (x, y) => np.searchsorted(x, y),
  );
  for (const name of ['convolve', 'correlate'])
    add(
      name,
      () => [vector(0), array(list(1, 1, 0, 10), [10])],
      (x, y) => np[name](x, y),
    );
  add('cov', x, (x) => np.cov(x));
  add('corrcoef', x, (x) => np.corrcoef(x));
  add('diff', x, (x) => np.diff(x));
  add(
    'ediff1d',
    () => [vector(0, 1e-3, 1)],
    (x) => np.ediff1d(x),
  );
  for (const name of ['gradient', 'trapezoid'])
    add(
      name,
      () => [vector(0)],
      (x) => np[name](x),
    );
}
