/** Makes random well-typed programs. The families of operations are in files of their own; this holds what they share. */
import type { DType } from '../../src/core/dtype.ts';
import {
  type FunctionBody,
  freeVariables,
  type Group,
  isFloat,
  leaves,
  type Program,
  type Step,
  sameShape,
  sizeOf,
  type Type,
  type Variable,
} from './program.ts';
import type { Random } from './random.ts';

/** Adds a step, or several, to the program; undefined where the values in scope do not allow it. */
export interface Production {
  readonly name: string;
  readonly weight: number;
  /** It holds functions of its own. */
  readonly nests?: boolean;
  readonly make: (g: Generator) => readonly Variable[] | undefined;
}

export interface Limits {
  /** Steps of the program itself. */
  readonly steps: number;
  /** Most elements of a value. */
  readonly size: number;
  /** Without loops that have no reverse mode. */
  readonly reversible: boolean;
  /** Only what JAX has too, with the same meaning. */
  readonly jax: boolean;
}

/** What is known of a result; the interval of floats is needed. */
export interface Result extends Type {
  readonly low?: number;
  readonly high?: number;
}

const integerRange: Record<string, readonly [number, number]> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  bool: [0, 1],
};

/** Floats beyond this are brought back before they are used again, so that float32 never overflows. */
const largest = 64;

export class Generator {
  readonly random: Random;
  readonly dtype: DType;
  readonly limits: Limits;
  readonly productions: readonly Production[];
  scope: Variable[] = [];
  steps: Step[] = [];
  private readonly used: Set<number> = new Set();
  /** How many functions the current one stands in. */
  depth = 0;
  /** How many reverse-mode derivatives the current function stands in. */
  private reversed = 0;
  private nextId: { value: number } = { value: 0 };

  constructor(random: Random, dtype: DType, limits: Limits, productions: readonly Production[]) {
    this.random = random;
    this.dtype = dtype;
    this.limits = limits;
    this.productions = productions;
  }

  variable({ shape, dtype, low, high }: Result, varies = true): Variable {
    const [least, most] = integerRange[dtype] ?? [Number.NaN, Number.NaN];
    return { id: this.nextId.value++, shape, dtype, low: low ?? least, high: high ?? most, varies };
  }

  /** Adds a step with one result. */
  emit(op: string, js: string, py: string | undefined, args: readonly Variable[], out: Result): Variable {
    return this.emitStep(op, js, py, args, [out], [], false)[0]!;
  }

  emitStep(
    op: string,
    js: string,
    py: string | undefined,
    args: readonly Variable[],
    results: readonly Result[],
    functions: readonly FunctionBody[] = [],
    list = true,
  ): Variable[] {
    const read = [...args, ...functions.flatMap(freeVariables)];
    const varies = read.some((v) => v.varies);
    const outs = results.map((r) => this.variable(r, varies));
    for (const v of read) this.used.add(v.id);
    this.steps.push({ op, js, py, args, functions, outs, list });
    this.scope.push(...outs);
    return outs;
  }

  /** A value that is looked at when the program gets here: the effect has the number of its result. */
  seen(v: Variable): Variable {
    const out = this.emit('effect', '', '$0', [v], v);
    const js = `((x) => { debug.callback((_) => globalThis.seen?.(${out.id}), x); return x; })($0)`;
    this.steps.push({ ...this.steps.pop()!, js });
    return out;
  }

  /** A value in scope: mostly one that depends on an input, often one that nothing uses yet, the later ones more often. */
  pick(accepts: (v: Variable) => boolean): Variable | undefined {
    let fitting = this.scope.filter(accepts);
    if (fitting.length === 0) return undefined;
    for (const [probability, preferred] of [
      [0.9, (v: Variable) => v.varies],
      [0.5, (v: Variable) => !this.used.has(v.id)],
    ] as const) {
      const some = fitting.filter(preferred);
      if (some.length > 0 && this.random.chance(probability)) fitting = some;
    }
    const back = Math.floor(this.random.next() ** 1.7 * fitting.length);
    return fitting[fitting.length - 1 - back]!;
  }

