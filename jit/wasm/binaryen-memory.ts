import type { Expr } from './code.ts';
import type { BinaryenModule } from './emit.ts';

/**
 * Arguments of binaryen's C functions, in its memory. Strings stay; a literal, sixteen bytes or a list is overwritten by
 * the next one, since the call that it is made for reads it at once.
 */
export class BinaryenMemory {
  private readonly b: BinaryenModule;
  private readonly strings = new Map<string, number>();
  private readonly literalAt: number;
  private readonly vectorAt: number;
  private listAt: number;
  private listLength = 64;

  constructor(binaryen: BinaryenModule) {
    this.b = binaryen;
    this.literalAt = binaryen._malloc(binaryen._BinaryenSizeofLiteral());
    this.vectorAt = binaryen._malloc(16);
    this.listAt = binaryen._malloc(4 * this.listLength);
  }

  dispose(): void {
    for (const address of this.strings.values()) this.b._free(address);
    this.b._free(this.literalAt);
    this.b._free(this.vectorAt);
    this.b._free(this.listAt);
  }

  string(text: string): number {
    let address = this.strings.get(text);
    if (address === undefined) {
      const bytes = new TextEncoder().encode(text);
      address = this.b._malloc(bytes.length + 1) as number;
      this.write(address, bytes);
      this.b.__i32_store8(address + bytes.length, 0);
      this.strings.set(text, address);
    }
    return address;
  }

  /** Sixteen bytes. */
  vector(bytes: ArrayLike<number>): number {
    this.write(this.vectorAt, bytes);
    return this.vectorAt;
  }

  /** Operands or locals. */
  list(values: readonly number[]): number {
    if (values.length > this.listLength) {
      this.b._free(this.listAt);
      this.listLength = 2 * values.length;
      this.listAt = this.b._malloc(4 * this.listLength);
    }
    for (let i = 0; i < values.length; i++) this.b.__i32_store(this.listAt + 4 * i, values[i]);
    return this.listAt;
  }

  literal(e: Extract<Expr, { kind: 'const' }>): number {
    const { b, literalAt } = this;
    switch (e.type) {
      case 'i32':
        b._BinaryenLiteralInt32(literalAt, e.value);
        break;
      case 'i64':
        b._BinaryenLiteralInt64(literalAt, e.value);
        break;
      // By their bits, so that the sign of zero survives and every NaN is the canonical one.
      case 'f32':
        b._BinaryenLiteralFloat32Bits(literalAt, float32Bits(e.value));
        break;
      case 'f64':
        b._BinaryenLiteralFloat64Bits(literalAt, float64Bits(e.value));
        break;
      case 'v128':
        b._BinaryenLiteralVec128(literalAt, this.vector(e.bytes));
        break;
    }
    return literalAt;
  }

  private write(address: number, bytes: ArrayLike<number>): void {
    for (let i = 0; i < bytes.length; i++) this.b.__i32_store8(address + i, bytes[i]);
  }
}

const bits = new DataView(new ArrayBuffer(8));

function float32Bits(x: number): number {
  if (Number.isNaN(x)) return 0x7fc00000;
  bits.setFloat32(0, x);
  return bits.getInt32(0);
}

function float64Bits(x: number): bigint {
  if (Number.isNaN(x)) return 0x7ff8000000000000n;
  bits.setFloat64(0, x);
  return bits.getBigInt64(0);
}
