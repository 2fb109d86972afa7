"""What a mistake may be made of: the numbers of a probe, by row, and their usual combinations."""

import math

import numpy as np

from .kind import DATA, LEVEL, LEVELS


def batch_size(args):
    """B, from the data among the arguments or else the levels."""
    arrays = {n: a for n, a in args.items() if isinstance(a, np.ndarray)}
    for name, a in arrays.items():
        if name in DATA and a.ndim > 1:
            return a.shape[-2]
    return max([len(a) for n, a in arrays.items() if n in LEVELS], default=1)


def per_row(a, B):
    """A number, (B, 1) or (B,), as (B,)."""
    return np.broadcast_to(np.reshape(a, -1) if np.ndim(a) else a, (B,)).astype(float)


def quantities(kind, args):
    """What a wrong factor may be made of, name -> (B,): levels, sizes, their differences."""
    batch = next((a for n, a in args.items() if n in DATA and isinstance(a, np.ndarray)
                  and a.ndim > 1 and not kind.is_level(n)), None)
    B, q = batch_size(args), {}
    if batch is not None:
        q["D"] = per_row(batch.shape[-1], B)
        q["B"] = per_row(B, B)
    for name, a in args.items():
        if isinstance(a, (int, float)) and not isinstance(a, bool) or kind.is_level(name):
            q[name] = per_row(a, B)
    with np.errstate(all="ignore"):
        q |= differences(q)
    if "sigma_min" in q and "sigma_max" in q and kind.form == LEVEL:
        q["ln(sigma_max / sigma_min)"] = np.log(q["sigma_max"] / q["sigma_min"])
    if "eta" in q:
        q["1 - eta^2"] = 1 - q["eta"]**2
    if kind.sliced:
        v = args["v"] if args["v"].ndim == 3 else args["v"][None]
        q["M"] = per_row(len(v), B)
        if len(v) == 1:
            q["|v|"] = np.sqrt(np.sum(v[0]**2, axis=1))
    if "sigmas" in args:
        q["L"] = per_row(len(args["sigmas"]), B)
        q |= {f"sigma_{i + 1}": per_row(float(s), B) for i, s in enumerate(args["sigmas"])}
    return kind.quantities(args, q)


def differences(q):
    """The combinations of levels that formulas are made of."""
    made = {f"1 - {name}": 1 - q[name]
            for name in ("alpha_bar", "alpha_bar_t", "alpha_bar_s", "t") if name in q}
    if "alpha_bar_t" in q and "alpha_bar_s" in q:
        made["beta"] = 1 - q["alpha_bar_t"] / q["alpha_bar_s"]
    for large, small in (("sigma_t", "sigma_s"), ("sigma_to", "sigma_from")):
        if large in q and small in q:
            made[f"{large} - {small}"] = q[large] - q[small]
            made[f"{large}^2 - {small}^2"] = q[large]**2 - q[small]**2
    if "sigma_data" in q:
        made["sigma^2 + sigma_data^2"] = q["sigma"]**2 + q["sigma_data"]**2
    if "scale" in q and "sigma" in q:
        made["scale^2 + sigma^2"] = q["scale"]**2 + q["sigma"]**2
    return made


def step_quantities(kind, args, i):
    """The same of step i of a loop, name -> number."""
    q = {}
    if kind.step_quantities is not None:
        q = kind.step_quantities(args, i)
    elif "alpha_bar" in args:
        table = args["alpha_bar"][::-1]
        t, s = table[i], table[i + 1]
        q = {"alpha_bar_t": t, "alpha_bar_s": s, "1 - alpha_bar_t": 1 - t, "1 - alpha_bar_s": 1 - s,
             "beta": 1 - t / s}
    elif "sigmas" in args:
        t, s = args["sigmas"][i], args["sigmas"][i + 1]
        q = {"sigma_t": t, "sigma_s": s, "sigma_t - sigma_s": t - s,
             "sigma_t^2 - sigma_s^2": t**2 - s**2}
    return q | {name: args[name] for name in ("step_size", "eta") if name in args}


def logs_of(q):
    """The logarithms that a wrong additive constant of a log density may be made of."""
    D = q.get("D", q.get("dim"))
    logs = {"1": np.ones_like(D), "ln 2": np.full_like(D, math.log(2)), "D ln 2": D * math.log(2),
            "ln 2 pi": np.full_like(D, math.log(2 * math.pi)),
            "D ln 2 pi": D * math.log(2 * math.pi), "ln D": np.log(D)}
    if "bin_width" in q:
        logs["log2 bin_width"] = np.log2(q["bin_width"])
    for name in ("sigma", "sigma_max"):
        if name in q:
            logs |= {f"ln {name}": np.log(q[name]), f"D ln {name}": D * np.log(q[name])}
    return logs
