"""Writes test/fixtures/special.json: the special functions at points of their whole range, with their values from mpmath.

    python test/oracle/special.py [--many N]

Arguments are float64 numbers and the values are rounded to float64 once. With --many, N random points a function are printed instead, for
measuring.
"""

import json
import math
import pathlib
import random
import sys

import scipy.special as sp
from mpmath import mp, mpf

mp.prec = 120
random.seed(11)


def log_uniform(low, high):
    return math.exp(random.uniform(math.log(low), math.log(high)))


def gammainc(a, x, upper):
    mp.prec = 400 if a < 1e5 else 200
    try:
        a, x = mpf(a), mpf(x)
        if a <= 300 and x < 700:
            p = mp.gammainc(a, 0, x, regularized=True)
            return mp.gammainc(a, x, mp.inf, regularized=True) if upper else p
        # The series of P, and of Q by the fraction: whichever converges, at enough digits.
        d = mp.exp(a * mp.log(x) - x - mp.loggamma(a + 1))
        if x < a + 5 * mp.sqrt(a) + 5:
            term = total = mpf(1)
            n = 0
            while abs(term) > total * mpf(2) ** -150:
                n += 1
                term *= x / (a + n)
                total += term
            p = d * total
            return 1 - p if upper else p
        f = mpf(0)
        steps = 200 + int(40 * mp.sqrt(a))
        for n in range(steps, 0, -1):
            f = -n * (n - a) / (x + 2 * n + 1 - a + f)
        q = d * a / (x + 1 - a + f)
        return q if upper else 1 - q
    finally:
        mp.prec = 120


def grad_a(a, x):
    mp.prec = 300
    try:
        return mp.diff(lambda t: mp.gammainc(t, 0, mpf(x), regularized=True), mpf(a), h=mpf(2) ** -100)
    finally:
        mp.prec = 120


def betainc(a, b, x):
    mp.prec = 300
    try:
        return mp.betainc(mpf(a), mpf(b), 0, mpf(x), regularized=True)
    finally:
        mp.prec = 120


def polygamma(n, x):
    if x > 0:
        return (-1) ** (int(n) + 1) * mp.factorial(int(n)) * zeta(int(n) + 1, x) if n else mp.digamma(mpf(x))
    mp.prec = 200
    try:
        return mp.psi(int(n), mpf(x))
    finally:
        mp.prec = 120


def zeta(s, q):
    if q > 0:
        # mpmath's own loses digits where both are large. Terms up to a = q + 60, then Euler and Maclaurin's formula.
        s, q = mpf(s), mpf(q)
        a = q + 60
        total = sum((q + k) ** -s for k in range(60)) + a ** (1 - s) / (s - 1) + a**-s / 2
        return total + sum(mp.bernoulli(2 * j) / mp.factorial(2 * j) * mp.rf(s, 2 * j - 1) * a ** (-s - 2 * j + 1) for j in range(1, 30))
    return (-1) ** int(s) * mp.psi(int(s) - 1, mpf(q)) / mp.factorial(int(s) - 1)


def near_mean(a):
    return max(a + math.sqrt(a) * random.gauss(0, 3), a * 1e-3)


def pairs(*columns):
    return lambda: tuple(c() if callable(c) else c for c in columns)


def gamma_point():
    a = random.choice([log_uniform(1e-3, 30), log_uniform(1, 3000), log_uniform(1e-12, 1)])
    return a, random.choice([near_mean(a), log_uniform(1e-5, 1) * a, a * log_uniform(1, 6) + log_uniform(1e-3, 20)])


def beta_point():
    a, b = (random.choice([log_uniform(0.01, 20), log_uniform(1, 2000)]) for _ in range(2))
    mean, spread = a / (a + b), math.sqrt(a * b / (a + b + 1)) / (a + b)
    x = random.choice([random.uniform(0, 1), mean + random.gauss(0, 2) * spread, mean * log_uniform(0.01, 1)])
    return a, b, min(max(x, 1e-6), 1 - 2**-30)


def negative_or(low, high):
    return lambda: random.choice([log_uniform(low, high), log_uniform(low, high), random.uniform(-20, 0)])


