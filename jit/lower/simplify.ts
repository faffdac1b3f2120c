import { type ShapedArray, shapedArray } from '../../src/core/aval.ts';
import { allocate } from '../../src/core/dtype.ts';
import { type Atom, deadCodeElimination, type Eqn, Jaxpr, Literal, type Live, Var } from '../../src/core/jaxpr.ts';
import { withSource } from '../../src/core/source.ts';
import { elementwiseTree } from './expressions/elementwise-tree.ts';
import { forEachTree } from './expressions/tree.ts';
import { written } from './written.ts';

const simplified = new WeakMap<Jaxpr, Live>();

/**
 * The same program without calls: functions are inlined, equal equations made one, scalar constants folded, and what
 * nothing uses dropped. Inputs and outputs stay as they are; sub-programs of loops and branches are left for later.
 */
export const simplify = (jaxpr: Jaxpr): Jaxpr => simplifyLive(jaxpr).jaxpr;

/** The same, with which of the inputs are used. */
export function simplifyLive(jaxpr: Jaxpr): Live {
  let result = simplified.get(jaxpr);
  if (!result) simplified.set(jaxpr, (result = deadCodeElimination(new Simplifier().run(jaxpr))));
  return result;
}

const simplifiedSteps = new WeakMap<Jaxpr, Jaxpr>();

/** The same for a program that runs step by step: what computes each element alone stays one step. */
export function simplifySteps(jaxpr: Jaxpr): Jaxpr {
  let result = simplifiedSteps.get(jaxpr);
  if (!result) {
    result = deadCodeElimination(new Simplifier(true).run(jaxpr)).jaxpr;
    simplifiedSteps.set(jaxpr, result);
  }
  return result;
}

class Simplifier {
  private readonly keepsSteps: boolean;
  private readonly eqns: Eqn[] = [];
  private readonly atoms = new Map<Var, Atom>();
  private known = new Map<string, readonly Var[]>();
  private readonly ids = new Map<Var, number>();
  /** Broadcasts of rank-0 values. */
  private readonly spread = new Map<Atom, Eqn>();
  private readonly transposed = new Map<Atom, Transposed>();
  /** Elementwise equations whose results are the same bits wherever they are computed. */
  private readonly makers = new Map<Atom, Eqn>();
  /** How many operations have changed places with the gather under way. */
  private depth = 0;
  /** The parts of arrays that are concatenations along the last axis. */
  private readonly columns = new Map<Atom, readonly Atom[]>();

  constructor(keepsSteps = false) {
    this.keepsSteps = keepsSteps;
  }

  run(jaxpr: Jaxpr): Jaxpr {
    for (const v of jaxpr.inVars) this.atoms.set(v, v);
    const outs = this.inline(jaxpr);
    return new Jaxpr(jaxpr.inVars, this.eqns, outs);
  }

  private read(atom: Atom): Atom {
    return atom instanceof Literal ? atom : this.atoms.get(atom)!;
  }

  private inline(jaxpr: Jaxpr): Atom[] {
    for (const eqn of jaxpr.eqns) this.equation(eqn);
    return jaxpr.outs.map((atom) => this.read(atom));
  }

