"""v, velocities, flow matching, EDM, guidance: one prediction is every other, on any path."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import refsgm
from tests.support.controls import instead, rejects, scaled
from tests.support.tolerances import (AUTODIFF, EXACT, QUADRATURE, alpha_bars, gauss_hermite,
                                      normal, seeds, shapes, sigmas)

RATIO = np.log(30.0)
# name -> t: (scale, sigma); the last two are one line, in the two directions of time
PATHS = {
    "VE": lambda t: (1.0 + 0 * t, 0.1 * np.exp(RATIO * t)),
    "VP": lambda t: (np.exp(-t - t**2), (1 - np.exp(-2 * t - 2 * t**2))**0.5),
    "scaled": lambda t: (1 / (1 + t**2), 2 * t / (1 + t**2)),
    "data at 0": lambda t: (1 - t, t),
    "data at 1": lambda t: (t, 1 - t),
}
times = st.floats(0.2, 0.8)


def rate(f, t):
    """df/dt by the complex step."""
    return np.imag(f(t + 1e-30j)) / 1e-30


def kernel(path, t):
    """scale, sigma and their rates at a time, as Python floats."""
    scale, sigma = PATHS[path](t)
    return (float(scale), float(sigma), float(rate(lambda t: PATHS[path](t)[0], t)),
            float(rate(lambda t: PATHS[path](t)[1], t)))


def converters(x_t, scale, sigma, *rates):
    """name of a prediction -> (to it from (x_0, eps), from it to (x_0, eps)), at one x_t."""
    def of_eps(eps):
        return refsgm.x0_from_eps(x_t, eps, scale, sigma), eps

    def of_score(score):
        return (refsgm.x0_from_score(x_t, score, scale, sigma),
                refsgm.eps_from_score(score, sigma))

    return {
        "eps": (lambda x_0, eps: refsgm.eps_from_x0(x_t, x_0, scale, sigma), of_eps),
        "x0": (lambda x_0, eps: refsgm.x0_from_eps(x_t, eps, scale, sigma),
               lambda x_0: (x_0, refsgm.eps_from_x0(x_t, x_0, scale, sigma))),
        "score": (lambda x_0, eps: refsgm.score_from_eps(eps, sigma), of_score),
        "score by x0": (lambda x_0, eps: refsgm.score_from_x0(x_t, x_0, scale, sigma), of_score),
        "v": (lambda x_0, eps: refsgm.v_from_x0_eps(x_0, eps, scale, sigma),
              lambda v: (refsgm.x0_from_v(x_t, v, scale, sigma),
                         refsgm.eps_from_v(x_t, v, scale, sigma))),
        "velocity": (lambda x_0, eps: refsgm.velocity_from_score(
            x_t, refsgm.score_from_eps(eps, sigma), scale, sigma, *rates),
            lambda u: of_score(refsgm.score_from_velocity(x_t, u, scale, sigma, *rates))),
    }


@rejects("velocity_from_score", "the sign of the score", lambda f: lambda x, s, *k: f(x, -s, *k),
         "VP", ("eps", "velocity"))
@rejects("score_from_velocity", "1e-9 off", scaled(1 + 1e-9), "VE", ("velocity", "v"))
@rejects("x0_from_v", "1e-9 off", scaled(1 + 1e-9), "data at 1", ("v", "eps"))
@pytest.mark.parametrize("pair", list(itertools.permutations(
    ["eps", "x0", "score", "score by x0", "v", "velocity"], 2)), ids=" ".join)
@pytest.mark.parametrize("path", PATHS)
def test_every_pair_of_predictions_goes_there_and_back(path, pair):
    """On every path, in both directions of time, to 1e-12 of the size of the numbers.
    [EQV-1] [EQV-5] [EQV-6] [EQV-7] [PATH-1] [FLOW-1]"""
    for seed, t in enumerate((0.25, 0.5, 0.8)):
        x_0, eps = normal(seed, 2, 4, 3)
        k = kernel(path, t)
        x_t = k[0] * x_0 + k[1] * eps
        (to_one, from_one), (to_other, from_other) = (converters(x_t, *k)[name] for name in pair)
        one = to_one(x_0, eps)
        other = to_other(*from_one(one))
        assert_allclose(other, to_other(x_0, eps), rtol=1e-12, atol=1e-12 * np.max(np.abs(other)))
        back = to_one(*from_other(other))
        assert_allclose(back, one, rtol=1e-12, atol=1e-12 * np.max(np.abs(one)))


@rejects("velocity_from_score", "no sigma_rate", lambda f: lambda x, s, a, b, da, db: f(
    x, s, a, b, da, 0 * db), "data at 0")
@rejects("velocity_from_score", "sigma for sigma squared in Tweedie's formula",
         lambda f: lambda x, s, a, b, da, db: f(x, s, a, b, da, db) + da * (b - b**2) * s / a,
         "VP")
@pytest.mark.parametrize("path", PATHS)
@given(seeds, times)
def test_the_velocity_of_a_sample_is_the_slope_of_its_path(path, seed, t):
    """The score of the kernel, -eps / sigma, gives d x_t / dt. [PATH-1] [GAUSS-4]"""
    x_0, eps = normal(seed, 2, 3, 2)
    scale, sigma, *rates = kernel(path, t)
    slope = rate(lambda t: PATHS[path](t)[0] * x_0 + PATHS[path](t)[1] * eps, t)
    u = refsgm.velocity_from_score(scale * x_0 + sigma * eps, -eps / sigma, scale, sigma, *rates)
    assert_allclose(u, slope, rtol=1e-10, atol=1e-10)


@rejects("velocity_from_score", "the drift of the SDE, twice the score",
         lambda f: lambda x, s, *k: f(x, 2 * s, *k), "VE")
@pytest.mark.parametrize("path", PATHS)
def test_the_velocity_carries_a_gaussian_along_its_marginals(path):
    """From N(m, c^2) a point keeps its distance from the mean in deviations. [PATH-1] [SDE-2]"""
    m, c, z, t = 0.7, 1.3, normal(0, 5, 1), 0.4

    def point(t):
        scale, sigma = PATHS[path](t)
        return scale * m + (scale**2 * c**2 + sigma**2)**0.5 * z

    scale, sigma, *rates = kernel(path, t)
    score = refsgm.gaussian_score(point(t), scale * m, (scale**2 * c**2 + sigma**2)**0.5)
    u = refsgm.velocity_from_score(point(t), score, scale, sigma, *rates)
    assert_allclose(u, rate(point, t), rtol=1e-10, atol=1e-10)


@given(seeds, shapes, times)
def test_on_the_line_the_velocity_is_eps_less_x_0(seed, shape, t):
    """And with data at time 1 it is x_0 - eps. [PATH-1] [EQV-8] [FLOW-1]"""
    x_0, eps = normal(seed, 2, *shape)
    for direction, path in ((1, "data at 0"), (-1, "data at 1")):
        scale, sigma, *rates = kernel(path, t)
        x_t = scale * x_0 + sigma * eps
        u = refsgm.velocity_from_score(x_t, -eps / sigma, scale, sigma, *rates)
        assert_allclose(u, direction * refsgm.velocity_from_x0_eps(x_0, eps), rtol=1e-10,
                        atol=1e-10)
        time = t if direction == 1 else 1 - t
        assert_allclose(refsgm.x0_from_velocity(x_t, direction * u, time), x_0, rtol=1e-10,
                        atol=1e-10)


@rejects("sde_coefficients", "g squared for g", lambda f: lambda *k: (f(*k)[0], f(*k)[1]**2))
@rejects("sde_coefficients", "f without its sign", lambda f: lambda *k: (-f(*k)[0], f(*k)[1]))
@rejects("sde_coefficients", "2 f sigma^2 left out",
         lambda f: lambda a, s, da, ds: (da / a, (2 * s * ds)**0.5))
@given(times)
def test_the_sde_of_a_path_is_that_of_ve_vp_and_the_line(t):
    """VE: 0 and g. VP: -beta / 2 and sqrt(beta). The line: -1 / (1 - t) and 2 t / (1 - t), the
    square of g. [PATH-2] [VE-7] [VP-1]"""
    def ve(t):
        return refsgm.ve_marginal(t, 0.01, 50.0)

    f, g = refsgm.sde_coefficients(1.0, ve(t), 0.0, float(rate(ve, t)))
    assert f == 0.0
    assert_allclose(g, refsgm.ve_diffusion_coefficient(t, 0.01, 50.0), **AUTODIFF)
    beta = 0.1 + t * (20.0 - 0.1)
    rates = [float(rate(lambda t, i=i: refsgm.vp_marginal(t)[i], t)) for i in (0, 1)]
    f, g = refsgm.sde_coefficients(*refsgm.vp_marginal(t), *rates)
    assert_allclose((f, g), (-beta / 2, beta**0.5), **AUTODIFF)
    f, g = refsgm.sde_coefficients(*refsgm.flow_marginal(t), -1.0, 1.0)
    assert_allclose((f, g**2), (-1 / (1 - t), 2 * t / (1 - t)), **EXACT)


@pytest.mark.parametrize("path", [path for path in PATHS if path != "data at 1"])
def test_the_moments_of_the_sde_are_those_of_the_path(path):
    """d scale / dt = f scale and d sigma^2 / dt = 2 f sigma^2 + g^2. [PATH-2]"""
    for t in (0.2, 0.5, 0.9):
        scale, sigma, *rates = kernel(path, t)
        f, g = refsgm.sde_coefficients(scale, sigma, *rates)
        variance_rate = rate(lambda t: PATHS[path](t)[1]**2, t)
        assert_allclose(f * scale, rates[0], rtol=1e-12, atol=1e-15)
        assert_allclose(2 * f * sigma**2 + g**2, variance_rate, rtol=1e-10)


@given(seeds, times)
def test_the_velocity_is_the_drift_of_the_probability_flow(seed, t):
    """u = f x - g^2 / 2 score, for VP -beta / 2 (x + score). [PATH-1] [PATH-2] [SDE-2] [VP-2]"""
    x, score = normal(seed, 2, 3, 2)
    scale, sigma, *rates = kernel("VP", t)
    u = refsgm.velocity_from_score(x, score, scale, sigma, *rates)
    f, g = refsgm.sde_coefficients(scale, sigma, *rates)
    assert_allclose(u, f * x - g**2 / 2 * score, rtol=1e-10, atol=1e-10)
    beta = 2 + 4 * t                                             # scale = exp(-t - t^2)
    drift = refsgm.vp_probability_flow_drift(x, score, beta)
    assert_allclose(u, drift, rtol=1e-10, atol=1e-10)


def test_what_a_path_cannot_tell_is_refused():
    """A velocity where sigma / scale is constant, and an SDE that takes noise away."""
    x = np.ones((2, 3))
    with pytest.raises(ValueError, match="^sigma / scale must change with time"):
        refsgm.score_from_velocity(x, x, 0.5, 0.25, -1.0, -0.5)
    with pytest.raises(ValueError, match="^sigma / scale must not fall with time, which runs from"):
        refsgm.sde_coefficients(*refsgm.flow_marginal(0.25)[::-1], 1.0, -1.0)
    with pytest.raises(ValueError, match="^scale must be positive, got 0"):
        refsgm.velocity_from_score(x, x, 0.0, 1.0, -1.0, 1.0)
    with pytest.raises(ValueError, match="^sigma_rate must be finite, got inf"):
        refsgm.sde_coefficients(0.5, 0.5, -1.0, float("inf"))
    with pytest.raises(ValueError, match=r"^scale_rate must be a scalar or have shape \(B, 1\)"):
        refsgm.score_from_velocity(x, x, 0.5, 0.25, -np.ones(2), 1.0)


@rejects("flow_marginal", "data at time 1", lambda f: lambda t: f(t)[::-1])
@given(seeds, shapes, times)
def test_the_flow_kernel_is_the_line_from_data_to_noise(seed, shape, t):
    """At time 0 it is the data, at time 1 the noise, and its slope is constant. [FLOW-1]"""
    x_0, eps = normal(seed, 2, *shape)
    for time, end in ((0.0, x_0), (1.0, eps)):
        scale, sigma = refsgm.flow_marginal(time)
        assert_allclose(scale * x_0 + sigma * eps, end, **EXACT)
    scale, sigma = refsgm.flow_marginal(t)
    assert_allclose(scale * x_0 + sigma * eps, x_0 + t * (eps - x_0), **EXACT)


@rejects("shift_time", "the shift upside down", lambda f: lambda t, c: f(t, 1 / c))
@rejects("shift_time", "shift t alone", instead(lambda t, c: c * t))
@given(st.floats(0.01, 0.99), st.floats(0.1, 10), st.floats(0.1, 10))
def test_a_shift_multiplies_the_ratio_of_noise_to_signal(t, shift, other):
    """Two shifts are one by their product, and the ends stay. [FLOW-2]"""
    def odds(t):
        scale, sigma = refsgm.flow_marginal(t)
        return sigma / scale

    shifted = refsgm.shift_time(t, shift)
    assert_allclose(odds(shifted), shift * odds(t), rtol=1e-11)
    assert_allclose(refsgm.shift_time(shifted, other), refsgm.shift_time(t, shift * other), **EXACT)
    assert_allclose(refsgm.shift_time(shifted, 1 / shift), t, **EXACT)
    assert refsgm.shift_time(0.0, shift) == 0.0
    assert refsgm.shift_time(1.0, shift) == 1.0


@rejects("cosine_marginal", "alpha_bar for its root",
         lambda f: lambda t, o: (f(t, o)[0]**2, f(t, o)[1]))
@rejects("cosine_marginal", "not divided by its value at t = 0", instead(lambda t, o: (
    np.cos((t + o) / (1 + o) * np.pi / 2), np.sin((t + o) / (1 + o) * np.pi / 2))))
@given(st.integers(2, 60), st.floats(0.001, 0.1))
def test_the_cosine_path_is_the_cosine_table_between_its_steps(n, offset):
    """[VP-7] [VP-5] alpha_bar = scale^2 at every step but the last, which the table caps."""
    t = np.arange(n) / n
    scale, sigma = refsgm.cosine_marginal(t, offset)
    assert_allclose(scale**2, refsgm.cosine_alpha_bar(n, offset)[:-1], **EXACT)
    assert_allclose(scale**2 + sigma**2, 1.0, **EXACT)
    assert_allclose(refsgm.cosine_marginal(1.0, offset), (0.0, 1.0), **EXACT)


@rejects("consistency_scalings", "those of EDM",
         lambda f: lambda s, d, least: f(s + least, d, least))
@rejects("consistency_scalings", "c_out lacks sigma_data",
         lambda f: lambda s, d, least: (f(s, d, least)[0], f(s, d, least)[1] / d))
@given(sigmas, sigmas, st.floats(0.001, 0.9))
def test_a_consistency_model_keeps_what_is_at_sigma_min(sigma, data, share):
    """[CM-1] c_skip = 1 and c_out = 0 there; where sigma_min is small they are EDM's. [EDM-1]"""
    least = share * sigma
    assert refsgm.consistency_scalings(least, data, least) == (1.0, 0.0)
    skip, out = refsgm.consistency_scalings(sigma, data, least)
    assert_allclose((1 / skip - 1)**0.5 * data, sigma - least, rtol=1e-6)
    assert_allclose(out * np.hypot(sigma, data), data * (sigma - least), rtol=1e-10)
    edm = refsgm.edm_preconditioning(sigma, data)[:2]
    assert_allclose(refsgm.consistency_scalings(sigma, data, 1e-9 * sigma), edm, rtol=1e-6)


