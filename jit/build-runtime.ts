import { readFileSync, writeFileSync } from 'node:fs';
import '../src/index.ts';
import { elementwiseRecords } from '../src/lax/runtime-records.ts';
import type { CodeModule, Target } from './code.ts';
import { binaryenVersion, emit, emitterVersion } from './emit.ts';
import { hash } from './hash.ts';
import { elementwiseModule } from './runtime/elementwise.ts';
import { runtimeModule } from './runtime/functions.ts';
import { targetName } from './target.ts';
import { encode } from './wire.ts';

/** Part of the build: emits the prebuilt modules for each target into `dist`, unless they are there already. */
const targets: Target[] = [true, false].flatMap((fma) => [false, true].map((shared) => ({ fma, shared })));
const stamp = (code: Uint8Array): string => `${hash(code)} ${emitterVersion} ${binaryenVersion}`;

async function write(name: string, moduleFor: (target: Target) => CodeModule): Promise<void> {
  const file = new URL(`./generated/${name}.js`, import.meta.url);
  const inputs = targets.map((target) => ({ target, module: moduleFor(target) }));
  const codes = inputs.map(({ module }) => encode(module));
  const header = `// ${codes.map(stamp).join(', ')}\n`;
  if (readFileSync(file, 'utf8').startsWith(header)) return;
  const { default: binaryen } = await import('binaryen');
  // Targets whose code is the same share one string.
  const made = new Map<string, number>();
  const modules: string[] = [];
  const entries = inputs.map(({ target, module }, i) => {
    const code = hash(codes[i]!);
    const key = `${code} ${target.shared}`;
    if (!made.has(key)) {
      made.set(key, modules.length);
      modules.push(`  '${Buffer.from(emit(binaryen, module, target, true)).toString('base64')}',\n`);
    }
    return `  '${targetName(target)}': { code: '${code}', wasm: modules[${made.get(key)}] },\n`;
  });
  const list = `const modules = [\n${modules.join('')}];\n`;
  writeFileSync(file, `${header}${list}export const generated = {\n${entries.join('')}};\n`);
}

await write('runtime', runtimeModule);
const records = elementwiseRecords();
await write('elementwise', (target) => elementwiseModule(records, target));
