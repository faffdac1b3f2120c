import type { LowerRule } from '../../jit/lower-rule.ts';
import { type ShapedArray, sameType } from './aval.ts';
import { type Atom, type Eqn, type Jaxpr, subJaxprs, Var } from './jaxpr.ts';
import { printJaxpr } from './print.ts';

const verified = new WeakSet<Jaxpr>();
/** Passes keep most equations as they are. */
const wellTyped = new WeakSet<Eqn>();

/**
 * Checks scoping (every variable bound once, before use), that every equation's results have the types that its
 * primitive gives, and that programs within equations take and return what the equation does. Recurses into them.
 * @throws Error that shows the equation and the program
 */
export function verifyJaxpr(jaxpr: Jaxpr): void {
  if (verified.has(jaxpr)) return;
  const bound = new Set<Var>();
  const fail = (message: string): never => {
    throw new Error(`malformed jaxpr: ${message}\n${printJaxpr(jaxpr)}`);
  };
  const define = (v: Var) => {
    if (bound.has(v)) fail('a variable is bound twice');
    bound.add(v);
  };
  const use = (atom: Atom, where: string) => {
    if (atom instanceof Var && !bound.has(atom)) fail(`${where} uses a variable that is not in scope`);
  };
  jaxpr.inVars.forEach(define);
  for (const eqn of jaxpr.eqns) {
    const { name } = eqn.primitive;
    for (const atom of eqn.inputs) use(atom, name);
    for (const v of eqn.outputs) define(v);
    if (wellTyped.has(eqn)) continue;
    for (const sub of subJaxprs(eqn.params)) verifyJaxpr(sub);
    const types = eqn.primitive.type(
      eqn.inputs.map((a) => a.aval),
      eqn.params,
    );
    if (types.length !== eqn.outputs.length) fail(`${name} has ${eqn.outputs.length} results, not ${types.length}`);
    eqn.outputs.forEach((v, i) => {
      if (!sameType(v.aval, types[i]!)) fail(`${name} result ${i} is ${v.aval}, but its type is ${types[i]}`);
    });
    for (const { what, got, wanted } of signatures(eqn)) {
      if (got.length !== wanted.length || !got.every((aval, i) => sameType(aval, wanted[i]!)))
        fail(`${what} of ${name} are (${got.join(', ')}), but must be (${wanted.join(', ')})`);
    }
    wellTyped.add(eqn);
  }
  for (const atom of jaxpr.outs) use(atom, 'the result');
  verified.add(jaxpr);
}

interface Signature {
  readonly what: string;
  readonly got: readonly ShapedArray[];
  readonly wanted: readonly ShapedArray[];
}

type Lowering<K> = Extract<LowerRule<object>, { readonly kind: K }>;

/** What the programs of an equation take and return. How they are called is how they are lowered. */
function signatures({ primitive, params, inputs, outputs }: Eqn): Signature[] {
  const { lower } = primitive;
  const operands = inputs.map((atom) => atom.aval);
  const results = outputs.map((v) => v.aval);
  const call = (what: string, jaxpr: Jaxpr, given: readonly ShapedArray[], returned: readonly ShapedArray[]) => [
    { what: `the inputs of ${what}`, got: jaxpr.inAvals, wanted: given },
    { what: `the results of ${what}`, got: jaxpr.outAvals, wanted: returned },
  ];
  switch (lower.kind) {
    case 'inline': {
      const rule = lower as Lowering<'inline'>;
      if (rule.derived) return [];
      const { jaxpr, operands: order } = rule.jaxpr(params, operands);
      return call('the program', jaxpr, order ? order.map((i) => operands[i]!) : operands, results);
    }
    case 'cond': {
      const branches = (lower as Lowering<'cond'>).branches(params);
      return branches.flatMap((branch, i) => call(`branch ${i}`, branch, operands.slice(1), results));
    }
    case 'while': {
      const { cond, body, condConsts, bodyConsts } = (lower as Lowering<'while'>).loop(params);
      const first = condConsts + bodyConsts;
      const carry = operands.slice(first);
      return [
        ...call('the condition', cond, [...operands.slice(0, condConsts), ...carry], cond.outAvals),
        ...call('the body', body, [...operands.slice(condConsts, first), ...carry], carry),
        { what: 'the results', got: results, wanted: carry },
      ];
    }
    case 'scan': {
      const { body, length, consts, carry } = (lower as Lowering<'scan'>).loop(params);
      const slices = operands.slice(consts + carry).map((aval) => aval.withShape(aval.shape.slice(1)));
      const ys = results.slice(carry).map((aval) => aval.withShape(aval.shape.slice(1)));
      const stacked = [...operands.slice(consts + carry), ...results.slice(carry)];
      return [
        ...call(
          'the body',
          body,
          [...operands.slice(0, consts + carry), ...slices],
          [...operands.slice(consts, consts + carry), ...ys],
        ),
        {
          what: 'the leading axes of xs and ys',
          got: stacked.map((aval) => aval.withShape(aval.shape.slice(0, 1))),
          wanted: stacked.map((aval) => aval.withShape([length])),
        },
      ];
    }
    default:
      return [];
  }
}
