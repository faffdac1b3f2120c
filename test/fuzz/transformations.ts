/** Transformations as text: each wraps the function that the text before it defines. */
import { isFloat, sizeOf, type Type, type Variable } from './program.ts';
import type { Random } from './random.ts';

/** The type of an argument and the interval that its elements are drawn from. */
export interface Argument extends Type {
  readonly low: number;
  readonly high: number;
}

/** A function on lists of arrays, and how it was made. */
export interface Stage {
  readonly name: string;
  readonly inputs: readonly Argument[];
  readonly outs: readonly Type[];
  /** An expression in terms of `f`, the function before. */
  readonly js: string;
  /** The same with the helpers of test/oracle/fuzz.py; missing where JAX has no such function. */
  readonly py: string | undefined;
}

/** @param most elements of what is differentiated */
export type Transformation = (f: Stage, random: Random, most?: number) => Stage | undefined;

const floats = (types: readonly Type[]): number[] => types.flatMap((t, i) => (isFloat(t) ? [i] : []));
const direction = (t: Type): Argument => ({ shape: t.shape, dtype: t.dtype, low: -1, high: 1 });
const elements = (types: readonly Type[]): number => types.reduce((n, t) => n + sizeOf(t.shape), 0);
/** What is differentiated has so many elements, or four times those of the largest value. */
const fewest = 120;

/** Arguments at `from` on for the inputs that are floats; the others stand for themselves, for they have no tangent. */
function directions(inputs: readonly Type[], from: number): string {
  let next = from;
  return `[${inputs.map((t, i) => (isFloat(t) ? `a[${next++}]` : `a[${i}]`)).join(', ')}]`;
}

export const jit: Transformation = (f) => ({ ...f, name: 'jit', js: 'jit(f)', py: 'jax.jit(f)' });

export const checkpoint: Transformation = (f) => ({
  ...f,
  name: 'checkpoint',
  js: 'checkpoint(f)',
  py: 'jax.checkpoint(f)',
});

const linear = (name: string, js: (f: Stage, active: readonly number[]) => string, py: string): Transformation => {
  return (f, _random, most = fewest) => {
    const active = floats(f.inputs);
    const out = floats(f.outs);
    if (active.length === 0 || out.length === 0 || elements(f.outs) > most) return undefined;
    return {
      name,
      inputs: [...f.inputs, ...active.map((i) => direction(f.inputs[i]!))],
      outs: [...f.outs, ...out.map((i) => f.outs[i]!)],
      js: js(f, out),
      py: `${py}(f, ${JSON.stringify(active)}, ${JSON.stringify(out)})`,
    };
  };
};

export const jvp: Transformation = linear(
  'jvp',
  (f, out) =>
    `(...a) => {\n  const [y, dy] = jvp(f, a.slice(0, ${f.inputs.length}), ${directions(f.inputs, f.inputs.length)});\n  return [...y, ${out.map((i) => `dy[${i}]`).join(', ')}];\n}`,
  'jvp_of',
);

export const linearize: Transformation = linear(
  'linearize',
  (f, out) =>
    `(...a) => {\n  const [y, df] = linearize(f, a.slice(0, ${f.inputs.length}));\n  const dy = df(...${directions(f.inputs, f.inputs.length)});\n  return [...y, ${out.map((i) => `dy[${i}]`).join(', ')}];\n}`,
  'jvp_of',
);

/** The same derivative through the transpose of the transpose of the linear map. */
export const transposedTwice: Transformation = linear(
  'transposedTwice',
  (f, out) => {
    const n = f.inputs.length;
    const active = floats(f.inputs);
    const all = directions(f.inputs, n).replaceAll(/a\[(\d+)\]/g, (whole, i) =>
      Number(i) >= n ? `t[${Number(i) - n}]` : whole,
    );
    return `(...a) => {
  const [y, df] = linearize(f, a.slice(0, ${n}));
  const push = (...t) => { const dy = df(...${all}); return [${out.map((i) => `dy[${i}]`).join(', ')}]; };
  const pull = (...c) => linearTranspose(push, ${active.map((i) => `a[${i}]`).join(', ')})(c);
  return [...y, ...linearTranspose(pull, ${out.map((i) => `y[${i}]`).join(', ')})(a.slice(${n}))];
}`;
  },
  'jvp_of',
);

export const vjp: Transformation = (f, _random, most = fewest) => {
  const active = floats(f.inputs);
  const out = floats(f.outs);
  if (active.length === 0 || out.length === 0 || elements(f.inputs) > most) return undefined;
  const n = f.inputs.length;
  let next = n;
  const cotangents = f.outs.map((t, i) => (isFloat(t) ? `a[${next++}]` : `y[${i}]`));
  return {
    name: 'vjp',
    inputs: [...f.inputs, ...out.map((i) => direction(f.outs[i]!))],
    outs: [...f.outs, ...active.map((i) => f.inputs[i]!)],
    js: `(...a) => {\n  const [y, pull] = vjp(f, a.slice(0, ${n}));\n  const dx = pull([${cotangents.join(', ')}]);\n  return [...y, ${active.map((i) => `dx[${i}]`).join(', ')}];\n}`,
    py: `vjp_of(f, ${JSON.stringify(active)}, ${JSON.stringify(out)}, ${n})`,
  };
};

