"""The accuracy ledger: every closed form against 50 digits, over a declared range.

    python -m ledgers.accuracy            # writes docs/accuracy.md

The error of a result is its largest entry's, in units of the size of the result times the condition
number of the evaluation times the machine epsilon. The condition number is 1 + sum over the
arguments of what a relative change of single entries of them does to the result, found by making
such changes at 50 digits. `ledgers/test_accuracy.py` measures every seventh case and compares.
"""

import argparse
import contextlib
import inspect
import itertools
import pathlib
import re
from typing import NamedTuple

import numpy as np

import refsgm
from refsgm.exact import sums
from refsgm.oracle.kinds import BATCH, KINDS, LEVEL, ROWS, TABLE
from tests.support import fifty_digits
from tests.support.fifty_digits import calls_a_function, of_values

LEDGER = pathlib.Path(__file__).resolve().parent.parent / "docs" / "accuracy.md"
DTYPES = {"float64": np.float64, "float32": np.float32}
LIMIT = 64                                                      # units that nothing may exceed
CASES, TABLE_CASES, MIXTURE_CASES, AFFINE_CASES = 200, 6, 60, 36


class Draw(dict):
    """The arguments of one case by name, each drawn when it is first asked for, in one dtype."""

    def __init__(self, rng, dtype):
        self.rng, self.dtype = rng, dtype

    def __missing__(self, name):
        self[name] = self.dtype(RANGES[name][1](self))
        return self[name]

    def power(self, low, high):
        return 10**self.rng.uniform(low, high)

    def signed(self, low, high):
        return self.rng.choice([-1, 1]) * self.power(low, high)

    def among(self, *choices):
        """One of several ways to draw."""
        return choices[self.rng.integers(len(choices))]()

    def fraction(self):
        """alpha_bar in (0, 1), close to either end."""
        ratio = self.power(-8, 8)
        return np.clip(self.dtype(1 / (1 + ratio)), 1e-8, 1 - np.finfo(self.dtype).eps)


