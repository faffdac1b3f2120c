/**
 * `custom_linear_solve`: the solution of A x = b as a primitive that knows its own derivatives.
 *
 * From A x = b follows A ẋ = ḃ − Ȧ x: the tangent is another solve with the same operator, and since that solve is linear
 * in its right-hand side, its transpose is a solve with Aᵀ. How the systems are solved — by a factorisation, by an
 * iteration — is never differentiated.
 */
import { interpret } from '../../jit/interpret.ts';
import { instantiate, jvpJaxpr, type Tangent } from '../../transforms/jvp.ts';
import { isLinear, transposeJaxpr } from '../../transforms/transpose.ts';
import { addLanes, batchJaxpr } from '../../transforms/vmap.ts';
import { type ShapedArray, sameType } from '../core/aval.ts';
import { RuleError, ShapeError } from '../core/errors.ts';
import { evalJaxpr } from '../core/eval-jaxpr.ts';
import type { Jaxpr } from '../core/jaxpr.ts';
import { exact, type Primitive, primitive } from '../core/primitive.ts';
import { atUserLine } from '../core/source.ts';
import { stage } from '../core/stage.ts';
import { bind, type Value } from '../core/trace.ts';
import { isZero, Zero } from '../core/zero.ts';
import { sub } from '../lax/arithmetic.ts';
import { convertLike } from '../lax/convert.ts';
import { stopGradient } from '../lax/stop-gradient.ts';
import { shareConsts, type Traced } from './branches.ts';
import { always, split } from './flags.ts';
import { guardJaxpr } from './guard-effects.ts';
import { jitP } from './jit-primitive.ts';

/** A linear map on lists of arrays. */
export type LinearMap = (x: Value[]) => Value[];

/** How a linear solve went: `status` and `iterations` are int32, `residual` is ‖A x − b‖ / ‖b‖. */
export interface LinearSolveInfo {
  readonly status: Value;
  readonly iterations: Value;
  readonly residual: Value;
}

/** A method for A x = b. */
export interface LinearSolver {
  /** What serves every right-hand side, a factorisation for example. It has no derivative of its own. */
  readonly prepare?: (matvec: LinearMap, types: readonly ShapedArray[]) => Value[];
  /** Solves A x = b, or with `transposed` Aᵀ x = b; `matvec` is the operator of that system, `prepared` that of A. */
  readonly solve: (
    matvec: LinearMap,
    b: Value[],
    prepared: readonly Value[],
    transposed: boolean,
  ) => { readonly x: Value[]; readonly info?: () => LinearSolveInfo };
}

/** Programs over (captured values, x or b). */
interface LinearSolveParams {
  readonly matvec: Jaxpr;
  readonly rmatvec: Jaxpr;
  readonly solve: Jaxpr;
  readonly transposeSolve: Jaxpr;
  /** How many captured values lead the operands. */
  readonly consts: number;
}

/**
 * Operands: what the programs captured, the right-hand side. Results: the solution, of the types of b, and, where the
 * programs that solve return more, how the solve went.
 */
export const customLinearSolveP: Primitive<LinearSolveParams> = primitive<LinearSolveParams>({
  name: 'custom_linear_solve',
  hot: true,
  type: (_, { solve }) => solve.outAvals,
  run: (inputs, { solve }) => interpret(solve, inputs),
  accuracy: exact,
  jvp: (primals, tangents, params) => {
    const { matvec, consts } = params;
    const [captured] = split(primals, consts) as [Value[]];
    const [capturedTangents, bTangents] = split(tangents, consts) as [Tangent[], Tangent[]];
    const outs = bind(customLinearSolveP, primals, params);
    const [x, info] = split(outs, matvec.outs.length) as [Value[], Value[]];
    let right = bTangents.map(instantiate);
    const nonzero = capturedTangents.map((t) => !isZero(t));
    if (nonzero.includes(true)) {
      const change = jvpJaxpr(matvec, [...nonzero, ...x.map(() => false)]);
      const given = capturedTangents.filter((t): t is Value => !isZero(t));
      const results = evalJaxpr(change.jaxpr, [...captured, ...x, ...given]);
      let next = x.length;
      right = right.map((r, i) => (change.outNonzero[i] ? sub(r, results[next++]!) : r));
    }
    const moved = bind(customLinearSolveP, [...captured, ...right], params).slice(0, x.length);
    return [outs, [...moved, ...info.map((v) => new Zero(v.aval))]];
  },
  transpose: (cotangents, args, params) => {
    const [captured, b] = split(args, params.consts);
    if (captured!.some(isLinear))
      throw new RuleError('linear solve: the solution is not linear in the operator, only in the right-hand side.');
    const { matvec, rmatvec, solve, transposeSolve } = params;
    const swapped = { ...params, matvec: rmatvec, rmatvec: matvec, solve: transposeSolve, transposeSolve: solve };
    const ofX = cotangents.slice(0, matvec.outs.length).map(instantiate);
    const results = bind(customLinearSolveP, [...(captured as Value[]), ...ofX], swapped);
    return [...captured!.map(() => undefined), ...b!.map((_, i) => results[i]!)];
  },
  guard: (active, args, { matvec, rmatvec, solve, transposeSolve, consts }) =>
    bind(customLinearSolveP, [active, ...args], {
      matvec: guardJaxpr(matvec),
      rmatvec: guardJaxpr(rmatvec),
      solve: guardJaxpr(solve),
      transposeSolve: guardJaxpr(transposeSolve),
      consts: consts + 1,
    }),
  // With one operator for all lanes its matrix and factorisation carry no lane: many right-hand sides, one factorisation.
  batch: (size, args, batched, params) => {
    const { matvec, rmatvec, solve, transposeSolve, consts } = params;
    const [flags] = split(batched, consts) as [boolean[]];
    const lanes = (jaxpr: Jaxpr): Jaxpr => {
      const unknowns = jaxpr.inVars.length - consts;
      return batchJaxpr(jaxpr, size, [...flags, ...always(unknowns)], always(jaxpr.outs.length)).jaxpr;
    };
    const operands = args.map((arg, i) => (i < consts || batched[i] ? arg : addLanes(arg, size)));
    const outs = bind(customLinearSolveP, operands, {
      matvec: lanes(matvec),
      rmatvec: lanes(rmatvec),
      solve: lanes(solve),
      transposeSolve: lanes(transposeSolve),
      consts,
    });
    return { outs, batched: always(outs.length) };
  },
  lower: { kind: 'inline', jaxpr: ({ solve }) => ({ jaxpr: solve }) },
});

