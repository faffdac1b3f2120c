"""Writes jit/math/f32/coefficients.ts: python f32.py > ../f32/coefficients.ts. The weights make each error relative to the
function that the polynomial is a part of. Polynomials for float32 lanes have float32 coefficients, those for the steps in
doubles have doubles."""
import mpmath as mp
import numpy as np

from minimax import fit, show, show_list

double = dict(dtype=float)
half_log2 = float(mp.log(2) / 2) * 1.0001
third = 1 / 3 * 1.0001
quarter_pi = float(mp.pi / 4) * 1.001


def in_square(f):
    """f as a function of z = x²."""
    return lambda z: f(mp.sqrt(z))


def odd_tail(f, top, degree, **options):
    """(f(x) − x)/x³ in x² up to |x| = top, its error relative to f."""
    return fit(in_square(lambda x: (f(x) - x) / x**3), 0, top**2, degree,
               lambda z: float(z * mp.sqrt(z) / f(mp.sqrt(z))), **options)


def split(x, bits):
    """Leading parts of x with so many bits each, and the rest."""
    parts = []
    for n in bits:
        scale = mp.mpf(2) ** (n - 1 - mp.floor(mp.log(x, 2)))
        parts.append(float(mp.floor(x * scale) / scale))
        x -= parts[-1]
    return parts, float(np.float32(float(x)))


print("/** Made by ../derive/f32.py: polynomials in ascending order of powers, with the error that each causes in its result. */\n")

# Exponentials
(log2_high,), log2_low = split(mp.log(2), [15])
print("/** log 2 in two parts, the first of 15 bits. */")
print(f"export const log2High = {log2_high};\nexport const log2Low = {log2_low};\n")
show("expTail", "(e^r − 1 − r)/r², |r| ≤ log √2, error relative to e^r",
     fit(lambda r: (mp.expm1(r) - r) / r**2, -half_log2, half_log2, 4, lambda r: r * r * np.exp(-r)))
show("exp2Reduced", "2^r, |r| ≤ 1/2, error relative to it",
     fit(lambda r: mp.mpf(2) ** r, -0.5001, 0.5001, 6, lambda r: 2.0**-r, fixed=(1.0,)))
show("tanhTail", "(tanh x − x)/x³ in x², |x| ≤ 0.95, error relative to tanh x", odd_tail(mp.tanh, 0.95, 6))
show("sinhTail", "(sinh x − x)/x³ in x², |x| ≤ 1, error relative to sinh x", odd_tail(mp.sinh, 1, 3))
show("exp2Doubles", "2^r, |r| ≤ 1/2, error relative to it",
     fit(lambda r: mp.mpf(2) ** r, -0.5001, 0.5001, 6, lambda r: 2.0**-r, fixed=(1.0,), **double))

# Logarithms
show("logTail", "(log(1 + f) − f + f²/2)/f³, |f| ≤ 1/3, error relative to log(1 + f)",
     fit(lambda f: (mp.log1p(f) - f + f**2 / 2) / f**3, -third, third, 7, lambda f: abs(f**3 / np.log1p(f))))
show("log2Tail", "log₂(1 + f)/f − 1, |f| ≤ 1/3, error relative to log₂(1 + f)",
     fit(lambda f: mp.log1p(f) / mp.log(2) / f - 1, -third, third, 9, lambda f: abs(f / np.log1p(f))))
# log(1 + f) = 2 artanh s with s = f/(2 + f)
for name, degree in (("artanhTail", 2), ("artanhLongTail", 4)):
    show(name, "(artanh s/s − 1)/s² in s², |s| ≤ 1/5, error relative to artanh s",
         fit(in_square(lambda s: (mp.atanh(s) / s - 1) / s**2), 0, 0.0401, degree, lambda z: z, **double))

# Circular functions
parts, rest = split(mp.pi / 2, [11, 11, 11])
show_list("halfPi", "π/2 in parts of 11 bits, whose multiples are exact, and the rest", [*parts, rest])
show("sinTail", "(sin r − r)/r³ in r², |r| ≤ π/4, error relative to sin r", odd_tail(mp.sin, quarter_pi, 2))
show("cosTail", "(cos r − 1 + r²/2)/r⁴ in r², |r| ≤ π/4, error relative to cos r",
     fit(in_square(lambda r: (mp.cos(r) - 1 + r**2 / 2) / r**4), 0, quarter_pi**2, 2, lambda z: z**2 / np.cos(np.sqrt(z))))
