"""Minimax polynomials by Remez' exchange, in multiple precision (mpmath)."""

import mpmath as mp

mp.mp.prec = 200


def remez(f, low, high, degree, weight=lambda x: mp.mpf(1), sweeps=12):
    """Coefficients cᵢ, ascending, that minimise max |f(x) − Σ cᵢ xⁱ|·weight(x) on [low, high], and that maximum.

    The reference of degree + 2 points starts at the Chebyshev nodes. Each sweep solves for the polynomial whose
    weighted error alternates there, and moves every point to the error's extremum near it.
    """
    low, high = mp.mpf(low), mp.mpf(high)
    n = degree + 2
    points = [(low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * n)) for i in range(n)]
    for _ in range(sweeps):
        rows, values = mp.matrix(n, n), mp.matrix(n, 1)
        for i, x in enumerate(points):
            for j in range(degree + 1):
                rows[i, j] = x**j
            rows[i, degree + 1] = (-1) ** i / weight(x)
            values[i] = f(x)
        solution = mp.lu_solve(rows, values)
        coefficients = [solution[j] for j in range(degree + 1)]
        error = lambda x: (f(x) - mp.polyval(coefficients[::-1], x)) * weight(x)
        edges = [low] + [(a + b) / 2 for a, b in zip(points, points[1:])] + [high]
        points = [extremum(error, a, b, (-1) ** i * mp.sign(solution[degree + 1])) for i, (a, b) in enumerate(zip(edges, edges[1:]))]
        sizes = [abs(error(x)) for x in points]
        if max(sizes) < mp.mpf("1.02") * min(sizes):
            break
    return coefficients, max(sizes)


def extremum(error, low, high, sign, samples=8):
    """Where sign·error is greatest between two points: the best of a few samples, then two parabolas."""
    xs = [low + (high - low) * i / samples for i in range(samples + 1)]
    ys = [sign * error(x) for x in xs]
    i = max(range(len(xs)), key=lambda k: ys[k])
    if i in (0, samples):
        return xs[i]
    (a, b, c), (fa, fb, fc) = xs[i - 1 : i + 2], ys[i - 1 : i + 2]
    slope = (b - a) * (fb - fc) - (b - c) * (fb - fa)
    x = b - ((b - a) ** 2 * (fb - fc) - (b - c) ** 2 * (fb - fa)) / (2 * slope) if slope else b
    return x if sign * error(x) > fb else b
