import { ByteBuffer } from './byte-buffer.ts';

const utf8 = new TextEncoder();

/** Bytes one after the other, in the encodings of WebAssembly's binary format (core specification 2.0, section 5.2). */
export class ByteWriter extends ByteBuffer {
  raw(values: readonly number[] | Uint8Array): void {
    const n = values.length;
    const at = this.reserve(n);
    const { bytes } = this;
    // Most are a few bytes, for which `set` takes longer.
    if (n > 32) bytes.set(values, at);
    else for (let i = 0; i < n; i++) bytes[at + i] = values[i]!;
  }

  /** LEB128, as `unsigned`. */
  signed(value: number): void {
    for (; value < -64 || value > 63; value >>= 7) this.byte((value & 0x7f) | 0x80);
    this.byte(value & 0x7f);
  }

  signed64(value: bigint): void {
    for (; value < -64n || value > 63n; value >>= 7n) this.byte(Number(value & 0x7fn) | 0x80);
    this.byte(Number(value & 0x7fn));
  }

  /** Little-endian; every NaN is the same. */
  float(type: 'f32' | 'f64', value: number): void {
    const at = this.reserve(type === 'f32' ? 4 : 8);
    if (type === 'f32' && Number.isNaN(value)) this.view.setInt32(at, 0x7fc00000, true);
    else if (type === 'f32') this.view.setFloat32(at, value, true);
    else if (Number.isNaN(value)) this.view.setBigInt64(at, 0x7ff8000000000000n, true);
    else this.view.setFloat64(at, value, true);
  }

  text(text: string): void {
    const bytes = utf8.encode(text);
    this.unsigned(bytes.length);
    this.raw(bytes);
  }

  /** What `write` writes, behind its length, and in front of both `id` if there is one. */
  sized(write: () => void, id?: number): void {
    if (id !== undefined) this.byte(id);
    // As long as any length: five bytes hold 32 bits, padded.
    const at = this.reserve(5);
    write();
    let length = this.length - at - 5;
    for (let i = 0; i < 4; i++, length = Math.floor(length / 128)) this.bytes[at + i] = (length & 0x7f) | 0x80;
    this.bytes[at + 4] = length;
  }
}
