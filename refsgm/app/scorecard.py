"""The field's toy claims as exact numbers, each beside what sampling gives.

    a  the weight of the larger of two modes, after plain and after annealed Langevin dynamics
    b  the Fisher divergence of a score learnt without noise, by region
    c  the variance of sliced score matching against the number of directions
    d  the bias of Langevin dynamics against its step size
    e  the observed order of every sampler
    f  on digits: the trained network against the ideal score, and its bits per dimension

The mixture of (a) and (b) is that of Song and Ermon 2019, section 3.2: weights 1/5 and 4/5 at
(-5, -5) and (5, 5), unit variance, chains from the uniform law on [-8, 8]^2.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from . import datasets
from ..exact.affine_losses import affine_sliced_variance, affine_sliced_variance_vr
from ..exact.gaussian_mixtures import Gaussian, GaussianMixture
from ..exact.empirical import Empirical
from ..exact.mixtures import mixture_score
from ..equivalence import eps_from_score, ve_from_vp, vp_from_ve, vp_score_from_ve
from ..gaussian import gaussian_log_density
from ..learn.generate import SAMPLERS
from ..learn.pool import at_work, chosen, rows_of_parts
from ..exact.langevin_laws import annealed_langevin_law, langevin_law
from ..exact.sampler_laws import convergence_order, sampler_law
from ..exact.likelihood import bits_per_dimension, log_likelihood
from ..objectives import noise_prediction_loss
from ..samplers import annealed_langevin, langevin, normal_like
from ..noise_levels import alpha_bar_from_sigma, geometric_sigmas
from ..steps import vp_probability_flow_drift, vp_reverse_sde_drift
from ..learn.training import Settings, model_of, start, training_steps

SIDE, CHAINS, STEP = 8.0, 1280, 0.1                                       # of (a) and (b)
LEVELS = geometric_sigmas(20.0, 1.0, 10)
WEIGHTS, MODES = np.array([0.2, 0.8]), np.array([[-5.0, -5.0], [5.0, 5.0]])
NOISES = (0.0, 5.0)                                                       # of (b)
DIRECTIONS = (1, 10, 100)                                                 # of (c)
STEPS = (200, 400, 800)                                                   # of (e)
SIGNS = 4                            # of (f): directions of an estimate of a divergence, per digit


def two_modes(variance, dim=2):
    """The mixture with components of this variance; with dim = 1, along the diagonal x = y.

    Its law across the diagonal is that of one Gaussian, so u = (x + y) / sqrt(2) moves on its own.
    """
    means = MODES if dim == 2 else np.array([[-50.0**0.5], [50.0**0.5]])
    return GaussianMixture(WEIGHTS, means, variance * np.stack([np.eye(dim)] * 2))


def uniform_start(order=400):
    """Nodes (M, 1) and weights (M,) of u for (x, y) uniform on the square: a triangular law."""
    from scipy.special import roots_legendre
    z, w = roots_legendre(order)
    half = SIDE * 2**0.5
    u = half * (z + 1) / 2                                         # Gauss-Legendre on [0, half]
    w = w * (half - u)
    return np.concatenate([-u, u])[:, None], np.concatenate([w, w]) / (2 * np.sum(w))


def annealed_by(variance):
    """An experiment of (a): annealed Langevin with components of this variance at sigma."""
    return (lambda s, u, w, spacing: annealed_langevin_law(s, u, w, LEVELS, 100, STEP, spacing),
            lambda s, x, rng: annealed_langevin(s, x, LEVELS, 100, STEP, rng), variance)


# name: (its law on the line, its chains in the plane, variance of the components at sigma): plain,
# annealed with sigma^2 as the authors' code has it, annealed with the true noisy law
EXPERIMENTS = {
    "Langevin": (
        lambda s, u, w, spacing: langevin_law(lambda x: s(x, 1.0), u, w, STEP, 1000, spacing),
        lambda s, x, rng: langevin(lambda x: s(x, 1.0), x, STEP, 1000, rng), lambda sigma: 1.0),
    "annealed, variance sigma^2": annealed_by(lambda sigma: sigma**2),
    "annealed, variance 1 + sigma^2": annealed_by(lambda sigma: 1 + sigma**2),
}


def exact_weights(spacing=0.2):
    """(a) experiment -> exact weight of the larger mode, and the law along the diagonal."""
    from scipy.special import ndtr
    results = {}
    for name, (law_of, _, variance) in EXPERIMENTS.items():
        law = law_of(lambda x, sigma, variance=variance: two_modes(variance(sigma), 1).score(x),
                     *uniform_start(), spacing)
        results[name] = float(law.weights @ ndtr(law.means[:, 0] / law.covs[0, 0, 0]**0.5)), law
    return results


def langevin_experiments(seed):
    """(a) experiment -> exact weight, its change on a finer grid, the weight of chains in the plane
    with its standard error, and the law.
    """
    results, finer = {}, exact_weights(0.17)
    for i, (name, (exact, law)) in enumerate(exact_weights().items()):
        _, chains, variance = EXPERIMENTS[name]
        rng = np.random.default_rng([seed, i])
        *_, x = chains(lambda x, sigma, variance=variance: mixture_score(
            x, WEIGHTS, MODES, variance(sigma)**0.5),
                       rng.uniform(-SIDE, SIDE, (CHAINS, 2)), rng)
        results[name] = {"exact": exact, "between_grids": abs(exact - finer[name][0]),
                         "chains": float(np.mean(x.sum(axis=1) > 0)),
                         "standard_error": (exact * (1 - exact) / CHAINS)**0.5, "law": law}
    return results


def learn_score(noise, n_steps, seed):
    """(b) A network's score of the mixture with this noise, learnt by ISM from fresh samples.

    Without noise the network's sigma is one, a constant input.
    """
    settings = Settings(objective="ism", n_steps=n_steps, width=64, depth=2, seed=seed,
                        learning_rate=5e-3)
    rng, sigma = np.random.default_rng(seed), max(noise, 1.0)
    law = two_modes(1.0)
    law.sample(256, rng)
    level = np.full((256, 1), sigma, settings.dtype)

    def batches():
        while True:
            x = law.sample(256, rng).astype(settings.dtype)
            yield x, level, rng.standard_normal(x.shape, dtype=x.dtype) * (noise > 0), None

    spread = np.mean(law.cov.diagonal())**0.5
    ends = spread * np.array([[-1.0, -1.0], [1.0, 1.0]])       # of the law's mean and spread
    state = start(ends, settings)
    for _ in training_steps(ends, settings, state, batches()):
        pass
    return partial(model_of(ends, settings, state.average).score, sigma=sigma)


def fisher_by_region(score_fn, p, n=320):
    """(b) region -> share of p, mean of |s - grad log p|^2 under p there, and over the area there.

    By the midpoint rule with n^2 points on the square where chains start; the second figure sums
    over the regions to the Fisher divergence [FISHER-1] of what lies in the square.
    """
    axis = SIDE * ((2 * np.arange(n) + 1) / n - 1)
    x = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    mass = np.exp(p.log_density(x)) * (2 * SIDE / n)**2
    truth = p.score(x)
    wrong = np.sum((score_fn(x.astype(np.float32)) - truth)**2, axis=1)
    square = np.sum(truth**2, axis=1)
    near = np.min([np.sum((x - mode)**2, axis=1) for mode in MODES], axis=0) < 9
    middle = np.sum(x**2, axis=1) < 16
    regions = {"within 3 of a mode": near, "between: within 4 of the origin": middle,
               "the rest of the square": ~near & ~middle}
    return {name: {"mass": float(np.sum(mass[inside])),
                   "divergence": float(np.sum((mass * wrong)[inside])),
                   "error": float(np.mean(wrong[inside])),
                   "relative_error": float(np.mean(wrong[inside]) / np.mean(square[inside]))}
            for name, inside in regions.items()}


def learnt_score(noise, n_steps, seed):
    """(b) A score of `learn_score`, and its `fisher_by_region`."""
    score_fn = learn_score(noise, n_steps, seed)
    return score_fn, fisher_by_region(score_fn, two_modes(1 + noise**2))


def sliced_variances(dim=64):
    """(c) loss, law of directions -> `SlicedVariance`, and the variance by number of directions,
    in units of that of ISM.

    For the true score of a Gaussian in 64 dimensions whose variances fall from 1 to 0.01.
    """
    axes, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((dim, dim)))
    variances = np.geomspace(1.0, 0.01, dim)
    cov = (axes * variances) @ axes.T
    p = Gaussian(np.zeros(dim), (cov + cov.T) / 2)
    matrix, offset = -(axes / variances) @ axes.T, np.zeros(dim)
    results = {}
    losses = {"SSM": affine_sliced_variance, "SSM-VR": affine_sliced_variance_vr}
    for name, variance_of in losses.items():
        for directions in ("normal", "sphere", "rademacher"):
            over_x, over_v = variance_of(matrix, offset, p, directions)
            results[f"{name}, {directions}"] = {
                "over_x": float(over_x), "over_v": float(over_v),
                "total": {m: float(1 + over_v / over_x / m) for m in DIRECTIONS}}
    return results


def langevin_bias(step_sizes=(0.03, 0.1, 0.3, 1.0, 2.0, 3.0), n_steps=300, chains=20_000, seed=0):
    """(d) step size -> variance after n steps from N(0, 1) on it: exact, limit, of chains."""
    rng, results = np.random.default_rng(seed), {}
    for a in step_sizes:
        _, covs = sampler_law(lambda x, rng, a=a: langevin(np.negative, x, a, n_steps, rng),
                              np.zeros(1), np.eye(1))
        *_, x = langevin(np.negative, rng.standard_normal((chains, 1)), a, n_steps, rng)
        exact = float(covs[-1, 0, 0])
        results[a] = {"exact": exact, "limit": 1 / (1 - a / 4), "chains": float(np.mean(x**2)),
                      "standard_error": exact * (2 / chains)**0.5}
    return results


class KnownScore(NamedTuple):
    """A score function (x, sigma) -> (B, D) with the noise prediction that goes with it."""

    score: Callable

    def eps(self, x, sigma):
        """-sigma times the score."""
        return eps_from_score(self.score(x, sigma), sigma)


def vp_euler(score, x, sigmas, rng):
    """Euler's method in VP coordinates, with noise if there is an rng; exact integral of beta."""
    levels = sigmas.tolist()
    x, alpha_bar_t = vp_from_ve(x, levels[0])
    for sigma_t, sigma_s in zip(levels[:-1], levels[1:]):
        alpha_bar_s = alpha_bar_from_sigma(sigma_s)
        rate = math.log(alpha_bar_s / alpha_bar_t)                               # beta times |dt|
        score_vp = vp_score_from_ve(score(ve_from_vp(x, alpha_bar_t)[0], sigma_t), alpha_bar_t)
        if rng is None:
            x = x - vp_probability_flow_drift(x, score_vp, rate)
        else:
            x = x - vp_reverse_sde_drift(x, score_vp, rate) + rate**0.5 * normal_like(x, rng)
        alpha_bar_t = alpha_bar_s
        yield ve_from_vp(x, alpha_bar_t)[0]


