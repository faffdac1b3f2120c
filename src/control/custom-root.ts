/**
 * `custom_root`: the solution x*(θ) of F(x, θ) = 0 (or of x = T(x, θ)) as a primitive.
 *
 * By the implicit function theorem, where ∂₁F is invertible, ∂₁F(x*, θ) ẋ = −∂₂F(x*, θ) θ̇ (Blondel et al., Efficient and
 * Modular Implicit Differentiation, arXiv 2105.15183, section 2.1); for a fixed point F = T(x, θ) − x, so that
 * (I − ∂₁T) ẋ = ∂₂T θ̇. The tangent needs one linear solve, and the solver's iterations are neither differentiated nor
 * run again. x* in the rule is the primitive itself: the rule can be differentiated again, to any order. F is linearised
 * outside of the primitive, so that what the linear operator needs are ordinary values.
 */
import { interpret } from '../../jit/interpret.ts';
import { instantiate, jvpValues, type Tangent } from '../../transforms/jvp.ts';
import { linearizeValues } from '../../transforms/linearize.ts';
import { batchJaxpr, vmapValues } from '../../transforms/vmap.ts';
import { evalJaxpr } from '../core/eval-jaxpr.ts';
import type { Jaxpr } from '../core/jaxpr.ts';
import { exact, type Primitive, primitive } from '../core/primitive.ts';
import { range } from '../core/shape.ts';
import { bind, bind1, type Value } from '../core/trace.ts';
import { isZero, Zero } from '../core/zero.ts';
import { neg, sub } from '../lax/arithmetic.ts';
import { customLinearSolve, type LinearMap, type LinearSolveInfo, type LinearSolver } from './custom-linear-solve.ts';
import { always, order, reorder, split } from './flags.ts';
import { guardJaxpr } from './guard-effects.ts';
import { noCotangentP } from './no-cotangent.ts';

/** A `vmap` around the root: its size, and which θ have a value per lane. Solutions always do. */
interface Lane {
  readonly size: number;
  readonly batched: readonly boolean[];
}

export interface RootParams {
  /** 'customRoot' or 'customFixedPoint', as errors name it. */
  readonly operation: string;
  /** (x₀, θ, ψ) → (x, aux), with the axes of all lanes in front. */
  readonly solver: Jaxpr;
  /** (x, θ) → F(x, θ) or T(x, θ) of one lane. */
  readonly optimality: Jaxpr;
  readonly fixedPoint: boolean;
  readonly symmetric: boolean;
  /** How the linear system at a solution x of one lane is solved. */
  readonly linearSolve: (x: readonly Value[], theta: readonly Value[]) => LinearSolver;
  /** Called with the outcome of each linear solve, where the program that solves is traced. */
  readonly check?: (info: LinearSolveInfo) => void;
  /** Numbers of leaves: initial guess, θ, solution. ψ, which only the solver captured, follows θ. */
  readonly counts: { readonly init: number; readonly theta: number; readonly solution: number };
  /** Outermost first. */
  readonly lanes: readonly Lane[];
}

