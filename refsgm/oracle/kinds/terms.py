"""The terms that a right answer is a sum of, so that each coefficient can be recovered by itself.

    step        = a x + b score + c z            coefficients of a row, from its D entries
    loss        = a |s|^2 + b s'eps + c |eps|^2  coefficients of a noise level, from its rows
    log density = a |x - mean|^2 + c

Where foreign code calls a function, the terms are made of what that function returned to it.
A kind may have several bases: the same sum written with x_0, or with x_t.
"""

import numpy as np

import refsgm

from . import BATCH, DATA, FUNCTION, LEVEL, LOSS, ROWS, STATES
from .test_functions import Field


def recorded(contract, args):
    """The calls that refsgm makes of the function it is passed: (x, level) each."""
    from autograd.tracer import getval, isbox

    def value(a):
        while isbox(a):
            a = getval(a)
        return np.array(a, np.float64)

    calls = []
    name, f = next(((n, a) for n, a in args.items() if isinstance(a, Field)), (None, None))
    if f is None or contract.form in (FUNCTION, STATES) or contract.name == "log_likelihood":
        return calls

    def noting(x, *level):
        calls.append((value(x), *map(value, level)))
        return f(x, *level)
    contract.function(*[noting if n == name else a for n, a in args.items() if n in contract.args])
    return calls


def distinct(calls):
    """The calls without those that repeat the one before, or the one before that."""
    kept = []
    for call in calls:
        if not any(len(call) == len(k) and all(
                a is not None and b is not None and np.array_equal(a, b) for a, b in zip(call, k))
                for k in kept[-2:]):
            kept.append(call)
    return kept


def answers(f, calls, shape):
    """What a Field returned to each of the calls, as (B, D) arrays; None where it was not seen."""
    results = []
    for x, *level in distinct(calls):
        if x is None or x.size != np.prod(shape) or any(a is None for a in level):
            return None
        a = None
        if level:
            a = level[0] if level[0].size == 1 else level[0].reshape(-1, 1)
            if a.size not in (1, shape[0]):
                return None
        results.append(f(x.reshape(shape), a))
    return results


def bases(contract, args, calls, component):
    """Lists of {term: array}: (B, D) terms of a batch, (B,) terms of rows; empty if there are none.

    calls      of the function that was passed, as a trial noted them
    component  0 for the first thing returned
    """
    form = contract.returns[component][1]
    if form == LEVEL:
        return level_bases(contract, args, component)
    if form == BATCH:
        return batch_bases(contract, args, calls)
    if form in (ROWS, LOSS) and component == 0:
        terms = row_terms(contract, args, calls)
        return [terms] if terms else []
    return []


def batch_bases(contract, args, calls):
    """Terms (B, D) of steps, conversions and scores."""
    name = contract.name
    given = {n: a for n, a in args.items() if n in DATA and np.ndim(a) == 2}
    ones = {"1": np.ones_like(next(iter(given.values())))} if given else {}
    if name == "mixture_score":
        x, w, m = args["x"], args["weights"], args["means"]
        mean_r = refsgm.mixture_score(x, w, m, args["sigma"]) * args["sigma"]**2 + x
        nearest = m[np.argmin(np.sum((x[:, None] - m)**2, axis=2), axis=1)]
        fixed = np.ones_like(x)
        return [{"x": x, "sum_k r_k mean_k": mean_r, "sum_k mean_k / K": fixed * np.mean(m, axis=0),
                 "sum_k w_k mean_k": fixed * (w @ m), "the nearest mean": nearest}]
    if name == "heun_step":
        x, f = args["x_t"], args["score_fn"]
        s = f(x, args["sigma_t"])
        seen = answers(f, calls, x.shape)
        x_hat = x + (args["sigma_t"] - args["sigma_s"]) * args["sigma_t"] * s
        second = f(x_hat, args["sigma_s"]) if seen is None or len(seen) < 2 else seen[1]
        return [{"x_t": x, "score at x_t": s, "score at x_hat": second}]
    if name == "score_of":
        f, x = args["log_density"], args["x"]
        return [{"x A": x @ ((f.A + f.A.T) / 2), "b": f.b + 0 * x, "x^3": x**3}]
    if name in ("ddpm_step", "ddim_step"):
        ab = args["alpha_bar_t"]
        x_0 = (args["x_t"] - (1 - ab)**0.5 * args["eps"]) / ab**0.5
        return [given | ones, {"x_0": x_0, "eps": args["eps"], "z": args["z"]},
                {"x_0": x_0, "x_t": args["x_t"], "z": args["z"]}]
    return [given | ones]


