/** Checks of one primitive on its samples: compiled against interpreted, derivatives, batches. */

import { compile } from '../jit/compile.ts';
import type { Operand, RuntimeArgument } from '../jit/lower-rule.ts';
import { prebuiltModule } from '../jit/runtime/prebuilt.ts';
import { target } from '../jit/target.ts';
import { FunctionBuilder, i32c } from '../jit/wasm/code.ts';
import { access } from '../jit/wasm/loop-nest.ts';
import { shapedArray } from '../src/core/aval.ts';
import { allocate, byteSize, type TypedArray, viewOf } from '../src/core/dtype.ts';
import type { Primitive, Sample } from '../src/core/primitive.ts';
import { sizeOf } from '../src/core/shape.ts';
import { bind, type Value } from '../src/core/trace.ts';
import { grad, jvp, NDArray, vjp, vmap } from '../src/index.ts';
import { add, mul } from '../src/lax/arithmetic.ts';
import { sum } from '../src/lax/reductions.ts';

/** A small deterministic generator of numbers in [0, 1). */
export function numbers(seed: number): () => number {
  let state = seed * 2654435761 + 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

type Input = Sample['inputs'][number];

export function drawInput(input: Input, next: () => number): NDArray {
  const data = allocate(input.dtype, sizeOf(input.shape));
  const { low = -1, high = 1 } = input;
  for (let i = 0; i < data.length; i++) {
    const x = low + (high - low) * next();
    if (input.values) data[i] = input.values[i % input.values.length]!;
    else if (input.dtype === 'bool') data[i] = next() < 0.5 ? 0 : 1;
    else if (input.dtype === 'uint32') data[i] = Math.floor(Math.abs(x));
    else data[i] = input.dtype === 'int32' ? Math.round(x) : x;
  }
  return NDArray.fromHost(data, shapedArray(input.shape, input.dtype));
}

export const drawInputs = (sample: Sample, seed = 1): NDArray[] => {
  const next = numbers(seed);
  return sample.inputs.map((input) => drawInput(input, next));
};

export const host = (x: Value): TypedArray => x.hostData();

/**
 * Runs the primitive's kernel alone, in memory that surrounds every output with a pattern that must survive; with the functions of
 * another runtime module, if one is given.
 */
export function runKernel(
  primitive: Primitive,
  inputs: readonly NDArray[],
  params: object,
  runtimeModule: WebAssembly.Module = prebuiltModule('runtime')!,
): TypedArray[] {
  const { lower } = primitive;
  if (lower.kind !== 'kernel' && lower.kind !== 'runtime') throw new Error(`${primitive.name} has no kernel`);
  const outputs = primitive.type(
    inputs.map((x) => x.aval),
    params,
  );
  let top = 64;
  const place = (bytes: number) => {
    const at = top;
    top = (at + bytes + 16 + 63) & ~63;
    return at;
  };
  const inAt = inputs.map((x) => place(x.aval.size * byteSize(x.aval.dtype)));
  const outAt = outputs.map((aval) => place(aval.size * byteSize(aval.dtype)));
  // Operands of rank 0 come as parameters, as the compiler passes them.
  const scalars = inputs.filter((x) => x.aval.ndim === 0);
  const f = new FunctionBuilder(
    'kernel',
    scalars.map((x) => access(x.aval.dtype).type),
  );
  const operands: Operand[] = inputs.map((x, i) => ({
    aval: x.aval,
    shape: x.aval.shape,
    ptr: i32c(x.aval.ndim === 0 ? -16 : inAt[i]!),
    ...(x.aval.ndim === 0 ? { value: f.param(scalars.indexOf(x)) } : {}),
  }));
  const results: Operand[] = outputs.map((aval, i) => ({ aval, shape: aval.shape, ptr: i32c(outAt[i]!) }));
  const k = { f, target: target(), scratch: (bytes: number) => i32c(place(bytes)), math: () => 'none' };
  const called =
    lower.kind === 'runtime'
      ? lower.calls(
          params,
          inputs.map((x) => x.aval),
          outputs,
        )
      : undefined;
  const scratchAt = called ? place(called.scratch) : 0;
  if (lower.kind === 'kernel') lower.build(k, operands, results, params);
  const memory = new WebAssembly.Memory({ initial: Math.ceil((top + 65536) / 65536) });
  new Uint8Array(memory.buffer).fill(0xa5);
  inputs.forEach((x, i) => {
    viewOf(x.aval.dtype, memory.buffer, inAt[i]!, x.aval.size).set(host(x));
  });
  if (called) {
    const runtime = new WebAssembly.Instance(runtimeModule, { env: { memory } }).exports as any;
    const address = (x: RuntimeArgument): number => {
      if (typeof x === 'number') return x;
      if ('input' in x) return inAt[x.input]!;
      return 'output' in x ? outAt[x.output]! : scratchAt + x.scratch;
    };
    for (const { name, args } of called.calls) runtime[name](...args.map(address));
    const guard = new Uint8Array(memory.buffer, scratchAt + called.scratch, 16);
    if (!guard.every((byte) => byte === 0xa5)) throw new Error(`${primitive.name} wrote past its scratch memory`);
  } else {
    const module = compile({ imports: [], functions: [f.build(true)] });
    const { kernel } = new WebAssembly.Instance(module, { env: { memory } }).exports as any;
    kernel(...scalars.map((x) => host(x)[0]!));
  }
  outputs.forEach((aval, i) => {
    const end = outAt[i]! + aval.size * byteSize(aval.dtype);
    const after = new Uint8Array(memory.buffer, end, 16);
    if (!after.every((byte) => byte === 0xa5)) throw new Error(`${primitive.name} wrote past its output ${i}`);
  });
  inputs.forEach((x, i) => {
    const kept = viewOf(x.aval.dtype, memory.buffer, inAt[i]!, x.aval.size);
    if (x.aval.ndim > 0 && kept.some((v, j) => !Object.is(v, host(x)[j]))) {
      throw new Error(`${primitive.name} wrote into its operand ${i}`);
    }
  });
  return outputs.map((aval, i) => viewOf(aval.dtype, memory.buffer, outAt[i]!, aval.size).slice());
}

/** The largest |a − b| relative to 1 + |b|; NaN must meet NaN, and infinities themselves. */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    if (Object.is(a[i], b[i]) || a[i] === b[i]) continue;
    const d = Math.abs(a[i]! - b[i]!) / (1 + Math.abs(b[i]!));
    worst = Math.max(worst, Number.isNaN(d) ? Number.POSITIVE_INFINITY : d);
  }
  return worst;
}

