/** Shuffles: positions in the order of random keys, again and again. */

import { hashRounds } from '../math/threefry.ts';
import { add, mul, shl, sub } from '../wasm/addresses.ts';
import { call, type Expr, type Func, FunctionBuilder, i32c, type Local, load, op } from '../wasm/code.ts';
import { inChunks } from './chunks.ts';
import { blockKeys, keyBlocks } from './random-keys.ts';
import { eachRow } from './sort.ts';
import { pairFormat } from './sort-calls.ts';

/**
 *     shuffle(groups, outer, n, inner, rounds, k0, k1, to, bits, columns, capacity, stride, exact, table, cursors, words, buckets, block, counts, keys)
 *     shuffle_rows(groups, outer, n, inner, rounds, k0, k1, to, counts, keys)
 *
 * Groups of outer × n × inner elements have a key each, of two words. In every round the key splits into the next one and one for a hash of each element, by
 * which rows are sorted. Of n keys of 32 random bits it is known where they go: they are dealt out into buckets by their upper
 * bits, which have room for what random keys bring, so that nothing is counted beforehand, and which the first-level
 * cache then holds one by one. Hashes of a block are computed while the block before is dealt out: their chains of instructions leave the
 * processor time. Two passes over memory; by digits, keys and hashes in memory, there were seven. Where a bucket overflows after all, or rows are short,
 * keys are computed first and sorted as any others.
 */
export const shuffleFunctions = (): Func[] => [
  deal('first'),
  deal('next'),
  fit(),
  positions(),
  shuffleRows(),
  shuffle(),
];

const pair = pairFormat('uint32');

/**
 * shuffle_deal_next(n, k0, k1, counter, inner, position, step, table, bits, block): pairs of what a bucket leaves of the key, in the
 * upper bits, and a position: where `position` points to, so many bytes apart. In the first round positions are numbers from that of the
 * argument on, which are not in memory. At `block` there is room for a block of keys.
 */
