"""Minimax polynomials with coefficients that are float32 numbers.

fit(f, a, b, degree) approximates f on [a, b] by a polynomial c0 + c1 x + …, with the weighted error max w|p − f| as small
as may be. Coefficients are rounded to float32 one after the other, lowest power first, and the rest are fitted anew
after each, so that later ones make up for what rounding earlier ones cost. The fit is Lawson's: least squares whose
weights grow where the error is large, until it is level.
"""
import mpmath as mp
import numpy as np

mp.mp.dps = 40


def fit(f, a, b, degree, weight=lambda x: 1.0, fixed=(), dtype=np.float32, points=600, rounds=60):
    """Coefficients c0 … c_degree and the largest weighted error. `fixed` are the first coefficients if given."""
    nodes = (a + b) / 2 + (b - a) / 2 * np.cos(np.pi * (np.arange(points) + 0.5) / points)
    values = np.array([float(f(mp.mpf(float(x)))) for x in nodes])
    weights = np.array([float(weight(float(x))) for x in nodes])
    coefficients = list(fixed)
    scale = max(abs(a), abs(b))

    def solve(count):
        rest = values - sum(c * nodes**k for k, c in enumerate(coefficients))
        powers = range(len(coefficients), degree + 1)
        basis = np.stack([(nodes / scale) ** k for k in powers], axis=1)
        lawson = np.ones(points)
        for _ in range(count):
            w = weights * np.sqrt(lawson)
            solution = np.linalg.lstsq(basis * w[:, None], rest * w, rcond=None)[0]
            error = weights * np.abs(basis @ solution - rest)
            lawson *= error / error.max() + 1e-3
            lawson /= lawson.max()
        return [s / scale**k for s, k in zip(solution, powers)], error.max()

    while len(coefficients) <= degree:
        solution, _ = solve(rounds)
        coefficients.append(float(dtype(solution[0])))
    error = np.abs(weights * (sum(c * nodes**k for k, c in enumerate(coefficients)) - values)).max()
    return coefficients, error


def show_list(name, comment, values):
    print(f"/** {comment}. */")
    print(f"export const {name}: readonly number[] = [{', '.join(repr(v) for v in values)}];\n")


def show(name, comment, result):
    coefficients, error = result
    show_list(name, f"{comment}; error 2^{np.log2(error):.1f}", coefficients)
