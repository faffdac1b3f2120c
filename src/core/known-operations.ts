import type { ShapedArray } from './aval.ts';
import type { Plan } from './plan.ts';
import { knownOf, type Params, type Primitive } from './primitive.ts';

/** A value, or a variable of a program. */
interface Operand {
  readonly aval: ShapedArray;
}

/** Types of one operand among which a program may change without what is known of it being found out again. */
const mostTypes = 1024;

/** What is known of an operation by the types of its operands, one after the other. */
export class KnownOperation {
  /** How it is executed on operands of these types. */
  plan: Plan | undefined = undefined;
  /** The types of its results. */
  outputs: readonly ShapedArray[] | undefined = undefined;
  /** How much code it is, of an elementwise one. */
  nodes: number | undefined = undefined;
  private branches: Map<ShapedArray, KnownOperation> | undefined = undefined;
  /** The last branch asked for. */
  private type: ShapedArray | undefined = undefined;
  private next: KnownOperation | undefined = undefined;

  branch(aval: ShapedArray): KnownOperation {
    if (this.type === aval) return this.next!;
    this.branches ??= new Map();
    let known = this.branches.get(aval);
    if (!known) {
      // Of arrays that are never of the same shape twice, the older ones would stay for ever.
      if (this.branches.size === mostTypes) this.branches.clear();
      this.branches.set(aval, (known = new KnownOperation()));
    }
    this.type = aval;
    this.next = known;
    return known;
  }
}

/** Undefined where the parameters are not shared, which may be others the next time. */
export function knownOperation(
  primitive: Primitive,
  args: readonly Operand[],
  params: Params,
): KnownOperation | undefined {
  const byPrimitive = knownOf(params) as Map<Primitive, KnownOperation> | undefined;
  if (!byPrimitive) return undefined;
  let known = byPrimitive.get(primitive);
  if (!known) byPrimitive.set(primitive, (known = new KnownOperation()));
  for (let i = 0; i < args.length; i++) known = known.branch(args[i]!.aval);
  return known;
}

/** Abstract evaluation, once for types and parameters: programs repeat their operations. */
export function outputTypes(primitive: Primitive, args: readonly Operand[], params: Params): readonly ShapedArray[] {
  const known = knownOperation(primitive, args, params);
  if (known?.outputs) return known.outputs;
  const outputs = primitive.type(
    args.map((arg) => arg.aval),
    params,
  );
  if (known) known.outputs = outputs;
  return outputs;
}
