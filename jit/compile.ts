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
  /** Modules that were assembled. */
  readonly compiled: number;
  readonly memoryHits: number;
  readonly diskHits: number;
  /** Time spent finding or making modules. */
  readonly milliseconds: number;
}

const stats = { compiled: 0, memoryHits: 0, diskHits: 0, milliseconds: 0 };
const modules = new Recent<string, WebAssembly.Module>(256);
const validate = environment('COTANGENT_VALIDATE') === '1';

export const compileStats = (): CompileStats => ({ ...stats });

/** Compiles now: from memory, from disk, or by assembling. */
export const compile = (module: CodeModule): WebAssembly.Module => compileEncoded(encode(module));

export function compileEncoded(code: Uint8Array): WebAssembly.Module {
  const start = performance.now();
  try {
    return find(code);
  } finally {
    stats.milliseconds += performance.now() - start;
  }
}

function find(code: Uint8Array): WebAssembly.Module {
  const to = target();
  const key = `${hash(code)}-${assemblerVersion}-${emitterVersion}-${binaryenVersion}-${targetName(to)}`;
  const known = modules.get(key);
  if (known) {
    stats.memoryHits++;
    return known;
  }
  const cached = readCached(key);
  const wasm = cached ?? assemble(takeModule(code), to);
  if (validate && !cached && hasBinaryen()) verifyAssembled(code, to, wasm);
  const module = new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>);
  modules.set(key, module);
  if (cached) {
    stats.diskHits++;
  } else {
    stats.compiled++;
    writeCached(key, wasm);
    noteForBinaryen(key, code, to);
  }
  return module;
}
