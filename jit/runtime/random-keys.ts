/** Random keys: one hash each of a counter, as many as one likes of a key of two words. */
import { hashOf, roundsOf, type Schedule, scheduleOf, type Words } from '../math/threefry.ts';
import {
  type Expr,
  type Func,
  FunctionBuilder,
  i32c,
  i32x4c,
  i32x4lanes,
  type Local,
  op,
  select,
} from '../wasm/code.ts';
import { lanesRotated } from '../wasm/vector-blocks.ts';

/**
 *     random_keys(n, k0, k1, counter, step, to): for n counters, so far apart; rounded up to whole blocks
 *     split_key(k0, k1, i, word) → one of two words of a key that `split` makes
 */
export const randomKeyFunctions = (): Func[] => [randomKeys(), splitKey()];

/** Vectors of a block: so many chains of instructions that wait for each other, side by side. */
const vectors = 4;
export const blockKeys: number = 4 * vectors;

const scalarWords = (f: FunctionBuilder): Words<Expr> => ({
  constant: i32c,
  add: (x, y) => f.let(op('i32.add', x, y)),
  xor: (x, y) => f.let(op('i32.xor', x, y)),
  rotate: (x, by) => op('i32.rotl', x, i32c(by)),
});

function splitKey(): Func {
  const f = new FunctionBuilder('split_key', new Array(4).fill('i32'), 'i32');
  const [k0, k1, i, word] = f.parameters;
  const [first, second] = hashOf(scalarWords(f), [k0, k1], [i32c(0), i]);
  f.return(select(word, second, first));
  return f.build();
}

/** A block of keys at a time, of counters `step` apart. */
export interface KeyBlocks {
  /** Computes the next block and stores it. Between the twenty rounds is time for what does not wait for them. */
  store(to: Expr, between?: (round: number) => void): void;
}

export function keyBlocks(f: FunctionBuilder, key: readonly [Expr, Expr], counter: Expr, step: Expr): KeyBlocks {
  const splat = (x: Expr): Local => f.var(op('i32x4.splat', x));
  const schedule: Schedule<Local[]> = scheduleOf(scalarWords(f), key).map((words) => {
    const [x, y] = words.map((word) => new Array<Local>(vectors).fill(splat(word)));
    return [x!, y!];
  });
  const steps = Array.from({ length: vectors + 1 }, (_, i) => splat(op('i32.mul', step, i32c(4 * i))));
  const lanes = op('i32x4.mul', op('i32x4.splat', step), i32x4lanes(0, 1, 2, 3));
  const next = f.var(op('i32x4.add', op('i32x4.add', splat(counter), lanes), schedule[0]![1][0]!));
  const turned = { 16: f.var(lanesRotated(16)), 24: f.var(lanesRotated(24)) };
  const each = (name: string, x: Local[], y: Local[]): Local[] => x.map((a, i) => f.var(op(name, a, y[i]!)));
  return {
    store: (to, between) => {
      let round = 0;
      const words: Words<Local[]> = {
        constant: (value) => new Array<Local>(vectors).fill(f.var(i32x4c(value))),
        add: (x, y) => each('i32x4.add', x, y),
        xor: (x, y) => each('v128.xor', x, y),
        rotate: (x, by) => {
          between?.(round++);
          return x.map((a) =>
            f.var(
              by === 16 || by === 24
                ? op('i8x16.swizzle', a, turned[by])
                : op('v128.or', op('i32x4.shl', a, i32c(by)), op('i32x4.shr_u', a, i32c(32 - by))),
            ),
          );
        },
      };
      const counters = steps.slice(0, vectors).map((distance) => f.var(op('i32x4.add', next, distance)));
      f.set(next, op('i32x4.add', next, steps[vectors]!));
      const [x, y] = roundsOf(words, schedule, [schedule[0]![0], counters]);
      each('v128.xor', x, y).forEach((keys, i) => {
        f.store('v128.store', to, keys, 16 * i);
      });
    },
  };
}

function randomKeys(): Func {
  const f = new FunctionBuilder('random_keys', new Array(6).fill('i32'));
  const [n, k0, k1, counter, step, to] = f.parameters;
  const blocks = keyBlocks(f, [k0, k1], counter, step);
  f.for(
    0,
    n,
    () => {
      blocks.store(to);
      f.set(to, op('i32.add', to, i32c(4 * blockKeys)));
    },
    blockKeys,
  );
  return f.build();
}
