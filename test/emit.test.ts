import t from 'tap';
import { compile, compileStats } from '../jit/compile.ts';
import { target } from '../jit/target.ts';
import { assemble } from '../jit/wasm/assemble.ts';
import { verifyAssembled } from '../jit/wasm/binaryen-thread.ts';
import {
  type CodeModule,
  call,
  type Expr,
  FunctionBuilder,
  f32c,
  f64c,
  i32c,
  i32x4lanes,
  i64c,
  lane,
  load,
  loadLane,
  madd,
  op,
  select,
  shuffle,
  type WasmType,
} from '../jit/wasm/code.ts';
import { instruction, memoryAccess } from '../jit/wasm/instructions.ts';
import { opcodes } from '../jit/wasm/opcodes.ts';
import { decode, encode } from '../jit/wasm/wire.ts';

process.env.COTANGENT_CACHE = 'off';

const memory = new WebAssembly.Memory({ initial: 1 });
const bytes = new Uint8Array(memory.buffer);

function instantiate(module: CodeModule): Record<string, (...args: any[]) => any> {
  // By way of the wire format, which everything compiled goes through.
  t.same(encode(decode(encode(module))), encode(module), 'the wire format is stable');
  return new WebAssembly.Instance(compile(module), { env: { memory } }).exports as any;
}

/** A module of one exported function without parameters for each expression. */
function evaluate(expressions: Record<string, Expr>): Record<string, (...args: any[]) => any> {
  const functions = Object.entries(expressions).map(([name, e]) => {
    const f = new FunctionBuilder(name, [], e.type === 'v128' ? undefined : e.type);
    if (e.type === 'v128') f.store('v128.store', i32c(1024), e);
    else f.return(e);
    return f.build(true);
  });
  return instantiate({ imports: [], functions });
}

const vector = (array: ArrayBufferView): Expr => ({
  kind: 'const',
  type: 'v128',
  bytes: [...new Uint8Array(array.buffer, array.byteOffset, 16)],
});
const f32x4 = (...x: number[]): Expr => vector(new Float32Array(x));
const f64x2 = (...x: number[]): Expr => vector(new Float64Array(x));
const i32x4 = (...x: number[]): Expr => vector(new Int32Array(x));
const i64x2 = (...x: bigint[]): Expr => vector(new BigInt64Array(x));

const zeros = (n: number): number[] => new Array<number>(n).fill(0);

const views = {
  f32x4: () => new Float32Array(memory.buffer, 1024, 4),
  f64x2: () => new Float64Array(memory.buffer, 1024, 2),
  i32x4: () => new Int32Array(memory.buffer, 1024, 4),
  i64x2: () => new BigInt64Array(memory.buffer, 1024, 2),
  i16x8: () => new Int16Array(memory.buffer, 1024, 8),
  i8x16: () => new Int8Array(memory.buffer, 1024, 16),
};

