/** Forward mode: values with their tangents, and jaxprs of both. */
import { NDArray, type TracerOrigin } from '../src/array.ts';
import { evalJaxpr } from '../src/core/eval-jaxpr.ts';
import { flagKey, type Jaxpr, memoPerJaxpr } from '../src/core/jaxpr.ts';
import type { Params, Primitive } from '../src/core/primitive.ts';
import { atUserLine } from '../src/core/source.ts';
import { stage } from '../src/core/stage.ts';
import { currentTrace, type Subject, type Trace, type Value, withTrace } from '../src/core/trace.ts';
import { isZero, Zero } from '../src/core/zero.ts';
import { embedConstant } from '../src/lax/constant.ts';
import { zerosLike } from '../src/lax/creation.ts';

export type Tangent = Value | Zero;

/** Results and their tangents, from operands and theirs. At least one tangent is not `Zero`. */
export type JvpRule<P> = (
  primals: readonly Value[],
  tangents: readonly Tangent[],
  params: P,
) => readonly [readonly Value[], readonly Tangent[]];

/** A value with its tangent. Values whose tangent is zero are not wrapped. */
export class JvpTracer extends NDArray {
  readonly trace: JvpTrace;
  readonly primal: Value;
  readonly tangent: Value;

  constructor(trace: JvpTrace, primal: Value, tangent: Value) {
    super(primal.aval);
    this.trace = trace;
    this.primal = primal;
    this.tangent = tangent;
  }

  override get isTracer(): boolean {
    return true;
  }

  override get live(): boolean {
    return this.trace.open;
  }

  override get origin(): TracerOrigin {
    return { subject: this.trace.subject, source: this.tangent.origin?.source };
  }

  /** The value to read where only the primal matters: bools and integers have no tangent. */
  override get concrete(): Value | undefined {
    return this.aval.isFloating ? undefined : this.primal.concrete;
  }
}

/** Pushes tangents forward, beside the values (Griewank & Walther, Evaluating Derivatives, chapter 3). */
export class JvpTrace implements Trace {
  readonly name: string = 'jvp';
  readonly records: boolean;
  readonly parent: Trace;
  subject: Subject | undefined;
  open: boolean = true;

  constructor(parent: Trace) {
    this.parent = parent;
    this.records = parent.records;
  }

  split(value: Value): [Value, Tangent] {
    if (value instanceof JvpTracer && value.trace === this) return [value.primal, value.tangent];
    return [value, new Zero(value.aval)];
  }

  join(primal: Value, tangent: Tangent): Value {
    return isZero(tangent) ? primal : new JvpTracer(this, primal, tangent);
  }

  /** Results of `f` under this trace, taken apart. */
  run(f: () => readonly Value[]): [Value, Tangent][] {
    try {
      return withTrace(this, f).map((out) => this.split(out));
    } finally {
      this.open = false;
    }
  }

  process(primitive: Primitive, args: readonly Value[], params: Params): Value[] {
    const pairs = args.map((arg) => this.split(arg));
    const primals = pairs.map(([primal]) => primal);
    const tangents = pairs.map(([, tangent]) => tangent);
    const rule = primitive.jvp;
    if (rule === 'zero' || tangents.every(isZero)) {
      return withTrace(this.parent, () => this.parent.process(primitive, primals, params));
    }
    const [outs, outTangents] = withTrace(this.parent, () =>
      atUserLine(this.records, () => rule(primals, tangents, params)),
    );
    return outs.map((out, i) => this.join(out, outTangents[i]!));
  }
}

/** A materialised tangent. */
export const instantiate = (tangent: Tangent): Value => (isZero(tangent) ? zerosLike(tangent.aval) : tangent);

/** Values and tangents of a function on leaves. Integer and bool operands take `Zero` tangents. */
export function jvpValues(
  f: (...args: Value[]) => readonly Value[],
  primals: readonly Value[],
  tangents: readonly Tangent[],
): { outs: Value[]; tangents: Tangent[] } {
  const trace = new JvpTrace(currentTrace());
  const pairs = trace.run(() => f(...primals.map((primal, i) => trace.join(primal, tangents[i]!))));
  return { outs: pairs.map(([primal]) => primal), tangents: pairs.map(([, tangent]) => tangent) };
}

export interface JvpJaxpr {
  /** (primals, tangents of the inputs in `nonzero`) → (outs, tangents of the outs in `outNonzero`). */
  readonly jaxpr: Jaxpr;
  readonly outNonzero: readonly boolean[];
}

/**
 * The jaxpr of the jvp of `jaxpr`, given which inputs have tangents. Outputs flagged in `force` have their tangent
 * materialised even where it is zero.
 */
export const jvpJaxpr: (jaxpr: Jaxpr, nonzero: readonly boolean[], force?: readonly boolean[]) => JvpJaxpr =
  memoPerJaxpr(
    (nonzero: readonly boolean[], force?: readonly boolean[]) => `${flagKey(nonzero)}|${force ? flagKey(force) : ''}`,
    (jaxpr, nonzero, force) => {
      const n = jaxpr.inVars.length;
      const tangentAvals = jaxpr.inAvals.filter((_, i) => nonzero[i]);
      let outNonzero: boolean[] = [];
      const staged = stage(
        (...args) => {
          let next = n;
          const tangents = nonzero.map((has, i) => (has ? args[next++]! : new Zero(jaxpr.inAvals[i]!)));
          const result = jvpValues((...xs) => evalJaxpr(jaxpr, xs), args.slice(0, n), tangents);
          outNonzero = result.tangents.map((t, i) => !isZero(t) || (force?.[i] ?? false));
          return [...result.outs, ...result.tangents.filter((_, i) => outNonzero[i]).map(instantiate)];
        },
        [...jaxpr.inAvals, ...tangentAvals],
        [],
        embedConstant,
      );
      return { jaxpr: staged.jaxpr, outNonzero };
    },
  );

/** Splits the operands of a jvp rule: primals, then the tangents that are not zero. */
export function packTangents(tangents: readonly Tangent[]): { nonzero: boolean[]; values: Value[] } {
  return { nonzero: tangents.map((t) => !isZero(t)), values: tangents.filter((t): t is Value => !isZero(t)) };
}

/** The inverse for outputs: takes (outs, nonzero tangents) apart. */
export function unpackTangents(results: readonly Value[], outNonzero: readonly boolean[]): [Value[], Tangent[]] {
  const n = outNonzero.length;
  const outs = results.slice(0, n);
  let next = n;
  return [outs, outNonzero.map((has, i) => (has ? results[next++]! : new Zero(outs[i]!.aval)))];
}
