/** The calls that factorise stacks of matrices, and that solve with triangular ones. */
import { byteSize, type DType, shortName } from '../../../src/core/dtype.ts';
import type { RuntimeCall, RuntimeCalls } from '../../lower-rule.ts';
import { gemmScratchBytes } from '../gemm.ts';
import { gemmPanelBytes, gemmRowsScratchBytes } from '../gemm-rows.ts';
import { qrBlock } from './qr-block.ts';
import {
  blockedFrom,
  blockFloats,
  chainFloats,
  dividedFrom,
  mergeFloats,
  panelBlock,
  productRows,
  reflectionBlock,
  reflectionBytes,
  triangleRows,
  windowSteps,
} from './spectral-constants.ts';

const none: RuntimeCalls = { scratch: 0, calls: [] };
const up = (bytes: number): number => Math.ceil(bytes / 64) * 64;

const copy = (input: number, bytes: number): RuntimeCall => ({
  name: 'copy_1',
  args: [1, bytes, { output: 0 }, 0, 1, { input }, 0, 1],
});

/** Room for a negated block of so many floats, and then for products. */
function room(dtype: DType, negated: number, [m, n, k]: readonly [number, number, number]) {
  const bytes = byteSize(dtype);
  const work = up(negated * bytes);
  return { scratch: work + gemmScratchBytes(m, n, k, bytes), args: [{ scratch: 0 }, { scratch: work }] };
}

/** More than half of n, as it is halved. */
const half = (n: number): number => Math.ceil(n / 2) + 8;

export function luCalls(dtype: DType, batch: number, m: number, n: number): RuntimeCalls {
  const k = Math.min(m, n);
  if (batch * m === 0) return none;
  const { scratch, args } = room(dtype, m * half(k), [m, n, half(k)]);
  return {
    scratch,
    calls: [
      ...(n > 0 ? [copy(0, batch * m * n * byteSize(dtype))] : []),
      { name: `lu_${shortName(dtype)}`, args: [batch, m, n, { output: 0 }, { output: 1 }, { output: 2 }, ...args] },
    ],
  };
}

export function choleskyCalls(dtype: DType, batch: number, n: number, symmetrize: boolean): RuntimeCalls {
  if (batch * n === 0) return none;
  const { scratch, args } = room(dtype, n * half(n), [n, n, half(n)]);
  return {
    scratch,
    calls: [
      symmetrize
        ? { name: `symmetric_lower_${shortName(dtype)}`, args: [batch, n, { output: 0 }, { input: 0 }] }
        : copy(0, batch * n * n * byteSize(dtype)),
      { name: `cholesky_${shortName(dtype)}`, args: [batch, n, { output: 0 }, ...args] },
    ],
  };
}

export interface TriangularSystem {
  readonly batch: number;
  readonly n: number;
  readonly count: number;
  /** Strides of the matrix. */
  readonly row: number;
  readonly column: number;
  readonly unit: boolean;
  readonly forward: boolean;
  /** The sides are columns of a matrix with contiguous rows, else vectors one after the other. */
  readonly rows: boolean;
}

export function triangularSolveCalls(dtype: DType, s: TriangularSystem): RuntimeCalls {
  const { batch, n, count, row, column } = s;
  if (batch * n * count === 0) return none;
  const { scratch, args } = room(dtype, half(n) * Math.max(half(n), count), [
    Math.max(count, n),
    Math.max(count, n),
    half(n),
  ]);
  const flags = [s.unit, s.forward, s.rows].map(Number);
  return {
    scratch,
    calls: [
      copy(1, batch * n * count * byteSize(dtype)),
      {
        name: `triangular_solve_${shortName(dtype)}`,
        args: [batch, n, count, row, column, ...flags, { input: 0 }, { output: 0 }, ...args],
      },
    ],
  };
}

