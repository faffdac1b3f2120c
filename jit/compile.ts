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
import { encode, takeModule } from './wasm/wire.ts';

export interface CompileStats {
  /** Programs that were lowered; others were known, here or on disk. */
  readonly lowered: number;
  /** Modules that were assembled. */
  readonly compiled: number;
  readonly memoryHits: number;
  readonly diskHits: number;
}

const stats = { lowered: 0, compiled: 0, memoryHits: 0, diskHits: 0 };
const modules = new Recent<string, WebAssembly.Module>(256);
const validate = environment('COTANGENT_VALIDATE') === '1';

export const compileStats = (): CompileStats => ({ ...stats });

export function countLowered(): void {
  stats.lowered++;
}

/** Compiles now: from memory, from disk, or by assembling. */
export const compile = (module: CodeModule): WebAssembly.Module => compileEncoded(encode(module));

/** What a module of this code is kept under. */
export const moduleKey = (code: Uint8Array): string =>
  `${hash(code)}-${assemblerVersion}-${emitterVersion}-${binaryenVersion}-${targetName(target())}`;

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

/** Compiles encoded code now. */
export function compileEncoded(code: Uint8Array): WebAssembly.Module {
  const to = target();
  const key = moduleKey(code);
  const known = keptModule(key);
  if (known) return known;
  const wasm = assemble(takeModule(code), to);
  if (validate && hasBinaryen()) verifyAssembled(code, to, wasm);
  const module = new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>);
  modules.set(key, module);
  stats.compiled++;
  writeCached(key, wasm);
  noteForBinaryen(key, code, to);
  return module;
}
