/** Convolution with strides, dilations and groups. */
import { isLinear, type Linear } from '../../transforms/transpose.ts';
import type { ShapedArray } from '../core/aval.ts';
import { type Primitive, primitive, reductionAccuracy } from '../core/primitive.ts';
import { range, type Shape } from '../core/shape.ts';
import { bind1, type Value } from '../core/trace.ts';
import { isZero, Zero } from '../core/zero.ts';
import { add } from './arithmetic.ts';
import { dilated } from './conv-dimensions.ts';
import { convProgram } from './conv-lower.ts';
import { convSamples } from './conv-samples.ts';
import { type ConvParams, convType, pick, runConv } from './conv-shape.ts';
import { zerosLike } from './creation.ts';
import { reshape, transpose } from './movement.ts';
import { reverse } from './slicing.ts';

const known = new Map<string, ConvParams>();

/** One object for equal parameters: what is compiled for an equation is found by the identity of its parameters. */
export function convParams(p: ConvParams): ConvParams {
  const key = JSON.stringify([
    p.lhsSpec,
    p.rhsSpec,
    p.outSpec,
    p.windowStrides,
    p.padding,
    p.lhsDilation,
    p.rhsDilation,
    p.featureGroupCount,
    p.batchGroupCount,
  ]);
  let params = known.get(key);
  if (!params) known.set(key, (params = p));
  return params;
}

const conv = (x: Value, w: Value, p: ConvParams): Value => bind1(convGeneralDilatedP, [x, w], convParams(p));

export const convGeneralDilatedP: Primitive<ConvParams> = primitive<ConvParams>({
  name: 'conv_general_dilated',
  hot: true,
  type: ([x, w], p) => [convType(x!, w!, p)],
  run: ([x, w], p, [out]) => [runConv(x!, w!, p, out!)],
  accuracy: reductionAccuracy(),
  jvp: ([x, w], [dx, dw], p) => {
    const left = isZero(dx!) ? undefined : conv(dx, w!, p);
    const right = isZero(dw!) ? undefined : conv(x!, dw, p);
    return [[conv(x!, w!, p)], [left && right ? add(left, right) : (left ?? right)!]];
  },
  transpose: ([ct], [x, w], p) => [
    isLinear(x) ? lhsCotangent(ct as Value, x, w as Value, p) : undefined,
    isLinear(w) ? rhsCotangent(ct as Value, x as Value, w, p) : undefined,
  ],
  batch: (size, [x, w], [lhsBatched, rhsBatched], p) => {
    if (size === 0) {
      const lane = (v: Value, batched: boolean): ShapedArray =>
        batched ? v.aval.withShape(v.aval.shape.slice(1)) : v.aval;
      const out = convType(lane(x!, lhsBatched!), lane(w!, rhsBatched!), p);
      return { outs: [zerosLike(out.withShape([0, ...out.shape]))], batched: [true] };
    }
    const out =
      lhsBatched && rhsBatched ? batchBoth(size, x!, w!, p) : (lhsBatched ? batchLhs : batchRhs)(size, x!, w!, p);
    return { outs: [out], batched: [true] };
  },
  lower: { kind: 'inline', jaxpr: (p, inputs) => ({ jaxpr: convProgram(p, inputs) }), derived: true },
  samples: convSamples,
});

/** Splits an axis into (outer, rest). */
function splitAxis(x: Value, axis: number, outer: number): Value {
  const { shape } = x.aval;
  return reshape(x, [...shape.slice(0, axis), outer, shape[axis]! / outer, ...shape.slice(axis + 1)]);
}

/** Moves axis `from` in front of `to`, an axis counted without it, and makes them one. */
function mergeAxis(x: Value, from: number, to: number): Value {
  const rest = range(x.aval.ndim).filter((axis) => axis !== from);
  const moved = transpose(x, [...rest.slice(0, to), from, ...rest.slice(to)]);
  const { shape } = moved.aval;
  return reshape(moved, [...shape.slice(0, to), shape[to]! * shape[to + 1]!, ...shape.slice(to + 2)]);
}

/** Takes the outer `size` of an axis out of it, to the front. */
function lanesOut(x: Value, axis: number, size: number): Value {
  const split = splitAxis(x, axis, size);
  return transpose(split, [axis, ...range(split.aval.ndim).filter((other) => other !== axis)]);
}

/** Lanes of both operands are groups: of features, or, where the batch is in groups, of that. */
function batchBoth(size: number, x: Value, w: Value, p: ConvParams): Value {
  const inBatch = p.batchGroupCount > 1;
  const lhs = mergeAxis(x, 0, p.lhsSpec[inBatch ? 0 : 1]!);
  const rhs = mergeAxis(w, 0, p.rhsSpec[0]!);
  const groups = inBatch
    ? { batchGroupCount: p.batchGroupCount * size }
    : { featureGroupCount: p.featureGroupCount * size };
  return lanesOut(conv(lhs, rhs, { ...p, ...groups }), p.outSpec[1]!, size);
}

