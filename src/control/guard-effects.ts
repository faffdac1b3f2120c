/**
 * Effects that happen only where a lane is active.
 *
 * Under `vmap`, a `cond` or `whileLoop` whose predicate depends on the lane runs for all lanes, and `select` keeps what a
 * lane would have computed alone. Its effects cannot be taken back. So, before lanes are added, the program gets a
 * bool in front of its inputs, which every equation with effects is handed: a callback does nothing where it is false.
 */
import { shapedArray } from '../core/aval.ts';
import { evalJaxpr } from '../core/eval-jaxpr.ts';
import { isEffectful, type Jaxpr, memoPerJaxpr } from '../core/jaxpr.ts';
import { stage } from '../core/stage.ts';
import { bind } from '../core/trace.ts';

/** The program (active, …inputs) → outs, whose effects happen only if `active`. */
export const guardJaxpr: (jaxpr: Jaxpr) => Jaxpr = memoPerJaxpr(
  () => '',
  (jaxpr) =>
    stage(
      (active, ...inputs) =>
        evalJaxpr(jaxpr, inputs, (eqn, args) =>
          eqn.primitive.guard && isEffectful(eqn)
            ? eqn.primitive.guard(active!, args, eqn.params)
            : bind(eqn.primitive, args, eqn.params),
        ),
      [shapedArray([], 'bool'), ...jaxpr.inAvals],
    ).jaxpr,
);
