import { Recent } from '../../jit/caches/recent.ts';
import { eagerRegionsOf } from '../../jit/eager/boxes.ts';
import { planEager } from '../../jit/eager/eager.ts';
import type { FrameStep } from '../../jit/eager/frame-layout.ts';
import { FrameProgram } from '../../jit/eager/frame-program.ts';
import { eagerFused, prebuiltGroup } from '../../jit/eager/fused.ts';
import { groupOfAll, makersOf } from '../../jit/eager/groups.ts';
import { eagerJoin } from '../../jit/eager/joins.ts';
import type { EagerFunction } from '../../jit/eager/memory-function.ts';
import { eagerProductOf } from '../../jit/eager/products.ts';
import { eagerViewOf } from '../../jit/eager/reading.ts';
import { eagerSelection } from '../../jit/eager/selection.ts';
import { eagerSingle } from '../../jit/eager/single.ts';
import { simplifySteps } from '../../jit/lower/simplify.ts';
import { interpretOnly } from '../../jit/run.ts';
import { Cell } from '../../jit/storage/cell.ts';
import { NDArray } from '../array.ts';
import type { ShapedArray } from './aval.ts';
import { byteSize } from './dtype.ts';
import { type Atom, type Eqn, type Jaxpr, Literal, subJaxprs, Var } from './jaxpr.ts';
import type { HostArray, Params, Primitive } from './primitive.ts';
import { compileSegment, isCompiledOnly, isRunning, type Operation, type Segment, segmentsOf } from './segments.ts';
import { stridesOf } from './shape.ts';
import type { Value } from './trace.ts';

/** One operation on operands of known types, ready to be executed. */
export type Plan = (args: readonly Value[]) => Value[];

/** How to execute an operation on operands of these types. */
export function makePlan(primitive: Primitive, avals: readonly ShapedArray[], params: Params): Plan {
  const outputs = primitive.type(avals, params);
  const output = outputs[0]!;
  const run = functionOf(primitive, avals, params, outputs);
  return (operands) => {
    const results = run(cellsOf(operands));
    return Array.isArray(results) ? wrap(results, outputs) : [new NDArray(output, results)];
  };
}

/** The same on storage. */
export function functionOf(
  primitive: Primitive,
  avals: readonly ShapedArray[],
  params: Params,
  outputs: readonly ShapedArray[],
): EagerFunction {
  const compiled = interpretOnly ? undefined : planEager(primitive, avals, params, outputs);
  if (compiled) return compiled;
  return (operands) => {
    const inputs: HostArray[] = [];
    for (let i = 0; i < operands.length; i++) inputs.push({ aval: avals[i]!, data: operands[i]!.toHost() });
    return primitive.run(inputs, params, outputs).map((data, i) => Cell.fromHost(outputs[i]!.dtype, data));
  };
}

/** Lists of one and two are written out, as most are: one that grows is made with room for 17. */
function cellsOf(values: readonly Value[]): Cell[] {
  if (values.length === 1) return [values[0]!.cell()];
  if (values.length === 2) return [values[0]!.cell(), values[1]!.cell()];
  return values.map((value) => value.cell());
}

/** Values for callbacks, from storage. */
export const wrap = (cells: readonly Cell[], avals: readonly ShapedArray[]): NDArray[] =>
  cells.map((cell, i) => new NDArray(avals[i]!, cell));

/** One operation: where its operands and results are among the values, and which of them end with it. */
interface Step {
  readonly run: EagerFunction;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  ending: readonly number[];
}

/** Elements of a value that does not depend on arguments and is kept nevertheless. */
const largestConstant = 4096;

/** A program whose operations each have memory of their own, which is freed as soon as nothing reads it any more. */
class StepProgram {
  /** Values that do not depend on the arguments, and room for the others; arguments come first. */
  private readonly initial: (Cell | undefined)[];
  private readonly steps: readonly Step[];
  private readonly results: readonly number[];

  constructor(initial: (Cell | undefined)[], steps: readonly Step[], results: readonly number[]) {
    this.initial = initial;
    this.steps = steps;
    this.results = results;
  }

  run(args: readonly Cell[]): Cell[] {
    const values = this.initial.slice();
    for (let i = 0; i < args.length; i++) values[i] = args[i]!;
    const { steps, results } = this;
    for (let k = 0; k < steps.length; k++) {
      const { run, inputs, outputs, ending } = steps[k]!;
      const operands: Cell[] = [];
      for (let i = 0; i < inputs.length; i++) operands.push(values[inputs[i]!]!);
      const made = run(operands);
      if (Array.isArray(made)) for (let i = 0; i < outputs.length; i++) values[outputs[i]!] = made[i];
      else values[outputs[0]!] = made;
      for (let i = 0; i < ending.length; i++) values[ending[i]!]!.dispose();
    }
    const out: Cell[] = [];
    for (let i = 0; i < results.length; i++) out.push(values[results[i]!]!);
    return out;
  }
}

