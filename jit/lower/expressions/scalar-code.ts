import { type DType, isFloating } from '../../../src/core/dtype.ts';
import type { ElementOp } from '../../element.ts';
import { call, type Expr, f32c, f64c, i32c, op, select } from '../../wasm/code.ts';
import { scalarType } from '../storage.ts';

/** A constant of `dtype`. */
export function constant(value: number, dtype: DType): Expr {
  if (dtype === 'float32') return f32c(value);
  if (dtype === 'float64') return f64c(value);
  return i32c(value);
}

const floatNames: Partial<Record<ElementOp, string>> = {
  add: 'add',
  sub: 'sub',
  mul: 'mul',
  div: 'div',
  neg: 'neg',
  abs: 'abs',
  sqrt: 'sqrt',
  floor: 'floor',
  ceil: 'ceil',
  trunc: 'trunc',
  nearest: 'nearest',
  min: 'min',
  max: 'max',
};
const comparisons: ReadonlySet<ElementOp> = new Set(['eq', 'ne', 'lt', 'le', 'gt', 'ge']);

/** A name for the value of an expression that stands in several places. */
export type Let = (value: Expr) => Expr;

/**
 * One operation on rank-0 values: the same bits as `vectorOp` computes in every lane. `math` gives the name of a
 * function of jit/math and sees to it that it is part of the module.
 */
export function scalarOp(
  operation: ElementOp,
  dtype: DType,
  args: readonly Expr[],
  argType: DType,
  name: Let,
  math: (fn: string) => string,
  fn?: string,
): Expr {
  const [x, y, z] = args as [Expr, Expr, Expr];
  const type = scalarType(dtype);
  if (operation === 'call') return call(math(fn!), type, ...args);
  if (operation === 'select') return select(x, y, z);
  if (operation === 'convert') return convert(x, argType, dtype);
  if (operation === 'bitcast') {
    if (dtype === 'float32') return op('f32.reinterpret_i32', x);
    return argType === 'float32' ? op('i32.reinterpret_f32', x) : x;
  }
  if (comparisons.has(operation)) {
    if (isFloating(argType)) return op(`${scalarType(argType)}.${operation}`, x, y);
    if (operation === 'eq' || operation === 'ne') return op(`i32.${operation}`, x, y);
    return op(`i32.${operation}_${argType === 'int32' ? 's' : 'u'}`, x, y);
  }
  if (operation === 'copysign') {
    const sign = name(y);
    return op(`${type}.copysign`, x, select(op(`${type}.eq`, sign, sign), sign, constant(0, dtype)));
  }
  if (isFloating(dtype)) {
    const instruction = floatNames[operation];
    if (!instruction) throw new Error(`${operation} is not an operation on ${dtype}`);
    return op(`${type}.${instruction}`, ...args);
  }
  return integerOp(operation, dtype, args, name);
}

function integerOp(operation: ElementOp, dtype: DType, [x, y]: readonly Expr[], name: Let): Expr {
  const sign = dtype === 'int32' ? 's' : 'u';
  switch (operation) {
    case 'add':
    case 'sub':
    case 'mul':
    case 'and':
    case 'or':
    case 'xor':
      return op(`i32.${operation}`, x!, y!);
    case 'neg':
      return op('i32.sub', i32c(0), x!);
    case 'abs': {
      const value = name(x!);
      return select(op('i32.lt_s', value, i32c(0)), op('i32.sub', i32c(0), value), value);
    }
    case 'not':
      return dtype === 'bool' ? op('i32.eqz', x!) : op('i32.xor', x!, i32c(-1));
    case 'min':
    case 'max': {
      const [a, b] = [name(x!), name(y!)];
      return select(op(`i32.${operation === 'min' ? 'lt' : 'gt'}_${sign}`, a, b), a, b);
    }
    case 'div': {
      // Neither a division by 0 nor −2³¹ / −1 may reach the instruction: both trap.
      const [a, b] = [name(x!), name(y!)];
      const zero = op('i32.eqz', b);
      if (sign === 'u') return select(zero, i32c(-1), op('i32.div_u', a, select(zero, i32c(1), b)));
      const negate = name(op('i32.eq', b, i32c(-1)));
      const safe = select(op('i32.or', zero, negate), i32c(1), b);
      const quotient = op('i32.div_s', a, safe);
      return select(zero, i32c(-1), select(negate, op('i32.sub', i32c(0), a), quotient));
    }
    case 'rem': {
      const [a, b] = [name(x!), name(y!)];
      const zero = op('i32.eqz', b);
      return select(zero, a, op(`i32.rem_${sign}`, a, select(zero, i32c(1), b)));
    }
    case 'shl':
    case 'shrLogical': {
      const [a, by] = [name(x!), name(y!)];
      const shifted = op(operation === 'shl' ? 'i32.shl' : 'i32.shr_u', a, by);
      return select(op('i32.lt_u', by, i32c(32)), shifted, i32c(0));
    }
    case 'shrArithmetic': {
      const by = name(y!);
      return op('i32.shr_s', x!, select(op('i32.lt_u', by, i32c(31)), by, i32c(31)));
    }
    case 'mulHigh': {
      const product = op('i64.mul', op('i64.extend_i32_u', x!), op('i64.extend_i32_u', y!));
      return op('i32.wrap_i64', op('i64.shr_u', product, { kind: 'const', type: 'i64', value: 32n }));
    }
    default:
      throw new Error(`${operation} is not an operation on ${dtype}`);
  }
}

function convert(x: Expr, from: DType, to: DType): Expr {
  if (from === to) return x;
  const [a, b] = [scalarType(from), scalarType(to)];
  if (to === 'bool') return a === 'i32' ? op('i32.ne', x, i32c(0)) : op(`${a}.ne`, x, constant(0, from));
  if (a === 'i32' && b === 'i32') return x;
  if (a === 'f32' && b === 'f64') return op('f64.promote_f32', x);
  if (a === 'f64' && b === 'f32') return op('f32.demote_f64', x);
  if (a === 'i32') return op(`${b}.convert_i32_${from === 'int32' ? 's' : 'u'}`, x);
  return op(`i32.trunc_sat_${a}_${to === 'int32' ? 's' : 'u'}`, x);
}
