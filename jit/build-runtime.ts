import { readFileSync, writeFileSync } from 'node:fs';
import type { Target } from './code.ts';
import { binaryenVersion, emit, emitterVersion } from './emit.ts';
import { hash } from './hash.ts';
import { runtimeModule } from './runtime/functions.ts';
import { targetName } from './target.ts';
import { encode } from './wire.ts';

/** Part of the build: emits the runtime module for each target into `dist`, unless it is there already. */
const file = new URL('./generated/runtime.js', import.meta.url);
const targets: Target[] = [true, false].flatMap((fma) => [false, true].map((shared) => ({ fma, shared })));
const stamp = (code: Uint8Array): string => `${hash(code)} ${emitterVersion} ${binaryenVersion}`;

const inputs = targets.map((target) => ({ target, code: encode(runtimeModule(target)) }));
const header = `// ${inputs.map(({ code }) => stamp(code)).join(', ')}\n`;
if (!readFileSync(file, 'utf8').startsWith(header)) {
  const { default: binaryen } = await import('binaryen');
  const entries = inputs.map(({ target, code }) => {
    const wasm = emit(binaryen, runtimeModule(target), target, true);
    return `  '${targetName(target)}': { code: '${hash(code)}', wasm: '${Buffer.from(wasm).toString('base64')}' },\n`;
  });
  writeFileSync(file, `${header}export const generated = {\n${entries.join('')}};\n`);
}
