/**
 * The language of emitted code: WebAssembly instructions as plain data, with structured control flow. Kernels, drivers,
 * vector math and the runtime module are all written in it; `assemble.ts` and, with binaryen, `emit.ts` turn it into bytes. It holds
 * no function and no reference, so that it can be hashed, cached and sent to a worker.
 *
 * Expressions are trees without side effects (loads apart). A tree that stands in two places is emitted twice: bind a
 * shared value to a local with `FunctionBuilder.let`.
 */
export type WasmType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

export type Expr =
  | { readonly kind: 'const'; readonly type: 'i32' | 'f32' | 'f64'; readonly value: number }
  | { readonly kind: 'const'; readonly type: 'i64'; readonly value: bigint }
  | { readonly kind: 'const'; readonly type: 'v128'; readonly bytes: readonly number[] }
  | { readonly kind: 'local'; readonly type: WasmType; readonly index: number }
  | {
      readonly kind: 'op';
      readonly type: WasmType;
      readonly op: string;
      readonly args: readonly Expr[];
      readonly lanes?: readonly number[];
    }
  | {
      readonly kind: 'load';
      readonly type: WasmType;
      readonly op: string;
      readonly ptr: Expr;
      readonly offset: number;
      readonly lane?: number;
      readonly into?: Expr;
    }
  | { readonly kind: 'select'; readonly type: WasmType; readonly cond: Expr; readonly a: Expr; readonly b: Expr }
  | { readonly kind: 'call'; readonly type: WasmType; readonly fn: string; readonly args: readonly Expr[] };

export type Local = Extract<Expr, { kind: 'local' }>;

export type Stmt =
  | { readonly kind: 'set'; readonly local: number; readonly type: WasmType; readonly value: Expr }
  | {
      readonly kind: 'store';
      readonly op: string;
      readonly ptr: Expr;
      readonly offset: number;
      readonly value: Expr;
      readonly lane?: number;
    }
  | { readonly kind: 'call'; readonly fn: string; readonly args: readonly Expr[] }
  | { readonly kind: 'if'; readonly cond: Expr; readonly yes: readonly Stmt[]; readonly no: readonly Stmt[] }
  /** Runs `body` while `cond` is not 0, testing first; emitted rotated, with one branch an iteration. */
  | { readonly kind: 'while'; readonly cond: Expr; readonly body: readonly Stmt[] }
  /** Runs `body` at least once, again while `cond` is not 0. */
  | { readonly kind: 'doWhile'; readonly cond: Expr; readonly body: readonly Stmt[] }
  /** Leaves the innermost enclosing loop. */
  | { readonly kind: 'break' }
  | { readonly kind: 'return'; readonly value?: Expr }
  | { readonly kind: 'copy'; readonly to: Expr; readonly from: Expr; readonly bytes: Expr }
  | { readonly kind: 'fill'; readonly to: Expr; readonly byte: Expr; readonly bytes: Expr }
  /** Writes bytes that a data segment of the module holds. Stands in no other statement. */
  | { readonly kind: 'data'; readonly to: Expr; readonly bytes: Uint8Array };

export interface Func {
  readonly name: string;
  readonly params: readonly WasmType[];
  readonly result?: WasmType;
  /** Types of the locals that follow the parameters. */
  readonly locals: readonly WasmType[];
  readonly body: readonly Stmt[];
  readonly exported: boolean;
}

export interface ImportedFunc {
  readonly name: string;
  readonly module: string;
  readonly base: string;
  readonly params: readonly WasmType[];
  readonly result?: WasmType;
}

/** One WebAssembly module. Its memory is always imported as `env.memory`. */
export interface CodeModule {
  readonly imports: readonly ImportedFunc[];
  readonly functions: readonly Func[];
}

/** What the engine that will run the code can do. `fma` is false when `deterministic` is asked for. */
export interface Target {
  readonly fma: boolean;
  readonly shared: boolean;
}

const resultTypes = new Map<string, WasmType>();

/** The type an instruction leaves on the stack. */
export function resultType(op: string): WasmType {
  let type = resultTypes.get(op);
  if (!type) resultTypes.set(op, (type = typeOfName(op)));
  return type;
}

