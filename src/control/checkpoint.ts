/** `checkpoint`: intermediate values are computed again in the backward pass instead of being kept. */
import { interpret } from '../../jit/interpret.ts';
import { checkFunction, FlatFunction, flattenArguments, standsFor, type TreeFunction } from '../../transforms/flat.ts';
import { jvpJaxpr, packTangents, unpackTangents } from '../../transforms/jvp.ts';
import { type PartialEvalTrace, partialEvalJaxpr } from '../../transforms/partial-eval.ts';
import { batchJaxpr } from '../../transforms/vmap.ts';
import { type Atom, deadCodeElimination, type Eqn, Jaxpr, Literal, Var, withoutEffects } from '../core/jaxpr.ts';
import { optionsOf } from '../core/options.ts';
import { exact, type Primitive, primitive } from '../core/primitive.ts';
import { stage } from '../core/stage.ts';
import { bind, type Value } from '../core/trace.ts';
import { type ArrayLikes, type Arrays, unflatten } from '../tree.ts';
import { type CheckpointPolicy, checkpointPolicies } from './checkpoint-policies.ts';
import { merge, not, where } from './flags.ts';
import { guardJaxpr } from './guard-effects.ts';
import { jitP } from './jit-primitive.ts';
import { transposeCall } from './transpose-call.ts';

interface CheckpointParams {
  readonly jaxpr: Jaxpr;
  readonly policy: CheckpointPolicy;
}

export const checkpointP: Primitive<CheckpointParams> = primitive<CheckpointParams>({
  name: 'checkpoint',
  hot: true,
  type: (_, { jaxpr }) => jaxpr.outAvals,
  run: (inputs, { jaxpr }) => interpret(jaxpr, inputs),
  accuracy: exact,
  jvp: (primals, tangents, { jaxpr, policy }) => {
    const { nonzero, values } = packTangents(tangents);
    const result = jvpJaxpr(jaxpr, nonzero);
    const outs = bind(checkpointP, [...primals, ...values], { jaxpr: result.jaxpr, policy });
    return unpackTangents(outs, result.outNonzero);
  },
  partialEval: partialEvalCheckpoint,
  transpose: (cotangents, args, { jaxpr, policy }) =>
    transposeCall(jaxpr, cotangents, args, (transposed, operands) =>
      bind(checkpointP, operands, { jaxpr: transposed, policy }),
    ),
  batch: (size, args, batched, { jaxpr, policy }) => {
    const result = batchJaxpr(jaxpr, size, batched);
    return { outs: bind(checkpointP, args, { jaxpr: result.jaxpr, policy }), batched: result.batched };
  },
  guard: (active, args, { jaxpr, policy }) =>
    bind(checkpointP, [active, ...args], { jaxpr: guardJaxpr(jaxpr), policy }),
  // Equal equations inside and outside stay two: to compute a value again is the purpose.
  lower: { kind: 'inline', jaxpr: ({ jaxpr }) => ({ jaxpr }), separate: true },
});

/**
 * The known results are computed now, and with them what the policy saves. The recorded equation holds the whole
 * program and computes the rest again from the operands: these and the saved values are the only residuals.
 */
function partialEvalCheckpoint(
  trace: PartialEvalTrace,
  args: readonly Value[],
  unknown: readonly boolean[],
  { jaxpr, policy }: CheckpointParams,
): Value[] {
  const program = policy === checkpointPolicies.nothingSaveable ? jaxpr : inlined(jaxpr);
  const { outUnknown } = partialEvalJaxpr(program, unknown);
  const pure = withoutEffects(program);
  const candidates = saveable(pure, unknown, policy);
  const defined = new Set<Atom>(candidates);
  const again = pure.eqns.filter((eqn) => !eqn.outputs.some((v) => defined.has(v)));
  const { jaxpr: rest, usedInputs } = deadCodeElimination(
    new Jaxpr([...candidates, ...pure.inVars], again, pure.outs),
    outUnknown,
  );
  const kept = candidates.map((_, i) => usedInputs[i]!);
  const saved = where(candidates, kept);
  const split = partialEvalJaxpr(new Jaxpr(program.inVars, program.eqns, [...program.outs, ...saved]), unknown);
  const count = split.known.outs.length - split.residuals;
  const { jaxpr: live } = deadCodeElimination(
    split.known,
    split.known.outs.map((_, i) => i < count),
  );
  const known =
    count > 0 || live.effectful ? bind(checkpointP, where(args, not(unknown)), { jaxpr: live, policy }) : [];
  const residuals = known.slice(count - saved.length);
  const recorded = new Jaxpr([...saved, ...rest.inVars.slice(candidates.length)], rest.eqns, rest.outs);
  return merge(
    outUnknown,
    trace.builder.emit(checkpointP, [...residuals, ...args], { jaxpr: recorded, policy }),
    known.slice(0, count - saved.length),
  );
}