/** Lanes of the input are more of its batch, within each group where it has groups. */
function batchLhs(size: number, x: Value, w: Value, p: ConvParams): Value {
  const axis = p.lhsSpec[0]!;
  let lhs: Value;
  if (p.batchGroupCount === 1) lhs = mergeAxis(x, 0, axis);
  else lhs = mergeAxis(mergeAxis(splitAxis(x, axis + 1, p.batchGroupCount), 0, axis + 1), axis, axis);
  return lanesOut(conv(lhs, w, p), p.outSpec[0]!, size);
}

/** Lanes of the kernel are more output features, within each group where there are groups. */
function batchRhs(size: number, x: Value, w: Value, p: ConvParams): Value {
  const axis = p.rhsSpec[0]!;
  const groups = p.featureGroupCount * p.batchGroupCount;
  if (groups === 1) return lanesOut(conv(x, mergeAxis(w, 0, axis), p), p.outSpec[1]!, size);
  const rhs = mergeAxis(mergeAxis(splitAxis(w, axis + 1, groups), 0, axis + 1), axis, axis);
  const feature = p.outSpec[1]!;
  const out = lanesOut(splitAxis(conv(x, rhs, p), feature, groups), feature + 1, size);
  return mergeAxis(out, feature + 1, feature + 1);
}

const swapped = ([first, second, ...rest]: readonly number[]): number[] => [second!, first!, ...rest];

/**
 * The input's element u meets the kernel's k in output y where u·lhsDilation + low = y·stride + k·dilation. Solved for
 * u: the cotangent, dilated by the stride, convolved with the kernel reversed, every lhsDilation-th element taken. The
 * padding makes the first element read at u = 0 the last one of the kernel, and the number of windows the input's length.
 */
function lhsCotangent(ct: Value, { aval }: Linear, w: Value, p: ConvParams): Value | Zero {
  if (ct.aval.size === 0) return new Zero(aval);
  const groups = p.featureGroupCount * p.batchGroupCount;
  const spatial = p.rhsSpec.slice(2);
  // Input and output features change places, within each group.
  const kernel = groups === 1 ? w : mergeAxis(splitAxis(w, p.rhsSpec[0]!, groups), p.rhsSpec[0]!, p.rhsSpec[1]!);
  const lengths = pick(aval.shape, p.lhsSpec.slice(2));
  const extents = pick(w.aval.shape, spatial).map((n, i) => dilated(n, p.rhsDilation[i]!));
  const outs = pick(ct.aval.shape, p.outSpec.slice(2)).map((n, i) => dilated(n, p.windowStrides[i]!));
  const padding = p.padding.map(([low], i) => {
    const before = extents[i]! - low - 1;
    return [before, dilated(lengths[i]!, p.lhsDilation[i]!) + extents[i]! - 1 - outs[i]! - before] as const;
  });
  const out = conv(ct, reverse(kernel, spatial), {
    lhsSpec: p.outSpec,
    rhsSpec: swapped(p.rhsSpec),
    outSpec: p.lhsSpec,
    windowStrides: p.lhsDilation,
    padding,
    lhsDilation: p.windowStrides,
    rhsDilation: p.rhsDilation,
    featureGroupCount: groups,
    batchGroupCount: 1,
  });
  if (p.batchGroupCount === 1) return out;
  const feature = p.lhsSpec[1]!;
  return mergeAxis(splitAxis(out, feature, p.batchGroupCount), feature, p.lhsSpec[0]!);
}

/**
 * Solved for k: the input convolved with the cotangent as a kernel of dilation `stride`, every dilation-th element
 * taken; what was the batch is summed over, as features are, and the features are the batch.
 */
function rhsCotangent(ct: Value, x: Value, { aval }: Linear, p: ConvParams): Value | Zero {
  if (ct.aval.size === 0) return new Zero(aval);
  const lengths: Shape = pick(x.aval.shape, p.lhsSpec.slice(2));
  const extents = pick(aval.shape, p.rhsSpec.slice(2)).map((n, i) => dilated(n, p.rhsDilation[i]!));
  const outs = pick(ct.aval.shape, p.outSpec.slice(2)).map((n, i) => dilated(n, p.windowStrides[i]!));
  const padding = p.padding.map(
    ([low], i) => [low, outs[i]! - dilated(lengths[i]!, p.lhsDilation[i]!) + extents[i]! - low - 1] as const,
  );
  return conv(x, ct, {
    lhsSpec: swapped(p.lhsSpec),
    rhsSpec: swapped(p.outSpec),
    outSpec: swapped(p.rhsSpec),
    windowStrides: p.rhsDilation,
    padding,
    lhsDilation: p.lhsDilation,
    rhsDilation: p.windowStrides,
    featureGroupCount: p.batchGroupCount,
    batchGroupCount: p.featureGroupCount,
  });
}
