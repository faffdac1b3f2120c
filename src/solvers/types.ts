/** Types of parameters, arguments and states, as they follow from the functions that users give. */
import type { AuxOf, MainOf } from '../../transforms/differentiate.ts';
import type { AnyFunction } from '../../transforms/flat.ts';
import type { ArrayLike } from '../array.ts';
import type { ArrayLikes, Arrays, Tree } from '../tree.ts';

/**
 * An objective f(params, …args): a scalar, or as `hasAux` and `valueAndGrad` say [value, aux], [value, gradient] or
 * [[value, aux], gradient].
 */
export type ObjectiveFunction = (
  ...args: any[]
) => ArrayLike | readonly [value: ArrayLike | readonly [value: ArrayLike, aux: Tree], second: Tree];

/** The parameters that a function takes first, as arrays. */
export type ParamsOf<F extends AnyFunction> = Arrays<Parameters<F>[0]>;

/** The auxiliary output of a function that returns [result, aux] if `H` (`hasAux`) is true; null if not. */
export type AuxIf<F extends AnyFunction, H> = H extends true ? Arrays<AuxOf<ReturnType<F>>> : null;

/** The auxiliary output of an objective; `V` is `valueAndGrad`. */
export type ObjectiveAux<F extends AnyFunction, H, V> = V extends true
  ? H extends true
    ? Arrays<AuxOf<MainOf<ReturnType<F>>>>
    : null
  : AuxIf<F, H>;

/** Hyperparameters, which may be left out where they may be undefined, and what follows them. */
export type AfterHyperparams<Y, A extends readonly unknown[]> = undefined extends Y
  ? [hyperparams?: Y, ...args: A]
  : [hyperparams: Y, ...args: A];

/** A solution: parameters as the solver's function takes them; like the initial ones where that does not say. */
export type Solution<P, I> = unknown extends P ? Arrays<I> : Arrays<P>;

/** Arguments of these types, where numbers may stand for arrays. */
export type Given<A extends readonly unknown[]> = { [K in keyof A]: ArrayLikes<A[K]> };