def by_name(name):
    """A sampler of `refsgm sample` that works in VE coordinates, as one of a score function."""
    return lambda score, x, sigmas, rng: SAMPLERS[name](KnownScore(score), x, sigmas, rng)


def by_name_in_vp(name, **options):
    """The same of DDPM or DDIM, in VE coordinates; the last step, to no noise, is left out."""
    def sampler(score, x, sigmas, rng):
        states = SAMPLERS[name](KnownScore(score), x, np.append(sigmas, 0.0), rng, **options)
        for sigma, x_vp in zip(sigmas[1:].tolist(), states):
            yield ve_from_vp(x_vp, alpha_bar_from_sigma(sigma))[0]
    return sampler


# name: (order, function (score, x, sigmas, rng) -> states in VE coordinates)
ORDERS = {
    "probability flow, Euler": (1, by_name("euler")),
    "probability flow, Heun": (2, by_name("heun")),
    "probability flow, Euler in VP": (1, lambda s, x, sigmas, rng: vp_euler(s, x, sigmas, None)),
    "reverse SDE": (1, by_name("reverse-sde")),
    "reverse SDE in VP": (1, vp_euler),
    "ancestral": (1, by_name("ancestral")),
    "DDPM": (1, by_name_in_vp("ddpm")),
    "DDIM": (1, by_name_in_vp("ddim", eta=0.0)),
    "DDIM, eta = 1": (1, by_name_in_vp("ddim", eta=1.0)),
}


