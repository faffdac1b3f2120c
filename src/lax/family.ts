/** Constructors of first-order primitives: a family fills in what its members share. */
import { type ShapedArray, shapedArray } from '../core/aval.ts';
import { allocate, castNumber, type DType, isFloating } from '../core/dtype.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import { checkExtra } from '../core/options.ts';
import { type Accuracy, exact, type Params, type Primitive, primitive, type Sample } from '../core/primitive.ts';
import { range, type Shape, sameShape } from '../core/shape.ts';
import { isZero, Zero } from '../core/zero.ts';
import { type Domain, domains, samplesFor } from './samples.ts';

// Above, what imports nothing of the cycle below: its modules call these constructors while this one is being loaded.

import type { Element, ElementBuilder } from '../../jit/element.ts';
import type { JvpRule } from '../../transforms/jvp.ts';
import { isLinear, type TransposeRule } from '../../transforms/transpose.ts';
import type { ArrayLike } from '../array.ts';
import { Immediate } from '../core/immediate.ts';
import { bind1, type Value } from '../core/trace.ts';
import { promote, toFloating, toValue } from '../promote.ts';
import { add } from './arithmetic.ts';
import { broadcastInDim, broadcastTo } from './movement.ts';
import { sum } from './reductions.ts';

export type { Domain };

export function checkDomain(operation: string, domain: Domain, aval: ShapedArray): void {
  if (domains[domain].includes(aval.dtype)) return;
  const wanted = domain === 'logical' ? 'integer or bool' : domain;
  throw new DtypeError(`${operation}: needs ${wanted} operands, but got ${aval}.`);
}

/** The common shape of elementwise operands: equal, or rank 0. */
export function elementwiseShape(operation: string, avals: readonly ShapedArray[]): Shape {
  let shape: Shape = [];
  for (const aval of avals) {
    if (aval.shape.length === 0) continue;
    if (shape.length === 0) shape = aval.shape;
    else if (!sameShape(shape, aval.shape)) {
      throw new ShapeError(`${operation}: operands have shapes ${avals.map(String).join(', ')}.`);
    }
  }
  return shape;
}

export interface ElementwiseSpec<P extends Params> {
  /** Type of the result; operands have been checked against `domain`. */
  result: (avals: readonly ShapedArray[], params: P) => DType;
  domain: Domain;
  /** One element: plain numbers in, a number out (cast to the result's dtype). */
  run: (args: readonly number[], params: P, dtypes: readonly DType[]) => number;
  accuracy: Accuracy;
  /** Per operand: (tangent, …operands, result, params) → its share of the result's tangent; null where that is zero. */
  jvp:
    | readonly (((tangent: Value, operands: readonly Value[], out: Value, params: P) => Value | Zero) | null)[]
    /** The whole rule, where the operands' shares are better computed together. */
    | JvpRule<P>
    | 'zero';
  /** The tangent of a function of two operands where these are one value with one tangent, if that is simpler. */
  jvpOfSame?: ((tangent: Value, x: Value) => Value) | undefined;
  transpose?: TransposeRule<P>;
  lower: (b: ElementBuilder, args: readonly Element[], params: P, output: ShapedArray) => Element;
  samples: () => readonly Sample[];
  /** Whether the result is weak, where that is not up to the operands. */
  weak?: (params: P) => boolean;
}

