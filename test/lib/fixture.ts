import { readFileSync } from 'node:fs';

/** What an oracle computed, from `test/fixtures`. */
export const fixture = (name: string): any =>
  JSON.parse(readFileSync(new URL(`../../../test/fixtures/${name}.json`, import.meta.url), 'utf8'));
