import { ShapedArray } from '../../src/core/aval.ts';
import { Jaxpr } from '../../src/core/jaxpr.ts';
import { isPlain } from '../../src/core/options.ts';
import type { Params } from '../../src/core/primitive.ts';
import { hash } from '../caches/hash.ts';

const texts = new WeakMap<Params, string | false>();

/**
 * Parameters as text; undefined where there are functions or programs among them, or objects of other classes, which may
 * hold what their keys do not say. Equal texts mean equal parameters of one operation.
 */
export function written(params: Params): string | undefined {
  // Kept, since parameters are shared by equations.
  let text = texts.get(params);
  if (text === undefined) {
    text = writtenWith(params, () => undefined) ?? false;
    texts.set(params, text);
  }
  return text === false ? undefined : text;
}

type Naming = (jaxpr: Jaxpr) => string | undefined;

/** The same, with programs by their names. */
export function writtenWith(value: unknown, name: Naming): string | undefined {
  switch (typeof value) {
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'bigint':
      return `${value}n`;
    case 'string':
      return JSON.stringify(value);
    case 'function':
    case 'symbol':
      return undefined;
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return writtenList(value, name);
      if (ArrayBuffer.isView(value)) return writtenArray(value);
      if (value instanceof Jaxpr) return name(value);
      return isPlain(value) || value instanceof ShapedArray ? writtenObject(value, name) : undefined;
    default:
      return String(value);
  }
}

function writtenList(values: readonly unknown[], name: Naming): string | undefined {
  let text = '[';
  for (let i = 0; i < values.length; i++) {
    const part = writtenWith(values[i], name);
    if (part === undefined) return undefined;
    text += i > 0 ? `,${part}` : part;
  }
  return `${text}]`;
}

function writtenObject(values: object, name: Naming): string | undefined {
  let text = '{';
  for (const key of Object.keys(values)) {
    const part = writtenWith(values[key as keyof typeof values], name);
    if (part === undefined) return undefined;
    text += `${JSON.stringify(key)}:${part},`;
  }
  return `${text}}`;
}

const writtenArray = ({ constructor, buffer, byteOffset, byteLength }: ArrayBufferView): string =>
  `${constructor.name} ${hash(new Uint8Array(buffer, byteOffset, byteLength))}`;
