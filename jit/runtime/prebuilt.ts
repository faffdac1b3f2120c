/**
 * The modules that `npm run build` emits. On Node they are read from their files when the first operation needs them, so that
 * importing the library reads none; in browsers, and in applications bundled into one file, `init` loads them, and until
 * then operations are interpreted.
 */
import { builtin, ownFile } from '../node.ts';
import { target, targetName } from '../target.ts';

export type PrebuiltName = 'runtime' | 'elementwise' | 'fused';

const modules = new Map<PrebuiltName, WebAssembly.Module>();

const bundled = import.meta.url?.includes('/dist/bundle/');
const fileOf = (name: PrebuiltName): URL | undefined =>
  ownFile(`${bundled ? '../jit/generated/' : '../generated/'}${name}-${targetName(target())}.wasm`, import.meta.url);

let hasFiles: boolean | undefined;

/** Whether operations can run in the prebuilt modules now. */
export const isPrebuiltReady = (): boolean => (hasFiles ??= fileOf('runtime') !== undefined) || modules.size > 0;

/** Undefined in a tree that was not built, and where there are no files before `init`. */
export function prebuiltModule(name: PrebuiltName): WebAssembly.Module | undefined {
  let module = modules.get(name);
  if (module) return module;
  const bytes = readModule(name);
  if (!bytes) return undefined;
  modules.set(name, (module = new WebAssembly.Module(bytes)));
  return module;
}

function readModule(name: PrebuiltName): Uint8Array<ArrayBuffer> | undefined {
  const file = fileOf(name);
  return file && builtin('fs')!.readFileSync(file);
}

/** Loads the modules where there are no files to read. */
export async function loadPrebuilt(): Promise<void> {
  if (isPrebuiltReady()) return;
  const [runtime, elementwise, fused] = await (target().fma ? withFma() : withoutFma());
  const compile = async (name: PrebuiltName, { base64 }: { readonly base64: string }): Promise<void> => {
    if (!base64) return;
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    modules.set(name, await WebAssembly.compile(bytes));
  };
  await Promise.all([compile('runtime', runtime), compile('elementwise', elementwise), compile('fused', fused)]);
}

// Written out, so that bundlers find the files.
const withFma = () =>
  Promise.all([
    import('../generated/runtime-fma.ts'),
    import('../generated/elementwise-fma.ts'),
    import('../generated/fused-fma.ts'),
  ]);
const withoutFma = () =>
  Promise.all([
    import('../generated/runtime-plain.ts'),
    import('../generated/elementwise-plain.ts'),
    import('../generated/fused-plain.ts'),
  ]);
