/** Fourier transforms along one axis: a primitive for each combination of real and complex numbers. */
import { type FftKind, fftCalls, isHalved } from '../../jit/runtime/fft/calls.ts';
import { fftTable, fftTableSize, type Scale } from '../../jit/runtime/fft/plan.ts';
import { isLinear } from '../../transforms/transpose.ts';
import { NDArray } from '../array.ts';
import { type ShapedArray, shapedArray } from '../core/aval.ts';
import { allocate, type DType, type TypedArray } from '../core/dtype.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import { fourier, planes } from '../core/fourier.ts';
import {
  type HostArray,
  type Primitive,
  primitive,
  reductionAccuracy,
  type Sample,
  sharedParamsByKey,
} from '../core/primitive.ts';
import { range, type Shape, sameShape } from '../core/shape.ts';
import { bind, bind1, type Value } from '../core/trace.ts';
import { isZero, Zero } from '../core/zero.ts';
import { forEachRow, rowsOf } from './along-axis.ts';
import { add, mul, sub } from './arithmetic.ts';
import { eq, select } from './compare.ts';
import { concatenate } from './concatenate.ts';
import { broadcastedIota } from './creation.ts';
import { or } from './logic.ts';
import { reshape } from './movement.ts';
import { materialize, repeatLanes } from './rule-helpers.ts';
import { reverse, slice } from './slicing.ts';

type Floating = 'float32' | 'float64';

export interface FftParams {
  /**
   * `fft`: complex numbers to complex numbers, and the others where one side is real: `fftReal` from real numbers, `rfft` the
   * same without the second half of the result, which is the conjugate of the first, `irfft` from such a half to real
   * numbers.
   */
  readonly kind: FftKind;
  readonly axis: number;
  /** Numbers of a whole line. */
  readonly n: number;
  /** exp(+2πi·jk/n) in place of exp(−2πi·jk/n). */
  readonly inverse: boolean;
  /** Results are multiplied by 1, 1/n or 1/√n. */
  readonly scale: Scale;
}

const params = sharedParamsByKey<FftParams>();
const paramsOf = (p: FftParams): FftParams => params(`${p.kind} ${p.axis} ${p.n} ${p.inverse} ${p.scale}`, () => p);

const isRealInput = (kind: FftKind): boolean => kind === 'fftReal' || kind === 'rfft';
const halfOf = (n: number): number => Math.floor(n / 2) + 1;
const withLength = (aval: ShapedArray, axis: number, n: number): ShapedArray =>
  aval.withShape(aval.shape.map((extent, i) => (i === axis ? n : extent)));

function typeOf(inputs: readonly ShapedArray[], { kind, axis, n }: FftParams): readonly ShapedArray[] {
  const [re, im] = inputs as [ShapedArray, ShapedArray];
  const table = inputs.at(-1)!;
  if (!re.isFloating) throw new DtypeError(`${kind}: needs floating operands, but got ${re}.`);
  const length = kind === 'irfft' ? halfOf(n) : n;
  if (re.shape[axis] !== length)
    throw new ShapeError(`${kind}: axis ${axis} of ${re} must have length ${length} for a transform of ${n} numbers.`);
  if (!isRealInput(kind) && (im.dtype !== re.dtype || !sameShape(im.shape, re.shape)))
    throw new ShapeError(`${kind}: real parts ${re} and imaginary parts ${im} differ.`);
  const words = tableWords(kind, n, re.dtype as Floating);
  if (table.dtype !== 'int32' || !sameShape(table.shape, [words]))
    throw new ShapeError(`${kind}: the table for ${n} numbers is i32[${words}], but got ${table}.`);
  if (kind === 'irfft') return [withLength(re, axis, n)];
  const out = kind === 'rfft' ? withLength(re, axis, halfOf(n)) : re;
  return [out, out];
}

