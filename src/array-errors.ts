/** What is said where an array is used as a number and is none, or is not known. */
import type { NDArray } from './array.ts';
import { typedArrayOf } from './core/dtype.ts';
import { ControlFlowError, ShapeError, TraceError } from './core/errors.ts';
import { checkExtra, naming } from './core/options.ts';
import { currentSource } from './core/source.ts';
import type { Subject } from './core/trace.ts';
import { type Expression, isName, operandNames, operationAt } from './syntax/expression.ts';
import { argumentAt, quoted } from './syntax/names.ts';

/** The argument that a value is, as `step` calls it. */
function argumentOf(value: NDArray, subject: Subject | undefined): string | undefined {
  const input = subject?.inputs.indexOf(value) ?? -1;
  return input < 0 ? undefined : argumentAt(subject!.f, subject!.paths()[input]!);
}

/** `x.item()` on a value that is being traced. */
export function readingError(value: NDArray, operation: string): TraceError {
  const subject = value.origin?.subject;
  const [called] = operandNames(currentSource().frame, operation);
  const name = argumentOf(value, subject) ?? (called && `\`${called}\``);
  const what = name ? `${name}, a ${value.describe()},` : value.describe();
  const f = subject ? quoted(subject.f) : 'its function';
  return new TraceError(
    `${operation}: the value of ${what} is not known while ${subject?.operation ?? 'a transformation'} traces ${f}.`,
    { hint: readingHint(value, subject) },
  );
}

/** @throws ShapeError unless the elements of `x` can be copied to `into` */
export function checkTarget(x: NDArray, into: unknown): void {
  const expected = typedArrayOf(x.dtype);
  if (into instanceof expected && into.length === x.size) return;
  const length = ArrayBuffer.isView(into) && 'length' in into ? ` of ${into.length} elements` : '';
  throw new ShapeError(
    `data: \`into\` is ${naming(into)}${length}, but ${x.describe()} goes into a ${expected.name} of ${x.size}.`,
  );
}

/** How to go on where a value is not known, by the transformation that traces it. */
function readingHint(value: NDArray, subject: Subject | undefined): string {
  switch (subject?.operation) {
    case 'grad':
    case 'valueAndGrad':
    case 'jvp':
    case 'vjp':
    case 'linearize':
    case 'jacobian':
    case 'jacfwd':
    case 'jacrev':
      return 'return it with `hasAux`, or read it without its derivative: `lax.stopGradient(x).item()`';
    case 'vmap':
      return 'each lane has a value of its own: choose with `np.where(…)`, or read the result after the call';
    case 'jit':
      return staticHint(value, subject) ?? choose;
    default:
      return choose;
  }
}

const choose = 'choose between values with `np.where(…)`, between computations with `lax.cond(…)`';

/** An argument of `jit` can be made static, if it is a number or a boolean. */
function staticHint(value: NDArray, subject: Subject | undefined): string | undefined {
  if (subject?.operation !== 'jit' || value.ndim > 0) return undefined;
  const name = /^`(\w+)`$/.exec(argumentOf(value, subject) ?? '')?.[1];
  return name && `make the argument static: \`jit(${subject.f.name || 'f'}, { static: ['${name}'] })\``;
}

/** What JavaScript's arrays have and ours do not, with what to write. */
const ofLists: Record<string, string> = {
  0: '`x.slice(0)`',
  1: '`x.slice(1)`',
  2: '`x.slice(2)`',
  '-1': '`x.slice(-1)`',
  length: '`x.shape[0]`, or `x.size` for the number of all elements',
  map: '`vmap(f)(x)`, or `lax.map(f, x)` for one after the other',
  forEach: '`for (const row of x)`',
};

/**
 * Reading `x[0]` or `x.length` of an array is an error, where it would be undefined: a loop up to that would do nothing. So is
 * writing `x[0]`, which would leave the elements as they are.
 * A number is a property of the prototype, where JavaScript finds it when the object itself has none.
 */