@rejects("flow_step", "the step backwards", lambda f: lambda x, u, t, s: f(x, u, s, t))
@rejects("flow_step", "goes all the way to s = 0", lambda f: lambda x, u, t, s: f(x, u, t, 0 * s))
@given(seeds, shapes, st.floats(0, 1), st.floats(0, 1))
def test_a_flow_step_moves_along_the_line(seed, shape, t, s):
    """With the velocity of a sample it is exact, in both directions; with a prediction it joins the
    predicted x_0 and eps again at s, as DDIM does. [FLOW-3] [DDIM-1]"""
    x_0, eps = normal(seed, 2, *shape)
    step = refsgm.flow_step((1 - t) * x_0 + t * eps, eps - x_0, t, s)
    assert_allclose(step, (1 - s) * x_0 + s * eps, **EXACT)
    x_t, u = normal(seed + 1, 2, *shape)
    x0_hat, eps_hat = refsgm.x0_from_velocity(x_t, u, t), x_t + (1 - t) * u
    assert_allclose(refsgm.flow_step(x_t, u, t, s), (1 - s) * x0_hat + s * eps_hat, **EXACT)


def error_of(seed, shape):
    """Clean data, noise, and the error that a denoiser makes: a function of the sample alone."""
    return normal(seed, 3, *shape)


