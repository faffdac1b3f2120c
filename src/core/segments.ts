/** What outside of `jit` is worth compiling: elementwise operations that follow each other on large arrays. */
import type { EagerFunction } from '../../jit/eager/memory-function.ts';
import { type CallbackArguments, prepare } from '../../jit/run.ts';
import type { Cell } from '../../jit/storage/cell.ts';
import { type Atom, type Eqn, Jaxpr, Var } from './jaxpr.ts';

/** An operation of a program that runs: what it reads, and makes. */
export interface Operation {
  readonly eqn: Eqn;
  readonly inputs: readonly Atom[];
  readonly outputs: readonly Var[];
  /** How, where that is not how its equation runs alone. */
  readonly run?: EagerFunction;
}

/** Operations that can run as one program. */
export interface Segment {
  readonly operations: readonly Operation[];
  readonly program: Jaxpr;
  /** Elements that the operations write and the program would not. */
  readonly excess: number;
  /** Operations that the program spares, beside itself. */
  readonly spared: number;
}

/** Operations that have no code but compiled one, which computes each element alone. */
export const isCompiledOnly = ({ primitive: { lower } }: Eqn): boolean =>
  lower.kind === 'inline' && lower.elementwise === true;

/**
 * Kinds whose results are the same bits whatever computes them, and which the compiler puts into the loops that read them.
 * Folds and products are neither, and sorts and concatenations run as fast alone.
 */
const fusable: ReadonlySet<string> = new Set(['elementwise', 'view', 'reshape', 'identity', 'gather']);

/** Whether it is the same elements in the same place. */
const isFree = ({ eqn, run }: Operation): boolean =>
  !run && (eqn.primitive.lower.kind === 'reshape' || eqn.primitive.lower.kind === 'identity');

/** Whether a kernel runs for it, and not only when something else reads it. */
export const isRunning = (operation: Operation): boolean =>
  !isFree(operation) && operation.eqn.primitive.lower.kind !== 'view';

/**
 * The operations in an order in which those that are fusable stand together wherever they can: an operation comes after all
 * that are as many changes between the two kinds away from the arguments as what it reads. In a program that is compiled in any case,
 * concatenations are among them: alone, one of a few numbers takes as long as what makes these.
 */
export function segmentsOf(jaxpr: Jaxpr, operations: readonly Operation[]): readonly (Operation | Segment)[] {
  const isCompiled = operations.some(({ eqn }) => isCompiledOnly(eqn));
  const isFusable = ({ eqn }: Operation): boolean => {
    const { kind } = eqn.primitive.lower;
    return fusable.has(kind) || isCompiledOnly(eqn) || (isCompiled && kind === 'regions');
  };
  const makers = new Map<Atom, Operation>();
  for (const operation of operations) for (const v of operation.outputs) makers.set(v, operation);
  const levels = new Map<Operation, number>();
  const stages: Operation[][] = [];
  for (const operation of operations) {
    const own = Number(isFusable(operation));
    let level = own;
    for (const atom of operation.inputs) {
      const maker = makers.get(atom);
      if (!maker) continue;
      const before = levels.get(maker)!;
      level = Math.max(level, before + Number(before % 2 !== own));
    }
    levels.set(operation, level);
    while (stages.length <= level) stages.push([]);
    stages[level]!.push(operation);
  }
  const equations = new Map<Atom, Eqn>();
  for (const eqn of jaxpr.eqns) for (const v of eqn.outputs) equations.set(v, eqn);
  // Last ones first: what a segment reads may be other values than its operations read, which look through views.
  const read = new Set<Atom>(jaxpr.outs);
  const parts: (Operation | Segment)[][] = [];
  for (const [level, stage] of [...stages.entries()].reverse()) {
    const segment = level % 2 === 1 ? segmentOf(stage, read, makers, equations) : undefined;
    for (const { inputs } of segment ? [{ inputs: segment.program.inVars }] : stage)
      for (const atom of inputs) read.add(atom);
    parts.unshift(segment ? [segment] : stage);
  }
  return parts.flat();
}

/** `read` are the values that later ones want. */
function segmentOf(
  operations: readonly Operation[],
  read: ReadonlySet<Atom>,
  makers: ReadonlyMap<Atom, Operation>,
  equations: ReadonlyMap<Atom, Eqn>,
): Segment | undefined {
  const outs = operations.flatMap(({ outputs }) => outputs).filter((v) => read.has(v));
  const made = operations.flatMap((operation) => (isFree(operation) ? [] : operation.outputs));
  const size = (vars: readonly Var[]): number => vars.reduce((sum, { aval }) => sum + aval.size, 0);
  const excess = size(made) - size(outs);
  if (excess <= 0 && !operations.some(({ eqn }) => isCompiledOnly(eqn))) return undefined;
  const inside = new Set(operations);
  const inputs = new Set<Var>();
  const needed = new Set<Eqn>();
  const visit = (atom: Atom): void => {
    if (!(atom instanceof Var) || inputs.has(atom)) return;
    const maker = makers.get(atom);
    const eqn = equations.get(atom);
    if (!eqn || (maker && !inside.has(maker))) {
      inputs.add(atom);
      return;
    }
    if (needed.has(eqn)) return;
    for (const input of eqn.inputs) visit(input);
    // Behind what it reads.
    needed.add(eqn);
  };
  for (const v of outs) visit(v);
  const spared = operations.filter(isRunning).length - 1;
  return { operations, program: new Jaxpr([...inputs], [...needed], outs), excess, spared };
}

/** Compiles a segment. */
export function compileSegment({ program, operations }: Segment, present: CallbackArguments): Operation {
  const compiled = prepare(program);
  const run = (operands: readonly Cell[]): Cell[] => {
    const results = compiled(operands, present);
    // Each is freed on its own, also one that is another, or an operand.
    results.forEach((cell, i) => {
      if (operands.includes(cell) || results.indexOf(cell) < i) cell.shared();
    });
    return results;
  };
  return { eqn: operations.at(-1)!.eqn, inputs: program.inVars, outputs: program.outs as Var[], run };
}
