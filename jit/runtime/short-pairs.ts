/** Sorting some pairs of a 64-bit key and 32 bits that go along. */
import { add, shl } from '../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, i32c, i64c, load, op } from '../wasm/code.ts';

/**
 *     short_p64(n, a, b, keys, steps) → the steps of insertion that are left
 *
 * Keys with their place in the lowest bits are keys without payload, and come in the order of their upper bits, equal ones as they
 * were. The pairs are then copied to b in this order, and those that the lowest bits tell apart are put right by
 * insertion: no step unless numbers are within 128 units in the last place of each other. Steps below 0 say that
 * there were too many; pairs at a are as they were. `keys` has room for twice the keys.
 */
export const shortPairs = (): Func[] => [placedKeys(), inPlaces(), short()];

/** So many pairs have places that fit into the lowest bits. */
export const mostShortPairs = 128;
const places = 127n;
const pairBytes = 16;

/** placed_keys(n, pairs, to): n keys, with their places in the lowest bits. */
function placedKeys(): Func {
  const f = new FunctionBuilder('placed_keys', new Array(3).fill('i32'));
  const [n, pairs, to] = f.parameters;
  f.for(0, n, (i) => {
    const upper = op('i64.and', load('i64.load', pairs), i64c(~places));
    f.store('i64.store', to, op('i64.or', upper, op('i64.extend_i32_u', i)));
    f.set(pairs, add(pairs, i32c(pairBytes)));
    f.set(to, add(to, i32c(8)));
  });
  return f.build();
}

/** in_places(n, keys, pairs, to): the pairs in the order of keys with places. */
function inPlaces(): Func {
  const f = new FunctionBuilder('in_places', new Array(4).fill('i32'));
  const [n, keys, pairs, to] = f.parameters;
  f.for(0, n, () => {
    const place = op('i32.and', load('i32.load', keys), i32c(Number(places)));
    f.store('v128.store', to, load('v128.load', add(pairs, shl(place, 4))));
    f.set(keys, add(keys, i32c(8)));
    f.set(to, add(to, i32c(pairBytes)));
  });
  return f.build();
}

function short(): Func {
  const f = new FunctionBuilder('short_p64', new Array(5).fill('i32'), 'i32');
  const [n, a, b, keys, steps] = f.parameters;
  f.call('placed_keys', n, a, keys);
  // Blocks of 128 bytes lie in either half.
  const other = add(keys, i32c(8 * Math.ceil(mostShortPairs / 16) * 16));
  const call = (fn: string, ...args: Expr[]): Expr => f.let({ kind: 'call', type: 'i32', fn, args });
  f.call('in_places', n, call('short_k64', n, keys, other), a, b);
  f.return(call('insertion_p64', b, add(b, i32c(pairBytes)), add(b, shl(n, 4)), steps));
  return f.build();
}
