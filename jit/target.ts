import type { Target } from './code.ts';
import { builtin, environment } from './node.ts';

/** What the user may ask of the compiler; read when a program is first compiled. */
export interface Options {
  /** Do without fused multiply-add, so that every engine computes the same bits. */
  deterministic: boolean;
  /** Make the one memory shared between threads. Fixed once the memory exists. */
  shared: boolean;
}

const options: Options = { deterministic: environment('COTANGENT_DETERMINISTIC') === '1', shared: false };
let current: Target | undefined;

export function configure(changes: Partial<Options>): void {
  Object.assign(options, changes);
  current = undefined;
}

/** The features to compile for: what the engine validates, less what the options rule out. */
export function target(): Target {
  if (!current) {
    const engine = probe();
    if (!engine.simd) throw new Error('Cotangent needs WebAssembly SIMD, which this JavaScript engine lacks');
    current = { fma: engine.relaxed && !options.deterministic, shared: options.shared };
  }
  return current;
}

/** Part of cache keys. */
export const targetName = (t: Target): string => `${t.fma ? 'fma' : 'plain'}${t.shared ? '-shared' : ''}`;

let probed: { readonly simd: boolean; readonly relaxed: boolean } | undefined;

function probe(): { readonly simd: boolean; readonly relaxed: boolean } {
  if (!probed) {
    const encodeU32 = lebEncoder();
    const validates = (body: readonly number[]): boolean =>
      WebAssembly.validate(new Uint8Array(skeleton(encodeU32, body)));
    probed = {
      simd: validates([...zero, ...zero, 0xfd, 0xe4, 0x01]),
      relaxed: validates([...zero, ...zero, ...zero, 0xfd, 0x85, 0x02]),
    };
  }
  return probed;
}

/** `i32.const 0; f32x4.splat` by way of i32x4.splat: a vector to feed to the instruction under test. */
const zero = [0x41, 0x00, 0xfd, 0x11];

/** A module with one function `[] → v128`: header, type, function and code section around the instructions. */
function skeleton(encodeU32: (n: number) => number[], instructions: readonly number[]): number[] {
  const section = (id: number, content: readonly number[]): number[] => [id, ...encodeU32(content.length), ...content];
  const body = [0x00, ...instructions, 0x0b];
  const v128 = 0x7b;
  return [
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [0x01, 0x60, 0x00, 0x01, v128]),
    ...section(3, [0x01, 0x00]),
    ...section(10, [0x01, ...encodeU32(body.length), ...body]),
  ];
}

/** wasm-gen's LEB128 on Node, where it can be required; in browsers the few lines it would take. */
function lebEncoder(): (n: number) => number[] {
  try {
    const require = builtin('module')?.createRequire(import.meta.url);
    if (require) return (require('@webassemblyjs/wasm-gen') as { encodeU32: (n: number) => number[] }).encodeU32;
  } catch {
    // Bundled without its dependencies: the fallback does as well.
  }
  return (n) => {
    const bytes: number[] = [];
    for (; n >= 128; n >>>= 7) bytes.push((n & 127) | 128);
    return [...bytes, n];
  };
}
