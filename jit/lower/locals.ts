import type { Expr, FunctionBuilder, Local, WasmType } from '../wasm/code.ts';

/**
 * The driver's locals, used again when their values have died: thousands of them would cost the engine's baseline
 * compiler quadratic time.
 */
export class Locals {
  private readonly f: FunctionBuilder;
  private readonly free = new Map<WasmType, Local[]>();

  constructor(f: FunctionBuilder) {
    this.f = f;
  }

  take(type: WasmType): Local {
    return this.free.get(type)?.pop() ?? this.f.local(type);
  }

  give(local: Local): void {
    const list = this.free.get(local.type);
    if (list) list.push(local);
    else this.free.set(local.type, [local]);
  }

  /** A new local with a value; the caller gives it back. */
  hold(value: Expr): Local {
    const local = this.take(value.type);
    this.f.set(local, value);
    return local;
  }

  /** Runs `write`, whose calls of `name` last until it returns. */
  within<T>(write: (name: (value: Expr) => Expr) => T): T {
    const mine: Local[] = [];
    try {
      return write((value) => {
        if (value.kind === 'const' || value.kind === 'local') return value;
        const local = this.hold(value);
        mine.push(local);
        return local;
      });
    } finally {
      for (const local of mine) this.give(local);
    }
  }
}
