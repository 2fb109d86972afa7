"""The weight of each level, as a function of the level, and how the loss is reduced.

    loss = factor sum_rows weight(level) |out - y|^2
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from .paths import constant

SAID = ("1", "sigma^2", "snr", "min-snr", "edm", "likelihood")


def of_level(path):
    """{name: weight} of the weights that have no constant to fit; q is the SNR."""
    a, b = path.a, path.b
    q = (a / b)**2
    return {"1": np.ones_like(a), "sigma^2": b**2, "1 / sigma^2": b**-2.0,
            "SNR = scale^2 / sigma^2": q, "1 / SNR": 1 / q,
            "sigma": b, "1 / sigma": 1 / b, "sqrt(SNR)": q**0.5, "1 / sqrt(SNR)": q**-0.5,
            "SNR + 1": q + 1, "1 / (SNR + 1)": 1 / (q + 1), "max(SNR, 1)": np.maximum(q, 1),
            "sigma^4": b**4, "1 / sigma^4": b**-4.0, "scale^2": a**2, "1 / scale^2": a**-2.0,
            "scale": a, "SNR^2": q**2, "sqrt(1 + SNR)": (q + 1)**0.5}


BASES = {"eps": ("min(SNR, {}) / SNR", lambda q: 1 / q),
         "x0": ("min(SNR, {})", lambda q: np.ones_like(q)),
         "v": ("min(SNR, {}) / (SNR + 1)", lambda q: 1 / (q + 1))}


class Weight(NamedTuple):
    """A weight in words, what the option `weight` calls it or "", and its values (N,) or None."""

    name: str
    said: str
    value: np.ndarray | None


def weight_of(path, w, seed, target, g2, report, tol):
    """The `Weight`, or None where the weight is no known function; mistakes are told.

    w, seed  weight and run of each row (N,);  g2  g^2 of the path's SDE at each row, or None
    """
    w = w / np.array([w[seed == s].mean() for s in range(seed.max() + 1)])[seed] * w.mean() if (
        batches_differ(path, w, seed)) else w
    q = (path.a / path.b)**2
    tol = max(tol, 1e-3)
    for name, value in of_level(path).items():
        if constant(w / value, tol) is not None:
            said = {"1": "1", "sigma^2": "sigma^2", "SNR = scale^2 / sigma^2": "snr"}.get(name, "")
            return Weight(name, said, value)
    if found := powers(path, w, tol):
        return found
    found = clamped(q, w, path.m, target, report, tol)
    if found:
        return found
    s2 = (path.ratio / path.m)**2
    if (pair := two_terms(1 / s2, w, tol)) is not None:                 # A + B / sigma^2
        A, B = pair
        if A > 0 and B > 0:
            d = float(np.sqrt(B / A))
            if path.name == "ve":
                return Weight(f"EDM's, (sigma^2 + sigma_data^2) / (sigma sigma_data)^2 with "
                              f"sigma_data = {d:.4g}", "edm", 1 / s2 + 1 / d**2)
            return Weight(f"SNR + {A / B * path.m**-2.0:.4g}", "", 1 / s2 + 1 / d**2)
    if (pair := two_terms(q, 1 / w, tol)) is not None and min(pair) > 0:
        A, B = pair
        if path.name == "ve" and target and target.said == "x0":
            report.wrong("weighting", f"the weight is EDM's with sigma_data = {(B / A)**0.5:.3g}, "
                         "but inverted", "weigh by (sigma^2 + sigma_data^2) / (sigma sigma_data)^2")
        return Weight(f"1 / (1 + {B / A:.4g} SNR)", "", 1 / (1 + B / A * q))
    if (pair := two_terms(s2, 1 / w, tol)) is not None and min(pair) > 0:
        A, B = pair
        return Weight(f"1 / (1 + {B / A:.4g} sigma^2)", "", 1 / (1 + B / A * s2))
    if target and target.said == "eps" and (pair := two_terms(1 / q, w * 1.0, tol)) is not None:
        A, B = pair
        return Weight(f"1 + {B / A:.4g} / SNR", "", 1 + B / A / q)
    if (wrong := near_edm(np.sqrt(s2), w, target, report)) is not None:
        return wrong
    if g2 is not None:
        for power, name in ((1.0, "of the score g^2, the likelihood weight"),
                            (0.5, "of the score g"), (2.0, "of the score g^4")):
            ratio = w_of_score(path, w, target) / g2**power
            slack = 2e-2 if power == 1 else 5e-3      # g^2 is a difference; near a power is not it
            if np.mean(np.abs(ratio / np.median(ratio) - 1) < slack) > 0.9:
                return Weight(name, "likelihood" if power == 1 else "", None)
    return None


def batches_differ(path, w, seed):
    """Whether weights are normalised within each batch: equal up to a factor of the batch."""
    order = np.argsort(path.ratio)
    jumps = [abs(np.log(w[i] / w[j])) for i, j in pairwise(order)
             if seed[i] != seed[j] and w[i] > 0 < w[j]
             and path.ratio[j] < path.ratio[i] * (1 + 1e-3)]
    return len(jumps) > 3 and np.median(jumps) > 0.02


def w_of_score(path, w, target):
    """The weight of the score that a weight of the prediction amounts to."""
    if target is None:
        return w
    share = {"eps": path.b, "-eps": path.b, "score": 1.0, "energy": 1.0, "noise": path.b**2,
             "-noise": path.b**2, "x0": path.b**2 / path.a, "v": path.b, "-v": path.b,
             "velocity": path.b / path.a if path.name == "flow" else None}.get(target.said)
    return w if share is None else w * share**2


def powers(path, w, tol):
    """scale^m sigma^n, where m and n are whole or half."""
    logs = np.log(np.stack([path.a, path.b, np.full_like(path.a, np.e)], axis=1))
    (m, n, _), *_ = np.linalg.lstsq(logs, np.log(np.abs(w)), rcond=None)
    m, n = (round(2 * v) / 2 for v in (m, n))
    value = path.a**m * path.b**n
    if constant(w / value, tol) is None or not (m or n):
        return None
    words = [f"{name}^{v:g}" if v != 1 else name for name, v in (("scale", m), ("sigma", n)) if v]
    return Weight(" ".join(words), "", value)


def clamped(q, w, m, target, report, tol):
    """Min-SNR weights with any gamma; a maximum, or the form of another prediction, is wrong.

    q, m  the SNR, of data that were multiplied by m
    """
    said = target.said if target else ""
    for kind, (form, base) in BASES.items():
        v = w / base(q)
        i = np.argsort(q)
        for name, pick in (("min", np.minimum), ("max", np.maximum)):
            low, high = (v / q, v) if name == "min" else (v, v / q)
            one, two = np.median(low[i[:3]]), np.median(high[i[-3:]])
            gamma = two / one if name == "min" else one / two
            if not 1e-3 < gamma < 1e4 or q.min() > gamma or q.max() < gamma:
                continue
            value = base(q) * pick(q, gamma)
            if constant(w / value, tol) is None:
                continue
            text = form.format(f"{gamma:.4g}").replace("min", name)
            if name == "max" and abs(gamma * m**2 - 1) < 2e-2:           # 1 in units of the data
                text += ", SNR truncated at 1"
            elif name == "max":
                report.wrong("min-vs-max", f"the weight is {text}, where min-SNR takes the minimum")
            elif said.lstrip("-") in BASES and kind != said.lstrip("-"):
                report.wrong("weighting", f"the weight is {text}, which is min-SNR's for {kind}, "
                             f"and the network predicts {said}; it should be "
                             + BASES[said.lstrip('-')][0].format(f"{gamma:.4g}"))
            return Weight(text, "min-snr" if name == "min" else "", value)
        for gamma in (1.0, 2.0, 5.0, 10.0, 20.0):                       # the weight plus one
            value = base(q) * np.minimum(q, gamma) + 1
            if constant(w / value, tol) is not None:
                report.wrong("weighting", f"the weight is {form.format(f'{gamma:g}')} + 1; "
                             "min-SNR's for v is min(SNR, gamma) / (SNR + 1)")
                return Weight(form.format(f"{gamma:g}") + " + 1", "min-snr", value)
    return None


def two_terms(u, w, tol):
    """(A, B) with w = A + B u, or None."""
    M = np.stack([np.ones_like(u), u], axis=1) / w[:, None]
    (A, B), *_ = np.linalg.lstsq(M, np.ones_like(w), rcond=None)
    return (A, B) if np.abs(M @ (A, B) - 1).max() < tol else None


def near_edm(s, w, target, report):
    """Weights of x_0 that are EDM's but for one slip, or None."""
    if target is None or target.said != "x0":
        return None
    for d in np.linspace(0.05, 2.0, 391):
        for value, sentence in (((s**2 + d**2) / (s + d)**2, "(sigma + sigma_data)^2 stands where "
                                 "(sigma sigma_data)^2 is meant"),
                                ((s**2 + d**2)**0.5 / (s * d), "its square root is taken"),
                                ((s**2 + d**2) / (s * d), "the denominator is not squared"),
                                ((s * d)**2 / (s**2 + d**2), "it is inverted")):
            if constant(w / value, 5e-3) is not None:
                report.wrong("weighting", f"the weight is EDM's with sigma_data = {d:.3g}, but "
                             + sentence, "weigh by (sigma^2 + sigma_data^2) / (sigma sigma_data)^2")
                return Weight("none of the known ones", "", value)
    return None


def reduction(w, weight, per_row, batch, returned, half_of=2.0):
    """How squares are summed up, in words; `returned` is the shape of what the loss returns."""
    c = float(np.median(w / weight)) / half_of
    n, B = per_row, batch
    known = ((1 / (n * B), "mean over everything"),
             (1 / B, "sum over features, mean over the batch"),
             (0.5 / B, "half the sum over features, mean over the batch"),
             (0.5 / (n * B), "half the mean over everything"),
             (1.0, "sum over everything"), (0.5, "half the sum over everything"),
             (1 / n, "mean over features, sum over the batch"))
    if returned and returned[0] == B:
        known = ((1.0, "one number per entry"),) if int(np.prod(returned)) == n * B else (
            (1 / n, "mean over features, one number per row"),
            (1.0, "sum over features, one number per row"),
            (0.5, "half the sum over features, one number per row"))
    name = next((text for v, text in known if abs(c / v - 1) < 2e-3), None)
    return name or f"sum of squares times {c:.4g} (1 / {1 / c:.4g})"
