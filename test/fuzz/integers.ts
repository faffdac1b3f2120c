/** Integers, bits and truth values; ways from floats to them and back. */
import type { DType } from '../../src/core/dtype.ts';
import { type Generator, type Production, rounded } from './generator.ts';
import { sizeOf, type Variable } from './program.ts';

const integerTypes: readonly DType[] = ['int32', 'uint32'];
const full = (dtype: DType): { low: number; high: number } =>
  dtype === 'int32' ? { low: -(2 ** 31), high: 2 ** 31 - 1 } : { low: 0, high: 2 ** 32 - 1 };

const fits = (dtype: DType, low: number, high: number): { low: number; high: number } => {
  const all = full(dtype);
  return low >= all.low && high <= all.high ? { low, high } : all;
};

function makeCompare(g: Generator): Variable[] {
  const name = g.random.choose(['eq', 'ne', 'lt', 'le', 'gt', 'ge']);
  const numpy = { eq: 'equal', ne: 'not_equal', lt: 'less', le: 'less_equal', gt: 'greater', ge: 'greater_equal' }[
    name
  ];
  const x = g.random.chance(0.7) ? g.float() : g.discrete(g.random.choose(integerTypes));
  if (g.random.chance(0.4)) {
    const limit = x.dtype.startsWith('float') ? rounded(g.random.between(-1, 1)) : g.random.integer(0, 3);
    return [
      g.emit(name, `lax.${name}($0, ${limit})`, `jnp.${numpy}($0, ${limit})`, [x], { shape: x.shape, dtype: 'bool' }),
    ];
  }
  const y = x.dtype.startsWith('float') ? g.floatOf(x.shape, x.dtype) : g.discrete(x.dtype, x.shape);
  return [g.emit(name, `lax.${name}($0, $1)`, `jnp.${numpy}($0, $1)`, [x, y], { shape: x.shape, dtype: 'bool' })];
}

function makeLogic(g: Generator): Variable[] {
  const dtype = g.random.choose<DType>(['bool', 'bool', 'int32', 'uint32']);
  const x = g.discrete(dtype);
  if (g.random.chance(0.25))
    return [g.emit('not', 'lax.not($0)', 'lax.bitwise_not($0)', [x], { shape: x.shape, dtype })];
  const name = g.random.choose(['and', 'or', 'xor']);
  const y = g.discrete(dtype, x.shape);
  return [g.emit(name, `lax.${name}($0, $1)`, `lax.bitwise_${name}($0, $1)`, [x, y], { shape: x.shape, dtype })];
}

function makeBits(g: Generator): Variable[] {
  const dtype = g.random.choose(integerTypes);
  const x = g.discrete(dtype);
  if (g.random.chance(0.3)) {
    if (x.shape.length === 1) {
      const counts = { shape: [4], dtype: 'int32', low: 0, high: x.shape[0]! } as const;
      const py = 'jnp.bincount($0, length=4).astype(jnp.int32)';
      return [g.emit('bincount', 'np.bincount($0, { length: 4 })', py, [x], counts)];
    }
    return [
      g.emit('population_count', 'lax.populationCount($0)', 'lax.population_count($0)', [x], {
        shape: x.shape,
        dtype,
        low: 0,
        high: 32,
      }),
    ];
  }
  const [js, py] = g.random.choose([
    ['shiftLeft', 'shift_left'],
    ['shiftRightLogical', 'shift_right_logical'],
    ['shiftRightArithmetic', 'shift_right_arithmetic'],
  ] as const);
  const y = g.discrete(dtype, x.shape);
  return [g.emit(py, `lax.${js}($0, $1)`, `lax.${py}($0, $1)`, [x, y], { shape: x.shape, dtype })];
}

function makeArithmetic(g: Generator): Variable[] {
  const dtype = g.random.choose(integerTypes);
  const x = g.discrete(dtype);
  const name = g.random.choose([
    'add',
    'sub',
    'mul',
    'div',
    'rem',
    'max',
    'min',
    'neg',
    'abs',
    'sign',
    'integerPow',
    'pow',
  ]);
  const all = { shape: x.shape, dtype };
  if (name === 'neg') return [g.emit(name, 'lax.neg($0)', 'lax.neg($0)', [x], { ...all, ...full(dtype) })];
  if (name === 'abs' || name === 'sign')
    return [g.emit(name, `lax.${name}($0)`, `jnp.${name}($0)`, [x], { ...all, ...full(dtype) })];
  if (name === 'integerPow')
    return [g.emit('integer_pow', 'lax.integerPow($0, 3)', 'lax.integer_pow($0, 3)', [x], { ...all, ...full(dtype) })];
  const given = g.discrete(dtype, x.shape);
  const divides = name === 'div' || name === 'rem';
  // Division of the least integer by −1 ends the process in XLA.
  const y =
    divides && g.limits.jax
      ? g.emit('clamp', 'lax.clamp(1, $0, 9)', 'jnp.clip($0, 1, 9)', [given], { ...all, low: 1, high: 9 })
      : given;
  if (name === 'pow') {
    // The exponent of an integer power must not be negative in JAX.
    const e = g.emit('clamp', 'lax.clamp(0, $0, 5)', 'jnp.clip($0, 0, 5)', [y], {
      ...all,
      low: 0,
      high: 5,
    });
    return [g.emit('pow', 'lax.pow($0, $1)', 'jnp.power($0, $1)', [x, e], { ...all, ...full(dtype) })];
  }
  const range =
    name === 'add'
      ? fits(dtype, x.low + y.low, x.high + y.high)
      : name === 'sub'
        ? fits(dtype, x.low - y.high, x.high - y.low)
        : full(dtype);
  return [g.emit(name, `lax.${name}($0, $1)`, `lax.${name}($0, $1)`, [x, y], { ...all, ...range })];
}

