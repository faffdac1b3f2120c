/** Options as users write them: one object, last, with names that are checked. */
import { isDType } from './dtype.ts';
import { CotangentError, DtypeError, ShapeError, TreeError } from './errors.ts';

/** What other libraries call our options, where the spelling is not close. */
const synonyms: Record<string, string> = {
  beta1: 'b1',
  beta2: 'b2',
  epsilon: 'eps',
  rho: 'decay',
  steps: 'transitionSteps',
  decayFactor: 'decayRate',
  wd: 'weightDecay',
  dim: 'axis',
  staticArgnums: 'static',
  staticArgnames: 'static',
  donateArgnums: 'donate',
  dimension: 'axis',
  len: 'length',
  iterations: 'maxiter',
  opt: 'optimizer',
  m: 'historySize',
  memory: 'historySize',
  lo: 'lower',
  hi: 'upper',
};

/**
 * The options, if each is one of `known`: `np.sum(x, { axes: 0 })` would otherwise lose its axis without a word, and so
 * would `x.sum(0)`. Each of `required` must be given.
 * @throws CotangentError that names the option, with the one that was probably meant
 */
export function optionsOf<T extends object>(
  operation: string,
  options: T,
  known: readonly string[],
  required: readonly string[] = [],
): T {
  if (typeof options !== 'object' || options === null || !isPlain(options)) {
    throw new CotangentError(
      `${operation}: options are given by name in an object, such as \`${exampleFor(options, known)}\`, but got ${naming(options)}.`,
      {
        hint:
          typeof options === 'number' && known.join() === 'dtype'
            ? 'lengths of several axes are a list: `[2, 3]`'
            : undefined,
      },
    );
  }
  for (const key in options) {
    if (known.includes(key)) {
      checkKind(operation, key, (options as Record<string, unknown>)[key]);
      continue;
    }
    const list = known.map((k) => `\`${k}\``).join(', ');
    throw new CotangentError(
      `${operation}: there is no option \`${key}\`; ${known.length === 1 ? 'the only one is' : 'the options are'} ${list}.`,
      { hint: hintFor(key, known) },
    );
  }
  for (const key of required) {
    if ((options as Record<string, unknown>)[key] === undefined)
      throw new CotangentError(`${operation}: the option \`${key}\` is missing.`);
  }
  return options;
}

/** An optional argument and the options after it, which may also stand in its place: `np.eye(3, { dtype: 'float64' })`. */
export function beforeOptions<A, O extends object>(
  argument: A | O | undefined,
  options: O | undefined,
): [argument: A | undefined, options: O] {
  const isLeftOut = options === undefined && typeof argument === 'object' && argument !== null && isPlain(argument);
  if (isLeftOut) return [undefined, argument as O];
  return [argument as A | undefined, options === undefined ? ({} as O) : options];
}

/** An option with the value that was given by position, where it may be meant for it. */
function exampleFor(given: unknown, known: readonly string[]): string {
  if (isDType(given) && known.includes('dtype')) return `{ dtype: '${given}' }`;
  const numbers = [given].flat();
  const isNumbers = numbers.length > 0 && numbers.every((x) => x === null || typeof x === 'number');
  const name = isNumbers && known.find((key) => key !== 'dtype');
  if (name) return `{ ${name}: ${Array.isArray(given) ? `[${numbers.map(String).join(', ')}]` : given} }`;
  return known[0] === 'dtype' ? "{ dtype: 'float64' }" : `{ ${known[0]}: … }`;
}

/** Options that are true or false in every operation that has them. */
const booleans: ReadonlySet<string> = new Set(
  (
    'acceleration adaptive approximate biasCorrection bounded centered checkBracket chord computeLeftEigenvectors computeRightEigenvectors computeUv controlVariate countIncludePad descending ' +
    'deterministic endpoint epsInSqrt equalNan flipSign fullMatrices geodesic hasAux hermitian implicitDiff includeInitial increasing independent inf info invert isCausal jit ' +
    'keepdims leftSide materializeJac nesterov positiveDefinite replace reverse rowvar sparse staircase ' +
    'stopIfLinesearchFails stripZeros symmetric symmetrizeInput throw trans transposeA transposeKernel unitDiagonal uniqueIndices ' +
    'useGamma valueAndGrad verify wrap'
  ).split(' '),
);

/** @throws CotangentError when an option that has one kind of value everywhere has another; null stands for none */
function checkKind(operation: string, key: string, value: unknown): void {
  if (value === undefined || value === null) return;
  if (booleans.has(key)) {
    if (typeof value !== 'boolean')
      throw new CotangentError(`${operation}: \`${key}\` must be true or false, but it is ${naming(value)}.`);
  } else if (key === 'dtype') checkDType(value, operation);
  else if (key === 'axis') checkIntegers(operation, 'axis', value);
}

