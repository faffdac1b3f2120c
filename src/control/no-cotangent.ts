/** `no_cotangent`: the zero tangent of a value that reverse mode must not ask about. */
import type { ShapedArray } from '../core/aval.ts';
import { allocate } from '../core/dtype.ts';
import { RuleError } from '../core/errors.ts';
import { exact, type Primitive, primitive } from '../core/primitive.ts';
import { bind, type Value } from '../core/trace.ts';
import { isZero } from '../core/zero.ts';

interface NoCotangentParams {
  readonly aval: ShapedArray;
  readonly message: string;
}

/** Zero, linear in its operands. A cotangent for it would be dropped silently; instead it is an error. */
export const noCotangentP: Primitive<NoCotangentParams> = primitive<NoCotangentParams>({
  name: 'no_cotangent',
  type: (_, { aval }) => [aval],
  run: (_inputs, { aval }) => [allocate(aval.dtype, aval.size)],
  accuracy: exact,
  jvp: (primals, tangents, params) => {
    const given = tangents.filter((t): t is Value => !isZero(t));
    return [bind(noCotangentP, primals, params), bind(noCotangentP, given, params)];
  },
  transpose: (_, __, { message }) => {
    throw new RuleError(message);
  },
  batch: (_size, args, _batched, params) => ({ outs: bind(noCotangentP, args, params), batched: [false] }),
  lower: { kind: 'elementwise', build: (b, _args, { aval }) => b.const(0, aval.dtype) },
});
