/** The key at one position of the order of some keys, and how many there are before it. */
import { add, sub } from '../wasm/addresses.ts';
import {
  call,
  type Expr,
  type Func,
  FunctionBuilder,
  i32c,
  i64c,
  i64x2c,
  lane,
  load,
  op,
  select,
} from '../wasm/code.ts';
import type { Format } from './radix.ts';

/**
 *     quick_k32(n, a, position, b, counts, ranks) → the key at this position of the order of n keys
 *
 * Splits the keys around the median of three of them, without a branch for each, and goes on with the part in which the
 * position is, until a few are left, which are sorted. Should the parts not get smaller fast enough, the rest is left to
 * `select_k32`. At `ranks` are then how many keys are smaller and how many are not larger. Keys stay where they are; at b there is
 * room for twice as many.
 */
export const quickselect = (format: Format): Func[] => [split(format), ranks(format), quick(format)];

/** Keys up to which this takes less time than to deal them by digits. */
export const mostForQuick = 4096;
/** Keys that are sorted. */
const few = 8;
/** Splits, of which six or seven leave a few of 300, and twelve of 4096. */
const patience = 20;

const typeOf = ({ bytes }: Format): 'i32' | 'i64' => (bytes === 8 ? 'i64' : 'i32');

/**
 * split_k32(from, end, pivot, to) → the end of the keys below the pivot, from `to` on; those that are not come behind them. Each
 * key is written to both ends of what is free.
 */
function split(format: Format): Func {
  const type = typeOf(format);
  const f = new FunctionBuilder(`split_${format.name}`, ['i32', 'i32', type, 'i32'], 'i32');
  const [from, end, pivot, to] = f.parameters;
  const last = f.let(sub(end, i32c(format.bytes)));
  f.while(op('i32.lt_u', from, end), () => {
    const key = f.let(load(`${type}.load`, from));
    f.store(`${type}.store`, to, key);
    f.store(`${type}.store`, add(to, sub(last, from)), key);
    f.set(to, add(to, op('i32.shl', op(`${type}.lt_u`, key, pivot), i32c(Math.log2(format.bytes)))));
    f.set(from, add(from, i32c(format.bytes)));
  });
  f.return(to);
  return f.build();
}

/** ranks_k32(n, from, key, ranks): adds how many keys are smaller, and how many are not larger. */
function ranks(format: Format): Func {
  const type = typeOf(format);
  const f = new FunctionBuilder(`ranks_${format.name}`, ['i32', 'i32', type, 'i32']);
  const [n, from, key, counts] = f.parameters;
  const below = f.var(load('i32.load', counts));
  const upTo = f.var(load('i32.load', counts, 4));
  // Of 64 bits there are only signed comparisons.
  const [vector, lanes] = type === 'i64' ? ['i64x2', 2] : ['i32x4', 4];
  f.if(op('i32.ge_s', n, i32c(16)), () => {
    const ordered = (x: Expr): Expr => (type === 'i64' ? op('v128.xor', x, i64x2c(-(2n ** 63n))) : x);
    const pivot = f.let(ordered(op(`${vector}.splat`, key)));
    const [smaller, larger] = [f.local('v128'), f.local('v128')];
    const sign = type === 'i64' ? 's' : 'u';
    f.for(
      0,
      op('i32.and', n, i32c(-lanes)),
      () => {
        const others = f.let(ordered(load('v128.load', from)));
        // What is true is −1.
        f.set(smaller, op(`${vector}.sub`, smaller, op(`${vector}.lt_${sign}`, others, pivot)));
        f.set(larger, op(`${vector}.sub`, larger, op(`${vector}.gt_${sign}`, others, pivot)));
        f.set(from, add(from, i32c(16)));
      },
      lanes,
    );
    const sum = (x: Expr): Expr =>
      Array.from({ length: lanes }, (_, i) =>
        type === 'i64' ? op('i32.wrap_i64', lane('i64x2.extract_lane', i, x)) : lane('i32x4.extract_lane', i, x),
      ).reduce(add);
    f.set(below, add(below, sum(smaller)));
    f.set(upTo, sub(add(upTo, op('i32.and', n, i32c(-lanes))), sum(larger)));
    f.set(n, op('i32.and', n, i32c(lanes - 1)));
  });
  f.for(0, n, () => {
    const other = f.let(load(`${type}.load`, from));
    f.set(below, add(below, op(`${type}.lt_u`, other, key)));
    f.set(upTo, add(upTo, op(`${type}.le_u`, other, key)));
    f.set(from, add(from, i32c(format.bytes)));
  });
  f.store('i32.store', counts, below);
  f.store('i32.store', counts, upTo, 4);
  return f.build();
}

