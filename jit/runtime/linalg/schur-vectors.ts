/** Eigenvectors of a real Schur form. */
import { add, mul, sub } from '../../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, f64c, i32c, type Local, load, op, select } from '../../wasm/code.ts';
import { type FloatCode, storeFloat } from '../../wasm/vector-loops.ts';
import { floatCodes } from './blocks.ts';
import { type Complex, complexCode } from './complex-code.ts';
import { at, dot, f64, get, put, scaleRun } from './plane.ts';
import { dropped, leastPivot, nearLargest, vectorLimit } from './spectral-constants.ts';

const one = i32c(1);

/**
 *     schur_vectors(n, t, row, re, im, rows)
 *
 * writes the right vectors of an upper quasi-triangular T as [the reference](../../../src/lax/linalg/schur-vectors.ts) does: a real one into its row, the real and the imaginary part
 * of that of a pair into the rows of both.
 */
export const schurVectorFunctions = (): Func[] => [
  largestOf(),
  substitute(),
  schurVectors(),
  flip(),
  unflip(),
  normalise(),
  ...floatCodes.map(writePlanes),
];

/** largest_of(x, count) → the largest magnitude. */
function largestOf(): Func {
  const f = new FunctionBuilder('largest_of', new Array(2).fill('i32'), 'f64');
  const [x, count] = f.parameters;
  const largest = f.var(f64c(0));
  f.for(0, count, (i) => f.set(largest, op('f64.max', largest, f64.abs(get(x, i)))));
  f.return(largest);
  return f.build();
}
const largestIn = (x: Expr, count: Expr): Expr => ({ kind: 'call', type: 'f64', fn: 'largest_of', args: [x, count] });

/** schur_substitute(t, row, im, top, end, wr, wi, x, y): elements above row `top` of the vector x + i·y to wr + i·wi; y only if wi is not 0. */
function substitute(): Func {
  const f = new FunctionBuilder('schur_substitute', ['i32', 'i32', 'i32', 'i32', 'i32', 'f64', 'f64', 'i32', 'i32']);
  const [t, row, im, top, end, wr, wi, x, y] = f.parameters;
  const { pair, size, times, minus, over, either, scaled } = complexCode(f);
  const isComplex = f.let(op('f64.ne', wi, f64c(0)));
  const least = f.let(op('f64.max', f64.mul(f64c(leastPivot), f64.add(f64.abs(wr), f64.abs(wi))), f64c(dropped)));
  const scale = (factor: Expr): void => {
    const by = f.let(factor);
    scaleRun(f, x, by, end);
    f.if(isComplex, () => scaleRun(f, y, by, end));
  };
  const rightSide = (i: Expr, from: Expr): { re: Local; im: Local } => {
    const own = f.let(at(add(t, mul(i, row)), from));
    const count = f.let(sub(end, from));
    const re = f.var(f64.neg(dot(own, at(x, from), count)));
    const imaginary = f.var(f64c(0));
    f.if(isComplex, () => f.set(imaginary, f64.neg(dot(own, at(y, from), count))));
    return { re, im: imaginary };
  };
  const pivot = (z: Complex): Complex => either(op('f64.lt', size(z), least), { re: least, im: f64c(0) }, z);
  const store = (i: Expr, z: Complex, offset = 0): void => {
    put(f, x, i, z.re, offset);
    f.if(isComplex, () => put(f, y, i, z.im, offset));
  };
  const shrink = (grown: Expr): void => {
    const largest = f.let(grown);
    f.if(op('f64.gt', largest, f64c(vectorLimit)), () => scale(f64.div(f64c(1), largest)));
  };
  const i = f.var(sub(top, one));
  f.while(op('i32.ge_s', i, i32c(0)), () => {
    const own = f.let(add(t, mul(i, row)));
    const diagonal = pair(f64.sub(get(own, i), wr), f64.neg(wi));
    f.if(
      op('f64.eq', get(im, i), f64c(0)),
      () => {
        const divisor = pivot(diagonal);
        const right = rightSide(i, f.let(add(i, one)));
        const largest = f.let(size(right));
        f.if(op('f64.gt', largest, f64.mul(f64c(vectorLimit), size(divisor))), () => {
          const by = f.let(f64.div(f64c(1), largest));
          scale(by);
          f.set(right.re, f64.mul(right.re, by));
          f.set(right.im, f64.mul(right.im, by));
        });
        const value = over(right, divisor);
        store(i, value);
        shrink(size(value));
      },
      () => {
        const over1 = f.let(sub(i, one));
        const first = f.let(sub(own, row));
        const b = pair(get(first, i), f64c(0));
        const c = pair(get(own, over1), f64c(0));
        const from = f.let(add(i, one));
        const [r, s] = [rightSide(over1, from), rightSide(i, from)];
        const isFirst = f.let(op('f64.ge', size(diagonal), size(c)));
        const main = either(isFirst, diagonal, c);
        const other = either(isFirst, c, diagonal);
        const factor = over(other, main);
        // Of the row that is left: [c, d] less a share of [d, b], or the other way round.
        const [mainRest, otherRest] = [either(isFirst, b, diagonal), either(isFirst, diagonal, b)];
        const rest = pivot(minus(otherRest, times(factor, mainRest)));
        const largest = f.let(op('f64.max', size(r), size(s)));
        const divisor = op('f64.min', size(rest), size(main));
        const by = f.var(f64c(1));
        f.if(op('f64.gt', largest, f64.mul(f64c(vectorLimit), divisor)), () => {
          f.set(by, f64.div(f64c(1), largest));
          scale(by);
        });
        const [mainRight, otherRight] = [scaled(either(isFirst, r, s), by), scaled(either(isFirst, s, r), by)];
        const q = over(minus(otherRight, times(factor, mainRight)), rest);
        const p = over(minus(mainRight, times(mainRest, q)), main);
        store(over1, p);
        store(i, q);
        shrink(op('f64.max', size(p), size(q)));
        f.set(i, over1);
      },
    );
    f.set(i, sub(i, one));
  });
  const largest = f.var(largestIn(x, end));
  f.if(isComplex, () => f.set(largest, op('f64.max', largest, largestIn(y, end))));
  scale(f64.div(f64c(1), largest));
  return f.build();
}

