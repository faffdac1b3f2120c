import { type Expr, type Func, FunctionBuilder, type Stmt, type Target } from '../wasm/code.ts';
import { f32Functions } from './f32/index.ts';
import { f64Functions } from './f64/index.ts';
import { mathArity, mathName, type VectorShape } from './names.ts';
import type { VectorFunction } from './vector-function.ts';

/** A function on vectors, and what is to be known before it is written into a kernel. */
export interface VectorCode {
  readonly write: VectorFunction;
  readonly func: Func;
  /** Names of the functions that it calls. */
  readonly calls: readonly string[];
  /** Number of its instructions. */
  readonly length: number;
}

const known = new Map<string, VectorCode | undefined>();

/** The code of a function on vectors, where it has any of its own. */
export function vectorCode(fn: string, shape: VectorShape, target: Target): VectorCode | undefined {
  const name = mathName(fn, shape);
  const key = `${name} ${target.fma}`;
  if (!known.has(key)) {
    const write = (shape === 'f32x4' ? f32Functions : f64Functions)[fn];
    known.set(key, write && codeOf(name, write, mathArity(fn), target));
  }
  return known.get(key);
}

function codeOf(name: string, write: VectorFunction, arity: number, target: Target): VectorCode {
  const f = new FunctionBuilder(name, new Array(arity).fill('v128'), 'v128');
  f.return(write(f, target, ...Array.from({ length: arity }, (_, i) => f.param(i))));
  const func = f.build();
  const calls = new Set<string>();
  let length = 0;
  const expressions = (...all: readonly Expr[]): void => {
    for (const e of all) {
      if (e.kind === 'const' || e.kind === 'local') continue;
      length++;
      if (e.kind === 'call') calls.add(e.fn);
      if (e.kind === 'op' || e.kind === 'call') expressions(...e.args);
      else if (e.kind === 'select') expressions(e.cond, e.a, e.b);
      else throw new Error(`${name} reads memory`);
    }
  };
  const statements = (all: readonly Stmt[]): void => {
    for (const s of all) {
      if (s.kind === 'set') expressions(s.value);
      else if (s.kind === 'return') expressions(...(s.value ? [s.value] : []));
      else if (s.kind === 'if') {
        expressions(s.cond);
        statements(s.yes);
        statements(s.no);
      } else if (s.kind === 'while' || s.kind === 'doWhile') {
        expressions(s.cond);
        statements(s.body);
      } else throw new Error(`${name} has a statement of kind ${s.kind}`);
    }
  };
  statements(func.body);
  return { write, func, calls: [...calls], length };
}
