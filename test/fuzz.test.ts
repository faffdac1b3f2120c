/** A few hundred random programs; `npm run fuzz` runs any number. How it works: docs/testing.md. */
import t from 'tap';
import { configure } from '../jit/target.ts';
import { allPrimitives } from '../src/lax/primitives.ts';
import { type FrozenSample, failsAgainstJax } from './fuzz/frozen.ts';
import { type CheckOptions, check } from './fuzz/properties.ts';
import { makeSample } from './fuzz/sample.ts';
import { failureOf, shrink } from './fuzz/shrink.ts';
import { Statistics } from './fuzz/statistics.ts';
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
