import { ByteBuffer } from './byte-buffer.ts';
import type { CodeModule, Expr, Func, ImportedFunc, Stmt, WasmType } from './code.ts';

/**
 * Code modules as bytes, for binaryen's thread: equal modules and only those have equal bytes, floats compared bit by bit (every
 * NaN is the same one).
 */
const types: readonly WasmType[] = ['i32', 'i64', 'f32', 'f64', 'v128'];
const expressionKinds = ['const', 'local', 'op', 'load', 'select', 'call'] as const;
const statementKinds = [
  'set',
  'store',
  'call',
  'if',
  'while',
  'doWhile',
  'break',
  'return',
  'copy',
  'fill',
  'data',
] as const;

const expressionCode: Record<string, number> = Object.fromEntries(expressionKinds.map((kind, i) => [kind, i]));
const statementCode: Record<string, number> = Object.fromEntries(statementKinds.map((kind, i) => [kind, i]));
const typeCode: Record<string, number> = Object.fromEntries(types.map((type, i) => [type, i]));

export function encode(module: CodeModule): Uint8Array {
  const bodies = module.functions.map((f) => {
    const body = new Writer();
    body.func(f);
    return body.finish();
  });
  const out = new Writer();
  out.list(module.imports, (f) => {
    out.text(f.name);
    out.text(f.module);
    out.text(f.base);
    out.signature(f);
  });
  let next = 0;
  out.list(module.functions, (f) => {
    out.text(f.name);
    out.block(bodies[next++]!);
  });
  return out.finish();
}

export function decode(bytes: Uint8Array): CodeModule {
  const from = new Reader(bytes);
  const imports = from.list((): ImportedFunc => {
    const [name, module, base] = [from.text(), from.text(), from.text()];
    return { name, module, base, ...from.signature() };
  });
  const functions = from.list((): Func => ({ name: from.text(), ...new Reader(from.block()).func() }));
  return { imports, functions };
}

interface Signature {
  readonly params: readonly WasmType[];
  readonly result?: WasmType;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** Names of instructions and functions: the same few hundred in every program. */
const encoded = new Map<string, Uint8Array>();

class Writer extends ByteBuffer {
  private readonly texts = new Map<string, number>();

  /** A text is written out once; later it is its number. */
  text(text: string): void {
    const index = this.texts.get(text);
    if (index !== undefined) {
      this.unsigned(index);
      return;
    }
    this.unsigned(this.texts.size);
    this.texts.set(text, this.texts.size);
    let utf8 = encoded.get(text);
    if (!utf8) encoded.set(text, (utf8 = encoder.encode(text)));
    this.raw(utf8);
  }

  private raw(bytes: Uint8Array): void {
    this.unsigned(bytes.length);
    const at = this.reserve(bytes.length);
    this.bytes.set(bytes, at);
  }

  list<T>(items: readonly T[], write: (item: T) => void): void {
    this.unsigned(items.length);
    for (const item of items) write(item);
  }

  type(type: WasmType): void {
    this.byte(typeCode[type]!);
  }

  signature(s: Signature): void {
    this.list(s.params, (t) => this.type(t));
    this.byte(s.result ? typeCode[s.result]! : 255);
  }

  /** Bytes with a text table of their own. */
  block(bytes: Uint8Array): void {
    this.unsigned(bytes.length);
    const at = this.reserve(bytes.length);
    this.bytes.set(bytes, at);
  }

  func(f: Func): void {
    this.signature(f);
    this.list(f.locals, (t) => this.type(t));
    this.statements(f.body);
    this.byte(f.exported ? 1 : 0);
  }

  private statements(list: readonly Stmt[]): void {
    this.unsigned(list.length);
    for (const s of list) this.statement(s);
  }

  private statement(s: Stmt): void {
    this.byte(statementCode[s.kind]!);
    switch (s.kind) {
      case 'set':
        this.unsigned(s.local);
        this.type(s.type);
        this.expression(s.value);
        break;
      case 'store':
        this.text(s.op);
        this.unsigned(s.offset);
        this.lane(s.lane);
        this.expression(s.ptr);
        this.expression(s.value);
        break;
      case 'call':
        this.text(s.fn);
        this.expressions(s.args);
        break;
      case 'if':
        this.expression(s.cond);
        this.statements(s.yes);
        this.statements(s.no);
        break;
      case 'while':
      case 'doWhile':
        this.expression(s.cond);
        this.statements(s.body);
        break;
      case 'break':
        return;
      case 'return':
        this.expressions(s.value ? [s.value] : []);
        break;
      case 'copy':
        this.expressions([s.to, s.from, s.bytes]);
        break;
      case 'fill':
        this.expressions([s.to, s.byte, s.bytes]);
        break;
      case 'data':
        this.expression(s.to);
        this.raw(s.bytes);
        break;
    }
  }

  /** 0 for none. */
  private lane(lane: number | undefined): void {
    this.byte(lane === undefined ? 0 : lane + 1);
  }

  private expressions(list: readonly Expr[]): void {
    this.unsigned(list.length);
    for (const e of list) this.expression(e);
  }

