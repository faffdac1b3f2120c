import { ByteWriter } from './byte-writer.ts';
import type { CodeModule, Expr, Func, Stmt, Target, WasmType } from './code.ts';
import { instruction, memoryAccess } from './instructions.ts';
import { miscPrefix, opcodes } from './opcodes.ts';

/**
 * Turns a code module into the bytes of a WebAssembly module (core specification 2.0, chapter 5), instruction for
 * instruction: at once, on the thread that wants to run it. binaryen makes the same module, but takes half a second to load.
 */
export function assemble(module: CodeModule, target: Target): Uint8Array {
  return new Assembler(module, target).module();
}

type Constant = Extract<Expr, { kind: 'const' }>;

interface Signature {
  readonly params: readonly WasmType[];
  readonly result?: WasmType;
}

const typeCodes: Record<WasmType, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };
const voidType = 0x40;
const [block, loop, ifCode, elseCode, end] = [0x02, 0x03, 0x04, 0x05, 0x0b];
const [branch, branchIf, returnCode, callCode, drop, selectCode] = [0x0c, 0x0d, 0x0f, 0x10, 0x1a, 0x1b];
const [localGet, localSet] = [0x20, 0x21];
const constCodes = { i32: 0x41, i64: 0x42, f32: 0x43, f64: 0x44 };
const zeros: Record<WasmType, Constant> = {
  i32: { kind: 'const', type: 'i32', value: 0 },
  i64: { kind: 'const', type: 'i64', value: 0n },
  f32: { kind: 'const', type: 'f32', value: 0 },
  f64: { kind: 'const', type: 'f64', value: 0 },
  v128: { kind: 'const', type: 'v128', bytes: new Array<number>(16).fill(0) },
};
const [memoryInit, memoryCopy, memoryFill] = [8, 10, 11];

class Assembler {
  private readonly code: CodeModule;
  private readonly target: Target;
  private readonly out = new ByteWriter();
  private readonly opcodes = opcodes();
  private readonly indices = new Map<string, number>();
  private readonly signatures = new Map<string, Signature>();
  private readonly segments: Uint8Array[] = [];
  private current: Func | undefined;
  /** Blocks around the instruction that is written, and how many there are outside of the innermost loop's exit. */
  private depth = 0;
  private exits: number[] = [];

  constructor(code: CodeModule, target: Target) {
    this.code = code;
    this.target = target;
  }