def same(y):
    """The value itself."""
    return y


def one(y):
    """The slope of the value itself."""
    return np.ones_like(y)


def squared(y):
    """y^2, where a level is the root of a sum."""
    return y**2


def inverse(y):
    """1 / y, where a level is one over a sum."""
    return 1 / y


def level_bases(contract, args, component):
    """(terms, transform, its slope): a function of the level that is a sum of the terms."""
    a = {n: np.asarray(v, np.float64) for n, v in args.items() if not isinstance(v, str)}
    reciprocal = (inverse, lambda y: y**-2)
    root = (squared, lambda y: 2 * y)
    name = contract.name
    if name == "vp_marginal":
        t, low, high = a["t"], a["beta_min"], a["beta_max"]
        terms = {"t^2 beta_max": t**2 * high, "t^2 beta_min": t**2 * low, "t beta_min": t * low,
                 "t beta_max": t * high}
        if component == 0:
            return [(terms, np.log, inverse)]
        return [(terms, lambda y: np.log(1 - y**2), lambda y: 2 * y / (1 - y**2))]
    if name in ("ve_marginal", "ve_diffusion_coefficient"):
        t, low, high = a["t"], np.log(a["sigma_min"]), np.log(a["sigma_max"])
        terms = {"ln sigma_min": low + 0 * t, "ln sigma_max": high + 0 * t,
                 "t ln sigma_min": t * low, "t ln sigma_max": t * high, "1": 1 + 0 * t}
        if name == "ve_diffusion_coefficient":
            terms["ln ln(sigma_max / sigma_min)"] = np.log(high - low) + 0 * t
        return [(terms, np.log, inverse)]
    if name == "alpha_bar_from_sigma":
        s = a["sigma"]
        return [({"1": 1 + 0 * s, "sigma^2": s**2, "sigma": s}, *reciprocal)]
    if name == "sigma_from_alpha_bar":
        r = 1 / a["alpha_bar"]
        return [({"1 / alpha_bar": r, "1": 1 + 0 * r}, *root)]
    if name == "signal_to_noise_ratio":
        r = 1 / a["alpha_bar"]
        return [({"1 / alpha_bar": r, "1": 1 + 0 * r}, *reciprocal)]
    if name == "edm_weight":
        s, d = a["sigma"]**-2.0, a["sigma_data"]**-2.0
        return [({"1 / sigma^2": s, "1 / sigma_data^2": d + 0 * s, "1": 1 + 0 * s}, same, one)]
    return []


