/**
 * Chains of rotations of neighbouring rows, as a sweep of QL or QR makes them: written down first, and carried out for some
 * sweeps at once, on eight columns at a time. These stay in the first-level cache from sweep to sweep, and a row that two
 * rotations share stays in registers between them.
 */
import { add, mul, sub } from '../../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, i32c, type Local, load, op } from '../../wasm/code.ts';
import { at } from './plane.ts';
import { chainHeader, keptSweeps } from './spectral-constants.ts';

/** What is written down, from `start` to `end`, for rows of `width` elements at `table`. */
export interface Chains {
  readonly start: Expr;
  readonly end: Local;
  readonly table: Expr;
  readonly width: Expr;
}

export const noteAt = (f: FunctionBuilder, start: Expr, table: Expr, width: Expr): Chains => ({
  start,
  end: f.var(start),
  table,
  width,
});

/** The address of c and s of rotation k of the chain that is being written. */
export const rotationAt = ({ end }: Chains, k: Expr): Expr => add(end, op('i32.shl', k, i32c(4)));

/**
 * Ends a chain of `count` rotations, the first of which turns row `first` and its neighbour; with `down`, the one above it. Room for
 * `longest` more must be left.
 */
export function endChain(
  f: FunctionBuilder,
  chains: Chains,
  { first, count, down, longest }: { first: Expr; count: Expr; down: boolean; longest: Expr },
): void {
  const { start, end, width } = chains;
  const row = f.let(op('i32.shl', width, i32c(3)));
  f.store('i32.store', end, mul(first, row));
  f.store('i32.store', end, count, 4);
  f.store('i32.store', end, down ? sub(i32c(0), row) : row, 8);
  f.set(end, add(end, add(op('i32.shl', count, i32c(4)), i32c(chainHeader))));
  const room = mul(longest, i32c(16 * keptSweeps));
  f.if(op('i32.gt_s', add(sub(end, start), op('i32.shl', longest, i32c(4))), room), () => carryOut(f, chains));
}

/** Turns the rows by all that is written down. */
export function carryOut(f: FunctionBuilder, { start, end, table, width }: Chains): void {
  f.call('rotate_chains', start, end, table, width);
  f.set(end, start);
}

/** rotate_chains(start, end, table, width): p ← c·p + s·q and q ← c·q − s·p along each chain. */
export function rotateChains(): Func {
  const f = new FunctionBuilder('rotate_chains', new Array(4).fill('i32'));
  const [start, end, table, width] = f.parameters;
  const last = f.let(at(table, width));
  const columns = f.var(table);
  const pass = (type: 'f64x2' | 'f64', vectors: number): void => {
    const bytes = type === 'f64' ? 8 : 16;
    const [loading, storing, broadcast] =
      type === 'f64' ? ['f64.load', 'f64.store', 'f64.load'] : ['v128.load', 'v128.store', 'v128.load64_splat'];
    const offsets = Array.from({ length: vectors }, (_, i) => i * bytes);
    f.while(op('i32.le_u', add(columns, i32c(vectors * bytes)), last), () => {
      const note = f.var(start);
      f.while(op('i32.lt_u', note, end), () => {
        const place = f.var(add(columns, load('i32.load', note)));
        const count = f.let(load('i32.load', note, 4));
        const stride = f.let(load('i32.load', note, 8));
        const held = offsets.map((offset) => f.var(load(loading!, place, offset)));
        f.set(note, add(note, i32c(chainHeader)));
        const stop = f.let(add(note, op('i32.shl', count, i32c(4))));
        f.while(op('i32.lt_u', note, stop), () => {
          const [c, s] = [f.let(load(broadcast!, note)), f.let(load(broadcast!, note, 8))];
          const next = f.let(add(place, stride));
          held.forEach((p, i) => {
            const q = f.let(load(loading!, next, offsets[i]!));
            f.store(storing!, place, op(`${type}.add`, op(`${type}.mul`, c, p), op(`${type}.mul`, s, q)), offsets[i]!);
            f.set(p, op(`${type}.sub`, op(`${type}.mul`, c, q), op(`${type}.mul`, s, p)));
          });
          f.set(place, next);
          f.set(note, add(note, i32c(16)));
        });
        held.forEach((p, i) => {
          f.store(storing!, place, p, offsets[i]!);
        });
      });
      f.set(columns, add(columns, i32c(vectors * bytes)));
    });
  };
  pass('f64x2', 4);
  pass('f64x2', 1);
  pass('f64', 1);
  return f.build();
}
