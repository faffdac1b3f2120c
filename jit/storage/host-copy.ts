/** What has left the memory. */
import { allocate, byteSize, copyOf, type DType, type TypedArray, viewOf } from '../../src/core/dtype.ts';

/**
 * Bytes of a part. What the C library gives back to the system, and gets from it page by page, is what is larger than 32 MB: a copy of
 * 80 MB takes 64 ms at once and 20 ms in parts. Elements are not divided.
 */
const mostBytes = 2 ** 24;

/** A copy of bytes, in one host buffer or, where they are many, in several. */
export class HostCopy {
  private parts: readonly Uint8Array[];

  constructor(bytes: Uint8Array) {
    const parts: Uint8Array[] = [];
    for (let at = 0; at === 0 || at < bytes.length; at += mostBytes)
      parts.push(copyOf(bytes.subarray(at, at + mostBytes)));
    this.parts = parts;
  }

  /** Elements from `offset` on, for as long as one likes. Several buffers become one. */
  view(dtype: DType, offset: number, length: number): TypedArray {
    if (this.parts.length > 1) {
      const joined = new Uint8Array(this.parts.reduce((sum, part) => sum + part.length, 0));
      this.copyTo(joined, 0, 0, joined.length);
      this.parts = [joined];
    }
    return viewOf(dtype, this.parts[0]!.buffer, offset, length);
  }

  /** A copy of elements. */
  copy(dtype: DType, offset: number, length: number): TypedArray {
    if (this.parts.length === 1) return copyOf(this.view(dtype, offset, length));
    const copy = allocate(dtype, length);
    this.copyTo(new Uint8Array(copy.buffer), 0, offset, copy.byteLength);
    return copy;
  }

  element(dtype: DType, offset: number, index: number): number {
    const at = offset + index * byteSize(dtype);
    const part = this.parts.length > 1 ? Math.floor(at / mostBytes) : 0;
    return viewOf(dtype, this.parts[part]!.buffer, at - part * mostBytes, 1)[0]!;
  }

  /** Bytes from `offset` on, to `address`. */
  copyTo(target: Uint8Array, address: number, offset: number, bytes: number): void {
    let start = 0;
    for (const part of this.parts) {
      const [from, to] = [Math.max(offset, start), Math.min(offset + bytes, start + part.length)];
      if (from < to) target.set(part.subarray(from - start, to - start), address + from - offset);
      start += part.length;
    }
  }
}
