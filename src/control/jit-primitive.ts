/** The call primitive: a jaxpr applied to operands, compiled as a unit when it is evaluated. */
import { interpret } from '../../jit/interpret.ts';
import { jvpJaxpr, packTangents, unpackTangents } from '../../transforms/jvp.ts';
import { partialEvalJaxpr } from '../../transforms/partial-eval.ts';
import { batchJaxpr } from '../../transforms/vmap.ts';
import { deadCodeElimination, dropInputs, type Jaxpr } from '../core/jaxpr.ts';
import { exact, type Primitive, primitive } from '../core/primitive.ts';
import { bind } from '../core/trace.ts';
import { guardJaxpr } from './guard-effects.ts';
import { transposeCall } from './transpose-call.ts';

export interface JitParams {
  readonly name: string;
  readonly jaxpr: Jaxpr;
}

export const jitP: Primitive<JitParams> = primitive<JitParams>({
  name: 'jit',
  hot: true,
  type: (_, { jaxpr }) => jaxpr.outAvals,
  run: (inputs, { jaxpr }) => interpret(jaxpr, inputs),
  accuracy: exact,
  jvp: (primals, tangents, { name, jaxpr }) => {
    const { nonzero, values } = packTangents(tangents);
    const result = jvpJaxpr(jaxpr, nonzero);
    return unpackTangents(bind(jitP, [...primals, ...values], { name, jaxpr: result.jaxpr }), result.outNonzero);
  },
  partialEval: (trace, args, unknown, { name, jaxpr }) => {
    const split = partialEvalJaxpr(jaxpr, unknown);
    const known = bind(
      jitP,
      args.filter((_, i) => !unknown[i]),
      { name, jaxpr: split.known },
    );
    const knownOuts = known.slice(0, known.length - split.residuals);
    const residuals = known.slice(known.length - split.residuals);
    const operands = [...residuals, ...args.filter((_, i) => unknown[i])];
    const unknownOuts =
      split.unknown.outs.length || split.unknown.effectful
        ? trace.builder.emit(jitP, operands, { name, jaxpr: split.unknown })
        : [];
    let k = 0;
    let u = 0;
    return split.outUnknown.map((isUnknown) => (isUnknown ? unknownOuts[u++]! : knownOuts[k++]!));
  },
  transpose: (cotangents, args, { name, jaxpr }) =>
    transposeCall(jaxpr, cotangents, args, (transposed, operands) => bind(jitP, operands, { name, jaxpr: transposed })),
  batch: (size, args, batched, { name, jaxpr }) => {
    const result = batchJaxpr(jaxpr, size, batched);
    return { outs: bind(jitP, args, { name, jaxpr: result.jaxpr }), batched: result.batched };
  },
  guard: (active, args, { name, jaxpr }) => bind(jitP, [active, ...args], { name, jaxpr: guardJaxpr(jaxpr) }),
  lower: { kind: 'inline', jaxpr: ({ jaxpr }) => ({ jaxpr }) },
  dce: (eqn, used) => {
    const { name, jaxpr } = eqn.params as JitParams;
    const live = deadCodeElimination(jaxpr, used);
    if (used.every(Boolean) && live.usedInputs.every(Boolean)) return undefined;
    return {
      eqn: {
        ...eqn,
        inputs: eqn.inputs.filter((_, i) => live.usedInputs[i]),
        outputs: eqn.outputs.filter((_, i) => used[i]),
        params: { name, jaxpr: dropInputs(live.jaxpr, live.usedInputs) },
      },
      usedInputs: live.usedInputs,
    };
  },
});