  /** Any float of the program's dtype or, at times, of the other one. */
  float(accepts: (v: Variable) => boolean = () => true): Variable {
    const other = this.random.chance(0.1);
    const found =
      this.pick((v) => isFloat(v) && (other || v.dtype === this.dtype) && v.shape.length <= 3 && accepts(v)) ??
      this.pick((v) => v.dtype === this.dtype && accepts(v));
    return this.bounded(found ?? this.constant([this.random.integer(1, 4)], this.dtype));
  }

  floatOf(shape: readonly number[], dtype: DType = this.dtype): Variable {
    const found = this.pick((v) => v.dtype === dtype && sameShape(v.shape, shape));
    if (found && this.random.chance(0.9)) return this.bounded(found);
    // `float` makes a value of the program's own dtype where there is none that it accepts.
    const other = this.random.chance(0.7) ? this.float((v) => v.dtype === dtype) : undefined;
    return this.shaped(other?.dtype === dtype ? other : this.constant(shape, dtype), shape);
  }

  /** `v`, or what is made of it, with the given shape: resized and reshaped. */
  shaped(v: Variable, shape: readonly number[]): Variable {
    if (sameShape(v.shape, shape)) return v;
    if (v.shape.length === 0 || sizeOf(v.shape) === 0) {
      const one = v.shape.length === 0 ? v : this.constant([], v.dtype);
      return this.emit(
        'broadcast',
        `np.broadcastTo($0, [${shape}])`,
        `jnp.broadcast_to($0, (${tuple(shape)}))`,
        [one],
        {
          ...one,
          shape,
        },
      );
    }
    const wanted = sizeOf(shape);
    const have = sizeOf(v.shape);
    const flat = v.shape.length === 1 ? v : this.reshape(v, [have]);
    if (wanted === have) return this.reshape(flat, shape);
    const js = wanted <= have ? `lax.slice($0, [0], [${wanted}])` : `np.resize($0, [${wanted}])`;
    if (wanted <= have)
      return this.reshape(
        this.emit('slice', js, `lax.slice($0, (0,), (${wanted},))`, [flat], { ...v, shape: [wanted] }),
        shape,
      );
    const times = Math.ceil(wanted / have);
    const repeated = this.emit(
      'concatenate',
      `lax.concatenate([${Array.from({ length: times }, () => '$0')}], 0)`,
      `lax.concatenate([${Array.from({ length: times }, () => '$0')}], 0)`,
      [flat],
      { ...v, shape: [have * times] },
    );
    return this.shaped(repeated, shape);
  }

  reshape(v: Variable, shape: readonly number[]): Variable {
    if (sameShape(v.shape, shape)) return v;
    return this.emit('reshape', `lax.reshape($0, [${shape}])`, `lax.reshape($0, (${tuple(shape)}))`, [v], {
      ...v,
      shape,
    });
  }

  /** A float whose interval is not too wide to go on with. */
  bounded(v: Variable): Variable {
    if (!isFloat(v) || (v.low >= -largest && v.high <= largest)) return v;
    if (!Number.isFinite(v.low) || !Number.isFinite(v.high)) return this.squash(v, -1, 1);
    return this.within(v, -2, 2);
  }

  /** A float with all elements in [low, high], made of `v` where it is not known to lie there. */
  within(v: Variable, low: number, high: number): Variable {
    if (v.low >= low && v.high <= high) return v;
    if (v.high - v.low > 1e4 || v.high - v.low < 1e-3 || this.random.chance(0.3)) return this.squash(v, low, high);
    return this.affine(v, low, high);
  }

  private squash(v: Variable, low: number, high: number): Variable {
    const wide = !(v.high - v.low < 64);
    const fn = wide ? this.random.choose(['tanh', 'logistic']) : this.random.choose(['tanh', 'sin', 'logistic', 'cos']);
    const out = this.emit(fn, `lax.${fn}($0)`, `lax.${fn}($0)`, [v], {
      ...v,
      low: fn === 'logistic' ? 0 : -1,
      high: 1,
    });
    return out.low >= low && out.high <= high ? out : this.affine(out, low, high);
  }

