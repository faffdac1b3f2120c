import t from 'tap';
import { compile } from '../jit/compile.ts';
import type { Product } from '../jit/lower/products/dot-code.ts';
import { gemvKernel, matrixVector } from '../jit/lower/products/gemv-code.ts';
import { productKernel, productScratchBytes } from '../jit/lower/products/product-code.ts';
import { gemmScratchBytes } from '../jit/runtime/gemm.ts';
import { gemmPanelBytes, gemmRowsScratchBytes } from '../jit/runtime/gemm-rows.ts';
import { runtimeExports } from '../jit/runtime/instance.ts';
import { panelStride } from '../jit/runtime/pack.ts';
import { Cell } from '../jit/storage/cell.ts';
import { heap } from '../jit/storage/heap.ts';
import { target } from '../jit/target.ts';
import type { Func, Target } from '../jit/wasm/code.ts';

const runtime = runtimeExports() as Record<string, (...args: number[]) => void>;
const room = (bytes: number): number => heap().pin(Cell.inHeap('bool', bytes + 128));

type Floats = Float32Array | Float64Array;
const layouts = [
  { name: 'rows', strides: (_rows: number, columns: number): [number, number] => [columns, 1] },
  { name: 'columns', strides: (rows: number): [number, number] => [1, rows] },
  { name: 'every other', strides: (_rows: number, columns: number): [number, number] => [2 * columns, 2] },
];

/** Whether gemm agrees with the definition, each element to within rounding, and writes nowhere else. */
function agrees(type: 'f32' | 'f64', [m, n, k]: number[], la: number, lb: number, accumulate: number): boolean {
  const bytes = type === 'f32' ? 4 : 8;
  const epsilon = type === 'f32' ? 2 ** -23 : 2 ** -52;
  const [aRow, aCol] = layouts[la]!.strides(m!, k!);
  const [bRow, bCol] = layouts[lb]!.strides(k!, n!);
  const cRow = n! + 3;
  const scratchBytes = gemmScratchBytes(m!, n!, k!, bytes);
  const sizes = [2 * m! * k! * bytes, 2 * k! * n! * bytes, m! * cRow * bytes, scratchBytes];
  const [a, b, c, scratch] = sizes.map(room) as [number, number, number, number];
  const view = (address: number, length: number): Floats =>
    type === 'f32'
      ? new Float32Array(heap().memory.buffer, address, length)
      : new Float64Array(heap().memory.buffer, address, length);
  const [A, B, C] = [view(a, 2 * m! * k!), view(b, 2 * k! * n!), view(c, m! * cRow)];
  let state = 7;
  for (const x of [A, B, C])
    for (let i = 0; i < x.length; i++) x[i] = (state = (state * 48271) % 2147483647) / 2 ** 31 - 0.5;
  const before = C.slice();
  const guard = new Uint8Array(heap().memory.buffer, scratch + scratchBytes, 64).fill(77);
  runtime[`gemm_${type}`]!(m!, n!, k!, a, aRow, aCol, b, bRow, bCol, c, cRow, accumulate, scratch);
  heap().unpin(0);
  if (guard.some((x) => x !== 77)) return false;
  for (let i = 0; i < m!; i++) {
    for (let j = 0; j < cRow; j++) {
      const old = before[i * cRow + j]!;
      let sum = j >= n! || accumulate ? old : 0;
      let size = Math.abs(sum);
      for (let p = 0; j < n! && p < k!; p++) {
        const product = A[i * aRow + p * aCol]! * B[p * bRow + j * bCol]!;
        sum += product;
        size += Math.abs(product);
      }
      if (!(Math.abs(C[i * cRow + j]! - sum) <= 16 * epsilon * size)) return false;
    }
  }
  return true;
}

