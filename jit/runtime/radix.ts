import { add, shl } from '../wasm/addresses.ts';
import {
  type Expr,
  type Func,
  FunctionBuilder,
  i32c,
  i64c,
  type Local,
  load,
  op,
  type WasmType,
} from '../wasm/code.ts';
import { inChunks } from './chunks.ts';
import { mostShortPairs, shortPairs } from './short-pairs.ts';
import { shortSort } from './short-sort.ts';

/**
 * Radix sort, least significant digit first (D. Knuth, The Art of Computer Programming 3, 5.2.5): one pass counts the
 * digits at all places, then each place has a pass that deals the elements out in the order of their digits, from one
 * buffer to the other. It is stable, and a place at which all digits are equal costs nothing. The upper places alone put
 * most elements where they belong; the rest is done by insertion, unless that takes more steps than expected: then all
 * places are gone through after all. Few elements are inserted from the start, and what is in order stays as it is.
 *
 *     radix_k32(n, a, b, counts) → a or b, where the sorted elements are
 */
export interface Format {
  readonly name: 'k32' | 'k64' | 'p32' | 'p64';
  /** Of an element: a key, or a key and 32 bits that go along. */
  readonly bytes: 4 | 8 | 16;
  readonly keyBits: 32 | 64;
  readonly pair: boolean;
}

/** A 32-bit key in a pair is the upper half of 64 bits; a 64-bit one is the first half of 128. */
export const formats: readonly Format[] = [
  { name: 'k32', bytes: 4, keyBits: 32, pair: false },
  { name: 'k64', bytes: 8, keyBits: 64, pair: false },
  { name: 'p32', bytes: 8, keyBits: 32, pair: true },
  { name: 'p64', bytes: 16, keyBits: 64, pair: true },
];

/** Elements up to which they are inserted, and above which digits have 11 bits rather than 8. */
const few = 48;
/** Keys without payload beyond which they go through a network instead, and up to which that is quicker than digits. */
const veryFew = 16;
const some = { k32: 240, k64: 600 };
const many = 20_000;

const passesOf = (format: Format, bits: number): number => Math.ceil(format.keyBits / bits);
/** The lower places that are left to insertion: at least 24 bits of a key of 32 are gone by, and 31 of one of 64. */
const leftOut = (format: Format, bits: number): number =>
  format.keyBits === 64 ? (bits === 8 ? 4 : 3) : bits === 8 ? 1 : 0;
/** Steps of insertion for each element, beyond which it is given up. */
const patience = 8;
export const countBytes: number = 4 * 6 * 2048;

/** Steps of insertion of n elements, after which it is given up. */
export const insertionSteps = (n: Expr): Expr => op('i32.mul', n, i32c(patience));

/** Moves whole elements. */
const moves: Record<Format['name'], readonly [type: WasmType, load: string, store: string]> = {
  k32: ['i32', 'i32.load', 'i32.store'],
  k64: ['i64', 'i64.load', 'i64.store'],
  p32: ['i64', 'i64.load', 'i64.store'],
  p64: ['v128', 'v128.load', 'v128.store'],
};

/** The key of the element at `ptr`, which has been loaded as `element`: an i32 or i64 to be compared as unsigned. */
function keyOf(format: Format, ptr: Expr, element: Expr): Expr {
  if (format.name === 'p64') return load('i64.load', ptr);
  return format.name === 'p32' ? op('i64.shr_u', element, i64c(32n)) : element;
}

/** A digit of the key: `mask` of its bits above `shift` (an i32). */
function digitOf(format: Format, ptr: Expr, element: Expr, shift: Expr, mask: Expr): Expr {
  if (format.name === 'k32') return op('i32.and', op('i32.shr_u', element, shift), mask);
  const at = format.name === 'p32' ? add(shift, i32c(32)) : shift;
  const word = format.name === 'p64' ? load('i64.load', ptr) : element;
  return op('i32.and', op('i32.wrap_i64', op('i64.shr_u', word, op('i64.extend_i32_u', at))), mask);
}

