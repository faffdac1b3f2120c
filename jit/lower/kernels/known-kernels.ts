import { environment } from '../../node.ts';
import { functionKey } from '../../wasm/assemble-function.ts';
import type { Expr, Func } from '../../wasm/code.ts';
import type { Kernel } from './kernel.ts';

const validate = environment('COTANGENT_VALIDATE') === '1';

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
  const equal = known?.functions.get(description);
  if (equal) {
    if (validate) expectEqual(write(), equal, description);
    return equal;
  }
  const func = write();
  known?.functions.set(description, func);
  return func;
}

/** The same for a kernel, whose arguments are its own. Without a description it is written anew. */
export function knownKernel(description: string | undefined, args: readonly Expr[], write: () => Kernel): Kernel {
  const equal = description === undefined ? undefined : known?.kernels.get(description);
  if (equal) {
    if (validate) expectEqual(write().func, equal.func, description!);
    return { ...equal, args };
  }
  const kernel = write();
  if (description !== undefined) known?.kernels.set(description, kernel);
  return kernel;
}

function expectEqual(func: Func, equal: Func, description: string): void {
  if (functionKey(func) !== functionKey(equal)) throw new Error(`functions of one description differ: ${description}`);
}