export const describe = (primitive: Primitive, sample: Sample): string =>
  `${primitive.name} ${sample.inputs.map((x) => shapedArray(x.shape, x.dtype)).join(' ')} ${JSON.stringify(sample.params)}`;

/**
 * Compiled, and executed at once, against the reference semantics: equal bits, or within `tolerance`. Returns what went
 * wrong.
 */
export function checkKernel(primitive: Primitive, tolerance = 0): string[] {
  const wrong: string[] = [];
  for (const sample of primitive.samples?.() ?? []) {
    const inputs = drawInputs(sample);
    const params = sample.params ?? {};
    const types = primitive.type(
      inputs.map((x) => x.aval),
      params,
    );
    const operands = inputs.map((x) => ({ aval: x.aval, data: x.hostData() }));
    const wanted = primitive.run(operands, params, types);
    const scale = inputs[0]!.aval.dtype === 'float32' ? 2 ** 29 : 1;
    for (const [how, got] of [
      ['compiled', runKernel(primitive, inputs, params)],
      ['at once', bind(primitive, inputs, params).map(host)],
    ] as const)
      got.forEach((data, i) => {
        const d = difference(data, wanted[i]!);
        if (d > tolerance * scale) wrong.push(`${describe(primitive, sample)}, ${how}: output ${i} differs by ${d}`);
      });
  }
  return wrong;
}

const dotProduct = (a: TypedArray, b: TypedArray): number => [...a].reduce((sum, x, i) => sum + x * b[i]!, 0);

