/** `NelderMead`. */
import type { RestOf } from '../../../transforms/flat.ts';
import type { NDArray } from '../../array.ts';
import { cond } from '../../control/cond.ts';
import { map } from '../../control/loops.ts';
import { checkNumbers } from '../../core/options.ts';
import type { Value } from '../../core/trace.ts';
import { abs, max } from '../../lax/arithmetic.ts';
import { eq, ge, le, lt, select } from '../../lax/compare.ts';
import { scalar } from '../../lax/creation.ts';
import { and, not, or } from '../../lax/logic.ts';
import { broadcastTo } from '../../lax/movement.ts';
import { reduceMax } from '../../lax/reductions.ts';
import { concatenate } from '../../lax/slicing.ts';
import { argsort } from '../../lax/sort.ts';
import { mean } from '../../numpy/averages.ts';
import { eye } from '../../numpy/creation.ts';
import { take } from '../../numpy/indexing.ts';
import type { ArrayLikes } from '../../tree.ts';
import {
  type BaseState,
  checkFunction,
  IterativeSolver,
  initialState,
  type SolverOptions,
  type Step,
} from '../base.ts';
import { Objective, type ObjectiveOptions } from '../objective.ts';
import type { Given, ObjectiveFunction, ParamsOf } from '../types.ts';
import { dtypeOf, ravel, scalarOf, unravel } from '../vectors.ts';

export interface NelderMeadOptions<F extends ObjectiveFunction = ObjectiveFunction, H extends boolean = boolean>
  extends Omit<SolverOptions, 'implicitDiff'>,
    Pick<ObjectiveOptions<H>, 'hasAux'> {
  /** The objective f(params, …args), which is only evaluated; for derivatives of the solution it must have a gradient. */
  fun: F;
  /** The first simplex has a vertex for each parameter that is longer by this share, or 0.00025 where it is 0. Default 0.05. */
  initialScale?: number;
  /** Coefficients that depend on the number of parameters, better for many of them (Gao & Han, 2012). Default false. */
  adaptive?: boolean;
}

export interface NelderMeadState extends BaseState {
  /** f at the best vertex, rank 0. */
  readonly value: NDArray;
  /** The vertices, best first: [n + 1, n], n the number of all elements of the parameters. */
  readonly simplex: NDArray;
  /** f at the vertices: [n + 1]. */
  readonly values: NDArray;
  /** int32, rank 0: evaluations of f so far. */
  readonly numFunEval: NDArray;
}

/**
 * Minimises f(x, …args) without derivatives, by a simplex that is reflected, expanded, contracted and shrunk (Nelder & Mead, A
 * Simplex Method for Function Minimization, 1965). `state.error` is the largest distance, in any element or in f, of a
 * vertex from the best one. Coefficients, first simplex and steps are SciPy's; a vertex where f is NaN is the worst. The solution is differentiable in `args`, by ∇f = 0.
 *
 * @example
 * const { params } = new NelderMead({ fun: rosenbrock }).run(np.array([-1.2, 1]));
 */
export class NelderMead<
  F extends ObjectiveFunction = ObjectiveFunction,
  H extends boolean = false,
