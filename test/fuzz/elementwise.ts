/** Functions of floats, element by element. */
import { type Generator, type Production, rounded } from './generator.ts';
import { isFloat, sameShape, type Variable } from './program.ts';

interface FloatFunction {
  readonly js: string;
  readonly py?: string;
  /** Where it is smooth and neither it nor its derivatives are large. */
  readonly domain: readonly [number, number];
  /** What it gives on the domain: its values at the ends if it is monotone. */
  readonly range: (low: number, high: number) => readonly [number, number];
}

const monotone =
  (f: (x: number) => number) =>
  (low: number, high: number): [number, number] => {
    const [a, b] = [f(low), f(high)];
    return [Math.min(a, b), Math.max(a, b)];
  };
const fixed = (low: number, high: number) => (): [number, number] => [low, high];
const even =
  (f: (x: number) => number) =>
  (low: number, high: number): [number, number] => {
    const ends = [f(low), f(high), ...(low < 0 && high > 0 ? [f(0)] : [])];
    return [Math.min(...ends), Math.max(...ends)];
  };

const any: readonly [number, number] = [-64, 64];

const unary: readonly FloatFunction[] = [
  { js: 'neg', domain: any, range: (a, b) => [-b, -a] },
  { js: 'abs', domain: any, range: even(Math.abs) },
  { js: 'sign', domain: any, range: fixed(-1, 1) },
  { js: 'floor', domain: any, range: monotone(Math.floor) },
  { js: 'ceil', domain: any, range: monotone(Math.ceil) },
  { js: 'trunc', py: 'jnp.trunc', domain: any, range: monotone(Math.trunc) },
  { js: 'round', py: 'jnp.round', domain: any, range: monotone(Math.round) },
  { js: 'sqrt', domain: [0.1, 64], range: monotone(Math.sqrt) },
  { js: 'rsqrt', domain: [0.1, 64], range: monotone((x) => 1 / Math.sqrt(x)) },
  { js: 'cbrt', domain: [0.1, 64], range: monotone(Math.cbrt) },
  { js: 'square', domain: [-7, 7], range: even((x) => x * x) },
  { js: 'reciprocal', domain: [0.2, 64], range: monotone((x) => 1 / x) },
  { js: 'exp', domain: [-8, 3], range: monotone(Math.exp) },
  { js: 'exp2', domain: [-10, 4], range: monotone((x) => 2 ** x) },
  { js: 'expm1', domain: [-8, 3], range: monotone(Math.expm1) },
  { js: 'log', domain: [0.1, 64], range: monotone(Math.log) },
  { js: 'log1p', domain: [-0.8, 64], range: monotone(Math.log1p) },
  { js: 'log2', py: 'jnp.log2', domain: [0.1, 64], range: monotone(Math.log2) },
  { js: 'sin', domain: [-20, 20], range: fixed(-1, 1) },
  { js: 'cos', domain: [-20, 20], range: fixed(-1, 1) },
  { js: 'tan', domain: [-1.2, 1.2], range: monotone(Math.tan) },
  { js: 'asin', domain: [-0.9, 0.9], range: monotone(Math.asin) },
  { js: 'acos', domain: [-0.9, 0.9], range: monotone(Math.acos) },
  { js: 'atan', domain: any, range: monotone(Math.atan) },
  { js: 'sinh', domain: [-3, 3], range: monotone(Math.sinh) },
  { js: 'cosh', domain: [-3, 3], range: even(Math.cosh) },
  { js: 'tanh', domain: any, range: monotone(Math.tanh) },
  { js: 'asinh', domain: any, range: monotone(Math.asinh) },
  { js: 'acosh', domain: [1.2, 64], range: monotone(Math.acosh) },
  { js: 'atanh', domain: [-0.9, 0.9], range: monotone(Math.atanh) },
  { js: 'erf', domain: [-4, 4], range: fixed(-1, 1) },
  { js: 'erfc', domain: [-3, 3], range: fixed(0, 2) },
  { js: 'erfInv', py: 'lax.erf_inv', domain: [-0.9, 0.9], range: fixed(-1.2, 1.2) },
  { js: 'logistic', domain: [-16, 16], range: fixed(0, 1) },
  { js: 'lgamma', domain: [0.2, 20], range: fixed(-0.13, 40) },
  { js: 'digamma', domain: [0.3, 20], range: fixed(-3.6, 3) },
];

/** Zeros in the elements make some functions of themselves exact and others NaN; they come from zero-size arrays only. */
const finite = (v: Variable): boolean => isFloat(v) && Number.isFinite(v.low) && Number.isFinite(v.high);

