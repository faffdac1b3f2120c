/**
 * Elementwise equations that one prebuilt kernel computes together, perhaps with the fold of their result: which
 * equations they are, what stands in the kernel's name, and how it walks over its operands.
 */
import { type DType, shortName } from '../../src/core/dtype.ts';
import type { Atom, Eqn, Jaxpr, Var } from '../../src/core/jaxpr.ts';
import { type Shape, sizeOf, stridesOf } from '../../src/core/shape.ts';
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
  readonly root: Eqn;
  readonly equations: number;
  readonly combine?: Combine;
  /** Axes of the walk, outermost first, with steps in elements: of the result, then of each operand. */
  readonly axes: readonly NestAxis[];
  /** The same expression as what a kernel is made of. */
  readonly element: () => Element;
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
 * The largest group whose result is that of `root`, an elementwise equation or a fold over the last axes.
 *
 * @param makerOf from `makersOf`
 * @param literals whether literals are part of the kernel; by value otherwise
 * @param steps from element to element of the result, in rows of neighbours, where it is no array of its own; not for folds
 */
export function groupOf(
  root: Eqn,
  makerOf: ReadonlyMap<Var, Eqn>,
  literals: 'baked' | 'byValue',
  steps?: readonly number[],
): Group | undefined {
  const { lower } = root.primitive;
  const folds = lower.kind === 'reduce';
  if (!folds && !isElementwise(root)) return undefined;
  const [first] = root.inputs as [Atom];
  const shape = folds ? first.aval.shape : root.outputs[0]!.aval.shape;
  const outputSteps = folds ? keptSteps(shape, lower.axes(root.params)) : (steps ?? stridesOf(shape));
  if (sizeOf(shape) === 0 || !outputSteps) return undefined;
  const whole = new Set<Atom>();
  for (;;) {
    const expression = new Expression([root], shape, makerOf, literals, whole);
    const text = expression.write(folds ? first : root.outputs[0]!);
    const { leaves } = expression;
    if (expression.equations > mostEquations) return undefined;
    // One operation on numbers is computed without a call.
    if (shape.length === 0 && expression.equations === 1) return undefined;
    const walk = shape.map((extent, axis) => ({
      extent,
      steps: [outputSteps[axis]!, ...leaves.map(({ strides }) => strides[axis]!)],
    }));
    const axes = folds ? foldedAxes(walk, lower.axes(root.params)) : coalesce(walk);
    if (!axes) return undefined;
    const inner = axes.at(-1) ?? { extent: 1, steps: [1, ...leaves.map(({ atom }) => Number(atom.aval.ndim > 0))] };
    if (!folds && inner.steps[0] !== 1) return undefined;
    const uneven = leaves.filter((_, i) => inner.steps[i + 1] !== 0 && inner.steps[i + 1] !== 1);
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
        byValue: inner.steps[i + 1] === 0,
      }),
    );
    const types = operands.map(({ dtype, byValue }) => `${shortName(dtype)}${byValue ? '*' : ''}`);
    const key = `${folds ? `${lower.combine}:` : ''}${text}(${types})`;
    const combine = folds ? { combine: lower.combine } : {};
    const { equations } = expression;
    return {
      key,
      operands,
      root,
      equations,
      axes,
      ...combine,
      element: () => expression.element(folds ? first : root.outputs[0]!),
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
