/** The loops that users write: `whileLoop`, `foriLoop`, `scan`, `map`. */
import { checkFunction, flattenArguments } from '../../transforms/flat.ts';
import type { ArrayLike, NDArray } from '../array.ts';
import { type ShapedArray, shapedArray } from '../core/aval.ts';
import { ControlFlowError, ShapeError, TreeError } from '../core/errors.ts';
import { evalJaxpr } from '../core/eval-jaxpr.ts';
import { naming, optionsOf } from '../core/options.ts';
import { stage } from '../core/stage.ts';
import { bind, type Value } from '../core/trace.ts';
import { add } from '../lax/arithmetic.ts';
import { lt } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { scalar } from '../lax/creation.ts';
import { and } from '../lax/logic.ts';
import { toValue } from '../promote.ts';
import { type Arrays, type Like, leafPaths, type Tree, type TreeDef, unflatten } from '../tree.ts';
import { traceFunction } from './branches.ts';
import { split } from './flags.ts';
import { scanP } from './scan.ts';
import { carryOf, checkCarryTree, traceBody } from './trace-body.ts';
import { type WhileParams, whileP } from './while.ts';

export interface WhileOptions {
  /**
   * At most this many steps. A bounded loop can be differentiated in reverse mode: as many steps are run backwards as
   * were taken, and of N = maxSteps states at most about 2√N are kept at a time, the others computed again.
   */
  maxSteps?: number;
}

/**
 * Repeats `carry = body(carry)` while `cond(carry)` holds.
 *
 * @param cond from the carry to a rank-0 bool
 * @param body from the carry to a carry of the same structure, shapes and dtypes
 * @example
 * whileLoop((x) => x.lt(100), (x) => x.mul(2), 1);
 * @throws CarryError when the body changes the type of the carry
 */
export function whileLoop<T extends Tree>(
  cond: (carry: Arrays<T>) => ArrayLike,
  body: (carry: Arrays<T>) => NoInfer<Like<T>>,
  init: T,
  given: WhileOptions = {},
): Arrays<T> {
  return namedWhile({ operation: 'whileLoop' }, cond, body, init, given);
}

/** What the user called, and which child of the carry is the user's where there are others. */
interface Naming {
  readonly operation: string;
  readonly part?: number;
}

/** A loop of the library's own, which errors call by the name of what the user called. */
export function namedWhile<T extends Tree>(
  { operation: name, part }: Naming,
  cond: (carry: Arrays<T>) => ArrayLike,
  body: (carry: Arrays<T>) => NoInfer<Like<T>>,
  init: T,
  given: WhileOptions = {},
): Arrays<T> {
  checkFunction(name, cond, 'the condition');
  checkFunction(name, body, 'the body');
  const { maxSteps } = optionsOf(name, given, ['maxSteps']);
  const { values, def } = flattenArguments([init], name);
  const carryDef = carryOf(def);
  const { traced, init: start } = traceBody(
    name,
    (avals) => {
      const t = traceFunction(name, body, def, avals);
      checkCarryTree(name, t.outDef, carryDef, part);
      return t;
    },
    values,
    carryDef,
    part,
  );
  const test = traceFunction(
    name,
    cond,
    def,
    start.map((v) => v.aval),
  );
  const [result] = test.jaxpr.outAvals;
  if (test.outDef.key !== '*' || result!.shape.length !== 0 || result!.dtype !== 'bool') {
    throw new ControlFlowError(
      `${name}: the condition must return a bool scalar, but it returned ${ofStructure(test.outDef, test.jaxpr.outAvals)}.`,
    );
  }
  const params: WhileParams = {
    name,
    cond: test.jaxpr,
    body: traced.jaxpr,
    condConsts: test.consts.length,
    bodyConsts: traced.consts.length,
  };
  const operands = [...test.consts, ...traced.consts, ...start];
  const outs = maxSteps === undefined ? bind(whileP, operands, params) : boundedWhile(operands, params, maxSteps);
  return unflatten(carryDef, outs);
}

/** What a function returned, for messages. */
function ofStructure(def: TreeDef, avals: readonly ShapedArray[]): string {
  if (def.key === '*') return String(avals[0]);
  return def.leafCount ? `a tree, ${def}` : 'nothing';
}

