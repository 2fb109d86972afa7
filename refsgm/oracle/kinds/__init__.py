"""The kinds of function that the oracle judges: what they take, what they return, where to probe.

A kind is a public function of refsgm; its contract is that function's signature. An argument's name
says what it is, everywhere: `sigma` is a level, `eps` is data, `score_fn` is a function.
"""

import inspect
import math
import re
from typing import NamedTuple

import numpy as np

import refsgm

from .test_functions import Field

# What a kind returns: a batch (B, D), a number per row (B,), a loss per row (or its mean), a level
# shaped like the levels given, a table (N,), a function of x, or the states of a loop.
BATCH, ROWS, LOSS, LEVEL, TABLE, FUNCTION, STATES = (
    "batch", "rows", "loss", "level", "table", "function", "states")
RETURNS = {
    ROWS: """gaussian_log_density mixture_log_density directional_derivative divergence
             hutchinson_divergence prior_log_density log_likelihood bits_per_dimension""",
    LOSS: """explicit_score_matching implicit_score_matching sliced_score_matching
             sliced_score_matching_vr finite_difference_ssm denoising_score_matching
             noise_conditional_score_matching noise_prediction_loss ddpm_loss""",
    LEVEL: """sigma_from_alpha_bar alpha_bar_from_sigma signal_to_noise_ratio vp_marginal
              ve_marginal ve_diffusion_coefficient edm_preconditioning score_matching_weight
              likelihood_weight edm_weight min_snr_weight""",
    TABLE: """geometric_sigmas karras_sigmas linear_betas cosine_alpha_bar alpha_bar_from_betas
              betas_from_alpha_bar annealed_step_sizes""",
    FUNCTION: "score_of",
    STATES: """langevin annealed_langevin ddpm_sampler ddim_sampler probability_flow_sampler""",
    BATCH: """gaussian_score perturb perturbation_score mixture_score score_from_eps eps_from_score
              x0_from_eps eps_from_x0 x0_from_score score_from_x0 v_from_x0_eps x0_from_v eps_from_v
              velocity_from_x0_eps x0_from_velocity ve_from_vp vp_from_ve ve_score_from_vp
              vp_score_from_ve diffuse posterior langevin_step ddpm_step ddim_step
              ve_probability_flow_step ve_reverse_sde_step ve_ancestral_step heun_step raise_noise
              vp_probability_flow_drift vp_reverse_sde_drift""",
}
SEVERAL = {                                      # kinds that return a tuple: (component, form)
    "posterior": (("mean", BATCH), ("variance", LEVEL)),
    "ve_from_vp": (("x_ve", BATCH), ("sigma", LEVEL)),
    "vp_from_ve": (("x_vp", BATCH), ("alpha_bar", LEVEL)),
    "vp_marginal": (("scale", LEVEL), ("sigma", LEVEL)),
    "edm_preconditioning": (("c_skip", LEVEL), ("c_out", LEVEL), ("c_in", LEVEL),
                            ("c_noise", LEVEL)),
}
FUNCTIONS = {"score_fn", "eps_fn", "log_density"}
LEVELS = {"sigma", "sigma_t", "sigma_s", "sigma_from", "sigma_to", "alpha_bar", "alpha_bar_t",
          "alpha_bar_s", "scale", "t", "beta", "g"}
DATA = {"x", "x_0", "x_t", "x_noisy", "x_vp", "x_ve", "mean", "eps", "z", "score", "score_vp",
        "score_ve", "target_score", "u", "v"}
SLICED = {"directional_derivative", "hutchinson_divergence", "sliced_score_matching",
          "sliced_score_matching_vr", "finite_difference_ssm"}


