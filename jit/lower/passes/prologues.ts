import { byteSize, isFloating } from '../../../src/core/dtype.ts';
import type { Eqn, Var } from '../../../src/core/jaxpr.ts';
import { panelWidth } from '../../runtime/pack.ts';
import { extents, fewestRows, largestOperands, leavesCache } from './epilogues.ts';
import { Group, type Step } from './groups.ts';

/** Products of matrices that compute operands. */
export interface Prologues {
  /** Rows of the first operand are computed when they are multiplied, and go into the product out of the cache. */
  readonly first: ReadonlySet<Eqn>;
  /** Elements of the second one are computed where they are packed for the product. */
  readonly second: ReadonlySet<Eqn>;
}

export const noPrologues: Prologues = { first: new Set(), second: new Set() };

/** Finds products whose operand is elementwise in something, or a view of what is. */
export function findPrologues(products: readonly Eqn[], steps: readonly Step[]): Prologues {
  const [first, second] = [products.filter(hasLargeFirst), products.filter(packsSecond)];
  if (first.length + second.length === 0) return noPrologues;
  const makers = new Map<unknown, Eqn>();
  const inGroups = new Set<Eqn>();
  for (const step of steps)
    for (const eqn of step instanceof Group ? step.members : [step]) {
      for (const v of eqn.outputs) makers.set(v, eqn);
      if (step instanceof Group) inGroups.add(eqn);
    }
  const isComputed = (x: unknown): boolean => {
    let maker = makers.get(x);
    while (maker && isView(maker)) maker = makers.get(maker.inputs[0]);
    return maker !== undefined && inGroups.has(maker) && maker.primitive.lower.kind === 'elementwise';
  };
  return {
    first: new Set(first.filter(({ inputs: [x] }) => isComputed(x))),
    second: new Set(second.filter(({ inputs: [, y] }) => isComputed(y))),
  };
}

const isView = ({ primitive: { lower } }: Eqn): boolean => lower.kind === 'view' || lower.kind === 'reshape';

/** In wider products what is computed of the operand is nothing beside them. */
const widest = 1024;

function hasLargeFirst(eqn: Eqn): boolean {
  const { dtype, size } = (eqn.outputs[0] as Var).aval;
  if (!isFloating(dtype)) return false;
  const { m, n, k } = extents(eqn);
  // Blocks of rows begin with each product of a batch, and tiles of four rows with them.
  if (size !== m * n && m % 4 !== 0) return false;
  return n > 1 && n <= widest && k > 1 && m >= fewestRows && leavesCache(eqn.inputs[0]!.aval.size * byteSize(dtype));
}

/** Products with code of their own, up to twice as many bytes of operands, read the second one in place. */
const wholeSecond = largestOperands / 2;
let leastSecond = wholeSecond;

/** Has smaller second operands computed in panels too: for tests. */
export const panelsFrom = (bytes: number = wholeSecond): void => {
  leastSecond = bytes;
};

/** Whether a product packs its second operand: whole panels of it at least. */
function packsSecond(eqn: Eqn): boolean {
  const { dtype, size } = (eqn.outputs[0] as Var).aval;
  if (!isFloating(dtype)) return false;
  const { m, n, k } = extents(eqn);
  if (size !== m * n || m === 1 || k === 1) return false;
  const bytes = byteSize(dtype);
  return n * bytes >= 2 * panelWidth && k * n * bytes >= leastSecond && (m + n) * k * bytes > 2 * leastSecond;
}
