export function creation(add, { np }, { n, root, shape, side, vector }) {
  const none = () => [];
  add('zeros', none, () => np.zeros(shape));
  add('ones', none, () => np.ones(shape));
  add('full', none, () => np.full(shape, 7));
  add('arange', none, () => np.arange(0, n, 1));
  add('linspace', none, () => np.linspace(0, 100, n));
  add('logspace', none, () => np.logspace(0, 2, n));
  add('eye', none, () => np.eye(root));
  add('tri', none, () => np.tri(root));
  add(
    'diag',
    () => [side(0)],
    (x) => np.diag(x),
  );
  add(
    'vander',
    () => [vector(0)],
    (x) => np.vander(x, 4),
  );
  add(
    'meshgrid',
    () => [side(0), side(1)],
    (x, y) => np.meshgrid([x, y])[0],
  );
}