/** A primitive that works element by element; operands of rank 0 stand for every element. */
export function elementwise<P extends Params>(name: string, arity: number, spec: ElementwiseSpec<P>): Primitive<P> {
  const self: Primitive<P> = primitive<P>({
    name,
    type: (avals, params) => {
      for (const aval of avals) checkDomain(name, spec.domain, aval);
      const dtype = spec.result(avals, params);
      const weak = spec.weak
        ? spec.weak(params)
        : isFloating(dtype) &&
          avals.every((aval) => aval.weakType || !aval.isFloating) &&
          avals.some((a) => a.weakType);
      return [shapedArray(elementwiseShape(name, avals), dtype, weak)];
    },
    run: (inputs, params, [output]) => {
      const { size, dtype } = output!;
      const out = allocate(dtype, size);
      const dtypes = inputs.map((x) => x.aval.dtype);
      const step = inputs.map((x) => (x.aval.shape.length === 0 ? 0 : 1));
      const args = new Array<number>(arity).fill(0);
      for (let i = 0; i < size; i++) {
        for (let k = 0; k < arity; k++) args[k] = inputs[k]!.data[i * step[k]!]!;
        // Storing in a float array rounds by itself.
        const value = spec.run(args, params, dtypes);
        out[i] = dtype === 'float32' || dtype === 'float64' ? value : castNumber(value, dtype);
      }
      return [out];
    },
    accuracy: spec.accuracy,
    jvp:
      spec.jvp === 'zero' || typeof spec.jvp === 'function'
        ? spec.jvp
        : (primals, tangents, params) => {
            const out = bind1(self, primals, params);
            const [dx, dy] = tangents;
            // One value may have two tangents: a function that captures the point at which it is differentiated.
            if (spec.jvpOfSame && primals[0] === primals[1] && dx === dy && !isZero(dx!)) {
              return [[out], [spec.jvpOfSame(dx!, primals[0]!)]];
            }
            let total: Value | undefined;
            (spec.jvp as Exclude<typeof spec.jvp, 'zero' | Function>).forEach((rule, i) => {
              const tangent = tangents[i]!;
              if (!rule || isZero(tangent)) return;
              const result = rule(tangent, primals, out, params);
              if (isZero(result)) return;
              const share = broadcastTo(result, out.aval.shape);
              total = total ? add(total, share) : share;
            });
            return [[out], [total ?? new Zero(out.aval)]];
          },
    ...(spec.transpose ? { transpose: spec.transpose } : {}),
    batch: (size, args, batched, params) => ({
      outs: [bind1(self, alignLanes(size, args, batched), params)],
      batched: [true],
    }),
    lower: { kind: 'elementwise', build: spec.lower },
    samples: spec.samples,
  });
  return self;
}

/** Gives elementwise operands a common batched shape; unbatched rank-0 operands stay as they are. */
export function alignLanes(size: number, args: readonly Value[], batched: readonly boolean[]): Value[] {
  const laneShapes = args.map((arg, i) => (batched[i] ? arg.aval.shape.slice(1) : arg.aval.shape));
  const shape = laneShapes.find((s) => s.length > 0) ?? [];
  return args.map((arg, i) => {
    const rank = laneShapes[i]!.length;
    if (batched[i]) return rank === shape.length ? arg : broadcastInDim(arg, [size, ...shape], [0]);
    if (rank === 0) return arg;
    return broadcastInDim(
      arg,
      [size, ...shape],
      range(rank).map((a) => a + 1),
    );
  });
}

/** Sums a cotangent down to an operand's shape, when a rank-0 operand stood for every element. */
export const unbroadcast = (cotangent: Value, aval: ShapedArray): Value =>
  aval.shape.length === 0 && cotangent.aval.shape.length > 0 ? sum(cotangent) : cotangent;

function same(avals: readonly ShapedArray[]): DType {
  return avals[0]!.dtype;
}

/** A function on arrays that applies one primitive. */
export type UnaryOp = ((x: ArrayLike) => Value) & { readonly primitive: Primitive };
export type BinaryOp = ((x: ArrayLike, y: ArrayLike) => Value) & {
  readonly primitive: Primitive;
  /** It takes numbers: what is made of several would promote one several times. */
  readonly promotes?: true;
};

export interface UnarySpec {
  domain: Domain;
  run: (x: number, dtype: DType) => number;
  /** (tangent, x, result) → tangent of the result; or 'zero'. */
  jvp: ((dx: Value, x: Value, out: Value) => Value) | 'zero';
  /** Given when the primitive is linear. */
  transpose?: (ct: Value) => Value;
  lower: (b: ElementBuilder, x: Element) => Element;
  accuracy?: Accuracy;
  result?: (dtype: DType) => DType;
  /** Interval that float test inputs come from. */
  interval?: readonly [number, number];
}