def observed_order(name):
    """(e) The order of a sampler as it should be, and the `Order` observed on a Gaussian."""
    p = Gaussian(np.array([1.0, -0.5]), np.array([[1.0, 0.4], [0.4, 0.5]]))
    order, sampler = ORDERS[name]
    return order, convergence_order(sampler, p, lambda n: geometric_sigmas(5.0, 0.2, n + 1), STEPS)


def digits_levels(model, x, x_test, rng):
    """(f) sigma -> mean of sigma^2 |s_model - s_ideal|^2 per feature on noisy training digits, and
    the noise-prediction losses per feature of both on held-out digits.
    """
    results, dtype = {}, model.center.dtype
    for sigma in model.sigmas.tolist():
        ideal = Empirical(x).perturb(sigma)
        noisy, eps = x + sigma * rng.standard_normal(x.shape), rng.standard_normal(x_test.shape)
        apart = model.score(noisy.astype(dtype), sigma) - ideal.score(noisy)
        losses = [noise_prediction_loss(eps_fn, x_test, sigma, eps) for eps_fn in (
            lambda x, sigma: model.eps(x.astype(dtype), sigma),
            lambda x, sigma, ideal=ideal: eps_from_score(ideal.score(x), sigma))]
        results[sigma] = {"apart": float(np.mean(sigma**2 * apart**2)),
                          "model": float(np.mean(losses[0]) / model.dim),
                          "ideal": float(np.mean(losses[1]) / model.dim)}
    return results


