/** Errors to the letter, each with the line of the user's on which it was made. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';

/** What TypeScript would not let through is written by users of JavaScript. */
export const any = (x: unknown): any => x;

export function thrown(f: () => unknown): Error {
  try {
    f();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

/** The TypeScript of a compiled test, by its URL. */
export const sourceFile = (url: string): string => fileURLToPath(url).replace(/\.js$/, '.ts').replace('/dist/', '/');

/** `f` throws this error and no other, up to its last line, which must be the user's: the file of a test and the text of the line. */
export type Says = (t: Test, f: () => unknown, ...lines: string[]) => void;

export function saysIn(url: string): Says {
  const file = sourceFile(url);
  const source = readFileSync(file, 'utf8').split('\n');
  return (t, f, ...lines) => {
    const { name, message } = thrown(f);
    const own = message.split('\n');
    const last = own.pop()!;
    t.equal(`${name}: ${own.join('\n')}`, lines.join('\n  '), lines[0]!);
    const [, where, line, text] = /^ {2}at (test\/[\w-]+\.test\.ts):(\d+):\d+(?:: (.*))?$/.exec(last) ?? [];
    const wanted = source[Number(line) - 1]?.trim();
    if (where === undefined || !file.endsWith(`/${where}`) || (text ?? wanted) !== wanted)
      t.fail(`not a line of this file: ${last}`);
  };
}
