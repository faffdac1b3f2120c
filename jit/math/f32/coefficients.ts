/** Made by ../derive/f32.py: polynomials in ascending order of powers, with the error that each causes in its result. */

/** log 2 in two parts, the first of 15 bits. */
export const log2High = 0.693145751953125;
export const log2Low = 1.4286068203094173e-6;

/** (e^r − 1 − r)/r², |r| ≤ log √2, error relative to e^r; error 2^-28.3. */
export const expTail: readonly number[] = [
  0.4999999403953552, 0.1666652113199234, 0.04166826233267784, 0.00836867094039917, 0.001382104237563908,
];

/** (log(1 + f) − f + f²/2)/f³, |f| ≤ 1/3, error relative to log(1 + f); error 2^-27.7. */
export const logTail: readonly number[] = [
  0.3333321511745453, -0.24999798834323883, 0.2001044899225235, -0.16680440306663513, 0.14005227386951447,
  -0.12184853106737137, 0.1398739516735077, -0.12889325618743896,
];

/** log₂(1 + f)/f − 1, |f| ≤ 1/3, error relative to log₂(1 + f); error 2^-26.5. */
export const log2Tail: readonly number[] = [
  0.4426950514316559, -0.7213475108146667, 0.48089420795440674, -0.3606732487678528, 0.28879937529563904,
  -0.24055787920951843, 0.20042212307453156, -0.17690204083919525, 0.20941151678562164, -0.18161514401435852,
];

/** (sin r − r)/r³ in r², |r| ≤ π/4, error relative to sin r; error 2^-27.9. */
export const sinTail: readonly number[] = [-0.16666655242443085, 0.008332187309861183, -0.00019517909095156938];

/** (cos r − 1 + r²/2)/r⁴ in r², |r| ≤ π/4, error relative to cos r; error 2^-33.0. */
export const cosTail: readonly number[] = [0.04166664555668831, -0.0013887309469282627, 2.4432336431345902e-5];

/** (tanh x − x)/x³ in x², |x| ≤ 0.95, error relative to tanh x; error 2^-28.7. */
export const tanhTail: readonly number[] = [
  -0.3333331346511841, 0.13332746922969818, -0.053909651935100555, 0.021588042378425598, -0.008119422942399979,
  0.002446499653160572, -0.0004057952610310167,
];

/** 2^r, |r| ≤ 1/2; error 2^-28.3. */
export const exp2Reduced: readonly number[] = [
  1, 0.6931471824645996, 0.24022647738456726, 0.05550359562039375, 0.009618500247597694, 0.0013390976237133145,
  0.00015328943845815957,
];

/** π/2 in parts of 11 bits, whose multiples are exact, and the rest. */
export const halfPi: readonly number[] = [
  1.5703125, 0.0004837512969970703, 7.549533620476723e-8, 2.5633440682570896e-12,
];

/** (tan r − r)/r³ in r², |r| ≤ π/4, error relative to tan r; error 2^-29.5. */
export const tanTail: readonly number[] = [
  0.3333335002966411, 0.13332653531804692, 0.0540610660641325, 0.021276060048717526, 0.01085217354558649,
  6.821146198749076e-5, 0.004387072590391132,
];

/** The first 256 bits of 2/π. */
export const twoOverPi: readonly number[] = [
  162, 249, 131, 110, 78, 68, 21, 41, 252, 39, 87, 209, 245, 52, 221, 192, 219, 98, 149, 153, 60, 67, 144, 65, 254, 81,
  99, 171, 222, 187, 197, 97,
];