export function refuseListAccess(prototype: object): void {
  for (const [key, instead] of Object.entries(ofLists)) {
    const isElement = /^-?\d/.test(key);
    const shown = isElement ? `x[${key}]` : `x.${key}`;
    Object.defineProperty(prototype, key, {
      configurable: true,
      get(this: NDArray): never {
        throw new ControlFlowError(
          `\`${shown}\`: arrays are not JavaScript's lists, and x is ${this === prototype ? 'the prototype' : this.describe()}.`,
          { hint: `write ${instead}` },
        );
      },
      ...(isElement && {
        set(this: NDArray): never {
          throw new ControlFlowError(`\`${shown} = …\`: arrays do not change, and x is ${this.describe()}.`, {
            hint: `make a copy with another value: \`x.at(${key}).set(…)\``,
          });
        },
      }),
    });
  }
}

/** How many arguments methods have; those with a list of them, as `slice`, are not here. */
const counts: Record<string, readonly string[]> = {
  0: 'neg abs conj angle sign sqrt exp log sin cos tan tanh square reciprocal floor ceil not ravel flatten tolist dispose'.split(
    ' ',
  ),
  1: [
    ...'add sub mul div mod pow gt ge lt le eq ne and or xor dot matmul round sum prod mean max min any all var std'.split(
      ' ',
    ),
    ...'argmax argmin cumsum cumprod sort argsort squeeze diagonal expandDims astype data'.split(' '),
  ],
  2: ['swapaxes', 'clip', 'take', 'repeat'],
};

/**
 * Lets methods refuse arguments that they would ignore: `x.sum({ axis: 0 }, true)`. What is left undefined is not one.
 */
export function refuseExtra(prototype: object): void {
  const own = prototype as Record<string, (...args: unknown[]) => unknown>;
  for (const [key, names] of Object.entries(counts)) {
    const count = Number(key);
    for (const name of names) {
      const method = own[name];
      if (!method) continue;
      Object.defineProperty(prototype, name, {
        configurable: true,
        writable: true,
        value(this: NDArray, ...args: unknown[]): unknown {
          if (args.length > count) checkExtra(name, count, args[count], args[count + 1]);
          return method.apply(this, args);
        },
      });
    }
  }
}

/** Methods for JavaScript's operators. */
const methods: Record<string, string> = {
  '+': 'add',
  '-': 'sub',
  '*': 'mul',
  '/': 'div',
  '%': 'mod',
  '**': 'pow',
  '>': 'gt',
  '>=': 'ge',
  '<': 'lt',
  '<=': 'le',
  '==': 'eq',
  '!=': 'ne',
};
const mirrored: Record<string, string> = {
  '>': '<',
  '>=': '<=',
  '<': '>',
  '<=': '>=',
  '+': '+',
  '*': '*',
  '==': '==',
  '!=': '!=',
};

/** `x + 1`, `x > 0`, `-x`, `Math.sin(x)`. */
export function operatorError(value: NDArray): ControlFlowError {
  const found = operationAt(currentSource().frame);
  if (!found) {
    return new ControlFlowError(
      `A JavaScript operator or Math function was applied to an array, ${value.describe()}.`,
      {
        hint: 'compare with `x.gt(0)`, compute with `x.add(1)` or `np.sin(x)`, or read a number with `x.item()`',
      },
    );
  }
  const text = found.source(found.node);
  const shown = text.length <= 60 ? `\`${text}\`` : 'this expression';
  return new ControlFlowError(
    `${shown}: JavaScript ${found.node.type === 'CallExpression' ? 'functions do not take' : 'operators do not work on'} arrays, and an operand is ${value.describe()}.`,
    { hint: operatorHint(found, value) },
  );
}

