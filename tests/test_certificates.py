"""Certificates of samplers: right ones are certified, and what is wrong with others is named."""

import re

import numpy as np
import pytest

import refsgm
from refsgm import check_sampler
from refsgm.oracle import sampler as certificates


def pairs(levels):
    """(from, to) of every step, for levels in the order in which they are visited."""
    return zip(levels[:-1], levels[1:])


def reverse_sde(score, x, sigmas, rng, drift=1.0, noise=1.0):
    """Euler-Maruyama for the reverse SDE, its drift and noise times a factor."""
    for t, s in pairs(sigmas):
        gap = t * t - s * s
        x = x + drift * gap * score(x, t) + noise * gap**0.5 * rng.standard_normal(x.shape)
        yield x


def flow(score, x, sigmas, drift=1.0):
    """Euler for the probability flow, its drift times a factor."""
    for t, s in pairs(sigmas):
        x = x + drift * (t - s) * t * score(x, t)
    return x


def ddpm(eps, x, alpha_bar, rng, power=0.5):
    """DDPM; with power = 1 the variance stands where its root is meant."""
    for t, s in pairs(alpha_bar[::-1]):
        alpha, z = t / s, rng.standard_normal(x.shape)
        mean = (x - (1 - alpha) / (1 - t)**0.5 * eps(x, t)) / alpha**0.5
        x = mean + ((1 - s) / (1 - t) * (1 - alpha))**power * z
    return x


def langevin(score, x, step_size, n_steps, rng, drift=0.5, noise=1.0, power=0.5):
    for _ in range(n_steps):
        x = (x + drift * step_size * score(x)
             + noise * step_size**power * rng.standard_normal(x.shape))
    return x


VE = {"probability flow, Heun": (2, True, lambda s, x, sigmas, rng:
                                 refsgm.probability_flow_sampler(s, x, sigmas)),
      "probability flow, Euler": (1, True, lambda s, x, sigmas, rng: flow(s, x, sigmas)),
      "reverse SDE": (1, False, reverse_sde)}
VP = {"DDPM": (False, lambda e, x, alpha_bar, rng: refsgm.ddpm_sampler(e, x, alpha_bar, rng)),
      "DDPM by hand": (False, ddpm),
      "DDIM": (True, lambda e, x, alpha_bar, rng: refsgm.ddim_sampler(e, x, alpha_bar, 0.0, rng)),
      "DDIM, eta = 1/2": (False, lambda e, x, alpha_bar, rng:
                          refsgm.ddim_sampler(e, x, alpha_bar, 0.5, rng))}


@pytest.mark.parametrize("name", VE)
def test_right_samplers_are_certified_in_ve(name):
    """[POP-3] [POP-4] [VE-1] [VE-2] [VE-3]"""
    order, deterministic, sampler = VE[name]
    certificate = check_sampler(sampler, claimed_order=order, deterministic=deterministic)
    assert certificate.ok, certificate
    assert certificate.method == "exact"
    assert abs(certificate.order - order) < 0.05


@pytest.mark.parametrize("name", VP)
def test_right_samplers_are_certified_in_vp(name):
    """[POP-3] [POP-4] [DDPM-3] [DDIM-1]"""
    deterministic, sampler = VP[name]
    certificate = check_sampler(sampler, coordinates="vp", claimed_order=1,
                                deterministic=deterministic)
    assert certificate.ok, certificate
    assert abs(certificate.order - 1) < 0.1


def test_a_network_in_float32_within_a_loop_in_float64_is_certified():
    """As torch users often have it: the states would lose digits, the network may."""
    def narrow(score):
        return lambda x, t: score(x.astype(np.float32), t).astype(np.float64)

    def narrow_outside(score):
        return lambda x, t: score(x, t).astype(np.float32)

    for cast in (narrow, narrow_outside):
        right = check_sampler(lambda s, x, sigmas, rng, cast=cast: flow(cast(s), x, sigmas),
                              claimed_order=1)
        assert right.ok, right
        assert any("float32" in note for note in right.notes)
    wrong = check_sampler(lambda s, x, sigmas, rng: flow(narrow(s), x, sigmas, 0.5))
    assert "0.5 times that of the probability flow" in str(wrong)


