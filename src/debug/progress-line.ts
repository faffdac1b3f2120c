/** One line of text that says how far a loop is, rewritten in place on a terminal. */
import { TraceError } from '../core/errors.ts';
import { checkNumbers, naming, optionsOf } from '../core/options.ts';
import { show } from './format.ts';

export interface ProgressLineOptions {
  /** Text before the line. */
  label?: string;
  /** The number of steps, if it is known. */
  total?: number;
  /** Takes the text: a whole line, or one to be rewritten, which begins with a carriage return. */
  write?: (text: string) => void;
}

interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): void;
}

const width = 10;
/** Between rewritings on a terminal, and between lines elsewhere, in milliseconds. */
const pauses = { terminal: 50, log: 2000 };

/**
 * A progress line as those of tqdm: `train:  12%|█▏        | 120/1000 [00:01<00:07, 118/s, loss 0.25]`. On a terminal it is
 * rewritten up to twenty times a second; elsewhere a line is printed every two seconds, and the last one.
 *
 * @example
 * const line = new debug.ProgressLine({ label: 'train', total: 1000 });
 * for (let i = 1; i <= 1000; i++) line.update(i, { loss: step() });
 */
export class ProgressLine {
  private readonly label: string;
  private readonly total: number | undefined;
  private readonly write: (text: string) => void;
  private readonly terminal: boolean;
  private readonly columns: number;
  private first = { step: 0, time: 0 };
  private last = { step: Number.POSITIVE_INFINITY, shown: 0 };

  constructor(options: ProgressLineOptions = {}, name = 'ProgressLine') {
    const { label = '', total, write } = optionsOf(name, options, ['label', 'total', 'write']);
    checkNumbers(name, options, ['total']);
    if (write !== undefined && typeof write !== 'function')
      throw new TraceError(`${name}: \`write\` must be a function, but it is ${naming(write)}.`);
    const stderr = (globalThis as { process?: { stderr?: Terminal } }).process?.stderr;
    this.label = label && `${label}: `;
    this.total = total;
    this.terminal = write !== undefined || stderr?.isTTY === true;
    this.columns = (write ? undefined : stderr?.columns) ?? 100;
    this.write = write ?? (stderr ? (text) => stderr.write(text) : (text) => console.log(text.trim()));
  }

  /** `step` steps are done. Counting from the beginning again starts a new line. */
  update(step: number, values: Readonly<Record<string, unknown>> = {}): void {
    const time = performance.now();
    if (step < this.last.step) {
      // Nothing is known of the time before the first step that is seen.
      this.first = { step, time };
      this.last.shown = Number.NEGATIVE_INFINITY;
    }
    this.last.step = step;
    const done = this.total !== undefined && step >= this.total;
    if (!done && time - this.last.shown < (this.terminal ? pauses.terminal : pauses.log)) return;
    this.last.shown = time;
    const text = this.text(step, values, (time - this.first.time) / 1000).slice(0, this.columns - 1);
    this.write(this.terminal ? `\r${text}\x1b[K${done ? '\n' : ''}` : `${text}\n`);
  }

  private text(step: number, values: Readonly<Record<string, unknown>>, seconds: number): string {
    const { total } = this;
    const rate = (step - this.first.step) / seconds;
    const speed = rate > 0 && Number.isFinite(rate) ? `${Number(rate.toPrecision(3))}/s` : '?/s';
    const left = total !== undefined && rate > 0 ? `<${clock((total - step) / rate)}` : '';
    const shown = Object.entries(values).map(([name, value]) => `${name} ${brief(value)}`);
    const bracket = `[${[`${clock(seconds)}${left}`, speed, ...shown].join(', ')}]`;
    if (total === undefined) return `${this.label}${step} ${bracket}`;
    const fraction = Math.min(Math.max(total > 0 ? step / total : 1, 0), 1);
    const percent = `${Math.floor(fraction * 100)}%`.padStart(4);
    return `${this.label}${percent}|${bar(fraction)}| ${step}/${total} ${bracket}`;
  }
}

/** A bar in eighths of a character. */
function bar(fraction: number): string {
  const eighths = Math.round(fraction * width * 8);
  const partial = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8]!;
  return `${'█'.repeat(eighths >> 3)}${partial}`.padEnd(width);
}

/** `01:02`, or `1:00:00` from an hour on. */
function clock(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (n: number): string => String(n).padStart(2, '0');
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${two(m)}:${two(s)}`;
}

/** Numbers to four digits. */
function brief(value: unknown): string {
  const plain = value !== null && typeof value === 'object' && 'tolist' in value ? (value as any).tolist() : value;
  return typeof plain === 'number' ? String(Number(plain.toPrecision(4))) : show(value).replace(/\s+/g, ' ');
}
