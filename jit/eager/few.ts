/** Operations on few elements that JavaScript computes to the same bits as WebAssembly. */
import type { ShapedArray } from '../../src/core/aval.ts';
import { type DType, isFloating } from '../../src/core/dtype.ts';
import { Cell } from '../storage/cell.ts';
import { mostFew } from '../storage/sizes.ts';
import type { DirectFunction } from './direct.ts';

/** Overwrites the elements of `z`, the first operand's or, where a number comes first, the second's. */
interface Loops {
  readonly one?: (z: number[]) => void;
  readonly two?: (z: number[], y: readonly number[]) => void;
  readonly withNumber?: (z: number[], y: number) => void;
  readonly numberWith?: (x: number, z: number[]) => void;
}

/**
 * What IEEE 754 rounds once, or not at all. Each loop is written out: one that calls a function for its operation takes
 * longer than the kernel with the copies to it and back.
 */
const loops: Readonly<Record<string, Loops>> = {
  add: {
    two(z, y) {
      for (let i = 0; i < z.length; i++) z[i] = z[i]! + y[i]!;
    },
    withNumber(z, y) {
      for (let i = 0; i < z.length; i++) z[i] = z[i]! + y;
    },
    numberWith(x, z) {
      for (let i = 0; i < z.length; i++) z[i] = x + z[i]!;
    },
  },
  sub: {
    two(z, y) {
      for (let i = 0; i < z.length; i++) z[i] = z[i]! - y[i]!;
    },
    withNumber(z, y) {
      for (let i = 0; i < z.length; i++) z[i] = z[i]! - y;
    },
    numberWith(x, z) {
      for (let i = 0; i < z.length; i++) z[i] = x - z[i]!;
    },
  },
  mul: {
    two(z, y) {
      for (let i = 0; i < z.length; i++) z[i] = z[i]! * y[i]!;
    },
    withNumber(z, y) {
      for (let i = 0; i < z.length; i++) z[i] = z[i]! * y;
    },
    numberWith(x, z) {
      for (let i = 0; i < z.length; i++) z[i] = x * z[i]!;
    },
  },
  div: {
    two(z, y) {
      for (let i = 0; i < z.length; i++) z[i] = z[i]! / y[i]!;
    },
    withNumber(z, y) {
      for (let i = 0; i < z.length; i++) z[i] = z[i]! / y;
    },
    numberWith(x, z) {
      for (let i = 0; i < z.length; i++) z[i] = x / z[i]!;
    },
  },
  max: {
    two(z, y) {
      for (let i = 0; i < z.length; i++) z[i] = Math.max(z[i]!, y[i]!);
    },
    withNumber(z, y) {
      for (let i = 0; i < z.length; i++) z[i] = Math.max(z[i]!, y);
    },
    numberWith(x, z) {
      for (let i = 0; i < z.length; i++) z[i] = Math.max(x, z[i]!);
    },
  },
  min: {
    two(z, y) {
      for (let i = 0; i < z.length; i++) z[i] = Math.min(z[i]!, y[i]!);
    },
    withNumber(z, y) {
      for (let i = 0; i < z.length; i++) z[i] = Math.min(z[i]!, y);
    },
    numberWith(x, z) {
      for (let i = 0; i < z.length; i++) z[i] = Math.min(x, z[i]!);
    },
  },
  neg: {
    one(z) {
      for (let i = 0; i < z.length; i++) z[i] = -z[i]!;
    },
  },
  abs: {
    one(z) {
      for (let i = 0; i < z.length; i++) z[i] = Math.abs(z[i]!);
    },
  },
  sqrt: {
    one(z) {
      for (let i = 0; i < z.length; i++) z[i] = Math.sqrt(z[i]!);
    },
  },
  floor: {
    one(z) {
      for (let i = 0; i < z.length; i++) z[i] = Math.floor(z[i]!);
    },
  },
  ceil: {
    one(z) {
      for (let i = 0; i < z.length; i++) z[i] = Math.ceil(z[i]!);
    },
  },
  trunc: {
    one(z) {
      for (let i = 0; i < z.length; i++) z[i] = Math.trunc(z[i]!);
    },
  },
};

/** In float64 first: of these operations on float32 that gives what rounding once does (Figueroa, When is double rounding innocuous?, 1995). */
function roundToFloat32(z: number[]): void {
  for (let i = 0; i < z.length; i++) z[i] = Math.fround(z[i]!);
}

/** The operation `name` as loops over JavaScript's own arrays; undefined where it has none, or there are more than a few elements. */
export function fewMap(name: string, inputs: readonly ShapedArray[], output: ShapedArray): DirectFunction | undefined {
  const { dtype, size } = output;
  const found = loops[name];
  const isOf = found && size > 1 && size <= mostFew && isFloating(dtype) && inputs.every((x) => x.dtype === dtype);
  return isOf
    ? new FewMap(
        found,
        dtype,
        inputs.map(({ ndim }) => ndim === 0),
      )
    : undefined;
}

/**
 * A map over few elements. A new array of JavaScript's is a copy of an operand, which takes less time than a typed array, and nothing is
 * copied to memory and back.
 */
class FewMap implements DirectFunction {
  private readonly dtype: DType;
  private readonly isFloat32: boolean;
  private readonly isNumberX: boolean;
  private readonly isNumberY: boolean;
  // Of a map that is called one way the other loops are not there, and not asked for.
  private readonly overOne: NonNullable<Loops['one']>;
  private readonly overTwo: NonNullable<Loops['two']>;
  private readonly overNumber: NonNullable<Loops['withNumber']>;
  private readonly afterNumber: NonNullable<Loops['numberWith']>;

  constructor(found: Loops, dtype: DType, isNumber: readonly boolean[]) {
    this.dtype = dtype;
    this.isFloat32 = dtype === 'float32';
    this.isNumberX = isNumber[0] === true;
    this.isNumberY = isNumber[1] === true;
    this.overOne = found.one!;
    this.overTwo = found.two!;
    this.overNumber = found.withNumber!;
    this.afterNumber = found.numberWith!;
  }

  one(x: Cell): Cell | undefined {
    const z = x.numbers()?.slice();
    if (!z) return undefined;
    this.overOne(z);
    return this.result(z);
  }

  two(x: Cell, y: Cell): Cell | undefined {
    if (this.isNumberX) return x.isNumber ? this.numberWith(x.number!, y) : undefined;
    if (this.isNumberY) return y.isNumber ? this.withNumber(x, y.number!) : undefined;
    const a = x.numbers();
    const b = y.numbers();
    if (!a || !b) return undefined;
    const z = a.slice();
    this.overTwo(z, b);
    return this.result(z);
  }

  withNumber(x: Cell, y: number): Cell | undefined {
    const z = x.numbers()?.slice();
    if (!z) return undefined;
    this.overNumber(z, y);
    return this.result(z);
  }

  numberWith(x: number, y: Cell): Cell | undefined {
    const z = y.numbers()?.slice();
    if (!z) return undefined;
    this.afterNumber(x, z);
    return this.result(z);
  }

  private result(z: number[]): Cell {
    if (this.isFloat32) roundToFloat32(z);
    return Cell.fromFew(this.dtype, z);
  }
}
