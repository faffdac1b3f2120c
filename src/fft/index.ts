/** Fourier transforms, as NumPy's `fft` has them. Complex arrays are pairs of planes of real numbers. */
export { type FrequencyOptions, fftfreq, fftshift, ifftshift, rfftfreq, type ShiftOptions } from './frequencies.ts';
export type { FftNorm } from './operands.ts';
export {
  type FftnOptions,
  type FftOptions,
  fft,
  fft2,
  fftn,
  hfft,
  ifft,
  ifft2,
  ifftn,
  ihfft,
  irfft,
  irfft2,
  irfftn,
  rfft,
  rfft2,
  rfftn,
} from './transforms.ts';
