/**
 * Where temporaries live in the frame: first fit among the gaps that dead values left. Offsets are fixed when the
 * program is made; a loop's body uses the same places in every iteration.
 */
export interface Place {
  readonly offset: number;
  readonly bytes: number;
}

const granularity = 64;
const round = (bytes: number): number => Math.max(granularity, Math.ceil(bytes / granularity) * granularity);

export class FramePlan {
  /** Gaps by offset; the last one is open-ended. */
  private gaps: Place[];
  private readonly start: number;
  /** End of the frame. */
  end: number;
  private live = 0;
  /** Most bytes in use at a time. */
  peak = 0;

  constructor(start: number) {
    this.start = round(start);
    this.end = this.start;
    this.gaps = [{ offset: this.start, bytes: Number.POSITIVE_INFINITY }];
  }

  allocate(bytes: number): Place {
    const size = round(bytes);
    const i = this.gaps.findIndex((gap) => gap.bytes >= size);
    const gap = this.gaps[i]!;
    if (gap.bytes === size) this.gaps.splice(i, 1);
    else this.gaps[i] = { offset: gap.offset + size, bytes: gap.bytes - size };
    this.end = Math.max(this.end, gap.offset + size);
    this.live += size;
    this.peak = Math.max(this.peak, this.live);
    return { offset: gap.offset, bytes: size };
  }

  free({ offset, bytes }: Place): void {
    this.live -= bytes;
    let i = this.gaps.findIndex((gap) => gap.offset > offset);
    if (i < 0) i = this.gaps.length;
    let start = offset;
    let size = bytes;
    const after = this.gaps[i];
    if (after && after.offset === offset + bytes) {
      size += after.bytes;
      this.gaps.splice(i, 1);
    }
    const before = this.gaps[i - 1];
    if (before && before.offset + before.bytes === offset) {
      start = before.offset;
      size += before.bytes;
      this.gaps.splice(--i, 1);
    }
    this.gaps.splice(i, 0, { offset: start, bytes: size });
  }
}
