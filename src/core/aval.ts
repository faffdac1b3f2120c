import { type DType, isFloating, shortName } from './dtype.ts';
import { type Shape, sizeOf } from './shape.ts';

/**
 * What is known of a value before it is computed: its shape, its dtype, and whether the dtype is *weak*, that is, came
 * from a JavaScript number and gives way to the dtype of the array it meets. Weak floats are held in float64 and
 * become float32 when read or broadcast alone. Interned: equal avals are the same object.
 */
export class ShapedArray {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly weakType: boolean;
  /** Number of elements. */
  readonly size: number;

  /** Use {@link shapedArray}: avals are interned. */
  constructor(shape: Shape, dtype: DType, weakType: boolean) {
    this.shape = shape;
    this.dtype = dtype;
    this.weakType = weakType;
    this.size = sizeOf(shape);
  }

  get ndim(): number {
    return this.shape.length;
  }

  /** As errors and programs show it: `f32[3,4]`. */
  toString(): string {
    return `${shortName(this.dtype)}[${this.shape.join(',')}]`;
  }

  withShape(shape: Shape): ShapedArray {
    return shapedArray(shape, this.dtype, this.weakType);
  }

  withDType(dtype: DType): ShapedArray {
    return shapedArray(this.shape, dtype, false);
  }

  /** The same type without weakness. The dtype is kept: a weak float stays float64. */
  strong(): ShapedArray {
    return shapedArray(this.shape, this.dtype, false);
  }

  get isFloating(): boolean {
    return isFloating(this.dtype);
  }
}

const interned = new Map<string, ShapedArray>();

export function shapedArray(shape: Shape, dtype: DType, weakType = false): ShapedArray {
  const key = `${dtype}${weakType ? '*' : ''}${shape.join(',')}`;
  let aval = interned.get(key);
  if (!aval) {
    aval = new ShapedArray(Object.freeze([...shape]), dtype, weakType);
    interned.set(key, aval);
  }
  return aval;
}

/** Equal but for weakness: what a compiled program cares about. */
export const sameType = (a: ShapedArray, b: ShapedArray): boolean =>
  a === b || (a.dtype === b.dtype && a.shape.length === b.shape.length && a.shape.every((n, i) => n === b.shape[i]));
