/** Inner loops of dense linear algebra over contiguous runs of floats: four or two lanes at a time, then one by one. */
import { add } from './addresses.ts';
import { type Expr, type FunctionBuilder, f32x4c, f64x2c, i32c, lane, load, op } from './code.ts';

/** The instructions of a floating dtype. */
export interface FloatCode {
  readonly type: 'f32' | 'f64';
  readonly shape: 'f32x4' | 'f64x2';
  readonly lanes: number;
  readonly bytes: number;
}

/** Address of element `index` of a run. */
const elementAt = (base: Expr, index: Expr, { bytes }: FloatCode): Expr =>
  add(base, op('i32.shl', index, i32c(Math.log2(bytes))));

export const loadFloat = (code: FloatCode, ptr: Expr): Expr => load(`${code.type}.load`, ptr);
export const storeFloat = (f: FunctionBuilder, code: FloatCode, ptr: Expr, value: Expr): void =>
  f.store(`${code.type}.store`, ptr, value);

/** Walks two runs of `count` floats together: `vector` on whole vectors, `scalar` on what is left. */
function walk(
  f: FunctionBuilder,
  code: FloatCode,
  [first, second]: readonly [Expr, Expr],
  count: Expr,
  vector: (a: Expr, b: Expr) => void,
  scalar: (a: Expr, b: Expr) => void,
): void {
  const [a, b] = [f.var(first), f.var(second)];
  const n = f.let(count);
  const end = f.let(elementAt(a, n, code));
  const whole = f.let(elementAt(a, op('i32.and', n, i32c(-code.lanes)), code));
  f.while(op('i32.lt_u', a, whole), () => {
    vector(a, b);
    f.set(a, add(a, i32c(16)));
    f.set(b, add(b, i32c(16)));
  });
  f.while(op('i32.lt_u', a, end), () => {
    scalar(a, b);
    f.set(a, add(a, i32c(code.bytes)));
    f.set(b, add(b, i32c(code.bytes)));
  });
}

/** y[i] ← y[i] − α·x[i], or + with `sign` 'add'. */
export function addScaled(
  f: FunctionBuilder,
  code: FloatCode,
  y: Expr,
  x: Expr,
  alpha: Expr,
  count: Expr,
  sign: 'add' | 'sub' = 'sub',
): void {
  const scale = f.let(alpha);
  const splat = f.let(op(`${code.shape}.splat`, scale));
  walk(
    f,
    code,
    [y, x],
    count,
    (a, b) => {
      const product = op(`${code.shape}.mul`, splat, load('v128.load', b));
      f.store('v128.store', a, op(`${code.shape}.${sign}`, load('v128.load', a), product));
    },
    (a, b) => {
      const product = op(`${code.type}.mul`, scale, loadFloat(code, b));
      storeFloat(f, code, a, op(`${code.type}.${sign}`, loadFloat(code, a), product));
    },
  );
}

/** y[i] ← y[i] / α. */
export function divideBy(f: FunctionBuilder, code: FloatCode, y: Expr, alpha: Expr, count: Expr): void {
  const by = f.let(alpha);
  const splat = f.let(op(`${code.shape}.splat`, by));
  const divide = (shape: string, loading: string, storing: string, divisor: Expr) => (a: Expr) =>
    f.store(storing, a, op(`${shape}.div`, load(loading, a), divisor));
  walk(
    f,
    code,
    [y, y],
    count,
    divide(code.shape, 'v128.load', 'v128.store', splat),
    divide(code.type, `${code.type}.load`, `${code.type}.store`, by),
  );
}

/** Exchanges two runs. */
export function swapRuns(f: FunctionBuilder, code: FloatCode, x: Expr, y: Expr, count: Expr): void {
  const swap = (loading: string, storing: string) => (a: Expr, b: Expr) => {
    const kept = f.var(load(loading, a));
    f.store(storing, a, load(loading, b));
    f.store(storing, b, kept);
  };
  walk(f, code, [x, y], count, swap('v128.load', 'v128.store'), swap(`${code.type}.load`, `${code.type}.store`));
}

/** Runs that are subtracted together. */
export const together = 4;

/** y[i] ← y[i] − α₀·x₀[i] − α₁·x₁[i] − …: what is between stays in registers. */
export function subtractScaled(
  f: FunctionBuilder,
  code: FloatCode,
  y: Expr,
  terms: readonly { readonly x: Expr; readonly alpha: Expr }[],
  count: Expr,
): void {
  const { shape, type, lanes, bytes } = code;
  const named = terms.map(({ x, alpha }) => ({ x: f.let(x), alpha: f.let(alpha) }));
  const vectors = named.map(({ alpha }) => f.let(op(`${shape}.splat`, alpha)));
  const target = f.let(y);
  const at = f.var(i32c(0));
  const less = (sum: Expr, shape: string, alpha: Expr, x: Expr): Expr =>
    op(`${shape}.sub`, sum, op(`${shape}.mul`, alpha, x));
  const whole = f.let(op('i32.shl', op('i32.and', count, i32c(-lanes)), i32c(Math.log2(bytes))));
  f.while(op('i32.lt_u', at, whole), () => {
    const here = f.let(add(target, at));
    const value = named.reduce<Expr>(
      (sum, { x }, k) => less(sum, shape, vectors[k]!, load('v128.load', add(x, at))),
      load('v128.load', here),
    );
    f.store('v128.store', here, value);
    f.set(at, add(at, i32c(16)));
  });
  const end = f.let(op('i32.shl', count, i32c(Math.log2(bytes))));
  f.while(op('i32.lt_u', at, end), () => {
    const here = f.let(add(target, at));
    const value = named.reduce<Expr>(
      (sum, { x, alpha }) => less(sum, type, alpha, loadFloat(code, add(x, at))),
      loadFloat(code, here),
    );
    storeFloat(f, code, here, value);
    f.set(at, add(at, i32c(bytes)));
  });
}

/** Σ x[i]·y[i]. */
export function dotRuns(f: FunctionBuilder, code: FloatCode, x: Expr, y: Expr, count: Expr): Expr {
  const { shape, type } = code;
  const lanes = f.var(shape === 'f32x4' ? f32x4c(0) : f64x2c(0));
  const rest = f.var({ kind: 'const', type, value: 0 });
  walk(
    f,
    code,
    [x, y],
    count,
    (a, b) => f.set(lanes, op(`${shape}.add`, lanes, op(`${shape}.mul`, load('v128.load', a), load('v128.load', b)))),
    (a, b) => f.set(rest, op(`${type}.add`, rest, op(`${type}.mul`, loadFloat(code, a), loadFloat(code, b)))),
  );
  const parts: Expr[] = Array.from({ length: code.lanes }, (_, i) => lane(`${shape}.extract_lane`, i, lanes));
  const sum = (a: Expr, b: Expr) => op(`${type}.add`, a, b);
  const total =
    parts.length === 4 ? sum(sum(parts[0]!, parts[1]!), sum(parts[2]!, parts[3]!)) : sum(parts[0]!, parts[1]!);
  return f.let(sum(total, rest));
}
