/** Programs of small arrays: one frame holds what their operations leave behind. */
import type { ShapedArray } from '../../src/core/aval.ts';
import { Cell } from '../storage/cell.ts';
import { type Heap, heap } from '../storage/heap.ts';
import { type FrameDescription, FrameLayout, type Outside, type Result } from './frame-layout.ts';

/** Frames beyond this size would be larger than what is near the processor. */
const largestFrame = 2 ** 19;

export class FrameProgram {
  private readonly layout: FrameLayout;
  private readonly results: readonly Result[];
  private readonly bytes: number;
  /** Where the frame was the last time. */
  private frame = -1;

  private constructor(layout: FrameLayout, results: readonly Result[]) {
    this.layout = layout;
    this.results = results;
    this.bytes = layout.frame.bytes;
  }

  /** Undefined where the frame would be large. */
  static of(description: FrameDescription): FrameProgram | undefined {
    const layout = new FrameLayout(description);
    layout.arguments();
    layout.constants();
    const results = description.results.map((value) => layout.result(value));
    layout.steps();
    return layout.frame.bytes <= largestFrame ? new FrameProgram(layout, results) : undefined;
  }

  run(args: readonly Cell[]): Cell[] {
    const h = heap();
    const { frames } = h;
    const { top, depth } = frames;
    const pins = h.pinned.length;
    h.clock++;
    try {
      const frame = frames.push(this.bytes);
      const { results } = this;
      const { copied, pinned, outside, runs } = this.layout;
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
    for (const { at, index, offset } of this.layout.inFrame) at[index] = frame + offset;
    this.frame = frame;
  }
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
