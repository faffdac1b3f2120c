/** Every composition of two transformations on every subject, checked, and written as a table. */
import { interpret } from '../../jit/interpret.ts';
import { currentSource, withSource } from '../../src/core/source.ts';
import { jit, makeJaxpr, type NDArray, np } from '../../src/index.ts';
import { type Subject, subjects } from './subjects.ts';
import { type Fn, type Transformation, transformations } from './transformations.ts';

/**
 * `checked`: interpreted, it agrees with the reference. `compiled`: so does the compiled program. `backwards`: the error of
 * reverse mode through a loop of unknown length.
 */
export type Outcome = 'checked' | 'compiled' | 'backwards' | 'none' | { readonly wrong: string };

export interface Row {
  readonly subject: string;
  /** outcome[outer][inner] */
  readonly outcomes: readonly (readonly Outcome[])[];
}

const x: NDArray = np.array([0.8, 1.1], { dtype: 'float64' });
/** Of the norm of the result. */
const tolerance = 1e-9;

interface Result {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** By the reference semantics of the primitives: traced as a whole, and nothing compiled. */
function interpreted(f: Fn): Result {
  const { jaxpr, consts } = makeJaxpr(f)(x);
  const inputs = [...consts, x].map((v) => ({ aval: v.aval, data: v.hostData() }));
  return { shape: jaxpr.outAvals[0]!.shape, data: interpret(jaxpr, inputs)[0]! };
}

function compiled(f: Fn): Result {
  const out = jit(f)(x) as NDArray;
  return { shape: out.shape, data: out.hostData() };
}

function difference(got: Result, wanted: Result): string | undefined {
  if (`${got.shape}` !== `${wanted.shape}`) return `shape [${got.shape}], not [${wanted.shape}]`;
  const size = Math.max(1, ...Array.from(wanted.data, Math.abs));
  const worst = Math.max(
    0,
    ...Array.from(wanted.data, (w, i) => Math.abs(got.data[i]! - w)).map((d) => (d >= 0 ? d : Infinity)),
  );
  return worst <= tolerance * size ? undefined : `off by ${worst}`;
}

const references = new Map<Fn, Map<string, Result>>();
function referenceOf(f: Fn, outer: Transformation, inner: Transformation): Result {
  let known = references.get(f);
  if (!known) references.set(f, (known = new Map()));
  const key = `${outer.name} ${inner.name}`;
  let result = known.get(key);
  if (!result) known.set(key, (result = interpreted(outer.apply(inner.apply(f)))));
  return result;
}

function outcome(subject: Subject, outer: Transformation, inner: Transformation, compile: boolean): Outcome {
  const needsLinear = outer.linear || inner.linear;
  if (outer.linear && !inner.keepsLinear) return 'none';
  const pair = needsLinear ? subject.linear : subject;
  if (!pair) return 'none';
  const f = outer.apply(inner.apply(pair.f));
  // One position for all: taking the stack of every operation is most of the time of tracing.
  return withSource(here, () => compare(f, pair.reference, outer, inner, compile));
}

const here = currentSource();

function compare(f: Fn, reference: Fn, outer: Transformation, inner: Transformation, compile: boolean): Outcome {
  try {
    const wanted = referenceOf(reference, outer, inner);
    const wrong = difference(interpreted(f), wanted) ?? (compile && difference(compiled(f), wanted));
    if (wrong) return { wrong };
    return compile ? 'compiled' : 'checked';
  } catch (error) {
    const { message } = error as Error;
    if (/reverse-mode differentiation cannot run a loop of unknown length backwards/.test(message)) return 'backwards';
    return { wrong: message };
  }
}

/** Which compositions are compiled as well: each transformation and each subject several times, on the whole a nineteenth. */
const isCompiled = (subject: number, outer: number, inner: number): boolean =>
  (subject + 5 * outer + 7 * inner) % 19 === 0;

export const rows = (only?: string): Row[] =>
  subjects.flatMap((subject, s) => {
    if (only !== undefined && subject.name !== only) return [];
    const outcomes = transformations.map((outer, i) =>
      transformations.map((inner, j) => outcome(subject, outer, inner, isCompiled(s, i, j))),
    );
    return [{ subject: subject.name, outcomes }];
  });

const symbols: Record<string, string> = { checked: '✓', compiled: '●', backwards: '∞', none: '·' };
const symbol = (o: Outcome): string => (typeof o === 'string' ? symbols[o]! : '✗');

/** docs/compositions.md. */
export function document(table: readonly Row[]): string {
  const count = (test: (o: Outcome) => boolean): number => table.flatMap((r) => r.outcomes.flat(2)).filter(test).length;
  const names = transformations.map((t) => t.name);
  const grids = table.map(({ subject, outcomes }) => {
    const head = `| outer ↓ inner → | ${names.join(' | ')} |\n|---|${names.map(() => ':-:').join('|')}|`;
    const lines = outcomes.map((line, i) => `| ${names[i]} | ${line.map(symbol).join(' | ')} |`);
    return `## ${subject}\n\n${head}\n${lines.join('\n')}\n`;
  });
  return `# Compositions

Written by \`npm run compositions\` from [\`test/compositions\`](../test/compositions); the tests fail when it is stale.

Every composition outer(inner(f)) of two transformations, on a function f with each control-flow and implicit primitive.
The result is compared with that of the same composition on a function of equal values in straight-line code, or on the
solution written down, to ${tolerance} of its largest element in float64. \`vmap\` is over lanes that take different branches, different
numbers of steps, and converge to different solutions.

${count((o) => o === 'checked' || o === 'compiled')} compositions agree, ${count((o) => o === 'compiled')} of them compiled as well as interpreted.

- ✓ agrees with the reference
- ● agrees, interpreted and compiled to WebAssembly
- ∞ reverse mode through a loop of unknown length: an error that says so, as in JAX, and names the ways out (\`scan\` or a
  \`foriLoop\` with number bounds, \`maxSteps\`, implicit differentiation)
- · does not apply: \`linearTranspose\` of a function that is not linear

${grids.join('\n')}`;
}
