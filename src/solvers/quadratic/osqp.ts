/** `OSQP`: quadratic programs with A x = b and G x ≤ h. */
import type { NDArray } from '../../array.ts';
import { TraceError } from '../../core/errors.ts';
import { optionsOf } from '../../core/options.ts';
import { atUserLine } from '../../core/source.ts';
import type { Value } from '../../core/trace.ts';
import { jit } from '../../jit.ts';
import { zerosLike } from '../../lax/creation.ts';
import { concatenate } from '../../lax/slicing.ts';
import { matmul } from '../../numpy/products.ts';
import type { Arrays } from '../../tree.ts';
import * as tree from '../../tree.ts';
import { type BaseState, type Step, solverOptions } from '../base.ts';
import { norm } from '../vectors.ts';
import type { BoxKKT } from './box-kkt.ts';
import { BoxOSQP } from './box-osqp.ts';
import { primalSpace } from './equality-constrained-qp.ts';
import { type OSQPOptions as AdmmOptions, osqpOptions } from './osqp-options.ts';
import {
  checkQuadratic,
  commonDtype,
  type KKTSolution,
  type LinearConstraints,
  type MatrixProduct,
  operatorOf,
  pair,
  type QuadraticObjective,
  type QuadraticOptions,
  spaceOf,
} from './quadratic.ts';

export interface OSQPOptions extends AdmmOptions, QuadraticOptions {
  /** `(paramsG, x) ↦ G x`, for a G that is not written out. */
  matvecG?: MatrixProduct;
}

/** One kind of constraints, as `run` got it. */
interface Rows {
  readonly matvec: MatrixProduct | undefined;
  readonly params: any;
  readonly right: any;
}

/** The same problem for `BoxOSQP`. */
interface Boxed {
  readonly solver: BoxOSQP;
  readonly args: readonly [obj: unknown, A: unknown, bounds: readonly [l: unknown, u: unknown]];
  readonly init: Partial<BoxKKT> | null;
  /** The parts of a tree like the bounds that belong to A x = b and to G x ≤ h; null where there are none. */
  readonly split: (y: any) => [eq: any, ineq: any];
}

/**
 * Minimises ½ xᵀQx + cᵀx where A x = b and G x ≤ h, by the method of `BoxOSQP`, which see for options, errors and statuses.
 *
 * `run(init, [Q, c], [A, b], [G, h])` gives `params` = { primal, dualEq, dualIneq } with dualIneq ≥ 0 and
 * Qx + c + Aᵀ·dualEq + Gᵀ·dualIneq = 0. One kind of constraints may be null. `init` is a tree like that, parts of it, or
 * null. The solution is differentiable in all that is in Q, c, A, b, G and h. (`BoxOSQP` can go step by step.)
 *
 * @example
 * const Q = np.array([[4, 1], [1, 2]]);
 * const [A, b] = [np.array([[1, 1]]), np.array([1])];
 * const [G, h] = [np.eye(2).neg(), np.zeros([2])];
 * const qp = new solvers.OSQP();
 * const { params, state } = qp.run(null, [Q, np.array([1, 1])], [A, b], [G, h]);
 * // params.primal is [0.25 0.75], params.dualEq [-2.75], params.dualIneq [0. 0.]
 */
export class OSQP {
  private readonly box: BoxOSQP;
  private readonly options: OSQPOptions;
  private readonly whole: (...args: any[]) => any;

  constructor(options: OSQPOptions = {}) {
    optionsOf(name, options, ['matvecQ', 'matvecA', 'matvecG', 'fun', ...osqpOptions, ...solverOptions]);
    checkQuadratic(name, options);
    this.options = options;
    const { matvecA, matvecG } = options;
    this.box = this.solver(matvecA || matvecG);
    const run = (...args: any[]): Step => atUserLine(true, () => this.solve(args[0], args.slice(1)));
    this.whole = options.jit === false ? run : jit(run);
  }

  private solver(product: MatrixProduct | undefined): BoxOSQP {
    const { matvecG: _, matvecA: __, ...others } = this.options;
    return new BoxOSQP({ ...others, ...(product ? { matvecA: product } : {}), jit: false }, name);
  }

  /** @throws TreeError, ShapeError when matrices and vectors do not fit */
  run<X = NDArray, Y = NDArray, Z = NDArray>(
    init: Partial<KKTSolution<X, Y, Z>> | null | undefined,
    paramsObj: QuadraticObjective<X>,
    paramsEq: LinearConstraints<Y> | null | undefined,
    paramsIneq?: LinearConstraints<Z> | null,
  ): Step<KKTSolution<Arrays<X>, Arrays<Y>, Arrays<Z>>, BaseState>;
  run<X = NDArray, Y = NDArray, Z = NDArray>(
    init: Partial<KKTSolution<X, Y, Z>> | null | undefined,
    paramsObj: unknown,
    paramsEq: LinearConstraints<Y> | null | undefined,
    paramsIneq?: LinearConstraints<Z> | null,
  ): Step<KKTSolution<Arrays<X>, Arrays<Y>, Arrays<Z>>, BaseState>;
  run(init: unknown, paramsObj: unknown, paramsEq: unknown, paramsIneq: unknown = null): Step {
    return this.whole(init ?? null, paramsObj, paramsEq ?? null, paramsIneq ?? null);
  }

