/** Runs the cases of one library and prints a line of JSON each: name, median seconds, and a sample of the result. */
import Benchmark from 'benchmark';

/** Cases to run, or the beginnings of their names; all without any. */
const only = process.argv.slice(2);

/** The first elements and the sum, to compare results by. */
export function sample(values) {
  const list = typeof values === 'number' ? [values] : Array.from(values);
  return [...list.slice(0, 6), list.reduce((a, b) => a + b, 0)].map(Number);
}

/**
 * @param cases name → a function that prepares and returns { run, result }: `run` does the work once, `result` reads what
 * it computes
 */
export async function measure(library, cases, maxTime = 0.6) {
  for (const [name, prepare] of Object.entries(cases)) {
    if (
      only.length &&
      !only.some((start) => name === start || (start.endsWith('…') && name.startsWith(start.slice(0, -1))))
    )
      continue;
    try {
      const start = performance.now();
      const { run, result } = await prepare();
      const values = sample(await result());
      const first = (performance.now() - start) / 1000;
      const deadline = performance.now() + 300;
      for (let n = 0; n < 3 || (performance.now() < deadline && n < 3000); n++) run();
      const benchmark = new Benchmark(name, run);
      Object.assign(benchmark, { maxTime, minSamples: 8 });
      benchmark.run();
      if (benchmark.error) throw benchmark.error;
      const times = [...benchmark.stats.sample].sort((a, b) => a - b);
      const seconds = times[times.length >> 1] ?? benchmark.stats.mean;
      console.log(JSON.stringify({ library, name, seconds, first, values }));
    } catch (error) {
      console.log(JSON.stringify({ library, name, error: String(error?.message ?? error).slice(0, 200) }));
    }
  }
}