def row_terms(contract, args, calls):
    """Terms (B,) of losses and log densities."""
    name, f = contract.name, args.get("score_fn", args.get("eps_fn"))
    if name == "gaussian_log_density":
        return {"|x - mean|^2": square(args["x"] - args["mean"]), "1": np.ones(len(args["x"]))}
    if name == "prior_log_density":
        return {"|x|^2": square(args["x"]), "1": np.ones(len(args["x"]))}
    if name == "bits_per_dimension":
        return {"log_density": args["log_density"], "1": np.ones(len(args["log_density"]))}
    if name == "mixture_log_density":
        return {"log p": refsgm.mixture_log_density(*args.values()), "1": np.ones(len(args["x"]))}
    if name == "log_likelihood":
        x_max = refsgm.probability_flow(*args.values())
        prior = refsgm.prior_log_density(x_max, args["sigma_max"])
        return {"|x_max|^2": square(x_max), "1": np.ones(len(x_max)),
                "integral of the divergence": prior - refsgm.log_likelihood(*args.values())}
    if not isinstance(f, Field):
        return {}
    x = args.get("x", args.get("x_0"))
    seen = answers(f, calls, x.shape)
    if name in ("divergence", "directional_derivative", "hutchinson_divergence"):
        J = f.jacobian(x)
        v = args.get("v")
        return {**({} if v is None else quadratic(J, v)), **jacobian_terms(J)}
    if name in ("implicit_score_matching", "sliced_score_matching", "sliced_score_matching_vr"):
        s, J = f(x), f.jacobian(x)
        terms = {"|s|^2": square(s), "|s|": np.sqrt(square(s)), **jacobian_terms(J)}
        terms["sum of s"] = np.sum(s, axis=1)
        if "v" in args:
            projected = np.mean([dot(u, s) for u in directions(args["v"])], axis=0)
            terms |= quadratic(J, args["v"]) | {"(v's)^2": sliced(s, args["v"]), "v's": projected}
        return terms
    if seen is None or not seen:
        seen = answers(f, recorded(contract, args), x.shape)
    if name == "explicit_score_matching":
        return products(s=seen[0], target=args["target_score"])
    if name == "finite_difference_ssm":
        v, h = directions(args["v"]), args["step"]
        slope = np.mean([dot(u, f(x + h * u) - f(x - h * u)) for u in v], axis=0)
        forward = np.mean([dot(u, f(x + h * u) - f(x)) for u in v], axis=0)
        return {"(v's)^2": sliced(f(x), v), "|s|^2": square(f(x)),
                "v's": np.mean([dot(u, f(x)) for u in v], axis=0),
                "v'(s(x + step v) - s(x - step v))": slope, "v'(s(x + step v) - s(x))": forward}
    if name == "noise_conditional_score_matching":
        terms = {}
        if len(seen) == len(args["sigmas"]):
            for i, s in enumerate(seen):
                terms |= {f"{term} at level {i + 1}": a
                          for term, a in products(s=s, eps=args["eps"][i]).items()
                          if term.endswith("^2") or "'" in term}
        return terms
    if name == "denoising_score_matching":
        return products(s=seen[0], eps=args["eps"], x=x)
    return products(eps_hat=seen[0], eps=args["eps"], x=x)


def square(a):
    """|a|^2 of each row, (B,)."""
    return np.sum(a**2, axis=1)


def dot(a, b):
    """a'b of each row, (B,)."""
    return np.sum(a * b, axis=1)


def directions(v):
    """Directions as (M, B, D)."""
    return v if v.ndim == 3 else v[None]


def sliced(s, v):
    """(v's)^2, the mean over directions, (B,)."""
    return np.mean([dot(u, s)**2 for u in directions(v)], axis=0)


def quadratic(J, v):
    """v'J v, the mean over directions, (B,)."""
    u = directions(v)
    return {"v'J v": np.mean(np.einsum("mbi,bij,mbj->mb", u, J, u), axis=0),
            "v'J 1": np.mean(np.einsum("mbi,bij->mb", u, J), axis=0),
            "1'J v": np.mean(np.einsum("bij,mbj->mb", J, u), axis=0)}


def jacobian_terms(J):
    """What a mistake may make of a Jacobian (B, D, D)."""
    terms = {"tr J": np.einsum("bii->b", J)}
    if J.shape[1] > 1:
        terms |= {"sum_ij J_ij": np.sum(J, axis=(1, 2)), "J_11": J[:, 0, 0]}
    return terms


def products(**vectors):
    """All products of two of the vectors, (B,)."""
    terms, names = {}, list(vectors)
    for i, a in enumerate(names):
        terms[f"|{a}|^2"] = square(vectors[a])
        terms[f"|{a}|"] = np.sqrt(square(vectors[a]))
        terms[f"sum of {a}"] = np.sum(vectors[a], axis=1)
        for b in names[i + 1:]:
            terms[f"{a}'{b}"] = dot(vectors[a], vectors[b])
    return terms
