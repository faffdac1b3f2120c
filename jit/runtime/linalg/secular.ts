/** Eigenvalues and vectors of a diagonal matrix plus one of rank 1: what divide and conquer solves in every merge. */
import { add, mul, sub } from '../../wasm/addresses.ts';
import {
  type Expr,
  type Func,
  FunctionBuilder,
  f64c,
  f64x2c,
  i32c,
  type Local,
  load,
  op,
  select,
} from '../../wasm/code.ts';
import { at, bothLanes, f64, get, put } from './plane.ts';

/**
 *     secular_vectors(k, d, z, squared, values, rows, scratch)
 *
 * of D + z·zᵀ for ascending distinct d and nonzero z, where D = diag(d), or diag(d²) with `squared`. Writes the eigenvalues, or with
 * `squared` their roots, in ascending order, and in row j ẑᵢ/(dᵢ − λⱼ), which is a multiple of the eigenvector; and over z writes ẑ.
 *
 * λⱼ is the root of 1 + Σ zᵢ²/(dᵢ − λ) = 0 between dⱼ and its neighbour above. Roots are found as distances from the nearer of the
 * two, so that all dᵢ − λⱼ are right to the last bits, however close they are (R.-C. Li, Solving secular equations stably and
 * efficiently, LAPACK Working Note 89, 1993). ẑ are those z of which the computed λ are the exact eigenvalues, by Löwner's formula:
 * the vectors of that matrix are orthogonal to working accuracy (M. Gu and S. Eisenstat, A stable and efficient algorithm for the
 * rank-one modification of the symmetric eigenproblem, 1994). Scratch memory is of 2k numbers.
 */
export const secularFunctions = (): Func[] => [distances(), root(), vectors()];

const one = i32c(1);

/** pole_distances(k, d, origin, squared, to): dᵢ − origin, or dᵢ² − origin² as a product. */
function distances(): Func {
  const f = new FunctionBuilder('pole_distances', ['i32', 'i32', 'f64', 'i32', 'i32']);
  const [k, d, origin, squared, to] = f.parameters;
  const origins = f.let(op('f64x2.splat', origin));
  const write = (shape: string, loading: string, storing: string, from: Expr, isSquared: boolean) => (place: Expr) => {
    const pole = f.let(load(loading, add(d, place)));
    const distance = op(`${shape}.sub`, pole, from);
    f.store(
      storing,
      add(to, place),
      isSquared ? op(`${shape}.mul`, distance, op(`${shape}.add`, pole, from)) : distance,
    );
  };
  const all = (isSquared: boolean): void => {
    const pair = write('f64x2', 'v128.load', 'v128.store', origins, isSquared);
    inPairs(f, i32c(0), k, pair, write('f64', 'f64.load', 'f64.store', origin, isSquared));
  };
  f.if(
    squared,
    () => all(true),
    () => all(false),
  );
  return f.build();
}

/** Goes over elements `from` to `to`, by two and then one: `body` gets their offset in bytes. */
function inPairs(f: FunctionBuilder, from: Expr, to: Expr, pair: (at: Expr) => void, single: (at: Expr) => void): void {
  const place = f.var(op('i32.shl', from, i32c(3)));
  const end = f.let(op('i32.shl', to, i32c(3)));
  f.while(op('i32.le_s', add(place, i32c(16)), end), () => {
    pair(place);
    f.set(place, add(place, i32c(16)));
  });
  f.if(op('i32.lt_s', place, end), () => single(place));
}

/** Σ zᵢ²/(pᵢ − μ), and its derivative, over a range. */
function sums(f: FunctionBuilder, z: Expr, poles: Expr, mu: Expr, from: Expr, to: Expr): [value: Local, slope: Local] {
  const [values, slopes] = [f.var(f64x2c(0)), f.var(f64x2c(0))];
  const [value, slope] = [f.local('f64'), f.local('f64')];
  const mus = f.let(op('f64x2.splat', mu));
  f.set(value, f64c(0));
  f.set(slope, f64c(0));
  inPairs(
    f,
    from,
    to,
    (place) => {
      const weights = f.let(load('v128.load', add(z, place)));
      const ratio = f.let(op('f64x2.div', weights, op('f64x2.sub', load('v128.load', add(poles, place)), mus)));
      f.set(values, op('f64x2.add', values, op('f64x2.mul', weights, ratio)));
      f.set(slopes, op('f64x2.add', slopes, op('f64x2.mul', ratio, ratio)));
    },
    (place) => {
      const weight = f.let(load('f64.load', add(z, place)));
      const ratio = f.let(f64.div(weight, f64.sub(load('f64.load', add(poles, place)), mu)));
      f.set(value, f64.mul(weight, ratio));
      f.set(slope, f64.mul(ratio, ratio));
    },
  );
  f.set(value, f64.add(value, bothLanes(values)));
  f.set(slope, f64.add(slope, bothLanes(slopes)));
  return [value, slope];
}

