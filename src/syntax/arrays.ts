/** Which expressions of a function certainly evaluate to an array, read off its syntax tree. */
import { type ParsedFunction, walk } from './parse.ts';

/** A part of an argument: `params.w` is argument 0, path ['w']. */
export interface ArgumentPart {
  readonly position: number;
  readonly path: readonly (string | number)[];
}

/**
 * What is known of an expression: nothing (false), or that it is an array if these parts of the arguments are, which the
 * values of a call tell; with an empty list it is one in any case.
 */
export type Certainty = false | readonly ArgumentPart[];

/** Methods of `NDArray` that give arrays. */
const arrayMethods = new Set(
  `gt ge lt le eq ne add sub mul div mod pow neg abs sign sqrt exp log sin cos tan tanh square reciprocal floor ceil round
  sum prod mean max min var std any all argmax argmin cumsum cumprod dot matmul astype reshape ravel flatten transpose
  swapaxes squeeze expandDims slice take sort argsort clip`.split(/\s+/),
);
/** Those that no other library's values are asked for with one argument, in a function that is traced. */
const comparisons = new Set(['gt', 'ge', 'lt', 'le']);

/** `np.any(m)`, `lax.lt(a, b)`: functions of the library's namespaces that return arrays; these do not. */
const namespaces = new Set(['np', 'numpy', 'lax', 'nn', 'linalg']);
export const notArrays: ReadonlySet<string> = new Set(
  `shape ndim size allclose arrayEqual finfo iinfo resultType promoteTypes broadcastShapes isscalar isScalar einsumPath
  split arraySplit hsplit vsplit dsplit meshgrid broadcastArrays nonzero unravelIndex ix_ trilIndices triuIndices histogram
  cond switch switchCase scan map whileLoop foriLoop associativeScan qr lu svd eigh eig eigvals schur hessenberg
  polar sqrtm roots slogdet choFactor luFactor sortMulti topK dimensionNumbers convDimensionNumbers divmod modf frexp unstack atleast1d atleast2d atleast3d
  polydiv lstsq histogram2d histogramdd diagIndices diagIndicesFrom trilIndicesFrom triuIndicesFrom ix uniqueAll uniqueCounts uniqueInverse
  isrealobj iscomplexobj arrayEquiv complex vectorize`.split(/\s+/),
);

/** What a name stands for: a part of an argument, any of some expressions, or who knows. */
type Binding =
  | { readonly kind: 'argument'; readonly part: ArgumentPart }
  | { readonly kind: 'values'; readonly values: readonly any[] }
  | { readonly kind: 'unknown'; readonly inner: boolean };

/** The names that a function binds. One that is bound twice, in whatever scopes, is unknown. */
export class Names {
  private readonly bindings = new Map<string, Binding>();
  /** Names whose certainty is being found out. */
  private readonly open = new Set<string>();

  constructor({ node }: ParsedFunction) {
    node.params.forEach((param: any, position) => {
      if (param.type === 'RestElement') this.hide(param.argument);
      else this.bindArgument(param, { position, path: [] });
    });
    walk(node.body, (inner) => {
      if (inner.type === 'VariableDeclaration') this.declare(inner);
      else if (/Function/.test(inner.type)) {
        for (const param of inner.params) this.hide(param, true);
        if (inner.id) this.hide(inner.id);
      } else if (inner.type === 'UpdateExpression') this.hide(inner.argument);
      else if (inner.type === 'ForInStatement' || inner.type === 'ForOfStatement') this.hide(inner.left, true);
      else if (inner.type === 'CatchClause' && inner.param) this.hide(inner.param, true);
      else if (inner.type === 'ClassDeclaration') this.hide(inner.id);
    });
    walk(node.body, (inner) => {
      if (inner.type === 'AssignmentExpression') this.assign(inner);
    });
  }

  private declare({ declarations }: any): void {
    for (const { id, init } of declarations) {
      if (id.type === 'Identifier') this.bind(id.name, { kind: 'values', values: init ? [init] : [] });
      else this.hide(id, true);
    }
  }

  private assign({ left, right, operator }: any): void {
    const binding = left.type === 'Identifier' ? this.bindings.get(left.name) : undefined;
    if (binding?.kind === 'values' && operator === '=')
      this.bindings.set(left.name, { kind: 'values', values: [...binding.values, right] });
    else if (left.type !== 'MemberExpression') this.hide(left);
  }

