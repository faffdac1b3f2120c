import { builtin, environment } from '../node.ts';

/** The folder of everything that is kept between runs, whatever wrote it. Any number of processes share it. */
let folder: string | null | undefined;

/** Made when missing; null where there is none. Only the user may write to it: what lies there gets executed. */
export function cacheFolder(): string | null {
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

/** A file's bytes; undefined where it cannot be read. */
export function readKept(name: string): Buffer | undefined {
  const dir = cacheFolder();
  if (!dir) return undefined;
  const fs = builtin('fs')!;
  const file = builtin('path')!.join(dir, name);
  try {
    // Most are not there while programs are new, and an exception takes longer than a look.
    return fs.existsSync(file) ? fs.readFileSync(file) : undefined;
  } catch {
    return undefined;
  }
}

/** Writes a file, which appears whole, by renaming, or not at all. Every failure just means that nothing is kept. */
export function keep(name: string, bytes: Uint8Array): void {
  const dir = cacheFolder();
  if (!dir) return;
  const fs = builtin('fs')!;
  const path = builtin('path')!;
  const temporary = path.join(dir, `${name}.${Math.random().toString(36).slice(2)}.tmp`);
  try {
    fs.writeFileSync(temporary, bytes, { mode: 0o600 });
    fs.renameSync(temporary, path.join(dir, name));
  } catch {
    fs.rmSync(temporary, { force: true });
  }
}
