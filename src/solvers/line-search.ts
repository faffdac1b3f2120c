/** What line searches share: the search for a step along a direction in which an objective falls. */
import type { AnyFunction } from '../../transforms/flat.ts';
import type { ArrayLike } from '../array.ts';
import type { DType } from '../core/dtype.ts';
import { TraceError } from '../core/errors.ts';
import { optionsOf } from '../core/options.ts';
import type { Value } from '../core/trace.ts';
import { max } from '../lax/arithmetic.ts';
import { eq, select } from '../lax/compare.ts';
import { scalar } from '../lax/creation.ts';
import { toValue } from '../promote.ts';
import { checkFunction } from './base.ts';
import { type Evaluation, Objective, type ObjectiveOptions, objectiveOptions } from './objective.ts';
import { axpy, dot, dtypeOf, negated, scalarOf } from './vectors.ts';

export interface LineSearchOptions extends ObjectiveOptions {
  /** The objective f(params, …args), or what `valueAndGrad` and `hasAux` say. */
  fun: AnyFunction | Objective;
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

export interface LineSearchPoint {
  /** f and its gradient at `params`, where known. */
  value?: Value;
  grad?: any;
  /** The negative gradient if left out. */
  descentDirection?: any;
  /** Further arguments of `fun`. */
  args?: readonly unknown[];
}

/** Where the search ended. */
export interface LineSearchState {
  /** int32: steps tried. */
  readonly iterNum: Value;
  readonly params: any;
  readonly value: Value;
  readonly grad: any;
  readonly aux: any;
  /** By how much the conditions are violated. */
  readonly error: Value;
  readonly done: Value;
  /** No step satisfies the conditions. The step taken may still decrease f. */
  readonly failed: Value;
  readonly numFunEval: Value;
  readonly numGradEval: Value;
}

export interface LineSearchStep {
  readonly stepsize: Value;
  readonly state: LineSearchState;
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
}

export abstract class LineSearch {
  protected readonly objective: Objective;
  protected readonly maxiter: number;
  protected readonly tol: number;
  protected readonly c1: number;
  protected readonly c2: number;
  protected readonly bound: { maxSteps?: number };

  constructor(name: string, options: LineSearchOptions, own: readonly string[]) {
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
    const { fun } = options ?? {};
    if (!(fun instanceof Objective)) checkFunction(name, 'fun', fun);
    this.objective = fun instanceof Objective ? fun : new Objective(fun, options);
    this.maxiter = options.maxiter ?? 30;
    this.tol = options.tol ?? 0;
    this.c1 = options.c1 ?? 1e-4;
    this.c2 = options.c2 ?? 0.9;
    if (!(this.maxiter >= 1))
      throw new TraceError(`${name}: \`maxiter\` must be at least 1, but it is ${this.maxiter}.`);
    // One turn more than steps: a search that fails returns to the best step.
    this.bound = options.bounded ? { maxSteps: this.maxiter + 1 } : {};
  }

  /** Searches from `params`, beginning with the step `initStepsize`. */
  run(initStepsize: ArrayLike, params: any, point: LineSearchPoint = {}): LineSearchStep {
    const { args = [] } = point;
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

  /** f, its gradient and its slope after a step. */
  protected at(line: Line, stepsize: Value): Evaluation & { params: any; slope: Value } {
    const params = axpy(line.params, stepsize, line.direction);
    const found = this.objective.evaluate(params, line.args);
    return { ...found, params, slope: scalarOf(dot(found.gradient, line.direction), found.value.dtype) };
  }
}

/** The part of an error that is positive; infinite where it is NaN. */
export const violation = (error: Value): Value => {
  const known = eq(error, error);
  return select(known, max(error, scalar(0, error.dtype)), scalar(Number.POSITIVE_INFINITY, error.dtype));
};
