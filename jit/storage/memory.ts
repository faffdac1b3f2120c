import { allocateFew, copyFew, copyOf, type DType, type TypedArray } from '../../src/core/dtype.ts';
import { fixThreads, target } from '../target.ts';

/**
 * The one WebAssembly memory, its typed views, and the allocator of whole 64 kB pages. There is one memory for
 * everything: each reserves gigabytes of address space for its guard regions, and compiled programs must reach all.
 */
export const pageBytes = 65536;
export const maximumPages = 65536;
/** What `slice` would clear before it copies takes long from here on. */
const largeBytes = 32768;

/** A run of free pages. */
interface Run {
  page: number;
  count: number;
}

export class PagedMemory {
  readonly memory: WebAssembly.Memory;
  /** Views of all of memory, replaced when it grows: read them again after anything that may allocate. */
  u8!: Uint8Array;
  i32!: Int32Array;
  u32!: Uint32Array;
  f32!: Float32Array;
  f64!: Float64Array;
  /** Pages in use. */
  used = 1;
  /** Ordered by address and never adjacent. */
  private readonly free: Run[] = [];
  private pages: number;

  constructor() {
    const { shared } = target();
    fixThreads();
    this.pages = 32;
    this.memory = new WebAssembly.Memory({ initial: this.pages, maximum: maximumPages, shared });
    // Page 0 stays empty, so that no array has address 0 and stray small addresses hurt nothing.
    this.free.push({ page: 1, count: this.pages - 1 });
    this.refresh();
  }

  private refresh(): void {
    const { buffer } = this.memory;
    this.u8 = new Uint8Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.f32 = new Float32Array(buffer);
    this.f64 = new Float64Array(buffer);
  }

  /** All of memory as elements of a dtype. */
  elements(dtype: DType): TypedArray {
    switch (dtype) {
      case 'float32':
        return this.f32;
      case 'float64':
        return this.f64;
      case 'int32':
        return this.i32;
      case 'uint32':
        return this.u32;
      case 'bool':
        return this.u8;
    }
  }

  fill(dtype: DType, address: number, length: number, value: number): void {
    const view = this.elements(dtype);
    const start = address / view.BYTES_PER_ELEMENT;
    view.fill(value, start, start + length);
  }

  /**
   * Elements in a host array of their own. Those of up to 64 bytes lie in V8's own heap: making one and filling it is
   * quicker than `slice`. Large ones take two thirds of the time where they are not cleared first.
   */
  copyOut(dtype: DType, address: number, length: number): TypedArray {
    const view = this.elements(dtype);
    const start = address / view.BYTES_PER_ELEMENT;
    const bytes = length * view.BYTES_PER_ELEMENT;
    if (bytes > largeBytes) return copyOf(view.subarray(start, start + length));
    if (bytes > 64) return view.slice(start, start + length);
    const copy = allocateFew(dtype, length);
    copyFew(dtype, view, start, copy, 0, length);
    return copy;
  }

  /** Address of `count` pages in a row; grows the memory when there is no such run. Undefined when it cannot. */
  allocatePages(count: number): number | undefined {
    const found = this.take(count);
    if (found !== undefined) return found;
    const last = this.free.at(-1);
    const atEnd = last && last.page + last.count === this.pages ? last.count : 0;
    const needed = count - atEnd;
    // Growing replaces every view and is therefore done in large steps; untouched pages cost nothing.
    for (const step of [Math.max(needed, 256, this.pages >> 2), needed]) {
      if (this.pages + step > maximumPages) continue;
      try {
        this.memory.grow(step);
      } catch {
        continue;
      }
      this.insert(this.pages, step);
      this.pages += step;
      this.refresh();
      return this.take(count);
    }
    return undefined;
  }

  /** Whether `count` pages in a row are free without growing. */
  hasRun(count: number): boolean {
    return this.free.some((run) => run.count >= count);
  }

  /** @param address in the first of them */
  freePages(address: number, count: number): void {
    this.used -= count;
    this.insert(Math.floor(address / pageBytes), count);
  }

  private take(count: number): number | undefined {
    const i = this.free.findIndex((run) => run.count >= count);
    if (i < 0) return undefined;
    const run = this.free[i]!;
    const { page } = run;
    run.page += count;
    run.count -= count;
    if (run.count === 0) this.free.splice(i, 1);
    this.used += count;
    return page * pageBytes;
  }

  private insert(page: number, count: number): void {
    const { free } = this;
    let low = 0;
    for (let high = free.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (free[middle]!.page < page) low = middle + 1;
      else high = middle;
    }
    const before = free[low - 1];
    const after = free[low];
    const joinsBefore = before !== undefined && before.page + before.count === page;
    const joinsAfter = after !== undefined && page + count === after.page;
    if (joinsBefore) {
      before.count += count;
      if (joinsAfter) {
        before.count += after.count;
        free.splice(low, 1);
      }
    } else if (joinsAfter) {
      after.page = page;
      after.count += count;
    } else {
      free.splice(low, 0, { page, count });
    }
  }
}
