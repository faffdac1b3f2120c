/**
 * Quadratic programs as their solvers see them: ½ xᵀQx + cᵀx and linear constraints, on vectors of one dtype. Users give
 * matrices, functions or an objective, and trees of arrays.
 */
import { onArrays } from '../../../transforms/flat.ts';
import { grad } from '../../../transforms/grad.ts';
import { linearTransposeValues } from '../../../transforms/linear-transpose.ts';
import { linearizeValues } from '../../../transforms/linearize.ts';
import { NDArray } from '../../array.ts';
import type { DType } from '../../core/dtype.ts';
import { ShapeError, TraceError, TreeError } from '../../core/errors.ts';
import { evalJaxpr } from '../../core/eval-jaxpr.ts';
import { naming } from '../../core/options.ts';
import type { Value } from '../../core/trace.ts';
import { zeros } from '../../numpy/creation.ts';
import { blockDiag } from '../../numpy/joining.ts';
import { matmul } from '../../numpy/products.ts';
import { matrixTranspose } from '../../numpy/shape.ts';
import { toValue } from '../../promote.ts';
import * as tree from '../../tree.ts';
import { checkFunction } from '../base.ts';
import { ravel, unravel } from '../vectors.ts';

/** A point that may satisfy the Karush–Kuhn–Tucker conditions: variables, and multipliers of both kinds of constraints. */
export interface KKTSolution<X = any, Y = any, Z = any> {
  readonly primal: X;
  readonly dualEq: Y;
  readonly dualIneq: Z;
}

/** [Q, c] of ½ xᵀQx + cᵀx. */
export type QuadraticObjective<X = any> = readonly [Q: any, c: X];
/** [A, b] of A x = b, or [G, h] of G x ≤ h. */
export type LinearConstraints<Y = any> = readonly [A: any, b: Y];

/** A x, given what `run` got in the place of A. */
export type MatrixProduct = (params: any, x: any) => any;

export interface QuadraticOptions {
  /**
   * `(paramsQ, x) ↦ Q x`, for a Q that is not written out; `run` then takes [paramsQ, c]. By default Q is a matrix, or a
   * tree of matrices like x: the blocks of a block-diagonal one.
   */
  matvecQ?: MatrixProduct;
  /** `(paramsA, x) ↦ A x`, likewise. */
  matvecA?: MatrixProduct;
  /** The objective, quadratic in x: `fun(x, paramsObj)`, in place of Q and c. `run` then needs an initial primal solution. */
  fun?: (x: any, paramsObj: any) => any;
}

/** @throws TraceError when an option is no function, or when there are two objectives */
export function checkQuadratic(solver: string, options: QuadraticOptions & { matvecG?: MatrixProduct }): void {
  for (const name of ['matvecQ', 'matvecA', 'matvecG', 'fun'] as const)
    if (options[name] !== undefined) checkFunction(solver, name, options[name]);
  if (options.fun && options.matvecQ)
    throw new TraceError(
      `${solver}: \`fun\` and \`matvecQ\` are two ways to give the objective; only one can be given.`,
    );
}

/** A tree of arrays as a vector of one dtype. */
export interface Space {
  readonly size: number;
  readonly dtype: DType;
  readonly like: any;
  readonly flat: (x: any) => Value;
  readonly tree: (flat: Value) => any;
}

export function spaceOf(what: string, like: unknown, dtype: DType): Space {
  const typed = tree.map((leaf: any) => floating(leaf, what, dtype), like as any);
  const { def, leaves } = tree.flatten(typed, what);
  const shapes = (leaves as Value[]).map((v) => String(v.shape));
  return {
    size: (leaves as Value[]).reduce((n, v) => n + v.size, 0),
    dtype,
    like: typed,
    flat: (x) => {
      const given = tree.flatten(x, what);
      if (given.def.key !== def.key) throw new TreeError(`${what} has structure ${given.def}, where ${def} is needed.`);
      const values = given.leaves.map((leaf) => floating(leaf, what, dtype));
      const wrong = values.findIndex((v, i) => String(v.shape) !== shapes[i]);
      if (wrong >= 0)
        throw new ShapeError(
          `${what}: an array is ${values[wrong]!.aval}, where ${(leaves[wrong] as Value).aval} is needed.`,
        );
      return ravel(values);
    },
    tree: (flat) => unravel(flat, typed),
  };
}

const floating = (leaf: unknown, what: string, dtype: DType): Value => {
  const value = toValue(leaf as Value, what);
  return value.dtype === dtype && !value.aval.weakType ? value : value.astype(dtype);
};

