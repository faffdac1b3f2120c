/** `debug.print`: printing values from inside a program. */
import { NDArray } from '../array.ts';
import { DtypeError, TraceError } from '../core/errors.ts';
import { callback } from './callback.ts';
import { type FormatPart, parseFormat, show } from './format.ts';

/**
 * Prints a line with `console.log` each time the program around it gets here, with the values of traced arrays. Fields
 * of `format` are as in Python: `{}` takes the next argument, `{name}` the entry of that name in an object given last;
 * `{:.3f}` rounds, `{{` is a brace. Arrays are printed as NumPy prints them. Under transformations it behaves as
 * {@link callback}.
 *
 * @example
 * jit((x) => { debug.print('x = {}, norm {n:.3f}', x, { n: linalg.norm(x) }); return x.mul(2); })(np.array([3, 4]));
 * // x = [3. 4.], norm 5.000
 * @throws TraceError when fields and arguments do not match
 */
export function print(format: string, ...args: unknown[]): void {
  checkFormat(format);
  const parts = parseFormat(format);
  const { positions, names } = matchFields(format, parts, args);
  callback(
    (values: unknown[], named: Record<string, unknown>) => {
      const text = parts.map((part) => {
        if (typeof part === 'string') return part;
        return show(typeof part.key === 'number' ? values[part.key] : named[part.key], part.spec);
      });
      console.log(text.join(''));
    },
    positions,
    names,
  );
}

function checkFormat(format: unknown): void {
  if (typeof format === 'string') return;
  const what = format instanceof NDArray ? format.describe() : `a ${typeof format}`;
  throw new DtypeError(`debug.print: the first argument must be a format string, but it is ${what}.`, {
    hint: "put the value after it, as in `debug.print('{}', x)`",
  });
}

/** Arguments by position and by name; each must have a field and each field an argument. */
function matchFields(
  format: string,
  parts: readonly FormatPart[],
  args: readonly unknown[],
): { positions: unknown[]; names: Record<string, unknown> } {
  const keys = parts.flatMap((part) => (typeof part === 'string' ? [] : [part.key]));
  const wanted = [...new Set(keys.filter((key): key is string => typeof key === 'string'))];
  const last = args.at(-1);
  const named = wanted.length > 0 && isPlain(last) ? last : undefined;
  const positions = named ? args.slice(0, -1) : [...args];
  const missing =
    wanted.find((key) => !named || !(key in named)) ??
    keys.find((key) => typeof key === 'number' && key >= positions.length);
  const shown = JSON.stringify(format);
  if (missing !== undefined) {
    throw typeof missing === 'string'
      ? new TraceError(`debug.print: ${shown} has a field {${missing}}, but no argument of that name was given.`, {
          hint: `name it in an object given last: \`debug.print(format, { ${missing} })\``,
        })
      : new TraceError(
          `debug.print: ${shown} has a field for argument ${missing}, but ${positions.length} ${positions.length === 1 ? 'was' : 'were'} given.`,
        );
  }
  const unused = positions.findIndex((_, i) => !keys.includes(i));
  if (unused >= 0) throw new TraceError(`debug.print: ${shown} has no field for argument ${unused}.`);
  return { positions, names: named ?? {} };
}

const isPlain = (x: unknown): x is Record<string, unknown> =>
  x !== null && typeof x === 'object' && Object.getPrototypeOf(x) === Object.prototype;
