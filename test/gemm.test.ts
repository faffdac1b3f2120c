import t from 'tap';
import { Cell, heap } from '../jit/heap.ts';
import { gemmScratchBytes } from '../jit/runtime/gemm.ts';
import { runtimeExports } from '../jit/runtime/instance.ts';

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
