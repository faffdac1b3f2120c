/** Sorting some keys without branches that depend on them. */
import { add, sub } from '../wasm/addresses.ts';
import {
  type Expr,
  type Func,
  FunctionBuilder,
  i32c,
  i64x2c,
  type Local,
  load,
  op,
  select,
  shuffle,
} from '../wasm/code.ts';
import type { Format } from './radix.ts';

/**
 *     short_k32(n, a, b) → the address of the sorted keys, a or b
 *
 * Blocks of eight vectors are sorted down their lanes by a network of comparators, so that each lane is a run of eight; runs are
 * then merged two by two. Up to eight keys beyond the last block are a run of their own. Keys have no payload: what is equal is the same. Both buffers have room for whole blocks.
 */
export const shortSort = (format: Format): Func[] => [network(format), mergeTwice(format), merge(format), runs(format)];

/** Bytes of a block, whatever the format. */
export const blockBytes = 128;

// biome-ignore format: a line for each layer
/** The network of 19 comparators for eight keys (K. E. Batcher, Sorting networks and their applications, 1968). */
const comparators: readonly (readonly [number, number])[] = [
  [0, 1], [2, 3], [4, 5], [6, 7],
  [0, 2], [1, 3], [4, 6], [5, 7],
  [1, 2], [5, 6],
  [0, 4], [1, 5], [2, 6], [3, 7],
  [2, 4], [3, 5],
  [1, 2], [3, 4], [5, 6],
];

/** network_k32(a, end): the blocks from a to end. */
function network(format: Format): Func {
  const wide = format.bytes === 8;
  const f = new FunctionBuilder(`network_${format.name}`, ['i32', 'i32']);
  const [a, end] = f.parameters;
  // Of 64 bits there are only signed comparisons.
  const sign = i64x2c(-(2n ** 63n));
  f.while(op('i32.lt_u', a, end), () => {
    const rows = Array.from({ length: 8 }, (_, i) => {
      const keys = load('v128.load', a, 16 * i);
      return f.var(wide ? op('v128.xor', keys, sign) : keys);
    });
    for (const [i, j] of comparators) {
      const [x, y] = [rows[i]!, rows[j]!];
      if (wide) {
        const other = f.let(op('v128.and', op('v128.xor', x, y), op('i64x2.gt_s', x, y)));
        f.set(x, op('v128.xor', x, other));
        f.set(y, op('v128.xor', y, other));
      } else {
        const least = f.let(op('i32x4.min_u', x, y));
        f.set(y, op('i32x4.max_u', x, y));
        f.set(x, least);
      }
    }
    const turned = wide ? pairsTurned(rows) : foursTurned(f, rows);
    turned.forEach((run, i) => {
      f.store('v128.store', a, wide ? op('v128.xor', run, sign) : run, 16 * i);
    });
    f.set(a, add(a, i32c(blockBytes)));
  });
  return f.build();
}

const bytesOf = (lanes: readonly number[], width: number): number[] =>
  lanes.flatMap((lane) => Array.from({ length: width }, (_, i) => lane * width + i));

/** Eight vectors of two lanes as two runs of eight. */
function pairsTurned(rows: readonly Expr[]): Expr[] {
  const lane = (which: number): Expr[] =>
    [0, 2, 4, 6].map((i) => shuffle(rows[i]!, rows[i + 1]!, bytesOf([which, which + 2], 8)));
  return [...lane(0), ...lane(1)];
}

/** Eight vectors of four lanes as four runs of eight. */
function foursTurned(f: FunctionBuilder, rows: readonly Expr[]): Expr[] {
  const quarters = [0, 4].map((top) => {
    const pairs = (lanes: readonly number[], i: number): Expr =>
      f.let(shuffle(rows[top + i]!, rows[top + i + 1]!, bytesOf(lanes, 4)));
    const [low, high] = [
      [0, 4, 1, 5],
      [2, 6, 3, 7],
    ].map((lanes) => [pairs(lanes, 0), pairs(lanes, 2)] as const) as [readonly [Expr, Expr], readonly [Expr, Expr]];
    return [low, high].flatMap(([x, y]) => [
      shuffle(x, y, bytesOf([0, 2], 8)),
      shuffle(x, y, bytesOf([1, 3], 8)),
    ]) as Expr[];
  }) as [Expr[], Expr[]];
  return [0, 1, 2, 3].flatMap((lane) => [quarters[0][lane]!, quarters[1][lane]!]);
}