def test_the_rng_of_a_sampler_draws_as_numpy_generators_do():
    """Each way of asking in turn, from step to step."""
    asks = [lambda rng, std, shape: std * rng.standard_normal(shape),
            lambda rng, std, shape: std * rng.standard_normal(size=shape),
            lambda rng, std, shape: rng.normal(0.0, std, shape),
            lambda rng, std, shape: rng.normal(scale=std, size=shape)]

    def sampler(score, x, sigmas, rng):
        for i, (t, s) in enumerate(pairs(sigmas)):
            gap = t * t - s * s
            x = x + gap * score(x, t) + asks[i % len(asks)](rng, gap**0.5, x.shape)
        return x
    assert check_sampler(sampler, deterministic=False).ok
    for size in (None, 4, (2,)):
        refused = check_sampler(lambda s, x, sigmas, rng, size=size: rng.normal(size=size))
        assert "every sample needs noise of its own" in str(refused)


WRONG = {
    "too much noise": (lambda *a: reverse_sde(*a, noise=1.2), {}, "too large by a factor 1.2 "),
    "too little noise": (lambda *a: reverse_sde(*a, noise=0.5**0.5), {},
                         "too small by a factor 0.707"),
    "no noise": (lambda *a: reverse_sde(*a, noise=0.0), {}, "g^2 / 2"),
    "half the drift": (lambda *a: reverse_sde(*a, drift=0.5), {},
                       "drift of the probability flow, which takes no noise"),
    "twice the drift": (lambda *a: reverse_sde(*a, drift=2.0), {},
                        "score term is 2 times that of the reverse SDE"),
    "sign": (lambda s, x, sigmas, rng: flow(s, x, sigmas, -1.0), {}, "sign of the score"),
    "half the flow": (lambda s, x, sigmas, rng: flow(s, x, sigmas, 0.5), {},
                      "0.5 times that of the probability flow"),
    "order": (lambda s, x, sigmas, rng: flow(s, x, sigmas), {"claimed_order": 2},
              "converges at order 0.99, where order 2 is claimed"),
    "noisy end": (lambda s, x, sigmas, rng: [*reverse_sde(s, x, sigmas, rng)][-1]
                  + 0.5 * rng.standard_normal(x.shape), {}, "last step adds noise of standard "
                  "deviation 0.5 "),
    "unit start": (lambda s, x, sigmas, rng: flow(s, rng.standard_normal(x.shape), sigmas), {},
                   "starts from N(0, 1) instead of N(0, sigma_max^2)"),
    "unscaled start": (lambda s, x, sigmas, rng: flow(s, x, sigmas), {"start": "noise"},
                       "starts from N(0, 1) instead of N(0, sigma_max^2)"),
    "start scaled twice": (lambda s, x, sigmas, rng: flow(s, sigmas[0] * x, sigmas), {},
                           'say start="noise"'),
    "clipped": (lambda s, x, sigmas, rng: np.clip(flow(s, x, sigmas), -1, 1), {}, "it clips"),
    "not deterministic": (reverse_sde, {"deterministic": True}, "said to be deterministic"),
    "not stochastic": (lambda s, x, sigmas, rng: flow(s, x, sigmas), {"deterministic": False},
                       "adds no noise"),
    "one noise for all": (lambda s, x, sigmas, rng: x + np.random.default_rng().standard_normal(2),
                          {}, "one noise vector for the whole batch"),
    "raises": (lambda s, x, sigmas, rng: 1 / 0, {}, "raises ZeroDivisionError"),
    "wrong shape": (lambda s, x, sigmas, rng: x[:, 0], {}, "returns shape"),
    "not finite": (lambda s, x, sigmas, rng: x / 0, {}, "not finite"),
    "variance as deviation": (lambda *a: ddpm(*a, power=1.0), {"coordinates": "vp"},
                              "a variance stands where the standard deviation is meant"),
    "langevin noise": (lambda *a: langevin(*a, noise=2**0.5), {"kind": "langevin"},
                       "too large by a factor 1.41"),
    "langevin sign": (lambda *a: langevin(*a, drift=-0.5), {"kind": "langevin"},
                      "sign of the score"),
    "langevin noise linear": (lambda *a: langevin(*a, power=1.0), {"kind": "langevin"},
                              "proportional to the step size"),
    "langevin steps": (lambda s, x, a, n, rng: langevin(s, x, a, 2 * n - 1, rng),
                       {"kind": "langevin"}, "5 steps move as far as 9 steps"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_sampler_is_named(name):
    sampler, options, sentence = WRONG[name]
    certificate = check_sampler(sampler, **options)
    assert not certificate.ok
    assert any(sentence in problem for problem in certificate.problems), certificate.problems


def test_langevin_is_certified_with_the_bias_of_its_step():
    """[LANG-3] C (I - a/4 C^-1)^-1, in both conventions; the second is named."""
    mine = check_sampler(refsgm.langevin, kind="langevin", claimed_order=1)
    C = certificates.COV
    assert mine.ok
    for a, _, error in mine.rows:
        limit = C @ np.linalg.inv(np.eye(2) - a / 4 * np.linalg.inv(C))
        assert abs(error - np.max(np.abs(limit - C))) < 1e-9
    other = check_sampler(lambda *a: langevin(*a, drift=1.0, noise=2**0.5), kind="langevin")
    assert other.ok
    assert "a convention" in other.notes[0]


def test_a_sampler_may_scale_its_start_itself_and_refuse_zero_noise():
    def log_levels(score, x, sigmas, rng):
        if sigmas[-1] == 0:
            raise ValueError("log 0")
        return refsgm.probability_flow_sampler(score, sigmas[0] * x, sigmas)
    certificate = check_sampler(log_levels, start="noise", claimed_order=2)
    assert certificate.ok, certificate
    assert "does not take sigma = 0" in certificate.notes[0]


def test_models_may_predict_other_things():
    def with_denoiser(denoise, x, sigmas, rng):
        for t, s in pairs(sigmas):
            x = x + (s - t) / t * (x - denoise(x, t))
        return x
    assert check_sampler(with_denoiser, predicts="x0", claimed_order=1).ok


def test_a_last_step_that_adds_noise_is_noted():
    """Euler-Maruyama does, ancestral sampling does not, whose last noise comes before."""
    noted = check_sampler(reverse_sde).notes
    assert len(noted) == 1
    assert "its last step, to no noise, still adds noise" in noted[0]

    def ancestral(score, x, sigmas, rng):
        for t, s in pairs(sigmas):
            z = rng.standard_normal(x.shape) if s > 0 else 0.0
            x = x + (t*t - s*s) * score(x, t) + s / t * (t*t - s*s)**0.5 * z
        return x
    certificate = check_sampler(ancestral)
    assert certificate.ok
    assert certificate.notes == []


def test_a_slope_at_the_wrong_level_costs_heun_an_order():
    """[VE-2] The second slope divided by the first level."""
    def wrong_heun(score, x, sigmas, rng):
        for t, s in pairs(sigmas):
            x_hat = x + (t - s) * t * score(x, t)
            second = s * s * score(x_hat, s) / t
            x = x + (t - s) / 2 * (t * score(x, t) + second) if s > 0 else x_hat
        return x
    certificate = check_sampler(wrong_heun, claimed_order=2)
    assert "where order 2 is claimed" in certificate.problems[0]


def own_noise(factor):
    """A sampler that draws its start and noise from NumPy's global state."""
    def sampler(score, x, sigmas, rng):
        draw = np.random.standard_normal                                         # noqa: NPY002
        x = sigmas[0] * draw(x.shape)
        for t, s in pairs(sigmas):
            x = x + (t*t - s*s) * score(x, t) + factor * (t*t - s*s)**0.5 * draw(x.shape)
        return x
    return sampler


@pytest.mark.parametrize("factor", [1.0, 1.1])
def test_samplers_that_draw_their_own_noise_are_judged_from_chains(factor):
    """Within five standard errors of the limit of many steps."""
    np.random.seed(0)                                                            # noqa: NPY002
    certificate = check_sampler(own_noise(factor))
    assert certificate.ok == (factor == 1.0), certificate
    assert "chains" in certificate.method
    assert certificate.sampling_error > 0
    assert "standard errors" in certificate.notes[0]
    if factor != 1.0:
        found = re.match(r"its noise is too large by a factor ([\d.]+) ", certificate.problems[0])
        assert abs(float(found[1]) - factor) < certificate.power / 2        # power is of a variance


@pytest.mark.parametrize("noise", [1.0, 1.1])
def test_langevin_with_noise_of_its_own_is_judged_from_chains(noise):
    """[LANG-3]"""
    rng = np.random.default_rng(0)
    certificate = check_sampler(lambda s, x, a, n, _: langevin(s, x, a, n, rng, noise=noise),
                                kind="langevin")
    assert certificate.ok == (noise == 1.0), certificate
    assert "chains" in certificate.method


def test_other_steps_with_the_right_stationary_law_are_certified():
    """The exact step of the Ornstein-Uhlenbeck process, whose drift depends on the step size."""
    def exact_step(score, x, a, n, rng):
        mean = x + score(x) @ certificates.COV
        decay = np.exp(-a / 2)
        noise = (1 - decay**2)**0.5 * rng.standard_normal(x.shape) @ np.linalg.cholesky(
            certificates.COV).T
        return mean + decay * (x - mean) + noise
    assert check_sampler(lambda s, x, a, n, rng: repeated(exact_step, s, x, a, n, rng),
                         kind="langevin").ok


def repeated(step, score, x, a, n, rng):
    for _ in range(n):
        x = step(score, x, a, 1, rng)
    return x


def test_a_certificate_prints_and_is_plain_data():
    import json
    certificate = check_sampler(lambda s, x, sigmas, rng: flow(s, x, sigmas), claimed_order=2)
    text = str(certificate)
    assert "not certified" in text
    assert max(map(len, text.splitlines())) <= 100
    assert json.loads(json.dumps(certificate.as_dict()))["claimed_order"] == 2
    assert not certificate


def test_a_sampler_that_hangs_is_stopped():
    def endless(score, x, sigmas, rng):
        while True:
            pass
    assert "no answer within 0.2 s" in check_sampler(endless, seconds=0.2).problems[0]


def test_torch_samplers_are_certified_exactly_too():
    torch = pytest.importorskip("torch")

    def sampler(score, x, sigmas, rng):
        for t, s in pairs(sigmas):
            z = rng.standard_normal(x.shape)
            x = x + (t*t - s*s) * score(x, t) + torch.sqrt(t*t - s*s) * z
        return x
    assert check_sampler(sampler, "torch", claimed_order=1).ok

    def in_single(score, x, sigmas, rng):
        x, sigmas = x.float(), sigmas.float()
        for t, s in pairs(sigmas):
            x = x + (t - s) * t * score(x.double(), t).float()
        return x
    certificate = check_sampler(in_single, "torch", claimed_order=1)
    assert certificate.ok, certificate
    assert "float32" in certificate.notes[0]


@pytest.mark.parametrize("name", ["kind", "coordinates", "predicts", "start"])
def test_unknown_options_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be one of .*, got 'none'"):
        check_sampler(reverse_sde, **{name: "none"})