const countName = (format: Format, bits: number, first: number): string =>
  `radix_count_${format.name}_${bits}_${first}`;

export const radixFunctions = (): Func[] => [
  places(),
  payloadsOrdered(),
  ...shortPairs(),
  ...formats.flatMap((format) => [
    ordered(format),
    inOrder(format),
    insertion(format),
    ...(format.pair ? [] : shortSort(format)),
    ...[8, 11].flatMap((bits) => [...new Set([0, leftOut(format, bits)])].map((first) => count(format, bits, first))),
    deal(format),
    radix(format),
  ]),
];

/** ordered(here, end): whether no element from `here` on has a smaller key than the one before it. */
function ordered(format: Format): Func {
  const f = new FunctionBuilder(`ordered_${format.name}`, ['i32', 'i32'], 'i32');
  const [here, end] = [f.param(0), f.param(1)];
  const loading = format.keyBits === 64 ? 'i64.load' : moves[format.name][1];
  const keyAt = (ptr: Expr): Expr => keyOf(format, ptr, load(loading, ptr));
  const before = f.var(keyAt(op('i32.sub', here, i32c(format.bytes))));
  f.while(op('i32.lt_u', here, end), () => {
    const key = f.let(keyAt(here));
    f.if(op(`${key.type}.gt_u`, before, key), () => f.return(i32c(0)));
    f.set(before, key);
    f.set(here, add(here, i32c(format.bytes)));
  });
  f.return(i32c(1));
  return f.build();
}

/** in_order_k32(n, a): whether n elements are in order. */
function inOrder(format: Format): Func {
  const f = new FunctionBuilder(`in_order_${format.name}`, ['i32', 'i32'], 'i32');
  const [n, a] = [f.param(0), f.param(1)];
  const bytesOf = (elements: Expr): Expr => op('i32.mul', elements, i32c(format.bytes));
  inChunks(f, op('i32.sub', n, i32c(1)), (at, length) => {
    const here = f.let(add(a, bytesOf(add(at, i32c(1)))));
    const args = [here, add(here, bytesOf(length))];
    f.if(op('i32.eqz', { kind: 'call', type: 'i32', fn: `ordered_${format.name}`, args }), () => f.return(i32c(0)));
  });
  f.return(i32c(1));
  return f.build();
}

/** payloads_ordered(here, end): the same of what goes along with keys of 32 bits. */
function payloadsOrdered(): Func {
  const f = new FunctionBuilder('payloads_ordered', ['i32', 'i32'], 'i32');
  const [here, end] = [f.param(0), f.param(1)];
  const before = f.var(load('i32.load', op('i32.sub', here, i32c(8))));
  f.while(op('i32.lt_u', here, end), () => {
    const payload = f.let(load('i32.load', here));
    f.if(op('i32.gt_u', before, payload), () => f.return(i32c(0)));
    f.set(before, payload);
    f.set(here, add(here, i32c(8)));
  });
  f.return(i32c(1));
  return f.build();
}

/** insertion(from, begin, end, steps): inserts the elements from `begin` on into those before; the steps that are left. */
function insertion(format: Format): Func {
  const f = new FunctionBuilder(`insertion_${format.name}`, ['i32', 'i32', 'i32', 'i32'], 'i32');
  const [from, here, end, steps] = [0, 1, 2, 3].map((i) => f.param(i)) as [Local, Local, Local, Local];
  const [, loading, storing] = moves[format.name];
  const greater = format.name === 'k32' ? 'i32.gt_u' : 'i64.gt_u';
  f.while(op('i32.lt_u', here, end), () => {
    const element = f.let(load(loading, here));
    const key = f.let(keyOf(format, here, element));
    const to = f.var(here);
    f.while(op('i32.gt_u', to, from), () => {
      const before = f.let(op('i32.sub', to, i32c(format.bytes)));
      const other = f.let(load(loading, before));
      f.if(op('i32.eqz', op(greater, keyOf(format, before, other), key)), () => f.break());
      f.store(storing, to, other);
      f.set(to, before);
    });
    f.if(op('i32.ne', to, here), () => {
      f.store(storing, to, element);
      f.set(steps, op('i32.sub', steps, op('i32.shr_u', op('i32.sub', here, to), i32c(Math.log2(format.bytes)))));
      f.if(op('i32.lt_s', steps, i32c(0)), () => f.break());
    });
    f.set(here, add(here, i32c(format.bytes)));
  });
  f.return(steps);
  return f.build();
}

