/** Transposition: linear programs run backwards, from cotangents of results to cotangents of inputs. */
import { NDArray } from '../src/array.ts';
import { RuleError } from '../src/core/errors.ts';
import { evalJaxpr } from '../src/core/eval-jaxpr.ts';
import { type Atom, flagKey, type Jaxpr, Literal, memoPerJaxpr, Var } from '../src/core/jaxpr.ts';
import { isLinear, Linear } from '../src/core/linear.ts';
import { withSource } from '../src/core/source.ts';
import { stage } from '../src/core/stage.ts';
import { bind, type Value } from '../src/core/trace.ts';
import { isZero, Zero } from '../src/core/zero.ts';
import { add } from '../src/lax/arithmetic.ts';
import { embedConstant } from '../src/lax/constant.ts';
import { instantiate } from './jvp.ts';
import { isUnknownPart, partialEvalJaxpr } from './partial-eval.ts';

export type Cotangent = Value | Zero;

export { isLinear, Linear };

/**
 * Cotangents of the `Linear` operands from the results' cotangents (at least one not `Zero`); entries of the others
 * are ignored.
 */
export type TransposeRule<P> = (
  cotangents: readonly Cotangent[],
  args: readonly (Value | Linear)[],
  params: P,
) => readonly (Cotangent | undefined)[];

/**
 * Runs the linear jaxpr backwards: cotangents of the inputs flagged in `linear`, from those of the outputs. `args`
 * holds the values of the other inputs. Equations that do not depend on a linear input are evaluated first.
 */
export function backwardPass(
  jaxpr: Jaxpr,
  linear: readonly boolean[],
  args: readonly (Value | undefined)[],
  outCotangents: readonly Cotangent[],
): Cotangent[] {
  const values = new Map<Var, Value>();
  const linearVars = new Set<Var>();
  jaxpr.inVars.forEach((v, i) => {
    if (linear[i]) linearVars.add(v);
    else values.set(v, args[i]!);
  });
  const isLinearAtom = (atom: Atom): boolean => atom instanceof Var && linearVars.has(atom);
  const read = (atom: Atom): Value =>
    atom instanceof Literal ? NDArray.ofLiteral(atom.value, atom.aval) : values.get(atom)!;

  const linearEqns = jaxpr.eqns.filter((eqn) => {
    if (eqn.inputs.some(isLinearAtom)) {
      for (const v of eqn.outputs) linearVars.add(v);
      return true;
    }
    const outs = withSource(eqn.source, () => bind(eqn.primitive, eqn.inputs.map(read), eqn.params));
    eqn.outputs.forEach((v, i) => {
      values.set(v, outs[i]!);
    });
    return false;
  });

  const cotangents = new Map<Var, Value>();
  const accumulate = (atom: Atom, cotangent: Cotangent | undefined) => {
    if (!(atom instanceof Var) || !cotangent || isZero(cotangent) || !linearVars.has(atom)) return;
    const sum = cotangents.get(atom);
    cotangents.set(atom, sum ? add(sum, cotangent) : cotangent);
  };
  jaxpr.outs.forEach((atom, i) => {
    accumulate(atom, outCotangents[i]);
  });
  for (const eqn of linearEqns.reverse()) {
    const cts = eqn.outputs.map((v) => cotangents.get(v) ?? new Zero(v.aval));
    if (cts.every(isZero)) continue;
    withSource(eqn.source, () => {
      const rule = eqn.primitive.transpose;
      if (!rule) {
        throw new RuleError(
          `\`${eqn.primitive.name}\` has no transpose rule, which reverse-mode differentiation needs here${
            eqn.source?.position ? ` (${eqn.source.position})` : ''
          }.`,
        );
      }
      const operands = eqn.inputs.map((atom) => (isLinearAtom(atom) ? new Linear(atom.aval) : read(atom)));
      const results = rule(cts, operands, eqn.params);
      eqn.inputs.forEach((atom, i) => {
        accumulate(atom, results[i]);
      });
    });
  }
  return jaxpr.inVars.filter((_, i) => linear[i]).map((v) => cotangents.get(v) ?? new Zero(v.aval));
}

/** The same for a program that is not linear throughout: what does not depend on the linear inputs is computed first. */
function pullBack(
  jaxpr: Jaxpr,
  linear: readonly boolean[],
  args: readonly (Value | undefined)[],
  cotangents: readonly Cotangent[],
): Cotangent[] {
  if (!linear.includes(true) || !hasMixed(jaxpr)) return backwardPass(jaxpr, linear, args, cotangents);
  const all = jaxpr.outs.map(() => true);
  const { known, unknown, residuals } = partialEvalJaxpr(jaxpr, linear, all);
  const values = evalJaxpr(known, args.filter((_, i) => !linear[i]) as Value[]);
  const isInput = unknown.inVars.map((_, i) => i >= residuals);
  return backwardPass(unknown, isInput, values, cotangents);
}

export interface TransposedJaxpr {
  /** (nonlinear inputs, cotangents of the outs in `outNonzero`) → cotangents of the linear inputs in `inNonzero`. */
  readonly jaxpr: Jaxpr;
  readonly inNonzero: readonly boolean[];
}

/** Equations that stand for a program may have results that are not linear among others that are. */
const hasMixed = (jaxpr: Jaxpr): boolean =>
  !isUnknownPart(jaxpr) && jaxpr.eqns.some((eqn) => eqn.primitive.partialEval !== undefined);

/** The transpose of a jaxpr in its `linear` inputs; those flagged in `force` get a materialised cotangent. */
export const transposeJaxpr: (
  jaxpr: Jaxpr,
  linear: readonly boolean[],
  outNonzero: readonly boolean[],
  force?: readonly boolean[],
) => TransposedJaxpr = memoPerJaxpr(
  (linear: readonly boolean[], outNonzero: readonly boolean[], force?: readonly boolean[]) =>
    `${flagKey(linear)}|${flagKey(outNonzero)}|${force ? flagKey(force) : ''}`,
  (jaxpr, linear, outNonzero, force) => {
    const nonlinearAvals = jaxpr.inAvals.filter((_, i) => !linear[i]);
    const ctAvals = jaxpr.outAvals.filter((_, i) => outNonzero[i]);
    let inNonzero: boolean[] = [];
    const staged = stage(
      (...all) => {
        let next = 0;
        const args = linear.map((isLin) => (isLin ? undefined : all[next++]!));
        const cts = outNonzero.map((has, i) => (has ? all[next++]! : new Zero(jaxpr.outAvals[i]!)));
        const results = pullBack(jaxpr, linear, args, cts);
        inNonzero = results.map((ct, i) => !isZero(ct) || (force?.[i] ?? false));
        return results.filter((_, i) => inNonzero[i]).map(instantiate);
      },
      [...nonlinearAvals, ...ctAvals],
      [],
      embedConstant,
    );
    return { jaxpr: staged.jaxpr, inNonzero };
  },
);
