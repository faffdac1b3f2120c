/**
 * Part of the build: what `import` loads, in two files. Engines spend about half a millisecond on each module file, which
 * makes 130 ms of two hundred. Everything stands in `core.js`, under names that cannot meet; each entry point exports
 * its part under the public names. Tests and examples inside the repository import the same files unbundled.
 */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type BuildOptions, build, type Plugin, transform } from 'esbuild';

const dist = fileURLToPath(new URL('../../', import.meta.url));
const outdir = `${dist}bundle`;

const entries: Readonly<Record<string, string>> = {
  index: `${dist}src/index.js`,
  numpy: `${dist}src/numpy/index.js`,
  lax: `${dist}src/lax/index.js`,
  'linear-solve': `${dist}src/linear-solve/index.js`,
  npy: `${dist}src/npy/index.js`,
  optimizers: `${dist}src/optimizers/index.js`,
  safetensors: `${dist}src/safetensors/index.js`,
  primitives: `${dist}src/primitives.js`,
  solvers: `${dist}src/solvers/index.js`,
  tree: `${dist}src/tree.js`,
};

/** A hash of all that is bundled: what lowered programs are kept under. */
function buildId(): string {
  const id = createHash('sha256');
  for (const folder of ['jit', 'src', 'transforms'])
    for (const name of readdirSync(dist + folder, { recursive: true, encoding: 'utf8' }).sort())
      if (name.endsWith('.js')) id.update(readFileSync(`${dist}${folder}/${name}`));
  return id.digest('hex').slice(0, 16);
}

const shared: BuildOptions = {
  bundle: true,
  define: { buildId: JSON.stringify(buildId()) },
  target: 'es2022',
  minifyWhitespace: true,
  sourcemap: true,
  sourcesContent: false,
};
const modules: BuildOptions = {
  ...shared,
  outdir,
  splitting: true,
  format: 'esm',
  platform: 'neutral',
  external: ['binaryen', 'acorn', 'node:*'],
};

rmSync(outdir, { recursive: true, force: true });
mkdirSync(`${outdir}/node`, { recursive: true });
/** One line an entry point: its names, under names that no other has. */
const exported: string[] = [];
const imported: string[] = [];
const inScript: string[] = [];
for (const [entry, file] of Object.entries(entries)) {
  const names = Object.keys(await import(pathToFileURL(file).href));
  const inner = names.map((name) => `${entry.replace('-', '_')}$${name}`);
  const outer = names.map((name, i) => `${name} as ${inner[i]}`).join(', ');
  const list = names.map((name, i) => `${inner[i]} as ${name}`).join(', ');
  exported.push(`export { ${outer} } from '${file}';`);
  imported.push(`import { ${outer} } from '${file}';`);
  inScript.push(...inner);
  writeFileSync(`${outdir}/${entry}.js`, `export { ${list} } from './core.js';\n`);
  // `var` is a name that can be exported but not declared.
  const forNode = `import { core } from './core.js';\nconst { ${inner.join(', ')} } = core;\nexport { ${list} };\n`;
  writeFileSync(`${outdir}/node/${entry}.js`, forNode);
}

await build({
  ...modules,
  stdin: { contents: exported.join('\n'), resolveDir: dist, sourcefile: 'core.js' },
  entryNames: 'core',
});
for (const worker of ['wasm/binaryen-worker', 'threads/thread-worker'])
  await build({ ...modules, entryPoints: [`${dist}jit/${worker}.js`], splitting: false });

/** What the modules do with `import.meta` and `createRequire`, in the terms of a script. What is loaded later stays files. */
const asScript: Plugin = {
  name: 'as a script',
  setup(build) {
    build.onResolve({ filter: /^/ }, ({ path, kind, resolveDir }) => {
      if (kind !== 'dynamic-import') return undefined;
      const isFile = path.startsWith('.');
      return { path: isFile ? posix.join('..', resolveDir.slice(dist.length), path) : path, external: true };
    });
    // Nothing in a message comes from acorn: its names may be short.
    build.onLoad({ filter: /\/acorn\/dist\/acorn\.js$/ }, async ({ path }) => ({
      contents: (await transform(readFileSync(path, 'utf8'), { minify: true, target: 'es2022' })).code,
    }));
    build.onLoad({ filter: /\/src\/syntax\/acorn\.js$/ }, () => ({
      contents: `export const requireParse = () => require('acorn').parse;`,
      resolveDir: dist,
    }));
  },
};
const script = `${outdir}/core.cjs`;
await build({
  ...shared,
  outfile: script,
  format: 'cjs',
  platform: 'node',
  stdin: {
    // Not `export`: getters for a thousand names take 6 ms to define.
    contents: [
      ...imported,
      `import { compileStats } from '${dist}jit/compile.js';`,
      `module.exports = { compileStats, ${inScript.join(', ')} };`,
    ].join('\n'),
    resolveDir: dist,
    sourcefile: 'core.cjs',
  },
  define: { ...shared.define, 'import.meta.url': 'libraryUrl' },
  banner: { js: "'use strict';const libraryUrl = require('node:url').pathToFileURL(__filename).href;" },
  plugins: [asScript],
  logOverride: { 'commonjs-variable-in-esm': 'silent' },
});
// acorn's licence asks to accompany its copies.
copyFileSync(
  new URL(import.meta.resolve('acorn/package.json')).pathname.replace(/package\.json$/, 'LICENSE'),
  `${outdir}/acorn.LICENSE`,
);
await build({
  ...shared,
  outfile: `${outdir}/node/core.js`,
  format: 'esm',
  platform: 'node',
  entryPoints: [`${dist}jit/build/node-entry.js`],
  define: { scriptId: JSON.stringify(createHash('sha256').update(readFileSync(script)).digest('hex').slice(0, 32)) },
});
