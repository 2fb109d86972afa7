"""How the network is told the level, which levels are drawn, and whether the two agree."""

import numpy as np

from .record import few_digits

FEW = 32                                    # times that are told apart too coarsely, if below that
SAID = ("sigma", "log sigma / 4", "log sigma", "t", "index")


def forms(path):
    """{name: function of the level} of what a network may be told."""
    a, b, s = path.a, path.b, path.ratio / path.m
    with np.errstate(divide="ignore"):
        rows = {"sigma": b, "sigma_VE = sigma / scale": s, "log(sigma)": np.log(b),
                "log(sigma / scale)": np.log(s), "log SNR": -2 * np.log(path.ratio),
                "alpha_bar = scale^2": a**2, "scale": a, "sigma^2": b**2, "sqrt(sigma)": b**0.5,
                "(2 / pi) atan(sigma / scale)": np.arctan(path.ratio) * 2 / np.pi,
                "1 / sigma": 1 / b}
    if path.name == "flow":
        rows = {"t = sigma, data at t = 0": b, "t = scale, data at t = 1": a, **rows}
    if path.name == "ve":
        rows.pop("sigma_VE = sigma / scale"), rows.pop("log(sigma / scale)")
        if path.m == 1:
            rows.pop("scale"), rows.pop("alpha_bar = scale^2")
    return rows


def time_of_level(path, time, dtype, report, tol):
    """(in words, name) of the time; what is wrong with it is told to the report."""
    if time is None and dtype == "embedded":
        return "not read: no further argument of the network is one number per row", ""
    if time is None:
        report.notes.append("the network is given no level: it has to guess the noise from its "
                            "input")
        return "none", ""
    several = np.ptp(path.ratio) > 1e-6 * path.ratio.max()
    if several and np.ptp(time) == 0:
        report.wrong("argument-ignored", "the network is told the same time at all levels",
                     "pass the level of each row")
        return "the same at all levels", ""
    if ("bfloat16" in dtype or "float16" in dtype) and len(set(np.round(time, 3))) > 3:
        report.wrong("low-precision", f"the level is passed to the network as {dtype}, which has "
                     f"{'8' if 'bf' in dtype else '11'} bits", "pass it as float32")
    fits = fitting(path, time, max(tol, 1e-4))
    if not fits and (rounded := few_digits(time)) and not whole(time) and (
            fits := fitting(path, time, 8e-3)):
        report.wrong("low-precision", f"the network is told {fits[0][0]} rounded to {rounded}",
                     "pass the level in float32")
    if fits:
        name, slope, start = fits[0]
        return said_as(path, name, slope, start, report), name
    return by_order(path, time, report)


def likeliest(told, level, embedded):
    """(time, dtype) of the argument that goes with the level, among those that may be the time."""
    if not told:
        return None, "embedded" if embedded else ""
    moving = [item for item in told if np.ptp(item[0]) > 0]
    return next((item for item in moving if direction(item[0], level)), (moving or told)[0])


def direction(time, level):
    """1 if the level rises with the time, -1 if it falls, 0 if it is no monotone function of it."""
    order = np.lexsort((level, time))
    t, level = time[order], level[order]
    same, rise = np.diff(t) == 0, np.diff(level)
    size = np.abs(level[1:]) + np.abs(level[:-1])
    if (np.abs(rise[same]) > 1e-3 * size[same]).any():
        return 0
    rise, size = rise[~same], size[~same]
    falls, rises = (rise < 1e-6 * size).all(), (rise > -1e-6 * size).all()
    return (1 if (rise > 0).sum() > (rise < 0).sum() else -1) if rises or falls else 0


def rounded_direction(time, level, report):
    """`direction` of a time that is the same for neighbouring levels; few times are wrong."""
    count = len(np.unique(time))
    for way in (1, -1):
        if (np.diff(level[np.lexsort((level, way * time))]) >= 0).all() and count > 1:
            if count < FEW:
                report.wrong("low-precision", f"the network is told {count} different times for "
                             f"{len(np.unique(level))} levels: the time is rounded",
                             "pass the level of each row as it is")
            else:
                report.notes.append(f"neighbouring levels are told by the same time: {count} times "
                                    f"for {len(np.unique(level))} levels")
            return way
    return 0


def fitting(path, time, tol):
    """[(name, slope, start)] of the forms in which the time is a line, the simplest first."""
    fits = [(name, *fit) for name, value in forms(path).items()
            if (fit := affine(time, value, tol)) is not None]
    if whole(time):
        fits = [f for f in fits if f[0].startswith("t =") or abs(f[1] - 1) < 1e-3]
    return sorted(fits, key=lambda f: (abs(f[1] - 1) + abs(f[2]) > 1e-3, f[1] < 0,
                                       abs(f[2]) > 1e-3))


def said_as(path, name, slope, start, report):
    """A time that is affine in a known function of the level, in words."""
    four = "log(sigma" in name and abs(slope - 0.25) < 1e-3 and abs(start) < 1e-3
    if four:
        return name + " / 4"
    words = name if abs(slope - 1) < 1e-3 else f"{slope:.5g} times {name}"
    if abs(start) > 1e-3 * max(abs(slope), 1):
        words += f" {'+' if start > 0 else '-'} {abs(start):.4g}"
    if path.name == "ve" and name in ("sigma^2", "sqrt(sigma)") and abs(slope - 1) < 1e-3:
        report.wrong("sigma-squared" if name == "sqrt(sigma)" else "sigma-not-squared",
                     f"the network is told {name}, where the noise in its input has standard "
                     "deviation sigma: a variance and a standard deviation are confused")
    return words


