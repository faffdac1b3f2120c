export function bits(add, { np }, { integers }) {
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
  for (const name of ['leftShift', 'rightShift'])
    add(
      name,
      () => [integers(0, 1000), integers(1, 8)],
      (x, y) => np[name](x, y),
    );
}