t.test('scalar instructions', async (t) => {
  const cases: [Expr, number | bigint][] = [
    [op('i32.add', i32c(2147483647), i32c(1)), -2147483648],
    [op('i32.sub', i32c(1), i32c(3)), -2],
    [op('i32.mul', i32c(65537), i32c(65537)), 131073],
    [op('i32.div_s', i32c(-7), i32c(2)), -3],
    [op('i32.div_u', i32c(-2), i32c(2)), 2147483647],
    [op('i32.rem_s', i32c(-7), i32c(2)), -1],
    [op('i32.rem_u', i32c(7), i32c(4)), 3],
    [op('i32.and', i32c(12), i32c(10)), 8],
    [op('i32.or', i32c(12), i32c(10)), 14],
    [op('i32.xor', i32c(12), i32c(10)), 6],
    [op('i32.shl', i32c(3), i32c(4)), 48],
    [op('i32.shr_s', i32c(-8), i32c(1)), -4],
    [op('i32.shr_u', i32c(-8), i32c(1)), 2147483644],
    [op('i32.rotl', i32c(1), i32c(31)), -2147483648],
    [op('i32.rotr', i32c(1), i32c(1)), -2147483648],
    [op('i32.clz', i32c(1)), 31],
    [op('i32.ctz', i32c(8)), 3],
    [op('i32.popcnt', i32c(255)), 8],
    [op('i32.eqz', i32c(0)), 1],
    [op('i32.lt_s', i32c(-1), i32c(0)), 1],
    [op('i32.lt_u', i32c(-1), i32c(0)), 0],
    [op('i32.ge_u', i32c(-1), i32c(0)), 1],
    [op('i32.extend8_s', i32c(255)), -1],
    [op('i32.extend16_s', i32c(32768)), -32768],
    [op('i32.wrap_i64', i64c(2n ** 32n + 5n)), 5],
    [op('i32.trunc_sat_f32_s', f32c(3e10)), 2147483647],
    [op('i32.trunc_sat_f32_u', f32c(-1)), 0],
    [op('i32.trunc_sat_f64_s', f64c(Number.NaN)), 0],
    [op('i32.trunc_sat_f64_u', f64c(4e9)), 4000000000 | 0],
    [op('i32.reinterpret_f32', f32c(-0)), -2147483648],
    [op('i64.add', i64c(2n ** 62n), i64c(1n)), 2n ** 62n + 1n],
    [op('i64.mul', i64c(-3n), i64c(5n)), -15n],
    [op('i64.shr_u', i64c(-1n), i64c(60n)), 15n],
    [op('i64.extend_i32_s', i32c(-1)), -1n],
    [op('i64.extend_i32_u', i32c(-1)), 4294967295n],
    [op('i64.trunc_sat_f64_s', f64c(-1.5)), -1n],
    [op('i64.reinterpret_f64', f64c(-0)), -(2n ** 63n)],
    [op('i64.lt_s', i64c(-1n), i64c(0n)), 1],
    [op('i64.extend32_s', i64c(4294967295n)), -1n],
    [op('f32.add', f32c(0.1), f32c(0.2)), Math.fround(Math.fround(0.1) + Math.fround(0.2))],
    [op('f32.sqrt', f32c(2)), Math.fround(Math.SQRT2)],
    [op('f32.min', f32c(-0), f32c(0)), -0],
    [op('f32.nearest', f32c(2.5)), 2],
    [op('f32.copysign', f32c(1), f32c(-0)), -1],
    [op('f32.convert_i32_s', i32c(-3)), -3],
    [op('f32.convert_i32_u', i32c(-1)), 4294967296],
    [op('f32.convert_i64_s', i64c(-3n)), -3],
    [op('f32.demote_f64', f64c(0.1)), Math.fround(0.1)],
    [op('f32.reinterpret_i32', i32c(0x3f800000)), 1],
    [op('f64.div', f64c(1), f64c(3)), 1 / 3],
    [op('f64.max', f64c(1), f64c(Number.NaN)), Number.NaN],
    [op('f64.floor', f64c(-0.5)), -1],
    [op('f64.ceil', f64c(-0.5)), -0],
    [op('f64.trunc', f64c(-1.5)), -1],
    [op('f64.abs', f64c(-1.5)), 1.5],
    [op('f64.neg', f64c(0)), -0],
    [op('f64.convert_i32_u', i32c(-1)), 4294967295],
    [op('f64.promote_f32', f32c(0.1)), Math.fround(0.1)],
    [op('f64.reinterpret_i64', i64c(1n)), 5e-324],
    [op('f64.le', f64c(1), f64c(1)), 1],
    [select(i32c(0), f64c(1), f64c(2)), 2],
  ];
  const exports = evaluate(Object.fromEntries(cases.map(([e], i) => [`f${i}`, e])));
  cases.forEach(([e, expected], i) => {
    const got = exports[`f${i}`]!();
    t.ok(Object.is(got, expected), `${e.kind === 'op' ? e.op : e.kind}: ${got} is ${expected}`);
  });
});

t.test('constants keep their bits', async (t) => {
  const exports = evaluate({
    a: f64c(-0),
    b: f64c(Number.POSITIVE_INFINITY),
    c: f64c(5e-324),
    d: op('i64.reinterpret_f64', f64c(Number.NaN)),
    e: op('i32.reinterpret_f32', f32c(Number.NaN)),
    f: f32c(-0),
    g: f32c(Number.NEGATIVE_INFINITY),
    h: f32c(1.401298464324817e-45),
    i: i64c(-(2n ** 63n)),
    j: i64c(2n ** 63n - 1n),
    k: i32c(-2147483648),
    l: f64c(0.1),
  });
  const values = Object.values(exports).map((f) => f());
  const expected = [
    ...[-0, Number.POSITIVE_INFINITY, 5e-324, 0x7ff8000000000000n, 0x7fc00000, -0, Number.NEGATIVE_INFINITY],
    ...[1.401298464324817e-45, -(2n ** 63n), 2n ** 63n - 1n, -2147483648, 0.1],
  ];
  expected.forEach((x, i) => {
    t.ok(Object.is(values[i], x), `${values[i]} is ${x}`);
  });
  const key = (x: number): string => Buffer.from(encode(constant(x))).toString('hex');
  t.not(key(0), key(-0), 'zeros of different sign are different code');
});