function checkSteps(name: string, maxSteps: number | undefined): void {
  if (maxSteps !== undefined && (!Number.isInteger(maxSteps) || maxSteps < 0))
    throw new ControlFlowError(`${name}: maxSteps must be a whole number, but it is ${naming(maxSteps)}.`);
}

/** A loop that counts its steps, and stops after `maxSteps`. */
function boundedWhile(
  operands: readonly Value[],
  { cond, body, condConsts, bodyConsts, name }: WhileParams,
  maxSteps: number,
): Value[] {
  checkSteps(name, maxSteps);
  const [condArgs, bodyArgs, init] = split(operands, condConsts, bodyConsts) as [Value[], Value[], Value[]];
  const start = scalar(0, 'int32');
  const avals = (...values: readonly Value[]) => values.map((v) => v.aval);
  const test = stage(
    (...xs) => {
      const [tests, [steps, ...carry]] = split(xs, condConsts) as [Value[], Value[]];
      return [and(lt(steps!, maxSteps), evalJaxpr(cond, [...tests, ...carry])[0]!)];
    },
    avals(...condArgs, start, ...init),
  ).jaxpr;
  const step = stage(
    (...xs) => {
      const [consts, [steps, ...carry]] = split(xs, bodyConsts) as [Value[], Value[]];
      return [add(steps!, 1), ...evalJaxpr(body, [...consts, ...carry])];
    },
    avals(...bodyArgs, start, ...init),
  ).jaxpr;
  const params: WhileParams = { name, cond: test, body: step, condConsts, bodyConsts, maxSteps };
  return bind(whileP, [...condArgs, ...bodyArgs, start, ...init], params).slice(1);
}

/**
 * `carry = body(i, carry)` for i from `lower` up to but not including `upper`. With number bounds it is a scan, which
 * reverse mode can differentiate; with traced bounds a while loop, which it can if that is bounded by `maxSteps`.
 *
 * @example
 * foriLoop(0, 10, (i, sum) => sum.add(i), 0);
 */
export function foriLoop<T extends Tree>(
  lower: ArrayLike,
  upper: ArrayLike,
  body: (i: NDArray, carry: Arrays<T>) => NoInfer<Like<T>>,
  init: T,
  options: WhileOptions = {},
): Arrays<T> {
  checkFunction('foriLoop', body, 'the body');
  const ends = [toValue(lower, 'foriLoop'), toValue(upper, 'foriLoop')] as const;
  ends.forEach((end, i) => {
    if (end.ndim === 0 && (end.literal === undefined || Number.isInteger(end.literal))) return;
    const shown = end.literal ?? end.describe();
    throw new ControlFlowError(
      `foriLoop: the ${i === 0 ? 'lower' : 'upper'} bound must be an integer scalar, but it is ${shown}.`,
    );
  });
  if (typeof lower === 'number' && typeof upper === 'number') {
    checkSteps('foriLoop', optionsOf('foriLoop', options, ['maxSteps']).maxSteps);
    const start = scalar(lower, 'int32');
    const step = ([i, carry]: any): readonly [any, null] => [[add(i, 1), body(i, carry)], null];
    const naming: Naming = { operation: 'foriLoop', part: 1 };
    return (namedScan(naming, step, [start, init], null, { length: Math.max(0, upper - lower) }) as any)[0][1];
  }
  const result = namedWhile(
    { operation: 'foriLoop', part: 2 },
    ([i, end]: any) => lt(i, end),
    ([i, end, carry]: any): any => [add(i, 1), end, body(i, carry)],
    [convert(ends[0], 'int32'), convert(ends[1], 'int32'), init],
    options,
  );
  return (result as any)[2];
}

export interface ScanOptions {
  /** Number of steps; needed when `xs` is null. */
  length?: number;
  /** Run from the last slice to the first; stacked results keep the order of `xs`. */
  reverse?: boolean;
  /** Steps that one turn of the compiled loop does; true: all of them, without a loop. Changes speed, not results. */
  unroll?: number | boolean;
}

/**
 * Folds `f(carry, x) → [carry, y]` over the leading axis of `xs`, and stacks the ys.
 *
 * @returns `[carry, ys]`
 * @example
 * scan((sum, x) => [sum.add(x), sum], 0, np.arange(5)); // [10, [0, 0, 1, 3, 6]]
 * @throws CarryError when `f` changes the type of the carry; ShapeError when leading axes of `xs` differ
 */
