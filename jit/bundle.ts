/**
 * Part of the build: what `import` loads, in two files. Engines spend about half a millisecond on each module file, which
 * makes 130 ms of two hundred. Everything stands in `core.js`, under names that cannot meet; each entry point exports
 * its part under the public names. Tests and examples inside the repository import the same files unbundled.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type BuildOptions, build } from 'esbuild';

const dist = fileURLToPath(new URL('../', import.meta.url));
const outdir = `${dist}bundle`;

const entries: Readonly<Record<string, string>> = {
  index: `${dist}src/index.js`,
  numpy: `${dist}src/numpy/index.js`,
  lax: `${dist}src/lax/index.js`,
  'linear-solve': `${dist}src/linear-solve/index.js`,
  optimizers: `${dist}src/optimizers/index.js`,
  safetensors: `${dist}src/safetensors/index.js`,
  primitives: `${dist}src/primitives.js`,
  solvers: `${dist}src/solvers/index.js`,
  tree: `${dist}src/tree.js`,
};

const options: BuildOptions = {
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  platform: 'neutral',
  external: ['binaryen', 'acorn', 'node:*'],
  minifyWhitespace: true,
  sourcemap: true,
  sourcesContent: false,
};

rmSync(outdir, { recursive: true, force: true });
const exported: string[] = [];
const facades: [file: string, text: string][] = [];
for (const [entry, file] of Object.entries(entries)) {
  const names = Object.keys(await import(pathToFileURL(file).href));
  const inner = (name: string): string => `${entry.replace('-', '_')}$${name}`;
  exported.push(
    `export { ${names.map((name) => `${name} as ${inner(name)}`).join(', ')} } from ${JSON.stringify(file)};`,
  );
  const list = names.map((name) => `${inner(name)} as ${name}`).join(', ');
  facades.push([`${outdir}/${entry}.js`, `export { ${list} } from './core.js';\n`]);
}
await build({
  ...options,
  stdin: { contents: exported.join('\n'), resolveDir: dist, sourcefile: 'core.js' },
  entryNames: 'core',
});
for (const worker of ['compile-worker', 'thread-worker'])
  await build({ ...options, entryPoints: { [worker]: `${dist}jit/${worker}.js` }, splitting: false });
for (const [file, text] of facades) writeFileSync(file, text);
