import { hash } from './hash.ts';
import { builtin, environment } from './node.ts';

/**
 * Compiled modules kept between runs of a program, so that the second run never loads binaryen. A file is its
 * module's bytes behind their hash: whatever does not match is not there. Files appear by renaming, so that any number
 * of processes may share the folder; every failure (no disk, no permission, no space) just means no cache.
 */
const limit = 128 * 2 ** 20;
const headerBytes = 32;

let folder: string | null | undefined;
let written = 0;

export function readCached(key: string): Uint8Array | undefined {
  const dir = cacheFolder();
  if (!dir) return undefined;
  try {
    const file = builtin('fs')!.readFileSync(builtin('path')!.join(dir, key));
    const header = file.toString('latin1', 0, headerBytes);
    const wasm = new Uint8Array(file.subarray(headerBytes));
    return hash(wasm) === header ? wasm : undefined;
  } catch {
    return undefined;
  }
}

export function writeCached(key: string, wasm: Uint8Array): void {
  const dir = cacheFolder();
  if (!dir) return;
  const fs = builtin('fs')!;
  const path = builtin('path')!;
  const temporary = path.join(dir, `${key}.${Math.random().toString(36).slice(2)}.tmp`);
  try {
    fs.writeFileSync(temporary, Buffer.concat([Buffer.from(hash(wasm), 'latin1'), wasm]), { mode: 0o600 });
    fs.renameSync(temporary, path.join(dir, key));
    // The folder is measured seldom: it may grow past the limit by what one process writes in between.
    if (written++ % 256 === 0) prune(dir);
  } catch {
    fs.rmSync(temporary, { force: true });
  }
}

/** The folder, made when missing; null where there is none. Only the user may read it: its code gets executed. */
function cacheFolder(): string | null {
  if (folder !== undefined) return folder;
  folder = null;
  const fs = builtin('fs');
  const os = builtin('os');
  const path = builtin('path');
  if (!fs || !os || !path || environment('COTANGENT_CACHE') === 'off') return folder;
  try {
    const uid = process.getuid?.();
    const xdg = environment('XDG_CACHE_HOME');
    const base = xdg
      ? path.join(xdg, 'cotangent')
      : path.join(os.tmpdir(), `cotangent-${uid ?? os.userInfo().username}`);
    const dir = environment('COTANGENT_CACHE_DIR') ?? base;
    fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
    const { uid: owner, mode } = fs.statSync(dir);
    if (uid === undefined || (owner === uid && (mode & 0o022) === 0)) folder = dir;
  } catch {
    // A read-only or missing disk.
  }
  return folder;
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
