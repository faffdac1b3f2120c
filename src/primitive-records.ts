/** The records by which users define primitives, checked: types are not there at run time. */
import { RuleError } from './core/errors.ts';
import { naming } from './core/options.ts';
import { domains } from './lax/samples.ts';

/** What a field of a record may be: text for messages, and a test. */
interface Kind {
  readonly text: string;
  readonly holds: (value: unknown) => boolean;
}

const isFunction = (value: unknown): boolean => typeof value === 'function';
const hasKind = (value: unknown, kinds: readonly string[]): boolean =>
  kinds.includes((value as { kind?: unknown } | null)?.kind as string);
const list = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(', ');

const rule: Kind = { text: 'a function', holds: isFunction };
const ruleOrZero: Kind = { text: "a function or 'zero'", holds: (x) => isFunction(x) || x === 'zero' };
const flag: Kind = { text: 'true or false', holds: (x) => typeof x === 'boolean' };
const accuracies = ['exact', 'ulp', 'reduction'];
const accuracy: Kind = { text: '`exact`, `ulp(…)` or `reductionAccuracy(…)`', holds: (x) => hasKind(x, accuracies) };
const lowerings =
  `elementwise view reshape gather scatter reduce dot kernel regions runtime inline cond while scan callback
  identity`.split(/\s+/);
const lowering: Kind = {
  text: `an object whose \`kind\` is one of ${list(lowerings)}`,
  holds: (x) => hasKind(x, lowerings),
};
const allDomains = Object.keys(domains);
const domain: Kind = { text: `one of ${list(allDomains)}`, holds: (x) => allDomains.includes(x as string) };
const bothRules: Kind = {
  text: "a pair of functions, null for an operand without a derivative, or 'zero'",
  holds: (x) => x === 'zero' || (Array.isArray(x) && x.length === 2 && x.every((f) => f === null || isFunction(f))),
};
const isInterval = (x: unknown): boolean =>
  Array.isArray(x) && x.length === 2 && x.every((bound) => typeof bound === 'number');
const interval: Kind = { text: 'a pair of numbers', holds: isInterval };
const intervals: Kind = {
  text: 'two pairs of numbers',
  holds: (x) => Array.isArray(x) && x.length === 2 && x.every(isInterval),
};

type Fields = Readonly<Record<string, Kind>>;

/** The fields of a record that users write: those that it must have, and those that it may have. */
interface Shape {
  readonly required: Fields;
  readonly optional: Fields;
}

type Definer = 'definePrimitive' | 'defineUnary' | 'defineBinary';

const shapes: Record<Definer, Shape> = {
  definePrimitive: {
    required: { type: rule, run: rule, accuracy, jvp: ruleOrZero, batch: rule, lower: lowering },
    optional: { transpose: rule, partialEval: rule, dce: rule, effectful: rule, guard: rule, hot: flag, samples: rule },
  },
  defineUnary: {
    required: { domain, run: rule, jvp: ruleOrZero, lower: rule },
    optional: { transpose: rule, accuracy, result: rule, interval },
  },
  defineBinary: {
    required: { domain, run: rule, jvp: bothRules, lower: rule },
    optional: { jvpOfSame: rule, transpose: rule, accuracy, result: rule, intervals },
  },
};

/** @throws RuleError when a record of a user's is none: what is missing, wrong or has another name */
export function checkRecord(definer: Definer, name: unknown, record: unknown): void {
  if (typeof record !== 'object' || record === null)
    throw new RuleError(`${definer}: a primitive is defined by an object of its rules, but got ${naming(record)}.`);
  if (typeof name !== 'string')
    throw new RuleError(`${definer}: the name of a primitive must be a string, but it is ${naming(name)}.`);
  const { required, optional } = shapes[definer];
  const fields = record as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(required))
    if (fields[key] === undefined) throw new RuleError(`the primitive \`${name}\` has no \`${key}\`.`);
  const known: Fields = { ...required, ...optional };
  for (const [key, value] of Object.entries(fields)) {
    if (key === 'name' && definer === 'definePrimitive') continue;
    const kind = known[key];
    if (!kind)
      throw new RuleError(
        `${definer}: \`${key}\` of \`${name}\` is nothing that a primitive has; it may have ${Object.keys(known)
          .map((other) => `\`${other}\``)
          .join(', ')}.`,
      );
    if (value !== undefined && !kind.holds(value))
      throw new RuleError(`${definer}: \`${key}\` of \`${name}\` must be ${kind.text}, but it is ${naming(value)}.`);
  }
}