/** Adds n elements to the counts of digits of `bits` bits, from a place on: a table of 2^bits for each. */
function count(format: Format, bits: number, first: number): Func {
  const f = new FunctionBuilder(countName(format, bits, first), ['i32', 'i32', 'i32']);
  const [n, from, counts] = [f.param(0), f.param(1), f.param(2)];
  const [, loading] = moves[format.name];
  const end = f.let(add(from, op('i32.mul', n, i32c(format.bytes))));
  f.while(op('i32.lt_u', from, end), () => {
    const element = format.name === 'p64' ? i32c(0) : f.let(load(loading, from));
    for (let pass = first; pass < passesOf(format, bits); pass++) {
      const digit = digitOf(format, from, element, i32c(pass * bits), i32c(2 ** bits - 1));
      const slot = f.let(add(counts, shl(digit, 2)));
      const table = 4 * 2 ** bits * pass;
      f.store('i32.store', slot, add(load('i32.load', slot, table), i32c(1)), table);
    }
    f.set(from, add(from, i32c(format.bytes)));
  });
  return f.build();
}

/** From counts to addresses: where the first element with each digit goes. */
function places(): Func {
  const f = new FunctionBuilder('radix_places', ['i32', 'i32', 'i32', 'i32']);
  const [table, buckets, to, shift] = [0, 1, 2, 3].map((i) => f.param(i)) as [Local, Local, Local, Local];
  const end = f.let(add(table, shl(buckets, 2)));
  f.while(op('i32.lt_u', table, end), () => {
    const bytes = f.let(op('i32.shl', load('i32.load', table), shift));
    f.store('i32.store', table, to);
    f.set(to, add(to, bytes));
    f.set(table, add(table, i32c(4)));
  });
  return f.build();
}

/** Puts n elements where the table says. */
function deal(format: Format): Func {
  const f = new FunctionBuilder(`radix_deal_${format.name}`, ['i32', 'i32', 'i32', 'i32', 'i32']);
  const [n, from, table, shift, mask] = [0, 1, 2, 3, 4].map((i) => f.param(i)) as [Local, Local, Local, Local, Local];
  const [, loading, storing] = moves[format.name];
  const end = f.let(add(from, op('i32.mul', n, i32c(format.bytes))));
  f.while(op('i32.lt_u', from, end), () => {
    const element = f.let(load(loading, from));
    const slot = f.let(add(table, shl(digitOf(format, from, element, shift, mask), 2)));
    const to = f.let(load('i32.load', slot));
    f.store(storing, to, element);
    f.store('i32.store', slot, add(to, i32c(format.bytes)));
    f.set(from, add(from, i32c(format.bytes)));
  });
  return f.build();
}

