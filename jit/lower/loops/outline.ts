/**
 * Loops of the driver as functions of their own, entered again every few hundred iterations. Engines do not replace a
 * function that is running: a loop inside of `main` would stay in the baseline compiler's code to its end, at half the
 * speed or less. A function that is entered often is optimised soon, and the next entry finds the new code.
 *
 * The loop's live variables are the function's parameters; those that it changes come back through the frame.
 */
import { type Expr, type Func, i32c, type Local, load, op, type Stmt, type WasmType } from '../../wasm/code.ts';
import { type LoopLiveness, liveness, members } from '../liveness.ts';

/** Iterations per entry: few enough for short runs to tier up, many enough for an entry to cost nothing. */
const iterationsPerEntry = 256;

/** What an entry returns. */
const more = 0;
const finished = 1;
const stopped = 2;

type Loop = Extract<Stmt, { kind: 'while' | 'doWhile' }>;

export interface Outlined {
  readonly main: Func;
  readonly loops: readonly Func[];
  /** Bytes behind `frameBytes` that the loops use. */
  readonly spillBytes: number;
}

/**
 * @param chosen the loops to take out
 * @param frameBytes where their part of the frame begins; a multiple of 16
 */
export function outlineLoops(main: Func, chosen: ReadonlySet<Stmt>, frameBytes: number): Outlined {
  if (chosen.size === 0) return { main, loops: [], spillBytes: 0 };
  const outliner = new Outliner(main, chosen, frameBytes);
  const body = outliner.statements(main.body);
  const locals = outliner.types.slice(main.params.length);
  return { main: { ...main, locals, body }, loops: outliner.functions, spillBytes: outliner.spillBytes };
}

class Outliner {
  readonly functions: Func[] = [];
  readonly types: WasmType[];
  spillBytes = 0;
  private readonly chosen: ReadonlySet<Stmt>;
  private readonly frameBytes: number;
  private readonly live: ReadonlyMap<Stmt, LoopLiveness>;

  constructor(main: Func, chosen: ReadonlySet<Stmt>, frameBytes: number) {
    this.types = [...main.params, ...main.locals];
    this.chosen = chosen;
    this.frameBytes = frameBytes;
    this.live = liveness(main.body);
  }

  statements(list: readonly Stmt[]): Stmt[] {
    return list.flatMap((s) => this.statement(s));
  }

  private statement(s: Stmt): Stmt[] {
    switch (s.kind) {
      case 'if':
        return [{ ...s, yes: this.statements(s.yes), no: this.statements(s.no) }];
      case 'while':
      case 'doWhile': {
        const loop = { ...s, body: this.statements(s.body) };
        return this.chosen.has(s) ? this.outline(loop, this.live.get(s)!) : [loop];
      }
      default:
        return [s];
    }
  }

  private local(index: number): Local {
    return { kind: 'local', type: this.types[index]!, index };
  }

  private outline(loop: Loop, { before, after, written }: LoopLiveness): Stmt[] {
    const frame = this.local(0);
    const inputs = [0, ...members(before).filter((index) => index !== 0)];
    // A nested loop may use the same part of the frame: its values are read back before this one writes its own.
    const results = members(written & (before | after)).map((index, i) => ({
      index,
      offset: this.frameBytes + 16 * i,
    }));
    this.spillBytes = Math.max(this.spillBytes, 16 * results.length);
    const name = `loop${this.functions.length}`;
    this.functions.push(new LoopFunction(name, this.types, inputs).build(loop, results));

    const status = this.local(this.types.push('i32') - 1);
    const entry: Stmt[] = [
      {
        kind: 'set',
        local: status.index,
        type: 'i32',
        value: { kind: 'call', type: 'i32', fn: name, args: inputs.map((index) => this.local(index)) },
      },
      {
        kind: 'if',
        cond: op('i32.eq', status, i32c(stopped)),
        yes: [{ kind: 'return', value: i32c(1) }],
        no: [],
      },
      ...results.map(({ index, offset }): Stmt => {
        const type = this.types[index]!;
        return { kind: 'set', local: index, type, value: load(`${type}.load`, frame, offset) };
      }),
    ];
    return [{ kind: 'doWhile', cond: op('i32.eq', status, i32c(more)), body: entry }];
  }
}

/** One loop written as a function, with variables numbered anew. */
class LoopFunction {
  private readonly name: string;
  private readonly outer: readonly WasmType[];
  private readonly params: WasmType[];
  private readonly locals: WasmType[] = [];
  private readonly numbers = new Map<number, number>();

