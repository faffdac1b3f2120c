/** The part of test/oracle/fuzz.py that needs this library: writes programs, compares and freezes results. */
import { readFileSync, writeFileSync } from 'node:fs';
import { configure } from '../../jit/target.ts';
import { type FrozenArray, type FrozenSample, failsAgainstJax, freeze } from './frozen.ts';
import { drawArguments, makeSample } from './sample.ts';
import { stageOf } from './transformations.ts';
import { writeProgram } from './write-javascript.ts';
import { NotInJax, writePython } from './write-python.ts';

configure({ deterministic: true });

interface Written extends FrozenSample {
  readonly python: string;
  /** The stack in Python. */
  readonly stack: readonly string[];
}

function write(path: string, seed: number, count: number): void {
  const samples: Written[] = [];
  for (let i = 0; i < count; i++) {
    const { program, stack } = makeSample(seed + i, { jax: true });
    const types = (stack.at(-1) ?? stageOf(program.inputs, program.outs)).inputs;
    try {
      samples.push({
        seed: seed + i,
        python: writePython(program),
        stack: stack.map((s) => s.py!),
        program: writeProgram(program),
        stages: stack.map((s) => s.js),
        args: drawArguments(types, seed + i).map(freeze),
        results: [],
      });
    } catch (error) {
      if (!(error instanceof NotInJax)) throw error;
    }
  }
  writeFileSync(path, JSON.stringify(samples));
}

const mostBytes = 290_000;

function compare(samples: string, results: string, differing: string, target?: string): void {
  const written: Written[] = JSON.parse(readFileSync(samples, 'utf8'));
  const answers: Record<string, FrozenArray[]> = JSON.parse(readFileSync(results, 'utf8'));
  const kept: FrozenSample[] = [];
  let bytes = 0;
  const differ: number[] = [];
  const counts = { agree: 0, ambiguous: 0, differ: 0 };
  for (const { python, stack, ...sample } of written) {
    const answer = answers[sample.seed];
    if (!answer) continue;
    const frozen: FrozenSample = { ...sample, results: answer };
    const verdict = failsAgainstJax(frozen);
    if (verdict === 'ambiguous') counts.ambiguous++;
    else if (verdict) {
      counts.differ++;
      differ.push(sample.seed);
      if (target !== undefined) console.log(`\nseed ${sample.seed}: ${verdict}\n${python}\n${stack.join('\n')}`);
    } else {
      counts.agree++;
      const size = JSON.stringify(frozen).length + 2;
      if (size < 4000 && bytes + size < mostBytes) {
        kept.push(frozen);
        bytes += size;
      }
    }
  }
  console.log(`${counts.agree} agree with JAX, ${counts.ambiguous} discarded, ${counts.differ} differ`);
  writeFileSync(differing, JSON.stringify(differ));
  if (target) {
    writeFileSync(target, `[\n${kept.map((s) => JSON.stringify(s)).join(',\n')}\n]\n`);
    console.log(`${kept.length} frozen, ${bytes} bytes`);
  }
}

const [command, first, second, third, fourth] = process.argv.slice(2) as [string, string, string, string, string?];
if (command === 'write') write(first, Number(second), Number(third));
else compare(first, second, third, fourth);
