import { readFileSync } from 'node:fs';
import { type NDArray, np } from 'cotangent';

export interface Split {
  readonly X: NDArray;
  readonly y: NDArray;
}

/** The diabetes data with standardised columns, two thirds of the rows for training and every third for validation. */
export function diabetes(dtype: 'float32' | 'float64' = 'float64'): { train: Split; validation: Split } {
  const text = readFileSync(new URL('../../../examples/data/diabetes.csv', import.meta.url), 'utf8');
  const rows = text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',').map(Number));
  const columns = rows[0]!.map((_, j) => rows.map((row) => row[j]!));
  const standard = columns.map((column) => {
    const mean = column.reduce((a, b) => a + b) / column.length;
    const deviation = Math.sqrt(column.reduce((sum, x) => sum + (x - mean) ** 2, 0) / column.length);
    return column.map((x) => (x - mean) / deviation);
  });
  const pick = (keep: (i: number) => boolean): Split => {
    const indices = rows.map((_, i) => i).filter(keep);
    return {
      X: np.array(
        indices.map((i) => standard.slice(0, -1).map((column) => column[i]!)),
        { dtype },
      ),
      y: np.array(
        indices.map((i) => standard.at(-1)![i]!),
        { dtype },
      ),
    };
  };
  return { train: pick((i) => i % 3 !== 1), validation: pick((i) => i % 3 === 1) };
}
