"""What a wrong product of powers is called, by rules that are walked in order.

A coefficient that should be prod q^e and is prod q^g is named by how g differs from e: g = 2 e is a
missing root, g = e / 2 a missing square, g = -e an inverse, g = 0 a missing factor.
"""

from fractions import Fraction

COUNTS = ("D", "B", "M", "L")
NATS = ("ln 2", "1/ln 2")


def name_powers(right, made):
    """The code for the powers `made` where `right` are meant, dicts over quantities; "" if equal.

    >>> name_powers({"sigma": -2}, {"sigma": -1}), name_powers({"t": 1}, {"t": 1, "D": -1})
    ('sigma-not-squared', 'sum-vs-mean')
    """
    changed = {n: (right.get(n, 0), made.get(n, 0)) for n in {**right, **made}
               if right.get(n, 0) != made.get(n, 0)}
    return next((code for code, holds in RULES if holds(changed)), "") if changed else ""


def counts_alone(changed):
    """Numbers of features, rows, directions or levels have other powers, and nothing else has."""
    return set(changed) <= set(COUNTS)


def all_times(changed, k):
    """Every changed power is k times the right one."""
    return all(before and after == k * before for before, after in changed.values())


def deviations(changed):
    """All are standard deviations, or on their scale, rather than variances."""
    return all(n.startswith(("sigma", "g", "scale", "eta", "|v|")) and "^2" not in n
               for n in changed)


def coordinates(changed):
    """The change is a factor sqrt(alpha_bar) or scale, that of VP against VE."""
    if len(changed) != 1:
        return False
    (name, (before, after)), = changed.items()
    steps = {"alpha_bar": (0.5, 1), "alpha_bar_t": (0.5,), "scale": (1, 2)}
    return abs(after - before) in steps.get(name, ()) and (before == 0 or after == 0)


def siblings(changed):
    """Two quantities are one thing at two noise levels, or one of noise and one of data."""
    if len(changed) != 2:
        return False
    a, b = changed
    pairs = (("_t", "_s"), ("sigma_i", "sigma_L"), ("_to", "_from"))
    return any(a.replace(x, y) == b or b.replace(x, y) == a for x, y in pairs)


def power_of_a_ratio(changed):
    """(a / b)^e has become (a / b)^g."""
    if not siblings(changed):
        return False
    first, second = changed.values()
    return all(first) and all(x == -y for x, y in zip(first, second))


def moved_to_sibling(changed):
    """A power has gone from one level to the other."""
    if not siblings(changed):
        return False
    (before_a, after_a), (before_b, after_b) = changed.values()
    return (after_a - before_a == before_b - after_b and bool(after_a or after_b)
            and bool(before_a or before_b))


def complements(changed):
    """q and 1 - q are confused."""
    if len(changed) != 2:
        return False
    a, b = changed
    return a == f"1 - {b}" or b == f"1 - {a}"


def one_for_another(changed):
    """A quantity is in the place of another one."""
    if len(changed) != 2 or not all(n.isidentifier() for n in changed):
        return False
    first, second = changed.values()
    return first == second[::-1] and 0 in first


def one_turned(changed):
    """One power has the other sign."""
    return len(changed) == 1 and all(before * after < 0 for before, after in changed.values())


def one_weaker(changed):
    """One power is smaller than it should be."""
    return len(changed) == 1 and all(abs(after) < abs(before) for before, after in changed.values())


RULES = (                                # the first that holds names the change
    ("sum-vs-mean", counts_alone),
    ("sigma-squared", lambda changed: all_times(changed, 2) and deviations(changed)),
    ("sqrt-missing", lambda changed: all_times(changed, 2)),
    ("sigma-not-squared", lambda changed: all_times(changed, Fraction(1, 2))
     and deviations(changed)),
    ("sqrt-extra", lambda changed: all_times(changed, Fraction(1, 2))),
    ("inverted", lambda changed: all_times(changed, -1) and not coordinates(changed)),
    ("wrong-coordinates", coordinates),
    ("wrong-power", power_of_a_ratio),
    ("wrong-level", moved_to_sibling),
    ("one-minus", complements),
    ("wrong-level", one_for_another),
    ("wrong-power", one_turned),
    ("factor-missing", one_weaker),
    ("factor-extra", lambda changed: len(changed) == 1),
    ("factor-missing", lambda changed: all(after == 0 for _, after in changed.values())),
    ("factor-extra", lambda changed: all(before == 0 for before, _ in changed.values())),
    ("wrong-factor", lambda changed: True),
)


def times(right, factor):
    """Powers of `right` times `factor`, both dicts over quantities."""
    return {n: right.get(n, 0) + factor.get(n, 0) for n in {**right, **factor}}


def name_constant(factor):
    """The code of a factor's constant other than a power of two; "" if it has none."""
    return "" if not factor.constant else "nats-vs-bits" if factor.constant in NATS else "factor"


def name_twos(factor):
    """The code of a factor's power of two."""
    return "half" if abs(factor.twos) == 1 and not factor.constant else "factor"
