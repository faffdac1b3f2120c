import {
  digamma,
  erf,
  erfc,
  erfInv,
  exp2,
  floorDivide,
  hypot,
  lgamma,
  logistic,
  pow,
  tanh,
} from '../../src/core/special.ts';
import { type Expr, type Func, FunctionBuilder, type ImportedFunc, lane, op, type Target } from '../wasm/code.ts';
import { type MathType, mathArity, mathName } from './names.ts';
import { vectorCode } from './vectors.ts';

export { type MathType, mathArity, mathName } from './names.ts';

const { exp, expm1, log, log1p, log2, sin, cos, tan, asin, acos, atan, atan2, cbrt } = Math;
const { sinh, cosh, asinh, acosh, atanh } = Math;

/** The host's functions, which modules import from `math`. */
export const hostMath: Readonly<Record<string, (x: number, y: number) => number>> = {
  ...{ exp, expm1, log, log1p, log2, sin, cos, tan, asin, acos, atan, atan2, cbrt },
  ...{ sinh, cosh, tanh, asinh, acosh, atanh },
  ...{ digamma, erf, erfc, erfInv, exp2, floorDivide, hypot, lgamma, logistic, pow },
  rem: (x, y) => x % y,
};

export const mathNames: readonly string[] = Object.keys(hostMath);

export interface MathCode {
  readonly imports: readonly ImportedFunc[];
  readonly functions: readonly Func[];
}

/** What a module needs in order to call the functions of these names, such as `exp_f32x4`. */
export function mathCode(names: Iterable<string>, target: Target): MathCode {
  const imports = new Map<string, ImportedFunc>();
  const functions = new Map<string, Func>();
  // A function may call others, which join the end of the set while it is walked.
  const needed = new Set(names);
  for (const name of needed) {
    const [fn, type] = name.split('_') as [string, MathType];
    const arity = mathArity(fn);
    const shape = type === 'f32' || type === 'f32x4' ? 'f32x4' : 'f64x2';
    const inVectors = vectorCode(fn, shape, target);
    if (inVectors) {
      const vectorName = mathName(fn, shape);
      functions.set(vectorName, inVectors.func);
      for (const called of inVectors.calls) needed.add(called);
      if (type !== shape) functions.set(name, oneLane(name, vectorName, arity, shape));
      continue;
    }
    if (!hostMath[fn]) throw new Error(`jit/math has no function ${fn}`);
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
