/**
 * Where an operation was written. The stack is taken when an equation is made, at trace time only, and turned into text
 * only when an error or a listing needs it.
 */
export class Source {
  private readonly error: Error;
  private cached: string | undefined | null = null;

  constructor(error: Error) {
    this.error = error;
  }

  /** `file:line:column` of the innermost frame outside this library, if any. */
  get position(): string | undefined {
    if (this.cached === null) this.cached = userFrame(this.error.stack ?? '');
    return this.cached;
  }
}

/** The directory that holds this library's own compiled code, as stack traces spell it. */
const libraryRoot = new URL('../../', import.meta.url).href;
const libraryFolders = ['src/', 'transforms/', 'jit/'].map((folder) => libraryRoot + folder);
const libraryPaths = libraryFolders.map((href) => decodeURIComponent(href.replace(/^file:\/\//, '')));

const isLibraryFrame = (frame: string): boolean =>
  libraryFolders.some((folder) => frame.includes(folder)) ||
  libraryPaths.some((folder) => frame.includes(folder)) ||
  frame.includes('(node:') ||
  frame.includes('<anonymous>');

function userFrame(stack: string): string | undefined {
  for (const line of stack.split('\n')) {
    if (!/^\s+at /.test(line) || isLibraryFrame(line)) continue;
    const match = /(?:\(|at )(?:async )?((?:file:\/\/)?[^()]+:\d+:\d+)\)?$/.exec(line.trim());
    if (match) return match[1]!.replace(/^file:\/\//, '');
  }
  return undefined;
}

let ambient: Source | undefined;

/** Equations made inside `f` carry `source`: transformations keep the user's line. */
export function withSource<T>(source: Source | undefined, f: () => T): T {
  const outer = ambient;
  ambient = source ?? outer;
  try {
    return f();
  } finally {
    ambient = outer;
  }
}

/** The position to record for an operation that happens now. */
export function currentSource(): Source {
  if (ambient) return ambient;
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 30;
  const source = new Source(new Error());
  Error.stackTraceLimit = limit;
  return source;
}