export interface CustomLinearSolveOptions {
  /** The operator equals its transpose. */
  symmetric?: boolean;
  /** What to call the operation in errors. */
  operation?: string;
  /** Returns how the solve went, too. */
  info?: boolean;
  /** Called with the outcome of each solve, those of derivatives included, where the solving program is traced. */
  check?: (info: LinearSolveInfo) => void;
}

/**
 * Solves A x = b by `solver`, with derivatives by implicit differentiation. `matvec` and the solver may capture traced
 * values; they are traced here, once.
 */
export function customLinearSolve(
  matvec: LinearMap,
  b: readonly Value[],
  solver: LinearSolver,
  { symmetric = false, operation = 'linear solve', info = false, check }: CustomLinearSolveOptions = {},
): { x: Value[]; info: Value[] } {
  const avals = b.map((v) => v.aval);
  const trace = (f: LinearMap): Traced => ({ ...stage((...xs) => f(xs), avals), outDef: undefined as never });
  const forward = trace(matvec);
  forward.jaxpr.outAvals.forEach((aval, i) => {
    if (!avals[i] || !sameType(aval, avals[i]))
      throw new ShapeError(
        `${operation}: the operator maps ${avals.join(', ')} to ${forward.jaxpr.outAvals.join(', ')}; it must be square.`,
      );
  });
  const apply = (x: Value[]): Value[] => evalJaxpr(forward.jaxpr, [...forward.consts, ...x]);
  const backward = symmetric ? forward : trace(transposed(forward));
  const applyBackward = (x: Value[]): Value[] => evalJaxpr(backward.jaxpr, [...backward.consts, ...x]);
  const prepared = prepare(solver, forward, avals);
  const solving =
    (operator: LinearMap, transposed: boolean): LinearMap =>
    (right) => {
      const solution = solver.solve(operator, right, prepared, transposed);
      // Of the types of b, and weak where these are.
      const x = solution.x.map((v, i) => convertLike(v, right[i]!.aval));
      if (!info && !check) return x;
      const found = solution.info!();
      check?.(found);
      return info ? [...x, found.status, found.iterations, found.residual] : x;
    };
  // What a method computes is at the line that asks for the solution; the operator keeps its own lines.
  const solved = atUserLine(true, () => trace(solving(apply, false)));
  const solvedBackward = symmetric ? solved : atUserLine(true, () => trace(solving(applyBackward, true)));
  const { jaxprs, consts } = shareConsts([forward, backward, solved, solvedBackward]);
  const [matvecJaxpr, rmatvec, solve, transposeSolve] = jaxprs as [Jaxpr, Jaxpr, Jaxpr, Jaxpr];
  const params = { matvec: matvecJaxpr, rmatvec, solve, transposeSolve, consts: consts.length };
  const outs = bind(customLinearSolveP, [...consts, ...b], params);
  return { x: outs.slice(0, b.length), info: outs.slice(b.length) };
}

/**
 * Runs the solver's preparation outside of the solve, as a program of its own: what depends on the operator alone is done
 * once, however many right-hand sides, derivatives and transposed systems follow.
 */
function prepare(solver: LinearSolver, { jaxpr, consts }: Traced, avals: readonly ShapedArray[]): Value[] {
  if (!solver.prepare) return [];
  const program = atUserLine(true, () =>
    stage(
      (...captured) => solver.prepare!((x) => evalJaxpr(jaxpr, [...captured, ...x]), avals),
      consts.map((c) => c.aval),
    ),
  );
  // The factors enter derivatives through A x = b alone.
  const still = consts.map((c) => stopGradient(c));
  return bind(jitP, [...program.consts, ...still], { name: 'factorise', jaxpr: program.jaxpr });
}

/** y ↦ Aᵀ y from the traced x ↦ A x. */
function transposed({ jaxpr, consts }: Traced): LinearMap {
  const linear = jaxpr.inVars.map((_, i) => i >= consts.length);
  const unknowns = jaxpr.inVars.length - consts.length;
  const back = transposeJaxpr(jaxpr, linear, always(jaxpr.outs.length), always(unknowns));
  return (y) => evalJaxpr(back.jaxpr, [...consts, ...y]);
}
