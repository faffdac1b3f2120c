/** What each first-order primitive makes of the errors of its operands, and what it adds. */
import type { ShapedArray } from '../../src/core/aval.ts';
import type { TypedArray } from '../../src/core/dtype.ts';
import type { Accuracy, HostArray, Primitive } from '../../src/core/primitive.ts';
import { forEachRow, rowsOf } from '../../src/lax/along-axis.ts';
import { cummaxP } from '../../src/lax/cumulative.ts';
import { reduceMaxP } from '../../src/lax/folds.ts';
import { reduceWindowMaxP } from '../../src/lax/reduce-window.ts';
import { scatterP } from '../../src/lax/scatter.ts';
import {
  Ambiguous,
  type Bounded,
  type Difference,
  type ErrorRule,
  epsilonOf,
  isFloating,
  runWide,
  ulpOf,
  wide,
  wideType,
} from './error-bound.ts';

const largestOf = (data: Iterable<number>): number => {
  let largest = 0;
  for (const x of data) largest = Math.max(largest, Math.abs(x));
  return largest;
};
const zeros = (x: HostArray): Float64Array => new Float64Array(x.data.length);
const errorOf = (x: Bounded): Float64Array => x.error ?? zeros(x);
const withErrors = (x: Bounded): HostArray => wide(x, errorOf(x));
const magnitudes = (x: HostArray): HostArray => wide(x, Array.from(x.data, Math.abs));

/** Runs the primitive on the errors in place of the values; integers and bools stay. What is not finite comes from bounds that are not, or else from what a fold begins with. */
const ofErrors = (
  inputs: readonly Bounded[],
  primitive: Primitive,
  params: object,
  outAvals: readonly ShapedArray[],
): Float64Array[] => {
  const unknown = inputs.every((x) => x.error?.every(Number.isFinite) ?? true) ? 0 : Number.POSITIVE_INFINITY;
  return runWide(
    primitive,
    inputs.map((x) => (isFloating(x.aval) ? withErrors(x) : x)),
    params,
    outAvals,
  ).map((data) => Float64Array.from(data, (e) => (Number.isFinite(e) ? Math.abs(e) : unknown)));
};

/** Two evaluations are compared: either may be off by what is declared, unless each has a bound of its own. */
const sides = (difference: Difference): number => (difference === 'execution' ? 2 : 1);

function addUlps(error: Float64Array, values: TypedArray, dtype: string, n: number): void {
  for (let i = 0; i < error.length; i++) error[i]! += n * ulpOf(values[i]!, dtype);
}

/**
 * An exact operation rounds the same operands alike: the executions of one program differ only where their operands do,
 * and then by a rounding on either side.
 */
function addRoundings(
  error: Float64Array,
  values: TypedArray,
  dtype: string,
  ulps: number,
  difference: Difference,
): void {
  if (difference !== 'execution') addUlps(error, values, dtype, ulps);
  else for (let i = 0; i < error.length; i++) if (error[i]! > 0) error[i]! += 2 * ulps * ulpOf(values[i]!, dtype);
}

/** Moves elements: errors move along. */
const copied: ErrorRule = (inputs, { primitive, params }, _values, outAvals) =>
  outAvals.some(isFloating) ? ofErrors(inputs, primitive, params, outAvals) : outAvals.map(() => undefined);

/** c·n·ε·Σ|terms| for `terms` many. */
function addReduction(
  error: Float64Array,
  primitive: Primitive,
  terms: number,
  absolute: TypedArray,
  dtype: string,
  difference: Difference,
): void {
  const { accuracy } = primitive;
  const c = accuracy.kind === 'reduction' ? accuracy.c : 0;
  const factor = sides(difference) * c * terms * epsilonOf(dtype);
  for (let i = 0; i < error.length; i++) error[i]! += factor * Math.abs(absolute[i]!);
}