@rejects("x0_prediction_loss", "with the 1/2", scaled(0.5))
@rejects("x0_prediction_loss", "mean over features", scaled(lambda f, x, *_: 1 / (1 + x.shape[1])))
@given(seeds, shapes, sigmas)
def test_the_denoising_loss_is_sigma_squared_times_noise_prediction(seed, shape, sigma):
    """And 2 sigma^4 times DSM, sample by sample. [PRED-1] [EQV-2] [DSM-1]"""
    x, eps, off = error_of(seed, shape)
    loss = refsgm.x0_prediction_loss(lambda x_noisy, sigma: x_noisy - sigma * off, x, sigma, eps)
    noise = refsgm.noise_prediction_loss(lambda x_noisy, sigma: off, x, sigma, eps)
    dsm = refsgm.denoising_score_matching(lambda x_noisy, sigma: -off / sigma, x, sigma, eps)
    assert_allclose(loss, sigma**2 * noise, rtol=1e-9, atol=1e-9)
    assert_allclose(loss, 2 * sigma**4 * dsm, rtol=1e-9, atol=1e-9)


@rejects("edm_loss", "no weight", lambda f: lambda d, x, s, eps, data: f(d, x, s, eps, data)
         / refsgm.edm_weight(s, data))
@rejects("edm_loss", "the root of the weight", lambda f: lambda d, x, s, eps, data: f(
    d, x, s, eps, data) / refsgm.edm_weight(s, data)**0.5)
