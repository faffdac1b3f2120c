import { shortName } from './dtype.ts';
import { type Atom, type Eqn, Jaxpr, Literal, type Var } from './jaxpr.ts';

/** The program as text, in JAX's notation: `{ lambda ; a:f32[3]. let b:f32[3] = sin a in (b,) }`. */
export function printJaxpr(jaxpr: Jaxpr, consts = 0, indent = ''): string {
  const names = new Map<Var, string>();
  const name = (v: Var): string => {
    let text = names.get(v);
    if (text === undefined) names.set(v, (text = letters(names.size)));
    return text;
  };
  const binder = (v: Var) => `${name(v)}:${v.aval}`;
  const atom = (a: Atom) =>
    a instanceof Literal ? `${formatNumber(a.value, a.aval.dtype === 'bool')}:${shortName(a.aval.dtype)}[]` : name(a);
  const head = `{ lambda ${jaxpr.inVars.slice(0, consts).map(binder).join(' ')}; ${jaxpr.inVars.slice(consts).map(binder).join(' ')}. let`;
  const lines = jaxpr.eqns.map((eqn) => {
    const params = printParams(eqn, `${indent}    `);
    const outs = eqn.outputs.map(binder).join(' ');
    return `${indent}    ${outs}${outs ? ' = ' : ''}${eqn.primitive.name}${params} ${eqn.inputs.map(atom).join(' ')}`.trimEnd();
  });
  const outs = `(${jaxpr.outs.map(atom).join(', ')}${jaxpr.outs.length === 1 ? ',' : ''})`;
  if (lines.length === 0) return `${head.trimEnd()}  in ${outs} }`;
  return `${head}\n${lines.join('\n')}\n${indent}  in ${outs} }`;
}

function printParams(eqn: Eqn, indent: string): string {
  const entries = Object.entries(eqn.params).filter(([, value]) => typeof value !== 'function' && value !== undefined);
  if (entries.length === 0) return '';
  return `[${entries.map(([key, value]) => `${key}=${printParam(value, indent)}`).join(' ')}]`;
}

function printParam(value: unknown, indent: string): string {
  if (value instanceof Jaxpr) return printJaxpr(value, 0, `${indent}  `);
  if (Array.isArray(value)) {
    if (value.some((x) => x instanceof Jaxpr)) return `(${value.map((x) => printParam(x, indent)).join(', ')})`;
    return `(${value.map((x) => printParam(x, indent)).join(',')}${value.length === 1 ? ',' : ''})`;
  }
  if (value === null) return 'None';
  if (typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([k, v]) => `${k}:${printParam(v, indent)}`)
      .join(',')}}`;
  }
  return String(value);
}

function formatNumber(value: number, bool: boolean): string {
  if (bool) return value ? 'True' : 'False';
  return Number.isInteger(value) && Math.abs(value) < 1e16
    ? Object.is(value, -0)
      ? '-0.0'
      : value.toFixed(1)
    : String(value);
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