/** Sums: linear, with an error in proportion to the number and the size of the terms. */
const summed =
  (terms: (inputs: readonly Bounded[], params: any, out: ShapedArray) => number): ErrorRule =>
  (inputs, { primitive, params }, _values, outAvals, difference) => {
    const [out] = outAvals;
    if (!isFloating(out!)) return [undefined];
    const [error] = ofErrors(inputs, primitive, params, outAvals);
    const sum = inputs.map((x) => (isFloating(x.aval) ? magnitudes(x) : x));
    const [absolute] = runWide(primitive, sum, params, outAvals);
    addReduction(error!, primitive, terms(inputs, params, out!), absolute!, out!.dtype, difference);
    return [error];
  };

/** Every number of a line goes into each of its results, by a factor of magnitude 1, or 2 on the way back from a half. */
const transformed: ErrorRule = (inputs, { primitive, params }, values, outAvals, difference) => {
  const { kind, axis, n, scale } = params;
  const factor = (kind === 'irfft' ? 2 : 1) / (scale === 'none' ? 1 : scale === 'mean' ? n : Math.sqrt(n));
  const [from, to] = [rowsOf(inputs[0]!.aval.shape, axis), rowsOf(outAvals[0]!.shape, axis)];
  const errors = values.map((data) => new Float64Array(data.length));
  const absolute = new Float64Array(values[0]!.length);
  const parts = inputs.slice(0, -1);
  forEachRow(from, (start, row) => {
    let [error, size] = [0, 0];
    for (const x of parts)
      for (let k = 0; k < from.n; k++) {
        error += factor * errorOf(x)[start + k * from.inner]!;
        size += factor * Math.abs(x.data[start + k * from.inner]!);
      }
    const first = Math.floor(row / from.inner) * to.n * to.inner + (row % from.inner);
    for (let k = 0; k < to.n; k++) {
      absolute[first + k * to.inner] = size;
      for (const list of errors) list[first + k * to.inner] = error;
    }
  });
  for (const list of errors) addReduction(list, primitive, 1 + Math.log2(n), absolute, outAvals[0]!.dtype, difference);
  return errors;
};

/** |x|·e(y) + e(x)·|y| + e(x)·e(y), and the rounding of the sums. */
const bilinear =
  (terms: (inputs: readonly Bounded[], params: any, out: ShapedArray) => number): ErrorRule =>
  ([x, y], { primitive, params }, _values, outAvals, difference) => {
    const [out] = outAvals;
    if (!isFloating(out!)) return [undefined];
    const [ax, ay, ex, ey] = [magnitudes(x!), magnitudes(y!), withErrors(x!), withErrors(y!)];
    const product = (a: HostArray, b: HostArray): TypedArray => runWide(primitive, [a, b], params, outAvals)[0]!;
    const absolute = product(ax, ay);
    const error = new Float64Array(absolute.length);
    const parts = [x!.error && product(ex, ay), y!.error && product(ax, ey), x!.error && y!.error && product(ex, ey)];
    for (const part of parts) if (part) for (let i = 0; i < error.length; i++) error[i]! += part[i]!;
    addReduction(error, primitive, terms([x!, y!], params, out!), absolute, out!.dtype, difference);
    return [error];
  };

/** An extremum is off by at most the largest error among its candidates. */
const extremum =
  (largest: (params: any) => { readonly primitive: Primitive; readonly params: object }): ErrorRule =>
  (inputs, { params }, _values, outAvals) => {
    if (!isFloating(outAvals[0]!)) return [undefined];
    const by = largest(params);
    return ofErrors(inputs, by.primitive, by.params, outAvals);
  };

/** Elements whose order the errors leave open. Equal ones are taken to be the same value. */
export function checkOrder(x: Bounded): void {
  const { data, error } = x;
  if (!error) return;
  const order = Array.from(data.keys()).sort((i, j) => data[i]! - data[j]!);
  for (let k = 1; k < order.length; k++) {
    const [i, j] = [order[k - 1]!, order[k]!];
    if (data[i] !== data[j] && data[j]! - data[i]! <= error[i]! + error[j]!) throw new Ambiguous('order');
  }
}

const discrete: ErrorRule = (inputs, _eqn, _values, outAvals) => {
  for (const x of inputs) checkOrder(x);
  return outAvals.map(() => undefined);
};