function schurVectors(): Func {
  const f = new FunctionBuilder('schur_vectors', new Array(6).fill('i32'));
  const [n, t, row, re, im, rows] = f.parameters;
  f.fill(rows, i32c(0), op('i32.shl', mul(n, n), i32c(3)));
  const bytes = f.let(op('i32.shl', n, i32c(3)));
  const j = f.var(sub(n, one));
  f.while(op('i32.ge_s', j, i32c(0)), () => {
    const isPair = f.let(op('f64.ne', get(im, j), f64c(0)));
    const top = f.let(sub(j, isPair));
    const [x, y] = [f.let(add(rows, mul(top, bytes))), f.let(add(rows, mul(j, bytes)))];
    const wi = f.let(get(im, top));
    f.if(
      isPair,
      () => {
        const b = f.let(get(add(t, mul(top, row)), j));
        const c = f.let(get(add(t, mul(j, row)), top));
        const isUpper = f.let(op('f64.ge', f64.abs(b), f64.abs(c)));
        put(f, x, top, select(isUpper, f64c(1), f64.neg(f64.div(wi, c))));
        put(f, y, j, select(isUpper, f64.div(wi, b), f64c(1)));
      },
      () => put(f, x, j, f64c(1)),
    );
    f.call('schur_substitute', t, row, im, top, add(j, one), get(re, top), wi, x, y);
    f.set(j, sub(top, one));
  });
  return f.build();
}

/** schur_flip(n, t, row, re, im, to, toRe, toIm): upside down and transposed, contiguous; its right vectors, read backwards, are left ones. */
function flip(): Func {
  const f = new FunctionBuilder('schur_flip', new Array(8).fill('i32'));
  const [n, t, row, re, im, to, toRe, toIm] = f.parameters;
  const last = f.let(sub(n, one));
  f.for(0, n, (i) => {
    const back = f.let(sub(last, i));
    put(f, toRe, i, get(re, back));
    put(f, toIm, i, f64.sub(f64c(0), get(im, back)));
    const place = f.var(at(add(t, mul(last, row)), back));
    f.for(0, n, () => {
      f.store('f64.store', to, load('f64.load', place));
      f.set(to, add(to, i32c(8)));
      f.set(place, sub(place, row));
    });
  });
  return f.build();
}

