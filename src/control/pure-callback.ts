/** `pureCallback`: a function written in plain JavaScript as an operation. */

import { checkFunction, flattenArguments } from '../../transforms/flat.ts';
import { NDArray } from '../array.ts';
import type { ComplexArray } from '../complex/complex-array.ts';
import { type ShapedArray, sameType, shapedArray } from '../core/aval.ts';
import { allocate, castNumber, type DType, isDType, type TypedArray } from '../core/dtype.ts';
import { RuleError, ShapeError, TreeError } from '../core/errors.ts';
import { evaluatingTrace } from '../core/evaluate.ts';
import { checkChoice, naming, optionsOf } from '../core/options.ts';
import { exact, type Primitive, primitive } from '../core/primitive.ts';
import { checkShape, type Shape } from '../core/shape.ts';
import { currentSource, withSource } from '../core/source.ts';
import { bind, withTrace } from '../core/trace.ts';
import { broadcastTo, reshape } from '../lax/movement.ts';
import { quoted } from '../syntax/names.ts';
import { type ArrayLikes, type Arrays, flatten, leafPaths, type Tree, type TreeDef, unflatten } from '../tree.ts';

/** What an array will be: any array, what `evalShape` returns, or an object that says it. */
export interface ArrayType {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** The tree of arrays that a tree of types promises. */
export type ArraysOf<T> = T extends ArrayType
  ? NDArray
  : T extends ComplexArray
    ? ComplexArray
    : T extends object
      ? { -readonly [K in keyof T]: ArraysOf<T[K]> }
      : T;

export interface PureCallbackOptions {
  /**
   * What `vmap` does: call the function for each lane (`sequential`, when left out), or once with a leading axis for the lanes
   * on its arguments and results, of length 1 (`expandDims`) or repeated (`broadcastAll`) where an argument does not depend on
   * the lane.
   */
  vmapMethod?: 'sequential' | 'expandDims' | 'broadcastAll';
}

type Host = (args: readonly NDArray[], results: readonly ShapedArray[]) => readonly TypedArray[];

interface PureCallbackParams {
  readonly host: Host;
  readonly name: string;
  readonly results: readonly ShapedArray[];
  readonly method: NonNullable<PureCallbackOptions['vmapMethod']>;
}

/** What it computes is computed at once, whatever is traced around it. */
const invoke = ({ host, results }: PureCallbackParams, args: readonly NDArray[]): readonly TypedArray[] =>
  withTrace(evaluatingTrace, () => host(args, results));

const withLanes = (size: number, { shape, dtype }: ShapedArray): ShapedArray => shapedArray([size, ...shape], dtype);

/** The function for each lane, results one behind the other. */
const laneByLane =
  ({ host, results }: PureCallbackParams, size: number, batched: readonly boolean[]): Host =>
  (args) => {
    const whole = results.map(({ dtype, size: n }) => allocate(dtype, size * n));
    for (let lane = 0; lane < size; lane++)
      host(
        args.map((x, i) => (batched[i] ? x.slice(lane) : x)),
        results,
      ).forEach((data, i) => {
        whole[i]!.set(data as never, lane * results[i]!.size);
      });
    return whole;
  };

/** No effect: a call whose results are not used is left out, and equal calls are one. */
export const pureCallbackP: Primitive<PureCallbackParams> = primitive<PureCallbackParams>({
  name: 'pure_callback',
  type: (_, { results }) => results,
  run: (inputs, params) => [
    ...invoke(
      params,
      inputs.map(({ aval, data }) => NDArray.fromHost(data.slice(), aval)),
    ),
  ],
  accuracy: exact,
  jvp: (_primals, _tangents, { name }) => {
    throw new RuleError(`pureCallback: ${name} is JavaScript, of which there is no derivative.`, {
      hint: 'give a function around it one with `customJvp` or `customVjp`, or call it with `lax.stopGradient(x)`',
    });
  },
  batch: (size, args, batched, params) => {
    const results = params.results.map((aval) => withLanes(size, aval));
    if (params.method === 'sequential') {
      const outs = bind(pureCallbackP, args, { ...params, results, host: laneByLane(params, size, batched) });
      return { outs, batched: results.map(() => true) };
    }
    const lanes = args.map((x, i) => {
      if (batched[i]) return x;
      const expanded = reshape(x, [1, ...x.aval.shape]);
      return params.method === 'expandDims' ? expanded : broadcastTo(expanded, [size, ...x.aval.shape]);
    });
    return { outs: bind(pureCallbackP, lanes, { ...params, results }), batched: results.map(() => true) };
  },
  lower: {
    kind: 'callback',
    handler:
      (params) =>
      (...args) =>
        invoke(params, args as NDArray[]),
  },
});

const isType = (node: unknown): node is ArrayType =>
  typeof node === 'object' && node !== null && 'shape' in node && 'dtype' in node;

/** The types in a tree in order, and its structure. */
function typesIn(tree: unknown): { types: ShapedArray[]; def: TreeDef } {
  const types: ShapedArray[] = [];
  const visit = (node: unknown, path: string): unknown => {
    if (isType(node)) {
      const { shape, dtype } = node;
      if (!isDType(dtype))
        throw new TreeError(`pureCallback: the result${path} has the dtype ${naming(dtype)}, which is none.`);
      return types.push(shapedArray(checkShape(shape, 'pureCallback'), dtype)) - 1;
    }
    if (Array.isArray(node)) return node.map((child, i) => visit(child, `${path}[${i}]`));
    if (node === null || node === undefined) return node;
    if (typeof node === 'object')
      return Object.fromEntries(Object.entries(node).map(([key, child]) => [key, visit(child, `${path}.${key}`)]));
    throw new TreeError(
      `pureCallback: the result${path} must be a type, such as \`{ shape: [3], dtype: 'float32' }\`, but it is ${naming(node)}.`,
    );
  };
  // Flattened, keys are in order.
  const { leaves, def } = flatten<unknown>(visit(tree, ''));
  return { def, types: (leaves as unknown as number[]).map((at) => types[at]!) };
}

/**
 * `f(...args)` as an operation: a function in plain JavaScript, which gets concrete arrays where `args` (a list of trees) holds
 * traced ones, and returns arrays or numbers of the types that `result` promises. Under `jit` it is called when the program
 * runs; it must be pure, since calls that are not needed are left out and equal ones made once. It has no derivative of its own:
 * wrap it with `customJvp` or `customVjp`.
 *
 * @param result a tree of types, `{ shape, dtype }`: arrays and what `evalShape` returns will do
 * @example
 * const sorted = (x) => pureCallback((v) => np.array(v.data().toSorted((a, b) => b - a)), x, [x]);
 * jit(sorted)(np.array([1, 3, 2])); // [3. 2. 1.]
 * @throws ShapeError when `f` returns another type than was promised, TreeError when it returns another structure
 */
export function pureCallback<A extends readonly unknown[], T extends Tree>(
  f: (...args: { -readonly [K in keyof A]: Arrays<A[K]> }) => ArrayLikes<ArraysOf<T>>,
  result: T,
  args: readonly [...A],
  given: PureCallbackOptions = {},
): ArraysOf<T> {
  checkFunction('pureCallback', f);
  const { vmapMethod: method = 'sequential' } = optionsOf('pureCallback', given, ['vmapMethod']);
  checkChoice('pureCallback', '`vmapMethod`', method, ['sequential', 'expandDims', 'broadcastAll']);
  if (!Array.isArray(args))
    throw new TreeError(`pureCallback: the arguments must be a list, but they are ${naming(args)}.`);
  const { types, def } = typesIn(result);
  const { values, def: inDef } = flattenArguments(args, 'pureCallback', f);
  const name = quoted(f);
  const source = currentSource();
  const call = f as (...args: unknown[]) => unknown;
  const host: Host = (arrays, expected) => {
    const returned = withSource(null, () => call(...(unflatten(inDef, arrays) as unknown[])));
    return withSource(source, () => dataOf(returned, expected));
  };
  // Complaints are at the line of the call, of which the program that runs knows nothing.
  const dataOf = (returned: unknown, expected: readonly ShapedArray[]): TypedArray[] => {
    if (returned instanceof Promise) {
      returned.catch(() => {});
      throw new TreeError(`pureCallback: ${name} is async; results must be there when it returns.`);
    }
    const { leaves, def: got } = flatten(returned, (path) => `pureCallback: the result${path} of ${name}`);
    if (String(got) !== String(def))
      throw new TreeError(`pureCallback: ${name} returned the structure ${got}, but ${def} was promised.`);
    return leaves.map((leaf: unknown, i) => {
      const type = expected[i]!;
      if (leaf instanceof NDArray) {
        if (sameType(leaf.aval, type)) return leaf.hostData();
      } else if (type.ndim === 0) {
        const data = allocate(type.dtype, 1);
        data[0] = castNumber(Number(leaf), type.dtype);
        return data;
      }
      const what = leaf instanceof NDArray ? String(leaf.aval) : naming(leaf);
      const path = leafPaths(def)[i]!;
      throw new ShapeError(`pureCallback: ${name} returned ${what}${path && ` at ${path}`}, but ${type} was promised.`);
    });
  };
  const outs = bind(pureCallbackP, values, { host, name, results: types, method } satisfies PureCallbackParams);
  return unflatten(def, outs) as ArraysOf<T>;
}
