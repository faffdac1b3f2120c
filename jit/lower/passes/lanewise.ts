import { type Atom, type Eqn, type Jaxpr, Literal, type Var } from '../../../src/core/jaxpr.ts';
import { type Shape, sameShape, sizeOf } from '../../../src/core/shape.ts';
import { accessOf, keepsOrder, positionsInOrder } from '../expressions/gather-tree.ts';
import { simplify } from '../simplify.ts';

/** A loop in which no element sees another: each can run it alone, and a kernel can keep what it carries in registers. */
export interface LanewiseLoop {
  readonly shape: Shape;
  readonly body: Jaxpr;
  /** Operands that the body reads, before the carry. */
  readonly consts: readonly number[];
  readonly carry: readonly number[];
  /** What is scanned over, one row a step. */
  readonly xs: readonly number[];
  /** Operands that are read in memory: these, and arrays of which a step reads elements at computed positions. */
  readonly stored: readonly number[];
  readonly count?: number;
  readonly reverse?: boolean;
  /** The condition, with what it reads of the operands before the carry. */
  readonly test?: { readonly jaxpr: Jaxpr; readonly consts: readonly number[] };
  /** The carried flags of the lanes that go on, where the condition is that any of them does. */
  readonly going?: number;
}

/** Longer programs would not stay in registers. Where lanes stop at different times that costs less than to go on with all of them. */
const mostEquations = 80;
const mostOfUnequal = 160;

/**
 * The loop as one for every element, if it is one: the carry has one shape, or rank 0 where only the loop itself reads it,
 * and so have rows that are scanned over or stacked. The body consists of elementwise operations, and of reading elements
 * of arrays that do not change. A loop that goes on while any lane does may stop for some lanes
 * earlier than for others, if those change nothing any more: `while any(go)` over a body whose results are
 * `select(go, new, old)` and `go and …`, which is what a batched loop is.
 */
export function lanewiseLoop(eqn: Eqn, isRead: (v: Var) => boolean): LanewiseLoop | undefined {
  const rule = eqn.primitive.lower;
  if (rule.kind === 'scan') {
    const { body, length, consts, carry, reverse } = rule.loop(eqn.params);
    const xs = range(consts + carry, eqn.inputs.length - consts - carry);
    const base = { body: simplify(body), consts: range(0, consts), carry: range(consts, carry), xs };
    return isLanewise(eqn, { ...base, count: length, reverse }, isRead);
  }
  if (rule.kind !== 'while') return undefined;
  const { cond, body, condConsts, bodyConsts } = rule.loop(eqn.params);
  const base = {
    body: simplify(body),
    consts: range(condConsts, bodyConsts),
    carry: range(condConsts + bodyConsts, eqn.outputs.length),
    xs: [],
  };
  const condition = simplify(cond);
  const going = goingLanes(condition, condConsts);
  if (going !== undefined)
    return isFrozen(base.body, bodyConsts, going) ? isLanewise(eqn, { ...base, going }, isRead) : undefined;
  return isLanewise(eqn, { ...base, test: { jaxpr: condition, consts: range(0, condConsts) } }, isRead);
}

type Candidate = Omit<LanewiseLoop, 'shape' | 'stored'>;
const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);

function isLanewise(eqn: Eqn, loop: Candidate, isRead: (v: Var) => boolean): LanewiseLoop | undefined {
  const { body, consts, carry, xs, count, test } = loop;
  const types = carry.map((i) => eqn.inputs[i]!.aval);
  const shape = types.find((aval) => aval.ndim > 0)?.shape;
  if (!shape || sizeOf(shape) === 0 || body.eqns.length > (loop.going === undefined ? mostEquations : mostOfUnequal))
    return undefined;
  if (!types.every((aval, i) => (aval.ndim === 0 ? !isRead(eqn.outputs[i]!) : sameShape(aval.shape, shape))))
    return undefined;
  const rows = body.inVars.slice(consts.length + carry.length);
  if (rows.some(({ aval }) => aval.ndim > 0 && !sameShape(longAxes(aval.shape), longAxes(shape)))) return undefined;
  const stacked = eqn.outputs.flatMap((v, i) => (i >= carry.length && isRead(v) ? [body.outs[i]!] : []));
  if (stacked.some(({ aval }) => !sameShape(aval.shape, shape)) || (stacked.length > 0 && count! < 2)) return undefined;
  const tables = isElementwise(body, consts.length, shape);
  if (!tables) return undefined;
  if (test && !isElementwise(test.jaxpr, test.consts.length, [])) return undefined;
  return { ...loop, shape, stored: [...xs, ...tables.map((i) => consts[i]!)] };
}

/**
 * Whether what depends on the carry is elementwise over `shape` or of rank 0: then the numbers of the inputs from which
 * elements are read at computed positions.
 */
