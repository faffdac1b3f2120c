import { interpretOnly } from '../../jit/run.ts';
import { isPrebuiltReady } from '../../jit/runtime/prebuilt.ts';
import { NDArray } from '../array.ts';
import type { ShapedArray } from './aval.ts';
import { DisposedError } from './errors.ts';
import { evaluatingTrace, run, watch } from './evaluate.ts';
import { type Jaxpr, subJaxprs } from './jaxpr.ts';
import { isPlain } from './options.ts';
import { EagerProgram } from './plan.ts';
import { sizeOf } from './shape.ts';
import { atUserLine } from './source.ts';
import { stage } from './stage.ts';
import { currentTrace, type Value } from './trace.ts';

/** A program with loops, which are compiled anyway: as one, traced once. */
class CompiledProgram {
  private readonly jaxpr: Jaxpr;
  private readonly captured: readonly Value[];

  constructor(jaxpr: Jaxpr, captured: readonly Value[]) {
    this.jaxpr = jaxpr;
    this.captured = captured;
  }

  run(args: readonly Value[]): Value[] {
    return run(this.jaxpr, this.captured.length > 0 ? [...this.captured, ...args] : args);
  }
}

/** Results that do not depend on arrays, as they were computed once. */
class KnownResults {
  private readonly results: readonly Value[];

  constructor(results: readonly Value[]) {
    this.results = results;
  }

  run(): Value[] {
    return this.results.map((result) => new NDArray(result.aval, result.cell().shared()));
  }
}

/** Elements of results that are kept, and up to which they count as one entry of a table. */
const largestKnown = 4096;
const entryElements = 1024;

/** Recordings by the types of the arguments: of types that came once there is none yet. */
type Known = EagerProgram | CompiledProgram | KnownResults | 'once' | 'never';
interface Table {
  known: Known | undefined;
  readonly next: Map<Key, Table>;
  /** The last branch asked for. */
  lastKey: Key | undefined;
  last: Table | undefined;
}
const emptyTable = (): Table => ({ known: undefined, next: new Map(), lastKey: undefined, last: undefined });
const largestTable = 256;
/** Longer lists are data rather than options. */
const longestKey = 64;
/**
 * Elements for which recording takes less time than what is left behind takes to leave the heap: done at the first call. Of 2^20
 * elements `nn.gelu` takes 7 ms in a process' first call so, and 60 otherwise.
 */
const recordedAtOnce = 2 ** 18;

/** A type, a number, or other plain data as it is written. */
type Key = ShapedArray | string | number;
/** The keys of the call under way, until its table is found; a list that is cut is slower than one that is overwritten. */
const keys: Key[] = [];
let count = 0;
/** Its arrays, likewise. */
const found: (NDArray | undefined)[] = [];
let foundCount = 0;
const written = (key: Key): void => {
  keys[count++] = key;
};

/**
 * Writes down what an argument is, for it to be recognised: the types of its arrays, which may lie in lists and options, and
 * plain data. False for what cannot be written.
 */
function describe(arg: unknown): boolean {
  if (arg instanceof NDArray) {
    if (arg.isTracer) return false;
    written(arg.aval);
    found[foundCount++] = arg;
    return true;
  }
  if (typeof arg === 'number') written(Object.is(arg, -0) ? '-0' : arg);
  else if (typeof arg === 'string') {
    // What follows the quote is no name or bracket.
    written('"');
    written(arg);
  } else if (arg === undefined) written('undefined');
  else if (typeof arg === 'boolean') written(arg ? 'true' : 'false');
  else if (arg === null) written('null');
  else if (typeof arg !== 'object') return false;
  else if (Array.isArray(arg)) {
    written('[');
    for (let i = 0; i < arg.length; i++) if (!describe(arg[i])) return false;
    written(']');
  } else {
    if (!isPlain(arg)) return false;
    written('{');
    for (const name in arg) {
      written(name);
      if (!describe((arg as Record<string, unknown>)[name])) return false;
    }
    written('}');
  }
  return true;
}

/** Writes down the arguments of a call, and gives their arrays; undefined where that cannot be. */
function arraysOf(args: readonly unknown[]): NDArray[] | undefined {
  count = foundCount = 0;
  let isWritten = true;
  for (let i = 0; i < args.length && isWritten; i++) isWritten = describe(args[i]) && count <= longestKey;
  const n = foundCount;
  const arrays = n === 1 ? [found[0]!] : n === 2 ? [found[0]!, found[1]!] : (found.slice(0, n) as NDArray[]);
  // Nothing is kept alive.
  for (let i = 0; i < n; i++) found[i] = undefined;
  return isWritten ? arrays : undefined;
}

/** The argument with others in place of its arrays, in the same order. */
function replaced(arg: unknown, next: () => NDArray): unknown {
  if (arg instanceof NDArray) return next();
  if (Array.isArray(arg)) return arg.map((item) => replaced(item, next));
  if (typeof arg !== 'object' || arg === null) return arg;
  return Object.fromEntries(Object.entries(arg).map(([name, value]) => [name, replaced(value, next)]));
}