function constant(x: number): CodeModule {
  const f = new FunctionBuilder('f', [], 'f64');
  f.return(f64c(x));
  return { imports: [], functions: [f.build(true)] };
}

t.test('vector instructions', async (t) => {
  const a = f32x4(1.5, -2, Number.NaN, 4);
  const b = f32x4(0.5, 3, 1, -0);
  const p = i32x4(1, -2, 3, 2147483647);
  const q = i32x4(5, 6, -7, 1);
  const cases: [keyof typeof views, Expr, (number | bigint)[]][] = [
    ['f32x4', op('f32x4.add', a, b), [2, 1, Number.NaN, 4]],
    ['f32x4', op('f32x4.pmin', f32x4(1, 2, 3, 4), b), [0.5, 2, 1, -0]],
    ['f32x4', op('f32x4.pmax', f32x4(1, 2, 3, 4), b), [1, 3, 3, 4]],
    ['f32x4', op('f32x4.nearest', f32x4(0.5, 1.5, -2.5, 7.4)), [0, 2, -2, 7]],
    ['f32x4', op('f32x4.splat', f32c(7)), [7, 7, 7, 7]],
    ['f32x4', op('f32x4.convert_i32x4_s', p), [1, -2, 3, 2147483648]],
    ['f32x4', op('f32x4.convert_i32x4_u', i32x4(-1, 1, 2, 3)), [4294967296, 1, 2, 3]],
    ['f32x4', op('f32x4.demote_f64x2_zero', f64x2(1.5, 2.5)), [1.5, 2.5, 0, 0]],
    ['f32x4', lane('f32x4.replace_lane', 2, a, f32c(9)), [1.5, -2, 9, 4]],
    ['i32x4', op('f32x4.lt', a, b), [0, -1, 0, 0]],
    ['f64x2', op('f64x2.mul', f64x2(2, 3), f64x2(4, 5)), [8, 15]],
    ['f64x2', op('f64x2.convert_low_i32x4_s', p), [1, -2]],
    ['f64x2', op('f64x2.convert_low_i32x4_u', i32x4(-1, 2, 0, 0)), [4294967295, 2]],
    ['f64x2', op('f64x2.promote_low_f32x4', b), [0.5, 3]],
    ['f64x2', op('f64x2.sqrt', f64x2(4, 9)), [2, 3]],
    ['i32x4', op('i32x4.add', p, q), [6, 4, -4, -2147483648]],
    ['i32x4', op('i32x4.mul', p, q), [5, -12, -21, 2147483647]],
    ['i32x4', op('i32x4.shl', p, i32c(1)), [2, -4, 6, -2]],
    ['i32x4', op('i32x4.shr_s', q, i32c(1)), [2, 3, -4, 0]],
    ['i32x4', op('i32x4.shr_u', q, i32c(31)), [0, 0, 1, 0]],
    ['i32x4', op('i32x4.min_s', p, q), [1, -2, -7, 1]],
    ['i32x4', op('i32x4.max_u', p, q), [5, -2, -7, 2147483647]],
    ['i32x4', op('i32x4.gt_u', p, q), [0, -1, 0, -1]],
    ['i32x4', op('i32x4.trunc_sat_f32x4_s', a), [1, -2, 0, 4]],
    ['i32x4', op('i32x4.trunc_sat_f64x2_s_zero', f64x2(-1.5, 1e10)), [-1, 2147483647, 0, 0]],
    ['i32x4', op('i32x4.trunc_sat_f64x2_u_zero', f64x2(-1.5, 2.5)), [0, 2, 0, 0]],
    ['i32x4', op('i32x4.dot_i16x8_s', i32x4(0x00020003, 0, 0, 0), i32x4(0x00040005, 0, 0, 0)), [23, 0, 0, 0]],
    ['i32x4', op('i32x4.extend_low_i16x8_s', i32x4(0x8000ffff | 0, 1, 0, 0)), [-1, -32768, 1, 0]],
    ['i32x4', op('i32x4.neg', p), [-1, 2, -3, -2147483647]],
    ['i32x4', op('i32x4.abs', q), [5, 6, 7, 1]],
    ['i64x2', op('i64x2.add', i64x2(1n, 2n), i64x2(3n, -4n)), [4n, -2n]],
    ['i64x2', op('i64x2.mul', i64x2(1n, 2n), i64x2(3n, -4n)), [3n, -8n]],
    ['i64x2', op('i64x2.shl', i64x2(1n, 2n), i32c(40)), [2n ** 40n, 2n ** 41n]],
    ['i64x2', op('i64x2.shr_u', i64x2(-1n, 2n), i32c(63)), [1n, 0n]],
    ['i64x2', op('i64x2.extend_low_i32x4_u', i32x4(-1, 2, 0, 0)), [4294967295n, 2n]],
    ['i64x2', op('i64x2.extend_high_i32x4_s', i32x4(0, 0, -1, 2)), [-1n, 2n]],
    ['i64x2', op('i64x2.extmul_low_i32x4_u', i32x4(-1, 2, 0, 0), i32x4(2, 3, 0, 0)), [8589934590n, 6n]],
    ['i64x2', op('i64x2.extmul_high_i32x4_s', i32x4(0, 0, -1, 2), i32x4(0, 0, 2, 3)), [-2n, 6n]],
    ['i64x2', op('i64x2.gt_s', i64x2(1n, -2n), i64x2(0n, 0n)), [-1n, 0n]],
    ['i16x8', op('i16x8.narrow_i32x4_s', i32x4(1, 70000, -70000, 4), q), [1, 32767, -32768, 4, 5, 6, -7, 1]],
    ['i8x16', op('i8x16.narrow_i16x8_u', i32x4(0x00010002, 0, 0, 0), i32x4(0, 0, 0, 0)), [2, 1, ...zeros(14)]],
    ['i32x4', op('v128.and', p, q), [1, 6, 1, 1]],
    ['i32x4', op('v128.andnot', p, q), [0, -8, 2, 2147483646]],
    ['i32x4', op('v128.not', p), [-2, 1, -4, -2147483648]],
    ['i32x4', op('v128.bitselect', i32x4(1, 2, 3, 4), i32x4(5, 6, 7, 8), i32x4(-1, 0, -1, 0)), [1, 6, 3, 8]],
    ['i32x4', shuffle(p, q, [0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27]), [1, 5, 3, -7]],
    ['i32x4', op('i8x16.swizzle', p, i32x4(0x03020100, 0x03020100, 0x07060504, -1)), [1, 1, -2, 0]],
    ['i32x4', i32x4lanes(1, 2, 3, 4), [1, 2, 3, 4]],
    ['f32x4', madd(target(), 'f32x4', f32x4(1, 2, 3, 4), f32x4(2, 2, 2, 2), f32x4(1, 1, 1, 1)), [3, 5, 7, 9]],
    ['f64x2', madd(target(), 'f64x2', f64x2(1, 2), f64x2(2, 2), f64x2(1, 1)), [3, 5]],
  ];
  const exports = evaluate(Object.fromEntries(cases.map(([, e], i) => [`f${i}`, e])));
  cases.forEach(([view, e, expected], i) => {
    exports[`f${i}`]!();
    t.same([...views[view]()], expected, e.kind === 'op' ? e.op : e.kind);
  });
  const scalars: [Expr, number | bigint][] = [
    [lane('f32x4.extract_lane', 1, a), -2],
    [lane('f64x2.extract_lane', 1, f64x2(1, 2)), 2],
    [lane('i32x4.extract_lane', 3, p), 2147483647],
    [lane('i64x2.extract_lane', 0, i64x2(-5n, 0n)), -5n],
    [lane('i8x16.extract_lane_s', 0, i32x4(255, 0, 0, 0)), -1],
    [lane('i8x16.extract_lane_u', 0, i32x4(255, 0, 0, 0)), 255],
    [op('v128.any_true', i32x4(0, 0, 1, 0)), 1],
    [op('i32x4.all_true', i32x4(1, 1, 1, 0)), 0],
    [op('i32x4.bitmask', i32x4(-1, 0, -1, 0)), 5],
    [op('i64x2.bitmask', i64x2(-1n, 0n)), 1],
  ];
  const more = evaluate(Object.fromEntries(scalars.map(([e], i) => [`f${i}`, e])));
  scalars.forEach(([e, expected], i) => {
    t.equal(more[`f${i}`]!(), expected, e.kind === 'op' ? e.op : e.kind);
  });
});

