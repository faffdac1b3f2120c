import type { LowerRule } from '../../jit/lower-rule.ts';
import type { JvpRule } from '../../transforms/jvp.ts';
import type { PartialEvalRule } from '../../transforms/partial-eval.ts';
import type { TransposeRule } from '../../transforms/transpose.ts';
import type { BatchRule } from '../../transforms/vmap.ts';
import type { ShapedArray } from './aval.ts';
import type { TypedArray } from './dtype.ts';
import type { Eqn } from './jaxpr.ts';
import type { Value } from './trace.ts';

/** A concrete array as the reference semantics see it: contiguous, row-major. */
export interface HostArray {
  readonly aval: ShapedArray;
  readonly data: TypedArray;
}

/**
 * How far two correct evaluations may differ. `exact`: bit-equal, NaNs equal. `ulp`: within so many units in the last
 * place of the output's dtype of the true value; where terms cancel, of their size `terms(x)`, if that is larger. `reduction`: |error| ≤ c·n·ε·Σ|terms| for `n` terms.
 */
export type Accuracy =
  | { readonly kind: 'exact' }
  | {
      readonly kind: 'ulp';
      readonly float32: number;
      readonly float64: number;
      readonly terms?: ((x: number) => number) | undefined;
    }
  | { readonly kind: 'reduction'; readonly c: number };

export const exact: Accuracy = { kind: 'exact' };
export const ulp = (float32: number, float64: number = float32, terms?: (x: number) => number): Accuracy => ({
  kind: 'ulp',
  float32,
  float64,
  terms,
});
export const reductionAccuracy = (c = 2): Accuracy => ({ kind: 'reduction', c });

export type Params = object;

const memory = Symbol('what is known of operations with these parameters');

/**
 * Parameters that are made once and used again and again: what eager evaluation works out for an operation with them, it
 * keeps.
 */
export function sharedParams<P extends Params>(params: P): P {
  // Quicker to get at than through a weak map, and not copied with them.
  Object.defineProperty(params, memory, { value: new Map<Primitive, unknown>() });
  return Object.freeze(params);
}

/** What is kept for each operation with shared parameters; undefined for others. */
export const knownOf = (params: Params): Map<Primitive, unknown> | undefined =>
  (params as { [memory]?: Map<Primitive, unknown> })[memory];
/** Whether they are; none of them are programs. */
export const areShared = (params: Params): boolean => (params as { [memory]?: object })[memory] !== undefined;

/** A table of parameters made once for each key. Forgets everything when there are many: programs have few. */
export function sharedParamsByKey<P extends Params>(): (key: string, make: () => P) => P {
  const table = new Map<string, P>();
  return (key, make) => {
    let params = table.get(key);
    if (!params) {
      if (table.size >= 4096) table.clear();
      table.set(key, (params = sharedParams(make())));
    }
    return params;
  };
}

/** Of operations that have none. */
export const noParams: Params = sharedParams({});

/** An input of a generated test: operand types (with the interval floats are drawn from) and parameters. */
export interface Sample {
  readonly inputs: readonly {
    readonly shape: readonly number[];
    readonly dtype: ShapedArray['dtype'];
    readonly low?: number;
    readonly high?: number;
    readonly values?: readonly number[];
  }[];
  readonly params?: Params;
}

/**
 * One operation of the IR: its name, its meaning and one rule per transformation. A missing rule is a compile error;
 * `jvp: 'zero'` is a decision.
 */
export interface Primitive<P = any> {
  readonly name: string;
  /** Abstract evaluation: types of the results, or a `ShapeError` / `DtypeError`. */
  readonly type: (inputs: readonly ShapedArray[], params: P) => readonly ShapedArray[];
  /** Reference semantics in plain JavaScript: the oracle of every test. */
  readonly run: (inputs: readonly HostArray[], params: P, outputs: readonly ShapedArray[]) => TypedArray[];
  readonly accuracy: Accuracy;
  readonly jvp: JvpRule<P> | 'zero';
  /** Present where the primitive is linear in some operands. */
  readonly transpose?: TransposeRule<P>;
  readonly batch: BatchRule<P>;
  readonly lower: LowerRule<P>;
  /** Primitives with sub-jaxprs say how to split into known and unknown; the default treats the equation as a whole. */
  readonly partialEval?: PartialEvalRule<P>;
  /** Drops what the used outputs do not need; returns undefined to keep the equation as it is. */
  readonly dce?: (
    eqn: Eqn,
    used: readonly boolean[],
  ) => { eqn: Eqn | undefined; usedInputs: readonly boolean[] } | undefined;
  /** True when executing the equation is visible from outside (debug print, callback). */
  readonly effectful?: (params: P) => boolean;
  /** Applies it with effects that happen only if the bool `active`. Without it they always happen. */
  readonly guard?: (active: Value, args: readonly Value[], params: P) => Value[];
  /** True when eager evaluation should compile the equation: it contains a loop or calls. */
  readonly hot?: boolean;
  /** Inputs for the generated tests (primitive × dtype × transformation). */
  readonly samples?: () => readonly Sample[];
}

/** Checks the record's shape at compile time; the identity at run time. */
export const primitive = <P>(record: Primitive<P>): Primitive<P> => record;
