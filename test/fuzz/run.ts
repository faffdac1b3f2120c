/** `npm run fuzz -- --seed S --count N`: random programs until one fails, which is made small and printed. */
import { parseArgs } from 'node:util';
import { configure } from '../../jit/target.ts';
import { allPrimitives } from '../../src/lax/primitives.ts';
import { type CheckOptions, check } from './properties.ts';
import { makeSample } from './sample.ts';
import { failureOf, shrink } from './shrink.ts';
import { Statistics } from './statistics.ts';
import { writeScript } from './write-script.ts';

configure({ deterministic: true });

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    count: { type: 'string', default: '2000' },
    /** Fraction of the programs that are compiled. */
    compile: { type: 'string', default: '0.3' },
    /** How many failures to report before stopping. */
    failures: { type: 'string', default: '1' },
    /** Seconds to make a failing program smaller. */
    shrink: { type: 'string', default: '60' },
    print: { type: 'boolean', default: false },
  },
});
const first = Number(values.seed);
const count = Number(values.count);
const share = Number(values.compile);

const statistics = new Statistics();
const names = allPrimitives().map((p) => p.name);
const start = performance.now();
let failures = 0;
console.log(`seed ${first}, ${count} programs`);

for (let i = 0; i < count; i++) {
  const seed = first + i;
  // Which programs are compiled depends on the seed alone, so that a failure comes again.
  const chosen = (seed * 0.6180339887) % 1;
  const options: CheckOptions = { compile: chosen < share, eager: chosen < 0.05, count: statistics.count };
  let sample: ReturnType<typeof makeSample> | undefined;
  try {
    sample = makeSample(seed);
    if (values.print) console.log(writeScript(sample));
    statistics.add(sample, check(sample, options));
  } catch (error) {
    failures++;
    console.log(`\nseed ${seed} fails: ${sample ? failureOf(sample, options)?.kind : 'making the sample'}`);
    if (!sample) console.log((error as Error).stack);
    else {
      const small = shrink(sample, { ...options, count: undefined }, Number(values.shrink));
      const failure = failureOf(small, options);
      console.log(`${failure?.kind}: ${failure?.message.slice(0, 1500)}`);
      console.log(`\n${writeScript(small)}\n`);
    }
    if (failures >= Number(values.failures)) break;
  }
  if ((i + 1) % 500 === 0) {
    const rate = (i + 1) / ((performance.now() - start) / 1000);
    console.log(`${i + 1} programs, ${rate.toFixed(0)} a second, ${failures} failures`);
  }
}
const seconds = (performance.now() - start) / 1000;
console.log(`\n${statistics.summary(names)}`);
console.log(
  `${failures} failures in ${seconds.toFixed(1)} s, ${(statistics.programs / seconds).toFixed(0)} programs a second`,
);
process.exitCode = failures ? 1 : 0;
