/**
 * From positions in compiled files to positions in the files that the user wrote, by source maps. Engines do it
 * themselves when asked to (`node --enable-source-maps`, Deno, Bun); on Node it is done here otherwise, for errors only.
 */
import { builtin } from './node.ts';

interface SourceMap {
  readonly payload: { sources?: string[]; sourcesContent?: (string | null)[]; sourceRoot?: string };
  findEntry(line: number, column: number): { originalSource?: string; originalLine?: number; originalColumn?: number };
}

const files = new Map<string, string | undefined>();
const maps = new Map<string, SourceMap | undefined>();

/** `file:line:column` in a compiled file as the user would look it up: in the source, relative to the working directory. */
export function sourcePosition(frame: string): string {
  const { file, line, column } = parsePosition(frame);
  const path = pathOf(file);
  const map = mapOf(path);
  const entry = map?.findEntry(line - 1, column - 1);
  if (!map || entry?.originalSource === undefined || entry.originalLine === undefined) {
    return `${relative(path)}:${line}:${column}`;
  }
  const source = relative(sourceOf(map, entry.originalSource, path));
  return `${source}:${entry.originalLine + 1}:${(entry.originalColumn ?? 0) + 1}`;
}

/** The path of a source that a map names. Its text is remembered where only the map has it. */
function sourceOf({ payload }: SourceMap, name: string, compiled: string): string {
  const { sources = [], sourcesContent = [], sourceRoot = '' } = payload;
  const rooted = sourceRoot && !name.startsWith(sourceRoot) ? `${sourceRoot.replace(/\/$/, '')}/${name}` : name;
  const plain = rooted.startsWith('file:') ? pathOf(rooted) : rooted;
  const path = /^[a-z][a-z-]+:/.test(plain) ? plain : builtin('path')!.resolve(compiled, '..', plain);
  const text = sourcesContent[sources.indexOf(name)];
  if (typeof text === 'string' && fileText(path) === undefined) {
    files.set(path, text);
    files.set(relative(path), text);
  }
  return path;
}

/** The text of a line of source, without indentation; undefined when it cannot be read, or is not for reading. */
export function sourceLine(position: string): string | undefined {
  const { file, line } = parsePosition(position);
  const text = fileText(file)?.split('\n')[line - 1]?.trim();
  return text && text.length <= 100 ? text : undefined;
}

export function parsePosition(text: string): { file: string; line: number; column: number } {
  const [, file, line, column] = /^(.*):(\d+):(\d+)$/.exec(text)!;
  return { file: file!, line: Number(line), column: Number(column) };
}

/** The path that a URL of a file stands for; anything else as it is. */
export function pathOf(url: string): string {
  if (!url.startsWith('file:')) return url;
  try {
    return builtin('url')?.fileURLToPath(url) ?? url;
  } catch {
    return url;
  }
}

function relative(path: string): string {
  const directory = (globalThis as { process?: { cwd?: () => string } }).process?.cwd?.();
  const root = directory && (directory.endsWith('/') ? directory : `${directory}/`);
  return root && path.startsWith(root) ? path.slice(root.length) : path;
}

/** The text of a file; undefined where it cannot be read. Read once. */
export function fileText(path: string): string | undefined {
  if (!files.has(path)) {
    let text: string | undefined;
    try {
      text = builtin('fs')?.readFileSync(path, 'utf8');
    } catch {
      // A bundle, a virtual module, a page: the position is shown as it is.
    }
    files.set(path, text);
  }
  return files.get(path);
}

/** The source map of a compiled file: the file beside it, or the data, that its last line names. */
function mapOf(path: string): SourceMap | undefined {
  if (!maps.has(path)) maps.set(path, loadMap(path));
  return maps.get(path);
}

function loadMap(path: string): SourceMap | undefined {
  if (!/\.[cm]?js$/.test(path)) return undefined;
  const text = fileText(path);
  // The last one counts: a bundle may quote others. After it come comments only.
  const at = text?.lastIndexOf('//# sourceMappingURL=') ?? -1;
  const reference = at < 0 ? undefined : /=(\S+)/.exec(text!.slice(at))?.[1];
  const module = builtin('module') as { SourceMap?: new (payload: any) => SourceMap } | undefined;
  if (!reference || !module?.SourceMap) return undefined;
  try {
    const json = reference.startsWith('data:') ? inlined(reference) : fileText(mapPath(path, reference));
    return json ? new module.SourceMap(JSON.parse(json)) : undefined;
  } catch {
    return undefined;
  }
}

const mapPath = (path: string, reference: string): string =>
  reference.startsWith('file:')
    ? pathOf(reference)
    : builtin('path')!.resolve(path, '..', decodeURIComponent(reference));

/** The text of a data URL. */
function inlined(url: string): string {
  const comma = url.indexOf(',');
  const data = url.slice(comma + 1);
  if (!/;base64$/.test(url.slice(0, comma))) return decodeURIComponent(data);
  return new TextDecoder().decode(Uint8Array.from(atob(data), (c) => c.charCodeAt(0)));
}
