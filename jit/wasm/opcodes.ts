/**
 * The opcodes of WebAssembly by the names of its text format, as the specification tabulates them (core specification 2.0,
 * appendix A.7, and the proposal of relaxed vector instructions). Where a table goes on from one opcode to the next, the
 * names stand in that order; `_` is an opcode without an instruction.
 */
const scalars: readonly (readonly [first: number, type: string, names: string])[] = [
  [0x28, '', 'i32.load i64.load f32.load f64.load i32.load8_s i32.load8_u i32.load16_s i32.load16_u'],
  [0x30, 'i64', 'load8_s load8_u load16_s load16_u load32_s load32_u'],
  [0x36, '', 'i32.store i64.store f32.store f64.store i32.store8 i32.store16 i64.store8 i64.store16 i64.store32'],
  [0x45, 'i32', 'eqz eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u'],
  [0x50, 'i64', 'eqz eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u'],
  [0x5b, 'f32', 'eq ne lt gt le ge'],
  [0x61, 'f64', 'eq ne lt gt le ge'],
  [0x67, 'i32', 'clz ctz popcnt add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr'],
  [0x79, 'i64', 'clz ctz popcnt add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr'],
  [0x8b, 'f32', 'abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign'],
  [0x99, 'f64', 'abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign'],
  [0xa7, 'i32', 'wrap_i64'],
  [0xac, 'i64', 'extend_i32_s extend_i32_u'],
  [0xb2, 'f32', 'convert_i32_s convert_i32_u convert_i64_s convert_i64_u demote_f64'],
  [0xb7, 'f64', 'convert_i32_s convert_i32_u convert_i64_s convert_i64_u promote_f32'],
  [0xbc, '', 'i32.reinterpret_f32 i64.reinterpret_f64 f32.reinterpret_i32 f64.reinterpret_i64'],
  [0xc0, '', 'i32.extend8_s i32.extend16_s i64.extend8_s i64.extend16_s i64.extend32_s'],
];

/** Behind the prefix 0xfc. */
const saturating: readonly (readonly [first: number, type: string, names: string])[] = [
  [0x00, 'i32', 'trunc_sat_f32_s trunc_sat_f32_u trunc_sat_f64_s trunc_sat_f64_u'],
  [0x04, 'i64', 'trunc_sat_f32_s trunc_sat_f32_u trunc_sat_f64_s trunc_sat_f64_u'],
];

const comparisons = 'eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u';

