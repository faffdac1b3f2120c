import { BinaryenMemory } from './binaryen-memory.ts';
import { type CodeModule, type Expr, type Func, i32c, type Stmt, type Target, type WasmType } from './code.ts';
import { instruction, memoryAccess } from './instructions.ts';

/** What `import('binaryen')` gives as its default. The C functions behind the builders are used directly. */
export type BinaryenModule = any;

/** Turns a code module into the bytes of a WebAssembly module by binaryen: instruction for instruction, as `assemble` does. */
export function emit(binaryen: BinaryenModule, module: CodeModule, target: Target, validate = false): Uint8Array {
  const emitter = new Emitter(binaryen, module, target);
  try {
    emitter.build(validate);
    return emitter.binary();
  } finally {
    emitter.dispose();
  }
}

/**
 * What makes baseline code faster, and no other bits: values that are computed twice, locals that are only copies. Nothing is
 * inlined, which would undo the outlining that lets kernels tier up.
 */
const passes = ['licm', 'local-cse', 'simplify-locals', 'coalesce-locals', 'vacuum', 'reorder-locals'];

/** An assembled module, optimised. */
export function optimize(binaryen: BinaryenModule, wasm: Uint8Array, target: Target): Uint8Array {
  const module = binaryen.readBinary(wasm);
  try {
    // Those that are used are not declared in what was read.
    module.setFeatures(features(binaryen, target));
    module.runPasses(passes);
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}

function features({ Features }: BinaryenModule, { fma, shared }: Target): number {
  return (
    Features.SIMD128 |
    Features.BulkMemory |
    Features.BulkMemoryOpt |
    Features.NontrappingFPToInt |
    Features.SignExt |
    Features.MutableGlobals |
    (fma ? Features.RelaxedSIMD : 0) |
    (shared ? Features.Atomics : 0)
  );
}

/** The same module in WebAssembly's text format. */
export function emitText(binaryen: BinaryenModule, module: CodeModule, target: Target): string {
  const emitter = new Emitter(binaryen, module, target);
  try {
    emitter.build(false);
    return emitter.text();
  } finally {
    emitter.dispose();
  }
}

type DataStmt = Extract<Stmt, { kind: 'data' }>;

interface Loop {
  readonly exit: string;
  left: boolean;
}

interface Signature {
  readonly params: readonly WasmType[];
  readonly result?: WasmType;
}

class Emitter {
  private readonly b: BinaryenModule;
  private readonly module: any;
  private readonly ptr: number;
  private readonly code: CodeModule;
  private readonly target: Target;
  private readonly memory: BinaryenMemory;
  private readonly signatures = new Map<string, Signature>();
  private current: Func | undefined;
  /** Data statements and the names of their segments. */
  private readonly segments = new Map<DataStmt, string>();
  private loops: Loop[] = [];
  private labels = 0;

  constructor(binaryen: BinaryenModule, code: CodeModule, target: Target) {
    this.b = binaryen;
    this.code = code;
    this.target = target;
    this.module = new binaryen.Module();
    this.ptr = this.module.ptr;
    this.memory = new BinaryenMemory(binaryen);
  }

  dispose(): void {
    this.memory.dispose();
    this.module.dispose();
  }

  binary(): Uint8Array {
    return this.module.emitBinary();
  }

  text(): string {
    return this.module.emitText();
  }

  build(validate: boolean): void {
    const { b, module, code, target } = this;
    module.setFeatures(features(b, target));
    for (const { body } of code.functions)
      for (const s of body) if (s.kind === 'data') this.segments.set(s, `data${this.segments.size}`);
    const segments = [...this.segments].map(([{ bytes }, name]) => ({ name, data: bytes, offset: 0, passive: true }));
    module.setMemory(1, target.shared ? 65536 : -1, null, segments, target.shared, false, 'memory');
    module.addMemoryImport('memory', 'env', 'memory', target.shared);
    for (const f of code.imports) {
      this.declare(f.name, f);
      module.addFunctionImport(f.name, f.module, f.base, this.types(f.params), this.type(f.result));
    }
    for (const f of code.functions) this.declare(f.name, f);
    for (const f of code.functions) this.function(f);
    if (validate && !module.validate()) throw new Error(`invalid code module:\n${module.emitText().slice(0, 4000)}`);
  }

  private declare(name: string, signature: Signature): void {
    if (this.signatures.has(name)) throw new Error(`function ${name} is defined twice`);
    this.signatures.set(name, signature);
  }

  private function(f: Func): void {
    this.current = f;
    this.loops = [];
    this.labels = 0;
    const statements = f.body.map((s) => this.statement(s));
    // A result falls off the end only where the function never ends there; binaryen wants a value all the same.
    if (f.result && !leaves(f.body)) statements.push(this.zero(f.result));
    const body = this.block(0, statements, f.result ? this.b.auto : this.b.none);
    const locals = this.memory.list(f.locals.map((t) => this.type(t)));
    const { b, ptr } = this;
    b._BinaryenAddFunction(
      ptr,
      this.memory.string(f.name),
      this.types(f.params),
      this.type(f.result),
      locals,
      f.locals.length,
      body,
    );
    if (f.exported) this.module.addFunctionExport(f.name, f.name);
  }

  // Statements

  private statement(s: Stmt): number {
    const { b, ptr } = this;
    switch (s.kind) {
      case 'set':
        return b._BinaryenLocalSet(ptr, s.local, this.expression(s.value));
      case 'store':
        return this.store(s);
      case 'call': {
        const { result } = this.signature(s.fn);
        const call = this.call(s.fn, s.args, result);
        return result ? b._BinaryenDrop(ptr, call) : call;
      }
      case 'if':
        return b._BinaryenIf(ptr, this.expression(s.cond), this.body(s.yes), s.no.length ? this.body(s.no) : 0);
      case 'while':
        return b._BinaryenIf(ptr, this.expression(s.cond), this.loop(s.cond, s.body), 0);
      case 'doWhile':
        return this.loop(s.cond, s.body);
      case 'break': {
        const loop = this.loops.at(-1);
        if (!loop) throw new Error(`break outside a loop in ${this.current!.name}`);
        loop.left = true;
        return b._BinaryenBreak(ptr, this.memory.string(loop.exit), 0, 0);
      }
      case 'return':
        return b._BinaryenReturn(ptr, s.value ? this.expression(s.value) : 0);
      case 'copy': {
        const [to, from, bytes] = [this.expression(s.to), this.expression(s.from), this.expression(s.bytes)];
        return b._BinaryenMemoryCopy(ptr, to, from, bytes, 0, 0);
      }
      case 'fill': {
        const [to, byte, bytes] = [this.expression(s.to), this.expression(s.byte), this.expression(s.bytes)];
        return b._BinaryenMemoryFill(ptr, to, byte, bytes, 0);
      }
      case 'data': {
        const name = this.segments.get(s);
        if (name === undefined) throw new Error(`data within a statement in ${this.current!.name}`);
        const [zero, length] = [i32c(0), i32c(s.bytes.length)].map((e) => this.expression(e));
        const { memory } = this;
        const to = this.expression(s.to);
        return b._BinaryenMemoryInit(ptr, memory.string(name), to, zero, length, memory.string('memory'));
      }
    }
  }

  private body(statements: readonly Stmt[]): number {
    return this.block(
      0,
      statements.map((s) => this.statement(s)),
      this.b.none,
    );
  }

  /** `block exit { loop top { body; br_if top cond } }`, the block only where something leaves by it. */
  private loop(cond: Expr, body: readonly Stmt[]): number {
    const { b, ptr } = this;
    const label = ++this.labels;
    const top = this.memory.string(`top${label}`);
    const loop: Loop = { exit: `exit${label}`, left: false };
    this.loops.push(loop);
    const statements = body.map((s) => this.statement(s));
    this.loops.pop();
    statements.push(b._BinaryenBreak(ptr, top, this.expression(cond), 0));
    const whole = b._BinaryenLoop(ptr, top, this.block(0, statements, b.none));
    return loop.left ? this.block(this.memory.string(loop.exit), [whole], b.none) : whole;
  }

  private block(name: number, statements: readonly number[], type: number): number {
    if (!name && statements.length === 1) return statements[0]!;
    return this.b._BinaryenBlock(this.ptr, name, this.memory.list(statements), statements.length, type);
  }

  private store(s: Extract<Stmt, { kind: 'store' }>): number {
    const { b, ptr } = this;
    const access = memoryAccess(s.op);
    if (!access?.constant.startsWith('Store')) throw new Error(`unknown instruction ${s.op}`);
    const [to, value] = [this.expression(s.ptr), this.expression(s.value)];
    if (access.form === 'lane')
      return b._BinaryenSIMDLoadStoreLane(
        ptr,
        this.constant(s.op, access.constant),
        s.offset,
        1,
        s.lane ?? 0,
        to,
        value,
        0,
      );
    return b._BinaryenStore(ptr, access.bytes, s.offset, alignment(access.bytes), to, value, this.type(access.type), 0);
  }

  // Expressions

  private expression(e: Expr): number {
    const { b, ptr } = this;
    switch (e.kind) {
      case 'local':
        return b._BinaryenLocalGet(ptr, e.index, this.type(e.type));
      case 'const':
        return this.const(e);
      case 'op':
        return this.op(e);
      case 'load':
        return this.load(e);
      case 'select': {
        const [cond, yes, no] = [this.expression(e.cond), this.expression(e.a), this.expression(e.b)];
        return b._BinaryenSelect(ptr, cond, yes, no);
      }
      case 'call':
        return this.call(e.fn, e.args, e.type);
    }
  }

  private op(e: Extract<Expr, { kind: 'op' }>): number {
    const { b, ptr } = this;
    const i = instruction(e.op);
    if (e.args.length !== i.operands)
      throw new Error(`${e.op} takes ${i.operands} operands, not ${e.args.length}, in ${this.current!.name}`);
    const x = this.expression(e.args[0]!);
    const y = i.operands > 1 ? this.expression(e.args[1]!) : 0;
    if (i.form === 'shuffle') {
      if (e.lanes?.length !== 16) throw new Error('i8x16.shuffle takes 16 byte indices');
      return b._BinaryenSIMDShuffle(ptr, x, y, this.memory.vector(e.lanes));
    }
    const code = this.constant(e.op, i.constant);
    switch (i.form) {
      case 'unary':
        return b._BinaryenUnary(ptr, code, x);
      case 'binary':
        return b._BinaryenBinary(ptr, code, x, y);
      case 'ternary':
        return b._BinaryenSIMDTernary(ptr, code, x, y, this.expression(e.args[2]!));
      case 'shift':
        return b._BinaryenSIMDShift(ptr, code, x, y);
      case 'extract':
        return b._BinaryenSIMDExtract(ptr, code, x, e.lanes![0]);
      case 'replace':
        return b._BinaryenSIMDReplace(ptr, code, x, e.lanes![0], y);
    }
  }

  private load(e: Extract<Expr, { kind: 'load' }>): number {
    const { b, ptr } = this;
    const access = memoryAccess(e.op);
    if (!access?.constant.startsWith('Load')) throw new Error(`unknown instruction ${e.op}`);
    const from = this.expression(e.ptr);
    switch (access.form) {
      case 'plain': {
        const { bytes, signed, type } = access;
        return b._BinaryenLoad(ptr, bytes, signed, e.offset, alignment(bytes), this.type(type), from, 0);
      }
      case 'simd':
        return b._BinaryenSIMDLoad(ptr, this.constant(e.op, access.constant), e.offset, 1, from, 0);
      case 'lane': {
        const into = this.expression(e.into!);
        return b._BinaryenSIMDLoadStoreLane(
          ptr,
          this.constant(e.op, access.constant),
          e.offset,
          1,
          e.lane ?? 0,
          from,
          into,
          0,
        );
      }
    }
  }

  private call(fn: string, args: readonly Expr[], result: WasmType | undefined): number {
    const signature = this.signature(fn);
    if (signature.params.length !== args.length)
      throw new Error(`${fn} takes ${signature.params.length} arguments, not ${args.length}, in ${this.current!.name}`);
    if (signature.result !== result) throw new Error(`${fn} returns ${signature.result ?? 'nothing'}, not ${result}`);
    const operands = args.map((a) => this.expression(a));
    return this.b._BinaryenCall(
      this.ptr,
      this.memory.string(fn),
      this.memory.list(operands),
      operands.length,
      this.type(result),
    );
  }

  private signature(fn: string): Signature {
    const signature = this.signatures.get(fn);
    if (!signature) throw new Error(`${this.current!.name} calls ${fn}, which is neither defined nor imported`);
    return signature;
  }

  private const(e: Extract<Expr, { kind: 'const' }>): number {
    return this.b._BinaryenConst(this.ptr, this.memory.literal(e));
  }

  private zero(type: WasmType): number {
    if (type === 'v128') return this.const({ kind: 'const', type, bytes: new Array<number>(16).fill(0) });
    return this.const(type === 'i64' ? { kind: 'const', type, value: 0n } : { kind: 'const', type, value: 0 });
  }

  // Names of operations and types

  private constant(op: string, name: string): number {
    const value = this.b[name];
    if (value === undefined) throw new Error(`unknown instruction ${op} in ${this.current!.name}`);
    return value;
  }

  private type(type: WasmType | undefined): number {
    return type ? this.b[type] : this.b.none;
  }

  private types(list: readonly WasmType[]): number {
    return list.length === 1 ? this.type(list[0]) : this.b.createType(list.map((t) => this.type(t)));
  }
}

/** Whether control never reaches the end of the statements. */
function leaves(body: readonly Stmt[]): boolean {
  const last = body.at(-1);
  if (last?.kind === 'if') return last.no.length > 0 && leaves(last.yes) && leaves(last.no);
  return last?.kind === 'return';
}

/** Scalars are always aligned to their size; vectors only to their elements. */
const alignment = (bytes: number): number => (bytes === 16 ? 1 : bytes);
