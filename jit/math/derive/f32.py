"""Derives the coefficients in jit/math/f32/coefficients.ts: python f32.py. Weights make the errors relative to the
function that the polynomial is a part of."""
import mpmath as mp
import numpy as np

from minimax import fit, show

half_log2 = float(mp.log(2) / 2) * 1.0001


def series(f, order, x, terms=60):
    """The Taylor series of f from `order` on, divided by x^order: no cancellation near 0."""
    coefficients = mp.taylor(f, 0, order + terms)[order:]
    return mp.polyval(coefficients[::-1], x)


# e^r = 1 + r + r² p(r)
show("expTail", "(e^r − 1 − r)/r², |r| ≤ log √2, error relative to e^r",
     fit(lambda r: series(mp.exp, 2, r, 20), -half_log2, half_log2, 4, lambda r: r * r / np.exp(r)))


def log1p_tail(order):
    return lambda f: (mp.log1p(f) - sum((-1) ** (k + 1) * f**k / k for k in range(1, order))) / f**order


third = 1 / 3 * 1.0001
# log(1 + f) = f − f²/2 + f³ p(f)
show("logTail", "(log(1 + f) − f + f²/2)/f³, |f| ≤ 1/3, error relative to log(1 + f)",
     fit(log1p_tail(3), -third, third, 7, lambda f: abs(f**3 / np.log1p(f))))
# log₂(1 + f) = f + f p(f)
show("log2Tail", "log₂(1 + f)/f − 1, |f| ≤ 1/3, error relative to log₂(1 + f)",
     fit(lambda f: mp.log1p(f) / mp.log(2) / f - 1, -third, third, 9, lambda f: abs(f / np.log1p(f))))

quarter = float(mp.pi / 4) * 1.001
# sin r = r + r³ p(r²), cos r = 1 − r²/2 + r⁴ p(r²)
root = lambda f: lambda z: f(mp.sqrt(z))
show("sinTail", "(sin r − r)/r³ in r², |r| ≤ π/4, error relative to sin r",
     fit(root(lambda r: (mp.sin(r) - r) / r**3), 0, quarter**2, 2, lambda z: z * np.sqrt(z + 1e-30) / np.sin(np.sqrt(z + 1e-30))))
show("cosTail", "(cos r − 1 + r²/2)/r⁴ in r², |r| ≤ π/4, error relative to cos r",
     fit(root(lambda r: (mp.cos(r) - 1 + r**2 / 2) / r**4), 0, quarter**2, 2, lambda z: z**2 / np.cos(np.sqrt(z))))
# tanh x = x + x³ p(x²)
show("tanhTail", "(tanh x − x)/x³ in x², |x| ≤ 0.95, error relative to tanh x",
     fit(root(lambda x: (mp.tanh(x) - x) / x**3), 0, 0.95**2, 6, lambda z: z * np.sqrt(z + 1e-30) / np.tanh(np.sqrt(z + 1e-30))))
# 2^r with a constant term of exactly 1
show("exp2Reduced", "2^r, |r| ≤ 1/2", fit(lambda r: mp.mpf(2) ** r, -0.5001, 0.5001, 6, lambda r: 2.0**-r, fixed=(1.0,)))

# π/2 in parts of few bits, the multiples of which are exact
def parts(x, bits):
    result = []
    for n in bits:
        scale = mp.mpf(2) ** (n - 1 - mp.floor(mp.log(x, 2)))
        result.append(float(mp.floor(x * scale) / scale))
        x -= result[-1]
    return result


print("halfPi", parts(mp.pi / 2, [11, 11, 11, 24]))

show("tanTail", "(tan r − r)/r³ in r², |r| ≤ π/4, error relative to tan r",
     fit(root(lambda r: (mp.tan(r) - r) / r**3), 0, quarter**2, 6, lambda z: z * np.sqrt(z + 1e-30) / np.tan(np.sqrt(z + 1e-30)), dtype=float))
with mp.workdps(100):
    scaled = int(mp.floor(2 / mp.pi * mp.mpf(2) ** 256))
print("twoOverPi", list(scaled.to_bytes(32, "big")))
