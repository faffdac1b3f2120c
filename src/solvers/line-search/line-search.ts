/** What line searches share: the search for a step along a direction in which an objective falls. */
import type { RestOf } from '../../../transforms/flat.ts';
import type { ArrayLike, NDArray } from '../../array.ts';
import type { DType } from '../../core/dtype.ts';
import { TraceError } from '../../core/errors.ts';
import { checkNumbers, optionsOf } from '../../core/options.ts';
import type { Value } from '../../core/trace.ts';
import { max } from '../../lax/arithmetic.ts';
import { eq, select } from '../../lax/compare.ts';
import { scalar } from '../../lax/creation.ts';
import { toValue } from '../../promote.ts';
import type { ArrayLikes, Like } from '../../tree.ts';
import { checkFunction } from '../base.ts';
import { type Evaluation, Objective, type ObjectiveOptions, objectiveOptions } from '../objective.ts';
import type { ObjectiveAux, ObjectiveFunction, Solution } from '../types.ts';
import { axpy, dot, dtypeOf, negated, scalarOf } from '../vectors.ts';

export interface LineSearchOptions<
  F extends ObjectiveFunction = ObjectiveFunction,
  H extends boolean = boolean,
  V extends boolean = boolean,
> extends ObjectiveOptions<H, V> {
  /** The objective f(params, …args), or what `valueAndGrad` and `hasAux` say. */
  fun: F;
  /** Most steps tried. Default 30. */
  maxiter?: number;
  /** By how much the conditions may be violated. Default 0. */
  tol?: number;
  /** Sufficient decrease: f(x + s d) ≤ f(x) + c1 s fʹ. Default 1e-4. */
  c1?: number;
  /** Curvature: |fʹ(x + s d)| ≤ c2 |fʹ(x)|. Default 0.9. */
  c2?: number;
  /** The largest step. */
  maxStepsize?: number;
  /** The search has at most `maxiter` turns for reverse mode: it can be differentiated. */
  bounded?: boolean;
}

export interface LineSearchPoint<P = any, A extends readonly unknown[] = readonly any[]> {
  /** f at `params`, where it and its gradient are known: rank 0. */
  value?: NDArray;
  /** ∇f at `params`, where known: a tree like the parameters. */
  grad?: P;
  /** A tree like the parameters; the negative gradient if left out. */
  descentDirection?: P;
  /** Further arguments of `fun`. */
  args?: ArrayLikes<A>;
  /** Applied to every point tried, as a projection on a box that rounding must not leave. */
  projection?: (params: P) => P;
}

/** Where the search ended. */
export interface LineSearchState<P = any, X = any> {
  /** int32, rank 0: steps tried. */
  readonly iterNum: NDArray;
  /** The parameters after the step: a tree like those before it. */
  readonly params: P;
  /** f there, rank 0. */
  readonly value: NDArray;
  /** ∇f there: a tree of the shapes and dtypes of the parameters. */
  readonly grad: P;
  /** The auxiliary output of the objective there; null without `hasAux`. */
  readonly aux: X;
  /** By how much the conditions are violated, rank 0, of the dtype of f. */
  readonly error: NDArray;
  /** bool, rank 0: a step satisfies the conditions. */
  readonly done: NDArray;
  /** bool, rank 0: no step satisfies the conditions. The step taken may still decrease f. */
  readonly failed: NDArray;
  /** int32, rank 0: evaluations of the objective. */
  readonly numFunEval: NDArray;
  /** int32, rank 0: evaluations of its gradient. */
  readonly numGradEval: NDArray;
}

export interface LineSearchStep<P = any, X = any> {
  /** The step size found, rank 0, in the widest dtype of the parameters. */
  readonly stepsize: NDArray;
  readonly state: LineSearchState<P, X>;
}

/** f along a line, from a point where it is known. */
export interface Line {
  readonly params: any;
  readonly direction: any;
  readonly args: readonly unknown[];
  readonly value: Value;
  /** The derivative along the direction at the start. */
  readonly slope: Value;
  readonly grad: any;
  /** dtype of step sizes. */
  readonly dtype: DType;
  readonly projection: ((params: any) => any) | undefined;
}

