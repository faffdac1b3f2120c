/**
 * Reflections and rotations of rows of float64, which `eigh` and `svd` work with whatever the dtype of their operands: a
 * float32 matrix costs two conversions and gets factors that are right to the last bit or two. Counts are elements, strides
 * bytes.
 */
import { add, mul } from '../../wasm/addresses.ts';
import {
  call,
  type Expr,
  type Func,
  FunctionBuilder,
  f64c,
  f64x2c,
  i32c,
  type Local,
  lane,
  load,
  op,
  select,
} from '../../wasm/code.ts';
import { addScaled, divideBy, type FloatCode, loadFloat, subtractScaled } from '../../wasm/vector-loops.ts';
import { floatCodes } from './blocks.ts';
import { negligibleSquare } from './spectral-constants.ts';

export const wide: FloatCode = floatCodes[1]!;

export const f64 = {
  add: (a: Expr, b: Expr): Expr => op('f64.add', a, b),
  sub: (a: Expr, b: Expr): Expr => op('f64.sub', a, b),
  mul: (a: Expr, b: Expr): Expr => op('f64.mul', a, b),
  div: (a: Expr, b: Expr): Expr => op('f64.div', a, b),
  neg: (a: Expr): Expr => op('f64.neg', a),
  abs: (a: Expr): Expr => op('f64.abs', a),
  sqrt: (a: Expr): Expr => op('f64.sqrt', a),
  /** √(a² + b²) of numbers that are not far from 1, or do not matter. */
  length: (a: Expr, b: Expr): Expr => op('f64.sqrt', op('f64.add', op('f64.mul', a, a), op('f64.mul', b, b))),
};

export const at = (base: Expr, index: Expr): Expr => add(base, op('i32.shl', index, i32c(3)));
// An offset of an instruction is not negative.
const beside = (base: Expr, index: Expr, offset: number): Expr =>
  offset < 0 ? add(at(base, index), i32c(8 * offset)) : at(base, index);
export const get = (base: Expr, index: Expr, offset = 0): Expr =>
  load('f64.load', beside(base, index, offset), Math.max(0, 8 * offset));
export const put = (f: FunctionBuilder, base: Expr, index: Expr, value: Expr, offset = 0): void =>
  f.store('f64.store', beside(base, index, offset), value, Math.max(0, 8 * offset));

export const planeFunctions = (): Func[] => [
  ...floatCodes.flatMap((code) => [scaleOf(code), widen(code), narrow(code)]),
  product(),
  reflector(),
  reflectRows(),
  rotate(),
];

/** scale_f32(x, count) → a power of two near the largest magnitude; NaN unless all is finite. */
function scaleOf(code: FloatCode): Func {
  const f = new FunctionBuilder(`scale_${code.type}`, ['i32', 'i32'], 'f64');
  const [x, count] = f.parameters;
  const largest = f.var(f64c(0));
  f.for(0, count, () => {
    f.set(largest, op('f64.max', largest, f64.abs(widened(code, x))));
    f.set(x, add(x, i32c(code.bytes)));
  });
  f.if(op('i32.eqz', op('f64.lt', largest, f64c(Number.POSITIVE_INFINITY))), () => f.return(f64c(Number.NaN)));
  f.if(op('f64.eq', largest, f64c(0)), () => f.return(f64c(1)));
  const exponent = op('i64.and', op('i64.reinterpret_f64', largest), {
    kind: 'const',
    type: 'i64',
    value: 0x7ff0000000000000n,
  });
  f.return(op('f64.max', op('f64.reinterpret_i64', exponent), f64c(2 ** -1022)));
  return f.build();
}

export const widened = (code: FloatCode, ptr: Expr): Expr =>
  code.type === 'f32' ? op('f64.promote_f32', loadFloat(code, ptr)) : loadFloat(code, ptr);