def affine(time, value, tol):
    """(slope, start) with time = slope value + start, or None."""
    if not np.isfinite(value).all() or np.ptp(value) == 0:
        return None
    M = np.stack([value, np.ones_like(value)], axis=1)
    fit, *_ = np.linalg.lstsq(M, time, rcond=None)
    return fit if np.abs(M @ fit - time).max() <= tol * np.ptp(time) else None


def by_order(path, time, report):
    """A time that is no known function: the level must be a monotone function of it."""
    way = direction(time, path.ratio) or rounded_direction(time, path.ratio, report)
    if not way:
        report.wrong("wrong-level", "the level is no monotone function of the time that the "
                     "network is told: it is told another time than the one with which the data "
                     "were made noisy", "draw the time once, and use it in both places")
        return "not that of the level", ""
    up = "rises" if way > 0 else "falls"
    kind = "an integer, the index of a table," if whole(time) else "a number that"
    return f"{kind} {up} with the noise, from {time.min():.4g} to {time.max():.4g}".replace(
        ", rises", " that rises").replace(", falls", " that falls"), "index" if whole(time) else "t"


def whole(time):
    return bool(np.all(time == np.round(time)))


def against_table(path, time, alpha_bar, report, tol):
    """Compare the level at each integer time with the user's table."""
    table = np.asarray(alpha_bar, dtype=float).reshape(-1)
    if time is None or not whole(time):
        report.notes.append("alpha_bar is not compared, as the network is told no integer")
        return
    t, share = time.astype(int), path.a**2

    def off(k, values=share):
        i = t + k
        if i.min() < 0 or i.max() >= len(table):
            return np.inf
        return np.abs(table[i] - values).max()
    tol = max(tol, 1e-5)
    clean_first = abs(table[0] - 1) < 1e-12
    found = next((k for k in (0, 1, -1, 2, -2) if off(k) < tol), None)
    if found == 0 or found == 1 and clean_first and t.min() >= 0:
        report.notes.append("the levels are those of alpha_bar at the network's time"
                            + (", counted from 0 for the first noise level" if found else ""))
    elif found is not None:
        report.wrong("index-shift", f"the network is told t, and the data have the level of "
                     f"alpha_bar[t {'+' if found > 0 else '-'} {abs(found)}]",
                     "use the same index for the level and for the network's time")
    elif off(0, 1 - share) < tol or off(0, path.b) < tol and path.name == "vp":
        report.wrong("one-minus", "alpha_bar and 1 - alpha_bar are exchanged")
    elif off(0, path.a) < tol:
        report.wrong("sqrt-missing", "scale is alpha_bar, where its square root is meant")
    elif np.abs(table[len(table) - 1 - t] - share).max() < tol:
        report.wrong("reversed", "the levels are those of the table in reverse order")
    elif np.abs(table[np.clip(t, 0, None)] / np.append(1.0, table[:-1])[np.clip(t, 0, None)]
                - share).max() < tol:
        report.wrong("not-accumulated", "scale^2 is alpha_t of the single step, where the product "
                     "so far, alpha_bar, is meant")
    else:
        report.wrong("wrong-level", "the levels are not those of alpha_bar at the network's time")


def not_accumulated(path, time, report):
    """VP levels of a table of single steps: 1 - scale^2 is a line in the step and stays small."""
    if path.name != "vp" or time is None or not whole(time) or len(np.unique(time)) < 8:
        return
    beta = 1 - path.a**2
    if beta.max() < 0.1 and affine(beta, time, 1e-3) is not None and time.max() > 20:
        report.wrong("not-accumulated", f"the noise never grows beyond sigma = {path.b.max():.3g}: "
                     "alpha_t of the single step stands where its product so far, alpha_bar, is "
                     "meant")


def law_of_levels(path, time, name):
    """The levels that were drawn, and their law, in words."""
    from scipy.stats import kstest
    s = path.b if path.name in ("vp", "flow", "subvp") else path.ratio / path.m
    text = f"sigma from {s.min():.3g} to {s.max():.3g}"
    if len(np.unique(s)) < 40:
        return text + f", {len(np.unique(s))} levels"
    logs = np.log(path.ratio / path.m)
    if time is not None and whole(time):
        low, high = time.min(), time.max()
        u = (time - low) / max(high - low, 1)
        law = "uniform " if kstest(u, "uniform").pvalue > 1e-3 else ""
        return f"{text}; integers, {law}from {low:g} to {high:g}"
    candidates = []
    if path.name == "flow":
        logit = np.log(path.b / (1 - path.b))
        candidates.append((kstest((logit - logit.mean()) / logit.std(), "norm").pvalue,
                           f"; logit-normal, mean {logit.mean():.2f}, std {logit.std():.2f}"))
    else:                                         # the logarithm of sigma / scale is that logit
        candidates.append((kstest((logs - logs.mean()) / logs.std(), "norm").pvalue,
                           f"; log-normal, mean {logs.mean():.2f}, std {logs.std():.2f}"))
    for values, words in ((time, "; the time is uniform"), (s, "; sigma is uniform"),
                          (logs, "; log-uniform")):
        if values is not None and np.ptp(values) > 0:
            u = (values - values.min()) / np.ptp(values)
            candidates.append((kstest(u, "uniform").pvalue, words))
    best = max(candidates)
    return text + (best[1] if best[0] > 0.01 else "")