@given(seeds, shapes, st.floats(0.1, 10), st.floats(0.2, 3))
def test_the_edm_loss_is_the_squared_error_of_the_inner_network(seed, shape, sigma, sigma_data):
    """F is trained on (x - c_skip x_noisy) / c_out. [PRED-2] [EDM-1] [WGT-3]"""
    x, eps, F = error_of(seed, shape)
    c_skip, c_out, _, _ = refsgm.edm_preconditioning(sigma, sigma_data)
    target = (x - c_skip * (x + sigma * eps)) / c_out
    loss = refsgm.edm_loss(lambda x_noisy, sigma: c_skip * x_noisy + c_out * F, x, sigma, eps,
                           sigma_data)
    assert_allclose(loss, np.sum((F - target)**2, axis=1), rtol=1e-9, atol=1e-9)


@rejects("v_prediction_loss", "sqrt(alpha_bar) and sqrt(1 - alpha_bar) swapped",
         lambda f: lambda v, x, a, eps: f(v, x, 1 - a, eps))
@rejects("v_prediction_loss", "v with the other sign",
         lambda f: lambda v, x, a, eps: f(lambda x, a: -v(x, a), x, a, eps))
@given(seeds, shapes, alpha_bars)
def test_the_v_loss_is_snr_plus_one_times_the_denoising_loss(seed, shape, alpha_bar):
    """For one prediction as v and as x_0. [PRED-3] [EQV-7] [EQV-10]"""
    x_0, eps, off = error_of(seed, shape)
    scale, sigma = alpha_bar**0.5, (1 - alpha_bar)**0.5
    v_hat = refsgm.v_from_x0_eps(x_0, eps, scale, sigma) + off
    x0_hat = refsgm.x0_from_v(scale * x_0 + sigma * eps, v_hat, scale, sigma)
    loss = refsgm.v_prediction_loss(lambda x_t, alpha_bar: v_hat, x_0, alpha_bar, eps)
    weight = refsgm.signal_to_noise_ratio(alpha_bar) + 1
    # x_0 - x0_hat = sigma off is a small difference where sigma is small
    assert_allclose(loss, weight * np.sum((x_0 - x0_hat)**2, axis=1), rtol=1e-6, atol=1e-9)
    assert_allclose(loss, np.sum(off**2, axis=1), rtol=1e-9, atol=1e-9)


