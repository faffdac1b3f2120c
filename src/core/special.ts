/**
 * Special functions in double precision: the reference semantics of the primitives. Polynomials were fitted at
 * Chebyshev nodes with 60 digits; each is in the variable that the comment names, scaled to [−1, 1].
 */

/** Σ c[k]·tᵏ. */
function polynomial(c: readonly number[], t: number): number {
  let sum = 0;
  for (let k = c.length - 1; k >= 0; k--) sum = sum * t + c[k]!;
  return sum;
}

/** erf(x)/x for x² in [0, 1]. */
const erfSmall = [
  0.9654687386698673, -0.1405360890227171, 0.019852496688983708, -0.0022854855611440673, 0.00021751715604160108,
  -1.7537169441492004e-5, 1.2233827383524026e-6, -7.511569160710623e-8, 4.115800597661665e-9, -2.03524938661036e-10,
  9.167606748998164e-12, -3.7910973708931526e-13, 1.4548169783352384e-14, -5.16472878942302e-16,
];

/** (1 + 2x)·exp(x²)·erfc(x) for x in [0.5, 30], in (x − 2)/(x + 2), which lies in [−0.6, 0.875]. */
const erfcScaled = [
  1.2614910967719726, -0.0956485456435087, -0.05693115024014409, 0.053421212803275386, -0.016919619106721698,
  -0.00012274393589082797, 0.0014633998058811637, -6.63021430292477e-5, -0.00015591419110119097, -1.6036316907124876e-6,
  1.9129773733261763e-5, 2.9877861605080345e-6, -2.1156107557056245e-6, -8.910124908155959e-7, 1.0386670228064325e-7,
  1.7136572247614877e-7, 3.389099048435463e-8, -2.022046602043678e-8, -1.2447875244095126e-8, 5.556970966850906e-10,
  2.120863244185197e-9, 1.5650593112557558e-10, -1.6740838647839782e-10,
];

/** exp(−x²). The square is taken in two parts: its rounding error alone would cost x² units in the last place. */
function expOfMinusSquare(x: number): number {
  const high = Math.round(x * 2 ** 20) * 2 ** -20;
  return Math.exp(-high * high) * Math.exp(-(x - high) * (x + high));
}

function erfcOfLarge(x: number): number {
  if (x > 27.3) return 0;
  const t = ((x - 2) / (x + 2) - 0.1375) / 0.7375;
  return (expOfMinusSquare(x) * polynomial(erfcScaled, t)) / (1 + 2 * x);
}

/** The error function 2/√π ∫₀ˣ exp(−t²) dt. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 1) return x * polynomial(erfSmall, 2 * x * x - 1);
  const value = 1 - erfcOfLarge(a);
  return x < 0 ? -value : x > 0 ? value : x;
}

/** 1 − erf(x), without cancellation. */
export function erfc(x: number): number {
  if (x >= 0.5) return erfcOfLarge(x);
  return x > -1 ? 1 - erf(x) : x <= -1 ? 2 - erfcOfLarge(-x) : x;
}

/** The inverse of erf: a rational start, then Newton steps on whichever of erf and erfc is small. */
export function erfInv(y: number): number {
  if (!(Math.abs(y) < 1)) return y === 1 ? Infinity : y === -1 ? -Infinity : NaN;
  const a = Math.abs(y);
  if (a < 1e-8) return (y * Math.sqrt(Math.PI)) / 2;
  // Winitzki's approximation, good to 2e-3: S. Winitzki, "A handy approximation for the error function and its inverse".
  const l = Math.log1p(-a * a);
  const b = 4.33 + l / 2;
  let x = Math.sqrt(Math.sqrt(b * b - l / 0.147) - b);
  for (let step = 0; step < 4; step++) {
    const error = a > 0.55 ? 1 - a - erfcOfLarge(Math.max(x, 0.5)) : erf(x) - a;
    const slope = (2 / Math.sqrt(Math.PI)) * expOfMinusSquare(x);
    const newton = error / slope;
    // Halley's correction: the second derivative of erf is −2x times the first.
    const change = newton / (1 + x * newton);
    x -= change;
    if (Math.abs(change) < 1e-9 * x) break;
  }
  return y < 0 ? -x : x;
}

