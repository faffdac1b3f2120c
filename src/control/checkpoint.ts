/** `checkpoint`: intermediate values are computed again in the backward pass instead of being kept. */
import { interpret } from '../../jit/interpret.ts';
import { type AnyFunction, FlatFunction, flattenArguments, functionName } from '../../transforms/flat.ts';
import { jvpJaxpr, packTangents, unpackTangents } from '../../transforms/jvp.ts';
import { partialEvalJaxpr } from '../../transforms/partial-eval.ts';
import { isLinear, transposeJaxpr } from '../../transforms/transpose.ts';
import { batchJaxpr } from '../../transforms/vmap.ts';
import { deadCodeElimination, type Jaxpr, withoutEffects } from '../core/jaxpr.ts';
import { exact, type Primitive, primitive } from '../core/primitive.ts';
import { stage } from '../core/stage.ts';
import { bind, type Value } from '../core/trace.ts';
import { isZero, Zero } from '../core/zero.ts';
import { type ArrayLikes, type Arrays, unflatten } from '../tree.ts';
import { merge, not, where } from './flags.ts';

interface CheckpointParams {
  readonly jaxpr: Jaxpr;
}

export const checkpointP: Primitive<CheckpointParams> = primitive<CheckpointParams>({
  name: 'checkpoint',
  hot: true,
  type: (_, { jaxpr }) => jaxpr.outAvals,
  run: (inputs, { jaxpr }) => interpret(jaxpr, inputs),
  accuracy: exact,
  jvp: (primals, tangents, { jaxpr }) => {
    const { nonzero, values } = packTangents(tangents);
    const result = jvpJaxpr(jaxpr, nonzero);
    return unpackTangents(bind(checkpointP, [...primals, ...values], { jaxpr: result.jaxpr }), result.outNonzero);
  },
  // The known results are computed now; the recorded equation holds the whole program and recomputes from the operands,
  // so that the operands are the only residuals.
  partialEval: (trace, args, unknown, { jaxpr }) => {
    const split = partialEvalJaxpr(jaxpr, unknown);
    const { outUnknown } = split;
    const nKnown = split.known.outs.length - split.residuals;
    const { jaxpr: live } = deadCodeElimination(
      split.known,
      split.known.outs.map((_, i) => i < nKnown),
    );
    const known = nKnown > 0 || live.effectful ? bind(checkpointP, where(args, not(unknown)), { jaxpr: live }) : [];
    const rest = deadCodeElimination(withoutEffects(jaxpr), outUnknown).jaxpr;
    return merge(outUnknown, trace.builder.emit(checkpointP, args, { jaxpr: rest }), known);
  },
  transpose: (cotangents, args, { jaxpr }) => {
    const linear = args.map(isLinear);
    const outNonzero = cotangents.map((ct) => !isZero(ct));
    const transposed = transposeJaxpr(jaxpr, linear, outNonzero);
    const operands = [
      ...args.filter((x): x is Value => !isLinear(x)),
      ...cotangents.filter((ct): ct is Value => !isZero(ct)),
    ];
    const results = bind(checkpointP, operands, { jaxpr: transposed.jaxpr });
    let next = 0;
    let position = 0;
    return args.map((x) =>
      isLinear(x) ? (transposed.inNonzero[position++] ? results[next++]! : new Zero(x.aval)) : undefined,
    );
  },
  batch: (size, args, batched, { jaxpr }) => {
    const result = batchJaxpr(jaxpr, size, batched);
    return { outs: bind(checkpointP, args, { jaxpr: result.jaxpr }), batched: result.batched };
  },
  lower: { kind: 'inline', jaxpr: ({ jaxpr }) => ({ jaxpr }) },
});

/**
 * `f`, whose intermediate values reverse mode computes again instead of keeping: memory for time.
 *
 * @example
 * grad((x) => layers.reduce((h, layer) => checkpoint(layer)(h), x).sum())(x);
 */
export function checkpoint<F extends AnyFunction>(f: F): (...args: ArrayLikes<Parameters<F>>) => Arrays<ReturnType<F>> {
  const call = (...args: unknown[]): any => {
    const { values, def } = flattenArguments(args, 'checkpoint');
    const flat = new FlatFunction(f, def, 'checkpoint');
    const { jaxpr, consts } = stage(
      flat.call,
      values.map((v) => v.aval),
    );
    return unflatten(flat.outDef, bind(checkpointP, [...consts, ...values], { jaxpr }));
  };
  Object.defineProperty(call, 'name', { value: functionName(f) });
  return call as never;
}