function quick(format: Format): Func {
  const { bytes, name } = format;
  const type = typeOf(format);
  const f = new FunctionBuilder(`quick_${name}`, new Array(6).fill('i32'), type);
  const [n, from, position, out, counts, places] = f.parameters;
  const inKeys = (index: Expr): Expr => op('i32.shl', index, i32c(Math.log2(bytes)));
  const keyAt = (ptr: Expr): Expr => f.let(load(`${type}.load`, ptr));
  const least = (x: Expr, y: Expr): Expr => f.let(select(op(`${type}.lt_u`, x, y), x, y));
  const most = (x: Expr, y: Expr): Expr => f.let(select(op(`${type}.lt_u`, x, y), y, x));
  const next = f.var(add(out, inKeys(n)));
  const left = f.var(i32c(patience));
  // Keys that have been split off from before the others.
  const below = f.var(i32c(0));
  const key = f.local(type);
  const finish = (equal: Expr): void => {
    f.store('i32.store', places, below);
    f.store('i32.store', places, add(below, equal), 4);
    f.return(key);
  };
  const count = (): void => {
    f.store('i32.store', places, below);
    f.store('i32.store', places, below, 4);
    f.call(`ranks_${name}`, n, from, key, places);
    f.return(key);
  };
  f.if(op('i32.le_s', n, i32c(few)), () => {
    f.copy(out, from, inKeys(n));
    f.set(from, out);
  });
  f.while(op('i32.gt_s', n, i32c(few)), () => {
    f.if(op('i32.eqz', left), () => {
      f.set(key, load(`${type}.load`, call(`select_${name}`, 'i32', n, from, position, out, counts)));
      count();
    });
    f.set(left, sub(left, i32c(1)));
    const end = f.let(add(from, inKeys(n)));
    const [x, y, z] = [
      keyAt(from),
      keyAt(add(from, inKeys(op('i32.shr_u', n, i32c(1))))),
      keyAt(sub(end, i32c(bytes))),
    ];
    f.set(key, most(least(x, y), least(most(x, y), z)));
    const splitAt = (pivot: Expr): Expr =>
      f.let(op('i32.shr_u', sub(call(`split_${name}`, 'i32', from, end, pivot, out), out), i32c(Math.log2(bytes))));
    const first = f.var(splitAt(key));
    f.if(op('i32.eqz', first), () => {
      // Nothing is below: those equal to it are split off. Behind the largest key there is none.
      const beyond = f.let(op(`${type}.add`, key, type === 'i64' ? i64c(1n) : i32c(1)));
      f.if(op(`${type}.eqz`, beyond), () => finish(n));
      f.set(first, splitAt(beyond));
      f.if(op('i32.lt_s', position, first), () => finish(first));
    });
    f.set(from, out);
    f.set(out, next);
    f.set(next, from);
    f.if(
      op('i32.lt_s', position, first),
      () => f.set(n, first),
      () => {
        f.set(from, add(from, inKeys(first)));
        f.set(n, sub(n, first));
        f.set(position, sub(position, first));
        f.set(below, add(below, first));
      },
    );
  });
  f.let(call(`insertion_${name}`, 'i32', from, add(from, i32c(bytes)), add(from, inKeys(n)), i32c(few * few)));
  f.set(key, load(`${type}.load`, add(from, inKeys(position))));
  count();
  return f.build();
}
