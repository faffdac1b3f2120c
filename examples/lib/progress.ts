/** A bar that fills up, on a terminal; elsewhere nothing until it is full. */
export class Progress {
  private readonly title: string;
  private readonly total: number;
  private readonly stream: NodeJS.WriteStream | undefined;
  private readonly start: number = performance.now();
  private count = 0;
  private shown = 0;

  constructor(title: string, total: number, stream: NodeJS.WriteStream | undefined = process.stderr) {
    this.title = title;
    this.total = total;
    this.stream = stream?.isTTY ? stream : undefined;
  }

  /** Counted a second. */
  get rate(): number {
    return (1000 * this.count) / (performance.now() - this.start);
  }

  /** `n` more are done. */
  advance(n: number, note: string): void {
    this.count += n;
    const now = performance.now();
    if (!this.stream || now - this.shown < 50) return;
    this.shown = now;
    const filled = Math.round((24 * this.count) / this.total);
    const bar = '█'.repeat(filled) + '░'.repeat(24 - filled);
    this.stream.write(`\r${this.title} ${bar} ${note}  ${Math.round(this.rate)}/s \x1b[K`);
  }

  /** Takes the bar away. */
  end(): void {
    this.stream?.write('\r\x1b[K');
  }
}
