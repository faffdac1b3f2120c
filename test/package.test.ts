/** The package as it is imported: what it loads, what it keeps between processes, and the direction of its imports. */
import { execFile, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import t from 'tap';

const root = fileURLToPath(new URL('../../', import.meta.url));

function run(script: string, env: Record<string, string> = {}): any {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    env: { ...process.env, COTANGENT_VALIDATE: '', ...env },
    encoding: 'utf8',
  });
  // The text of a bundle is one line.
  if (!stdout) throw new Error(stderr.replace(/.{2000,}/g, '…'));
  return JSON.parse(stdout);
}

t.test('neither importing nor the first operation loads a package', (t) => {
  const { imported, loaded, eager, parsed, later } = run(`
    import Module from 'node:module';
    const paths = () => [...Object.keys(Module._cache ?? {}), ...(process.report?.getReport().sharedObjects ?? [])];
    const { default: inspector } = await import('node:inspector');
    const session = new inspector.Session();
    session.connect();
    const scripts = [];
    session.on('Debugger.scriptParsed', ({ params }) => scripts.push(params.url));
    session.post('Debugger.enable');
    // What the test runner has every process load is there before.
    const before = new Set(scripts.concat(paths()));
    const packages = () => scripts.concat(paths()).filter((path) => /node_modules/.test(path) && !before.has(path));
    const { jit, np } = await import('cotangent');
    const imported = packages();
    const eager = np.sum(np.sin(np.ones([10]))).item();
    const loaded = packages();
    const parsed = jit((x, flag) => (flag ? x : x.mul(2)), { static: ["flag"] })(1, true).item();
    await import('acorn');
    const later = packages().filter((path) => /acorn/.test(path)).length;
    console.log(JSON.stringify({ imported, loaded, eager, parsed, later }));
  `);
  t.strictSame(imported, [], 'by the import');
  t.strictSame(loaded, [], 'by the first operation');
  t.equal(parsed, 1, 'the parser that finds names of arguments is at hand');
  t.ok(later > 0, 'this test sees a package that is loaded');
  t.ok(Math.abs(eager - 10 * Math.sin(1)) < 1e-5, 'eager operations work without them');
  t.end();
});

t.test('a second process finds what the first assembled', (t) => {
  const cache = mkdtempSync(path.join(os.tmpdir(), 'cotangent-test-'));
  t.teardown(() => rmSync(cache, { recursive: true, force: true }));
  const script = `
    let compilers = 0;
    process.on('worker', () => compilers++);
    import { grad, jit, lax, np, solvers } from 'cotangent';
    import { core } from './dist/bundle/node/core.js';
    const fun = (w, l) => np.sum(np.square(w.sub(l)));
    const solver = new solvers.GradientDescent({ fun, stepsize: 0.1 });
    const constants = jit((x) => [x, np.array(NaN), -0, -Infinity, 1e-45, x.mul(2)]);
    const values = [
      constants(3).map(String), constants(np.ones([2])).map(String),
      jit(grad((x) => np.sum(np.sin(x))))(np.ones([5])).tolist(),
      solver.run(np.zeros([3]), 2).params.tolist(),
      jit((x) => lax.foriLoop(0, 10, (i, c) => c.mul(0.5).add(i), x))(np.ones([4])).tolist(),
      jit((x) => { for (let i = 0; i < 3; i++) x = x.mul(2); return x; })(np.ones([4])).tolist(),
      jit((x) => { for (let i = 0; i < 3; i++) if (i > 0) x = x.mul(2); return x; })(np.ones([4])).tolist(),
    ];
    try {
      jit((x) => (x.gt(0) ? x : 1))(3);
    } catch (error) {
      values.push(error.name);
    }
    await new Promise(setImmediate);
    console.log(JSON.stringify({ values, compilers, stats: core.compileStats() }));
  `;
  const first = run(script, { COTANGENT_CACHE_DIR: cache });
  const second = run(script, { COTANGENT_CACHE_DIR: cache });
  t.strictSame([first.compilers, second.compilers], [0, 0], 'neither waits for binaryen');
  t.equal(first.values.at(-1), 'ControlFlowError');
  const cleanIn = (folder: string): number => readdirSync(folder).filter((name) => name.startsWith('clean-')).length;
  t.ok(cleanIn(cache) > 0, 'functions in which nothing is wrong');
  const loops = (body: string): number => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'cotangent-test-'));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const text = `(x) => { for (let i = 0; i < 3; i++) ${body} return x; }`;
    const counting = `import { jit } from 'cotangent'; console.log(jit(${text})(1).item());`;
    t.equal(run(counting, { COTANGENT_CACHE_DIR: folder }), 8);
    return cleanIn(folder);
  };
  t.equal(loops('x = x.mul(2);'), 0, 'one that only counts is not parsed');
  t.equal(loops('{ if (i < 3) x = x.mul(2); }'), 1);
  t.ok(readdirSync(cache).filter((name) => !name.startsWith('code-')).length >= 3);
  t.strictSame(second.values, first.values);
  t.ok(first.stats.lowered >= 5 && first.stats.compiled >= 3);
  t.match(second.stats, { lowered: 0, compiled: 0, diskHits: first.stats.compiled }, 'what is traced is known');
  for (const name of readdirSync(cache)) if (!/^(code|program)-/.test(name)) rmSync(path.join(cache, name));
  const third = run(script, { COTANGENT_CACHE_DIR: cache });
  t.match(
    third,
    { values: first.values, stats: { lowered: first.stats.lowered } },
    'without its code it is lowered again',
  );
  for (const COTANGENT_THREADS of ['2', '3']) {
    const { values, stats } = run(script, { COTANGENT_CACHE_DIR: cache, COTANGENT_THREADS });
    t.strictSame(values, first.values);
    t.equal(stats.lowered, first.stats.lowered, 'the number of threads is part of what it was lowered for');
  }
  t.end();
});