/** Positions are known if no query is within rounding of an element. */
const searched: ErrorRule = ([a, v], _eqn, _values, outAvals) => {
  const [n, m] = [a!.aval.shape.at(-1)!, v!.aval.shape.at(-1)!];
  for (const [i, query] of v!.data.entries())
    for (let j = Math.floor(i / m) * n; j < (Math.floor(i / m) + 1) * n; j++) {
      const error = (a!.error?.[j] ?? 0) + (v!.error?.[i] ?? 0);
      if (error > 0 && Math.abs(a!.data[j]! - query) <= error) throw new Ambiguous('order');
    }
  return outAvals.map(() => undefined);
};

const sorted: ErrorRule = (inputs, { primitive, params }, _values, outAvals) => {
  if (inputs.length === 1) {
    const most = inputs[0]!.error?.reduce((a, b) => Math.max(a, b), 0) ?? 0;
    return [isFloating(outAvals[0]!) ? new Float64Array(outAvals[0]!.size).fill(most) : undefined];
  }
  inputs.slice(0, params.numKeys).forEach(checkOrder);
  const carried = inputs.filter((x) => isFloating(x.aval));
  const both = [...inputs, ...carried.map(withErrors)];
  const moved = primitive.run(
    both,
    params,
    both.map((x) => x.aval),
  );
  let next = inputs.length;
  return inputs.map((x) => (isFloating(x.aval) ? (moved[next++] as Float64Array) : undefined));
};

/** How far to move an element to see what becomes of its error: in the range where the function is linear. */
const stepFor = (x: number, error: number): number => Math.max(error, 1e-7 * Math.abs(x), 1e-10);

/** Σ |∂out/∂xⱼ|·e(xⱼ) over the elements of all operands, each moved alone. Discrete results must not change. */
function numericJacobian(
  inputs: readonly Bounded[],
  primitive: Primitive,
  params: object,
  outAvals: readonly ShapedArray[],
): (Float64Array | undefined)[] {
  const base = inputs.map((x) => wide(x));
  const center = runWide(primitive, base, params, outAvals);
  const errors = outAvals.map((aval) => (isFloating(aval) ? new Float64Array(aval.size) : undefined));
  inputs.forEach((x, k) => {
    if (!x.error) return;
    for (let j = 0; j < x.data.length; j++) {
      const e = x.error[j]!;
      if (e === 0) continue;
      const h = stepFor(x.data[j]!, e);
      const moved = wide(x);
      moved.data[j]! += h;
      const there = runWide(
        primitive,
        base.map((b, i) => (i === k ? moved : b)),
        params,
        outAvals,
      );
      there.forEach((data, o) => {
        const error = errors[o];
        if (!error) {
          if (data.some((v, i) => v !== center[o]![i])) throw new Ambiguous(primitive.name);
          return;
        }
        for (let i = 0; i < error.length; i++) error[i]! += (Math.abs(data[i]! - center[o]![i]!) * e) / h;
      });
    }
  });
  return errors;
}

/** Backward stable: the result is that of operands off by c·n·ε times their largest element. */
const factorisation: ErrorRule = (inputs, { primitive, params }, values, outAvals, difference) => {
  const c = primitive.accuracy.kind === 'reduction' ? primitive.accuracy.c : 1;
  const { dtype } = outAvals[0]!;
  const n = inputs[0]!.aval.shape.at(-1)!;
  const unit = sides(difference) * c * n * epsilonOf(dtype);
  const loosened = inputs.map((x) => {
    const largest = largestOf(x.data);
    return { ...x, error: errorOf(x).map((e) => e + unit * largest) };
  });
  const errors = numericJacobian(loosened, primitive, params, outAvals);
  errors.forEach((error, o) => {
    if (error) for (let i = 0; i < error.length; i++) error[i]! += unit * Math.abs(values[o]![i]!);
  });
  return errors;
};