function typeOfName(op: string): WasmType {
  const dot = op.indexOf('.');
  const prefix = op.slice(0, dot);
  const name = op.slice(dot + 1);
  if (/^(any_true|all_true|bitmask)$/.test(name)) return 'i32';
  if (name.startsWith('extract_lane')) {
    return prefix === 'f32x4' ? 'f32' : prefix === 'f64x2' ? 'f64' : prefix === 'i64x2' ? 'i64' : 'i32';
  }
  if (prefix === 'v128' || prefix.includes('x')) return 'v128';
  if (/^(eqz|eq|ne|lt|gt|le|ge)(_[su])?$/.test(name)) return 'i32';
  return prefix as WasmType;
}

/** Any pure instruction by its name, such as `op('f32x4.add', a, b)`. */
export const op = (name: string, ...args: Expr[]): Expr => ({ kind: 'op', type: resultType(name), op: name, args });

/** `f32x4.extract_lane`, `i32x4.replace_lane` … : instructions with one lane immediate. */
export const lane = (name: string, index: number, ...args: Expr[]): Expr => ({
  kind: 'op',
  type: resultType(name),
  op: name,
  args,
  lanes: [index],
});

/** `i8x16.shuffle` with 16 byte indices into the pair (a, b). */
export const shuffle = (a: Expr, b: Expr, bytes: readonly number[]): Expr => ({
  kind: 'op',
  type: 'v128',
  op: 'i8x16.shuffle',
  args: [a, b],
  lanes: bytes,
});

export const i32c = (value: number): Expr => ({ kind: 'const', type: 'i32', value: value | 0 });
export const i64c = (value: bigint): Expr => ({ kind: 'const', type: 'i64', value });
export const f32c = (value: number): Expr => ({ kind: 'const', type: 'f32', value: Math.fround(value) });
export const f64c = (value: number): Expr => ({ kind: 'const', type: 'f64', value });

const vectorConst = (array: ArrayBufferView): Expr => ({
  kind: 'const',
  type: 'v128',
  bytes: [...new Uint8Array(array.buffer, array.byteOffset, 16)],
});
/** Equal constants are one object for some time: passes that remember what they have seen then see them once. */
function remembering(make: (value: number) => Expr): (value: number) => Expr {
  const known = new Map<number, Expr>();
  // A map takes it for 0.
  const minusZero = make(-0);
  return (value) => {
    if (Object.is(value, -0)) return minusZero;
    let constant = known.get(value);
    if (!constant) {
      if (known.size >= 1024) known.clear();
      known.set(value, (constant = make(value)));
    }
    return constant;
  };
}

/** A constant vector whose lanes are all `value`. */
export const f32x4c: (value: number) => Expr = remembering((value) => vectorConst(new Float32Array(4).fill(value)));
export const f64x2c: (value: number) => Expr = remembering((value) => vectorConst(new Float64Array(2).fill(value)));
export const i32x4c: (value: number) => Expr = remembering((value) => vectorConst(new Int32Array(4).fill(value)));
export const i64x2c = (value: bigint): Expr => vectorConst(new BigInt64Array(2).fill(value));
/** A constant vector, lane by lane. */
export const i32x4lanes = (...values: [number, number, number, number]): Expr => vectorConst(new Int32Array(values));
export const f64x2lanes = (...values: [number, number]): Expr => vectorConst(new Float64Array(values));

/** `cond ? a : b` on scalars or whole vectors; both are evaluated. `cond` is an i32. */
export const select = (cond: Expr, a: Expr, b: Expr): Expr => ({ kind: 'select', type: a.type, cond, a, b });

/** `mask ? a : b` bit by bit. */
export const bitselect = (mask: Expr, a: Expr, b: Expr): Expr => op('v128.bitselect', a, b, mask);

export const call = (fn: string, type: WasmType, ...args: Expr[]): Expr => ({ kind: 'call', type, fn, args });

/** `load('f32.load', ptr, 16)`, `load('v128.load32_splat', ptr)`, … ; `offset` is a constant number of bytes. */
export function load(name: string, ptr: Expr, offset = 0): Expr {
  const type = name.startsWith('v128') ? 'v128' : (name.slice(0, 3) as WasmType);
  return { kind: 'load', type, op: name, ptr, offset };
}

/** `v128.load32_lane` and its kin: replaces one lane of `into` from memory. */
export const loadLane = (name: string, ptr: Expr, into: Expr, index: number, offset = 0): Expr => ({
  kind: 'load',
  type: 'v128',
  op: name,
  ptr,
  offset,
  lane: index,
  into,
});

/**
 * Fused multiply-add a·b + c on vectors where the target has it, else a multiplication and an addition.
 * `shape` is 'f32x4' or 'f64x2'.
 */
