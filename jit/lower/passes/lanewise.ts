import { type Atom, type Eqn, type Jaxpr, Literal, type Var } from '../../../src/core/jaxpr.ts';
import { type Shape, sameShape, sizeOf, stridesOf } from '../../../src/core/shape.ts';
import type { View } from '../../lower-rule.ts';
import { simplify } from '../simplify.ts';

/** A loop in which no element sees another: each can run it alone, and a kernel can keep what it carries in registers. */
export interface LanewiseLoop {
  readonly shape: Shape;
  readonly body: Jaxpr;
  /** Operands that the body reads, before the carry. */
  readonly consts: readonly number[];
  readonly carry: readonly number[];
  readonly count?: number;
  /** The condition, with what it reads of the operands before the carry. */
  readonly test?: { readonly jaxpr: Jaxpr; readonly consts: readonly number[] };
  /** The carried flags of the lanes that go on, where the condition is that any of them does. */
  readonly going?: number;
}

/** Longer programs would not stay in registers. */
const mostEquations = 80;

/**
 * The loop as one for every element, if it is one: the carry has one shape, or rank 0 where only the loop itself reads it,
 * and the body consists of elementwise operations. A loop that goes on while any lane does may stop for some lanes
 * earlier than for others, if those change nothing any more: `while any(go)` over a body whose results are
 * `select(go, new, old)` and `go and …`, which is what a batched loop is.
 */
export function lanewiseLoop(eqn: Eqn, isRead: (v: Var) => boolean): LanewiseLoop | undefined {
  const rule = eqn.primitive.lower;
  if (rule.kind === 'scan') {
    const { body, length, consts, carry } = rule.loop(eqn.params);
    if (eqn.inputs.length > consts + carry || eqn.outputs.length > carry) return undefined;
    const base = { body: simplify(body), consts: range(0, consts), carry: range(consts, carry), count: length };
    return isLanewise(eqn, base, isRead);
  }
  if (rule.kind !== 'while') return undefined;
  const { cond, body, condConsts, bodyConsts } = rule.loop(eqn.params);
  const base = {
    body: simplify(body),
    consts: range(condConsts, bodyConsts),
    carry: range(condConsts + bodyConsts, eqn.outputs.length),
  };
  const condition = simplify(cond);
  const going = goingLanes(condition, condConsts);
  if (going !== undefined)
    return isFrozen(base.body, bodyConsts, going) ? isLanewise(eqn, { ...base, going }, isRead) : undefined;
  return isLanewise(eqn, { ...base, test: { jaxpr: condition, consts: range(0, condConsts) } }, isRead);
}

type Candidate = Omit<LanewiseLoop, 'shape'>;
const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);

function isLanewise(eqn: Eqn, loop: Candidate, isRead: (v: Var) => boolean): LanewiseLoop | undefined {
  const { body, consts, carry, test } = loop;
  const types = carry.map((i) => eqn.inputs[i]!.aval);
  const shape = types.find((aval) => aval.ndim > 0)?.shape;
  if (!shape || sizeOf(shape) === 0 || body.eqns.length > mostEquations) return undefined;
  if (!types.every((aval, i) => (aval.ndim === 0 ? !isRead(eqn.outputs[i]!) : sameShape(aval.shape, shape))))
    return undefined;
  if (!isElementwise(body, consts.length, shape)) return undefined;
  if (test && !isElementwise(test.jaxpr, test.consts.length, [])) return undefined;
  return { ...loop, shape };
}

/** Whether what depends on the carry is elementwise over `shape` or of rank 0. */
function isElementwise(jaxpr: Jaxpr, consts: number, shape: Shape): boolean {
  const varying = new Set<Atom>(jaxpr.inVars.slice(consts));
  if (shape.length === 0) {
    // A condition: of the carry it may read rank 0 only.
    const read = new Set<Atom>(jaxpr.eqns.flatMap((e) => e.inputs));
    if ([...varying].some((v) => v.aval.ndim > 0 && read.has(v))) return false;
  }
  for (const { primitive, inputs, outputs, params } of jaxpr.eqns) {
    const { lower } = primitive;
    const [out] = outputs as [Var];
    if (lower.kind === 'elementwise') {
      if (out.aval.ndim > 0 && !sameShape(out.aval.shape, shape)) return false;
    } else if (lower.kind === 'view' || lower.kind === 'reshape') {
      const [x] = inputs as [Atom];
      // Of a view, other reshapes need not be an affine function of the index.
      if (lower.kind === 'reshape' && !sameShape(longAxes(x.aval.shape), longAxes(out.aval.shape))) return false;
      const moves = lower.kind === 'view' && !keepsOrder(lower.view(params, x.aval, out.aval), out.aval.shape);
      if (varying.has(x) && x.aval.ndim > 0 && (!sameShape(x.aval.shape, out.aval.shape) || moves)) return false;
      if (varying.has(x) && !sameShape(out.aval.shape, shape)) return false;
    } else return false;
    if (inputs.some((x) => varying.has(x))) varying.add(out);
  }
  return true;
}

const longAxes = (shape: Shape): Shape => shape.filter((n) => n !== 1);

const keepsOrder = ({ offset, strides }: View, shape: Shape): boolean => {
  const own = stridesOf(shape);
  return offset === 0 && shape.every((n, i) => n <= 1 || strides[i] === own[i]);
};

/** The place in the carry of the flags whose disjunction the condition is. */
function goingLanes({ inVars, eqns, outs }: Jaxpr, consts: number): number | undefined {
  const [eqn] = eqns;
  if (eqns.length !== 1 || outs[0] !== eqn!.outputs[0]) return undefined;
  const rule = eqn!.primitive.lower;
  if (rule.kind !== 'reduce' || rule.combine !== 'or' || eqn!.outputs[0]!.aval.ndim > 0) return undefined;
  const place = inVars.indexOf(eqn!.inputs[0] as Var) - consts;
  return place >= 0 ? place : undefined;
}

/** Whether a lane whose flag is down keeps what it carries. */
function isFrozen(body: Jaxpr, consts: number, going: number): boolean {
  const makers = new Map<Atom, Eqn>(body.eqns.map((eqn) => [eqn.outputs[0]!, eqn]));
  const flag = body.inVars[consts + going]!;
  return body.outs.every((out, i) => {
    if (out === body.inVars[consts + i]) return true;
    const eqn = out instanceof Literal ? undefined : makers.get(out);
    if (!eqn) return false;
    const [test, , old] = eqn.inputs;
    if (eqn.primitive.name === 'select') return test === flag && old === body.inVars[consts + i];
    return i === going && eqn.primitive.name === 'and' && eqn.inputs.includes(flag);
  });
}