def test_the_v_loss_calls_the_network_at_x_t():
    """In VP coordinates, and also without noise, where v is eps. [PRED-3] [DDPM-1]"""
    x_0, eps = normal(0, 2, 4, 3)
    for alpha_bar in (1.0, 0.4):
        seen = []
        refsgm.v_prediction_loss(lambda x, a: seen.append((x, a)) or x, x_0, alpha_bar, eps)  # noqa: B023
        assert_allclose(seen[0][0], refsgm.diffuse(x_0, alpha_bar, eps), **EXACT)
        assert seen[0][1] == alpha_bar
    loss = refsgm.v_prediction_loss(lambda x, a: 0 * x, x_0, 1.0, eps)
    assert_allclose(loss, np.sum(eps**2, axis=1), **EXACT)


@rejects("flow_matching_loss", "data at time 1", lambda f: lambda u, x, t, eps: f(
    lambda x, t: -u(x, t), x, t, eps))
@rejects("flow_matching_loss", "x_0 and eps swapped",
         lambda f: lambda u, x, t, eps: f(u, eps, t, x))
@given(seeds, shapes, times)
def test_the_flow_matching_loss_is_the_denoising_loss_over_t_squared(seed, shape, t):
    """For one prediction as a velocity and as x_0, at the point of the line. [PRED-4] [EQV-8]"""
    x_0, eps, off = error_of(seed, shape)

    def u_fn(x_t, t):
        assert_allclose(x_t, (1 - t) * x_0 + t * eps, **EXACT)
        return eps - x_0 + off + x_t - ((1 - t) * x_0 + t * eps)

    loss = refsgm.flow_matching_loss(u_fn, x_0, t, eps)
    x0_hat = refsgm.x0_from_velocity((1 - t) * x_0 + t * eps, eps - x_0 + off, t)
    assert_allclose(loss, np.sum((x_0 - x0_hat)**2, axis=1) / t**2, rtol=1e-9, atol=1e-9)