for (const type of ['f32', 'f64'] as const) {
  t.test(`gemm_${type}`, async (t) => {
    const sizes = [0, 1, 3, 4, 5, 17, 33, 100];
    for (const m of sizes)
      for (const n of sizes) {
        const wrong: string[] = [];
        for (const k of sizes)
          for (const la of [0, 1, 2])
            for (const lb of [0, 1, 2])
              for (const accumulate of [0, 1])
                if (!agrees(type, [m, n, k], la, lb, accumulate))
                  wrong.push(`k = ${k}, ${layouts[la]!.name} · ${layouts[lb]!.name}, accumulate ${accumulate}`);
        t.same(wrong, [], `${m}×${n}`);
      }
    // Past every block size, packed and in place.
    for (const size of [
      [70, 300, 600],
      [200, 520, 260],
      [5, 300, 600],
      [1, 2100, 300],
      [2100, 1, 300],
    ])
      for (const la of [0, 1, 2]) for (const lb of [0, 1]) t.ok(agrees(type, size, la, lb, 1), `${size}, ${la}, ${lb}`);
  });
}

t.test('rows of a product with a packed matrix', async (t) => {
  for (const [type, bytes] of [
    ['f32', 4],
    ['f64', 8],
  ] as const)
    for (const [m, n, k] of [
      [1, 1, 1],
      [7, 33, 600],
      [48, 8, 512],
      [50, 70, 1100],
      [250, 9, 30],
    ] as const)
      for (const { name, strides } of layouts) {
        const [aRow, aCol] = strides(m, k);
        const [bRow, bCol] = strides(k, n);
        const [panelBytes, scratchBytes] = [gemmPanelBytes(n, k, bytes), gemmRowsScratchBytes(m, k, bytes)];
        const wholeBytes = gemmScratchBytes(m, n, k, bytes);
        const places = [2 * m * k * bytes, 2 * k * n * bytes, m * n * bytes, m * n * bytes];
        const [a, b, c, d, panels, scratch, whole] = [...places, panelBytes, scratchBytes, wholeBytes].map(room) as [
          number,
          number,
          number,
          number,
          number,
          number,
          number,
        ];
        const { buffer } = heap().memory;
        const view = (address: number, length: number): Floats =>
          type === 'f32' ? new Float32Array(buffer, address, length) : new Float64Array(buffer, address, length);
        for (const x of [view(a, 2 * m * k), view(b, 2 * k * n)])
          for (let i = 0; i < x.length; i++) x[i] = ((i * 7919) % 33) - 16;
        const guards = [
          [panels, panelBytes],
          [scratch, scratchBytes],
        ].map(([at, length]) => new Uint8Array(buffer, at! + length!, 64).fill(77));
        runtime[`gemm_${type}`]!(m, n, k, a, aRow, aCol, b, bRow, bCol, c, n, 0, whole);
        runtime[`gemm_pack_${type}`]!(n, k, b, bRow, bCol, panels);
        runtime[`gemm_rows_${type}`]!(m, n, k, a, aRow, aCol, panels, panelStride(k), d, n, 0, scratch);
        // Integers so small that every sum is exact.
        t.same(view(d, m * n), view(c, m * n), `${type} ${m}×${n}×${k}, ${name}`);
        t.ok(guards.every((guard) => guard.every((x) => x === 77)));
        heap().unpin(0);
      }
});

const sizes = [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31, 33, 64, 65, 130];
/** Every size as m, n and k, each beside small and large others. */
const shapes = sizes.flatMap((size, i) => [
  [size, sizes[(4 * i + 1) % 15]!, sizes[(7 * i + 3) % 15]!],
  [sizes[(7 * i + 5) % 15]!, size, sizes[(2 * i + 8) % 15]!],
  [sizes[(2 * i + 11) % 15]!, sizes[(8 * i + 2) % 15]!, size],
]);

/** The product of a shape with each operand by rows or by columns, or with B in every other place of its columns. */
const productsOf = ([m, n, k]: number[]): Product[] =>
  [0, 1].flatMap((la) =>
    [0, 1, 2].map((lb): Product => {
      const lhs = la === 0 ? { row: k!, column: 1 } : { row: 1, column: m! };
      const rhs = [
        { row: n!, column: 1 },
        { row: 1, column: k! },
        { row: 2, column: 2 * k! },
      ][lb]!;
      return {
        m: m!,
        n: n!,
        k: k!,
        lhs,
        rhs,
        outRow: n!,
        batch: [],
        sums: [],
        onto: false,
        inParts: false,
        alongSums: false,
      };
    }),
  );

