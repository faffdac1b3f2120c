import { compile } from '../../jit/compile.ts';
import { hostMath, type MathType, mathArity, mathCode, mathName } from '../../jit/math/index.ts';
import {
  type CodeModule,
  call,
  type Func,
  FunctionBuilder,
  i32c,
  type Local,
  load,
  op,
  type Target,
} from '../../jit/wasm/code.ts';
import type { MeasuredFunction } from './functions.ts';
import { chunkSize, type Floats, float32Patterns, specials, uniform, words } from './points.ts';
import type { Precise } from './precise.ts';

export type Precision = 'float32' | 'float64';

/** The largest error found, and where. */
export interface Worst {
  readonly error: number;
  readonly at: readonly number[];
  readonly got: number;
  readonly exact: number | Precise;
  readonly points: number;
}

const shapes = {
  float32: { one: 'f32', all: 'f32x4', bytes: 4 },
  float64: { one: 'f64', all: 'f64x2', bytes: 8 },
} as const;

/** `name_type(n, out, x, y)`: a function of jit/math on arrays, by whole vectors or one element after the other. */
function arrayFunction(fn: string, type: MathType): Func {
  const arity = mathArity(fn);
  const f = new FunctionBuilder(`${mathName(fn, type)}_array`, ['i32', 'i32', 'i32', 'i32']);
  const [n, out, x, y] = [f.param(0), f.param(1), f.param(2), f.param(3)];
  const isVector = type === 'f32x4' || type === 'f64x2';
  const step = isVector ? 16 : type === 'f32' ? 4 : 8;
  const valueType = isVector ? 'v128' : type;
  const advance = (ptr: Local): void => f.set(ptr, op('i32.add', ptr, i32c(step)));
  f.for(
    0,
    n,
    () => {
      const operands = [x, y].slice(0, arity).map((ptr) => load(`${valueType}.load`, ptr));
      f.store(`${valueType}.store`, out, call(mathName(fn, type), valueType, ...operands));
      for (const ptr of [out, x, y]) advance(ptr);
    },
    isVector ? (type === 'f32x4' ? 4 : 2) : 1,
  );
  return f.build(true);
}

type Run = (x: Floats, y?: Floats) => Floats;

/** A function applied to whole arrays of up to `chunkSize` elements, by vectors and one element at a time. */
export function runner(
  fn: string,
  precision: Precision,
  target: Target,
): { readonly vectors: Run; readonly elements: Run } {
  const { one, all, bytes } = shapes[precision];
  const math = mathCode([mathName(fn, one), mathName(fn, all)], target);
  const functions = [...math.functions, arrayFunction(fn, one), arrayFunction(fn, all)];
  const module: CodeModule = { imports: math.imports, functions };
  const size = chunkSize * bytes;
  const memory = new WebAssembly.Memory({ initial: (3 * size) / 2 ** 16 + 1 });
  const { exports } = new WebAssembly.Instance(compile(module), { env: { memory }, math: hostMath });
  const make = (offset: number, n: number): Floats =>
    precision === 'float32' ? new Float32Array(memory.buffer, offset, n) : new Float64Array(memory.buffer, offset, n);
  const run =
    (type: MathType): Run =>
    (x, y) => {
      const n = x.length;
      make(size, n).set(x);
      if (y) make(2 * size, n).set(y);
      const lanes = 16 / bytes;
      (exports[`${mathName(fn, type)}_array`] as (...args: number[]) => void)(
        type === one ? n : Math.ceil(n / lanes) * lanes,
        0,
        size,
        2 * size,
      );
      return make(0, n).slice();
    };
  return { vectors: run(all), elements: run(one) };
}

const word = new DataView(new ArrayBuffer(8));

/** The distance from |x| to the next float, at least that of subnormals. */
export function ulpOf(x: number, precision: Precision): number {
  const [least, digits] = precision === 'float32' ? [-126, 23] : [-1022, 52];
  word.setFloat64(0, x);
  const exponent = ((word.getUint32(0) >>> 20) & 0x7ff) - 1023;
  return 2 ** (Math.max(exponent, least) - digits);
}

/**
 * The error of a float32 in ulp of the exact value. Infinity is one step behind the largest finite number. A NaN or a
 * sign where the other has none is infinitely wrong.
 */
export function errorInUlp(got: number, exact: number, scale = 0): number {
  if (Object.is(got, exact)) return 0;
  if (Number.isNaN(got) || Number.isNaN(exact)) return Number.POSITIVE_INFINITY;
  if (got < 0 !== exact < 0 && !(got === 0 && 1 / got < 0 === exact < 0) && scale === 0)
    return Number.POSITIVE_INFINITY;
  if (got === exact && got === 0) return Number.POSITIVE_INFINITY;
  const inside = (x: number): number => Math.max(-(2 ** 128), Math.min(2 ** 128, x));
  const unit = Math.min(ulpOf(Math.max(Math.abs(exact), scale), 'float32'), 2 ** 104);
  return Math.abs(inside(got) - inside(exact)) / unit;
}