/** float64 if any array is, else float32. */
export const commonDtype = (...trees: readonly unknown[]): DType =>
  tree.leaves(trees).some((leaf) => leaf instanceof NDArray && leaf.dtype === 'float64' && !leaf.aval.weakType)
    ? 'float64'
    : 'float32';

/** A linear map between two spaces, and its matrix where that was given. */
export interface LinearOperator {
  readonly times: (x: Value) => Value;
  /** The transpose. */
  readonly back: (y: Value) => Value;
  readonly matrix: Value | undefined;
}

/** ½ xᵀQx + cᵀx. */
export interface Quadratic {
  readonly Q: LinearOperator;
  readonly c: Value;
}

/** A pair, as lists and tuples are. */
export function pair(what: string, given: unknown, names: string): readonly [any, any] {
  if (Array.isArray(given) && given.length === 2) return given as unknown as [any, any];
  const shown = given instanceof NDArray ? String(given.aval) : naming(given);
  const found = Array.isArray(given) ? `a list of ${given.length}` : shown;
  throw new TreeError(`${what} must be a pair ${names}, but it is ${found}.`);
}

/** Q and c as `run` got them. */
export function quadraticOf(
  solver: string,
  { fun, matvecQ }: QuadraticOptions,
  paramsObj: unknown,
  x: Space,
): Quadratic {
  if (!fun) {
    const [Q, c] = pair(`${solver}: paramsObj`, paramsObj, '[Q, c]');
    return { Q: operatorOf(solver, 'Q', matvecQ, Q, x, x), c: x.flat(c) };
  }
  // ∇f(x) = Q x + c: c is the gradient at 0, and x ↦ Q x its derivative.
  const gradient = grad((point: any) => onArrays(fun)(point, paramsObj)) as (point: any) => any;
  const { outs, jaxpr, residuals } = linearizeValues(
    (point) => [x.flat(gradient(x.tree(point!)))],
    [zeros([x.size], { dtype: x.dtype })],
  );
  const times = (v: Value): Value => evalJaxpr(jaxpr, [...residuals, v])[0]!;
  return { Q: { times, back: times, matrix: undefined }, c: outs[0]! };
}

/** A linear map as `run` got it: what `matvec` takes, or a matrix for each leaf. */
export function operatorOf(
  solver: string,
  name: string,
  matvec: MatrixProduct | undefined,
  params: unknown,
  x: Space,
  out: Space,
): LinearOperator {
  if (matvec) {
    const product = onArrays(matvec);
    return withBack((v) => out.flat(product(params, x.tree(v))), x, name === 'Q');
  }
  const blocks = tree.flatten(params, `${solver}: ${name}`);
  const xs = tree.flatten(x.like);
  if (blocks.def.key !== xs.def.key)
    throw new TreeError(
      `${solver}: ${name} has structure ${blocks.def}, but the variables have structure ${xs.def}; it must be a matrix for each of their arrays.`,
      { hint: `a ${name} of another form: \`matvec${name}: (params${name}, x) => …\`` },
    );
  const matrices = blocks.leaves.map((leaf) => floating(leaf, `${solver}: ${name}`, x.dtype));
  const outs = tree.leaves(out.like) as Value[];
  matrices.forEach((m, i) => {
    const from = xs.leaves[i] as Value;
    const to = outs[i];
    const fits = to && m.ndim === 2 && m.shape[1] === from.shape[0] && m.shape[0] === to.shape[0];
    if (!fits)
      throw new ShapeError(
        `${solver}: ${name} is ${m.aval}, which does not map ${from.aval} to ${to ? to.aval : 'anything'}.`,
      );
  });
  if (matrices.length === 1 && (xs.leaves[0] as Value).ndim === 1) {
    const [matrix] = matrices as [Value];
    return { times: (v) => matmul(matrix, v), back: (v) => matmul(matrixTranspose(matrix), v), matrix };
  }
  const times = (v: Value): Value => {
    const parts = tree.leaves(x.tree(v)) as Value[];
    return ravel(matrices.map((m, i) => matmul(m, parts[i]!)));
  };
  const operator = withBack(times, x, name === 'Q');
  // Of several blocks, the whole matrix.
  return (xs.leaves as Value[]).every((v) => v.ndim === 1) ? { ...operator, matrix: blockDiag(matrices) } : operator;
}

function withBack(times: (x: Value) => Value, x: Space, symmetric: boolean): LinearOperator {
  if (symmetric) return { times, back: times, matrix: undefined };
  const back = linearTransposeValues(([v]) => [times(v!)], [zeros([x.size], { dtype: x.dtype })]);
  return { times, back: (y) => back([y])[0]!, matrix: undefined };
}
