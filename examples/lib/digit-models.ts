import { lax, type NDArray, nn, np, random } from 'cotangent';

export type Layer = { w: NDArray; b: NDArray };
export type Params = Layer[];

/** Ten logits for each image of 28 × 28. */
export interface Model {
  readonly init: (key: NDArray) => Params;
  readonly logits: (params: Params, images: NDArray) => NDArray;
  /** Enough to learn, and Adam's learning rate. */
  readonly epochs: number;
  readonly adamRate: number;
}

/** Weights of variance 2 / inputs, which keeps the size of activations through rectifiers; no biases at first. */
function layer(key: NDArray, shape: readonly number[]): Layer {
  const inputs = shape.slice(0, -1).reduce((a, b) => a * b);
  return { w: random.normal(key, shape).mul(Math.sqrt(2 / inputs)), b: np.zeros([shape.at(-1)!]) };
}

/** The layers of these shapes, each from a key of its own. */
const layers =
  (...shapes: number[][]) =>
  (key: NDArray): Params =>
    shapes.map((shape, i) => layer(random.foldIn(key, i), shape));

const dense = (x: NDArray, { w, b }: Layer): NDArray => x.matmul(w).add(b);

/** Three dense layers: 235,146 weights. */
export const mlp: Model = {
  init: layers([784, 256], [256, 128], [128, 10]),
  logits: ([first, second, last], images) => {
    const hidden = nn.relu(dense(images.reshape(-1, 784), first!));
    return dense(nn.relu(dense(hidden, second!)), last!);
  },
  epochs: 25,
  adamRate: 2e-3,
};

/** A convolution, rectified, and the largest of every 2 × 2 places. */
function convolution(x: NDArray, { w, b }: Layer): NDArray {
  const y = lax.convGeneralDilated(x, w, { padding: 'SAME', dimensionNumbers: ['NHWC', 'HWIO', 'NHWC'] });
  return nn.maxPool(nn.relu(y.add(b)), [2, 2], { strides: [2, 2] });
}

/** Two convolutions and a dense layer: 9,226 weights. */
export const cnn: Model = {
  init: layers([5, 5, 1, 8], [3, 3, 8, 16], [7 * 7 * 16, 10]),
  logits: ([first, second, last], images) => {
    const x = convolution(convolution(images.reshape(-1, 28, 28, 1), first!), second!);
    return dense(x.reshape(-1, 7 * 7 * 16), last!);
  },
  epochs: 10,
  adamRate: 1e-2,
};
