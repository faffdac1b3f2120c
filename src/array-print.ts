/** Arrays as text, as NumPy 2 prints them with its default options. */
import type { DType, TypedArray } from './core/dtype.ts';
import { isFloating } from './core/dtype.ts';
import { type Shape, sizeOf, stridesOf } from './core/shape.ts';

/** NumPy's defaults: digits after the point, elements before summarising, items kept at each edge, line width. */
const precision = 8;
const threshold = 1000;
const edgeItems = 3;
const lineWidth = 75;

/** The shortest decimal that reads back as `x` in its dtype: significant digits and the exponent of the first one. */
function shortest(x: number, dtype: DType): { digits: string; exponent: number } {
  let text = Math.abs(x).toExponential();
  if (dtype === 'float32') {
    for (let p = 0; p <= 8; p++) {
      text = rounded(Math.abs(x), 'toExponential', p);
      if (Math.fround(Number(text)) === Math.abs(x)) break;
    }
  }
  const [mantissa, exponent] = text.split('e');
  return { digits: mantissa!.replace('.', '').replace(/0+$/, '') || '0', exponent: Number(exponent) };
}

/**
 * `Number.prototype[method](places)` with ties to even digits, as NumPy rounds; JavaScript takes the larger number. A tie
 * ends in a single 5, which shows in more digits.
 */
function rounded(x: number, method: 'toFixed' | 'toExponential', places: number): string {
  const text = x[method](places);
  const [longer, power] = x[method](Math.min(places + 40, 100)).split('e');
  const point = longer!.indexOf('.');
  if (!/^50*$/.test(longer!.slice(point + places + 1)) || !/[13579]$/.test(text.split('e')[0]!)) return text;
  return longer!.slice(0, point + places + (places ? 1 : 0)) + (power === undefined ? '' : `e${power}`);
}

/** What stands before numbers that are not negative: nothing, or a plus for the second of two. */
type Plus = '' | '+';
const signOf = (x: number, plus: Plus): string => (x < 0 || Object.is(x, -0) ? '-' : plus);

/** `[integer part, fraction]` with at most `places` digits in the fraction and no trailing zeros. */
function positional(x: number, dtype: DType, places: number, plus: Plus): [string, string] {
  const { digits, exponent } = shortest(x, dtype);
  if (digits.length - 1 - exponent > places) {
    const [whole, fraction] = rounded(Math.abs(x), 'toFixed', places).split('.');
    return [signOf(x, plus) + whole, (fraction ?? '').replace(/0+$/, '')];
  }
  if (exponent < 0) return [`${signOf(x, plus)}0`, digits === '0' ? '' : '0'.repeat(-exponent - 1) + digits];
  const padded = digits.padEnd(exponent + 1, '0');
  return [signOf(x, plus) + padded.slice(0, exponent + 1), padded.slice(exponent + 1)];
}

