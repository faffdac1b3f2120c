/**
 * What this machine can do at most, measured in WebAssembly by code of our own emitter in the run that measures
 * everything else: floating-point operations a second out of registers, and bytes a second at three distances. A rate
 * of the bench is a fraction of one of these.
 */
import { fileURLToPath } from 'node:url';
import { compile } from '../jit/compile.ts';
import { target } from '../jit/target.ts';
import {
  type Expr,
  type Func,
  FunctionBuilder,
  f32x4c,
  f64x2c,
  i32c,
  type Local,
  lane,
  load,
  madd,
  op,
  type Target,
} from '../jit/wasm/code.ts';

export interface Bandwidth {
  readonly place: string;
  /** Bytes of the array that is read or written; a copy reads one and writes another. */
  readonly bytes: number;
  /** GB/s; a copy counts what it reads and what it writes. */
  readonly read: number;
  readonly write: number;
  readonly copy: number;
}

export interface Roofline {
  /** GFLOP/s of products added to sums that stay in registers: the better of separate and fused instructions. */
  readonly float32: number;
  readonly float64: number;
  /** The same with a multiplication and an addition each. */
  readonly unfused32: number;
  readonly unfused64: number;
  readonly bandwidth: readonly Bandwidth[];
}

/** Enough sums that none of two units waits for an addition that takes four cycles. */
const chains = 12;

/**
 * arithmetic(rounds, one): `chains` multiply-adds on vectors a round; their sum, so that none is left out. `one` is 1,
 * which the engine cannot know. Where a product is an instruction of its own it needs an operand that changes: a load.
 */
function arithmetic(name: string, shape: 'f32x4' | 'f64x2', to: Target): Func {
  const f = new FunctionBuilder(name, ['i32', 'f32'], 'f32');
  const [rounds, one] = [f.param(0), f.param(1)];
  const splat = shape === 'f32x4' ? op('f32x4.splat', one) : op('f64x2.splat', op('f64.promote_f32', one));
  const [x, y] = [f.var(splat), f.var(splat)];
  const sums = Array.from({ length: chains }, () => f.var(shape === 'f32x4' ? f32x4c(0) : f64x2c(0)));
  f.doWhile(rounds, () => {
    sums.forEach((s, i) => {
      f.set(s, madd(to, shape, x, to.fma ? y : load('v128.load', i32c(0), 16 * i), s));
    });
    f.set(rounds, op('i32.sub', rounds, i32c(1)));
  });
  f.return(lane('f32x4.extract_lane', 0, total(shape, sums)));
  return f.build(true);
}

const total = (shape: string, vectors: readonly Expr[]): Expr =>
  vectors.slice(1).reduce((sum, v) => op(`${shape}.add`, sum, v), vectors[0]!);

/** Walks `bytes` bytes from `a` (and `b`) in steps of eight vectors, `times` times over. */
function walk(
  name: string,
  body: (f: FunctionBuilder, a: Local, b: Local, offset: number, sums: Local[]) => void,
): Func {
  const f = new FunctionBuilder(name, ['i32', 'i32', 'i32', 'i32'], 'f32');
  const [from, to, bytes, times] = [0, 1, 2, 3].map((i) => f.param(i)) as [Local, Local, Local, Local];
  const sums = Array.from({ length: 8 }, () => f.var(f32x4c(0)));
  f.doWhile(times, () => {
    const [a, b] = [f.var(from), f.var(to)];
    const end = f.var(op('i32.add', from, bytes));
    f.doWhile(op('i32.lt_u', a, end), () => {
      for (let v = 0; v < 8; v++) body(f, a, b, 16 * v, sums);
      f.set(a, op('i32.add', a, i32c(128)));
      f.set(b, op('i32.add', b, i32c(128)));
    });
    f.set(times, op('i32.sub', times, i32c(1)));
  });
  f.return(lane('f32x4.extract_lane', 0, total('f32x4', sums)));
  return f.build(true);
}

const read = walk('read', (f, a, _b, offset, sums) => {
  const sum = sums[offset / 16]!;
  f.set(sum, op('f32x4.add', sum, load('v128.load', a, offset)));
});
const write = walk('write', (f, a, _b, offset, sums) => f.store('v128.store', a, sums[0]!, offset));
const copy = walk('copy', (f, a, b, offset) => f.store('v128.store', b, load('v128.load', a, offset), offset));

/**
 * Seconds of one run, where it runs best: the median of runs of a millisecond, as cases are timed, in the best of several
 * `placements`. Before, the engine optimises the function.
 */
function secondsOf(run: (times: number, placement: number) => void, placements = 1): number {
  let times = 1;
  const time = (placement: number): number => {
    const start = performance.now();
    run(times, placement);
    return performance.now() - start;
  };
  const deadline = performance.now() + 60;
  while (performance.now() < deadline) if (time(0) < 1) times *= 2;
  const medians = Array.from({ length: placements }, (_, placement) => {
    const samples = Array.from({ length: 30 }, () => time(placement)).sort((x, y) => x - y);
    return samples[samples.length >> 1]!;
  });
  return Math.min(...medians) / times / 1000;
}

