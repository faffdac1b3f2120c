import { call, type Expr, type FunctionBuilder, type Target } from '../wasm/code.ts';
import { type MathType, mathName, type VectorShape } from './names.ts';
import { vectorCode } from './vectors.ts';

/**
 * Instructions of a function that a kernel writes out instead of calling, and of all those in one kernel. A call makes
 * the function's constants anew for every four elements; written out they are hoisted from the loop.
 */
const longestInline = 260;
const longestInlines = 1200;

/** The functions of jit/math that one kernel uses. */
export class MathUses {
  /** Those that are called, such as `exp_f32x4`: what `mathCode` must define. */
  readonly names: Set<string> = new Set();
  private readonly target: Target;
  private left = longestInlines;

  constructor(target: Target) {
    this.target = target;
  }

  /** A function of vectors: a call, or in a loop (`often`) the function itself if it is short. */
  vector(f: FunctionBuilder, fn: string, shape: VectorShape, args: readonly Expr[], often: boolean): Expr {
    const code = often ? vectorCode(fn, shape, this.target) : undefined;
    if (!code || code.length > Math.min(longestInline, this.left)) return call(this.name(fn, shape), 'v128', ...args);
    this.left -= code.length;
    for (const name of code.calls) this.names.add(name);
    return code.write(f, this.target, ...args.map((arg) => (arg.kind === 'local' ? arg : f.let(arg))));
  }

  private name(fn: string, type: MathType): string {
    const name = mathName(fn, type);
    this.names.add(name);
    return name;
  }
}
