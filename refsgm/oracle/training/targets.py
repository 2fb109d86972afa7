"""What the network is to predict: y = p x_0 + q eps on the path x_t = a x_0 + b eps.

As long as p b - q a is not zero, any such network gives the clean data and the score,

    x_0 = (b y - q x_t) / (p b - q a)        score = (a x_0 - x_t) / b^2
"""

from typing import NamedTuple

import numpy as np

from .paths import constant


class Target(NamedTuple):
    """A prediction in words, as `predicts` calls it, and the formulas of score and x_0.

    sigma_data  of EDM's inner network, whose input is multiplied by c_in, else 0
    """

    name: str
    said: str
    score: str
    x_0: str
    sigma_data: float = 0.0


EPS = Target("eps", "eps", "-out / sigma", "(x_t - sigma out) / scale")
MINUS_EPS = Target("-eps, sigma times the score", "-eps", "out / sigma",
                   "(x_t + sigma out) / scale")
X_0 = Target("x_0", "x0", "(scale out - x_t) / sigma^2", "out")
V = Target("v = scale eps - sigma x_0", "v", "-(sigma x_t + scale out) / (sigma (scale^2 + "
           "sigma^2))", "(scale x_t - sigma out) / (scale^2 + sigma^2)")
MINUS_V = Target("-v = sigma x_0 - scale eps", "-v", "-(sigma x_t - scale out) / (sigma (scale^2 "
                 "+ sigma^2))", "(scale x_t + sigma out) / (scale^2 + sigma^2)")
SCORE = Target("the score, -eps / sigma", "score", "out", "(x_t + sigma^2 out) / scale")
ENERGY = Target("minus the score, eps / sigma: the gradient of an energy", "energy", "-out",
                "(x_t - sigma^2 out) / scale")
NOISE = Target("the noise sigma eps", "noise", "-out / sigma^2", "(x_t - out) / scale")
MINUS_NOISE = Target("-sigma eps, sigma^2 times the score", "-noise", "out / sigma^2",
                     "(x_t + out) / scale")
FLOW = Target("the velocity eps - x_0", "velocity", "-(x_t + (1 - sigma) out) / sigma",
              "x_t - sigma out")
BACK = Target("the velocity x_0 - eps", "velocity", "((1 - sigma) out - x_t) / sigma",
              "x_t + sigma out")
STEP_BACK = Target("the mean of the step before, given x_t and x_0", "mean",
                   "by x_0", "(out - c_2 x_t) / c_1 with the posterior's c_1 x_0 + c_2 x_t")
OT = Target("the velocity x_0 - (1 - sigma_min) eps", "velocity", "(scale x_0 - x_t) / sigma^2",
            "(1 - sigma_min) x_t + sigma out")
OT_BACK = Target("the velocity (1 - sigma_min) eps - x_0", "velocity",
                 "(scale x_0 - x_t) / sigma^2", "(1 - sigma_min) x_t - sigma out")
SPEED = Target("the velocity of the path, d scale/dt x_0 + d sigma/dt eps", "velocity",
               "refsgm.score_from_velocity(x_t, out, scale, sigma, scale_rate, sigma_rate)",
               "refsgm.x0_from_score(x_t, score, scale, sigma)")


def known(path):
    """(target, p, q) that belong to a path."""
    a, b, one, no = path.a, path.b, np.ones_like(path.a), np.zeros_like(path.a)
    rows = [(EPS, no, one), (X_0, one, no), (SCORE, no, -1 / b), (MINUS_EPS, no, -one),
            (NOISE, no, b), (MINUS_NOISE, no, -b), (ENERGY, no, 1 / b)]
    if path.name == "flow":
        rows += [(FLOW, -one, one), (BACK, one, -one)]
    if np.ptp(a) > 1e-3 * a.max() or path.name != "ve":
        rows += [(V, -b, a), (MINUS_V, b, -a)]
    return rows