  private solve(init: Partial<KKTSolution> | null, args: readonly unknown[]): Step<KKTSolution, BaseState> {
    const { solver, args: boxed, init: start, split } = this.boxed(init, args);
    const { params, state } = solver.run(start, ...(boxed as readonly [any, any, any]));
    const [dualEq] = split(params.dualEq);
    const [, dualIneq] = split(params.dualIneq[0]);
    const { iterNum, error, status } = state;
    return { params: { primal: params.primal[0], dualEq, dualIneq }, state: { iterNum, error, status } };
  }

  /** Stationarity, A x − b, and dualIneq · (G x − h). */
  optimalityFun(params: KKTSolution, paramsObj: unknown, paramsEq: unknown, paramsIneq: unknown = null): KKTSolution {
    const { solver, args, init, split } = this.boxed(params, [paramsObj, paramsEq, paramsIneq]);
    const [obj, A, bounds] = args as readonly [any, any, any];
    const y = init!.dualEq;
    const zero = tree.map((leaf: any) => zerosLike(leaf.aval), y);
    const upper = tree.map((leaf: any, bound: any) => bound.astype(leaf.dtype), y, bounds[1]);
    const point = { primal: [params.primal, upper], dualEq: y, dualIneq: [y, zero] };
    const found = solver.optimalityFun(point as unknown as BoxKKT, obj, A, bounds);
    const [eq, ineq] = split(found.dualEq);
    const [, multipliers] = split(y);
    const slack = ineq === null ? null : tree.map((m: any, r: any) => m.mul(r), multipliers, ineq);
    return { primal: found.primal[0], dualEq: eq, dualIneq: slack };
  }

  /** ‖optimalityFun(params, …args)‖₂. */
  l2OptimalityError(params: KKTSolution, paramsObj: unknown, paramsEq: unknown, paramsIneq: unknown = null): NDArray {
    return norm(this.optimalityFun(params, paramsObj, paramsEq, paramsIneq));
  }

  private boxed(init: Partial<KKTSolution> | null, [obj, eq, ineq]: readonly unknown[]): Boxed {
    const { matvecA, matvecG } = this.options;
    if (eq == null && ineq == null)
      throw new TraceError(`${name}.run: there are no constraints.`, {
        hint: 'without constraints the solution is `linalg.solve(Q, c.neg())`',
      });
    const dtype = commonDtype(init, obj, eq, ineq);
    const x = primalSpace(name, this.options, init?.primal, obj, dtype);
    const rows = [this.rows('A', eq, matvecA, x), this.rows('G', ineq, matvecG, x)] as const;
    const [ofA, ofG] = rows;
    const given = rows.filter((r): r is Rows => r !== null);
    const start = [init?.dualEq ?? null, init?.dualIneq ?? null].filter((_, i) => rows[i]);
    const infinite = ofG && tree.map((leaf: Value) => zerosLike(leaf.aval).sub(Number.POSITIVE_INFINITY), ofG.right);
    const lower = [ofA?.right, infinite].filter((_, i) => rows[i]);
    const upper = given.map((r) => r.right);
    const y = start.some((v) => v === null) ? null : start;
    const primal = init?.primal == null ? {} : { primal: [init.primal, null] as const };
    if (matvecA || matvecG) {
      // Where one matrix is a function, both are.
      const products = (all: any[], at: any): any[] =>
        given.map(({ matvec }, i) =>
          matvec ? matvec(all[i], at) : tree.map((m: any, v: any) => matmul(m, v), all[i], at),
        );
      return {
        solver: this.solver(products),
        args: [obj, given.map((r) => r.params), [lower, upper]],
        init: { ...primal, dualEq: y },
        split: (v) => [ofA ? v[0] : null, ofG ? v.at(-1) : null],
      };
    }
    const join = (parts: readonly any[]): any =>
      parts.length === 1 ? parts[0] : tree.map((a: any, b: any) => concatenate([a, b], 0), parts[0], parts[1]);
    const part = (v: any, first: boolean): any => {
      if (!ofA || !ofG) return v;
      return tree.map(
        (leaf: any, a: any) => (first ? leaf.slice([0, a.shape[0]]) : leaf.slice([a.shape[0], null])),
        v,
        ofA.right,
      );
    };
    return {
      solver: this.box,
      args: [obj, join(given.map((r) => r.params)), [join(lower), join(upper)]],
      init: { ...primal, dualEq: y && join(y) },
      split: (v) => [ofA ? part(v, true) : null, ofG ? part(v, false) : null],
    };
  }

  /** Constraints of one kind, as arrays of one dtype that fit. */
  private rows(matrix: string, given: unknown, matvec: MatrixProduct | undefined, x: any): Rows | null {
    if (given == null) return null;
    const [what, vector] = matrix === 'A' ? ['paramsEq', 'b'] : ['paramsIneq', 'h'];
    const [params, right] = pair(`${name}: ${what}`, given, `[${matrix}, ${vector}]`);
    const space = spaceOf(`${name}: ${vector}`, right, x.dtype);
    if (!matvec) operatorOf(name, matrix, undefined, params, x, space);
    const typed = matvec ? params : tree.map((m: any) => m.astype(x.dtype), params);
    return { matvec, params: typed, right: space.like };
  }
}

const name = 'OSQP';
