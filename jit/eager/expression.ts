/** What prebuilt kernels compute, as text by which they are found and as what they are made of. */
import { type DType, shortName } from '../../src/core/dtype.ts';
import { type Atom, type Eqn, Literal, Var } from '../../src/core/jaxpr.ts';
import { type Shape, stridesOf } from '../../src/core/shape.ts';
import { type Element, ElementBuilder } from '../element.ts';

/** Of longer expressions there is no kernel. */
export const mostEquations = 64;

type Rule = { readonly kind: 'elementwise'; readonly build: (...args: any[]) => Element };

const isSimple = (params: object): boolean =>
  Object.values(params).every((value) => typeof value === 'number' || typeof value === 'string');

/** Whether an equation computes each element from those of its operands at the same place. */
export const isElementwise = ({ primitive, inputs, params }: Eqn): boolean =>
  primitive.lower.kind === 'elementwise' && inputs.length > 0 && isSimple(params);

export interface Leaf {
  readonly atom: Atom;
  /** What the group reads: the atom, or a view of it. */
  readonly view: Atom;
  readonly offset: number;
  readonly strides: readonly number[];
}

const builder = new ElementBuilder();

/** The expression of a group, or of several over the same elements, with what it reads. */
export class Expression {
  readonly leaves: Leaf[] = [];
  equations = 0;
  private readonly roots: readonly Eqn[];
  private readonly shape: Shape;
  private readonly makerOf: ReadonlyMap<Var, Eqn>;
  private readonly literals: 'baked' | 'byValue';
  private readonly whole: ReadonlySet<Atom>;
  private readonly names = new Map<Var, string>();
  private readonly places = new Map<string, number>();
  private readonly ids = new Map<Atom, number>();

  constructor(
    roots: readonly Eqn[],
    shape: Shape,
    makerOf: ReadonlyMap<Var, Eqn>,
    literals: 'baked' | 'byValue',
    whole: ReadonlySet<Atom>,
  ) {
    this.roots = roots;
    this.shape = shape;
    this.makerOf = makerOf;
    this.literals = literals;
    this.whole = whole;
  }

  /** The equation that is part of the group, rather than one of those that run before it. */
  private inside(atom: Atom): Eqn | undefined {
    const root = this.roots.find(({ outputs }) => outputs[0] === atom);
    const maker = root ?? (atom instanceof Var ? this.makerOf.get(atom) : undefined);
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