/**
 * secular_root(k, j, d, z, squared, row, poles) → λⱼ, or its root; the row becomes dᵢ − λⱼ.
 *
 * A step replaces the terms on either side of the root by one pole each, dⱼ and dⱼ₊₁, with a constant between them: by values and
 * slopes of both sides (the middle way), or with the weight that the nearer pole has (fixed weight), which is better while that one
 * dominates. One takes turns with the other where it gains less than a digit. Above the last pole there are two on the same side.
 */
function root(): Func {
  const f = new FunctionBuilder('secular_root', new Array(7).fill('i32'), 'f64');
  const [k, j, d, z, squared, row, poles] = f.parameters;
  const isLast = f.let(op('i32.eq', j, sub(k, one)));
  const zero = f64c(0);
  const [low, high, mu, gap, origin] = ['f64', 'f64', 'f64', 'f64', 'f64'].map(() => f.local('f64')) as [
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  // The poles of the model, and where the terms of the second begin.
  const left = f.let(select(isLast, sub(j, one), j));
  const right = f.let(add(left, one));
  const square = (x: Expr): Expr => f64.mul(x, x);
  const [weightLeft, weightRight] = [f.local('f64'), f.local('f64')];
  /** The root of cη² − aη + b that is the smaller one for a > 0; above the last pole the other one. */
  const quadratic = (a: Expr, b: Expr, c: Expr): Expr => {
    const signed = f.let(select(isLast, f64.neg(a), a));
    const s = f.let(f64.sqrt(f64.abs(f64.sub(square(signed), f64.mul(f64.mul(f64c(4), b), c)))));
    const result = f.let(
      select(
        op('f64.gt', signed, zero),
        f64.div(f64.mul(f64c(2), b), f64.add(signed, s)),
        f64.div(f64.sub(signed, s), f64.mul(f64c(2), c)),
      ),
    );
    return select(isLast, f64.neg(result), result);
  };
  const finish = (): void => {
    inPairs(
      f,
      i32c(0),
      k,
      (place) => {
        const difference = op('f64x2.sub', load('v128.load', add(poles, place)), op('f64x2.splat', mu));
        f.store('v128.store', add(row, place), difference);
      },
      (place) => f.store('f64.store', add(row, place), f64.sub(load('f64.load', add(poles, place)), mu)),
    );
    // √(o² + μ) − o without cancellation.
    const distance = f64.div(mu, f64.add(origin, f64.sqrt(f64.add(square(origin), mu))));
    f.return(f64.add(origin, select(squared, distance, mu)));
  };
  f.set(origin, get(d, j));
  f.call('pole_distances', k, d, origin, squared, poles);
  f.if(op('i32.eq', k, one), () => {
    f.set(mu, square(get(z, i32c(0))));
    finish();
  });
  f.set(weightLeft, square(get(z, left)));
  f.set(weightRight, square(get(z, right)));
  f.set(gap, f64.sub(get(poles, right), get(poles, left)));
  // The sign in the middle tells the nearer pole. The last root is at most the sum of weights above its pole.
  f.if(
    isLast,
    () => {
      f.set(high, zero);
      f.for(0, k, (i) => f.set(high, f64.add(high, square(get(z, i)))));
    },
    () => f.set(high, gap),
  );
  const middle = f.let(f64.mul(f64c(0.5), high));
  const [below] = sums(f, z, poles, middle, i32c(0), left);
  const [above] = sums(f, z, poles, middle, add(right, one), k);
  const others = f.let(f64.add(f64c(1), f64.add(below, above)));
  const term = (weight: Expr, pole: Expr): Expr => f64.div(weight, f64.sub(get(poles, pole), middle));
  const value = f64.add(others, f64.add(term(weightLeft, left), term(weightRight, right)));
  const isBelow = f.let(op('f64.ge', value, zero));
  f.if(
    op('i32.or', isBelow, isLast),
    () => {
      f.set(low, select(isBelow, zero, middle));
      f.set(high, select(isBelow, middle, high));
    },
    () => {
      f.set(low, f64.neg(middle));
      f.set(high, zero);
      f.set(origin, get(d, right));
      f.call('pole_distances', k, d, origin, squared, poles);
    },
  );
  const nearLeft = f.let(op('i32.and', isBelow, op('i32.eqz', isLast)));
  // With the others as in the middle: c + w/(p − μ) + w'/(p' − μ) = 0, where p or p' is 0.
  const reach = f.let(select(nearLeft, gap, f64.neg(gap)));
  const bothWeights = f64.add(weightLeft, weightRight);
  const a0 = f.let(f64.add(f64.mul(others, reach), bothWeights));
  const b0 = f.let(f64.mul(select(nearLeft, weightLeft, weightRight), reach));
  f.set(mu, quadratic(a0, b0, others));
  const inside = (x: Expr): Expr => op('i32.and', op('f64.gt', x, low), op('f64.lt', x, high));
  const center = (): Expr => f64.mul(f64c(0.5), f64.add(low, high));
  f.set(mu, select(inside(mu), mu, center()));

  const isMiddleWay = f.var(isLast);
  const before = f.var(zero);
  f.for(0, 100, () => {
    const [psi, psiSlope] = sums(f, z, poles, mu, i32c(0), right);
    const [phi, phiSlope] = sums(f, z, poles, mu, right, k);
    const value = f.let(f64.add(f64c(1), f64.add(psi, phi)));
    const slope = f.let(f64.add(psiSlope, phiSlope));
    // What rounding of the sums and of μ may do to it.
    const sizes = f64.mul(f64c(4), f64.add(f64c(1), f64.add(f64.abs(psi), f64.abs(phi))));
    const noise = f64.mul(f64c(Number.EPSILON / 2), f64.add(sizes, f64.mul(f64.abs(mu), slope)));
    f.if(op('f64.le', f64.abs(value), noise), () => f.break());
    f.if(
      op('f64.lt', value, zero),
      () => f.set(low, mu),
      () => f.set(high, mu),
    );
    const isSlow = op('f64.gt', f64.abs(value), f64.mul(f64c(0.1), f64.abs(before)));
    const isSame = op('f64.gt', f64.mul(value, before), zero);
    f.if(op('i32.and', isSlow, isSame), () => f.set(isMiddleWay, op('i32.eqz', isMiddleWay)));
    f.set(before, value);
    const [toLeft, toRight] = [f.let(f64.sub(get(poles, left), mu)), f.let(f64.sub(get(poles, right), mu))];
    const c = f.local('f64');
    f.if(
      op('i32.or', isMiddleWay, isLast),
      () => f.set(c, f64.sub(f64.sub(value, f64.mul(toLeft, psiSlope)), f64.mul(toRight, phiSlope))),
      () => {
        const far = f64.mul(select(nearLeft, toRight, toLeft), slope);
        const near = f.let(select(nearLeft, toLeft, toRight));
        const weight = f64.div(select(nearLeft, weightLeft, weightRight), square(near));
        f.set(c, f64.add(f64.sub(value, far), f64.mul(reach, weight)));
      },
    );
    const product = f.let(f64.mul(toLeft, toRight));
    const a = f.let(f64.sub(f64.mul(f64.add(toLeft, toRight), value), f64.mul(product, slope)));
    const step = f.var(quadratic(a, f.let(f64.mul(product, value)), c));
    // The function increases.
    const isAstray = op('i32.eqz', op('f64.lt', f64.mul(step, value), zero));
    f.set(step, select(isAstray, f64.neg(f64.div(value, slope)), step));
    const next = f.let(f64.add(mu, step));
    const better = f.let(select(inside(next), next, center()));
    f.if(op('f64.eq', better, mu), () => f.break());
    f.set(mu, better);
  });
  finish();
  return f.build();
}

/** secular_vectors, as above. */
function vectors(): Func {
  const f = new FunctionBuilder('secular_vectors', new Array(7).fill('i32'));
  const [k, d, z, squared, values, rows, scratch] = f.parameters;
  const poles = scratch;
  const products = f.let(at(scratch, k));
  const rowOf = (j: Expr): Expr => at(rows, mul(j, k));
  f.for(0, k, (i) => put(f, products, i, f64c(1)));
  f.for(0, k, (j) => {
    const row = f.let(rowOf(j));
    put(f, values, j, { kind: 'call', type: 'f64', fn: 'secular_root', args: [k, j, d, z, squared, row, poles] });
    // ẑᵢ² = Π (λⱼ − dᵢ) / Π (dⱼ − dᵢ) over j, and over j ≠ i.
    f.call('pole_distances', k, d, get(d, j), squared, poles);
    put(f, products, j, f64.mul(get(products, j), get(row, j)));
    const multiply = (shape: string, loading: string, storing: string) => (place: Expr) => {
      const quotient = op(`${shape}.div`, load(loading, add(row, place)), load(loading, add(poles, place)));
      const so = load(loading, add(products, place));
      f.store(storing, add(products, place), op(`${shape}.mul`, so, quotient));
    };
    const [pair, single] = [multiply('f64x2', 'v128.load', 'v128.store'), multiply('f64', 'f64.load', 'f64.store')];
    inPairs(f, i32c(0), j, pair, single);
    inPairs(f, add(j, one), k, pair, single);
  });
  f.for(0, k, (i) => put(f, z, i, op('f64.copysign', f64.sqrt(f64.abs(get(products, i))), get(z, i))));
  f.for(0, k, (j) => {
    const row = f.let(rowOf(j));
    const divide = (shape: string, loading: string, storing: string) => (place: Expr) => {
      const quotient = op(`${shape}.div`, load(loading, add(z, place)), load(loading, add(row, place)));
      f.store(storing, add(row, place), quotient);
    };
    const [pair, single] = [divide('f64x2', 'v128.load', 'v128.store'), divide('f64', 'f64.load', 'f64.store')];
    inPairs(f, i32c(0), k, pair, single);
  });
  return f.build();
}
