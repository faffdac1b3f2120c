import type { ShapedArray } from './aval.ts';

/** A tangent or cotangent known to be zero, never materialised. */
export class Zero {
  readonly aval: ShapedArray;
  constructor(aval: ShapedArray) {
    this.aval = aval;
  }
}

export const isZero = (x: unknown): x is Zero => x instanceof Zero;
