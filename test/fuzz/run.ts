/**
 * `npm run fuzz -- --seed S --count N`: random programs until one fails, which is made small and printed. Seeds are shared
 * among processes, one for each core; what a program does depends on its seed alone.
 */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { configure } from '../../jit/target.ts';
import { allPrimitives } from '../../src/lax/primitives.ts';
import { type CheckOptions, check } from './properties.ts';
import { makeSample } from './sample.ts';
import { failureOf, shrink } from './shrink.ts';
import { type Figures, Statistics } from './statistics.ts';
import { writeScript } from './write-script.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    count: { type: 'string', default: '2000' },
    /** Fraction of the programs that are compiled. */
    compile: { type: 'string', default: '0.3' },
    /** Most elements of a value: code of other shapes is used where there are more. */
    size: { type: 'string', default: '32' },
    /** How many failures to report before stopping. */
    failures: { type: 'string', default: '1' },
    /** Seconds to make a failing program smaller. */
    shrink: { type: 'string', default: '60' },
    print: { type: 'boolean', default: false },
    /** Processes. */
    jobs: { type: 'string', default: String(availableParallelism()) },
    /** Which of the processes this one is. */
    part: { type: 'string' },
  },
});
const first = Number(values.seed);
const count = Number(values.count);
const share = Number(values.compile);
const jobs = Math.max(1, Math.min(Number(values.jobs), count));

/** What a process tells the one that started it. */
type Message = { readonly done: number } | { readonly failure: string } | { readonly figures: Figures };

/** Every `jobs`-th seed from `part` on. */
function run(part: number, tell: (message: Message) => void): void {
  configure({ deterministic: true });
  const statistics = new Statistics();
  let failures = 0;
  let done = 0;
  for (let seed = first + part; seed < first + count; seed += jobs) {
    // Which programs are compiled depends on the seed alone, so that a failure comes again.
    const chosen = (seed * 0.6180339887) % 1;
    const options: CheckOptions = { compile: chosen < share, eager: chosen < 0.05, count: statistics.count };
    let sample: ReturnType<typeof makeSample> | undefined;
    try {
      sample = makeSample(seed, { size: Number(values.size) });
      if (values.print) console.log(writeScript(sample));
      statistics.record(sample, check(sample, options));
    } catch (error) {
      failures++;
      tell({ failure: describe(seed, sample, options, error as Error) });
      if (failures >= Number(values.failures)) break;
    }
    if (++done % 100 === 0) tell({ done: 100 });
  }
  tell({ done: done % 100 });
  tell({ figures: statistics.figures() });
}

function describe(
  seed: number,
  sample: ReturnType<typeof makeSample> | undefined,
  options: CheckOptions,
  error: Error,
) {
  if (!sample) return `\nseed ${seed} fails: making the sample\n${error.stack}`;
  const title = `\nseed ${seed} fails: ${failureOf(sample, options)?.kind}`;
  const small = shrink(sample, { ...options, count: undefined }, Number(values.shrink));
  const failure = failureOf(small, options);
  return `${title}\n${failure?.kind}: ${failure?.message.slice(0, 1500)}\n\n${writeScript(small)}\n`;
}

function start(): void {
  const begin = performance.now();
  const seconds = (): number => (performance.now() - begin) / 1000;
  const total = new Statistics();
  let [done, failures, running] = [0, 0, jobs];
  let stopped = false;
  console.log(`seed ${first}, ${count} programs${jobs > 1 ? `, ${jobs} processes` : ''}`);
  const children = Array.from({ length: jobs > 1 ? jobs : 0 }, (_, part) =>
    fork(fileURLToPath(import.meta.url), [...process.argv.slice(2), '--part', String(part)], {
      serialization: 'advanced',
    }),
  );
  const end = (): void => {
    // Processes that were stopped have not told their figures.
    if (!stopped || jobs === 1) console.log(`\n${total.summary(allPrimitives().map((p) => p.name))}`);
    const rate = ((stopped ? done : total.programs) / seconds()).toFixed(0);
    console.log(`${failures} failures in ${seconds().toFixed(1)} s, ${rate} programs a second`);
    process.exitCode = failures ? 1 : 0;
  };
  const hear = (message: Message): void => {
    if ('failure' in message) {
      failures++;
      console.log(message.failure);
      stopped = failures >= Number(values.failures);
      if (stopped) for (const child of children) child.kill();
    } else if ('figures' in message) {
      total.add(message.figures);
    } else {
      const before = done;
      done += message.done;
      if (Math.floor(done / 500) > Math.floor(before / 500))
        console.log(`${done} programs, ${(done / seconds()).toFixed(0)} a second, ${failures} failures`);
    }
  };
  if (jobs === 1) {
    run(0, hear);
    end();
  }
  for (const child of children) {
    child.on('message', (message) => hear(message as Message));
    child.on('exit', (code) => {
      if (code !== 0 && !stopped) failures++;
      if (--running === 0) end();
    });
  }
}

if (values.part === undefined) start();
else run(Number(values.part), (message) => process.send!(message));