/**
 * The same for float64, where the exact value is (high + low)·2^exponent: everything is compared times 2^−exponent, as
 * the value may be subnormal or beyond overflow, from where on it is infinity's.
 */
export function preciseError(got: number, [high, low, exponent = 0]: Precise, scale = 0): number {
  if (Number.isNaN(got) || Number.isNaN(high)) return Object.is(got, high) ? 0 : Number.POSITIVE_INFINITY;
  const negative = high < 0 || Object.is(high, -0);
  if ((got < 0 || Object.is(got, -0)) !== negative && scale === 0) return Number.POSITIVE_INFINITY;
  if (high === 0 || Math.abs(high) === Number.POSITIVE_INFINITY)
    return got === high ? 0 : scale > 0 ? Math.abs(got) / ulpOf(scale, 'float64') : Number.POSITIVE_INFINITY;
  const top = 1024;
  const magnitude = Math.max(exponentOf(high) + exponent, scale > 0 ? exponentOf(scale) : -1022, -1022);
  const overflows = magnitude >= top;
  const infinite = Math.abs(got) === Number.POSITIVE_INFINITY;
  if (overflows && infinite) return 0;
  const unit = Math.min(magnitude, top - 1) - 52 - exponent;
  const shift = (x: number, by: number): number => x * 2 ** Math.trunc(by / 2) * 2 ** (by - Math.trunc(by / 2));
  // In units of the last place, |got| or |exact| no larger than 2¹⁰²⁴.
  const units = infinite ? Math.sign(got) * shift(1, top - exponent - unit) : shift(got, -exponent - unit);
  const exact = overflows ? Math.sign(high) * shift(1, top - exponent - unit) : shift(high, -unit);
  return Math.abs(units - exact - (overflows ? 0 : shift(low, -unit)));
}

const exponentOf = (x: number): number => Math.log2(ulpOf(x, 'float64')) + 52;

/** Operands of a function: arrays of the precision, one for each. */
export function* pointsOf(f: MeasuredFunction, precision: Precision, count: number): Generator<Floats[]> {
  const as = (xs: ArrayLike<number>): Floats =>
    precision === 'float32' ? Float32Array.from(xs) : Float64Array.from(xs);
  const arity = mathArity(f.name);
  const next = words();
  const near = Math.min(2 ** 16, Math.max(64, Math.floor(count / 1000)));
  const chunk = Math.min(chunkSize, count);
  if (arity === 2) {
    yield [0, 1].map((k) => as(specials.flatMap((x) => specials.map((y) => [x, y][k]!))));
    for (let done = 0; done < count / 2; done += chunkSize)
      yield [bitsOf(precision, chunk, next), bitsOf(precision, chunk, next)];
  } else if (precision === 'float32') {
    for (const patterns of float32Patterns(count, f.thresholds, near)) yield [new Float32Array(patterns.buffer)];
  } else {
    yield [as(specials)];
    for (let done = 0; done < count / 2; done += chunkSize) yield [bitsOf(precision, chunk, next)];
    for (const x of f.thresholds)
      yield [as(Float64Array.from({ length: 2 * near }, (_, i) => x * (1 + (i - near) * 2 ** -52)))];
  }
  for (const interval of f.intervals)
    for (let done = 0; done < count / 2 / f.intervals.length; done += chunkSize)
      yield interval.map(([low, high]) => as(uniform(chunk, low, high, next)));
}

function bitsOf(precision: Precision, n: number, next: () => number): Floats {
  const words = new Uint32Array(precision === 'float32' ? n : 2 * n).map(next);
  return precision === 'float32' ? new Float32Array(words.buffer) : new Float64Array(words.buffer);
}

/** The largest error of a function over `count` points and those near its thresholds. */
export function measure(f: MeasuredFunction, precision: Precision, target: Target, count: number): Worst {
  const run = runner(f.name, precision, target).vectors;
  let worst: Worst = { error: -1, at: [], got: 0, exact: 0, points: 0 };
  let points = 0;
  for (const [x, y] of pointsOf(f, precision, count)) {
    const results = run(x!, y);
    points += results.length;
    for (let i = 0; i < results.length; i++) {
      const [a, b] = [x![i]!, y ? y[i]! : 0];
      const exact = precision === 'float64' ? f.precise(a, b) : f.reference(a, b);
      const error =
        typeof exact === 'number'
          ? errorInUlp(results[i]!, exact, f.scale?.(a))
          : preciseError(results[i]!, exact, f.scale?.(a));
      if (error > worst.error) worst = { error, at: y ? [a, b] : [a], got: results[i]!, exact, points };
    }
  }
  return { ...worst, points };
}
