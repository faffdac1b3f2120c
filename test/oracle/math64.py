"""Writes test/fixtures/math64.json: hard points of the float64 functions of jit/math, with their values from mpmath.

    python test/oracle/math64.py

A point is one string: the operands and the correctly rounded result as 16 hexadecimal digits of their bits, and the exact
value less that result in thousandths of its ulp.
"""

import json
import math
import random
import struct
from fractions import Fraction
from pathlib import Path

from mpmath import mp, mpf

mp.prec = 240
random.seed(64)


def bits(x):
    return struct.pack(">d", x).hex()


def step(x, n):
    """The double n places further from 0."""
    return struct.unpack(">d", struct.pack(">q", struct.unpack(">q", struct.pack(">d", x))[0] + n))[0]


def rounded(exact):
    """The nearest double and the rest in ulp. mpmath's conversion rounds subnormal numbers twice, so they are scaled."""
    if exact == 0:
        return 0.0, 0
    exponent = max(mp.frexp(exact)[1] - 1, -1022) - 52
    whole = int(mp.nint(mp.ldexp(exact, -exponent)))
    if abs(whole) * Fraction(2) ** exponent >= Fraction(2) ** 1024:
        return math.copysign(math.inf, exact), 0
    nearest = math.ldexp(whole, exponent)
    return nearest, (exact - nearest) / math.ulp(nearest)


def erf_inv(y):
    x = mp.erfinv(y)
    for _ in range(4):
        error = mp.erf(x) - y if abs(y) < 0.5 else mp.sign(y) * ((1 - abs(y)) - mp.erfc(abs(x)))
        x -= error * mp.sqrt(mp.pi) / 2 * mp.exp(x * x)
    return x


def log_gamma(x):
    with mp.workprec(mp.prec + 100):
        return mp.log(abs(mp.gamma(x))) if abs(x) < 150 else mp.re(mp.loggamma(x))


def remainder(x, y):
    a, b = Fraction(abs(float(x))), Fraction(abs(float(y)))
    r = a - a // b * b
    return mp.sign(x) * mpf(r.numerator) / r.denominator


def with_bits(f):
    """f with digits for arguments of any size."""

    def g(x):
        with mp.workprec(1400):
            return f(x)

    return g


pi = math.pi
edges = [2.0**-1074, 2.0**-1022, 2.0**-54, 2.0**-27, 0.5, 1.0, 2.0, 1e300, 1.7976931348623157e308]
# The double that is nearest to a multiple of π/2, and some that are nearest among few.
angles = [math.ldexp(6381956970095103, 797), 1e22, 2.0**20, 1048576.5, 2.0**60] + [
    float(mp.pi / 2 * random.getrandbits(bits)) for bits in (1, 2, 5, 10, 20, 21, 40, 53, 80, 200, 500, 900) for _ in range(6)
]

