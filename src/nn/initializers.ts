/** First values of parameters: functions of a key and a shape, or functions that make such. Draws are JAX's for the same key. */
import type { ArrayLike, NDArray } from '../array.ts';
import type { DType } from '../core/dtype.ts';
import { ShapeError } from '../core/errors.ts';
import { checkChoice, checkNumbers, optionsOf } from '../core/options.ts';
import { checkShape, normalizeAxis, type Shape, type ShapeLike, sizeOf } from '../core/shape.ts';
import { mul, sign } from '../lax/arithmetic.ts';
import { qr } from '../linalg/factor.ts';
import { full } from '../numpy/creation.ts';
import { diagonal } from '../numpy/matrices.ts';
import { matrixTranspose, moveaxis, reshape } from '../numpy/shape.ts';
import { toValue } from '../promote.ts';
import * as random from '../random/continuous.ts';
import { keyWords } from '../random/keys.ts';

export interface InitializerOptions {
  /** 'float32' when left out. */
  dtype?: DType;
}
export type Initializer = (key: ArrayLike, shape: ShapeLike, options?: InitializerOptions) => NDArray;

const dtypeOf = (name: string, given: InitializerOptions): DType =>
  optionsOf(name, given, ['dtype']).dtype ?? 'float32';

const filled =
  (name: string, value: ArrayLike): Initializer =>
  (key, shape, given = {}) => {
    keyWords(name, key);
    return full(checkShape(shape, name), value, { dtype: dtypeOf(name, given) });
  };
/** Zeros. */
export const zeros: Initializer = filled('zeros', 0);
/** Ones. */
export const ones: Initializer = filled('ones', 1);
/** A value that broadcasts to the shape. */
export const constant = (value: ArrayLike): Initializer => filled('constant', toValue(value, 'constant'));

const scaled =
  (name: string, factor: number, draw: (key: ArrayLike, shape: Shape, dtype: DType) => NDArray): Initializer =>
  (key, shape, given = {}) => {
    const lengths = checkShape(shape, name);
    return mul(draw(key, lengths, dtypeOf(name, given)), factor);
  };
const numberOf = (name: string, what: string, value: number): number => {
  checkNumbers(name, { [what]: value }, [what]);
  return value;
};

/** Normal with mean 0 and this standard deviation. */
export const normal = (stddev = 1e-2): Initializer =>
  scaled('normal', numberOf('normal', 'stddev', stddev), (key, shape, dtype) => random.normal(key, shape, { dtype }));
/** Uniform in [0, scale). */
export const uniform = (scale = 1e-2): Initializer =>
  scaled('uniform', numberOf('uniform', 'scale', scale), (key, shape, dtype) => random.uniform(key, shape, { dtype }));
/** Normal, cut off at two standard deviations before it is scaled to this one. */
export const truncatedNormal = (stddev = 1e-2): Initializer =>
  scaled('truncatedNormal', numberOf('truncatedNormal', 'stddev', stddev), (key, shape, dtype) =>
    random.truncatedNormal(key, -2, 2, shape, { dtype }),
  );

export interface FanOptions {
  /** The axis of inputs, −2 when left out. */
  inAxis?: number;
  /** The axis of outputs, −1 when left out. The others are those of a window. */
  outAxis?: number;
}

export interface VarianceScalingOptions extends FanOptions {
  /** What the variance is `scale` divided by: the number of inputs, of outputs, or the mean of both. 'fan_in' when left out. */
  mode?: 'fan_in' | 'fan_out' | 'fan_avg';
  /** 'truncated_normal' when left out. */
  distribution?: 'truncated_normal' | 'normal' | 'uniform';
}

const modes = ['fan_in', 'fan_out', 'fan_avg'];
const distributions = ['truncated_normal', 'normal', 'uniform'];
/** The standard deviation of a standard normal that is cut off at ±2. */
const deviationWithin2 = 0.87962566103423978;

/**
 * Variance that keeps the size of activations from layer to layer: `scale` / fan (He et al., Delving deep into rectifiers, 2015).
 *
 * @example
 * nn.initializers.varianceScaling(2, { mode: 'fan_out' })(random.key(0), [784, 256]);
 */
export const varianceScaling = (scale: number, options: VarianceScalingOptions = {}): Initializer =>
  scalingNamed('varianceScaling', scale, options);