  /** The interval of `v` mapped into the middle of another one. */
  private affine(v: Variable, low: number, high: number): Variable {
    const [a, b] = [Math.max(low, -4), Math.min(high, 4)];
    const scale = rounded(((b - a) / (v.high - v.low)) * 0.95);
    const shift = rounded((a + b) / 2 - (scale * (v.low + v.high)) / 2);
    const scaled = this.emit('mul', `lax.mul($0, ${scale})`, `jnp.multiply($0, ${scale})`, [v], scaledRange(v, scale));
    return this.emit('add', `lax.add($0, ${shift})`, `jnp.add($0, ${shift})`, [scaled], {
      ...scaled,
      low: Math.max(low, scaled.low + shift),
      high: Math.min(high, scaled.high + shift),
    });
  }

  /** An array of literals. */
  constant(shape: readonly number[], dtype: DType): Variable {
    const { random } = this;
    const value = (): number => {
      if (dtype === 'bool') return random.integer(0, 1);
      if (dtype === 'int32') return random.integer(-5, 5);
      if (dtype === 'uint32') return random.integer(0, 9);
      return random.chance(0.2) ? random.integer(-2, 2) : rounded(random.between(-2, 2));
    };
    const values = Array.from({ length: sizeOf(shape) }, value);
    const [low, high] = values.length ? [Math.min(...values), Math.max(...values)] : [0, 0];
    const isBool = dtype === 'bool';
    const js = nested(
      values.map((x) => (isBool ? String(x === 1) : String(x))),
      shape,
    );
    const py = nested(
      values.map((x) => (isBool ? (x ? 'True' : 'False') : String(x))),
      shape,
    );
    return this.emit(
      'constant',
      sizeOf(shape) === 0 ? `np.zeros([${shape}], { dtype: '${dtype}' })` : `np.array(${js}, { dtype: '${dtype}' })`,
      sizeOf(shape) === 0 ? `jnp.zeros((${tuple(shape)}), '${dtype}')` : `jnp.array(${py}, '${dtype}')`,
      [],
      { shape, dtype, low, high },
    );
  }

  /** A value of the given integer or bool type. */
  discrete(dtype: DType, shape?: readonly number[]): Variable {
    const found = this.pick((v) => v.dtype === dtype && (!shape || sameShape(v.shape, shape)));
    if (found && this.random.chance(0.8)) return found;
    const like = this.float((v) => !shape || sameShape(v.shape, shape));
    if (!shape || sameShape(like.shape, shape)) {
      if (dtype === 'bool') {
        const limit = rounded(this.random.between(Math.max(like.low, -3), Math.min(like.high, 3)));
        return this.emit('gt', `lax.gt($0, ${limit})`, `jnp.greater($0, ${limit})`, [like], {
          shape: like.shape,
          dtype,
        });
      }
      const small = dtype === 'uint32' ? this.within(like, 0, 4) : this.within(like, -4, 4);
      return this.emit('convert', `lax.convert($0, '${dtype}')`, `lax.convert_element_type($0, '${dtype}')`, [small], {
        shape: like.shape,
        dtype,
        low: Math.trunc(small.low),
        high: Math.trunc(small.high),
      });
    }
    return this.constant(shape, dtype);
  }

  shape(maxRank = 3): number[] {
    const { random } = this;
    const rank = random.weighted([
      { weight: 2, n: 0 },
      { weight: 6, n: 1 },
      { weight: 4, n: 2 },
      { weight: 1, n: 3 },
    ]).n;
    const shape = Array.from({ length: Math.min(rank, maxRank) }, () => this.extent());
    while (sizeOf(shape) > Math.max(this.limits.size, 9 ** 3)) shape[shape.indexOf(Math.max(...shape))]! >>= 1;
    return shape;
  }

  extent(): number {
    const { random } = this;
    const { size } = this.limits;
    if (size > 32 && random.chance(0.5)) return random.integer(5, random.choose([20, 70, Math.ceil(size / 8)]));
    if (random.chance(0.06)) return random.choose([5, 7, 8, 9]);
    return random.integer(1, 4);
  }

