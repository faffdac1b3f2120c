/** Positions in the order of many random keys. */
import {
  call,
  type Expr,
  type Func,
  FunctionBuilder,
  i32c,
  i32x4c,
  i32x4lanes,
  i64c,
  type Local,
  load,
  op,
} from '../wasm/code.ts';
import { placeBits } from './arrangement.ts';
import { inChunks } from './chunks.ts';
import { columnRows, rowBytes } from './column-sort.ts';
import { eachRow } from './sort.ts';
import { pairFormat } from './sort-calls.ts';

/**
 *     arrange_in_buckets(outer, n, inner, keys, positions, to, counts, bits, columns, capacity, stride, exact, table, cursors, words, buckets)
 *
 * Each row's keys with their positions are dealt out into buckets by their upper bits, which have room for what random keys bring: nothing is
 * counted beforehand. Then each bucket in the first-level cache: words of what is left of the key and of the place in the bucket, by which equal keys
 * stay as they were, are dealt out into columns by their next bits, [columns are sorted](column-sort.ts) four by four, and the places in their
 * order say which positions come next. Where a column overflows, which takes one in 10⁵, its bucket is sorted as any other keys are, and
 * where a bucket does, the row. Two passes over memory; by digits, there were five.
 */
export const bucketArrangeFunctions = (): Func[] => [
  deal(),
  fit(),
  begin(),
  dealColumns(),
  overflow(),
  unclear(),
  take(),
  bucket(),
  arrange(),
];

const pair = pairFormat('uint32');
const add = (a: Expr, b: Expr): Expr => op('i32.add', a, b);
const sub = (a: Expr, b: Expr): Expr => op('i32.sub', a, b);
const mul = (a: Expr, b: Expr): Expr => op('i32.mul', a, b);
const shl = (a: Expr, by: number): Expr => op('i32.shl', a, i32c(by));
/** Four columns side by side. */
const blockBytes = columnRows * rowBytes;
/** The bits of a word above the place. */
const keyMask = -(2 ** placeBits);
/** A word where there is none: the largest, whose place none has. */
const unused = -1;

/** bucket_deal(n, keys, positions, step, table, bits): pairs of what a bucket leaves of the key, in the upper bits, and a position. */
function deal(): Func {
  const f = new FunctionBuilder('bucket_deal', new Array(6).fill('i32'));
  const [n, keys, positions, step, table, bits] = f.parameters;
  const down = f.let(sub(i32c(32), bits));
  const up = f.let(op('i64.extend_i32_u', add(bits, i32c(32))));
  f.for(0, n, () => {
    const key = f.let(load('i32.load', keys));
    const slot = f.let(add(table, shl(op('i32.shr_u', key, down), 2)));
    const to = f.let(load('i32.load', slot));
    const rest = op('i64.shl', op('i64.extend_i32_u', key), up);
    f.store('i64.store', to, op('i64.or', rest, load('i64.load32_u', positions)));
    f.store('i32.store', slot, add(to, i32c(pair.bytes)));
    f.set(keys, add(keys, step));
    f.set(positions, add(positions, step));
  });
  return f.build();
}

/** buckets_fit(table, end, buckets, stride, capacity): whether no bucket has more than this number of bytes. */
function fit(): Func {
  const f = new FunctionBuilder('buckets_fit', new Array(5).fill('i32'), 'i32');
  const [table, end, buckets, stride, capacity] = f.parameters;
  f.while(op('i32.lt_u', table, end), () => {
    f.if(op('i32.gt_u', sub(load('i32.load', table), buckets), capacity), () => f.return(i32c(0)));
    f.set(buckets, add(buckets, stride));
    f.set(table, add(table, i32c(4)));
  });
  f.return(i32c(1));
  return f.build();
}

const firstPlaces = (f: FunctionBuilder, words: Expr): Local =>
  f.var(op('i32x4.add', op('i32x4.splat', words), i32x4lanes(0, 4, 8, 12)));

