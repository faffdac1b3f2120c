/** A few hundred random programs; `npm run fuzz` runs any number. How it works: docs/testing.md. */
import t from 'tap';
import { configure } from '../jit/target.ts';
import { shapedArray } from '../src/core/aval.ts';
import type { HostArray } from '../src/core/primitive.ts';
import { jvp, lax, type NDArray, np } from '../src/index.ts';
import { allPrimitives } from '../src/lax/primitives.ts';
import { finiteDifferences } from './fuzz/finite-differences.ts';
import { type FrozenSample, failsAgainstJax } from './fuzz/frozen.ts';
import { bounded, type CheckOptions, check, trace } from './fuzz/properties.ts';
import { type ListFunction, makeSample } from './fuzz/sample.ts';
import { failureOf, shrink } from './fuzz/shrink.ts';
import { Statistics } from './fuzz/statistics.ts';
import { stageOf } from './fuzz/transformations.ts';
import { writeScript } from './fuzz/write-script.ts';
import { fixture } from './lib/fixture.ts';

configure({ deterministic: true });
t.setTimeout(200_000);

t.test('random programs under random transformations', (t) => {
  const statistics = new Statistics();
  for (let seed = 1; seed <= 250; seed++) {
    const options: CheckOptions = { compile: seed % 3 === 0, eager: seed % 20 === 0, count: statistics.count };
    const sample = makeSample(seed);
    try {
      statistics.record(sample, check(sample, options));
    } catch {
      const small = shrink(sample, { ...options, count: undefined }, 10);
      const failure = failureOf(small, options);
      t.fail(`seed ${seed}, ${failure?.kind}: ${failure?.message}\n${writeScript(small)}`);
    }
  }
  t.comment(statistics.summary(allPrimitives().map((p) => p.name)));
  t.ok(statistics.ambiguous < 15, 'few programs are discarded');
  t.ok(statistics.primitives.size > 100, 'most primitives are in some program');
  t.end();
});

t.test('finite differences at ties, where the derivative is a convention', (t) => {
  const types = [{ dtype: 'float64', shape: [3], low: -4, high: 4 }] as const;
  const stage = stageOf(types as never, types as never);
  const host = (data: number[]): HostArray => ({ aval: shapedArray([3], 'float64'), data: Float64Array.from(data) });
  const saysNothing = (f: ListFunction, x: number[], slope = 1): boolean => {
    const args = [host(x), host([1, -2, 0.5])];
    const pushed: ListFunction = (x, dx) => {
      const [y, dy] = jvp((x: NDArray) => f(x)[0]!, [x!], [dx!]);
      return [y, dy.mul(slope)];
    };
    const result = bounded(trace(pushed, args), args, 'mathematics');
    return finiteDifferences(stage, trace(f, args.slice(0, 1)), args, result);
  };
  // The smallest of these is the first element, in whatever direction the elements move.
  const smallest: ListFunction = (x) => [np.min(lax.cummax(x!)).add(np.zeros([3], { dtype: 'float64' }))];
  const sorted: ListFunction = (x) => [lax.sortMulti([x!, x!], { dimension: 0, numKeys: 1 })[1]!];
  t.ok(saysNothing(smallest, [1, 1, 3]), 'an extremum of equal elements');
  t.notOk(saysNothing(smallest, [1, 2, 2]), 'but not where they are left out');
  t.ok(saysNothing(sorted, [1, 1, 1]), 'an order of equal elements');
  t.notOk(saysNothing(sorted, [3, 1, 2]));
  t.throws(() => saysNothing(sorted, [3, 1, 2], 1.001), /which differ by/);
  t.throws(() => saysNothing((x) => [np.sin(x!).mul(np.maximum(x!, x!))], [1, 1, 1], 1.001), /which differ by/);
  t.end();
});

t.test('random programs as JAX computes them, frozen by test/oracle/fuzz.py', (t) => {
  const samples: FrozenSample[] = fixture('fuzz');
  let agreed = 0;
  for (const sample of samples) {
    const wrong = failsAgainstJax(sample);
    if (wrong === undefined) agreed++;
    else if (wrong !== 'ambiguous')
      t.fail(`seed ${sample.seed}: ${wrong}\n${sample.program}\n${sample.stages.join('\n')}`);
  }
  t.ok(agreed > 170, `${agreed} of ${samples.length} agree`);
  t.end();
});
