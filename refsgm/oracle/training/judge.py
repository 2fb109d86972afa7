"""The judgement: names for what was measured, and whether they fit each other and what is said."""

import numpy as np

from . import paths, targets, times, weighting
from .inner import inner, of_denoiser, same_of_inner, seen_from_outside
from .residual import ROBUST


def judged(rows, step, report, *, path, predicts, weight, time, alpha_bar):
    """Fill in the report: facts, problems and notes, from the `Rows` of a step."""
    tol = 3e-3 if step.single else 2e-4
    law_of_noise(rows, step, report)
    mirrored = mirror(rows, report)
    found = paths.path_of(rows.a, rows.b, rows.time, rows.dtype, report, tol, path)
    known = not report.problems
    further_noise(rows, found, report)
    report.facts["path"] = "x_t = scale x_0 + sigma eps, " + paths.NAMES.get(
        found.name, "on a path of its own")
    data(rows, found, report)
    times.not_accumulated(found, rows.time, report)
    words, name = times.time_of_level(found, rows.time, rows.dtype, report, tol)
    report.facts["time"] = words
    report.facts["levels"] = times.law_of_levels(found, rows.time, name)
    if alpha_bar is not None:
        times.against_table(found, rows.time, alpha_bar, report, tol)
    one_level(rows, found, report)
    target = targets.target_of(found, rows.p / found.m, rows.q / found.noise, rows.time, report,
                               tol)
    if target is targets.MINUS_V and (found.m != 1 or words.endswith("/ 4") or path in (
            "ve", "edm") or weight == "edm"):
        target = inner(found, rows, words, name, report, data) or target
    if path is not None and known:
        stated_path(path, found, target, report)
    if target in (targets.OT, targets.OT_BACK):
        report.facts.pop("data", None)
        report.facts["path"] += (", with sigma = 1 - (1 - sigma_min) t, sigma_min = "
                                 f"{1 - 1 / found.m:.3g}")
    if target is targets.ENERGY and predicts in (None, "score"):
        energy(step, report, predicts)
    elif predicts is not None and target is not None:
        said(target, predicts, report, mirrored)
    elif predicts is not None and not report.problems:
        targets.against(found, rows.p / found.m, rows.q / found.noise, predicts, report, tol)
    directions(target, found, name, report)
    if target is not None:
        formulas(target, found, report)
    weigh(rows, found, target, step, report, weight, tol, name)
    stated_time(time, name, words, report)


def mirror(rows, report):
    """Count signs into data and noise, so that a and b are positive; whether the noise was turned.

    x_in = a x_0 - b z is a x_0 + b eps with eps = -z, and y = p x_0 + q z has -q of that eps.
    """
    if (rows.a < 0).all():                                     # such as 1 - x, for inverted images
        rows.a, rows.p = -rows.a, -rows.p
        rows.sign = -1.0
    if (rows.b >= 0).any():
        return False
    rows.b, rows.q, rows.noise = -rows.b, -rows.q, -rows.noise
    rows.extra = {k: (draw, -b, -q) for k, (draw, b, q) in rows.extra.items()}
    report.notes.append("the noise z that is drawn is subtracted, x_t = scale x_0 - sigma z; eps "
                        "is -z here")
    return True


def stated_path(said, path, target, report):
    """Whether the noisy data are on the path that the user says; EDM's are, before c_in."""
    right = paths.SAID[said]
    if right == path.name or right == "ve" and target is not None and target.said == "edm":
        return
    report.wrong("wrong-coordinates" if path.name in paths.NAMES else "unknown",
                 f"path={said!r} is said, and the noisy data are on "
                 + paths.NAMES.get(path.name, "no known path"))


def law_of_noise(rows, step, report):
    """Noise is standard normal, and each row has its own."""
    z, name = rows.noise, rows.draw.name
    values = z[np.isfinite(z)]
    if rows.draw.value.size < step.x.size:
        B = len(step.x)
        own = rows.draw.value.ndim == step.x.ndim and len(rows.draw.value) == B
        report.wrong("broadcast" if own else "shared-noise",
                     "one number of noise is added to all entries of a row" if own else
                     "all rows of a batch share the same noise", "draw noise of the shape of the "
                     "data: randn_like(x)")
    if values.min() >= 0 and values.max() <= 1:
        report.wrong("wrong-law", f"the noise is uniform on [0, 1] ({name}), where standard normal "
                     "noise is meant", "draw it by randn")
    elif values.size > 200 and values.std() > 0:
        if abs(values.mean()) > 6 * values.std() / values.size**0.5 + 0.02:
            report.wrong("wrong-law", f"the noise has the mean {values.mean():.3g}")
        u = (values - values.mean()) / values.std()
        kurtosis = np.mean(u**4)
        if abs(kurtosis - 3) > 12 * (24 / values.size)**0.5 + 0.15:
            report.wrong("wrong-law", f"the noise is not normal: its kurtosis is {kurtosis:.2f}, "
                         "and a normal one has 3")