/** columns_begin(cursors, end, words): the first place of each column. */
function begin(): Func {
  const f = new FunctionBuilder('columns_begin', new Array(3).fill('i32'));
  const [cursors, end, words] = f.parameters;
  const places = firstPlaces(f, words);
  f.while(op('i32.lt_u', cursors, end), () => {
    f.store('v128.store', cursors, places);
    f.set(places, op('i32x4.add', places, i32x4c(blockBytes)));
    f.set(cursors, add(cursors, i32c(16)));
  });
  return f.build();
}

/**
 * columns_deal(n, pairs, columns, cursors): what is left of a key is a fraction of 2³². Of `columns` times as much the integer is the column, and
 * what is behind the point the order in there, of which the upper bits are put before the place.
 */
function dealColumns(): Func {
  const f = new FunctionBuilder('columns_deal', new Array(4).fill('i32'));
  const [n, pairs, columns, cursors] = f.parameters;
  const wide = f.let(op('i64.extend_i32_u', columns));
  f.for(0, n, (place) => {
    const product = f.let(op('i64.mul', load('i64.load32_u', pairs, 4), wide));
    const slot = f.let(add(cursors, shl(op('i32.wrap_i64', op('i64.shr_u', product, i64c(32n))), 2)));
    const to = f.let(load('i32.load', slot));
    f.store('i32.store', to, op('i32.or', op('i32.and', op('i32.wrap_i64', product), i32c(keyMask)), place));
    f.store('i32.store', slot, add(to, i32c(rowBytes)));
    f.set(pairs, add(pairs, i32c(pair.bytes)));
  });
  return f.build();
}

/** columns_overflow(cursors, end, words): whether a column has more words than it has room for. */
function overflow(): Func {
  const f = new FunctionBuilder('columns_overflow', new Array(3).fill('i32'), 'i32');
  const [cursors, end, words] = f.parameters;
  const last = f.var(op('i32x4.add', firstPlaces(f, words), i32x4c(blockBytes)));
  const beyond = f.local('v128');
  f.while(op('i32.lt_u', cursors, end), () => {
    f.set(beyond, op('v128.or', beyond, op('i32x4.gt_u', load('v128.load', cursors), last)));
    f.set(last, op('i32x4.add', last, i32x4c(blockBytes)));
    f.set(cursors, add(cursors, i32c(16)));
  });
  f.return(op('v128.any_true', beyond));
  return f.build();
}

/** columns_unclear(words, end): whether neighbours of a column have equal bits of keys, so that their order is that of their places. */
function unclear(): Func {
  const f = new FunctionBuilder('columns_unclear', new Array(2).fill('i32'), 'i32');
  const [words, end] = f.parameters;
  const mask = f.var(i32x4c(keyMask));
  const last = f.let(sub(end, i32c(rowBytes)));
  const row = f.var(load('v128.load', words));
  const found = f.local('v128');
  f.while(op('i32.lt_u', words, last), () => {
    const next = f.let(load('v128.load', words, rowBytes));
    const equal = op('i32x4.eq', op('v128.and', op('v128.xor', row, next), mask), i32x4c(0));
    f.set(found, op('v128.or', found, op('v128.andnot', equal, op('i32x4.eq', next, i32x4c(unused)))));
    f.set(row, next);
    f.set(words, add(words, i32c(rowBytes)));
  });
  f.return(op('v128.any_true', found));
  return f.build();
}