/** widen_f32(to, from, rows, columns, row, column, factor): contiguous float64 from a strided matrix. */
function widen(code: FloatCode): Func {
  const f = new FunctionBuilder(`widen_${code.type}`, [...new Array<'i32'>(6).fill('i32'), 'f64']);
  const [to, from, rows, columns, row, column, factor] = f.parameters;
  f.for(0, rows, () => {
    const source = f.var(from);
    f.for(0, columns, () => {
      f.store('f64.store', to, f64.mul(widened(code, source), factor));
      f.set(to, add(to, i32c(8)));
      f.set(source, add(source, column));
    });
    f.set(from, add(from, row));
  });
  return f.build();
}

/** narrow_f32(to, from, rows, columns, row, column, factor): back again. */
function narrow(code: FloatCode): Func {
  const f = new FunctionBuilder(`narrow_${code.type}`, [...new Array<'i32'>(6).fill('i32'), 'f64']);
  const [to, from, rows, columns, row, column, factor] = f.parameters;
  f.for(0, rows, () => {
    const source = f.var(from);
    f.for(0, columns, () => {
      const value = f64.mul(load('f64.load', source), factor);
      f.store(`${code.type}.store`, to, code.type === 'f32' ? op('f32.demote_f64', value) : value);
      f.set(to, add(to, i32c(code.bytes)));
      f.set(source, add(source, column));
    });
    f.set(from, add(from, row));
  });
  return f.build();
}

/** x[i] ← α·x[i]. */
export const scaleRun = (f: FunctionBuilder, x: Expr, alpha: Expr, count: Expr): void =>
  f.for(0, count, (i) => put(f, x, i, f64.mul(alpha, get(x, i))));

/** y ← y − Σ α·x over `terms(l)`, of which there are one or two, for all l below a limit: four together. */
export function subtractTerms(
  f: FunctionBuilder,
  y: Expr,
  count: Expr,
  limit: Expr,
  terms: (l: Expr) => readonly { readonly x: Expr; readonly alpha: Expr }[],
): void {
  const l = f.var(i32c(0));
  f.while(op('i32.lt_s', add(l, i32c(1)), limit), () => {
    subtractScaled(f, wide, y, [...terms(l), ...terms(add(l, i32c(1)))], count);
    f.set(l, add(l, i32c(2)));
  });
  f.if(op('i32.lt_s', l, limit), () => subtractScaled(f, wide, y, terms(l), count));
}

/** The sum of two lanes. */
export const bothLanes = (vector: Expr): Expr =>
  f64.add(lane('f64x2.extract_lane', 0, vector), lane('f64x2.extract_lane', 1, vector));

/** Σ x[i]·y[i]. */
export const dot = (x: Expr, y: Expr, count: Expr): Expr => call('dot_wide', 'f64', x, y, count);

/** dot_wide(x, y, count), in four sums of two lanes: one would wait for each addition. */
function product(): Func {
  const f = new FunctionBuilder('dot_wide', ['i32', 'i32', 'i32'], 'f64');
  const [x, y, count] = f.parameters;
  const end = f.let(at(x, count));
  const sums = [0, 1, 2, 3].map(() => f.var(f64x2c(0)));
  const vectors = (some: readonly Local[]): void => {
    f.while(op('i32.le_u', add(x, i32c(16 * some.length)), end), () => {
      some.forEach((sum, i) => {
        const term = op('f64x2.mul', load('v128.load', x, 16 * i), load('v128.load', y, 16 * i));
        f.set(sum, op('f64x2.add', sum, term));
      });
      f.set(x, add(x, i32c(16 * some.length)));
      f.set(y, add(y, i32c(16 * some.length)));
    });
  };
  vectors(sums);
  vectors(sums.slice(0, 1));
  const [a, b, c, d] = sums as [Local, Local, Local, Local];
  const both = f.let(op('f64x2.add', op('f64x2.add', a, b), op('f64x2.add', c, d)));
  const total = f.var(f64.add(lane('f64x2.extract_lane', 0, both), lane('f64x2.extract_lane', 1, both)));
  f.if(op('i32.lt_u', x, end), () => f.set(total, f64.add(total, f64.mul(load('f64.load', x), load('f64.load', y)))));
  f.return(total);
  return f.build();
}

/**
 * reflector(x, stride, count, v, beta pointer) → τ: I − τ·v·vᵀ takes x to (β, 0, …), v[0] = 1. `v` may be where a
 * contiguous x is.
 */
