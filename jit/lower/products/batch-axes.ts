/** An axis of a batch of products, with steps of operands along it. */
export interface BatchAxis {
  readonly extent: number;
  readonly steps: readonly number[];
}

/** The axes of a batch of which both have steps, cut where either is; undefined where they do not fit into each other. */
export function joinedBatch(x: readonly BatchAxis[], y: readonly BatchAxis[]): BatchAxis[] | undefined {
  const [left, right] = [x, y].map((axes) => axes.filter(({ extent }) => extent > 1)) as [BatchAxis[], BatchAxis[]];
  const joined: BatchAxis[] = [];
  while (left.length > 0 && right.length > 0) {
    const [a, b] = [left.pop()!, right.pop()!];
    const extent = Math.min(a.extent, b.extent);
    for (const [rest, axis] of [
      [left, a],
      [right, b],
    ] as const) {
      if (axis.extent % extent !== 0) return undefined;
      if (axis.extent > extent)
        rest.push({ extent: axis.extent / extent, steps: axis.steps.map((step) => step * extent) });
    }
    joined.unshift({ extent, steps: [...a.steps, ...b.steps] });
  }
  return left.length + right.length > 0 ? undefined : joined;
}
