import { interpretOnly } from '../../jit/run.ts';
import { isPrebuiltReady } from '../../jit/runtime/prebuilt.ts';
import { NDArray } from '../array.ts';
import type { ShapedArray } from './aval.ts';
import { evaluatingTrace, makePlan, type Plan, watch } from './evaluate.ts';
import { deadCodeElimination, Literal, subJaxprs, Var } from './jaxpr.ts';
import { stage } from './stage.ts';
import { currentTrace, type Value } from './trace.ts';

/** One operation: where its operands and results are among the values, and which of them end with it. */
interface Step {
  readonly plan: Plan;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly ending: readonly number[];
}

/** What a function did with arguments of some types, ready to be done again. */
class Recording {
  /** Values that do not depend on the arguments, and room for the others. */
  private readonly initial: (Value | undefined)[];
  private readonly steps: readonly Step[];
  private readonly result: number;

  constructor(initial: (Value | undefined)[], steps: readonly Step[], result: number) {
    this.initial = initial;
    this.steps = steps;
    this.result = result;
  }

  run(args: readonly Value[]): Value {
    const values = this.initial.slice();
    for (let i = 0; i < args.length; i++) values[i] = args[i];
    for (let k = 0; k < this.steps.length; k++) {
      const { plan, inputs, outputs, ending } = this.steps[k]!;
      const operands: Value[] = [];
      for (let i = 0; i < inputs.length; i++) operands.push(values[inputs[i]!]!);
      const results = plan(operands);
      for (let i = 0; i < outputs.length; i++) values[outputs[i]!] = results[i];
      for (let i = 0; i < ending.length; i++) values[ending[i]!]!.dispose();
    }
    return values[this.result]!;
  }
}

/** Recordings by the types of the arguments: of types that came once there is none yet. */
type Known = Recording | 'once' | 'never';
interface Table {
  known: Known | undefined;
  readonly next: Map<ShapedArray, Table>;
}
const largestTable = 256;
/** Elements of a value that does not depend on arguments and is kept nevertheless. */
const largestConstant = 4096;

/**
 * A function of arrays made of several operations, which runs as one where nothing is traced. What it does with
 * arguments of the same types is recorded the second time that they come; from then on the operations are executed one
 * after the other, without promotion, checks or parameters, and what they leave behind is freed at once.
 */
export function recorded<A extends unknown[]>(f: (...args: A) => NDArray): (...args: A) => NDArray {
  let table: Table = { known: undefined, next: new Map() };
  let entries = 0;
  return (...args) => {
    if (currentTrace() !== evaluatingTrace || watch || interpretOnly || !isPrebuiltReady()) return f(...args);
    let at = table;
    for (const arg of args) {
      if (!(arg instanceof NDArray) || arg.isTracer) return f(...args);
      let next = at.next.get(arg.aval);
      if (!next) {
        if (++entries > largestTable) {
          table = { known: undefined, next: new Map() };
          entries = 0;
          return f(...args);
        }
        at.next.set(arg.aval, (next = { known: undefined, next: new Map() }));
      }
      at = next;
    }
    if (at.known === 'once') at.known = record(f as unknown as (...args: Value[]) => Value, args as unknown as Value[]);
    else at.known ??= 'once';
    return at.known instanceof Recording ? at.known.run(args as unknown as Value[]) : f(...args);
  };
}

function record(f: (...args: Value[]) => Value, args: readonly Value[]): Recording | 'never' {
  const staged = stage(
    (...tracers) => [f(...tracers)],
    args.map(({ aval }) => aval),
  );
  const { jaxpr } = deadCodeElimination(staged.jaxpr);
  const [out] = jaxpr.outs;
  if (!(out instanceof Var) || jaxpr.effectful) return 'never';
  if (jaxpr.eqns.some(({ primitive, params }) => primitive.hot || subJaxprs(params).length > 0)) return 'never';
  const places = new Map<Var, number>();
  const initial: (Value | undefined)[] = args.map(() => undefined);
  const captured = staged.consts.length;
  jaxpr.inVars.slice(captured).forEach((v, i) => {
    places.set(v, i);
  });
  const keep = (value: Value | undefined): number => initial.push(value) - 1;
  jaxpr.inVars.slice(0, captured).forEach((v, i) => {
    places.set(v, keep(staged.consts[i]));
  });
  const lastUse = new Map<Var, number>();
  jaxpr.eqns.forEach(({ inputs, outputs }, k) => {
    for (const atom of [...inputs, ...outputs]) if (atom instanceof Var) lastUse.set(atom, k);
  });
  const steps: Step[] = [];
  const made = new Set<Var>();
  jaxpr.eqns.forEach((eqn, k) => {
    const inputs = eqn.inputs.map((atom) =>
      atom instanceof Literal ? keep(NDArray.ofLiteral(atom.value, atom.aval)) : places.get(atom)!,
    );
    const known = inputs.map((place) => initial[place]);
    const plan = makePlan(
      eqn.primitive,
      eqn.inputs.map(({ aval }) => aval),
      eqn.params,
    );
    const small = eqn.outputs.every(({ aval }) => aval.size <= largestConstant);
    if (small && known.every((value) => value !== undefined)) {
      const results = plan(known as Value[]);
      eqn.outputs.forEach((v, i) => {
        places.set(v, keep(results[i]));
      });
      return;
    }
    const outputs = eqn.outputs.map((v) => {
      made.add(v);
      const place = keep(undefined);
      places.set(v, place);
      return place;
    });
    const ended = new Set([...eqn.inputs, ...eqn.outputs]);
    const ending = [...ended].flatMap((v) =>
      v instanceof Var && v !== out && made.has(v) && lastUse.get(v) === k ? [places.get(v)!] : [],
    );
    steps.push({ plan, inputs, outputs, ending });
  });
  return new Recording(initial, steps, places.get(out)!);
}
