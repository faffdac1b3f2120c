import { hash } from '../caches/hash.ts';
import { ByteWriter } from './byte-writer.ts';
import type { Expr, Func, Stmt, WasmType } from './code.ts';
import { instruction } from './instructions.ts';
import { miscPrefix, opcodes } from './opcodes.ts';

type Constant = Extract<Expr, { kind: 'const' }>;

/** What the bytes of a function leave open: numbers that depend on the module that it gets into. */
export type Link =
  | { readonly at: number; readonly kind: 'segment'; readonly bytes: Uint8Array }
  | {
      readonly at: number;
      readonly kind: 'call';
      readonly fn: string;
      readonly parameters: number;
      /** The type that is expected; null where the function is called for what it does, whatever it returns. */
      readonly result: WasmType | null;
    };

/** A function's locals and instructions, with the links in the order of their places. */
export interface AssembledFunction {
  readonly bytes: Uint8Array;
  readonly links: readonly Link[];
}

const assembled = new WeakMap<Func, AssembledFunction>();

/** Once for a function: lowering compares functions by their bytes, and the module is then put together from them. */
export function assembleFunction(f: Func): AssembledFunction {
  let known = assembled.get(f);
  if (!known) assembled.set(f, (known = new FunctionAssembler(f).assemble()));
  return known;
}

/** The same function under another name. */
export function renamed(f: Func, name: string): Func {
  const result = { ...f, name };
  const known = assembled.get(f);
  if (known) assembled.set(result, known);
  return result;
}

const keys = new WeakMap<AssembledFunction, string>();

/** Equal for functions that are the same but for their names, and only for those. */
export function functionKey(f: Func): string {
  const code = assembleFunction(f);
  let key = keys.get(code);
  if (key === undefined) {
    const { bytes, links } = code;
    const open = links.map((link) =>
      link.kind === 'call' ? `${link.at} ${link.fn}` : `${link.at} ${hash(link.bytes)}`,
    );
    keys.set(code, (key = `${f.params}:${f.result}:${hash(bytes)}:${open}`));
  }
  return key;
}

export const typeCodes: Record<WasmType, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };
const voidType = 0x40;
const [block, loop, ifCode, elseCode, end] = [0x02, 0x03, 0x04, 0x05, 0x0b];
const [branch, branchIf, returnCode, callCode, selectCode] = [0x0c, 0x0d, 0x0f, 0x10, 0x1b];
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

class FunctionAssembler {
  private readonly f: Func;
  private readonly out = new ByteWriter();
  private readonly opcodes = opcodes();
  private readonly links: Link[] = [];
  /** Blocks around the instruction that is written, and how many there are outside of the innermost loop's exit. */
  private depth = 0;
  private exits: number[] = [];

  constructor(f: Func) {
    this.f = f;
  }

  assemble(): AssembledFunction {
    const { f, out } = this;
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
    return { bytes: out.finish(), links: this.links };
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
        this.access(s.op, '.store', s.offset, s.lane);
        return;
      case 'call':
        this.call(s.fn, s.args, null);
        return;
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
        if (exit === undefined) throw new Error(`break outside a loop in ${this.f.name}`);
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
        throw new Error(`data within a statement in ${this.f.name}`);
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
    this.links.push({ at: out.size, kind: 'segment', bytes });
    out.byte(0);
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
        this.access(e.op, '.load', e.offset, e.into && (e.lane ?? 0));
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
    const code = this.opcode(op);
    for (let i = 0; i < args.length; i++) this.expression(args[i]!);
    this.out.raw(code);
    if (lanes) this.out.raw(lanes);
  }

  /** A load or store: its alignment as a power of two, which is natural for scalars and none for vectors, and its offset. */
  private access(op: string, verb: '.load' | '.store', offset: number, lane: number | undefined): void {
    const { out } = this;
    const code = this.opcode(op);
    if (!op.includes(verb)) throw new Error(`${op} is no ${verb.slice(1)}, in ${this.f.name}`);
    out.raw(code);
    out.unsigned(op.startsWith('v128') ? 0 : alignment(op, op.indexOf(verb) + verb.length));
    out.unsigned(offset);
    if (lane !== undefined) out.byte(lane);
  }

  private opcode(op: string): readonly number[] {
    const code = this.opcodes.get(op);
    if (code) return code;
    instruction(op);
    throw new Error(`unknown instruction ${op} in ${this.f.name}`);
  }

  private call(fn: string, args: readonly Expr[], result: WasmType | null): void {
    for (const x of args) this.expression(x);
    this.out.byte(callCode);
    this.links.push({ at: this.out.size, kind: 'call', fn, parameters: args.length, result });
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

/** Of a scalar, from the number of bits that stands at `at` of a load's or store's name, if it is not the type's own. */
function alignment(op: string, at: number): number {
  switch (op[at]) {
    case '8':
      return 0;
    case '1':
      return 1;
    case '3':
      return 2;
    default:
      return op[1] === '3' ? 2 : 3;
  }
}
