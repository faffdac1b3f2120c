import { type Expr, type Func, FunctionBuilder, f64c, i32c, op, select } from '../../code.ts';
import { constant } from '../../lower/scalar-code.ts';
import { addScaled, type FloatCode, loadFloat, storeFloat } from '../../vector-loops.ts';
import { add, byteOffset, floatName, mul, sub } from './blocks.ts';

/**
 * A = Q·R by Householder reflections I − τ·v·vᵀ:
 *
 *     qr_f32(batch, m, n, columns, a, q, r, matrix, heads, taus, products)
 *
 * Q is m × columns, R columns × n. The last four are scratch memory: the matrix as it is reduced, a row of v for each reflection,
 * their τ, and a row of products.
 */
export const qrFunctions = (code: FloatCode): Func[] => [reflect(code), reflection(code), batches(code)];

/** reflect(m, head, matrix, row, from, count, v, tau pointer, products): M ← M − τ·v·(vᵀ·M) on rows from `head`. */
function reflect(code: FloatCode): Func {
  const { type } = code;
  const f = new FunctionBuilder(`reflect_${type}`, [...new Array<'i32'>(7).fill('i32'), type, 'i32']);
  const [m, head, matrix, row, from, count, v, tau, products] = f.parameters;
  f.fill(products, i32c(0), byteOffset(code, count));
  const start = f.let(add(add(matrix, mul(head, row)), byteOffset(code, from)));
  const each = (body: (part: Expr, entry: Expr) => void): void => {
    const part = f.var(start);
    const entry = f.var(add(v, byteOffset(code, head)));
    f.for(head, m, () => {
      body(part, loadFloat(code, entry));
      f.set(part, add(part, row));
      f.set(entry, add(entry, i32c(code.bytes)));
    });
  };
  each((part, entry) => addScaled(f, code, products, part, entry, count, 'add'));
  each((part, entry) => addScaled(f, code, part, products, op(`${type}.mul`, tau, entry), count));
  return f.build();
}

/** reflection(m, j, matrix, row, v) → τ: writes v = (0, …, 1, …) for column j, and the head of the reflected column. */
function reflection(code: FloatCode): Func {
  const { type } = code;
  const dtype = type === 'f32' ? 'float32' : 'float64';
  const f = new FunctionBuilder(`reflection_${type}`, new Array(5).fill('i32'), type);
  const [m, j, matrix, row, v] = f.parameters;
  const widened = (x: Expr): Expr => (type === 'f32' ? op('f64.promote_f32', x) : x);
  const at = f.let(add(add(matrix, mul(j, row)), byteOffset(code, j)));
  const next = f.let(add(j, i32c(1)));
  const below = f.let(add(at, row));
  const eachBelow = (body: (entry: Expr, i: Expr) => void): void => {
    const entry = f.var(below);
    f.for(next, m, (i) => {
      body(entry, i);
      f.set(entry, add(entry, row));
    });
  };
  const squares = f.var(f64c(0));
  eachBelow((entry) => {
    const x = f.let(widened(loadFloat(code, entry)));
    f.set(squares, op('f64.add', squares, op('f64.mul', x, x)));
  });
  f.fill(v, i32c(0), byteOffset(code, m));
  storeFloat(f, code, add(v, byteOffset(code, j)), constant(1, dtype));
  f.if(op('f64.eq', squares, f64c(0)), () => f.return(constant(0, dtype)));
  const head = f.let(loadFloat(code, at));
  const wide = f.let(widened(head));
  const length = f.let(op('f64.sqrt', op('f64.add', op('f64.mul', wide, wide), squares)));
  const signed = select(op('f64.ge', wide, f64c(0)), op('f64.neg', length), length);
  const beta = f.let(type === 'f32' ? op('f32.demote_f64', signed) : signed);
  const scale = f.let(op(`${type}.sub`, head, beta));
  eachBelow((entry, i) => {
    storeFloat(f, code, add(v, byteOffset(code, i)), op(`${type}.div`, loadFloat(code, entry), scale));
  });
  storeFloat(f, code, at, beta);
  f.return(op(`${type}.div`, op(`${type}.sub`, beta, head), beta));
  return f.build();
}

function batches(code: FloatCode): Func {
  const { type } = code;
  const f = new FunctionBuilder(`qr_${floatName(code)}`, new Array(11).fill('i32'));
  const [batch, m, n, columns, a, q, r, matrix, heads, taus, products] = f.parameters;
  const lesser = (x: Expr, y: Expr): Expr => f.let(select(op('i32.lt_s', x, y), x, y));
  const k = lesser(m, n);
  const row = f.let(byteOffset(code, n));
  const qRow = f.let(byteOffset(code, columns));
  const vBytes = f.let(byteOffset(code, m));
  const one = constant(1, type === 'f32' ? 'float32' : 'float64');
  f.for(0, batch, () => {
    f.copy(matrix, a, mul(m, row));
    f.fill(q, i32c(0), mul(m, qRow));
    f.fill(r, i32c(0), mul(columns, row));
    f.for(0, k, (j) => {
      const v = f.let(add(heads, mul(j, vBytes)));
      const tau = f.let({ kind: 'call', type, fn: `reflection_${type}`, args: [m, j, matrix, row, v] });
      const next = f.let(add(j, i32c(1)));
      f.call(`reflect_${type}`, m, j, matrix, row, next, sub(n, next), v, tau, products);
      storeFloat(f, code, add(taus, byteOffset(code, j)), tau);
    });
    f.for(0, lesser(m, columns), (i) => {
      storeFloat(f, code, add(q, byteOffset(code, mul(i, add(columns, i32c(1))))), one);
    });
    f.for(0, k, (step) => {
      const j = f.let(sub(sub(k, i32c(1)), step));
      const tau = loadFloat(code, add(taus, byteOffset(code, j)));
      f.call(`reflect_${type}`, m, j, q, qRow, j, sub(columns, j), add(heads, mul(j, vBytes)), tau, products);
    });
    f.for(0, lesser(columns, n), (i) => {
      const diagonal = f.let(byteOffset(code, mul(i, add(n, i32c(1)))));
      f.copy(add(r, diagonal), add(matrix, diagonal), byteOffset(code, sub(n, i)));
    });
    f.set(a, add(a, mul(m, row)));
    f.set(q, add(q, mul(m, qRow)));
    f.set(r, add(r, mul(columns, row)));
  });
  return f.build(true);
}
