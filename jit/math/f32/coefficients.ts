/** Made by ../derive/f32.py: polynomials in ascending order of powers, with the error that each causes in its result. */

/** log 2 in two parts, the first of 15 bits. */
export const log2High = 0.693145751953125;
export const log2Low = 1.4286068203094173e-6;

/** (e^r − 1 − r)/r², |r| ≤ log √2, error relative to e^r; error 2^-28.3. */
export const expTail: readonly number[] = [
  0.4999999403953552, 0.1666652113199234, 0.04166826233267784, 0.00836867094039917, 0.001382104237563908,
];