/** From a float by truncation, or between integers by wrapping. */
function makeToInteger(g: Generator): Variable[] {
  const dtype = g.random.choose<DType>(['int32', 'uint32', 'bool', 'int32']);
  const x = g.random.chance(0.6) ? g.float() : g.discrete(g.random.choose<DType>(['int32', 'uint32', 'bool']));
  const small = x.dtype.startsWith('float') && dtype === 'uint32' ? g.within(x, 0, 20) : x;
  return [
    g.emit('convert', `lax.convert($0, '${dtype}')`, `lax.convert_element_type($0, '${dtype}')`, [small], {
      shape: x.shape,
      dtype,
      ...(dtype === 'bool' ? { low: 0, high: 1 } : fits(dtype, Math.trunc(small.low), Math.trunc(small.high))),
    }),
  ];
}

/** Integers as floats: the last bits of large ones would not fit, so they are taken modulo something small. */
function makeToFloat(g: Generator): Variable[] {
  const x = g.discrete(g.random.choose<DType>(['int32', 'uint32', 'bool']));
  const large = x.dtype !== 'bool' && (x.low < -100 || x.high > 100);
  const small = large
    ? g.emit('rem', 'lax.rem($0, 17)', 'lax.rem($0, jnp.full_like($0, 17))', [x], { ...x, low: -16, high: 16 })
    : x;
  const { dtype } = g;
  return [
    g.emit('convert', `lax.convert($0, '${dtype}')`, `lax.convert_element_type($0, '${dtype}')`, [small], {
      shape: x.shape,
      dtype,
      low: small.low,
      high: small.high,
    }),
  ];
}

/** Bits of an integer as the mantissa of a float32 in [1, 2), and bits read as the other integer type. */
function makeBitcast(g: Generator): Variable[] {
  const x = g.discrete(g.random.choose(integerTypes));
  const other = x.dtype === 'int32' ? 'uint32' : 'int32';
  if (g.random.chance(0.5))
    return [
      g.emit('bitcast', `lax.bitcastConvertType($0, '${other}')`, `lax.bitcast_convert_type($0, '${other}')`, [x], {
        shape: x.shape,
        dtype: other,
      }),
    ];
  const mantissa = g.emit(
    'or',
    'lax.or(lax.and($0, 0x7fffff), 0x3f800000)',
    'lax.bitwise_or(lax.bitwise_and($0, jnp.full_like($0, 0x7fffff)), jnp.full_like($0, 0x3f800000))',
    [x],
    { shape: x.shape, dtype: x.dtype },
  );
  return [
    g.emit('bitcast', "lax.bitcastConvertType($0, 'float32')", "lax.bitcast_convert_type($0, 'float32')", [mantissa], {
      shape: x.shape,
      dtype: 'float32',
      low: 1,
      high: 2,
    }),
  ];
}

/** Elements of an axis as bits of bytes, and bytes as their bits, some of them or more. */
function makePacked(g: Generator): Variable[] | undefined {
  const x = g.discrete(g.random.choose<DType>(['bool', ...integerTypes]));
  if (x.shape.length === 0) return undefined;
  const axis = g.random.integer(0, x.shape.length - 1);
  const order = g.random.choose(['big', 'little']);
  const n = x.shape[axis]!;
  const along = (length: number): number[] => x.shape.map((m, i) => (i === axis ? length : m));
  const options = `axis: ${axis}, bitorder: '${order}'`;
  if (x.dtype === 'bool' || g.random.chance(0.4)) {
    // Of negative numbers JAX makes zeros.
    const py = `jnp.packbits($0 != 0, axis=${axis}, bitorder='${order}').astype(jnp.int32)`;
    const out = { shape: along(Math.ceil(n / 8)), dtype: 'int32', low: 0, high: 255 } as const;
    return [g.emit('packbits', `np.packbits($0, { ${options} })`, py, [x], out)];
  }
  const count = g.random.integer(
    0,
    Math.min(8 * n + 2, Math.floor((g.limits.size * Math.max(n, 1)) / sizeOf(x.shape))),
  );
  const bytes = 'lax.bitwise_and($0, jnp.full_like($0, 255)).astype(jnp.uint8)';
  const py = `jnp.unpackbits(${bytes}, axis=${axis}, bitorder='${order}', count=${count}).astype(jnp.int32)`;
  const out = { shape: along(count), dtype: 'int32', low: 0, high: 1 } as const;
  return [g.emit('unpackbits', `np.unpackbits($0, { ${options}, count: ${count} })`, py, [x], out)];
}

