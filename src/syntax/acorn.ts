import type { Parser } from 'acorn';
import { builtin } from '../core/node.ts';

export type Parse = typeof Parser.parse;

/** acorn's `parse`, loaded now; an error where there is no `require`. The script that Node loads has acorn in it. */
export const requireParse = (): Parse => builtin('module')!.createRequire(import.meta.url)('acorn').parse as Parse;
