/**
 * Handwritten digits: a small network, dense or convolutional, learns to read them, an epoch per call. Everything in an epoch — the
 * order of the images, their random shifts, the gradients, the optimizer — is one compiled program.
 *
 *     node dist/examples/mnist.js --model cnn --optimizer momentum
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { debug, jit, lax, type NDArray, nn, np, optimizers, random, safetensors, valueAndGrad, vmap } from 'cotangent';
import { cnn, type Model, mlp, type Params } from './lib/digit-models.ts';
import { type Digits, mnist } from './lib/mnist.ts';
import { Progress } from './lib/progress.ts';

const models: Readonly<Record<string, Model>> = { mlp, cnn };

/** Mean of −log of the probability given to the right digit. */
const crossEntropy = (logits: NDArray, labels: NDArray): NDArray =>
  nn.logSoftmax(logits).mul(nn.oneHot(labels, 10)).sum({ axis: 1 }).mean().neg();

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
function optimizersFor(steps: number, adamRate: number): Record<string, optimizers.GradientTransformation> {
  const falling = (rate: number) => optimizers.cosineDecaySchedule(rate, { decaySteps: steps });
  return {
    sgd: optimizers.sgd(falling(0.2)),
    momentum: optimizers.sgd(falling(0.05), { momentum: 0.9, nesterov: true }),
    adam: optimizers.adam(falling(adamRate)),
  };
}

export interface Options {
  model?: string;
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
}

const defaultOut = fileURLToPath(new URL('../../examples/out/mnist.safetensors', import.meta.url));

/** `name` among `choices`, or an error that lists them. */
function choose<T>(kind: string, name: string, choices: Readonly<Record<string, T>>): T {
  if (Object.hasOwn(choices, name)) return choices[name]!;
  throw new RangeError(`mnist: there is no ${kind} ${name}; try ${Object.keys(choices).join(' or ')}`);
}

export function main(options: Options = {}, log: (text: string) => void = console.log): Report {
  const { model: modelName = 'mlp', optimizer: optimizerName = 'adam', train = 8500 } = options;
  const { init, logits, ...usual } = choose('model', modelName, models);
  const { epochs = usual.epochs, batch = 100, shift = 2, seed = 0, out = defaultOut } = options;
  const batches = Math.floor(train / batch);
  if (!(batches >= 1 && epochs >= 1))
    throw new RangeError('mnist: nothing to learn: give at least one epoch and batch');
  const optimizer = choose('optimizer', optimizerName, optimizersFor(epochs * batches, usual.adamRate));
  const digits = mnist({ train, seed });
  let bar: Progress;

  /** Learns from one batch. */
  const step = ([params, state]: [Params, any], images: NDArray, labels: NDArray): [[Params, any], NDArray] => {
    const loss = (params: Params): NDArray => crossEntropy(logits(params, images), labels);
    const [value, gradients] = valueAndGrad(loss)(params) as [NDArray, Params];
    const [updates, next] = optimizer.update(gradients, state, params);
    debug.callback((value: NDArray) => bar.advance(batch, `loss ${(value.item() as number).toFixed(4)}`), value);
    return [[optimizers.applyUpdates(params, updates), next], value];
  };

  const epoch = jit(
    (params: Params, state: any, key: NDArray, { images, labels }: Digits): [Params, any, NDArray] => {
      const order = random.permutation(random.foldIn(key, 0), train).slice([0, batches * batch]);
      const keys = random.split(random.foldIn(key, 1), batches);
      const turn = (learned: [Params, any], [rows, key]: [NDArray, NDArray]): [[Params, any], NDArray] =>
        step(learned, shifted(key, images.take(rows, { axis: 0 }), shift), labels.take(rows));
      const [last, losses] = lax.scan(turn as any, [params, state], [order.reshape(batches, batch), keys]) as any;
      return [...(last as [Params, any]), losses.mean()];
    },
    { donate: [0, 1] },
  );

  const share = jit((params: Params, { images, labels }: Digits) =>
    logits(params, images).argmax({ axis: 1 }).eq(labels).mean(),
  );
  /** The share of held-out digits that are read rightly. */
  const accuracy = (params: Params): number => (share(params, digits.test) as NDArray).item() as number;

  const key = random.key(seed);
  let params = init(random.foldIn(key, epochs));
  let state = optimizer.init(params);
  const losses: number[] = [];
  for (let i = 0; i < epochs; i++) {
    bar = new Progress(`epoch ${i + 1}/${epochs}`, batches * batch);
    const [nextParams, nextState, loss] = epoch(params, state, random.foldIn(key, i), digits.train) as any;
    [params, state] = [nextParams, nextState];
    losses.push(loss.item());
    const speed = `${Math.round(bar.rate)} images/s`;
    bar.end();
    log(
      `epoch ${String(i + 1).padStart(2)}  loss ${losses.at(-1)!.toFixed(4)}  ${percent(accuracy(params))} right  ${speed}`,
    );
  }

  mkdirSync(dirname(out), { recursive: true });
  const metadata = { model: modelName, optimizer: optimizerName, epochs: String(epochs) };
  writeFileSync(out, safetensors.save(params, { metadata }));
  const right = accuracy(params);
  const reloaded = accuracy(safetensors.loadTree(readFileSync(out), params) as Params);
  const count = digits.test.labels.size;
  log(
    `${modelName}, ${optimizerName}: ${percent(right)} of ${count} held-out digits, ${percent(reloaded)} with the weights from ${out}`,
  );
  return { losses, accuracy: right, reloaded };
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values } = parseArgs({
    options: {
      model: { type: 'string' },
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
