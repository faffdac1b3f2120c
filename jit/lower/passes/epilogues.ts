import { byteSize } from '../../../src/core/dtype.ts';
import type { Atom, Eqn } from '../../../src/core/jaxpr.ts';
import { sameShape, sizeOf } from '../../../src/core/shape.ts';
import type { LowerRule } from '../../lower-rule.ts';
import { Group, type Step, squeezed } from './groups.ts';
import type { Placement } from './virtual.ts';

/** The kernel that a product ends in. */
export interface Epilogue {
  readonly group: Group;
  /** How many leading axes of the group are rows of the product, or products of a batch. */
  readonly rowAxes: number;
  /** Whether it has the product's elements in registers. Else it goes over some rows as soon as they have been multiplied. */
  readonly inRegisters: boolean;
  /** Whether blocks of rows end where steps of the kernel do. */
  readonly isEven: boolean;
  /** How many leading axes of the group are those of a batch, if they are no part of others: each product then has a share of the kernel. */
  readonly batchAxes: number;
}

/** What a product takes or gives beyond this leaves the second-level cache: it is dealt with some rows at a time. */
let largestWhole = 2 ** 20;
export const leavesCache = (bytes: number): boolean => bytes >= largestWhole;

/** Has smaller products dealt with like that too: for tests. */
export const blocksFrom = (bytes: number = 2 ** 20): void => {
  largestWhole = bytes;
};

/** In deeper products what is computed from the result is nothing beside them. */
const deepest = 512;
/** A block of rows stays in the second-level cache, and has enough of them to share a pass over the other matrix. */
const blockBytes = 131072;
export const fewestRows = 48;
const mostRows = 120;

/** Bytes of both operands up to which products have code of their own. */
export const largestOperands: number = 2 ** 17;
/** What is computed for each vector of a tile is written out so many times that it must be short. */
const mostNodes = 12;
/** Larger results of products with columns of this length have code of their own all the same. */
const shallow = { length: 256, result: 2 ** 16 };

/** Rows of a product that are computed before something else is done with them. */
export const rowsAtOnce = (m: number, rowBytes: number): number =>
  Math.min(m, Math.max(fewestRows, Math.min(mostRows, Math.floor(blockBytes / rowBytes))));

/**
 * Products whose result one kernel alone reads, at the element where it is: that kernel can be the end of the product's,
 * which has the result in registers, or go over some rows after the other while the cache has them. One product for each
 * kernel.
 */
export function findEpilogues(
  products: Iterable<Eqn>,
  steps: readonly Step[],
  outs: readonly Atom[],
  { moved }: Placement,
): Map<Eqn, Epilogue> {
  const candidates = new Map<Atom, Eqn>([...products].map((eqn) => [eqn.outputs[0]!, eqn]));
  const found = new Map<Eqn, Epilogue>();
  if (candidates.size === 0) return found;
  const readers = new Map<Eqn, Group>();
  const behindViews = new Map<Atom, Atom>();
  const refused = new Set<Eqn>();
  const refuse = (atom: Atom): void => {
    const product = candidates.get(atom);
    if (product) refused.add(product);
  };
  outs.forEach(refuse);
  const results = new Set(outs);
  for (const step of steps) {
    for (const eqn of step instanceof Group ? step.members : [step])
      if (isView(eqn)) behindViews.set(eqn.outputs[0]!, behindViews.get(eqn.inputs[0]!) ?? eqn.inputs[0]!);
    if (!(step instanceof Group)) {
      const product = candidates.get(step.inputs[0]!);
      // The same elements in the same order.
      const isSame = step.primitive.lower.kind === 'reshape' && !results.has(step.outputs[0]!);
      if (product && isSame) candidates.set(step.outputs[0]!, product);
      else step.inputs.forEach(refuse);
      continue;
    }
    for (const eqn of step.members)
      for (const atom of eqn.inputs) {
        const product = candidates.get(atom);
        if (!product || refused.has(product)) continue;
        const reader = readers.get(product);
        const { kind } = eqn.primitive.lower;
        const reads = (kind === 'elementwise' || kind === 'reduce') && !moved.has(eqn);
        const along = sameShape(squeezed(atom.aval.shape), step.shape);
        if (!reads || !along || step.loops || (reader && reader !== step)) refuse(atom);
        else readers.set(product, step);
      }
  }
  const taken = new Set<Group>();
  for (const eqn of new Set(candidates.values())) {
    const group = readers.get(eqn);
    if (!group || refused.has(eqn) || taken.has(group)) continue;
    const epilogue = epilogueOf(eqn, group, () => bytesBeside(eqn.outputs[0]!, group, behindViews));
    if (!epilogue) continue;
    taken.add(epilogue.group);
    found.set(eqn, epilogue);
  }
  return found;
}