  private equation(eqn: Eqn): void {
    const { lower } = eqn.primitive;
    let inputs = eqn.inputs.map((atom) => this.read(atom));
    if (lower.kind === 'elementwise') {
      const chosen = this.chosen(eqn, inputs);
      if (chosen) {
        this.atoms.set(eqn.outputs[0]!, chosen);
        return;
      }
      if (this.beforeBroadcast(eqn, inputs)) return;
      inputs = this.withoutBroadcasts(eqn, inputs);
    }
    if (lower.kind === 'gather') {
      inputs = this.withoutConcatenations(inputs);
      if (this.afterGather(eqn, inputs)) return;
    }
    if (lower.kind === 'scatter')
      inputs = this.withoutConcatenations(inputs, lower.access(eqn.params, avalsOf(eqn)).updates);
    if (eqn.primitive.name === 'transpose') {
      const whole = this.composed(eqn, inputs[0]!);
      inputs = [whole.from];
      eqn = { ...eqn, params: { permutation: whole.permutation } };
    }
    const same = unchanged(eqn, inputs);
    if (same) {
      this.atoms.set(eqn.outputs[0]!, same);
      return;
    }
    if (lower.kind === 'identity') {
      this.atoms.set(eqn.outputs[0]!, inputs[0]!);
      return;
    }
    if (lower.kind === 'inline' && !(this.keepsSteps && lower.elementwise)) {
      const inner = withSource(eqn.source, () => lower.jaxpr(eqn.params, avalsOf(eqn)));
      const operands = inner.operands ? inner.operands.map((i) => inputs[i]!) : inputs;
      inner.jaxpr.inVars.forEach((v, i) => {
        this.atoms.set(v, operands[i]!);
      });
      const { known } = this;
      if (lower.separate) this.known = new Map();
      const outs = this.inline(inner.jaxpr);
      this.known = known;
      eqn.outputs.forEach((v, i) => {
        this.atoms.set(v, outs[i]!);
      });
      return;
    }
    if (lower.kind === 'while') {
      const { cond, condConsts, bodyConsts } = lower.loop(eqn.params);
      const init = inputs.slice(condConsts + bodyConsts);
      if (isFalse(cond, [...inputs.slice(0, condConsts), ...init])) {
        // A loop that is not entered.
        eqn.outputs.forEach((v, i) => {
          this.atoms.set(v, init[i]!);
        });
        return;
      }
    }
    const folded = foldConstants(eqn, inputs);
    if (folded) {
      this.atoms.set(eqn.outputs[0]!, folded);
      return;
    }
    const key = this.keyOf(eqn, inputs);
    const earlier = key === undefined ? undefined : this.known.get(key);
    if (earlier) {
      eqn.outputs.forEach((v, i) => {
        this.atoms.set(v, earlier[i]!);
      });
      return;
    }
    // Fresh variables: the same equation may be inlined more than once.
    const outputs = eqn.outputs.map((v) => new Var(v.aval));
    eqn.outputs.forEach((v, i) => {
      this.atoms.set(v, outputs[i]!);
    });
    const simple = { ...eqn, inputs, outputs };
    this.eqns.push(simple);
    if (eqn.primitive.name === 'broadcast_in_dim' && inputs[0]!.aval.ndim === 0) this.spread.set(outputs[0]!, simple);
    if (lower.kind === 'elementwise' && eqn.primitive.accuracy.kind === 'exact') this.makers.set(outputs[0]!, simple);
    if (eqn.primitive.name === 'transpose')
      this.transposed.set(outputs[0]!, { from: inputs[0]!, permutation: (eqn.params as Transposed).permutation });
    if (eqn.primitive.name === 'concatenate' && isAlongLast(eqn)) this.columns.set(outputs[0]!, inputs);
    if (key !== undefined) this.known.set(key, outputs);
  }

  /** An array of equal literals is the literal, beside an operand that has the shape. */
  private withoutBroadcasts(eqn: Eqn, inputs: Atom[]): Atom[] {
    const ndim = eqn.outputs[0]!.aval.ndim;
    const literal = (atom: Atom): Literal | undefined => {
      const scalar = this.spread.get(atom)?.inputs[0];
      return scalar instanceof Literal ? scalar : undefined;
    };
    if (ndim === 0 || !inputs.some((atom) => atom.aval.ndim === ndim && !literal(atom))) return inputs;
    return inputs.map((atom) => literal(atom) ?? atom);
  }

  /** What a selection by a literal gives, if that is an array of its shape. */
  private chosen({ primitive, outputs }: Eqn, inputs: readonly Atom[]): Atom | undefined {
    if (primitive.name !== 'select') return undefined;
    const [test, x, y] = inputs;
    const flag = this.spread.get(test!)?.inputs[0] ?? test;
    const taken = flag instanceof Literal ? (flag.value ? x! : y!) : undefined;
    return taken?.aval.ndim === outputs[0]!.aval.ndim ? taken : undefined;
  }