/** A program of one operation, whose operands are the arguments. */
class LoneStep {
  private readonly step: EagerFunction;

  constructor(step: EagerFunction) {
    this.step = step;
  }

  run(args: readonly Cell[]): Cell[] {
    const made = this.step(args);
    return Array.isArray(made) ? made : [made];
  }
}

type Program = StepProgram | FrameProgram | LoneStep;

/**
 * Elements that the operations of a program have written and compiled ones would not have, at which it is compiled: writing
 * and reading these took about as long as compiling does, whether the program runs once or for ever.
 */
let writtenForNothing = 2 ** 23;
/** Where a run writes no more than that it is not worth it, however often it is repeated. */
let littleWritten = 4096;
/** Sets both limits, for tests: 0 compiles at once, ∞ never. */
export function setCompiledAfter(elements: number): void {
  writtenForNothing = elements;
  littleWritten = Math.min(elements, 4096);
}
/**
 * What a step of a program costs beside its elements in a frame that all share, what it costs where it has to find places for its
 * operands and its result, and what a call of a compiled program costs, all in elements: 37, 200 and 300 ns.
 */
const stepCost = 100;
const loneStepCost = 550;
const callCost = 800;
/** Calls of a small program after which it is looked at whether compiling pays. */
const oftenCalled = 100;
/** Programs that are compiled. Their code takes memory: those that were not used for long run by operations again. */
const compiledPrograms = new Recent<EagerProgram, Program>(128);

/**
 * A first-order program, ready to be executed operation by operation. Elementwise operations that follow each other on large
 * arrays are compiled after a while; the bits of their results are the same.
 */
export class EagerProgram {
  private readonly jaxpr: Jaxpr;
  private readonly captured: readonly Value[];
  private readonly avals: readonly ShapedArray[];
  private readonly operations: readonly Operation[];
  private readonly program: Program;
  /** Elements of all that the operations write. */
  private readonly size: number;
  private segments: readonly (Operation | Segment)[] | undefined;
  /** What a compiled program saves in a run, in elements, and what all runs so far could have saved. */
  private saving = 0;
  private written = 0;
  private calls = 0;
  private isCompiled = false;

  private constructor(jaxpr: Jaxpr, captured: readonly Value[], operations: readonly Operation[], program: Program) {
    this.jaxpr = jaxpr;
    this.captured = captured;
    this.avals = jaxpr.outAvals;
    this.operations = operations;
    this.program = program;
    this.size = operations.reduce((sum, { outputs }) => outputs.reduce((size, { aval }) => size + aval.size, sum), 0);
  }

  /**
   * Undefined for programs with effects or programs inside, and for those that give back an argument or a constant.
   * `captured` are the values of the leading inputs.
   */
  static of(given: Jaxpr, captured: readonly Value[]): EagerProgram | undefined {
    const jaxpr = simplifySteps(given);
    if (jaxpr.effectful) return undefined;
    const cannotRun = (eqn: Eqn): boolean => eqn.primitive.hot === true && !isCompiledOnly(eqn);
    if (jaxpr.eqns.some((eqn) => cannotRun(eqn) || subJaxprs(eqn.params).length > 0)) return undefined;
    const operations = operationsOf(jaxpr);
    const isCompiled = operations.some(({ eqn }) => isCompiledOnly(eqn));
    const steps = isCompiled ? compiledOf(segmentsOf(jaxpr, operations)) : operations;
    const program = new Planner(jaxpr, captured, steps).program();
    return program && new EagerProgram(jaxpr, captured, isCompiled ? [] : operations, program);
  }

  run(args: readonly Value[]): Value[] {
    const cells = cellsOf(args);
    const isWorthALook = this.size > littleWritten || ++this.calls > oftenCalled;
    const made = (isWorthALook ? this.quickest() : this.program).run(cells);
    if (made.length === 1) return [new NDArray(this.avals[0]!, made[0]!)];
    return wrap(made, this.avals);
  }

  private quickest(): Program {
    if (this.isCompiled) {
      const known = compiledPrograms.get(this);
      if (known) return known;
      this.isCompiled = false;
      this.written = 0;
    }
    if (!this.segments) {
      this.segments = segmentsOf(this.jaxpr, this.operations);
      this.saving = savingOf(this.segments, this.program instanceof FrameProgram);
    }
    if (this.saving <= 0) return this.program;
    this.written += this.saving;
    if (this.written < writtenForNothing) return this.program;
    const program = this.compile(this.segments);
    compiledPrograms.set(this, program);
    this.isCompiled = true;
    return program;
  }

