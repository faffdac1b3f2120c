/**
 * Which groups of operations the build makes kernels of: those that are found in the functions below, with operands of
 * these types. What runs outside of `jit` finds them by what they compute.
 */
import { type Group, groupOf, groupOfAll, makersOf } from '../../jit/eager/groups.ts';
import { joinOf } from '../../jit/eager/joins.ts';
import { simplify } from '../../jit/lower/simplify.ts';
import type { FusedRecord } from '../../jit/runtime/fused.ts';
import type { JoinRecord } from '../../jit/runtime/joined.ts';
import { type ShapedArray, shapedArray } from '../core/aval.ts';
import type { DType } from '../core/dtype.ts';
import { type Atom, type Eqn, Var } from '../core/jaxpr.ts';
import { stage } from '../core/stage.ts';
import type { Value } from '../core/trace.ts';
import * as linalg from '../linalg/index.ts';
import * as nn from '../nn/index.ts';
import * as random from '../random/index.ts';
import * as np from './index.ts';

/** Examples whose literals come by value, since users' numbers are among them. */
const withNumbers: readonly Example[] = [
  (x) => np.mod(x, 7),
  (x) => np.heaviside(x, 0.25),
  (x) => np.fmax(x, 0.25),
  (x) => np.fmin(x, 0.25),
  (x) => np.logaddexp(x, 0.25),
  (x) => np.nanToNum(x, { nan: 1, posinf: 2, neginf: 3 }),
  (x) => np.isclose(x, 0.25),
  (x) => np.round(x, { decimals: 3 }),
  (x) => np.polyval([2, 3], x),
  (x) => np.std(x),
  (x) => nn.elu(x, { alpha: 0.75 }),
];

type Example = (x: Value, y: Value, z: Value) => Value | Value[];

const ofOne = (...functions: readonly ((x: Value) => Value | Value[])[]): Example[] =>
  functions.map((f) => (x) => f(x));
const ofTwo = (...functions: readonly ((x: Value, y: Value) => Value)[]): Example[] =>
  functions.map((f) => (x, y) => f(x, y));

const floats: readonly DType[] = ['float64', 'float32'];
const numeric: readonly DType[] = [...floats, 'int32'];

const matrix = [4, 6];
const scalar: number[] = [];
/** Operands of functions of two. */
const pairs: readonly (readonly (readonly number[])[])[] = [
  [matrix, matrix],
  [matrix, scalar],
  [scalar, matrix],
  // A row with every row.
  [matrix, [6]],
];

const examples: readonly (readonly [
  dtypes: readonly DType[],
  shapes: readonly (readonly (readonly number[])[])[],
  all: readonly Example[],
])[] = [
  [
    floats,
    [[matrix]],
    ofOne(
      ...[
        np.sinc,
        np.isfinite,
        np.isinf,
        np.signbit,
        np.nanToNum,
        np.logicalNot,
        np.log10,
        np.nansum,
        np.nanmean,
        np.nanmin,
        np.nanmax,
      ],
      ...[
        np.var,
        np.std,
        np.nanvar,
        np.diff,
        np.trapezoid,
        np.countNonzero,
        np.any,
        np.all,
        linalg.norm,
        nn.standardize,
      ],
      ...[nn.relu, nn.relu6, nn.leakyRelu, nn.elu, nn.gelu, nn.silu, nn.softplus, nn.selu, nn.softmax, nn.logSoftmax],
      (x) => np.var(x, { axis: 1 }),
      (x) => np.nanvar(x, { axis: 1 }),
      (x) => np.round(x, { decimals: 2 }),
      (x) => np.nansum(x, { axis: 1 }),
      (x) => np.gradient(x, { axis: 1 }) as Value,
      (x) => np.diff(x, { axis: 0 }),
      (x) => linalg.norm(x, { ord: 1, axis: 1 }),
      (x) => np.polyval([2, 3, 4], x),
      ...[np.unwrap, np.nanprod, np.nancumsum, np.modf, np.frexp],
      (x) => np.nanmean(x, { axis: 0 }),
      (x) => np.median(x, { axis: 0 }),
    ),
  ],
  [
    floats,
    pairs,
    ofTwo(
      np.logicalAnd,
      np.logicalOr,
      np.logicalXor,
      np.logaddexp,
      np.logaddexp2,
      np.heaviside,
      np.fmax,
      np.fmin,
      (x, y) => np.isclose(x, y),
    ),
  ],
  [
    numeric,
    pairs,
    [
      (x, y) => np.mod(x, y),
      (x, y) => np.floorDivide(x, y),
      // Rows of one operand against one element of the other.
      (x, y) => x.mul(y),
      (x, y) => x.add(y),
      (x, y) => x.sub(y),
    ],
  ],
  [floats, pairs, [(x, y) => x.div(y), (x, y) => np.maximum(x, y), (x, y) => np.minimum(x, y)]],
  [floats, [[matrix, [1]]], ofTwo(np.fmax, np.fmin)],
  [numeric, [[matrix, matrix]], ofTwo((x, y) => np.vecdot(x, y))],
  [numeric, [[matrix, scalar, scalar]], [(x, y, z) => np.clip(x, y, z)]],
  [
    ['int32', 'uint32'],
    [[matrix]],
    ofOne(
      np.diff,
      np.countNonzero,
      np.any,
      np.all,
      np.sinc,
      np.log10,
      np.var,
      np.std,
      np.logicalNot,
      (x) => np.gradient(x, { axis: 1 }) as Value,
    ),
  ],
  [['int32', 'uint32'], pairs, ofTwo(np.logicalAnd, np.logicalOr, np.logicalXor, np.divide)],
  [
    floats,
    [
      [
        [4, 3],
        [4, 3],
      ],
    ],
    [(x, y) => np.cross(x, y)],
  ],
];

