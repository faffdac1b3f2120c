/** `customRoot` and `customFixedPoint`. */
import { type AnyFunction, checkFunction, FlatFunction, flattenArguments, standsFor } from '../../transforms/flat.ts';
import { customRootP } from '../control/custom-root.ts';
import { withUnusedInputs } from '../control/flags.ts';
import { checkPositions, positionsOf, withStatics } from '../control/static-arguments.ts';
import { TraceError } from '../core/errors.ts';
import { Jaxpr, Var } from '../core/jaxpr.ts';
import { optionsOf } from '../core/options.ts';
import { stage } from '../core/stage.ts';
import { bind, type Value } from '../core/trace.ts';
import { type ArrayLikes, type Arrays, unflatten } from '../tree.ts';
import { traceEquation } from './equation.ts';
import {
  checkFor,
  checkSolve,
  convertClosure,
  type KnownOptions,
  type LinearOptions,
  linearOptions,
  solverFor,
} from './linear-solver.ts';
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

/** @param operation what errors call the function */
export function decorated<S extends ImplicitSolver>(
  operation: string,
  optimality: AnyFunction,
  solver: S,
  options: ImplicitOptions & KnownOptions,
  fixedPoint: boolean,
): Implicit<S> {
  checkFunction(operation, solver, 'the solver');
  const { hasAux = false } = options;
  const positions = positionsOf(operation, solver, 'static', options.static);
  checkPositions(operation, solver, positions, 'static');
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
  options: ImplicitOptions & KnownOptions & { hasAux: boolean },
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

const splitAt = <T>(items: readonly T[], n: number): [T[], T[]] => [items.slice(0, n), items.slice(n)];