  private compile(segments: readonly (Operation | Segment)[]): Program {
    const parts = compiledOf(segments);
    // Where a result turns out not to depend on the arguments, it is made anew by the operations.
    return new Planner(this.jaxpr, this.captured, parts).program() ?? this.program;
  }
}

const isSegment = (part: Operation | Segment): part is Segment => 'program' in part;

const compiledOf = (parts: readonly (Operation | Segment)[]): Operation[] =>
  parts.map((part) => (isSegment(part) ? compileSegment(part, wrap) : part));

/** What a run saves once its segments are compiled: writing and reading elements and, where these are few, steps. */
function savingOf(parts: readonly (Operation | Segment)[], isInFrame: boolean): number {
  const segments = parts.filter(isSegment);
  const excess = segments.reduce((sum, segment) => sum + segment.excess, 0);
  if (excess > littleWritten) return excess;
  const step = isInFrame ? stepCost : loneStepCost;
  const spared = segments.reduce((sum, segment) => sum + step * segment.spared - callCost, excess);
  // The others have no frame any more.
  const others = parts.filter((part) => !isSegment(part) && isRunning(part));
  return spared - (loneStepCost - step) * others.length;
}

/** What runs, in order, each equation alone or as the end of a group. What a group computes itself is not run for it. */
function operationsOf(jaxpr: Jaxpr): Operation[] {
  const makerOf = makersOf(jaxpr);
  const together = groupOfAll(jaxpr, makerOf, (roots) => prebuiltGroup(roots, makerOf));
  if (together) {
    const { roots, operands } = together;
    const inputs = operands.map(({ atom }) => atom);
    return [{ eqn: roots[0]!, inputs, outputs: jaxpr.outs as Var[], run: eagerFused(together) }];
  }
  const needed = new Set<Atom>(jaxpr.outs);
  const operations: Operation[] = [];
  for (const eqn of [...jaxpr.eqns].reverse()) {
    const { outputs } = eqn;
    if (!outputs.some((v) => needed.has(v))) continue;
    const group = prebuiltGroup([eqn], makerOf);
    const reading = group
      ? undefined
      : (eagerProductOf(eqn, makerOf) ??
        eagerJoin(eqn, makerOf) ??
        eagerRegionsOf(eqn, makerOf) ??
        eagerSingle(eqn, makerOf) ??
        eagerViewOf(eqn, makerOf));
    const inputs = group ? group.operands.map(({ atom }) => atom) : (reading?.atoms ?? eqn.inputs);
    for (const atom of inputs) needed.add(atom);
    const run = group ? eagerFused(group) : (reading?.run ?? eagerSelection(eqn, jaxpr));
    operations.push({ eqn, inputs, outputs, ...(run ? { run } : {}) });
  }
  return operations.reverse();
}

/** Turns operations into steps. */
class Planner {
  private readonly jaxpr: Jaxpr;
  private readonly operations: readonly Operation[];
  private readonly values: (Cell | undefined)[] = [];
  private readonly avals: ShapedArray[] = [];
  private readonly argumentCount: number;
  private readonly places = new Map<Var, number>();
  private readonly steps: Step[] = [];
  private readonly made = new Set<number>();
  /** Values that are runs of elements of another one: in which, and how many bytes from its beginning. */
  private readonly parts = new Map<number, { of: number; offset: number }>();

  constructor(jaxpr: Jaxpr, captured: readonly Value[], operations: readonly Operation[]) {
    this.jaxpr = jaxpr;
    this.operations = operations;
    const n = captured.length;
    this.argumentCount = jaxpr.inVars.length - n;
    for (const v of jaxpr.inVars.slice(n)) this.places.set(v, this.keep(undefined, v.aval));
    for (const [i, v] of jaxpr.inVars.slice(0, n).entries()) this.places.set(v, this.keep(captured[i]!.cell(), v.aval));
  }

  program(): Program | undefined {
    const { outs } = this.jaxpr;
    for (const operation of this.operations) this.step(operation);
    const results = outs.map((atom) => (atom instanceof Var ? this.places.get(atom)! : -1));
    if (!results.every((i) => this.made.has(i)) || new Set(results).size < results.length) return undefined;
    const lone = this.lone(results);
    if (lone) return lone;
    // A product alone reads views where their arrays lie.
    const isProduct =
      this.steps.length === 1 && this.operations.every((operation) => isView(operation) || isDot(operation));
    const framed = isProduct || this.operations.every(isView) ? undefined : this.inFrame(results);
    if (framed) return framed;
    const last = new Map<number, number>();
    this.steps.forEach(({ inputs, outputs }, k) => {
      for (const i of [...inputs, ...outputs]) last.set(i, k);
    });
    this.steps.forEach((step, k) => {
      step.ending = [...this.made].filter((i) => !results.includes(i) && last.get(i) === k);
    });
    return new StepProgram(this.values, this.steps, results);
  }

