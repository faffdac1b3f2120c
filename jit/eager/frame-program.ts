/** Programs of small arrays: one frame holds what their operations leave behind. */
import type { ShapedArray } from '../../src/core/aval.ts';
import { byteSize } from '../../src/core/dtype.ts';
import { Cell, type Heap, heap, smallBytes } from '../heap.ts';
import type { MemoryFunction } from './memory-function.ts';

/** An operation, and which of the program's values it reads and makes. */
export interface FrameStep {
  readonly run: MemoryFunction;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** What a program computes, its values numbered: arguments first. */
export interface FrameDescription {
  readonly avals: readonly ShapedArray[];
  readonly arguments: number;
  /** Values that do not depend on the arguments. */
  readonly constants: ReadonlyMap<number, Cell>;
  /** Values that lie in another one, so many bytes from its beginning. */
  readonly parts: ReadonlyMap<number, { readonly of: number; readonly offset: number }>;
  readonly steps: readonly FrameStep[];
  readonly results: readonly number[];
}

/** Frames beyond this size would be larger than what is near the processor. */
const largestFrame = 2 ** 19;

/** An address that is known when the program runs: of an array outside of the frame, or of the frame. */
interface Place {
  /** The array's index among those that are outside; −1 for the frame. */
  readonly pointer: number;
  readonly offset: number;
}

/** Where an address among the arguments of a step comes from. */
interface Patch {
  readonly at: number[];
  readonly index: number;
  readonly offset: number;
}

interface Outside {
  readonly patches: Patch[];
  address: number;
}

interface Run {
  readonly run: MemoryFunction['run'];
  readonly at: number[];
}

const up = (bytes: number): number => (bytes + 63) & -64;
const bytesOf = ({ dtype, size }: ShapedArray): number => size * byteSize(dtype);
const isSmall = (aval: ShapedArray): boolean => bytesOf(aval) <= smallBytes;

/** Places in a frame that are given back. */
class Frame {
  bytes = 0;
  private readonly free = new Map<number, number[]>();

  take(bytes: number): number {
    const known = this.free.get(up(bytes))?.pop();
    if (known !== undefined) return known;
    const offset = this.bytes;
    this.bytes += up(bytes);
    return offset;
  }

  give(offset: number, bytes: number): void {
    const known = this.free.get(up(bytes));
    if (known) known.push(offset);
    else this.free.set(up(bytes), [offset]);
  }
}

/** A small argument, which is copied into the frame before the steps. */
interface Copied {
  readonly index: number;
  readonly offset: number;
}

export class FrameProgram {
  private readonly copied: Copied[] = [];
  /** What lies in the heap: arguments by their index, and constants. Results follow them. */
  private readonly pinned: (number | Cell)[] = [];
  private readonly outside: Outside[] = [];
  private readonly results: readonly { readonly aval: ShapedArray; readonly place: Place }[];
  private readonly runs: Run[] = [];
  private readonly inFrame: Patch[] = [];
  private readonly bytes: number;
  /** Where the frame was the last time. */
  private frame = -1;