function deal(round: 'first' | 'next'): Func {
  const f = new FunctionBuilder(`shuffle_deal_${round}`, new Array(10).fill('i32'));
  const [n, k0, k1, counter, inner, position, step, table, bits, block] = f.parameters;
  const down = f.let(sub(i32c(32), bits));
  const up = f.let(op('i64.extend_i32_u', add(bits, i32c(32))));
  const put = (i: number): void => {
    const key = f.let(load('i32.load', block, 4 * i));
    const slot = f.let(add(table, shl(op('i32.shr_u', key, down), 2)));
    const to = f.let(load('i32.load', slot));
    const left = op('i64.shl', op('i64.extend_i32_u', key), up);
    const own = round === 'first' ? op('i64.extend_i32_u', position) : load('i64.load32_u', position);
    f.store('i64.store', to, op('i64.or', left, own));
    f.store('i32.store', slot, add(to, i32c(pair.bytes)));
    f.set(position, add(position, round === 'first' ? i32c(1) : step));
  };
  f.call('random_keys', i32c(blockKeys), k0, k1, counter, inner, block);
  const next = keyBlocks(f, [k0, k1], add(counter, mul(inner, i32c(blockKeys))), inner);
  f.while(op('i32.ge_s', n, i32c(blockKeys)), () => {
    let done = 0;
    next.store(block, (turn) => {
      for (const until = ((turn + 1) * blockKeys) / hashRounds; done < Math.floor(until); done++) put(done);
    });
    f.set(n, sub(n, i32c(blockKeys)));
  });
  f.for(0, n, () => {
    put(0);
    f.set(block, add(block, i32c(4)));
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

/** shuffle_positions(n, to, step): 0 … n − 1, so many bytes apart. */
function positions(): Func {
  const f = new FunctionBuilder('shuffle_positions', new Array(3).fill('i32'));
  const [n, to, step] = f.parameters;
  f.for(0, n, (i) => {
    f.store('i32.store', to, i);
    f.set(to, add(to, step));
  });
  return f.build();
}

/** Goes over the rounds of each group, with the key of the round; `to` moves on from group to group. */
function eachRound(
  f: FunctionBuilder,
  [groups, rounds, first, second, to]: readonly [Expr, Expr, Expr, Expr, Local],
  bytes: Expr,
  body: (round: Local, key: readonly [Expr, Expr]) => void,
  before?: () => void,
): void {
  f.for(0, groups, (group) => {
    before?.();
    const words = [first, second].map((words) => f.var(load('i32.load', add(words, shl(group, 2))))) as [Local, Local];
    f.for(0, rounds, (round) => {
      const key = (i: number): [Expr, Expr] => {
        const [first, second] = [0, 1].map((word) => f.let(call('split_key', 'i32', ...words, i32c(i), i32c(word))));
        return [first!, second!];
      };
      body(round, key(1));
      f.if(op('i32.lt_s', add(round, i32c(1)), rounds), () =>
        key(0).forEach((word, i) => {
          f.set(words[i]!, word);
        }),
      );
    });
    f.set(to, add(to, bytes));
  });
}

function shuffleRows(): Func {
  const f = new FunctionBuilder('shuffle_rows', new Array(10).fill('i32'));
  const [groups, outer, n, inner, rounds, first, second, to, counts, keys] = f.parameters;
  const elements = f.let(mul(outer, mul(n, inner)));
  const step = f.let(shl(inner, 2));
  const begin = (): void =>
    eachRow(f, outer, n, inner, (at) => f.call('shuffle_positions', n, add(to, shl(at, 2)), step));
  const round = (_: Local, [k0, k1]: readonly [Expr, Expr]): void => {
    inChunks(f, elements, (at, count) => f.call('random_keys', count, k0, k1, at, i32c(1), add(keys, shl(at, 2))));
    f.call('arrange', outer, n, inner, keys, to, to, counts);
  };
  eachRound(f, [groups, rounds, first, second, to], shl(elements, 2), round, begin);
  return f.build(true);
}

function shuffle(): Func {
  const f = new FunctionBuilder('shuffle', new Array(20).fill('i32'));
  const [groups, outer, n, inner, rounds, first, second, to, bits, columns, ...more] = f.parameters;
  const [capacity, stride, exact, table, cursors, words, buckets, block, counts, keys] = more as Local[] as [
    Local,
    Local,
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
  const bytes = f.let(mul(outer, mul(n, step)));
  const end = f.let(add(table, op('i32.shl', i32c(4), bits)));
  const eachBucket = (body: (slot: Local, pairs: Local) => void): void => {
    const [slot, pairs] = [f.var(table), f.var(buckets)];
    f.while(op('i32.lt_u', slot, end), () => {
      body(slot, pairs);
      f.set(slot, add(slot, i32c(4)));
      f.set(pairs, add(pairs, stride));
    });
  };
  eachRound(f, [groups, rounds, first, second, to], bytes, (round, [k0, k1]) => {
    eachRow(f, outer, n, inner, (at) => {
      const target = f.var(add(to, shl(at, 2)));
      const row = f.let(target);
      eachBucket((slot, pairs) => f.store('i32.store', slot, pairs));
      inChunks(f, n, (i, length) => {
        const counter = f.let(add(at, mul(i, inner)));
        const dealt = (which: 'first' | 'next', position: Expr): void =>
          f.call(`shuffle_deal_${which}`, length, k0, k1, counter, inner, position, step, table, bits, block);
        f.if(
          round,
          () => dealt('next', add(row, mul(i, step))),
          () => dealt('first', i),
        );
      });
      f.if(
        call('buckets_fit', 'i32', table, end, buckets, stride, capacity),
        () =>
          eachBucket((slot, pairs) => {
            const length = op('i32.shr_u', sub(load('i32.load', slot), pairs), i32c(Math.log2(pair.bytes)));
            const args = [length, pairs, columns, exact, cursors, words, target, step, counts];
            f.set(target, call('bucket_order', 'i32', ...args));
          }),
        () => {
          f.if(op('i32.eqz', round), () => f.call('shuffle_positions', n, row, step));
          // The keys of all rows, so that this one's lie as its positions do.
          const all = op('i32.shr_u', bytes, i32c(2));
          inChunks(f, all, (i, count) => f.call('random_keys', count, k0, k1, i, i32c(1), add(keys, shl(i, 2))));
          const second = op('i32.and', add(add(buckets, mul(n, i32c(pair.bytes))), i32c(63)), i32c(-64));
          f.call('arrange_row', n, add(keys, shl(at, 2)), row, step, row, buckets, second, counts);
        },
      );
    });
  });
  return f.build(true);
}