def mistaken(path):
    """(code, what is wrong, p, q) of targets that are near one."""
    a, b, s = path.a, path.b, path.b / path.a
    one, no = np.ones_like(a), np.zeros_like(a)
    rows = [("sigma-squared", "the target is -eps / sigma^2, where the score is -eps / sigma", no,
             -1 / b**2),
            ("sigma-squared", "the target is eps / sigma^2, where the score is -eps / sigma", no,
             1 / b**2),
            ("sqrt-missing", "the target is divided by the root of the level: -eps / sqrt(sigma), "
             "where the score is -eps / sigma", no, -1 / np.sqrt(b)),
            ("sign", "the target is -x_0", -one, no),
            ("argument-ignored", "the target is the network's own input, so there is nothing to "
             "learn", a, b),
            ("wrong-level", "the target is the noisy data without their scale: nothing to learn",
             one, s),
            ("sign", "the target is x_0 + eps, where a velocity is their difference", one, one),
            ("sign", "the target is -(x_0 + eps), where a velocity is their difference", -one,
             -one),
            ("sign", "the target is sigma x_0 + scale eps, where v = scale eps - sigma x_0", b, a),
            ("sign", "the target is -(sigma x_0 + scale eps), where v = scale eps - sigma x_0", -b,
             -a)]
    if np.abs(a - b).max() > 1e-3:
        rows += [("swapped-arguments", "scale and sigma are exchanged in v = scale eps - sigma x_0",
                  -a, b), ("swapped-arguments", "x_0 and eps are exchanged in v = scale eps - "
                  "sigma x_0", a, -b)]
    rows += [("path-and-target", "the target eps - x_0 is the velocity of the linear flow, and the "
              "noisy data are not on it", -one, one),
             ("path-and-target", "the target x_0 - eps is the velocity of the linear flow, and the "
              "noisy data are not on it", one, -one)]
    return rows


def near(value, right, tol):
    """Whether two coefficients agree, in units of the larger of 1 and the right one."""
    return bool(np.all(np.abs(value - right) <= tol * (1 + np.abs(right))))


def target_of(path, p, q, time, report, tol):
    """The `Target`, or None; what is wrong with it is told to the report."""
    fits = [t for t, P, Q in known(path) if near(p, P, tol) and near(q, Q, tol)]
    if fits:
        return fits[0]
    if max(np.abs(p).max(), np.abs(q).max()) < tol:
        if not report.problems:
            report.wrong("wrong-factor", "the target is zero: it holds neither data nor noise")
        return None
    if path.name == "flow" and abs(path.m - 1) > tol:              # sigma = 1 - (1 - sigma_min) t
        for target, sign in ((OT_BACK, 1.0), (OT, -1.0)):
            if near(q * path.m, sign + 0 * q, tol) and near(p * path.m, -sign + 0 * p, tol):
                return target
    if (speed := rate(path, p, q, time, report)) is not None:
        return speed
    if path.name == "vp" and step_back(path, p, q):
        return STEP_BACK
    if path.name in ("ve", "vp") or path.m != 1:
        before = len(report.problems)
        edm = preconditioned(path, p, q, report, tol)
        if edm or len(report.problems) > before:
            return edm
    for code, sentence, P, Q in mistaken(path):
        if near(p, P, tol) and near(q, Q, tol):
            report.wrong(code, sentence, "make the target scale eps - sigma x_0" if code ==
                         "swapped-arguments" else "")
            return None
    for target, P, Q in known(path) if abs(path.m - 1) > tol else ():
        if near(p * path.m, P, tol) and near(q, Q, tol):
            report.wrong("wrong-coordinates", f"the target is {target.name} of data that are not "
                         f"multiplied by {path.m:.4g}, as those in the network's input are",
                         "use the same data in both")
            return None
    for target, P, Q in known(path):
        size = np.hypot(P, Q)
        c = constant((p * P + q * Q) / size**2, max(tol, 1e-3))
        if c is not None and near(p, c * P, tol) and near(q, c * Q, tol):
            if target.said == "velocity":
                return faster(target, c, report)
            if abs(c * path.m - 1) < tol or abs(c / path.m - 1) < tol:
                report.wrong("wrong-coordinates", f"the target is {c:.4g} times {target.name}: the "
                             f"data in the network's input are multiplied by {path.m:.4g} first, "
                             "those in the target are not")
            else:
                report.wrong("factor" if c > 0 else "sign",
                             f"the target is {c:.4g} times {target.name}")
            return None
    unknown(path, p, q, report, tol)
    return None


