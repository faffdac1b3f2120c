/**
 * JavaScript cannot trap truthiness: `if (x.gt(0))` takes the true branch for every array, silently. This reads the
 * source of each traced function once and reports tests that are certainly on an array. Doubtful ones, such as
 * `if (params.bias)`, are left alone.
 */
import { ControlFlowError } from '../core/errors.ts';
import { parseFunction, walk } from './parse.ts';

/** Methods that return arrays, of which JavaScript's own arrays, maps, strings and numbers have none. */
const arrayMethods = new Set([
  'gt',
  'ge',
  'lt',
  'le',
  'eq',
  'ne',
  'add',
  'sub',
  'mul',
  'div',
  'mod',
  'pow',
  'neg',
  'sum',
  'prod',
  'mean',
  'any',
  'all',
  'dot',
  'matmul',
  'astype',
  'argmax',
  'argmin',
]);
/** Methods that `Set`, `Map` and friends share with arrays: they count only on a parameter's own expression. */
const shared = new Set(['add']);

/** `np.any(m)`, `lax.lt(a, b)`: functions of the library's namespaces that return arrays. */
const namespaces = new Set(['np', 'numpy', 'lax', 'nn', 'linalg']);
const notArrays = new Set(['shape', 'ndim', 'size', 'allclose', 'arrayEqual', 'finfo', 'iinfo']);

const suspicious = /\bif\b|\bwhile\b|\bfor\b|\bdo\b|\?|&&|\|\||!/;
const seen = new WeakSet<Function>();

/** True for expressions that certainly evaluate to an array. */
function isArrayExpression(node: any): boolean {
  if (node?.type !== 'CallExpression' || node.callee.type !== 'MemberExpression' || node.callee.computed) return false;
  const { object, property } = node.callee;
  if (object.type === 'Identifier' && namespaces.has(object.name)) return !notArrays.has(property.name);
  return arrayMethods.has(property.name) && !shared.has(property.name);
}

/** The part of a test that decides on truthiness and is an array; undefined if none is for certain. */
function arrayTest(node: any): any {
  if (!node) return undefined;
  if (node.type === 'LogicalExpression' && node.operator !== '??') return arrayTest(node.left) ?? arrayTest(node.right);
  if (node.type === 'UnaryExpression' && node.operator === '!') return arrayTest(node.argument);
  if (node.type === 'ParenthesizedExpression') return arrayTest(node.expression);
  return isArrayExpression(node) ? node : undefined;
}

interface Finding {
  readonly form: string;
  readonly test: any;
  readonly hint: string;
}

function finding(node: any): Finding | undefined {
  const choose = 'choose between values with `np.where(…)`, between computations with `lax.cond(…)`';
  switch (node.type) {
    case 'IfStatement':
      return { form: 'if', test: arrayTest(node.test), hint: choose };
    case 'ConditionalExpression':
      return { form: '?:', test: arrayTest(node.test), hint: choose };
    case 'WhileStatement':
    case 'DoWhileStatement':
    case 'ForStatement':
      return {
        form: node.type === 'ForStatement' ? 'for' : 'while',
        test: arrayTest(node.test),
        hint: 'loop with `lax.whileLoop(…)`',
      };
    case 'LogicalExpression':
      if (node.operator === '??') return undefined;
      return {
        form: node.operator,
        test: arrayTest(node.left),
        hint: `combine arrays with \`${node.operator === '&&' ? 'np.logicalAnd' : 'np.logicalOr'}\``,
      };
    case 'UnaryExpression':
      return node.operator === '!'
        ? { form: '!', test: arrayTest(node.argument), hint: 'negate an array with `np.logicalNot`' }
        : undefined;
    default:
      return undefined;
  }
}

/**
 * Checks a function that is about to be traced; each function once.
 * @throws ControlFlowError on a test of an array's truthiness
 */
export function lintFunction(f: Function): void {
  if (seen.has(f)) return;
  seen.add(f);
  if (!suspicious.test(Function.prototype.toString.call(f))) return;
  const parsed = parseFunction(f);
  if (!parsed) return;
  walk(parsed.node.body, (node) => {
    const found = finding(node);
    if (found?.test) {
      const text = parsed.text.slice(found.test.start, found.test.end);
      const line = found.test.loc.start.line;
      const where = line === 1 ? '' : ` (line ${line} of the function)`;
      throw new ControlFlowError(
        `\`${f.name || 'the function'}\` tests \`${text}\` with \`${found.form}\`${where}, which is always true: it is an array, and JavaScript objects are truthy.`,
        { hint: found.hint },
      );
    }
    return undefined;
  });
}
