/** `MirrorDescent`, and steps for it. */
import { onArrays, type RestOf } from '../../../transforms/flat.ts';
import type { ArrayLike, NDArray } from '../../array.ts';
import { TraceError } from '../../core/errors.ts';
import { naming } from '../../core/options.ts';
import type { Value } from '../../core/trace.ts';
import { div, mul, neg, sub } from '../../lax/arithmetic.ts';
import { gt, select } from '../../lax/compare.ts';
import { reduceMax, sum } from '../../lax/reductions.ts';
import { stopGradient } from '../../lax/stop-gradient.ts';
import { exp } from '../../lax/transcendental.ts';
import { toFloating, toValue } from '../../promote.ts';
import type { ArrayLikes, Arrays } from '../../tree.ts';
import * as tree from '../../tree.ts';
import {
  type BaseState,
  checkFunction,
  IterativeSolver,
  initialState,
  type SolverOptions,
  type Step,
} from '../base.ts';
import { Objective, type ObjectiveOptions, objectiveOptions } from '../objective.ts';
import type { AfterHyperparams, Given, ObjectiveAux, ObjectiveFunction, ParamsOf } from '../types.ts';
import { axpy, dtypeOf, minus, norm, scalarOf } from '../vectors.ts';
import type { Projection } from './projected-gradient.ts';

/** A step from x along −gradient, in the geometry of a mirror map: argmin over p in a set of ⟨p, stepsize·gradient⟩ + D(p, x). */
export type ProjectionGrad<P = any, Y = any> = (x: P, gradient: P, stepsize: NDArray | number, hyperparams: Y) => P;

export interface MirrorDescentOptions<
  F extends ObjectiveFunction = ObjectiveFunction,
  G extends ProjectionGrad = ProjectionGrad,
  H extends boolean = boolean,
  V extends boolean = boolean,
> extends SolverOptions,
    ObjectiveOptions<H, V> {
  /** The objective f(params, …args), or what `valueAndGrad` and `hasAux` say. */
  fun: F;
  /** The step: `klProjectionGrad`, one of `makeProjectionGrad`, or your own. */
  projectionGrad: G;
  /** A constant step size, or a function of the iteration number. */
  stepsize: number | ((iterNum: Value) => Value | number);
}

export interface MirrorDescentState<X = any> extends BaseState {
  /** The auxiliary output of the objective at the last evaluation; null without `hasAux`. */
  readonly aux: X;
}

/** What `run` takes after the initial parameters: the hyperparameters of `projectionGrad` and the arguments of `fun`. */
type MirrorArguments<F extends ObjectiveFunction, G extends ProjectionGrad> = AfterHyperparams<
  Parameters<G>[3],
  RestOf<F>
>;

/**
 * Mirror descent (Nemirovski and Yudin, Problem Complexity and Method Efficiency in Optimization, 1983; Beck and Teboulle, Mirror
 * descent and nonlinear projected subgradient methods, 2003): x ← projectionGrad(x, ∇f(x), stepsize). `state.error` is the
 * distance of the last two iterates over the step size. `run(initParams, hyperparams, …args)`; the solution is differentiable
 * in all but the first, by the fixed point x = projectionGrad(x, ∇f(x), 1).
 *
 * @example
 * const fun = (p, costs) => np.sum(p.mul(costs)).add(np.sum(p.mul(p)));
 * const solver = new MirrorDescent({ fun, projectionGrad: klProjectionGrad, stepsize: 0.3, tol: 1e-5 });
 * np.round(solver.run(np.full([3], 1 / 3), 1, np.array([0, 0.5, 2])).params, { decimals: 3 }); // [0.625 0.375 0.   ]
 */
export class MirrorDescent<
  F extends ObjectiveFunction = ObjectiveFunction,
  G extends ProjectionGrad = ProjectionGrad,
  H extends boolean = false,
  V extends boolean = false,
