/** Valid calls of public functions, described so that invalid ones can be made of them. */
import { np } from 'cotangent';

/** An argument of a valid call, and what may not stand in its place. */
export interface Argument {
  readonly value: unknown;
  readonly wrong: readonly unknown[];
  readonly optional: boolean;
}

/** A valid call: its arguments; then options, all of whose names are tried; then what it returns is called with. */
export interface Call {
  readonly args: readonly Argument[];
  readonly options?: object | undefined;
  /** What is refused in place of options. */
  readonly notOptions?: readonly unknown[];
  /** Options that take any text. */
  readonly texts?: readonly string[];
  readonly after?: readonly unknown[];
  /** What its errors call it, if not its name. */
  readonly as?: string;
}

export type Kind = (value: unknown) => Argument;

export const argument =
  (wrong: readonly unknown[]): Kind =>
  (value) => ({ value, wrong, optional: false });
export const optional = ({ value, wrong }: Argument): Argument => ({
  value,
  wrong: wrong.filter((x) => x !== undefined && x !== null),
  optional: true,
});
/** An optional argument in whose place options may stand. */
export const skipped = ({ value, wrong }: Argument): Argument => ({
  value,
  wrong: wrong.filter((x) => x !== undefined && x !== null && (typeof x !== 'object' || Array.isArray(x))),
  optional: true,
});

export const array: Kind = argument(['no', undefined, null, () => 1, {}]);
export const list: Kind = argument(['no', undefined, 3, [undefined], ['no']]);
export const fn: Kind = argument([undefined, 'no', 3]);
export const int: Kind = argument(['no', 1.5, {}, Number.NaN]);
export const num: Kind = argument(['no', {}, undefined]);
export const shape: Kind = argument(['no', -1, 1.5, {}, [1.5], [-1], ['no']]);
export const axes: Kind = argument(['no', 1.5, {}, 7, [7], ['no']]);
export const dtype: Kind = argument(['float99', 3, null]);
export const key: Kind = argument(['no', undefined, 3, np.zeros([2])]);
export const anyTree: Kind = argument(['no', () => 1]);
export const text: Kind = argument([3, undefined]);
export const free: Kind = argument([]);
/** An argument of a function that is traced: any tree. */
export const given: Kind = argument(['no']);
export const primals: Kind = argument(['no', undefined, 3]);

export const call = (...args: Argument[]): Call => ({ args });
export const withOptions = (options: object, ...args: Argument[]): Call => ({ args, options });
export const many = (names: string, entry: Call): Record<string, Call> =>
  Object.fromEntries(names.split(' ').map((name) => [name, entry]));
