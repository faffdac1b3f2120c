import type { WasmType } from './code.ts';

/**
 * What an instruction's name says, in the terms of binaryen's C API, which names the same operations in its own way:
 * `i32x4.trunc_sat_f64x2_s_zero` is `TruncSatZeroSVecF64x2ToVecI32x4`.
 */
export interface Instruction {
  readonly form: 'unary' | 'binary' | 'ternary' | 'shift' | 'extract' | 'replace' | 'shuffle';
  /** Name of binaryen's operation constant. */
  readonly constant: string;
  readonly operands: number;
}

const scalarNames: Record<string, string> = { i32: 'Int32', i64: 'Int64', f32: 'Float32', f64: 'Float64' };
const typeName = (type: string): string =>
  scalarNames[type] ?? (type === 'v128' ? 'Vec128' : `Vec${type.toUpperCase().replace('X', 'x')}`);
const isType = (word: string): boolean => /^(i32|i64|f32|f64|i8x16|i16x8|i32x4|i64x2|f32x4|f64x2)$/.test(word);

const spelling: Record<string, string> = {
  rotl: 'RotL',
  rotr: 'RotR',
  eqz: 'EqZ',
  copysign: 'CopySign',
  pmin: 'PMin',
  pmax: 'PMax',
  andnot: 'AndNot',
  extmul: 'ExtMul',
  extadd: 'ExtAdd',
  extend8: 'Extend8',
};
const capital = (word: string): string => spelling[word] ?? word[0]!.toUpperCase() + word.slice(1);

const unary = /^(eqz|clz|ctz|popcnt|neg|abs|ceil|floor|trunc|nearest|sqrt|splat|not|any_true|all_true|bitmask)$/;
const ternary = /^(bitselect|relaxed_madd|relaxed_nmadd|relaxed_laneselect)$/;
const narrowing = /^(narrow|extmul|dot)_/;

const known = new Map<string, Instruction>();

/** Reads an instruction's name; the constant may still turn out not to exist. */
export function instruction(op: string): Instruction {
  let found = known.get(op);
  if (!found) {
    found = parse(op);
    known.set(op, found);
  }
  return found;
}

function parse(op: string): Instruction {
  const dot = op.indexOf('.');
  const type = op.slice(0, dot);
  const name = op.slice(dot + 1);
  const vector = type === 'v128' || !(type in scalarNames);
  if (op === 'i8x16.shuffle') return { form: 'shuffle', constant: '', operands: 2 };
  // The plain float-to-integer conversions trap outside the range; nothing that is emitted here may trap.
  if (!vector && /^trunc_f(32|64)_[su]$/.test(name)) throw new Error(`${op} may trap; use the trunc_sat form`);

  const words = name.split('_');
  const sign = words.includes('s') ? 'S' : words.includes('u') ? 'U' : '';
  const from = words.find(isType);
  const zero = words.includes('zero') ? 'Zero' : '';
  const verb = words
    .filter((w) => w !== 's' && w !== 'u' && w !== 'zero' && !isType(w))
    .map(capital)
    .join('');

  if (name.startsWith('extract_lane'))
    return { form: 'extract', constant: `${verb}${sign}${typeName(type)}`, operands: 1 };
  if (name === 'replace_lane') return { form: 'replace', constant: `${verb}${typeName(type)}`, operands: 2 };
  if (vector && /^sh[lr]/.test(name))
    return { form: 'shift', constant: `${verb}${sign}${typeName(type)}`, operands: 2 };

  const extend = /^extend(8|16|32)_s$/.exec(name);
  if (extend) return { form: 'unary', constant: `ExtendS${extend[1]}${typeName(type)}`, operands: 1 };
  if (from && !vector) {
    // Four conversions are named after their source alone: there is no other result they could have.
    const short =
      verb === 'Wrap' || verb === 'Promote' || verb === 'Demote' || verb === 'Reinterpret' || verb === 'Extend';
    const to = short ? '' : `To${typeName(type)}`;
    return { form: 'unary', constant: `${verb}${sign}${typeName(from)}${to}`, operands: 1 };
  }
  if (from && verb.startsWith('ExtMul'))
    return { form: 'binary', constant: `${verb}${sign}${typeName(type)}`, operands: 2 };
  if (from && verb.startsWith('ExtAdd'))
    return { form: 'unary', constant: `${verb}${sign}${typeName(from)}To${typeName(type).slice(3)}`, operands: 1 };
  if (from) {
    const constant = `${verb}${zero}${sign}${typeName(from)}To${typeName(type)}`;
    return narrowing.test(name) ? { form: 'binary', constant, operands: 2 } : { form: 'unary', constant, operands: 1 };
  }
  const constant = `${verb}${sign}${typeName(type)}`;
  if (unary.test(name)) return { form: 'unary', constant, operands: 1 };
  if (ternary.test(name)) return { form: 'ternary', constant, operands: 3 };
  return { form: 'binary', constant, operands: 2 };
}

/** A load or store taken apart: the value's type, the bytes touched, the sign of a narrow load. */
export interface MemoryAccess {
  readonly form: 'plain' | 'simd' | 'lane';
  readonly type: WasmType;
  readonly bytes: number;
  readonly signed: boolean;
  /** Name of binaryen's operation constant, for `simd` and `lane`. */
  readonly constant: string;
}

const accesses = new Map<string, MemoryAccess>();

/** Reads the name of a load or store; undefined when it is not one. */
export function memoryAccess(op: string): MemoryAccess | undefined {
  let found = accesses.get(op);
  if (!found) {
    const match = /^(i32|i64|f32|f64|v128)\.(load|store)(\d+)?(x\d)?(?:_(s|u|splat|zero|lane))?$/.exec(op);
    if (!match) return undefined;
    const [, type, verb, width, by = '', how = ''] = match as unknown as [
      string,
      WasmType,
      string,
      string?,
      string?,
      string?,
    ];
    const natural = type === 'v128' ? 16 : type === 'i64' || type === 'f64' ? 8 : 4;
    const bytes = width ? (Number(width) / 8) * Number(by.slice(1) || 1) : natural;
    const constant = `${capital(verb)}${width ?? ''}${by}${how && capital(how)}Vec128`;
    const form = type !== 'v128' || !width ? 'plain' : how === 'lane' ? 'lane' : 'simd';
    found = { form, type, bytes, signed: how === 's', constant };
    accesses.set(op, found);
  }
  return found;
}
