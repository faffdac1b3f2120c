import { sourcePosition } from './source-map.ts';

/**
 * Where an operation was written. The stack is taken when an equation is made, at trace time only, and turned into text
 * only when an error or a listing needs it.
 */
export class Source {
  private readonly error: Error;
  /** What it is a part of, for where the frames that were taken are all the library's. */
  private readonly outer: Source | undefined;
  private cached: string | undefined | null = null;
  private cachedFrame: string | undefined | null = null;

  constructor(error: Error, outer?: Source) {
    this.error = error;
    this.outer = outer;
  }

  /** `file:line:column` of the innermost frame outside this library, if any, in the file that runs. */
  get frame(): string | undefined {
    if (this.cachedFrame === null) this.cachedFrame = userCall(this.error) ?? this.outer?.frame;
    return this.cachedFrame;
  }

  /** The same in the file that the user wrote. */
  get position(): string | undefined {
    if (this.cached === null) {
      const { frame } = this;
      this.cached = frame === undefined ? undefined : sourcePosition(frame);
    }
    return this.cached;
  }
}

/**
 * The folders of this library's own code, as stack traces spell them: as compiled (`dist/src/`, `dist/bundle/`), and as
 * written, which is what a stack trace shows with `--enable-source-maps`.
 */
const own: string = import.meta.url ?? 'file:///bundled/into/one.cjs';
const compiled = new URL(own.includes('/dist/bundle/') ? '../' : '../../', own).href;
const libraryFolders = [compiled, compiled.replace(/\/dist\/$/, '/')].flatMap((base) =>
  ['src/', 'transforms/', 'jit/', 'bundle/'].flatMap((folder) => {
    const href = base + folder;
    return [href, decodeURIComponent(href.replace(/^file:\/\/(?:\/(?=[A-Za-z]:))?/, ''))];
  }),
);

const isLibraryFrame = (frame: string): boolean =>
  libraryFolders.some((folder) => frame.includes(folder)) ||
  frame.includes('(node:') ||
  frame.includes('at node:') ||
  frame.includes('(<anonymous>)');

const isFrame = (line: string): boolean => /^\s+at |^[^\s@]*@\S+:\d+:\d+$/.test(line);

/** A frame as V8 gives it, before source maps that it may have been told to follow. */
interface CallSite {
  getFileName(): string | null | undefined;
  getLineNumber(): number | null;
  getColumnNumber(): number | null;
}

const frameOf = (site: CallSite): string => `${site.getFileName()}:${site.getLineNumber()}:${site.getColumnNumber()}`;

/**
 * Which frames of the file that this line is in are not the library's: a bundler may have put both into one. Its source map tells
 * them apart; without one, none of them is taken for the user's.
 */
function usersIn(here: CallSite): (frame: string) => boolean {
  const base = /^(.*)src\/core\/source\.ts:\d+:\d+$/.exec(sourcePosition(frameOf(here)))?.[1];
  if (base === undefined) return () => false;
  const own = ['src/', 'transforms/', 'jit/'].map((folder) => base + folder);
  return (frame) => {
    const position = sourcePosition(frame);
    return !own.some((folder) => position.startsWith(folder));
  };
}

/** `file:line:column` of the first frame outside the library, in the file that runs. */
function userCall(error: Error): string | undefined {
  let sites: readonly CallSite[] | undefined;
  const { prepareStackTrace } = Error;
  Error.prepareStackTrace = (_, frames) => {
    sites = frames;
    return '';
  };
  const { stack } = error;
  Error.prepareStackTrace = prepareStackTrace;
  if (!sites) return userFrame(stack ?? '');
  // The innermost frame is where the error was made, in `take`.
  const [here] = sites;
  let isUsers: ((frame: string) => boolean) | undefined;
  for (const site of sites) {
    const file = site.getFileName();
    // Bun gives names in brackets to functions of its own.
    if (!file || /^node:|^\[/.test(file) || libraryFolders.some((folder) => file.startsWith(folder))) continue;
    if (file !== here!.getFileName()) return frameOf(site);
    isUsers ??= usersIn(here!);
    if (isUsers(frameOf(site))) return frameOf(site);
  }
  return undefined;
}

/** The same from the text of a stack, for engines that have no more. */
function userFrame(stack: string): string | undefined {
  for (const line of stack.split('\n')) {
    if (!isFrame(line) || isLibraryFrame(line)) continue;
    const match = /(?:\(|at |@)(?:async )?((?:file:\/\/|https?:\/\/)?[^()@]+:\d+:\d+)\)?$/.exec(line.trim());
    if (match) return match[1]!;
  }
  return undefined;
}

/** The frames of a stack from the first one outside the library on; `message` is what stands above them. */
export function userFrames(stack: string, message: string): string {
  const at = stack.indexOf(message);
  const lines = (at < 0 ? stack : stack.slice(at + message.length)).split('\n').filter(isFrame);
  const user = lines.findIndex((line) => !isLibraryFrame(line));
  return lines.slice(Math.max(user, 0)).join('\n');
}

let ambient: Source | undefined;
/** The ambient source around a user's function that runs. */
let around: Source | undefined;

/** Equations made inside `f` carry `source`: transformations keep the user's line. Null where a user's function runs. */
export function withSource<T>(source: Source | undefined | null, f: () => T): T {
  const [outer, outerAround] = [ambient, around];
  if (source === null) around = ambient ?? around;
  ambient = source === null ? undefined : (source ?? outer);
  try {
    return f();
  } finally {
    ambient = outer;
    around = outerAround;
  }
}

/** The same, for many equations in turn: sets the source and returns the one before. */
export function swapSource(source?: Source): Source | undefined {
  const outer = ambient;
  ambient = source;
  return outer;
}

/** More frames than the library ever puts between a user's call and the place where a position is taken. */
const allFrames = 60;
/** Enough for an operation that the user calls. Each costs 0.3 µs or more: stacks are most of the time of tracing. */
const nearestFrames = 16;

/** The position of what happens now. */
export const currentSource = (): Source => ambient ?? take(allFrames);

/** The same for an equation: where the user's call is further away, the position of what it is recorded for. */
export const equationSource = (): Source => ambient ?? take(around ? nearestFrames : allFrames);

function take(frames: number): Source {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = frames;
  const source = new Source(new Error(), around);
  Error.stackTraceLimit = limit;
  return source;
}

/** While `f` records a program, what is too deep in the library for a position of its own has the one from which this is called. */
export function recordingFrom<T>(f: () => T): T {
  if (ambient || around) return f();
  around = take(allFrames);
  try {
    return f();
  } finally {
    around = undefined;
  }
}

/** The operations of a rule are all the user's one: where they are recorded, its position is taken once. */
export const atUserLine = <T>(records: boolean, rule: () => T): T =>
  records && !ambient ? withSource(equationSource(), rule) : rule();
