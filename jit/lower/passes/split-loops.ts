import { type Atom, type Eqn, Var } from '../../../src/core/jaxpr.ts';
import { isWorthwhile, type Layouts, lanewiseLoop, layoutsOf } from './lanewise.ts';

/**
 * Takes what all lanes have in common out of loops of each lane, if anything else reads it: the number of a step, or the
 * gain of a filter that does not depend on what it filters. A scan of its own computes it, over numbers.
 */
export function splitLoops(eqns: readonly Eqn[], outs: readonly Atom[]): readonly Eqn[] {
  if (!eqns.some(({ primitive }) => primitive.lower.kind === 'scan')) return eqns;
  const read = new Set<Atom>([...outs, ...eqns.flatMap((eqn) => eqn.inputs)]);
  let layouts: Layouts | undefined;
  const known = (): Layouts => {
    layouts ??= layoutsOf(eqns);
    return layouts;
  };
  return eqns.flatMap((eqn) => split(eqn, known, (v) => read.has(v)) ?? [eqn]);
}

function split(eqn: Eqn, layouts: () => Layouts, isRead: (v: Var) => boolean): Eqn[] | undefined {
  const rule = eqn.primitive.lower;
  if (rule.kind !== 'scan') return undefined;
  const { body } = rule.loop(eqn.params);
  const common = eqn.outputs.map((v, i) => body.outs[i]!.aval.ndim === 0 && isRead(v));
  if (!common.includes(true) || common.every((is, i) => is || !isRead(eqn.outputs[i]!))) return undefined;
  const apart = { ...eqn, outputs: eqn.outputs.map((v, i) => (common[i] ? new Var(v.aval) : v)) };
  const isReadApart = (v: Var): boolean => apart.outputs.includes(v) && isRead(v);
  const loop = lanewiseLoop(apart, isReadApart);
  if (!loop || !isWorthwhile(apart, loop, layouts(), isReadApart)) return undefined;
  const numbers = eqn.primitive.dce?.(eqn, common)?.eqn;
  return numbers?.outputs.every((v) => common[eqn.outputs.indexOf(v)]) ? [numbers, apart] : undefined;
}