/** Results of equations on known values that the policy saves. */
function saveable(jaxpr: Jaxpr, unknown: readonly boolean[], policy: CheckpointPolicy): Var[] {
  const known = new Set<Atom>(jaxpr.inVars.filter((_, i) => !unknown[i]));
  const saved: Var[] = [];
  for (const eqn of jaxpr.eqns) {
    if (!eqn.inputs.every((atom) => atom instanceof Literal || known.has(atom))) continue;
    for (const v of eqn.outputs) known.add(v);
    const avals = eqn.inputs.map((atom) => atom.aval);
    if (policy(eqn.primitive, avals, eqn.params)) saved.push(...eqn.outputs);
  }
  return saved;
}

/** The program with calls of jitted functions replaced by their equations, which a policy can then see. */
function inlined(jaxpr: Jaxpr): Jaxpr {
  const eqns: Eqn[] = [];
  const visit = (program: Jaxpr, args: readonly Atom[]): Atom[] => {
    const env = new Map<Atom, Atom>(program.inVars.map((v, i) => [v, args[i]!]));
    const read = (atom: Atom): Atom => env.get(atom) ?? atom;
    for (const eqn of program.eqns) {
      const inputs = eqn.inputs.map(read);
      const outputs =
        eqn.primitive === jitP
          ? visit((eqn.params as { jaxpr: Jaxpr }).jaxpr, inputs)
          : eqn.outputs.map((v) => new Var(v.aval));
      if (eqn.primitive !== jitP) eqns.push({ ...eqn, inputs, outputs: outputs as Var[] });
      eqn.outputs.forEach((v, i) => {
        env.set(v, outputs[i]!);
      });
    }
    return program.outs.map(read);
  };
  const outs = visit(jaxpr, jaxpr.inVars);
  return new Jaxpr(jaxpr.inVars, eqns, outs);
}

export interface CheckpointOptions {
  /** Which intermediate values to keep all the same; one of `checkpointPolicies`, by default none. */
  policy?: CheckpointPolicy;
}

/**
 * `f`, whose intermediate values reverse mode computes again instead of keeping: memory for time.
 *
 * @example
 * grad((x) => layers.reduce((h, layer) => checkpoint(layer)(h), x).sum())(x);
 * checkpoint(layer, { policy: checkpointPolicies.dotsSaveable }); // keeps matrix products
 */
export function checkpoint<F extends TreeFunction>(
  f: F,
  options: CheckpointOptions = {},
): (...args: ArrayLikes<Parameters<F>>) => Arrays<ReturnType<F>> {
  checkFunction('checkpoint', f);
  const { policy = checkpointPolicies.nothingSaveable } = optionsOf('checkpoint', options, ['policy']);
  checkFunction('checkpoint', policy, 'the policy, one of `checkpointPolicies`,');
  const call = (...args: unknown[]): any => {
    const { values, def } = flattenArguments(args, 'checkpoint');
    const flat = new FlatFunction(f, def, 'checkpoint');
    const { jaxpr, consts } = stage(
      flat.call,
      values.map((v) => v.aval),
    );
    return unflatten(flat.outDef, bind(checkpointP, [...consts, ...values], { jaxpr, policy }));
  };
  standsFor(call, f);
  return call as never;
}