functions = {
    "gammainc": (gamma_point, lambda a, x: gammainc(a, x, False)),
    "gammaincc": (gamma_point, lambda a, x: gammainc(a, x, True)),
    "gammaincGradA": (lambda: (lambda a: (a, near_mean(a)))(log_uniform(0.05, 200)), grad_a),
    "betainc": (beta_point, betainc),
    "betaln": (pairs(lambda: log_uniform(1e-6, 1e8), lambda: log_uniform(1e-6, 1e8)), lambda a, b: mp.loggamma(mpf(a)) + mp.loggamma(mpf(b)) - mp.loggamma(mpf(a) + mpf(b))),
    "zeta": (lambda: (log_uniform(1.001, 100), log_uniform(0.01, 1000)), zeta),
    "zeta negative": (lambda: (float(random.randint(2, 9)), random.uniform(-30, 0)), zeta),
    "polygamma": (lambda: (float(random.randint(0, 30)), random.choice([log_uniform(0.01, 300), random.uniform(-20, 0)])), polygamma),
    "gamma": (lambda: (random.choice([log_uniform(1e-10, 171), random.uniform(-30, 30)]),), lambda x: mp.gamma(mpf(x))),
    "i0": (lambda: (random.choice([-1, 1]) * log_uniform(1e-6, 700),), lambda x: mp.besseli(0, mpf(x))),
    "i0e": (lambda: (random.choice([-1, 1]) * log_uniform(1e-6, 1e5),), lambda x: mp.besseli(0, mpf(x)) * mp.exp(-abs(mpf(x)))),
    "i1": (lambda: (random.choice([-1, 1]) * log_uniform(1e-6, 700),), lambda x: mp.besseli(1, mpf(x))),
    "i1e": (lambda: (random.choice([-1, 1]) * log_uniform(1e-6, 1e5),), lambda x: mp.besseli(1, mpf(x)) * mp.exp(-abs(mpf(x)))),
    "logNdtr": (lambda: (random.choice([random.uniform(-10, 9), -log_uniform(1, 1e5)]),), lambda x: mp.log(mp.erfc(-mpf(x) / mp.sqrt(2)) / 2) if x < 0 else mp.log1p(-mp.erfc(mpf(x) / mp.sqrt(2)) / 2)),
    "ndtri": (lambda: (random.choice([random.random(), log_uniform(1e-300, 0.5), 1 - log_uniform(1e-15, 0.5)]),), None),
    "expi": (lambda: (random.choice([log_uniform(1e-3, 700), -log_uniform(1e-3, 700)]),), lambda x: mp.ei(mpf(x))),
    "exp1": (lambda: (log_uniform(1e-6, 700),), lambda x: mp.e1(mpf(x))),
    "expn": (lambda: (float(random.randint(0, 60)), log_uniform(1e-3, 600)), lambda n, x: mp.exp(-mpf(x)) * mp.quad(lambda t: mp.exp(-x * t) / (1 + t) ** int(n), [0, 1 / mpf(x + n), 4 / mpf(x + n), 16 / mpf(x + n), 64 / mpf(x + n), mp.inf])),
}


def ndtri(p):
    """By Newton's steps for the logarithm of the smaller tail."""
    tail = min(mpf(p), 1 - mpf(p))
    x = mpf(sp.ndtri(float(tail)))
    for _ in range(4):
        q = mp.erfc(-x / mp.sqrt(2)) / 2
        x -= (mp.log(q) - mp.log(tail)) * q * mp.sqrt(2 * mp.pi) * mp.exp(x * x / 2)
    return x if p < 0.5 else -x


