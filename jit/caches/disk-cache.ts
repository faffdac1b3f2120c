import { builtin } from '../node.ts';
import { cacheFolder, keep, readKept } from './cache-folder.ts';
import { hash } from './hash.ts';

/**
 * Compiled modules kept between runs of a program, so that the second run need not assemble them. A file is its
 * module's bytes behind their checksum: whatever does not match is not there.
 */
const limit = 128 * 2 ** 20;
const headerBytes = 32;
const aDay = 86_400_000;
const manyWrites = 1000;
const manyBytes = 2 ** 20;

/** What will be written once nobody waits for a result: when the job that runs is over, at the latest with the process. */
const pending = new Map<string, Uint8Array>();
let pendingBytes = 0;
/** How many files this process wrote. */
let kept = 0;
let endsWithFlush = false;

export function readCached(key: string): Uint8Array | undefined {
  const waiting = pending.get(key);
  if (waiting) return waiting;
  const file = readKept(key);
  if (!file) return undefined;
  const wasm = new Uint8Array(file.subarray(headerBytes));
  return checksum(wasm) === file.toString('latin1', 0, headerBytes) ? wasm : undefined;
}

/** Node's own where there is one: a process' first hashes take half a millisecond for 16 kB. */
function checksum(bytes: Uint8Array): string {
  const zlib = builtin('zlib');
  return zlib?.crc32 ? zlib.crc32(bytes).toString(16).padStart(headerBytes, '0') : hash(bytes);
}

export function writeCached(key: string, wasm: Uint8Array): void {
  if (!cacheFolder()) return;
  // Node's own, since a global one may be a mock.
  if (pending.size === 0) builtin('timers')!.setImmediate(flush).unref();
  pending.set(key, wasm);
  pendingBytes += wasm.length;
  if (pendingBytes > manyBytes) flush();
  if (endsWithFlush) return;
  endsWithFlush = true;
  process.once('exit', () => {
    flush();
    // Looking at every file takes a tenth of a second where there are thousands: seldom while somebody waits for a program.
    pruneAfter(aDay);
  });
}

function flush(): void {
  for (const [key, wasm] of pending) {
    keep(key, Buffer.concat([Buffer.from(checksum(wasm), 'latin1'), wasm]));
    if (++kept % manyWrites === 0) pruneAfter(0);
  }
  pending.clear();
  pendingBytes = 0;
}

/** Prunes if that was not done for so long. The folder may grow past the limit by what is written in between. */
function pruneAfter(milliseconds: number): void {
  const dir = cacheFolder()!;
  const fs = builtin('fs')!;
  const mark = builtin('path')!.join(dir, 'pruned');
  try {
    const last = fs.statSync(mark, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (Date.now() - last < milliseconds) return;
    fs.writeFileSync(mark, '', { mode: 0o600 });
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
