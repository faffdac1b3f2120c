import { byteSize, type DType, type TypedArray } from '../src/core/dtype.ts';
import { sizeOf } from '../src/core/shape.ts';
import { Recent } from './caches/recent.ts';
import { compileAssembled } from './compile.ts';
import { hostMath } from './math/index.ts';
import type { CallbackSite, Program, ProgramLayout, Slot } from './program.ts';
import { runtimeExports } from './runtime/instance.ts';
import { prebuiltModule } from './runtime/prebuilt.ts';
import { Cell } from './storage/cell.ts';
import { type Heap, heap } from './storage/heap.ts';
import { smallBytes } from './storage/sizes.ts';
import { threadPool } from './threads/thread-pool.ts';

/** What a program calls back: gets the arguments of its site, copied, and returns the data of its results. An exception stops the program. */
export type Callback = ((args: readonly Cell[]) => readonly TypedArray[]) | ((args: readonly Cell[]) => void);

export interface RunOptions {
  /** Inputs whose storage is freed as soon as the call is over. */
  readonly donate?: readonly boolean[];
  /** The functions behind `host.callback`, by id. */
  readonly callbacks?: readonly Callback[];
}

let handler: ((executable: Executable, id: number, args: readonly Cell[]) => void) | undefined;

/** Answers the callbacks of every run that brings no functions of its own. */
export function setCallbackHandler(answer: typeof handler): void {
  handler = answer;
}

type Place = 'f64' | 'f32' | 'i32' | 'u32' | 'small' | 'array';

/** A slot as `run` reads it. */
interface Port {
  readonly place: Place;
  readonly offset: number;
  readonly dtype: DType;
  readonly length: number;
  readonly bytes: number;
}

const scalarPlace: Record<DType, Place> = { float64: 'f64', float32: 'f32', int32: 'i32', uint32: 'u32', bool: 'i32' };

function port({ offset, dtype, shape }: Slot): Port {
  const length = sizeOf(shape);
  const bytes = length * byteSize(dtype);
  const place = shape.length === 0 ? scalarPlace[dtype] : bytes <= smallBytes ? 'small' : 'array';
  return { place, offset, dtype, length, bytes };
}

const align = (bytes: number): number => Math.ceil(bytes / 64) * 64;

/** A program that is ready to run. */
export class Executable {
  readonly program: ProgramLayout;
  private readonly inputs: readonly Port[];
  private readonly outputs: readonly Port[];
  private readonly main: (frame: number) => number;
  private readonly frameBytes: number;
  /** The frame and, behind it, the small arrays that go in or out. */
  private readonly pushedBytes: number;
  private callbacks: readonly Callback[] | undefined;
  private failure: { readonly error: unknown } | undefined;

  constructor(program: ProgramLayout, wasm: WebAssembly.Module) {
    this.program = program;
    this.inputs = program.inputs.map(port);
    this.outputs = program.outputs.map(port);
    this.frameBytes = align(program.frameBytes);
    const small = [...this.inputs, ...this.outputs].filter((p) => p.place === 'small');
    this.pushedBytes = this.frameBytes + small.reduce((sum, p) => sum + align(p.bytes), 0);
    const imports: WebAssembly.Imports = { env: { memory: heap().memory } };
    if (program.importsFrom.includes('host'))
      imports.host = { callback: (id: number, address: number) => this.callback(id, address >>> 0) };
    if (program.importsFrom.includes('math')) imports.math = hostMath;
    if (program.importsFrom.includes('runtime')) imports.runtime = runtimeExports();
    const threaded = program.importsFrom.includes('threads')
      ? threadPool().join(wasm, imports.runtime && prebuiltModule('runtime'))
      : undefined;
    if (threaded) imports.threads = { run: threaded.run };
    const { exports } = new WebAssembly.Instance(wasm, imports);
    threaded?.bind(exports);
    this.main = exports.main as (frame: number) => number;
  }

  /** Runs the program. Calls may nest: every one has a frame of its own. */
  run(inputs: readonly Cell[], options?: RunOptions): Cell[] {
    if (inputs.length !== this.inputs.length)
      throw new Error(`the program takes ${this.inputs.length} inputs, not ${inputs.length}`);
    const h = heap();
    const { frames } = h;
    const { top, depth } = frames;
    const pins = h.pinned.length;
    const outer = this.callbacks;
    this.callbacks = options?.callbacks;
    h.clock++;
    try {
      // Room for a large frame, or for arguments that come back, is not made by copying out arguments.
      if (!frames.hasRoom(this.pushedBytes) || !this.areInMemory(inputs)) this.pinThoseInMemory(h, inputs);
      const frame = frames.push(this.pushedBytes);
      const spare = this.writeInputs(h, frame, inputs);
      const results = this.allocateOutputs(h, frame, spare);
      if (this.main(frame) !== 0) this.stopped();
      return this.readOutputs(h, results);
    } finally {
      this.callbacks = outer;
      if (h.pinned.length > pins) h.unpin(pins);
      frames.pop(top, depth);
      if (options?.donate) for (let i = 0; i < inputs.length; i++) if (options.donate[i]) inputs[i]!.dispose();
    }
  }

