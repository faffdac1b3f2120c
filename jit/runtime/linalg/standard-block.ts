/** Blocks of two rows of a real Schur form. */
import { type Expr, type Func, FunctionBuilder, f64c, type Local, load, op, select } from '../../wasm/code.ts';
import { f64 } from './plane.ts';
import { nearLargest } from './spectral-constants.ts';

/** Where `standard_block` leaves numbers: the block, the cosine and the sine of the rotation, and the eigenvalues' imaginary part. */
export const blockAt = { a: 0, b: 8, c: 16, d: 24, cosine: 32, sine: 40, im: 48 } as const;

export const standardBlockFunctions = (): Func[] => [safeLength(), equalDiagonal(), standardBlock()];

/** safe_length(x, y) → √(x² + y²) where the squares may vanish; not both are 0. */
function safeLength(): Func {
  const f = new FunctionBuilder('safe_length', ['f64', 'f64'], 'f64');
  const [x, y] = f.parameters;
  const [a, b] = [f.let(f64.abs(x)), f.let(f64.abs(y))];
  const larger = f.let(op('f64.max', a, b));
  const share = f.let(f64.div(op('f64.min', a, b), larger));
  f.return(f64.mul(larger, f64.sqrt(f64.add(f64c(1), f64.mul(share, share)))));
  return f.build();
}

/**
 * standard_block(at): the block [[a, b], [c, d]] there becomes one with c = 0, or with a = d and b·c < 0; with the rotation that does it, as
 * [the reference](../../../src/lax/linalg/francis.ts) has it.
 */
function standardBlock(): Func {
  const f = new FunctionBuilder('standard_block', ['i32']);
  const [at] = f.parameters;
  const number = (offset: number): Expr => f.let(load('f64.load', at, offset));
  const put = (offset: number, value: Expr): void => f.store('f64.store', at, value, offset);
  f.call('equal_diagonal', at);
  const [b, c] = [number(blockAt.b), number(blockAt.c)];
  // Of a pair, which a quarter of a turn exchanges, the form with the larger element above.
  f.if(op('f64.lt', f64.abs(b), f64.mul(f64c(nearLargest), f64.abs(c))), () => {
    const [cosine, sine] = [number(blockAt.cosine), number(blockAt.sine)];
    put(blockAt.b, f64.neg(c));
    put(blockAt.c, f64.neg(b));
    put(blockAt.cosine, f64.neg(sine));
    put(blockAt.sine, cosine);
  });
  const im = f64.mul(f64.sqrt(f64.abs(b)), f64.sqrt(f64.abs(c)));
  put(blockAt.im, select(op('f64.eq', c, f64c(0)), f64c(0), im));
  return f.build();
}

