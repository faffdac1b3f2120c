"""Prints bench/accuracy/series.ts: coefficients of series as pairs of doubles.

    python bench/accuracy/series.py > bench/accuracy/series.ts
"""

from mpmath import mp

mp.prec = 400


def parts(x, count=2):
    result = []
    for _ in range(count):
        result.append(float(x))
        x -= result[-1]
    return result


def show(comment, name, values):
    print(f"\n/** {comment} */\nexport const {name}: readonly DD[] = [")
    for value in values:
        print("  [" + ", ".join(repr(p) for p in parts(value)) + "],")
    print("];")


root = mp.findroot(mp.digamma, mp.mpf("1.4616321449683623"))
print("/** Made by series.py. */\nimport type { DD } from './double-double.ts';")
show("lgamma(2 + y)/y in y: 1 − γ, then (−1)ⁿ(ζ(n) − 1)/n", "lgammaAt2",
     [1 - mp.euler] + [(-1) ** n * (mp.zeta(n) - 1) / n for n in range(2, 58)])
show("digamma(root + h)/h in h", "digammaAtRoot", [(-1) ** (n + 1) * mp.zeta(n + 1, root) for n in range(1, 48)])
print(f"\n/** The positive root of digamma in three parts. */\nexport const digammaRoot: readonly [number, number, number] = {parts(root, 3)!r};")
show("The Bernoulli numbers B₂, B₄, …", "bernoulli", [mp.bernoulli(2 * k) for k in range(1, 17)])
show("γ and log π", "constants", [mp.euler, mp.log(mp.pi)])
