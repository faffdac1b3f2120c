import { free } from './eager.mjs';
import { numbers } from './inputs.mjs';

/**
 * What numpy-ts's own benchmarks time, as far as we have it, on 10, 10³ and 10⁶ elements. `np` and `linalg` are a library under
 * our names; `array(numbers, shape)` and `positions(integers, shape)` make arrays of float64 and int32, `read` lists elements.
 */
export function operationCases({ np, linalg, array, positions, read }) {
  const cases = {};
  for (const [size, shape] of [
    ['10', [2, 5]],
    ['10³', [20, 50]],
    ['10⁶', [1000, 1000]],
  ]) {
    const n = shape[0] * shape[1];
    const list = (seed, scale = 6, offset = 0, count = n) =>
      Float64Array.from(numbers(count, seed, scale), (v) => v + offset);
    const matrix = (...args) => array(list(...args), shape);
    const vector = (...args) => array(list(...args), [n]);
    const integers = (seed, limit, count = n) =>
      positions(
        Array.from(numbers(count, seed), (v) => Math.floor((v + 0.5) * limit)),
        [count],
      );
    const add = (name, prepare, run) => {
      cases[`eager ${name}, ${size}`] = () => {
        const operands = prepare();
        return { run: () => free(run(...operands)), result: () => read([run(...operands)].flat()[0]) };
      };
    };
    const x = () => [matrix(0)];
    const xy = () => [matrix(0), matrix(1)];
    const root = Math.round(Math.sqrt(n));

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
    for (const name of ['isfinite', 'isinf', 'isnan', 'signbit', 'logicalNot']) add(name, x, (x) => np[name](x));
    for (const name of ['logicalAnd', 'logicalOr', 'logicalXor', 'less', 'equal'])
      add(name, xy, (x, y) => np[name](x, y));
    for (const name of ['bitwiseAnd', 'bitwiseOr', 'bitwiseXor'])
      add(
        name,
        () => [integers(0, 1000), integers(1, 1000)],
        (x, y) => np[name](x, y),
      );
    add(
      'bitwiseNot',
      () => [integers(0, 1000)],
      (x) => np.bitwiseNot(x),
    );
    add(
      'leftShift',
      () => [integers(0, 1000), integers(1, 8)],
      (x, y) => np.leftShift(x, y),
    );
    add(
      'where',
      () => [np.less(matrix(2), matrix(3)), ...xy()],
      (c, x, y) => np.where(c, x, y),
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
      'searchsorted',
      () => [array(list(0).sort(), [n]), vector(1)],
      (x, y) => np.searchsorted(x, y),
    );
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
    for (const axis of [0, 1])
      for (const name of ['sum', 'max', 'mean', 'var', 'argmax', 'sort', 'cumsum'])
        add(
          `${name} over axis ${axis}`,
          () => [matrix(0, 1e-3, 1)],
          (x) => np[name](x, { axis }),
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
    add(
      'percentile',
      () => [vector(0)],
      (x) => np.percentile(x, 50),
    );

    add('diff', x, (x) => np.diff(x));
    add(
      'gradient',
      () => [vector(0)],
      (x) => np.gradient(x),
    );
    add(
      'trapezoid',
      () => [vector(0)],
      (x) => np.trapezoid(x),
    );
    add(
      'cross',
      () => [array(list(0, 6, 0, 3 * n), [n, 3]), array(list(1, 6, 0, 3 * n), [n, 3])],
      (x, y) => np.cross(x, y),
    );
    add(
      'dot',
      () => [vector(0), vector(1)],
      (x, y) => np.dot(x, y),
    );
    add('inner', xy, (x, y) => np.inner(x, y));
    add('vecdot', xy, (x, y) => np.vecdot(x, y));
    add(
      'matrix · vector',
      () => [matrix(0), array(list(1, 1, 0, shape[1]), [shape[1]])],
      (x, y) => np.matmul(x, y),
    );
    add(
      'outer',
      () => [array(list(0, 6, 0, root), [root]), array(list(1, 6, 0, root), [root])],
      (x, y) => np.outer(x, y),
    );
    add(
      'kron',
      () => [matrix(0), array(list(1, 1, 0, 4), [2, 2])],
      (x, y) => np.kron(x, y),
    );
    add('trace', x, (x) => np.trace(x));
    add(
      'convolve',
      () => [vector(0), array(list(1, 1, 0, 10), [10])],
      (x, y) => np.convolve(x, y),
    );
    add('cov', x, (x) => np.cov(x));
    add('corrcoef', x, (x) => np.corrcoef(x));

    add('transposed copy', x, (x) => np.copy(np.transpose(x)));
    add('copy', x, (x) => np.copy(x));
    for (const name of ['concatenate', 'stack', 'vstack', 'hstack']) add(name, xy, (x, y) => np[name]([x, y]));
    add('tile', x, (x) => np.tile(x, [2, 2]));
    add('repeat', x, (x) => np.repeat(x, 2));
    add('roll', x, (x) => np.roll(x, 10));
    add('flip', x, (x) => np.flip(x));
    add('rot90', x, (x) => np.rot90(x));
    add('pad', x, (x) => np.pad(x, 2));
    add('tril', x, (x) => np.tril(x));
    add('triu', x, (x) => np.triu(x));
    add('diagonal', x, (x) => np.copy(np.diagonal(x)));
    add(
      'takeAlongAxis',
      () => [vector(0), integers(1, n)],
      (x, at) => np.takeAlongAxis(x, at, { axis: 0 }),
    );
    add('nonzero', x, (x) => np.nonzero(x));
    add(
      'unique',
      () => [np.floor(vector(0, 40))],
      (x) => np.unique(x),
    );
    add('sum of products', xy, (x, y) => np.einsum('ij,ij->', x, y));
    add(
      'polyval',
      () => [[1, 2, 3], vector(0)],
      (p, x) => np.polyval(p, x),
    );
    add(
      'zeros',
      () => [],
      () => np.zeros(shape),
    );
    add(
      'ones',
      () => [],
      () => np.ones(shape),
    );
    add(
      'full',
      () => [],
      () => np.full(shape, 7),
    );
    add(
      'arange',
      () => [],
      () => np.arange(0, n, 1),
    );
    add(
      'linspace',
      () => [],
      () => np.linspace(0, 100, n),
    );
    add(
      'eye',
      () => [],
      () => np.eye(root),
    );
    add('norm', x, (x) => linalg.norm(x));

    // What those benchmarks leave out.
    for (const name of ['nanstd', 'nanmedian', 'nanprod', 'nancumsum', 'ediff1d', 'round', 'trunc', 'unwrap'])
      add(
        name,
        () => [vector(0, 1e-3, 1)],
        (x) => np[name](x),
      );
    for (const axis of [0, 1])
      for (const name of ['std', 'median', 'prod', 'argmin', 'cumprod', 'diff', 'nanmean'])
        add(
          `${name} over axis ${axis}`,
          () => [matrix(0, 1e-3, 1)],
          (x) => np[name](x, { axis }),
        );
    for (const name of ['isclose', 'greater', 'notEqual', 'logaddexp2', 'append'])
      add(name, xy, (x, y) => np[name](x, y));
    add(
      'rightShift',
      () => [integers(0, 1000), integers(1, 8)],
      (x, y) => np.rightShift(x, y),
    );
    for (const name of ['isin', 'intersect1d', 'setdiff1d', 'union1d'])
      add(
        name,
        () => [np.floor(vector(0, 40)), array(list(1, 40, 0, 10).map(Math.floor), [10])],
        (x, y) => np[name](x, y),
      );
    for (const name of ['argwhere', 'flatnonzero'])
      add(
        name,
        () => [np.less(vector(0), 0)],
        (x) => np[name](x),
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
      'quantile',
      () => [vector(0)],
      (x) => np.quantile(x, 0.3),
    );
    add(
      'meshgrid',
      () => [array(list(0, 6, 0, root), [root]), array(list(1, 6, 0, root), [root])],
      (x, y) => np.meshgrid([x, y])[0],
    );
    for (const subscripts of ['ij->ji', 'ij->i', 'ij,ij->i']) {
      const two = subscripts.includes(',');
      add(`einsum ${subscripts}`, two ? xy : x, (...operands) => np.copy(np.einsum(subscripts, ...operands)));
    }
    add(
      'correlate',
      () => [vector(0), array(list(1, 1, 0, 10), [10])],
      (x, y) => np.correlate(x, y),
    );
    add(
      'diag',
      () => [array(list(0, 6, 0, root), [root])],
      (x) => np.diag(x),
    );
    add(
      'vander',
      () => [vector(0)],
      (x) => np.vander(x, 4),
    );
    add(
      'tri',
      () => [],
      () => np.tri(root),
    );
    add(
      'logspace',
      () => [],
      () => np.logspace(0, 2, n),
    );
  }
  return cases;
}
