/** `jit`, `makeJaxpr`, `evalShape`: tracing a user's function to a program. */

import type { LoweredCode } from '../jit/lower/lower.ts';
import { inspect, prepare } from '../jit/run.ts';
import { target } from '../jit/target.ts';
import { disassemble, hasBinaryen } from '../jit/wasm/binaryen-thread.ts';
import { showModule } from '../jit/wasm/show.ts';
import { encode } from '../jit/wasm/wire.ts';
import {
  type AnyFunction,
  checkFunction,
  FlatFunction,
  flattenArguments,
  functionName,
  type TreeFunction,
} from '../transforms/flat.ts';
import { NDArray } from './array.ts';
import type { ComplexArray } from './complex/complex-array.ts';
import { jitP } from './control/jit-primitive.ts';
import { checkPositions, positionsOf, withStatics } from './control/static-arguments.ts';
import { type ShapedArray, shapedArray } from './core/aval.ts';
import type { DType } from './core/dtype.ts';
import { CotangentError, DisposedError, TraceError } from './core/errors.ts';
import { evaluatingTrace, run, watch } from './core/evaluate.ts';
import type { Jaxpr } from './core/jaxpr.ts';
import { optionsOf } from './core/options.ts';
import { printJaxpr } from './core/print.ts';
import { stage } from './core/stage.ts';
import { bind, currentTrace, type Value } from './core/trace.ts';
import { type Entry, RecentEntries } from './jit-dispatch.ts';
import { argumentAt, quoted, standsFor } from './syntax/names.ts';
import {
  type ArrayLikes,
  type Arrays,
  flatten,
  type Leaf,
  leafPaths,
  type Mapped,
  type TreeDef,
  unflatten,
} from './tree.ts';

export interface JitOptions {
  /** Arguments that are not traced, by position or by name: strings, functions, numbers that decide shapes. */
  static?: readonly (number | string)[];
  /** Arguments whose memory the call may reuse, by position or by name; they must not be used afterwards. */
  donate?: readonly (number | string)[];
}

const ids = new WeakMap<ShapedArray, number>();
let nextId = 0;
const avalId = (aval: ShapedArray): number => {
  let id = ids.get(aval);
  if (id === undefined) ids.set(aval, (id = nextId++));
  return id;
};

/** A function that `jit` compiled. */
export interface Jitted<F extends AnyFunction> {
  (...args: ArrayLikes<Parameters<F>>): Arrays<ReturnType<F>>;
  /** The program for arguments of these types, as it is executed: prints its kernels. Nothing is run. */
  lower(...args: ArrayLikes<Parameters<F>>): LoweredProgram;
}

/**
 * Traces `f` once per signature — structure, shapes and dtypes of the arguments — and executes the compiled program from
 * then on, in one call into WebAssembly. Functions of equal content share their code, also between processes.
 *
 * @example
 * const step = jit((w, x) => w.sub(np.dot(x, w).mul(0.1)));
 */