/** Products of several elements, and other folds without a simple derivative. */
const folded =
  (rounding: (inputs: readonly Bounded[], out: ShapedArray) => number): ErrorRule =>
  (inputs, { primitive, params }, values, outAvals, difference) => {
    if (!isFloating(outAvals[0]!)) return [undefined];
    const errors = numericJacobian(inputs, primitive, params, outAvals);
    const [{ dtype }] = outAvals as [ShapedArray];
    const ulps = rounding(inputs, outAvals[0]!);
    if (primitive.accuracy.kind === 'exact') addRoundings(errors[0]!, values[0]!, dtype, ulps, difference);
    else addUlps(errors[0]!, values[0]!, dtype, sides(difference) * ulps);
    return errors;
  };

/** Each step of log Σ exp rounds at the size of the largest term. */
const logSums: ErrorRule = ([x], { primitive, params }, _values, outAvals, difference) => {
  const errors = numericJacobian([x!], primitive, params, outAvals);
  const n = x!.aval.shape[params.axis]!;
  const largest = largestOf(x!.data) + Math.log(Math.max(n, 1));
  addReduction(
    errors[0]!,
    primitive,
    n,
    new Float64Array(outAvals[0]!.size).fill(largest),
    outAvals[0]!.dtype,
    difference,
  );
  return errors;
};

/** How far XLA's functions on the CPU are off, in ulps, where it is more than two: measured beside mpmath, and half as much again. */
const xlaUlps: Record<string, number> = {
  expm1: 6,
  log1p: 200,
  sinh: 7,
  cosh: 3,
  tanh: 10,
  atanh: 180,
  asin: 3,
  cbrt: 5,
  erf: 6,
  erfc: 12,
  erf_inv: 30,
  lgamma: 4000,
  digamma: 1000,
};

/** How often an exact operation rounds, in half ulps: it matters only between different programs. */
const roundings: Record<string, number> = {
  add: 1,
  sub: 1,
  mul: 1,
  div: 1,
  sqrt: 1,
  rsqrt: 4,
  convert_element_type: 1,
};

/** Steps up or down between constants: an error that reaches a step makes the result ambiguous. */
const steps: ReadonlySet<string> = new Set(['floor', 'ceil', 'round', 'trunc', 'sign', 'is_finite', 'floor_divide']);

function at(x: Bounded, i: number): number {
  return x.data.length === 1 ? x.data[0]! : x.data[i]!;
}
function errorAt(x: Bounded, i: number): number {
  if (!x.error) return 0;
  return x.error.length === 1 ? x.error[0]! : x.error[i]!;
}

const comparisons: ReadonlySet<string> = new Set(['eq', 'ne', 'lt', 'le', 'gt', 'ge']);

/** Derivatives known by heart, for speed: the error of element i. */
const direct: Record<string, (inputs: readonly Bounded[], i: number, out: number) => number> = {
  add: ([x, y], i) => errorAt(x!, i) + errorAt(y!, i),
  sub: ([x, y], i) => errorAt(x!, i) + errorAt(y!, i),
  mul: ([x, y], i) => {
    const [ex, ey] = [errorAt(x!, i), errorAt(y!, i)];
    return Math.abs(at(x!, i)) * ey + Math.abs(at(y!, i)) * ex + ex * ey;
  },
  div: ([x, y], i, out) => {
    const [ex, ey] = [errorAt(x!, i), errorAt(y!, i)];
    const room = Math.abs(at(y!, i)) - ey;
    return room > 0 ? (ex + Math.abs(out) * ey) / room : ex + ey === 0 ? 0 : Number.POSITIVE_INFINITY;
  },
  neg: ([x], i) => errorAt(x!, i),
  abs: ([x], i) => errorAt(x!, i),
  max: ([x, y], i) => Math.max(errorAt(x!, i), errorAt(y!, i)),
  min: ([x, y], i) => Math.max(errorAt(x!, i), errorAt(y!, i)),
  clamp: ([lo, x, hi], i) => Math.max(errorAt(lo!, i), errorAt(x!, i), errorAt(hi!, i)),
  select: ([pred, x, y], i) => errorAt(at(pred!, i) ? x! : y!, i),
  stop_gradient: ([x], i) => errorAt(x!, i),
  no_cotangent: ([x], i) => errorAt(x!, i),
};

