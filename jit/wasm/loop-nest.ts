/** Loops over static shapes, for hand-written kernels: walking strided arrays, copying and filling regions. */
import { byteSize, type DType } from '../../src/core/dtype.ts';
import { type Expr, type FunctionBuilder, i32c, load, op, type WasmType } from './code.ts';
import { copyBytes } from './copy.ts';

interface Access {
  readonly type: WasmType;
  readonly load: string;
  readonly store: string;
}

const accesses: Record<DType, Access> = {
  float32: { type: 'f32', load: 'f32.load', store: 'f32.store' },
  float64: { type: 'f64', load: 'f64.load', store: 'f64.store' },
  int32: { type: 'i32', load: 'i32.load', store: 'i32.store' },
  uint32: { type: 'i32', load: 'i32.load', store: 'i32.store' },
  bool: { type: 'i32', load: 'i32.load8_u', store: 'i32.store8' },
};

/** The type and the instructions by which one element of `dtype` is moved. */
export const access = (dtype: DType): Access => accesses[dtype];

export const loadElement = (dtype: DType, ptr: Expr, offset = 0): Expr => load(accesses[dtype].load, ptr, offset);

export const storeElement = (f: FunctionBuilder, dtype: DType, ptr: Expr, value: Expr, offset = 0): void =>
  f.store(accesses[dtype].store, ptr, value, offset);

/** `ptr + bytes`, for a constant number of bytes. */
export function offsetBy(ptr: Expr, bytes: number): Expr {
  if (bytes === 0) return ptr;
  return op('i32.add', ptr, i32c(bytes));
}

/** One loop of a nest: how often it runs, and by how many bytes each pointer moves on. */
export interface NestAxis {
  readonly extent: number;
  readonly steps: readonly number[];
}

/** The same walk in fewer loops: axes of length 1 go, and an axis that merely continues the one outside it merges with it. */
export function coalesce(axes: readonly NestAxis[]): NestAxis[] {
  const out: NestAxis[] = [];
  for (const axis of axes) {
    if (axis.extent === 1) continue;
    const outer = out.at(-1);
    if (outer?.steps.every((step, i) => step === axis.steps[i]! * axis.extent)) {
      out[out.length - 1] = { extent: outer.extent * axis.extent, steps: axis.steps };
    } else out.push(axis);
  }
  return out;
}

/** Loops over `axes`, outermost first; `body` gets the pointers where they stand. Emits nothing for an empty region. */
export function nest(
  f: FunctionBuilder,
  axes: readonly NestAxis[],
  pointers: readonly Expr[],
  body: (pointers: readonly Expr[]) => void,
): void {
  if (axes.some(({ extent }) => extent === 0)) return;
  const loops = coalesce(axes);
  const level = (depth: number, outer: readonly Expr[]): void => {
    const axis = loops[depth];
    if (!axis) {
      body(outer);
      return;
    }
    const here = outer.map((ptr, i) => (axis.steps[i] === 0 ? ptr : f.var(ptr)));
    f.for(0, axis.extent, () => {
      level(depth + 1, here);
      here.forEach((ptr, i) => {
        if (axis.steps[i] !== 0) f.set(ptr as ReturnType<typeof f.var>, offsetBy(ptr, axis.steps[i]!));
      });
    });
  };
  level(
    0,
    pointers.map((ptr) => f.let(ptr)),
  );
}

/** Copies a constant number of bytes; a few are moved in registers, where calling `memory.copy` would cost more. */
export function copyRun(f: FunctionBuilder, to: Expr, from: Expr, bytes: number): void {
  if (bytes > 128) {
    copyBytes(f, to, from, i32c(bytes));
    return;
  }
  const [target, source] = [f.let(to), f.let(from)];
  const widths: readonly (readonly [number, string, string])[] = [
    [16, 'v128.load', 'v128.store'],
    [8, 'f64.load', 'f64.store'],
    [4, 'i32.load', 'i32.store'],
    [1, 'i32.load8_u', 'i32.store8'],
  ];
  let at = 0;
  for (const [width, loading, storing] of widths) {
    for (; bytes - at >= width; at += width) f.store(storing, target, load(loading, source, at), at);
  }
}

/** Copies a region element by element, or run by run of neighbours, or of one element repeated. Steps are (to, from). */
export function copyRegion(f: FunctionBuilder, dtype: DType, axes: readonly NestAxis[], to: Expr, from: Expr): void {
  const bytes = byteSize(dtype);
  if (axes.some(({ extent }) => extent === 0)) return;
  const loops = coalesce(axes);
  const inner = loops.at(-1);
  const run = inner === undefined || inner.steps.every((step) => step === bytes);
  const repeated = inner?.steps[0] === bytes && inner.steps[1] === 0;
  nest(f, run || repeated ? loops.slice(0, -1) : loops, [to, from], ([t, s]) => {
    if (run) copyRun(f, t!, s!, (inner?.extent ?? 1) * bytes);
    else if (repeated) fillRun(f, dtype, t!, inner!.extent, loadElement(dtype, s!));
    else storeElement(f, dtype, t!, loadElement(dtype, s!));
  });
}

/** Up to so many vectors are written one by one. */
const straight = 8;

/** Writes `value` into `count` successive elements. */
export function fillRun(f: FunctionBuilder, dtype: DType, to: Expr, count: number, value: Expr): void {
  if (count === 0) return;
  const bytes = byteSize(dtype);
  if (dtype === 'bool' && count > 1) {
    f.fill(to, value, i32c(count));
    return;
  }
  const lanes = 16 / bytes;
  const ptr = f.var(to);
  const element = f.let(value);
  const vectors = dtype === 'bool' ? 0 : Math.floor(count / lanes);
  if (vectors > 0) {
    const splat = f.let(
      op(bytes === 8 ? 'f64x2.splat' : element.type === 'f32' ? 'f32x4.splat' : 'i32x4.splat', element),
    );
    if (vectors <= straight) for (let i = 0; i < vectors; i++) f.store('v128.store', ptr, splat, 16 * i);
    else
      f.for(0, vectors, () => {
        f.store('v128.store', ptr, splat);
        f.set(ptr, offsetBy(ptr, 16));
      });
  }
  const done = vectors <= straight ? vectors * lanes : 0;
  for (let i = 0; i < count - vectors * lanes; i++) storeElement(f, dtype, ptr, element, (done + i) * bytes);
}
