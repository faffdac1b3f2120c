/**
 * Handwritten digits: a network of three layers learns to read them, an epoch per call. Everything in an epoch — the
 * order of the images, their random shifts, the gradients, the optimizer — is one compiled program.
 *
 *     node dist/examples/mnist.js --optimizer adam --epochs 25
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { debug, jit, lax, type NDArray, nn, np, optimizers, random, safetensors, valueAndGrad, vmap } from 'cotangent';
import { type Digits, mnist } from './lib/mnist.ts';
import { Progress } from './lib/progress.ts';

type Layer = { w: NDArray; b: NDArray };
type Params = Layer[];

const widths = [784, 256, 128, 10];

/** Weights of variance 2 / inputs, which keeps the size of activations through rectifiers. */
function initParams(key: NDArray): Params {
  return widths.slice(1).map((outputs, i) => {
    const inputs = widths[i]!;
    const w = random.normal(random.foldIn(key, i), [inputs, outputs]).mul(Math.sqrt(2 / inputs));
    return { w, b: np.zeros([outputs]) };
  });
}

function logits(params: Params, images: NDArray): NDArray {
  const hidden = params.slice(0, -1).reduce((x, { w, b }) => nn.relu(x.matmul(w).add(b)), images.reshape(-1, 784));
  const { w, b } = params.at(-1)!;
  return hidden.matmul(w).add(b);
}

/** Mean of −log of the probability given to the right digit. */
function loss(params: Params, images: NDArray, labels: NDArray): NDArray {
  return nn.logSoftmax(logits(params, images)).mul(nn.oneHot(labels, 10)).sum({ axis: 1 }).mean().neg();
}

const accuracy = jit((params: Params, { images, labels }: Digits) =>
  logits(params, images).argmax({ axis: 1 }).eq(labels).mean(),
);

/** Each image moved by up to `by` pixels in each direction: digits for nothing. */
function shifted(key: NDArray, images: NDArray, by: number): NDArray {
  if (by === 0) return images;
  const padded = np.pad(images, [
    [0, 0],
    [by, by],
    [by, by],
  ]);
  const corners = random.randint(key, [images.shape[0]!, 2], 0, 2 * by + 1);
  const cut = (image: NDArray, corner: NDArray): NDArray =>
    lax.dynamicSlice(image, [corner.slice(0), corner.slice(1)], [28, 28]);
  return vmap(cut)(padded, corners) as NDArray;
}

/** Learning rates fall along a cosine to 0 at the last step. */
function optimizerNamed(name: string, steps: number): optimizers.GradientTransformation {
  const falling = (rate: number) => optimizers.cosineDecaySchedule(rate, { decaySteps: steps });
  switch (name) {
    case 'sgd':
      return optimizers.sgd(falling(0.2));
    case 'momentum':
      return optimizers.sgd(falling(0.05), { momentum: 0.9, nesterov: true });
    case 'adam':
      return optimizers.adam(falling(2e-3));
    default:
      throw new RangeError(`mnist: there is no optimizer ${name}; try sgd, momentum or adam`);
  }
}

export interface Options {
  optimizer?: string;
  epochs?: number;
  /** Digits to learn from, at most 8,500. */
  train?: number;
  batch?: number;
  /** By how many pixels training images are moved at most. */
  shift?: number;
  seed?: number;
  /** Where the weights go. */
  out?: string;
}

export interface Report {
  /** Of each epoch. */
  readonly losses: readonly number[];
  /** Share of the 1,500 held-out digits that are read rightly, and the same with the weights from the file. */
  readonly accuracy: number;
  readonly reloaded: number;
  readonly imagesPerSecond: number;
}

const defaultOut = fileURLToPath(new URL('../../examples/out/mnist.safetensors', import.meta.url));

export function main(options: Options = {}, log: (text: string) => void = console.log): Report {
  const {
    optimizer: name = 'adam',
    epochs = 25,
    train = 8500,
    batch = 100,
    shift = 2,
    seed = 0,
    out = defaultOut,
  } = options;
  const digits = mnist({ train, seed });
  const batches = Math.floor(train / batch);
  const optimizer = optimizerNamed(name, epochs * batches);
  let bar: Progress;

  const epoch = jit(
    (params: Params, state: any, key: NDArray, { images, labels }: Digits) => {
      const order = random
        .permutation(random.foldIn(key, 0), train)
        .slice([0, batches * batch])
        .reshape(batches, batch);
      const keys = random.split(random.foldIn(key, 1), batches);
      const [[last, lastState], losses] = lax.scan(
        ([params, state]: [Params, any], [rows, key]: [NDArray, NDArray]) => {
          const x = shifted(key, images.take(rows, { axis: 0 }), shift);
          const [value, gradients] = valueAndGrad(loss)(params, x, labels.take(rows)) as [NDArray, Params];
          const [updates, next] = optimizer.update(gradients, state, params);
          debug.callback((value: NDArray) => bar.advance(batch, `loss ${(value.item() as number).toFixed(4)}`), value);
          return [[optimizers.applyUpdates(params, updates), next], value];
        },
        [params, state] as [Params, any],
        [order, keys] as [NDArray, NDArray],
      ) as any;
      return [last, lastState, losses.mean()] as [Params, any, NDArray];
    },
    { donate: [0, 1] },
  );

  const key = random.key(seed);
  let params = initParams(random.foldIn(key, -1 >>> 0));
  let state = optimizer.init(params);
  const losses: number[] = [];
  let rate = 0;
  for (let i = 0; i < epochs; i++) {
    bar = new Progress(`epoch ${i + 1}/${epochs}`, batches * batch);
    const [nextParams, nextState, mean] = epoch(params, state, random.foldIn(key, i), digits.train) as any;
    params = nextParams;
    state = nextState;
    losses.push(mean.item());
    rate = bar.rate;
    bar.end();
    const right = accuracy(params, digits.test) as NDArray;
    log(
      `epoch ${String(i + 1).padStart(2)}  loss ${losses.at(-1)!.toFixed(4)}  ${percent(right)} right  ${Math.round(rate)} images/s`,
    );
  }

  const final = accuracy(params, digits.test) as NDArray;
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, safetensors.save(params, { metadata: { optimizer: name, epochs: String(epochs) } }));
  const loaded = safetensors.loadTree(readFileSync(out), params) as Params;
  const reloaded = accuracy(loaded, digits.test) as NDArray;
  log(
    `${name}: ${percent(final)} of ${digits.test.labels.size} held-out digits, and ${percent(reloaded)} with the weights from ${out}`,
  );
  return {
    losses,
    accuracy: final.item() as number,
    reloaded: reloaded.item() as number,
    imagesPerSecond: rate,
  };
}

const percent = (share: NDArray): string => `${(100 * (share.item() as number)).toFixed(2)} %`;

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values } = parseArgs({
    options: {
      optimizer: { type: 'string' },
      epochs: { type: 'string' },
      train: { type: 'string' },
      batch: { type: 'string' },
      shift: { type: 'string' },
      seed: { type: 'string' },
      out: { type: 'string' },
    },
  });
  const number = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));
  main({
    ...values,
    epochs: number(values.epochs),
    train: number(values.train),
    batch: number(values.batch),
    shift: number(values.shift),
    seed: number(values.seed),
  });
}
