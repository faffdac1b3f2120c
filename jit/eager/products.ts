/** Products of matrices that run at once, in the runtime module. */
import type { ShapedArray } from '../../src/core/aval.ts';
import { byteSize, isFloating } from '../../src/core/dtype.ts';
import type { Eqn, Var } from '../../src/core/jaxpr.ts';
import { sameShape, stridesOf } from '../../src/core/shape.ts';
import { axesOf, isMatrix, productOf, type Side } from '../lower/products/dot-code.ts';
import { divisionOf, isDealtOut } from '../lower/products/product-threads.ts';
import type { DotDimensions } from '../lower-rule.ts';
import { gemmScratchBytes } from '../runtime/gemm.ts';
import { runtimeExports } from '../runtime/instance.ts';
import type { Cell, Walk } from '../storage/cell.ts';
import type { Heap } from '../storage/heap.ts';
import { threadCount } from '../target.ts';
import { threadPool } from '../threads/thread-pool.ts';
import { eagerTransposed, filled } from './folds.ts';
import { type EagerFunction, onCells, withMemory } from './memory-function.ts';
import { type OperandReading, readingOf } from './reading.ts';

type RuntimeFunction = (...args: number[]) => number;

/** A contraction in which views are read where their arrays lie; undefined where no operand is one that makes a matrix. */
export function eagerProductOf(eqn: Eqn, makerOf: ReadonlyMap<Var, Eqn>): OperandReading | undefined {
  const { lower } = eqn.primitive;
  const output = eqn.outputs[0]!.aval;
  if (lower.kind !== 'dot' || output.size === 0 || eqn.inputs[0]!.aval.size === 0) return undefined;
  const d = lower.dimensions(eqn.params);
  const axes = [
    [d.lhsBatch, d.lhsContract],
    [d.rhsBatch, d.rhsContract],
  ] as const;
  const readings = eqn.inputs.map((atom, i) => {
    const found = readingOf(atom, makerOf);
    const side = found && { shape: atom.aval.shape, strides: found.strides };
    return side && isMatrix(side, axesOf(side.shape.length, ...axes[i]!)) ? found : undefined;
  });
  const sides = eqn.inputs.map(({ aval }, i) => {
    const { strides } = readings[i] ?? sideOf(aval);
    return { shape: aval.shape, strides, offset: readings[i]?.offset ?? 0 };
  });
  const isRead = sides.every((side, i) => isMatrix(side, axesOf(side.shape.length, ...axes[i]!)));
  if (!isRead || readings.every((found) => !found)) return undefined;
  const atoms = eqn.inputs.map((atom, i) => readings[i]?.atom ?? atom);
  return { atoms, run: ofMatrices(sides as [Placed, Placed], output, d) };
}

/** A contraction of arrays, or of views that have not been read yet and are read where their arrays lie. */
export function eagerProduct(
  inputs: readonly ShapedArray[],
  d: DotDimensions,
  output: ShapedArray,
): EagerFunction | undefined {
  if (output.size === 0) return undefined;
  if (inputs[0]!.size === 0) return filled(output, 0);
  const ofArrays = productOfArrays(inputs, d, output);
  /** How the operands lay the last time that one was a view, and the product of such ones. */
  let known: { readonly walks: readonly (Walk | undefined)[]; readonly run: EagerFunction | undefined } | undefined;
  const run = (operands: readonly Cell[]): Cell | Cell[] => {
    const [a, b] = [operands[0]!.pending, operands[1]!.pending];
    if (!a && !b) return ofArrays(operands);
    if (known?.walks[0] !== a?.walk || known?.walks[1] !== b?.walk) {
      const walks = [a?.walk, b?.walk];
      known = { walks, run: productOfViews(inputs, walks, d, output) };
    }
    return known!.run ? known!.run([a?.of ?? operands[0]!, b?.of ?? operands[1]!]) : ofArrays(operands);
  };
  return ofArrays.inMemory ? withMemory(run, ofArrays.inMemory) : run;
}

/** Undefined where an operand makes no matrix where it lies, or is one of another shape. */
function productOfViews(
  inputs: readonly ShapedArray[],
  walks: readonly (Walk | undefined)[],
  d: DotDimensions,
  output: ShapedArray,
): EagerFunction | undefined {
  const sides = inputs.map((aval, i) => walks[i] ?? sideOf(aval)) as [Placed, Placed];
  const isRead =
    sides.every(({ shape }, i) => sameShape(shape, inputs[i]!.shape)) &&
    isMatrix(sides[0], axesOf(inputs[0]!.ndim, d.lhsBatch, d.lhsContract)) &&
    isMatrix(sides[1], axesOf(inputs[1]!.ndim, d.rhsBatch, d.rhsContract));
  return isRead ? ofMatrices(sides, output, d) : undefined;
}

