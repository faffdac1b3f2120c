/** Arguments that are not traced: strings, functions, numbers that decide shapes. */
import { type AnyFunction, functionName } from '../../transforms/flat.ts';
import { TraceError } from '../core/errors.ts';
import { parameterNames } from '../syntax/names.ts';

/** `f` of the other arguments. Of `count` arguments those at `positions` are `statics`. */
export function withStatics(
  f: AnyFunction,
  count: number,
  positions: readonly number[],
  statics: readonly unknown[],
): AnyFunction {
  const full = (...dynamic: unknown[]) => {
    const args: unknown[] = [];
    let next = 0;
    for (let i = 0; i < count; i++) {
      const at = positions.indexOf(i);
      args.push(at >= 0 ? statics[at] : dynamic[next++]);
    }
    return f(...args);
  };
  Object.defineProperty(full, 'name', { value: functionName(f) });
  return full;
}

/** Positions of arguments given by position or by name. */
export function staticPositionsOf(operation: string, f: Function, statics: readonly (number | string)[]): number[] {
  return statics.map((s) => {
    if (typeof s === 'number') return s;
    const names = parameterNames(f);
    const position = names.indexOf(s);
    if (position >= 0) return position;
    throw new TraceError(
      `${operation}: \`${functionName(f)}\` has no argument named \`${s}\`; it has ${names.map((n) => `\`${n}\``).join(', ') || 'none that can be read'}.`,
      { hint: 'give its position instead' },
    );
  });
}
