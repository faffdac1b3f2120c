/**
 * Node's own modules, where there is a Node (Deno and Bun answer too). Asked for at run time and synchronously: a
 * static import would keep the library from loading in browsers.
 */
interface NodeModules {
  fs: typeof import('node:fs');
  inspector: typeof import('node:inspector');
  module: typeof import('node:module');
  os: typeof import('node:os');
  path: typeof import('node:path');
  timers: typeof import('node:timers');
  url: typeof import('node:url');
  worker_threads: typeof import('node:worker_threads');
  zlib: typeof import('node:zlib');
}

export function builtin<Name extends keyof NodeModules>(name: Name): NodeModules[Name] | undefined {
  return (globalThis as any).process?.getBuiltinModule?.(name);
}

/** An environment variable; undefined in browsers. */
export const environment = (name: string): string | undefined => (globalThis as any).process?.env?.[name];

/**
 * A file of this library, by its place relative to the module at `from`, its `import.meta.url`. Undefined in browsers, and in
 * applications that are bundled into one file.
 */
export function ownFile(path: string, from: string | undefined): URL | undefined {
  const fs = builtin('fs');
  if (!fs || !from?.startsWith('file:')) return undefined;
  const url = new URL(path, from);
  return fs.existsSync(url) ? url : undefined;
}