def further_noise(rows, path, report):
    """Draws beside the main one: offset noise, perturbed inputs, or a slip."""
    for draw, b, q in rows.extra.values():
        in_x, in_y = np.abs(b).max() > 1e-7, np.abs(q).max() > 1e-7
        ratio = paths.constant(b / rows.b, 1e-2) if in_x else None
        small = draw.value.size < rows.noise[: len(rows.noise)].shape[1] * len(draw.value)
        if in_y and not in_x:
            alone = np.abs(rows.q).max() < 1e-7
            report.wrong("other-noise", "the target holds other noise than the network's input: it "
                         "is drawn anew" if alone else "the target holds noise that is not in the "
                         "network's input", "draw the noise once, use it in both")
        elif in_x and not in_y and np.abs(rows.q).max() > 1e-7:
            if ratio is not None and small:
                report.wrong("other-noise", f"offset noise of {ratio:.3g} is added to the input "
                             "and is not in the target", "add it to the noise before both")
            elif ratio is not None:
                report.notes.append(f"the input is perturbed by further noise, {ratio:.3g} times "
                                    "that of the level, which is not in the target")
            else:
                report.notes.append(f"further noise of standard deviation {np.median(b):.3g} is in "
                                    "the input, the same at all levels" if paths.constant(b, 1e-2)
                                    else "further noise is in the input, by a factor of its own")
        elif in_x and ratio is not None:
            report.notes.append(f"offset noise of {ratio:.3g} is in input and target" if small else
                                f"a second noise of {ratio:.3g} is in input and target")
        elif in_x and in_y:
            report.notes.append("a second noise is in input and target, by factors of its own")


def data(rows, path, report):
    """How data are scaled before use."""
    m, shift = rows.sign * path.m, np.atleast_1d(rows.offset)
    report.facts.pop("data", None)
    if np.ptp(np.atleast_1d(rows.channels)) > 1e-6 or np.ptp(shift) > 1e-4:
        report.facts["data"] = ("shifted and scaled by channel first; x_0 below is what comes of "
                                "that")
    elif abs(m - 2) < 1e-3 and abs(shift[0] + 0.5) < 1e-3:
        report.facts["data"] = "mapped to 2 x - 1 first; x_0 below is in [-1, 1]"
    elif abs(m - 1) > 1e-3 or abs(shift[0]) > 1e-3:
        added = f" {'+' if shift[0] > 0 else '-'} {abs(m * shift[0]):.4g}"
        s = added if abs(shift[0]) > 1e-4 else ""
        report.facts["data"] = f"mapped to {m:.5g} x{s} first; x_0 below is what comes of that"
    if rows.paired and all("paired" not in note for note in report.notes):
        report.notes.append("data and noise are paired anew within the batch, as for minibatch "
                            "optimal transport")


def one_level(rows, path, report):
    """Levels that the rows of a batch share."""
    spread = [np.ptp(path.ratio[rows.seed == s]) for s in np.unique(rows.seed)]
    if max(spread) < 1e-6 * path.ratio.max():
        report.notes.append("one level is drawn for all rows of a batch: unbiased, of larger "
                            "variance than a level for each row" if np.ptp(path.ratio) > 1e-6
                            else "all rows have the same level")


def energy(step, report, predicts):
    """A target of the opposite sign of the score."""
    report.wrong("sign", "the target is eps / sigma, minus the score", "change the sign; if the "
                 "network is the gradient of an energy, predicts=\"energy\" says so")


def said(target, predicts, report, mirrored):
    """Whether the network is to predict what the user says; noise that is subtracted is -eps."""
    if target.said == predicts or target.said == "edm" and predicts == "x0" or (
            mirrored and target.said == "-" + predicts == "-eps"):
        return
    code = "factor-extra" if {predicts, target.said} <= {
        "score", "-eps", "eps", "noise", "energy"} and predicts != "energy" else (
        "sign" if target.said == "-" + predicts or {target.said, predicts} == {"score", "energy"}
        else "wrong-coordinates")
    report.wrong(code, f"predicts={predicts!r} is said, and the target is {target.name}",
                 "change the target, or what reads the network's output")


def directions(target, path, name, report):
    """Flow: which end the data are at, and whether the velocity goes the way of the time."""
    if path.name != "flow" or target is None or target.said != "velocity":
        return
    forward = target in (targets.FLOW, targets.OT_BACK)
    if name.startswith("t = scale"):
        report.notes.append("in the convention data at t = 1")
        against = forward
    elif name.startswith("t = sigma"):
        report.notes.append("in the convention data at t = 0")
        against = not forward
    else:
        return
    if against:
        report.wrong("sign", f"the target is {target.name}, and in the time that the network is "
                     f"told ({name}) the velocity is minus that", "change the sign of the target, "
                     "or the time")


