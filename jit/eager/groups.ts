/**
 * Elementwise equations that one prebuilt kernel computes together, for one result or several, perhaps with the fold of one: which
 * equations they are, what stands in the kernel's name, and how it walks over its operands.
 */
import { type DType, shortName } from '../../src/core/dtype.ts';
import type { Atom, Eqn, Jaxpr, Var } from '../../src/core/jaxpr.ts';
import { type Shape, sameShape, sizeOf, stridesOf } from '../../src/core/shape.ts';
import type { Element } from '../element.ts';
import type { Combine } from '../lower/folds/combine.ts';
import { coalesce, type NestAxis } from '../wasm/loop-nest.ts';
import { Expression, isElementwise, mostEquations } from './expression.ts';

/** What a group reads: a literal, or an array with the place of its first element and its steps along the iteration. */
export interface GroupOperand {
  readonly atom: Atom;
  readonly dtype: DType;
  readonly offset: number;
  readonly strides: readonly number[];
  /** One element for a whole row. */
  readonly byValue: boolean;
}

export interface Group {
  /** The kernel's name: the expression, with the dtypes of what it reads. */
  readonly key: string;
  readonly operands: readonly GroupOperand[];
  /** The equations whose results the kernel writes. */
  readonly roots: readonly Eqn[];
  readonly equations: number;
  readonly combine?: Combine;
  /** Axes of the walk, outermost first, with steps in elements: of each result, then of each operand. */
  readonly axes: readonly NestAxis[];
  /** The same expressions as what a kernel is made of. */
  readonly elements: () => readonly Element[];
}

/**
 * The equations of a program by their results, but for those that no group may compute once more: functions whose results
 * several equations read cost more than the memory that holds them.
 */
export function makersOf({ eqns, outs }: Jaxpr): ReadonlyMap<Var, Eqn> {
  const readers = new Map<Atom, number>();
  const read = (atoms: Iterable<Atom>): void => {
    for (const atom of new Set(atoms)) readers.set(atom, (readers.get(atom) ?? 0) + 1);
  };
  for (const { inputs } of eqns) read(inputs);
  read(outs);
  const makers = new Map<Var, Eqn>();
  for (const eqn of eqns)
    for (const v of eqn.outputs) {
      const { accuracy, lower } = eqn.primitive;
      const isFunction = lower.kind === 'elementwise' && accuracy.kind !== 'exact';
      if (!isFunction || readers.get(v) === 1) makers.set(v, eqn);
    }
  return makers;
}

/**
 * A program of several results as one group, which `groupOf` finds: undefined where not all results are made by equations, or where the group
 * reads what another equation makes.
 */
export function groupOfAll(
  { eqns, outs }: Jaxpr,
  makerOf: ReadonlyMap<Var, Eqn>,
  groupOf: (roots: readonly [Eqn, ...Eqn[]]) => Group | undefined,
): Group | undefined {
  const roots = outs.map((out) => makerOf.get(out as Var));
  if (roots.length < 2 || !roots.every((root) => root !== undefined)) return undefined;
  const group = groupOf(roots as [Eqn, ...Eqn[]]);
  const read = new Set(group?.operands.map(({ atom }) => atom));
  return eqns.some(({ outputs }) => outputs.some((v) => read.has(v))) ? undefined : group;
}

/**
 * The largest group whose results are those of `roots`: elementwise equations of one shape, or a fold over the last axes.
 *
 * @param makerOf from `makersOf`
 * @param literals whether literals are part of the kernel; by value otherwise
 * @param steps from element to element of the results, in rows of neighbours, where they are no arrays of their own; not for folds
 */
export function groupOf(
  roots: readonly [Eqn, ...Eqn[]],
  makerOf: ReadonlyMap<Var, Eqn>,
  literals: 'baked' | 'byValue',
  steps?: readonly number[],
): Group | undefined {
  const [root, ...others] = roots;
  const { lower } = root.primitive;
  const folds = lower.kind === 'reduce' && others.length === 0;
  if (!folds && !roots.every(isElementwise)) return undefined;
  const written = folds ? [root.inputs[0]!] : roots.map(({ outputs }) => outputs[0]!);
  const { shape } = written[0]!.aval;
  if (!written.every(({ aval }) => sameShape(aval.shape, shape))) return undefined;
  const outputSteps = folds ? keptSteps(shape, lower.axes(root.params)) : (steps ?? stridesOf(shape));
  if (sizeOf(shape) === 0 || !outputSteps) return undefined;
  const whole = new Set<Atom>();
  for (;;) {
    const expression = new Expression(roots, shape, makerOf, literals, whole);
    const texts = written.map((atom) => expression.write(atom));
    const { leaves } = expression;
    if (expression.equations > mostEquations) return undefined;
    // One operation on numbers is computed without a call.
    if (shape.length === 0 && expression.equations === 1) return undefined;
    const walk = shape.map((extent, axis) => ({
      extent,
      steps: [...roots.map(() => outputSteps[axis]!), ...leaves.map(({ strides }) => strides[axis]!)],
    }));
    const axes = folds ? foldedAxes(walk, lower.axes(root.params)) : coalesce(walk);
    if (!axes) return undefined;
    const inner = axes.at(-1) ?? {
      extent: 1,
      steps: [...roots.map(() => 1), ...leaves.map(({ atom }) => Number(atom.aval.ndim > 0))],
    };
    if (!folds && inner.steps[0] !== 1) return undefined;
    const along = inner.steps.slice(roots.length);
    const uneven = leaves.filter((_, i) => along[i] !== 0 && along[i] !== 1);
    if (uneven.length > 0) {
      // These views are copied first.
      if (uneven.some(({ view }) => whole.has(view))) return undefined;
      for (const { view } of uneven) whole.add(view);
      continue;
    }
    const operands = leaves.map(
      ({ atom, offset, strides }, i): GroupOperand => ({
        atom,
        dtype: atom.aval.dtype,
        offset,
        strides,
        byValue: along[i] === 0,
      }),
    );
    const types = operands.map(({ dtype, byValue }) => `${shortName(dtype)}${byValue ? '*' : ''}`);
    const key = `${folds ? `${lower.combine}:` : ''}${texts.join(';')}(${types})`;
    const combine = folds ? { combine: lower.combine } : {};
    const { equations } = expression;
    return {
      key,
      operands,
      roots,
      equations,
      axes,
      ...combine,
      elements: () => written.map((atom) => expression.element(atom)),
    };
  }
}

/** Steps of a fold's result along the axes of its operand; undefined if there is nothing to fold. */
function keptSteps(shape: Shape, axes: readonly number[]): number[] | undefined {
  if (axes.every((axis) => shape[axis] === 1)) return undefined;
  const own = stridesOf(shape.filter((_, axis) => !axes.includes(axis)));
  let next = 0;
  return shape.map((_, axis) => (axes.includes(axis) ? 0 : own[next++]!));
}

/** The walk of a fold over the last axes, which must be one run. */
function foldedAxes(walk: readonly NestAxis[], axes: readonly number[]): NestAxis[] | undefined {
  const split = walk.findIndex(({ extent }, axis) => extent > 1 && axes.includes(axis));
  if (walk.some(({ extent }, axis) => axis > split && extent > 1 && !axes.includes(axis))) return undefined;
  const run = coalesce(walk.slice(split));
  return run.length === 1 ? [...coalesce(walk.slice(0, split)), ...run] : undefined;
}
