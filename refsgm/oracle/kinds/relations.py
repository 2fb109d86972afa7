"""How the arguments of a random probe hang together: equal, close, or on the path of a schedule.

A branch is often taken where two arguments agree, or for the numbers of a known schedule. Drawn
apart they never do.
"""

import numpy as np

from . import published
from .along import OF_CASES, OF_TWO_DIRECTIONS, cases, two_directions
from .kind import DATA, FUNCTIONS, LEVEL, TABLES
from .wide import DECADES, DECADES_OF_ROOTS

LEAST_WEIGHT = 250.0                  # powers of ten below 1


def relate(kind, drawn, spec, rng):
    """Arguments of a random probe, some of which are made to agree; in place."""
    free = {n for n in drawn if n not in {name for name, _ in (*spec.given, *spec.at)}}
    for relation in (ends_of_levels, ends_of_rates, kernels, rates, sizes_of_data, close_data,
                     small_weights, cases_of_data, published_ones):
        relation(kind, drawn, spec, rng, free)


def ends_of_levels(kind, drawn, spec, rng, free):
    """sigma_max lies above sigma_min by any ratio, often between 1.1 and 10."""
    if {"sigma_max", "sigma_min"} <= free and "sigma_max" not in kind.draw:
        narrow, chance = spec.dtype == "float32", rng.uniform()
        power = (rng.uniform(0.04, 1) if chance < 0.45 else 10**rng.uniform(-3 if narrow else -4, 0)
                 if chance < 0.7 else rng.uniform(1, DECADES["float32"] if narrow else 12))
        one = drawn["sigma_min"] if rng.uniform() < 0.5 else drawn["sigma_max"] / 10**power
        drawn["sigma_min"], drawn["sigma_max"] = float(one), float(one * 10**power)
        if "rho" in free:                             # sums of sigma^(1 / rho) keep no more decades
            drawn["rho"] = max(drawn["rho"], power / DECADES_OF_ROOTS)


def ends_of_rates(kind, drawn, spec, rng, free):
    """beta_min and beta_max are the same, or the other way round, now and then."""
    if {"beta_min", "beta_max"} <= free:
        low, high, chance = drawn["beta_min"], drawn["beta_max"], rng.uniform()
        if chance < 0.2:
            drawn["beta_min"] = high
        elif chance < 0.4:
            drawn["beta_min"], drawn["beta_max"] = max(low, high), min(low, high)


def kernels(kind, drawn, spec, rng, free):
    """scale and sigma of the VE, the VP or the straight path, in all rows, one, or all but one."""
    if not {"scale", "sigma"} <= free or not kind.is_level("scale"):
        return
    chance, q, a = rng.uniform(), drawn["sigma"], drawn["scale"]
    if chance < 0.15:
        scale, sigma = 1 + 0 * q, q
    elif chance < 0.3:
        scale, sigma = 1 / (1 + q**2)**0.5, q / (1 + q**2)**0.5
    elif chance < 0.45:
        scale, sigma = 1 / (1 + q), q / (1 + q)
    elif chance < 0.5:
        scale, sigma = q + 0, q
    else:
        return
    some = some_rows(rng, q)
    drawn["scale"], drawn["sigma"] = (chosen(some, new, old) for new, old in (
        (scale, a), (sigma, q)))


def rates(kind, drawn, spec, rng, free):
    """The rates of the straight path, equal or opposite rates; sigma / scale falls in no row."""
    if not {"scale_rate", "sigma_rate"} <= free:
        return
    da, ds, chance = drawn["scale_rate"], drawn["sigma_rate"], rng.uniform()
    if "scale_rate" in kind.left_open:
        da, chance = np.where(da == 0, -1.0, da), min(chance, 0.24) if chance < 0.3 else 1.0
    if chance < 0.3:
        new = ((0 * da - 1, 0 * ds + 1) if chance < 0.1 else (da, da) if chance < 0.15 else
               (da, -da) if chance < 0.2 else (da, 0 * ds) if chance < 0.25 else (0 * da, ds))
        some = some_rows(rng, da)
        da, ds = chosen(some, new[0], da), chosen(some, new[1], ds)
    if kind.form == LEVEL:
        turn = np.where(drawn["scale"] * ds - drawn["sigma"] * da < 0, -1.0, 1.0)
        da, ds = turn * da, turn * ds
    drawn["scale_rate"], drawn["sigma_rate"] = (a if spec.rows else float(a) for a in (da, ds))