type Ulps = Extract<Accuracy, { readonly kind: 'ulp' }>;

function ulpsOf(accuracy: Ulps, name: string, dtype: string, difference: Difference): number {
  const own = dtype === 'float32' ? accuracy.float32 : accuracy.float64;
  return difference === 'jax' ? Math.max(own, xlaUlps[name] ?? 2) : own;
}

const elementwise: ErrorRule = (inputs, { primitive, params }, values, outAvals, difference) => {
  const [out] = outAvals;
  const { name, accuracy } = primitive;
  const n = out!.size;
  if (comparisons.has(name)) {
    const [x, y] = inputs;
    for (let i = 0; i < n; i++) {
      const gap = Math.abs(at(x!, i) - at(y!, i));
      if (gap !== 0 && gap <= errorAt(x!, i) + errorAt(y!, i)) throw new Ambiguous(name);
    }
    return [undefined];
  }
  if (!isFloating(out!) || steps.has(name)) {
    if (inputs.some((x) => x.error)) checkSteps(inputs, primitive, params, outAvals, values[0]!);
    return [undefined];
  }
  if (name === 'rem') {
    const [x, y] = inputs;
    for (let i = 0; i < n; i++) {
      const [a, b] = [at(x!, i), at(y!, i)];
      const [ea, eb] = [errorAt(x!, i), errorAt(y!, i)];
      const quotients = [-1, 1].flatMap((s) => [-1, 1].map((r) => Math.trunc((a + s * ea) / (b + r * eb))));
      if (quotients.some((q) => q !== quotients[0])) throw new Ambiguous(name);
    }
  }
  const error = new Float64Array(n);
  const known = direct[name];
  if (known) for (let i = 0; i < n; i++) error[i] = known(inputs, i, values[0]![i]!);
  else moveOperands(error, inputs, primitive, params, outAvals);
  const declared = accuracy.kind === 'ulp' ? sides(difference) * ulpsOf(accuracy, name, out!.dtype, difference) : 0;
  // x^n by repeated squaring is off by at most n − 1 roundings, and one more for a reciprocal.
  const rounds = name === 'integer_pow' ? 2 * Math.abs((params as { y: number }).y) : (roundings[name] ?? 0);
  const narrowed = name === 'convert_element_type' && out!.dtype === 'float64' ? 0 : rounds / 2;
  if (declared > 0) {
    const { terms } = accuracy as Ulps;
    const sizes = terms ? values[0]!.map((y, i) => Math.max(Math.abs(y), terms(at(inputs[0]!, i)))) : values[0]!;
    addUlps(error, sizes, out!.dtype, declared);
  }
  if (declared === 0 && narrowed > 0) addRoundings(error, values[0]!, out!.dtype, narrowed, difference);
  if (name === 'nextafter' && inputs.some((x) => x.error)) addUlps(error, values[0]!, out!.dtype, 2);
  return [error];
};

/** Every operand in turn moved up and down, all elements at once. */
function moveOperands(
  error: Float64Array,
  inputs: readonly Bounded[],
  primitive: Primitive,
  params: object,
  outAvals: readonly ShapedArray[],
): void {
  const base = inputs.map((x) => wide(x));
  let center: TypedArray | undefined;
  inputs.forEach((x, k) => {
    if (!x.error) return;
    center ??= runWide(primitive, base, params, outAvals)[0]!;
    const size = Array.from(x.data, (v, i) => stepFor(v, x.error![i]!));
    const ends = [1, -1].map((sign) => {
      const moved = wide(
        x,
        Array.from(x.data, (v, i) => v + sign * size[i]!),
      );
      return runWide(
        primitive,
        base.map((b, i) => (i === k ? moved : b)),
        params,
        outAvals,
      )[0]!;
    });
    for (let i = 0; i < error.length; i++) {
      const j = size.length === 1 ? 0 : i;
      if (x.error[j] === 0) continue;
      const change = Math.max(...ends.map((end) => Math.abs(end[i]! - center![i]!)));
      error[i]! += (change * x.error[j]!) / size[j]!;
    }
  });
}

