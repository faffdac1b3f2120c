import { compileEncoded } from '../compile.ts';
import { generated as generatedElementwise } from '../generated/elementwise.ts';
import { generated } from '../generated/runtime.ts';
import { hash } from '../hash.ts';
import { heap } from '../heap.ts';
import { hostMath } from '../math/index.ts';
import { environment } from '../node.ts';
import { target, targetName } from '../target.ts';
import { encode } from '../wire.ts';
import { runtimeModule } from './functions.ts';

let exports: Record<string, WebAssembly.ExportValue> | undefined;

/** The runtime's functions over the heap's memory, for eager operations to call and programs to import. */
export function runtimeExports(): Record<string, WebAssembly.ExportValue> {
  exports ??= new WebAssembly.Instance(wasmModule(), { env: { memory: heap().memory } }).exports;
  return exports;
}

function wasmModule(): WebAssembly.Module {
  const prebuilt = generated[targetName(target())];
  const code = (): Uint8Array => encode(runtimeModule(target()));
  // Development changes the code without always building it anew; in use the two never differ.
  const stale = prebuilt && environment('COTANGENT_VALIDATE') === '1' && prebuilt.code !== hash(code());
  if (!prebuilt || stale) return compileEncoded(code());
  return moduleOf(prebuilt.wasm);
}

let elementwise: Record<string, WebAssembly.ExportValue> | undefined;

/** The functions of elementwise operations by name; none in a tree that was not built. */
export function elementwiseExports(): Record<string, WebAssembly.ExportValue> {
  if (!elementwise) {
    const prebuilt = generatedElementwise[targetName(target())];
    const imports = { env: { memory: heap().memory }, math: hostMath };
    elementwise = prebuilt ? new WebAssembly.Instance(moduleOf(prebuilt.wasm), imports).exports : {};
  }
  return elementwise;
}

const moduleOf = (base64: string): WebAssembly.Module =>
  new WebAssembly.Module(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)));
