/** Objectives in the form that solvers call them. */

import { type AnyFunction, onArrays } from '../../transforms/flat.ts';
import { valueAndGrad } from '../../transforms/grad.ts';
import type { Value } from '../core/trace.ts';

export interface ObjectiveOptions<H extends boolean = boolean, V extends boolean = boolean> {
  /** `fun` returns a pair [value, aux]. */
  hasAux?: H;
  /** `fun` returns its value together with its gradient: [value, grad], or [[value, aux], grad]. */
  valueAndGrad?: V;
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
    const f = onArrays(fun);
    this.both = given ? f : (valueAndGrad(f, { hasAux }) as AnyFunction);
    this.fun = given ? (...args: unknown[]) => f(...args)[0] : f;
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
