/** The loops that users write: `whileLoop`, `foriLoop`, `scan`, `map`. */
import { flattenArguments } from '../../transforms/flat.ts';
import type { ArrayLike } from '../array.ts';
import { shapedArray } from '../core/aval.ts';
import { ControlFlowError, ShapeError, TreeError } from '../core/errors.ts';
import { evalJaxpr } from '../core/eval-jaxpr.ts';
import { optionsOf } from '../core/options.ts';
import { stage } from '../core/stage.ts';
import { bind, type Value } from '../core/trace.ts';
import { add } from '../lax/arithmetic.ts';
import { lt } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { scalar } from '../lax/creation.ts';
import { toValue } from '../promote.ts';
import { type Arrays, leafPaths, type TreeDef, unflatten } from '../tree.ts';
import { traceFunction } from './branches.ts';
import { condP } from './cond.ts';
import { split } from './flags.ts';
import { scanP } from './scan.ts';
import { carryOf, checkCarryTree, traceBody } from './trace-body.ts';
import { type WhileParams, whileP } from './while.ts';

export interface WhileOptions {
  /** At most this many steps. A bounded loop can be differentiated in reverse mode. */
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
export function whileLoop<T>(
  cond: (carry: Arrays<T>) => unknown,
  body: (carry: Arrays<T>) => unknown,
  init: T,
  given: WhileOptions = {},
): Arrays<T> {
  const { maxSteps } = optionsOf('whileLoop', given, ['maxSteps']);
  const { values, def } = flattenArguments([init], 'whileLoop');
  const carryDef = carryOf(def);
  const { traced, init: start } = traceBody(
    'whileLoop',
    (avals) => {
      const t = traceFunction('whileLoop', body, def, avals);
      checkCarryTree('whileLoop', t.outDef, carryDef);
      return t;
    },
    values,
    carryDef,
  );
  const test = traceFunction(
    'whileLoop',
    cond,
    def,
    start.map((v) => v.aval),
  );
  const [result] = test.jaxpr.outAvals;
  if (test.outDef.key !== '*' || result!.shape.length !== 0 || result!.dtype !== 'bool') {
    throw new ControlFlowError(
      `whileLoop: the condition must return a bool scalar, but it returned ${test.outDef.key === '*' ? result : test.outDef.leafCount ? `a tree, ${test.outDef}` : 'nothing'}.`,
    );
  }
  const params: WhileParams = {
    cond: test.jaxpr,
    body: traced.jaxpr,
    condConsts: test.consts.length,
    bodyConsts: traced.consts.length,
  };
  const operands = [...test.consts, ...traced.consts, ...start];
  const outs = maxSteps === undefined ? bind(whileP, operands, params) : boundedWhile(operands, params, maxSteps);
  return unflatten(carryDef, outs);
}

/**
 * A loop of at most `maxSteps` steps, as a scan whose body stops changing the carry once the condition fails: every
 * transformation of scan applies, reverse mode included.
 */
function boundedWhile(
  operands: readonly Value[],
  { cond, body, condConsts, bodyConsts }: WhileParams,
  maxSteps: number,
): Value[] {
  const [condArgs, bodyArgs, init] = split(operands, condConsts, bodyConsts) as [Value[], Value[], Value[]];
  const avals = operands.map((v) => v.aval);
  const stay = stage((...xs) => xs.slice(bodyConsts), avals.slice(condConsts)).jaxpr;
  const step = stage((...xs) => {
    const [tests, consts, carry] = split(xs, condConsts, bodyConsts) as [Value[], Value[], Value[]];
    const index = convert(evalJaxpr(cond, [...tests, ...carry])[0]!, 'int32');
    return bind(condP, [index, ...consts, ...carry], { branches: [stay, body] });
  }, avals).jaxpr;
  return bind(scanP, [...condArgs, ...bodyArgs, ...init], {
    body: step,
    length: maxSteps,
    reverse: false,
    consts: condConsts + bodyConsts,
    carry: init.length,
  });
}

/**
 * `carry = body(i, carry)` for i from `lower` up to but not including `upper`. With number bounds it is a scan, which
 * reverse mode can differentiate; with traced bounds a while loop.
 *
 * @example
 * foriLoop(0, 10, (i, sum) => sum.add(i), 0);
 */
export function foriLoop<T>(
  lower: ArrayLike,
  upper: ArrayLike,
  body: (i: Arrays<number>, carry: Arrays<T>) => unknown,
  init: T,
): Arrays<T> {
  if (typeof lower === 'number' && typeof upper === 'number') {
    const start = scalar(lower, 'int32');
    const step = ([i, carry]: any): [unknown, null] => [[add(i, 1), body(i, carry)], null];
    return (scan(step, [start, init], null, { length: Math.max(0, upper - lower) }) as any)[0][1];
  }
  const bound = (x: ArrayLike) => convert(toValue(x, 'foriLoop'), 'int32');
  const result = whileLoop(
    ([i, end]: any) => lt(i, end),
    ([i, end, carry]: any) => [add(i, 1), end, body(i, carry)],
    [bound(lower), bound(upper), init],
  );
  return (result as any)[2];
}

export interface ScanOptions {
  /** Number of steps; needed when `xs` is null. */
  length?: number;
  /** Run from the last slice to the first; stacked results keep the order of `xs`. */
  reverse?: boolean;
  /** Steps that one turn of the compiled loop does. A hint. */
  unroll?: number;
}

/**
 * Folds `f(carry, x) → [carry, y]` over the leading axis of `xs`, and stacks the ys.
 *
 * @returns `[carry, ys]`
 * @example
 * scan((sum, x) => [sum.add(x), sum], 0, np.arange(5)); // [10, [0, 0, 1, 3, 6]]
 * @throws CarryError when `f` changes the type of the carry; ShapeError when leading axes of `xs` differ
 */
export function scan<C, X, Y>(
  f: (carry: Arrays<C>, x: Arrays<X>) => readonly [unknown, Y],
  init: C,
  xs: X,
  given: ScanOptions = {},
): [Arrays<C>, Arrays<Y>] {
  const { length, reverse = false } = optionsOf('scan', given, ['length', 'reverse', 'unroll']);
  const { values, def } = flattenArguments([init, xs], 'scan');
  const [carryDef, xsDef] = (def.node as { children: readonly TreeDef[] }).children as [TreeDef, TreeDef];
  const n = carryDef.leafCount;
  const steps = scanLength(values.slice(n), xsDef, length);
  const slices = values.slice(n).map((x) => shapedArray(x.aval.shape.slice(1), x.aval.dtype, x.aval.weakType));
  let ysDef!: TreeDef;
  const { traced, init: start } = traceBody(
    'scan',
    (avals) => {
      const t = traceFunction('scan', f as (...args: any[]) => unknown, def, [...avals, ...slices]);
      const { node } = t.outDef;
      if (node.kind !== 'list' || node.children.length !== 2)
        throw new TreeError('scan: the body must return a pair [carry, y].');
      checkCarryTree('scan', node.children[0]!, carryDef);
      ysDef = node.children[1]!;
      return t;
    },
    values.slice(0, n),
    carryDef,
  );
  const outs = bind(scanP, [...traced.consts, ...start, ...values.slice(n)], {
    body: traced.jaxpr,
    length: steps,
    reverse,
    consts: traced.consts.length,
    carry: n,
  });
  return [unflatten(carryDef, outs.slice(0, n)), unflatten(ysDef, outs.slice(n))];
}

function scanLength(xs: readonly Value[], def: TreeDef, length: number | undefined): number {
  const paths = leafPaths(def, 'xs');
  let steps = length;
  xs.forEach((x, i) => {
    if (x.ndim === 0) throw new ShapeError(`scan: ${paths[i]} is a scalar and has no leading axis to scan over.`);
    if (steps !== undefined && x.shape[0] !== steps) {
      throw new ShapeError(
        `scan: ${paths[i]} has ${x.shape[0]} slices, but ${i === 0 ? 'length is' : 'the others have'} ${steps}.`,
      );
    }
    steps = x.shape[0]!;
  });
  if (steps === undefined) throw new ControlFlowError('scan: needs `length` when there is nothing to scan over.');
  return steps;
}

/**
 * `f` on each slice along the leading axis, one after the other, results stacked. Unlike `vmap` it holds one slice's
 * intermediate values at a time.
 */
export function map<X, Y>(f: (x: Arrays<X>) => Y, xs: X): Arrays<Y> {
  return scan((_: unknown, x: Arrays<X>) => [null, f(x)], null, xs)[1];
}
