/** Products of reflections, by blocks. */
import { add, mul, sub } from '../../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, i32c, op, select } from '../../wasm/code.ts';
import { at, get, setIdentity } from './plane.ts';
import { blockedFrom, panelBlock, reflectionBlock } from './spectral-constants.ts';

export const reflectionFunctions = (): Func[] => [
  blockFromRight(),
  accumulate(),
  timesReflections('multiply_reflections', false),
];

/** What scratch memory holds beside rows or columns of blocks: room for four of `panelBlock` from `first` on, of which `second` is one. */
interface Room {
  readonly first: Expr;
  readonly second: Expr;
  readonly factor: Expr;
  readonly gram: Expr;
  readonly work: Expr;
}

/** Addresses in the scratch memory for blocks of matrices of up to n rows and columns. */
export function roomAt(f: FunctionBuilder, n: Expr, blocks: Expr): Room {
  const bytes = f.let(mul(n, i32c(8 * panelBlock)));
  const second = f.let(add(blocks, bytes));
  const factor = f.let(add(blocks, op('i32.shl', bytes, i32c(2))));
  const gram = f.let(add(factor, i32c(8 * reflectionBlock ** 2)));
  const work = f.let(op('i32.and', add(gram, i32c(8 * reflectionBlock ** 2 + 63)), i32c(-64)));
  return { first: blocks, second, factor, gram, work };
}

/**
 * block_from_right(rows, columns, count, matrix, row, v, vRow, negated, first, second, work): M ← M·(I − V·T·Vᵀ)ᵀ, with −T, and
 * each v in a row.
 */
function blockFromRight(): Func {
  const f = new FunctionBuilder('block_from_right', new Array(11).fill('i32'));
  const [rows, columns, count, matrix, row, v, vRow, negated, first, second, work] = f.parameters;
  const [none, one] = [i32c(0), i32c(1)];
  const [inRow, inVRow] = [row, vRow].map((bytes) => f.let(op('i32.shr_u', bytes, i32c(3)))) as [Expr, Expr];
  f.call('gemm_f64', rows, count, columns, matrix, inRow, one, v, one, inVRow, first, count, none, work);
  f.call('gemm_f64', rows, count, count, first, count, one, negated, one, count, second, count, none, work);
  f.call('gemm_f64', rows, columns, count, second, count, one, v, inVRow, one, matrix, inRow, one, work);
  return f.build();
}

/**
 * accumulate(rows, width, steps, table, row, first, v, vRow, taus, blocks): the identity times the reflections k = steps − 1 … 0, whose
 * vectors stand from column k + first on in rows that are `vRow` bytes apart. Each changes what is right of and below its head
 * alone. What stands in front of heads is overwritten.
 */
const accumulate = (): Func => timesReflections('accumulate', true);

/** multiply_reflections, with the same parameters: the table times these reflections. */
function timesReflections(name: string, isIdentity: boolean): Func {
  const f = new FunctionBuilder(name, new Array(10).fill('i32'));
  const [rows, width, steps, table, row, first, v, vRow, taus, blocks] = f.parameters;
  const head = f.local('i32');
  const corner = (): Expr => at(isIdentity ? add(table, mul(head, row)) : table, head);
  const changed = (): Expr => (isIdentity ? sub(rows, head) : rows);
  const vectorAt = (k: Expr): Expr => at(add(v, mul(k, vRow)), head);
  if (isIdentity) setIdentity(f, table, rows, width);
  const { first: products, second, factor, gram, work } = roomAt(f, longest(rows, width), blocks);
  const block = i32c(reflectionBlock);
  const isBlocked = op('i32.ge_s', steps, i32c(blockedFrom));
  // Those at the end one by one, so that blocks are whole.
  const whole = f.let(op('i32.and', steps, select(isBlocked, i32c(-reflectionBlock), i32c(0))));
  f.for(whole, steps, (i) => {
    const k = f.let(sub(sub(add(steps, whole), i32c(1)), i));
    f.set(head, add(k, first));
    f.call('reflect_rows', corner(), row, changed(), vectorAt(k), sub(width, head), get(taus, k));
  });
  f.for(
    0,
    whole,
    (i) => {
      const k = f.let(sub(sub(whole, block), i));
      f.set(head, add(k, first));
      f.for(1, block, (j) => f.fill(vectorAt(add(k, j)), i32c(0), op('i32.shl', j, i32c(3))));
      const length = f.let(sub(width, head));
      const vectors = f.let(vectorAt(k));
      const stride = op('i32.shr_u', vRow, i32c(3));
      f.call('block_factor_f64', length, block, vectors, stride, at(taus, k), factor, gram, work);
      const negated = gram;
      f.call('negate_f64', block, block, negated, factor, i32c(8 * reflectionBlock), i32c(8));
      f.call(
        'block_from_right',
        changed(),
        length,
        block,
        corner(),
        row,
        vectors,
        vRow,
        negated,
        products,
        second,
        work,
      );
    },
    reflectionBlock,
  );
  return f.build();
}

const longest = (x: Expr, y: Expr): Expr => select(op('i32.gt_s', x, y), x, y);
