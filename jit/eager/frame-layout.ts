/** Where the values of a program lie while it runs: in a frame, or in arrays beside it. */
import type { ShapedArray } from '../../src/core/aval.ts';
import { byteSize } from '../../src/core/dtype.ts';
import { Cell } from '../storage/cell.ts';
import { smallBytes } from '../storage/sizes.ts';
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
  /** Values that lie in another one, which lies in none, so many bytes from its beginning. */
  readonly parts: ReadonlyMap<number, { readonly of: number; readonly offset: number }>;
  readonly steps: readonly FrameStep[];
  readonly results: readonly number[];
}

/** An address that is known when the program runs: of an array outside of the frame, or of the frame. */
export interface Place {
  /** The array's index among those that are outside; −1 for the frame. */
  readonly pointer: number;
  readonly offset: number;
}

/** Where an address among the arguments of a step comes from. */
export interface Patch {
  readonly at: number[];
  readonly index: number;
  readonly offset: number;
}

export interface Outside {
  readonly patches: Patch[];
  address: number;
}

export interface Run {
  readonly run: MemoryFunction['run'];
  readonly at: number[];
}

export interface Result {
  readonly aval: ShapedArray;
  readonly place: Place;
}

const up = (bytes: number): number => (bytes + 63) & -64;

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
export interface Copied {
  readonly index: number;
  readonly offset: number;
}

/** Gives the values of a program places, step by step, and notes where their addresses go. */
export class FrameLayout {
  readonly copied: Copied[] = [];
  /** What lies in the heap: arguments by their index, and constants. Results follow them. */
  readonly pinned: (number | Cell)[] = [];
  readonly outside: Outside[] = [];
  readonly runs: Run[] = [];
  readonly inFrame: Patch[] = [];
  readonly frame: Frame = new Frame();
  private readonly places = new Map<number, Place>();
  private readonly description: FrameDescription;

  constructor(description: FrameDescription) {
    this.description = description;
  }

  arguments(): void {
    for (let index = 0; index < this.description.arguments; index++) {
      if (this.isSmall(index)) {
        const place = this.inFrameOf(smallBytes);
        this.copied.push({ index, offset: place.offset });
        this.places.set(index, place);
      } else this.places.set(index, this.pin(index));
    }
  }

  /** Small ones lie together, so that one address is enough for all. */
  constants(): void {
    const { constants } = this.description;
    const few = [...constants].filter(([value]) => this.isSmall(value));
    if (few.length > 0) {
      const { pointer } = this.pin(together(few.map(([, cell]) => cell)));
      for (const [i, [value]] of few.entries()) this.places.set(value, { pointer, offset: i * smallBytes });
    }
    for (const [value, cell] of constants) if (!this.isSmall(value)) this.places.set(value, this.pin(cell));
  }

  result(value: number): Result {
    const place = this.isSmall(value) ? this.inFrameOf(smallBytes) : this.beside();
    this.places.set(value, place);
    return { aval: this.description.avals[value]!, place };
  }

  steps(): void {
    const { steps } = this.description;
    const last = new Map<number, number>();
    for (const [k, { inputs, outputs }] of steps.entries())
      for (const value of [...inputs, ...outputs]) last.set(this.wholeOf(value), k);
    const own = new Set<number>();
    for (const [k, { run, inputs, outputs }] of steps.entries()) {
      for (const value of outputs) {
        if (this.places.has(value)) continue;
        own.add(value);
        this.places.set(value, this.inFrameOf(this.bytesOf(value)));
      }
      const values = [...inputs, ...outputs];
      const at = new Array<number>(values.length + 1).fill(0);
      for (const [index, value] of values.entries()) this.address(at, index, this.placeOf(value));
      if (run.scratch > 0) {
        const place = this.inFrameOf(run.scratch);
        this.address(at, values.length, place);
        this.frame.give(place.offset, run.scratch);
      }
      for (const value of new Set(values.map((value) => this.wholeOf(value))))
        if (own.has(value) && last.get(value) === k)
          this.frame.give(this.places.get(value)!.offset, this.bytesOf(value));
      this.runs.push({ run: run.run, at });
    }
  }

  private address(at: number[], index: number, { pointer, offset }: Place): void {
    const patches = pointer < 0 ? this.inFrame : this.outside[pointer]!.patches;
    patches.push({ at, index, offset });
  }

  private inFrameOf(bytes: number): Place {
    return { pointer: -1, offset: this.frame.take(bytes) };
  }

  private beside(): Place {
    return { pointer: this.outside.push({ patches: [], address: -1 }) - 1, offset: 0 };
  }

  private pin(from: number | Cell): Place {
    this.pinned.push(from);
    return this.beside();
  }

  private bytesOf(value: number): number {
    const { dtype, size } = this.description.avals[value]!;
    return size * byteSize(dtype);
  }

  private isSmall(value: number): boolean {
    return this.bytesOf(value) <= smallBytes;
  }

  /** The value in which this one lies, or itself. */
  private wholeOf(value: number): number {
    return this.description.parts.get(value)?.of ?? value;
  }

  private placeOf(value: number): Place {
    const { pointer, offset } = this.places.get(this.wholeOf(value))!;
    return { pointer, offset: offset + (this.description.parts.get(value)?.offset ?? 0) };
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
