import { CotangentError } from '../core/errors.ts';

/** An object of options. `x.sum(0)` would otherwise lose its axis without a word. */
export function optionsOf<T extends object>(operation: string, options: T): T {
  if (Object.getPrototypeOf(options) === Object.prototype) return options;
  const example = typeof options === 'number' ? `{ axis: ${options} }` : '{ axis: 0 }';
  throw new CotangentError(`${operation}: options are given by name in an object, such as \`${example}\`.`);
}
