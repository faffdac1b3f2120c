declare module '@webassemblyjs/wasm-gen' {
  /** The bytes of a node of the syntax tree that `@webassemblyjs/ast` describes. */
  export function encodeNode(node: { readonly type: string; readonly [field: string]: unknown }): number[];
  /** LEB128. */
  export function encodeU32(n: number): number[];
}
