import { type Expr, type Func, FunctionBuilder, i32c, op } from '../code.ts';
import {
  blockDepth,
  blockName,
  cornerBytes,
  type Element,
  evenParts,
  leastOf,
  lineBytes,
  lineBytesOf,
  tileColumns,
  up,
} from './gemm.ts';
import { linesName, packName } from './pack.ts';

/**
 * The same product some rows at a time, for callers that do something else with rows before or after they are multiplied,
 * while these are in the cache. B is packed whole, once:
 *
 *     gemm_pack_f32(n, k, b, bRow, bCol, panels)
 *     gemm_rows_f32(m, n, k, a, aRow, aCol, panels, c, scratch)
 *
 * The rows of C are contiguous and are overwritten; `panels` points to `gemmPanelBytes` bytes, `scratch` to
 * `gemmRowsScratchBytes`, both 16-byte aligned. Columns of B are not cut into blocks: panels go by once for each call.
 */
export function rowFunctions(e: Element): Func[] {
  return [packAll(e), rowBlock(e)];
}

/** How many arguments `gemm_pack_f32` and `gemm_rows_f32` take. */
export const packParameters = 6;
export const rowsParameters = 9;

/** Each panel has all rows of B; deeper ones are cut, and all panels of the first part come before those of the second. */
export const hasWholePanels = (k: number): boolean => k <= blockDepth;

export const gemmPanelBytes = (n: number, k: number, bytes: number): number => k * up(n * bytes, 32);

export const gemmRowsScratchBytes = (m: number, k: number, bytes: number): number =>
  up(cornerBytes + m * lineBytes(up(Math.min(k, blockDepth), 4), bytes), 64);

const add = (a: Expr, b: Expr): Expr => op('i32.add', a, b);
const mul = (a: Expr, b: Expr): Expr => op('i32.mul', a, b);
const bytesOf = (e: Element, elements: Expr): Expr => op('i32.shl', elements, i32c(e.shift));

/** Bytes of a row of all panels. */
const panelRow = (e: Element, n: Expr): Expr => {
  const width = tileColumns(e);
  return bytesOf(e, op('i32.and', add(n, i32c(width - 1)), i32c(-width)));
};

function packAll(e: Element): Func {
  const f = new FunctionBuilder(`gemm_pack_${e.name}`, new Array(packParameters).fill('i32'));
  const [n, k, b, bRow, bCol, panels] = f.parameters;
  for (const stride of [bRow, bCol]) f.set(stride, bytesOf(e, stride));
  const depths = evenParts(f, k, blockDepth, 4);
  const row = f.var(panelRow(e, n));
  f.for(
    0,
    k,
    (p) => {
      const depth = f.var(leastOf(op('i32.sub', k, p), depths));
      f.call(packName(e), depth, n, add(b, mul(p, bRow)), bRow, bCol, panels);
      f.set(panels, add(panels, mul(depth, row)));
    },
    depths,
  );
  return f.build(true);
}

function rowBlock(e: Element): Func {
  const f = new FunctionBuilder(`gemm_rows_${e.name}`, new Array(rowsParameters).fill('i32'));
  const [m, n, k, a, aRow, aCol, panels, c, scratch] = f.parameters;
  const width = tileColumns(e);
  const one = i32c(e.bytes);
  for (const stride of [aRow, aCol]) f.set(stride, bytesOf(e, stride));
  const depths = evenParts(f, k, blockDepth, 4);
  const row = f.var(panelRow(e, n));
  const cRow = f.var(bytesOf(e, n));
  const lines = f.var(add(scratch, i32c(cornerBytes)));
  const line = f.var(lineBytesOf(e, depths));
  const [from, fromRow] = [f.local('i32'), f.local('i32')];
  f.for(
    0,
    k,
    (p) => {
      const depth = f.var(leastOf(op('i32.sub', k, p), depths));
      f.set(from, add(a, mul(p, aCol)));
      f.set(fromRow, aRow);
      f.if(op('i32.ne', aCol, one), () => {
        f.call(linesName(e), m, depth, from, aRow, aCol, lines, line);
        f.set(from, lines);
        f.set(fromRow, line);
      });
      const panel = mul(depth, i32c(width * e.bytes));
      const onto = op('i32.gt_s', p, i32c(0));
      f.call(blockName(e), m, n, depth, from, fromRow, panels, i32c(width * e.bytes), panel, c, cRow, onto, scratch);
      f.set(panels, add(panels, mul(depth, row)));
    },
    depths,
  );
  return f.build(true);
}