def faster(target, c, report):
    """A velocity in another unit of time."""
    c = float(f"{c:.3g}") if target is SPEED else c
    report.notes.append(f"the velocity is that of a time that runs {1 / abs(c):.4g} times as fast")
    return target._replace(name=f"{c:.4g} times {target.name}",
                           score=target.score.replace("out", f"out / {c:.4g}"),
                           x_0=target.x_0.replace("out", f"out / {c:.4g}"))


def rate(path, p, q, time, report):
    """SPEED where (p, q) are the rates of a and b in the network's time, else None.

    A path that is known by its velocity alone is none that is near another.
    """
    if time is None or len(np.unique(time)) < 24:
        return None
    from scipy.interpolate import CubicSpline
    t, i = np.unique(time, return_index=True)
    rates = CubicSpline(t, np.stack([path.a[i], path.b[i]], axis=1))(t, 1).T
    told = np.stack([p[i], q[i]])
    inner = slice(len(t) // 20 + 1, -len(t) // 20 - 1)
    c = np.median(np.sum(rates * told, axis=0)[inner] / np.sum(rates * rates, axis=0)[inner])
    left = np.hypot(*(told - c * rates))[inner] / np.hypot(*told)[inner]
    if np.mean(left < 0.02) < 0.85 or np.ptp(told, axis=1).max() < 1e-3:
        return None
    report.problems[:] = [d for d in report.problems if d.code not in ("wrong-factor",
                                                                       "factor-missing")]
    report.unjudged[:] = [s for s in report.unjudged if not s.startswith("the path")]
    if c < 0:
        report.wrong("sign", "the target is minus the velocity of the path in the time that the "
                     "network is told", "change the sign of the target, or the time")
    return SPEED if abs(abs(c) - 1) < 0.02 else faster(SPEED, c, report)


def step_back(path, p, q):
    """Whether the target is the mean of a DDPM step from t to some level before it."""
    a, b = path.a, path.b
    two = q / b
    one = (p - two * a) * b**2
    before = (one + np.sqrt(one**2 + 4 * a**2)) / 2                  # its scale
    return bool(np.all(np.abs(two * b**2 - a / before * (1 - before**2)) < 1e-3)
                and np.all(before >= a - 1e-6) and np.all(before < 1 + 1e-6)
                and np.abs(two).max() > 1e-3 and np.abs(one).max() > 1e-6)


def preconditioned(path, p, q, report, tol):
    """EDM's inner network: D = c_skip x + c_out F, with what is wrong in c_skip or c_out."""
    raw, s = p * path.m, path.b / (path.a * path.m)              # in units of the data
    if np.abs(raw).min() < 1e-9 or np.abs(q).min() < 1e-12:
        return None
    with np.errstate(divide="ignore"):
        skip = 1 / (1 - s * raw / q)
    out = -skip * s / q
    with np.errstate(all="ignore"):
        d2 = constant(s**2 * skip / (1 - skip), 20 * tol)
        reversed_d2 = constant(s**2 * (1 - skip) / skip, 20 * tol)
    if d2 is None or d2 <= 0:
        if (found := consistency(s, skip, out, 20 * tol)) is not None:
            return found
        if reversed_d2 and reversed_d2 > 0 and abs(reversed_d2 - s[0]**2) > 0:
            report.wrong("one-minus", "c_skip is sigma^2 / (sigma^2 + sigma_data^2), where the "
                         "numerator is sigma_data^2")
            return None
        return None
    d = float(np.sqrt(d2))
    right = s * d / np.sqrt(s**2 + d2)
    c = constant(out / right, 20 * tol)
    if path.name == "vp" and abs(path.m * d - 1) > 20 * tol:
        report.wrong("wrong-factor", f"c_in has sigma_data = {1 / path.m:.4g}, and c_skip {d:.4g}")
    if c is None:
        if constant(out / (right / np.sqrt(s**2 + d2)), 20 * tol) is not None:
            report.wrong("sqrt-missing", "a square root is missing in c_out = sigma sigma_data / "
                         "sqrt(sigma^2 + sigma_data^2)")
        else:
            report.wrong("wrong-factor", "c_skip is EDM's, and c_out is not sigma sigma_data / "
                         "sqrt(sigma^2 + sigma_data^2)")
        return None
    if abs(c * d - 1) < 20 * tol and abs(d - 1) > 1e-3:
        report.wrong("factor-missing", f"c_out lacks the factor sigma_data = {d:.4g}")
        return None
    if abs(abs(c) - 1) > 20 * tol:
        report.wrong("factor" if c > 0 else "sign", f"c_out is {c:.4g} times EDM's")
        return None
    if c < 0:
        return Target("v of the data over sigma_data, D = c_skip x - c_out v, with sigma_data = "
                      f"{d:.4g}", "v", "(D - x) / sigma^2 with D = c_skip x - c_out out",
                      "c_skip x - c_out out")
    if path.name == "ve":
        report.wrong("factor-missing", "the input of EDM's inner network is not multiplied by "
                     "c_in = 1 / sqrt(sigma^2 + sigma_data^2)", "multiply it by c_in")
    return Target(f"EDM's inner network F, D = c_skip x + c_out F, sigma_data = {d:.4g}", "edm",
                  "(D - x) / sigma^2 with D = c_skip x + c_out out", "c_skip x + c_out out")


def consistency(s, skip, out, tol):
    """The inner network of a consistency model, whose scalings begin at sigma_min; None if not.

        c_skip = sigma_data^2 / ((sigma - sigma_min)^2 + sigma_data^2)
        c_out  = sigma_data (sigma - sigma_min) / sqrt(sigma^2 + sigma_data^2)
    """
    with np.errstate(all="ignore"):
        root = np.sqrt((1 - skip) / skip)                    # (sigma - sigma_min) / sigma_data
    if not np.isfinite(root).all() or np.ptp(s) == 0:
        return None
    slope, start = np.polyfit(s, root, 1)
    d, least = 1 / slope, -start / slope
    if least <= 0 or np.abs(slope * s + start - root).max() > tol * root.max():
        return None
    if constant(out * np.sqrt(s**2 + d**2) / (d * (s - least)), tol) is None:
        return None
    return Target(f"the inner network F of a consistency model, D = c_skip x + c_out F, sigma_data "
                  f"= {d:.4g}, sigma_min = {least:.4g}", "edm",
                  "(D - x) / sigma^2 with D = c_skip x + c_out out", "c_skip x + c_out out")


def against(path, p, q, said, report, tol):
    """What is wrong with a target that is not the one that is said, nor any other known one."""
    right = {t.said: (P, Q) for t, P, Q in known(path)}.get(said)
    if right is None:
        right = {"velocity": (-np.ones_like(p), np.ones_like(q))}.get(said, (p, q))
    squares = [np.sign(a) * a**2 for a in right]
    if near(p, squares[0], tol) and near(q, squares[1], tol):
        report.wrong("sqrt-missing", f"predicts={said!r} is said, and the factors of x_0 and eps "
                     "in the target are the squares of the right ones")
    else:
        report.wrong("path-and-target", f"predicts={said!r} is said, and the target is not that: "
                     + report.unjudged[-1].partition(": ")[2])
    report.unjudged[:] = [s for s in report.unjudged if not s.startswith("the target")]


def unknown(path, p, q, report, tol):
    """A target that is none of the known ones: p and q are told, and nothing is said against it."""
    i = np.argsort(path.b)[[0, len(path.b) // 2, -1]]
    at = "; ".join(f"{p[k]:.4g} x_0 {'+' if q[k] >= 0 else '-'} {abs(q[k]):.4g} eps where scale = "
                   f"{path.a[k]:.4g}, sigma = {path.b[k]:.4g}" for k in i)
    report.unjudged.append(f"the target is p x_0 + q eps with no known p and q: {at}")
    with np.errstate(all="ignore"):
        some = np.abs(p * path.b - q * path.a) / (np.hypot(p, q) * np.hypot(path.a, path.b))
    if np.nanmin(some) > tol:
        report.facts["score"] = "(scale x_0 - x_t) / sigma^2"
        report.facts["x_0"] = "(sigma out - q x_t) / (p sigma - q scale)"
