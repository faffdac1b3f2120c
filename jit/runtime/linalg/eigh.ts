import { constant } from '../../lower/expressions/scalar-code.ts';
import { add, mul, sub } from '../../wasm/addresses.ts';
import { call, type Func, FunctionBuilder, f64c, i32c, type Local, op, select } from '../../wasm/code.ts';
import { type FloatCode, loadFloat } from '../../wasm/vector-loops.ts';
import { byteOffset } from './blocks.ts';
import { carryOut, endChain, noteAt, rotateChains, rotationAt } from './chains.ts';
import { divideFunctions } from './divide.ts';
import { mergingFunctions } from './merging.ts';
import { indexInOrder, orderFunctions, read } from './orders.ts';
import { f64, get, put } from './plane.ts';
import { reflectionFunctions } from './reflections.ts';
import { secularFunctions } from './secular.ts';
import { chainHeader, dividedFrom, negligible } from './spectral-constants.ts';
import { tridiagonalFunctions } from './tridiagonal.ts';

/**
 * Householder reflections to [tridiagonal form](./tridiagonal.ts), then implicit QL (Golub & Van Loan, Matrix Computations, 4th ed., § 8.3):
 *
 *     eigh_f32(batch, n, wanted, symmetrize, a, values, vectors, matrix, rows, diagonal, beside, taus, products, order, notes, blocks, room)
 *
 * `wanted` is n, or 0 to leave the vectors. Of ½(a + aᵀ) with `symmetrize`, else of the lower triangle. The last ten are scratch memory of float64: the matrix as it is reduced, which
 * keeps the reflections in its rows; an eigenvector in each row; the tridiagonal matrix; n more numbers each, and n indices;
 * rotations; and room for what is done by blocks, and for divide and conquer.
 *
 * Vectors of larger matrices come from [divide and conquer](./divide.ts), and are multiplied by the reflections afterwards.
 */
export const eighFunctions = (code: FloatCode): Func[] => [widenLower(code), batches(code)];

export const symmetricFunctions = (): Func[] => [
  ...reflectionFunctions(),
  ...tridiagonalFunctions(),
  implicitQl(),
  rotateChains(),
  ...secularFunctions(),
  ...orderFunctions(),
  ...mergingFunctions(),
  ...divideFunctions(),
];

/** implicit_ql(n, d, e, z, count, notes) → 1, or 0 after 30 steps for each eigenvalue; turns rows of `count` elements at z. */
function implicitQl(): Func {
  const f = new FunctionBuilder('implicit_ql', new Array(6).fill('i32'), 'i32');
  const [n, d, e, z, count, notes] = f.parameters;
  const chains = noteAt(f, notes, z, count);
  const left = f.var(mul(n, i32c(30)));
  const [m, i] = [f.local('i32'), f.local('i32')];
  const [g, r, s, c, p] = Array.from({ length: 5 }, () => f.local('f64')) as [Local, Local, Local, Local, Local];
  const one = i32c(1);
  f.for(0, n, (l) => {
    const searching = f.local('i32');
    f.set(searching, one);
    f.while(searching, () => {
      f.set(m, l);
      f.while(op('i32.lt_s', m, sub(n, one)), () => {
        const size = f64.add(f64.abs(get(d, m)), f64.abs(get(d, m, 1)));
        const bound = f64.add(f64.mul(f64c(Number.EPSILON), size), f64c(negligible));
        f.if(op('f64.le', f64.abs(get(e, m)), bound), () => f.break());
        f.set(m, add(m, one));
      });
      f.if(
        op('i32.eq', m, l),
        () => f.set(searching, i32c(0)),
        () => {
          f.if(op('i32.eqz', left), () => f.return(i32c(0)));
          f.set(left, sub(left, one));
          f.set(g, f64.div(f64.sub(get(d, l, 1), get(d, l)), f64.mul(f64c(2), get(e, l))));
          f.set(r, f64.sqrt(f64.add(f64.mul(g, g), f64c(1))));
          const divisor = select(op('f64.ge', g, f64c(0)), f64.add(g, r), f64.sub(g, r));
          f.set(g, f64.add(f64.sub(get(d, m), get(d, l)), f64.div(get(e, l), divisor)));
          f.set(s, f64c(1));
          f.set(c, f64c(1));
          f.set(p, f64c(0));
          f.set(i, sub(m, one));
          f.while(op('i32.ge_s', i, l), () => {
            const side = f.let(f64.mul(s, get(e, i)));
            const b = f.let(f64.mul(c, get(e, i)));
            f.set(r, f64.length(side, g));
            put(f, e, i, r, 1);
            f.if(op('f64.eq', r, f64c(0)), () => {
              put(f, d, i, f64.sub(get(d, i, 1), p), 1);
              put(f, e, m, f64c(0));
              f.break();
            });
            f.set(s, f64.div(side, r));
            f.set(c, f64.div(g, r));
            f.set(g, f64.sub(get(d, i, 1), p));
            f.set(r, f64.add(f64.mul(f64.sub(get(d, i), g), s), f64.mul(f64.mul(f64c(2), c), b)));
            f.set(p, f64.mul(s, r));
            put(f, d, i, f64.add(g, p), 1);
            f.set(g, f64.sub(f64.mul(c, r), b));
            const note = f.let(rotationAt(chains, sub(m, add(i, one))));
            f.store('f64.store', note, c, chainHeader);
            f.store('f64.store', note, s, chainHeader + 8);
            f.set(i, sub(i, one));
          });
          // Downwards from row m: its neighbour is the row above it.
          const turns = { first: m, count: sub(sub(m, one), i), down: true, longest: n };
          f.if(count, () => endChain(f, chains, turns));
          f.if(op('i32.lt_s', i, l), () => {
            put(f, d, l, f64.sub(get(d, l), p));
            put(f, e, l, g);
            put(f, e, m, f64c(0));
          });
        },
      );
    });
  });
  carryOut(f, chains);
  f.return(one);
  return f.build();
}

