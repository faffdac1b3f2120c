import { add, shl } from '../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, i32c, i32x4c, i32x4lanes, load, op, select } from '../wasm/code.ts';
import { inChunks } from './chunks.ts';

/**
 * Eight elements at a time as the bits of a number, in each of `outer` rows of n, and the bits of numbers as elements:
 *
 *     pack_bits_i32(outer, n, flip, x, to)
 *     unpack_bits(count, big, x, to)
 *
 * Element k of eight is bit k ^ `flip`, which is 0 or 7.
 */
export const bitFunctions = (): Func[] => [
  ...(['i32', 'bool'] as const).flatMap((type) => [packRun(type), packRows(type)]),
  unpackRun(),
  unpack(),
];

const and = (a: Expr, b: Expr): Expr => op('i32.and', a, b);
const log2Bytes = { i32: 2, bool: 0 } as const;

/** pack_bits_run_i32(n, flip, x, to) */
function packRun(type: 'i32' | 'bool'): Func {
  const f = new FunctionBuilder(`pack_bits_run_${type}`, new Array(4).fill('i32'));
  const [n, flip, x, to] = f.parameters;
  const bytes = 1 << log2Bytes[type];
  // Lane k of the result is lane k ^ flip: both halves are turned round, or none.
  const places = op('i32x4.splat', op('i32.mul', flip, i32c(0x01010101)));
  const order = f.let(op('v128.xor', i32x4lanes(0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c), places));
  const zeros = i32x4c(0);
  /** Sixteen lanes of 8 bits, −1 where an element is not 0. */
  const sixteen = (): Expr => {
    if (type === 'bool') return op('i8x16.ne', load('v128.load', x), zeros);
    const four = (k: number): Expr => op('i32x4.ne', load('v128.load', x, 16 * k), zeros);
    const eight = (k: number): Expr => op('i16x8.narrow_i32x4_s', four(k), four(k + 1));
    return op('i8x16.narrow_i16x8_s', eight(0), eight(2));
  };
  const end = f.let(add(x, op('i32.mul', n, i32c(bytes))));
  f.while(op('i32.le_u', add(x, i32c(16 * bytes)), end), () => {
    const bits = f.let(op('i8x16.bitmask', op('i8x16.swizzle', sixteen(), order)));
    f.store('i32.store', to, and(bits, i32c(255)));
    f.store('i32.store', to, op('i32.shr_u', bits, i32c(8)), 4);
    f.set(x, add(x, i32c(16 * bytes)));
    f.set(to, add(to, i32c(8)));
  });
  f.while(op('i32.lt_u', x, end), () => {
    const byte = f.var(i32c(0));
    f.for(0, 8, (k) => {
      f.if(op('i32.ge_u', x, end), () => f.break());
      const isSet = op('i32.ne', load(type === 'i32' ? 'i32.load' : 'i32.load8_u', x), i32c(0));
      f.set(byte, op('i32.or', byte, op('i32.shl', isSet, op('i32.xor', k, flip))));
      f.set(x, add(x, i32c(bytes)));
    });
    f.store('i32.store', to, byte);
    f.set(to, add(to, i32c(4)));
  });
  return f.build();
}

function packRows(type: 'i32' | 'bool'): Func {
  const f = new FunctionBuilder(`pack_bits_${type}`, new Array(5).fill('i32'));
  const [outer, n, flip, x, to] = f.parameters;
  f.for(0, outer, () => {
    // Pieces end between bytes.
    inChunks(f, n, (at, count) => {
      f.call(
        `pack_bits_run_${type}`,
        count,
        flip,
        add(x, shl(at, log2Bytes[type])),
        add(to, op('i32.shr_u', at, i32c(1))),
      );
    });
    f.set(x, add(x, shl(n, log2Bytes[type])));
    f.set(to, add(to, shl(op('i32.shr_u', add(n, i32c(7)), i32c(3)), 2)));
  });
  return f.build(true);
}

/** unpack_bits_run(count, big, x, to) */
function unpackRun(): Func {
  const f = new FunctionBuilder('unpack_bits_run', new Array(4).fill('i32'));
  const [count, big, x, to] = f.parameters;
  const [low, high] = [
    [i32x4lanes(1, 2, 4, 8), i32x4lanes(16, 32, 64, 128)],
    [i32x4lanes(128, 64, 32, 16), i32x4lanes(8, 4, 2, 1)],
  ] as const;
  const masks = [0, 1].map((half) => f.let(select(big, high[half]!, low[half]!)));
  const one = i32x4c(1);
  const end = f.let(add(x, shl(count, 2)));
  f.while(op('i32.lt_u', x, end), () => {
    const given = f.let(load('v128.load32_splat', x));
    masks.forEach((mask, half) => {
      f.store('v128.store', to, op('v128.and', op('i32x4.eq', op('v128.and', given, mask), mask), one), 16 * half);
    });
    f.set(x, add(x, i32c(4)));
    f.set(to, add(to, i32c(32)));
  });
  return f.build();
}

function unpack(): Func {
  const f = new FunctionBuilder('unpack_bits', new Array(4).fill('i32'));
  const [count, big, x, to] = f.parameters;
  inChunks(f, count, (at, some) => {
    f.call('unpack_bits_run', some, big, add(x, shl(at, 2)), add(to, shl(at, 5)));
  });
  return f.build(true);
}