# Name: function, intervals of random points, thresholds.
unary = {
    "exp": (mp.exp, [(-1, 1), (-745, 709), (-745, -708)], [709.782712893384, -745.1332191019411, -708.3964185322641]),
    "expm1": (with_bits(mp.expm1), [(-1, 1), (-40, 5), (0, 709)], [709.782712893384, -37.0, 0.34657359027997264]),
    "log": (mp.log, [(0.5, 2), (0.99, 1.01), (0, 100)], [math.sqrt(0.5), math.sqrt(2)]),
    "log1p": (with_bits(mp.log1p), [(-1, 1), (-0.01, 0.01), (0, 1e9)], [-1 + 2.0**-52, -0.2928932188134524, 0.41421356237309515]),
    "log2": (lambda x: mp.log(x, 2), [(0.5, 2), (0.99, 1.01), (0, 100)], [math.sqrt(0.5), math.sqrt(2), 8.0, 2.0**1000]),
    "sin": (with_bits(mp.sin), [(-1, 1), (-100, 100), (-1e6, 1e6)], angles),
    "cos": (with_bits(mp.cos), [(-1, 1), (-100, 100), (-1e6, 1e6)], angles),
    "tan": (with_bits(mp.tan), [(-1, 1), (-100, 100), (-1e6, 1e6)], angles),
    "asin": (with_bits(mp.asin), [(-1, 1), (0.49, 0.51), (0.99, 1)], []),
    "acos": (with_bits(mp.acos), [(-1, 1), (-0.51, -0.49), (0.99, 1)], []),
    "atan": (with_bits(mp.atan), [(-1, 1), (-5, 5), (0.41, 0.42)], [math.sqrt(2) - 1]),
    "sinh": (with_bits(mp.sinh), [(-1, 1), (-20, 20), (700, 711)], [710.4758600739439, 0.34657359027997264]),
    "cosh": (mp.cosh, [(-1, 1), (-20, 20), (700, 711)], [710.4758600739439, 0.34657359027997264]),
    "tanh": (with_bits(mp.tanh), [(-1, 1), (-5, 5), (15, 22)], [19.061547465398498, 18.19]),
    "asinh": (with_bits(mp.asinh), [(-1, 1), (-5, 5), (-1e9, 1e9)], [2.0**28]),
    "acosh": (with_bits(mp.acosh), [(1, 1.01), (1, 5), (1, 1e9)], [2.0**28]),
    "atanh": (with_bits(mp.atanh), [(-1, 1), (-0.2, 0.2), (0.9, 1)], []),
    "cbrt": (lambda x: mp.sign(x) * mp.cbrt(abs(x)), [(-1, 1), (1, 8), (-1e9, 1e9)], [8.0, 27.0]),
    "logistic": (lambda x: 1 / (1 + mp.exp(-x)), [(-1, 1), (-40, 40), (-745, -700)], [-745.1332191019411, -690.0, 36.7]),
    "erf": (mp.erf, [(-1, 1), (-3, 3), (5, 6)], [5.921587195794507]),
    "erfc": (mp.erfc, [(-1, 1), (-3, 6), (6, 27)], [0.75, 26.543258430632299, 27.226017111108366]),
    "erfInv": (erf_inv, [(-1, 1), (0.49, 0.51), (0.99, 1)], [0.9920929455579865, 1 - 2.0**-53]),
    "lgamma": (log_gamma, [(0, 4), (4, 200), (1.4, 1.6)], [1.0, 2.0, 1.5, 2.5, 3.5, 4.0, 2.556348161519716e305]),
    "digamma": (mp.digamma, [(0, 4), (4, 200), (1.4, 1.5)], [1.4616321449683622, 1.0, 2.0, 3.0, 4.0]),
    "exp2": (lambda x: mp.power(2, x), [(-1, 1), (-1075, 1024), (-1075, -1020)], [1023.9999999999999, -1022.0, -1074.0, -1074.9999999999998, 0.5, 10.0]),
}
inside = {"log": (0, 1e999), "log2": (0, 1e999), "log1p": (-1, 1e999), "acosh": (1, 1e999), "atanh": (-1, 1), "erfInv": (-1, 1),
          "asin": (-1, 1), "acos": (-1, 1), "lgamma": (0, 1e999), "digamma": (0, 1e999)}
inside["exp2"] = (-1100, 1100)
inside |= dict.fromkeys(("exp", "expm1", "sinh", "cosh", "tanh", "logistic"), (-800, 800))
inside |= dict.fromkeys(("erf", "erfc"), (-40, 40))
closed = ("acosh", "asin", "acos")


def scattered():
    return random.choice((-1, 1)) * math.ldexp(1 + random.random(), random.randint(-1022, 1022))


