/** Every export refuses what it cannot use, in a sentence of its own. */
import * as cotangent from 'cotangent';
import t from 'tap';
import { CotangentError, RuleError } from '../src/core/errors.ts';
import { naming } from '../src/core/options.ts';
import { exact } from '../src/core/primitive.ts';
import { defineBinary, definePrimitive, defineUnary } from '../src/primitives.ts';
import { notArrays } from '../src/syntax/arrays.ts';
import type { Call } from './lib/calls.ts';
import { table } from './lib/surface.ts';

type Callable = (...args: unknown[]) => unknown;

const isClass = (f: unknown): boolean => /^class\b/.test(Function.prototype.toString.call(f));

/** Functions and classes of each entry point. */
const exported: Record<string, Record<string, Callable>> = { '': {} };
for (const [name, value] of Object.entries(cotangent)) {
  if (typeof value === 'function') exported['']![name] = value as Callable;
  else collect(name, value);
}

function collect(module: string, exports: object): void {
  exported[module] = {};
  for (const [name, value] of Object.entries(exports)) {
    if (typeof value === 'function') exported[module][name] = value as Callable;
    // Another name of a module, as `np.linalg`, is looked at once.
    else if (value?.[Symbol.toStringTag] === 'Module' && !Object.values(cotangent).includes(value as never))
      collect(`${module}.${name}`, value);
  }
}

/** What reads an array, or is for the library itself. */
const notMethods = /^(constructor|hostData|cell|read|dispose|known|describe|item|tolist|data|toString|toJSON)$/;
const receivers: Record<string, cotangent.NDArray> = {
  and: cotangent.np.array([1, 2], { dtype: 'int32' }),
  squeeze: cotangent.np.ones([1, 2]),
  diagonal: cotangent.np.ones([2, 2]),
};
for (const name of ['or', 'xor', 'not']) receivers[name] = receivers.and!;
const methods: Record<string, Callable> = {};
exported['NDArray.prototype'] = methods;
for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(cotangent.NDArray.prototype)))
  if (typeof value === 'function' && !notMethods.test(name))
    methods[name] = (...args) => {
      const result = value.apply(receivers[name] ?? cotangent.np.array([0.25, 0.5]), args);
      // Places are looked at when they are written.
      return name === 'at' ? result.set(1) : result;
    };

/** Calls a function, or makes an instance; and if it returns a function, calls that too. */
function run(f: Callable, { after }: Call, args: readonly unknown[]): unknown {
  const result = isClass(f) ? Reflect.construct(f, args) : f(...args);
  return after && typeof result === 'function' ? result(...after) : result;
}

/** What is wrong with how a call fails; undefined if nothing. */
function complaint(names: readonly string[], f: Callable, call: Call, args: readonly unknown[]): string | undefined {
  try {
    run(f, call, args);
  } catch (error) {
    if (!(error instanceof CotangentError)) return `raises ${error}`;
    const [sentence] = error.message.split('\n');
    const said = sentence!.toLowerCase();
    const named = names.some((name) => said.includes(name.toLowerCase()));
    return named && /[.:]$/.test(sentence!) ? undefined : `says ${sentence}`;
  }
  return 'is accepted';
}

const show = (args: readonly unknown[]): string =>
  args.map((x) => (x && typeof x === 'object' && !('aval' in x) ? JSON.stringify(x) : naming(x))).join(', ');

for (const [module, functions] of Object.entries(exported)) {
  t.test(module || 'top level', (t) => {
    const calls = table[module] ?? {};
    const entries = Object.keys(calls).filter((name) => name in functions || !module.startsWith('stats.'));
    t.same(Object.keys(functions).sort(), entries.sort(), 'every export has an entry');
    for (const [name, f] of Object.entries(functions)) {
      const call = calls[name];
      if (!call) continue;
      const { args, options, texts = [], notOptions = [3, 'no', [1]] } = call;
      // One function may have several names.
      const names = Object.keys(functions).filter((other) => functions[other] === f);
      if (call.as) names.push(call.as);
      const valid = args.map((arg) => arg.value);
      const refuses = (what: readonly unknown[]): void => {
        const wrong = complaint(names, f, call, what);
        if (wrong) t.fail(`${module}.${name}(${show(what)}) ${wrong}`);
        else t.pass();
      };
      if (['IterativeSolver', 'LineSearch', 'StochasticSolver', 'init'].includes(name)) continue;
      let result: unknown;
      t.doesNotThrow(() => {
        result = run(f, call, options ? [...valid, options] : valid);
      }, `${module}.${name}`);
      // Brackets behind a call of any other function are taken for a mistake.
      if (/^(np|lax|nn|linalg)$/.test(module) && !(result instanceof cotangent.NDArray))
        t.ok(notArrays.has(name), `${module}.${name} is known to give no array`);
      args.forEach(({ optional }, i) => {
        if (!optional && args[i]!.wrong.includes(undefined as never)) refuses(valid.slice(0, i));
      });
      args.forEach(({ wrong }, i) => {
        for (const value of wrong) {
          const changed = [...valid.slice(0, i), value, ...valid.slice(i + 1)];
          refuses(options ? [...changed, options] : changed);
        }
      });
      if (!options) continue;
      for (const wrong of notOptions) refuses([...valid, wrong]);
      const misspelt = { ...options, misspelt: 1 };
      refuses([...valid, misspelt]);
      let known: string[] = [];
      try {
        run(f, call, [...valid, misspelt]);
      } catch (error) {
        const listed = /(?:the options are|the only one is) (.*)\.$/m.exec(String(error))?.[1] ?? '';
        known = [...listed.matchAll(/`(\w+)`/g)].map((match) => match[1]!);
      }
      t.ok(known.length > 0, `${module}.${name} names its options`);
      for (const option of known)
        if (!texts.includes(option)) refuses([...valid, { ...options, [option]: 'no such value' }]);
    }
    t.end();
  });
}

