import { constant } from '../../lower/expressions/scalar-code.ts';
import { add, mul, sub } from '../../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, i32c, op, select } from '../../wasm/code.ts';
import { addScaled, dotRuns, type FloatCode, loadFloat, storeFloat } from '../../wasm/vector-loops.ts';
import { byteOffset, floatName, multiplySubtract } from './blocks.ts';
import { qrBlock } from './qr-block.ts';
import { reflectionFunctions } from './qr-reflection.ts';

/**
 * A = Q·R by Householder reflections I − τ·v·vᵀ:
 *
 *     qr_f32(batch, m, n, columns, a, q, r, matrix, heads, taus, products, factors, gram, first, second, negated, work)
 *
 * Q is m × columns, and left out where its address is 0; R is columns × n. The others are scratch memory: the matrix as it is reduced, a row of v for each reflection,
 * their τ, and a row of products; and for blocks their factors T, VᵀV, two blocks of rows, and room for products.
 *
 * Large matrices go by blocks of `qrBlock` columns, whose reflections together are I − V·T·Vᵀ with an upper triangular T
 * (Schreiber and Van Loan, 1989): what follows a block is multiplied by that as matrices.
 */
export const qrFunctions = (code: FloatCode): Func[] => [
  reflect(code),
  ...reflectionFunctions(code),
  panel(code),
  blockFactor(code),
  blockReflect(code),
  batches(code),
];

/**
 * qr_panel(m, start, end, matrix, row, heads, headBytes, taus): the reflections of columns `start` to `end`, carried out
 * on these columns. They are first laid out as rows of `heads`, where the vectors will stand.
 */
function panel(code: FloatCode): Func {
  const { type, bytes } = code;
  const dtype = type === 'f32' ? 'float32' : 'float64';
  const f = new FunctionBuilder(`qr_panel_${type}`, new Array(8).fill('i32'));
  const [m, start, end, matrix, row, heads, headBytes, taus] = f.parameters;
  const one = i32c(bytes);
  const entryOf = (i: Expr, j: Expr): Expr => add(add(matrix, mul(i, row)), byteOffset(code, j));
  const rowOf = (j: Expr): Expr => add(heads, mul(j, headBytes));
  f.for(start, m, (i) => {
    const from = f.var(entryOf(i, start));
    const to = f.var(add(rowOf(start), byteOffset(code, i)));
    f.for(start, end, () => {
      storeFloat(f, code, to, loadFloat(code, from));
      f.set(from, add(from, one));
      f.set(to, add(to, headBytes));
    });
  });
  f.for(start, end, (j) => {
    const v = f.let(add(rowOf(j), byteOffset(code, j)));
    const below = f.let(sub(sub(m, j), i32c(1)));
    // Above the head is a column of R.
    const part = f.var(add(rowOf(j), byteOffset(code, start)));
    f.for(start, j, (i) => {
      storeFloat(f, code, entryOf(i, j), loadFloat(code, part));
      storeFloat(f, code, part, constant(0, dtype));
      f.set(part, add(part, one));
    });
    const tau = f.let({
      kind: 'call',
      type,
      fn: `reflector_${type}`,
      args: [v, add(v, one), one, below, add(v, one), one],
    });
    storeFloat(f, code, entryOf(j, j), loadFloat(code, v));
    storeFloat(f, code, v, constant(1, dtype));
    storeFloat(f, code, add(taus, byteOffset(code, j)), tau);
    const other = f.var(v);
    f.for(add(j, i32c(1)), end, () => {
      f.set(other, add(other, headBytes));
      const product = dotRuns(f, code, v, other, add(below, i32c(1)));
      addScaled(f, code, other, v, op(`${type}.mul`, tau, product), add(below, i32c(1)));
    });
  });
  return f.build();
}

/**
 * block_factor(m, count, v, vRow, taus, factor, gram, work): T of the block whose vectors are rows of `v`, m long.
 * Column i of T is −τᵢ·T·(Vᵀvᵢ) above τᵢ.
 */
function blockFactor(code: FloatCode): Func {
  const { type } = code;
  const dtype = type === 'f32' ? 'float32' : 'float64';
  const f = new FunctionBuilder(`block_factor_${type}`, new Array(8).fill('i32'));
  const [m, count, v, vRow, taus, factor, gram, work] = f.parameters;
  const one = i32c(1);
  f.call(`gemm_${type}`, count, count, m, v, vRow, one, v, one, vRow, gram, count, i32c(0), work);
  const entry = (matrix: Expr, i: Expr, j: Expr): Expr => add(matrix, byteOffset(code, add(mul(i, count), j)));
  f.fill(factor, i32c(0), byteOffset(code, mul(count, count)));
  f.for(0, count, (i) => {
    const tau = f.let(loadFloat(code, add(taus, byteOffset(code, i))));
    storeFloat(f, code, entry(factor, i, i), tau);
    f.for(0, i, (r) => {
      const sum = f.var(constant(0, dtype));
      f.for(r, i, (c) => {
        const product = op(`${type}.mul`, loadFloat(code, entry(factor, r, c)), loadFloat(code, entry(gram, c, i)));
        f.set(sum, op(`${type}.add`, sum, product));
      });
      storeFloat(f, code, entry(factor, r, i), op(`${type}.neg`, op(`${type}.mul`, tau, sum)));
    });
  });
  return f.build();
}