  /** An operation on broadcasts of rank-0 values is done once, and its result broadcast. */
  private beforeBroadcast(eqn: Eqn, inputs: readonly Atom[]): boolean {
    const out = eqn.outputs[0]!;
    // Vector functions and scalar ones may differ in their last bit.
    if (out.aval.ndim === 0 || eqn.primitive.accuracy.kind !== 'exact' || this.spread.size === 0) return false;
    const spread = inputs.map((atom) => this.spread.get(atom));
    const broadcast = spread.find((found) => found !== undefined);
    if (!broadcast || !inputs.every((atom, i) => atom.aval.ndim === 0 || spread[i])) return false;
    if (readsIndex(eqn)) return false;
    const { dtype, weakType } = out.aval;
    const single = new Var(shapedArray([], dtype, weakType));
    const scalars = inputs.map((atom, i) => spread[i]?.inputs[0] ?? atom);
    for (const atom of scalars) if (atom instanceof Var) this.atoms.set(atom, atom);
    this.equation({ ...eqn, inputs: scalars, outputs: [single] });
    this.equation({ ...broadcast, inputs: [single], outputs: [out] });
    return true;
  }

  /**
   * Of an array that an operation makes, a few elements are made from those of its operands: the loss of a classifier
   * reads one logarithm in each row. Only where that gives the same bits, and of a few operations behind each other.
   */
  private afterGather(eqn: Eqn, [x, ...positions]: readonly Atom[]): boolean {
    const maker = this.makers.get(x!);
    const [out] = eqn.outputs as [Var];
    if (!maker || this.depth >= mostMoved || fewest * out.aval.size > x!.aval.size) return false;
    const { lower } = eqn.primitive;
    const arrays = maker.inputs.filter(({ aval }) => aval.ndim > 0);
    if (lower.kind !== 'gather' || arrays.length === 0 || arrays.length > 2 || readsIndex(maker)) return false;
    const avals = [x!, ...positions].map((atom) => atom.aval);
    if (lower.access(eqn.params, avals).fill !== undefined) return false;
    for (const atom of [...maker.inputs, ...positions]) if (atom instanceof Var) this.atoms.set(atom, atom);
    this.depth++;
    const taken = maker.inputs.map((atom) => {
      if (atom.aval.ndim === 0) return atom;
      const part = new Var(out.aval.withDType(atom.aval.dtype));
      this.equation({ ...eqn, inputs: [atom, ...positions], outputs: [part] });
      return part;
    });
    this.depth--;
    this.equation({ ...maker, inputs: taken, outputs: [out] });
    return true;
  }

  /** A transposition of a transposed array as one. */
  private composed({ params }: Eqn, x: Atom): Transposed {
    const { permutation } = params as Omit<Transposed, 'from'>;
    const inner = this.transposed.get(x);
    return inner
      ? { from: inner.from, permutation: permutation.map((axis) => inner.permutation[axis]!) }
      : { from: x, permutation };
  }

  /** Positions that were put together from columns are read as columns. */
  private withoutConcatenations(inputs: Atom[], updates = 0): Atom[] {
    return inputs.flatMap((atom, i) => (i === 0 || i === updates ? [atom] : (this.columns.get(atom) ?? [atom])));
  }

  /** Equal keys mean equal results. None for effects, and for parameters that cannot be written down. */
  private keyOf(eqn: Eqn, inputs: readonly Atom[]): string | undefined {
    if (eqn.primitive.effectful?.(eqn.params)) return undefined;
    const params = written(eqn.params);
    if (params === undefined) return undefined;
    const names = inputs.map((atom) => this.name(atom));
    if (commutative.has(eqn.primitive.name)) names.sort();
    return `${eqn.primitive.name} ${params} ${names}`;
  }

