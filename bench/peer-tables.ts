/** What was measured beside other libraries, as the tables of docs/performance.md. */
import { aims, limit } from './aims.ts';
import { fractionOfLimit, type Roofline, type Work } from './roofline.ts';

/** One case of one library, or what is known of the library. */
export interface Line {
  readonly library: string;
  readonly name: string;
  readonly seconds?: number;
  /** The same without reading the result. */
  readonly computed?: number;
  /** The first call. */
  readonly first?: number;
  readonly values?: readonly number[];
  readonly error?: string;
  readonly version?: string;
}

export interface PeerTables {
  readonly read: string;
  readonly computed: string;
  readonly solvers: string;
  readonly aims: string;
}

type Measure = 'seconds' | 'computed';

const ours = 'cotangent';
const threaded = /^cotangent, (\d+ threads)$/;
const order = ['jax-js', 'TensorFlow.js wasm', 'numpy-ts', 'ml-matrix', 'NumPy', 'JAX', 'PyTorch'];
const isSolver = (name: string): boolean => /steps$|sweeps$|^OSQP|^odeint/.test(name);

export function peerTables(lines: readonly Line[], roofline: Roofline): PeerTables {
  const run = new Run(lines, roofline);
  return {
    read: run.times('seconds'),
    computed: run.times('computed'),
    solvers: run.solvers(),
    aims: run.aims(),
  };
}

class Run {
  private readonly lines: readonly Line[];
  private readonly roofline: Roofline;
  private readonly names: readonly string[];
  private readonly libraries: readonly string[];

  constructor(lines: readonly Line[], roofline: Roofline) {
    this.lines = lines;
    this.roofline = roofline;
    this.names = [...new Set(lines.filter(({ library }) => library === ours).map(({ name }) => name))];
    const place = (library: string): number => (threaded.test(library) ? -1 : order.indexOf(library));
    const others = [...new Set(lines.map(({ library }) => library))].filter((library) => library !== ours);
    this.libraries = others.sort((a, b) => place(a) - place(b));
  }

  times(measure: Measure): string {
    const used = this.libraries.filter((library) =>
      this.names.some((name) => !isSolver(name) && this.find(library, name)?.[measure] !== undefined),
    );
    const rows = this.names
      .filter((name) => !isSolver(name))
      .flatMap((name) => {
        const own = this.find(ours, name)!;
        if (own.error) return [[name, 'error']];
        const seconds = own[measure];
        if (seconds === undefined) return [];
        return [
          [
            name,
            time(seconds),
            this.ofLimit(name, seconds),
            ...used.map((library) => this.cell(library, own, measure)),
          ],
        ];
      });
    return table(['', 'Cotangent', 'of limit', ...used.map((library) => threaded.exec(library)?.[1] ?? library)], rows);
  }

  solvers(): string {
    const rows = this.names.filter(isSolver).flatMap((name) => {
      const [own, theirs] = [this.find(ours, name)!, this.find('JAX', name)];
      if (own.seconds === undefined) return [];
      return [
        [
          name,
          time(own.seconds),
          theirs ? this.cell('JAX', own, 'seconds') : '',
          time(own.first!),
          time(theirs?.first),
        ],
      ];
    });
    return rows.length === 0 ? '' : table(['', 'Cotangent', 'JAX with JAXopt', 'first call', "JAXopt's"], rows);
  }

  /** Every aim with what the run shows: results read, computed alone, and with all cores. */
  aims(): string {
    const [threads] = this.libraries.filter((library) => threaded.test(library));
    const rows = aims.flatMap(({ work, against }) =>
      work
        .filter((name) => this.names.includes(name))
        .flatMap((name) =>
          Object.entries(against).map(([peer, aim]) => {
            const shown = (library: string | undefined, measure: Measure): string => {
              const own = library === undefined ? undefined : this.find(library, name)?.[measure];
              const ratio =
                own && (peer === limit ? this.fraction(name, own) : (this.find(peer, name)?.[measure] ?? 0) / own);
              if (!ratio) return '';
              // Where threads share the work, one thread's limit says nothing.
              if (peer === limit && library !== ours) return '';
              return ratio >= aim ? `**${figures(ratio, 2)}**` : figures(ratio, 2);
            };
            return [
              name,
              peer === limit ? 'the limit' : peer,
              String(aim),
              shown(ours, 'seconds'),
              shown(ours, 'computed'),
              shown(threads, 'seconds'),
              shown(threads, 'computed'),
            ];
          }),
        ),
    );
    const many = threaded.exec(threads ?? '')?.[1] ?? 'threads';
    return table(['', 'against', 'aim', 'read', 'computed', `${many}, read`, `${many}, computed`], rows);
  }

