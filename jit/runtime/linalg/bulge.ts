/** Reflections of three rows or columns, one after the other down the diagonal: what a step of QR does to a matrix. */
import { add, mul } from '../../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, f64c, i32c, type Local, load, loadLane, op } from '../../wasm/code.ts';
import { reflectionBytes } from './spectral-constants.ts';

/**
 *     bulge_rows(x, row, columns, steps, reflections)
 *     bulge_columns(x, row, rows, steps, reflections)
 *
 * Reflection l changes rows (columns) l, l + 1 and l + 2 from `x` on. Each is τ, v₂, v₃, τ·v₂, τ·v₃ of v = (1, v₂, v₃), in float64. What the
 * next reflection changes too stays in registers, so that each element is read and written once. A reflection of two has v₃ = 0; its third
 * row or column must be there, with finite elements.
 */
export const bulgeFunctions = (): Func[] => [bulgeRows(), bulgeColumns()];

interface Kind {
  readonly shape: 'f64x2' | 'f64';
  readonly read: (at: Expr, offset: number) => Expr;
  readonly write: (at: Expr, value: Expr, offset: number) => void;
  readonly splat: string;
}

/** h ← h − (h₁ + v₂·h₂ + v₃·h₃)·(τ, τ·v₂, τ·v₃) on registers. */
function reflect(
  f: FunctionBuilder,
  { shape, splat }: Pick<Kind, 'shape' | 'splat'>,
  reflection: Expr,
  groups: readonly (readonly [Local, Local, Local])[],
): void {
  const [t1, v2, v3, t2, t3] = [0, 1, 2, 3, 4].map((k) => f.let(load(splat, reflection, 8 * k))) as [
    Expr,
    Expr,
    Expr,
    Expr,
    Expr,
  ];
  const times = (a: Expr, b: Expr): Expr => op(`${shape}.mul`, a, b);
  for (const [h1, h2, h3] of groups) {
    const sum = f.let(op(`${shape}.add`, h1, op(`${shape}.add`, times(v2, h2), times(v3, h3))));
    f.set(h1, op(`${shape}.sub`, h1, times(sum, t1)));
    f.set(h2, op(`${shape}.sub`, h2, times(sum, t2)));
    f.set(h3, op(`${shape}.sub`, h3, times(sum, t3)));
  }
}

function bulgeRows(): Func {
  const f = new FunctionBuilder('bulge_rows', new Array(5).fill('i32'));
  const [x, row, columns, steps, reflections] = f.parameters;
  const left = f.var(columns);
  const end = f.let(add(reflections, mul(steps, i32c(reflectionBytes))));
  const several = (vectors: number, width: 1 | 2): void => {
    const kind: Kind =
      width === 2
        ? {
            shape: 'f64x2',
            splat: 'v128.load64_splat',
            read: (at, offset) => load('v128.load', at, offset),
            write: (at, value, offset) => f.store('v128.store', at, value, offset),
          }
        : {
            shape: 'f64',
            splat: 'f64.load',
            read: (at, offset) => load('f64.load', at, offset),
            write: (at, value, offset) => f.store('f64.store', at, value, offset),
          };
    f.while(op('i32.ge_s', left, i32c(vectors * width)), () => {
      const here = f.var(x);
      const ahead = f.var(add(x, row));
      const groups = Array.from({ length: vectors }, (_, g) => {
        const offset = 8 * width * g;
        return [f.var(kind.read(here, offset)), f.var(kind.read(ahead, offset)), f.local(width === 2 ? 'v128' : 'f64')];
      }) as [Local, Local, Local][];
      const reflection = f.var(reflections);
      f.set(ahead, add(ahead, row));
      f.while(op('i32.lt_u', reflection, end), () => {
        groups.forEach(([, , h3], g) => {
          f.set(h3, kind.read(ahead, 8 * width * g));
        });
        reflect(f, kind, reflection, groups);
        groups.forEach(([h1, h2, h3], g) => {
          kind.write(here, h1, 8 * width * g);
          f.set(h1, h2);
          f.set(h2, h3);
        });
        f.set(here, add(here, row));
        f.set(ahead, add(ahead, row));
        f.set(reflection, add(reflection, i32c(reflectionBytes)));
      });
      groups.forEach(([h1, h2], g) => {
        kind.write(here, h1, 8 * width * g);
        kind.write(add(here, row), h2, 8 * width * g);
      });
      f.set(x, add(x, i32c(8 * vectors * width)));
      f.set(left, op('i32.sub', left, i32c(vectors * width)));
    });
  };
  several(3, 2);
  several(1, 2);
  several(1, 1);
  return f.build();
}