> extends IterativeSolver<Parameters<F>[0], RestOf<F>, NelderMeadState> {
  protected readonly symmetric = true;
  protected override readonly remembered: readonly string[] = ['iterNum', 'simplex', 'values', 'value'];
  private readonly objective: Objective;
  private readonly initialScale: number;
  private readonly adaptive: boolean;

  constructor(options: NelderMeadOptions<F, H>) {
    super('NelderMead', options ?? {}, { maxiter: 1000, tol: 1e-4 }, ['fun', 'hasAux', 'initialScale', 'adaptive']);
    checkFunction('NelderMead', 'fun', options?.fun);
    checkNumbers('NelderMead', options, ['initialScale']);
    this.objective = new Objective(options.fun, { hasAux: options.hasAux ?? false });
    this.initialScale = options.initialScale ?? 0.05;
    this.adaptive = options.adaptive ?? false;
  }

  /** f at a vertex, infinite where it is NaN. */
  private valueAt(x: Value, like: unknown, args: readonly unknown[]): Value {
    const value = this.objective.value(unravel(x, like), args).astype(x.dtype);
    return select(eq(value, value), value, scalar(Number.POSITIVE_INFINITY, x.dtype));
  }

  private valuesAt(vertices: Value, like: unknown, args: readonly unknown[]): Value {
    return map((x: Value) => this.valueAt(x, like, args), vertices) as Value;
  }

  override initState(initParams: ArrayLikes<Parameters<F>[0]>, ...args: Given<RestOf<F>>): NelderMeadState {
    const x = ravel(initParams);
    const n = x.aval.size;
    const longer = select(eq(x, 0), scalar(0.00025, x.dtype), x.mul(1 + this.initialScale));
    const own = eye(n, null, { dtype: x.dtype });
    const others = x.mul(own.neg().add(1)).add(own.mul(longer));
    const simplex = concatenate([x.reshape([1, n]), others], 0);
    const values = this.valuesAt(simplex, initParams, args);
    return {
      ...initialState(dtypeOf(initParams)),
      ...sorted(simplex, values),
      numFunEval: scalar(n + 1, 'int32'),
    };
  }

  override update(
    params: ArrayLikes<Parameters<F>[0]>,
    state: NelderMeadState,
    ...args: Given<RestOf<F>>
  ): Step<ParamsOf<F>, NelderMeadState> {
    const { simplex, values } = state;
    const [rows, n] = simplex.aval.shape as [number, number];
    const { dtype } = simplex;
    const [expansion, contraction, shrinkage] = this.adaptive
      ? [1 + 2 / n, 0.75 - 1 / (2 * n), 1 - 1 / n]
      : [2, 0.5, 0.5];
    const worst = simplex.slice(n);
    const centre = mean(simplex.slice([0, n]), { axis: 0 });
    const away = (factor: Value | number): Value => centre.add(centre.sub(worst).mul(factor));
    const evaluate = (x: Value): Value => this.valueAt(x, params, args);

    const reflected = away(1);
    const atReflected = evaluate(reflected);
    const best = lt(atReflected, values.slice(0));
    const poor = ge(atReflected, values.slice(n - 1));
    const outside = lt(atReflected, values.slice(n));
    // One more point: further, or back before or behind the centre.
    const second = or(best, poor);
    const back = select(outside, scalar(contraction, dtype), scalar(-contraction, dtype));
    const further = away(select(best, scalar(expansion, dtype), back));
    const infinite = scalar(Number.POSITIVE_INFINITY, dtype);
    const atFurther = cond(
      second,
      () => evaluate(further),
      () => infinite,
    ) as Value;
    const contracted = select(outside, le(atFurther, atReflected), lt(atFurther, values.slice(n)));
    const takesFurther = and(second, select(best, lt(atFurther, atReflected), contracted));
    const shrinks = and(and(poor, not(best)), not(takesFurther));

    const replaced = concatenate([simplex.slice([0, n]), select(takesFurther, further, reflected).reshape([1, n])], 0);
    const replacedValues = concatenate(
      [values.slice([0, n]), select(takesFurther, atFurther, atReflected).reshape([1])],
      0,
    );
    const [vertices, found] = cond(
      shrinks,
      () => {
        const first = broadcastTo(simplex.slice(0), [rows, n]);
        const shrunk = first.add(simplex.sub(first).mul(shrinkage));
        return [shrunk, concatenate([values.slice([0, 1]), this.valuesAt(shrunk.slice([1, null]), params, args)], 0)];
      },
      () => [replaced, replacedValues],
    ) as [Value, Value];
    const next = sorted(vertices, found);
    const first = next.simplex.slice(0);
    const spread = max(reduceMax(abs(next.simplex.sub(first))), reduceMax(abs(next.values.sub(next.value))));
    const evaluations = second.astype('int32').add(shrinks.astype('int32').mul(n)).add(1);
    return {
      params: unravel(first, params),
      state: {
        ...state,
        ...next,
        iterNum: state.iterNum.add(1),
        error: scalarOf(spread, state.error.dtype),
        numFunEval: state.numFunEval.add(evaluations),
      },
    };
  }

  /** ∇f. */
  override optimalityFun(params: ArrayLikes<Parameters<F>[0]>, ...args: Given<RestOf<F>>): ParamsOf<F> {
    return this.objective.evaluate(params, args).gradient;
  }
}

/** Vertices in the order of f, best first. */
function sorted(simplex: Value, values: Value): Pick<NelderMeadState, 'simplex' | 'values' | 'value'> {
  const order = argsort(values);
  const ordered = take(values, order);
  return { simplex: take(simplex, order, { axis: 0 }), values: ordered, value: ordered.slice(0) };
}