export function qrCalls(
  dtype: DType,
  batch: number,
  m: number,
  n: number,
  columns: number,
  onlyR: boolean,
): RuntimeCalls {
  if (batch * m * columns === 0) return none;
  const bytes = byteSize(dtype);
  const [k, wide] = [Math.min(m, n), Math.max(n, columns)];
  const sizes = [m * n, k * m, k, wide];
  // Blocks: T of each, VᵀV, VᵀM and T·VᵀM, and V.
  const inBlocks = k > qrBlock;
  if (inBlocks)
    sizes.push(...[Math.ceil(k / qrBlock) * qrBlock ** 2, qrBlock ** 2, qrBlock * wide, qrBlock * wide, m * qrBlock]);
  let scratch = 0;
  const places = sizes.map((size) => {
    const at = scratch;
    scratch += up(size * bytes);
    return { scratch: at };
  });
  const work = { scratch };
  const products: readonly (readonly [number, number, number])[] = [
    [qrBlock, qrBlock, m],
    [qrBlock, wide, m],
    [qrBlock, wide, qrBlock],
    [m, wide, qrBlock],
  ];
  if (inBlocks)
    scratch += Math.max(...products.map(([rows, across, depth]) => gemmScratchBytes(rows, across, depth, bytes)));
  const room = inBlocks ? [work] : [0, 0, 0, 0, 0, 0];
  const results = onlyR ? [0, { output: 0 }] : [{ output: 0 }, { output: 1 }];
  const args = [batch, m, n, columns, { input: 0 }, ...results, ...places, ...room];
  return { scratch, calls: [{ name: `qr_${shortName(dtype)}`, args }] };
}

/** Scratch memory for runs of so many float64, one after the other. */
function runs(sizes: readonly number[]): { scratch: number; places: { scratch: number }[] } {
  let scratch = 0;
  const places = sizes.map((size) => {
    const at = scratch;
    scratch += up(size * 8);
    return { scratch: at };
  });
  return { scratch, places };
}

/** Floats for what goes by blocks of reflections, of matrices of up to n rows and columns. */
function blocksFor(n: number): number {
  if (n < blockedFrom) return 0;
  const block = reflectionBlock;
  const products: readonly (readonly [number, number, number])[] = [
    [n, n, block],
    [n, block, n],
    [block, n, n],
    [n, 1, n],
    [block, block, n],
  ];
  const triangle = gemmPanelBytes(n, 2 * panelBlock, 8) + gemmRowsScratchBytes(triangleRows, 2 * panelBlock, 8);
  const work = products.map(([rows, across, depth]) => gemmScratchBytes(rows, across, depth, 8));
  return blockFloats(n) + Math.max(triangle, ...work) / 8;
}

export function eighCalls(
  dtype: DType,
  batch: number,
  n: number,
  { vectors, symmetrizeInput }: { readonly vectors: boolean; readonly symmetrizeInput: boolean },
): RuntimeCalls {
  if (batch * n === 0) return none;
  const blocks = blocksFor(n);
  const notes = vectors ? chainFloats(n) : 2 * n + 2;
  const room = vectors && n >= dividedFrom ? mergeFloats(n, 1) + gemmScratchBytes(n, n, n, 8) / 8 : 0;
  const sizes = [n * n, vectors ? n * n : 0, n, n, n, n, n, notes, blocks, room];
  const { scratch, places } = runs(sizes);
  const flags = [vectors ? n : 0, Number(symmetrizeInput)];
  const args = [batch, n, ...flags, { input: 0 }, { output: 0 }, vectors ? { output: 1 } : 0, ...places];
  return { scratch, calls: [{ name: `eigh_${shortName(dtype)}`, args }] };
}