  private find(library: string, name: string): Line | undefined {
    return this.lines.find((line) => line.library === library && line.name === name);
  }

  private cell(library: string, own: Line, measure: Measure): string {
    const theirs = this.find(library, own.name);
    if (!theirs) return '';
    if (theirs.error) return 'error';
    const seconds = theirs[measure];
    if (seconds === undefined) return '';
    if (!agree(own.values!, theirs.values!)) return `${time(seconds)} (other result)`;
    return threaded.test(library) ? time(seconds) : `${time(seconds)} (${figures(seconds / own[measure]!, 2)}×)`;
  }

  private fraction(name: string, seconds: number): number | undefined {
    return fractionOfLimit(this.roofline, workOf(name), seconds);
  }

  private ofLimit(name: string, seconds: number): string {
    const fraction = this.fraction(name, seconds);
    return fraction ? `${(100 * fraction).toFixed(0)} %` : '';
  }
}

/** Of two runs of everything the least time of each case in each library; the first call is that of the first run. */
export const leastOf = (one: readonly Line[], other: readonly Line[]): Line[] =>
  one.map((line) => {
    const again = other.find(({ library, name }) => library === line.library && name === line.name);
    if (!again) return line;
    const measures = (['seconds', 'computed'] as const).flatMap((measure) => {
      const times = [line[measure], again[measure]].filter((time) => time !== undefined);
      return times.length > 0 ? [[measure, Math.min(...times)]] : [];
    });
    return { ...line, ...Object.fromEntries(measures) };
  });

/** Results of float32 arithmetic in another order. */
function agree(ours: readonly number[], theirs: readonly number[]): boolean {
  const scale = Math.max(...ours.map(Math.abs), 1e-30);
  return ours.length === theirs.length && ours.every((x, i) => Math.abs(x - theirs[i]!) <= 1e-3 * scale);
}

const million = 1e6;
const mlpProducts = 2 * 784 * 256 + 3 * 256 * 128 + 3 * 128 * 10;

/** What the cases have to do at least. */
function workOf(name: string): Work {
  const matmul = /^matmul (\d+)$/.exec(name);
  if (matmul) return { flops: 2 * Number(matmul[1]) ** 3 };
  const ridge = /^ridge (\d+)×(\d+)$/.exec(name);
  if (ridge) return { flops: 500 * 4 * Number(ridge[1]) * Number(ridge[2]) };
  if (name === 'mlp step') return { flops: 2 * 128 * mlpProducts };
  if (/^(mean|variance|logsumexp)/.test(name)) return { bytes: 4 * million };
  if (/^x·tanh/.test(name)) return { bytes: 8 * million };
  if (/1024²$/.test(name)) return { bytes: 8 * 1024 ** 2 };
  return {};
}

function time(seconds: number | undefined): string {
  if (seconds === undefined) return '';
  if (seconds < 1e-6) return `${(seconds * 1e9).toFixed(0)} ns`;
  if (seconds < 1e-3) return `${figures(seconds * 1e6, 3)} µs`;
  return seconds < 1 ? `${figures(seconds * 1e3, 3)} ms` : `${figures(seconds, 3)} s`;
}

/** Without the exponents of `toPrecision`. */
const figures = (x: number, count: number): string => {
  const rounded = Number(x.toPrecision(count));
  return rounded.toFixed(Math.max(0, count - 1 - Math.floor(Math.log10(rounded))));
};

/** Puts tables in place of those that stand behind `<!-- bench: name -->` in a document. */
export function withTables(document: string, tables: PeerTables): string {
  let result = document;
  for (const [name, table] of Object.entries(tables)) {
    const old = new RegExp(`(<!-- bench: ${name} -->\\n\\n)(?:\\|.*\\n)*`);
    if (!old.test(result)) throw new Error(`the document has no table ${name}`);
    result = result.replace(old, (_, mark) => `${mark}${table}\n`);
  }
  return result;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = head.map((_, i) => (i === 0 ? '---' : '---:'));
  const full = rows.map((row) => head.map((_, i) => row[i] ?? ''));
  return [head, rule, ...full].map((row) => `| ${row.join(' | ')} |`.replaceAll('|  |', '| |')).join('\n');
}