show("tanTail", "(tan r − r)/r³ in r², |r| ≤ π/4, error relative to tan r", odd_tail(mp.tan, quarter_pi, 6, **double))
show("sinDoubles", "sin πr/r in r², |r| ≤ 1/2, error relative to sin πr",
     fit(in_square(lambda r: mp.sin(mp.pi * r) / r), 0, 0.25, 5, lambda z: float(mp.sqrt(z) / mp.sin(mp.pi * mp.sqrt(z))), **double))
show("atanTail", "(atan x − x)/x³ in x², |x| ≤ 1, error relative to atan x", odd_tail(mp.atan, 1, 8))
show("atan2Tail", "the same for doubles", odd_tail(mp.atan, 1, 9, **double))
show("asinTail", "(asin x − x)/x³ in x², |x| ≤ 1/2, error relative to asin x", odd_tail(mp.asin, 0.5, 5, **double))
with mp.workdps(100):
    digits = int(mp.floor(2 / mp.pi * mp.mpf(2) ** 256))
show_list("twoOverPi", "The first 256 bits of 2/π", list(digits.to_bytes(32, "big")))

# Error functions
show("erfTail", "erf x/x − 1 in x², |x| ≤ 1, error relative to erf x", fit(in_square(lambda x: mp.erf(x) / x - 1), 0, 1, 6))
show("erfcLogarithm", "log₂ erfc x in x − 1, 1 ≤ x ≤ 4, error of 1 − erfc x",
     fit(lambda u: mp.log(mp.erfc(u + 1), 2), 0, 3, 7, lambda u: float(mp.erfc(u + 1)) * 0.7))
show("erfcScaled", "(1 + 2x)·exp(x²)·erfc(x) in t = (x − 2)/(x + 2), 0 ≤ x ≤ 10.1, error relative to erfc x",
     fit(lambda t: (lambda x: (1 + 2 * x) * mp.exp(x * x) * mp.erfc(x))(2 * (1 + t) / (1 - t)), -1, 8.1 / 12.1, 11, **double))


def erfinv_quotient(w):
    y = mp.sqrt(-mp.expm1(-w))
    return mp.erfinv(y) / y


show("erfInvNear", "erf⁻¹(y)/y in w − 2.5 with w = −log(1 − y²), 0 ≤ w ≤ 5, relative error",
     fit(lambda u: erfinv_quotient(u + mp.mpf(2.5)), -2.4999999, 2.5, 10,
         lambda u: 1 / float(erfinv_quotient(mp.mpf(u + 2.5))), points=200, **double))
show("erfInvFar", "erf⁻¹(y)/y in √w − 3.125, 5 ≤ w ≤ 16, relative error",
     fit(lambda u: erfinv_quotient((u + mp.mpf(3.125)) ** 2), -0.89, 0.89, 10,
         lambda u: 1 / float(erfinv_quotient(mp.mpf(u + 3.125) ** 2)), points=200, **double))

# Gamma functions
show("lgammaNear2", "log Γ(2 + u)/u, |u| ≤ 1/2, error relative to log Γ",
     fit(lambda u: mp.loggamma(2 + u) / u, -0.5, 0.5, 10, lambda u: abs(u / float(mp.loggamma(2 + u))), points=200, **double))
show("lgammaStirling", "x·(log Γ(x) − (x − 1/2)(log x − 1) − (log 2π − 1)/2) in 1/x², x ≥ 3.5, error of log Γ",
     fit(in_square(lambda i: (mp.loggamma(1 / i) - (1 / i - 0.5) * (mp.log(1 / i) - 1) - (mp.log(2 * mp.pi) - 1) / 2) / i), 0, 1 / 3.5**2, 3,
         lambda z: np.sqrt(z) / float(mp.loggamma(1 / mp.sqrt(z))), points=200, **double))
root = mp.findroot(mp.digamma, 1.46)
show_list("digammaRoot", "The positive zero of digamma in two parts", [float(root), float(root - mp.mpf(float(root)))])
show("digammaNearRoot", "ψ(x)/(x − x₀) in x − 3/2, 1 ≤ x ≤ 2, relative error",
     fit(lambda u: mp.digamma(u + 1.5) / (u + 1.5 - root), -0.5, 0.5, 11,
         lambda u: float((u + 1.5 - root) / mp.digamma(u + 1.5)), points=200, **double))
show("digammaStirling", "x²·(log x − 1/(2x) − ψ(x)) in 1/x², x ≥ 3, relative error",
     fit(in_square(lambda i: (mp.log(1 / i) - i / 2 - mp.digamma(1 / i)) / i**2), 0, 1 / 9, 4,
         lambda z: z / float(mp.digamma(1 / mp.sqrt(z))), points=200, **double))
