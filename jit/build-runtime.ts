import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import '../src/index.ts';
import { elementwiseRecords } from '../src/lax/runtime-records.ts';
import { fusedRecords } from '../src/numpy/runtime-records.ts';
import type { CodeModule, Target } from './code.ts';
import { emit } from './emit.ts';
import { hash } from './hash.ts';
import { probeModules } from './probe-modules.ts';
import { elementwiseModule } from './runtime/elementwise.ts';
import { runtimeModule } from './runtime/functions.ts';
import { fusedModule } from './runtime/fused.ts';
import { targetName } from './target.ts';
import { binaryenVersion, emitterVersion } from './versions.ts';
import { encode } from './wire.ts';

/**
 * Part of the build: emits the prebuilt modules for each target into `dist`, unless they are there already. Node reads the
 * files; browsers import the same bytes in base64. The modules that probe the engine are written first.
 */
const targets: Target[] = [true, false].flatMap((fma) => [false, true].map((shared) => ({ fma, shared })));
const stamp = (code: Uint8Array): string => `${hash(code)} ${emitterVersion} ${binaryenVersion}`;

async function write(name: string, moduleFor: (target: Target) => CodeModule): Promise<void> {
  const file = (end: string): URL => new URL(`./generated/${name}${end}`, import.meta.url);
  const inputs = targets.map((target) => ({ name: targetName(target), target, module: moduleFor(target) }));
  const header = `// ${inputs.map(({ module }) => stamp(encode(module))).join(', ')}\n`;
  const present = inputs.every((input) => existsSync(file(`-${input.name}.wasm`)));
  if (present && readFileSync(file('.js'), 'utf8').startsWith(header)) return;
  const { default: binaryen } = await import('binaryen');
  const entries = inputs.map((input) => {
    const wasm = emit(binaryen, input.module, input.target, { validate: true });
    writeFileSync(file(`-${input.name}.wasm`), wasm);
    // A page has threads only where the server says so: its memory is never shared.
    return input.target.shared ? '' : `  '${input.name}': '${Buffer.from(wasm).toString('base64')}',\n`;
  });
  writeFileSync(file('.js'), `${header}export const generated = {\n${entries.join('')}};\n`);
}

writeFileSync(
  new URL('./generated/probes.js', import.meta.url),
  `export const probes = ${JSON.stringify(probeModules())};\n`,
);
await write('runtime', runtimeModule);
const records = elementwiseRecords();
await write('elementwise', (target) => elementwiseModule(records, target));
const groups = fusedRecords();
await write('fused', (target) => fusedModule(groups, target));
