/** The examples run, and say what is true. */
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { main as lynx } from '../examples/lynx.ts';
import { main as mnist } from '../examples/mnist.ts';
import { diagonal, diagonalP, logCosh, main as primitives } from '../examples/primitive.ts';
import { main as ridge } from '../examples/ridge.ts';
import { main as roots } from '../examples/roots.ts';
import { jit, np } from '../src/index.ts';
import { definePrimitive } from '../src/primitives.ts';
import { checkBatches, checkDerivatives, checkSecondDerivatives } from './check-primitive.ts';

t.test('ridge', (t) => {
  const lines: string[] = [];
  const { errors, learned, best } = ridge((line) => lines.push(line));
  for (const [name, parts] of Object.entries(errors))
    for (const error of parts) t.ok(error < 1e-10, `${name}: ${error}`);
  const losses = learned.customRoot!.loss;
  t.ok(losses.at(-1)! < losses[0]! - 0.01, 'the validation loss went down');
  t.ok(Math.abs(Math.log(learned.customRoot!.l2reg.at(-1)! / best)) < 0.3, 'near the best of a grid');
  t.ok(Math.abs(learned.customFixedPoint!.loss.at(-1)! - losses.at(-1)!) < 1e-6, 'the fixed point agrees');
  t.match(lines.join('\n'), /converged/);
  t.end();
});

t.test('roots', (t) => {
  const { x, first, second, third, lanes } = roots(() => {});
  const near = (actual: number, wanted: number, name: string) =>
    t.ok(Math.abs(actual - wanted) < 1e-9, `${name}: ${actual}, ${wanted}`);
  near(x ** 3 + 2 * x, 1, 'the equation');
  near(first, -x / (3 * x * x + 2), 'first derivative');
  // Differentiating x′(3x² + θ) + x = 0 again and again.
  const d = 3 * x * x + 2;
  const byHand = -(6 * x * first * first + 2 * first) / d;
  near(second, byHand, 'second derivative');
  near(third, -(6 * first ** 3 + 18 * x * first * byHand + 3 * byHand) / d, 'third derivative');
  near(lanes[0]!, -0.2846930805, 'first lane');
  t.equal(lanes.length, 1000);
  t.end();
});

t.test('hares and lynxes', (t) => {
  const lines: string[] = [];
  const { rates, errors, period, influence } = lynx((line) => lines.push(line));
  const published = [0.55, 0.028, 0.8, 0.024];
  published.forEach((mean, i) => {
    t.ok(Math.abs(rates[i]! - mean) < errors[i]! / 2, `rate ${i}: ${rates[i]} and ${mean}`);
  });
  t.ok(period > 9 && period < 10.5);
  t.strictSame(influence.shape, [4, 2, 21]);
  // Twice as many hares and lynxes are the same with half the appetite: rates of birth and death stay.
  const total = np.sum(influence, { axis: [1, 2] }).tolist() as number[];
  const expected = [0, -rates[1]!, 0, -rates[3]!];
  t.ok(
    total.every((v, i) => Math.abs(v - expected[i]!) < 1e-5),
    String(total),
  );
  t.match(lines[0], /^converged/);
  t.end();
});

t.test('primitives of our own', (t) => {
  const { value, slope, curvature, traces, code } = primitives(() => {});
  t.ok(Math.abs(value - Math.log(Math.cosh(0.5))) < 1e-15);
  t.ok(Math.abs(slope - Math.tanh(0.5)) < 1e-15);
  t.ok(Math.abs(curvature - (1 - Math.tanh(0.5) ** 2)) < 1e-15);
  t.strictSame(traces, [12, 39]);
  t.match(code, /v128/, 'compiled to vector code');
  const smooth = () => [{ inputs: [{ shape: [2, 3], dtype: 'float64', low: -2, high: 2 }] }] as const;
  for (const p of [{ ...logCosh.primitive, samples: smooth }, diagonalP]) {
    t.strictSame(checkDerivatives(p), [], `${p.name}: derivatives`);
    t.strictSame(checkSecondDerivatives(p), [], `${p.name}: second derivatives`);
    t.strictSame(checkBatches(p), [], `${p.name}: batches`);
  }
  const x = np.linspace(-9, 9, 101).astype('float64');
  const wanted = (x.tolist() as number[]).map((v) => Math.abs(v) + Math.log1p(Math.exp(-2 * Math.abs(v))) - Math.LN2);
  const compiled: number[] = jit(logCosh)(x).tolist();
  t.ok(
    compiled.every((v, i) => Math.abs(v - wanted[i]!) <= 4 * 2 ** -52 * Math.max(1, wanted[i]!)),
    'compiled and reference agree',
  );
  t.throws(() => diagonal(np.zeros([2, 3])), { message: /diagonal: expected square matrices, but got f32\[2,3\]/ });
  t.throws(() => definePrimitive({ ...diagonalP, name: 'diagonal' }), {
    message: /`diagonal` is no name for a primitive of your own: put a dot in it, as in `mine\.diagonal`/,
  });
  t.throws(() => definePrimitive(diagonalP), { message: /`example\.diagonal` is defined already/ });
  t.throws(() => definePrimitive({ ...diagonalP, name: 'test.x', batch: undefined! }), {
    message: /the primitive `test\.x` has no `batch`/,
  });
  t.end();
});

t.test('mnist, a small part of it', (t) => {
  const out = join(tmpdir(), `cotangent-mnist-${process.pid}.safetensors`);
  t.teardown(() => rmSync(out, { force: true }));
  const lines: string[] = [];
  const learn = (optimizer: string) =>
    mnist({ optimizer, epochs: 1, train: 1000, batch: 10, shift: 0, out }, (line) => lines.push(line));
  for (const optimizer of ['adam', 'momentum', 'sgd']) {
    const { accuracy, reloaded, losses } = learn(optimizer);
    t.ok(accuracy > 0.8, `${optimizer} reads ${accuracy}`);
    t.equal(reloaded, accuracy, 'the same with the weights from the file');
    if (optimizer === 'adam') t.same(learn(optimizer).losses, losses, 'the seed decides everything');
  }
  t.match(lines.at(-1), /^mlp, sgd: 8\d\.\d\d % of 1500 held-out digits/);
  const { losses } = mnist({ epochs: 1, train: 200, batch: 50, out }, () => {});
  t.ok(losses[0]! > 1 && losses[0]! < 4, 'with random shifts');
  const convolutional = mnist({ model: 'cnn', epochs: 1, train: 600, batch: 10, shift: 0, out }, () => {});
  t.ok(convolutional.accuracy > 0.7, `convolutions read ${convolutional.accuracy}`);
  t.equal(convolutional.reloaded, convolutional.accuracy);
  t.throws(() => mnist({ optimizer: 'adma' }, () => {}), { message: /no optimizer adma; try sgd or momentum or adam/ });
  t.end();
});