function run(inputs: readonly HostArray[], p: FftParams, outputs: readonly ShapedArray[]): TypedArray[] {
  const { kind, axis, n, inverse, scale } = p;
  const { aval } = inputs[0]!;
  const results = outputs.map((out) => allocate(out.dtype, out.size));
  const from = rowsOf(aval.shape, axis);
  const to = rowsOf(outputs[0]!.shape, axis);
  const factor = scale === 'none' ? 1 : scale === 'mean' ? 1 / n : 1 / Math.sqrt(n);
  forEachRow(from, (start, row) => {
    const x = planes(n);
    for (let k = 0; k < from.n; k++) {
      const at = start + k * from.inner;
      x.re[k] = inputs[0]!.data[at]!;
      if (!isRealInput(kind)) x.im[k] = inputs[1]!.data[at]!;
    }
    if (kind === 'irfft') {
      x.im[0] = 0;
      if (n % 2 === 0) x.im[n / 2] = 0;
      for (let k = 1; 2 * k < n; k++) {
        x.re[n - k] = x.re[k]!;
        x.im[n - k] = -x.im[k]!;
      }
    }
    const y = fourier(x, inverse);
    const first = Math.floor(row / from.inner) * to.n * to.inner + (row % from.inner);
    for (let k = 0; k < to.n; k++) {
      results[0]![first + k * to.inner] = y.re[k]! * factor;
      if (kind !== 'irfft') results[1]![first + k * to.inner] = y.im[k]! * factor;
    }
  });
  return results;
}

/** Multiplies what stands for two numbers of a whole line, all but the ends of a half, by `factor`. */
function weighInside(x: Value, axis: number, n: number, factor: number): Value {
  const k = broadcastedIota('int32', x.aval.shape, axis);
  const isEnd = n % 2 === 0 ? or(eq(k, 0), eq(k, n / 2)) : eq(k, 0);
  return select(isEnd, x, mul(x, factor));
}

/** What is linear in a half of a line, from what is linear in all of it: y[k] and y[n − k] are conjugate. */
function folded(re: Value, im: Value, axis: number, n: number): [Value, Value] {
  const part = (x: Value, from: number, to: number): Value =>
    slice(
      x,
      x.aval.shape.map((_, i) => (i === axis ? from : 0)),
      x.aval.shape.map((extent, i) => (i === axis ? to : extent)),
    );
  const inner = Math.ceil(n / 2);
  const both = (x: Value, combine: (a: Value, b: Value) => Value): Value => {
    const inside = combine(part(x, 1, inner), reverse(part(x, n - inner + 1, n), [axis]));
    return concatenate([part(x, 0, 1), inside, ...(n % 2 === 0 ? [part(x, n / 2, n / 2 + 1)] : [])], axis);
  };
  return [both(re, add), both(im, sub)];
}

/**
 * Operands are the real and the imaginary parts, as far as there are any, and the table of `fftTableOf`. All kinds are
 * linear. On planes of real numbers the transpose of y = F·x, F = C + i·S symmetric, is conj F = C − i·S: the transform
 * with the other sign.
 *
 * - `fftReal` reads no imaginary part and so has no cotangent for it. Its cotangents are folded first, since a table for
 *   real numbers is one for halves.
 * - `rfft` is the first half H of the rows of F: x̄ = Re(H*·ȳ), where `irfft` counts each number inside the half twice.
 *   So these are halved first.
 * - `irfft` is Re(H*·D·x), with D = 2 inside and 1 at the ends, and its transpose D·H·ȳ. The imaginary parts at the ends,
 *   which it does not read, come out as 0.
 */
export const fftP: Primitive<FftParams> = primitive<FftParams>({
  name: 'fft',
  type: typeOf,
  run,
  accuracy: reductionAccuracy(4),
  jvp: (primals, tangents, p) => {
    const table = primals.at(-1)!;
    const outs = bind(fftP, primals, p);
    const parts = tangents.slice(0, -1);
    if (!parts.some((x) => !isZero(x))) return [outs, outs.map((out) => new Zero(out.aval))];
    return [outs, bind(fftP, [...parts.map(materialize), table], p)];
  },
  transpose: (cts, args, p) => {
    const { kind, axis, n } = p;
    const table = args.at(-1) as Value;
    const back = { ...p, inverse: !p.inverse };
    const given = cts.map(materialize);
    switch (kind) {
      case 'fft':
        return [
          ...bind(fftP, [...given, table], paramsOf(back)).map((x, i) => (isLinear(args[i]!) ? x : undefined)),
          undefined,
        ];
      case 'fftReal':
      case 'rfft': {
        const [re, im] = kind === 'rfft' ? given : folded(given[0]!, given[1]!, axis, n);
        const half = [re!, im!].map((x) => weighInside(x, axis, n, 0.5));
        return [bind1(fftP, [...half, table], paramsOf({ ...back, kind: 'irfft' })), undefined];
      }
      case 'irfft': {
        const halves = bind(fftP, [given[0]!, table], paramsOf({ ...back, kind: 'rfft' }));
        const weighed = halves.map((x) => weighInside(x, axis, n, 2));
        return [...weighed.map((x, i) => (isLinear(args[i]!) ? x : undefined)), undefined];
      }
    }
  },
  batch: (size, args, batched, p) => {
    // One table is for all lanes.
    const table = batched.at(-1) ? firstLane(args.at(-1)!) : args.at(-1)!;
    const parts = args.slice(0, -1);
    if (!batched.slice(0, -1).includes(true)) {
      const outs = bind(fftP, [...parts, table], p);
      return { outs, batched: outs.map(() => false) };
    }
    const lanes = parts.map((x, i) => (batched[i] ? x : repeatLanes(x, size)));
    const outs = bind(fftP, [...lanes, table], paramsOf({ ...p, axis: p.axis + 1 }));
    return { outs, batched: outs.map(() => true) };
  },
  lower: {
    kind: 'runtime',
    calls: (p, [x]) => {
      const { outer, inner } = rowsOf(x!.shape, p.axis);
      return fftCalls(x!.dtype, outer, inner, p);
    },
  },
  samples: () => samples(),
});