class Contract(NamedTuple):
    """A kind: its name, refsgm's function, arguments, how many must be given, what it returns."""

    name: str
    function: object
    args: tuple
    required: int
    returns: tuple
    tag: str

    @property
    def form(self):
        """Form of the first component."""
        return self.returns[0][1]

    def is_level(self, arg):
        """Whether the argument may come as one number per row."""
        return (arg in LEVELS and self.form != TABLE and self.form != STATES
                or arg == "step_size" and self.name == "langevin_step"
                or arg == "sigma_max" and self.name == "prior_log_density")

    def signature(self):
        """name(arguments) -> what it returns, as text."""
        given = inspect.signature(self.function).parameters.values()
        args = ", ".join(p.name if p.default is p.empty else f"{p.name}={p.default!r}"
                         for p in given if p.name in self.args)
        shapes = {BATCH: "(B, D)", ROWS: "(B,)", LOSS: "(B,) or their mean",
                  LEVEL: "like the levels", TABLE: "(N,)", FUNCTION: "a function x -> (B, D)",
                  STATES: "iterable of (B, D)"}
        out = ", ".join(f"{name} {shapes[form]}" if name else shapes[form]
                        for name, form in self.returns)
        return f"{self.name}({args}) -> {out}"


def contract_of(name):
    """The contract of a public function."""
    function = getattr(refsgm, name)
    form = next(f for f, names in RETURNS.items() if name in names.split())
    parameters = [p for p in inspect.signature(function).parameters.values()
                  if p.kind == p.POSITIONAL_OR_KEYWORD]
    return Contract(name, function, tuple(p.name for p in parameters),
                    sum(p.default is p.empty for p in parameters),
                    SEVERAL.get(name, (("", form),)),
                    re.search(r"\[([A-Z]+-\d+)\]", function.__doc__)[1])


CONTRACTS = {name: contract_of(name) for names in RETURNS.values() for name in names.split()}


def find(kind):
    """The contract of a kind: a name, or the public function itself."""
    name = kind if isinstance(kind, str) else getattr(kind, "__name__", repr(kind))
    if name not in CONTRACTS:
        import difflib
        near = difflib.get_close_matches(name, CONTRACTS, 1)
        raise ValueError("kind must be a public function of refsgm that returns numbers, "
                         f"got {name!r}" + (f"; did you mean {near[0]!r}?" if near else
                            " (`refsgm check --list` shows them)"))
    return CONTRACTS[name]


class Situation(NamedTuple):
    """Where to probe: sizes, whether levels differ by row, a regime, and arguments held fixed."""

    label: str
    B: int = 5
    D: int = 3
    rows: bool = True
    regime: str = "plain"
    seed: int = 0
    M: int = 0                               # directions (M, B, D); 0 for (B, D)
    given: tuple = ()                        # ((argument, value), ...)
    dtype: str = "float64"


def arguments(contract, s):
    """The arguments of one probe, a dict in the contract's order; arrays are float64."""
    rng = np.random.default_rng([s.seed, s.B, s.D, len(contract.name)])
    drawn = {}
    for name in contract.args:
        drawn[name] = draw(contract, name, s, rng, drawn)
        if drawn[name] is None:                                 # an argument left at its default
            del drawn[name]
    if contract.form == FUNCTION:
        drawn["x"] = data("x", s, rng, drawn)                     # where the function is called
    drawn.update(s.given)
    order_levels(contract, drawn, s)
    if s.dtype == "float32":
        drawn = {k: a.astype(np.float32).astype(np.float64) if isinstance(a, np.ndarray) else a
                 for k, a in drawn.items()}
    return drawn


def draw(contract, name, s, rng, drawn):
    """One argument by its name."""
    kind = contract.name
    if name == "log_density" and kind == "bits_per_dimension":
        return 30 * rng.standard_normal(s.B)
    if name in FUNCTIONS:
        if contract.form == STATES:
            return Field(rng, s.D, 0.1, cubic=0.0)            # a loop of cubics could run away
        if kind == "log_likelihood":
            return Field(rng, s.D, 0.1, cubic=-0.4)           # and so could a flow towards noise
        return Field(rng, s.D)
    if name == "v" and kind in SLICED:
        shape = (s.M, s.B, s.D) if s.M else (s.B, s.D)
        return rng.standard_normal(shape)
    if name == "eps" and kind == "noise_conditional_score_matching":
        return rng.standard_normal((len(drawn["sigmas"]), s.B, s.D))
    if name in DATA:
        return data(name, s, rng, drawn)
    if contract.is_level(name) or kind in RETURNS[LEVEL].split() and name in LEVELS:
        return level(name, s, rng)
    return number(kind, name, s, rng, drawn)