/**
 * block_reflect(m, count, v, vRow, factor, tRow, tColumn, matrix, row, columns, first, second, negated, work):
 * M ← M − V·(T·(Vᵀ·M)), with T's strides in floats and the matrix's row in bytes.
 */
function blockReflect(code: FloatCode): Func {
  const { type, bytes } = code;
  const f = new FunctionBuilder(`block_reflect_${type}`, new Array(14).fill('i32'));
  const [m, count, v, vRow, factor, tRow, tColumn, matrix, row, columns, first, second, negated, work] = f.parameters;
  f.if(op('i32.le_s', columns, i32c(0)), () => f.return());
  const [none, one] = [i32c(0), i32c(1)];
  const inFloats = op('i32.shr_u', row, i32c(Math.log2(bytes)));
  f.call(`gemm_${type}`, count, columns, m, v, vRow, one, matrix, inFloats, one, first, columns, none, work);
  const small = [factor, tRow, tColumn, first, columns, one, second, columns, none, work];
  f.call(`gemm_${type}`, count, columns, count, ...small);
  const vectors = { at: v, rows: m, columns: count, row: i32c(bytes), column: byteOffset(code, vRow) };
  const product = { at: second, columns, row: byteOffset(code, columns), column: i32c(bytes) };
  multiplySubtract(f, code, vectors, product, matrix, row, { negated, work });
  return f.build();
}

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

function batches(code: FloatCode): Func {
  const { type } = code;
  const f = new FunctionBuilder(`qr_${floatName(code)}`, new Array(17).fill('i32'));
  const [batch, m, n, columns, a, q, r, matrix, heads, taus, products, factors, gram, first, second, negated, work] =
    f.parameters;
  const lesser = (x: Expr, y: Expr): Expr => f.let(select(op('i32.lt_s', x, y), x, y));
  const k = lesser(m, n);
  const hasQ = f.let(op('i32.ne', q, i32c(0)));
  const row = f.let(byteOffset(code, n));
  const qRow = f.let(byteOffset(code, columns));
  const vBytes = f.let(byteOffset(code, m));
  const one = constant(1, type === 'f32' ? 'float32' : 'float64');
  const headOf = (j: Expr): Expr => add(heads, mul(j, vBytes));
  const identity = (): void => {
    f.fill(q, i32c(0), mul(m, qRow));
    f.for(0, lesser(m, columns), (i) => {
      storeFloat(f, code, add(q, byteOffset(code, mul(i, add(columns, i32c(1))))), one);
    });
  };
  /** Goes over blocks with their vectors, below their heads, and factors. */
  const block = (start: Expr): { count: Expr; below: Expr; v: Expr; factor: Expr } => ({
    count: lesser(i32c(qrBlock), sub(k, start)),
    below: f.let(sub(m, start)),
    v: f.let(add(headOf(start), byteOffset(code, start))),
    factor: f.let(add(factors, byteOffset(code, mul(start, i32c(qrBlock))))),
  });
  const oneByOne = (): void => {
    f.for(0, k, (j) => {
      const v = f.let(headOf(j));
      const tau = f.let({ kind: 'call', type, fn: `reflection_${type}`, args: [m, j, matrix, row, v] });
      const next = f.let(add(j, i32c(1)));
      f.call(`reflect_${type}`, m, j, matrix, row, next, sub(n, next), v, tau, products);
      storeFloat(f, code, add(taus, byteOffset(code, j)), tau);
    });
    f.if(hasQ, () => {
      identity();
      f.for(0, k, (step) => {
        const j = f.let(sub(sub(k, i32c(1)), step));
        const tau = loadFloat(code, add(taus, byteOffset(code, j)));
        f.call(`reflect_${type}`, m, j, q, qRow, j, sub(columns, j), headOf(j), tau, products);
      });
    });
  };
  const byBlocks = (): void => {
    const room = [first, second, negated, work];
    f.for(
      0,
      k,
      (start) => {
        const { count, below, v, factor } = block(start);
        const end = f.let(add(start, count));
        f.call(`qr_panel_${type}`, m, start, end, matrix, row, heads, vBytes, taus);
        f.call(`block_factor_${type}`, below, count, v, m, add(taus, byteOffset(code, start)), factor, gram, work);
        const rest = add(add(matrix, mul(start, row)), byteOffset(code, end));
        // Qᵀ·A takes the reflections in their order: T is transposed.
        const transposed = [i32c(1), count];
        f.call(`block_reflect_${type}`, below, count, v, m, factor, ...transposed, rest, row, sub(n, end), ...room);
      },
      qrBlock,
    );
    f.if(hasQ, () => {
      identity();
      const blocks = f.let(op('i32.div_s', add(k, i32c(qrBlock - 1)), i32c(qrBlock)));
      f.for(0, blocks, (step) => {
        const start = f.let(mul(sub(sub(blocks, i32c(1)), step), i32c(qrBlock)));
        const { count, below, v, factor } = block(start);
        const rest = add(add(q, mul(start, qRow)), byteOffset(code, start));
        const plain = [count, i32c(1)];
        f.call(`block_reflect_${type}`, below, count, v, m, factor, ...plain, rest, qRow, sub(columns, start), ...room);
      });
    });
  };
  f.for(0, batch, () => {
    f.copy(matrix, a, mul(m, row));
    f.fill(r, i32c(0), mul(columns, row));
    f.if(op('i32.le_s', k, i32c(qrBlock)), oneByOne, byBlocks);
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
