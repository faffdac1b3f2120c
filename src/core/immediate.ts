/** Operations outside of transformations that need nothing but their kernel. */
import type { DirectFunction } from '../../jit/eager/direct.ts';
import type { Cell } from '../../jit/storage/cell.ts';
import { type ArrayLike, NDArray } from '../array.ts';
import { isScalarOf, type ShapedArray, shapedArray } from './aval.ts';
import { functionOf } from './plan.ts';
import { noParams, type Primitive } from './primitive.ts';
import { isImmediate } from './recorded.ts';

/** How an operation on operands of known types is executed; undefined where more is to be done than to call its kernel. */
interface Way {
  readonly output: ShapedArray;
  readonly direct: DirectFunction | undefined;
}

const noWay: Way = { output: shapedArray([], 'float32'), direct: undefined };

const resultOf = ({ output }: Way, cell: Cell | undefined): NDArray | undefined => cell && new NDArray(output, cell);

/** What is known by the type of an operand. The last one asked for is at hand. */
class ByType<T> {
  private readonly known = new Map<ShapedArray, T>();
  private type: ShapedArray | undefined;
  private last: T | undefined;

  of(type: ShapedArray): T | undefined {
    if (this.type === type) return this.last;
    const found = this.known.get(type);
    if (found !== undefined) {
      this.type = type;
      this.last = found;
    }
    return found;
  }

  keep(type: ShapedArray, value: T): T {
    this.known.set(type, value);
    return value;
  }
}

/**
 * An elementwise operation without parameters, for operands that need no conversion and no broadcasting. It goes by their types
 * alone, from the operands to the kernel: promotion, the trace and the plan take several times as long as ten elements. Everything
 * else, such as a disposed operand, has undefined for an answer, and takes the longer way to its result or its error.
 */
export class Immediate {
  private readonly primitive: Primitive;
  private readonly takes: (aval: ShapedArray) => boolean;
  private readonly ofOne = new ByType<Way>();
  private readonly ofTwo = new ByType<ByType<Way>>();
  private readonly withNumber = new ByType<Way>();
  private readonly afterNumber = new ByType<Way>();

  /** @param takes whether an operand of this type is used as it is */
  constructor(primitive: Primitive, takes: (aval: ShapedArray) => boolean) {
    this.primitive = primitive;
    this.takes = takes;
  }

  one(x: ArrayLike): NDArray | undefined {
    if (!(x instanceof NDArray) || !isImmediate()) return undefined;
    const { stored, aval } = x;
    if (stored === undefined) return undefined;
    const way = this.ofOne.of(aval) ?? this.ofOne.keep(aval, this.wayOf([aval]));
    return resultOf(way, way.direct?.one(stored));
  }

  two(x: ArrayLike, y: ArrayLike): NDArray | undefined {
    if (!isImmediate()) return undefined;
    if (!(x instanceof NDArray))
      return typeof x === 'number' && y instanceof NDArray ? this.number(x, y, true) : undefined;
    if (!(y instanceof NDArray)) return typeof y === 'number' ? this.number(y, x, false) : undefined;
    const { stored: a, aval } = x;
    const { stored: b } = y;
    if (a === undefined || b === undefined) return undefined;
    const ways = this.ofTwo.of(aval) ?? this.ofTwo.keep(aval, new ByType());
    const way = ways.of(y.aval) ?? ways.keep(y.aval, this.wayOf([aval, y.aval]));
    return resultOf(way, way.direct?.two(a, b));
  }

  private number(value: number, x: NDArray, isFirst: boolean): NDArray | undefined {
    const { stored, aval } = x;
    if (stored === undefined) return undefined;
    const ways = isFirst ? this.afterNumber : this.withNumber;
    let way = ways.of(aval);
    if (!way) {
      const scalar = shapedArray([], aval.dtype);
      way = ways.keep(aval, aval.isFloating ? this.wayOf(isFirst ? [scalar, aval] : [aval, scalar]) : noWay);
    }
    const { direct } = way;
    if (!direct) return undefined;
    const y = aval.dtype === 'float32' ? Math.fround(value) : value;
    return resultOf(way, isFirst ? direct.numberWith(y, stored) : direct.withNumber(stored, y));
  }

  private wayOf(avals: readonly ShapedArray[]): Way {
    const [x, y] = avals as [ShapedArray, ShapedArray | undefined];
    const isReady = y === undefined || (!x.weakType && !y.weakType && (x === y || isScalarOf(x, y)));
    if (!isReady || !avals.every(this.takes)) return noWay;
    const outputs = this.primitive.type(avals, noParams);
    return { output: outputs[0]!, direct: functionOf(this.primitive, avals, noParams, outputs).direct };
  }
}
