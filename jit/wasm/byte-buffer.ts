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
    if (this.length > this.bytes.length) this.grow();
    return at;
  }

  private grow(): void {
    const larger = new Uint8Array(2 * this.length);
    larger.set(this.bytes);
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }

  byte(value: number): void {
    const at = this.length++;
    if (at === this.bytes.length) this.grow();
    this.bytes[at] = value;
  }

  /** A non-negative integer, seven bits a byte, the lowest first (LEB128). */
  unsigned(value: number): void {
    for (; value > 0x7f; value = Math.floor(value / 128)) this.byte((value % 128) | 0x80);
    this.byte(value);
  }
}