t.test("V8's code is kept", (t) => {
  const cache = mkdtempSync(path.join(os.tmpdir(), 'cotangent-test-'));
  t.teardown(() => rmSync(cache, { recursive: true, force: true }));
  const env = { COTANGENT_CACHE_DIR: cache };
  const eager = `import { np } from 'cotangent'; console.log(np.sum(np.arange(4)).item());`;
  const compiled = `import { jit, np } from 'cotangent'; console.log(jit((x) => np.sum(x))(np.arange(4)).item());`;
  const read = (): Buffer | undefined => {
    const name = readdirSync(cache).find((name) => name.startsWith('code-'));
    return name === undefined ? undefined : readFileSync(path.join(cache, name));
  };
  const write = (bytes: Buffer): void => {
    for (const name of readdirSync(cache)) if (name.startsWith('code-')) writeFileSync(path.join(cache, name), bytes);
  };

  t.equal(run(eager, { ...env, COTANGENT_CACHE: 'off' }), 6);
  t.strictSame(readdirSync(cache), [], 'not where nothing is to be kept');
  t.equal(run(eager, env), 6);
  const first = read()!;
  t.equal(run(eager, env), 6);
  t.ok(read()!.equals(first), 'a process that compiles nothing leaves it as it is');
  t.equal(run(compiled, env), 6);
  const second = read()!;
  t.ok(second.length > first.length, 'a program that is new adds what it called');
  t.equal(run(compiled, env), 6);
  t.ok(read()!.equals(second), 'and the next time nothing');

  const flipped = Buffer.from(second);
  for (let i = 5000; i < flipped.length; i += 997) flipped[i]! ^= 0x55;
  for (const damaged of [flipped, second.subarray(0, 300_000), Buffer.alloc(0)]) {
    write(damaged);
    t.equal(run(compiled, env), 6, 'what does not match its checksum is not there');
    t.notOk(read()!.equals(damaged), 'and is written anew');
  }
  t.equal(run(compiled, { ...env, NODE_OPTIONS: '--interpreted-frames-native-stack' }), 6);
  t.notOk(read()!.equals(second), 'what was compiled under other flags is refused by V8, and replaced');
  t.end();
});

t.test('two installations that share a folder of what is kept name the lines of their users', (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'cotangent-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const dist = path.join(folder, 'dist');
  for (const part of ['core.cjs', 'node'])
    cpSync(path.join(root, 'dist/bundle', part), path.join(dist, 'bundle', part), { recursive: true });
  const script = path.join(folder, 'script.mjs');
  for (const bundle of [path.join(root, 'dist/bundle'), path.join(dist, 'bundle')]) {
    const text = `import { np } from ${JSON.stringify(pathToFileURL(path.join(bundle, 'node/index.js')).href)};
try { np.reshape(np.zeros([3]), [2]); } catch (error) { console.log(error.message); }`;
    writeFileSync(script, text);
    const { stdout } = spawnSync(process.execPath, [script], {
      cwd: folder,
      env: { ...process.env, COTANGENT_CACHE_DIR: path.join(folder, 'cache') },
      encoding: 'utf8',
    });
    t.match(stdout, /^ {2}at script\.mjs:2:10: /m, path.relative(folder, bundle));
  }
  t.end();
});