function radix(format: Format): Func {
  const f = new FunctionBuilder(`radix_${format.name}`, ['i32', 'i32', 'i32', 'i32'], 'i32');
  const [n, a, b, counts] = [0, 1, 2, 3].map((i) => f.param(i)) as [Local, Local, Local, Local];
  const bytesOf = (elements: Expr): Expr => op('i32.mul', elements, i32c(format.bytes));
  const insert = (begin: Expr, end: Expr, steps: Expr): Expr => {
    const args = [a, add(a, bytesOf(begin)), add(a, bytesOf(end)), steps];
    return { kind: 'call', type: 'i32', fn: `insertion_${format.name}`, args };
  };
  // What is in order already is found to be so in one pass, and mostly not to be by the first few elements.
  f.if(op('i32.gt_s', n, i32c(veryFew)), () => {
    f.if({ kind: 'call', type: 'i32', fn: `in_order_${format.name}`, args: [n, a] }, () => f.return(a));
  });
  if (!format.pair)
    f.if(
      op(
        'i32.and',
        op('i32.gt_s', n, i32c(veryFew)),
        op('i32.le_s', n, i32c(format.name === 'k64' ? some.k64 : some.k32)),
      ),
      () => {
        f.return({ kind: 'call', type: 'i32', fn: `short_${format.name}`, args: [n, a, b] });
      },
    );
  if (format.name === 'p32')
    // A key with increasing numbers beside it is a key of 64 bits, since equal ones stay in the order of these.
    f.if(op('i32.and', op('i32.gt_s', n, i32c(veryFew)), op('i32.le_s', n, i32c(some.k64))), () => {
      const args = [add(a, i32c(format.bytes)), add(a, bytesOf(n))];
      f.if({ kind: 'call', type: 'i32', fn: 'payloads_ordered', args }, () => {
        f.return({ kind: 'call', type: 'i32', fn: 'short_k64', args: [n, a, b] });
      });
    });
  if (format.name === 'p64')
    f.if(op('i32.and', op('i32.gt_s', n, i32c(few)), op('i32.le_s', n, i32c(mostShortPairs))), () => {
      const args = [n, a, b, counts, insertionSteps(n)];
      f.if(op('i32.ge_s', { kind: 'call', type: 'i32', fn: 'short_p64', args }, i32c(0)), () => f.return(b));
    });
  f.if(op('i32.le_s', n, i32c(few)), () => {
    f.let(insert(i32c(1), n, i32c(few * few)));
    f.return(a);
  });
  const steps = f.var(i32c(-1));
  const sortBy = (bits: number, skipped: number): void => {
    const buckets = 2 ** bits;
    const passes = passesOf(format, bits);
    f.fill(counts, i32c(0), i32c(4 * buckets * passes));
    inChunks(f, n, (at, length) => f.call(countName(format, bits, skipped), length, add(a, bytesOf(at)), counts));
    f.for(skipped, passes, (pass) => {
      const shift = f.let(op('i32.mul', pass, i32c(bits)));
      const mask = i32c(buckets - 1);
      const table = f.let(add(counts, shl(pass, bits + 2)));
      const element = format.name === 'p64' ? i32c(0) : load(moves[format.name][1], a);
      const first = digitOf(format, a, element, shift, mask);
      f.if(op('i32.ne', load('i32.load', add(table, shl(first, 2))), n), () => {
        f.call('radix_places', table, i32c(buckets), b, i32c(Math.log2(format.bytes)));
        inChunks(f, n, (at, length) =>
          f.call(`radix_deal_${format.name}`, length, add(a, bytesOf(at)), table, shift, mask),
        );
        const kept = f.var(a);
        f.set(a, b);
        f.set(b, kept);
      });
    });
  };
  const sortByDigits = (bits: number): void => {
    const skipped = leftOut(format, bits);
    if (skipped > 0) {
      sortBy(bits, skipped);
      f.set(steps, insertionSteps(n));
      inChunks(f, n, (at, length) => {
        f.if(op('i32.ge_s', steps, i32c(0)), () => f.set(steps, insert(at, add(at, length), steps)));
      });
    }
    f.if(op('i32.lt_s', steps, i32c(0)), () => sortBy(bits, 0));
  };
  f.if(
    op('i32.gt_s', n, i32c(many)),
    () => sortByDigits(11),
    () => sortByDigits(8),
  );
  f.return(a);
  return f.build();
}
