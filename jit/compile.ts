import type { CodeModule } from './code.ts';
import { produce } from './compiler.ts';
import { readCached, writeCached } from './disk-cache.ts';
import { binaryenVersion, emitterVersion } from './emit.ts';
import { hash } from './hash.ts';
import { Recent } from './recent.ts';
import { target, targetName } from './target.ts';
import { encode } from './wire.ts';

export { loadCompiler, prepareCompiler } from './compiler.ts';

export interface CompileStats {
  /** Modules that binaryen made. */
  readonly compiled: number;
  readonly memoryHits: number;
  readonly diskHits: number;
  /** Time spent finding or making modules. */
  readonly milliseconds: number;
}

const stats = { compiled: 0, memoryHits: 0, diskHits: 0, milliseconds: 0 };
const modules = new Recent<string, WebAssembly.Module>(256);

export const compileStats = (): CompileStats => ({ ...stats });

/** Compiles now, on this thread's time: from memory, from disk, or by binaryen. */
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
  const key = `${hash(code)}-${emitterVersion}-${binaryenVersion}-${targetName(to)}`;
  const known = modules.get(key);
  if (known) {
    stats.memoryHits++;
    return known;
  }
  const cached = readCached(key);
  const wasm = cached ?? produce(code, to);
  const module = new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>);
  modules.set(key, module);
  if (cached) {
    stats.diskHits++;
  } else {
    stats.compiled++;
    writeCached(key, wasm);
  }
  return module;
}