t.test('in a context of its own, as of a test runner, the library has the errors and arrays of that context', (t) => {
  const { isError, isArray } = run(`
    import { createRequire } from 'node:module';
    import vm from 'node:vm';
    import { readFileSync } from 'node:fs';
    import { pathToFileURL } from 'node:url';
    // Modules in a context need a flag: the loader is evaluated as a script here.
    const url = pathToFileURL('dist/bundle/node/core.js').href;
    const { build } = createRequire(url)('esbuild');
    const { outputFiles } = await build({
      entryPoints: ['dist/bundle/node/core.js'], bundle: true, write: false, format: 'cjs', platform: 'node',
      define: { 'import.meta.url': JSON.stringify(url) },
    });
    const context = vm.createContext({ process, Buffer, URL, TextEncoder, TextDecoder, performance });
    const requireIn = (file) => {
      const module = { exports: {} };
      const text = '(function (exports, require, module, __filename, __dirname) {' + readFileSync(file, 'utf8') + '\\n})';
      vm.runInContext(text, context)(module.exports, createRequire(file), module, file, 'dist/bundle');
      return module.exports;
    };
    const require = (name) =>
      name === 'node:module' ? { createRequire: () => (file) => requireIn(file) } : createRequire(url)(name);
    const module = { exports: {} };
    const loader = '(function (require, module, exports) {' + outputFiles[0].text + '})';
    vm.runInContext(loader, context)(require, module, module.exports);
    const { core } = module.exports;
    let error;
    try {
      core.index$np.matmul(core.index$np.ones([2]), core.index$np.ones([3]));
    } catch (e) {
      error = e;
    }
    const [ContextError, ContextArray] = vm.runInContext('[Error, Float32Array]', context);
    console.log(JSON.stringify({
      isError: error instanceof ContextError,
      isArray: core.index$np.ones([2]).data() instanceof ContextArray,
    }));
  `);
  t.ok(isError);
  t.ok(isArray);
  t.end();
});

