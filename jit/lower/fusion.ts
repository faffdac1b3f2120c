import { type Atom, type Eqn, Var } from '../../src/core/jaxpr.ts';

/**
 * Which values are computed where they are read, and which are stored. A value stays virtual if everything that reads it
 * ends in one kernel, so that it is computed once: the use in another kernel would compute it again, and a copy that
 * differs in its last bit from the first is worse than slow where exp(x − max x) meets max x.
 *
 * Kernels are known by their roots: a stored elementwise value, or a fold. Equations are visited last to first, so that
 * the kernels of all readers of a value are known when the value is met.
 */
export function virtualValues(eqns: readonly Eqn[], outs: readonly Atom[]): Set<Var> {
  const virtual = new Set<Var>();
  const stored = new Set<Atom>(outs);
  const readers = new Map<Var, Eqn[]>();
  for (const eqn of eqns)
    for (const atom of eqn.inputs) {
      if (!(atom instanceof Var)) continue;
      const list = readers.get(atom);
      if (list) list.push(eqn);
      else readers.set(atom, [eqn]);
    }

  /** The root of the kernel that evaluates an equation; undefined where several do, or none. */
  const kernels = new Map<Eqn, Eqn | undefined>();
  /** How many times an equation's value is computed again for each element: what broadcasting costs. */
  const repeats = new Map<Eqn, number>();

  for (let i = eqns.length - 1; i >= 0; i--) {
    const eqn = eqns[i]!;
    const kind = eqn.primitive.lower.kind;
    if (kind === 'reduce') {
      kernels.set(eqn, eqn);
      repeats.set(eqn, 1);
      continue;
    }
    if (kind !== 'elementwise' && kind !== 'view' && kind !== 'reshape') continue;
    const out = eqn.outputs[0]!;
    const uses = readers.get(out) ?? [];
    const roots = new Set(uses.map((use) => kernels.get(use)));
    const [root] = roots;
    const single = roots.size === 1 && root !== undefined && !stored.has(out);
    // Through a view the value is read at another index: twice would be two computations.
    const moved = uses.some((use) => use.primitive.lower.kind === 'view' || use.primitive.lower.kind === 'reshape');
    const factor = Math.max(1, ...uses.map((use) => repeats.get(use) ?? 1));
    if (kind === 'elementwise') {
      const free = !eqn.inputs.some((atom) => atom.aval.ndim > 0);
      const fuse = single && (uses.length === 1 || !moved) && (factor === 1 || isCheap(eqn));
      if (out.aval.ndim > 0 && !stored.has(out) && (free || fuse)) {
        virtual.add(out);
        kernels.set(eqn, root);
        repeats.set(eqn, factor);
      } else {
        kernels.set(eqn, eqn);
        repeats.set(eqn, 1);
      }
      continue;
    }
    // A view of memory costs nothing to repeat; of a computed value only its one kernel may read it.
    if (!stored.has(out)) virtual.add(out);
    kernels.set(eqn, stored.has(out) ? eqn : single && uses.length === 1 ? root : undefined);
    const grown = out.aval.size / Math.max(1, eqn.inputs[0]!.aval.size);
    repeats.set(eqn, factor * Math.max(1, grown));
  }
  return virtual;
}

/** One instruction or so: cheaper to repeat than to store and load. */
const cheap: ReadonlySet<string> = new Set(['neg', 'convert_element_type', 'copy', 'not', 'abs']);
const isCheap = (eqn: Eqn): boolean => cheap.has(eqn.primitive.name);
