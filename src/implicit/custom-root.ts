/** `customRoot`, `customFixedPoint`, `rootJvp`, `rootVjp`. */
import {
  type AnyFunction,
  checkFunction,
  FlatFunction,
  flattenArguments,
  functionName,
  type RestOf,
  standsFor,
  type TreeFunction,
} from '../../transforms/flat.ts';
import { instantiate, type Tangent } from '../../transforms/jvp.ts';
import { linearizeValues, pullback } from '../../transforms/linearize.ts';
import { convertOuts, joinAvals } from '../control/branches.ts';
import { customLinearSolve, type LinearSolveInfo } from '../control/custom-linear-solve.ts';
import { customRootP, implicitTangent, operatorAt } from '../control/custom-root.ts';
import { withUnusedInputs } from '../control/flags.ts';
import { checkStatics, staticPositionsOf, withStatics } from '../control/static-arguments.ts';
import type { ShapedArray } from '../core/aval.ts';
import { TraceError, TreeError } from '../core/errors.ts';
import { evalJaxpr } from '../core/eval-jaxpr.ts';
import { Jaxpr, Var } from '../core/jaxpr.ts';
import { checkList, optionsOf } from '../core/options.ts';
import { range } from '../core/shape.ts';
import { stage } from '../core/stage.ts';
import { bind, type Value } from '../core/trace.ts';
import { Zero } from '../core/zero.ts';
import { neg } from '../lax/arithmetic.ts';
import { convert } from '../lax/convert.ts';
import { quotedName } from '../syntax/names.ts';
import { type ArrayLikes, type Arrays, flatten, leafPaths, structure, type TreeDef, unflatten } from '../tree.ts';
import { convertClosure, type LinearOptions, solverFor } from './linear-solver.ts';
import { allFinite, statusWhere, throwUnlessSolved } from './status.ts';

export interface ImplicitOptions extends LinearOptions {
  /** The solver returns a pair [solution, aux]; aux has no derivative. */
  hasAux?: boolean;
  /**
   * Arguments of the solver that are not traced, by position or by name (the initial guess is argument 0): strings, functions,
   * numbers that decide shapes.
   */
  static?: readonly (number | string)[];
  /**
   * Throw a SolveError where the solution is not finite, or where the linear system of a derivative is not solved. The check
   * runs with the program, inside `jit` and for each lane of a `vmap` too.
   */
  throw?: boolean;
}

const linearOptions = ['solve', 'symmetric', 'positiveDefinite'];
const implicitOptions = ['hasAux', ...linearOptions, 'static', 'throw'];

/** A solver: from an initial guess and the arguments of the equation to the solution. */
export type ImplicitSolver = (init: any, ...args: any[]) => any;

/** A solver with derivatives; numbers may stand for arrays. */
export type Implicit<S extends ImplicitSolver> = (...args: ArrayLikes<Parameters<S>>) => Arrays<ReturnType<S>>;

/**
 * Gives a solver of F(x, …args) = 0 the derivatives of its exact solution, whatever it does inside: by implicit
 * differentiation (arXiv 2105.15183), in forward and reverse mode, to any order, inside `jit` and `vmap`.
 *
 * The solution depends on `args` and on every traced value that `optimality` captures; not on the initial guess, nor on
 * what only the solver captures.
 *
 * @param optimality F, from the solution and the arguments to a tree like the solution
 * @returns a decorator: from the solver (init, …args) → solution to a function of the same arguments
 * @throws TreeError when F does not have the structure or the types of the solution
 * @example
 * const sqrt = customRoot((x, a) => x.mul(x).sub(a))((init, a) => newton(init, a));
 * grad(sqrt, { argnums: 1 })(1, 2); // 0.35355338
 */
export function customRoot(
  optimality: AnyFunction,
  options: ImplicitOptions = {},
): <S extends ImplicitSolver>(solver: S) => Implicit<S> {
  checkFunction('customRoot', optimality, 'the equation');
  checkSolve('customRoot', optionsOf('customRoot', options, implicitOptions));
  return (solver) => decorated('customRoot', optimality, solver, options, false);
}

/**
 * The same for a solver of x = T(x, …args).
 *
 * @example
 * const dottie = customFixedPoint((x, a) => np.cos(x.mul(a)))((init, a) => iterate(init, a));
 */
export function customFixedPoint(
  fixedPoint: AnyFunction,
  options: ImplicitOptions = {},
): <S extends ImplicitSolver>(solver: S) => Implicit<S> {
  checkFunction('customFixedPoint', fixedPoint, 'the map');
  checkSolve('customFixedPoint', optionsOf('customFixedPoint', options, implicitOptions));
  return (solver) => decorated('customFixedPoint', fixedPoint, solver, options, true);
}

/** @throws TraceError when the linear solver is no function */
function checkSolve(operation: string, { solve }: LinearOptions): void {
  if (solve !== undefined) checkFunction(operation, solve, '`solve`');
}

