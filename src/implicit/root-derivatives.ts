/** `rootJvp` and `rootVjp`: derivatives of a solution that is known. */
import {
  type AnyFunction,
  checkFunction,
  flattenArguments,
  type RestOf,
  type TreeFunction,
} from '../../transforms/flat.ts';
import { instantiate, type Tangent } from '../../transforms/jvp.ts';
import { linearizeValues, pullback } from '../../transforms/linearize.ts';
import { customLinearSolve } from '../control/custom-linear-solve.ts';
import { implicitTangent, operatorAt } from '../control/custom-root.ts';
import { TreeError } from '../core/errors.ts';
import { evalJaxpr } from '../core/eval-jaxpr.ts';
import { checkList, optionsOf } from '../core/options.ts';
import type { Value } from '../core/trace.ts';
import { Zero } from '../core/zero.ts';
import { neg } from '../lax/arithmetic.ts';
import { convert } from '../lax/convert.ts';
import { type ArrayLikes, type Arrays, flatten, structure, type TreeDef, unflatten } from '../tree.ts';
import { traceEquation } from './equation.ts';
import { checkFor, checkSolve, type LinearOptions, linearOptions, solverFor } from './linear-solver.ts';

export interface RootOptions extends LinearOptions {
  /** Throw a SolveError where the linear system is not solved. */
  throw?: boolean;
}

/**
 * The tangent of the solution `sol` of F(sol, …args) = 0 along `tangents` of the arguments.
 *
 * @example
 * rootJvp((x, a) => x.mul(x).sub(a), np.array(2), [4], [1]); // 0.25
 */
export function rootJvp<F extends TreeFunction>(
  optimality: F,
  sol: ArrayLikes<Parameters<F>[0]>,
  args: ArrayLikes<RestOf<F>>,
  tangents: ArrayLikes<RestOf<F>>,
  options: RootOptions = {},
): Arrays<Parameters<F>[0]> {
  checkFunction('rootJvp', optimality, 'the equation');
  checkSolve('rootJvp', optionsOf('rootJvp', options, [...linearOptions, 'throw']));
  checkList('rootJvp', 'the arguments', args);
  checkList('rootJvp', 'the tangents', tangents);
  const { x, theta, def, equation } = at('rootJvp', optimality, sol, args);
  const given = flattenArguments(tangents, 'rootJvp');
  if (given.def.key !== flatten([...args], 'rootJvp: args').def.key)
    throw new TreeError(
      `rootJvp: the tangents have structure ${given.def}, but the arguments have structure ${structure([...args])}.`,
    );
  const along = theta.map((v, i): Tangent => {
    const t = given.values[i];
    if (!t || !v.aval.isFloating) return new Zero(v.aval);
    return v.aval.weakType || t.aval.dtype === v.aval.dtype ? t : convert(t, v.aval.dtype);
  });
  const { solver, symmetric } = solverFor(options, def);
  const params = {
    operation: 'rootJvp',
    optimality: equation.jaxpr,
    fixedPoint: false,
    symmetric,
    linearSolve: () => solver,
    ...(options.throw ? { check: checkFor('rootJvp') } : {}),
  };
  return unflatten(def as TreeDef, implicitTangent(params, x, theta, along));
}

/**
 * Cotangents of the arguments from a cotangent of the solution `sol` of F(sol, …args) = 0: −uᵀ ∂₂F with Aᵀ u = cotangent.
 *
 * @returns one cotangent per argument
 * @example
 * const [da] = rootVjp((x, a) => x.mul(x).sub(a), np.array(2), [4], 1); // 0.25
 */
export function rootVjp<F extends TreeFunction>(
  optimality: F,
  sol: ArrayLikes<Parameters<F>[0]>,
  args: ArrayLikes<RestOf<F>>,
  cotangent: ArrayLikes<Parameters<F>[0]>,
  options: RootOptions = {},
): Arrays<RestOf<F>> {
  checkFunction('rootVjp', optimality, 'the equation');
  checkSolve('rootVjp', optionsOf('rootVjp', options, [...linearOptions, 'throw']));
  checkList('rootVjp', 'the arguments', args);
  const { x, theta, def, equation, count } = at('rootVjp', optimality, sol, args);
  const { def: cotangentDef } = flatten(cotangent, 'rootVjp: the cotangent');
  if (cotangentDef.key !== def.key)
    throw new TreeError(`rootVjp: the cotangent has structure ${cotangentDef}, but the solution has structure ${def}.`);
  const given = flattenArguments([cotangent], 'rootVjp').values.map((ct, i) => {
    const { aval } = x[i]!;
    return aval.weakType || ct.aval.dtype === aval.dtype ? ct : convert(ct, aval.dtype);
  });
  const push = operatorAt(equation.jaxpr, false, x, theta);
  const { solver, symmetric } = solverFor(options, def);
  const linear = linearizeValues((...v) => push(v), given);
  const pull = (v: Value[]): Value[] => pullback(linear, v).map(instantiate);
  const { x: u } = customLinearSolve(pull, given, solver, {
    symmetric,
    operation: 'rootVjp',
    ...(options.throw ? { check: checkFor('rootVjp') } : {}),
  });
  const inTheta = linearizeValues((...t) => evalJaxpr(equation.jaxpr, [...x, ...t]), theta);
  const cotangents = pullback(
    inTheta,
    u.map((v) => neg(v)),
  );
  let next = 0;
  const all = theta.map((v) => (v.aval.isFloating ? cotangents[next++]! : new Zero(v.aval)));
  return unflatten(structure([...args]) as TreeDef, all.slice(0, count).map(instantiate));
}

/** The equation at a solution that is given. */
function at(operation: string, optimality: AnyFunction, sol: unknown, args: readonly unknown[]) {
  flatten([...args], (path) => `${operation}: args${path}`);
  const { values } = flattenArguments([sol], operation);
  if (values.length === 0) throw new TreeError(`${operation}: the solution holds no array.`);
  const { def } = flatten(sol, `${operation}: the solution`);
  // A solution given as a plain number is an ordinary float32.
  const x = values.map((v) => (v.aval.weakType ? convert(v, 'float32') : v));
  const equation = traceEquation(
    operation,
    optimality,
    def,
    x.map((v) => v.aval),
    args,
  );
  const own = flattenArguments(args, operation).values;
  return { x, def, equation, theta: [...own, ...equation.consts], count: own.length };
}
