/**
 * The modules that `npm run build` emits. On Node they are read from their files when the first operation needs them, so that
 * importing the library reads none; in browsers `init` loads them, and until then operations are interpreted.
 */
import { builtin } from '../node.ts';
import { target, targetName } from '../target.ts';

export type PrebuiltName = 'runtime' | 'elementwise' | 'fused';

const modules = new Map<PrebuiltName, WebAssembly.Module>();

const hasFiles = builtin('fs') !== undefined;

/** Whether operations can run in the prebuilt modules now. */
export const isPrebuiltReady = (): boolean => hasFiles || modules.size > 0;

/** Undefined in a tree that was not built, and in browsers before `init`. */
export function prebuiltModule(name: PrebuiltName): WebAssembly.Module | undefined {
  let module = modules.get(name);
  if (module) return module;
  const bytes = readModule(name);
  if (!bytes) return undefined;
  modules.set(name, (module = new WebAssembly.Module(bytes)));
  return module;
}

function readModule(name: PrebuiltName): Uint8Array<ArrayBuffer> | undefined {
  const folder = import.meta.url.includes('/dist/bundle/') ? '../jit/generated/' : '../generated/';
  try {
    return builtin('fs')?.readFileSync(new URL(`${folder}${name}-${targetName(target())}.wasm`, import.meta.url));
  } catch {
    return undefined;
  }
}

/** Loads the modules where there are no files to read. */
export async function loadPrebuilt(): Promise<void> {
  if (isPrebuiltReady()) return;
  const [runtime, elementwise, fused] = await Promise.all([
    import('../generated/runtime.ts'),
    import('../generated/elementwise.ts'),
    import('../generated/fused.ts'),
  ]);
  const compile = async (name: PrebuiltName, base64: string | undefined): Promise<void> => {
    if (!base64) return;
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    modules.set(name, await WebAssembly.compile(bytes));
  };
  const to = targetName(target());
  await Promise.all([
    compile('runtime', runtime.generated[to]),
    compile('elementwise', elementwise.generated[to]),
    compile('fused', fused.generated[to]),
  ]);
}
