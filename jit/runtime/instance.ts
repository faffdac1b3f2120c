/** The runtime's functions, for compiled programs to import. */
export function runtimeExports(): Record<string, WebAssembly.ExportValue> {
  throw new Error('the runtime module has not been built');
}