/** The gradient of a weighted sum of all results, which it returns as well. */
export const grad: Transformation = (f, _random, most = fewest) => {
  const active = floats(f.inputs);
  const out = floats(f.outs);
  if (active.length === 0 || out.length === 0 || elements(f.inputs) > most) return undefined;
  const weights = out.map((_, k) => [1, -0.5, 0.75, 2][k % 4]!);
  const terms = out.map((i, k) => `np.sum(y[${i}]).mul(${weights[k]})`);
  const sum = terms.reduce((a, b) => `${a}.add(${b})`);
  const dtype = out.some((i) => f.outs[i]!.dtype === 'float64') ? 'float64' : 'float32';
  return {
    name: 'grad',
    inputs: f.inputs,
    outs: [{ shape: [], dtype }, ...active.map((i) => f.inputs[i]!)],
    js: `(...a) => {\n  const loss = (...x) => { const y = f(...x); return ${sum}; };\n  const [value, g] = valueAndGrad(loss, { argnums: [${active}] })(...a);\n  return [value, ...g];\n}`,
    py: `grad_of(f, ${JSON.stringify(active)}, ${JSON.stringify(out)}, ${JSON.stringify(weights)})`,
  };
};

const jacobian =
  (name: 'jacfwd' | 'jacrev'): Transformation =>
  (f, _random, most = fewest) => {
    const active = floats(f.inputs);
    const out = floats(f.outs);
    const size = elements(active.map((i) => f.inputs[i]!)) * elements(out.map((i) => f.outs[i]!));
    if (size === 0 || size > most) return undefined;
    return {
      name,
      inputs: f.inputs,
      outs: out
        .flatMap((i) =>
          active.map((j) => ({ dtype: f.outs[i]!.dtype, shape: [...f.outs[i]!.shape, ...f.inputs[j]!.shape] })),
        )
        .map((t, k) => (name === 'jacrev' ? { ...t, dtype: f.inputs[active[k % active.length]!]!.dtype } : t)),
      js: `(...a) => {\n  const main = (...x) => { const y = f(...x); return [${out.map((i) => `y[${i}]`).join(', ')}]; };\n  return ${name}(main, { argnums: [${active}] })(...a).flat();\n}`,
      py: `jacobian_of(jax.${name}, f, ${JSON.stringify(active)}, ${JSON.stringify(out)})`,
    };
  };

export const jacfwd: Transformation = jacobian('jacfwd');
export const jacrev: Transformation = jacobian('jacrev');

export interface Lanes {
  readonly size: number;
  readonly inAxes: readonly (number | null)[];
  readonly outAxes: readonly number[];
}

export interface VmapStage extends Stage {
  readonly lanes: Lanes;
}

const inserted = (shape: readonly number[], axis: number, n: number): number[] => [
  ...shape.slice(0, axis),
  n,
  ...shape.slice(axis),
];

export const vmap = (f: Stage, random: Random, most: number = fewest): VmapStage | undefined => {
  const size = random.choose([1, 2, 2, 3]);
  if ((elements(f.inputs) + elements(f.outs)) * size > 2 * most || f.inputs.length === 0) return undefined;
  const inAxes = f.inputs.map((t): number | null => (random.chance(0.75) ? random.integer(0, t.shape.length) : null));
  if (!inAxes.some((axis) => axis !== null)) inAxes[0] = 0;
  const outAxes = f.outs.map((t) => random.integer(0, t.shape.length));
  const written = (axes: readonly (number | null)[]): string => `[${axes.map(String).join(', ')}]`;
  return {
    name: 'vmap',
    inputs: f.inputs.map((t, i) => (inAxes[i] === null ? t : { ...t, shape: inserted(t.shape, inAxes[i]!, size) })),
    outs: f.outs.map((t, i) => ({ ...t, shape: inserted(t.shape, outAxes[i]!, size) })),
    js: `vmap(f, { inAxes: ${written(inAxes)}, outAxes: ${written(outAxes)} })`,
    py: `jax.vmap(f, in_axes=(${inAxes.map((a) => `${a === null ? 'None' : a},`).join(' ')}), out_axes=(${outAxes.map((axis) => `${axis},`).join(' ')}))`,
    lanes: { size, inAxes, outAxes },
  };
};

export interface StackOptions {
  readonly reversible: boolean;
  /** Most elements of a value of the program. */
  readonly size: number;
  readonly depth: number;
}

const forward: readonly Transformation[] = [jit, jvp, jacfwd, vmap, vmap, checkpoint, linearize];
const reverse: readonly Transformation[] = [vjp, grad, jacrev];

/** A random stack on top of a program. */
export function randomStack(base: Stage, random: Random, { reversible, depth, size }: StackOptions): Stage[] {
  const stack: Stage[] = [];
  const most = Math.max(fewest, 4 * size - 8);
  const choices = reversible ? [...forward, ...reverse, ...reverse] : forward;
  for (let i = 0; i < depth; i++) {
    const made = random.choose(choices)(stack.at(-1) ?? base, random, most);
    if (made && elements(made.inputs) <= 2 * most && elements(made.outs) <= 3 * most) stack.push(made);
  }
  return stack;
}

export const stageOf = (inputs: readonly Variable[], outs: readonly Variable[]): Stage => ({
  name: 'program',
  inputs: inputs.map(({ shape, dtype, low, high }) => ({ shape, dtype, low, high })),
  outs,
  js: '',
  py: '',
});
