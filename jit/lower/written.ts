import { Jaxpr, subJaxprs } from '../../src/core/jaxpr.ts';
import type { Params } from '../../src/core/primitive.ts';
import { hash } from '../caches/hash.ts';

const texts = new WeakMap<Params, string | false>();

/**
 * Parameters as text; undefined where there are functions or programs among them. Equal texts mean equal parameters of one
 * operation.
 */
export function written(params: Params): string | undefined {
  // Kept, since parameters are shared by equations.
  let text = texts.get(params);
  if (text === undefined) {
    text = (subJaxprs(params).length === 0 && writtenWith(params, () => undefined)) || false;
    texts.set(params, text);
  }
  return text === false ? undefined : text;
}

/** The same, with programs by their names. */
export function writtenWith(params: Params, name: (jaxpr: Jaxpr) => string | undefined): string | undefined {
  let writable = true;
  const text = JSON.stringify(params, (_, value: unknown) => {
    if (typeof value === 'number') return writtenNumber(value);
    if (typeof value === 'function') writable = false;
    if (ArrayBuffer.isView(value)) return writtenArray(value);
    if (!(value instanceof Jaxpr)) return value;
    const known = name(value);
    if (known === undefined) writable = false;
    return known;
  });
  return writable ? text : undefined;
}

const writtenArray = ({ constructor, buffer, byteOffset, byteLength }: ArrayBufferView): string =>
  `${constructor.name} ${hash(new Uint8Array(buffer, byteOffset, byteLength))}`;

/** JSON does not tell these from others. */
const writtenNumber = (value: number): number | string =>
  Object.is(value, -0) ? '-0' : Number.isFinite(value) ? value : String(value);
