import { environment } from '../../node.ts';
import { loweringName } from '../../target.ts';
import { functionKey } from '../../wasm/assemble-function.ts';
import type { Expr, Func } from '../../wasm/code.ts';
import type { Kernel } from './kernel.ts';

/** What the program that is being lowered has so far, by all that its code depends on beside the target. */
let known: { readonly functions: Map<string, Func>; readonly kernels: Map<string, Kernel> } | undefined;

/**
 * Programs repeat themselves, layer by layer or step by step. Within `lower`, functions that are the same are written once, and
 * so are kernels that are the same but for their arguments: to describe a kernel takes a tenth of the time of writing it.
 */
export function withKnownKernels<T>(lower: () => T): T {
  const outer = known;
  known = { functions: new Map(), kernels: new Map() };
  try {
    return lower();
  } finally {
    known = outer;
  }
}

/** The function of this description, which must say everything that `write` depends on. */
export function knownFunction(description: string, write: () => Func): Func {
  if (!known) return write();
  const equal = known.functions.get(description);
  if (equal) {
    if (codes) check(description, write());
    return equal;
  }
  const func = write();
  if (codes) check(description, func);
  known.functions.set(description, func);
  return func;
}

/** The same for a kernel, whose arguments are its own. Without a description it is written anew. */
export function knownKernel(description: string | undefined, args: readonly Expr[], write: () => Kernel): Kernel {
  if (!known || description === undefined) return write();
  const equal = known.kernels.get(description);
  if (equal) {
    if (codes) check(description, write().func);
    return { ...equal, args };
  }
  const kernel = write();
  if (codes) check(description, kernel.func);
  known.kernels.set(description, kernel);
  return kernel;
}

/** In tests, the code of every description in any program: what is known is written anew, and compared. */
const codes = environment('COTANGENT_VALIDATE') === '1' ? new Map<string, string>() : undefined;

function check(description: string, func: Func): void {
  const [key, code] = [`${loweringName()} ${description}`, functionKey(func)];
  const before = codes!.get(key);
  if (before !== undefined && before !== code) throw new Error(`functions of one description differ: ${description}`);
  codes!.set(key, code);
}
