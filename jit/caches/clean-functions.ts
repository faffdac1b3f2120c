import { builtAs } from './build-id.ts';
import { readCached, writeCached } from './disk-cache.ts';
import { hash } from './hash.ts';
import { Recent } from './recent.ts';

const utf8 = new TextEncoder();

/** Whether that is known, by the text: closures that are made again and again have one. */
const known = new Recent<string, boolean>(512);

const nameOf = (text: string): string | undefined => {
  const build = builtAs();
  return build && `clean-${hash(utf8.encode(text))}-${build}`;
};

/** Whether nothing was found wrong with a function of this text, here or by an earlier process: to load the parser and to parse takes four milliseconds. */
export function isKnownClean(text: string): boolean {
  let isClean = known.get(text);
  if (isClean === undefined) {
    const name = nameOf(text);
    isClean = name !== undefined && readCached(name) !== undefined;
    known.set(text, isClean);
  }
  return isClean;
}

export function keepClean(text: string): void {
  known.set(text, true);
  const name = nameOf(text);
  if (name) writeCached(name, new Uint8Array(0));
}
