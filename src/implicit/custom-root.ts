/** `customRoot`, `customFixedPoint`, `rootJvp`, `rootVjp`. */
import { type AnyFunction, FlatFunction, flattenArguments, functionName, standsFor } from '../../transforms/flat.ts';
import { instantiate, type Tangent } from '../../transforms/jvp.ts';
import { linearizeValues, pullback } from '../../transforms/linearize.ts';
import { convertOuts, joinAvals } from '../control/branches.ts';
import { customLinearSolve, type LinearSolver } from '../control/custom-linear-solve.ts';
import { customRootP, implicitTangent, operatorAt } from '../control/custom-root.ts';
import type { ShapedArray } from '../core/aval.ts';
import { TreeError } from '../core/errors.ts';
import { evalJaxpr } from '../core/eval-jaxpr.ts';
import { Jaxpr, Var } from '../core/jaxpr.ts';
import { optionsOf } from '../core/options.ts';
import { range } from '../core/shape.ts';
import { stage } from '../core/stage.ts';
import { bind, type Value } from '../core/trace.ts';
import { Zero } from '../core/zero.ts';
import { neg } from '../lax/arithmetic.ts';
import { convert } from '../lax/convert.ts';
import { type ArrayLikes, type Arrays, flatten, leafPaths, structure, type TreeDef, unflatten } from '../tree.ts';
import { automaticSolve } from './methods.ts';

/** Solves A x = b, given x ↦ A x, on trees: one of `linearSolve`, or your own. */
export type TreeLinearSolver = (matvec: (x: any) => any, b: any) => any;

export interface ImplicitOptions {
  /** The solver returns a pair [solution, aux]; aux has no derivative. */
  hasAux?: boolean;
  /** Solves the linear system of the derivative; by default LU for up to 128 unknowns, else conjugate gradients. */
  solve?: TreeLinearSolver;
  /** ∂₁F equals its transpose: F is the gradient of something. Halves the work. */
  symmetric?: boolean;
}

/** A solver: from an initial guess and the arguments of the equation to the solution. */
export type ImplicitSolver = (init: any, ...args: any[]) => any;

/** A solver with derivatives; numbers may stand for arrays. */
export type Implicit<S extends ImplicitSolver> = (...args: ArrayLikes<Parameters<S>>) => Arrays<ReturnType<S>>;

const solverFor = (options: ImplicitOptions, def: TreeDef): LinearSolver => {
  const { solve, symmetric = false } = options;
  if (!solve) return automaticSolve(symmetric);
  return (matvec, b) => {
    const result = solve((x: unknown) => unflatten(def, matvec(flatten(x).leaves as Value[])), unflatten(def, b));
    return flatten(result).leaves as Value[];
  };
};

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
  return (solver) => decorated('customFixedPoint', fixedPoint, solver, options, true);
}