export function jit<F extends TreeFunction>(f: F, options: JitOptions = {}): Jitted<F> {
  checkFunction('jit', f);
  optionsOf('jit', options, ['static', 'donate']);
  const cache = new Map<string, Entry[]>();
  const name = functionName(f);
  const staticPositions = positionsOf('jit', f, 'static', options.static);
  const donatedPositions = positionsOf('jit', f, 'donate', options.donate);
  const both = donatedPositions.find((i) => staticPositions.includes(i));
  if (both !== undefined) throw new TraceError(`jit: argument ${both} of ${quoted(f)} cannot be static and donated.`);
  const donated = donatedPositions.map((i) => i - staticPositions.filter((s) => s < i).length);
  const recent = new RecentEntries(staticPositions);
  const trace = (args: readonly unknown[]): { entry: Entry; values: Value[] } => {
    const statics = staticPositions.map((i) => args[i]);
    const dynamic = staticPositions.length ? args.filter((_, i) => !staticPositions.includes(i)) : args;
    const { values, def } = flattenArguments(dynamic, 'jit', f, staticPositions);
    const key = `${def.key}|${values.map((v) => avalId(v.aval)).join()}`;
    let entries = cache.get(key);
    if (!entries) cache.set(key, (entries = []));
    let entry = entries.find((e) => usable(e) && e.statics.every((s, i) => Object.is(s, statics[i])));
    if (!entry) {
      checkPositions('jit', f, staticPositions, 'static');
      checkPositions('jit', f, donatedPositions, 'donated');
      const full = staticPositions.length ? withStatics(f, args.length, staticPositions, statics) : f;
      const flat = new FlatFunction(full, def, 'jit');
      const { jaxpr, consts } = stage(
        flat.call,
        values.map((v) => v.aval),
      );
      entry = {
        statics,
        jaxpr,
        consts,
        outDef: flat.outDef,
        inDef: def,
        avals: values.map((v) => v.aval),
        donatedTo: `donated to ${quoted(f)}`,
        donated: donated.length ? donatedLeaves(dynamic, donated) : undefined,
        execute: undefined,
      };
      const live = entries.filter(usable);
      entries.splice(0, entries.length, ...live, entry);
    }
    return { entry, values };
  };
  const compiled = (...args: unknown[]): any => {
    try {
      return call(args);
    } catch (error) {
      if (!(error instanceof DisposedError)) throw error;
      const { entry, values } = trace(args);
      const i = values.findIndex((value) => value.disposed);
      const path = leafPaths(entry.inDef)[i]!;
      const named = staticPositions.length ? `argument${path}` : argumentAt(f, path);
      const what = i < 0 ? `an array that ${quoted(f)} captured` : named;
      const type = i < 0 ? '' : ` of ${quoted(f)}, ${values[i]!.describe()},`;
      throw new CotangentError(`jit: ${what}${type} was ${error.how} before.`);
    }
  };
  const call = (args: readonly unknown[]): any => {
    const evaluating = currentTrace() === evaluatingTrace;
    const known = evaluating && !watch ? recent.call(args) : undefined;
    if (known) return known.result;
    const { entry, values } = trace(args);
    if (evaluating && usable(entry)) {
      entry.execute ??= prepare(entry.jaxpr);
      recent.add(entry);
    }
    const operands = entry.consts.length ? [...entry.consts, ...values] : values;
    if (evaluating && entry.donated) {
      const flags = [...entry.consts.map(() => false), ...entry.donated];
      const results = run(entry.jaxpr, operands, flags);
      operands.forEach((operand, i) => {
        if (flags[i] && operand.disposed) operand.cell().dispose(entry.donatedTo);
      });
      return unflatten(entry.outDef, results);
    }
    return unflatten(entry.outDef, bind(jitP, operands, { name, jaxpr: entry.jaxpr }));
  };
  standsFor(compiled, f);
  const lower = (...args: unknown[]): LoweredProgram => new LoweredProgram(trace(args).entry.jaxpr);
  return Object.assign(compiled, { lower }) as never;
}

/** Which leaves belong to donated arguments. */
const donatedLeaves = (args: readonly unknown[], donated: readonly number[]): boolean[] =>
  args.flatMap((arg, i) => flatten(arg).leaves.map(() => donated.includes(i)));

/** An entry that captured a tracer lives as long as the trace of that tracer. */
const usable = (entry: Entry): boolean => entry.consts.every((c) => !c.isTracer);

/** A program as it is executed. */
export class LoweredProgram {
  private readonly lowered: LoweredCode;

  constructor(jaxpr: Jaxpr) {
    this.lowered = inspect(jaxpr);
  }

  /** The equations after inlining and simplification. */
  get jaxpr(): string {
    return printJaxpr(this.lowered.jaxpr);
  }

  /** Functions of the module by name: kernels, functions of vector math, and the driver `main`. */
  get kernels(): string[] {
    return this.lowered.module.functions.map((f) => f.name);
  }

  /** Most bytes of temporaries in use at a time. */
  get peakBytes(): number {
    return this.lowered.layout.peakBytes;
  }

