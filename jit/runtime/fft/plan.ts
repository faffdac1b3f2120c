/** How transforms of a length are computed, and the numbers that they read: both are worked out once for a length and dtype. */
import { chirpKernel, chirpOf, type Planes } from '../../../src/core/fourier.ts';
import { type Roots, rootsOfUnity } from '../../../src/core/roots-of-unity.ts';

/** Lengths of the butterflies that there is code for; a line of one number is only multiplied. */
export const radices = [1, 2, 3, 4, 5, 7, 8, 9, 11, 13] as const;

/** Numbers at the beginning of a plan's table that say what it is. */
export const headerLength = 16;
/** Bytes between planes, so that both are not in the same sets of the cache. */
export const planePadding = 192;
/** Bytes of a row of the blocks in which long lines are transformed: a line of the cache. */
export const blockBytes = 64;

/** What results are multiplied by: 1, 1/n or 1/√n. */
export const scales = { none: 0, mean: 1, unitary: 2 } as const;
export type Scale = keyof typeof scales;

/**
 * How the lines of an array are brought together: `columns` side by side where they lie; `rows` one after the other; `turned`, several
 * rows as the columns of a block; `few`, columns that do not fill a vector; `long` ones, in rows of a block.
 */
export const layouts = { columns: 0, rows: 1, turned: 2, few: 3, long: 4 } as const;
export type Layout = keyof typeof layouts;

/** Complex numbers from which on a line is divided into a matrix, whose columns and rows stay in the cache. */
const dividedFrom = 2 ** 15;

export type Method = 'passes' | 'chirp' | 'divided';

/** The transform of one length. */
export interface Plan {
  readonly n: number;
  /**
   * `passes`: one for each of `factors`. `chirp`: a convolution by transforms of another length. `divided`: of the columns, and
   * then of the rows of a matrix.
   */
  readonly method: Method;
  readonly factors: readonly number[];
  /** Those that it is made of. */
  readonly parts: readonly Plan[];
  /** Elements of its table. */
  readonly size: number;
}

/** Radices in the order of the passes; undefined where a prime is too large. */
function factorsOf(n: number, lanes: number): number[] | undefined {
  if (n === 1) return [1];
  let left = n;
  let twos = 0;
  for (; left % 2 === 0; left /= 2) twos++;
  const count = (p: number): number => {
    let times = 0;
    for (; left % p === 0; left /= p) times++;
    return times;
  };
  const [threes, ...others] = [3, 5, 7, 11, 13].map(count) as [number, ...number[]];
  if (left > 1) return undefined;
  const repeat = (r: number, times: number): number[] => new Array<number>(times).fill(r);
  // Eights, and fours where there would be a two.
  const rest = twos % 3;
  const fours = rest === 1 ? (twos > 1 ? 2 : 0) : rest === 2 ? 1 : 0;
  const eights = Math.floor((twos - 2 * fours) / 3);
  const radices = [
    ...repeat(8, eights),
    ...repeat(4, fours),
    ...repeat(9, threes >> 1),
    ...[5, 7, 11, 13].flatMap((p, i) => repeat(p, others[i]!)),
    ...repeat(3, threes % 2),
    ...repeat(2, twos - 2 * fours - 3 * eights),
  ];
  // The first one is as wide as a vector, if any is.
  const wide = radices.findIndex((r) => r >= lanes);
  return wide > 0 ? [radices[wide]!, ...radices.filter((_, i) => i !== wide)] : radices;
}

const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to;

/** Elements of the twiddles of a pass over m groups: what `passTable` writes. */
export const passSize = (r: number, m: number, lanes: number): number =>
  (Math.floor(m / lanes) + (m % lanes ? 2 : 0)) * 2 * (r - 1) * lanes;

const passesSize = (n: number, factors: readonly number[], lanes: number): number => {
  let [m, size] = [n, 0];
  for (const r of factors.slice(0, -1)) {
    m /= r;
    size += passSize(r, m, lanes);
  }
  return size;
};

/** The length of the convolution for a length that has no factors: a multiple of sixteen that has small ones. */
function chirpLength(n: number): number {
  for (let m = roundUp(2 * n - 1, 16); ; m += 16) {
    let left = m;
    for (const p of [2, 3, 5]) while (left % p === 0) left /= p;
    if (left === 1) return m;
  }
}

/** Columns and rows of a matrix of n numbers that is nearly square, if there is one. */
function sidesOf(n: number): [number, number] | undefined {
  for (let rows = Math.floor(Math.sqrt(n)); rows >= 128; rows--) if (n % rows === 0) return [rows, n / rows];
  return undefined;
}

const plans = new Map<string, Plan>();

/** The plan for lines of n complex numbers. */
export function planOf(n: number, lanes: number): Plan {
  const key = `${n} ${lanes}`;
  let plan = plans.get(key);
  if (!plan) {
    if (plans.size >= 1024) plans.clear();
    plans.set(key, (plan = makePlan(n, lanes)));
  }
  return plan;
}

function makePlan(n: number, lanes: number): Plan {
  const factors = factorsOf(n, lanes);
  const withParts = (method: Method, own: number, parts: readonly Plan[]): Plan => {
    const size = parts.reduce((sum, part) => sum + part.size, headerLength + own);
    return { n, method, factors: [], parts, size };
  };
  if (!factors) {
    const convolution = planOf(chirpLength(n), lanes);
    return withParts('chirp', 2 * roundUp(n, lanes) + 2 * convolution.n, [convolution]);
  }
  const sides = n >= dividedFrom ? sidesOf(n) : undefined;
  if (sides)
    return withParts(
      'divided',
      2 * roundUp(n, lanes),
      sides.map((side) => planOf(side, lanes)),
    );
  return { n, method: 'passes', factors, parts: [], size: headerLength + passesSize(n, factors, lanes) };
}