const vector = (n: number, dtype: DType): ShapedArray => shapedArray([n], dtype);

/** Functions with positions and counts, made for both ways of their literals. */
const withPositions: readonly (readonly [avals: (dtype: DType) => readonly ShapedArray[], all: readonly Example[]])[] =
  [
    [(dtype) => [vector(10, dtype), vector(7, dtype), vector(7, dtype)], [(x, y, z) => np.interp(x, y, z)]],
    [(dtype) => [vector(10, dtype)], [(x) => np.median(x), (x) => np.histogram(x)[0], (x) => np.histogram(x)[1]]],
    [
      (dtype) => [vector(10, dtype), vector(6, 'int32')],
      [
        (x, at) => np.take(x, at),
        (x, at) => np.take(x, at, { mode: 'clip' }),
        (x, at) => np.takeAlongAxis(x, at),
        (x, at) => x.at(at).add(1),
        (_, at) => np.bincount(at, { length: 9 }),
      ],
    ],
    [
      (dtype) => [shapedArray([5, 5], dtype)],
      [linalg.det, linalg.inv, linalg.eigvalsh, np.tril, np.triu, np.cov].map(
        (f): Example =>
          (x) =>
            f(x),
      ),
    ],
  ];

/** Functions of a key alone. */
const withKey: readonly ((key: Value, options: { dtype: DType }) => Value)[] = [
  (key, options) => random.uniform(key, [7], options),
  (key, options) => random.normal(key, [7], options),
  (key, options) => random.exponential(key, [7], options),
  (key) => random.randint(key, [7], 0, 9),
  (key) => random.bits(key, [7]),
  (key) => random.split(key, 7),
];

type KernelRecord = FusedRecord | JoinRecord;

/** The groups of the functions above. */
export function fusedRecords(): KernelRecord[] {
  const records = new Map<string, KernelRecord>();
  for (const [dtypes, operands, all] of examples)
    for (const dtype of dtypes)
      for (const shapes of operands)
        for (const example of all)
          for (const record of recordsOf(
            example,
            shapes.map((shape) => shapedArray(shape, dtype)),
          ))
            records.set(record.key, record);
  for (const dtype of floats)
    for (const example of withNumbers)
      for (const record of recordsOf(example, [shapedArray(matrix, dtype)], 'byValue')) records.set(record.key, record);
  for (const dtype of floats)
    for (const [avals, all] of withPositions)
      for (const example of all)
        for (const literals of ['baked', 'byValue'] as const)
          for (const record of recordsOf(example, avals(dtype), literals)) records.set(record.key, record);
  for (const dtype of floats)
    for (const example of withKey)
      for (const record of recordsOf((key) => example(key, { dtype }), [vector(2, 'uint32')]))
        records.set(record.key, record);
  return [...records.values()];
}

function recordsOf(
  example: Example,
  avals: readonly ShapedArray[],
  literals: 'baked' | 'byValue' = 'baked',
): KernelRecord[] {
  const { jaxpr: staged } = stage((x, y, z) => [example(x!, y!, z!)].flat(), [...avals]);
  const jaxpr = simplify(staged);
  const makerOf = makersOf(jaxpr);
  const needed = new Set<unknown>(jaxpr.outs.filter((atom) => atom instanceof Var));
  const records: KernelRecord[] = [];
  const together = groupOfAll(jaxpr, makerOf, (roots) => groupOf(roots, makerOf, literals));
  if (together) return [recordOf(together)];
  for (const eqn of [...jaxpr.eqns].reverse()) {
    if (!eqn.outputs.some((v) => needed.has(v))) continue;
    const join = joinOf(eqn, makerOf);
    if (join) {
      records.push({ ...join, elements: join.elements() });
      for (const { atom } of join.arrays) needed.add(atom);
      continue;
    }
    const group = groupOf([eqn], makerOf, literals);
    for (const atom of group ? group.operands.map((operand) => operand.atom) : eqn.inputs) needed.add(atom);
    if (group && isWorthwhile(group)) records.push(recordOf(group));
  }
  return records;
}

const recordOf = ({ key, operands, elements, combine }: Group): FusedRecord => ({
  ...{ key, operands, elements: elements() },
  ...(combine && { combine }),
});

/** A single operation has a kernel already, unless its result is folded or it goes over rows of its operands. */
const isWorthwhile = ({ equations, operands, combine, roots }: Group): boolean =>
  combine
    ? equations > 0
    : equations > 1 ||
      (operands.length === 2 && operands.some(({ byValue, atom }) => byValue || isView(atom, roots[0]!)));

const isView = (atom: Atom, { outputs }: Eqn): boolean => atom.aval.size !== outputs[0]!.aval.size;
