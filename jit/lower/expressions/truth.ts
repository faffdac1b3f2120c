import type { Tree } from './tree.ts';

/** The integer of which a bool says whether it is not 0. */
export function integerTested(tree: Tree): Tree | undefined {
  if (tree.kind !== 'op' || tree.dtype !== 'bool') return undefined;
  const [x, y] = tree.args as [Tree, Tree | undefined];
  const isTest = tree.op === 'convert' || (tree.op === 'ne' && y?.kind === 'const' && y.value === 0);
  return isTest && (x.dtype === 'int32' || x.dtype === 'uint32') ? x : undefined;
}
