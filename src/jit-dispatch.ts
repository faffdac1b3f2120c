/** What a call of a jitted function with known arguments takes: a fraction of a microsecond besides the program itself. */

import type { Prepared } from '../jit/run.ts';
import { Cell } from '../jit/storage/cell.ts';
import { NDArray } from './array.ts';
import { type ShapedArray, shapedArray } from './core/aval.ts';
import type { Jaxpr } from './core/jaxpr.ts';
import { wrap } from './core/plan.ts';
import type { Value } from './core/trace.ts';
import { collectLeaves, type Leaf, type TreeDef, unflatten } from './tree.ts';

/** A function traced for one signature. */
export interface Entry {
  readonly statics: readonly unknown[];
  readonly jaxpr: Jaxpr;
  readonly consts: readonly Value[];
  readonly outDef: TreeDef;
  /** The structure and the types of the arguments that are traced, and the program once it has been executed. */
  readonly inDef: TreeDef;
  readonly avals: readonly ShapedArray[];
  /** Which leaves of the arguments are donated; undefined where none is. */
  readonly donated: readonly boolean[] | undefined;
  /** What errors say of these. */
  readonly donatedTo: string;
  execute: Prepared | undefined;
}

/** Signatures that a call site is expected to alternate between. */
const remembered = 4;
const weakNumber = shapedArray([], 'float64', true);

/** The entries used last, in order, that can be executed without more ado. */
export class RecentEntries {
  private readonly entries: Entry[] = [];
  private readonly staticPositions: readonly number[];

  constructor(staticPositions: readonly number[]) {
    this.staticPositions = staticPositions;
  }

  add(entry: Entry): void {
    if (this.entries.includes(entry)) return;
    this.entries.unshift(entry);
    if (this.entries.length > remembered) this.entries.pop();
  }

  /** Calls the program for these arguments; undefined where none of the recent ones is for them. */
  call(args: readonly unknown[]): { readonly result: any } | undefined {
    const { entries } = this;
    if (entries.length === 0) return undefined;
    const dynamic = this.staticPositions.length > 0 ? this.withoutStatics(args) : args;
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!;
      if (!this.sameStatics(entry, args)) continue;
      const cells = cellsFor(entry, dynamic);
      if (!cells) continue;
      if (i > 0) {
        entries.splice(i, 1);
        entries.unshift(entry);
      }
      return { result: callEntry(entry, cells) };
    }
    return undefined;
  }

  private withoutStatics(args: readonly unknown[]): unknown[] {
    const dynamic: unknown[] = [];
    for (let i = 0; i < args.length; i++) if (!this.staticPositions.includes(i)) dynamic.push(args[i]);
    return dynamic;
  }

  private sameStatics({ statics }: Entry, args: readonly unknown[]): boolean {
    for (let i = 0; i < statics.length; i++) if (!Object.is(statics[i], args[this.staticPositions[i]!])) return false;
    return true;
  }
}

function callEntry({ execute, outDef, jaxpr, donated, donatedTo, consts }: Entry, cells: readonly Cell[]): any {
  const results = execute!(cells, wrap);
  if (donated) {
    const first = consts.length;
    for (let i = 0; i < donated.length; i++) {
      const cell = cells[first + i]!;
      if (donated[i] && !results.includes(cell)) cell.dispose(donatedTo);
    }
  }
  const arrays: NDArray[] = [];
  for (let i = 0; i < results.length; i++) arrays.push(new NDArray(jaxpr.outs[i]!.aval, results[i]!));
  return unflatten(outDef, arrays);
}

/** Storage of the program's inputs; undefined where the arguments are not of the entry's types, or not all concrete. */
function cellsFor({ consts, inDef, avals }: Entry, args: readonly unknown[]): Cell[] | undefined {
  const leaves: Leaf[] = [];
  if (!collectLeaves(inDef, args, leaves)) return undefined;
  const cells: Cell[] = [];
  for (let i = 0; i < consts.length; i++) cells.push(consts[i]!.cell());
  for (let i = 0; i < leaves.length; i++) {
    const leaf = leaves[i]!;
    if (typeof leaf === 'number') {
      if (avals[i] !== weakNumber) return undefined;
      cells.push(Cell.fromNumber('float64', leaf));
    } else {
      if (typeof leaf === 'boolean' || leaf.aval !== avals[i] || leaf.isTracer) return undefined;
      cells.push(leaf.cell());
    }
  }
  return cells;
}
