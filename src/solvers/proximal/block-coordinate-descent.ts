/** `BlockCoordinateDescent`: one element or row of the parameters after the other. */
import { onArrays, type RestOf } from '../../../transforms/flat.ts';
import { grad } from '../../../transforms/grad.ts';
import { vmap } from '../../../transforms/vectorize.ts';
import type { NDArray } from '../../array.ts';
import { cond } from '../../control/cond.ts';
import { foriLoop } from '../../control/loops.ts';
import { ShapeError } from '../../core/errors.ts';
import { naming } from '../../core/options.ts';
import type { Value } from '../../core/trace.ts';
import { add, div, mul, sqrt, sub } from '../../lax/arithmetic.ts';
import { eq, gt, select } from '../../lax/compare.ts';
import { full } from '../../lax/creation.ts';
import { dynamicIndexInDim } from '../../lax/dynamic-indexing.ts';
import { all, sum } from '../../lax/reductions.ts';
import type { ArrayLikes } from '../../tree.ts';
import * as tree from '../../tree.ts';
import {
  type BaseState,
  checkFunction,
  IterativeSolver,
  initialState,
  type SolverOptions,
  type Step,
} from '../base.ts';
import type { AfterHyperparams, Given } from '../types.ts';
import { dtypeOf } from '../vectors.ts';
import { type CompositeLinearFunction, checkComposite } from './composite.ts';
import type { Prox } from './proximal-gradient.ts';

export interface BlockCoordinateDescentOptions<
  F extends CompositeLinearFunction = CompositeLinearFunction,
  G extends Prox = Prox,
> extends SolverOptions {
  /** The smooth part: one of the composite linear functions of `objectives`, or your own. */
  fun: F;
  /** The proximity operator of g for one block: an element of a vector of parameters, a row of a matrix. */
  blockProx: G;
}

export interface BlockCoordinateDescentState extends BaseState {
  /** X·params: the predictions, which each block's step brings up to date. */
  readonly predictions: NDArray;
}

/** What `run` takes after the initial parameters: the hyperparameters of `blockProx` and the arguments of `fun`. */
type BlockArguments<F extends CompositeLinearFunction, G extends Prox> = AfterHyperparams<Parameters<G>[1], RestOf<F>>;

/**
 * Minimises h(X·w) + ⟨w, b⟩ + Σⱼ g(wⱼ) block by block: wⱼ ← prox(wⱼ − ∇ⱼ/Lⱼ, 1/Lⱼ), with the Lipschitz constants Lⱼ of the
 * function's own partial gradients (Tseng and Yun, A coordinate gradient descent method for nonsmooth separable minimization, 2009).
 * A step is a sweep over all blocks, and reads each column of X twice; predictions X·w follow. `state.error` is the distance of the
 * last two iterates. The solution is differentiable in all arguments but the first, by the fixed point
 * w = prox(w − ∇f(w)).
 *
 * @example
 * const lasso = new BlockCoordinateDescent({ fun: objectives.leastSquares, blockProx: prox.lasso });
 * const { params } = lasso.run(np.zeros([10]), l1reg, [X, y]);
 */
export class BlockCoordinateDescent<
  F extends CompositeLinearFunction = CompositeLinearFunction,
  G extends Prox = Prox,
> extends IterativeSolver<NDArray, BlockArguments<F, G>, BlockCoordinateDescentState> {
  protected readonly symmetric = false;
  private readonly fun: CompositeLinearFunction;
  private readonly blockProx: Prox;

  constructor(options: BlockCoordinateDescentOptions<F, G>) {
    const name = 'BlockCoordinateDescent';
    super(name, options ?? {}, { maxiter: 500, tol: 1e-4 }, ['fun', 'blockProx']);
    checkComposite(name, options.fun);
    checkFunction(name, 'blockProx', options.blockProx);
    this.fun = options.fun;
    this.blockProx = onArrays(options.blockProx);
  }

  /** @throws ShapeError when the parameters have no blocks */
  protected override checkInit(init: unknown): void {
    super.checkInit(init);
    const { leaves, def } = tree.flatten(init);
    if (def.key === '*' && (leaves[0] as NDArray).ndim > 0) return;
    throw new ShapeError(
      `BlockCoordinateDescent.run: the parameters must be an array with a block for each column of X, but are ${naming(init)}.`,
    );
  }

  override initState(
    initParams: ArrayLikes<NDArray>,
    ...args: Given<BlockArguments<F, G>>
  ): BlockCoordinateDescentState {
    const predictions = this.fun.linop(...args.slice(1)).matvec(initParams as NDArray);
    return { ...initialState(dtypeOf(initParams)), predictions };
  }

  override update(
    params: ArrayLikes<NDArray>,
    state: BlockCoordinateDescentState,
    ...given: Given<BlockArguments<F, G>>
  ): Step<NDArray, BlockCoordinateDescentState> {
    const [hyperparams, ...args] = given as readonly unknown[];
    const start = params as NDArray;
    const { subfun, linop, lipschitz, linear } = this.fun;
    const map = linop(...args);
    const slope = grad(subfun);
    const constants = lipschitz(...args).astype(start.dtype);
    // Where a column is zero any step will do.
    const stepsizes = div(1, select(gt(constants, 0), constants, 1));
    const b = linear?.(...args);
    const block = (x: Value, j: Value): Value => dynamicIndexInDim(x, j, 0, false);
    const [next, predictions, squares] = foriLoop(
      0,
      start.shape[0]!,
      (j, [x, predictions, squares]: [NDArray, NDArray, NDArray]) => {
        const partial = map.columnDot(j, slope(predictions, ...args));
        const gradient = (b ? add(partial, block(b, j)) : partial).astype(start.dtype);
        const [old, stepsize] = [block(x, j), block(stepsizes, j)];
        const moved = this.blockProx(sub(old, mul(stepsize, gradient)), hyperparams, stepsize).astype(start.dtype);
        const change = sub(moved, old);
        // Of a sparse solution most elements stay 0.
        const followed = cond(
          all(eq(change, 0)),
          (p: Value, _change: Value) => p,
          (p: Value, change: Value) => map.addColumn(p, j, change),
          predictions,
          change,
        ) as Value;
        return [x.at(j).set(moved), followed, add(squares, sum(mul(change, change)))];
      },
      [start, state.predictions, full([], 0, start.dtype)],
    ) as [Value, Value, Value];
    return { params: next, state: { ...state, iterNum: state.iterNum.add(1), predictions, error: sqrt(squares) } };
  }

  /** prox(w − ∇f(w)) − w, block by block. */
  override optimalityFun(params: ArrayLikes<NDArray>, ...given: Given<BlockArguments<F, G>>): NDArray {
    const [hyperparams, ...args] = given as readonly unknown[];
    const w = params as NDArray;
    const moved = sub(w, (grad(this.fun)(w, ...args) as NDArray).astype(w.dtype));
    const prox = vmap((block: NDArray) => this.blockProx(block, hyperparams, 1).astype(w.dtype));
    return sub(prox(moved) as NDArray, w);
  }
}