functions["ndtri"] = (functions["ndtri"][0], ndtri)
inf, nan = math.inf, math.nan
special = {
    "gammainc": [(0, 1), (0, 0), (1, 0), (1, inf), (inf, 1), (inf, inf), (-1, 1), (1, -1), (nan, 1), (1, nan), (1e-300, 1), (1, 1e-300), (1e8, 1e8), (1e10, 1.00001e10)],
    "betainc": [(1, 2, 0), (1, 2, 1), (-1, 2, 0.5), (1, 2, -0.1), (1, 2, 1.1), (nan, 1, 0.5), (1e5, 1e5, 0.5), (2e6, 1e6, 0.666)],
    "zeta": [(1, 2), (0.5, 2), (2, 0), (3, -1), (2.5, -1.5), (inf, 2), (2, inf), (nan, 1), (2, nan), (300, 2), (2, -1e6 - 0.5)],
    "polygamma": [(1, 0), (2, -1), (0, 1), (1, inf), (170, 3), (nan, 1), (1, nan)],
    "gamma": [(inf,), (-1,), (171.6,), (172,), (-170.5,), (-200.5,), (nan,), (1,), (5,)],
    "i0": [(0,), (inf,), (-inf,), (nan,), (713,), (8,)], "i1": [(0,), (inf,), (-inf,), (nan,), (713,), (8,)],
    "i0e": [(0,), (inf,), (-inf,), (nan,), (1e300,)], "i1e": [(0,), (inf,), (-inf,), (nan,), (1e300,)],
    "logNdtr": [(inf,), (-inf,), (nan,), (0,), (40,), (-1e10,)],
    "ndtri": [(0,), (1,), (0.5,), (-0.1,), (1.1,), (nan,), (5e-324,)],
    "expi": [(0,), (inf,), (-inf,), (nan,), (710,)],
    "exp1": [(0,), (inf,), (nan,), (-1,)],
    "expn": [(0, 0), (1, 0), (2, 0), (5, 0), (2, inf), (-1, 1), (2, -1), (0, 2), (nan, 1), (100, 0.5)],
}
special["gammaincc"] = special["gammainc"]
scipy_names = {"logNdtr": "log_ndtr"}


def plain(x):
    return "nan" if math.isnan(x) else "inf" if x == inf else "-inf" if x == -inf else x


def rows(name, count):
    draw, exact = functions[name]
    result = []
    while len(result) < count:
        args = draw()
        value = float(exact(*args))
        # Neither 0 nor subnormal: units there say nothing.
        if abs(value) > 1e-300 and abs(value) < inf:
            result.append([*args, value])
    return result


if "--many" in sys.argv:
    n = int(sys.argv[sys.argv.index("--many") + 1])
    print(json.dumps({name: rows(name, n) for name in functions}))
else:
    out = {name: rows(name, 30) for name in functions}
    ends = {
        name: [[*map(plain, map(float, args)), plain(float(getattr(sp, scipy_names.get(name, name))(*(int(a) if name == "expn" and i == 0 and a == a else a for i, a in enumerate(args)))))] for args in points]
        for name, points in special.items()
    }
    path = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "special.json"
    path.write_text(json.dumps({"points": out, "ends": ends}, separators=(",", ":")) + "\n")

if "--many" not in sys.argv:
    import numpy as np
    import scipy.stats as st

    x = [-3.5, -1.0, -0.2, 0.0, 0.3, 0.5, 1.0, 2.4, 7.0]
    q = [-0.1, 0.0, 1e-12, 0.02, 0.3, 0.5, 0.81, 1 - 1e-12, 1.0]
    k = [-2.0, 0.0, 1.0, 2.0, 3.0, 3.5, 6.0, 7.0, 20.0]
    everything = ["logpdf", "pdf", "cdf", "logcdf", "sf", "logsf"]
    rows = []

    def case(name, functions, points, *parameters):
        for f in functions:
            with np.errstate(all="ignore"):
                value = getattr(getattr(st, name), f)(np.array(points), *parameters)
            rows.append({"call": [name, f], "points": points, "parameters": list(parameters), "values": [plain(float(v)) for v in value]})

    for name in ["norm", "cauchy", "expon", "laplace", "logistic", "uniform"]:
        case(name, everything, x, 0.25, 1.5)
        case(name, ["ppf"], q, 0.25, 1.5)
    case("norm", ["isf"], q, 0.25, 1.5)
    for name, parameters in [("gamma", (2.5,)), ("gamma", (0.3,)), ("chi2", (3.0,)), ("t", (3.0,)), ("t", (40.0,)), ("beta", (2.0, 3.5)), ("beta", (0.5, 0.5))]:
        case(name, everything, x, *parameters, -0.75, 2.0)
    for name, parameters in [("poisson", (2.5,)), ("binom", (7, 0.3)), ("bernoulli", (0.3,))]:
        case(name, ["logpmf", "pmf", "cdf"] + ([] if name == "bernoulli" else ["sf"]), k, *parameters)
    path = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "stats.json"
    path.write_text(json.dumps(rows, separators=(",", ":")) + "\n")
