import { some, type Tree, treeSize } from '../expressions/tree.ts';

/** Nodes up to which what is computed takes less time than going on to the next elements. */
const shortest = 9;

/**
 * How many vectors of four elements one turn of a loop over arrays computes: a line of the cache, if that is little work. Of
 * float64, which are two vectors anyway, more take no less time.
 */
export const vectorsAtOnce = (root: Tree): number =>
  treeSize(root) > shortest || some(root, ({ dtype }) => dtype === 'float64') ? 1 : 4;
