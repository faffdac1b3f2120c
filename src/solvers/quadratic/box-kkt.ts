/** Problems with l ≤ A x ≤ u and their solutions, as users give and get them. */
import type { Value } from '../../core/trace.ts';
import { gt, lt, select } from '../../lax/compare.ts';
import { full } from '../../lax/creation.ts';
import { zeros } from '../../numpy/creation.ts';
import { clip } from '../../numpy/elementwise.ts';
import type { BoxProblem } from './box-problem.ts';
import { primalSpace } from './equality-constrained-qp.ts';
import {
  commonDtype,
  type KKTSolution,
  operatorOf,
  pair,
  type QuadraticOptions,
  quadraticOf,
  spaceOf,
} from './quadratic.ts';

/** [x, z], and multipliers y of A x = z and [μ, φ] of z ≤ u and l ≤ z: y = μ − φ. */
export type BoxKKT<X = any, Z = any> = KKTSolution<readonly [x: X, z: Z], Z, readonly [mu: Z, phi: Z]>;

/** The problem that `run(init, paramsObj, A, [l, u])` means. */
export function problemOf(
  name: string,
  options: QuadraticOptions,
  init: Partial<BoxKKT> | null,
  args: readonly unknown[],
): BoxProblem {
  const [paramsObj, paramsA, bounds] = args;
  const [l, u] = pair(`${name}: paramsIneq`, bounds, '[l, u]');
  const dtype = commonDtype(init, args);
  const x = primalSpace(name, options, init?.primal?.[0], paramsObj, dtype);
  const z = spaceOf(`${name}: the bounds`, u, dtype);
  const A = operatorOf(name, 'A', options.matvecA, paramsA, x, z);
  return { ...quadraticOf(name, options, paramsObj, x), x, z, A, lower: z.flat(l), upper: z.flat(u) };
}

/** x as a tree, z and y as vectors, with the multipliers of both bounds. */
export function pointOf({ z: rows }: BoxProblem, x: unknown, z: Value, y: Value): BoxKKT {
  const zero = full(y.shape, 0, y.dtype);
  const mu = select(gt(y, 0), y, zero);
  const phi = select(lt(y, 0), y.neg(), zero);
  return { primal: [x, rows.tree(z)], dualEq: rows.tree(y), dualIneq: [rows.tree(mu), rows.tree(phi)] };
}

/** What is given of a point; else x = 0, the z nearest to A x, y = 0. */
export function startOf(problem: BoxProblem, init: Partial<BoxKKT> | null): BoxKKT {
  const { x, z, A, lower, upper } = problem;
  const { dtype } = x;
  const primal = init?.primal?.[0] == null ? zeros([x.size], { dtype }) : x.flat(init.primal[0]);
  const rows = init?.primal?.[1] == null ? clip(A.times(primal), lower, upper) : z.flat(init.primal[1]);
  const y = init?.dualEq == null ? zeros([z.size], { dtype }) : z.flat(init.dualEq);
  return pointOf(problem, x.tree(primal), rows, y);
}

/** What is left of the conditions of Karush, Kuhn and Tucker. */
export function conditionsAt(problem: BoxProblem, { primal, dualEq, dualIneq }: BoxKKT): BoxKKT {
  const { x: xs, z: zs, Q, A, c, lower, upper } = problem;
  const [x, z, y] = [xs.flat(primal[0]), zs.flat(primal[1]), zs.flat(dualEq)];
  const [mu, phi] = [zs.flat(dualIneq[0]), zs.flat(dualIneq[1])];
  const zero = full(z.shape, 0, z.dtype);
  const above = select(lt(upper, Number.POSITIVE_INFINITY), z.sub(upper), zero);
  const below = select(gt(lower, Number.NEGATIVE_INFINITY), lower.sub(z), zero);
  return {
    primal: [xs.tree(Q.times(x).add(c).add(A.back(y))), zs.tree(mu.sub(phi).sub(y))],
    dualEq: zs.tree(A.times(x).sub(z)),
    dualIneq: [zs.tree(mu.mul(above)), zs.tree(phi.mul(below))],
  };
}
