/** Reflections of columns of either dtype, as QR makes them. */

import { constant } from '../../lower/expressions/scalar-code.ts';
import { add, mul, sub } from '../../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, f64c, i32c, op, select } from '../../wasm/code.ts';
import { type FloatCode, loadFloat, storeFloat } from '../../wasm/vector-loops.ts';
import { byteOffset } from './blocks.ts';

/** Sums of squares of float64 beyond which digits are lost. */
const smallSquare = 2 ** -960;
const largeSquare = 2 ** 960;

export const reflectionFunctions = (code: FloatCode): Func[] => [reflector(code), reflection(code)];

/**
 * reflector(head, below, step, count, to, toStep) → τ: replaces the head of a column by that of the reflected one, and
 * writes v, without its leading 1, to `to`. Where the column is zero below its head, τ is 0 and nothing changes.
 */
function reflector(code: FloatCode): Func {
  const { type } = code;
  const dtype = type === 'f32' ? 'float32' : 'float64';
  const f = new FunctionBuilder(`reflector_${type}`, new Array(6).fill('i32'), type);
  const [at, below, step, count, to, toStep] = f.parameters;
  const widened = (x: Expr): Expr => (type === 'f32' ? op('f64.promote_f32', x) : x);
  const eachBelow = (body: (entry: Expr) => void): void => {
    const entry = f.var(below);
    f.for(0, count, () => {
      body(entry);
      f.set(entry, add(entry, step));
    });
  };
  const squares = f.var(f64c(0));
  const scale = f.var(f64c(1));
  const scaled = (x: Expr): Expr => (type === 'f64' ? op('f64.mul', x, scale) : x);
  const sum = (): void => {
    f.set(squares, f64c(0));
    eachBelow((entry) => {
      const x = f.let(scaled(widened(loadFloat(code, entry))));
      f.set(squares, op('f64.add', squares, op('f64.mul', x, x)));
    });
  };
  sum();
  const wide = f.let(widened(loadFloat(code, at)));
  if (type === 'f64') {
    // Where squares vanish or overflow, a power of two that brings the largest element near 1.
    const isSmall = op('f64.lt', squares, f64c(smallSquare));
    const isLarge = op('f64.gt', op('f64.add', squares, op('f64.mul', wide, wide)), f64c(largeSquare));
    f.if(op('i32.or', isSmall, isLarge), () => {
      const largest = f.var(f64c(0));
      eachBelow((entry) => f.set(largest, op('f64.max', largest, op('f64.abs', loadFloat(code, entry)))));
      f.if(op('f64.eq', largest, f64c(0)), () => f.return(constant(0, dtype)));
      f.set(largest, op('f64.max', largest, op('f64.abs', wide)));
      f.if(op('f64.lt', largest, f64c(Number.POSITIVE_INFINITY)), () => {
        const power = select(op('f64.lt', largest, f64c(1)), f64c(2 ** 1000), f64c(2 ** -1000));
        const isFar = op('i32.or', op('f64.lt', largest, f64c(2 ** -480)), op('f64.gt', largest, f64c(2 ** 480)));
        f.set(scale, select(isFar, power, f64c(1)));
        sum();
      });
    });
  }
  f.if(op('f64.eq', squares, f64c(0)), () => f.return(constant(0, dtype)));
  const head = f.let(scaled(wide));
  const length = f.let(op('f64.sqrt', op('f64.add', op('f64.mul', head, head), squares)));
  const signed = f.let(select(op('f64.ge', head, f64c(0)), op('f64.neg', length), length));
  const narrowed = (x: Expr): Expr => (type === 'f32' ? op('f32.demote_f64', x) : x);
  const [own, beta] = [f.let(narrowed(head)), f.let(narrowed(signed))];
  const divisor = f.let(op(`${type}.sub`, own, beta));
  eachBelow((entry) => {
    const x = loadFloat(code, entry);
    storeFloat(f, code, to, op(`${type}.div`, type === 'f64' ? scaled(x) : x, divisor));
    f.set(to, add(to, toStep));
  });
  storeFloat(f, code, at, type === 'f64' ? op('f64.div', beta, scale) : beta);
  f.return(op(`${type}.div`, op(`${type}.sub`, beta, own), beta));
  return f.build();
}

/** reflection(m, j, matrix, row, v) → τ: writes v = (0, …, 1, …) for column j, and the head of the reflected column. */
function reflection(code: FloatCode): Func {
  const { type, bytes } = code;
  const dtype = type === 'f32' ? 'float32' : 'float64';
  const f = new FunctionBuilder(`reflection_${type}`, new Array(5).fill('i32'), type);
  const [m, j, matrix, row, v] = f.parameters;
  const at = f.let(add(add(matrix, mul(j, row)), byteOffset(code, j)));
  const head = f.let(add(v, byteOffset(code, j)));
  f.fill(v, i32c(0), byteOffset(code, m));
  storeFloat(f, code, head, constant(1, dtype));
  const below = sub(sub(m, j), i32c(1));
  const args = [at, add(at, row), row, below, add(head, i32c(bytes)), i32c(bytes)];
  f.return({ kind: 'call', type, fn: `reflector_${type}`, args });
  return f.build();
}