  module(): Uint8Array {
    const { code, out, target } = this;
    const { imports, functions } = code;
    for (const f of [...imports, ...functions]) this.declare(f.name, f);
    const types = new Map<string, number>();
    const forms: Signature[] = [];
    const typeOf = (f: Signature): number => {
      const key = `${f.params}:${f.result}`;
      let index = types.get(key);
      if (index === undefined) {
        types.set(key, (index = forms.length));
        forms.push(f);
      }
      return index;
    };
    const typeIndices = [...imports, ...functions].map(typeOf);
    out.raw([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
    this.section(1, forms.length, () => {
      for (const { params, result } of forms) {
        out.byte(0x60);
        this.types(params);
        this.types(result ? [result] : []);
      }
    });
    this.section(2, imports.length + 1, () => {
      out.text('env');
      out.text('memory');
      // A memory with a least size, and if it is shared a largest one.
      out.raw(target.shared ? [0x02, 0x03] : [0x02, 0x00]);
      out.unsigned(1);
      if (target.shared) out.unsigned(65536);
      imports.forEach((f, i) => {
        out.text(f.module);
        out.text(f.base);
        out.byte(0x00);
        out.unsigned(typeIndices[i]!);
      });
    });
    this.section(3, functions.length, () => {
      for (const index of typeIndices.slice(imports.length)) out.unsigned(index);
    });
    const exported = functions.filter((f) => f.exported);
    this.section(7, exported.length, () => {
      for (const { name } of exported) {
        out.text(name);
        out.byte(0x00);
        out.unsigned(this.indices.get(name)!);
      }
    });
    const segments = functions.reduce((n, f) => n + f.body.filter((s) => s.kind === 'data').length, 0);
    if (segments > 0) out.sized(() => out.unsigned(segments), 12);
    this.section(10, functions.length, () => {
      for (const f of functions) out.sized(() => this.function(f));
    });
    if (segments > 0)
      this.section(11, segments, () => {
        for (const bytes of this.segments) {
          out.byte(0x01);
          out.unsigned(bytes.length);
          out.raw(bytes);
        }
      });
    return out.finish();
  }

  /** A section that is a list; left out if it is empty. */
  private section(id: number, count: number, write: () => void): void {
    if (count === 0) return;
    this.out.sized(() => {
      this.out.unsigned(count);
      write();
    }, id);
  }

  private types(types: readonly WasmType[]): void {
    this.out.unsigned(types.length);
    for (const type of types) this.out.byte(typeCodes[type]);
  }

  private declare(name: string, signature: Signature): void {
    if (this.indices.has(name)) throw new Error(`function ${name} is defined twice`);
    this.indices.set(name, this.indices.size);
    this.signatures.set(name, signature);
  }

  private function(f: Func): void {
    const { out } = this;
    this.current = f;
    this.depth = 0;
    this.exits = [];
    const groups: [count: number, type: WasmType][] = [];
    for (const type of f.locals) {
      const last = groups.at(-1);
      if (last?.[1] === type) last[0]++;
      else groups.push([1, type]);
    }
    out.unsigned(groups.length);
    for (const [count, type] of groups) {
      out.unsigned(count);
      out.byte(typeCodes[type]);
    }
    for (const s of f.body) {
      if (s.kind === 'data') this.data(s.to, s.bytes);
      else this.statement(s);
    }
    // The end is not reached without a result, but what is there must be one.
    if (f.result && f.body.at(-1)?.kind !== 'return') this.constant(zeros[f.result]);
    out.byte(end);
  }

  // Statements

  private statement(s: Stmt): void {
    const { out } = this;
    switch (s.kind) {
      case 'set':
        this.expression(s.value);
        out.byte(localSet);
        out.unsigned(s.local);
        return;
      case 'store':
        this.expression(s.ptr);
        this.expression(s.value);
        this.access(s.op, 'store', s.offset, s.lane);
        return;
      case 'call': {
        const { result } = this.signature(s.fn);
        this.call(s.fn, s.args, result);
        if (result) out.byte(drop);
        return;
      }
      case 'if':
        this.if(s.cond, () => this.statements(s.yes), s.no.length > 0 ? () => this.statements(s.no) : undefined);
        return;
      case 'while':
        this.if(s.cond, () => this.loop(s.cond, s.body));
        return;
      case 'doWhile':
        this.loop(s.cond, s.body);
        return;
      case 'break': {
        const exit = this.exits.at(-1);
        if (exit === undefined) throw new Error(`break outside a loop in ${this.current!.name}`);
        out.byte(branch);
        out.unsigned(this.depth - exit - 1);
        return;
      }
      case 'return':
        if (s.value) this.expression(s.value);
        out.byte(returnCode);
        return;
      case 'copy':
        for (const e of [s.to, s.from, s.bytes]) this.expression(e);
        out.raw([miscPrefix, memoryCopy, 0, 0]);
        return;
      case 'fill':
        for (const e of [s.to, s.byte, s.bytes]) this.expression(e);
        out.raw([miscPrefix, memoryFill, 0]);
        return;
      case 'data':
        throw new Error(`data within a statement in ${this.current!.name}`);
    }
  }

  private statements(list: readonly Stmt[]): void {
    for (const s of list) this.statement(s);
  }

  private data(to: Expr, bytes: Uint8Array): void {
    const { out } = this;
    this.expression(to);
    out.raw([constCodes.i32, 0, constCodes.i32]);
    out.signed(bytes.length);
    out.raw([miscPrefix, memoryInit]);
    out.unsigned(this.segments.length);
    out.byte(0);
    this.segments.push(bytes);
  }

  private if(cond: Expr, yes: () => void, no?: () => void): void {
    const { out } = this;
    this.expression(cond);
    this.enter(ifCode);
    yes();
    if (no) {
      out.byte(elseCode);
      no();
    }
    this.leave();
  }

  /** `block { loop { body; br_if loop (cond) } }`, the block only where something leaves by it. */
  private loop(cond: Expr, body: readonly Stmt[]): void {
    const { out } = this;
    const leaves = body.some(breaks);
    if (leaves) this.enter(block);
    this.exits.push(this.depth - 1);
    this.enter(loop);
    this.statements(body);
    this.exits.pop();
    this.expression(cond);
    out.raw([branchIf, 0]);
    this.leave();
    if (leaves) this.leave();
  }

  private enter(code: number): void {
    this.out.byte(code);
    this.out.byte(voidType);
    this.depth++;
  }

  private leave(): void {
    this.out.byte(end);
    this.depth--;
  }

  // Expressions

  private expression(e: Expr): void {
    const { out } = this;
    switch (e.kind) {
      case 'local':
        out.byte(localGet);
        out.unsigned(e.index);
        return;
      case 'const':
        this.constant(e);
        return;
      case 'op':
        this.op(e);
        return;
      case 'load':
        this.expression(e.ptr);
        if (e.into) this.expression(e.into);
        this.access(e.op, 'load', e.offset, e.into && (e.lane ?? 0));
        return;
      case 'select':
        this.expression(e.a);
        this.expression(e.b);
        this.expression(e.cond);
        out.byte(selectCode);
        return;
      case 'call':
        this.call(e.fn, e.args, e.type);
        return;
    }
  }

  private op({ op, args, lanes }: Extract<Expr, { kind: 'op' }>): void {
    const { operands, form } = instruction(op);
    const code = this.opcodes.get(op);
    if (!code) throw new Error(`unknown instruction ${op} in ${this.current!.name}`);
    if (args.length !== operands)
      throw new Error(`${op} takes ${operands} operands, not ${args.length}, in ${this.current!.name}`);
    if (form === 'shuffle' && lanes?.length !== 16) throw new Error('i8x16.shuffle takes 16 byte indices');
    for (const x of args) this.expression(x);
    this.out.raw(code);
    if (lanes) this.out.raw(lanes);
  }

  /** A load or store: its alignment as a power of two, which is natural for scalars and none for vectors, and its offset. */
  private access(op: string, verb: 'load' | 'store', offset: number, lane: number | undefined): void {
    const { out } = this;
    const access = memoryAccess(op);
    const code = this.opcodes.get(op);
    if (!code || !access?.constant.toLowerCase().startsWith(verb)) throw new Error(`unknown instruction ${op}`);
    out.raw(code);
    out.unsigned(access.form === 'plain' && access.bytes < 16 ? Math.log2(access.bytes) : 0);
    out.unsigned(offset);
    if (access.form === 'lane') out.byte(lane ?? 0);
  }

  private call(fn: string, args: readonly Expr[], result: WasmType | undefined): void {
    const signature = this.signature(fn);
    if (signature.params.length !== args.length)
      throw new Error(`${fn} takes ${signature.params.length} arguments, not ${args.length}, in ${this.current!.name}`);
    if (signature.result !== result) throw new Error(`${fn} returns ${signature.result ?? 'nothing'}, not ${result}`);
    for (const x of args) this.expression(x);
    this.out.byte(callCode);
    this.out.unsigned(this.indices.get(fn)!);
  }

  private signature(fn: string): Signature {
    const signature = this.signatures.get(fn);
    if (!signature) throw new Error(`${this.current!.name} calls ${fn}, which is neither defined nor imported`);
    return signature;
  }

  private constant(e: Constant): void {
    const { out } = this;
    if (e.type === 'v128') {
      out.raw(this.opcodes.get('v128.const')!);
      out.raw(e.bytes);
      return;
    }
    out.byte(constCodes[e.type]);
    if (e.type === 'i64') out.signed64(e.value);
    else if (e.type === 'i32') out.signed(e.value);
    else out.float(e.type, e.value);
  }
}

/** Whether a statement leaves the loop around it. */
const breaks = (s: Stmt): boolean =>
  s.kind === 'break' || (s.kind === 'if' && (s.yes.some(breaks) || s.no.some(breaks)));
