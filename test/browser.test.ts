/** The library in a browser: bundled, interpreted until `init()` is done, compiled from then on. Needs Chromium. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import t from 'tap';
import { grad, np, random } from '../src/index.ts';

const chromium = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((file) => file && existsSync(file));
const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
];

/** As an application is built: nothing but `cotangent` and acorn. */
async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('browser/page.js', import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    logLevel: 'error',
  });
  return outputFiles[0]!.text;
}

/** Serves the page and waits for its report. */
function serve(script: string): { server: Server; report: Promise<any> } {
  let settle!: (report: unknown) => void;
  const report = new Promise<any>((resolve) => {
    settle = resolve;
  });
  const server = createServer((request, response) => {
    if (request.url === '/page.js') {
      response.setHeader('Content-Type', 'text/javascript');
      response.end(script);
    } else if (request.url === '/report') {
      let text = '';
      request.on('data', (chunk) => {
        text += chunk;
      });
      request.on('end', () => {
        response.end();
        settle(JSON.parse(text));
      });
    } else {
      response.setHeader('Content-Type', 'text/html');
      response.end('<!doctype html><script type="module" src="/page.js"></script>');
    }
  });
  server.listen(0, '127.0.0.1');
  return { server, report };
}

async function inBrowser(): Promise<any> {
  const { server, report } = serve(await bundle());
  const profile = mkdtempSync(path.join(os.tmpdir(), 'cotangent-browser-'));
  let browser: ChildProcess | undefined;
  try {
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    browser = spawn(chromium!, [...flags, `--user-data-dir=${profile}`, `http://127.0.0.1:${port}/`], {
      stdio: 'ignore',
      detached: true,
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(() => resolve({ error: 'the page did not answer' }), 60_000);
    });
    const result = await Promise.race([report, late]);
    clearTimeout(timer);
    return result;
  } finally {
    const ended = browser && new Promise((resolve) => browser!.once('exit', resolve));
    // The whole group: its other processes go on writing to the profile.
    if (browser?.pid) process.kill(-browser.pid, 'SIGKILL');
    await ended;
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 20 });
  }
}

t.test('a browser', { skip: chromium ? false : 'no Chromium on this machine' }, async (t) => {
  const report = await inBrowser();
  t.equal(report.error, undefined, report.error);
  if (report.error) return;
  const x = np.array([1, 2, 3]);
  const f = (v: typeof x) => np.sum(np.sin(v).mul(v));
  const close = (got: unknown, wanted: unknown, name: string) =>
    t.ok(np.allclose(np.array(got as number[]), np.array(wanted as number[]), { rtol: 1e-6 }), `${name}: ${got}`);
  for (const phase of ['before', 'after'] as const) {
    const results = report[phase];
    close(results.value, f(x).item(), `${phase} init, value`);
    close(results.grad, grad(f)(x).tolist(), `${phase} init, grad`);
    close(results.jit, grad(f)(x).tolist(), `${phase} init, jit of grad`);
    close(results.roots, [1, Math.SQRT2, Math.sqrt(3)], `${phase} init, vmap of a loop`);
    close(results.matmul, 24000, `${phase} init, matmul`);
    close(results.random, random.normal(random.key(0), [3]).tolist(), `${phase} init, random numbers`);
    close(results.float64, [Math.E, Math.E ** 2], `${phase} init, float64`);
    t.same(results.printed, ['[1. 2. 3.]']);
  }
  t.same(report.modules, [0, 1], 'what was interpreted before is compiled after');
  close(report.sum, 499999500000, 'a compiled loop');
  t.match(report.lint, /^the function tests `v\.sum\(\)\.gt\(0\)` with `\?:`, which is always true/);
  t.comment(`init took ${Math.round(report.milliseconds)} ms, the loop of a million ${Math.round(report.loop)} ms`);
});