def data(name, s, rng, drawn):
    """An array (B, D); far out and far from the origin it stays close to what came before."""
    a = 1.5 * rng.standard_normal((s.B, s.D))
    if s.regime == "far from the origin" and name not in ("eps", "z"):
        return a + 1e3
    if s.regime == "far tail" and name in ("x", "x_noisy", "x_t"):
        return a + 60.0 * np.sign(rng.standard_normal((s.B, s.D)))
    return a


def level(name, s, rng):
    """A noise level, time or rate, one per row or one for all."""
    n = (s.B, 1) if s.rows else ()
    u = rng.uniform(-1, 1, n)
    if name.startswith("alpha_bar"):
        logit = {"tiny levels": 9 + u, "huge levels": -9 + u}.get(s.regime, 2.5 * u)
        a = 1 / (1 + np.exp(-logit))
        a = np.where(np.abs(a - 0.5) < 0.05, 0.6, a)                # at 1/2 mistakes hide
    elif name == "t":
        a = 0.5 + 0.45 * u
    else:
        a = 10**(0.9 * u) * {"tiny levels": 1e-4, "huge levels": 1e4}.get(
            s.regime if name.startswith("sigma") else "", 1.0)
        a = np.where(np.abs(np.log(a)) < 0.1, 1.3, a)                      # nor at sigma = 1
    return a if s.rows else float(a)


def order_levels(contract, drawn, s):
    """A step goes from t to s < t, by a share of the way that differs from row to row."""
    rng = np.random.default_rng([7, s.seed, s.B])
    share = rng.uniform(0.15, 0.85, (s.B, 1)) if s.rows else float(rng.uniform(0.15, 0.85))
    given = dict(s.given)
    for small, large in (("sigma_s", "sigma_t"), ("sigma_from", "sigma_to"),
                         ("alpha_bar_t", "alpha_bar_s")):
        if small in contract.args and large in contract.args and small not in given:
            drawn[small] = share * drawn[large]
        elif small in given and isinstance(drawn.get(large), np.ndarray) and s.rows:
            drawn[small] = np.full((s.B, 1), given[small])