export const customRootP: Primitive<RootParams> = primitive<RootParams>({
  name: 'custom_root',
  hot: true,
  type: (_, { solver }) => solver.outAvals,
  run: (inputs, { solver }) => interpret(solver, inputs),
  accuracy: exact,
  jvp: (primals, tangents, params) => {
    const { counts, operation } = params;
    const outs = bind(customRootP, primals, params);
    const [, theta] = split(primals, counts.init, counts.theta) as [Value[], Value[]];
    const [, thetaTangents] = split(tangents, counts.init, counts.theta) as [Tangent[], Tangent[]];
    if (!thetaTangents.some((t) => !isZero(t))) return [outs, outs.map((out) => new Zero(out.aval))];
    const [x, aux] = split(outs, counts.solution) as [Value[], Value[]];
    const given = thetaTangents.filter((t): t is Value => !isZero(t));
    const auxTangents = aux.map((out, i) => {
      if (!out.aval.isFloating) return new Zero(out.aval);
      const message = `${operation}: auxiliary output ${i} of the solver has no derivative, but its gradient was asked for.`;
      return bind1(noCotangentP, given, { aval: out.aval, message });
    });
    return [outs, [...rootTangents(params, x, theta, thetaTangents), ...auxTangents]];
  },
  batch: (size, args, batched, params) => {
    const { solver, counts } = params;
    const [, theta] = split(batched, counts.init, counts.theta) as [boolean[], boolean[]];
    const lanes = [{ size, batched: theta }, ...params.lanes];
    const many = batchJaxpr(solver, size, batched, always(solver.outs.length)).jaxpr;
    return { outs: bind(customRootP, args, { ...params, solver: many, lanes }), batched: always(solver.outs.length) };
  },
  // The flag is captured by the solver: it comes last.
  guard: (active, args, params) => {
    const guarded = guardJaxpr(params.solver);
    const n = args.length;
    const solver = reorder(guarded, order([1, n], [0, 1]), range(guarded.outs.length));
    return bind(customRootP, [...args, active], { ...params, solver });
  },
  lower: { kind: 'inline', jaxpr: ({ solver }) => ({ jaxpr: solver }) },
});

/**
 * ẋ from θ̇. Each lane has an equation of its own and a linear solve of its own; together they are the solves' vmap, not
 * one large system.
 */
function rootTangents(
  params: RootParams,
  x: readonly Value[],
  theta: readonly Value[],
  tangents: readonly Tangent[],
): Value[] {
  const present = tangents.map((t) => !isZero(t));
  const given = tangents.filter((t): t is Value => !isZero(t));
  const ofLane = (lanes: readonly Lane[], values: readonly Value[]): Value[] => {
    const [lane, ...inner] = lanes;
    if (lane) {
      const flags = [...always(x.length), ...lane.batched, ...lane.batched.filter((_, i) => present[i])];
      return vmapValues((...all) => ofLane(inner, all), lane.size, values, flags).outs;
    }
    const [point, at, along] = split(values, x.length, theta.length) as [Value[], Value[], Value[]];
    let next = 0;
    const directions = present.map((has, i): Tangent => (has ? along[next++]! : new Zero(at[i]!.aval)));
    return implicitTangent(params, point, at, directions);
  };
  return ofLane(params.lanes, [...x, ...theta, ...given]);
}

/** ẋ of one equation. */
export function implicitTangent(
  params: Omit<RootParams, 'solver' | 'counts' | 'lanes'>,
  x: readonly Value[],
  theta: readonly Value[],
  tangents: readonly Tangent[],
): Value[] {
  const { optimality, fixedPoint, symmetric, linearSolve, check, operation } = params;
  const moved = jvpValues((...at) => evalJaxpr(optimality, [...x, ...at]), theta, tangents);
  const inTheta = moved.tangents.map(instantiate);
  const matvec = operatorAt(optimality, fixedPoint, x, theta);
  const right = fixedPoint ? inTheta : inTheta.map((v) => neg(v));
  const options = { symmetric, operation, ...(check ? { check } : {}) };
  return customLinearSolve(matvec, right, linearSolve(x, theta), options).x;
}

/** v ↦ ∂₁F v, or v ↦ v − ∂₁T v. */
export function operatorAt(
  optimality: Jaxpr,
  fixedPoint: boolean,
  x: readonly Value[],
  theta: readonly Value[],
): LinearMap {
  const linear = linearizeValues((...at) => evalJaxpr(optimality, [...at, ...theta]), x);
  const push: LinearMap = (v) => evalJaxpr(linear.jaxpr, [...linear.residuals, ...v]);
  return fixedPoint ? (v) => push(v).map((w, i) => sub(v[i]!, w)) : push;
}
