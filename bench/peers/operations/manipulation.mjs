export function manipulation(add, { np }, { x, xy }) {
  add('transposed copy', x, (x) => np.copy(np.transpose(x)));
  add('copy', x, (x) => np.copy(x));
  for (const name of ['concatenate', 'stack', 'vstack', 'hstack']) add(name, xy, (x, y) => np[name]([x, y]));
  add('append', xy, (x, y) => np.append(x, y));
  add('tile', x, (x) => np.tile(x, [2, 2]));
  add('repeat', x, (x) => np.repeat(x, 2));
  add('roll', x, (x) => np.roll(x, 10));
  add('flip', x, (x) => np.flip(x));
  add('rot90', x, (x) => np.rot90(x));
  add('pad', x, (x) => np.pad(x, 2));
  add('tril', x, (x) => np.tril(x));
  add('triu', x, (x) => np.triu(x));
  add('diagonal', x, (x) => np.copy(np.diagonal(x)));
}