  constructor(name: string, outer: readonly WasmType[], inputs: readonly number[]) {
    this.name = name;
    this.outer = outer;
    this.params = inputs.map((index) => outer[index]!);
    inputs.forEach((index, i) => {
      this.numbers.set(index, i);
    });
  }

  build(loop: Loop, results: readonly { readonly index: number; readonly offset: number }[]): Func {
    const left = this.fresh('i32');
    const status = this.fresh('i32');
    const set = (local: Local, value: Expr): Stmt => ({ kind: 'set', local: local.index, type: local.type, value });
    const end: Stmt[] = [set(status, i32c(finished)), { kind: 'break' }];
    const test: Stmt = { kind: 'if', cond: op('i32.eqz', this.expression(loop.cond)), yes: end, no: [] };
    const iteration = this.statements(loop.body, end);
    const spend: Stmt[] = [
      { kind: 'if', cond: op('i32.eqz', left), yes: [{ kind: 'break' }], no: [] },
      set(left, op('i32.sub', left, i32c(1))),
    ];
    const endless = loop.cond.kind === 'const' && loop.cond.type === 'i32' && loop.cond.value !== 0;
    const body =
      loop.kind === 'doWhile' ? [...spend, ...iteration, test] : [...(endless ? [] : [test]), ...spend, ...iteration];
    const frame: Local = { kind: 'local', type: 'i32', index: this.numbers.get(0)! };
    return {
      name: this.name,
      params: this.params,
      result: 'i32',
      locals: this.locals,
      exported: false,
      body: [
        set(left, i32c(iterationsPerEntry)),
        { kind: 'while', cond: i32c(1), body },
        ...results.map(({ index, offset }): Stmt => {
          const value = this.renumbered(index);
          return { kind: 'store', op: `${value.type}.store`, ptr: frame, offset, value };
        }),
        { kind: 'return', value: status },
      ],
    };
  }

  private fresh(type: WasmType): Local {
    return { kind: 'local', type, index: this.params.length + this.locals.push(type) - 1 };
  }

  private renumbered(index: number): Local {
    const type = this.outer[index]!;
    const known = this.numbers.get(index);
    if (known !== undefined) return { kind: 'local', type, index: known };
    const local = this.fresh(type);
    this.numbers.set(index, local.index);
    return local;
  }

  /** @param leave what stands for a `break` out of the outlined loop; undefined inside of loops that are nested in it */
  private statements(list: readonly Stmt[], leave: readonly Stmt[] | undefined): Stmt[] {
    return list.flatMap((s) => this.statement(s, leave));
  }

  private statement(s: Stmt, leave: readonly Stmt[] | undefined): readonly Stmt[] {
    switch (s.kind) {
      case 'set':
        return [{ ...s, local: this.renumbered(s.local).index, value: this.expression(s.value) }];
      case 'store':
        return [{ ...s, ptr: this.expression(s.ptr), value: this.expression(s.value) }];
      case 'call':
        return [{ ...s, args: s.args.map(this.expression) }];
      case 'if': {
        const [yes, no] = [this.statements(s.yes, leave), this.statements(s.no, leave)];
        return [{ ...s, cond: this.expression(s.cond), yes, no }];
      }
      case 'while':
      case 'doWhile':
        return [{ ...s, cond: this.expression(s.cond), body: this.statements(s.body, undefined) }];
      case 'break':
        return leave ?? [s];
      // `main` returns early only when a callback has failed.
      case 'return':
        return [{ kind: 'return', value: i32c(stopped) }];
      case 'copy':
        return [{ ...s, to: this.expression(s.to), from: this.expression(s.from), bytes: this.expression(s.bytes) }];
      case 'fill':
        return [{ ...s, to: this.expression(s.to), byte: this.expression(s.byte), bytes: this.expression(s.bytes) }];
      case 'data':
        return [{ ...s, to: this.expression(s.to) }];
    }
  }

  private readonly expression = (e: Expr): Expr => {
    switch (e.kind) {
      case 'const':
        return e;
      case 'local':
        return this.renumbered(e.index);
      case 'op':
      case 'call':
        return { ...e, args: e.args.map(this.expression) };
      case 'load':
        return { ...e, ptr: this.expression(e.ptr), ...(e.into ? { into: this.expression(e.into) } : {}) };
      case 'select':
        return { ...e, cond: this.expression(e.cond), a: this.expression(e.a), b: this.expression(e.b) };
    }
  };
}
