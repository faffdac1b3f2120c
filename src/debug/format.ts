/** Format strings as Python's `str.format` has them: `{}`, `{0}`, `{name}`, `{:.3f}`; `{{` and `}}` are braces. */
import { NDArray } from '../array.ts';
import { TraceError } from '../core/errors.ts';

interface Field {
  /** A position, or a name. */
  readonly key: number | string;
  readonly spec: string;
}

export type FormatPart = string | Field;

/** Cuts a format into text and fields; fields without a key are numbered from 0. */
export function parseFormat(format: string): FormatPart[] {
  const parts: FormatPart[] = [];
  let next = 0;
  let text = '';
  for (let i = 0; i < format.length; i++) {
    const c = format[i]!;
    if ((c === '{' || c === '}') && format[i + 1] === c) {
      text += c;
      i++;
    } else if (c === '{') {
      const end = format.indexOf('}', i);
      const match = end < 0 ? null : /^(\w*)(?::([^{}]*))?$/.exec(format.slice(i + 1, end));
      if (!match) throw new TraceError(`debug.print: ${JSON.stringify(format)} has a brace that is not closed.`);
      const [, name, spec = ''] = match;
      if (text) parts.push(text);
      text = '';
      parts.push({ key: name === '' ? next++ : /^\d+$/.test(name!) ? Number(name) : name!, spec });
      i = end;
    } else {
      text += c;
    }
  }
  if (text) parts.push(text);
  return parts;
}

/** A value as text: arrays as NumPy prints them, trees in JavaScript's notation. */
export function show(value: unknown, spec = ''): string {
  if (spec) return withSpec(value instanceof NDArray ? value.tolist() : value, spec);
  if (value === null || typeof value !== 'object' || value instanceof NDArray) return String(value);
  if (Array.isArray(value)) return `[${value.map((item) => show(item)).join(', ')}]`;
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return String(value);
  const entries = Object.entries(value).map(([key, item]) => `${key}: ${show(item)}`);
  return entries.length ? `{ ${entries.join(', ')} }` : '{}';
}

const specPattern = /^([<>^])?(\+)?(\d+)?(?:\.(\d+))?([defgs])?$/;

/** Numbers by the specification, in arrays element by element. */
function withSpec(value: unknown, spec: string): string {
  if (Array.isArray(value)) return `[${value.map((item) => withSpec(item, spec)).join(' ')}]`;
  const match = specPattern.exec(spec);
  if (!match) {
    throw new TraceError(`debug.print: the format specification ${JSON.stringify(spec)} is not known.`, {
      hint: 'use a width, a number of places and one of d, e, f, g, s, as in `{:8.3f}`',
    });
  }
  const [, align, plus, width, places, type] = match;
  let text = digits(value, places === undefined ? undefined : Number(places), type);
  if (plus && typeof value === 'number' && !(value < 0)) text = `+${text}`;
  const room = Number(width ?? 0);
  if (align === '^') return text.padStart(text.length + ((room - text.length) >> 1)).padEnd(room);
  return align === '<' || (!align && typeof value === 'string') ? text.padEnd(room) : text.padStart(room);
}

function digits(value: unknown, places: number | undefined, type: string | undefined): string {
  if (typeof value !== 'number' || !Number.isFinite(value)) return String(value);
  switch (type) {
    case 'd':
      return value.toFixed(0);
    case 'f':
      return value.toFixed(places ?? 6);
    case 'e':
      // Python writes at least two digits of exponent.
      return value.toExponential(places ?? 6).replace(/e([+-])(\d)$/, 'e$10$2');
    default:
      return places === undefined ? String(value) : String(Number(value.toPrecision(Math.max(places, 1))));
  }
}
