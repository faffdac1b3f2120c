import { type NDArray, nn, np, random } from 'cotangent';

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
