/** Bounds on trees of parameters. */
import { TreeError } from '../core/errors.ts';
import { naming } from '../core/options.ts';
import type { Value } from '../core/trace.ts';
import { broadcastTo } from '../lax/movement.ts';
import { clip } from '../numpy/elementwise.ts';
import { toValue } from '../promote.ts';
import * as tree from '../tree.ts';
import type { Strength } from './proximal/prox.ts';

/** Lower and upper bounds: scalars, arrays, or trees like the parameters, which may be infinite; null: none. */
export type Bounds<P = any> = readonly [lower: Strength<P>, upper: Strength<P>] | null;

/**
 * @param hint what to write instead
 * @throws TreeError when the bounds are no list of two, or two numbers of which the first is larger
 */
export function checkBounds(name: string, bounds: unknown, hint: string): void {
  if (bounds === null) return;
  if (Array.isArray(bounds) && bounds.length === 2) {
    const [lower, upper] = bounds as readonly unknown[];
    if (typeof lower !== 'number' || typeof upper !== 'number' || !(lower > upper)) return;
    throw new TreeError(`${name}: the lower bound ${lower} is above the upper one, ${upper}.`);
  }
  const found = Array.isArray(bounds) ? `a list of ${bounds.length}` : naming(bounds);
  throw new TreeError(`${name}: needs its bounds as a list [lower, upper] or null, but got ${found}.`, { hint });
}

/** The bounds of each leaf. */
export function boundsOf(
  name: string,
  params: unknown,
  bounds: Bounds,
): { readonly lower: Value[]; readonly upper: Value[] } {
  const { def, leaves } = tree.flatten(params, `${name}: params`);
  const [lower, upper] = (bounds ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]).map((bound) => {
    const own = tree.structure(bound).key === def.key ? (tree.leaves(bound) as Value[]) : undefined;
    return leaves.map((leaf, i) => {
      const { dtype, shape } = (leaf as Value).aval;
      return broadcastTo(toValue((own ? own[i] : bound) as Value, `${name}: bounds`).astype(dtype), shape);
    });
  }) as [Value[], Value[]];
  return { lower, upper };
}

/** The nearest parameters in the box. */
export function clipTo(params: any, { lower, upper }: ReturnType<typeof boundsOf>): any {
  const { def, leaves } = tree.flatten(params);
  return tree.unflatten(
    def,
    leaves.map((leaf, i) => clip(leaf as Value, lower[i], upper[i])),
  );
}