def test_the_flow_matching_loss_is_least_at_the_velocity_of_the_path():
    """On N(0, c^2), over linear velocities a x: there the derivative of the mean loss vanishes.
    [PRED-4] [PATH-1]"""
    z, w = gauss_hermite(4, 2)
    c, t = 1.7, 0.3
    x_0, eps = c * z[:, :1], z[:, 1:]
    variance = (1 - t)**2 * c**2 + t**2
    x = np.ones((1, 1))
    a = refsgm.velocity_from_score(x, -x / variance, 1 - t, t, -1.0, 1.0)[0, 0]

    def mean(a):
        return w @ refsgm.flow_matching_loss(lambda x, t: a * x, x_0, t, eps)

    h = 0.5                                    # the loss is quadratic, so differences are exact
    assert_allclose((mean(a + h) - mean(a - h)) / (2 * h), 0.0, atol=1e-12)


@rejects("log_normal_sigma", "variance for deviation",
         lambda f: lambda z, m=-1.2, d=1.2: f(z, m, d**2))
@rejects("log_normal_sigma", "no exponential", instead(lambda z, m=-1.2, d=1.2: abs(m + d * z)))
@given(st.floats(-3, 3), st.floats(0.2, 2))
def test_log_sigma_is_normal_in_training(mean, deviation):
    """Mean, variance and E sigma = exp(mean + deviation^2 / 2), by quadrature. [LEVEL-1]"""
    z, w = gauss_hermite(60)
    sigma = refsgm.log_normal_sigma(z[:, 0], mean, deviation)
    assert_allclose(w @ np.log(sigma), mean, rtol=1e-9, atol=1e-9)
    assert_allclose(w @ (np.log(sigma) - mean)**2, deviation**2, **QUADRATURE)
    assert_allclose(w @ sigma, np.exp(mean + deviation**2 / 2), **QUADRATURE)


@rejects("logit_normal_time", "data at time 1", lambda f: lambda *args: 1 - f(*args))
@rejects("logit_normal_time", "no mean", lambda f: lambda z, m=0.0, d=1.0: f(z, 0.0, d))
@given(seeds, st.floats(-3, 3), st.floats(0.2, 2))
def test_a_logit_normal_time_is_a_log_normal_level(seed, mean, deviation):
    """Its odds t / (1 - t) have the law of EDM's sigma, and a shift of time moves the mean.
    [LEVEL-2] [LEVEL-1] [FLOW-2]"""
    z = normal(seed, 7)
    t = refsgm.logit_normal_time(z, mean, deviation)
    scale, sigma = refsgm.flow_marginal(t)
    assert_allclose(sigma / scale, refsgm.log_normal_sigma(z, mean, deviation), rtol=1e-9)
    shifted = refsgm.shift_time(refsgm.logit_normal_time(z, 0.0, deviation), float(np.exp(mean)))
    assert_allclose(t, shifted, **EXACT)


