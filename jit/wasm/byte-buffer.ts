/** What is written in, by one at a time: most of it is little. */
let scratch = new Uint8Array(65536);

/** Bytes that are written one after the other. */
export class ByteBuffer {
  protected bytes: Uint8Array<ArrayBuffer> = scratch;
  protected view: DataView = new DataView(this.bytes.buffer);
  protected length = 0;

  /** How many bytes there are. */
  get size(): number {
    return this.length;
  }

  finish(): Uint8Array {
    scratch = this.bytes;
    return this.bytes.slice(0, this.length);
  }

  /** Where the next `n` bytes go. */
  protected reserve(n: number): number {
    const at = this.length;
    this.length += n;
    if (this.length > this.bytes.length) {
      const larger = new Uint8Array(2 * this.length);
      larger.set(this.bytes);
      this.bytes = larger;
      this.view = new DataView(larger.buffer);
    }
    return at;
  }

  byte(value: number): void {
    const at = this.reserve(1);
    this.bytes[at] = value;
  }

  /** A non-negative integer, seven bits a byte, the lowest first (LEB128). */
  unsigned(value: number): void {
    for (; value > 0x7f; value = Math.floor(value / 128)) this.byte((value % 128) | 0x80);
    this.byte(value);
  }
}
