/** `Bisection`. */
import { flattenArguments, type RestOf, type ScalarFunction } from '../../../transforms/flat.ts';
import type { ArrayLike, NDArray } from '../../array.ts';
import type { DType } from '../../core/dtype.ts';
import { ShapeError } from '../../core/errors.ts';
import type { Value } from '../../core/trace.ts';
import type { StatusName } from '../../implicit/status.ts';
import { abs } from '../../lax/arithmetic.ts';
import { eq, gt, select } from '../../lax/compare.ts';
import { scalar } from '../../lax/creation.ts';
import { and, not } from '../../lax/logic.ts';
import { array } from '../../numpy/array.ts';
import { toValue } from '../../promote.ts';
import * as tree from '../../tree.ts';
import {
  type BaseState,
  checkFunction,
  IterativeSolver,
  initialState,
  type SolverOptions,
  type Step,
  withAux,
} from '../base.ts';
import type { AuxIf, Given } from '../types.ts';
import { dtypeOf, scalarOf } from '../vectors.ts';

export interface BisectionOptions<F extends ScalarFunction = ScalarFunction, H extends boolean = boolean>
  extends Omit<SolverOptions, 'implicitDiff'> {
  /** A scalar function f(x, …args) of a scalar, with different signs at `lower` and `upper`. */
  optimalityFun: F;
  lower: ArrayLike;
  upper: ArrayLike;
  /** Where the signs at the ends are equal, take no step and report the status `bracket`. Default true. */
  checkBracket?: boolean;
  /** `optimalityFun` returns a pair [value, aux]. */
  hasAux?: H;
}

/** All arrays but `iterNum`, `status` and `sign` have the dtype of the interval. */
export interface BisectionState<X = any> extends BaseState {
  /** f at the last middle, rank 0; infinite before the first step. */
  readonly value: NDArray;
  /** The lower end of the interval, rank 0. */
  readonly low: NDArray;
  /** The upper end of the interval, rank 0. */
  readonly high: NDArray;
  /** int32, rank 0: 1 where f increases from `lower` to `upper`, −1 where it decreases, 0 where its signs there are equal. */
  readonly sign: NDArray;
  /** The auxiliary output of `optimalityFun` at the last evaluation; null without `hasAux`. */
  readonly aux: X;
}

/**
 * A root of a scalar function by halving an interval. `state.error` is |f| at the middle. The initial guess is ignored and
 * may be left out. The root is differentiable in `args`, and does not depend on the interval. The dtype is that of the
 * bounds if these are arrays, else the widest among `args`. Options and defaults follow JAXopt's.
 *
 * @example
 * const solver = new Bisection({ optimalityFun: (x, a) => x.mul(x).sub(a), lower: 0, upper: 2 });
 * solver.run(null, 2).params; // 1.41421
 */
export class Bisection<F extends ScalarFunction = ScalarFunction, H extends boolean = false> extends IterativeSolver<
  NDArray,
  RestOf<F>,
  BisectionState<AuxIf<F, H>>
