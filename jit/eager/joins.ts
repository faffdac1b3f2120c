/**
 * Concatenations of what elementwise equations compute, side by side: one prebuilt kernel reads each element of their operands
 * once and writes the results where they belong. A cross product is three such columns.
 */
import { byteSize, type DType, shortName } from '../../src/core/dtype.ts';
import type { Atom, Eqn, Var } from '../../src/core/jaxpr.ts';
import { sameShape } from '../../src/core/shape.ts';
import type { Element } from '../element.ts';
import { invoke } from '../invoke.ts';
import { elementsPerCall } from '../lower/kernels/kernel.ts';
import { regionWalk } from '../lower/regions.ts';
import { fusedExports } from '../runtime/instance.ts';
import { coalesce } from '../wasm/loop-nest.ts';
import { Expression, isElementwise, mostEquations } from './expression.ts';
import { onCells } from './memory-function.ts';
import type { OperandReading } from './reading.ts';

/** Every how many elements of its array an operand is read, and the first of them relative to that of the array's others. */
export interface JoinLeaf {
  readonly array: number;
  readonly offset: number;
  readonly step: number;
}

export interface Join {
  readonly key: string;
  readonly dtype: DType;
  /** The arrays that are read, with where the kernel starts in each. */
  readonly arrays: readonly { readonly atom: Atom; readonly start: number }[];
  readonly leaves: readonly JoinLeaf[];
  /** Where the parts' elements stand in the output: from where on, and how far apart. */
  readonly places: readonly number[];
  readonly step: number;
  readonly count: number;
  readonly elements: () => readonly Element[];
}

/** Elements further apart than this share no cache lines. */
const widest = 8;

/** The join that a concatenation is; undefined where parts are not computed, or not of even steps through their operands. */
export function joinOf(eqn: Eqn, makerOf: ReadonlyMap<Var, Eqn>): Join | undefined {
  const { lower } = eqn.primitive;
  const output = eqn.outputs[0]!.aval;
  if (lower.kind !== 'regions' || output.size === 0) return undefined;
  const { fill, parts } = lower.regions(
    eqn.params,
    eqn.inputs.map(({ aval }) => aval),
    output,
  );
  const { shape } = eqn.inputs[0]!.aval;
  const roots = eqn.inputs.map((atom) => makerOf.get(atom as Var));
  if (fill !== undefined || !roots.every((root) => root && isElementwise(root))) return undefined;
  if (!eqn.inputs.every(({ aval }) => sameShape(aval.shape, shape))) return undefined;
  const expression = new Expression(roots as Eqn[], shape, makerOf, 'baked', new Set());
  const texts = eqn.inputs.map((atom) => expression.write(atom));
  const { leaves } = expression;
  if (expression.equations > mostEquations || leaves.some(({ atom }) => atom.aval.dtype !== output.dtype))
    return undefined;
  const walks = parts.map((part) => regionWalk(part, { offset: 0, strides: shape.map(() => 0) }, output.shape));
  const axes = coalesce(
    shape.map((extent, axis) => ({
      extent,
      steps: [walks[0]!.axes[axis]!.steps[0]!, ...leaves.map(({ strides }) => strides[axis]!)],
    })),
  );
  const [axis] = axes;
  if (axes.length !== 1 || !axis!.steps.every((step) => step > 0 && step <= widest)) return undefined;
  const [step, ...steps] = axis!.steps as [number, ...number[]];
  const atoms = [...new Set(leaves.map(({ atom }) => atom))];
  const arrays = atoms.map((atom) => ({
    atom,
    start: Math.min(...leaves.filter((leaf) => leaf.atom === atom).map(({ offset }) => offset)),
  }));
  const read = leaves.map(({ atom, offset }, i): JoinLeaf => {
    const array = atoms.indexOf(atom);
    return { array, offset: offset - arrays[array]!.start, step: steps[i]! };
  });
  // The kernel moves along each array by one step.
  if (read.some(({ array, step }) => read.some((other) => other.array === array && other.step !== step)))
    return undefined;
  const places = walks.map(({ to }) => to);
  const written = read.map(({ array, offset, step }) => `${array}+${offset}/${step}`);
  return {
    key: `${texts.join(';')}@${places}/${step}(${shortName(output.dtype)};${written})`,
    dtype: output.dtype,
    arrays,
    leaves: read,
    places,
    step,
    count: axis!.extent,
    elements: () => eqn.inputs.map((atom) => expression.element(atom)),
  };
}

/** How to run a concatenation that is a join with a kernel. */
export function eagerJoin(eqn: Eqn, makerOf: ReadonlyMap<Var, Eqn>): OperandReading | undefined {
  const join = joinOf(eqn, makerOf);
  const kernel = join && (fusedExports()[join.key] as ((...args: number[]) => undefined) | undefined);
  if (!kernel) return undefined;
  const { arrays, leaves, count, step } = join;
  const output = eqn.outputs[0]!.aval;
  const bytes = byteSize(output.dtype);
  const steps = arrays.map((_, i) => leaves.find(({ array }) => array === i)!.step * bytes);
  const run = (at: readonly number[]): void => {
    const args = [0, at[arrays.length]!];
    for (let i = 0; i < arrays.length; i++) args.push(at[i]! + arrays[i]!.start * bytes);
    for (let first = 0; first < count; first += elementsPerCall) {
      const part = Math.min(elementsPerCall, count - first);
      args[0] = part;
      invoke(kernel, args);
      args[1]! += part * step * bytes;
      for (let i = 0; i < steps.length; i++) args[i + 2]! += part * steps[i]!;
    }
  };
  return { atoms: arrays.map(({ atom }) => atom), run: onCells({ scratch: 0, run: (_, at) => run(at) }, [output]) };
}
