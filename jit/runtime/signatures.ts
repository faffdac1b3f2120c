import type { ImportedFunc, WasmType } from '../code.ts';

const signatures: Record<string, readonly WasmType[]> = {
  gemm_f32: new Array<WasmType>(13).fill('i32'),
  gemm_f64: new Array<WasmType>(13).fill('i32'),
};

/** How a program imports a function of the runtime module. */
export function runtimeImport(name: string): ImportedFunc {
  const params = signatures[name];
  if (!params) throw new Error(`the runtime has no function ${name}`);
  return { name, module: 'runtime', base: name, params };
}
