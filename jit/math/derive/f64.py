"""Prints jit/math/f64/coefficients.ts: minimax polynomials, each rounded to double, with the relative error of the
function they are part of.

    python jit/math/derive/f64.py > jit/math/f64/coefficients.ts
"""

from mpmath import mp, mpf

from rational import rational
from remez import remez

tiny = mpf(2) ** -60


def away_from_0(f):
    """f with digits to spare for the cancellation near 0, and its value nearby for that at 0."""

    def g(x):
        with mp.workprec(500):
            return f(x if abs(x) > tiny else tiny)

    return g


def erf_inv_tail(s):
    """erf⁻¹(1 − exp(−s²)), by Newton's steps for log erfc(x) = −s²."""
    x = mpf("0.8") * s
    for _ in range(9):
        q = mp.erfc(x)
        x += (mp.log(q) + s * s) * q * mp.sqrt(mp.pi) / 2 * mp.exp(x * x)
    return x


def show(name, comment, f, low, high, degree, weight):
    coefficients, error = remez(away_from_0(f), low, high, degree, weight)
    rounded = [float(c) for c in coefficients]
    if name.startswith("pair"):
        rounded = [rounded[0], float(coefficients[0] - rounded[0])] + rounded[1:]
        name, comment = name[5:], comment + ", the first coefficient in two parts"
    print(f"\n/** {comment}; error 2^{float(mp.log(error, 2)):.1f}. */")
    print(f"export const {name}: readonly number[] = [")
    for c in rounded:
        print(f"  {c!r},")
    print("];")


root2 = mp.sqrt(2)
half_log2 = mp.log(2) / 2 * mpf("1.0001")
s_max = ((root2 - 1) / (root2 + 1)) * mpf("1.0001")
quarter = mp.pi / 4 * mpf("1.0001")

# In z = x² unless it says otherwise; the weight makes the error relative to the whole function.
table = [
    ("expTail", "(eʳ − 1 − r)/r² in r, |r| ≤ log(2)/2", lambda r: (mp.expm1(r) - r) / r**2, -half_log2, half_log2, 10,
     lambda r: max(abs(r), mpf(1) / 16)),
    ("sinhTail", "(sinh r − r)/r³ in r², |r| ≤ log(2)/2", lambda z: (mp.sinh(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, 0, half_log2**2, 4,
     lambda z: z + tiny),
    ("coshTail", "(cosh r − 1 − r²/2)/r⁴ in r², |r| ≤ log(2)/2", lambda z: (mp.cosh(mp.sqrt(z)) - 1 - z / 2) / z**2, 0, half_log2**2, 4,
     lambda z: z**2 + tiny),
    ("atanhTail", "(atanh s/s − 1)/s² in s², |s| ≤ 3 − 2√2", lambda z: (mp.atanh(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, 0, s_max**2, 7,
     lambda z: z + tiny),
    ("atanhFar", "(atanh s/s − 1 − s²/3)/s⁴ in s², |s| ≤ 3 − 2√2", lambda z: (mp.atanh(mp.sqrt(z)) / mp.sqrt(z) - 1 - z / 3) / z**2, 0, s_max**2, 7,
     lambda z: z**2 + tiny),
    ("cubeRoot", "(1 + d)^(−1/3) in d, |d| ≤ 1/8", lambda d: (1 + d) ** (-mpf(1) / 3), -mpf(1) / 8, mpf(1) / 8, 5,
     lambda d: mpf(1)),
    ("pair erfInvNear", "erf⁻¹(1 − exp(−s²))/s in s − 3/2, 0.83 ≤ s ≤ 2.2", lambda u: erf_inv_tail(u + 1.5) / (u + 1.5), mpf("-0.67"), mpf("0.7001"), 23,
     lambda u: mpf(2)),
    ("pair erfInvFar", "erf⁻¹(1 − exp(−s²))/s in s − 4, 2.2 ≤ s ≤ 6.07", lambda u: erf_inv_tail(u + 4) / (u + 4), mpf("-1.8001"), mpf("2.07"), 26,
     lambda u: mpf(1)),
    ("sinTail", "(sin r/r − 1)/r² in r², |r| ≤ π/4", lambda z: (mp.sin(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, 0, quarter**2, 5,
     lambda z: z + tiny),
    ("cosTail", "(cos r − 1 + r²/2)/r⁴ in r², |r| ≤ π/4", lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2, 0, quarter**2, 5,
     lambda z: z**2 + tiny),
    ("asinTail", "(asin x/x − 1)/x² in x², |x| ≤ 1/2", lambda z: (mp.asin(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, 0, mpf("0.25"), 12,
     lambda z: z + tiny),
    ("atanTail", "(atan t/t − 1)/t² in t², |t| ≤ √2 − 1", lambda z: (mp.atan(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, 0, (root2 - 1) ** 2 * mpf("1.0001"), 10,
     lambda z: z + tiny),
]

print("/** Minimax polynomials in ascending order of powers; made by jit/math/derive/f64.py. Errors are relative. */")
for row in table:
    show(*row)

end = (mpf(31) / 32) ** 2
numerator, denominator, _ = rational(
    lambda t: mp.erfinv(mp.sqrt(t)) / mp.sqrt(t) - 1, mpf(0), end, end, (11, 11),
    lambda t: mp.sqrt(t) / mp.erfinv(mp.sqrt(t)))
print("\n/** erf⁻¹(y)/y − 1 in (31/32)² − y², |y| ≤ 31/32: numerator and denominator of a quotient; error 2^-58.2. */")
for name, coefficients in [("erfInvNumerator", numerator), ("erfInvDenominator", denominator)]:
    # In (31/32)² − y², not y² − (31/32)².
    print(f"export const {name}: readonly number[] = [{', '.join(repr(float(c * (-1) ** i)) for i, c in enumerate(coefficients))}];")