def digits_bits(model, x, x_test, rng, rtol=1e-4, note=None):
    """(f) Bits per dimension of held-out digits under the model, and under one Gaussian.

    The 17 grey levels are bins of width 1/8; the digits are spread evenly over their bins, which
    makes the figure a bound on the length of a code. The prior is the Gaussian that the network
    was built around. Divergences are estimated along random signs [OPS-3], which leaves each mean
    as it is and is part of its standard error. `note` is told how far the noise has come.
    """
    width, dtype = 1 / 8, model.center.dtype
    spread = x_test + width * (rng.random(x_test.shape) - 0.5)
    ends = float(model.sigmas[-1]), float(model.sigmas[0])

    def prior(x):
        return gaussian_log_density(x, model.center, math.hypot(ends[1], model.sigma_data))

    def score(x, sigma):
        if note is not None:
            note(f"(f) bits per dimension of digits: noise {sigma:.3g} of {ends[0]:.3g} to "
                 f"{ends[1]:.3g}")
        return model.score(x, sigma)

    way = chosen(len(spread), [np.shape(p) for p in model.params], 1 + SIGNS, 100)
    signs = rng.choice([-1.0, 1.0], size=(SIGNS, *spread.shape)).astype(dtype)
    log_p = np.concatenate(at_work(way)(*(
        partial(log_likelihood, score, spread[rows].astype(dtype), *ends, v=signs[:, rows],
                prior=prior, rtol=rtol) for rows in rows_of_parts(len(spread), way.parts))))
    noise = (width**2 / 12 + ends[0]**2) * np.eye(model.dim)
    gaussian = Gaussian(np.mean(x, axis=0), np.cov(x.T) + noise)
    return {name: {"bits": float(np.mean(bits)),
                   "standard_error": float(np.std(bits) / len(bits)**0.5)}
            for name, bits in (
                ("network", bits_per_dimension(log_p, model.dim, width)),
                ("Gaussian", bits_per_dimension(gaussian.log_density(spread), model.dim, width)))}


def digits(model, seed, note=None):
    """(f) Both tables, for a model of the digits; `note` is told what is being computed."""
    x, x_test, _, _ = datasets.digits()
    if model.dim != x.shape[1]:
        raise ValueError(f"--digits needs a model of dimension {x.shape[1]}, got {model.dim}")
    rng = np.random.default_rng(seed)
    return {"levels": digits_levels(model, x, x_test, rng),
            "bits": digits_bits(model, x, x_test, rng, note=note)}
