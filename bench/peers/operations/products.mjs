/** Products of vectors and matrices. */
export function products(add, { np, array }, { list, matrix, n, shape, side, vector, x, xy }) {
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
    () => [side(0), side(1)],
    (x, y) => np.outer(x, y),
  );
  add(
    'kron',
    () => [matrix(0), array(list(1, 1, 0, 4), [2, 2])],
    (x, y) => np.kron(x, y),
  );
  add('trace', x, (x) => np.trace(x));
  add('sum of products', xy, (x, y) => np.einsum('ij,ij->', x, y));
  for (const subscripts of ['ij->ji', 'ij->i', 'ij,ij->i']) {
    const two = subscripts.includes(',');
    add(`einsum ${subscripts}`, two ? xy : x, (...operands) => np.copy(np.einsum(subscripts, ...operands)));
  }
}
