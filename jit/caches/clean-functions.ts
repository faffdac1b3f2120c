import { builtAs } from './build-id.ts';
import { readCached, writeCached } from './disk-cache.ts';
import { hash } from './hash.ts';

const utf8 = new TextEncoder();

const nameOf = (text: string): string | undefined => {
  const build = builtAs();
  return build && `clean-${hash(utf8.encode(text))}-${build}`;
};

/** Whether an earlier process found nothing wrong with a function of this text: to load the parser and to parse it take four milliseconds. */
export function isKnownClean(text: string): boolean {
  const name = nameOf(text);
  return name !== undefined && readCached(name) !== undefined;
}

export function keepClean(text: string): void {
  const name = nameOf(text);
  if (name) writeCached(name, new Uint8Array(0));
}
