import type { ShapedArray } from './aval.ts';

/** Stands for an operand in which an equation is linear, while it is transposed: only its type is known. */
export class Linear {
  readonly aval: ShapedArray;
  constructor(aval: ShapedArray) {
    this.aval = aval;
  }
}

export const isLinear = (x: unknown): x is Linear => x instanceof Linear;
