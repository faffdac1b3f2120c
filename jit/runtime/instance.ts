import { heap } from '../heap.ts';
import { hostMath } from '../math/index.ts';
import { prebuiltModule } from './prebuilt.ts';

type Exports = Readonly<Record<string, WebAssembly.ExportValue>>;

let runtime: Exports | undefined;
let elementwise: Exports | undefined;

/** The runtime's functions over the heap's memory, for eager operations to call and programs to import. */
export function runtimeExports(): Exports {
  if (!runtime) {
    const module = prebuiltModule('runtime');
    if (!module) throw new Error('the runtime module is missing: `npm run build` makes it');
    runtime = new WebAssembly.Instance(module, { env: { memory: heap().memory } }).exports;
  }
  return runtime;
}

/** The functions of elementwise operations by name; none in a tree that was not built. */
export function elementwiseExports(): Exports {
  if (!elementwise) {
    const module = prebuiltModule('elementwise');
    const imports = { env: { memory: heap().memory }, math: hostMath };
    elementwise = module ? new WebAssembly.Instance(module, imports).exports : {};
  }
  return elementwise;
}