  private bind(name: string, binding: Binding): void {
    this.bindings.set(name, this.bindings.has(name) ? { kind: 'unknown', inner: false } : binding);
  }

  private bindArgument(pattern: any, part: ArgumentPart): void {
    const target = pattern?.type === 'AssignmentPattern' ? pattern.left : pattern;
    const child = (key: string | number): ArgumentPart => ({ position: part.position, path: [...part.path, key] });
    switch (target?.type) {
      case 'Identifier':
        this.bind(target.name, { kind: 'argument', part });
        break;
      case 'ArrayPattern':
        target.elements.forEach((element: any, i: number) => {
          if (element?.type === 'RestElement') this.hide(element.argument);
          else this.bindArgument(element, child(i));
        });
        break;
      case 'ObjectPattern':
        for (const property of target.properties) {
          if (property.type === 'RestElement') this.hide(property.argument);
          else if (property.computed) this.hide(property.value);
          else this.bindArgument(property.value, child(property.key.name ?? property.key.value));
        }
    }
  }

  /** Names in a pattern, of which nothing is known any more. `inner`: they may be of any kind. */
  private hide(pattern: any, inner = false): void {
    walk(pattern, (node) => {
      if (node.type === 'Identifier') this.bindings.set(node.name, { kind: 'unknown', inner });
    });
  }

  /** The part of an argument that `a` or `a.b.c` is. */
  argumentPart(node: any): ArgumentPart | undefined {
    if (node?.type === 'Identifier') {
      const binding = this.bindings.get(node.name);
      if (binding?.kind === 'argument') return binding.part;
      return binding?.kind === 'values' && binding.values.length === 1 && !this.open.has(node.name)
        ? this.argumentPart(binding.values[0])
        : undefined;
    }
    if (node?.type !== 'MemberExpression' || node.optional) return undefined;
    const object = this.argumentPart(node.object);
    const key = node.computed ? literalKey(node.property) : node.property.name;
    return object && key !== undefined ? { position: object.position, path: [...object.path, key] } : undefined;
  }

  /** Whether an expression is an array. */
  certainty(node: any): Certainty {
    switch (node?.type) {
      case 'ParenthesizedExpression':
        return this.certainty(node.expression);
      case 'Identifier': {
        const binding = this.bindings.get(node.name);
        if (binding?.kind === 'argument') return [binding.part];
        return binding?.kind === 'values' ? this.ofName(node.name, binding.values) : false;
      }
      case 'MemberExpression':
        if (!node.computed && node.property.name === 'T') return this.certainty(node.object);
        return this.ofPart(node);
      case 'CallExpression':
        return this.ofCall(node);
      default:
        return false;
    }
  }

  private ofPart(node: any): Certainty {
    const part = this.argumentPart(node);
    return part ? [part] : false;
  }

  /** A variable is an array if everything it is ever given is one; `x = x.add(1)` says nothing new. */
  private ofName(name: string, values: readonly any[]): Certainty {
    if (this.open.has(name)) return [];
    if (values.length === 0) return false;
    this.open.add(name);
    const all = values.map((value) => this.certainty(value));
    this.open.delete(name);
    return all.includes(false) ? false : (all as ArgumentPart[][]).flat();
  }

  private ofCall({ callee, arguments: args }: any): Certainty {
    if (callee.type !== 'MemberExpression' || callee.computed || callee.optional) return false;
    const { object, property } = callee;
    if (object.type === 'Identifier' && namespaces.has(object.name) && !this.bindings.has(object.name))
      return notArrays.has(property.name) ? false : [];
    if (!arrayMethods.has(property.name)) return false;
    const receiver = this.certainty(object);
    if (receiver !== false) return receiver;
    return comparisons.has(property.name) && args.length === 1 && !this.inner(object) ? [] : false;
  }

  /** True for a parameter of an inner function and the like, which may be anything, and for what is made of it. */
  private inner(node: any): boolean {
    if (node.type === 'Identifier') {
      const binding = this.bindings.get(node.name);
      return binding?.kind === 'argument' || (binding?.kind === 'unknown' && binding.inner);
    }
    if (node.type === 'MemberExpression') return this.inner(node.object);
    return node.type === 'CallExpression' && node.callee.type === 'MemberExpression' && this.inner(node.callee.object);
  }
}

function literalKey(node: any): string | number | undefined {
  return node.type === 'Literal' && (typeof node.value === 'string' || typeof node.value === 'number')
    ? node.value
    : undefined;
}
