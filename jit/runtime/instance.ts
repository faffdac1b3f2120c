import { hostMath } from '../math/index.ts';
import { heap } from '../storage/heap.ts';
import { prebuiltModule } from './prebuilt.ts';

type Exports = Readonly<Record<string, WebAssembly.ExportValue>>;

let runtime: Exports | undefined;
let elementwise: Exports | undefined;
let fused: Exports | undefined;

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
export const elementwiseExports = (): Exports => (elementwise ??= withMath('elementwise'));

/** The kernels of several operations, by the expressions that they compute; none in a tree that was not built. */
export const fusedExports = (): Exports => (fused ??= withMath('fused'));

function withMath(name: 'elementwise' | 'fused'): Exports {
  const module = prebuiltModule(name);
  const imports = { env: { memory: heap().memory }, math: hostMath };
  return module ? new WebAssembly.Instance(module, imports).exports : {};
}