function bulgeColumns(): Func {
  const f = new FunctionBuilder('bulge_columns', new Array(5).fill('i32'));
  const [x, row, rows, steps, reflections] = f.parameters;
  const left = f.var(rows);
  const end = f.let(add(reflections, mul(steps, i32c(reflectionBytes))));
  const several = (pairs: number, width: 1 | 2): void => {
    f.while(op('i32.ge_s', left, i32c(pairs * width)), () => {
      const places = Array.from({ length: pairs * width }, (_, r) => f.var(r === 0 ? x : add(x, mul(row, i32c(r)))));
      const read = (g: number, offset: number): Expr =>
        width === 1
          ? load('f64.load', places[0]!, offset)
          : loadLane(
              'v128.load64_lane',
              places[2 * g + 1]!,
              load('v128.load64_zero', places[2 * g]!, offset),
              1,
              offset,
            );
      const write = (g: number, value: Local, offset: number): void => {
        if (width === 1) f.store('f64.store', places[0]!, value, offset);
        else for (const l of [0, 1]) f.storeLane('v128.store64_lane', places[2 * g + l]!, value, l, offset);
      };
      const type = width === 1 ? 'f64' : 'v128';
      const groups = Array.from({ length: pairs }, (_, g) => [f.var(read(g, 0)), f.var(read(g, 8)), f.local(type)]) as [
        Local,
        Local,
        Local,
      ][];
      const reflection = f.var(reflections);
      const kind = width === 1 ? ({ shape: 'f64', splat: 'f64.load' } as const) : vectors;
      f.while(op('i32.lt_u', reflection, end), () => {
        groups.forEach(([, , h3], g) => {
          f.set(h3, read(g, 16));
        });
        reflect(f, kind, reflection, groups);
        groups.forEach(([h1, h2, h3], g) => {
          write(g, h1, 0);
          f.set(h1, h2);
          f.set(h2, h3);
        });
        for (const place of places) f.set(place, add(place, i32c(8)));
        f.set(reflection, add(reflection, i32c(reflectionBytes)));
      });
      groups.forEach(([h1, h2], g) => {
        write(g, h1, 0);
        write(g, h2, 8);
      });
      f.set(x, add(x, mul(row, i32c(pairs * width))));
      f.set(left, op('i32.sub', left, i32c(pairs * width)));
    });
  };
  several(3, 2);
  several(1, 2);
  several(1, 1);
  return f.build();
}

const vectors = { shape: 'f64x2', splat: 'v128.load64_splat' } as const;

/** Writes the reflection that takes (x, y, z) to (β, 0, 0), and gives β: y and z are 0 where the last two are negligible. */
export function writeReflection(
  f: FunctionBuilder,
  to: Expr,
  [x, y, z]: readonly [Expr, Expr, Expr],
  beta: Local,
  negligibleSquare: number,
): void {
  const put = (values: readonly Expr[]): void => {
    values.forEach((value, k) => {
      f.store('f64.store', to, value, 8 * k);
    });
  };
  const times = (a: Expr, b: Expr): Expr => op('f64.mul', a, b);
  const plus = (a: Expr, b: Expr): Expr => op('f64.add', a, b);
  const squares = f.let(plus(times(y, y), times(z, z)));
  f.if(
    op('f64.lt', squares, f64c(negligibleSquare)),
    () => {
      put([f64c(0), f64c(0), f64c(0), f64c(0), f64c(0)]);
      f.set(beta, x);
    },
    () => {
      const length = op('f64.sqrt', plus(times(x, x), squares));
      f.set(beta, op('f64.neg', op('f64.copysign', length, plus(x, f64c(0)))));
      const tau = f.let(op('f64.div', op('f64.sub', beta, x), beta));
      const by = f.let(op('f64.sub', x, beta));
      const [v2, v3] = [f.let(op('f64.div', y, by)), f.let(op('f64.div', z, by))];
      put([tau, v2, v3, times(tau, v2), times(tau, v3)]);
    },
  );
}
