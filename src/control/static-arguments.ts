/** Arguments that are not traced: strings, functions, numbers that decide shapes. */

import type { AnyFunction } from '../../transforms/flat.ts';
import { TraceError } from '../core/errors.ts';
import { checkList } from '../core/options.ts';
import { lintCall } from '../syntax/lint.ts';
import { argumentCount, parameterNames, quoted, standsFor } from '../syntax/names.ts';

const dynamicPositions = (count: number, statics: readonly number[]): number[] =>
  Array.from({ length: count }, (_, i) => i).filter((i) => !statics.includes(i));

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
    lintCall(f, args);
    return f(...args);
  };
  return standsFor(full, f, f.name, dynamicPositions(count, positions));
}

/** Positions of arguments that the option gives by position or by name. */
export function positionsOf(
  operation: string,
  f: Function,
  option: 'static' | 'donate',
  given: readonly (number | string)[] = [],
): number[] {
  checkList(operation, `\`${option}\``, given);
  return given.map((argument) => {
    if (typeof argument === 'number') return argument;
    const names = parameterNames(f);
    const position = names.indexOf(argument);
    if (position >= 0) return position;
    throw new TraceError(
      `${operation}: ${quoted(f)} has no argument named \`${argument}\`; it has ${names.map((n) => `\`${n}\``).join(', ') || 'none that can be read'}.`,
      { hint: 'give its position instead' },
    );
  });
}

/** @throws TraceError when `f` has no argument at one of the positions, as far as its source tells */
export function checkPositions(
  operation: string,
  f: Function,
  positions: readonly number[],
  purpose: 'static' | 'donated',
): void {
  const beyond = positions.length ? positions.find((i) => argumentCount(f) <= i) : undefined;
  if (beyond === undefined) return;
  throw new TraceError(
    `${operation}: ${quoted(f)} has no argument ${beyond} to be ${purpose}: it has ${parameterNames(f)
      .map((n) => `\`${n}\``)
      .join(', ')}.`,
  );
}