/** A contraction; operands whose axes do not make a matrix where they lie are copied in another order first. */
function productOfArrays([x, y]: readonly ShapedArray[], d: DotDimensions, output: ShapedArray): EagerFunction {
  const left = arranged(x!, axesOf(x!.ndim, d.lhsBatch, d.lhsContract));
  const right = arranged(y!, axesOf(y!.ndim, d.rhsBatch, d.rhsContract));
  const places = (from: readonly number[], moved: readonly number[] | undefined): readonly number[] =>
    moved ? from.map((axis) => moved.indexOf(axis)) : from;
  const multiply = ofMatrices([sideOf(left.aval), sideOf(right.aval)], output, {
    lhsBatch: places(d.lhsBatch, left.order),
    lhsContract: places(d.lhsContract, left.order),
    rhsBatch: places(d.rhsBatch, right.order),
    rhsContract: places(d.rhsContract, right.order),
  });
  if (!left.copy && !right.copy) return multiply;
  return ([first, second]) => {
    const a = left.copy ? (left.copy([first!]) as Cell) : first!;
    const b = right.copy ? (right.copy([second!]) as Cell) : second!;
    const result = multiply([a, b]);
    if (left.copy) a.dispose();
    if (right.copy) b.dispose();
    return result;
  };
}

interface Placed extends Side {
  readonly offset: number;
}

const sideOf = ({ shape }: ShapedArray): Placed => ({ shape, strides: stridesOf(shape), offset: 0 });

interface Arranged {
  readonly aval: ShapedArray;
  readonly order?: readonly number[];
  readonly copy?: EagerFunction;
}

function arranged(x: ShapedArray, axes: ReturnType<typeof axesOf>): Arranged {
  if (isMatrix(sideOf(x), axes)) return { aval: x };
  const order = [...axes.batch, ...axes.free, ...axes.contract];
  return { order, ...eagerTransposed(x, order) };
}

function ofMatrices([x, y]: readonly [Placed, Placed], output: ShapedArray, d: DotDimensions): EagerFunction {
  const { dtype } = output;
  const { m, n, k, lhs: a, rhs: b, batch } = productOf(x, y, d);
  const bytes = byteSize(dtype);
  const floating = isFloating(dtype);
  const name = dtype === 'float32' ? 'gemm_f32' : dtype === 'float64' ? 'gemm_f64' : 'product_i32';
  const product = runtimeExports()[name] as RuntimeFunction;
  const division = threadCount() > 1 && floating && isDealtOut(m, n, k) ? divisionOf({ m, n, k }, bytes) : undefined;
  // Of two vectors that lie in rows nothing is copied.
  const inPlace = !floating || (m === 1 && n === 1 && a.column === 1 && b.row === 1);
  const needed = division ? division.scratchBytes * threadCount() : inPlace ? 0 : gemmScratchBytes(m, n, k, bytes);
  const [xStart, yStart] = [x.offset * bytes, y.offset * bytes];
  const each = (depth: number, p: number, q: number, r: number, scratch: number): void => {
    const axis = batch[depth];
    if (!axis && division) {
      const { byColumns, extent, chunk, scratchBytes } = division;
      const args = [m, n, k, p, a.row, a.column, q, b.row, b.column, r, n, 0, scratch];
      const steps = new Array<number>(13).fill(0);
      steps[byColumns ? 6 : 3] = (byColumns ? b.column : a.row) * bytes;
      steps[9] = (byColumns ? 1 : n) * bytes;
      const perThread = steps.map((_, i) => (i === 12 ? scratchBytes : 0));
      threadPool().call('runtime', name, { extent, chunk, countAt: byColumns ? 1 : 0, args, steps, perThread });
    } else if (!axis) product(m, n, k, p, a.row, a.column, q, b.row, b.column, r, n, 0, scratch);
    else {
      const [dp, dq, dr] = axis.steps;
      for (let i = 0; i < axis.extent; i++)
        each(depth + 1, p + i * dp * bytes, q + i * dq * bytes, r + i * dr * bytes, scratch);
    }
  };
  const run = (_: Heap, at: readonly number[]): void => each(0, at[0]! + xStart, at[1]! + yStart, at[2]!, at[3]!);
  return onCells({ scratch: needed, run }, [output]);
}
