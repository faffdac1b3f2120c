import { digamma, erf, erfc, erfInv, lgamma, logistic } from '../../src/core/special.ts';
import { type Expr, type Func, FunctionBuilder, type ImportedFunc, lane, op, type Target } from '../code.ts';
import { f32Functions } from './f32/index.ts';
import { f64Functions } from './f64/index.ts';
import type { VectorFunction } from './vector-function.ts';

/**
 * Functions without an instruction of their own. Each exists on float32 and float64, on rank-0 values and on vectors,
 * and gives the same bits on all lanes and alone: a rank-0 value is one lane of a vector. What has no vector code goes
 * through the float64 function of the host, lane by lane.
 */
export type MathType = 'f32' | 'f64' | 'f32x4' | 'f64x2';

/** IEEE 754's power, which differs from JavaScript's where the base is ±1. */
function pow(x: number, y: number): number {
  return x === 1 || (x === -1 && Math.abs(y) === Number.POSITIVE_INFINITY) ? 1 : x ** y;
}

const { exp, expm1, log, log1p, log2, sin, cos, tan, asin, acos, atan, atan2, cbrt } = Math;
const { sinh, cosh, tanh, asinh, acosh, atanh } = Math;

/** The host's functions, which modules import from `math`. */
export const hostMath: Readonly<Record<string, (x: number, y: number) => number>> = {
  ...{ exp, expm1, log, log1p, log2, sin, cos, tan, asin, acos, atan, atan2, cbrt },
  ...{ sinh, cosh, tanh, asinh, acosh, atanh },
  ...{ digamma, erf, erfc, erfInv, lgamma, logistic, pow },
  rem: (x, y) => x % y,
};

export const mathNames: readonly string[] = Object.keys(hostMath);
export const mathArity = (fn: string): 1 | 2 => (fn === 'pow' || fn === 'atan2' || fn === 'rem' ? 2 : 1);
export const mathName = (fn: string, type: MathType): string => `${fn}_${type}`;

export interface MathCode {
  readonly imports: readonly ImportedFunc[];
  readonly functions: readonly Func[];
}

/** What a module needs in order to call the functions of these names, such as `exp_f32x4`. */
export function mathCode(names: Iterable<string>, target: Target): MathCode {
  const imports = new Map<string, ImportedFunc>();
  const functions = new Map<string, Func>();
  for (const name of names) {
    const [fn, type] = name.split('_') as [string, MathType];
    if (!hostMath[fn]) throw new Error(`jit/math has no function ${fn}`);
    const arity = mathArity(fn);
    const shape = type === 'f32' || type === 'f32x4' ? 'f32x4' : 'f64x2';
    const own = (shape === 'f32x4' ? f32Functions : f64Functions)[fn];
    if (own) {
      const vectorName = mathName(fn, shape);
      functions.set(vectorName, inVectors(vectorName, own, arity, target));
      if (type !== shape) functions.set(name, oneLane(name, vectorName, arity, shape));
      continue;
    }
    const params = new Array<'f64'>(arity).fill('f64');
    if (type === 'f64') {
      imports.set(fn, { name, module: 'math', base: fn, params, result: 'f64' });
      continue;
    }
    imports.set(fn, { name: mathName(fn, 'f64'), module: 'math', base: fn, params, result: 'f64' });
    functions.set(name, type === 'f32' ? single(name, fn, arity) : vector(name, fn, arity, type));
  }
  return { imports: [...imports.values()], functions: [...functions.values()] };
}

function inVectors(name: string, write: VectorFunction, arity: number, target: Target): Func {
  const f = new FunctionBuilder(name, new Array(arity).fill('v128'), 'v128');
  f.return(write(f, target, ...Array.from({ length: arity }, (_, i) => f.param(i))));
  return f.build();
}

function oneLane(name: string, vectorName: string, arity: number, shape: 'f32x4' | 'f64x2'): Func {
  const type = shape === 'f32x4' ? 'f32' : 'f64';
  const f = new FunctionBuilder(name, new Array(arity).fill(type), type);
  const args = Array.from({ length: arity }, (_, i) => op(`${shape}.splat`, f.param(i)));
  f.return(lane(`${shape}.extract_lane`, 0, { kind: 'call', type: 'v128', fn: vectorName, args }));
  return f.build();
}

const host = (fn: string, args: readonly Expr[]): Expr => ({
  kind: 'call',
  type: 'f64',
  fn: mathName(fn, 'f64'),
  args,
});

function single(name: string, fn: string, arity: number): Func {
  const f = new FunctionBuilder(name, new Array(arity).fill('f32'), 'f32');
  const args = Array.from({ length: arity }, (_, i) => op('f64.promote_f32', f.param(i)));
  f.return(op('f32.demote_f64', host(fn, args)));
  return f.build();
}

function vector(name: string, fn: string, arity: number, type: 'f32x4' | 'f64x2'): Func {
  const f = new FunctionBuilder(name, new Array(arity).fill('v128'), 'v128');
  const result = f.var(f.param(0));
  for (let i = 0; i < (type === 'f32x4' ? 4 : 2); i++) {
    const args = Array.from({ length: arity }, (_, k) => {
      const element = lane(`${type}.extract_lane`, i, f.param(k));
      return type === 'f32x4' ? op('f64.promote_f32', element) : element;
    });
    const value = host(fn, args);
    f.set(result, lane(`${type}.replace_lane`, i, result, type === 'f32x4' ? op('f32.demote_f64', value) : value));
  }
  f.return(result);
  return f.build();
}