/** An elementwise function of one operand. */
export function unary(name: string, spec: UnarySpec): UnaryOp {
  const { jvp, transpose } = spec;
  const p = elementwise(name, 1, {
    domain: spec.domain,
    result: spec.result ? (avals) => spec.result!(avals[0]!.dtype) : same,
    run: ([x], _params, dtypes) => spec.run(x!, dtypes[0]!),
    accuracy: spec.accuracy ?? exact,
    jvp: jvp === 'zero' ? 'zero' : [(dx, [x], out) => jvp(dx, x!, out)],
    ...(transpose ? { transpose: ([ct]: readonly (Value | Zero)[]) => [transpose(ct as Value)] } : {}),
    lower: (b, [x]) => spec.lower(b, x!),
    samples: () => samplesFor(spec.domain, [spec.interval ?? [-3, 3]]),
  });
  const called = camel(name);
  let immediate: Immediate | undefined;
  const op = (x: ArrayLike, extra?: unknown, list?: unknown): Value => {
    if (extra !== undefined) checkExtra(called, 1, extra, list);
    immediate ??= immediateOf(p, spec.domain);
    const result = immediate.one(x);
    if (result) return result;
    return bind1(p, [spec.domain === 'floating' ? toFloating(x, called) : toValue(x, called)]);
  };
  return Object.assign(op, { primitive: p });
}

/** Made at the first call, when all modules are loaded. Floating operations convert integers and bools first. */
function immediateOf(p: Primitive, domain: Domain): Immediate {
  return new Immediate(p, (aval) => domain !== 'floating' || aval.isFloating);
}

/** A primitive as users write it: `erf_inv` is `erfInv`. */
function camel(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

export interface BinarySpec {
  domain: Domain;
  run: (x: number, y: number, dtype: DType) => number;
  jvp: readonly [BinaryJvp | null, BinaryJvp | null] | 'zero';
  jvpOfSame?: (tangent: Value, x: Value) => Value;
  /** Cotangents of (x, y) where linear: each sees the other operand when that one is known. */
  transpose?: TransposeRule<any>;
  lower: (b: ElementBuilder, x: Element, y: Element) => Element;
  accuracy?: Accuracy;
  result?: (dtype: DType) => DType;
  intervals?: readonly [readonly [number, number], readonly [number, number]];
}
export type BinaryJvp = (tangent: Value, x: Value, y: Value, out: Value) => Value | Zero;

/** An elementwise function of two operands, which are promoted to one dtype and broadcast to one shape. */
export function binary(name: string, spec: BinarySpec): BinaryOp {
  const p = elementwise(name, 2, {
    domain: spec.domain,
    result: spec.result ? (avals) => spec.result!(avals[0]!.dtype) : same,
    run: ([x, y], _params, dtypes) => spec.run(x!, y!, dtypes[0]!),
    accuracy: spec.accuracy ?? exact,
    jvp:
      spec.jvp === 'zero'
        ? 'zero'
        : spec.jvp.map((rule) => rule && ((t: Value, [x, y]: readonly Value[], out: Value) => rule(t, x!, y!, out))),
    jvpOfSame: spec.jvpOfSame,
    ...(spec.transpose ? { transpose: spec.transpose } : {}),
    lower: (b, [x, y]) => spec.lower(b, x!, y!),
    samples: () =>
      samplesFor(
        spec.domain,
        spec.intervals ?? [
          [-3, 3],
          [-3, 3],
        ],
      ),
  });
  const called = camel(name);
  let immediate: Immediate | undefined;
  const op = (x: ArrayLike, y: ArrayLike, extra?: unknown, list?: unknown): Value => {
    if (extra !== undefined) checkExtra(called, 2, extra, list);
    immediate ??= immediateOf(p, spec.domain);
    const result = immediate.two(x, y);
    if (result) return result;
    const [a, b] = promote(called, [x, y]);
    if (spec.domain !== 'floating') return bind1(p, [a!, b!]);
    return bind1(p, [toFloating(a!, called), toFloating(b!, called)]);
  };
  return Object.assign(op, { primitive: p, promotes: true } as const);
}

export { isLinear };
