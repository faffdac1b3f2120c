/** Elementwise operations of which an operand is one element, broadcast. */
import type { ShapedArray } from '../../src/core/aval.ts';
import { type Atom, type Eqn, Literal, type Var } from '../../src/core/jaxpr.ts';
import { planEager } from './eager.ts';
import type { OperandReading } from './reading.ts';

/** Such an operation with that element instead of an array full of it; undefined where there is none. */
export function eagerSingle(eqn: Eqn, makerOf: ReadonlyMap<Var, Eqn>): OperandReading | undefined {
  const { primitive, inputs, outputs, params } = eqn;
  if (primitive.lower.kind !== 'elementwise' || outputs[0]!.aval.ndim === 0) return undefined;
  const singles = inputs.map((atom) => singleBehind(atom, makerOf));
  const isWhole = (atom: Atom, i: number): boolean => !singles[i] && atom.aval.ndim > 0;
  if (singles.every((x) => x === undefined) || !inputs.some(isWhole)) return undefined;
  const avals = inputs.map((atom, i): ShapedArray => (singles[i] ? atom.aval.withShape([]) : atom.aval));
  const run = planEager(
    primitive,
    avals,
    params,
    outputs.map((v) => v.aval),
  );
  return run && { atoms: inputs.map((atom, i) => singles[i] ?? atom), run };
}

/** The array of one element of which `atom` is full. */
function singleBehind(atom: Atom, makerOf: ReadonlyMap<Var, Eqn>): Atom | undefined {
  if (atom instanceof Literal || atom.aval.size === 1) return undefined;
  let base: Atom = atom;
  while (!(base instanceof Literal) && base.aval.size !== 1) {
    const maker = makerOf.get(base);
    if (maker?.primitive.lower.kind !== 'view') return undefined;
    base = maker.inputs[0]!;
  }
  return base;
}
