import type { Jaxpr } from '../src/core/jaxpr.ts';
import { type KeptProgram, readProgram, writeProgram } from './caches/program-cache.ts';
import { Recent } from './caches/recent.ts';
import { countLowered, keptModule, moduleKey } from './compile.ts';
import { Executable, load } from './execute.ts';
import { fingerprint } from './lower/fingerprint.ts';
import { lowerJaxpr } from './lower/lower.ts';
import type { Handler } from './lower/module-writer.ts';
import { environment } from './node.ts';
import { target, targetName } from './target.ts';

/** A program that can be run, and where its inputs and outputs are those of the jaxpr. */
export interface Ready extends KeptProgram {
  readonly executable: Executable;
  /** The functions behind the program's callbacks. */
  readonly handlers: readonly Handler[];
}

const known = new Recent<string, Ready>(256);
const validate = environment('COTANGENT_VALIDATE') === '1';

/** The code of a program: that of an equal one, here or on disk, or made now. */
export function ready(jaxpr: Jaxpr): Ready {
  const print = fingerprint(jaxpr);
  if (print === undefined) return lowered(jaxpr);
  const key = `${print} ${targetName(target())}`;
  const equal = known.get(key);
  if (equal && validate) verify(equal, jaxpr);
  if (equal) return equal;
  let result = fromDisk(print);
  if (!result) {
    result = lowered(jaxpr);
    writeProgram(print, result);
  }
  known.set(key, result);
  return result;
}

function fromDisk(print: string): Ready | undefined {
  const kept = readProgram(print);
  const module = kept && keptModule(kept.module);
  return module && { ...kept, executable: new Executable(kept.layout, module), handlers: [] };
}

function lowered(jaxpr: Jaxpr): Ready {
  countLowered();
  return lowerNow(jaxpr);
}

function lowerNow(jaxpr: Jaxpr): Ready {
  const { program, inputs, outputs, handlers } = lowerJaxpr(jaxpr);
  const executable = load(program);
  const { code, ...layout } = program;
  return { executable, layout, module: moduleKey(code), inputs, outputs, handlers };
}

/** In tests, programs that are taken for equal are lowered all the same. */
function verify({ module, layout, inputs, outputs }: Ready, jaxpr: Jaxpr): void {
  const anew = lowerNow(jaxpr);
  const text = (r: KeptProgram): string => JSON.stringify([r.module, r.layout, r.inputs, r.outputs]);
  if (text(anew) !== text({ module, layout, inputs, outputs }))
    throw new Error('programs with one fingerprint are lowered to different code');
}