export function scan<C extends Tree, X extends Tree, Y extends Tree>(
  f: (carry: Arrays<C>, x: Arrays<X>) => readonly [carry: NoInfer<Like<C>>, y: Y],
  init: C,
  xs: X,
  given: ScanOptions = {},
): [Arrays<C>, Arrays<Y>] {
  return namedScan({ operation: 'scan' }, f, init, xs, given);
}

export function namedScan<C extends Tree, X extends Tree, Y extends Tree>(
  { operation: name, part }: Naming,
  f: (carry: Arrays<C>, x: Arrays<X>) => readonly [carry: NoInfer<Like<C>>, y: Y],
  init: C,
  xs: X,
  given: ScanOptions,
): [Arrays<C>, Arrays<Y>] {
  checkFunction(name, f, 'the body');
  const { length, reverse = false, unroll = 1 } = optionsOf(name, given, ['length', 'reverse', 'unroll']);
  const { values, def } = flattenArguments([init, xs], name);
  const [carryDef, xsDef] = (def.node as { children: readonly TreeDef[] }).children as [TreeDef, TreeDef];
  const n = carryDef.leafCount;
  const steps = scanLength(name, values.slice(n), xsDef, length);
  const slices = values.slice(n).map((x) => shapedArray(x.aval.shape.slice(1), x.aval.dtype, x.aval.weakType));
  let ysDef!: TreeDef;
  const { traced, init: start } = traceBody(
    name,
    (avals) => {
      const t = traceFunction(name, f as (...args: any[]) => unknown, def, [...avals, ...slices]);
      const { node } = t.outDef;
      if (node.kind !== 'list' || node.children.length !== 2)
        throw new TreeError(
          `scan: the body must return a pair [carry, y], but it returned ${ofStructure(t.outDef, t.jaxpr.outAvals)}.`,
        );
      checkCarryTree(name, node.children[0]!, carryDef, part);
      ysDef = node.children[1]!;
      return t;
    },
    values.slice(0, n),
    carryDef,
    part,
  );
  const outs = bind(scanP, [...traced.consts, ...start, ...values.slice(n)], {
    body: traced.jaxpr,
    length: steps,
    reverse,
    unroll: unrolling(unroll, steps),
    consts: traced.consts.length,
    carry: n,
  });
  return [unflatten(carryDef, outs.slice(0, n)), unflatten(ysDef, outs.slice(n))];
}

function unrolling(unroll: number | boolean, length: number): number {
  if (typeof unroll === 'boolean') return unroll ? Math.max(1, length) : 1;
  if (!Number.isInteger(unroll) || unroll < 1)
    throw new ControlFlowError(`scan: unroll must be a positive integer or a boolean, but it is ${unroll}.`);
  return Math.max(1, Math.min(unroll, length));
}

function scanLength(name: string, xs: readonly Value[], def: TreeDef, length: number | undefined): number {
  const paths = leafPaths(def, 'xs');
  if (length !== undefined && (!Number.isInteger(length) || length < 0))
    throw new ControlFlowError(`${name}: \`length\` must be an integer from 0 on, but it is ${naming(length)}.`);
  let steps = length;
  xs.forEach((x, i) => {
    if (x.ndim === 0) throw new ShapeError(`${name}: ${paths[i]} is a scalar and has no leading axis to scan over.`);
    if (steps !== undefined && x.shape[0] !== steps) {
      throw new ShapeError(
        `${name}: ${paths[i]} has ${x.shape[0]} slices, but ${i === 0 ? 'length is' : 'the others have'} ${steps}.`,
      );
    }
    steps = x.shape[0]!;
  });
  if (steps === undefined) throw new ControlFlowError(`${name}: needs \`length\` when there is nothing to scan over.`);
  return steps;
}

/**
 * `f` on each slice along the leading axis, one after the other, results stacked. Unlike `vmap` it holds one slice's
 * intermediate values at a time.
 */
export function map<X extends Tree, Y extends Tree>(f: (x: Arrays<X>) => Y, xs: X): Arrays<Y> {
  checkFunction('map', f, 'the first argument');
  return namedScan({ operation: 'map' }, (_: unknown, x: Arrays<X>) => [null, f(x)], null, xs, {})[1];
}
