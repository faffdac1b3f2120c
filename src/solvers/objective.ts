/** Objectives in the form that solvers call them. */
import { valueAndGrad } from '../../transforms/differentiate.ts';
import type { AnyFunction } from '../../transforms/flat.ts';
import type { Value } from '../core/trace.ts';

export interface ObjectiveOptions {
  /** `fun` returns a pair [value, aux]. */
  hasAux?: boolean;
  /** `fun` returns its value together with its gradient: [value, grad], or [[value, aux], grad]. */
  valueAndGrad?: boolean;
}

/** Names of the options of an objective. */
export const objectiveOptions: readonly string[] = ['fun', 'hasAux', 'valueAndGrad'];

/** What is known of an objective at a point. */
export interface Evaluation {
  readonly value: Value;
  readonly aux: unknown;
  readonly gradient: any;
}

export class Objective {
  private readonly fun: AnyFunction;
  readonly hasAux: boolean;
  private readonly both: AnyFunction;

  constructor(fun: AnyFunction, { hasAux = false, valueAndGrad: given = false }: ObjectiveOptions) {
    this.hasAux = hasAux;
    this.both = given ? fun : (valueAndGrad(fun, { hasAux }) as AnyFunction);
    this.fun = given ? (...args: unknown[]) => fun(...args)[0] : fun;
  }

  value(params: unknown, args: readonly unknown[]): Value {
    const result = this.fun(params, ...args);
    return this.hasAux ? result[0] : result;
  }

  evaluate(params: unknown, args: readonly unknown[]): Evaluation {
    const [result, gradient] = this.both(params, ...args);
    return { value: this.hasAux ? result[0] : result, aux: this.hasAux ? result[1] : null, gradient };
  }
}
