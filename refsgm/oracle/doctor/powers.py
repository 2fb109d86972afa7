"""Dimensional fits: a ratio as a product of powers, an offset as a sum of logarithms, both exact.

    got / expected = +- 2^a prod_k q_k^(p_k),     a and p_k multiples of 1/2
    got - expected = sum_k c_k l_k,               c_k multiples of 1/2

A mistake by a factor is such a product of the quantities in the formula, whichever mistake it is.
Both are linear least squares (the first in logarithms) whose solution must round to halves and then
fit to rounding error, over rows where all quantities vary; the smallest set of quantities wins.
"""

import itertools
import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np

HALF = Fraction(1, 2)
LARGEST_SET = 4                        # quantities in one fit
CONSTANTS = {"": 1.0, "ln 2": math.log(2), "pi": math.pi, "3": 3.0, "1000": 1000.0}
POWERS = tuple(Fraction(n, 2) for n in (0, 2, -2, 4, -4, 1, -1))       # of a term in a sum of two


class Degenerate(ArithmeticError):
    """Features that are not independent here: the weights are not determined."""


class Monomial(NamedTuple):
    """sign * 2^twos * constant * product of name^power, powers in halves."""

    sign: int
    twos: Fraction
    constant: str
    powers: dict

    def __call__(self, quantities):
        """Its value, an array shaped like the quantities."""
        value = self.sign * 2.0**float(self.twos) * CONSTANTS[self.constant.removeprefix("1/")]**(
            -1 if self.constant.startswith("1/") else 1)
        for name, power in self.powers.items():
            value = value * quantities[name]**float(power)
        return value

    def __str__(self):
        """In plain text, such as -2 sigma^2 / sqrt(D)."""
        over, under = self.numbers()
        for name, power in self.powers.items():
            (over if power > 0 else under).append(power_text(name, abs(power)))
        text = " ".join(over) or "1"
        if under:
            text += " / " + (under[0] if len(under) == 1 else f"({' '.join(under)})")
        return ("-" if self.sign < 0 else "") + text

    def numbers(self):
        """Texts of the constant and the power of two, those that multiply and those that divide."""
        name, divides = self.constant.removeprefix("1/"), self.constant.startswith("1/")
        whole = self.twos.denominator == 1
        over, under = [], []
        if name == "3" and whole and (self.twos >= 0) != divides:         # 3 and 2^n in one number
            (under if divides else over).append(str(int(3 * 2**abs(self.twos))))
            return over, under
        if self.twos:
            size = abs(self.twos)
            (over if self.twos > 0 else under).append(
                str(int(2**size)) if whole else "sqrt(2)" if size == HALF else f"2^({size})")
        if name:
            (under if divides else over).append(name)
        return over, under


def power_text(name, power):
    """name^power as one would write it."""
    plain = name.isidentifier() or name.startswith("|")
    inner = name if plain else f"({name})"
    if power == 1:
        return inner
    if power == HALF:
        return f"sqrt({name})"
    return f"{inner}^{power}" if power.denominator == 1 else f"{inner}^({power})"


def monomials(ratio, quantities, slack):
    """All products of the fewest quantities that equal `ratio` (N,), a list of `Monomial`.

    quantities  name -> positive values (N,)
    slack       relative error allowed for each row (N,)
    """
    if len(ratio) == 0 or not np.all(np.isfinite(ratio)) or np.any(ratio == 0):
        return []
    if len(set(np.sign(ratio))) != 1:
        return []
    target, slack = np.log2(np.abs(ratio)), np.maximum(slack, 1e-12) * 1.5
    logs = {name: np.log2(q) for name, q in quantities.items()
            if np.all(np.isfinite(q)) and np.all(q > 0) and np.ptp(np.log2(q)) > 1e-3}
    for size in range(min(LARGEST_SET, len(logs)) + 1):
        if size and len(ratio) < size + 3:
            break
        found = []
        for names in itertools.combinations(logs, size):
            A = np.stack([np.ones_like(target), *(logs[n] for n in names)], axis=1)
            solution, _, rank, _ = np.linalg.lstsq(A, target, rcond=1e-10)
            if rank < size + 1:
                continue
            powers = halves(solution[1:])
            if powers is None or not all(powers):
                continue
            rest = target - A[:, 1:] @ np.array([float(p) for p in powers])
            for constant, twos in constants(float(np.median(rest))):
                value = float(twos) + constant_log2(constant)
                if np.all(np.abs(rest - value) <= slack):
                    found.append(Monomial(int(np.sign(ratio[0])), twos, constant,
                                          dict(zip(names, powers))))
                    break
        if found:
            return sorted(found, key=lambda factor: sum(map(abs, factor.powers.values())))
    return []


