/**
 * benchmark.js, wrapped once: it swallows errors, does not await, and has no warm-up of its own. A case is a list of
 * implementations of the same thing; their results are compared before anything is timed.
 */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import Benchmark from 'benchmark';
import { fractionOfLimit, type Roofline } from './roofline.ts';

export interface Implementation {
  readonly name: string;
  /** Does the work once and returns its result as plain numbers (read back to JavaScript). */
  readonly run: () => ArrayLike<number> | number;
}

export interface Case {
  readonly name: string;
  /** The first is ours; ratios are the others' time over ours. */
  readonly implementations: readonly Implementation[];
  /** Relative tolerance between results; they must agree before timing. */
  readonly tolerance: number;
  /** Work per run, to report a rate. */
  readonly flops?: number;
  readonly bytes?: number;
  readonly note?: string;
}

export interface Row {
  readonly case: string;
  readonly name: string;
  /** Median seconds of one run in the steady state. */
  readonly seconds: number;
  /** Relative margin of error, percent. */
  readonly rme: number;
  /** Seconds of the first run, compilation included. */
  readonly first: number;
  readonly gflops?: number;
  readonly gbytes?: number;
  /** Of the arithmetic or of the bandwidth that the machine has. */
  readonly ofLimit?: number;
  /** This time over ours. */
  readonly ratio: number;
  readonly note?: string;
}

const asList = (x: ArrayLike<number> | number): ArrayLike<number> => (typeof x === 'number' ? [x] : x);

function checkEqual(name: string, ours: ArrayLike<number>, theirs: ArrayLike<number>, tolerance: number): void {
  if (ours.length !== theirs.length)
    throw new Error(`${name}: results have ${theirs.length} elements, not ${ours.length}`);
  let scale = 0;
  for (let i = 0; i < ours.length; i++) scale = Math.max(scale, Math.abs(ours[i]!));
  for (let i = 0; i < ours.length; i++) {
    const difference = Math.abs(ours[i]! - theirs[i]!);
    if (!(difference <= tolerance * Math.max(scale, 1e-30))) {
      throw new Error(`${name}: element ${i} is ${theirs[i]}, not ${ours[i]}`);
    }
  }
}

/** Keeps results alive, so that no work is optimised away. */
let sink = 0;

function time(implementation: Implementation, maxTime: number): { seconds: number; rme: number } {
  const benchmark = new Benchmark(implementation.name, () => {
    const result = implementation.run();
    sink += typeof result === 'number' ? result : (result[0] ?? 0);
  });
  Object.assign(benchmark, { maxTime });
  benchmark.run();
  if (benchmark.error) throw benchmark.error;
  const samples = [...benchmark.stats.sample].sort((x, y) => x - y);
  return { seconds: samples[Math.floor(samples.length / 2)] ?? benchmark.stats.mean, rme: benchmark.stats.rme };
}

/** Runs one case: checks, warms up, times. */
export function runCase(c: Case, maxTime = 1): Row[] {
  const firsts: number[] = [];
  const results = c.implementations.map((implementation) => {
    const start = performance.now();
    const result = Array.from(asList(implementation.run()));
    firsts.push((performance.now() - start) / 1000);
    return result;
  });
  results.slice(1).forEach((result, i) => {
    checkEqual(`${c.name}: ${c.implementations[i + 1]!.name}`, results[0]!, result, c.tolerance);
  });
  const rows: Row[] = [];
  c.implementations.forEach((implementation, i) => {
    const deadline = performance.now() + 200;
    for (let n = 0; n < 3 || (performance.now() < deadline && n < 1000); n++) implementation.run();
    const { seconds, rme } = time(implementation, maxTime);
    rows.push({
      case: c.name,
      name: implementation.name,
      seconds,
      rme,
      first: firsts[i]!,
      ratio: seconds / (rows[0]?.seconds ?? seconds),
      ...(c.flops ? { gflops: c.flops / seconds / 1e9 } : {}),
      ...(c.bytes ? { gbytes: c.bytes / seconds / 1e9 } : {}),
      ...(c.note ? { note: c.note } : {}),
    });
  });
  return rows;
}

/** The rows of a case beside what the machine can do. */
export function rowsOfLimit(rows: readonly Row[], c: Case, roofline: Roofline): Row[] {
  return rows.map((row) => {
    const ofLimit = fractionOfLimit(roofline, c, row.seconds);
    return ofLimit === undefined ? row : { ...row, ofLimit };
  });
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly v8: string;
  readonly binaryen: string;
}

export function machine(): Machine {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return {
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.cpus().length,
    node: process.version,
    v8: process.versions.v8,
    binaryen: manifest.dependencies.binaryen,
  };
}

export function formatSeconds(s: number): string {
  if (s < 1e-6) return `${(s * 1e9).toFixed(0)} ns`;
  if (s < 1e-3) return `${(s * 1e6).toFixed(2)} µs`;
  return s < 1 ? `${(s * 1e3).toFixed(2)} ms` : `${s.toFixed(2)} s`;
}

/** Rows as a table for the terminal and for `docs/performance.md`. */
export function formatRows(rows: readonly Row[]): string {
  const head = ['case', 'implementation', 'time', '±', 'first call', 'rate', 'of limit', 'ratio'];
  const body = rows.map((row) => [
    row.case,
    row.name,
    formatSeconds(row.seconds),
    `${row.rme.toFixed(1)} %`,
    formatSeconds(row.first),
    row.gflops ? `${row.gflops.toFixed(1)} GFLOP/s` : row.gbytes ? `${row.gbytes.toFixed(1)} GB/s` : '',
    row.ofLimit === undefined ? '' : `${(100 * row.ofLimit).toFixed(0)} %`,
    row.ratio === 1 ? '' : `${row.ratio.toFixed(2)}×`,
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...body.map((cells) => cells[i]!.length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  return [line(head), `|${widths.map((w) => '-'.repeat(w + 2)).join('|')}|`, ...body.map(line)].join('\n');
}

export const sinkValue = (): number => sink;