/**
 * A function of arrays, and of options that are plain data, made of several operations, which runs as one where nothing
 * is traced. What it does with arguments of the same types and the same options is recorded the second time that they
 * come; from then on the operations are executed one after the other, without promotion, checks or parameters, and what
 * they leave behind is freed at once. What has loops is compiled. The function must not read values, nor depend on anything
 * but its arguments.
 *
 * @param shapeAt the position of the argument that says how large the result is, where no array among the arguments does
 */
export const recorded = <A extends unknown[]>(
  f: (...args: A) => NDArray,
  shapeAt?: number,
): ((...args: A) => NDArray) => record(f, false, shapeAt);

/** The same for a function that gives a list of arrays. */
export const recordedList = <A extends unknown[]>(f: (...args: A) => NDArray[]): ((...args: A) => NDArray[]) =>
  record(f, true);

/**
 * A function of plain data alone, such as `eye`. Where nothing is traced, small results are computed once: arrays are
 * immutable, so that others with the same elements may lie in the same place.
 */
export const kept = <A extends unknown[]>(f: (...args: A) => NDArray): ((...args: A) => NDArray) =>
  record(f, false, -1, true);

/** The same for a function that gives a list of arrays. */
export const keptList = <A extends unknown[], R extends NDArray[]>(f: (...args: A) => R): ((...args: A) => R) =>
  record(f, true, -1, true);

/** Whether the runtime module's functions can be called now: nothing is traced, looked at or interpreted. */
export const isImmediate = (): boolean =>
  currentTrace() === evaluatingTrace && !watch && !interpretOnly && isPrebuiltReady();

function record<A extends unknown[], R extends NDArray | NDArray[]>(
  f: (...args: A) => R,
  isList: boolean,
  shapeAt = -1,
  isKept = false,
): (...args: A) => R {
  let table = emptyTable();
  let entries = 0;
  return (...args) => {
    const trace = currentTrace();
    if (trace !== evaluatingTrace) return atUserLine(trace.records, () => f(...args));
    if (watch || interpretOnly || !isPrebuiltReady()) return f(...args);
    const arrays = arraysOf(args);
    if (!arrays || (isKept && arrays.length > 0)) return f(...args);
    let at = table;
    for (let i = 0; i < count; i++) {
      const key = keys[i]!;
      if (key === at.lastKey) {
        at = at.last!;
        continue;
      }
      let next = at.next.get(key);
      if (!next) {
        if (++entries > largestTable) {
          table = emptyTable();
          entries = 0;
          return f(...args);
        }
        at.next.set(key, (next = emptyTable()));
      }
      at.lastKey = key;
      at.last = next;
      at = next;
    }
    if (isKept && !at.known) {
      const results = f(...args);
      const list = [results].flat() as NDArray[];
      const size = list.reduce((sum, result) => sum + result.size, 0);
      if (size <= largestKnown) entries += Math.floor(size / entryElements);
      at.known =
        size <= largestKnown ? new KnownResults(list.map((x) => new NDArray(x.aval, x.cell().shared()))) : 'never';
      return results;
    }
    if (at.known === 'once' || (!at.known && largest(arrays, args[shapeAt]) >= recordedAtOnce)) {
      try {
        at.known = programOf(f, args, arrays);
      } catch {
        // What is wrong with the arguments is said of them, and not of what stands for them.
        return f(...args);
      }
    } else at.known ??= 'once';
    if (typeof at.known === 'string') return f(...args);
    try {
      const results = at.known.run(arrays);
      return (isList ? results : results[0]!) as R;
    } catch (error) {
      // The function itself says which operand of which operation was disposed of.
      if (error instanceof DisposedError) return f(...args);
      throw error;
    }
  };
}

/** Elements of the largest array, or of the shape that is asked for. */
function largest(arrays: readonly NDArray[], shape: unknown): number {
  let most = typeof shape === 'number' ? shape : Array.isArray(shape) ? sizeOf(shape) : 0;
  for (let i = 0; i < arrays.length; i++) most = Math.max(most, arrays[i]!.aval.size);
  return most;
}

function programOf<A extends unknown[]>(
  f: (...args: A) => NDArray | NDArray[],
  given: A,
  arrays: readonly NDArray[],
): EagerProgram | CompiledProgram | 'never' {
  const staged = stage(
    (...tracers) => {
      let i = 0;
      return [f(...(given.map((arg) => replaced(arg, () => tracers[i++]!)) as A))].flat();
    },
    arrays.map(({ aval }) => aval),
  );
  const program = EagerProgram.of(staged.jaxpr, staged.consts);
  if (program) return program;
  const { jaxpr, consts } = staged;
  return !jaxpr.effectful && jaxpr.eqns.some(({ params }) => subJaxprs(params).length > 0)
    ? new CompiledProgram(jaxpr, consts)
    : 'never';
}
