/** The derivative of a `customVjp` function as a primitive. */
import { interpret } from '../../jit/interpret.ts';
import { instantiate, jvpJaxpr, packTangents, unpackTangents } from '../../transforms/jvp.ts';
import { isLinear, transposeJaxpr } from '../../transforms/transpose.ts';
import { addLanes, batchJaxpr } from '../../transforms/vmap.ts';
import { evalJaxpr } from '../core/eval-jaxpr.ts';
import type { Jaxpr } from '../core/jaxpr.ts';
import { exact, type Primitive, primitive } from '../core/primitive.ts';
import { bind, type Value } from '../core/trace.ts';
import { always } from './flags.ts';
import { guardJaxpr } from './guard-effects.ts';

interface LinearParams {
  readonly bwd: Jaxpr;
  readonly residuals: number;
}

/** bwd's transpose as a program: (residuals, tangents of the arguments) → tangents of the results. */
function forwardOf({ bwd, residuals }: LinearParams): Jaxpr {
  const linear = bwd.inVars.map((_, i) => i >= residuals);
  return transposeJaxpr(bwd, linear, always(bwd.outs.length), always(bwd.inVars.length - residuals)).jaxpr;
}

/**
 * The derivative of a customVjp function as a linear map of tangents. Reverse mode transposes it to the user's bwd;
 * evaluated forwards it is the transpose of bwd, so that forward mode works too.
 */
export const customVjpLinearP: Primitive<LinearParams> = primitive<LinearParams>({
  name: 'custom_vjp_linear',
  hot: true,
  type: (_, { bwd, residuals }) => bwd.inAvals.slice(residuals),
  run: (inputs, params) => interpret(forwardOf(params), inputs),
  accuracy: exact,
  jvp: (primals, tangents, params) => {
    const { nonzero, values } = packTangents(tangents);
    if (!nonzero.slice(0, params.residuals).includes(true)) {
      const outs = bind(customVjpLinearP, primals, params);
      const given = tangents.slice(params.residuals).map(instantiate);
      return [outs, bind(customVjpLinearP, [...primals.slice(0, params.residuals), ...given], params)];
    }
    const result = jvpJaxpr(forwardOf(params), nonzero);
    return unpackTangents(evalJaxpr(result.jaxpr, [...primals, ...values]), result.outNonzero);
  },
  transpose: (cotangents, args, { bwd, residuals }) => {
    const known = args.slice(0, residuals) as Value[];
    const results = evalJaxpr(bwd, [...known, ...cotangents.map(instantiate)]);
    return args.map((x, i) => (isLinear(x) ? results[i - residuals] : undefined));
  },
  batch: (size, args, batched, { bwd, residuals }) => {
    const inBatched = [...batched.slice(0, residuals), ...always(bwd.inVars.length - residuals)];
    const lanes = args.map((arg, i) => (i < residuals || batched[i] ? arg : addLanes(arg, size)));
    const params: LinearParams = { bwd: batchJaxpr(bwd, size, inBatched, always(bwd.outs.length)).jaxpr, residuals };
    return { outs: bind(customVjpLinearP, lanes, params), batched: always(bwd.inVars.length - residuals) };
  },
  guard: (active, args, { bwd, residuals }) =>
    bind(customVjpLinearP, [active, ...args], { bwd: guardJaxpr(bwd), residuals: residuals + 1 }),
  lower: { kind: 'inline', jaxpr: (params) => ({ jaxpr: forwardOf(params) }), derived: true },
});