def formulas(target, path, report):
    """The two formulas that a sampler needs."""
    report.facts["predicts"] = target.name
    for key, text in (("score", target.score), ("x_0", target.x_0)):
        if path.name == "ve" and "refsgm" not in text:
            for long, short in ((" / scale", ""), ("scale x_0", "x_0"), ("scale out", "out"),
                                ("scale x_t", "x_t")):
                text = text.replace(long, short)
        if path.name == "vp":
            text = text.replace(" / (sigma (scale^2 + sigma^2))", " / sigma").replace(
                " / (scale^2 + sigma^2)", "")
        if text.startswith("(") and text.endswith(")") and text.count("(") == 1:
            text = text[1:-1]
        report.facts[key] = text


def weigh(rows, path, target, step, report, said_weight, tol, told):
    """The loss as a function of the error, its weight and its reduction."""
    if step.robust in ROBUST:
        report.notes.append("the loss is " + ROBUST[step.robust])
    elif step.robust == "norm":
        report.wrong("not-squared", "the loss is the length of the error, not its square: its "
                     "optimum is no mean")
    elif step.robust == "root":
        report.notes.append("the loss is the root of the mean squared error of the whole batch, so "
                            "levels are weighed by the batch's error")
    elif step.robust == "fourth":
        report.wrong("squared-twice", "the loss is the fourth power of the error: it is squared "
                     "twice")
    elif step.robust == "log":
        report.notes.append("the loss is a logarithm of the squared error")
    elif step.robust == "unknown":
        report.notes.append("the loss is a function of the error that is not known, with its "
                            "optimum at the target")
    if (rows.w < 0).any():
        report.wrong("sign", "the loss has a negative weight, so the error grows")
        return
    if rows.masked > 1e-6:
        report.notes.append(f"{100 * rows.masked:.0f} % of the entries have no weight: a mask")
    if rows.uneven:
        report.notes.append(f"weights differ between the entries of a row, {rows.uneven}")
    if rows.uneven.startswith("other") or rows.masked > 1e-6 or step.robust not in (
            None, "l1", "huber"):
        report.facts["loss"] = "weights by entry" if step.robust is None else step.robust
        return
    g2 = squared_diffusion(path, rows.time) if told in ("t", "index") else None
    if target is not None and target.sigma_data:
        w, weight = of_denoiser(rows, path, target, report, tol)
    else:
        w = rows.w
        weight = weighting.weight_of(path, w, rows.seed, target, g2, report, tol)
    kind = {None: "squares", "l1": "absolute values", "huber": "Huber's function"}[step.robust]
    if weight is None or weight.value is None:
        report.facts["loss"] = kind
        report.facts["weight"] = "no known function of the level" if weight is None else weight.name
    else:
        report.facts["loss"] = kind + ", " + weighting.reduction(
            w, weight.value, step.x[0].size, len(step.x), step.returned,
            2.0 if step.robust is None else 1.0)
        report.facts["weight"] = weight.name
    if said_weight is not None:
        stated_weight(said_weight, weight, rows, path, target, report)


def stated_weight(said, weight, rows, path, target, report):
    """Whether the weight is the one that the user says; EDM's of x_0 is 1 of its inner network."""
    inner_network = target is not None and target.said == "edm"
    if callable(said):
        ways = [(rows.w, path)]
        if inner_network and target.sigma_data:
            ways.append(seen_from_outside(rows.w, path, target.sigma_data))
        if all(paths.constant(w / np.asarray(said(p.a, p.b), dtype=float), 5e-3) is None
               for w, p in ways):
            report.wrong("weighting", "the weight of the levels is not the function that is given")
    elif inner_network and weight is not None and same_of_inner(said, weight, target.sigma_data):
        return
    elif weight is None or weight.said != said and not (path.name == "ve" and said == "snr"
                                                        and weight.name == "1 / sigma^2"):
        code = {"of the score g": "sigma-not-squared", "of the score g^4": "sigma-squared"}.get(
            weight.name if weight and said == "likelihood" else "", "weighting")
        report.wrong(code, f"weight={said!r} is said, and the weight is "
                     + ("no known function of the level" if weight is None else weight.name))


def squared_diffusion(path, time):
    """g^2 = d sigma^2 / dt - 2 f sigma^2 at each row, by a spline in time, or None."""
    if time is None or len(np.unique(time)) < 40:
        return None
    from scipy.interpolate import CubicSpline
    t, i = np.unique(time, return_index=True)
    with np.errstate(all="ignore"):
        log_a, var = CubicSpline(t, np.log(path.a[i])), CubicSpline(t, path.b[i]**2)
        g2 = var(time, 1) - 2 * log_a(time, 1) * path.b**2
    g2 = np.abs(g2)
    return g2 if np.isfinite(g2).all() and (g2 > 0).all() else None


def stated_time(said, name, words, report):
    """Whether the network is told the time that the user says."""
    if said is None:
        return
    is_t = name.startswith("t =") or name in ("t", "index", "sigma")
    right = {"sigma": name in ("sigma", "t = sigma, data at t = 0", "sigma_VE = sigma / scale"),
             "log sigma": name.startswith("log(sigma"), "index": name == "index",
             "log sigma / 4": words.endswith("/ 4"), "t": is_t}[said]
    if not right:
        report.wrong("wrong-level", f"time={said!r} is said, and the network is told {words}")