  /** The same without values, if it is one operation of the arguments as they are. */
  private lone(results: readonly number[]): LoneStep | undefined {
    const [step, ...more] = this.steps;
    if (!step || more.length > 0) return undefined;
    const takesAll = step.inputs.length === this.argumentCount && step.inputs.every((value, i) => value === i);
    const givesAll = step.outputs.length === results.length && step.outputs.every((value, i) => value === results[i]);
    return takesAll && givesAll ? new LoneStep(step.run) : undefined;
  }

  /** The same in one frame, if all of its operations can. */
  private inFrame(results: readonly number[]): FrameProgram | undefined {
    const steps: FrameStep[] = [];
    const parts = new Map(this.parts);
    for (const i of results) parts.delete(i);
    for (const { run, inputs, outputs } of this.steps) {
      if (parts.has(outputs[0]!)) continue;
      if (!run.inMemory) return undefined;
      steps.push({ run: run.inMemory, inputs, outputs });
    }
    const read = new Set(steps.flatMap(({ inputs }) => inputs.map((i) => parts.get(i)?.of ?? i)));
    const constants = new Map<number, Cell>();
    this.values.forEach((cell, i) => {
      if (cell && read.has(i)) constants.set(i, cell);
    });
    return FrameProgram.of({ avals: this.avals, arguments: this.argumentCount, constants, parts, steps, results });
  }

  private keep(value: Cell | undefined, aval: ShapedArray): number {
    this.avals.push(aval);
    return this.values.push(value) - 1;
  }

  private place(atom: Atom): number {
    return atom instanceof Literal
      ? this.keep(NDArray.ofLiteral(atom.value, atom.aval).cell(), atom.aval)
      : this.places.get(atom)!;
  }

  private step({ eqn, inputs: atoms, outputs: vars, run: chosen }: Operation): void {
    const inputs = atoms.map((atom) => this.place(atom));
    const { kind } = eqn.primitive.lower;
    if (!chosen && (kind === 'reshape' || kind === 'identity')) {
      // The same elements in the same place: what is freed has been made here, and is not the result.
      this.places.set(eqn.outputs[0]!, inputs[0]!);
      return;
    }
    const { primitive, params } = eqn;
    const run = chosen ?? functionOf(primitive, avalsOf(eqn), params, primitive.type(avalsOf(eqn), params));
    const known = inputs.map((i) => this.values[i]);
    if (vars.every(({ aval }) => aval.size <= largestConstant) && known.every((x) => x !== undefined)) {
      const made = run(known as Cell[]);
      const results = Array.isArray(made) ? made : [made];
      vars.forEach((v, i) => {
        this.places.set(v, this.keep(results[i], v.aval));
      });
      return;
    }
    const outputs = vars.map((v) => {
      this.places.set(v, this.keep(undefined, v.aval));
      return this.places.get(v)!;
    });
    for (const i of outputs) this.made.add(i);
    const start = chosen ? undefined : startOfRun(eqn);
    if (start !== undefined) {
      const of = this.parts.get(inputs[0]!) ?? { of: inputs[0]!, offset: 0 };
      this.parts.set(outputs[0]!, { of: of.of, offset: of.offset + start });
    }
    this.steps.push({ run, inputs, outputs, ending: [] });
  }
}

/** Arrays that are read where others lie need no frame. */
const isView = ({ eqn }: Operation): boolean => {
  const { kind } = eqn.primitive.lower;
  return kind === 'view' || kind === 'reshape' || kind === 'identity';
};

const isDot = ({ eqn }: Operation): boolean => eqn.primitive.lower.kind === 'dot';

/** Bytes from the beginning of the operand, where a view is a run of its elements. */
function startOfRun({ primitive, params, inputs, outputs }: Eqn): number | undefined {
  const { lower } = primitive;
  if (lower.kind !== 'view') return undefined;
  const [operand, output] = [inputs[0]!.aval, outputs[0]!.aval];
  const { offset, strides } = lower.view(params, operand, output);
  const own = stridesOf(output.shape);
  const isRun = output.shape.every((extent, axis) => extent === 1 || strides[axis] === own[axis]);
  return isRun && output.size > 0 ? offset * byteSize(output.dtype) : undefined;
}

const avalsOf = (eqn: Eqn): ShapedArray[] => eqn.inputs.map(({ aval }) => aval);