/** @param operation what errors call the function */
export function decorated<S extends ImplicitSolver>(
  operation: string,
  optimality: AnyFunction,
  solver: S,
  options: ImplicitOptions,
  fixedPoint: boolean,
): Implicit<S> {
  checkFunction(operation, solver, 'the solver');
  const { hasAux = false } = options;
  const positions = staticPositionsOf(operation, solver, options.static ?? []);
  checkStatics(operation, solver, positions);
  if (positions.includes(0)) throw new TraceError(`${operation}: the initial guess, argument 0, cannot be static.`);
  const call = (...all: unknown[]): unknown => {
    const statics = positions.map((i) => all[i]);
    const bound = (f: AnyFunction) => (positions.length ? withStatics(f, all.length, positions, statics) : f);
    const [init, ...args] = positions.length ? all.filter((_, i) => !positions.includes(i)) : all;
    return solveImplicitly(operation, bound(optimality), bound(solver), init, args, { ...options, hasAux }, fixedPoint);
  };
  standsFor(call, solver);
  return call as Implicit<S>;
}

function solveImplicitly(
  operation: string,
  optimality: AnyFunction,
  solver: AnyFunction,
  init: unknown,
  args: readonly unknown[],
  options: ImplicitOptions & { hasAux: boolean },
  fixedPoint: boolean,
): unknown {
  const start = flattenArguments([init], operation);
  const given = flattenArguments(args, operation);
  const all = flattenArguments([init, ...args], operation);
  const flatSolver = new FlatFunction(solver, all.def, operation, options.hasAux);
  const solved = stage(
    (...values) => {
      const outs = flatSolver.call(...values);
      if (options.throw) {
        const finite = allFinite(outs.slice(0, flatSolver.outDef.leafCount));
        throwUnlessSolved(operation, statusWhere([[finite, 'converged']], 'nonfinite'));
      }
      return outs;
    },
    all.values.map((v) => v.aval),
  );
  const { outDef } = flatSolver;
  const solution = outDef.leafCount;
  const avals = solved.jaxpr.outAvals.slice(0, solution);
  const equation = traceEquation(operation, optimality, outDef, avals, args);
  const closure = convertClosure(options, { optimality: equation.jaxpr, fixedPoint }, outDef);
  const { solver: linear, symmetric } = solverFor(options, outDef);

  // θ: the arguments, what the equation captured, what the linear solve captured. ψ: what only the solver captured.
  const captured = [...equation.consts, ...(closure?.captured ?? [])];
  const shared = new Set(captured);
  const psi = solved.consts.filter((c) => !shared.has(c));
  const own = new Map(solved.consts.map((c, i) => [c, solved.jaxpr.inVars[i]!]));
  const [x0, argVars] = splitAt(solved.jaxpr.inVars.slice(solved.consts.length), start.values.length);
  const variable = (c: Value): Var => {
    const known = own.get(c);
    own.delete(c);
    return known ?? new Var(c.aval);
  };
  const inVars = [...x0, ...argVars, ...captured.map(variable), ...psi.map(variable)];
  const theta = [...given.values, ...captured];
  const unused = (closure?.captured ?? []).map((c) => c.aval);
  const outs = bind(customRootP, [...start.values, ...theta, ...psi], {
    operation,
    solver: new Jaxpr(inVars, solved.jaxpr.eqns, solved.jaxpr.outs),
    optimality: withUnusedInputs(equation.jaxpr, equation.jaxpr.inVars.length, unused),
    fixedPoint,
    symmetric,
    linearSolve: closure?.at ?? (() => linear),
    ...(options.throw ? { check: checkFor(`the derivative of ${operation}`) } : {}),
    counts: { init: start.values.length, theta: theta.length, solution },
    lanes: [],
  });
  const result = unflatten(outDef, outs.slice(0, solution));
  return options.hasAux ? [result, unflatten(flatSolver.auxDef!, outs.slice(solution))] : result;
}

const checkFor = (operation: string) => (info: LinearSolveInfo) => throwUnlessSolved(operation, info.status);

const splitAt = <T>(items: readonly T[], n: number): [T[], T[]] => [items.slice(0, n), items.slice(n)];

interface Equation {
  /** (x, arguments, captured values) → F(x, …), of the types of x. */
  readonly jaxpr: Jaxpr;
  readonly consts: readonly Value[];
}

/** Traces F or T at the types of a solution, and checks that it has them. */
function traceEquation(
  operation: string,
  f: AnyFunction,
  def: TreeDef,
  avals: readonly ShapedArray[],
  args: readonly unknown[],
): Equation {
  const placeholders = unflatten(
    def,
    avals.map((aval) => 0 * aval.size),
  );
  const inDef = structure([placeholders, ...args]);
  const flat = new FlatFunction(f, inDef, operation);
  const argAvals = flattenArguments(args, operation).values.map((v) => v.aval);
  const traced = stage(flat.call, [...avals, ...argAvals]);
  const name = functionName(f);
  if (flat.outDef.key !== def.key)
    throw new TreeError(
      `${operation}: ${quotedName(name)} returns a value of structure ${flat.outDef}, but the solution has structure ${def}.`,
    );
  const outs = traced.jaxpr.outAvals;
  avals.forEach((aval, i) => {
    const joined = joinAvals(outs[i]!, aval);
    if (!joined || !aval.isFloating)
      throw new TreeError(
        `${operation}: ${quotedName(name)} returns ${outs[i]} at ${leafPaths(def, 'solution')[i]}, which is ${aval}.`,
        aval.isFloating ? {} : { hint: 'solutions are floating; return integers as aux' },
      );
  });
  const converted = convertOuts(traced.jaxpr, avals);
  const n = traced.consts.length;
  const order = [...range(converted.inVars.length).slice(n), ...range(n)];
  return {
    jaxpr: new Jaxpr(
      order.map((i) => converted.inVars[i]!),
      converted.eqns,
      converted.outs,
    ),
    consts: traced.consts,
  };
}

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