t.test('loads and stores', async (t) => {
  const at = i32c(64);
  const set = (): void => bytes.set([0x80, 0xff, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], 64);
  const zero = i32x4(0, 0, 0, 0);
  set();
  const scalars: [Expr, number | bigint][] = [
    [load('i32.load8_s', at), -128],
    [load('i32.load8_u', at), 128],
    [load('i32.load16_s', at), -128],
    [load('i32.load16_u', at), 0xff80],
    [load('i32.load', at, 4), 0x07060504],
    [load('i64.load32_u', at, 8), 0x0b0a0908n],
    [load('i64.load', at, 8), 0x0f0e0d0c0b0a0908n],
    [load('f32.load', i32c(1), 63 + 4), new Float32Array(bytes.slice(68, 72).buffer)[0]!],
    [load('f64.load', at, 8), new Float64Array(bytes.slice(72, 80).buffer)[0]!],
  ];
  const exports = evaluate(Object.fromEntries(scalars.map(([e], i) => [`f${i}`, e])));
  scalars.forEach(([e, expected], i) => {
    t.equal(exports[`f${i}`]!(), expected, e.kind === 'load' ? e.op : '');
  });
  const vectors: [keyof typeof views, Expr, (number | bigint)[]][] = [
    ['i32x4', load('v128.load', at, 4), [0x07060504, 0x0b0a0908, 0x0f0e0d0c, 0]],
    ['i8x16', load('v128.load8_splat', at), new Array(16).fill(-128)],
    ['i32x4', load('v128.load32_splat', at, 4), new Array(4).fill(0x07060504)],
    ['i64x2', load('v128.load64_splat', at, 8), new Array(2).fill(0x0f0e0d0c0b0a0908n)],
    ['i16x8', load('v128.load8x8_s', at), [-128, -1, 2, 3, 4, 5, 6, 7]],
    ['i16x8', load('v128.load8x8_u', at), [128, 255, 2, 3, 4, 5, 6, 7]],
    ['i32x4', load('v128.load16x4_u', at), [0xff80, 0x0302, 0x0504, 0x0706]],
    ['i64x2', load('v128.load32x2_s', at, 4), [0x07060504n, 0x0b0a0908n]],
    ['i32x4', load('v128.load32_zero', at, 4), [0x07060504, 0, 0, 0]],
    ['i64x2', load('v128.load64_zero', at, 8), [0x0f0e0d0c0b0a0908n, 0n]],
    ['i32x4', loadLane('v128.load32_lane', at, zero, 2, 4), [0, 0, 0x07060504, 0]],
    ['i64x2', loadLane('v128.load64_lane', at, zero, 1, 8), [0n, 0x0f0e0d0c0b0a0908n]],
  ];
  const more = evaluate(Object.fromEntries(vectors.map(([, e], i) => [`f${i}`, e])));
  vectors.forEach(([view, e, expected], i) => {
    more[`f${i}`]!();
    t.same([...views[view]()], expected, e.kind === 'load' ? e.op : '');
  });
  const f = new FunctionBuilder('stores', []);
  f.store('i32.store8', i32c(256), i32c(0x1ff));
  f.store('i32.store16', i32c(256), i32c(0x12345), 2);
  f.store('i64.store', i32c(264), i64c(-1n));
  f.store('f64.store', i32c(272), f64c(-0));
  f.storeLane('v128.store32_lane', i32c(280), i32x4(1, 2, 3, 4), 2);
  f.storeLane('v128.store64_lane', i32c(288), i64x2(5n, 6n), 1, 8);
  f.fill(i32c(320), i32c(7), i32c(5));
  f.copy(i32c(330), i32c(320), i32c(4));
  f.data(i32c(341), Uint8Array.of(9, 8));
  f.data(i32c(344), Uint8Array.of(6, 0, 5));
  const module = { imports: [], functions: [f.build(true)] };
  t.same(encode(decode(encode(module))), encode(module));
  instantiate(decode(encode(module))).stores!();
  const view = new DataView(memory.buffer);
  t.equal(bytes[256], 255);
  t.equal(view.getUint16(258, true), 0x2345);
  t.equal(view.getBigInt64(264, true), -1n);
  t.ok(Object.is(view.getFloat64(272, true), -0));
  t.equal(view.getInt32(280, true), 3);
  t.equal(view.getBigInt64(296, true), 6n);
  t.same([...bytes.slice(320, 336)], [7, 7, 7, 7, 7, 0, 0, 0, 0, 0, 7, 7, 7, 7, 0, 0]);
  t.same([...bytes.slice(340, 348)], [0, 9, 8, 0, 6, 0, 5, 0], 'out of data segments');
});