# name of an argument -> (its range, how it is drawn)
RANGES = {
    "sigma": ("1e-8 to 1e8", lambda d: d.power(-8, 8)),
    "sigma_data": ("1e-8 to 1e8", lambda d: d.power(-8, 8)),
    "g": ("1e-8 to 1e8", lambda d: d.power(-8, 8)),
    "mean": ("1e-3 to 1e6 sigma from zero", lambda d: d["sigma"] * d.signed(-3, 6)),
    "x": ("1e-6 to 1e6 sigma from the mean", lambda d: d["mean"] + d["sigma"] * d.signed(-6, 6)),
    "log_density": ("1e-3 to 1e12", lambda d: d.signed(-3, 12)),
    "dim": ("1 to 1e4", lambda d: d.rng.integers(1, 10**4)),
    "bin_width": ("1e-8 to 1e2", lambda d: d.power(-8, 2)),
    "eps": ("1e-3 to 1e1", lambda d: d.signed(-3, 1)),
    "z": ("1e-3 to 1e1", lambda d: d.signed(-3, 1)),
    "x_0": ("1e-3 to 1e6", lambda d: d.signed(-3, 6)),
    "scale": ("1e-4 to 1", lambda d: d.power(-4, 0)),
    "x_t": ("scale x_0 + sigma eps", lambda d: d["scale"] * d["x_0"] + d["sigma"] * d["eps"]),
    "score": ("1e-3 to 1e6 over sigma", lambda d: d.signed(-3, 6) / d["sigma"]),
    "score_hat": ("1e-3 to 1e6 over sigma", lambda d: d.signed(-3, 6) / d["sigma"]),
    "v": ("scale eps - sigma x_0", lambda d: d["scale"] * d["eps"] - d["sigma"] * d["x_0"]),
    "u": ("eps - x_0", lambda d: d["eps"] - d["x_0"]),
    "x_line": ("(1 - t) x_0 + t eps", lambda d: (1 - d["t"]) * d["x_0"] + d["t"] * d["eps"]),
    "t": ("1e-8 to 1", lambda d: d.among(lambda: d.power(-8, 0), lambda: d.rng.uniform(0, 1))),
    "beta_min": ("1e-3 to 1", lambda d: d.power(-3, 0)),
    "beta_max": ("1 to 1e2", lambda d: d.power(0, 2)),
    "sigma_min": ("1e-8 to 1", lambda d: d.power(-8, 0)),
    "sigma_max": ("1e-6 to 1e8 sigma_min above it", lambda d: d["sigma_min"]
                  * (1 + d.power(-6, 8))),
    "sigma_above": ("1 to 1e8 sigma_min, close to it too", lambda d: d["sigma_min"]
                    * (1 + d.power(-6, 8))),
    "offset": ("1e-4 to 1", lambda d: d.power(-4, 0)),
    "alpha_bar": ("1e-8 to 1 - 1e-8", lambda d: d.fraction()),
    "alpha_bar_s": ("between alpha_bar and 1, both ends too", lambda d: d.among(
        lambda: 1.0, lambda: np.clip(d["alpha_bar"] + (1 - d["alpha_bar"]) * d.power(-6, 0),
                                     np.nextafter(d["alpha_bar"], d.dtype(2)), 1))),
    "x_vp": ("sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) eps", lambda d: d["alpha_bar"]**0.5
             * d["x_0"] + (1 - d["alpha_bar"])**0.5 * d["eps"]),
    "gamma": ("1e-2 to 1e2", lambda d: d.power(-2, 2)),
    "eta": ("0 to 1, both ends too", lambda d: d.among(lambda: 0.0, lambda: 1.0,
                                                       lambda: d.rng.uniform(0, 1))),
    "step_size": ("1e-8 to 1e8", lambda d: d.power(-8, 8)),
    "sigma_s": ("0 to sigma, close to either too", lambda d: d.among(
        lambda: 0.0, lambda: d["sigma"] * d.power(-8, -0.01),
        lambda: min(d["sigma"] * (1 - d.power(-6, 0)), np.nextafter(d["sigma"], d.dtype(0))))),
    "scale_rate": ("-1e4 to -1e-4", lambda d: -d.power(-4, 4)),
    "sigma_rate": ("1e-4 to 1e4", lambda d: d.power(-4, 4)),
    "u_path": ("scale_rate x_0 + sigma_rate eps", lambda d: d["scale_rate"] * d["x_0"]
               + d["sigma_rate"] * d["eps"]),
    "s": ("0 to 1, both ends too", lambda d: d.among(lambda: 0.0, lambda: 1.0,
                                                     lambda: d.rng.uniform(0, 1))),
    "shift": ("1e-3 to 1e3", lambda d: d.power(-3, 3)),
    "prediction": ("1e-3 to 1e6", lambda d: d.signed(-3, 6)),
    "log_mean": ("-5 to 5", lambda d: d.rng.uniform(-5, 5)),
    "deviation": ("1e-1 to 3", lambda d: d.rng.uniform(0.1, 3)),
    "guidance": ("1e-1 to 1e2", lambda d: d.power(-1, 2)),
    "x_ve": ("x_0 + sigma eps", lambda d: d["x_0"] + d["sigma"] * d["eps"]),
    "beta": ("1e-3 to 1e2", lambda d: d.power(-3, 2)),
}
# Arguments that are one number for all samples; noise levels are that or an array, others arrays.
NUMBERS = {"dim", "bin_width", "beta_min", "beta_max", "sigma_min", "sigma_max", "sigma_data",
           "gamma", "eta", "shift", "offset", "log_mean", "deviation"}
LEVELS = {"sigma", "sigma_above", "sigma_s", "scale", "alpha_bar", "alpha_bar_s", "step_size",
          "beta", "scale_rate", "sigma_rate", "guidance"}

# Where an argument's own name says less than the range that it has: data are diffused by the levels
# beside them.
BESIDE = {"alpha_bar_t": "x_vp", "sigma_t": "x_ve", "sigma_from": "x_ve", "t": "x_line",
          "scale": "x_t", "sigma": "x"}
NAMES = {"alpha_bar_t": "alpha_bar", "sigma_t": "sigma", "sigma_from": "sigma_s",
         "sigma_to": "sigma", "score_vp": "score", "score_ve": "score"}
