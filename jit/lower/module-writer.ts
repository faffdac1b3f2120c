import type { ShapedArray } from '../../src/core/aval.ts';
import { byteSize, type DType } from '../../src/core/dtype.ts';
import type { Params } from '../../src/core/primitive.ts';
import type { CallbackHandler } from '../lower-rule.ts';
import type { CallbackSite } from '../program.ts';
import { runtimeImport } from '../runtime/signatures.ts';
import { functionKey, renamed } from '../wasm/assemble-function.ts';
import {
  type Expr,
  type Func,
  FunctionBuilder,
  type ImportedFunc,
  i32c,
  type Local,
  op,
  type Stmt,
  type Target,
} from '../wasm/code.ts';
import { FramePlan } from './frame-plan.ts';
import { kernelInThreads } from './in-threads.ts';
import type { Kernel, KernelRange } from './kernels/kernel.ts';
import { Locals } from './locals.ts';
import { Buffer, Scalar } from './storage.ts';

/** The function behind a callback, what it was made of, and the types of what it is called with. */
export interface Handler {
  readonly params: Params;
  readonly handler: CallbackHandler;
  readonly avals: readonly ShapedArray[];
}

/** How a kernel is called: over a range, if it has one. */
export interface KernelCalls {
  readonly name: string;
  readonly range: KernelRange | undefined;
  /** Whether what it leaves depends on how the range is cut. */
  readonly isCut?: boolean;
  readonly run: (...range: readonly Expr[]) => void;
}

/** The module under way: the statements of `main` with its locals and its frame, and the functions that it calls. */
export class ModuleWriter {
  readonly f: FunctionBuilder = new FunctionBuilder('main', ['i32'], 'i32');
  readonly frame: Local = this.f.param(0);
  readonly locals: Locals = new Locals(this.f);
  readonly plan: FramePlan;
  readonly target: Target;
  readonly functions: Func[] = [];
  readonly imports: Map<string, ImportedFunc> = new Map();
  readonly math: Set<string> = new Set();
  readonly callbacks: CallbackSite[] = [];
  readonly handlers: Handler[] = [];
  /** What kernels compute, by their names. */
  readonly notes: Map<string, string> = new Map();
  /** Loops that may run long, to become functions of their own; and how many are around what is being written. */
  readonly longLoops: Set<Stmt> = new Set();
  loopDepth = 0;
  private readonly names = new Map<string, string>();
  private readonly entries = new Map<string, number>();

  constructor(slotBytes: number, target: Target) {
    this.plan = new FramePlan(slotBytes);
    this.target = target;
  }

  /** A place in the frame, given back with its last user. */
  temporary(dtype: DType, length: number): Buffer {
    const place = this.plan.allocate(length * byteSize(dtype));
    return new Buffer(dtype, length, this.at(place.offset), () => this.plan.free(place));
  }

  /** Bytes of the frame while `use` runs. */
  withScratch<T>(bytes: number, use: (ptr: Expr) => T): T {
    if (bytes === 0) return use(i32c(0));
    const place = this.plan.allocate(bytes);
    try {
      return use(this.at(place.offset));
    } finally {
      this.plan.free(place);
    }
  }

  at(offset: number): Expr {
    return op('i32.add', this.frame, i32c(offset));
  }

  /** A rank-0 value in a local of its own. */
  newScalar(dtype: DType, value: Expr): Scalar {
    if (value.kind === 'const') return new Scalar(dtype, value);
    const local = this.locals.hold(value);
    return new Scalar(dtype, local, () => this.locals.give(local));
  }

  readonly useMath = (fn: string, type: 'f32' | 'f64' | 'f32x4' | 'f64x2'): string => {
    this.math.add(`${fn}_${type}`);
    return `${fn}_${type}`;
  };

  /** Adds a function to the module; equal ones are one. */
  define(func: Func): string {
    const key = functionKey(func);
    let name = this.names.get(key);
    if (!name) {
      name = `k${this.functions.length}`;
      this.names.set(key, name);
      this.functions.push(renamed(func, name));
    }
    return name;
  }

  /** Adds a function that threads call: their number among these. */
  entry(func: Func): number {
    const key = functionKey(func);
    let entry = this.entries.get(key);
    if (entry === undefined) {
      entry = this.entries.size;
      this.entries.set(key, entry);
      this.functions.push(renamed(func, `t${entry}`));
    }
    return entry;
  }

  /** Calls a function of the runtime module. */
  callRuntime(name: string, args: readonly Expr[]): void {
    this.f.call(this.runtime(name, args.length), ...args);
  }

  runtime(name: string, parameters: number): string {
    if (!this.imports.has(name)) this.imports.set(name, runtimeImport(name, parameters));
    return name;
  }

  /** Calls a kernel without a result. */
  run(kernel: Kernel): void {
    if (this.target.shared && kernel.range && !kernel.inOrder) kernelInThreads(this, this.declare(kernel), kernel);
    else this.overRange(this.callsOf(kernel));
  }

  callsOf(kernel: Kernel): KernelCalls {
    const name = this.declare(kernel);
    return { name, range: kernel.range, run: (...range) => this.f.call(name, ...range, ...kernel.args) };
  }

  overRange({ range, run }: KernelCalls): void {
    if (range) this.inChunks(range, run);
    else run();
  }

  /** Makes the calls of a group's kernel when it is its turn. */
  inTurn(calls: KernelCalls, release: () => void): void {
    this.overRange(calls);
    release();
  }

  declare(kernel: Kernel): string {
    for (const name of kernel.math) this.math.add(name);
    return this.define(kernel.func);
  }

  /** Calls a kernel that writes, for each part of its range, `bytes` somewhere; `combine` goes over these in their order. */
  runInParts(kernel: Kernel, bytes: number, combine: (parts: Expr) => void): void {
    const name = this.declare(kernel);
    const range = kernel.range!;
    const parts = kernel.parts!;
    const inThreads = this.target.shared;
    this.withScratch((inThreads ? Math.ceil(range.extent / range.chunk) : 1) * bytes, (scratch) => {
      const args = kernel.args.map((arg, i) => (i === parts ? scratch : arg));
      if (!inThreads) {
        const run = (...part: readonly Expr[]): void => {
          this.f.call(name, ...part, ...args);
          combine(scratch);
        };
        this.inTurn({ name, range, isCut: true, run }, () => {});
        return;
      }
      kernelInThreads(this, name, { ...kernel, args }, bytes);
      const at = this.locals.hold(scratch);
      this.inChunks(range, () => {
        combine(at);
        this.f.set(at, op('i32.add', at, i32c(bytes)));
      });
      this.locals.give(at);
    });
  }

  inChunks(
    { extent, chunk }: { readonly extent: number; readonly chunk: number },
    call: (begin: Expr, end: Expr) => void,
  ): void {
    const { f, locals } = this;
    const begin = locals.hold(i32c(0));
    const end = locals.take('i32');
    f.while(op('i32.lt_s', begin, i32c(extent)), () => {
      f.set(end, op('i32.add', begin, i32c(chunk)));
      f.if(op('i32.gt_s', end, i32c(extent)), () => f.set(end, i32c(extent)));
      call(begin, end);
      f.set(begin, end);
    });
    locals.give(begin);
    locals.give(end);
  }
}
