/**
 * How Node loads the library: as one script whose compiled functions are kept between runs. V8 compiles a function when it
 * is first called, and what the first call of a program runs through are a thousand functions, each once: without their
 * code at hand that takes more time than running them. Node's own cache of modules keeps what is compiled at loading only.
 *
 * The code of V8 fits one text, one version and one set of flags. V8 itself refuses what does not fit, but takes texts of one
 * length for the same, and trusts every byte behind its header. So the file is named for the text, and begins with a checksum.
 * In Node 20 functions also keep the path that they were compiled at, which stack traces show and by which the library is told
 * from its user's code: each place where the library is installed has a file of its own.
 */
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { builtin } from '../node.ts';
import { cacheFolder, keep, readKept } from './cache-folder.ts';
import { hash } from './hash.ts';

export interface Loaded<Exports> {
  readonly exports: Exports;
  /** When the process ends, keeps the code that there is by then, if none was kept before or `isWorth` says so. */
  keepAtExit(isWorth: () => boolean): void;
}

/** Runs a CommonJS file of ASCII text; `id` identifies the text among all that will ever be at its place. */
export function loadScript<Exports>(url: URL, id: string): Loaded<Exports> {
  const file = fileURLToPath(url);
  const require = createRequire(url);
  const name = `code-${hash(new TextEncoder().encode(`${id} ${file}`))}-${process.version}-${process.arch}`;
  const kept = readCode(name);
  const text = builtin('fs')!.readFileSync(file, 'latin1');
  const script = new vm.Script(`(function (exports, require, module, __filename, __dirname) {${text}\n})`, {
    filename: file,
    cachedData: kept,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const run = script.runInThisContext();
  // Test runners that evaluate modules in a context of their own: a script would see another `Error` and `Float32Array`.
  if (!(run instanceof Function)) return { exports: require(file), keepAtExit: () => {} };
  const module = { exports: {} };
  run(module.exports, require, module, file, path.dirname(file));
  const isKept = kept !== undefined && !script.cachedDataRejected;
  const keepAtExit = (isWorth: () => boolean): void => {
    if (!builtin('worker_threads')!.isMainThread || cacheFolder() === null) return;
    process.once('exit', () => {
      if (isKept && !isWorth()) return;
      const code = script.createCachedData();
      // Functions that were not called for long lose their code: what is kept must not shrink.
      if (!isKept || code.length > kept.length) writeCode(name, code);
    });
  };
  return { exports: module.exports as Exports, keepAtExit };
}

/** As long as V8's code wants to be aligned. */
const headerBytes = 8;

function readCode(name: string): Buffer | undefined {
  const file = readKept(name);
  if (!file || file.length < headerBytes) return undefined;
  const code = file.subarray(headerBytes);
  return builtin('zlib')!.crc32(code) === file.readUInt32LE() ? code : undefined;
}

function writeCode(name: string, code: Buffer): void {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(builtin('zlib')!.crc32(code));
  keep(name, Buffer.concat([header, code]));
}