/** @throws DtypeError when a user's dtype is none */
export function checkDType(dtype: unknown, operation: string): void {
  if (!isDType(dtype))
    throw new DtypeError(
      `${operation}: ${typeof dtype === 'string' ? JSON.stringify(dtype) : naming(dtype)} is not a dtype.`,
      {
        hint: "use 'float32', 'float64', 'int32', 'uint32' or 'bool'",
      },
    );
}

/** @throws ShapeError when what should be an integer or integers, such as axes, is not */
export function checkIntegers(operation: string, what: string, value: unknown): void {
  const whole = (x: unknown): boolean => Number.isInteger(x);
  if (whole(value) || (Array.isArray(value) && value.every(whole))) return;
  const shown = Array.isArray(value) ? `[${value.map(naming).join(', ')}]` : naming(value);
  throw new ShapeError(`${operation}: ${what} must be an integer or a list of them, but it is ${shown}.`);
}

/** @throws TreeError when what should be a list is none */
export function checkList(operation: string, what: string, value: unknown): void {
  if (!Array.isArray(value)) throw new TreeError(`${operation}: ${what} must be a list, but it is ${naming(value)}.`);
}

const numbers = [
  'no arguments',
  'one argument',
  ...['two', 'three', 'four', 'five', 'six'].map((n) => `${n} arguments`),
];

/**
 * Refuses an argument too many, of a function that has no options. Methods of JavaScript's arrays call back with two more, a
 * position and the array: `layers.map(nn.relu)` and `terms.reduce(np.add)` are meant as they look.
 */
export function checkExtra(operation: string, count: number, extra: unknown, list: unknown): void {
  if (extra === undefined || (typeof extra === 'number' && Array.isArray(list))) return;
  throw new CotangentError(`${operation}: takes ${numbers[count]}, but got ${naming(extra)} as another.`);
}

/** Options that are numbers, where they are given. */
export function checkNumbers(operation: string, options: object, names: readonly string[]): void {
  for (const name of names) {
    const value = (options as Record<string, unknown>)[name];
    if (value !== undefined && (typeof value !== 'number' || Number.isNaN(value)))
      throw new CotangentError(`${operation}: \`${name}\` must be a number, but it is ${naming(value)}.`);
  }
}

/** @throws CotangentError unless a value is one of these */
export function checkChoice(operation: string, name: string, value: unknown, choices: readonly unknown[]): void {
  if (choices.includes(value)) return;
  const list = choices.map((x) => (typeof x === 'string' ? `'${x}'` : String(x))).join(', ');
  throw new CotangentError(`${operation}: ${name} must be one of ${list}, but it is ${naming(value)}.`);
}

/** Whether an object is of no class. */
export function isPlain(x: object): boolean {
  const prototype = Object.getPrototypeOf(x);
  return prototype === Object.prototype || prototype === null;
}

function hintFor(key: string, known: readonly string[]): string | undefined {
  if (key === 'fwd' || key === 'bwd') return 'the rules are given to what it returns: `f.defvjp(fwd, bwd)`';
  if (key === 'learningRate' || key === 'learning_rate' || key === 'lr')
    return known.includes('stepsize') ? 'did you mean `stepsize`?' : 'the learning rate is the first argument';
  const plain = (name: string): string => name.replaceAll('_', '').toLowerCase();
  const meant =
    known.find((k) => plain(k) === plain(key)) ??
    known.find((k) => k === synonyms[camel(key)]) ??
    known.find((k) => k.length > 3 && distance(plain(k), plain(key)) <= 2) ??
    known.find((k) => key.length > 2 && plain(k).startsWith(plain(key)) && k.endsWith('Fun')) ??
    (key === 'fun' ? known.find((k) => k.endsWith('Fun')) : undefined);
  return meant && `did you mean \`${meant}\`?`;
}

/** `static_argnums` as `staticArgnums`. */
const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

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

/** A value as messages name it. */
export function naming(x: unknown): string {
  if (x === null || x === undefined || typeof x === 'number' || typeof x === 'boolean') return String(x);
  if (typeof x === 'string') return `the string ${JSON.stringify(x)}`;
  if (typeof x === 'function') return 'a function';
  if (Array.isArray(x)) return 'a JavaScript array';
  if (typeof x !== 'object') return `a ${typeof x}`;
  if ('describe' in x && typeof x.describe === 'function') return x.describe();
  const name = x.constructor?.name;
  if (!name || name === 'Object') return 'an object';
  return `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`;
}