/** 1 / (1 + exp(−x)). */
export function logistic(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/** (−1)ᵏ (ζ(k) − 1)/k for k = 2, 3, … */
const zetaSeries = [
  0.3224670334241132, -0.0673523010531981, 0.020580808427784546, -0.007385551028673986, 0.0028905103307415234,
  -0.001192753911703261, 0.0005096695247430425, -0.00022315475845357939, 9.945751278180853e-5, -4.492623673813314e-5,
  2.050721277567069e-5, -9.439488275268397e-6, 4.374866789907488e-6, -2.039215753801366e-6, 9.55141213040742e-7,
  -4.492469198764566e-7, 2.1207184805554665e-7, -1.0043224823968099e-7, 4.7698101693639804e-8, -2.2711094608943164e-8,
  1.0838659214896955e-8, -5.183475041970047e-9, 2.4836745438024785e-9, -1.1921401405860912e-9, 5.731367241678862e-10,
  -2.7595228851242334e-10, 1.330476437424449e-10, -6.4229645638381e-11,
];
const oneMinusEuler = 0.42278433509846713;

/** log Γ(2 + u) for |u| ≤ 1/2 by its Taylor series, whose slow part, that of log(1 + u), is taken out. */
const lgammaNearTwo = (u: number): number => u * (oneMinusEuler + u * polynomial(zetaSeries, u));

/** 1/x, 1/x³, … in Stirling's series for log Γ. */
const stirling = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156];

/** log |Γ(x)|. */
export function lgamma(x: number): number {
  if (Number.isNaN(x)) return x;
  if (Math.abs(x) === Infinity) return Infinity;
  if (x <= 0) {
    if (Number.isInteger(x)) return Infinity;
    if (x > -1e-17) return -Math.log(-x);
    return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * (x - 2 * Math.floor(x / 2))) * x)) - lgamma(-x);
  }
  if (x < 0.5) return x < 1e-17 ? -Math.log(x) : lgammaNearTwo(x) - Math.log1p(x) - Math.log(x);
  if (x < 1.5) return lgammaNearTwo(x - 1) - Math.log1p(x - 1);
  if (x < 10) {
    let product = 1;
    while (x > 2.5) product *= --x;
    return lgammaNearTwo(x - 2) + Math.log(product);
  }
  const logX = Math.log(x);
  if (x > 1e17) return x * (logX - 1);
  const square = 1 / (x * x);
  return (x - 0.5) * (logX - 1) + (0.5 * Math.log(2 * Math.PI) - 0.5) + polynomial(stirling, square) / x;
}

/** ψ(x)/(x − root) for x in [1, 2]. */
const digammaNear = [
  0.9510558760318328, -0.21181371064072865, 0.060135621060196195, -0.01855061538185726, 0.005936795278346364,
  -0.001935066662210221, 0.0006368880294427922, -0.00021074843772854427, 6.995019751413975e-5, -2.3258098660110816e-5,
  7.741184312154647e-6, -2.5785659502395533e-6, 8.590699307116732e-7, -2.8534578211707985e-7, 9.509734580818946e-8,
  -3.288837880625679e-8, 1.0962078810190396e-8, -2.7066308634469587e-9, 9.021824538932729e-10, -7.217231554506031e-10,
  2.4057297773026326e-10,
];
/** The positive root of ψ in two parts. */
const rootHigh = 1.4616321449683622;
const rootLow = 9.549995429965697e-17;

/** ψ(x) = Γ′(x)/Γ(x). NaN at the negative integers, −∞ at 0 from above and ∞ from below. */
export function digamma(x: number): number {
  if (x === 0) return Object.is(x, -0) ? Infinity : -Infinity;
  if (x === Infinity) return x;
  if (x < 0) {
    if (Number.isInteger(x) || x === -Infinity) return NaN;
    const fraction = x - Math.floor(x);
    return digamma(1 - x) - Math.PI / Math.tan(Math.PI * fraction);
  }
  let shift = 0;
  while (x < 1) shift -= 1 / x++;
  if (x < 10) {
    while (x > 2) shift += 1 / --x;
    return (x - rootHigh - rootLow) * polynomial(digammaNear, 2 * x - 3) + shift;
  }
  const square = 1 / (x * x);
  const series = [1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12];
  return Math.log(x) - 0.5 / x - square * polynomial(series, square) + shift;
}
