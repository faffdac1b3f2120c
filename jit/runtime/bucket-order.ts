/** The order of the pairs of a bucket. */
import { add, mul, shl, sub } from '../wasm/addresses.ts';
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
import { columnRows, rowBytes } from './column-sort.ts';
import { pairFormat } from './sort-calls.ts';

/**
 *     bucket_order(n, pairs, columns, exact, cursors, words, to, step, counts) → where the next bucket's positions go
 *
 * Pairs are of what a bucket leaves of a key, in the upper bits, and a position. Words of what is left of the key and of the place in the bucket, by
 * which equal keys stay as they were, are dealt out into columns by their next bits, [columns are sorted](column-sort.ts) four by four,
 * and the places in their order say which positions come next. Where a column overflows, which one in 10⁵ does if keys are random, or words do not
 * tell keys apart, pairs are sorted as any others are.
 */
export const bucketOrderFunctions = (): Func[] => [
  begin(),
  dealColumns(),
  overflow(),
  unclear(),
  take(),
  bucketOrder(),
];

const pair = pairFormat('uint32');
/** Four columns side by side. */
const blockBytes = columnRows * rowBytes;
/** The bits of a word above the place. */
const keyMask = -(2 ** placeBits);
/** A word where there is none: the largest, whose place none has. */
const unused = -1;

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
  const place = f.var(i32c(0));
  const some = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const product = f.let(op('i64.mul', load('i64.load32_u', pairs, pair.bytes * i + 4), wide));
      const slot = f.let(add(cursors, shl(op('i32.wrap_i64', op('i64.shr_u', product, i64c(32n))), 2)));
      const to = f.let(load('i32.load', slot));
      const word = op('i32.or', op('i32.and', op('i32.wrap_i64', product), i32c(keyMask)), add(place, i32c(i)));
      f.store('i32.store', to, word);
      f.store('i32.store', slot, add(to, i32c(rowBytes)));
    }
    f.set(pairs, add(pairs, i32c(count * pair.bytes)));
    f.set(place, add(place, i32c(count)));
  };
  const whole = f.let(op('i32.and', n, i32c(-4)));
  f.while(op('i32.lt_u', place, whole), () => some(4));
  f.while(op('i32.lt_u', place, n), () => some(1));
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

function bucketOrder(): Func {
  const f = new FunctionBuilder('bucket_order', new Array(9).fill('i32'), 'i32');
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