function firstLane(table: Value): Value {
  const [, words] = table.aval.shape as [number, number];
  return reshape(slice(table, [0, 0], [1, words]), [words]);
}

const tableWords = (kind: FftKind, n: number, dtype: Floating): number =>
  fftTableSize(n, isHalved({ kind, n }), dtype) * (dtype === 'float32' ? 1 : 2);

function tableData(kind: FftKind, n: number, dtype: Floating): Int32Array {
  const { buffer, byteOffset, byteLength } = fftTable(n, isHalved({ kind, n }), dtype);
  return new Int32Array(buffer, byteOffset, byteLength / 4);
}

/** Tables by what they are for; the oldest are forgotten when all of them are larger than this. */
const mostWords = 2 ** 24;
const tables = new Map<string, NDArray>();
let words = 0;

/**
 * The numbers that a transform reads: twiddles, chirps and a plan, as words of memory. An operand of every transform, which
 * programs take as they take other arrays that functions capture: computed once for a length.
 */
export function fftTableOf(kind: FftKind, n: number, dtype: Floating): Value {
  const key = `${isHalved({ kind, n })} ${n} ${dtype}`;
  const known = tables.get(key);
  if (known) return known;
  const data = tableData(kind, n, dtype);
  for (const [other, table] of tables) {
    if (words + data.length <= mostWords) break;
    tables.delete(other);
    words -= table.aval.size;
  }
  const table = NDArray.fromHost(data, shapedArray([data.length], 'int32'));
  tables.set(key, table);
  words += data.length;
  return table;
}

/** The transform of planes of real numbers along an axis, whose length is that of the kind. */
export function transformPlanes(parts: readonly Value[], p: FftParams): Value[] {
  const table = fftTableOf(p.kind, p.n, parts[0]!.aval.dtype as Floating);
  return bind(fftP, [...parts, table], paramsOf(p));
}

function samples(): Sample[] {
  const one = (
    dtype: Floating,
    kind: FftKind,
    shape: Shape,
    axis: number,
    n: number,
    inverse = false,
    scale: Scale = 'none',
  ): Sample => ({
    inputs: [
      ...range(isRealInput(kind) ? 1 : 2).map(() => ({ shape, dtype: dtype as DType })),
      { shape: [tableWords(kind, n, dtype)], dtype: 'int32', values: [...tableData(kind, n, dtype)] },
    ],
    params: { kind, axis, n, inverse, scale } satisfies FftParams,
  });
  return (['float32', 'float64'] as const).flatMap((dtype) =>
    (['fft', 'fftReal', 'rfft', 'irfft'] as const).flatMap((kind) => {
      const length = (n: number): number => (kind === 'irfft' ? halfOf(n) : n);
      return [
        ...[1, 2, 3, 6, 17, 64].map((n) =>
          one(dtype, kind, [length(n)], 0, n, n % 2 === 0, n % 3 === 0 ? 'mean' : 'none'),
        ),
        one(dtype, kind, [0, length(4)], 1, 4),
        one(dtype, kind, [5, length(8)], 1, 8, true, 'unitary'),
        one(dtype, kind, [2, length(12), 3], 1, 12),
        one(dtype, kind, [length(7), 9], 0, 7, false, 'unitary'),
      ];
    }),
  );
}
