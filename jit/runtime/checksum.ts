import { add } from '../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, i32c, load, op } from '../wasm/code.ts';

/**
 * The cyclic redundancy check of archives, CRC-32, by vectors. WebAssembly has no products of polynomials, but a message may be
 * changed by any multiple of the check's polynomial P: x³⁰⁰ + x¹⁵⁵ + x¹¹⁷ + x⁸⁹ + 1 is one, of few terms. Over GF(2) its
 * 128th power has the same terms of 128 times the degree, and is a multiple too. With that one a vector of a message is added to four
 * others, 145, 183, 211 and 300 behind it, and is then none of it any more: four exclusive ors for 16 bytes, until the last 300
 * vectors stand for all.
 */
export const checksumTerms = [300, 155, 117, 89, 0] as const;
export const checksumWindow: number = 16 * checksumTerms[0];
/** Vectors between two moves of the window. */
const stride = 1024;
/** Bytes for the window and what comes behind it. */
export const checksumScratch: number = checksumWindow + 16 * stride;

export const checksumFunctions = (): Func[] => [fold(), foldAll()];

/**
 * checksum_fold(n, from, window, to): each of n vectors with what it has from those before it, which begin at `window`, 300 vectors in front
 * of the first. `to` is behind the window, or elsewhere, where only those are to be added to it.
 */
function fold(): Func {
  const f = new FunctionBuilder('checksum_fold', new Array(4).fill('i32'));
  const [n, from, window, to] = f.parameters;
  const vector = (at: number): Expr =>
    checksumTerms
      .slice(1)
      .map((term) => load('v128.load', window, 16 * (term + at)))
      .reduce((sum, x) => op('v128.xor', sum, x), load('v128.load', from, 16 * at));
  const run = (count: number): void => {
    for (let k = 0; k < count; k++) f.store('v128.store', to, vector(k), 16 * k);
    for (const pointer of [from, window, to]) f.set(pointer!, add(pointer!, i32c(16 * count)));
  };
  f.for(0, op('i32.and', n, i32c(-4)), () => run(4), 4);
  f.for(0, op('i32.and', n, i32c(3)), () => run(1));
  return f.build(true);
}

/** checksum_fold_all(n, from, scratch): the window, at the beginning of the scratch memory, moved n vectors further. */
function foldAll(): Func {
  const f = new FunctionBuilder('checksum_fold_all', new Array(3).fill('i32'));
  const [n, from, scratch] = f.parameters;
  f.for(
    0,
    n,
    (i) => {
      const count = f.var(op('i32.sub', n, i));
      f.if(op('i32.gt_s', count, i32c(stride)), () => f.set(count, i32c(stride)));
      const bytes = f.let(op('i32.shl', count, i32c(4)));
      f.call('checksum_fold', count, from, scratch, add(scratch, i32c(checksumWindow)));
      f.copy(scratch, add(scratch, bytes), i32c(checksumWindow));
      f.set(from, add(from, bytes));
    },
    stride,
  );
  return f.build(true);
}