def two_terms(ratio, quantities, slack):
    """`ratio` (N,) as a sum of two powers of quantities, in words, or ""; coefficients in halves.

    quantities  name -> positive values (N,);  slack  relative error allowed for each row (N,)
    """
    if len(ratio) < 6 or not np.all(np.isfinite(ratio)):
        return ""
    slack = np.maximum(slack, 1e-12) * np.abs(ratio) * 3
    terms = {"1": np.ones_like(ratio)}
    for name, q in quantities.items():
        if np.all(np.isfinite(q)) and np.all(q > 0) and np.ptp(q) > 1e-3 * np.max(q):
            for power in POWERS[1:]:
                text = power_text(name, abs(power))
                terms[text if power > 0 else f"1 / {text}"] = q**float(power)
    for (a, x), (b, y) in itertools.combinations(terms.items(), 2):
        xx, xy, yy = x @ x, x @ y, y @ y
        determinant = xx * yy - xy**2
        if determinant <= 1e-12 * xx * yy:
            continue
        weights = halves([(yy * (x @ ratio) - xy * (y @ ratio)) / determinant,
                          (xx * (y @ ratio) - xy * (x @ ratio)) / determinant])
        if weights and all(weights) and np.all(
                np.abs(ratio - float(weights[0]) * x - float(weights[1]) * y) <= slack):
            return f"{times(weights[0], a)} + {times(weights[1], b)}".replace("+ -", "- ")
    return ""


def times(weight, term):
    """A term with its coefficient, as one would write it."""
    if term == "1" or abs(weight) != 1:
        return str(weight) if term == "1" else f"{weight} {term}"
    return term if weight > 0 else f"-{term}"


def halves(values, near=0.02):
    """The values as multiples of 1/2, or None when one of them is far from all."""
    twice = [round(2 * float(v)) for v in values]
    if any(abs(n / 2 - v) > near for n, v in zip(twice, values)):
        return None
    return [Fraction(n, 2) for n in twice]


def constant_log2(constant):
    """log2 of a named constant or of one over it."""
    value = math.log2(CONSTANTS[constant.removeprefix("1/")])
    return -value if constant.startswith("1/") else value


def constants(log2):
    """(name, power of two) of the constants near 2^log2, simplest first."""
    for name in ("", *[c for c in CONSTANTS if c], *[f"1/{c}" for c in CONSTANTS if c]):
        twos = halves([log2 - constant_log2(name)], near=0.01)
        if twos is not None and abs(twos[0]) <= 6:
            yield name, twos[0]


def offsets(difference, logs, slack):
    """All sums of the fewest logarithms that equal `difference` (N,): dicts name -> Fraction.

    logs   name -> values (N,), such as "D log sigma"
    slack  absolute error allowed for each row (N,)
    """
    if len(difference) == 0 or not np.all(np.isfinite(difference)):
        return []
    for size in range(1, LARGEST_SET + 1):
        found = []
        for names in itertools.combinations(logs, size):
            A = np.stack([logs[n] for n in names], axis=1)
            solution, _, rank, _ = np.linalg.lstsq(A, difference, rcond=1e-10)
            if rank < size or len(difference) < size + 2:
                continue
            weights = halves(solution)
            if weights is None or not all(weights):
                continue
            if np.all(np.abs(difference - A @ np.array([float(w) for w in weights])) <= slack):
                found.append(dict(zip(names, weights)))
        if found:
            return found
    return []


def coefficients(rows, features, slack):
    """Weights c (K,) with rows = sum_k c_k features_k and their slack (K,), or None.

    Weighted least squares: every row counts in units of the error allowed for it, and all must
    fit. Raises Degenerate for features that depend on each other.

    rows      values (N,)
    features  arrays (K, N)
    slack     absolute error allowed for each value (N,)
    """
    if not np.all(np.isfinite(rows)) or not np.all(np.isfinite(features)):
        return None
    unit = np.maximum(slack, 1e-14 * np.max(np.abs(rows), initial=1e-100))
    table = features / unit
    size = np.sqrt(np.sum(table**2, axis=1))
    live = size > 0
    if len(rows) <= np.sum(live):
        return None
    scaled = (table[live] / size[live, None]).T                                         # (N, K)
    U, d, V = np.linalg.svd(scaled, full_matrices=False)
    if d[-1] < 1e-7 * d[0]:
        raise Degenerate
    solution = V.T @ (U.T @ (rows / unit) / d)
    if np.any(np.abs(rows / unit - scaled @ solution) > 30):
        return None
    result, error = np.zeros(len(features)), np.full(len(features), np.inf)
    result[live] = solution / size[live]
    error[live] = 10 * np.sqrt(np.sum((V.T / d)**2, axis=1)) / size[live]
    error[~live] = 0.0
    return result, error
