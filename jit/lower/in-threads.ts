import { type Expr, FunctionBuilder, type ImportedFunc, i32c, load, op } from '../wasm/code.ts';
import type { Kernel } from './kernels/kernel.ts';
import type { ModuleWriter } from './module-writer.ts';

/** Does an entry of the program, a function (begin, end, args, thread), over a range: (entry, extent, chunk, args). */
const runImport: ImportedFunc = {
  name: 'threads_run',
  module: 'threads',
  base: 'run',
  params: ['i32', 'i32', 'i32', 'i32'],
};

/** An argument of a function that threads call. What it is for a part of the range is up to the part or the thread. */
export interface ThreadArgument {
  readonly value: Expr;
  /** Added for each thread, for each chunk of the range, for each step of it. */
  readonly perThread?: number;
  readonly perChunk?: number;
  readonly perStep?: number;
}

export interface Work {
  readonly extent: number;
  readonly chunk: number;
  readonly args: readonly ThreadArgument[];
  /** Writes the call for the part from `begin` to `end`. */
  readonly call: (f: FunctionBuilder, begin: Expr, end: Expr, args: readonly Expr[]) => void;
}

/**
 * Deals out work over a range to all threads, and waits for the end of it; without threads one chunk comes after the other.
 * Chunks are the same for any number of threads.
 */
export function dealOut(d: ModuleWriter, work: Work): void {
  if (d.target.shared) inThreads(d, work);
  else inTurn(d, work);
}

/** What a function of its own needs of the driver's values: they become its arguments. */
export class Captures {
  private readonly args: ThreadArgument[] = [];
  private inside: readonly Expr[] = [];

  /** The value where the work is written. */
  take(value: Expr, moves: Omit<ThreadArgument, 'value'> = {}): () => Expr {
    if (value.kind === 'const' && Object.keys(moves).length === 0) return () => value;
    const index = this.args.push({ value, ...moves }) - 1;
    return () => this.inside[index]!;
  }

  /** Writes the work where the values are. */
  here(write: () => void): void {
    this.inside = this.args.map(({ value }) => value);
    write();
  }

  /** The work in parts, in threads or one after the other. */
  run(
    d: ModuleWriter,
    { extent, chunk, threads }: { readonly extent: number; readonly chunk: number; readonly threads: boolean },
    call: (f: FunctionBuilder, begin: Expr, end: Expr) => void,
  ): void {
    if (extent === 1 && !(threads && d.target.shared)) {
      this.here(() => call(d.f, i32c(0), i32c(1)));
      return;
    }
    const work: Work = {
      extent,
      chunk,
      args: this.args,
      call: (f, begin, end, args) => {
        this.inside = args;
        call(f, begin, end);
      },
    };
    if (threads && d.target.shared) inThreads(d, work);
    else inTurn(d, work);
  }
}

/** The parameter of a part that starts at `from`. */
function argumentFrom(start: Expr, { perChunk = 0, perStep = 0 }: ThreadArgument, from: Expr, chunk: number): Expr {
  if (perChunk) return op('i32.add', start, op('i32.mul', op('i32.div_u', from, i32c(chunk)), i32c(perChunk)));
  return perStep ? op('i32.add', start, op('i32.mul', from, i32c(perStep))) : start;
}

function inThreads(d: ModuleWriter, { extent, chunk, args, call }: Work): void {
  d.imports.set(runImport.name, runImport);
  const f = new FunctionBuilder('', ['i32', 'i32', 'i32', 'i32']);
  const [begin, end, at, thread] = [0, 1, 2, 3].map((i) => f.param(i)) as [Expr, Expr, Expr, Expr];
  const starts = args.map(({ value, perThread = 0 }, i): Expr => {
    const loaded = load(`${value.type}.load`, at, 8 * i);
    return f.let(perThread ? op('i32.add', loaded, op('i32.mul', thread, i32c(perThread))) : loaded);
  });
  // A part may be of several chunks.
  const from = f.var(begin);
  const to = f.local('i32');
  f.while(op('i32.lt_s', from, end), () => {
    f.set(to, op('i32.add', from, i32c(chunk)));
    f.if(op('i32.gt_s', to, end), () => f.set(to, end));
    call(
      f,
      from,
      to,
      starts.map((start, i) => argumentFrom(start, args[i]!, from, chunk)),
    );
    f.set(from, to);
  });
  const entry = d.entry(f.build(true));
  d.withScratch(8 * args.length, (ptr) => {
    args.forEach(({ value }, i) => {
      d.f.store(`${value.type}.store`, ptr, value, 8 * i);
    });
    d.f.call(runImport.name, ...[entry, extent, chunk].map(i32c), ptr);
  });
}

/** Does the same one chunk after the other. */
export function inTurn(d: ModuleWriter, { extent, chunk, args, call }: Work): void {
  const f = new FunctionBuilder('', ['i32', 'i32', ...args.map(({ value }) => value.type)]);
  call(
    f,
    f.param(0),
    f.param(1),
    args.map((_, i) => f.param(2 + i)),
  );
  const name = d.define(f.build());
  d.inChunks({ extent, chunk }, (begin, end) =>
    d.f.call(name, begin, end, ...args.map((arg) => argumentFrom(arg.value, arg, begin, chunk))),
  );
}

/** A kernel with a range, dealt out in its chunks; `partBytes` are what each chunk leaves. */
export function kernelInThreads(d: ModuleWriter, name: string, kernel: Kernel, partBytes = 0): void {
  const { own, parts } = kernel;
  inThreads(d, {
    ...kernel.range!,
    args: kernel.args.map((value, i) => ({
      value,
      ...(own?.args.includes(i) && { perThread: own.bytes }),
      ...(parts === i && { perChunk: partBytes }),
    })),
    call: (f, begin, end, args) => f.call(name, begin, end, ...args),
  });
}
