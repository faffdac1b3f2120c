import { interpretOnly } from '../../jit/run.ts';
import { isPrebuiltReady } from '../../jit/runtime/prebuilt.ts';
import { NDArray } from '../array.ts';
import type { ShapedArray } from './aval.ts';
import { evaluatingTrace, makePlan, type Plan, watch } from './evaluate.ts';
import { type Atom, deadCodeElimination, Literal, subJaxprs, Var } from './jaxpr.ts';
import { isPlain } from './options.ts';
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
  private readonly aval: ShapedArray;

  constructor(initial: (Value | undefined)[], steps: readonly Step[], result: number, aval: ShapedArray) {
    this.initial = initial;
    this.steps = steps;
    this.result = result;
    this.aval = aval;
  }

  run(args: readonly unknown[]): Value {
    const values = this.initial.slice();
    let next = 0;
    for (let i = 0; i < args.length; i++) {
      const arg = args[i];
      if (arg instanceof NDArray) values[next++] = arg;
    }
    for (let k = 0; k < this.steps.length; k++) {
      const { plan, inputs, outputs, ending } = this.steps[k]!;
      const operands: Value[] = [];
      for (let i = 0; i < inputs.length; i++) operands.push(values[inputs[i]!]!);
      const results = plan(operands);
      for (let i = 0; i < outputs.length; i++) values[outputs[i]!] = results[i];
      for (let i = 0; i < ending.length; i++) values[ending[i]!]!.dispose();
    }
    const value = values[this.result]!;
    return value.aval === this.aval ? value : new NDArray(this.aval, value.cell());
  }
}

/** Recordings by the types of the arguments: of types that came once there is none yet. */
type Known = Recording | 'once' | 'never';
interface Table {
  known: Known | undefined;
  readonly next: Map<ShapedArray | string, Table>;
}
const largestTable = 256;
/** Elements of a value that does not depend on arguments and is kept nevertheless. */
const largestConstant = 4096;

/** What stands for an argument among the keys: the type of an array, or plain data in writing. */
function keyOf(arg: unknown): ShapedArray | string | undefined {
  if (arg instanceof NDArray) return arg.isTracer ? undefined : arg.aval;
  if (typeof arg === 'number') return Object.is(arg, -0) ? '-0' : String(arg);
  if (typeof arg === 'function') return undefined;
  if (typeof arg !== 'object' || arg === null) return `${typeof arg} ${String(arg)}`;
  if (!Array.isArray(arg) && !isPlain(arg)) return undefined;
  let key = Array.isArray(arg) ? '[' : '{';
  for (const name in arg) {
    const inner = (arg as Record<string, unknown>)[name];
    const part = inner instanceof NDArray ? undefined : keyOf(inner);
    if (part === undefined) return undefined;
    key += `${name}:${part as string},`;
  }
  return key;
}

/**
 * A function of arrays, and of options that are plain data, made of several operations, which runs as one where nothing
 * is traced. What it does with arguments of the same types and the same options is recorded the second time that they
 * come; from then on the operations are executed one after the other, without promotion, checks or parameters, and what
 * they leave behind is freed at once. The function must not read values, nor depend on anything but its arguments.
 */
export function recorded<A extends unknown[]>(f: (...args: A) => NDArray): (...args: A) => NDArray {
  let table: Table = { known: undefined, next: new Map() };
  let entries = 0;
  return (...args) => {
    if (currentTrace() !== evaluatingTrace || watch || interpretOnly || !isPrebuiltReady()) return f(...args);
    let at = table;
    for (const arg of args) {
      const key = keyOf(arg);
      if (key === undefined) return f(...args);
      let next = at.next.get(key);
      if (!next) {
        if (++entries > largestTable) {
          table = { known: undefined, next: new Map() };
          entries = 0;
          return f(...args);
        }
        at.next.set(key, (next = { known: undefined, next: new Map() }));
      }
      at = next;
    }
    if (at.known === 'once') at.known = record(f, args);
    else at.known ??= 'once';
    return at.known instanceof Recording ? at.known.run(args) : f(...args);
  };
}

function record<A extends unknown[]>(f: (...args: A) => NDArray, given: A): Recording | 'never' {
  const args = given.filter((arg) => arg instanceof NDArray);
  const staged = stage(
    (...tracers) => {
      let next = 0;
      return [f(...(given.map((arg) => (arg instanceof NDArray ? tracers[next++]! : arg)) as A))];
    },
    args.map(({ aval }) => aval),
  );
  const { jaxpr } = deadCodeElimination(staged.jaxpr);
  const [out] = jaxpr.outs;
  if (!(out instanceof Var) || jaxpr.effectful) return 'never';
  if (jaxpr.eqns.some(({ primitive, params }) => primitive.hot || subJaxprs(params).length > 0)) return 'never';
  const values: (Value | undefined)[] = args.map(() => undefined);
  const keep = (value: Value | undefined): number => values.push(value) - 1;
  const places = new Map<Var, number>();
  const captured = staged.consts.length;
  jaxpr.inVars.forEach((v, i) => {
    places.set(v, i < captured ? keep(staged.consts[i]) : i - captured);
  });
  const place = (atom: Atom): number =>
    atom instanceof Literal ? keep(NDArray.ofLiteral(atom.value, atom.aval)) : places.get(atom)!;
  const steps: Omit<Step, 'ending'>[] = [];
  const made = new Set<number>();
  for (const eqn of jaxpr.eqns) {
    const inputs = eqn.inputs.map(place);
    const { kind } = eqn.primitive.lower;
    if (kind === 'reshape' || kind === 'identity') {
      // The same elements in the same place: what is freed has been made here, and is not the result.
      places.set(eqn.outputs[0]!, inputs[0]!);
      continue;
    }
    const plan = makePlan(
      eqn.primitive,
      eqn.inputs.map(({ aval }) => aval),
      eqn.params,
    );
    const known = inputs.map((i) => values[i]);
    if (eqn.outputs.every(({ aval }) => aval.size <= largestConstant) && known.every((x) => x !== undefined)) {
      const results = plan(known as Value[]);
      eqn.outputs.forEach((v, i) => {
        places.set(v, keep(results[i]));
      });
      continue;
    }
    const outputs = eqn.outputs.map((v) => {
      places.set(v, keep(undefined));
      return places.get(v)!;
    });
    for (const i of outputs) made.add(i);
    steps.push({ plan, inputs, outputs });
  }
  const result = places.get(out)!;
  if (!made.has(result)) return 'never';
  const last = new Map<number, number>();
  steps.forEach(({ inputs, outputs }, k) => {
    for (const i of [...inputs, ...outputs]) last.set(i, k);
  });
  const ended = (k: number): number[] => [...made].filter((i) => i !== result && last.get(i) === k);
  return new Recording(
    values,
    steps.map((step, k) => ({ ...step, ending: ended(k) })),
    result,
    out.aval,
  );
}