t.test('control flow', async (t) => {
  const sum = new FunctionBuilder('sum', ['i32'], 'i32');
  const total = sum.local('i32');
  sum.for(0, sum.param(0), (i) => sum.set(total, op('i32.add', total, i)));
  sum.return(total);

  // Leaves the inner loop at 3 each time, the outer one at 5.
  const breaks = new FunctionBuilder('breaks', [], 'i32');
  const count = breaks.local('i32');
  breaks.for(0, 100, (i) => {
    breaks.if(op('i32.eq', i, i32c(5)), () => breaks.break());
    breaks.for(0, 100, (j) => {
      breaks.if(
        op('i32.eq', j, i32c(3)),
        () => breaks.break(),
        () => breaks.set(count, op('i32.add', count, i32c(1))),
      );
    });
  });
  breaks.return(count);

  const once = new FunctionBuilder('once', [], 'i32');
  const n = once.local('i32');
  once.doWhile(i32c(0), () => once.set(n, op('i32.add', n, i32c(1))));
  once.return(n);

  const sign = new FunctionBuilder('sign', ['f64'], 'i32');
  sign.if(
    op('f64.lt', sign.param(0), f64c(0)),
    () => sign.return(i32c(-1)),
    () => sign.return(i32c(1)),
  );

  const missing = new FunctionBuilder('missing', ['i32'], 'f32');
  missing.if(missing.param(0), () => missing.return(f32c(3)));

  const many = new FunctionBuilder('many', [], 'i32');
  many.call('sum', i32c(3));
  many.return(op('i32.add', call('sum', 'i32', i32c(10)), call('sign', 'i32', f64c(-2))));

  const functions = [sum, breaks, once, sign, missing, many].map((f) => f.build(true));
  const exports = instantiate({ imports: [], functions });
  t.equal(exports.sum!(0), 0);
  t.equal(exports.sum!(5), 10);
  t.equal(exports.breaks!(), 15);
  t.equal(exports.once!(), 1);
  t.equal(exports.sign!(-3), -1);
  t.equal(exports.sign!(3), 1);
  t.equal(exports.missing!(1), 3);
  t.equal(exports.missing!(0), 0, 'a result nobody gives is zero');
  t.equal(exports.many!(), 44);
});

