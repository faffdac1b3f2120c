import { readFileSync } from 'node:fs';
import t from 'tap';
import { NDArray } from '../src/array.ts';
import * as linalg from '../src/linalg/index.ts';
import * as nn from '../src/nn/index.ts';
import * as np from '../src/numpy/index.ts';
import * as special from '../src/special.ts';

/** Calls, and what JAX answers: see test/oracle/numpy_fixtures.py. */
interface Call {
  readonly call: string;
  readonly args: unknown[];
  readonly options?: Record<string, unknown>;
  readonly expected: unknown;
}

const fixture = (name: string): any =>
  JSON.parse(readFileSync(new URL(`../../test/fixtures/${name}.json`, import.meta.url), 'utf8'));

const number = (x: unknown): unknown =>
  x === 'nan' ? Number.NaN : x === 'inf' ? Number.POSITIVE_INFINITY : x === '-inf' ? Number.NEGATIVE_INFINITY : x;
const numbers = (x: unknown): any => (Array.isArray(x) ? x.map(numbers) : number(x));

interface Encoded {
  readonly array: unknown;
  readonly dtype: NDArray['dtype'];
  readonly shape: number[];
}
const isEncoded = (x: unknown): x is Encoded => typeof x === 'object' && x !== null && 'array' in x;

function decode(x: unknown): any {
  if (isEncoded(x)) return np.reshape(np.array(numbers(x.array), { dtype: x.dtype }), x.shape);
  if (Array.isArray(x)) return x.map(decode);
  return number(x);
}

const scopes: Record<string, Record<string, any>> = { np, linalg, nn, special };

/** Why a result differs from what was expected; undefined if it does not. Floats: five digits, or 5e-6. */
function difference(actual: unknown, expected: unknown): string | undefined {
  if (!isEncoded(expected)) {
    if (Array.isArray(expected)) {
      const list = actual as unknown[];
      if (!Array.isArray(list) || list.length !== expected.length) return `not a list of ${expected.length}`;
      return expected.map((e, i) => difference(list[i], e)).find((d) => d !== undefined);
    }
    if (typeof expected === 'object' && expected !== null) {
      return Object.entries(expected)
        .map(([key, value]) => difference((actual as Record<string, unknown>)[key], value))
        .find((d) => d !== undefined);
    }
    return Object.is(actual, expected) ? undefined : `${actual} instead of ${expected}`;
  }
  if (!(actual instanceof NDArray)) return 'not an array';
  if (actual.dtype !== expected.dtype) return `dtype ${actual.dtype} instead of ${expected.dtype}`;
  if (actual.shape.join() !== expected.shape.join()) return `shape [${actual.shape}] instead of [${expected.shape}]`;
  const want = [numbers(expected.array)].flat(Number.POSITIVE_INFINITY).map(Number);
  const got = [...actual.data()];
  const at = want.findIndex((w, i) => {
    const g = got[i]!;
    if (Number.isNaN(w) || !Number.isFinite(w)) return !Object.is(w, g);
    return !(Math.abs(g - w) <= 5e-6 + 1e-5 * Math.abs(w));
  });
  return at < 0 ? undefined : `element ${at} is ${got[at]} instead of ${want[at]}`;
}

for (const { call, args, options, expected } of fixture('numpy') as Call[]) {
  const [scope, name] = call.includes('.') ? call.split('.') : ['np', call];
  const label = `${call}(${args.map((a) => (isEncoded(a) ? `${a.dtype}[${a.shape}]` : Array.isArray(a) ? `list of ${a.length}` : String(a))).join(', ')}${options ? `, ${JSON.stringify(options).slice(0, 60)}` : ''})`;
  try {
    const decoded = options && Object.fromEntries(Object.entries(options).map(([k, v]) => [k, decode(v)]));
    const values = args.map(decode);
    const result = scopes[scope!]![name!](...values, ...(decoded ? [decoded] : []));
    t.equal(difference(result, expected), undefined, label);
  } catch (error) {
    t.fail(label, { error: String(error) });
  }
}