/** schur_unflip(n, im, from, to): left vectors in the rows of their eigenvalues, the conjugates of what was found for pairs. */
function unflip(): Func {
  const f = new FunctionBuilder('schur_unflip', new Array(4).fill('i32'));
  const [n, im, from, to] = f.parameters;
  f.for(0, n, (p) => {
    const own = f.let(get(im, p));
    const isFirst = op('f64.gt', own, f64c(0));
    const isSecond = f.let(op('f64.lt', own, f64c(0)));
    const partner = f.let(sub(add(p, isFirst), isSecond));
    const source = f.let(add(from, op('i32.shl', mul(n, sub(sub(n, one), partner)), i32c(3))));
    const sign = f.let(select(isSecond, f64c(-1), f64c(1)));
    f.for(0, n, (k) => put(f, to, k, f64.mul(sign, get(source, sub(sub(n, one), k)))));
    f.set(to, at(to, n));
  });
  return f.build();
}

/** schur_normalise(n, rows, im): length 1, and the first of the largest elements real and positive. */
function normalise(): Func {
  const f = new FunctionBuilder('schur_normalise', new Array(3).fill('i32'));
  const [n, rows, im] = f.parameters;
  const bytes = f.let(op('i32.shl', n, i32c(3)));
  const j = f.var(i32c(0));
  f.while(op('i32.lt_s', j, n), () => {
    const x = f.let(add(rows, mul(j, bytes)));
    const y = f.let(add(x, bytes));
    const isPair = f.let(op('f64.ne', get(im, j), f64c(0)));
    const largest = f.var(largestIn(x, n));
    f.if(isPair, () => f.set(largest, op('f64.max', largest, largestIn(y, n))));
    const [squares, most] = [f.var(f64c(0)), f.var(f64c(0))];
    const square = (k: Expr): Local => {
      const value = f.var(f64.mul(get(x, k), get(x, k)));
      f.if(isPair, () => f.set(value, f64.add(value, f64.mul(get(y, k), get(y, k)))));
      return value;
    };
    f.for(0, n, (k) => {
      put(f, x, k, f64.div(get(x, k), largest));
      f.if(isPair, () => put(f, y, k, f64.div(get(y, k), largest)));
      const own = square(k);
      f.set(squares, f64.add(squares, own));
      f.set(most, op('f64.max', most, own));
    });
    const bound = f.let(f64.mul(f64c(nearLargest), most));
    const own = f.local('f64');
    const k = f.var(i32c(-1));
    f.doWhile(op('f64.lt', own, bound), () => {
      f.set(k, add(k, one));
      f.set(own, square(k));
    });
    const length = f.let(f64.sqrt(squares));
    f.if(
      isPair,
      () => {
        const by = f.let(f64.mul(f64.sqrt(own), length));
        const [c, s] = [f.let(f64.div(get(x, k), by)), f.let(f64.div(get(y, k), by))];
        f.call('rotate', x, y, n, c, s);
        put(f, y, k, f64c(0));
      },
      () => {
        const factor = f.let(op('f64.copysign', length, get(x, k)));
        f.for(0, n, (i) => put(f, x, i, f64.div(get(x, i), factor)));
      },
    );
    f.set(j, add(add(j, one), isPair));
  });
  return f.build();
}

/** write_planes_f32(n, rows, im, real, imaginary, unit): vectors in columns of both planes, times 1 or NaN. */
function writePlanes(code: FloatCode): Func {
  const { type, bytes } = code;
  const f = new FunctionBuilder(`write_planes_${type}`, [...new Array<'i32'>(5).fill('i32'), 'f64']);
  const [n, rows, im, real, imaginary, unit] = f.parameters;
  const shift = i32c(Math.log2(bytes));
  const across = f.let(op('i32.shl', n, shift));
  const narrow = (value: Expr): Expr => (type === 'f32' ? op('f32.demote_f64', value) : value);
  f.for(0, n, (j) => {
    const own = f.let(get(im, j));
    const isSecond = f.let(op('f64.lt', own, f64c(0)));
    const isFirst = f.let(op('f64.gt', own, f64c(0)));
    const x = f.let(add(rows, op('i32.shl', mul(n, sub(j, isSecond)), i32c(3))));
    const y = f.let(add(x, op('i32.shl', mul(n, op('i32.or', isFirst, isSecond)), i32c(3))));
    const sign = f.let(f64.mul(unit, select(isFirst, f64c(1), select(isSecond, f64c(-1), f64c(0)))));
    const place = f.var(op('i32.shl', j, shift));
    f.for(0, n, (k) => {
      storeFloat(f, code, add(real, place), narrow(f64.mul(unit, get(x, k))));
      storeFloat(f, code, add(imaginary, place), narrow(f64.mul(sign, get(y, k))));
      f.set(place, add(place, across));
    });
  });
  return f.build();
}