const isView = ({ primitive: { lower } }: Eqn): boolean => lower.kind === 'view' || lower.kind === 'reshape';

/** Bytes of the arrays that a kernel reads beside the product. */
function bytesBeside(product: Atom, { members }: Group, behindViews: ReadonlyMap<Atom, Atom>): number {
  const own = new Set<Atom>([product, ...members.flatMap((eqn) => eqn.outputs)]);
  const read = new Set(members.flatMap((eqn) => eqn.inputs.map((atom) => behindViews.get(atom) ?? atom)));
  let bytes = 0;
  for (const atom of read) if (!own.has(atom)) bytes += atom.aval.size * byteSize(atom.aval.dtype);
  return bytes;
}

/**
 * How a kernel becomes the end of a product, if that is worth it. Tiles go down the result panel by panel: an array that is
 * read beside it and does not stay in the second-level cache is better read by rows, of which the processor fetches the next.
 */
function epilogueOf(eqn: Eqn, group: Group, beside: () => number): Epilogue | undefined {
  const { folded, shape } = group;
  if (shape.length === 1)
    return folded ? undefined : { group, rowAxes: 0, inRegisters: true, isEven: false, batchAxes: 0 };
  const { dtype, size } = eqn.outputs[0]!.aval;
  const { n, m, k } = extents(eqn);
  if (k === 0) return undefined;
  const bytes = byteSize(dtype);
  let rowAxes = 0;
  for (let rows = 1; rows * n < size; rowAxes++) rows *= shape[rowAxes]!;
  const wholeRows = sizeOf(shape.slice(rowAxes)) === n && n > 1 && !folded?.slice(0, rowAxes).some(Boolean);
  if (!wholeRows) return undefined;
  const single = size === m * n;
  const isSmall = (m * k + k * n) * bytes <= largestOperands;
  const isShallow = k <= shallow.length && size * bytes >= shallow.result && m >= fewestRows;
  const batchAxes = single ? 0 : axesOfSize(shape, size / (m * n));
  const isEven =
    single ||
    batchAxes > 0 ||
    (m % 4 === 0 && stepsOfRows(shape.slice(0, rowAxes)).every((rows) => isMultiple(rows, m)));
  const inBlocks = leavesCache(size * bytes) && k <= deepest && m >= 16 && isEven;
  const byTiles = !folded && m > 1 && group.nodes <= mostNodes && (isSmall || isShallow);
  const inRegisters = byTiles && !(inBlocks && leavesCache(beside()));
  return inRegisters || inBlocks ? { group, rowAxes, inRegisters, isEven, batchAxes } : undefined;
}

/** How many leading axes have so many elements; 0 if none have. */
function axesOfSize(shape: readonly number[], size: number): number {
  let [axes, elements] = [0, 1];
  while (elements < size) elements *= shape[axes++]!;
  return elements === size ? axes : 0;
}

/**
 * How many rows a step of a kernel's outermost axis may take, whichever of these axes are merged into it. Blocks of rows begin
 * with each product of a batch: either a step ends there too, or it takes several products.
 */
const stepsOfRows = (axes: readonly number[]): number[] => axes.map((_, axis) => sizeOf(axes.slice(axis + 1)));

const isMultiple = (a: number, b: number): boolean => a % b === 0 || b % a === 0;

/** Rows and columns of a product of matrices, of each of a batch, and how many products it sums up for an element. */
export function extents(eqn: Eqn): { readonly m: number; readonly n: number; readonly k: number } {
  const rule = eqn.primitive.lower as Extract<LowerRule<unknown>, { kind: 'dot' }>;
  const [lhs, rhs] = eqn.inputs as [Atom, Atom];
  const { lhsBatch, lhsContract, rhsBatch, rhsContract } = rule.dimensions(eqn.params);
  const free = ({ aval: { shape } }: Atom, ...taken: (readonly number[])[]): number =>
    sizeOf(shape.filter((_, axis) => !taken.some((axes) => axes.includes(axis))));
  const k = sizeOf(lhsContract.map((axis) => lhs.aval.shape[axis]!));
  return { m: free(lhs, lhsBatch, lhsContract), n: free(rhs, rhsBatch, rhsContract), k };
}
