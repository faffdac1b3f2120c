import { byteSize } from '../../../src/core/dtype.ts';
import type { Eqn } from '../../../src/core/jaxpr.ts';
import { type Shape, stridesOf } from '../../../src/core/shape.ts';
import type { Access, LowerRule, View } from '../../lower-rule.ts';
import type { Driver } from '../driver.ts';
import { type AddressLeaf, type Fused, forEachTree, mapLeaves, type Tree, viewed } from './tree.ts';

/** Where an equation that gathers or scatters finds or puts elements. */
export function accessOf(eqn: Eqn): Access {
  const rule = eqn.primitive.lower as Extract<LowerRule<unknown>, { kind: 'gather' | 'scatter' }>;
  return rule.access(
    eqn.params,
    eqn.inputs.map((atom) => atom.aval),
  );
}

/** Whether each element of a result of this shape is read from the element of its number. */
export function keepsOrder({ offset, strides }: View, shape: Shape): boolean {
  const own = stridesOf(shape);
  return offset === 0 && shape.every((n, i) => n <= 1 || strides[i] === own[i]);
}

/** Whether the result has its positions in an operand one by one, in order. */
export function positionsInOrder({ positions }: Access, operand: number, shape: Shape): boolean {
  const own = positions.filter((position) => position.operand === operand);
  return own.length === 1 && keepsOrder(own[0]!.view, shape);
}

/** Computed positions as trees: moved inside, and whether all of them were there, where that matters. */
export interface Places {
  readonly at: readonly Tree[];
  readonly inside?: Tree;
}

/** @param given positions as they are computed */
function placed({ positions, fill }: Access, given: readonly Tree[]): Places {
  const at = positions.map(({ room }, k) => clamped(given[k]!, room));
  if (fill === undefined || positions.length === 0) return { at };
  const inside = given
    .map((position, k): Tree => ({ kind: 'op', dtype: 'bool', op: 'eq', args: [position, at[k]!] }))
    .reduce((a, b) => ({ kind: 'op', dtype: 'bool', op: 'and', args: [a, b] }));
  return { at, inside };
}

/** @param change brings a value over the elements into the order in which they are done */
export function placesOf(
  d: Driver,
  eqn: Eqn,
  access: Access,
  shape: Shape,
  change: (value: Fused) => Fused = (value) => value,
): Places {
  const given = access.positions.map(
    ({ operand, view }) => change(viewed(d.fused(eqn.inputs[operand]!), view, shape)).root,
  );
  return placed(access, given);
}

/** How far computed positions lead, if a step along an axis of the operand is as far as `strides` says. */
export const distanceOf = ({ positions }: Access, { at }: Places, strides: readonly number[]): Tree =>
  positions.reduce<Tree>(
    (sum, { axis }, k) => int32('add', sum, int32('mul', at[k]!, constant(strides[axis]!))),
    constant(0),
  );

/**
 * The result of a gather as a tree: positions are computed where elements are read. An operand that is itself computed
 * where it is read is computed at these positions only.
 */
export function gatherTree(d: Driver, eqn: Eqn): Fused {
  const access = accessOf(eqn);
  const { shape } = eqn.outputs[0]!.aval;
  const root = readAt(access, operandOf(d, eqn).root, placesOf(d, eqn, access, shape));
  return { shape, root };
}

/** The same with operands that are given: what is gathered from, and each position over the elements of the result. */
export const gatherFrom = (access: Access, operand: Fused, positions: readonly Tree[]): Tree =>
  readAt(access, operand.root, placed(access, positions));

function readAt(access: Access, operand: Tree, places: Places): Tree {
  const { axes, fill } = access;
  const root = mapLeaves(operand, (leaf): Tree => {
    const unit = leaf.kind === 'iota' ? 1 : byteSize(leaf.buffer.dtype);
    const distance = distanceOf(
      access,
      places,
      leaf.strides.map((stride) => stride * unit),
    );
    const moved = { offset: leaf.offset, strides: axes.map((axis) => (axis === undefined ? 0 : leaf.strides[axis]!)) };
    if (leaf.kind === 'iota') return int32('add', { ...leaf, ...moved }, distance);
    if (distance.kind === 'const') return { ...leaf, ...moved, offset: moved.offset + distance.value / unit };
    const from: AddressLeaf = { kind: 'address', dtype: 'int32', buffer: leaf.buffer, ...moved };
    return { kind: 'gather', dtype: leaf.dtype, args: [from, distance] };
  })!;
  if (!places.inside) return root;
  const missing: Tree = { kind: 'const', dtype: operand.dtype, value: fill! };
  return { kind: 'op', dtype: operand.dtype, op: 'select', args: [places.inside, root, missing] };
}

/** What is gathered from: one that gathers itself is stored first. */
function operandOf(d: Driver, eqn: Eqn): Fused {
  const [x] = eqn.inputs;
  let gathers = false;
  forEachTree(d.fused(x!).root, (tree) => {
    gathers ||= tree.kind === 'gather';
  });
  if (gathers) d.buffer(x!);
  return d.fused(x!);
}

export const constant = (value: number): Tree => ({ kind: 'const', dtype: 'int32', value });

const clamped = (position: Tree, room: number): Tree =>
  room <= 0 ? constant(0) : int32('max', int32('min', position, constant(room)), constant(0));

/** An int32 operation, done at once where its operands are known. */
export function int32(op: 'add' | 'mul' | 'min' | 'max', a: Tree, b: Tree): Tree {
  if (a.kind === 'const' && b.kind === 'const') return constant(known[op](a.value, b.value));
  const neutral = op === 'add' ? 0 : op === 'mul' ? 1 : undefined;
  if (a.kind === 'const' && a.value === neutral) return b;
  if (b.kind === 'const' && b.value === neutral) return a;
  return { kind: 'op', dtype: 'int32', op, args: [a, b] };
}

const known = {
  add: (a: number, b: number): number => (a + b) | 0,
  mul: Math.imul,
  min: Math.min,
  max: Math.max,
};