/** Whether lines are too long for several to be transformed side by side. */
export const isLong = ({ method, parts }: Plan): boolean => method === 'divided' || parts.some(isLong);

/** Whether a line can be transformed alone, in vectors. */
export function standsAlone({ n, method, factors }: Plan, lanes: number): boolean {
  if (method !== 'passes') return true;
  return factors.length > 1 && factors[0]! >= lanes && n / factors[0]! >= lanes;
}

/** Bytes of two planes. */
export const planesBytes = (bytes: number): number => 2 * (bytes + planePadding);

/** Bytes of memory that lines need, `w` of them together. */
export function workBytes({ n, method, parts }: Plan, w: number, bytes: number): number {
  if (method === 'passes') return 2 * planesBytes(n * w * bytes);
  if (method === 'chirp') return 2 * planesBytes(parts[0]!.n * w * bytes) + workBytes(parts[0]!, w, bytes);
  const [rows, columns] = parts.map((part) => part.n) as [number, number];
  const block = planesBytes(Math.max(rows, columns) * blockBytes);
  const inside = Math.max(...parts.map((part) => workBytes(part, blockBytes / bytes, bytes)));
  return planesBytes(rows * (columns * bytes + 64)) + block + inside;
}

/** A place in a table that is being written. */
class Writer {
  private at = 0;
  readonly data: Float32Array | Float64Array;

  constructor(data: Float32Array | Float64Array) {
    this.data = data;
  }

  add(value: number): void {
    this.data[this.at++] = value;
  }

  plane(values: Float64Array, length: number): void {
    this.data.set(values, this.at);
    this.at += length;
  }
}

/**
 * Twiddles exp(−2πi·pk/(rm)) of a pass, for `lanes` neighbours p together the real and the imaginary parts for k = 1, 2 …, so
 * that they are read in order both as vectors and one by one. Where m is no multiple of `lanes`, the last vector overlaps
 * the one before, and what is read one by one stands before it.
 */
function passTable(to: Writer, roots: Roots, r: number, m: number, lanes: number): void {
  const step = roots.cos.length / (r * m);
  const group = (first: number): void => {
    for (let k = 1; k < r; k++)
      for (const part of [roots.cos, roots.sin])
        for (let lane = 0; lane < lanes; lane++) {
          const value = part[(((first + lane + m) % m) * k * step) % roots.cos.length]!;
          to.add(part === roots.sin ? -value : value);
        }
  };
  let first = 0;
  for (; first + lanes <= m; first += lanes) group(first);
  if (first < m) {
    group(first);
    group(m - lanes);
  }
}

const methods: readonly Method[] = ['passes', 'chirp', 'divided'];

function writePlan(to: Writer, plan: Plan, lanes: number, roots: Roots): void {
  const { n, method, parts, factors } = plan;
  const header = new Float64Array(headerLength);
  header.set([methods.indexOf(method), parts[0]?.n ?? 0, parts[1]?.n ?? 0, parts[0]?.size ?? 0, ...factors]);
  to.plane(header, headerLength);
  if (method === 'chirp') {
    const chirp = chirpOf(n);
    planesOf(to, chirp, roundUp(n, lanes));
    planesOf(to, chirpKernel(chirp, parts[0]!.n), parts[0]!.n);
  }
  if (method === 'divided') {
    const [rows, columns] = parts.map((part) => part.n) as [number, number];
    const twiddles = { re: new Float64Array(n), im: new Float64Array(n) };
    for (let i = 0, at = 0; i < rows; i++)
      for (let j = 0; j < columns; j++, at++) {
        twiddles.re[at] = roots.cos[i * j]!;
        twiddles.im[at] = -roots.sin[i * j]!;
      }
    planesOf(to, twiddles, roundUp(n, lanes));
  }
  for (const part of parts) writePlan(to, part, lanes, rootsOfUnity(part.n));
  let m = n;
  for (const r of factors.slice(0, -1)) {
    m /= r;
    passTable(to, roots, r, m, lanes);
  }
}

/** The lengths of the complex transform by which n numbers are transformed, which may be real on one side. */
export const complexLength = (n: number, isReal: boolean): number => (isReal ? n / 2 : n);

/**
 * What the functions of the runtime read for lines of n numbers: a plan with its twiddles; where numbers are real, behind the
 * roots exp(−2πi·k/n) for k = 0 … n/2.
 */
export function fftTable(n: number, isReal: boolean, dtype: 'float32' | 'float64'): Float32Array | Float64Array {
  const lanes = dtype === 'float32' ? 4 : 2;
  const size = fftTableSize(n, isReal, dtype);
  const to = new Writer(dtype === 'float32' ? new Float32Array(size) : new Float64Array(size));
  const plan = planOf(complexLength(n, isReal), lanes);
  if (isReal) {
    const { cos, sin } = rootsOfUnity(n);
    const length = roundUp(plan.n + 1, lanes);
    planesOf(to, { re: cos.subarray(0, plan.n + 1), im: sin.subarray(0, plan.n + 1).map((x) => -x) }, length);
  }
  writePlan(to, plan, lanes, rootsOfUnity(plan.n));
  return to.data;
}

export function fftTableSize(n: number, isReal: boolean, dtype: 'float32' | 'float64'): number {
  const lanes = dtype === 'float32' ? 4 : 2;
  const plan = planOf(complexLength(n, isReal), lanes);
  return plan.size + (isReal ? 2 * roundUp(plan.n + 1, lanes) : 0);
}

function planesOf(to: Writer, { re, im }: Planes, length: number): void {
  to.plane(re, length);
  to.plane(im, length);
}