/** equal_diagonal(at): the block with c = 0 or a = d, and the rotation. */
function equalDiagonal(): Func {
  const f = new FunctionBuilder('equal_diagonal', ['i32']);
  const [at] = f.parameters;
  const [a, b, c, d] = [blockAt.a, blockAt.b, blockAt.c, blockAt.d].map((offset) =>
    f.var(load('f64.load', at, offset)),
  ) as [Local, Local, Local, Local];
  const [cosine, sine] = [f.var(f64c(1)), f.var(f64c(0))];
  const zero = f64c(0);
  const length = (x: Expr, y: Expr): Expr => ({ kind: 'call', type: 'f64', fn: 'safe_length', args: [x, y] });
  const isNegative = (x: Expr): Expr => op('f64.lt', x, zero);
  const signs = (x: Expr, y: Expr): Expr => op('i32.eq', isNegative(x), isNegative(y));
  const signed = (size: Expr, sign: Expr): Expr => select(isNegative(sign), f64.neg(size), size);
  const done = (): void => {
    [a, b, c, d, cosine, sine].forEach((value, k) => {
      f.store('f64.store', at, value, 8 * k);
    });
    f.return();
  };
  f.if(op('f64.eq', c, zero), done);
  f.if(op('f64.eq', b, zero), () => {
    const first = f.var(a);
    f.set(a, d);
    f.set(d, first);
    f.set(b, f64.neg(c));
    f.set(c, zero);
    f.set(cosine, zero);
    f.set(sine, f64c(1));
    done();
  });
  f.if(op('i32.and', op('f64.eq', a, d), op('i32.eqz', signs(b, c))), done);
  const p = f.let(f64.mul(f64c(0.5), f64.sub(a, d)));
  const larger = f.let(op('f64.max', f64.abs(b), f64.abs(c)));
  const lesser = f.let(op('f64.min', f64.abs(b), f64.abs(c)));
  const product = f.let(select(signs(b, c), lesser, f64.neg(lesser)));
  const scale = f.let(op('f64.max', f64.abs(p), larger));
  const discriminant = f.let(f64.add(f64.mul(f64.div(p, scale), p), f64.mul(f64.div(larger, scale), product)));
  f.if(op('f64.ge', discriminant, f64.mul(f64c(4 * Number.EPSILON), scale)), () => {
    const z = f.let(f64.add(p, signed(f64.mul(f64.sqrt(scale), f64.sqrt(discriminant)), p)));
    const by = f.let(length(c, z));
    f.set(a, f64.add(d, z));
    f.set(d, f64.sub(d, f64.mul(f64.div(larger, z), product)));
    f.set(cosine, f64.div(z, by));
    f.set(sine, f64.div(c, by));
    f.set(b, f64.sub(b, c));
    f.set(c, zero);
    done();
  });
  const sigma = f.let(f64.add(b, c));
  const by = f.let(length(sigma, f64.mul(f64c(2), p)));
  f.set(cosine, f64.sqrt(f64.mul(f64c(0.5), f64.add(f64c(1), f64.div(f64.abs(sigma), by)))));
  f.set(sine, f64.mul(f64.neg(f64.div(p, f64.mul(by, cosine))), signed(f64c(1), sigma)));
  const both = (x: Expr, y: Expr, s: Expr, t: Expr): Expr => f.let(f64.add(f64.mul(x, s), f64.mul(y, t)));
  const less = (x: Expr, s: Expr, y: Expr, t: Expr): Expr => f.let(f64.sub(f64.mul(x, s), f64.mul(y, t)));
  const [aa, bb] = [both(a, b, cosine, sine), less(b, cosine, a, sine)];
  const [cc, dd] = [both(c, d, cosine, sine), less(d, cosine, c, sine)];
  const middle = f.let(f64.mul(f64c(0.5), f64.add(both(aa, cc, cosine, sine), less(dd, cosine, bb, sine))));
  const above = both(bb, dd, cosine, sine);
  const below = less(cc, cosine, aa, sine);
  f.set(a, middle);
  f.set(d, middle);
  f.set(b, above);
  f.set(c, below);
  f.if(op('f64.eq', below, zero), done);
  f.if(op('f64.eq', above, zero), () => {
    f.set(b, f64.neg(below));
    f.set(c, zero);
    const kept = f.var(cosine);
    f.set(cosine, f64.neg(sine));
    f.set(sine, kept);
    done();
  });
  f.if(op('i32.eqz', signs(above, below)), done);
  const [root, rootBelow] = [f.let(f64.sqrt(f64.abs(above))), f.let(f64.sqrt(f64.abs(below)))];
  const apart = f.let(signed(f64.mul(root, rootBelow), below));
  const share = f.let(f64.div(f64c(1), f64.sqrt(f64.abs(f64.add(above, below)))));
  const [c1, s1] = [f.let(f64.mul(root, share)), f.let(f64.mul(rootBelow, share))];
  f.set(a, f64.add(middle, apart));
  f.set(d, f64.sub(middle, apart));
  f.set(b, f64.sub(above, below));
  f.set(c, zero);
  const turned = less(cosine, c1, sine, s1);
  f.set(sine, f64.add(f64.mul(cosine, s1), f64.mul(sine, c1)));
  f.set(cosine, turned);
  done();
  return f.build();
}