  private name(atom: Atom): string {
    if (atom instanceof Literal) return `${atom.aval}${Object.is(atom.value, -0) ? '-0' : atom.value}`;
    let id = this.ids.get(atom);
    if (id === undefined) this.ids.set(atom, (id = this.ids.size));
    return `v${id}`;
  }
}

const avalsOf = (eqn: Eqn): ShapedArray[] => eqn.inputs.map((atom) => atom.aval);

const isAlongLast = ({ params, outputs }: Eqn): boolean =>
  (params as { readonly dimension: number }).dimension === outputs[0]!.aval.ndim - 1;

/** So many times fewer elements must be read than there are. */
const fewest = 4;
/** So many operations may be done after a gather instead of before it. */
const mostMoved = 3;

interface Transposed {
  readonly from: Atom;
  readonly permutation: readonly number[];
}

const commutative: ReadonlySet<string> = new Set(['add', 'mul', 'max', 'min', 'and', 'or', 'xor', 'eq', 'ne']);

/**
 * The operand that the result equals bit for bit: x·1, x/1, x − 0, axes in order. Not x + 0, which turns −0 into 0.
 */
function unchanged({ primitive, outputs, params }: Eqn, inputs: readonly Atom[]): Atom | undefined {
  const { name } = primitive;
  if (name === 'transpose')
    return (params as Transposed).permutation.every((axis, i) => axis === i) ? inputs[0] : undefined;
  if (name !== 'mul' && name !== 'div' && name !== 'sub') return undefined;
  const [x, y] = inputs;
  const is = (atom: Atom | undefined, value: number): boolean =>
    atom instanceof Literal && Object.is(atom.value, value);
  const whole = (atom: Atom): Atom | undefined =>
    atom.aval.ndim === outputs[0]!.aval.ndim && atom.aval.dtype === outputs[0]!.aval.dtype ? atom : undefined;
  if (is(y, 1) && (name === 'mul' || name === 'div')) return whole(x!);
  if (is(x, 1) && name === 'mul') return whole(y!);
  return is(y, 0) && name === 'sub' ? whole(x!) : undefined;
}

/** Whether elements differ though those of the operands do not. */
function readsIndex(eqn: Eqn): boolean {
  const args = eqn.inputs.map(({ aval }) => ({ kind: 'const', dtype: aval.dtype, value: 0 }) as const);
  let found = false;
  forEachTree(elementwiseTree(eqn, args).root, ({ kind }) => {
    found ||= kind === 'iota';
  });
  return found;
}

/** Whether a condition is false whatever its operands hold that are no literals. */
function isFalse(cond: Jaxpr, operands: readonly Atom[]): boolean {
  const known = new Map<Atom, Atom>(cond.inVars.map((v, i) => [v, operands[i]!]));
  const read = (atom: Atom): Atom => known.get(atom) ?? atom;
  for (const eqn of cond.eqns) {
    const inputs = eqn.inputs.map(read);
    const isNever = eqn.primitive.name === 'and' && inputs.find((atom) => atom instanceof Literal && !atom.value);
    const folded = isNever || foldConstants(eqn, inputs);
    if (folded) known.set(eqn.outputs[0]!, folded);
  }
  const result = read(cond.outs[0]!);
  return result instanceof Literal && !result.value;
}

/** A rank-0 result of literals, computed with the reference semantics. */
function foldConstants(eqn: Eqn, inputs: readonly Atom[]): Literal | undefined {
  const { primitive, outputs, params } = eqn;
  if (primitive.lower.kind !== 'elementwise' || primitive.accuracy.kind !== 'exact' || inputs.length === 0) return;
  if (outputs[0]!.aval.ndim > 0) return;
  const values: { aval: Literal['aval']; data: ReturnType<typeof allocate> }[] = [];
  for (const atom of inputs) {
    if (!(atom instanceof Literal)) return;
    const data = allocate(atom.aval.dtype, 1);
    data[0] = atom.value;
    values.push({ aval: atom.aval, data });
  }
  const [result] = primitive.run(values, params, [outputs[0]!.aval]);
  return new Literal(result![0]!, outputs[0]!.aval);
}
