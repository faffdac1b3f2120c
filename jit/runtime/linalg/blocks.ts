/** What the factorisations share: addresses, and products that are subtracted. */
import { add } from '../../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, i32c, load, op } from '../../wasm/code.ts';
import { type FloatCode, loadFloat, storeFloat } from '../../wasm/vector-loops.ts';

export const floatCodes: readonly FloatCode[] = [
  { type: 'f32', shape: 'f32x4', lanes: 4, bytes: 4 },
  { type: 'f64', shape: 'f64x2', lanes: 2, bytes: 8 },
];

export const floatName = ({ type }: FloatCode): 'f32' | 'f64' => type;

/** Bytes of so many floats. */
export const byteOffset = ({ bytes }: FloatCode, count: Expr): Expr => op('i32.shl', count, i32c(Math.log2(bytes)));

/** negate_f32(rows, columns, to, from, row, column): a copy with the other sign, rows one after the other; strides in bytes. */
export function negate(code: FloatCode): Func {
  const { type, shape, lanes, bytes } = code;
  const f = new FunctionBuilder(`negate_${type}`, new Array(6).fill('i32'));
  const [rows, columns, to, from, row, column] = f.parameters;
  const contiguous = op('i32.eq', column, i32c(bytes));
  const whole = f.let(op('i32.and', columns, op('i32.sub', i32c(0), op('i32.mul', contiguous, i32c(lanes)))));
  f.for(0, rows, () => {
    const at = f.var(from);
    f.for(
      0,
      whole,
      () => {
        f.store('v128.store', to, op(`${shape}.neg`, load('v128.load', at)));
        f.set(to, add(to, i32c(16)));
        f.set(at, add(at, i32c(16)));
      },
      lanes,
    );
    f.for(whole, columns, () => {
      storeFloat(f, code, to, op(`${type}.neg`, loadFloat(code, at)));
      f.set(to, add(to, i32c(bytes)));
      f.set(at, add(at, column));
    });
    f.set(from, add(from, row));
  });
  return f.build();
}

/** A matrix in memory: strides in bytes. */
export interface Block {
  readonly at: Expr;
  readonly rows: Expr;
  readonly columns: Expr;
  readonly row: Expr;
  readonly column: Expr;
}

/** Memory for a negated copy of the first factor, and for the product. */
export interface Room {
  readonly negated: Expr;
  readonly work: Expr;
}

/** C ← C − A·B, where C has contiguous rows that are `cRow` bytes apart. */
export function multiplySubtract(
  f: FunctionBuilder,
  code: FloatCode,
  a: Block,
  b: Omit<Block, 'rows'>,
  c: Expr,
  cRow: Expr,
  { negated, work }: Room,
): void {
  const inFloats = (bytes: Expr): Expr => op('i32.shr_u', bytes, i32c(Math.log2(code.bytes)));
  f.call(`negate_${code.type}`, a.rows, a.columns, negated, a.at, a.row, a.column);
  const left = [negated, a.columns, i32c(1)];
  const right = [b.at, inFloats(b.row), inFloats(b.column)];
  f.call(`gemm_${code.type}`, a.rows, b.columns, a.columns, ...left, ...right, c, inFloats(cRow), i32c(1), work);
}
