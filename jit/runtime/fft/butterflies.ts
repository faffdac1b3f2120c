/** Transforms of a few numbers, written out: what each pass does with every group of vectors. */
import { type Expr, type FunctionBuilder, f32x4c, f64x2c, op, type Target } from '../../wasm/code.ts';
import type { FloatCode } from '../../wasm/vector-loops.ts';

/** A vector up to its sign, which goes into the additions that follow. */
interface Real {
  readonly vector: Expr;
  readonly isNegative: boolean;
}

export interface Complex {
  readonly re: Expr;
  readonly im: Expr;
}

interface Signed {
  readonly re: Real;
  readonly im: Real;
}

const positive = (vector: Expr): Real => ({ vector, isNegative: false });
const negated = ({ vector, isNegative }: Real): Real => ({ vector, isNegative: !isNegative });
/** −i·x. */
const quarterBack = ({ re, im }: Signed): Signed => ({ re: im, im: negated(re) });

/** Arithmetic on vectors of a dtype, whose results are locals of a function. */
export class Vectors {
  readonly code: FloatCode;
  private readonly f: FunctionBuilder;
  private readonly target: Target;

  constructor(f: FunctionBuilder, code: FloatCode, target: Target) {
    this.f = f;
    this.code = code;
    this.target = target;
  }

  constant(value: number): Expr {
    return this.code.type === 'f32' ? f32x4c(value) : f64x2c(value);
  }

  private binary(name: string, x: Expr, y: Expr): Expr {
    return this.f.let(op(`${this.code.shape}.${name}`, x, y));
  }

  add = (x: Expr, y: Expr): Expr => this.binary('add', x, y);
  sub = (x: Expr, y: Expr): Expr => this.binary('sub', x, y);
  mul = (x: Expr, y: Expr): Expr => this.binary('mul', x, y);

  /** x·y + z. */
  multiplyAdd(x: Expr, y: Expr, z: Expr): Expr {
    const { shape } = this.code;
    return this.target.fma ? this.f.let(op(`${shape}.relaxed_madd`, x, y, z)) : this.add(z, this.mul(x, y));
  }

  /** z − x·y. */
  multiplySubtract(x: Expr, y: Expr, z: Expr): Expr {
    const { shape } = this.code;
    return this.target.fma ? this.f.let(op(`${shape}.relaxed_nmadd`, x, y, z)) : this.sub(z, this.mul(x, y));
  }

  product(x: Complex, y: Complex): Complex {
    return {
      re: this.multiplySubtract(x.im, y.im, this.mul(x.re, y.re)),
      im: this.multiplyAdd(x.re, y.im, this.mul(x.im, y.re)),
    };
  }

  scaled({ re, im }: Complex, by: Expr): Complex {
    return { re: this.mul(re, by), im: this.mul(im, by) };
  }

  private sum(x: Real, y: Real): Real {
    if (x.isNegative === y.isNegative) return { vector: this.add(x.vector, y.vector), isNegative: x.isNegative };
    return positive(x.isNegative ? this.sub(y.vector, x.vector) : this.sub(x.vector, y.vector));
  }

  private plus(x: Signed, y: Signed): Signed {
    return { re: this.sum(x.re, y.re), im: this.sum(x.im, y.im) };
  }

  private minus(x: Signed, y: Signed): Signed {
    return this.plus(x, { re: negated(y.re), im: negated(y.im) });
  }

  private plain({ vector, isNegative }: Real): Expr {
    return isNegative ? this.f.let(op(`${this.code.shape}.neg`, vector)) : vector;
  }