// ── Layers ─────────────────────────────────────────────────────────────────────────────────────────────────────────
/** From the top down: a file may import values from its own layer and from those below. */
const layers: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['index', /^src\/(index|init|primitives|primitive-records)\.ts$|^jit\/build\//],
  ['solvers', /^src\/(solvers|optimizers|safetensors|npy)\//],
  ['implicit differentiation', /^src\/(implicit|linear-solve)\//],
  ['libraries', /^src\/(numpy|fft|linalg|random|nn|special|stats|complex)\/(?!complex-array)|^src\/losses\.ts$/],
  ['control flow', /^src\/(control|debug)\/|^src\/jit(-dispatch)?\.ts$/],
  ['transforms', /^transforms\//],
  [
    'primitives',
    /^src\/lax\/|^src\/complex\/complex-array|^src\/(array|array-errors|array-print|array-read|promote|tree)\.ts$/,
  ],
  [
    'trace',
    /^src\/core\/(trace|evaluate|plan|segments|stage|eval-jaxpr|recorded|immediate)\.ts$|^src\/syntax\/lint\.ts$/,
  ],
  ['jit', /^jit\//],
  ['core', /^src\/(core|syntax)\//],
];
const layerOf = (file: string): number => layers.findIndex(([, pattern]) => pattern.test(file));

/** Imports of values that go up, each with its reason. */
const tolerated: readonly (readonly [from: RegExp, to: RegExp])[] = [
  // The public table of contents of `lax` has control flow in it.
  [/^src\/lax\/(index|associative-scan|linalg)/, /^src\/(control|linear-solve)\//],
  // And it takes complex arrays, which `numpy` does too, and loads the methods of arrays.
  [/^src\/lax\/index/, /^src\/(complex\/|numpy\/methods)/],
  // Rules and arrays compute with operations and are traced, inside function bodies only.
  [/^src\/lax\/|^src\/(array|promote)/, /^transforms\//],
  // What traces pass around is an `NDArray`.
  [/^src\/core\/(eval-jaxpr|evaluate|immediate|plan|recorded|stage)/, /^src\/array\.ts$/],
];

function filesUnder(folder: string): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesUnder(name) : name.endsWith('.ts') ? [name] : [];
  });
}

/** The files that a file imports values from, in their order. */
function valueImports(file: string): string[] {
  const text = readFileSync(path.join(root, file), 'utf8');
  const statements = text.matchAll(/^(?:import|export) (?!type\b)(?:[^;]*?from )?'(\.[^']+)';/gm);
  return [...statements].flatMap(([statement, target]) => {
    const names = /\{([^}]*)\}/.exec(statement)?.[1];
    const typesOnly = names?.split(',').every((name) => !name.trim() || name.trim().startsWith('type '));
    return typesOnly ? [] : [path.posix.join(path.posix.dirname(file), target!)];
  });
}

const importsOf = new Map(['src', 'transforms', 'jit'].flatMap(filesUnder).map((file) => [file, valueImports(file)]));

t.test('value imports go down', (t) => {
  const upward: string[] = [];
  for (const [file, imports] of importsOf) {
    const from = layerOf(file);
    t.ok(from >= 0, `${file} has a layer`);
    for (const to of imports) {
      if (layerOf(to) >= from) continue;
      if (tolerated.some(([a, b]) => a.test(file) && b.test(to))) continue;
      upward.push(`${file} → ${to}`);
    }
  }
  t.strictSame(upward, []);
  t.end();
});

/** What a file loads, in the order in which it is reached. */
function loadedBy(file: string, reached: Set<string> = new Set()): Set<string> {
  if (reached.has(file)) return reached;
  reached.add(file);
  for (const next of importsOf.get(file) ?? []) loadedBy(next, reached);
  return reached;
}

/**
 * Files that import one another are evaluated in an order that depends on which of them is reached first, and on nothing else; all other
 * files after those that they import. So every entry point loads if those do that reach such a cycle at another file than others.
 */
t.test('each entry point loads by itself', async (t) => {
  const { exports } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const reach = new Map([...importsOf.keys()].map((file) => [file, loadedBy(file)]));
  const cycleOf = new Map(
    [...reach].flatMap(([file, loaded]) => {
      const cycle = [...loaded].filter((other) => reach.get(other)!.has(file));
      return cycle.length > 1 ? [[file, cycle.sort()[0]!] as const] : [];
    }),
  );
  const entries = Object.entries<{ types: string }>(exports).flatMap(([name, { types }]) => {
    if (!types) return [];
    const loaded = [...loadedBy(types.replace('./dist/', '').replace('.d.ts', '.ts'))];
    t.ok(loaded.length > 1, `${name} imports something`);
    const firsts = new Map<string, string>();
    for (const file of loaded) {
      const cycle = cycleOf.get(file);
      if (cycle !== undefined && !firsts.has(cycle)) firsts.set(cycle, file);
    }
    return [{ name: path.posix.join('cotangent', name), size: loaded.length, firsts: [...firsts.values()] }];
  });
  entries.sort((a, b) => b.size - a.size);
  // The largest that adds nothing to the others goes first.
  const loads = entries.reduce((kept, entry) => {
    const others = new Set(kept.filter((other) => other !== entry).flatMap(({ firsts }) => firsts));
    return entry.firsts.every((file) => others.has(file)) ? kept.filter((other) => other !== entry) : kept;
  }, entries);
  t.ok(loads.length > 1, `${loads.map(({ name }) => name)}`);
  const scripts = loads.map(({ name }) => [name]);
  // That the others are found is seen in the process that has loaded most.
  scripts[0]!.push(...entries.filter((entry) => !loads.includes(entry)).map(({ name }) => name));
  const run = promisify(execFile);
  await Promise.all(
    scripts.map(async (names) => {
      const script = names.map((name) => `await import('${name}');`).join('');
      const options = ['--conditions=cotangent-unbundled', '--input-type=module', '-e', script];
      const env = { ...process.env, NODE_OPTIONS: '' };
      const failed = await run(process.execPath, options, { cwd: root, env }).then(
        () => undefined,
        (error) => error.stderr,
      );
      t.equal(failed, undefined, `${names}`);
    }),
  );
});

t.test('what is published runs, and has its types', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'cotangent-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const inFolder = (command: string, ...args: string[]): string => {
    const { stdout, stderr, status } = spawnSync(command, args, {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '', COTANGENT_VALIDATE: '', COTANGENT_CACHE_DIR: folder },
    });
    if (status !== 0) throw new Error(`${stdout}\n${stderr}`);
    return stdout;
  };
  const packed = ['pack', root, '--ignore-scripts', '--json', '--pack-destination', folder];
  const [{ filename, files }] = JSON.parse(inFolder('npm', ...packed));
  t.notOk(files.some(({ path }: { path: string }) => /dist\/(test|bench|examples)/.test(path)));
  const installed = path.join(folder, 'node_modules/cotangent');
  mkdirSync(installed, { recursive: true });
  inFolder('tar', '-xzf', filename, '-C', installed, '--strip-components=1');
  for (const name of ['acorn', 'binaryen', '@types', 'undici-types'])
    symlinkSync(path.join(root, 'node_modules', name), path.join(folder, 'node_modules', name));
  const program = `
    import { grad, jit, np, type NDArray } from 'cotangent';
    import { BFGS } from 'cotangent/solvers';
    const loss = (w: NDArray, y: number): NDArray => np.sum(np.square(w.sub(y)));
    const { params, state } = new BFGS({ fun: loss }).run(np.zeros([2]), 3);
    const g: NDArray = jit(grad(loss))(params, 2);
    console.log(JSON.stringify([np.round(params).tolist(), np.round(g).tolist(), state.status.shape]));
  `;
  writeFileSync(path.join(folder, 'app.ts'), program);
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }');
  // The compiler itself, without the script in front of it.
  const { default: compiler } = await import(path.join(root, 'node_modules/typescript/lib/getExePath.js'));
  // Declarations are checked too: each finds what it imports.
  const options = ['--strict', '--target', 'es2022', '--module', 'nodenext', '--lib', 'es2022,dom'];
  inFolder(compiler(), ...options, '--types', 'node', 'app.ts');
  t.equal(inFolder(process.execPath, 'app.js'), '[[3,3],[2,2],[]]\n');
});