def operands(name, intervals, thresholds):
    points = [random.uniform(low, high) for low, high in intervals for _ in range(40)]
    points += [step(s * x, n) for x in edges for s in (1, -1) for n in (-1, 0, 1) if not (n == 1 and x > 1e305)]
    points += [step(x, n) for x in thresholds for n in range(-2, 3)]
    points += [scattered() for _ in range(60)]
    if name in ("lgamma", "digamma"):
        points += [random.uniform(-20, 0) for _ in range(40)]
    low, high = inside.get(name, (-1e999, 1e999))
    negative = name in ("lgamma", "digamma")
    # Further out everything is 0, 1, infinite or NaN.
    return [x for x in points if math.isfinite(x) and x != 0
            and (low < x < high or (name in closed and low <= x <= high) or (negative and -20 <= x < -1e-3 and x != int(x)))]


def powers():
    for _ in range(120):
        x = random.uniform(0, 10)
        yield x, random.uniform(-1000, 700) / math.log(x)
    for _ in range(60):
        x = 1 + random.uniform(-1, 1) * 2.0 ** -random.randint(0, 50)
        yield x, random.uniform(-745, 709) / (math.log(x) or 1)
    for _ in range(60):
        yield -float(random.randint(1, 50)), float(random.randint(-150, 150))
    for _ in range(40):
        yield abs(scattered()), random.uniform(-1, 1)
    for x in edges[:2] + edges[-1:]:
        for y in (1.0, -1.0, 0.5, 2.0, 1 / 3, -0.25):
            yield x, y


def quotients():
    for _ in range(100):
        yield random.uniform(-5, 5), random.uniform(-5, 5)
    for _ in range(60):
        yield scattered(), scattered()
    for _ in range(60):
        x = scattered()
        y = x * random.uniform(-2, 2)
        if y and math.isfinite(y):
            yield y, x


def angle(y, x):
    with mp.workprec(2400):
        return mp.atan2(y, x)


def floor_of_quotient(x, y):
    return mpf((Fraction(float(x)) / Fraction(float(y))).__floor__())


def lengths(x, y):
    with mp.workprec(4400):
        return mp.sqrt(mpf(x) ** 2 + mpf(y) ** 2)


binary = {
    "pow": (lambda x, y: mp.power(x, y) if x > 0 else mp.power(-x, y) * (-1) ** int(y), list(powers())),
    "atan2": (angle, list(quotients())),
    "rem": (remainder, list(quotients()) + [(1e308, 3.0), (1e308, 5e-324), (7.0, 2.0), (-6.0, 3.0)]),
}


def line(name, f, *xs):
    exact = f(*[mpf(x) for x in xs])
    nearest, rest = rounded(mp.mpf(exact))
    if nearest == 0:
        sign = math.copysign(xs[0], xs[0] * xs[1]) if name == "floorDivide" else xs[0]
        nearest = math.copysign(0.0, exact if exact else sign)
    return " ".join([*map(bits, xs), bits(nearest), str(int(mp.nint(rest * 1000)))])


def lines(name, f, *rest):
    return [line(name, f, x) for x in operands(name, *rest)]


fixture = {name: lines(name, *row) for name, row in unary.items()}
fixture |= {name: [line(name, f, *point) for point in points] for name, (f, points) in binary.items()}
points = list(quotients()) + [(3 * 2.0**-1070, 4 * 2.0**-1070), (1e308, 1e308), (2.0**-450, 2.0**-450), (2.0**511, 2.0**511)]
fixture["hypot"] = [line("hypot", lengths, *point) for point in points]
points = list(quotients()) + [(1.0, 0.1), (0.3, 0.1), (-0.3, 0.1), (6.0, -2.0), (5e-324, -1e308), (1e308, 3.0), (1e308, 5e-300)]
fixture["floorDivide"] = [line("floorDivide", floor_of_quotient, *point) for point in points]
path = Path(__file__).parents[1] / "fixtures" / "math64.json"
path.write_text(json.dumps(fixture, indent=0) + "\n")
print({name: len(points) for name, points in fixture.items()}, path.stat().st_size)