function makeIota(g: Generator): Variable[] {
  const dtype = g.random.choose<DType>([g.dtype, 'int32', 'uint32']);
  const shape = g.shape();
  if (shape.length === 0) shape.push(3);
  const dimension = g.random.integer(0, shape.length - 1);
  const js = `lax.broadcastedIota('${dtype}', [${shape}], ${dimension})`;
  const py = `lax.broadcasted_iota('${dtype}', (${shape.join(', ')},), ${dimension})`;
  return [g.emit('iota', js, py, [], { shape, dtype, low: 0, high: Math.max(0, shape[dimension]! - 1) })];
}

function makeFinite(g: Generator): Variable[] {
  const x = g.float();
  return [g.emit('is_finite', 'lax.isFinite($0)', 'lax.is_finite($0)', [x], { shape: x.shape, dtype: 'bool' })];
}

/** An order of its own, or elements along an axis in one, each row in the same or in another. */
function makeShuffle(g: Generator, seed: Variable): Variable {
  const [js, py] = [`random.foldIn(random.key(5), $0)`, 'jax.random.fold_in(jax.random.PRNGKey(5), $0)'];
  const x = g.random.chance(0.6) ? g.pick((v) => v.shape.length > 0 && v.shape.length <= 3) : undefined;
  if (!x) {
    const n = g.random.integer(1, 9);
    const order = { shape: [n], dtype: 'int32', low: 0, high: n - 1 } as const;
    return g.emit(
      'shuffle',
      `random.permutation(${js}, ${n})`,
      `jax.random.permutation(${py}, ${n}).astype(jnp.int32)`,
      [seed],
      order,
    );
  }
  const axis = g.random.integer(0, x.shape.length - 1);
  const independent = g.random.chance(0.6);
  return g.emit(
    'shuffle',
    `random.permutation(${js}, $1, { axis: ${axis}, independent: ${independent} })`,
    `jax.random.permutation(${py}, $1, axis=${axis}, independent=${independent ? 'True' : 'False'})`,
    [seed, x],
    x,
  );
}

/** Random numbers, keyed by an integer of the program. */
function makeRandom(g: Generator): Variable[] {
  const seed = g.shaped(g.discrete(g.random.choose(integerTypes)), []);
  if (g.random.chance(0.4)) return [makeShuffle(g, seed)];
  const n = g.random.integer(1, 5);
  const [js, py] = [`random.foldIn(random.key(7), $0)`, 'jax.random.fold_in(jax.random.PRNGKey(7), $0)'];
  const dtype = g.dtype;
  // Bits of float64 are made of two words here and of 64-bit integers there.
  if (g.random.chance(0.5) || dtype === 'float64')
    return [
      g.emit('threefry', `random.bits(${js}, [${n}])`, `jax.random.bits(${py}, (${n},), 'uint32')`, [seed], {
        shape: [n],
        dtype: 'uint32',
      }),
    ];
  const options = `[${n}], { dtype: '${dtype}' }`;
  return [
    g.emit('threefry', `random.uniform(${js}, ${options})`, `jax.random.uniform(${py}, (${n},), '${dtype}')`, [seed], {
      shape: [n],
      dtype,
      low: 0,
      high: 1,
    }),
  ];
}

export const integers: readonly Production[] = [
  { name: 'compare', weight: 5, make: makeCompare },
  { name: 'logic', weight: 2, make: makeLogic },
  { name: 'bits', weight: 2, make: makeBits },
  { name: 'integerArithmetic', weight: 3, make: makeArithmetic },
  { name: 'toInteger', weight: 3, make: makeToInteger },
  { name: 'toFloat', weight: 3, make: makeToFloat },
  { name: 'bitcast', weight: 1, make: makeBitcast },
  { name: 'packed', weight: 1, make: makePacked },
  { name: 'iota', weight: 2, make: makeIota },
  { name: 'isFinite', weight: 0.5, make: makeFinite },
  { name: 'random', weight: 1.5, make: makeRandom },
];
