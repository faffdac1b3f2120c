import { add } from '../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, i32c, type Local, load, op } from '../wasm/code.ts';
import { transposedBlock } from '../wasm/vector-blocks.ts';
import type { Element } from './gemm.ts';

export const packName = (e: Element): string => `pack_${e.name}`;
export const linesName = (e: Element): string => `lines_${e.name}`;
/** Bytes of a row of a panel. */
export const panelWidth = 32;
/** From one panel to the next: not a power of two, which would have a row of all of them in a few sets of the cache. */
export const panelStride = (k: number): number => k * panelWidth + 64;
export const panelStrideOf = (k: Expr): Expr => add(op('i32.mul', k, i32c(panelWidth)), i32c(panelStride(0)));

const transposeName = (e: Element): string => `transpose_${e.name}`;

/** Copies into the layouts that the tiles of a matrix product read. Strides are in bytes. */
export const packFunctions = (e: Element): Func[] => [transpose(e), lines(e), panels(e)];

/** transpose(r, s, from, fromLine, to, toLine): r lines of s elements each become s lines of r. */
function transpose(e: Element): Func {
  const f = new FunctionBuilder(transposeName(e), new Array(6).fill('i32'));
  const [r, s, from, fromLine, to, toLine] = f.parameters;
  const whole = f.var(op('i32.and', s, i32c(-e.lanes)));
  const one = i32c(e.bytes);
  const scalars = (count: Expr, source: Expr, target: Expr): void => {
    const [x, y] = [f.var(source), f.var(target)];
    f.for(0, count, () => {
      f.store(`${e.name}.store`, y, load(`${e.name}.load`, x));
      f.set(x, add(x, one));
      f.set(y, add(y, toLine));
    });
  };
  f.while(op('i32.ge_s', r, i32c(e.lanes)), () => {
    const sources: Local[] = [f.var(from)];
    for (let i = 1; i < e.lanes; i++) sources.push(f.var(add(sources[i - 1]!, fromLine)));
    const target = f.var(to);
    f.for(
      0,
      whole,
      () => {
        const block = sources.map((source) => f.var(load('v128.load', source)));
        for (const line of transposedBlock(f, e.bytes, block)) {
          f.store('v128.store', target, line);
          f.set(target, add(target, toLine));
        }
        for (const source of sources) f.set(source, add(source, i32c(16)));
      },
      e.lanes,
    );
    sources.forEach((source, i) => {
      scalars(op('i32.sub', s, whole), source, add(target, i32c(i * e.bytes)));
    });
    f.set(
      from,
      add(
        sources[0]!,
        op('i32.sub', op('i32.shl', fromLine, i32c(Math.log2(e.lanes))), op('i32.shl', whole, i32c(e.shift))),
      ),
    );
    f.set(to, add(to, i32c(16)));
    f.set(r, op('i32.sub', r, i32c(e.lanes)));
  });
  f.while(r, () => {
    scalars(s, from, to);
    f.set(from, add(from, fromLine));
    f.set(to, add(to, one));
    f.set(r, op('i32.sub', r, i32c(1)));
  });
  return f.build();
}

/** lines(r, s, from, fromLine, fromElement, to, toLine): r lines of s elements with any steps become contiguous ones. */
function lines(e: Element): Func {
  const f = new FunctionBuilder(linesName(e), new Array(7).fill('i32'));
  const [r, s, from, fromLine, fromElement, to, toLine] = f.parameters;
  f.if(op('i32.eq', fromLine, i32c(e.bytes)), () => {
    f.call(transposeName(e), s, r, from, fromElement, to, toLine);
    f.return();
  });
  f.for(0, r, () => {
    const [x, y] = [f.var(from), f.var(to)];
    f.for(0, s, () => {
      f.store(`${e.name}.store`, y, load(`${e.name}.load`, x));
      f.set(x, add(x, fromElement));
      f.set(y, add(y, i32c(e.bytes)));
    });
    f.set(from, add(from, fromLine));
    f.set(to, add(to, toLine));
  });
  return f.build();
}

/**
 * pack(k, n, from, kStride, nStride, to): copies a k×n matrix into panels, each contiguous with its rows one after the
 * other; the last panel is padded with zeros to its full width. Rows that are contiguous are read as they lie.
 */
function panels(e: Element): Func {
  const f = new FunctionBuilder(packName(e), new Array(6).fill('i32'));
  const [k, n, from, kStride, nStride, to] = f.parameters;
  const width = panelWidth / e.bytes;
  const one = i32c(e.bytes);
  const rowBytes = i32c(panelWidth);
  const stride = f.var(panelStrideOf(k));
  const [at, into] = [f.local('i32'), f.local('i32')];
  f.if(op('i32.eq', nStride, one), () => {
    const whole = f.var(op('i32.and', n, i32c(-width)));
    f.set(at, from);
    f.set(into, to);
    f.for(0, k, () => {
      const [x, y] = [f.var(at), f.var(into)];
      f.for(
        0,
        whole,
        () => {
          for (let c = 0; c < panelWidth; c += 16) f.store('v128.store', y, load('v128.load', x, c), c);
          f.set(x, add(x, rowBytes));
          f.set(y, add(y, stride));
        },
        width,
      );
      f.set(at, add(at, kStride));
      f.set(into, add(into, rowBytes));
    });
    f.set(n, op('i32.sub', n, whole));
    f.set(from, add(from, op('i32.mul', whole, one)));
    f.set(to, add(to, op('i32.mul', op('i32.div_u', whole, i32c(width)), stride)));
  });
  f.for(
    0,
    n,
    (j) => {
      const columns = f.var(op('i32.sub', n, j));
      f.if(
        op('i32.gt_s', columns, i32c(width)),
        () => f.set(columns, i32c(width)),
        () => f.fill(to, i32c(0), op('i32.mul', k, rowBytes)),
      );
      f.if(
        op('i32.eq', kStride, one),
        () => f.call(transposeName(e), columns, k, from, nStride, to, rowBytes),
        () => {
          f.set(at, from);
          f.set(into, to);
          f.for(0, k, () => {
            const [x, y] = [f.var(at), f.var(into)];
            f.for(0, columns, () => {
              f.store(`${e.name}.store`, y, load(`${e.name}.load`, x));
              f.set(x, add(x, nStride));
              f.set(y, add(y, one));
            });
            f.set(at, add(at, kStride));
            f.set(into, add(into, rowBytes));
          });
        },
      );
      f.set(from, add(from, op('i32.mul', nStride, i32c(width))));
      f.set(to, add(to, stride));
    },
    width,
  );
  return f.build();
}
