/** The dictionary at the beginning of a .npy file, which is written as Python writes one. */
import type { Fail } from './format.ts';

/** How an element is stored. `code` is NumPy's name of it: `<f8`. */
export interface Descriptor {
  readonly code: string;
  readonly kind: string;
  readonly bytes: number;
  readonly isBigEndian: boolean;
}

export interface Header {
  readonly descr: Descriptor;
  readonly isFortran: boolean;
  readonly shape: readonly number[];
}

type Literal = string | number | boolean | Literal[];

const token = /\s*(?:'([^'\\]*)'|"([^"\\]*)"|(\d+)L?|(True|False)|([{}()[\],:]))\s*/y;

/** A reader of the few kinds of Python literals that occur: strings, integers, booleans, tuples, lists and the dictionary itself. */
class Reader {
  private readonly source: string;
  private at = 0;
  private next: Literal | { mark: string } | undefined;

  constructor(source: string) {
    this.source = source;
    this.advance();
  }

  private advance(): void {
    token.lastIndex = this.at;
    const match = token.exec(this.source);
    this.next = undefined;
    if (!match) return;
    this.at = token.lastIndex;
    const [, single, double, digits, truth, mark] = match;
    const quoted = single ?? double;
    if (quoted !== undefined) this.next = quoted;
    else if (digits !== undefined) this.next = Number(digits);
    else this.next = truth !== undefined ? truth === 'True' : { mark: mark! };
  }

  private take(mark: string): boolean {
    const is = typeof this.next === 'object' && 'mark' in this.next && this.next.mark === mark;
    if (is) this.advance();
    return is;
  }

  private value(): Literal | undefined {
    for (const [open, close] of ['()', '[]']) {
      if (!this.take(open!)) continue;
      const items: Literal[] = [];
      while (!this.take(close!)) {
        const item = this.value();
        if (item === undefined) return undefined;
        items.push(item);
        if (!this.take(',')) {
          if (!this.take(close!)) return undefined;
          break;
        }
      }
      return items;
    }
    const { next } = this;
    if (next === undefined || (typeof next === 'object' && 'mark' in next)) return undefined;
    this.advance();
    return next;
  }

  /** Undefined where it is none. */
  dictionary(): Map<string, Literal> | undefined {
    const entries = new Map<string, Literal>();
    if (!this.take('{')) return undefined;
    while (!this.take('}')) {
      const key = this.value();
      if (typeof key !== 'string' || !this.take(':')) return undefined;
      const value = this.value();
      if (value === undefined) return undefined;
      entries.set(key, value);
      if (!this.take(',')) {
        if (!this.take('}')) return undefined;
        break;
      }
    }
    return this.next === undefined && this.at === this.source.length ? entries : undefined;
  }
}

/** As NumPy writes it, which is read at once. */
const usual =
  /^\{'descr': '([<>|]?)([a-zA-Z])(\d+)', 'fortran_order': (True|False), 'shape': \((|\d+,|\d+(?:, \d+)+)\), \} *\n$/;

export function parseHeader(source: string, fail: Fail): Header {
  const known = usual.exec(source) as unknown as [string, string, string, string, string, string] | null;
  if (!known) return headerOf(new Reader(source).dictionary(), fail);
  const [, order, kind, bytes, isFortran, extents] = known;
  const shape: number[] = [];
  for (const extent of extents.split(',')) if (extent !== '') shape.push(Number(extent));
  if (!shape.every(Number.isSafeInteger)) return fail('its header has no `shape`');
  return { descr: descriptor(order, kind, bytes), isFortran: isFortran === 'True', shape };
}

const descriptor = (order: string, kind: string, bytes: string): Descriptor => ({
  code: order + kind + bytes,
  kind,
  bytes: Number(bytes),
  isBigEndian: order === '>',
});

function headerOf(entries: ReadonlyMap<string, Literal> | undefined, fail: Fail): Header {
  if (!entries) return fail('its header is no dictionary');
  const [descr, isFortran, shape] = ['descr', 'fortran_order', 'shape'].map((key) => entries.get(key));
  if (typeof isFortran !== 'boolean') return fail('its header has no `fortran_order`');
  if (!Array.isArray(shape) || !shape.every((n) => typeof n === 'number' && Number.isSafeInteger(n)))
    return fail('its header has no `shape`');
  if (Array.isArray(descr)) return fail('its elements are records');
  if (typeof descr !== 'string') return fail('its header has no `descr`');
  const [, order, kind, bytes] =
    /^([<>|=]?)([a-zA-Z])(\d+)$/.exec(descr) ?? fail(`no array has elements of type '${descr}'`);
  return { descr: descriptor(order!, kind!, bytes!), isFortran, shape: shape as number[] };
}