/** jvp against central differences, and the pullback against the jvp, on the float64 samples. */
export function checkDerivatives(
  primitive: Primitive,
  { reverse = true, tolerance = 1e-6 }: { reverse?: boolean; tolerance?: number } = {},
): string[] {
  const wrong: string[] = [];
  for (const sample of primitive.samples?.() ?? []) {
    if (sample.inputs[0]?.dtype !== 'float64') continue;
    const inputs = drawInputs(sample);
    const floating = inputs.map((x) => x.aval.isFloating);
    // All floating operands at once, and each alone (the others have a zero tangent then).
    const alone = inputs.flatMap((_, i) => (floating[i] ? [inputs.map((_, j) => j === i)] : []));
    for (const active of alone.length > 1 ? [floating, ...alone] : [floating]) {
      const next = numbers(7);
      const points = inputs.filter((_, i) => active[i]);
      const tangents = points.map((x) => drawInput({ shape: x.shape, dtype: 'float64' }, next));
      const f = (...xs: Value[]) => {
        let k = 0;
        return bind(
          primitive,
          inputs.map((x, i) => (active[i] ? xs[k++]! : x)),
          sample.params ?? {},
        ).filter((out) => out.aval.isFloating);
      };
      const name = `${describe(primitive, sample)} in operands ${active.flatMap((a, i) => (a ? [i] : []))}`;
      try {
        const [, dys] = jvp(f as any, points, tangents) as unknown as [Value[], Value[]];
        const h = 1e-6;
        const moved = (sign: number) =>
          f(
            ...points.map((x, i) =>
              NDArray.fromHost(
                host(x).map((v, j) => v + sign * h * host(tangents[i]!)[j]!),
                x.aval,
              ),
            ),
          );
        const [above, below] = [moved(1), moved(-1)];
        const [outs, pull] = vjpOf(f, points, reverse);
        dys.forEach((dy, i) => {
          const numeric = host(above[i]!).map((v, j) => (v - host(below[i]!)[j]!) / (2 * h));
          const finite = host(dy).map((v, j) => (Number.isNaN(host(outs[i]!)[j]!) ? 0 : v));
          const shown = numeric.map((v, j) => (Number.isNaN(host(outs[i]!)[j]!) ? 0 : v));
          const d = difference(finite, shown);
          if (d > tolerance * 10) wrong.push(`${name}: jvp of output ${i} differs from differences by ${d}`);
        });
        if (!pull) continue;
        const cts = outs.map((y) => drawInput({ shape: y.shape, dtype: 'float64' }, next));
        const back = pull(cts);
        const forward = dys.reduce((sum, dy, i) => sum + dotProduct(host(dy), host(cts[i]!)), 0);
        const backward = back.reduce((sum, x, i) => sum + dotProduct(host(x), host(tangents[i]!)), 0);
        const d = difference([backward], [forward]);
        if (d > 1e-9) wrong.push(`${name}: <ct, jvp> = ${forward}, <vjp, t> = ${backward}`);
      } catch (error) {
        wrong.push(`${name}: ${(error as Error).stack}`);
      }
    }
  }
  return wrong;
}

function vjpOf(
  f: (...xs: Value[]) => Value[],
  points: Value[],
  reverse: boolean,
): [Value[], ((cts: Value[]) => Value[]) | undefined] {
  return reverse ? (vjp(f as any, points) as any) : [f(...points), undefined];
}

