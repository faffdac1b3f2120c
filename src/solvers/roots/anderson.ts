/** What `AndersonAcceleration` and `AndersonWrapper` share: a history of points and residuals, and extrapolation from it. */
import type { NDArray } from '../../array.ts';
import { TraceError } from '../../core/errors.ts';
import { checkNumbers } from '../../core/options.ts';
import type { Value } from '../../core/trace.ts';
import { ge } from '../../lax/compare.ts';
import { full } from '../../lax/creation.ts';
import { dynamicUpdateIndexInDim } from '../../lax/dynamic-indexing.ts';
import { and } from '../../lax/logic.ts';
import { broadcastTo, reshape } from '../../lax/movement.ts';
import { concatenate } from '../../lax/slicing.ts';
import { solve } from '../../linalg/solve.ts';
import { eye, ones, zeros } from '../../numpy/creation.ts';
import { matmul } from '../../numpy/products.ts';
import { ravel } from '../vectors.ts';

export interface MixingOptions {
  /** How many iterates are kept, at least 2. Default 5. */
  historySize?: number;
  /** Every so many iterations one is extrapolated; the others are plain. */
  mixingFrequency?: number;
  /** Weight of the residuals in an extrapolated point. Default 1. */
  beta?: number;
  /** Added to the diagonal of the Gram matrix of residuals; larger values help against NaN. Default 1e-5. */
  ridge?: number;
}

export const mixingOptions = ['historySize', 'mixingFrequency', 'beta', 'ridge'] as const;

export interface MixingState {
  /**
   * The last m = `historySize` points from which a plain step was taken, as rows: [m, n], n the number of all elements of the
   * parameters, in the widest dtype among them.
   */
  readonly paramsHistory: NDArray;
  /** These steps, T(x) − x: [m, n]. */
  readonly residualsHistory: NDArray;
  /** Inner products of these residuals: [m, m]. */
  readonly residualGram: NDArray;
}

/** Anderson's mixing of a history. */
export class Mixing {
  private readonly historySize: number;
  private readonly frequency: number;
  private readonly beta: number;
  private readonly ridge: number;

  /** @throws TraceError when `historySize` is less than 2 */
  constructor(name: string, options: MixingOptions, frequency?: number) {
    checkNumbers(name, options, mixingOptions);
    this.historySize = options.historySize ?? 5;
    this.frequency = options.mixingFrequency ?? frequency ?? this.historySize;
    this.beta = options.beta ?? 1;
    this.ridge = options.ridge ?? 1e-5;
    if (!(this.historySize >= 2))
      throw new TraceError(`${name}: \`historySize\` must be at least 2, but it is ${this.historySize}.`);
  }

  initial(params: unknown): MixingState {
    const m = this.historySize;
    const flat = ravel(params);
    const { dtype } = flat;
    return {
      paramsHistory: broadcastTo(flat, [m, flat.aval.size]),
      residualsHistory: zeros([m, flat.aval.size], { dtype }),
      residualGram: zeros([m, m], { dtype }),
    };
  }

  /** Whether the next point is extrapolated. */
  due(iterNum: Value): Value {
    return and(ge(iterNum, this.historySize), iterNum.mod(this.frequency).eq(0));
  }

  /** The weights solve the bordered system [0 1ᵀ; 1 G] [·; α] = [1; 0]: least ‖Σ αᵢ rᵢ‖ with Σ αᵢ = 1. */
  extrapolate({ paramsHistory, residualsHistory, residualGram }: MixingState): Value {
    const m = this.historySize;
    const { dtype } = residualGram;
    const gram = residualGram.add(eye(m, null, { dtype }).mul(this.ridge));
    const column = ones([m, 1], { dtype });
    const top = concatenate([zeros([1, 1], { dtype }), reshape(column, [1, m])], 1);
    const bordered = concatenate([top, concatenate([column, gram], 1)], 0);
    const right = concatenate([full([1], 1, dtype), zeros([m], { dtype })], 0);
    const weights = solve(bordered, right).slice([1, null]);
    return matmul(weights, paramsHistory).add(matmul(weights, residualsHistory).mul(this.beta));
  }

  /** The history with the step `residual` from `point` in place of the oldest. */
  remember(
    { paramsHistory, residualsHistory, residualGram }: MixingState,
    iterNum: Value,
    point: Value,
    residual: Value,
  ): MixingState {
    const position = iterNum.mod(this.historySize);
    const residuals = dynamicUpdateIndexInDim(residualsHistory, residual, position, 0);
    const products = matmul(residuals, residual);
    const rows = dynamicUpdateIndexInDim(residualGram, products, position, 0);
    return {
      paramsHistory: dynamicUpdateIndexInDim(paramsHistory, point, position, 0),
      residualsHistory: residuals,
      residualGram: dynamicUpdateIndexInDim(rows, products, position, 1),
    };
  }
}
