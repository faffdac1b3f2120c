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
