/**
 * `npm run bench`: every case, checked equal and then timed; results as a table and as JSON. With `-- --peers` the same
 * work in other libraries instead, all of it or the cases named after that, and with `-- --docs --peers` the tables of
 * docs/performance.md are written anew; with `-- --operations` single operations beside numpy-ts's; with `-- --first-calls`
 * first calls in fresh processes against later ones.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { callCases, memoryOfManyCalls } from './cases/calls.ts';
import { implicitCases } from './cases/implicit.ts';
import { kernelCases } from './cases/kernels.ts';
import { positionCases } from './cases/positions.ts';
import { ridgeCases } from './cases/ridge.ts';
import { firstCalls, formatFirstCalls } from './first-calls.ts';
import { formatRows, machine, rowsOfLimit, runCase } from './harness.ts';
import { withTables } from './peer-tables.ts';
import { compareOperations, comparePeers } from './peers.ts';
import { betterOf, formatRoofline, measureRoofline } from './roofline.ts';
import { startup } from './startup.ts';

const { cpu, cores, node, v8, binaryen } = machine();
console.log(`${cpu}, ${cores} cores; Node ${node} (V8 ${v8}), binaryen ${binaryen}\n`);

const folder = new URL('../../bench/results/local/', import.meta.url);
mkdirSync(folder, { recursive: true });
const save = (name: string, result: object): void =>
  writeFileSync(new URL(`${name}.json`, folder), `${JSON.stringify(result, undefined, 2)}\n`);

const peersAt = process.argv.indexOf('--peers');
if (peersAt >= 0) {
  const forDocs = process.argv.slice(0, peersAt).includes('--docs');
  const peers = comparePeers(process.argv.slice(peersAt + 1), forDocs ? 2 : 1);
  console.log(peers.markdown);
  writeFileSync(new URL('peers.md', folder), `${peers.markdown}\n`);
  save('peers', { machine: machine(), ...peers });
  const document = new URL('../../docs/performance.md', import.meta.url);
  if (forDocs) writeFileSync(document, withTables(readFileSync(document, 'utf8'), peers.tables));
  process.exit();
}

const operationsAt = process.argv.indexOf('--operations');
if (operationsAt >= 0) {
  compareOperations(process.argv.slice(operationsAt + 1));
  process.exit();
}

const firstCallsAt = process.argv.indexOf('--first-calls');
if (firstCallsAt >= 0) {
  const rows = firstCalls(11, process.argv.slice(firstCallsAt + 1));
  console.log(formatFirstCalls(rows));
  save('first-calls', { machine: machine(), rows });
  process.exit();
}

const before = measureRoofline();
const cases = [...ridgeCases(), ...implicitCases(), ...kernelCases(), ...positionCases(), ...callCases()];
const timed = cases.map((c) => runCase(c, 0.5));
const roofline = betterOf(before, measureRoofline());
const rows = cases.flatMap((c, i) => rowsOfLimit(timed[i]!, c, roofline));
console.log(`${formatRoofline(roofline)}\n\n${formatRows(rows)}`);

const memory = memoryOfManyCalls();
console.log(`\n${memory}`);
const { cold, warm } = startup();
const ms = (t: number): string => `${t.toFixed(0)} ms`;
console.log(
  `a fresh process: import ${ms(warm.imported)}; first jitted result ${ms(cold.first)} with an empty cache, ` +
    `${ms(warm.first)} with a warm one (${warm.compilers ? 'compiled again' : 'nothing compiled'})`,
);

save('bench', { machine: machine(), roofline, rows, memory, startup: { cold, warm } });