function scalingNamed(name: string, scale: number, options: VarianceScalingOptions): Initializer {
  const {
    mode = 'fan_in',
    distribution = 'truncated_normal',
    inAxis = -2,
    outAxis = -1,
  } = optionsOf(name, options, ['mode', 'distribution', 'inAxis', 'outAxis']);
  // Of what is left out `checkNumbers` says nothing.
  checkNumbers(name, { scale: scale ?? Number.NaN, inAxis, outAxis }, ['scale', 'inAxis', 'outAxis']);
  checkChoice(name, 'mode', mode, modes);
  checkChoice(name, 'distribution', distribution, distributions);
  return (key, shape, given = {}) => {
    const lengths = checkShape(shape, name);
    const dtype = dtypeOf(name, given);
    const [fanIn, fanOut] = fansOf(name, lengths, inAxis, outAxis);
    const fan = mode === 'fan_in' ? fanIn : mode === 'fan_out' ? fanOut : (fanIn + fanOut) / 2;
    const variance = scale / Math.max(fan, 1);
    if (distribution === 'uniform')
      return mul(random.uniform(key, lengths, { minval: -1, maxval: 1, dtype }), Math.sqrt(3 * variance));
    if (distribution === 'normal') return mul(random.normal(key, lengths, { dtype }), Math.sqrt(variance));
    const deviation = Math.sqrt(variance) / deviationWithin2;
    return mul(random.truncatedNormal(key, -2, 2, lengths, { dtype }), deviation);
  };
}

/** How many inputs an output has, and the other way round. */
function fansOf(name: string, shape: Shape, inAxis: number, outAxis: number): [fanIn: number, fanOut: number] {
  const [a, b] = [normalizeAxis(inAxis, shape.length), normalizeAxis(outAxis, shape.length)];
  if (a === undefined || b === undefined)
    throw new ShapeError(`${name}: needs a shape with axes of inputs and of outputs, but got [${shape}].`, {
      hint: 'biases start at zero: `nn.initializers.zeros`',
    });
  const window = sizeOf(shape) / (shape[a]! * shape[b]!);
  return [shape[a]! * window, shape[b]! * window];
}

type Fan = (options?: FanOptions) => Initializer;
const fan =
  (name: string, scale: number, mode: 'fan_in' | 'fan_avg', distribution: 'truncated_normal' | 'uniform'): Fan =>
  (options = {}) =>
    scalingNamed(name, scale, { mode, distribution, ...optionsOf(name, options, ['inAxis', 'outAxis']) });
/** Truncated normal with variance 1 / fan-in (LeCun et al., Efficient backprop, 1998). */
export const lecunNormal: Fan = fan('lecunNormal', 1, 'fan_in', 'truncated_normal');
/** Uniform with variance 1 / fan-in. */
export const lecunUniform: Fan = fan('lecunUniform', 1, 'fan_in', 'uniform');
/** Truncated normal with variance 2 / fan-in, for layers that end in relu (He et al., 2015). */
export const heNormal: Fan = fan('heNormal', 2, 'fan_in', 'truncated_normal');
/** Uniform with variance 2 / fan-in. */
export const heUniform: Fan = fan('heUniform', 2, 'fan_in', 'uniform');
/** Truncated normal with variance 2 / (fan-in + fan-out) (Glorot and Bengio, Understanding the difficulty …, 2010). */
export const glorotNormal: Fan = fan('glorotNormal', 1, 'fan_avg', 'truncated_normal');
/** Uniform with variance 2 / (fan-in + fan-out). */
export const glorotUniform: Fan = fan('glorotUniform', 1, 'fan_avg', 'uniform');

/**
 * Matrices with orthonormal rows or columns, whichever are fewer, times `scale`; other axes count as rows (Saxe et al., Exact
 * solutions to the nonlinear dynamics of learning, 2014). `columnAxis`, −1 when left out, is that of the columns.
 */
export const orthogonal = (scale = 1, options: { columnAxis?: number } = {}): Initializer => {
  const { columnAxis = -1 } = optionsOf('orthogonal', options, ['columnAxis']);
  checkNumbers('orthogonal', { scale, columnAxis }, ['scale', 'columnAxis']);
  return (key, shape, given = {}) => {
    const lengths = checkShape(shape, 'orthogonal');
    const axis = normalizeAxis(columnAxis, lengths.length);
    if (axis === undefined || lengths.length < 2)
      throw new ShapeError(`orthogonal: needs a shape of at least two axes, but got [${lengths}].`);
    const rest = lengths.filter((_, i) => i !== axis);
    const [columns, rows] = [lengths[axis]!, sizeOf(rest)];
    const tall = [Math.max(columns, rows), Math.min(columns, rows)];
    const [q, r] = qr(random.normal(key, tall, { dtype: dtypeOf('orthogonal', given) }));
    // With a positive diagonal of r, q is uniformly distributed.
    const unique = mul(q, sign(diagonal(r)));
    const flat = rows < columns ? matrixTranspose(unique) : unique;
    return mul(moveaxis(reshape(flat, [...rest, columns]), -1, axis), scale);
  };
};