t.test('code made for a size', async (t) => {
  const targets: Target[] = [{ ...target(), fma: false }, ...(target().fma ? [target()] : [])];
  for (const dtype of ['float32', 'float64'] as const) {
    const [Type, epsilon] = dtype === 'float32' ? [Float32Array, 2 ** -23] : ([Float64Array, 2 ** -52] as const);
    const products = shapes.flatMap(productsOf);
    for (const to of targets) {
      const kernels = products.map((p): { p: Product; func: Func; swapped: boolean } => {
        const vector = matrixVector(p);
        const func = vector ? gemvKernel(vector, dtype, to) : productKernel(p, dtype, to);
        return { p, func, swapped: vector?.swapped ?? false };
      });
      const functions = kernels.map(({ func }, i) => ({ ...func, name: `f${i}`, exported: true }));
      const instance = new WebAssembly.Instance(compile({ imports: [], functions }), {
        env: { memory: heap().memory },
      });
      const wrong: string[] = [];
      kernels.forEach(({ p, swapped }, index) => {
        const { m, n, k, lhs, rhs } = p;
        const bytes = Type.BYTES_PER_ELEMENT;
        const scratchBytes = productScratchBytes(p, dtype);
        const [a, b, c] = [m * k, 2 * k * n, m * n + 8].map((length) => room(length * bytes)) as [
          number,
          number,
          number,
        ];
        const scratch = room(scratchBytes);
        const view = (address: number, length: number): Floats => new Type(heap().memory.buffer, address, length);
        const [A, B, C] = [view(a, m * k), view(b, 2 * k * n), view(c, m * n + 8)];
        A.forEach((_, i) => {
          A[i] = Math.sin(i + m);
        });
        B.forEach((_, i) => {
          B[i] = Math.cos(3 * i + n);
        });
        C.fill(77);
        const guard = new Uint8Array(heap().memory.buffer, scratch + scratchBytes, 64).fill(77);
        (instance.exports[`f${index}`] as (...args: number[]) => void)(...(swapped ? [b, a] : [a, b]), c, scratch);
        let fine = guard.every((x) => x === 77) && C.subarray(m * n).every((x) => x === 77);
        for (let i = 0; i < m; i++)
          for (let j = 0; j < n; j++) {
            let [sum, size] = [0, 0];
            for (let q = 0; q < k; q++) {
              const product = A[i * lhs.row + q * lhs.column]! * B[q * rhs.row + j * rhs.column]!;
              sum += product;
              size += Math.abs(product);
            }
            fine &&= Math.abs(C[i * n + j]! - sum) <= 16 * epsilon * size;
          }
        heap().unpin(0);
        if (!fine) wrong.push(`${m}×${k} · ${k}×${n}, strides ${JSON.stringify([lhs, rhs])}`);
      });
      t.same(wrong, [], `${products.length} products, ${dtype}${to.fma ? ', fused' : ''}`);
    }
  }
});

t.test('fill and copy', async (t) => {
  const at = room(400_000);
  runtime.fill_1!(at, 100, 1);
  t.ok(new Uint8Array(heap().memory.buffer, at, 100).every((x) => x === 1));
  runtime.fill_4!(at, 10_001, -5);
  const ints = new Int32Array(heap().memory.buffer, at, 10_002);
  t.ok(ints.subarray(0, 10_001).every((x) => x === -5) && ints[10_001] !== -5);
  runtime.fill_8!(at, 4099, -0.5);
  t.ok(new Float64Array(heap().memory.buffer, at, 4099).every((x) => x === -0.5));
  for (const [bytes, Type] of [
    [1, Uint8Array],
    [4, Int32Array],
    [8, Float64Array],
  ] as const) {
    const [from, to] = [room(20_000), room(20_000)];
    const source = new Type(heap().memory.buffer, from, 600).map((_, i) => i % 251);
    new Type(heap().memory.buffer, from, 600).set(source as never);
    const target = new Type(heap().memory.buffer, to, 600);
    runtime[`copy_${bytes}`]!(20, 30, to, 30, 1, from, 1, 20);
    t.ok(
      target.every((x, i) => x === source[(i % 30) * 20 + Math.floor(i / 30)]),
      `transpose, ${bytes} bytes`,
    );
    runtime[`copy_${bytes}`]!(20, 30, to, 30, 1, from, 0, 1);
    t.ok(
      target.every((x, i) => x === source[i % 30]),
      `broadcast, ${bytes} bytes`,
    );
  }
  heap().unpin(0);
});