  /** One random production applied. */
  step(accepts: (p: Production) => boolean = () => true): void {
    const usable = this.productions.filter(accepts);
    for (let attempt = 0; attempt < 8; attempt++) {
      const { steps, scope } = this;
      const before = steps.length;
      const seen = scope.length;
      const made = this.random.weighted(usable).make(this);
      const fits = made?.every((v) => sizeOf(v.shape) <= this.limits.size && v.shape.length <= 4);
      if (fits) return;
      // What a failed attempt has added is taken back.
      this.steps.length = before;
      this.scope.length = seen;
    }
  }

  /**
   * A function with parameters of the given types, made of about `steps` random steps and then what `finish` makes of
   * the values in scope.
   */
  function(
    params: readonly (Result | readonly Result[])[],
    steps: number,
    finish: (g: Generator, params: readonly Variable[]) => Group,
    closed = false,
  ): FunctionBody {
    const { scope, steps: outer } = this;
    const made = params.map(
      (p): Group => (Array.isArray(p) ? p.map((r) => this.variable(r)) : this.variable(p as Result)),
    );
    const own = leaves(made);
    this.scope = closed ? [...own] : [...scope, ...own];
    this.steps = [];
    this.depth++;
    try {
      for (let i = 0; i < steps; i++) this.step((p) => !p.nests || this.depth < 2);
      const result = finish(this, own);
      return { params: made, steps: this.steps, result };
    } finally {
      this.scope = scope;
      this.steps = outer;
      this.depth--;
    }
  }

  /** Whether loops of unknown length would make a derivative fail. */
  get mustReverse(): boolean {
    return this.limits.reversible || this.reversed > 0;
  }

  /** What `make` makes has a reverse mode. */
  reversibly<T>(make: () => T): T {
    this.reversed++;
    try {
      return make();
    } finally {
      this.reversed--;
    }
  }

  /** The whole program. */
  program(): Program {
    const { random, limits } = this;
    const count = random.integer(1, 3);
    const inputs = Array.from({ length: count }, (_, i) => {
      const kind = i === 0 || random.chance(0.8) ? this.dtype : random.choose<DType>(['int32', 'uint32', 'bool']);
      const shape = this.shape(2);
      if (kind === 'bool') return this.variable({ shape, dtype: kind });
      if (kind === 'int32') return this.variable({ shape, dtype: kind, low: -6, high: 6 });
      if (kind === 'uint32') return this.variable({ shape, dtype: kind, low: 0, high: 9 });
      return this.variable({ shape, dtype: kind, low: -2, high: 2 });
    });
    this.scope.push(...inputs);
    const { steps } = limits;
    for (let i = 0; i < steps; i++) this.step();
    const small = (v: Variable): boolean => sizeOf(v.shape) <= limits.size;
    const made = this.scope.filter((v) => !inputs.includes(v) && v.varies && small(v));
    // What nothing else uses, so that little of the program is dead.
    const unused = made.filter((v) => !this.used.has(v.id));
    const outs = unused.slice(-random.integer(1, 3));
    // A float among the results, so that there is something to differentiate.
    if (!outs.some(isFloat)) {
      const floating = this.pick((v) => isFloat(v) && small(v) && !inputs.includes(v));
      outs.push(floating ?? this.within(this.float(small), -1, 1));
    }
    return { inputs, steps: this.steps, outs };
  }
}

/** Four digits, so that programs stay readable. */
export const rounded = (x: number): number => Number(x.toPrecision(4));

export const tuple = (items: readonly number[]): string => (items.length === 1 ? `${items[0]},` : items.join(', '));

export function nested(values: readonly string[], shape: readonly number[]): string {
  if (shape.length === 0) return values[0]!;
  const inner = sizeOf(shape.slice(1));
  const rows = Array.from({ length: shape[0]! }, (_, i) =>
    nested(values.slice(i * inner, (i + 1) * inner), shape.slice(1)),
  );
  return `[${rows.join(', ')}]`;
}

function scaledRange(v: Variable, scale: number): Result {
  const ends = [v.low * scale, v.high * scale];
  return { ...v, low: Math.min(...ends), high: Math.max(...ends) };
}