/** Pages of memory lie where they happen to, and some of them meet in a cache. Arrays are so many bytes apart. */
const [placements, apart] = [4, 32 * 1024 * 1024 + 5 * 4096];

const places = [
  ['first-level cache', 16 * 1024],
  ['second-level cache', 512 * 1024],
  ['third-level cache', 4 * 1024 * 1024],
  ['memory', 128 * 1024 * 1024],
] as const;

export function measureRoofline(): Roofline {
  const bytes = Math.max(2 * places.at(-1)![1], placements * apart);
  const pages = Math.ceil(bytes / 65536);
  const memory = new WebAssembly.Memory({ initial: pages });
  // Pages that were never written are all one page, and cached.
  new Uint8Array(memory.buffer).fill(1);
  const plain: Target = { ...target(), fma: false };
  const functions = [
    ...(['f32x4', 'f64x2'] as const).flatMap((shape) => [
      arithmetic(`${shape}_fused`, shape, target()),
      arithmetic(`${shape}_unfused`, shape, plain),
    ]),
    read,
    write,
    copy,
  ];
  const module = compile({ imports: [], functions });
  const wasm = new WebAssembly.Instance(module, { env: { memory } }).exports as Record<
    string,
    (...args: number[]) => number
  >;
  const rate = (name: string, lanes: number): number => {
    const rounds = 1000;
    const seconds = secondsOf((times) => {
      for (let i = 0; i < times; i++) wasm[name]!(rounds, 1);
    });
    return (2 * lanes * chains * rounds) / seconds / 1e9;
  };
  const bandwidth = places.map(([place, bytes]): Bandwidth => {
    const gigabytes = (name: string, moved: number): number => {
      const passes = Math.max(1, Math.floor(2 ** 20 / bytes));
      const seconds = secondsOf(
        (times, placement) => {
          const from = placement * apart;
          for (let i = 0; i < times; i++) wasm[name]!(from, from + bytes, bytes, passes);
        },
        bytes < apart ? placements : 1,
      );
      return (moved * bytes * passes) / seconds / 1e9;
    };
    return { place, bytes, read: gigabytes('read', 1), write: gigabytes('write', 1), copy: gigabytes('copy', 2) };
  });
  const [unfused32, unfused64] = [rate('f32x4_unfused', 4), rate('f64x2_unfused', 2)];
  return {
    float32: Math.max(unfused32, rate('f32x4_fused', 4)),
    float64: Math.max(unfused64, rate('f64x2_fused', 2)),
    unfused32,
    unfused64,
    bandwidth,
  };
}

/** The better of two measurements of one machine, at each of its limits: what a neighbour took from one of them it had. */
export function betterOf(a: Roofline, b: Roofline): Roofline {
  const most = (name: Exclude<keyof Roofline, 'bandwidth'>): number => Math.max(a[name], b[name]);
  return {
    float32: most('float32'),
    float64: most('float64'),
    unfused32: most('unfused32'),
    unfused64: most('unfused64'),
    bandwidth: a.bandwidth.map((one, i) => {
      const other = b.bandwidth[i]!;
      const better = (name: 'read' | 'write' | 'copy'): number => Math.max(one[name], other[name]);
      return { ...one, read: better('read'), write: better('write'), copy: better('copy') };
    }),
  };
}

/** Work of a case: floating-point operations, or bytes that have to be read or written. */
export interface Work {
  readonly flops?: number;
  readonly bytes?: number;
}

/** The part of what is possible that `seconds` for this work comes to. Bytes come from where that many have room. */
export function fractionOfLimit(roofline: Roofline, { flops, bytes }: Work, seconds: number): number | undefined {
  if (flops) return flops / seconds / 1e9 / roofline.float32;
  if (!bytes) return undefined;
  const place = roofline.bandwidth.find((b) => bytes <= 2 * b.bytes) ?? roofline.bandwidth.at(-1)!;
  return bytes / seconds / 1e9 / place.read;
}

export function formatRoofline(roofline: Roofline): string {
  const rate = (x: number): string => x.toFixed(1);
  const { float32, float64, unfused32, unfused64, bandwidth } = roofline;
  return [
    `SIMD128: ${rate(float32)} GFLOP/s in float32, ${rate(float64)} in float64; ${rate(unfused32)} and ${rate(unfused64)} without fused multiply-add.`,
    ...bandwidth.map(
      ({ place, bytes, read, write, copy }) =>
        `GB/s in the ${place} (${bytes / 1024} KiB): ${rate(read)} read, ${rate(write)} written, ${rate(copy)} copied.`,
    ),
  ].join('\n');
}

// Alone, it is a process of its own: the engine that runs the peers is another one than that of `npm run bench`.
if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(JSON.stringify(measureRoofline()));
