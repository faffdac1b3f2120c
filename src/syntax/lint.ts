/**
 * JavaScript cannot trap truthiness: `if (x.gt(0))` takes the true branch for every array, silently. This reads the
 * source of each traced function once and reports tests, comparisons and indices that are certainly wrong because they
 * are on an array. Doubtful ones are left alone: `if (params.bias)` asks whether there is a bias.
 */
import { isKnownClean, keepClean } from '../../jit/caches/clean-functions.ts';
import type { NDArray } from '../array.ts';
import { ControlFlowError } from '../core/errors.ts';
import { type ArgumentPart, type Certainty, Names } from './arrays.ts';
import { positionIn } from './locate.ts';
import { originalOf, quoted } from './names.ts';
import { type ParsedFunction, parseFunction, walk } from './parse.ts';

interface Finding {
  /** The expression that is an array. */
  readonly node: any;
  /** Arguments that must be arrays, or rank-0 bools, for the finding to hold. */
  readonly requires: readonly (ArgumentPart & { readonly flag?: boolean })[];
  /** What follows "`f` ". */
  readonly message: string;
  readonly hint: string;
}

/** Without any of these a function need not be parsed, nor acorn loaded. Optional chaining and `??` do not count. */
const suspicious =
  /\bif\b|\bwhile\b|\bfor\b[^{]*;|\bswitch\b|(?<!\?)\?(?![?.])|&&|\|\||!|==|[\w$)\]]\[|\.length\b|\bNumber\.is/;
/** A loop that counts: its test compares, which is an error of its own where one of the two is an array. */
const counting =
  /\bfor\s*\(\s*let\s+[\w$]+\s*=\s*[\w$]+\s*;\s*[\w$]+\s*[<>]=?\s*[\w$]+\s*;\s*[\w$]+\s*(?:\+\+|--|[+\-*]=\s*[\w$]+)\s*\)/g;
const found = new WeakMap<ParsedFunction, readonly Finding[]>();
const clean = new WeakSet<Function>();

/**
 * Checks a function that is about to be traced with these arguments.
 * @throws ControlFlowError on JavaScript control flow that an array decides
 */
export function lintCall(f: Function, args: readonly unknown[]): void {
  // What stands for another function sees to it that this one is checked, with its own arguments.
  if (clean.has(f) || originalOf(f) !== f) return;
  const findings = findingsOf(f);
  if (findings.length === 0) {
    clean.add(f);
    return;
  }
  for (const { node, requires, message, hint } of findings) {
    if (!requires.every((part) => holds(args, part))) continue;
    throw new ControlFlowError(`${quoted(f)} ${message}`, { hint, position: positionIn(f, node) });
  }
}

function findingsOf(f: Function): readonly Finding[] {
  const text = Function.prototype.toString.call(f);
  if (!suspicious.test(text.replace(counting, '')) || isKnownClean(text)) return [];
  const parsed = parseFunction(f);
  if (!parsed) return [];
  let findings = found.get(parsed);
  if (!findings) {
    found.set(parsed, (findings = new Linter(parsed).findings));
    if (findings.length === 0) keepClean(text);
  }
  return findings;
}

/** Whether the part of the arguments is an array; with `flag`, a single bool. */
function holds(
  args: readonly unknown[],
  { position, path, flag }: ArgumentPart & { readonly flag?: boolean },
): boolean {
  let value: any = args[position];
  for (const key of path) {
    if (value === null || typeof value !== 'object' || 'aval' in value) return false;
    value = value[key];
  }
  const aval = (value as NDArray | undefined)?.aval;
  return aval !== undefined && (!flag || (aval.dtype === 'bool' && aval.shape.length === 0));
}

const choose = 'choose between values with `np.where(…)`, between computations with `lax.cond(…)`';

/** Functions that say of everything but JavaScript's numbers that it is not so, and what says it of arrays. */
const numberTests: Readonly<Record<string, string>> = {
  'Number.isNaN': 'np.isnan(x)',
  'Number.isFinite': 'np.isfinite(x)',
  'Number.isInteger': 'x.eq(np.floor(x))',
  'Number.isSafeInteger': 'x.eq(np.floor(x))',
};

class Linter {
  readonly findings: Finding[] = [];
  private readonly names: Names;
  private readonly text: string;

  constructor(parsed: ParsedFunction) {
    this.names = new Names(parsed);
    this.text = parsed.text;
    walk(parsed.node.body, (node) => {
      this.visit(node);
    });
  }

  private show(node: any): string {
    return `\`${this.text.slice(node.start, node.end).replace(/\s+/g, ' ')}\``;
  }

  private visit(node: any): void {
    switch (node.type) {
      case 'IfStatement':
        this.test(node.test, 'if', choose);
        break;
      case 'ConditionalExpression':
        this.test(node.test, '?:', choose);
        break;
      case 'WhileStatement':
      case 'DoWhileStatement':
        this.test(node.test, 'while', 'loop with `lax.whileLoop(…)`');
        break;
      case 'ForStatement':
        this.test(node.test, 'for', 'loop with `lax.whileLoop(…)`');
        break;
      case 'LogicalExpression': {
        const method = node.operator === '&&' ? 'logicalAnd' : 'logicalOr';
        if (node.operator !== '??') this.test(node.left, node.operator, `combine arrays with \`np.${method}\``);
        break;
      }
      case 'UnaryExpression':
        if (node.operator === '!') this.test(node.argument, '!', 'negate an array with `np.logicalNot`');
        break;
      case 'BinaryExpression':
        if (/^[=!]==?$/.test(node.operator)) this.comparison(node);
        break;
      case 'SwitchStatement':
        this.report(node.discriminant, this.names.certainty(node.discriminant), {
          message: `switches on ${this.show(node.discriminant)}, which is an array and equal to no case.`,
          hint: 'choose with `lax.switch(…)`',
        });
        break;
      case 'MemberExpression':
        this.member(node);
        break;
      case 'AssignmentExpression':
        this.assignment(node);
        break;
      case 'CallExpression':
        this.call(node);
    }
  }

  private report(node: any, certainty: Certainty, finding: { message: string; hint: string }, flag?: boolean): void {
    if (certainty === false) return;
    const requires = flag ? certainty.map((part) => ({ ...part, flag })) : certainty;
    this.findings.push({ node, requires, ...finding });
  }

  /** A test that decides on truthiness. An argument by itself may be tested for being there, unless it is a bool. */
  private test(node: any, form: string, hint: string): void {
    if (!node) return;
    if (node.type === 'LogicalExpression' || (node.type === 'UnaryExpression' && node.operator === '!')) return;
    const part = this.names.argumentPart(node);
    const message = `tests ${this.show(node)} with \`${form}\`, which is always ${form === '!' ? 'false' : 'true'}: it is an array, and JavaScript objects are truthy.`;
    if (!part) {
      this.report(node, this.names.certainty(node), { message, hint });
      return;
    }
    const staticHint =
      node.type === 'Identifier' && part.path.length === 0
        ? `, or make the argument static: \`jit(f, { static: ['${node.name}'] })\``
        : '';
    this.report(node, [part], { message, hint: `${hint}${staticHint}` }, true);
  }

  /** `x === 0`: an array is identical to no number, and to no other array. */
  private comparison(node: any): void {
    const { left, right, operator } = node;
    const isConstant = (x: any): boolean =>
      (x.type === 'Literal' && (typeof x.value === 'number' || typeof x.value === 'boolean')) ||
      (x.type === 'UnaryExpression' && x.operator === '-' && x.argument.type === 'Literal');
    const [a, b] = [left, right].map((side) => this.names.certainty(side)) as [Certainty, Certainty];
    const method = operator[0] === '=' ? 'eq' : 'ne';
    const message = `compares with ${this.show(node)}, which is always ${operator[0] === '=' ? 'false' : 'true'}: \`${operator}\` asks whether two JavaScript objects are the same.`;
    const finding = (x: any, y: any) => ({
      message,
      hint: `compare elements with \`${this.text.slice(x.start, x.end)}.${method}(${this.text.slice(y.start, y.end)})\``,
    });
    // Loose comparison with a number converts the array, which is an error when it runs.
    const strict = operator.length === 3;
    if (isConstant(right) && strict) this.report(node, a, finding(left, right));
    else if (isConstant(left) && strict) this.report(node, b, finding(right, left));
    else if (a !== false && b !== false && this.show(left) !== this.show(right)) {
      this.findings.push({ node, requires: [...a, ...b], ...finding(left, right) });
    }
  }

  /** `x[0]`, `table[x]` and `x.length`. */
  private member(node: any): void {
    const { object, property, computed } = node;
    const array = this.names.certainty(object);
    const shown = this.show(node);
    const name = this.text.slice(object.start, object.end);
    if (!computed) {
      if (property.name === 'length')
        this.report(node, array, {
          message: `reads ${shown}, which is undefined: arrays have a shape.`,
          hint: `use \`${name}.shape[0]\` or \`${name}.size\``,
        });
      return;
    }
    const key = this.text.slice(property.start, property.end);
    this.report(node, this.names.certainty(property), {
      message: `indexes with the array \`${key}\` in ${shown}, but JavaScript's keys are text.`,
      hint: `use \`np.take(${name}, ${key}, { axis: 0 })\`, or choose a function with \`lax.switch(…)\``,
    });
    if (property.type === 'Literal' && typeof property.value !== 'number') return;
    if (property.type === 'MemberExpression' && /^Symbol\b/.test(key)) return;
    this.report(node, array, {
      message: `reads ${shown}, which is undefined: JavaScript's brackets do not index arrays.`,
      hint: `use \`${name}.slice(${key})\``,
    });
  }

  /** `Number.isNaN(x)` and its like. */
  private call(node: any): void {
    const { callee, arguments: args } = node;
    const called = this.text.slice(callee.start, callee.end);
    const instead = numberTests[called];
    if (!instead || args.length !== 1) return;
    const name = this.text.slice(args[0].start, args[0].end);
    this.report(node, this.names.certainty(args[0]), {
      message: `calls ${this.show(node)}, which is always false: it is an array, and no JavaScript number.`,
      hint: `test elements with \`${instead.replaceAll(/\bx\b/g, () => name)}\``,
    });
  }

  /** `x[0] = 3`. */
  private assignment({ left, right, operator }: any): void {
    if (left.type !== 'MemberExpression' || !left.computed || operator !== '=') return;
    const name = this.text.slice(left.object.start, left.object.end);
    const key = this.text.slice(left.property.start, left.property.end);
    this.report(left, this.names.certainty(left.object), {
      message: `assigns to ${this.show(left)}, but arrays do not change.`,
      hint: `make a new one: \`${name} = ${name}.at(${key}).set(${this.text.slice(right.start, right.end)})\``,
    });
  }
}
