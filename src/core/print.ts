import { ShapedArray } from './aval.ts';
import { type DType, shortName } from './dtype.ts';
import { type Atom, type Eqn, Jaxpr, Literal, type Var } from './jaxpr.ts';

/**
 * The program as text, in JAX's notation: `{ lambda ; a:f32[3]. let b:f32[3] = sin a in (b,) }`. Programs inside it
 * are indented, parameters that are false or empty are left out, long lists are cut.
 */
export function printJaxpr(jaxpr: Jaxpr, consts = 0, indent = ''): string {
  const names = new Map<Var, string>();
  const name = (v: Var): string => {
    let text = names.get(v);
    if (text === undefined) names.set(v, (text = letters(names.size)));
    return text;
  };
  const binder = (v: Var) => `${name(v)}:${v.aval}`;
  const atom = (a: Atom) =>
    a instanceof Literal ? `${formatNumber(a.value, a.aval.dtype)}:${shortName(a.aval.dtype)}[]` : name(a);
  const head = `{ lambda ${jaxpr.inVars.slice(0, consts).map(binder).join(' ')}; ${jaxpr.inVars.slice(consts).map(binder).join(' ')}. let`;
  const lines = jaxpr.eqns.map((eqn) => {
    // The variables that an equation binds are named before those of the programs in it.
    const outs = eqn.outputs.map(binder).join(' ');
    const params = printParams(eqn, `${indent}    `);
    return `${indent}    ${outs}${outs ? ' = ' : ''}${eqn.primitive.name}${params} ${eqn.inputs.map(atom).join(' ')}`.trimEnd();
  });
  const outs = `(${jaxpr.outs.map(atom).join(', ')}${jaxpr.outs.length === 1 ? ',' : ''})`;
  if (lines.length === 0) return `${head.trimEnd()}  in ${outs} }`;
  return `${head}\n${lines.join('\n')}\n${indent}  in ${outs} }`;
}

/** One line, or a line for each where there are programs among them. */
function printParams(eqn: Eqn, indent: string): string {
  const entries = Object.entries(eqn.params).filter(([, value]) => isTelling(value));
  if (entries.length === 0) return '';
  if (!entries.some(([, value]) => holdsJaxpr(value)))
    return `[${entries.map(([key, value]) => `${key}=${printParam(value, indent)}`).join(' ')}]`;
  const inner = `${indent}  `;
  const plainFirst = [...entries].sort(([, a], [, b]) => Number(holdsJaxpr(a)) - Number(holdsJaxpr(b)));
  return `[\n${plainFirst.map(([key, value]) => `${inner}${key}=${printParam(value, inner)}\n`).join('')}${indent}]`;
}

const holdsJaxpr = (value: unknown): boolean =>
  value instanceof Jaxpr || (Array.isArray(value) && value.some((x) => x instanceof Jaxpr));

/** Functions cannot be shown; what is false or empty is as if it were not there. */
function isTelling(value: unknown): boolean {
  if (typeof value === 'function' || value === undefined || value === null || value === false) return false;
  return !Array.isArray(value) || value.length > 0;
}

/** Lists of numbers longer than this are cut to their ends. */
const longest = 16;

function printParam(value: unknown, indent: string): string {
  if (value instanceof Jaxpr) return printJaxpr(value, 0, indent);
  if (Array.isArray(value)) {
    if (holdsJaxpr(value)) {
      const inner = `${indent}  `;
      return `(\n${value.map((x) => `${inner}${printParam(x, inner)}\n`).join('')}${indent})`;
    }
    const shown = (items: readonly unknown[]): string => items.map((x) => printParam(x, indent)).join(',');
    if (value.length > longest)
      return `(${shown(value.slice(0, 3))},…,${shown(value.slice(-1))}; ${value.length} in all)`;
    return `(${shown(value)}${value.length === 1 ? ',' : ''})`;
  }
  if (typeof value === 'number') return formatNumber(value, Number.isInteger(value) ? 'int32' : 'float64');
  if (value === null) return 'null';
  if (value instanceof ShapedArray) return String(value);
  if (typeof value === 'object') {
    return `{${Object.entries(value)
      .filter(([, v]) => isTelling(v))
      .map(([k, v]) => `${k}:${printParam(v, indent)}`)
      .join(',')}}`;
  }
  return String(value);
}

/** As NumPy writes a number of the dtype, in the fewest digits. */
function formatNumber(value: number, dtype: DType): string {
  if (dtype === 'bool') return value ? 'True' : 'False';
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (dtype === 'int32' || dtype === 'uint32') return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e16) return Object.is(value, -0) ? '-0.0' : value.toFixed(1);
  if (dtype === 'float64') return String(value);
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === Math.fround(value)) return String(short);
  }
  return String(value);
}

/** a, b, …, z, ba, bb, … as JAX numbers variables. */
function letters(n: number): string {
  let text = '';
  do {
    text = String.fromCharCode(97 + (n % 26)) + text;
    n = Math.floor(n / 26);
  } while (n > 0);
  return text;
}