@rejects("classifier_free_guidance", "the other zero of the scale",
         lambda f: lambda c, u, scale: f(c, u, 1 + scale))
@rejects("classifier_free_guidance", "the two predictions swapped",
         lambda f: lambda c, u, scale: f(u, c, scale))
@given(seeds, st.floats(0, 10))
def test_guidance_tilts_the_density_by_a_power(seed, scale):
    """For N(m, I) against N(0, I): the score of q (q_c / q)^scale; scale 1 is no guidance.
    [GUIDE-1] [SCORE-1] [GAUSS-2]"""
    x, m = normal(seed, 2, 3, 2)
    conditional, unconditional = m - x, -x
    guided = refsgm.classifier_free_guidance(conditional, unconditional, scale)
    assert_allclose(guided, refsgm.gaussian_score(x, scale * m, 1.0), rtol=1e-11, atol=1e-11)
    assert_allclose(refsgm.classifier_free_guidance(conditional, unconditional, 1.0), conditional,
                    **EXACT)
    assert_allclose(refsgm.classifier_free_guidance(conditional, unconditional, 0.0), unconditional,
                    **EXACT)
    paper = (1 + scale) * conditional - scale * unconditional       # of Ho and Salimans
    assert_allclose(refsgm.classifier_free_guidance(conditional, unconditional, 1 + scale), paper,
                    rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("path", PATHS)
def test_it_does_not_matter_which_prediction_is_guided(path):
    """Scores, eps, x_0, v and velocities give one guided model. [GUIDE-1] [PATH-1]"""
    x_t, one, other = normal(0, 3, 4, 3)
    k = kernel(path, 0.4)
    guided = refsgm.classifier_free_guidance(one, other, 3.5)           # as eps
    for to_it, from_it in converters(x_t, *k).values():
        predictions = [to_it(refsgm.x0_from_eps(x_t, eps, *k[:2]), eps) for eps in (one, other)]
        _, eps = from_it(refsgm.classifier_free_guidance(*predictions, 3.5))
        assert_allclose(eps, guided, rtol=1e-10, atol=1e-10)


X = np.ones((1, 2))


@pytest.mark.parametrize(("call", "message"), [
    (lambda: refsgm.flow_marginal(1.5), r"t must be in \[0, 1\], got 1.5"),
    (lambda: refsgm.cosine_marginal(0.5, 0.0), "offset must be positive, got 0.0"),
    (lambda: refsgm.consistency_scalings(0.1, 1.0, 0.2),
     "sigma must be sigma_min, 0.2, or larger, got 0.1"),
    (lambda: refsgm.shift_time(0.5, 0.0), "shift must be positive, got 0.0"),
    (lambda: refsgm.shift_time(0.5, np.ones(2)), "shift must be a scalar, got shape"),
    (lambda: refsgm.flow_step(X, X, 0.5, -0.1),
     r"s must be in \[0, 1\], got -0.1"),
    (lambda: refsgm.edm_loss(lambda x, s: x, X, 1.0, X, 0.0),
     "sigma_data must be positive, got 0.0"),
    (lambda: refsgm.edm_loss(lambda x, s: x[0], X, 1.0, X, 1.0),
     r"denoiser_fn\(x_noisy, sigma\) must return shape \(1, 2\), got shape \(2,\)"),
    (lambda: refsgm.x0_prediction_loss(lambda x, s: x, X, 0.0, X),
     "sigma must be positive, got 0.0"),
    (lambda: refsgm.v_prediction_loss(lambda x, a: x[:, :1], X, 0.5, X),
     r"v_fn\(x_t, alpha_bar_t\) must return shape \(1, 2\), got shape \(1, 1\)"),
    (lambda: refsgm.flow_matching_loss(lambda x, t: x, X, np.ones(2), X),
     r"t must be a scalar or have shape \(B, 1\) = \(1, 1\), got shape \(2,\)"),
    (lambda: refsgm.log_normal_sigma(0.0, 0.0, -1.0), "deviation must be positive, got -1.0"),
    (lambda: refsgm.logit_normal_time(np.nan), "z must be finite, got nan"),
    (lambda: refsgm.classifier_free_guidance(X, np.ones((1, 3)), 1.0),
     r"unconditional must have the shape of conditional, \(1, 2\), got shape \(1, 3\)"),
])
def test_bad_input_is_refused_in_one_sentence(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()