function makeUnary(g: Generator): Variable[] {
  const f = g.random.choose(unary);
  const x = g.within(g.float(), ...f.domain);
  const [low, high] = f.range(Math.max(x.low, f.domain[0]), Math.min(x.high, f.domain[1]));
  return [g.emit(f.js, `lax.${f.js}($0)`, `${f.py ?? `lax.${f.js}`}($0)`, [x], { ...x, low, high })];
}

/** A second operand: of the same shape, a scalar, a literal, or of a shape that broadcasts. */
function partner(g: Generator, x: Variable, low: number, high: number): { v?: Variable; text: string } {
  const { random } = g;
  const kind = random.next();
  if (kind < 0.2) {
    const value = random.chance(0.3) ? Math.round(random.between(Math.max(low, -3), Math.min(high, 3))) : Number.NaN;
    const literal = value >= low && value <= high ? value : random.between(Math.max(low, -3), Math.min(high, 3));
    return { text: String(rounded(literal)) };
  }
  const scalar = kind < 0.35 ? g.pick((v) => v.dtype === x.dtype && v.shape.length === 0 && finite(v)) : undefined;
  const row =
    kind < 0.5
      ? g.pick(
          (v) =>
            v.dtype === x.dtype &&
            v.shape.length < x.shape.length &&
            sameShape(v.shape, x.shape.slice(-v.shape.length)),
        )
      : undefined;
  const chosen = scalar ?? row ?? g.floatOf(x.shape, x.dtype);
  return { v: g.within(g.bounded(chosen), low, high), text: '$1' };
}

type Interval = readonly [number, number];
const product = ([a, b]: Interval, [c, d]: Interval): Interval => {
  const ends = [a * c, a * d, b * c, b * d];
  return [Math.min(...ends), Math.max(...ends)];
};

interface Binary {
  readonly js: string;
  readonly py: string;
  readonly domain: Interval;
  readonly second: Interval;
  readonly range: (x: Interval, y: Interval) => Interval;
}

const binary: readonly Binary[] = [
  { js: 'add', py: 'jnp.add', domain: any, second: any, range: ([a, b], [c, d]) => [a + c, b + d] },
  { js: 'sub', py: 'jnp.subtract', domain: any, second: any, range: ([a, b], [c, d]) => [a - d, b - c] },
  { js: 'mul', py: 'jnp.multiply', domain: any, second: any, range: product },
  { js: 'mul', py: 'jnp.multiply', domain: any, second: any, range: product },
  { js: 'div', py: 'jnp.divide', domain: any, second: [0.3, 20], range: (x, [c, d]) => product(x, [1 / d, 1 / c]) },
  {
    js: 'max',
    py: 'jnp.maximum',
    domain: any,
    second: any,
    range: ([a, b], [c, d]) => [Math.max(a, c), Math.max(b, d)],
  },
  {
    js: 'min',
    py: 'jnp.minimum',
    domain: any,
    second: any,
    range: ([a, b], [c, d]) => [Math.min(a, c), Math.min(b, d)],
  },
  { js: 'atan2', py: 'jnp.arctan2', domain: any, second: [0.3, 20], range: () => [-Math.PI, Math.PI] },
  {
    js: 'np.hypot',
    py: 'jnp.hypot',
    domain: any,
    second: [0.3, 20],
    range: ([a, b], [, d]) => [0, Math.max(-a, b) + d],
  },
  { js: 'pow', py: 'jnp.power', domain: [0.2, 4], second: [-2, 2], range: () => [0, 25] },
  { js: 'np.copysign', py: 'jnp.copysign', domain: any, second: [0.3, 20], range: ([a, b]) => [0, Math.max(-a, b)] },
  { js: 'np.floorDivide', py: 'jnp.floor_divide', domain: any, second: [0.7, 5], range: () => [-92, 92] },
  { js: 'rem', py: 'jnp.fmod', domain: any, second: [0.7, 5], range: ([a, b]) => [Math.min(a, 0), Math.max(b, 0)] },
  { js: 'nextafter', py: 'jnp.nextafter', domain: any, second: any, range: ([a, b]) => [a - 1e-3, b + 1e-3] },
];

