import { byteSize, isFloating } from '../../../src/core/dtype.ts';
import type { Eqn, Var } from '../../../src/core/jaxpr.ts';
import { extents, fewestRows, leavesCache } from './epilogues.ts';
import { Group, type Step } from './groups.ts';

/**
 * Products of matrices whose first operand is elementwise in something, or a view of what is: rows of it can be computed
 * when they are multiplied, and go into the product out of the cache.
 */
export function findPrologues(products: readonly Eqn[], steps: readonly Step[]): Set<Eqn> {
  const candidates = products.filter(isLarge);
  if (candidates.length === 0) return new Set();
  const makers = new Map<unknown, Eqn>();
  const inGroups = new Set<Eqn>();
  for (const step of steps)
    for (const eqn of step instanceof Group ? step.members : [step]) {
      for (const v of eqn.outputs) makers.set(v, eqn);
      if (step instanceof Group) inGroups.add(eqn);
    }
  return new Set(
    candidates.filter(({ inputs: [x] }) => {
      let maker = makers.get(x);
      while (maker && isView(maker)) maker = makers.get(maker.inputs[0]);
      return maker !== undefined && inGroups.has(maker) && maker.primitive.lower.kind === 'elementwise';
    }),
  );
}

const isView = ({ primitive: { lower } }: Eqn): boolean => lower.kind === 'view' || lower.kind === 'reshape';

/** In wider products what is computed of the operand is nothing beside them. */
const widest = 1024;

function isLarge(eqn: Eqn): boolean {
  const { dtype, size } = (eqn.outputs[0] as Var).aval;
  if (!isFloating(dtype)) return false;
  const { m, n, k } = extents(eqn);
  // Blocks of rows begin with each product of a batch, and tiles of four rows with them.
  if (size !== m * n && m % 4 !== 0) return false;
  return n > 1 && n <= widest && k > 1 && m >= fewestRows && leavesCache(eqn.inputs[0]!.aval.size * byteSize(dtype));
}
