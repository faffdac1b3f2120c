import { NDArray } from '../array.ts';
import { flatten, unflatten } from '../tree.ts';

/** The arrays in a tree, and the tree again with others in their places. What is no array stays as it is. */
export function takeApart(tree: unknown): {
  arrays: NDArray[];
  rebuild: (values: readonly NDArray[]) => unknown;
} {
  const arrays: NDArray[] = [];
  const visit = (node: unknown): ((values: readonly NDArray[]) => unknown) => {
    if (node instanceof NDArray) {
      const i = arrays.push(node) - 1;
      return (values) => values[i];
    }
    if (Array.isArray(node)) {
      const children = node.map(visit);
      return (values) => children.map((child) => child(values));
    }
    if (node === null || typeof node !== 'object') return () => node;
    const prototype = Object.getPrototypeOf(node);
    if (prototype === Object.prototype || prototype === null) {
      const entries = Object.entries(node).map(([key, child]) => [key, visit(child)] as const);
      return (values) => Object.fromEntries(entries.map(([key, child]) => [key, child(values)]));
    }
    const flat = registered(node);
    if (!flat) return () => node;
    const leaves = flat.leaves.map(visit);
    return (values) =>
      unflatten(
        flat.def,
        leaves.map((leaf) => leaf(values)),
      );
  };
  const rebuild = visit(tree);
  return { arrays, rebuild };
}

/** Leaves of an instance of a registered class; undefined for any other object, which is passed on whole. */
function registered(node: object): ReturnType<typeof flatten> | undefined {
  try {
    return flatten(node);
  } catch {
    return undefined;
  }
}
