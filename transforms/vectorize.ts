/** `vmap` on trees. */
import { ShapeError, TreeError } from '../src/core/errors.ts';
import { optionsOf } from '../src/core/options.ts';
import { range } from '../src/core/shape.ts';
import type { Value } from '../src/core/trace.ts';
import { strengthen, transpose } from '../src/lax/movement.ts';
import { argumentAt, quoted, standsFor } from '../src/syntax/names.ts';
import { type ArrayLikes, type Arrays, leafPaths, type TreeDef, unflatten } from '../src/tree.ts';
import { checkFunction, FlatFunction, flattenArguments, type TreeFunction } from './flat.ts';
import { addLanes, vmapValues } from './vmap.ts';

/** An axis, `null` for none, or a tree of these that matches the value or stands for a whole subtree. */
export type Axes = number | null | readonly Axes[] | { readonly [key: string]: Axes };

export interface VmapOptions {
  /** Axis of each argument to map over; `null` passes the argument whole. 0 when left out. */
  inAxes?: Axes;
  /** Where the mapped axis goes in each result; `null` where a result does not depend on the lane. */
  outAxes?: Axes;
}

/** One entry per leaf of `def`, from a tree of axes that may stop early. */
function axesPerLeaf(operation: string, axes: Axes, def: TreeDef, path: string): (number | null)[] {
  if (axes === null || typeof axes === 'number') return new Array(def.leafCount).fill(axes);
  const { node } = def;
  if (node.kind === 'none') return [];
  if (Array.isArray(axes) && (node.kind === 'list' || node.kind === 'class') && axes.length === node.children.length) {
    return node.children.flatMap((child, i) => axesPerLeaf(operation, axes[i], child, `${path}[${i}]`));
  }
  if (!Array.isArray(axes) && node.kind === 'object' && node.keys.every((key) => key in axes)) {
    return node.children.flatMap((child, i) =>
      axesPerLeaf(operation, (axes as Record<string, Axes>)[node.keys[i]!]!, child, `${path}.${node.keys[i]}`),
    );
  }
  throw new TreeError(
    `vmap: ${operation}${path} is ${JSON.stringify(axes)}, which does not fit the ${operation === 'inAxes' && !path ? `arguments, ${def}` : `structure ${def}`}.`,
  );
}

const moveAxis = (x: Value, from: number, to: number): Value => {
  if (from === to) return x;
  const order = range(x.ndim).filter((axis) => axis !== from);
  order.splice(to, 0, from);
  return transpose(x, order);
};

/**
 * Maps `f` over leading (or other) axes of its arguments: `f` is written for one lane and runs on all at once.
 *
 * @example
 * vmap((x, w) => np.dot(x, w), { inAxes: [0, null] })(batch, w);
 * @throws ShapeError when mapped axes have different lengths or are out of range
 */
export function vmap<F extends TreeFunction>(
  f: F,
  given: VmapOptions = {},
): (...args: ArrayLikes<Parameters<F>>) => Arrays<ReturnType<F>> {
  const { inAxes = 0, outAxes = 0 } = optionsOf('vmap', given, ['inAxes', 'outAxes']);
  checkFunction('vmap', f);
  const mapped = (...args: unknown[]): any => {
    const { values, def } = flattenArguments(args, 'vmap', f);
    const axes = axesPerLeaf('inAxes', inAxes, def, '');
    const name = (i: number): string => argumentAt(f, leafPaths(def)[i]!);
    let size: number | undefined;
    let from = 0;
    const fronted = values.map((value, i) => {
      const axis = axes[i];
      if (axis === null || axis === undefined) return value;
      const normal = axis < 0 ? axis + value.ndim : axis;
      if (normal < 0 || normal >= value.ndim) {
        throw new ShapeError(`vmap: ${name(i)} of ${quoted(f)} is ${value.aval} and has no axis ${axis} to map over.`, {
          hint: value.ndim === 0 ? 'pass it whole with `inAxes: null` for that argument' : undefined!,
        });
      }
      const n = value.shape[normal]!;
      if (size !== undefined && n !== size) {
        throw new ShapeError(
          `vmap: mapped axes of ${quoted(f)} differ in length: ${name(from)} has ${size}, ${name(i)} has ${n}.`,
        );
      }
      size = n;
      from = i;
      return moveAxis(value, normal, 0);
    });
    if (size === undefined)
      throw new ShapeError(
        `vmap: no argument of ${quoted(f)} is mapped; at least one entry of inAxes must be a number.`,
      );
    const lanes = size;
    const flat = new FlatFunction(f, def, 'vmap');
    const result = vmapValues(
      flat.call,
      lanes,
      fronted,
      axes.map((axis) => axis !== null),
    );
    const outs = axesPerLeaf('outAxes', outAxes, flat.outDef, '');
    const outPaths = leafPaths(flat.outDef, 'result');
    return unflatten(
      flat.outDef,
      result.outs.map((out, i) => {
        const axis = outs[i];
        if (axis === null || axis === undefined) {
          if (result.batched[i])
            throw new ShapeError(`vmap: ${outPaths[i]} of ${quoted(f)} depends on the lane, but its outAxes is null.`);
          return out;
        }
        const full = strengthen(result.batched[i] ? out : addLanes(out, lanes));
        const to = axis < 0 ? axis + full.ndim : axis;
        if (to < 0 || to >= full.ndim)
          throw new ShapeError(
            `vmap: ${outPaths[i]} of ${quoted(f)} is ${full.aval} with its lanes, which have no place at axis ${axis}.`,
          );
        return moveAxis(full, 0, to);
      }),
    );
  };
  return standsFor(mapped, f, `vmap(${f.name})`) as never;
}
