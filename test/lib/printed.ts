/** What `f` prints, line by line. */
export function printed(f: () => unknown): string[] {
  const lines: string[] = [];
  const { log } = console;
  console.log = (line: string) => {
    lines.push(line);
  };
  try {
    f();
  } finally {
    console.log = log;
  }
  return lines;
}
