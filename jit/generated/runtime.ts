/**
 * Stands in for what `npm run build` writes over it: by target, the runtime module's bytes in base64 and the hash of
 * the code they were made from. While it is empty the runtime module is compiled like any program.
 */
export const generated: Readonly<Record<string, { readonly code: string; readonly wasm: string }>> = {};