function decorated<S extends ImplicitSolver>(
  operation: string,
  optimality: AnyFunction,
  solver: S,
  options: ImplicitOptions,
  fixedPoint: boolean,
): Implicit<S> {
  const { hasAux = false, symmetric = false } = optionsOf(operation, options, ['hasAux', 'solve', 'symmetric']);
  const call = (init: unknown, ...args: unknown[]): unknown => {
    const start = flattenArguments([init], operation);
    const given = flattenArguments(args, operation);
    const all = flattenArguments([init, ...args], operation);
    const flatSolver = new FlatFunction(solver, all.def, operation, hasAux);
    const solved = stage(
      flatSolver.call,
      all.values.map((v) => v.aval),
    );
    const { outDef } = flatSolver;
    const solution = outDef.leafCount;
    const avals = solved.jaxpr.outAvals.slice(0, solution);
    const equation = traceEquation(operation, optimality, outDef, avals, args);

    // θ: the arguments, and what the equation captured. ψ: what only the solver captured.
    const shared = new Set(equation.consts);
    const psi = solved.consts.filter((c) => !shared.has(c));
    const own = new Map(solved.consts.map((c, i) => [c, solved.jaxpr.inVars[i]!]));
    const [x0, argVars] = splitAt(solved.jaxpr.inVars.slice(solved.consts.length), start.values.length);
    const inVars = [
      ...x0,
      ...argVars,
      ...equation.consts.map((c) => own.get(c) ?? new Var(c.aval)),
      ...psi.map((c) => own.get(c)!),
    ];
    const theta = [...given.values, ...equation.consts];
    const outs = bind(customRootP, [...start.values, ...theta, ...psi], {
      operation,
      solver: new Jaxpr(inVars, solved.jaxpr.eqns, solved.jaxpr.outs),
      optimality: equation.jaxpr,
      fixedPoint,
      symmetric,
      linearSolve: solverFor(options, outDef),
      counts: { init: start.values.length, theta: theta.length, solution },
      lanes: [],
    });
    const result = unflatten(outDef, outs.slice(0, solution));
    return hasAux ? [result, unflatten(flatSolver.auxDef!, outs.slice(solution))] : result;
  };
  standsFor(call, solver);
  return call as Implicit<S>;
}

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
      `${operation}: \`${name}\` returns a value of structure ${flat.outDef}, but the solution has structure ${def}.`,
    );
  const outs = traced.jaxpr.outAvals;
  avals.forEach((aval, i) => {
    const joined = joinAvals(outs[i]!, aval);
    if (!joined || !aval.isFloating)
      throw new TreeError(
        `${operation}: \`${name}\` returns ${outs[i]} at ${leafPaths(def, 'solution')[i]}, which is ${aval}.`,
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

export interface RootOptions {
  /** Solves the linear system; by default LU for up to 128 unknowns, else conjugate gradients on the normal equations. */
  solve?: TreeLinearSolver;
}

/**
 * The tangent of the solution `sol` of F(sol, …args) = 0 along `tangents` of the arguments.
 *
 * @example
 * rootJvp((x, a) => x.mul(x).sub(a), np.array(2), [4], [1]); // 0.25
 */
export function rootJvp(
  optimality: AnyFunction,
  sol: any,
  args: readonly unknown[],
  tangents: readonly unknown[],
  options: RootOptions = {},
): any {
  optionsOf('rootJvp', options, ['solve']);
  const { x, theta, def, equation } = at('rootJvp', optimality, sol, args);
  const given = flattenArguments(tangents, 'rootJvp');
  if (given.def.key !== structure([...args]).key)
    throw new TreeError(
      `rootJvp: the tangents have structure ${given.def}, but the arguments have structure ${structure([...args])}.`,
    );
  const along = theta.map((v, i): Tangent => {
    const t = given.values[i];
    if (!t || !v.aval.isFloating) return new Zero(v.aval);
    return v.aval.weakType || t.aval.dtype === v.aval.dtype ? t : convert(t, v.aval.dtype);
  });
  const params = {
    operation: 'rootJvp',
    optimality: equation.jaxpr,
    fixedPoint: false,
    symmetric: false,
    linearSolve: solverFor(options, def),
  };
  return unflatten(def, implicitTangent(params, x, theta, along));
}

/**
 * Cotangents of the arguments from a cotangent of the solution `sol` of F(sol, …args) = 0: −uᵀ ∂₂F with Aᵀ u = cotangent.
 *
 * @returns one cotangent per argument
 * @example
 * const [da] = rootVjp((x, a) => x.mul(x).sub(a), np.array(2), [4], 1); // 0.25
 */
export function rootVjp(
  optimality: AnyFunction,
  sol: any,
  args: readonly unknown[],
  cotangent: any,
  options: RootOptions = {},
): any[] {
  optionsOf('rootVjp', options, ['solve']);
  const { x, theta, def, equation, count } = at('rootVjp', optimality, sol, args);
  const given = flattenArguments([cotangent], 'rootVjp').values.map((ct, i) => {
    const { aval } = x[i]!;
    return aval.weakType || ct.aval.dtype === aval.dtype ? ct : convert(ct, aval.dtype);
  });
  const push = operatorAt(equation.jaxpr, false, x, theta);
  const solve = solverFor(options, def);
  const linear = linearizeValues((...v) => push(v), given);
  const pull = (v: Value[]): Value[] => pullback(linear, v).map(instantiate);
  const u = customLinearSolve(pull, given, solve, { operation: 'rootVjp' });
  const inTheta = linearizeValues((...t) => evalJaxpr(equation.jaxpr, [...x, ...t]), theta);
  const cotangents = pullback(
    inTheta,
    u.map((v) => neg(v)),
  );
  let next = 0;
  const all = theta.map((v) => (v.aval.isFloating ? cotangents[next++]! : new Zero(v.aval)));
  return unflatten(structure([...args]), all.slice(0, count).map(instantiate));
}

/** The equation at a solution that is given. */
function at(operation: string, optimality: AnyFunction, sol: unknown, args: readonly unknown[]) {
  const { values } = flattenArguments([sol], operation);
  const def = structure(sol);
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
