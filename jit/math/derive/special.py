"""Prints src/special/coefficients.ts: polynomials that interpolate in Chebyshev nodes, and expansions, rounded to double.

    python jit/math/derive/special.py > src/special/coefficients.ts
"""

from mpmath import mp, mpf
from remez import remez

mp.dps = 60


def interpolation(f, low, high, bits=58):
    """Coefficients in t ∈ [−1, 1] of the first polynomial whose error is below 2^−bits, and that error."""
    middle, half = mpf(low + high) / 2, mpf(high - low) / 2
    for degree in range(4, 40):
        n = degree + 1
        angles = [mp.pi * (2 * k + 1) / (2 * n) for k in range(n)]
        values = [f(middle + half * mp.cos(a)) for a in angles]
        c = [2 * sum(v * mp.cos(j * a) for v, a in zip(values, angles)) / n for j in range(n)]
        c[0] /= 2
        if max(abs(c[-1]), abs(c[-2])) > mpf(2) ** (-bits - 2):
            continue
        # From Chebyshev polynomials to powers.
        before, now = [mpf(1)], [mpf(0), mpf(1)]
        powers = [mpf(0)] * n
        for j in range(n):
            t = before if j == 0 else now
            for i, x in enumerate(t):
                powers[i] += c[j] * x
            if j >= 1:
                following = [mpf(0)] + [2 * x for x in now]
                for i, x in enumerate(before):
                    following[i] -= x
                before, now = now, following
        rounded = [mpf(float(p)) for p in powers]
        points = [mpf(i) / 50 - 1 for i in range(101)]
        error = max(abs(mp.polyval(rounded[::-1], t) / f(middle + half * t) - 1) for t in points)
        return [float(p) for p in powers], error
    raise ValueError("no convergence")


def erfc_inverse(s):
    """The x with erfc(x) = exp(−s²), by Newton's steps for the logarithm."""
    x = s - mp.log(s * mp.sqrt(mp.pi)) / (2 * s)
    for _ in range(9):
        q = mp.erfc(x)
        x += (mp.log(q) + s * s) * q * mp.sqrt(mp.pi) / 2 * mp.exp(x * x)
    return x


def show(name, comment, values):
    print(f"\n/** {comment} */")
    print(f"export const {name}: readonly number[] = [")
    for v in values:
        print(f"  {v!r},")
    print("];")


def show_interpolation(name, comment, f, low, high, bits=58):
    values, error = interpolation(f, low, high, bits)
    show(name, f"{comment}; relative error 2^{float(mp.log(error, 2)):.1f}.", values)


def temme(orders, terms):
    """
    d[k][n] of Temme's expansion of the incomplete gamma functions: R(a, η) ~ exp(−aη²/2)/√(2πa) Σₖ a⁻ᵏ Σₙ d[k][n] ηⁿ, where
    η²/2 = λ − 1 − log λ. Temme, SIAM J. Math. Anal. 10 (1979); DLMF 8.12.
    """
    size = terms + 2 * orders + 2
    # λ − 1 = Σ alpha[n] ηⁿ, from λ' (λ − 1) = η λ.
    alpha = [mpf(0), mpf(1)]
    for n in range(2, size + 2):
        s = alpha[n - 1] - sum(j * alpha[j] * alpha[n + 1 - j] for j in range(2, n))
        alpha.append(s / (n + 1))
    # Γ(a) = √(2π/a) (a/e)^a Σ g[k] a⁻ᵏ, from the exponential of Stirling's series.
    stirling = [mpf(0)] * (orders + 1)
    for k in range(1, orders + 1, 2):
        stirling[k] = mp.bernoulli(k + 1) / (k * (k + 1))
    g = [mpf(1)]
    for k in range(1, orders + 1):
        g.append(sum(j * stirling[j] * g[k - j] for j in range(1, k + 1)) / k)
    # d[0] is 1/(λ − 1) − 1/η.
    first = []
    inverse = [mpf(1)]
    for n in range(1, size):
        inverse.append(-sum(alpha[j + 1] * inverse[n - j] for j in range(1, n + 1)))
    first = inverse[1:]
    d = [first]
    for k in range(1, orders):
        before = d[-1]
        gk = (-1) ** k * g[k]
        d.append([gk * first[n] + (n + 2) * before[n + 2] for n in range(len(before) - 2)])
    return [row[:terms] for row in d]


print("""/**
 * Polynomials in ascending order of powers; made by jit/math/derive/special.py. Those in t interpolate in Chebyshev nodes, with
 * t from −1 to 1.
 */""")
def bessel_near(order):
    """Σ yᵏ·order!/(k!·(k + order)!): I₀(x), or I₁(x)·2/x, for y = x²/4."""
    whole = lambda y: mp.hyper([], [order + 1], y)
    # Relative to the result, and above 0 at 0.
    rest, error = remez(lambda y: (whole(y) - 1) / y if y else mpf(1) / (order + 1), 0, 16, 14, lambda y: y / whole(y) + mpf(10) ** -20)
    show(f"i{order}Near", f"I{'₀(x)' if order == 0 else '₁(x)·2/x'} in y = x²/4, x ≤ 8; relative error 2^{float(mp.log(error, 2)):.1f}.", [1.0] + [float(c) for c in rest])
for order in 0, 1:
    bessel_near(order)
show_interpolation("i0Far", "√x e⁻ˣ I₀(x) in t = 16/x − 1, x ≥ 8", lambda u: mp.sqrt(1 / u) * mp.exp(-1 / u) * mp.besseli(0, 1 / u) if u > mpf(1) / 3000
                   else 1 / mp.sqrt(2 * mp.pi) * (1 + u / 8 + 9 * u**2 / 128 + 225 * u**3 / 3072 + 11025 * u**4 / 98304 + 893025 * u**5 / 3932160 + mpf(108056025) * u**6 / 188743680),
                   0, mpf(1) / 8, bits=56)
def i1_far(u):
    if u > mpf(1) / 3000:
        return mp.sqrt(1 / u) * mp.exp(-1 / u) * mp.besseli(1, 1 / u)
    term = total = mpf(1)
    for k in range(1, 8):
        term *= -(4 - (2 * k - 1) ** 2) * u / (8 * k)
        total += term
    return total / mp.sqrt(2 * mp.pi)
show_interpolation("i1Far", "√x e⁻ˣ I₁(x) in t = 16/x − 1, x ≥ 8", i1_far, 0, mpf(1) / 8, bits=56)
show_interpolation("erfcInvFar", "x/s in t = (2/s − 1/28 − 1/6)/(1/6 − 1/28) for erfc(x) = exp(−s²), 6 ≤ s ≤ 28",
                   lambda w: erfc_inverse(1 / w) * w, mpf(1) / 28, mpf(1) / 6)
# For a ≥ 64 and |η| ≤ 0.36.
orders, terms = 8, 17
rows = temme(orders, terms)
print("\n/** Temme's d: row k has the coefficients of a⁻ᵏ, in ascending order of powers of η. */")
print("export const temme: readonly (readonly number[])[] = [")
for k, row in enumerate(rows):
    keep = terms - 2 * k
    print("  [" + ", ".join(repr(float(x)) for x in row[:keep]) + "],")
print("];")