CHOICES = {"min_snr_weight": ("eps", "x0", "v"), "ddpm_step": ("posterior", "beta")}
UNLIKE = {
    "perturbation_score": "x mean sigma", "prior_log_density": "x sigma",
    "score_from_velocity": "x_t u_path scale sigma scale_rate sigma_rate",
    "log_normal_sigma": "z log_mean deviation", "logit_normal_time": "z log_mean deviation",
    "classifier_free_guidance": "score score_hat guidance",
    "consistency_scalings": "sigma_above sigma_data sigma_min",
    # the last are what the function that it calls returns
    "heun_step": "x_ve sigma sigma_s score score_hat",
    "x0_prediction_loss": "x_0 sigma eps prediction",
    "edm_loss": "x_0 sigma eps sigma_data prediction",
    "v_prediction_loss": "x_0 alpha_bar eps prediction",
    "flow_matching_loss": "x_0 t eps prediction",
}


def names_of(kind):
    """What a kind takes, each argument by the name of its range."""
    if kind.name in UNLIKE:
        return UNLIKE[kind.name].split()
    data = next((BESIDE[level] for level in BESIDE if level in kind.args), "x_0")
    names = {**NAMES, "x": data, "x_t": data}
    return [names.get(arg, arg) for arg in kind.args if arg not in ("prediction", "variance")]


# function, and its choice -> what it takes, by the name of its range
ELEMENTWISE = {
    ", ".join(filter(None, [kind.name, choice])): names_of(kind) for kind in KINDS.values()
    if kind.name in UNLIKE or kind.form in (BATCH, ROWS, LEVEL) and not calls_a_function(kind)
    and "means" not in kind.args and not kind.adaptive
    for choice in CHOICES.get(kind.name, [""])}


def elementwise(name, dtype, rng):
    """Cases of a function that acts on every number by itself: where, results, truth, arguments."""
    words, *choice = name.split(", ")
    function, names = of_values(getattr(refsgm, words), KINDS[words]), ELEMENTWISE[name]
    truth = fifty_digits.truth(name)
    for _ in range(CASES):
        draw = Draw(rng, dtype)
        arrays = [draw[n] for n in names]
        where = ", ".join(f"{n} = {draw[n]:.1e}" for n in names)
        # of Python numbers alone the result is float64
        both = set(names) - LEVELS - NUMBERS or dtype == np.float64
        results = (function(*[int(a) if n == "dim" else float(a) if n in NUMBERS or n in levels
                              else np.full((1, 1), a) for n, a in zip(names, arrays)], *choice)
                   for levels in ((), LEVELS)[:1 + bool(both)])      # of cases that are looked at
        yield where, results, lambda *args: truth(*(a[()] for a in args)), arrays


def tables(name, dtype, rng):
    """Cases of a function that makes or takes a table; every entry of the result by itself."""
    truth = fifty_digits.truth(name)
    for i in range(TABLE_CASES):
        draw, n = Draw(rng, dtype), int(rng.integers(2, 20))
        low, high = float(draw["sigma_min"]), float(draw["sigma_max"])
        betas = 10**rng.uniform(-8, -2 if i == 0 else -0.01, 200 if i == 0 else n).astype(dtype)
        shares = 1 - np.append(dtype(0), betas[betas > 1e-6][:20])
        by_name = {
            "sigma_max": high, "sigma_min": low, "n_levels": n, "n_steps": n, "rho": 7.0,
            **dict(zip(("beta_min", "beta_max"), np.sort(rng.uniform(1e-6, 1, 2)).tolist())),
            "offset": 10**rng.uniform(-4, 0), "betas": betas, "alpha_bar": np.cumprod(shares),
            "sigmas": np.geomspace(high, low, n).astype(dtype), "step_size": float(draw["beta"])}
        if name == "cosine_alpha_bar":
            by_name |= {"n_steps": (4, 10, 30, 100, 300, 1000)[i], "beta_max": 0.999}
        args = [by_name[arg] for arg in KINDS[name].args]
        where = ", ".join(f"{n} entries" if np.ndim(a) else f"{a:.1e}" for a in args)
        result = tuple(getattr(refsgm, name)(*args))
        yield where, [result], lambda *args: truth(*(a[()] for a in args)), args