/** `[leading digit, fraction, exponent]`, the exponent with a sign and at least two digits. */
function scientific(x: number, dtype: DType, places: number, plus: Plus): [string, string, string] {
  let { digits, exponent } = shortest(x, dtype);
  if (digits.length - 1 > places) {
    const [mantissa, e] = rounded(Math.abs(x), 'toExponential', places).split('e');
    digits = mantissa!.replace('.', '').replace(/0+$/, '');
    exponent = Number(e);
  }
  const power = `${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  return [signOf(x, plus) + digits[0]!, digits.slice(1), power];
}

const nonFinite = (x: number, plus: Plus): string => (Number.isNaN(x) ? `${plus}nan` : x > 0 ? `${plus}inf` : '-inf');
const longest = (texts: readonly string[]): number => Math.max(0, ...texts.map((s) => s.length));

/** One notation for all elements: positional with the points aligned, or scientific when magnitudes differ widely. */
function floatFormat(data: readonly number[], dtype: DType, plus: Plus = ''): (x: number) => string {
  const finite = data.filter(Number.isFinite);
  const magnitudes = finite.filter((x) => x !== 0).map(Math.abs);
  const round = dtype === 'float32' ? Math.fround : (x: number) => x;
  const largest = magnitudes.reduce((a, b) => Math.max(a, b), 0);
  const smallest = magnitudes.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const cutoff = dtype === 'float32' ? 1e6 : 1e8;
  const exponential =
    magnitudes.length > 0 && (largest >= cutoff || smallest < round(0.0001) || round(largest / smallest) > 1000);

  let left = 0;
  let right = 0;
  let format: (x: number) => string;
  if (exponential) {
    const parts = finite.map((x) => scientific(x, dtype, precision, plus));
    const places = longest(parts.map(([, fraction]) => fraction));
    const powerDigits = longest(parts.map(([, , power]) => power)) - 1;
    left = longest(parts.map(([whole]) => whole));
    right = powerDigits + 2 + places;
    // All with as many digits: those beyond the shortest are the number's own, not zeros.
    format = (x) => {
      const [mantissa, power] = rounded(Math.abs(x), 'toExponential', places).split('e');
      const digits = power!.slice(1).padStart(powerDigits, '0');
      const whole = signOf(x, plus) + mantissa![0];
      return `${whole.padStart(left)}.${mantissa!.slice(2)}e${power![0]}${digits}`;
    };
  } else {
    const parts = finite.map((x) => positional(x, dtype, precision, plus));
    left = longest(parts.map(([whole]) => whole));
    right = longest(parts.map(([, fraction]) => fraction));
    format = (x) => {
      const [whole, fraction] = positional(x, dtype, precision, plus);
      return `${whole.padStart(left)}.${fraction.padEnd(right)}`;
    };
  }
  if (finite.length < data.length) {
    const negative = plus || data.includes(Number.NEGATIVE_INFINITY) ? 1 : 0;
    left = Math.max(left, 3 - (right + 1), 3 + negative - (right + 1));
  }
  return (x) => (Number.isFinite(x) ? format(x) : nonFinite(x, plus).padStart(left + right + 1));
}

function elementFormat(data: readonly number[], dtype: DType): (x: number) => string {
  if (dtype === 'bool') return (x) => (x ? ' True' : 'False');
  if (isFloating(dtype)) return floatFormat(data, dtype);
  const width = longest(data.map(String));
  return (x) => String(x).padStart(width);
}

/** A number alone: positional from 1e-4 up to 1e16 (float32: 1e6), `[before, after]` the point. */
function scalarParts(x: number, dtype: DType, plus: Plus): readonly [whole: string, fraction: string, power: string] {
  if (x === 0 || (Math.abs(x) >= 1e-4 && Math.abs(x) < (dtype === 'float32' ? 1e6 : 1e16)))
    return [...positional(x, dtype, Number.POSITIVE_INFINITY, plus), ''];
  const [whole, fraction, power] = scientific(x, dtype, Number.POSITIVE_INFINITY, plus);
  return [whole, fraction, `e${power}`];
}

/** A number alone, with at least one digit after the point where there is no exponent. */
function formatScalar(x: number, dtype: DType): string {
  if (dtype === 'bool') return x ? 'True' : 'False';
  if (!isFloating(dtype)) return String(x);
  if (!Number.isFinite(x)) return nonFinite(x, '');
  const [whole, fraction, power] = scalarParts(x, dtype, '');
  return power ? `${whole}${fraction ? `.${fraction}` : ''}${power}` : `${whole}.${fraction || '0'}`;
}

/** A complex number alone, as Python writes it: `(1+2j)`, and `2j` where the real part is 0. */
function formatComplexScalar(re: number, im: number, dtype: DType): string {
  const part = (x: number, plus: Plus): string => {
    if (!Number.isFinite(x)) return nonFinite(x, plus);
    const [whole, fraction, power] = scalarParts(x, dtype, plus);
    return `${whole}${fraction ? `.${fraction}` : ''}${power}`;
  };
  return Object.is(re, 0) ? `${part(im, '')}j` : `(${part(re, '')}${part(im, '+')}j)`;
}

/** Indices along an axis that are printed; undefined stands for the dots. */
function shownIndices(n: number, summarise: boolean): (number | undefined)[] {
  const all = Array.from({ length: n }, (_, i) => i);
  if (!summarise || n <= 2 * edgeItems) return all;
  return [...all.slice(0, edgeItems), undefined, ...all.slice(-edgeItems)];
}

/** Row-major `data` of the given shape as text: `[[1. 2.]\n [3. 4.]]`. */
export function formatArray(data: TypedArray, shape: Shape, dtype: DType): string {
  if (shape.length === 0) return formatScalar(data[0]!, dtype);
  return formatNested(shape, (shown) => {
    const format = elementFormat(
      shown.map((i) => data[i]!),
      dtype,
    );
    return (i) => format(data[i]!);
  });
}

/** The same of complex numbers: `[1.+2.j 3.-4.j]`. */
export function formatComplexArray(real: TypedArray, imag: TypedArray, shape: Shape, dtype: DType): string {
  if (shape.length === 0) return formatComplexScalar(real[0]!, imag[0]!, dtype);
  return formatNested(shape, (shown) => {
    const [formatReal, formatImag] = [
      floatFormat(
        shown.map((i) => real[i]!),
        dtype,
      ),
      floatFormat(
        shown.map((i) => imag[i]!),
        dtype,
        '+',
      ),
    ];
    return (i) => {
      const text = formatImag(imag[i]!);
      const digits = text.trimEnd();
      return `${formatReal(real[i]!)}${digits}j${text.slice(digits.length)}`;
    };
  });
}

/** Elements in brackets, as deep as the rank; `formatOf` knows which positions are shown when it chooses how. */
function formatNested(shape: Shape, formatOf: (shown: readonly number[]) => (at: number) => string): string {
  const size = sizeOf(shape);
  if (size === 0) return '[]';
  const strides = stridesOf(shape);
  const shown = shape.map((n) => shownIndices(n, size > threshold));

  const seen: number[] = [];
  const collect = (axis: number, at: number): void => {
    if (axis === shape.length) seen.push(at);
    else for (const i of shown[axis]!) if (i !== undefined) collect(axis + 1, at + i * strides[axis]!);
  };
  collect(0, 0);
  const format = formatOf(seen);

  const block = (axis: number, at: number, indent: string, width: number): string => {
    const inner = `${indent} `;
    if (axis === shape.length - 1) {
      const words = shown[axis]!.map((i) => (i === undefined ? '...' : format(at + i)));
      return `[${wrap(words, indent, width - 1).slice(indent.length)}]`;
    }
    const rows = shown[axis]!.map(
      (i) => indent + (i === undefined ? '...' : block(axis + 1, at + i * strides[axis]!, inner, width - 1)),
    );
    return `[${rows.join('\n'.repeat(shape.length - 1 - axis)).slice(indent.length)}]`;
  };
  return block(0, 0, ' ', lineWidth);
}

/** Words separated by spaces, on lines of at most `width` characters that begin with `indent`. */
function wrap(words: readonly string[], indent: string, width: number): string {
  let text = '';
  let line = indent;
  words.forEach((word, i) => {
    if (line.length + word.length > width && line.length > indent.length) {
      text += `${line.trimEnd()}\n`;
      line = indent;
    }
    line += i < words.length - 1 ? `${word} ` : word;
  });
  return text + line;
}
