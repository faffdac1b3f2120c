import { numbers } from './inputs.mjs';

/**
 * Fourier transforms that numpy-ts's own benchmarks time, on 10, 10³ and 10⁶ numbers of float64, and lengths of other kinds.
 * `np.fft` is a library's; `array(numbers, shape)` and `complex(real, imaginary, shape)` make its arrays, `parts(result)` lists
 * what a result consists of, to be freed, and `readParts(result)` its numbers, real parts first.
 */
export function fftCases({ np, array, complex, free, readParts }) {
  const cases = {};
  const add = (name, prepare, run) => {
    cases[`eager ${name}`] = () => {
      const operands = prepare();
      return { run: () => free(run(...operands)), result: () => readParts(run(...operands)) };
    };
  };
  const count = (shape) => shape.reduce((a, b) => a * b, 1);
  const real = (shape) => () => [array(numbers(count(shape), 0), shape)];
  const both = (shape) => () => [complex(numbers(count(shape), 0), numbers(count(shape), 1), shape)];
  const vectors = { 10: 10, '10³': 1000, '10⁶': 10 ** 6 };
  for (const [size, n] of Object.entries(vectors)) {
    const half = [n / 2 + 1];
    add(`fft of real numbers, ${size}`, real([n]), (x) => np.fft.fft(x));
    add(`fft, ${size}`, both([n]), (x) => np.fft.fft(x));
    add(`ifft, ${size}`, both([n]), (x) => np.fft.ifft(x));
    add(`rfft, ${size}`, real([n]), (x) => np.fft.rfft(x));
    add(`irfft, ${size}`, both(half), (x) => np.fft.irfft(x));
    add(`hfft, ${size}`, both(half), (x) => np.fft.hfft(x));
    add(`ihfft, ${size}`, real([n]), (x) => np.fft.ihfft(x));
    add(
      `fftfreq, ${size}`,
      () => [],
      () => np.fft.fftfreq(n),
    );
    add(
      `rfftfreq, ${size}`,
      () => [],
      () => np.fft.rfftfreq(n),
    );
    add(`fftshift, ${size}`, real([n]), (x) => np.fft.fftshift(x));
    add(`ifftshift, ${size}`, real([n]), (x) => np.fft.ifftshift(x));
  }
  for (const [size, [rows, columns]] of [
    ['10', [2, 5]],
    ['10³', [20, 50]],
    ['10⁶', [1000, 1000]],
  ]) {
    const half = [rows, Math.floor(columns / 2) + 1];
    add(`fft2 of real numbers, ${size}`, real([rows, columns]), (x) => np.fft.fft2(x));
    add(`fft2, ${size}`, both([rows, columns]), (x) => np.fft.fft2(x));
    add(`ifft2, ${size}`, both([rows, columns]), (x) => np.fft.ifft2(x));
    add(`rfft2, ${size}`, real([rows, columns]), (x) => np.fft.rfft2(x));
    add(`irfft2, ${size}`, both(half), (x) => np.fft.irfft2(x));
  }
  add('fftn of real numbers, 32³', real([32, 32, 32]), (x) => np.fft.fftn(x));
  add('ifftn, 32³', both([32, 32, 32]), (x) => np.fft.ifftn(x));
  add('rfftn, 32³', real([32, 32, 32]), (x) => np.fft.rfftn(x));
  add('irfftn, 32³', both([32, 32, 17]), (x) => np.fft.irfftn(x));
  for (const [size, n] of [
    ['1009', 1009],
    ['1024', 1024],
    ['2¹⁶', 2 ** 16],
    ['2²⁰', 2 ** 20],
  ]) {
    add(`fft, ${size}`, both([n]), (x) => np.fft.fft(x));
    add(`rfft, ${size}`, real([n]), (x) => np.fft.rfft(x));
  }
  return cases;
}
