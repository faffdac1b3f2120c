/** Options and hyperparameters as users write them, checked before anything is computed. */
import { type ArrayLike, NDArray } from '../array.ts';
import { CotangentError, DtypeError, ShapeError } from '../core/errors.ts';
import type { Value } from '../core/trace.ts';
import { convert } from '../lax/convert.ts';
import { toValue } from '../promote.ts';

/** A number, or a rank-0 array, which may be traced: then the update can be differentiated and vmapped in it. */
export type Scalar = NDArray | number;

/** What other libraries call our options. */
const synonyms: Record<string, string> = {
  beta1: 'b1',
  beta2: 'b2',
  epsilon: 'eps',
  rho: 'decay',
  steps: 'transitionSteps',
  decayFactor: 'decayRate',
  wd: 'weightDecay',
};

/**
 * The options, if each is one of `known` and each of `required` is given.
 * @throws CotangentError that names the option, with the one that was probably meant
 */
export function checkOptions<T extends object>(
  operation: string,
  options: T,
  known: readonly string[],
  required: readonly string[] = [],
): T {
  if (typeof options !== 'object' || options === null || Object.getPrototypeOf(options) !== Object.prototype) {
    throw new CotangentError(
      `${operation}: options are given by name in an object, such as \`{ ${known[0]}: … }\`, but got ${naming(options)}.`,
    );
  }
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    const list = known.map((k) => `\`${k}\``).join(', ');
    throw new CotangentError(`${operation}: there is no option \`${key}\`; the options are ${list}.`, {
      hint: hintFor(key, known),
    });
  }
  for (const key of required) {
    if ((options as Record<string, unknown>)[key] === undefined)
      throw new CotangentError(`${operation}: the option \`${key}\` is missing.`);
  }
  return options;
}

function hintFor(key: string, known: readonly string[]): string | undefined {
  if (key === 'learningRate' || key === 'learning_rate' || key === 'lr')
    return 'the learning rate is the first argument';
  const plain = (name: string): string => name.replaceAll('_', '').toLowerCase();
  const meant =
    known.find((k) => plain(k) === plain(key)) ??
    known.find((k) => k === synonyms[key]) ??
    known.find((k) => k.length > 3 && distance(plain(k), plain(key)) <= 2);
  return meant && `did you mean \`${meant}\`?`;
}

/** Insertions, deletions and replacements between two words, exchanged neighbours counting as two. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}

export const naming = (x: unknown): string => {
  if (x instanceof NDArray) return x.describe();
  if (x === null || x === undefined || typeof x === 'number' || typeof x === 'boolean') return String(x);
  if (typeof x === 'string') return JSON.stringify(x);
  return Array.isArray(x) ? 'a JavaScript array' : typeof x === 'function' ? 'a function' : 'an object';
};

/** Where the numbers of a hyperparameter may lie. Traced ones are taken on trust. */
export const ranges = {
  any: { holds: (_x: number): boolean => true, text: 'a number' },
  decay: { holds: (x: number): boolean => x >= 0 && x < 1, text: 'at least 0 and less than 1' },
  nonnegative: { holds: (x: number): boolean => x >= 0, text: 'at least 0' },
};

/**
 * A hyperparameter: a number in its range, or an array of rank 0.
 * @throws CotangentError, DtypeError or ShapeError that name it
 */
export function checkScalar(
  operation: string,
  name: string,
  x: unknown,
  range: { holds: (x: number) => boolean; text: string } = ranges.any,
): Scalar {
  if (x instanceof NDArray) {
    if (x.ndim > 0) throw new ShapeError(`${operation}: ${name} is ${x.describe()}, but must be a scalar.`);
    return x;
  }
  if (typeof x !== 'number') {
    throw new DtypeError(`${operation}: ${name} must be a number or a rank-0 array, but is ${naming(x)}.`);
  }
  if (Number.isNaN(x) || !range.holds(x))
    throw new CotangentError(`${operation}: ${name} is ${x}, but must be ${range.text}.`);
  return x;
}

/** A hyperparameter in the dtype of the leaf it meets, so that an update never changes the dtype of a state. */
export const like = (x: Scalar, leaf: Value): Scalar => (typeof x === 'number' ? x : convert(x, leaf.dtype));

/** A scalar in float64. */
export const wide = (x: ArrayLike, operation: string): Value => convert(toValue(x, operation), 'float64');
