import type { Expr, Func, Stmt } from './code.ts';

/**
 * Moves vector constants out of loops into locals. Engines make a constant anew wherever it stands, which takes x86
 * three instructions, while a local stays in a register or is read from the stack within the instruction that uses it:
 * measured on a loop of exponentials, half the time. Zeros and ones cost nothing where they are.
 */
export function hoistConstants(func: Func): Func {
  const known = new Map<string, Extract<Expr, { kind: 'local' }>>();
  const before: Stmt[] = [];
  const first = func.params.length + func.locals.length;

  const constant = (e: Extract<Expr, { type: 'v128'; kind: 'const' }>): Expr => {
    if (e.bytes.every((byte) => byte === e.bytes[0] && (byte === 0 || byte === 255))) return e;
    const key = e.bytes.join();
    let local = known.get(key);
    if (!local) {
      local = { kind: 'local', type: 'v128', index: first + known.size };
      known.set(key, local);
      before.push({ kind: 'set', local: local.index, type: 'v128', value: e });
    }
    return local;
  };

  // A tree may stand in many places: each is rewritten once, and shared again.
  const rewritten = new Map<Expr, Expr>();
  const expression = (e: Expr): Expr => {
    const done = rewritten.get(e);
    if (done) return done;
    const result = rewrite(e);
    rewritten.set(e, result);
    return result;
  };
  const rewrite = (e: Expr): Expr => {
    switch (e.kind) {
      case 'const':
        return e.type === 'v128' ? constant(e) : e;
      case 'local':
        return e;
      case 'op':
      case 'call': {
        const args = e.args.map(expression);
        return args.every((arg, i) => arg === e.args[i]) ? e : { ...e, args };
      }
      case 'load': {
        const [ptr, into] = [expression(e.ptr), e.into && expression(e.into)];
        return ptr === e.ptr && into === e.into ? e : { ...e, ptr, ...(into ? { into } : {}) };
      }
      case 'select':
        return { ...e, cond: expression(e.cond), a: expression(e.a), b: expression(e.b) };
    }
  };
  const inLoop = (s: Stmt): Stmt => {
    switch (s.kind) {
      case 'set':
        return { ...s, value: expression(s.value) };
      case 'store':
        return { ...s, ptr: expression(s.ptr), value: expression(s.value) };
      case 'call':
        return { ...s, args: s.args.map(expression) };
      case 'if':
        return { ...s, cond: expression(s.cond), yes: s.yes.map(inLoop), no: s.no.map(inLoop) };
      case 'while':
      case 'doWhile':
        return { ...s, cond: expression(s.cond), body: s.body.map(inLoop) };
      case 'return':
        return s.value ? { ...s, value: expression(s.value) } : s;
      case 'copy':
        return { ...s, to: expression(s.to), from: expression(s.from), bytes: expression(s.bytes) };
      case 'fill':
        return { ...s, to: expression(s.to), byte: expression(s.byte), bytes: expression(s.bytes) };
      case 'data':
        return { ...s, to: expression(s.to) };
      case 'break':
        return s;
    }
  };
  const outside = (s: Stmt): Stmt => {
    if (s.kind === 'while' || s.kind === 'doWhile') return inLoop(s);
    return s.kind === 'if' ? { ...s, yes: s.yes.map(outside), no: s.no.map(outside) } : s;
  };

  const body = func.body.map(outside);
  if (known.size === 0) return func;
  return { ...func, locals: [...func.locals, ...[...known].map(() => 'v128' as const)], body: [...before, ...body] };
}