class Mixture:
    """A random mixture and points: covariances, centre, distance, weights anywhere in the range."""

    def __init__(self, i, dtype, rng):
        K, D = 1 + i % 3, 1 + i // 3 % 2
        tiny = {"float64": 1e-300, "float32": 1e-38}[np.dtype(dtype).name]

        def among(*choices):
            return float(choices[rng.integers(len(choices))])

        self.condition = 10**among(0, 6, rng.uniform(0, 6)) if D > 1 else 1.0
        self.shift = among(0, 1e6, 10**rng.uniform(-1, 6))
        self.far = among(1, 1e6, 10**rng.uniform(-3, 6))
        self.sigma, self.noise = (10**among(-8, 8, *rng.uniform(-8, 8, 3)) for _ in range(2))
        self.scale = among(1, 10**rng.uniform(-4, 0))
        self.tiny = K > 1 and bool(rng.integers(2))
        axes = np.linalg.qr(rng.standard_normal((K, D, D)))[0]
        covs = np.einsum("kij,j,klj->kil", axes, np.geomspace(1, 1 / self.condition, D), axes)
        self.covs = ((covs + np.swapaxes(covs, 1, 2)) / 2).astype(dtype)
        centre = self.shift * rng.choice([-1, 1], size=D)
        self.means = (2 * rng.standard_normal((K, D)) + centre).astype(dtype)
        weights = rng.dirichlet(np.ones(K))
        if self.tiny:
            weights[0] = 0.0
            weights /= np.sum(weights)
            weights[0] = tiny
        self.weights, self.dtype = weights.astype(dtype), dtype
        self.direction, self.offset = rng.standard_normal((2, D))
        self.matrix = rng.standard_normal((D, D))
        self.k = rng.integers(K)

    def point(self, spread, scale=1.0):
        """A point `far` standard deviations from one of the components (1, D)."""
        x = scale * self.means[self.k].astype(float) + self.far * spread * self.direction
        return x[None].astype(self.dtype)

    def where(self, *names):
        return ", ".join(f"{name} = {getattr(self, name):.1e}" for name in names) + (
            ", a weight of 1e-300" if self.tiny and self.dtype == np.float64 else
            ", a weight of 1e-38" if self.tiny else "")


def mixtures_of_gaussians(name, dtype, rng):
    """Cases of a method of GaussianMixture (or of Gaussian, its case of one component)."""
    method = name.split(".")[1]
    for i in range(MIXTURE_CASES):
        m = Mixture(i, dtype, rng)
        p = refsgm.GaussianMixture(m.weights, m.means, m.covs)
        levels, spread, scale = [], 1.0, 1.0
        if method in ("denoise", "denoise_cov", "perturb"):
            levels = [np.array(a, dtype) for a in (m.sigma, m.scale)]
            spread, scale = np.hypot(m.sigma, m.scale), m.scale
        x = m.point(spread, scale)
        arrays = [m.weights, m.means, m.covs, x[0], *levels]
        if method in ("mean", "cov"):
            results = [getattr(p, method)]
        elif method == "perturb":
            noisy = p.perturb(*map(float, levels))
            results = [(noisy.means, noisy.covs)]
        else:
            results = [getattr(p, method)(x, *map(float, levels)),
                       getattr(p, method)(x, *(a.reshape(1, 1) for a in levels))]
        names = ["condition", "shift", *(["far"] if method in METHODS else []),
                 *(["sigma", "scale"] if levels else [])]
        yield m.where(*names), results, fifty_digits.mixture_function(method), arrays


