import type { CodeModule, Expr, Func, Stmt } from './code.ts';

/**
 * Emitted code as text to read: the structure of WebAssembly's text format, with infix-free expressions folded into one
 * line each. It is what the emitter turns into bytes, instruction for instruction. `notes` go above the functions of
 * these names.
 */
export function showModule(module: CodeModule, notes?: ReadonlyMap<string, string>): string {
  const imports = module.imports.map((f) => `(import ${f.module}.${f.base} as $${f.name})`);
  const functions = module.functions.map((f) => {
    const note = notes?.get(f.name);
    return note === undefined ? showFunction(f) : `;; ${note}\n${showFunction(f)}`;
  });
  return [...imports, ...functions].join('\n');
}

export function showFunction(f: Func): string {
  const params = f.params.map((type, i) => ` (p${i} ${type})`).join('');
  const result = f.result ? ` → ${f.result}` : '';
  const name = (index: number): string => (index < f.params.length ? `p${index}` : `l${index - f.params.length}`);
  return [`(func $${f.name}${params}${result}`, ...f.body.flatMap((s) => statement(s, name, '  ')), ')'].join('\n');
}

type Name = (index: number) => string;

function statement(s: Stmt, name: Name, indent: string): string[] {
  const inner = (body: readonly Stmt[]): string[] => body.flatMap((x) => statement(x, name, `${indent}  `));
  const e = (x: Expr): string => expression(x, name);
  switch (s.kind) {
    case 'set':
      return [`${indent}${name(s.local)} = ${e(s.value)}`];
    case 'store':
      return [`${indent}${s.op}${at(s.offset, s.lane)} ${e(s.ptr)} ← ${e(s.value)}`];
    case 'call':
      return [`${indent}(call $${[s.fn, ...s.args.map(e)].join(' ')})`];
    case 'if':
      return [
        `${indent}(if ${e(s.cond)}`,
        ...inner(s.yes),
        ...(s.no.length ? [`${indent}else`, ...inner(s.no)] : []),
        `${indent})`,
      ];
    case 'while':
      return [`${indent}(while ${e(s.cond)}`, ...inner(s.body), `${indent})`];
    case 'doWhile':
      return [`${indent}(do`, ...inner(s.body), `${indent} while ${e(s.cond)})`];
    case 'break':
      return [`${indent}(break)`];
    case 'return':
      return [`${indent}(return${s.value ? ` ${e(s.value)}` : ''})`];
    case 'copy':
      return [`${indent}(memory.copy ${e(s.to)} ${e(s.from)} ${e(s.bytes)})`];
    case 'fill':
      return [`${indent}(memory.fill ${e(s.to)} ${e(s.byte)} ${e(s.bytes)})`];
    case 'data':
      return [`${indent}(memory.init ${e(s.to)} ← ${s.bytes.length} bytes)`];
  }
}

const at = (offset: number, lane?: number): string =>
  (offset ? ` offset=${offset}` : '') + (lane === undefined ? '' : ` lane=${lane}`);

function expression(x: Expr, name: Name): string {
  const e = (y: Expr): string => expression(y, name);
  switch (x.kind) {
    case 'const':
      return x.type === 'v128' ? `v128(${vectorText(x.bytes)})` : String(x.value);
    case 'local':
      return name(x.index);
    case 'op':
      return `(${[x.op + (x.lanes ? ` ${x.lanes.join()}` : ''), ...x.args.map(e)].join(' ')})`;
    case 'load':
      return `(${[x.op + at(x.offset, x.lane), e(x.ptr), ...(x.into ? [e(x.into)] : [])].join(' ')})`;
    case 'select':
      return `(select ${e(x.cond)} ${e(x.a)} ${e(x.b)})`;
    case 'call':
      return `(call $${[x.fn, ...x.args.map(e)].join(' ')})`;
  }
}

const vectorText = (bytes: readonly number[]): string => {
  const words = new Uint32Array(Uint8Array.from(bytes).buffer);
  return [...words].map((w) => w.toString(16).padStart(8, '0')).join(' ');
};
