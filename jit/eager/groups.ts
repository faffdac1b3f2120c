/**
 * Elementwise equations that one prebuilt kernel computes together, perhaps with the fold of their result: which
 * equations they are, what stands in the kernel's name, and how it walks over its operands.
 */
import { type DType, shortName } from '../../src/core/dtype.ts';
import { type Atom, type Eqn, type Jaxpr, Literal, Var } from '../../src/core/jaxpr.ts';
import { type Shape, sizeOf, stridesOf } from '../../src/core/shape.ts';
import { type Element, ElementBuilder } from '../element.ts';
import { coalesce, type NestAxis } from '../loop-nest.ts';
import type { Combine } from '../lower/folds/combine.ts';

/** What a group reads: a literal, or an array with the place of its first element and its steps along the iteration. */
export interface GroupOperand {
  readonly atom: Atom;
  readonly dtype: DType;
  readonly offset: number;
  readonly strides: readonly number[];
  /** One element for a whole row. */
  readonly byValue: boolean;
}

export interface Group {
  /** The kernel's name: the expression, with the dtypes of what it reads. */
  readonly key: string;
  readonly operands: readonly GroupOperand[];
  readonly root: Eqn;
  readonly equations: number;
  readonly combine?: Combine;
  /** Axes of the walk, outermost first, with steps in elements: of the result, then of each operand. */
  readonly axes: readonly NestAxis[];
  /** The same expression as what a kernel is made of. */
  readonly element: () => Element;
}

/** Of longer expressions there is no kernel. */
const mostEquations = 64;

/**
 * The equations of a program by their results, but for those that no group may compute once more: functions whose results
 * several equations read cost more than the memory that holds them.
 */
export function makersOf({ eqns, outs }: Jaxpr): ReadonlyMap<Var, Eqn> {
  const readers = new Map<Atom, number>();
  const read = (atoms: Iterable<Atom>): void => {
    for (const atom of new Set(atoms)) readers.set(atom, (readers.get(atom) ?? 0) + 1);
  };
  for (const { inputs } of eqns) read(inputs);
  read(outs);
  const makers = new Map<Var, Eqn>();
  for (const eqn of eqns)
    for (const v of eqn.outputs) {
      const { accuracy, lower } = eqn.primitive;
      const isFunction = lower.kind === 'elementwise' && accuracy.kind !== 'exact';
      if (!isFunction || readers.get(v) === 1) makers.set(v, eqn);
    }
  return makers;
}

type Rule = { readonly kind: 'elementwise'; readonly build: (...args: any[]) => Element };

const isSimple = (params: object): boolean =>
  Object.values(params).every((value) => typeof value === 'number' || typeof value === 'string');

/** Whether an equation computes each element from those of its operands at the same place. */
const isElementwise = ({ primitive, inputs, params }: Eqn): boolean =>
  primitive.lower.kind === 'elementwise' && inputs.length > 0 && isSimple(params);

interface Leaf {
  readonly atom: Atom;
  /** What the group reads: the atom, or a view of it. */
  readonly view: Atom;
  readonly offset: number;
  readonly strides: readonly number[];
}

/**
 * The largest group whose result is that of `root`, an elementwise equation or a fold over the last axes.
 *
 * @param makerOf from `makersOf`
 * @param literals whether literals are part of the kernel; by value otherwise
 */
export function groupOf(root: Eqn, makerOf: ReadonlyMap<Var, Eqn>, literals: 'baked' | 'byValue'): Group | undefined {
  const { lower } = root.primitive;
  const folds = lower.kind === 'reduce';
  if (!folds && !isElementwise(root)) return undefined;
  const [first] = root.inputs as [Atom];
  const shape = folds ? first.aval.shape : root.outputs[0]!.aval.shape;
  const outputSteps = folds ? keptSteps(shape, lower.axes(root.params)) : stridesOf(shape);
  if (sizeOf(shape) === 0 || !outputSteps) return undefined;
  const whole = new Set<Atom>();
  for (;;) {
    const expression = new Expression(root, shape, makerOf, literals, whole);
    const text = expression.write(folds ? first : root.outputs[0]!);
    const { leaves } = expression;
    if (expression.equations > mostEquations) return undefined;
    // One operation on numbers is computed without a call.
    if (shape.length === 0 && expression.equations === 1) return undefined;
    const walk = shape.map((extent, axis) => ({
      extent,
      steps: [outputSteps[axis]!, ...leaves.map(({ strides }) => strides[axis]!)],
    }));
    const axes = folds ? foldedAxes(walk, lower.axes(root.params)) : coalesce(walk);
    if (!axes) return undefined;
    const inner = axes.at(-1) ?? { extent: 1, steps: [1, ...leaves.map(({ atom }) => Number(atom.aval.ndim > 0))] };
    const uneven = leaves.filter((_, i) => inner.steps[i + 1] !== 0 && inner.steps[i + 1] !== 1);
    if (uneven.length > 0) {
      // These views are copied first.
      if (uneven.some(({ view }) => whole.has(view))) return undefined;
      for (const { view } of uneven) whole.add(view);
      continue;
    }
    const operands = leaves.map(
      ({ atom, offset, strides }, i): GroupOperand => ({
        atom,
        dtype: atom.aval.dtype,
        offset,
        strides,
        byValue: inner.steps[i + 1] === 0,
      }),
    );
    const types = operands.map(({ dtype, byValue }) => `${shortName(dtype)}${byValue ? '*' : ''}`);
    const key = `${folds ? `${lower.combine}:` : ''}${text}(${types})`;
    const combine = folds ? { combine: lower.combine } : {};
    const { equations } = expression;
    return {
      key,
      operands,
      root,
      equations,
      axes,
      ...combine,
      element: () => expression.element(folds ? first : root.outputs[0]!),
    };
  }
}

