import { add, mul } from '../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, i32c, op } from '../wasm/code.ts';
import {
  blockDepth,
  blockName,
  blockRows,
  cornerBytes,
  type Element,
  evenParts,
  leastOf,
  lineBytes,
  lineBytesOf,
  up,
} from './gemm.ts';
import { linesName, packName, panelStride, panelWidth } from './pack.ts';

/**
 * The same product where something else is done with rows of it before or after they are multiplied, while these are in the
 * cache, or where panels of B are computed. These are made first, each with all rows of B, `panelStride` bytes apart:
 *
 *     gemm_pack_f32(n, k, b, bRow, bCol, panels)
 *     gemm_rows_f32(m, n, k, a, aRow, aCol, panels, stride, c, cRow, accumulate, scratch)
 *
 * `panels` points to `gemmPanelBytes` bytes, `scratch` to `gemmRowsScratchBytes`, both 16-byte aligned. Columns of B are not
 * cut into blocks: panels go by once for each block of rows.
 */
export function rowFunctions(e: Element): Func[] {
  return [packAll(e), multiplyPanels(e)];
}

/** How many arguments `gemm_pack_f32` and `gemm_rows_f32` take. */
export const packParameters = 6;
export const rowsParameters = 12;

export const gemmPanelBytes = (n: number, k: number, bytes: number): number =>
  Math.ceil((n * bytes) / panelWidth) * panelStride(k);

export const gemmRowsScratchBytes = (m: number, k: number, bytes: number): number =>
  up(cornerBytes + Math.min(m, blockRows) * lineBytes(up(Math.min(k, blockDepth), 4), bytes), 64);

const bytesOf = (e: Element, elements: Expr): Expr => op('i32.shl', elements, i32c(e.shift));

function packAll(e: Element): Func {
  const f = new FunctionBuilder(`gemm_pack_${e.name}`, new Array(packParameters).fill('i32'));
  const [n, k, b, bRow, bCol, panels] = f.parameters;
  for (const stride of [bRow, bCol]) f.set(stride, bytesOf(e, stride));
  f.call(packName(e), k, n, b, bRow, bCol, panels);
  return f.build(true);
}

function multiplyPanels(e: Element): Func {
  const f = new FunctionBuilder(`gemm_rows_${e.name}`, new Array(rowsParameters).fill('i32'));
  const [m, n, k, a, aRow, aCol, panels, stride, c, cRow, accumulate, scratch] = f.parameters;
  const one = i32c(e.bytes);
  for (const stride of [aRow, aCol, cRow]) f.set(stride, bytesOf(e, stride));
  const depths = evenParts(f, k, blockDepth, 4);
  const heights = evenParts(f, m, blockRows, 1);
  const lines = f.var(add(scratch, i32c(cornerBytes)));
  const line = f.var(lineBytesOf(e, depths));
  const [from, fromRow] = [f.local('i32'), f.local('i32')];
  f.for(
    0,
    k,
    (p) => {
      const depth = f.var(leastOf(op('i32.sub', k, p), depths));
      const b = f.var(add(panels, mul(p, i32c(panelWidth))));
      f.for(
        0,
        m,
        (i) => {
          const rows = f.var(leastOf(op('i32.sub', m, i), heights));
          f.set(from, add(add(a, mul(i, aRow)), mul(p, aCol)));
          f.set(fromRow, aRow);
          f.if(op('i32.ne', aCol, one), () => {
            f.call(linesName(e), rows, depth, from, aRow, aCol, lines, line);
            f.set(from, lines);
            f.set(fromRow, line);
          });
          const onto = op('i32.or', accumulate, op('i32.gt_s', p, i32c(0)));
          const to = add(c, mul(i, cRow));
          f.call(blockName(e), rows, n, depth, from, fromRow, b, i32c(panelWidth), stride, to, cRow, onto, scratch);
        },
        heights,
      );
    },
    depths,
  );
  return f.build(true);
}
