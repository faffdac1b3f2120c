import { builtin } from '../node.ts';
import { cacheFolder, keep, readKept } from './cache-folder.ts';
import { hash } from './hash.ts';

/**
 * Compiled modules kept between runs of a program, so that the second run need not assemble them. A file is its
 * module's bytes behind their hash: whatever does not match is not there.
 */
const limit = 128 * 2 ** 20;
const headerBytes = 32;

let written = 0;

export function readCached(key: string): Uint8Array | undefined {
  const file = readKept(key);
  if (!file) return undefined;
  const wasm = new Uint8Array(file.subarray(headerBytes));
  return hash(wasm) === file.toString('latin1', 0, headerBytes) ? wasm : undefined;
}

export function writeCached(key: string, wasm: Uint8Array): void {
  const dir = cacheFolder();
  if (!dir) return;
  keep(key, Buffer.concat([Buffer.from(hash(wasm), 'latin1'), wasm]));
  // The folder is measured seldom: it may grow past the limit by what one process writes in between.
  if (written++ % 256 > 0) return;
  try {
    prune(dir);
  } catch {
    // Another process' pruning, or a folder that went away.
  }
}

/** Removes the files used longest ago until the folder is half full, and what interrupted writers left behind. */
function prune(dir: string): void {
  const fs = builtin('fs')!;
  const path = builtin('path')!;
  const files = fs.readdirSync(dir).flatMap((name) => {
    const file = path.join(dir, name);
    const stat = fs.statSync(file, { throwIfNoEntry: false });
    return stat?.isFile() ? [{ file, size: stat.size, used: Math.max(stat.atimeMs, stat.mtimeMs) }] : [];
  });
  const anHourAgo = Date.now() - 3_600_000;
  for (const { file, used } of files) if (file.endsWith('.tmp') && used < anHourAgo) fs.rmSync(file, { force: true });
  let total = files.reduce((sum, f) => sum + f.size, 0);
  if (total <= limit) return;
  files.sort((a, b) => a.used - b.used);
  for (const { file, size } of files) {
    if (total <= limit / 2) break;
    fs.rmSync(file, { force: true });
    total -= size;
  }
}