  private constructor(description: FrameDescription, frame: Frame) {
    const { avals, constants, parts, steps, results } = description;
    const places = new Map<number, Place>();
    /** An array outside of the frame, by its index among these. */
    const pin = (from: number | Cell): number => {
      this.pinned.push(from);
      return this.outside.push({ patches: [], address: -1 }) - 1;
    };
    for (let index = 0; index < description.arguments; index++) {
      if (isSmall(avals[index]!)) {
        const offset = frame.take(smallBytes);
        this.copied.push({ index, offset });
        places.set(index, { pointer: -1, offset });
      } else places.set(index, { pointer: pin(index), offset: 0 });
    }
    const few = [...constants].filter(([value]) => isSmall(avals[value]!));
    if (few.length > 0) {
      const pointer = pin(together(few.map(([, cell]) => cell)));
      few.forEach(([value], i) => {
        places.set(value, { pointer, offset: i * smallBytes });
      });
    }
    for (const [value, cell] of constants)
      if (!isSmall(avals[value]!)) places.set(value, { pointer: pin(cell), offset: 0 });
    this.results = results.map((value) => {
      const aval = avals[value]!;
      const place = isSmall(aval)
        ? { pointer: -1, offset: frame.take(smallBytes) }
        : { pointer: this.outside.push({ patches: [], address: -1 }) - 1, offset: 0 };
      places.set(value, place);
      return { aval, place };
    });
    const rootOf = (value: number): number => {
      const part = parts.get(value);
      return part ? rootOf(part.of) : value;
    };
    const last = new Map<number, number>();
    steps.forEach(({ inputs, outputs }, k) => {
      for (const value of [...inputs, ...outputs]) last.set(rootOf(value), k);
    });
    const placeOf = (value: number): Place => {
      const part = parts.get(value);
      if (!part) return places.get(value)!;
      const { pointer, offset } = placeOf(part.of);
      return { pointer, offset: offset + part.offset };
    };
    const mine = new Set<number>();
    steps.forEach(({ run, inputs, outputs }, k) => {
      for (const value of outputs) {
        if (places.has(value)) continue;
        mine.add(value);
        places.set(value, { pointer: -1, offset: frame.take(bytesOf(avals[value]!)) });
      }
      const scratch = run.scratch > 0 ? frame.take(run.scratch) : 0;
      const at = new Array<number>(inputs.length + outputs.length + 1).fill(0);
      [...inputs, ...outputs].forEach((value, index) => {
        const { pointer, offset } = placeOf(value);
        const patches = pointer < 0 ? this.inFrame : this.outside[pointer]!.patches;
        patches.push({ at, index, offset });
      });
      if (run.scratch > 0) {
        this.inFrame.push({ at, index: at.length - 1, offset: scratch });
        frame.give(scratch, run.scratch);
      }
      for (const value of new Set([...inputs, ...outputs].map(rootOf)))
        if (mine.has(value) && last.get(value) === k) frame.give(places.get(value)!.offset, bytesOf(avals[value]!));
      this.runs.push({ run: run.run, at });
    });
    this.bytes = frame.bytes;
  }

  /** Undefined where the frame would be large. */
  static of(description: FrameDescription): FrameProgram | undefined {
    const frame = new Frame();
    const program = new FrameProgram(description, frame);
    return frame.bytes <= largestFrame ? program : undefined;
  }

  run(args: readonly Cell[]): Cell[] {
    const h = heap();
    const { frames } = h;
    const { top, depth } = frames;
    const pins = h.pinned.length;
    h.clock++;
    try {
      const frame = frames.push(this.bytes);
      const { copied, pinned, outside, results, runs } = this;
      for (let i = 0; i < copied.length; i++) {
        const { index, offset } = copied[i]!;
        h.copyIn(args[index]!, frame + offset);
      }
      for (let i = 0; i < pinned.length; i++) {
        const from = pinned[i]!;
        move(outside[i]!, h.pin(typeof from === 'number' ? args[from]! : from));
      }
      const made: Cell[] = [];
      for (let i = 0; i < results.length; i++) {
        const { aval, place } = results[i]!;
        if (place.pointer < 0) continue;
        const cell = Cell.inHeap(aval.dtype, aval.size);
        made[i] = cell;
        move(outside[place.pointer]!, h.pin(cell));
      }
      if (frame !== this.frame) this.rebase(frame);
      for (let k = 0; k < runs.length; k++) {
        const { run, at } = runs[k]!;
        run(h, at);
      }
      for (let i = 0; i < results.length; i++) {
        const { aval, place } = results[i]!;
        if (place.pointer < 0) made[i] = small(h, aval, frame + place.offset);
      }
      return made;
    } finally {
      if (h.pinned.length > pins) h.unpin(pins);
      frames.pop(top, depth);
    }
  }

  private rebase(frame: number): void {
    for (const { at, index, offset } of this.inFrame) at[index] = frame + offset;
    this.frame = frame;
  }
}

/** Small arrays as one, each `smallBytes` from the one before it. */
function together(cells: readonly Cell[]): Cell {
  // Longer than what stays out of the heap.
  const bytes = new Uint8Array(Math.max(cells.length, 2) * smallBytes);
  cells.forEach((cell, i) => {
    const { buffer, byteOffset, byteLength } = cell.peek();
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), i * smallBytes);
  });
  return Cell.fromHost('bool', bytes);
}

function move(array: Outside, address: number): void {
  if (array.address === address) return;
  array.address = address;
  const { patches } = array;
  for (let i = 0; i < patches.length; i++) {
    const { at, index, offset } = patches[i]!;
    at[index] = address + offset;
  }
}

function small(h: Heap, { dtype, size }: ShapedArray, address: number): Cell {
  if (size !== 1) return Cell.fromHost(dtype, h.copyOut(dtype, address, size));
  const view = h.elements(dtype);
  return Cell.fromNumber(dtype, view[address / view.BYTES_PER_ELEMENT]!);
}
