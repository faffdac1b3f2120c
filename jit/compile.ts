import { readCached, writeCached } from './caches/disk-cache.ts';
import { hash } from './caches/hash.ts';
import { noteForBinaryen } from './caches/hot.ts';
import { Recent } from './caches/recent.ts';
import { environment } from './node.ts';
import { target, targetName } from './target.ts';
import { assemble } from './wasm/assemble.ts';
import { hasBinaryen, verifyAssembled } from './wasm/binaryen-thread.ts';
import type { CodeModule } from './wasm/code.ts';
import { assemblerVersion, binaryenVersion, emitterVersion } from './wasm/versions.ts';
import { encode } from './wasm/wire.ts';

export interface CompileStats {
  /** Programs that were lowered; others were known, here or on disk. */
  readonly lowered: number;
  /** Modules that the engine compiled as they were assembled. */
  readonly compiled: number;
  readonly memoryHits: number;
  readonly diskHits: number;
}

const stats = { lowered: 0, compiled: 0, memoryHits: 0, diskHits: 0 };
const modules = new Recent<string, WebAssembly.Module>(256);
const validate = environment('COTANGENT_VALIDATE') === '1';
const verified = new Set<string>();

export const compileStats = (): CompileStats => ({ ...stats });

export function countLowered(): void {
  stats.lowered++;
}

/** Compiles a code module. */
export const compile = (module: CodeModule): WebAssembly.Module => compileAssembled(assembled(module));

/** The bytes of a WebAssembly module; with `COTANGENT_VALIDATE=1` checked by binaryen. */
export function assembled(module: CodeModule): Uint8Array {
  const to = target();
  const wasm = assemble(module, to);
  if (validate && hasBinaryen() && !verified.has(moduleKey(wasm))) {
    verifyAssembled(encode(module), to, wasm);
    verified.add(moduleKey(wasm));
  }
  return wasm;
}

/** What a module is kept under, in whatever way it was optimised. */
export const moduleKey = (wasm: Uint8Array): string =>
  `${hash(wasm)}-${assemblerVersion}-${emitterVersion}-${binaryenVersion}-${targetName(target())}`;

/** A module from memory or from disk. */
export function keptModule(key: string): WebAssembly.Module | undefined {
  const known = modules.get(key);
  if (known) {
    stats.memoryHits++;
    return known;
  }
  const wasm = readCached(key);
  if (!wasm) return undefined;
  const module = new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>);
  modules.set(key, module);
  stats.diskHits++;
  return module;
}

/** Compiles now: from memory, from disk, or what is given. */
export function compileAssembled(wasm: Uint8Array, key: string = moduleKey(wasm)): WebAssembly.Module {
  const known = keptModule(key);
  if (known) return known;
  const module = new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>);
  modules.set(key, module);
  stats.compiled++;
  writeCached(key, wasm);
  noteForBinaryen(key, wasm, target());
  return module;
}
