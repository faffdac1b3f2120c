import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import '../../src/index.ts';
import { elementwiseRecords } from '../../src/lax/runtime-records.ts';
import { fusedRecords } from '../../src/numpy/runtime-records.ts';
import { hash } from '../caches/hash.ts';
import { elementwiseModule } from '../runtime/elementwise.ts';
import { runtimeModule } from '../runtime/functions.ts';
import { fusedModule } from '../runtime/fused.ts';
import { targetName } from '../target.ts';
import type { CodeModule, Target } from '../wasm/code.ts';
import { emit } from '../wasm/emit.ts';
import { binaryenVersion, emitterVersion } from '../wasm/versions.ts';
import { encode } from '../wasm/wire.ts';
import { probeModules } from './probe-modules.ts';

/**
 * Part of the build: emits the prebuilt modules for each target into `dist`, unless they are there already. Node reads the
 * files; browsers import the same bytes in base64. The modules that probe the engine are written first.
 */
const targets: Target[] = [true, false].flatMap((fma) => [false, true].map((shared) => ({ fma, shared })));

async function write(name: string, moduleFor: (target: Target) => CodeModule): Promise<void> {
  for (const target of targets) {
    const file = (end: string): URL => new URL(`../generated/${name}-${targetName(target)}.${end}`, import.meta.url);
    const module = moduleFor(target);
    // The compiler of TypeScript writes a module that stands in for this one: each says what it holds.
    const stamp = `// ${hash(encode(module))} ${emitterVersion} ${binaryenVersion}\n`;
    if (existsSync(file('wasm')) && existsSync(file('js')) && readFileSync(file('js'), 'utf8').startsWith(stamp))
      continue;
    const { default: binaryen } = await import('binaryen');
    const wasm = emit(binaryen, module, target, true);
    writeFileSync(file('wasm'), wasm);
    // A page has threads only where the server says so: its memory is never shared.
    const base64 = target.shared ? '' : Buffer.from(wasm).toString('base64');
    writeFileSync(file('js'), `${stamp}export const base64 = '${base64}';\n`);
  }
}

writeFileSync(
  new URL('../generated/probes.js', import.meta.url),
  `export const probes = ${JSON.stringify(probeModules())};\n`,
);
await write('runtime', runtimeModule);
const records = elementwiseRecords();
await write('elementwise', (target) => elementwiseModule(records, target));
const groups = fusedRecords();
await write('fused', (target) => fusedModule(groups, target));