  /** x·exp(−2πi·k/n). */
  private turned(x: Signed, k: number, n: number): Signed {
    const eighths = (8 * k) / n;
    if (eighths === 0) return x;
    if (eighths === 2) return quarterBack(x);
    if (eighths === 4) return { re: negated(x.re), im: negated(x.im) };
    if (eighths === 1 || eighths === 3) {
      // √½·(1 − i) times x, or times −i·x.
      const { re, im } = eighths === 1 ? x : quarterBack(x);
      const root = this.constant(Math.SQRT1_2);
      const times = ({ vector, isNegative }: Real): Real => ({ vector: this.mul(vector, root), isNegative });
      return { re: times(this.sum(re, im)), im: times(this.sum(im, negated(re))) };
    }
    const angle = (2 * Math.PI * k) / n;
    const [c, s] = [this.constant(Math.cos(angle)), this.constant(-Math.sin(angle))];
    const y = this.product({ re: this.plain(x.re), im: this.plain(x.im) }, { re: c, im: s });
    return { re: positive(y.re), im: positive(y.im) };
  }

  /** Σⱼ x[j]·exp(−2πi·jk/r) for k = 0 … r − 1. */
  transform(x: readonly Complex[]): Complex[] {
    const signed = x.map(({ re, im }) => ({ re: positive(re), im: positive(im) }));
    return this.small(signed).map(({ re, im }) => ({ re: this.plain(re), im: this.plain(im) }));
  }

  private small(x: readonly Signed[]): Signed[] {
    const n = x.length;
    if (n === 1) return [...x];
    if (n === 2) return [this.plus(x[0]!, x[1]!), this.minus(x[0]!, x[1]!)];
    if (n === 4) return this.composite(x, 2);
    if (n === 8) return this.composite(x, 4);
    if (n === 9) return this.composite(x, 3);
    return this.prime(x);
  }

  /** Of a·b numbers: b transforms of a, twiddles, a transforms of b. */
  private composite(x: readonly Signed[], a: number): Signed[] {
    const n = x.length;
    const b = n / a;
    const columns = Array.from({ length: b }, (_, j) => this.small(x.filter((_, i) => i % b === j)));
    const out: Signed[] = [];
    for (let k = 0; k < a; k++) {
      const row = this.small(columns.map((column, j) => this.turned(column[k]!, j * k, n)));
      row.forEach((value, i) => {
        out[k + a * i] = value;
      });
    }
    return out;
  }

  /** An odd prime: sums and differences of x[j] and x[r − j] are multiplied by cosines and sines alone. */
  private prime(x: readonly Signed[]): Signed[] {
    const r = x.length;
    const half = (r - 1) / 2;
    const numbers = x.map(({ re, im }) => ({ re: this.plain(re), im: this.plain(im) }));
    const [first] = numbers as [Complex];
    const pairs = Array.from({ length: half }, (_, j) => [numbers[j + 1]!, numbers[r - 1 - j]!] as const);
    const sums = pairs.map(([u, v]) => ({ re: this.add(u.re, v.re), im: this.add(u.im, v.im) }));
    const differences = pairs.map(([u, v]) => ({ re: this.sub(u.re, v.re), im: this.sub(u.im, v.im) }));
    const out: Signed[] = [];
    const whole = sums.reduce((total, s) => ({ re: this.add(total.re, s.re), im: this.add(total.im, s.im) }), first);
    out[0] = { re: positive(whole.re), im: positive(whole.im) };
    for (let k = 1; k <= half; k++) {
      const angle = (j: number): number => (2 * Math.PI * (((j + 1) * k) % r)) / r;
      const along = (part: 're' | 'im'): Expr =>
        sums.reduce((total, s, j) => this.multiplyAdd(s[part], this.constant(Math.cos(angle(j))), total), first[part]);
      const across = (part: 're' | 'im'): Expr =>
        differences
          .slice(1)
          .reduce(
            (total, d, j) => this.multiplyAdd(d[part], this.constant(Math.sin(angle(j + 1))), total),
            this.mul(differences[0]![part], this.constant(Math.sin(angle(0)))),
          );
      const [u, v] = [
        { re: along('re'), im: along('im') },
        { re: across('re'), im: across('im') },
      ];
      out[k] = { re: positive(this.add(u.re, v.im)), im: positive(this.sub(u.im, v.re)) };
      out[r - k] = { re: positive(this.sub(u.re, v.im)), im: positive(this.add(u.im, v.re)) };
    }
    return out;
  }
}