> {
  protected readonly symmetric = true;
  private readonly fun: (...args: readonly unknown[]) => [value: any, aux: any];
  private readonly bounds: readonly [lower: ArrayLike, upper: ArrayLike];
  private readonly dtype: DType | undefined;
  private readonly checkBracket: boolean;

  constructor(options: BisectionOptions<F, H>) {
    super('Bisection', options ?? {}, { maxiter: 30, tol: 1e-5 }, [
      'optimalityFun',
      'lower',
      'upper',
      'checkBracket',
      'hasAux',
    ]);
    checkFunction('Bisection', 'optimalityFun', options?.optimalityFun);
    const fun = withAux(options.optimalityFun, options.hasAux ?? false);
    this.fun = (...args) => {
      const [found, aux] = fun(...args);
      const { aval } = toValue(found, 'Bisection');
      if (aval.ndim > 0)
        throw new ShapeError(`Bisection: \`optimalityFun\` must return a scalar, but it returned ${aval}.`, {
          hint: 'many roots at once: `vmap` of a function that runs the solver',
        });
      return [found, aux];
    };
    // Arrays, not literals: other bounds need no other code.
    const bound = (x: ArrayLike): ArrayLike => (typeof x === 'number' ? array(x, { dtype: 'float64' }) : x);
    this.bounds = [bound(options.lower), bound(options.upper)];
    const given = [options.lower, options.upper]
      .filter((x) => typeof x !== 'number')
      .map((x) => toValue(x, 'Bisection'));
    this.dtype = given.length > 0 ? dtypeOf(given) : undefined;
    this.checkBracket = options.checkBracket ?? true;
  }

  private ends(args: readonly unknown[]): [low: Value, high: Value] {
    const floats = flattenArguments(args, 'Bisection').values.filter((v) => v.aval.isFloating && !v.aval.weakType);
    const dtype = this.dtype ?? dtypeOf(floats);
    const [lower, upper] = this.bounds;
    return [scalarOf(toValue(lower, 'Bisection'), dtype), scalarOf(toValue(upper, 'Bisection'), dtype)];
  }

  /** Nothing is needed: the bounds are where it starts. */
  protected override checkInit(): void {}

  override run(
    initParams?: ArrayLike | Step<ArrayLike, BisectionState<AuxIf<F, H>>> | null,
    ...args: Given<RestOf<F>>
  ): Step<NDArray, BisectionState<AuxIf<F, H>>> {
    return super.run((initParams ?? null) as ArrayLike, ...args);
  }

  protected override start(_init: unknown, args: readonly unknown[]): unknown {
    const [low, high] = this.ends(args);
    return low.add(high).mul(0.5);
  }

  override initState(_init: ArrayLike | null, ...args: Given<RestOf<F>>): BisectionState<AuxIf<F, H>> {
    const [low, high] = this.ends(args);
    const [atLow, aux] = this.fun(low, ...args);
    const [atHigh] = this.fun(high, ...args);
    const one = scalar(1, 'int32');
    const falls = select(and(gt(atLow, 0), not(gt(atHigh, 0))), one.neg(), scalar(0, 'int32'));
    const rises = and(gt(0, atLow), not(gt(0, atHigh)));
    return {
      ...initialState(low.dtype),
      value: scalarOf(Number.POSITIVE_INFINITY, low.dtype),
      low,
      high,
      sign: select(rises, one, falls),
      aux: (aux === null ? null : tree.map((leaf: NDArray) => leaf, aux)) as AuxIf<F, H>,
    };
  }

  override update(
    _params: ArrayLike,
    state: BisectionState<AuxIf<F, H>>,
    ...args: Given<RestOf<F>>
  ): Step<NDArray, BisectionState<AuxIf<F, H>>> {
    const { low, high, sign } = state;
    const middle = low.add(high).mul(0.5);
    const [found, aux] = this.fun(middle, ...args);
    const value = scalarOf(found, low.dtype);
    const above = gt(sign.astype(low.dtype).mul(value), 0);
    return {
      params: middle,
      state: {
        ...state,
        iterNum: state.iterNum.add(1),
        error: abs(value),
        value,
        low: select(above, low, middle),
        high: select(above, middle, high),
        aux,
      },
    };
  }

  override optimalityFun(params: ArrayLike, ...args: Given<RestOf<F>>): NDArray {
    return this.fun(params, ...args)[0];
  }

  private unbracketed({ sign }: BisectionState<AuxIf<F, H>>): Value {
    return eq(sign, 0);
  }

  protected override goesOn(state: BisectionState<AuxIf<F, H>>): Value {
    const more = super.goesOn(state);
    return this.checkBracket ? and(more, not(this.unbracketed(state))) : more;
  }

  protected override failures(state: BisectionState<AuxIf<F, H>>): readonly (readonly [Value, StatusName])[] {
    return this.checkBracket ? [[this.unbracketed(state), 'bracket']] : [];
  }
}