t.test('imports', async (t) => {
  const f = new FunctionBuilder('f', ['f64'], 'f64');
  f.return(call('double', 'f64', f.param(0)));
  const params: WasmType[] = ['f64'];
  const imported = { name: 'double', module: 'host', base: 'twice', params, result: 'f64' as const };
  const module = compile({ imports: [imported], functions: [f.build(true)] });
  const instance = new WebAssembly.Instance(module, { env: { memory }, host: { twice: (x: number) => 2 * x } });
  t.equal((instance.exports.f as (x: number) => number)(21), 42);
});

t.test('every instruction is what binaryen takes it for', async (t) => {
  const ofLanes = (shape: string): WasmType =>
    shape.startsWith('f') ? (shape.slice(0, 3) as WasmType) : shape === 'i64x2' ? 'i64' : 'i32';
  const operand = (type: WasmType): Expr => ({ kind: 'local', type, index: operandTypes.indexOf(type) });
  const operandTypes: readonly WasmType[] = ['i32', 'i64', 'f32', 'f64', 'v128'];
  const functions = [...opcodes().keys()].flatMap((name) => {
    const [type, verb] = name.split('.') as [WasmType, string];
    if (memoryAccess(name) || verb === 'const' || verb === 'shuffle') return [];
    const { form, operands } = instruction(name);
    const isVector = !operandTypes.includes(type) || type === 'v128';
    const from = /_(i32|i64|f32|f64)(_[su])?$/.exec(verb)?.[1] as WasmType | undefined;
    const types: WasmType[] = new Array(operands).fill(isVector ? 'v128' : (from ?? type));
    if (verb === 'splat') types[0] = ofLanes(type);
    if (form === 'replace') types[1] = ofLanes(type);
    if (form === 'shift') types[1] = 'i32';
    const args = types.map(operand);
    const value = form === 'extract' || form === 'replace' ? lane(name, 1, ...args) : op(name, ...args);
    // Without fused multiply-add the relaxed instructions may be unknown to this engine.
    if (verb.startsWith('relaxed') && !target().fma) return [];
    const f = new FunctionBuilder(name, operandTypes);
    f.let(value);
    return [f.build(true)];
  });
  const module = { imports: [], functions };
  t.ok(functions.length > 300);
  const assembled = assemble(module, target());
  t.ok(WebAssembly.validate(assembled as Uint8Array<ArrayBuffer>), 'for the engine');
  t.doesNotThrow(() => verifyAssembled(encode(module), target(), assembled), 'the same bytes');
  const other = assemble({ imports: [], functions: functions.slice(1) }, target());
  t.throws(() => verifyAssembled(encode(module), target(), other), /binaryen makes another module/);
});

