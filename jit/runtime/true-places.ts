/** Where in an array of bools those are that are true. */
import { add } from '../wasm/addresses.ts';
import { call, type Func, FunctionBuilder, i32c, load, op } from '../wasm/code.ts';
import { inChunks } from './chunks.ts';

/**
 *     true_places(rows, n, x, to, counts)
 *
 * writes for each row of n the places of those that are true in order, then n for each of the others, and how many there are to `counts`. Each
 * place is written, and what is not true is overwritten by the next: a branch that goes one way in a twentieth of all cases would cost more.
 */
export const truePlacesFunctions = (): Func[] => [part(), whole()];

/** A run of elements from number `i` on; the result is where the next place goes. */
function part(): Func {
  const f = new FunctionBuilder('true_places_part', new Array(4).fill('i32'), 'i32');
  const [n, i, x, to] = f.parameters;
  const last = f.let(add(i, n));
  f.while(op('i32.lt_u', i, last), () => {
    f.store('i32.store', to, i);
    f.set(to, add(to, op('i32.shl', load('i32.load8_u', x), i32c(2))));
    f.set(i, add(i, i32c(1)));
    f.set(x, add(x, i32c(1)));
  });
  f.return(to);
  return f.build();
}

function whole(): Func {
  const f = new FunctionBuilder('true_places', new Array(5).fill('i32'));
  const [rows, n, x, to, counts] = f.parameters;
  const at = f.var(to);
  f.for(0, rows, () => {
    f.set(to, at);
    inChunks(f, n, (i, size) => f.set(at, call('true_places_part', 'i32', size, i, add(x, i), at)));
    const found = f.let(op('i32.shr_u', op('i32.sub', at, to), i32c(2)));
    f.store('i32.store', counts, found);
    f.for(found, n, () => {
      f.store('i32.store', at, n);
      f.set(at, add(at, i32c(4)));
    });
    f.set(x, add(x, n));
    f.set(counts, add(counts, i32c(4)));
  });
  return f.build(true);
}
