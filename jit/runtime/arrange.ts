import { type Expr, type Func, FunctionBuilder, i32c, i64c, type Local, load, op, select } from '../wasm/code.ts';
import { inChunks } from './chunks.ts';
import { insertionSteps } from './radix.ts';
import { buffersIn, eachRow } from './sort.ts';
import { pairFormat } from './sort-calls.ts';

/**
 * Positions in the order of random keys. Of n keys of 32 random bits, n²/2ᵇ⁺¹ pairs or so agree in their upper b bits, and half of these stand
 * in the wrong order: few, if 2ᵇ is a good deal more than n. So the elements are dealt out by two or three bytes of the key, stably, and the
 * rest is done by insertion; should that take too long, the keys are not random, and sorted as any others. The first pass reads keys and
 * positions where they are and makes pairs of them. 256 places are as many lines as a first-level cache has room for: three passes take
 * less time than two by eleven bits each.
 *
 *     arrange(outer, n, inner, keys, positions, to, scratch)
 */
export const arrangeFunctions = (): Func[] => [count(), deal(), arrange()];

/** Rows up to this length are sorted as any others. */
const short = 256;
/** Keys up to so many differ in their upper 16 bits often enough. */
const fewForTwo = 20_000;
const [passes, buckets] = [3, 256];

const pair = pairFormat('uint32');
const add = (a: Expr, b: Expr): Expr => op('i32.add', a, b);
const mul = (a: Expr, b: Expr): Expr => op('i32.mul', a, b);
const shl = (a: Expr, by: number): Expr => op('i32.shl', a, i32c(by));
const call = (fn: string, ...args: Expr[]): Expr => ({ kind: 'call', type: 'i32', fn, args });
const digit = (key: Expr, shift: Expr): Expr => op('i32.and', op('i32.shr_u', key, shift), i32c(buckets - 1));
/** A pass goes by the byte above this bit; the lowest byte has none. */
const shiftOf = (pass: Expr): Expr => shl(add(pass, i32c(1)), 3);

/** arrange_count(n, keys, step, counts): adds the upper three bytes of n keys, `step` bytes apart, to a table for each. */
function count(): Func {
  const f = new FunctionBuilder('arrange_count', new Array(4).fill('i32'));
  const [n, keys, step, counts] = f.parameters;
  f.for(0, n, () => {
    const key = f.let(load('i32.load', keys));
    for (let pass = 0; pass < passes; pass++) {
      const slot = f.let(add(counts, shl(digit(key, i32c(8 * pass + 8)), 2)));
      const table = 4 * buckets * pass;
      f.store('i32.store', slot, add(load('i32.load', slot, table), i32c(1)), table);
    }
    f.set(keys, add(keys, step));
  });
  return f.build();
}

/** arrange_deal(n, keys, positions, step, table, shift): puts n pairs where the table says. */
function deal(): Func {
  const f = new FunctionBuilder('arrange_deal', new Array(6).fill('i32'));
  const [n, keys, positions, step, table, shift] = f.parameters;
  f.for(0, n, () => {
    const key = f.let(load('i32.load', keys));
    const slot = f.let(add(table, shl(digit(key, shift), 2)));
    const to = f.let(load('i32.load', slot));
    const high = op('i64.shl', op('i64.extend_i32_u', key), i64c(32n));
    f.store('i64.store', to, op('i64.or', high, op('i64.extend_i32_u', load('i32.load', positions))));
    f.store('i32.store', slot, add(to, i32c(pair.bytes)));
    f.set(keys, add(keys, step));
    f.set(positions, add(positions, step));
  });
  return f.build();
}

function arrange(): Func {
  const f = new FunctionBuilder('arrange', new Array(7).fill('i32'));
  const [outer, n, inner, keys, positions, to, scratch] = f.parameters;
  const [counts, a, b] = buffersIn(f, n, pair, scratch);
  const step = f.let(shl(inner, 2));
  const pairs = (elements: Expr): Expr => shl(elements, 3);
  const tableOf = (pass: Expr): Expr => add(counts, mul(pass, i32c(4 * buckets)));
  const swap = (): void => {
    const kept = f.var(a);
    f.set(a, b);
    f.set(b, kept);
  };
  eachRow(f, outer, n, inner, (at) => {
    const [source, beside, target] = [keys, positions, to].map((array) => f.let(add(array, shl(at, 2)))) as [
      Local,
      Local,
      Local,
    ];
    const sorted = f.var(a);
    const sort = (): void => f.set(sorted, call(`radix_${pair.name}`, n, a, b, counts));
    f.if(
      op('i32.le_s', n, i32c(short)),
      () => {
        f.let(call(`keys_u32_${pair.name}`, n, source, step, a, beside));
        sort();
      },
      () => {
        f.fill(counts, i32c(0), i32c(4 * buckets * passes));
        inChunks(f, n, (i, length) => f.call('arrange_count', length, add(source, mul(i, step)), step, counts));
        const first = f.let(select(op('i32.gt_s', n, i32c(fewForTwo)), i32c(0), i32c(1)));
        const table = f.var(tableOf(first));
        f.call('radix_places', table, i32c(buckets), a, i32c(3));
        inChunks(f, n, (i, length) => {
          const distance = f.let(mul(i, step));
          f.call('arrange_deal', length, add(source, distance), add(beside, distance), step, table, shiftOf(first));
        });
        f.for(add(first, i32c(1)), passes, (pass) => {
          f.set(table, tableOf(pass));
          f.call('radix_places', table, i32c(buckets), b, i32c(3));
          inChunks(f, n, (i, length) =>
            f.call(`radix_deal_${pair.name}`, length, add(a, pairs(i)), table, shiftOf(pass), i32c(buckets - 1)),
          );
          swap();
        });
        const steps = f.var(insertionSteps(n));
        inChunks(f, n, (i, length) => {
          const args = [a, add(a, pairs(i)), add(a, pairs(add(i, length))), steps];
          f.if(op('i32.ge_s', steps, i32c(0)), () => f.set(steps, call(`insertion_${pair.name}`, ...args)));
        });
        f.set(sorted, a);
        f.if(op('i32.lt_s', steps, i32c(0)), sort);
      },
    );
    inChunks(f, n, (i, length) =>
      f.call(`payloads_${pair.name}`, length, add(sorted, pairs(i)), add(target, mul(i, step)), step),
    );
  });
  return f.build(true);
}