  private areInMemory(inputs: readonly Cell[]): boolean {
    for (let i = 0; i < inputs.length; i++)
      if (this.inputs[i]!.place === 'array' && !inputs[i]!.isInMemory) return false;
    return true;
  }

  private pinThoseInMemory(h: Heap, inputs: readonly Cell[]): void {
    for (let i = 0; i < inputs.length; i++)
      if (this.inputs[i]!.place === 'array' && inputs[i]!.isInMemory) h.pin(inputs[i]!);
  }

  /** Writes values and pointers; returns the end of the small arrays. */
  private writeInputs(h: Heap, frame: number, inputs: readonly Cell[]): number {
    let spare = frame + this.frameBytes;
    for (let i = 0; i < inputs.length; i++) {
      const cell = inputs[i]!;
      const { place, offset, dtype, length, bytes } = this.inputs[i]!;
      if (cell.length !== length || cell.dtype !== dtype)
        throw new Error(`input ${i} is ${cell.dtype}[${cell.length}], not ${dtype}[${length}]`);
      const at = frame + offset;
      switch (place) {
        case 'f64':
          h.f64[at >>> 3] = cell.first();
          break;
        case 'f32':
          h.f32[at >>> 2] = cell.first();
          break;
        case 'i32':
        case 'u32':
          h.i32[at >>> 2] = cell.first();
          break;
        case 'small':
          h.copyIn(cell, spare);
          h.i32[at >>> 2] = spare;
          spare += align(bytes);
          break;
        case 'array': {
          const address = h.pin(cell);
          h.i32[at >>> 2] = address;
        }
      }
    }
    return spare;
  }

  private allocateOutputs(h: Heap, frame: number, spare: number): (Cell | number)[] {
    const results: (Cell | number)[] = [];
    for (const { place, offset, dtype, length, bytes } of this.outputs) {
      if (place === 'array') {
        const cell = Cell.inHeap(dtype, length);
        h.i32[(frame + offset) >>> 2] = h.pin(cell);
        results.push(cell);
      } else if (place === 'small') {
        h.i32[(frame + offset) >>> 2] = spare;
        results.push(spare);
        spare += align(bytes);
      } else {
        results.push(frame + offset);
      }
    }
    return results;
  }

  private readOutputs(h: Heap, results: (Cell | number)[]): Cell[] {
    const { outputs } = this;
    for (let i = 0; i < results.length; i++) {
      const at = results[i]!;
      if (typeof at === 'number') results[i] = readCell(h, outputs[i]!, at);
    }
    return results as Cell[];
  }

  private callback(id: number, address: number): number {
    try {
      const site = this.program.callbacks.find((s) => s.id === id);
      if (!site) throw new Error(`the program has no callback ${id}`);
      const args = readArguments(site, address);
      const own = this.callbacks?.[id];
      if (own) writeResults(site, address, own(args));
      else if (handler) handler(this, id, args);
      else throw new Error('no callback handler is set');
      return 0;
    } catch (error) {
      this.failure = { error };
      return 1;
    }
  }

  private stopped(): never {
    const { failure } = this;
    this.failure = undefined;
    throw failure ? failure.error : new Error('the program stopped');
  }
}

function readArguments(site: CallbackSite, address: number): Cell[] {
  const h = heap();
  return site.arguments.map((slot) => {
    const p = port(slot);
    const at = address + p.offset;
    if (p.place !== 'small' && p.place !== 'array') return readCell(h, p, at);
    return Cell.fromHost(p.dtype, h.copyOut(p.dtype, h.u32[at >>> 2]!, p.length));
  });
}

function writeResults({ results }: CallbackSite, address: number, returned: unknown): void {
  const h = heap();
  results.forEach(({ dtype, offset }, i) => {
    const view = h.elements(dtype);
    view.set((returned as readonly TypedArray[])[i]!, h.u32[(address + offset) >>> 2]! / view.BYTES_PER_ELEMENT);
  });
}

/** A value in the frame: a rank-0 one itself, a small array copied out. */
function readCell(h: Heap, { place, dtype, length }: Port, at: number): Cell {
  switch (place) {
    case 'f64':
      return Cell.fromNumber(dtype, h.f64[at >>> 3]!);
    case 'f32':
      return Cell.fromNumber(dtype, h.f32[at >>> 2]!);
    case 'i32':
      return Cell.fromNumber(dtype, h.i32[at >>> 2]!);
    case 'u32':
      return Cell.fromNumber(dtype, h.u32[at >>> 2]!);
    default:
      return Cell.fromHost(dtype, h.copyOut(dtype, at, length));
  }
}

/** Equal programs of other traces are one executable. A program keeps its own for as long as it lives. */
const executables = new Recent<string, Executable>(256);
const loaded = new WeakMap<Program, Executable>();

/** Compiles and instantiates, once for equal programs. */
export function load(program: Program): Executable {
  let executable = loaded.get(program);
  if (!executable) {
    const { wasm, module, inputs, outputs, callbacks, frameBytes } = program;
    const key = `${module} ${JSON.stringify([inputs, outputs, callbacks, frameBytes])}`;
    executable = executables.get(key);
    if (!executable) {
      executable = new Executable(program, compileAssembled(wasm, module));
      executables.set(key, executable);
    }
    loaded.set(program, executable);
  }
  return executable;
}