function makeBinary(g: Generator): Variable[] | undefined {
  const f = g.random.choose(binary);
  const x = g.within(g.float(), ...f.domain);
  const { v, text } = partner(g, x, ...f.second);
  if (f.js === 'nextafter' && !v) return undefined;
  const swapped = !v && ['sub', 'add', 'mul', 'max'].includes(f.js) && g.random.chance(0.3);
  const [a, b] = swapped ? [text, '$0'] : ['$0', text];
  const other: Interval = v ? [v.low, v.high] : [Number(text), Number(text)];
  const mine: Interval = [x.low, x.high];
  const [low, high] = swapped ? f.range(other, mine) : f.range(mine, other);
  const shape = x.shape;
  return [
    g.emit(f.js, `${f.js.includes('.') ? '' : 'lax.'}${f.js}(${a}, ${b})`, `${f.py}(${a}, ${b})`, v ? [x, v] : [x], {
      ...x,
      shape,
      low,
      high,
    }),
  ];
}

function makeIntegerPow(g: Generator): Variable[] {
  const n = g.random.choose([-3, -2, -1, 2, 3, 4, 5]);
  const x = n < 0 ? g.within(g.float(), 0.4, 4) : g.within(g.float(), -2, 2);
  const limit = n < 0 ? 0.4 ** n : 2 ** n;
  return [
    g.emit('integer_pow', `lax.integerPow($0, ${n})`, `lax.integer_pow($0, ${n})`, [x], {
      ...x,
      low: n < 0 || n % 2 === 0 ? 0 : -limit,
      high: limit,
    }),
  ];
}

function makeClamp(g: Generator): Variable[] {
  const x = g.float();
  const [lo, hi] = [rounded(g.random.between(-1.5, 0)), rounded(g.random.between(0.1, 1.5))];
  if (g.random.chance(0.5))
    return [
      g.emit('clamp', `lax.clamp(${lo}, $0, ${hi})`, `jnp.clip($0, ${lo}, ${hi})`, [x], { ...x, low: lo, high: hi }),
    ];
  // Off by a little from any other value: where x equals a bound, its derivative is zero by convention.
  const other = g.within(g.floatOf(x.shape, x.dtype), 0.2, 3);
  const bound = g.emit('add', 'lax.add($0, 0.01357)', 'jnp.add($0, 0.01357)', [other], {
    ...other,
    high: other.high + 0.02,
  });
  return [
    g.emit('clamp', 'lax.clamp(lax.neg($1), $0, $1)', 'lax.clamp(-$1, $0, $1)', [x, bound], {
      ...x,
      low: -bound.high,
      high: bound.high,
    }),
  ];
}

function makeSelect(g: Generator): Variable[] {
  const x = g.float();
  const pred = g.discrete('bool', x.shape);
  const y = g.floatOf(x.shape, x.dtype);
  const range = { low: Math.min(x.low, y.low), high: Math.max(x.high, y.high) };
  return [g.emit('select', 'lax.select($0, $1, $2)', 'jnp.where($0, $1, $2)', [pred, x, y], { ...x, ...range })];
}

function makeConvert(g: Generator): Variable[] {
  const x = g.float();
  const dtype = x.dtype === 'float32' ? 'float64' : 'float32';
  return [
    g.emit('convert', `lax.convert($0, '${dtype}')`, `lax.convert_element_type($0, '${dtype}')`, [x], { ...x, dtype }),
  ];
}

const makeStop = (g: Generator): Variable[] => {
  const x = g.float();
  return [g.emit('stop_gradient', 'lax.stopGradient($0)', 'lax.stop_gradient($0)', [x], x)];
};

const numpyFunctions: readonly FloatFunction[] = [
  { js: 'np.sinc', py: 'jnp.sinc', domain: [0.1, 6], range: fixed(-0.3, 1) },
  { js: 'np.square', py: 'jnp.square', domain: [-6, 6], range: even((x) => x * x) },
];

export const elementwise: readonly Production[] = [
  { name: 'unary', weight: 24, make: makeUnary },
  { name: 'binary', weight: 18, make: makeBinary },
  { name: 'integerPow', weight: 3, make: makeIntegerPow },
  { name: 'clamp', weight: 2, make: makeClamp },
  { name: 'select', weight: 4, make: makeSelect },
  { name: 'convert', weight: 2, make: makeConvert },
  { name: 'stopGradient', weight: 1, make: makeStop },
  {
    name: 'numpy',
    weight: 1,
    make: (g) => {
      const f = g.random.choose(numpyFunctions);
      const x = g.within(g.float(), ...f.domain);
      const [low, high] = f.range(x.low, x.high);
      return [g.emit(f.js, `${f.js}($0)`, `${f.py}($0)`, [x], { ...x, low, high })];
    },
  },
  {
    name: 'sizes',
    weight: 1,
    make: (g) => (g.random.chance(0.2) ? [g.constant([0, 2], g.dtype)] : [g.constant(g.shape(), g.dtype)]),
  },
];