> extends IterativeSolver<Parameters<F>[0], MirrorArguments<F, G>, MirrorDescentState<ObjectiveAux<F, H, V>>> {
  protected readonly symmetric = false;
  private readonly objective: Objective;
  private readonly projectionGrad: ProjectionGrad;
  private readonly stepsize: MirrorDescentOptions['stepsize'];

  constructor(options: MirrorDescentOptions<F, G, H, V>) {
    const name = 'MirrorDescent';
    super(name, options ?? {}, { maxiter: 500, tol: 1e-2 }, [...objectiveOptions, 'projectionGrad', 'stepsize']);
    checkFunction(name, 'fun', options?.fun);
    checkFunction(name, 'projectionGrad', options.projectionGrad);
    if (typeof options.stepsize !== 'function' && !Number.isFinite(options.stepsize))
      throw new TraceError(
        `${name}: \`stepsize\` must be a number or a function, but it is ${naming(options.stepsize)}.`,
      );
    this.objective = new Objective(options.fun, options);
    this.projectionGrad = onArrays(options.projectionGrad);
    this.stepsize = options.stepsize;
  }

  override initState(
    initParams: ArrayLikes<Parameters<F>[0]>,
    ...args: Given<MirrorArguments<F, G>>
  ): MirrorDescentState<ObjectiveAux<F, H, V>> {
    const { aux } = this.objective.evaluate(initParams, args.slice(1));
    return { ...initialState(dtypeOf(initParams)), aux: aux as ObjectiveAux<F, H, V> };
  }

  override update(
    params: ArrayLikes<Parameters<F>[0]>,
    state: MirrorDescentState<ObjectiveAux<F, H, V>>,
    ...[hyperparams, ...args]: Given<MirrorArguments<F, G>>
  ): Step<ParamsOf<F>, MirrorDescentState<ObjectiveAux<F, H, V>>> {
    const { gradient, aux } = this.objective.evaluate(params, args as readonly unknown[]);
    const { stepsize } = this;
    const size = scalarOf(typeof stepsize === 'number' ? stepsize : stepsize(state.iterNum), state.error.dtype);
    const next = this.projectionGrad(params, gradient, size, hyperparams);
    const error = div(scalarOf(norm(minus(next, params)), size.dtype), size);
    return {
      params: next,
      state: { ...state, iterNum: state.iterNum.add(1), error, aux: aux as ObjectiveAux<F, H, V> },
    };
  }

  /** projectionGrad(x, ∇f(x), 1) − x. */
  override optimalityFun(
    params: ArrayLikes<Parameters<F>[0]>,
    ...[hyperparams, ...args]: Given<MirrorArguments<F, G>>
  ): ParamsOf<F> {
    const { gradient } = this.objective.evaluate(params, args as readonly unknown[]);
    return minus(this.projectionGrad(params, gradient, 1, hyperparams), params);
  }
}

/**
 * The step of a mirror map and a projection: projection(mapping(x) − stepsize·gradient, hyperparams), where `mapping` is the gradient
 * of the function that generates the Bregman divergence, and the projection takes its values.
 *
 * @example
 * // With Σ p log p the mirror map is log p + 1, and the projection of its values on the simplex is the softmax.
 * const entropic = makeProjectionGrad((y) => nn.softmax(y), (p) => np.log(p).add(1));
 */
export function makeProjectionGrad<P = any, Y = any>(
  projection: Projection<P, Y>,
  mapping: (x: P) => P,
): ProjectionGrad<P, Y> {
  checkFunction('makeProjectionGrad', 'projection', projection);
  checkFunction('makeProjectionGrad', 'mapping', mapping);
  return (x, gradient, stepsize, hyperparams) =>
    projection(axpy(mapping(x), typeof stepsize === 'number' ? -stepsize : neg(stepsize), gradient), hyperparams);
}

/**
 * The step in the simplex {p : p ≥ 0, Σ p = value} along the last axis, with the Kullback-Leibler divergence: each element of x times
 * e^(−stepsize·gradient), normalised. x may have zeros, which stay. On any tree.
 */
export function klProjectionGrad<T>(x: T, gradient: T, stepsize: ArrayLike, value: ArrayLike = 1): Arrays<T> {
  const name = 'klProjectionGrad';
  const [size, total] = [toValue(stepsize, name), toValue(value, name)];
  tree.flatten(x, `${name}: x`);
  tree.flatten(gradient, `${name}: the gradient`);
  return tree.map(
    (leaf: ArrayLike, slope: ArrayLike) => {
      const [p, g] = [toFloating(leaf, name), toFloating(slope, name)];
      const last = { axis: -1, keepdims: true };
      const exponents = select(gt(p, 0), mul(neg(size.astype(g.dtype)), g), Number.NEGATIVE_INFINITY);
      const weights = mul(p, exp(sub(exponents, stopGradient(reduceMax(exponents, last)))));
      return mul(weights, div(total.astype(p.dtype), sum(weights, last)));
    },
    x as any,
    gradient as any,
  ) as Arrays<T>;
}