export function svdCalls(
  dtype: DType,
  batch: number,
  m: number,
  n: number,
  computeUv: boolean,
  fullMatrices: boolean,
): RuntimeCalls {
  const [long, short] = [Math.max(m, n), Math.min(m, n)];
  const wanted = computeUv ? (fullMatrices ? long : short) : 0;
  // Without elements, the vectors of a full factor are the identity.
  if (batch * Math.max(short, wanted) === 0) return none;
  const rights = computeUv ? short : 0;
  const notes = wanted > 0 ? chainFloats(short) : 2 * short + 2;
  const blocks = short < blockedFrom ? 0 : blocksFor(long);
  const isDivided = wanted > 0 && short >= dividedFrom;
  const columns = short + 1;
  const room = isDivided ? mergeFloats(columns, 2) + gemmScratchBytes(columns, columns, columns, 8) / 8 : 0;
  const vectorSizes = [wanted * long, isDivided ? columns ** 2 : rights * short];
  const numbers = [short, short, 2 * short, short, Math.max(short, wanted)];
  const { scratch, places } = runs([m * n, m * n, ...vectorSizes, ...numbers, notes, notes, blocks, room]);
  const bytes = byteSize(dtype);
  const strides = m >= n ? [n * bytes, bytes] : [bytes, n * bytes];
  const [u, vt] = computeUv ? [{ output: 1 }, { output: 2 }] : [0, 0];
  const vectors = m >= n ? [u, vt] : [vt, u];
  const args = [batch, long, short, wanted, ...strides, { input: 0 }, { output: 0 }, ...vectors, ...places];
  return { scratch, calls: [{ name: `svd_${shortName(dtype)}`, args }] };
}

/** Room for the reflections of a step of QR, and for a block. */
const stepFloats = (windowSteps * reflectionBytes) / 8 + 16;

export function eigCalls(
  dtype: DType,
  batch: number,
  n: number,
  { left, right, balance }: { readonly left: boolean; readonly right: boolean; readonly balance: boolean },
): RuntimeCalls {
  if (batch * n === 0) return none;
  const vectors = left || right;
  const rows = n * n + n;
  const basis = vectors ? rows : 0;
  const products = vectors ? Math.max(gemmScratchBytes(productRows, n, n, 8), gemmScratchBytes(n, n, n, 8)) / 8 : 0;
  const numbers = [n, n, n, n, n, n, n, n, n, 2];
  const rest = [stepFloats, blocksFor(n), vectors ? n * n : 0, products];
  const { scratch, places } = runs([rows, n * n, basis, ...numbers, ...rest]);
  const flags = [balance, left, right].map(Number);
  const planes = (isThere: boolean, first: number) => (isThere ? [{ output: first }, { output: first + 1 }] : [0, 0]);
  const results = [...planes(true, 0), ...planes(left, 2), ...planes(right, left ? 4 : 2)];
  const args = [batch, n, ...flags, { input: 0 }, ...results, ...places];
  return { scratch, calls: [{ name: `eig_${shortName(dtype)}`, args }] };
}

export function schurCalls(dtype: DType, batch: number, n: number): RuntimeCalls {
  if (batch * n === 0) return none;
  const rows = n * n + n;
  const { scratch, places } = runs([rows, n * n, rows, n, n, n, n, n, stepFloats, blocksFor(n)]);
  const args = [batch, n, { input: 0 }, { output: 0 }, { output: 1 }, ...places];
  return { scratch, calls: [{ name: `schur_${shortName(dtype)}`, args }] };
}

export function hessenbergCalls(dtype: DType, batch: number, n: number): RuntimeCalls {
  if (batch * n === 0) return none;
  const rows = n * n + n;
  const { scratch, places } = runs([rows, n * n, n * n, n, n, n, blocksFor(n)]);
  const args = [batch, n, { input: 0 }, { output: 0 }, { output: 1 }, ...places];
  return { scratch, calls: [{ name: `hessenberg_${shortName(dtype)}`, args }] };
}

export function triangularRootCalls(dtype: DType, batch: number, n: number): RuntimeCalls {
  if (batch * n === 0) return none;
  const { scratch, places } = runs([n * n, n * n, n * n, n * n]);
  const args = [batch, n, { input: 0 }, { input: 1 }, { output: 0 }, { output: 1 }, ...places];
  return { scratch, calls: [{ name: `triangular_root_${shortName(dtype)}`, args }] };
}