/** A step, and f and its slope there. */
export interface Sample {
  readonly s: Value;
  readonly f: Value;
  readonly slope: Value;
}

export const pick = (pred: Value, a: Sample, b: Sample): Sample => ({
  s: select(pred, a.s, b.s),
  f: select(pred, a.f, b.f),
  slope: select(pred, a.slope, b.slope),
});

export abstract class LineSearch<
  F extends ObjectiveFunction = ObjectiveFunction,
  H extends boolean = false,
  V extends boolean = false,
> {
  protected readonly objective: Objective;
  protected readonly maxiter: number;
  protected readonly tol: number;
  protected readonly c1: number;
  protected readonly c2: number;
  protected readonly bound: { maxSteps?: number };

  constructor(
    name: string,
    options: LineSearchOptions<F, H, V>,
    own: readonly string[],
    defaults: { c1: number; c2: number } = { c1: 1e-4, c2: 0.9 },
  ) {
    optionsOf(name, options ?? {}, [
      ...objectiveOptions,
      'maxiter',
      'tol',
      'c1',
      'c2',
      'maxStepsize',
      'bounded',
      ...own,
    ]);
    // A solver passes its own objective.
    const fun = options?.fun as F | Objective;
    if (!(fun instanceof Objective)) checkFunction(name, 'fun', fun);
    this.objective = fun instanceof Objective ? fun : new Objective(fun, options);
    checkNumbers(name, options, ['maxiter', 'tol', 'c1', 'c2']);
    this.maxiter = options.maxiter ?? 30;
    this.tol = options.tol ?? 0;
    this.c1 = options.c1 ?? defaults.c1;
    this.c2 = options.c2 ?? defaults.c2;
    if (!(this.maxiter >= 1))
      throw new TraceError(`${name}: \`maxiter\` must be at least 1, but it is ${this.maxiter}.`);
    // One turn more than steps: a search that fails returns to the best step.
    this.bound = options.bounded ? { maxSteps: this.maxiter + 1 } : {};
  }

  /** Searches from `params`, beginning with the step `initStepsize`. */
  run<I extends ArrayLikes<Parameters<F>[0]>>(
    initStepsize: ArrayLike,
    params: I,
    point: LineSearchPoint<NoInfer<Like<I>>, RestOf<F>> = {},
  ): LineSearchStep<Solution<Parameters<F>[0], I>, ObjectiveAux<F, H, V>> {
    const args = (point.args ?? []) as readonly unknown[];
    const known = point.value !== undefined && point.grad !== undefined;
    const start: Pick<Evaluation, 'value' | 'gradient'> = known
      ? { value: point.value!, gradient: point.grad }
      : this.objective.evaluate(params, args);
    const direction = point.descentDirection ?? negated(start.gradient);
    const dtype = dtypeOf(params);
    const line: Line = {
      params,
      direction,
      args,
      value: start.value,
      grad: start.gradient,
      slope: scalarOf(dot(start.gradient, direction), start.value.dtype),
      dtype,
      projection: point.projection,
    };
    const { stepsize, state } = this.search(scalarOf(toValue(initStepsize, 'line search'), dtype), line);
    const spent = known ? 0 : 1;
    const { numFunEval, numGradEval } = state;
    return {
      stepsize,
      state: { ...state, numFunEval: numFunEval.add(spent), numGradEval: numGradEval.add(spent) },
    };
  }

  protected abstract search(initStepsize: Value, line: Line): LineSearchStep;

  /** The parameters after a step. */
  protected moved({ params, direction, projection }: Line, stepsize: Value): any {
    const reached = axpy(params, stepsize, direction);
    return projection ? projection(reached) : reached;
  }

  /** f, its gradient and its slope after a step. */
  protected at(line: Line, stepsize: Value): Evaluation & { params: any; slope: Value } {
    const params = this.moved(line, stepsize);
    const found = this.objective.evaluate(params, line.args);
    return { ...found, params, slope: scalarOf(dot(found.gradient, line.direction), found.value.dtype) };
  }
}

/** The part of an error that is positive; infinite where it is NaN. */
export const violation = (error: Value): Value => {
  const known = eq(error, error);
  return select(known, max(error, scalar(0, error.dtype)), scalar(Number.POSITIVE_INFINITY, error.dtype));
};