def number(kind, name, s, rng, drawn):
    """A plain number, a table, a choice, or None for an argument that is left out."""
    u = rng.uniform(0, 1)
    if name == "weights" and kind.startswith("mixture"):
        return (1 + rng.multinomial(60, [0.1, 0.2, 0.3, 0.4])) / 64            # exact in float32
    if name == "means":
        spread = {"tiny levels": 1e-4, "huge levels": 1e4}.get(s.regime, 1.5)
        center = 1e3 if s.regime == "far from the origin" else 0.0
        return center + spread * rng.standard_normal((4, s.D))
    if name == "weights":
        return None if s.M == 0 else rng.uniform(0.5, 2, len(drawn["sigmas"]))
    if name == "sigmas":
        sigmas = np.sort(10**rng.uniform(-0.5, 1, 3 + s.seed % 3))[::-1].copy()
        to_zero = kind == "probability_flow_sampler" and s.seed == 4
        return np.append(sigmas, 0.0) if to_zero else sigmas
    if name == "betas":
        return np.sort(rng.uniform(0.02, 0.6, 4 + s.seed % 4))
    if name == "alpha_bar":
        return np.concatenate([[1.0], np.cumprod(1 - rng.uniform(0.05, 0.6, 4 + s.seed % 4))])
    if kind == "cosine_alpha_bar" and name == "beta_max":
        return 0.9 + 0.099 * u
    if kind == "linear_betas" and name.startswith("beta"):
        return {"beta_min": 0.001 + 0.05 * u, "beta_max": 0.2 + 0.5 * u}[name]
    if kind == "log_likelihood" and name == "sigma_max":
        return 2.0 + u
    if kind == "ddim_sampler" and name == "eta" and s.seed in (3, 4):
        return float(s.seed - 3)
    choices = {"variance": "posterior", "method": "heun",
               "prediction": ("eps", "x0", "v")[(s.seed + (s.seed > 2)) % 3]}
    if kind == "probability_flow_sampler" and name == "method" and s.seed == 3:
        return "euler"
    if name in choices:
        return choices[name]
    if name == "rng":
        return Noise(s.seed)
    values = {"eta": 0.3 + 0.5 * u, "sigma_data": 0.3 + 2 * u, "gamma": 1.5 + 4 * u,
              "step": 0.1 + u, "rho": 3 + 6 * u, "offset": 0.01 + 0.05 * u,
              "beta_min": 0.1 + 0.3 * u, "beta_max": 8 + 10 * u, "n_levels": 5 + s.seed % 6,
              "n_steps": 4 + s.seed % 5, "steps_per_level": 2, "dim": 2 + s.seed % 7,
              "bin_width": 1.1 * 2.0**-(1 + s.seed % 8), "sigma_min": 0.2 + 0.5 * u,
              "sigma_max": 3 + 20 * u, "step_size": 0.05 + 0.3 * u}
    return values[name]


class Noise:
    """The rng of a loop, the same for refsgm and for foreign code: draw i is a fixed array."""

    def __init__(self, seed, convert=None):
        self.seed, self.convert, self.draws = seed, convert or (lambda a: a), []

    def standard_normal(self, shape, dtype=np.float64):
        """The next draw (B, D), in the framework asked for."""
        z = np.random.default_rng([self.seed, len(self.draws)]).standard_normal(tuple(shape))
        self.draws.append(z)
        return self.convert(z.astype(dtype))


def situations(contract, levels=None, dim=None):
    """The probes on which a verdict rests, without and with hiding places."""
    if contract.form == TABLE or contract.name == "bits_per_dimension":
        return [Situation(f"seed {i}", B=6, seed=i) for i in range(8)]
    D = [3, 4, 11, 3, 1, 2, 5] if dim is None else [dim] * 7
    B = [5, 4, 6, 1, 3, 7, 2]
    if dim is not None and dim < 8:
        B[1] = dim
    rows = [True, True, False, True, True, False, True]
    if contract.form == STATES:
        return [Situation(f"B = {b}, D = {d}", b, d, seed=i) for i, (b, d) in enumerate(
            zip(B[:5], D[:5]))] + [Situation("float32", 5, D[0], dtype="float32")]
    if contract.name == "log_likelihood":
        return [Situation(f"B = {b}, D = {d}", b, d, seed=i) for i, (b, d) in enumerate(
            [(3, D[0]), (2, D[1]), (1, D[4])])]
    leveled = any(contract.is_level(a) or a in LEVELS for a in contract.args)
    if levels == "scalar":
        rows = [False] * len(rows)

    def place(b, d, r):
        return f"B = {b}, D = {d}" + (f", levels {'by row' if r else 'for all'}" if leveled else "")

    plain = [Situation(place(b, d, r), b, d, r, seed=i, M=2 * (i % 2))
             for i, (b, d, r) in enumerate(zip(B, D, rows))]
    by_row = levels not in ("scalar",)
    more = [Situation("float32", 5, D[0], by_row, dtype="float32", seed=3)]
    fields = any(a in FUNCTIONS for a in contract.args)
    if leveled:
        more += [Situation("tiny levels", 5, D[0], by_row, "tiny levels"),
                 Situation("huge levels", 5, D[0], by_row, "huge levels")]
    if not fields and any(a in DATA for a in contract.args):
        more += [Situation("far from the origin", 5, D[0], by_row, "far from the origin")]
    if contract.name.startswith(("mixture", "gaussian", "perturbation")):
        more += [Situation("far tail", 5, D[0], by_row, "far tail")]
    if "alpha_bar_s" in contract.args:
        more += [Situation("last step", 5, D[0], by_row, given=(("alpha_bar_s", 1.0),))]
    if "sigma_s" in contract.args:
        more += [Situation("last step", 5, D[0], by_row, given=(("sigma_s", 0.0),))]
    if "eta" in contract.args:
        more += [Situation(f"eta = {eta:g}", 5, D[0], by_row, given=(("eta", eta),))
                 for eta in (0.0, 1.0)]
    if contract.name == "ddpm_step":
        more += [Situation("variance = beta", 5, D[0], by_row, given=(("variance", "beta"),))]
    return plain + more


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


