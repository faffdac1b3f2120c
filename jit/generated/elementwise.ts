/**
 * Stands in for what `npm run build` writes over it: by target, the bytes of the module of elementwise operations in
 * base64. While it is empty, eager operations use the reference semantics of their primitives.
 */
export const generated: Readonly<Record<string, { readonly code: string; readonly wasm: string }>> = {};