/** Behind the prefix 0xfd. */
const vectors: readonly (readonly [first: number, type: string, names: string])[] = [
  [0x00, 'v128', 'load load8x8_s load8x8_u load16x4_s load16x4_u load32x2_s load32x2_u'],
  [0x07, 'v128', 'load8_splat load16_splat load32_splat load64_splat store const'],
  [0x0d, 'i8x16', 'shuffle swizzle splat'],
  [0x10, '', 'i16x8.splat i32x4.splat i64x2.splat f32x4.splat f64x2.splat'],
  [0x15, 'i8x16', 'extract_lane_s extract_lane_u replace_lane'],
  [0x18, 'i16x8', 'extract_lane_s extract_lane_u replace_lane'],
  [0x1b, '', 'i32x4.extract_lane i32x4.replace_lane i64x2.extract_lane i64x2.replace_lane'],
  [0x1f, '', 'f32x4.extract_lane f32x4.replace_lane f64x2.extract_lane f64x2.replace_lane'],
  [0x23, 'i8x16', comparisons],
  [0x2d, 'i16x8', comparisons],
  [0x37, 'i32x4', comparisons],
  [0x41, 'f32x4', 'eq ne lt gt le ge'],
  [0x47, 'f64x2', 'eq ne lt gt le ge'],
  [0x4d, 'v128', 'not and andnot or xor bitselect any_true load8_lane load16_lane load32_lane load64_lane'],
  [0x58, 'v128', 'store8_lane store16_lane store32_lane store64_lane load32_zero load64_zero'],
  [0x5e, '', 'f32x4.demote_f64x2_zero f64x2.promote_low_f32x4'],
  [0x60, 'i8x16', 'abs neg popcnt all_true bitmask narrow_i16x8_s narrow_i16x8_u'],
  [0x67, 'f32x4', 'ceil floor trunc nearest'],
  [0x6b, 'i8x16', 'shl shr_s shr_u add add_sat_s add_sat_u sub sub_sat_s sub_sat_u'],
  [0x74, '', 'f64x2.ceil f64x2.floor i8x16.min_s i8x16.min_u i8x16.max_s i8x16.max_u f64x2.trunc i8x16.avgr_u'],
  [0x7c, 'i16x8', 'extadd_pairwise_i8x16_s extadd_pairwise_i8x16_u'],
  [0x7e, 'i32x4', 'extadd_pairwise_i16x8_s extadd_pairwise_i16x8_u'],
  [0x80, 'i16x8', 'abs neg _ all_true bitmask narrow_i32x4_s narrow_i32x4_u'],
  [0x87, 'i16x8', 'extend_low_i8x16_s extend_high_i8x16_s extend_low_i8x16_u extend_high_i8x16_u'],
  [0x8b, 'i16x8', 'shl shr_s shr_u add add_sat_s add_sat_u sub sub_sat_s sub_sat_u'],
  [0x94, '', 'f64x2.nearest i16x8.mul i16x8.min_s i16x8.min_u i16x8.max_s i16x8.max_u _ i16x8.avgr_u'],
  [0x9c, 'i16x8', 'extmul_low_i8x16_s extmul_high_i8x16_s extmul_low_i8x16_u extmul_high_i8x16_u'],
  [0xa0, 'i32x4', 'abs neg _ all_true bitmask _ _'],
  [0xa7, 'i32x4', 'extend_low_i16x8_s extend_high_i16x8_s extend_low_i16x8_u extend_high_i16x8_u'],
  [0xab, 'i32x4', 'shl shr_s shr_u add _ _ sub _ _ _ mul min_s min_u max_s max_u dot_i16x8_s _'],
  [0xbc, 'i32x4', 'extmul_low_i16x8_s extmul_high_i16x8_s extmul_low_i16x8_u extmul_high_i16x8_u'],
  [0xc0, 'i64x2', 'abs neg _ all_true bitmask _ _'],
  [0xc7, 'i64x2', 'extend_low_i32x4_s extend_high_i32x4_s extend_low_i32x4_u extend_high_i32x4_u'],
  [0xcb, 'i64x2', 'shl shr_s shr_u add _ _ sub _ _ _ mul eq ne lt_s gt_s le_s ge_s'],
  [0xdc, 'i64x2', 'extmul_low_i32x4_s extmul_high_i32x4_s extmul_low_i32x4_u extmul_high_i32x4_u'],
  [0xe0, 'f32x4', 'abs neg _ sqrt add sub mul div min max pmin pmax'],
  [0xec, 'f64x2', 'abs neg _ sqrt add sub mul div min max pmin pmax'],
  [0xf8, 'i32x4', 'trunc_sat_f32x4_s trunc_sat_f32x4_u'],
  [0xfa, 'f32x4', 'convert_i32x4_s convert_i32x4_u'],
  [0xfc, 'i32x4', 'trunc_sat_f64x2_s_zero trunc_sat_f64x2_u_zero'],
  [0xfe, 'f64x2', 'convert_low_i32x4_s convert_low_i32x4_u'],
  [0x100, '', 'i8x16.relaxed_swizzle _ _ _ _'],
  [0x105, '', 'f32x4.relaxed_madd f32x4.relaxed_nmadd f64x2.relaxed_madd f64x2.relaxed_nmadd'],
  [0x10d, '', 'f32x4.relaxed_min f32x4.relaxed_max f64x2.relaxed_min f64x2.relaxed_max'],
];

const vectorPrefix = 0xfd;
export const miscPrefix = 0xfc;

let known: ReadonlyMap<string, readonly number[]> | undefined;

/** Bytes of every instruction. */
export const opcodes = (): ReadonlyMap<string, readonly number[]> => (known ??= table());

function table(): Map<string, readonly number[]> {
  const bytes = new Map<string, readonly number[]>();
  const read = (rows: typeof scalars, bytesOf: (opcode: number) => readonly number[]): void => {
    for (const [first, type, names] of rows)
      names.split(' ').forEach((name, i) => {
        if (name !== '_') bytes.set(type ? `${type}.${name}` : name, bytesOf(first + i));
      });
  };
  read(scalars, (opcode) => [opcode]);
  read(saturating, (opcode) => [miscPrefix, opcode]);
  read(vectors, (opcode) => [vectorPrefix, ...(opcode < 0x80 ? [opcode] : [(opcode & 0x7f) | 0x80, opcode >> 7])]);
  return bytes;
}