  private expression(e: Expr): void {
    this.byte(expressionCode[e.kind]! | (typeCode[e.type]! << 4));
    switch (e.kind) {
      case 'local':
        this.unsigned(e.index);
        break;
      case 'const':
        this.constant(e);
        break;
      case 'op':
        this.text(e.op);
        this.list(e.lanes ?? [], (n) => this.byte(n));
        this.expressions(e.args);
        break;
      case 'load':
        this.text(e.op);
        this.unsigned(e.offset);
        this.lane(e.lane);
        this.expressions(e.into ? [e.ptr, e.into] : [e.ptr]);
        break;
      case 'select':
        this.expression(e.cond);
        this.expression(e.a);
        this.expression(e.b);
        break;
      case 'call':
        this.text(e.fn);
        this.expressions(e.args);
        break;
    }
  }

  private constant(e: Extract<Expr, { kind: 'const' }>): void {
    // Reserving may replace the view, so it comes first.
    const at = this.reserve(e.type === 'v128' ? 16 : e.type === 'i64' || e.type === 'f64' ? 8 : 4);
    switch (e.type) {
      case 'i32':
        this.view.setInt32(at, e.value);
        break;
      case 'i64':
        this.view.setBigInt64(at, e.value);
        break;
      case 'f32':
        if (Number.isNaN(e.value)) this.view.setInt32(at, 0x7fc00000);
        else this.view.setFloat32(at, e.value);
        break;
      case 'f64':
        if (Number.isNaN(e.value)) this.view.setBigInt64(at, 0x7ff8000000000000n);
        else this.view.setFloat64(at, e.value);
        break;
      case 'v128':
        this.bytes.set(e.bytes, at);
        break;
    }
  }
}

class Reader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private at = 0;
  private readonly texts: string[] = [];

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  byte(): number {
    return this.bytes[this.at++]!;
  }

  number(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  text(): string {
    const index = this.number();
    if (index === this.texts.length) {
      this.texts.push(decoder.decode(this.raw()));
    }
    return this.texts[index]!;
  }

  private raw(): Uint8Array {
    const length = this.number();
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  list<T>(read: () => T): T[] {
    const n = this.number();
    const items: T[] = [];
    for (let i = 0; i < n; i++) items.push(read());
    return items;
  }

  type(): WasmType {
    return types[this.byte()]!;
  }

  signature(): Signature {
    const params = this.list(() => this.type());
    const result = types[this.byte()];
    return result ? { params, result } : { params };
  }

  block(): Uint8Array {
    const length = this.number();
    const bytes = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return bytes;
  }

  func(): Omit<Func, 'name'> {
    const signature = this.signature();
    const locals = this.list(() => this.type());
    return { ...signature, locals, body: this.statements(), exported: this.byte() === 1 };
  }

  private statements(): Stmt[] {
    return this.list(() => this.statement());
  }

  private statement(): Stmt {
    const kind = statementKinds[this.byte()]!;
    switch (kind) {
      case 'set':
        return { kind, local: this.number(), type: this.type(), value: this.expression() };
      case 'store': {
        const [op, offset, lane] = [this.text(), this.number(), this.byte()];
        const store = { kind, op, offset, ptr: this.expression(), value: this.expression() };
        return lane === 0 ? store : { ...store, lane: lane - 1 };
      }
      case 'call':
        return { kind, fn: this.text(), args: this.expressions() };
      case 'if':
        return { kind, cond: this.expression(), yes: this.statements(), no: this.statements() };
      case 'while':
      case 'doWhile':
        return { kind, cond: this.expression(), body: this.statements() };
      case 'break':
        return { kind };
      case 'return': {
        const [value] = this.expressions();
        return value ? { kind, value } : { kind };
      }
      case 'copy': {
        const [to, from, bytes] = this.expressions() as [Expr, Expr, Expr];
        return { kind, to, from, bytes };
      }
      case 'fill': {
        const [to, byte, bytes] = this.expressions() as [Expr, Expr, Expr];
        return { kind, to, byte, bytes };
      }
      case 'data':
        return { kind, to: this.expression(), bytes: this.raw() };
    }
  }

  private expressions(): Expr[] {
    return this.list(() => this.expression());
  }

  private expression(): Expr {
    const tag = this.byte();
    const kind = expressionKinds[tag & 15]!;
    const type = types[tag >> 4]!;
    switch (kind) {
      case 'local':
        return { kind, type, index: this.number() };
      case 'const':
        return this.constant(type);
      case 'op': {
        const op = this.text();
        const lanes = this.list(() => this.byte());
        const args = this.expressions();
        return lanes.length === 0 ? { kind, type, op, args } : { kind, type, op, args, lanes };
      }
      case 'load': {
        const [op, offset, lane] = [this.text(), this.number(), this.byte()];
        const [ptr, into] = this.expressions() as [Expr, Expr?];
        return into ? { kind, type, op, offset, lane: lane - 1, ptr, into } : { kind, type, op, offset, ptr };
      }
      case 'select':
        return { kind, type, cond: this.expression(), a: this.expression(), b: this.expression() };
      case 'call':
        return { kind, type, fn: this.text(), args: this.expressions() };
    }
  }

  private constant(type: WasmType): Expr {
    const kind = 'const';
    const at = this.at;
    this.at += type === 'v128' ? 16 : type === 'i64' || type === 'f64' ? 8 : 4;
    if (type === 'v128') return { kind, type, bytes: [...this.bytes.subarray(at, at + 16)] };
    if (type === 'i64') return { kind, type, value: this.view.getBigInt64(at) };
    if (type === 'i32') return { kind, type, value: this.view.getInt32(at) };
    return { kind, type, value: type === 'f32' ? this.view.getFloat32(at) : this.view.getFloat64(at) };
  }
}
