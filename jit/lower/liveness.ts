/**
 * Which variables are live around the loops of a function: a variable is live where its value may still be read (Aho, Lam,
 * Sethi & Ullman, Compilers, section 9.2.5). Sets are bit masks.
 */
import type { Expr, Stmt } from '../wasm/code.ts';

export interface LoopLiveness {
  /** Read in the loop, or after it, before they are set. */
  readonly before: bigint;
  readonly after: bigint;
  readonly written: bigint;
}

/** The variables of a set, ascending. */
export function members(set: bigint): number[] {
  const list: number[] = [];
  for (let i = 0, rest = set; rest; i++, rest >>= 1n) if (rest & 1n) list.push(i);
  return list;
}

const bit = (index: number): bigint => 1n << BigInt(index);

/** Of every loop in `body`. */
export function liveness(body: readonly Stmt[]): ReadonlyMap<Stmt, LoopLiveness> {
  const found = new Map<Stmt, LoopLiveness>();
  new Backwards(found).statements(body, 0n, 0n);
  return found;
}

class Backwards {
  private readonly found: Map<Stmt, LoopLiveness>;
  private written = 0n;

  constructor(found: Map<Stmt, LoopLiveness>) {
    this.found = found;
  }

  /**
   * What is live before a list of statements, from what is live after it.
   * @param outside what is live where a `break` goes
   */
  statements(list: readonly Stmt[], after: bigint, outside: bigint): bigint {
    let live = after;
    for (let i = list.length - 1; i >= 0; i--) live = this.statement(list[i]!, live, outside);
    return live;
  }

  private statement(s: Stmt, after: bigint, outside: bigint): bigint {
    switch (s.kind) {
      case 'set':
        this.written |= bit(s.local);
        return (after & ~bit(s.local)) | reads(s.value);
      case 'store':
        return after | reads(s.ptr) | reads(s.value);
      case 'call':
        return after | readsOf(s.args);
      case 'if':
        return reads(s.cond) | this.statements(s.yes, after, outside) | this.statements(s.no, after, outside);
      case 'while':
      case 'doWhile':
        return this.loop(s, after);
      case 'break':
        return outside;
      case 'return':
        return s.value ? reads(s.value) : 0n;
      case 'copy':
        return after | reads(s.to) | reads(s.from) | reads(s.bytes);
      case 'fill':
        return after | reads(s.to) | reads(s.byte) | reads(s.bytes);
      case 'data':
        return after | reads(s.to);
    }
  }

  private loop(s: Extract<Stmt, { kind: 'while' | 'doWhile' }>, after: bigint): bigint {
    const outer = this.written;
    this.written = 0n;
    const tested = reads(s.cond) | after;
    let top = 0n;
    for (;;) {
      // Around: from the end of the body to the test, and from the test to its beginning.
      const body = this.statements(s.body, tested | top, after);
      const next = s.kind === 'while' ? tested | body : body;
      if ((next | top) === top) break;
      top |= next;
    }
    this.found.set(s, { before: top, after, written: this.written });
    this.written |= outer;
    return top;
  }
}

const readsOf = (list: readonly Expr[]): bigint => list.reduce((set, e) => set | reads(e), 0n);

function reads(e: Expr): bigint {
  switch (e.kind) {
    case 'const':
      return 0n;
    case 'local':
      return bit(e.index);
    case 'op':
    case 'call':
      return readsOf(e.args);
    case 'load':
      return reads(e.ptr) | (e.into ? reads(e.into) : 0n);
    case 'select':
      return reads(e.cond) | reads(e.a) | reads(e.b);
  }
}
