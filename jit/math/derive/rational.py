"""Quotients of polynomials by weighted linear least squares (Sanathanan & Koerner, IEEE Trans. Autom. Control 8, 1963: each step
divides by the denominator of the last), with the weights of Lawson's method, which make the error even."""

from mpmath import lu_solve, matrix, mp, mpf


def rational(f, low, high, at, degrees, weight, points=160, steps=12):
    """The quotient of the given degrees in x − at with denominator 1 + …, for the least max |weight·error| over [low, high].

    Returns coefficients of numerator and denominator, lowest first, and the error."""
    n, m = degrees
    xs = [low + (high - low) * (1 - mp.cos(mp.pi * (2 * k + 1) / (2 * points))) / 2 for k in range(points)]
    ys = [f(x) for x in xs]
    ws = [weight(x) for x in xs]
    powers = [[(x - at) ** i for i in range(max(n, m) + 1)] for x in xs]
    value = lambda c, k: mp.fsum(a * p for a, p in zip(c, powers[k]))
    lawson, q = [mpf(1)] * points, [mpf(1)]
    for step in range(steps):
        rows = []
        for k in range(points):
            s = mp.sqrt(lawson[k]) * ws[k] / value(q, k)
            terms = [s * powers[k][i] for i in range(n + 1)] + [-s * ys[k] * powers[k][j] for j in range(1, m + 1)]
            rows.append((terms, s * ys[k]))
        size = n + m + 1
        normal, right = matrix(size, size), matrix(size, 1)
        for i in range(size):
            for j in range(i, size):
                normal[i, j] = normal[j, i] = mp.fsum(t[i] * t[j] for t, _ in rows)
            right[i] = mp.fsum(t[i] * y for t, y in rows)
        c = lu_solve(normal, right)
        p, q = [c[i] for i in range(n + 1)], [mpf(1)] + [c[n + j] for j in range(1, m + 1)]
        errors = [abs(ws[k] * (value(p, k) / value(q, k) - ys[k])) for k in range(points)]
        largest = max(errors)
        if step > 1:
            scaled = [w * (e / largest + mpf("1e-3")) for w, e in zip(lawson, errors)]
            lawson = [w * points / mp.fsum(scaled) for w in scaled]
    return p, q, largest