export const madd = (target: Target, shape: 'f32x4' | 'f64x2', a: Expr, b: Expr, c: Expr): Expr =>
  target.fma ? op(`${shape}.relaxed_madd`, a, b, c) : op(`${shape}.add`, op(`${shape}.mul`, a, b), c);

/** Writes one function: locals, statements, nested blocks. */
export class FunctionBuilder {
  readonly name: string;
  readonly params: readonly WasmType[];
  readonly result: WasmType | undefined;
  private readonly locals: WasmType[] = [];
  private readonly body: Stmt[] = [];
  private current: Stmt[];

  constructor(name: string, params: readonly WasmType[], result?: WasmType) {
    this.name = name;
    this.params = params;
    this.result = result;
    this.current = this.body;
  }

  param(index: number): Local {
    return { kind: 'local', type: this.params[index]!, index };
  }

  /** All of them, to be taken apart: an iterable, whose elements are not possibly undefined as an array's are. */
  get parameters(): Iterable<Local> {
    return this.params.map((_, i) => this.param(i));
  }

  /** A new mutable local, 0 until it is set. */
  local(type: WasmType): Local {
    this.locals.push(type);
    return { kind: 'local', type, index: this.params.length + this.locals.length - 1 };
  }

  /** Evaluates `value` here, once, and names it. Locals and constants are returned as they are. */
  let(value: Expr): Expr {
    if (value.kind === 'const') return value;
    return this.var(value);
  }

  /** A new mutable local that starts as `value`. */
  var(value: Expr): Local {
    const local = this.local(value.type);
    this.set(local, value);
    return local;
  }

  set(local: Local, value: Expr): void {
    this.current.push({ kind: 'set', local: local.index, type: local.type, value });
  }

  store(name: string, ptr: Expr, value: Expr, offset = 0): void {
    this.current.push({ kind: 'store', op: name, ptr, offset, value });
  }

  storeLane(name: string, ptr: Expr, value: Expr, index: number, offset = 0): void {
    this.current.push({ kind: 'store', op: name, ptr, offset, value, lane: index });
  }

  call(fn: string, ...args: Expr[]): void {
    this.current.push({ kind: 'call', fn, args });
  }

  copy(to: Expr, from: Expr, bytes: Expr): void {
    this.current.push({ kind: 'copy', to, from, bytes });
  }

  fill(to: Expr, byte: Expr, bytes: Expr): void {
    this.current.push({ kind: 'fill', to, byte, bytes });
  }

  data(to: Expr, bytes: Uint8Array): void {
    this.current.push({ kind: 'data', to, bytes });
  }

  return(value?: Expr): void {
    this.current.push(value ? { kind: 'return', value } : { kind: 'return' });
  }

  break(): void {
    this.current.push({ kind: 'break' });
  }

  /** Collects the statements that `write` makes, without adding them here. */
  block(write: () => void): Stmt[] {
    const outer = this.current;
    const inner: Stmt[] = [];
    this.current = inner;
    try {
      write();
    } finally {
      this.current = outer;
    }
    return inner;
  }

  add(...statements: Stmt[]): void {
    this.current.push(...statements);
  }

  if(cond: Expr, whenTrue: () => void, whenFalse?: () => void): void {
    const yes = this.block(whenTrue);
    const no = whenFalse ? this.block(whenFalse) : [];
    this.current.push({ kind: 'if', cond, yes, no });
  }

  /** Returns the statement, by which passes over the finished function know the loop. */
  while(cond: Expr, body: () => void): Stmt {
    const loop: Stmt = { kind: 'while', cond, body: this.block(body) };
    this.current.push(loop);
    return loop;
  }

  doWhile(cond: Expr, body: () => void): Stmt {
    const loop: Stmt = { kind: 'doWhile', cond, body: this.block(body) };
    this.current.push(loop);
    return loop;
  }

  /** `for (i = from; i < to; i += step)` on signed i32; `to` and `step` must not change in the loop. Returns nothing. */
  for(from: Expr | number, to: Expr | number, body: (i: Local) => void, step: Expr | number = 1): void {
    const i = this.var(typeof from === 'number' ? i32c(from) : from);
    const end = typeof to === 'number' ? i32c(to) : this.let(to);
    this.while(op('i32.lt_s', i, end), () => {
      body(i);
      this.set(i, op('i32.add', i, typeof step === 'number' ? i32c(step) : step));
    });
  }

  build(exported = false): Func {
    const base = { name: this.name, params: this.params, locals: this.locals, body: this.body, exported };
    return this.result ? { ...base, result: this.result } : base;
  }
}
