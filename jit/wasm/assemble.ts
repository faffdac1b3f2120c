import { type AssembledFunction, assembleFunction, typeCodes } from './assemble-function.ts';
import { ByteWriter } from './byte-writer.ts';
import type { CodeModule, Func, Target, WasmType } from './code.ts';

/**
 * Turns a code module into the bytes of a WebAssembly module (core specification 2.0, chapter 5), instruction for
 * instruction: at once, on the thread that wants to run it. binaryen makes the same module, but takes half a second to load.
 */
export function assemble(module: CodeModule, target: Target): Uint8Array {
  return new Assembler(module, target).module();
}

interface Signature {
  readonly params: readonly WasmType[];
  readonly result?: WasmType;
}

const drop = 0x1a;

class Assembler {
  private readonly code: CodeModule;
  private readonly target: Target;
  private readonly out: ByteWriter;
  private readonly indices = new Map<string, number>();
  private readonly signatures = new Map<string, Signature>();
  private readonly segments: Uint8Array[] = [];
  private readonly bodies: readonly AssembledFunction[];

  constructor(code: CodeModule, target: Target) {
    this.code = code;
    this.target = target;
    // Writers share what they write in: functions come first.
    this.bodies = code.functions.map(assembleFunction);
    this.out = new ByteWriter();
  }

  module(): Uint8Array {
    const { code, out, target, bodies } = this;
    const { imports, functions } = code;
    for (const f of [...imports, ...functions]) this.declare(f.name, f);
    const types = new Map<string, number>();
    const forms: Signature[] = [];
    const typeOf = (f: Signature): number => {
      const key = `${f.params}:${f.result}`;
      let index = types.get(key);
      if (index === undefined) {
        types.set(key, (index = forms.length));
        forms.push(f);
      }
      return index;
    };
    const typeIndices = [...imports, ...functions].map(typeOf);
    out.raw([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
    this.section(1, forms.length, () => {
      for (const { params, result } of forms) {
        out.byte(0x60);
        this.types(params);
        this.types(result ? [result] : []);
      }
    });
    this.section(2, imports.length + 1, () => {
      out.text('env');
      out.text('memory');
      // A memory with a least size, and if it is shared a largest one.
      out.raw(target.shared ? [0x02, 0x03] : [0x02, 0x00]);
      out.unsigned(1);
      if (target.shared) out.unsigned(65536);
      imports.forEach((f, i) => {
        out.text(f.module);
        out.text(f.base);
        out.byte(0x00);
        out.unsigned(typeIndices[i]!);
      });
    });
    this.section(3, functions.length, () => {
      for (const index of typeIndices.slice(imports.length)) out.unsigned(index);
    });
    const exported = functions.filter((f) => f.exported);
    this.section(7, exported.length, () => {
      for (const { name } of exported) {
        out.text(name);
        out.byte(0x00);
        out.unsigned(this.indices.get(name)!);
      }
    });
    const segments = bodies.reduce((n, { links }) => n + links.filter(({ kind }) => kind === 'segment').length, 0);
    if (segments > 0) out.sized(() => out.unsigned(segments), 12);
    this.section(10, functions.length, () => {
      for (const [i, f] of functions.entries()) out.sized(() => this.function(f, bodies[i]!));
    });
    if (segments > 0)
      this.section(11, segments, () => {
        for (const bytes of this.segments) {
          out.byte(0x01);
          out.unsigned(bytes.length);
          out.raw(bytes);
        }
      });
    return out.finish();
  }

  /** A section that is a list; left out if it is empty. */
  private section(id: number, count: number, write: () => void): void {
    if (count === 0) return;
    this.out.sized(() => {
      this.out.unsigned(count);
      write();
    }, id);
  }

  private types(types: readonly WasmType[]): void {
    this.out.unsigned(types.length);
    for (const type of types) this.out.byte(typeCodes[type]);
  }

  private declare(name: string, signature: Signature): void {
    if (this.indices.has(name)) throw new Error(`function ${name} is defined twice`);
    this.indices.set(name, this.indices.size);
    this.signatures.set(name, signature);
  }

  /** The function with its links filled in. */
  private function(f: Func, { bytes, links }: AssembledFunction): void {
    const { out } = this;
    let from = 0;
    for (const link of links) {
      out.raw(bytes.subarray(from, link.at));
      from = link.at;
      if (link.kind === 'segment') {
        out.unsigned(this.segments.length);
        this.segments.push(link.bytes);
        continue;
      }
      const { fn, parameters, result } = link;
      const signature = this.signature(f, fn);
      if (signature.params.length !== parameters)
        throw new Error(`${fn} takes ${signature.params.length} arguments, not ${parameters}, in ${f.name}`);
      if (result && signature.result !== result)
        throw new Error(`${fn} returns ${signature.result ?? 'nothing'}, not ${result}`);
      out.unsigned(this.indices.get(fn)!);
      if (!result && signature.result) out.byte(drop);
    }
    out.raw(bytes.subarray(from));
  }

  private signature({ name }: Func, fn: string): Signature {
    const signature = this.signatures.get(fn);
    if (!signature) throw new Error(`${name} calls ${fn}, which is neither defined nor imported`);
    return signature;
  }
}
