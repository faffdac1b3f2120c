/**
 * Single operations here and in numpy-ts or ml-matrix, in turn in one process, so that both meet the same machine: `node side-by-side.mjs`
 * with names of cases, or their beginnings with … at the end. Prints the least of several times and theirs over ours,
 * and says where results differ; with `--list` first, the names alone.
 */
import { cases as ours } from './eager-cotangent.mjs';
import { cases as inMlMatrix } from './eager-ml-matrix.mjs';
import { cases as inNumpyTs } from './eager-numpy-ts.mjs';
import { sample } from './timing.mjs';

const theirs = { ...inNumpyTs, ...inMlMatrix };
const isList = process.argv[2] === '--list';
const only = process.argv.slice(isList ? 3 : 2);
const isWanted = (name) =>
  only.length === 0 ||
  only.some((start) => (start.endsWith('…') ? name.startsWith(start.slice(0, -1)) : name === start));

const fullRounds = Number(process.env.ROUNDS ?? 9);
const millisecondsPerRound = 8;

/** Microseconds of one of `n` calls. */
function timeOf(run, n) {
  const start = performance.now();
  for (let i = 0; i < n; i++) run();
  return ((performance.now() - start) * 1000) / n;
}

function warm(run) {
  const deadline = performance.now() + 60;
  for (let n = 0; n < 3 || (performance.now() < deadline && n < 5000); n++) run();
  return Math.max(1, Math.ceil((millisecondsPerRound * 1000) / timeOf(run, 3)));
}

const isNear = (x, y, tolerance = 1e-6) =>
  Object.is(x, y) || x === y || Math.abs(x - y) <= tolerance * Math.max(Math.abs(x), 1e-3);

const time = (us) => (us < 1000 ? `${us.toPrecision(3)} µs` : `${(us / 1000).toPrecision(3)} ms`);

for (const name of Object.keys(ours)) {
  if (!isWanted(name) || !theirs[name]) continue;
  if (isList) {
    console.log(name);
    continue;
  }
  try {
    const [a, b] = [ours[name](), theirs[name]()];
    const results = [a, b].map((x) => sample(x.result()));
    const agree = results[0].every((x, i) => isNear(x, results[1][i], a.tolerance));
    const counts = [warm(a.run), warm(b.run)];
    const rounds = Math.max(timeOf(a.run, 1), timeOf(b.run, 1)) > 1e5 ? 2 : fullRounds;
    const least = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let round = 0; round < rounds; round++)
      [a, b].forEach(({ run }, i) => {
        least[i] = Math.min(least[i], timeOf(run, counts[i]));
      });
    const ratio = (least[1] / least[0]).toFixed(2);
    console.log(
      `${name.slice(6).padEnd(32)} ${time(least[0]).padStart(9)} ${time(least[1]).padStart(9)} ${ratio.padStart(7)}${agree ? '' : '  other result'}`,
    );
  } catch (error) {
    console.log(`${name.slice(6).padEnd(32)} ${String(error?.message ?? error).slice(0, 100)}`);
  }
}
