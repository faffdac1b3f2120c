/**
 * Part of the build: what `import` loads, in few files. Engines spend about half a millisecond on each module file, which
 * makes 130 ms of two hundred. Tests and examples inside the repository import the same files unbundled.
 */
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const dist = fileURLToPath(new URL('../', import.meta.url));
const outdir = `${dist}bundle`;

rmSync(outdir, { recursive: true, force: true });
await build({
  entryPoints: {
    index: `${dist}src/index.js`,
    numpy: `${dist}src/numpy/index.js`,
    lax: `${dist}src/lax/index.js`,
    'linear-solve': `${dist}src/linear-solve/index.js`,
    optimizers: `${dist}src/optimizers/index.js`,
    safetensors: `${dist}src/safetensors/index.js`,
    primitives: `${dist}src/primitives.js`,
    solvers: `${dist}src/solvers/index.js`,
    tree: `${dist}src/tree.js`,
    'compile-worker': `${dist}jit/compile-worker.js`,
  },
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  platform: 'neutral',
  external: ['binaryen', 'acorn', '@webassemblyjs/wasm-gen', 'node:*'],
  minifyWhitespace: true,
  sourcemap: true,
  sourcesContent: false,
});
