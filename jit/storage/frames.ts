import { type PagedMemory, pageBytes } from './memory.ts';

/**
 * The stack that program frames live on. Programs address everything relative to their frame, so the stack need not be
 * in one piece: a frame that does not fit gets a chunk of its own, returned when it is popped.
 */
const chunkBytes = 16 * pageBytes;

interface Chunk {
  readonly address: number;
  readonly pages: number;
}

export class FrameStack {
  /** Where the next frame starts; 64-byte aligned. */
  top: number;
  private end: number;
  private readonly chunks: Chunk[] = [];
  /** One popped chunk, kept so that a call repeated at the edge does not allocate each time. */
  private spare: Chunk | undefined;
  private readonly memory: PagedMemory;
  private readonly allocate: (pages: number) => number;

  constructor(memory: PagedMemory, allocate: (pages: number) => number) {
    this.memory = memory;
    this.allocate = allocate;
    const first = { address: allocate(chunkBytes / pageBytes), pages: chunkBytes / pageBytes };
    this.chunks.push(first);
    this.top = first.address;
    this.end = first.address + chunkBytes;
  }

  /** How many chunks are in use. Callers note it with `top` before `push` and give both to `pop`. */
  get depth(): number {
    return this.chunks.length;
  }

  /** Whether a frame fits where the last one ends. */
  hasRoom(bytes: number): boolean {
    return this.top + bytes <= this.end;
  }

  /** Address of a new frame. `bytes` is a multiple of 64. */
  push(bytes: number): number {
    if (!this.hasRoom(bytes)) this.extend(bytes);
    const frame = this.top;
    this.top += bytes;
    return frame;
  }

  pop(top: number, depth: number): void {
    this.top = top;
    if (this.chunks.length === depth) return;
    while (this.chunks.length > depth) this.drop(this.chunks.pop()!);
    const chunk = this.chunks.at(-1)!;
    this.end = chunk.address + chunk.pages * pageBytes;
  }

  /** Gives back what is kept for later calls. */
  trim(): void {
    if (this.spare) this.memory.freePages(this.spare.address, this.spare.pages);
    this.spare = undefined;
  }

  private extend(bytes: number): void {
    const pages = Math.ceil(Math.max(bytes, chunkBytes) / pageBytes);
    let chunk = this.spare;
    if (chunk && chunk.pages >= pages) {
      this.spare = undefined;
    } else {
      this.trim();
      chunk = { address: this.allocate(pages), pages };
    }
    this.chunks.push(chunk);
    this.top = chunk.address;
    this.end = chunk.address + chunk.pages * pageBytes;
  }

  private drop(chunk: Chunk): void {
    if (this.spare && this.spare.pages >= chunk.pages) {
      this.memory.freePages(chunk.address, chunk.pages);
    } else {
      this.trim();
      this.spare = chunk;
    }
  }
}