function isElementwise(jaxpr: Jaxpr, consts: number, shape: Shape): number[] | undefined {
  const tables = new Set<number>();
  const varying = new Set<Atom>(jaxpr.inVars.slice(consts));
  if (shape.length === 0) {
    // A condition: of the carry it may read rank 0 only.
    const read = new Set<Atom>(jaxpr.eqns.flatMap((e) => e.inputs));
    if ([...varying].some((v) => v.aval.ndim > 0 && read.has(v))) return undefined;
  }
  const isOver = ({ aval }: Atom): boolean => aval.size === 1 || sameShape(longAxes(aval.shape), longAxes(shape));
  for (const { primitive, inputs, outputs, params } of jaxpr.eqns) {
    const { lower } = primitive;
    const [out] = outputs as [Var];
    if (lower.kind === 'elementwise') {
      if (out.aval.ndim > 0 && !isOver(out)) return undefined;
    } else if (lower.kind === 'gather') {
      const [x, ...positions] = inputs as [Atom, ...Atom[]];
      const table = jaxpr.inVars.indexOf(x as Var);
      if (table < 0 || table >= consts || !isOver(out)) return undefined;
      const access = accessOf({ primitive, inputs, outputs, params });
      const inOrder = (i: number): boolean => positionsInOrder(access, i + 1, out.aval.shape);
      if (positions.some((at, i) => varying.has(at) && at.aval.size > 1 && !(isOver(at) && inOrder(i))))
        return undefined;
      tables.add(table);
    } else if (lower.kind === 'view' || lower.kind === 'reshape') {
      const [x] = inputs as [Atom];
      // Of a view, other reshapes need not be an affine function of the index.
      if (lower.kind === 'reshape' && !sameShape(longAxes(x.aval.shape), longAxes(out.aval.shape))) return undefined;
      const moves = lower.kind === 'view' && !keepsOrder(lower.view(params, x.aval, out.aval), out.aval.shape);
      // One lane's element is no longer each lane's own.
      const leaves = out.aval.size < x.aval.size;
      if (varying.has(x) && x.aval.size > 1 && (!isOver(x) || moves || leaves)) return undefined;
      if (varying.has(x) && !isOver(out)) return undefined;
    } else return undefined;
    if (inputs.some((x) => varying.has(x))) varying.add(out);
  }
  return [...tables];
}

const longAxes = (shape: Shape): Shape => shape.filter((n) => n !== 1);

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

/** Where arrays come from and who reads them, as far as the order of their elements in memory is concerned. */
export interface Layouts {
  readonly maker: (v: Var) => Eqn | undefined;
  readonly readers: (v: Var) => readonly Eqn[];
}

export function layoutsOf(eqns: readonly Eqn[]): Layouts {
  const makers = new Map<Var, Eqn>();
  const readers = new Map<Atom, Eqn[]>();
  for (const eqn of eqns) {
    for (const v of eqn.outputs) makers.set(v, eqn);
    for (const atom of eqn.inputs) readers.set(atom, [...(readers.get(atom) ?? []), eqn]);
  }
  return { maker: (v) => makers.get(v), readers: (v) => readers.get(v) ?? [] };
}

/**
 * Whether lanes that go through all steps alone touch memory in a better order than steps that go through all lanes. What
 * has the steps of a lane in a row does, which is how `vmap` hands on what it maps over: for the loop it is a transposed
 * view. Rows of lanes in a row are better read and written step by step. So are tables, since a step of a lane waits for
 * the one before it, and lanes do not wait for each other, unless lanes may stop at different times.
 */
export function isWorthwhile(
  eqn: Eqn,
  { body, consts, carry, xs, shape, stored, count }: LanewiseLoop,
  layouts: Layouts,
  isRead: (v: Var) => boolean,
): boolean {
  const rows = xs.filter((_, i) => body.inVars[consts.length + carry.length + i]!.aval.ndim > 0);
  if (rows.length > 0) return rows.some((i) => hasTurnedRows(eqn.inputs[i] as Var, layouts));
  const stacked = eqn.outputs.slice(carry.length).filter(isRead);
  if (stacked.length === 0) return count === undefined || stored.length === 0;
  return stacked.every((v) => {
    const readers = layouts.readers(v);
    return readers.length > 0 && readers.every((reader) => turns(reader, sizeOf(shape)));
  });
}

/** Whether the lanes of a row are apart in memory. */
function hasTurnedRows(v: Var, layouts: Layouts): boolean {
  const eqn = layouts.maker(v);
  const rule = eqn?.primitive.lower;
  if (rule?.kind === 'reshape') return hasTurnedRows(eqn!.inputs[0] as Var, layouts);
  if (rule?.kind !== 'view') return false;
  const { strides } = rule.view(eqn!.params, eqn!.inputs[0]!.aval, v.aval);
  const last = v.aval.shape.findLastIndex((n, axis) => axis > 0 && n > 1);
  return last > 0 && Math.abs(strides[last]!) > 1;
}

/** Whether a view has steps, `lanes` elements apart, in a row. */
function turns(eqn: Eqn, lanes: number): boolean {
  const { lower } = eqn.primitive;
  if (lower.kind !== 'view') return false;
  const { aval } = eqn.outputs[0]!;
  const { strides } = lower.view(eqn.params, eqn.inputs[0]!.aval, aval);
  const last = aval.shape.findLastIndex((n) => n > 1);
  return last >= 0 && Math.abs(strides[last]!) === lanes;
}
