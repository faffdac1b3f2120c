/**
 * From positions in compiled files to positions in the files that the user wrote, by source maps. Engines do it
 * themselves when asked to (`node --enable-source-maps`, Deno, Bun); on Node it is done here otherwise, for errors only.
 */

interface Builtins {
  readonly cwd?: () => string;
  readonly getBuiltinModule?: (name: string) => any;
}

const builtins = (globalThis as { process?: Builtins }).process;
const node = <T>(name: string): T | undefined => builtins?.getBuiltinModule?.(name) as T | undefined;

interface SourceMap {
  findEntry(line: number, column: number): { originalSource?: string; originalLine?: number; originalColumn?: number };
}

const files = new Map<string, string | undefined>();
const maps = new Map<string, SourceMap | undefined>();

/** `file:line:column` in a compiled file as the user would look it up: in the source, relative to the working directory. */
export function sourcePosition(frame: string): string {
  const { file, line, column } = parsePosition(frame);
  const path = file.startsWith('file:') ? pathOf(file) : file;
  const entry = mapOf(path)?.findEntry(line - 1, column - 1);
  if (entry?.originalSource === undefined || entry.originalLine === undefined) {
    return `${relative(path)}:${line}:${column}`;
  }
  const source = node<typeof import('node:path')>('node:path')!.resolve(path, '..', entry.originalSource);
  return `${relative(source)}:${entry.originalLine + 1}:${(entry.originalColumn ?? 0) + 1}`;
}

/** The text of a line of source, without indentation; undefined when it cannot be read, or is not for reading. */
export function sourceLine(position: string): string | undefined {
  const { file, line } = parsePosition(position);
  const text = read(file)?.split('\n')[line - 1]?.trim();
  return text && text.length <= 100 ? text : undefined;
}

function parsePosition(text: string): { file: string; line: number; column: number } {
  const [, file, line, column] = /^(.*):(\d+):(\d+)$/.exec(text)!;
  return { file: file!, line: Number(line), column: Number(column) };
}

function pathOf(url: string): string {
  try {
    return node<typeof import('node:url')>('node:url')?.fileURLToPath(url) ?? url;
  } catch {
    return url;
  }
}

function relative(path: string): string {
  const directory = builtins?.cwd?.();
  const root = directory && (directory.endsWith('/') ? directory : `${directory}/`);
  return root && path.startsWith(root) ? path.slice(root.length) : path;
}

function read(path: string): string | undefined {
  if (!files.has(path)) {
    let text: string | undefined;
    try {
      text = node<typeof import('node:fs')>('node:fs')?.readFileSync(path, 'utf8');
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
  const reference = read(path)?.match(/\/\/# sourceMappingURL=(\S+)\s*$/)?.[1];
  const module = node<{ SourceMap?: new (payload: unknown) => SourceMap }>('node:module');
  const paths = node<typeof import('node:path')>('node:path');
  if (!reference || !module?.SourceMap || !paths) return undefined;
  const inline = /^data:[^,]*;base64,(.*)$/.exec(reference)?.[1];
  const text = inline ? atob(inline) : read(paths.resolve(path, '..', decodeURIComponent(reference)));
  try {
    return text ? new module.SourceMap(JSON.parse(text)) : undefined;
  } catch {
    return undefined;
  }
}