t.test('long numbers, names, lists and functions', async (t) => {
  const long = new FunctionBuilder('f'.repeat(300), ['i32'], 'i32');
  const values = [0, 63, 64, 127, 128, 8191, 8192, 2 ** 20, 2 ** 27, 2 ** 31 - 1].flatMap((n) => [n, -n, -n - 1]);
  const total = long.local('i32');
  for (let i = 0; i < 3000; i++) long.set(total, op('i32.xor', total, i32c(values[i % values.length]!)));
  long.set(total, op('i32.xor', total, load('i32.load8_u', long.param(0), 70_000 - 65_536)));
  long.return(total);
  const wide = [0n, 63n, 64n, 2n ** 40n, 2n ** 62n, 2n ** 63n - 1n].flatMap((n) => [n, -n, -n - 1n]);
  const words = wide.map((n, i) => {
    const f = new FunctionBuilder(`word${i}`, [], 'i64');
    f.return(i64c(n));
    return f.build(true);
  });
  const exports = instantiate({ imports: [], functions: [long.build(true), ...words] });
  let expected = 0;
  for (let i = 0; i < 3000; i++) expected ^= values[i % values.length]!;
  t.equal(exports['f'.repeat(300)]!(0), expected ^ bytes[70_000 - 65_536]!);
  t.same(
    wide.map((_, i) => exports[`word${i}`]!()),
    wide,
  );
});

t.test('mistakes are named', async (t) => {
  const broken =
    (e: Expr): (() => unknown) =>
    () => {
      const f = new FunctionBuilder('wrong', []);
      f.let(op('v128.any_true', e));
      return compile({ imports: [], functions: [f.build(true)] });
    };
  const x = f32x4(1, 2, 3, 4);
  t.throws(broken(op('f32x4.frobnicate', x, x)), /unknown instruction f32x4\.frobnicate in wrong/);
  t.throws(broken(op('f32x4.add', x)), /f32x4\.add takes 2 operands, not 1/);
  t.throws(broken(op('i32x4.splat', op('i32.trunc_f32_s', f32c(1)))), /may trap/);
  t.throws(broken(load('v128.load33_splat', i32c(0))), /unknown instruction v128\.load33_splat/);
  t.throws(broken(call('nowhere', 'v128')), /wrong calls nowhere/);
  const outside = new FunctionBuilder('outside', []);
  outside.break();
  t.throws(() => compile({ imports: [], functions: [outside.build()] }), /break outside a loop/);
});

t.test('equal code is compiled once', async (t) => {
  const first = compile(constant(1.25));
  const before = compileStats();
  t.equal(compile(constant(1.25)), first);
  t.equal(compileStats().compiled, before.compiled);
  t.equal(compileStats().memoryHits, before.memoryHits + 1);
});
