/**
 * Node's own modules, where there is a Node (Deno and Bun answer too). Asked for at run time and synchronously: a
 * static import would keep the library from loading in browsers.
 */
interface NodeModules {
  fs: typeof import('node:fs');
  os: typeof import('node:os');
  path: typeof import('node:path');
  module: typeof import('node:module');
  worker_threads: typeof import('node:worker_threads');
}

export function builtin<Name extends keyof NodeModules>(name: Name): NodeModules[Name] | undefined {
  const node = (globalThis as any).process;
  return node?.getBuiltinModule?.(name);
}

/** An environment variable; undefined in browsers. */
export const environment = (name: string): string | undefined => (globalThis as any).process?.env?.[name];
