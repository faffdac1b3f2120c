/** Convolutions of a dilated input (transposed convolutions, derivatives in the input of strided ones) without its zeros. */
import { range } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { concatenate } from './concatenate.ts';
import { type ConvParams, convType } from './conv-shape.ts';
import { zerosLike } from './creation.ts';
import { reshape } from './movement.ts';
import { slice } from './slicing.ts';

/** The spatial axis to treat by phases next; −1 when there is none. */
export const dilatedAxis = (p: ConvParams): number =>
  p.lhsDilation.findIndex((n, d) => n > 1 && p.windowStrides[d] === 1 && p.rhsDilation[d] === 1);

/** The list with entry `d` replaced. */
const replaced = <T>(list: readonly T[], d: number, value: T): T[] => list.map((old, i) => (i === d ? value : old));

/**
 * With dilation L, output y = L·q + r meets elements of the input only where L divides y + k − low: for one kernel element
 * k₀ < L, which depends on the phase r, and every L-th after it. So each phase is a convolution of the input as it is with
 * a part of the kernel, and L times fewer products are made. Element j of that part meets input q + j − (low − r − k₀)/L.
 */
export function byPhases(
  x: Value,
  w: Value,
  p: ConvParams,
  d: number,
  convolve: (x: Value, w: Value, p: ConvParams) => Value,
): Value {
  const out = convType(x.aval, w.aval, p);
  const dilation = p.lhsDilation[d]!;
  const low = p.padding[d]![0];
  const [inputAxis, kernelAxis, axis] = [p.lhsSpec, p.rhsSpec, p.outSpec].map((spec) => spec[d + 2]!) as [
    number,
    number,
    number,
  ];
  const size = w.aval.shape[kernelAxis]!;
  // All phases are made of one length, the last ones perhaps with an element too many.
  const length = Math.ceil(out.shape[axis]! / dilation);
  const split = [...out.shape.slice(0, axis), length, 1, ...out.shape.slice(axis + 1)];
  const phases = range(dilation).map((r) => {
    const first = (((low - r) % dilation) + dilation) % dilation;
    const taps = Math.ceil((size - first) / dilation);
    if (taps <= 0) return zerosLike(out.withShape(split));
    const before = (low - r - first) / dilation;
    const after = length - 1 + taps - before - x.aval.shape[inputAxis]!;
    const part = slice(
      w,
      w.aval.shape.map((_, i) => (i === kernelAxis ? first : 0)),
      w.aval.shape,
      w.aval.shape.map((_, i) => (i === kernelAxis ? dilation : 1)),
    );
    const params: ConvParams = {
      ...p,
      lhsDilation: replaced(p.lhsDilation, d, 1),
      padding: replaced(p.padding, d, [before, after] as const),
    };
    return reshape(convolve(x, part, params), split);
  });
  const whole = [...out.shape.slice(0, axis), length * dilation, ...out.shape.slice(axis + 1)];
  return slice(
    reshape(concatenate(phases, axis + 1), whole),
    out.shape.map(() => 0),
    out.shape,
  );
}