def quantities(contract, args):
    """What a wrong factor may be made of, name -> (B,): levels, sizes, their differences."""
    batch = next((a for n, a in args.items() if n in DATA and isinstance(a, np.ndarray)
                  and a.ndim > 1), None)
    B, q = batch_size(args), {}
    if batch is not None:
        q["D"] = per_row(batch.shape[-1], B)
        q["B"] = per_row(B, B)
    for name, a in args.items():
        if isinstance(a, (int, float)) and not isinstance(a, bool) or contract.is_level(name) \
                or name in LEVELS and contract.form == LEVEL:
            q[name] = per_row(a, B)
    with np.errstate(all="ignore"):
        for name in ("alpha_bar", "alpha_bar_t", "alpha_bar_s", "t"):
            if name in q:
                q[f"1 - {name}"] = 1 - q[name]
        if "alpha_bar_t" in q and "alpha_bar_s" in q:
            q["beta"] = 1 - q["alpha_bar_t"] / q["alpha_bar_s"]
        for large, small in (("sigma_t", "sigma_s"), ("sigma_to", "sigma_from")):
            if large in q and small in q:
                q[f"{large} - {small}"] = q[large] - q[small]
                q[f"{large}^2 - {small}^2"] = q[large]**2 - q[small]**2
        if "sigma_data" in q:
            q["sigma^2 + sigma_data^2"] = q["sigma"]**2 + q["sigma_data"]**2
        if "scale" in q and "sigma" in q:
            q["scale^2 + sigma^2"] = q["scale"]**2 + q["sigma"]**2
        if "sigma_min" in q and "sigma_max" in q and contract.form == LEVEL:
            q["ln(sigma_max / sigma_min)"] = np.log(q["sigma_max"] / q["sigma_min"])
        if "g" not in q and "eta" in q:
            q["1 - eta^2"] = 1 - q["eta"]**2
    if contract.name in SLICED:
        v = args["v"] if args["v"].ndim == 3 else args["v"][None]
        q["M"] = per_row(len(v), B)
        if len(v) == 1:
            q["|v|"] = np.sqrt(np.sum(v[0]**2, axis=1))
    if contract.name == "annealed_step_sizes":                          # by entry of the table
        return {"sigma_i": args["sigmas"], "sigma_L": 0 * args["sigmas"] + args["sigmas"][-1],
                "sigma_1": 0 * args["sigmas"] + args["sigmas"][0],
                "step_size": 0 * args["sigmas"] + args["step_size"]}
    if contract.name == "betas_from_alpha_bar":
        s, t = args["alpha_bar"][:-1], args["alpha_bar"][1:]
        return {"alpha_bar_t": t, "alpha_bar_s": s, "alpha_bar_s - alpha_bar_t": s - t}
    if contract.name in ("vp_from_ve", "alpha_bar_from_sigma"):
        q["1 + sigma^2"] = 1 + q["sigma"]**2
    if "sigmas" in args:
        q["L"] = per_row(len(args["sigmas"]), B)
        q |= {f"sigma_{i + 1}": per_row(float(s), B) for i, s in enumerate(args["sigmas"])}
    return q


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