def common_sigma(name, dtype, rng):
    """Cases of mixture_* and of Empirical, summed directly and by matrix products."""
    owner, _, method = name.rpartition(".")
    method = method.removeprefix("mixture_")
    for i in range(MIXTURE_CASES):
        m = Mixture(i, dtype, rng)
        noise, levels, names = np.array(m.noise, dtype), [], ["shift", "far", "noise"]
        if method.startswith("denoise"):
            levels, names = [np.array(a, dtype) for a in (m.sigma, m.scale)], [*names, "sigma",
                                                                               "scale"]
        x = m.point(np.hypot(m.scale * m.noise, m.sigma) if levels else m.noise,
                    m.scale if levels else 1.0)
        truth = fifty_digits.common_sigma(method)
        arrays = [m.weights, m.means, noise, x[0], *levels]
        if owner:
            call = getattr(refsgm.Empirical(m.means).perturb(float(noise)), method)
            truth, arrays, columns = fifty_digits.equal_weights(truth), arrays[1:], levels
            rest = ()
        else:
            call, columns, rest = getattr(refsgm, name), [noise], (m.weights, m.means)
        results = []
        for products in (False, True):
            with matrix_products(products):
                results += [call(x, *rest, *map(float, columns)),
                            call(x, *rest, *(a.reshape(1, 1) for a in columns))]
        yield m.where(*names), results, truth, arrays


@contextlib.contextmanager
def matrix_products(used):
    """Mixtures with one sigma are summed by matrix products, or directly."""
    before, sums.DIRECT = sums.DIRECT, 0 if used else 10**9
    try:
        yield
    finally:
        sums.DIRECT = before


AFFINE = {
    "affine_explicit_score_matching": "explicit", "affine_implicit_score_matching": "implicit",
    "affine_denoising_score_matching": "denoising",
    "affine_noise_prediction_loss": "noise_prediction",
    "affine_noise_conditional_score_matching": "noise_conditional",
    **{f"{name}, {directions}": "sliced" for name in ("affine_sliced_variance",
                                                      "affine_sliced_variance_vr")
       for directions in ("normal", "rademacher", "sphere")}}


def affine(name, dtype, rng):
    """Cases of a population loss in closed form; every third score is almost the true one."""
    words, directions = name.split(", ")[0], name.split(", ")[1:]
    for i in range(AFFINE_CASES):
        m = Mixture(3 * i, dtype, rng)                                     # one component
        sigma, method = dtype(m.sigma), AFFINE[name]
        p = refsgm.Gaussian(m.means[0], m.covs[0])
        matrix, offset = m.matrix.astype(dtype), m.offset.astype(dtype)
        if i % 3 == 0:
            matrix = ((0.01 * m.matrix - np.eye(len(offset)))
                      @ np.linalg.inv(m.covs[0].astype(float))).astype(dtype)
            offset = (0.01 * m.offset - matrix @ m.means[0]).astype(dtype)
        levels = [np.array(sigma)] if method in ("denoising", "noise_prediction") else []
        arrays = [matrix, offset, m.means[0], m.covs, *levels]
        names = ["condition", "shift", *(["sigma"] if levels else [])]
        truth, function = fifty_digits.affine_function(method), getattr(refsgm, words)
        if method == "sliced":
            result = function(matrix, offset, p, *directions)
            truth = fifty_digits.affine_function(method, directions[0], words.endswith("vr"))
        elif method == "noise_conditional":
            matrices, offsets = np.stack([matrix, 2 * matrix]), np.stack([offset, offset])
            sigmas = np.array([m.sigma, m.sigma / 3], dtype)
            result, names = function(matrices, offsets, p, sigmas), [*names, "sigma"]
            truth = fifty_digits.affine_levels
            arrays = [matrices.reshape(-1, p.dim), offsets, m.means[0], m.covs, sigmas]
        else:
            result = function(matrix, offset, p, *map(float, levels))
        yield m.where(*names), [tuple(result)], truth, arrays


METHODS = [name for name, value in inspect.getmembers(refsgm.Empirical) if name[0] != "_"
           and callable(value) and name not in ("perturb", "quadrature", "sample")]
TABLES = [kind.name for kind in KINDS.values() if kind.form == TABLE]
FLOAT64 = [name for name in TABLES if not {"betas", "alpha_bar", "sigmas"} & {*KINDS[name].args}]
CASES_OF = {
    **dict.fromkeys(ELEMENTWISE, elementwise), **dict.fromkeys(TABLES, tables),
    **dict.fromkeys(["mixture_log_density", "mixture_score"], common_sigma),
    **{f"GaussianMixture.{name}": mixtures_of_gaussians
       for name in [*METHODS, "mean", "cov", "perturb"]},
    **{f"Empirical.{name}": common_sigma for name in METHODS},
    **dict.fromkeys(AFFINE, affine)}


