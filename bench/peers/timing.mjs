/** Runs the cases of one library and prints a line of JSON each: name, median seconds, and a sample of the result. */
import Benchmark from 'benchmark';

/** Whether to name the cases only. */
const lists = process.argv[2] === '--list';
/** Cases to run, or the beginnings of their names; without any all but the eager ones, which are hundreds. */
const only = process.argv.slice(lists ? 3 : 2);
const isWanted = (name) =>
  only.length === 0
    ? !name.startsWith('eager ')
    : only.some((start) => name === start || (start.endsWith('…') && name.startsWith(start.slice(0, -1))));

/** The first elements and the sum, to compare results by. */
export function sample(values) {
  const list = typeof values === 'number' ? [values] : Array.from(values);
  return [...list.slice(0, 6), list.reduce((a, b) => a + b, 0)].map(Number);
}

/** Median seconds of `run`, which may be asynchronous: batches of a millisecond or more for half a second. */
async function timeOf(run, asynchronous) {
  const batch = async (n) => {
    const start = performance.now();
    if (asynchronous) for (let i = 0; i < n; i++) await run();
    else for (let i = 0; i < n; i++) run();
    return (performance.now() - start) / 1000 / n;
  };
  const deadline = performance.now() + 300;
  for (let n = 0; n < 3 || (performance.now() < deadline && n < 3000); n++) await batch(1);
  const n = Math.max(1, Math.ceil(1e-3 / (await batch(3))));
  const times = [];
  for (const end = performance.now() + 500; times.length < 8 || performance.now() < end; ) times.push(await batch(n));
  return times.sort((a, b) => a - b)[times.length >> 1];
}

/**
 * @param cases name → a function that prepares and returns { run, result, compute }: `run` does the work once, `result`
 * reads what it computes. `compute`, if there is one, does the same as `run` but for reading the result; it may be
 * asynchronous.
 */
export async function measure(library, cases, maxTime = 0.6) {
  for (const [name, prepare] of Object.entries(cases)) {
    if (!isWanted(name)) continue;
    if (lists) {
      console.log(JSON.stringify({ library, name }));
      continue;
    }
    try {
      const start = performance.now();
      const { run, result, compute, asynchronous = false } = await prepare();
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
      const computed = compute ? { computed: await timeOf(compute, asynchronous) } : {};
      console.log(JSON.stringify({ library, name, seconds, first, values, ...computed }));
    } catch (error) {
      console.log(JSON.stringify({ library, name, error: String(error?.message ?? error).slice(0, 200) }));
    }
  }
}
