import type { Jaxpr } from '../src/core/jaxpr.ts';
import { type KeptProgram, readProgram, writeProgram } from './caches/program-cache.ts';
import { Recent } from './caches/recent.ts';
import { countLowered, keptModule } from './compile.ts';
import { Executable, load } from './execute.ts';
import { type Fingerprint, fingerprint, placeOf } from './lower/fingerprint.ts';
import { type Lowered, lowerJaxpr } from './lower/lower.ts';
import type { Handler } from './lower/module-writer.ts';
import { environment } from './node.ts';
import type { Wiring } from './program.ts';
import { loweringName } from './target.ts';

/** A program that can be run, and where its inputs and outputs are those of the jaxpr. */
export interface Ready extends Wiring {
  readonly executable: Executable;
  /** The functions behind the program's callbacks. */
  readonly handlers: readonly Handler[];
}

/** What equal programs share. */
interface Known extends KeptProgram {
  readonly executable: Executable;
}

const known = new Recent<string, Known>(256);
const validate = environment('COTANGENT_VALIDATE') === '1';

/** The code of a program: that of an equal one, here or on disk, or made now. */
export function ready(jaxpr: Jaxpr): Ready {
  const print = fingerprint(jaxpr);
  const key = print && `${print.name} ${loweringName()}`;
  const equal = key && (known.get(key) ?? fromDisk(print.name));
  if (equal) {
    known.set(key, equal);
    if (validate) verify(equal, lowerJaxpr(jaxpr), print);
    return { ...equal, handlers: equal.callbacks.map((i) => print.callbacks[i]!) };
  }
  const lowered = lowerJaxpr(jaxpr);
  countLowered();
  const { program, inputs, outputs, handlers } = lowered;
  const executable = load(program);
  const kept = print && keptOf(lowered, print);
  if (kept) {
    known.set(key!, { ...kept, executable });
    writeProgram(print.name, kept);
  }
  return { executable, inputs, outputs, handlers };
}

function fromDisk(name: string): Known | undefined {
  const kept = readProgram(name);
  const module = kept && keptModule(kept.module);
  return module && { ...kept, executable: new Executable(kept.layout, module) };
}

/** Undefined where a pass made a callback of its own. */
function keptOf({ program, inputs, outputs, handlers }: Lowered, print: Fingerprint): KeptProgram | undefined {
  const { wasm: _, module, ...layout } = program;
  const callbacks = handlers.map((handler) => placeOf(handler, print.callbacks));
  return callbacks.includes(-1) ? undefined : { layout, module, inputs, outputs, callbacks };
}

/** In tests, programs that are taken for equal are lowered all the same. */
function verify(equal: Known, lowered: Lowered, print: Fingerprint): void {
  const text = (kept?: KeptProgram): string =>
    JSON.stringify(kept && [kept.module, kept.layout, kept.inputs, kept.outputs, kept.callbacks]);
  if (text(keptOf(lowered, print)) !== text(equal))
    throw new Error('programs with one fingerprint are lowered to different code');
}