  /** The code of every function, in the manner of WebAssembly's text format; kernels with the operations in them. */
  get code(): string {
    return showModule(this.lowered.module, this.lowered.notes);
  }

  /** The module in WebAssembly's text format, by binaryen: on Node, Deno and Bun. */
  get wasmText(): string {
    if (!hasBinaryen())
      throw new CotangentError(
        'lower: `wasmText` is written by binaryen, which needs threads and the files of this package.',
        {
          hint: '`code` shows the same functions',
        },
      );
    return disassemble(encode(this.lowered.module), target());
  }

  toString(): string {
    return `${this.jaxpr}\n\n${this.code}\n\npeak of temporaries: ${this.peakBytes} bytes`;
  }
}

/** A traced function: a program, the arrays it captured, and how it prints. */
export class ClosedJaxpr {
  readonly jaxpr: Jaxpr;
  readonly consts: readonly NDArray[];
  constructor(jaxpr: Jaxpr, consts: readonly NDArray[]) {
    this.jaxpr = jaxpr;
    this.consts = consts;
  }
  toString(): string {
    return printJaxpr(this.jaxpr, this.consts.length);
  }
}

/**
 * The program that tracing `f` gives for arguments of these types.
 *
 * @example
 * console.log(makeJaxpr((x) => np.sin(x).mul(2))(np.zeros([3])));
 */
export function makeJaxpr<F extends TreeFunction>(f: F): (...args: ArrayLikes<Parameters<F>>) => ClosedJaxpr {
  checkFunction('makeJaxpr', f);
  return (...args) => {
    const { values, def } = flattenArguments(args as readonly unknown[], 'makeJaxpr', f);
    const flat = new FlatFunction(f, def, 'makeJaxpr');
    const { jaxpr, consts } = stage(
      flat.call,
      values.map((v) => v.aval),
    );
    return new ClosedJaxpr(jaxpr, consts);
  };
}

/** A shape and a dtype without data. */
export interface ShapeDType {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** The same tree where a shape and a dtype may stand for an array, as may a number. */
type ShapesLike<T> = T extends Leaf
  ? Leaf | ShapeDType
  : T extends null | undefined | string | ComplexArray | ((...args: never[]) => unknown)
    ? T
    : T extends object
      ? { [K in keyof T]: ShapesLike<T[K]> }
      : T;

/** Shapes and dtypes of what `f` would return, without computing it. Arguments may be `{ shape, dtype }`. */
export function evalShape<F extends TreeFunction>(
  f: F,
  ...args: ShapesLike<Parameters<F>>
): Mapped<ReturnType<F>, ShapeDType> {
  checkFunction('evalShape', f);
  const { def, avals } = flattenTypes(args as readonly unknown[]);
  const flat = new FlatFunction(f, def, 'evalShape');
  const { jaxpr } = stage(flat.call, avals);
  return unflatten(
    flat.outDef,
    jaxpr.outAvals.map((aval): ShapeDType => ({ shape: aval.shape, dtype: aval.weakType ? 'float32' : aval.dtype })),
  );
}

function flattenTypes(args: readonly unknown[]): { def: TreeDef; avals: ShapedArray[] } {
  const placeholder = (node: unknown): unknown => {
    if (node instanceof NDArray || node === null || typeof node !== 'object') return node;
    if ('shape' in node && 'dtype' in node && Array.isArray(node.shape)) {
      return new NDArray(shapedArray(node.shape, node.dtype as DType));
    }
    if (Array.isArray(node)) return node.map(placeholder);
    return Object.fromEntries(Object.entries(node).map(([k, v]) => [k, placeholder(v)]));
  };
  const { values, def } = flattenArguments(args.map(placeholder), 'evalShape');
  return { def, avals: values.map((v) => v.aval) };
}

for (const { prototype } of [ClosedJaxpr, LoweredProgram])
  Object.defineProperty(prototype, Symbol.for('nodejs.util.inspect.custom'), {
    value(this: object): string {
      return String(this);
    },
  });