/** The result must be the same at both ends of every operand's error. */
function checkSteps(
  inputs: readonly Bounded[],
  primitive: Primitive,
  params: object,
  outAvals: readonly ShapedArray[],
  center: TypedArray,
): void {
  for (const sign of [1, -1]) {
    const moved = inputs.map((x) =>
      x.error
        ? wide(
            x,
            Array.from(x.data, (v, i) => v + sign * x.error![i]!),
          )
        : x,
    );
    const there = primitive.run(
      moved,
      params,
      outAvals.map((aval) => (isFloating(aval) ? wideType(aval) : aval)),
    )[0]!;
    if (there.some((v, i) => v !== center[i])) throw new Ambiguous(primitive.name);
  }
}

const product = (shape: readonly number[], axes: readonly number[]): number =>
  axes.reduce((n, axis) => n * shape[axis]!, 1);

export const rules: Readonly<Record<string, ErrorRule>> = {
  'kind view': copied,
  'kind reshape': copied,
  'kind identity': copied,
  'kind elementwise': elementwise,
  'kind callback': () => [],
  iota: (_inputs, _eqn, _values, outAvals) => outAvals.map(() => undefined),
  constant: (_inputs, _eqn, _values, outAvals) => outAvals.map(() => undefined),
  concatenate: copied,
  pad: copied,
  // What fills positions outside of the operand is a constant.
  gather: (inputs, { primitive, params }, values, outAvals, difference) =>
    copied(inputs, { primitive, params: { ...params, fillValue: 0 } }, values, outAvals, difference),
  permute: copied,
  dynamic_slice: copied,
  dynamic_update_slice: copied,
  scatter: copied,
  sort: sorted,
  partition: (inputs, eqn, values, outAvals, difference) => {
    inputs.forEach(checkOrder);
    return sorted(inputs, eqn, values, outAvals, difference);
  },
  argpartition: discrete,
  argmax: discrete,
  argmin: discrete,
  bincount: discrete,
  packbits: discrete,
  unpackbits: discrete,
  shuffle: discrete,
  searchsorted: searched,
  reduce_window_argmax: discrete,
  reduce_window_argmin: discrete,
  reduce_or: discrete,
  reduce_and: discrete,
  reduce_sum: summed(([x], { axes }) => product(x!.aval.shape, axes)),
  cumsum: summed(([x], { axis }) => x!.aval.shape[axis]!),
  reduce_window_sum: summed((_, { windowDimensions }) => product(windowDimensions, [...windowDimensions.keys()])),
  scatter_add: summed(([, , updates]) => 1 + updates!.aval.size),
  dot_general: bilinear(([x], { lhsContract }) => product(x!.aval.shape, lhsContract)),
  conv_general_dilated: bilinear(([, w]) => w!.aval.size),
  reduce_max: extremum((params) => ({ primitive: reduceMaxP, params })),
  reduce_min: extremum((params) => ({ primitive: reduceMaxP, params })),
  cummax: extremum((params) => ({ primitive: cummaxP, params })),
  cummin: extremum((params) => ({ primitive: cummaxP, params })),
  reduce_window_max: extremum((params) => ({ primitive: reduceWindowMaxP, params })),
  reduce_window_min: extremum((params) => ({ primitive: reduceWindowMaxP, params })),
  scatter_min: extremum((params) => ({ primitive: scatterP.max, params })),
  scatter_max: extremum((params) => ({ primitive: scatterP.max, params })),
  reduce_prod: folded(([x], out) => x!.aval.size / Math.max(out.size, 1)),
  cumprod: folded(([x]) => 2 * x!.aval.size),
  scatter_mul: folded(([, , updates]) => 1 + updates!.aval.size),
  cumlogsumexp: logSums,
  fft: transformed,
  cholesky: factorisation,
  lu: factorisation,
  qr: factorisation,
  eigh: factorisation,
  eig: factorisation,
  svd: factorisation,
  triangular_solve: factorisation,
};
