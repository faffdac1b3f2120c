import { type Expr, type Func, FunctionBuilder, i32c, type Local, load, loadLane, op } from '../code.ts';
import type { Element } from './gemm.ts';

const add = (a: Expr, b: Expr): Expr => op('i32.add', a, b);

/**
 * pack(k, n, from, kStride, nStride, to): copies a k×n matrix with byte strides into panels of `width` columns, each
 * contiguous with its rows one after the other; the last panel is padded with zeros to its full width.
 */
export function packFunction(name: string, e: Element, width: number): Func {
  const f = new FunctionBuilder(name, ['i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
  const [k, n, from, kStride, nStride, to] = [0, 1, 2, 3, 4, 5].map((i) => f.param(i)) as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  const whole = width - (width % e.lanes);
  const contiguous = f.var(op('i32.eq', nStride, i32c(e.bytes)));
  const at = f.local('i32');
  const vector = f.local('v128');
  const advance = (): void => {
    f.set(at, add(at, kStride));
    f.set(to, add(to, i32c(width * e.bytes)));
  };
  f.for(
    0,
    n,
    (j) => {
      f.set(at, from);
      f.if(
        op('i32.ge_s', op('i32.sub', n, j), i32c(width)),
        () => {
          f.if(
            contiguous,
            () =>
              f.for(0, k, () => {
                for (let c = 0; c < whole; c += e.lanes)
                  f.store('v128.store', to, load('v128.load', at, c * e.bytes), c * e.bytes);
                for (let c = whole; c < width; c++)
                  f.store(`${e.name}.store`, to, load(`${e.name}.load`, at, c * e.bytes), c * e.bytes);
                advance();
              }),
            () => {
              const columns: Local[] = [];
              for (let c = 0; c < width; c++) columns.push(f.var(c === 0 ? at : add(columns[c - 1]!, nStride)));
              f.for(0, k, () => {
                for (let c = 0; c < whole; c += e.lanes) {
                  f.set(vector, load(e.splat, columns[c]!));
                  for (let l = 1; l < e.lanes; l++) f.set(vector, loadLane(e.loadLane, columns[c + l]!, vector, l));
                  f.store('v128.store', to, vector, c * e.bytes);
                }
                for (let c = whole; c < width; c++)
                  f.store(`${e.name}.store`, to, load(`${e.name}.load`, columns[c]!), c * e.bytes);
                for (const column of columns) f.set(column, add(column, kStride));
                f.set(to, add(to, i32c(width * e.bytes)));
              });
            },
          );
        },
        () => {
          const rest = f.var(op('i32.sub', n, j));
          f.for(0, k, () => {
            f.fill(to, i32c(0), i32c(width * e.bytes));
            const source = f.var(at);
            f.for(0, rest, (c) => {
              const place = add(to, op('i32.shl', c, i32c(e.shift)));
              f.store(`${e.name}.store`, place, load(`${e.name}.load`, source));
              f.set(source, add(source, nStride));
            });
            advance();
          });
        },
      );
      f.set(from, add(from, op('i32.mul', nStride, i32c(width))));
    },
    width,
  );
  return f.build();
}
