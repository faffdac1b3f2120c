/** How long a fresh process takes: to import the library, and to its first compiled result with a warm disk cache. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const root = new URL('../../', import.meta.url);

const script = `
let compilers = 0;
process.on('worker', () => compilers++);
const start = performance.now();
const { jit, np } = await import('cotangent');
const imported = performance.now() - start;
const f = jit((x) => np.sum(x.mul(x).add(1)));
const value = f(np.arange(100).astype('float32')).item();
const first = performance.now() - start;
await new Promise(setImmediate);
console.log(JSON.stringify({ imported, first, value, compilers }));
`;

export interface Startup {
  readonly imported: number;
  readonly first: number;
  /** Compiler threads that were started. */
  readonly compilers: number;
}

export function startup(): { readonly cold: Startup; readonly warm: Startup } {
  const cache = mkdtempSync(path.join(os.tmpdir(), 'cotangent-bench-'));
  const run = (): Startup => {
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: root,
      env: { ...process.env, COTANGENT_CACHE_DIR: cache },
      encoding: 'utf8',
    });
    if (!stdout) throw new Error(stderr);
    return JSON.parse(stdout);
  };
  try {
    const cold = run();
    const runs = [run(), run(), run()].sort((a, b) => a.first - b.first);
    return { cold, warm: runs[1]! };
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
}
