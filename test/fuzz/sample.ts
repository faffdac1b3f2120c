/** A random program with a stack of transformations, and arguments for them: the unit that properties are checked on. */
import { type ShapedArray, shapedArray } from '../../src/core/aval.ts';
import { allocate, type DType } from '../../src/core/dtype.ts';
import type { HostArray } from '../../src/core/primitive.ts';
import * as cotangent from '../../src/index.ts';
import { Generator, type Limits } from './generator.ts';
import { productions } from './productions.ts';
import { allSteps, isFloat, type Program, sizeOf, withoutDeadSteps } from './program.ts';
import { Random } from './random.ts';
import { type Argument, randomStack, type Stage, stageOf } from './transformations.ts';
import { namespaces, writeProgram } from './write-javascript.ts';

export type ListFunction = (...xs: cotangent.NDArray[]) => cotangent.NDArray[];

export interface Sample {
  readonly seed: number;
  readonly program: Program;
  readonly stack: readonly Stage[];
}

export const reversible = (program: Program): boolean =>
  !allSteps(program.steps).some((step) => step.op === 'whileLoop');

export interface SampleOptions {
  readonly dtype?: DType;
  readonly jax?: boolean;
  /** Most elements of a value. */
  readonly size?: number;
}

export function makeSample(seed: number, { dtype, jax = false, size = 32 }: SampleOptions = {}): Sample {
  const random = new Random(seed);
  const type = dtype ?? random.choose<DType>(['float32', 'float64']);
  const limits: Limits = { steps: random.integer(2, 8), size, reversible: random.chance(0.9), jax };
  const program = withoutDeadSteps(new Generator(random, type, limits, productions(limits)).program());
  const depth = random.integer(0, 4);
  const stack = randomStack(stageOf(program.inputs, program.outs), random, {
    reversible: reversible(program),
    depth,
    size,
  });
  return { seed, program, stack };
}

const scope = namespaces.map((name) => (cotangent as Record<string, unknown>)[name]);

/** A function from its text. */
export function evaluateText(text: string, f?: unknown): ListFunction {
  return new Function(...namespaces, 'f', `return ${text};`)(...scope, f) as ListFunction;
}

export const programFunction = (program: Program): ListFunction => evaluateText(writeProgram(program));

/** The functions of a sample: the program, and what each transformation makes of the one before. */
export function functionsOf({ program, stack }: Sample): ListFunction[] {
  const result = [programFunction(program)];
  for (const stage of stack) result.push(evaluateText(stage.js, result.at(-1)));
  return result;
}

/** The outermost function, with a program in which functions are differentiated at copies of its values. */
export const copyingFunctionOf = ({ program, stack }: Sample): ListFunction =>
  stack.reduce((f, stage) => evaluateText(stage.js, f), evaluateText(writeProgram(program, { copies: true })));

export const avalOf = ({ shape, dtype }: { shape: readonly number[]; dtype: DType }): ShapedArray =>
  shapedArray(shape, dtype);

/** Arguments from their intervals; at times such that ties and halves are likely. */
export function drawArguments(types: readonly Argument[], seed: number): HostArray[] {
  const random = new Random(seed ^ 0x5bd1e995);
  return types.map((t) => {
    const data = allocate(t.dtype, sizeOf(t.shape));
    const coarse = random.chance(0.15);
    for (let i = 0; i < data.length; i++) {
      if (t.dtype === 'bool') data[i] = random.integer(0, 1);
      else if (!isFloat(t)) data[i] = random.integer(Math.max(t.low, -100), Math.min(t.high, 100));
      else data[i] = coarse ? Math.round(random.between(t.low, t.high) * 2) / 2 : random.between(t.low, t.high);
    }
    return { aval: avalOf(t), data };
  });
}

export const toArray = ({ aval, data }: HostArray): cotangent.NDArray => cotangent.NDArray.fromHost(data, aval);
