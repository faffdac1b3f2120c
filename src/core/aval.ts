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

/** Types by their extents, one after the other. */
class Extents {
  aval: ShapedArray | undefined;
  readonly next: Map<number, Extents> = new Map();
}

const interned = { strong: new Map<DType, Extents>(), weak: new Map<DType, Extents>() };

export function shapedArray(shape: Shape, dtype: DType, weakType = false): ShapedArray {
  const byType = weakType ? interned.weak : interned.strong;
  let node: Extents | undefined = byType.get(dtype);
  if (!node) byType.set(dtype, (node = new Extents()));
  for (let i = 0; i < shape.length; i++) {
    const n = shape[i]!;
    let inner: Extents | undefined = node.next.get(n);
    if (!inner) node.next.set(n, (inner = new Extents()));
    node = inner;
  }
  return (node.aval ??= new ShapedArray(Object.freeze([...shape]), dtype, weakType));
}

/** Equal but for weakness: what a compiled program cares about. */
export const sameType = (a: ShapedArray, b: ShapedArray): boolean =>
  a === b || (a.dtype === b.dtype && a.shape.length === b.shape.length && a.shape.every((n, i) => n === b.shape[i]));

/** Of one dtype, and one of them of rank 0. */
export const isScalarOf = (x: ShapedArray, y: ShapedArray): boolean =>
  x.dtype === y.dtype && !y.weakType && (x.shape.length === 0 || y.shape.length === 0);
