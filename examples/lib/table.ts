/** Rows of text in columns, the first left-aligned and the others right-aligned. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, j) => Math.max(...all.map((row) => row[j]!.length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, j) => (j === 0 ? cell.padEnd(widths[j]!) : cell.padStart(widths[j]!))).join('  ');
  return [line(head), widths.map((w) => '─'.repeat(w)).join('  '), ...rows.map(line)].join('\n');
}

/** A line that is written over by the next one on a terminal. */
export function progress(done: number, total: number, text: string): void {
  if (!process.stdout.isTTY) return;
  const filled = Math.round((24 * done) / total);
  process.stdout.write(`\r${'█'.repeat(filled)}${'░'.repeat(24 - filled)} ${done}/${total}  ${text}`);
  if (done === total) process.stdout.write('\n');
}
