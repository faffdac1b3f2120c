import type { ImportedFunc, WasmType } from '../wasm/code.ts';

/** How a program imports a function of the runtime module: all take addresses and counts, and return nothing. */
export const runtimeImport = (name: string, parameters: number): ImportedFunc => ({
  name,
  module: 'runtime',
  base: name,
  params: new Array<WasmType>(parameters).fill('i32'),
});
