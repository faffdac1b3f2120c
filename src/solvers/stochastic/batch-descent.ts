/** Where gradient descents on batches begin, and what they remember. */
import type { NDArray } from '../../array.ts';
import type { Value } from '../../core/trace.ts';
import { mul } from '../../lax/arithmetic.ts';
import { scalar } from '../../lax/creation.ts';
import * as tree from '../../tree.ts';
import { type BaseState, initialState } from '../base.ts';
import type { Evaluation } from '../objective.ts';
import { dtypeOf } from '../vectors.ts';

export interface BatchDescentState<P = any, X = any> extends BaseState {
  /** f, rank 0, of the dtype of f: before the step, or where the solver says so after it. */
  readonly value: NDArray;
  /** The auxiliary output of the objective before the step; null without `hasAux`. */
  readonly aux: X;
  /** The last step size: rank 0, in the widest dtype of the parameters. */
  readonly stepsize: NDArray;
  /** The last change of the parameters: a tree like them; null without `momentum`. */
  readonly velocity: P | null;
}

/** The state before the first step, at rest. */
export function atRest(params: any, { value, aux }: Evaluation, stepsize: number, momentum: number): BatchDescentState {
  const dtype = dtypeOf(params);
  return {
    ...initialState(dtype),
    value,
    aux,
    stepsize: scalar(stepsize, dtype),
    velocity: momentum === 0 ? null : tree.map((leaf) => mul(leaf as Value, 0), params),
  };
}