t.test('records of primitives', (t) => {
  const rule = (): never => {
    throw new Error('not called');
  };
  const record = { type: rule, run: rule, accuracy: exact, jvp: rule, batch: rule, lower: { kind: 'reshape' } };
  const unary = { domain: 'floating', run: rule, jvp: 'zero', lower: rule };
  const binary = { ...unary, jvp: [rule, null] };
  const calls: [call: () => unknown, message: string][] = [
    [
      () => definePrimitive(undefined!),
      'definePrimitive: a primitive is defined by an object of its rules, but got undefined.',
    ],
    [
      () => definePrimitive({ ...record, name: 3 } as any),
      'definePrimitive: the name of a primitive must be a string, but it is 3.',
    ],
    [
      () => definePrimitive({ ...record, name: 'mine.a', type: 1 } as any),
      'definePrimitive: `type` of `mine.a` must be a function, but it is 1.',
    ],
    [
      () => definePrimitive({ ...record, name: 'mine.a', jvp: 'none' } as any),
      'definePrimitive: `jvp` of `mine.a` must be a function or \'zero\', but it is the string "none".',
    ],
    [
      () => definePrimitive({ ...record, name: 'mine.a', accuracy: 1e-6 } as any),
      'definePrimitive: `accuracy` of `mine.a` must be `exact`, `ulp(…)` or `reductionAccuracy(…)`, but it is 0.000001.',
    ],
    [
      () => definePrimitive({ ...record, name: 'mine.a', vmap: rule } as any),
      'definePrimitive: `vmap` of `mine.a` is nothing that a primitive has; it may have `type`, `run`, `accuracy`, `jvp`, `batch`, `lower`, `transpose`, `partialEval`, `dce`, `effectful`, `guard`, `hot`, `samples`.',
    ],
    [
      () => definePrimitive({ ...record, name: 'mine.a', lower: { kind: 'map' } } as any),
      "definePrimitive: `lower` of `mine.a` must be an object whose `kind` is one of 'elementwise', 'view', 'reshape', 'gather', 'scatter', 'reduce', 'dot', 'kernel', 'regions', 'runtime', 'inline', 'cond', 'while', 'scan', 'callback', 'identity', but it is an object.",
    ],
    [() => defineUnary('mine.a', {} as any), 'the primitive `mine.a` has no `domain`.'],
    [
      () => defineUnary('mine.a', { ...unary, domain: 'float32' } as any),
      "defineUnary: `domain` of `mine.a` must be one of 'floating', 'numeric', 'integer', 'logical', 'bool', 'any', but it is the string \"float32\".",
    ],
    [
      () => defineBinary('mine.a', { ...binary, jvp: rule } as any),
      "defineBinary: `jvp` of `mine.a` must be a pair of functions, null for an operand without a derivative, or 'zero', but it is a function.",
    ],
    [
      () => defineBinary('mine.a', { ...binary, intervals: [0, 1] } as any),
      'defineBinary: `intervals` of `mine.a` must be two pairs of numbers, but it is a JavaScript array.',
    ],
    [
      () => defineBinary('a', binary as any),
      '`a` is no name for a primitive of your own: put a dot in it, as in `mine.a`.',
    ],
  ];
  for (const [call, message] of calls) {
    let said: unknown;
    try {
      call();
    } catch (error) {
      said = error instanceof RuleError ? error.message.split('\n')[0] : error;
    }
    t.equal(said, message);
  }
  t.end();
});

t.test('init', async (t) => {
  await t.rejects(cotangent.init({ determinstic: true } as object), {
    message:
      /^init: there is no option `determinstic`; the options are `deterministic`, `threads`\.\n {2}hint: did you mean/,
  });
  await t.rejects(cotangent.init({ deterministic: 1 } as object), {
    message: /^init: `deterministic` must be true or false/,
  });
});
