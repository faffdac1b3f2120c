export function reductions(add, { np, linalg }, { matrix, vector, x }) {
  for (const name of [
    'mean',
    'max',
    'min',
    'prod',
    'argmin',
    'argmax',
    'var',
    'std',
    'ptp',
    'median',
    'average',
    'nansum',
    'nanmean',
    'nanmin',
    'nanmax',
    'countNonzero',
  ]) {
    add(
      name,
      () => [matrix(0, 1e-3, 1)],
      (x) => np[name](x),
    );
  }
  for (const name of ['nanstd', 'nanmedian', 'nanprod', 'nancumsum'])
    add(
      name,
      () => [vector(0, 1e-3, 1)],
      (x) => np[name](x),
    );
  for (const axis of [0, 1])
    for (const name of [
      'sum',
      'max',
      'mean',
      'var',
      'std',
      'median',
      'prod',
      'argmin',
      'argmax',
      'sort',
      'cumsum',
      'cumprod',
      'diff',
      'nanmean',
    ])
      add(
        `${name} over axis ${axis}`,
        () => [matrix(0, 1e-3, 1)],
        (x) => np[name](x, { axis }),
      );
  for (const name of ['percentile', 'quantile'])
    add(
      name,
      () => [vector(0)],
      (x) => np[name](x, name === 'percentile' ? 50 : 0.3),
    );
  add('norm', x, (x) => linalg.norm(x));
}