function operatorHint(found: Expression, value: NDArray): string {
  const { node, source } = found;
  switch (node.type) {
    case 'BinaryExpression': {
      if (isText(node)) return `for its text write \`String(${source(isText(node.right) ? node.left : node.right)})\``;
      const loop = enclosingTest(found);
      const hint = loop ? testHint(loop, value) : undefined;
      return hint ?? `write ${rewritten(node.left, node.operator, node.right, source)}`;
    }
    case 'AssignmentExpression': {
      const operator = node.operator.slice(0, -1);
      return `write \`${source(node.left)} = ${rewritten(node.left, operator, node.right, source).slice(1)}`;
    }
    case 'UpdateExpression':
      return `write \`${source(node.argument)} = ${source(node.argument)}.${node.operator === '++' ? 'add' : 'sub'}(1)\``;
    case 'UnaryExpression':
      return node.operator === '-'
        ? `write \`${receiver(node.argument, source)}.neg()\``
        : `read a number with \`${receiver(node.argument, source)}.item()\` outside of traced functions`;
    default: {
      const [only] = node.arguments;
      const fold = /^Math\.(max|min)$/.exec(source(node.callee))?.[1];
      if (fold && only?.type === 'SpreadElement') return `write \`np.${fold}(${source(only.argument)})\``;
      const name = /^Math\.(\w+)$/.exec(source(node.callee))?.[1];
      return name && name in mathNames
        ? `write \`np.${mathNames[name] || name}(${node.arguments.map(source).join(', ')})\``
        : 'compute with the functions of `np`, or read a number with `x.item()` outside of traced functions';
    }
  }
}

/** Functions of `Math`, with numpy's name where it is another. */
const mathNames: Record<string, string> = {
  ...Object.fromEntries(
    [
      'abs',
      'cbrt',
      'ceil',
      'cos',
      'cosh',
      'exp',
      'expm1',
      'floor',
      'hypot',
      'log',
      'log10',
      'log1p',
      'log2',
      'round',
      'sign',
      'sin',
      'sinh',
      'sqrt',
      'tan',
      'tanh',
      'trunc',
    ].map((name) => [name, '']),
  ),
  acos: 'arccos',
  acosh: 'arccosh',
  asin: 'arcsin',
  asinh: 'arcsinh',
  atan: 'arctan',
  atan2: 'arctan2',
  atanh: 'arctanh',
  max: 'maximum',
  min: 'minimum',
  pow: 'power',
};

const receiver = (node: any, source: (node: any) => string): string =>
  isName(node) || node.type === 'CallExpression' ? source(node) : `(${source(node)})`;

/** A string in quotes or backticks, or a sum that begins or ends with one. */
const isText = (node: any): boolean =>
  (node.type === 'Literal' && typeof node.value === 'string') ||
  node.type === 'TemplateLiteral' ||
  (node.type === 'BinaryExpression' && node.operator === '+' && (isText(node.left) || isText(node.right)));

/** `` `x.add(1)` ``; a number on the left goes to the right where it may. */
function rewritten(left: any, operator: string, right: any, source: (node: any) => string): string {
  const isNumber = left.type === 'Literal';
  const turned = isNumber ? mirrored[operator] : undefined;
  const [a, op, b] = turned ? [right, turned, left] : [left, operator, right];
  const method = methods[op];
  if (!method) return 'a function of `np`';
  return isNumber && !turned
    ? `\`np.array(${source(a)}).${method}(${source(b)})\``
    : `\`${receiver(a, source)}.${method}(${source(b)})\``;
}

type Test = 'if' | 'loop';

/** The statement whose test an expression is part of. */
function enclosingTest({ node, parents }: Expression): Test | undefined {
  let inner = node;
  for (let i = parents.length - 1; i >= 0; i--) {
    const outer = parents[i];
    if (/^(For|While|DoWhile)Statement$/.test(outer.type) && outer.test === inner) return 'loop';
    if (/^(IfStatement|ConditionalExpression)$/.test(outer.type) && outer.test === inner) return 'if';
    if (outer.type !== 'LogicalExpression' && outer.type !== 'UnaryExpression') return undefined;
    inner = outer;
  }
  return undefined;
}

function testHint(test: Test, value: NDArray): string | undefined {
  if (!value.isTracer) return undefined;
  const made = staticHint(value, value.origin?.subject);
  if (test === 'loop') return `loop with \`lax.foriLoop(…)\` or \`lax.whileLoop(…)\`${made ? `, or ${made}` : ''}`;
  return `${choose}${made ? `, or ${made}` : ''}`;
}