function reflector(): Func {
  const f = new FunctionBuilder('reflector', new Array(5).fill('i32'), 'f64');
  const [x, stride, count, v, betaAt] = f.parameters;
  f.if(op('i32.ne', v, x), () => {
    const source = f.var(x);
    f.for(0, count, (i) => {
      put(f, v, i, load('f64.load', source));
      f.set(source, add(source, stride));
    });
  });
  const head = f.let(load('f64.load', v));
  const below = f.let(add(v, i32c(8)));
  const rest = f.let(op('i32.sub', count, i32c(1)));
  const squares = f.let(dot(below, below, rest));
  const done = (beta: Expr, tau: Expr): void => {
    f.store('f64.store', v, f64c(1));
    f.store('f64.store', betaAt, beta);
    f.return(tau);
  };
  f.if(op('f64.lt', squares, f64c(negligibleSquare)), () => {
    f.fill(v, i32c(0), op('i32.shl', count, i32c(3)));
    done(head, f64c(0));
  });
  const length = f.let(f64.sqrt(f64.add(f64.mul(head, head), squares)));
  const beta = f.let(select(op('f64.ge', head, f64c(0)), f64.neg(length), length));
  divideBy(f, wide, below, f64.sub(head, beta), rest);
  done(beta, f64.div(f64.sub(beta, head), beta));
  return f.build();
}

/** reflect_rows(matrix, row, rows, v, count, τ): M ← M·(I − τ·v·vᵀ). */
function reflectRows(): Func {
  const f = new FunctionBuilder('reflect_rows', [...new Array<'i32'>(5).fill('i32'), 'f64']);
  const [matrix, row, rows, v, count, tau] = f.parameters;
  f.if(op('f64.eq', tau, f64c(0)), () => f.return());
  f.for(0, rows, () => {
    addScaled(f, wide, matrix, v, f64.mul(tau, dot(matrix, v, count)), count);
    f.set(matrix, add(matrix, row));
  });
  return f.build();
}

/** rotate(x, y, count, c, s): x ← c·x + s·y and y ← c·y − s·x. */
function rotate(): Func {
  const f = new FunctionBuilder('rotate', ['i32', 'i32', 'i32', 'f64', 'f64']);
  const [x, y, count, c, s] = f.parameters;
  const end = f.let(at(x, count));
  const whole = f.let(at(x, op('i32.and', count, i32c(-2))));
  const step = (shape: string, loading: string, storing: string, [cos, sin]: readonly [Expr, Expr], bytes: number) => {
    const [a, b] = [f.let(load(loading, x)), f.let(load(loading, y))];
    f.store(storing, x, op(`${shape}.add`, op(`${shape}.mul`, cos, a), op(`${shape}.mul`, sin, b)));
    f.store(storing, y, op(`${shape}.sub`, op(`${shape}.mul`, cos, b), op(`${shape}.mul`, sin, a)));
    f.set(x, add(x, i32c(bytes)));
    f.set(y, add(y, i32c(bytes)));
  };
  const splats = [f.let(op('f64x2.splat', c)), f.let(op('f64x2.splat', s))] as const;
  f.while(op('i32.lt_u', x, whole), () => step('f64x2', 'v128.load', 'v128.store', splats, 16));
  f.while(op('i32.lt_u', x, end), () => step('f64', 'f64.load', 'f64.store', [c, s], 8));
  return f.build();
}

/** Ones on the diagonal of `count` rows of so many elements. */
export function setIdentity(f: FunctionBuilder, rows: Expr, count: Expr, width: Expr): void {
  f.fill(rows, i32c(0), op('i32.shl', mul(count, width), i32c(3)));
  f.for(0, select(op('i32.lt_s', count, width), count, width), (i) => {
    put(f, rows, mul(i, add(width, i32c(1))), f64c(1));
  });
}

export const reflectorCall = (x: Expr, stride: Expr, count: Expr, v: Expr, beta: Expr): Expr =>
  call('reflector', 'f64', x, stride, count, v, beta);
