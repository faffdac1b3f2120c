import type { ShapedArray } from '../core/aval.ts';
import { CarryError, TreeError } from '../core/errors.ts';
import type { Value } from '../core/trace.ts';
import { convert } from '../lax/convert.ts';
import { leafPaths, type TreeDef } from '../tree.ts';
import { convertOuts, joinAvals, type Traced } from './branches.ts';

/**
 * Traces a loop body until the types of the carry are stable: weak values take the type that the body gives them.
 * The body's results are converted to the carry's types.
 *
 * @param part which child of the carry is the user's, where the loop carries more: errors speak of that
 */
export function traceBody(
  operation: string,
  trace: (carry: readonly ShapedArray[]) => Traced,
  init: readonly Value[],
  carryDef: TreeDef,
  part?: number,
): { traced: Traced; init: Value[] } {
  let values = [...init];
  for (let attempt = 0; ; attempt++) {
    const traced = trace(values.map((v) => v.aval));
    const own = part === undefined ? 'carry' : `carry[${part}]`;
    const paths = leafPaths(carryDef, 'carry').map((path) => path.replace(own, 'carry'));
    const outs = traced.jaxpr.outAvals.slice(0, values.length);
    const joined = values.map((v, i) => {
      const aval = joinAvals(v.aval, outs[i]!);
      if (!aval || (!v.aval.weakType && aval !== v.aval)) {
        throw new CarryError(`${operation}: the body changes the type of ${paths[i]}, from ${v.aval} to ${outs[i]}.`);
      }
      return aval;
    });
    if (joined.every((aval, i) => aval === values[i]!.aval)) {
      const full = [...joined, ...traced.jaxpr.outAvals.slice(values.length)];
      return { traced: { ...traced, jaxpr: convertOuts(traced.jaxpr, full) }, init: values };
    }
    if (attempt > values.length + 1) throw new CarryError(`${operation}: the types of the carry do not settle.`);
    values = values.map((v, i) => (joined[i] === v.aval ? v : convert(v, joined[i]!.dtype)));
  }
}

export function checkCarryTree(operation: string, out: TreeDef, carry: TreeDef, part?: number): void {
  if (out.key === carry.key) return;
  const own = ({ node }: TreeDef): TreeDef | undefined =>
    part !== undefined && node.kind === 'list' ? node.children[part] : undefined;
  const [returned, given] = [own(out) ?? out, own(carry) ?? carry];
  if (returned.node.kind === 'none')
    throw new TreeError(`${operation}: the body returned nothing, but it was given a carry of structure ${given}.`, {
      hint: 'return the next carry',
    });
  throw new TreeError(`${operation}: the body returns a carry of structure ${returned}, but it was given ${given}.`);
}

/** The structure of the single argument in a list of arguments. */
export function carryOf(def: TreeDef): TreeDef {
  return (def.node as { children: readonly TreeDef[] }).children[0]!;
}
