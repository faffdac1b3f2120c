/** `BacktrackingLineSearch`. */

import { whileLoop } from '../../control/loops.ts';
import { TraceError } from '../../core/errors.ts';
import { checkNumbers } from '../../core/options.ts';
import type { Value } from '../../core/trace.ts';
import { abs, max, min, mul, sub } from '../../lax/arithmetic.ts';
import { le, lt } from '../../lax/compare.ts';
import { scalar } from '../../lax/creation.ts';
import { and, not } from '../../lax/logic.ts';
import type { ObjectiveFunction } from '../types.ts';
import { scalarOf } from '../vectors.ts';
import { type Line, LineSearch, type LineSearchOptions, type LineSearchStep, violation } from './line-search.ts';

export type LineSearchCondition = 'armijo' | 'goldstein' | 'wolfe' | 'strong-wolfe';

export interface BacktrackingOptions<
  F extends ObjectiveFunction = ObjectiveFunction,
  H extends boolean = boolean,
  V extends boolean = boolean,
> extends LineSearchOptions<F, H, V> {
  /** Default 'strong-wolfe'. */
  condition?: LineSearchCondition;
  /** By how much a step is shortened. Default 0.8. */
  decreaseFactor?: number;
}

export const lineSearchConditions: readonly string[] = ['armijo', 'goldstein', 'wolfe', 'strong-wolfe'];

/**
 * Shortens a step until it satisfies a condition (Nocedal & Wright, Numerical Optimization, section 3.1). Steps where f is
 * NaN or infinite are too long. Options and defaults follow JAXopt's.
 *
 * @example
 * const search = new BacktrackingLineSearch({ fun, condition: 'armijo' });
 * const { stepsize, state } = search.run(1, x); // state.params is x − stepsize·∇f(x)
 * @throws TraceError when `condition` is not one of the four
 */
export class BacktrackingLineSearch<
  F extends ObjectiveFunction = ObjectiveFunction,
  H extends boolean = false,
  V extends boolean = false,
> extends LineSearch<F, H, V> {
  private readonly condition: LineSearchCondition;
  private readonly decreaseFactor: number;
  private readonly maxStepsize: number;

  constructor(options: BacktrackingOptions<F, H, V>) {
    super('BacktrackingLineSearch', options, ['condition', 'decreaseFactor']);
    checkNumbers('BacktrackingLineSearch', options, ['decreaseFactor', 'maxStepsize']);
    this.condition = options.condition ?? 'strong-wolfe';
    this.decreaseFactor = options.decreaseFactor ?? 0.8;
    this.maxStepsize = options.maxStepsize ?? 1;
    if (!lineSearchConditions.includes(this.condition))
      throw new TraceError(
        `BacktrackingLineSearch: \`condition\` is ${JSON.stringify(this.condition)}, but must be one of ${lineSearchConditions.map((c) => JSON.stringify(c)).join(', ')}.`,
      );
  }

  protected search(initStepsize: Value, line: Line): LineSearchStep {
    const zero = scalar(0, 'int32');
    const needsSlope = this.condition === 'wolfe' || this.condition === 'strong-wolfe';
    /** Conditions on the value alone need no gradient until the step is found. */
    const tryStep = (stepsize: Value) => {
      if (needsSlope) return this.at(line, stepsize);
      const value = this.objective.value(this.moved(line, stepsize), line.args);
      return { value, gradient: null, aux: null, slope: line.slope };
    };
    const first = scalarOf(min(initStepsize, this.maxStepsize), line.dtype);
    const step = (stepsize: Value, k: Value) => {
      const { value, slope, gradient, aux } = tryStep(stepsize);
      const error = this.error(line, stepsize, value, slope);
      return { stepsize, k: k.add(1), value, grad: gradient, aux, error, done: le(error, this.tol) };
    };
    const found = whileLoop(
      ({ k, done }: any) => and(not(done), lt(k, this.maxiter)),
      ({ stepsize, k }: any) => step(mul(stepsize, this.decreaseFactor), k),
      step(first, zero),
      this.bound,
    ) as any;
    const { stepsize, k, error, done } = found;
    const last = needsSlope
      ? { ...found, gradient: found.grad, params: this.moved(line, stepsize) }
      : this.at(line, stepsize);
    const evaluations = needsSlope ? k : k.add(1);
    return {
      stepsize,
      state: {
        iterNum: k,
        params: last.params,
        value: last.value,
        grad: last.gradient,
        aux: last.aux,
        error,
        done,
        failed: not(done),
        numFunEval: evaluations,
        numGradEval: needsSlope ? k : scalar(1, 'int32'),
      },
    };
  }

  private error(line: Line, stepsize: Value, value: Value, slope: Value): Value {
    const s = scalarOf(stepsize, value.dtype);
    const decrease = violation(sub(value, line.value.add(s.mul(line.slope).mul(this.c1))));
    switch (this.condition) {
      case 'armijo':
        return decrease;
      case 'strong-wolfe':
        return max(decrease, violation(sub(abs(slope), abs(line.slope).mul(this.c2))));
      case 'wolfe':
        return max(decrease, violation(sub(line.slope.mul(this.c2), slope)));
      case 'goldstein':
        return max(decrease, violation(sub(line.value.add(s.mul(line.slope).mul(1 - this.c1)), value)));
    }
  }
}