/** Steps of a fold's result along the axes of its operand; undefined if there is nothing to fold. */
function keptSteps(shape: Shape, axes: readonly number[]): number[] | undefined {
  if (axes.every((axis) => shape[axis] === 1)) return undefined;
  const own = stridesOf(shape.filter((_, axis) => !axes.includes(axis)));
  let next = 0;
  return shape.map((_, axis) => (axes.includes(axis) ? 0 : own[next++]!));
}

/** The walk of a fold over the last axes, which must be one run. */
function foldedAxes(walk: readonly NestAxis[], axes: readonly number[]): NestAxis[] | undefined {
  const split = walk.findIndex(({ extent }, axis) => extent > 1 && axes.includes(axis));
  if (walk.some(({ extent }, axis) => axis > split && extent > 1 && !axes.includes(axis))) return undefined;
  const run = coalesce(walk.slice(split));
  return run.length === 1 ? [...coalesce(walk.slice(0, split)), ...run] : undefined;
}

const builder = new ElementBuilder();

/** The expression of a group, with what it reads. */
class Expression {
  readonly leaves: Leaf[] = [];
  equations = 0;
  private readonly root: Eqn;
  private readonly shape: Shape;
  private readonly makerOf: ReadonlyMap<Var, Eqn>;
  private readonly literals: 'baked' | 'byValue';
  private readonly whole: ReadonlySet<Atom>;
  private readonly names = new Map<Var, string>();
  private readonly places = new Map<string, number>();
  private readonly ids = new Map<Atom, number>();

  constructor(
    root: Eqn,
    shape: Shape,
    makerOf: ReadonlyMap<Var, Eqn>,
    literals: 'baked' | 'byValue',
    whole: ReadonlySet<Atom>,
  ) {
    this.root = root;
    this.shape = shape;
    this.makerOf = makerOf;
    this.literals = literals;
    this.whole = whole;
  }

  /** The equation that is part of the group, rather than one of those that run before it. */
  private inside(atom: Atom): Eqn | undefined {
    const isRoot = atom === this.root.outputs[0];
    const maker = isRoot ? this.root : atom instanceof Var ? this.makerOf.get(atom) : undefined;
    const isWhole = atom.aval.ndim > 0 || this.shape.length === 0;
    return maker && isWhole && isElementwise(maker) ? maker : undefined;
  }

  write(atom: Atom): string {
    const maker = this.inside(atom);
    if (!maker) return this.isBaked(atom) ? written(atom) : `$${this.operand(atom)}`;
    const known = this.names.get(atom as Var);
    if (known) return known;
    this.equations++;
    const { primitive, params, inputs } = maker;
    const args = inputs.map((input) => this.write(input));
    const how = 'newDType' in params ? `>${shortName(params.newDType as DType)}` : Object.values(params).join();
    const text = `${primitive.name}${how}(${args})`;
    this.names.set(atom as Var, `#${this.names.size}`);
    return text;
  }

  element(atom: Atom): Element {
    const memo = new Map<Atom, Element>();
    const visit = (atom: Atom): Element => {
      const known = memo.get(atom);
      if (known) return known;
      const maker = this.inside(atom);
      let element: Element;
      if (maker) {
        const args = maker.inputs.map(visit);
        element = (maker.primitive.lower as Rule).build(builder, args, maker.params, maker.outputs[0]!.aval);
      } else if (this.isBaked(atom)) element = builder.const(atom.value, atom.aval.dtype);
      else element = builder.input(this.operand(atom), atom.aval.dtype);
      memo.set(atom, element);
      return element;
    };
    return visit(atom);
  }

  private isBaked(atom: Atom): atom is Literal {
    return atom instanceof Literal && this.literals === 'baked';
  }

  private operand(atom: Atom): number {
    const leaf = this.leafOf(atom);
    const key = `${this.id(leaf.atom)} ${leaf.offset} ${leaf.strides}`;
    let place = this.places.get(key);
    if (place === undefined) {
      this.places.set(key, (place = this.leaves.length));
      this.leaves.push(leaf);
    }
    return place;
  }

  private leafOf(atom: Atom): Leaf {
    if (atom.aval.ndim === 0) return { atom, view: atom, offset: 0, strides: this.shape.map(() => 0) };
    const maker = this.makerOf.get(atom as Var);
    const own = stridesOf(this.shape);
    if (!maker || this.whole.has(atom)) return { atom, view: atom, offset: 0, strides: own };
    const { lower } = maker.primitive;
    const behind = this.behindReshapes(maker.inputs[0] ?? atom);
    if (lower.kind === 'reshape') return { atom: behind, view: atom, offset: 0, strides: own };
    if (lower.kind !== 'view') return { atom, view: atom, offset: 0, strides: own };
    const { offset, strides } = lower.view(maker.params, maker.inputs[0]!.aval, atom.aval);
    return { atom: behind, view: atom, offset, strides };
  }

  private behindReshapes(atom: Atom): Atom {
    const maker = this.makerOf.get(atom as Var);
    return maker?.primitive.lower.kind === 'reshape' ? this.behindReshapes(maker.inputs[0]!) : atom;
  }

  private id(atom: Atom): number {
    let id = this.ids.get(atom);
    if (id === undefined) this.ids.set(atom, (id = this.ids.size));
    return id;
  }
}

const written = ({ value, aval }: Literal): string => `${Object.is(value, -0) ? '-0' : value}${shortName(aval.dtype)}`;
