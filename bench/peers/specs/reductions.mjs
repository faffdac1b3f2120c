import { all, first, floats, ones, range, shuffled, shuffledVector, vector, zeros } from './operands.mjs';

export const reductions = (np) => [
  ...[
    'sum',
    'mean',
    'max',
    'min',
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
  ].map((name) => [name, [range], all, (x) => np[name](x)]),
  ...['prod', 'all'].map((name) => [name, [ones], all, (x) => np[name](x)]),
  ['any', [zeros], all, (x) => np.any(x)],
  ['cumsum', [range], all, (x) => np.cumsum(x)],
  ['cumprod', [ones], all, (x) => np.cumprod(x)],
  ...['percentile', 'nanpercentile'].map((name) => [name, [range], all, (x) => np[name](x, 50)]),
  ...['quantile', 'nanquantile'].map((name) => [name, [range], all, (x) => np[name](x, 0.5)]),
  ...['sum', 'mean', 'max', 'min', 'argmax', 'argmin', 'var', 'std', 'prod', 'median'].map((name) => [
    `${name} over axis 0`,
    [range],
    all,
    (x) => np[name](x, { axis: 0 }),
  ]),
];

export const sorting = (np) => [
  ['sort', [shuffled], all, (x) => np.sort(x)],
  ['sort of sorted', [range], all, (x) => np.sort(x)],
  ['argsort', [shuffled], all, (x) => np.argsort(x)],
  ...['partition', 'argpartition'].map((name) => [
    name,
    [shuffled],
    all,
    (x) => np[name](x, Math.floor(x.shape[1] / 2)),
  ]),
  ['lexsort', [shuffledVector, shuffledVector], all, (x, y) => np.lexsort([x, y])],
  ['searchsorted', [vector, first(100)], all, np.searchsorted],
];

export const statistics = (np, { n }) => [
  ['bincount', [vector], ['int32', 'uint32'], (x) => np.bincount(x, { length: n })],
  ['digitize', [vector, first(100)], floats, np.digitize],
  ['histogram', [vector], floats, (x) => np.histogram(x)],
  ['histogram2d', [vector, vector], floats, (x, y) => np.histogram2d(x, y)],
  ['histogramBinEdges', [vector], floats, (x) => np.histogramBinEdges(x)],
  ...['correlate', 'convolve'].map((name) => [
    name,
    [vector, first(100, () => 1)],
    floats,
    (x, y) => np[name](x, y, { mode: 'full' }),
  ]),
  ...['cov', 'corrcoef'].map((name) => [name, [range], floats, (x) => np[name](x)]),
  ['trapezoid', [vector], floats, (x) => np.trapezoid(x)],
];

export const sets = (np) =>
  ['trimZeros', 'uniqueValues', 'uniqueCounts'].map((name) => [name, [vector], all, (x) => np[name](x)]);
