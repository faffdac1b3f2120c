/** The package as it is imported: what it loads, what it keeps between processes, and the direction of its imports. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const root = fileURLToPath(new URL('../../', import.meta.url));

function run(script: string, env: Record<string, string> = {}): any {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  if (!stdout) throw new Error(stderr);
  return JSON.parse(stdout);
}

t.test('neither importing nor the first operation loads a package', (t) => {
  const { imported, loaded, eager, later } = run(`
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
    jit((x, flag) => (flag ? x : x.mul(2)), { static: ["flag"] })(1, true);
    const later = scripts.concat(paths()).filter((p) => /acorn/.test(p)).length;
    console.log(JSON.stringify({ imported, loaded, eager, later }));
  `);
  t.strictSame(imported, [], 'by the import');
  t.strictSame(loaded, [], 'by the first operation');
  t.ok(later > 0, 'tracing loads acorn, and this test sees it');
  t.ok(Math.abs(eager - 10 * Math.sin(1)) < 1e-5, 'eager operations work without them');
  t.end();
});

t.test('a second process compiles nothing', (t) => {
  const cache = mkdtempSync(path.join(os.tmpdir(), 'cotangent-test-'));
  t.teardown(() => rmSync(cache, { recursive: true, force: true }));
  const script = `
    let compilers = 0;
    process.on('worker', () => compilers++);
    import { grad, jit, lax, np, solvers } from 'cotangent';
    const fun = (w, l) => np.sum(np.square(w.sub(l)));
    const solver = new solvers.GradientDescent({ fun, stepsize: 0.1 });
    const values = [
      jit(grad((x) => np.sum(np.sin(x))))(np.ones([5])).tolist(),
      solver.run(np.zeros([3]), 2).params.tolist(),
      jit((x) => lax.foriLoop(0, 10, (i, c) => c.mul(0.5).add(i), x))(np.ones([4])).tolist(),
    ];
    await new Promise(setImmediate);
    console.log(JSON.stringify({ values, compilers }));
  `;
  const first = run(script, { COTANGENT_CACHE_DIR: cache });
  const second = run(script, { COTANGENT_CACHE_DIR: cache });
  t.equal(first.compilers, 1, 'the first starts the compiler');
  t.equal(second.compilers, 0);
  t.ok(readdirSync(cache).length >= 3);
  t.strictSame(second.values, first.values);
  t.end();
});

// ── Layers ─────────────────────────────────────────────────────────────────────────────────────────────────────────
/** From the top down: a file may import values from its own layer and from those below. */
const layers: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['index', /^src\/(index|init|primitives|primitive-records)\.ts$|^jit\/build-runtime\.ts$/],
  ['solvers', /^src\/(solvers|optimizers|safetensors)\//],
  ['implicit differentiation', /^src\/(implicit|linear-solve)\//],
  ['libraries', /^src\/(numpy|linalg|random|nn|stats)\/|^src\/(special|losses)\.ts$/],
  ['control flow', /^src\/(control|debug)\/|^src\/jit(-dispatch)?\.ts$/],
  ['transforms', /^transforms\//],
  ['primitives', /^src\/lax\/|^src\/(array|array-errors|array-print|array-read|promote|tree)\.ts$/],
  ['trace', /^src\/core\/(trace|evaluate|plan|stage|eval-jaxpr|recorded)\.ts$/],
  ['jit', /^jit\//],
  ['core', /^src\/(core|syntax)\//],
];
const layerOf = (file: string): number => layers.findIndex(([, pattern]) => pattern.test(file));

/** Imports of values that go up, each with its reason. */
const tolerated: readonly (readonly [from: RegExp, to: RegExp])[] = [
  // The public table of contents of `lax` has control flow in it.
  [/^src\/lax\/(index|associative-scan|linalg)/, /^src\/(control|linear-solve)\//],
  // Rules and arrays compute with operations and are traced, inside function bodies only.
  [/^src\/lax\/|^src\/(array|promote)/, /^transforms\//],
  // What traces pass around is an `NDArray`.
  [/^src\/core\/(eval-jaxpr|evaluate|plan|recorded|stage)/, /^src\/array\.ts$/],
];

function filesUnder(folder: string): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesUnder(name) : name.endsWith('.ts') ? [name] : [];
  });
}

t.test('value imports go down', (t) => {
  const upward: string[] = [];
  for (const file of ['src', 'transforms', 'jit'].flatMap(filesUnder)) {
    const from = layerOf(file);
    t.ok(from >= 0, `${file} has a layer`);
    const text = readFileSync(path.join(root, file), 'utf8');
    for (const [statement, target] of text.matchAll(/^(?:import|export) (?!type\b)[^;]*?from '(\.[^']+)';/gm)) {
      const names = /\{([^}]*)\}/.exec(statement)?.[1];
      const typesOnly = names?.split(',').every((name) => !name.trim() || name.trim().startsWith('type '));
      if (typesOnly) continue;
      const to = path.posix.join(path.posix.dirname(file), target!);
      if (layerOf(to) >= from) continue;
      if (tolerated.some(([a, b]) => a.test(file) && b.test(to))) continue;
      upward.push(`${file} → ${to}`);
    }
  }
  t.strictSame(upward, []);
  t.end();
});

t.test('each entry point loads by itself', (t) => {
  const { exports } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  for (const entry of Object.keys(exports).filter((name) => name !== './package.json')) {
    const name = path.posix.join('cotangent', entry);
    const script = `await import('${name}')`;
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--conditions=development', '--input-type=module', '-e', script],
      { cwd: root, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } },
    );
    t.equal(status, 0, `${name}: ${stderr}`);
  }
  t.end();
});