/** columns_take(columns, cursors, words, pairs, to, step): the positions of pairs in the order of the words; where the next ones go. */
function take(): Func {
  const f = new FunctionBuilder('columns_take', new Array(6).fill('i32'), 'i32');
  const [columns, cursors, words, pairs, to, step] = f.parameters;
  f.for(0, columns, (column) => {
    const block = mul(op('i32.shr_u', column, i32c(2)), i32c(blockBytes));
    const word = f.var(add(words, add(block, shl(op('i32.and', column, i32c(3)), 2))));
    const end = f.let(load('i32.load', add(cursors, shl(column, 2))));
    f.while(op('i32.lt_u', word, end), () => {
      const at = op('i32.and', load('i32.load', word), i32c(~keyMask));
      f.store('i32.store', to, load('i32.load', add(pairs, shl(at, 3))));
      f.set(to, add(to, step));
      f.set(word, add(word, i32c(rowBytes)));
    });
  });
  f.return(to);
  return f.build();
}

/** bucket_arrange(n, pairs, columns, exact, cursors, words, to, step, counts): where the next bucket's positions go. */
function bucket(): Func {
  const f = new FunctionBuilder('bucket_arrange', new Array(9).fill('i32'), 'i32');
  const [n, pairs, columns, exact, cursors, words, to, step, counts] = f.parameters;
  const end = f.let(add(cursors, shl(columns, 2)));
  const wordsEnd = f.let(add(words, mul(columns, i32c(blockBytes / 4))));
  const otherwise = (): void => {
    const sorted = call(`radix_${pair.name}`, 'i32', n, pairs, words, counts);
    f.call(`payloads_${pair.name}`, n, sorted, to, step);
    f.return(add(to, mul(n, step)));
  };
  f.call('columns_begin', cursors, end, words);
  f.fill(words, i32c(unused), sub(wordsEnd, words));
  f.call('columns_deal', n, pairs, columns, cursors);
  f.if(call('columns_overflow', 'i32', cursors, end, words), otherwise);
  f.call('sort_columns', words, wordsEnd);
  f.if(op('i32.eqz', exact), () => f.if(call('columns_unclear', 'i32', words, wordsEnd), otherwise));
  f.return(call('columns_take', 'i32', columns, cursors, words, pairs, to, step));
  return f.build();
}

function arrange(): Func {
  const f = new FunctionBuilder('arrange_in_buckets', new Array(16).fill('i32'));
  const [outer, n, inner, keys, positions, to, counts, bits, ...more] = f.parameters;
  const [columns, capacity, stride, exact, table, cursors, words, buckets] = more as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  const step = f.let(shl(inner, 2));
  const end = f.let(add(table, op('i32.shl', i32c(4), bits)));
  const eachBucket = (body: (slot: Local, pairs: Local) => void): void => {
    const [slot, pairs] = [f.var(table), f.var(buckets)];
    f.while(op('i32.lt_u', slot, end), () => {
      body(slot, pairs);
      f.set(slot, add(slot, i32c(4)));
      f.set(pairs, add(pairs, stride));
    });
  };
  eachRow(f, outer, n, inner, (at) => {
    const [source, beside] = [keys, positions].map((array) => f.let(add(array, shl(at, 2)))) as [Expr, Expr];
    const target = f.var(add(to, shl(at, 2)));
    eachBucket((slot, pairs) => f.store('i32.store', slot, pairs));
    inChunks(f, n, (i, length) => {
      const distance = f.let(mul(i, step));
      f.call('bucket_deal', length, add(source, distance), add(beside, distance), step, table, bits);
    });
    f.if(
      call('buckets_fit', 'i32', table, end, buckets, stride, capacity),
      () =>
        eachBucket((slot, pairs) => {
          const length = op('i32.shr_u', sub(load('i32.load', slot), pairs), i32c(Math.log2(pair.bytes)));
          const args = [length, pairs, columns, exact, cursors, words, target, step, counts];
          f.set(target, call('bucket_arrange', 'i32', ...args));
        }),
      () => {
        // Buffers of the whole row, where the buckets were.
        const second = op('i32.and', add(add(table, mul(n, i32c(pair.bytes))), i32c(63)), i32c(-64));
        f.call('arrange_row', n, source, beside, step, target, table, second, counts);
      },
    );
  });
  return f.build(true);
}