class Figure(NamedTuple):
    """The worst error of a function in one dtype, the condition number there, and where it is."""

    units: float
    condition: float
    where: str


def dtypes_of(name):
    """The dtypes that a function is measured in: tables made from numbers are float64."""
    return list(DTYPES)[:1] if name in FLOAT64 else list(DTYPES)


def measure(name, dtype, every=1):
    """The `Figure` of one function in one dtype, over all of its cases or every few of them."""
    worst, dtype = Figure(-1.0, 1.0, ""), DTYPES[dtype]
    rng = np.random.default_rng(sum(name.encode()))
    with np.errstate(over="ignore"):                              # where the truth is too large too
        cases = CASES_OF[name](name, dtype, rng)
        for where, results, truth, arrays in itertools.islice(cases, None, None, every):
            expected = fifty_digits.values_and_conditions(truth, arrays)
            for got in results:
                worst = max(worst, Figure(*fifty_digits.units(got, expected, dtype), where))
    return worst


def stored():
    """(function, dtype) -> the units that the ledger has."""
    rows = re.findall(r"^\| `(.+?)` \| (\w+) \| ([\d.]+) \|", LEDGER.read_text(), re.MULTILINE)
    return {(name, dtype): float(units) for name, dtype, units in rows}


HEAD = f"""\
# Accuracy

Written by `python -m ledgers.accuracy`, and checked in every seventh case by
`ledgers/test_accuracy.py`, which fails when a figure is above {LIMIT}, or more than twice the
stored one and more than one unit.

Every closed form is compared with mpmath at 50 digits. The error of a result is that of its entry
which is furthest off, over the size of its largest entry, in units of the condition number times
the machine epsilon (2.2e-16 or 1.2e-7). The condition number is 1 + sum over the arguments of the
largest effect that a small relative change of one of their entries has on the result, relative to
both; zeros and ones are exact, and symmetric entries of a covariance change together. A result of
several parts counts by its worst part, a table by its worst entry. The arguments are numbers of the
dtype that is measured; noise levels are given as one number and as columns (B, 1); mixtures with
one sigma are summed directly and by matrix products. Where the truth is too large for the dtype
there is no error; everywhere else an infinity or NaN is an infinite one.

## Ranges

Magnitudes are drawn evenly in their logarithm, with either sign where that makes sense:
{{cases}} cases for each function of single numbers, {{tables}} for each of tables, {{mixtures}} for
each of distributions and {{affine}} for each population loss, in each dtype.

| argument | range |
|---|---|
{{ranges}}
| tables | 2 to 200 entries; for `cosine_alpha_bar` up to 1000 |
| mixtures | one to three components in one or two dimensions, about two deviations apart |
| condition | that of the covariances: 1 to 1e6, both ends too |
| shift | distance of the data from the origin in deviations: 0 to 1e6, both ends too |
| far | distance of x from a component in deviations of the noisy data: 1e-3 to 1e6, far end too |
| noise, sigma | standard deviations: 1e-8 to 1e8, both ends too |
| weights | half of the mixtures have one of 1e-300 (1e-38 in float32) |
| affine scores | random ones, and every third within a percent of the true score |

## Worst errors

| function | dtype | units | condition number there | where |
|---|---|---|---|---|
"""


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    ranges = "\n".join(f"| {name} | {words} |" for name, (words, _) in RANGES.items())
    lines = HEAD.format(cases=CASES, tables=TABLE_CASES, mixtures=MIXTURE_CASES,
                        affine=AFFINE_CASES, ranges=ranges)
    for name in CASES_OF:
        for dtype in dtypes_of(name):
            figure = measure(name, dtype)
            line = (f"| `{name}` | {dtype} | {figure.units:.2f} | {figure.condition:.1e} "
                    f"| {figure.where} |")
            print(line, flush=True)
            lines += line + "\n"
    LEDGER.parent.mkdir(exist_ok=True)
    LEDGER.write_text(lines)


if __name__ == "__main__":
    main()
