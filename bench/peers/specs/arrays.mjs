import { all, each, firstRow, float64, floats, integers, ones, range, vector } from './operands.mjs';

export const creation = (np, { n, root, shape }) => [
  ...['zeros', 'ones', 'empty'].map((name) => [name, [], float64, () => np[name](shape)]),
  ['full', [], float64, () => np.full(shape, 7)],
  ['arange', [], float64, () => np.arange(0, n, 1)],
  ['linspace', [], float64, () => np.linspace(0, 100, n)],
  ['logspace', [], float64, () => np.logspace(0, 3, n)],
  ['geomspace', [], float64, () => np.geomspace(1, 1000, n)],
  ...['eye', 'identity'].map((name) => [name, [], float64, () => np[name](root)]),
  ['tri', [], float64, () => np.tri(...shape)],
  ...['copy', 'zerosLike', 'onesLike'].map((name) => [name, [ones], all, np[name]]),
  ['fullLike', [ones], all, (x) => np.fullLike(x, 7)],
  ['asarrayChkfinite', [ones], floats, np.asarrayChkfinite],
  ['require', [range], all, (x) => np.require(x)],
  [
    'diag',
    [
      each(
        (i) => i,
        () => [root],
      ),
    ],
    all,
    np.diag,
  ],
  ...['tril', 'triu'].map((name) => [name, [range], all, np[name]]),
];

const turned = ([m, n]) => [n, m];

export const manipulation = (np, { shape }) => [
  ['reshape', [range], all, (x) => np.reshape(x, turned(shape))],
  ...['flatten', 'ravel', 'squeeze', 'transpose', 'diagonal'].map((name) => [name, [range], all, np[name]]),
  ['swapaxes', [range], all, (x) => np.swapaxes(x, 0, 1)],
  ...['concatenate', 'stack', 'concat'].map((name) => [
    name,
    [range, range],
    all,
    (x, y) => np[name]([x, y], { axis: 0 }),
  ]),
  ...['vstack', 'hstack', 'block'].map((name) => [name, [range, range], all, (x, y) => np[name]([x, y])]),
  ['tile', [range], all, (x) => np.tile(x, [2, 2])],
  ['repeat', [range], all, (x) => np.repeat(x, 2)],
  ['broadcastTo', [firstRow], all, (x) => np.broadcastTo(x, shape)],
  ['take', [range], all, (x) => np.take(x, hundred(shape))],
  ['unstack', [range], all, (x) => np.unstack(x)],
  ['slice', [range], all, (x) => np.slice(x)],
  ['item', [range], all, (x) => np.item(x)],
  ['tolist', [range], all, (x) => np.tolist(x)],
  ...['flip', 'rot90'].map((name) => [name, [range], all, (x) => np[name](x)]),
  ['roll', [range], all, (x) => np.roll(x, 10)],
  ['pad', [range], all, (x) => np.pad(x, 2)],
];

const kept = new Map();
/** A hundred positions, as a list of numbers. */
function hundred(shape) {
  const n = shape[0] * shape[1];
  if (!kept.has(n))
    kept.set(
      n,
      Array.from({ length: 100 }, (_, i) => i % n),
    );
  return kept.get(n);
}

export const indexing = (np, { n, root, shape }) => [
  ['takeAlongAxis', [range, integers(() => 0)], all, (x, at) => np.takeAlongAxis(x, at, { axis: 0 })],
  [
    'compress',
    [
      integers(
        () => 1,
        ([rows]) => [rows],
      ),
      range,
    ],
    all,
    (kept, x) => np.compress(kept, x, { axis: 0 }),
  ],
  ['extract', [integers(() => 1), range], all, np.extract],
  ...['diagIndices', 'trilIndices', 'triuIndices'].map((name) => [name, [], float64, () => np[name](root)]),
  ['indices', [], float64, () => np.indices(shape)],
  [
    'ravelMultiIndex',
    [
      integers(
        () => 0,
        () => [n],
      ),
      integers(
        () => 0,
        () => [n],
      ),
    ],
    float64,
    (x, y) => np.ravelMultiIndex([x, y], [1000, 1000]),
  ],
  ['unravelIndex', [vector], ['int32', 'uint32'], (x) => np.unravelIndex(x, [1000, 1000])],
  ...['nonzero', 'argwhere', 'flatnonzero'].map((name) => [name, [range], all, np[name]]),
];