/** Both ends of two runs that are being merged, and how to take the next key from either. */
function ends(f: FunctionBuilder, { bytes }: Format, x: Local, first: Expr, second: Expr, to: Local) {
  const type = bytes === 8 ? 'i64' : 'i32';
  const one = i32c(bytes);
  const y = f.var(add(x, first));
  const lastX = f.var(sub(y, one));
  const lastY = f.var(sub(add(y, second), one));
  const last = f.var(sub(add(to, add(first, second)), one));
  const key = (ptr: Expr): Expr => f.let(load(`${type}.load`, ptr));
  /** 0, or the bytes of a key. */
  const stepIf = (taken: Expr): Expr => f.let(op('i32.shl', taken, i32c(Math.log2(bytes))));
  const front = (): void => {
    const [p, q] = [key(x), key(y)];
    const less = f.let(op(`${type}.lt_u`, q, p));
    f.store(`${type}.store`, to, select(less, q, p));
    const step = stepIf(less);
    f.set(y, add(y, step));
    f.set(x, sub(add(x, one), step));
    f.set(to, add(to, one));
  };
  const back = (): void => {
    const [p, q] = [key(lastX), key(lastY)];
    const less = f.let(op(`${type}.lt_u`, q, p));
    f.store(`${type}.store`, last, select(less, p, q));
    const step = stepIf(less);
    f.set(lastX, sub(lastX, step));
    f.set(lastY, add(sub(lastY, one), step));
    f.set(last, sub(last, one));
  };
  return { front, back, lastX, y, lastY };
}

/** merge_twice_k32(from, width, to): four runs of so many bytes as two. Each key waits for the one before it, but not for the other three. */
function mergeTwice(format: Format): Func {
  const f = new FunctionBuilder(`merge_twice_${format.name}`, new Array(3).fill('i32'));
  const [from, width, to] = f.parameters;
  const both = f.let(op('i32.shl', width, i32c(1)));
  const pairs = [
    ends(f, format, from, width, width, to),
    ends(f, format, f.var(add(from, both)), width, width, f.var(add(to, both))),
  ];
  const until = f.let(add(to, width));
  f.while(op('i32.lt_u', to, until), () => {
    for (const { front } of pairs) front();
    for (const { back } of pairs) back();
  });
  return f.build();
}

/**
 * merge_k32(from, first, second, to): two runs of so many bytes, one after the other. As many of the least as the shorter run has
 * keys are taken from the front, and as many of the largest from the back: neither can come to the end of a run. What lies
 * between is taken from the front while both runs last.
 */
function merge(format: Format): Func {
  const { bytes } = format;
  const f = new FunctionBuilder(`merge_${format.name}`, new Array(4).fill('i32'));
  const [x, first, second, to] = f.parameters;
  const one = i32c(bytes);
  const { front, back, lastX, y, lastY } = ends(f, format, x, first, second, to);
  const until = f.let(add(to, select(op('i32.lt_u', first, second), first, second)));
  f.while(op('i32.lt_u', to, until), () => {
    front();
    back();
  });
  const both = op('i32.and', op('i32.le_u', x, lastX), op('i32.le_u', y, lastY));
  f.while(both, front);
  f.copy(to, x, sub(add(lastX, one), x));
  f.copy(add(to, sub(add(lastX, one), x)), y, sub(add(lastY, one), y));
  return f.build();
}

function runs(format: Format): Func {
  const { bytes } = format;
  const f = new FunctionBuilder(`short_${format.name}`, ['i32', 'i32', 'i32'], 'i32');
  const [n, a, b] = f.parameters;
  const used = f.let(op('i32.mul', n, i32c(bytes)));
  const blocks = f.let(op('i32.and', used, i32c(-blockBytes)));
  const rest = f.let(sub(used, blocks));
  const run = i32c(8 * bytes);
  const end = f.var(blocks);
  const whole = f.var(used);
  f.if(
    op('i32.le_u', rest, run),
    () => {
      const first = add(a, blocks);
      const args = [first, add(first, i32c(bytes)), add(a, used), i32c(64)];
      f.let({ kind: 'call', type: 'i32', fn: `insertion_${format.name}`, args });
    },
    () => {
      f.set(end, add(blocks, i32c(blockBytes)));
      f.set(whole, end);
      // The largest keys, which stay at the end.
      f.fill(add(a, used), i32c(255), sub(whole, used));
    },
  );
  f.call(`network_${format.name}`, a, add(a, end));
  const width = f.var(run);
  f.while(op('i32.lt_u', width, whole), () => {
    const both = f.let(op('i32.shl', width, i32c(1)));
    const at = f.var(i32c(0));
    const four = f.let(op('i32.shl', width, i32c(2)));
    f.while(op('i32.le_u', add(at, four), whole), () => {
      f.call(`merge_twice_${format.name}`, add(a, at), width, add(b, at));
      f.set(at, add(at, four));
    });
    f.while(op('i32.lt_u', at, whole), () => {
      const left = f.let(sub(whole, at));
      const [from, to] = [f.let(add(a, at)), f.let(add(b, at))];
      f.if(
        op('i32.le_u', left, width),
        () => f.copy(to, from, left),
        () => {
          const beyond = f.let(sub(left, width));
          const second = select(op('i32.lt_u', beyond, width), beyond, width);
          f.call(`merge_${format.name}`, from, width, second, to);
        },
      );
      f.set(at, add(at, both));
    });
    const kept = f.var(a);
    f.set(a, b);
    f.set(b, kept);
    f.set(width, both);
  });
  f.return(a);
  return f.build();
}
