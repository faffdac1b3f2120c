import { Jaxpr } from '../../src/core/jaxpr.ts';
import type { Params } from '../../src/core/primitive.ts';

/**
 * Parameters as text; undefined where there are functions among them. Equal texts mean equal parameters of one operation.
 * @param name of a program among them; without one, or where it is undefined, there is no text
 */
export function written(params: Params, name?: (jaxpr: Jaxpr) => string | undefined): string | undefined {
  let writable = true;
  const text = JSON.stringify(params, (_, value: unknown) => {
    if (typeof value === 'number') return writtenNumber(value);
    if (typeof value === 'function') writable = false;
    if (!(value instanceof Jaxpr)) return value;
    const known = name?.(value);
    if (known === undefined) writable = false;
    return known ?? null;
  });
  return writable ? text : undefined;
}

/** JSON does not tell these from others. */
const writtenNumber = (value: number): number | string =>
  Object.is(value, -0) ? '-0' : Number.isFinite(value) ? value : String(value);