def sizes_of_data(kind, drawn, spec, rng, free):
    """sigma_data is sigma, or close to it, now and then; both large, or both small."""
    if {"sigma", "sigma_data"} <= free and rng.uniform() < 0.4:
        one = float(np.ravel(drawn["sigma"])[0])
        drawn["sigma_data"] = one * (1.0 if rng.uniform() < 0.4 else 10**rng.uniform(-1, 1))


def close_data(kind, drawn, spec, rng, free):
    """Two arrays of data are the same, close, or opposite, in some rows."""
    names = [n for n in kind.args if n in free & (DATA - FUNCTIONS) and np.ndim(drawn[n]) == 2
             and not kind.is_level(n) and np.shape(drawn[n]) == (spec.B, spec.D)]
    if len(names) > 1 and rng.uniform() < 0.15:
        one, other = rng.permutation(names)[:2]
        a, chance = drawn[one], rng.uniform()
        near = a + 0 if chance < 0.3 else -a if chance < 0.4 else (
            a + 10**rng.uniform(-7, -1) * drawn[other])
        drawn[other] = chosen(some_rows(rng, a), near, drawn[other])


def small_weights(kind, drawn, spec, rng, free):
    """A component weighs next to nothing; it is where a row of x is, or the others are as far from
    there as makes up for it.
    """
    if not {"x", "weights", "means", "sigma"} <= free or spec.dtype != "float64" or (
            spec.count < 2 or rng.uniform() > 0.3):
        return
    x, w, means = drawn["x"], drawn["weights"].copy(), drawn["means"].copy()
    b, j = rng.integers(len(x)), rng.integers(spec.count)
    log_w = -np.log(10) * rng.uniform(6, LEAST_WEIGHT)
    w[j] = 0.0
    if not np.any(w):
        return
    w /= np.sum(w)
    w[j] = np.exp(log_w)
    if rng.uniform() < 0.7:
        sigma = float(np.ravel(drawn["sigma"])[b if np.ndim(drawn["sigma"]) else 0])
        u = rng.standard_normal((spec.count, spec.D))
        u /= np.linalg.norm(u, axis=1, keepdims=True)
        far = sigma * np.sqrt(-2 * log_w * rng.uniform(0.7, 1.6, (spec.count, 1)))
        means = x[b] + far * u
        means[j] = x[b] + 0.3 * sigma * u[j]
    drawn["weights"], drawn["means"] = w, means


def cases_of_data(kind, drawn, spec, rng, free):
    """Data along axes, of one length and the like; two directions that are nearly one."""
    names = [n for n in kind.args if n in free & (DATA - FUNCTIONS) and np.ndim(drawn[n]) > 1
             and not kind.is_level(n) and n not in kind.draw]
    if names and rng.uniform() < 0.15:
        name, word = str(rng.choice(names)), str(rng.choice(cases(spec.dtype)))
        drawn[name] = OF_CASES[word](drawn[name], rng)
    if kind.sliced and spec.M > 1 and rng.uniform() < 0.3:
        word = str(rng.choice(list(OF_TWO_DIRECTIONS)))
        drawn["v"] = two_directions(word, rng.uniform() < 0.5)[1](drawn["v"], rng)


def published_ones(kind, drawn, spec, rng, free):
    """A table that is published but for some entries; published numbers but for one."""
    chance = rng.uniform()
    if chance < 0.15:
        for name in TABLES:
            if name in free and not kind.is_level(name) and spec.count > 1:
                word = str(rng.choice(list(published.VARIANTS)))
                n = len(drawn[name]) - (name == "alpha_bar")
                drawn[name] = published.table(name, n, word, rng)
    elif chance < 0.25:
        names = sorted({n for those in published.NUMBERS for n in those} & free)
        if names:
            but = str(rng.choice(names))
            drawn.update((n, a) for n, a in published.numbers(drawn, rng, but).items()
                         if n in free and np.ndim(drawn[n]) == 0)


def some_rows(rng, a):
    """All rows, the first, any one, or all but the first: a mask (B, 1), or True."""
    kind = rng.uniform()
    if not np.ndim(a) or kind < 0.55:
        return True
    rows = np.arange(len(a))[:, None]
    return rows == 0 if kind < 0.7 else rows > 0 if kind < 0.85 else rows == rng.integers(len(a))


def chosen(some, new, old):
    """The new numbers in some rows and the old ones in the others."""
    return new if some is True else np.where(some, new, old)
