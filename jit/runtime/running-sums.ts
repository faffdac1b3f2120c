import { shortName } from '../../src/core/dtype.ts';
import { add } from '../wasm/addresses.ts';
import {
  type Expr,
  type Func,
  FunctionBuilder,
  f64x2c,
  i32c,
  type Local,
  lane,
  load,
  op,
  shuffle,
} from '../wasm/code.ts';

/*
 * Running sums of floats, in float64: what float32 loses of a long sum by adding one after the other is 0.8 % of 10⁶ numbers
 * near 4. One after the other each addition also waits for the one before; here four are under way, and the next four wait for one.
 */

export type Float = 'float32' | 'float64';

/** Added to this, every number stays as it is, −0 too. */
export const neutral = -0;
const firstHalf = [0, 1, 2, 3, 4, 5, 6, 7];
const secondHalf = firstHalf.map((i) => i + 8);
const secondOfOther = firstHalf.map((i) => i + 24);
const firstOfOther = firstHalf.map((i) => i + 16);

const nothing = f64x2c(neutral);
const splatFirst = (x: Expr): Expr => shuffle(x, x, [...firstHalf, ...firstHalf]);
const splatSecond = (x: Expr): Expr => shuffle(x, x, [...secondHalf, ...secondHalf]);

/** n more elements of a row that lie one behind the other, or in front if `reverse`, after `total`: the last result. */
export function runningRow(dtype: Float): Func {
  const f = new FunctionBuilder(`cumulative_row_add_${shortName(dtype)}`, ['i32', 'i32', 'i32', 'i32', 'f64'], 'f64');
  const [n, from, to, reverse, total] = f.parameters as [Local, Local, Local, Local, Local];
  const row = new RunningRow(f, dtype);
  f.if(
    reverse,
    () => row.write({ n, from, to, total }, true),
    () => row.write({ n, from, to, total }, false),
  );
  f.return(total);
  return f.build();
}

interface Place {
  readonly n: Local;
  readonly from: Local;
  readonly to: Local;
  readonly total: Local;
}

class RunningRow {
  private readonly f: FunctionBuilder;
  private readonly isWide: boolean;
  private readonly bytes: number;

  constructor(f: FunctionBuilder, dtype: Float) {
    this.f = f;
    this.isWide = dtype === 'float64';
    this.bytes = this.isWide ? 8 : 4;
  }

  write({ n, from, to, total }: Place, reverse: boolean): void {
    const { f, bytes } = this;
    const advance = (count: number): void => {
      const step = i32c((reverse ? -count : count) * bytes);
      f.set(from, add(from, step));
      f.set(to, add(to, step));
    };
    const carry = f.var(op('f64x2.splat', total));
    f.for(
      0,
      op('i32.and', n, i32c(-4)),
      () => {
        f.set(carry, reverse ? this.fourBackwards(from, to, carry) : this.four(from, to, carry));
        advance(4);
      },
      4,
    );
    f.set(total, lane('f64x2.extract_lane', 0, carry));
    f.for(0, op('i32.and', n, i32c(3)), () => {
      const x = this.isWide ? load('f64.load', from) : op('f64.promote_f32', load('f32.load', from));
      f.set(total, op('f64.add', total, x));
      if (this.isWide) f.store('f64.store', to, total);
      else f.store('f32.store', to, op('f32.demote_f64', total));
      advance(1);
    });
  }

  private four(from: Expr, to: Expr, carry: Expr): Expr {
    const [a, b] = this.read(from);
    const after = (x: Expr): Expr => this.sum(x, shuffle(nothing, x, [...firstHalf, ...firstOfOther]));
    const first = after(a);
    const second = this.sum(after(b), splatSecond(first));
    return this.put(to, this.sum(first, carry), this.sum(second, carry), (_, last) => splatSecond(last));
  }

  private fourBackwards(from: Expr, to: Expr, carry: Expr): Expr {
    const back = i32c(-3 * this.bytes);
    const [a, b] = this.read(this.f.let(add(from, back)));
    const before = (x: Expr): Expr => this.sum(x, shuffle(x, nothing, [...secondHalf, ...secondOfOther]));
    const second = before(b);
    const first = this.sum(before(a), splatFirst(second));
    const place = this.f.let(add(to, back));
    return this.put(place, this.sum(first, carry), this.sum(second, carry), (last) => splatFirst(last));
  }

  private sum(x: Expr, y: Expr): Expr {
    return this.f.let(op('f64x2.add', x, y));
  }

  private read(from: Expr): [Expr, Expr] {
    const { f } = this;
    const x = f.let(load('v128.load', from));
    if (this.isWide) return [x, f.let(load('v128.load', from, 16))];
    return [
      f.let(op('f64x2.promote_low_f32x4', x)),
      f.let(op('f64x2.promote_low_f32x4', shuffle(x, x, [...secondHalf, ...secondHalf]))),
    ];
  }

  /** Stores both halves; what the next four begin with. */
  private put(to: Expr, first: Expr, second: Expr, last: (first: Expr, second: Expr) => Expr): Expr {
    const { f } = this;
    if (this.isWide) {
      f.store('v128.store', to, first);
      f.store('v128.store', to, second, 16);
    } else {
      const narrow = (x: Expr): Expr => op('f32x4.demote_f64x2_zero', x);
      f.store('v128.store', to, shuffle(narrow(first), narrow(second), [...firstHalf, ...firstOfOther]));
    }
    return last(first, second);
  }
}

/** x[i] is added to state[i], in float64, and to[i] is that, for n elements. */
export function wideLine(): Func {
  const f = new FunctionBuilder('cumulative_line_add_f32', ['i32', 'i32', 'i32', 'i32']);
  const [n, to, state, x] = f.parameters as [Local, Local, Local, Local];
  const advance = (count: number): void => {
    for (const ptr of [to, x]) f.set(ptr, add(ptr, i32c(4 * count)));
    f.set(state, add(state, i32c(8 * count)));
  };
  f.for(
    0,
    op('i32.and', n, i32c(-4)),
    () => {
      const given = f.let(load('v128.load', x));
      const halves = [given, shuffle(given, given, [...secondHalf, ...secondHalf])].map((half, i) => {
        const total = f.let(op('f64x2.add', load('v128.load', state, 16 * i), op('f64x2.promote_low_f32x4', half)));
        f.store('v128.store', state, total, 16 * i);
        return op('f32x4.demote_f64x2_zero', total);
      });
      f.store('v128.store', to, shuffle(halves[0]!, halves[1]!, [...firstHalf, ...firstOfOther]));
      advance(4);
    },
    4,
  );
  f.for(0, op('i32.and', n, i32c(3)), () => {
    const total = f.let(op('f64.add', load('f64.load', state), op('f64.promote_f32', load('f32.load', x))));
    f.store('f64.store', state, total);
    f.store('f32.store', to, op('f32.demote_f64', total));
    advance(1);
  });
  return f.build();
}