/** A batch against the lanes one by one, for every choice of batched operands. */
export function checkBatches(primitive: Primitive, tolerance = 0, size = 3): string[] {
  const wrong: string[] = [];
  for (const sample of primitive.samples?.() ?? []) {
    const n = sample.inputs.length;
    const seeds = [1, 2, 3];
    const lanes = seeds.slice(0, size).map((seed) => {
      const inputs = drawInputs(sample, seed);
      // Computed positions differ from lane to lane, too; a permutation stays one.
      return inputs.map((x, i) => {
        const values = sample.inputs[i]!.values;
        if (!values || x.aval.dtype !== 'int32') return x;
        const count = primitive.name === 'permute' ? Math.max(...values) + 1 : Number.POSITIVE_INFINITY;
        return NDArray.fromHost(
          host(x).map((v) => (Math.abs(v) > 100 ? v : (v + seed - 1) % count)),
          x.aval,
        );
      });
    });
    const subsets =
      n > 4
        ? [(1 << n) - 1, ...Array.from({ length: n }, (_, i) => 1 << i)]
        : Array.from({ length: (1 << n) - 1 }, (_, i) => i + 1);
    for (const bits of subsets) {
      const batched = Array.from({ length: n }, (_, i) => ((bits >> i) & 1) === 1);
      const name = `${describe(primitive, sample)} batched ${batched}`;
      const args = batched.map((b, i) => {
        if (!b) return lanes[0]![i]!;
        const { aval } = lanes[0]![i]!;
        const data = allocate(aval.dtype, lanes.length * aval.size);
        lanes.forEach((lane, l) => {
          data.set(host(lane[i]!), l * aval.size);
        });
        return NDArray.fromHost(data, aval.withShape([lanes.length, ...aval.shape]));
      });
      try {
        const f = (...xs: Value[]) => bind(primitive, xs, sample.params ?? {});
        const outs = (vmap(f as any, { inAxes: batched.map((b) => (b ? 0 : null)) }) as any)(...args) as Value[];
        lanes.forEach((lane, l) => {
          const wanted = f(...lane.map((x, i) => (batched[i] ? x : lanes[0]![i]!)));
          wanted.forEach((y, i) => {
            const scale = y.aval.dtype === 'float32' ? 2 ** 29 : 1;
            const got = host(outs[i]!).subarray(l * y.aval.size, (l + 1) * y.aval.size);
            const d = difference(got, host(y));
            if (outs[i]!.aval.size !== lanes.length * y.aval.size || d > tolerance * scale) {
              wrong.push(`${name}: lane ${l} of output ${i} differs by ${d}`);
            }
          });
        });
      } catch (error) {
        wrong.push(`${name}: ${(error as Error).stack}`);
      }
    }
  }
  return wrong;
}

/** Hessian-vector products (forward over reverse) of Σ w·y² against differences of the gradient, on float64 samples. */
export function checkSecondDerivatives(primitive: Primitive, tolerance = 1e-6): string[] {
  const wrong: string[] = [];
  for (const sample of primitive.samples?.() ?? []) {
    if (sample.inputs[0]?.dtype !== 'float64') continue;
    const inputs = drawInputs(sample);
    const points = inputs.filter((x) => x.aval.isFloating);
    const loss = (...xs: Value[]) => {
      let k = 0;
      const next = numbers(11);
      return bind(
        primitive,
        inputs.map((x) => (x.aval.isFloating ? xs[k++]! : x)),
        sample.params ?? {},
      )
        .filter((y) => y.aval.isFloating)
        .map((y) => sum(mul(mul(y, y), drawInput({ shape: y.aval.shape, dtype: 'float64' }, next))))
        .reduce((a, b) => add(a, b));
    };
    const gradient = grad(loss as any, { argnums: points.map((_, i) => i) }) as any;
    const next = numbers(5);
    const tangents = points.map((x) => drawInput({ shape: x.shape, dtype: 'float64' }, next));
    const [, products] = jvp(gradient, points as any, tangents as any) as unknown as [Value[], Value[]];
    const h = 1e-6;
    const moved = (step: number): Value[] =>
      gradient(
        ...points.map((x, i) =>
          NDArray.fromHost(
            host(x).map((v, j) => v + step * host(tangents[i]!)[j]!),
            x.aval,
          ),
        ),
      );
    const [above, below] = [moved(h), moved(-h)];
    products.forEach((product, i) => {
      const numeric = host(above[i]!).map((v, j) => (v - host(below[i]!)[j]!) / (2 * h));
      const scale = Math.max(1, ...numeric.map(Math.abs));
      const d = difference(
        host(product).map((v) => v / scale),
        numeric.map((v) => v / scale),
      );
      // Where a window was filled with NaN, the gradient's differences are NaN although its derivative is not.
      if (d > tolerance && !numeric.some(Number.isNaN)) wrong.push(`${describe(primitive, sample)}: ${d}`);
    });
  }
  return wrong;
}