t.test('Node and bundlers find the same names', async (t) => {
  const { exports } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  for (const [entry, files] of Object.entries<Record<string, string>>(exports)) {
    if (typeof files === 'string') continue;
    const [forNode, forOthers] = [files.node!, files.default!].map((file) => path.join(root, file));
    t.strictSame(Object.keys(await import(forNode!)), Object.keys(await import(forOthers!)), entry);
    for (const condition of ['module', 'bun', 'deno']) t.equal(files[condition], files.default);
  }
});

t.test('bundled into one file for Node, it interprets until `init`, and compiles from then on', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'cotangent-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  const contents = `
    import { grad, init, jit, np } from 'cotangent';
    const f = jit((x) => np.sum(np.square(x)));
    const compute = () => [f(np.arange(4)).item(), grad(f)(np.ones([2])).tolist(), np.arange(3000).add(1).data().length];
    const before = compute();
    let message;
    try { np.ones([3]).reshape([2]); } catch (error) { message = error.message; }
    init().then(() => console.log(JSON.stringify({ before, after: compute(), message })));
  `;
  for (const format of ['esm', 'cjs'] as const) {
    const outfile = path.join(folder, format === 'esm' ? 'app.mjs' : 'app.cjs');
    const sourcemap = format === 'esm';
    const { warnings } = await build({
      stdin: { contents, resolveDir: root },
      bundle: true,
      platform: 'node',
      target: 'node20',
      format,
      sourcemap,
      outfile,
      logOverride: { 'empty-import-meta': 'silent' },
      logLevel: 'silent',
    });
    t.strictSame(warnings, []);
    const env = { COTANGENT_CACHE_DIR: folder };
    const { before, after, message } = run(`await import(${JSON.stringify(pathToFileURL(outfile).href)})`, env);
    t.strictSame(before, [14, [2, 2], 3000]);
    t.strictSame(after, before);
    const [error, place] = message.split('\n');
    t.equal(error, 'reshape: f32[3] has 3 elements and cannot take shape [2].');
    if (sourcemap) t.match(place, /^ {2}at \S*<stdin>:7:24: /, 'a source map tells the user from the library');
    else t.notMatch(String(place), /app\.cjs/, 'without one, no line of the bundle is taken for the user’s');
  }
});