function batches(code: FloatCode): Func {
  const { type } = code;
  const f = new FunctionBuilder(`eigh_${type}`, new Array(17).fill('i32'));
  const [
    batch,
    n,
    wanted,
    symmetrize,
    a,
    values,
    vectors,
    matrix,
    rows,
    diagonal,
    beside,
    taus,
    products,
    order,
    notes,
    blocks,
    room,
  ] = f.parameters;
  const row = f.let(op('i32.shl', n, i32c(3)));
  const sourceRow = f.let(byteOffset(code, n));
  const scale = f.local('f64');
  f.for(0, batch, () => {
    f.call(`widen_lower_${type}`, n, symmetrize, a, matrix);
    f.set(scale, call('scale_f64', 'f64', matrix, mul(n, n)));
    const finite = f.var(op('f64.eq', scale, scale));
    f.if(finite, () => {
      f.call('widen_f64', matrix, matrix, n, n, row, i32c(8), f64.div(f64c(1), scale));
      f.call('tridiagonal', n, matrix, diagonal, beside, taus, products, blocks);
      const reflections = [row, i32c(1), matrix, row, taus, blocks];
      f.if(
        op('i32.ge_s', wanted, i32c(dividedFrom)),
        () => {
          f.set(finite, call('divide_and_conquer', 'i32', n, diagonal, beside, rows, order, notes, room));
          f.call('multiply_reflections', n, n, sub(n, i32c(1)), rows, ...reflections);
        },
        () => {
          f.if(wanted, () => f.call('accumulate', n, n, sub(n, i32c(1)), rows, ...reflections));
          f.set(finite, call('implicit_ql', 'i32', n, diagonal, beside, rows, wanted, notes));
          f.call('sort_indices', n, diagonal, order);
        },
      );
    });
    f.if(op('i32.eqz', finite), () => indexInOrder(f, order, i32c(0), n));
    // NaN spreads over everything from the factor.
    const factor = f.let(select(finite, scale, f64c(Number.NaN)));
    f.for(0, n, (i) => put(f, products, i, get(diagonal, read(order, i))));
    f.call(`narrow_${type}`, values, products, i32c(1), n, row, i32c(8), factor);
    const unit = f.let(select(finite, f64c(1), f64c(Number.NaN)));
    f.call(`write_columns_${type}`, wanted, wanted, rows, row, order, vectors, unit);
    f.set(a, add(a, mul(n, sourceRow)));
    f.set(values, add(values, sourceRow));
    f.set(vectors, add(vectors, mul(n, sourceRow)));
  });
  return f.build(true);
}

/** widen_lower_f32(n, symmetrize, from, to): the lower triangle, or that of the symmetric part, transposed, as float64 over zeros. */
function widenLower(code: FloatCode): Func {
  const { type, bytes } = code;
  const f = new FunctionBuilder(`widen_lower_${type}`, new Array(4).fill('i32'));
  const [n, symmetrize, from, to] = f.parameters;
  const [row, sourceRow] = [f.let(op('i32.shl', n, i32c(3))), f.let(byteOffset(code, n))];
  const half = constant(0.5, type === 'f32' ? 'float32' : 'float64');
  f.fill(to, i32c(0), mul(n, row));
  f.for(0, n, (j) => {
    const [along, down, target] = [f.var(from), f.var(from), f.var(to)];
    f.for(j, n, () => {
      const given = f.let(loadFloat(code, down));
      const mean = op(`${type}.mul`, op(`${type}.add`, given, loadFloat(code, along)), half);
      const value = select(symmetrize, mean, given);
      f.store('f64.store', target, type === 'f32' ? op('f64.promote_f32', value) : value);
      f.set(along, add(along, i32c(bytes)));
      f.set(down, add(down, sourceRow));
      f.set(target, add(target, i32c(8)));
    });
    f.set(from, add(from, add(sourceRow, i32c(bytes))));
    f.set(to, add(to, add(row, i32c(8))));
  });
  return f.build();
}
